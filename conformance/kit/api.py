"""The cloud's HTTP APIs as bare requests: fast, and with every status in the caller's hands."""

import time

import requests
import yaml


class Away(Exception):
    """No answer: the process is not there, or died in the middle. What was asked may or may not have been done."""


class Answer(Exception):
    """An answer that the caller did not ask for."""

    def __init__(self, method, url, status, text):
        super().__init__(f'{method} {url}: {status} {text[:300]}')
        self.status = status


class Api:
    """One user in one project."""

    def __init__(self, clouds, name):
        with open(clouds) as file:
            self.auth = yaml.safe_load(file)['clouds'][name]
        self.http = requests.Session()
        self.http.trust_env = False
        self.http.verify = self.auth.get('cacert', True)
        self.endpoints = {}

    def login(self):
        auth = self.auth['auth']
        domain = {'id': auth['user_domain_id']} if 'user_domain_id' in auth else {'name': auth.get('user_domain_name', 'Default')}
        home = {'id': auth['project_domain_id']} if 'project_domain_id' in auth else {'name': auth.get('project_domain_name', 'Default')}
        body = {'auth': {'identity': {'methods': ['password'], 'password': {'user': {
            'name': auth['username'], 'domain': domain, 'password': auth['password']}}},
            'scope': {'project': {'name': auth['project_name'], 'domain': home}}}}
        answer = self._send('POST', auth['auth_url'].rstrip('/') + '/auth/tokens', json=body)
        if answer.status_code != 201:
            raise Answer('POST', 'auth/tokens', answer.status_code, answer.text)
        self.http.headers['X-Auth-Token'] = answer.headers['X-Subject-Token']
        self.endpoints = {service['type']: next(end['url'].rstrip('/') for end in service['endpoints'] if end['interface'] == 'public')
                          for service in answer.json()['token']['catalog'] if service['endpoints']}
        return self

    def call(self, method, service, path, expect=(200, 201, 202, 204), headers=None, **body):
        """One request; the JSON of the answer, or None. A status that is not expected is raised."""
        url = self.endpoints[service] + path
        answer = self._send(method, url, headers=headers, **body)
        if answer.status_code == 401:
            self.login()
            answer = self._send(method, url, headers=headers, **body)
        if answer.status_code not in expect:
            raise Answer(method, url, answer.status_code, answer.text)
        return answer.json() if answer.content and 'json' in answer.headers.get('Content-Type', '') else None

    def patient(self, method, service, path, within=60, **more):
        """Repeats what may be repeated until somebody answers."""
        until = time.monotonic() + within
        while True:
            try:
                return self.call(method, service, path, **more)
            except Away:
                if time.monotonic() > until:
                    raise
                time.sleep(0.05)

    def _send(self, method, url, **more):
        try:
            return self.http.request(method, url, timeout=120, **more)
        except requests.RequestException as news:
            raise Away(f'{method} {url}: {news}') from None
