"""Server groups: policies, members, and that a hard policy is kept by the scheduler."""

from checks import UUID, nothing


def run(world):
    member = world.member
    made = member.show('server group create cli-apart --policy anti-affinity', name='cli-apart', id=UUID, members=nothing,
                       policy='anti-affinity')
    member.show('server group create cli-near --policy soft-affinity', policy='soft-affinity')
    member.show('server group show cli-apart', id=made['id'])
    member.row('server group list', 'cli-apart', Policy='anti-affinity')
    member.rows('server group list', has=['cli-apart', 'cli-near'])
    member.refused('server group create cli-bad --policy sideways', r'invalid choice', code=2)
    member.do('server group delete cli-apart cli-near')
    member.refused('server group show cli-apart', r'No .*found|not found')
