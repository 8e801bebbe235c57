//! A report as one HTML page that asks nothing of any other file: it opens from a mail, and prints.

use minijinja::AutoEscape;
use minijinja::Environment;
use minijinja::Error;
use minijinja::Value;
use minijinja::context;
use minijinja::value::Serde;
use serde_json::Value as Json;

use crate::escape;
use crate::quantity::Seconds;
use crate::report::document::RunReport;
use crate::report::drawing;
use crate::report::drawing::Window;

/// Styles of all pages.
pub(super) const STYLE: &str = include_str!("style.css");

/// Rows of a list that are told one by one; of more, the first.
const LISTED: usize = 200;

/// Returns the page of a report.
#[must_use]
pub fn page(report: &RunReport) -> String {
    let rto_s = report.objectives.as_ref().and_then(|objectives| objectives.rto.objective_s);
    let chart =
        |window| report.timeline.as_ref().and_then(|timeline| drawing::gantt(timeline, window, rto_s));
    let whole = chart(Window::Whole);
    // Where the outage is most of the run, it is told already.
    let is_small = report.timeline.as_ref().is_some_and(|timeline| {
        let outage = timeline.plan.rto_s.or(timeline.plan.at_least_s).unwrap_or(0);
        outage * 10 < timeline.took_s * 7
    });
    let outage = if is_small { chart(Window::Outage) } else { None };
    let mut json = serde_json::to_value(report).expect("a report has a JSON form");
    if let Some(timeline) = json.get_mut("timeline").filter(|timeline| !timeline.is_null()) {
        timeline["steps"] = Json::Null;
    }
    let safe = |svg: Option<String>| svg.map(Value::from_safe_string);
    let page = context! {
        report => Value::from(Serde(harmless(json))),
        headline => harmless_text(&report.headline()),
        findings => Value::from(Serde(harmless(
            serde_json::to_value(report.findings_by_rule()).expect("findings have a JSON form"),
        ))),
        listed => LISTED,
        style => Value::from_safe_string(STYLE.to_owned()),
        whole => safe(whole),
        outage => safe(outage),
        trend => safe(drawing::trend(&report.trend, rto_s)),
    };
    rendered("report.html", include_str!("report.html"), page)
}

/// Returns a page of ours, its values escaped.
pub(super) fn rendered(name: &'static str, template: &'static str, values: Value) -> String {
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.add_filter("duration", duration);
    environment.add_filter("moment", moment);
    environment.add_filter("words", words);
    environment.add_template(name, template).expect("our own template is well-formed");
    let template = environment.get_template(name).expect("it was just added");
    template.render(values).expect("our own template names only what it is given")
}

/// Returns seconds as a length of time; a dash for nothing.
fn duration(value: Value) -> Result<String, Error> {
    if value.is_none() || value.is_undefined() {
        return Ok("–".to_owned());
    }
    Ok(Seconds(u64::try_from(value)?).to_string())
}

/// Returns a moment to the second; a dash for nothing.
fn moment(value: Value) -> String {
    let text = value.as_str().unwrap_or_default();
    match text.parse::<jiff::Timestamp>() {
        Ok(at) => at.strftime("%Y-%m-%d %H:%M:%SZ").to_string(),
        Err(_) => "–".to_owned(),
    }
}

/// Returns a word of ours as a person reads it.
fn words(value: Value) -> String {
    let text = value.as_str().unwrap_or("–");
    text.replace(['_', '-'], " ")
}

/// Returns text without what would turn it round or hide in it.
pub(super) fn harmless_text(text: &str) -> String {
    escape::lines(text).into_owned()
}

/// Returns a value whose texts have nothing in them that would turn them round or hide.
pub(super) fn harmless(value: Json) -> Json {
    match value {
        Json::String(text) => Json::String(harmless_text(&text)),
        Json::Array(values) => Json::Array(values.into_iter().map(harmless).collect()),
        Json::Object(values) => Json::Object(
            values.into_iter().map(|(key, value)| (harmless_text(&key), harmless(value))).collect(),
        ),
        Json::Null | Json::Bool(_) | Json::Number(_) => value,
    }
}
