"""What both clouds are asked by people for whom a provider of OpenID Connect vouches.

Each shows an access token that says itself who shows it. Ours asks `provider.py` about it; before Keystone stands what puts
the same claims into its environment, as a module of a web server would.
"""

import json
from base64 import urlsafe_b64encode

from cases import NOWHERE, by_token, login
from federation import MAPPINGS, PROVIDERS

AUTH = '/v3/OS-FEDERATION/identity_providers/{}/protocols/{}/auth'
ANN = {'sub': '248', 'preferred_username': 'ann', 'email': 'ann@example.org', 'groups': ['crew', 'cooks']}
USER = {'user': {'id': '{0}', 'name': '{1}', 'email': '{2}'}}
CLAIMS = [{'type': f'HTTP_OIDC_{name}'} for name in ('SUB', 'PREFERRED_USERNAME', 'EMAIL', 'GROUPS')]
CREW = {'groups': '{3}', 'domain': {'id': 'ABROAD'}}


def bearer(claims):
    """The header of somebody of whom the provider says this."""
    return {'Authorization': 'Bearer ' + urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip('=')}


def logins(both):
    stage(both)
    enter = entrance(both)
    ann(both, enter)
    strangers(both, enter)
    issuers(both, enter)
    local(both, enter)
    groups(both, enter)
    projects(both, enter)
    names(both, enter)
    leaving(both, enter)


def entrance(both):
    """How somebody comes in: the case, what the provider says of them, and where."""
    def enter(case, claims, provider='harbour', protocol='openid', method='POST', **more):
        return both(case, method, AUTH.format(provider, protocol), token=None, headers=bearer(claims), **more)
    return enter


def rules(both, *local, remote=CLAIMS, version=None, case='map'):
    """Changes the mapping to one rule."""
    here = json.loads(json.dumps(local).replace('ABROAD', '{abroad}'))
    body = {'rules': [{'local': here, 'remote': list(remote)}]}
    both(f'{case}: rules', 'PATCH', f'{MAPPINGS}/papers', {'mapping': body | ({'schema_version': version} if version else {})}, compare=False)


def stage(both):
    both('domain', 'POST', '/v3/domains', {'domain': {'name': 'Abroad'}}, save={'abroad': 'domain.id'}, compare=False)
    for noun, name in (('group', 'crew'), ('project', 'dock'), ('project', 'far')):
        both(name, 'POST', f'/v3/{noun}s', {noun: {'name': name, 'domain_id': '{abroad}'}}, save={name: f'{noun}.id'}, compare=False)
    both('grant', 'PUT', '/v3/projects/{dock}/groups/{crew}/roles/{role_reader}', compare=False)
    both('mapping', 'PUT', f'{MAPPINGS}/papers', {'mapping': {'rules': [{'local': [USER], 'remote': CLAIMS}]}}, compare=False)
    rules(both, USER, CREW)
    for name in ('harbour', 'ferry'):
        both(name, 'PUT', f'{PROVIDERS}/{name}', {'identity_provider': {'enabled': True, 'domain_id': '{abroad}', 'remote_ids': ['{issuer}'] if name == 'harbour' else []}}, compare=False)
        for protocol in ('openid', 'mapped'):
            both(f'{name} {protocol}', 'PUT', f'{PROVIDERS}/{name}/protocols/{protocol}', {'protocol': {'mapping_id': 'papers', 'remote_id_attribute': 'HTTP_OIDC_ISS'}}, compare=False)


def ann(both, enter):
    """Somebody comes in, and uses what comes with it."""
    enter('enter', ANN, save={'ann-abroad': 'TOKEN', 'shadow': 'token.user.id'})
    enter('enter by GET', ANN, method='GET')
    enter('enter by another protocol', ANN, protocol='mapped')
    enter('enter by another provider', ANN, provider='ferry')
    own = 'ann-abroad'
    people = ('/v3/users/{shadow}', '/v3/users/{shadow}/groups', '/v3/users/{shadow}/projects')
    for path in ('/v3/auth/projects', '/v3/OS-FEDERATION/projects', '/v3/auth/domains', '/v3/OS-FEDERATION/domains', '/v3/auth/system', '/v3/auth/catalog', *people):
        both(f'own {path}', 'GET', path, token=own)
    for path in people:
        both(f'by the administrator {path}', 'GET', path)
    for path in ('/v3/users?domain_id={abroad}', '/v3/users?name=ann&domain_id={abroad}', '/v3/users?idp_id=harbour', '/v3/users?protocol_id=openid', '/v3/users?unique_id=248', '/v3/users?idp_id=nobody',
                 '/v3/groups/{crew}/users', '/v3/role_assignments?user.id={shadow}', '/v3/role_assignments?user.id={shadow}&effective'):
        both(f'list {path}', 'GET', path)
    both('its token', 'GET', '/v3/auth/tokens', headers={'X-Subject-Token': '{token_ann-abroad}'})
    for name, scope in (('the project', {'project': {'id': '{dock}'}}), ('a project of others', {'project': {'id': '{far}'}}), ('the domain', {'domain': {'id': '{abroad}'}}),
                        ('the system', {'system': {'all': True}}), ('nothing', 'unscoped'), ('nothing said', None)):
        both(f'a token for {name}', 'POST', '/v3/auth/tokens', by_token('{token_ann-abroad}', scope), token=None)
    both('a token for work', 'POST', '/v3/auth/tokens', by_token('{token_ann-abroad}', {'project': {'id': '{dock}'}}), token=None, save={'ann-working': 'TOKEN'})
    both('its token for work', 'GET', '/v3/auth/tokens', headers={'X-Subject-Token': '{token_ann-working}'})
    both('a token of that one', 'POST', '/v3/auth/tokens', by_token('{token_ann-working}', {'project': {'id': '{dock}'}}), token=None)
    both('show its project', 'GET', '/v3/projects/{dock}', token='ann-working')
    both('a trust', 'POST', '/v3/OS-TRUST/trusts', {'trust': {'trustor_user_id': '{shadow}', 'trustee_user_id': '{ann}', 'project_id': '{dock}', 'impersonation': False, 'roles': [{'name': 'reader'}]}}, token='ann-working')
    both('an application credential', 'POST', '/v3/users/{shadow}/application_credentials', {'application_credential': {'name': 'own', 'secret': 'own'}}, token='ann-working')
    both('a password of its own', 'POST', '/v3/users/{shadow}/password', {'user': {'original_password': 'x', 'password': 'y'}}, token=own)
    both('log in with a password', 'POST', '/v3/auth/tokens', login('ann', 'x', domain={'id': '{abroad}'}), token=None)
    enter('enter under another name', ANN | {'preferred_username': 'annie'})
    both('its other name', 'GET', '/v3/users/{shadow}')
    enter('enter with another address', ANN | {'email': 'annie@example.org'})
    both('its other address', 'GET', '/v3/users/{shadow}')
    enter('enter under the name of another', ANN | {'sub': '249'})


def strangers(both, enter):
    """Who does not come in."""
    for name in ANN:
        enter(f'enter without {name}', {own: value for own, value in ANN.items() if own != name})
    enter('enter as nobody', {})
    enter('enter at nowhere', ANN, provider=NOWHERE)
    enter('enter by nothing', ANN, protocol='nothing')
    both('enter without anything', 'POST', AUTH.format('harbour', 'openid'), token=None)
    both('enter by PUT', 'PUT', AUTH.format('harbour', 'openid'), token=None, headers=bearer(ANN))


def issuers(both, enter):
    """The provider must be the one that is meant."""
    def meant(case, remote_ids, attribute):
        both(f'{case}: ids', 'PATCH', f'{PROVIDERS}/harbour', {'identity_provider': {'remote_ids': remote_ids}}, compare=False)
        both(f'{case}: attribute', 'PATCH', f'{PROVIDERS}/harbour/protocols/openid', {'protocol': {'mapping_id': 'papers', 'remote_id_attribute': attribute}}, compare=False)
        enter(case, ANN | {'house': 'one'})

    meant('of another issuer', ['https://elsewhere'], 'HTTP_OIDC_ISS')
    meant('of any issuer', [], 'HTTP_OIDC_ISS')
    meant('of a house', ['one', 'two'], 'HTTP_OIDC_HOUSE')
    meant('of another house', ['two'], 'HTTP_OIDC_HOUSE')
    meant('of a house that is not said', ['two'], 'HTTP_OIDC_TOWN')
    meant('of the issuer', ['{issuer}'], 'HTTP_OIDC_ISS')


def local(both, enter):
    """One of the cloud's own."""
    for name, user in (('by name', {'name': 'ann', 'domain': {'id': '{stone}'}}), ('by the name of its domain', {'name': 'ann', 'domain': {'name': 'Stone'}}), ('by id', {'id': '{ann}'}),
                       ('unknown', {'name': 'nobody', 'domain': {'id': '{stone}'}}), ('of an unknown domain', {'name': 'ann', 'domain': {'name': 'nowhere'}}), ('by an unknown id', {'id': NOWHERE}),
                       ('without a domain', {'name': 'ann'})):
        rules(both, {'user': user | {'type': 'local'}}, CREW, case=f'local {name}')
        enter(f'one of us {name}', ANN)


def groups(both, enter):
    """Groups, by what the mapping makes of them."""
    for name, more in (('by id', {'group': {'id': '{crew}'}}), ('by an unknown id', {'group': {'id': NOWHERE}}), ('by name', {'group': {'name': 'crew', 'domain': {'name': 'Abroad'}}}),
                       ('by an unknown name', {'group': {'name': 'cooks', 'domain': {'name': 'Abroad'}}}), ('of an unknown domain', {'group': {'name': 'crew', 'domain': {'name': 'nowhere'}}}),
                       ('by what is said', {'groups': '{3}', 'domain': {'name': 'Abroad'}}), ('without a domain', {'groups': '{3}'}), ('by ids that are said', {'group_ids': '{3}'})):
        rules(both, USER, more, case=f'groups {name}')
        enter(f'in groups {name}', ANN)
        both(f'groups {name}', 'GET', '/v3/users/{shadow}/groups')
    rules(both, USER, CREW, case='groups')
    both('memberships for a while', 'PATCH', f'{PROVIDERS}/harbour', {'identity_provider': {'authorization_ttl': 5}}, compare=False)
    enter('in groups for a while', ANN)
    both('groups for a while', 'GET', '/v3/users/{shadow}/groups')
    enter('in no groups any more', ANN | {'groups': ['others']})
    both('groups after that', 'GET', '/v3/users/{shadow}/groups')


def projects(both, enter):
    """Projects, by what the mapping makes of them."""
    reader, manager = [{'name': 'reader'}], [{'name': 'reader'}, {'name': 'manager'}]
    for name, version, told in (('a new one', None, [{'name': 'of {1}', 'roles': reader}]), ('it again, with more', None, [{'name': 'of {1}', 'roles': manager}]), ('it with less', None, [{'name': 'of {1}', 'roles': reader}]),
                                ('with an unknown role', None, [{'name': 'of {1}', 'roles': [{'name': 'nobody'}]}]), ('of another domain', '2.0', [{'name': 'hut', 'domain': {'name': 'Stone'}, 'roles': reader}]),
                                ('of an unknown domain', '2.0', [{'name': 'hut', 'domain': {'name': 'nowhere'}, 'roles': reader}]), ('of no domain', '2.0', [{'name': 'of {1}', 'roles': reader}]),
                                ('and no others', '3.0', [{'name': 'of {1}', 'roles': reader}]), ('of nothing', '3.0', [])):
        home = {'domain': {'id': 'ABROAD'}} if version and name != 'of no domain' else {}
        rules(both, USER | home, CREW, {'projects': told} | home, version=version, case=f'projects {name}')
        enter(f'to projects {name}', ANN)
        both(f'projects {name}', 'GET', '/v3/role_assignments?user.id={shadow}&include_names')
    both('projects of the domain', 'GET', '/v3/projects?domain_id={abroad}')


def names(both, enter):
    """What people are called."""
    for name, user in (('an id alone', {'id': '{0}'}), ('a name alone', {'name': '{1}'}), ('an address alone', {'email': '{2}'}), ('nothing', {}), ('a domain of another', {'id': '{0}', 'name': '{1}', 'domain': {'name': 'Stone'}}),
                       ('an unknown domain', {'id': '{0}', 'domain': {'name': 'nowhere'}}), ('a type that is not', {'id': '{0}', 'type': '{1}'}), ('more than is matched', {'id': '{9}'})):
        rules(both, {'user': user}, case=f'names {name}')
        enter(f'called by {name}', {**ANN, 'sub': f'called by {name}', 'preferred_username': f'{name}, really'})
    rules(both, USER, CREW, case='names')
    for name, claims in (('blanks', {'sub': 'a b/c?d', 'preferred_username': ' a '}), ('letters', {'sub': 'ä€😀', 'preferred_username': 'ä€😀'}), ('semicolons', {'sub': 'a;b', 'preferred_username': 'c;d'}),
                         ('numbers', {'sub': 7, 'preferred_username': 8}), ('emptiness', {'sub': '', 'preferred_username': ''}), ('a long name', {'sub': 'long', 'preferred_username': 'x' * 255}), ('braces', {'sub': '{1}', 'preferred_username': '{0}'})):
        enter(f'of {name}', ANN | claims, save=None if name == 'emptiness' else {'odd': 'token.user.id'})
        both(f'show one of {name}', 'GET', '/v3/users/{odd}')


def leaving(both, enter):
    """How it ends."""
    both('rename it', 'PATCH', '/v3/users/{shadow}', {'user': {'name': 'anna'}})
    enter('enter again', ANN, save={'ann-again': 'TOKEN'})
    both('disable it', 'PATCH', '/v3/users/{shadow}', {'user': {'enabled': False}})
    both('its token while it is disabled', 'GET', '/v3/auth/tokens', headers={'X-Subject-Token': '{token_ann-again}'})
    enter('enter while it is disabled', ANN)
    both('enable it', 'PATCH', '/v3/users/{shadow}', {'user': {'enabled': True}})
    both.sides[1].settle()
    enter('enter once more', ANN, save={'ann-again': 'TOKEN'})
    both('a token for work again', 'POST', '/v3/auth/tokens', by_token('{token_ann-again}', {'project': {'id': '{dock}'}}), token=None, save={'ann-working': 'TOKEN'})
    both('disable the provider', 'PATCH', f'{PROVIDERS}/harbour', {'identity_provider': {'enabled': False}})
    enter('enter at a disabled one', ANN)
    for name in ('ann-again', 'ann-working'):
        both(f'the token of {name} at a disabled one', 'GET', '/v3/auth/tokens', headers={'X-Subject-Token': f'{{token_{name}}}'})
        both(f'use the token of {name} at a disabled one', 'GET', '/v3/auth/projects', token=name)
    both('enable the provider', 'PATCH', f'{PROVIDERS}/harbour', {'identity_provider': {'enabled': True}})
    both('remove the protocol', 'DELETE', f'{PROVIDERS}/harbour/protocols/openid')
    enter('enter without the protocol', ANN)
    both('show whom it vouched for', 'GET', '/v3/users/{shadow}')
    both('remove the user', 'DELETE', '/v3/users/{shadow}')
    both('remove the provider', 'DELETE', f'{PROVIDERS}/harbour')
    enter('enter without the provider', ANN)
    both('who is left', 'GET', '/v3/users?domain_id={abroad}')
