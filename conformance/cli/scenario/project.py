"""Projects: create, find, change, tag, disable, delete; inside the default domain and inside one of their own."""

from checks import IDENT, includes


def run(world):
    admin, member = world.admin, world.member
    made = admin.show('project create cli-project --description "for the CLI" --property colour=grey --tag one',
                      name='cli-project', description='for the CLI', enabled=True, id=IDENT, domain_id='default',
                      is_domain=False, tags=['one'])
    admin.show('project show cli-project', id=made['id'], parent_id='default')
    admin.row('project list', 'cli-project', ID=made['id'])
    admin.row('project list --long --domain default', 'cli-project', Enabled=True, Description='for the CLI')
    admin.rows('project list --tags one', want=['cli-project'])
    admin.refused('project create cli-project', r'409|Conflict')
    admin.show('project create cli-project --or-show', id=made['id'])
    member.refused('project create cli-of-a-member', r'403|not authorized')
    member.refused(f'project show {made["id"]}', r'403|No project|not authorized')
    admin.do('project set cli-project --name cli-project-2 --description changed --tag two')
    admin.show('project show cli-project-2', id=made['id'], description='changed', tags=includes('one', 'two'))
    admin.do('project set cli-project-2 --disable')
    admin.show('project show cli-project-2', enabled=False)
    admin.rows('project list --disabled', want=['cli-project-2'])
    admin.do('project set cli-project-2 --enable')
    child = admin.show('project create cli-child --parent cli-project-2', parent_id=made['id'])
    admin.row('project list --parent cli-project-2', 'cli-child', ID=child['id'])
    admin.refused('project delete cli-project-2', r'403|leaf|child')
    admin.do('project delete cli-child')
    domain = admin.show('domain create cli-project-domain')
    admin.show('project create cli-project-2 --domain cli-project-domain', domain_id=domain['id'])
    admin.rows('project list --domain cli-project-domain', want=['cli-project-2'])
    admin.do('project delete cli-project-2 --domain cli-project-domain')
    admin.do('domain set cli-project-domain --disable')
    admin.do('domain delete cli-project-domain')
    admin.do(f'project delete {made["id"]}')
    admin.refused(f'project show {made["id"]}', r'No project|not found|could not')
    member.rows('project list --my-projects', has=['demo'])
