"""Commands in a guest, over the stock `ssh`."""

import os
import shlex
import subprocess
import time

OPTIONS = ['-o', 'StrictHostKeyChecking=no', '-o', 'UserKnownHostsFile=/dev/null', '-o', 'LogLevel=ERROR',
           '-o', 'PasswordAuthentication=no', '-o', 'BatchMode=yes', '-o', 'ConnectTimeout=5', '-o', 'ServerAliveInterval=5']


def make_key(folder, name='key'):
    """A fresh pair of files; returns the private and the public path."""
    private = os.path.join(folder, name)
    if not os.path.exists(private):
        subprocess.run(['ssh-keygen', '-q', '-t', 'ecdsa', '-N', '', '-C', 'conformance', '-f', private], check=True)
    return private, private + '.pub'


class Guest:
    """One guest at one address, reached from here or `via` another guest."""

    def __init__(self, address, private_key, user='cirros', via=None):
        self.address, self.private_key, self.user, self.via = address, private_key, user, via

    def command(self, words):
        return [*self._ssh(), f'{self.user}@{self.address}', words]

    def _ssh(self):
        jump = ['-o', 'ProxyCommand=' + shlex.join([*self.via._ssh(), '-W', '%h:%p', f'{self.via.user}@{self.via.address}'])] \
            if self.via else []
        return ['ssh', *OPTIONS, '-i', self.private_key, *jump]

    def run(self, words, timeout=60):
        """Exit status and output; 255 when ssh itself failed."""
        try:
            done = subprocess.run(self.command(words), capture_output=True, text=True, errors='replace', timeout=timeout,
                                  stdin=subprocess.DEVNULL)
        except subprocess.TimeoutExpired:
            return 124, f'no answer within {timeout} s'
        return done.returncode, done.stdout + done.stderr

    def wait(self, within=180):
        """Waits until the guest answers; returns the seconds, or None."""
        began = time.monotonic()
        while time.monotonic() - began < within:
            if self.run('true', timeout=15)[0] == 0:
                return time.monotonic() - began
            time.sleep(0.5)
        return None
