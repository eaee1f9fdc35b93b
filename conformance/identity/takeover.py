"""Takes the users of a real Keystone over with `drystone identity import`, and uses them here.

A Keystone of its own is filled through its API, asked what it knows, and stopped, once on each database that it can live on.
Then a cloud on simulated metal takes its database, or dumps of it, and its keys over, and is asked the same: everybody comes
in as before, tokens that Keystone gave out are good, and the second time changes nothing. The Python that runs this must have
Keystone. The result ends with the line `N passed, N failed`.
"""

import argparse
import json
import os
import re
import shutil
import signal
import sqlite3
import sys
import tempfile
from contextlib import ExitStack

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, '..', 'kit')]

from calls import Api, passcode, password, token_in  # noqa: E402
from cloud import Cloud, Trouble  # noqa: E402
from databases import KINDS  # noqa: E402
from estate import ADMIN, HOME, TOTP, furnish  # noqa: E402
from questions import PLACES, Answers, lasting, meaning, refused, strangers, ways  # noqa: E402
from report import Report  # noqa: E402
from running import Provider, Reference  # noqa: E402
from sides import differences  # noqa: E402

SETTINGS = '''[[federation.provider]]
identity_provider = "corp"
protocol = "mapped"
issuer = "{issuer}"
client_id = "cloud"
client_secret = "secret"
'''

# what is made without and with the catalog
PEOPLE = {'domains': 2, 'projects': 3, 'users': 11, 'groups': 1, 'memberships': 1, 'application credentials': 2, 'access rules': 1, 'trusts': 1,
          'credentials': 2, 'options of domains': 1, 'identity providers': 1, 'protocols': 1, 'mappings': 1, 'federated users': 1,
          'memberships that end': 1, 'OAuth consumers': 1, 'OAuth access tokens': 1, 'policy documents': 1, 'service providers': 1}
CATALOG = {'regions': 1, 'services': 1, 'endpoints': 3, 'registered limits': 1, 'limits': 2, 'endpoint groups': 1, 'endpoints of projects': 2,
           'associations of policy documents': 3}
WITHOUT_CATALOG = {'limits of what is not here': 2, 'associations of policy documents with what is not here': 3}


class Import:
    """`drystone identity import` of one Keystone into one cloud."""

    def __init__(self, cloud, reference):
        self.cloud, self.keys = cloud, reference.keys()

    def take(self, source, *more):
        """What it says that it did."""
        return json.loads(self.cloud.run('identity', 'import', '--state-dir', self.cloud.state_dir, '--output', 'json', '--from', source,
                                         *self.keys, *more))

    def refused(self, source, like, *more):
        """What is wrong when it must say why not, in one sentence, and change nothing."""
        before = self.rows()
        try:
            self.take(source, *more)
            return ['it was taken over']
        except Trouble as news:
            status, _, sentence = str(news).rpartition(': exit status ')[2].partition(': ')
            fine = status == '2' and len(sentence.splitlines()) == 1 and re.search(like, sentence)
            return ([] if fine else [f'{news}']) + (['something was changed'] if self.rows() != before else [])

    def rows(self):
        """What our identity keeps, but the epoch."""
        with sqlite3.connect(os.path.join(self.cloud.state_dir, 'drystone.sqlite')) as database:
            names = [name for name, in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            return {name: sorted(map(repr, database.execute(f'SELECT * FROM {name}'))) for name in names
                    if name.startswith('identity_') and name != 'identity_epoch'}


def check_refusals(check, work, place, source, useless):
    with check('what stands in the way is told, and nothing is changed') as wrong:
        wrong += work.refused(source, r'(?=.*user admin)(?=.*project admin).*--rename')
    cases = {'a file that is no database': (__file__, re.escape(__file__)),
             'a file that is not there': (os.path.join(place, 'nothing'), r'nothing cannot be read'),
             'an address that nobody answers at': ('postgres://keystone:hidden@127.0.0.1:1/keystone', r'^(?!.*hidden).*PostgreSQL'),
             'an address of MariaDB': ('mysql+pymysql://keystone:hidden@127.0.0.1/keystone', r'^(?!.*hidden).*mariadb-dump'), **useless}
    for what, (path, like) in cases.items():
        with check(f'{what} changes nothing, and one sentence says why') as wrong:
            wrong += work.refused(path, like, '--rename=-old')


def cut(place, source):
    """A file that ends too early, in several places."""
    with open(source, 'rb') as file:
        whole = file.read()
    cases = {}
    for percent in (1, 30, 60, 90, 99):
        path = os.path.join(place, f'cut-{percent}')
        cases[f'a file of which {100 - percent}% are missing'] = path, re.escape(path)
        with open(path, 'wb') as file:
            file.write(whole[:len(whole) * percent // 100])
    return cases


def check_import(check, work, sources):
    (name, source), *others = sources.items()
    said = None
    with check(f'everything is taken over from {name}') as wrong:
        said = work.take(source, '--rename=-old')
        found = {nouns: said['counts'].get(nouns, {}).get('made') for nouns in PEOPLE}
        wrong += [f'made {found} and not {PEOPLE}'] if found != PEOPLE else []
        wrong += [f'renamed: {said["renamed"]}'] if said['renamed'] != ['project admin: now admin-old', 'user admin: now admin-old'] else []
        behind = {what: count for what, count in said['left'].items() if count and '--catalog' not in what}
        wrong += [f'left behind: {behind}'] if behind != WITHOUT_CATALOG else []
    with check('the catalog is taken over when that is asked for, and what hangs on it') as wrong:
        said = work.take(source, '--rename=-old', '--catalog')
        found = {nouns: count['made'] for nouns, count in said['counts'].items() if count['made']}
        wrong += [f'made {found} and not {CATALOG}'] if found != CATALOG else []
        behind = {what: count for what, count in said['left'].items() if count}
        wrong += [f'left behind: {behind}'] if behind else []
    if said is None:
        raise Trouble('nothing was taken over that others could be compared with')
    everything, taken = totals(said), work.rows()
    for name, source in [(f'{name} again', source), *others]:
        with check(f'{name} says the same, and changes nothing') as wrong:
            said = work.take(source, '--rename=-old', '--catalog')
            changed = {nouns: count for nouns, count in said['counts'].items() if count['made'] or count['changed']}
            wrong += [f'it changed {changed}'] if changed else []
            wrong += [f'it has {totals(said)} and not {everything}'] if totals(said) != everything else []
            now = work.rows()
            wrong += [f'rows of {name} are others' for name in now if now[name] != taken[name]]


def totals(said):
    """How many things of each noun there were, new or not."""
    return {nouns: sum(count.values()) for nouns, count in said['counts'].items()}


def check_use(check, api, answers):
    made, admin = answers.made, api.login(ADMIN, HOME)

    def same(label, ask, then):
        with check(label) as wrong:
            wrong += [f'{place}: {ours} and not {theirs}' for place, ours, theirs in differences(ask(), then)]
    for place in PLACES:
        same(f'{place} is the same', lambda place=place: answers.know(api, admin, place), answers.known[place])
    for name, token in answers.tokens.items():
        same(f'a token of Keystone by {name} is as good', lambda token=token: meaning(api, admin, token), answers.meanings[name])
    for name, token in made['revoked'].items():
        same(f'{name} is good for nothing', lambda token=token: meaning(api, admin, token), answers.revoked[name])
    for name, identity in strangers(made).items():
        same(f'{name} opens nothing', lambda identity=identity: refused(api, identity), answers.refused[name])
    for name, ask in ways(made).items():
        same(f'a new token by {name} says the same', lambda ask=ask: lasting(meaning(api, admin, token_in(ask(api, admin)))),
             lasting(answers.meanings[name]))
    with check('passcodes open as before') as wrong:
        status, _, body = api.enter(passcode(made['bob'], TOTP))
        wrong += [f'{status} {body}'] if status != 201 else []
    with check('a password that is over is changed as before') as wrong:
        api.done('POST', f'/users/{made["erin"]}/password', {'user': {'original_password': 'erin-word', 'password': 'new-word'}})
        api.login(password('erin', 'new-word'))


def take_over(program, kind, check, keep):
    """One Keystone on one database, from its first start to its users' logins here."""
    with ExitStack() as started:
        place = tempfile.mkdtemp(prefix='ks-', dir='/tmp')
        started.callback(shutil.rmtree, place, ignore_errors=True)
        # servers of databases have users of their own
        os.chmod(place, 0o711)
        own, home = (os.path.join(place, name) for name in ('keystone', 'database'))
        for path in (own, home):
            os.mkdir(path, 0o700)
        provider = Provider(own)
        started.callback(provider.stop)
        provider.wait(provider.issuer, 30)
        database = KINDS[kind](home)
        started.callback(database.stop)
        reference = Reference(own, database)
        started.callback(reference.stop)
        if keep:
            started.callback(keep_logs, own, keep, kind)
        # its programs for administrators take their time
        theirs = reference.wait(reference.url, 600)
        answers = Answers(theirs, furnish(theirs, reference, provider.issuer))
        reference.stop()
        cloud = Cloud('sim', program)
        started.callback(shutil.rmtree, cloud.state_dir, ignore_errors=True)
        started.callback(cloud.destroy)
        if keep:
            started.callback(cloud.keep_logs, os.path.join(keep, kind))
        with open(os.path.join(cloud.state_dir, 'drystone.toml'), 'w') as file:
            file.write(SETTINGS.format(issuer=provider.issuer))
        cloud.up()
        cloud.run('down', '--state-dir', cloud.state_dir)
        work, sources = Import(cloud, reference), database.sources()
        file = next(source for source in sources.values() if os.path.exists(source))
        check_refusals(check, work, own, next(iter(sources.values())), database.useless() | cut(own, file))
        check_import(check, work, sources)
        cloud.up()
        check_use(check, Api(f'http://{cloud.listen}/identity/v3'), answers)


def keep_logs(place, folder, kind):
    os.makedirs(os.path.join(folder, kind), exist_ok=True)
    for name in os.listdir(place):
        if name.endswith('.log'):
            shutil.copy(os.path.join(place, name), os.path.join(folder, kind, name))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--program', required=True, help='the program')
    parser.add_argument('--only', nargs='+', choices=KINDS, default=list(KINDS), metavar='KIND', help=', '.join(KINDS))
    parser.add_argument('--keep-logs', metavar='DIR', help='where the logs go')
    options = parser.parse_args()
    # an interrupted test still removes what it started
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    report = Report()
    for kind in options.only:
        print(f'\n# {kind}', flush=True)
        with report.check(f'{kind}, from the first start of a Keystone to its users\' logins here'):
            take_over(os.path.abspath(options.program), kind, lambda label: report.check(f'{kind}: {label}'), options.keep_logs)
    return report.close()


if __name__ == '__main__':
    sys.exit(main())
