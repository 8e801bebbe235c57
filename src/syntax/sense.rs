//! What a plan says twice or against itself in one place: windows that never open, days that end before they begin.

use crate::diagnostic::Diagnostic;
use crate::syntax::decode::Reader;
use crate::syntax::plan::RecoveryPlan;

/// Reports values of a plan that mean nothing together.
pub(crate) fn check(plan: &RecoveryPlan, reader: &mut Reader<'_, '_>) {
    if let Some(window) = plan.execution.as_ref().and_then(|execution| execution.window.as_ref())
        && window.from == window.to
    {
        reader.report(
            Diagnostic::error("bad-window", window.to.span, "the window closes when it opens")
                .label(window.from.span, "it opens here")
                .help("write when it closes; the whole day is from \"00:00\" to \"23:59\"")
                .path("execution.window.to"),
        );
    }
    for (at, drill) in plan.drills.iter().enumerate() {
        for (number, blackout) in drill.blackout.iter().enumerate() {
            if blackout.from.value > blackout.to.value {
                let (from, to) = (&blackout.from, &blackout.to);
                reader.report(
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
