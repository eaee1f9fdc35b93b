"""Logs in with a real provider of OpenID Connect: the stock client in each of its ways, and a browser; and is refused.

A cloud on simulated metal relies on a provider on loopback, and not on another one; all are started and removed here.
Everything that a cloud is told, it is told with `openstack`. The result ends with the line `N passed, N failed`.
"""

import argparse
import http.cookiejar
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from html.parser import HTMLParser

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, '..', '..', 'kit')]

from cloud import Cloud, Trouble, free_port  # noqa: E402
from provider import Provider  # noqa: E402
from report import Report  # noqa: E402

DASHBOARD = 'http://dashboard.invalid/auth/websso/'
CALLBACK = '/identity/v3/auth/OS-FEDERATION/oidc/callback'
# where a program of somebody's own has its codes sent
TAKEN = 'http://program.invalid/taken'
SCOPE = {'PROJECT_NAME': 'demo', 'PROJECT_DOMAIN_ID': 'default'}
CLIENT = os.path.join(os.path.dirname(sys.executable), 'openstack')

STAFF = {'local': [{'user': {'id': '{0}', 'name': '{1}', 'email': '{2}'}}, {'groups': '{3}', 'domain': {'name': 'corp'}}],
          'remote': [{'type': 'OIDC-sub'}, {'type': 'OIDC-preferred_username'}, {'type': 'OIDC-email'}, {'type': 'OIDC-groups', 'whitelist': ['staff', 'guests']}]}
ROBOTS = {'local': [{'user': {'id': 'robot', 'name': 'robot'}}, {'group': {'name': 'staff', 'domain': {'name': 'corp'}}}],
          'remote': [{'type': 'OIDC-preferred_username', 'any_one_of': ['robot']}]}


class Form(HTMLParser):
    """The first form of a page."""

    def __init__(self, page):
        super().__init__()
        self.action, self.fields = None, {}
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        if tag == 'form' and self.action is None:
            self.action = given.get('action') or ''
        elif tag == 'input' and given.get('name'):
            self.fields[given['name']] = given.get('value') or ''


class Arrived(Exception):
    """The browser is sent where nothing is but what the address says."""


class Stop(urllib.request.HTTPRedirectHandler):
    """Follows redirects, but not to a program of somebody's own."""

    def redirect_request(self, request, fp, code, message, headers, url):
        if url.startswith(TAKEN):
            raise Arrived(url)
        return super().redirect_request(request, fp, code, message, headers, url)


class Browser:
    """Follows, keeps cookies, and fills in forms."""

    def __init__(self):
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()), Stop)

    def go(self, url, fields=None):
        """Where it ends, and the page there."""
        data = None if fields is None else urllib.parse.urlencode(fields).encode()
        with self.opener.open(urllib.request.Request(url, data), timeout=20) as answer:
            return answer.geturl(), answer.read().decode()

    def log_in(self, url, name, until):
        """Fills in whatever is asked until a page shows what is waited for."""
        url, page = self.go(url)
        for _ in range(8):
            if until in page:
                return page
            form = Form(page)
            if form.action is None:
                break
            fields = {**form.fields, **{field: value for field, value in (('login', name), ('password', 'right')) if field in form.fields}}
            url, page = self.go(urllib.parse.urljoin(url, form.action), fields)
        raise Trouble(f'the browser is stuck at {url}: {page[:300]}')


class Relied(Provider):
    """A provider, and what its users and programs have of it."""

    def access_token(self, client, name='ann'):
        """A token that it gives for a name and a password."""
        form = urllib.parse.urlencode({'grant_type': 'password', 'username': name, 'password': 'right'}).encode()
        passwords = urllib.request.HTTPPasswordMgrWithPriorAuth()
        passwords.add_password(None, self.issuer, client, f'{client} secret', is_authenticated=True)
        opener = urllib.request.build_opener(urllib.request.HTTPBasicAuthHandler(passwords))
        with opener.open(f'{self.issuer}/token', form, timeout=20) as answer:
            return json.load(answer)['access_token']

    def code(self, client, name='ann'):
        """A code that it gives to a program of somebody's own, by a browser."""
        asked = {'response_type': 'code', 'client_id': client, 'redirect_uri': TAKEN, 'scope': 'openid email profile', 'state': 'own'}
        try:
            Browser().log_in(f'{self.issuer}/auth?{urllib.parse.urlencode(asked)}', name, 'nothing is waited for')
        except Arrived as arrived:
            return urllib.parse.parse_qs(urllib.parse.urlsplit(str(arrived)).query)['code'][0]
        raise Trouble('the browser was not sent back')


class Stage:
    """A cloud and its provider, and another one on which it does not rely."""

    def __init__(self, options):
        self.place = tempfile.mkdtemp(prefix='ds-', dir='/tmp')
        self.cloud = Cloud('sim', options.program)
        own = self.cloud.listen
        port = free_port(int(own.rsplit(':', 1)[1]))
        self.keystone = f'http://{own}/identity/v3'
        redirects = [f'http://{own}{CALLBACK}', TAKEN]
        self.provider = Relied(options.modules, port, redirects, os.path.join(self.place, 'provider.log'))
        self.elsewhere = Relied(options.modules, free_port(port), redirects, os.path.join(self.place, 'elsewhere.log'))
        usual = {'identity_provider': 'corp', 'protocol': 'openid', 'issuer': self.provider.issuer, 'client_id': 'cloud',
                 'client_secret': 'cloud secret', 'audiences': ['cli']}
        os.makedirs(self.cloud.state_dir, exist_ok=True)
        with open(os.path.join(self.cloud.state_dir, 'drystone.toml'), 'w') as file:
            file.write(f'[federation]\ntrusted_dashboard = ["{DASHBOARD}"]\n')
            for relation in (usual, usual | {'identity_provider': 'misled', 'protocol': 'misled'},
                             usual | {'identity_provider': 'unknown', 'protocol': 'unknown', 'client_secret': 'not that'}):
                file.write('[[federation.provider]]\n')
                file.writelines(f'{name} = {json.dumps(value)}\n' for name, value in relation.items())
        self.cloud.up()
        self.cloud.wait_host()

    def close(self):
        self.provider.stop()
        self.elsewhere.stop()
        self.cloud.destroy()
        shutil.rmtree(self.place, ignore_errors=True)

    def admin(self, *words):
        """One command of the administrator; its JSON, if it has any."""
        return self.stock(dict(os.environ, OS_CLIENT_CONFIG_FILE=self.cloud.clouds, OS_CLOUD='drystone-admin'), words)

    def stock(self, environment, words):
        json_too = ['-f', 'json'] if words[-1] == '-json' else []
        words = [word for word in words if word != '-json']
        done = subprocess.run([CLIENT, *words, *json_too], env=environment, capture_output=True, text=True, timeout=120)
        if done.returncode:
            raise Trouble(f'openstack {" ".join(words)}: {done.stderr.strip()[-600:]}')
        return json.loads(done.stdout) if json_too else done.stdout

    def environment(self, way, client, **more):
        """What the client is told of who its user is."""
        own = {'AUTH_TYPE': way, 'AUTH_URL': self.keystone, 'IDENTITY_PROVIDER': 'corp', 'PROTOCOL': 'openid', 'CLIENT_ID': client, 'CLIENT_SECRET': f'{client} secret',
               'DISCOVERY_ENDPOINT': self.provider.discovery, 'OPENID_SCOPE': 'openid email profile', 'IDENTITY_API_VERSION': '3', **more}
        clean = {name: value for name, value in os.environ.items() if not name.startswith('OS_')}
        return clean | {f'OS_{name}': value for name, value in own.items()}


def prepare(stage):
    """What an administrator does once."""
    stage.admin('domain', 'create', 'corp')
    stage.admin('group', 'create', '--domain', 'corp', 'staff')
    stage.admin('role', 'add', '--group', 'staff', '--group-domain', 'corp', '--project', 'demo', 'reader')
    rules = os.path.join(stage.place, 'rules.json')
    with open(rules, 'w') as file:
        json.dump([STAFF, ROBOTS], file)
    stage.admin('mapping', 'create', '--rules', rules, 'corp')
    for name, issuer, protocol in (('corp', stage.provider.issuer, 'openid'), ('misled', stage.elsewhere.issuer, 'misled'),
                                   ('unknown', 'nobody', 'unknown')):
        stage.admin('identity', 'provider', 'create', '--remote-id', issuer, '--domain', 'corp', name)
        stage.admin('federation', 'protocol', 'create', '--identity-provider', name, '--mapping', 'corp', protocol)


def by_device(stage, client):
    """The device flow: the client waits while a browser says yes."""
    environment = stage.environment('v3oidcdeviceauthz', client, **SCOPE)
    asked = subprocess.Popen([CLIENT, 'token', 'issue', '-f', 'json'], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        for line in asked.stderr:
            place = re.search(r'https?://\S+', line)
            if place:
                Browser().log_in(place[0], 'ann', 'Sign-in Success')
                break
        out, said = asked.communicate(timeout=60)
    finally:
        asked.kill()
    if asked.returncode:
        raise Trouble(said[-500:])
    return json.loads(out)


def by_browser(stage, path, name):
    """WebSSO: the token that a browser brings to its dashboard."""
    origin = urllib.parse.quote(DASHBOARD, safe='')
    page = Browser().log_in(f'{stage.keystone}/auth/OS-FEDERATION/{path}?origin={origin}', name, 'name="token"')
    form = Form(page)
    if form.action != DASHBOARD:
        raise Trouble(f'the form goes to {form.action}')
    return form.fields['token']


def ways(stage, report):
    """Each way in, to the same user."""
    seen = set()

    def issued(label, environment):
        with report.check(label):
            seen.add(stage.stock(environment, ['token', 'issue', '-json'])['user_id'])

    def by_code(client, **more):
        return stage.environment('v3oidcauthcode', client, CODE=stage.provider.code(client), REDIRECT_URI=TAKEN, **more, **SCOPE)

    for client in ('cloud', 'cli'):
        issued(f'v3oidcpassword as {client}', stage.environment('v3oidcpassword', client, USERNAME='ann', PASSWORD='right', **SCOPE))
        token = stage.provider.access_token(client)
        issued(f'v3oidcaccesstoken as {client}', stage.environment('v3oidcaccesstoken', client, ACCESS_TOKEN=token, **SCOPE))
        issued(f'v3oidcauthcode as {client}', by_code(client))
        issued(f'v3oidcauthcode as {client}, with an id token', by_code(client, ACCESS_TOKEN_TYPE='id_token'))
        with report.check(f'v3oidcdeviceauthz as {client}'):
            seen.add(by_device(stage, client)['user_id'])
    for path in ('websso/openid', 'identity_providers/corp/protocols/openid/websso'):
        with report.check(f'a browser at {path}'):
            token = by_browser(stage, path, 'ann')
            environment = stage.environment('v3token', 'cloud', TOKEN=token, **SCOPE)
            seen.add(stage.stock(environment, ['token', 'issue', '-json'])['user_id'])
    with report.check('all of them are one user, who is shown as what the provider says') as wrong:
        if len(seen) != 1:
            wrong.append(f'they are {seen}')
        user = stage.admin('user', 'show', min(seen), '-json')
        if (user['name'], user['email']) != ('ann', 'ann@example.org'):
            wrong.append(str(user))
    with report.check('whoever is in sees what there is to go to') as wrong:
        environment = stage.environment('v3oidcpassword', 'cloud', USERNAME='ann', PASSWORD='right')
        projects = stage.stock(environment, ['federation', 'project', 'list', '-json'])
        if [project['Name'] for project in projects] != ['demo']:
            wrong.append(str(projects))
    robots(stage, report, seen)


def robots(stage, report, people):
    """A program that comes in its own name."""
    seen = set()
    for client in ('cloud', 'cli'):
        with report.check(f'v3oidcclientcredentials as {client}, which is nobody in particular'):
            environment = stage.environment('v3oidcclientcredentials', client, **SCOPE)
            seen.add(stage.stock(environment, ['token', 'issue', '-json'])['user_id'])
    with report.check('robots are one user, and not one of the people') as wrong:
        if len(seen) != 1 or seen & people:
            wrong.append(f'robots {seen}, people {people}')


class Refusals:
    """Who does not get in, and what the client then says."""

    def __init__(self, stage, report):
        self.stage, self.report = stage, report

    def check(self, label, environment, statuses):
        """One command that must fail with one of these statuses."""
        with self.report.check(label) as wrong:
            try:
                wrong.append(self.stage.stock(environment, ['token', 'issue']))
            except Trouble as said:
                if not any(f'HTTP {status}' in str(said) for status in statuses):
                    wrong.append(str(said))

    def token(self, label, token, *statuses, **more):
        """An access token with which nobody gets in."""
        self.check(label, self.stage.environment('v3oidcaccesstoken', 'cloud', ACCESS_TOKEN=token, **more, **SCOPE), statuses)

    def password(self, label, *statuses, way='v3oidcpassword', client='cloud', name='ann', password='right', **more):
        """Somebody whom the provider does not let in, or we do not."""
        self.check(label, self.stage.environment(way, client, USERNAME=name, PASSWORD=password, **SCOPE | more), statuses)


def refusals(stage, report):
    """Who does not get in."""
    refused, provider = Refusals(stage, report), stage.provider
    # what lives for a second is given out now, and shown when it is over: clocks may be a minute apart
    moths, born = {client: provider.access_token(client, 'moth') for client in ('cloud', 'cli')}, time.monotonic()
    refused.password('a wrong password', 400, password='wrong')
    for way in ('v3oidcpassword', 'v3oidcclientcredentials'):
        refused.password(f'a wrong secret of the client, {way}', 401, way=way, CLIENT_SECRET='wrong')
    code = provider.code('cloud')
    spent = stage.environment('v3oidcauthcode', 'cloud', CODE=code, REDIRECT_URI=TAKEN, **SCOPE)
    refused.check('a code, with a wrong secret of the client', spent | {'OS_CLIENT_SECRET': 'wrong'}, [401])
    with report.check('that code, with the right one'):
        stage.stock(spent, ['token', 'issue'])
    refused.check('that code again', spent, [400])
    refused.token('a token of another program', provider.access_token('stranger'), 401)
    refused.token('a signed token for another audience', provider.access_token('calendar'), 401)
    for client in ('cloud', 'cli'):
        refused.token(f'a token of a provider on which nobody relies, as {client}', stage.elsewhere.access_token(client), 401)
    refused.token('a token that nobody gave out', 'made-up', 401)
    signed = provider.access_token('cli')
    header, claims, _ = signed.split('.')
    refused.token('a signed token without its signature', f'{header}.{claims}.', 401)
    refused.token('the same as unsigned', f'eyJhbGciOiJub25lIn0.{claims}.', 401)
    refused.token('a token at an identity provider that is not there', signed, 404, IDENTITY_PROVIDER='nowhere')
    refused.token('a token at an identity provider of another issuer', signed, 403, IDENTITY_PROVIDER='misled', PROTOCOL='misled')
    refused.token('a token about which the provider does not answer us', provider.access_token('cloud'), 503,
                  IDENTITY_PROVIDER='unknown', PROTOCOL='unknown')
    refused.password('somebody whom no rule maps', 401, name='nobody')
    refused.password('a guest on a project of the staff', 401, 403, name='eve')
    browsers(stage, report)
    time.sleep(max(0, born + 63 - time.monotonic()))
    for client, token in moths.items():
        refused.token(f'a token that is over, as {client}', token, 401)
    rotation(stage, refused, signed)
    stage.admin('identity', 'provider', 'set', '--disable', 'corp')
    for way in ('v3oidcpassword', 'v3oidcclientcredentials'):
        refused.password(f'anybody, once the identity provider is disabled, {way}', 401, 403, way=way)
    with report.check('a browser, once the identity provider is disabled') as wrong:
        wrong += sent_away(lambda: by_browser(stage, 'websso/openid', 'ann'), 403)


def sent_away(go, status):
    """What is wrong if a browser does not end with this status."""
    try:
        return [f'it ends with {go()}']
    except urllib.error.HTTPError as answer:
        return [] if answer.code == status else [str(answer)]


def browsers(stage, report):
    """Browsers that do not get in."""
    with report.check('a browser that wants its token elsewhere') as wrong:
        wrong += sent_away(lambda: Browser().go(f'{stage.keystone}/auth/OS-FEDERATION/websso/openid?origin=http://elsewhere/'), 401)
    with report.check('a browser of somebody whom no rule maps') as wrong:
        wrong += sent_away(lambda: by_browser(stage, 'websso/openid', 'nobody'), 401)
    with report.check('a browser that comes back without having been sent') as wrong:
        wrong += sent_away(lambda: Browser().go(f'{stage.keystone}/auth/OS-FEDERATION/oidc/callback?state=x&code=y'), 401)


def rotation(stage, refused, signed):
    """The provider starts again with another key, which counts at once; the old one counts no more."""
    stage.provider.stop()
    refused.token('anybody, while the provider is away', 'opaque', 503)
    stage.provider.start()
    with refused.report.check('a token signed with a new key of the provider'):
        environment = stage.environment('v3oidcpassword', 'cli', USERNAME='ann', PASSWORD='right', **SCOPE)
        stage.stock(environment, ['token', 'issue'])
    refused.token('a token signed with its old one', signed, 401)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--program')
    parser.add_argument('--modules', required=True)
    options = parser.parse_args()
    report, stage = Report(), Stage(options)
    try:
        with report.check('what an administrator does once'):
            prepare(stage)
        ways(stage, report)
        refusals(stage, report)
    finally:
        stage.close()
    return report.close()


if __name__ == '__main__':
    sys.exit(main())
