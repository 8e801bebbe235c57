//! Why a command could not do what it was asked for.

use std::error::Error;
use std::fmt;

use crate::cli::exit::Exit;
use crate::syntax::file::FileError;

/// Why a command stopped, with what to do next.
#[derive(Debug)]
pub struct CliError {
    message: String,
    source: Option<Box<dyn Error + Send + Sync>>,
    hints: Vec<String>,
    exit: Exit,
}

impl CliError {
    /// Returns that the command line asks for something that can't be.
    #[must_use]
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }

    /// Returns an error that ends the process with `exit`.
    #[must_use]
    pub fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { message: message.into(), source: None, hints: Vec::new(), exit }
    }

    /// Adds what to do next.
    #[must_use]
    pub fn hinted(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Adds what caused it.
    #[must_use]
    pub fn because(mut self, source: impl Error + Send + Sync + 'static) -> Self {
        self.source = Some(Box::new(source));
        self
    }

    /// Returns the code that the process ends with.
    #[must_use]
    pub const fn exit(&self) -> Exit {
        self.exit
    }

    /// Returns what to do next.
    #[must_use]
    pub fn hints(&self) -> &[String] {
        &self.hints
    }
}

impl fmt::Display for CliError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for CliError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn Error + 'static))
    }
}

impl From<FileError> for CliError {
    fn from(error: FileError) -> Self {
        let hint = error.help().map(str::to_owned);
        let mut made = Self::usage(error.to_string());
        if let FileError::Io { error, .. } = error {
            made = made.because(error);
        }
        match hint {
            Some(hint) => made.hinted(hint),
            None => made,
        }
    }
}

impl From<std::io::Error> for CliError {
    fn from(error: std::io::Error) -> Self {
        Self::usage("can't write the output").because(error)
    }
}

impl From<fmt::Error> for CliError {
    fn from(error: fmt::Error) -> Self {
        Self::usage("can't write the output").because(error)
    }
}
