//! Actions of a recovery plan, as actions of ours.

use serde_yaml::Mapping;
use serde_yaml::Value;

use crate::provider::SeenAction;
use crate::provider::SeenDeed;

/// What becomes of an action.
#[derive(Debug)]
pub(super) enum Carried {
    /// It became this one.
    Over(Mapping),
    /// It did not, for this reason.
    Not(String),
}

/// Where an action stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// Before the failover of a boot group.
    Before,
    /// After it.
    After,
}

/// Returns the action that does for a failback what one of a recovery plan does; `taken` are the names that others have.
///
/// A recovery plan runs an action in the kinds of failover and the directions that it names. A failback is, relative to the plan's
/// own primary side, `RecoveryToPrimary`: `UnplannedFailover` in classic, `PlannedFailover` in modernized.
pub(super) fn carried(
    action: &SeenAction,
    side: Side,
    boot_group: &str,
    classic: bool,
    taken: &mut Vec<String>,
) -> Carried {
    let kind = if classic { "UnplannedFailover" } else { "PlannedFailover" };
    let has = |words: &[String], word: &str| words.iter().any(|known| known.eq_ignore_ascii_case(word));
    if !has(&action.directions, "RecoveryToPrimary") {
        return Carried::Not("it runs only on the way to Azure".into());
    }
    if !has(&action.failover_types, kind) {
        let types = action.failover_types.join(", ");
        return Carried::Not(format!("it runs in {types} alone, and a failback is a {kind}"));
    }
    let mut made = Mapping::new();
    let mut name = action.name.trim().to_owned();
    let mut number = 2;
    while taken.contains(&name) {
        name = format!("{} {number}", action.name.trim());
        number += 1;
    }
    made.insert("name".into(), name.as_str().into());
    let mut hook = Mapping::new();
    hook.insert("phase".into(), "failover".into());
    hook.insert("of".into(), boot_group.into());
    let side = match side {
        Side::Before => "before",
        Side::After => "after",
    };
    made.insert(side.into(), Value::Mapping(hook));
    match &action.deed {
        SeenDeed::Manual { description } => {
            let mut manual = Mapping::new();
            let prompt = if description.trim().is_empty() { action.name.trim() } else { description.trim() };
            manual.insert("prompt".into(), prompt.into());
            made.insert("manual".into(), Value::Mapping(manual));
        }
        SeenDeed::Runbook { id, timeout, .. } => {
            let Some((account, runbook)) = runbook(id) else {
                return Carried::Not(format!("`{id}` names no runbook of an Automation account"));
            };
            let mut deed = Mapping::new();
            deed.insert("automation_account".into(), account.into());
            deed.insert("name".into(), runbook.into());
            made.insert("runbook".into(), Value::Mapping(deed));
            if let Some(timeout) = timeout.as_deref().and_then(duration) {
                made.insert("timeout".into(), timeout.into());
            }
        }
        SeenDeed::Script { path } => {
            return Carried::Not(format!(
                "the script `{path}` lies on a server of the site; have a `run:` action reach it"
            ));
        }
        SeenDeed::Other(kind) => {
            return Carried::Not(format!("this program does not know actions of kind {kind}"));
        }
    }
    taken.push(name);
    Carried::Over(made)
}

/// Returns the account and the name of a runbook's resource id.
fn runbook(id: &str) -> Option<(&str, &str)> {
    let parts: Vec<&str> = id.split('/').collect();
    let after = |word: &str| {
        let at = parts.iter().position(|part| part.eq_ignore_ascii_case(word))?;
        parts.get(at + 1).copied().filter(|part| !part.is_empty() && !part.contains(char::is_control))
    };
    Some((after("automationAccounts")?, after("runbooks")?))
}

/// Returns a duration of the service (`PT1H30M`) as the language writes it.
fn duration(text: &str) -> Option<String> {
    let span: jiff::SignedDuration = text.parse().ok()?;
    let seconds = u64::try_from(span.as_secs()).ok().filter(|seconds| *seconds > 0)?;
    Some(crate::quantity::Seconds(seconds).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn action(deed: SeenDeed) -> SeenAction {
        SeenAction {
            name: "Warm the cache".into(),
            failover_types: vec!["PlannedFailover".into(), "UnplannedFailover".into()],
            directions: vec!["RecoveryToPrimary".into()],
            deed,
        }
    }

    fn text(carried: Carried) -> String {
        match carried {
            Carried::Over(made) => serde_yaml::to_string(&made).expect("it has a YAML form"),
            Carried::Not(reason) => reason,
        }
    }

    #[test]
    fn a_runbook_keeps_its_account_its_name_and_its_time() {
        let id = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Automation/automationAccounts/aa-dr/runbooks/Warm-Cache";
        let deed = SeenDeed::Runbook { id: id.into(), timeout: Some("PT1H30M".into()), location: None };
        let made = text(carried(&action(deed), Side::After, "group 1", true, &mut Vec::new()));
        assert_eq!(
            made,
            "name: Warm the cache\nafter:\n  phase: failover\n  of: group 1\nrunbook:\n  automation_account: aa-dr\n  name: Warm-Cache\n\
             timeout: 1h30m\n"
        );
    }

    #[test]
    fn what_runs_on_the_way_to_azure_alone_is_not_carried_over() {
        let mut there = action(SeenDeed::Manual { description: "Look".into() });
        there.directions = vec!["PrimaryToRecovery".into()];
        assert_eq!(
            text(carried(&there, Side::Before, "g", true, &mut Vec::new())),
            "it runs only on the way to Azure"
        );
        let mut tests = action(SeenDeed::Manual { description: "Look".into() });
        tests.failover_types = vec!["TestFailover".into()];
        assert_eq!(
            text(carried(&tests, Side::Before, "g", false, &mut Vec::new())),
            "it runs in TestFailover alone, and a failback is a PlannedFailover"
        );
    }

    #[test]
    fn two_actions_of_one_name_get_two_names() {
        let mut taken = Vec::new();
        let look = action(SeenDeed::Manual { description: String::new() });
        let first = text(carried(&look, Side::Before, "g", true, &mut taken));
        let second = text(carried(&look, Side::Before, "g", true, &mut taken));
        assert!(
            first.starts_with("name: Warm the cache\n") && second.starts_with("name: Warm the cache 2\n")
        );
    }
}
