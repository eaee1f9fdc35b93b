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
    both = Both(Side('ours', *ours), theirs)
    both.sides[0].names['issuer'], theirs.names['issuer'] = issuer, ISSUER
    for chapter in chapters(options.chapter):
        chapter(both)
    if options.record:
        theirs.keep(options.record)
    allowed, used, told, wrong, last = deliberate(), set(), 0, set(), None
    for case, place, ours, theirs in both.found:
        match = next((line for line in allowed if fnmatch.fnmatch(case, line[0]) and fnmatch.fnmatch(place, line[1])), None)
        if match:
            used.add(match)
        elif not options.only or options.only in case:
            told += 1
            wrong.add(case)
            if case != last:
                print(f'\n{case}')
            last = case
            print(f'    {place}\n        ours   {json.dumps(ours)}\n        theirs {json.dumps(theirs)}')
    stale = [line for line in allowed if line not in used and not options.chapter]
    for line in stale:
        print(f'nothing differs any more as the list says: {" | ".join(line)}')
    print(f'{both.asked} requests compared, {told} differences, {len(used)} of {len(allowed)} deliberate ones seen')
    failed = len(wrong) + len(stale)
    print(f'{both.asked - len(wrong)} passed, {failed} failed')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
