//! Evaluates rules: over a whole plan, or at a guard of a run.

use jiff::Timestamp;

use crate::id::IdSet;
use crate::model::Fact;
use crate::model::Model;
use crate::rules::all;
use crate::rules::chosen::Chosen;
use crate::rules::chosen::is_chosen;
use crate::rules::conflict;
use crate::rules::findings::Finding;
use crate::rules::findings::Findings;
use crate::rules::findings::State;
use crate::rules::findings::SubjectKind;
use crate::rules::findings::Told;
use crate::rules::found::Collected;
use crate::rules::found::Found;
use crate::rules::ledger;
use crate::rules::ledger::Ledger;
use crate::rules::policy::Policies;
use crate::rules::roster::Listed;
use crate::rules::roster::Roster;
use crate::rules::rule::Check;
use crate::rules::rule::Guard;
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
    /// Whether a rule that could be decided from plan and inventory may not stay indeterminate; of facts that were observed just
    /// now, any rule.
    pub strict: bool,
    /// The moment at which dates of plan and certificates are measured.
    pub now: Timestamp,
}

/// Returns what every built-in rule and those of an organisation's policies find: the heaviest first, then in the order of
/// the document.
#[must_use]
pub fn evaluate_with(model: &Model, policies: &Policies, options: &Options) -> Found {
    collect(model, policies, options, Collected::compact())
}

/// Collects what is found, and puts it in order.
pub(super) fn collect(model: &Model, policies: &Policies, options: &Options, mut found: Collected) -> Found {
    evaluate_plan(model, options, &mut found);
    for finding in &mut found.findings {
        // What the run waits for never refuses a plan.
        if finding.state == State::Violated && finding.awaited {
            finding.state = State::Pending;
        }
    }
    waiver::apply(&mut found.findings, model, options.now);
    let mut own = policies.evaluate(model, options.now);
    waiver::apply_where(&mut own, model, options.now, |finding| policies.is_waivable(finding));
    found.findings.append(&mut own);
    judge_waivers(model, Some(policies), options, &mut found);
    conflict::explain(&mut found.findings, model, options.now);
    found.in_order()
}

/// Evaluates the rules of a guard about some machines and what serves them, on the facts that the model has now.
///
/// Waivers count; an indeterminate error blocks a guard as a violated one does.
#[must_use]
pub fn check_guard(model: &Model, machines: &[usize], guard: Guard, options: &Options) -> Vec<Finding> {
    let mut found = Collected::default();
    let scope = Scope { guard: Some(guard), roster: Roster::new(model, Some(machines)), now: options.now };
    let chosen = Chosen::at(Some(guard), options.origin, model.experience().ok());
    evaluate(chosen, &scope, &[], &mut found);
    waiver::apply(&mut found.findings, model, options.now);
    found.findings
}

/// Evaluates every rule, and those of an organisation's policies, on the facts that the model has now, waivers applied.
#[must_use]
pub fn evaluate_all(model: &Model, policies: &Policies, options: &Options) -> Vec<Finding> {
    let mut found = Collected::default();
    evaluate_plan(model, options, &mut found);
    waiver::apply(&mut found.findings, model, options.now);
    let mut own = policies.evaluate(model, options.now);
    waiver::apply_where(&mut own, model, options.now, |finding| policies.is_waivable(finding));
    found.findings.append(&mut own);
    judge_waivers(model, None, options, &mut found);
    found.findings
}

/// Evaluates every rule about a plan, but for those about waivers.
fn evaluate_plan(model: &Model, options: &Options, found: &mut Collected) {
    let chosen = Chosen::at(None, options.origin, model.experience().ok());
    evaluate(chosen, &Scope::plan(model, options.now), &steps::of(model), found);
}

/// Adds what is wrong with the waivers of a plan, given what all other rules found.
///
/// `policies` is `None` where policies are not looked at, so that their rules may be named by any waiver.
fn judge_waivers(model: &Model, policies: Option<&Policies>, options: &Options, found: &mut Collected) {
    if ledger::is_empty(model) {
        return;
    }
    let mut wrong = Collected::default();
    let accepted = ledger::rules(model);
    let open = found.open_of(|rule| accepted.contains(rule));
    let accepted = Ledger::of(model, (&found.findings, &open), policies, options);
    for rule in all().filter(|rule| is_chosen(rule, options.origin)) {
        if let Check::Waivers(check) = rule.check {
            let mut of_rule = Findings::new(rule, plan_subject(model), (None, None), options.now, &mut wrong);
            if let Err(unknown) = check(&accepted, &mut of_rule) {
                of_rule.unknown(&unknown);
            }
        }
    }
    found.findings.append(&mut wrong.findings);
}

/// Evaluates one rule alone over a plan, as fixtures and documentation do; a rule about waivers beside all others.
#[must_use]
pub fn run_rule(rule: &'static Rule, model: &Model, guard: Option<Guard>, now: Timestamp) -> Vec<Finding> {
    if let Check::Waivers(_) = rule.check {
        let options = Options { origin: OriginFilter::All, strict: false, now };
        let mut findings = evaluate_all(model, &Policies::default(), &options);
        findings.retain(|finding| finding.rule == rule.id);
        return findings;
    }
    let mut found = Collected::default();
    let scope = Scope { guard, ..Scope::plan(model, now) };
    let chosen = Chosen::of([rule], model.experience().ok());
    evaluate(&chosen, &scope, &steps::of(model), &mut found);
    found.findings
}

/// Evaluates the rules about order, direction and kind on steps that somebody else put together.
#[must_use]
pub fn check_steps(model: &Model, steps: &[PlannedStep]) -> Vec<Finding> {
    let mut found = Collected::default();
    let about_steps = all().filter(|rule| matches!(rule.check, Check::Steps(_)));
    let chosen = Chosen::of(about_steps, model.experience().ok());
    evaluate(&chosen, &Scope::plan(model, Timestamp::UNIX_EPOCH), steps, &mut found);
    found.findings
}

/// What an evaluation is about.
struct Scope<'m> {
    /// The moment of a run; `None` before a run.
    guard: Option<Guard>,
    /// The machines that are concerned, and what they have to do with.
    roster: Roster<'m>,
    /// The moment at which dates are measured.
    now: Timestamp,
}

impl<'m> Scope<'m> {
    /// Returns the whole plan, before a run.
    const fn plan(model: &'m Model, now: Timestamp) -> Self {
        Self { guard: None, roster: Roster::new(model, None), now }
    }

    /// Returns where a rule writes what it finds about a subject.
    fn findings<'f>(
        &'f self,
        rule: &'static Rule,
        subject: (SubjectKind, &'f str, Span),
        found: &'f mut Collected,
    ) -> Findings<'f> {
        Findings::new(rule, subject, (self.guard, self.roster.concerned), self.now, found)
    }
}

/// Evaluates rules, and adds what they find in the order of the rules' ids.
fn evaluate(chosen: &Chosen, scope: &Scope<'_>, steps: &[PlannedStep], found: &mut Collected) {
    let model = scope.roster.model;
    let begin = found.findings.len();
    let told = Told::of(model, chosen.tells_names);
    for rule in &chosen.undecided {
        scope.findings(rule, plan_subject(model), found).unknown_architecture();
    }
    for rule in &chosen.of_others {
        evaluate_of(rule, scope, steps, &told, found);
    }
    // Every rule about one machine before the next machine: its facts are fetched from memory once.
    for machine in scope.roster.machines() {
        let name = machine.name();
        for (rule, check) in &chosen.of_machines {
            let subject = (SubjectKind::Machine, name.value.as_str(), name.span);
            let mut findings = scope.findings(rule, subject, found).telling(&told);
            if let Err(unknown) = check(machine, &mut findings) {
                findings.unknown(&unknown);
            }
        }
    }
    // Findings are large: their ids are put in order, and each is moved once.
    found.findings[begin..].sort_by_cached_key(|finding| finding.rule.clone());
}

fn plan_subject(model: &Model) -> (SubjectKind, &str, Span) {
    (SubjectKind::Plan, &model.plan.name.value, model.plan_span())
}

/// Calls a rule's function once for each thing that it looks at and the concerned machines have to do with.
fn evaluate_of(
    rule: &'static Rule,
    scope: &Scope<'_>,
    steps: &[PlannedStep],
    told: &Told<'_>,
    found: &mut Collected,
) {
    let roster = &scope.roster;
    let model = roster.model;
    let mut call = |subject: (SubjectKind, &str, Span),
                    check: &mut dyn FnMut(&mut Findings<'_>) -> Fact<()>| {
        let mut findings = scope.findings(rule, subject, found).telling(told);
        if let Err(unknown) = check(&mut findings) {
            findings.unknown(&unknown);
        }
    };
    match rule.check {
        Check::Group(check) => {
            for group in roster.groups() {
                let name = group.name();
                let subject = (SubjectKind::ReplicationGroup, name.value.as_str(), name.span);
                call(subject, &mut |findings| check(*group, findings));
            }
        }
        Check::MasterTarget(check) => {
            each(rule, roster.master_targets(), &mut call, |server, call| {
                let subject = (SubjectKind::MasterTarget, server.name(), server.facts.name.span);
                call(subject, &mut |findings| check(server, findings));
            });
        }
        Check::Appliance(check) => {
            each(rule, roster.appliances(), &mut call, |appliance, call| {
                let subject = (SubjectKind::Appliance, appliance.name(), appliance.facts.name.span);
                call(subject, &mut |findings| check(appliance, findings));
            });
        }
        Check::ProcessServer(check) => {
            each(rule, roster.process_servers(), &mut call, |server, call| {
                let subject = (SubjectKind::ProcessServer, server.name.value.as_str(), server.name.span);
                call(subject, &mut |findings| check(server, model, findings));
            });
        }
        Check::Vcenter(check) => {
            each(rule, roster.vcenters(), &mut call, |vcenter, call| {
                let subject = (SubjectKind::Vcenter, vcenter.id.value.as_str(), vcenter.id.span);
                call(subject, &mut |findings| check(vcenter, model, findings));
            });
        }
        Check::Host(check) => {
            each(rule, roster.hosts(), &mut call, |host, call| {
                let subject = (SubjectKind::Host, host.name.value.as_str(), host.name.span);
                call(subject, &mut |findings| check(host, model, findings));
            });
        }
        Check::Datastore(check) => {
            each(rule, roster.datastores(), &mut call, |datastore, call| {
                let subject = (SubjectKind::Datastore, datastore.name.value.as_str(), datastore.name.span);
                call(subject, &mut |findings| check(datastore, model, findings));
            });
        }
        Check::Plan(check) => call(plan_subject(model), &mut |findings| check(model, findings)),
        Check::Steps(check) => call(plan_subject(model), &mut |findings| check(steps, model, findings)),
        // Those about machines are called together; those about waivers look at what all others found.
        Check::Machine(_) | Check::Waivers(_) => {}
    }
}

type Call<'c> = dyn FnMut((SubjectKind, &str, Span), &mut dyn FnMut(&mut Findings<'_>) -> Fact<()>) + 'c;

/// Calls a rule for each thing that is known, and reports those that are not in the inventory, if the rule needs them.
fn each<'m, T: Copy>(
    rule: &Rule,
    listed: &[Listed<'m, T>],
    call: &mut Call<'_>,
    known: impl Fn(T, &mut Call<'_>),
) {
    let mut told: IdSet<&str> = IdSet::default();
    for thing in listed {
        match thing {
            Listed::Known(thing) => known(*thing, call),
            Listed::Missing { kind, machine, unknown } => {
                let name = unknown.object.as_deref().unwrap_or(&machine.name().value);
                if rule.facts.contains(&unknown.field) && told.insert(name) {
                    call((*kind, name, machine.name().span), &mut |_| Err(unknown.clone()));
                }
            }
        }
    }
}
