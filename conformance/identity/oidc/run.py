"""Logs in with a real provider of OpenID Connect: the stock client in each of its ways, and a browser.

A cloud on simulated metal relies on a provider on loopback; both are started and removed here. Everything that a cloud is
told, it is told with `openstack`. The result ends with the line `N passed, N failed`.
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
from report import Report  # noqa: E402

DASHBOARD = 'http://dashboard.invalid/auth/websso/'
CALLBACK = '/identity/v3/auth/OS-FEDERATION/oidc/callback'
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


class Browser:
    """Follows, keeps cookies, and fills in forms."""

    def __init__(self):
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))

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


class Stage:
    """A cloud and its provider."""

    def __init__(self, options):
        self.place = tempfile.mkdtemp(prefix='ds-', dir='/tmp')
        self.cloud = Cloud('sim', options.program)
        port, own = free_port(), self.cloud.listen
        while f'127.0.0.1:{port}' == own:
            port += 1
        self.issuer, self.keystone = f'http://127.0.0.1:{port}', f'http://{own}/identity/v3'
        script = os.path.join(options.modules, 'provider.mjs')
        shutil.copy(os.path.join(HERE, 'provider.mjs'), script)
        log = open(os.path.join(self.place, 'provider.log'), 'w')
        self.provider = subprocess.Popen(['node', script, str(port), f'http://{own}{CALLBACK}'], stdout=log, stderr=log)
        self.await_provider()
        relation = {'identity_provider': 'corp', 'protocol': 'openid', 'issuer': self.issuer, 'client_id': 'cloud', 'client_secret': 'cloud secret', 'audiences': ['cli']}
        os.makedirs(self.cloud.state_dir, exist_ok=True)
        with open(os.path.join(self.cloud.state_dir, 'drystone.toml'), 'w') as file:
            file.write(f'[federation]\ntrusted_dashboard = ["{DASHBOARD}"]\n[[federation.provider]]\n')
            file.writelines(f'{name} = {json.dumps(value)}\n' for name, value in relation.items())
        self.cloud.up()
        self.cloud.wait_host()

    def await_provider(self):
        for _ in range(200):
            try:
                urllib.request.urlopen(f'{self.issuer}/.well-known/openid-configuration', timeout=5).close()
                return
            except OSError:
                time.sleep(0.1)
        raise Trouble('the provider does not answer')

    def close(self):
        self.provider.terminate()
        self.provider.wait(timeout=20)
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
               'DISCOVERY_ENDPOINT': f'{self.issuer}/.well-known/openid-configuration', 'OPENID_SCOPE': 'openid email profile', 'IDENTITY_API_VERSION': '3', **more}
        clean = {name: value for name, value in os.environ.items() if not name.startswith('OS_')}
        return clean | {f'OS_{name}': value for name, value in own.items()}

    def access_token(self, client, **more):
        """A token that the provider gives for a name and a password."""
        form = urllib.parse.urlencode({'grant_type': 'password', 'username': 'ann', 'password': 'right', **more}).encode()
        passwords = urllib.request.HTTPPasswordMgrWithPriorAuth()
        passwords.add_password(None, self.issuer, client, f'{client} secret', is_authenticated=True)
        opener = urllib.request.build_opener(urllib.request.HTTPBasicAuthHandler(passwords))
        with opener.open(f'{self.issuer}/token', form, timeout=20) as answer:
            return json.load(answer)['access_token']


def prepare(stage):
    """What an administrator does once."""
    stage.admin('domain', 'create', 'corp')
    stage.admin('group', 'create', '--domain', 'corp', 'staff')
    stage.admin('role', 'add', '--group', 'staff', '--group-domain', 'corp', '--project', 'demo', 'reader')
    stage.admin('identity', 'provider', 'create', '--remote-id', stage.issuer, '--domain', 'corp', 'corp')
    rules = os.path.join(stage.place, 'rules.json')
    with open(rules, 'w') as file:
        json.dump([STAFF, ROBOTS], file)
    stage.admin('mapping', 'create', '--rules', rules, 'corp')
    stage.admin('federation', 'protocol', 'create', '--identity-provider', 'corp', '--mapping', 'corp', 'openid')


def by_device(stage):
    """The device flow: the client waits while a browser says yes."""
    environment = stage.environment('v3oidcdeviceauthz', 'cloud', PROJECT_NAME='demo', PROJECT_DOMAIN_ID='default')
    client = subprocess.Popen([CLIENT, 'token', 'issue', '-f', 'json'], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        for line in client.stderr:
            place = re.search(r'https?://\S+', line)
            if place:
                Browser().log_in(place[0], 'ann', 'Sign-in Success')
                break
        out, said = client.communicate(timeout=60)
    finally:
        client.kill()
    if client.returncode:
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
    scope = {'PROJECT_NAME': 'demo', 'PROJECT_DOMAIN_ID': 'default'}
    seen = set()

    def issued(label, environment):
        with report.check(label):
            seen.add(stage.stock(environment, ['token', 'issue', '-json'])['user_id'])

    for client in ('cloud', 'cli'):
        issued(f'v3oidcpassword as {client}', stage.environment('v3oidcpassword', client, USERNAME='ann', PASSWORD='right', **scope))
        issued(f'v3oidcaccesstoken as {client}', stage.environment('v3oidcaccesstoken', client, ACCESS_TOKEN=stage.access_token(client), **scope))
    with report.check('v3oidcdeviceauthz'):
        seen.add(by_device(stage)['user_id'])
    for path in ('websso/openid', 'identity_providers/corp/protocols/openid/websso'):
        with report.check(f'a browser at {path}'):
            token = by_browser(stage, path, 'ann')
            environment = stage.environment('v3token', 'cloud', TOKEN=token, **scope)
            seen.add(stage.stock(environment, ['token', 'issue', '-json'])['user_id'])
    with report.check('all of them are one user, who is shown as what the provider says') as wrong:
        if len(seen) != 1:
            wrong.append(f'they are {seen}')
        user = stage.admin('user', 'show', min(seen), '-json')
        if (user['name'], user['email']) != ('ann', 'ann@example.org'):
            wrong.append(str(user))
    robots = set()
    for client in ('cloud', 'cli'):
        with report.check(f'v3oidcclientcredentials as {client}, which is nobody in particular'):
            environment = stage.environment('v3oidcclientcredentials', client, **scope)
            robots.add(stage.stock(environment, ['token', 'issue', '-json'])['user_id'])
    with report.check('robots are one user, and not that one') as wrong:
        if len(robots) != 1 or robots & seen:
            wrong.append(f'robots {robots}, people {seen}')


def refusals(stage, report):
    """Who does not get in."""
    def refused(label, environment, words=('token', 'issue')):
        with report.check(label) as wrong:
            try:
                wrong.append(stage.stock(environment, list(words)))
            except Trouble as said:
                if 'HTTP 401' not in str(said) and 'HTTP 403' not in str(said):
                    wrong.append(str(said))

    scope = {'PROJECT_NAME': 'demo', 'PROJECT_DOMAIN_ID': 'default'}
    stranger = stage.access_token('stranger')
    refused('a token that another program was given', stage.environment('v3oidcaccesstoken', 'cloud', ACCESS_TOKEN=stranger, **scope))
    refused('a token that nobody gave out', stage.environment('v3oidcaccesstoken', 'cloud', ACCESS_TOKEN='made-up', **scope))
    refused('a guest on a project of the staff', stage.environment('v3oidcpassword', 'cloud', USERNAME='eve', PASSWORD='right', **scope))
    with report.check('a browser that wants its token elsewhere') as wrong:
        try:
            Browser().go(f'{stage.keystone}/auth/OS-FEDERATION/websso/openid?origin=http://elsewhere/')
            wrong.append('it is sent on')
        except urllib.error.HTTPError as answer:
            if answer.code != 401:
                wrong.append(str(answer))
    stage.admin('identity', 'provider', 'set', '--disable', 'corp')
    refused('anybody, once the provider is disabled', stage.environment('v3oidcpassword', 'cloud', USERNAME='ann', PASSWORD='right', **scope))


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
