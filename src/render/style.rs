//! How a terminal is written to: colour, width, and how much is said.

use std::fmt;

use annotate_snippets::Renderer;
use annotate_snippets::renderer::AnsiColor;
use annotate_snippets::renderer::Effects;
use annotate_snippets::renderer::Style as Ansi;

/// How much is said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verbosity {
    /// What refuses, and nothing else.
    Quiet,
    /// What a person needs to decide.
    #[default]
    Normal,
    /// Everything.
    Verbose,
}

/// How a terminal is written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// Whether colours are written.
    pub color: bool,
    /// Columns of the terminal.
    pub width: usize,
    /// How much is said.
    pub verbosity: Verbosity,
}

/// Columns of an output that is no terminal.
pub const DEFAULT_WIDTH: usize = 120;

impl Default for Style {
    fn default() -> Self {
        Self { color: false, width: DEFAULT_WIDTH, verbosity: Verbosity::Normal }
    }
}

/// What a piece of text means, for its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// Refuses.
    Error,
    /// Needs attention.
    Warning,
    /// Is open or waited for.
    Open,
    /// Is well.
    Good,
    /// Is important.
    Strong,
    /// Is less important than what stands around it.
    Faint,
}

impl Style {
    /// Returns `text` in the colour of a tone.
    pub fn paint<T: fmt::Display>(self, tone: Tone, text: T) -> Painted<T> {
        let ansi = match tone {
            Tone::Error => AnsiColor::BrightRed.on_default().effects(Effects::BOLD),
            Tone::Warning => AnsiColor::Yellow.on_default().effects(Effects::BOLD),
            Tone::Open => AnsiColor::BrightBlue.on_default().effects(Effects::BOLD),
            Tone::Good => AnsiColor::BrightGreen.on_default().effects(Effects::BOLD),
            Tone::Strong => Ansi::new().effects(Effects::BOLD),
            Tone::Faint => Ansi::new().effects(Effects::DIMMED),
        };
        Painted { ansi: self.color.then_some(ansi), text }
    }

    pub(crate) fn renderer(self) -> Renderer {
        let renderer = if self.color { Renderer::styled() } else { Renderer::plain() };
        renderer.term_width(self.width)
    }
}

/// Text with a colour, or without.
#[derive(Clone, Copy, Debug)]
pub struct Painted<T> {
    ansi: Option<Ansi>,
    text: T,
}

impl<T: fmt::Display> fmt::Display for Painted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.ansi {
            Some(ansi) => write!(f, "{ansi}{}{ansi:#}", self.text),
            None => self.text.fmt(f),
        }
    }
}
