-- Keys of the credentials' secrets, numbered like those of tokens.
CREATE TABLE identity_credential_keys (
    number BIGINT NOT NULL PRIMARY KEY,
    secret BLOB NOT NULL,
    made_at BIGINT NOT NULL
);

-- Secrets from before this step are plain; they are sealed when identity starts.
ALTER TABLE identity_credentials ADD COLUMN sealed BIGINT NOT NULL DEFAULT 0;
