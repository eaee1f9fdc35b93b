#!/usr/bin/env python3
"""Sends the same requests, good and bad, to our identity and to Keystone, and tells where the answers differ.

    compare.py --ours URL PASSWORD ISSUER --theirs URL PASSWORD [--record FILE] [--chapter NAME] [--only WORD]
    compare.py --ours URL PASSWORD ISSUER --recorded FILE [--chapter NAME] [--only WORD]

URL is the one without `/v3`, ISSUER the provider of OpenID Connect on which ours relies (`provider.py`). Keystone needs minutes for what we do in seconds: its answers can be recorded once. Ids, times, tokens and the addresses in links are brought into a common form first. What
`deliberate-differences.txt` lists is not told; a line there that nothing matches is. Exit status 0: nothing to tell.
Both clouds must be fresh: names that the requests use are not cleaned up.
"""

import argparse
import fnmatch
import json
import os
import sys

from reference import ISSUER
from sides import Both, Recorded, Recorder, Side
from story import chapters

LIST = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'deliberate-differences.txt')


def deliberate():
    """The lines of the list: (case, place, reason); case and place are patterns."""
    with open(LIST) as file:
        lines = [line.strip() for line in file]
    return [tuple(part.strip() for part in line.split(' | ', 2)) for line in lines if line and not line.startswith('#')]


class Verdict:
    """What differs: told at once, unless it is deliberate."""

    def __init__(self, only):
        self.allowed, self.only = deliberate(), only
        self.used, self.told, self.wrong, self.last = set(), 0, set(), None

    def take(self, case, place, ours, theirs):
        match = next((line for line in self.allowed if fnmatch.fnmatch(case, line[0]) and fnmatch.fnmatch(place, line[1])), None)
        if match:
            self.used.add(match)
        elif not self.only or self.only in case:
            self.told += 1
            self.wrong.add(case)
            if case != self.last:
                print(f'\n{case}')
            self.last = case
            print(f'    {place}\n        ours   {json.dumps(ours)}\n        theirs {json.dumps(theirs)}', flush=True)

    def close(self, asked, whole):
        """The end of it, and the exit status."""
        stale = [line for line in self.allowed if line not in self.used and whole]
        for line in stale:
            print(f'nothing differs any more as the list says: {" | ".join(line)}')
        print(f'{asked} requests compared, {self.told} differences, {len(self.used)} of {len(self.allowed)} deliberate ones seen')
        failed = len(self.wrong) + len(stale)
        print(f'{asked - len(self.wrong)} passed, {failed} failed')
        return 1 if failed else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--ours', nargs=3, metavar=('URL', 'PASSWORD', 'ISSUER'), required=True)
    reference = parser.add_mutually_exclusive_group(required=True)
    reference.add_argument('--theirs', nargs=2, metavar=('URL', 'PASSWORD'))
    reference.add_argument('--recorded', metavar='FILE')
    parser.add_argument('--record', metavar='FILE')
    parser.add_argument('--chapter', help='some chapters alone, as oauth1,federation; a recording is then of those')
    parser.add_argument('--only', help='only what is told of cases with this word')
    options = parser.parse_args()
    theirs = Recorded('theirs', options.recorded) if options.recorded else Recorder('theirs', *options.theirs)
    *ours, issuer = options.ours
    verdict = Verdict(options.only)
    both = Both(Side('ours', *ours), theirs, verdict.take)
    both.sides[0].names['issuer'], theirs.names['issuer'] = issuer, ISSUER
    for chapter in chapters(options.chapter):
        chapter(both)
    if options.record:
        theirs.keep(options.record)
    return verdict.close(both.asked, whole=not options.chapter)


if __name__ == '__main__':
    sys.exit(main())
