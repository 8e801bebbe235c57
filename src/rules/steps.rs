//! The steps of a plan as rules about order, direction and kind see them.

use crate::id::MachineName;
use crate::model::Machine;
use crate::model::Model;
use crate::quantity::Seconds;
use crate::source::Span;
use crate::syntax::action::Phase;
use crate::syntax::inventory::Experience;

/// Where a step moves a machine or its data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From Azure to on-premises.
    AzureToOnprem,
    /// From on-premises to Azure.
    OnpremToAzure,
}

/// The kind of a failover.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailoverKind {
    /// Unplanned failover.
    Unplanned,
    /// Planned failover.
    Planned,
}

/// Values of the replication policy of the way from Azure to on-premises; `None` where a step leaves one as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FailbackPolicy {
    /// Age of the newest recovery point from which on Site Recovery warns.
    pub rpo_threshold: Option<Seconds>,
    /// How long recovery points are kept.
    pub retention: Option<Seconds>,
    /// Time between two app-consistent points.
    pub app_consistent_every: Option<Seconds>,
}

/// What no step of ours asks for: the language has no words for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// To move the machine from the classic to the modernized architecture.
    UpgradeToModernized,
    /// To move the machine to another appliance.
    SwitchAppliance,
    /// To reprotect the machine by itself, although its replication group may have other members.
    ReprotectAlone,
    /// To set values of the failback policy.
    SetFailbackPolicy(FailbackPolicy),
    /// To deploy a process server in Azure.
    DeployProcessServer {
        /// Whether the quota of the region allows it; `None` if nobody knows.
        within_quota: Option<bool>,
    },
    /// To cancel a failover while its job runs; the step's direction is that of the failover.
    CancelFailover,
    /// To disable the machine's replication.
    DisableReplication,
}

/// One step of one machine.
#[derive(Clone, Debug, PartialEq)]
pub struct PlannedStep {
    /// The machine; the server, if the step asks for something about a server.
    pub machine: MachineName,
    /// What the step does; [`Phase::Run`] if it is nothing of a life cycle and [`Self::request`] says what.
    pub phase: Phase,
    /// Its direction; a verification or commit has none.
    pub direction: Option<Direction>,
    /// The kind of a failover.
    pub kind: Option<FailoverKind>,
    /// What it asks for beyond that; `None` in every step of ours.
    pub request: Option<Request>,
    /// Where it is written; nowhere if it was derived.
    pub span: Span,
}

/// Returns the step that takes a machine's failover from Azure back, as somebody asks for it during a run.
#[must_use]
pub fn cancellation(machine: Machine<'_>) -> PlannedStep {
    let step = of_machine(machine, Some(Direction::AzureToOnprem));
    PlannedStep { request: Some(Request::CancelFailover), ..step }
}

/// Returns the step that disables a machine's replication, as somebody may think of it when its failover has failed.
#[must_use]
pub fn disablement(machine: Machine<'_>) -> PlannedStep {
    PlannedStep { request: Some(Request::DisableReplication), ..of_machine(machine, None) }
}

/// Returns the steps that a plan stands for, in the order of each machine's life cycle.
///
/// Classic fails back by an unplanned failover, modernized by a planned one (failover-failback-overview-modernized, Recovery
/// stages; site-recovery-failback-azure-to-vmware, Steps to fail back, 2017-06-05).
#[must_use]
pub fn of(model: &Model) -> Vec<PlannedStep> {
    let kind = match model.experience() {
        Ok(Experience::Classic) => Some(FailoverKind::Unplanned),
        Ok(Experience::Modernized) => Some(FailoverKind::Planned),
        Err(_) => None,
    };
    let mut steps = Vec::with_capacity(model.machines().len() * 5);
    for machine in model.machines() {
        let name = MachineName::new(machine.name().value.as_str());
        let mut add = |phase, direction, kind| {
            steps.push(step(name.clone(), machine.name().span, (phase, direction, kind)));
        };
        add(Phase::Reprotect, Some(Direction::AzureToOnprem), None);
        add(Phase::Failover, Some(Direction::AzureToOnprem), kind);
        add(Phase::Verify, None, None);
        add(Phase::Commit, None, None);
        add(Phase::Forward, Some(Direction::OnpremToAzure), None);
    }
    steps
}

/// Returns a step of a machine that is nothing of a life cycle.
fn of_machine(machine: Machine<'_>, direction: Option<Direction>) -> PlannedStep {
    let name = machine.name();
    step(MachineName::new(name.value.as_str()), name.span, (Phase::Run, direction, None))
}

fn step(
    machine: MachineName,
    span: Span,
    (phase, direction, kind): (Phase, Option<Direction>, Option<FailoverKind>),
) -> PlannedStep {
    PlannedStep { machine, phase, direction, kind, request: None, span }
}
