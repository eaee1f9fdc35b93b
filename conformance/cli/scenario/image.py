"""Images: upload, look, change, share, protect, download byte for byte, delete."""

import hashlib
import os

from checks import MOMENT, UUID, includes, lacking, some


def run(world):
    admin, member = world.admin, world.member
    size, md5, sha512 = _digests(world.image)
    made = member.show(f'image create cli-image --file {world.image} --disk-format {world.image_format} '
                       '--container-format bare --property os_distro=tiny --property hw_rng_model=virtio '
                       '--tag first --min-ram 64 --min-disk 1',
                       name='cli-image', status='active', visibility='shared', disk_format=world.image_format,
                       container_format='bare', size=size, checksum=md5, min_ram=64, min_disk=1, protected=False,
                       id=UUID, created_at=MOMENT, tags=['first'])
    member.show('image show cli-image', id=made['id'], status='active', owner=some,
                properties=lambda p: p['os_distro'] == 'tiny' and p['os_hash_algo'] == 'sha512' and p['os_hash_value'] == sha512)
    member.row('image list', 'cli-image', ID=made['id'], Status='active')
    member.row('image list --long', 'cli-image', Checksum=md5, Visibility='shared', Protected=False, Size=size,
               want={'Disk Format': world.image_format, 'Container Format': 'bare'})
    member.rows('image list --name cli-image', want=['cli-image'])
    member.rows('image list --property os_distro=tiny', want=['cli-image'])
    member.rows('image list --property os_distro=other', want=[])
    member.rows('image list --tag first', want=['cli-image'])
    member.rows('image list --public', lacks=['cli-image'])
    member.rows('image list --private', lacks=['cli-image'])
    member.rows('image list --shared', has=['cli-image'])
    member.rows('image list --status queued', lacks=['cli-image'])
    member.rows('image list --sort name:desc --limit 1', column='Status', want=['active'])

    saved = os.path.join(world.scratch, 'saved')
    member.do(f'image save cli-image --file {saved}')
    world.check('the download is what was uploaded', [] if os.path.exists(saved) and _digests(saved) == (size, md5, sha512)
                else ['size or checksum differ'])
    if os.path.exists(saved):
        os.unlink(saved)

    member.do('image set cli-image --name cli-image-2 --min-ram 96 --property os_version=1 --tag second --os-distro tiny2')
    member.show('image show cli-image-2', id=made['id'], min_ram=96, tags=includes('first', 'second'),
                properties=lambda p: p['os_version'] == '1' and p['os_distro'] == 'tiny2')
    member.do('image unset cli-image-2 --property os_version --tag first')
    member.show('image show cli-image-2', tags=['second'], properties=lacking('os_version'))
    member.refused('image set cli-image-2 --public', r'403|not allowed|not authorized|Forbidden')
    admin.do(f'image set {made["id"]} --public')
    member.rows('image list --public', has=['cli-image-2'])
    admin.do(f'image set {made["id"]} --private')
    member.show('image show cli-image-2', visibility='private')
    member.do('image set cli-image-2 --protected')
    member.refused('image delete cli-image-2', r'403|protected')
    member.do('image set cli-image-2 --unprotected')

    _sharing(world, made['id'])

    queued = member.show('image create cli-queued --disk-format raw --container-format bare', status='queued')
    member.rows('image list --status queued', column='ID', want=[queued['id']])
    member.do('image delete cli-queued')
    kernel = os.path.join(world.scratch, 'kernel')
    with open(kernel, 'wb') as file:       # kernels carry the mark of a partition table, and code where the table would be
        file.write(b'\7' * 510 + b'\x55\xaa' + bytes(512))
    member.show(f'image create cli-kernel --file {kernel} --disk-format aki --container-format aki', status='active', disk_format='aki')
    member.do('image delete cli-kernel')
    small = os.path.join(world.scratch, 'small.raw')
    with open(small, 'wb') as file:
        file.write(b'\xeb\xfe a raw disk' + bytes(65536 - 13))
    member.do('image create cli-from-stdin --disk-format raw --container-format bare --private', stdin=small)
    member.show('image show cli-from-stdin', status='active', size=65536, visibility='private')
    member.do('image set cli-from-stdin --deactivate')
    member.show('image show cli-from-stdin', status='deactivated')
    member.refused(f'image save cli-from-stdin --file {saved}', r'403|deactivated|Forbidden|mismatch')
    member.do('image set cli-from-stdin --activate')
    member.show('image show cli-from-stdin', status='active')
    member.do('image delete cli-from-stdin')

    fake = os.path.join(world.scratch, 'not-a.qcow2')
    with open(fake, 'wb') as file:
        file.write(b'this is no qcow2 image' * 4096)
    member.refused(f'image create cli-wrong --file {fake} --disk-format qcow2 --container-format bare', r'400|415|Unsupported|format')
    for left in admin.rows('image list --name cli-wrong', column='Name'):
        admin.do(f'image delete {left["ID"]}')

    member.refused('image create cli-bad --disk-format nonsense', r'invalid choice|disk', code=2)
    member.do(f'image delete {made["id"]}')
    member.refused(f'image show {made["id"]}', r'No Image|not found|404')


def _sharing(world, image):
    """A private image is another project's only while that project is a member of it."""
    admin, member = world.admin, world.member
    demo, other = (admin.show(f'project show {name}')['id'] for name in ('demo', 'admin'))
    member.refused(f'image add project {image} {other}', r'403|sharing|shared|Only')
    member.do(f'image set {image} --shared')
    member.show(f'image add project {image} {other}', member_id=other, status='pending', image_id=image)
    member.rows(f'image member list {image}', column='Member ID', want=[other])
    member.show(f'image member get {image} {other}', status='pending')
    admin.do(f'image set {image} --accept --project {other}')
    member.row(f'image member list {image}', other, column='Member ID', Status='accepted')
    admin.rows('image list --shared --member-status accepted', column='ID', has=[image])
    member.do(f'image remove project {image} {other}')
    member.rows(f'image member list {image}', column='Member ID', want=[])
    world.check('the demo project is not the admin one', [] if demo != other else ['one id for both'])


def _digests(path):
    md5, sha512, size = hashlib.md5(), hashlib.sha512(), 0
    with open(path, 'rb') as file:
        while block := file.read(1 << 20):
            md5.update(block)
            sha512.update(block)
            size += len(block)
    return size, md5.hexdigest(), sha512.hexdigest()
