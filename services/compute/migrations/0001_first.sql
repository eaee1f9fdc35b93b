CREATE TABLE compute_counters (
    name TEXT PRIMARY KEY,
    value BIGINT NOT NULL
);

CREATE TABLE compute_flavors (
    id TEXT PRIMARY KEY,
    number BIGINT NOT NULL UNIQUE,
    name TEXT NOT NULL UNIQUE,
    vcpus BIGINT NOT NULL,
    memory_mib BIGINT NOT NULL,
    root_gib BIGINT NOT NULL,
    ephemeral_gib BIGINT NOT NULL,
    swap_mib BIGINT NOT NULL,
    rxtx_factor DOUBLE PRECISION NOT NULL,
    is_public BIGINT NOT NULL,
    disabled BIGINT NOT NULL,
    description TEXT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT
);
CREATE TABLE compute_flavor_specs (
    flavor_id TEXT NOT NULL REFERENCES compute_flavors (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (flavor_id, name)
);
CREATE TABLE compute_flavor_access (
    flavor_id TEXT NOT NULL REFERENCES compute_flavors (id) ON DELETE CASCADE,
    project_id TEXT NOT NULL,
    PRIMARY KEY (flavor_id, project_id)
);

CREATE TABLE compute_keypairs (
    user_id TEXT NOT NULL,
    name TEXT NOT NULL,
    number BIGINT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    public_key TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (user_id, name)
);

-- A host as its agent described it, with its compute service. `number` and `service_number` are the ids of old
-- microversions.
CREATE TABLE compute_hosts (
    id TEXT PRIMARY KEY,
    number BIGINT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    facts TEXT NOT NULL,
    up BIGINT NOT NULL,
    seen_at BIGINT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX compute_hosts_name ON compute_hosts (name);
CREATE TABLE compute_services (
    id TEXT PRIMARY KEY,
    number BIGINT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    host TEXT NOT NULL,
    disabled BIGINT NOT NULL,
    disabled_reason TEXT,
    forced_down BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    UNIQUE (kind, host)
);

CREATE TABLE compute_aggregates (
    number BIGINT PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL UNIQUE,
    zone TEXT,
    metadata TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT
);
CREATE TABLE compute_aggregate_hosts (
    aggregate BIGINT NOT NULL REFERENCES compute_aggregates (number) ON DELETE CASCADE,
    host TEXT NOT NULL,
    PRIMARY KEY (aggregate, host)
);

-- What users want of a server, what its host reported of it, and, computed from both, what the API shows of it.
CREATE TABLE compute_servers (
    id TEXT PRIMARY KEY,
    number BIGINT NOT NULL UNIQUE,
    project_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT,
    hostname TEXT NOT NULL,
    reservation_id TEXT NOT NULL,
    launch_index BIGINT NOT NULL,
    image_id TEXT NOT NULL,
    flavor_id TEXT NOT NULL,
    vcpus BIGINT NOT NULL,
    memory_mib BIGINT NOT NULL,
    key_name TEXT,
    config_drive BIGINT NOT NULL,
    access_v4 TEXT,
    access_v6 TEXT,
    auto_disk BIGINT NOT NULL,
    pinned_zone TEXT,
    zone TEXT NOT NULL,
    host_id TEXT,
    host TEXT,
    locked_by TEXT,
    locked_reason TEXT,
    progress BIGINT NOT NULL,
    phase TEXT NOT NULL,
    power TEXT NOT NULL,
    task TEXT,
    task_revision BIGINT NOT NULL,
    reboots BIGINT NOT NULL,
    reboot_hard BIGINT NOT NULL,
    failed BIGINT NOT NULL,
    deleting BIGINT NOT NULL,
    generation BIGINT NOT NULL,
    incarnation BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    digest TEXT NOT NULL,
    sent_revision BIGINT NOT NULL,
    deadline BIGINT,
    seen_epoch BIGINT NOT NULL,
    seen_sequence BIGINT NOT NULL,
    seen_incarnation BIGINT NOT NULL,
    seen_revision BIGINT NOT NULL,
    seen TEXT,
    seen_problem TEXT,
    status TEXT NOT NULL,
    vm_state TEXT NOT NULL,
    task_state TEXT,
    power_state BIGINT NOT NULL,
    fault_code BIGINT,
    fault_message TEXT,
    fault_details TEXT,
    fault_at BIGINT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    launched_at BIGINT,
    terminated_at BIGINT,
    deleted_at BIGINT,
    detail TEXT NOT NULL
);
CREATE INDEX compute_servers_project ON compute_servers (project_id, deleted_at, created_at);
CREATE INDEX compute_servers_created ON compute_servers (deleted_at, created_at);
CREATE INDEX compute_servers_host ON compute_servers (host_id, deleted_at);
CREATE TABLE compute_server_tags (
    server_id TEXT NOT NULL,
    tag TEXT NOT NULL,
    PRIMARY KEY (server_id, tag)
);

-- What must not be on a host any more, until the host says that it is gone.
CREATE TABLE compute_tombstones (
    server_id TEXT NOT NULL,
    host_id TEXT NOT NULL,
    incarnation BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    gone BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (server_id, host_id)
);
CREATE INDEX compute_tombstones_host ON compute_tombstones (host_id);

CREATE TABLE compute_groups (
    id TEXT PRIMARY KEY,
    number BIGINT NOT NULL UNIQUE,
    project_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    name TEXT NOT NULL,
    policy TEXT NOT NULL,
    rules TEXT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX compute_groups_project ON compute_groups (project_id);
CREATE TABLE compute_group_members (
    group_id TEXT NOT NULL REFERENCES compute_groups (id) ON DELETE CASCADE,
    server_id TEXT NOT NULL,
    PRIMARY KEY (group_id, server_id)
);
CREATE INDEX compute_group_members_server ON compute_group_members (server_id);

CREATE TABLE compute_actions (
    number BIGINT PRIMARY KEY,
    server_id TEXT NOT NULL,
    action TEXT NOT NULL,
    request_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    project_id TEXT NOT NULL,
    started_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    message TEXT,
    event TEXT NOT NULL,
    finished_at BIGINT,
    result TEXT,
    host TEXT,
    details TEXT
);
CREATE INDEX compute_actions_server ON compute_actions (server_id, number);

CREATE TABLE compute_quotas (
    project_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    resource TEXT NOT NULL,
    value BIGINT NOT NULL,
    PRIMARY KEY (project_id, user_id, resource)
);
CREATE TABLE compute_quota_classes (
    class TEXT NOT NULL,
    resource TEXT NOT NULL,
    value BIGINT NOT NULL,
    PRIMARY KEY (class, resource)
);

CREATE TABLE compute_consoles (
    token_hash TEXT PRIMARY KEY,
    server_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX compute_consoles_server ON compute_consoles (server_id);
