"""Roles, what one implies, and their assignment on projects, domains and the system."""

from checks import IDENT


def run(world):
    admin, member = world.admin, world.member
    admin.rows('role list', has=['admin', 'manager', 'member', 'reader'])
    made = admin.show('role create cli-role --description "a role"', name='cli-role', description='a role', id=IDENT)
    admin.show('role show cli-role', id=made['id'])
    admin.row('role list', 'cli-role', ID=made['id'])
    admin.refused('role create cli-role', r'409|Conflict')
    member.refused('role create cli-of-a-member', r'403|not authorized')
    admin.do('role set cli-role --name cli-role-2')
    admin.show('role show cli-role-2', id=made['id'])

    reader = admin.show('role show reader')
    admin.show('implied role create cli-role-2 --implied-role reader', prior_role=made['id'], implies=reader['id'])
    admin.row('implied role list', 'cli-role-2', column='Prior Role Name', want={'Implied Role Name': 'reader'})
    admin.row('implied role list', 'admin', column='Prior Role Name', want={'Implied Role Name': 'manager'})

    user = admin.show('user create cli-holder --password holder-Secret1')
    project = admin.show('project create cli-held')
    admin.do('role add cli-role-2 --user cli-holder --project cli-held')
    admin.row('role assignment list --user cli-holder', made['id'], column='Role', User=user['id'], Project=project['id'],
              Inherited=False)
    admin.rows('role assignment list --user cli-holder --effective --names', column='Role', want=['cli-role-2', 'reader'])
    admin.rows('role assignment list --project cli-held --names', column='User', want=['cli-holder@Default'])
    admin.show('--os-username cli-holder --os-password holder-Secret1 --os-project-name cli-held token issue',
               project_id=project['id'])
    admin.do('role remove cli-role-2 --user cli-holder --project cli-held')
    admin.refused('--os-username cli-holder --os-password holder-Secret1 --os-project-name cli-held token issue',
                  r'401|requires authentication')
    admin.do('role add reader --user cli-holder --domain default')
    admin.row('role assignment list --user cli-holder', reader['id'], column='Role', Domain='default')
    admin.do('role remove reader --user cli-holder --domain default')
    admin.do('role add reader --user cli-holder --system all')
    admin.row('role assignment list --user cli-holder --system all', reader['id'], column='Role', System='all')
    admin.do('role remove reader --user cli-holder --system all')
    admin.do('implied role delete cli-role-2 --implied-role reader')
    admin.rows('implied role list', column='Prior Role Name', lacks=['cli-role-2'])
    admin.do('role delete cli-role-2')
    admin.refused('role show cli-role-2', r'No role|not found|could not')
    admin.do('user delete cli-holder')
    admin.do('project delete cli-held')
