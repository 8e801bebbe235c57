//! Findings of rules as problems of a document: each violation for itself, unless many of them stand at one place; what is open
//! or awaited summed up.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::collections::HashSet;
use std::ops::Range;

use lsp_types::DiagnosticSeverity;

use crate::diagnostic::Severity;
use crate::model::Model;
use crate::model::fact_source::source_of;
use crate::rules;
use crate::rules::Finding;
use crate::rules::Found;
use crate::rules::One;
use crate::rules::Options;
use crate::rules::Policies;
use crate::rules::State;
use crate::rules::Subject;
use crate::rules::SubjectKind;
use crate::source::Span;

use super::ground::Ground;
use super::ground::Spot;
use super::problem;
use super::problem::Problem;
use super::problem::Proposal;

/// Things that are named in a summary; the others are counted.
const NAMED: usize = 5;
/// Violations of a rule that stand at one place and are shown one by one: a line that all machines share would have a thousand.
const FEW: usize = 5;

/// Returns what rules found as problems, the heaviest first.
pub(super) fn problems(
    findings: &Found,
    model: &Model,
    ground: &Ground,
    policies: &Policies,
    options: &Options,
) -> Vec<Problem> {
    // What the run waits for never refuses a plan.
    let state = |finding: &Finding| match finding.state {
        State::Violated | State::Waived if finding.awaited => State::Pending,
        state => state,
    };
    let mut kept: Vec<(State, &Finding)> =
        findings.kept().iter().map(|finding| (state(finding), finding)).collect();
    kept.sort_by_key(|(state, finding)| (Reverse(finding.severity), *state, finding.span, &*finding.rule));
    let mut found = Vec::new();
    let (mut open, mut awaited) = (BTreeMap::new(), BTreeMap::new());
    let is_alike = |one: &(State, &Finding), other: &(State, &Finding)| {
        let of = |(state, finding): &(State, &Finding)| (*state, finding.severity, finding.span);
        of(one) == of(other)
            && one.1.rule == other.1.rule
            && one.1.help == other.1.help
            && one.1.waived_because == other.1.waived_because
    };
    for alike in kept.chunk_by(is_alike) {
        let state = alike[0].0;
        let alike: Vec<&Finding> = alike.iter().map(|(_, finding)| *finding).collect();
        let together = if alike.len() > FEW { alike.len() } else { 1 };
        match state {
            State::Violated => {
                found.extend(alike.chunks(together).map(|alike| violated(alike, model, ground, policies)));
            }
            State::Waived => found.extend(alike.chunks(together).map(|alike| waived(alike, model, ground))),
            State::Indeterminate => {}
            // The command line counts these; beside the text of a plan they would be noise.
            State::Unmeasured => {}
            State::Pending => awaited.entry(&*alike[0].rule).or_insert_with(Vec::new).extend(alike),
        }
    }
    for one in findings.undecided() {
        open.entry(one.fact().unwrap_or("inventory")).or_insert_with(Vec::new).push(one);
    }
    found.extend(open.into_iter().map(|(fact, of)| undecided(fact, &of, model, ground, options.strict)));
    found.extend(awaited.into_values().map(|of| pending(&of, model, ground)));
    found
}

const fn severity(severity: Severity) -> DiagnosticSeverity {
    match severity {
        Severity::Error => DiagnosticSeverity::ERROR,
        Severity::Warning => DiagnosticSeverity::WARNING,
        Severity::Info => DiagnosticSeverity::INFORMATION,
    }
}

/// Returns where the plan is named: what is about all of it is shown there.
fn plan_name(model: &Model) -> Range<usize> {
    Ground::own().spot(model.plan_span()).map_or(0..0, |spot| spot.range)
}

fn problem(finding: &Finding, model: &Model, ground: &Ground, message: String) -> Problem {
    let at = ground.spot(finding.span).unwrap_or(Spot::own(plan_name(model)));
    let related = problem::related(finding.span, &finding.related, ground);
    let anchor = (!at.is_own()).then(|| {
        let own = related.iter().find(|(spot, _)| spot.is_own()).map(|(spot, _)| spot.range.clone());
        own.or_else(|| named_at(&finding.subject, model, ground)).unwrap_or_else(|| facts_name(model))
    });
    Problem {
        at,
        anchor,
        severity: severity(finding.severity),
        code: finding.rule.clone().into_owned(),
        message,
        related,
        proposals: Vec::new(),
    }
}

/// Returns where the plan names its facts.
fn facts_name(model: &Model) -> Range<usize> {
    let named = model.plan.inventory.as_ref().and_then(|named| Ground::own().spot(named.span));
    named.map_or_else(|| plan_name(model), |spot| spot.range)
}

/// Returns where the plan names what a finding is about, first.
fn named_at(subject: &Subject, model: &Model, ground: &Ground) -> Option<Range<usize>> {
    let of_setting = |pick: &dyn Fn(&crate::model::settings::FailbackSettings) -> Option<Span>| {
        model.machines().find_map(|machine| pick(&machine.settings().failback))
    };
    // A server that only the way back to Azure leads through.
    let of_forward = |pick: &dyn Fn(&crate::model::settings::ForwardSettings) -> Option<Span>| {
        model.machines().find_map(|machine| pick(machine.settings().forward.as_ref()?))
    };
    let is_it = |name: &Option<crate::source::Spanned<String>>| {
        name.as_ref().filter(|name| name.value == subject.name).map(|name| name.span)
    };
    let span = match subject.kind {
        SubjectKind::Machine => model.machine_named(&subject.name)?.name().span,
        SubjectKind::ReplicationGroup => model.group_named(&subject.name)?.name().span,
        SubjectKind::MasterTarget => of_setting(&|failback| is_it(&failback.master_target))
            .or_else(|| of_forward(&|forward| is_it(&forward.master_target)))?,
        SubjectKind::ProcessServer => of_setting(&|failback| is_it(&failback.process_server))
            .or_else(|| of_forward(&|forward| is_it(&forward.process_server)))?,
        SubjectKind::Appliance => of_setting(&|failback| is_it(&failback.appliance))
            .or_else(|| of_forward(&|forward| is_it(&forward.appliance)))?,
        SubjectKind::Datastore => of_setting(&|failback| is_it(&failback.datastore))?,
        SubjectKind::Host => of_setting(&|failback| is_it(&failback.host))?,
        SubjectKind::Vcenter => of_setting(&|failback| is_it(&failback.vcenter))?,
        SubjectKind::Plan
        | SubjectKind::BootGroup
        | SubjectKind::Action
        | SubjectKind::Drill
        | SubjectKind::Waiver
        | SubjectKind::Vault
        | SubjectKind::ConfigurationServer
        | SubjectKind::Network => return None,
    };
    ground.spot(span).filter(Spot::is_own).map(|spot| spot.range)
}

/// Returns violations of a rule that stand at one place as one problem, which is told about the first of them.
fn violated(alike: &[&Finding], model: &Model, ground: &Ground, policies: &Policies) -> Problem {
    let finding = alike[0];
    let message = problem::with_help(&in_words(alike), &finding.help);
    let mut problem = problem(finding, model, ground, message);
    for other in alike[1..].iter().take(problem::PLACES) {
        problem.related.extend(problem::related(Span { via: 0, ..other.span }, &other.related, ground));
    }
    if let Some(word) = problem::meant(&finding.help) {
        problem.proposals.push(Proposal::Replace(word.to_owned()));
    }
    let is_waivable = match rules::find(&finding.rule) {
        Some(_) => rules::is_waivable(&finding.rule, finding.severity),
        None => policies.is_waivable(finding),
    };
    if is_waivable {
        problem.proposals.push(Proposal::Waive {
            rule: finding.rule.clone().into_owned(),
            subjects: subjects_of(alike),
            plan: plan_name(model).start,
        });
    }
    problem
}

/// Returns what findings of a rule at one place say: the words of the first, and about whom the others are.
fn in_words(alike: &[&Finding]) -> String {
    let (first, others) = (alike[0], &alike[1..]);
    match others.len() {
        0 => first.message.clone(),
        count => {
            let names = row(others.iter().map(|other| other.subject.name.as_str()));
            format!("{} (and {count} more: {names})", first.message)
        }
    }
}

/// Returns the names of the subjects of some findings, each once.
fn subjects_of(findings: &[&Finding]) -> Vec<String> {
    let mut seen = HashSet::new();
    let names = findings.iter().map(|finding| &finding.subject.name);
    names.filter(|name| seen.insert(name.as_str())).cloned().collect()
}

/// Returns accepted findings of a rule that stand at one place as one problem.
fn waived(alike: &[&Finding], model: &Model, ground: &Ground) -> Problem {
    let reason = alike[0].waived_because.as_deref().unwrap_or("");
    let mut problem = problem(alike[0], model, ground, format!("waived: {}\n{reason}", in_words(alike)));
    problem.severity = DiagnosticSeverity::HINT;
    problem
}

/// Returns names in a row, the first few of them.
fn row<'n>(names: impl IntoIterator<Item = &'n str>) -> String {
    let mut seen = HashSet::new();
    let mut named: Vec<&str> = Vec::new();
    for name in names {
        if seen.insert(name) && named.len() < NAMED {
            named.push(name);
        }
    }
    let more = seen.len() - named.len();
    let named = named.join(", ");
    if more == 0 { named } else { format!("{named} and {more} more") }
}

fn undecided(fact: &str, of: &[One<'_>], model: &Model, ground: &Ground, strict: bool) -> Problem {
    let subjects = row(of.iter().map(|one| one.subject().1));
    let rules = row(of.iter().map(|one| one.rule()));
    let message = format!(
        "undecided: `{fact}` of {subjects} is not known, so {rules} can't be decided\nfrom: {}",
        source_of(fact)
    );
    let refuses = |one: &One<'_>| {
        one.severity() == Severity::Error && rules::find(one.rule()).is_none_or(|rule| rule.when.declared)
    };
    let is_refused = strict && of.iter().any(refuses);
    let mut problem = problem(&of[0].finding(), model, ground, message);
    if of.iter().any(|one| one.subject() != of[0].subject()) {
        problem.at = Spot::own(facts_name(model));
        problem.related.clear();
    }
    problem.severity = if is_refused { DiagnosticSeverity::ERROR } else { DiagnosticSeverity::INFORMATION };
    // Of several rules none is the one.
    if of.iter().any(|one| one.rule() != of[0].rule()) {
        problem.code = "undecided".to_owned();
    }
    problem
}

fn pending(of: &[&Finding], model: &Model, ground: &Ground) -> Problem {
    let more = match of.len() {
        1 => String::new(),
        count => format!(" (and {} more)", count - 1),
    };
    let message = format!("the run will wait: {}{more}", of[0].message);
    let mut problem = problem(of[0], model, ground, message);
    if of.len() > 1 {
        problem.at = Spot::own(plan_name(model));
        problem.related.clear();
    }
    problem.severity = DiagnosticSeverity::HINT;
    problem
}
