//! What the catalogue of conditions says the service refuses, each seen to be refused here.

use super::*;
use crate::syntax::machine::Health;

const W1_LOST: (&str, &str) = ("      exists: true\n      name: w1", "      exists: false\n      name: w1");

#[test]
fn a_machine_that_is_not_supported_fails_to_be_reprotected() {
    let os = "release: windows_server_2016";
    let boot = "boot: {firmware: bios, secure_boot: false}";
    let agent = "agent_version: \"9.62\"";
    for (rule, changes, code) in [
        ("FB015", vec![(os, "release: windows_server_2008, service_pack: 2")], "OperatingSystemNotSupported"),
        ("FB015", vec![(os, "release: Windows Server 2008 SP2")], "OperatingSystemNotSupported"),
        (
            "FB016",
            vec![(boot, "boot: {firmware: uefi, secure_boot: false}"), (agent, "agent_version: \"9.29\"")],
            "78148",
        ),
        ("FB017", vec![(boot, "boot: {firmware: uefi, secure_boot: true}")], "SecureBootNotSupported"),
        (
            "FB017",
            vec![
                (boot, "boot: {firmware: uefi, secure_boot: false}"),
                (os, "release: windows_server_2008_r2"),
            ],
            "78148",
        ),
    ] {
        assert_eq!(classic_fails(&changes), code, "{rule}");
    }
    for changes in [
        vec![(os, "release: windows_server_2008_r2, service_pack: 1")],
        vec![(boot, "boot: {firmware: uefi, secure_boot: false}"), (agent, "agent_version: \"9.30\"")],
        vec![(boot, "boot: {firmware: uefi}"), ("      agent_version: \"9.62\"\n", "")],
        vec![(boot, "boot: {firmware: bios, secure_boot: true}"), (agent, "agent_version: \"9.29\"")],
    ] {
        comes_home(&changes);
    }
}

#[test]
fn a_target_that_is_not_esxi_fails() {
    for hypervisor in ["hyper_v", "vmware_workstation", "other"] {
        let host = format!("name: esx1, hypervisor: {hypervisor}");
        assert_eq!(classic_fails(&[("name: esx1", &host)]), "TargetNotEsxi", "{hypervisor}");
        assert_eq!(modernized_fails(&[("name: esx1", &host)]), "TargetNotEsxi", "{hypervisor}");
    }
}

#[test]
fn what_was_failed_over_from_the_classic_vault_is_not_in_the_modernized_one() {
    let vault = |experience: &str| {
        format!("agent_registration_ok: true, failover_vault: {{experience: {experience}}}")
    };
    let mut site =
        Site::new(modernized(&[("agent_registration_ok: true", &vault("classic"))]), Scenario::default());
    assert_eq!(site.refused(&reprotect_modernized("w1")), "ArmResourceDoesNotExist");
    let mut site =
        Site::new(modernized(&[("agent_registration_ok: true", &vault("modernized"))]), Scenario::default());
    site.done(&reprotect_modernized("w1"));
}

#[test]
fn resource_groups_are_the_same_in_any_case_of_letters() {
    comes_home(&[("      resource_group: rg-dr", "      resource_group: RG-DR")]);
}

#[test]
fn a_place_that_can_not_take_the_machine_fails() {
    let vmfs1 = "name: vmfs1, type: vmfs, vcenter: vc1, free_gb: 10240, accessible: true, access: {esx1: rw, esx2: rw}";
    for (rule, changes, code) in [
        ("FB105", vec![(vmfs1, "name: vmfs1, type: vmfs, access: {esx1: ro, esx2: rw}")], "8061"),
        ("FB130", vec![("name: vmfs1, type: vmfs", "name: vmfs1, type: vsan")], "DatastoreNotOffered"),
        ("FB220", vec![("- id: vc1\n", "- id: vc2\n")], "VcenterNotRegistered"),
        ("FB310", vec![("{name: esx1, vcenter: vc1", "{name: esx1, vcenter: null")], "VcenterNotOriginal"),
        (
            "FB312",
            vec![(
                "privileges: [failback]",
                "privileges: [Datastore.AllocateSpace, VirtualMachine.Interact.PowerOff]",
            )],
            "VcenterPrivileges",
        ),
        ("FB313", vec![("license: enterprise_plus", "license: free")], "HostLicense"),
    ] {
        assert_eq!(classic_fails(&changes), code, "{rule}");
    }
    let lost = [("exists: true\n      name: w1", "exists: false\n      name: w1")];
    for (rule, change, code) in [
        ("FB105", ("access: {esx1: rw, esx2: rw}", "access: {esx1: ro, esx2: rw}"), "8061"),
        (
            "FB131",
            ("name: vmfs1, type: vmfs, vcenter: vc1", "name: vmfs1, type: vmfs, vcenter: vc2"),
            "DatastoreNotOffered",
        ),
        (
            "FB131",
            ("name: vmfs1, type: vmfs, vcenter: vc1", "name: vmfs1, type: vmfs, vcenter: null"),
            "DatastoreNotOffered",
        ),
        ("FB312", ("privileges: [failback]", "privileges: []"), "VcenterPrivileges"),
        ("FB313", ("license: enterprise_plus", "license: free"), "HostLicense"),
    ] {
        assert_eq!(modernized_fails(&[lost[0], change]), code, "{rule}");
    }
    // Only the old articles name file systems, and only they ask for discovery and for attached disks.
    for change in [
        ("name: vmfs1, type: vmfs", "name: vmfs1, type: vsan"),
        ("name: vmfs1, type: vmfs", "name: vmfs1, type: nfs"),
        ("esx1, vcenter: vc1, discovered: true", "esx1, vcenter: vc1, discovered: false"),
    ] {
        let mut site = Site::new(modernized(&[lost[0], change]), Scenario::default());
        site.done(&reprotect_modernized("w1"));
    }
    // An original location takes the disks where they are, whichever vCenter the datastore is said to be of.
    let elsewhere = [("name: vmfs1, type: vmfs, vcenter: vc1", "name: vmfs1, type: vmfs, vcenter: vc2")];
    Site::new(modernized(&elsewhere), Scenario::default()).done(&reprotect_modernized("w1"));
}

#[test]
fn a_master_target_that_does_not_suit_fails() {
    let mtw = "uuid: 564d0000-0000-0000-0000-0000000000aa";
    for (rule, changes, code) in [
        ("FB207", vec![("[lsilogic_sas]", "[buslogic]")], "78151"),
        ("FB207", vec![("[lsilogic_sas]", "[]")], "78151"),
        (
            "FB209",
            vec![("vmware_tools_installed: true", "vmware_tools_installed: false")],
            "MasterTargetTools",
        ),
        ("FB211", vec![("fs: ntfs", "fs: FAT32")], "RetentionVolume"),
        ("FB211", vec![("fs: ntfs", "fs: fat")], "RetentionVolume"),
        ("FB211", vec![("fs: ntfs, capacity_gb: 1024", "fs: ntfs, capacity_gb: 0")], "RetentionVolume"),
        ("FB211", vec![("locked: false", "locked: true")], "RetentionVolume"),
        ("FB216", vec![(mtw, "uuid: 564D0000-0000-0000-0000-000000000001")], "MasterTargetSameUuid"),
        (
            "FB216",
            vec![(mtw, "uuid: 56 4d 00 00 00 00 00 00-00 00 00 00 00 00 00 01")],
            "MasterTargetSameUuid",
        ),
        (
            "FB216",
            vec![
                (mtw, "template_id: template-7"),
                ("uuid: 564d0000-0000-0000-0000-000000000001", "template_id: template-7"),
            ],
            "MasterTargetSameUuid",
        ),
    ] {
        assert_eq!(classic_fails(&changes), code, "{rule}");
    }
    for changes in [
        // LVM is a thing of Linux.
        vec![(
            "    uuid: 564d0000-0000-0000-0000-0000000000aa",
            "    lvm: true\n    uuid: 564d0000-0000-0000-0000-0000000000aa",
        )],
        // Different UUIDs are known: the template doesn't matter.
        vec![
            (mtw, "uuid: 564d0000-0000-0000-0000-0000000000aa\n    template_id: template-7"),
            (
                "      uuid: 564d0000-0000-0000-0000-000000000001",
                "      template_id: template-7\n      uuid: 564d0000-0000-0000-0000-000000000001",
            ),
        ],
        vec![("[lsilogic_sas]", "[lsilogic]")],
        // The VM of that UUID is gone.
        vec![W1_LOST, (mtw, "uuid: 564d0000-0000-0000-0000-000000000001")],
        vec![("fs: ntfs, capacity_gb: 1024", "fs: refs")],
    ] {
        comes_home(&changes);
    }
    let mut site = Site::new(classic(&[("lvm: false", "lvm: true")]), Scenario::default());
    site.done(&Request::Prepare);
    assert_eq!(site.fails(&reprotect("l1")).code, "MasterTargetLvm", "FB213");
}

#[test]
fn a_master_target_newer_than_its_servers_takes_the_machine_and_never_gets_its_data() {
    let newer = "version: \"9.63\"\n    uuid: 564d0000-0000-0000-0000-0000000000aa";
    let mtw = ("version: \"9.62\"\n    uuid: 564d0000-0000-0000-0000-0000000000aa", newer);
    let mut site = Site::new(classic(&[mtw]), Scenario::default());
    site.done(&Request::Prepare);
    site.done(&reprotect("w1"));
    site.wait(7 * 24 * 60 * 60);
    assert_eq!(site.state("w1"), State::ReprotectingToOnprem);
    assert_eq!(site.facts("w1").asr.unwrap().health.unwrap().value, Health::Critical);
    assert_eq!(site.item("w1").replication, None);
    assert_eq!(site.fails(&latest("w1")).code, "NoRecoveryPoint");
    // A newer process server alone doesn't help; the configuration server must be as new.
    let both = [
        mtw,
        ("heartbeat_at: 2025-06-01T00:00:00Z, version: \"9.62\"", "version: \"9.63\""),
        ("connected: true\n  version: \"9.62\"", "connected: true\n  version: \"9.100\""),
    ];
    let mut site = Site::new(classic(&both[..2]), Scenario::default());
    site.done(&Request::Prepare);
    site.done(&reprotect("w1"));
    assert_eq!(site.facts("w1").asr.unwrap().health.unwrap().value, Health::Critical);
    comes_home(&both);
}

#[test]
fn a_configuration_server_that_can_not_serve_fails() {
    let expired = ("certificate_expires_at: 2027-01-01", "certificate_expires_at: 2025-06-01");
    assert_eq!(classic_fails(&[expired]), "CertificateExpired", "FB307");
    let moved = ("original_ip: 10.0.0.10", "original_ip: 10.0.0.11");
    for restored in ["restored: true", "x-restored: unknown"] {
        assert_eq!(classic_fails(&[moved, ("restored: false", restored)]), "95226", "FB304");
    }
    comes_home(&[moved]);
    // The certificate may end, and the server may go, while a machine is on its way.
    let soon =
        ("certificate_expires_at: 2027-01-01T00:00:00Z", "certificate_expires_at: 2025-06-02T00:00:00Z");
    let mut site = Site::new(classic(&[soon]), Scenario::default());
    site.protect("w1");
    site.now = "2025-06-02T00:00:00Z".parse().unwrap();
    assert_eq!(site.fails(&latest("w1")).code, "CertificateExpired", "FB307");
    let mut site =
        Site::new(classic(&[]), fault("kind: configuration_server_disconnects, phase: failover, for: 1h"));
    site.protect("w1");
    assert_eq!(site.fails(&latest("w1")).code, "583", "FB305");
    site.wait(60 * 60);
    site.done(&latest("w1"));
}

#[test]
fn a_request_that_leaves_something_out_is_refused_at_once() {
    let mut site = Site::new(classic(&[]), Scenario::default());
    for missing in 0..4 {
        let word = |at: usize, word: &str| if at == missing { String::new() } else { word.to_owned() };
        let request = Request::ReprotectToOnprem {
            machine: name("w1"),
            target: OnpremTarget::Classic {
                master_target: word(0, "mtw"),
                process_server: word(1, "ps-az"),
                retention_volume: word(2, "R:"),
                datastore: word(3, "vmfs1"),
            },
        };
        assert_eq!(site.refused(&request), "InvalidParameter", "FB509: {missing}");
    }
    let forward = |process_server: &str| Request::ReprotectToAzure {
        machine: name("w1"),
        target: ForwardTarget::Classic { process_server: process_server.to_owned() },
    };
    assert_eq!(site.refused(&forward("")), "InvalidParameter", "FB515");
    let mut site = Site::new(modernized(&[]), Scenario::default());
    for missing in 0..3 {
        let word = |at: usize, word: &str| if at == missing { " ".to_owned() } else { word.to_owned() };
        let request = Request::ReprotectToOnprem {
            machine: name("w1"),
            target: OnpremTarget::Modernized {
                appliance: word(0, "ra1"),
                log_storage_account: word(1, "sa1"),
                datastore: word(2, "vmfs1"),
            },
        };
        assert_eq!(site.refused(&request), "InvalidParameter", "FB509, FB805: {missing}");
        let request = Request::ReprotectToAzure {
            machine: name("w1"),
            target: ForwardTarget::Modernized {
                appliance: word(0, "ra1"),
                cache_storage_account: word(1, "sa2"),
            },
        };
        if missing < 2 {
            assert_eq!(site.refused(&request), "InvalidParameter", "FB817: {missing}");
        }
    }
}

#[test]
fn a_disk_whose_file_is_gone_fails_the_failover() {
    let disk = "{id: disk1, kind: vmdk, datastore: vmfs1, exists: true, attached: true, size_gb: 100, excluded: false}\n    asr";
    let gone = "{id: disk1, kind: vmdk, datastore: vmfs1, exists: false, attached: true, size_gb: 100, excluded: false}\n    asr";
    let mut site = Site::new(classic(&[(disk, gone)]), Scenario::default());
    site.protect("w1");
    let failure = site.fails(&latest("w1"));
    assert_eq!((failure.code.as_str(), failure.task.as_str()), ("78037", "Start failover"), "FB718");
    assert_eq!(site.state("w1"), State::ProtectedToOnprem);
    comes_home(&[(disk, &gone.replace("excluded: false", "excluded: true"))]);
    // A raw device is no file.
    let at = ("state: failed_over_committed        #", "state: protected_to_onprem #");
    for (kind, comes_home) in [("vmdk", false), ("rdm", true)] {
        let gone = gone.replace("kind: vmdk", &format!("kind: {kind}"));
        let mut site = Site::new(classic(&[at, (disk, &gone)]), Scenario::default());
        assert_eq!(site.run(&latest("w1")) == OperationStatus::Succeeded, comes_home, "{kind}");
    }
}

#[test]
fn a_cloned_appliance_serves_in_no_direction() {
    assert_eq!(modernized_fails(&[("cloned: false", "cloned: true")]), "ApplianceCloned", "FB813");
    let back = [
        ("cloned: false", "cloned: true"),
        ("state: failed_over_committed", "state: failed_back_committed"),
        ("power_state: stopped", "power_state: running"),
    ];
    let mut site = Site::new(modernized(&back), Scenario::default());
    assert_eq!(site.fails(&forward_modernized("w1")).code, "ApplianceCloned", "FB813");
    Site::new(modernized(&back[1..]), Scenario::default()).done(&forward_modernized("w1"));
}

#[test]
fn a_way_to_azure_needs_an_appliance_and_an_account_that_are_there() {
    let back = [
        ("state: failed_over_committed", "state: failed_back_committed"),
        ("power_state: stopped", "power_state: running"),
    ];
    let mut site = Site::new(modernized(&back), Scenario::default());
    for (appliance, account, code) in
        [("ra9", "sa2", "ApplianceNotFound"), ("ra1", "sa9", "StorageAccountNotFound")]
    {
        let target = ForwardTarget::Modernized {
            appliance: appliance.to_owned(),
            cache_storage_account: account.to_owned(),
        };
        let request = Request::ReprotectToAzure { machine: name("w1"), target };
        assert_eq!(site.fails(&request).code, code, "FB817");
    }
}

#[test]
fn names_of_vaults_and_virtual_machines_are_the_same_in_any_case_of_letters() {
    let vault = ("    vault: vault-seoul-m", "    vault: Vault-Seoul-M");
    Site::new(modernized(&[vault]), Scenario::default()).done(&reprotect_modernized("w1"));
    let taken = [
        ("exists: true\n      name: w1", "exists: false\n      name: w1"),
        ("free_memory_gb: 512}", "free_memory_gb: 512, vms: [W1]}"),
    ];
    assert_eq!(modernized_fails(&taken), "78052", "FB129");
}

#[test]
fn a_machine_that_keeps_its_vm_needs_a_good_host_of_its_own() {
    // w1 is on esx1, the master target too: only l1 of the modernized world has a host of its own.
    for (from, to, code) in [
        (
            "{name: esx2, vcenter: vc1, discovered: true, license: enterprise_plus",
            "{name: esx2, license: free",
            "HostLicense",
        ),
        ("{name: esx2,", "{name: esx2, hypervisor: hyper_v,", "TargetNotEsxi"),
    ] {
        let mut site = Site::new(modernized(&[(from, to)]), Scenario::default());
        assert_eq!(site.fails(&reprotect_modernized("l1")).code, code);
        site.done(&reprotect_modernized("w1"));
    }
    let undiscovered = [
        ("{name: esx2, vcenter: vc1, discovered: true", "{name: esx2, vcenter: vc1, discovered: false"),
        ("vcenter: vc1\n      host: esx1", "vcenter: vc1\n      host: esx2"),
    ];
    assert_eq!(classic_fails(&undiscovered), "HostNotDiscovered", "FB204");
}
