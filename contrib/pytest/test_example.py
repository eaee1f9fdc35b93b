"""What tests of code that uses OpenStack look like with a cloud of their own."""

import openstack
import pytest


def first_image(cloud):
    """An image of nothing: simulated machines boot it."""
    return cloud.image.create_image('nothing', disk_format='raw', container_format='bare', data=b'\0' * 512,
                                    validate_checksum=False)


def first_server(cloud, name='web'):
    flavor = next(iter(cloud.compute.flavors()))
    network = cloud.network.find_network('private', ignore_missing=True) or cloud.network.create_network(name='private')
    if not network.subnet_ids:
        cloud.network.create_subnet(network_id=network.id, ip_version=4, cidr='10.20.0.0/24')
    return cloud.compute.create_server(name=name, image_id=first_image(cloud).id, flavor_id=flavor.id,
                                       networks=[{'uuid': network.id}])


def test_a_server_becomes_active(cloud):
    server = cloud.compute.wait_for_server(first_server(cloud), interval=0.05, wait=20)
    assert server.status == 'ACTIVE'
    assert next(iter(cloud.network.ports(device_id=server.id))).status == 'ACTIVE'


def test_the_cloud_is_new_for_each_test(cloud):
    assert list(cloud.compute.servers()) == []


def test_what_happens_when_a_machine_does_not_boot(cloud, drystone):
    drystone.fault({'kind': 'boot-failure', 'reason': 'no bootable device'})
    with pytest.raises(openstack.exceptions.ResourceFailure):
        cloud.compute.wait_for_server(first_server(cloud), interval=0.05, wait=20)


def test_what_happens_when_the_quota_is_exhausted(cloud, drystone):
    drystone.fault({'kind': 'quota-exhausted'}, service='compute', operation='server_create')
    with pytest.raises(openstack.exceptions.ForbiddenException):
        first_server(cloud)
