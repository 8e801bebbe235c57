//! What is made of answers that say less than one would like.

use jiff::Timestamp;

use crate::provider::vcenter::collect;
use crate::provider::vcenter::collect::Object;
use crate::provider::vcenter::facts;
use crate::provider::vcenter::facts::Told;
use crate::provider::vcenter::read;
use crate::provider::vcenter::read::Names;
use crate::provider::vcenter::seen::About;
use crate::provider::vcenter::seen::Connection;
use crate::provider::vcenter::seen::Gap;
use crate::provider::vcenter::seen::Seen;
use crate::provider::vcenter::seen::SeenDatastore;
use crate::provider::vcenter::seen::SeenHost;
use crate::provider::vcenter::seen::SeenVm;
use crate::provider::vcenter::xml::parse;
use crate::quantity::Bytes;
use crate::source::Sources;
use crate::syntax;
use crate::syntax::Document;
use crate::syntax::inventory::Access;
use crate::syntax::inventory::DatastoreType;
use crate::syntax::inventory::Inventory;
use crate::syntax::machine::Firmware;
use crate::syntax::machine::PowerState;

/// Returns the object that some properties make; each is a path and a value.
fn object(kind: &str, inside: &str) -> Object {
    let text = format!(
        "<r><returnval><objects><obj type=\"{kind}\">{kind}-1</obj>{inside}</objects></returnval></r>"
    );
    collect::page(&parse(&text).unwrap()).unwrap().objects.remove(0)
}

fn set(path: &str, value: &str) -> String {
    format!("<propSet><name>{path}</name><val xsi:type=\"xsd:string\">{value}</val></propSet>")
}

fn vm(inside: &str) -> (SeenVm, Vec<Gap>) {
    let mut gaps = Vec::new();
    let seen = read::vm(&object(read::VM, inside), Timestamp::UNIX_EPOCH, &Names::new(), &mut gaps);
    (seen, gaps)
}

#[test]
fn a_machine_whose_configuration_was_not_read_has_no_known_disks_and_no_known_snapshots() {
    let text = [
        set("name", "w1"),
        set("runtime.connectionState", "inaccessible"),
        set("runtime.powerState", "poweredOff"),
    ];
    let (seen, gaps) = vm(&text.concat());
    assert_eq!((seen.snapshots, seen.disks, seen.secure_boot, seen.power), (None, None, None, None));
    assert_eq!(seen.connection, Some(Connection::Lost("inaccessible".into())));
    assert_eq!(gaps[0].why, "its vCenter does not hear from its host (inaccessible)");
}

#[test]
fn no_snapshot_is_known_only_where_one_would_have_been_seen() {
    let known = [set("name", "w1"), set("config.uuid", "U"), set("config.firmware", "bios")].concat();
    let (seen, gaps) = vm(&known);
    assert_eq!(
        (seen.snapshots, seen.secure_boot, seen.firmware),
        (Some(0), Some(false), Some(Firmware::Bios))
    );
    assert_eq!((seen.uuid.as_deref(), gaps.len()), (Some("u"), 0));
    let denied = "<missingSet><path>snapshot</path><fault><fault xsi:type=\"NoPermission\"><privilegeId>System.Read</privilegeId>\
        </fault></fault></missingSet>";
    let (seen, gaps) = vm(&format!("{known}{denied}"));
    assert_eq!(seen.snapshots, None);
    assert_eq!((gaps[0].property.as_str(), gaps[0].privilege.as_deref()), ("snapshot", Some("System.Read")));
    assert_eq!(gaps[0].why, "the account lacks System.Read");
    let tree = "<propSet><name>snapshot</name><val><currentSnapshot type=\"S\">s-3</currentSnapshot><rootSnapshotList>\
        <childSnapshotList/><childSnapshotList><childSnapshotList/></childSnapshotList></rootSnapshotList></val></propSet>";
    assert_eq!(vm(&format!("{known}{tree}")).0.snapshots, Some(4));
}

#[test]
fn three_letters_of_a_name_come_escaped() {
    assert_eq!(vm(&set("name", "a%2fb%5cc 100%25")).0.name.as_deref(), Some("a/b\\c 100%"));
}

#[test]
fn who_reaches_a_datastore_is_known_of_all_hosts_or_of_none() {
    let mount = |host: &str, accessible: &str| {
        format!(
            "<DatastoreHostMount><key type=\"HostSystem\">{host}</key><mountInfo><accessMode>readWrite</accessMode>{accessible}\
             </mountInfo></DatastoreHostMount>"
        )
    };
    let (yes, no) = ("<accessible>true</accessible>", "<accessible>false</accessible>");
    let host = |value: &str| collect::Reference { kind: "HostSystem".into(), value: value.into() };
    let names = Names::from([(host("h1"), "esx1".into()), (host("h2"), "esx2".into())]);
    let access = |mounts: &[String]| {
        let text =
            format!("{}<propSet><name>host</name><val>{}</val></propSet>", set("name", "d"), mounts.concat());
        let mut gaps = Vec::new();
        read::datastore(&object(read::DATASTORE, &text), &names, &mut gaps).unwrap().access
    };
    let all = access(&[mount("h2", no), mount("h1", yes)]);
    assert_eq!(all, Some(vec![("esx1".to_owned(), Access::ReadWrite)]));
    assert_eq!(access(&[mount("h1", yes), mount("h2", "")]), None, "one host doesn't say");
    assert_eq!(access(&[mount("h1", yes), mount("h3", yes)]), None, "one host may not be seen");
}

#[test]
fn sizes_of_a_datastore_that_nobody_reaches_are_not_known() {
    let summary = |accessible: &str, kind: &str| {
        let text = format!(
            "{}<propSet><name>summary</name><val><url>ds:///x/</url><capacity>20</capacity><freeSpace>10</freeSpace>\
             <accessible>{accessible}</accessible><type>{kind}</type></val></propSet>",
            set("name", "d")
        );
        let mut gaps = Vec::new();
        (read::datastore(&object(read::DATASTORE, &text), &Names::new(), &mut gaps).unwrap(), gaps)
    };
    let (seen, _) = summary("true", "NFS41");
    assert_eq!(
        (seen.kind, seen.free, seen.accessible),
        (Some(DatastoreType::Nfs), Some(Bytes(10)), Some(true))
    );
    let (seen, gaps) = summary("false", "PMEM");
    assert_eq!((seen.kind, seen.free, seen.accessible), (None, None, Some(false)));
    assert!(gaps.iter().any(|gap| gap.why.contains("PMEM")), "{gaps:?}");
}

fn seen(vcenter: &str) -> Seen {
    Seen {
        vcenter: vcenter.into(),
        at: Timestamp::UNIX_EPOCH,
        about: About {
            full_name: "vCenter".into(),
            version: Some("8.0.2".into()),
            api_version: None,
            instance_uuid: None,
            is_vcenter: true,
        },
        vms: Vec::new(),
        hosts: Vec::new(),
        datastores: Vec::new(),
        whole: true,
        gaps: Vec::new(),
    }
}

fn named(name: &str, uuid: &str) -> SeenVm {
    SeenVm {
        power: Some(PowerState::Stopped),
        ..vm(&[set("name", name), set("config.uuid", uuid)].concat()).0
    }
}

fn base(text: &str) -> Inventory {
    let mut sources = Sources::new();
    let source =
        sources.add("site.yaml", format!("kind: Inventory\nversion: 1\nname: site\n{text}")).unwrap();
    let mut diagnostics = Vec::new();
    let documents = syntax::parse(sources.get(source), &mut diagnostics);
    assert!(diagnostics.is_empty(), "{diagnostics:?}");
    let Some(Document::Inventory(inventory)) = documents.into_iter().next() else { panic!("an inventory") };
    *inventory
}

fn exists(told: &Told) -> Vec<Option<bool>> {
    let machines = told.inventory.machines.iter().flatten();
    machines.map(|machine| machine.onprem_vm.as_ref()?.exists.as_deref().copied()).collect()
}

#[test]
fn only_a_whole_look_says_that_a_machine_is_gone() {
    let site = base("vcenters: [{id: vc1}, {id: vc2}]\nmachines: [{name: w1}]\n");
    let both = [seen("vc1"), seen("vc2")];
    assert_eq!(exists(&facts(&both, &site)), [Some(false)]);
    let told = facts(&both[..1], &site);
    assert_eq!(exists(&told), [None], "it may be in the other vCenter");
    assert!(told.gaps.iter().any(|(_, gap)| gap.object == "w1"), "{:?}", told.gaps);
    let part = [seen("vc1"), Seen { whole: false, ..seen("vc2") }];
    assert_eq!(exists(&facts(&part, &site)), [None], "it may be where the account sees nothing");
    assert_eq!(exists(&facts(&[], &site)), [None]);
}

#[test]
fn what_no_vcenter_sees_stays_as_it_is_written() {
    let site = base(
        "vcenters: [{id: vc1}]\nhosts: [{name: esx9, vcenter: null, version: \"7.0\"}]\n\
         datastores: [{name: d, access: {esx9: ro, esx8: rw}}]\n\
         machines:\n- {name: w1, memory_gb: 8, onprem_vm: {exists: true, host: esx9, vcenter: null}}\n\
         - {name: w2, kind: vmware_vm, asr: {source_vcenter: null}}\n- {name: p1, kind: physical, asr: {source_vcenter: null}}\n",
    );
    let store = SeenDatastore {
        name: "d".into(),
        url: None,
        kind: None,
        capacity: None,
        free: None,
        accessible: None,
        maintenance: None,
        access: Some(vec![("esx1".into(), Access::ReadWrite)]),
    };
    let told = facts(&[Seen { datastores: vec![store], ..seen("vc1") }], &site);
    assert_eq!(exists(&told), [Some(true), None, Some(false)]);
    let text = serde_json::to_value(&told.inventory).unwrap();
    assert_eq!(text["machines"][0]["memory_gb"], 8);
    assert_eq!(text["hosts"][0]["version"], "7.0");
    assert_eq!(text["datastores"][0]["access"], serde_json::json!({"esx1": "rw", "esx9": "ro"}));
}

#[test]
fn a_machine_is_found_by_its_uuid_and_a_name_must_be_one_machines() {
    let site = base(
        "vcenters: [{id: vc1}]\nmachines:\n- {name: w1, asr: {source_vm_uuid: AA}}\n- {name: w2}\n- {name: W3}\n\
         - {name: w4, asr: {source_vm_uuid: BB}}\n",
    );
    let mut one = seen("vc1");
    one.vms = vec![
        named("other", "aa"),
        named("w2", "c1"),
        named("w2", "c2"),
        named("w3", "c3"),
        named("w4", "c4"),
    ];
    one.vms.push(SeenVm { template: Some(true), ..named("w3", "c5") });
    let told = facts(&[one], &site);
    let text = serde_json::to_value(&told.inventory).unwrap();
    assert_eq!(text["machines"][0]["onprem_vm"]["name"], "other");
    assert_eq!(text["machines"][1].get("onprem_vm"), None);
    assert!(
        told.gaps.iter().any(|(_, gap)| gap.why == "several virtual machines have the name w2"),
        "{:?}",
        told.gaps
    );
    assert_eq!(
        text["machines"][2]["onprem_vm"]["uuid"], "c3",
        "letters don't matter, and a template is none"
    );
    assert_eq!(
        text["machines"][3]["onprem_vm"]["uuid"], "c4",
        "another of its name is told, and that it is another"
    );
}

#[test]
fn a_datastore_of_two_vcenters_is_one_if_its_address_is() {
    let store = |url: &str, host: &str| SeenDatastore {
        name: "d".into(),
        url: Some(url.into()),
        kind: Some(DatastoreType::Vmfs),
        capacity: None,
        free: Some(Bytes::gib(5)),
        accessible: Some(true),
        maintenance: Some(false),
        access: Some(vec![(host.into(), Access::ReadWrite)]),
    };
    let both = |other: &str| {
        let one = Seen { datastores: vec![store("ds:///1/", "esx1")], ..seen("vc1") };
        let two = Seen { datastores: vec![store(other, "esx2")], ..seen("vc2") };
        facts(&[one, two], &base("vcenters: []\n"))
    };
    let same = serde_json::to_value(&both("ds:///1/").inventory).unwrap();
    assert_eq!(same["datastores"][0]["access"], serde_json::json!({"esx1": "rw", "esx2": "rw"}));
    let told = both("ds:///2/");
    let other = serde_json::to_value(&told.inventory).unwrap();
    assert_eq!(other["datastores"], serde_json::json!([{"name": "d"}]));
    assert!(told.gaps.iter().any(|(vcenter, gap)| vcenter == "vc2" && gap.object == "d"), "{:?}", told.gaps);
}

#[test]
fn a_host_that_is_not_heard_from_has_no_known_load() {
    let text = [
        set("name", "esx1"),
        set("runtime.connectionState", "notResponding"),
        set("summary.hardware.memorySize", "1073741824"),
        set("summary.quickStats.overallMemoryUsage", "24"),
    ];
    let mut gaps = Vec::new();
    let silent = object(read::HOST, &text.concat());
    let names = Names::from([(silent.reference.clone(), "esx1".to_owned())]);
    let host = read::host(&silent, &names, &mut gaps).unwrap();
    assert_eq!((host.free_memory, host.vms.clone()), (None, None));
    assert_eq!(gaps.len(), 1);
    let heard = text.concat().replace("notResponding", "connected");
    let host: SeenHost = read::host(&object(read::HOST, &heard), &names, &mut gaps).unwrap();
    assert_eq!((host.free_memory, host.vms), (Some(Bytes((1024 - 24) << 20)), Some(Vec::new())));
}
