//! `check --test-policies`: runs the tests of policies, each on its own small world.

use std::io::Write as _;
use std::path::PathBuf;

use serde_json::json;

use crate::cli::args::PlanArgs;
use crate::cli::check;
use crate::cli::check::FindingsFormat;
use crate::cli::env::Env;
use crate::cli::env::Guard;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::load;
use crate::cli::load::Loaded;
use crate::escape;
use crate::render::style::Tone;
use crate::render::style::Verbosity;
use crate::rules::policy::test;
use crate::rules::policy::test::Outcome;
use crate::source::Source;
use crate::source::Sources;
use crate::syntax::policy::Expected;

/// Runs the tests of the policies in some files or folders.
///
/// # Errors
///
/// [`CliError`] if there are no tests, the format is one of findings alone, or the output can't be written.
pub(super) fn run(
    paths: &[PathBuf],
    format: FindingsFormat,
    args: &PlanArgs,
    env: &mut Env<'_>,
) -> Result<Exit, CliError> {
    let alone = PlanArgs { alone: true, ..args.clone() };
    let mut loaded = load::load(paths, &alone, env);
    // A plan or an inventory in the same folder is no matter of these tests.
    let Loaded { diagnostics, sources, .. } = &mut loaded;
    diagnostics.retain(|mistake| sources.source_of(mistake.span).is_none_or(may_hold_policies));
    let failures = check::failures(&loaded.failures, env.talk_style());
    let mistakes = check::mistakes(&loaded.diagnostics, &loaded.sources, env.talk_style());
    env.err.write_all((failures + &mistakes).as_bytes())?;
    let policies = std::mem::take(&mut loaded.policies);
    let outcomes: Vec<Outcome> =
        policies.iter().flat_map(|policy| test::run(policy, &loaded.rules)).collect();
    let broken = !loaded.failures.is_empty() || !loaded.diagnostics.is_empty();
    if outcomes.is_empty() && !broken {
        return Err(CliError::usage("the policies have no tests")
            .hinted("a test stands under `tests:` of a document of `kind: Policy`"));
    }
    match format {
        FindingsFormat::Human => human(&outcomes, &loaded.sources, env)?,
        FindingsFormat::Json => as_json(&outcomes, &loaded.sources, env)?,
        FindingsFormat::Sarif
        | FindingsFormat::Github
        | FindingsFormat::Gitlab
        | FindingsFormat::Junit
        | FindingsFormat::Markdown => {
            return Err(CliError::usage("tests of policies are printed with `--format human` or `json`"));
        }
    }
    let all_passed = outcomes.iter().all(Outcome::passed);
    Ok(check::exit(&loaded, !all_passed))
}

/// Returns whether a file is not plainly one of other documents.
fn may_hold_policies(source: &Source) -> bool {
    let mut kinds = source.text().lines().filter_map(|line| line.strip_prefix("kind:")).peekable();
    kinds.peek().is_none()
        || kinds.any(|kind| !matches!(kind.trim(), "RecoveryPlan" | "Inventory" | "Settings"))
}

/// Returns where a test is written, as `file:line`.
fn place(outcome: &Outcome, sources: &Sources) -> (String, usize) {
    sources
        .locate(outcome.span)
        .map_or_else(|| ("?".to_owned(), 0), |location| (location.file.to_string(), location.start.line))
}

fn human(outcomes: &[Outcome], sources: &Sources, env: &mut Env<'_>) -> Result<(), CliError> {
    let style = env.style();
    for outcome in outcomes {
        let (rule, name) = (escape::line(&outcome.rule), escape::line(&outcome.name));
        if outcome.passed() {
            if style.verbosity > Verbosity::Quiet {
                writeln!(env.out, "{}      {rule}  {name}", style.paint(Tone::Good, "ok"))?;
            }
            continue;
        }
        let (file, line) = place(outcome, sources);
        writeln!(env.out, "{}  {rule}  {name}", style.paint(Tone::Error, "failed"))?;
        let why = match &outcome.got {
            Ok(got) => format!("expected {}, got {got}", outcome.expected),
            Err(why) => format!("expected {}, but {}", outcome.expected, escape::line(why)),
        };
        writeln!(env.out, "        {}:{line}: {why}", escape::line(&file))?;
    }
    if style.verbosity > Verbosity::Quiet {
        let passed = outcomes.iter().filter(|outcome| outcome.passed()).count();
        let tests = if outcomes.len() == 1 { "test" } else { "tests" };
        writeln!(env.out, "{passed} of {} {tests} passed", outcomes.len())?;
    }
    Ok(())
}

fn as_json(outcomes: &[Outcome], sources: &Sources, env: &mut Env<'_>) -> Result<(), CliError> {
    env.out.guarded(Guard::Json)?;
    let record = |outcome: &Outcome| {
        let (file, line) = place(outcome, sources);
        json!({
            "rule": outcome.rule,
            "name": outcome.name,
            "passed": outcome.passed(),
            "expected": outcome.expected,
            "got": outcome.got.as_ref().ok().map(|got: &Expected| got.as_str()),
            "problem": outcome.got.as_ref().err(),
            "file": file,
            "line": line,
        })
    };
    let tests: Vec<_> = outcomes.iter().map(record).collect();
    writeln!(env.out, "{:#}", json!({"version": 1, "tests": tests}))?;
    Ok(())
}
