"""What both clouds are asked of what follows from what: the ends of tokens with those of what was lent, revocations and what
was made of the token, roles taken back and deleted, places that are disabled, catalogs that are narrowed."""

import time
from datetime import datetime, timedelta, timezone

from cases import NOWHERE, by_token, login


def consequences(both):
    place(both)
    ends(both)
    revocations(both)
    scopes(both)
    factors(both)
    lent_roles(both)
    disabled(both)
    narrowed_catalogs(both)
    bounds(both)
    bodies(both)


def place(both):
    """A domain of its own: other chapters keep theirs as it is."""
    both('domain', 'POST', '/v3/domains', {'domain': {'name': 'Quarry'}}, save={'quarry': 'domain.id'})
    both('project', 'POST', '/v3/projects', {'project': {'name': 'pit', 'domain_id': '{quarry}'}}, save={'pit': 'project.id'})
    for name in ('una', 'vic'):
        both(f'user {name}', 'POST', '/v3/users', {'user': {'name': name, 'domain_id': '{quarry}', 'password': 'pass-' + name}}, save={name: 'user.id'})
    for role in ('member', 'reader'):
        both(f'una is {role}', 'PUT', f'/v3/projects/{{pit}}/users/{{una}}/roles/{{role_{role}}}')
    both('vic reads the system', 'PUT', '/v3/system/users/{vic}/roles/{role_reader}')
    both('vic is a member', 'PUT', '/v3/projects/{pit}/users/{vic}/roles/{role_member}')


def enter(both, case, name, scope=None, **more):
    both.sides[1].settle()
    return both(case, 'POST', '/v3/auth/tokens', login(name, 'pass-' + name, scope, {'id': '{quarry}'}), token=None, **more)


PIT = {'project': {'id': '{pit}'}}


def by_credential(credential):
    return {'auth': {'identity': {'methods': ['application_credential'], 'application_credential': {'id': credential, 'secret': 'secret'}}}}


def until(seconds):
    """A moment from now on. Whoever saves it as `end` from the answer sees `<end>` wherever it stands later."""
    return (datetime.now(timezone.utc) + timedelta(seconds=seconds)).strftime('%Y-%m-%dT%H:%M:%S.000000Z')


def ends(both):
    """A token ends no later than what it was had of, and can be asked about for a while after that."""
    enter(both, 'una', 'una', PIT, save={'una': 'TOKEN'})
    base = '/v3/users/{una}/application_credentials'
    made = {'name': 'soon', 'secret': 'secret', 'expires_at': until(600)}
    both('credential that ends', 'POST', base, {'application_credential': made}, token='una',
         save={'soon': 'application_credential.id', 'end': 'application_credential.expires_at'})
    both('token that ends with it', 'POST', '/v3/auth/tokens', by_credential('{soon}'), token=None)
    trust = {'trustor_user_id': '{una}', 'trustee_user_id': '{vic}', 'impersonation': False, 'project_id': '{pit}', 'roles': [{'name': 'member'}],
             'expires_at': until(500)}
    both('trust that ends', 'POST', '/v3/OS-TRUST/trusts', {'trust': trust}, token='una', save={'trust': 'trust.id', 'end': 'trust.expires_at'})
    enter(both, 'token that ends with the trust', 'vic', {'OS-TRUST:trust': {'id': '{trust}'}}, save={'trustee': 'TOKEN'})
    made = {'name': 'at once', 'secret': 'secret', 'expires_at': until(4)}
    both('credential that ends at once', 'POST', base, {'application_credential': made}, token='una',
         save={'once': 'application_credential.id', 'end': 'application_credential.expires_at'})
    both('its token', 'POST', '/v3/auth/tokens', by_credential('{once}'), token=None, save={'late': 'TOKEN'})
    time.sleep(5)
    late = {'X-Subject-Token': '{token_late}'}
    for query in ('', '?allow_expired=1', '?allow_expired=true', '?allow_expired', '?allow_expired=0', '?allow_expired=perhaps'):
        both(f'ended token{query}', 'GET', '/v3/auth/tokens' + query, headers=late)
        both(f'head of the ended token{query}', 'HEAD', '/v3/auth/tokens' + query, headers=late)
    both('nothing with allow_expired', 'GET', '/v3/auth/tokens?allow_expired=1', headers={'X-Subject-Token': 'x'})
    both('ended token revoked', 'DELETE', '/v3/auth/tokens', headers=late)
    both('with the ended token', 'GET', '/v3/auth/projects', token='late')


def revocations(both):
    """What was made of a token ends with it, unless one says otherwise."""
    for name, query in (('with it', ''), ('not with it', '?cascade=false'), ('off', '?cascade=off'), ('odd', '?cascade=perhaps')):
        enter(both, f'first, {name}', 'una', 'unscoped', save={'first': 'TOKEN'})
        both(f'second, {name}', 'POST', '/v3/auth/tokens', by_token('{token_first}', PIT), token=None, save={'second': 'TOKEN'})
        both(f'third, {name}', 'POST', '/v3/auth/tokens', by_token('{token_second}', PIT), token=None, save={'third': 'TOKEN'})
        both(f'revoke the second, {name}', 'DELETE', '/v3/auth/tokens' + query, headers={'X-Subject-Token': '{token_second}'})
        for one in ('first', 'second', 'third'):
            both(f'then the {one}, {name}', 'GET', '/v3/auth/tokens?nocatalog', headers={'X-Subject-Token': f'{{token_{one}}}'})
        both(f'revoke the first, {name}', 'DELETE', '/v3/auth/tokens' + query, headers={'X-Subject-Token': '{token_first}'})
        for one in ('first', 'third'):
            both(f'at last the {one}, {name}', 'GET', '/v3/auth/tokens?nocatalog', headers={'X-Subject-Token': f'{{token_{one}}}'})
    for asker, status in (('vic', 'another'), ('admin', 'the administrator'), ('una', 'the user')):
        enter(both, f'una before {status}', 'una', PIT, save={'una': 'TOKEN'})
        enter(both, f'vic before {status}', 'vic', PIT, save={'vic': 'TOKEN'})
        both(f'all tokens ended by {status}', 'DELETE', '/v3/users/{una}/tokens', token=asker)
        both(f'una after {status}', 'GET', '/v3/auth/tokens?nocatalog', headers={'X-Subject-Token': '{token_una}'})
    both('tokens of nobody', 'DELETE', f'/v3/users/{NOWHERE}/tokens')
    both('tokens without a token', 'DELETE', '/v3/users/{una}/tokens', token=None)
    both('tokens of a user listed', 'GET', '/v3/users/{una}/tokens')


def scopes(both):
    """From the system nobody comes to a project; a default project that cannot be had is no default."""
    enter(both, 'system', 'vic', {'system': {'all': True}}, save={'system': 'TOKEN'})
    for name, scope in (('project', PIT), ('unknown project', {'project': {'id': NOWHERE}}), ('domain', {'domain': {'id': '{quarry}'}}), ('system', {'system': {'all': True}}),
                        ('nothing', None), ('unscoped', 'unscoped')):
        both(f'from the system to {name}', 'POST', '/v3/auth/tokens', by_token('{token_system}', scope), token=None)
    both('domain to be disabled', 'POST', '/v3/domains', {'domain': {'name': 'Shut'}}, save={'shut': 'domain.id'})
    both('project in it', 'POST', '/v3/projects', {'project': {'name': 'gate', 'domain_id': '{shut}'}}, save={'gate': 'project.id'})
    both('una is a member there', 'PUT', '/v3/projects/{gate}/users/{una}/roles/{role_member}')
    both('una in the domain', 'PUT', '/v3/domains/{shut}/users/{una}/roles/{role_member}')
    both('default project there', 'PATCH', '/v3/users/{una}', {'user': {'default_project_id': '{gate}'}})
    enter(both, 'with the default', 'una')
    both('domain disabled', 'PATCH', '/v3/domains/{shut}', {'domain': {'enabled': False}})
    enter(both, 'with a default that is disabled', 'una', save={'una': 'TOKEN'})
    for path in ('/v3/auth/projects', '/v3/auth/domains', '/v3/OS-FEDERATION/projects', '/v3/OS-FEDERATION/domains', '/v3/users/{una}/projects'):
        both(f'own {path}', 'GET', path, token='una')
    both('project below one of a disabled domain', 'POST', '/v3/projects', {'project': {'name': 'hole', 'domain_id': '{shut}', 'parent_id': '{gate}'}})
    both('project in a disabled domain', 'POST', '/v3/projects', {'project': {'name': 'hole', 'domain_id': '{shut}'}})
    both('no default', 'PATCH', '/v3/users/{una}', {'user': {'default_project_id': None}})


def factors(both):
    """Rules of several factors count what a federation proves, too."""
    for name, rules in (('mapped', [['mapped']]), ('mapped and totp', [['mapped', 'totp']]), ('external', [['external']]), ('signed', [['ec2credential']]),
                        ('nothing that is', [['retina']]), ('one that is', [['retina', 'password']]), ('password and totp', [['password', 'totp']])):
        both(f'rules: {name}', 'PATCH', '/v3/users/{una}', {'user': {'options': {'multi_factor_auth_rules': rules}}}, compare=False)
        enter(both, f'login: {name}', 'una')
    both('no rules', 'PATCH', '/v3/users/{una}', {'user': {'options': {'multi_factor_auth_rules': None}}}, compare=False)


def lent_roles(both):
    """Whose role is taken back keeps its credentials; whose role is gone does not."""
    both('role', 'POST', '/v3/roles', {'role': {'name': 'digger'}}, save={'digger': 'role.id'})
    both('una digs', 'PUT', '/v3/projects/{pit}/users/{una}/roles/{digger}')
    enter(both, 'una with three roles', 'una', PIT, save={'una': 'TOKEN'})
    base = '/v3/users/{una}/application_credentials'
    both('credential', 'POST', base, {'application_credential': {'name': 'lent', 'secret': 'secret'}}, token='una', save={'lent': 'application_credential.id'})
    # Keystone on SQLite uses the number of the last one again when that is gone, and stumbles over what it left behind
    both('another that stays', 'POST', '/v3/users/{admin_user}/application_credentials', {'application_credential': {'name': 'stays', 'secret': 'secret'}})
    both('digs no more', 'DELETE', '/v3/projects/{pit}/users/{una}/roles/{digger}')
    enter(both, 'una with two roles', 'una', PIT, save={'una': 'TOKEN'})
    both('credentials after that', 'GET', base, token='una')
    both('token by it', 'POST', '/v3/auth/tokens', by_credential('{lent}'), token=None)
    both('digs again', 'PUT', '/v3/projects/{pit}/users/{una}/roles/{digger}')
    both('role gone', 'DELETE', '/v3/roles/{digger}')
    enter(both, 'una after the role', 'una', PIT, save={'una': 'TOKEN'})
    both('credentials after the role', 'GET', base, token='una')
    trust = {'trustor_user_id': '{una}', 'trustee_user_id': '{vic}', 'impersonation': False}
    for name, more in (('roles and no project', {'roles': [{'id': '{role_member}'}]}), ('a role by name and no project', {'roles': [{'name': 'member'}], 'project_id': None}),
                       ('an unknown trust', {'project_id': '{pit}', 'roles': [{'name': 'member'}], 'redelegated_trust_id': NOWHERE}),
                       ('a trust of another', {'project_id': '{pit}', 'roles': [{'name': 'member'}], 'redelegated_trust_id': '{trust}'})):
        both(f'trust with {name}', 'POST', '/v3/OS-TRUST/trusts', {'trust': {**trust, **more}}, token='una')
    for name in ('own', 'member'):
        both(f'role {name} of the domain', 'POST', '/v3/roles', {'role': {'name': name, 'domain_id': '{quarry}'}}, save={f'quarry_{name}': 'role.id'})
        both(f'una has {name} of the domain', 'PUT', f'/v3/projects/{{pit}}/users/{{una}}/roles/{{quarry_{name}}}')
    enter(both, 'una with roles of the domain', 'una', PIT, save={'una': 'TOKEN'})
    for name in ('own', 'member', 'nothing'):
        roles = [{'name': name}]
        both(f'trust of {name}', 'POST', '/v3/OS-TRUST/trusts', {'trust': {**trust, 'project_id': '{pit}', 'roles': roles, 'impersonation': True}}, token='una')
        both(f'credential of {name}', 'POST', base, {'application_credential': {'name': f'of {name}', 'secret': 'secret', 'roles': roles}}, token='una')
    for name in ('own', 'member'):
        both(f'role {name} of the domain gone', 'DELETE', f'/v3/roles/{{quarry_{name}}}')


def disabled(both):
    """A user's memberships and what goes with them."""
    both('group', 'POST', '/v3/groups', {'group': {'name': 'diggers', 'domain_id': '{quarry}'}}, save={'diggers': 'group.id'})
    both('una joins', 'PUT', '/v3/groups/{diggers}/users/{una}')
    both('group reads', 'PUT', '/v3/projects/{pit}/groups/{diggers}/roles/{role_reader}')
    both('una directly', 'GET', '/v3/role_assignments?user.id={una}&effective&scope.project.id={pit}')
    both('una leaves', 'DELETE', '/v3/groups/{diggers}/users/{una}')
    both('una without the group', 'GET', '/v3/role_assignments?user.id={una}&effective&scope.project.id={pit}')
    both('no member any more', 'HEAD', '/v3/groups/{diggers}/users/{una}')
    credentials = '/v3/users/{vic}/application_credentials'
    enter(both, 'vic before', 'vic', PIT, save={'vic': 'TOKEN'})
    for name, more in (('plain', {}), ('ruled', {'access_rules': [{'path': '/v3/x', 'method': 'GET', 'service': 'identity'}]})):
        both(f'vic makes a {name} one', 'POST', credentials, {'application_credential': {'name': name, 'secret': 'secret', 'roles': [{'name': 'reader'}], **more}},
             token='vic')
    both('vic disabled', 'PATCH', '/v3/users/{vic}', {'user': {'enabled': False}})
    both('vic enabled', 'PATCH', '/v3/users/{vic}', {'user': {'enabled': True}})
    enter(both, 'vic after', 'vic', PIT, save={'vic': 'TOKEN'})
    both('credentials after', 'GET', credentials, token='vic')
    both('rules after', 'GET', '/v3/users/{vic}/access_rules', token='vic')


def narrowed_catalogs(both):
    """A service that has nothing to show is in the catalog only where nothing was chosen."""
    for name in ('shown', 'hidden'):
        both(f'service {name}', 'POST', '/v3/services', {'service': {'type': f'quarry-{name}', 'name': name}}, save={f'service_{name}': 'service.id'})
        url = 'http://x/$(project_id)s/$(user_id)s'
        both(f'endpoint {name}', 'POST', '/v3/endpoints', {'endpoint': {'service_id': f'{{service_{name}}}', 'interface': 'public', 'url': url,
                                                                         'enabled': name != 'hidden'}}, save={f'endpoint_{name}': 'endpoint.id'})
        both(f'chosen {name}', 'PUT', f'/v3/OS-EP-FILTER/projects/{{pit}}/endpoints/{{endpoint_{name}}}')
    enter(both, 'catalog of what was chosen', 'una', PIT, save={'una': 'TOKEN'})
    trust = {'trustor_user_id': '{una}', 'trustee_user_id': '{vic}', 'impersonation': False, 'project_id': '{pit}', 'roles': [{'name': 'reader'}]}
    both('trust', 'POST', '/v3/OS-TRUST/trusts', {'trust': trust}, token='una', save={'lending': 'trust.id'})
    enter(both, 'catalog of a trust', 'vic', {'OS-TRUST:trust': {'id': '{lending}'}}, save={'lent': 'TOKEN'})
    both('catalog asked by a trustee', 'GET', '/v3/auth/catalog', token='lent')
    for query in ('', '?name=nothing', '?color=red', '?name__contains=x'):
        both(f'endpoint groups{query}', 'GET', '/v3/OS-EP-FILTER/endpoint_groups' + query)
    for name in ('shown', 'hidden'):
        # without this, Keystone's catalog of the project is broken from then on
        both(f'chosen no more {name}', 'DELETE', f'/v3/OS-EP-FILTER/projects/{{pit}}/endpoints/{{endpoint_{name}}}')
        both(f'service {name} gone', 'DELETE', f'/v3/services/{{service_{name}}}')


def bounds(both):
    """Limits of nothing."""
    both('service', 'POST', '/v3/services', {'service': {'type': 'quarry', 'name': 'quarry'}}, save={'bounds': 'service.id'})
    registered = {'service_id': '{bounds}', 'resource_name': 'stones', 'default_limit': 7}
    both('registered', 'POST', '/v3/registered_limits', {'registered_limits': [registered]}, compare=False)
    both('nothing at all', 'POST', '/v3/limits', {'limits': [{'service_id': '{bounds}', 'resource_name': 'stones', 'resource_limit': 0, 'project_id': '{pit}'}]})
    both('limits', 'GET', '/v3/limits?resource_name=stones')


def bodies(both):
    """Credentials and policy documents."""
    one = {'blob': '{}', 'type': 'own', 'user_id': '{una}'}
    for name, body in {'good': {'credential': one}, 'something beside': {'credential': one, 'more': 1}, 'blob an object': {'credential': {**one, 'blob': {}}},
                       'no type': {'credential': {'blob': '{}', 'user_id': '{una}'}}, 'of nobody': {'credential': {**one, 'user_id': NOWHERE}},
                       'project unknown': {'credential': {**one, 'project_id': NOWHERE}}, 'certificate': {'credential': {**one, 'type': 'cert', 'blob': 'text'}},
                       'totp': {'credential': {**one, 'type': 'totp', 'blob': 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ'}}, 'ec2 no JSON': {'credential': {**one, 'type': 'ec2', 'blob': 'x'}},
                       'ec2 without project': {'credential': {**one, 'type': 'ec2', 'blob': '{"access": "a", "secret": "s"}'}},
                       'ec2': {'credential': {**one, 'type': 'ec2', 'blob': '{"access": "quarry", "secret": "s"}', 'project_id': '{pit}'}}}.items():
        both(f'credential: {name}', 'POST', '/v3/credentials', body, save={'kept': 'credential.id'} if name == 'good' else None)
    enter(both, 'una again', 'una', PIT, save={'una': 'TOKEN'})
    for asker in ('una', 'vic', 'admin'):
        both(f'credential shown to {asker}', 'GET', '/v3/credentials/{kept}', token=asker)
        for query in ('?user_id={una}', '?user_id={una}&type=own', '?type=totp'):
            both(f'credentials{query} for {asker}', 'GET', '/v3/credentials' + query, token=asker)
    for name, change in {'blob': {'blob': 'new'}, 'type': {'type': 'other'}, 'user': {'user_id': '{vic}'}, 'nothing': {}, 'own': {'mine': 1}}.items():
        both(f'credential changed: {name}', 'PATCH', '/v3/credentials/{kept}', {'credential': change})
    both('credential gone', 'DELETE', '/v3/credentials/{kept}')
    both('credential gone again', 'DELETE', '/v3/credentials/{kept}')
    document = {'blob': '{}', 'type': 'application/json'}
    for name, body in {'good': {'policy': document}, 'own': {'policy': {**document, 'mine': 1}}, 'something beside': {'policy': document, 'more': 1},
                       'no type': {'policy': {'blob': '{}'}}, 'blob an object': {'policy': {**document, 'blob': {'a': 1}}}, 'nothing': {}}.items():
        both(f'policy: {name}', 'POST', '/v3/policies', body, save={'document': 'policy.id'} if name == 'good' else None)
    for name, change in {'blob': {'blob': 'new'}, 'type': {'type': 'text/plain'}, 'nothing': {}, 'own': {'mine': 2}, 'id': {'id': NOWHERE}}.items():
        both(f'policy changed: {name}', 'PATCH', '/v3/policies/{document}', {'policy': change})
    for query in ('', '?type=text/plain', '?type=none'):
        both(f'policies{query}', 'GET', '/v3/policies' + query)
    both('policy gone', 'DELETE', '/v3/policies/{document}')
    both('policy gone again', 'GET', '/v3/policies/{document}')
