#!/usr/bin/env python3
"""Runs the real Keystone on a loopback port: the reference that `compare.py` compares with.

    reference.py --port PORT --dir DIRECTORY [--password PASSWORD] [--database URL]

Needs a Python environment with `keystone` in it. The directory gets its settings, keys and, unless another database is
named, an SQLite database; what is there already is used again. It answers one connection at a time: with threads, Keystone
mixes up its requests here.
"""

import argparse
import base64
import json
import os
import signal
import subprocess
import sys

SETTINGS = '''[DEFAULT]
public_endpoint = http://127.0.0.1:{port}
[database]
connection = {database}
[fernet_tokens]
key_repository = {dir}/fernet
[credential]
key_repository = {dir}/credential
[auth]
methods = external,password,token,oauth1,mapped,application_credential,ec2credential,openid
[oslo_policy]
enforce_scope = true
enforce_new_defaults = true
[identity]
password_hash_rounds = 4
[cache]
enabled = false
'''


# Who vouches for people, as far as Keystone knows.
ISSUER = 'https://login.example.org/of-this-comparison'


def vouching(application):
    """Puts what an access token says into the environment, as a module of a web server for OpenID Connect does."""
    def asked(environ, start_response):
        scheme, _, token = environ.get('HTTP_AUTHORIZATION', '').partition(' ')
        if scheme == 'Bearer' and environ['PATH_INFO'].endswith('/auth'):
            claims = json.loads(base64.urlsafe_b64decode(token + '=' * (-len(token) % 4)))
            for name, value in (claims | {'iss': ISSUER}).items():
                text = ';'.join(value) if isinstance(value, list) else str(value)
                environ[f'HTTP_OIDC_{name.upper()}'] = text.encode().decode('latin-1')
            if 'sub' in claims:
                environ['REMOTE_USER'] = str(claims['sub']).encode().decode('latin-1')
        return application(environ, start_response)
    return asked


def make(options, settings):
    """Makes the database and the keys, and the first administrator."""
    import grp
    import pwd
    database = options.database or f'sqlite:///{options.dir}/keystone.db'
    with open(settings, 'w') as file:
        file.write(SETTINGS.format(port=options.port, dir=options.dir, database=database))
    for name in ('fernet', 'credential'):
        os.makedirs(os.path.join(options.dir, name), mode=0o700, exist_ok=True)
    manage = os.path.join(os.path.dirname(sys.executable), 'keystone-manage')
    owner = ['--keystone-user', pwd.getpwuid(os.getuid()).pw_name, '--keystone-group', grp.getgrgid(os.getgid()).gr_name]
    address = f'http://127.0.0.1:{options.port}/v3'
    for command in (['db_sync'], ['fernet_setup', *owner], ['credential_setup', *owner],
                    ['bootstrap', '--bootstrap-password', options.password, '--bootstrap-region-id', 'RegionOne',
                     '--bootstrap-admin-url', address, '--bootstrap-internal-url', address,
                     '--bootstrap-public-url', address]):
        subprocess.run([manage, '--config-file', settings, *command], check=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--port', type=int, required=True)
    parser.add_argument('--dir', required=True)
    parser.add_argument('--password', default='secret')
    parser.add_argument('--database', metavar='URL', help='as SQLAlchemy calls it')
    options = parser.parse_args()
    # when it is stopped early, the program that it waits for ends too
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    options.dir = os.path.abspath(options.dir)
    os.makedirs(options.dir, exist_ok=True)
    settings = os.path.join(options.dir, 'keystone.conf')
    if not os.path.exists(settings):
        make(options, settings)
    sys.argv = sys.argv[:1]
    os.environ['OS_KEYSTONE_CONFIG_FILES'] = settings
    os.environ['OS_KEYSTONE_CONFIG_DIR'] = options.dir
    from keystone.server.wsgi import initialize_public_application
    from werkzeug.serving import WSGIRequestHandler, run_simple
    # one connection for many requests, as behind a real server
    WSGIRequestHandler.protocol_version = 'HTTP/1.1'
    run_simple('127.0.0.1', options.port, vouching(initialize_public_application()))


if __name__ == '__main__':
    main()
