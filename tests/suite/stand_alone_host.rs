//! A host that no vCenter manages: asked itself, it tells of its machines what a vCenter tells of its own.

use std::sync::Arc;

use failback::clock::pace::Pace;
use failback::id::MachineName;
use failback::provider::Freshness;
use failback::provider::azure::Onprem as _;
use failback::provider::azure::Wanted;
use failback::provider::azure::WantedVm;
use failback::provider::vcenter::Kind;
use failback::provider::vcenter::Seen;
use failback::provider::vcenter::Settings;
use failback::provider::vcenter::Vcenters;
use failback::provider::vcenter::facts;
use failback::syntax::inventory::Inventory;
use failback::syntax::machine::Machine;
use failback::syntax::machine::PowerState;
use failback::syntax::nullable::Nullable;
use serde_json::Value;
use serde_json::json;

use crate::vcenter_client::Site;
use crate::vcenter_client::example;
use crate::vcenter_client::fail_over;
use crate::vcenter_client::same_facts::differences;
use crate::vcenter_client::same_facts::shape;

const HOST: &str = "icn-esx31";
const MACHINE: &str = "plc-gw01";

fn settings(site: &Site, id: &str, kind: Kind) -> Settings {
    Settings { kind: Some(kind), ..site.settings(id) }
}

async fn looks(site: &Site) -> Vec<Seen> {
    let mut seen = Vec::new();
    for vcenter in site.world().vcenters.iter().flatten() {
        seen.push(site.look(&vcenter.id.value).await);
    }
    seen.push(site.look(HOST).await);
    seen
}

fn machine<'i>(inventory: &'i Inventory, name: &str) -> &'i Machine {
    let machines = inventory.machines.iter().flatten();
    machines.into_iter().find(|machine| machine.name.value == name).expect("it is there")
}

#[tokio::test]
async fn nothing_of_the_enterprise_is_out_of_sight_when_its_host_is_asked_too() {
    let site = Site::of(&example("enterprise.inventory.yaml")).await;
    let seen = looks(&site).await;
    let host = seen.last().expect("the host is the last");
    assert!(!host.about.is_vcenter, "{:?}", host.about);
    let names: Vec<&str> = host.hosts.iter().map(|host| host.name.as_str()).collect();
    assert_eq!(names, [HOST], "it calls itself {HOST}.localdomain, and documents don't");
    assert_eq!(host.vms.iter().filter_map(|vm| vm.name.as_deref()).collect::<Vec<_>>(), [MACHINE]);
    assert!(host.whole && host.gaps.is_empty(), "{:?}", host.gaps);
    assert!(seen[..2].iter().all(|seen| seen.vms.iter().all(|vm| vm.name.as_deref() != Some(MACHINE))));

    let world = site.world();
    let told = facts(&seen, &world);
    let mut found = Vec::new();
    differences(&shape(&told.inventory), &shape(&world), "", &mut found);
    assert_eq!(found, [] as [&str; 0], "{}", found.join("\n"));
    let vcenters: Vec<&str> =
        told.inventory.vcenters.iter().flatten().map(|vcenter| vcenter.id.value.as_str()).collect();
    assert_eq!(vcenters, ["icn-vc1", "icn-vc2"], "a host is no vCenter");
    let vm = machine(&told.inventory, MACHINE).onprem_vm.as_ref().expect("it is seen");
    assert_eq!(vm.vcenter, Nullable::None);
    assert_eq!(told.gaps, []);
}

#[tokio::test]
async fn a_machine_that_is_on_no_host_that_was_asked_is_gone() {
    let site = Site::of(&example("enterprise.inventory.yaml")).await;
    let mut seen = looks(&site).await;
    seen.last_mut().expect("the host is the last").vms.clear();
    let told = facts(&seen, &site.world());
    let exists = |told: &Inventory| {
        let vm = machine(told, MACHINE).onprem_vm.as_ref();
        vm.and_then(|vm| vm.exists.as_deref().copied())
    };
    assert_eq!(exists(&told.inventory), Some(false));
    // Of a host that was not asked, nobody knows.
    seen.pop();
    let told = facts(&seen, &site.world());
    assert_eq!(exists(&told.inventory), Some(true));
    assert!(told.gaps.iter().any(|(_, gap)| gap.object == MACHINE), "{:?}", told.gaps);
}

#[tokio::test]
async fn an_address_of_the_other_kind_is_refused() {
    let site = Site::of(&example("enterprise.inventory.yaml")).await;
    for (id, meant, told) in [
        (HOST, Kind::Vcenter, "a single host answers at"),
        ("icn-vc1", Kind::Host, "icn-vc1 is a host under no vCenter"),
    ] {
        let error = site.try_to_connect(settings(&site, id, meant)).await.expect_err("it is the wrong one");
        assert!(error.to_string().contains(told) && !error.is_transient(), "{error}");
    }
    site.try_to_connect(settings(&site, HOST, Kind::Host)).await.expect("it is the right one");
}

#[tokio::test]
async fn guards_see_a_machine_come_home_to_its_host() {
    let text = example("enterprise.inventory.yaml");
    let site = Site::of(&text).await;
    let all = vec![
        settings(&site, "icn-vc1", Kind::Vcenter),
        settings(&site, "icn-vc2", Kind::Vcenter),
        settings(&site, HOST, Kind::Host),
    ];
    let vcenters = Vcenters::new(all, site.world(), Arc::clone(&site.pace) as Arc<dyn Pace>);
    let wanted = Wanted {
        machines: vec![WantedVm { machine: MachineName::new(MACHINE), uuid: None, name: None }],
        servers: Vec::new(),
    };
    let power = async || {
        let told = vcenters.look(&wanted, Freshness::Now).await.expect("they answer");
        assert_eq!(told.missing.len(), 0, "{:?}", told.missing);
        let vm = machine(&told.facts, MACHINE).onprem_vm.as_ref();
        vm.and_then(|vm| vm.power_state.as_deref().copied())
    };
    assert_eq!(power().await, Some(PowerState::Stopped));
    let onprem = failback::provider::emulator::Deed::StartOnpremVm { machine: MachineName::new(MACHINE) };
    site.emulator.by_hand(&onprem).expect("a person may start it");
    assert_eq!(power().await, Some(PowerState::Running));
    // Nobody else's machine hides it.
    fail_over(&site, "print01").await;
    assert_eq!(power().await, Some(PowerState::Running));
    vcenters.log_out().await;
}

#[tokio::test]
async fn a_host_that_does_not_answer_leaves_what_moves_unknown() {
    let site = Site::of(&example("enterprise.inventory.yaml")).await;
    let mut silent = settings(&site, HOST, Kind::Host);
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").expect("a port is free");
    silent.url = format!("http://{}/sdk", nobody.local_addr().expect("it has an address"));
    drop(nobody);
    let all =
        vec![settings(&site, "icn-vc1", Kind::Vcenter), settings(&site, "icn-vc2", Kind::Vcenter), silent];
    let vcenters = Vcenters::new(all, site.world(), Arc::clone(&site.pace) as Arc<dyn Pace>);
    let wanted = Wanted {
        machines: vec![WantedVm { machine: MachineName::new(MACHINE), uuid: None, name: None }],
        servers: Vec::new(),
    };
    let told = vcenters.look(&wanted, Freshness::Now).await.expect("the others answer");
    let vm = machine(&told.facts, MACHINE).onprem_vm.as_ref().expect("it is written");
    assert_eq!((vm.power_state, vm.snapshots.as_deref()), (None, None));
    let everything = format!("everything of host {HOST}");
    assert!(told.missing.iter().any(|missing| missing.facts == everything), "{:?}", told.missing);
    assert_eq!(
        told.facts.vcenters.iter().flatten().count(),
        2,
        "a host is no vCenter, and none is out of reach"
    );
    vcenters.log_out().await;
}

/// What VMware's simulator was given from a host of version 6.5, and what every client looks at first.
#[tokio::test]
async fn its_parts_have_the_names_that_an_esxi_gives_them() {
    let site = Site::of(&example("enterprise.inventory.yaml")).await;
    let url = format!("{}/sdk/{HOST}", site.server.url());
    let client = reqwest::Client::builder().no_proxy().build().expect("a client can be made");
    let body = concat!(
        r#"<Envelope xmlns="http://schemas.xmlsoap.org/soap/envelope/"><Body><RetrieveServiceContent xmlns="urn:vim25">"#,
        r#"<_this type="ServiceInstance">ServiceInstance</_this></RetrieveServiceContent></Body></Envelope>"#
    );
    let answer = client.post(&url).body(body).send().await.expect("it answers");
    let text = answer.text().await.expect("it is text");
    for part in [
        r#"<rootFolder type="Folder">ha-folder-root</rootFolder>"#,
        r#"<propertyCollector type="PropertyCollector">ha-property-collector</propertyCollector>"#,
        r#"<sessionManager type="SessionManager">ha-sessionmgr</sessionManager>"#,
        r#"<searchIndex type="SearchIndex">ha-searchindex</searchIndex>"#,
        "<apiType>HostAgent</apiType>",
        "<productLineId>embeddedEsx</productLineId>",
    ] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
    let known: Value = json!(site.server.hosts());
    assert_eq!(known, json!([[HOST, url]]));
}
