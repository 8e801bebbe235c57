//! What the service refuses at once, and what it takes on and lets fail.

use super::*;

/// Reprotects a machine of a classic world with these changes, and returns the code with which the job fails.
fn reprotect_fails(machine: &str, changes: &[(&str, &str)]) -> String {
    let mut site = Site::new(classic(changes), Scenario::default());
    site.done(&Request::Prepare);
    site.fails(&reprotect(machine)).code
}

fn reprotect_refused(changes: &[(&str, &str)]) -> String {
    Site::new(classic(changes), Scenario::default()).refused(&reprotect("w1"))
}

const STATE: &str = "state: failed_over_committed        #";
const W2_LOST: (&str, &str) = ("exists: true, name: w2, uuid", "exists: false, name: w2, uuid");

#[test]
fn what_can_never_come_back_is_refused_at_once() {
    for (change, code) in [
        ((STATE, "state: migrated #"), "ArmResourceDoesNotExist"),
        ((STATE, "state: replication_disabled #"), "ArmResourceDoesNotExist"),
        (("migration_completed: false", "migration_completed: true"), "ArmResourceDoesNotExist"),
        (("replication_enabled: true", "replication_enabled: false"), "ArmResourceDoesNotExist"),
        ((STATE, "state: azure_vm_deleted #"), "AzureVmNotFound"),
        ((STATE, "state: azure_vm_moved #"), "AzureVmNotFound"),
        (
            ("      exists: true\n      created_by", "      exists: false\n      created_by"),
            "AzureVmNotFound",
        ),
        (("      resource_group: rg-dr", "      resource_group: rg-other"), "AzureVmNotFound"),
        (("kind: vmware_vm", "kind: hyperv_vm"), "SourceNotSupported"),
    ] {
        assert_eq!(reprotect_refused(&[change]), code, "{change:?}");
    }
    let mut site = Site::new(classic(&[]), Scenario::default());
    assert_eq!(site.refused(&reprotect("nobody")), "ArmResourceDoesNotExist");
    assert_eq!(site.refused(&reprotect_modernized("w1")), "InvalidParameter");
}

#[test]
fn a_reprotect_fails_with_the_services_codes() {
    let mtw =
        "    registered: true\n    discovered: true\n    snapshots: 0\n    scsi_controllers: [lsilogic_sas]";
    for (change, code) in [
        (("power_state: running", "power_state: stopped"), "78093"),
        (("agent_service: running", "agent_service: stopped"), "95226"),
        (("agent_registration_ok: true", "agent_registration_ok: false"), "95226"),
        (("azure_to_onprem: s2s_vpn", "azure_to_onprem: internet"), "95226"),
        (("connected: true\n    version: \"7.0\"", "connected: false\n    version: \"7.0\""), "811"),
        (("connected: true\n  version: \"9.62\"", "connected: false\n  version: \"9.62\""), "583"),
        (("placement: onprem\n  ip", "placement: azure\n  ip"), "ConfigurationServerNotOnprem"),
        (("cloned: false", "cloned: true"), "ConfigurationServerNotOriginal"),
        (("configuration_server: cs1", "configuration_server: cs2"), "ConfigurationServerNotOriginal"),
        (("in_config_server_db: true", "in_config_server_db: false"), "MachineNotInDatabase"),
        (
            (
                "ip: 10.0.0.10\n  original_ip: 10.0.0.10\n  restored: false",
                "ip: 10.0.0.99\n  original_ip: 10.0.0.10\n  restored: true",
            ),
            "95226",
        ),
        (("snapshots: 0\n    scsi", "snapshots: 1\n    scsi"), "78158"),
        (("[lsilogic_sas]", "[paravirtual]"), "78151"),
        (("[lsilogic_sas]", "[lsilogic_sas, lsilogic]"), "78150"),
        (("enable_uuid: true\n    retention", "enable_uuid: false\n    retention"), "78152"),
        (
            (mtw, "    registered: false\n    snapshots: 0\n    scsi_controllers: [lsilogic_sas]"),
            "MasterTargetNotFound",
        ),
        (
            ("{family: windows, release: windows_server_2016}", "{family: linux, release: rhel_7_9}"),
            "MasterTargetOsMismatch",
        ),
        (("in_use: false", "in_use: true"), "RetentionVolume"),
        (("attached_disks: 3", "attached_disks: 59"), "TooManyDisks"),
        (
            (
                "placement: azure, vnet: vnet-dr, health: healthy",
                "placement: azure, vnet: vnet-dr, health: critical",
            ),
            "806",
        ),
        (("privileges: [failback]", "privileges: [VirtualMachine.Interact.PowerOff]"), "VcenterPrivileges"),
        (("source_vcenter: vc1", "source_vcenter: vc0"), "VcenterNotOriginal"),
        (
            (
                "free_gb: 10240, accessible: true, access: {esx1: rw, esx2: rw}",
                "free_gb: 10240, accessible: false, access: {esx1: rw, esx2: rw}",
            ),
            "8061",
        ),
        (("access: {esx1: rw, esx2: rw}", "access: {esx2: rw}"), "8061"),
        (("access: {esx1: rw, esx2: rw}", "access: {esx1: ro, esx2: rw}"), "8061"),
        (("license: enterprise_plus", "license: free"), "HostLicense"),
        (("discovered: true, license", "discovered: false, license"), "HostNotDiscovered"),
        (("created_by: asr", "created_by: manual"), "AzureVmNotFound"),
    ] {
        assert_eq!(reprotect_fails("w1", &[change]), code, "{change:?}");
    }
}

#[test]
fn a_reprotect_without_the_policy_fails() {
    let mut site = Site::new(classic(&[]), Scenario::default());
    assert_eq!(site.fails(&reprotect("w1")).code, "78253");
    site.done(&Request::Prepare);
    site.done(&reprotect("w1"));
}

#[test]
fn a_vm_made_anew_has_stricter_needs() {
    for (change, code) in [
        (("name: vmfs1, type: vmfs", "name: vmfs1, type: vsan"), "DatastoreNotSupported"),
        (("name: vmfs1, type: vmfs", "name: vmfs1, type: nfs"), "DatastoreNotSupported"),
        (("{id: disk1, kind: vmdk", "{id: disk1, kind: rdm"), "DatastoreNotSupported"),
        (
            (
                "name: vmfs1, type: vmfs, vcenter: vc1, free_gb: 10240",
                "name: vmfs1, type: vmfs, vcenter: vc1, free_gb: 100",
            ),
            "DatastoreFull",
        ),
        (("free_memory_gb: 512}", "free_memory_gb: 512, vms: [w2]}"), "78052"),
    ] {
        assert_eq!(reprotect_fails("w2", &[W2_LOST, change]), code, "{change:?}");
    }
    // Disks that exist and are attached may lie anywhere.
    let vsan = ("name: vmfs1, type: vmfs", "name: vmfs1, type: vsan");
    let other = ("access: {esx2: rw}", "access: {esx1: rw, esx2: rw}");
    let mut site = Site::new(classic(&[vsan, other]), Scenario::default());
    site.protect("w1");
    let mut site = Site::new(classic(&[vsan, other, W2_LOST]), scenario("baseline: current\n"));
    site.protect("w2");
}

#[test]
fn a_vm_that_was_rebuilt_under_the_same_name_is_in_the_way() {
    let rebuilt = [(
        "in_config_server_db: true",
        "in_config_server_db: true\n      source_vm_uuid: 564d0000-0000-0000-0000-00000000ffff",
    )];
    assert_eq!(reprotect_fails("w1", &rebuilt), "78052");
    let mut site = Site::new(classic(&rebuilt), Scenario::default());
    site.done(&Request::Prepare);
    let deed = crate::provider::emulator::Deed::DeleteOnpremVm { machine: name("w1") };
    site.world.by_hand(site.now, &deed).unwrap();
    site.done(&reprotect("w1"));
    assert_eq!(site.item("w1").replication.unwrap().bytes_left, 200 << 30);
}

#[test]
fn vsan_disks_must_be_attached() {
    let detached = [(
        "{id: disk0, kind: vmdk, datastore: vmfs1, exists: true, attached: true, size_gb: 100, excluded: false}\n        -",
        "{id: disk0, kind: vmdk, datastore: vsan1, exists: true, attached: false, size_gb: 100, excluded: false}\n        -",
    )];
    assert_eq!(reprotect_fails("w1", &detached), "DiskNotAttached");
}

#[test]
fn physical_servers_come_back_in_classic_only_and_not_all() {
    let mut site = Site::new(classic(&[("kind: vmware_vm", "kind: physical")]), Scenario::default());
    site.done(&Request::Prepare);
    site.done(&reprotect("w1"));
    // What was physical comes back as a new VM, whatever the inventory says of its old body.
    assert_eq!(site.item("w1").replication.unwrap().bytes_left, 200 << 30);
    // The UUID of the old body is no VM's, so that the master target may have it.
    let uuid = ("uuid: 564d0000-0000-0000-0000-000000000001", "uuid: 564d0000-0000-0000-0000-0000000000aa");
    comes_home(&[("kind: vmware_vm", "kind: physical"), uuid]);
    assert_eq!(reprotect_fails("w1", &[uuid]), "MasterTargetSameUuid", "FB216");
    let old = [
        ("kind: vmware_vm", "kind: physical"),
        ("release: windows_server_2016", "release: windows_server_2008_r2, service_pack: 1"),
    ];
    assert_eq!(reprotect_fails("w1", &old), "OperatingSystemNotSupported");
    let mut site = Site::new(modernized(&[("kind: vmware_vm", "kind: physical")]), Scenario::default());
    assert_eq!(site.fails(&reprotect_modernized("w1")).code, "PhysicalNotSupported");
}

#[test]
fn a_modernized_reprotect_needs_its_appliance_and_account() {
    for (change, code) in [
        (
            ("{name: reprotect_agent, health: healthy}", "{name: reprotect_agent, health: critical}"),
            "ApplianceUnhealthy",
        ),
        (("vault: vault-seoul-m", "vault: vault-other"), "ApplianceNotFound"),
        (("storage_accounts: [sa1, sa2]", "storage_accounts: [sa2]"), "StorageAccountNotFound"),
        (("outbound_urls_reachable: true", "outbound_urls_reachable: false"), "AgentNotRegistered"),
        (("attached_disks: 3", "attached_disks: 60"), "TooManyDisks"),
        (("connected: true", "connected: false"), "811"),
    ] {
        let mut site = Site::new(modernized(&[change]), Scenario::default());
        assert_eq!(site.fails(&reprotect_modernized("w1")).code, code, "{change:?}");
    }
}

#[test]
fn only_what_is_allowed_works() {
    let mut site = Site::new(classic(&[]), Scenario::default());
    assert_eq!(site.refused(&latest("w1")), "InvalidFailoverDirection");
    let failure = site.fails(&commit("w1"));
    assert_eq!(
        (failure.code.as_str(), failure.task.as_str()),
        ("25037", "Finalizing restore on the recovery virtual machine")
    );
    assert_eq!(site.fails(&forward("w1")).code, "25038");
    assert_eq!(site.refused(&Request::CancelFailover { machine: name("w1") }), "NotSupported");
    site.done(&Request::Prepare);
    site.begin(&reprotect("w1")).unwrap();
    assert_eq!(site.fails(&reprotect("w1")).code, "532");
    site.until("w1", State::ProtectedToOnprem);
    assert_eq!(site.fails(&reprotect("w1")).code, "25038");
    assert_eq!(site.refused(&failover("w1", FailbackPoint::CrashConsistent)), "InvalidParameter");
}

#[test]
fn no_point_no_failover() {
    let mut site = Site::new(classic(&[]), Scenario::default());
    site.done(&Request::Prepare);
    site.done(&reprotect("w1"));
    assert_eq!(site.fails(&latest("w1")).code, "NoRecoveryPoint");
    assert_eq!(site.state("w1"), State::ReprotectingToOnprem);
    site.until("w1", State::ProtectedToOnprem);
    if site.facts("w1").asr.unwrap().recovery_points.unwrap().len() == 1 {
        let failure = site.fails(&failover("w1", FailbackPoint::AppConsistent));
        assert_eq!(failure.code, "NoAppConsistentRecoveryPoint");
    }
    site.wait(60 * 60);
    site.done(&failover("w1", FailbackPoint::AppConsistent));
}

#[test]
fn a_host_without_memory_can_not_start_the_vm() {
    let mut site = Site::new(classic(&[("free_memory_gb: 512", "free_memory_gb: 20")]), Scenario::default());
    site.protect("w1");
    site.done(&reprotect("w2"));
    site.until("w2", State::ProtectedToOnprem);
    site.done(&latest("w1"));
    assert_eq!(site.fails(&latest("w2")).code, "8038");
    assert_eq!(site.item("w2").protection_state, "UnplannedFailoverCompletionFailed");
}

#[test]
fn the_agent_must_have_registered_before_the_way_to_azure() {
    let mut site = Site::new(classic(&[]), Scenario::default());
    site.protect("w1");
    site.done(&latest("w1"));
    site.done(&commit("w1"));
    assert_eq!(site.fails(&forward("w1")).code, "95226");
    assert_eq!(site.state("w1"), State::FailedBackCommitted);
    let in_azure = Request::ReprotectToAzure {
        machine: name("w1"),
        target: ForwardTarget::Classic { process_server: "ps-az".to_owned() },
    };
    site.wait(15 * 60);
    assert_eq!(site.fails(&in_azure).code, "ProcessServerNotFound");
    site.done(&forward("w1"));
}

#[test]
fn slots_of_a_master_target_run_out_and_come_free_after_failover() {
    let mut site = Site::new(classic(&[("attached_disks: 3", "attached_disks: 57")]), Scenario::default());
    site.protect("w1");
    assert_eq!(site.fails(&reprotect("w2")).code, "TooManyDisks");
    site.done(&latest("w1"));
    site.done(&reprotect("w2"));
}

#[test]
fn two_machines_that_ask_at_once_do_not_get_one_name() {
    let lost = [W2_LOST, ("exists: true, name: w3", "exists: false, name: W2")];
    let mut site = Site::new(classic(&lost), Scenario::default());
    site.done(&Request::Prepare);
    let (first, second) = (site.begin(&reprotect("w2")).unwrap(), site.begin(&reprotect("w3")).unwrap());
    assert_eq!(site.finish(&first), OperationStatus::Succeeded);
    let OperationStatus::Failed(failure) = site.finish(&second) else { panic!() };
    assert_eq!(failure.code, "78052", "FB129");
    // Whoever fails leaves the name to the next.
    let mut site =
        Site::new(classic(&lost), fault("kind: job_fails, of: w2, phase: reprotect, code: \"78052\""));
    site.done(&Request::Prepare);
    site.fails(&reprotect("w2"));
    site.done(&reprotect("w3"));
}

#[test]
fn a_name_that_two_vms_have_is_taken_while_one_of_them_is_there() {
    let same = [("exists: true, name: w2", "exists: true, name: w1")];
    let mut site = Site::new(classic(&same), Scenario::default());
    site.done(&Request::Prepare);
    let delete = |site: &mut Site, machine| {
        let deed = crate::provider::emulator::Deed::DeleteOnpremVm { machine: name(machine) };
        site.world.by_hand(site.now, &deed).unwrap();
    };
    delete(&mut site, "w1");
    assert_eq!(site.fails(&reprotect("w1")).code, "78052", "FB129");
    delete(&mut site, "w2");
    site.done(&reprotect("w1"));
}
