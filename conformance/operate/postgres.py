"""A PostgreSQL server from Debian's packages, in a directory of its own, that wants TLS and a password."""

import os
import shutil
import signal
import subprocess
import time

from cloud import PATIENCE, Trouble, free_port

PASSWORD = 'a-password-of-the-database'


class Postgres:
    """One server, on 127.0.0.1; its certificate is for localhost and 127.0.0.1."""

    def __init__(self, place):
        bins = sorted(name for name in os.listdir('/usr/lib/postgresql')) if os.path.isdir('/usr/lib/postgresql') else []
        if not bins:
            raise Trouble('this wants PostgreSQL: apt-get install postgresql')
        self.programs, self.place, self.port, self.count = f'/usr/lib/postgresql/{bins[-1]}/bin', place, free_port(), 0
        self.data = os.path.join(place, 'data')
        self.root, self.other_root = os.path.join(place, 'root.crt'), os.path.join(place, 'other.crt')
        # the server refuses to run as root
        self.user = ['setpriv', '--reuid=postgres', '--regid=postgres', '--init-groups', '--'] if os.geteuid() == 0 else []
        self._certificates()
        if self.user:
            for folder, _, names in os.walk(place):
                for path in (folder, *(os.path.join(folder, name) for name in names)):
                    shutil.chown(path, 'postgres')
            os.chmod(place, 0o711)
        secret = os.path.join(place, 'password')
        self._run('sh', '-c', f'umask 077; echo {PASSWORD} > {secret}')
        self._run(f'{self.programs}/initdb', '-D', self.data, '-U', 'drystone', '-A', 'scram-sha-256', '--pwfile', secret,
                  '-E', 'UTF8', '--locale=C', '--no-sync')
        self._run('sh', '-c', f'echo "hostssl all all 127.0.0.0/8 scram-sha-256" > {self.data}/pg_hba.conf; '
                              f'cp {place}/server.crt {place}/server.key {self.data}/; chmod 600 {self.data}/server.key')
        self.server = subprocess.Popen(
            [*self.user, f'{self.programs}/postgres', '-D', self.data, '-k', self.data, '-p', str(self.port), '-c', 'listen_addresses=127.0.0.1,127.0.0.2',
             '-c', 'ssl=on', '-c', 'fsync=off', '-c', 'shared_buffers=32MB', '-c', 'max_connections=100'],
            cwd='/', stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=open(os.path.join(place, 'log'), 'ab'))
        try:
            self._wait()
        except BaseException:
            self.stop()
            raise

    def _wait(self):
        until = time.monotonic() + PATIENCE
        while True:
            try:
                return self.ask('SELECT 1')
            except Trouble:
                if time.monotonic() > until or self.server.poll() is not None:
                    raise
                time.sleep(0.1)

    def url(self, options, host='localhost', database='postgres'):
        return f'postgres://drystone:{PASSWORD}@{host}:{self.port}/{database}?{options}'

    def fresh(self):
        """A new, empty database."""
        self.count += 1
        self.ask(f'CREATE DATABASE op_{self.count}')
        return f'op_{self.count}'

    def ask(self, sql, url=None):
        """One statement by the stock client; its answer as text."""
        done = subprocess.run([f'{self.programs}/psql', '-X', '-A', '-t', '-q', '-c', sql, url or self.url('sslmode=require')],
                              capture_output=True, text=True, timeout=120, cwd='/')
        if done.returncode:
            raise Trouble(f'psql: {done.stderr.strip()}')
        return done.stdout.strip()

    def stop(self):
        """Ends it at once: nobody wants its data."""
        if self.server.poll() is None:
            self.server.send_signal(signal.SIGQUIT)
            self.server.wait(timeout=120)

    def _run(self, *words):
        done = subprocess.run([*self.user, *words], capture_output=True, text=True, timeout=60, cwd='/')
        if done.returncode:
            raise Trouble(f'{" ".join(words)}: {(done.stderr or done.stdout).strip()}')

    def _certificates(self):
        """Two authorities, and a certificate from the first."""
        def openssl(*words):
            subprocess.run(['openssl', *words], check=True, capture_output=True, cwd=self.place)
        key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '9']
        for name in ('root', 'other'):
            openssl('req', '-x509', *key, '-subj', f'/CN=the {name}', '-keyout', f'{name}.key', '-out', f'{name}.crt')
        openssl('req', *key, '-subj', '/CN=localhost', '-keyout', 'server.key', '-out', 'server.csr')
        with open(os.path.join(self.place, 'names'), 'w', encoding='utf-8') as file:
            file.write('subjectAltName=DNS:localhost,IP:127.0.0.1\n')
        openssl('x509', '-req', '-in', 'server.csr', '-CA', 'root.crt', '-CAkey', 'root.key', '-days', '9', '-extfile', 'names', '-out', 'server.crt')
