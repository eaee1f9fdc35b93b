"""A Keystone, ours or theirs, as it is asked: by people, by programs that act for them, and by services."""

import base64
import json
import time
import urllib.error
import urllib.request

import oauthlib.oauth1
from cloud import Trouble
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from keystoneclient.contrib.ec2.utils import Ec2Signer
from logins import bearer

SIGNED = {'auth': {'identity': {'methods': ['oauth1'], 'oauth1': {}}}}
PROVIDER = '/OS-FEDERATION/identity_providers/corp/protocols/mapped/auth'


def password(name, word, domain='guild'):
    return {'methods': ['password'], 'password': {'user': {'name': name, 'password': word, 'domain': {'name': domain}}}}


def secret(credential, word=None):
    """An application credential, with its secret or with another word."""
    return {'methods': ['application_credential'],
            'application_credential': {'id': credential['id'], 'secret': word or credential['secret']}}


def passcode(user, key):
    """What a device that shows passcodes shows now."""
    device = TOTP(base64.b32decode(key), 6, SHA1(), 30, enforce_key_length=False)
    return {'methods': ['totp'], 'totp': {'user': {'id': user, 'passcode': device.generate(int(time.time())).decode()}}}


def token_in(answer):
    """The token that an answer gives; None if it gives none."""
    status, headers, _ = answer
    return headers['X-Subject-Token'] if status in (200, 201) else None


class Api:
    """The API at one address."""

    def __init__(self, base):
        self.base = base

    def ask(self, method, path, body=None, token=None, **headers):
        """Status, headers and body of an answer, read as JSON where it is JSON."""
        headers = {name.replace('_', '-'): value for name, value in headers.items()} | {'Content-Type': 'application/json'}
        if token:
            headers['X-Auth-Token'] = token
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.base + path, data, headers, method=method)
        try:
            answer = urllib.request.urlopen(request, timeout=60)
        except urllib.error.HTTPError as refused:
            answer = refused
        with answer:
            text = answer.read()
            return answer.status, answer.headers, json.loads(text) if text[:1] in (b'{', b'[') else text.decode()

    def done(self, method, path, body=None, token=None, **headers):
        """The body of an answer that must be a good one."""
        status, _, told = self.ask(method, path, body, token, **headers)
        if status not in (200, 201, 204):
            raise Trouble(f'{method} {path}: {status} {told}')
        return told

    def made(self, token, path, noun, **attributes):
        """Makes a thing; its JSON."""
        return self.done('POST', path, {noun: attributes}, token)[noun]

    def enter(self, identity, scope=None):
        """Asks for a token."""
        return self.ask('POST', '/auth/tokens', {'auth': {'identity': identity} | ({'scope': scope} if scope else {})})

    def login(self, identity, scope=None):
        """A token for somebody who must get one."""
        answer = self.enter(identity, scope)
        token = token_in(answer)
        if not token:
            raise Trouble(f'no token is given out: {answer[0]} {answer[2]}')
        return token

    def signed(self, path, program, body=None, **more):
        """A POST that a program signs (OAuth 1.0)."""
        client = oauthlib.oauth1.Client(program['id'], program['secret'], program.get('token'), program.get('token_secret'), **more)
        _, headers, _ = client.sign(self.base + path, 'POST')
        return self.ask('POST', path, body, Authorization=headers['Authorization'], Requested_Project_Id=program['project'])

    def by_keys(self, keys, service):
        """Asks for a token with what a client of EC2 has signed, as the service does that was asked by it."""
        request = {'access': keys['access'], 'verb': 'GET', 'host': 'cloud', 'path': '/',
                   'params': {'SignatureVersion': '2', 'SignatureMethod': 'HmacSHA256', 'AWSAccessKeyId': keys['access']}}
        signature = Ec2Signer(keys['secret']).generate(request)
        return self.ask('POST', '/ec2tokens', {'credentials': request | {'signature': signature}}, service)

    def vouched(self, claims):
        """Asks for a token for somebody of whom the provider says this."""
        return self.ask('POST', PROVIDER, **bearer(claims))
