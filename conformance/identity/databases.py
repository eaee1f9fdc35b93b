"""The databases that a Keystone can live on, each of its own in a directory: SQLite, PostgreSQL and MariaDB.

Each knows what Keystone calls it (`url`), runs a statement (`ask`), and gives what `drystone identity import --from` reads of
it (`sources`, the one first that operators would take) and what it does not (`useless`, with what it says then).
"""

import os
import pwd
import shutil
import sqlite3
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, '..', 'kit'), os.path.join(HERE, '..', 'operate')]

from cloud import Trouble  # noqa: E402
from postgres import PASSWORD, Postgres  # noqa: E402

# who has nothing, where servers refuse to run as root
NOBODY = 65534


def run(*words):
    """What a program writes, as bytes."""
    # pg_dumpall forgets the password of the address that it is given
    done = subprocess.run(words, capture_output=True, timeout=300, cwd='/', env=os.environ | {'PGPASSWORD': PASSWORD})
    if done.returncode:
        raise Trouble(f'{" ".join(words)}: {done.stderr.decode(errors="replace").strip()}')
    return done.stdout


class Sqlite:
    """A file."""

    def __init__(self, place):
        self.path = os.path.join(place, 'keystone.db')
        self.url = f'sqlite:///{self.path}'

    def ask(self, sql):
        with sqlite3.connect(self.path) as database:
            database.execute(sql)

    def sources(self):
        return {'the file': self.path}

    def useless(self):
        return {}

    def stop(self):
        """There is no server."""


class Dumps:
    """A server that is also read from dumps; `dump` writes one with these words of its program's."""

    def dumped(self, name, *words):
        path = os.path.join(self.place, f'{name}.sql')
        with open(path, 'wb') as file:
            file.write(self.dump(*words))
        return path


class PostgreSQL(Dumps):
    """A server that wants TLS and a password."""

    def __init__(self, place):
        self.place, self.server = place, Postgres(place)
        self.server.ask('CREATE DATABASE keystone')
        self.named = self.server.url('sslmode=require', database='keystone')
        self.url = self.named.replace('postgres://', 'postgresql+psycopg2://')

    def ask(self, sql):
        self.server.ask(sql, self.named)

    def dump(self, program, *words):
        return run(f'{self.server.programs}/{program}', *words, '-d', self.named)

    def sources(self):
        return {'the database': self.url,
                'a dump': self.dumped('dump', 'pg_dump'),
                'a dump with --inserts': self.dumped('inserts', 'pg_dump', '--inserts'),
                'a dump with --column-inserts and --no-owner': self.dumped('columns', 'pg_dump', '--column-inserts', '--no-owner'),
                'a dump of the whole server': self.dumped('all', 'pg_dumpall', '--no-role-passwords')}

    def useless(self):
        return {'a dump without rows': (self.dumped('empty', 'pg_dump', '--schema-only'), r'dumped without its rows\?'),
                'a dump in the form of pg_restore': (self.dumped('custom', 'pg_dump', '--format=custom'), r'pg_restore -f')}

    def stop(self):
        self.server.stop()


class MariaDB(Dumps):
    """A server on a socket in a directory where nobody else comes in."""

    def __init__(self, place):
        self.place, self.socket = place, os.path.join(place, 'socket')
        daemon = shutil.which('mariadbd', path=f'{os.environ["PATH"]}:/usr/sbin')
        if not daemon or not shutil.which('mariadb-install-db') or not shutil.which('mariadb-dump'):
            raise Trouble('this wants MariaDB: apt-get install mariadb-server-core mariadb-client')
        user, data = [], f'--datadir={os.path.join(place, "data")}'
        if os.geteuid() == 0:
            user = ['setpriv', f'--reuid={NOBODY}', f'--regid={NOBODY}', '--clear-groups', '--']
            os.chown(place, NOBODY, NOBODY)
        # the name that the dumping programs give, with which the socket lets us in
        self.root = pwd.getpwuid(os.geteuid()).pw_name
        run(*user, 'mariadb-install-db', '--no-defaults', data, '--auth-root-authentication-method=socket',
            f'--auth-root-socket-user={self.root}', '--skip-test-db')
        with open(os.path.join(place, 'log'), 'ab') as log:
            self.server = subprocess.Popen(
                [*user, daemon, '--no-defaults', data, f'--socket={self.socket}', '--skip-networking', '--skip-log-bin',
                 '--innodb-buffer-pool-size=32M', '--innodb-flush-log-at-trx-commit=0'],
                cwd='/', stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=log)
        try:
            self._wait()
            self._ask(f"CREATE DATABASE keystone; CREATE USER keystone@localhost IDENTIFIED BY '{PASSWORD}'; "
                      'GRANT ALL ON keystone.* TO keystone@localhost')
        except BaseException:
            self.stop()
            raise
        self.url = f'mysql+pymysql://keystone:{PASSWORD}@localhost/keystone?unix_socket={self.socket}&charset=utf8mb4'

    def _wait(self):
        until = time.monotonic() + 60
        while True:
            try:
                return self._ask('SELECT 1')
            except Trouble:
                if time.monotonic() > until or self.server.poll() is not None:
                    raise
                time.sleep(0.1)

    def _ask(self, sql, *words):
        return run('mariadb', '--no-defaults', f'--socket={self.socket}', f'--user={self.root}', *words, f'--execute={sql}')

    def ask(self, sql):
        self._ask(sql, 'keystone')

    def dump(self, *words):
        return run('mariadb-dump', '--no-defaults', f'--socket={self.socket}', f'--user={self.root}', *words)

    def sources(self):
        one = ('--single-transaction', 'keystone')
        return {'a dump': self.dumped('dump', *one),
                'a dump with --databases': self.dumped('databases', '--databases', 'keystone'),
                'a dump of the whole server': self.dumped('all', '--all-databases', '--routines', '--triggers', '--events'),
                'a dump with a row a statement': self.dumped('rows', '--skip-extended-insert', *one),
                'a dump with names of columns': self.dumped('columns', '--complete-insert', '--no-create-info', *one),
                'a dump with --hex-blob': self.dumped('hex', '--hex-blob', *one),
                'a dump with --compact': self.dumped('compact', '--compact', *one),
                'a dump with --replace and --compatible=ansi': self.dumped('ansi', '--replace', '--compatible=ansi',
                                                                           '--default-character-set=utf8mb4', *one)}

    def useless(self):
        # with a standard to keep to, the program writes Latin-1 and does not say so
        return {'a dump without rows': (self.dumped('empty', '--no-data', 'keystone'), r'dumped without its rows\?'),
                'a dump that is not in UTF-8': (self.dumped('latin', '--compatible=ansi', 'keystone'), r'not UTF-8, at line \d+')}

    def stop(self):
        self.server.terminate()
        self.server.wait(timeout=60)


KINDS = {'sqlite': Sqlite, 'postgresql': PostgreSQL, 'mariadb': MariaDB}
