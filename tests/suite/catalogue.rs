//! Each rule beside the catalogue that it was written from: name, weight, architecture, moments, origin, and who may accept it.

use std::collections::BTreeMap;

use failback::diagnostic::Severity;
use failback::rules;
use failback::rules::Architecture;
use failback::rules::Guard;
use failback::rules::Origin;
use failback::rules::Rule;

const CATALOGUE: &str = include_str!("../catalogue.md");

/// Rules of the product itself, which no article states.
const OURS: std::ops::RangeInclusive<&str> = "FB524"..="FB599";

/// Rules that weigh otherwise than the catalogue has it: the run schedules around what they find.
const LIGHTER: [(&str, Severity); 2] = [("FB503", Severity::Info), ("FB504", Severity::Info)];

/// Moments of a run at which more is asked than the catalogue has it, each with why.
const OTHER_GUARDS: &[(&str, &[Guard])] = &[
    // What is looked at again right before a failover has it, and reprotect writes to the same datastores.
    ("FB113", &[Guard::Reprotect, Guard::Failover]),
    // The way back to Azure leads through the same servers.
    ("FB305", &[Guard::Reprotect, Guard::Failover, Guard::Forward]),
    ("FB311", &[Guard::Reprotect, Guard::Failover, Guard::Forward]),
    ("FB406", &[Guard::Reprotect, Guard::Forward]),
    ("FB800", &[Guard::Reprotect, Guard::Failover, Guard::Forward]),
    // "On failure of reprotect": of both, and before they fail.
    ("FB708", &[Guard::Reprotect, Guard::Forward]),
    // The copy in Azure must stay on until the failover.
    ("FB710", &[Guard::Reprotect, Guard::Failover]),
];

/// Rules that are asked before a run as well, or not (plan and inventory alone, facts that are observed), each with why.
const OTHER_MOMENTS: &[(&str, bool, bool)] = &[
    // "Static if sizes declared": without them nobody is asked for what only an observation gives.
    ("FB127", false, true),
    // A drill may ask for it in the plan, and an imported plan in a step.
    ("FB715", true, false),
    ("FB809", true, false),
    // A machine may have been home before the run.
    ("FB717", false, true),
];

/// Findings that a plan may accept although they are errors, and findings that it never may.
const ACCEPTED: &[&str] = &["FB014", "FB018", "FB126", "FB314", "FB603", "FB606", "FB713", "FB806"];
const NEVER: &[&str] = &[
    "FB001", "FB002", "FB003", "FB004", "FB011", "FB124", "FB205", "FB301", "FB302", "FB310", "FB600",
    "FB601", "FB700", "FB704", "FB705",
];

/// A line of the catalogue.
struct Entry {
    name: &'static str,
    severity: &'static str,
    architecture: &'static str,
    when: &'static str,
    origin: &'static str,
}

fn catalogue() -> BTreeMap<&'static str, Entry> {
    let rows = CATALOGUE.lines().filter(|line| line.starts_with("| FB"));
    rows.map(|row| {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        let [id, name, severity, architecture, when, origin] = cells[..] else { panic!("{row}") };
        (id, Entry { name, severity, architecture, when, origin })
    })
    .collect()
}

/// Returns the moments of a run that the words of the catalogue name.
fn guards(when: &str) -> Vec<Guard> {
    let Some((_, runtime)) = when.split_once("runtime") else { return Vec::new() };
    let words = [
        ("before reprotect and before failover", [Some(Guard::Reprotect), Some(Guard::Failover)]),
        ("before failover (and before reprotect)", [Some(Guard::Reprotect), Some(Guard::Failover)]),
        ("after failover, before commit", [Some(Guard::Commit), None]),
        ("before reprotect to Azure", [Some(Guard::Forward), None]),
        ("before reprotect", [Some(Guard::Reprotect), None]),
        ("before failover", [Some(Guard::Failover), None]),
        ("between reprotect and failover", [Some(Guard::Failover), None]),
        ("after failover", [Some(Guard::Commit), None]),
        ("after commit", [Some(Guard::Forward), None]),
        ("end", [Some(Guard::Forward), None]),
    ];
    let found = words.iter().find(|(words, _)| runtime.contains(words));
    found.map_or_else(Vec::new, |(_, guards)| guards.iter().copied().flatten().collect())
}

fn differences(rule: &'static Rule, entry: &Entry) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut compare = |what: &str, ours: String, theirs: String| {
        if ours != theirs {
            wrong.push(format!("{}: {what} is {ours}, and {theirs} in the catalogue", rule.id));
        }
    };
    compare("name", rule.name.to_owned(), entry.name.to_owned());
    let lighter = LIGHTER.iter().find(|(id, _)| *id == rule.id).map(|(_, severity)| severity.as_str());
    let first = entry.severity.split([' ', ';']).next().unwrap_or("");
    compare("severity", rule.severity.as_str().to_owned(), lighter.unwrap_or(first).to_owned());
    let architecture = match rule.architecture {
        Architecture::Classic => "classic",
        Architecture::Modernized => "modernized",
        Architecture::Both => "both",
    };
    compare("architecture", architecture.to_owned(), entry.architecture.to_owned());
    let (is_static, is_live) = match OTHER_MOMENTS.iter().find(|(id, ..)| *id == rule.id) {
        Some((_, is_static, is_live)) => (*is_static, *is_live),
        None => (entry.when.contains("static"), entry.when.contains("live")),
    };
    compare("static", rule.when.declared.to_string(), is_static.to_string());
    compare("live", rule.when.live.to_string(), is_live.to_string());
    let other = OTHER_GUARDS.iter().find(|(id, _)| *id == rule.id).map(|(_, guards)| guards.to_vec());
    let mut ours = rule.when.guards.to_vec();
    ours.sort_unstable();
    compare("moments", format!("{ours:?}"), format!("{:?}", other.unwrap_or_else(|| guards(entry.when))));
    let is_seed = matches!(rule.origin, Origin::Seed(_));
    let is_beyond = matches!(rule.origin, Origin::Beyond);
    compare("from the seed", is_seed.to_string(), entry.origin.starts_with("SEED").to_string());
    compare("from beyond", is_beyond.to_string(), entry.origin.starts_with("BEYOND").to_string());
    if let Origin::Seed(tags) = rule.origin {
        let missing: Vec<&&str> = tags.iter().filter(|tag| !names_tag(entry.origin, tag)).collect();
        compare("tags beyond those", format!("{missing:?}"), "[]".to_owned());
    }
    wrong
}

/// Returns whether the words of the catalogue name a tag, in a row of tags too.
fn names_tag(origin: &str, tag: &str) -> bool {
    let number = |tag: &str| tag.trim_start_matches('S').parse::<u32>().ok();
    let words = origin.split([' ', ',', ';', '(', ')']);
    let mut words = words.filter(|word| word.starts_with('S') && *word != "SEED");
    words.any(|word| match word.split_once('–') {
        Some((from, to)) => {
            let (from, to, at) =
                (number(from), number(to), number(tag.trim_end_matches(char::is_alphabetic)));
            from <= at && at <= to && at.is_some()
        }
        None => word == tag,
    })
}

#[test]
fn each_rule_is_as_the_catalogue_has_it() {
    let catalogue = catalogue();
    let mut wrong = Vec::new();
    for rule in rules::all() {
        match catalogue.get(rule.id) {
            Some(entry) => wrong.extend(differences(rule, entry)),
            None if OURS.contains(&rule.id) && rule.origin == Origin::Product => {}
            None => wrong.push(format!("{} {} is in no catalogue", rule.id, rule.name)),
        }
    }
    let missing = catalogue.keys().filter(|id| rules::find(id).is_none());
    wrong.extend(missing.map(|id| format!("{id} is in the catalogue alone")));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn who_may_accept_a_finding_is_as_the_catalogue_has_it() {
    let mut wrong = Vec::new();
    for rule in rules::all().filter(|rule| !OURS.contains(&rule.id)) {
        for severity in [Severity::Error, Severity::Warning, Severity::Info] {
            let expected = !NEVER.contains(&rule.id)
                && (severity != Severity::Error
                    || (rule.severity == severity && ACCEPTED.contains(&rule.id)));
            if rules::is_waivable(rule.id, severity) != expected {
                wrong.push(format!(
                    "{} as {}: {}",
                    rule.id,
                    severity.as_str(),
                    if expected { "may" } else { "may not" }
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // What is ours: no mistake about waivers is waived, and no line that contradicts another.
    for rule in rules::all().filter(|rule| OURS.contains(&rule.id) && rule.severity == Severity::Error) {
        assert!(!rules::is_waivable(rule.id, rule.severity), "{}", rule.id);
    }
}
