-- Whether a revocation takes what was made of the token with it.
ALTER TABLE identity_revoked_tokens ADD COLUMN chain BIGINT NOT NULL DEFAULT 0;
