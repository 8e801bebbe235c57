//! Every rule says what its fixture expects, and registry, source files and fixtures name the same rules.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use failback::rules;
use failback::rules::Finding;
use failback::rules::State;
use failback::rules::fixture;
use failback::rules::fixture::Case;
use failback::rules::fixture::Expectation;
use failback::rules::fixture::World;

fn said(finding: &Finding, severity: bool) -> Expectation {
    let state = match finding.state {
        State::Violated if finding.awaited => "pending",
        State::Unmeasured => "unmeasured",
        other => other.as_str(),
    };
    Expectation {
        state: state.to_owned(),
        of: finding.subject.name.clone(),
        severity: severity.then(|| finding.severity.as_str().to_owned()),
    }
}

fn check_case(rule: &'static rules::Rule, case: &Case) -> Result<(), String> {
    let outcome = fixture::run(rule, case).map_err(|error| format!("{}: {error}", case.name))?;
    if !outcome.diagnostics.is_empty() {
        return Err(format!("{}: the changed world has mistakes: {:#?}", case.name, outcome.diagnostics));
    }
    let mut found: Vec<Expectation> = Vec::new();
    for (at, finding) in outcome.findings.iter().enumerate() {
        let asked = case.expect.get(at).is_some_and(|expected| expected.severity.is_some());
        found.push(said(finding, asked));
        if outcome.sources.source_of(finding.span).is_none() {
            return Err(format!("{}: a finding points nowhere: {}", case.name, finding.message));
        }
        if matches!(finding.state, State::Indeterminate | State::Unmeasured)
            && !rule.facts.contains(&finding.fact.as_deref().unwrap_or("vault.experience"))
        {
            return Err(format!("{}: `{:?}` is not among the rule's facts", case.name, finding.fact));
        }
    }
    if found != case.expect {
        let messages: Vec<_> = outcome.findings.iter().map(|finding| &finding.message).collect();
        return Err(format!(
            "{}:\n  expected {:?}\n  found    {found:?}\n  {messages:?}",
            case.name, case.expect
        ));
    }
    Ok(())
}

#[test]
fn each_rule_says_what_its_fixture_expects() {
    let mut wrong = Vec::new();
    for rule in rules::all() {
        let fixture = fixture::of(rule).expect("a fixture is readable");
        if fixture.rule != rule.id {
            wrong.push(format!("the fixture of {} is of {}", rule.id, fixture.rule));
        }
        if fixture.cases.first().is_none_or(|case| case.expect.is_empty()) {
            wrong.push(format!("{}: the first case is the example and must report something", rule.id));
        }
        if fixture.cases.iter().all(|case| !case.expect.is_empty()) {
            wrong.push(format!("{}: no near-miss case that must stay silent", rule.id));
        }
        for case in &fixture.cases {
            if let Err(error) = check_case(rule, case) {
                wrong.push(format!("{} {}: {error}", rule.id, rule.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn each_fixture_shows_a_fault_a_near_miss_and_a_missing_fact() {
    let mut lacking = Vec::new();
    for rule in rules::all() {
        let cases = fixture::of(rule).expect("a fixture is readable").cases;
        let expects = |states: &[&str]| {
            cases.iter().any(|case| case.expect.iter().any(|one| states.contains(&one.state.as_str())))
        };
        for (what, is_shown) in [
            ("a fault", expects(&["violated", "pending"])),
            ("a near miss", cases.iter().any(|case| case.expect.is_empty())),
            // A rule that reads no facts lacks none.
            ("a missing fact", rule.facts.is_empty() || expects(&["indeterminate", "unmeasured"])),
        ] {
            if !is_shown {
                lacking.push(format!("{} {}: no case of {what}", rule.id, rule.name));
            }
        }
    }
    assert!(lacking.is_empty(), "{}", lacking.join("\n"));
}

#[test]
fn a_healthy_world_breaks_no_rule_and_leaves_none_open() {
    for world in [World::Classic, World::Modernized] {
        for rule in rules::all() {
            let case = Case {
                name: "untouched".into(),
                world,
                plan: Default::default(),
                inventory: Default::default(),
                guard: None,
                now: None,
                at_reprotect: Default::default(),
                other_plans: Default::default(),
                steps: None,
                expect: Vec::new(),
            };
            let outcome = fixture::run(rule, &case).expect("the reference worlds are readable");
            assert!(outcome.diagnostics.is_empty(), "{:#?}", outcome.diagnostics);
            for finding in outcome.findings {
                // A classic failback can't be taken back, whatever the plan says.
                let always = finding.rule == "FB716";
                let quiet =
                    finding.awaited || always || finding.severity == failback::diagnostic::Severity::Info;
                assert!(
                    matches!(finding.state, State::Violated | State::Unmeasured) && quiet,
                    "{world:?}: {} {:?}: {}",
                    finding.rule,
                    finding.state,
                    finding.message
                );
            }
        }
    }
}

#[test]
fn registry_sources_and_fixtures_name_the_same_rules() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let registered: BTreeSet<String> = rules::all().map(|rule| rule.name.to_owned()).collect();
    assert_eq!(registered.len(), rules::all().count(), "two rules of one name");
    let fixtures: BTreeSet<String> = fs::read_dir(root.join("tests/rules"))
        .expect("fixtures can be listed")
        .map(|entry| entry.expect("fixtures can be listed").path())
        .map(|path| path.file_stem().expect("a file has a name").to_string_lossy().into_owned())
        .collect();
    assert_eq!(registered, fixtures);
    let mut sources = BTreeSet::new();
    for family in fs::read_dir(root.join("src/rules")).expect("rules can be listed") {
        let family = family.expect("rules can be listed").path();
        for file in
            family.is_dir().then(|| fs::read_dir(&family).expect("rules can be listed")).into_iter().flatten()
        {
            let path = file.expect("rules can be listed").path();
            let text = fs::read_to_string(&path).unwrap_or_default();
            // Beside rules there is what several of them need.
            if text.contains("static RULE: Rule") {
                let stem = path.file_stem().expect("named").to_string_lossy().into_owned();
                sources.insert(stem.replace('_', "-"));
            }
        }
    }
    assert_eq!(registered, sources);
    let ids: Vec<&str> = rules::all().map(|rule| rule.id).collect();
    let mut sorted = ids.clone();
    sorted.sort_unstable();
    assert_eq!(ids, sorted, "rules stand in the order of their ids");
}
