//! Where the traces of a run go: to a collector that a flag or the settings name, and nowhere unless they do.

use std::io::Write as _;

use crate::cli::env::Env;
use crate::cli::error::CliError;
use crate::cli::session::SessionArgs;
use crate::cli::settings;
use crate::escape;
use crate::event::Reporter;
use crate::event::RunState;
use crate::id::RunId;
use crate::syntax::settings::Traces;
use crate::trace::Endpoint;
use crate::trace::EndpointError;
use crate::trace::Exporter;
use crate::trace::Lost;
use crate::trace::RunTracer;

/// The word for the collector that the environment names.
const ENVIRONMENT: &str = "env";

/// The traces of one run.
pub(super) struct OfRun {
    exporter: Exporter,
    collector: String,
}

/// Returns the collector that the traces of a run go to, if any does.
///
/// # Errors
///
/// [`CliError`] if the settings can't be read, or what is named is no collector.
pub(super) fn collector(args: &SessionArgs, env: &mut Env<'_>) -> Result<Option<Endpoint>, CliError> {
    let named = match &args.otlp {
        Some(word) if word == ENVIRONMENT => Some(Endpoint::of_environment(&env.variables)),
        Some(address) => Some(Endpoint::of(address)),
        None => {
            let kept = settings::read_named(args.people(), env)?
                .map_err(|exit| CliError::new(exit, "the settings can't be used, and say where traces go"))?;
            kept.and_then(|kept| kept.settings.traces).and_then(|traces| of_settings(&traces, env))
        }
    };
    let unusable = |error: EndpointError| CliError::usage("no traces can be sent").because(error);
    named.transpose().map_err(unusable)
}

/// Begins to trace a run, if that is wanted; must be called where tasks can be begun.
///
/// # Errors
///
/// Those of [`collector`].
pub(super) fn begin(args: &SessionArgs, env: &mut Env<'_>) -> Result<Option<OfRun>, CliError> {
    let endpoint = collector(args, env)?;
    Ok(endpoint.map(|endpoint| OfRun { collector: endpoint.shown(), exporter: Exporter::begin(endpoint) }))
}

fn of_settings(traces: &Traces, env: &Env<'_>) -> Option<Result<Endpoint, EndpointError>> {
    let from_environment = traces.from_environment.as_ref().is_some_and(|wanted| wanted.value);
    match &traces.endpoint {
        Some(address) => Some(Endpoint::of(&address.value)),
        None => from_environment.then(|| Endpoint::of_environment(&env.variables)),
    }
}

impl OfRun {
    /// Returns what hands on the events of a run.
    pub(super) fn reporter(&self, run: &RunId, state: &RunState) -> Box<dyn Reporter> {
        Box::new(RunTracer::new(run.clone(), state, self.exporter.queue()))
    }

    /// Waits for a while until all was sent, and says what was not. Every reporter must be gone.
    pub(super) async fn end(self, env: &mut Env<'_>) {
        if let Some(Lost { spans, message }) = self.exporter.end().await {
            // Nobody is left to be told that this can't be told.
            let _ = writeln!(
                env.err,
                "warning: {spans} spans did not arrive at {}: {}",
                escape::line(&self.collector),
                escape::line(&message)
            );
        }
    }
}
