//! How a drill's result is shown.

use std::io::Write as _;
use std::path::Path;

use crate::cli::check::Format;
use crate::cli::env::Env;
use crate::cli::env::Guard;
use crate::cli::error::CliError;
use crate::cli::session::of_state_dir;
use crate::escape;
use crate::quantity::Seconds;
use crate::render::style::Tone;
use crate::report::assessment::Compared;
use crate::report::assessment::Kept;
use crate::report::assessment::Objectives;
use crate::report::assessment::Verdict;
use crate::report::assessment::Weight;
use crate::report::drill::DrillResult;

/// Reasons that are listed; of more, how many there are.
const LISTED: usize = 12;

/// Shows a result.
///
/// # Errors
///
/// [`CliError`] if it can't be written.
pub(super) fn result(format: Format, result: &DrillResult, env: &mut Env<'_>) -> Result<(), CliError> {
    match format {
        Format::Json => {
            env.out.guarded(Guard::Json)?;
            let text = serde_json::to_string(result).map_err(std::io::Error::from)?;
            writeln!(env.out, "{text}")?;
        }
        Format::Human => {
            let text = in_words(result, env);
            env.out.write_all(text.as_bytes())?;
        }
    }
    Ok(())
}

/// Tells of a drill whose run was taken over, and which ended with it.
///
/// # Errors
///
/// [`CliError`] if it can't be written.
pub(super) fn talk(result: &DrillResult, env: &mut Env<'_>) -> Result<(), CliError> {
    writeln!(env.err, "drill {} ended with the run: {}", result.drill, result.verdict.as_str())?;
    Ok(())
}

/// Says what a part of the plan does without, before anything begins.
///
/// # Errors
///
/// [`CliError`] if it can't be written.
pub(super) fn left_out(format: Format, left_out: &[String], env: &mut Env<'_>) -> Result<(), CliError> {
    if format == Format::Json {
        return Ok(());
    }
    let style = env.talk_style();
    for left_out in left_out.iter().take(LISTED) {
        writeln!(env.err, "{}: {}", style.paint(Tone::Open, "note"), escape::line(left_out))?;
    }
    if left_out.len() > LISTED {
        writeln!(env.err, "{}: and {} more", style.paint(Tone::Open, "note"), left_out.len() - LISTED)?;
    }
    Ok(())
}

/// Says how a drill goes on that has not ended.
///
/// # Errors
///
/// [`CliError`] if it can't be written.
pub(super) fn goes_on(
    why: &str,
    result: &DrillResult,
    state_dir: &Path,
    env: &mut Env<'_>,
) -> Result<(), CliError> {
    let run = result.run.as_ref().map_or("latest", |run| run.as_str());
    let flags = of_state_dir(state_dir);
    writeln!(env.err, "drill {}: {why}; it ends with its run: failback resume {run}{flags}", result.drill)?;
    Ok(())
}

fn in_words(result: &DrillResult, env: &Env<'_>) -> String {
    let style = env.style();
    let tone = match result.verdict {
        Verdict::Passed => Tone::Good,
        Verdict::Degraded => Tone::Warning,
        Verdict::Failed => Tone::Error,
    };
    let name = result.name.as_deref().map(|name| format!(" {}", escape::line(name))).unwrap_or_default();
    let plan = escape::line(&result.plan);
    let mut text =
        format!("{} drill{name} of {plan}: {}\n", result.kind, style.paint(tone, result.verdict.as_str()));
    let told: Vec<_> = result.reasons.iter().filter(|reason| reason.weight > Weight::Note).collect();
    for reason in told.iter().take(LISTED) {
        let step = reason.step.as_ref().map(|step| format!("{step}: ")).unwrap_or_default();
        let subject = match (&reason.step, &reason.subject) {
            (None, Some(subject)) => format!("{subject}: "),
            _ => String::new(),
        };
        let line = format!("{}: {subject}{step}{}", reason.code, reason.message);
        text.push_str(&format!("  {}\n", escape::line(&line)));
    }
    if told.len() > LISTED {
        text.push_str(&format!("  and {} more reasons (--format json has all)\n", told.len() - LISTED));
    }
    if let Some(objectives) = &result.objectives {
        text.push_str(&objective("RTO", &objectives.rto));
        text.push_str(&objective("RPO", &objectives.rpo));
        if let Some(spent) = &objectives.spent {
            let line = format!("{} took {} of the RTO", spent.step, Seconds(spent.seconds));
            text.push_str(&format!("  {}\n", escape::line(&line)));
        }
    }
    let missed: Vec<&Objectives> =
        result.groups.iter().chain(&result.machines).filter(|of| misses(of)).collect();
    for of in missed.iter().take(LISTED) {
        let (rto, rpo) = (objective("RTO", &of.rto), objective("RPO", &of.rpo));
        text.push_str(&format!("  {}\n  {rto}  {rpo}", escape::line(&of.subject)));
    }
    if let Some(run) = &result.run {
        let what = if result.simulated_actions == Some(true) { ", actions and probes simulated" } else { "" };
        text.push_str(&format!("  run {run}{what}\n"));
    }
    text
}

fn misses(of: &Objectives) -> bool {
    [of.rto.kept, of.rpo.kept].contains(&Some(Kept::Missed))
}

fn objective(name: &str, compared: &Compared) -> String {
    let measured = match (compared.measured_s, compared.at_least_s) {
        (Some(seconds), _) => format!("measured {}", Seconds(seconds)),
        (None, Some(seconds)) => format!("not reached after {}", Seconds(seconds)),
        (None, None) => "not measured".to_owned(),
    };
    let forecast = compared
        .forecast
        .map(|range| format!(", forecast {} to {}", Seconds(range.low_s), Seconds(range.high_s)))
        .unwrap_or_default();
    let asked = match compared.objective_s {
        Some(seconds) => format!(", objective {}", Seconds(seconds)),
        None => ", no objective".to_owned(),
    };
    let kept = match compared.kept {
        Some(Kept::Kept) => ": kept",
        Some(Kept::Missed) => ": missed",
        Some(Kept::Unknown) => ": not known",
        None => "",
    };
    format!("  {name}: {measured}{forecast}{asked}{kept}\n")
}
