//! Baselines: what is known is neither shown nor refuses, what is new or worse does.

use failback::rules::fixture;
use failback::rules::fixture::Case;
use serde_json::Value;

use crate::check_formats::check;
use crate::check_formats::plan;
use crate::check_formats::unprotected;
use crate::support::Folder;

#[test]
fn a_baseline_keeps_back_what_is_known_wherever_it_stands() {
    let folder = Folder::with(&[("p.yaml", &plan("p", "nobody"))]);
    folder.write("known.json", check(&folder, "json").out.as_bytes());
    let with =
        |format: &str| folder.run(&["check", "p.yaml", "--baseline", "known.json", "--format", format]);
    folder.write("p.yaml", format!("# moved\n\n{}", plan("p", "nobody")).as_bytes());
    let same = with("json");
    let json = same.json();
    assert_eq!((same.exit, json["findings"].as_array().map(Vec::len)), (0, Some(0)), "{}", same.out);
    assert_eq!((&json["summary"]["errors"], &json["baseline"]["gone"]), (&0.into(), &0.into()));
    let said = with("human").out;
    assert!(said.contains("p: only what the baseline knows refuses it ("), "{said}");
    assert!(said.contains("baseline: ") && said.contains(" known findings are not shown\n"), "{said}");

    folder.write("p.yaml", plan("p", "nobody, nowhere").as_bytes());
    let new = with("json");
    let json = new.json();
    assert_eq!((new.exit, json["findings"].as_array().map(Vec::len)), (1, Some(1)), "{}", new.out);
    assert!(json["findings"][0]["message"].as_str().is_some_and(|message| message.starts_with("nowhere")));

    folder.write("p.yaml", plan("p", "").replace(", depends_on: []", "").as_bytes());
    let better = with("human");
    assert_eq!(better.exit, 0);
    assert!(better.out.ends_with("; 1 finding of the baseline is gone\n"), "{}", better.out);
    assert!(with("markdown").out.ends_with("; 1 finding of the baseline is gone.\n"));
    assert!(with("github").err.ends_with("; 1 finding of the baseline is gone\n"));
}

#[test]
fn a_new_finding_of_the_same_rule_about_the_same_machine_is_shown_where_the_known_one_is_mended() {
    let text = |disk: &str| {
        let text = format!(
            "{{name: case, world: classic, plan: {{}}, inventory: {{machines: {{w1: {{onprem_vm: {{disks: \
             {{{disk}: {{datastore: vsan1, attached: false}}}}}}}}}}}}, expect: []}}"
        );
        let case: Case = serde_yaml::from_str(&text).expect("the case is a case");
        fixture::texts(&case).expect("the world can be changed")
    };
    let (plan, of_first) = text("disk0");
    let folder = Folder::with(&[("p.yaml", &plan), ("classic.inventory.yaml", &of_first)]);
    folder.write("known.json", check(&folder, "json").out.as_bytes());
    let with = || folder.run(&["check", "p.yaml", "--baseline", "known.json", "--format", "json"]);
    assert_eq!(with().exit, 0);
    folder.write("classic.inventory.yaml", text("disk1").1.as_bytes());
    let other = with();
    let json = other.json();
    assert_eq!(other.exit, 1, "{}", other.out);
    assert!(json["baseline"]["gone"].as_u64() >= Some(1), "{}", other.out);
    let found = json["findings"].as_array().expect("a list");
    let of_disk = |finding: &&Value| finding["rule"] == "FB104";
    let told: Vec<&str> = found.iter().filter(of_disk).filter_map(|it| it["message"].as_str()).collect();
    assert!(matches!(told.as_slice(), [one] if one.contains("disk1")), "{told:?}");
}

#[test]
fn a_known_finding_that_has_become_worse_is_shown() {
    let folder = unprotected("waivers: [{rule: FB514, of: [w1], reason: moves away, until: 2025-07-01}]\n");
    folder.write("known.json", check(&folder, "json").out.as_bytes());
    let of_w1 = |now: &str| {
        let arguments = ["check", "plans", "--baseline", "known.json", "--format", "json", "--now", now];
        let json = folder.run(&arguments).json();
        let found = json["findings"].as_array().expect("a list").clone();
        let is = |finding: &&Value| finding["rule"] == "FB514" && finding["subject"]["name"] == "w1";
        (found.iter().filter(is).count(), json["baseline"]["gone"].clone())
    };
    assert_eq!(of_w1("2025-06-01T00:00:00Z"), (0, 0.into()));
    assert_eq!(of_w1("2025-07-02T00:00:00Z").0, 1);
}

#[test]
fn a_baseline_is_about_the_plans_that_are_checked() {
    let folder = Folder::with(&[("a.yaml", &plan("a", "nobody")), ("b.yaml", &plan("b", "nobody"))]);
    folder.write("known.json", check(&folder, "json").out.as_bytes());
    let one = folder.run(&["check", "a.yaml", "--baseline", "known.json", "--format", "json"]);
    assert_eq!((one.exit, one.json()["baseline"]["gone"].clone()), (0, 0.into()), "{}", one.out);
    folder.write("b.yaml", plan("b", "nobody").replace("machines", "machnes").as_bytes());
    folder.write("known.json", check(&folder, "json").out.as_bytes());
    let broken = folder.run(&["check", ".", "--baseline", "known.json", "--format", "json"]);
    assert_eq!(broken.exit, 1);
    let json = broken.json();
    assert!(
        json["findings"].as_array().expect("a list").iter().all(|finding| finding["rule"] == "unknown-key")
    );
}

#[test]
fn what_is_no_baseline_is_said_to_be_none() {
    let folder = Folder::with(&[
        ("p.yaml", &plan("p", "nobody")),
        ("none.json", "[1]"),
        ("next.json", "{\"version\":2,\"findings\":[]}"),
    ]);
    for (file, why) in [
        ("gone.json", "`gone.json` does not exist"),
        (
            "none.json",
            "`none.json` is no baseline: invalid length 1, expected what `check --format json` prints",
        ),
        ("next.json", "`next.json` is no baseline: its version is 2, and only 1 is known"),
        ("p.yaml", "`p.yaml` is no baseline: expected value at line 1 column 1"),
    ] {
        let ended = folder.run(&["check", "p.yaml", "--baseline", file]);
        assert_eq!((ended.exit, ended.out.as_str()), (2, ""), "{file}");
        assert!(ended.err.contains(why), "{file}: {}", ended.err);
        assert_eq!(ended.err.contains("--format json > known.json"), file != "gone.json", "{}", ended.err);
    }
}
