//! Reads a world twice: what the rules say of it, and what the emulated service makes of a run that no guard stops.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use failback::diagnostic::Severity;
use failback::graph;
use failback::model::Machine;
use failback::model::Model;
use failback::model::resolve;
use failback::rules;
use failback::rules::CheckedPlan;
use failback::rules::Finding;
use failback::rules::Options;
use failback::rules::OriginFilter;
use failback::rules::State;
use failback::source::Sources;
use failback::syntax::Document;
use failback::syntax::inventory::Host;
use failback::syntax::machine::MachineKind;
use failback::syntax::machine::OsFamily;
use failback::syntax::nullable::Nullable;
use failback::syntax::parse;

use super::generate::World;
use super::judge::Judge;
use super::readings;
use super::readings::Stance;
use super::run::run;

/// What both readings say of a world.
#[derive(Clone, Debug)]
pub enum Comparison {
    /// They say the same.
    Agree {
        /// Rules that state why something failed.
        enforced: BTreeSet<String>,
    },
    /// They can't be compared, for this reason.
    Apart(String),
    /// They don't.
    Disagree(Disagreement),
}

/// How two readings differ.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Difference {
    /// A rule is violated, and all machines that it is about come home nevertheless.
    Unenforced {
        /// The rule.
        rule: String,
    },
    /// A step fails for a reason that no violated rule states.
    Unexplained {
        /// Kind of the step.
        step: String,
        /// The code with which it fails.
        code: String,
    },
    /// The run neither ends nor fails.
    Stuck,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unenforced { rule } => write!(f, "unenforced {rule}"),
            Self::Unexplained { step, code } => write!(f, "unexplained {step} {code}"),
            Self::Stuck => f.write_str("stuck"),
        }
    }
}

/// How two readings differ, and what was said.
#[derive(Clone, Debug)]
pub struct Disagreement {
    pub differences: Vec<Difference>,
    /// The errors that `check` finds, each in a line.
    pub check: Vec<String>,
    /// What became of the run, each step that was not done in a line.
    pub run: Vec<String>,
}

impl fmt::Display for Disagreement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let differences: Vec<String> = self.differences.iter().map(ToString::to_string).collect();
        writeln!(f, "{}", differences.join(", "))?;
        writeln!(f, "check says:\n  {}", self.check.join("\n  "))?;
        write!(f, "the run says:\n  {}", self.run.join("\n  "))
    }
}

/// Reads and binds a world's documents.
fn model(world: &World) -> Result<Model, String> {
    let (plan, inventory) = world.texts();
    let (mut sources, mut diagnostics, mut documents) = (Sources::new(), Vec::new(), Vec::new());
    for (name, text) in [("plan.yaml", plan), ("inventory.yaml", inventory)] {
        let index = sources.add(name, text).map_err(|error| format!("{error:?}"))?;
        documents.extend(parse(sources.get(index), &mut diagnostics));
    }
    let mut documents = documents.into_iter();
    let (Some(Document::Plan(plan)), Some(Document::Inventory(inventory))) =
        (documents.next(), documents.next())
    else {
        return Err("the documents can't be read".into());
    };
    let model = resolve(*plan, *inventory);
    match diagnostics.first() {
        None => Ok(model),
        Some(first) => Err(first.message.clone()),
    }
}

/// Returns the same plan and facts once more.
fn again(model: &Model) -> Model {
    resolve(model.plan.clone(), model.inventory.clone())
}

/// Returns the errors that a world has under the rules, waivers aside: none if it is clean, or why that can't be told.
pub fn errors(world: &World) -> Result<Vec<String>, String> {
    let model = model(world)?;
    let report = rules::check(model, &options(world));
    let errors = report.findings.iter().filter(|finding| finding.severity == Severity::Error);
    Ok(errors.filter(|finding| finding.state != State::Waived).map(|finding| line(&finding)).collect())
}

pub fn options(world: &World) -> Options {
    Options { origin: OriginFilter::All, strict: false, now: world.now() }
}

pub fn line(finding: &Finding) -> String {
    let (rule, state, message) = (&finding.rule, finding.state.as_str(), &finding.message);
    format!("{rule} {state} {}: {message}", finding.subject.name)
}

/// Facts without which nobody can tell what a machine or a server is. The emulator takes what it isn't told to be well.
const ESSENTIAL: &[&str] = &[
    "vault.experience",
    "machines",
    "kind",
    "state",
    "os",
    "os.family",
    "azure_vm",
    "azure_vm.exists",
    "onprem_vm",
    "onprem_vm.exists",
    "asr",
    "replication_groups",
    "hosts",
    "datastores",
    "master_targets",
    "process_servers",
    "appliances",
    "master_targets.host",
    "appliances.host",
    "hosts.vcenter",
];

/// Compares both readings of a world.
pub fn compare(world: &World) -> Comparison {
    let model = match model(world) {
        Ok(model) => model,
        Err(mistake) => return Comparison::Apart(format!("a mistake in the documents: {mistake}")),
    };
    if model.machines().any(|machine| machine.deletes_existing_vm() && !is_before_reprotect(machine)) {
        return Comparison::Apart("nobody knows whether the VM of a machine half way is the new one".into());
    }
    if model.machines().any(is_held_elsewhere) {
        return Comparison::Apart("nobody knows which server holds the disks".into());
    }
    if model.machines().any(replicates_to_nothing) {
        return Comparison::Apart("a machine replicates to a VM that does not exist".into());
    }
    if model.machines().any(contradicts_itself) || separates_with_one_interface(&model) {
        return Comparison::Apart("the facts of a machine contradict each other".into());
    }
    let findings: Vec<Finding> = rules::check(again(&model), &options(world)).findings.into_iter().collect();
    let open = findings.iter().filter(|finding| finding.state != State::Unmeasured);
    let unknown = open.filter_map(|finding| finding.fact.as_deref());
    if let Some(fact) = unknown.into_iter().find(|fact| ESSENTIAL.contains(fact)) {
        return Comparison::Apart(format!("nobody knows {fact}"));
    }
    for finding in &findings {
        let stance = readings::stance(&finding.rule);
        let broken = finding.severity == Severity::Error && finding.state == State::Violated;
        if broken && matches!(stance, Some(Stance::Exempt(_))) {
            return Comparison::Apart(format!(
                "{} is violated, which is not the service's to enforce",
                finding.rule
            ));
        }
    }
    let graph = Arc::new(graph::compile(&CheckedPlan::unjudged(Arc::new(again(&model)))));
    let (outcome, steps) = run(world, &graph, again(&model));
    let strikes = world.strikes();
    Judge { model: &model, graph: &graph, findings: &findings, outcome, steps: &steps, strikes }.judge()
}

/// Returns whether a machine has yet to be reprotected to on-premises.
fn is_before_reprotect(machine: Machine<'_>) -> bool {
    use failback::syntax::machine::State;
    matches!(machine.state(), Ok(State::FailedOver | State::FailedOverCommitted) | Err(_))
}

/// Returns whether a machine's disks hang on a server already, as they do between reprotect and failover.
fn is_half_way(machine: Machine<'_>) -> bool {
    use failback::syntax::machine::State;
    matches!(
        machine.state(),
        Ok(State::ReprotectingToOnprem | State::ProtectedToOnprem | State::FailingBack | State::FailedBack)
    )
}

/// Returns whether a machine is half way, and has no VM on-premises; a physical server's new one is not told from an old one.
fn replicates_to_nothing(machine: Machine<'_>) -> bool {
    let physical = machine.kind() == Ok(MachineKind::Physical);
    let gone = machine.onprem_vm().is_ok_and(|vm| vm.exists.is_some_and(|exists| !exists.value));
    is_half_way(machine) && (gone || physical)
}

/// Returns whether a machine is half way through another server than the first, which the emulator takes to hold its disks:
/// no fact tells.
fn is_held_elsewhere(machine: Machine<'_>) -> bool {
    let first = match machine.master_target() {
        Some(server) => ["mtw", "mtl"].contains(&server.name()),
        None => machine.appliance().is_none_or(|server| server.name() == "ra1"),
    };
    is_half_way(machine) && !first
}

/// Returns whether a host is known to be under another vCenter, or under none.
fn is_under_another(host: &Host, vcenter: Option<&str>) -> bool {
    match &host.vcenter {
        Nullable::Some(its) => Some(its.value.as_str()) != vcenter,
        Nullable::None => true,
        Nullable::Unknown => false,
    }
}

/// Returns whether the configuration server is said to keep networks apart with a single interface.
fn separates_with_one_interface(model: &Model) -> bool {
    let server = model.inventory.configuration_server.as_option();
    server.is_some_and(|server| {
        server.nic_count.is_some_and(|count| count.value < 2)
            && server.separate_failback_nic.is_some_and(|separate| separate.value)
    })
}

/// Returns whether a machine is said to run a release that its family of systems does not have, to be a physical server that
/// was protected as a VM, or to live on a host that is under another vCenter than itself.
fn contradicts_itself(machine: Machine<'_>) -> bool {
    let of_other_family = machine.os().is_ok_and(|os| {
        let of_windows =
            os.release.as_ref().map(|release| release.value.to_ascii_lowercase().starts_with("windows"));
        let is_windows = os.family.map(|family| family.value == OsFamily::Windows);
        of_windows.is_some() && is_windows.is_some() && of_windows != is_windows
    });
    let was_vm = machine.kind() == Ok(MachineKind::Physical)
        && machine.asr().is_ok_and(|asr| asr.source_vm_uuid.is_some());
    let elsewhere = machine.onprem_vm().is_ok_and(|vm| {
        let host = vm.host.as_ref().and_then(|host| machine.model.host(&host.value).ok());
        let own = vm.vcenter.as_option().map(|vcenter| vcenter.value.as_str());
        own.is_some() && host.is_some_and(|host| is_under_another(host, own))
    });
    let elsewhere = elsewhere
        || machine.appliance().is_some_and(|appliance| {
            let own = appliance.facts.vcenter.as_ref().map(|vcenter| vcenter.value.as_str());
            own.is_some()
                && appliance
                    .host_name()
                    .and_then(|host| machine.model.host(host))
                    .is_ok_and(|host| is_under_another(host, own))
        });
    of_other_family || was_vm || elsewhere
}
