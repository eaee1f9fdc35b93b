"""Policies: texts that the service keeps for others and does not read."""

from checks import IDENT


def run(world):
    admin, member = world.admin, world.member
    rules = world.file('policy.txt', '{"thing:show": "role:reader"}')
    made = admin.show(f'policy create {rules}', id=IDENT, rules='{"thing:show": "role:reader"}', type='application/json')
    admin.show(f'policy show {made["id"]}', rules='{"thing:show": "role:reader"}')
    admin.row('policy list', made['id'], column='ID', Type='application/json')
    admin.row('policy list --long', made['id'], column='ID', Rules='{"thing:show": "role:reader"}')
    member.refused(f'policy create {rules}', r'403|not authorized')
    other = world.file('other.txt', 'thing:show: role:member')
    admin.do(f'policy set {made["id"]} --type text/yaml --rules {other}')
    admin.show(f'policy show {made["id"]}', rules='thing:show: role:member', type='text/yaml')
    admin.do(f'policy delete {made["id"]}')
    admin.refused(f'policy show {made["id"]}', r'404|not find|No Policy')
