//! `check`, from the command line to the exit code.

mod facts;
mod folders;

use crate::support::CLASSIC_INVENTORY;
use crate::support::CLASSIC_PLAN;
use crate::support::Folder;

const SMALL: &str = "kind: RecoveryPlan\nversion: 1\nname: small\n";

const FACTS: &str = "kind: Inventory\nversion: 1\nname: seoul\n";

fn classic() -> Folder {
    Folder::with(&[
        ("plans/classic.plan.yaml", CLASSIC_PLAN),
        ("plans/classic.inventory.yaml", CLASSIC_INVENTORY),
    ])
}

/// The classic world, with a machine to be made anew on vSAN.
fn troubled() -> Folder {
    let w3 = "  - {name: w3, failback: {datastore: vsan1, delete_existing_vm: true}}";
    Folder::with(&[
        ("plans/classic.plan.yaml", &CLASSIC_PLAN.replace("  - name: w3", w3)),
        ("plans/classic.inventory.yaml", CLASSIC_INVENTORY),
    ])
}

#[test]
fn a_healthy_world_passes_strictly_once_two_keys_are_said() {
    let modernized = (
        include_str!("../../worlds/modernized.plan.yaml"),
        include_str!("../../worlds/modernized.inventory.yaml"),
    );
    let vault = "asr: {failover_vault: {name: vault-seoul-m, experience: modernized}, ";
    let none = "\nreplication_groups: []\n";
    for (plan, inventory, now, with_vault) in [
        (CLASSIC_PLAN, CLASSIC_INVENTORY, "2025-06-01T00:00:00Z", false),
        (modernized.0, modernized.1, "2026-11-01T00:00:00Z", true),
    ] {
        let strict = |inventory: &str| {
            let folder = Folder::with(&[("w.plan.yaml", plan), ("w.inventory.yaml", inventory)]);
            let ended = folder.run(&[
                "check",
                "w.plan.yaml",
                "--inventory",
                "w.inventory.yaml",
                "--strict",
                "--now",
                now,
            ]);
            (ended.exit, ended.out)
        };
        let said = format!("{inventory}{none}");
        let all = said.replace("asr: {", vault);
        assert_eq!(strict(inventory).0, 1);
        assert_eq!(strict(&said).0, u8::from(with_vault), "{}", strict(&said).1);
        assert_eq!(strict(&all).0, 0, "{}", strict(&all).1);
    }
}

#[test]
fn a_healthy_plan_may_run() {
    insta::assert_snapshot!(classic().run(&["check"]).said(), @r#"
exit 0
--- out
warning[FB716]: classic: a classic failback can be neither cancelled nor tried again if a machine does not come up
 --> plans/classic.plan.yaml:4:7
  |
4 | name: classic
  |       ^^^^^^^
  |
  = help: take backups in Azure before the window and verify before the commit; then accept the finding with a waiver
  = rule: FB716 classic-failback-not-repeatable — vmware-azure-tutorial-failover-failback-modernized, Cancel planned failover

info[FB714]: classic: 4 machines are down from the shut-down in Azure until they run on-premises (plans/classic.plan.yaml:4:7)
info[FB607]: classic: the latest recovery point is crash-consistent; all 4 machines go to it (plans/classic.plan.yaml:6:17)
pending: the run will wait for: FB600 ×4, FB601 ×1, FB700 ×4
not measured: 7 rules need `asr.agent_version_at_last_reboot`, `asr.failover_vault`, `churn`, `network.reachable`, `replication_groups`, which the inventory leaves out; -v tells which

classic: may run, 1 warning, 2 infos, 9 pending (facts as of 2025-06-01T00:00Z)
"#);
}

#[test]
fn every_line_of_a_cycle_is_shown() {
    let plan = CLASSIC_PLAN
        .replace("  - name: w1", "  - {name: w1, depends_on: [w2]}")
        .replace("  - name: w2", "  - {name: w2, depends_on: [w3]}")
        .replace("  - name: w3", "  - {name: w3, depends_on: [l1]}")
        .replace("  - name: l1", "  - name: l1\n    depends_on: [w1]");
    let folder = Folder::with(&[("p.plan.yaml", &plan), ("classic.inventory.yaml", CLASSIC_INVENTORY)]);
    let ended = folder.run(&["check", "p.plan.yaml", "-q"]);
    assert_eq!(ended.exit, 1, "{}", ended.said());
    for (machine, before) in [("w1", "w2"), ("w2", "w3"), ("w3", "l1"), ("l1", "w1")] {
        let waits = format!("failover of {machine} waits for verify of {before} (`depends_on`)");
        assert_eq!(ended.out.matches(&waits).count(), 1, "{waits}: {}", ended.out);
        let lasts = format!("verify of {machine} waits for failover of {machine} (life cycle)");
        assert_eq!(ended.out.matches(&lasts).count(), 1, "{lasts}: {}", ended.out);
    }
    assert!(!ended.out.contains("more places"), "{}", ended.out);
    assert!(ended.out.contains("= also: "), "places without an excerpt are named, too: {}", ended.out);
}

#[test]
fn a_refused_plan_says_what_where_why_and_what_to_do() {
    insta::assert_snapshot!(troubled().run(&["check", "plans/classic.plan.yaml"]).said(), @r#"
exit 1
--- out
error[FB123]: w3: its disks are made anew, which is possible only on VMFS; vsan1 is vSAN
  --> plans/classic.plan.yaml:15:38
   |
15 |   - {name: w3, failback: {datastore: vsan1, delete_existing_vm: true}}
   |                                      ^^^^^                      ---- its on-premises VM is to be deleted, so it comes back as a new one
   |
  ::: plans/classic.inventory.yaml:41:25
   |
41 |   - {name: vsan1, type: vsan, vcenter: vc1, free_gb: 20480, accessible: true, access: {esx1: rw, esx2: rw}}
   |                         ---- vsan1 is vSAN
   |
   = help: name a VMFS datastore of the master target's host
   = rule: FB123 alr-vsan-target — site-recovery-failback-azure-to-vmware, Alternate location recovery (2017-06-05); changed by concepts-types-of-failback (2019-05)

warning[FB716]: classic: a classic failback can be neither cancelled nor tried again if a machine does not come up
 --> plans/classic.plan.yaml:4:7
  |
4 | name: classic
  |       ^^^^^^^
  |
  = help: take backups in Azure before the window and verify before the commit; then accept the finding with a waiver
  = rule: FB716 classic-failback-not-repeatable — vmware-azure-tutorial-failover-failback-modernized, Cancel planned failover

info[FB714]: classic: 4 machines are down from the shut-down in Azure until they run on-premises (plans/classic.plan.yaml:4:7)
info[FB607]: classic: the latest recovery point is crash-consistent; all 4 machines go to it (plans/classic.plan.yaml:6:17)
info[FB128]: w3: its disks are downloaded whole (200 GiB), then what changed meanwhile (plans/classic.plan.yaml:15:12)
pending: the run will wait for: FB600 ×4, FB601 ×1, FB700 ×4
not measured: 7 rules need `asr.agent_version_at_last_reboot`, `asr.failover_vault`, `churn`, `network.reachable`, `replication_groups`, which the inventory leaves out; -v tells which

classic: 1 error, 1 warning, 3 infos, 9 pending (facts as of 2025-06-01T00:00Z)
"#);
}

#[test]
fn quiet_says_only_what_refuses_and_verbose_says_everything() {
    let folder = troubled();
    let quiet = folder.run(&["check", "-q"]);
    assert_eq!(quiet.exit, 1);
    assert!(
        quiet.out.contains("error[FB123]")
            && !quiet.out.contains("pending")
            && !quiet.out.contains("facts as of")
    );
    let verbose = folder.run(&["-v", "check"]);
    assert!(verbose.out.contains("pending[FB600]"), "{}", verbose.out);
    assert_eq!(classic().run(&["check", "-q"]).said(), "exit 0\n");
    let facts = CLASSIC_INVENTORY.replace("state: failed_over_committed", "x-state: unknown");
    assert_ne!(facts, CLASSIC_INVENTORY);
    folder.write("plans/classic.plan.yaml", CLASSIC_PLAN.as_bytes());
    folder.write("plans/classic.inventory.yaml", facts.as_bytes());
    let undecided = folder.run(&["check"]);
    assert!(undecided.out.contains("undecided: `state` of"), "{}", undecided.out);
    let each = folder.run(&["check", "-v"]);
    assert!(each.out.contains("undecided[FB008]") && each.out.contains("= from: `state`"), "{}", each.out);
}

#[test]
fn json_has_every_finding_with_its_place() {
    let ended = troubled().run(&["check", "--format", "json"]);
    let json = ended.json();
    assert_eq!((ended.exit, json["version"].as_u64()), (1, Some(1)));
    let findings = json["findings"].as_array().expect("a list");
    let found = findings.iter().find(|finding| finding["rule"] == "FB123").expect("it is found");
    insta::assert_json_snapshot!(found, @r#"
{
  "help": "name a VMFS datastore of the master target's host",
  "location": {
    "column": 38,
    "end_column": 43,
    "end_line": 15,
    "file": "plans/classic.plan.yaml",
    "line": 15
  },
  "message": "w3: its disks are made anew, which is possible only on VMFS; vsan1 is vSAN",
  "name": "alr-vsan-target",
  "plan": "classic",
  "related": [
    {
      "location": {
        "column": 25,
        "end_column": 29,
        "end_line": 41,
        "file": "plans/classic.inventory.yaml",
        "line": 41
      },
      "message": "vsan1 is vSAN"
    },
    {
      "location": {
        "column": 65,
        "end_column": 69,
        "end_line": 15,
        "file": "plans/classic.plan.yaml",
        "line": 15
      },
      "message": "its on-premises VM is to be deleted, so it comes back as a new one"
    }
  ],
  "rule": "FB123",
  "severity": "error",
  "source": "site-recovery-failback-azure-to-vmware, Alternate location recovery (2017-06-05); changed by concepts-types-of-failback (2019-05)",
  "state": "violated",
  "subject": {
    "kind": "machine",
    "name": "w3"
  }
}
"#);
    let counted = |state: &str, severity: Option<&str>| {
        let is = |finding: &&serde_json::Value| {
            finding["state"] == state && severity.is_none_or(|severity| finding["severity"] == severity)
        };
        findings.iter().filter(is).count() as u64
    };
    let summary = &json["summary"];
    for (key, state, severity) in [
        ("errors", "violated", Some("error")),
        ("warnings", "violated", Some("warning")),
        ("infos", "violated", Some("info")),
        ("indeterminate", "indeterminate", None),
        ("pending", "pending", None),
        ("waived", "waived", None),
    ] {
        assert_eq!(summary[key].as_u64(), Some(counted(state, severity)), "{key}");
    }
}

#[test]
fn mistakes_of_a_document_are_findings_of_it() {
    let folder = Folder::with(&[("p.yaml", "kind: RecoveryPlan\nversion: 1\nname: p\nmachnes: []\n")]);
    let ended = folder.run(&["check", "p.yaml", "nope.yaml", "--format", "json"]);
    assert_eq!((ended.exit, ended.err.as_str()), (2, ""));
    insta::assert_json_snapshot!(ended.json(), @r#"
{
  "findings": [
    {
      "help": null,
      "location": null,
      "message": "`nope.yaml` does not exist",
      "name": "unreadable-file",
      "plan": null,
      "related": [],
      "rule": "unreadable-file",
      "severity": "error",
      "source": null,
      "state": "violated",
      "subject": {
        "kind": "document",
        "name": "nope.yaml"
      }
    },
    {
      "fix": {
        "edits": [
          {
            "end": {
              "column": 8,
              "line": 4
            },
            "file": "p.yaml",
            "start": {
              "column": 1,
              "line": 4
            },
            "text": "machines"
          }
        ],
        "title": "rename `machnes` to `machines`"
      },
      "help": "did you mean `machines`?",
      "location": {
        "column": 1,
        "end_column": 8,
        "end_line": 4,
        "file": "p.yaml",
        "line": 4
      },
      "message": "unknown key `machnes`",
      "name": "unknown-key",
      "plan": null,
      "related": [],
      "rule": "unknown-key",
      "severity": "error",
      "source": null,
      "state": "violated",
      "subject": {
        "kind": "document",
        "name": "p.yaml"
      }
    }
  ],
  "recovery_points": [],
  "summary": {
    "errors": 2,
    "indeterminate": 0,
    "infos": 0,
    "pending": 0,
    "unmeasured": 0,
    "waived": 0,
    "warnings": 0
  },
  "version": 1
}
"#);
}

#[test]
fn a_finding_can_be_waived_with_a_reason_until_a_day() {
    let waiver = "waivers: [{rule: FB514, of: [w1], reason: \"moves away, CAB-7\", until: 2025-07-01}]\n";
    let plan = CLASSIC_PLAN
        .replace("  final_state: protected\n", "")
        .replace("  forward: {process_server: ps-on}\n", "")
        + waiver;
    let folder = Folder::with(&[("classic.plan.yaml", &plan), ("classic.inventory.yaml", CLASSIC_INVENTORY)]);
    let ended = folder.run(&["check", "."]);
    assert!(
        ended.out.contains("waived[FB514]: w1") && ended.out.contains("— moves away, CAB-7"),
        "{}",
        ended.out
    );
    let later = folder.run(&["check", ".", "--now", "2025-07-02T00:00:00Z"]);
    assert!(!later.out.contains("waived[FB514]"), "{}", later.out);
}

#[test]
fn the_origin_of_rules_can_be_chosen() {
    let folder = Folder::with(&[("p.plan.yaml", &format!("{SMALL}machines: [w1]\n"))]);
    let rules = |origin: &str| {
        let json = folder.run(&["check", ".", "--format", "json", "--origin", origin]).json();
        json["findings"].as_array().expect("a list").len()
    };
    assert!(rules("seed") < rules("all"));
}

#[test]
fn a_plan_with_a_mistake_of_syntax_may_not_run() {
    for machines in ["[*foo]", "&a [*a]", "[w1]\nname: again"] {
        let folder = Folder::with(&[("p.plan.yaml", &format!("{SMALL}machines: {machines}\n"))]);
        let ended = folder.run(&["check", "p.plan.yaml"]);
        assert_eq!(ended.exit, 1, "{machines}: {}", ended.said());
        assert!(!ended.out.contains("may run"), "{machines}: {}", ended.said());
    }
}

#[test]
fn a_plan_that_brings_no_machine_back_is_refused_by_every_command() {
    for machines in ["", "machines: []\n"] {
        let folder = Folder::with(&[("p.plan.yaml", &format!("{SMALL}{machines}"))]);
        for command in ["check", "plan", "run", "graph"] {
            let ended = folder.run(&[command, "p.plan.yaml"]);
            let said = ended.said();
            assert_eq!(ended.exit, 1, "{command}: {said}");
            assert!(said.contains("error[no-machine]: the plan brings no machine back"), "{command}: {said}");
            assert!(said.contains("p.plan.yaml:3:7"), "{command}: {said}");
        }
    }
}

#[test]
fn a_boot_group_named_like_a_machine_is_refused_since_an_action_could_not_tell_them_apart() {
    let plan = format!("{CLASSIC_PLAN}\nboot_groups: [{{name: w3, members: [w1]}}]\n");
    let folder = Folder::with(&[("a.plan.yaml", &plan), ("classic.inventory.yaml", CLASSIC_INVENTORY)]);
    let said = folder.run(&["check", "a.plan.yaml"]).said();
    assert!(said.contains("error[duplicate-name]: `w3` names a machine and a boot group"), "{said}");
}
