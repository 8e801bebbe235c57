//! The client of vCenter against the emulator's vCenter: two readings of one interface, over one world.

use std::path::Path;
use std::sync::Arc;

use failback::clock::Clock;
use failback::clock::pace::Pace;
use failback::clock::pace::Speed;
use failback::clock::pace::WorldPace;
use failback::id::IdempotencyKey;
use failback::id::MachineName;
use failback::provider::FailbackPoint;
use failback::provider::Freshness;
use failback::provider::Operate;
use failback::provider::Request;
use failback::provider::azure::Onprem;
use failback::provider::azure::Wanted;
use failback::provider::azure::WantedVm;
use failback::provider::emulator::Emulator;
use failback::provider::emulator::Scenario;
use failback::provider::emulator::http::Certificate;
use failback::provider::emulator::http::Server;
use failback::provider::emulator::http::ServerHandle;
use failback::provider::emulator::http::ServerOptions;
use failback::provider::emulator::http::WireFault;
use failback::provider::emulator::http::WireFaultKind;
use failback::provider::emulator::http::WireFaults;
use failback::provider::vcenter::Limits;
use failback::provider::vcenter::Seen;
use failback::provider::vcenter::Settings;
use failback::provider::vcenter::Thumbprint;
use failback::provider::vcenter::Trust;
use failback::provider::vcenter::VcenterClient;
use failback::provider::vcenter::VcenterError;
use failback::provider::vcenter::Vcenters;
use failback::provider::vcenter::facts;
use failback::syntax::inventory::Inventory;
use failback::syntax::machine::PowerState;
use failback::syntax::machine::ToolsState;
use secrecy::ExposeSecret;
use serde_json::Value;
use tokio::sync::oneshot;

use crate::support::inventory;

pub fn example(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("plans").join(name);
    std::fs::read_to_string(path).expect("the example is there")
}

/// A world with a vCenter, served until it is dropped.
pub struct Site {
    pub emulator: Arc<Emulator>,
    pub pace: Arc<WorldPace>,
    pub server: ServerHandle,
    ends: Option<oneshot::Sender<()>>,
}

impl Drop for Site {
    fn drop(&mut self) {
        drop(self.ends.take());
    }
}

impl Site {
    pub async fn of(text: &str) -> Self {
        Self::with(text, ServerOptions::default()).await
    }

    async fn with(text: &str, options: ServerOptions) -> Self {
        let facts = inventory(text);
        let start = facts.observed_at.as_deref().copied().expect("the world has a time");
        let pace = Arc::new(WorldPace::new(start, Speed::Max));
        let clock: Arc<dyn Clock> = Arc::clone(&pace) as Arc<dyn Clock>;
        let emulator = Arc::new(Emulator::in_memory(facts, Scenario::default(), start, clock));
        let server = Server::bind(Arc::clone(&emulator), Arc::clone(&pace), options).await;
        let server = server.expect("the loopback has a free port");
        let handle = server.handle();
        let (ends, ended) = oneshot::channel::<()>();
        tokio::spawn(server.serve(async move {
            let _ = ended.await;
        }));
        Self { emulator, pace, server: handle, ends: Some(ends) }
    }

    pub fn settings(&self, vcenter: &str) -> Settings {
        let options = self.server.options();
        Settings {
            id: vcenter.into(),
            kind: None,
            url: format!("{}/sdk/{vcenter}", self.server.url()),
            user: options.vcenter_user.clone(),
            password: options.vcenter_password.expose_secret().to_owned().into(),
            trust: Trust::System,
            limits: Limits::default(),
        }
    }

    async fn connect(&self, vcenter: &str) -> VcenterClient {
        self.try_to_connect(self.settings(vcenter)).await.expect("the emulator lets us in")
    }

    pub async fn try_to_connect(&self, settings: Settings) -> Result<VcenterClient, VcenterError> {
        VcenterClient::connect(settings, Arc::clone(&self.pace) as Arc<dyn Clock>).await
    }

    pub async fn look(&self, vcenter: &str) -> Seen {
        self.connect(vcenter).await.inventory().await.expect("a vCenter shows what it has")
    }

    /// Returns everything that the world knows.
    pub fn world(&self) -> Inventory {
        let mut facts = self.emulator.infrastructure().expect("the world can be looked at");
        let names = self.server.names().items.into_iter();
        let machines = names.map(|(name, _)| {
            let name = MachineName::new(name);
            self.emulator.machine_facts(&name).expect("it is there")
        });
        facts.machines = Some(machines.collect());
        facts
    }
}

/// Compares what was told with what is: every fact of vCenter's that stands in the world has to come through.
pub fn differences(told: &Value, world: &Value, path: &str, found: &mut Vec<String>) {
    match (told, world) {
        (Value::Object(told), Value::Object(world)) => {
            for (key, value) in world {
                let path = format!("{path}.{key}");
                match told.get(key) {
                    Some(told) => differences(told, value, &path, found),
                    None => found.push(format!("{path} is not told: {value}")),
                }
            }
            for (key, value) in told.iter().filter(|(key, _)| !world.contains_key(*key)) {
                found.push(format!("{path}.{key} is told, and not known: {value}"));
            }
        }
        (Value::Array(told), Value::Array(world))
            if told.iter().chain(world).all(|entry| name(entry).is_some()) =>
        {
            for value in world {
                let path = format!("{path}[{}]", name(value).unwrap_or_default());
                match told.iter().find(|told| name(told) == name(value)) {
                    Some(told) => differences(told, value, &path, found),
                    None => found.push(format!("{path} is not told")),
                }
            }
            for value in told.iter().filter(|told| !world.iter().any(|value| name(value) == name(told))) {
                found.push(format!("{path}[{}] is told, and not there", name(value).unwrap_or_default()));
            }
        }
        (told, world) if told != world => found.push(format!("{path}: told {told}, is {world}")),
        _ => {}
    }
}

fn name(value: &Value) -> Option<&str> {
    ["name", "id"].iter().find_map(|key| value.get(key)).and_then(Value::as_str).or_else(|| value.as_str())
}

/// Returns facts as JSON, with those keys only that `keep` says are vCenter's.
pub fn shape(facts: &Inventory) -> Value {
    let mut all = serde_json::to_value(facts).expect("facts are data");
    fn only(list: &mut Value, keys: &[&str]) {
        for entry in list.as_array_mut().into_iter().flatten().filter_map(Value::as_object_mut) {
            entry.retain(|key, _| keys.contains(&key.as_str()));
        }
    }
    let keep = ["hosts", "datastores", "master_targets", "appliances", "machines"];
    all.as_object_mut().expect("a mapping").retain(|key, _| keep.contains(&key.as_str()));
    only(&mut all["hosts"], &["name", "vcenter", "hypervisor", "version", "free_memory_gb", "vms"]);
    only(&mut all["datastores"], &["name", "type", "vcenter", "free_gb", "accessible", "access"]);
    let mt = [
        "name",
        "form",
        "host",
        "datastore",
        "snapshots",
        "scsi_controllers",
        "attached_disks",
        "vmware_tools_installed",
        "enable_uuid",
        "uuid",
        "ram_gb",
        "cpu",
        "os_disk_gb",
    ];
    only(&mut all["master_targets"], &mt);
    only(&mut all["appliances"], &["name", "vcenter", "host", "datastore", "attached_disks"]);
    only(&mut all["machines"], &["name", "memory_gb", "boot", "onprem_vm"]);
    for host in all["hosts"].as_array_mut().into_iter().flatten() {
        if let Some(vms) = host.get_mut("vms").and_then(Value::as_array_mut) {
            vms.sort_by_key(|vm| vm.as_str().map(str::to_owned));
        }
    }
    for machine in all["machines"].as_array_mut().into_iter().flatten() {
        // Site Recovery knows which disks were excluded, and a person the template.
        if let Some(vm) = machine.get_mut("onprem_vm").and_then(Value::as_object_mut) {
            vm.remove("template_id");
        }
        for disk in machine["onprem_vm"]["disks"]
            .as_array_mut()
            .into_iter()
            .flatten()
            .filter_map(Value::as_object_mut)
        {
            disk.remove("excluded");
        }
        // Of a machine without a virtual machine vCenter tells nothing.
        if machine["onprem_vm"]["exists"] == false
            && let Some(machine) = machine.as_object_mut()
        {
            machine.remove("memory_gb");
            machine.remove("boot");
        }
    }
    all
}

/// What nobody can see of a machine on a host that no vCenter manages: it is unknown, whatever was written of it.
const OUT_OF_SIGHT: [&str; 3] = [
    ".machines[plc-gw01].onprem_vm.power_state is not told: \"stopped\"",
    ".machines[plc-gw01].onprem_vm.snapshots is not told: 0",
    ".machines[plc-gw01].onprem_vm.tools is not told: \"uninstalled\"",
];

async fn compare(site: &Site) -> Vec<String> {
    let world = site.world();
    let mut seen = Vec::new();
    for vcenter in world.vcenters.iter().flatten() {
        seen.push(site.look(&vcenter.id.value).await);
    }
    let told = facts(&seen, &world);
    let mut found = Vec::new();
    differences(&shape(&told.inventory), &shape(&world), "", &mut found);
    found
}

#[tokio::test]
async fn the_branch_office_is_seen_as_it_is() {
    let site = Site::of(&example("branch-office.inventory.yaml")).await;
    let found = compare(&site).await;
    assert_eq!(found, [] as [&str; 0], "{}", found.join("\n"));
}

#[tokio::test]
async fn the_enterprise_is_seen_as_it_is() {
    let site = Site::of(&example("enterprise.inventory.yaml")).await;
    let found = compare(&site).await;
    assert_eq!(found, OUT_OF_SIGHT, "{}", found.join("\n"));
}

#[tokio::test]
async fn a_large_site_comes_in_pages() {
    let options = ServerOptions { page: 7, ..ServerOptions::default() };
    let site = Site::with(&example("enterprise.inventory.yaml"), options).await;
    let found = compare(&site).await;
    assert_eq!(found, OUT_OF_SIGHT, "{}", found.join("\n"));
    let mut settings = site.settings("icn-vc1");
    settings.limits.page = 3;
    let small = site.try_to_connect(settings).await.unwrap().inventory().await.unwrap();
    let asked = site.server.counts().values().sum::<u64>();
    let whole = site.look("icn-vc1").await;
    assert_eq!((small.vms.len(), small.hosts.len()), (whole.vms.len(), whole.hosts.len()));
    assert!(asked > 20, "{asked} requests are fewer than there are pages");

    let mut settings = site.settings("icn-vc1");
    (settings.limits.page, settings.limits.pages) = (3, 4);
    let error = site.try_to_connect(settings).await.unwrap().inventory().await.unwrap_err();
    assert!(error.to_string().ends_with("its objects have more than 4 pages"), "{error}");
}

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
async fn a_restart_of_vcenter_is_not_noticed() {
    let site = Site::of(&example("branch-office.inventory.yaml")).await;
    let client = Arc::new(site.connect("gmh-vc1").await);
    site.server.end_vcenter_sessions();
    // Several callers at once share the login that is needed.
    let before = site.server.counts().values().sum::<u64>();
    let looks: Vec<_> = (0..4)
        .map(|_| {
            let client = Arc::clone(&client);
            tokio::spawn(async move { client.inventory().await.unwrap().vms.len() })
        })
        .collect();
    for look in looks {
        assert_eq!(look.await.unwrap(), 6);
    }
    let asked = site.server.counts().values().sum::<u64>() - before;
    assert!((14..=21).contains(&asked), "one login, up to four refusals, three requests for each: {asked}");
    client.log_out().await;
    assert_eq!(client.inventory().await.unwrap().vms.len(), 6);
}

#[tokio::test]
async fn what_keeps_a_client_out_is_told_apart() {
    let site = Site::of(&example("branch-office.inventory.yaml")).await;
    let settings = || site.settings("gmh-vc1");
    let wrong = Settings { password: "geheim".into(), ..settings() };
    let error = site.try_to_connect(wrong).await.unwrap_err();
    assert!(matches!(error, VcenterError::Credentials { .. }), "{error}");
    assert!(!format!("{error} {error:?}").contains("geheim"));
    let elsewhere = Settings { url: format!("{}/metadata/endpoints", site.server.url()), ..settings() };
    let error = site.try_to_connect(elsewhere).await.unwrap_err();
    assert!(matches!(error, VcenterError::NotAVcenter { .. }), "{error}");
    let gone = settings();
    drop(site);
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let nobody = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let clock = Arc::new(failback::clock::FixedClock(jiff::Timestamp::UNIX_EPOCH));
    let error = VcenterClient::connect(Settings { url: nobody, ..gone }, clock).await.unwrap_err();
    assert!(matches!(error, VcenterError::Unreachable { .. }), "{error}");
}

#[tokio::test]
async fn a_vcenter_that_is_out_of_reach_gives_no_answer() {
    let text = example("branch-office.inventory.yaml").replace("reachable: true", "reachable: false");
    let site = Site::of(&text).await;
    let error = site.try_to_connect(site.settings("gmh-vc1")).await.unwrap_err();
    assert!(error.is_transient(), "{error}");
}

#[tokio::test]
async fn a_certificate_of_its_own_is_trusted_when_it_is_named() {
    let certificate = Some(Certificate::SelfMade { names: vec!["127.0.0.1".into()] });
    let options = ServerOptions { certificate, ..ServerOptions::default() };
    let site = Site::with(&example("branch-office.inventory.yaml"), options).await;
    let authority = site.server.authority().expect("it made its own").as_bytes().to_vec();
    let settings = |trust| Settings { trust, ..site.settings("gmh-vc1") };
    site.try_to_connect(settings(Trust::Authorities(authority))).await.unwrap();
    let wrong = Trust::Pinned(Thumbprint::parse(&"ab".repeat(32)).unwrap());
    let error = site.try_to_connect(settings(wrong)).await.unwrap_err();
    let VcenterError::Tls { thumbprint: Some(thumbprint), .. } = &error else { panic!("{error}") };
    let pinned = Trust::Pinned(Thumbprint::parse(thumbprint).unwrap());
    site.try_to_connect(settings(pinned)).await.unwrap();
    let error = site.try_to_connect(settings(Trust::Authorities(b"nothing".to_vec()))).await.unwrap_err();
    assert!(matches!(error, VcenterError::Settings { .. }), "{error}");
}

/// Brings a machine home by direct requests, and follows what vCenter shows of it.
#[tokio::test]
async fn a_machine_that_comes_home_is_seen_to_boot() {
    let site = Site::of(&example("enterprise.inventory.yaml")).await;
    let client = site.connect("icn-vc1").await;
    let uuid = "564d8a10-2c41-7e05-9b00-00000000001f".to_owned();
    let power = async || client.vms(std::slice::from_ref(&uuid)).await.unwrap()[0].power;
    assert_eq!(power().await, Some(PowerState::Stopped));
    fail_over(&site, "print01").await;
    assert_eq!(power().await, Some(PowerState::Running));
    let vm = client.vms(std::slice::from_ref(&uuid)).await.unwrap().remove(0);
    assert!(vm.booted_at.is_some());
    assert_eq!(vm.tools, Some(ToolsState::NotRunning), "they take a while");
    let target = client.vms(&["564d8a10-2c41-7e05-9b00-0000000000f1".to_owned()]).await.unwrap().remove(0);
    assert_eq!(target.disks.map(|disks| disks.len()), Some(3), "its disk was given back");
    let found = compare(&site).await;
    assert_eq!(found, OUT_OF_SIGHT, "{}", found.join("\n"));
}

/// Lets a machine fail over to the site.
pub async fn fail_over(site: &Site, machine: &str) {
    let machine = MachineName::new(machine);
    let point = FailbackPoint::Latest;
    let request = Request::FailoverToOnprem { machines: vec![machine.clone()], recovery_plan: None, point };
    site.emulator.begin(&request, &IdempotencyKey::new("one")).await.expect("it is taken on");
    while let Some(next) = site.server.next_change() {
        site.pace.until(next).await;
        if site.emulator.item(&machine).expect("it is there").running.is_none() {
            break;
        }
    }
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
async fn answers_that_are_lost_for_a_moment_leave_nothing_unknown() {
    let lost = |kind| WireFault::always(kind).on("POST sdk").times(3);
    let faults =
        vec![lost(WireFaultKind::ResetBefore), lost(WireFaultKind::Truncated), lost(WireFaultKind::Error)];
    let options = ServerOptions { wire_faults: WireFaults { seed: 0, faults }, ..ServerOptions::default() };
    let site = Site::with(&example("branch-office.inventory.yaml"), options).await;
    let pace = Arc::clone(&site.pace) as Arc<dyn Pace>;
    let vcenters = Vcenters::new(vec![site.settings("gmh-vc1")], site.world(), pace);
    let began = site.pace.now();
    let wanted = Wanted { machines: Vec::new(), servers: vec!["gmh-ra01".into()] };
    let told = vcenters.look(&wanted, Freshness::Now).await.expect("it answers in the end");
    assert_eq!(told.missing.len(), 0, "{:?}", told.missing);
    assert!(site.pace.now() > began, "it was waited between two tries");
    let host = told.facts.appliances.into_iter().flatten().next().and_then(|appliance| appliance.host);
    assert!(host.is_some());
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
