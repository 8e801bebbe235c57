//! Plans that are made from what a vault holds.

use failback::id::MachineName;
use failback::import;
use failback::import::Imported;
use failback::import::Made;
use failback::import::Wish;
use failback::provider::SeenAction;
use failback::provider::SeenDeed;
use failback::provider::SeenGroup;
use failback::provider::SeenPlan;

use crate::support::CLASSIC_INVENTORY;
use crate::support::Folder;
use crate::support::inventory;

fn action(name: &str, directions: &[&str], types: &[&str], deed: SeenDeed) -> SeenAction {
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    SeenAction { name: name.into(), failover_types: words(types), directions: words(directions), deed }
}

fn group(machines: &[&str], before: Vec<SeenAction>, after: Vec<SeenAction>) -> SeenGroup {
    let machines = machines.iter().map(|name| MachineName::new(*name)).collect();
    SeenGroup { machines, others: Vec::new(), before, after }
}

const BOTH: &[&str] = &["PrimaryToRecovery", "RecoveryToPrimary"];
const RUNBOOK: &str = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Automation/automationAccounts/aa-dr/runbooks/Warm-Cache";

fn seen() -> SeenPlan {
    let manual = SeenDeed::Manual { description: "The ledger balances".into() };
    let runbook = SeenDeed::Runbook { id: RUNBOOK.into(), timeout: Some("PT30M".into()), location: None };
    let script = SeenDeed::Script { path: "\\\\vmm\\scripts\\go.ps1".into() };
    SeenPlan {
        name: "erp".into(),
        groups: vec![
            group(&["w2", "l1"], vec![action("Ledger", BOTH, &["UnplannedFailover"], manual)], vec![]),
            group(
                &["w1", "elsewhere"],
                vec![action(
                    "There",
                    &["PrimaryToRecovery"],
                    &["UnplannedFailover"],
                    SeenDeed::Script { path: "x".into() },
                )],
                vec![
                    action("Warm", BOTH, &["UnplannedFailover", "TestFailover"], runbook),
                    action("Go", BOTH, &["UnplannedFailover"], script),
                ],
            ),
        ],
        shutdown: vec![],
        failover: vec![],
    }
}

fn made_of(text: &str, seen: &[SeenPlan], only: Option<&str>) -> Made {
    import::plans(
        &inventory(text),
        seen,
        &Wish { name: "rest", inventory: Some("seoul.inventory.yaml"), only },
    )
}

fn import_of(text: &str, seen: &[SeenPlan], only: Option<&str>) -> Vec<Imported> {
    made_of(text, seen, only).plans
}

#[test]
fn a_recovery_plan_becomes_a_plan_and_says_what_it_could_not_carry_over() {
    let grouped = format!("{CLASSIC_INVENTORY}replication_groups: [{{name: erp-db, members: [w2, w3]}}]\n");
    let made = import_of(&grouped, &[seen()], Some("erp"));
    assert_eq!(made.len(), 1);
    insta::assert_snapshot!(made[0].text, @r#"
# Made from the vault vault-seoul.
#
# To be looked at:
#   * `elsewhere` is left out: the vault has no such replicated item
#   * action `There` is left out: it runs only on the way to Azure
#   * action `Go` is left out: the script `\\vmm\scripts\go.ps1` lies on a server of the site; have a `run:` action reach it
#   * replication group `erp-db` has members that this plan does not: w3; they fail over together or not at all
#   * `datastore: vmfs1` was chosen, the largest that new disks can be made on; a machine that returns to its own disks ignores it
kind: RecoveryPlan
version: 1
name: erp
description: The machines of the recovery plan erp of vault-seoul back on-premises
inventory: seoul.inventory.yaml
baseline: current
recovery_point: latest
defaults:
  failback:
    process_server: ps-az
    datastore: vmfs1
  forward:
    process_server: ps-on
  by_os:
    windows:
      failback:
        master_target: mtw
        retention_volume: 'R:'
    linux:
      failback:
        master_target: mtl
        retention_volume: /mnt/retention
  failover: on_approval
  commit: on_approval
  final_state: protected
replication_groups:
- name: erp-db
  machines:
  - w2
machines:
- l1
- w1
boot_groups:
- name: group 1
  members:
  - erp-db
  - l1
- name: group 2
  members:
  - w1
actions:
- name: Ledger
  before:
    phase: failover
    of: group 1
  manual:
    prompt: The ledger balances
- name: Warm
  after:
    phase: failover
    of: group 2
  runbook:
    automation_account: aa-dr
    name: Warm-Cache
  timeout: 30m
"#);
}

#[test]
fn what_is_made_passes_the_check_or_shows_why_not() {
    let made = import_of(CLASSIC_INVENTORY, &[seen()], None);
    assert_eq!(made.iter().map(|plan| plan.name.as_str()).collect::<Vec<_>>(), ["erp", "rest"]);
    let folder = Folder::with(&[
        ("seoul.inventory.yaml", CLASSIC_INVENTORY),
        ("erp.plan.yaml", &made[0].text),
        ("rest.plan.yaml", &made[1].text),
    ]);
    let checked = folder.run(&["check", "."]);
    assert_eq!(checked.exit, 0, "{}", checked.said());
}

#[test]
fn no_machine_is_brought_home_by_two_plans() {
    let mut other = seen();
    other.name = "again".into();
    let made = made_of(CLASSIC_INVENTORY, &[seen(), other], None);
    assert!(made.plans.iter().all(|plan| plan.name != "again"), "its machines are all in the first");
    let [left_out] = made.left_out.as_slice() else { panic!("{made:?}") };
    assert_eq!(
        (left_out.name.as_str(), left_out.reason.as_str()),
        ("again", "none of its machines comes home with it"),
        "one of its machines is nowhere"
    );
    assert!(
        left_out.notes.iter().any(|note| note.starts_with("action `Ledger` is left out: ")),
        "what is lost with it is told: {left_out:?}"
    );
}

#[test]
fn a_recovery_plan_whose_machines_another_brings_home_is_told_of() {
    let mut all = seen();
    all.groups[1].machines.pop();
    let again = SeenPlan { name: "again".into(), ..all.clone() };
    let empty = SeenPlan { name: "empty".into(), groups: vec![group(&[], vec![], vec![])], ..all.clone() };
    let made = made_of(CLASSIC_INVENTORY, &[all, again, empty], None);
    let told: Vec<(&str, &str)> =
        made.left_out.iter().map(|plan| (plan.name.as_str(), plan.reason.as_str())).collect();
    assert_eq!(
        told,
        [
            ("again", "`erp` brings all its machines home"),
            ("empty", "it holds no virtual machine of VMware and no physical server")
        ]
    );
}

#[test]
fn names_and_prompts_that_no_document_may_hold_are_made_plain() {
    let manual = SeenDeed::Manual { description: "Look\r\nat \u{1b}[31mit".into() };
    let odd = SeenPlan {
        name: "erp\u{7}".into(),
        groups: vec![group(
            &["w1"],
            vec![action("Two\nlines", BOTH, &["UnplannedFailover"], manual)],
            vec![],
        )],
        ..seen()
    };
    let unnamed = SeenPlan { name: " ".into(), groups: vec![group(&["w2"], vec![], vec![])], ..seen() };
    let same = SeenPlan { name: "ERP".into(), groups: vec![group(&["l1"], vec![], vec![])], ..seen() };
    let made = import_of(CLASSIC_INVENTORY, &[odd, unnamed, same], None);
    let names: Vec<&str> = made.iter().map(|plan| plan.name.as_str()).collect();
    assert_eq!(names, ["erp", "unnamed", "ERP 2", "rest"]);
    let all: Vec<&String> = made.iter().flat_map(|plan| &plan.notes).collect();
    for note in [
        "the name `erp` held control characters",
        "the name `Two lines` held control characters",
        "the prompt of action `Two lines` held control characters",
        "the recovery plan has no name in the vault, and is called `unnamed` here",
        "another plan is called `ERP`, so that this one is called `ERP 2`",
    ] {
        assert!(all.iter().any(|told| told.starts_with(note)), "{note}: {all:#?}");
    }
    let mut files = vec![("seoul.inventory.yaml", CLASSIC_INVENTORY)];
    files.push(("erp.plan.yaml", &made[0].text));
    let checked = Folder::with(&files).run(&["check", "."]);
    assert_eq!(checked.exit, 0, "{}", checked.said());
}

#[test]
fn machines_that_are_home_need_no_plan() {
    let home = CLASSIC_INVENTORY.replace("state: failed_over_committed", "state: protected_to_azure");
    assert!(import_of(&home, &[seen()], None).is_empty());
}
