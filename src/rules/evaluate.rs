//! Evaluates rules: over a whole plan, or at a guard of a run.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::LazyLock;

use jiff::Timestamp;

use crate::diagnostic::Severity;
use crate::model::Fact;
use crate::model::Known;
use crate::model::Machine;
use crate::model::Model;
use crate::model::Unknown;
use crate::rules::all;
use crate::rules::conflict;
use crate::rules::findings::Finding;
use crate::rules::findings::Findings;
use crate::rules::findings::State;
use crate::rules::findings::Subject;
use crate::rules::findings::SubjectKind;
use crate::rules::ledger;
use crate::rules::ledger::Ledger;
use crate::rules::policy::Policies;
use crate::rules::rule::Check;
use crate::rules::rule::Guard;
use crate::rules::rule::Origin;
use crate::rules::rule::Rule;
use crate::rules::steps;
use crate::rules::steps::PlannedStep;
use crate::rules::waiver;
use crate::source::Span;

/// Which rules are evaluated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OriginFilter {
    /// Those that the article of 2017 states, and what keeps the plan consistent in itself.
    Seed,
    /// All.
    #[default]
    All,
}

/// How a plan is checked.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Which rules are evaluated.
    pub origin: OriginFilter,
    /// Whether a rule that could be decided from plan and inventory may not stay indeterminate.
    pub strict: bool,
    /// The moment at which dates of plan and certificates are measured.
    pub now: Timestamp,
}

/// What was found.
#[derive(Debug)]
pub struct Report {
    /// Every finding: the heaviest first, then in the order of the document.
    pub findings: Vec<Finding>,
    /// The plan, if nothing refuses it.
    pub checked: Option<CheckedPlan>,
}

/// A plan that no rule refuses. Only [`check`] makes one, and a test [without it](CheckedPlan::unjudged).
#[derive(Clone, Debug)]
pub struct CheckedPlan {
    model: Arc<Model>,
}

impl CheckedPlan {
    /// Returns a plan that nobody checked, so that a refused plan can be run on the emulated service: the test that compares
    /// the rules with the service needs it, and nothing else may call it.
    #[must_use]
    pub const fn unjudged(model: Arc<Model>) -> Self {
        Self { model }
    }

    /// Returns the plan and its facts.
    #[must_use]
    pub const fn model(&self) -> &Arc<Model> {
        &self.model
    }
}

/// Evaluates every built-in rule over a plan.
#[must_use]
pub fn check(model: Model, options: &Options) -> Report {
    check_with(model, &Policies::default(), options)
}

/// Evaluates every built-in rule and those of an organisation's policies over a plan.
#[must_use]
pub fn check_with(model: Model, policies: &Policies, options: &Options) -> Report {
    let mut findings = Vec::new();
    let steps = steps::of(&model);
    for rule in all().filter(|rule| is_chosen(rule, options.origin)) {
        let scope = Scope { guard: None, concerned: None, now: options.now };
        evaluate(rule, &model, scope, &steps, &mut findings);
    }
    for finding in &mut findings {
        // What the run waits for never refuses a plan.
        if finding.state == State::Violated && finding.awaited {
            finding.state = State::Pending;
        }
    }
    waiver::apply(&mut findings, &model, options.now);
    let mut own = policies.evaluate(&model, options.now);
    waiver::apply_where(&mut own, &model, options.now, |finding| policies.is_waivable(finding));
    findings.append(&mut own);
    judge_waivers(&model, Some(policies), options, &mut findings);
    conflict::explain(&mut findings, &model, options.now);
    let order = |finding: &Finding| (std::cmp::Reverse(finding.severity), finding.state, finding.span);
    findings.sort_by(|one, other| {
        let same_place = || (&one.rule, &one.subject).cmp(&(&other.rule, &other.subject));
        order(one).cmp(&order(other)).then_with(same_place)
    });
    let refused = findings.iter().any(|finding| refuses(finding, options.strict));
    Report { findings, checked: (!refused).then(|| CheckedPlan { model: Arc::new(model) }) }
}

/// Returns whether a finding refuses a plan.
fn refuses(finding: &Finding, strict: bool) -> bool {
    finding.severity == Severity::Error
        && match finding.state {
            State::Violated => true,
            State::Indeterminate => {
                // An organisation's own rule is decided from plan and inventory.
                strict && super::find(&finding.rule).is_none_or(|rule| rule.when.declared)
            }
            State::Pending | State::Waived => false,
        }
}

/// Returns whether a rule is evaluated.
pub(crate) fn is_chosen(rule: &Rule, origin: OriginFilter) -> bool {
    match (origin, rule.origin) {
        (OriginFilter::All, _) | (OriginFilter::Seed, Origin::Seed(_) | Origin::Product) => true,
        (OriginFilter::Seed, Origin::Beyond) => false,
    }
}

/// Evaluates the rules of a guard about some machines and what serves them, on the facts that the model has now.
///
/// Waivers count; an indeterminate error blocks a guard as a violated one does.
#[must_use]
pub fn check_guard(model: &Model, machines: &[usize], guard: Guard, options: &Options) -> Vec<Finding> {
    let mut findings = Vec::new();
    for rule in at_guard(guard).iter().filter(|rule| is_chosen(rule, options.origin)) {
        let scope = Scope { guard: Some(guard), concerned: Some(machines), now: options.now };
        evaluate(rule, model, scope, &[], &mut findings);
    }
    waiver::apply(&mut findings, model, options.now);
    findings
}

/// Returns the rules of a guard.
fn at_guard(guard: Guard) -> &'static [&'static Rule] {
    static BY_GUARD: LazyLock<[Vec<&'static Rule>; 4]> = LazyLock::new(|| {
        [Guard::Reprotect, Guard::Failover, Guard::Commit, Guard::Forward]
            .map(|guard| all().filter(|rule| rule.when.guards.contains(&guard)).collect())
    });
    let place = match guard {
        Guard::Reprotect => 0,
        Guard::Failover => 1,
        Guard::Commit => 2,
        Guard::Forward => 3,
    };
    &BY_GUARD[place]
}

/// Evaluates every rule on the facts that the model has now, waivers applied.
#[must_use]
pub fn evaluate_all(model: &Model, options: &Options) -> Vec<Finding> {
    let mut findings = Vec::new();
    let steps = steps::of(model);
    for rule in all().filter(|rule| is_chosen(rule, options.origin)) {
        let scope = Scope { guard: None, concerned: None, now: options.now };
        evaluate(rule, model, scope, &steps, &mut findings);
    }
    waiver::apply(&mut findings, model, options.now);
    judge_waivers(model, None, options, &mut findings);
    findings
}

/// Adds what is wrong with the waivers of a plan, given what all other rules found.
///
/// `policies` is `None` where policies are not looked at, so that their rules may be named by any waiver.
fn judge_waivers(model: &Model, policies: Option<&Policies>, options: &Options, findings: &mut Vec<Finding>) {
    if ledger::is_empty(model) {
        return;
    }
    let mut wrong = Vec::new();
    let accepted = Ledger::of(model, findings, policies, options);
    for rule in all().filter(|rule| is_chosen(rule, options.origin)) {
        if let Check::Waivers(check) = rule.check {
            let (subject, span) = (plan_subject(model), model.plan_span());
            let mut of_rule = Findings::new(rule, subject, span, (None, None), options.now, &mut wrong);
            if let Err(unknown) = check(&accepted, &mut of_rule) {
                of_rule.unknown(&unknown);
            }
        }
    }
    findings.append(&mut wrong);
}

/// Evaluates one rule alone over a plan, as fixtures and documentation do; a rule about waivers beside all others.
#[must_use]
pub fn run_rule(rule: &'static Rule, model: &Model, guard: Option<Guard>, now: Timestamp) -> Vec<Finding> {
    if let Check::Waivers(_) = rule.check {
        let options = Options { origin: OriginFilter::All, strict: false, now };
        let mut findings = evaluate_all(model, &options);
        findings.retain(|finding| finding.rule == rule.id);
        return findings;
    }
    let mut findings = Vec::new();
    evaluate(rule, model, Scope { guard, concerned: None, now }, &steps::of(model), &mut findings);
    findings
}

/// Evaluates the rules about order, direction and kind on steps that somebody else put together.
#[must_use]
pub fn check_steps(model: &Model, steps: &[PlannedStep]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for rule in all().filter(|rule| matches!(rule.check, Check::Steps(_))) {
        let scope = Scope { guard: None, concerned: None, now: Timestamp::UNIX_EPOCH };
        evaluate(rule, model, scope, steps, &mut findings);
    }
    findings
}

/// What an evaluation is about.
#[derive(Clone, Copy)]
struct Scope<'s> {
    /// The moment of a run; `None` before a run.
    guard: Option<Guard>,
    /// Indexes of the machines that are concerned; `None`: all of the plan.
    concerned: Option<&'s [usize]>,
    /// The moment at which dates are measured.
    now: Timestamp,
}

/// Returns whether a rule is about the plan's architecture; `None` if that is not known.
fn is_about(rule: &Rule, model: &Model) -> Option<bool> {
    use crate::rules::rule::Architecture;
    match (rule.architecture, model.experience()) {
        (Architecture::Both, _) => Some(true),
        (_, Ok(experience)) => Some(rule.is_about(experience)),
        (_, Err(_)) => None,
    }
}

fn evaluate(
    rule: &'static Rule,
    model: &Model,
    scope: Scope<'_>,
    steps: &[PlannedStep],
    found: &mut Vec<Finding>,
) {
    match is_about(rule, model) {
        Some(true) => evaluate_of(rule, model, scope, steps, found),
        Some(false) => {}
        None => {
            let span = model.plan_span();
            let mut findings = Findings::new(
                rule,
                plan_subject(model),
                span,
                (scope.guard, scope.concerned),
                scope.now,
                found,
            );
            findings.unknown_architecture();
        }
    }
}

fn plan_subject(model: &Model) -> Subject {
    Subject { kind: SubjectKind::Plan, name: model.plan.name.value.clone() }
}

/// Calls a rule's function once for each thing that it looks at and the concerned machines have to do with; `None`: all.
fn evaluate_of(
    rule: &'static Rule,
    model: &Model,
    Scope { guard, concerned, now }: Scope<'_>,
    steps: &[PlannedStep],
    found: &mut Vec<Finding>,
) {
    let count = concerned.map_or(model.machines().len(), <[usize]>::len);
    let machines = (0..count).map(|at| model.machine(concerned.map_or(at, |concerned| concerned[at])));
    let mut call = |kind, name: &str, span: Span, check: &mut dyn FnMut(&mut Findings<'_>) -> Fact<()>| {
        let subject = Subject { kind, name: name.to_owned() };
        let mut findings = Findings::new(rule, subject, span, (guard, concerned), now, found);
        if let Err(unknown) = check(&mut findings) {
            findings.unknown(&unknown);
        }
    };
    let mut seen: HashSet<&str> = HashSet::new();
    let mut told: HashSet<String> = HashSet::new();
    match rule.check {
        Check::Machine(check) => {
            for machine in machines {
                let name = machine.name();
                call(SubjectKind::Machine, &name.value, name.span, &mut |findings| check(machine, findings));
            }
        }
        Check::Group(check) => {
            for group in machines.filter_map(Machine::group) {
                let name = group.name();
                if seen.insert(&name.value) {
                    call(SubjectKind::ReplicationGroup, &name.value, name.span, &mut |findings| {
                        check(group, findings)
                    });
                }
            }
        }
        Check::MasterTarget(check) => {
            for server in machines.filter_map(Machine::master_target) {
                if seen.insert(server.name()) {
                    let span = server.facts.name.span;
                    call(SubjectKind::MasterTarget, server.name(), span, &mut |findings| {
                        check(server, findings)
                    });
                }
            }
        }
        Check::Appliance(check) => {
            for appliance in machines.filter_map(Machine::appliance) {
                if seen.insert(appliance.name()) {
                    let span = appliance.facts.name.span;
                    call(SubjectKind::Appliance, appliance.name(), span, &mut |findings| {
                        check(appliance, findings)
                    });
                }
            }
        }
        Check::ProcessServer(check) => {
            for server in machines.filter_map(Machine::process_server) {
                if seen.insert(&server.name.value) {
                    let name = &server.name;
                    call(SubjectKind::ProcessServer, &name.value, name.span, &mut |findings| {
                        check(server, model, findings)
                    });
                }
            }
        }
        Check::Vcenter(check) => {
            for machine in machines {
                let mut none = true;
                for id in vcenters_of(machine) {
                    none = false;
                    if seen.insert(id) {
                        match model.vcenter(id) {
                            Ok(vcenter) => call(SubjectKind::Vcenter, id, vcenter.id.span, &mut |findings| {
                                check(vcenter, model, findings)
                            }),
                            Err(unknown) => {
                                missing(&mut call, &mut told, rule, SubjectKind::Vcenter, machine, unknown);
                            }
                        }
                    }
                }
                if none && let Err(unknown) = source_vcenter(machine) {
                    missing(&mut call, &mut told, rule, SubjectKind::Machine, machine, unknown);
                }
            }
        }
        Check::Host(check) => {
            for machine in machines {
                match machine.target_host() {
                    Ok(Some(host)) if seen.insert(&host.name.value) => {
                        call(SubjectKind::Host, &host.name.value, host.name.span, &mut |findings| {
                            check(host, model, findings)
                        });
                    }
                    Ok(_) => {}
                    Err(unknown) => missing(&mut call, &mut told, rule, SubjectKind::Host, machine, unknown),
                }
            }
        }
        Check::Datastore(check) => {
            for machine in machines {
                match machine.target_datastore() {
                    Ok(Some(datastore)) if seen.insert(&datastore.name.value) => {
                        let name = &datastore.name;
                        call(SubjectKind::Datastore, &name.value, name.span, &mut |findings| {
                            check(datastore, model, findings)
                        });
                    }
                    Ok(_) => {}
                    Err(unknown) => {
                        missing(&mut call, &mut told, rule, SubjectKind::Datastore, machine, unknown)
                    }
                }
            }
        }
        Check::Plan(check) => {
            let name = model.plan.name.value.as_str();
            call(SubjectKind::Plan, name, model.plan_span(), &mut |findings| check(model, findings));
        }
        Check::Steps(check) => {
            let name = model.plan.name.value.as_str();
            call(SubjectKind::Plan, name, model.plan_span(), &mut |findings| check(steps, model, findings));
        }
        // They look at what the others found.
        Check::Waivers(_) => {}
    }
}

type Call<'c> = dyn FnMut(SubjectKind, &str, Span, &mut dyn FnMut(&mut Findings<'_>) -> Fact<()>) + 'c;

/// Reports that what a rule looks at is not in the inventory, if the rule needs it: it must not pass for lack of a subject.
fn missing(
    call: &mut Call<'_>,
    told: &mut HashSet<String>,
    rule: &Rule,
    kind: SubjectKind,
    machine: Machine<'_>,
    unknown: Unknown,
) {
    let name = unknown.object.clone().unwrap_or_else(|| machine.name().value.clone());
    if rule.facts.contains(&unknown.field) && told.insert(name.clone()) {
        call(kind, &name, machine.name().span, &mut |_| Err(unknown.clone()));
    }
}

/// Returns the vCenter that a machine was protected under; `None` if there was none.
fn source_vcenter(machine: Machine<'_>) -> Fact<Option<&str>> {
    let source = machine.asr()?.source_vcenter.fact("asr.source_vcenter")?;
    Ok(source.map(|id| id.value.as_str()))
}

/// Returns the vCenters that a machine has to do with: its own, its source, its target's and its transfer host's.
fn vcenters_of(machine: Machine<'_>) -> impl Iterator<Item = &str> {
    let own = machine.onprem_vm().ok().and_then(|vm| vm.vcenter.as_option());
    let source = machine.asr().ok().and_then(|asr| asr.source_vcenter.as_option());
    let target = machine.settings().failback.vcenter.as_ref();
    let host = machine.target_host().ok().flatten().and_then(|host| host.vcenter.as_option());
    let appliance = machine.appliance().and_then(|appliance| appliance.facts.vcenter.as_ref());
    [own, source, target, host, appliance].into_iter().flatten().map(|id| id.value.as_str())
}
