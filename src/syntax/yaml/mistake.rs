//! What the reader says about each mistake, and where: the YAML crate only says what kind it is.

use std::borrow::Cow;
use std::cmp::Ordering;

use granit_parser::ErrorKind;
use granit_parser::ScanError;

use crate::diagnostic::Diagnostic;
use crate::diagnostic::Fix;
use crate::source::Span;

use super::BLANKS;
use super::LINE_ENDS;
use super::LONGEST_KEY;
use super::Reader;
use super::SPACES;
use super::character::is_printable;

impl Reader<'_, '_> {
    /// Returns how many bytes stand between a place and the `: ` of its line; none if there is none.
    fn key_length(&self, at: usize) -> usize {
        let line = self.text[at..].split(LINE_ENDS).next().unwrap_or_default();
        line.find(": ").or_else(|| line.strip_suffix(':').map(str::len)).unwrap_or(0)
    }

    pub(super) fn report(&mut self, diagnostic: Diagnostic) {
        let diagnostic = match self.listed.cmp(&self.limits.max_mistakes) {
            Ordering::Less => diagnostic,
            Ordering::Equal => {
                let message =
                    format!("more than {} mistakes; the others are not listed", self.limits.max_mistakes);
                Diagnostic::error("too-many-mistakes", diagnostic.span, message).help("correct these first")
            }
            Ordering::Greater => return,
        };
        self.listed += 1;
        self.found.push(diagnostic);
    }

    pub(super) fn unsupported_tag(&mut self, span: &granit_parser::Span) -> Span {
        let place = span.tag_span().map_or_else(|| self.span(span), |tag| self.span(&tag));
        self.bad_tag(place);
        place
    }

    fn bad_tag(&mut self, place: Span) {
        let message = format!("tag `{}` is not supported", shortened(self.slice(place)));
        let help = "remove it; only YAML's own tags, such as `!!str`, are read";
        self.report(Diagnostic::error("unsupported-tag", place, message).help(help));
    }

    pub(super) fn too_many_values(&mut self, place: Span) {
        let message = format!("more than {} values in one file", self.limits.max_nodes);
        self.report(Diagnostic::error("too-many-values", place, message).help("split it into several files"));
    }

    pub(super) fn too_deep(&mut self, place: Span) {
        let message = format!("nested more than {} levels deep", self.limits.max_depth);
        let help = "give inner values an anchor and use aliases, or look for brackets that are not closed";
        self.report(Diagnostic::error("too-deep", place, message).help(help));
    }

    pub(super) fn tab_indent(&mut self, tab: Option<usize>) {
        if let Some(tab) = tab
            && self.last_tab.replace(tab) != Some(tab)
        {
            let message = "tabs can't indent YAML";
            self.report(Diagnostic::error("tab-indent", self.at(tab), message).help("use spaces"));
        }
    }

    /// Returns the first tab among the blanks that begin the line of `at`.
    pub(super) fn tab_before(&self, at: usize) -> Option<usize> {
        let start = self.text[..at].rfind(LINE_ENDS).map_or(0, |at| at + 1);
        let line = &self.text[start..at];
        let blanks = line.len() - line.trim_start_matches(BLANKS).len();
        line[..blanks].find('\t').map(|tab| start + tab)
    }

    /// Returns the first tab that indents a line after that of `at`.
    fn tab_after(&self, at: usize) -> Option<usize> {
        let lines = self.text[at..].match_indices(LINE_ENDS).map(|(end, _)| at + end + 1);
        lines.map(|start| (start, &self.text[start..])).find_map(|(start, line)| {
            let rest = line.trim_start_matches(' ');
            let indents = rest.starts_with('\t') && !rest.trim_start_matches(BLANKS).starts_with(LINE_ENDS);
            indents.then(|| start + line.len() - rest.len())
        })
    }

    pub(super) fn syntax(&mut self, error: &ScanError) {
        // A NUL was reported already, and so was any other control character below.
        if self.binary {
            return;
        }
        // The end of the text is shown after its last character, not on the empty line that follows.
        let end = self.text.trim_end_matches(SPACES).len();
        let mut at = error.marker().byte_offset().unwrap_or(0).min(end);
        if matches!(error.kind(), ErrorKind::ExpectedBlockMappingKey) && self.text[..at].ends_with("- ") {
            at -= 2;
        }
        let place = self.at(at);
        let found = if at == end { "the end of the text".to_owned() } else { self.found_at(at) };
        let diagnostic =
            |message: String, help: &str| Diagnostic::error("yaml-syntax", place, message).help(help);
        let diagnostic = match error.kind() {
            ErrorKind::UnexpectedCharacter { character } if !is_printable(*character) => return,
            ErrorKind::TabNotAllowed
            | ErrorKind::TabInBlockIndentation
            | ErrorKind::TabInIndentation
            | ErrorKind::TabAtBlockScalarStart
            | ErrorKind::TabInPlainScalar => {
                let tab = self.tab_before(at).or_else(|| self.tab_after(at)).unwrap_or(at);
                return self.tab_indent(Some(tab));
            }
            ErrorKind::RecursionLimitExceeded => return self.too_deep(place),
            ErrorKind::UndeclaredTagHandle => {
                let tag = self.text[at..].split([' ', '\t', '\n', '\r', ',', ']', '}']).next().unwrap_or("");
                return self.bad_tag(Span::new(place.start, self.offset(at + tag.len())));
            }
            ErrorKind::UnclosedQuotedScalar | ErrorKind::DocumentIndicatorInQuotedScalar => {
                let help = format!("write {found} at the end of the quoted text");
                Diagnostic::error("unclosed-quote", place, "this quote is never closed").help(help)
            }
            ErrorKind::InvalidTrailingSingleQuotedScalar | ErrorKind::InvalidTrailingDoubleQuotedScalar => {
                let quote = self.opening_quote(at);
                let help = if quote.is_some_and(|quote| self.text[quote..at].contains(LINE_ENDS)) {
                    "close the quote where its text ends"
                } else if *error.kind() == ErrorKind::InvalidTrailingSingleQuotedScalar {
                    "write a quote inside single quotes twice: `''`"
                } else {
                    "write a quote inside double quotes as `\\\"`"
                };
                let diagnostic = diagnostic(format!("{found} after the closing quote"), help);
                match quote {
                    Some(quote) => diagnostic.label(self.at(quote), "the quoted text begins here"),
                    None => diagnostic,
                }
            }
            ErrorKind::UnknownQuotedScalarEscape
            | ErrorKind::InvalidQuotedScalarHexEscape
            | ErrorKind::InvalidLowSurrogateHexEscape
            | ErrorKind::InvalidLowSurrogate
            | ErrorKind::MissingLowSurrogate
            | ErrorKind::UnpairedLowSurrogate
            | ErrorKind::InvalidUnicodeEscape => {
                let escape = bad_escape(&self.text[at..])
                    .map_or(place, |(from, to)| Span::new(self.offset(at + from), self.offset(at + to)));
                let message = format!("`{}` is not an escape of double quotes", self.slice(escape));
                let help = "write a backslash as `\\\\`, or use single quotes, where it has no meaning";
                Diagnostic::error("bad-escape", escape, message).help(help)
            }
            ErrorKind::UnclosedFlowCollection { open } => unclosed(place, *open == '['),
            ErrorKind::MismatchedFlowCollectionEnd { open, close } => {
                Diagnostic::error("unclosed-bracket", place, format!("this `{open}` is closed by `{close}`"))
                    .help("close it with its own kind of bracket")
            }
            ErrorKind::MappingValueNotAllowed => {
                let last = self.slice(self.last);
                let diagnostic = |message: &str, help: &str| diagnostic(message.to_owned(), help);
                if last.contains(LINE_ENDS) {
                    diagnostic(
                        "this line continues the value of a line above, so it cannot be a key",
                        "indent it like the other keys, and write a space after the `:` of each key",
                    )
                    .label(Span::new(self.last.start, self.last.start), "the value begins here")
                } else if last.len() > LONGEST_KEY {
                    diagnostic("the key before this `:` is too long", LONG_KEY)
                } else {
                    diagnostic(
                        "a second `:` in one line",
                        "put the text in quotes if the `:` belongs to it, or begin a new line for the key",
                    )
                }
            }
            ErrorKind::SimpleKeyExpected | ErrorKind::InvalidSimpleKey
                if self.key_length(at) > LONGEST_KEY =>
            {
                diagnostic("the key that begins here is too long".to_owned(), LONG_KEY)
            }
            kind => {
                let (message, help) = explain(kind);
                let diagnostic = diagnostic(message.replace("{}", &found), help);
                let bracket = self.open.iter().rev().find(|open| open.flow);
                match bracket.map(|open| self.tree.node(open.id).span) {
                    Some(open) => diagnostic.label(open, "inside this bracket, which is still open"),
                    None => diagnostic,
                }
            }
        };
        let fix = self.quoted_drive(at);
        self.report(diagnostic.fix(fix));
    }

    /// Returns the fix that quotes a drive, such as `R:`, which is a key without a value to a reader of YAML.
    fn quoted_drive(&self, colon: usize) -> Option<Fix> {
        let (before, after) = (self.text.get(..colon)?, self.text[colon..].strip_prefix(':')?);
        let head = before.strip_suffix(|letter: char| letter.is_ascii_alphabetic())?;
        let line = &head[head.rfind(LINE_ENDS).map_or(0, |end| end + 1)..];
        let begins = line.trim_end_matches(BLANKS).ends_with(':') && line.ends_with(BLANKS);
        let value = after.trim_start_matches(BLANKS);
        let is_comment = value.starts_with('#') && after.starts_with(BLANKS);
        let ends = value.is_empty() || is_comment || value.starts_with([',', '}', ']', '\n', '\r']);
        let drive = &self.text[head.len()..=colon];
        let place = Span::new(self.at(head.len()).start, self.at(colon).start + 1);
        (begins && ends)
            .then(|| Fix::at(place, format!("\"{drive}\""), format!("write \"{drive}\" in quotes")))
    }

    /// Returns how a message names what stands at `at`.
    fn found_at(&self, at: usize) -> String {
        match self.text[at..].chars().next() {
            None | Some('\n' | '\r') => "the end of the line".to_owned(),
            Some('\t') => "a tab".to_owned(),
            Some(character) => format!("`{character}`"),
        }
    }

    /// Returns the quote that opens the quoted text before `at`.
    fn opening_quote(&self, at: usize) -> Option<usize> {
        let from = (self.last.end - self.base) as usize;
        let quoted = self.text.get(from..at)?.trim_end_matches(BLANKS);
        let quote = quoted.chars().next_back().filter(|quote| matches!(quote, '\'' | '"'))?;
        let mut body = &quoted[..quoted.len() - 1];
        loop {
            let found = body.rfind(quote)?;
            let before = &body[..found];
            body = if quote == '\'' && before.ends_with('\'') {
                &before[..found - 1]
            } else if quote == '"' && (found - before.trim_end_matches('\\').len()) % 2 == 1 {
                before
            } else {
                return Some(from + found);
            };
        }
    }
}

/// Returns that a bracket, square or curly, is never closed.
#[must_use]
pub fn unclosed(place: Span, is_square: bool) -> Diagnostic {
    let (open, close) = if is_square { ('[', ']') } else { ('{', '}') };
    Diagnostic::error("unclosed-bracket", place, format!("this `{open}` is never closed"))
        .help(format!("write `{close}` after its last item"))
}

pub(super) fn shortened(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(60) {
        Some((end, _)) => Cow::Owned(format!("{}…", &text[..end])),
        None => Cow::Borrowed(text),
    }
}

/// Returns where the first escape of a double-quoted text that means nothing begins and ends.
fn bad_escape(quoted: &str) -> Option<(usize, usize)> {
    let mut characters = quoted.char_indices().skip(1);
    while let Some((start, character)) = characters.next() {
        if character == '"' {
            return None;
        }
        if character != '\\' {
            continue;
        }
        let (at, letter) = characters.next()?;
        let digits = match letter {
            'x' => 2,
            'u' => 4,
            'U' => 8,
            letter if "0abt\tnvfre \"/\\N_LP\n\r".contains(letter) => 0,
            _ => return Some((start, at + letter.len_utf8())),
        };
        let written = &quoted[at + 1..];
        let hexadecimal =
            written.len() - written.trim_start_matches(|digit: char| digit.is_ascii_hexdigit()).len();
        let code = written.get(..digits.min(hexadecimal)).and_then(|code| u32::from_str_radix(code, 16).ok());
        if digits > 0 && (hexadecimal < digits || code.and_then(char::from_u32).is_none()) {
            return Some((start, at + 1 + digits.min(hexadecimal)));
        }
    }
    None
}

/// What is said of a key that is longer than YAML lets it be.
const LONG_KEY: &str = "a key has at most 1,024 characters";

/// Returns what a mistake is and what to do about it; `{}` stands for what was found.
fn explain(kind: &ErrorKind) -> (&'static str, &'static str) {
    match kind {
        ErrorKind::UnexpectedCharacter { .. } => ("{} cannot begin a value", "put the text in quotes"),
        ErrorKind::BomInsideDocument => {
            ("a byte order mark inside the text", "delete this invisible character")
        }
        ErrorKind::SimpleKeyExpected | ErrorKind::InvalidSimpleKey => (
            "this is not followed by `:`, as a key must be",
            "write `key: value` with a space after the `:`; indent a text of several lines deeper than its key",
        ),
        ErrorKind::ExpectedBlockMappingKey | ErrorKind::InvalidIndentation => (
            "expected a key of the mapping, found {}",
            "indent all keys of a mapping alike; put a text that is not a key in quotes",
        ),
        ErrorKind::ExpectedBlockSequenceEntry => (
            "expected `- ` and an item of the list, found {}",
            "begin every item with `- ` in the same column, and indent what belongs to an item deeper",
        ),
        ErrorKind::BlockSequenceEntryNotAllowed | ErrorKind::InvalidBlockEntryWhitespace => {
            ("a list cannot begin here", "write `- ` on a line of its own, indented with spaces")
        }
        ErrorKind::PlainScalarStartsWithDashFlowIndicator | ErrorKind::BlockEntryInFlowCollection => {
            ("`-` cannot begin an item inside brackets", "leave it out, or put the text in quotes")
        }
        ErrorKind::MappingKeyNotAllowed | ErrorKind::InvalidMappingValueWhitespace => {
            ("a key cannot begin here", "begin a new line for the key")
        }
        ErrorKind::InvalidColonPlacement
        | ErrorKind::FlowMappingValueAdjacentCollection
        | ErrorKind::ExpectedFlowMappingSeparator
        | ErrorKind::ExpectedFlowSequenceSeparator
        | ErrorKind::UnexpectedEofFlowSequence
        | ErrorKind::UnexpectedEofFlowMapping
        | ErrorKind::UnexpectedEofImplicitFlowMapping
        | ErrorKind::InvalidFlowScalarIndent => (
            "{} cannot stand here",
            "separate items with `,` and close each bracket; a key has a space after its `:`",
        ),
        ErrorKind::MisplacedFlowCollectionEnd => {
            ("{} closes nothing", "delete it, or put the text that it belongs to in quotes")
        }
        ErrorKind::UnexpectedEofBlockSequence
        | ErrorKind::UnexpectedEofBlockMapping
        | ErrorKind::UnexpectedEof
        | ErrorKind::UnexpectedEndOfPlainScalar
        | ErrorKind::ExpectedNodeContent => {
            ("expected a value, found {}", "write the value, or put it in quotes if it begins with a sign")
        }
        ErrorKind::InvalidBlockScalarHeader | ErrorKind::ZeroBlockScalarIndent => (
            "text after the `|` or `>` of a block",
            "begin the text on the next line; put it in quotes if it begins with this sign",
        ),
        ErrorKind::InvalidBlockScalarIndent => (
            "an empty line at the beginning of this block is indented deeper than its text",
            "remove its spaces",
        ),
        ErrorKind::InvalidQuotedScalarIndent => (
            "a line of quoted text is not indented deeper than its key",
            "indent it, or close the quote before it",
        ),
        ErrorKind::CommentInterceptedScalar => {
            ("a comment between the lines of one text", "move the comment, or put the text in quotes")
        }
        ErrorKind::CommentNotSeparated | ErrorKind::ExpectedWhitespace => (
            "{} right after other text",
            "write a space before it, or put the text that it belongs to in quotes",
        ),
        ErrorKind::MissingAnchorOrAliasName => (
            "{} without a name",
            "write a name right after it, or put text that begins with this sign in quotes",
        ),
        ErrorKind::ExpectedDocumentStart => (
            "expected `---` and a new document, found {}",
            "indent this line like those of the document above; put text that begins with `%` in quotes",
        ),
        ErrorKind::InvalidDocumentEnd => {
            ("text after `...`", "`...` ends a document and stands alone in its line")
        }
        ErrorKind::MissingDocumentEndBeforeDirective => (
            "a `%` line inside a document",
            "write `...` before it, or put text that begins with `%` in quotes",
        ),
        ErrorKind::UnsupportedYamlMajorVersion => {
            ("this version of YAML cannot be read", "write `%YAML 1.2`")
        }
        ErrorKind::DuplicateVersionDirective
        | ErrorKind::DuplicateTagDirective
        | ErrorKind::ExpectedTagDirectiveBang
        | ErrorKind::InvalidDirectiveTerminator
        | ErrorKind::MissingYamlVersionSeparator
        | ErrorKind::MissingDirectiveName
        | ErrorKind::InvalidDirectiveName
        | ErrorKind::DirectiveByteLimitExceeded { .. }
        | ErrorKind::YamlVersionTooLong
        | ErrorKind::MissingYamlVersion
        | ErrorKind::InvalidTagDirectiveTerminator => {
            ("this `%` line is not a directive of YAML", "delete it; a document needs none")
        }
        ErrorKind::ExpectedTagBang
        | ErrorKind::InvalidGlobalTagCharacter
        | ErrorKind::InvalidTagTerminator
        | ErrorKind::MissingTagUri
        | ErrorKind::UnclosedVerbatimTag
        | ErrorKind::InvalidTagEscape
        | ErrorKind::InvalidTagUtf8LeadingByte
        | ErrorKind::InvalidTagUtf8TrailingByte
        | ErrorKind::InvalidTagUtf8 => {
            ("this is not a tag of YAML", "delete it, or put text that begins with `!` in quotes")
        }
        _ => ("YAML does not allow {} here", "check the indentation, quotes and brackets before this place"),
    }
}
