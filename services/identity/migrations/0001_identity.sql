-- Domains are projects that act as one (is_domain), as in Keystone: a domain's id can scope a token to either.
CREATE TABLE identity_projects (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    domain_id TEXT NOT NULL,             -- '' for a domain itself
    parent_id TEXT NOT NULL,             -- '' for a domain itself
    is_domain BIGINT NOT NULL,
    enabled BIGINT NOT NULL,
    description TEXT,
    tags TEXT NOT NULL,                  -- JSON list
    options TEXT NOT NULL,               -- JSON object
    extra TEXT NOT NULL                  -- JSON object: attributes of the caller's own
);
CREATE UNIQUE INDEX identity_projects_name ON identity_projects (domain_id, name);
CREATE INDEX identity_projects_parent ON identity_projects (parent_id);

CREATE TABLE identity_users (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    domain_id TEXT NOT NULL,
    enabled BIGINT NOT NULL,
    default_project_id TEXT,
    password_hash TEXT,                  -- NULL: cannot log in by password
    password_expires_at BIGINT,
    options TEXT NOT NULL,
    extra TEXT NOT NULL,
    valid_since BIGINT NOT NULL          -- tokens issued before are revoked
);
CREATE UNIQUE INDEX identity_users_name ON identity_users (domain_id, name);

CREATE TABLE identity_groups (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    domain_id TEXT NOT NULL,
    description TEXT,
    extra TEXT NOT NULL
);
CREATE UNIQUE INDEX identity_groups_name ON identity_groups (domain_id, name);

CREATE TABLE identity_memberships (
    user_id TEXT NOT NULL,
    group_id TEXT NOT NULL,
    PRIMARY KEY (user_id, group_id)
);
CREATE INDEX identity_memberships_group ON identity_memberships (group_id);

CREATE TABLE identity_roles (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    domain_id TEXT NOT NULL,             -- '' for roles of the whole cloud
    description TEXT,
    options TEXT NOT NULL,
    extra TEXT NOT NULL
);
CREATE UNIQUE INDEX identity_roles_name ON identity_roles (domain_id, name);

CREATE TABLE identity_implied_roles (
    prior_id TEXT NOT NULL,
    implied_id TEXT NOT NULL,
    PRIMARY KEY (prior_id, implied_id)
);

CREATE TABLE identity_assignments (
    actor_kind TEXT NOT NULL,            -- user, group
    actor_id TEXT NOT NULL,
    target_kind TEXT NOT NULL,           -- project, domain, system
    target_id TEXT NOT NULL,
    role_id TEXT NOT NULL,
    inherited BIGINT NOT NULL,           -- holds for the projects below the target, not for the target
    PRIMARY KEY (actor_kind, actor_id, target_kind, target_id, role_id, inherited)
);
CREATE INDEX identity_assignments_target ON identity_assignments (target_kind, target_id);

CREATE TABLE identity_regions (
    id TEXT NOT NULL PRIMARY KEY,
    parent_region_id TEXT,
    description TEXT NOT NULL,
    extra TEXT NOT NULL
);

CREATE TABLE identity_services (
    id TEXT NOT NULL PRIMARY KEY,
    type TEXT NOT NULL,
    name TEXT,
    enabled BIGINT NOT NULL,
    extra TEXT NOT NULL
);

CREATE TABLE identity_endpoints (
    id TEXT NOT NULL PRIMARY KEY,
    service_id TEXT NOT NULL,
    interface TEXT NOT NULL,
    region_id TEXT,
    url TEXT NOT NULL,
    enabled BIGINT NOT NULL,
    extra TEXT NOT NULL
);
CREATE INDEX identity_endpoints_service ON identity_endpoints (service_id);

-- Keys of tokens, as a Fernet key repository numbers them: the highest is primary, 0 is staged.
CREATE TABLE identity_keys (
    number BIGINT NOT NULL PRIMARY KEY,
    secret BLOB NOT NULL,
    made_at BIGINT NOT NULL
);

-- Tokens that were revoked one by one; kept until they would have expired anyway.
CREATE TABLE identity_revoked_tokens (
    audit_id TEXT NOT NULL PRIMARY KEY,
    expires_at BIGINT NOT NULL
);

-- One row that counts every change of what a token may stand for. Caches of validated tokens compare it.
CREATE TABLE identity_epoch (
    id BIGINT NOT NULL PRIMARY KEY,
    epoch BIGINT NOT NULL
);
INSERT INTO identity_epoch (id, epoch) VALUES (1, 1);
