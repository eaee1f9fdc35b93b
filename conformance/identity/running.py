"""Programs beside the cloud: who vouches for people, and the Keystone that is taken over."""

import os
import subprocess
import sys
import time

from calls import Api
from cloud import Trouble, free_port

HERE = os.path.dirname(os.path.abspath(__file__))

HASH = '''
import sys
from keystone.common import password_hashing
import keystone.conf
conf = keystone.conf.CONF
keystone.conf.configure()
conf([], default_config_files=[sys.argv[1]])
conf.set_override('password_hash_algorithm', sys.argv[2], 'identity')
conf.set_override('password_hash_rounds', None, 'identity')
print(password_hashing.hash_password(sys.argv[3]))
'''


class Process:
    """One of them; ended by its id."""

    def __init__(self, log, script, *words):
        self.log = log
        with open(log, 'ab') as file:
            self.process = subprocess.Popen([sys.executable, os.path.join(HERE, script), *words],
                                            stdin=subprocess.DEVNULL, stdout=file, stderr=file)

    def wait(self, url, within):
        """The API at that address, once it answers."""
        api, until = Api(url), time.monotonic() + within
        while True:
            try:
                api.ask('GET', '')
                return api
            except OSError:
                if time.monotonic() > until or self.process.poll() is not None:
                    with open(self.log, errors='replace') as file:
                        last = file.read().strip().splitlines()[-1:]
                    raise Trouble(f'nothing answers at {url}: {last}') from None
                time.sleep(0.2)

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(timeout=30)


class Provider(Process):
    """Vouches for whoever says so."""

    def __init__(self, place):
        port = str(free_port())
        self.issuer = f'http://127.0.0.1:{port}'
        super().__init__(os.path.join(place, 'provider.log'), 'provider.py', port)


class Reference(Process):
    """The Keystone that is taken over, on a database."""

    def __init__(self, place, database):
        port = str(free_port())
        self.place, self.database, self.url = place, database, f'http://127.0.0.1:{port}/v3'
        super().__init__(os.path.join(place, 'keystone.log'), 'reference.py', '--port', port, '--dir', place, '--database', database.url)

    def hashed(self, word, algorithm):
        """A password hashed as Keystone hashes it when it is told to."""
        done = subprocess.run([sys.executable, '-c', HASH, os.path.join(self.place, 'keystone.conf'), algorithm, word],
                              capture_output=True, text=True, check=True)
        return done.stdout.split()[-1]

    def set_password(self, user, what):
        """Changes a user's password where it lies."""
        self.database.ask(f"UPDATE password SET {what} WHERE local_user_id = (SELECT id FROM local_user WHERE user_id = '{user}')")

    def keys(self):
        """Where its keys are, as words for `drystone identity import`."""
        return ['--fernet-keys', os.path.join(self.place, 'fernet'), '--credential-keys', os.path.join(self.place, 'credential')]
