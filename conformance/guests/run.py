"""Guests on real metal, seen from inside: networks, names, routers, isolation, security groups, metadata.

The cloud runs already (--state-dir). Guests are reached with the stock `ssh`, from this machine over floating IPs and
from guest to guest through them. What is made is removed again. The result ends with `N passed, N failed`.
"""

import argparse
import base64
import json
import os
import shutil
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, '..', 'kit'), os.path.join(HERE, '..', 'leak')]

import openstack  # noqa: E402

import debian  # noqa: E402
import leak  # noqa: E402
import probe  # noqa: E402
from guest import Guest, make_key  # noqa: E402
from report import Report  # noqa: E402

SOON = 4.0                    # seconds until a rule works: a tenth of one, where nothing else is going on
USER_DATA = '#!/bin/sh\necho "user data ran on $(hostname | cut -d. -f1)" > /tmp/user-data-ran\n'
FETCH = 'curl -sf --max-time 10 {0} || wget -q -O - {0}'
PASSWORD = 'a-Stranger-of-1-test'


class Project:
    """One project's networks and guests, remembered in the order in which they must go."""

    def __init__(self, connection, key, image, flavor, ssh_user):
        self.cloud, self.key, self.image, self.flavor, self.ssh_user = connection, key, image, flavor, ssh_user
        self._undo = []

    def later(self, what, *arguments, **named):
        self._undo.append((what, arguments, named))

    def clean(self):
        """Undoes everything, last made first; returns sentences about what would not go."""
        wrong = []
        for what, arguments, named in reversed(self._undo):
            try:
                what(*arguments, **named)
            except Exception as news:
                wrong.append(f'{what.__name__}: {news}')
        self._undo.clear()
        return wrong

    def key_pair(self):
        with open(self.key + '.pub') as file:
            self.cloud.compute.create_keypair(name='guests', public_key=file.read())
        self.later(self.cloud.compute.delete_keypair, 'guests')

    def group(self, name, *rules):
        """A security group with ingress rules."""
        made = self.cloud.network.create_security_group(name=name)
        self.later(self.cloud.network.delete_security_group, made)
        for rule in rules:
            self.rule(made, **rule)
        return made

    def rule(self, group, **rule):
        return self.cloud.network.create_security_group_rule(security_group_id=group.id, direction='ingress', ethertype='IPv4', **rule)

    def network(self, name, cidr, router=None):
        network = self.cloud.network.create_network(name=name)
        self.later(self.cloud.network.delete_network, network)
        subnet = self.cloud.network.create_subnet(network_id=network.id, name=name, ip_version=4, cidr=cidr)
        if router:
            self.cloud.network.add_interface_to_router(router, subnet_id=subnet.id)
            self.later(self.cloud.network.remove_interface_from_router, router, subnet_id=subnet.id)
        return network

    def router(self, name):
        public = self.cloud.network.find_network('public', ignore_missing=False)
        router = self.cloud.network.create_router(name=name, external_gateway_info={'network_id': public.id})
        self.later(self.cloud.network.delete_router, router)
        return router

    def server(self, name, network, groups, **more):
        """Asks for a server; `built` waits for it, so that several build at once."""
        more = {'flavor_id': self.flavor.id, 'image_id': self.image.id, **more}
        server = self.cloud.compute.create_server(
            name=name, networks=[{'uuid': network.id}], key_name='guests',
            security_groups=[{'name': group.id} for group in groups],
            user_data=base64.b64encode(more.pop('script', USER_DATA).encode()).decode(), **more)
        self.later(self.cloud.compute.wait_for_delete, server, wait=120)
        self.later(self.cloud.compute.delete_server, server)
        return server

    def built(self, server):
        return self.cloud.compute.wait_for_server(server, wait=180, interval=0.5)

    def fixed(self, server):
        return next(iter(self.cloud.network.ports(device_id=server.id))).fixed_ips[0]['ip_address']

    def floating(self, server):
        """A floating IP on the server's first port, and the guest behind it."""
        public = self.cloud.network.find_network('public', ignore_missing=False)
        port = next(iter(self.cloud.network.ports(device_id=server.id)))
        address = self.cloud.network.create_ip(floating_network_id=public.id, port_id=port.id)
        self.later(self.cloud.network.delete_ip, address)
        return Guest(address.floating_ip_address, self.key, self.ssh_user)


class Test:
    """The scenes, in order; each uses what the first one built."""

    def __init__(self, options, report, scratch):
        self.options, self.report = options, report
        self.admin, self.demo_cloud = openstack.connect(cloud='drystone-admin'), openstack.connect(cloud='drystone')
        self.key, _ = make_key(scratch)
        self.image = self._image()
        self.flavor = self.demo_cloud.compute.find_flavor(options.flavor, ignore_missing=False)
        self.demo = self._project(self.demo_cloud)
        self.stranger = None

    def _image(self):
        return self.admin.image.create_image('guests', filename=self.options.image, disk_format=self.options.image_format,
                                             container_format='bare', visibility='public')

    def _project(self, connection):
        return Project(connection, self.key, self.image, self.flavor, self.options.ssh_user)

    def run(self):
        self.build()
        self.reach()
        self.keep_apart()
        self.change_rules()
        self.look_inside()

    def build(self):
        """Two networks of one project behind a router, and a stranger with an open door."""
        demo = self.demo
        demo.key_pair()
        ssh, icmp = {'protocol': 'tcp', 'port_range_min': 22, 'port_range_max': 22}, {'protocol': 'icmp'}
        self.open_group = demo.group('guests-open', ssh, icmp)
        self.tight = demo.group('guests-tight', icmp)
        router = demo.router('guests')
        left, right = demo.network('guests-left', '10.91.0.0/24', router), demo.network('guests-right', '10.92.0.0/24', router)
        self.servers = {
            'anna': demo.server('anna', left, [self.open_group], config_drive=True),
            'bert': demo.server('bert', left, [self.tight]),
            'carl': demo.server('carl', right, [self.open_group]),
        }
        self.stranger = self._stranger()
        self.guests = {}
        for name in self.servers:
            with self.report.check(f'{name} becomes ACTIVE'):
                self.servers[name] = demo.built(self.servers[name])
                self.guests[name] = demo.floating(self.servers[name])
        with self.report.check('a guest of another project becomes ACTIVE'):
            self.foreign = self.stranger.built(self.foreign)
            self.guests['stranger'] = self.stranger.floating(self.foreign)
        for name in ('anna', 'carl', 'stranger'):
            with self.report.check(f'SSH from this machine to {name} over its floating IP') as wrong:
                if self.guests[name].wait(self.options.boot) is None:
                    wrong.append(f'not within {self.options.boot} s: {self.guests[name].run("true")[1].strip()}')

    def _stranger(self):
        """A second project with a user, a network and an address range of its own, which lets everything in."""
        admin = self.admin.identity
        project = admin.create_project(name='guests-other', domain_id='default')
        user = admin.create_user(name='guests-other', password=PASSWORD, domain_id='default', default_project_id=project.id)
        admin.assign_project_role_to_user(project, user, admin.find_role('member', ignore_missing=False))
        connection = openstack.connect(
            auth_url=self.admin.config.auth['auth_url'], username='guests-other', password=PASSWORD, project_name='guests-other',
            user_domain_id='default', project_domain_id='default', region_name='RegionOne', cacert=self.admin.config.config.get('cacert'))
        other = self._project(connection)
        other.later(self._forget_groups, project)
        other.later(admin.delete_project, project)
        other.later(admin.delete_user, user)
        other.key_pair()
        door = other.group('guests-open', {'protocol': 'tcp'}, {'protocol': 'udp'}, {'protocol': 'icmp'})
        network = other.network('guests-far', '10.93.0.0/24', other.router('guests'))
        self.foreign = other.server('stranger', network, [door])
        return other

    def _forget_groups(self, project):
        for group in self.admin.network.security_groups(project_id=project.id):
            self.admin.network.delete_security_group(group)

    def reach(self):
        """One network by name and address; two networks through the router; the outside through SNAT."""
        anna, demo = self.guests['anna'], self.demo
        bert, carl = demo.fixed(self.servers['bert']), demo.fixed(self.servers['carl'])
        with self.report.check('bert answers anna within the boot time') as wrong:
            self._retry(wrong, anna, f'ping -c 1 -W 1 {bert}', self.options.boot)
        self.succeeds(anna, f'ping -c 3 -W 2 {bert}', 'anna reaches bert by address, on one network')
        self.succeeds(anna, 'ping -c 3 -W 2 bert', 'anna reaches bert by name, on one network')
        self.succeeds(anna, f'ping -c 3 -W 2 {carl}', 'anna reaches carl through the router')
        self.succeeds(self.guests['carl'], f'ping -c 3 -W 2 {demo.fixed(self.servers["anna"])}', 'carl reaches anna through the router')
        gateway = self._public_gateway()
        self.succeeds(self.guests['carl'], f'ping -c 3 -W 2 {gateway}', 'carl reaches the outside of the public network')
        # Without a floating IP the way out is the router's own address.
        demo.cloud.network.update_ip(self._address('bert'), port_id=None)
        jump = self._through('anna', bert)
        key = {'protocol': 'tcp', 'port_range_min': 22, 'port_range_max': 22, 'remote_group_id': self.open_group.id}
        rule = demo.rule(self.tight, **key)
        with self.report.check('bert, who has no floating IP, reaches the outside through the router (SNAT)') as wrong:
            self._retry(wrong, jump, f'ping -c 1 -W 1 {gateway}', 30)
        demo.cloud.network.delete_security_group_rule(rule)
        demo.cloud.network.update_ip(self._address('bert'), port_id=next(iter(demo.cloud.network.ports(device_id=self.servers['bert'].id))).id)

    def keep_apart(self):
        """The stranger's door is open to all, he is up, and still no packet of ours gets to his network."""
        theirs = self.stranger.fixed(self.foreign)
        self.fails(self.guests['anna'], f'ping -c 3 -W 1 {theirs}', 'anna does not reach the other project by ping')
        self.fails(self.guests['anna'], f'nc -w 3 {theirs} 22 < /dev/null | grep SSH', 'anna does not reach the other project by TCP')
        self.fails(self.guests['stranger'], f'ping -c 3 -W 1 {self.demo.fixed(self.servers["anna"])}', 'the other project does not reach anna')
        self.succeeds(self.guests['stranger'], 'true', 'and the other project is up all the while')

    def change_rules(self):
        """Soon after the answer a rule works, and without it new and established connections are cut."""
        network, bert = self.demo.cloud.network, self.guests['bert']
        self._closed_at_first(bert)
        for place, machine in (('from outside', bert), ('between guests', self._through('anna', self.demo.fixed(self.servers['bert'])))):
            rule = self.demo.rule(self.tight, protocol='tcp', port_range_min=22, port_range_max=22)
            since = time.monotonic()
            if machine is bert:
                with self.report.check(f'a rule that is added lets in soon ({place})') as wrong:
                    took = probe.opens_within(bert.address, 22, since, SOON)
                    if took is None:
                        wrong.append(f'not open after {SOON} s')
            ticks = probe.Ticks(machine.command('while echo tick; do sleep 0.05; done'))
            flows = ticks.flowing()
            self.report.line(f'a connection is established ({place})', 0.0, [] if flows else ['it says nothing'])
            network.delete_security_group_rule(rule)
            since = time.monotonic()
            if flows:
                with self.report.check(f'a rule that is deleted cuts the established connection soon ({place})') as wrong:
                    time.sleep(2 * SOON)
                    if ticks.last - since > SOON:
                        wrong.append(f'it still spoke {ticks.last - since:.2f} s after the answer')
            with self.report.check(f'and no new one is let in ({place})') as wrong:
                if machine is bert:
                    late = probe.accepted_after(bert.address, 22, since, 2 * SOON, 3 * SOON)
                    if late is not None:
                        wrong.append(f'one was accepted {late:.2f} s after the answer')
                elif machine.run('true', timeout=15)[0] == 0:
                    wrong.append('a new one was accepted')
            ticks.close()

    def _closed_at_first(self, bert):
        with self.report.check('without a rule nobody is let in') as wrong:
            if any(probe.connects(bert.address, 22) for _ in range(10)):
                wrong.append('a connection was accepted')

    def look_inside(self):
        """Name, user data, metadata in both forms, config drive."""
        anna, carl = self.guests['anna'], self.guests['carl']
        for name, machine in (('anna', anna), ('carl', carl)):
            self.says(machine, 'hostname | cut -d. -f1', name, f'{name} has its name')
            self.says(machine, 'cat /tmp/user-data-ran', f'user data ran on {name}', f'the user data of {name} ran')
            ident = self.servers[name].id
            with self.report.check(f'metadata of {name}, in the form of OpenStack') as wrong:
                data = json.loads(self._fetch(machine, 'openstack/latest/meta_data.json'))
                self._metadata(wrong, data, name, ident)
            with self.report.check(f'metadata of {name}, in the form of EC2') as wrong:
                inside = self._fetch(machine, 'latest/meta-data/local-ipv4').strip()
                if inside != self.demo.fixed(self.servers[name]):
                    wrong.append(f'local-ipv4 is {inside}')
                if self._fetch(machine, 'latest/user-data').strip() != USER_DATA.strip():
                    wrong.append('the user data is another')
        with self.report.check('anna has a config drive with the same') as wrong:
            code, said = anna.run('sudo mkdir -p /mnt/c && sudo mount -r "$(sudo blkid -L config-2 || sudo findfs LABEL=config-2)" /mnt/c '
                                  '&& cat /mnt/c/openstack/latest/meta_data.json; sudo umount /mnt/c')
            self._metadata(wrong, json.loads(said), 'anna', self.servers['anna'].id)
        self.fails(carl, 'sudo blkid -L config-2', 'carl, who asked for none, has no config drive')

    def _metadata(self, wrong, data, name, ident):
        with open(self.key + '.pub') as file:
            public = file.read().strip()
        for have, want in ((data.get('uuid'), ident), (data.get('name'), name), (data.get('public_keys', {}).get('guests', '').strip(), public)):
            if have != want:
                wrong.append(f'{have!r} is not {want!r}')

    def _fetch(self, machine, path):
        code, said = machine.run(FETCH.format(f'http://169.254.169.254/{path}'))
        if code:
            raise RuntimeError(f'{path}: {said.strip() or code}')
        return said

    def _through(self, door, address):
        """A guest that is reached from another guest."""
        return Guest(address, self.key, self.options.ssh_user, via=self.guests[door])

    def _address(self, name):
        return next(iter(self.demo.cloud.network.ips(floating_ip_address=self.guests[name].address)))

    def _public_gateway(self):
        network = self.admin.network.find_network('public', ignore_missing=False)
        return next(subnet.gateway_ip for subnet in self.admin.network.subnets(network_id=network.id) if subnet.ip_version == 4)

    def _retry(self, wrong, machine, words, within):
        until = time.monotonic() + within
        while (said := machine.run(words))[0] and time.monotonic() < until:
            time.sleep(0.5)
        if said[0]:
            wrong.append(f'not within {within} s: {said[1].strip()[-200:]}')

    def succeeds(self, machine, words, label):
        with self.report.check(label) as wrong:
            code, said = machine.run(words)
            if code:
                wrong.append(f'exit status {code}: {said.strip()[-200:]}')

    def fails(self, machine, words, label):
        with self.report.check(label) as wrong:
            code, said = machine.run(words)
            if code in (0, 124, 255):
                wrong.append(f'exit status {code}: {said.strip()[-200:]}')

    def says(self, machine, words, want, label):
        with self.report.check(label) as wrong:
            code, said = machine.run(words)
            if code or said.strip() != want:
                wrong.append(f'exit status {code}: {said.strip()[-200:]!r} is not {want!r}')

    def clean(self):
        wrong = self.demo.clean() + (self.stranger.clean() if self.stranger else [])
        self.admin.image.delete_image(self.image)
        return wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--state-dir', required=True, help='of the running cloud')
    parser.add_argument('--image', required=True, help='the tiny image')
    parser.add_argument('--image-format', default='qcow2')
    parser.add_argument('--flavor', default='m1.tiny')
    parser.add_argument('--ssh-user', default='cirros')
    parser.add_argument('--boot', type=int, default=180, help='seconds that a guest has to answer SSH (%(default)s)')
    parser.add_argument('--long', action='store_true', help='also a Debian guest with cloud-init, built with debootstrap')
    options = parser.parse_args()
    for name in [name for name in os.environ if name.startswith('OS_')]:
        del os.environ[name]
    os.environ['OS_CLIENT_CONFIG_FILE'] = os.path.join(options.state_dir, 'clouds.yaml')
    report = Report()
    before = leak.show(options.state_dir)
    scratch = tempfile.mkdtemp(prefix='conformance-guests-')
    try:
        test = Test(options, report, scratch)
        try:
            with report.check('the scenes were played to the end'):
                test.run()
            if options.long:
                with report.check('the Debian scenes were played to the end'):
                    debian.run(test, report, scratch)
        finally:
            with report.check('all is removed again') as wrong:
                wrong += test.clean()
        with report.check('and nothing is left on the metal') as wrong:
            wrong += leak.settle(options.state_dir, before)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return report.close()


if __name__ == '__main__':
    sys.exit(main())
