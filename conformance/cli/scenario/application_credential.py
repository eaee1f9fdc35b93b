"""Application credentials: made by their user for himself, with the rules of what they are good for."""

import json

from checks import IDENT, nothing, some


def run(world):
    admin, member = world.admin, world.member
    user = member.show('token issue')['user_id']
    made = member.show('application credential create cli-app --secret cli-app-Secret1 --role member '
                       '--expiration 2999-01-02T03:04:05 --description "for a program" --restricted',
                       want={'Expires At': '2999-01-02T03:04:05.000000', 'Project ID': IDENT}, ID=IDENT, Name='cli-app',
                       Description='for a program', Secret='cli-app-Secret1', Unrestricted=False, Roles=_named('member', 'reader'))
    member.show('application credential show cli-app', ID=made['ID'], Name='cli-app', Unrestricted=False)
    member.show(f'application credential show {made["ID"]}', Name='cli-app', Roles=_named('member', 'reader'))
    member.row('application credential list', 'cli-app', ID=made['ID'], Description='for a program')
    member.refused('application credential create cli-app', r'409|Conflict')
    member.refused('application credential create cli-greedy --role admin', r'400|assignment')
    member.show('application credential create cli-free --unrestricted', Unrestricted=True, Secret=some,
                want={'Expires At': nothing})
    admin.row(f'application credential list --user {user}', 'cli-free', Unrestricted=True)

    rules = json.dumps([{'method': 'GET', 'path': '/v2.1/servers', 'service': 'compute'},
                        {'method': 'POST', 'path': '/v2.1/servers', 'service': 'compute'}])
    ruled = member.show(['application', 'credential', 'create', 'cli-ruled', '--access-rules', rules],
                        want={'Access Rules': some})
    listed = {row['Method']: row for row in member.rows('access rule list', column='Service', has=['compute'])}
    get = listed['GET']['ID']
    member.show(f'access rule show {get}', ID=get, Method='GET', Path='/v2.1/servers', Service='compute')
    member.refused(f'access rule delete {get}', r'1 of 1 access rules failed|403')
    member.show(f'application credential show {ruled["ID"]}', want={'Access Rules': lambda shown: len(shown) == 2})
    member.do('application credential delete cli-ruled')
    member.do(f'access rule delete {get} {listed["POST"]["ID"]}')
    member.rows('access rule list', column='ID', want=[])
    member.do(f'application credential delete {made["ID"]} cli-free')
    member.refused('application credential show cli-app', r'No ApplicationCredential|not found|could not')
    member.rows('application credential list', want=[])


def _named(*names):
    """A predicate: roles of exactly these names."""
    def check(roles):
        return sorted(role['name'] for role in roles) == sorted(names)
    check.__doc__ = 'the roles ' + ', '.join(names)
    return check
