//! Secrets from the environment or from files; never from the command line.

use std::path::Path;

use secrecy::SecretString;

use crate::cli::env::Env;
use crate::cli::error::CliError;

/// Returns a variable, for one thing if it is set for that, else for all: `FAILBACK_VCENTER_USER_VC1`, `FAILBACK_VCENTER_USER`.
pub(super) fn variable<'e>(name: &str, of: &str, env: &'e Env<'_>) -> Option<&'e str> {
    let own = variable_of(name, of);
    let found = env.variables.get(&own).or_else(|| env.variables.get(name));
    found.map(String::as_str).filter(|value| !value.is_empty())
}

/// Returns a variable that is set for one thing.
pub(super) fn variable_for<'e>(name: &str, of: &str, env: &'e Env<'_>) -> Option<&'e str> {
    env.variables.get(&variable_of(name, of)).map(String::as_str).filter(|value| !value.is_empty())
}

/// Returns the secret of a variable, or of the file that the variable with `_FILE` behind it names.
///
/// # Errors
///
/// [`CliError`] if the file can't be read.
pub(super) fn secret(name: &str, of: &str, env: &Env<'_>) -> Result<Option<SecretString>, CliError> {
    if let Some(value) = variable(name, of, env) {
        return Ok(Some(SecretString::from(value)));
    }
    let own = format!("{name}_{}_FILE", in_capitals(of));
    let all = format!("{name}_FILE");
    let Some(path) = env.variables.get(&own).or_else(|| env.variables.get(&all)) else { return Ok(None) };
    let text = std::fs::read_to_string(env.path(Path::new(path)))
        .map_err(|error| CliError::usage(format!("can't read `{path}`, which {all} names")).because(error))?;
    // An editor ends a file with a line; a password does not.
    Ok(Some(SecretString::from(text.trim_end_matches(['\r', '\n']))))
}

/// Returns the variable that holds something of one thing: `FAILBACK_VCENTER_USER_VC1`.
pub(crate) fn variable_of(name: &str, of: &str) -> String {
    format!("{name}_{}", in_capitals(of))
}

fn in_capitals(name: &str) -> String {
    name.chars()
        .map(|letter| if letter.is_ascii_alphanumeric() { letter.to_ascii_uppercase() } else { '_' })
        .collect()
}
