//! The drills of plans in a list: when each is due next, and how it went the last time.

use jiff::Timestamp;
use serde::Serialize;

use crate::drill::plans::Found;
use crate::journal::DrillRow;
use crate::journal::StateDir;

/// A drill of a plan.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Line {
    /// Name of its plan.
    pub plan: String,
    /// The file that its plan is known by.
    pub plan_path: String,
    /// Its name.
    pub drill: String,
    /// What it does.
    pub kind: String,
    /// When it is due, in five cron fields; none of one that persons alone begin.
    pub schedule: Option<String>,
    /// Time zone of the schedule; none where there is no schedule.
    pub timezone: Option<String>,
    /// When it begins next.
    pub next_at: Option<Timestamp>,
    /// The last one that began.
    pub last: Option<Last>,
}

/// A drill that began.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Last {
    /// Its id.
    pub id: String,
    /// Where it stands: its verdict, `running` or `died`.
    pub state: String,
    /// Why it began: `schedule` or `person`.
    pub cause: String,
    /// When it was due.
    pub due_at: Option<Timestamp>,
    /// When it began.
    pub began_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// The run that it made.
    pub run: Option<String>,
    /// The commit of its plan.
    pub git_commit: Option<String>,
}

/// Returns the drills of all plans in the order of their plans; `rows` are what is kept, the newest first.
#[must_use]
pub fn of(found: &Found, rows: &[DrillRow], state: Option<&StateDir>, now: Timestamp) -> Vec<Line> {
    let mut lines = Vec::new();
    for plan in &found.plans {
        for drill in &plan.drills {
            let name = drill.name.value.as_str();
            let is_it = |row: &&DrillRow| row.plan_path == plan.known_as && row.name.as_deref() == Some(name);
            let last = rows.iter().find(is_it).map(|row| Last {
                id: row.id.to_string(),
                state: state.map_or("died", |state| row.state(state)).to_owned(),
                cause: row.cause.clone(),
                due_at: row.due_at,
                began_at: row.began_at,
                ended_at: row.ended_at,
                run: row.run.as_ref().map(ToString::to_string),
                git_commit: row.git_commit.clone(),
            });
            let timetable = plan.timetable(drill);
            let zone =
                || drill.timezone.as_ref().map_or_else(|| "UTC".to_owned(), |zone| zone.value.0.clone());
            lines.push(Line {
                plan: plan.name.clone(),
                plan_path: plan.known_as.clone(),
                drill: name.to_owned(),
                kind: drill.kind.value.as_str().to_owned(),
                schedule: drill.schedule.as_ref().map(|schedule| schedule.value.0.clone()),
                timezone: timetable.is_some().then(zone),
                next_at: timetable.and_then(|timetable| timetable.next_after(now)),
                last,
            });
        }
    }
    lines
}
