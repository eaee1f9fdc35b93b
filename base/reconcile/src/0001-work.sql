CREATE TABLE work (
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    format BIGINT NOT NULL,
    generation BIGINT NOT NULL,
    epoch BIGINT NOT NULL,
    due_at BIGINT NOT NULL,
    owner TEXT NOT NULL DEFAULT '',
    lease_until BIGINT NOT NULL DEFAULT 0,
    attempts BIGINT NOT NULL DEFAULT 0,
    state TEXT NOT NULL,
    reason TEXT NOT NULL DEFAULT '',
    waiting_on TEXT NOT NULL DEFAULT '[]',
    since BIGINT NOT NULL,
    deadline BIGINT,
    data TEXT,
    PRIMARY KEY (kind, id)
);
CREATE INDEX work_due ON work (due_at, kind, id);
CREATE INDEX work_leases ON work (lease_until);

-- Who is made due when (on_kind, on_id) is touched.
CREATE TABLE work_waits (
    on_kind TEXT NOT NULL,
    on_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    PRIMARY KEY (on_kind, on_id, kind, id)
);
CREATE INDEX work_waits_by_waiter ON work_waits (kind, id);

-- When things were last touched: the id of the transaction on PostgreSQL, a tick of work_clock on SQLite.
CREATE TABLE work_touches (
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    stamp BIGINT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (kind, id)
);
CREATE INDEX work_touches_by_age ON work_touches (at);
CREATE TABLE work_clock (ticks BIGINT NOT NULL);
INSERT INTO work_clock (ticks) VALUES (0);

-- What the next incarnation of a row goes on from: fences never go back.
CREATE TABLE work_gone (
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    generation BIGINT NOT NULL,
    epoch BIGINT NOT NULL,
    gone_at BIGINT NOT NULL,
    PRIMARY KEY (kind, id)
);
