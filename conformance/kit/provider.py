"""A real provider of OpenID Connect on loopback (../identity/oidc/provider.mjs)."""

import os
import shutil
import subprocess
import time
import urllib.request

from cloud import Trouble

SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'identity', 'oidc', 'provider.mjs')


class Provider:
    """It runs among `modules`, where Node finds the library; `redirects` is where it may send browsers back to."""

    def __init__(self, modules, port, redirects, log):
        script = os.path.join(modules, 'provider.mjs')
        shutil.copy(SCRIPT, script)
        self.issuer = f'http://127.0.0.1:{port}'
        self.discovery = f'{self.issuer}/.well-known/openid-configuration'
        self.command, self.log = ['node', script, str(port), *redirects], log
        self.start()

    def start(self):
        with open(self.log, 'a') as log:
            self.process = subprocess.Popen(self.command, stdout=log, stderr=log)
        for _ in range(600):
            try:
                urllib.request.urlopen(self.discovery, timeout=5).close()
                return
            except OSError:
                time.sleep(0.1)
        self.stop()
        raise Trouble('the provider does not answer')

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=20)
