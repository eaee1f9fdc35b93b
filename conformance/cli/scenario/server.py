"""One server's whole life: create with everything, find it, change it, stop and start it in every way, delete it."""

import base64
import os
import re

from checks import ADDRESS, MOMENT, UUID, includes, nothing, some


def run(world):
    admin, member = world.admin, world.member
    image = world.boot_image(member)
    member.do(f'keypair create cli-key --public-key {world.public_key}')
    member.show('network create cli-net')
    member.show('subnet create cli-subnet --network cli-net --subnet-range 10.84.0.0/24')
    member.show('security group create cli-ssh')
    member.show('security group rule create cli-ssh --protocol tcp --dst-port 22')
    member.show('security group rule create cli-ssh --protocol icmp')
    script = os.path.join(world.scratch, 'user-data')
    with open(script, 'w') as file:
        file.write('#!/bin/sh\necho user data ran > /tmp/user-data-ran\n')

    made = member.show('--os-compute-api-version 2.90 server create cli-server --flavor m1.tiny '
                       f'--image {image} --network cli-net --key-name cli-key --user-data {script} --use-config-drive '
                       '--property colour=grey --availability-zone nova --security-group cli-ssh --description "a server" '
                       '--tag blue --hostname cli-host --wait',
                       name='cli-server', status='ACTIVE', id=UUID, key_name='cli-key', description='a server',
                       created=MOMENT, properties={'colour': 'grey'}, tags=['blue'], adminPass=some,
                       image=includes(image), security_groups=[{'name': 'cli-ssh'}],
                       addresses=lambda nets: nets['cli-net'][0].startswith('10.84.0.'),
                       want={'OS-EXT-STS:vm_state': 'active', 'OS-EXT-STS:power_state': 1, 'OS-EXT-STS:task_state': nothing,
                             'OS-EXT-AZ:availability_zone': 'nova', 'OS-SRV-USG:launched_at': MOMENT})
    ident = made['id']
    world.seen(ident)
    member.show('server show cli-server', id=ident, status='ACTIVE', config_drive='True', hostId=some,
                flavor=lambda f: f['original_name'] == 'm1.tiny' and f['ram'] > 0)
    data = admin.show(f'--os-compute-api-version 2.90 server show {ident}', want={
        'OS-EXT-SRV-ATTR:host': some, 'OS-EXT-SRV-ATTR:hypervisor_hostname': some, 'OS-EXT-SRV-ATTR:instance_name': some,
        'OS-EXT-SRV-ATTR:hostname': 'cli-host'})
    text = data['OS-EXT-SRV-ATTR:user_data'] or ''
    world.check('the user data is kept', [] if base64.b64decode(text) == open(script, 'rb').read() else [text[:80]])

    _lists(world, ident)
    member.refused(f'server create cli-bad --image {image} --flavor no-such-flavor --network cli-net', r'No Flavor found|not found')
    member.refused('server create cli-bad --image no-such-image --flavor m1.tiny --network cli-net', r'No Image found|not found')
    member.refused(f'server create cli-bad --image {image} --flavor m1.tiny --network cli-net --key-name no-such-key', r'400|Invalid key')
    member.refused(f'server create cli-bad --image {image} --flavor m1.tiny --network cli-net --availability-zone nowhere',
                   r'400|availability zone')
    member.refused('network delete cli-net', r'409|in use')
    member.rows('server list --name cli-bad', want=[])

    _changes(world)
    _power(world, ident)

    member.row('server event list cli-server', 'create', column='Action', want={'Server ID': ident})
    events = member.rows('server event list cli-server', column='Action',
                         has=['create', 'stop', 'start', 'pause', 'unpause', 'suspend', 'resume', 'reboot'])
    create = [event for event in events if event['Action'] == 'create'][0]
    member.show(f'server event show cli-server {create["Request ID"]}', action='create', request_id=create['Request ID'],
                events=some)
    member.row('limits show --absolute', 'total_instances_used', Value=lambda used: used >= 1)

    _guest(world)
    member.do('server delete cli-server --wait')
    member.refused('server show cli-server', r'No Server found|not found')
    member.refused(f'server show {ident}', r'No Server found|not found')
    member.do('security group delete cli-ssh')
    member.do('network delete cli-net')
    member.do('keypair delete cli-key')
    member.do(f'image delete {image}')


def _lists(world, ident):
    """Filters, paging and columns of the list."""
    admin, member = world.admin, world.member
    member.row('server list', 'cli-server', ID=ident, Status='ACTIVE', Networks=includes('cli-net'), Flavor='m1.tiny')
    member.row('server list --long', 'cli-server', want={'Power State': lambda state: state in (1, 'Running'),
                                                       'Availability Zone': 'nova'})
    member.row('server list --no-name-lookup', 'cli-server', ID=ident)
    member.rows('server list --name cli-serv', want=['cli-server'])
    member.rows('server list --name cli-nobody', want=[])
    member.rows('server list --status ACTIVE', has=['cli-server'])
    member.rows('server list --status SHUTOFF', lacks=['cli-server'])
    member.rows('server list --image cli-boot', has=['cli-server'])
    member.rows('server list --flavor m1.tiny', has=['cli-server'])
    member.rows('server list --ip 10.84.0.', has=['cli-server'])
    member.rows('--os-compute-api-version 2.90 server list --tags blue', want=['cli-server'])
    member.rows('--os-compute-api-version 2.90 server list --not-tags blue', lacks=['cli-server'])
    member.rows('server list --sort-column name --limit 1', has=[])
    member.rows('server list --marker cli-server', lacks=['cli-server'])
    admin.rows('server list', lacks=['cli-server'])
    admin.rows('server list --all-projects', column='ID', has=[ident])
    admin.rows('server list --project demo', column='ID', has=[ident])
    host = admin.show(f'server show {ident}')['OS-EXT-SRV-ATTR:host']
    admin.rows(f'server list --all-projects --host {host}', column='ID', has=[ident])


def _changes(world):
    """Names, descriptions, metadata, tags and security groups."""
    member = world.member
    member.do('server set cli-server --name cli-server-2 --property shape=round --property colour=green')
    member.show('server show cli-server-2', properties={'shape': 'round', 'colour': 'green'})
    member.do('server unset cli-server-2 --property colour')
    member.show('server show cli-server-2', properties={'shape': 'round'})
    member.do('--os-compute-api-version 2.90 server set cli-server-2 --description changed --tag red --name cli-server')
    member.show('--os-compute-api-version 2.90 server show cli-server', description='changed', tags=includes('blue', 'red'))
    member.do('--os-compute-api-version 2.90 server unset cli-server --description --tag red')
    member.show('--os-compute-api-version 2.90 server show cli-server', description=nothing, tags=['blue'])
    member.do('server add security group cli-server default')
    member.show('server show cli-server', security_groups=lambda groups: {g['name'] for g in groups} == {'cli-ssh', 'default'})
    member.do('server remove security group cli-server default')
    member.show('server show cli-server', security_groups=[{'name': 'cli-ssh'}])
    member.refused('server add security group cli-server no-such-group', r'404|not found|No SecurityGroup')


def _power(world, ident):
    """Every way to stop and to go on, and what is refused in between."""
    member = world.member
    show = f'server show {ident}'
    member.do('server stop cli-server')
    member.until(show, within=120, status='SHUTOFF', want={'OS-EXT-STS:power_state': 4, 'OS-EXT-STS:task_state': nothing})
    member.refused('server pause cli-server', r'409|Cannot')
    member.do('server start cli-server')
    member.until(show, within=120, status='ACTIVE', want={'OS-EXT-STS:power_state': 1})
    member.refused('server start cli-server', r'409|Cannot')
    member.do('server pause cli-server')
    member.until(show, status='PAUSED', want={'OS-EXT-STS:power_state': 3})
    member.do('server unpause cli-server')
    member.until(show, status='ACTIVE')
    member.do('server suspend cli-server')
    member.until(show, within=120, status='SUSPENDED', want={'OS-EXT-STS:power_state': 4})
    member.do('server resume cli-server')
    member.until(show, within=120, status='ACTIVE')
    member.do('server reboot cli-server --wait')
    member.until(show, within=120, status='ACTIVE', want={'OS-EXT-STS:task_state': nothing})
    member.do('server reboot --hard cli-server --wait')
    member.until(show, within=120, status='ACTIVE', want={'OS-EXT-STS:task_state': nothing})


def _guest(world):
    """On real metal: the key, the name and the user data are in the guest, seen over a floating IP."""
    member = world.member
    member.show('router create cli-router')
    member.do('router set cli-router --external-gateway public')
    member.do('router add subnet cli-router cli-subnet')
    address = member.show('floating ip create public', floating_ip_address=ADDRESS)['floating_ip_address']
    member.do(f'server add floating ip cli-server {address}')
    member.until('server show cli-server', within=30, addresses=lambda nets: address in nets['cli-net'])
    if world.metal == 'real':
        world.ssh(address, 'hostname', like=re.compile('^cli-host'))
        world.ssh(address, 'cat /tmp/user-data-ran', like=re.compile('user data ran'))
        world.ssh(address, 'sudo blkid; ls /dev/disk/by-label 2>/dev/null', like=re.compile('config-2'))
    member.do(f'server remove floating ip cli-server {address}')
    member.show(f'floating ip show {address}', port_id=nothing)
    member.do(f'floating ip delete {address}')
    member.do('router remove subnet cli-router cli-subnet')
    member.do('router delete cli-router')
