-- Trusts: a trustee may act on a project with some of the trustor's roles.
CREATE TABLE identity_trusts (
    id TEXT NOT NULL PRIMARY KEY,
    trustor_id TEXT NOT NULL,
    trustee_id TEXT NOT NULL,
    project_id TEXT,
    impersonation BIGINT NOT NULL,
    roles TEXT NOT NULL,                 -- JSON list of ids
    expires_at BIGINT,
    remaining_uses BIGINT,               -- NULL: no limit
    parent_id TEXT,                      -- the trust that was handed on as this one
    depth BIGINT NOT NULL,               -- how often it may be handed on
    extra TEXT NOT NULL
);
CREATE UNIQUE INDEX identity_trusts_same ON identity_trusts (trustor_id, trustee_id, project_id, impersonation, expires_at);
CREATE INDEX identity_trusts_trustee ON identity_trusts (trustee_id);
CREATE INDEX identity_trusts_project ON identity_trusts (project_id);
CREATE INDEX identity_trusts_parent ON identity_trusts (parent_id);
