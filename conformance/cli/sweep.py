"""Removes what a broken scenario left behind, so that the next one fails for its own faults only.

What is there now and was not before is deleted through the APIs, users before what they use. This is no check: the
scenario has failed already, and at the end of the run everything is compared again.
"""

import time

import inventory

# list of the inventory, service, path to delete one
ORDER = [
    ('compute servers', 'compute', 'servers'), ('compute server_groups', 'compute', 'os-server-groups'),
    ('network floatingips', 'network', 'floatingips'), ('network routers', 'network', 'routers'),
    ('network ports', 'network', 'ports'), ('network networks', 'network', 'networks'),
    ('network security_groups', 'network', 'security-groups'), ('network quotas', 'network', 'quotas'),
    ('image images', 'image', 'images'), ('compute flavors', 'compute', 'flavors'),
    ('identity trusts', 'identity', 'OS-TRUST/trusts'), ('identity consumers', 'identity', 'OS-OAUTH1/consumers'),
    ('identity credentials', 'identity', 'credentials'), ('identity policies', 'identity', 'policies'),
    ('identity identity_providers', 'identity', 'OS-FEDERATION/identity_providers'),
    ('identity mappings', 'identity', 'OS-FEDERATION/mappings'),
    ('identity service_providers', 'identity', 'OS-FEDERATION/service_providers'),
    ('identity endpoint_groups', 'identity', 'OS-EP-FILTER/endpoint_groups'), ('identity limits', 'identity', 'limits'),
    ('identity registered_limits', 'identity', 'registered_limits'), ('identity users', 'identity', 'users'),
    ('identity groups', 'identity', 'groups'), ('identity projects', 'identity', 'projects'),
    ('identity domains', 'identity', 'domains'), ('identity roles', 'identity', 'roles'),
    ('identity endpoints', 'identity', 'endpoints'), ('identity services', 'identity', 'services'), ('identity regions', 'identity', 'regions'),
]


def sweep(admin, member, before):
    """Two passes: what something else still holds goes in the second."""
    for _ in range(2):
        now = inventory.take(admin, member)
        for noun, service, path in ORDER:
            for ident in set(now.get(noun, {})) - set(before.get(noun, {})):
                _delete(admin, service, path, ident)
        for name in set(now['compute keypairs of the member']) - set(before['compute keypairs of the member']):
            _send(member, 'DELETE', 'compute', f'os-keypairs/{name}')
        _quota(admin)


def _delete(admin, service, path, ident):
    if path == 'images':
        _send(admin, 'PATCH', service, f'{path}/{ident}', json=[{'op': 'replace', 'path': '/protected', 'value': False}],
              headers={'Content-Type': 'application/openstack-images-v2.1-json-patch'})
    if path == 'routers':
        _send(admin, 'PUT', service, f'{path}/{ident}', json={'router': {'routes': [], 'external_gateway_info': None}})
        for port in inventory.get(admin, 'network', f'ports?device_id={ident}')['ports']:
            _send(admin, 'PUT', service, f'{path}/{ident}/remove_router_interface', json={'port_id': port['id']})
    if path == 'domains':
        _send(admin, 'PATCH', service, f'{path}/{ident}', json={'domain': {'enabled': False}})
    _send(admin, 'DELETE', service, f'{path}/{ident}')
    until = time.monotonic() + 30
    while path == 'servers' and _send(admin, 'GET', service, f'{path}/{ident}') == 200 and time.monotonic() < until:
        time.sleep(0.5)


def _quota(admin):
    for project in inventory.get(admin, 'identity', 'projects?name=demo')['projects']:
        _send(admin, 'DELETE', 'compute', f'os-quota-sets/{project["id"]}')
        _send(admin, 'DELETE', 'network', f'quotas/{project["id"]}')


def _send(connection, method, service, path, **more):
    """The status; whether it worked is seen in the next inventory."""
    return connection.session.request(f'{inventory.endpoint(connection, service)}/{path}', method, raise_exc=False, **more).status_code
