//! Actions and probes that say nothing to do or two things, and hooks that stand nowhere.

use crate::diagnostic::Diagnostic;
use crate::source::Span;
use crate::syntax::action::Action;
use crate::syntax::action::Hook;
use crate::syntax::action::Phase;
use crate::syntax::action::Probe;
use crate::syntax::decode::quoted;
use crate::syntax::template;
use crate::syntax::view::View;

use super::is_misspelt;
use super::settings;

const DOES: [&str; 5] = ["run", "manual", "runbook", "http", "tcp"];
const STANDS: [&str; 2] = ["before", "after"];
const ASKS: [&str; 2] = ["http", "tcp"];

pub(super) fn check(plan: View<'_, '_>, found: &mut Vec<Diagnostic>) {
    for (at, action) in plan.list("actions").enumerate().filter(|(_, action)| action.is_mapping()) {
        check_action(action, &format!("actions[{at}]"), found);
    }
    for (at, notice) in plan.list("notify").enumerate() {
        if let Some((request, body)) = notice.get("http").and_then(|http| Some((http, http.get("body")?))) {
            let place = request.get("url").unwrap_or(request);
            settings::check_body(body, place, &format!("notify[{at}].http.body"), found);
        }
    }
    if let Some(defaults) = plan.get("defaults") {
        check_probes(defaults, "defaults", found);
    }
    for (at, machine) in plan.list("machines").enumerate() {
        check_probes(machine, &format!("machines[{at}]"), found);
    }
}

fn count(block: View<'_, '_>, keys: &[&str]) -> usize {
    keys.iter().filter(|key| block.get(key).is_some()).count()
}

/// Returns whether a block has another number of some keys than one, as far as that can be told.
fn is_not_one(block: View<'_, '_>, keys: &[&'static str], known: &[&'static str]) -> bool {
    match count(block, keys) {
        0 => !is_misspelt(block, keys, known),
        1 => false,
        _ => true,
    }
}

fn check_action(action: View<'_, '_>, path: &str, found: &mut Vec<Diagnostic>) {
    let name = action.get("name").filter(|name| name.text().is_some());
    let span = name.unwrap_or(action).span();
    let named = match name.and_then(View::text) {
        Some(name) => format!("action {}", quoted(name)),
        None => "the action".to_owned(),
    };
    if is_not_one(action, &DOES, Action::KEYS) {
        let message =
            format!("{named} must have exactly one of `run`, `manual`, `runbook`, `http` and `tcp`");
        found.push(bad(span, message, "write what it does, once", path));
    }
    if count(action, &STANDS) == 0 && !is_misspelt(action, &STANDS, Action::KEYS) {
        let message = format!("{named} says neither `before` nor `after` which phase it runs");
        let help = "add `before: {phase: …, of: …}` or `after: {phase: …, of: …}`";
        found.push(bad(span, message, help, path));
    }
    let both = count(action, &STANDS) == 2;
    for key in STANDS {
        if let Some(hook) = action.get(key).filter(|hook| hook.is_mapping()) {
            check_hook(hook, both, &format!("{path}.{key}"), found);
        }
    }
    let outcome = action.get("before").and_then(|hook| hook.list("outcome").next());
    if let Some(outcome) = outcome {
        let message = "an action before a phase can't depend on how the phase ends";
        let help = "delete `outcome`, or use `after`";
        found.push(bad(outcome.span(), message, help, &format!("{path}.before.outcome")));
    }
    let whose = name.and_then(View::text).map_or_else(|| "the action".to_owned(), quoted);
    let known = template::VARIABLES.join(", ");
    if let Some(request) = action.get("http")
        && let Some(variable) =
            request.get("body").and_then(|body| unknown_variable(body, &template::VARIABLES))
    {
        let message = format!("the body of {whose} speaks of {}, which there is not", quoted(&variable));
        let place = request.get("url").unwrap_or(request);
        found.push(bad(place.span(), message, format!("known: {known}"), &format!("{path}.http.body")));
    }
    if let Some(run) = action.get("run").filter(|run| run.is_mapping()) {
        for (at, word) in run.list("command").enumerate() {
            let Some(variable) = unknown_variable(word, &template::VARIABLES) else { continue };
            let message =
                format!("the command of {whose} speaks of {}, which there is not", quoted(&variable));
            let help = format!("known: {known}; braces that are for the program itself belong into a script");
            found.push(bad(word.span(), message, help, &format!("{path}.run.command[{at}]")));
        }
    }
}

fn check_hook(hook: View<'_, '_>, both: bool, path: &str, found: &mut Vec<Diagnostic>) {
    let Some(place) = hook.get("phase") else { return };
    // What no phase is was told as that.
    let Some(phase) = place.text().and_then(Phase::from_word) else { return };
    let is_run = phase == Phase::Run;
    let of = hook.get("of");
    if is_run && of.is_some() {
        let message = "the phase `run` is of the whole plan and takes no `of`";
        found.push(bad(place.span(), message, "delete `of`", path));
    } else if !is_run && of.is_none() && !is_misspelt(hook, &["of"], Hook::KEYS) {
        let message = format!("`of` is missing: whose {phase} is meant?");
        let help = "add `of:` with a machine, replication group or boot group";
        found.push(bad(place.span(), message, help, path));
    }
    if is_run && both {
        let message = "an action before or after the whole run can't stand before or after a phase of it too";
        let help = "keep one of `before` and `after`, or make two actions of it";
        found.push(bad(place.span(), message, help, path));
    }
}

fn check_probes(block: View<'_, '_>, path: &str, found: &mut Vec<Diagnostic>) {
    for (at, probe) in block.list("verify").enumerate().filter(|(_, probe)| probe.is_mapping()) {
        if is_not_one(probe, &ASKS, Probe::KEYS) {
            let name = probe.get("name").filter(|name| name.text().is_some());
            let named = match name.and_then(View::text) {
                Some(name) => format!("probe {}", quoted(name)),
                None => "the probe".to_owned(),
            };
            let message = format!("{named} must have exactly one of `http` and `tcp`");
            let (span, path) = (name.unwrap_or(probe).span(), format!("{path}.verify[{at}]"));
            found.push(bad(span, message, "write what it asks, once", &path));
        }
    }
}

fn bad(span: Span, message: impl Into<String>, help: impl Into<String>, path: &str) -> Diagnostic {
    Diagnostic::error("bad-action", span, message).help(help).path(path)
}

/// Returns the first variable of a value's texts that there is not.
pub(super) fn unknown_variable(value: View<'_, '_>, known: &[&str]) -> Option<String> {
    let mut work = vec![value];
    while let Some(value) = work.pop() {
        if let Some(text) = value.text() {
            if let Some(variable) = template::unknown_among(text, known).into_iter().next() {
                return Some(variable);
            }
            continue;
        }
        let mut inner: Vec<View<'_, '_>> = value.items().chain(value.values()).collect();
        inner.reverse();
        work.append(&mut inner);
    }
    None
}
