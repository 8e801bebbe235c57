//! What a document says twice or against itself: names that stand twice, actions that do nothing, windows that never open.
//!
//! It is looked for in the text and not in the document that was read, so that a mistake elsewhere hides nothing.

mod action;
mod name;
mod settings;

use crate::diagnostic::Diagnostic;
use crate::diagnostic::did_you_mean;
use crate::syntax::decode::Reader;
use crate::syntax::drill::DrillKind;
use crate::syntax::drill::FactsFrom;
use crate::syntax::plan::RecoveryPlan;
use crate::syntax::settings::Settings;
use crate::syntax::tree::NodeId;
use crate::syntax::view::View;

/// Reports what a plan says twice or against itself.
pub(crate) fn check_plan(reader: &mut Reader<'_, '_>, root: NodeId, read: Option<&RecoveryPlan>) {
    if reader.has_given_up() {
        return;
    }
    let plan = View::of(reader.tree(), root);
    let mut found = Vec::new();
    name::check_plan(plan, &mut found);
    action::check(plan, &mut found);
    if let Some(read) = read {
        check_times(read, &mut found);
        check_facts(read, &mut found);
    }
    found.into_iter().for_each(|mistake| reader.report(mistake));
}

/// Reports what an inventory says twice.
pub(crate) fn check_inventory(reader: &mut Reader<'_, '_>, root: NodeId) {
    if reader.has_given_up() {
        return;
    }
    let mut found = Vec::new();
    name::check_inventory(View::of(reader.tree(), root), &mut found);
    found.into_iter().for_each(|mistake| reader.report(mistake));
}

/// Reports what settings say twice or against themselves.
pub(crate) fn check_settings(reader: &mut Reader<'_, '_>, root: NodeId, read: Option<&Settings>) {
    if reader.has_given_up() {
        return;
    }
    let mut found = Vec::new();
    settings::check(View::of(reader.tree(), root), read, &mut found);
    found.into_iter().for_each(|mistake| reader.report(mistake));
}

/// Returns whether one of some keys is misspelt or may be one of those that were cut off, so that nobody can say that it is
/// missing.
fn is_misspelt(block: View<'_, '_>, keys: &[&'static str], known: &[&'static str]) -> bool {
    block.is_cut()
        || block.has_key(|written| {
            !known.contains(&written) && did_you_mean(written, keys.iter().copied()).is_some()
        })
}

/// Returns the mistake that a plan brings no machine back, if it does not.
///
/// It can be told of a plan without mistakes alone: what another could not say may have been its machines.
#[must_use]
pub fn brings_nothing(plan: &RecoveryPlan) -> Option<Diagnostic> {
    (plan.machines.is_empty() && plan.replication_groups.is_empty()).then(|| {
        Diagnostic::error("no-machine", plan.name.span, "the plan brings no machine back")
            .help("name machines under `machines:` or `replication_groups:`")
    })
}

/// Reports times of a plan that mean nothing together.
fn check_times(plan: &RecoveryPlan, found: &mut Vec<Diagnostic>) {
    if let Some(window) = plan.execution.as_ref().and_then(|execution| execution.window.as_ref())
        && window.from == window.to
    {
        found.push(
            Diagnostic::error("bad-window", window.to.span, "the window closes when it opens")
                .label(window.from.span, "it opens here")
                .help("write when it closes; leave `window` out if every hour will do")
                .path("execution.window.to"),
        );
    }
    for (at, drill) in plan.drills.iter().enumerate() {
        for (number, blackout) in drill.blackout.iter().enumerate() {
            if blackout.from.value > blackout.to.value {
                let (from, to) = (&blackout.from, &blackout.to);
                found.push(
                    Diagnostic::error(
                        "bad-window",
                        to.span,
                        format!("the blackout ends on {to}, before it begins"),
                    )
                    .label(from.span, "it begins here")
                    .help("swap the two days")
                    .path(format!("drills[{at}].blackout[{number}].to")),
                );
            }
        }
    }
}

/// Reports live drills that are not to look at what they change.
fn check_facts(plan: &RecoveryPlan, found: &mut Vec<Diagnostic>) {
    for (at, drill) in plan.drills.iter().enumerate() {
        if let (DrillKind::Live, Some(facts)) = (drill.kind.value, &drill.facts)
            && facts.value == FactsFrom::Filed
        {
            found.push(
                Diagnostic::error("bad-facts", facts.span, "a live drill looks at the site that it changes")
                    .label(drill.kind.span, "it is live")
                    .help("leave `facts` out")
                    .path(format!("drills[{at}].facts")),
            );
        }
    }
}
