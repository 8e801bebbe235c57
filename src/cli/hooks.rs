//! Which actions and probes of a run are real, and what runs them.

use std::path::Path;
use std::sync::Arc;

use crate::cli::env::Env;
use crate::cli::place::Place;
use crate::clock::pace::Pace;
use crate::run::hook::Hooks;
use crate::run::hook::ReadOnlyHooks;
use crate::run::hook::RealHooks;
use crate::run::hook::RunbookHooks;
use crate::run::hook::Simulated;

/// Where actions find what is theirs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Folders<'f> {
    /// That in which commands run.
    pub actions: &'f Path,
    /// That of the run.
    pub run: &'f Path,
}

/// Returns what runs the actions and probes of a run. Runbooks run where the run acts: a site that is reached over the network has
/// an Automation of its own, be it an emulated one.
pub(crate) fn of(
    place: &Place,
    real_actions: bool,
    pace: &Arc<dyn Pace>,
    folders: &Folders<'_>,
    env: &Env<'_>,
) -> Arc<dyn Hooks> {
    let are_real = real_actions || !place.is_emulated();
    let hooks: Arc<dyn Hooks> = if are_real {
        let marks = folders.run.join("actions");
        Arc::new(RealHooks::new(folders.actions, &env.variables).marked_in(&marks))
    } else {
        Arc::new(Simulated)
    };
    match place {
        Place::Emulated(_) => hooks,
        Place::Real(real) => match &real.automation {
            Some(automation) => {
                let (automation, pace) = (Arc::clone(automation), Arc::clone(pace));
                Arc::new(RunbookHooks::new(hooks, automation, pace, &env.variables))
            }
            None => Arc::new(ReadOnlyHooks::new(hooks)),
        },
    }
}
