-- tolerated from 9
-- When a user was seen last, and until when that keeps it enabled. Both are NULL while nobody asks for that.
ALTER TABLE identity_users ADD COLUMN active_at BIGINT;
ALTER TABLE identity_users ADD COLUMN active_until BIGINT;
