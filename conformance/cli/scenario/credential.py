"""Credentials that the service keeps for users: blobs of any kind, and keys for EC2."""

from checks import IDENT


def run(world):
    admin, member = world.admin, world.member
    user = admin.show('user create cli-keeper --password keeper-Secret1')
    project = admin.show('project create cli-keep')
    made = admin.show('credential create cli-keeper --type totp GEZDGNBVGY3TQOJQ', blob='GEZDGNBVGY3TQOJQ', type='totp',
                      user_id=user['id'])
    cert = admin.show('credential create cli-keeper "a certificate" --project cli-keep', type='cert', project_id=project['id'])
    admin.show(f'credential show {made["id"]}', type='totp', user_id=user['id'])
    admin.row('credential list --user cli-keeper', made['id'], column='ID', want={'User ID': user['id']}, Type='totp')
    admin.rows('credential list --user cli-keeper --type cert', column='ID', want=[cert['id']])
    member.refused(f'credential show {made["id"]}', r'403|not authorized')
    member.rows('credential list', column='ID', lacks=[made['id']])
    # The client sends the type along, always; Keystone 30 lets the blob alone be changed.
    admin.refused(f'credential set {cert["id"]} --user cli-keeper --type cert --data "something else"', r'400.*type')
    admin.show(f'credential show {cert["id"]}', type='cert', blob='a certificate', user_id=user['id'])
    admin.do(f'credential delete {made["id"]} {cert["id"]}')
    admin.refused(f'credential show {made["id"]}', r'404|not find|No Credential')
    admin.rows('credential list --user cli-keeper', column='ID', want=[])

    own = member.show('ec2 credentials create', access=IDENT, secret=IDENT, user_id=IDENT, project_id=IDENT)
    member.show(f'ec2 credentials show {own["access"]}', secret=own['secret'], project_id=own['project_id'])
    member.row('ec2 credentials list', own['access'], column='Access', want={'Project ID': own['project_id']}, Secret=own['secret'])
    member.refused('ec2 credentials create --user cli-keeper', r'403|No user|not authorized')
    other = admin.show('ec2 credentials create --user cli-keeper --user-domain default --project cli-keep --project-domain default',
                       user_id=user['id'], project_id=project['id'])
    admin.rows('ec2 credentials list --user cli-keeper', column='Access', want=[other['access']])
    member.refused(f'ec2 credentials show {other["access"]}', r'403|not authorized')
    admin.do(f'ec2 credentials delete {other["access"]} --user cli-keeper')
    member.do(f'ec2 credentials delete {own["access"]}')
    member.rows('ec2 credentials list', column='Access', want=[])
    admin.do('user delete cli-keeper')
    admin.do('project delete cli-keep')
