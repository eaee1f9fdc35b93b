"""What operators look at: hypervisors, compute services, availability zones."""

from checks import some


def run(world):
    admin, member = world.admin, world.member
    first = admin.rows('hypervisor list', column='State', has=['up'])[0]
    host = first['Hypervisor Hostname']
    admin.show(f'hypervisor show {host}', hypervisor_hostname=host, state='up', status='enabled', hypervisor_type=some, id=first['ID'])
    admin.show(f'hypervisor show {first["ID"]}', hypervisor_hostname=host)
    admin.row('--os-compute-api-version 2.87 hypervisor list --long', host, column='Hypervisor Hostname', vCPUs=some)
    admin.show('--os-compute-api-version 2.87 hypervisor stats show', count=lambda n: n >= 1, vcpus=some, memory_mb=some)
    member.refused('hypervisor list', r'403|Policy')
    service = admin.row('compute service list --service nova-compute', 'nova-compute', column='Binary', State='up', Status='enabled')
    admin.do(f'compute service set {service["Host"]} nova-compute --disable --disable-reason "cli looks"')
    admin.row('compute service list --service nova-compute --long', service['Host'], column='Host', Status='disabled',
              want={'Disabled Reason': 'cli looks'})
    admin.do(f'compute service set {service["Host"]} nova-compute --enable')
    admin.row('compute service list --service nova-compute', service['Host'], column='Host', Status='enabled')
    member.refused('compute service list', r'403|Policy')
    member.row('availability zone list --compute', 'nova', column='Zone Name', want={'Zone Status': 'available'})
    admin.rows('availability zone list --compute --long', column='Zone Name', has=['nova', 'internal'])
    member.rows('availability zone list --network', column='Zone Name')
