-- tolerated from 9
-- When a key was primary last: what it sealed lives for a time after that.
ALTER TABLE identity_keys ADD COLUMN used_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE identity_credential_keys ADD COLUMN used_at BIGINT NOT NULL DEFAULT 0;
UPDATE identity_keys SET used_at = made_at;
UPDATE identity_credential_keys SET used_at = made_at;
