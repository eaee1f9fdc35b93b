"""A full disk: OpenStack's answers, nothing changed, nothing lost; and all goes on when there is room again."""

import json
import os
import subprocess
import time

from api import Answer
from cloud import PATIENCE

MIB = 1 << 20


def run(stage):
    if os.geteuid() != 0:
        print('            a file system of its own wants root: not tried')
        return
    state = stage.place()
    subprocess.run(['mount', '-t', 'tmpfs', '-o', 'size=64m,mode=0711', 'drystone-test', state], check=True)
    try:
        with stage.up(state) as one:
            filled(stage, one)
        with stage.up(state) as one:
            stage.true('after a restart all is there', {'op-before', 'op-after'} <= names(one.api(), 'network', '/v2.0/networks', 'networks'))
    finally:
        subprocess.run(['umount', '--lazy', state], check=True)


def filled(stage, one):
    api = one.api()
    image = ready_image(api, 'op-small', 1)
    flavor = min(api.call('GET', 'compute', '/flavors/detail')['flavors'], key=lambda each: each['ram'])
    network = api.call('POST', 'network', '/v2.0/networks', json={'network': {'name': 'op-before'}})['network']
    api.call('POST', 'network', '/v2.0/subnets', json={'subnet': {'network_id': network['id'], 'cidr': '10.9.0.0/24', 'ip_version': 4}})
    quiet(stage, one)
    before = everything(api)

    large = api.call('POST', 'image', '/v2/images', json={'name': 'op-large', 'disk_format': 'raw', 'container_format': 'bare'})
    answer = upload(api, large, 80)
    stage.same('an image that does not fit: 413, as Glance', answer.status_code, 413)
    stage.true('with a reason', 'disk space' in answer.text or 'full' in answer.text, answer.text)
    shown = api.call('GET', 'image', f'/v2/images/{large["id"]}')
    stage.same('the image waits for its data as before', (shown['status'], shown['size']), ('queued', None))
    stage.same('nothing of it stays on the disk', [name for name in os.listdir(f'{one.state_dir}/image-data') if name != image], [])
    api.call('DELETE', 'image', f'/v2/images/{large["id"]}')

    ballast = os.path.join(one.state_dir, 'ballast')
    fill(ballast)
    wrong = []
    for what, call in writes(api, image, flavor, network):
        status, text = refused(call)
        if status != 500:
            wrong.append(f'{what}: {status} {text[:200]}')
    stage.report.line('every write is answered 500, as with a full database', 0.0, wrong)
    stage.same('what is read is still answered', everything(api), before)
    stage.true('a login needs no room', one.api() is not None)
    stage.true('status is told', 'work' in json.loads(stage.command('status', '--state-dir', one.state_dir, '--output', 'json').stdout))

    os.remove(ballast)
    api.call('POST', 'network', '/v2.0/networks', json={'network': {'name': 'op-after'}})
    stage.same('with room again a network is made', names(api, 'network', '/v2.0/networks', 'networks') - {name for name in before['networks']}, {'op-after'})
    host_full(stage, one, api, image, flavor, network)


def host_full(stage, one, api, image, flavor, network):
    """A disk that fills up around the answer, at one step or another: a server that was accepted ends ACTIVE or in ERROR."""
    ballast, accepted, refusals = os.path.join(one.state_dir, 'ballast'), [], []
    for room in (16, 48, 96, 160, 256, 512):
        fill(ballast)
        os.truncate(ballast, os.path.getsize(ballast) - room * 1024)
        status, said = refused(lambda: accepted.append(
            api.call('POST', 'compute', '/servers', json=body(f'op-{room}', image, flavor, network))['server']['id']))
        refusals += [f'{room} KiB: {status} {said}'] if status not in (200, 500) else []
        time.sleep(0.4)
        os.remove(ballast)
    stage.report.line(f'with little room a server is accepted ({len(accepted)} of 6 were) or refused with 500', 0.0, refusals)
    stage.until('those that were accepted end ACTIVE or in ERROR with a reason', lambda: [
        why for server in accepted for why in settled(api, server)])
    stage.same('those that were not are not there', ids(api, 'compute', '/servers', 'servers'), set(accepted))
    for server in accepted:
        api.call('DELETE', 'compute', f'/servers/{server}')
    stage.until('all are deleted', lambda: sorted(ids(api, 'compute', '/servers', 'servers')))
    again = api.call('POST', 'compute', '/servers', json=body('op-again', image, flavor, network))['server']
    stage.until('the next one is ACTIVE', lambda: [] if show(api, again['id'])['status'] == 'ACTIVE' else [show(api, again['id'])])
    api.call('DELETE', 'compute', f'/servers/{again["id"]}')
    stage.until('no work is left', lambda: [json.dumps(row) for row in json.loads(
        stage.command('status', '--state-dir', one.state_dir, '--output', 'json').stdout)['work']])


def settled(api, server):
    shown = show(api, server)
    return [] if shown['status'] == 'ACTIVE' or shown['status'] == 'ERROR' and shown['fault']['message'] else [shown['status']]


def show(api, server):
    return api.call('GET', 'compute', f'/servers/{server}')['server']


def writes(api, image, flavor, network):
    return [
        ('a network', lambda: api.call('POST', 'network', '/v2.0/networks', json={'network': {'name': 'op-full'}})),
        ('a port', lambda: api.call('POST', 'network', '/v2.0/ports', json={'port': {'network_id': network['id']}})),
        ('a server', lambda: api.call('POST', 'compute', '/servers', json=body('op-full', image, flavor, network))),
        ('a keypair', lambda: api.call('POST', 'compute', '/os-keypairs', json={'keypair': {'name': 'op-full'}})),
        ('an image', lambda: api.call('POST', 'image', '/v2/images', json={'name': 'op-full'})),
        ('a project', lambda: api.call('POST', 'identity', '/v3/projects', json={'project': {'name': 'op-full', 'domain_id': 'default'}})),
        ('another name', lambda: api.call('PUT', 'network', f'/v2.0/networks/{network["id"]}', json={'network': {'name': 'op-full'}})),
        ('a deletion', lambda: api.call('DELETE', 'network', f'/v2.0/networks/{network["id"]}')),
    ]


def body(name, image, flavor, network):
    return {'server': {'name': name, 'imageRef': image, 'flavorRef': flavor['id'], 'networks': [{'uuid': network['id']}]}}


def refused(call):
    try:
        call()
        return 200, 'it was done'
    except Answer as answer:
        return answer.status, str(answer)


def ready_image(api, name, mib):
    made = api.call('POST', 'image', '/v2/images', json={'name': name, 'disk_format': 'raw', 'container_format': 'bare'})
    answer = upload(api, made, mib)
    assert answer.status_code == 204, answer.text
    return made['id']


def upload(api, image, mib):
    chunk = b'x' * MIB
    return api.http.put(f'{api.endpoints["image"]}/v2/images/{image["id"]}/file', data=(chunk for _ in range(mib)),
                        headers={'Content-Type': 'application/octet-stream'}, timeout=60)


def fill(path):
    """Takes all the room there is, and what others free while we look."""
    with open(path, 'ab', buffering=0) as file:
        until = time.monotonic() + 0.3
        while time.monotonic() < until:
            try:
                file.write(b'x' * 4096)
            except OSError:
                time.sleep(0.01)


def everything(api):
    return {'networks': names(api, 'network', '/v2.0/networks', 'networks'), 'ports': ids(api, 'network', '/v2.0/ports', 'ports'),
            'servers': ids(api, 'compute', '/servers', 'servers'), 'images': names(api, 'image', '/v2/images', 'images'),
            'keypairs': len(api.call('GET', 'compute', '/os-keypairs')['keypairs']),
            'projects': names(api, 'identity', '/v3/projects', 'projects')}


def names(api, service, path, key):
    return {each['name'] for each in api.call('GET', service, path)[key]}


def ids(api, service, path, key):
    return {each['id'] for each in api.call('GET', service, path)[key]}


def quiet(stage, one):
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if not json.loads(stage.command('status', '--state-dir', one.state_dir, '--output', 'json').stdout).get('work', ['?']):
            return
        time.sleep(0.1)
