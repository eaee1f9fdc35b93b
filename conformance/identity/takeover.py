"""Takes the users of a real Keystone over with `drystone identity import`, and uses them here.

A Keystone of its own is filled through its API and stopped. Then a cloud on simulated metal takes its database and keys
over: everybody logs in as before, tokens that Keystone gave out are good, and the second time changes nothing. The Python
that runs this must have Keystone. The result ends with the line `N passed, N failed`.
"""

import argparse
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, '..', 'kit')]

from cloud import Cloud, Trouble, free_port  # noqa: E402
from report import Report  # noqa: E402

TOTP = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ'

HASH = '''
import sys
from keystone.common import password_hashing
import keystone.conf
conf = keystone.conf.CONF
keystone.conf.configure()
conf([], default_config_files=[sys.argv[1]])
conf.set_override('password_hash_algorithm', sys.argv[2], 'identity')
conf.set_override('password_hash_rounds', None, 'identity')
print(password_hashing.hash_password(sys.argv[3]))
'''


class Api:
    """One Keystone, ours or theirs."""

    def __init__(self, base):
        self.base = base

    def ask(self, method, path, body=None, token=None, **headers):
        """Status, headers and JSON of an answer."""
        headers = {name.replace('_', '-'): value for name, value in headers.items()} | {'Content-Type': 'application/json'}
        if token:
            headers['X-Auth-Token'] = token
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.base + path, data, headers, method=method)
        try:
            answer = urllib.request.urlopen(request, timeout=30)
        except urllib.error.HTTPError as refused:
            answer = refused
        with answer:
            text = answer.read()
            return answer.status, answer.headers, json.loads(text) if text[:1] in (b'{', b'[') else None

    def made(self, token, path, noun, **attributes):
        """Makes a thing; its JSON."""
        status, _, body = self.ask('POST', path, {noun: attributes}, token)
        if status != 201:
            raise Trouble(f'POST {path}: {status} {body}')
        return body[noun]

    def login(self, identity, scope=None):
        """A token; None if there is none to be had."""
        auth = {'identity': identity} | ({'scope': scope} if scope else {})
        status, headers, _ = self.ask('POST', '/auth/tokens', {'auth': auth})
        return headers['X-Subject-Token'] if status == 201 else None

    def good(self, token):
        """Whether a token is good for its owner."""
        return self.ask('GET', '/auth/projects', None, token)[0] == 200

    def told(self, token, by):
        """What another is told of a token."""
        status, _, body = self.ask('GET', '/auth/tokens?nocatalog', None, by, X_Subject_Token=token)
        if status != 200:
            raise Trouble(f'a token is not good any more: {body}')
        return body['token']


def password(name, word, domain='guild'):
    return {'methods': ['password'], 'password': {'user': {'name': name, 'password': word, 'domain': {'name': domain}}}}


def secret(credential):
    return {'methods': ['application_credential'],
            'application_credential': {'id': credential['id'], 'secret': credential['secret']}}


def fill(api, admin):
    """Makes a bit of everything; what the checks need to know of it."""
    role = {one['name']: one['id'] for one in api.ask('GET', '/roles', None, admin)[2]['roles']}
    guild = api.made(admin, '/domains', 'domain', name='guild', description='of masons')
    hall = api.made(admin, '/projects', 'project', name='hall', domain_id=guild['id'], tags=['stone', 'old'], note='own')
    yard = api.made(admin, '/projects', 'project', name='yard', domain_id=guild['id'], parent_id=hall['id'])
    people = {name: api.made(admin, '/users', 'user', name=name, domain_id=guild['id'], password=f'{name}-word', **more)
              for name, more in (('ann', {'email': 'ann@guild', 'default_project_id': hall['id']}),
                                 ('bob', {'options': {'ignore_password_expiry': True}}),
                                 ('carl', {'enabled': False}), ('scrypt', {}), ('pbkdf2', {}), ('sha256', {}))}
    people['ann']['id'], masons = people['ann']['id'], api.made(admin, '/groups', 'group', name='masons', domain_id=guild['id'])
    own = api.made(admin, '/roles', 'role', name='foreman', domain_id=guild['id'])
    for path in (f'/roles/{own["id"]}/implies/{role["member"]}', f'/groups/{masons["id"]}/users/{people["bob"]["id"]}',
                 f'/projects/{hall["id"]}/users/{people["ann"]["id"]}/roles/{role["admin"]}',
                 f'/projects/{yard["id"]}/groups/{masons["id"]}/roles/{own["id"]}',
                 f'/OS-INHERIT/domains/{guild["id"]}/users/{people["ann"]["id"]}/roles/{role["reader"]}/inherited_to_projects',
                 f'/domains/{guild["id"]}/users/{people["ann"]["id"]}/roles/{role["manager"]}',
                 f'/system/users/{people["ann"]["id"]}/roles/{role["reader"]}'):
        status = api.ask('PUT', path, None, admin)[0]
        if status not in (201, 204):
            raise Trouble(f'PUT {path}: {status}')
    for name in people:
        if name not in ('ann', 'bob'):
            api.ask('PUT', f'/projects/{yard["id"]}/users/{people[name]["id"]}/roles/{role["reader"]}', None, admin)
    return {'guild': guild, 'hall': hall, 'yard': yard, 'people': people, 'role': role}


def delegate(api, admin, made):
    """Application credentials, keys and a trust, made by Ann."""
    ann, hall = made['people']['ann']['id'], {'project': {'id': made['hall']['id']}}
    token = api.login(password('ann', 'ann-word'), hall)
    path = f'/users/{ann}/application_credentials'
    made['credential'] = api.made(token, path, 'application_credential', name='ci', roles=[{'name': 'reader'}])
    rules = [{'service': 'identity', 'method': 'GET', 'path': '/v3/projects/*'}]
    made['narrow'] = api.made(token, path, 'application_credential', name='narrow', access_rules=rules)
    made['ec2'] = api.ask('POST', f'/users/{ann}/credentials/OS-EC2', {'tenant_id': made['hall']['id']}, token)[2]['credential']
    api.made(admin, '/credentials', 'credential', user_id=made['people']['bob']['id'], type='totp', blob=TOTP)
    made['trust'] = api.made(token, '/OS-TRUST/trusts', 'trust', trustor_user_id=ann, trustee_user_id=made['people']['bob']['id'],
                             project_id=made['hall']['id'], impersonation=True, roles=[{'name': 'member'}])


def tokens(api, made):
    """A token of each kind by name, and one that was revoked."""
    ann, bob = password('ann', 'ann-word'), password('bob', 'bob-word')
    given = {
        'unscoped': api.login(bob), 'project': api.login(ann, {'project': {'id': made['hall']['id']}}),
        'group': api.login(bob, {'project': {'id': made['yard']['id']}}),
        'domain': api.login(ann, {'domain': {'name': 'guild'}}), 'system': api.login(ann, {'system': {'all': True}}),
        'credential': api.login(secret(made['credential'])),
        'trust': api.login(bob, {'OS-TRUST:trust': {'id': made['trust']['id']}}),
        'admin': api.login(password('admin', 'secret', 'Default'), {'project': {'name': 'admin', 'domain': {'id': 'default'}}}),
    }
    missing = [name for name, token in given.items() if not token]
    if missing:
        raise Trouble(f'Keystone gives out no tokens for {missing}')
    return given


class Reference:
    """The Keystone that is taken over."""

    def __init__(self, place):
        self.place, self.port = place, free_port()
        self.api = Api(f'http://127.0.0.1:{self.port}/v3')
        command = [sys.executable, os.path.join(HERE, 'reference.py'), '--port', str(self.port), '--dir', place]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until = time.monotonic() + 180
        while True:
            try:
                self.api.ask('GET', '')
                return
            except OSError:
                if time.monotonic() > until or self.process.poll() is not None:
                    raise Trouble('Keystone does not come up') from None
                time.sleep(0.2)

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=30)

    def rehash(self, made):
        """Gives users passwords hashed in the ways that Keystone knows besides its usual one."""
        settings = os.path.join(self.place, 'keystone.conf')
        with sqlite3.connect(os.path.join(self.place, 'keystone.db')) as database:
            for name, algorithm in (('scrypt', 'scrypt'), ('pbkdf2', 'pbkdf2_sha512'), ('sha256', 'bcrypt_sha256')):
                done = subprocess.run([sys.executable, '-c', HASH, settings, algorithm, f'{name}-word'],
                                      capture_output=True, text=True, check=True)
                database.execute('UPDATE password SET password_hash = ? WHERE local_user_id = '
                                 '(SELECT id FROM local_user WHERE user_id = ?)',
                                 (done.stdout.split()[-1], made['people'][name]['id']))


def rows(cloud):
    """What our identity keeps, but the epoch."""
    with sqlite3.connect(os.path.join(cloud.state_dir, 'drystone.sqlite')) as database:
        names = [name for name, in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: sorted(map(repr, database.execute(f'SELECT * FROM {name}'))) for name in names
                if name.startswith('identity_') and name != 'identity_epoch'}


def take(cloud, reference, *more):
    said = cloud.run('identity', 'import', '--state-dir', cloud.state_dir, '--output', 'json',
                     '--from', os.path.join(reference.place, 'keystone.db'),
                     '--fernet-keys', os.path.join(reference.place, 'fernet'),
                     '--credential-keys', os.path.join(reference.place, 'credential'), *more)
    return json.loads(said)


def check_import(report, cloud, reference):
    before = rows(cloud)
    with report.check('what stands in the way is told, and nothing is changed') as wrong:
        try:
            take(cloud, reference)
            wrong.append('it was taken over')
        except Trouble as news:
            wrong += [f'{news}'] if 'user admin' not in str(news) or 'project admin' not in str(news) else []
        wrong += ['something was changed'] if rows(cloud) != before else []
    with report.check('a file that is no database changes nothing') as wrong:
        try:
            cloud.run('identity', 'import', '--state-dir', cloud.state_dir, '--from', __file__)
            wrong.append('it was taken over')
        except Trouble:
            wrong += ['something was changed'] if rows(cloud) != before else []
    with report.check('everything is taken over') as wrong:
        said = take(cloud, reference, '--rename=-old')
        wanted = {'users': 7, 'groups': 1, 'memberships': 1, 'application credentials': 2, 'trusts': 1, 'credentials': 2}
        found = {nouns: said['counts'][nouns]['made'] for nouns in wanted}
        wrong += [f'made {found} and not {wanted}'] if found != wanted else []
        behind = {what: count for what, count in said['left'].items() if count and 'endpoints' not in what}
        wrong += [f'left behind: {behind}'] if behind else []
    taken = rows(cloud)
    with report.check('the second time changes nothing') as wrong:
        said = take(cloud, reference, '--rename=-old')
        changed = {nouns: count for nouns, count in said['counts'].items() if count['made'] or count['changed']}
        wrong += [f'it changed {changed}'] if changed else []
        now = rows(cloud)
        wrong += [f'rows of {name} are others' for name in now if now[name] != taken[name]]
    with report.check('the catalog is taken over when that is asked for') as wrong:
        made = take(cloud, reference, '--rename=-old', '--catalog')['counts']
        wrong += [f'{made}'] if (made['services']['made'], made['endpoints']['made']) != (1, 3) else []


def check_use(report, api, made, given, revoked, told):
    for name, word in (('ann', 'ann-word'), ('bob', 'bob-word'), ('scrypt', 'scrypt-word'), ('pbkdf2', 'pbkdf2-word'),
                       ('sha256', 'sha256-word')):
        with report.check(f'{name} logs in as before') as wrong:
            wrong += [] if api.login(password(name, word)) else ['no']
            wrong += ['with any password'] if api.login(password(name, 'wrong')) else []
    with report.check('who was disabled stays so') as wrong:
        wrong += ['no'] if api.login(password('carl', 'carl-word')) else []
    for kind, token in given.items():
        with report.check(f'a token of Keystone for {kind} is good, and says the same') as wrong:
            if not api.good(token):
                wrong.append('it is not')
                continue
            now, then = api.told(token, given['admin']), told[kind]
            for part in ('user', 'project', 'domain', 'system', 'methods', 'audit_ids', 'expires_at', 'OS-TRUST:trust',
                         'application_credential'):
                wrong += [f'{part}: {now.get(part)} and not {then.get(part)}'] if now.get(part) != then.get(part) else []
            roles = [sorted((one['id'], one['name']) for one in said.get('roles', [])) for said in (now, then)]
            wrong += [f'roles: {roles[0]} and not {roles[1]}'] if roles[0] != roles[1] else []
    with report.check('a token that was revoked there is not good here') as wrong:
        wrong += ['it is'] if api.good(revoked) else []
    with report.check('application credentials log in as before') as wrong:
        token = api.login(secret(made['credential']))
        wrong += [] if token and [one['name'] for one in api.told(token, given['admin'])['roles']] == ['reader'] else ['no']
        narrow = api.login(secret(made['narrow']))
        wrong += [] if narrow and api.ask('GET', '/users', None, narrow)[0] in (401, 403) else ['its access rules are gone']
    with report.check('keys for EC2 are the same') as wrong:
        token = api.login(password('ann', 'ann-word'), {'project': {'id': made['hall']['id']}})
        path = f'/users/{made["people"]["ann"]["id"]}/credentials/OS-EC2/{made["ec2"]["access"]}'
        found = api.ask('GET', path, None, token)[2]['credential']
        wrong += [f'{found} and not {made["ec2"]}'] if found['secret'] != made['ec2']['secret'] else []
    with report.check('things look the same') as wrong:
        admin = given['admin']
        for path, noun in ((f'/users/{made["people"]["ann"]["id"]}', 'user'), (f'/projects/{made["yard"]["id"]}', 'project'),
                           (f'/projects/{made["hall"]["id"]}', 'project'), (f'/domains/{made["guild"]["id"]}', 'domain')):
            now, then = api.ask('GET', path, None, admin)[2][noun], told[path]
            for one in (now, then):
                one.pop('links')
                one.get('tags', []).sort()
            wrong += [f'{path}: {now} and not {then}'] if now != then else []


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--program', required=True, help='the program')
    options = parser.parse_args()
    report, place = Report(), tempfile.mkdtemp(prefix='ks-', dir='/tmp')
    cloud = Cloud('sim', os.path.abspath(options.program))
    reference = Reference(place)
    try:
        theirs = reference.api
        admin = theirs.login(password('admin', 'secret', 'Default'), {'system': {'all': True}})
        made = fill(theirs, admin)
        delegate(theirs, admin, made)
        given = tokens(theirs, made)
        revoked = theirs.login(password('bob', 'bob-word'))
        theirs.ask('DELETE', '/auth/tokens', None, revoked, X_Subject_Token=revoked)
        told = {kind: theirs.told(token, admin) for kind, token in given.items()}
        for path, noun in ((f'/users/{made["people"]["ann"]["id"]}', 'user'), (f'/projects/{made["yard"]["id"]}', 'project'),
                           (f'/projects/{made["hall"]["id"]}', 'project'), (f'/domains/{made["guild"]["id"]}', 'domain')):
            told[path] = theirs.ask('GET', path, None, admin)[2][noun]
        reference.stop()
        reference.rehash(made)
        cloud.up()
        cloud.run('down', '--state-dir', cloud.state_dir)
        check_import(report, cloud, reference)
        cloud.up()
        check_use(report, Api(f'http://{cloud.listen}/identity/v3'), made, given, revoked, told)
    finally:
        if reference.process.poll() is None:
            reference.stop()
        cloud.run('down', '--destroy', '--state-dir', cloud.state_dir)
        shutil.rmtree(cloud.state_dir, ignore_errors=True)
        shutil.rmtree(place, ignore_errors=True)
    return report.close()


if __name__ == '__main__':
    sys.exit(main())
