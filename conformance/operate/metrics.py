"""What Prometheus reads: requests, work, calls to drivers, queues."""

import re
import time

import requests


def run(stage):
    with stage.up() as one:
        api = one.api()
        for _ in range(3):
            api.call('GET', 'identity', '/v3/users')
        api.http.get(api.endpoints['compute'] + '/servers/nobody')
        network = api.call('POST', 'network', '/v2.0/networks', json={'network': {'name': 'op-metrics'}})['network']
        figures = read(one)
        stage.true('requests by operation and status', figures.get(('drystone_requests_total', 'user_list', '200')) == 3.0 and
                   figures.get(('drystone_requests_total', 'server_show', '404')) == 1.0, keys(figures, 'drystone_requests_total'))
        stage.true('with their latencies', figures.get(('drystone_request_seconds_count', 'user_list')) == 3.0 and
                   figures[('drystone_request_seconds_sum', 'user_list')] > 0, keys(figures, 'drystone_request_seconds_count'))
        stage.true('how long a server\'s host takes to be decided on', ('drystone_scheduling_seconds_count',) in figures,
                   keys(figures, 'drystone_scheduling_seconds_count'))
        stage.true('a connected host', figures.get(('drystone_hosts',)) == 1.0, keys(figures, 'drystone_hosts'))
        stage.until('calls to drivers by operation and outcome', lambda: [] if (found := read(one)).get(
            ('drystone_driver_calls_total', 'switch', 'network', 'ok'), 0) >= 1.0 and found.get(
            ('drystone_driver_seconds_count', 'switch', 'network'), 0) >= 1.0 else keys(found, 'drystone_driver_calls_total'))
        for queue in ('work', 'password_hashing', 'store_writes', 'store_reads'):
            stage.true(f'the length of a queue: {queue}', ('drystone_queue_length', queue) in figures, keys(figures, 'drystone_queue_length'))
        stage.true('calls under way to a host', any(name[0] == 'drystone_link_calls' for name in figures))
        errors(stage, one, api, network)
    halves(stage)


def errors(stage, one, api, network):
    """Work that is open is counted by kind and state, with its age."""
    api.call('DELETE', 'network', f'/v2.0/networks/{network["id"]}')
    stage.until('work rows by kind and state', lambda: [] if any(
        name[0] == 'drystone_work_rows' and 'network' in name for name in read(one)) else keys(read(one), 'drystone_work_rows'))
    stage.true('and the age of the oldest', any(name[0] == 'drystone_work_oldest_seconds' for name in read(one)))


def halves(stage):
    """Controller and agent apart: each serves its own."""
    state = stage.place()
    with stage.up(state, role='controller', metal=None) as controller, stage.up(state, role='agent') as agent:
        stage.until('the agent joins', lambda: [] if read(controller).get(('drystone_hosts',)) == 1.0 else ['no host'])
        time.sleep(0.2)
        stage.true('the agent serves the calls to its drivers', any(name[0] == 'drystone_driver_calls_total' for name in read(agent)), read(agent))


def read(one):
    """{(name, label values but the service, …): value}"""
    answer = requests.get(one.ready['metrics_url'], timeout=120)
    answer.raise_for_status()
    figures = {}
    for line in answer.text.splitlines():
        found = re.fullmatch(r'(\w+)(?:\{(.*)\})? (\S+)', line)
        if found and not line.startswith('#'):
            labels = [(name, value) for name, value in re.findall(r'(\w+)="([^"]*)"', found[2] or '') if name not in ('service', 'le')]
            figures[(found[1], *(value for _, value in labels))] = float(found[3])
    return figures


def keys(figures, name):
    """What there is of a figure, for who misses some of it."""
    return [f'{key}: {value}' for key, value in figures.items() if key[0] == name][:20] or [f'no {name} at all']
