//! What an editor offers to put a problem right: the word that was meant, or a waiver.

use std::collections::HashMap;

use lsp_types::CodeAction;
use lsp_types::CodeActionKind;
use lsp_types::Diagnostic;
use lsp_types::Location;
use lsp_types::TextEdit;
use lsp_types::Uri;
use lsp_types::WorkspaceEdit;

use crate::escape;
use crate::syntax::repair::repair;

use super::complete::scalar;
use super::problem::Fix;
use super::sketch::Sketch;
use super::text::Text;
use super::workspace::Workspace;

impl Workspace {
    /// Returns what would put right everything in a document that can only have been meant in one way, as `check --fix`
    /// does; `None` if there is nothing.
    #[must_use]
    pub fn fix_all(&self, uri: &Uri) -> Option<CodeAction> {
        let open = self.documents.get(uri.as_str())?;
        let repaired = repair(open.text.as_str())?;
        let after = Text::new(repaired.text);
        let mut edits = Vec::new();
        for line in 0..open.text.line_count() {
            let (old, new) = (open.text.line(line), after.line(line));
            let new = &after.as_str()[new];
            if open.text.as_str()[old.clone()] != *new {
                let range = open.text.range(&old, self.encoding);
                edits.push((Location::new(open.uri.clone(), range), new.to_owned()));
            }
        }
        let places = match repaired.repairs.len() {
            1 => "1 place".to_owned(),
            count => format!("{count} places"),
        };
        let title = format!("Fix what can only have been meant in one way ({places})");
        let mut action = action(title, &edits, None, true);
        action.kind = Some(CodeActionKind::SOURCE_FIX_ALL);
        Some(action)
    }

    /// Returns what would put right the problems of a range.
    pub fn actions(&mut self, uri: &Uri, range: lsp_types::Range) -> Vec<CodeAction> {
        self.check(uri.as_str());
        let Some(open) = self.documents.get(uri.as_str()) else { return Vec::new() };
        let mut actions = Vec::new();
        for shown in open.analysis.iter().flat_map(|analysis| &analysis.shown) {
            let diagnostic = &shown.diagnostic;
            if diagnostic.range.end < range.start || range.end < diagnostic.range.start {
                continue;
            }
            for fix in &shown.fixes {
                match fix {
                    Fix::Replace { at, with } => {
                        let edits = [(at.clone(), with.clone())];
                        actions.push(action(format!("Change to `{with}`"), &edits, Some(diagnostic), true));
                    }
                    Fix::Change { title, edits } => {
                        actions.push(action(title.clone(), edits, Some(diagnostic), true));
                    }
                    Fix::Waive { rule, subjects, plan } => {
                        let Some((at, new)) = waiver(&open.text, open.sketch(), *plan, rule, subjects) else {
                            continue;
                        };
                        let position = open.text.position(at, self.encoding);
                        let range = lsp_types::Range::new(position, position);
                        let edits = [(Location::new(open.uri.clone(), range), new)];
                        let of = match subjects.as_slice() {
                            [first, others @ ..] if !others.is_empty() => {
                                format!("{first} and {} more", others.len())
                            }
                            subjects => subjects.concat(),
                        };
                        let title = format!("Waive {rule} for {of}, with a reason to be written");
                        actions.push(action(title, &edits, Some(diagnostic), false));
                    }
                }
            }
        }
        actions
    }
}

#[expect(clippy::mutable_key_type, reason = "the protocol keys changes by a URI, whose hash does not change")]
fn action(
    title: String,
    edits: &[(Location, String)],
    about: Option<&Diagnostic>,
    preferred: bool,
) -> CodeAction {
    let mut changes: HashMap<Uri, Vec<TextEdit>> = HashMap::new();
    for (at, text) in edits {
        changes.entry(at.uri.clone()).or_default().push(TextEdit::new(at.range, text.clone()));
    }
    CodeAction {
        title: escape::line(&title).into_owned(),
        kind: Some(CodeActionKind::QUICKFIX),
        diagnostics: about.map(|about| vec![about.clone()]),
        edit: Some(WorkspaceEdit::new(changes)),
        is_preferred: Some(preferred),
        ..CodeAction::default()
    }
}

/// Returns what has to be inserted, and where, for a plan to accept the findings of a rule about some subjects: with an empty
/// reason, which is refused until somebody writes one. `None` for a plan that is written between brackets.
fn waiver(
    text: &Text,
    sketch: &Sketch,
    plan: usize,
    rule: &str,
    subjects: &[String],
) -> Option<(usize, String)> {
    let (ending, all) = (text.ending(), text.as_str());
    let (item, _) = sketch.at(plan)?;
    let document = sketch.document_of(item);
    if sketch.item(document).brackets.is_some() {
        return None;
    }
    let of = subjects.iter().map(|subject| scalar(subject)).collect::<Vec<_>>().join(", ");
    let block = |indent: usize| {
        let pad = " ".repeat(indent);
        format!("{ending}{pad}- rule: {rule}{ending}{pad}  of: [{of}]{ending}{pad}  reason: \"\"")
    };
    let line_end = |at: usize| text.line(text.line_of(at)).end;
    let Some(waivers) = sketch.key(all, document, "waivers") else {
        return Some((line_end(sketch.item(document).end), format!("{ending}waivers:{}", block(2))));
    };
    let item = sketch.item(waivers);
    if let Some((open, close)) = item.brackets {
        let inner = &all[open + 1..close? - 1];
        let written = inner.trim_end();
        let comma = if written.trim().is_empty() || written.ends_with(',') { "" } else { ", " };
        let new = format!("{comma}{{rule: {rule}, of: [{of}], reason: \"\"}}");
        return Some((open + 1 + written.len(), new));
    }
    let first = sketch.children(waivers).next();
    let indent = first.map_or(2, |first| usize::try_from(sketch.item(first).column).unwrap_or(2));
    Some((line_end(item.end), block(indent)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waived(plan: &str) -> Option<String> {
        let text = Text::new(plan.to_owned());
        let name = plan.find("erp").expect("a name");
        let (at, new) = waiver(&text, &Sketch::of(plan), name, "FB606", &["erp-db".to_owned()])?;
        Some(format!("{}{new}{}", &plan[..at], &plan[at..]))
    }

    #[test]
    fn a_waiver_is_added_to_those_that_there_are_in_their_style() {
        let new = "- rule: FB606\n    of: [erp-db]\n    reason: \"\"";
        assert_eq!(waived("name: erp\n").expect("added"), format!("name: erp\nwaivers:\n  {new}\n"));
        assert_eq!(
            waived("name: erp\nmachines: [a]").expect("added"),
            format!("name: erp\nmachines: [a]\nwaivers:\n  {new}")
        );
        assert_eq!(
            waived("name: erp\nwaivers:\n  - rule: FB001\n    reason: x # y\nmachines: []\n").expect("added"),
            format!("name: erp\nwaivers:\n  - rule: FB001\n    reason: x # y\n  {new}\nmachines: []\n")
        );
        assert_eq!(
            waived("name: erp\nwaivers:\n- {rule: FB001}\n").expect("added"),
            "name: erp\nwaivers:\n- {rule: FB001}\n- rule: FB606\n  of: [erp-db]\n  reason: \"\"\n"
        );
        let flow = "{rule: FB606, of: [erp-db], reason: \"\"}";
        assert_eq!(
            waived("name: erp\nwaivers: []\n").expect("added"),
            format!("name: erp\nwaivers: [{flow}]\n")
        );
        assert_eq!(
            waived("name: erp\nwaivers: [{rule: A} ]\n").expect("added"),
            format!("name: erp\nwaivers: [{{rule: A}}, {flow} ]\n")
        );
    }

    #[test]
    fn a_waiver_goes_into_the_plan_that_it_is_for() {
        let text = waived("name: erp\r\n---\r\nname: other\r\n").expect("added");
        assert!(text.starts_with("name: erp\r\nwaivers:\r\n  - rule: FB606\r\n"), "{text}");
        assert!(text.ends_with("reason: \"\"\r\n---\r\nname: other\r\n"), "{text}");
        assert_eq!(waived("{name: erp}\n"), None);
    }
}
