//! Inventories: where they are found, and what is said without them.

use crate::cli_check::FACTS;
use crate::cli_check::SMALL;
use crate::support::CLASSIC_INVENTORY;
use crate::support::CLASSIC_PLAN;
use crate::support::Folder;

#[test]
fn without_facts_nothing_passes_by_default() {
    let folder = Folder::with(&[("p.plan.yaml", &format!("{SMALL}machines: [w1]\n"))]);
    let ended = folder.run(&["check", "."]);
    assert_eq!(ended.exit, 0);
    assert!(ended.out.contains("undecided: ") && ended.out.contains("from: Site Recovery"), "{}", ended.out);
    let strict = folder.run(&["check", ".", "--strict"]);
    assert_eq!(strict.exit, 1);
    assert!(strict.out.contains("--strict refuses what can't be decided"), "{}", strict.out);
}

#[test]
fn an_inventory_is_found_where_the_plan_says() {
    let plan = format!("{SMALL}inventory: facts/seoul.yaml\nmachines: [w1]\n");
    let folder = Folder::with(&[
        ("plans/p.plan.yaml", &plan),
        ("plans/facts/seoul.yaml", &format!("{FACTS}observed_at: 2025-05-01T00:00:00Z\n")),
    ]);
    assert!(folder.run(&["check"]).out.contains("facts as of 2025-05-01T00:00Z"));
    folder.write("other.yaml", format!("{FACTS}observed_at: 2024-01-01T00:00:00Z\n").as_bytes());
    let given = folder.run(&["check", "--inventory", "other.yaml"]);
    assert!(given.out.contains("facts as of 2024-01-01T00:00Z"), "{}", given.out);
    let missing = folder.run(&["check", "--inventory", "none.yaml"]);
    assert_eq!(missing.exit, 2);
    let wrong = folder.run(&["check", "--inventory", "plans/p.plan.yaml"]);
    assert_eq!(wrong.exit, 1);
    assert!(wrong.out.contains("holds no inventory"), "{}", wrong.out);
}

#[test]
fn one_inventory_serves_several_plans_and_documents_may_share_a_file() {
    let facts = format!("{FACTS}observed_at: 2025-05-01T00:00:00Z\n");
    let both = format!("{SMALL}machines: [w1]\n---\n{facts}");
    let folder = Folder::with(&[
        ("both.yaml", &both),
        ("b.plan.yaml", &format!("{}inventory: both.yaml\nmachines: [w1]\n", SMALL.replace("small", "b"))),
        ("c.plan.yaml", &format!("{}inventory: ./both.yaml\nmachines: [w1]\n", SMALL.replace("small", "c"))),
    ]);
    let ended = folder.run(&["check", "."]);
    assert_eq!(ended.out.matches("facts as of 2025-05-01T00:00Z").count(), 3, "{}", ended.said());
}

#[test]
fn an_inventory_outside_the_workspace_must_be_named() {
    let outside = Folder::with(&[("facts.yaml", FACTS)]);
    let path = outside.path().join("facts.yaml");
    let folder = Folder::with(&[("repo/.git/HEAD", ""), ("repo/facts.yaml", FACTS), ("above.yaml", FACTS)]);
    let told = |inventory: &str| {
        folder.write(
            "repo/plans/p.yaml",
            format!("{SMALL}inventory: {inventory}\nmachines: [w1]\n").as_bytes(),
        );
        folder.run(&["check", "repo/plans"])
    };
    assert_eq!(told("../facts.yaml").exit, 0);
    for inventory in ["../../above.yaml", path.to_str().expect("it is text")] {
        let ended = told(inventory);
        assert_eq!(ended.exit, 1);
        assert!(
            ended.out.contains("error[outside-workspace]") && ended.out.contains("--inventory"),
            "{}",
            ended.out
        );
        assert!(ended.out.contains("repo/plans/p.yaml:4:12"), "{}", ended.out);
    }
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(&path, folder.path().join("repo/plans/link.yaml")).expect("linked");
        let ended = told("link.yaml");
        assert!(ended.out.contains("error[outside-workspace]"), "{}", ended.said());
    }
    let ended = told("../none.yaml");
    assert_eq!(ended.exit, 2);
    assert!(ended.out.contains("error[unreadable-inventory]"), "{}", ended.out);
}

#[test]
fn a_broken_inventory_keeps_its_plan_from_being_checked() {
    let folder = Folder::with(&[
        ("p.plan.yaml", &format!("{SMALL}inventory: f.inventory.yaml\nmachines: [w1]\n")),
        ("f.inventory.yaml", &format!("{FACTS}hosts: [{{name: esx1}}, {{name: esx1}}]\n")),
        ("q.plan.yaml", &format!("{}machines: [w1]\n---\n{FACTS}host: []\n", SMALL.replace("small", "q"))),
    ]);
    insta::assert_snapshot!(folder.run(&["check", "."]).said(), @r#"
exit 1
--- out
error[duplicate-name]: a second host is named `esx1`
 --> f.inventory.yaml:4:30
  |
4 | hosts: [{name: esx1}, {name: esx1}]
  |                ----          ^^^^
  |                |
  |                the first one is here
  |
  = help: give each host its own name

error[unknown-key]: unknown key `host`
 --> q.plan.yaml:9:1
  |
9 | host: []
  | ^^^^
  |
  = help: did you mean `hosts`?

small: not checked, because not all of its documents could be read
q: not checked, because not all of its documents could be read
1 mistake can be put right with --fix
"#);
}

#[test]
fn a_name_that_the_inventory_does_not_have_is_told_once_and_not_by_each_rule() {
    let plan = CLASSIC_PLAN.replace("  - name: w3", "  - name: w33");
    let folder = Folder::with(&[("a.plan.yaml", &plan), ("classic.inventory.yaml", CLASSIC_INVENTORY)]);
    let said = folder.run(&["check", "a.plan.yaml", "--format", "json"]);
    let report: serde_json::Value = serde_json::from_str(&said.out).expect("JSON");
    let about = |finding: &&serde_json::Value| finding["message"].as_str().expect("text").contains("w33");
    let findings = report["findings"].as_array().expect("a list");
    let rules: Vec<&str> =
        findings.iter().filter(about).map(|finding| finding["rule"].as_str().expect("text")).collect();
    assert_eq!(rules, ["FB500"]);
    assert_eq!(report["summary"]["indeterminate"], report["summary"]["unmeasured"]);
}
