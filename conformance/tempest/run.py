"""Runs Tempest against a cloud that is up, and judges the result.

Which tests: --smoke (those marked smoke for identity, image, compute and network, and the scenarios), --regex, or --list.
The result ends with `N passed, N failed, N skipped`. Skips that allowed-skips.txt does not name count as failed, and so
does a test of known-failures.txt that passes. WORKSPACE/results.tsv has a line for each test.
"""

import argparse
import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, '..', 'kit')]

import settings  # noqa: E402
import verdict  # noqa: E402
from api import Api  # noqa: E402

SMOKE = r'^tempest\.(api\.(identity|image|compute|network)|scenario)\..*[\[,]smoke[,\]]'


def main():
    options = arguments()
    workspace = os.path.abspath(options.workspace)
    for folder in ('etc', 'logs', 'lock'):
        os.makedirs(os.path.join(workspace, folder), exist_ok=True)
    said = settings.write(os.path.join(workspace, 'etc', 'tempest.conf'), workspace, Api(options.clouds, options.admin).login(), options)
    print(said, flush=True)
    environment = {**os.environ, 'TEMPEST_CONFIG_DIR': os.path.join(workspace, 'etc'), 'TEMPEST_CONFIG': 'tempest.conf',
                   'OS_TEST_TIMEOUT': str(options.limit)}
    prepare(workspace, environment)
    chosen = choose(workspace, environment, options)
    print(f'{len(chosen)} tests', flush=True)
    stream = os.path.join(workspace, 'results.subunit')
    run(workspace, environment, stream, chosen, options)
    rows = verdict.read(stream, chosen)
    with open(os.path.join(workspace, 'results.tsv'), 'w') as file:
        file.writelines(f'{status}\t{seconds:.2f}\t{test}\t{why}\n' for status, seconds, test, why in sorted(rows))
    return report(rows)


def prepare(workspace, environment):
    """A workspace by hand: `tempest init` would write a configuration of its own."""
    import tempest
    place = os.path.dirname(tempest.__file__)
    with open(os.path.join(workspace, '.stestr.conf'), 'w') as file:
        # the tests of a class stay together: they share what the class prepared
        file.write(f'[DEFAULT]\ntest_path={place}/test_discover\ntop_dir={place}\ngroup_regex=([^\\.]*\\.)*\n')
    if not os.path.isdir(os.path.join(workspace, '.stestr')):
        subprocess.run(['stestr', 'init'], cwd=workspace, env=environment, check=True)


def choose(workspace, environment, options):
    """The full names of the tests to run."""
    expression = SMOKE if options.smoke else options.regex or '.'
    done = subprocess.run(['tempest', 'run', '--list-tests', '--regex', expression], cwd=workspace, env=environment,
                          capture_output=True, text=True)
    found = [line for line in done.stdout.splitlines() if re.match(r'^[a-z_]+\.[\w.]+', line)]
    if options.list:
        with open(options.list) as file:
            wanted = {verdict.bare(line.strip()) for line in file if line.strip() and not line.startswith('#')}
        missing = wanted - {verdict.bare(test) for test in found}
        if missing:
            raise SystemExit('no such test: ' + ', '.join(sorted(missing)))
        found = [test for test in found if verdict.bare(test) in wanted]
    if options.no_guests:
        left_out = verdict.exceptions(os.path.join(HERE, 'guests-only.txt'))
        for test in [test for test in found if verdict.bare(test) in left_out]:
            print(f'left out {test}\n         {left_out[verdict.bare(test)]}')
            found.remove(test)
    if not found:
        raise SystemExit(f'no test matches {expression}\n{done.stderr[-2000:]}')
    return found


def run(workspace, environment, stream, chosen, options):
    """The stream goes straight to a file, so that a run that is cut short keeps what it had."""
    names = os.path.join(workspace, 'chosen.txt')
    with open(names, 'w') as file:
        file.write('\n'.join(chosen) + '\n')
    command = ['tempest', 'run', '--subunit', '--load-list', names, '--concurrency', str(options.concurrency)]
    with open(stream, 'wb') as out, open(os.path.join(workspace, 'logs', 'run.log'), 'wb') as err:
        try:
            subprocess.run(command, cwd=workspace, env=environment, stdout=out, stderr=err, timeout=options.total)
        except subprocess.TimeoutExpired:
            print(f'cut short after {options.total} s')


def report(rows):
    known = verdict.exceptions(os.path.join(HERE, 'known-failures.txt'))
    allowed = verdict.exceptions(os.path.join(HERE, 'allowed-skips.txt'))
    found = verdict.judge(rows, known, allowed)
    for status in ('skipped', 'known', 'failed'):
        for _, test, why in found[status]:
            print(f'{status:8} {test}\n         {why}')
    if found['known']:
        print(f'{len(found["known"])} known failures')
    print(f'{len(found["passed"])} passed, {len(found["failed"])} failed, {len(found["skipped"])} skipped')
    return 1 if found['failed'] else 0


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    which = parser.add_mutually_exclusive_group()
    which.add_argument('--smoke', action='store_true', help='the smoke tests of identity, image, compute, network and the scenarios')
    which.add_argument('--regex', help='tests whose name matches')
    which.add_argument('--list', metavar='FILE', help='tests named in a file, one a line')
    parser.add_argument('--state-dir', help='of the running cloud; else OS_CLIENT_CONFIG_FILE names its clouds.yaml')
    parser.add_argument('--admin', default='drystone-admin', help="the admin's cloud in clouds.yaml (%(default)s)")
    parser.add_argument('--image', required=True, help='a disk image that boots, takes a key and answers SSH')
    parser.add_argument('--image-format', default='qcow2')
    parser.add_argument('--ssh-user', default='cirros')
    parser.add_argument('--no-guests', action='store_true', help='do not log in to guests (simulated metal)')
    parser.add_argument('--provider', nargs=2, metavar=('URL', 'ISSUER'), help='a provider of OpenID Connect that the cloud relies on, as Keycloak is found')
    parser.add_argument('--workspace', required=True, metavar='DIR')
    parser.add_argument('--concurrency', type=int, default=os.cpu_count())
    parser.add_argument('--limit', type=int, default=600, help='seconds for one test (%(default)s)')
    parser.add_argument('--total', type=int, default=5400, help='seconds for all (%(default)s)')
    options = parser.parse_args()
    options.clouds = os.path.join(options.state_dir, 'clouds.yaml') if options.state_dir else os.environ.get('OS_CLIENT_CONFIG_FILE')
    for path in (options.clouds, options.image, options.list or options.image):
        if not path or not os.path.exists(path):
            parser.error(f'not there: {path or "clouds.yaml (--state-dir or OS_CLIENT_CONFIG_FILE)"}')
    return options


if __name__ == '__main__':
    sys.exit(main())
