"""The console: its log, and its screen through the websocket that the URL names."""

import re


def run(world):
    member = world.member
    image = world.boot_image(member)
    member.show('network create cli-net')
    member.show('subnet create cli-subnet --network cli-net --subnet-range 10.86.0.0/24')
    server = member.show(f'server create cli-screen --image {image} --flavor m1.tiny --network cli-net --wait', status='ACTIVE')['id']
    world.until('the console log has something to read',
                lambda: bool(member.client.run(member.cloud, ['console', 'log', 'show', 'cli-screen']).out.strip()), within=120)
    member.text('console log show cli-screen', like=r'\S')
    last = member.text('console log show cli-screen --lines 1')
    world.check('--lines is kept', [] if len(last.strip().splitlines()) <= 1 else [f'{len(last.splitlines())} lines'])
    url = member.show('console url show --novnc cli-screen', type='novnc', protocol='vnc', url=re.compile('token'))['url']
    world.console(url)
    world.console_refused(url)
    member.refused('console url show --spice cli-screen', r'400|409|501|nvalid|navailable')
    member.do('server pause cli-screen')
    member.until(f'server show {server}', status='PAUSED')
    member.do('server delete cli-screen --wait')
    world.console_refused(url, why='its server is gone')
    member.do('network delete cli-net')
    member.do(f'image delete {image}')
