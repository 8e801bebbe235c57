//! Whom a run knows: the people of the settings that it is begun with.

use std::path::Path;

use crate::cli::env::Env;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::settings;
use crate::event::Person;
use crate::signature::PublicKey;
use crate::syntax::settings::Settings;

/// Reads whom settings name, if any are named. What is wrong with them goes to standard error, with the exit code in the place
/// of the people.
///
/// # Errors
///
/// Those of [`settings::read`].
pub(super) fn named(path: Option<&Path>, env: &mut Env<'_>) -> Result<Result<Vec<Person>, Exit>, CliError> {
    let kept = settings::read_named(path, env)?;
    Ok(kept.map(|kept| kept.map_or_else(Vec::new, |kept| of(&kept.settings))))
}

/// Returns whom settings name, with the keys that their signatures are known by.
fn of(settings: &Settings) -> Vec<Person> {
    let users = settings.serve.iter().flat_map(|serve| &serve.users);
    let person = |user: &crate::syntax::settings::serve::User| Person {
        name: user.name.value.clone(),
        roles: user.roles.iter().map(|role| role.value.clone()).collect(),
        // What is no key was refused when the settings were read.
        keys: user
            .ssh_keys
            .iter()
            .filter_map(|key| Some(PublicKey::parse(&key.value).ok()?.0.line()))
            .collect(),
        os_user: user.os_user.as_ref().map(|name| name.value.clone()),
    };
    users.map(person).collect()
}
