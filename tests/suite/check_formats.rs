//! What `check` writes for programs and services: SARIF, annotations, JUnit, Markdown; and how it goes through a folder.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use crate::check_hostile;
use crate::support::CLASSIC_INVENTORY;
use crate::support::CLASSIC_PLAN;
use crate::support::Ended;
use crate::support::Folder;

/// Every format.
pub const FORMATS: [&str; 7] = ["human", "json", "sarif", "github", "junit", "markdown", "gitlab"];

/// A plan with an error of FB500, a warning of FB514 and an info of FB607, whatever other rules there are.
pub fn plan(name: &str, depends_on: &str) -> String {
    format!(
        "kind: RecoveryPlan\nversion: 1\nname: {name}\nmachines:\n  - {{name: w1, depends_on: [{depends_on}]}}\n"
    )
}

/// The classic world, in which FB514 warns of w1 unless it is waived.
pub fn unprotected(waivers: &str) -> Folder {
    let plan = CLASSIC_PLAN
        .replace("  final_state: protected\n", "")
        .replace("  forward: {process_server: ps-on}\n", "");
    Folder::with(&[
        ("plans/classic.plan.yaml", &format!("{plan}{waivers}")),
        ("plans/classic.inventory.yaml", CLASSIC_INVENTORY),
    ])
}

pub fn check(folder: &Folder, format: &str) -> Ended {
    folder.run(&["check", ".", "--format", format])
}

/// Returns the results of a SARIF log about a rule.
pub fn results<'l>(log: &'l Value, rule: &str) -> Vec<&'l Value> {
    let results = log["runs"][0]["results"].as_array().expect("a run has results");
    results.iter().filter(|result| result["ruleId"] == rule).collect()
}

/// Looks at what the standard asks for in words and its schema does not.
pub fn assert_is_sarif(log: &Value) {
    let run = &log["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().expect("there are rules");
    let ids: BTreeSet<&str> = rules.iter().filter_map(|rule| rule["id"].as_str()).collect();
    assert_eq!(ids.len(), rules.len(), "a rule is listed once");
    assert_eq!(run["columnKind"], "unicodeCodePoints");
    for result in run["results"].as_array().expect("a run has results") {
        let index = usize::try_from(result["ruleIndex"].as_u64().expect("an index")).expect("an index");
        assert_eq!(rules[index]["id"], result["ruleId"]);
        assert_eq!(result["kind"] == "fail", result["level"] != "none", "{result}");
        for location in result["locations"].as_array().expect("a place") {
            let artifact = &location["physicalLocation"]["artifactLocation"];
            let uri = artifact["uri"].as_str().expect("a place is in a file");
            assert_eq!(artifact["uriBaseId"] == "%SRCROOT%", !uri.starts_with("file:///"), "{uri}");
            assert!(
                uri.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~/%:".contains(&byte)),
                "{uri}"
            );
        }
    }
}

#[expect(clippy::print_stderr, reason = "a test that looks at nothing must say so")]
#[expect(clippy::disallowed_methods, reason = "the script that runs the tests says where it put them")]
fn validator() -> Option<(PathBuf, PathBuf)> {
    let named = |name: &str| std::env::var_os(name).map(PathBuf::from);
    let found = named("FAILBACK_CHECK_JSONSCHEMA").zip(named("FAILBACK_SARIF_SCHEMA"));
    if found.is_none() {
        eprintln!("NOT CHECKED: SARIF against its schema, since no validator is named; run scripts/test");
    }
    found
}

#[test]
fn sarif_is_what_the_standard_asks_for() {
    let waiver = "waivers: [{rule: FB514, of: [w1], reason: moves away, until: 2030-01-01}]\n";
    let broken = Folder::with(&[
        ("a b/서울.plan.yaml", &plan("a", "nobody")),
        ("typo.plan.yaml", "kind: RecoveryPlan\nversion: 1\nname: t\nmachnes: []\n"),
    ]);
    let logs = [
        check(&unprotected(waiver), "sarif"),
        check(&broken, "sarif"),
        broken.run(&["check", "nowhere.yaml", "--format", "sarif"]),
        check(&check_hostile::hostile(), "sarif"),
        check(&Folder::with(&[("p.yaml", &plan("p", "w1").replace("[w1]", "[]"))]), "sarif"),
    ];
    let folder = tempfile::tempdir().expect("a folder");
    let mut files = Vec::new();
    for (number, log) in logs.iter().enumerate() {
        assert_is_sarif(&log.json());
        let file = folder.path().join(format!("{number}.sarif"));
        std::fs::write(&file, &log.out).expect("written");
        files.push(file);
    }
    assert_eq!(logs[2].exit, 2);
    assert_eq!(logs[2].json()["runs"][0]["invocations"][0]["executionSuccessful"], false);
    let log = logs[1].json();
    let place = &results(&log, "FB514")[0]["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "a%20b/%EC%84%9C%EC%9A%B8.plan.yaml");
    assert_eq!(place["region"]["startLine"], 5);
    let Some((validator, schema)) = validator() else { return };
    let run = |files: &[PathBuf]| {
        Command::new(&validator)
            .arg("--default-filetype=json")
            .arg("--schemafile")
            .arg(&schema)
            .args(files)
            .output()
            .expect("it runs")
    };
    let output = run(&files);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    let wrong = folder.path().join("wrong.sarif");
    std::fs::write(&wrong, logs[0].out.replace("\"kind\":\"fail\"", "\"kind\":\"failed\"")).expect("written");
    assert!(!run(&[wrong]).status.success(), "the validator looks at results");
}

#[test]
fn sarif_tells_apart_what_is_broken_open_and_accepted() {
    let folder =
        unprotected("waivers: [{rule: FB514, of: [w1], reason: \"moves away, CAB-7\", until: 2030-01-01}]\n");
    let log = check(&folder, "sarif").json();
    let waived = results(&log, "FB514");
    let waived =
        waived.iter().find(|result| result["properties"]["state"] == "waived").expect("it is waived");
    assert_eq!((&waived["kind"], &waived["level"]), (&"fail".into(), &"warning".into()));
    let suppression = &waived["suppressions"][0];
    assert_eq!(suppression["kind"], "inSource");
    assert_eq!(suppression["justification"], "moves away, CAB-7");
    let pending = results(&log, "FB600")[0];
    assert_eq!((&pending["kind"], &pending["level"]), (&"informational".into(), &"none".into()));
    let open = Folder::with(&[("p.yaml", &plan("p", "nobody"))]);
    let log = check(&open, "sarif").json();
    let open = results(&log, "FB001")[0];
    assert_eq!((&open["kind"], &open["level"]), (&"open".into(), &"none".into()));
    assert_eq!(open["properties"]["fact"], "machines");
    let rules = log["runs"][0]["tool"]["driver"]["rules"].as_array().expect("there are rules");
    let rule = rules.iter().find(|rule| rule["id"] == "FB514").expect("it has results");
    assert_eq!(rule["name"], "forward-reprotect-missing");
    assert_eq!(rule["defaultConfiguration"]["level"], "warning");
    assert!(rule["help"]["markdown"].as_str().is_some_and(|text| text.contains("### What to do")));
    assert!(rule["helpUri"].is_null(), "no page of it is published");
}

#[test]
fn a_fingerprint_stays_when_lines_move_and_tells_findings_apart() {
    let prints = |text: &str| -> Vec<Value> {
        let log = check(&Folder::with(&[("p.yaml", text)]), "sarif").json();
        let of = |rule| results(&log, rule).into_iter().map(|result| result["partialFingerprints"].clone());
        of("FB500").chain(of("FB514")).collect()
    };
    let text = plan("p", "nobody, nowhere");
    let first = prints(&text);
    assert_eq!(first, prints(&format!("# a comment\n\n{text}")));
    assert_ne!(first, prints(&text.replace("name: p", "name: q")));
    let all: BTreeSet<String> = first.iter().map(Value::to_string).collect();
    assert_eq!(all.len(), first.len(), "{first:?}");
}

#[test]
fn annotations_stand_where_something_is_to_be_changed() {
    let folder = Folder::with(&[(".git/HEAD", ""), ("site/plans/100%,a.yaml", &plan("p", "nobody"))]);
    let ended = folder.run(&["check", "site/plans", "--format", "github"]);
    assert_eq!(ended.exit, 1);
    let of = |rule: &str| {
        let line = ended.out.lines().find(|line| line.contains(rule) && !line.contains("(undecided)"));
        line.unwrap_or_else(|| panic!("{rule}: {}", ended.out)).to_owned()
    };
    let place = "file=site/plans/100%25%2Ca.yaml,line=5,endLine=5";
    assert!(
        of("FB500").starts_with(&format!(
            "::error {place},col=29,endColumn=35,title=FB500 unknown-reference::nobody"
        )),
        "{}",
        of("FB500")
    );
    assert!(of("FB514").starts_with(&format!("::warning {place},")), "{}", of("FB514"));
    assert!(of("FB607").starts_with("::notice "), "{}", of("FB607"));
    assert!(
        ended.out.contains("::warning file=")
            && ended.out.contains("title=FB001 migration-completed (undecided)::")
    );
    assert!(of("FB500").contains("%0Ahelp: "), "{}", of("FB500"));
    let quiet = folder.run(&["check", "site/plans", "--format", "github", "-q"]);
    assert!(quiet.out.lines().all(|line| line.starts_with("::error ")), "{}", quiet.out);
}

#[test]
fn a_junit_report_has_a_suite_for_each_plan_and_counts_its_cases() {
    let folder = unprotected("waivers: [{rule: FB514, of: [w1], reason: moves away, until: 2030-01-01}]\n");
    folder.write("plans/other.plan.yaml", plan("other", "nobody").as_bytes());
    folder.write("plans/typo.plan.yaml", b"kind: RecoveryPlan\nversion: 1\nname: t\nmachnes: []\n");
    let ended = check(&folder, "junit");
    let report = roxmltree::Document::parse(&ended.out).expect("it is well-formed");
    let suites: Vec<_> = report.root_element().children().filter(roxmltree::Node::is_element).collect();
    let names: Vec<_> = suites.iter().filter_map(|suite| suite.attribute("name")).collect();
    assert_eq!(names, ["classic", "other", "documents"]);
    for suite in &suites {
        let cases: Vec<_> = suite.children().filter(roxmltree::Node::is_element).collect();
        let with = |name: &str| {
            cases.iter().filter(|case| case.children().any(|one| one.has_tag_name(name))).count()
        };
        for (attribute, count) in [
            ("tests", cases.len()),
            ("failures", with("failure")),
            ("errors", with("error")),
            ("skipped", with("skipped")),
        ] {
            assert_eq!(suite.attribute(attribute), Some(count.to_string().as_str()), "{attribute}");
        }
        let mut names = BTreeSet::new();
        for case in &cases {
            assert!(names.insert((case.attribute("classname"), case.attribute("name"))), "{case:?}");
        }
    }
    let case = |name: &str| {
        report
            .descendants()
            .find(|node| node.attribute("name") == Some(name))
            .unwrap_or_else(|| panic!("{name}: {}", ended.out))
    };
    let holds = |name: &str, tag: &str| case(name).children().find(|node| node.has_tag_name(tag)).is_some();
    assert!(holds("FB514 forward-reprotect-missing: machine w1", "skipped"));
    assert!(holds("FB500 unknown-reference: plan other", "failure"));
    assert!(holds("unknown-key", "error"));
    assert!(!case("FB123 alr-vsan-target").has_children(), "a rule that found nothing passed");
}

#[test]
fn a_comment_shows_what_the_author_can_change_and_fits() {
    let folder = Folder::with(&[("p.yaml", &plan("p", "nobody"))]);
    let ended = check(&folder, "markdown");
    assert!(
        ended.out.starts_with("<!-- failback check -->\n### ❌ failback check: 1 error, "),
        "{}",
        ended.out
    );
    assert!(ended.out.contains("\n- **p**: refused; 1 error, "), "{}", ended.out);
    assert!(ended.out.contains("\n| **error** | FB500 | p | nobody: "), "{}", ended.out);
    assert!(
        ended.out.contains("\n| warning | FB514 | p | w1: ") && !ended.out.contains("FB607"),
        "{}",
        ended.out
    );
    let machines: String =
        (0..2000).map(|at| format!("  - {{name: w{at}, depends_on: [nobody{at}]}}\n")).collect();
    folder.write(
        "p.yaml",
        format!("kind: RecoveryPlan\nversion: 1\nname: p\nmachines:\n{machines}").as_bytes(),
    );
    let long = check(&folder, "markdown").out;
    assert!(
        long.len() < 65_536 && long.contains(" more, for which a comment has no room."),
        "{}",
        long.len()
    );
    assert!(long.contains("2000 errors"), "{long}");
}

#[test]
fn warnings_refuse_only_when_asked_to() {
    let folder =
        Folder::with(&[("p.yaml", &plan("p", "w1").replace("depends_on: [w1]", "failover: automatic"))]);
    folder.write("p.yaml", plan("p", "").replace(", depends_on: []", "").as_bytes());
    let ended = folder.run(&["check", "p.yaml"]);
    assert_eq!(ended.exit, 0, "{}", ended.out);
    assert!(ended.out.contains("warning[FB514]"), "{}", ended.out);
    let refused = folder.run(&["check", "p.yaml", "--fail-on", "warning"]);
    assert_eq!(refused.exit, 1);
    assert!(refused.out.ends_with("; --fail-on warning refuses warnings\n"), "{}", refused.out);
    let junit = folder.run(&["check", "p.yaml", "--fail-on", "warning", "--format", "junit"]);
    assert!(junit.exit == 1 && junit.out.contains("<failure type=\"warning\""), "{}", junit.out);
}

#[test]
fn many_plans_are_told_in_the_order_of_their_files() {
    let folder = unprotected("");
    let names: Vec<String> = (0..20).map(|at| format!("p{at:02}")).collect();
    for (at, name) in names.iter().enumerate() {
        let text = match at % 3 {
            0 => plan(name, "nobody"),
            1 => plan(name, "").replace(", depends_on: []", ""),
            _ => format!("{}inventory: classic.inventory.yaml\n", plan(name, "w2")),
        };
        folder.write(&format!("plans/{name}.plan.yaml"), text.as_bytes());
    }
    let whole = folder.run(&["check", "--format", "json"]);
    let json = whole.json();
    let mut told: Vec<&str> = Vec::new();
    for finding in json["findings"].as_array().expect("a list") {
        let plan = finding["plan"].as_str().expect("a finding of a plan");
        if told.last() != Some(&plan) {
            told.push(plan);
        }
    }
    assert_eq!(told[0], "classic");
    assert_eq!(told[1..], names);
    for name in [&names[0], &names[2]] {
        let alone = folder.run(&["check", &format!("plans/{name}.plan.yaml"), "--format", "json"]).json();
        let of_it = |json: &Value| -> Vec<Value> {
            let findings = json["findings"].as_array().expect("a list");
            findings.iter().filter(|finding| finding["plan"] == name.as_str()).cloned().collect()
        };
        assert!(!of_it(&alone).is_empty());
        // Only rules about several plans may say more about a plan among others.
        let whole = of_it(&json);
        assert!(
            of_it(&alone).iter().all(|finding| finding["rule"] == "FB502" || whole.contains(finding)),
            "{name}"
        );
    }
    for _ in 0..2 {
        assert_eq!(folder.run(&["check", "--format", "json"]).out, whole.out);
    }
}

#[test]
fn a_machine_of_two_plans_is_told_in_both_if_they_share_the_facts() {
    let with = |name: &str, inventory: &str| format!("{}inventory: {inventory}\n", plan(name, "nobody"));
    let folder = Folder::with(&[
        ("a.plan.yaml", &with("a", "seoul.inventory.yaml")),
        ("b.plan.yaml", &with("b", "./seoul.inventory.yaml")),
        ("c.plan.yaml", &with("c", "busan.inventory.yaml")),
        ("d.plan.yaml", &plan("d", "nobody")),
        ("seoul.inventory.yaml", "kind: Inventory\nversion: 1\nname: seoul\n"),
        ("busan.inventory.yaml", "kind: Inventory\nversion: 1\nname: busan\n"),
    ]);
    let json = check(&folder, "json").json();
    let found = json["findings"].as_array().expect("a list").iter();
    let told: Vec<_> = found
        .filter(|finding| finding["rule"] == "FB502")
        .map(|finding| (finding["plan"].as_str(), finding["related"][0]["location"]["file"].as_str()))
        .collect();
    assert_eq!(told, [(Some("a"), Some("b.plan.yaml")), (Some("b"), Some("a.plan.yaml"))]);
    let alone = folder.run(&["check", "a.plan.yaml", "--format", "json"]).json();
    assert!(alone["findings"].as_array().expect("a list").iter().all(|finding| finding["rule"] != "FB502"));
}

#[test]
fn gitlab_gets_the_fields_that_its_report_format_asks_for() {
    let waiver = "waivers: [{rule: FB514, of: [w1], reason: moves away, until: 2030-01-01}]\n";
    let broken = Folder::with(&[
        (".git/HEAD", ""),
        ("a b/서울.plan.yaml", &plan("a", "nobody")),
        ("typo.plan.yaml", "kind: RecoveryPlan\nversion: 1\nname: t\nmachnes: []\n"),
    ]);
    let deep = |arguments: &[&str]| broken.run(&[&["check", "--format", "gitlab"], arguments].concat());
    let reports = [
        check(&unprotected(waiver), "gitlab"),
        deep(&["."]),
        deep(&["nowhere.yaml"]),
        deep(&[".", "-v", "--fail-on", "warning"]),
        check(&check_hostile::hostile(), "gitlab"),
    ];
    for report in &reports {
        let all = report.json();
        let mut fingerprints = BTreeSet::new();
        for violation in all.as_array().expect("a list") {
            // What GitLab documents, and no other key of a place.
            for key in ["description", "check_name", "fingerprint"] {
                assert!(violation[key].as_str().is_some_and(|text| !text.is_empty()), "{key}: {violation}");
            }
            let severities = ["info", "minor", "major", "critical", "blocker"];
            assert!(
                violation["severity"].as_str().is_some_and(|word| severities.contains(&word)),
                "{violation}"
            );
            let path = violation["location"]["path"].as_str().expect("a path");
            assert!(!path.is_empty() && !path.starts_with(['/', '.']), "{violation}");
            assert!(
                violation["location"]["lines"]["begin"].as_u64().is_some_and(|line| line > 0),
                "{violation}"
            );
            assert!(fingerprints.insert(violation["fingerprint"].to_string()), "given twice: {violation}");
        }
    }
    assert_eq!((reports[0].exit, reports[1].exit, reports[2].exit), (0, 1, 2));
    let all = reports[1].json();
    let named = |code: &str| {
        let mut all = all.as_array().expect("a list").iter();
        all.find(|one| one["check_name"] == code).unwrap_or_else(|| panic!("no {code}")).clone()
    };
    let unknown = named("FB500");
    assert_eq!(
        (&unknown["severity"], &unknown["location"]["path"]),
        (&"critical".into(), &"a b/서울.plan.yaml".into())
    );
    assert_eq!(unknown["location"]["lines"]["begin"], 5);
    assert_eq!(named("unknown-key")["severity"], "blocker");
    assert_eq!(named("FB514")["severity"], "major");
    let strict = reports[3].json();
    let refused = strict.as_array().expect("a list").iter().filter(|one| one["severity"] == "critical");
    assert!(refused.clone().any(|one| one["check_name"] == "FB514"), "what refuses is critical");
    // A line that moves does not make another finding of it.
    broken.write("a b/서울.plan.yaml", format!("# moved\n\n{}", plan("a", "nobody")).as_bytes());
    let moved = deep(&["."]).json();
    let moved =
        moved.as_array().expect("a list").iter().find(|one| one["check_name"] == "FB500").expect("there");
    assert_eq!(
        (&moved["fingerprint"], &moved["location"]["lines"]["begin"]),
        (&unknown["fingerprint"], &7.into())
    );
}
