"""One line an event, the request's id on each of its lines, and no secret in any of them."""

import base64
import json
import os
import re
import time

import requests

from cloud import PATIENCE

REQUEST = re.compile(r'req-[0-9a-f]{8}-[0-9a-f-]{27}')
PASSWORD, CHANGED = 'pass-word-of-a-user-7351', 'another-word-of-his-9024'
USER_DATA, PERSONAL = 'a-secret-in-the-user-data-5512', 'a-secret-in-a-file-6613'


def run(stage):
    state = stage.place()
    with stage.up(state, '--log', 'trace', '--log-format', 'json') as one:
        secrets = confide(one)
        ids = several_requests(one)
    text = one.logged()
    lines = [json.loads(line) for line in text.splitlines() if not line.startswith('…')]
    stage.true('as JSON every line is an object', len(lines) > 100 and all(isinstance(line, dict) for line in lines), len(lines))
    stage.true('with time, level and place', all({'timestamp', 'level', 'target'} <= line.keys() for line in lines))
    missing = [name for name, secret in secrets.items() if secret in text]
    stage.report.line(f'at the most verbose level no secret of {len(secrets)} is in the log', 0.0, missing)
    stage.true('and that would have been seen: the ids of the same things are there', all(one in text for one in ids), ids)
    requests_told = [line for line in lines if line.get('message') == 'request']
    stage.true('every request has its line with an id', len(requests_told) > 20 and
               all(REQUEST.search(json.dumps(line)) for line in requests_told), len(requests_told))
    stored = [line for line in lines if line['target'].startswith(('store', 'web', 'identity', 'image', 'compute', 'network', 'placement'))
              and line.get('span', {}).get('name') == 'request']
    stage.true('what is logged for a request carries it', all(REQUEST.match(line['span']['request_id']) for line in stored))
    as_text(stage)


def confide(one):
    """Tells the cloud everything that must stay between us; returns it."""
    api = one.api()
    with open(os.path.join(one.state_dir, 'passwords.json'), encoding='utf-8') as file:
        secrets = {f"{name}'s generated password": word for name, word in json.load(file).items()}
    secrets['a token'] = api.http.headers['X-Auth-Token']
    user = api.call('POST', 'identity', '/v3/users', json={'user': {'name': 'op-user', 'domain_id': 'default', 'password': PASSWORD}})['user']
    me = api.http.get(one.ready['auth_url'] + '/auth/tokens', headers={'X-Subject-Token': secrets['a token']}).json()['token']
    api.call('POST', 'identity', f'/v3/users/{user["id"]}/password', json={'user': {'original_password': PASSWORD, 'password': CHANGED}})
    secrets |= {'a password': PASSWORD, 'a changed password': CHANGED}
    made = api.call('POST', 'identity', f'/v3/users/{me["user"]["id"]}/application_credentials',
                    json={'application_credential': {'name': 'op-app'}})['application_credential']
    secrets['an application credential'] = made['secret']
    blob = json.dumps({'access': 'a-public-half', 'secret': 'secret-half-of-a-key-4471'})
    api.call('POST', 'identity', '/v3/credentials', json={'credential': {
        'type': 'ec2', 'user_id': me['user']['id'], 'project_id': me['project']['id'], 'blob': blob}})
    secrets['a credential'] = 'secret-half-of-a-key-4471'
    pair = api.call('POST', 'compute', '/os-keypairs', json={'keypair': {'name': 'op-key'}})['keypair']
    secrets['a private key'] = pair['private_key'].splitlines()[3]
    secrets |= server(api)
    # What is refused is told, without what was tried.
    wrong = 'tried-and-wrong-1187'
    requests.post(one.ready['auth_url'] + '/auth/tokens', timeout=120, json={'auth': {'identity': {'methods': ['password'], 'password': {
        'user': {'name': 'op-user', 'domain': {'id': 'default'}, 'password': wrong}}}}})
    requests.get(one.ready['auth_url'] + '/users', headers={'X-Auth-Token': 'a-token-that-is-none-3390'}, timeout=120)
    requests.post(one.ready['auth_url'] + '/auth/tokens', timeout=120, data='{"auth": {"identity": {"password": "half-a-body-2286',
                  headers={'Content-Type': 'application/json'})
    return secrets | {'a wrong password': wrong, 'a wrong token': 'a-token-that-is-none-3390', 'half a body': 'half-a-body-2286'}


def server(api):
    """A server with user data and a password, as far as ACTIVE: what the host is told is logged, too."""
    image = api.call('POST', 'image', '/v2/images', json={'name': 'op', 'disk_format': 'raw', 'container_format': 'bare'})
    api.call('PUT', 'image', f'/v2/images/{image["id"]}/file', data=b'x' * 65536, headers={'Content-Type': 'application/octet-stream'})
    flavor = min(api.call('GET', 'compute', '/flavors/detail')['flavors'], key=lambda one: one['ram'])
    network = api.call('POST', 'network', '/v2.0/networks', json={'network': {'name': 'op'}})['network']
    api.call('POST', 'network', '/v2.0/subnets', json={'subnet': {'network_id': network['id'], 'cidr': '10.9.0.0/24', 'ip_version': 4}})
    body = {'server': {'name': 'op', 'imageRef': image['id'], 'flavorRef': flavor['id'], 'networks': [{'uuid': network['id']}],
                       'config_drive': True, 'user_data': base64.b64encode(USER_DATA.encode()).decode(),
                       'personality': [{'path': '/secret', 'contents': base64.b64encode(PERSONAL.encode()).decode()}]}}
    made = api.call('POST', 'compute', '/servers', json=body)['server']
    until = time.monotonic() + PATIENCE
    while (state := api.call('GET', 'compute', f'/servers/{made["id"]}')['server']['status']) == 'BUILD' and time.monotonic() < until:
        time.sleep(0.1)
    if state != 'ACTIVE':
        raise AssertionError(f'the server is {state}')
    console = api.call('POST', 'compute', f'/servers/{made["id"]}/action', json={'os-getVNCConsole': {'type': 'novnc'}})['console']
    return {'user data': USER_DATA, 'user data as it was sent': base64.b64encode(USER_DATA.encode()).decode(),
            'an injected file': PERSONAL, "a server's password": made['adminPass'],
            'a token of a console': re.split(r'token(?:=|%3D)', console['url'])[1]}


def several_requests(one):
    """Ids that the log must have."""
    api = one.api()
    answer = api.http.get(api.endpoints['compute'] + '/servers/' + '0' * 8 + '-0000-0000-0000-' + '0' * 12)
    return [answer.headers['X-Openstack-Request-Id']]


def as_text(stage):
    with stage.up(None, '--log', 'debug') as one:
        api = one.api()
        api.http.get(api.endpoints['network'] + '/v2.0/networks/no%0Asuch%0Athing')
        api.http.get(api.endpoints['identity'] + '/v3/users/no%0Asuch%1B[31mthing')
    lines = [line for line in one.logged().splitlines() if not line.startswith('…')]
    stage.true('as text every line begins with its time', lines and all(re.match(r'\d{4}-\d\d-\d\dT[\d:.]+Z +[A-Z]+ ', line) for line in lines),
               next((line for line in lines if not re.match(r'\d{4}-', line)), ''))
    told = [line for line in lines if ' web::site: request ' in line]
    stage.true('and those of requests have their id', len(told) >= 3 and all(REQUEST.search(line) for line in told), told[:3])
    stage.true('and nothing of them moves a terminal', '\x1b' not in one.logged())
