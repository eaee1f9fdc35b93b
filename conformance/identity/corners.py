"""What both clouds are asked at the edges of what bodies and queries may say: whole numbers with a point, names with
blanks, nulls where something stands, names beside ids, ends of passwords, markers that are not there."""

from cases import NOWHERE, login


def corners(both):
    numbers(both)
    blanks(both)
    nulls(both)
    names_beside_ids(both)
    queries(both)


def numbers(both):
    """JSON Schema takes 7.0 for an integer."""
    both('service', 'POST', '/v3/services', {'service': {'type': 'edged', 'name': 'edged'}}, save={'edged': 'service.id'})
    registered = {'service_id': '{edged}', 'resource_name': 'edges', 'default_limit': 7.0}
    both('register a whole limit', 'POST', '/v3/registered_limits', {'registered_limits': [registered]}, compare=False)
    both('registered with a whole limit', 'GET', '/v3/registered_limits?resource_name=edges')
    limit = {'service_id': '{edged}', 'resource_name': 'edges', 'resource_limit': 5.0, 'project_id': '{wall}'}
    both('make a whole limit', 'POST', '/v3/limits', {'limits': [limit]}, compare=False)
    both('made with a whole limit', 'GET', '/v3/limits?resource_name=edges')
    for form in ('subtree_as_list', 'parents_as_list', 'subtree_as_ids'):
        both(f'{form} with limits', 'GET', f'/v3/projects/{{wall}}?{form}&include_limits')
    trust = {'trustor_user_id': '{ann}', 'trustee_user_id': '{bob}', 'impersonation': False, 'project_id': '{wall}', 'roles': [{'name': 'member'}]}
    both('trust once', 'POST', '/v3/OS-TRUST/trusts', {'trust': {**trust, 'remaining_uses': 1.0}}, token='ann', compare=False, save={'once': 'trust.id'})
    both('trust of one use', 'GET', '/v3/OS-TRUST/trusts/{once}', token='ann')
    for end in ('', '2099-01-01T00:00:00+02:00', '2099-01-01T00:00:00', '2099-01-01T00:00:00.000000Z', '2099-01-01T00:00:00Z'):
        both(f'trust until {end or "nothing"}', 'POST', '/v3/OS-TRUST/trusts', {'trust': {**trust, 'expires_at': end}}, token='ann')
        credential = {'name': f'until {end}', 'roles': [{'name': 'member'}], 'expires_at': end}
        both(f'credential until {end or "nothing"}', 'POST', '/v3/users/{ann}/application_credentials', {'application_credential': credential}, token='ann',
             compare='+' in end)


def blanks(both):
    """Blanks around a name, when it is given and when it is changed."""
    for noun, more in {'user': {'password': 'blank-blank'}, 'group': {}, 'project': {}, 'domain': {'enabled': False}, 'role': {}}.items():
        nouns = f'/v3/{noun}s'
        both(f'{noun} with blanks', 'POST', nouns, {noun: {'name': f' blank {noun} ', **more}}, save={f'blank_{noun}': f'{noun}.id'})
        both(f'{noun} without', 'POST', nouns, {noun: {'name': f'blank {noun}', **more}})
        both(f'{noun} other', 'POST', nouns, {noun: {'name': f'other {noun}', 'd:e-f': 1, **more}}, save={f'other_{noun}': f'{noun}.id'})
        one = f'{nouns}/{{other_{noun}}}'
        both(f'{noun} renamed with blanks', 'PATCH', one, {noun: {'name': f'  new {noun} '}})
        both(f'{noun} renamed', 'GET', one)
        if noun not in ('project', 'domain'):
            both(f'{noun} taken but for blanks', 'PATCH', one, {noun: {'name': f' blank {noun} '}})
        both(f'{noun} of another id', 'PATCH', one, {noun: {'id': NOWHERE, 'name': 'x'}})
        both(f'{noun} with odd attributes', 'PATCH', one, {noun: {'a:b-c': 1}})
        both(f'{noun} after that', 'GET', one)
    both('in with the name without blanks', 'POST', '/v3/auth/tokens', login('blank user', 'blank-blank'), token=None)
    tags = '/v3/projects/{other_project}/tags'
    both('tags with blanks', 'PUT', tags, {'tags': [' a ', 'b']})
    both('one tag with blanks', 'PUT', tags + '/%20c%20')
    both('tags', 'GET', tags)
    both('immutable', 'PATCH', '/v3/projects/{other_project}', {'project': {'options': {'immutable': True}}})
    for case, method, path, body in (('replaced', 'PUT', '', {'tags': ['z']}), ('added', 'PUT', '/z', None), ('removed', 'DELETE', '/a', None), ('cleared', 'DELETE', '', None)):
        both(f'tags of an immutable one {case}', method, tags + path, body)
    both('mutable again', 'PATCH', '/v3/projects/{other_project}', {'project': {'options': {'immutable': False}}})
    for noun in ('user', 'group', 'project', 'role', 'domain'):
        for name in ('blank', 'other'):
            both(f'{name} {noun} gone', 'DELETE', f'/v3/{noun}s/{{{name}_{noun}}}', compare=False)


def nulls(both):
    """A null where there is something is a change."""
    for field in ('parent_id', 'domain_id'):
        both(f'project without {field}', 'PATCH', '/v3/projects/{wall}', {'project': {field: None}})
    both('role of a domain', 'POST', '/v3/roles', {'role': {'name': 'edge', 'domain_id': '{stone}'}}, save={'edge': 'role.id'})
    both('role without domain', 'PATCH', '/v3/roles/{edge}', {'role': {'domain_id': None}})
    both('role on the system', 'PUT', '/v3/system/users/{bob}/roles/{edge}')
    both('role on the system for a group', 'PUT', '/v3/system/groups/{masons}/roles/{edge}')
    both('roles on the system', 'GET', '/v3/system/users/{bob}/roles')
    both('role gone', 'DELETE', '/v3/roles/{edge}')
    for case, field in (('short', 'b' * 31), ('capital', 'B' * 32), ('dashes', '0123abcd-0123-0123-0123-0123456789ab')):
        both(f'domain with an id: {case}', 'POST', '/v3/domains', {'domain': {'name': f'edge {case}', 'explicit_domain_id': field}})


def names_beside_ids(both):
    """With both it is the name that counts."""
    stone = {'id': '{stone}'}
    person = {'name': 'ann', 'password': 'pass-ann', 'domain': stone}

    def enter(case, user, scope=None):
        auth = {'identity': {'methods': ['password', 'password'], 'password': {'user': user}}}
        if scope:
            auth['scope'] = scope
        both(case, 'POST', '/v3/auth/tokens', {'auth': auth}, token=None)

    enter('as oneself', person)
    enter('id of another', {**person, 'id': '{bob}'})
    enter('name of another', {**person, 'id': '{ann}', 'name': 'bob'})
    enter('name of nobody', {**person, 'id': '{ann}', 'name': 'zzz'})
    enter('name empty', {**person, 'id': '{ann}', 'name': ''})
    enter('domain with both', {**person, 'domain': {'id': NOWHERE, 'name': 'Stone'}})
    enter('domain with a name of nothing', {**person, 'domain': {**stone, 'name': 'zzz'}})
    enter('project with both', person, {'project': {'id': '{wall}', 'name': 'zzz', 'domain': stone}})
    enter('project with a name and no domain', person, {'project': {'id': '{wall}', 'name': 'zzz'}})
    enter('domain with a name of another', person, {'domain': {'id': '{stone}', 'name': 'Default'}})


def queries(both):
    """Ends of passwords, and markers."""
    for asked in ('lt:2000-01-01T00:00:00Z', 'gt:2000-01-01T00:00:00Z', 'neq:2000-01-01T00:00:00Z', '2000-01-01T00:00:00Z', 'foo:2000-01-01T00:00:00Z', 'lt:soon', 'soon', ''):
        both(f'users whose passwords end {asked or "never"}', 'GET', f'/v3/users?name=ann&password_expires_at={asked}')
        both(f'masons whose passwords end {asked or "never"}', 'GET', f'/v3/groups/{{masons}}/users?name=ann&password_expires_at={asked}')
    for nouns in ('users', 'groups', 'projects', 'domains'):
        both(f'{nouns} after an unknown one', 'GET', f'/v3/{nouns}?marker={NOWHERE}')
    for query in ('endpoints?region_id=', 'endpoints?interface=public&region_id=', 'regions?parent_region_id='):
        both(f'list {query}', 'GET', f'/v3/{query}')
