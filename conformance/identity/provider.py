#!/usr/bin/env python3
"""What our side relies on in the chapter `logins`: `provider.py PORT`. Each access token says itself whom it was given to."""

import json
import sys
from base64 import urlsafe_b64decode
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs


def claims(token):
    """What a token says."""
    return json.loads(urlsafe_b64decode(token + '=' * (-len(token) % 4)))


class Provider(BaseHTTPRequestHandler):
    """Says what it is, has no keys, and answers questions about tokens."""

    def answer(self, said):
        body = json.dumps(said).encode()
        self.send_response(200)
        self.send_header('content-length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        issuer = f'http://{self.headers["host"]}'
        own = {'issuer': issuer, 'jwks_uri': f'{issuer}/keys', 'introspection_endpoint': f'{issuer}/introspect'}
        self.answer({'keys': []} if self.path == '/keys' else own)

    def do_POST(self):
        form = self.rfile.read(int(self.headers['content-length'])).decode()
        said = claims(parse_qs(form)['token'][0])
        self.answer({'active': True, 'client_id': 'cloud', 'exp': 4000000000, **said})

    def log_message(self, *_):
        """Nobody reads it."""


if __name__ == '__main__':
    ThreadingHTTPServer(('127.0.0.1', int(sys.argv[1])), Provider).serve_forever()
