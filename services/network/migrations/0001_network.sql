CREATE TABLE networks (
    id TEXT PRIMARY KEY, project_id TEXT NOT NULL, name TEXT NOT NULL, description TEXT NOT NULL,
    admin_up BIGINT NOT NULL, shared BIGINT NOT NULL, external BIGINT NOT NULL, mtu BIGINT NOT NULL,
    provider_type TEXT NOT NULL, physical_network TEXT, segmentation_id BIGINT, port_security BIGINT NOT NULL,
    dns_domain TEXT NOT NULL, is_default BIGINT NOT NULL, az_hints TEXT NOT NULL, tags TEXT NOT NULL,
    revision_number BIGINT NOT NULL, revision BIGINT NOT NULL, created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL);
CREATE INDEX networks_project ON networks (project_id);
CREATE INDEX networks_name ON networks (name);

CREATE TABLE network_segments (
    provider_type TEXT NOT NULL, physical_network TEXT NOT NULL, segmentation_id BIGINT NOT NULL,
    network_id TEXT NOT NULL, PRIMARY KEY (provider_type, physical_network, segmentation_id));
CREATE INDEX network_segments_network ON network_segments (network_id);

CREATE TABLE subnets (
    id TEXT PRIMARY KEY, network_id TEXT NOT NULL, pool_id TEXT, project_id TEXT NOT NULL, name TEXT NOT NULL,
    description TEXT NOT NULL, ip_version BIGINT NOT NULL, cidr TEXT NOT NULL, gateway_ip TEXT,
    enable_dhcp BIGINT NOT NULL, pools TEXT NOT NULL, nameservers TEXT NOT NULL, host_routes TEXT NOT NULL,
    ra_mode TEXT, address_mode TEXT, service_types TEXT NOT NULL, external BIGINT NOT NULL, tags TEXT NOT NULL,
    revision_number BIGINT NOT NULL, created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL);
CREATE INDEX subnets_network ON subnets (network_id);
CREATE INDEX subnets_project ON subnets (project_id);
CREATE INDEX subnets_pool ON subnets (pool_id);

CREATE TABLE subnet_pools (
    id TEXT PRIMARY KEY, project_id TEXT NOT NULL, name TEXT NOT NULL, description TEXT NOT NULL,
    ip_version BIGINT NOT NULL, prefixes TEXT NOT NULL, default_length BIGINT NOT NULL, min_length BIGINT NOT NULL,
    max_length BIGINT NOT NULL, default_quota BIGINT, is_default BIGINT NOT NULL, shared BIGINT NOT NULL,
    tags TEXT NOT NULL, revision_number BIGINT NOT NULL, created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL);
CREATE INDEX subnet_pools_project ON subnet_pools (project_id);

CREATE TABLE ports (
    id TEXT PRIMARY KEY, network_id TEXT NOT NULL, project_id TEXT NOT NULL, name TEXT NOT NULL,
    description TEXT NOT NULL, mac TEXT NOT NULL, admin_up BIGINT NOT NULL, device_id TEXT NOT NULL,
    device_owner TEXT NOT NULL, port_security BIGINT NOT NULL, pairs TEXT NOT NULL, dhcp_options TEXT NOT NULL,
    dns_name TEXT NOT NULL, vnic_type TEXT NOT NULL, host TEXT NOT NULL, profile TEXT NOT NULL,
    made_by_compute BIGINT NOT NULL, attached_at BIGINT NOT NULL, up BIGINT NOT NULL, tags TEXT NOT NULL,
    revision_number BIGINT NOT NULL, revision BIGINT NOT NULL, created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL);
CREATE UNIQUE INDEX ports_mac ON ports (network_id, mac);
CREATE INDEX ports_device ON ports (device_id);
CREATE INDEX ports_project ON ports (project_id);

CREATE TABLE port_addresses (
    network_id TEXT NOT NULL, address TEXT NOT NULL, subnet_id TEXT NOT NULL, port_id TEXT NOT NULL,
    place BIGINT NOT NULL, distance BIGINT NOT NULL, PRIMARY KEY (network_id, address));
CREATE INDEX port_addresses_port ON port_addresses (port_id, place);
CREATE INDEX port_addresses_subnet ON port_addresses (subnet_id, distance);

CREATE TABLE port_groups (port_id TEXT NOT NULL, group_id TEXT NOT NULL, PRIMARY KEY (port_id, group_id));
CREATE INDEX port_groups_group ON port_groups (group_id);

CREATE TABLE routers (
    id TEXT PRIMARY KEY, project_id TEXT NOT NULL, name TEXT NOT NULL, description TEXT NOT NULL,
    admin_up BIGINT NOT NULL, gateway_port_id TEXT, enable_snat BIGINT NOT NULL, routes TEXT NOT NULL,
    az_hints TEXT NOT NULL, tags TEXT NOT NULL, revision_number BIGINT NOT NULL, revision BIGINT NOT NULL,
    created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL);
CREATE INDEX routers_project ON routers (project_id);

CREATE TABLE floating_ips (
    id TEXT PRIMARY KEY, project_id TEXT NOT NULL, description TEXT NOT NULL, network_id TEXT NOT NULL,
    holder_id TEXT NOT NULL, address TEXT NOT NULL, port_id TEXT, fixed_ip TEXT, router_id TEXT,
    dns_name TEXT NOT NULL, dns_domain TEXT NOT NULL, tags TEXT NOT NULL, revision_number BIGINT NOT NULL,
    created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL);
CREATE INDEX floating_ips_project ON floating_ips (project_id);
CREATE INDEX floating_ips_router ON floating_ips (router_id);
CREATE INDEX floating_ips_network ON floating_ips (network_id);
CREATE UNIQUE INDEX floating_ips_inside ON floating_ips (port_id, fixed_ip, network_id);

CREATE TABLE security_groups (
    id TEXT PRIMARY KEY, project_id TEXT NOT NULL, name TEXT NOT NULL, description TEXT NOT NULL,
    stateful BIGINT NOT NULL, tags TEXT NOT NULL, revision_number BIGINT NOT NULL, revision BIGINT NOT NULL,
    created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL);
CREATE INDEX security_groups_project ON security_groups (project_id);

CREATE TABLE security_group_defaults (project_id TEXT PRIMARY KEY, group_id TEXT NOT NULL);

CREATE TABLE security_group_rules (
    id TEXT PRIMARY KEY, group_id TEXT NOT NULL, project_id TEXT NOT NULL, description TEXT NOT NULL,
    direction TEXT NOT NULL, ethertype TEXT NOT NULL, protocol TEXT, port_min BIGINT, port_max BIGINT,
    remote_group_id TEXT, remote_ip_prefix TEXT, of_default_group BIGINT NOT NULL, revision_number BIGINT NOT NULL,
    created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL);
CREATE INDEX security_group_rules_group ON security_group_rules (group_id);
CREATE INDEX security_group_rules_project ON security_group_rules (project_id);
CREATE INDEX security_group_rules_remote ON security_group_rules (remote_group_id);

CREATE TABLE network_rbac (
    id TEXT PRIMARY KEY, project_id TEXT NOT NULL, object_type TEXT NOT NULL, object_id TEXT NOT NULL,
    action TEXT NOT NULL, target_project TEXT NOT NULL);
CREATE UNIQUE INDEX network_rbac_once ON network_rbac (object_type, object_id, action, target_project);
CREATE INDEX network_rbac_target ON network_rbac (target_project);
CREATE INDEX network_rbac_project ON network_rbac (project_id);

CREATE TABLE network_quotas (
    project_id TEXT NOT NULL, resource TEXT NOT NULL, amount BIGINT NOT NULL, PRIMARY KEY (project_id, resource));

CREATE TABLE network_hosts (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, metal TEXT NOT NULL, version TEXT NOT NULL,
    physical_networks TEXT NOT NULL, description TEXT NOT NULL, first_seen BIGINT NOT NULL,
    started_at BIGINT NOT NULL, seen_at BIGINT NOT NULL, epoch BIGINT NOT NULL);

CREATE TABLE network_tombstones (
    kind TEXT NOT NULL, id TEXT NOT NULL, revision BIGINT NOT NULL, PRIMARY KEY (kind, id));

CREATE TABLE network_observed (
    kind TEXT NOT NULL, id TEXT NOT NULL, host TEXT NOT NULL, epoch BIGINT NOT NULL, sequence BIGINT NOT NULL,
    revision BIGINT NOT NULL, state TEXT NOT NULL, reason TEXT NOT NULL, PRIMARY KEY (kind, id));
