"""What both clouds are asked about programs that act for a user (OAuth 1.0)."""

import hmac
import time
from base64 import b64encode
from urllib.parse import parse_qs, quote

from cases import NOWHERE, by_token

CONSUMERS = '/v3/OS-OAUTH1/consumers'
ASK, GIVE = '/v3/OS-OAUTH1/request_token', '/v3/OS-OAUTH1/access_token'
BY_SIGNATURE = {'auth': {'identity': {'methods': ['oauth1'], 'oauth1': {}}}}


def oauth1(both):
    consumers(both)
    requests(both)
    given(both)


def consumers(both):
    both('enter', 'POST', CONSUMERS, {'consumer': {'description': 'printer', 'note': 7}}, save={'consumer': 'consumer.id', 'consumer_secret': 'consumer.secret'})
    both('enter another', 'POST', CONSUMERS, {'consumer': {}}, save={'other': 'consumer.id', 'other_secret': 'consumer.secret'})
    for name, body in (('with nothing', {}), ('with a number', {'consumer': {'description': 7}}), ('with null', {'consumer': {'description': None}}),
                       ('with a secret of its own', {'consumer': {'secret': 'mine'}})):
        both(f'enter {name}', 'POST', CONSUMERS, body)
    for asker in (None, 'ann', 'bob-system', 'admin'):
        both(f'list by {asker}', 'GET', CONSUMERS, token=asker)
        both(f'show by {asker}', 'GET', CONSUMERS + '/{consumer}', token=asker)
        both(f'show an unknown one by {asker}', 'GET', f'{CONSUMERS}/{NOWHERE}', token=asker)
    both('enter by a stranger', 'POST', CONSUMERS, {'consumer': {}}, token='ann')
    both('change by a stranger', 'PATCH', CONSUMERS + '/{consumer}', {'consumer': {'description': 'x'}}, token='ann')
    both('remove by a stranger', 'DELETE', CONSUMERS + '/{consumer}', token='ann')
    for name, change in (('it', {'description': 'scanner'}), ('to nothing', {'description': None}), ('its note', {'note': 8}), ('its secret', {'secret': 'mine'}),
                         ('with nothing', {}), ('with a number', {'description': 7}), ('its id', {'id': NOWHERE})):
        both(f'change {name}', 'PATCH', CONSUMERS + '/{consumer}', {'consumer': change})
    both('change an unknown one', 'PATCH', f'{CONSUMERS}/{NOWHERE}', {'consumer': {'description': 'x'}})
    both('remove an unknown one', 'DELETE', f'{CONSUMERS}/{NOWHERE}')


DIGESTS = {'HMAC-SHA256': 'sha256', 'HMAC-SHA512': 'sha512'}


def signature(method, key, text):
    """What stands in the header as the signature."""
    if method == 'PLAINTEXT':
        return key
    return b64encode(hmac.new(key.encode(), text.encode(), DIGESTS.get(method, 'sha1')).digest()).decode()


def signed(both, path, token='', program='consumer', wrong=False, **more):
    """Signs a POST to `path` on each side; the header is its slot `{signed}`."""
    for side in both.sides:
        own = {'oauth_consumer_key': side.names[program], 'oauth_nonce': '7d8f3e4a', 'oauth_signature_method': 'HMAC-SHA1',
               'oauth_timestamp': str(int(time.time())), 'oauth_version': '1.0', **{f'oauth_{name}': side.fill(value) for name, value in more.items()}}
        secrets = [side.names[program + '_secret'], '']
        if token:
            own['oauth_token'], secrets[1] = side.names[token], side.names.get(token + '_secret', '')
        pairs = '&'.join(f'{name}={quote(value, safe="~")}' for name, value in sorted(own.items()))
        text = '&'.join(quote(part, safe='~') for part in ('POST', side.base + path, pairs))
        key = '&'.join(secrets) + ('x' if wrong else '')
        own['oauth_signature'] = signature(own['oauth_signature_method'], key, text)
        side.names['signed'] = 'OAuth ' + ', '.join(f'{name}="{quote(value, safe="~")}"' for name, value in own.items())
    return {'Authorization': '{signed}', 'Requested-Project-Id': '{admin_project}'}


def take(both, answers, name):
    """What a program was given, from the answers in its form."""
    for side, (_, _, text) in zip(both.sides, answers):
        form = parse_qs(text if isinstance(text, str) else '')
        side.names[name] = form.get('oauth_token', [NOWHERE])[0]
        side.names[name + '_secret'] = form.get('oauth_token_secret', [''])[0]


def requests(both):
    both('ask', 'POST', ASK, token=None, headers=signed(both, ASK, callback='oob'))
    for name, more in (('without a callback', {}), ('with a wrong secret', {'callback': 'oob', 'wrong': True}), ('with another version', {'callback': 'oob', 'version': '2.0'}),
                       ('in a strange way', {'callback': 'oob', 'signature_method': 'PLAINTEXTS'}), ('too late', {'callback': 'oob', 'timestamp': '1000000000'}),
                       ('at no time', {'callback': 'oob', 'timestamp': 'yesterday!'}), ('at a short time', {'callback': 'oob', 'timestamp': '7'}),
                       ('with a strange nonce', {'callback': 'oob', 'nonce': 'wIjqoxSZ'}), ('without a nonce', {'callback': 'oob', 'nonce': ''})):
        both(f'ask {name}', 'POST', ASK, token=None, headers=signed(both, ASK, **more))
    for method in ('HMAC-SHA256', 'HMAC-SHA512', 'PLAINTEXT', 'RSA-SHA1'):
        for name, wrong in (('', False), (' wrongly', True)):
            both(f'ask by {method}{name}', 'POST', ASK, token=None, headers=signed(both, ASK, callback='oob', signature_method=method, wrong=wrong))
    both('ask for an unknown project', 'POST', ASK, token=None, headers={**signed(both, ASK, callback='oob'), 'Requested-Project-Id': NOWHERE})
    both('ask for no project', 'POST', ASK, token=None, headers={'Authorization': signed(both, ASK, callback='oob')['Authorization']})
    both('ask as an unknown one', 'POST', ASK, token=None, headers=signed(both, ASK, callback='oob', consumer_key=NOWHERE))
    both('ask without a header', 'POST', ASK, token=None)
    both('ask by GET', 'GET', ASK)
    take(both, both('ask to be lent something', 'POST', ASK, token=None, headers=signed(both, ASK, callback='oob')), 'request')
    lend = '/v3/OS-OAUTH1/authorize/{request}'
    roles = {'roles': [{'id': '{role_member}'}]}
    both('give what nobody lends', 'POST', GIVE, token=None, headers=signed(both, GIVE, 'request', verifier='abcdefgh'))
    for name, body in (('an unknown role', {'roles': [{'id': NOWHERE}]}), ('an unknown name', {'roles': [{'name': 'nobody'}]}), ('no role', {'roles': [{}]}),
                       ('words', {'roles': 'member'}), ('both', {'roles': [{'id': '{role_member}', 'name': 'member'}]})):
        both(f'lend {name}', 'PUT', lend, body)
    both('lend by a stranger', 'PUT', lend, roles, token='ann')
    both('lend for an unknown request', 'PUT', f'/v3/OS-OAUTH1/authorize/{NOWHERE}', roles)
    answers = both('lend', 'PUT', lend, roles, compare=False)
    for side, (status, _, body) in zip(both.sides, answers):
        assert status == 200 and list(body['token']) == ['oauth_verifier'], (side.name, status, body)
        side.names['verifier'] = body['token']['oauth_verifier']
    for name, more in (('with a wrong verifier', {'verifier': 'abcdefgh'}), ('with no verifier', {'verifier': 'iIlL1oO0'}), ('with a wrong secret', {'verifier': '{verifier}', 'wrong': True}),
                       ('to another', {'verifier': '{verifier}', 'program': 'other'}), ('without a verifier', {})):
        both(f'give {name}', 'POST', GIVE, token=None, headers=signed(both, GIVE, 'request', **more))
    both('give nothing', 'POST', GIVE, token=None, headers=signed(both, GIVE, verifier='{verifier}'))
    take(both, both('give', 'POST', GIVE, token=None, headers=signed(both, GIVE, 'request', verifier='{verifier}')), 'access')
    both('give again', 'POST', GIVE, token=None, headers=signed(both, GIVE, 'request', verifier='{verifier}'))


def given(both):
    path = '/v3/auth/tokens'
    both('log in', 'POST', path, BY_SIGNATURE, token=None, headers=signed(both, path, 'access'), save={'lent': 'TOKEN'})
    both('log in for another project', 'POST', path, {'auth': {**BY_SIGNATURE['auth'], 'scope': {'project': {'id': '{wall}'}}}}, token=None, headers=signed(both, path, 'access'))
    both('log in with a wrong secret', 'POST', path, BY_SIGNATURE, token=None, headers=signed(both, path, 'access', wrong=True))
    both('log in as another', 'POST', path, BY_SIGNATURE, token=None, headers=signed(both, path, 'access', program='other'))
    both('log in with a request', 'POST', path, BY_SIGNATURE, token=None, headers=signed(both, path, 'request'))
    both('log in with nothing', 'POST', path, BY_SIGNATURE, token=None, headers=signed(both, path))
    both('its token', 'GET', path, headers={'X-Subject-Token': '{token_lent}'})
    both('a token of its token', 'POST', path, by_token('{token_lent}'), token=None)
    both('a trust of its token', 'POST', '/v3/OS-TRUST/trusts', {'trust': {'trustor_user_id': '{admin_user}', 'trustee_user_id': '{ann}', 'project_id': '{admin_project}',
         'impersonation': False, 'roles': [{'name': 'member'}]}}, token='lent')
    both('an application credential of its token', 'POST', '/v3/users/{admin_user}/application_credentials', {'application_credential': {'name': 'more'}}, token='lent')
    tokens = '/v3/users/{admin_user}/OS-OAUTH1/access_tokens'
    for asker in ('admin', 'ann', 'lent'):
        both(f'list what is lent by {asker}', 'GET', tokens, token=asker)
        both(f'show what is lent by {asker}', 'GET', tokens + '/{access}', token=asker)
        both(f'list roles by {asker}', 'GET', tokens + '/{access}/roles', token=asker)
        both(f'show a role by {asker}', 'GET', tokens + '/{access}/roles/{role_member}', token=asker)
    both('show another role', 'GET', tokens + '/{access}/roles/{role_reader}')
    both('show an unknown one', 'GET', f'{tokens}/{NOWHERE}')
    both('show a role as that of another', 'GET', '/v3/users/{ann}/OS-OAUTH1/access_tokens/{access}/roles/{role_member}')
    both('list nothing', 'GET', '/v3/users/{ann}/OS-OAUTH1/access_tokens')
    both('take back by a stranger', 'DELETE', tokens + '/{access}', token='ann')
    both('take back what another lent', 'DELETE', '/v3/users/{ann}/OS-OAUTH1/access_tokens/{access}')
    both('take back', 'DELETE', tokens + '/{access}')
    both('its token once it is taken back', 'GET', path, headers={'X-Subject-Token': '{token_lent}'})
    both('log in once it is taken back', 'POST', path, BY_SIGNATURE, token=None, headers=signed(both, path, 'access'))
    for consumer in ('consumer', 'other'):
        both(f'remove {consumer}', 'DELETE', CONSUMERS + '/{' + consumer + '}')
