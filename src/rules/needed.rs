//! Servers that machines still need: on their way home, or on their way to Azure again.

use crate::model::Fact;
use crate::model::Machine;
use crate::model::Model;
use crate::model::Unknown;
use crate::rules::Finding;
use crate::rules::Findings;
use crate::rules::Guard;
use crate::rules::SubjectKind;
use crate::rules::labels::also_each;
use crate::rules::places::Places;
use crate::rules::runtime::failover_is_ahead;
use crate::rules::runtime::way_to_azure_is_ahead;
use crate::source::Span;

/// A way of a machine's data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Home,
    ToAzure,
}

/// A server, with the machines that still need it.
pub(super) struct Needed<'m, S> {
    /// The server.
    pub server: S,
    machines: Vec<(Machine<'m>, Way)>,
}

/// A server that a machine still needs, of which the inventory does not say whether there is one.
pub(super) struct Unlisted<'m> {
    machine: Machine<'m>,
    unknown: Unknown,
}

/// The servers that machines still need.
pub(super) struct AllNeeded<'m, S> {
    /// Those that the inventory has, in the order of the plan.
    pub servers: Vec<Needed<'m, S>>,
    /// Those of a kind that it says nothing of, each once.
    unlisted: Vec<Unlisted<'m>>,
}

impl<S> AllNeeded<'_, S> {
    /// Adds that a rule can't be decided about the servers that nobody knows.
    pub(super) fn tell_unlisted(&self, kind: SubjectKind, findings: &mut Findings<'_>) {
        for Unlisted { machine, unknown } in &self.unlisted {
            let name = machine.name();
            let subject = unknown.object.as_deref().unwrap_or(&name.value);
            findings.about(kind, subject, name.span).unknown(unknown);
        }
    }
}

/// Says which server a machine has, if any, by its name.
type Of<'m, S> = fn(Machine<'m>) -> Fact<Option<(&'m str, S)>>;

/// Returns the servers that the concerned machines still need, in the order of the plan; a machine stands once with each.
///
/// `home` and `to_azure` say which server a machine has on either way, if any, by its name.
pub(super) fn needed<'m, S>(
    model: &'m Model,
    findings: &Findings<'_>,
    home: Of<'m, S>,
    to_azure: Of<'m, S>,
) -> AllNeeded<'m, S> {
    let mut servers: Vec<Needed<'m, S>> = Vec::new();
    let mut unlisted: Vec<Unlisted<'m>> = Vec::new();
    let mut places = Places::new();
    for machine in findings.machines(model) {
        for (way, server) in [(Way::Home, home), (Way::ToAzure, to_azure)] {
            if !is_ahead(machine, way, findings.guard()) {
                continue;
            }
            let (name, server) = match server(machine) {
                Ok(Some(found)) => found,
                Ok(None) => continue,
                Err(unknown) => {
                    if unlisted.iter().all(|other| other.unknown != unknown) {
                        unlisted.push(Unlisted { machine, unknown });
                    }
                    continue;
                }
            };
            let (at, is_new) = places.of(name);
            if is_new {
                servers.push(Needed { server, machines: Vec::new() });
            }
            let machines = &mut servers[at].machines;
            if machines.last().is_none_or(|(last, _)| last.index() != machine.index()) {
                machines.push((machine, way));
            }
        }
    }
    AllNeeded { servers, unlisted }
}

/// Returns whether the inventory has every server that the concerned machines still need, and each is fine, as nearly always:
/// then nothing has to be put together about them.
pub(super) fn all_needed_are<'m, S>(
    model: &'m Model,
    findings: &Findings<'_>,
    (home, to_azure): (Of<'m, S>, Of<'m, S>),
    is_fine: impl Fn(S) -> bool,
) -> bool {
    findings.machines(model).all(|machine| {
        [(Way::Home, home), (Way::ToAzure, to_azure)].into_iter().all(|(way, server)| {
            !is_ahead(machine, way, findings.guard())
                || server(machine).is_ok_and(|server| server.is_none_or(|(_, server)| is_fine(server)))
        })
    })
}

/// Returns whether a machine has still to go a way: at a guard that follows from the guard, before a run from its state. A
/// machine whose state is not known may have to.
fn is_ahead(machine: Machine<'_>, way: Way, guard: Option<Guard>) -> bool {
    match (way, guard) {
        (Way::Home, Some(Guard::Reprotect | Guard::Failover)) => true,
        (Way::Home, Some(Guard::Commit | Guard::Forward)) => false,
        (Way::ToAzure, Some(guard)) => guard == Guard::Forward,
        (Way::Home, None) => machine.state().map_or(true, failover_is_ahead),
        (Way::ToAzure, None) => {
            machine.is_protected_again() && machine.state().map_or(true, way_to_azure_is_ahead)
        }
    }
}

impl<S> Needed<'_, S> {
    /// Points at the machines that suffer from what was found about the server.
    pub(super) fn point_at_machines(&self, finding: &mut Finding, name: &str) {
        also_each(finding, self.machines.iter().copied(), |way| match way {
            Way::Home => format!("comes back through {name}"),
            Way::ToAzure => format!("is protected again through {name}"),
        });
    }
}

/// Returns where the plan says that a machine is to be protected in Azure again; `None` if it is not to be.
pub(super) fn protected_again(machine: Machine<'_>) -> Option<Span> {
    // Who says how to protect a machine again means it.
    let said = || machine.settings().final_state.map_or(Span::NONE, |state| state.span);
    machine.is_protected_again().then(said)
}
