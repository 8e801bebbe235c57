//! What people wrote into a vault, as documents may hold it.

use crate::provider::SeenAction;
use crate::provider::SeenDeed;
use crate::provider::SeenPlan;

/// Returns a recovery plan whose names and prompts a document may hold, and adds to `notes` what was changed for it.
pub(super) fn plan(seen: &SeenPlan, notes: &mut Vec<String>) -> SeenPlan {
    let mut plan = seen.clone();
    plan.name = name(&seen.name, "unnamed", "the recovery plan", notes);
    let of_groups = plan.groups.iter_mut().flat_map(|group| group.before.iter_mut().chain(&mut group.after));
    for action in of_groups.chain(&mut plan.shutdown).chain(&mut plan.failover) {
        tidy(action, notes);
    }
    plan
}

fn tidy(action: &mut SeenAction, notes: &mut Vec<String>) {
    action.name = name(&action.name, "action", "an action", notes);
    if let SeenDeed::Manual { description } = &mut action.deed {
        let plain = description.replace("\r\n", "\n");
        let tidied = without_controls(&plain, |letter| matches!(letter, '\n' | '\t'));
        if tidied != plain {
            notes.push(format!(
                "the prompt of action `{}` held control characters, which no document may; spaces stand in their place",
                action.name
            ));
        }
        *description = tidied;
    }
}

/// Returns a name on one line; another where it has none.
fn name(told: &str, instead: &str, whose: &str, notes: &mut Vec<String>) -> String {
    let tidied = without_controls(told, |_| false).trim().to_owned();
    if tidied.is_empty() {
        notes.push(format!("{whose} has no name in the vault, and is called `{instead}` here"));
        return instead.to_owned();
    }
    if tidied != told.trim() {
        notes.push(format!(
            "the name `{tidied}` held control characters, which no document may; spaces stand in their place"
        ));
    }
    tidied
}

fn without_controls(text: &str, may_stay: impl Fn(char) -> bool) -> String {
    let letter = |letter: char| if letter.is_control() && !may_stay(letter) { ' ' } else { letter };
    text.chars().map(letter).collect()
}
