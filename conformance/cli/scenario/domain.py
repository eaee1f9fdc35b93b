"""Domains: their life, and that one can only be deleted once it is disabled."""

from checks import IDENT


def run(world):
    admin, member = world.admin, world.member
    made = admin.show('domain create cli-domain --description "a domain"', name='cli-domain', description='a domain',
                      enabled=True, id=IDENT)
    admin.show('domain show cli-domain', id=made['id'], name='cli-domain', enabled=True)
    admin.row('domain list', 'cli-domain', Enabled=True, ID=made['id'], Description='a domain')
    admin.row('domain list', 'Default', ID='default')
    admin.refused('domain create cli-domain', r'409|Conflict')
    admin.show('domain create cli-domain --or-show', id=made['id'])
    member.refused('domain create cli-other', r'403|not authorized')
    admin.do('domain set cli-domain --name cli-domain-2 --description "renamed"')
    admin.show(f'domain show {made["id"]}', name='cli-domain-2', description='renamed')
    admin.refused('domain delete cli-domain-2', r'403|disable')
    admin.do('domain set cli-domain-2 --disable')
    admin.row('domain list', 'cli-domain-2', Enabled=False)
    admin.do('domain delete cli-domain-2')
    admin.refused('domain show cli-domain-2', r'No domain|not found|could not')
