-- Secrets that stand for a user on one project, with at most the roles that are named.
CREATE TABLE identity_application_credentials (
    id TEXT NOT NULL PRIMARY KEY,
    user_id TEXT NOT NULL,
    project_id TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT,
    secret_hash TEXT NOT NULL,
    expires_at BIGINT,
    unrestricted BIGINT,                 -- may manage other application credentials; NULL: nothing was said, as no
    roles TEXT NOT NULL                  -- JSON list of ids
);
CREATE UNIQUE INDEX identity_application_credentials_name ON identity_application_credentials (user_id, name);
CREATE INDEX identity_application_credentials_project ON identity_application_credentials (project_id);
