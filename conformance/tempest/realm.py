"""A real provider of OpenID Connect (../kit/provider.py), found where Keycloak would be.

keystone-tempest-plugin takes it for granted that a provider is called as Keycloak is: what is asked at Keycloak's addresses is
passed on. Keycloak's own client `admin-cli`, with which the plugin looks whether it may do things there, is `cli` here.
"""

import os
import threading
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlencode

from provider import Provider

# no browser is sent back here
NOWHERE = 'http://127.0.0.1/nowhere'
PLACES = {'/realms/master/.well-known/openid-configuration': '/.well-known/openid-configuration',
          '/realms/master/protocol/openid-connect/token': '/token'}


class Realm:
    """`url` is what Keycloak's addresses begin with; `issuer` is what the provider calls itself."""

    def __init__(self, modules, place, port):
        self.provider = Provider(modules, port, [NOWHERE], os.path.join(place, 'provider.log'))
        self.issuer = self.provider.issuer
        self.front = ThreadingHTTPServer(('127.0.0.1', 0), type('Bound', (Front,), {'issuer': self.issuer}))
        self.url = f'http://127.0.0.1:{self.front.server_port}'
        threading.Thread(target=self.front.serve_forever, daemon=True).start()

    def close(self):
        self.front.shutdown()
        self.provider.stop()


class Front(BaseHTTPRequestHandler):
    """Passes on what is asked at one of PLACES."""

    def do_GET(self):
        self._pass_on(None)

    def do_POST(self):
        form = dict(parse_qsl(self.rfile.read(int(self.headers['content-length'])).decode()))
        if form.get('client_id') == 'admin-cli':
            form |= {'client_id': 'cli', 'client_secret': 'cli secret'}
        self._pass_on(urlencode(form).encode())

    def _pass_on(self, data):
        if self.path not in PLACES:
            return self.send_error(404)
        request = urllib.request.Request(self.issuer + PLACES[self.path], data)
        if 'authorization' in self.headers:
            request.add_header('Authorization', self.headers['authorization'])
        try:
            answer = urllib.request.urlopen(request, timeout=20)
        except urllib.error.HTTPError as refusal:
            answer = refusal
        with answer:
            body = answer.read()
            self.send_response(answer.status)
            self.send_header('Content-Type', answer.headers['content-type'])
            self.send_header('Content-Length', str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    def log_message(self, *_):
        """Nobody reads it."""
