//! `check`: reads plans and says what is wrong with them. Touches no site.

use std::io::Write as _;
use std::path::Path;
use std::path::PathBuf;

use jiff::Timestamp;

use crate::cli::args::PlanArgs;
use crate::cli::baseline::Baseline;
use crate::cli::env::Env;
use crate::cli::env::Guard;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::fix;
use crate::cli::judge::Checks;
use crate::cli::judge::Judged;
use crate::cli::live;
use crate::cli::load;
use crate::cli::load::Failure;
use crate::cli::load::Loaded;
use crate::cli::load::LoadedPlan;
use crate::cli::points;
use crate::cli::policies;
use crate::cli::site::VaultArgs;
use crate::diagnostic::Diagnostic;
use crate::diagnostic::Severity;
use crate::escape;
use crate::quantity::Seconds;
use crate::render;
use crate::render::Closing;
use crate::render::Item;
use crate::render::Outcome;
use crate::render::Sheet;
use crate::render::gate::Gate;
use crate::render::github;
use crate::render::gitlab;
use crate::render::json;
use crate::render::junit;
use crate::render::markdown;
use crate::render::place::Places;
use crate::render::sarif;
use crate::render::style::Style;
use crate::render::style::Tone;
use crate::render::style::Verbosity;
use crate::render::summary;
use crate::render::summary::Counts;
use crate::render::summary::Verdict;
use crate::render::text;
use crate::rules;
use crate::rules::CheckedPlan;
use crate::rules::Finding;
use crate::rules::Options;
use crate::rules::State;
use crate::rules::consistency;
use crate::rules::consistency::GroupPoints;
use crate::source::Sources;

/// How a command prints.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people
    #[default]
    Human,
    /// One JSON document
    Json,
}

/// How findings are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum FindingsFormat {
    /// For people: source excerpt, caret, help
    #[default]
    Human,
    /// One JSON document, which `--baseline` reads too
    Json,
    /// SARIF 2.1.0, for code scanning
    Sarif,
    /// Annotations of GitHub Actions
    Github,
    /// A code quality report of GitLab
    Gitlab,
    /// A JUnit report
    Junit,
    /// A comment for a pull request
    Markdown,
}

/// From which weight on a violated rule lets the check fail.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum FailOn {
    /// Errors
    #[default]
    Error,
    /// Errors and warnings
    Warning,
}

/// Check plans, without changing any site
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
    pub format: FindingsFormat,
    /// Exit with 1 if a rule of this weight is violated
    #[arg(long, value_name = "WEIGHT", value_enum, default_value_t)]
    pub fail_on: FailOn,
    /// Show and count only findings that are not in this file, which `check --format json` printed
    #[arg(long, value_name = "FILE")]
    pub baseline: Option<PathBuf>,
    /// Count what Site Recovery, Azure and vCenter told longer ago than this as unknown, such as `24h`
    #[arg(long, value_name = "DURATION", value_parser = Seconds::parse)]
    pub max_age: Option<Seconds>,
    /// Run the tests of these policies, and check no plan
    #[arg(long, value_name = "FILE", num_args = 1.., conflicts_with_all = ["paths", "baseline"])]
    pub test_policies: Vec<PathBuf>,
    /// Put right what can only have been meant in one way, then check
    ///
    /// Changes nothing but those places: misspelt keys and words, missing quotes, units, tabs.
    #[arg(long, conflicts_with_all = ["diff", "test_policies"])]
    pub fix: bool,
    /// Show what --fix would change, change nothing, and exit with 1 if there is something
    #[arg(long, conflicts_with_all = ["format", "baseline", "fail_on", "test_policies"])]
    pub diff: bool,
    /// Judge the one plan of PATH by what its site shows just now; what only a person knows stays as the inventory has it
    ///
    /// Under --strict, rules that only an observed site or a run can decide may not stay undecided either.
    #[arg(long, conflicts_with_all = ["test_policies", "fix", "diff"])]
    pub live: bool,
    /// Which vault and vCenters are meant with --live.
    #[command(flatten)]
    pub site: VaultArgs,
    /// Flags about how plans are read and checked.
    #[command(flatten)]
    pub plan: PlanArgs,
}

/// Checks plans.
///
/// # Errors
///
/// [`CliError`] if there is no plan to check, the baseline can't be read, or the output can't be written.
pub fn run(args: &CheckArgs, env: &mut Env<'_>) -> Result<Exit, CliError> {
    if !args.test_policies.is_empty() {
        return policies::run(&args.test_policies, args.format, &args.plan, env);
    }
    if args.paths == [Path::new("plans")] && !env.path(Path::new("plans")).exists() {
        return Err(CliError::usage("there is no folder `plans` here")
            .hinted("name what to check: failback check PATH…"));
    }
    let limit = args.plan.max_file_size.0;
    let baseline = args.baseline.as_deref().map(|path| Baseline::read(path, limit, env)).transpose()?;
    let mut plan = PlanArgs { max_age: args.max_age, ..args.plan.clone() };
    if args.live {
        plan = match live::looked(only_path(&args.paths)?, &plan, &args.site, env)? {
            Ok(plan) => plan,
            Err(exit) => return Ok(exit),
        };
    } else {
        live::refuse_site(&args.site)?;
    }
    let mut loaded = load::load(&args.paths, &plan, env);
    let nothing = loaded.plans_left() == 0
        && loaded.inventories == 0
        && loaded.policies.is_empty()
        && loaded.settings.is_empty()
        && loaded.diagnostics.is_empty()
        && loaded.failures.is_empty();
    if nothing {
        let paths: Vec<String> = args.paths.iter().map(|path| format!("`{}`", path.display())).collect();
        return Err(CliError::usage(format!("no plan in {}", paths.join(", ")))
            .hinted("a plan is a YAML file that begins with `kind: RecoveryPlan`"));
    }
    if args.diff {
        return fix::show(&loaded, limit, env);
    }
    if args.fix {
        let applied = fix::apply(&loaded, limit, env)?;
        if applied.any {
            loaded = load::load(&args.paths, &plan, env);
        }
        loaded.failures.extend(applied.failures);
    }
    tell_stale(&loaded, env)?;
    let fail_on = match args.fail_on {
        FailOn::Error => Severity::Error,
        FailOn::Warning => Severity::Warning,
    };
    let gate = Gate { fail_on, strict: plan.strict, is_live: args.live };
    let mut checks = Checks { options: plan.options(env.clock.now()), gate, baseline, now: plan.now };
    let places = Places::of(&env.folder);
    let verbosity = env.verbosity;
    if args.format == FindingsFormat::Human {
        return human(&mut loaded, &mut checks, env);
    }
    // Each of these formats sees to it by itself what its readers take for a command.
    env.out.guarded(Guard::Nothing)?;
    let mut out = std::io::BufWriter::new(&mut env.out);
    let sheet: Box<dyn Sheet + '_> = match args.format {
        FindingsFormat::Human | FindingsFormat::Json => Box::new(json::Findings::begin(&mut out)?),
        FindingsFormat::Sarif => Box::new(sarif::Log::begin(&mut out, places)?),
        FindingsFormat::Github => Box::new(github::Annotations::begin(&mut out, places, gate, verbosity)),
        FindingsFormat::Gitlab => Box::new(gitlab::CodeQuality::begin(&mut out, places, gate, verbosity)?),
        FindingsFormat::Junit => Box::new(junit::Report::begin(&mut out, places, gate)?),
        FindingsFormat::Markdown => Box::new(markdown::Comment::begin(&mut out, places, gate, verbosity)),
    };
    let exit = fill(sheet, &mut loaded, &mut checks)?;
    out.flush()?;
    drop(out);
    if let Some(known) = checks.baseline.as_ref().map(Baseline::counts)
        && matches!(
            args.format,
            FindingsFormat::Sarif | FindingsFormat::Github | FindingsFormat::Gitlab | FindingsFormat::Junit
        )
        && verbosity > Verbosity::Quiet
    {
        writeln!(env.err, "{}", known.in_words())?;
    }
    Ok(exit)
}

/// Says what was forgotten because it is too old.
///
/// # Errors
///
/// [`CliError`] if the output can't be written.
pub(crate) fn tell_stale(loaded: &Loaded, env: &mut Env<'_>) -> Result<(), CliError> {
    let style = env.talk_style();
    for stale in loaded.stale.iter().filter(|_| style.verbosity > Verbosity::Quiet) {
        writeln!(env.err, "{}: {}", style.paint(Tone::Warning, "warning"), escape::line(stale))?;
    }
    Ok(())
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
    /// What recovery points mean for each replication group.
    pub recovery_points: Vec<GroupPoints>,
}

/// Evaluates the rules over a plan that was read.
#[must_use]
pub fn evaluate(loaded: LoadedPlan, options: &Options) -> Checked {
    let LoadedPlan { name, model, diagnostics, policies } = loaded;
    let Some(model) = model else {
        let (findings, verdict) = (Vec::new(), Verdict::NotChecked);
        let recovery_points = Vec::new();
        return Checked {
            name: name.value,
            findings,
            diagnostics,
            verdict,
            as_of: None,
            plan: None,
            recovery_points,
        };
    };
    let as_of = model.observed_at().ok();
    let recovery_points = consistency::of(&model);
    let report = rules::check_with(model, &policies, options);
    let violated = report
        .findings
        .iter()
        .any(|finding| finding.state == State::Violated && finding.severity == Severity::Error);
    let verdict = match report.checked {
        Some(_) => Verdict::Passed,
        None if violated => Verdict::Refused,
        None => Verdict::RefusedStrictly,
    };
    let (name, findings, plan) = (name.value, report.findings, report.checked);
    Checked { name, findings, diagnostics, verdict, as_of, plan, recovery_points }
}

/// Returns the path of the plan whose site is looked at.
fn only_path(paths: &[PathBuf]) -> Result<&Path, CliError> {
    match paths {
        [path] => Ok(path),
        _ => {
            Err(CliError::usage("--live looks at the site of one plan").hinted("name one file with one plan"))
        }
    }
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

fn human(loaded: &mut Loaded, checks: &mut Checks, env: &mut Env<'_>) -> Result<Exit, CliError> {
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
            let text = text_of(&judged.checked, &judged.items(), &loaded.sources, style);
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
    let items: Vec<Item<'_>> = checked.findings.iter().map(Item::of_finding).collect();
    text_of(checked, &items, sources, style)
}

fn text_of(checked: &Checked, items: &[Item<'_>], sources: &Sources, style: Style) -> String {
    let mut text = mistakes(&checked.diagnostics, sources, style);
    let told = match style.verbosity {
        Verbosity::Quiet | Verbosity::Normal => render::without_explained(items),
        Verbosity::Verbose => items.to_vec(),
    };
    let items = told.as_slice();
    text::plan(&mut text, items, sources, style);
    if style.verbosity == Verbosity::Verbose && !checked.recovery_points.is_empty() {
        points::section(&mut text, &checked.recovery_points, style);
        text.push('\n');
    }
    if style.verbosity > Verbosity::Quiet {
        let counts = Counts::of(items);
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
            sheet.item(&Item::of_finding(finding), Some(&checked.name), &loaded.sources)?;
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
fn fill(mut sheet: Box<dyn Sheet + '_>, loaded: &mut Loaded, checks: &mut Checks) -> Result<Exit, CliError> {
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
            let items = judged.items();
            for item in &items {
                sheet.item(item, Some(&checked.name), &loaded.sources)?;
            }
            let recovery_points = checked.recovery_points.as_slice();
            let (name, verdict, as_of) = (checked.name.as_str(), checked.verdict, checked.as_of);
            sheet.plan(&Outcome {
                name,
                verdict,
                counts: Counts::of(&items),
                as_of,
                silent,
                recovery_points,
            })?;
        }
    }
    let unreadable = !loaded.failures.is_empty() || loaded.lacks_inventory;
    sheet.close(&Closing { unreadable, baseline: checks.baseline.as_ref().map(Baseline::counts) })?;
    Ok(exit(loaded, refused))
}
