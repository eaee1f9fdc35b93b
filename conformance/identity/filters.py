"""What both clouds are asked about endpoint groups, and which endpoints a project sees."""

from cases import NOWHERE, login

GROUPS = '/v3/OS-EP-FILTER/endpoint_groups'


def endpoint_groups(both):
    both('service', 'POST', '/v3/services', {'service': {'type': 'filtered', 'name': 'filtered'}}, save={'filtered': 'service.id'})
    for name in ('public', 'internal'):
        both(f'endpoint {name}', 'POST', '/v3/endpoints', {'endpoint': {'service_id': '{filtered}', 'interface': name, 'url': 'http://filtered'}}, save={f'end_{name}': 'endpoint.id'})

    def make(case, more, **named):
        both(case, 'POST', GROUPS, {'endpoint_group': {'name': 'shown', 'filters': {'service_id': '{filtered}', 'interface': 'public'}, **more}}, **named)

    make('make', {'description': 'd'}, save={'shown': 'endpoint_group.id'})
    make('make of the same name', {'filters': {'region_id': 'RegionOne'}}, save={'region': 'endpoint_group.id'})
    for name, more in {'no filters': {'filters': {}}, 'filters null': {'filters': None}, 'filter unknown': {'filters': {'color': 'red'}}, 'filter enabled': {'filters': {'enabled': True}}, 'interface unknown': {'filters': {'interface': 'x'}},
                       'name empty': {'name': ''}, 'name a number': {'name': 5}, 'description a number': {'description': 5}, 'something else': {'color': 'red'}}.items():
        make(f'make badly: {name}', more)
    both('make without name', 'POST', GROUPS, {'endpoint_group': {'filters': {'interface': 'public'}}})
    both('make with nothing', 'POST', GROUPS, {})
    both('change', 'PATCH', GROUPS + '/{shown}', {'endpoint_group': {'description': 'e', 'name': 'seen'}})
    for name, body in {'nothing': {}, 'filter unknown': {'filters': {'color': 'red'}}, 'something else': {'color': 'red'}}.items():
        both(f'change badly: {name}', 'PATCH', GROUPS + '/{shown}', {'endpoint_group': body})
    both('change an unknown one', 'PATCH', f'{GROUPS}/{NOWHERE}', {'endpoint_group': {'description': 'e'}})
    base = '/v3/OS-EP-FILTER/projects/{wall}'
    one, end = GROUPS + '/{shown}/projects/{wall}', base + '/endpoints/{end_internal}'

    def look(when):
        for path in (base + '/endpoints', base + '/endpoint_groups', '/v3/OS-EP-FILTER/endpoints/{end_internal}/projects', GROUPS + '/{shown}/projects', GROUPS + '/{shown}/endpoints', one, end):
            both(f'{path} {when}', 'GET', path)
        both(f'catalog {when}', 'POST', '/v3/auth/tokens', login('ann', 'pass-ann', {'project': {'id': '{wall}'}}, {'id': '{stone}'}), token=None)
        both(f'own catalog {when}', 'GET', '/v3/auth/catalog', token='ann')

    look('before')
    both('remove the endpoint that is not there', 'DELETE', end)
    both('remove the group that is not there', 'DELETE', one)
    both('add the endpoint', 'PUT', end)
    look('with the endpoint')
    both('add the group', 'PUT', one)
    look('with both')
    both('add the group to an unknown project', 'PUT', f'{GROUPS}/{{shown}}/projects/{NOWHERE}')
    both('add an unknown group', 'PUT', f'{GROUPS}/{NOWHERE}/projects/{{wall}}')
    both('add an unknown endpoint', 'PUT', f'{base}/endpoints/{NOWHERE}')
    both('add the endpoint to an unknown project', 'PUT', f'/v3/OS-EP-FILTER/projects/{NOWHERE}/endpoints/{{end_internal}}')
    for path in (f'/v3/OS-EP-FILTER/projects/{NOWHERE}/endpoints', f'/v3/OS-EP-FILTER/projects/{NOWHERE}/endpoint_groups', f'/v3/OS-EP-FILTER/endpoints/{NOWHERE}/projects',
                 f'{GROUPS}/{NOWHERE}/endpoints', f'{GROUPS}/{NOWHERE}', f'{GROUPS}/{NOWHERE}/projects/{{wall}}', f'{GROUPS}/{{shown}}/projects/{NOWHERE}'):
        both(f'unknown: {path}', 'GET', path)
    for asker in ('ann', 'bob-domain', 'bob-system', 'eve'):
        for path in (GROUPS, GROUPS + '?name=seen', GROUPS + '/{shown}', base + '/endpoints', base + '/endpoint_groups', GROUPS + '/{shown}/projects', GROUPS + '/{shown}/endpoints', one, end):
            both(f'{path} by {asker}', 'GET', path, token=asker)
        make(f'make by {asker}', {}, token=asker)
        for method, path in (('PATCH', GROUPS + '/{shown}'), ('DELETE', GROUPS + '/{shown}'), ('PUT', one), ('DELETE', one), ('PUT', end), ('DELETE', end)):
            both(f'{method} {path} by {asker}', method, path, {'endpoint_group': {'name': 'by'}} if method == 'PATCH' else None, token=asker)
    both('remove the endpoint', 'DELETE', end)
    look('with the group')
    both('remove the group from the project', 'DELETE', one)
    look('after')
    both('add the group again', 'PUT', one)
    both('remove the group', 'DELETE', GROUPS + '/{shown}')
    both('remove the group again', 'DELETE', GROUPS + '/{shown}')
    both('groups after that', 'GET', base + '/endpoint_groups')
    both('remove the other', 'DELETE', GROUPS + '/{region}')
    both('remove the service', 'DELETE', '/v3/services/{filtered}')
