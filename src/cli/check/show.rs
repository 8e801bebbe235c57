//! What was read and found, printed: for people, and as documents for programs.

use std::io::Write as _;

use crate::cli::baseline::Baseline;
use crate::cli::check::evaluate::Checked;
use crate::cli::check::exit;
use crate::cli::env::Env;
use crate::cli::env::Guard;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::judge::Checks;
use crate::cli::judge::Judged;
use crate::cli::load::Failure;
use crate::cli::load::Loaded;
use crate::cli::points;
use crate::diagnostic::Diagnostic;
use crate::render;
use crate::render::Closing;
use crate::render::Item;
use crate::render::Outcome;
use crate::render::Sheet;
use crate::render::json;
use crate::render::style::Style;
use crate::render::style::Verbosity;
use crate::render::summary;
use crate::render::summary::Counts;
use crate::render::text;
use crate::rules::One;
use crate::rules::State;
use crate::source::Sources;

pub(super) fn human(loaded: &mut Loaded, checks: &mut Checks, env: &mut Env<'_>) -> Result<Exit, CliError> {
    let style = env.style();
    let failures = failures(&loaded.failures, env.talk_style());
    env.err.write_all(failures.as_bytes())?;
    let mistakes = mistakes(&loaded.diagnostics, &loaded.sources, style);
    env.out.write_all(mistakes.as_bytes())?;
    let (mut refused, mut plans) = (false, 0);
    loop {
        let batch = checks.next(loaded);
        if batch.is_empty() {
            break;
        }
        for judged in batch {
            refused |= judged.checked.verdict.refuses();
            let text = text_of(&judged.checked, || judged.each(), &loaded.sources, style);
            // Plans of which there is more to say than one line stand apart.
            if plans > 0 && text.lines().nth(1).is_some() {
                writeln!(env.out)?;
            }
            plans += 1;
            env.out.write_all(text.as_bytes())?;
        }
    }
    if style.verbosity > Verbosity::Quiet {
        if plans == 0 && loaded.diagnostics.is_empty() && loaded.failures.is_empty() {
            let what = match (loaded.inventories, loaded.policies.len()) {
                (0, 0) => "settings",
                (0, 1) => "a policy",
                (0, _) => "policies",
                (1, 0) => "an inventory",
                (_, 0) => "inventories",
                (_, _) => "inventories and policies",
            };
            writeln!(env.out, "{what} without mistakes; no plan to check")?;
        }
        if let Some(baseline) = &checks.baseline {
            writeln!(env.out, "{}", baseline.counts().in_words())?;
        }
        match loaded.diagnostics.iter().filter(|mistake| mistake.fix.is_some()).count() {
            0 => {}
            1 => writeln!(env.out, "1 mistake can be put right with --fix")?,
            count => writeln!(env.out, "{count} mistakes can be put right with --fix")?,
        }
    }
    Ok(exit(loaded, refused))
}

/// Returns the text about files that could not be read.
#[must_use]
pub fn failures(failures: &[Failure], style: Style) -> String {
    let mut text = String::new();
    for failure in failures {
        text::item(&mut text, &item_of(failure), &Sources::new(), style);
    }
    text
}

fn item_of(failure: &Failure) -> Item<'_> {
    Item::of_file("unreadable-file", &failure.file, &failure.message, failure.help.as_deref())
}

/// Returns the text about mistakes of documents.
#[must_use]
pub fn mistakes(diagnostics: &[Diagnostic], sources: &Sources, style: Style) -> String {
    let items: Vec<Item<'_>> =
        diagnostics.iter().map(|diagnostic| Item::of_diagnostic(diagnostic, sources)).collect();
    let mut text = String::new();
    text::items(&mut text, &items, sources, style);
    text
}

/// Returns the text about what became of a plan, with the line that sums it up.
#[must_use]
pub fn outcome(checked: &Checked, sources: &Sources, style: Style) -> String {
    text_of(checked, || checked.findings.each(), sources, style)
}

fn text_of<'c, I: Iterator<Item = One<'c>>>(
    checked: &'c Checked,
    each: impl Fn() -> I,
    sources: &Sources,
    style: Style,
) -> String {
    let mut text = mistakes(&checked.diagnostics, sources, style);
    let (mut items, mut undecided) = (Vec::new(), 0);
    for one in each() {
        match one {
            One::Kept(finding) if finding.state != State::Indeterminate => {
                items.push(Item::of_finding(finding));
            }
            One::Kept(_) | One::Open(_) => undecided += 1,
        }
    }
    let items = match style.verbosity {
        Verbosity::Quiet | Verbosity::Normal => render::without_explained(&items).into_owned(),
        Verbosity::Verbose => items,
    };
    let open = each().filter(|one| one.state() == State::Indeterminate);
    text::plan(&mut text, &items, open, sources, style);
    if style.verbosity == Verbosity::Verbose && !checked.recovery_points.is_empty() {
        points::section(&mut text, &checked.recovery_points, style);
        text.push('\n');
    }
    if style.verbosity > Verbosity::Quiet {
        let mut counts = Counts::of(&items);
        counts.indeterminate += undecided;
        summary::line(&mut text, &checked.name, &counts, checked.verdict, checked.as_of, style);
    }
    text
}

/// Prints what refuses a plan as `check --format json` does, for the commands that go on with a plan.
///
/// # Errors
///
/// [`CliError`] if the output can't be written.
pub(crate) fn print_json(
    loaded: &Loaded,
    checked: Option<&Checked>,
    env: &mut Env<'_>,
) -> Result<(), CliError> {
    env.out.guarded(Guard::Json)?;
    let mut out = std::io::BufWriter::new(&mut env.out);
    let mut sheet: Box<dyn Sheet + '_> = Box::new(json::Findings::begin(&mut out)?);
    told_of_files(&mut *sheet, loaded)?;
    if let Some(checked) = checked {
        for diagnostic in &checked.diagnostics {
            sheet.item(&Item::of_diagnostic(diagnostic, &loaded.sources), None, &loaded.sources)?;
        }
        for finding in &checked.findings {
            sheet.item(&Item::of_finding(&finding), Some(&checked.name), &loaded.sources)?;
        }
        sheet.plan(&Outcome {
            name: &checked.name,
            verdict: checked.verdict,
            counts: Counts::default(),
            as_of: checked.as_of,
            silent: &[],
            recovery_points: &checked.recovery_points,
        })?;
    }
    sheet.close(&Closing::default())?;
    out.flush()?;
    Ok(())
}

/// Writes what is wrong with files and documents as such.
fn told_of_files(sheet: &mut (dyn Sheet + '_), loaded: &Loaded) -> Result<(), CliError> {
    for failure in &loaded.failures {
        sheet.item(&item_of(failure), None, &loaded.sources)?;
    }
    for diagnostic in &loaded.diagnostics {
        sheet.item(&Item::of_diagnostic(diagnostic, &loaded.sources), None, &loaded.sources)?;
    }
    Ok(())
}

/// Writes everything that was read and is found into a document for programs.
pub(super) fn fill(
    mut sheet: Box<dyn Sheet + '_>,
    loaded: &mut Loaded,
    checks: &mut Checks,
) -> Result<Exit, CliError> {
    told_of_files(&mut *sheet, loaded)?;
    let mut refused = false;
    loop {
        let batch = checks.next(loaded);
        if batch.is_empty() {
            break;
        }
        for judged in batch {
            let Judged { checked, silent, .. } = &judged;
            refused |= checked.verdict.refuses();
            for diagnostic in &checked.diagnostics {
                sheet.item(&Item::of_diagnostic(diagnostic, &loaded.sources), None, &loaded.sources)?;
            }
            // One after the other: a plan without facts has far more of them than lines.
            let mut counts = Counts::default();
            for one in judged.each() {
                let finding = one.finding();
                let item = Item::of_finding(&finding);
                counts.add(&item);
                sheet.item(&item, Some(&checked.name), &loaded.sources)?;
            }
            let recovery_points = checked.recovery_points.as_slice();
            let (name, verdict, as_of) = (checked.name.as_str(), checked.verdict, checked.as_of);
            sheet.plan(&Outcome { name, verdict, counts, as_of, silent, recovery_points })?;
        }
    }
    let unreadable = !loaded.failures.is_empty() || loaded.lacks_inventory;
    sheet.close(&Closing { unreadable, baseline: checks.baseline.as_ref().map(Baseline::counts) })?;
    Ok(exit(loaded, refused))
}
