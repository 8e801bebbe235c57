//! The tables of the database, as each version added them.

/// What version 2 had.
pub(super) const SECOND: &str = "
CREATE TABLE runs (
    id TEXT PRIMARY KEY,
    plan TEXT NOT NULL,
    plan_path TEXT NOT NULL,
    plan_digest TEXT NOT NULL,
    facts_digest TEXT NOT NULL,
    provider TEXT NOT NULL,
    options TEXT NOT NULL,
    created_at TEXT NOT NULL,
    git_commit TEXT,
    program TEXT NOT NULL,
    migrated_events INTEGER NOT NULL,
    head TEXT NOT NULL
) STRICT;
CREATE TABLE events (
    run TEXT NOT NULL REFERENCES runs(id),
    seq INTEGER NOT NULL,
    at TEXT NOT NULL,
    event TEXT NOT NULL,
    hash TEXT NOT NULL,
    PRIMARY KEY (run, seq)
) STRICT, WITHOUT ROWID;
CREATE TABLE inbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    run TEXT NOT NULL REFERENCES runs(id),
    at TEXT NOT NULL,
    by TEXT NOT NULL,
    known_as TEXT NOT NULL,
    letter TEXT NOT NULL
) STRICT;
CREATE INDEX inbox_of_run ON inbox (run, id);
CREATE TRIGGER events_stay BEFORE DELETE ON events BEGIN SELECT RAISE(ABORT, 'events are kept'); END;
CREATE TRIGGER events_stand BEFORE UPDATE ON events BEGIN SELECT RAISE(ABORT, 'events are kept as they are'); END;
CREATE TRIGGER inbox_stays BEFORE DELETE ON inbox BEGIN SELECT RAISE(ABORT, 'letters are kept'); END;
CREATE TRIGGER inbox_stands BEFORE UPDATE ON inbox BEGIN SELECT RAISE(ABORT, 'letters are kept as they are'); END;
";

/// What version 3 added: facts by their digest, drills, and how far each drill's calendar is dealt with.
///
/// Of a drill that goes on, what turns out later may be filled in once; one that has ended stands.
pub(super) const THIRD: &str = "
CREATE TABLE facts (
    digest TEXT PRIMARY KEY,
    body TEXT NOT NULL
) STRICT;
CREATE TABLE drills (
    id TEXT PRIMARY KEY,
    plan TEXT NOT NULL,
    plan_path TEXT NOT NULL,
    name TEXT,
    kind TEXT NOT NULL,
    cause TEXT NOT NULL,
    due_at TEXT,
    began_at TEXT NOT NULL,
    ended_at TEXT,
    run TEXT,
    git_commit TEXT,
    plan_digest TEXT,
    verdict TEXT,
    result TEXT
) STRICT;
CREATE INDEX drills_of_plan ON drills (plan_path, began_at);
CREATE TABLE schedule (
    plan_path TEXT NOT NULL,
    drill TEXT NOT NULL,
    handled_until TEXT NOT NULL,
    PRIMARY KEY (plan_path, drill)
) STRICT;
CREATE TRIGGER facts_stay BEFORE DELETE ON facts BEGIN SELECT RAISE(ABORT, 'facts are kept'); END;
CREATE TRIGGER facts_stand BEFORE UPDATE ON facts BEGIN SELECT RAISE(ABORT, 'facts are kept as they are'); END;
CREATE TRIGGER drills_stay BEFORE DELETE ON drills BEGIN SELECT RAISE(ABORT, 'drills are kept'); END;
CREATE TRIGGER drills_end_once BEFORE UPDATE ON drills WHEN OLD.ended_at IS NOT NULL
    BEGIN SELECT RAISE(ABORT, 'a drill that has ended is kept as it is'); END;
CREATE TRIGGER drills_stand BEFORE UPDATE ON drills WHEN
    NEW.id IS NOT OLD.id OR NEW.plan IS NOT OLD.plan OR NEW.plan_path IS NOT OLD.plan_path OR NEW.name IS NOT OLD.name
    OR NEW.kind IS NOT OLD.kind OR NEW.cause IS NOT OLD.cause OR NEW.due_at IS NOT OLD.due_at
    OR NEW.began_at IS NOT OLD.began_at OR (OLD.run IS NOT NULL AND NEW.run IS NOT OLD.run)
    OR (OLD.git_commit IS NOT NULL AND NEW.git_commit IS NOT OLD.git_commit)
    OR (OLD.plan_digest IS NOT NULL AND NEW.plan_digest IS NOT OLD.plan_digest)
    OR (NEW.ended_at IS NULL AND (NEW.verdict IS NOT NULL OR NEW.result IS NOT NULL))
    BEGIN SELECT RAISE(ABORT, 'what is known of a drill is kept as it is'); END;
";

/// What version 4 added: nothing takes the place of what is kept. `INSERT OR REPLACE` deletes without asking the triggers of
/// deletions. For an event that is one look-up by its key, about a microsecond.
pub(super) const FOURTH: &str = "
CREATE TRIGGER events_add BEFORE INSERT ON events
    WHEN EXISTS (SELECT 1 FROM events WHERE run = NEW.run AND seq = NEW.seq)
    BEGIN SELECT RAISE(ABORT, 'events are kept as they are'); END;
CREATE TRIGGER inbox_adds BEFORE INSERT ON inbox WHEN EXISTS (SELECT 1 FROM inbox WHERE id = NEW.id)
    BEGIN SELECT RAISE(ABORT, 'letters are kept as they are'); END;
CREATE TRIGGER facts_add BEFORE INSERT ON facts
    WHEN EXISTS (SELECT 1 FROM facts WHERE digest = NEW.digest AND body IS NOT NEW.body)
    BEGIN SELECT RAISE(ABORT, 'facts are kept as they are'); END;
CREATE TRIGGER drills_add BEFORE INSERT ON drills WHEN EXISTS (SELECT 1 FROM drills WHERE id = NEW.id)
    BEGIN SELECT RAISE(ABORT, 'drills are kept'); END;
";

/// What version 5 added: of which timetable a calendar is dealt with.
pub(super) const FIFTH: &str = "ALTER TABLE schedule ADD COLUMN timetable TEXT;";

/// What version 6 added: of which drills it was told that their process ended before they did. Those that had not ended by then count as
/// told: programs before told of them, or it is too late.
pub(super) const SIXTH: &str = "
CREATE TABLE stops (
    drill TEXT PRIMARY KEY REFERENCES drills(id),
    told_at TEXT NOT NULL
) STRICT;
INSERT INTO stops SELECT id, strftime('%Y-%m-%dT%H:%M:%SZ', 'now') FROM drills WHERE ended_at IS NULL;
";
