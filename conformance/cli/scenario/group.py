"""Groups, and the roles that their members get through them."""

from checks import IDENT


def run(world):
    admin, member = world.admin, world.member
    made = admin.show('group create cli-group --description "a group"', name='cli-group', description='a group',
                      domain_id='default', id=IDENT)
    admin.show('group show cli-group', id=made['id'])
    admin.row('group list', 'cli-group', ID=made['id'])
    admin.row('group list --long', 'cli-group', Description='a group')
    admin.refused('group create cli-group', r'409|Conflict')
    member.refused('group create cli-of-a-member', r'403|not authorized')
    user = admin.show('user create cli-grouped --password grouped-Secret1')
    admin.do('group add user cli-group cli-grouped')
    admin.text('group contains user cli-group cli-grouped', like=r'cli-grouped in group cli-group')
    admin.rows('user list --group cli-group', want=['cli-grouped'])
    admin.rows('group list --user cli-grouped', want=['cli-group'])
    admin.do('role add member --group cli-group --project demo')
    admin.rows('role assignment list --group cli-group --names', column='Group', want=['cli-group@Default'])
    admin.row('role assignment list --user cli-grouped --effective --names', 'member', column='Role', User='cli-grouped@Default')
    admin.show('--os-username cli-grouped --os-password grouped-Secret1 --os-project-name demo token issue', user_id=user['id'])
    admin.do('group remove user cli-group cli-grouped')
    admin.refused('--os-username cli-grouped --os-password grouped-Secret1 --os-project-name demo token issue', r'401|requires authentication')
    admin.do('role remove member --group cli-group --project demo')
    admin.rows('role assignment list --group cli-group', want=[], column='Role')
    admin.do('group set cli-group --name cli-group-2 --description renamed')
    admin.show('group show cli-group-2', id=made['id'], description='renamed')
    admin.do('group delete cli-group-2')
    admin.refused('group show cli-group-2', r'No group|not found|could not')
    admin.do('user delete cli-grouped')
