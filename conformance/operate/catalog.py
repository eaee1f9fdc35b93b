"""What a start says, and that the catalog follows the address."""

import json
import os
import subprocess

import requests
import yaml


def run(stage):
    state = stage.place()
    with stage.up(state) as one:
        ready = one.ready
        stage.same('the ready line has its fields', sorted(ready), ['auth_url', 'event', 'listen', 'metrics_url', 'pid', 'seconds', 'state_dir'])
        stage.same('its pid is the server', ready['pid'], one.process.pid)
        stage.true('with port 0 it tells the port', ready['auth_url'].startswith('http://127.0.0.1:') and ':0/' not in ready['auth_url'])
        stage.same('and where it listens, whatever its public address is', ready['listen'], ready['auth_url'].split('/')[2])
        api = one.api()
        stage.same('the host is there when it says ready', len(api.call('GET', 'compute', '/os-hypervisors')['hypervisors']), 1)
        stage.same('the catalog has the address', bases(api), {ready['auth_url'].removesuffix('/v3')})
        stage.same('its paths', sorted(url.split('/', 3)[3] for url in endpoints(api)),
                   ['compute/v2.1', 'identity', 'image', 'network', 'placement', 'sim'])
        stage.same('identity answers at /v3 and /identity/v3',
                   [api.http.get(f'{base}/v3').status_code for base in (ready['auth_url'][:-3], ready['auth_url'][:-3] + '/identity')], [200, 200])
    secrets = passwords(state)
    stage.true('standard output is JSON alone', all(isinstance(json.loads(line), dict) for line in one.said), one.said)
    stage.true('no password on standard output or in the log', not any(secret in one.logged() + ''.join(one.said) for secret in secrets))
    for name in ('clouds.yaml', 'passwords.json', 'drystone.sqlite'):
        stage.same(f'{name} is for its owner alone', os.stat(os.path.join(state, name)).st_mode & 0o077, 0)
    for url in ('http://cloud.example:8080', 'https://other.example/base'):
        with stage.up(state, '--public-url', url + '/') as one:
            local = 'http://' + listening(one)
            token = token_of(local, passwords(state)[0])
            stage.same(f'--public-url {url}: catalog and clouds.yaml follow', (bases_of(token), auth_urls(state)),
                       ({url}, {url + '/v3'}))
    people(stage)


def people(stage):
    """The other form: two lines to use it, the passwords once."""
    state = stage.place()
    with stage.up(state, output='text') as one:
        pass
    said = '\n'.join(one.said)
    stage.true('the first start tells the passwords', all(secret in said for secret in passwords(state)), said)
    stage.true('and the two lines that use it', f'export OS_CLIENT_CONFIG_FILE={state}/clouds.yaml\n  openstack --os-cloud drystone' in said, said)
    with stage.up(state, output='text') as one:
        pass
    stage.true('the second one does not tell them again', not any(secret in '\n'.join(one.said) for secret in passwords(state)))


def listening(one):
    """Where it really listens, when its catalog says something else."""
    words = subprocess.run(['ss', '-Hltnp'], capture_output=True, text=True).stdout
    metrics = one.ready['metrics_url'].split('/')[2]
    mine = [line.split()[3] for line in words.splitlines() if f'pid={one.process.pid},' in line]
    return next(address for address in mine if address != metrics)


def token_of(base, password):
    domain = {'id': 'default'}
    body = {'auth': {'identity': {'methods': ['password'], 'password': {'user': {'name': 'admin', 'domain': domain, 'password': password}}},
                     'scope': {'project': {'name': 'admin', 'domain': domain}}}}
    return requests.post(base + '/v3/auth/tokens', json=body, timeout=120).json()['token']


def bases_of(token):
    paths = ('/identity', '/image', '/network', '/compute/v2.1', '/placement', '/sim')
    urls = [end['url'] for service in token['catalog'] for end in service['endpoints']]
    return {url.removesuffix(next((path for path in paths if url.endswith(path)), '?')) for url in urls}


def endpoints(api):
    return list(api.endpoints.values())


def bases(api):
    return {'/'.join(url.split('/')[:3]) for url in endpoints(api)}


def auth_urls(state):
    with open(os.path.join(state, 'clouds.yaml'), encoding='utf-8') as file:
        return {cloud['auth']['auth_url'] for cloud in yaml.safe_load(file)['clouds'].values()}


def passwords(state):
    with open(os.path.join(state, 'passwords.json'), encoding='utf-8') as file:
        return list(json.load(file).values())
