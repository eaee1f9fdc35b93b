"""Limits: what a project gets of a resource by default, and what one project gets instead."""


def run(world):
    admin, member = world.admin, world.member
    service = admin.show('service create cli-limited-type --name cli-limited')
    project = admin.show('project create cli-limited')
    made = admin.show('registered limit create cli_things --service cli-limited --region RegionOne --default-limit 10 '
                      '--description "things of a project"', resource_name='cli_things', default_limit=10,
                      region_id='RegionOne', service_id=service['id'], description='things of a project')
    admin.show(f'registered limit show {made["id"]}', default_limit=10)
    admin.row('registered limit list --service cli-limited --resource-name cli_things --region RegionOne', made['id'], column='ID',
              want={'Default Limit': 10, 'Resource Name': 'cli_things'})
    member.rows('registered limit list', column='ID', has=[made['id']])
    member.refused('registered limit create cli_others --service cli-limited --default-limit 1', r'403|No service|not authorized')
    admin.refused('registered limit create cli_things --service cli-limited --region RegionOne --default-limit 10', r'409|Conflict')
    admin.show(f'registered limit set {made["id"]} --default-limit 20 --description changed', default_limit=20, description='changed')

    own = admin.show('limit create cli_things --project cli-limited --project-domain default --service cli-limited '
                     '--region RegionOne --resource-limit 5 --description "fewer"', resource_limit=5, resource_name='cli_things',
                     project_id=project['id'], region_id='RegionOne', service_id=service['id'], description='fewer')
    admin.show(f'limit show {own["id"]}', resource_limit=5)
    admin.row('limit list --service cli-limited --resource-name cli_things --region RegionOne --project cli-limited', own['id'],
              column='ID', want={'Resource Limit': 5, 'Project ID': project['id']})
    member.rows('limit list', column='ID', lacks=[own['id']])
    admin.refused('limit create cli_others --project cli-limited --service cli-limited --resource-limit 5', r'400|403|registered|Unable')
    admin.show(f'limit set {own["id"]} --resource-limit 3 --description changed', resource_limit=3, description='changed')
    admin.refused(f'registered limit delete {made["id"]}', r'1 of 1 registered limits failed|403')
    admin.do(f'limit delete {own["id"]}')
    admin.refused(f'limit show {own["id"]}', r'404|not find|No Limit')
    admin.do(f'registered limit delete {made["id"]}')
    admin.refused(f'registered limit show {made["id"]}', r'404|not find|No ')
    admin.do('project delete cli-limited')
    admin.do('service delete cli-limited')
