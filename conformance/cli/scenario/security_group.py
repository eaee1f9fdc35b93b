"""Security groups and their rules: what a new one allows, ranges, protocols, remote groups, the default one."""

import re

from checks import UUID, nothing


def run(world):
    member = world.member
    made = member.show('security group create cli-group --description "a group"', name='cli-group', description='a group',
                       id=UUID, stateful=True)
    member.show('security group show cli-group', id=made['id'], rules=lambda rules: len(rules) == 2)
    member.row('security group list', 'cli-group', ID=made['id'], Description='a group')
    fresh = member.rows('security group rule list cli-group', column='Direction', want=['egress', 'egress'])
    world.check('a new group lets both families out', [] if sorted(row['Ethertype'] for row in fresh) == ['IPv4', 'IPv6'] else [str(fresh)])
    web = member.show('security group rule create cli-group --protocol tcp --dst-port 80:88 --remote-ip 192.0.2.0/24 --description web',
                      protocol='tcp', port_range_min=80, port_range_max=88, direction='ingress', ether_type='IPv4', id=UUID,
                      remote_ip_prefix='192.0.2.0/24', security_group_id=made['id'], description='web', remote_group_id=nothing)
    member.show(f'security group rule show {web["id"]}', id=web['id'], protocol='tcp')
    member.show('security group rule create cli-group --protocol icmp --icmp-type 8 --icmp-code 0', protocol='icmp',
                port_range_min=8, port_range_max=0, remote_ip_prefix='0.0.0.0/0')
    member.show('security group rule create cli-group --protocol udp --dst-port 53 --remote-group cli-group --egress',
                direction='egress', remote_group_id=made['id'], port_range_min=53, port_range_max=53)
    member.show('security group rule create cli-group --ethertype IPv6 --protocol ipv6-icmp', ether_type='IPv6',
                protocol='ipv6-icmp')
    member.show('security group rule create cli-group --protocol 47', protocol='47')
    member.rows('security group rule list cli-group --protocol tcp', column='ID', want=[web['id']])
    member.rows('security group rule list cli-group --ingress', column='Direction', want=['ingress'] * 4)
    member.refused('security group rule create cli-group --protocol tcp --dst-port 80:88 --remote-ip 192.0.2.0/24', r'409|already exists')
    member.refused('security group rule create cli-group --protocol tcp --dst-port 9:3', r'invalid range|lower than|port', code=2)
    member.refused('security group rule create cli-group --protocol tcp --dst-port 22 --remote-ip 999.0.0.1/8', r'400|Invalid|valid')
    member.do('security group set cli-group --name cli-group-2 --description changed --tag blue')
    member.show('security group show cli-group-2', id=made['id'], description='changed', tags=['blue'])
    member.rows('security group list --tags blue', want=['cli-group-2'])
    member.do('security group unset cli-group-2 --tag blue')
    member.show('security group show cli-group-2', tags=nothing)
    member.do(f'security group rule delete {web["id"]}')
    member.refused(f'security group rule show {web["id"]}', r'No SecurityGroupRule found|not found')
    default = member.row('security group list', 'default', Description=re.compile('.'))
    member.show(f'security group show {default["ID"]}', rules=lambda rules: sum(rule['remote_group_id'] == default['ID'] for rule in rules) == 2)
    member.refused(f'security group delete {default["ID"]}', r'409|default|not allowed')
    member.refused('security group create default', r'409|already exists')
    member.do('security group delete cli-group-2')
    member.refused('security group show cli-group-2', r'No SecurityGroup found|not found')
