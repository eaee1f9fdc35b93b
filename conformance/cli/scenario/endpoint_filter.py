"""Which endpoints a project's catalogue has: endpoints given to projects, one by one and by groups."""

import json

from checks import IDENT


def run(world):
    admin, member = world.admin, world.member
    project = admin.show('project create cli-shop')
    service = admin.show('service create cli-shop-type --name cli-shop')
    endpoint = admin.show('endpoint create cli-shop public http://shop.example.org/1 --region RegionOne')
    admin.do(f'endpoint add project {endpoint["id"]} cli-shop --project-domain default')
    admin.rows('endpoint list --project cli-shop', column='ID', want=[endpoint['id']])
    admin.rows(f'endpoint list --endpoint {endpoint["id"]}', column='ID', want=[project['id']])
    member.refused(f'endpoint add project {endpoint["id"]} cli-shop', r'403|No project|not authorized')
    admin.do(f'endpoint remove project {endpoint["id"]} cli-shop')
    admin.rows('endpoint list --project cli-shop', column='ID', want=[])

    filters = world.file('filters.json', json.dumps({'service_id': service['id']}))
    made = admin.show(f'endpoint group create cli-endpoints {filters} --description "of the shop"', name='cli-endpoints',
                      description='of the shop', filters={'service_id': service['id']}, id=IDENT)
    admin.show('endpoint group show cli-endpoints', id=made['id'])
    admin.row('endpoint group list', 'cli-endpoints', ID=made['id'], Description='of the shop')
    member.refused(f'endpoint group create cli-of-a-member {filters}', r'403|not authorized')
    admin.do('endpoint group add project cli-endpoints cli-shop')
    admin.rows('endpoint group list --project cli-shop', column='ID', want=[made['id']])
    admin.rows('endpoint group list --endpointgroup cli-endpoints', column='ID', want=[project['id']])
    admin.rows('endpoint list --project cli-shop', column='ID', want=[endpoint['id']])
    admin.do('endpoint group remove project cli-endpoints cli-shop')
    admin.rows('endpoint group list --project cli-shop', column='ID', want=[])
    public = world.file('public.json', json.dumps({'interface': 'public'}))
    admin.do(f'endpoint group set cli-endpoints --name cli-endpoints-2 --filters {public} --description changed')
    admin.show(f'endpoint group show {made["id"]}', name='cli-endpoints-2', filters={'interface': 'public'}, description='changed')
    admin.do('endpoint group delete cli-endpoints-2')
    admin.refused('endpoint group show cli-endpoints-2', r'No EndpointGroup|not found|could not')
    admin.do(f'endpoint delete {endpoint["id"]}')
    admin.do('service delete cli-shop')
    admin.do('project delete cli-shop')
