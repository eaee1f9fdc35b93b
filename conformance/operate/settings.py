"""What may be chosen, where, and what holds when nothing is chosen."""

import json
import os
import re
import subprocess

EVERYTHING = '''
state_dir = "{state}"
output = "json"
listen = "127.0.0.1:0"
public_url = "http://cloud.example:8774"
metal = "sim"
metrics_listen = "127.0.0.1:0"
log_format = "json"
log = "debug"
region = "North"
host_name = "anvil"
acceleration = "tcg"
masquerade = false
password_cost = 5
token_seconds = 120
'''


def run(stage):
    from_a_file(stage)
    every_flag_is_a_key(stage)
    listed = json.loads(stage.command('operations', '--output', 'json').stdout)
    stage.true('the operations are JSON too', len(listed['operations']) > 400, len(listed['operations']))
    defaults(stage)
    bad_files(stage)


def from_a_file(stage):
    state, folder = stage.place(), stage.place()
    config = os.path.join(folder, 'cloud.toml')
    write(config, EVERYTHING.format(state=state))
    with stage.up(state, '--config', config, listen=None, metal=None, output=None) as one:
        stage.true('the file chooses the output: a ready line of JSON', one.ready and one.ready['event'] == 'ready', one.said)
        stage.same('the file names the state directory', one.ready['state_dir'], state)
        stage.same('the file names the public address', one.ready['auth_url'], 'http://cloud.example:8774/v3')
        stage.true('the file chooses the form of the log', all_json(one.logged()), one.logged()[-300:])
        stage.true('the file chooses what is logged', '"level":"DEBUG"' in one.logged(), 'no line of level DEBUG')
        said = json.loads(stage.command('status', '--config', config).stdout)
        stage.same('the file names the host', said['hosts'][0]['facts']['name'], 'anvil')
        with open(os.path.join(state, 'clouds.yaml'), encoding='utf-8') as clouds:
            stage.true('the file names the region', 'region_name: "North"' in clouds.read())
    own = os.path.join(state, 'drystone.toml')
    write(own, 'metal = "sim"\nregion = "North"\nlisten = "127.0.0.1:0"\ntoken_seconds = 120\n')
    with stage.up(state, '--region', 'South', listen=None, metal=None) as one:
        with open(os.path.join(state, 'clouds.yaml'), encoding='utf-8') as clouds:
            stage.true('the command line wins over the file', 'region_name: "South"' in clouds.read())
        api = one.api()
        body = api.http.get(one.ready['auth_url'] + '/auth/tokens', headers={'X-Subject-Token': api.http.headers['X-Auth-Token']}).json()
        stage.same('the file in the state directory is read', seconds(body['token']), 120)
    os.remove(own)


def seconds(token):
    def at(text):
        hours, minutes, rest = re.search(r'T(\d+):(\d+):(\d+)', text).groups()
        return int(hours) * 3600 + int(minutes) * 60 + int(rest)
    return round((at(token['expires_at']) - at(token['issued_at'])) % 86400, -1)


def every_flag_is_a_key(stage):
    """A value of a wrong type is complained of, the key is not."""
    flags = set(re.findall(r'--([a-z][a-z-]+)', stage.command('up', '--help').stdout)) - {'detach', 'help', 'version', 'config'}
    config, unknown = os.path.join(stage.place(), 'c.toml'), []
    for flag in sorted(flags):
        write(config, f'{flag.replace("-", "_")} = [[1]]\n')
        said = stage.command('status', '--config', config).stderr
        if 'invalid type' not in said and 'wanted' not in said:
            unknown.append(f'{flag}: {said.strip()}')
    stage.report.line(f'every flag is a key of the file: {len(flags)}', 0.0, unknown if len(flags) > 15 else ['too few flags found'])


def defaults(stage):
    home = stage.place()
    words, user = [], {'HOME': home, 'PATH': os.environ['PATH']}
    if os.geteuid() == 0:
        os.chown(home, 65534, 65534)
        words = ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups', '--']
    usual = f'{home}/.local/state/drystone'
    stage.same('`status` where nothing was started', asked(stage, words, user, 'status', '--output', 'json'), {'role': None, 'state_dir': usual})
    stage.true('asking made no directory', not os.path.exists(f'{home}/.local'))
    with stage.up('', before=words, env=user) as one:
        stage.same('an ordinary user starts a cloud in the usual place', one.ready['state_dir'], usual)
        stage.same('which nobody else can look into', os.stat(usual).st_mode & 0o066, 0)
        said = asked(stage, words, user, 'status', '--output', 'json')
        stage.same('and asks for its status there', (said['pid'], said['metal']), (one.process.pid, 'sim'))


def asked(stage, words, user, *command):
    done = subprocess.run([*words, stage.program, *command], env=user, capture_output=True, text=True, timeout=120)
    return json.loads(done.stdout) if done.stdout else done.stderr


def bad_files(stage):
    state = stage.place()
    config = os.path.join(state, 'drystone.toml')
    for label, text, like in [
            ('an unknown key, by its name and line', 'metal = "sim"\n\nlisen = "127.0.0.1:0"\n', r'drystone\.toml.*line 3.*lisen'),
            ('a value of a wrong type', 'token_seconds = "long"\n', r'line 1.*string'),
            ('a number out of its range', 'password_cost = 40\n', r'password_cost.*4 to 16'),
            ('half of a pair', 'tls_cert = "/a"\n', r'tls_cert and tls_key belong together'),
            ('no TOML', 'metal = \n', r'line 1'),
            ('a metal that is not known', 'metal = "gold"\n', r'line 1.*gold'),
            ('another state directory', 'state_dir = "/tmp/elsewhere"\n', r'names another state directory'),
            ('a public address that is none', 'metal = "sim"\npublic_url = "cloud.example"\n', r'cloud\.example'),
            ('a filter of the log that is none', 'metal = "sim"\nlog = "compute=loud"\n', r'--log is not understood')]:
        write(config, text)
        stage.refused(f'refused: {label}', ['up', '--state-dir', state], like, unchanged=[state])
    os.remove(config)
    stage.refused('refused: a file that is not there', ['up', '--state-dir', state, '--config', '/nowhere/c.toml'],
                  r'/nowhere/c\.toml cannot be read', unchanged=[state])


def all_json(text):
    try:
        return all(isinstance(json.loads(line), dict) for line in text.splitlines() if not line.startswith('…'))
    except ValueError:
        return False


def write(path, text):
    with open(path, 'w', encoding='utf-8') as file:
        file.write(text)
