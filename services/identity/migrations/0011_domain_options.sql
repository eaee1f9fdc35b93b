-- tolerated from 9
-- Options of domains: kept for their readers. Values are JSON; those of sensitive options are sealed with the keys of
-- credentials.
CREATE TABLE identity_domain_options (
    domain_id TEXT NOT NULL,
    option_group TEXT NOT NULL,
    name TEXT NOT NULL,
    option_value TEXT NOT NULL,
    sealed BIGINT NOT NULL,
    PRIMARY KEY (domain_id, option_group, name)
);
