"""The words in which the scenarios are written: who runs which command, and what has to come back.

A command is one line of the result: it passes when its exit status, its message and every value named beside it are
right. A command that fails where an answer was needed ends its scenario (`Broken`); the rest of that scenario could
only repeat the same news.
"""

import importlib.metadata
import json
import re
import shlex
import time

from report import Report


class Broken(Exception):
    """A scenario cannot go on."""


class Answer(dict):
    """One shown object; asking for a column that the client did not print ends the scenario, named."""

    def __missing__(self, column):
        raise Broken(f'the answer has no column {column!r}, only {sorted(self)}')


class Results(Report):
    """The report, which also remembers which of the client's commands were used."""

    def __init__(self, verbose=False):
        super().__init__(verbose)
        self.commands = set()
        self._nouns = command_names()

    def used(self, argv):
        """Remembers which of the client's commands this was."""
        while argv and argv[0].startswith('--'):
            argv = argv[2:]
        for length in range(min(len(argv), 7), 0, -1):
            name = ' '.join(argv[:length])
            if name in self._nouns:
                self.commands.add(name)
                return


class Cli:
    """One persona at a command line."""

    def __init__(self, cloud, client, results):
        self.cloud, self.client, self.results = cloud, client, results

    def show(self, command, want=None, **columns):
        """A command that prints one object. Named columns must have these values."""
        return self._json(command, want, columns, Answer)

    def rows(self, command, has=None, lacks=None, column='Name', want=None):
        """A command that prints a list. `has` and `lacks`: values of `column`; `want`: the whole sorted column."""
        argv, said, wrong = self._run(command, json_wanted=True)
        found = self._decode(said, wrong, list)
        if not wrong:
            values = [row.get(column) for row in found]
            for value in has or []:
                if value not in values:
                    wrong.append(f'{column} {value!r} is not listed, only {_short(values)}')
            for value in lacks or []:
                if value in values:
                    wrong.append(f'{column} {value!r} is listed and should not be')
            if want is not None and sorted(values, key=str) != sorted(want, key=str):
                wrong.append(f'{column} is {_short(values)}, not {want!r}')
        self._line(argv, said, wrong)
        if found is None:
            raise Broken(f'no answer from: {command}')
        return [Answer(row) for row in found]

    def row(self, command, value, want=None, column='Name', **columns):
        """A list in which exactly one row has `value` in `column`, and in that row these values."""
        argv, said, wrong = self._run(command, json_wanted=True)
        found = self._decode(said, wrong, list)
        match = [Answer(row) for row in found or [] if row.get(column) == value]
        if not wrong and len(match) != 1:
            wrong.append(f'{len(match)} rows have {column} {value!r}, not 1')
        elif match:
            wrong += compare(match[0], {**(want or {}), **columns})
        self._line(argv, said, wrong)
        if not match:
            raise Broken(f'no row to go on with from: {command}')
        return match[0]

    def do(self, command, stdin=None):
        """A command that has nothing to say but must succeed."""
        argv, said, wrong = self._run(command, stdin=stdin)
        self._line(argv, said, wrong)
        if wrong:
            raise Broken(f'refused: {command}')
        return said.out

    def text(self, command, like=None):
        """A command whose output is for people. `like`: a pattern that must be found in it."""
        argv, said, wrong = self._run(command)
        if not wrong and like and not re.search(like, said.out):
            wrong.append(f'the output has nothing like {like!r}')
        self._line(argv, said, wrong)
        return said.out

    def refused(self, command, like, code=1):
        """A command that must fail with this exit status and a message like this pattern."""
        argv, said, wrong = self._run(command, expect=code)
        words = said.err + said.out
        if not re.search(like, words, re.IGNORECASE):
            wrong.append(f'the message is not like {like!r}')
        self._line(argv, said, wrong, note=f'   (refused: {_first(words)})' if not wrong else '')

    def until(self, command, within=60, want=None, **columns):
        """Repeats a `show` until the columns have these values; a bound, and one line for the whole wait."""
        want = {**(want or {}), **columns}
        began = time.monotonic()
        while True:
            argv, said, wrong = self._run(command, json_wanted=True)
            found = self._decode(said, wrong, dict)
            wrong = wrong or compare(Answer(found), want)
            if not wrong or time.monotonic() - began > within:
                break
            time.sleep(0.5)
        said.seconds = time.monotonic() - began
        if wrong:
            wrong.insert(0, f'still so after {within} s:')
        self._line(argv, said, wrong, note='   (until ' + ', '.join(f'{column} is {wanted(value)}' for column, value in want.items()) + ')')
        return Answer(found or {})

    def until_gone(self, command, within=60):
        """Repeats a `show` until the client finds no such thing."""
        began = time.monotonic()
        while True:
            argv, said, wrong = self._run(command, expect=1)
            if not wrong or time.monotonic() - began > within:
                break
            time.sleep(0.5)
        if not wrong and not re.search(r'No .*found|not found|could not be found|404', said.err, re.I):
            wrong.append('it failed, but not because the thing is gone')
        said.seconds = time.monotonic() - began
        self._line(argv, said, wrong, note='   (until gone)')

    def _json(self, command, want, columns, kind):
        argv, said, wrong = self._run(command, json_wanted=True)
        found = self._decode(said, wrong, dict)
        if not wrong:
            wrong += compare(kind(found), {**(want or {}), **columns})
        self._line(argv, said, wrong)
        if found is None:
            raise Broken(f'no answer from: {command}')
        return kind(found)

    def _run(self, command, json_wanted=False, expect=0, stdin=None):
        argv = shlex.split(command) if isinstance(command, str) else list(command)
        self.results.used(argv)
        said = self.client.run(self.cloud, argv + (['-f', 'json'] if json_wanted else []), stdin)
        wrong = [] if said.code == expect else [f'exit status {said.code}, not {expect}']
        if 'Traceback (most recent call last)' in said.err:
            wrong.append('the client broke on the answer')
        return argv, said, wrong

    def _decode(self, said, wrong, kind):
        if wrong:
            return None
        try:
            found = json.loads(said.out)
        except ValueError:
            wrong.append('the output is not JSON')
            return None
        if not isinstance(found, kind):
            wrong.append(f'the output is a {type(found).__name__}')
            return None
        return found

    def _line(self, argv, said, wrong, note=''):
        self.results.line(f'{self.cloud}: openstack {shlex.join(argv)}{note}', said.seconds, wrong, said.err + said.out)


def compare(answer, want):
    """Sentences about each wanted column that is not as wanted. A wanted value may be a pattern or a predicate."""
    wrong = []
    for column, value in want.items():
        if column not in answer:
            wrong.append(f'there is no column {column!r}, only {sorted(answer)}')
            continue
        have = answer[column]
        if isinstance(value, re.Pattern):
            right = isinstance(have, str) and value.search(have)
        elif callable(value):
            right = value(have)
        else:
            right = have == value and isinstance(have, bool) == isinstance(value, bool)
        if not right:
            wrong.append(f'{column} is {have!r}, not {wanted(value)}')
    return wrong


def wanted(value):
    """A wanted value in words."""
    if isinstance(value, re.Pattern):
        return f'like {value.pattern}'
    return (value.__doc__ or 'right') if callable(value) else repr(value)


def command_names(wanted=lambda group: group.startswith('openstack.') and group != 'openstack.cli.extension'):
    """Every command of the installed client, or of some of its groups."""
    points = (point for package in importlib.metadata.distributions() for point in package.entry_points)
    return {point.name.replace('_', ' ') for point in points if wanted(point.group)}


def includes(*parts):
    """A predicate: a list, string or dictionary that has all of these."""
    def check(have):
        return have is not None and all(part in have for part in parts)
    check.__doc__ = 'something with ' + ', '.join(map(repr, parts))
    return check


def lacking(*parts):
    """A predicate: a list, string or dictionary that has none of these."""
    def check(have):
        return have is None or not any(part in have for part in parts)
    check.__doc__ = 'something without ' + ', '.join(map(repr, parts))
    return check


def some(have):
    """something"""
    return have not in (None, '', [], {})


def nothing(have):
    """nothing"""
    return have in (None, '', [], {})


IDENT = re.compile(r'^[0-9a-f]{32}$')
UUID = re.compile(r'^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$')
ADDRESS = re.compile(r'^\d+\.\d+\.\d+\.\d+$')
MAC = re.compile(r'^([0-9a-f]{2}:){5}[0-9a-f]{2}$')
MOMENT = re.compile(r'^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d')


def _short(values):
    text = repr(values)
    return text if len(text) < 300 else text[:300] + '…'


def _first(words):
    lines = [line for line in words.strip().splitlines() if line.strip()]
    return lines[0][:160] if lines else 'without a word'
