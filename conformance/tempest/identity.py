"""Tempest's and keystone-tempest-plugin's tests of identity, on a cloud that has all of identity that they ask about.

The cloud and the provider of OpenID Connect that it relies on are started and removed here; run.py does the rest.
"""

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, '..', 'kit')]

from cloud import Cloud, free_port  # noqa: E402
from realm import Realm  # noqa: E402

TESTS = r'^(tempest\.api\.identity|keystone_tempest_plugin)\.'
SETTINGS = '''[security_compliance]
lockout_failure_attempts = 2
lockout_duration = 5
unique_last_password_count = 2

[[federation.provider]]
identity_provider = "corp"
protocol = "openid"
issuer = "{issuer}"
client_id = "cloud"
client_secret = "cloud secret"
'''


def main():
    options = arguments()
    place = tempfile.mkdtemp(prefix='ds-', dir='/tmp')
    # an interrupted test still removes its cloud
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    realm = Realm(options.modules, place, free_port())
    cloud = Cloud('sim', options.program)
    try:
        with open(os.path.join(cloud.state_dir, 'drystone.toml'), 'w') as file:
            file.write(SETTINGS.format(issuer=realm.issuer))
        cloud.up()
        cloud.wait_host()
        return tempest(cloud, realm, options)
    finally:
        realm.close()
        cloud.destroy()
        shutil.rmtree(place, ignore_errors=True)


def tempest(cloud, realm, options):
    """The exit status of run.py; the cloud's logs are kept if it is not 0."""
    command = [sys.executable, os.path.join(HERE, 'run.py'), '--state-dir', cloud.state_dir, '--image', options.image, '--no-guests',
               '--provider', realm.url, realm.issuer, '--workspace', options.workspace, '--regex', options.regex]
    status = subprocess.run(command).returncode
    if status:
        cloud.keep_logs(os.path.join(options.workspace, 'logs'))
    return status


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--program')
    parser.add_argument('--modules', required=True)
    parser.add_argument('--image', required=True)
    parser.add_argument('--workspace', required=True, metavar='DIR')
    parser.add_argument('--regex', default=TESTS, help='tests whose name matches (%(default)s)')
    return parser.parse_args()


if __name__ == '__main__':
    sys.exit(main())
