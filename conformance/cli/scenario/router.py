"""Routers: interfaces by subnet and by port, the external gateway, static routes."""

from checks import UUID, nothing


def run(world):
    member = world.member
    for number in (1, 2):
        member.show(f'network create cli-net{number}')
        member.show(f'subnet create cli-sub{number} --network cli-net{number} --subnet-range 10.81.{number}.0/24')
    made = member.show('router create cli-router --description "a router"', name='cli-router', status='ACTIVE',
                       admin_state_up=True, id=UUID, external_gateway_info=nothing, description='a router')
    member.show('router show cli-router', id=made['id'])
    member.row('router list', 'cli-router', ID=made['id'], Status='ACTIVE', State=True)
    member.row('router list --long', 'cli-router', want={'External gateway info': nothing})
    member.do('router add subnet cli-router cli-sub1')
    member.refused('router add subnet cli-router cli-sub1', r'400|409|already has a port')
    ports = member.rows('port list --router cli-router')
    world.check('the router has one port', [] if len(ports) == 1 else [f'it has {len(ports)}'])
    member.show('router show cli-router', interfaces_info=lambda legs: [leg['ip_address'] for leg in legs] == ['10.81.1.1'])
    port = member.show('port create cli-leg --network cli-net2 --fixed-ip subnet=cli-sub2,ip-address=10.81.2.7')
    member.do('router add port cli-router cli-leg')
    member.until(f'port show {port["id"]}', device_id=made['id'], device_owner='network:router_interface', status='ACTIVE')
    member.refused('port delete cli-leg', r'409|router|cannot be deleted')
    member.refused('router delete cli-router', r'409|still|ports|in use')
    member.refused('subnet delete cli-sub1', r'409|ports|in use')

    public = member.show('network show public')['id']
    member.do('router set cli-router --external-gateway public')
    member.show('router show cli-router', external_gateway_info=lambda info: info['network_id'] == public
                and info['enable_snat'] is True and bool(info['external_fixed_ips'][0]['ip_address']))
    member.do('router set cli-router --name cli-router-2 --route destination=203.0.113.0/24,gateway=10.81.1.9')
    member.show('router show cli-router-2', routes=[{'destination': '203.0.113.0/24', 'nexthop': '10.81.1.9'}])
    member.refused('router set cli-router-2 --route destination=203.0.113.0/24,gateway=192.0.2.1', r'400|nexthop|not connected|Invalid')
    member.do('router unset cli-router-2 --route destination=203.0.113.0/24,gateway=10.81.1.9')
    member.show('router show cli-router-2', routes=nothing)
    member.show('router add route cli-router-2 --route destination=203.0.113.0/25,gateway=10.81.1.8',
                routes=[{'destination': '203.0.113.0/25', 'nexthop': '10.81.1.8'}])
    member.show('router remove route cli-router-2 --route destination=203.0.113.0/25,gateway=10.81.1.8', routes=nothing)
    member.do('router set cli-router-2 --disable --description changed')
    member.show('router show cli-router-2', admin_state_up=False, description='changed')
    member.do('router set cli-router-2 --enable')
    member.do('router unset cli-router-2 --external-gateway')
    member.show('router show cli-router-2', external_gateway_info=nothing)
    member.do('router remove port cli-router-2 cli-leg')
    member.refused('port show cli-leg', r'No Port found|not found')
    member.do('router remove subnet cli-router-2 cli-sub1')
    member.refused('router remove subnet cli-router-2 cli-sub1', r'404|no interface|not found')
    member.do('router delete cli-router-2')
    member.refused('router show cli-router-2', r'No Router found|not found')
    for number in (1, 2):
        member.do(f'network delete cli-net{number}')
    member.rows('subnet list', lacks=['cli-sub1', 'cli-sub2'])
