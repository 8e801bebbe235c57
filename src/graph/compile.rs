//! Compiles a checked plan: the steps of each machine's life cycle, the barrier, the waves, and what the plan orders.

use std::collections::HashMap;
use std::sync::Arc;

use petgraph::graph::DiGraph;
use petgraph::graph::NodeIndex;

use crate::graph::Graph;
use crate::graph::Step;
use crate::graph::StepKind;
use crate::graph::StepSubject;
use crate::graph::freeze::freeze;
use crate::graph::wave;
use crate::id::StepId;
use crate::model::Machine;
use crate::model::Model;
use crate::model::order;
use crate::model::order::Point;
use crate::model::order::Reason;
use crate::model::order::Subject;
use crate::rules::CheckedPlan;
use crate::syntax::action::Phase;
use crate::syntax::inventory::Experience;
use crate::syntax::machine::State;
use crate::syntax::plan::CommitGate;
use crate::syntax::plan::FailoverGate;

/// Compiles a plan into its graph of steps. It can't fail: what can't be ordered was a finding.
#[must_use]
pub fn compile(plan: &CheckedPlan) -> Graph {
    let model = Arc::clone(plan.model());
    // A checked plan has machines only under a known architecture; without machines it does not matter.
    let experience = model.experience().unwrap_or(Experience::Classic);
    let waves = wave::assign(&model);
    let (graph, waves) = {
        let mut compiler = Compiler::new(&model, experience, waves);
        compiler.plan_steps();
        compiler.machine_steps();
        compiler.boot_groups();
        compiler.order();
        compiler.actions();
        (compiler.graph, compiler.waves)
    };
    freeze(graph, model, experience, waves)
}

/// What a phase of a subject begins with and ends with, so that other steps can be put before and after it.
#[derive(Clone, Debug, Default)]
pub(super) struct Span {
    /// Steps that everything before the phase must come before, actions excepted.
    pub(super) first: Vec<NodeIndex>,
    /// Steps that actions before the phase must come before.
    pub(super) entry: Vec<NodeIndex>,
    /// Steps that such actions come after.
    pub(super) ready: Vec<NodeIndex>,
    /// Its last step.
    pub(super) last: Vec<NodeIndex>,
}

pub(super) struct Compiler<'m> {
    pub(super) model: &'m Model,
    experience: Experience,
    waves: wave::Waves,
    pub(super) graph: DiGraph<Step, ()>,
    pub(super) phases: HashMap<(Phase, Subject), Span>,
    /// The last step before anything is changed.
    prepared: NodeIndex,
    pub(super) preflight: NodeIndex,
    barriers: Vec<NodeIndex>,
    boot_groups: Vec<NodeIndex>,
}

impl<'m> Compiler<'m> {
    fn new(model: &'m Model, experience: Experience, waves: wave::Waves) -> Self {
        let mut graph = DiGraph::with_capacity(model.machines().len() * 13, model.machines().len() * 16);
        let preflight = graph.add_node(new_step(StepKind::Preflight, StepSubject::Plan, None, 0));
        Self {
            model,
            experience,
            waves,
            graph,
            phases: HashMap::new(),
            prepared: preflight,
            preflight,
            barriers: Vec::new(),
            boot_groups: Vec::new(),
        }
    }

    pub(super) fn step(&mut self, kind: StepKind, subject: StepSubject, name: &str, wave: u16) -> NodeIndex {
        self.graph.add_node(new_step(kind, subject, Some(name), wave))
    }

    pub(super) fn edge(&mut self, from: NodeIndex, to: NodeIndex) {
        self.graph.add_edge(from, to, ());
    }

    pub(super) fn edges(&mut self, from: &[NodeIndex], to: &[NodeIndex]) {
        for from in from {
            for to in to {
                self.edge(*from, *to);
            }
        }
    }

    fn wave_of(&self, machine: usize) -> u16 {
        self.waves.of_machine[machine]
    }

    fn plan_steps(&mut self) {
        if self.experience == Experience::Classic {
            self.prepared = self.graph.add_node(new_step(StepKind::Prepare, StepSubject::Plan, None, 0));
            self.edge(self.preflight, self.prepared);
        }
        for wave in 1..=self.waves.count {
            let barrier = self.step(StepKind::Barrier, StepSubject::Wave(wave), &wave.to_string(), wave);
            if let Some(before) = self.barriers.last() {
                self.edge(*before, barrier);
            }
            self.barriers.push(barrier);
        }
    }

    fn machine_steps(&mut self) {
        let model = self.model;
        for machine in model.machines() {
            self.replicate_to_onprem(machine);
        }
        for group in model.groups() {
            let members: Vec<Machine<'_>> = group.members().collect();
            if !members.is_empty() {
                self.switch(Subject::Group(group.index()), &group.name().value, &members);
            }
        }
        for machine in model.machines().filter(|machine| machine.group().is_none()) {
            self.switch(Subject::Machine(machine.index()), &machine.name().value, &[machine]);
        }
    }

    /// The steps of a machine until it is protected to on-premises.
    fn replicate_to_onprem(&mut self, machine: Machine<'_>) {
        let (index, name) = (machine.index(), machine.name().value.as_str());
        let (subject, wave) = (StepSubject::Machine(index), self.wave_of(index));
        let registered = self.step(StepKind::AwaitAzureAgent, subject, name, wave);
        // A later wave begins when the earlier one is protected: from then on its slots come free.
        let gate = if wave > 1 { self.barriers[usize::from(wave) - 2] } else { self.prepared };
        self.edge(gate, registered);
        let mut ready = registered;
        if machine.deletes_existing_vm() {
            let deleted = self.step(StepKind::AwaitDeletion, subject, name, wave);
            self.edge(registered, deleted);
            ready = deleted;
        }
        let reprotect = self.step(StepKind::Reprotect, subject, name, wave);
        let protected = self.step(StepKind::AwaitProtected, subject, name, wave);
        self.edge(ready, reprotect);
        self.edge(reprotect, protected);
        self.edge(protected, self.barriers[usize::from(wave) - 1]);
        let past = past(machine);
        for (step, kind) in [(registered, 1), (ready, 1), (reprotect, 1), (protected, 2)] {
            self.graph[step].adopted = past >= kind;
        }
        let span = Span {
            first: vec![registered],
            entry: vec![reprotect],
            ready: vec![ready],
            last: vec![protected],
        };
        self.phases.insert((Phase::Reprotect, Subject::Machine(index)), span);
    }

    /// The steps of a machine or a replication group from the barrier on.
    fn switch(&mut self, subject: Subject, name: &str, members: &[Machine<'_>]) {
        let wave = members.iter().map(|member| self.wave_of(member.index())).max().unwrap_or(1);
        let of = match subject {
            Subject::Machine(index) => StepSubject::Machine(index),
            Subject::Group(index) => StepSubject::Group(index),
        };
        let settings = members[0].settings();
        let past = members.iter().map(|member| past(*member)).min().unwrap_or(0);
        let barrier = self.barriers[usize::from(wave) - 1];
        let failover = self.step(StepKind::Failover, of, name, wave);
        self.graph[failover].adopted = past >= 3;
        let mut ready = vec![barrier];
        let mut first = Vec::new();
        if settings.failover.value == FailoverGate::OnApproval {
            let approval = self.step(StepKind::ApproveFailover, of, name, wave);
            self.graph[approval].adopted = past >= 3;
            self.edges(&ready, &[approval]);
            first.push(approval);
            ready = vec![approval];
        }
        if let Subject::Group(_) = subject {
            let made = self.step(StepKind::Prepare, of, name, wave);
            self.graph[made].adopted = past >= 3;
            self.edge(self.prepared, made);
            ready.push(made);
        }
        let mut entry = Vec::new();
        for member in members {
            let (member_name, subject) = (&member.name().value, StepSubject::Machine(member.index()));
            let recheck = self.step(StepKind::Recheck, subject, member_name, wave);
            self.graph[recheck].adopted = past >= 3;
            self.edge(recheck, failover);
            entry.push(recheck);
        }
        if self.quiesces(subject) {
            // The action that quiets the applications is put before this step, as before any failover.
            let awaited = self.step(StepKind::AwaitPoint, of, name, wave);
            self.graph[awaited].adopted = past >= 3;
            self.edges(&[awaited], &entry);
            self.edges(&ready, &[awaited]);
            entry = vec![awaited];
        } else {
            self.edges(&ready, &entry);
        }
        if first.is_empty() {
            first.clone_from(&entry);
        }
        self.phases.insert((Phase::Failover, subject), Span { first, entry, ready, last: vec![failover] });
        let verified = self.verify(failover, members, wave);
        self.commit(subject, of, name, members, &verified, wave);
    }

    /// Returns whether the failover waits for a recovery point newer than an action.
    fn quiesces(&self, subject: Subject) -> bool {
        match subject {
            Subject::Machine(_) => false,
            Subject::Group(index) => {
                self.model.group(index).is_some_and(|group| group.plan().quiesce.is_some())
            }
        }
    }

    fn verify(&mut self, failover: NodeIndex, members: &[Machine<'_>], wave: u16) -> Vec<NodeIndex> {
        let mut verified = Vec::with_capacity(members.len());
        for member in members {
            let subject = StepSubject::Machine(member.index());
            let verify = self.step(StepKind::Verify, subject, &member.name().value, wave);
            self.graph[verify].adopted = past(*member) >= 4;
            self.edge(failover, verify);
            let span =
                Span { first: vec![verify], entry: vec![verify], ready: vec![failover], last: vec![verify] };
            self.phases.insert((Phase::Verify, Subject::Machine(member.index())), span);
            verified.push(verify);
        }
        verified
    }

    fn commit(
        &mut self,
        subject: Subject,
        of: StepSubject,
        name: &str,
        members: &[Machine<'_>],
        verified: &[NodeIndex],
        wave: u16,
    ) {
        let past = members.iter().map(|member| past(*member)).min().unwrap_or(0);
        let commit = self.step(StepKind::Commit, of, name, wave);
        self.graph[commit].adopted = past >= 4;
        let mut entry = commit;
        if members[0].settings().commit.value != CommitGate::Automatic {
            let approval = self.step(StepKind::ApproveCommit, of, name, wave);
            self.graph[approval].adopted = past >= 4;
            self.edge(approval, commit);
            entry = approval;
        }
        self.edges(verified, &[entry]);
        let span =
            Span { first: vec![entry], entry: vec![entry], ready: verified.to_vec(), last: vec![commit] };
        self.phases.insert((Phase::Commit, subject), span);
        if let Subject::Group(_) = subject {
            let cleanup = self.step(StepKind::Cleanup, of, name, wave);
            self.edge(commit, cleanup);
        }
        for member in members.iter().filter(|member| member.is_protected_again()) {
            self.replicate_to_azure(*member, commit, wave);
        }
    }

    /// The steps of a machine from the commit until it is protected in Azure again.
    fn replicate_to_azure(&mut self, machine: Machine<'_>, commit: NodeIndex, wave: u16) {
        let (subject, name) = (StepSubject::Machine(machine.index()), machine.name().value.as_str());
        let registered = self.step(StepKind::AwaitAgent, subject, name, wave);
        let forward = self.step(StepKind::Forward, subject, name, wave);
        let protected = self.step(StepKind::AwaitForward, subject, name, wave);
        self.edge(commit, registered);
        self.edge(registered, forward);
        self.edge(forward, protected);
        let past = past(machine);
        for (step, kind) in [(registered, 5), (forward, 5), (protected, 6)] {
            self.graph[step].adopted = past >= kind;
        }
        let span = Span {
            first: vec![registered],
            entry: vec![registered],
            ready: vec![commit],
            last: vec![protected],
        };
        self.phases.insert((Phase::Forward, Subject::Machine(machine.index())), span);
    }

    fn boot_groups(&mut self) {
        let model = self.model;
        for (at, group) in model.plan.boot_groups.iter().enumerate() {
            let step = self.step(StepKind::BootGroup, StepSubject::BootGroup(at), &group.name.value, 0);
            self.boot_groups.push(step);
        }
    }

    /// The order that the plan asks for.
    fn order(&mut self) {
        for edge in order::edges(self.model) {
            match edge.reason {
                Reason::DependsOn | Reason::BootGroup => {}
                // Life cycles and actions have steps of their own.
                Reason::LifeCycle | Reason::Action => continue,
            }
            let from = match edge.from {
                Point::Phase(phase, subject) => {
                    self.phases.get(&(phase, subject)).map(|span| span.last.clone())
                }
                Point::BootGroupDone(at) => Some(vec![self.boot_groups[at]]),
                Point::Barrier | Point::Action(_) => None,
            };
            let to = match edge.to {
                Point::Phase(phase, subject) => {
                    self.phases.get(&(phase, subject)).map(|span| span.first.clone())
                }
                Point::BootGroupDone(at) => Some(vec![self.boot_groups[at]]),
                Point::Barrier | Point::Action(_) => None,
            };
            if let (Some(from), Some(to)) = (from, to) {
                self.edges(&from, &to);
                if let Point::Phase(phase, subject) = edge.to
                    && let Some(span) = self.phases.get_mut(&(phase, subject))
                    && span.first == span.entry
                {
                    // Without an approval, an action before the phase waits for the same as the phase does.
                    span.ready.extend(from);
                }
            }
        }
    }
}

/// Returns how far a machine is, as far as the facts tell: 1 reprotect done, 2 protected to on-premises, 3 failed back,
/// 4 committed, 5 reprotected to Azure, 6 protected in Azure.
fn past(machine: Machine<'_>) -> u8 {
    match machine.state() {
        Ok(State::ReprotectingToOnprem) => 1,
        Ok(State::ProtectedToOnprem | State::FailingBack) => 2,
        Ok(State::FailedBack) => 3,
        Ok(State::FailedBackCommitted) => 4,
        Ok(State::ReprotectingToAzure) => 5,
        Ok(State::ProtectedToAzure) => 6,
        Ok(
            State::FailedOver
            | State::FailedOverCommitted
            | State::Migrated
            | State::AzureVmDeleted
            | State::ReplicationDisabled
            | State::AzureVmMoved,
        )
        | Err(_) => 0,
    }
}

fn new_step(kind: StepKind, subject: StepSubject, name: Option<&str>, wave: u16) -> Step {
    let id = match name {
        Some(name) => StepId::new(format!("{}/{name}", kind.as_str())),
        None => StepId::new(kind.as_str()),
    };
    Step { id, kind, subject, wave, level: 0, adopted: false }
}
