"""A directory of Debian's `slapd`, in a place of its own, with three users and a group below dc=example."""

import os
import socket
import subprocess
import time

from cloud import PATIENCE, Trouble, free_port

TREES = '''dn: dc=example
objectClass: dcObject
objectClass: organization
dc: example
o: example

dn: ou=People,dc=example
objectClass: organizationalUnit
ou: People

dn: ou=Teams,dc=example
objectClass: organizationalUnit
ou: Teams

dn: cn=reader,dc=example
objectClass: person
cn: reader
sn: reader
userPassword: reads

dn: cn=makers,ou=Teams,dc=example
objectClass: groupOfNames
cn: makers
member: uid=ada,ou=People,dc=example
member: uid=ben,ou=People,dc=example

'''

SETTINGS = '''include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
database mdb
maxsize 104857600
suffix "dc=example"
rootdn "cn=root,dc=example"
rootpw rules
directory {place}/db
access to attrs=userPassword by anonymous auth by * none
access to * by users read by anonymous auth
'''


class Slapd:
    """It answers once it is made, until it is stopped."""

    def __init__(self, place, people=('ada', 'ben', 'cy')):
        self.place, self.port, self.process = place, free_port(), None
        self.url = f'ldap://127.0.0.1:{self.port}'
        os.mkdir(os.path.join(place, 'db'))
        with open(os.path.join(place, 'slapd.conf'), 'w', encoding='utf-8') as file:
            file.write(SETTINGS.format(place=place))
        with open(os.path.join(place, 'all.ldif'), 'w', encoding='utf-8') as file:
            file.write(TREES)
            for uid in people:
                file.write(f'dn: uid={uid},ou=People,dc=example\nobjectClass: inetOrgPerson\nuid: {uid}\ncn: {uid}\nsn: {uid}\n'
                           f'mail: {uid}@example\nuserPassword: {uid}-word\n\n')
        done = subprocess.run(['/usr/sbin/slapadd', '-q', '-f', 'slapd.conf', '-l', 'all.ldif'], cwd=place, capture_output=True, text=True)
        if done.returncode:
            raise Trouble(f'slapadd: {done.stderr.strip()}')
        self.start()

    def start(self):
        self.process = subprocess.Popen(['/usr/sbin/slapd', '-d', '0', '-f', 'slapd.conf', '-h', self.url], cwd=self.place,
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until = time.monotonic() + PATIENCE
        while True:
            try:
                return socket.create_connection(('127.0.0.1', self.port), timeout=1).close()
            except OSError:
                if time.monotonic() > until or self.process.poll() is not None:
                    raise Trouble('slapd does not answer') from None
                time.sleep(0.05)

    def stop(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(timeout=120)

    def options(self):
        """What drystone.toml says of it, for a domain `corp`."""
        return f'''[domains.corp.identity]
driver = "ldap"

[domains.corp.ldap]
url = "{self.url}"
user = "cn=reader,dc=example"
password = "reads"
user_tree_dn = "ou=People,dc=example"
user_id_attribute = "uid"
user_name_attribute = "uid"
group_tree_dn = "ou=Teams,dc=example"
group_name_attribute = "cn"
page_size = 2
'''
