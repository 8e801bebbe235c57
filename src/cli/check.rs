//! `check`: reads plans and says what is wrong with them. Touches no site.

use std::io::Write as _;
use std::path::Path;
use std::path::PathBuf;

use jiff::Timestamp;

use crate::cli::args::PlanArgs;
use crate::cli::env::Env;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::load;
use crate::cli::load::Failure;
use crate::cli::load::Loaded;
use crate::cli::load::LoadedPlan;
use crate::diagnostic::Diagnostic;
use crate::render::Item;
use crate::render::json;
use crate::render::style::Style;
use crate::render::style::Verbosity;
use crate::render::summary;
use crate::render::summary::Counts;
use crate::render::summary::Verdict;
use crate::render::text;
use crate::rules;
use crate::rules::CheckedPlan;
use crate::rules::Finding;
use crate::rules::Options;
use crate::source::Sources;

/// How findings are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people: source excerpt, caret, help
    #[default]
    Human,
    /// One JSON document
    Json,
}

/// Check plans without touching any site
///
/// Exits with 0 if the plans may run, with 1 if a rule or a mistake refuses one, and with 2 if something could not be
/// read.
#[derive(Clone, Debug, clap::Args)]
pub struct CheckArgs {
    /// Plan files, or folders that hold plans
    #[arg(value_name = "PATH", default_value = "plans")]
    pub paths: Vec<PathBuf>,
    /// Print findings like this
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t)]
    pub format: Format,
    /// Flags about how plans are read and checked.
    #[command(flatten)]
    pub plan: PlanArgs,
}

/// Checks plans.
///
/// # Errors
///
/// [`CliError`] if there is no plan to check, or the output can't be written.
pub fn run(args: &CheckArgs, env: &mut Env<'_>) -> Result<Exit, CliError> {
    if args.paths == [Path::new("plans")] && !env.path(Path::new("plans")).exists() {
        return Err(CliError::usage("there is no folder `plans` here")
            .hinted("name what to check: failback check PATH…"));
    }
    let mut loaded = load::load(&args.paths, &args.plan, env);
    let nothing = loaded.plans_left() == 0
        && loaded.inventories == 0
        && loaded.diagnostics.is_empty()
        && loaded.failures.is_empty();
    if nothing {
        let paths: Vec<String> = args.paths.iter().map(|path| format!("`{}`", path.display())).collect();
        return Err(CliError::usage(format!("no plan in {}", paths.join(", ")))
            .hinted("a plan is a YAML file that begins with `kind: RecoveryPlan`"));
    }
    let options = args.plan.options(env.clock.now());
    match args.format {
        Format::Human => human(&mut loaded, &options, env),
        Format::Json => as_json(&mut loaded, &options, env),
    }
}

/// What became of one plan.
#[derive(Debug)]
pub struct Checked {
    /// The plan's name.
    pub name: String,
    /// What rules found.
    pub findings: Vec<Finding>,
    /// Mistakes that were found when it was bound to its facts.
    pub diagnostics: Vec<Diagnostic>,
    /// What became of it.
    pub verdict: Verdict,
    /// When its facts were observed.
    pub as_of: Option<Timestamp>,
    /// The plan, if nothing refuses it.
    pub plan: Option<CheckedPlan>,
}

/// Evaluates the rules over a plan that was read.
#[must_use]
pub fn evaluate(loaded: LoadedPlan, options: &Options) -> Checked {
    let LoadedPlan { name, model, diagnostics } = loaded;
    let Some(model) = model else {
        let (findings, verdict) = (Vec::new(), Verdict::NotChecked);
        return Checked { name: name.value, findings, diagnostics, verdict, as_of: None, plan: None };
    };
    let as_of = model.observed_at().ok();
    let report = rules::check(model, options);
    let violated = report.findings.iter().any(|finding| {
        finding.state == rules::State::Violated && finding.severity == crate::diagnostic::Severity::Error
    });
    let verdict = match report.checked {
        Some(_) => Verdict::Passed,
        None if violated => Verdict::Refused,
        None => Verdict::RefusedStrictly,
    };
    Checked { name: name.value, findings: report.findings, diagnostics, verdict, as_of, plan: report.checked }
}

/// Returns the exit code for what was read and checked.
pub(crate) fn exit(loaded: &Loaded, refused: bool) -> Exit {
    if !loaded.failures.is_empty() || loaded.lacks_inventory {
        Exit::Usage
    } else if refused || !loaded.diagnostics.is_empty() {
        Exit::Refused
    } else {
        Exit::Success
    }
}

fn human(loaded: &mut Loaded, options: &Options, env: &mut Env<'_>) -> Result<Exit, CliError> {
    let style = env.style();
    let failures = failures(&loaded.failures, env.talk_style());
    env.err.write_all(failures.as_bytes())?;
    env.out.write_all(mistakes(&loaded.diagnostics, &loaded.sources, style).as_bytes())?;
    let (mut refused, mut plans) = (false, 0);
    while let Some(plan) = loaded.next_plan() {
        let checked = evaluate(plan, options);
        refused |= checked.plan.is_none();
        let text = outcome(&checked, &loaded.sources, style);
        // Plans of which there is more to say than one line stand apart.
        if plans > 0 && text.lines().nth(1).is_some() {
            writeln!(env.out)?;
        }
        plans += 1;
        env.out.write_all(text.as_bytes())?;
    }
    if plans == 0
        && loaded.diagnostics.is_empty()
        && loaded.failures.is_empty()
        && style.verbosity > Verbosity::Quiet
    {
        let what = if loaded.inventories == 1 { "an inventory" } else { "inventories" };
        writeln!(env.out, "{what} without mistakes; no plan to check")?;
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
    let mut text = mistakes(&checked.diagnostics, sources, style);
    let items: Vec<Item<'_>> = checked.findings.iter().map(Item::of_finding).collect();
    text::plan(&mut text, &items, sources, style);
    if style.verbosity > Verbosity::Quiet {
        let counts = Counts::of(&items);
        summary::line(&mut text, &checked.name, &counts, checked.verdict, checked.as_of, style);
    }
    text
}

fn as_json(loaded: &mut Loaded, options: &Options, env: &mut Env<'_>) -> Result<Exit, CliError> {
    let mut out = std::io::BufWriter::new(&mut env.out);
    let mut json = json::Findings::begin(&mut out)?;
    for failure in &loaded.failures {
        json.item(&item_of(failure), None, &loaded.sources)?;
    }
    for diagnostic in &loaded.diagnostics {
        json.item(&Item::of_diagnostic(diagnostic, &loaded.sources), None, &loaded.sources)?;
    }
    let mut refused = false;
    while let Some(plan) = loaded.next_plan() {
        let checked = evaluate(plan, options);
        refused |= checked.plan.is_none();
        for diagnostic in &checked.diagnostics {
            json.item(&Item::of_diagnostic(diagnostic, &loaded.sources), None, &loaded.sources)?;
        }
        for finding in &checked.findings {
            json.item(&Item::of_finding(finding), Some(&checked.name), &loaded.sources)?;
        }
    }
    json.end()?;
    out.flush()?;
    Ok(exit(loaded, refused))
}
