//! The drills in the database.

use jiff::Timestamp;
use rusqlite::Row;
use rusqlite::params;
use rusqlite::types::Type;

use crate::id::DrillId;
use crate::id::RunId;
use crate::journal::Database;
use crate::journal::DatabaseError;
use crate::journal::Lock;
use crate::journal::RunRecord;
use crate::journal::StateDir;
use crate::journal::chain::Link;
use crate::journal::database::failed;
use crate::journal::database::insert_run;

/// What is kept about a drill.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct DrillRow {
    /// Its id.
    pub id: DrillId,
    /// Name of its plan.
    pub plan: String,
    /// File of its plan.
    pub plan_path: String,
    /// Its name in the plan; none of an exercise that the plan does not name.
    pub name: Option<String>,
    /// What it does: `readiness`, `rehearsal` or `live`.
    pub kind: String,
    /// Why it began: `schedule` or `person`.
    pub cause: String,
    /// When the calendar asked for it.
    pub due_at: Option<Timestamp>,
    /// When it began, by the machine's clock.
    pub began_at: Timestamp,
    /// When it ended; none while it goes on, and of one whose process died.
    pub ended_at: Option<Timestamp>,
    /// The run that it made, if it made one.
    pub run: Option<RunId>,
    /// The commit of its plan, if that is in a git repository.
    pub git_commit: Option<String>,
    /// Digest of the resolved plan as it was exercised.
    pub plan_digest: Option<String>,
    /// What came of it: `passed`, `degraded` or `failed`.
    pub verdict: Option<String>,
    /// All that came of it, as JSON.
    pub result: Option<String>,
}

/// What is entered when a drill ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DrillEnd {
    /// When it ended, by the machine's clock.
    pub ended_at: Timestamp,
    /// What came of it: `passed`, `degraded` or `failed`.
    pub verdict: String,
    /// All that came of it, as JSON.
    pub result: String,
}

const COLUMNS: &str = "id, plan, plan_path, name, kind, cause, due_at, began_at, ended_at, run, git_commit,
     plan_digest, verdict, result";

/// The first version of the tables that had drills.
pub(super) const SINCE: i64 = 3;

impl Database {
    /// Enters a drill that begins.
    ///
    /// # Errors
    ///
    /// [`DatabaseError`] if it can't be written, or is there already.
    pub fn add_drill(&mut self, drill: &DrillRow) -> Result<(), DatabaseError> {
        let query = format!(
            "INSERT INTO drills ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)"
        );
        let time = |at: Option<Timestamp>| at.map(|at| at.to_string());
        let written = self.connection.execute(
            &query,
            params![
                drill.id.as_str(),
                drill.plan,
                drill.plan_path,
                drill.name,
                drill.kind,
                drill.cause,
                time(drill.due_at),
                drill.began_at.to_string(),
                time(drill.ended_at),
                drill.run.as_ref().map(RunId::as_str),
                drill.git_commit,
                drill.plan_digest,
                drill.verdict,
                drill.result,
            ],
        );
        written.map(|_| ()).map_err(self.failed("written"))
    }

    /// Enters that a process has a drill which was entered when that process was begun, and what it found: once.
    ///
    /// # Errors
    ///
    /// [`DatabaseError`] if it can't be written, has ended, or a process had it before.
    pub fn take_drill(
        &mut self,
        drill: &DrillId,
        plan_digest: &str,
        git_commit: Option<&str>,
    ) -> Result<(), DatabaseError> {
        let query = "UPDATE drills SET plan_digest = ?2, git_commit = coalesce(git_commit, ?3)
             WHERE id = ?1 AND plan_digest IS NULL AND ended_at IS NULL";
        let written = self.connection.execute(query, params![drill.as_str(), plan_digest, git_commit]);
        written.and_then(one).map_err(self.failed("written"))
    }

    /// Enters a run that a drill makes, and that the drill made it: both or neither, whenever the process dies.
    ///
    /// # Errors
    ///
    /// [`DatabaseError`] if it can't be written, or the drill was never entered or has a run.
    pub fn add_run_of_drill(&mut self, run: &RunRecord, drill: &DrillId) -> Result<(), DatabaseError> {
        let failed = failed(&self.path, "written");
        let mut write = || {
            let transaction = self.connection.transaction()?;
            insert_run(&transaction, run, &Link::head(run))?;
            let query = "UPDATE drills SET run = ?2 WHERE id = ?1 AND run IS NULL";
            transaction.execute(query, [drill.as_str(), run.id.as_str()]).and_then(one)?;
            transaction.commit()
        };
        write().map_err(failed)
    }

    /// Enters how a drill ended: once.
    ///
    /// # Errors
    ///
    /// [`DatabaseError`] if it can't be written, has ended before, or was never entered.
    pub fn end_drill(&mut self, drill: &DrillId, end: &DrillEnd) -> Result<(), DatabaseError> {
        let query = "UPDATE drills SET ended_at = ?2, verdict = ?3, result = ?4 WHERE id = ?1";
        let at = end.ended_at.to_string();
        let written = self
            .connection
            .execute(query, params![drill.as_str(), at, end.verdict, end.result])
            .and_then(one);
        written.map_err(self.failed("written"))
    }

    /// Returns every drill, the newest first; one that can't be read hides no other.
    ///
    /// # Errors
    ///
    /// [`DatabaseError`] if they can't be read.
    pub fn drills(&self) -> Result<Vec<DrillRow>, DatabaseError> {
        self.drills_where("1 OR ?1", "")
    }

    /// Returns the drills that have not ended, the newest first: those that go on, and those that died.
    ///
    /// # Errors
    ///
    /// [`DatabaseError`] if they can't be read.
    pub fn open_drills(&self) -> Result<Vec<DrillRow>, DatabaseError> {
        self.drills_where("ended_at IS NULL OR ?1 IS NULL", "")
    }

    /// Returns the drills of a plan's file, the newest first.
    ///
    /// # Errors
    ///
    /// [`DatabaseError`] if they can't be read.
    pub fn drills_of(&self, plan_path: &str) -> Result<Vec<DrillRow>, DatabaseError> {
        self.drills_where("plan_path = ?1", plan_path)
    }

    /// Returns a drill.
    ///
    /// # Errors
    ///
    /// [`DatabaseError`] if it can't be read.
    pub fn drill(&self, id: &DrillId) -> Result<Option<DrillRow>, DatabaseError> {
        Ok(self.drills_where("id = ?1", id.as_str())?.pop())
    }

    fn drills_where(&self, condition: &str, value: &str) -> Result<Vec<DrillRow>, DatabaseError> {
        if self.version < SINCE {
            return Ok(Vec::new());
        }
        let read = self.failed("read");
        let query = format!("SELECT {COLUMNS} FROM drills WHERE {condition} ORDER BY began_at DESC, id DESC");
        let mut query = self.connection.prepare(&query).map_err(&read)?;
        let rows = query.query_map([value], |row| Ok(drill_of_row(row))).map_err(&read)?;
        let mut drills = Vec::new();
        for row in rows {
            match row.map_err(&read)? {
                Ok(drill) => drills.push(drill),
                // Whoever may write here may write anything.
                Err(error) => tracing::warn!(%error, "the entry of a drill can't be read and is passed over"),
            }
        }
        Ok(drills)
    }
}

impl DrillRow {
    /// Returns whether it was entered by whoever began its process, and that process never got as far as it.
    #[must_use]
    pub const fn never_began(&self) -> bool {
        self.plan_digest.is_none() && self.run.is_none() && self.ended_at.is_none()
    }

    /// Returns whether its process died: it has not ended, and nobody holds its lock.
    #[must_use]
    pub fn has_died(&self, dir: &StateDir) -> bool {
        self.ended_at.is_none() && !Lock::is_held(&dir.drill(&self.id))
    }

    /// Returns where it stands, in a word: its verdict, `running` or `died`.
    #[must_use]
    pub fn state(&self, dir: &StateDir) -> &str {
        match &self.verdict {
            Some(verdict) if self.ended_at.is_some() => verdict,
            _ if self.has_died(dir) => "died",
            _ => "running",
        }
    }
}

fn one(changed: usize) -> rusqlite::Result<()> {
    if changed == 1 { Ok(()) } else { Err(rusqlite::Error::QueryReturnedNoRows) }
}

pub(super) fn time(row: &Row<'_>, index: usize) -> rusqlite::Result<Timestamp> {
    parsed(&row.get::<_, String>(index)?, index)
}

fn parsed(text: &str, index: usize) -> rusqlite::Result<Timestamp> {
    text.parse().map_err(|error: jiff::Error| {
        rusqlite::Error::FromSqlConversionFailure(index, Type::Text, Box::new(error))
    })
}

fn drill_of_row(row: &Row<'_>) -> rusqlite::Result<DrillRow> {
    let perhaps = |index: usize| -> rusqlite::Result<Option<Timestamp>> {
        row.get::<_, Option<String>>(index)?.map(|text| parsed(&text, index)).transpose()
    };
    Ok(DrillRow {
        id: DrillId::new(row.get::<_, String>(0)?),
        plan: row.get(1)?,
        plan_path: row.get(2)?,
        name: row.get(3)?,
        kind: row.get(4)?,
        cause: row.get(5)?,
        due_at: perhaps(6)?,
        began_at: time(row, 7)?,
        ended_at: perhaps(8)?,
        run: row.get::<_, Option<String>>(9)?.map(RunId::new),
        git_commit: row.get(10)?,
        plan_digest: row.get(11)?,
        verdict: row.get(12)?,
        result: row.get(13)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::fixture::Place;
    use crate::journal::fixture::record;

    fn drill(id: &str, second: i64) -> DrillRow {
        DrillRow {
            id: DrillId::new(id),
            plan: "erp".into(),
            plan_path: "/srv/plans/erp.plan.yaml".into(),
            name: Some("weekly".into()),
            kind: "rehearsal".into(),
            cause: "schedule".into(),
            due_at: Some(Timestamp::UNIX_EPOCH),
            began_at: Timestamp::from_second(second).expect("a time"),
            ended_at: None,
            run: None,
            git_commit: None,
            plan_digest: Some("sha256:1".into()),
            verdict: None,
            result: None,
        }
    }

    #[test]
    fn a_drill_is_entered_filled_in_and_ended_once() {
        let place = Place::new();
        let mut database = place.open();
        let (first, second) = (drill("d1", 1), DrillRow { plan_path: "other".into(), ..drill("d2", 2) });
        for drill in [&first, &second] {
            database.add_drill(drill).expect("new");
        }
        assert!(database.add_drill(&first).is_err(), "it is there");
        assert_eq!(database.drills().expect("read"), [second.clone(), first.clone()], "the newest first");
        assert_eq!(database.drills_of("other").expect("read"), [second]);
        database.add_run_of_drill(&record("r1"), &first.id).expect("it had none");
        assert!(database.run(&RunId::new("r1")).expect("read").is_some(), "the run is entered with it");
        assert!(database.add_run_of_drill(&record("r2"), &first.id).is_err(), "it has one");
        assert!(database.add_run_of_drill(&record("r2"), &DrillId::new("d9")).is_err(), "nobody entered it");
        assert!(database.run(&RunId::new("r2")).expect("read").is_none(), "neither is entered");
        let end = DrillEnd { ended_at: Timestamp::UNIX_EPOCH, verdict: "passed".into(), result: "{}".into() };
        database.end_drill(&first.id, &end).expect("it had not ended");
        assert!(database.end_drill(&first.id, &end).is_err(), "it has ended");
        assert!(database.end_drill(&DrillId::new("d9"), &end).is_err(), "nobody entered it");
        let open = database.open_drills().expect("read");
        assert_eq!(open.iter().map(|drill| drill.id.as_str()).collect::<Vec<_>>(), ["d2"], "the other ended");
        let found = database.drill(&first.id).expect("read").expect("there");
        let ended = DrillRow {
            run: Some(RunId::new("r1")),
            ended_at: Some(end.ended_at),
            verdict: Some("passed".into()),
            result: Some("{}".into()),
            ..first
        };
        assert_eq!(found, ended);
    }

    #[test]
    fn a_drill_that_was_entered_before_its_process_began_is_taken_once() {
        let place = Place::new();
        let mut database = place.open();
        let begun = DrillRow { plan_digest: None, ..drill("d1", 1) };
        database.add_drill(&begun).expect("new");
        assert!(database.drill(&begun.id).expect("read").expect("there").never_began());
        database.take_drill(&begun.id, "sha256:1", Some("4f0c")).expect("nobody has it");
        assert!(database.take_drill(&begun.id, "sha256:1", None).is_err(), "somebody has it");
        let taken = database.drill(&begun.id).expect("read").expect("there");
        assert_eq!((taken.git_commit.as_deref(), taken.never_began()), (Some("4f0c"), false));
        let ended = DrillRow { plan_digest: None, ..drill("d2", 2) };
        database.add_drill(&ended).expect("new");
        let end = DrillEnd { ended_at: Timestamp::UNIX_EPOCH, verdict: "failed".into(), result: "{}".into() };
        database.end_drill(&ended.id, &end).expect("it had not ended");
        assert!(database.take_drill(&ended.id, "sha256:1", None).is_err(), "it was given up");
    }

    #[test]
    fn an_entry_that_can_not_be_read_hides_no_other() {
        let place = Place::new();
        let mut database = place.open();
        database.add_drill(&drill("d1", 1)).expect("new");
        let bad = "INSERT INTO drills (id, plan, plan_path, kind, cause, began_at) VALUES ('d2', '', '', '', '', 'soon')";
        place.sqlite().execute_batch(bad).expect("somebody's own");
        assert_eq!(database.drills().expect("read"), [drill("d1", 1)]);
    }

    #[test]
    fn a_drill_without_an_end_has_died_when_nobody_holds_it() {
        let place = Place::new();
        let dir = StateDir::create(place.folder.path()).expect("made");
        let drill = drill("d1", 1);
        assert_eq!(drill.state(&dir), "died", "its folder is gone");
        let folder = dir.make_drill(&drill.id).expect("made");
        assert_eq!(drill.state(&dir), "died", "it never had a lock");
        let lock = Lock::take(&folder).expect("free");
        assert_eq!(drill.state(&dir), "running");
        drop(lock);
        assert_eq!(drill.state(&dir), "died");
        let ended =
            DrillRow { ended_at: Some(drill.began_at), verdict: Some("degraded".into()), ..drill.clone() };
        assert_eq!(ended.state(&dir), "degraded");
    }
}
