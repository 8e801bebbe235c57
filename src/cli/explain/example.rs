//! The example of a rule: the first case of its fixture, and what the rule says about it.

use std::fmt::Write as _;

use crate::render::Item;
use crate::render::style::Style;
use crate::render::style::Verbosity;
use crate::render::text;
use crate::rules::Guard;
use crate::rules::Rule;
use crate::rules::fixture;
use crate::rules::fixture::Case;
use crate::rules::fixture::World;

/// Lines of a change that are shown; of a longer one the others are counted.
const MOST_LINES: usize = 24;

/// A change to a healthy world, and what the rule says about it.
pub(super) struct Example {
    /// What the change makes of which world, as a sentence that ends with a colon.
    pub(super) head: String,
    /// The change, as YAML.
    pub(super) change: String,
    /// What the rule says.
    pub(super) output: String,
}

/// Returns the example of a rule.
///
/// # Errors
///
/// A sentence that says what is wrong with the rule's fixture: a bug, which a test finds.
pub(super) fn of(rule: &'static Rule, style: Style) -> Result<Example, String> {
    let fixture = fixture::of(rule)?;
    let case = fixture.cases.first().ok_or_else(|| format!("{} has no example", rule.id))?;
    let outcome = fixture::run(rule, case)?;
    let world = match case.world {
        World::Classic => "classic",
        World::Modernized => "modernized",
    };
    let head = match case.guard {
        None => format!("When {}, in a healthy {world} world with this change:", case.name),
        Some(guard) => {
            let moment = moment(guard);
            format!("When {}, at the guard {moment} in a healthy {world} world with this change:", case.name)
        }
    };
    let change = change(case).map_err(|error| format!("the example of {}: {error}", rule.id))?;
    let items: Vec<Item<'_>> = outcome.findings.iter().map(Item::of_finding).collect();
    let style = Style { verbosity: Verbosity::Verbose, ..style };
    let mut output = String::new();
    text::items(&mut output, &items, &outcome.sources, style);
    Ok(Example { head, change, output })
}

const fn moment(guard: Guard) -> &'static str {
    match guard {
        Guard::Reprotect => "before reprotect",
        Guard::Failover => "before failover",
        Guard::Commit => "before commit",
        Guard::Forward => "before reprotect to Azure",
    }
}

/// Returns what a case changes, as YAML; long changes are shortened.
fn change(case: &Case) -> Result<String, std::fmt::Error> {
    let mut text = String::new();
    if let Some(now) = case.now {
        writeln!(text, "now: {now}")?;
    }
    for (document, change) in [("plan", &case.plan), ("inventory", &case.inventory)] {
        if !change.is_null() {
            writeln!(text, "{document}:")?;
            let change = serde_yaml::to_string(change).map_err(|_| std::fmt::Error)?;
            shortened(&mut text, change.lines())?;
        }
    }
    if !case.at_reprotect.is_empty() {
        writeln!(text, "at_reprotect:  # datastore of the machine's server when it was reprotected")?;
        shortened(
            &mut text,
            case.at_reprotect.iter().map(|(machine, datastore)| format!("{machine}: {datastore}")),
        )?;
    }
    if !case.other_plans.is_empty() {
        writeln!(text, "other_plans:  # of the same workspace, and their machines")?;
        let plans = case.other_plans.iter();
        shortened(&mut text, plans.map(|(plan, machines)| format!("{plan}: [{}]", machines.join(", "))))?;
    }
    if let Some(steps) = &case.steps {
        writeln!(text, "steps:  # that somebody else put together")?;
        shortened(&mut text, steps.iter().map(|step| format!("- {step}")))?;
    }
    Ok(text)
}

/// Writes lines one step to the right; of many the others are counted.
fn shortened(text: &mut String, lines: impl Iterator<Item = impl AsRef<str>>) -> std::fmt::Result {
    let mut lines = lines.peekable();
    for _ in 0..MOST_LINES {
        let Some(line) = lines.next() else { return Ok(()) };
        writeln!(text, "  {}", line.as_ref())?;
    }
    match lines.count() {
        0 => Ok(()),
        more => writeln!(text, "  # … and {more} more lines"),
    }
}
