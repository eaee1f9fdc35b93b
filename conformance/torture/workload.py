"""What the users of the tortured cloud do: servers made, rebooted, moved between networks, deleted, at random.

A request that nobody answered may or may not have been done; then the cloud is asked what is true. Answers that say
"not now" or "gone" are part of life. Anything else that is not success is reported.
"""

import time

from api import Answer, Away

NEVER_MIND = (404, 409)          # it was just deleted, or is in the middle of something else


class Workload:
    """Random operations on the servers named `torture-…`. Of `most` servers, which fit into host and quota, `untouched` are
    left alone."""

    def __init__(self, api, chance, made_of, most, untouched):
        self.api, self.chance, self.most, self.untouched = api, chance, most, untouched
        self.image, self.flavor, self.networks = made_of
        self.serial, self.unanswered, self.done, self.wrong = 0, 0, {}, []
        self.known = set()
        # no fewer than there are: those that are on their way out hold their room, and so may those that nobody told us of
        self.held = 0

    def step(self):
        """One operation; returns its name."""
        choices = []
        if self.held < self.most:
            choices = ['create'] * 4
        elif len(self.known) + self.untouched < self.most:
            choices = ['count'] * 4
        if self.known:
            choices += ['delete', 'reboot_soft', 'reboot_hard', 'attach', 'attach', 'detach', 'detach', 'stop', 'start']
        name = self.chance.choice(choices)
        try:
            getattr(self, name)()
            self.done[name] = self.done.get(name, 0) + 1
        except Away:
            self.unanswered += 1
            time.sleep(0.02)
        except Answer as news:
            if news.status not in NEVER_MIND:
                self.wrong.append(f'{name}: {news}')
        return name

    def create(self, name=None):
        self.serial += 1
        # known by its name before anybody answers, so that it is found again if nobody does
        name = name or f'torture-{self.serial}'
        body = {'server': {'name': name, 'imageRef': self.image, 'flavorRef': self.flavor,
                           'networks': [{'uuid': self.chance.choice(self.networks)}]}}
        self.held += 1
        made = self.api.call('POST', 'compute', '/servers', json=body)['server']['id']
        self.known.add(made)
        return made

    def count(self):
        """Whether there is room by now."""
        time.sleep(0.05)
        self.take_in(self.servers(self.api.call))

    def delete(self):
        server = self.pick()
        self.api.call('DELETE', 'compute', f'/servers/{server}', expect=(204, 404))
        self.known.discard(server)

    def reboot_soft(self):
        self.action({'reboot': {'type': 'SOFT'}})

    def reboot_hard(self):
        self.action({'reboot': {'type': 'HARD'}})

    def stop(self):
        self.action({'os-stop': None})

    def start(self):
        self.action({'os-start': None})

    def attach(self):
        body = {'interfaceAttachment': {'net_id': self.chance.choice(self.networks)}}
        self.api.call('POST', 'compute', f'/servers/{self.pick()}/os-interface', json=body)

    def detach(self):
        """The last interface goes too: a server without one is allowed."""
        server = self.pick()
        ports = self.api.call('GET', 'compute', f'/servers/{server}/os-interface')['interfaceAttachments']
        if ports:
            self.api.call('DELETE', 'compute', f'/servers/{server}/os-interface/{self.chance.choice(ports)["port_id"]}')

    def action(self, body):
        self.api.call('POST', 'compute', f'/servers/{self.pick()}/action', json=body)

    def pick(self):
        return self.chance.choice(sorted(self.known))

    def ask(self):
        """What there is, by the cloud's own word."""
        servers = self.servers(self.api.patient)
        self.take_in(servers)
        return servers

    def take_in(self, servers):
        self.held = len(servers)
        self.known = {server['id'] for server in servers if server['name'].startswith('torture-')
                      and server['OS-EXT-STS:task_state'] != 'deleting'}

    def servers(self, call):
        """Every server of the project, through all pages."""
        found, marker = [], ''
        while page := call('GET', 'compute', f'/servers/detail?limit=500{marker}')['servers']:
            found += page
            marker = f'&marker={page[-1]["id"]}'
            if len(page) < 500:
                break
        return found
