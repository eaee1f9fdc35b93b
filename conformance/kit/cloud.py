"""A cloud of the tests' own: started in a short-lived state directory, stopped, and removed with all it made.

Two shapes: one process (`drystone up`), or the controller and the agent as two, which is what the torture test kills.
Standard library only. Processes are ended by the ids that we have from starting them, never by name.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time

# How long, in seconds, is waited for what has to come: a machine that is busy with other things is slow. A new cloud on
# PostgreSQL makes hundreds of small steps, each of which waits its turn there.
PATIENCE = 180


class Trouble(Exception):
    """The cloud did not do what it was told; the text says which command, and what it said."""


def find_program():
    """The release build in the target directory, unless DRYSTONE names another."""
    named = os.environ.get('DRYSTONE')
    if named:
        return named
    target = os.environ.get('CARGO_TARGET_DIR') or os.path.join(
        os.environ.get('XDG_CACHE_HOME') or os.path.expanduser('~/.cache'), 'drystone', 'target')
    return os.path.join(target, 'release', 'drystone')


def free_port(above=None):
    """A port below those that the kernel hands out for outgoing connections, so that none is taken from us. Two that are to be
    taken later are had one above the other."""
    for port in range(above + 1 if above else 21000 + os.getpid() % 5000, 32000):
        with socket.socket() as probe:
            try:
                probe.bind(('127.0.0.1', port))
                return port
            except OSError:
                continue
    raise Trouble('no free port between 21000 and 32000')


def under_way(status):
    """What a cloud is still at, by its `drystone status`: work of the controller, and what agents have not brought about."""
    return [f'work: {row["kind"]} {row["id"]} {row["state"]} for {row["age"]} s: {row["reason"]}' for row in status['work']] + \
           [f'the agent: {it["kind"]} {it["id"]} is {it["state"]}: {it["waits_for"] or it["error"]}'
            for host in status['hosts'] for it in (host['agent'] or {}).get('objects', ()) if it['state'] != 'settled']


class Cloud:
    """One cloud in one state directory."""

    def __init__(self, metal, program=None, state_dir=None, listen=None):
        self.metal, self.program = metal, program or find_program()
        # short: the path of a Unix socket ends at 107 bytes
        self.state_dir = state_dir or tempfile.mkdtemp(prefix='ds-', dir='/tmp')
        self.listen = listen or f'127.0.0.1:{free_port()}'
        self.clouds = os.path.join(self.state_dir, 'clouds.yaml')
        self.processes = {}

    def run(self, *words, timeout=120):
        """One command of the program; its standard output."""
        command = [self.program, *words]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=timeout)
        except FileNotFoundError:
            raise Trouble(f'there is no {self.program}: build it, or name it with DRYSTONE') from None
        except subprocess.TimeoutExpired:
            raise Trouble(f'{" ".join(command)}: not done within {timeout} s') from None
        if done.returncode:
            raise Trouble(f'{" ".join(command)}: exit status {done.returncode}: {(done.stderr or done.stdout).strip()}')
        return done.stdout

    def up(self):
        """Starts it as one process; returns the ready event."""
        out = self.run('up', '--detach', '--state-dir', self.state_dir, '--listen', self.listen, '--metal', self.metal,
                       '--output', 'json')
        return next(event for line in out.splitlines() if (event := json.loads(line)).get('event') == 'ready')

    def status(self):
        """What the controller says of itself and of its hosts."""
        said = json.loads(self.run('status', '--state-dir', self.state_dir, '--output', 'json', timeout=120))
        if 'work' not in said:
            raise Trouble(f'no controller answers `drystone status`, only {said.get("role")}')
        return said

    def ledger(self):
        """What the agents' ledgers hold, tombstones aside: (kind, id). An agent that is not there is trouble, not nothing."""
        held, hosts = set(), self.status()['hosts']
        silent = [host['facts'].get('name') for host in hosts if not host['agent']]
        if silent or not hosts:
            raise Trouble(f'no agent answers for {silent or "any host"}')
        for host in hosts:
            held |= {(entry['kind'], entry['id']) for entry in host['agent']['objects'] if not entry.get('tombstone')}
        return held

    def start(self, role):
        """Starts `controller` or `agent` as a process of its own, its output in a log of the state directory."""
        words = {'controller': ['controller', '--state-dir', self.state_dir, '--listen', self.listen],
                 'agent': ['agent', '--state-dir', self.state_dir, '--metal', self.metal]}[role]
        log = open(os.path.join(self.state_dir, f'{role}.test.log'), 'ab')
        self.processes[role] = subprocess.Popen([self.program, *words], stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        log.close()

    def kill(self, role):
        """SIGKILL, and the end of it awaited."""
        process = self.processes.pop(role)
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=120)

    def dead(self):
        """Roles whose process ended without being told to."""
        return [role for role, process in self.processes.items() if process.poll() is not None]

    def wait_ready(self, within=PATIENCE):
        """Waits until the API answers; returns the seconds it took."""
        import urllib.request
        began = time.monotonic()
        while True:
            try:
                with urllib.request.urlopen(f'http://{self.listen}/v3', timeout=5) as answer:
                    if answer.status == 200:
                        return time.monotonic() - began
            except OSError as news:
                if time.monotonic() - began > within:
                    raise Trouble(f'the API does not answer after {within} s: {news}') from None
            time.sleep(0.05)

    def wait_host(self, within=PATIENCE):
        """Waits until a host has joined and holds what the first start wanted: before that there is no baseline."""
        began = time.monotonic()
        while True:
            said = self.status()
            if said['hosts'] and not said['work'] and all(host['agent'] for host in said['hosts']):
                return time.monotonic() - began
            if time.monotonic() - began > within:
                raise Trouble(f'after {within} s: {len(said["hosts"])} hosts, and this work is open: {said["work"]}')
            time.sleep(0.2)

    def destroy(self):
        """Stops and removes everything; the state directory goes last, logs of a failure stay in `keep`."""
        for process in self.processes.values():
            process.terminate()
        for process in self.processes.values():
            try:
                process.wait(timeout=120)
            except subprocess.TimeoutExpired:
                process.kill()
        self.processes.clear()
        self.run('down', '--destroy', '--state-dir', self.state_dir, timeout=180)

    def keep_logs(self, folder):
        """Copies what explains a failure out of the state directory."""
        os.makedirs(folder, exist_ok=True)
        for place, _, names in os.walk(self.state_dir):
            for name in names:
                if name.endswith('.log'):
                    shutil.copy(os.path.join(place, name), os.path.join(folder, os.path.relpath(
                        os.path.join(place, name), self.state_dir).replace('/', '-')))
