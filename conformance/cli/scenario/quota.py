"""Quotas and limits: the defaults, a change, and that a change is enforced and can be taken back."""


def run(world):
    admin, member = world.admin, world.member
    admin.show('project create cli-quota')
    before = {row['Resource']: row['Limit'] for row in admin.rows('quota show cli-quota', column='Resource',
              has=['instances', 'cores', 'ram', 'networks', 'ports', 'floating_ips', 'security_groups'])}
    admin.do('quota set cli-quota --instances 3 --cores 7 --ram 1024 --key-pairs 5 --networks 2 --ports 11')
    for resource, limit in (('instances', 3), ('cores', 7), ('ram', 1024), ('networks', 2), ('ports', 11)):
        admin.row('quota show cli-quota', resource, column='Resource', Limit=limit)
    admin.rows('quota show --default', column='Resource', has=['instances', 'networks'])
    admin.rows('quota list --compute', column='Project ID', has=[admin.show('project show cli-quota')['id']])
    member.refused('quota set demo --instances 99', r'403|Policy|disallowed')
    admin.refused('quota set cli-quota --instances -5', r'400|minimum|less than')
    admin.do('quota delete cli-quota')
    for resource in ('instances', 'networks'):
        admin.row('quota show cli-quota', resource, column='Resource', Limit=before.get(resource))
    admin.do('project delete cli-quota')

    admin.do('quota set demo --networks 1 --force')
    member.refused('network create cli-over', r'409|Quota exceeded')
    admin.do('quota set demo --server-groups 0')
    member.refused('server group create cli-over --policy anti-affinity', r'403|Quota exceeded')
    admin.do('quota delete demo')
    member.row('quota show', 'networks', column='Resource', Limit=before.get('networks'))

    member.rows('limits show --absolute', has=['max_total_instances', 'total_cores_used', 'max_total_ram_size'])
    member.row('limits show --absolute', 'total_instances_used', Value=lambda used: isinstance(used, int))
    admin.rows('limits show --absolute --project demo', has=['max_total_keypairs'])
