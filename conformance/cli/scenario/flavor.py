"""Flavors: public and private, their extra specs, and who may use a private one."""

from checks import includes


def run(world):
    admin, member = world.admin, world.member
    member.rows('flavor list', has=['m1.tiny'])
    made = admin.show('flavor create cli-flavor --ram 256 --disk 2 --vcpus 2 --ephemeral 0 --swap 0 --property cli:colour=grey '
                      '--description "a flavor"', name='cli-flavor', ram=256, disk=2, vcpus=2, description='a flavor',
                      properties={'cli:colour': 'grey'}, want={'os-flavor-access:is_public': True,
                                                              'OS-FLV-EXT-DATA:ephemeral': 0, 'rxtx_factor': 1.0})
    member.show('flavor show cli-flavor', id=made['id'], ram=256, vcpus=2)
    member.row('flavor list', 'cli-flavor', RAM=256, Disk=2, VCPUs=2, want={'Is Public': True})
    member.rows('flavor list --min-ram 200 --min-disk 2', has=['cli-flavor'], lacks=['m1.tiny'])
    admin.refused(f'flavor create cli-flavor --id {made["id"]} --ram 64', r'409|already exists')
    admin.refused('flavor create cli-bad --ram 0', r'400|minimum|less than')
    member.refused('flavor create cli-of-a-member --ram 64', r'403|Policy')
    admin.do('flavor set cli-flavor --property cli:shape=round --description changed')
    member.show('flavor show cli-flavor', description='changed', properties=includes('cli:colour', 'cli:shape'))
    admin.do('flavor unset cli-flavor --property cli:colour')
    admin.show('flavor show cli-flavor', properties={'cli:shape': 'round'})

    admin.show('flavor create cli-private --id cli-42 --private --ram 64 --disk 1 --vcpus 1', id='cli-42',
               want={'os-flavor-access:is_public': False})
    member.rows('flavor list', lacks=['cli-private'])
    member.refused('flavor show cli-private', r'No Flavor|not found|could not')
    admin.do('flavor set cli-private --project demo')
    member.rows('flavor list', has=['cli-private'])
    admin.show('flavor show cli-private', access_project_ids=lambda ids: len(ids) == 1)
    admin.do('flavor unset cli-private --project demo')
    member.rows('flavor list', lacks=['cli-private'])
    admin.rows('flavor list --all', has=['cli-private', 'cli-flavor'])
    admin.do('flavor delete cli-flavor cli-private')
    admin.refused('flavor show cli-flavor', r'No Flavor|not found|could not')
    admin.rows('flavor list --all', lacks=['cli-private', 'cli-flavor'])
