//! What the metadata of a rule say, in words: for `explain` and for the page of all rules.

use serde_json::json;

use crate::diagnostic::Severity;
use crate::model::fact_source::source_of;
use crate::rules;
use crate::rules::Architecture;
use crate::rules::Check;
use crate::rules::Guard;
use crate::rules::Origin;
use crate::rules::Rule;

/// Why a rule of ours can't be broken by a plan.
pub(super) const BY_CONSTRUCTION: &str = "\
True by construction: the language has no words for this mistake, since steps are derived and not written.
The rule looks at steps that come from elsewhere, such as an imported recovery plan.";

/// Rules that follow the baseline of the plan, and how; all others say the same under both. A test compares this list with
/// the rules that ask for the baseline.
pub const BASELINES: [(&str, &str); 3] = [
    ("FB123", "`seed-2017`: an error; `current`: not evaluated, since later articles allow vSAN"),
    ("FB126", "`seed-2017`: not evaluated, since the article does not mention it; `current`: a warning"),
    (
        "FB712",
        "`seed-2017`: a warning for Windows and Linux; `current`: for Linux information, since later articles do not mention it",
    ),
];

/// Names and values of what a reader looks up first, in the order in which they are shown.
pub(super) fn properties(rule: &Rule) -> Vec<(&'static str, String)> {
    let origin = match rule.origin {
        Origin::Seed(tags) => format!("the article of 2017 ({})", tags.join(", ")),
        Origin::Beyond => "later or other articles".to_owned(),
        Origin::Product => "failback itself".to_owned(),
    };
    let mut properties = vec![
        ("architecture", architecture(rule).to_owned()),
        ("origin", origin),
        ("evaluated", moments(rule).join("; ")),
    ];
    if let Some((_, text)) = BASELINES.iter().find(|(id, _)| *id == rule.id) {
        properties.push(("baseline", (*text).to_owned()));
    }
    if rule.awaited {
        let text = "the run waits for it: it does not refuse a plan before its moment";
        properties.push(("awaited", text.to_owned()));
    }
    properties
}

/// Returns whether a plan may accept what the rule finds.
pub(super) fn waivable(rule: &Rule) -> &'static str {
    rules::acceptance(rule.id, rule.severity)
}

/// Returns the architectures that a rule is about.
pub(super) const fn architecture(rule: &Rule) -> &'static str {
    match rule.architecture {
        Architecture::Classic => "classic",
        Architecture::Modernized => "modernized",
        Architecture::Both => "both",
    }
}

/// Returns whether only steps of somebody else can break a rule.
pub(super) const fn is_by_construction(rule: &Rule) -> bool {
    matches!(rule.check, Check::Steps(_))
}

/// Returns what it means that the inventory leaves out the key that a rule can do without, but can't be decided without.
pub(super) fn unmeasured(rule: &Rule) -> Option<String> {
    let key = rules::unmeasured::key(rule.id)?;
    let strict = match rule.severity {
        Severity::Error if rule.when.declared => "`--strict` refuses the plan for it",
        Severity::Error => "`--strict` refuses the plan for it with `--live`",
        Severity::Warning | Severity::Info => "no plan is refused for it",
    };
    Some(format!(
        "Where `{key}` is left out altogether, the rule is undecided, as info: `-v` shows it, JUnit skips it, and {strict}."
    ))
}

/// Returns when a rule is evaluated.
fn moments(rule: &Rule) -> Vec<String> {
    let mut moments = Vec::new();
    if rule.when.declared {
        moments.push("from plan and inventory".to_owned());
    }
    if rule.when.live {
        moments.push("on observed facts".to_owned());
    }
    moments.extend(rule.when.guards.iter().map(|guard| {
        let before = match guard {
            Guard::Reprotect => "reprotect",
            Guard::Failover => "failover",
            Guard::Commit => "commit",
            Guard::Forward => "reprotect to Azure",
        };
        format!("before {before}")
    }));
    moments
}

/// Returns the metadata of a rule for programs.
pub(super) fn record(rule: &'static Rule) -> serde_json::Value {
    let seed = match rule.origin {
        Origin::Seed(tags) => tags,
        Origin::Beyond | Origin::Product => &[],
    };
    let baseline = BASELINES.iter().find(|(id, _)| *id == rule.id).map(|(_, text)| text);
    json!({
        "id": rule.id,
        "name": rule.name,
        "severity": rule.severity,
        "architecture": architecture(rule),
        "origin": rule.origin.as_str(),
        "seed": seed,
        "when": moments(rule),
        "baseline": baseline,
        "awaited": rule.awaited,
        "waivable": rules::is_ever_waivable(rule.id, rule.severity),
        "accepted": rules::acceptance(rule.id, rule.severity),
        "by_construction": is_by_construction(rule),
        "summary": rule.summary,
        "source": rule.article,
        "unmeasured_without": rules::unmeasured::key(rule.id),
        "facts": rule.facts.iter().map(|fact| json!({"key": fact, "known_by": source_of(fact)})).collect::<Vec<_>>(),
    })
}
