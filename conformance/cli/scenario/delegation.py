"""What users hand to others: trusts to users, and OAuth 1.0 to programs."""

from checks import IDENT, nothing, some


def run(world):
    trusts(world)
    oauth(world)


def trusts(world):
    """A trust from the member; he may not look others up, and names all by id."""
    admin, member = world.admin, world.member
    own = member.show('token issue')
    trustee = admin.show('user create cli-trustee --password trustee-Secret1')
    role = admin.show('role show member')
    made = member.show(f'trust create {own["user_id"]} {trustee["id"]} --project {own["project_id"]} --role {role["id"]} '
                       '--impersonate --expiration 2999-01-02T03:04:05', id=IDENT, is_impersonation=True,
                       expires_at='2999-01-02T03:04:05.000000Z', project_id=own['project_id'], trustee_user_id=trustee['id'],
                       trustor_user_id=own['user_id'], remaining_uses=nothing, roles=some)
    member.show(f'trust show {made["id"]}', trustee_user_id=trustee['id'])
    member.row(f'trust list --trustor {own["user_id"]}', made['id'], column='ID', Impersonation=True,
               want={'Trustee User ID': trustee['id'], 'Project ID': own['project_id']})
    member.rows('trust list --auth-user', column='ID', want=[made['id']])
    admin.rows('trust list --trustee cli-trustee --trustee-domain default', column='ID', want=[made['id']])
    member.refused('trust list', r'403|not authorized')
    admin.refused(f'trust create {own["user_id"]} cli-trustee --project {own["project_id"]} --role member', r'403|not authorized')
    member.do(f'trust delete {made["id"]}')
    admin.refused(f'trust show {made["id"]}', r'404|not find|No Trust')
    admin.rows('trust list', column='ID', lacks=[made['id']])
    admin.do('user delete cli-trustee')


def oauth(world):
    """The three steps of OAuth 1.0, as the consumer, the user and the consumer again."""
    admin, member = world.admin, world.member
    made = admin.show('consumer create --description "a program"', id=IDENT, secret=some, description='a program')
    admin.show(f'consumer show {made["id"]}', description='a program')
    admin.row('consumer list', made['id'], column='ID', Description='a program')
    member.refused('consumer create', r'403|not authorized')
    admin.do(f'consumer set {made["id"]} --description changed')
    admin.show(f'consumer show {made["id"]}', description='changed')

    keys = f'--consumer-key {made["id"]} --consumer-secret {made["secret"]}'
    asked = admin.show(f'request token create {keys} --project admin --domain default', id=some, key=some, secret=some)
    admin.refused(f'request token create --consumer-key {made["id"]} --consumer-secret wrong --project admin', r'401|not|verify')
    said = admin.show(f'request token authorize --request-key {asked["key"]} --role admin', oauth_verifier=some)
    request = f'--request-key {asked["key"]} --request-secret {asked["secret"]}'
    admin.refused(f'access token create {keys} {request} --verifier 00000000', r'401|verif|not')
    admin.show(f'access token create {keys} {request} --verifier {said["oauth_verifier"]}', id=some, key=some, secret=some)
    admin.refused(f'access token create {keys} {request} --verifier {said["oauth_verifier"]}', r'401|404|not')
    admin.do(f'consumer delete {made["id"]}')
    admin.refused(f'consumer show {made["id"]}', r'404|not find|No consumer')
