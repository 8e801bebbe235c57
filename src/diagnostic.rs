//! What is wrong, where, why, and what to do: plain data that every output is made from.

use serde::Serialize;

use crate::source::Span;

/// How much a diagnostic weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Reported only.
    Info,
    /// Needs attention or a waiver.
    Warning,
    /// Blocks the plan or the step.
    Error,
}

impl Severity {
    /// Returns the word that outputs use.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// A second place that explains the first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// Where.
    pub span: Span,
    /// What is to be seen there, as a fragment.
    pub text: String,
}

/// One change of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// What is replaced: within one line.
    pub span: Span,
    /// What stands there afterwards; no line break.
    pub text: String,
}

/// What puts a mistake right, where its author can only have meant one thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fix {
    /// What it does, as a fragment that begins with a verb.
    pub title: String,
    /// The changes, in the order of the text; none touches another.
    pub edits: Vec<Edit>,
}

impl Fix {
    /// Returns a fix that changes one place.
    #[must_use]
    pub fn at(span: Span, text: impl Into<String>, title: impl Into<String>) -> Self {
        Self { title: title.into(), edits: vec![Edit { span, text: text.into() }] }
    }
}

/// One mistake in a text, found before any rule could look at it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// A stable word for the kind of mistake, such as `unknown-key`.
    pub code: &'static str,
    /// How much it weighs; a mistake in a document is an error.
    pub severity: Severity,
    /// Where to change something.
    pub span: Span,
    /// What is wrong, as a fragment.
    pub message: String,
    /// Where in the document, as a path of keys: `machines[3].os.family`.
    pub path: String,
    /// What to do.
    pub help: Option<String>,
    /// Places that explain it.
    pub labels: Vec<Label>,
    /// What puts it right, if nothing else can have been meant.
    pub fix: Option<Box<Fix>>,
}

impl Diagnostic {
    /// Returns an error at `span`.
    #[must_use]
    pub fn error(code: &'static str, span: Span, message: impl Into<String>) -> Self {
        Self {
            code,
            severity: Severity::Error,
            span,
            message: message.into(),
            path: String::new(),
            help: None,
            labels: Vec::new(),
            fix: None,
        }
    }

    /// Says what to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Points at a second place.
    #[must_use]
    pub fn label(mut self, span: Span, text: impl Into<String>) -> Self {
        self.labels.push(Label { span, text: text.into() });
        self
    }

    /// Says what puts it right, if that is known.
    #[must_use]
    pub fn fix(mut self, fix: Option<Fix>) -> Self {
        self.fix = fix.map(Box::new);
        self
    }

    /// Names the key path at which the mistake is.
    #[must_use]
    pub fn path(mut self, path: impl Into<String>) -> Self {
        self.path = path.into();
        self
    }
}

/// Returns "did you mean …?" for the word of `known` that is nearest to `word`, if one is near.
///
/// Case, `_` and `-` do not count; a quarter of the letters, plus one, may differ.
#[must_use]
pub fn did_you_mean<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    // Longer words are not near anything that a person would have meant, and comparing them is slow.
    if word.len() > 64 {
        return None;
    }
    let fold = |text: &str| text.to_lowercase().replace(['_', '-', ' '], "");
    let folded = fold(word);
    known
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(&folded, &fold(candidate)), candidate))
        .filter(|(distance, candidate)| *distance <= 1 + candidate.len() / 4)
        .min()
        .map(|(_, candidate)| format!("did you mean `{candidate}`?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_near_word_is_suggested_and_a_far_one_is_not() {
        assert_eq!(did_you_mean("nmae", ["name", "owner"]).as_deref(), Some("did you mean `name`?"));
        assert_eq!(did_you_mean("sizeGb", ["size_gb"]).as_deref(), Some("did you mean `size_gb`?"));
        assert_eq!(did_you_mean("kubernetes", ["name", "owner"]), None);
    }
}
