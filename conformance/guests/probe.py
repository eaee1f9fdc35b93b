"""Measures when a connection stops or starts to work, to a few hundredths of a second."""

import socket
import subprocess
import threading
import time


class Ticks:
    """An established connection that says something every 50 ms; remembers when it last did."""

    def __init__(self, command):
        self.last, self.count = None, 0
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        while self.process.stdout.readline():
            self.last = time.monotonic()
            self.count += 1

    def flowing(self, within=20):
        """Waits for the first second of ticks."""
        until = time.monotonic() + within
        while self.count < 10 and time.monotonic() < until:
            time.sleep(0.05)
        return self.count >= 10 and time.monotonic() - self.last < 1

    def close(self):
        self.process.kill()
        self.process.wait()


def connects(address, port, timeout=0.2):
    """Whether a new TCP connection is accepted at once."""
    try:
        with socket.create_connection((address, port), timeout):
            return True
    except OSError:
        return False


def opens_within(address, port, since, limit):
    """Seconds from `since` to the first accepted connection; None when there is none by `limit`."""
    while time.monotonic() - since < limit + 0.2:
        if connects(address, port):
            return time.monotonic() - since
    return None


def accepted_after(address, port, since, grace, watch):
    """The latest moment, in seconds from `since`, at which a new connection was accepted later than `grace`."""
    latest = None
    while (now := time.monotonic() - since) < watch:
        if connects(address, port) and now > grace:
            latest = now
    return latest
