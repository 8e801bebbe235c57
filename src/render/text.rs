//! Items as text for a terminal: source excerpt, caret, help, and the rule with its article.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fmt::Write as _;

use annotate_snippets::Group;
use annotate_snippets::Level;

use crate::diagnostic::Label;
use crate::diagnostic::Severity;
use crate::escape;
use crate::model::fact_source::source_of;
use crate::render::Item;
use crate::render::excerpt;
use crate::render::excerpt::Mark;
use crate::render::missing::missing_facts;
use crate::render::style::Style;
use crate::render::style::Tone;
use crate::render::style::Verbosity;
use crate::rules::Explanation;
use crate::rules::One;
use crate::rules::State;
use crate::source::Sources;

/// Similar items that are shown; the others are counted.
const SIMILAR: usize = 50;
/// Places that are shown beside an item's own.
const PLACES: usize = 6;
/// The rule whose places are the finding itself: a cycle that is shown in part is none. Those beyond `PLACES` follow in a line each.
const CYCLE: &str = "FB524";

/// Writes an item with its excerpt.
pub fn item(out: &mut String, item: &Item<'_>, sources: &Sources, style: Style) {
    let mut marks = vec![Mark { span: item.span, text: "", primary: true }];
    marks.extend(item.related.iter().take(PLACES).map(|label| Mark {
        span: label.span,
        text: &label.text,
        primary: false,
    }));
    if sources.source_of(item.span).is_none() {
        return placeless(out, item, style);
    }
    let title = level(item).primary_title(escape::line(item.message)).id(escape::line(item.code));
    let excerpts = excerpt::of(sources, &marks);
    let mut misplaced = Vec::new();
    let mut group: Group<'_> = Group::with_title(title);
    for excerpt in excerpts {
        group = group.element(excerpt.snippet);
        misplaced.extend(excerpt.misplaced);
    }
    let more = item.related.get(PLACES..).unwrap_or_default();
    if !more.is_empty() && item.code == CYCLE {
        let lines = more.iter().map(|label| place_of(label, sources)).collect::<Vec<_>>().join("\n");
        group = group.element(Level::NOTE.with_name("also").message(lines));
    } else if !more.is_empty() {
        group = group.element(Level::NOTE.message(format!("{} more places are not shown", more.len())));
    }
    if let Some(note) = used_at(item, sources) {
        group = group.element(Level::NOTE.message(note));
    }
    if let Some(fact) = item.fact {
        let from = source_of(fact);
        let from = format!("`{}`: {from}", escape::line(fact));
        group = group.element(Level::NOTE.with_name("from").message(from));
    }
    if let Some(reason) = item.waived_because {
        group = group.element(Level::NOTE.with_name("waived").message(escape::line(reason).into_owned()));
    }
    if let Some(Explanation::Explains(counts)) = item.explanation {
        let rules = counts.iter().map(|(rule, count)| match count {
            1 => rule.clone(),
            count => format!("{rule} ×{count}"),
        });
        let rules = rules.collect::<Vec<_>>().join(", ");
        group = group.element(Level::NOTE.with_name("explains").message(rules));
    }
    if let Some(help) = item.help.filter(|help| !help.is_empty()) {
        group = group.element(Level::HELP.message(escape::line(help).into_owned()));
    }
    if let Some(article) = item.article {
        let rule = format!("{} — {article}", named(item));
        group = group.element(Level::NOTE.with_name("rule").message(escape::line(&rule).into_owned()));
    }
    let mut text = style.renderer().render(&[group]);
    for place in misplaced {
        text = text.replacen(&place.printed, &place.right, 1);
    }
    out.push_str(&text);
    out.push_str("\n\n");
}

/// Returns a place of an item in one line.
fn place_of(label: &Label, sources: &Sources) -> String {
    let text = escape::line(&label.text);
    match sources.locate(label.span) {
        Some(place) => {
            format!("{}:{}:{}: {text}", escape::line(&place.file), place.start.line, place.start.column)
        }
        None => text.into_owned(),
    }
}

/// Writes an item that no text holds.
fn placeless(out: &mut String, item: &Item<'_>, style: Style) {
    let mut group =
        Group::with_title(level(item).primary_title(escape::line(item.message)).id(escape::line(item.code)));
    if let Some(article) = item.article {
        let rule = format!("{} — {article}", named(item));
        group = group.element(Level::NOTE.with_name("rule").message(escape::line(&rule).into_owned()));
    }
    out.push_str(&style.renderer().render(&[group]));
    if let Some(help) = item.help.filter(|help| !help.is_empty()) {
        let _ = write!(out, "\n{}: {}", style.paint(Tone::Open, "help"), escape::line(help));
    }
    out.push_str("\n\n");
}

fn level(item: &Item<'_>) -> Level<'static> {
    let level = match item.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Info => Level::INFO,
    };
    match item.state {
        State::Violated => level,
        State::Indeterminate => level.with_name("undecided"),
        State::Unmeasured => Level::INFO.with_name("not measured"),
        State::Pending => Level::INFO.with_name("pending"),
        State::Waived => Level::NOTE.with_name("waived"),
    }
}

/// Says where values are used that are written elsewhere, behind an anchor.
fn used_at(item: &Item<'_>, sources: &Sources) -> Option<String> {
    let place = sources.locate(item.span)?;
    let line = place.via_line.filter(|line| *line != place.start.line)?;
    let file = escape::line(&place.file).into_owned();
    Some(format!("the value is used in line {line} of {file}, through an alias"))
}

/// Writes items with their excerpts; of more than fifty similar ones the others are counted.
pub fn items<'i>(
    out: &mut String,
    items: impl IntoIterator<Item = &'i Item<'i>>,
    sources: &Sources,
    style: Style,
) {
    let mut shown: BTreeMap<(&str, Severity), usize> = BTreeMap::new();
    for one in items {
        let count = shown.entry((one.code, one.severity)).or_default();
        *count += 1;
        if *count <= SIMILAR {
            item(out, one, sources, style);
        }
    }
    tell_more(out, shown.into_iter().map(|((code, _), count)| (code, count)));
}

/// Writes an item in one line, with its place.
pub fn line(out: &mut String, item: &Item<'_>, sources: &Sources, style: Style) {
    let (tone, word) = match item.state {
        State::Violated => match item.severity {
            Severity::Error => (Tone::Error, "error"),
            Severity::Warning => (Tone::Warning, "warning"),
            Severity::Info => (Tone::Open, "info"),
        },
        State::Indeterminate => (Tone::Open, "undecided"),
        State::Unmeasured => (Tone::Open, "not measured"),
        State::Pending => (Tone::Open, "pending"),
        State::Waived => (Tone::Good, "waived"),
    };
    let head = format!("{word}[{}]", escape::line(item.code));
    let _ = write!(out, "{}: {}", style.paint(tone, head), escape::line(item.message));
    if let Some(reason) = item.waived_because {
        let _ = write!(out, " — {}", escape::line(reason));
    }
    if let Some(place) = sources.locate(item.span) {
        let place = format!("({}:{}:{})", escape::line(&place.file), place.start.line, place.start.column);
        let _ = write!(out, " {}", style.paint(Tone::Faint, place));
    }
    out.push('\n');
}

/// Writes items in one line each; of more than fifty similar ones the others are counted.
pub fn one_line_each<'i>(
    out: &mut String,
    items: impl IntoIterator<Item = &'i Item<'i>>,
    sources: &Sources,
    style: Style,
) {
    let mut shown: BTreeMap<&str, usize> = BTreeMap::new();
    for one in items {
        let count = shown.entry(one.code).or_default();
        *count += 1;
        if *count <= SIMILAR {
            line(out, one, sources, style);
        }
    }
    for (code, count) in shown.into_iter().filter(|(_, count)| *count > SIMILAR) {
        let _ = writeln!(out, "… and {} more of {}", count - SIMILAR, escape::line(code));
    }
}

/// Returns the id of an item's rule and its name, if that is another word.
fn named(item: &Item<'_>) -> String {
    if item.code == item.name { item.code.to_owned() } else { format!("{} {}", item.code, item.name) }
}

/// Writes what missing facts leave open with its excerpts; of more than fifty similar ones the others are counted.
fn open_ones<'i>(
    out: &mut String,
    undecided: impl Iterator<Item = One<'i>>,
    sources: &Sources,
    style: Style,
) {
    let mut shown: BTreeMap<(&str, Severity), usize> = BTreeMap::new();
    for one in undecided {
        let count = shown.entry((one.rule(), one.severity())).or_default();
        *count += 1;
        if *count <= SIMILAR {
            item(out, &Item::of_finding(&one.finding()), sources, style);
        }
    }
    tell_more(out, shown.into_iter().map(|((code, _), count)| (code, count)));
}

/// Says how many similar ones were not shown.
fn tell_more<'i>(out: &mut String, shown: impl Iterator<Item = (&'i str, usize)>) {
    for (code, count) in shown.filter(|(_, count)| *count > SIMILAR) {
        let _ = writeln!(out, "… and {} more of {}\n", count - SIMILAR, escape::line(code));
    }
}

/// Writes in one line what a run will wait for.
pub fn awaited<'i>(out: &mut String, items: impl IntoIterator<Item = &'i Item<'i>>, style: Style) {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for item in items {
        *counts.entry(item.code).or_default() += 1;
    }
    if counts.is_empty() {
        return;
    }
    let rules: Vec<String> = counts.iter().map(|(code, count)| format!("{code} ×{count}")).collect();
    let _ =
        writeln!(out, "{}: the run will wait for: {}", style.paint(Tone::Open, "pending"), rules.join(", "));
}

/// Counts in one line the rules that a measurement would decide which nobody made.
fn unmeasured<'i>(out: &mut String, items: impl IntoIterator<Item = &'i Item<'i>>, style: Style) {
    let (mut rules, mut facts) = (BTreeSet::new(), BTreeSet::new());
    for item in items {
        rules.insert(item.code);
        facts.extend(item.fact.map(|fact| format!("`{}`", escape::line(fact))));
    }
    let count = match rules.len() {
        0 => return,
        1 => "1 rule needs".to_owned(),
        count => format!("{count} rules need"),
    };
    let facts: Vec<String> = facts.into_iter().collect();
    let word = style.paint(Tone::Open, "not measured");
    let _ =
        writeln!(out, "{word}: {count} {}, which the inventory leaves out; -v tells which", facts.join(", "));
}

/// Writes everything about one plan: errors first, then what is open, then what needs nobody.
///
/// `all` is what was found but for what is `undecided`.
pub fn plan<'o>(
    out: &mut String,
    all: &[Item<'_>],
    undecided: impl Iterator<Item = One<'o>>,
    sources: &Sources,
    style: Style,
) {
    let of = |state: State, severity: Severity| {
        all.iter().filter(move |item| item.state == state && item.severity == severity)
    };
    let in_state = |state: State| all.iter().filter(move |item| item.state == state);
    items(out, of(State::Violated, Severity::Error), sources, style);
    match style.verbosity {
        Verbosity::Quiet => {}
        Verbosity::Normal => {
            items(out, of(State::Violated, Severity::Warning), sources, style);
            let before = out.len();
            missing_facts(out, undecided, style);
            one_line_each(out, of(State::Violated, Severity::Info), sources, style);
            one_line_each(out, in_state(State::Waived), sources, style);
            awaited(out, in_state(State::Pending), style);
            unmeasured(out, in_state(State::Unmeasured), style);
            if out.len() > before {
                out.push('\n');
            }
        }
        Verbosity::Verbose => {
            items(out, of(State::Violated, Severity::Warning), sources, style);
            open_ones(out, undecided, sources, style);
            items(out, of(State::Violated, Severity::Info), sources, style);
            items(out, in_state(State::Waived), sources, style);
            items(out, in_state(State::Pending), sources, style);
            items(out, in_state(State::Unmeasured), sources, style);
        }
    }
}
