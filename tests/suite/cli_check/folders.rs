//! Folders: what is walked, and what can not be read.

use crate::cli_check::SMALL;
use crate::support::Folder;

#[test]
fn two_plans_of_one_name_are_reported_with_both_places() {
    let folder = Folder::with(&[
        ("plans/a.plan.yaml", &format!("{SMALL}machines: [w1]\n")),
        ("plans/b.plan.yaml", &format!("# another\n{SMALL}machines: [w1]\n")),
    ]);
    let ended = folder.run(&["check"]);
    assert_eq!(ended.exit, 1);
    assert!(
        ended.out.contains("plans/b.plan.yaml:4:7") && ended.out.contains("plans/a.plan.yaml:3:7"),
        "{}",
        ended.out
    );
    let same = folder.run(&["check", "plans/a.plan.yaml", "./plans/a.plan.yaml"]);
    assert_eq!(same.exit, 0, "{}", same.out);
}

#[test]
fn a_folder_is_walked_and_what_is_not_ours_is_left_alone() {
    let folder = Folder::with(&[
        ("plans/deep/er/a.yml", &format!("{SMALL}machines: [w1]\n")),
        ("plans/compose.yaml", "services: {web: {image: nginx}}\n"),
        ("plans/deployment.yaml", "kind: Deployment\n"),
        ("plans/.hidden/b.yaml", "kind: RecoverPlan\n"),
        ("plans/notes.txt", "kind: RecoverPlan\n"),
        ("plans/misspelt.yaml", "kind: RecoverPlan\n"),
        ("plans/empty.plan.yaml", ""),
    ]);
    let ended = folder.run(&["check", "--format", "json"]);
    let json = ended.json();
    let mut files: Vec<_> = json["findings"]
        .as_array()
        .expect("a list")
        .iter()
        .filter(|finding| finding["plan"].is_null())
        .map(|finding| finding["location"]["file"].as_str())
        .collect();
    files.dedup();
    assert_eq!(files, [Some("plans/empty.plan.yaml"), Some("plans/misspelt.yaml")]);
    let named = folder.run(&["check", "plans/deployment.yaml"]);
    assert_eq!(named.exit, 1);
}

#[cfg(unix)]
#[test]
fn links_that_go_round_are_followed_once() {
    let folder = Folder::with(&[("plans/a.yaml", &format!("{SMALL}machines: [w1]\n"))]);
    std::os::unix::fs::symlink("..", folder.path().join("plans/up")).expect("linked");
    std::os::unix::fs::symlink("a.yaml", folder.path().join("plans/again.yaml")).expect("linked");
    let ended = folder.run(&["check"]);
    assert_eq!(ended.exit, 0, "{}", ended.said());
    assert_eq!(ended.out.matches("small: may run").count(), 1, "{}", ended.out);
}

#[test]
fn files_that_cannot_be_read_are_told_and_the_others_are_checked() {
    let folder =
        Folder::with(&[("a.yaml", &format!("{SMALL}machines: [w1]\n")), ("large.yaml", &"#".repeat(2000))]);
    folder.write("wide.yaml", &[0xff, 0xfe, b'a', 0]);
    folder.write("bytes.yaml", b"kind: RecoveryPlan\nversion: 1\nname: \xff\n");
    std::fs::create_dir(folder.path().join("empty")).expect("made");
    let ended = folder.run(&[
        "check",
        "a.yaml",
        "large.yaml",
        "wide.yaml",
        "a.yml",
        "bytes.yaml",
        "--max-file-size",
        "1 KB",
    ]);
    let said = ended.said();
    let (before, rest) = said.split_once("warning[FB514]").expect("the plan is checked");
    let (_, after) = rest.split_once(" may run").expect("it may run");
    let (_, after) = after.split_once('\n').expect("lines end");
    insta::assert_snapshot!(format!("{before}small: may run\n{after}"), @r#"
exit 2
--- out
error[bad-utf8]: a byte here is not UTF-8
 --> bytes.yaml:3:7
  |
3 | name: �
  |       ^
  |
  = help: save the file as UTF-8

small: may run
--- err
error[unreadable-file]: `large.yaml` has 2000 bytes or more; the limit is 1000
help: split it into several files, or raise --max-file-size

error[unreadable-file]: `wide.yaml` is UTF-16, not UTF-8
help: save it as UTF-8

error[unreadable-file]: `a.yml` does not exist
help: did you mean `a.yaml`?
"#);
    let nothing = folder.run(&["check", "empty"]);
    insta::assert_snapshot!(nothing.said(), @r#"
exit 2
--- err
error: no plan in `empty`
help: a plan is a YAML file that begins with `kind: RecoveryPlan`
"#);
    insta::assert_snapshot!(folder.run(&["check"]).said(), @r#"
exit 2
--- err
error: there is no folder `plans` here
help: name what to check: failback check PATH…
"#);
}
