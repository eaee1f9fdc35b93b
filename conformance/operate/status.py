"""`drystone status`: what runs, where, which versions, and why what waits does."""

import json
import time


def run(stage):
    state = stage.place()
    with stage.up(state, role='controller', metal=None) as controller:
        api = controller.api()
        network = api.call('POST', 'network', '/v2.0/networks', json={'network': {'name': 'op-waits'}})['network']
        stage.until('a row that waits has its reason', lambda: waiting(stage, state, network['id']))
        text = stage.command('status', '--state-dir', state).stdout
        stage.true('people read it, too', 'no host is connected' in text and f'network {network["id"]} waiting' in text, text)
        with stage.up(state, role='agent') as agent:
            stage.until('with a host the work is done', lambda: [json.dumps(row) for row in asked(stage, state)['work']])
            said = asked(stage, state)
            facts = said['hosts'][0]['facts']
            stage.same('it says what runs, and where', (said['role'], said['pid'], said['state_dir'], said['store'], said['public_url']),
                       ('controller', controller.process.pid, state, 'SQLite', controller.ready['auth_url'][:-3]))
            stage.true('versions and acceleration', said['version'] and facts['version'] and facts['acceleration'] == 'sim' and facts['hypervisor'])
            stage.true('what its agent holds', any(entry['id'] == network['id'] for entry in said['hosts'][0]['agent']['objects']))
            text = stage.command('status', '--state-dir', state).stdout
            stage.true('in words', f'with pid {controller.process.pid}' in text and 'sim metal' in text and 'no work is open' in text and 'null' not in text, text)
            controller.kill()
            text = stage.command('status', '--state-dir', state).stdout
            stage.true('an agent alone says so', f'the agent runs with pid {agent.process.pid}; no controller does' in text and 'null' not in text, text)
    stage.true('nothing runs', 'Nothing runs' in stage.command('status', '--state-dir', state).stdout)


def asked(stage, state):
    return json.loads(stage.command('status', '--state-dir', state, '--output', 'json').stdout)


def waiting(stage, state, network):
    rows = [row for row in asked(stage, state)['work'] if row['id'] == network]
    return [] if rows and rows[0]['state'] == 'waiting' and rows[0]['reason'] else [json.dumps(rows)]
