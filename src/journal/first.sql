PRAGMA journal_mode = delete;
BEGIN;
CREATE TABLE runs (
    id TEXT PRIMARY KEY,
    plan TEXT NOT NULL,
    plan_path TEXT NOT NULL,
    plan_digest TEXT NOT NULL,
    facts_digest TEXT NOT NULL,
    provider TEXT NOT NULL,
    options TEXT NOT NULL,
    created_at TEXT NOT NULL
) STRICT;
CREATE TABLE events (
    run TEXT NOT NULL REFERENCES runs(id),
    seq INTEGER NOT NULL,
    at TEXT NOT NULL,
    event TEXT NOT NULL,
    PRIMARY KEY (run, seq)
) STRICT, WITHOUT ROWID;
INSERT INTO runs VALUES('r0','erp','/srv/plans/erp.plan.yaml','sha256:1','sha256:2','emulator','{"now":"2026-11-01T00:00:00Z","origin":"all","strict":false}','2026-11-01T00:00:00Z');
INSERT INTO runs VALUES('r1','erp','/srv/plans/erp.plan.yaml','sha256:1','sha256:2','emulator','{"now":"2026-11-01T00:00:00Z","origin":"all","strict":false}','2026-11-02T00:00:00Z');
INSERT INTO events VALUES('r0',1,'2026-11-01T00:00:00Z','{"run":"r0","seq":1,"at":"2026-11-01T00:00:00Z","kind":{"event":"run_started","plan":"erp","plan_digest":"sha256:1","facts_digest":"sha256:2","provider":"emulator","program":"0.1.0","machines":3,"steps":33,"simulated_actions":true}}');
INSERT INTO events VALUES('r1',1,'1970-01-01T00:00:00Z','{"run":"r1","seq":1,"at":"1970-01-01T00:00:00Z","kind":{"event":"interrupted","reason":"a test"}}');
INSERT INTO events VALUES('r1',2,'1970-01-01T00:00:00Z','{"run":"r1","seq":2,"at":"1970-01-01T00:00:00Z","kind":{"event":"interrupted","reason":"a test"}}');
INSERT INTO events VALUES('r1',3,'1970-01-01T00:00:00Z','{"run":"r1","seq":3,"at":"1970-01-01T00:00:00Z","kind":{"event":"interrupted","reason":"a test"}}');
PRAGMA user_version = 1;
COMMIT;
