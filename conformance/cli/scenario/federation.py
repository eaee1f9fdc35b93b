"""Federation: providers of identity, and what their users become here."""

import json

from checks import some


def run(world):
    providers(world)
    service_providers(world)
    world.member.rows('federation project list', has=['demo'])
    world.admin.do('role add reader --user admin --domain default')
    world.admin.rows('federation domain list', column='ID', has=['default'])
    world.admin.do('role remove reader --user admin --domain default')


def providers(world):
    """A provider, a mapping, and the protocol that joins them."""
    admin, member = world.admin, world.member
    admin.show('identity provider create cli-idp --remote-id https://idp.example.org/1 --remote-id https://idp.example.org/2 '
               '--description "a provider" --domain default --authorization-ttl 60 --disable', id='cli-idp', enabled=False,
               description='a provider', domain_id='default', authorization_ttl=60,
               remote_ids=lambda ids: sorted(ids) == ['https://idp.example.org/1', 'https://idp.example.org/2'])
    admin.refused('identity provider create cli-idp', r'409|Conflict|Duplicate')
    member.refused('identity provider create cli-of-a-member', r'403|not authorized')
    admin.row('identity provider list', 'cli-idp', column='ID', Enabled=False, Description='a provider')
    admin.rows('identity provider list --enabled', column='ID', lacks=['cli-idp'])
    admin.do('identity provider set cli-idp --enable --remote-id https://idp.example.org/3 --description changed')
    admin.show('identity provider show cli-idp', enabled=True, description='changed', remote_ids=['https://idp.example.org/3'])
    admin.rows('identity provider list --id cli-idp --enabled', column='ID', want=['cli-idp'])

    local = [{'user': {'name': '{0}'}}]
    rules = world.file('rules.json', json.dumps([{'local': local, 'remote': [{'type': 'REMOTE_USER'}]}]))
    admin.show(f'mapping create cli-mapping --rules {rules} --schema-version 1.0', id='cli-mapping', rules=some)
    admin.row('mapping list', 'cli-mapping', column='ID', schema_version='1.0')
    other = world.file('other.json', json.dumps([{'local': local, 'remote': [{'type': 'OIDC-email'}]}]))
    admin.do(f'mapping set cli-mapping --rules {other} --schema-version 1.0')
    admin.show('mapping show cli-mapping', rules=lambda rules: rules[0]['remote'] == [{'type': 'OIDC-email'}])
    member.refused('mapping list', r'403|not authorized')
    bad = world.file('bad.json', json.dumps([{'local': local}]))
    admin.refused(f'mapping create cli-bad --rules {bad} --schema-version 1.0', r'400|remote')

    admin.show('federation protocol create cli-protocol --identity-provider cli-idp --mapping cli-mapping', id='cli-protocol',
               mapping='cli-mapping')
    admin.show('federation protocol show cli-protocol --identity-provider cli-idp', mapping='cli-mapping')
    admin.row('federation protocol list --identity-provider cli-idp', 'cli-protocol', column='id', mapping='cli-mapping')
    admin.show(f'mapping create cli-mapping-2 --rules {rules} --schema-version 1.0', id='cli-mapping-2')
    # The client hands what it was answered to the shell, as its exit status.
    admin.refused('federation protocol set cli-protocol --identity-provider cli-idp --mapping cli-mapping-2', r'cli-mapping-2')
    admin.show('federation protocol show cli-protocol --identity-provider cli-idp', mapping='cli-mapping-2')
    admin.do('federation protocol delete cli-protocol --identity-provider cli-idp')
    admin.refused('federation protocol show cli-protocol --identity-provider cli-idp', r'404|not find|No ')
    admin.do('mapping delete cli-mapping cli-mapping-2')
    admin.refused('mapping show cli-mapping', r'404|not find|No ')
    admin.do('identity provider delete cli-idp')
    admin.refused('identity provider show cli-idp', r'404|not find|No ')


def service_providers(world):
    """Other clouds that trust this one."""
    admin, member = world.admin, world.member
    admin.show('service provider create cli-sp --auth-url https://far.example.org/v3/auth --service-provider-url https://far.example.org/sp '
               '--description "far away" --disable', id='cli-sp', enabled=False, description='far away',
               auth_url='https://far.example.org/v3/auth', sp_url='https://far.example.org/sp', relay_state_prefix='ss:mem:')
    member.refused('service provider create cli-of-a-member --auth-url https://x.org --service-provider-url https://x.org', r'403|not authorized')
    admin.row('service provider list', 'cli-sp', column='ID', Enabled=False, Description='far away')
    admin.do('service provider set cli-sp --enable --auth-url https://near.example.org/v3/auth')
    admin.show('service provider show cli-sp', enabled=True, auth_url='https://near.example.org/v3/auth')
    admin.do('service provider delete cli-sp')
    admin.refused('service provider show cli-sp', r'404|not find|No ')
