"""What the Keystone that is taken over knows: a bit of everything, made as its users would make it.

What was made is kept by name: ids, and what has a secret as a whole.
"""

import json
import time
import urllib.parse

from calls import password
from cloud import Trouble
from reference import ISSUER

ADMIN = password('admin', 'secret', 'Default')
HOME = {'project': {'name': 'admin', 'domain': {'id': 'default'}}}
SYSTEM = {'system': {'all': True}}
TOTP = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ'
# dumps write all of these in ways of their own
ODD = 'it\'s "old" \\ with a\ttab,\n a line; -- and ü, €'
# what the provider says of somebody
ZOE = {'sub': '2 48', 'name': 'zoe'}

GRANTS = (
    '/roles/{foreman}/implies/{role_member}',
    '/groups/{masons}/users/{bob}',
    '/projects/{hall}/users/{ann}/roles/{role_admin}',
    '/domains/{guild}/users/{ann}/roles/{role_manager}',
    '/system/users/{ann}/roles/{role_reader}',
    '/OS-INHERIT/domains/{guild}/users/{ann}/roles/{role_reader}/inherited_to_projects',
    '/projects/{yard}/groups/{masons}/roles/{foreman}',
    '/domains/{guild}/groups/{masons}/roles/{role_reader}',
    '/system/groups/{masons}/roles/{role_reader}',
    '/OS-INHERIT/projects/{hall}/groups/{masons}/roles/{role_manager}/inherited_to_projects',
    *(f'/projects/{{yard}}/users/{{{name}}}/roles/{{role_reader}}' for name in ('carl', 'dora', 'erin', 'scrypt', 'pbkdf2', 'sha256')),
)


def furnish(api, reference, issuer):
    """Fills it; `issuer` is who vouches for people here, beside the one who does there."""
    made = {'issuers': [ISSUER, issuer]}
    admin = api.login(ADMIN, SYSTEM)
    for part in (settle, delegate, keep, federate, lend):
        part(api, admin, made)
    age(api, reference, made)
    return made


def settle(api, admin, made):
    """Domains, projects, people, and what they may."""
    made |= {f'role_{one["name"]}': one['id'] for one in api.done('GET', '/roles', None, admin)['roles']}
    for name, more in (('guild', {'description': ODD}), ('lodge', {'enabled': True})):
        made[name] = api.made(admin, '/domains', 'domain', name=name, **more)['id']
    api.done('PUT', f'/domains/{made["lodge"]}/config', {'config': {'identity': {'list_limit': 100}}}, admin)
    home = {'domain_id': made['guild']}
    made['hall'] = api.made(admin, '/projects', 'project', name='hall', tags=['stone', 'old'], note=ODD, **home)['id']
    made['yard'] = api.made(admin, '/projects', 'project', name='yard', parent_id=made['hall'], **home)['id']
    for name, more in (('ann', {'email': 'ann@guild', 'default_project_id': made['hall']}),
                       ('bob', {'options': {'ignore_password_expiry': True}}), ('carl', {'enabled': False}),
                       ('dora', {}), ('erin', {}), ('scrypt', {}), ('pbkdf2', {}), ('sha256', {})):
        made[name] = api.made(admin, '/users', 'user', name=name, password=f'{name}-word', **home, **more)['id']
    made['ann of the lodge'] = api.made(admin, '/users', 'user', name='ann', password='other-word', domain_id=made['lodge'])['id']
    made['masons'] = api.made(admin, '/groups', 'group', name='masons', **home)['id']
    made['foreman'] = api.made(admin, '/roles', 'role', name='foreman', **home)['id']
    for grant in GRANTS:
        api.done('PUT', grant.format(**made), None, admin)


def delegate(api, admin, made):
    """Application credentials, keys and a trust, made by Ann."""
    hall = {'project': {'id': made['hall']}}
    token, path = api.login(password('ann', 'ann-word'), hall), f'/users/{made["ann"]}'
    made['ci'] = api.made(token, f'{path}/application_credentials', 'application_credential', name='ci', roles=[{'name': 'reader'}])
    rules = [{'service': 'identity', 'method': 'GET', 'path': '/v3/projects/*'}]
    made['narrow'] = api.made(token, f'{path}/application_credentials', 'application_credential', name='narrow', access_rules=rules)
    made['keys'] = api.done('POST', f'{path}/credentials/OS-EC2', {'tenant_id': made['hall']}, token)['credential']
    api.made(admin, '/credentials', 'credential', user_id=made['bob'], type='totp', blob=TOTP)
    made['trust'] = api.made(token, '/OS-TRUST/trusts', 'trust', trustor_user_id=made['ann'], trustee_user_id=made['bob'],
                             project_id=made['hall'], impersonation=True, roles=[{'name': 'member'}])['id']


def keep(api, admin, made):
    """What is kept for others: a region, limits, groups of endpoints, policy documents and what they are for."""
    made['service'] = api.done('GET', '/services?type=identity', None, admin)['services'][0]['id']
    made['endpoint'] = api.done('GET', '/endpoints?interface=internal', None, admin)['endpoints'][0]['id']
    api.made(admin, '/regions', 'region', id='North', parent_region_id='RegionOne', description=ODD)
    stones = {'service_id': made['service'], 'resource_name': 'stones'}
    for name, nouns, own in (('registered', 'registered_limits', {'default_limit': 10, 'description': 'of stones'}),
                             ('limit', 'limits', {'project_id': made['hall'], 'resource_limit': 20}),
                             ('wide', 'limits', {'domain_id': made['guild'], 'resource_limit': 50})):
        made[name] = api.done('POST', f'/{nouns}', {nouns: [stones | own]}, admin)[nouns][0]['id']
    filters = '/OS-EP-FILTER'
    made['outside'] = api.made(admin, f'{filters}/endpoint_groups', 'endpoint_group', name='outside', filters={'interface': 'public'})['id']
    api.done('PUT', f'{filters}/endpoint_groups/{made["outside"]}/projects/{made["hall"]}', None, admin)
    api.done('PUT', f'{filters}/projects/{made["yard"]}/endpoints/{made["endpoint"]}', None, admin)
    made['policy'] = api.made(admin, '/policies', 'policy', type='application/json', blob=json.dumps({'stone': ODD}), note='own')['id']
    subjects = ('endpoints/{endpoint}', 'services/{service}', 'services/{service}/regions/RegionOne')
    for subject in subjects:
        api.done('PUT', f'/policies/{made["policy"]}/OS-ENDPOINT-POLICY/{subject.format(**made)}', None, admin)


def federate(api, admin, made):
    """A provider, somebody for whom it vouches, and another cloud that takes people from here."""
    corp = '/OS-FEDERATION/identity_providers/corp'
    api.done('PUT', corp, {'identity_provider': {
        'enabled': True, 'remote_ids': made['issuers'], 'domain_id': made['guild'], 'authorization_ttl': 600}}, admin)
    rules = [{'local': [{'user': {'id': '{0}', 'name': '{1}'}}, {'group': {'id': made['masons']}}],
              'remote': [{'type': 'HTTP_OIDC_SUB'}, {'type': 'HTTP_OIDC_NAME'}, {'type': 'HTTP_OIDC_NAME', 'not_any_of': [ODD]}]}]
    api.done('PUT', '/OS-FEDERATION/mappings/staff', {'mapping': {'rules': rules}}, admin)
    api.done('PUT', f'{corp}/protocols/mapped', {'protocol': {'mapping_id': 'staff', 'remote_id_attribute': 'HTTP_OIDC_ISS'}}, admin)
    there = {'auth_url': 'https://far/auth', 'sp_url': 'https://far/sp', 'enabled': True, 'description': ODD}
    api.done('PUT', '/OS-FEDERATION/service_providers/far', {'service_provider': there}, admin)
    status, _, told = api.vouched(ZOE)
    if status != 201:
        raise Trouble(f'nobody comes in by the provider: {status} {told}')
    made['zoe'] = told['token']['user']['id']


def lend(api, admin, made):
    """A program that acts for Ann."""
    consumer = api.made(admin, '/OS-OAUTH1/consumers', 'consumer', description='crane')
    made['consumer'], program = consumer['id'], {**consumer, 'project': made['hall']}

    def given(answer):
        form = urllib.parse.parse_qs(answer[2])
        return {**program, 'token': form['oauth_token'][0], 'token_secret': form['oauth_token_secret'][0]}
    program = given(api.signed('/OS-OAUTH1/request_token', program, callback_uri='oob'))
    token = api.login(password('ann', 'ann-word'), {'project': {'id': made['hall']}})
    told = api.done('PUT', f'/OS-OAUTH1/authorize/{program["token"]}', {'roles': [{'id': made['role_admin']}]}, token)
    made['program'] = given(api.signed('/OS-OAUTH1/access_token', program, verifier=told['token']['oauth_verifier']))
    made['access'] = made['program']['token']


def age(api, reference, made):
    """What comes with the years: passwords that were hashed in other ways, changed or over, and tokens that were revoked."""
    for name, algorithm in (('scrypt', 'scrypt'), ('pbkdf2', 'pbkdf2_sha512'), ('sha256', 'bcrypt_sha256')):
        reference.set_password(made[name], f"password_hash = '{reference.hashed(f'{name}-word', algorithm)}'")
    for name in ('bob', 'erin'):
        reference.set_password(made[name], "expires_at = '2024-01-01 00:00:00', expires_at_int = 1704067200000000")
    made['revoked'] = {'a token that was revoked': api.login(password('bob', 'bob-word')),
                       'a token from before a new password': api.login(password('dora', 'dora-word'))}
    revoked = made['revoked']['a token that was revoked']
    api.done('DELETE', '/auth/tokens', None, revoked, X_Subject_Token=revoked)
    new = {'user': {'original_password': 'dora-word', 'password': 'new-word'}}
    api.done('POST', f'/users/{made["dora"]}/password', new, made['revoked']['a token from before a new password'])
    # Keystone takes tokens of the second of a revocation for revoked
    time.sleep(1.1)
