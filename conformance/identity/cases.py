"""What both clouds are asked of the nouns that every cloud has. Each request has a case name that is unique within its chapter.

A slot such as `{user}` stands for what an earlier answer gave on that side.
"""

NOWHERE = '0123456789abcdef0123456789abcdef'
DEFAULT = {'id': 'default'}
LONG = 'x' * 256


def login(user, password, scope=None, domain=DEFAULT, **more):
    """The body that asks for a token by name and password."""
    person = {'name': user, 'password': password, 'domain': domain}
    auth = {'identity': {'methods': ['password'], 'password': {'user': person}}, **more}
    if scope is not None:
        auth['scope'] = scope
    return {'auth': auth}


def by_token(token, scope=None):
    """The body that asks for a token by a token."""
    auth = {'identity': {'methods': ['token'], 'token': {'id': token}}}
    if scope is not None:
        auth['scope'] = scope
    return {'auth': auth}


def project(name):
    """A scope: a project of the default domain."""
    return {'project': {'name': name, 'domain': DEFAULT}}


def begin(both):
    """The administrators' tokens and the ids that everything else needs."""
    both('first token', 'POST', '/v3/auth/tokens', login('admin', '{admin_password}', project('admin')), token=None,
         save={'admin': 'TOKEN', 'admin_user': 'token.user.id', 'admin_project': 'token.project.id'}, compare=False)
    for name in ('admin', 'manager', 'member', 'reader', 'service'):
        answers = both(f'role {name}', 'GET', f'/v3/roles?name={name}', compare=False)
        for side, (_, _, body) in zip(both.sides, answers):
            side.names[f'role_{name}'] = body['roles'][0]['id']
    # what the bootstraps of the two do differently and no test needs
    both('admin on the domain', 'PUT', '/v3/domains/default/users/{admin_user}/roles/{role_admin}', compare=False)
    both('first token', 'POST', '/v3/auth/tokens', login('admin', '{admin_password}', project('admin')), token=None,
         save={'admin': 'TOKEN'}, compare=False)


def discovery(both):
    for path in ('', '/', '/v3', '/v3/', '/v2.0', '/v4', '/nowhere', '/v3/nowhere', '/v3/users/x/nowhere'):
        for token in (None, 'admin'):
            both(f'GET {path or "(nothing)"} with token {token}', 'GET', path, token=token)
    for method in ('POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS'):
        both(f'{method} /v3', method, '/v3')
        both(f'{method} /v3/users/x', method, f'/v3/users/{NOWHERE}')
        both(f'{method} /v3/auth/projects', method, '/v3/auth/projects')
    for absent in ('OS-TRUST/trusts', 'credentials', 'limits', 'registered_limits', 'policies', 'OS-FEDERATION/mappings'):
        both(f'absent {absent}', 'GET', f'/v3/{absent}/{NOWHERE}')


def strangers(both):
    for path in ('/v3/users', '/v3/projects', '/v3/domains', '/v3/auth/catalog', '/v3/auth/tokens', '/v3/regions', '/v3/roles'):
        both(f'no token {path}', 'GET', path, token=None)
        both(f'bad token {path}', 'GET', path, token='not-a-token')
        both(f'forged token {path}', 'GET', path, token='gAAAAABnot-a-token')
    both('post without token', 'POST', '/v3/users', {'user': {'name': 'x'}}, token=None)
    both('head without token', 'HEAD', '/v3/users', token=None)


def people(both):
    """A domain of its own with two projects, three users and a group; most later chapters live in it."""
    both('domain', 'POST', '/v3/domains', {'domain': {'name': 'Stone', 'description': 'of its own'}}, save={'stone': 'domain.id'})
    both('project', 'POST', '/v3/projects', {'project': {'name': 'wall', 'domain_id': '{stone}'}}, save={'wall': 'project.id'})
    both('project below, domain not said', 'POST', '/v3/projects', {'project': {'name': 'course2', 'parent_id': '{wall}'}})
    both('project below', 'POST', '/v3/projects', {'project': {'name': 'course', 'domain_id': '{stone}', 'parent_id': '{wall}'}}, save={'course': 'project.id'})
    for name in ('ann', 'bob', 'eve'):
        both(f'user {name}', 'POST', '/v3/users', {'user': {'name': name, 'domain_id': '{stone}', 'password': 'pass-' + name,
             'email': name + '@example.org', 'description': 'one of three'}}, save={name: 'user.id'})
    both('group', 'POST', '/v3/groups', {'group': {'name': 'masons', 'domain_id': '{stone}'}}, save={'masons': 'group.id'})
    both('grant', 'PUT', '/v3/projects/{wall}/users/{ann}/roles/{role_member}')
    both('grant on the domain', 'PUT', '/v3/domains/{stone}/users/{bob}/roles/{role_manager}')
    both('grant on the system', 'PUT', '/v3/system/users/{bob}/roles/{role_reader}')
    personas(both)


def personas(both):
    """Fresh tokens: Keystone revokes more than what a change takes away."""
    both.sides[1].settle()
    stone = {'id': '{stone}'}
    for name, user, scope in (('ann', 'ann', {'project': {'id': '{wall}'}}), ('bob-domain', 'bob', {'domain': stone}),
                              ('bob-system', 'bob', {'system': {'all': True}}), ('eve', 'eve', None)):
        both(f'token of {name}', 'POST', '/v3/auth/tokens', login(user, 'pass-' + user, scope, stone), token=None,
             save={name: 'TOKEN'})


def tokens(both):
    stone = {'id': '{stone}'}
    good = {
        'unscoped': login('ann', 'pass-ann', domain=stone),
        'unscoped said so': login('ann', 'pass-ann', 'unscoped', stone),
        'unscoped as an object': login('ann', 'pass-ann', {'unscoped': {}}, stone),
        'domain by name': login('ann', 'pass-ann', {'project': {'name': 'wall', 'domain': {'name': 'Stone'}}}, {'name': 'Stone'}),
        'user by id': {'auth': {'identity': {'methods': ['password'], 'password': {'user': {'id': '{ann}', 'password': 'pass-ann'}}}}},
        'domain scope by name': login('bob', 'pass-bob', {'domain': {'name': 'Stone'}}, stone),
        'by token, unscoped': by_token('{token_ann}'),
        'both methods': {'auth': {'identity': {'methods': ['password', 'token'], 'token': {'id': '{token_ann}'}, 'password': {'user': {'id': '{ann}', 'password': 'pass-ann'}}}}},
    }
    good['by token'] = by_token('{token_ann}', {'project': {'id': '{wall}'}})
    for name, body in good.items():
        both(f'good: {name}', 'POST', '/v3/auth/tokens', body, token=None)
        both(f'good: {name}, no catalog', 'POST', '/v3/auth/tokens?nocatalog', body, token=None)
    identity = {'methods': ['password'], 'password': {'user': {'id': '{ann}', 'password': 'pass-ann'}}}
    bad = {
        'wrong password': login('ann', 'wrong', domain=stone), 'unknown user': login('nobody', 'x', domain=stone),
        'unknown domain': login('ann', 'pass-ann', domain={'id': NOWHERE}),
        'unknown domain name': login('ann', 'pass-ann', domain={'name': 'Nowhere'}),
        'foreign project': login('ann', 'pass-ann', {'project': {'id': '{course}'}}, stone),
        'unknown project': login('ann', 'pass-ann', {'project': {'id': NOWHERE}}, stone),
        'unknown project by name': login('ann', 'pass-ann', {'project': {'name': 'no', 'domain': stone}}, stone),
        'foreign domain': login('ann', 'pass-ann', {'domain': stone}, stone),
        'unknown domain as scope': login('ann', 'pass-ann', {'domain': {'id': NOWHERE}}, stone),
        'foreign system': login('ann', 'pass-ann', {'system': {'all': True}}, stone),
        'system not all': login('ann', 'pass-ann', {'system': {'all': False}}, stone),
        'system empty': login('ann', 'pass-ann', {'system': {}}, stone),
        'two scopes': login('ann', 'pass-ann', {'domain': stone, 'system': {'all': True}}, stone),
        'project without domain': login('ann', 'pass-ann', {'project': {'name': 'wall'}}, stone),
        'project empty': login('ann', 'pass-ann', {'project': {}}, stone),
        'scope empty': login('ann', 'pass-ann', {}, stone), 'scope a word': login('ann', 'pass-ann', 'word', stone),
        'scope a number': login('ann', 'pass-ann', 5, stone), 'scope null': {'auth': {'identity': identity, 'scope': None}},
        'user without domain': {'auth': {'identity': {'methods': ['password'], 'password': {'user': {'name': 'ann', 'password': 'x'}}}}},
        'user without name': {'auth': {'identity': {'methods': ['password'], 'password': {'user': {'password': 'x'}}}}},
        'user without password': {'auth': {'identity': {'methods': ['password'], 'password': {'user': {'id': '{ann}'}}}}},
        'user domain empty': login('ann', 'x', domain={}), 'user empty': {'auth': {'identity': {'methods': ['password'], 'password': {'user': {}}}}},
        'password a number': {'auth': {'identity': {'methods': ['password'], 'password': {'user': {'id': '{ann}', 'password': 5}}}}},
        'password null': {'auth': {'identity': {'methods': ['password'], 'password': {'user': {'id': '{ann}', 'password': None}}}}},
        'user a word': {'auth': {'identity': {'methods': ['password'], 'password': {'user': 'ann'}}}},
        'no user': {'auth': {'identity': {'methods': ['password'], 'password': {}}}},
        'no password': {'auth': {'identity': {'methods': ['password']}}}, 'no token': {'auth': {'identity': {'methods': ['token']}}},
        'token without id': {'auth': {'identity': {'methods': ['token'], 'token': {}}}},
        'no methods': {'auth': {'identity': {}}}, 'methods empty': {'auth': {'identity': {'methods': []}}},
        'methods a word': {'auth': {'identity': {'methods': 'password'}}}, 'methods numbers': {'auth': {'identity': {'methods': [1]}}},
        'method unknown': {'auth': {'identity': {'methods': ['magic'], 'magic': {}}}},
        'method unknown, no data': {'auth': {'identity': {'methods': ['magic']}}},
        'method external': {'auth': {'identity': {'methods': ['external']}}},
        'identity a word': {'auth': {'identity': 'x'}}, 'no identity': {'auth': {}}, 'auth a list': {'auth': []},
        'auth null': {'auth': None}, 'no auth': {}, 'not an object': [], 'extra beside auth': {'auth': {'identity': identity}, 'more': 1},
        'bad token': by_token('gAAAAABnope'), 'empty token': by_token(''),
        'two users': {'auth': {'identity': {'methods': ['password', 'token'], 'token': {'id': '{token_bob-system}'}, 'password': {'user': {'id': '{ann}', 'password': 'pass-ann'}}}}},
        'long password': login('ann', 'x' * 5000, domain=stone), 'name with zero': login('a\0b', 'x', domain=stone),
    }
    for name, body in bad.items():
        both(f'bad: {name}', 'POST', '/v3/auth/tokens', body, token=None)
    for name, raw, kind in (('empty', '', 'application/json'), ('no json', '{', 'application/json'), ('word', '"x"', 'application/json'),
                            ('null', 'null', 'application/json'), ('no type', '{}', None), ('form', 'a=b', 'application/x-www-form-urlencoded'),
                            ('text', '{"auth": {}}', 'text/plain')):
        both(f'raw: {name}', 'POST', '/v3/auth/tokens', raw=raw, headers={'Content-Type': kind} if kind else {}, token=None)
        both(f'raw user: {name}', 'POST', '/v3/users', raw=raw, headers={'Content-Type': kind} if kind else {})


def validate(both):
    def subject(name):
        return {'X-Subject-Token': '{token_ann}' if name == 'ann' else name}
    for method in ('GET', 'HEAD'):
        for asker in ('admin', 'ann', 'bob-domain', 'bob-system', 'eve', None):
            both(f'{method} of ann by {asker}', method, '/v3/auth/tokens', token=asker, headers=subject('ann'))
            both(f'{method} of a bad one by {asker}', method, '/v3/auth/tokens', token=asker, headers=subject('gAAAAABnope'))
        both(f'{method} without subject', method, '/v3/auth/tokens')
        both(f'{method} allow expired', method, '/v3/auth/tokens?allow_expired=1', headers=subject('ann'))
    both('GET without catalog', 'GET', '/v3/auth/tokens?nocatalog', headers=subject('ann'))
    both('revoke by a stranger', 'DELETE', '/v3/auth/tokens', token='eve', headers=subject('ann'))
    both('revoke without subject', 'DELETE', '/v3/auth/tokens')
    both('revoke a bad one', 'DELETE', '/v3/auth/tokens', headers=subject('gAAAAABnope'))
    both('another token', 'POST', '/v3/auth/tokens', login('eve', 'pass-eve', domain={'id': '{stone}'}), token=None, save={'gone': 'TOKEN'})
    both('revoke itself', 'DELETE', '/v3/auth/tokens', token='gone', headers={'X-Subject-Token': '{token_gone}'})
    both('revoked', 'GET', '/v3/auth/projects', token='gone')
    both('revoked as subject', 'GET', '/v3/auth/tokens', headers={'X-Subject-Token': '{token_gone}'})
    for asker in ('admin', 'ann', 'bob-domain', 'bob-system', 'eve'):
        for thing in ('projects', 'domains', 'system', 'catalog'):
            if (asker, thing) not in (('admin', 'projects'), ('admin', 'domains')):
                both(f'own {thing} of {asker}', 'GET', f'/v3/auth/{thing}', token=asker)
                both(f'HEAD own {thing} of {asker}', 'HEAD', f'/v3/auth/{thing}', token=asker)


def crud(both, noun, good, bad, changes, filters, needed=None, show='{thing}'):
    """A noun's life: make, make again, make badly, show, list, change, change badly, remove, and all of it again after."""
    base = f'/v3/{noun}s'
    both('make', 'POST', base, {noun: good}, save={'thing': f'{noun}.id'})
    both('make again', 'POST', base, {noun: good}, save={'again': f'{noun}.id'} if noun in ('service', 'endpoint') else None)
    for name, body in bad.items():
        both(f'make badly: {name}', 'POST', base, {noun: body})
    both('make with nothing', 'POST', base, {})
    both('make with null', 'POST', base, {noun: None})
    both('make with a list', 'POST', base, {noun: []})
    both('make another noun', 'POST', base, {'other': good})
    both('show', 'GET', f'{base}/{show}')
    both('head', 'HEAD', f'{base}/{show}')
    for query in filters:
        both(f'list {query}', 'GET', f'{base}?{query}')
    for name, body in changes.items():
        both(f'change: {name}', 'PATCH', f'{base}/{show}', {noun: body})
    both('show changed', 'GET', f'{base}/{show}')
    both('change with nothing', 'PATCH', f'{base}/{show}', {})
    both('change by put', 'PUT', f'{base}/{show}', {noun: {}})
    for method in ('GET', 'HEAD', 'DELETE'):
        both(f'{method} an unknown one', method, f'{base}/{NOWHERE}')
    both('PATCH an unknown one', 'PATCH', f'{base}/{NOWHERE}', {noun: next(iter(changes.values()))})
    for asker in ('ann', 'bob-domain', 'bob-system', 'eve'):
        both(f'list by {asker}', 'GET', f'{base}?name=nothing&url=nothing', token=asker)
        both(f'show by {asker}', 'GET', f'{base}/{show}', token=asker)
        both(f'make by {asker}', 'POST', base, {noun: {**good, 'name': f'by {asker}'}}, token=asker)
        both(f'change by {asker}', 'PATCH', f'{base}/{show}', {noun: {'description': 'by somebody'}}, token=asker)
        both(f'show an unknown one by {asker}', 'GET', f'{base}/{NOWHERE}', token=asker)
        both(f'change an unknown one by {asker}', 'PATCH', f'{base}/{NOWHERE}', {noun: {'description': 'x'}}, token=asker)
        both(f'remove an unknown one by {asker}', 'DELETE', f'{base}/{NOWHERE}', token=asker)
    both('remove by ann', 'DELETE', f'{base}/{show}', token='ann')
    if needed:
        both('before removal', 'PATCH', f'{base}/{show}', {noun: needed})
    both('remove', 'DELETE', f'{base}/{show}')
    both('remove again', 'DELETE', f'{base}/{show}')
    both('show removed', 'GET', f'{base}/{show}')


NAMES = {'no name': {'domain_id': 'default'}, 'name empty': {'name': ''}, 'name blank': {'name': '  '}, 'name long': {'name': LONG},
         'name a number': {'name': 5}, 'name null': {'name': None}}
COMMON = {'description a number': {'name': 'b', 'description': 5}, 'domain unknown': {'name': 'b', 'domain_id': NOWHERE},
          'domain a number': {'name': 'b', 'domain_id': 5}, 'domain empty': {'name': 'b', 'domain_id': ''},
          'domain odd': {'name': 'b', 'domain_id': 'a/b'}}
FLAGS = {'enabled a word': {'name': 'b1', 'enabled': 'maybe'}, 'enabled yes': {'name': 'b2', 'enabled': 'True'},
         'enabled a number': {'name': 'b3', 'enabled': 1}, 'enabled null': {'name': 'b4', 'enabled': None}}
OPTIONS = {'options a list': {'name': 'b', 'options': []}, 'options unknown': {'name': 'b', 'options': {'magic': 1}},
           'immutable a word': {'name': 'b', 'options': {'immutable': 'x'}}}
NAMED = ['name=one', 'name=nothing', 'name__contains=on&domain_id={stone}', 'name__icontains=ON&domain_id={stone}',
         'name__startswith=on&domain_id={stone}', 'name__endswith=ne&domain_id={stone}', 'domain_id=' + NOWHERE, 'name=one&unknown=x',
         'name__nonsense=one&domain_id={stone}', 'name=one&limit=1', 'domain_id={stone}&name=one&sort_key=name']
ENABLED = ['name=one&enabled', 'name=one&enabled=true', 'name=one&enabled=false', 'name=one&enabled=0', 'name=one&enabled=1']


def users(both):
    crud(both, 'user', {'name': 'one', 'domain_id': '{stone}', 'password': 'secret', 'email': 'one@example.org', 'own': {'a': [1]}},
         {**NAMES, **COMMON, **FLAGS, 'password a number': {'name': 'b', 'password': 5}, 'password null': {'name': 'b5', 'password': None},
          'password empty': {'name': 'b6', 'password': ''},
          'default project odd': {'name': 'b7', 'default_project_id': 'a b'}, 'default project unknown': {'name': 'b8', 'default_project_id': NOWHERE},
          'default project a domain': {'name': 'b9', 'default_project_id': 'default'},
          'id given': {'name': 'b10', 'id': 'mine'}, 'options a list': {'name': 'b', 'options': []},
          'options': {'name': 'b11', 'options': {'ignore_password_expiry': True}}, 'options unknown': {'name': 'b12', 'options': {'magic': 1}},
          'options bad': {'name': 'b13', 'options': {'ignore_password_expiry': 'x'}}, 'federated': {'name': 'b14', 'federated': []},
          'name with blanks': {'name': ' b15 '}, 'email null': {'name': 'b16', 'email': None}, 'description null': {'name': 'b17', 'description': None}},
         {'name': {'name': 'one more'}, 'back': {'name': 'one'}, 'taken': {'name': 'ann'}, 'description': {'description': 'x'}, 'description null': {'description': None},
          'extra': {'own': 5, 'more': 'x'}, 'extra null': {'own': None}, 'domain': {'domain_id': 'default'}, 'same domain': {'domain_id': '{stone}'},
          'id': {'id': NOWHERE}, 'empty': {}, 'name empty': {'name': ''}, 'name null': {'name': None}, 'disable': {'enabled': False},
          'enable': {'enabled': True}, 'enabled a word': {'enabled': 'x'}, 'password': {'password': 'other'}, 'password null': {'password': None},
          'default project': {'default_project_id': '{wall}'}, 'default project null': {'default_project_id': None},
          'option': {'options': {'lock_password': True}}, 'option off': {'options': {'lock_password': None}}},
         NAMED + ENABLED)
    both('groups of ann', 'GET', '/v3/users/{ann}/groups')
    both('groups of ann by ann', 'GET', '/v3/users/{ann}/groups', token='ann')
    both('groups of ann by eve', 'GET', '/v3/users/{ann}/groups', token='eve')
    both('projects of ann', 'GET', '/v3/users/{ann}/projects')
    both('projects of ann by ann', 'GET', '/v3/users/{ann}/projects', token='ann')
    both('projects of ann by eve', 'GET', '/v3/users/{ann}/projects', token='eve')
    both('projects of nobody', 'GET', f'/v3/users/{NOWHERE}/projects')
    both('groups of nobody', 'GET', f'/v3/users/{NOWHERE}/groups')
    both('herself', 'GET', '/v3/users/{ann}', token='ann')
    both('another', 'GET', '/v3/users/{bob}', token='ann')
    for name, body in {'wrong': {'original_password': 'wrong', 'password': 'x'}, 'no old': {'password': 'x'}, 'no new': {'original_password': 'pass-eve'},
                       'number': {'original_password': 'pass-eve', 'password': 5}, 'null': {'original_password': 'pass-eve', 'password': None},
                       'empty': {}}.items():
        both(f'password {name}', 'POST', '/v3/users/{eve}/password', {'user': body}, token=None)
    both('password of nobody', 'POST', f'/v3/users/{NOWHERE}/password', {'user': {'original_password': 'x', 'password': 'y'}}, token=None)
    both('password', 'POST', '/v3/users/{eve}/password', {'user': {'original_password': 'pass-eve', 'password': 'new-eve'}}, token='eve')
    both('password changed, token gone', 'GET', '/v3/auth/projects', token='eve')
    both.sides[1].settle()
    both('old password', 'POST', '/v3/auth/tokens', login('eve', 'pass-eve', domain={'id': '{stone}'}), token=None)
    both('new password', 'POST', '/v3/auth/tokens', login('eve', 'new-eve', domain={'id': '{stone}'}), token=None)
    both('password by an administrator', 'PATCH', '/v3/users/{eve}', {'user': {'password': 'pass-eve'}})


def groups(both):
    crud(both, 'group', {'name': 'one', 'domain_id': '{stone}', 'description': 'first', 'own': 1},
         {**NAMES, **COMMON, 'description null': {'name': 'b1', 'description': None}},
         {'name': {'name': 'one more'}, 'back': {'name': 'one'}, 'taken': {'name': 'masons'}, 'description': {'description': 'x'},
          'description null': {'description': None}, 'domain': {'domain_id': 'default'}, 'empty': {}, 'name empty': {'name': ''}, 'extra': {'own': 2}},
         NAMED)
    base = '/v3/groups/{masons}/users'
    both('check before', 'GET', base + '/{ann}')
    both('head before', 'HEAD', base + '/{ann}')
    both('add', 'PUT', base + '/{ann}')
    both('add again', 'PUT', base + '/{ann}')
    both('check', 'GET', base + '/{ann}')
    both('head', 'HEAD', base + '/{ann}')
    both('users', 'GET', base)
    both('users named', 'GET', base + '?name=nothing')
    both('groups of ann', 'GET', '/v3/users/{ann}/groups')
    both('groups of ann named', 'GET', '/v3/users/{ann}/groups?name=x')
    for method in ('PUT', 'GET', 'HEAD', 'DELETE'):
        both(f'{method} unknown user', method, f'{base}/{NOWHERE}')
        both(f'{method} unknown group', method, f'/v3/groups/{NOWHERE}/users/' + '{ann}')
        both(f'{method} both unknown', method, f'/v3/groups/{NOWHERE}/users/{NOWHERE}')
        both(f'{method} by ann', method, base + '/{bob}', token='ann')
        both(f'{method} by bob', method, base + '/{bob}', token='bob-domain')
    both('users of an unknown group', 'GET', f'/v3/groups/{NOWHERE}/users')
    both('remove', 'DELETE', base + '/{ann}')
    both('remove again', 'DELETE', base + '/{ann}')


def domains(both):
    crud(both, 'domain', {'name': 'one', 'description': 'first', 'own': 1},
         {**NAMES, **FLAGS, **OPTIONS, 'description a number': {'name': 'b', 'description': 5}, 'description null': {'name': 'b5', 'description': None},
          'explicit id': {'name': 'b6', 'explicit_domain_id': 'b' * 32}, 'explicit id taken': {'name': 'b7', 'explicit_domain_id': 'b' * 32},
          'explicit id odd': {'name': 'b8', 'explicit_domain_id': 'mine'}, 'tags': {'name': 'b9', 'tags': ['a', 'b']}, 'tags odd': {'name': 'b10', 'tags': ['a,b']},
          'immutable': {'name': 'b11', 'options': {'immutable': False}}},
         {'name': {'name': 'one more'}, 'back': {'name': 'one'}, 'taken': {'name': 'Stone'}, 'description': {'description': 'x'},
          'description null': {'description': None}, 'empty': {}, 'name empty': {'name': ''}, 'extra': {'own': 2}, 'tags': {'tags': ['x']},
          'immutable': {'options': {'immutable': True}}, 'while immutable': {'description': 'y'}, 'both': {'description': 'y', 'options': {'immutable': False}},
          'mutable': {'options': {'immutable': None}}},
         ['name=one', 'name=nothing', 'name__startswith=on', 'name=one&enabled=false', 'name=one&enabled'], needed={'enabled': False})
    both('second', 'POST', '/v3/domains', {'domain': {'name': 'two'}}, save={'two': 'domain.id'})
    both('project in it', 'POST', '/v3/projects', {'project': {'name': 'in', 'domain_id': '{two}'}}, save={'in': 'project.id'})
    both('user in it', 'POST', '/v3/users', {'user': {'name': 'in', 'domain_id': '{two}', 'password': 'x'}}, save={'in_user': 'user.id'})
    both('role in it', 'POST', '/v3/roles', {'role': {'name': 'in', 'domain_id': '{two}'}}, save={'in_role': 'role.id'})
    both('remove enabled', 'DELETE', '/v3/domains/{two}')
    both('disable', 'PATCH', '/v3/domains/{two}', {'domain': {'enabled': False}})
    both('token in a disabled domain', 'POST', '/v3/auth/tokens', login('in', 'x', domain={'id': '{two}'}), token=None)
    both('remove disabled', 'DELETE', '/v3/domains/{two}')
    both('project gone', 'GET', '/v3/projects/{in}')
    both('user gone', 'GET', '/v3/users/{in_user}')
    both('role gone', 'GET', '/v3/roles/{in_role}')
    both('default cannot go', 'DELETE', '/v3/domains/default')
    both('default disabled', 'PATCH', '/v3/domains/{stone}', {'domain': {'enabled': True}})
    both('a project is no domain', 'GET', '/v3/domains/{wall}')
    both('a domain as a project', 'GET', '/v3/projects/{stone}')


def projects(both):
    crud(both, 'project', {'name': 'one', 'domain_id': '{stone}', 'description': 'first', 'tags': ['b', 'a'], 'own': 1},
         {**NAMES, **COMMON, **FLAGS, **OPTIONS, 'description null': {'name': 'b5', 'description': None}, 'parent unknown': {'name': 'b', 'parent_id': NOWHERE},
          'parent a number': {'name': 'b', 'parent_id': 5}, 'parent in another domain': {'name': 'b', 'domain_id': 'default', 'parent_id': '{wall}'},
          'parent null': {'name': 'b6', 'parent_id': None}, 'domain null': {'name': 'b7', 'domain_id': None}, 'tags a word': {'name': 'b', 'tags': 'x'},
          'tags twice': {'name': 'b', 'tags': ['x', 'x']}, 'tags comma': {'name': 'b', 'tags': ['a,b']}, 'tags slash': {'name': 'b', 'tags': ['a/b']},
          'tags long': {'name': 'b', 'tags': [LONG]}, 'tags many': {'name': 'b', 'tags': [str(number) for number in range(81)]},
          'tags numbers': {'name': 'b', 'tags': [1]}, 'tags empty': {'name': 'b', 'tags': ['']}, 'name taken': {'name': 'wall', 'domain_id': '{stone}'},
          'name longer than 64': {'name': 'x' * 65}, 'domain parent': {'name': 'b8', 'parent_id': 'default'}, 'id given': {'name': 'b9', 'id': 'x'},
          'is_domain with parent': {'name': 'b10', 'is_domain': True, 'parent_id': '{wall}'}, 'is_domain': {'name': 'b11', 'is_domain': True},
          'is_domain a word': {'name': 'b12', 'is_domain': 'x'}, 'is_domain with domain': {'name': 'b13', 'is_domain': True, 'domain_id': '{stone}'},
          'name of the domain': {'name': 'Stone', 'domain_id': '{stone}'}},
         {'name': {'name': 'one more'}, 'back': {'name': 'one'}, 'taken': {'name': 'wall'}, 'description': {'description': 'x'}, 'description null': {'description': None},
          'domain': {'domain_id': 'default'}, 'parent': {'parent_id': '{wall}'}, 'same parent': {'parent_id': '{stone}'}, 'is_domain': {'is_domain': True},
          'id': {'id': NOWHERE}, 'empty': {}, 'name empty': {'name': ''}, 'tags': {'tags': ['z', 'y']}, 'tags bad': {'tags': ['a/b']}, 'extra': {'own': 2},
          'disable': {'enabled': False}, 'enable': {'enabled': True}, 'immutable': {'options': {'immutable': True}}, 'while immutable': {'description': 'y'},
          'mutable': {'options': {'immutable': None}}},
         NAMED + ENABLED + ['parent_id={wall}', 'parent_id=' + NOWHERE, 'name=one&tags=a', 'name=one&tags=a,b', 'domain_id={stone}&tags=q', 'name=one&tags-any=a,q',
                            'name=one&not-tags=a,q', 'name=one&not-tags-any=a,q', 'name=Stone&is_domain=true', 'name=one&is_domain=false'])
    for query in ('parents_as_list', 'parents_as_ids', 'subtree_as_list', 'subtree_as_ids', 'parents_as_list&parents_as_ids', 'subtree_as_list&subtree_as_ids',
                  'parents_as_ids&subtree_as_ids', 'parents_as_list=False', 'parents_as_list=0', 'subtree_as_ids=no'):
        both(f'wall {query}', 'GET', '/v3/projects/{wall}?' + query)
        both(f'course {query}', 'GET', '/v3/projects/{course}?' + query)
        both(f'wall {query} by ann', 'GET', '/v3/projects/{wall}?' + query, token='ann')
    both('remove with children', 'DELETE', '/v3/projects/{wall}')
    both('disable with children', 'PATCH', '/v3/projects/{wall}', {'project': {'enabled': False}})
    both('disable the child', 'PATCH', '/v3/projects/{course}', {'project': {'enabled': False}})
    both('disable the parent', 'PATCH', '/v3/projects/{wall}', {'project': {'enabled': False}})
    both('token for a disabled one', 'POST', '/v3/auth/tokens', login('ann', 'pass-ann', {'project': {'id': '{wall}'}}, {'id': '{stone}'}), token=None)
    both('token of a disabled one', 'GET', '/v3/auth/projects', token='ann')
    both('enable the child first', 'PATCH', '/v3/projects/{course}', {'project': {'enabled': True}})
    both('child of a disabled one', 'POST', '/v3/projects', {'project': {'name': 'c', 'parent_id': '{wall}'}})
    both('enable the parent', 'PATCH', '/v3/projects/{wall}', {'project': {'enabled': True}})
    both('enable the child', 'PATCH', '/v3/projects/{course}', {'project': {'enabled': True}})
    above = '{course}'
    for depth in range(3, 8):
        both(f'depth {depth}', 'POST', '/v3/projects', {'project': {'name': f'deep {depth}', 'domain_id': '{stone}', 'parent_id': above}}, save={f'deep_{depth}': 'project.id'} if depth < 6 else None)
        above = f'{{deep_{min(depth, 5)}}}'
    both('token of ann again', 'POST', '/v3/auth/tokens', login('ann', 'pass-ann', {'project': {'id': '{wall}'}}, {'id': '{stone}'}), token=None, save={'ann': 'TOKEN'})


def tags(both):
    base = '/v3/projects/{wall}/tags'
    both('none', 'GET', base)
    both('put one', 'PUT', base + '/red')
    both('put it again', 'PUT', base + '/red')
    both('put spaced', 'PUT', base + '/dark%20blue')
    both('put comma', 'PUT', base + '/a,b')
    both('put long', 'PUT', base + '/' + LONG)
    both('get one', 'GET', base + '/red')
    both('head one', 'HEAD', base + '/red')
    both('get none', 'GET', base + '/green')
    both('list', 'GET', base)
    for name, body in {'all': {'tags': ['x', 'y']}, 'twice': {'tags': ['x', 'x']}, 'comma': {'tags': ['a,b']}, 'word': {'tags': 'x'}, 'nothing': {},
                       'numbers': {'tags': [1]}, 'more': {'tags': ['x'], 'more': 1}, 'empty': {'tags': []}}.items():
        both(f'replace: {name}', 'PUT', base, body)
    both('many', 'PUT', base, {'tags': [str(number) for number in range(80)]})
    both('one too many', 'PUT', base + '/more')
    both('remove none', 'DELETE', base + '/green')
    both('remove one', 'DELETE', base + '/5')
    for asker in ('ann', 'bob-domain', 'bob-system', 'eve'):
        both(f'list by {asker}', 'GET', base, token=asker)
        both(f'put by {asker}', 'PUT', base + '/by', token=asker)
    both('unknown project', 'GET', f'/v3/projects/{NOWHERE}/tags')
    both('put on an unknown project', 'PUT', f'/v3/projects/{NOWHERE}/tags/x')
    both('clear', 'DELETE', base)
    both('cleared', 'GET', base)


def roles(both):
    crud(both, 'role', {'name': 'one', 'description': 'first', 'own': 1},
         {**NAMES, **COMMON, **OPTIONS, 'description null': {'name': 'b1', 'description': None}, 'domain null': {'name': 'b2', 'domain_id': None},
          'of a domain': {'name': 'one', 'domain_id': '{stone}'}, 'immutable': {'name': 'b3', 'options': {'immutable': True}}},
         {'name': {'name': 'one more'}, 'back': {'name': 'one'}, 'taken': {'name': 'member'}, 'description': {'description': 'x'}, 'description null': {'description': None},
          'domain': {'domain_id': '{stone}'}, 'empty': {}, 'name empty': {'name': ''}, 'extra': {'own': 2}, 'immutable': {'options': {'immutable': True}},
          'while immutable': {'description': 'y'}, 'mutable': {'options': {'immutable': None}}},
         ['name=one', 'name=nothing', 'domain_id={stone}', 'domain_id=' + NOWHERE, 'name__startswith=one', 'name=member'])
    both('immutable cannot go', 'DELETE', '/v3/roles/{role_member}')
    both('immutable cannot change', 'PATCH', '/v3/roles/{role_member}', {'role': {'name': 'x'}})
    for name in ('prior', 'implied', 'third'):
        both(f'make {name}', 'POST', '/v3/roles', {'role': {'name': name}}, save={name: 'role.id'})
    base = '/v3/roles/{prior}/implies'
    both('no implications', 'GET', base)
    both('check none', 'GET', base + '/{implied}')
    both('head none', 'HEAD', base + '/{implied}')
    both('imply', 'PUT', base + '/{implied}')
    both('imply again', 'PUT', base + '/{implied}')
    both('check', 'GET', base + '/{implied}')
    both('head', 'HEAD', base + '/{implied}')
    both('list', 'GET', base)
    both('imply admin', 'PUT', base + '/{role_admin}')
    both('imply back', 'PUT', '/v3/roles/{implied}/implies/{prior}')
    both('imply itself', 'PUT', base + '/{prior}')
    both('imply unknown', 'PUT', f'{base}/{NOWHERE}')
    both('unknown implies', 'PUT', f'/v3/roles/{NOWHERE}/implies/' + '{implied}')
    both('unknown list', 'GET', f'/v3/roles/{NOWHERE}/implies')
    both('all', 'GET', '/v3/role_inferences')
    both('all head', 'HEAD', '/v3/role_inferences')
    for asker in ('ann', 'bob-domain', 'bob-system'):
        both(f'all by {asker}', 'GET', '/v3/role_inferences', token=asker)
        both(f'imply by {asker}', 'PUT', base + '/{third}', token=asker)
    both('grant the prior', 'PUT', '/v3/projects/{wall}/users/{ann}/roles/{prior}')
    both('token with it', 'POST', '/v3/auth/tokens', login('ann', 'pass-ann', {'project': {'id': '{wall}'}}, {'id': '{stone}'}), token=None, save={'ann': 'TOKEN'})
    both('effective', 'GET', '/v3/role_assignments?effective&user.id={ann}')
    both('forget', 'DELETE', base + '/{implied}')
    both('forget again', 'DELETE', base + '/{implied}')
    both('remove the other way', 'DELETE', '/v3/roles/{implied}/implies/{prior}')
    both('remove the role', 'DELETE', '/v3/roles/{prior}')
    both('ann is without it', 'GET', '/v3/projects/{wall}/users/{ann}/roles')


def grants(both):
    places = ('projects/{wall}', 'domains/{stone}', 'system')
    for place in places:
        for actor in ('users/{bob}', 'groups/{masons}'):
            for prefix, suffix in (('', ''), ('OS-INHERIT/', '/inherited_to_projects')):
                if prefix and place == 'system':
                    continue
                base = f'/v3/{prefix}{place}/{actor}/roles'
                one = base + '/{third}' + suffix
                for method in ('GET', 'HEAD', 'DELETE', 'PUT', 'PUT', 'GET', 'HEAD'):
                    both(f'{method} {one}', method, one)
                both(f'list {base}{suffix}', 'GET', base + suffix)
                both(f'HEAD list {base}{suffix}', 'HEAD', base + suffix)
                for asker in ('ann', 'bob-domain', 'bob-system'):
                    both(f'PUT {one} by {asker}', 'PUT', one, token=asker)
                    both(f'PUT member {one} by {asker}', 'PUT', base + '/{role_reader}' + suffix, token=asker)
                    both(f'GET {one} by {asker}', 'GET', one, token=asker)
                    both(f'list {base}{suffix} by {asker}', 'GET', base + suffix, token=asker)
                both(f'PUT unknown role {base}', 'PUT', f'{base}/{NOWHERE}{suffix}')
                both(f'GET unknown role {base}', 'GET', f'{base}/{NOWHERE}{suffix}')
                both(f'DELETE unknown role {base}', 'DELETE', f'{base}/{NOWHERE}{suffix}')
    for place, actor in ((f'projects/{NOWHERE}', 'users/{bob}'), ('projects/{wall}', f'users/{NOWHERE}'), ('projects/{wall}', f'groups/{NOWHERE}'),
                         (f'domains/{NOWHERE}', 'users/{bob}'), ('domains/{wall}', 'users/{bob}'), ('domains/{stone}', f'users/{NOWHERE}'),
                         ('system', f'users/{NOWHERE}'), ('system', f'groups/{NOWHERE}'), ('projects/{stone}', 'users/{bob}')):
        base = f'/v3/{place}/{actor}/roles'
        for method in ('PUT', 'GET', 'HEAD', 'DELETE'):
            both(f'{method} {base}', method, base + '/{third}')
        both(f'list {base}', 'GET', base)


def assignments(both):
    both('ann in the group', 'PUT', '/v3/groups/{masons}/users/{ann}')
    own = ['user.id={bob}', 'group.id={masons}', 'scope.project.id={wall}', 'scope.domain.id={stone}', 'role.id={third}', 'user.id={ann}&effective',
           'user.id={bob}&effective', 'user.id={bob}&effective&include_names', 'user.id={bob}&include_names=true', 'group.id={masons}&include_names',
           'user.id={bob}&include_names=0', 'scope.project.id={wall}&effective', 'scope.project.id={course}&effective', 'scope.project.id={wall}&include_subtree',
           'scope.project.id={wall}&include_subtree&effective', 'scope.domain.id={stone}&effective', 'user.id={bob}&scope.system=all', 'group.id={masons}&scope.system=all',
           'user.id={bob}&scope.OS-INHERIT:inherited_to=projects', 'scope.project.id={wall}&scope.OS-INHERIT:inherited_to=projects', 'role.id={third}&effective',
           'role.id={role_reader}&user.id={bob}&effective', 'user.id={ann}&effective&scope.OS-INHERIT:inherited_to=projects', f'user.id={NOWHERE}', f'group.id={NOWHERE}',
           f'role.id={NOWHERE}', f'scope.project.id={NOWHERE}', f'scope.project.id={NOWHERE}&effective', f'user.id={NOWHERE}&effective',
           'scope.system=all&effective&user.id={bob}', 'scope.system=all&role.id={third}', 'user.id={bob}&include_names=false', 'user.id={ann}&effective=False',
           'user.id={ann}&effective=0', 'group.id={masons}&effective=0', 'scope.project.id={wall}&include_subtree=no', 'scope.project.id={wall}&include_subtree=0',
           'user.id={bob}&scope.system=other']
    wrong = ['user.id={bob}&group.id={masons}', 'effective&group.id={masons}', 'scope.project.id={wall}&scope.domain.id={stone}', 'include_subtree',
             'include_subtree&scope.domain.id={stone}', 'effective&scope.OS-INHERIT:inherited_to=projects&scope.domain.id={stone}',
             'scope.system=all&scope.project.id={wall}', 'scope.OS-INHERIT:inherited_to=x&user.id={bob}', 'scope.domain.id={stone}&scope.system=all',
             'group.id={masons}&effective=false', 'include_subtree=0&user.id={bob}', 'scope.project.id=']
    for query in own + wrong:
        both(f'list {query}', 'GET', '/v3/role_assignments?' + query)
    both('head', 'HEAD', '/v3/role_assignments')
    for asker in ('ann', 'bob-domain', 'bob-system', 'eve'):
        for query in ('user.id={ann}', 'scope.project.id={wall}&include_subtree', 'scope.project.id={wall}', 'user.id={bob}&effective'):
            both(f'list {query} by {asker}', 'GET', '/v3/role_assignments?' + query, token=asker)


def regions(both):
    crud(both, 'region', {'id': 'one', 'description': 'first', 'own': 1},
         {'id empty': {'id': ''}, 'id a number': {'id': 5}, 'id long': {'id': LONG}, 'id spaced': {'id': 'a b'}, 'id slash': {'id': 'a/b'}, 'empty': {}, 'description a number': {'id': 'b', 'description': 5},
          'description null': {'id': 'b1', 'description': None}, 'parent unknown': {'id': 'b2', 'parent_region_id': 'nowhere'}, 'parent null': {'id': 'b3', 'parent_region_id': None},
          'parent': {'id': 'b4', 'parent_region_id': 'one'}, 'parent a number': {'id': 'b', 'parent_region_id': 5}},
         {'description': {'description': 'x'}, 'description null': {'description': None}, 'id': {'id': 'other'}, 'same id': {'id': 'one'}, 'parent': {'parent_region_id': 'b3'},
          'parent unknown': {'parent_region_id': 'nowhere'}, 'parent null': {'parent_region_id': None}, 'parent itself': {'parent_region_id': 'one'},
          'circle': {'parent_region_id': 'b4'}, 'empty': {}, 'extra': {'own': 2}},
         ['parent_region_id=one', 'parent_region_id=nowhere', 'name=x&parent_region_id=one'])
    both('put', 'PUT', '/v3/regions/put', {'region': {'description': 'by name'}})
    both('put again', 'PUT', '/v3/regions/put', {'region': {}})
    both('put the same id', 'PUT', '/v3/regions/put2', {'region': {'id': 'put2'}})
    both('put another id', 'PUT', '/v3/regions/put3', {'region': {'id': 'other'}})
    both('put nothing', 'PUT', '/v3/regions/put4', {})
    both('remove with endpoints', 'DELETE', '/v3/regions/RegionOne')
    both('without token', 'GET', '/v3/regions/put', token=None)
    both('list without token', 'GET', '/v3/regions', token=None)


def services(both):
    crud(both, 'service', {'type': 'one', 'name': 'uno', 'description': 'first', 'own': 1},
         {'no type': {'name': 'x'}, 'type empty': {'type': ''}, 'type long': {'type': LONG}, 'type a number': {'type': 5}, 'type null': {'type': None}, 'only type': {'type': 'b1'},
          'name null': {'type': 'b2', 'name': None}, 'name a number': {'type': 'b', 'name': 5}, 'name long': {'type': 'b', 'name': LONG}, 'name empty': {'type': 'b3', 'name': ''},
          'description null': {'type': 'b4', 'description': None}, 'enabled a word': {'type': 'b', 'enabled': 'x'}, 'enabled off': {'type': 'b5', 'enabled': False},
          'enabled number': {'type': 'b6', 'enabled': 0}},
         {'name': {'name': 'dos'}, 'name null': {'name': None}, 'name back': {'name': 'uno'}, 'type': {'type': 'two'}, 'type empty': {'type': ''}, 'description': {'description': 'x'},
          'description null': {'description': None}, 'disable': {'enabled': False}, 'enable': {'enabled': True}, 'empty': {}, 'extra': {'own': 2}, 'id': {'id': NOWHERE}},
         ['type=one', 'name=uno', 'type=nothing', 'type=one&name=x'])
    both('one more', 'POST', '/v3/services', {'service': {'type': 'kind', 'name': 'kind'}}, save={'service': 'service.id'})


def endpoints(both):
    good = {'interface': 'public', 'service_id': '{service}', 'url': 'http://example.org/v1', 'region_id': 'RegionOne', 'own': 1}
    bad = {'no interface': {**good, 'interface': None}, 'interface odd': {**good, 'interface': 'odd'}, 'url empty': {**good, 'url': ''}, 'url a number': {**good, 'url': 5},
           'url no url': {**good, 'url': 'nothing'}, 'url bare': {**good, 'url': '/v1'}, 'url slots': {**good, 'url': 'http://x/$(project_id)s/%(tenant_id)s/$(user_id)s'},
           'url slot unknown': {**good, 'url': 'http://x/$(magic)s'}, 'url slot broken': {**good, 'url': 'http://x/$(project_id'}, 'url percent': {**good, 'url': 'http://x/%(project_id)'},
           'url percent sign': {**good, 'url': 'http://x/%20y'}, 'url long': {**good, 'url': 'http://' + LONG},
           'service unknown': {**good, 'service_id': NOWHERE}, 'service a number': {**good, 'service_id': 5}, 'region unknown': {**good, 'region_id': 'nowhere'},
           'region null': {**good, 'region_id': None}, 'region a number': {**good, 'region_id': 5}, 'enabled off': {**good, 'enabled': False}, 'enabled word': {**good, 'enabled': 'x'},
           'only url': {'url': 'http://x'}, 'no service': {'interface': 'public', 'url': 'http://x'}, 'no url': {'interface': 'public', 'service_id': '{service}'},
           'old region': {'interface': 'public', 'service_id': '{service}', 'url': 'http://x', 'region': 'old'}}
    crud(both, 'endpoint', good, bad,
         {'url': {'url': 'http://example.org/v2'}, 'url odd': {'url': ''}, 'interface': {'interface': 'admin'}, 'interface odd': {'interface': 'x'}, 'service unknown': {'service_id': NOWHERE},
          'region': {'region_id': 'put'}, 'region unknown': {'region_id': 'nowhere'}, 'disable': {'enabled': False}, 'enable': {'enabled': True}, 'empty': {}, 'extra': {'own': 2},
          'region null': {'region_id': None}, 'old region': {'region': 'older'}, 'url slot unknown': {'url': 'http://x/$(magic)s'}},
         ['service_id={service}&interface=public', 'service_id={service}&region_id=RegionOne', 'service_id=' + NOWHERE, 'interface=odd'])
    both('token with catalog', 'POST', '/v3/auth/tokens', login('ann', 'pass-ann', {'project': {'id': '{wall}'}}, {'id': '{stone}'}), token=None)
    both('system token with catalog', 'POST', '/v3/auth/tokens', login('bob', 'pass-bob', {'system': {'all': True}}, {'id': '{stone}'}), token=None)
    both('remove the service', 'DELETE', '/v3/services/{service}')
    both('endpoints gone', 'GET', '/v3/endpoints?service_id={service}')


def application_credentials(both):
    base = '/v3/users/{ann}/application_credentials'
    kind = 'application_credential'

    def make(case, body, token='ann', **more):
        both(case, 'POST', base, {kind: body}, token=token, **more)

    both('none', 'GET', base, token='ann')
    make('make', {'name': 'one', 'description': 'd', 'secret': 'secret-one'}, save={'one': f'{kind}.id'})
    make('make again', {'name': 'one', 'secret': 'x'})
    make('free', {'name': 'free', 'unrestricted': True, 'secret': 'secret-free', 'expires_at': '2040-01-01T00:00:00Z'}, save={'free': f'{kind}.id'})
    make('with a role', {'name': 'role', 'roles': [{'name': 'reader'}], 'secret': 'x'})
    make('with a role by id', {'name': 'role by id', 'roles': [{'id': '{role_member}'}], 'secret': 'x'})
    for name, body in {'no name': {}, 'name a number': {'name': 5}, 'name empty': {'name': ''}, 'time': {'name': 'b', 'expires_at': 'soon'},
                       'past': {'name': 'b', 'expires_at': '2001-01-01T00:00:00Z'}, 'foreign role': {'name': 'b', 'roles': [{'name': 'admin'}]},
                       'unknown role': {'name': 'b', 'roles': [{'id': NOWHERE}]}, 'roles a word': {'name': 'b', 'roles': 'x'},
                       'unrestricted a word': {'name': 'b', 'unrestricted': 'x'}, 'description a number': {'name': 'b', 'description': 5}}.items():
        make(f'bad: {name}', body)
    make('for another', {'name': 'b'}, token='admin')
    both('with nothing', 'POST', base, {}, token='ann')
    for query in ('', '?name=one', '?name=nothing'):
        both(f'list {query}', 'GET', base + query, token='ann')
    for asker in ('admin', 'ann', 'bob-domain', 'bob-system', 'eve'):
        both(f'list by {asker}', 'GET', base, token=asker)
        both(f'show by {asker}', 'GET', base + '/{one}', token=asker)
        both(f'show an unknown one by {asker}', 'GET', f'{base}/{NOWHERE}', token=asker)
    for asker in ('bob-domain', 'eve'):
        both(f'remove by {asker}', 'DELETE', base + '/{one}', token=asker)
        both(f'remove as own by {asker}', 'DELETE', '/v3/users/{eve}/application_credentials/{one}', token=asker)

    def by(credential, scope=None):
        auth = {'identity': {'methods': [kind], kind: credential}}
        return {'auth': auth if scope is None else {**auth, 'scope': scope}}

    proofs = {'by id': {'id': '{one}', 'secret': 'secret-one'}, 'by name': {'name': 'one', 'secret': 'secret-one', 'user': {'id': '{ann}'}},
              'by name and name': {'name': 'one', 'secret': 'secret-one', 'user': {'name': 'ann', 'domain': {'id': '{stone}'}}},
              'wrong': {'id': '{one}', 'secret': 'wrong'}, 'unknown': {'id': NOWHERE, 'secret': 'x'}, 'no secret': {'id': '{one}'}, 'nothing': {},
              'unknown name': {'name': 'nothing', 'secret': 'x', 'user': {'id': '{ann}'}}, 'no user': {'name': 'one', 'secret': 'x'}}
    for name, proof in proofs.items():
        both(f'login {name}', 'POST', '/v3/auth/tokens', by(proof), token=None)
    both('login with a scope', 'POST', '/v3/auth/tokens', by(proofs['by id'], {'project': {'id': '{wall}'}}), token=None)
    both('login', 'POST', '/v3/auth/tokens', by(proofs['by id']), token=None, save={'app': 'TOKEN'})
    both('login freely', 'POST', '/v3/auth/tokens', by({'id': '{free}', 'secret': 'secret-free'}), token=None, save={'app-free': 'TOKEN'})
    both('validate', 'GET', '/v3/auth/tokens', headers={'X-Subject-Token': '{token_app}'})
    both('again by token', 'POST', '/v3/auth/tokens', by_token('{token_app}'), token=None)
    both('again by token, scoped', 'POST', '/v3/auth/tokens', by_token('{token_app}', {'project': {'id': '{wall}'}}), token=None)
    both('projects', 'GET', '/v3/auth/projects', token='app')
    make('more by a restricted one', {'name': 'b', 'secret': 'x'}, token='app')
    both('remove by a restricted one', 'DELETE', base + '/{one}', token='app')
    make('more by a free one', {'name': 'by free', 'secret': 'x'}, token='app-free')
    both('remove by a free one', 'DELETE', base + '/{one}', token='app-free')
    both('show removed', 'GET', base + '/{one}', token='ann')
    both('token of a removed one', 'GET', '/v3/auth/projects', token='app')


def at_once(both):
    """What is taken away is gone for tokens that were given out before."""
    stone = {'id': '{stone}'}
    scope = {'project': {'id': '{wall}'}}

    def again(case, name='ann', scope=scope, domain=stone):
        both(case, 'POST', '/v3/auth/tokens', login(name, 'pass-' + name, scope, domain), token=None, save={'t': 'TOKEN'})

    again('before disabling')
    both('disable', 'PATCH', '/v3/users/{ann}', {'user': {'enabled': False}})
    both('disabled', 'GET', '/v3/auth/projects', token='t')
    both('login of a disabled one', 'POST', '/v3/auth/tokens', login('ann', 'pass-ann', scope, stone), token=None)
    both('enable', 'PATCH', '/v3/users/{ann}', {'user': {'enabled': True}})
    both('still gone', 'GET', '/v3/auth/projects', token='t')
    both.sides[1].settle()
    both('new token', 'POST', '/v3/auth/tokens', login('ann', 'pass-ann', scope, stone), token=None, save={'t': 'TOKEN'})
    both('take the role', 'DELETE', '/v3/projects/{wall}/users/{ann}/roles/{role_member}')
    both('through the group still', 'GET', '/v3/auth/projects', token='t')
    both('group goes', 'DELETE', '/v3/groups/{masons}')
    both('nothing left', 'GET', '/v3/auth/projects', token='t')
    both('as subject', 'GET', '/v3/auth/tokens', headers={'X-Subject-Token': '{token_t}'})
    both.sides[1].settle()
    both('unscoped', 'POST', '/v3/auth/tokens', login('ann', 'pass-ann', None, stone), token=None, save={'t': 'TOKEN'})
    both('disable the domain', 'PATCH', '/v3/domains/{stone}', {'domain': {'enabled': False}})
    both('domain disabled', 'GET', '/v3/auth/projects', token='t')
    both('bob in a disabled domain', 'GET', '/v3/auth/projects', token='bob-system')
    both('login in a disabled domain', 'POST', '/v3/auth/tokens', login('ann', 'pass-ann', None, stone), token=None)
    both('enable the domain', 'PATCH', '/v3/domains/{stone}', {'domain': {'enabled': True}})
    both('remove ann', 'DELETE', '/v3/users/{ann}')
    both('login of a removed one', 'POST', '/v3/auth/tokens', login('ann', 'pass-ann', None, stone), token=None)
