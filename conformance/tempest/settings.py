"""Fills tempest.conf with what a running cloud says of itself, and makes what Tempest takes for granted.

It makes, where they are not there: the roles member and reader, two images, two flavors, and what a provider of OpenID
Connect needs.
"""

import configparser
import os
import re
import tomllib

HERE = os.path.dirname(os.path.abspath(__file__))
IMAGES = ('tempest-image', 'tempest-image-alt')
# Large enough for the guest, and two of them run at a time on a small host.
FLAVORS = (('tempest-small', 192, 1), ('tempest-large', 256, 2))
# What a network service of ours has to have. Tempest is told of all that is advertised; what it then misses, it skips,
# and a skip that is not named fails the run.
EXTENSIONS = {'agent', 'allowed-address-pairs', 'binding', 'ext-gw-mode', 'external-net', 'extraroute', 'port-security',
              'provider', 'quotas', 'router', 'security-group', 'standard-attr-tag'}


def write(path, workspace, api, options):
    """Writes the configuration; `api` is the admin's (kit/api.py, logged in)."""
    auth = api.auth['auth']
    conf = configparser.ConfigParser(interpolation=None, strict=True)
    conf.read(os.path.join(HERE, 'tempest.conf'))
    conf['DEFAULT']['log_dir'] = os.path.join(workspace, 'logs')
    conf['oslo_concurrency'] = {'lock_path': os.path.join(workspace, 'lock')}
    conf['auth'].update(admin_username=auth['username'], admin_password=auth['password'], admin_project_name=auth['project_name'],
                        admin_domain_name='Default', admin_user_domain_name='Default', admin_project_domain_name='Default')
    region = api.auth.get('region_name', 'RegionOne')
    conf['identity'].update(uri_v3=auth['auth_url'], region=region, default_domain_id='default')
    for section in ('image', 'compute', 'network'):
        conf[section].update(region=region, endpoint_type='public')
    if api.auth.get('cacert'):
        conf['identity']['ca_certificates_file'] = api.auth['cacert']
    roles(api)
    compliance(conf, options)
    federation(conf, api, options)
    images = [image(api, name, options) for name in IMAGES]
    flavors = [flavor(api, *sizes) for sizes in FLAVORS]
    lowest, newest = microversions(api)
    hosts = [row for row in api.call('GET', 'compute', '/os-services?binary=nova-compute')['services']
             if (row['state'], row['status']) == ('up', 'enabled')]
    conf['compute'].update(image_ref=images[0], image_ref_alt=images[1], flavor_ref=flavors[0], flavor_ref_alt=flavors[1],
                           min_microversion=lowest, max_microversion=newest, min_compute_nodes=str(len(hosts)))
    public = external_network(api)
    conf['network'].update(public_network_id=public['id'], floating_network_name=public['name'])
    conf['network-feature-enabled']['api_extensions'] = ','.join(extensions(api))
    conf['validation'].update(network_for_ssh=public['name'], image_ssh_user=options.ssh_user, image_alt_ssh_user=options.ssh_user)
    conf['validation']['run_validation'] = str(not options.no_guests).lower()
    conf['scenario'].update(img_file=os.path.abspath(options.image), img_disk_format=options.image_format)
    with open(path, 'w') as file:
        conf.write(file)
    os.chmod(path, 0o600)
    return f'compute {lowest} to {newest}, {len(hosts)} host(s), external network {public["name"]}'


def roles(api):
    there = {role['name'] for role in api.call('GET', 'identity', f'{version(api, "identity", "/v3")}/roles')['roles']}
    for name in {'member', 'reader'} - there:
        api.call('POST', 'identity', f'{version(api, "identity", "/v3")}/roles', json={'role': {'name': name}})


def compliance(conf, options):
    """The rules for passwords are in no answer of the API: they stand where the operator wrote them."""
    try:
        with open(os.path.join(options.state_dir or '', 'drystone.toml'), 'rb') as file:
            rules = tomllib.load(file).get('security_compliance')
    except FileNotFoundError:
        rules = None
    conf['identity-feature-enabled']['security_compliance'] = str(rules is not None).lower()
    if rules is not None:
        conf['identity'].update(user_lockout_failure_attempts=str(rules.get('lockout_failure_attempts', 0)),
                                user_lockout_duration=str(rules.get('lockout_duration', 1800)),
                                user_unique_last_password_count=str(rules.get('unique_last_password_count', 0)),
                                user_minimum_password_age=str(rules.get('minimum_password_age', 0)))


def federation(conf, api, options):
    """Tells of a provider that the cloud relies on, and lets a group of its users into a project; makes no protocol."""
    conf['identity-feature-enabled']['external_idp'] = str(bool(options.provider)).lower()
    conf['fed_scenario'] = {'protocol_id': 'openid'}
    if not options.provider:
        return
    url, issuer = options.provider
    domain = noun(api, 'domain', {'name': 'federated_domain'})
    group = noun(api, 'group', {'name': 'federated_users', 'domain_id': domain})
    project = noun(api, 'project', {'name': 'federated', 'domain_id': domain})
    reader = api.call('GET', 'identity', f'{version(api, "identity", "/v3")}/roles?name=reader')['roles'][0]['id']
    api.call('PUT', 'identity', f'{version(api, "identity", "/v3")}/projects/{project}/groups/{group}/roles/{reader}')
    body = {'identity_provider': {'enabled': True, 'remote_ids': [issuer], 'domain_id': domain}}
    api.call('PUT', 'identity', f'{version(api, "identity", "/v3")}/OS-FEDERATION/identity_providers/corp', json=body)
    conf['fed_scenario'].update(
        idp_id='corp', idp_remote_ids=issuer, idp_oidc_url=url, idp_client_id='cloud', idp_client_secret='cloud secret',
        idp_username='operator', idp_password='right', idp_test_user_name='ann', idp_test_user_password='right',
        mapping_remote_type='OIDC-preferred_username')


def noun(api, name, body):
    """The id of what is made in identity."""
    return api.call('POST', 'identity', f'{version(api, "identity", "/v3")}/{name}s', json={name: body})[name]['id']


def image(api, name, options):
    """The id of the active image of this name."""
    base = version(api, 'image', '/v2')
    found = api.call('GET', 'image', f'{base}/images?name={name}&status=active')['images']
    if found:
        return found[0]['id']
    made = api.call('POST', 'image', f'{base}/images', json={
        'name': name, 'visibility': 'public', 'disk_format': options.image_format, 'container_format': 'bare'})['id']
    with open(options.image, 'rb') as file:
        api.call('PUT', 'image', f'{base}/images/{made}/file', data=file, headers={'Content-Type': 'application/octet-stream'})
    return made


def flavor(api, name, ram, disk):
    """The id of the flavor of this name."""
    for row in api.call('GET', 'compute', '/flavors/detail')['flavors']:
        if row['name'] == name:
            return row['id']
    return api.call('POST', 'compute', '/flavors', json={'flavor': {'name': name, 'ram': ram, 'disk': disk, 'vcpus': 1}})['flavor']['id']


def microversions(api):
    """The range that compute says it speaks."""
    found = api.call('GET', 'compute', '/')
    said = found.get('version') or next(row for row in found['versions'] if row['id'] == 'v2.1')
    return said['min_version'], said['version']


def extensions(api):
    """What the network service advertises, which has to include what is promised."""
    found = {row['alias'] for row in api.call('GET', 'network', f'{version(api, "network", "/v2.0")}/extensions')['extensions']}
    if missing := EXTENSIONS - found:
        raise SystemExit(f'the network service does not advertise {", ".join(sorted(missing))}')
    return sorted(found)


def external_network(api):
    """A network with floating addresses; the bootstrap makes `public`."""
    found = api.call('GET', 'network', f'{version(api, "network", "/v2.0")}/networks?router:external=True')['networks']
    if not found:
        raise SystemExit('the cloud has no external network')
    return next((network for network in found if network['name'] == 'public'), found[0])


def version(api, service, path):
    """What has to stand between the catalogue's endpoint and a resource."""
    return '' if re.search(r'/v\d[\d.]*$', api.endpoints[service]) else path
