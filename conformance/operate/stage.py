"""Clouds for trying things out: started in the foreground, with everything that they say kept."""

import contextlib
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time

from api import Api
from cloud import PATIENCE, Trouble


class Running:
    """A process of the program that has said that it is ready."""

    def __init__(self, process, ready, state_dir, log):
        self.process, self.ready, self.state_dir, self.log = process, ready, state_dir, log
        self.said = []
        self._spoke, self._listener = threading.Event(), threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def _listen(self):
        for line in self.process.stdout:
            self.said.append(line.rstrip('\n'))
            self._spoke.set()
        self._spoke.set()

    def first(self):
        """The first line on standard output; None when it ended without one."""
        self._spoke.wait(timeout=PATIENCE)
        return self.said[0] if self.said else None

    def api(self, name='drystone-admin'):
        """One of the two first users, logged in."""
        return Api(os.path.join(self.state_dir, 'clouds.yaml'), name).login()

    def logged(self):
        """Everything on standard error so far."""
        with open(self.log, encoding='utf-8', errors='replace') as file:
            return file.read()

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(timeout=PATIENCE)

    def stop(self):
        """SIGTERM; returns the exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(timeout=PATIENCE)
        self._listener.join(timeout=PATIENCE)
        return status


class Stage:
    """What every part has in its hands."""

    def __init__(self, program, report, image=None):
        self.program, self.report, self.image = program, report, image
        self.places, self.running = [], []

    def place(self):
        """An empty directory with a short name, removed at the end."""
        made = tempfile.mkdtemp(prefix='ds-', dir='/tmp')
        self.places.append(made)
        return made

    def command(self, *words, **more):
        """Runs the program to its end."""
        done = subprocess.run([self.program, *words], capture_output=True, text=True, timeout=PATIENCE, stdin=subprocess.DEVNULL, **more)
        return done

    @contextlib.contextmanager
    def up(self, state_dir=None, *words, role='up', before=(), env=None, listen='127.0.0.1:0', metal='sim', output='json'):
        """A running process; `before` are words in front of the program, as `ip netns exec NAME`. A state directory of ''
        leaves the choice to the program."""
        state_dir = self.place() if state_dir is None else state_dir
        command = [*before, self.program, role]
        for flag, value in (('--state-dir', state_dir), ('--listen', listen if role != 'agent' else None),
                            ('--metal', metal), ('--output', output)):
            command += [flag, value] if value else []
        fd, log = tempfile.mkstemp(prefix='ds-log-', dir=self.place())
        process = subprocess.Popen([*command, *words], stdout=subprocess.PIPE, stderr=fd, text=True, stdin=subprocess.DEVNULL, env=env)
        os.close(fd)
        one = Running(process, None, state_dir, log)
        self.running.append(one)
        try:
            first = one.first()
            if first is None:
                process.wait(timeout=PATIENCE)
                raise Trouble(f'{" ".join(command)}: exit status {process.returncode}: {one.logged().strip()[-500:]}')
            one.ready = json.loads(first) if first.startswith('{') else None
            yield one
        finally:
            one.stop()
            self.running.remove(one)

    def refused(self, label, words, like, unchanged=(), **more):
        """Exit status 2, one sentence on standard error and nothing else, and no file changed in these directories."""
        before = {folder: contents(folder) for folder in unchanged}
        with self.report.check(label) as wrong:
            done = self.command(*words, **more)
            # what takes longer than a second shows that it goes on
            lines = [line for line in done.stderr.strip().splitlines() if not line.startswith('…')]
            if done.returncode != 2:
                wrong.append(f'exit status {done.returncode}')
            if len(lines) != 1 or not re.search(like, lines[0]):
                wrong.append(f'it says {done.stderr.strip()!r}, which is not one sentence like {like!r}')
            if done.stdout:
                wrong.append(f'on standard output: {done.stdout!r}')
            for folder, was in before.items():
                changed = {name for name in was.keys() ^ contents(folder).keys()} | {
                    name for name, what in contents(folder).items() if was.get(name, what) != what}
                if changed:
                    wrong.append(f'changed in {folder}: {sorted(changed)}')

    def same(self, label, got, wanted):
        """One line: two values are equal."""
        self.report.line(label, 0.0, [] if got == wanted else [f'{got!r} and not {wanted!r}'])

    def true(self, label, met, otherwise=''):
        """One line: a condition holds."""
        self.report.line(label, 0.0, [] if met else [otherwise or 'it is not so'])

    def until(self, label, met, within=PATIENCE):
        """One line: a condition holds before its time is over. `met` answers the empty list, or what is missing."""
        began = time.monotonic()
        while (missing := met()) and time.monotonic() - began < within:
            time.sleep(0.05)
        self.report.line(label, time.monotonic() - began, missing)

    def strike(self):
        """Ends what still runs and removes every directory."""
        for one in list(self.running):
            one.kill()
        for place in self.places:
            shutil.rmtree(place, ignore_errors=True)


def contents(folder):
    """Every file below a folder, with a hash of what is in it. What only says who looks is passed over."""
    found = {}
    for place, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(place, name)
            # SQLite's shared memory is rebuilt by every reader
            if name.endswith('-shm') or not os.path.isfile(path):
                continue
            with open(path, 'rb') as file:
                found[os.path.relpath(path, folder)] = hashlib.sha256(file.read()).hexdigest()
    return found
