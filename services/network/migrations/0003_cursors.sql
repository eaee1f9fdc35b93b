-- Where the search for a free address of a subnet goes on: behind the address that was given out last.
CREATE TABLE subnet_cursors (subnet_id TEXT PRIMARY KEY, next BIGINT NOT NULL);
