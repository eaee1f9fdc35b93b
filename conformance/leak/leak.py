#!/usr/bin/env python3
"""What a cloud has on the metal: processes, interfaces, OVN rows, files; and what of it is too much.

    leak.py show    --state-dir DIR                  prints what is there, as JSON
    leak.py compare --state-dir DIR BASELINE.json    prints what is there now and was not in the baseline; exits 1

Everything is read from outside (from /proc, the links of the kernel, OVN's own database and the file system), never
asked of the cloud: a leak is precisely what the cloud no longer knows. Standard library only.
"""

import argparse
import json
import os
import subprocess
import sys
import time

# Interfaces, namespaces and the firewall's tables of a cloud begin so.
PREFIX = 'ds'
TABLE = 'drystone_'
# Folders of the state directory whose files belong to users' things. The other files are the cloud's own:
# databases, logs, sockets, keys.
FOLDERS = ('disks', 'image-data', 'images', 'servers')
OVN_TABLES = ('Logical_Switch', 'Logical_Switch_Port', 'Logical_Router', 'Logical_Router_Port', 'Logical_Router_Static_Route',
              'NAT', 'Port_Group', 'ACL', 'Address_Set', 'DHCP_Options', 'DNS')


def show(state_dir, prefix=PREFIX):
    """Everything there is, as {kind: {name: what it is}}."""
    state_dir = os.path.realpath(state_dir)
    return {
        'QEMU process': qemu_processes(state_dir),
        'network interface': interfaces(prefix, tag(state_dir)),
        'network namespace': namespaces(prefix, tag(state_dir)),
        'firewall table': firewall_tables(tag(state_dir)),
        'OVN row': ovn_rows(state_dir),
        'OVS interface': ovs_interfaces(state_dir),
        'file': files(state_dir),
        'simulated': simulated(state_dir),
    }


def tag(state_dir):
    """What tells the names of this cloud from those of another on the same host: FNV-1a of where its switch is."""
    value = 0xcbf29ce484222325
    for byte in os.path.join(os.path.realpath(state_dir), 'ovn').encode():
        value = (value ^ byte) * 0x100000001b3 & 0xffffffffffffffff
    return f'{value & 0xffffffff:08x}'


def machines(state_dir):
    """Machines that run: {server id: its identity}. The identity changes when a machine is started anew."""
    state_dir = os.path.realpath(state_dir)
    found = {}
    for identity, argv in _qemu(state_dir):
        uuid = next((after for word, after in zip(argv, argv[1:]) if word == '-uuid'), None)
        if uuid:
            found[uuid] = f'{found[uuid]} and {identity}' if uuid in found else identity
    for name, record in simulated_records(state_dir).items():
        area, ident = name
        if area == 'machine' and record['state'] in ('running', 'paused'):
            found[ident] = f'boot {record.get("boots")} of life {record.get("incarnation")}'
    return found


def compare(before, after):
    """Sentences about what is there now and was not before."""
    return [f'{kind} {name} ({what})' if what else f'{kind} {name}'
            for kind, things in after.items() for name, what in sorted(things.items()) if name not in before.get(kind, {})]


def settle(state_dir, before, within=30, prefix=PREFIX):
    """Compares until nothing is too much, or the time is up; returns the last sentences."""
    until = time.monotonic() + within
    while True:
        left = compare(before, show(state_dir, prefix))
        if not left or time.monotonic() > until:
            return left
        time.sleep(0.5)


def qemu_processes(state_dir):
    """QEMU processes that name the state directory: 'pid start-time' → the name of the guest."""
    return {identity: next((after for word, after in zip(argv, argv[1:]) if word == '-name'), os.path.basename(argv[0]))
            for identity, argv in _qemu(state_dir)}


def _qemu(state_dir):
    for pid in filter(str.isdigit, os.listdir('/proc')):
        try:
            with open(f'/proc/{pid}/cmdline', 'rb') as file:
                argv = file.read().decode('utf-8', 'replace').split('\0')
            began = start_time(pid)
        except OSError:
            continue
        if os.path.basename(argv[0]).startswith(('qemu-system', 'qemu-storage')) and any(state_dir in word for word in argv):
            yield f'{pid} {began}', argv


def start_time(pid):
    """When a process began, in clock ticks since boot: with the pid, its identity."""
    with open(f'/proc/{pid}/stat') as file:
        return int(file.read().rpartition(')')[2].split()[19])


def interfaces(prefix, ours):
    """Interfaces with the prefix: in the namespaces of this cloud, and in the host, where clouds meet."""
    found = {}
    names = namespaces(prefix, ours)
    for namespace in names:
        for link in _json(['ip', '-j', '-n', namespace, 'link', 'show']) or []:
            if link.get('ifname', '').startswith(prefix):
                found[f'{namespace}/{link["ifname"]}'] = link.get('link_type', '')
    for link in _json(['ip', '-j', 'link', 'show']) or []:
        if link.get('ifname', '').startswith(prefix) and not _leads_elsewhere(link, names):
            found[link['ifname']] = link.get('link_type', '')
    return found


def _leads_elsewhere(link, ours):
    """A pair's end whose other end is in the namespace of another cloud. (With the other end a pair is gone.)"""
    if 'link_netnsid' not in link:
        return False
    known = {entry.get('id'): entry['name'] for entry in _json(['ip', '-j', 'netns', 'list']) or []}
    return known.get(link['link_netnsid']) not in (None, *ours)


def namespaces(prefix, ours):
    """Named network namespaces of this cloud."""
    try:
        names = os.listdir('/run/netns')
    except OSError:
        return {}
    return {name: '' for name in names if name.startswith(f'{prefix}-{ours}')}


def firewall_tables(ours):
    """nftables of this cloud."""
    tables = (_json(['nft', '-j', 'list', 'tables']) or {}).get('nftables', []) if os.geteuid() == 0 else []
    return {entry['table']['name']: entry['table']['family'] for entry in tables
            if 'table' in entry and entry['table']['name'] == TABLE + ours}


def ovn_rows(state_dir):
    """Rows of the Northbound database, with the name or external id by which we know them."""
    socket = _socket(state_dir, 'nb')
    if not socket:
        return {}
    found = {}
    for table in OVN_TABLES:
        rows = _ovsdb(['ovn-nbctl', f'--db=unix:{socket}', '--timeout=10', '--no-leader-only', '--format=json', 'list', table])
        for row in rows:
            ours = dict(row['external_ids'][1]) if isinstance(row.get('external_ids'), list) else {}
            found[f'{table} {row["_uuid"][1]}'] = str(row.get('name') or ours.get('drystone:id') or row.get('external_ip') or row.get('match') or '')
    return found


def ovs_interfaces(state_dir):
    """What is plugged into the switch of this host."""
    socket = _socket(state_dir, 'conf')
    if not socket:
        return {}
    rows = _ovsdb(['ovs-vsctl', f'--db=unix:{socket}', '--timeout=10', '--format=json', '--columns=name,type', 'list', 'Interface'])
    return {str(row['name']): str(row['type']) for row in rows}


def _socket(state_dir, name):
    """A database's socket; where the path of the state directory is too long for one, it lies behind a link."""
    for place in ('ovn', 'ovn/run'):
        path = os.path.join(state_dir, place, f'{name}.sock')
        if os.path.exists(path):
            return path
    return None


def simulated(state_dir):
    """What a simulated host holds, by its own file: it outlives the process as real things do."""
    return {f'{area} {ident}': str(record.get('name') or '') if isinstance(record, dict) else ''
            for (area, ident), record in simulated_records(state_dir).items()}


def simulated_records(state_dir):
    """The records of the simulated host's log: each line sets one, or removes it."""
    found = {}
    try:
        with open(os.path.join(state_dir, 'sim', 'state'), encoding='utf-8', errors='replace') as file:
            lines = file.read().splitlines()
    except OSError:
        return found
    for text in lines:
        try:
            line = json.loads(text)
        except ValueError:                       # torn by a kill
            continue
        key = line['area'], line['id']
        if line.get('value') is None:
            found.pop(key, None)
        else:
            found[key] = line['value']
    return found


def files(state_dir):
    """Files that belong to users' things, with their sizes."""
    found = {}
    for folder in FOLDERS:
        for place, _, names in os.walk(os.path.join(state_dir, folder)):
            for name in names:
                path = os.path.join(place, name)
                try:
                    found[os.path.relpath(path, state_dir)] = f'{os.lstat(path).st_size} bytes'
                except OSError:
                    continue
    return found


def _ovsdb(command):
    table = _json(command)
    return [dict(zip(table['headings'], row)) for row in table['data']] if table else []


def _json(command):
    """The JSON that a command prints; a command that is not installed has nothing to show, one that fails is an error."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20)
    except FileNotFoundError:
        return None
    if done.returncode:
        raise RuntimeError(f'{" ".join(command)}: {done.stderr.strip()}')
    return json.loads(done.stdout or 'null')


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('action', choices=('show', 'compare'))
    parser.add_argument('baseline', nargs='?', help='for compare: the file that show printed before')
    parser.add_argument('--state-dir', required=True)
    parser.add_argument('--prefix', default=PREFIX, help='of interfaces and namespaces (%(default)s)')
    parser.add_argument('--within', type=float, default=30, help='seconds that cleaning up may take (%(default)s)')
    options = parser.parse_args()
    if options.action == 'show':
        json.dump(show(options.state_dir, options.prefix), sys.stdout, indent=1)
        print()
        return 0
    if not options.baseline:
        parser.error('compare needs the baseline')
    with open(options.baseline) as file:
        left = settle(options.state_dir, json.load(file), options.within, options.prefix)
    for sentence in left:
        print(f'left: {sentence}')
    print(f'{len(left)} leaked')
    return 1 if left else 0


if __name__ == '__main__':
    sys.exit(main())
