"""Goes through the scenarios with the stock client, prints a line for each command, and looks for what is left over.

The cloud is one that runs already. It is named by --state-dir (whose clouds.yaml has the two clouds), or by
OS_CLIENT_CONFIG_FILE. The result ends with the line `N passed, N failed`.
"""

import argparse
import importlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import traceback
import warnings

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, '..', 'kit'), os.path.join(HERE, '..', 'leak')]

import console  # noqa: E402
import guest  # noqa: E402
import inventory  # noqa: E402
import leak  # noqa: E402
from checks import Broken, Cli, Results, command_names  # noqa: E402
from client import Executable, InProcess  # noqa: E402
from cloud import PATIENCE  # noqa: E402
from sweep import sweep  # noqa: E402

SCENARIOS = ['domain', 'project', 'user', 'group', 'role', 'catalog', 'endpoint_filter', 'application_credential', 'credential',
             'delegation', 'federation', 'limit', 'policy', 'image', 'flavor', 'keypair', 'network', 'security_group', 'port',
             'router', 'floating_ip', 'quota', 'compute_host', 'server_group', 'server', 'server_network', 'server_console',
             'server_many']
LEAST_COMMANDS = 200
# Of these groups of commands every one is used.
WHOLE = ['openstack.identity.v3']


class World:
    """What a scenario has in its hands: two personas at the command line, an image file, a key, and other checks."""

    def __init__(self, options, client, results, scratch):
        self.admin = Cli(options.admin, client, results)
        self.member = Cli(options.member, client, results)
        self.results, self.scratch, self.metal = results, scratch, options.metal
        self.image, self.image_format = os.path.abspath(options.image), options.image_format
        self.ssh_user, self.ca, self.state_dir = options.ssh_user, options.ca, options.state_dir
        self.private_key, self.public_key = guest.make_key(scratch)

    def file(self, name, text):
        """A file for a command to read; returns its path."""
        path = os.path.join(self.scratch, name)
        with open(path, 'w', encoding='utf-8') as file:
            file.write(text)
        return path

    def check(self, label, wrong):
        """A line that is no command: `wrong` lists what is amiss."""
        self.results.line(label, 0.0, list(wrong))

    def boot_image(self, cli):
        """Uploads the image that servers start from; returns its name."""
        cli.show(f'image create cli-boot --file {self.image} --disk-format {self.image_format} --container-format bare --private',
                 status='active')
        return 'cli-boot'

    def until(self, label, true, within):
        """Waits for a condition that the client has no single command for."""
        began = time.monotonic()
        while not (met := true()) and time.monotonic() - began < within:
            time.sleep(0.5)
        self.results.line(label, time.monotonic() - began, [] if met else [f'not within {within} s'])

    def seen(self, server):
        """The look at the metal sees the machine of a server that runs: else it could find nothing left, ever."""
        if self.state_dir:
            self.results.line('the metal shows its machine', 0.0, [] if server in leak.machines(self.state_dir) else [f'no machine of {server}'])

    def console(self, url):
        """The websocket behind a console URL leads to a VNC server."""
        began = time.monotonic()
        try:
            said = console.greeting(url, self.ca)
            wrong = [] if said.startswith(b'RFB 003.') else [f'it greets with {said!r}']
        except Exception as failure:            # of the socket, TLS, HTTP or websocket kind
            wrong = [f'{type(failure).__name__}: {failure}']
        self.results.line('websocket of the console: an RFB greeting', time.monotonic() - began, wrong)

    def console_refused(self, url, why='a wrong token'):
        """The websocket does not open with a token that is not, or no longer, good."""
        if why == 'a wrong token':
            token = console.socket_url(url).partition('token=')[2].partition('&')[0]
            url = url.replace(token, token[:-4] + ('0000' if token[-4:] != '0000' else '1111'))
        try:
            said = console.greeting(url, self.ca)
            wrong = [f'it was let in and greeted with {said!r}'] if said else []
        except console.Refused:
            wrong = []
        except Exception as failure:            # nobody there is not the same as being turned away
            wrong = [f'{type(failure).__name__}: {failure}']
        self.results.line(f'websocket of the console: refused, {why}', 0.0, wrong)

    def ssh(self, address, words, like, within=240):
        """A command in the guest."""
        began = time.monotonic()
        machine = guest.Guest(address, self.private_key, self.ssh_user)
        wrong, said = [], ''
        if machine.wait(within) is None:
            wrong = [f'no SSH within {within} s: {machine.run("true")[1].strip()}']
        else:
            code, said = machine.run(words)
            if code or not like.search(said):
                wrong = [f'exit status {code}, and {said.strip()[:200]!r} is not like {like.pattern!r}']
        self.results.line(f'ssh {self.ssh_user}@{address} {words}', time.monotonic() - began, wrong)


def main():
    options = arguments()
    environment = {'OS_CLIENT_CONFIG_FILE': options.clouds, 'NO_COLOR': '1'}
    for name in [name for name in os.environ if name.startswith('OS_')]:
        del os.environ[name]
    os.environ.update(environment)
    warnings.simplefilter('ignore')
    results = Results(options.verbose)
    client = Executable(environment, options.limit) if options.subprocess else InProcess(environment, options.limit)
    began = time.monotonic()

    import openstack
    admin, member = openstack.connect(cloud=options.admin), openstack.connect(cloud=options.member)
    before = inventory.take(admin, member)
    metal = leak.show(options.state_dir) if options.state_dir else None

    scratch = tempfile.mkdtemp(prefix='conformance-cli-')
    try:
        world = World(options, client, results, scratch)
        for name in options.only:
            print(f'\n# {name}: {first_line(name)}', flush=True)
            if not scenario(name, world):
                sweep(admin, member, before)
        print('\n# at the end nothing is left', flush=True)
        left_over(results, options, admin, member, before, metal)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)

    print(f'\n{len(results.commands)} distinct commands of the client in {time.monotonic() - began:.0f} s')
    if options.only == SCENARIOS:
        if len(results.commands) < LEAST_COMMANDS:
            results.line(f'at least {LEAST_COMMANDS} distinct commands were used', 0.0, [f'only {len(results.commands)}'])
        for group in WHOLE:
            unused = command_names(lambda own, group=group: own == group) - results.commands
            results.line(f'every command of {group} was used', 0.0, [f'no scenario used {name}' for name in sorted(unused)])
    return results.close()


def scenario(name, world):
    """Runs one; whatever goes wrong in it is one failed line, and the next scenario starts."""
    try:
        importlib.import_module(f'scenario.{name}').run(world)
        return True
    except Broken as news:
        world.results.line(f'{name} could not go on', 0.0, [str(news)])
    except Exception:
        world.results.line(f'{name} could not go on', 0.0, ['the answer was not usable'], traceback.format_exc())
    return False


def left_over(results, options, admin, member, before, metal):
    """Three parties: the APIs, the cloud's own queue of work, and the metal."""
    until = time.monotonic() + 30
    while any(compared := inventory.compare(before, inventory.take(admin, member)).values()) and time.monotonic() < until:
        time.sleep(1)
    for noun, sentences in inventory.compare(before, inventory.take(admin, member)).items():
        results.line(f'as before: {noun}', 0.0, sentences)
    del compared
    if options.state_dir:
        results.line('no work is left in the queue', 0.0, work_left(options, PATIENCE))
        results.line('the metal is as before', 0.0, leak.settle(options.state_dir, metal))


def work_left(options, within):
    """Rows of work that are still there, by `drystone status`."""
    until = time.monotonic() + within
    while True:
        done = subprocess.run([options.drystone, 'status', '--state-dir', options.state_dir, '--output', 'json'],
                              capture_output=True, text=True, timeout=120)
        if done.returncode:
            return [f'drystone status: exit status {done.returncode}: {done.stderr.strip()}']
        said = json.loads(done.stdout)
        if 'work' not in said:
            return [f'no controller answers, only {said.get("role")}']
        rows = said['work']
        if not rows or time.monotonic() > until:
            return [json.dumps(row) for row in rows]
        time.sleep(0.5)


def first_line(name):
    return (importlib.import_module(f'scenario.{name}').__doc__ or '').splitlines()[0]


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--state-dir', help='of the running cloud: its clouds.yaml is used, its work and metal are looked at')
    parser.add_argument('--image', required=True, help='a disk image that boots')
    parser.add_argument('--image-format', default='qcow2')
    parser.add_argument('--metal', choices=('sim', 'real'), default='real', help='real: also log in to guests (%(default)s)')
    parser.add_argument('--ssh-user', default='cirros')
    parser.add_argument('--admin', default='drystone-admin', help="the admin's cloud in clouds.yaml (%(default)s)")
    parser.add_argument('--member', default='drystone', help="the member's (%(default)s)")
    parser.add_argument('--only', nargs='+', choices=SCENARIOS, default=SCENARIOS, metavar='SCENARIO', help=', '.join(SCENARIOS))
    parser.add_argument('--subprocess', action='store_true', help='run the executable, a process for each command')
    parser.add_argument('--limit', type=int, default=300, help='seconds for one command (%(default)s)')
    parser.add_argument('--drystone', default='drystone', help='the program to ask for its status (%(default)s)')
    parser.add_argument('--ca', help='certificate authority for the console')
    parser.add_argument('--verbose', action='store_true', help='print what each command said')
    options = parser.parse_args()
    options.clouds = os.path.join(options.state_dir, 'clouds.yaml') if options.state_dir else os.environ.get('OS_CLIENT_CONFIG_FILE')
    for path, what in ((options.clouds, 'clouds.yaml (--state-dir or OS_CLIENT_CONFIG_FILE)'), (options.image, 'the image')):
        if not path or not os.path.exists(path):
            parser.error(f'{what} is not there: {path}')
    return options


if __name__ == '__main__':
    sys.exit(main())
