"""What both clouds are asked about limits. Both have the flat model."""

from cases import NOWHERE

REGISTERED = '/v3/registered_limits'
LIMITS = '/v3/limits'


def limits(both):
    for noun in ('{admin}', 'ann', 'bob-domain', 'bob-system', 'eve'):
        asker = 'admin' if noun == '{admin}' else noun
        both(f'model by {asker}', 'GET', LIMITS + '/model', token=asker)
    both('service', 'POST', '/v3/services', {'service': {'type': 'counted', 'name': 'counted'}}, save={'counted': 'service.id'})
    both('region', 'POST', '/v3/regions', {'region': {'id': 'far'}})
    thing = {'service_id': '{counted}', 'resource_name': 'things', 'default_limit': 10}

    def register(case, *more, **named):
        both(case, 'POST', REGISTERED, {'registered_limits': [{**thing, **one} for one in more]}, **named)

    def save(case, path, noun, query):
        """Lists have no fixed order: the one that a query gives."""
        answers = both(case, 'GET', path + query, compare=False)
        for side, (_, _, body) in zip(both.sides, answers):
            found = body.get(path.split('/')[-1]) or [{'id': f'no {noun}'}]
            side.names[noun] = found[0]['id']

    register('register', {})
    save('registered', REGISTERED, 'things', '?resource_name=things')
    register('register again', {})
    register('register two', {'resource_name': 'a', 'region_id': 'far', 'description': 'd'}, {'resource_name': 'b', 'default_limit': -1})
    register('register two, one bad', {'resource_name': 'c'}, {'resource_name': 'c', 'region_id': 'nowhere'})
    register('register two, the same', {'resource_name': 'c'}, {'resource_name': 'c'})
    register('register for all regions', {'resource_name': 'a', 'region_id': None})
    bad = {'service unknown': {'service_id': NOWHERE}, 'region unknown': {'region_id': 'nowhere'}, 'limit a word': {'default_limit': 'x'}, 'limit too low': {'default_limit': -2},
           'limit too high': {'default_limit': 2 ** 31}, 'name empty': {'resource_name': ''}, 'name a number': {'resource_name': 5}, 'something else': {'color': 'red'},
           'description a number': {'description': 5}}
    for name, more in bad.items():
        register(f'register badly: {name}', {'resource_name': 'bad', **more})
    both('register nothing', 'POST', REGISTERED, {'registered_limits': []})
    both('register without a list', 'POST', REGISTERED, {'registered_limits': thing})
    both('register with nothing', 'POST', REGISTERED, {})
    save('registered a', REGISTERED, 'a_far', '?region_id=far')
    both('change registered', 'PATCH', REGISTERED + '/{a_far}', {'registered_limit': {'default_limit': 5, 'description': 'new'}})
    for name, body in {'taken': {'resource_name': 'things', 'region_id': None}, 'service unknown': {'service_id': NOWHERE}, 'limit a word': {'default_limit': 'x'}, 'something else': {'color': 'red'}, 'id': {'id': NOWHERE}}.items():
        both(f'change registered badly: {name}', 'PATCH', REGISTERED + '/{a_far}', {'registered_limit': body})
    both('change an unknown registered', 'PATCH', f'{REGISTERED}/{NOWHERE}', {'registered_limit': {'default_limit': 5}})
    own = {'service_id': '{counted}', 'resource_name': 'things', 'resource_limit': 3}

    def make(case, *more, **named):
        both(case, 'POST', LIMITS, {'limits': [{**own, **one} for one in more]}, **named)

    make('make', {'project_id': '{wall}'})
    make('make again', {'project_id': '{wall}'})
    make('make for a domain', {'domain_id': '{stone}', 'description': 'd'})
    make('make for a domain as a project', {'project_id': '{stone}', 'resource_name': 'b'})
    make('make more than the default', {'project_id': '{course}', 'resource_limit': 100})
    make('make for another region', {'project_id': '{course}', 'resource_name': 'a', 'region_id': 'far'})
    save('wall', LIMITS, 'walls', '?project_id={wall}')
    save('stone', LIMITS, 'stones', '?domain_id={stone}&resource_name=things')
    bad = {'nobody': {}, 'both': {'project_id': '{wall}', 'domain_id': '{stone}'}, 'project unknown': {'project_id': NOWHERE}, 'domain unknown': {'domain_id': NOWHERE},
           'not registered': {'project_id': '{wall}', 'resource_name': 'nothing'}, 'not registered there': {'project_id': '{wall}', 'region_id': 'far'},
           'service unknown': {'project_id': '{wall}', 'service_id': NOWHERE}, 'limit a word': {'project_id': '{wall}', 'resource_limit': 'x'},
           'something else': {'project_id': '{wall}', 'color': 'red'}}
    for name, more in bad.items():
        make(f'make badly: {name}', more)
    both('make nothing', 'POST', LIMITS, {'limits': []})
    for asker in ('admin', 'ann', 'bob-domain', 'bob-system', 'eve'):
        for query in ('', '?resource_name=things', '?service_id={counted}', '?region_id=far', f'?service_id={NOWHERE}', '?resource_name='):
            both(f'list {query} by {asker}', 'GET', LIMITS + query, token=asker)
            both(f'registered {query} by {asker}', 'GET', REGISTERED + query, token=asker)
        both(f'list of a project by {asker}', 'GET', LIMITS + '?project_id={wall}', token=asker)
        both(f'list of a domain by {asker}', 'GET', LIMITS + '?domain_id={stone}', token=asker)
        for path in (LIMITS + '/{walls}', LIMITS + '/{stones}', f'{LIMITS}/{NOWHERE}', REGISTERED + '/{things}', f'{REGISTERED}/{NOWHERE}'):
            both(f'show {path} by {asker}', 'GET', path, token=asker)
    for asker in ('ann', 'bob-domain', 'bob-system'):
        register(f'register by {asker}', {'resource_name': 'by'}, token=asker)
        make(f'make by {asker}', {'project_id': '{wall}'}, token=asker)
        for path, noun in ((LIMITS + '/{walls}', 'limit'), (REGISTERED + '/{things}', 'registered_limit')):
            both(f'change {path} by {asker}', 'PATCH', path, {noun: {'description': 'by'}}, token=asker)
            both(f'remove {path} by {asker}', 'DELETE', path, token=asker)
    both('change', 'PATCH', LIMITS + '/{walls}', {'limit': {'resource_limit': 7, 'description': 'more'}})
    for name, body in {'a word': {'resource_limit': 'x'}, 'too low': {'resource_limit': -2}, 'project': {'project_id': '{course}'}}.items():
        both(f'change badly: {name}', 'PATCH', LIMITS + '/{walls}', {'limit': body})
    both('change an unknown one', 'PATCH', f'{LIMITS}/{NOWHERE}', {'limit': {'resource_limit': 7}})
    both('change a registered one that is used', 'PATCH', REGISTERED + '/{things}', {'registered_limit': {'default_limit': 5}})
    both('remove a registered one that is used', 'DELETE', REGISTERED + '/{things}')
    both('remove', 'DELETE', LIMITS + '/{walls}')
    both('show removed', 'GET', LIMITS + '/{walls}')
    both('remove again', 'DELETE', LIMITS + '/{walls}')
    both('a project', 'POST', '/v3/projects', {'project': {'name': 'limited', 'domain_id': '{stone}'}}, save={'limited': 'project.id'})
    make('make for a project that goes', {'project_id': '{limited}'})
    both('the project goes', 'DELETE', '/v3/projects/{limited}')
    both('list after that', 'GET', LIMITS)
    both('remove an unused registered one', 'DELETE', f'{REGISTERED}/{NOWHERE}')
