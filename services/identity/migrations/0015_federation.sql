-- tolerated from 14
-- Federation: who vouches for users that are not ours, and what becomes of them here.
CREATE TABLE identity_providers (
    id TEXT NOT NULL PRIMARY KEY,
    domain_id TEXT NOT NULL,             -- where its users live, unless the mapping says otherwise
    enabled BIGINT NOT NULL,
    description TEXT,
    authorization_ttl BIGINT             -- minutes that memberships by mapping hold; NULL: as the cloud says
);

CREATE TABLE identity_remote_ids (
    remote_id TEXT NOT NULL PRIMARY KEY, -- how a provider calls itself: an issuer
    provider_id TEXT NOT NULL
);
CREATE INDEX identity_remote_ids_provider ON identity_remote_ids (provider_id);

CREATE TABLE identity_federation_mappings (
    id TEXT NOT NULL PRIMARY KEY,
    rules TEXT NOT NULL,                 -- JSON list
    schema_version TEXT NOT NULL
);

CREATE TABLE identity_protocols (
    provider_id TEXT NOT NULL,
    id TEXT NOT NULL,
    mapping_id TEXT NOT NULL,
    remote_id_attribute TEXT,
    PRIMARY KEY (provider_id, id)
);

-- Users by what their provider calls them.
CREATE TABLE identity_federated_users (
    provider_id TEXT NOT NULL,
    protocol_id TEXT NOT NULL,
    unique_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    PRIMARY KEY (provider_id, protocol_id, unique_id)
);
CREATE INDEX identity_federated_users_user ON identity_federated_users (user_id);

-- Two providers may call two people of one domain the same: the name of such a user is its id, and this is what is shown.
ALTER TABLE identity_users ADD COLUMN display_name TEXT;

-- Memberships by mapping: they hold for a while after the last login that said so.
CREATE TABLE identity_expiring_memberships (
    user_id TEXT NOT NULL,
    group_id TEXT NOT NULL,
    provider_id TEXT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (user_id, group_id, provider_id)
);
CREATE INDEX identity_expiring_memberships_group ON identity_expiring_memberships (group_id);
