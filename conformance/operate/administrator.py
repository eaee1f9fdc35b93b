"""An administrator who has lost the password is let in again."""

import json
import os


def run(stage):
    state = stage.place()
    path, words = os.path.join(state, 'passwords.json'), ('identity', 'readmit', '--state-dir', state)
    stage.refused('refused: there is no cloud', words, r'There is no cloud in ')
    with stage.up(state) as one:
        one.api().call('POST', 'identity', '/v3/users', json={'user': {'name': 'kept'}})
        with open(path, 'rb') as file:
            before = file.read()
        stage.refused('refused: the cloud runs', words, r'in use')
        with open(path, 'rb') as file:
            stage.same('the password is what it was', file.read(), before)
        lost(one)
    done = stage.command(*words, '--output', 'json')
    said = json.loads(done.stdout) if done.returncode == 0 else done.stderr
    stage.same('it says where the new password is, and that nothing else was wrong', said,
               {'event': 'readmit', 'user': 'admin', 'passwords': path, 'done': [],
                'aside': [f'{path}.old', os.path.join(state, 'clouds.yaml.old')]})
    with open(f'{path}.old', 'rb') as file:
        stage.same('and what was kept is kept aside', file.read(), before)
    stage.same('which its owner alone can read', oct(os.stat(path).st_mode & 0o777), '0o600')
    with stage.up(state) as one:
        users = {user['name'] for user in one.api().call('GET', 'identity', '/v3/users')['users']}
        stage.true('clouds.yaml lets the administrator in, and everybody is still there', users >= {'admin', 'demo', 'kept'}, users)
        stage.true('demo comes in as before', one.api('drystone') is not None)
    os.remove(path)
    os.remove(os.path.join(state, 'clouds.yaml'))
    done = stage.command(*words)
    stage.true('in words', done.returncode == 0 and path in done.stdout, done.stderr)
    with stage.up(state) as one:
        stage.true('also where the file was lost', one.api() is not None)


def lost(one):
    """The administrator sets a password that nobody knows any more."""
    api = one.api()
    admin = next(user for user in api.call('GET', 'identity', '/v3/users')['users'] if user['name'] == 'admin')
    api.call('PATCH', 'identity', f'/v3/users/{admin["id"]}', json={'user': {'password': os.urandom(16).hex()}})
