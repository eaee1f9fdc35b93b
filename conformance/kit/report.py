"""Lines of a test run: one for each check, and the closing `N passed, N failed`."""

import time
from contextlib import contextmanager


class Report:
    """Counts, prints and remembers."""

    def __init__(self, verbose=False):
        self.passed, self.failed, self.failures, self.verbose = 0, 0, [], verbose

    def line(self, label, seconds, wrong, detail=''):
        """Writes one line; `wrong` is a list of sentences, empty when all is well."""
        wrong = list(wrong)
        if wrong:
            self.failed += 1
            self.failures.append((label, wrong))
        else:
            self.passed += 1
        print(f'{"FAIL" if wrong else "ok  "} {seconds:6.2f} s  {label}', flush=True)
        for sentence in wrong:
            print(f'            {sentence}', flush=True)
        if (wrong or self.verbose) and detail.strip():
            print('\n'.join('            | ' + line for line in detail.strip().splitlines()[-12:]), flush=True)

    @contextmanager
    def check(self, label):
        """A timed check: what it puts into the list is what is wrong; an exception is wrong too, and stays inside."""
        wrong, began = [], time.monotonic()
        try:
            yield wrong
        except Exception as news:
            wrong.append(f'{type(news).__name__}: {news}')
        self.line(label, time.monotonic() - began, wrong)

    def close(self):
        """Repeats the failures, prints the closing line, and returns the exit status."""
        if self.failures:
            print('\nfailed:')
            for label, wrong in self.failures:
                print(f'  {label}\n' + '\n'.join(f'      {sentence}' for sentence in wrong))
        print(f'{self.passed} passed, {self.failed} failed', flush=True)
        return 1 if self.failed else 0
