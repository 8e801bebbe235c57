//! Comments that accept findings: they change nothing but what they accept, and that only where it may be accepted.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use failback::model::Model;
use failback::rules;
use failback::rules::Finding;
use failback::rules::Options;
use failback::rules::OriginFilter;
use failback::rules::State;
use failback::rules::is_waivable;
use failback::syntax::Document;
use failback::syntax::remark::Remark;

use super::INVENTORY;
use super::PLAN;
use super::can_be_shown;
use super::document;
use super::is_in;
use super::now;
use super::read;

/// Rules about waivers themselves.
const ABOUT_WAIVERS: [&str; 8] = ["FB525", "FB526", "FB527", "FB528", "FB529", "FB530", "FB531", "FB536"];

/// Asks everything of a comment, or of a text of several lines.
pub fn claims(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if text.contains('\n') {
        document::of_text(&text);
        of_remarks(&text);
        return;
    }
    let comment = text.replace('\r', " ");
    let lines: Vec<&str> = PLAN.lines().collect();
    // One of the lines, so that inputs differ in it.
    let at = bytes.iter().fold(0_usize, |sum, byte| sum + usize::from(*byte)) % lines.len();
    for written in
        [format!("# {comment}"), format!("# failback: {comment}"), format!("# failback: ignore[{comment}")]
    {
        let beside = |(index, line): (usize, &&str)| match index == at {
            true => format!("{line} {written}\n"),
            false => format!("{line}\n"),
        };
        changes_nothing(&lines.iter().enumerate().map(beside).collect::<String>());
        let above = |(index, line): (usize, &&str)| match index == at {
            true => format!("  {written}\n{line}\n"),
            false => format!("{line}\n"),
        };
        changes_nothing(&lines.iter().enumerate().map(above).collect::<String>());
    }
}

/// Returns the comments of a text, each of which has its places.
fn of_remarks(text: &str) -> Vec<Remark> {
    let read = read(text);
    let mut remarks = Vec::new();
    for document in &read.documents {
        match document {
            Document::Plan(plan) => remarks.extend(plan.remarks.clone()),
            Document::Inventory(inventory) => remarks.extend(inventory.remarks.clone()),
            Document::Policy(_) | Document::Settings(_) => {}
        }
    }
    for remark in &remarks {
        is_in(read.source(), remark.comment.0, "a comment");
        is_in(read.source(), remark.line.0, "a line");
        assert!(!remark.rules.is_empty());
        for rule in &remark.rules {
            is_in(read.source(), rule.span, "an id");
            assert_eq!(read.sources.slice(rule.span), rule.value);
            assert!(remark.comment.0.start < rule.span.start && rule.span.end < remark.comment.0.end);
        }
        let written = read.sources.slice(remark.comment.0);
        assert!(written.starts_with('#') && !written.contains(['\n', '\r']), "{written:?}");
        assert!(written.contains(&remark.reason), "{written:?}: {:?}", remark.reason);
        assert!(!read.sources.slice(remark.line.0).contains(['\n', '\r']));
    }
    remarks
}

/// A comment in the reference plan changes no value of it, and accepts only what may be accepted.
fn changes_nothing(text: &str) {
    let with = read(text);
    for mistake in &with.diagnostics {
        can_be_shown(with.source(), mistake);
        let is_known = matches!(mistake.code, "bad-comment" | "control-character");
        assert!(is_known, "{mistake:?} in {text}");
    }
    let (Some(document), []) = (with.documents.first(), &with.diagnostics[..]) else { return };
    let without = read(PLAN);
    assert_eq!(document::without_remarks(document), without.documents[0], "{text}");
    let remarks = of_remarks(text);
    assert!(remarks.len() <= 1, "{remarks:?}");
    if remarks.is_empty() {
        return;
    }
    static BEFORE: OnceLock<Found> = OnceLock::new();
    let (before, after) = (BEFORE.get_or_init(|| findings(PLAN)), findings(text));
    for (subject, was) in before {
        let is = after.get(subject);
        let is_asked = remarks.iter().any(|remark| {
            remark.rules.iter().any(|rule| rule.value == was.rule)
                && remark.reason.chars().any(char::is_alphanumeric)
        });
        let state = is.map(|is| is.state);
        let may_be = is_asked && is_waivable(&was.rule, was.severity);
        assert!(
            state == Some(was.state) || (may_be && state == Some(State::Waived)),
            "{subject:?} is {state:?}: {text}"
        );
    }
    for (subject, is) in &after {
        let is_new = !before.contains_key(subject);
        assert!(!is_new || ABOUT_WAIVERS.contains(&&*is.rule), "{subject:?} is new: {text}");
    }
}

type Found = BTreeMap<(String, String, String), Finding>;

fn findings(plan: &str) -> Found {
    let model: Model = super::world(plan, INVENTORY);
    let options = Options { origin: OriginFilter::All, strict: false, now: now() };
    let found = rules::check(model, &options).findings.into_iter();
    let key = |found: &Finding| (found.rule.to_string(), found.subject.name.clone(), found.message.clone());
    found.map(|found| (key(&found), found)).collect()
}
