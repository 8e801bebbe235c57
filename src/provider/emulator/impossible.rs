//! Faults of a scenario that can never happen in a world: whoever wrote them would believe that the plan survives them.

use crate::diagnostic::Diagnostic;
use crate::provider::emulator::latency;
use crate::provider::emulator::latency::TaskSpec;
use crate::provider::emulator::scenario::Fault;
use crate::provider::emulator::scenario::FaultKind;
use crate::provider::emulator::scenario::FaultPhase;
use crate::provider::emulator::scenario::Scenario;
use crate::provider::emulator::site::is_classic;
use crate::source::Span;
use crate::source::Spanned;
use crate::syntax::inventory::Inventory;

/// What faults of a kind happen to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Subject {
    Vcenter,
    ConfigurationServer,
    MasterTarget,
    Appliance,
    ProcessServer,
    Datastore,
    Machine,
}

impl Subject {
    const ALL: [Self; 7] = [
        Self::Vcenter,
        Self::ConfigurationServer,
        Self::MasterTarget,
        Self::Appliance,
        Self::ProcessServer,
        Self::Datastore,
        Self::Machine,
    ];

    /// Returns what a kind of fault happens to; nothing for the line, of which there is one.
    const fn of(kind: FaultKind) -> &'static [Self] {
        match kind {
            FaultKind::VcenterDisconnects => &[Self::Vcenter],
            FaultKind::ConfigurationServerDisconnects => &[Self::ConfigurationServer],
            FaultKind::MasterTargetSnapshot => &[Self::MasterTarget],
            FaultKind::StorageVmotion => &[Self::MasterTarget, Self::Appliance],
            FaultKind::ApplianceUnhealthy => &[Self::Appliance],
            FaultKind::ProcessServerUnhealthy => &[Self::ProcessServer],
            FaultKind::DatastoreInaccessible => &[Self::Datastore],
            FaultKind::LinkSlow => &[],
            FaultKind::AgentLate
            | FaultKind::JobFails
            | FaultKind::JobHangs
            | FaultKind::ResyncRequired
            | FaultKind::Health
            | FaultKind::AzureVmStopped
            | FaultKind::AzureVmStaysOn
            | FaultKind::OnpremVmDoesNotBoot => &[Self::Machine],
            // Of a server, a fault of calls counts those of all machines.
            FaultKind::Busy
            | FaultKind::NoAnswerBefore
            | FaultKind::NoAnswerAfter
            | FaultKind::AnswerTwice => &Self::ALL,
        }
    }

    const fn words(self) -> &'static str {
        match self {
            Self::Vcenter => "vCenter",
            Self::ConfigurationServer => "configuration server",
            Self::MasterTarget => "master target",
            Self::Appliance => "appliance",
            Self::ProcessServer => "process server",
            Self::Datastore => "datastore",
            Self::Machine => "machine",
        }
    }

    /// Returns the names of all such things that the inventory has.
    fn names<'i>(self, inventory: &'i Inventory) -> Box<dyn Iterator<Item = &'i str> + 'i> {
        match self {
            Self::Vcenter => Box::new(inventory.vcenters.iter().flatten().map(|of| of.id.as_str())),
            Self::ConfigurationServer => {
                Box::new(inventory.configuration_server.as_option().into_iter().map(|of| of.id.as_str()))
            }
            Self::MasterTarget => {
                Box::new(inventory.master_targets.iter().flatten().map(|of| of.name.as_str()))
            }
            Self::Appliance => Box::new(inventory.appliances.iter().flatten().map(|of| of.name.as_str())),
            Self::ProcessServer => {
                Box::new(inventory.process_servers.iter().flatten().map(|of| of.name.as_str()))
            }
            Self::Datastore => Box::new(inventory.datastores.iter().flatten().map(|of| of.name.as_str())),
            Self::Machine => Box::new(inventory.machines.iter().flatten().map(|of| of.name.as_str())),
        }
    }
}

impl Scenario {
    /// Returns what is wrong with faults that would never happen in the world of `inventory`, or not as they are written.
    #[must_use]
    pub fn impossible(&self, inventory: &Inventory) -> Vec<Diagnostic> {
        let mut found = Vec::new();
        for fault in self.faults.iter().flatten() {
            found.extend(of_nothing(fault, inventory));
            found.extend(counts_from_one(fault));
            found.extend(out_of_range(fault));
            found.extend(unread(fault));
            found.extend(without_request(fault));
            found.extend(without_task(fault, is_classic(inventory)));
        }
        found
    }
}

/// Looks whether the world has what the fault happens to.
fn of_nothing(fault: &Fault, inventory: &Inventory) -> Option<Diagnostic> {
    let (kind, subjects) = (*fault.kind, Subject::of(*fault.kind));
    let words = subjects.iter().map(|subject| subject.words()).collect::<Vec<_>>().join(" or ");
    let Some(of) = &fault.of else {
        let nothing =
            !subjects.is_empty() && subjects.iter().all(|subject| subject.names(inventory).next().is_none());
        return nothing.then(|| {
            never(fault.kind.span, format!("`{kind}` can't happen: the inventory has no {words}"))
                .help("leave the fault out")
        });
    };
    let is_named = |subject: &Subject| subject.names(inventory).any(|name| name == of.as_str());
    if subjects.is_empty() || subjects.iter().any(is_named) {
        return None;
    }
    Some(match Subject::ALL.into_iter().find(is_named) {
        Some(other) => {
            let what = format!("`{of}` is a {}: `{kind}` happens to a {words}", other.words());
            never(of.span, what).help(format!("name a {words}"))
        }
        None => {
            Diagnostic::error("unknown-name", of.span, format!("nothing in the inventory is named `{of}`"))
                .help("name a machine or server of the inventory")
        }
    })
}

fn never(span: Span, message: String) -> Diagnostic {
    Diagnostic::error("impossible-fault", span, message)
}

fn counts_from_one(fault: &Fault) -> impl Iterator<Item = Diagnostic> {
    let zero = |key: &str, count: Option<Spanned<u32>>| {
        let zero = count.filter(|count| count.value == 0)?;
        let message = format!("`{key}: 0` hits no request");
        Some(Diagnostic::error("out-of-range", zero.span, message).help("write 1 or more"))
    };
    [zero("nth", fault.nth), zero("times", fault.times)].into_iter().flatten()
}

fn out_of_range(fault: &Fault) -> Option<Diagnostic> {
    let factor = fault.factor.filter(|factor| !(0.0..=1.0).contains(&factor.value))?;
    let message = format!("`factor` is the part that the line keeps: {factor} is none");
    Some(Diagnostic::error("out-of-range", factor.span, message).help("write a number from 0 to 1"))
}

/// Looks for keys that the kind of the fault, or its other keys, leave without a meaning.
fn unread(fault: &Fault) -> Vec<Diagnostic> {
    let kind = *fault.kind;
    let is_call = matches!(
        kind,
        FaultKind::Busy | FaultKind::NoAnswerBefore | FaultKind::NoAnswerAfter | FaultKind::AnswerTwice
    );
    let is_job = matches!(kind, FaultKind::JobFails | FaultKind::JobHangs);
    let is_failover = matches!(kind, FaultKind::AzureVmStaysOn | FaultKind::OnpremVmDoesNotBoot);
    // It begins at a moment, or with a request.
    let stands = !is_call && !is_job && !is_failover && kind != FaultKind::AgentLate;
    let is_counted = is_call || is_job || is_failover || (stands && fault.phase.is_some());
    let lasts = matches!(
        kind,
        FaultKind::AgentLate | FaultKind::JobHangs | FaultKind::OnpremVmDoesNotBoot | FaultKind::Busy
    );
    let ends = stands || lasts || (fault.at.is_some() && (is_call || is_job));
    let tell = |key: &str, written: Option<Span>, is_read: bool, without: &str| {
        let span = written.filter(|_| !is_read)?;
        Some(never(span, format!("`{kind}` does not read `{key}`{without}")).help("leave the key out"))
    };
    let without_phase = if stands { " without `phase`" } else { "" };
    let without_at = if is_call || is_job { " without `at`" } else { "" };
    [
        tell("of", fault.of.as_ref().map(|of| of.span), kind != FaultKind::LinkSlow, ""),
        tell("at", fault.at.as_ref().map(|at| at.after.span), stands || is_call || is_job, ""),
        tell("nth", fault.nth.map(|nth| nth.span), is_counted, without_phase),
        tell("times", fault.times.map(|times| times.span), is_counted, without_phase),
        tell("for", fault.lasting.as_ref().map(|lasting| lasting.span), ends, without_at),
        tell("code", fault.code.as_ref().map(|code| code.span), kind == FaultKind::JobFails, ""),
        tell("task", fault.task.as_ref().map(|task| task.span), is_job, ""),
        tell("health", fault.health.map(|health| health.span), kind == FaultKind::Health, ""),
        tell("factor", fault.factor.map(|factor| factor.span), kind == FaultKind::LinkSlow, ""),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Looks whether the requests of the fault's phase have to do with it.
fn without_request(fault: &Fault) -> Option<Diagnostic> {
    let phase = fault.phase?;
    let kind = *fault.kind;
    let (is_possible, instead) = match kind {
        FaultKind::AgentLate => (
            matches!(phase.value, FaultPhase::Reprotect | FaultPhase::Forward),
            "write `reprotect` for the boot in Azure, or `forward` for the one on-premises",
        ),
        FaultKind::AzureVmStaysOn | FaultKind::OnpremVmDoesNotBoot => {
            (phase.value == FaultPhase::Failover, "leave `phase` out: it happens in a failover")
        }
        FaultKind::JobFails | FaultKind::JobHangs => (
            fault.of.is_none() || phase.value != FaultPhase::Prepare,
            "leave `of` out: what is prepared is no machine's own",
        ),
        FaultKind::VcenterDisconnects
        | FaultKind::ConfigurationServerDisconnects
        | FaultKind::MasterTargetSnapshot
        | FaultKind::StorageVmotion
        | FaultKind::ApplianceUnhealthy
        | FaultKind::ProcessServerUnhealthy
        | FaultKind::DatastoreInaccessible
        | FaultKind::LinkSlow
        | FaultKind::ResyncRequired
        | FaultKind::Health
        | FaultKind::AzureVmStopped
        | FaultKind::Busy
        | FaultKind::NoAnswerBefore
        | FaultKind::NoAnswerAfter
        | FaultKind::AnswerTwice => (true, ""),
    };
    (!is_possible).then(|| never(phase.span, format!("`{kind}` can't happen with `{phase}`")).help(instead))
}

/// Looks whether a job has the task at which the fault lets it fail or stand still.
fn without_task(fault: &Fault, classic: bool) -> Option<Diagnostic> {
    let task = fault.task.as_ref()?;
    let phases = match fault.phase {
        Some(phase) => vec![phase.value],
        None => FaultPhase::WORDS.iter().filter_map(|word| FaultPhase::from_word(word)).collect(),
    };
    let tasks: Vec<&str> = phases.into_iter().flat_map(|phase| tasks_of(phase, classic)).collect();
    if tasks.contains(&task.as_str()) {
        return None;
    }
    let jobs = fault.phase.map_or("no job".to_owned(), |phase| format!("no job of `{phase}`"));
    let mut names: Vec<&str> = Vec::new();
    for name in tasks {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    Some(
        never(task.span, format!("{jobs} has a task `{task}`"))
            .help(format!("write one of {}", names.join(", "))),
    )
}

/// Returns the names of the tasks that jobs of a phase have.
fn tasks_of(phase: FaultPhase, classic: bool) -> impl Iterator<Item = &'static str> {
    let plan_check: &'static [TaskSpec] = &[latency::PLAN_CHECK];
    let lists: Vec<&'static [TaskSpec]> = match phase {
        FaultPhase::Prepare => vec![latency::PREPARE, latency::SAVE_PLAN, latency::DELETE_PLAN],
        FaultPhase::Reprotect | FaultPhase::Forward => vec![latency::REPROTECT],
        FaultPhase::Failover if classic => vec![plan_check, latency::CLASSIC_FAILOVER],
        FaultPhase::Failover => vec![plan_check, latency::MODERNIZED_FAILOVER],
        FaultPhase::Cancel => vec![latency::CANCEL],
        FaultPhase::Commit => vec![plan_check, latency::COMMIT],
    };
    lists.into_iter().flatten().map(|spec| spec.name)
}
