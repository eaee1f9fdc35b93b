"""Users: create, log in, change, be disabled, delete."""

from checks import IDENT, nothing


def run(world):
    admin, member = world.admin, world.member
    admin.show('project create cli-home')
    made = admin.show('user create cli-user --password first-Secret1 --email cli@example.org --project cli-home '
                      '--description "a user"', name='cli-user', email='cli@example.org', enabled=True, id=IDENT,
                      domain_id='default', description='a user', password_expires_at=nothing)
    admin.show('user show cli-user', id=made['id'], name='cli-user')
    admin.row('user list', 'cli-user', ID=made['id'])
    admin.row('user list --long', 'cli-user', Email='cli@example.org', Enabled=True)
    admin.refused('user create cli-user --password other', r'409|Conflict')
    member.refused('user create cli-of-a-member --password x', r'403|not authorized')
    member.refused('user list', r'403|not authorized')

    login = '--os-username cli-user --os-project-name cli-home'
    admin.refused(f'{login} --os-password first-Secret1 token issue', r'401|No .*role|not authorized|requires authentication')
    admin.do('role add member --user cli-user --project cli-home')
    admin.show(f'{login} --os-password first-Secret1 token issue', user_id=made['id'], project_id=IDENT)
    admin.refused(f'{login} --os-password wrong token issue', r'401|requires authentication')
    admin.do('user set cli-user --password second-Secret2 --email new@example.org --name cli-user-2')
    admin.show('user show cli-user-2', id=made['id'], email='new@example.org')
    login = login.replace('cli-user', 'cli-user-2')
    admin.refused(f'{login} --os-password first-Secret1 token issue', r'401|requires authentication')
    admin.do(f'{login} --os-password second-Secret2 user password set --original-password second-Secret2 '
             '--password third-Secret3')
    admin.show(f'{login} --os-password third-Secret3 token issue', user_id=made['id'])
    admin.rows('user list --project cli-home', want=['cli-user-2'])
    admin.do('user set cli-user-2 --disable')
    admin.show('user show cli-user-2', enabled=False)
    admin.refused(f'{login} --os-password third-Secret3 token issue', r'401|requires authentication')
    admin.do('user set cli-user-2 --enable')
    admin.show(f'{login} --os-password third-Secret3 token issue', user_id=made['id'])
    admin.do('user delete cli-user-2')
    admin.refused(f'{login} --os-password third-Secret3 token issue', r'401|requires authentication')
    admin.refused('user show cli-user-2', r'No user|not found|could not')
    admin.do('project delete cli-home')
