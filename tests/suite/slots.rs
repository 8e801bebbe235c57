//! Where disks don't fit, a finding says what would: which machines on which server, or how much is missing.

use std::fmt::Write as _;

use failback::event::RunEventKind;
use failback::rules;
use failback::rules::Finding;
use failback::rules::fixture;
use failback::rules::fixture::Case;

use crate::estate::Estate;
use crate::estate::Vm;
use crate::lab;
use crate::lab::Process;
use crate::lab::laws::assert_home;
use crate::support::CLASSIC_INVENTORY;
use crate::support::CLASSIC_PLAN;
use crate::support::Folder;

/// A second Windows master target, on the host of the first.
const MTW2: &str = "{os: {family: windows, release: windows_server_2019}, form: vmware_vm, host: esx1, registered: true, \
    discovered: true, snapshots: 0, scsi_controllers: [lsilogic_sas], attached_disks: 3, vmware_tools_installed: true, \
    enable_uuid: true, retention_volumes: [{name: 'R:', fs: ntfs, capacity_gb: 1024, in_use: false, locked: false}], \
    version: '9.62', uuid: 564d0000-0000-0000-0000-0000000000cc, ram_gb: 16, cpu: 8, os_disk_gb: 120, \
    storage_vmotion_excluded: true}";

fn found(rule: &str, world: &str, plan: &str, inventory: &str) -> Vec<Finding> {
    let text = format!("{{name: case, world: {world}, plan: {plan}, inventory: {inventory}, expect: []}}");
    let case: Case = serde_yaml::from_str(&text).expect("the case is a case");
    let rule = rules::find(rule).expect("there is such a rule");
    let outcome = fixture::run(rule, &case).expect("the world can be changed");
    assert!(outcome.diagnostics.is_empty(), "{:#?}", outcome.diagnostics);
    outcome.findings
}

fn help(rule: &str, world: &str, plan: &str, inventory: &str) -> String {
    let found = found(rule, world, plan, inventory);
    assert_eq!(found.len(), 1, "{found:#?}");
    found[0].help.to_string()
}

#[test]
fn a_machine_on_another_master_target_saves_a_wave() {
    let inventory = format!("{{master_targets: {{mtw: {{attached_disks: 55}}, mtw2: {MTW2}}}}}");
    assert_eq!(
        help("FB208", "classic", "{}", &inventory),
        "assign w3 to mtw2: one wave instead of 2; now wave 1 is w1 and w2 (4 disks), wave 2 is w3 (2 disks)"
    );
    let plan = "{machines: {w3: {failback: {master_target: mtw2}}}}";
    assert_eq!(found("FB208", "classic", plan, &inventory), []);
}

/// Returns a plan and an inventory of Windows machines with so many disks each, on one master target that has room for `room`.
fn crowd(disks: &[u32], room: u32) -> Folder {
    let (head, _) = CLASSIC_INVENTORY.split_once("  - {<<: *w1, name: w2").expect("w2 comes after w1");
    let mut inventory = head.replacen("attached_disks: 3", &format!("attached_disks: {}", 60 - room), 1);
    let (_, azure_vm) = head.split_once("    azure_vm:\n").expect("w1 is in Azure");
    let (azure_vm, _) = azure_vm.split_once("      disks:\n").expect("its VM has disks");
    let (head, _) = CLASSIC_PLAN.split_once("  - name: w1").expect("w1 comes first");
    let mut plan = head.to_owned();
    for (number, disks) in disks.iter().enumerate() {
        let _ = writeln!(plan, "  - name: m{number}");
        let _ =
            write!(inventory, "  - <<: *w1\n    name: m{number}\n    azure_vm:\n{azure_vm}      disks:\n");
        for disk in 0..*disks {
            let _ = writeln!(
                inventory,
                "        - {{id: d{disk}, size_gb: 1, replicated_from_onprem: true, temporary: false}}"
            );
        }
        let _ = writeln!(
            inventory,
            "    onprem_vm: {{exists: true, name: m{number}, uuid: 564d0000-0000-0000-0000-00000000{number:04}, vcenter: vc1, \
             host: esx1, power_state: stopped, snapshots: 0, enable_uuid: true, tools: disabled, disks: [{{id: d0, kind: vmdk, \
             datastore: vmfs1, exists: true, attached: true, size_gb: 1, excluded: false}}]}}"
        );
    }
    Folder::with(&[("plan.yaml", &plan), ("classic.inventory.yaml", &inventory)])
}

/// Returns the waves that `check` tells, and those that `plan` makes.
fn told_and_planned(disks: &[u32], room: u32) -> (String, u64) {
    let folder = crowd(disks, room);
    let found = folder.run(&["check", "plan.yaml", "--format", "json"]).json();
    let found = found["findings"].as_array().expect("a list").clone();
    let told = found.iter().find(|finding| finding["rule"] == "FB208");
    let told = told.map_or("", |finding| finding["message"].as_str().expect("text"));
    let planned = folder.run(&["plan", "plan.yaml", "--format", "json"]).json();
    let waves =
        planned["machines"].as_array().expect("a list").iter().map(|machine| machine["wave"].as_u64());
    let told = told.split_once("come back in ").map_or("", |(_, waves)| waves);
    (told.to_owned(), waves.max().flatten().expect("a wave"))
}

#[test]
fn check_tells_the_fewest_waves_and_the_plan_has_as_many() {
    assert_eq!(told_and_planned(&[4, 4, 3, 3, 3, 3], 10), ("2 waves".to_owned(), 2));
    assert_eq!(told_and_planned(&[5, 5, 4, 4, 3, 3, 3, 3], 10), ("3 waves".to_owned(), 3));
    assert_eq!(told_and_planned(&[6, 6, 6], 10), ("3 waves".to_owned(), 3));
    assert_eq!(told_and_planned(&[4, 3, 3], 10), (String::new(), 1));
}

#[test]
fn what_is_told_to_be_the_fewest_waves_is() {
    let folder = crowd(&[4, 4, 3, 3, 3, 3], 10);
    let json = folder.run(&["check", "plan.yaml", "--format", "json"]).json();
    let mut found = json["findings"].as_array().expect("a list").iter();
    let told = found.find(|finding| finding["rule"] == "FB208").expect("it does not fit at once");
    assert_eq!(
        told["help"],
        "wave 1 is m0, m2 and m3 (10 disks), wave 2 is m1, m4 and m5 (10 disks); no other assignment to the servers of the \
         inventory takes fewer: add a server like mtw, or accept the waves"
    );
}

#[test]
fn a_group_moves_whole_and_only_if_that_moves_the_fewest_machines() {
    let with = |attached: u32| {
        format!(
            "{{replication_groups: [{{name: erp-db, members: [w1, w2]}}], \
             master_targets: {{mtw: {{attached_disks: {attached}}}, mtw2: {MTW2}}}}}"
        )
    };
    let plan = "{replication_groups: [{name: erp-db, machines: [w1, w2]}]}";
    assert!(
        help("FB208", "classic", plan, &with(56)).starts_with("assign w3 to mtw2: one wave instead of 2;")
    );
    // Four disks of the group and none beside them: only the group itself can go.
    let found = found("FB208", "classic", plan, &with(57));
    assert!(
        found[0].help.starts_with("assign group erp-db to mtw2: then the plan takes one wave"),
        "{found:#?}"
    );
}

#[test]
fn a_master_target_that_can_t_take_the_machine_is_no_way_out() {
    let least = "wave 1 is w1 and w2 (4 disks), wave 2 is w3 (2 disks); no other assignment to the servers of the \
                 inventory takes fewer: add a server like mtw, or accept the waves";
    // The Linux master target has room.
    assert_eq!(help("FB208", "classic", "{}", "{master_targets: {mtw: {attached_disks: 55}}}"), least);
    for why in [
        "snapshots: 1",
        "registered: false",
        "attached_disks: null",
        "retention_volumes: [{name: 'S:', fs: ntfs, capacity_gb: 1, in_use: false, locked: false}]",
        "host: esx9",
        "os: {family: linux, release: ubuntu_20_04}",
    ] {
        let other: serde_yaml::Value = serde_yaml::from_str(MTW2).expect("a server");
        let mut other = other.as_mapping().expect("keys").clone();
        let change: serde_yaml::Value = serde_yaml::from_str(&format!("{{{why}}}")).expect("a change");
        other.extend(change.as_mapping().expect("keys").clone());
        let other = serde_json::to_string(&other).expect("JSON is YAML");
        let inventory = format!("{{master_targets: {{mtw: {{attached_disks: 55}}, mtw2: {other}}}}}");
        assert_eq!(help("FB208", "classic", "{}", &inventory), least, "{why}");
    }
}

#[test]
fn the_disks_of_an_original_vm_must_be_in_reach_of_the_other_master_target() {
    let on = |host: &str| {
        let other = MTW2.replace("host: esx1", &format!("host: {host}"));
        format!(
            "{{datastores: {{vmfs1: {{access: {{esx2: null}}}}}}, \
             master_targets: {{mtw: {{attached_disks: 55}}, mtw2: {other}}}}}"
        )
    };
    assert!(help("FB208", "classic", "{}", &on("esx1")).starts_with("assign w3 to mtw2"));
    assert!(help("FB208", "classic", "{}", &on("esx2")).contains("no other assignment"));
}

#[test]
fn what_is_attached_stays_attached() {
    let inventory = format!(
        "{{master_targets: {{mtw: {{attached_disks: 57}}, mtw2: {MTW2}}}, \
         machines: {{w1: {{state: protected_to_onprem}}}}}}"
    );
    assert!(
        help("FB208", "classic", "{}", &inventory).starts_with("assign w3 to mtw2: one wave instead of 2")
    );
}

#[test]
fn a_shortfall_is_told_with_the_ways_out() {
    assert_eq!(
        help(
            "FB208",
            "classic",
            "{machines: {w2: null, w3: null}}",
            "{master_targets: {mtw: {attached_disks: 59}}}"
        ),
        "1 disk too many: w1 has 2 and mtw takes 1; free 1 of the 59 slots that are taken on mtw; or add a master target \
         with at most 58 disks of its own"
    );
    let group = "{replication_groups: [{name: erp-db, machines: [w1, w2]}], machines: {w3: null}}";
    let inventory = "{replication_groups: [{name: erp-db, members: [w1, w2]}], \
                     master_targets: {mtw: {attached_disks: 58}}}";
    assert_eq!(
        help("FB208", "classic", group, inventory),
        "2 disks too many: group erp-db has 4 and mtw takes 2; a group comes back through one master target, so spreading \
         it is no way; it can be split only before it is protected; free 2 of the 58 slots that are taken on mtw; or add a \
         master target with at most 56 disks of its own"
    );
    let mut disks = String::new();
    for number in 0..64 {
        let _ = write!(
            disks,
            "d{number}: {{id: d{number}, size_gb: 1, replicated_from_onprem: true, temporary: false}}, "
        );
    }
    let inventory =
        format!("{{machines: {{w1: {{azure_vm: {{disks: {{disk0: null, disk1: null, {disks}}}}}}}}}}}");
    assert_eq!(
        help("FB208", "classic", "{machines: {w2: null, w3: null}}", &inventory),
        "7 disks too many: w1 has 64 and mtw takes 57; no master target takes more than 60"
    );
}

#[test]
fn members_of_a_group_may_come_through_several_appliances() {
    let text = include_str!("../worlds/modernized.inventory.yaml");
    let world: serde_json::Value =
        serde_json::to_value(serde_yaml::from_str::<serde_yaml::Value>(text).expect("YAML")).expect("JSON");
    let mut other = world["appliances"][0].clone();
    other.as_object_mut().expect("keys").remove("name");
    let inventory = format!(
        "{{replication_groups: [{{name: erp-db, members: [w1, l1]}}], \
         appliances: {{ra1: {{attached_disks: 59}}, ra2: {other}}}}}"
    );
    let plan = "{replication_groups: [{name: erp-db, machines: [w1, l1]}]}";
    let help_text = help("FB803", "modernized", plan, &inventory);
    assert!(help_text.starts_with("assign group erp-db to ra2: then the plan takes one wave"), "{help_text}");
    // Neither has room for the whole group.
    let inventory = inventory.replace("\"attached_disks\":3", "\"attached_disks\":59");
    assert_eq!(
        help("FB803", "modernized", plan, &inventory),
        "1 disk too many: group erp-db has 2 and ra1 takes 1; assign w1 to ra2; free 1 of the 59 slots that are taken on \
         ra1; or add an appliance with at most 58 disks of its own"
    );
    let plan = "{replication_groups: [{name: erp-db, machines: [w1, l1]}], \
                machines: {w1: {failback: {appliance: ra2}}}}";
    assert_eq!(found("FB803", "modernized", plan, &inventory), []);
}

#[test]
fn the_forecast_carries_a_disk_that_was_added_to_a_linux_machine_in_azure() {
    let text = "{name: case, world: classic, plan: {}, inventory: {machines: {l1: {onprem_vm: {exists: false}, azure_vm: {disks: \
                {add: {id: add, size_gb: 500, replicated_from_onprem: false, temporary: false}}}}}}, expect: []}";
    let case: Case = serde_yaml::from_str(text).expect("the case is a case");
    let (plan, inventory) = fixture::texts(&case).expect("the world can be changed");
    let folder = Folder::with(&[("plan.yaml", &plan), ("classic.inventory.yaml", &inventory)]);
    let planned = folder.run(&["plan", "plan.yaml", "--format", "json"]).json();
    let machines = planned["machines"].as_array().expect("a list");
    let l1 = machines.iter().find(|machine| machine["name"] == "l1").expect("it is in the plan");
    assert_eq!(l1["bytes"]["high"].as_f64(), Some(700.0 * 1_073_741_824.0), "{}", l1["bytes"]);
}

#[test]
fn a_machine_that_was_attached_at_the_start_leaves_its_disks_to_the_next() {
    let vm = |name: &str, state| Vm::new(name).disks(40, 10).state(state);
    let estate = Estate::classic([vm("a", "failed_over_committed"), vm("b", "protected_to_onprem")]);
    // The master target has three disks of its own, and those of `b`.
    let inventory = estate.inventory_text().replacen("attached_disks: 3", "attached_disks: 43", 1);
    let world = lab::world(&estate.plan_text(), &inventory);
    let site = world.site();
    let ran = world.drive(&site, Process::default());
    assert_home(&world, &site, &ran);
    let of_b = |event: &RunEventKind| matches!(event, RunEventKind::SlotsFreed { step, disks: 40, .. } if step.as_str() == "reprotect/b");
    assert!(ran.has(of_b), "{}", ran.said());
}
