//! Plans that are made from what a vault holds.

use failback::id::MachineName;
use failback::import;
use failback::import::Imported;
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

fn import_of(text: &str, seen: &[SeenPlan], only: Option<&str>) -> Vec<Imported> {
    import::plans(
        &inventory(text),
        seen,
        &Wish { name: "rest", inventory: Some("seoul.inventory.yaml"), only },
    )
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
    let made = import_of(CLASSIC_INVENTORY, &[seen(), other], None);
    assert!(made.iter().all(|plan| plan.name != "again"), "its machines are all in the first");
}

#[test]
fn machines_that_are_home_need_no_plan() {
    let home = CLASSIC_INVENTORY.replace("state: failed_over_committed", "state: protected_to_azure");
    assert!(import_of(&home, &[seen()], None).is_empty());
}
