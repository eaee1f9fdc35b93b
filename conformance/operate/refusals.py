"""A start that cannot be: one sentence, exit status 2, nothing changed."""

import json
import os
import socket
import sqlite3
import time

from cloud import PATIENCE, under_way


def run(stage):
    state = stage.place()
    with stage.up(state) as one:
        address = one.ready['auth_url'].split('/')[2]
        fresh = os.path.join(stage.place(), 'new')
        stage.refused('a busy port', ['up', '--metal', 'sim', '--state-dir', fresh, '--listen', address],
                      rf'Cannot serve on {address}.*--listen')
        stage.true('a busy port leaves no directory behind', not os.path.exists(fresh))
        done = stage.command('up', '--detach', '--metal', 'sim', '--state-dir', fresh, '--listen', address)
        stage.true('in the background, too', done.returncode == 2 and f'Cannot serve on {address}' in done.stderr
                   and len([line for line in done.stderr.splitlines() if not line.startswith('…')]) == 1 and not done.stdout, (done.returncode, done.stderr))
        with socket.create_server(('127.0.0.1', 0)) as busy:
            port = busy.getsockname()[1]
            stage.refused('a busy port for metrics', ['up', '--metal', 'sim', '--state-dir', fresh, '--listen', '127.0.0.1:0',
                                                      '--metrics-listen', f'127.0.0.1:{port}'], r'--metrics-listen')
        at_rest(stage, state)
        for role in ('up', 'controller', 'agent'):
            stage.refused(f'a state directory in use: {role}', [role, '--metal', 'sim', '--state-dir', state, '--listen', '127.0.0.1:0'],
                          rf'in use by process {one.process.pid}', unchanged=[os.path.join(state, 'agent'), os.path.join(state, 'tls')])
        stage.true('the one that has it goes on', one.api() is not None)
    stage.refused('another metal', ['up', '--metal', 'real', '--state-dir', state, '--listen', '127.0.0.1:0'],
                  r'simulated|sim metal', unchanged=[os.path.join(state, 'agent')])
    newer(stage, state)
    with stage.up(state) as one:
        stage.true('after all that it starts as before', one.api() is not None)


def at_rest(stage, state):
    """Waits until a cloud that was made just now has its first networks: until then it writes to its own ledger."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        said = json.loads(stage.command('status', '--state-dir', state, '--output', 'json').stdout)
        if any((host['agent'] or {}).get('objects') for host in said['hosts']) and not under_way(said):
            return
        time.sleep(0.1)


def newer(stage, state):
    """The store as a newer release would leave it: with a step that we do not know."""
    path = os.path.join(state, 'drystone.sqlite')
    start = ['up', '--metal', 'sim', '--state-dir', state, '--listen', '127.0.0.1:0']
    change(path, "INSERT INTO schema_history VALUES ('compute', 900, 'from the future', '', 0)")
    stage.refused('a store that a newer release wrote', start, r'newer release.*compute', unchanged=[os.path.join(state, 'agent')])
    stage.true('no step of ours was added', rows(path, "SELECT count(*) FROM schema_history WHERE number >= 900") == [(1,)])
    change(path, "INSERT INTO schema_tolerance VALUES ('compute', 900, 1)")
    with stage.up(state) as one:
        stage.true('a newer store that says that we can live with it', one.api() is not None)
    change(path, "UPDATE schema_tolerance SET known = 899 WHERE number = 900")
    stage.refused('a newer store that wants a release between', start, r'newer release.*compute')
    change(path, "DELETE FROM schema_history WHERE number = 900")
    change(path, "DELETE FROM schema_tolerance WHERE number = 900")


def change(path, sql):
    with sqlite3.connect(path) as store:
        store.execute(sql)
    store.close()


def rows(path, sql):
    store = sqlite3.connect(path)
    found = store.execute(sql).fetchall()
    store.close()
    return found
