//! What the scheduler did, in words.

use crate::drill::due::Cause;
use crate::drill::due::LeftOut;
use crate::drill::service::Happening;

/// Returns a line about something that happened.
pub(super) fn in_words(happening: &Happening) -> String {
    match happening {
        Happening::Read { plans, drills, commit } => {
            let of = commit.as_ref().map(|commit| format!(" of commit {commit}")).unwrap_or_default();
            format!("{} with {}{of}", many(*plans, "plan"), many(*drills, "scheduled drill"))
        }
        Happening::Mistaken(mistake) => {
            format!("{} can't be read and keeps its drills: {}", mistake.path.display(), mistake.message)
        }
        Happening::Unreachable { message } => {
            format!("the plans can't be looked at, those that are known count on: {message}")
        }
        Happening::Began { order, plan, cause, others } => {
            let why = match cause {
                Cause::Due => "",
                Cause::Missed => ", which was missed",
                Cause::Queued => ", which had to wait",
            };
            let more = match others {
                0 => String::new(),
                others => format!(" (and {others} before that)"),
            };
            format!("{plan}: drill {} begins as {} for {}{why}{more}", order.drill, order.id, order.due)
        }
        Happening::Queued { plan, drill, due } => {
            format!("{plan}: drill {drill} waits: it is due since {due}, and others run")
        }
        Happening::LeftOut { plan, drill, due, why, others } => {
            let why = match why {
                LeftOut::Missed => "nothing ran then",
                LeftOut::Overlap => "the one before it still runs",
            };
            let more = match others {
                0 => String::new(),
                others => format!(" (and {others} before that)"),
            };
            format!("{plan}: drill {drill} of {due}{more} is left out: {why}")
        }
        Happening::Ended { row, lost } => {
            let name = row.name.as_deref().unwrap_or(&row.kind);
            let verdict = row.verdict.as_deref().unwrap_or("died");
            let why = lost.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
            format!("{}: drill {name} {verdict} ({}){why}", row.plan, row.id)
        }
        Happening::Stopped { row, why } => {
            let name = row.name.as_deref().unwrap_or(&row.kind);
            format!("{}: drill {name} stopped, and can go on ({}): {why}", row.plan, row.id)
        }
        Happening::PutBack { plan, drill } => {
            format!("{plan}: the clock was put back by more than a day: drill {drill} goes by it from now on")
        }
    }
}

fn many(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}
