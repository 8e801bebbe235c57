//! Draws worlds in which every fact is known and no rule is broken.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use fastrand::Rng;
use jiff::Timestamp;
use serde_yaml::Value;

use super::patch;

/// A plan and an inventory, as documents.
#[derive(Clone, Debug, PartialEq)]
pub struct World {
    pub classic: bool,
    pub plan: Value,
    pub inventory: Value,
    /// What goes wrong while the run goes on: faults of a scenario.
    pub faults: Vec<Value>,
}

fn read(text: &str) -> Value {
    let mut document: Value = serde_yaml::from_str(text).expect("a reference world is YAML");
    document.apply_merge().expect("its merges are good");
    document
}

/// What the reference worlds leave out: what lives on the hosts beside the plan's machines, and what there is none of.
const MORE_FACTS: &str = "{hosts: {esx1: {vms: [domain1]}, esx2: {vms: [domain2]}}, automation_accounts: []}";
const MORE_CLASSIC: &str = "{configuration_server: {separate_failback_nic: false}}";
const MORE_MODERNIZED: &str = "{datastores: {vsan1: {type: vsan, vcenter: vc1, free_gb: 20480, accessible: true, access: {esx1: rw, esx2: rw}}}}";

static CLASSIC: LazyLock<World> = LazyLock::new(|| {
    let mut world = World {
        classic: true,
        plan: read(include_str!("../../worlds/classic.plan.yaml")),
        inventory: read(include_str!("../../worlds/classic.inventory.yaml")),
        faults: Vec::new(),
    };
    world.change("", MORE_FACTS);
    world.change("", MORE_CLASSIC);
    world
});
static MODERNIZED: LazyLock<World> = LazyLock::new(|| {
    let mut world = World {
        classic: false,
        plan: read(include_str!("../../worlds/modernized.plan.yaml")),
        inventory: read(include_str!("../../worlds/modernized.inventory.yaml")),
        faults: Vec::new(),
    };
    world.change("", MORE_FACTS);
    world.change("", MORE_MODERNIZED);
    world
});

impl World {
    /// Returns a reference world.
    pub fn reference(classic: bool) -> &'static Self {
        if classic { &CLASSIC } else { &MODERNIZED }
    }

    /// Returns the moment at which it begins, and at which its facts were observed.
    pub fn now(&self) -> Timestamp {
        let written = self.inventory.get("observed_at").and_then(Value::as_str);
        let otherwise = if self.classic { "2025-06-01T00:00:00Z" } else { "2026-11-01T00:00:00Z" };
        written.and_then(|at| at.parse().ok()).unwrap_or_else(|| otherwise.parse().expect("a moment"))
    }

    /// Returns when something goes wrong.
    pub fn strikes(&self) -> Vec<Timestamp> {
        let after = |fault: &Value| fault.get("at")?.get("after")?.as_str()?.strip_suffix('m')?.parse().ok();
        let minutes = self.faults.iter().filter_map(after);
        minutes.map(|minutes| self.now() + jiff::SignedDuration::from_mins(minutes)).collect()
    }

    /// Returns both documents as a user would write them. A host that lists its VMs lists those of the plan's machines too.
    pub fn texts(&self) -> (String, String) {
        let text = |document| serde_yaml::to_string(document).expect("a document has a text");
        let mut inventory = self.inventory.clone();
        let machines = self.inventory.get("machines").and_then(Value::as_sequence);
        let virtual_ones = machines
            .into_iter()
            .flatten()
            .filter(|machine| machine.get("kind").and_then(Value::as_str) != Some("physical"));
        for vm in virtual_ones.filter_map(|machine| machine.get("onprem_vm")) {
            let (exists, lives) = (vm.get("exists").and_then(Value::as_bool), vm.get("host"));
            let hosts = inventory.get_mut("hosts").and_then(Value::as_sequence_mut);
            let host = hosts.into_iter().flatten().find(|host| host.get("name") == lives);
            let vms = host.and_then(|host| host.get_mut("vms")).and_then(Value::as_sequence_mut);
            if let (Some(true), Some(vms), Some(name)) = (exists, vms, vm.get("name"))
                && !vms.contains(name)
            {
                vms.push(name.clone());
            }
        }
        (text(&self.plan), text(&inventory))
    }

    /// Returns the names of the plan's machines.
    pub fn machines(&self) -> Vec<String> {
        names(&self.plan, "machines")
    }

    /// Takes a machine out of the plan and out of the inventory.
    pub fn without_machine(&self, machine: &str) -> Self {
        let mut world = self.clone();
        for document in [&mut world.plan, &mut world.inventory] {
            retain(document, "machines", |item| name(item) != Some(machine));
            for (groups, members) in [("replication_groups", "machines"), ("replication_groups", "members")] {
                let groups = document.get_mut(groups).and_then(Value::as_sequence_mut);
                for group in groups.into_iter().flatten() {
                    retain(group, members, |item| name(item) != Some(machine));
                }
            }
            let groups = document.get_mut("boot_groups").and_then(Value::as_sequence_mut);
            for group in groups.into_iter().flatten() {
                retain(group, "members", |item| name(item) != Some(machine));
            }
            let machines = document.get_mut("machines").and_then(Value::as_sequence_mut);
            for other in machines.into_iter().flatten() {
                retain(other, "depends_on", |item| name(item) != Some(machine));
            }
        }
        world
    }

    fn facts_of(&mut self, machine: &str, facts: &str) {
        self.change("", &format!("machines: {{{machine}: {{{facts}}}}}"));
    }

    fn change(&mut self, plan: &str, inventory: &str) {
        for (document, change) in [(&mut self.plan, plan), (&mut self.inventory, inventory)] {
            if !change.is_empty() {
                patch::apply(document, &serde_yaml::from_str(change).expect("a change is YAML"));
            }
        }
    }
}

fn name(item: &Value) -> Option<&str> {
    patch::name_of(item).and_then(Value::as_str)
}

/// Returns the names of the things of a section.
pub fn names(document: &Value, section: &str) -> Vec<String> {
    let things = document.get(section).and_then(Value::as_sequence);
    things.into_iter().flatten().filter_map(name).map(str::to_owned).collect()
}

fn retain(document: &mut Value, section: &str, keep: impl Fn(&Value) -> bool) {
    if let Some(things) = document.get_mut(section).and_then(Value::as_sequence_mut) {
        things.retain(keep);
    }
}

pub fn one_of<T: Copy>(random: &mut Rng, of: &[T]) -> T {
    of[random.usize(0..of.len())]
}

fn maybe(random: &mut Rng, percent: u8) -> bool {
    random.u8(0..100) < percent
}

/// Draws a clean world. Machines that are in `wanted` and that its reference world has are in it.
pub fn draw(random: &mut Rng, classic: bool, wanted: &BTreeSet<String>) -> World {
    let mut world = World::reference(classic).clone();
    for machine in world.machines() {
        let many = world.machines().len() > 1;
        if many && !wanted.contains(&machine) && maybe(random, 55) {
            world = world.without_machine(&machine);
        }
    }
    if maybe(random, 30) {
        world.change("baseline: current", "");
    }
    more_servers(random, &mut world);
    for machine in world.machines() {
        machine_facts(random, &mut world, &machine);
    }
    plan_settings(random, &mut world);
    let grouped = group(random, &mut world);
    order(random, &mut world, &grouped);
    world
}

/// A second master target or appliance, a second process server, other lines.
fn more_servers(random: &mut Rng, world: &mut World) {
    if world.classic {
        let link = one_of(random, &["s2s_vpn", "expressroute_private"]);
        world.change("", &format!("network: {{azure_to_onprem: {link}}}"));
        if link == "expressroute_private" && maybe(random, 30) {
            world.change("defaults: {failback: {process_server: ps-on}}", "");
        }
        if maybe(random, 30) {
            let targets = world.inventory.get_mut("master_targets").and_then(Value::as_sequence_mut);
            let targets = targets.expect("classic has master targets");
            let mut second = targets[0].clone();
            let differs = "{name: mtw2, host: esx2, uuid: 564d0000-0000-0000-0000-0000000000cc}";
            patch::apply(&mut second, &serde_yaml::from_str(differs).expect("YAML"));
            targets.push(second);
            let windows: Vec<String> =
                world.machines().into_iter().filter(|name| name.starts_with('w')).collect();
            for machine in windows.iter().filter(|_| maybe(random, 50)) {
                world.change(&format!("machines: {{{machine}: {{failback: {{master_target: mtw2}}}}}}"), "");
            }
        }
    } else if maybe(random, 30) {
        let appliances = world.inventory.get_mut("appliances").and_then(Value::as_sequence_mut);
        let appliances = appliances.expect("modernized has appliances");
        let mut second = appliances[0].clone();
        patch::apply(&mut second, &serde_yaml::from_str("{name: ra2, host: esx2}").expect("YAML"));
        appliances.push(second);
        for machine in world.machines().iter().filter(|_| maybe(random, 50)) {
            world.change(&format!("machines: {{{machine}: {{failback: {{appliance: ra2}}}}}}"), "");
        }
    }
}

/// How one machine is: its size, where its copies are, how far it is.
fn machine_facts(random: &mut Rng, world: &mut World, machine: &str) {
    let size = one_of(random, &[10, 40, 100]);
    let (disks, memory) = (one_of(random, &[1, 1, 2, 3]), one_of(random, &[4, 16, 64]));
    let list = |line: &dyn Fn(u32) -> String| (0..disks).map(line).collect::<Vec<_>>().join(", ");
    let azure = list(&|disk| {
        format!("{{id: disk{disk}, size_gb: {size}, replicated_from_onprem: true, temporary: false}}")
    });
    let datastore = one_of(random, &["vmfs1", "vmfs1", "vmfs1", "vsan1"]);
    let onprem = list(&|disk| {
        format!(
            "{{id: disk{disk}, kind: vmdk, datastore: {datastore}, exists: true, attached: true, size_gb: {size}, excluded: false}}"
        )
    });
    world.facts_of(
        machine,
        &format!("memory_gb: {memory}, azure_vm: {{disks: [{azure}]}}, onprem_vm: {{disks: [{onprem}]}}"),
    );
    if maybe(random, 20) {
        world.facts_of(machine, "churn: {gb_per_day: 5, peak_mb_s: 2}");
    }
    let physical = world.classic;
    match random.u8(0..100) {
        0..25 => {
            world.facts_of(machine, "onprem_vm: null");
            world.facts_of(machine, "onprem_vm: {exists: false, disks: []}");
        }
        // A physical server has no VM to come back to, and no vCenter that it came from.
        25..35 if physical => {
            world.facts_of(machine, "onprem_vm: null");
            let facts = "kind: physical, onprem_vm: {exists: false}, asr: {source_vcenter: \"!null\"}";
            world.facts_of(machine, facts);
        }
        // A person deletes the VM that is there.
        35..42 => {
            world.change(&format!("machines: {{{machine}: {{failback: {{delete_existing_vm: true}}}}}}"), "")
        }
        _ => {
            if maybe(random, 15) {
                let states = ["protected_to_onprem", "reprotecting_to_onprem", "failed_back"];
                world.facts_of(machine, &format!("state: {}", one_of(random, &states)));
            }
            if maybe(random, 30) {
                let uuid = world
                    .inventory
                    .get("machines")
                    .and_then(Value::as_sequence)
                    .and_then(|machines| machines.iter().find(|item| name(item) == Some(machine)))
                    .and_then(|item| item.get("onprem_vm")?.get("uuid")?.as_str())
                    .map(str::to_owned);
                let uuid = uuid.unwrap_or_default();
                world.facts_of(machine, &format!("asr: {{source_vm_uuid: {uuid}}}"));
            }
        }
    }
    half_way(world, machine);
}

/// Adds the facts that a machine half way through the cycle has.
fn half_way(world: &mut World, machine: &str) {
    let state = world
        .inventory
        .get("machines")
        .and_then(Value::as_sequence)
        .and_then(|machines| machines.iter().find(|item| name(item) == Some(machine)))
        .and_then(|item| item.get("state")?.as_str())
        .unwrap_or_default()
        .to_owned();
    let now = world.now();
    let before = |minutes: i64| now - jiff::SignedDuration::from_mins(minutes);
    let (near, far) = (before(4), before(40));
    let more = match state.as_str() {
        "protected_to_onprem" => format!(
            "asr: {{resync_in_progress: false, rpo_seconds: 240, recovery_points: [{{id: p1, at: {far}, kind: app_consistent}}, {{id: p2, at: {near}, kind: crash_consistent}}]}}"
        ),
        "reprotecting_to_onprem" => "asr: {resync_in_progress: false, recovery_points: []}".to_owned(),
        "failed_back" => format!(
            "active_site: onprem, azure_vm: {{power_state: deallocated}}, onprem_vm: {{power_state: running, tools: running}}, asr: {{recovery_points: [{{id: p2, at: {near}, kind: crash_consistent}}]}}"
        ),
        _ => return,
    };
    world.facts_of(machine, &more);
}

/// How the plan wants it.
fn plan_settings(random: &mut Rng, world: &mut World) {
    if maybe(random, 30) {
        world.change("recovery_point: app_consistent", "");
    }
    if maybe(random, 15) {
        world.change("defaults: {forward: null, final_state: unprotected}", "");
    }
    if maybe(random, 20) {
        world.change("defaults: {failover: on_approval}", "");
    }
    if maybe(random, 10) {
        world.change("defaults: {commit: automatic}", "");
    }
    if maybe(random, 15) {
        let most = one_of(random, &[1, 2, 5]);
        world.change(&format!("execution: {{max_parallel: {most}}}"), "");
    }
    if maybe(random, 10) {
        world.change("execution: {on_failure: stop}", "");
    }
}

/// A replication group of machines of one family, on one server, in one state.
fn group(random: &mut Rng, world: &mut World) -> Vec<String> {
    let family = if world.classic { 'w' } else { ' ' };
    let members: Vec<String> = world
        .machines()
        .into_iter()
        .filter(|name| family == ' ' || name.starts_with(family))
        .filter(|_| maybe(random, 80))
        .collect();
    if members.len() < 2 || !maybe(random, 40) {
        return Vec::new();
    }
    let list = members.join(", ");
    let point = if maybe(random, 50) { ", recovery_point: app_consistent" } else { "" };
    world.change("replication_groups: []", "replication_groups: []");
    world.change(
        &format!("replication_groups: {{g: {{machines: [{list}]{point}}}}}"),
        &format!("replication_groups: {{g: {{members: [{list}]}}}}"),
    );
    for member in &members {
        world.change(&format!("machines: {{{member}: {{failback: null}}}}"), "");
        let state = format!("machines: {{{member}: {{state: failed_over_committed, active_site: azure}}}}");
        world.change("", &state);
        let back = format!("machines: {{{member}: {{azure_vm: {{power_state: running}}}}}}");
        world.change("", &back);
        world.change(
            "",
            &format!("machines: {{{member}: {{asr: {{recovery_points: null, rpo_seconds: null}}}}}}"),
        );
        world.power_off(member);
    }
    members
}

impl World {
    fn power_off(&mut self, machine: &str) {
        let machines = self.inventory.get_mut("machines").and_then(Value::as_sequence_mut);
        let item = machines.into_iter().flatten().find(|item| name(item) == Some(machine));
        let vm = item.and_then(|item| item.get_mut("onprem_vm"));
        if let Some(vm) = vm.filter(|vm| vm.get("power_state").is_some()) {
            patch::apply(vm, &serde_yaml::from_str("{power_state: stopped, tools: disabled}").expect("YAML"));
        }
    }
}

/// Boot groups and dependencies that agree with each other.
fn order(random: &mut Rng, world: &mut World, grouped: &[String]) {
    let mut units: Vec<String> =
        world.machines().into_iter().filter(|machine| !grouped.contains(machine)).collect();
    if !grouped.is_empty() {
        units.insert(0, "g".to_owned());
    }
    if units.len() < 2 {
        return;
    }
    if maybe(random, 20) {
        let (first, rest) = (&units[0], units[1..].join(", "));
        world.change(
            &format!(
                "boot_groups: [{{name: first, members: [{first}]}}, {{name: second, members: [{rest}]}}]"
            ),
            "",
        );
    }
    if maybe(random, 20) {
        let (first, last) = (&units[0], &units[units.len() - 1]);
        world.change(&format!("machines: {{{last}: {{depends_on: [{first}]}}}}"), "");
    }
}
