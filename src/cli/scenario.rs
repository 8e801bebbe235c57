//! Reads the faults that befall an emulated site.

use std::io::Write as _;
use std::path::Path;

use crate::cli::check;
use crate::cli::env::Env;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::load::Failure;
use crate::provider::emulator::Scenario;
use crate::source::Sources;
use crate::source::Spanned;
use crate::syntax::file;
use crate::syntax::inventory::Inventory;
use crate::syntax::plan::Baseline;

/// Reads the scenario, if one is named. What is wrong with it goes to standard error, with the exit code in its place.
pub(crate) fn read(
    path: Option<&Path>,
    limit: u64,
    inventory: &Inventory,
    baseline: Baseline,
    env: &mut Env<'_>,
) -> Result<Result<Scenario, Exit>, CliError> {
    let Some(path) = path else {
        let baseline = Some(Spanned::bare(baseline));
        return Ok(Ok(Scenario { baseline, ..Scenario::default() }));
    };
    let text = file::read_file(&env.path(path), limit);
    let text = text.map_err(|error| {
        let failure = Failure::of(path, error);
        let error = CliError::usage(failure.message);
        failure.help.into_iter().fold(error, CliError::hinted)
    })?;
    let mut sources = Sources::new();
    let index = sources
        .add(path.display().to_string(), text.text)
        .map_err(|error| CliError::usage("can't read the scenario").because(error))?;
    let mut diagnostics = Vec::new();
    sources.set_lossy(index, text.bad_utf8);
    let scenario = Scenario::parse(sources.get(index), &mut diagnostics);
    if let Some(scenario) = &scenario {
        diagnostics.extend(scenario.impossible(inventory));
    }
    let text = check::mistakes(&diagnostics, &sources, env.talk_style());
    env.err.write_all(text.as_bytes())?;
    match scenario.filter(|_| diagnostics.is_empty()) {
        Some(mut scenario) => {
            // The service follows the same state of the documentation as the plan, unless the scenario says otherwise.
            scenario.baseline.get_or_insert(Spanned::bare(baseline));
            Ok(Ok(scenario))
        }
        None => Ok(Err(Exit::Refused)),
    }
}
