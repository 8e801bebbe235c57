//! Where disks don't fit, a finding says what would: which machines on which server, or how much is missing.

use std::fmt::Write as _;

use failback::rules;
use failback::rules::Finding;
use failback::rules::fixture;
use failback::rules::fixture::Case;

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
