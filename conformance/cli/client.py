"""Runs the stock `openstack` client and returns what it said.

Two ways: in this process, by calling the client's own entry point with stdout, stderr and stdin swapped (the same
unmodified code, without a second of interpreter start for each command), or as the executable that a person runs.
"""

import io
import logging
import os
import pty
import signal
import subprocess
import sys
import time
from dataclasses import dataclass


@dataclass
class Said:
    """What one command answered."""

    code: int
    out: str
    err: str
    seconds: float


class _Terminal(io.TextIOWrapper):
    """A standard input on which nobody types: `image create` without data asks whether it is a terminal."""

    def __init__(self):
        super().__init__(io.BytesIO())

    def isatty(self):
        return True


class _Overtime(BaseException):
    """Passes through the client's `except Exception`."""


class InProcess:
    """Calls `openstackclient.shell.main` here."""

    def __init__(self, environment, limit=300):
        self.environment, self.limit = environment, limit
        os.environ.update(environment)
        from openstackclient import shell
        from openstackclient.common.clientmanager import ClientManager
        from osc_lib.clientmanager import ClientCache
        self._main = shell.main
        self._caches = [thing for kind in ClientManager.__mro__ for thing in vars(kind).values() if isinstance(thing, ClientCache)]

    def run(self, cloud, argv, stdin=None):
        os.environ['OS_CLOUD'] = cloud
        for cache in self._caches:           # kept on the class: the next command would act as the last one's user
            cache._handle = None
        out, err = _capture(), _capture()
        streams = sys.stdin, sys.stdout, sys.stderr
        handlers = logging.getLogger().handlers[:]
        old_alarm = signal.signal(signal.SIGALRM, self._overtime)
        source = open(stdin, encoding='utf-8', errors='surrogateescape') if stdin else _Terminal()
        began = time.monotonic()
        try:
            sys.stdin, sys.stdout, sys.stderr = source, out, err
            signal.alarm(self.limit)
            code = self._main(argv)
        except SystemExit as leave:          # argparse, for an option it does not know
            code = leave.code
        except _Overtime:
            code = 124
            err.write(f'no answer within {self.limit} s')
        finally:
            signal.alarm(0)
            sys.stdin, sys.stdout, sys.stderr = streams
            signal.signal(signal.SIGALRM, old_alarm)
            # each shell adds handlers that hold on to its own stderr
            logging.getLogger().handlers[:] = handlers
            source.close()
        if code is not None and not isinstance(code, int):   # what Python does at the end of a program
            err.write(str(code))
            code = 1
        return Said(code or 0, _text(out), _text(err), time.monotonic() - began)

    @staticmethod
    def _overtime(*_):
        raise _Overtime


class Executable:
    """Starts `openstack` as its own process."""

    def __init__(self, environment, limit=300, program='openstack'):
        self.environment, self.limit, self.program = environment, limit, program

    def run(self, cloud, argv, stdin=None):
        environment = {**os.environ, **self.environment, 'OS_CLOUD': cloud}
        ours = theirs = None
        if stdin:
            theirs = os.open(stdin, os.O_RDONLY)
        else:
            ours, theirs = pty.openpty()
        began = time.monotonic()
        try:
            done = subprocess.run([self.program, *argv], env=environment, stdin=theirs, capture_output=True,
                                  text=True, errors='replace', timeout=self.limit)
            said = done.returncode, done.stdout, done.stderr
        except subprocess.TimeoutExpired:
            said = 124, '', f'no answer within {self.limit} s'
        finally:
            for descriptor in (ours, theirs):
                if descriptor is not None:
                    os.close(descriptor)
        return Said(*said, time.monotonic() - began)


def _capture():
    return io.TextIOWrapper(io.BytesIO(), encoding='utf-8', write_through=True)


def _text(stream):
    stream.flush()
    return stream.buffer.getvalue().decode('utf-8', 'replace')
