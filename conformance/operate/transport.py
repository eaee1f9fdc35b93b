"""Off loopback: TLS with a root that `clouds.yaml` names, or with the operator's certificate."""

import os
import re
import subprocess

ADDRESS = '198.51.100.7'


def run(stage):
    if os.geteuid() != 0:
        print('            a network namespace of its own wants root: only the unspecified address is tried')
        return everywhere(stage)
    name = f'ds-op-{os.getpid()}'
    for words in (['ip', 'netns', 'add', name], ['ip', '-n', name, 'link', 'set', 'lo', 'up'],
                  ['ip', '-n', name, 'address', 'add', f'{ADDRESS}/32', 'dev', 'lo']):
        subprocess.run(words, check=True)
    inside = ['ip', 'netns', 'exec', name]
    try:
        own_authority(stage, inside)
        operators_certificate(stage, inside)
    finally:
        subprocess.run(['ip', 'netns', 'delete', name], check=True)
    everywhere(stage)
    unusable(stage)


def own_authority(stage, inside):
    state = stage.place()
    root = os.path.join(state, 'ca.pem')
    with stage.up(state, before=inside, listen=f'{ADDRESS}:0') as one:
        stage.true('a reachable address is served with TLS', one.ready['auth_url'].startswith(f'https://{ADDRESS}:'), one.ready)
        stage.true('clouds.yaml names the root beside it', named_root(state) == {root} and os.path.exists(root), named_root(state))
        stage.same('the stock client works with it', client(inside, state, 'token', 'issue', '-f', 'value', '-c', 'project_id')[0], 0)
        stage.true('it lists services over TLS', 'compute' in client(inside, state, 'catalog', 'list')[1])
        base = one.ready['auth_url']
        stage.true('without the root a client refuses it', curl(inside, base) == 60, curl(inside, base))
        stage.same('with the root it does not', curl(inside, base, '--cacert', root), 0)
        stage.true('plain HTTP is not answered', curl(inside, base.replace('https', 'http')) != 0)
        strict = subprocess.run(['openssl', 'verify', '-x509_strict', '-CAfile', root, os.path.join(state, 'tls', 'server.pem')],
                                capture_output=True, text=True)
        stage.true('strict verification holds', strict.returncode == 0, strict.stdout + strict.stderr)
        days = subprocess.run(['openssl', 'x509', '-checkend', str(366 * 86400), '-in', os.path.join(state, 'tls', 'server.pem')])
        stage.same('the certificate outlasts a year without a restart', days.returncode, 0)
    with open(root, 'rb') as file:
        before = file.read()
    with stage.up(state, before=inside, listen=f'{ADDRESS}:0') as one:
        with open(root, 'rb') as file:
            stage.same('the root stays over restarts', file.read(), before)
        stage.same('and the root works with the new certificate', curl(inside, one.ready['auth_url'], '--cacert', root), 0)
    stage.same('the key is for its owner alone', os.stat(os.path.join(state, 'tls', 'ca-key.pem')).st_mode & 0o077, 0)


def operators_certificate(stage, inside):
    folder, state = stage.place(), stage.place()
    key, certificate = os.path.join(folder, 'key.pem'), os.path.join(folder, 'cert.pem')
    subprocess.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '9',
                    '-subj', '/CN=cloud', '-addext', f'subjectAltName=IP:{ADDRESS},DNS:cloud.example', '-keyout', key, '-out', certificate],
                   check=True, capture_output=True)
    words = ['--tls-cert', certificate, '--tls-key', key]
    with stage.up(state, *words, before=inside, listen=f'{ADDRESS}:0') as one:
        stage.same("the operator's certificate is served", curl(inside, one.ready['auth_url'], '--cacert', certificate), 0)
        stage.same('clouds.yaml names no root then', named_root(state), set())
    with stage.up(stage.place(), *words) as one:
        stage.true('also on loopback, when it is named', one.ready['auth_url'].startswith('https://127.0.0.1:'), one.ready)


def everywhere(stage):
    state = stage.place()
    with stage.up(state, listen='0.0.0.0:0') as one:
        stage.same('the unspecified address: TLS, and a catalog that this machine can use',
                   (re.sub(r'\d+/v3$', '', one.ready['auth_url']), curl([], one.ready['auth_url'], '--cacert', os.path.join(state, 'ca.pem'))),
                   ('https://127.0.0.1:', 0))


def unusable(stage):
    folder, state = stage.place(), os.path.join(stage.place(), 'new')
    nonsense = os.path.join(folder, 'cert.pem')
    with open(nonsense, 'w', encoding='utf-8') as file:
        file.write('nothing\n')
    start = ['up', '--metal', 'sim', '--state-dir', state, '--listen', '127.0.0.1:0', '--tls-key', nonsense, '--tls-cert']
    stage.refused('a certificate that is none', [*start, nonsense], r'cert\.pem cannot be used for TLS')
    stage.refused('a certificate that is not there', [*start, '/nowhere.pem'], r'/nowhere\.pem cannot be used for TLS')


def named_root(state):
    with open(os.path.join(state, 'clouds.yaml'), encoding='utf-8') as file:
        return set(re.findall(r'cacert: "(.*)"', file.read()))


def client(inside, state, *words):
    env = {**os.environ, 'OS_CLIENT_CONFIG_FILE': os.path.join(state, 'clouds.yaml'), 'OS_CLOUD': 'drystone'}
    done = subprocess.run([*inside, 'openstack', *words], env=env, capture_output=True, text=True, timeout=180)
    return done.returncode, done.stdout + done.stderr


def curl(inside, url, *words):
    done = subprocess.run([*inside, 'curl', '-s', '-o', '/dev/null', '--noproxy', '*', '--max-time', '60', *words, url], timeout=120)
    return done.returncode
