//! The command line as such: help, wrong words, exit codes, `explain` and `schema`.

use std::process::Command;

use crate::support::CLASSIC_INVENTORY;
use crate::support::CLASSIC_PLAN;
use crate::support::Folder;

#[test]
fn a_wrong_command_line_ends_with_two_and_help_with_zero() {
    let folder = Folder::with(&[]);
    for arguments in [
        &["chek"][..],
        &[],
        &["check", "--now", "today"],
        &["check", "--max-file-size", "1"],
        &["check", "-q", "-v"],
        &["explain", "FB999"],
        &["schema", "plan"],
    ] {
        let ended = folder.run(arguments);
        assert_eq!(ended.exit, 2, "{arguments:?}");
        assert!(ended.out.is_empty() && !ended.err.is_empty(), "{arguments:?}: {}", ended.said());
    }
    let help = folder.run(&["--help"]);
    assert_eq!((help.exit, help.err.as_str()), (0, ""));
    assert_eq!(folder.run(&["--version"]).exit, 0);
}

#[test]
fn help_changes_only_on_purpose() {
    let folder = Folder::with(&[]);
    let help = |command: &[&str]| folder.run(&[command, &["--help"]].concat()).out;
    let mut all = help(&[]);
    let commands = all.split("Commands:\n").nth(1).expect("there are commands").to_owned();
    for line in commands.lines().take_while(|line| !line.is_empty()) {
        // A line that goes on with the words about a command begins further right.
        if let Some(command) = line.strip_prefix("  ").filter(|line| !line.starts_with(' ')) {
            let command = command.split(' ').next().expect("a line has a word");
            all.push_str(&format!("\n===== {command}\n{}", help(&[command])));
        }
    }
    insta::assert_snapshot!(all);
}

#[test]
fn a_flag_that_says_nothing_more_or_less_is_not_listed_and_still_taken() {
    let folder = Folder::with(&[]);
    for (command, quiet, verbose) in [
        ("check", true, true),
        ("plan", true, true),
        ("run", true, true),
        ("graph", true, false),
        ("init", true, false),
        ("show", false, false),
        ("runs", false, false),
        ("explain", false, false),
    ] {
        let help = folder.run(&[command, "--help"]).out;
        assert_eq!(
            (help.contains("--quiet"), help.contains("--verbose")),
            (quiet, verbose),
            "{command}: {help}"
        );
        assert!(help.contains("--color"), "{command}");
    }
    let explained = folder.run(&["explain", "FB001"]).said();
    for arguments in [&["explain", "FB001", "-q"][..], &["-v", "explain", "FB001"]] {
        assert_eq!(folder.run(arguments).said(), explained, "{arguments:?}");
    }
    assert_eq!(folder.run(&["runs", "-q", "-v"]).exit, 2);
}

#[test]
fn a_quiet_dry_run_says_only_what_refuses() {
    let folder =
        Folder::with(&[("p.plan.yaml", CLASSIC_PLAN), ("classic.inventory.yaml", CLASSIC_INVENTORY)]);
    for arguments in [&["-q", "plan", "p.plan.yaml"][..], &["plan", "p.plan.yaml", "-q", "-o", "saved.json"]]
    {
        let ended = folder.run(arguments);
        assert_eq!((ended.exit, ended.out.as_str(), ended.err.as_str()), (0, "", ""), "{arguments:?}");
    }
    let refused = CLASSIC_PLAN.replace("  - name: w3", "  - name: w33");
    let folder = Folder::with(&[("p.plan.yaml", &refused), ("classic.inventory.yaml", CLASSIC_INVENTORY)]);
    let ended = folder.run(&["plan", "-q", "p.plan.yaml"]);
    assert!(ended.exit == 1 && ended.err.contains("FB500"), "{}", ended.said());
}

#[test]
fn a_rule_is_explained_by_its_id_or_name_in_any_case() {
    let folder = Folder::with(&[]);
    let by_id = folder.run(&["explain", "fb001"]);
    insta::assert_snapshot!(by_id.said(), @r#"
exit 0
--- out
FB001 migration-completed: migration was completed in Site Recovery

severity      error; never accepted
architecture  both
origin        the article of 2017 (S02)
evaluated     from plan and inventory; on observed facts
articles      site-recovery-failback-azure-to-vmware, introduction (2017-06-05)
              vmware-azure-reprotect, Before you begin
              site-recovery-migrate-to-azure, What do we mean by migration

### What it checks
A machine whose migration to Azure was declared final.

### Why
Completing the migration ends the machine's protection; nothing is left that could bring it back.

### What to do
Remove the machine from the plan and bring it home by other means: a backup, or a rebuild.

### Facts it needs
- machines                 Site Recovery, in the vault
- asr                      Site Recovery, in the vault
- asr.migration_completed  a person who knows the site; no service tells it

### Example
When the migration was completed, in a healthy classic world with this change:

    inventory:
      machines:
        w1:
          asr:
            migration_completed: true

error[FB001]: w1: migration was completed, so failback is no longer possible
   --> inventory.yaml:206:26
    |
206 |     migration_completed: true
    |                          ^^^^
    |
   ::: plan.yaml:13:11
    |
 13 |   - name: w1
    |           -- the plan brings it back here
    |
    = help: remove the machine from the plan; bring it home by other means (backup and restore, rebuild)
    = rule: FB001 migration-completed — site-recovery-failback-azure-to-vmware, introduction (2017-06-05); vmware-azure-reprotect, Before you begin; site-recovery-migrate-to-azure, What do we mean by migration
"#);
    assert_eq!(folder.run(&["explain", "Migration-Completed"]).out, by_id.out);
    let near = folder.run(&["explain", "migration-complete"]);
    assert_eq!(
        near.err,
        "error: there is no rule `migration-complete`\nhelp: did you mean `migration-completed`?\n"
    );
}

#[test]
fn every_rule_can_be_explained_and_its_facts_have_a_source() {
    let folder = Folder::with(&[]);
    let list = folder.run(&["explain"]).out;
    let json = folder.run(&["explain", "--format", "json"]).json();
    assert_eq!(json["rules"].as_array().expect("a list").len(), failback::rules::all().count());
    for rule in failback::rules::all() {
        assert!(
            list.lines().any(|line| line.starts_with(rule.id) && line.contains(rule.name)),
            "{}",
            rule.id
        );
        let ended = folder.run(&["explain", rule.id]);
        assert_eq!(ended.exit, 0, "{}", ended.err);
        assert!(
            ended.out.contains(&format!("[{}]:", rule.id)),
            "{} shows no finding: {}",
            rule.id,
            ended.out
        );
        let derived = matches!(rule.check, failback::rules::Check::Steps(_));
        assert_eq!(ended.out.contains("True by construction"), derived, "{}", rule.id);
        for fact in rule.facts {
            assert!(failback::model::fact_source::find(fact).is_some(), "{}: nobody knows `{fact}`", rule.id);
        }
    }
}

#[test]
fn schemas_are_printed_and_listed() {
    let folder = Folder::with(&[]);
    assert_eq!(folder.run(&["schema"]).out, "recovery-plan\ninventory\npolicy\nsettings\n");
    let schema = folder.run(&["schema", "inventory"]);
    assert_eq!(schema.json()["$id"], "inventory.schema.json");
    assert!(schema.out.ends_with("}\n"));
}

#[test]
fn the_program_itself_ends_with_the_code() {
    let folder = Folder::with(&[("plans/p.yaml", "kind: RecoveryPlan\nversion: 1\nname: p\nmachnes: []\n")]);
    let run = |arguments: &[&str]| {
        Command::new(env!("CARGO_BIN_EXE_failback"))
            .args(arguments)
            .current_dir(folder.path())
            .output()
            .expect("it runs")
    };
    let ended = run(&["check", "--color", "never"]);
    assert_eq!(ended.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&ended.stdout).contains("error[unknown-key]"));
    assert_eq!(run(&["check", "nowhere"]).status.code(), Some(2));
    assert!(run(&["check", "--color", "always"]).stdout.contains(&0x1b));
    assert!(!run(&["check"]).stdout.contains(&0x1b));
}
