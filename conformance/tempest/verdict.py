"""Reads a stream of results and judges it: against the tests that were chosen, and the two lists of exceptions."""

import re

import subunit
from testtools import StreamToDict

STATUS = {'success': 'passed', 'uxsuccess': 'passed', 'fail': 'failed', 'skip': 'skipped', 'xfail': 'failed'}
FAILURE = re.compile(r'^[\w.]*(Error|Exception|Failure|NotFound|Timeout|Conflict|Forbidden|Unauthorized|BadRequest|Mismatch\w*)(:|$)')


def read(stream, chosen):
    """[(status, seconds, test, why)] for every chosen test. One without a result has failed."""
    seen = {}
    with open(stream, 'rb') as file:
        parser = subunit.ByteStreamToStreamResult(file, non_subunit_name='stdout')
        results = StreamToDict(lambda result: seen.setdefault(result['id'], []).append(result))
        results.startTestRun()
        parser.run(results)
        results.stopTestRun()
    # a class whose preparation failed or skipped speaks for its tests
    classes = {match.group(1): results[-1] for name, results in seen.items() if (match := re.match(r'^setUpClass \((.+)\)$', name))}
    rows = []
    for test in chosen:
        own = [result for result in seen.get(test, []) if result['status'] != 'exists']
        result = own[-1] if own else classes.get(bare(test).rpartition('.')[0])
        if result is None:
            rows.append(('failed', 0.0, test, 'no result: it was never reached, or its worker died'))
        else:
            status = STATUS.get(result['status'], 'failed')
            rows.append((status, _seconds(result) if own else 0.0, test, '' if status == 'passed' else _why(result)))
    untidy = [name for name, results in seen.items() if name.startswith('tearDownClass') and results[-1]['status'] == 'fail']
    return rows + [('failed', 0.0, name, _why(seen[name][-1])) for name in untidy]


def judge(rows, known, allowed):
    """Applies the lists: {status: rows}, where `known` are failures that are named and `wrong` is what fails the run."""
    sorted_rows = {'passed': [], 'failed': [], 'skipped': [], 'known': []}
    for status, seconds, test, why in rows:
        name = bare(test)
        if status == 'failed' and name in known:
            sorted_rows['known'].append((seconds, test, known[name]))
        elif status == 'passed' and name in known:
            sorted_rows['failed'].append((seconds, test, 'it passes: delete its line in known-failures.txt'))
        elif status == 'skipped' and not any(name.startswith(prefix) for prefix in allowed):
            sorted_rows['failed'].append((seconds, test, f'skipped, and not named in allowed-skips.txt: {why}'))
        else:
            sorted_rows[status].append((seconds, test, why))
    return sorted_rows


def exceptions(path):
    """{name: reason} of a list; a line without a reason is refused."""
    found = {}
    with open(path) as file:
        for number, line in enumerate(file, 1):
            name, _, reason = (part.strip() for part in line.partition('#'))
            if name and not reason:
                raise SystemExit(f'{path}:{number}: {name} has no reason')
            if name:
                found[name] = reason
    return found


def bare(test):
    """The name without the id and the tags in brackets."""
    return test.partition('[')[0]


def _seconds(result):
    began, ended = result['timestamps']
    return (ended - began).total_seconds() if began and ended else 0.0


def _why(result):
    details = result.get('details') or {}
    if 'reason' in details:
        return ' '.join(details['reason'].as_text().split())
    for name, content in details.items():
        if name.startswith('traceback'):
            lines = [line for line in content.as_text().splitlines() if line.strip()]
            for number in range(len(lines) - 1, -1, -1):
                if FAILURE.match(lines[number]):
                    return ' '.join(line.strip() for line in lines[number:number + 4])[:400]
            return lines[-1][:400] if lines else ''
    return 'cut short while it ran' if result['status'] in ('inprogress', 'unknown') else ''
