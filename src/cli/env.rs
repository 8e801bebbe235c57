//! What surrounds a command: outputs, clock, folder, environment. A test gives its own.

use std::collections::BTreeMap;
use std::io;
use std::io::IsTerminal as _;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use crate::clock::Clock;
use crate::clock::SystemClock;
use crate::render::log;
use crate::render::style::DEFAULT_WIDTH;
use crate::render::style::Style;
use crate::render::style::Verbosity;

/// Narrower than this, excerpts can't be read.
const LEAST_WIDTH: usize = 60;

/// When colours are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum ColorChoice {
    /// On a terminal, unless `NO_COLOR` is set or `TERM` is `dumb`
    #[default]
    Auto,
    /// Everywhere
    Always,
    /// Nowhere
    Never,
}

/// What an output does with names that documents hold, which must begin no command of a build service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guard {
    /// It is text: each line is made harmless.
    Text,
    /// It is JSON: what would do harm is escaped, so that values stay as they are.
    Json,
    /// Nothing: whoever writes sees to it, or no document has a say in it.
    Nothing,
}

/// Bytes of a line that are kept back until it ends; of a longer one, the beginning is written before.
const MOST_PENDING: usize = 1 << 16;

/// One output. That its reader went away is no error: the rest is dropped, and the command goes on to its exit code.
///
/// Every line passes its [`Guard`], so that no command has to think of it.
pub struct Output<'w> {
    inner: &'w mut (dyn Write + Send),
    terminal: bool,
    closed: bool,
    guard: Guard,
    /// What was written of a line that has not ended.
    pending: Vec<u8>,
    /// The last character that went out.
    before: Option<char>,
}

impl<'w> Output<'w> {
    /// Returns an output of text; `terminal` says whether a person looks at it.
    pub fn new(inner: &'w mut (dyn Write + Send), terminal: bool) -> Self {
        Self { inner, terminal, closed: false, guard: Guard::Text, pending: Vec::new(), before: None }
    }

    /// Returns whether a person looks at it.
    #[must_use]
    pub const fn is_terminal(&self) -> bool {
        self.terminal
    }

    /// Says what comes from now on.
    ///
    /// # Errors
    ///
    /// The output's own.
    pub fn guarded(&mut self, guard: Guard) -> io::Result<()> {
        self.release(self.pending.len())?;
        self.guard = guard;
        Ok(())
    }

    /// Writes the first bytes of what is pending.
    fn release(&mut self, length: usize) -> io::Result<()> {
        if length == 0 {
            return Ok(());
        }
        let bytes: Vec<u8> = self.pending.drain(..length).collect();
        let text = String::from_utf8_lossy(&bytes);
        let begun = !matches!(self.before, None | Some('\n'));
        let safe = match self.guard {
            Guard::Text => log::harmless_from(&text, begun),
            Guard::Json => log::harmless_json(&text, self.before),
            Guard::Nothing => text.clone(),
        };
        self.before = text.chars().next_back().or(self.before);
        self.unless_closed((), |this| this.inner.write_all(safe.as_bytes()))
    }

    /// Returns how much of what is pending can go out: whole lines, and of a long line whole characters.
    fn ready(&self) -> usize {
        if let Some(end) = self.pending.iter().rposition(|byte| *byte == b'\n') {
            return end + 1;
        }
        if self.pending.len() < MOST_PENDING {
            return 0;
        }
        let incomplete = std::str::from_utf8(&self.pending).map_or_else(
            |error| if error.error_len().is_none() { error.valid_up_to() } else { self.pending.len() },
            str::len,
        );
        // A sign of a command may go on.
        self.pending[..incomplete].iter().rposition(|byte| *byte != b'#').map_or(0, |last| last + 1)
    }

    fn unless_closed<T>(&mut self, none: T, act: impl FnOnce(&mut Self) -> io::Result<T>) -> io::Result<T> {
        if self.closed {
            return Ok(none);
        }
        match act(self) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                self.closed = true;
                Ok(none)
            }
            other => other,
        }
    }
}

impl Write for Output<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.guard == Guard::Nothing {
            return self.unless_closed(bytes.len(), |this| this.inner.write(bytes));
        }
        self.pending.extend_from_slice(bytes);
        // No line ends here and none did before: a long one, written in small pieces, is not looked through at each of them.
        if !bytes.contains(&b'\n') && self.pending.len() < MOST_PENDING {
            return Ok(bytes.len());
        }
        self.release(self.ready())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.release(self.pending.len())?;
        self.unless_closed((), |this| this.inner.flush())
    }
}

/// What surrounds a command.
pub struct Env<'w> {
    /// Standard output: data.
    pub out: Output<'w>,
    /// Standard error: talk.
    pub err: Output<'w>,
    /// Whether a person can type answers.
    pub input_is_terminal: bool,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// The folder that relative paths begin at.
    pub folder: PathBuf,
    /// The environment.
    pub variables: BTreeMap<String, String>,
    /// When colours are written; `--color` sets it.
    pub color: ColorChoice,
    /// How much is said; `-q` and `-v` set it.
    pub verbosity: Verbosity,
}

impl<'w> Env<'w> {
    /// Returns the surroundings of a test or of an embedding program: no terminal, no variables.
    pub fn new(
        out: &'w mut (dyn Write + Send),
        err: &'w mut (dyn Write + Send),
        folder: impl Into<PathBuf>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            out: Output::new(out, false),
            err: Output::new(err, false),
            input_is_terminal: false,
            clock,
            folder: folder.into(),
            variables: BTreeMap::new(),
            color: ColorChoice::Auto,
            verbosity: Verbosity::Normal,
        }
    }

    /// Returns the surroundings of this process, with its standard output and error.
    pub fn of_process(out: &'w mut (dyn Write + Send), err: &'w mut (dyn Write + Send)) -> Self {
        Self {
            out: Output::new(out, io::stdout().is_terminal()),
            err: Output::new(err, io::stderr().is_terminal()),
            input_is_terminal: io::stdin().is_terminal(),
            clock: Arc::new(SystemClock),
            folder: std::env::current_dir().unwrap_or_else(|_| PathBuf::from(".")),
            // Values that are not Unicode are of no use to any command.
            variables: std::env::vars_os()
                .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
                .collect(),
            color: ColorChoice::Auto,
            verbosity: Verbosity::Normal,
        }
    }

    /// Returns a path as seen from the command's folder.
    #[must_use]
    pub fn path(&self, path: &Path) -> PathBuf {
        self.folder.join(path)
    }

    /// Returns how standard output is written to.
    #[must_use]
    pub fn style(&self) -> Style {
        self.style_of(&self.out)
    }

    /// Returns how standard error is written to.
    #[must_use]
    pub fn talk_style(&self) -> Style {
        self.style_of(&self.err)
    }

    fn style_of(&self, output: &Output<'_>) -> Style {
        let variable = |name: &str| self.variables.get(name).map(String::as_str);
        let color = match self.color {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto => {
                output.terminal
                    && variable("NO_COLOR").is_none_or(str::is_empty)
                    && variable("TERM") != Some("dumb")
            }
        };
        let width = variable("COLUMNS").and_then(|columns| columns.parse().ok()).unwrap_or(DEFAULT_WIDTH);
        Style { color, width: width.max(LEAST_WIDTH), verbosity: self.verbosity }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Closed;

    impl Write for Closed {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
    }

    #[test]
    fn a_reader_that_went_away_is_no_error() {
        let mut closed = Closed;
        let mut output = Output::new(&mut closed, false);
        output.write_all(b"first").expect("dropped");
        output.write_all(b"second").expect("dropped");
        output.flush().expect("dropped");
    }

    #[test]
    fn colours_are_for_terminals_that_want_them() {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let mut env = Env::new(&mut out, &mut err, "/", Arc::new(SystemClock));
        assert!(!env.style().color);
        env.out.terminal = true;
        assert!(env.style().color && !env.talk_style().color);
        env.variables.insert("NO_COLOR".into(), "1".into());
        assert!(!env.style().color);
        env.color = ColorChoice::Always;
        assert!(env.style().color && env.talk_style().color);
    }
}
