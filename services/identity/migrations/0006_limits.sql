-- What projects may have of a resource by default.
CREATE TABLE identity_registered_limits (
    id TEXT NOT NULL PRIMARY KEY,
    service_id TEXT NOT NULL,
    region_id TEXT NOT NULL,             -- '' for all regions
    resource_name TEXT NOT NULL,
    default_limit BIGINT NOT NULL,       -- -1: no limit
    description TEXT
);
CREATE UNIQUE INDEX identity_registered_limits_resource ON identity_registered_limits (service_id, region_id, resource_name);

-- What one project or domain may have instead.
CREATE TABLE identity_limits (
    id TEXT NOT NULL PRIMARY KEY,
    registered_id TEXT NOT NULL,
    holder_kind TEXT NOT NULL,           -- project, domain
    holder_id TEXT NOT NULL,
    resource_limit BIGINT NOT NULL,
    description TEXT
);
CREATE UNIQUE INDEX identity_limits_holder ON identity_limits (holder_id, holder_kind, registered_id);
CREATE INDEX identity_limits_registered ON identity_limits (registered_id);
