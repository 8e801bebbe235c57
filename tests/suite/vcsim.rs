//! The client of vCenter against VMware's own simulator, built from Debian's packages by `scripts/vcsim`.
//!
//! `scripts/test` names the program in `FAILBACK_VCSIM`; without it these tests say so and pass.

use std::io::BufRead;
use std::io::BufReader;
use std::path::PathBuf;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::sync::Arc;

use failback::clock::FixedClock;
use failback::provider::vcenter::Backing;
use failback::provider::vcenter::Connection;
use failback::provider::vcenter::Limits;
use failback::provider::vcenter::SeenVm;
use failback::provider::vcenter::Settings;
use failback::provider::vcenter::Thumbprint;
use failback::provider::vcenter::Trust;
use failback::provider::vcenter::VcenterClient;
use failback::provider::vcenter::VcenterError;
use failback::provider::vcenter::facts;
use failback::quantity::Bytes;
use failback::syntax::inventory::Access;
use failback::syntax::inventory::DatastoreType;
use failback::syntax::machine::Firmware;
use failback::syntax::machine::PowerState;
use failback::syntax::machine::ToolsState;
use serde_json::Value;
use serde_json::json;

use crate::support::inventory;

const W1: &str = "564d0000-0000-4000-8000-000000000001";
const SQL1: &str = "564d0000-0000-4000-8000-000000000002";

/// A simulator that ends with the test, even if the test is killed: it ends when its standard input does.
struct Simulator {
    child: Child,
    url: String,
    authority: Vec<u8>,
    /// Its datastores are folders.
    _folder: tempfile::TempDir,
}

impl Drop for Simulator {
    fn drop(&mut self) {
        // It would wait for what it is still answering.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Simulator {
    /// Starts one; `None`, and a loud word about it, where there is none.
    #[expect(clippy::disallowed_methods, reason = "a test is told by the environment which program to run")]
    #[expect(clippy::print_stderr, reason = "what was not checked must be seen")]
    fn start(arguments: &[&str]) -> Option<Self> {
        let Some(program) = std::env::var_os("FAILBACK_VCSIM").map(PathBuf::from) else {
            eprintln!(
                "NOT CHECKED: the client of vCenter against vcsim, since FAILBACK_VCSIM names no program; run scripts/test"
            );
            return None;
        };
        let folder = tempfile::tempdir().expect("a folder can be made");
        let mut child = Command::new(&program)
            .args(["-site", concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vcsim/site.json")])
            .args(arguments)
            .env("TMPDIR", folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("FAILBACK_VCSIM names a program");
        let mut line = String::new();
        let output = child.stdout.take().expect("its output is a pipe");
        BufReader::new(output).read_line(&mut line).expect("vcsim says something");
        let said: Value = serde_json::from_str(&line).expect("vcsim says where it is");
        Some(Self {
            child,
            url: said["url"].as_str().expect("an address").to_owned(),
            authority: said["authority"].as_str().expect("a certificate").as_bytes().to_vec(),
            _folder: folder,
        })
    }

    fn settings(&self) -> Settings {
        Settings {
            id: "vc1".into(),
            kind: None,
            url: self.url.clone(),
            user: "failback@vsphere.local".into(),
            password: "secret".into(),
            trust: Trust::Authorities(self.authority.clone()),
            limits: Limits::default(),
        }
    }

    async fn connect(&self) -> VcenterClient {
        connect(self.settings()).await.expect("the simulator lets us in")
    }

    /// Changes the site, or sets a trouble.
    async fn change(&self, change: Value) {
        let certificates = reqwest::Certificate::from_pem_bundle(&self.authority).expect("it is PEM");
        let client = reqwest::Client::builder()
            .tls_certs_only(certificates)
            .no_proxy()
            .build()
            .expect("a client can be made");
        let url = self.url.replace("/sdk", "/failback/site");
        let answer = client.post(url).json(&change).send().await.expect("vcsim answers");
        assert_eq!(answer.status(), 204, "{}", answer.text().await.unwrap_or_default());
    }
}

async fn connect(settings: Settings) -> Result<VcenterClient, VcenterError> {
    let clock = FixedClock("2026-03-13T11:30:00Z".parse().expect("a time"));
    VcenterClient::connect(settings, Arc::new(clock)).await
}

fn named<'v>(vms: &'v [SeenVm], name: &str) -> &'v SeenVm {
    vms.iter().find(|vm| vm.name.as_deref() == Some(name)).expect("it is there")
}

#[tokio::test]
async fn an_inventory_is_read_as_it_is() {
    let Some(simulator) = Simulator::start(&[]) else { return };
    let client = simulator.connect().await;
    assert!(client.about().is_vcenter);
    assert_eq!(client.about().version.as_deref(), Some("6.5.0"));
    let seen = client.inventory().await.unwrap();
    assert!(seen.whole, "{:?}", seen.gaps);
    assert_eq!((seen.vms.len(), seen.hosts.len(), seen.datastores.len()), (4, 3, 3));

    let w1 = named(&seen.vms, "w1");
    assert_eq!((w1.uuid.as_deref(), w1.power, w1.snapshots), (Some(W1), Some(PowerState::Stopped), Some(0)));
    assert_eq!(
        (w1.firmware, w1.secure_boot, w1.enable_uuid),
        (Some(Firmware::Bios), Some(false), Some(true))
    );
    assert_eq!((w1.host.as_deref(), w1.memory), (Some("DC0_C0_H0"), Some(Bytes::gib(16))));
    assert_eq!(w1.tools, Some(ToolsState::NotRunning));
    let disks: Vec<_> = w1
        .disks
        .iter()
        .flatten()
        .map(|disk| {
            (disk.label.as_str(), &disk.backing, disk.datastore.as_deref(), disk.size.map(Bytes::as_gib))
        })
        .collect();
    assert_eq!(
        disks,
        [
            ("Hard disk 1", &Backing::Flat, Some("vmfs1"), Some(60)),
            ("Hard disk 2", &Backing::Flat, Some("vsan1"), Some(500)),
        ]
    );

    let sql1 = named(&seen.vms, "sql1");
    assert_eq!(
        (sql1.snapshots, sql1.secure_boot, sql1.tools),
        (Some(2), Some(true), Some(ToolsState::Running))
    );
    assert_eq!(sql1.booted_at.map(|at| at.to_string()).as_deref(), Some("2026-03-01T06:00:00Z"));
    let backings: Vec<&Backing> = sql1.disks.iter().flatten().map(|disk| &disk.backing).collect();
    assert_eq!(
        backings,
        [&Backing::Flat, &Backing::Raw { physical: Some(true) }, &Backing::Raw { physical: Some(false) }]
    );

    // Of a machine whose host is silent, what moves is not known, whatever was heard last.
    let web1 = named(&seen.vms, "web1");
    assert_eq!(web1.connection, Some(Connection::Lost("disconnected".into())));
    assert_eq!((web1.power, web1.tools), (None, None));
    assert_eq!(web1.disks.as_ref().unwrap()[0].backing, Backing::SeSparse);
    assert_eq!(named(&seen.vms, "mtw").scsi_controllers.as_deref(), Some(&["pvscsi".to_owned()][..]));

    let hosts: Vec<_> = seen
        .hosts
        .iter()
        .map(|host| {
            (host.version.as_deref(), host.maintenance, host.free_memory.map(Bytes::as_gib), host.vms.clone())
        })
        .collect();
    let names = |names: &[&str]| Some(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
    assert_eq!(
        hosts,
        [
            (Some("7.0.3"), Some(false), Some(192), names(&["mtw", "w1"])),
            (Some("8.0.2"), Some(true), Some(64), names(&["sql1"])),
            (Some("6.7.0"), Some(false), None, None),
        ]
    );

    let kinds: Vec<_> = seen
        .datastores
        .iter()
        .map(|store| (store.name.as_str(), store.kind, store.free.map(Bytes::as_gib)))
        .collect();
    assert_eq!(
        kinds,
        [
            ("nfs1", Some(DatastoreType::Nfs), None),
            ("vmfs1", Some(DatastoreType::Vmfs), Some(900)),
            ("vsan1", Some(DatastoreType::Vsan), Some(40)),
        ]
    );
    let access = |at: usize| seen.datastores[at].access.clone().unwrap();
    assert_eq!(access(0), []);
    assert_eq!(
        access(1),
        [
            ("DC0_C0_H0".to_owned(), Access::ReadWrite),
            ("DC0_C0_H1".to_owned(), Access::ReadWrite),
            ("DC0_C0_H2".to_owned(), Access::ReadOnly)
        ]
    );
    client.log_out().await;
}

#[tokio::test]
async fn what_was_seen_becomes_facts() {
    let Some(simulator) = Simulator::start(&[]) else { return };
    let seen = [simulator.connect().await.inventory().await.unwrap()];
    let text = "kind: Inventory\nversion: 1\nname: site\nvcenters: [{id: vc1}]\nmaster_targets: [{name: mtw}]\n\
        machines:\n- {name: w1, onprem_vm: {tools: disabled, disks: [{id: disk2}]}}\n\
        - {name: erp, asr: {source_vm_uuid: 564D0000-0000-4000-8000-000000000002}}\n- {name: lost}\n";
    let base = inventory(text);
    let told = facts(&seen, &base);
    let text = serde_json::to_value(&told.inventory).unwrap();
    assert_eq!(text["machines"][0]["onprem_vm"]["tools"], "disabled");
    assert_eq!(text["machines"][0]["onprem_vm"]["disks"][2], json!({"id": "disk2", "attached": false}));
    assert_eq!(text["machines"][1]["onprem_vm"]["name"], "sql1", "found by its UUID, whatever its name");
    assert_eq!(text["machines"][1]["onprem_vm"]["disks"][1]["kind"], "rdm");
    assert_eq!(text["machines"][1]["boot"], json!({"firmware": "uefi", "secure_boot": true}));
    assert_eq!(text["machines"][2]["onprem_vm"], json!({"exists": false}));
    assert_eq!(text["master_targets"][0]["os_disk_gb"], 128);
    assert_eq!(text["master_targets"][0]["attached_disks"], 2);
    assert_eq!(text["master_targets"][0]["datastore"], "vmfs1");
    assert_eq!(text["hosts"][2]["name"], "DC0_C0_H2");
    assert_eq!(text["hosts"][2].get("free_memory_gb"), None);
    assert!(told.origins.iter().any(|origin| origin.of == "datastores.vsan1" && origin.vcenter == "vc1"));
}

#[tokio::test]
async fn a_guard_asks_once_for_machines_that_it_knows() {
    let Some(simulator) = Simulator::start(&[]) else { return };
    let client = simulator.connect().await;
    let asked = [W1.to_ascii_uppercase(), SQL1.to_owned(), "564d0000-0000-4000-8000-00000000dead".to_owned()];
    let mut found: Vec<String> =
        client.vms(&asked).await.unwrap().into_iter().map(|vm| vm.name.unwrap()).collect();
    found.sort();
    assert_eq!(found, ["sql1", "w1"]);

    simulator.change(json!({"machines": [{"is": "w1", "power": "poweredOn"}]})).await;
    // One request, and no more: the second would be dropped.
    simulator.change(json!({"trouble": {"after": 1, "requests": 1000, "drop": true}})).await;
    let vms = client.vms(&asked[..2]).await.unwrap();
    assert_eq!(named(&vms, "w1").power, Some(PowerState::Running));
    assert_eq!(named(&vms, "w1").host.as_deref(), Some("DC0_C0_H0"));
}

#[tokio::test]
async fn a_session_that_ends_is_begun_anew() {
    let Some(simulator) = Simulator::start(&[]) else { return };
    let client = simulator.connect().await;
    for after in 0..4 {
        simulator.change(json!({"trouble": {"after": after, "requests": 1, "forget": true}})).await;
        assert_eq!(client.inventory().await.unwrap().vms.len(), 4, "lost at request {after}");
    }
    simulator.change(json!({"trouble": {"requests": 1, "forget": true}})).await;
    assert_eq!(client.vms(&[W1.to_owned()]).await.unwrap().len(), 1);
    client.log_out().await;
    assert_eq!(client.inventory().await.unwrap().vms.len(), 4, "a logout is no end");
    simulator.change(json!({"trouble": {"requests": 1000, "forget": true}})).await;
    let error = client.inventory().await.unwrap_err();
    assert!(matches!(error, VcenterError::SessionLost { .. }), "{error}");
}

#[tokio::test]
async fn a_server_in_trouble_is_told_from_one_that_is_gone() {
    let Some(simulator) = Simulator::start(&[]) else { return };
    let client = simulator.connect().await;
    simulator.change(json!({"trouble": {"requests": 1, "status": 503}})).await;
    let error = client.inventory().await.unwrap_err();
    let VcenterError::Busy { status: 503, retry_after: Some(wait), .. } = &error else { panic!("{error}") };
    assert_eq!(wait.as_secs(), 7);
    assert!(error.is_transient());
    // A connection that breaks once is no trouble at all.
    simulator.change(json!({"trouble": {"requests": 1, "drop": true}})).await;
    assert_eq!(client.inventory().await.unwrap().vms.len(), 4);
    simulator.change(json!({"trouble": {"requests": 1000, "drop": true}})).await;
    let error = client.inventory().await.unwrap_err();
    assert!(matches!(error, VcenterError::NoAnswer { .. }), "{error}");
    let settings = simulator.settings();
    drop(simulator);
    let error = connect(settings).await.unwrap_err();
    assert!(matches!(error, VcenterError::Unreachable { .. }), "{error}");
}

#[tokio::test]
async fn an_answer_that_comes_too_late_is_not_waited_for() {
    let Some(simulator) = Simulator::start(&[]) else { return };
    let mut settings = simulator.settings();
    settings.limits.answer = std::time::Duration::from_secs(2);
    let client = connect(settings).await.unwrap();
    simulator.change(json!({"trouble": {"requests": 1, "delay_ms": 60_000}})).await;
    let error = client.inventory().await.unwrap_err();
    assert_eq!(error.to_string(), format!("no answer from {}: no answer in time", host(&simulator)));
}

fn host(simulator: &Simulator) -> String {
    simulator.url.trim_start_matches("https://").trim_end_matches("/sdk").to_owned()
}

#[tokio::test]
async fn a_wrong_password_is_told_from_a_wrong_certificate() {
    let Some(simulator) = Simulator::start(&[]) else { return };
    let error = connect(Settings { password: "geheim".into(), ..simulator.settings() }).await.unwrap_err();
    assert!(matches!(error, VcenterError::Credentials { .. }), "{error}");
    assert!(!format!("{error} {error:?}").contains("geheim"), "{error:?}");

    let wrong = Thumbprint::parse(&"00".repeat(32)).unwrap();
    let error = connect(Settings { trust: Trust::Pinned(wrong), ..simulator.settings() }).await.unwrap_err();
    let VcenterError::Tls { thumbprint: Some(thumbprint), why, .. } = &error else { panic!("{error}") };
    assert_eq!(why, "it is not the one whose thumbprint was given");

    let right = Trust::Pinned(Thumbprint::parse(thumbprint).unwrap());
    let client = connect(Settings { trust: right, ..simulator.settings() }).await.unwrap();
    assert_eq!(client.inventory().await.unwrap().hosts.len(), 3);

    let other = rcgen::generate_simple_self_signed(["vc.example".to_owned()]).unwrap().cert.pem();
    let trust = Trust::Authorities(other.into_bytes());
    let error = connect(Settings { trust, ..simulator.settings() }).await.unwrap_err();
    let VcenterError::Tls { thumbprint: presented, .. } = &error else { panic!("{error}") };
    assert_eq!(presented.as_ref(), Some(thumbprint), "the certificate that was presented is shown");
    assert!(error.help().unwrap().contains(thumbprint));
}

#[tokio::test]
async fn five_hundred_machines_are_one_look() {
    let Some(simulator) = Simulator::start(&["-machines", "500"]) else { return };
    let client = simulator.connect().await;
    // A view, its pages (this simulator makes one of all), the end of the view: no question for each machine.
    simulator.change(json!({"trouble": {"after": 3, "requests": 1000, "drop": true}})).await;
    let seen = client.inventory().await.unwrap();
    assert_eq!(seen.vms.len(), 500);
}
