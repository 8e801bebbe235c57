//! Items as JSON: one document, one item a line, written as they come.

use std::collections::BTreeMap;
use std::io;
use std::io::Write;
use std::sync::Arc;

use serde::Serialize;

use crate::diagnostic::Fix;
use crate::render::About;
use crate::render::Closing;
use crate::render::Item;
use crate::render::Known;
use crate::render::Outcome;
use crate::render::Sheet;
use crate::render::log::write_json;
use crate::render::summary::Counts;
use crate::rules::Explanation;
use crate::rules::State;
use crate::rules::consistency::GroupPoints;
use crate::source::Location;
use crate::source::Position;
use crate::source::Sources;
use crate::source::Span;

/// The rule that explains findings of others.
const CONFLICT: &str = "FB532";

#[derive(Serialize)]
struct Place<'a> {
    file: &'a str,
    line: usize,
    column: usize,
    end_line: usize,
    end_column: usize,
    /// Line of the alias through which the value is used.
    #[serde(skip_serializing_if = "Option::is_none")]
    used_in_line: Option<usize>,
}

#[derive(Serialize)]
struct Related<'a> {
    message: &'a str,
    location: Option<Place<'a>>,
}

#[derive(Serialize)]
struct Record<'a> {
    rule: &'a str,
    name: &'a str,
    severity: &'static str,
    state: &'static str,
    /// Name of the plan that was checked; a mistake belongs to none.
    plan: Option<&'a str>,
    subject: About<'a>,
    message: &'a str,
    help: Option<&'a str>,
    source: Option<&'a str>,
    location: Option<Place<'a>>,
    related: Vec<Related<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fact: Option<&'a str>,
    /// `false` where the inventory leaves out what only a measurement gives.
    #[serde(skip_serializing_if = "Option::is_none")]
    measured: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    waived_because: Option<&'a str>,
    #[serde(skip_serializing_if = "str::is_empty")]
    path: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    fix: Option<Repair<'a>>,
    /// Id of the rule whose finding explains this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    explained_by: Option<&'a str>,
    /// How many findings of other rules this one explains.
    #[serde(skip_serializing_if = "Option::is_none")]
    explains: Option<&'a BTreeMap<String, usize>>,
}

/// What recovery points mean for a replication group of a plan.
#[derive(Serialize)]
struct OfPlan {
    plan: String,
    #[serde(flatten)]
    group: GroupPoints,
}

/// What puts a mistake right.
#[derive(Serialize)]
struct Repair<'a> {
    title: &'a str,
    edits: Vec<Replacement<'a>>,
}

#[derive(Serialize)]
struct Replacement<'a> {
    file: Arc<str>,
    start: Point,
    end: Point,
    text: &'a str,
}

#[derive(Serialize)]
struct Point {
    line: usize,
    column: usize,
}

/// Writes findings as one JSON document, which [`Findings::end`] completes.
pub struct Findings<'w> {
    out: &'w mut dyn Write,
    counts: Counts,
    recovery_points: Vec<OfPlan>,
    any: bool,
}

impl<'w> Findings<'w> {
    /// Begins the document.
    ///
    /// # Errors
    ///
    /// The output's own, here and below.
    pub fn begin(out: &'w mut dyn Write) -> io::Result<Self> {
        out.write_all(b"{\"version\":1,\"findings\":[")?;
        Ok(Self { out, counts: Counts::default(), recovery_points: Vec::new(), any: false })
    }

    /// Writes an item; `plan` is the name of the plan that it was found in.
    ///
    /// # Errors
    ///
    /// The output's own.
    pub fn item(&mut self, item: &Item<'_>, plan: Option<&str>, sources: &Sources) -> io::Result<()> {
        let place = sources.locate(item.span);
        let places: Vec<Option<Location>> =
            item.related.iter().map(|label| sources.locate(label.span)).collect();
        let record = Record {
            rule: item.code,
            name: item.name,
            severity: item.severity.as_str(),
            state: item.state.as_str(),
            plan,
            subject: item.about,
            message: item.message,
            help: item.help,
            source: item.article,
            location: place.as_ref().map(Place::of),
            related: item
                .related
                .iter()
                .zip(&places)
                .map(|(label, place)| Related {
                    message: &label.text,
                    location: place.as_ref().map(Place::of),
                })
                .collect(),
            fact: item.fact,
            measured: (item.state == State::Unmeasured).then_some(false),
            waived_because: item.waived_because,
            path: item.path,
            explained_by: match item.explanation {
                Some(Explanation::ExplainedBy(_)) => Some(CONFLICT),
                Some(Explanation::Explains(_)) | None => None,
            },
            explains: match item.explanation {
                Some(Explanation::Explains(counts)) => Some(counts),
                Some(Explanation::ExplainedBy(_)) | None => None,
            },
            fix: item.fix.map(|fix| Repair::of(fix, sources)),
        };
        self.out.write_all(if self.any { b",\n" } else { b"\n" })?;
        self.any = true;
        self.counts.add(item);
        write_json(self.out, &record)
    }

    /// Completes the document with its summary.
    ///
    /// # Errors
    ///
    /// The output's own.
    pub fn end(self) -> io::Result<()> {
        self.end_with(None)
    }

    fn end_with(self, baseline: Option<Known>) -> io::Result<()> {
        self.out.write_all(if self.any { b"\n],\"summary\":" } else { b"],\"summary\":" })?;
        write_json(self.out, &self.counts)?;
        self.out.write_all(b",\"recovery_points\":")?;
        write_json(self.out, &self.recovery_points)?;
        if let Some(baseline) = baseline {
            self.out.write_all(b",\"baseline\":")?;
            write_json(self.out, &baseline)?;
        }
        self.out.write_all(b"}\n")
    }
}

impl Sheet for Findings<'_> {
    fn item(&mut self, item: &Item<'_>, plan: Option<&str>, sources: &Sources) -> io::Result<()> {
        Findings::item(self, item, plan, sources)
    }

    fn plan(&mut self, outcome: &Outcome<'_>) -> io::Result<()> {
        let of_plan = |group: &GroupPoints| OfPlan { plan: outcome.name.to_owned(), group: group.clone() };
        self.recovery_points.extend(outcome.recovery_points.iter().map(of_plan));
        Ok(())
    }

    fn close(self: Box<Self>, closing: &Closing) -> io::Result<()> {
        self.end_with(closing.baseline)
    }
}

impl<'a> Repair<'a> {
    fn of(fix: &'a Fix, sources: &Sources) -> Self {
        let point = |position: Position| Point { line: position.line, column: position.column };
        let edits = fix.edits.iter().filter_map(|edit| {
            let Location { file, start, end, .. } = sources.locate(edit.span)?;
            Some(Replacement { file, start: point(start), end: point(end), text: &edit.text })
        });
        Self { title: &fix.title, edits: edits.collect() }
    }
}

impl<'a> Place<'a> {
    fn of(location: &'a Location) -> Self {
        Self {
            file: &location.file,
            line: location.start.line,
            column: location.start.column,
            end_line: location.end.line,
            end_column: location.end.column,
            used_in_line: location.via_line,
        }
    }
}

/// Returns the JSON of a place; `None` for a place that no text holds.
#[must_use]
pub fn location(sources: &Sources, span: Span) -> Option<serde_json::Value> {
    sources.locate(span).map(|location| serde_json::json!(Place::of(&location)))
}
