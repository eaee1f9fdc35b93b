"""Two clouds asked the same: each side fills in its own ids, and what it answers is brought into a common form."""

import http.client
import json
import re
import time
from urllib.parse import urlsplit

TIME = re.compile(r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?')
HEX = re.compile(r'(?<![0-9a-f])(?:[0-9a-f]{64}|[0-9a-f]{32})(?![0-9a-f])')
TOKEN = re.compile(r'gAAAA[A-Za-z0-9_=-]+')
AUDIT = re.compile(r'^[A-Za-z0-9_-]{22}$')
SLOT = re.compile(r'\{([\w-]+)\}')
HEADERS = ('www-authenticate', 'vary', 'location', 'content-type', 'x-subject-token')


class Side:
    """One cloud: where it is, what things are called there, and the tokens of its personas."""

    def __init__(self, name, base, password):
        self.name, self.base, self.names, self.tokens = name, base.rstrip('/'), {}, {}
        self.names['admin_password'] = password
        parts = urlsplit(self.base)
        self.prefix = parts.path
        self.connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=600)
        self.asked = time.monotonic()

    def fill(self, thing):
        """Puts this side's ids into the slots of a path or a body."""
        if isinstance(thing, str):
            return SLOT.sub(lambda slot: self.names.get(slot[1], slot[0]), thing)
        if isinstance(thing, list):
            return [self.fill(one) for one in thing]
        if isinstance(thing, dict):
            return {self.fill(name): self.fill(value) for name, value in thing.items()}
        return thing

    def ask(self, method, path, body, token, headers, raw):
        """One request; the answer is (status, headers, body), the body read as JSON where it is JSON."""
        sent = dict(self.fill(headers or {}))
        if token:
            sent['X-Auth-Token'] = self.tokens.get(token, token)
        data = raw
        if body is not None:
            data = json.dumps(self.fill(body))
            sent.setdefault('Content-Type', 'application/json')
        if time.monotonic() - self.asked > 2:
            # a server gives up connections that are idle while the other side thinks
            self.connection.close()
        request = (method, self.prefix + self.fill(path), data, sent)
        try:
            self.connection.request(*request)
        except ConnectionError:
            # or does so after so many requests; it has read nothing of this one
            self.connection.close()
            self.connection.request(*request)
        answer = self.connection.getresponse()
        text = answer.read().decode()
        self.asked = time.monotonic()
        try:
            text = json.loads(text) if text else None
        except ValueError:
            pass
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, text

    def common(self, thing):
        """The same in words that both sides share: ids by their names, times and tokens by their kind."""
        if isinstance(thing, str):
            known = ((value, name) for name, value in self.names.items() if len(value) > 20 and not name.startswith('token_'))
            for value, name in sorted(known, key=lambda pair: -len(pair[0])):
                thing = thing.replace(value, f'<{name}>')
            thing = TIME.sub('<time>', TOKEN.sub('<token>', thing.replace(self.base, '<base>')))
            # the part of a sentence in which Python prints its schema is for programmers
            return AUDIT.sub('<audit>', HEX.sub('<id>', thing.split('\n\nFailed validating')[0]))
        if isinstance(thing, list):
            # the order of lists is nobody's promise
            return sorted((self.common(one) for one in thing), key=lambda one: json.dumps(one, sort_keys=True))
        if isinstance(thing, dict):
            return {self.common(name): self.common(value) for name, value in thing.items()}
        return thing


class Recorder(Side):
    """A side whose answers are kept, so that they can be played again without it."""

    def __init__(self, name, base, password):
        super().__init__(name, base, password)
        self.tape = []

    def ask(self, method, path, *rest):
        answer = super().ask(method, path, *rest)
        self.tape.append([method, path, list(answer)])
        return answer

    def settle(self):
        """Keystone takes a token for revoked when it is given out in the second of a revocation: wait until it is over."""
        time.sleep(1.1)

    def keep(self, file):
        """Writes down everything that was asked and answered."""
        with open(file, 'w') as out:
            json.dump({'base': self.base, 'password': self.names['admin_password'], 'tape': self.tape}, out)


class Recorded(Side):
    """A side that plays what a recorder kept."""

    def __init__(self, name, file):
        with open(file) as kept:
            kept = json.load(kept)
        super().__init__(name, kept['base'], kept['password'])
        self.tape = iter(kept['tape'])

    def settle(self):
        """There is nobody to wait for."""

    def ask(self, method, path, *rest):
        asked, at, answer = next(self.tape, (None, None, None))
        if (asked, at) != (method, path):
            raise SystemExit(f'the recording has {asked} {at} where {method} {path} is asked: record again')
        return tuple(answer)


def differences(ours, theirs, place=''):
    """Where two values differ: (place, ours, theirs)."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for name in sorted(set(ours) | set(theirs)):
            below = f'{place}.{name}' if place else name
            yield from differences(ours.get(name, 'ABSENT'), theirs.get(name, 'ABSENT'), below)
    elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        for number, (one, other) in enumerate(zip(ours, theirs)):
            yield from differences(one, other, f'{place}.{number}')
    elif isinstance(ours, list) and isinstance(theirs, list):
        yield place, [one for one in ours if one not in theirs], [one for one in theirs if one not in ours]
    elif ours != theirs:
        yield place, ours, theirs


class Both:
    """The two sides together: each request goes to both, and how the answers differ is told, as (case, place, ours, theirs)."""

    def __init__(self, ours, theirs, tell):
        self.sides, self.tell = (ours, theirs), tell
        self.asked = 0

    def __call__(self, case, method, path, body=None, token='admin', headers=None, raw=None, save=None, compare=True):
        """Asks both. `save` names parts of the answer (`user.id`) or the token that it carries, for later requests."""
        answers = [side.ask(method, path, body, token, headers, raw) for side in self.sides]
        for side, (status, given, text) in zip(self.sides, answers):
            for name, place in (save or {}).items():
                value = text
                for step in place.split('.'):
                    value = value.get(step) if isinstance(value, dict) else None
                if place == 'TOKEN':
                    side.tokens[name] = side.names['token_' + name] = given.get('x-subject-token', 'none')
                elif isinstance(value, str):
                    side.names[name] = value
                else:
                    print(f'{side.name}: {case}: no {place} in the answer {status} {text}')
        if compare:
            self.asked += 1
            commons = [self.form(side, answer) for side, answer in zip(self.sides, answers)]
            for difference in differences(*commons):
                self.tell(case, *difference)
        return answers

    @staticmethod
    def form(side, answer):
        status, headers, text = answer
        kept = {name: headers[name] for name in HEADERS if name in headers}
        return side.common({'status': str(status), 'headers': kept, 'body': text})
