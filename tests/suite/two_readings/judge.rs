//! Judges whether two readings of a world agree.

use std::collections::BTreeSet;

use failback::diagnostic::Severity;
use failback::event::Outcome;
use failback::graph::Graph;
use failback::id::StepId;
use failback::model::Machine;
use failback::model::Model;
use failback::rules::Finding;
use failback::rules::State;
use failback::rules::SubjectKind;
use failback::source::Spanned;
use failback::syntax::machine::OnpremDisk;
use failback::syntax::machine::OnpremVm;
use jiff::Timestamp;

use super::compare::Comparison;
use super::compare::Difference;
use super::compare::Disagreement;
use super::compare::line;
use super::readings;
use super::readings::Moment;
use super::readings::Stance;
use super::run::Steps;

/// Both readings of a world.
pub struct Judge<'j> {
    pub model: &'j Model,
    pub graph: &'j Graph,
    pub findings: &'j [Finding],
    pub outcome: Option<Outcome>,
    pub steps: &'j Steps,
    /// When something went wrong on the way.
    pub strikes: Vec<Timestamp>,
}

impl Judge<'_> {
    /// Says whether they agree.
    pub fn judge(&self) -> Comparison {
        let all: BTreeSet<String> =
            self.model.machines().map(|machine| machine.name().value.clone()).collect();
        let home = self.home(&all);
        let mut differences = Vec::new();
        let mut enforced = BTreeSet::new();
        for finding in self.findings {
            let Some(moment) = self.enforced_at(finding) else { continue };
            let mut machines = self.suffering(finding);
            machines.retain(|machine| {
                let way_back = self.is_protected_again_through(machine, finding);
                self.comes_to(if way_back { Moment::Forward } else { moment }, machine)
            });
            if machines.is_subset(&home) && !machines.is_empty() {
                differences.push(Difference::Unenforced { rule: finding.rule.to_string() });
            }
        }
        for (step, (code, message)) in &self.steps.failed {
            for code in codes(code, message) {
                let stating = self.stating(step, code);
                if stating.is_empty()
                    && !self.is_struck_after_its_guard(step)
                    && !self.is_struck_unseen(step, code)
                {
                    differences.push(Difference::Unexplained { step: kind(step), code: code.to_owned() });
                }
                enforced.extend(stating);
            }
        }
        if self.steps.failed.is_empty() {
            for step in self.steps.blocked.keys() {
                let stating = self.stating(step, NO_ROOM);
                if stating.is_empty() {
                    differences.push(Difference::Unexplained { step: kind(step), code: NO_ROOM.into() });
                }
                enforced.extend(stating);
            }
        }
        differences.extend(self.unheeded());
        let nothing_failed = self.steps.failed.is_empty() && self.steps.blocked.is_empty();
        if self.outcome.is_none() || (nothing_failed && home != all) {
            differences.push(Difference::Stuck);
        }
        if differences.is_empty() {
            return Comparison::Agree { enforced };
        }
        differences.sort();
        differences.dedup();
        // What is pending in every plan says nothing.
        let said = |finding: &&Finding| {
            finding.severity == Severity::Error
                && !matches!(finding.rule.as_ref(), "FB600" | "FB601" | "FB700")
        };
        let check = self.findings.iter().filter(said).map(line).collect();
        Comparison::Disagree(Disagreement { differences, check, run: told(self.outcome, self.steps) })
    }

    /// Returns the last moment at which the service has to enforce what a finding says, if it has to.
    fn enforced_at(&self, finding: &Finding) -> Option<Moment> {
        if finding.severity != Severity::Error || finding.state != State::Violated {
            return None;
        }
        match readings::stance(&finding.rule)? {
            Stance::Enforced(moment, _) | Stance::EnforcedBothWays(moment, _) => Some(moment),
            // What the plan says of the target no request carries, so that the service goes where it goes.
            Stance::EnforcedOfFacts(moment, _) => {
                (!self.model.machines().any(names_target)).then_some(moment)
            }
            Stance::Advised(_) | Stance::Exempt(_) => None,
        }
    }

    /// Returns whether a finding is about a server that a machine is to be protected again through, and holds on either way.
    fn is_protected_again_through(&self, machine: &str, finding: &Finding) -> bool {
        let both = matches!(readings::stance(&finding.rule), Some(Stance::EnforcedBothWays(..)));
        let machine =
            self.model.machine_named(machine).filter(|machine| both && machine.is_protected_again());
        let forward = machine.and_then(|machine| machine.settings().forward.as_ref());
        let is = |name: &Option<Spanned<String>>| {
            name.as_ref().is_some_and(|name| name.value == finding.subject.name)
        };
        forward.is_some_and(|forward| is(&forward.process_server) || is(&forward.appliance))
    }

    /// Returns whether a moment is still before a machine when the run begins.
    fn comes_to(&self, moment: Moment, machine: &str) -> bool {
        use failback::syntax::machine::State;
        let state = self.model.machine_named(machine).and_then(|machine| machine.state().ok());
        let last = match state.unwrap_or(State::FailedOverCommitted) {
            State::FailedOver | State::FailedOverCommitted => Moment::Reprotect,
            State::ReprotectingToOnprem | State::ProtectedToOnprem => Moment::Failover,
            State::FailingBack | State::FailedBack => Moment::Commit,
            State::FailedBackCommitted => Moment::Forward,
            State::ReprotectingToAzure | State::ProtectedToAzure => return false,
            // The run stops before it asks for anything.
            State::Migrated | State::AzureVmDeleted | State::ReplicationDisabled | State::AzureVmMoved => {
                Moment::Reprotect
            }
        };
        moment >= last
    }

    /// Returns the machines that a finding points at; those that its subject concerns, if it points at none.
    fn suffering(&self, finding: &Finding) -> BTreeSet<String> {
        let all = concerned(finding.subject.kind, &finding.subject.name, self.model);
        let pointed_at = self.model.machines().filter(|machine| {
            let span = machine.name().span;
            finding.span == span || finding.related.iter().any(|label| label.span == span)
        });
        let pointed_at: BTreeSet<String> = pointed_at.map(|machine| machine.name().value.clone()).collect();
        if pointed_at.is_empty() { all } else { pointed_at }
    }

    /// Returns the machines of which every step was done.
    fn home(&self, all: &BTreeSet<String>) -> BTreeSet<String> {
        let mut home = all.clone();
        for (at, step) in (0..).zip(self.graph.steps()) {
            if !self.steps.good.contains(step.id.as_str()) {
                for machine in self.graph.machines_of(at) {
                    home.remove(&machine.name().value);
                }
            }
        }
        home
    }

    /// Returns the machines that a step is about; those of the plan, if it is about none.
    fn machines_of(&self, step: &str) -> BTreeSet<String> {
        let at = self.graph.find(&StepId::new(step)).expect("it is in the graph");
        let machines: BTreeSet<String> =
            self.graph.machines_of(at).iter().map(|machine| machine.name().value.clone()).collect();
        if machines.is_empty() {
            return self.model.machines().map(|machine| machine.name().value.clone()).collect();
        }
        machines
    }

    /// Returns the rules that state why a step failed with a code: of those that `check` or a guard of the run did not pass.
    fn stating(&self, step: &str, code: &str) -> BTreeSet<String> {
        let machines = self.machines_of(step);
        let states = |rule: &str| readings::codes(rule).contains(&code);
        let before = self.findings.iter().filter(|finding| {
            let (kind, name) = (finding.subject.kind, finding.subject.name.as_str());
            states(&finding.rule) && !concerned(kind, name, self.model).is_disjoint(&machines)
        });
        let guards =
            self.steps.guards.iter().filter(|(guarded, _)| !self.machines_of(guarded).is_disjoint(&machines));
        let at_guards = guards.flat_map(|(_, found)| found).filter(|found| states(&found.rule));
        let before = before.map(|finding| finding.rule.to_string());
        before.chain(at_guards.map(|found| found.rule.clone())).collect()
    }

    /// Returns whether something went wrong between the last guard of a step's machines and the step's failure, so that no rule
    /// could tell.
    fn is_struck_after_its_guard(&self, step: &str) -> bool {
        let machines = self.machines_of(step);
        let guards = self.steps.guarded_at.iter();
        let failed = self.steps.failed_at.get(step).copied().unwrap_or(Timestamp::MAX);
        let last = guards
            .filter(|(guarded, _)| !self.machines_of(guarded).is_disjoint(&machines))
            .flat_map(|(_, at)| at.iter().copied())
            .filter(|at| *at <= failed)
            .max();
        self.strikes.iter().any(|strike| last.is_none_or(|last| last <= *strike) && *strike <= failed)
    }

    /// Returns whether a server was moved that had the disks of a machine before the run, and no fact tells where it stood then.
    fn is_struck_unseen(&self, step: &str, code: &str) -> bool {
        let machines = self.machines_of(step);
        let mut machines = machines.iter().filter_map(|name| self.model.machine_named(name));
        let is_known = |machine: Machine<'_>| match machine.master_target() {
            Some(server) => server.facts.datastore.is_some(),
            None => machine.appliance().is_some_and(|server| server.facts.datastore.is_some()),
        };
        code == "ServerMoved"
            && machines.any(|machine| {
                !self.comes_to(Moment::Reprotect, machine.name().value.as_str()) && !is_known(machine)
            })
    }

    /// Returns the rules that a guard right before an act found violated, and that nothing enforced.
    fn unheeded(&self) -> Vec<Difference> {
        let acts = |step: &str| ["reprotect", "failover", "commit", "forward"].contains(&kind(step).as_str());
        let done = |step: &String| acts(step) && self.steps.good.contains(step);
        let guards = self.steps.guards.iter().filter(|(step, _)| done(step));
        guards
            .flat_map(|(_, found)| found)
            // Points come with time, so that one may come between a guard and what it guards.
            .filter(|found| !matches!(found.rule.as_str(), "FB600" | "FB601" | "FB604" | "FB605"))
            .filter(|found| found.severity == "error" && found.state == "violated")
            .filter(|found| {
                matches!(
                    readings::stance(&found.rule),
                    Some(Stance::Enforced(..) | Stance::EnforcedBothWays(..))
                )
            })
            .map(|found| Difference::Unenforced { rule: found.rule.clone() })
            .collect()
    }
}

/// Returns the machines that something at fault concerns, by name.
fn concerned(kind: SubjectKind, subject: &str, model: &Model) -> BTreeSet<String> {
    let is = |name: &Option<Spanned<String>>| name.as_ref().is_some_and(|name| name.value == subject);
    let mut machines = BTreeSet::new();
    for machine in model.machines() {
        let (failback, forward) = (&machine.settings().failback, machine.settings().forward.as_ref());
        let concerned = match kind {
            // A machine holds its replication group up.
            SubjectKind::Machine => {
                let mut group = machine.group().into_iter().flat_map(|group| group.members());
                machine.name().value == subject || group.any(|mate| mate.name().value == subject)
            }
            SubjectKind::ReplicationGroup => {
                machine.group().is_some_and(|group| group.name().value == subject)
            }
            SubjectKind::MasterTarget => is(&failback.master_target),
            SubjectKind::ProcessServer => {
                is(&failback.process_server) || forward.is_some_and(|forward| is(&forward.process_server))
            }
            SubjectKind::Appliance => {
                is(&failback.appliance) || forward.is_some_and(|forward| is(&forward.appliance))
            }
            SubjectKind::Host => stands_on(machine, subject),
            SubjectKind::Datastore => lies_on(machine, subject),
            SubjectKind::Plan
            | SubjectKind::BootGroup
            | SubjectKind::Action
            | SubjectKind::Drill
            | SubjectKind::Waiver
            | SubjectKind::Vault
            | SubjectKind::ConfigurationServer
            | SubjectKind::Vcenter
            | SubjectKind::Network => true,
        };
        if concerned {
            machines.insert(machine.name().value.clone());
        }
    }
    machines
}

/// Returns whether the plan says where a machine is to come to.
fn names_target(machine: Machine<'_>) -> bool {
    let failback = &machine.settings().failback;
    failback.host.is_some()
        || failback.vcenter.is_some()
        || failback.hypervisor.is_some()
        || failback.form.is_some()
}

/// Returns whether a machine has to do with a host: it lives there, comes there, or its disks are written from there.
fn stands_on(machine: Machine<'_>, host: &str) -> bool {
    let named = machine.settings().failback.host.as_ref().is_some_and(|named| named.value == host);
    let writes = machine.transfer_host().is_ok_and(|writes| writes == Some(host));
    let lives = |vm: &OnpremVm| vm.host.as_ref().is_some_and(|lives| lives.value == host);
    named || writes || machine.onprem_vm().is_ok_and(lives)
}

/// Returns whether a machine has to do with a datastore: its disks lie there, or the plan names it.
fn lies_on(machine: Machine<'_>, datastore: &str) -> bool {
    let named = machine.settings().failback.datastore.as_ref().is_some_and(|named| named.value == datastore);
    let disks = machine.onprem_disks().unwrap_or_default();
    let lies = |disk: &OnpremDisk| disk.datastore.as_option().is_some_and(|lies| lies.value == datastore);
    named || disks.iter().any(lies)
}

/// Returns the codes of a failure: where only some members of a group came through, those of the others.
fn codes<'c>(code: &'c str, message: &'c str) -> Vec<&'c str> {
    if code != "partial" {
        return vec![code];
    }
    let last = |member: &'c str| Some(member.rsplit_once('(')?.1.trim_end_matches(')'));
    message.split("; ").filter_map(last).collect()
}

/// What a step comes to that is not begun, because nothing will make room for it.
const NO_ROOM: &str = "no-room";

/// Returns the kind of a step by its id.
fn kind(step: &str) -> String {
    step.split('/').next().unwrap_or(step).to_owned()
}

fn told(outcome: Option<Outcome>, steps: &Steps) -> Vec<String> {
    let mut told = vec![format!("{outcome:?}")];
    for (step, (code, message)) in &steps.failed {
        told.push(format!("{step} failed, {code}: {message}"));
    }
    for (step, reason) in &steps.blocked {
        told.push(format!("{step} was blocked: {reason}"));
    }
    if outcome.is_none() {
        told.extend(steps.waits.iter().map(|(step, reason)| format!("{step} waited: {reason}")));
    }
    told
}
