//! Items as SARIF 2.1.0, for services that keep what analysis tools find.
//!
//! A violated or waived rule is a result of kind `fail`, with the level of its weight; a waived one carries its reason as
//! a suppression. What a missing fact leaves open is of kind `open`, or of kind `review` where the inventory leaves out what only a
//! measurement gives, and what a run waits for of kind `informational`: all have the level `none`, the only one that the standard allows beside another kind than `fail`.

use std::collections::HashMap;
use std::io;
use std::io::Write;

use serde::Serialize;
use serde_json::Value;
use serde_json::json;

use crate::diagnostic::Fix;
use crate::diagnostic::Severity;
use crate::render::About;
use crate::render::Closing;
use crate::render::Item;
use crate::render::Outcome;
use crate::render::Sheet;
use crate::render::fingerprint::Fingerprints;
use crate::render::log::write_json;
use crate::render::place::Place;
use crate::render::place::Places;
use crate::render::place::percent_encoded;
use crate::rules;
use crate::rules::Architecture;
use crate::rules::Rule;
use crate::rules::State;
use crate::source::Location;
use crate::source::Sources;
use crate::source::Span;

/// Where the standard's schema is published.
const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";
/// The root of the repository; GitHub and Azure know it by this name.
const ROOT: &str = "%SRCROOT%";
/// What makes two results the same one, whatever line they are in. Another way to work it out needs another number.
const FINGERPRINT: &str = "failbackFinding/v1";

/// Writes items as one SARIF log with one run.
pub struct Log<'w> {
    out: &'w mut dyn Write,
    places: Places,
    any: bool,
    /// Rules and kinds of mistakes of the results, in the order of their indexes.
    codes: Vec<Code>,
    indexes: HashMap<String, usize>,
    fingerprints: Fingerprints,
}

/// What a result is an instance of.
struct Code {
    id: String,
    name: String,
    severity: Severity,
    is_mistake: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SarifResult<'a> {
    rule_id: &'a str,
    rule_index: usize,
    kind: &'static str,
    level: &'static str,
    message: Message,
    locations: Vec<Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    related_locations: Vec<Value>,
    partial_fingerprints: Value,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    suppressions: Vec<Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    fixes: Vec<Value>,
    properties: Value,
}

#[derive(Serialize)]
struct Message {
    text: String,
}

impl<'w> Log<'w> {
    /// Begins the log.
    ///
    /// # Errors
    ///
    /// The output's own.
    pub fn begin(out: &'w mut dyn Write, places: Places) -> io::Result<Self> {
        let bases = json!({ROOT: {"description": {"text": "the root of the repository"}}});
        write!(out, "{{\"$schema\":\"{SCHEMA}\",\"version\":\"2.1.0\",\"runs\":[{{")?;
        write!(out, "\"columnKind\":\"unicodeCodePoints\",\"originalUriBaseIds\":{bases},\"results\":[")?;
        let (codes, indexes, fingerprints) = (Vec::new(), HashMap::new(), Fingerprints::default());
        Ok(Self { out, places, any: false, codes, indexes, fingerprints })
    }

    fn index(&mut self, item: &Item<'_>) -> usize {
        if let Some(index) = self.indexes.get(item.code) {
            return *index;
        }
        self.codes.push(Code {
            id: item.code.to_owned(),
            name: item.name.to_owned(),
            severity: item.severity,
            is_mistake: matches!(item.about, About::Document(_)),
        });
        self.indexes.insert(item.code.to_owned(), self.codes.len() - 1);
        self.codes.len() - 1
    }

    fn fingerprint(&mut self, item: &Item<'_>, plan: Option<&str>) -> String {
        let (hex, count) = self.fingerprints.of(item, plan, &self.places);
        format!("{hex}:{count}")
    }

    fn artifact(&self, file: &str) -> Value {
        match self.places.place(file) {
            Place::Below(path) => json!({"uri": percent_encoded(&path), "uriBaseId": ROOT}),
            Place::Elsewhere(path) => {
                let slash = if path.starts_with('/') { "" } else { "/" };
                json!({"uri": format!("file://{slash}{}", percent_encoded(&path))})
            }
        }
    }

    fn physical(&self, place: &Location) -> Value {
        json!({
            "artifactLocation": self.artifact(&place.file),
            "region": {
                "startLine": place.start.line,
                "startColumn": place.start.column,
                "endLine": place.end.line,
                "endColumn": place.end.column,
            },
        })
    }

    fn locations(&self, item: &Item<'_>, plan: Option<&str>, sources: &Sources) -> Vec<Value> {
        let mut location = json!({});
        if let Some(place) = sources.locate(item.span) {
            location["physicalLocation"] = self.physical(&place);
        }
        match item.about {
            About::Subject(subject) => {
                let of = plan.unwrap_or_default();
                location["logicalLocations"] = json!([{
                    "name": subject.name,
                    "kind": subject.kind,
                    "fullyQualifiedName": format!("{of}/{}/{}", subject.kind.as_str(), subject.name),
                }]);
            }
            About::Document(file) if item.span == Span::NONE && !file.is_empty() => {
                location["physicalLocation"] = json!({"artifactLocation": self.artifact(file)});
            }
            About::Document(_) => {}
        }
        vec![location]
    }

    /// Returns what puts a mistake right; the edits of a fix are all in one file.
    fn fix(&self, fix: &Fix, sources: &Sources) -> Option<Value> {
        let file = sources.locate(fix.edits.first()?.span)?.file;
        let replacements: Vec<Value> = fix
            .edits
            .iter()
            .filter_map(|edit| {
                let region = self.physical(&sources.locate(edit.span)?)["region"].take();
                Some(json!({"deletedRegion": region, "insertedContent": {"text": edit.text}}))
            })
            .collect();
        let change = json!({"artifactLocation": self.artifact(&file), "replacements": replacements});
        Some(json!({"description": {"text": plain(&fix.title)}, "artifactChanges": [change]}))
    }

    fn related(&self, item: &Item<'_>, sources: &Sources) -> Vec<Value> {
        let mut found = Vec::new();
        for label in item.related {
            if let Some(place) = sources.locate(label.span) {
                let physical = self.physical(&place);
                found.push(json!({"physicalLocation": physical, "message": {"text": plain(&label.text)}}));
            }
        }
        if let Some(place) = sources.locate(item.span)
            && let Some(line) = place.via_line.filter(|line| *line != place.start.line)
        {
            let artifact = self.artifact(&place.file);
            found.push(json!({
                "physicalLocation": {"artifactLocation": artifact, "region": {"startLine": line}},
                "message": {"text": "the value is used here, through an alias"},
            }));
        }
        found
    }
}

impl Sheet for Log<'_> {
    fn item(&mut self, item: &Item<'_>, plan: Option<&str>, sources: &Sources) -> io::Result<()> {
        let (kind, level) = match item.state {
            State::Violated | State::Waived => ("fail", level(item.severity)),
            State::Indeterminate => ("open", "none"),
            State::Unmeasured => ("review", "none"),
            State::Pending => ("informational", "none"),
        };
        let mut text = plain(item.message);
        if let Some(help) = item.help.filter(|help| !help.is_empty()) {
            text.push_str("\nhelp: ");
            text.push_str(&plain(help));
        }
        let mut properties = json!({"state": item.state, "severity": item.severity.as_str()});
        for (key, value) in [("plan", plan), ("fact", item.fact), ("source", item.article)] {
            if let Some(value) = value {
                properties[key] = Value::from(value);
            }
        }
        let suppressions = item
            .waived_because
            .map(|reason| json!({"kind": "inSource", "status": "accepted", "justification": reason}));
        let record = SarifResult {
            rule_id: item.code,
            rule_index: self.index(item),
            kind,
            level,
            message: Message { text },
            locations: self.locations(item, plan, sources),
            related_locations: self.related(item, sources),
            partial_fingerprints: json!({FINGERPRINT: self.fingerprint(item, plan)}),
            suppressions: suppressions.into_iter().collect(),
            fixes: item.fix.and_then(|fix| self.fix(fix, sources)).into_iter().collect(),
            properties,
        };
        self.out.write_all(if self.any { b",\n" } else { b"\n" })?;
        self.any = true;
        write_json(self.out, &record)
    }

    fn plan(&mut self, _: &Outcome<'_>) -> io::Result<()> {
        Ok(())
    }

    fn close(self: Box<Self>, closing: &Closing) -> io::Result<()> {
        let rules: Vec<Value> = self.codes.iter().map(descriptor).collect();
        let version = env!("CARGO_PKG_VERSION");
        let driver = json!({"name": "failback", "semanticVersion": version, "rules": rules});
        self.out.write_all(b"\n],\"tool\":")?;
        write_json(self.out, &json!({"driver": driver}))?;
        let invocation = json!([{"executionSuccessful": !closing.unreadable}]);
        write!(self.out, ",\"invocations\":{invocation}")?;
        if let Some(baseline) = closing.baseline {
            write!(self.out, ",\"properties\":{}", json!({"baseline": baseline}))?;
        }
        self.out.write_all(b"}]}\n")
    }
}

const fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "note",
    }
}

/// Returns text in which a viewer finds neither placeholders nor links.
fn plain(text: &str) -> String {
    text.replace('{', "{{").replace('}', "}}").replace("](", "]\u{200b}(")
}

fn descriptor(code: &Code) -> Value {
    if let Some(rule) = rules::find(&code.id).filter(|rule| rule.id == code.id) {
        return of_rule(rule);
    }
    let what = match code.is_mistake {
        true => "a mistake in a document, which keeps rules from looking at it",
        false => "a rule of this organisation",
    };
    json!({
        "id": code.id,
        "name": code.name,
        "shortDescription": {"text": what},
        "defaultConfiguration": {"level": level(code.severity)},
    })
}

fn of_rule(rule: &Rule) -> Value {
    let architectures: &[&str] = match rule.architecture {
        Architecture::Classic => &["classic"],
        Architecture::Modernized => &["modernized"],
        Architecture::Both => &["classic", "modernized"],
    };
    let tags: Vec<&str> = architectures.iter().copied().chain([rule.origin.as_str()]).collect();
    let weight = match rule.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "recommendation",
    };
    let docs = format!("{}\n### Articles\n{}\n", rule.docs, rule.article);
    json!({
        "id": rule.id,
        "name": rule.name,
        "shortDescription": {"text": plain(rule.summary)},
        "fullDescription": {"text": plain(&first_section(rule.docs))},
        "help": {"text": plain(&docs), "markdown": docs},
        "defaultConfiguration": {"level": level(rule.severity)},
        "properties": {"tags": tags, "problem.severity": weight},
    })
}

/// Returns the text under the first heading, on one line.
fn first_section(docs: &str) -> String {
    let lines = docs.lines().skip_while(|line| line.starts_with('#'));
    lines.take_while(|line| !line.starts_with('#')).collect::<Vec<_>>().join(" ").trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_neither_a_placeholder_nor_a_link() {
        assert_eq!(plain("{0} [x](https://evil.example) [1]"), "{{0}} [x]\u{200b}(https://evil.example) [1]");
    }

    #[test]
    fn the_first_section_describes_a_rule() {
        assert_eq!(first_section("### What it checks\nA machine\nthat.\n\n### Why\nx\n"), "A machine that.");
    }
}
