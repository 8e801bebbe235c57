//! What may be written at the cursor: keys, words and names; also in a text that does not parse there.

use std::collections::HashSet;
use std::ops::Range;

use lsp_types::CompletionItem;
use lsp_types::CompletionItemKind;
use lsp_types::CompletionTextEdit;
use lsp_types::Documentation;
use lsp_types::MarkupContent;
use lsp_types::MarkupKind;
use lsp_types::Position;
use lsp_types::TextEdit;
use lsp_types::Uri;

use crate::rules;

use super::hover::about_key;
use super::hover::about_rule;
use super::language::Document;
use super::language::Place;
use super::name;
use super::name::Sort;
use super::sketch::Kind;
use super::sketch::Part;
use super::sketch::Sketch;
use super::sketch::Step;
use super::sketch::plain;
use super::workspace::Workspace;

/// Stands for what is going to be written, so that there is a word at the cursor.
const MARK: &str = "X";
/// Names of a folder that are looked at for inventories.
const FILES: usize = 1000;

/// What is proposed.
struct Choice {
    label: String,
    kind: CompletionItemKind,
    detail: String,
    documentation: String,
    /// What is written behind it.
    tail: &'static str,
    /// Whether it is a word that needs quotes if it looks like something else.
    free: bool,
}

/// A place with a mark in it.
struct Marked {
    sketch: Sketch,
    text: String,
    item: usize,
    part: Part,
    document: usize,
    kind: Option<Document>,
    /// What the mark is part of, in the text that has the mark.
    token: Range<usize>,
}

impl Workspace {
    /// Returns what may be written at a position.
    pub fn completion(&mut self, uri: &Uri, position: Position) -> Vec<CompletionItem> {
        let Some((open, offset)) = self.place(uri, position) else { return Vec::new() };
        let text = open.text.as_str();
        let line = &text[open.text.line(open.text.line_of(offset)).start..offset];
        // Behind a `:` or the `-` of a list, a word needs a blank before it.
        let is_dash = line.ends_with('-') && line.trim_start_matches([' ', '-']).is_empty();
        let lead = if line.ends_with(':') || is_dash { " " } else { "" };
        let Some(marked) = Marked::of(text, offset, lead, &open.file()) else { return Vec::new() };
        let choices = self.choices(uri, &marked);
        let Some(open) = self.documents.get(uri.as_str()) else { return Vec::new() };
        let start = if lead.is_empty() { marked.token.start } else { offset };
        let line = open.text.line(open.text.line_of(offset));
        // A quote that is not closed would take what follows with it.
        let end = marked.token.end - lead.len() - MARK.len();
        let end = if end > line.end { line.end } else { end };
        let range = open.text.range(&(start..end.max(start)), self.encoding);
        let quote =
            marked.text[marked.token.clone()].chars().next().filter(|first| matches!(first, '"' | '\''));
        choices.into_iter().enumerate().map(|(at, choice)| choice.item(at, range, lead, quote)).collect()
    }

    fn choices(&mut self, uri: &Uri, marked: &Marked) -> Vec<Choice> {
        let (sketch, text) = (&marked.sketch, marked.text.as_str());
        let item = sketch.item(marked.item);
        let path = sketch.path(text, marked.item);
        if path == [Step::Key("kind")] && marked.part == Part::Value {
            return Document::words().map(|(word, about)| Choice::word(word, about)).collect();
        }
        let Some(kind) = marked.kind else {
            let at_top = item.parent.is_some_and(|parent| sketch.item(parent).kind == Kind::Root);
            return if at_top && marked.part == Part::Name { vec![Choice::kind()] } else { Vec::new() };
        };
        let language = kind.language();
        let mut choices = Vec::new();
        let keys = |place: &Place<'_>, mapping: usize, colon: bool| {
            let present: HashSet<&str> = sketch
                .children(mapping)
                .filter(|child| *child != marked.item && sketch.item(*child).kind == Kind::Key)
                .map(|child| plain(&text[sketch.item(child).name.clone()]))
                .collect();
            let mut keys = language.keys(place);
            keys.retain(|key| !present.contains(key.key));
            keys.sort_by_key(|key| !key.required);
            keys.iter().map(|key| Choice::key(key, colon)).collect::<Vec<_>>()
        };
        match (item.kind, marked.part) {
            (Kind::Key | Kind::Word, Part::Name) => {
                let Some(parent) = item.parent else { return choices };
                let Some(place) = language.at(&sketch.path(text, parent)) else { return choices };
                choices.extend(keys(&place, parent, item.colon));
                let is_alone = sketch.children(parent).all(|child| child == marked.item);
                if choices.is_empty() && is_alone && item.kind == Kind::Word {
                    choices.extend(self.values(uri, marked, kind, &place, parent));
                }
            }
            (Kind::Key | Kind::Element, Part::Value) => {
                let Some(place) = language.at(&path) else { return choices };
                choices.extend(self.values(uri, marked, kind, &place, marked.item));
                if item.kind == Kind::Element && !item.in_flow {
                    choices.extend(keys(&place, marked.item, false));
                }
            }
            (Kind::Root | Kind::Element, Part::Name) | (Kind::Root | Kind::Word, Part::Value) => {}
        }
        choices
    }

    /// Returns the words and names that the value of an item may be.
    fn values(
        &mut self,
        uri: &Uri,
        marked: &Marked,
        kind: Document,
        place: &Place<'_>,
        item: usize,
    ) -> Vec<Choice> {
        let mut choices: Vec<Choice> =
            place.words().iter().map(|word| Choice::word(&word.word, &word.description)).collect();
        match name::sort_of(kind, place) {
            None => {}
            Some(Sort::RecoveryPoint) => choices.extend(
                [
                    ("latest", "the newest point there is"),
                    ("crash_consistent", "modernized: as after pulling the plug"),
                    ("app_consistent", "taken with the applications quiesced"),
                ]
                .map(|(word, about)| Choice::word(word, about)),
            ),
            Some(Sort::Rule) => {
                let own = self.own_rules(uri).into_iter().filter(|rule| rule.is_waivable);
                choices.extend(own.map(|rule| Choice {
                    label: rule.id,
                    kind: CompletionItemKind::REFERENCE,
                    detail: rule.detail,
                    documentation: rule.about,
                    tail: "",
                    free: false,
                }));
                choices.extend(
                    rules::all().filter(|rule| rules::is_ever_waivable(rule.id, rule.severity)).map(|rule| {
                        Choice {
                            label: rule.id.to_owned(),
                            kind: CompletionItemKind::REFERENCE,
                            detail: format!("{}: {}", rule.name, rule.summary),
                            documentation: about_rule(rule),
                            tail: "",
                            free: false,
                        }
                    }),
                );
            }
            Some(Sort::File) => choices.extend(self.files(uri)),
            Some(sort @ (Sort::Name(_) | Sort::Subject)) => {
                let mut present = marked.siblings(item, place.in_list);
                let member = |of: Sort| match of {
                    Sort::Name(of) => matches!(
                        of,
                        crate::model::ReferenceKind::Member | crate::model::ReferenceKind::HookSubject
                    ),
                    Sort::Subject | Sort::Rule | Sort::File | Sort::RecoveryPoint => false,
                };
                for found in self.names(uri, marked.document, kind, sort) {
                    // What depends on a machine names one of the plan.
                    if (member(sort) && !found.own) || !present.insert(found.given.name.clone()) {
                        continue;
                    }
                    choices.push(Choice {
                        label: found.given.name,
                        kind: CompletionItemKind::VALUE,
                        detail: found.given.what.to_owned(),
                        documentation: String::new(),
                        tail: "",
                        free: true,
                    });
                }
            }
        }
        choices
    }

    /// Returns the files beside a plan that look like inventories.
    fn files(&self, uri: &Uri) -> Vec<Choice> {
        let path = self.documents.get(uri.as_str()).and_then(|open| open.path.as_deref());
        let Some(entries) = path.and_then(|path| path.parent()?.read_dir().ok()) else { return Vec::new() };
        let names = entries.take(FILES).filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        let mut names: Vec<String> =
            names.filter(|name| Document::of_file(name) == Some(Document::Inventory)).collect();
        names.sort_unstable();
        let choice = |label| Choice {
            label,
            kind: CompletionItemKind::FILE,
            detail: "inventory".to_owned(),
            documentation: String::new(),
            tail: "",
            free: true,
        };
        names.into_iter().map(choice).collect()
    }
}

impl Marked {
    fn of(text: &str, offset: usize, lead: &str, file: &str) -> Option<Self> {
        let text = format!("{}{lead}{MARK}{}", &text[..offset], &text[offset..]);
        let sketch = Sketch::of(&text);
        let at = offset + lead.len();
        let (item, part) = sketch.at(at + MARK.len())?;
        let token = match part {
            Part::Name => sketch.item(item).name.clone(),
            Part::Value => sketch.item(item).value.clone()?,
        };
        if token.start > at {
            return None;
        }
        let document = sketch.document_of(item);
        let kind = Document::of(&sketch, &text, document, file);
        Some(Self { sketch, text, item, part, document, kind, token })
    }

    /// Returns the names that a list has already; a list of machines has each once.
    fn siblings(&self, item: usize, in_list: bool) -> HashSet<String> {
        let parent = self.sketch.item(item).parent.filter(|_| in_list);
        let Some(parent) = parent else { return HashSet::new() };
        let others = self.sketch.children(parent).filter(|child| *child != item);
        let names = others.filter_map(|child| {
            self.sketch.item(child).value.clone().or_else(|| {
                let key = self.sketch.key(&self.text, child, "name")?;
                self.sketch.item(key).value.clone()
            })
        });
        names.map(|name| plain(&self.text[name]).to_owned()).collect()
    }
}

impl Choice {
    fn key(place: &Place<'_>, has_colon: bool) -> Self {
        Self {
            label: place.key.to_owned(),
            kind: CompletionItemKind::PROPERTY,
            detail: if place.required { format!("{}, required", place.kind()) } else { place.kind() },
            documentation: about_key(place),
            tail: match (has_colon, place.is_collection()) {
                (true, _) => "",
                (false, true) => ":",
                (false, false) => ": ",
            },
            free: false,
        }
    }

    fn word(word: &str, about: &str) -> Self {
        Self {
            label: word.to_owned(),
            kind: CompletionItemKind::ENUM_MEMBER,
            detail: about.to_owned(),
            documentation: String::new(),
            tail: "",
            free: false,
        }
    }

    fn kind() -> Self {
        let about = "what the document is: `RecoveryPlan`, `Inventory` or `Policy`";
        Self { tail: ": ", ..Self::word("kind", about) }
    }

    fn item(self, at: usize, range: lsp_types::Range, lead: &str, quote: Option<char>) -> CompletionItem {
        let written = match quote {
            Some(quote) => format!("{quote}{}{quote}", self.label),
            None if self.free => scalar(&self.label),
            None => self.label.clone(),
        };
        let documentation =
            (!self.documentation.is_empty()).then_some(Documentation::MarkupContent(MarkupContent {
                kind: MarkupKind::Markdown,
                value: self.documentation,
            }));
        CompletionItem {
            kind: Some(self.kind),
            detail: Some(self.detail).filter(|detail| !detail.is_empty()),
            documentation,
            sort_text: Some(format!("{at:06}")),
            filter_text: quote.map(|_| written.clone()),
            text_edit: Some(CompletionTextEdit::Edit(TextEdit::new(
                range,
                format!("{lead}{written}{}", self.tail),
            ))),
            label: self.label,
            ..CompletionItem::default()
        }
    }
}

/// Returns a name as it is written in YAML: in quotes if it could be read as something else.
pub(super) fn scalar(name: &str) -> String {
    let is_plain = name.starts_with(|first: char| first.is_alphabetic())
        && name.chars().all(|letter| letter.is_alphanumeric() || "._-/".contains(letter))
        && !matches!(
            name.to_lowercase().as_str(),
            "true" | "false" | "null" | "yes" | "no" | "on" | "off" | "y" | "n"
        );
    if is_plain { name.to_owned() } else { serde_json::Value::from(name).to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_could_be_read_as_something_else_is_quoted() {
        for name in ["app1", "서울-웹.1", "a/b"] {
            assert_eq!(scalar(name), name);
        }
        for name in ["1e3", "no", "a: b", "-x", "", "#1", "a\"b"] {
            let read: String = serde_yaml::from_str(&scalar(name)).expect("a scalar");
            assert_eq!(read, name);
            assert!(scalar(name).starts_with('"'), "{name}");
        }
    }
}
