"""What both Keystones are asked: who comes in, what tokens are good for, and what is known. Their answers must be the same."""

import json

from calls import SIGNED, Api, password, secret, token_in
from cloud import Trouble
from estate import ADMIN, HOME, SYSTEM, ZOE

# what is another with each token
NEW = ('audit_ids', 'expires_at', 'issued_at')

PLACES = (
    '/domains/{guild}',
    '/domains/{lodge}/config',
    '/projects?domain_id={guild}',
    '/users?domain_id={guild}',
    '/users?domain_id={lodge}',
    '/users/{zoe}',
    '/users/{zoe}/groups',
    '/groups?domain_id={guild}',
    '/groups/{masons}/users',
    '/roles?domain_id={guild}',
    '/roles/{foreman}/implies',
    '/roles/{role_admin}',
    '/roles/{role_admin}/implies',
    '/role_assignments?include_names=True&user.id={ann}',
    '/role_assignments?include_names=True&group.id={masons}',
    '/role_assignments?include_names=True&effective=True&scope.project.id={yard}',
    '/users/{ann}/application_credentials',
    '/users/{ann}/access_rules',
    '/OS-TRUST/trusts/{trust}',
    '/credentials?user_id={bob}',
    '/users/{ann}/credentials/OS-EC2',
    '/OS-FEDERATION/identity_providers/corp',
    '/OS-FEDERATION/identity_providers/corp/protocols',
    '/OS-FEDERATION/mappings/staff',
    '/OS-FEDERATION/service_providers/far',
    '/OS-OAUTH1/consumers/{consumer}',
    '/users/{ann}/OS-OAUTH1/access_tokens',
    '/users/{ann}/OS-OAUTH1/access_tokens/{access}/roles',
    '/regions/North',
    '/services/{service}',
    '/endpoints/{endpoint}',
    '/registered_limits/{registered}',
    '/limits/{limit}',
    '/limits/{wide}',
    '/OS-EP-FILTER/endpoint_groups/{outside}',
    '/OS-EP-FILTER/projects/{hall}/endpoint_groups',
    '/OS-EP-FILTER/projects/{yard}/endpoints',
    '/policies/{policy}',
    '/policies/{policy}/OS-ENDPOINT-POLICY/services/{service}',
    '/policies/{policy}/OS-ENDPOINT-POLICY/services/{service}/regions/RegionOne',
    '/endpoints/{endpoint}/OS-ENDPOINT-POLICY/policy',
)


def ways(made):
    """How people come in: by name, what asks an API for a token; services ask with an administrator's."""
    hall, yard = ({'project': {'id': made[name]}} for name in ('hall', 'yard'))

    def by(name, scope=None, word=None, domain='guild'):
        return lambda api, admin: api.enter(password(name, word or f'{name}-word', domain), scope)
    return {
        'Bob, for nothing yet': by('bob'),
        'Ann, for a project': by('ann', hall),
        'Ann, for a project by an inherited role': by('ann', yard),
        'Bob, for a project by a group': by('bob', yard),
        'Ann, for a domain': by('ann', {'domain': {'name': 'guild'}}),
        'Bob, for a domain by a group': by('bob', {'domain': {'id': made['guild']}}),
        'Ann, for the system': by('ann', SYSTEM),
        'Bob, for the system by a group': by('bob', SYSTEM),
        'the other Ann': by('ann', word='other-word', domain='lodge'),
        'Dora, with her new password': by('dora', yard, 'new-word'),
        'a password hashed with scrypt': by('scrypt', yard),
        'a password hashed with pbkdf2_sha512': by('pbkdf2', yard),
        'a password hashed with bcrypt_sha256': by('sha256', yard),
        'an application credential': lambda api, admin: api.enter(secret(made['ci'])),
        'an application credential with access rules': lambda api, admin: api.enter(secret(made['narrow'])),
        'a trust': by('bob', {'OS-TRUST:trust': {'id': made['trust']}}),
        'keys for EC2': lambda api, admin: api.by_keys(made['keys'], admin),
        'a program': lambda api, admin: api.signed('/auth/tokens', made['program'], SIGNED),
        'Zoe, for whom a provider vouches': lambda api, admin: api.vouched(ZOE),
        'Zoe, for a project': lambda api, admin: api.enter(
            {'methods': ['token'], 'token': {'id': token_in(api.vouched(ZOE))}}, yard),
        'the administrator': lambda api, admin: api.enter(ADMIN, HOME),
    }


def strangers(made):
    """Who does not come in."""
    return {
        'a wrong password': password('ann', 'wrong'),
        'the password of the other Ann': password('ann', 'other-word'),
        'somebody who was disabled': password('carl', 'carl-word'),
        'a password that is over': password('erin', 'erin-word'),
        'a password that was changed': password('dora', 'dora-word'),
        'a wrong password hashed with scrypt': password('scrypt', 'wrong'),
        'a wrong password hashed with pbkdf2_sha512': password('pbkdf2', 'wrong'),
        'a wrong password hashed with bcrypt_sha256': password('sha256', 'wrong'),
        'a wrong secret of an application credential': secret(made['ci'], 'wrong'),
    }


def refused(api, identity):
    status, _, body = api.enter(identity)
    return {'status': status, 'body': body}


def meaning(api, admin, token):
    """What a service is told of a token, and whether it is good for asking something here."""
    if not token:
        return {'status': 'there is no token'}
    status, _, body = api.ask('GET', '/auth/tokens?nocatalog', None, admin, X_Subject_Token=token, OpenStack_Identity_Access_Rules='1.0')
    if status != 200:
        return {'status': status}
    said = plain(body['token'])
    if 'roles' in said:
        # of those of somebody for whom a provider vouches Keystone says more
        said['roles'] = [{name: role[name] for name in ('id', 'name')} for role in said['roles']]
    return {'status': status, 'good here': api.ask('GET', '/auth/projects', None, token)[0], **said}


def lasting(said):
    """Without what is another with each token."""
    return {name: value for name, value in said.items() if name not in NEW}


def plain(body):
    """Without links; lists in one order, which is nobody's promise."""
    if isinstance(body, list):
        return sorted((plain(one) for one in body), key=lambda one: json.dumps(one, sort_keys=True))
    if isinstance(body, dict):
        return {name: plain(value) for name, value in body.items() if name != 'links' and not name.endswith('_links')}
    return body


def found(said):
    """Whether something is there: a thing, or things of which there are some, or nothing to be said but that it is so."""
    return said['status'] == 204 or said['status'] == 200 and any(said['body'].values())


class Answers:
    """What the Keystone that is taken over answered, while it was there."""

    def __init__(self, api: Api, made):
        self.made = made
        admin = api.login(ADMIN, HOME)
        self.tokens = {name: token_in(ask(api, admin)) for name, ask in ways(made).items()}
        self.meanings = {name: meaning(api, admin, token) for name, token in self.tokens.items()}
        self.revoked = {name: meaning(api, admin, token) for name, token in made['revoked'].items()}
        self.refused = {name: refused(api, identity) for name, identity in strangers(made).items()}
        self.known = {place: self.know(api, admin, place) for place in PLACES}
        odd = [f'{name}: {said}' for name, said in self.meanings.items() if said['status'] != 200] + \
              [f'{name}: {said}' for name, said in self.revoked.items() if said['status'] != 404] + \
              [f'{name}: {said}' for name, said in self.refused.items() if said['status'] != 401] + \
              [f'{place}: {said}' for place, said in self.known.items() if not found(said)]
        if odd:
            raise Trouble(f'Keystone itself answers otherwise than is meant here: {odd}')

    def know(self, api, admin, place):
        """What is at a place: Ann looks at what is hers with the token that Keystone gave her, the administrator at the rest."""
        own = place.startswith('/users/{ann}/')
        status, _, body = api.ask('GET', place.format(**self.made), None, self.tokens['Ann, for a project'] if own else admin)
        return {'status': status, 'body': plain(body)}
