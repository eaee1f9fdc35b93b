"""PostgreSQL instead of SQLite: over TLS, with kills, with two controllers, and gone without a trace."""

import json
import os
import subprocess
import time

from postgres import Postgres

HERE = os.path.dirname(os.path.abspath(__file__))
SCENARIOS = ['server']


def run(stage):
    server = Postgres(stage.place())
    try:
        encrypted(stage, server)
        url = server.url('sslmode=require')
        state = stage.place()
        killed(stage, url, state)
        two(stage, url, state)
        client(stage, url, state)
        removed(stage, server, url, state)
    finally:
        server.stop()


def encrypted(stage, server):
    """What sslmode says holds."""
    start = ['up', '--metal', 'sim', '--listen', '127.0.0.1:0', '--state-dir', os.path.join(stage.place(), 'new'), '--database']
    for label, url, like in [
            ('no server', 'postgres://nobody@127.0.0.1:1/none', r'Cannot reach the PostgreSQL database'),
            ('no URL', 'postgres://a@b:port/', r'no URL of a PostgreSQL database'),
            ('an sslmode that is not known', server.url('sslmode=perhaps'), r'sslmode=perhaps is not known'),
            ('no encryption, which this server wants', server.url('sslmode=disable'), r'Cannot reach.*(hba|encryption)'),
            ('verify-full with another root', server.url(f'sslmode=verify-full&sslrootcert={server.other_root}'), r'Cannot reach.*certificate'),
            ('verify-full with another name', server.url(f'sslmode=verify-full&sslrootcert={server.root}', host='127.0.0.2'), r'Cannot reach.*certificate'),
            ('a root that is not there', server.url('sslmode=verify-ca&sslrootcert=/nowhere.crt'), r'/nowhere\.crt')]:
        stage.refused(f'refused: {label}', [*start, url], like)
    for options in ('sslmode=require', f'sslmode=verify-full&sslrootcert={server.root}'):
        with stage.up(None, '--database', server.url(options, database=server.fresh())) as one:
            stage.true(f'served over {options.partition("&")[0]}', one.api() is not None)
            stage.same('every connection is encrypted', server.ask(
                "SELECT count(*) FILTER (WHERE NOT ssl), count(*) > 3 FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) "
                "WHERE application_name = 'drystone'"), '0|t')
    with stage.up(None, '--database', server.url(f'sslmode=verify-ca&sslrootcert={server.root}', host='127.0.0.2', database=server.fresh())) as one:
        stage.true('verify-ca does not look at the name', one.api() is not None)


def killed(stage, url, state):
    """What was answered is there after a kill, and what was under way goes on."""
    with stage.up(state, '--database', url) as one:
        api = one.api()
        kept = [api.call('POST', 'network', '/v2.0/networks', json={'network': {'name': f'op-{n}'}})['network']['id'] for n in range(5)]
        one.kill()
    stage.true('the state directory holds no SQLite store', not os.path.exists(os.path.join(state, 'drystone.sqlite')))
    with stage.up(state, '--database', url) as one:
        api = one.api()
        there = {each['id'] for each in api.call('GET', 'network', '/v2.0/networks')['networks']}
        stage.same('after a kill everything that was answered is there', [id for id in kept if id not in there], [])
        stage.until('and its work is done', lambda: [json.dumps(row) for row in status(stage, state)['work']])
        stage.same('the store is said to be PostgreSQL', status(stage, state)['store'], 'PostgreSQL')
        for id in kept:
            api.call('DELETE', 'network', f'/v2.0/networks/{id}')


def two(stage, url, state):
    """Two controllers on one database; the host is connected to the first."""
    with stage.up(state, '--database', url) as first:
        api, other = first.api(), stage.place()
        with stage.up(other, '--database', url, role='controller', metal=None) as second:
            stage.true('the second one has no passwords and writes no clouds.yaml', not os.path.exists(os.path.join(other, 'clouds.yaml')))
            there = api_at(second, api)
            stage.same('a token of the first is good at the second', there('GET', '/identity/v3/users')[0], 200)
            stage.same('the second takes the host for up', [each['state'] for each in there('GET', '/compute/v2.1/os-hypervisors/detail')[1]['hypervisors']], ['up'])
            made = [make(there, f'op-second-{n}') for n in range(4)] + [make(api_at(first, api), f'op-first-{n}') for n in range(4)]
            began = time.monotonic()
            stage.until('what either accepts is done, by the one that reaches the host', lambda: [json.dumps(row) for row in status(stage, state)['work']])
            stage.true('and before the next look, which is half a minute off', time.monotonic() - began < 20, f'{time.monotonic() - began:.1f} s')
            for id in made[:4]:
                stage_answer = there('DELETE', f'/network/v2.0/networks/{id}')
                assert stage_answer[0] == 204, stage_answer
            stage.until('deleted at the second, taken down at the first', lambda: held(stage, state, made[:4]))
            api.call('DELETE', 'identity', '/v3/auth/tokens', headers={'X-Subject-Token': api.http.headers['X-Auth-Token']})
            stage.until('a token revoked at the first is worth nothing at the second', lambda: [] if there('GET', '/identity/v3/users')[0] == 401 else ['still good'],
                        within=20)
            first.kill()
            with stage.up(state, '--database', url) as again:
                api = again.api()
                there = api_at(second, api)
                stage.same('the first was killed and is back: the second goes on', there('GET', '/identity/v3/users')[0], 200)
                stage.until('no work is stuck', lambda: [json.dumps(row) for row in status(stage, state)['work']])
                for id in made[4:]:
                    api.call('DELETE', 'network', f'/v2.0/networks/{id}')


def api_at(one, api):
    """Requests to another controller with a token of the first."""
    base = one.ready['auth_url'].removesuffix('/v3')

    def call(method, path, **more):
        answer = api.http.request(method, base + path, timeout=120, **more)
        return answer.status_code, answer.json() if answer.content else None
    return call


def make(call, name):
    status_code, said = call('POST', '/network/v2.0/networks', json={'network': {'name': name}})
    assert status_code == 201, said
    return said['network']['id']


def held(stage, state, ids):
    host = status(stage, state)['hosts'][0]
    return [entry['id'] for entry in host['agent']['objects'] if entry['id'] in ids and not entry['tombstone']]


def client(stage, url, state):
    """The stock client, on PostgreSQL: some of its scenarios, or all with an image that boots."""
    image = stage.image
    if not image:
        image = os.path.join(stage.place(), 'image.raw')
        with open(image, 'wb') as file:
            file.truncate(1 << 20)
    words = [os.path.join(HERE, '..', 'cli', 'run'), '--state-dir', state, '--metal', 'sim', '--drystone', stage.program, '--image', image,
             '--image-format', 'qcow2' if stage.image else 'raw', *([] if stage.image else ['--only', *SCENARIOS])]
    with stage.report.check('the stock client on PostgreSQL') as wrong, stage.up(state, '--database', url):
        done = subprocess.run(words, capture_output=True, text=True, timeout=600)
        last = done.stdout.strip().splitlines()[-1:] or [done.stderr.strip()[-300:]]
        print(f'            {last[0]}')
        if done.returncode:
            wrong += [line for line in done.stdout.splitlines() if line.startswith('FAIL')][:20] or last


def removed(stage, server, url, state):
    done = stage.command('down', '--destroy', '--state-dir', state)
    stage.same('`down --destroy` finds the database by itself', done.returncode, 0)
    stage.same('and leaves nothing in it', server.ask("SELECT count(*) FROM pg_namespace WHERE nspname = 'drystone'", url), '0')
    stage.true('nor in the state directory', not os.path.exists(state) or os.listdir(state) == [], os.path.exists(state) and os.listdir(state))


def status(stage, state):
    return json.loads(stage.command('status', '--state-dir', state, '--output', 'json').stdout)
