//! The tokens of users: from files and the environment, or one that is made where nobody is named.

use std::fs::File;
use std::io::Read as _;
use std::io::Write as _;
use std::path::Path;
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SecureRandom as _;
use secrecy::SecretString;

use crate::cli::env::Env;
use crate::cli::error::CliError;
use crate::journal::StateDir;
use crate::syntax::settings::serve;
use crate::web::User;

/// The file of the token that is made where the settings name no user.
const FILE: &str = "dashboard.token";

/// Who that token is for.
const NAME: &str = "local";

/// Bytes that a file of a token or a certificate may have.
const MOST: u64 = 1 << 20;

/// Reads a file that the settings name.
///
/// # Errors
///
/// [`CliError`] if it can't be read.
pub(super) fn read_file(path: &Path) -> Result<Vec<u8>, CliError> {
    let cant = |error| CliError::usage(format!("can't read `{}`", path.display())).because(error);
    let mut bytes = Vec::new();
    File::open(path).and_then(|file| file.take(MOST).read_to_end(&mut bytes)).map_err(cant)?;
    Ok(bytes)
}

/// Returns the users that settings name, or one whose token is made, with the file that holds it.
///
/// # Errors
///
/// [`CliError`] if a token can't be read or made.
pub(super) fn users(
    named: &[serve::User],
    base: &Path,
    dir: &StateDir,
    env: &Env<'_>,
) -> Result<(Vec<User>, Option<PathBuf>), CliError> {
    if named.is_empty() {
        let path = dir.root().join(FILE);
        let token = own(&path)?;
        let roles = ["viewer", "operator", "approver"].map(str::to_owned).to_vec();
        return Ok((vec![User { name: NAME.into(), roles, token }], Some(path)));
    }
    let mut users = Vec::new();
    for user in named {
        let name = user.name.value.clone();
        let token = match (&user.token_file, &user.token_env) {
            (Some(file), _) => text(read_file(&base.join(&file.value))?, &base.join(&file.value))?,
            (None, Some(variable)) => match env.variables.get(&variable.value) {
                Some(token) => SecretString::from(token.clone()),
                None => {
                    let message =
                        format!("the token of {name} is to come from {}, which is not set", variable.value);
                    return Err(CliError::usage(message));
                }
            },
            // Somebody whose signatures count need not sign in.
            (None, None) => continue,
        };
        let roles = user.roles.iter().map(|role| role.value.clone()).collect();
        users.push(User { name, roles, token });
    }
    Ok((users, None))
}

fn text(bytes: Vec<u8>, path: &Path) -> Result<SecretString, CliError> {
    let text = String::from_utf8(bytes);
    // The error would show what the file holds.
    let text = text.map_err(|_| CliError::usage(format!("`{}` holds no text", path.display())))?;
    Ok(SecretString::from(text.trim().to_owned()))
}

/// Returns the token of a file, which is made if it is not there: for its owner's eyes alone.
fn own(path: &Path) -> Result<SecretString, CliError> {
    let cant = |error| CliError::usage(format!("can't keep a token in `{}`", path.display())).because(error);
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    match options.open(path) {
        Ok(mut file) => {
            let mut bytes = [0; 32];
            ring::rand::SystemRandom::new()
                .fill(&mut bytes)
                .map_err(|_| CliError::usage("the system gives no random numbers"))?;
            let token = URL_SAFE_NO_PAD.encode(bytes);
            writeln!(file, "{token}").and_then(|()| file.sync_all()).map_err(cant)?;
            Ok(SecretString::from(token))
        }
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            others_cant_read(path)?;
            text(read_file(path)?, path)
        }
        Err(error) => Err(cant(error)),
    }
}

#[cfg(unix)]
fn others_cant_read(path: &Path) -> Result<(), CliError> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = std::fs::metadata(path).map(|found| found.permissions().mode());
    match mode {
        Ok(mode) if mode & 0o077 != 0 => Err(CliError::usage(format!(
            "others can read `{}`, which holds the token of the dashboard",
            path.display()
        ))
        .hinted(format!("remove it, and another one is made: rm {}", path.display()))),
        Ok(_) | Err(_) => Ok(()),
    }
}

#[cfg(not(unix))]
fn others_cant_read(_: &Path) -> Result<(), CliError> {
    Ok(())
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use secrecy::ExposeSecret as _;

    use super::*;

    #[test]
    fn a_token_is_made_once_for_its_owner_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join(FILE);
        let made = own(&path).expect("made");
        let mode = std::fs::metadata(&path).expect("there").permissions().mode() & 0o777;
        assert_eq!((mode, made.expose_secret().len()), (0o600, 43));
        assert_eq!(own(&path).expect("read").expose_secret(), made.expose_secret());
    }

    #[test]
    fn a_token_that_others_can_read_is_not_used() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join(FILE);
        std::fs::write(&path, "0123456789012345678901234567890123456789012\n").expect("written");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).expect("set");
        let error = own(&path).expect_err("others know it");
        assert!(!error.to_string().contains("0123"), "{error}");
    }
}
