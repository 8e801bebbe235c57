//! The rules of policies that count for a document, as an editor tells of them.

use std::fmt::Write as _;

use lsp_types::Location;
use lsp_types::Uri;

use crate::escape;
use crate::render::markdown::inert;
use crate::source::Sources;
use crate::syntax::policy::PolicyRule;
use crate::syntax::policy::Scope;

use super::around::Reading;
use super::page;
use super::workspace::Workspace;

/// A rule of an organisation's own.
pub(super) struct OwnRule {
    pub id: String,
    /// Its policy and severity, in a few words.
    pub detail: String,
    /// Its documentation, in Markdown.
    pub about: String,
    /// Whether a plan may accept what it finds.
    pub is_waivable: bool,
    /// Where its id is written.
    pub location: Option<Location>,
}

impl Workspace {
    /// Returns the rules of the policies beside a document.
    pub(super) fn own_rules(&mut self, uri: &Uri) -> Vec<OwnRule> {
        let Some(open) = self.documents.get(uri.as_str()) else { return Vec::new() };
        let (documents, settings, roots) = (&self.documents, &self.settings, self.roots.as_slice());
        let reading = Reading { documents, settings, roots };
        let beside = self.cache.around.beside(open, (&[], &Sources::new()), reading, &mut self.cache.room);
        let ground = beside.ground();
        let mut rules = Vec::new();
        for file in beside.policies() {
            let uri = page::uri_of(documents, &file.path);
            for policy in &file.policies {
                for rule in &policy.rules {
                    let range =
                        ground.spot(rule.id.span).map(|spot| file.text.range(&spot.range, self.encoding));
                    rules.push(OwnRule {
                        id: rule.id.value.clone(),
                        detail: format!("{} of policy {}", rule.severity.value, policy.name.value),
                        about: about(rule, &policy.name.value),
                        is_waivable: rule.waivable.is_none_or(|waivable| waivable.value),
                        location: uri.clone().zip(range).map(|(uri, range)| Location::new(uri, range)),
                    });
                }
            }
        }
        rules
    }

    /// Returns the rule of a policy beside a document that has an id.
    pub(super) fn own_rule(&mut self, uri: &Uri, id: &str) -> Option<OwnRule> {
        // Ids of policies begin with a capital letter: most words need no look at any file.
        if !id.starts_with(|letter: char| letter.is_ascii_uppercase()) {
            return None;
        }
        self.own_rules(uri).into_iter().find(|rule| rule.id == id)
    }
}

/// Returns what there is to say about a rule, in Markdown in which the rule's own words are nothing but text.
fn about(rule: &PolicyRule, policy: &str) -> String {
    let waivable = match rule.waivable.as_ref().is_none_or(|waivable| waivable.value) {
        true => "a plan may accept it, with a reason",
        false => "never accepted",
    };
    let scope = match rule.scope.value {
        Scope::Machine => "each machine",
        Scope::Group => "each replication group",
        Scope::Plan => "the plan",
    };
    let mut code = String::new();
    if let Some(when) = &rule.when {
        let _ = writeln!(code, "when {}", escape::lines(when.value.trim()));
    }
    let _ = writeln!(code, "assert {}", escape::lines(rule.assert.value.trim()));
    // A fence ends at as many signs as it begins with.
    let fence = "`".repeat(3.max(1 + longest_run(&code, '`')));
    let (id, message) = (inert(&rule.id.value), inert(&rule.message.value));
    let mut text = format!(
        "**{id}**: {message}\n\n{}, about {scope}; {waivable}\n\n{fence}cel\n{code}{fence}\n",
        rule.severity.value
    );
    if let Some(help) = &rule.help {
        let _ = write!(text, "\n{}\n", inert(&help.value));
    }
    let source =
        rule.source.as_ref().map_or_else(String::new, |source| format!("{}; ", inert(&source.value)));
    let _ = write!(text, "\n{source}policy {}", inert(policy));
    text
}

/// Returns how many of a character stand in a row at most.
fn longest_run(text: &str, letter: char) -> usize {
    text.split(|other| other != letter).map(str::len).max().unwrap_or(0)
}
