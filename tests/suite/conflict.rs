//! Lines that can't hold together are told once, with what to change; symptoms are folded into that for people.

use failback::rules;
use failback::rules::Finding;
use failback::rules::fixture;
use failback::rules::fixture::Case;

use crate::support::Ended;
use crate::support::Folder;

fn case(plan: &str, inventory: &str) -> Case {
    let text = format!("{{name: case, world: classic, plan: {plan}, inventory: {inventory}, expect: []}}");
    serde_yaml::from_str(&text).expect("the case is a case")
}

fn found(plan: &str, inventory: &str) -> Vec<Finding> {
    let rule = rules::find("FB532").expect("there is such a rule");
    let outcome = fixture::run(rule, &case(plan, inventory)).expect("the world can be changed");
    assert!(outcome.diagnostics.is_empty(), "{:#?}", outcome.diagnostics);
    outcome.findings
}

/// Returns the message and the help of the one finding.
fn told(plan: &str, inventory: &str) -> (String, String) {
    let found = found(plan, inventory);
    assert_eq!(found.len(), 1, "{found:#?}");
    (found[0].message.clone(), found[0].help.to_string())
}

fn checked(plan: &str, inventory: &str, flags: &[&str]) -> Ended {
    let (plan, inventory) = fixture::texts(&case(plan, inventory)).expect("the world can be changed");
    let folder = Folder::with(&[("plan.yaml", &plan), ("classic.inventory.yaml", &inventory)]);
    folder.run(&[&["check", "plan.yaml"], flags].concat())
}

/// A second Windows master target, on the host of the datastore `vmfs2`.
const MTW2: &str = "{os: {family: windows, release: windows_server_2019}, form: vmware_vm, host: esx2, registered: true, \
    discovered: true, snapshots: 0, scsi_controllers: [lsilogic_sas], attached_disks: 3, vmware_tools_installed: true, \
    enable_uuid: true, retention_volumes: [{name: 'R:', fs: ntfs, capacity_gb: 1024, in_use: false, locked: false}], \
    version: '9.62', uuid: 564d0000-0000-0000-0000-0000000000cc, ram_gb: 16, cpu: 8, os_disk_gb: 120, \
    storage_vmotion_excluded: true}";

const MIXED: &str = "{replication_groups: [{name: erp, machines: [w1, l1]}]}";
const MIXED_FACT: &str = "{replication_groups: [{name: erp, members: [w1, l1]}]}";

#[test]
fn a_mixed_group_can_only_be_split_where_site_recovery_has_it() {
    assert_eq!(
        told(MIXED, MIXED_FACT),
        (
            "erp: w1 and l1 can't be in one group, whatever the other lines say".to_owned(),
            "no change of the plan resolves it: split erp in Site Recovery before its machines are protected, or protect some \
             of them anew in a group of their own"
                .to_owned()
        )
    );
}

#[test]
fn a_machine_that_site_recovery_has_in_no_group_leaves_it() {
    let inventory = "{replication_groups: [{name: erp, members: [w1, w2]}]}";
    let plan = "{replication_groups: [{name: erp, machines: [w1, w2, l1]}]}";
    let (message, help) = told(plan, inventory);
    assert_eq!(message, "erp: w1 and l1 can't be in one group, whatever the other lines say");
    assert_eq!(help, "take l1 out of erp");
    let left = "{replication_groups: [{name: erp, machines: [w1, w2]}]}";
    assert_eq!(found(left, inventory), []);
}

#[test]
fn another_master_target_brings_its_volume_along() {
    let plan = "{replication_groups: [{name: erp, machines: [w1, w2], failback: {master_target: mtl, \
                retention_volume: /mnt/retention}}]}";
    let inventory = "{replication_groups: [{name: erp, members: [w1, w2]}]}";
    let (message, help) = told(plan, inventory);
    assert_eq!(message, "erp: `master_target: mtl` of w1 can't hold, whatever the other lines say");
    assert_eq!(help, "for all members of erp, write `master_target: mtw` and write `retention_volume: R:`");
}

#[test]
fn a_deletion_that_loses_a_disk_is_not_made() {
    let plan =
        "{machines: {w1: {failback: {location: original, delete_existing_vm: true, datastore: vsan1}}}}";
    let inventory = "{machines: {w1: {onprem_vm: {disks: {disk1: {kind: rdm}}}}}}";
    let (message, help) = told(plan, inventory);
    assert_eq!(message, "w1: `delete_existing_vm: true` of w1 can't hold, whatever the other lines say");
    assert_eq!(help, "for w1, take `delete_existing_vm` out");
}

#[test]
fn a_datastore_and_a_master_target_that_do_not_meet() {
    // The VM is gone, so its disks are made anew: on VMFS, in reach of the master target's host.
    let plan = "{machines: {w1: {failback: {location: alternate, datastore: vmfs2, target: {host: esx2}}}}}";
    let inventory = "{machines: {w1: {onprem_vm: {exists: false}}}}";
    let (message, help) = told(plan, inventory);
    assert_eq!(message, "w1: `datastore: vmfs2` of w1 can't hold, whatever the other lines say");
    assert_eq!(help, "for w1, take `target.host` out and write `datastore: vmfs1`");
    // One that is too small for the machine is no way out.
    let small = "{datastores: {vmfs1: {free_gb: 150}, vmfs3: {type: vmfs, vcenter: vc1, free_gb: 1024, accessible: true, \
                 access: {esx1: rw}}}, machines: {w1: {onprem_vm: {exists: false}}}}";
    assert_eq!(told(plan, small).1, "for w1, take `target.host` out and write `datastore: vmfs3`");
    // With a master target on the datastore's host, either line may stay, and one change is enough.
    let inventory =
        format!("{{machines: {{w1: {{onprem_vm: {{exists: false}}}}}}, master_targets: {{mtw2: {MTW2}}}}}");
    let (message, help) = told(plan, &inventory);
    assert_eq!(message, "w1: `master_target: mtw` of w1 and `datastore: vmfs2` of w1 can't hold together");
    assert_eq!(help, "for w1, write `master_target: mtw2`");
}

/// Two machines of one group, each with its disks on a datastore that only one host has.
fn apart(servers: &str) -> String {
    let on = "{datastore: vmfs2}";
    format!(
        "{{datastores: {{vmfs1: {{access: {{esx2: null, esx3: rw}}}}, vmfs2: {{access: {{esx3: rw}}}}}}, \
         hosts: {{esx3: {{vcenter: vc1, discovered: true, license: enterprise_plus, version: '7.0', free_memory_gb: 512}}}}, \
         machines: {{w2: {{onprem_vm: {{disks: {{disk0: {on}, disk1: {on}}}}}}}}}, \
         replication_groups: [{{name: erp, members: [w1, w2]}}], master_targets: {{{servers}}}}}"
    )
}

#[test]
fn one_error_of_a_member_is_explained_where_its_own_advice_would_break_the_group() {
    let both_on_one = "{replication_groups: [{name: erp, machines: [w1, w2]}]}";
    let on_two = "{replication_groups: [{name: erp, machines: [w1, w2]}], \
                  machines: {w2: {failback: {master_target: mtw2}}}}";
    let no_server = "no change of the plan resolves it: no server of the inventory, with its volumes and the datastores that \
                     its host has, suits all members of erp; add one, or change the facts that the finding points at";
    let two = apart(&format!("mtw2: {MTW2}"));
    assert_eq!(
        told(both_on_one, &two),
        (
            "erp: `master_target: mtw` of w2 can't hold, whatever the other lines say".to_owned(),
            no_server.to_owned()
        )
    );
    // As FB101 advises; and then FB508 would send back.
    let (message, help) = told(on_two, &two);
    assert_eq!(message, "erp: w1 and w2 can't be in one group, whatever the other lines say");
    assert_eq!(help, no_server);
    let third = MTW2.replace("host: esx2", "host: esx3").replace("0000000000cc", "0000000000dd");
    let three = apart(&format!("mtw2: {MTW2}, mtw3: {third}"));
    for plan in [both_on_one, on_two] {
        assert_eq!(told(plan, &three).1, "for all members of erp, write `master_target: mtw3`", "{plan}");
    }
    let done = "{replication_groups: [{name: erp, machines: [w1, w2], failback: {master_target: mtw3}}]}";
    assert_eq!(checked(done, &three, &[]).exit, 0);
}

#[test]
fn one_error_of_a_group_is_not_explained_where_its_own_advice_is_enough() {
    // Both master targets suit both.
    let plan = "{replication_groups: [{name: erp, machines: [w1, w2]}], \
                machines: {w2: {failback: {master_target: mtw2}}}}";
    let inventory = format!(
        "{{replication_groups: [{{name: erp, members: [w1, w2]}}], master_targets: {{mtw2: {MTW2}}}}}"
    );
    assert_eq!(found(plan, &inventory), []);
    // Another volume of its own master target.
    let plan = "{replication_groups: [{name: erp, machines: [w1, w2]}], \
                machines: {w2: {failback: {retention_volume: 'S:'}}}}";
    assert_eq!(found(plan, "{replication_groups: [{name: erp, members: [w1, w2]}]}"), []);
}

#[test]
fn people_see_the_conflict_and_programs_everything() {
    let plan = "{replication_groups: [{name: erp, machines: [w1, l1], recovery_point: app_consistent}]}";
    let said = checked(plan, MIXED_FACT, &[]);
    assert_eq!(said.exit, 1);
    let errors: Vec<&str> = said.out.lines().filter(|line| line.starts_with("error[")).collect();
    assert_eq!(errors, ["error[FB532]: erp: w1 and l1 can't be in one group, whatever the other lines say"]);
    assert!(said.out.contains("= explains: FB507, FB508\n"), "{}", said.out);
    assert!(said.out.contains("classic: 1 error,"), "{}", said.out);
    let json = checked(plan, MIXED_FACT, &["--format", "json"]).json();
    let of = |rule: &str| {
        let findings = json["findings"].as_array().expect("a list");
        findings.iter().find(|finding| finding["rule"] == rule).expect("it is found").clone()
    };
    assert_eq!(of("FB507")["explained_by"], "FB532");
    assert_eq!(of("FB508")["explained_by"], "FB532");
    assert_eq!(of("FB532")["explains"], serde_json::json!({"FB507": 1, "FB508": 1}));
    assert_eq!(json["summary"]["errors"], 3);
    let verbose = checked(plan, MIXED_FACT, &["-v"]);
    assert!(verbose.out.contains("error[FB507]"), "{}", verbose.out);
}

#[test]
fn an_error_that_has_nothing_to_do_with_the_conflict_stays() {
    let plan = "{replication_groups: [{name: erp, machines: [w1, l1], recovery_point: app_consistent}], \
                machines: {w1: {failback: {location: alternate}}}}";
    let said = checked(plan, MIXED_FACT, &[]);
    assert!(said.out.contains("error[FB532]") && said.out.contains("error[FB100]"), "{}", said.out);
    assert!(!said.out.contains("error[FB507]"), "{}", said.out);
}
