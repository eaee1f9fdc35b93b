"""What both clouds are asked about acting for somebody else."""

import hmac
import json
from base64 import b64encode, urlsafe_b64encode
from urllib.parse import quote

from cases import NOWHERE, by_token, login

TRUSTS = '/v3/OS-TRUST/trusts'


def trusts(both):
    stone = {'id': '{stone}'}
    common = {'trustor_user_id': '{ann}', 'trustee_user_id': '{eve}', 'project_id': '{wall}', 'impersonation': True}

    def make(case, more, token='ann', **named):
        body = {name: value for name, value in {**common, 'roles': [{'name': 'member'}], **more}.items() if value != 'LEFT OUT'}
        both(case, 'POST', TRUSTS, {'trust': body}, token=token, **named)

    def use(case, trust, user='eve', **named):
        both(case, 'POST', '/v3/auth/tokens', login(user, 'pass-' + user, {'OS-TRUST:trust': {'id': trust}}, stone), token=None, **named)

    both('none', 'GET', f'{TRUSTS}?trustor_user_id={{ann}}', token='ann')
    make('make', {}, save={'trust': 'trust.id'})
    make('make in own name', {'impersonation': False, 'roles': [{'id': '{role_reader}'}]}, save={'plain': 'trust.id'})
    make('make with an end', {'expires_at': '2040-01-01T00:00:00.000000Z', 'note': 'own'}, save={'ending': 'trust.id'})
    make('make with the same end', {'expires_at': '2040-01-01T00:00:00.000000Z'})
    make('make for one use', {'remaining_uses': 1}, save={'once': 'trust.id'})
    make('make for two uses', {'remaining_uses': 2}, save={'twice': 'trust.id'})
    make('make to hand on', {'allow_redelegation': True}, save={'deep': 'trust.id'})
    make('make to hand on once', {'allow_redelegation': True, 'redelegation_count': 1, 'impersonation': False}, save={'once_deep': 'trust.id'})
    make('make without project', {'project_id': None, 'roles': []}, save={'nothing': 'trust.id'})
    bad = {
        'no trustee': {'trustee_user_id': 'LEFT OUT'}, 'no trustor': {'trustor_user_id': 'LEFT OUT'}, 'no impersonation': {'impersonation': 'LEFT OUT'},
        'impersonation a word': {'impersonation': 'yes'}, 'trustee unknown': {'trustee_user_id': NOWHERE}, 'trustor another': {'trustor_user_id': '{eve}'},
        'no roles': {'roles': []}, 'roles left out': {'roles': 'LEFT OUT'}, 'role unknown': {'roles': [{'id': NOWHERE}]}, 'role name unknown': {'roles': [{'name': 'nothing'}]},
        'role not had': {'roles': [{'name': 'admin'}]}, 'role of two names': {'roles': [{'name': 'member', 'id': '{role_member}'}]}, 'role empty': {'roles': [{}]},
        'project unknown': {'project_id': NOWHERE}, 'project foreign': {'project_id': '{course}'}, 'time': {'expires_at': 'soon'},
        'past': {'expires_at': '2001-01-01T00:00:00Z'}, 'uses none': {'remaining_uses': 0}, 'uses negative': {'remaining_uses': -1}, 'uses a word': {'remaining_uses': 'many'},
        'uses and handing on': {'remaining_uses': 2, 'allow_redelegation': True}, 'too deep': {'allow_redelegation': True, 'redelegation_count': 4},
        'depth negative': {'allow_redelegation': True, 'redelegation_count': -1}, 'handing on a word': {'allow_redelegation': 'yes'},
    }
    for name, more in bad.items():
        make(f'bad: {name}', more)
    make('for another', {}, token='admin')
    make('for another by a manager', {}, token='bob-domain')
    both('with nothing', 'POST', TRUSTS, {}, token='ann')
    both('with an empty trust', 'POST', TRUSTS, {'trust': {}}, token='ann')
    for asker in ('admin', 'ann', 'bob-domain', 'bob-system', 'eve'):
        for query in ('', '?trustor_user_id={ann}', '?trustee_user_id={eve}', f'?trustor_user_id={NOWHERE}', '?trustor_user_id={ann}&trustee_user_id={eve}', '?note=own'):
            both(f'list {query} by {asker}', 'GET', TRUSTS + query, token=asker)
        for place in ('{trust}', '{ending}', NOWHERE, '{trust}/roles', '{trust}/roles/{role_member}', '{trust}/roles/{role_admin}', f'{{trust}}/roles/{NOWHERE}', f'{NOWHERE}/roles'):
            both(f'show {place} by {asker}', 'GET', f'{TRUSTS}/{place}', token=asker)
            both(f'head {place} by {asker}', 'HEAD', f'{TRUSTS}/{place}', token=asker)
    both('change', 'PATCH', TRUSTS + '/{trust}', {'trust': {'impersonation': False}}, token='ann')
    for asker in ('bob-domain', 'bob-system', 'eve'):
        both(f'remove by {asker}', 'DELETE', TRUSTS + '/{trust}', token=asker)

    use('use', '{trust}', save={'eve-trust': 'TOKEN'})
    use('use in own name', '{plain}', save={'eve-plain': 'TOKEN'})
    use('use one that ends', '{ending}')
    use('use one that is for nothing', '{nothing}')
    use('use as the trustor', '{trust}', user='ann')
    use('use as a stranger', '{trust}', user='bob')
    use('use an unknown one', NOWHERE)
    use('use once', '{once}', save={'eve-once': 'TOKEN'})
    use('use once more', '{once}')
    both('token of a used up one', 'GET', '/v3/auth/tokens', headers={'X-Subject-Token': '{token_eve-once}'})
    both('show a used up one', 'GET', TRUSTS + '/{once}', token='ann')
    use('use twice, first', '{twice}')
    both('show one with a use left', 'GET', TRUSTS + '/{twice}', token='ann')
    for name, scope in {'no id': {'OS-TRUST:trust': {}}, 'a word': {'OS-TRUST:trust': 'x'}, 'and a project': {'OS-TRUST:trust': {'id': '{trust}'}, 'project': {'id': '{wall}'}}}.items():
        both(f'use: {name}', 'POST', '/v3/auth/tokens', login('eve', 'pass-eve', scope, stone), token=None)
    both('use with a token', 'POST', '/v3/auth/tokens', by_token('{token_eve}', {'OS-TRUST:trust': {'id': '{trust}'}}), token=None)
    for asker in ('eve-trust', 'eve-plain'):
        both(f'validate {asker}', 'GET', '/v3/auth/tokens', headers={'X-Subject-Token': f'{{token_{asker}}}'})
        both(f'validate {asker} by itself', 'GET', '/v3/auth/tokens', headers={'X-Subject-Token': f'{{token_{asker}}}'}, token=asker)
        both(f'validate eve by {asker}', 'GET', '/v3/auth/tokens', headers={'X-Subject-Token': '{token_eve}'}, token=asker)
        both(f'a token by {asker}', 'POST', '/v3/auth/tokens', by_token(f'{{token_{asker}}}'), token=None)
        both(f'the same trust by {asker}', 'POST', '/v3/auth/tokens', by_token(f'{{token_{asker}}}', {'OS-TRUST:trust': {'id': '{trust}'}}), token=None)
        for path in ('/v3/auth/projects', '/v3/auth/catalog', '/v3/users/{ann}', '/v3/users/{eve}', '/v3/projects/{wall}', '/v3/credentials', f'{TRUSTS}?trustee_user_id={{eve}}', TRUSTS + '/{trust}', TRUSTS + '/{trust}/roles'):
            both(f'{path} by {asker}', 'GET', path, token=asker)
        both(f'a credential by {asker}', 'POST', '/v3/users/{ann}/application_credentials', {'application_credential': {'name': 'by ' + asker, 'secret': 'x'}}, token=asker)
        make(f'hand on what may not be by {asker}', {'trustee_user_id': '{bob}'}, token=asker)
    handing_on(both, make, use)
    ending(both, make, use)


def handing_on(both, make, use):
    """A chain of trusts."""
    use('use the deep one', '{deep}', save={'eve-deep': 'TOKEN'})
    use('use the one to hand on in own name', '{once_deep}', save={'eve-own': 'TOKEN'})
    for name, more in {'with uses': {'remaining_uses': 1}, 'other depth': {'redelegation_count': 1, 'allow_redelegation': True}, 'as another': {'trustor_user_id': '{eve}'},
                       'other roles': {'roles': [{'name': 'admin'}]}}.items():
        make(f'hand on {name}', {'trustee_user_id': '{bob}', **more}, token='eve-deep')
    make('hand on', {'trustee_user_id': '{bob}', 'allow_redelegation': True}, token='eve-deep', save={'second': 'trust.id'})
    make('hand on in own name', {'trustee_user_id': '{bob}', 'trustor_user_id': '{eve}', 'impersonation': False}, token='eve-own')
    make('hand on in own name, saying what', {'trustee_user_id': '{bob}', 'trustor_user_id': '{eve}', 'impersonation': False, 'redelegated_trust_id': '{once_deep}'}, token='eve-own', save={'own_second': 'trust.id'})
    make('hand on with more', {'trustee_user_id': '{bob}', 'trustor_user_id': '{eve}', 'redelegated_trust_id': '{once_deep}'}, token='eve-own')
    both('show the second', 'GET', TRUSTS + '/{second}', token='ann')
    use('use the second', '{second}', user='bob', save={'bob-second': 'TOKEN'})
    use('use the second in own name', '{own_second}', user='bob')
    make('hand on again', {'trustee_user_id': '{ann}'}, token='bob-second', save={'third': 'trust.id'})
    use('use the third', '{third}', user='ann', save={'ann-third': 'TOKEN'})
    both('validate the third', 'GET', '/v3/auth/tokens', headers={'X-Subject-Token': '{token_ann-third}'})
    make('hand on once too often', {'trustee_user_id': '{eve}'}, token='ann-third')
    both('remove the first', 'DELETE', TRUSTS + '/{deep}', token='ann')
    both('show the second after that', 'GET', TRUSTS + '/{second}', token='ann')
    both('show the third after that', 'GET', TRUSTS + '/{third}', token='ann')
    both('token of the first', 'GET', '/v3/auth/tokens', headers={'X-Subject-Token': '{token_eve-deep}'})
    both('token of the third', 'GET', '/v3/auth/tokens', headers={'X-Subject-Token': '{token_ann-third}'})


def ending(both, make, use):
    """What takes a trust's power away."""
    both('remove', 'DELETE', TRUSTS + '/{trust}', token='ann')
    both('remove again', 'DELETE', TRUSTS + '/{trust}', token='ann')
    both('show removed', 'GET', TRUSTS + '/{trust}', token='ann')
    both('token of a removed one', 'GET', '/v3/auth/projects', token='eve-trust')
    use('use a removed one', '{trust}')
    both('take the role', 'DELETE', '/v3/projects/{wall}/users/{ann}/roles/{role_member}')
    both('token without the role', 'GET', '/v3/auth/projects', token='eve-plain')
    use('use without the role', '{plain}')
    both('show without the role', 'GET', TRUSTS + '/{plain}')
    both('give it back', 'PUT', '/v3/projects/{wall}/users/{ann}/roles/{role_member}')
    both.sides[1].settle()
    use('use with the role', '{plain}', save={'eve-plain': 'TOKEN'})
    both('disable the trustor', 'PATCH', '/v3/users/{ann}', {'user': {'enabled': False}})
    both('token of a disabled trustor', 'GET', '/v3/auth/tokens', headers={'X-Subject-Token': '{token_eve-plain}'})
    use('use with a disabled trustor', '{plain}')
    both('enable the trustor', 'PATCH', '/v3/users/{ann}', {'user': {'enabled': True}})
    both('a trustee', 'POST', '/v3/users', {'user': {'name': 'tom', 'domain_id': '{stone}', 'password': 'pass-tom'}}, save={'tom': 'user.id'})
    both('a project', 'POST', '/v3/projects', {'project': {'name': 'trusting', 'domain_id': '{stone}'}}, save={'trusting': 'project.id'})
    both('a role on it', 'PUT', '/v3/projects/{trusting}/users/{ann}/roles/{role_member}')
    both.sides[1].settle()
    both('token of ann', 'POST', '/v3/auth/tokens', login('ann', 'pass-ann', {'project': {'id': '{wall}'}}, {'id': '{stone}'}), token=None, save={'ann': 'TOKEN'})
    make('to tom', {'trustee_user_id': '{tom}'}, save={'to_tom': 'trust.id'})
    make('on a project that goes', {'project_id': '{trusting}'}, save={'on_gone': 'trust.id'})
    both('remove tom', 'DELETE', '/v3/users/{tom}')
    both('show the trust of tom', 'GET', TRUSTS + '/{to_tom}')
    both('remove the project', 'DELETE', '/v3/projects/{trusting}')
    both('show the trust on it', 'GET', TRUSTS + '/{on_gone}')
    both('list what is left', 'GET', TRUSTS)


def signature(secret, credentials):
    """The signature (version 2) of a request."""
    query = '&'.join(f'{quote(name, safe="")}={quote(value, safe="-_~")}' for name, value in sorted(credentials['params'].items()))
    text = '\n'.join((credentials['verb'], credentials['host'], credentials['path'], query))
    return b64encode(hmac.new(secret.encode(), text.encode(), 'sha256').digest()).decode()


def signature_s3(secret, text):
    """The older signature of requests for objects."""
    return b64encode(hmac.new(secret.encode(), text, 'sha1').digest()).decode()


def ec2(both):
    base = '/v3/users/{ann}/credentials/OS-EC2'
    for asker in ('ann', 'eve', 'admin'):
        both(f'none by {asker}', 'GET', base, token=asker)
    both('make', 'POST', base, {'tenant_id': '{wall}'}, token='ann', save={'access': 'credential.access', 'secret': 'credential.secret'})
    both('make for another', 'POST', base, {'tenant_id': '{wall}'}, token='admin')
    both('make by a stranger', 'POST', base, {'tenant_id': '{wall}'}, token='eve')
    both('make for an unknown project', 'POST', base, {'tenant_id': NOWHERE}, token='ann')
    both('make for an unknown user', 'POST', f'/v3/users/{NOWHERE}/credentials/OS-EC2', {'tenant_id': '{wall}'})
    for asker in ('ann', 'eve', 'admin', 'bob-system'):
        both(f'list by {asker}', 'GET', base, token=asker)
        both(f'show by {asker}', 'GET', base + '/{access}', token=asker)
        both(f'show an unknown one by {asker}', 'GET', f'{base}/{NOWHERE}', token=asker)
        if asker != 'bob-system':
            both(f'show as that of another by {asker}', 'GET', '/v3/users/{eve}/credentials/OS-EC2/{access}', token=asker)
    both('remove by a stranger', 'DELETE', base + '/{access}', token='eve')
    both('remove', 'DELETE', base + '/{access}', token='ann')
    both('show removed', 'GET', base + '/{access}', token='ann')

    blob = {'access': 'known', 'secret': 'known-secret'}
    both('make known keys', 'POST', '/v3/credentials', {'credential': {'type': 'ec2', 'user_id': '{ann}', 'project_id': '{wall}', 'blob': json.dumps(blob)}})
    both('make known keys without a role', 'POST', '/v3/credentials', {'credential': {'type': 'ec2', 'user_id': '{eve}', 'project_id': '{wall}', 'blob': json.dumps({**blob, 'access': 'eves'})}})
    request = {'access': 'known', 'verb': 'GET', 'host': 'cloud:8773', 'path': '/services/Cloud', 'params': {'SignatureVersion': '2', 'SignatureMethod': 'HmacSHA256', 'Action': 'Test all~', 'AWSAccessKeyId': 'known'}}
    right = {**request, 'signature': signature('known-secret', request)}
    eves = {**request, 'access': 'eves'}
    cases = {
        'right': right, 'without the port': {**request, 'signature': signature('known-secret', {**request, 'host': 'cloud'})},
        'wrong': {**request, 'signature': 'wrong'}, 'by another secret': {**request, 'signature': signature('other', request)}, 'no signature': request,
        'unknown key': {**right, 'access': 'unknown'}, 'changed': {**right, 'path': '/other'}, 'no key': {'signature': 'x'}, 'nothing': {}, 'without a role': {**eves, 'signature': signature('known-secret', eves)},
    }
    for stamp in ('2001-01-01T00:00:00Z', 'soon', '2040-01-01T00:00:00Z'):
        timed = {**request, 'params': {**request['params'], 'Timestamp': stamp}}
        cases[f'signed at {stamp}'] = {**timed, 'signature': signature('known-secret', timed)}
    for name, credentials in cases.items():
        both(f'token: {name}', 'POST', '/v3/ec2tokens', {'credentials': credentials})
    for asker in ('ann', 'eve', 'bob-system', None):
        both(f'token by {asker}', 'POST', '/v3/ec2tokens', {'credentials': right}, token=asker)
    both('token by the other name', 'POST', '/v3/ec2tokens', {'ec2Credentials': right}, save={'signed': 'TOKEN'})
    both('token for no body', 'POST', '/v3/ec2tokens')
    both('get', 'GET', '/v3/ec2tokens')
    text = b'GET\n\n\n\n/bucket'
    s3 = {'access': 'known', 'token': urlsafe_b64encode(text).decode(), 'signature': signature_s3('known-secret', text)}
    for name, credentials in {'right': s3, 'wrong': {**s3, 'signature': 'x'}, 'unknown key': {**s3, 'access': 'unknown'}}.items():
        both(f'object token: {name}', 'POST', '/v3/s3tokens', {'credentials': credentials})
    both('object token by ann', 'POST', '/v3/s3tokens', {'credentials': s3}, token='ann')
    both('validate', 'GET', '/v3/auth/tokens', headers={'X-Subject-Token': '{token_signed}'})
    for path in ('/v3/auth/projects', '/v3/users/{ann}', base):
        both(f'{path} by a signed one', 'GET', path, token='signed')
    both('a token by a signed one', 'POST', '/v3/auth/tokens', by_token('{token_signed}'), token=None)
    both('disable ann', 'PATCH', '/v3/users/{ann}', {'user': {'enabled': False}})
    both('token of a disabled user', 'POST', '/v3/ec2tokens', {'credentials': right})
    both('enable ann', 'PATCH', '/v3/users/{ann}', {'user': {'enabled': True}})


def access_rules(both):
    base = '/v3/users/{ann}/access_rules'
    kind = 'application_credential'
    one = {'path': '/v2.1/servers/**', 'method': 'GET', 'service': 'compute'}

    def make(case, name, rules, token='ann', **more):
        both(case, 'POST', f'/v3/users/{{{token}}}/application_credentials', {kind: {'name': name, 'secret': 'secret', 'access_rules': rules}}, token=token, **more)

    both('none', 'GET', base, token='ann')
    make('make', 'limited', [one], save={'limited': f'{kind}.id'})
    answers = both('list', 'GET', base, token='ann')
    for side, (_, _, body) in zip(both.sides, answers):
        side.names['rule'] = (body.get('access_rules') or [{'id': 'no rule'}])[0]['id']
    make('make with the same', 'same', [one])
    make('make with the same twice', 'twice', [{**one, 'method': 'PUT'}, {**one, 'method': 'DELETE'}])
    make('make by id', 'by id', [{'id': '{rule}'}])
    make('make with nothing', 'nothing', [])
    for name, rule in {'method': {**one, 'method': 'LOOK'}, 'path': {**one, 'path': 'v2.1'}, 'service': {**one, 'service': 'a b'}, 'service a number': {**one, 'service': 5}, 'more': {**one, 'color': 'red'}, 'a word': 'x'}.items():
        make(f'bad: {name}', 'bad', [rule])
    both('list all', 'GET', base, token='ann')
    for query in ('?service=compute', '?method=PUT', '?path=/v2.1/servers/**', '?service=nothing'):
        both(f'list {query}', 'GET', base + query, token='ann')
    for asker in ('admin', 'ann', 'bob-domain', 'bob-system', 'eve'):
        both(f'list by {asker}', 'GET', base, token=asker)
        both(f'show by {asker}', 'GET', base + '/{rule}', token=asker)
        both(f'show an unknown one by {asker}', 'GET', f'{base}/{NOWHERE}', token=asker)
    for asker in ('admin', 'bob-domain', 'bob-system', 'eve'):
        both(f'remove by {asker}', 'DELETE', base + '/{rule}', token=asker)
    both('remove one in use', 'DELETE', base + '/{rule}', token='ann')
    both('show the credential', 'GET', '/v3/users/{ann}/application_credentials/{limited}', token='ann')
    both('log in', 'POST', '/v3/auth/tokens', {'auth': {'identity': {'methods': [kind], kind: {'id': '{limited}', 'secret': 'secret'}}}}, token=None, save={'limited': 'TOKEN'})
    both('validate', 'GET', '/v3/auth/tokens', headers={'X-Subject-Token': '{token_limited}'})
    both('validate and know', 'GET', '/v3/auth/tokens', headers={'X-Subject-Token': '{token_limited}', 'OpenStack-Identity-Access-Rules': '1.0'})
    both('check', 'HEAD', '/v3/auth/tokens', headers={'X-Subject-Token': '{token_limited}'})
    both('ask with it', 'GET', '/v3/auth/projects', token='limited')
    both('remove the credential', 'DELETE', '/v3/users/{ann}/application_credentials/{limited}', token='ann')
    both('remove an unknown one', 'DELETE', f'{base}/{NOWHERE}', token='ann')
