-- Groups of endpoints, by what the endpoints are.
CREATE TABLE identity_endpoint_groups (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    description TEXT,
    filters TEXT NOT NULL                -- JSON object
);

-- Which endpoints the catalog of a project has, one by one and by groups. A project without any has all.
CREATE TABLE identity_project_endpoints (
    project_id TEXT NOT NULL,
    kind TEXT NOT NULL,                  -- endpoint, group
    other_id TEXT NOT NULL,
    PRIMARY KEY (project_id, kind, other_id)
);
CREATE INDEX identity_project_endpoints_other ON identity_project_endpoints (other_id);
