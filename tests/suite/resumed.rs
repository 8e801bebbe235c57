//! Runs that are taken over: with the documents and in the folder that they began with, and never two at once of one machine.

use failback::journal::Lock;

use crate::support::CLASSIC_INVENTORY;
use crate::support::CLASSIC_PLAN;
use crate::support::Ended;
use crate::support::Folder;

const POLICY: &str = "kind: Policy\nversion: 1\nname: house\nrules:\n  - {id: ACME01, severity: warning, scope: plan, assert: \"plan.name != 'x'\", message: named}\n";

/// Returns how a run went on after it had waited for an approval that nobody gave.
fn resumed(folder: &Folder, from: &str, flags: &[&str]) -> Ended {
    let mut arguments = vec!["resume", "--auto-approve", "--speed", "max"];
    arguments.extend(flags);
    folder.run_in(from, &arguments)
}

#[test]
fn a_run_keeps_plan_and_inventory_by_what_they_are() {
    let plan = CLASSIC_PLAN.replace("inventory: classic.inventory.yaml\n", "");
    let both = format!("{plan}\n---\n{CLASSIC_INVENTORY}");
    let own =
        both.replace("name: classic\nrecovery_point", "name: classic\ninventory: own.yaml\nrecovery_point");
    assert_ne!(own, both);
    let folder = Folder::with(&[("p.yaml", &both), ("own.yaml", &own), ("house.policy.yaml", POLICY)]);
    for (plan, flags) in [
        ("p.yaml", ["--state-dir", "a", "--policy", "house.policy.yaml"].as_slice()),
        ("p.yaml", &["--state-dir", "b"]),
        ("own.yaml", &["--state-dir", "c"]),
        ("p.yaml", &["--state-dir", "d", "--inventory", "p.yaml"]),
    ] {
        let run = [["run", plan, "--speed", "max"].as_slice(), flags].concat();
        let ended = folder.run(&run);
        assert_eq!(ended.exit, 4, "{plan} {flags:?}: {}", ended.said());
        let ended = resumed(&folder, "", &flags[..2]);
        assert_eq!(ended.exit, 0, "{plan} {flags:?}: {}", ended.said());
    }
}

#[cfg(unix)]
#[test]
fn a_run_that_is_taken_over_from_another_folder_runs_the_commands_of_its_own() {
    let plan = format!(
        "{CLASSIC_PLAN}actions:\n  - {{name: mark, after: {{phase: commit, of: w1}}, run: {{command: [./mark.sh]}}}}\n"
    );
    let script = |word: &str| format!("#!/bin/sh\necho {word} > ran\n");
    let folder = Folder::with(&[
        ("act/a.plan.yaml", &plan),
        ("act/classic.inventory.yaml", CLASSIC_INVENTORY),
        ("act/mark.sh", &script("act")),
        ("other/mark.sh", &script("other")),
    ]);
    for script in ["act/mark.sh", "other/mark.sh"] {
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(folder.path().join(script), mode).expect("set");
    }
    let flags = ["--state-dir", "../state", "--real-actions"];
    let run = [["run", "a.plan.yaml", "--speed", "max"].as_slice(), &flags].concat();
    let ended = folder.run_in("act", &run);
    assert_eq!(ended.exit, 4, "{}", ended.said());
    let ended = resumed(&folder, "other", &flags);
    assert_eq!(ended.exit, 0, "{}", ended.said());
    assert_eq!(std::fs::read_to_string(folder.path().join("act/ran")).expect("it ran"), "act\n");
    assert!(!folder.path().join("other/ran").exists());
}

#[cfg(unix)]
#[test]
fn a_service_that_goes_on_with_a_run_runs_no_command_that_its_settings_do_not_allow() {
    let action = |name: &str, after: &str| {
        format!("  - {{name: {name}, after: {{phase: {after}, of: w1}}, run: {{command: [./{name}.sh]}}}}\n")
    };
    let plan = format!("{CLASSIC_PLAN}actions:\n{}{}", action("own", "commit"), action("other", "commit"));
    let script = |word: &str| format!("#!/bin/sh\necho {word} >> ran\n");
    let folder = Folder::with(&[
        ("plans/a.plan.yaml", &plan),
        ("plans/classic.inventory.yaml", CLASSIC_INVENTORY),
        ("plans/own.sh", &script("plan")),
        ("plans/other.sh", &script("plan")),
        ("etc/own.sh", &script("host")),
        ("etc/failback.yaml", "kind: Settings\nversion: 1\nallowed_commands: [[./own.sh]]\n"),
    ]);
    for script in ["plans/own.sh", "plans/other.sh", "etc/own.sh"] {
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(folder.path().join(script), mode).expect("set");
    }
    let ended = folder.run(&["run", "plans/a.plan.yaml", "--speed", "max", "--real-actions"]);
    assert_eq!(ended.exit, 4, "{}", ended.said());
    let ended = resumed(&folder, "", &["--allowed-only"]);
    assert_eq!(ended.exit, 2, "by which settings: {}", ended.said());
    let ended = resumed(&folder, "", &["--settings", "etc/failback.yaml", "--allowed-only"]);
    assert_eq!(ended.exit, 3, "{}", ended.said());
    assert!(ended.said().contains("do not allow its command"), "{}", ended.said());
    assert_eq!(std::fs::read_to_string(folder.path().join("etc/ran")).expect("one is allowed"), "host\n");
    assert!(!folder.path().join("plans/ran").exists(), "what lies beside the plan is not the host's");
}

/// Returns the folder of the one run that there is.
fn only_run(folder: &Folder) -> std::path::PathBuf {
    let runs = std::fs::read_dir(folder.path().join(".failback/runs")).expect("there are runs");
    let mut runs: Vec<_> = runs.map(|run| run.expect("it can be listed").path()).collect();
    assert_eq!(runs.len(), 1, "a run that is refused leaves no folder behind");
    runs.remove(0)
}

#[test]
fn two_runs_of_a_machine_are_not_under_way_at_once() {
    let others = CLASSIC_PLAN.replace("name: classic", "name: others");
    let (head, _) = others.split_once("machines:").expect("the plan lists its machines last");
    let other = |name: &str| format!("{head}machines: [{name}]\n");
    let folder = Folder::with(&[
        ("classic.plan.yaml", CLASSIC_PLAN),
        ("classic.inventory.yaml", CLASSIC_INVENTORY),
        ("other.plan.yaml", &other("w2").replace("name: others", "name: other")),
    ]);
    let run = ["run", "other.plan.yaml", "--speed", "max"];
    assert_eq!(folder.run(&run).exit, 4);
    let first = only_run(&folder);
    let id = first.file_name().expect("it has a name").to_string_lossy().into_owned();
    // Another process, as far as locks are concerned.
    let driven = Lock::take(&first).expect("nobody drives it");
    let refused = folder.run(&["run", "classic.plan.yaml", "--speed", "max", "--auto-approve"]);
    assert_eq!(refused.exit, 5, "{}", refused.said());
    assert!(
        refused.err.contains(&format!("run {id} of plan other is under way and has w2")),
        "{}",
        refused.said()
    );
    only_run(&folder);
    folder.write("other.plan.yaml", other("w1").as_bytes());
    let beside = folder.run(&[run.as_slice(), &["--auto-approve"]].concat());
    assert_eq!(beside.exit, 0, "no machine is in both: {}", beside.said());
    drop(driven);
    let free = folder.run(&["run", "classic.plan.yaml", "--speed", "max", "--auto-approve"]);
    assert_eq!(free.exit, 0, "nobody drives the first run any more: {}", free.said());
}
