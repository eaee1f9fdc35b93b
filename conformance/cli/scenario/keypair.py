"""Keypairs: one that the cloud makes, one that the user brings."""

import os
import re

from checks import some


def run(world):
    member = world.member
    private = os.path.join(world.scratch, 'cli-key')
    public = world.public_key
    member.show(f'keypair create cli-brought --public-key {public}', name='cli-brought', type='ssh',
                fingerprint=re.compile(r'^([0-9a-f]{2}:){15}[0-9a-f]{2}$'))
    member.show('keypair show cli-brought', name='cli-brought', user_id=some)
    member.text('keypair show cli-brought --public-key', like=re.escape(open(public).read().split()[1]))
    member.row('keypair list', 'cli-brought', Type='ssh')
    member.refused(f'keypair create cli-brought --public-key {public}', r'409|already exists')
    bad = os.path.join(world.scratch, 'bad.pub')
    with open(bad, 'w') as file:
        file.write('ssh-rsa nonsense\n')
    member.refused(f'keypair create cli-bad --public-key {bad}', r'400|invalid')
    world.admin.rows('keypair list', lacks=['cli-brought'])
    member.do(f'keypair create cli-made --private-key {private}')
    text = open(private).read() if os.path.exists(private) else ''
    world.check('the client wrote a private key', [] if 'PRIVATE KEY' in text else [f'it has {len(text)} bytes'])
    member.rows('keypair list', has=['cli-brought', 'cli-made'])
    member.do('keypair delete cli-made cli-brought')
    member.refused('keypair show cli-brought', r'No .*Keypair|not found|404')
