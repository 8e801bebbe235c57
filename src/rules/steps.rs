//! The steps of a plan as rules about order, direction and kind see them.

use crate::model::Machine;
use crate::model::Model;
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

/// One step of one machine.
#[derive(Clone, Debug, PartialEq)]
pub struct PlannedStep {
    /// The machine.
    pub machine: String,
    /// What the step does.
    pub phase: Phase,
    /// Its direction; a verification or commit has none.
    pub direction: Option<Direction>,
    /// The kind of a failover.
    pub kind: Option<FailoverKind>,
    /// Where it is written; nowhere if it was derived.
    pub span: Span,
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
        let mut add = |phase, direction, kind| steps.push(step(machine, phase, direction, kind));
        add(Phase::Reprotect, Some(Direction::AzureToOnprem), None);
        add(Phase::Failover, Some(Direction::AzureToOnprem), kind);
        add(Phase::Verify, None, None);
        add(Phase::Commit, None, None);
        add(Phase::Forward, Some(Direction::OnpremToAzure), None);
    }
    steps
}

fn step(
    machine: Machine<'_>,
    phase: Phase,
    direction: Option<Direction>,
    kind: Option<FailoverKind>,
) -> PlannedStep {
    PlannedStep { machine: machine.name().value.clone(), phase, direction, kind, span: machine.name().span }
}
