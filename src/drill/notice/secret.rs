//! Secrets of notices: read from a file or the environment, and shown by nothing.

use std::collections::BTreeMap;
use std::path::Path;

use secrecy::SecretString;

use crate::source::Spanned;
use crate::syntax::file;

/// Bytes that the file of a secret may hold.
const MOST: u64 = 64 * 1024;

/// Something that notices need can't be read.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// A file of a secret.
    #[error(transparent)]
    File(#[from] file::FileError),
    /// A file of a secret that holds none.
    #[error("`{0}` holds no secret")]
    Empty(String),
    /// A variable of the environment that is not there.
    #[error("the environment variable {0} is not set")]
    Variable(String),
    /// An address of a mail box that is none.
    #[error("`{0}` is not the address of a mail box")]
    Address(String),
    /// A host that mail can't be sent through.
    #[error("mail can't be sent through `{host}`: {message}")]
    Host {
        /// The host.
        host: String,
        /// Why.
        message: String,
    },
}

/// Where secrets are looked for.
#[derive(Clone, Copy, Debug)]
pub struct Secrets<'e> {
    /// The folder that their files are named from.
    pub folder: &'e Path,
    /// The environment.
    pub environment: &'e BTreeMap<String, String>,
}

impl Secrets<'_> {
    /// Returns the secret of a file or of a variable; `None` if neither is named.
    pub(super) fn of(
        &self,
        file: Option<&Spanned<String>>,
        variable: Option<&Spanned<String>>,
    ) -> Result<Option<SecretString>, SecretError> {
        match (file, variable) {
            (Some(file), _) => self.read(&file.value).map(Some),
            (None, Some(variable)) => match self.environment.get(&variable.value) {
                Some(secret) if !secret.is_empty() => Ok(Some(secret.clone().into())),
                Some(_) | None => Err(SecretError::Variable(variable.value.clone())),
            },
            (None, None) => Ok(None),
        }
    }

    /// Returns the secret that one of two variables gives, by itself or by the name of its file.
    pub(super) fn of_environment(
        &self,
        variable: &str,
        file: &str,
    ) -> Result<Option<SecretString>, SecretError> {
        let set = |name: &str| self.environment.get(name).filter(|value| !value.is_empty());
        match (set(variable), set(file)) {
            (Some(secret), _) => Ok(Some(secret.clone().into())),
            (None, Some(file)) => self.read(file).map(Some),
            (None, None) => Ok(None),
        }
    }

    fn read(&self, file: &str) -> Result<SecretString, SecretError> {
        let text = file::read_file(&self.folder.join(file), MOST)?;
        let secret = text.text.trim_end_matches(['\n', '\r']);
        if secret.is_empty() || text.bad_utf8 {
            return Err(SecretError::Empty(file.to_owned()));
        }
        Ok(secret.to_owned().into())
    }
}
