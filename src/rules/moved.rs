//! Servers that hold machines' disks from reprotect to failover, and of which nobody knows where they stood.

use std::borrow::Cow;

use crate::diagnostic::Severity;
use crate::model::Machine;
use crate::rules::Findings;
use crate::rules::Guard;
use crate::rules::State;
use crate::rules::SubjectKind;
use crate::rules::labels::also_machines;
use crate::source::Span;
use crate::syntax::machine::State as Lifecycle;

/// Returns whether a machine is about to fail over, its disks attached to a server, and where that stood at the reprotect is not known.
pub(super) fn is_forgotten(machine: Machine<'_>, findings: &Findings<'_>) -> bool {
    findings.guard() == Some(Guard::Failover)
        && machine.placement_at_reprotect().is_none()
        && matches!(
            machine.state(),
            Ok(Lifecycle::ReprotectingToOnprem | Lifecycle::ProtectedToOnprem) | Err(_)
        )
}

/// Adds that whether a server was moved since the reprotect of machines can't be decided. It weighs as a warning: nobody can find
/// out any more, so that an error would hold a failover back for good.
pub(super) fn undecided<'m>(
    findings: &mut Findings<'_>,
    (kind, server, span): (SubjectKind, &str, Span),
    fact: &'static str,
    machines: Vec<Machine<'m>>,
) {
    let message = format!(
        "{server}: nobody knows on which datastore it stood at the reprotect of its machines, so whether it was moved since is not known"
    );
    let finding = findings.at(span, message);
    finding.subject(kind, server).severity(Severity::Warning).help(
        "look whether it was moved since; write its datastore into the inventory before the next reprotect",
    );
    finding.state = State::Indeterminate;
    finding.fact = Some(Cow::Borrowed(fact));
    also_machines(finding, machines, &format!("was reprotected through {server}"));
}
