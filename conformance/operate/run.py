"""Operates the program as its documents promise: settings, TLS, logs, metrics, databases, full disks, LDAP.

It starts clouds of its own on simulated metal, in short-lived state directories. As root it also makes a network
namespace and a small file system for itself, and removes them. The result ends with the line `N passed, N failed`.
"""

import argparse
import importlib
import os
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, '..', 'kit'), os.path.join(HERE, '..', 'leak')]

from report import Report  # noqa: E402
from stage import Stage  # noqa: E402

PARTS = ['settings', 'refusals', 'catalog', 'transport', 'logs', 'metrics', 'status', 'full_disk', 'database', 'directory', 'administrator']


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--program', required=True, help='the program')
    parser.add_argument('--only', nargs='+', choices=PARTS, default=PARTS, metavar='PART', help=', '.join(PARTS))
    parser.add_argument('--image', help='a disk image: the whole of the stock client runs on PostgreSQL, too')
    options = parser.parse_args()
    for name in [name for name in os.environ if name.startswith('OS_')]:
        del os.environ[name]
    report, began = Report(), time.monotonic()
    stage = Stage(os.path.abspath(options.program), report, options.image)
    try:
        for name in options.only:
            part = importlib.import_module(name)
            print(f'\n# {name}: {part.__doc__.splitlines()[0]}', flush=True)
            with report.check(f'{name} came to its end'):
                part.run(stage)
    finally:
        stage.strike()
    print(f'\nin {time.monotonic() - began:.0f} s')
    return report.close()


if __name__ == '__main__':
    sys.exit(main())
