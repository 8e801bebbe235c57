//! `skip`: leaves a step or a machine out of a run.

use crate::cli::env::Env;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::order;
use crate::cli::runs::LookArgs;
use crate::escape;
use crate::event::Order;
use crate::id::MachineName;
use crate::id::StepId;

/// Leave a step of a run out, or take a machine out of it
///
/// The others no longer wait for a machine that is out: its wave, its boot group and its replication group go on without it. What
/// depends on it goes on with `--release-dependents` only. Steps that have to be seen before something that can't be taken back
/// are never left out, and nothing that is under way is.
#[derive(Clone, Debug, clap::Args)]
pub struct SkipArgs {
    /// Id of the run or the beginning of it, or `latest`
    #[arg(value_name = "RUN")]
    pub run: String,
    /// Step, such as forward/app1, or machine
    #[arg(value_name = "STEP|MACHINE")]
    pub what: String,
    /// Why, for the record
    #[arg(long, value_name = "WHY", value_parser = order::reason)]
    pub reason: String,
    /// Let what depends on the machine go on without it
    #[arg(long)]
    pub release_dependents: bool,
    /// Common flags.
    #[command(flatten)]
    pub look: LookArgs,
}

/// Orders a step or machine to be left out.
///
/// # Errors
///
/// [`CliError`] if it can't be left out, or the order can't be sent.
pub fn run(args: &SkipArgs, env: &mut Env<'_>) -> Result<Exit, CliError> {
    let to = order::find(&args.run, &args.look, env)?;
    let reason = args.reason.clone();
    let (graph, step) = (to.state.graph(), StepId::new(args.what.as_str()));
    let order = if graph.find(&step).is_some() {
        if args.release_dependents {
            return Err(CliError::usage(
                "--release-dependents is for a machine; what waits for a step goes on anyway",
            ));
        }
        Order::SkipStep { step, reason }
    } else if graph.model().machine_named(&args.what).is_some() {
        let machine = MachineName::new(args.what.as_str());
        Order::SkipMachine { machine, reason, release_dependents: args.release_dependents }
    } else {
        let what = escape::line(&args.what);
        return Err(CliError::usage(format!("run {} has no step and no machine {what}", to.run))
            .hinted(format!("list them: failback show {}{}", to.run, to.flags())));
    };
    order::give(&to, order, env)
}
