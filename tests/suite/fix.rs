//! `check --fix` and `--diff`: what can only have been meant in one way is put right, and not one other byte changes.

use std::fs;
use std::path::Path;

use failback::source::Sources;
use failback::syntax::Document;
use failback::syntax::parse;
use failback::syntax::repair::repair;
use proptest::prelude::*;

use crate::support::CLASSIC_INVENTORY;
use crate::support::CLASSIC_PLAN;
use crate::support::Folder;

/// A plan with every kind of mistake that can be put right at once, and what becomes of it.
const WRONG: &str = "\u{feff}# The \"off\" site\r
kind: recoveryplan\r
version: \"1\"\r
name: no            # not a boolean\r
baseline: 'seed2017'\r
objectives: {RTO: 90 min, rpo: \"1 h\"}\r
defaults: &d\r
  failback: {masterTarget: &t mtw, datastore: 9.60, delete_existing_vm: no}\r
machnes:\r
  - name: w1\r
    \"depends-on\": [l1]\r
  - l1\r
execution: {max_parallel: 05, window: {from: 22:00, to: \"06:00\"}}\r
";
const RIGHT: &str = "\u{feff}# The \"off\" site\r
kind: RecoveryPlan\r
version: 1\r
name: \"no\"            # not a boolean\r
baseline: 'seed-2017'\r
objectives: {rto: 90m, rpo: \"1h\"}\r
defaults: &d\r
  failback: {master_target: &t mtw, datastore: \"9.60\", delete_existing_vm: false}\r
machines:\r
  - name: w1\r
    \"depends_on\": [l1]\r
  - l1\r
execution: {max_parallel: 5, window: {from: \"22:00\", to: \"06:00\"}}\r
";

fn fixed(text: &str) -> Option<String> {
    repair(text).map(|repaired| repaired.text)
}

/// Returns a plan with these lines, and what is wrong with it.
fn plan(lines: &str) -> String {
    format!("kind: RecoveryPlan\nversion: 1\nname: p\n{lines}")
}

fn read(text: &str) -> (Vec<Document>, usize) {
    let mut sources = Sources::new();
    let index = sources.add("document", text.to_owned()).expect("small");
    let mut mistakes = Vec::new();
    (parse(sources.get(index), &mut mistakes), mistakes.len())
}

#[test]
fn comments_quotes_anchors_and_line_ends_stay_as_they_are() {
    assert_eq!(fixed(WRONG).expect("something is wrong"), RIGHT);
    assert_eq!(fixed(RIGHT), None);
    let (documents, mistakes) = read(RIGHT);
    assert_eq!((documents.len(), mistakes), (1, 0));
}

#[test]
fn what_may_mean_something_else_is_left_to_people() {
    for lines in [
        "replication_group: [{name: g, machines: [w1]}]\nreplication_groups: []\n",
        "machnes: [w1]\nmachines: [w2]\n",
        "machnes: [w1]\nmachnies: [w2]\n",
        "objectives: {rtp: 1h}\n",
        "objectives: {rto: 90}\n",
        "objectives: {rto: 5M}\n",
        "execution: {min_parallel: 3}\n",
        "execution: {max_parallel: 010}\n",
        "execution: {max_parallel: \"many\"}\n",
        "baseline: seed-2018\n",
        "execution: {window: {days: [SUM], from: \"22:00\", to: \"06:00\"}}\n",
        "baseline: |\n  seed2017\n",
        "baseline: \"seed\\x32017\"\n",
        "baseline: !!str seed2017\n",
        "baseline: &b seed2017\n",
        "x-a: &a {rt0: 1h, RTO: 2h}\nobjectives: *a\n",
    ] {
        let text = plan(lines);
        assert!(read(&text).1 > 0, "{lines} is no mistake");
        assert_eq!(fixed(&text), None, "{lines}");
    }
    let inventory = "kind: Inventory\nversion: 1\nname: i\nmachines: [{name: w, onprem_vm: {disks: [{id: d, size_mb: 5}]}}]\n";
    assert_eq!(fixed(inventory), None);
}

#[test]
fn a_drive_without_quotes_gets_them() {
    for (wrong, right) in [
        (
            "defaults: {failback: {retention_volume: R:, datastore: v}}\n",
            "defaults: {failback: {retention_volume: \"R:\", datastore: v}}\n",
        ),
        (
            "defaults: {failback: {retention_volume: R: }}\n",
            "defaults: {failback: {retention_volume: \"R:\" }}\n",
        ),
        (
            "defaults:\n  failback:\n    retention_volume: R:\n    datastore: v\n",
            "defaults:\n  failback:\n    retention_volume: \"R:\"\n    datastore: v\n",
        ),
        (
            "defaults:\n  failback:\n    retention_volume: R: # kept\n",
            "defaults:\n  failback:\n    retention_volume: \"R:\" # kept\n",
        ),
    ] {
        let right = plan(right);
        assert_eq!(fixed(&plan(wrong)).as_deref(), Some(right.as_str()), "{wrong}");
        assert_eq!(read(&right).1, 0);
    }
    // What goes on behind the `:` may be meant as a mapping.
    for unclear in ["description: R: x\n", "description: ab:\n", "machines: [R:]\n"] {
        assert_eq!(fixed(&plan(unclear)), None, "{unclear}");
    }
}

#[test]
fn the_catalogues_spelling_of_a_key_becomes_ours() {
    let text = "kind: Inventory\nversion: 1\nname: i\nhosts: [{name: h, vcenter_id: vc1}]\nmachines:\n  - {name: w, asr: {sourceVcenterId: vc1}}\n";
    let right = text.replace("vcenter_id", "vcenter").replace("sourceVcenterId", "source_vcenter");
    assert_eq!(fixed(text).as_deref(), Some(right.as_str()));
    assert_eq!(read(&right).1, 0);
}

#[test]
fn tabs_become_spaces_where_their_width_does_not_matter() {
    let text = plan("machines:\n\t- name: w1\n\t  depends_on: [l1]\t# kept\tso\n\t- l1\n");
    let right = plan("machines:\n  - name: w1\n    depends_on: [l1]\t# kept\tso\n  - l1\n");
    assert_eq!(fixed(&text).as_deref(), Some(right.as_str()));
    // Only eight columns put both keys of a mapping into one column.
    let mixed = plan("defaults:\n        commit: automatic\n\tfailover: automatic\n");
    let right = plan("defaults:\n        commit: automatic\n        failover: automatic\n");
    assert_eq!(fixed(&mixed).as_deref(), Some(right.as_str()));
    // With two columns the tab ends the defaults, with eight it goes on with them.
    let unclear = plan("defaults:\n  failback:\n    datastore: v\n\tcommit: automatic\n");
    assert_eq!(fixed(&unclear), None);
    // What a text block holds is not indentation.
    let block = plan("description: |\n  one\n  \ttwo\ndefaults:\n\tcommit: automatic\n");
    assert_eq!(fixed(&block), None);
}

#[test]
fn what_is_no_document_of_ours_is_not_touched() {
    for text in [
        "on: [push]\njobs: {check: {steps: [{run: yes}]}}\n",
        "apiVersion: v1\nkind: Policy\nspec: {x: on}\n",
        "\tx: y\n",
        "",
        "just text: 22:00\n",
    ] {
        assert_eq!(fixed(text), None, "{text}");
    }
}

fn wrong_folder() -> Folder {
    let plan = CLASSIC_PLAN.replace("machines:", "machnes:").replace("recovery_point:", "recoveryPoint:");
    Folder::with(&[("plans/classic.plan.yaml", &plan), ("plans/classic.inventory.yaml", CLASSIC_INVENTORY)])
}

#[test]
fn a_fix_is_told_and_the_plan_is_checked_again() {
    let folder = wrong_folder();
    let before = folder.run(&["check"]);
    assert_eq!(before.exit, 1);
    assert!(before.out.ends_with("2 mistakes can be put right with --fix\n"), "{}", before.out);
    let ended = folder.run(&["check", "--fix"]);
    assert_eq!(ended.exit, 0, "{}", ended.said());
    assert_eq!(
        ended.err,
        "fixed plans/classic.plan.yaml:6: rename `recoveryPoint` to `recovery_point`\n\
         fixed plans/classic.plan.yaml:12: rename `machnes` to `machines`\n2 places in 1 file fixed\n"
    );
    assert!(ended.out.contains("classic: may run"), "{}", ended.out);
    let text = fs::read_to_string(folder.path().join("plans/classic.plan.yaml")).expect("it is there");
    assert_eq!(text, CLASSIC_PLAN);
    let again = folder.run(&["check", "--fix"]);
    assert_eq!((again.exit, again.err.as_str()), (0, ""));
    assert_eq!(again.out, ended.out);
}

#[test]
fn a_diff_shows_what_would_change_and_changes_nothing() {
    let folder = wrong_folder();
    let ended = folder.run(&["check", "--diff"]);
    insta::assert_snapshot!(ended.said(), @r#"
exit 1
--- out
--- plans/classic.plan.yaml
+++ plans/classic.plan.yaml
@@ -3,13 +3,13 @@
 version: 1
 name: classic
 inventory: classic.inventory.yaml
-recoveryPoint: latest
+recovery_point: latest
 defaults:
   failback: {location: auto, master_target: mtw, process_server: ps-az, retention_volume: "R:", datastore: vmfs1}
   forward: {process_server: ps-on}
   commit: on_approval
   final_state: protected
-machnes:
+machines:
   - name: w1
   - name: w2
   - name: w3
--- err
2 places in 1 file to fix
"#);
    assert!(folder.run(&["check", "--diff", "--color", "always"]).out.contains("\u{1b}["));
    assert_eq!(folder.run(&["check", "--diff"]).out, ended.out);
    // The diff is one that others can apply.
    folder.write("fix.diff", ended.out.as_bytes());
    let applied = std::process::Command::new("git")
        .args(["apply", "-p0", "fix.diff"])
        .current_dir(folder.path())
        .output()
        .expect("git runs");
    assert!(applied.status.success(), "{}", String::from_utf8_lossy(&applied.stderr));
    assert_eq!(folder.run(&["check", "--diff"]).said(), "exit 0\n--- err\nnothing to fix\n");
}

#[test]
fn programs_are_told_what_would_put_a_mistake_right() {
    let folder = wrong_folder();
    let json = folder.run(&["check", "--format", "json"]).json();
    insta::assert_json_snapshot!(json["findings"][0]["fix"], @r#"
{
  "edits": [
    {
      "end": {
        "column": 14,
        "line": 6
      },
      "file": "plans/classic.plan.yaml",
      "start": {
        "column": 1,
        "line": 6
      },
      "text": "recovery_point"
    }
  ],
  "title": "rename `recoveryPoint` to `recovery_point`"
}
"#);
    let sarif = folder.run(&["check", "--format", "sarif"]).json();
    let change = &sarif["runs"][0]["results"][0]["fixes"][0]["artifactChanges"][0];
    assert_eq!(change["artifactLocation"]["uri"], "plans/classic.plan.yaml");
    assert_eq!(change["replacements"][0]["deletedRegion"]["endColumn"], 14);
    assert_eq!(change["replacements"][0]["insertedContent"]["text"], "recovery_point");
    assert_eq!(folder.run(&["check", "--fix", "--format", "json"]).json()["summary"]["errors"], 0);
}

#[test]
fn the_name_of_a_machine_is_never_changed() {
    let folder = Folder::with(&[
        ("plans/p.plan.yaml", &CLASSIC_PLAN.replace("name: w1", "name: w11")),
        ("plans/classic.inventory.yaml", CLASSIC_INVENTORY),
    ]);
    assert_eq!(folder.run(&["check", "--diff"]).exit, 0);
}

#[cfg(unix)]
#[test]
fn a_file_that_may_not_be_written_is_told_and_the_others_are_fixed() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = wrong_folder();
    let path = folder.path().join("plans/classic.plan.yaml");
    folder.write("plans/other.plan.yaml", plan("machnes: []\n").as_bytes());
    fs::set_permissions(&path, fs::Permissions::from_mode(0o444)).expect("set");
    let before = fs::read_to_string(&path).expect("it is there");
    let ended = folder.run(&["check", "--fix"]);
    assert_eq!(ended.exit, 2, "{}", ended.said());
    assert!(ended.err.contains("`plans/classic.plan.yaml` is read-only"), "{}", ended.err);
    assert!(ended.err.contains("fixed plans/other.plan.yaml:4"), "{}", ended.err);
    assert_eq!(fs::read_to_string(&path).expect("it is there"), before);
    assert_eq!(fs::read_dir(folder.path().join("plans")).expect("listed").count(), 3);
}

#[test]
fn a_file_that_is_not_utf_8_is_not_written() {
    let folder = Folder::with(&[]);
    let bytes = b"kind: RecoveryPlan\nversion: 1\nname: p\nmachnes: []\n# \xff\n";
    folder.write("plans/p.plan.yaml", bytes);
    assert_eq!(folder.run(&["check", "--fix"]).exit, 1);
    assert_eq!(fs::read(folder.path().join("plans/p.plan.yaml")).expect("it is there"), bytes);
}

fn examples() -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut texts = Vec::new();
    for folder in ["plans", "plans/refused", "tests/worlds"] {
        for entry in fs::read_dir(root.join(folder)).expect("the folder can be listed") {
            let path = entry.expect("the folder can be listed").path();
            let is_small = fs::metadata(&path).is_ok_and(|found| found.len() < 20_000);
            if is_small && path.extension().is_some_and(|ending| ending == "yaml") {
                texts.push(fs::read_to_string(&path).expect("an example is text"));
            }
        }
    }
    texts
}

#[test]
fn examples_need_no_fix() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = Folder::with(&[]);
    let plans = root.join("plans");
    let ended = folder.run(&["check", "--diff", plans.to_str().expect("text")]);
    // One example is there to show a slip.
    assert!(ended.err.ends_with("1 place in 1 file to fix\n"), "{}", ended.said());
    assert!(ended.out.contains("typo.plan.yaml"), "{}", ended.out);
}

/// One slip of a hand or of another dialect, somewhere in a text.
fn slip(text: &str, kind: usize, at: usize) -> String {
    let places: Vec<(usize, usize)> = {
        let is_word = |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '-');
        let mut found = Vec::new();
        let mut from = None;
        for (at, letter) in text.char_indices().chain([(text.len(), ' ')]) {
            match (is_word(letter), from) {
                (true, None) => from = Some(at),
                (false, Some(start)) => {
                    found.push((start, at));
                    from = None;
                }
                _ => {}
            }
        }
        found
    };
    let (from, to) = places[at % places.len()];
    let word = &text[from..to];
    let new = match kind % 9 {
        0 => word.chars().skip(1).collect(),
        1 => word.chars().rev().collect(),
        2 => format!("{word}{}", word.chars().last().expect("a word has letters")),
        3 => word.replace('_', "-"),
        4 => word.to_uppercase(),
        5 => format!("\"{word}\""),
        6 => "off".to_owned(),
        7 => format!("0{word}"),
        _ => format!("{word}_id"),
    };
    let text = format!("{}{new}{}", &text[..from], &text[to..]);
    match kind % 4 {
        0 => text.replace('\n', "\r\n"),
        1 => text.replacen("\n  ", "\n\t", at % 7),
        _ => text,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn fixing_twice_changes_nothing_more(
        example in any::<prop::sample::Index>(),
        slips in prop::collection::vec((0..9_usize, any::<usize>()), 1..5),
    ) {
        let examples = examples();
        let text = slips.iter().fold(example.get(&examples).clone(), |text, (kind, at)| slip(&text, *kind, *at));
        let (documents, before) = read(&text);
        let Some(repaired) = repair(&text) else { return Ok(()) };
        prop_assert_eq!(repair(&repaired.text), None, "{}", repaired.text);
        prop_assert_eq!(repaired.text.lines().count(), text.lines().count());
        let (after, mistakes) = read(&repaired.text);
        if before == 0 {
            // Nothing was wrong: quotes alone were added, and everything means what it meant.
            prop_assert_eq!((after, mistakes), (documents, 0));
        }
    }
}
