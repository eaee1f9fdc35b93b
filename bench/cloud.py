"""A cloud that is measured: started in an empty directory, asked over plain HTTP, removed with all it made."""

import contextlib
import http.client
import json
import os
import subprocess
import tempfile
import time
import urllib.parse

# seconds; the server waits three times as long for a next request
IDLE = 5


class Refused(Exception):
    """An answer that was not expected: a measurement of errors is worth nothing."""


class Cloud:
    """The administrator's view of a running cloud, on one connection."""

    def __init__(self, program, metal, state_dir, port):
        self.program, self.state_dir = program, state_dir
        began = time.monotonic()
        done = subprocess.run(
            [program, 'up', '--detach', '--metal', metal, '--state-dir', state_dir, '--listen', f'127.0.0.1:{port}',
             '--output', 'json', '--log', 'warn'], capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f'bench: the cloud does not start: {done.stderr.strip()}')
        self.ready = json.loads(done.stdout.splitlines()[0])
        self.address = urllib.parse.urlparse(self.ready['auth_url']).netloc
        self.connection = http.client.HTTPConnection(self.address)
        self.asked = began
        self.headers = {'Content-Type': 'application/json'}
        self.project = self._log_in()
        self.seconds_to_token = time.monotonic() - began

    def _log_in(self):
        with open(os.path.join(self.state_dir, 'passwords.json'), encoding='utf-8') as file:
            password = json.load(file)['admin']
        domain = {'id': 'default'}
        user = {'name': 'admin', 'domain': domain, 'password': password}
        answer, body = self._send('POST', '/identity/v3/auth/tokens', {'auth': {
            'identity': {'methods': ['password'], 'password': {'user': user}},
            'scope': {'project': {'name': 'admin', 'domain': domain}}}})
        self.headers['X-Auth-Token'] = self.headers['X-Subject-Token'] = answer.headers['X-Subject-Token']
        return json.loads(body)['token']['project']['id']

    def _send(self, method, path, body=None, raw=None):
        headers = self.headers if raw is None else {**self.headers, 'Content-Type': 'application/octet-stream'}
        # what lies idle while a load runs or a guest boots is given up by the server
        if time.monotonic() - self.asked > IDLE:
            self.connection.close()
        self.connection.request(method, path, raw if body is None else json.dumps(body), headers)
        answer = self.connection.getresponse()
        text = answer.read()
        self.asked = time.monotonic()
        if answer.status >= 300:
            raise Refused(f'{method} {path}: {answer.status} {text[:300]}')
        return answer, text

    def ask(self, method, path, body=None, raw=None):
        """One request, and the JSON of its answer."""
        _, text = self._send(method, path, body, raw)
        return json.loads(text) if text[:1] in (b'{', b'[') else None

    def named(self, path, kind, name):
        """The one thing of a list with that name."""
        return next(one for one in self.ask('GET', path)[kind] if one['name'] == name)

    def resident(self):
        """Resident memory in MB."""
        with open(f'/proc/{self.ready["pid"]}/status', encoding='utf-8') as file:
            return next(int(line.split()[1]) for line in file if line.startswith('VmRSS')) / 1024

    def no_quotas(self):
        """Takes away the limits of the administrator's project."""
        self.ask('PUT', f'/compute/v2.1/os-quota-sets/{self.project}',
                 {'quota_set': {'instances': -1, 'cores': -1, 'ram': -1}})
        self.ask('PUT', f'/network/v2.0/quotas/{self.project}', {'quota': {'port': -1, 'floatingip': -1}})

    def image(self, path):
        """Uploads an image; its id."""
        image = self.ask('POST', '/image/v2/images', {
            'name': 'bench', 'disk_format': 'qcow2', 'container_format': 'bare', 'visibility': 'public'})['id']
        with open(path, 'rb') as file:
            self.ask('PUT', f'/image/v2/images/{image}/file', raw=file)
        return image

    def server(self, image, network, **more):
        """Asks for a server; its id."""
        flavor = self.named('/compute/v2.1/flavors', 'flavors', 'm1.nano')['id']
        return self.ask('POST', '/compute/v2.1/servers', {'server': {
            'name': 'bench', 'imageRef': image, 'flavorRef': flavor, 'networks': [{'uuid': network}], **more}})['server']['id']

    def active(self, server, within=120):
        """Waits until a server is ACTIVE."""
        until = time.monotonic() + within
        while (status := self.ask('GET', f'/compute/v2.1/servers/{server}')['server']['status']) != 'ACTIVE':
            if status == 'ERROR' or time.monotonic() > until:
                raise Refused(f'the server is {status}')
            time.sleep(0.01)

    def remove(self):
        """`down --destroy`."""
        self.connection.close()
        subprocess.run([self.program, 'down', '--destroy', '--state-dir', self.state_dir], capture_output=True, check=True)


@contextlib.contextmanager
def cloud(program, metal, port):
    """A cloud for the length of a `with`."""
    with tempfile.TemporaryDirectory(prefix='dsb') as parent:
        state_dir = os.path.join(parent, 's')
        os.mkdir(state_dir)
        made = None
        try:
            made = Cloud(program, metal, state_dir, port)
            yield made
        finally:
            if made:
                made.remove()
            else:
                subprocess.run([program, 'down', '--destroy', '--state-dir', state_dir], capture_output=True, check=False)
