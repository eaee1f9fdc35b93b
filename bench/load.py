"""Requests a second and latencies under load, by wrk (Debian's package), which costs the machine little."""

import os
import re
import shutil
import subprocess
import tempfile

SECONDS = 4
UNITS = {'us': 0.001, 'ms': 1.0, 's': 1000.0, 'm': 60000.0}


def load(url, clients, headers, method='GET', body='', rate=None, seconds=SECONDS):
    """(requests a second, 99th percentile in ms, answers that were no success) of so many clients, a connection each.

    They ask as fast as they are answered, or with `rate` so often a second, all together, as long as they are answered at once.
    """
    if not shutil.which('wrk'):
        raise SystemExit("bench: wrk is missing: 'apt-get install wrk' brings it")
    with tempfile.TemporaryDirectory(prefix='dsb') as folder:
        script = os.path.join(folder, 'request.lua')
        with open(script, 'w', encoding='utf-8') as file:
            # the token is a secret: in a file of ours, and not on a command line that all can read
            file.write(f'wrk.method = {quoted(method)}\nwrk.body = {quoted(body)}\n')
            if rate:
                file.write(f'function delay() return {clients * 1000 // rate} end\n')
            file.writelines(f'wrk.headers[{quoted(name)}] = {quoted(value)}\n' for name, value in headers.items())
        said = subprocess.run(['wrk', '--latency', '-t1', f'-c{clients}', f'-d{seconds}s', '-s', script, url],
                              capture_output=True, text=True, check=True).stdout
    rate = float(re.search(r'Requests/sec:\s+([\d.]+)', said).group(1))
    number, unit = re.search(r'99%\s+([\d.]+)(us|ms|s|m)', said).groups()
    bad = re.search(r'Non-2xx or 3xx responses: (\d+)', said)
    return rate, float(number) * UNITS[unit], int(bad.group(1)) if bad else 0


def quoted(text):
    """A string of Lua."""
    return '"' + text.replace('\\', '\\\\').replace('"', '\\"') + '"'
