-- tolerated from 9
-- Keys that sign tokens, numbered like those that seal them. The secret is empty where only the public half was taken over.
CREATE TABLE identity_signing_keys (
    number BIGINT NOT NULL PRIMARY KEY,
    secret BLOB NOT NULL,
    public BLOB NOT NULL,
    made_at BIGINT NOT NULL,
    used_at BIGINT NOT NULL
);

-- OAuth 1.0: programs, what they ask for, and what they were given. Secrets are sealed.
CREATE TABLE identity_consumers (
    id TEXT NOT NULL PRIMARY KEY,
    description TEXT,
    secret TEXT NOT NULL,
    extra TEXT NOT NULL
);

CREATE TABLE identity_request_tokens (
    id TEXT NOT NULL PRIMARY KEY,
    secret TEXT NOT NULL,
    consumer_id TEXT NOT NULL,
    project_id TEXT NOT NULL,
    user_id TEXT,
    roles TEXT NOT NULL,
    verifier TEXT,
    expires_at BIGINT NOT NULL
);
CREATE INDEX identity_request_tokens_consumer ON identity_request_tokens (consumer_id);

CREATE TABLE identity_access_tokens (
    id TEXT NOT NULL PRIMARY KEY,
    secret TEXT NOT NULL,
    consumer_id TEXT NOT NULL,
    project_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    roles TEXT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX identity_access_tokens_consumer ON identity_access_tokens (consumer_id);
CREATE INDEX identity_access_tokens_user ON identity_access_tokens (user_id);
