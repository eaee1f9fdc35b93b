-- What the rules for passwords ask: failed logins, how old a password is, and which ones there were.
ALTER TABLE identity_users ADD COLUMN failed_logins BIGINT NOT NULL DEFAULT 0;
ALTER TABLE identity_users ADD COLUMN failed_at BIGINT;
ALTER TABLE identity_users ADD COLUMN password_made_at BIGINT;
ALTER TABLE identity_users ADD COLUMN password_own BIGINT NOT NULL DEFAULT 0;

CREATE TABLE identity_past_passwords (
    user_id TEXT NOT NULL,
    number BIGINT NOT NULL,              -- the higher, the younger
    password_hash TEXT NOT NULL,
    PRIMARY KEY (user_id, number)
);
