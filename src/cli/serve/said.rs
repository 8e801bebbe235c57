//! What the scheduler did, in words.

use crate::drill::due::Cause;
use crate::drill::due::LeftOut;
use crate::drill::service::Happening;
use crate::journal::DrillRow;

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
            let why = lost.clone().or_else(|| reason(row)).map(|why| format!(": {why}")).unwrap_or_default();
            format!("{}: drill {name} {verdict} ({}){why}", row.plan, row.id)
        }
        Happening::Stopped { row, why } => {
            let name = row.name.as_deref().unwrap_or(&row.kind);
            format!("{}: drill {name} stopped, and can go on ({}): {why}", row.plan, row.id)
        }
        Happening::Waiting { drills } => {
            format!(
                "asked to end: waits for {}, and begins nothing more; asked again, it ends at once",
                many(*drills, "drill")
            )
        }
        Happening::PutBack { plan, drill } => {
            format!("{plan}: the clock was put back by more than a day: drill {drill} goes by it from now on")
        }
    }
}

/// Returns the first reason why a drill did not simply pass.
fn reason(row: &DrillRow) -> Option<String> {
    if row.verdict.as_deref() == Some("passed") {
        return None;
    }
    let result: serde_json::Value = serde_json::from_str(row.result.as_deref()?).ok()?;
    result["reasons"][0]["message"].as_str().map(str::to_owned)
}

fn many(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::id::DrillId;

    fn ended(verdict: &str, result: &str) -> String {
        let row = DrillRow {
            id: DrillId::new("d1"),
            plan: "erp".into(),
            plan_path: "erp.plan.yaml".into(),
            name: Some("weekly".into()),
            kind: "rehearsal".into(),
            cause: "schedule".into(),
            due_at: None,
            began_at: Timestamp::UNIX_EPOCH,
            ended_at: Some(Timestamp::UNIX_EPOCH),
            run: None,
            git_commit: None,
            plan_digest: None,
            verdict: Some(verdict.into()),
            result: Some(result.into()),
        };
        in_words(&Happening::Ended { row: Box::new(row), lost: None })
    }

    #[test]
    fn a_drill_that_did_not_pass_is_told_with_its_reason() {
        let result = r#"{"reasons":[{"message":"w1 did not come home"},{"message":"RTO 5h, objective 4h"}]}"#;
        assert_eq!(ended("failed", result), "erp: drill weekly failed (d1): w1 did not come home");
        assert_eq!(ended("degraded", result), "erp: drill weekly degraded (d1): w1 did not come home");
        assert_eq!(ended("passed", result), "erp: drill weekly passed (d1)");
        assert_eq!(ended("failed", "{}"), "erp: drill weekly failed (d1)", "it says nothing");
    }
}
