"""A Debian guest: made here with debootstrap, started from its own kernel, set up by Debian's own cloud-init.

The disk is a bare file system, the kernel and the initial RAM disk are images of their own, as `kernel_id` and
`ramdisk_id` say; so no boot loader and no mount are needed to make it. cloud-init must find its data in both places:
one guest has a config drive, the other asks the metadata service.
"""

import glob
import os
import subprocess

# debootstrap knows no virtual packages: python3-cffi-backend is named for what cloud-init builds on
PACKAGES = 'systemd-sysv,cloud-init,openssh-server,sudo,linux-image-cloud-amd64,iproute2,ca-certificates,python3-yaml,python3-cffi-backend,netplan.io'
# This small Debian has no locales to choose from, and cloud-init takes that for an error.
USER_DATA = """#cloud-config
locale: false
write_files:
  - path: /etc/written-by-cloud-init
    content: the user data was read
runcmd:
  - [sh, -c, 'echo "a command ran on $(hostname)" > /var/tmp/ran']
"""


def run(test, report, scratch):
    disk, kernel, ramdisk = build(report, scratch)
    admin, demo = test.admin, test.demo
    images = []
    try:
        for name, path, form in (('guests-kernel', kernel, 'aki'), ('guests-ramdisk', ramdisk, 'ari')):
            images.append(admin.image.create_image(name, filename=path, disk_format=form, container_format=form, visibility='public'))
        images.append(admin.image.create_image(
            'guests-debian', filename=disk, disk_format='ami', container_format='ami', visibility='public',
            kernel_id=images[0].id, ramdisk_id=images[1].id))
        flavor = admin.compute.create_flavor(name='guests-debian', ram=768, vcpus=1, disk=3)
        demo.later(admin.compute.delete_flavor, flavor)
        network = next(iter(demo.cloud.network.networks(name='guests-left')))
        for name, drive in (('dora', True), ('emil', False)):
            guest(test, report, name, drive, images[2], flavor, network)
    finally:
        wrong = demo.clean()
        for image in reversed(images):
            admin.image.delete_image(image)
        report.line('the Debian guests are removed again', 0.0, wrong)


def guest(test, report, name, drive, image, flavor, network):
    """One guest, and what cloud-init made of it."""
    demo = test.demo
    where = 'its config drive' if drive else 'the metadata service'
    with report.check(f'{name}, Debian with {where}, becomes ACTIVE'):
        server = demo.server(name, network, [test.open_group], image_id=image.id, flavor_id=flavor.id, config_drive=drive, script=USER_DATA)
        demo.built(server)
        machine = demo.floating(server)
    machine.user = 'debian'
    with report.check(f'cloud-init gave {name} the key: SSH as the user of the distribution') as wrong:
        if machine.wait(900) is None:
            wrong.append(f'not within 900 s: {machine.run("true")[1].strip()}')
    with report.check(f'cloud-init of {name} ended well') as wrong:
        code, said = machine.run('cloud-init status --wait --long', timeout=600)
        if code or 'status: done' not in said:
            wrong.append(said.strip())
    test.says(machine, 'hostname', name, f'cloud-init gave {name} its name')
    test.says(machine, 'cat /etc/written-by-cloud-init', 'the user data was read', f'cloud-init wrote the file of the user data on {name}')
    test.says(machine, 'cat /var/tmp/ran', f'a command ran on {name}', f'cloud-init ran the command of the user data on {name}')
    test.says(machine, 'cloud-id', 'configdrive' if drive else 'openstack', f'cloud-init of {name} knows where it is')
    wanted = 'DataSourceOpenStack.*' if not drive else 'DataSourceConfigDrive.*'
    test.succeeds(machine, f"grep -Eq '{wanted}' /run/cloud-init/result.json", f'cloud-init of {name} read {where}')


def build(report, scratch):
    """Disk, kernel and initial RAM disk, from Debian's packages."""
    root, disk = os.path.join(scratch, 'root'), os.path.join(scratch, 'debian.raw')
    mirror = [os.environ['DEBOOTSTRAP_MIRROR']] if os.environ.get('DEBOOTSTRAP_MIRROR') else []
    with report.check('debootstrap makes a Debian with cloud-init'):
        subprocess.run(['debootstrap', '--variant=minbase', f'--include={PACKAGES}', 'bookworm', root, *mirror], check=True,
                       stdout=subprocess.DEVNULL, timeout=1800)
        with open(os.path.join(root, 'etc', 'fstab'), 'w') as file:
            file.write('/dev/vda / ext4 defaults 0 1\n')
        subprocess.run(['truncate', '-s', '2G', disk], check=True)
        subprocess.run(['mke2fs', '-q', '-t', 'ext4', '-d', root, disk], check=True, timeout=600)
    return disk, glob.glob(os.path.join(root, 'boot', 'vmlinuz-*'))[0], glob.glob(os.path.join(root, 'boot', 'initrd.img-*'))[0]
