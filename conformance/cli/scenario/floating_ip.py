"""Floating IPs: from the pool or by address, on a port behind a router, and off it again."""

from checks import ADDRESS, UUID, nothing


def run(world):
    admin, member = world.admin, world.member
    public = member.show('network show public')['id']
    member.show('network create cli-net')
    member.show('subnet create cli-subnet --network cli-net --subnet-range 10.83.0.0/24')
    port = member.show('port create cli-port --network cli-net')
    made = member.show('floating ip create public --description "an address"', floating_ip_address=ADDRESS, id=UUID,
                       floating_network_id=public, fixed_ip_address=nothing, port_id=nothing, status='DOWN',
                       description='an address')
    address = made['floating_ip_address']
    member.show(f'floating ip show {address}', id=made['id'])
    member.row('floating ip list', address, column='Floating IP Address', ID=made['id'], Port=nothing)
    member.refused(f'floating ip set {address} --port {port["id"]}', r'404|400|not reachable|router')
    member.show('router create cli-router')
    member.do('router set cli-router --external-gateway public')
    member.do('router add subnet cli-router cli-subnet')
    inside = port['fixed_ips'][0]['ip_address']
    member.do(f'floating ip set {address} --port {port["id"]}')
    member.show(f'floating ip show {address}', port_id=port['id'], fixed_ip_address=inside, router_id=UUID)
    member.rows(f'floating ip list --port {port["id"]}', column='Floating IP Address', want=[address])
    member.rows('floating ip list --network public --router cli-router', column='Floating IP Address', want=[address])
    member.refused('router unset cli-router --external-gateway', r'409|required by|floating')
    member.refused('router remove subnet cli-router cli-subnet', r'409|required by|floating')
    member.do(f'floating ip unset {address} --port')
    member.show(f'floating ip show {address}', port_id=nothing, fixed_ip_address=nothing)
    member.refused(f'floating ip create public --floating-ip-address {address}', r'403|409|already|in use|disallowed')
    member.refused('floating ip create cli-net', r'400|not a valid external|external')
    free = admin.show('floating ip create public --project demo', floating_ip_address=ADDRESS)
    member.do(f'floating ip delete {free["floating_ip_address"]} {address}')
    member.refused(f'floating ip show {made["id"]}', r'No .*found|not found')
    member.do(f'port delete {port["id"]}')
    member.do('router remove subnet cli-router cli-subnet')
    member.do('router delete cli-router')
    member.do('network delete cli-net')
