"""A server's interfaces: ports, networks and addresses added and taken while it runs."""

from checks import MAC


def run(world):
    member = world.member
    image = world.boot_image(member)
    for number in (1, 2, 3):
        member.show(f'network create cli-net{number}')
        member.show(f'subnet create cli-sub{number} --network cli-net{number} --subnet-range 10.85.{number}.0/24')
    port = member.show('port create cli-port --network cli-net1 --fixed-ip subnet=cli-sub1,ip-address=10.85.1.21')
    server = member.show(f'server create cli-many --image {image} --flavor m1.tiny --port cli-port --wait', status='ACTIVE',
                         addresses={'cli-net1': ['10.85.1.21']})['id']
    member.until(f'port show {port["id"]}', status='ACTIVE', device_id=server, device_owner='compute:nova')
    member.rows('port list --server cli-many', column='ID', want=[port['id']])

    member.do('server add fixed ip cli-many cli-net2 --fixed-ip-address 10.85.2.33')
    member.until('server show cli-many', addresses={'cli-net1': ['10.85.1.21'], 'cli-net2': ['10.85.2.33']})
    member.do('--os-compute-api-version 2.43 server remove fixed ip cli-many 10.85.2.33')
    member.until('server show cli-many', addresses=lambda have: not have.get('cli-net2'))

    second = member.show('port create cli-second --network cli-net2', mac_address=MAC)
    member.do('server add port cli-many cli-second')
    member.until('server show cli-many', addresses=lambda have: second['fixed_ips'][0]['ip_address'] in have.get('cli-net2', []))
    member.until(f'port show {second["id"]}', device_id=server, status='ACTIVE')
    member.refused('server add port cli-many cli-second', r'400|409|in use|still')
    member.do('server remove port cli-many cli-second')
    member.until(f'port show {second["id"]}', device_id='', status='DOWN')

    member.do('server add network cli-many cli-net3')
    member.until('server show cli-many', addresses=lambda have: len(have.get('cli-net3', [])) == 1)
    member.rows('port list --server cli-many --network cli-net3', column='Status')
    member.do('server remove network cli-many cli-net3')
    member.until('server show cli-many', addresses=lambda have: 'cli-net3' not in have)
    ports = member.rows('port list --network cli-net3')
    world.check('the port that was made for it is gone', [] if not [p for p in ports if p.get('Status') == 'ACTIVE'] else [str(ports)])

    member.do('server delete cli-many --wait')
    member.show(f'port show {port["id"]}', device_id='', device_owner='', status='DOWN', name='cli-port')
    member.do('port delete cli-port cli-second')
    for number in (1, 2, 3):
        member.do(f'network delete cli-net{number}')
    member.do(f'image delete {image}')
