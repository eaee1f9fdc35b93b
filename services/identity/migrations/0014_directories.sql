-- Users and groups that live in a directory (LDAP): under which id they are known here, and what they looked like when
-- the directory was asked last. Names in a directory need not be unique, so that only those of our own are held to that.

CREATE TABLE identity_mappings (
    public_id TEXT NOT NULL PRIMARY KEY,
    domain_id TEXT NOT NULL,
    local_id TEXT NOT NULL,              -- what the directory calls it
    kind TEXT NOT NULL                   -- user, group
);
CREATE UNIQUE INDEX identity_mappings_local ON identity_mappings (domain_id, kind, local_id);

ALTER TABLE identity_users ADD COLUMN mirrored BIGINT NOT NULL DEFAULT 0;
DROP INDEX identity_users_name;
CREATE UNIQUE INDEX identity_users_name ON identity_users (domain_id, name) WHERE mirrored = 0;
CREATE INDEX identity_users_domain ON identity_users (domain_id, mirrored);

ALTER TABLE identity_groups ADD COLUMN mirrored BIGINT NOT NULL DEFAULT 0;
DROP INDEX identity_groups_name;
CREATE UNIQUE INDEX identity_groups_name ON identity_groups (domain_id, name) WHERE mirrored = 0;
CREATE INDEX identity_groups_domain ON identity_groups (domain_id, mirrored);
