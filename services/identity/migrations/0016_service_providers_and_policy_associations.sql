-- tolerated from 14
-- Clouds that take users of this one: told in every token while enabled.
CREATE TABLE identity_service_providers (
    id TEXT NOT NULL PRIMARY KEY,
    enabled BIGINT NOT NULL,
    description TEXT,
    auth_url TEXT NOT NULL,              -- where users of this one log in there
    sp_url TEXT NOT NULL,                -- where what vouches for them is sent
    relay_state_prefix TEXT NOT NULL
);

-- Which policy document is for an endpoint, for a service, or for a service in a region; '' where it is for no one of a kind.
CREATE TABLE identity_policy_associations (
    endpoint_id TEXT NOT NULL,
    service_id TEXT NOT NULL,
    region_id TEXT NOT NULL,
    policy_id TEXT NOT NULL,
    PRIMARY KEY (endpoint_id, service_id, region_id)
);
CREATE INDEX identity_policy_associations_policy ON identity_policy_associations (policy_id);
