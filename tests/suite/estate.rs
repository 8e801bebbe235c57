//! Estates of any size, written as the YAML that a user would write, and compiled.

use std::fmt::Write as _;

use failback::graph::Graph;
use failback::graph::compile;
use failback::model::Model;
use failback::model::resolve;
use failback::rules::Options;
use failback::rules::OriginFilter;
use failback::rules::Report;
use failback::rules::check;
use failback::source::Sources;
use failback::syntax::Document;
use failback::syntax::parse;

const CLASSIC: &str = include_str!("../worlds/classic.inventory.yaml");
const MODERNIZED: &str = include_str!("../worlds/modernized.inventory.yaml");

/// A machine of an estate.
#[derive(Clone, Debug)]
pub struct Vm {
    pub name: String,
    pub disks: u32,
    pub disk_gb: u64,
    /// Whether its on-premises VM is gone.
    pub alternate: bool,
    pub state: &'static str,
    /// More facts, as lines of its entry.
    pub more: String,
}

impl Vm {
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            disks: 2,
            disk_gb: 100,
            alternate: false,
            state: "failed_over_committed",
            more: String::new(),
        }
    }
    pub fn disks(mut self, disks: u32, disk_gb: u64) -> Self {
        (self.disks, self.disk_gb) = (disks, disk_gb);
        self
    }
    pub fn alternate(mut self) -> Self {
        self.alternate = true;
        self
    }
    pub fn state(mut self, state: &'static str) -> Self {
        self.state = state;
        self
    }
    pub fn more(mut self, line: &str) -> Self {
        self.more.push_str(&format!("    {line}\n"));
        self
    }
}

/// An estate and a plan for it.
#[derive(Clone, Debug)]
pub struct Estate {
    pub classic: bool,
    pub vms: Vec<Vm>,
    /// Replication groups: name and members.
    pub groups: Vec<(String, Vec<String>)>,
    pub bandwidth_mbps: u64,
    /// Number of master targets or appliances that machines are shared among.
    pub servers: usize,
    /// Top-level keys of the plan besides those that every plan has.
    pub plan: String,
    /// Keys of the entries of machines in the plan, by name.
    pub entries: Vec<(String, String)>,
    /// Keys of the groups in the plan.
    pub group_keys: String,
    pub recovery_point: &'static str,
}

impl Estate {
    pub fn classic(vms: impl IntoIterator<Item = Vm>) -> Self {
        Self {
            classic: true,
            vms: vms.into_iter().collect(),
            groups: Vec::new(),
            bandwidth_mbps: 1_000,
            servers: 1,
            plan: String::new(),
            entries: Vec::new(),
            group_keys: String::new(),
            recovery_point: "latest",
        }
    }
    pub fn modernized(vms: impl IntoIterator<Item = Vm>) -> Self {
        Self { classic: false, ..Self::classic(vms) }
    }
    pub fn plan(mut self, text: &str) -> Self {
        self.plan.push_str(text);
        self.plan.push('\n');
        self
    }
    pub fn entry(mut self, name: &str, keys: &str) -> Self {
        self.entries.push((name.to_owned(), keys.to_owned()));
        self
    }
    pub fn group(mut self, name: &str, members: &[&str]) -> Self {
        self.groups.push((name.to_owned(), members.iter().map(|member| (*member).to_owned()).collect()));
        self
    }
    pub fn bandwidth(mut self, mbps: u64) -> Self {
        self.bandwidth_mbps = mbps;
        self
    }

    pub fn inventory_text(&self) -> String {
        let world = if self.classic { CLASSIC } else { MODERNIZED };
        let (head, _) = world.split_once("\nmachines:\n").expect("the world lists its machines last");
        let mut text =
            head.replace("bandwidth_mbps: 1000", &format!("bandwidth_mbps: {}", self.bandwidth_mbps));
        text = text
            .replace("free_gb: 10240", "free_gb: 100000000")
            .replace("free_memory_gb: 512", "free_memory_gb: 1000000");
        text.push_str("\nmachines:\n");
        if self.vms.is_empty() {
            text.push_str("  []\n");
        }
        for (number, vm) in self.vms.iter().enumerate() {
            self.machine(number, vm, &mut text);
        }
        if !self.groups.is_empty() {
            text.push_str("replication_groups:\n");
            for (name, members) in &self.groups {
                let _ = writeln!(text, "  - {{name: {name}, members: [{}]}}", members.join(", "));
            }
        }
        // More servers are copies of the first, with names and uuids of their own.
        let (name, next) =
            if self.classic { ("mtw", "  - name: mtl") } else { ("ra1", "\nstorage_accounts") };
        let begin = text.find(&format!("  - name: {name}")).expect("the world has one");
        let end = begin + text[begin..].find(next).expect("something follows it");
        let copies: String = (1..self.servers)
            .map(|server| {
                let copy =
                    text[begin..end].replace(&format!("name: {name}"), &format!("name: {name}x{server}"));
                copy.replace("0000000000aa", &format!("00000001{server:04x}"))
            })
            .collect();
        text.insert_str(end, &copies);
        text
    }

    fn machine(&self, number: usize, vm: &Vm, text: &mut String) {
        let (name, state) = (&vm.name, vm.state);
        let (site, in_azure_power, onprem_power, tools) = match state {
            "failed_back" => ("onprem", "deallocated", "running", "running"),
            _ => ("azure", "running", "stopped", "disabled"),
        };
        let version = if self.classic { "9.62" } else { "9.65" };
        let disks = |line: &dyn Fn(u32) -> String| (0..vm.disks).map(line).collect::<Vec<_>>().join(", ");
        let in_azure = disks(&|disk| {
            format!(
                "{{id: disk{disk}, size_gb: {}, replicated_from_onprem: true, temporary: false}}",
                vm.disk_gb
            )
        });
        let onprem = disks(&|disk| {
            let (exists, gb) = (!vm.alternate, vm.disk_gb);
            format!(
                "{{id: disk{disk}, kind: vmdk, datastore: vmfs1, exists: {exists}, attached: {exists}, size_gb: {gb}, excluded: false}}"
            )
        });
        let onprem = if vm.alternate {
            "{exists: false}".to_owned()
        } else {
            format!(
                "{{exists: true, name: {name}, uuid: 564d0000-0000-0000-0001-{number:012}, vcenter: vc1, host: esx1, power_state: {onprem_power}, snapshots: 0, enable_uuid: true, tools: {tools}, disks: [{onprem}]}}"
            )
        };
        let server = if self.classic { ", configuration_server: cs1, in_config_server_db: true" } else { "" };
        let _ = write!(
            text,
            "  - name: {name}
    kind: vmware_vm
    memory_gb: 8
    os: {{family: windows, release: windows_server_2019}}
    boot: {{firmware: bios, secure_boot: false}}
    network: {{static_ip: false}}
    state: {state}
    active_site: {site}
    azure_vm: {{exists: true, created_by: asr, power_state: {in_azure_power}, resource_group: rg-dr, failover_resource_group: rg-dr, subscription_id: 11111111-1111-1111-1111-111111111111, vnet: vnet-dr, ip_retained: false, outbound_urls_reachable: true, agent_service: running, disks: [{in_azure}]}}
    onprem_vm: {onprem}
    asr: {{migration_completed: false, replication_enabled: true, source_vcenter: vc1, health: ok, agent_version: \"{version}\", agent_registration_ok: true, resync_required: false{server}}}
{}",
            vm.more
        );
    }

    pub fn plan_text(&self) -> String {
        let failback = if self.classic {
            "{location: auto, master_target: mtw, process_server: ps-az, retention_volume: \"R:\", datastore: vmfs1}"
        } else {
            "{location: auto, appliance: ra1, datastore: vmfs1, log_storage_account: sa1}"
        };
        let forward = if self.classic {
            "{process_server: ps-on}"
        } else {
            "{appliance: ra1, cache_storage_account: sa2}"
        };
        let mut text = format!(
            "kind: RecoveryPlan\nversion: 1\nname: estate\ninventory: estate.inventory.yaml\nrecovery_point: {}\nacknowledge: [classic_retired, data_loss]\n",
            self.recovery_point
        );
        text.push_str(&self.plan);
        if !self.plan.contains("defaults:") {
            let _ = writeln!(
                text,
                "defaults:\n  failback: {failback}\n  forward: {forward}\n  commit: on_approval\n  final_state: protected"
            );
        }
        if !self.groups.is_empty() {
            text.push_str("replication_groups:\n");
            for (name, members) in &self.groups {
                let _ = writeln!(
                    text,
                    "  - {{name: {name}, machines: [{}]{}}}",
                    members.join(", "),
                    self.group_keys
                );
            }
        }
        text.push_str("machines:\n");
        if self.vms.is_empty() {
            text.push_str("  []\n");
        }
        for (number, vm) in self.vms.iter().enumerate() {
            let keys = self.entries.iter().find(|(name, _)| *name == vm.name).map(|(_, keys)| keys.as_str());
            // A replication group goes through one server, or its members have no point in common.
            let grouped = self.groups.iter().any(|(_, members)| members.contains(&vm.name));
            let server = match (if grouped { 0 } else { number % self.servers }, self.classic) {
                (0, _) => String::new(),
                (server, true) => format!(", failback: {{master_target: mtwx{server}}}"),
                (server, false) => format!(", failback: {{appliance: ra1x{server}}}"),
            };
            let keys = keys.map(|keys| format!(", {keys}")).unwrap_or_default();
            let _ = writeln!(text, "  - {{name: {}{keys}{server}}}", vm.name);
        }
        text
    }

    pub fn model(&self) -> Model {
        model(&self.plan_text(), &self.inventory_text())
    }

    pub fn graph(&self) -> Graph {
        graph(&self.plan_text(), &self.inventory_text())
    }
}

/// Reads and binds a plan and an inventory that have no mistakes.
pub fn model(plan: &str, inventory: &str) -> Model {
    let (mut sources, mut diagnostics, mut documents) = (Sources::new(), Vec::new(), Vec::new());
    for (name, text) in [("plan.yaml", plan), ("inventory.yaml", inventory)] {
        let index = sources.add(name, text.to_owned()).expect("the text fits");
        documents.extend(parse(sources.get(index), &mut diagnostics));
    }
    assert!(diagnostics.is_empty(), "{diagnostics:#?}\n{plan}");
    let mut documents = documents.into_iter();
    let (Some(Document::Plan(plan)), Some(Document::Inventory(inventory))) =
        (documents.next(), documents.next())
    else {
        panic!("a plan and an inventory are expected");
    };
    let model = resolve(*plan, *inventory);
    assert!(diagnostics.is_empty(), "{diagnostics:#?}");
    model
}

/// Checks a plan as of the moment at which its facts were observed.
pub fn checked(model: Model) -> Report {
    let now = model.observed_at().expect("the estate says when it was observed");
    check(model, &Options { origin: OriginFilter::All, strict: false, now })
}

/// Compiles a plan that nothing refuses.
pub fn graph(plan: &str, inventory: &str) -> Graph {
    let report = checked(model(plan, inventory));
    let refused = || {
        let errors: Vec<String> = report
            .findings
            .iter()
            .filter(|finding| finding.severity == failback::diagnostic::Severity::Error)
            .map(|finding| format!("{} {}: {}", finding.rule, finding.subject.name, finding.message))
            .collect();
        format!("the plan is refused:\n{}\n{plan}", errors.join("\n"))
    };
    compile(report.checked.as_ref().unwrap_or_else(|| panic!("{}", refused())))
}
