"""What both clouds are asked of identity providers, protocols and mappings: everything of federation that needs no provider."""

from cases import NOWHERE

PROVIDERS, MAPPINGS = '/v3/OS-FEDERATION/identity_providers', '/v3/OS-FEDERATION/mappings'
LOCAL, REMOTE = {'user': {'name': '{0}'}}, {'type': 'OIDC-sub'}


def mapping(local=(LOCAL,), remote=(REMOTE,), **more):
    """The body of a mapping with one rule."""
    return {'mapping': {'rules': [{'local': list(local), 'remote': list(remote)}], **more}}


MAPPINGS_BAD = {
    'no body': None, 'nothing': {}, 'no rules': {'mapping': {}}, 'rules empty': {'mapping': {'rules': []}}, 'rules null': {'mapping': {'rules': None}},
    'a list': {'mapping': []}, 'rules a word': {'mapping': {'rules': 'x'}}, 'a rule of nothing': {'mapping': {'rules': [{}]}}, 'a rule a word': {'mapping': {'rules': ['x']}},
    'remote empty': mapping(remote=()), 'remote of nothing': mapping(remote=({},)), 'remote a word': mapping(remote=('x',)),
    'type a number': mapping(remote=({'type': 5},)), 'two conditions': mapping(remote=({'type': 'a', 'any_one_of': ['x'], 'not_any_of': ['y']},)),
    'regex alone': mapping(remote=({'type': 'a', 'regex': True},)), 'regex a word': mapping(remote=({'type': 'a', 'any_one_of': ['x'], 'regex': 'yes'},)),
    'a condition that is no list': mapping(remote=({'type': 'a', 'whitelist': 'x'},)), 'an unknown condition': mapping(remote=({'type': 'a', 'all_of': ['x']},)),
    'an unknown local': mapping(local=({'color': 'red'},)), 'an unknown attribute of a user': mapping(local=({'user': {'color': 'red'}},)),
    'an unknown type of user': mapping(local=({'user': {'name': 'x', 'type': 'robot'}},)), 'a group without domain': mapping(local=({'group': {'name': 'x'}},)),
    'a group with id and name': mapping(local=({'group': {'id': 'x', 'name': 'y', 'domain': {'id': 'z'}}},)), 'groups a list': mapping(local=({'groups': ['x']},)),
    'group_ids a list': mapping(local=({'group_ids': ['x']},)), 'projects without roles': mapping(local=({'projects': [{'name': 'x'}]},)),
    'a role with an id': mapping(local=({'projects': [{'name': 'x', 'roles': [{'id': 'y'}]}]},)), 'a domain of a project in 1.0': mapping(local=({'projects': [{'name': 'x', 'roles': [], 'domain': {'id': 'y'}}]},)),
    'projects_json in 2.0': mapping(local=({'projects_json': '{0}'},), schema_version='2.0'), 'a domain with a color': mapping(local=({'domain': {'color': 'red'}},)),
    'two things wrong': {'mapping': {'rules': [{'local': [{'color': 'red'}], 'remote': []}, {'remote': [{}]}]}}, 'a version that is a number': mapping(schema_version=1),
}
MAPPINGS_GOOD = {
    'every condition': mapping(remote=({'type': 'a'}, {'type': 'b', 'any_one_of': ['x'], 'regex': False}, {'type': 'c', 'not_any_of': []}, {'type': 'd', 'whitelist': ['y'], 'regex': True}, {'type': 'e', 'blacklist': [1, None]})),
    'every local': mapping(local=({'user': {'id': '{0}', 'name': 'n', 'email': 'e', 'type': 'local', 'domain': {'name': 'd'}}}, {'group': {'id': 'g'}}, {'group': {'name': 'g', 'domain': {'name': 'd'}}}, {'groups': '{0}', 'domain': {'id': 'd'}},
                                  {'group_ids': '{0}'}, {'projects': [{'name': 'p', 'roles': [{'name': 'reader'}]}]}, {})),
    'local empty': mapping(local=()), 'something else': mapping(color='red'), 'version 1.0': mapping(schema_version='1.0'), 'version empty': mapping(schema_version=''), 'version null': mapping(schema_version=None),
    'version 2.0': mapping(local=({'projects': [{'name': 'x', 'roles': [], 'domain': {'id': 'y'}}]},), schema_version='2.0'), 'version 3.0': mapping(local=({'projects_json': '{0}'},), schema_version='3.0'),
}


def mappings(both):
    for name, body in MAPPINGS_GOOD.items():
        both(f'mapping with {name}', 'PUT', f'{MAPPINGS}/good-{name.replace(" ", "-")}', body)
        both(f'show the one with {name}', 'GET', f'{MAPPINGS}/good-{name.replace(" ", "-")}')
    for name, body in MAPPINGS_BAD.items():
        both(f'bad mapping: {name}', 'PUT', f'{MAPPINGS}/bad', body)
        both(f'change to a bad mapping: {name}', 'PATCH', f'{MAPPINGS}/good-local-empty', body)
    both('mapping of the same name', 'PUT', f'{MAPPINGS}/good-local-empty', mapping())
    both('change a mapping', 'PATCH', f'{MAPPINGS}/good-local-empty', mapping(local=({'user': {'id': 'x'}},), schema_version='2.0'))
    both('change a mapping without a version', 'PATCH', f'{MAPPINGS}/good-local-empty', mapping())
    both('change an unknown mapping', 'PATCH', f'{MAPPINGS}/{NOWHERE}', mapping())
    both('show an unknown mapping', 'GET', f'{MAPPINGS}/{NOWHERE}')
    both('look for a mapping', 'HEAD', f'{MAPPINGS}/good-local-empty')
    both('remove an unknown mapping', 'DELETE', f'{MAPPINGS}/{NOWHERE}')
    for name in MAPPINGS_GOOD:
        if name != 'every condition':
            both(f'remove the one with {name}', 'DELETE', f'{MAPPINGS}/good-{name.replace(" ", "-")}')
    both('mappings', 'GET', MAPPINGS)


PROVIDERS_BAD = {
    'enabled a word': {'enabled': 'maybe'}, 'enabled a number': {'enabled': 5}, 'description a number': {'description': 5}, 'something else': {'color': 'red'}, 'an id': {'id': 'x'}, 'remote_ids a word': {'remote_ids': 'x'},
    'remote_ids of numbers': {'remote_ids': [5]}, 'remote_ids twice': {'remote_ids': ['x', 'x']}, 'a long remote id': {'remote_ids': ['x' * 65]},
    'authorization_ttl below zero': {'authorization_ttl': -1}, 'authorization_ttl a word': {'authorization_ttl': '5'},
    'an unknown domain': {'domain_id': NOWHERE}, 'a domain that is a number': {'domain_id': 5}, 'a domain with a color': {'domain_id': 'a/b'},
}


def providers(both):
    def make(name, body, **named):
        both(f'provider {name}', 'PUT', f'{PROVIDERS}/{name}', {'identity_provider': body}, **named)

    make('plain', {}, save={'plain_domain': 'identity_provider.domain_id'})
    both('the domain of a provider', 'GET', '/v3/domains/{plain_domain}')
    make('whole', {'enabled': True, 'description': 'd', 'remote_ids': ['b', 'a'], 'authorization_ttl': 5, 'domain_id': 'default'})
    make('empty', {'enabled': False, 'description': None, 'remote_ids': None, 'authorization_ttl': None})
    make('whole', {'domain_id': 'default'})
    make('thief', {'remote_ids': ['a'], 'domain_id': 'default'})
    for name, body in {'no body': None, 'nothing': {}, 'a list': {'identity_provider': []}, 'something beside': {'identity_provider': {}, 'color': 'red'}}.items():
        both(f'provider of {name}', 'PUT', f'{PROVIDERS}/of-{name.replace(" ", "-")}', body)
        both(f'change to {name}', 'PATCH', f'{PROVIDERS}/plain', body)
    for name, body in PROVIDERS_BAD.items():
        both(f'bad provider: {name}', 'PUT', f'{PROVIDERS}/bad', {'identity_provider': body})
        both(f'change a provider badly: {name}', 'PATCH', f'{PROVIDERS}/plain', {'identity_provider': body})
    both('change a provider to nothing', 'PATCH', f'{PROVIDERS}/plain', {'identity_provider': {}})
    both('change a provider', 'PATCH', f'{PROVIDERS}/whole', {'identity_provider': {'enabled': False, 'description': 'e', 'remote_ids': ['c'], 'authorization_ttl': 0}})
    both('take a remote id that is free again', 'PATCH', f'{PROVIDERS}/plain', {'identity_provider': {'remote_ids': ['a']}})
    both('take a remote id that is not', 'PATCH', f'{PROVIDERS}/plain', {'identity_provider': {'remote_ids': ['c']}})
    both('give remote ids up', 'PATCH', f'{PROVIDERS}/plain', {'identity_provider': {'remote_ids': None}})
    both('change an unknown provider', 'PATCH', f'{PROVIDERS}/{NOWHERE}', {'identity_provider': {'enabled': False}})
    for path in ('', '?enabled=true', '?enabled=false', '?enabled=maybe', '?id=whole', '?id=nobody', '?color=red', '/whole', f'/{NOWHERE}'):
        both(f'GET providers{path}', 'GET', PROVIDERS + path)
    both('look for a provider', 'HEAD', f'{PROVIDERS}/whole')
    both('POST to providers', 'POST', PROVIDERS, {'identity_provider': {}})
    both('remove an unknown provider', 'DELETE', f'{PROVIDERS}/{NOWHERE}')


def protocols(both):
    base, condition = f'{PROVIDERS}/whole/protocols', 'good-every-condition'

    def make(case, name, body, **named):
        both(case, 'PUT', f'{base}/{name}', {'protocol': body}, **named)

    make('protocol', 'openid', {'mapping_id': condition})
    make('protocol with a remote id attribute', 'saml2', {'mapping_id': condition, 'remote_id_attribute': 'HTTP_OIDC_ISS'})
    make('protocol with none', 'mapped', {'mapping_id': condition, 'remote_id_attribute': None})
    make('the same protocol', 'openid', {'mapping_id': condition})
    for name, body in {'an unknown mapping': {'mapping_id': NOWHERE}, 'no mapping': {}, 'an empty mapping': {'mapping_id': ''}, 'a mapping that is a number': {'mapping_id': 5}, 'a long mapping': {'mapping_id': 'x' * 65},
                       'something else': {'mapping_id': condition, 'color': 'red'}, 'a long attribute': {'mapping_id': condition, 'remote_id_attribute': 'x' * 65}, 'an attribute that is a number': {'mapping_id': condition, 'remote_id_attribute': 5},
                       'an id': {'id': 'x', 'mapping_id': condition}, 'no attribute any more': {'mapping_id': condition, 'remote_id_attribute': None}}.items():
        make(f'bad protocol: {name}', f'bad-{name.replace(" ", "-")}', body)
        both(f'change a protocol badly: {name}', 'PATCH', f'{base}/openid', {'protocol': body})
    for name, body in {'no body': None, 'nothing': {}, 'a list': {'protocol': []}}.items():
        both(f'protocol of {name}', 'PUT', f'{base}/of-nothing', body)
        both(f'change a protocol to {name}', 'PATCH', f'{base}/openid', body)
    both('protocol of an unknown provider', 'PUT', f'{PROVIDERS}/{NOWHERE}/protocols/openid', {'protocol': {'mapping_id': condition}})
    both('change a protocol', 'PATCH', f'{base}/openid', {'protocol': {'mapping_id': condition, 'remote_id_attribute': 'HTTP_OIDC_ISS'}})
    both('change a protocol that is not there', 'PATCH', f'{base}/nothing', {'protocol': {'mapping_id': condition}})
    for path in ('', '/openid', '/saml2', '/mapped', '/nothing'):
        both(f'GET protocols{path}', 'GET', base + path)
    both('protocols of an unknown provider', 'GET', f'{PROVIDERS}/{NOWHERE}/protocols')
    both('protocols of another', 'GET', f'{PROVIDERS}/plain/protocols')
    both('look for a protocol', 'HEAD', f'{base}/openid')
    both('remove the mapping that protocols have', 'DELETE', f'{MAPPINGS}/{condition}')
    both('remove a protocol', 'DELETE', f'{base}/saml2')
    both('remove it again', 'DELETE', f'{base}/saml2')


def federation(both):
    mappings(both)
    providers(both)
    protocols(both)
    for asker in ('ann', 'bob-domain', 'bob-system', 'eve'):
        for path in (PROVIDERS, f'{PROVIDERS}/whole', f'{PROVIDERS}/whole/protocols', f'{PROVIDERS}/whole/protocols/openid', MAPPINGS, f'{MAPPINGS}/{NOWHERE}'):
            both(f'{path} by {asker}', 'GET', path, token=asker)
        for path, body in ((f'{PROVIDERS}/whole', {'identity_provider': {'enabled': False}}), (f'{PROVIDERS}/whole/protocols/openid', {'protocol': {'mapping_id': 'x'}}), (f'{MAPPINGS}/m', mapping())):
            for method in ('PUT', 'PATCH', 'DELETE'):
                both(f'{method} {path} by {asker}', method, path, None if method == 'DELETE' else body, token=asker)
        for own in ('projects', 'domains'):
            both(f'own {own} of {asker}', 'GET', f'/v3/OS-FEDERATION/{own}', token=asker)
    for path in ('projects', 'domains', 'identity_providers', 'mappings'):
        both(f'{path} of nobody', 'GET', f'/v3/OS-FEDERATION/{path}', token=None)
    for path in (f'{PROVIDERS}/whole/protocols/openid/auth', f'{PROVIDERS}/{NOWHERE}/protocols/openid/auth', f'{PROVIDERS}/plain/protocols/openid/auth'):
        both(f'log in at {path} without a provider', 'GET', path, token=None)
    both('a domain with a provider', 'POST', '/v3/domains', {'domain': {'name': 'of-a-provider', 'enabled': False}}, save={'of_provider': 'domain.id'})
    both('its provider', 'PUT', f'{PROVIDERS}/lost', {'identity_provider': {'domain_id': '{of_provider}'}})
    both('remove that domain', 'DELETE', '/v3/domains/{of_provider}')
    both('the provider without domain', 'GET', f'{PROVIDERS}/lost')
    both('remove a provider', 'DELETE', f'{PROVIDERS}/whole')
    both('protocols of the one removed', 'GET', f'{PROVIDERS}/whole/protocols')
    both('providers at the end', 'GET', PROVIDERS)
