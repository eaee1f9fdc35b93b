"""Everything that a cloud lists through its APIs, so that before and after can be compared."""

import json

# service, path below its endpoint, key of the list, headers
LISTS = [
    ('identity', 'domains', 'domains'), ('identity', 'projects', 'projects'), ('identity', 'users', 'users'),
    ('identity', 'groups', 'groups'), ('identity', 'roles', 'roles'), ('identity', 'role_assignments', 'role_assignments'),
    ('identity', 'role_inferences', 'role_inferences'), ('identity', 'services', 'services'),
    ('identity', 'endpoints', 'endpoints'), ('identity', 'regions', 'regions'), ('identity', 'policies', 'policies'),
    ('identity', 'credentials', 'credentials'), ('identity', 'limits', 'limits'),
    ('identity', 'registered_limits', 'registered_limits'), ('identity', 'OS-TRUST/trusts', 'trusts'),
    ('identity', 'OS-OAUTH1/consumers', 'consumers'), ('identity', 'OS-EP-FILTER/endpoint_groups', 'endpoint_groups'),
    ('identity', 'OS-FEDERATION/identity_providers', 'identity_providers'), ('identity', 'OS-FEDERATION/mappings', 'mappings'),
    ('identity', 'OS-FEDERATION/service_providers', 'service_providers'),
    ('image', 'images?visibility=all&limit=1000', 'images'),
    ('network', 'networks', 'networks'), ('network', 'subnets', 'subnets'), ('network', 'ports', 'ports'),
    ('network', 'routers', 'routers'), ('network', 'floatingips', 'floatingips'),
    ('network', 'security-groups', 'security_groups'), ('network', 'security-group-rules', 'security_group_rules'),
    ('network', 'quotas', 'quotas'),
    ('compute', 'servers?all_tenants=1', 'servers'), ('compute', 'flavors?is_public=None', 'flavors'),
    ('compute', 'os-server-groups?all_projects=1', 'server_groups'), ('compute', 'os-keypairs', 'keypairs'),
]
VERSION = {'identity': '/v3', 'image': '/v2', 'network': '/v2.0'}


def endpoint(connection, service):
    """The public endpoint with its version, from the catalogue alone."""
    url = connection.session.auth.get_access(connection.session).service_catalog.url_for(service_type=service, interface='public')
    version = VERSION.get(service, '')
    url = url.rstrip('/')
    return url if not version or url.endswith(version) else url + version


def get(connection, service, path, **headers):
    answer = connection.session.get(f'{endpoint(connection, service)}/{path}', headers={'Accept': 'application/json', **headers})
    return answer.json()


def take(admin, member):
    """{list: {identity: name}} over all services, as the admin sees them, and both users' keypairs."""
    found = {}
    for service, path, key in LISTS:
        noun = f'{service} {key}'
        found[noun] = {_identity(row): _name(row) for row in get(admin, service, path)[key]}
    found['compute keypairs of the member'] = {_identity(row): _name(row) for row in get(member, 'compute', 'os-keypairs')['keypairs']}
    found['placement allocations'] = allocations(admin)
    return found


def allocations(admin):
    """Consumers that hold something of a provider."""
    found = {}
    version = {'OpenStack-API-Version': 'placement 1.20'}
    for provider in get(admin, 'placement', 'resource_providers', **version)['resource_providers']:
        held = get(admin, 'placement', f'resource_providers/{provider["uuid"]}/allocations', **version)['allocations']
        found.update({consumer: json.dumps(what.get('resources')) for consumer, what in held.items()})
    return found


def compare(before, after):
    """{list: sentences} for every list: what was added, what is missing."""
    result = {}
    for noun in sorted(set(before) | set(after)):
        old, new = before.get(noun, {}), after.get(noun, {})
        result[noun] = [f'left: {ident} {new[ident]}' for ident in new if ident not in old] + \
                       [f'lost: {ident} {old[ident]}' for ident in old if ident not in new]
    return result


def _identity(row):
    row = row.get('keypair', row)
    if 'id' in row:
        return str(row['id'])
    if set(row) <= {'name', 'public_key', 'fingerprint', 'type', 'user_id'} and 'name' in row:
        return row['name']
    return json.dumps({key: value for key, value in row.items() if key != 'links'}, sort_keys=True)


def _name(row):
    return str(row.get('keypair', row).get('name') or '')
