"""Regions, services and endpoints; the catalogue that tokens carry; tokens themselves."""

from checks import IDENT, MOMENT, some


def run(world):
    admin, member = world.admin, world.member
    admin.row('region list', 'RegionOne', column='Region')
    admin.show('region create cli-region --description "a region"', region='cli-region', description='a region')
    admin.show('region show cli-region', region='cli-region')
    admin.show('region create cli-part --parent-region cli-region', parent_region='cli-region')
    admin.rows('region list --parent-region cli-region', column='Region', want=['cli-part'])
    admin.refused('region create cli-region', r'409|Conflict')
    member.refused('region create cli-of-a-member', r'403|not authorized')
    admin.do('region set cli-region --description changed')
    admin.show('region show cli-region', description='changed')

    service = admin.show('service create cli-type --name cli-service --description "a service"', name='cli-service',
                         type='cli-type', enabled=True, id=IDENT)
    admin.show('service show cli-service', id=service['id'])
    admin.row('service list', 'cli-service', Type='cli-type')
    admin.row('service list --long', 'cli-service', Description='a service', Enabled=True)
    admin.do('service set cli-service --name cli-service-2 --description changed')
    admin.show('service show cli-type', name='cli-service-2', description='changed')

    endpoint = admin.show('endpoint create cli-service-2 public http://cli.example.org/1 --region cli-region',
                          interface='public', url='http://cli.example.org/1', region='cli-region', enabled=True,
                          service_id=service['id'], service_type='cli-type')
    admin.show(f'endpoint show {endpoint["id"]}', url='http://cli.example.org/1')
    admin.rows('endpoint list --service cli-service-2', column='ID', want=[endpoint['id']])
    admin.rows('endpoint list --region cli-region --interface public', column='URL', want=['http://cli.example.org/1'])
    admin.do(f'endpoint set {endpoint["id"]} --url http://cli.example.org/2 --interface internal')
    admin.show(f'endpoint show {endpoint["id"]}', url='http://cli.example.org/2', interface='internal')
    member.row('catalog list', 'cli-service-2', Type='cli-type')
    admin.refused('region delete cli-region', r'403|delete|child')
    admin.do(f'endpoint set {endpoint["id"]} --disable')
    member.row('catalog list', 'cli-service-2', Endpoints=[])
    admin.do(f'endpoint delete {endpoint["id"]}')
    admin.refused(f'endpoint show {endpoint["id"]}', r'404|not find|No endpoint')
    admin.do('service delete cli-service-2')
    admin.refused('service show cli-service-2', r'No service|not found|could not')
    admin.do('region delete cli-part')
    admin.do('region delete cli-region')
    admin.refused('region show cli-region', r'404|not find|No region')

    kinds = {row['Type'] for row in member.rows('catalog list')}
    world.check('the catalogue names every service', sorted({'identity', 'image', 'network', 'compute', 'placement'} - kinds))
    member.show('catalog show compute', type='compute', endpoints=some)
    token = member.show('token issue', id=some, expires=MOMENT, project_id=IDENT, user_id=IDENT)
    member.do(f'token revoke {token["id"]}')
    member.refused(f'token revoke {token["id"]}', r'404|401|not find|could not')
    member.rows('versions show --service compute', column='Status', has=['CURRENT'])
