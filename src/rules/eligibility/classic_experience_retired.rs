//! FB018: the classic experience is retired on 30 March 2026.

use jiff::civil::Date;
use jiff::civil::date;
use jiff::tz::TimeZone;

use crate::diagnostic::Severity;
use crate::model::Fact;
use crate::model::Model;
use crate::rules::Architecture;
use crate::rules::Check;
use crate::rules::Findings;
use crate::rules::Origin;
use crate::rules::Rule;
use crate::rules::When;
use crate::source::Span;

/// The day on which the classic experience is retired (vmware-physical-azure-classic-deprecation, 2023-03).
const RETIRED: Date = date(2026, 3, 30);

/// So many days before, the rule begins to tell of it.
const NOTICE: i64 = 180;

pub(crate) static RULE: Rule = Rule {
    id: "FB018",
    name: "classic-experience-retired",
    severity: Severity::Warning,
    architecture: Architecture::Classic,
    origin: Origin::Beyond,
    when: When::STATIC,
    awaited: false,
    summary: "the classic experience is retired",
    docs: "\
### What it checks
A plan for a classic vault that runs after 30 March 2026. In the 180 days before, it is told of as an info.

### Why
On that day Microsoft retired the classic experience: changes of its configuration may be refused, replication health may
break, and operations may be missing from the portal. A machine that has failed over can't be moved to the modernized
architecture first (FB019), so the way home leads through classic all the same.

### What to do
Have Microsoft Support confirm that jobs of failback still run in the vault. Then write `acknowledge: [classic_retired]`
in the plan.
",
    help: "have Microsoft Support confirm that failback still runs, then write `acknowledge: [classic_retired]`",
    article: "vmware-physical-azure-classic-deprecation (2023-03); how-to-move-from-classic-to-modernized-vmware-disaster-recovery (2026-09)",
    fixture: include_str!("../../../tests/rules/classic-experience-retired.yaml"),
    facts: &["vault.experience"],
    check: Check::Plan(check),
};

fn check(model: &Model, findings: &mut Findings<'_>) -> Fact<()> {
    let today = findings.now().to_zoned(TimeZone::UTC).date();
    let left = today.duration_until(RETIRED).as_hours() / 24;
    let span = model
        .inventory
        .vault
        .as_ref()
        .and_then(|vault| vault.experience.as_ref())
        .map_or(Span::NONE, |experience| experience.span);
    let plan = &model.plan.name;
    if today > RETIRED {
        let message = format!(
            "{plan}: the classic experience was retired on {RETIRED}; operations may be missing from the portal"
        );
        findings.at(span, message).also(plan.span, "this plan uses it");
    } else if left <= NOTICE {
        let message = format!("{plan}: the classic experience is retired on {RETIRED}, {}", in_days(left));
        findings.at(span, message).severity(Severity::Info).also(plan.span, "this plan uses it");
    }
    Ok(())
}

fn in_days(left: i64) -> String {
    match left {
        0 => "today".to_owned(),
        1 => "tomorrow".to_owned(),
        days => format!("in {days} days"),
    }
}
