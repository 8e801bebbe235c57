//! Items as JSON: one document, one item a line, written as they come.

use std::io;
use std::io::Write;

use serde::Serialize;

use crate::render::About;
use crate::render::Item;
use crate::render::summary::Counts;
use crate::source::Location;
use crate::source::Sources;
use crate::source::Span;

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
    #[serde(skip_serializing_if = "Option::is_none")]
    waived_because: Option<&'a str>,
    #[serde(skip_serializing_if = "str::is_empty")]
    path: &'a str,
}

/// Writes findings as one JSON document, which [`Findings::end`] completes.
pub struct Findings<'w> {
    out: &'w mut dyn Write,
    counts: Counts,
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
        Ok(Self { out, counts: Counts::default(), any: false })
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
            waived_because: item.waived_because,
            path: item.path,
        };
        self.out.write_all(if self.any { b",\n" } else { b"\n" })?;
        self.any = true;
        self.counts.add(item);
        serde_json::to_writer(&mut self.out, &record).map_err(io::Error::from)
    }

    /// Completes the document with its summary.
    ///
    /// # Errors
    ///
    /// The output's own.
    pub fn end(self) -> io::Result<()> {
        self.out.write_all(if self.any { b"\n],\"summary\":" } else { b"],\"summary\":" })?;
        serde_json::to_writer(&mut *self.out, &self.counts)?;
        self.out.write_all(b"}\n")
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
