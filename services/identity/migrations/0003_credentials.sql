-- Credentials of users for other systems: kept for their owners, not understood. Those of type ec2 have ids made of
-- their access key.
CREATE TABLE identity_credentials (
    id TEXT NOT NULL PRIMARY KEY,
    user_id TEXT NOT NULL,
    project_id TEXT,
    type TEXT NOT NULL,
    secret_blob TEXT NOT NULL,
    extra TEXT NOT NULL
);
CREATE INDEX identity_credentials_user ON identity_credentials (user_id);
CREATE INDEX identity_credentials_project ON identity_credentials (project_id);

-- Policy documents: kept for whoever puts them here, followed by nobody.
CREATE TABLE identity_policies (
    id TEXT NOT NULL PRIMARY KEY,
    type TEXT NOT NULL,
    document TEXT NOT NULL,
    extra TEXT NOT NULL
);
