"""A cloud for tests: one for the whole session, as it was in the beginning for each test.

Put this file beside your tests and name it in conftest.py:

    pytest_plugins = ['pytest_drystone']

`cloud` is an openstack.Connection of the administrator; the cloud is reset after each test that used it. `drystone` is the
cloud itself, with its faults and its clock. DRYSTONE names the program, if it is not on the path; DRYSTONE_ARGUMENTS has
further arguments, as `--hosts 20`.
"""

import json
import os
import shlex
import shutil
import subprocess
import tempfile

import openstack
import pytest


class Drystone:
    """A cloud with simulated metal that runs in a directory of its own."""

    def __init__(self, program, arguments=()):
        self.program = program
        self.directory = tempfile.mkdtemp(prefix='drystone-')
        command = [program, 'up', '--detach', '--metal', 'sim', '--state-dir', self.directory, '--listen', '127.0.0.1:0',
                   '--output', 'json', *arguments]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            shutil.rmtree(self.directory, ignore_errors=True)
            raise RuntimeError(done.stderr.strip())
        self.ready = json.loads(done.stdout.splitlines()[0])
        self.clouds_yaml = os.path.join(self.directory, 'clouds.yaml')

    def connect(self, cloud='drystone-admin'):
        """A connection of the administrator, or with `drystone` that of the user demo."""
        loader = openstack.config.OpenStackConfig(config_files=[self.clouds_yaml])
        return openstack.connection.Connection(config=loader.get_one(cloud=cloud))

    def sim(self, method, path, body=None):
        """A call of the simulation's own API."""
        connection = self.connect()
        answer = connection.session.request(f'/sim{path}', method, json=body, raise_exc=True,
                                            endpoint_override=self.ready['auth_url'].removesuffix('/v3'))
        return answer.json() if answer.content else None

    def fault(self, effect, **match):
        """Something goes wrong from now on; answers the fault's id."""
        return self.sim('POST', '/faults', {'fault': {'match': match, 'effect': effect}})['fault']['id']

    def reset(self):
        """The cloud is as it was in the beginning; no fault is left."""
        self.sim('POST', '/reset', {})

    def down(self):
        """Nothing is left of it."""
        subprocess.run([self.program, 'down', '--destroy', '--state-dir', self.directory], check=True, capture_output=True)


@pytest.fixture(scope='session')
def drystone_session():
    """The cloud of the session."""
    cloud = Drystone(os.environ.get('DRYSTONE', 'drystone'), shlex.split(os.environ.get('DRYSTONE_ARGUMENTS', '')))
    yield cloud
    cloud.down()


@pytest.fixture
def drystone(drystone_session):
    """The cloud, as it was in the beginning."""
    yield drystone_session
    drystone_session.reset()


@pytest.fixture
def cloud(drystone):
    """A connection of the administrator."""
    with drystone.connect() as connection:
        yield connection
