"""A domain whose users are in LDAP: the stock client, beside Debian's `slapd`."""

import hashlib
import json
import os
import subprocess

from slapd import Slapd


def run(stage):
    slapd = Slapd(stage.place())
    try:
        with_directory(stage, slapd)
    finally:
        slapd.stop()
    bad(stage)


def with_directory(stage, slapd):
    state = stage.place()
    with open(os.path.join(state, 'drystone.toml'), 'w', encoding='utf-8') as file:
        file.write(slapd.options())
    with stage.up(state) as one:
        admin = Client(one)
        domain = admin.json('domain', 'create', 'corp')['id']
        ids = {uid: public_id(domain, 'user', uid) for uid in ('ada', 'ben', 'cy')}
        looked_at(stage, admin, ids)
        admin.json('project', 'create', 'yard')
        for words in (('--user', 'cy', '--user-domain', 'corp', 'reader'), ('--group', 'makers', '--group-domain', 'corp', 'member')):
            stage.same(f'role add {words[0]}', admin.run('role', 'add', '--project', 'yard', *words).returncode, 0)
        rows = admin.json('role', 'assignment', 'list', '--project', 'yard', '--names', '--effective')
        stage.true('they are among the assignments', {'ada@corp', 'ben@corp', 'cy@corp'} <= {row['User'] for row in rows}, rows)
        ada = Client(one, OS_USERNAME='ada', OS_PASSWORD='ada-word')
        stage.same('a user of the group logs in', ada.json('token', 'issue')['user_id'], ids['ada'])
        stage.same('and uses another service', ada.json('server', 'list'), [])
        for word in ('ben-word', '*'):
            wrong = Client(one, OS_USERNAME='ada', OS_PASSWORD=word)
            stage.true(f'not with the password {word}', 'HTTP 401' in wrong.run('token', 'issue').stderr)
        for words in (('user', 'set', '--domain', 'corp', '--email', 'x', 'ada'), ('user', 'delete', '--domain', 'corp', 'ada'),
                      ('user', 'create', '--domain', 'corp', 'new'), ('group', 'delete', '--domain', 'corp', 'makers')):
            stage.true(f'{" ".join(words[:2])} is forbidden', 'Exception: 403' in (said := admin.run(*words).stderr), said)
        slapd.stop()
        stage.true('without the directory its users are answered 503', 'HTTP 503' in (said := ada.run('token', 'issue').stderr), said)
        stage.same('and others notice nothing', admin.run('user', 'list').returncode, 0)
        stage.true('the log has the reason', slapd.url in one.logged())
        slapd.start()
        stage.until('it is used again once it is back', lambda: [] if ada.run('token', 'issue').returncode == 0 else ['it is not'])


def looked_at(stage, admin, ids):
    """Users and groups, as everybody who looks sees them."""
    users = admin.json('user', 'list', '--domain', 'corp')
    stage.same('users, with the ids that Keystone gives', {user['Name']: user['ID'] for user in users}, ids)
    stage.same('a user by name', admin.json('user', 'show', '--domain', 'corp', 'ada')['email'], 'ada@example')
    groups = admin.json('group', 'list', '--domain', 'corp')
    stage.same('groups', [group['Name'] for group in groups], ['makers'])
    # by its id: of a group's name the client looks nowhere but in the caller's own domain
    members = admin.json('user', 'list', '--group', groups[0]['ID'])
    stage.same('who is in a group', sorted(user['Name'] for user in members), ['ada', 'ben'])
    said = admin.run('group', 'contains', 'user', '--group-domain', 'corp', '--user-domain', 'corp', 'makers', 'cy')
    stage.true('who is not', 'cy not in group makers' in said.stdout + said.stderr, said)


def bad(stage):
    for text, like in (('[domains.corp.ldap]\nurll = "x"', 'urll'),
                       ('[domains.corp.identity]\ndriver = "ldap"\n[domains.corp.ldap]\nurl = "http://x"', 'url is ldap:// or ldaps://')):
        state = stage.place()
        with open(os.path.join(state, 'drystone.toml'), 'w', encoding='utf-8') as file:
            file.write(text)
        label = f'a start with {text.splitlines()[-1]}'
        stage.refused(label, ('up', '--state-dir', state, '--metal', 'sim', '--listen', '127.0.0.1:0'), like)


def public_id(domain, kind, name):
    return hashlib.sha256((domain + kind + name).encode()).hexdigest()


class Client:
    """The stock client, as the administrator or as a user of `corp` in the project `yard`."""

    def __init__(self, one, **user):
        if user:
            self.env = os.environ | {
                'OS_AUTH_URL': one.ready['auth_url'], 'OS_IDENTITY_API_VERSION': '3', 'OS_USER_DOMAIN_NAME': 'corp',
                'OS_PROJECT_NAME': 'yard', 'OS_PROJECT_DOMAIN_ID': 'default'} | user
        else:
            self.env = os.environ | {'OS_CLIENT_CONFIG_FILE': os.path.join(one.state_dir, 'clouds.yaml'), 'OS_CLOUD': 'drystone-admin'}

    def run(self, *words):
        return subprocess.run(['openstack', *words], env=self.env, capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL)

    def json(self, *words):
        done = self.run(*words, '-f', 'json')
        if done.returncode:
            raise RuntimeError(f'openstack {" ".join(words)}: {done.stderr.strip()}')
        return json.loads(done.stdout)
