//! How the command line takes policies: beside plans, by a flag, and alone with their tests.

use serde_json::Value;

use crate::support::CLASSIC_INVENTORY;
use crate::support::CLASSIC_PLAN;
use crate::support::Folder;

const POLICY: &str = "\
kind: Policy
version: 1
name: corp
rules:
  - {id: ACME01, severity: error, scope: machine, message: \"{{ machine.name }} is no l1\", assert: 'machine.name != \"w3\"'}
  - {id: ACME02, severity: error, scope: plan, message: no owner, assert: plan.owner != null, waivable: false}
  - {id: ACME03, severity: error, scope: machine, message: churns, assert: machine.churn.gb_per_day < 100}
";

fn folder(policy: &str, plan: &str) -> Folder {
    Folder::with(&[
        ("plans/classic.plan.yaml", plan),
        ("plans/classic.inventory.yaml", CLASSIC_INVENTORY),
        ("plans/corp.policy.yaml", policy),
    ])
}

/// Returns the findings of policies as `id state subject`.
fn own(output: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap_or("?").to_owned();
    let findings = output["findings"].as_array().expect("findings").iter();
    let own = findings.filter(|finding| !text(&finding["rule"]).starts_with("FB"));
    own.map(|finding| {
        format!(
            "{} {} {}",
            text(&finding["rule"]),
            text(&finding["state"]),
            text(&finding["subject"]["name"])
        )
    })
    .collect()
}

#[test]
fn a_policy_in_the_folder_refuses_a_plan() {
    let folder = folder(POLICY, CLASSIC_PLAN);
    let ended = folder.run(&["check", "--format", "json"]);
    let output = ended.json();
    assert_eq!(ended.exit, 1);
    let expected = [
        "ACME02 violated classic",
        "ACME01 violated w3",
        "ACME03 indeterminate w1",
        "ACME03 indeterminate w2",
    ];
    let found = own(&output);
    assert!(expected.iter().all(|expected| found.contains(&(*expected).to_owned())), "{found:?}");
    assert_eq!(found.len(), 6);
    let broken = output["findings"].as_array().expect("findings").iter().find(|one| one["rule"] == "ACME01");
    let broken = broken.expect("it was found");
    assert_eq!(
        (&broken["message"], &broken["source"], &broken["severity"]),
        (&"w3 is no l1".into(), &"policy corp".into(), &"error".into())
    );
    assert_eq!(broken["location"]["file"], "plans/classic.plan.yaml");
    assert_eq!(broken["related"][0]["location"]["file"], "plans/corp.policy.yaml");
    let people = folder.run(&["check"]);
    assert!(people.out.contains("error[ACME01]: w3 is no l1"), "{}", people.out);
}

#[test]
fn a_policy_is_given_by_a_flag_and_then_only_its_rules_count() {
    let plans = format!("{POLICY}---\n{}", CLASSIC_PLAN.replace("name: classic", "name: beside"));
    let folder = Folder::with(&[
        ("plans/classic.plan.yaml", CLASSIC_PLAN),
        ("plans/classic.inventory.yaml", CLASSIC_INVENTORY),
        ("elsewhere/corp.policy.yaml", &plans),
    ]);
    let alone = folder.run(&["check", "plans/classic.plan.yaml", "--format", "json"]);
    assert_eq!((alone.exit, own(&alone.json()).len()), (0, 0));
    let flag =
        ["check", "plans/classic.plan.yaml", "--format", "json", "--policy", "elsewhere/corp.policy.yaml"];
    let given = folder.run(&flag);
    assert_eq!((given.exit, own(&given.json()).len()), (1, 6), "{}", given.out);
    let planned = folder.run(&["plan", "plans/classic.plan.yaml", "--policy", "elsewhere/corp.policy.yaml"]);
    assert_eq!(planned.exit, 1, "{}", planned.out);
    assert!(planned.err.contains("ACME02"), "{}", planned.err);
    let none = folder.run(&["check", "plans/classic.plan.yaml", "--policy", "plans/classic.inventory.yaml"]);
    assert_eq!(none.exit, 1);
}

#[test]
fn the_policies_around_a_plan_hold_however_it_is_named() {
    // In a folder `plans` with all that is in it, elsewhere in the plan's own folder.
    for (plan, policy, holds) in [
        ("plans/a/p.plan.yaml", "plans/policies/corp.yaml", true),
        ("plans/a/p.plan.yaml", "plans/corp.policy.yaml", true),
        ("plans/a/p.plan.yaml", "corp.policy.yaml", false),
        ("site/p.plan.yaml", "site/corp.yml", true),
        ("site/p.plan.yaml", "corp.policy.yaml", false),
    ] {
        let inventory = plan.replace("p.plan.yaml", "classic.inventory.yaml");
        let folder = Folder::with(&[
            (".git/HEAD", ""),
            (plan, CLASSIC_PLAN),
            (&inventory, CLASSIC_INVENTORY),
            (policy, POLICY),
            ("plans/other.plan.yaml", "kind: RecoveryPlan\nmistake: 1\n"),
        ]);
        let command = |arguments: &[&str]| folder.run(arguments).exit == 1;
        let run = ["run", plan, "--auto-approve", "--speed", "max"];
        let asked = [
            command(&["check", plan]),
            command(&["check", plan.rsplit_once('/').expect("a folder").0]),
            command(&["plan", plan]),
            command(&["graph", plan]),
            command(&run),
        ];
        assert_eq!(asked, [holds; 5], "{plan} and {policy}: {}", folder.run(&["check", plan]).said());
    }
}

#[test]
fn a_policy_around_a_plan_that_can_not_be_read_refuses_it_and_other_plans_do_not() {
    let policy = POLICY.replace("plan.owner", "plan.ownr");
    let folder = folder(&policy, CLASSIC_PLAN);
    let ended = folder.run(&["plan", "plans/classic.plan.yaml"]);
    assert!(ended.exit == 1 && ended.err.contains("corp.policy.yaml:6"), "{}", ended.said());
}

#[test]
fn a_policy_is_asked_about_what_the_run_sees_before_anything_is_changed() {
    let policy = "kind: Policy\nversion: 1\nname: corp\nrules:\n\
        - {id: ACME01, severity: error, scope: machine, message: runs, assert: machine.azure_vm.power_state != \"running\"}\n";
    let unknown = CLASSIC_INVENTORY.replace("      power_state: running\n", "");
    let folder = Folder::with(&[
        ("p.plan.yaml", CLASSIC_PLAN),
        ("classic.inventory.yaml", &unknown),
        ("corp.policy.yaml", policy),
    ]);
    let checked = folder.run(&["check", "p.plan.yaml", "--format", "json"]);
    assert!(
        own(&checked.json()).iter().all(|own| own.starts_with("ACME01 indeterminate")),
        "{}",
        checked.out
    );
    let ran = folder.run(&["run", "p.plan.yaml", "--auto-approve", "--speed", "max"]);
    assert_eq!(ran.exit, 3, "{}", ran.said());
    assert!(ran.said().contains("ACME01") && ran.said().contains("preflight"), "{}", ran.said());
}

#[test]
fn a_plan_accepts_what_the_policy_lets_it_accept() {
    let waivers = "\nwaivers:\n  - {rule: ACME01, of: [w3], reason: CAB-1, until: 2025-06-02}\n  - {rule: ACME02, reason: CAB-2, until: 2030-01-01}\n";
    let folder = folder(POLICY, &format!("{CLASSIC_PLAN}{waivers}"));
    let output = folder.run(&["check", "--format", "json"]).json();
    let found = own(&output);
    assert!(found.contains(&"ACME01 waived w3".to_owned()), "{found:?}");
    assert!(found.contains(&"ACME02 violated classic".to_owned()), "{found:?}");
    let later = folder.run(&["check", "--format", "json", "--now", "2025-06-03T00:00:00Z"]).json();
    assert!(own(&later).contains(&"ACME01 violated w3".to_owned()));
}

#[test]
fn what_can_not_be_decided_refuses_only_strictly() {
    let policy = POLICY.lines().filter(|line| !line.contains("ACME01") && !line.contains("ACME02"));
    let policy = policy.fold(String::new(), |text, line| text + line + "\n");
    let folder = folder(&policy, CLASSIC_PLAN);
    assert_eq!(folder.run(&["check"]).exit, 0);
    let strict = folder.run(&["check", "--strict"]);
    assert_eq!(strict.exit, 1);
    assert!(strict.out.contains("`churn` of"), "{}", strict.out);
}

#[test]
fn a_broken_policy_can_not_be_accepted() {
    let policy =
        POLICY.replace("assert: plan.owner != null, waivable: false", "assert: 1 / (1 - size(\"x\")) == 1");
    let plan = format!("{CLASSIC_PLAN}\nwaivers:\n  - {{rule: ACME02, reason: CAB-2, until: 2030-01-01}}\n");
    let ended = folder(&policy, &plan).run(&["check", "--format", "json"]);
    assert_eq!(ended.exit, 1);
    let output = ended.json();
    let findings = output["findings"].as_array().expect("findings");
    let broken = findings.iter().find(|one| one["name"] == "policy-error").expect("it is told");
    assert_eq!((&broken["state"], &broken["location"]["line"]), (&"violated".into(), &6.into()));
}

#[test]
fn a_mistake_in_a_policy_refuses_like_one_in_a_plan() {
    let folder = folder(&POLICY.replace("plan.owner", "plan.ownr"), CLASSIC_PLAN);
    let ended = folder.run(&["check"]);
    assert_eq!(ended.exit, 1);
    assert!(ended.out.contains("plans/corp.policy.yaml:6:"), "{}", ended.out);
    assert!(ended.out.contains("did you mean `owner`?"), "{}", ended.out);
    // An object of a cluster that has a policy's name is none of ours.
    let other = "apiVersion: kyverno.io/v1\nkind: Policy\nspec: {rules: []}\n";
    let quiet = Folder::with(&[("plans/kyverno.yaml", other), ("plans/a.inventory.yaml", CLASSIC_INVENTORY)]);
    assert_eq!(quiet.run(&["check"]).exit, 0);
}

#[test]
fn tests_of_policies_run_alone() {
    let test = |given: &str, expect: &str| {
        format!("{POLICY}tests:\n  - {{name: it holds, rule: ACME01, given: {given}, expect: {expect}}}\n")
    };
    let run = |text: &str, more: &[&str]| {
        let folder = Folder::with(&[("corp.policy.yaml", text)]);
        folder.run(&[&["check", "--test-policies", "corp.policy.yaml"], more].concat())
    };
    let good = run(&test("{machine: {name: w3}}", "violated"), &[]);
    assert_eq!((good.exit, good.out.as_str()), (0, "ok      ACME01  it holds\n1 of 1 test passed\n"));
    let bad = run(&test("{machine: {name: w3}}", "silent"), &[]);
    assert_eq!(bad.exit, 1);
    assert!(bad.out.contains("corp.policy.yaml:9: expected silent, got violated"), "{}", bad.out);
    let slip = run(&test("{machine: {naem: w3}}", "silent"), &["--format", "json"]);
    assert_eq!(slip.exit, 1);
    assert_eq!(slip.json()["tests"][0]["problem"], "`given` at `machines[0]`: unknown key `naem`");
    let unknown = run(&test("{}", "silent").replace("rule: ACME01", "rule: ACME1"), &[]);
    assert_eq!(unknown.exit, 1);
    assert!(unknown.err.contains("did you mean `ACME01`?"), "{}", unknown.err);
    assert_eq!(run(POLICY, &[]).exit, 2);
}

const MILD: &str = "\
kind: Policy
version: 1
name: corp
rules:
  - {id: ACME01, severity: error, scope: machine, message: moved, assert: 'machine.name != \"w9\"'}
";

/// Returns the folder of the only run.
fn run_folder(folder: &Folder) -> std::path::PathBuf {
    let runs = folder.path().join(".failback/runs").read_dir().expect("there are runs");
    runs.flatten().map(|entry| entry.path()).next().expect("there is one")
}

#[test]
fn a_run_is_asked_about_its_policies_again_when_it_is_taken_up() {
    let waiver = "\nwaivers:\n  - {rule: ACME01, of: [w3], reason: CAB-1, until: 2030-01-01}\n";
    let world = Folder::with(&[
        ("classic.plan.yaml", &format!("{CLASSIC_PLAN}{waiver}")),
        ("classic.inventory.yaml", CLASSIC_INVENTORY),
        ("far/corp.policy.yaml", MILD),
        ("far/more.policy.yaml", &MILD.replace("ACME01", "ACME02").replace("corp", "more")),
    ]);
    let policies = ["--policy", "far/corp.policy.yaml", "--policy", "far/more.policy.yaml"];
    let begun = world.run(&[&["run", "classic.plan.yaml", "--speed", "max"], &policies[..]].concat());
    assert_eq!(begun.exit, 4, "{}", begun.said());
    // It is pinned to them as they were.
    for name in ["far/corp.policy.yaml", "far/more.policy.yaml"] {
        std::fs::remove_file(world.path().join(name)).expect("it was there");
    }
    assert_eq!(world.run(&["show"]).exit, 0);
    assert_eq!(world.run(&["resume", "--speed", "max"]).exit, 4);
    let kept = run_folder(&world).join("policy-2.yaml");
    let text = std::fs::read_to_string(&kept).expect("it is kept");
    std::fs::write(&kept, text.replace("w9", "w3")).expect("written");
    let refused = world.run(&["resume", "--speed", "max"]);
    assert_eq!(refused.exit, 1, "{}", refused.said());
    assert!(refused.err.contains("error[ACME02]: moved"), "{}", refused.said());
    std::fs::write(&kept, text).expect("written");
    assert_eq!(world.run(&["resume", "--speed", "max", "--auto-approve"]).exit, 0);
}

#[test]
fn a_run_keeps_what_each_text_is() {
    let unnamed = CLASSIC_PLAN.replace("inventory: classic.inventory.yaml\n", "");
    let named = CLASSIC_PLAN.replace("classic.inventory.yaml", "all.yaml");
    let other = MILD.replace("ACME01", "ACME02").replace("name: corp", "name: other");
    let run = ["run", "all.yaml", "--speed", "max", "--policy", "other.policy.yaml"];
    for plan in [unnamed, named] {
        let all = format!("{plan}---\n{CLASSIC_INVENTORY}---\n{MILD}");
        let world = Folder::with(&[("all.yaml", &all), ("other.policy.yaml", &other)]);
        let begun = world.run(&run);
        assert_eq!(begun.exit, 4, "{}", begun.said());
        let ended = world.run(&["resume", "--speed", "max", "--auto-approve"]);
        assert_eq!(ended.exit, 0, "{}", ended.said());
    }
    // A policy that lies beside the facts counts, then and later.
    let world = Folder::with(&[
        ("all.yaml", CLASSIC_PLAN),
        ("classic.inventory.yaml", &format!("{CLASSIC_INVENTORY}---\n{MILD}")),
        ("other.policy.yaml", &other),
    ]);
    let begun = world.run(&run);
    assert_eq!(begun.exit, 4, "{}", begun.said());
    let folder = run_folder(&world);
    let kept = ["policy-1.yaml", "policy-2.yaml"].map(|name| std::fs::read_to_string(folder.join(name)));
    let kept = kept.map(|text| text.expect("it is kept"));
    assert!(kept[0].contains("ACME01") && kept[1].contains("ACME02"));
    std::fs::write(folder.join("policy-1.yaml"), kept[0].replace("w9", "w3")).expect("written");
    assert_eq!(world.run(&["resume", "--speed", "max"]).exit, 1);
}

#[test]
fn a_run_goes_on_under_no_other_policies_than_it_began_with() {
    let world = Folder::with(&[
        ("classic.plan.yaml", CLASSIC_PLAN),
        ("classic.inventory.yaml", CLASSIC_INVENTORY),
        ("far/corp.policy.yaml", MILD),
    ]);
    let run = ["run", "classic.plan.yaml", "--speed", "max", "--policy", "far/corp.policy.yaml"];
    assert_eq!(world.run(&run).exit, 4);
    let kept = run_folder(&world).join("policy-1.yaml");
    let resume = ["resume", "--speed", "max", "--auto-approve"];
    let weaker = MILD.replace("severity: error", "severity: warning");
    for changed in [None, Some(weaker.as_str()), Some("# nothing\n")] {
        match changed {
            Some(text) => std::fs::write(&kept, text).expect("written"),
            None => std::fs::remove_file(&kept).expect("it was there"),
        }
        let refused = world.run(&resume);
        assert_ne!(refused.exit, 0, "{}", refused.said());
        if changed != Some("# nothing\n") {
            assert!(refused.err.contains("is pinned to its policies"), "{}", refused.said());
        }
        let exported = world.run(&["evidence", "export", "latest", "-o", "b.jsonl"]);
        assert_eq!(exported.exit, 0, "{}", exported.said());
        let verdict = world.run(&["evidence", "verify", "b.jsonl"]);
        assert_ne!(verdict.exit, 0, "{}", verdict.said());
        let named = if changed.is_some() { "the policy policy-1.yaml has" } else { "is missing" };
        assert!(verdict.said().contains(named), "{}", verdict.said());
        std::fs::remove_file(world.path().join("b.jsonl")).expect("it was there");
    }
    std::fs::write(&kept, MILD).expect("written");
    assert_eq!(world.run(&resume).exit, 0);
    assert_eq!(world.run(&["evidence", "export", "latest", "-o", "b.jsonl"]).exit, 0);
    let verdict = world.run(&["evidence", "verify", "b.jsonl"]);
    assert!(!verdict.said().contains("policy"), "{}", verdict.said());
}

#[test]
fn a_saved_plan_is_refused_when_a_policy_was_weakened_meanwhile() {
    let world = folder(MILD, CLASSIC_PLAN);
    assert_eq!(world.run(&["plan", "plans/classic.plan.yaml", "-o", "now.json"]).exit, 0);
    let text = std::fs::read_to_string(world.path().join("now.json")).expect("it was saved");
    let value: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let run = ["run", "now.json", "--speed", "max", "--auto-approve"];
    world.write("plans/corp.policy.yaml", MILD.replace("severity: error", "severity: info").as_bytes());
    let refused = world.run(&run);
    assert_eq!((refused.exit, refused.out.as_str()), (1, ""), "{}", refused.said());
    assert!(refused.err.contains("the policies have changed since the plan was saved"), "{}", refused.said());
    world.write("plans/corp.policy.yaml", MILD.as_bytes());
    // Laid out by another program, it is the same plan.
    world.write("now.json", serde_json::to_string_pretty(&value).expect("JSON").as_bytes());
    let ended = world.run(&run);
    assert_eq!(ended.exit, 0, "{}", ended.said());
}

#[test]
fn a_saved_plan_is_judged_as_strictly_as_it_was_when_it_was_saved() {
    let world = folder(MILD, CLASSIC_PLAN);
    let saved = ["plan", "plans/classic.plan.yaml", "--origin", "seed", "--strict", "-o", "now.json"];
    let ended = world.run(&saved);
    assert_eq!(ended.exit, 0, "{}", ended.said());
    let ended = world.run(&["run", "now.json", "--speed", "max", "--auto-approve"]);
    assert_eq!(ended.exit, 0, "{}", ended.said());
    let database = rusqlite::Connection::open(world.path().join(".failback/failback.db")).expect("opened");
    let options: String =
        database.query_row("SELECT options FROM runs", [], |row| row.get(0)).expect("it is entered");
    let options: serde_json::Value = serde_json::from_str(&options).expect("JSON");
    assert_eq!((&options["origin"], &options["strict"]), (&"seed".into(), &true.into()), "{options}");
}

#[test]
fn a_saved_plan_knows_the_policies_that_it_was_asked_about() {
    let world = folder(MILD, CLASSIC_PLAN);
    std::fs::create_dir(world.path().join("saved")).expect("made");
    let policy = "plans/corp.policy.yaml";
    let saved = world.run(&["plan", "plans/classic.plan.yaml", "--policy", policy, "-o", "saved/now.json"]);
    assert_eq!(saved.exit, 0, "{}", saved.said());
    world.write(policy, MILD.replace("w9", "w3").as_bytes());
    let refused = world.run(&["run", "saved/now.json", "--speed", "max", "--auto-approve"]);
    assert_eq!(refused.exit, 1, "{}", refused.said());
    assert!(refused.err.contains("error[ACME01]: moved"), "{}", refused.said());
    world.write(policy, MILD.as_bytes());
    let ended = world.run(&["run", "saved/now.json", "--speed", "max", "--auto-approve", "--policy", policy]);
    assert_eq!(ended.exit, 0, "{}", ended.said());
}

#[test]
fn a_rule_of_a_policy_is_explained() {
    let tests =
        "tests:\n  - {name: w3 is told, rule: ACME01, given: {machine: {name: w3}}, expect: violated}\n";
    let world = folder(&format!("{POLICY}{tests}"), CLASSIC_PLAN);
    let ended = world.run(&["explain", "acme01"]);
    insta::assert_snapshot!(ended.said());
    let json = world.run(&["explain", "ACME02", "--format", "json"]).json();
    assert_eq!((&json["rule"]["waivable"], &json["rule"]["policy"]), (&false.into(), &"corp".into()));
    let near = world.run(&["explain", "ACME0"]);
    assert_eq!(near.exit, 2);
    assert!(near.err.contains("did you mean `ACME01`?"), "{}", near.err);
    let list = world.run(&["explain"]).out;
    assert!(list.lines().any(|line| line.starts_with("ACME03  error    policy")), "{list}");
    let all = world.run(&["explain", "--format", "json"]).json();
    assert_eq!(all["policies"].as_array().map(Vec::len), Some(3));

    let far = Folder::with(&[("corp.policy.yaml", POLICY)]);
    assert_eq!(far.run(&["explain", "ACME01"]).exit, 2);
    assert_eq!(far.run(&["explain", "ACME01", "--policy", "corp.policy.yaml"]).exit, 0);
    assert_eq!(far.run(&["explain", "ACME01", "--policy", "none.policy.yaml"]).exit, 2);
}

#[test]
fn a_rule_whose_id_can_not_stand_tells_the_mistakes_of_its_expressions_too() {
    let policy = "\
kind: Policy
version: 1
name: corp
rules:
  - {id: FB999, severity: error, scope: plan, assert: plan.nmae != null, message: m}
  - {id: ACME01, severity: error, scope: plan, assert: plan.owner != null, message: m}
  - {id: ACME01, severity: error, scope: plan, assert: plan.owner +, message: m}
";
    let output = folder(policy, CLASSIC_PLAN).run(&["check", "--format", "json"]);
    assert_ne!(output.exit, 0, "{}", output.said());
    let output = output.json();
    let findings = output["findings"].as_array().expect("findings");
    let lines = |code: &str| -> Vec<u64> {
        let of_code = findings.iter().filter(|finding| finding["rule"] == code);
        of_code.filter_map(|finding| finding["location"]["line"].as_u64()).collect()
    };
    assert_eq!((lines("bad-rule-id"), lines("duplicate-rule")), (vec![5], vec![7]), "{findings:#?}");
    let all: Vec<u64> = findings.iter().filter_map(|finding| finding["location"]["line"].as_u64()).collect();
    assert!(all.iter().filter(|line| **line == 5).count() > 1, "{findings:#?}");
    assert!(all.iter().filter(|line| **line == 7).count() > 1, "{findings:#?}");
}
