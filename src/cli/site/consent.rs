//! Asks whether a real site is to be changed: shows which, what becomes of it for good, and has the plan's name typed.

use std::io::Write as _;

use crate::cli::env::Env;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::keyboard;
use crate::escape;
use crate::graph::Graph;
use crate::graph::StepKind;
use crate::model::Model;
use crate::provider::azure::Consent;
use crate::provider::azure::VaultId;
use crate::render::style::Tone;

/// Names that are listed; of more, how many there are.
const NAMED: usize = 12;

/// Returns the consent to change a vault, if the plan's name was given for it: as `confirmed`, or typed at the terminal.
///
/// # Errors
///
/// [`CliError`] if it was not given, or another name was.
pub(crate) fn consent(
    vault: &VaultId,
    model: &Model,
    graph: &Graph,
    confirmed: Option<&str>,
    env: &mut Env<'_>,
) -> Result<Consent, CliError> {
    let plan = model.plan.name.value.as_str();
    env.err.write_all(shown(vault, model, graph, env).as_bytes())?;
    let name = match confirmed {
        Some(name) => name.to_owned(),
        None if env.input_is_terminal && env.err.is_terminal() => {
            write!(env.err, "type the plan's name to go on: ")?;
            env.err.flush()?;
            keyboard::forget_typed();
            keyboard::line(&|| false).flatten().unwrap_or_default()
        }
        None => {
            return Err(CliError::usage("a real site is changed only if somebody confirms it")
                .hinted(format!("give the plan's name: --confirm '{}'", escape::line(plan))));
        }
    };
    if name.trim() == plan {
        return Ok(Consent::to_change(vault.clone()));
    }
    let error = match name.trim() {
        "" => CliError::new(Exit::Usage, "nothing was confirmed, and nothing was changed"),
        other => CliError::new(
            Exit::Usage,
            format!("`{}` is not the name of the plan, and nothing was changed", escape::line(other)),
        ),
    };
    Err(error.hinted(format!("the plan is `{}`", escape::line(plan))))
}

fn shown(vault: &VaultId, model: &Model, graph: &Graph, env: &Env<'_>) -> String {
    let style = env.talk_style();
    let names: Vec<&str> = model.machines().map(|machine| machine.name().value.as_str()).collect();
    let listed = names.iter().take(NAMED).copied().collect::<Vec<_>>().join(", ");
    let more = names.len().saturating_sub(NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let count = |kind: StepKind| graph.steps().iter().filter(|step| step.kind == kind).count();
    let mut text = format!("{}\n", style.paint(Tone::Warning, "this run changes a real site"));
    let mut line = |what: &str, value: String| {
        text.push_str(&format!("  {what:<13} {}\n", escape::line(&value)));
    };
    line("plan", model.plan.name.value.clone());
    line("vault", vault.name.clone());
    line("subscription", format!("{}, resource group {}", vault.subscription, vault.resource_group));
    line("machines", format!("{}: {listed}{more}", names.len()));
    line(
        "for good",
        match model.plan.is_taken_back {
            true => format!(
                "{} reprotects power off and rewrite what is on-premises; nothing is committed, and the failovers are taken back",
                count(StepKind::Reprotect)
            ),
            false => format!(
                "{} reprotects power off and rewrite what is on-premises; {} commits delete what is in Azure",
                count(StepKind::Reprotect),
                count(StepKind::Commit)
            ),
        },
    );
    let runbooks = model.plan.actions.iter().filter_map(|action| action.runbook.as_ref());
    let runbooks: Vec<String> = runbooks
        .map(|runbook| format!("{} of {}", runbook.name.value, runbook.automation_account.value))
        .collect();
    if !runbooks.is_empty() {
        line("runbooks", runbooks.join(", "));
    }
    text
}
