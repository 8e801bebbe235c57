//! How often a vCenter is asked, and what a look is good for.

use std::sync::Arc;

use failback::clock::Clock;
use failback::clock::pace::Pace;
use failback::id::MachineName;
use failback::provider::Freshness;
use failback::provider::azure::Onprem;
use failback::provider::azure::Wanted;
use failback::provider::azure::WantedVm;
use failback::provider::vcenter::Seen;
use failback::provider::vcenter::Vcenters;
use failback::syntax::machine::PowerState;

use crate::vcenter_client::Site;
use crate::vcenter_client::example;
use crate::vcenter_client::fail_over;
use crate::vcenter_client::same_facts::OUT_OF_SIGHT;
use crate::vcenter_client::same_facts::differences;
use crate::vcenter_client::same_facts::shape;

#[tokio::test]
async fn a_look_takes_few_requests_and_a_guard_one() {
    let site = Site::of(&example("branch-office.inventory.yaml")).await;
    let client = site.connect("gmh-vc1").await;
    let asked = || site.server.counts().values().sum::<u64>();
    assert_eq!(asked(), 2, "who it is, and the login");
    client.inventory().await.unwrap();
    assert_eq!(asked(), 5, "a view, its page, its end");
    let uuids = [
        "564D6B22-9F10-4C1E-8A00-000000000001".to_owned(),
        "564d6b22-9f10-4c1e-8a00-000000000003".to_owned(),
    ];
    let vms = client.vms(&uuids).await.unwrap();
    assert_eq!(asked(), 6, "both at once");
    let mut names: Vec<_> = vms.into_iter().map(|vm| (vm.name.unwrap(), vm.host.unwrap())).collect();
    names.sort();
    assert_eq!(
        names,
        [("gmh-dc01".into(), "gmh-esx01".into()), ("gmh-pos01".into(), "gmh-esx01".into())]
            as [(String, String); 2]
    );
    // The one that was lost is looked for, and is not there.
    assert_eq!(client.vms(&["564d6b22-9f10-4c1e-8a00-000000000005".to_owned()]).await.unwrap(), []);
    assert_eq!(asked(), 7);
}

#[tokio::test]
async fn a_second_look_reads_what_matters_and_what_is_new() {
    let site = Site::of(&example("enterprise.inventory.yaml")).await;
    let client = site.connect("icn-vc1").await;
    let before = client.inventory().await.unwrap();
    fail_over(&site, "print01").await;
    let asked = || site.server.counts().values().sum::<u64>();
    let first = asked();
    let after = client.refresh(&before, &|vm| vm.name.as_deref() == Some("print01")).await.unwrap();
    assert_eq!(
        asked() - first,
        2,
        "a view of hosts and datastores, which stays, and all of it with the machine"
    );
    let again = asked();
    client.refresh(&before, &|vm| vm.name.as_deref() == Some("print01")).await.unwrap();
    assert_eq!(asked() - again, 1, "the view is there");
    let whole = client.inventory().await.unwrap();
    let of = |seen: &Seen, name: &str| {
        let vm = seen.vms.iter().find(|vm| vm.name.as_deref() == Some(name)).expect("it is there");
        (vm.power, vm.booted_at, vm.disks.as_ref().map(Vec::len))
    };
    assert_eq!(of(&after, "print01"), of(&whole, "print01"));
    assert_ne!(of(&after, "print01"), of(&before, "print01"));
    assert_eq!(
        (&after.hosts, &after.datastores, after.vms.len()),
        (&whole.hosts, &whole.datastores, whole.vms.len())
    );
    // The master target gave a disk back, and nobody said that it matters.
    assert_eq!(of(&after, "icn-mtw1"), of(&before, "icn-mtw1"));
    assert_ne!(of(&whole, "icn-mtw1"), of(&before, "icn-mtw1"));
    // One that is new is read, whether it matters or not; one that is gone is forgotten.
    let without = Seen { vms: before.vms[1..].to_vec(), ..before.clone() };
    let found = client.refresh(&without, &|_| false).await.unwrap();
    assert_eq!(found.vms.len(), before.vms.len());
    let mut stranger = before.vms[0].clone();
    stranger.reference = "vm-0".into();
    let with = Seen { vms: before.vms.iter().cloned().chain([stranger]).collect(), ..before.clone() };
    assert_eq!(client.refresh(&with, &|_| false).await.unwrap().vms.len(), before.vms.len());
    site.server.end_vcenter_sessions();
    assert_eq!(client.refresh(&before, &|_| true).await.unwrap().vms.len(), before.vms.len());
}

#[tokio::test]
async fn guards_share_a_look_and_never_see_what_was_before_they_asked() {
    let site = Site::of(&example("enterprise.inventory.yaml")).await;
    let settings = vec![site.settings("icn-vc1"), site.settings("icn-vc2")];
    let pace = Arc::clone(&site.pace) as Arc<dyn Pace>;
    let vcenters = Arc::new(Vcenters::new(settings, site.world(), pace));
    let wanted = |machines: &[&str]| Wanted {
        machines: machines
            .iter()
            .map(|name| WantedVm { machine: MachineName::new(*name), uuid: None, name: None })
            .collect(),
        servers: vec!["icn-mtw1".into()],
    };
    let power = async |freshness| {
        let seen = vcenters.look(&wanted(&["print01"]), freshness).await.unwrap();
        let machine = seen.facts.machines.unwrap().remove(0);
        machine.onprem_vm.unwrap().power_state.map(|power| power.value)
    };
    let asked = || site.server.counts().values().sum::<u64>();
    assert_eq!(power(Freshness::Now).await, Some(PowerState::Stopped));
    let first = asked();
    assert_eq!(power(Freshness::Lately).await, Some(PowerState::Stopped));
    assert_eq!(asked(), first, "what was seen a moment ago will do");
    // Of a machine that was seen a moment ago, too.
    vcenters.look(&wanted(&["mon01"]), Freshness::Lately).await.unwrap();
    assert_eq!(asked(), first);
    fail_over(&site, "print01").await;
    assert_eq!(power(Freshness::Now).await, Some(PowerState::Running));
    assert_eq!(asked() - first, 4, "a view and a page of each");

    let first = asked();
    let looks: Vec<_> = ["print01", "mon01", "dc01", "web01", "dns01", "mq01", "pg01", "hr01"]
        .map(|name| {
            let (vcenters, wanted) = (Arc::clone(&vcenters), wanted(&[name]));
            tokio::spawn(async move { vcenters.look(&wanted, Freshness::Now).await.unwrap() })
        })
        .into_iter()
        .collect();
    for look in looks {
        assert_eq!(look.await.unwrap().facts.machines.unwrap().len(), 1);
    }
    assert!(asked() - first <= 4, "eight guards share two looks: {}", asked() - first);
    let found = {
        let names: Vec<String> = site.server.names().items.into_iter().map(|(name, _)| name).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let told = vcenters.look(&wanted(&names), Freshness::Now).await.unwrap();
        let mut found = Vec::new();
        differences(&shape(&told.facts), &shape(&site.world()), "", &mut found);
        found
    };
    // Only the machines are asked for, and one of the master targets.
    let machines: Vec<&String> = found.iter().filter(|line| !line.starts_with(".master_targets")).collect();
    assert_eq!(machines, OUT_OF_SIGHT.iter().collect::<Vec<_>>(), "{machines:?}");
    vcenters.log_out().await;
}

#[tokio::test]
async fn all_that_steps_wait_for_is_read_with_the_first_of_them() {
    let site = Site::of(&example("enterprise.inventory.yaml")).await;
    let pace = Arc::clone(&site.pace) as Arc<dyn Pace>;
    let vcenters = Vcenters::new(vec![site.settings("icn-vc1")], site.world(), pace);
    let waits_for = async |name: &str| {
        let machine = WantedVm { machine: MachineName::new(name), uuid: None, name: None };
        let wanted = Wanted { machines: vec![machine], servers: Vec::new() };
        let seen = vcenters.look(&wanted, Freshness::Lately).await.unwrap();
        let vm = seen.facts.machines.unwrap().remove(0).onprem_vm.unwrap();
        vm.power_state.map(|power| power.value)
    };
    let asked = || site.server.counts().values().sum::<u64>();
    let pass = async |minutes| {
        let moment = site.pace.now() + jiff::SignedDuration::from_mins(minutes);
        site.pace.until(moment).await;
    };
    let all = ["print01", "mon01", "dc01"];
    for name in all {
        waits_for(name).await;
    }
    pass(2).await;
    waits_for("print01").await;
    let first = asked();
    for name in ["mon01", "dc01", "print01"] {
        waits_for(name).await;
    }
    assert_eq!(asked(), first, "one page told of all of them");
    fail_over(&site, "print01").await;
    pass(2).await;
    waits_for("mon01").await;
    let again = asked();
    assert_eq!(waits_for("print01").await, Some(PowerState::Running), "as it is, and not as it was");
    assert_eq!(asked(), again);
    // Who has not asked for a while waits no more, and is not read for others.
    pass(7).await;
    waits_for("mon01").await;
    let late = asked();
    waits_for("print01").await;
    assert_eq!(asked() - late, 1);
}
