"""The image booted by plain QEMU: what a server of the cloud is held against.

The same machine as the cloud gives: one virtual processor, the same memory, a qcow2 overlay, virtio, and a config drive,
so that the guest waits for nobody. SSH counts as there when the guest sends its banner.
"""

import os
import shutil
import socket
import subprocess
import tempfile
import time


def free_port():
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


def wait_for_ssh(address, port, within=120):
    """Seconds until SSH's banner."""
    began = time.monotonic()
    while time.monotonic() - began < within:
        try:
            with socket.create_connection((address, port), 1) as stream:
                stream.settimeout(1)
                if stream.recv(4) == b'SSH-':
                    return time.monotonic() - began
        except OSError:
            pass
        time.sleep(0.05)
    raise SystemExit(f'bench: no SSH at {address}:{port} within {within} s')


def plain_qemu(image, acceleration, memory_mib):
    """Seconds from the start of QEMU to SSH."""
    with tempfile.TemporaryDirectory(prefix='dsb') as folder:
        disk, drive, port = os.path.join(folder, 'disk.qcow2'), os.path.join(folder, 'config'), free_port()
        subprocess.run(['qemu-img', 'create', '-q', '-f', 'qcow2', '-b', image, '-F', 'qcow2', disk], check=True)
        os.makedirs(os.path.join(folder, 'openstack/latest'))
        with open(os.path.join(folder, 'openstack/latest/meta_data.json'), 'w', encoding='utf-8') as file:
            file.write('{"uuid": "bench", "hostname": "bench", "public_keys": {}}')
        subprocess.run(['mkfs.vfat', '-n', 'CONFIG-2', '-C', drive, '1024'], check=True, capture_output=True)
        subprocess.run(['mcopy', '-s', '-i', drive, os.path.join(folder, 'openstack'), '::'], check=True)
        began = time.monotonic()
        process = subprocess.Popen(
            ['qemu-system-x86_64', '-machine', f'q35,accel={acceleration}', '-cpu', 'max', '-smp', '1', '-m', str(memory_mib),
             '-display', 'none', '-nodefaults', '-drive', f'file={disk},if=none,id=root,format=qcow2',
             '-device', 'virtio-blk-pci,drive=root,bootindex=0', '-drive', f'file={drive},if=virtio,format=raw,readonly=on',
             '-netdev', f'user,id=net,hostfwd=tcp:127.0.0.1:{port}-:22', '-device', 'virtio-net-pci,netdev=net,romfile=',
             '-device', 'virtio-rng-pci', '-serial', f'file:{folder}/serial'], stdin=subprocess.DEVNULL)
        try:
            wait_for_ssh('127.0.0.1', port)
            return time.monotonic() - began
        finally:
            process.kill()
            process.wait()


def packages_are_there():
    """Whether plain QEMU and its config drive can be made here."""
    return all(shutil.which(name) for name in ('qemu-system-x86_64', 'qemu-img', 'mkfs.vfat', 'mcopy'))
