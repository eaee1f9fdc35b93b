"""Several servers at once: groups, no valid host, deletion of many, a quota in the way, one that another project asks for."""

import re

from checks import nothing, some

# The client shows a server after it asked for it: by then the scheduler may have found no host already.
UNPLACED = re.compile('^(BUILD|ERROR)$')


def run(world):
    admin, member = world.admin, world.member
    image = world.boot_image(member)
    member.show('network create cli-net')
    member.show('subnet create cli-subnet --network cli-net --subnet-range 10.87.0.0/24')
    group = member.show('server group create cli-apart --policy anti-affinity')['id']
    hosts = len(admin.rows('compute service list --service nova-compute'))
    create = f'server create --image {image} --flavor m1.tiny --network cli-net'

    first = member.show(f'{create} --server-group {group} --wait cli-first', status='ACTIVE')['id']
    member.show(f'server group show {group}', members=[first])
    if hosts == 1:
        member.show(f'{create} --server-group {group} cli-second', status=UNPLACED)
        member.until('server show cli-second', status='ERROR', fault=lambda fault: 'No valid host' in fault['message'])
        member.do('server delete cli-second --wait')

    admin.show('flavor create cli-huge --ram 999999999 --disk 1 --vcpus 1')
    admin.do('quota set demo --ram -1')
    member.show(f'server create --image {image} --flavor cli-huge --network cli-net cli-too-big', status=UNPLACED)
    member.until('server show cli-too-big', status='ERROR', fault=lambda fault: 'No valid host' in fault['message'] and fault['code'] == 500)
    member.refused('server start cli-too-big', r'409|Cannot')
    member.do('server delete cli-too-big --wait')
    admin.do('flavor delete cli-huge')

    member.do(f'{create} --min 2 --max 2 --wait cli-twin')
    member.rows('server list --name cli-twin', want=['cli-twin-1', 'cli-twin-2'])
    admin.do('quota set demo --instances 3')
    member.refused(f'{create} cli-fourth', r'403|Quota exceeded')
    admin.do('quota delete demo')
    admin.refused('server show cli-first', r'No Server found|not found')
    admin.show(f'server show {first}', status='ACTIVE', name='cli-first', project_id=some)
    port = member.show('port create cli-kept --network cli-net', status='DOWN')
    member.do('server delete cli-first cli-twin-1 cli-twin-2 --wait')
    member.rows('server list --name cli-', want=[])
    member.show(f'server group show {group}', members=nothing)
    member.rows('port list --network cli-net', has=['cli-kept'])
    member.do(f'port delete {port["id"]}')
    member.do(f'server group delete {group}')
    member.do('network delete cli-net')
    member.do(f'image delete {image}')
