"""Networks and subnets: a project's own, an admin's provider network, and what others may see."""

from checks import UUID, includes, nothing


def run(world):
    admin, member = world.admin, world.member
    made = member.show('network create cli-net --mtu 1400 --description "a network" --tag blue', name='cli-net', mtu=1400,
                       status='ACTIVE', admin_state_up=True, shared=False, description='a network', id=UUID,
                       port_security_enabled=True, tags=['blue'], want={'router:external': False})
    member.show('network show cli-net', id=made['id'], subnets=[])
    member.row('network list', 'cli-net', ID=made['id'], Subnets=[])
    member.row('network list --long', 'cli-net', Shared=False, State=True, Status='ACTIVE')
    member.rows('network list --name cli-net', want=['cli-net'])
    member.rows('network list --external', has=['public'], lacks=['cli-net'])
    member.rows('network list --internal', has=['cli-net'], lacks=['public'])
    member.rows('network list --tags blue', want=['cli-net'])
    member.rows('network list --disable', want=[])
    member.do('network set cli-net --name cli-net-2 --disable --description changed --tag red')
    member.show('network show cli-net-2', id=made['id'], admin_state_up=False, description='changed', tags=includes('blue', 'red'))
    member.do('network unset cli-net-2 --tag blue')
    member.show('network show cli-net-2', tags=['red'])
    member.do('network set cli-net-2 --name cli-net --enable')
    member.refused('network set cli-net --share', r'403|disallowed|not allowed|policy')
    member.refused('network create cli-flat --provider-network-type flat --provider-physical-network cli', r'403|disallowed|policy')
    member.refused('network show cli-nowhere', r'No Network found|not found')
    admin.do(f'network set {made["id"]} --share')
    member.show('network show cli-net', shared=True)
    admin.do(f'network set {made["id"]} --no-share')

    subnet = member.show('subnet create cli-subnet --network cli-net --subnet-range 10.77.0.0/24 --dns-nameserver 192.0.2.53 '
                         '--allocation-pool start=10.77.0.10,end=10.77.0.99 --host-route destination=198.51.100.0/24,gateway=10.77.0.5',
                         name='cli-subnet', cidr='10.77.0.0/24', gateway_ip='10.77.0.1', enable_dhcp=True, ip_version=4,
                         network_id=made['id'], dns_nameservers=['192.0.2.53'],
                         allocation_pools=[{'start': '10.77.0.10', 'end': '10.77.0.99'}],
                         host_routes=[{'destination': '198.51.100.0/24', 'nexthop': '10.77.0.5'}])
    member.show('network show cli-net', subnets=[subnet['id']])
    member.show('subnet show cli-subnet', id=subnet['id'])
    member.row('subnet list', 'cli-subnet', Network=made['id'], Subnet='10.77.0.0/24')
    member.rows('subnet list --network cli-net', want=['cli-subnet'])
    member.rows('subnet list --dhcp --ip-version 4 --network cli-net', want=['cli-subnet'])
    member.rows('subnet list --ip-version 6 --network cli-net', want=[])
    member.refused('subnet create cli-overlap --network cli-net --subnet-range 10.77.0.128/25', r'400|overlap')
    member.refused('subnet create cli-bad --network cli-net --subnet-range 10.78.0.0/24 --gateway 10.99.0.1 '
                   '--allocation-pool start=10.79.0.1,end=10.79.0.9', r'400|not valid|pool|spans')
    member.do('subnet set cli-subnet --name cli-subnet-2 --no-dhcp --gateway 10.77.0.254 --dns-nameserver 192.0.2.54 --description changed')
    member.show('subnet show cli-subnet-2', enable_dhcp=False, gateway_ip='10.77.0.254', description='changed',
                dns_nameservers=includes('192.0.2.53', '192.0.2.54'))
    member.do('subnet unset cli-subnet-2 --dns-nameserver 192.0.2.53 --host-route destination=198.51.100.0/24,gateway=10.77.0.5')
    member.show('subnet show cli-subnet-2', dns_nameservers=['192.0.2.54'], host_routes=nothing)
    member.do('subnet set cli-subnet-2 --dhcp')
    second = member.show('subnet create cli-second --network cli-net --subnet-range 10.78.0.0/24 --gateway none --no-dhcp', gateway_ip=nothing)
    member.do('subnet delete cli-second')
    member.refused(f'subnet show {second["id"]}', r'No Subnet found|not found')

    port = member.show('port create cli-in-use --network cli-net')
    member.refused('network delete cli-net', r'409|in use|ports')
    member.refused('subnet delete cli-subnet-2', r'409|in use|ports')
    member.do(f'port delete {port["id"]}')
    provider = admin.show('network create cli-provider --external --provider-network-type flat --provider-physical-network cli-physnet',
                          status='ACTIVE', want={'provider:network_type': 'flat', 'router:external': True,
                                                 'provider:physical_network': 'cli-physnet'})
    member.rows('network list --external', column='ID', has=[provider['id']])
    admin.do('network delete cli-provider')
    member.do('subnet delete cli-subnet-2')
    member.do('network delete cli-net')
    member.refused('network show cli-net', r'No Network found|not found')
    member.rows('extension list --network', column='Alias', has=['security-group', 'router', 'external-net', 'quotas'])
    member.show('extension show security-group', alias='security-group')
    agents = admin.rows('network agent list', column='Binary')
    world.check('there is a network agent', [] if agents else ['the list is empty'])
    if agents:
        admin.show(f'network agent show {agents[0]["ID"]}', id=agents[0]['ID'], binary=agents[0]['Binary'], alive=True)
    member.rows('network agent list', column='Binary', want=[])
