//! Machines that a finding points at: the first ones, and how many more there are.

use crate::model::Machine;
use crate::rules::Finding;

/// Things that a finding points at; the others are counted, so that a large plan gives a readable message.
pub(super) const LABELS: usize = 10;

/// Points at machines, each with the same words.
pub(super) fn also_machines<'m>(
    finding: &mut Finding,
    machines: impl IntoIterator<Item = Machine<'m>>,
    text: &str,
) {
    also_each(finding, machines.into_iter().map(|machine| (machine, ())), |()| text.to_owned());
}

/// Points at machines, each with words of its own.
pub(super) fn also_each<'m, T>(
    finding: &mut Finding,
    machines: impl IntoIterator<Item = (Machine<'m>, T)>,
    text: impl Fn(T) -> String,
) {
    let mut machines = machines.into_iter().peekable();
    for (machine, what) in machines.by_ref().take(LABELS) {
        finding.also(machine.name().span, text(what));
    }
    if let Some((next, _)) = machines.peek() {
        let span = next.name().span;
        finding.also(span, format!("and {} more", machines.count()));
    }
}
