//! Disks: what comes back, where it may lie, and what is missed.

use super::*;

const W1_LOST: (&str, &str) = ("      exists: true\n      name: w1", "      exists: false\n      name: w1");

#[test]
fn a_raw_disk_that_was_excluded_is_not_made_anew() {
    let raw = (
        "{id: disk1, kind: vmdk, datastore: vmfs1, exists: true, attached: true, size_gb: 100, excluded: false}\n    asr",
        "{id: disk1, kind: rdm, datastore: vmfs1, exists: true, attached: true, size_gb: 100, excluded: true}\n    asr",
    );
    comes_home(&[W1_LOST, raw]);
    let kept = (raw.0, "{id: disk1, kind: rdm, datastore: vmfs1, size_gb: 100, excluded: false}\n    asr");
    assert_eq!(classic_fails(&[W1_LOST, kept]), "DatastoreNotSupported");
}

#[test]
fn a_raw_disk_that_is_gone_is_missed_wherever_it_was() {
    let disk = "{id: disk1, kind: vmdk, datastore: vmfs1, exists: true, attached: true, size_gb: 100, excluded: false}\n    asr";
    let raw =
        "{id: disk1, kind: rdm, datastore: null, exists: false, size_gb: 100, excluded: false}\n    asr";
    assert_eq!(classic_fails(&[(disk, raw)]), "DiskNotAttached", "FB104");
    comes_home(&[(disk, &raw.replace("exists: false", "exists: true, attached: true"))]);
}

#[test]
fn two_machines_that_ask_at_once_do_not_share_the_last_space() {
    let small = ("vcenter: vc1, free_gb: 10240", "vcenter: vc1, free_gb: 399");
    let mut site = Site::new(
        classic(&[small, W1_LOST, ("exists: true, name: w2", "exists: false, name: w2")]),
        Scenario::default(),
    );
    site.done(&Request::Prepare);
    let (first, second) = (site.begin(&reprotect("w1")).unwrap(), site.begin(&reprotect("w2")).unwrap());
    assert_eq!(site.finish(&first), OperationStatus::Succeeded);
    let OperationStatus::Failed(failure) = site.finish(&second) else { panic!() };
    assert_eq!(failure.code, "DatastoreFull", "FB127");
}

#[test]
fn a_disk_that_stays_behind_may_lie_where_nobody_reaches_it() {
    let disk = "{id: disk1, kind: vmdk, datastore: vmfs1, exists: true, attached: true, size_gb: 100, excluded: false}\n    asr";
    let vmfs2 = "name: vmfs2, type: vmfs, vcenter: vc1, free_gb: 10240, accessible: true";
    let broken = (vmfs2, "name: vmfs2, type: vmfs, vcenter: vc1, free_gb: 10240, accessible: false");
    let behind = disk.replace("vmfs1", "vmfs2").replace("excluded: false", "excluded: true");
    comes_home(&[broken, (disk, &behind)]);
    let needed = disk.replace("vmfs1", "vmfs2");
    assert_eq!(classic_fails(&[broken, (disk, &needed)]), "8061", "FB113");
}

#[test]
fn a_disk_added_in_azure_comes_back_in_classic_on_linux_alone() {
    let added = (
        "    onprem_vm:\n      exists: true\n      name: w1",
        "        - {id: data, size_gb: 50, replicated_from_onprem: false}\n    onprem_vm:\n      exists: true\n      name: w1",
    );
    let lost = ("exists: true, name: l1", "exists: false, name: l1");
    let small = ("vcenter: vc1, free_gb: 10240", "vcenter: vc1, free_gb: 249");
    let mut site = Site::new(classic(&[added, lost, small]), Scenario::default());
    site.done(&Request::Prepare);
    assert_eq!(site.fails(&reprotect("l1")).code, "DatastoreFull", "FB127");
    let mut site = Site::new(classic(&[added, lost]), Scenario::default());
    site.protect("l1");
    assert_eq!(site.facts("l1").onprem_vm.unwrap().disks.unwrap().len(), 3);
    let mut site = Site::new(classic(&[added, W1_LOST, small]), Scenario::default());
    site.protect("w1");
    assert_eq!(site.facts("w1").onprem_vm.unwrap().disks.unwrap().len(), 2);
}

#[test]
fn a_machine_none_of_whose_disks_come_back_takes_no_slot() {
    let full = ("attached_disks: 3", "attached_disks: 60");
    let stays = ("size_gb: 100, replicated_from_onprem: true", "size_gb: 100, replicated_from_onprem: false");
    let mut site = Site::new(modernized(&[full, stays]), Scenario::default());
    site.done(&reprotect_modernized("w1"));
    assert_eq!(site.attached("ra1"), 60);
    // Disks that nobody knows of are one at least.
    let unknown =
        ("disks: [{id: disk0, size_gb: 100, replicated_from_onprem: true, temporary: false}]", "x-disks: []");
    let unseen = (
        "disks: [{id: disk0, kind: vmdk, datastore: vmfs1, exists: true, attached: true, size_gb: 100, excluded: false}]",
        "disks: []",
    );
    assert_eq!(modernized_fails(&[full, unknown, unseen]), "TooManyDisks", "FB803");
}

#[test]
fn raw_disks_of_a_vm_that_a_person_deleted_are_not_made_anew() {
    let disk = "{id: disk1, kind: vmdk, datastore: vmfs1, exists: true, attached: true, size_gb: 100, excluded: false}\n    asr";
    let mut site =
        Site::new(classic(&[(disk, &disk.replace("kind: vmdk", "kind: rdm"))]), Scenario::default());
    site.done(&Request::Prepare);
    let deed = crate::provider::emulator::Deed::DeleteOnpremVm { machine: name("w1") };
    site.world.by_hand(site.now, &deed).unwrap();
    assert_eq!(site.fails(&reprotect("w1")).code, "DatastoreNotSupported", "FB124");
}
