-- What an application credential may be used for, where that is less than everything.
CREATE TABLE identity_access_rules (
    id TEXT NOT NULL PRIMARY KEY,
    user_id TEXT NOT NULL,
    service TEXT NOT NULL,
    method TEXT NOT NULL,
    path TEXT NOT NULL
);
CREATE UNIQUE INDEX identity_access_rules_same ON identity_access_rules (user_id, service, path, method);

CREATE TABLE identity_credential_access_rules (
    credential_id TEXT NOT NULL,
    rule_id TEXT NOT NULL,
    PRIMARY KEY (credential_id, rule_id)
);
CREATE INDEX identity_credential_access_rules_rule ON identity_credential_access_rules (rule_id);
