"""Kills the controller and the agent with SIGKILL at random moments, and looks for what is stuck, leaked or restarted.

Each round starts random operations and kills the controller, the agent or both in the middle of them. Every few rounds
the cloud gets time to come to rest, and then three parties must agree: the API and the store behind it, the agent's
ledger, and the metal itself. Some servers are never touched: their machines must be the same ones from beginning to
end. The choices come from a seed, which is printed; when the processes are where is the machine's own doing.
"""

import argparse
import os
import random
import re
import signal
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, '..', 'kit'), os.path.join(HERE, '..', 'leak')]

import leak  # noqa: E402
from api import Api, Away  # noqa: E402
from cloud import Cloud, Trouble, under_way  # noqa: E402
from report import Report  # noqa: E402
from workload import Workload  # noqa: E402

VICTIMS = (('controller',), ('agent',), ('controller', 'agent'))
MOST = 6                      # servers that are worked on at a time
UUID = re.compile(r'[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}')
TAP = re.compile(r'OVS interface ds(\S{11})( |$)')   # named after the beginning of its port's id
TIMES = {   # seconds: a round, coming to rest
    'sim': {'round': 0.4, 'rest': 120},
    'real': {'round': 2.0, 'rest': 240},
}


class Torture:
    """One cloud and what is done to it."""

    def __init__(self, options, report):
        self.options, self.report = options, report
        self.chance = random.Random(options.seed)
        self.times = TIMES[options.metal]
        self.cloud = Cloud(options.metal, options.program)
        self.kills = dict.fromkeys(('controller', 'agent'), 0)

    def prepare(self):
        """Both processes, an image, two networks, and servers that nobody will touch."""
        for role in ('controller', 'agent'):
            self.cloud.start(role)
        self.cloud.wait_ready()
        self.admin, self.api = (Api(self.cloud.clouds, name).login() for name in ('drystone-admin', 'drystone'))
        image = self._upload()
        flavor = self._flavor()
        networks = [self._network('torture-left', '10.94.0.0/24'), self._network('torture-right', '10.95.0.0/24')]
        self.cloud.wait_host()
        most = min(self.room(flavor), self.options.anchors + MOST)
        self.work = Workload(self.api, self.chance, (image, flavor, networks), most, self.options.anchors)
        self.rest('before anything is killed')
        self.baseline = self.measure()
        self.anchors = {self.work.create(f'anchor-{number}'): None for number in range(self.options.anchors)}
        self.work.known.clear()
        self.rest('with the servers that nobody touches', check=False)
        machines = leak.machines(self.cloud.state_dir)
        self.anchors = {server: machines.get(server) for server in self.anchors}
        missing = [server for server, identity in self.anchors.items() if not identity]
        # without this look a check that sees nothing would pass for ever
        self.report.line('the metal shows the machines of the servers', 0.0, [f'no machine of {server}' for server in missing])

    def _upload(self):
        made = self.api.call('POST', 'image', '/v2/images', json={
            'name': 'torture', 'disk_format': self.options.image_format, 'container_format': 'bare', 'visibility': 'private',
            # a guest that has just begun to boot hears nobody: nothing is gained by waiting for it the usual minute
            'os_shutdown_timeout': '10'})['id']
        if self.options.image:
            with open(self.options.image, 'rb') as file:
                data = file.read()
        else:
            data = b'\xeb\xfe a disk' + bytes((1 << 20) - 9)
        self.api.call('PUT', 'image', f'/v2/images/{made}/file', data=data, headers={'Content-Type': 'application/octet-stream'})
        return made

    def _flavor(self):
        flavors = self.api.call('GET', 'compute', '/flavors')['flavors']
        return next(flavor['id'] for flavor in flavors if flavor['name'] == self.options.flavor)

    def _network(self, name, cidr):
        network = self.api.call('POST', 'network', '/v2.0/networks', json={'network': {'name': name}})['network']['id']
        self.api.call('POST', 'network', '/v2.0/subnets', json={'subnet': {
            'network_id': network, 'name': name, 'ip_version': 4, 'cidr': cidr}})
        return network

    def round(self, number):
        """Operations from one thread; a kill somewhere among them from another."""
        victims = self.chance.choice(VICTIMS)
        moment = self.chance.uniform(0, self.times['round'])
        absence = self.chance.uniform(0, self.times['round'] / 2)
        over = threading.Event()
        fault = []

        def killer():
            try:
                time.sleep(moment)
                for role in victims:
                    self.cloud.kill(role)
                    self.kills[role] += 1
                time.sleep(absence)
                for role in self.chance_order(victims, number):
                    self.cloud.start(role)
            except Exception as news:
                fault.append(f'{type(news).__name__}: {news}')
            over.set()

        began, steps = time.monotonic(), 0
        died = self.cloud.dead()
        thread = threading.Thread(target=killer)
        thread.start()
        while not over.is_set() or time.monotonic() - began < self.times['round']:
            self.work.step()
            steps += 1
        thread.join()
        wrong = [f'the {role} ended by itself' for role in died] + fault + self.work.wrong
        self.work.wrong = []
        try:
            self.cloud.wait_ready()
            self.work.ask()
        except (Trouble, Away) as news:
            wrong.append(str(news))
        self.report.line(f'round {number}: {" and ".join(victims)} killed after {moment:.3f} s, away {absence:.3f} s; {steps} operations',
                         time.monotonic() - began, wrong)

    @staticmethod
    def chance_order(victims, number):
        return victims if number % 2 else tuple(reversed(victims))

    def rest(self, when, check=True):
        """Waits until nothing is on its way any more, within a bound; then the three parties are compared."""
        began, stuck = time.monotonic(), ['not looked at']
        while stuck and time.monotonic() - began < self.times['rest']:
            stuck = self.stuck()
            if stuck:
                time.sleep(0.25)
        self.report.line(f'nothing is stuck {when}', time.monotonic() - began, stuck)
        if check and hasattr(self, 'baseline'):
            began, wrong = time.monotonic(), ['not looked at']
            while wrong and time.monotonic() - began < 60:
                try:
                    wrong = self.disagreements()
                except Trouble as news:
                    wrong = [str(news)]
                if wrong:
                    time.sleep(0.5)
            self.report.line(f'the API, the ledger and the metal agree {when}', time.monotonic() - began, wrong)
            self.report.line(f'untouched machines are the same {when}', 0.0, self.restarted())

    def stuck(self):
        """What is still on its way."""
        wrong = []
        for server in self.work.ask():
            if server['status'] in ('BUILD', 'REBOOT', 'HARD_REBOOT', 'UNKNOWN') or server['OS-EXT-STS:task_state']:
                wrong.append(f'{server["name"]} {server["id"]} is {server["status"]}, task {server["OS-EXT-STS:task_state"]}')
            elif server['status'] == 'ERROR':
                wrong.append(f'{server["name"]} {server["id"]} is in ERROR: {self.fault(server["id"])}')
        try:
            status = self.cloud.status()
            wrong += under_way(status)
            if not any(host['agent'] for host in status['hosts']):
                wrong.append('the agent has not come back')
        except Trouble as news:
            wrong.append(str(news))
        return wrong

    def fault(self, server):
        """Why it is in ERROR, as administrators see it."""
        shown = self.admin.patient('GET', 'compute', f'/servers/{server}', expect=(200, 404)).get('server', {})
        fault = shown.get('fault', {})
        return f'{fault.get("message")} ({fault.get("details")})'

    def room(self, flavor):
        """How many servers of the flavor the host and the quota hold: with no more than that, all must succeed."""
        wanted = self.api.call('GET', 'compute', f'/flavors/{flavor}')['flavor']
        wanted = {'VCPU': wanted['vcpus'], 'MEMORY_MB': wanted['ram'], 'DISK_GB': wanted['disk']}
        version = {'OpenStack-API-Version': 'placement 1.20'}
        providers = self.admin.call('GET', 'placement', '/resource_providers', headers=version)['resource_providers']
        stock = self.admin.call('GET', 'placement', f'/resource_providers/{providers[0]["uuid"]}/inventories', headers=version)['inventories']
        limits = self.api.call('GET', 'compute', '/limits')['limits']['absolute']
        fitting = [int((have['total'] - have['reserved']) * have['allocation_ratio']) // wanted[name]
                   for name, have in stock.items() if wanted.get(name)]
        fitting += [limits['maxTotalInstances'], limits['maxTotalCores'] // wanted['VCPU'], limits['maxTotalRAMSize'] // wanted['MEMORY_MB']]
        return min(fitting)

    def measure(self):
        """What the agent and the metal hold, without what belongs to the untouched."""
        return {'ledger': self.cloud.ledger(), 'metal': leak.show(self.cloud.state_dir)}

    def disagreements(self):
        """Servers and ports by the API, by the ledger, and by what is really there."""
        servers = {server['id']: server for server in self.work.ask()}
        ports = {port['id']: port for port in self.admin.patient('GET', 'network', '/v2.0/ports')['ports']}
        wrong = []
        held = self.cloud.ledger()
        wrong += self.differ('the ledger', {ident for kind, ident in held if kind == 'server'}, 'the API', set(servers), 'server')
        machines = leak.machines(self.cloud.state_dir)
        running = {ident for ident, server in servers.items() if server['status'] in ('ACTIVE', 'PAUSED')}
        wrong += self.differ('the metal', set(machines), 'the API', running, 'running machine')
        wrong += [f'{ident} has two machines: {identity}' for ident, identity in machines.items() if ' and ' in identity]
        plugged = {ident for ident, port in ports.items() if port['device_id'] in servers}
        wrong += [f'port {ident} is bound to server {port["device_id"]}, which is gone' for ident, port in ports.items()
                  if port['device_owner'].startswith('compute:') and port['device_id'] not in servers]
        ledger_ports = {ident for kind, ident in held if kind == 'port'}
        wrong += [f'the ledger lacks port {ident}' for ident in plugged - ledger_ports]
        wrong += [f'the ledger has port {ident}, which is gone' for ident in ledger_ports - set(ports)]
        known = set(servers) | set(ports) | {self.work.image}
        for sentence in leak.compare(self.baseline['metal'], leak.show(self.cloud.state_dir)):
            named = set(UUID.findall(sentence))
            if sentence.startswith(('file', 'simulated', 'OVN row Logical_Switch_Port')) and named and not named & known:
                wrong.append(f'on the metal and nowhere else: {sentence}')
            tap = TAP.match(sentence)
            if tap and not any(port.startswith(tap[1]) for port in ports):
                wrong.append(f'the tap of a port that is gone: {sentence}')
        allocated = self.allocations()
        wrong += self.differ('placement', allocated, 'the API', set(servers), 'allocation')
        charged = self.api.patient('GET', 'compute', '/limits')['limits']['absolute']['totalInstancesUsed']
        wrong += [f'the quota counts {charged} servers, the API {len(servers)}'] if charged != len(servers) else []
        return wrong

    def allocations(self):
        version = {'OpenStack-API-Version': 'placement 1.20'}
        found = set()
        for provider in self.admin.patient('GET', 'placement', '/resource_providers', headers=version)['resource_providers']:
            found |= set(self.admin.patient('GET', 'placement', f'/resource_providers/{provider["uuid"]}/allocations', headers=version)['allocations'])
        return found

    @staticmethod
    def differ(one, ours, other, theirs, noun):
        return [f'{one} has {noun} {ident}, {other} does not' for ident in sorted(ours - theirs)] + \
               [f'{other} has {noun} {ident}, {one} does not' for ident in sorted(theirs - ours)]

    def restarted(self):
        machines = leak.machines(self.cloud.state_dir)
        return [f'{server} was {identity}, is {machines.get(server)}' for server, identity in self.anchors.items()
                if machines.get(server) != identity]

    def end(self):
        """Deletes their image, then all servers; nothing but the baseline may be left."""
        self.api.patient('DELETE', 'image', f'/v2/images/{self.work.image}', expect=(204, 404))
        for server in self.work.ask() or []:
            self.api.patient('DELETE', 'compute', f'/servers/{server["id"]}', expect=(204, 404))
        self.anchors = {}
        self.rest('after all servers are deleted')
        with self.report.check('no server, port, allocation or ledger entry is left') as wrong:
            wrong += [f'server {server["id"]}' for server in self.work.ask()]
            wrong += [f'{kind} {ident} in the ledger' for kind, ident in sorted(self.cloud.ledger() - self.baseline['ledger'])]
            wrong += [f'allocation of {consumer}' for consumer in self.allocations()]
            wrong += [f'port {port["id"]} of {port["device_id"]}' for port in self.admin.patient('GET', 'network', '/v2.0/ports')['ports']
                      if port['device_owner'].startswith('compute:')]
        with self.report.check('nothing is left on the metal') as wrong:
            wrong += leak.settle(self.cloud.state_dir, self.baseline['metal'])

    def remove(self):
        """The cloud goes, and then what is ours in its directory: the logs. An interrupt may have come in a round."""
        for thread in threading.enumerate():
            if thread is not threading.current_thread():
                thread.join(timeout=120)
        self.cloud.destroy()
        for role in ('controller', 'agent'):
            log = os.path.join(self.cloud.state_dir, f'{role}.test.log')
            if os.path.exists(log):
                os.remove(log)
        if os.path.isdir(self.cloud.state_dir):
            os.rmdir(self.cloud.state_dir)


def main():
    options = arguments()
    report = Report()
    # an interrupted test still removes its cloud
    for sort in (signal.SIGTERM, signal.SIGINT):
        signal.signal(sort, interrupted)
    print(f'seed {options.seed}: {options.rounds} rounds on {options.metal} metal', flush=True)
    torture = Torture(options, report)
    before = leak.show(torture.cloud.state_dir)
    try:
        with report.check('the torture was gone through to the end'):
            torture.prepare()
            for number in range(1, options.rounds + 1):
                torture.round(number)
                if number % options.every == 0:
                    torture.rest(f'after round {number}')
            torture.end()
            print(f'killed: {torture.kills}; operations: {torture.work.done}; unanswered: {torture.work.unanswered}')
    finally:
        if report.failed and options.keep_logs:
            torture.cloud.keep_logs(options.keep_logs)
        with report.check('down --destroy removes the rest') as wrong:
            torture.remove()
            wrong += leak.settle(torture.cloud.state_dir, before, within=60)
    print(f'seed {options.seed}')
    return report.close()


def interrupted(number, _):
    """Ends the test by way of its removal, which no second signal cuts short."""
    for sort in (signal.SIGTERM, signal.SIGINT):
        signal.signal(sort, lambda *_: None)   # not SIG_IGN: what is started from here on would inherit that
    sys.exit(128 + number)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--metal', choices=('sim', 'real'), required=True)
    parser.add_argument('--rounds', type=int, default=50)
    parser.add_argument('--every', type=int, default=10, help='rounds between two looks (%(default)s)')
    parser.add_argument('--seed', type=int, default=random.SystemRandom().randrange(1 << 32))
    parser.add_argument('--program', help='the drystone to kill (the release build)')
    parser.add_argument('--image', help='a disk image that boots; on simulated metal one that does not is made')
    parser.add_argument('--image-format', default=None)
    parser.add_argument('--flavor', default='m1.tiny')
    parser.add_argument('--anchors', type=int, default=2, help='servers that nobody touches (%(default)s)')
    parser.add_argument('--keep-logs', metavar='DIR', help='where the logs go if it fails')
    options = parser.parse_args()
    if options.metal == 'real' and not options.image:
        parser.error('real metal needs --image')
    options.image_format = options.image_format or ('qcow2' if options.image else 'raw')
    return options


if __name__ == '__main__':
    sys.exit(main())
