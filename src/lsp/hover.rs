//! What an editor shows about the word under the cursor: a key, a word of the language, a rule, a name.

use std::fmt::Write as _;
use std::ops::Range;

use lsp_types::Hover;
use lsp_types::HoverContents;
use lsp_types::MarkupContent;
use lsp_types::MarkupKind;
use lsp_types::NumberOrString;
use lsp_types::Position;
use lsp_types::Uri;

use crate::rules;
use crate::rules::Rule;

use super::language::Document;
use super::language::Place;
use super::name;
use super::name::Sort;
use super::sketch::Kind;
use super::sketch::Part;
use super::sketch::plain;
use super::summary;
use super::workspace::Workspace;

/// Rules that are told at one place.
const RULES: usize = 3;

impl Workspace {
    /// Returns what is to be known about the word at a position, and about the rules whose findings are shown there.
    pub fn hover(&mut self, uri: &Uri, position: Position) -> Option<Hover> {
        let rules = self.rules_at(uri, position);
        let hover = self.about_word(uri, position);
        let Some((range, _)) = rules.first() else { return hover };
        let mut hover = hover.unwrap_or_else(|| Hover {
            contents: HoverContents::Markup(MarkupContent {
                kind: MarkupKind::Markdown,
                value: String::new(),
            }),
            range: Some(*range),
        });
        if let HoverContents::Markup(MarkupContent { value, .. }) = &mut hover.contents {
            for (_, about) in &rules {
                // Where the id of the rule itself is pointed at, it is told already.
                if !value.contains(about.as_str()) {
                    let rest = std::mem::take(value);
                    *value =
                        if rest.is_empty() { about.clone() } else { format!("{rest}\n\n---\n\n{about}") };
                }
            }
        }
        Some(hover)
    }

    /// Returns what is to be known about the rules whose findings are shown at a position, with where.
    fn rules_at(&mut self, uri: &Uri, position: Position) -> Vec<(lsp_types::Range, String)> {
        self.check(uri.as_str());
        let Some(open) = self.documents.get(uri.as_str()) else { return Vec::new() };
        let mut found: Vec<(lsp_types::Range, String)> = Vec::new();
        for shown in open.analysis.iter().flat_map(|analysis| &analysis.shown) {
            let range = shown.diagnostic.range;
            if let Some(NumberOrString::String(code)) = &shown.diagnostic.code
                && range.start <= position
                && position <= range.end
                && found.iter().all(|(_, other)| other != code)
                && found.len() < RULES
            {
                found.push((range, code.clone()));
            }
        }
        let about = |workspace: &mut Self, code: &str| match rules::find(code) {
            Some(rule) => Some(about_rule(rule)),
            None => workspace.own_rule(uri, code).map(|own| own.about),
        };
        found.into_iter().filter_map(|(range, code)| Some((range, about(self, &code)?))).collect()
    }

    /// Returns what is to be known about the word at a position.
    fn about_word(&mut self, uri: &Uri, position: Position) -> Option<Hover> {
        let (open, offset) = self.place(uri, position)?;
        let id = open.text.as_str()[id_at(open.text.as_str(), offset)].to_owned();
        let own = self.own_rule(uri, &id);
        let (open, offset) = self.place(uri, position)?;
        let (text, sketch) = (open.text.as_str(), open.sketch());
        let shown = |range: &Range<usize>, value: String| Hover {
            contents: HoverContents::Markup(MarkupContent { kind: MarkupKind::Markdown, value }),
            range: Some(open.text.range(range, self.encoding)),
        };
        let word = word_at(text, offset);
        if let Some(rule) = text.get(word.clone()).filter(|word| is_rule(word)).and_then(rules::find) {
            return Some(shown(&word, about_rule(rule)));
        }
        if let Some(own) = own {
            return Some(shown(&id_at(text, offset), own.about));
        }
        let (item, part) = sketch.at(offset)?;
        let document = sketch.document_of(item);
        let kind = Document::of(sketch, text, document, &open.file())?;
        let path = sketch.path(text, item);
        let place = kind.language().at(&path)?;
        let item = sketch.item(item);
        let (range, name) = match (item.kind, part) {
            (Kind::Key, Part::Name) => return Some(shown(&item.name, about_key(&place))),
            (_, Part::Value) => {
                item.value.clone().map(|value| (value.clone(), plain(&text[value]).to_owned()))?
            }
            (_, Part::Name) => return None,
        };
        if let Some(word) = place.words().into_iter().find(|word| word.word == name) {
            let about = format!("`{}`: {}\n\n---\n\n{}", word.word, word.description, about_key(&place));
            return Some(shown(&range, about));
        }
        let key = about_key(&place);
        let sort = name::sort_of(kind, &place);
        let range = open.text.range(&range, self.encoding);
        let value = match sort {
            Some(Sort::Name(of)) => {
                let facts =
                    self.inventory(uri, document, kind).and_then(|facts| summary::of(facts, of, &name));
                facts.map_or(key.clone(), |facts| format!("{facts}\n\n---\n\n{key}"))
            }
            Some(Sort::Subject | Sort::Rule | Sort::File | Sort::RecoveryPoint) | None => key,
        };
        let contents = HoverContents::Markup(MarkupContent { kind: MarkupKind::Markdown, value });
        Some(Hover { contents, range: Some(range) })
    }
}

/// Returns the letters, digits and `_` around a byte.
fn word_at(text: &str, offset: usize) -> Range<usize> {
    around(text, offset, |letter| letter.is_ascii_alphanumeric() || letter == '_')
}

/// Returns what may be the id of a policy's rule around a byte.
fn id_at(text: &str, offset: usize) -> Range<usize> {
    around(text, offset, |letter| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-'))
}

fn around(text: &str, offset: usize, is_word: impl Fn(char) -> bool) -> Range<usize> {
    let start = offset - text[..offset].chars().rev().take_while(|letter| is_word(*letter)).count();
    let end = offset + text[offset..].chars().take_while(|letter| is_word(*letter)).count();
    start..end
}

/// Returns whether a word has the form of a rule's id.
fn is_rule(word: &str) -> bool {
    let number = word.strip_prefix("FB").unwrap_or("");
    number.len() == 3 && number.bytes().all(|digit| digit.is_ascii_digit())
}

/// Returns the documentation of a rule, in Markdown.
pub(super) fn about_rule(rule: &Rule) -> String {
    let waivable = rules::acceptance(rule.id, rule.severity);
    format!(
        "**{} {}**: {}\n\n{}; {waivable}\n\n{}\n\n{}",
        rule.id,
        rule.name,
        rule.summary,
        rule.severity.as_str(),
        rule.docs.trim(),
        rule.article
    )
}

/// Returns the documentation of a key, in Markdown.
pub(super) fn about_key(place: &Place<'_>) -> String {
    let mut text = format!("**{}**: {}", place.key, place.kind());
    if place.required {
        text.push_str(", required");
    }
    if !place.description().is_empty() {
        let _ = write!(text, "\n\n{}", place.description());
    }
    let words = place.words();
    if words.iter().any(|word| !word.description.is_empty()) {
        text.push('\n');
        for word in words {
            let _ = write!(text, "\n- `{}`: {}", word.word, word.description);
        }
    }
    if let Some(example) = place.example() {
        let _ = write!(text, "\n\n```yaml\n{}\n```", example.trim_end());
    }
    text
}
