"""Ports: addresses, security groups, allowed address pairs, port security, filters."""

from checks import MAC, UUID, nothing


def run(world):
    admin, member = world.admin, world.member
    net = member.show('network create cli-net')
    subnet = member.show('subnet create cli-subnet --network cli-net --subnet-range 10.82.0.0/24')
    group = member.show('security group create cli-group')
    made = member.show('port create cli-port --network cli-net --fixed-ip subnet=cli-subnet,ip-address=10.82.0.42 '
                       '--security-group cli-group --description "a port" --mac-address fa:16:3e:82:00:42 '
                       '--allowed-address ip-address=10.82.0.200', name='cli-port', id=UUID, admin_state_up=True,
                       mac_address='fa:16:3e:82:00:42', fixed_ips=[{'subnet_id': subnet['id'], 'ip_address': '10.82.0.42'}],
                       security_group_ids=[group['id']], network_id=net['id'], status='DOWN', description='a port',
                       port_security_enabled=True, device_owner='',
                       allowed_address_pairs=[{'ip_address': '10.82.0.200', 'mac_address': 'fa:16:3e:82:00:42'}])
    member.show('port show cli-port', id=made['id'])
    member.row('port list', 'cli-port', ID=made['id'], Status='DOWN', want={'MAC Address': 'fa:16:3e:82:00:42'})
    member.rows('port list --network cli-net', has=['cli-port'])
    member.rows('port list --fixed-ip ip-address=10.82.0.42', want=['cli-port'])
    member.rows('port list --mac-address fa:16:3e:82:00:42', want=['cli-port'])
    member.rows(f'port list --security-group {group["id"]}', want=['cli-port'])
    member.refused('port create cli-clash --network cli-net --fixed-ip subnet=cli-subnet,ip-address=10.82.0.42', r'409|in use|already')
    member.refused('port create cli-clash --network cli-net --fixed-ip subnet=cli-subnet,ip-address=10.99.0.42', r'400|not a valid|Invalid')
    plain = member.show('port create cli-plain --network cli-net', mac_address=MAC, security_group_ids=lambda ids: len(ids) == 1,
                        fixed_ips=lambda ips: ips[0]['ip_address'].startswith('10.82.0.'))
    member.refused('security group delete cli-group', r'409|in use')
    member.do('port set cli-port --name cli-port-2 --disable --description changed')
    member.show('port show cli-port-2', id=made['id'], admin_state_up=False, description='changed')
    member.do('port set cli-port-2 --enable --fixed-ip subnet=cli-subnet,ip-address=10.82.0.43')
    member.show('port show cli-port-2', fixed_ips=lambda ips: sorted(ip['ip_address'] for ip in ips) == ['10.82.0.42', '10.82.0.43'])
    member.do(f'port unset cli-port-2 --fixed-ip subnet={subnet["id"]},ip-address=10.82.0.42 --security-group cli-group '
              '--allowed-address ip-address=10.82.0.200,mac-address=fa:16:3e:82:00:42')
    member.show('port show cli-port-2', fixed_ips=[{'subnet_id': subnet['id'], 'ip_address': '10.82.0.43'}],
                security_group_ids=nothing, allowed_address_pairs=nothing)
    member.do('port set cli-port-2 --disable-port-security')
    member.show('port show cli-port-2', port_security_enabled=False)
    member.do('port set cli-port-2 --enable-port-security --security-group cli-group --tag blue')
    member.show('port show cli-port-2', port_security_enabled=True, security_group_ids=[group['id']], tags=['blue'])
    member.rows('port list --tags blue', want=['cli-port-2'])
    admin.rows('port list --network ' + net['id'], has=['cli-port-2', 'cli-plain'])
    member.show('port create cli-named --network cli-net --dns-name cli-host', dns_name='cli-host')
    member.do('port delete cli-port-2 cli-plain cli-named')
    member.refused(f'port show {plain["id"]}', r'No Port found|not found')
    member.do('security group delete cli-group')
    member.do('network delete cli-net')
