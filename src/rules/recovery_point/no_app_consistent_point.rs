//! FB604: an app-consistent failback needs an app-consistent point.

use crate::diagnostic::Severity;
use crate::model::Fact;
use crate::model::Known;
use crate::model::Machine;
use crate::rules::Architecture;
use crate::rules::Check;
use crate::rules::Findings;
use crate::rules::Guard;
use crate::rules::Origin;
use crate::rules::Rule;
use crate::rules::When;
use crate::rules::recovery_point::is_classic_app_consistent;
use crate::rules::recovery_point::may_fail_over;
use crate::syntax::machine::PointKind;

pub(crate) static RULE: Rule = Rule {
    id: "FB604",
    name: "no-app-consistent-point",
    severity: Severity::Error,
    architecture: Architecture::Both,
    origin: Origin::Seed(&["S38"]),
    when: When::LIVE.and_at(&[Guard::Failover]),
    awaited: true,
    summary: "app-consistent failback without an app-consistent point",
    docs: "\
### What it checks
A machine outside any replication group that is to go to an app-consistent point while none of its points is one. In the
modernized architecture there is nothing to look for: the point is made after the planned failover has begun.

### Why
A machine goes to its newest app-consistent point. Without one there is nothing to go to.

### What to do
The run waits for the next one; the failback policy makes one every 60 minutes. If none appears, see whether the machine's
agent can quiesce its applications (VSS on Windows), or choose `latest`.
",
    help: "wait for one (the failback policy makes one every 60 minutes), or choose `latest`",
    article: "site-recovery-failback-azure-to-vmware, To what recovery point can I fail back (2017-06-05)",
    fixture: include_str!("../../../tests/rules/no-app-consistent-point.yaml"),
    facts: &["vault.experience", "machines", "asr", "asr.recovery_points", "asr.recovery_points.kind"],
    check: Check::Machine(check),
};

fn check(machine: Machine<'_>, findings: &mut Findings<'_>) -> Fact<()> {
    let choice = &machine.settings().recovery_point;
    // The word means the same in both architectures, so other words decide without knowing the architecture.
    if choice.value != "app_consistent" || machine.group().is_some() {
        return Ok(());
    }
    if !is_classic_app_consistent(machine.point_choice()?, machine)?
        || (findings.guard().is_none() && !may_fail_over(machine))
    {
        return Ok(());
    }
    let mut unknown = None;
    for point in machine.recovery_points()? {
        match point.kind.fact("asr.recovery_points.kind") {
            Ok(kind) => match kind.value {
                PointKind::AppConsistent => return Ok(()),
                PointKind::CrashConsistent => {}
            },
            Err(missing) => unknown = Some(missing),
        }
    }
    if let Some(unknown) = unknown {
        return Err(unknown);
    }
    let name = machine.name();
    findings
        .at(
            choice.span,
            format!("{name}: app-consistent failback is chosen, but it has no app-consistent point yet"),
        )
        .also(name.span, "goes back alone, to its own newest app-consistent point");
    Ok(())
}
