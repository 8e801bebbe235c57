//! What state a run is in, worked out from its events alone.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;

use crate::event::Asked;
use crate::event::Begun;
use crate::event::Order;
use crate::event::RunStatus;
use crate::event::Seen;
use crate::event::Shown;
use crate::event::Signed;
use crate::event::Statement;
use crate::event::StepStatus;
use crate::event::Word;
use crate::event::changing::Changing;
use crate::event::set::StepSet;
use crate::event::slots::Slots;
use crate::event::step::StepState;
use crate::graph::Graph;
use crate::graph::StepIndex;
use crate::graph::StepKind;
use crate::graph::vcenter::Lane;
use crate::id::IdMap;
use crate::id::StepId;
use crate::provider::ReachedPoint;

/// The state of a run.
#[derive(Clone, Debug)]
pub struct RunState {
    pub(super) graph: Arc<Graph>,
    pub(super) status: RunStatus,
    pub(super) steps: Vec<StepState>,
    pub(super) seq: u64,
    pub(super) started_at: Option<Timestamp>,
    pub(super) last_at: Option<Timestamp>,
    /// Steps that hold disks which came free.
    pub(super) freeable: Vec<StepIndex>,
    /// Steps that may begin and change nothing, as an ordered set: ties go to the earlier step.
    pub(super) ready: StepSet,
    /// Steps that may begin and ask the site to change something, and the disks that steps hold.
    pub(super) slots: Slots,
    /// How many steps run that ask the site to change something.
    pub(super) changing: Changing,
    /// Steps that run or are asked about.
    pub(super) active: StepSet,
    /// Room for the steps that a change of status spreads to, used again at each.
    pub(super) work: Vec<(StepIndex, StepStatus)>,
    pub(super) settled: usize,
    pub(super) failed: usize,
    /// Whether something failed since a person last had something done again or left out.
    pub(super) stopped: bool,
    /// Machines that failed inside a step of several, or that a person took out: nothing more is done about them.
    pub(super) out: BTreeSet<usize>,
    /// Of these, the machines that failed inside a step of several, each with that step.
    pub(super) lost: BTreeMap<usize, StepIndex>,
    /// Machines that a person took out, and whether what depends on each goes on without it.
    pub(super) taken_out: BTreeMap<usize, bool>,
    /// Datastore of the server that a reprotect went through, as it was seen then.
    pub(super) placements: IdMap<StepIndex, String>,
    /// Machines whose failover the site took on for this run.
    pub(super) own: BTreeSet<usize>,
    /// Recovery point that each machine went to, as the site reported it.
    pub(super) points: BTreeMap<usize, ReachedPoint>,
    /// How machines were seen last that are not as the facts of the plan or their steps tell.
    pub(super) seen: BTreeMap<usize, Seen>,
    /// Reprotects whose disks a person attached to their server again, since which the server was not seen.
    pub(super) attached: BTreeSet<StepIndex>,
    /// Number of the last letter that was taken; 0 before the first.
    pub(super) last_letter: u64,
    /// Numbers of the letters that were withdrawn before they were taken.
    pub(super) withdrawn: BTreeSet<u64>,
    /// How it began.
    pub(super) begun: Option<Arc<Begun>>,
    /// Signed answers that were taken or withdrawn, so that none counts again.
    pub(super) signed: BTreeSet<String>,
    /// Whether planned failovers are taken back, if the run is cancelled.
    pub(super) cancelling: Option<bool>,
}

impl RunState {
    /// Returns the state before the first event.
    #[must_use]
    pub fn new(graph: Arc<Graph>) -> Self {
        let steps: Vec<StepState> = (0..)
            .zip(graph.steps())
            .map(|(index, _)| {
                let before = graph.before(index).len();
                StepState::waiting(u32::try_from(before).expect("indexes are 32 bits wide"))
            })
            .collect();
        let count = steps.len();
        let slots = Slots::at_start(&graph);
        Self {
            graph,
            status: RunStatus::New,
            steps,
            seq: 0,
            started_at: None,
            last_at: None,
            freeable: Vec::new(),
            ready: StepSet::new(count),
            slots,
            changing: Changing::default(),
            active: StepSet::new(count),
            work: Vec::new(),
            settled: 0,
            failed: 0,
            stopped: false,
            out: BTreeSet::new(),
            lost: BTreeMap::new(),
            taken_out: BTreeMap::new(),
            placements: IdMap::default(),
            own: BTreeSet::new(),
            points: BTreeMap::new(),
            seen: BTreeMap::new(),
            attached: BTreeSet::new(),
            last_letter: 0,
            withdrawn: BTreeSet::new(),
            begun: None,
            signed: BTreeSet::new(),
            cancelling: None,
        }
    }

    /// Returns the graph that the run executes.
    #[must_use]
    pub const fn graph(&self) -> &Arc<Graph> {
        &self.graph
    }

    /// Returns where the run is.
    #[must_use]
    pub const fn status(&self) -> RunStatus {
        self.status
    }

    /// Returns the state of a step.
    ///
    /// # Panics
    ///
    /// If the step is of another graph.
    #[must_use]
    pub fn step(&self, step: StepIndex) -> &StepState {
        &self.steps[step as usize]
    }

    /// Returns the place of the last event; 0 before the first.
    #[must_use]
    pub const fn seq(&self) -> u64 {
        self.seq
    }

    /// Returns when the run began.
    #[must_use]
    pub const fn started_at(&self) -> Option<Timestamp> {
        self.started_at
    }

    /// Returns the time of the last event.
    #[must_use]
    pub const fn last_at(&self) -> Option<Timestamp> {
        self.last_at
    }

    /// Returns the steps that may begin and change nothing, in the order of the graph.
    pub fn ready(&self) -> impl Iterator<Item = StepIndex> {
        self.ready.iter()
    }

    /// Returns the steps of a lane that may begin and ask the site to change something, the most urgent first; of those that
    /// wait for disks of one server, the first that fits.
    pub fn ready_to_change(&self, lane: Lane) -> impl Iterator<Item = StepIndex> {
        self.slots.open_in(lane).map(|rank| self.graph.ranked(rank))
    }

    /// Returns how many more steps may begin in a lane, as far as the plan's limit for its vCenter goes.
    #[must_use]
    pub fn room_in(&self, lane: Lane) -> usize {
        self.changing.room(&self.graph, lane)
    }

    /// Returns the first step that is ready and asks the site to change something, whether its server has room or not.
    #[must_use]
    pub fn first_to_change(&self) -> Option<StepIndex> {
        self.slots.first().map(|rank| self.graph.ranked(rank))
    }

    /// Returns the server and the number of disks that a step has to be given before it may begin.
    #[must_use]
    pub fn slots_needed(&self, step: StepIndex) -> Option<(&str, u32)> {
        self.graph.attaches(step).filter(|_| self.slots.of(step).is_none())
    }

    /// Returns how many steps run that ask the site to change something.
    #[must_use]
    pub const fn changing(&self) -> usize {
        self.changing.total()
    }

    /// Returns a step whose disks came free and were not given back, with the server and their number.
    #[must_use]
    pub fn freeable(&self) -> Option<(StepIndex, &str, u32)> {
        self.freeable
            .iter()
            .rev()
            .find_map(|step| self.slots.of(*step).map(|(server, disks)| (*step, server, disks)))
    }

    /// Returns the steps that run or are asked about.
    pub fn active(&self) -> impl Iterator<Item = StepIndex> {
        self.active.iter()
    }

    /// Returns how many steps are settled.
    #[must_use]
    pub const fn settled(&self) -> usize {
        self.settled
    }

    /// Returns how many steps failed or are blocked by one that did.
    #[must_use]
    pub const fn failed(&self) -> usize {
        self.failed
    }

    /// Returns whether something failed since a person last had something done again or left out: where the plan says so, the run
    /// begins nothing more.
    #[must_use]
    pub const fn has_failed(&self) -> bool {
        self.stopped
    }

    /// Returns how many disks the run holds on a server.
    #[must_use]
    pub fn slots(&self, server: &str) -> u32 {
        self.slots.taken(server)
    }

    /// Returns how many disks a server can still take: the limit, less what it had at the start, less what the run attached.
    #[must_use]
    pub fn slots_free(&self, server: &str) -> u32 {
        self.slots.free_on(&self.graph, server)
    }

    /// Returns the machines that failed inside a step of several, or that a person took out: nothing more is done about them.
    #[must_use]
    pub const fn out(&self) -> &BTreeSet<usize> {
        &self.out
    }

    /// Returns the machines that a step is about and that are still in the run.
    pub fn machines_of(&self, step: StepIndex) -> impl Iterator<Item = usize> {
        self.graph.indexes_of(step).filter(|machine| !self.out.contains(machine))
    }

    /// Returns whether a person took a machine out.
    #[must_use]
    pub fn is_taken_out(&self, machine: usize) -> bool {
        self.taken_out.contains_key(&machine)
    }

    /// Returns the number of the last letter that was taken; 0 before the first.
    #[must_use]
    pub const fn last_letter(&self) -> u64 {
        self.last_letter
    }

    /// Returns whether a letter was withdrawn before it was taken.
    #[must_use]
    pub fn is_withdrawn(&self, letter: u64) -> bool {
        self.withdrawn.contains(&letter)
    }

    /// Returns who began the run, if the system knew.
    #[must_use]
    pub fn author(&self) -> Option<&str> {
        self.begun.as_ref()?.author.as_deref()
    }

    /// Returns how the run began, and whom it knows; `None` before it did.
    #[must_use]
    pub fn begun(&self) -> Option<&Begun> {
        self.begun.as_deref()
    }

    /// Returns whether an answer with this signature was taken or withdrawn before.
    #[must_use]
    pub fn has_taken(&self, signed: &Signed, order: &Order) -> bool {
        self.signed.contains(&signed_as(signed, order))
    }

    /// Returns what a person signs who answers open questions.
    ///
    /// # Errors
    ///
    /// A sentence that says which of them is not open as it was shown.
    pub fn statement(
        &self,
        answer: Word,
        questions: &[Shown],
        reason: Option<&String>,
        at: Timestamp,
    ) -> Result<Statement, String> {
        let begun = self.begun.as_ref().ok_or_else(|| "the run has not begun".to_owned())?;
        let asked = questions.iter().map(|Shown { step, question }| {
            let open = self.graph.find(step).map(|index| self.step(index));
            match open.filter(|open| open.status == StepStatus::Asked && open.question == *question) {
                Some(open) => Ok(Asked {
                    step: step.clone(),
                    question: *question,
                    prompt: open.note.clone().unwrap_or_default(),
                    roles: open.roles.clone(),
                }),
                None => Err(format!("{step} asks this no more: sign what is asked now")),
            }
        });
        let asked = asked.collect::<Result<Vec<_>, _>>()?;
        Ok(Statement::of(begun, answer, asked, reason.cloned(), at))
    }

    /// Returns whether the run is cancelled, or about to end so.
    #[must_use]
    pub const fn is_cancelling(&self) -> bool {
        self.cancelling.is_some()
    }

    /// Returns the reprotects whose server was seen, each with the datastore that the server stood on.
    pub fn placements(&self) -> impl Iterator<Item = (StepIndex, &str)> {
        self.placements.iter().map(|(step, datastore)| (*step, datastore.as_str()))
    }

    /// Returns the datastore that the server of a reprotect stood on, if it was seen.
    #[must_use]
    pub fn placement(&self, reprotect: StepIndex) -> Option<&str> {
        self.placements.get(&reprotect).map(String::as_str)
    }

    /// Returns the recovery point that a machine went to, if the site reported it.
    #[must_use]
    pub fn point(&self, machine: usize) -> Option<&ReachedPoint> {
        self.points.get(&machine)
    }

    /// Returns how a machine was seen last, if that was not as the facts of the plan or its steps tell.
    #[must_use]
    pub fn seen(&self, machine: usize) -> Option<Seen> {
        self.seen.get(&machine).copied()
    }

    /// Returns the reprotects of a step's machines whose server was seen: it holds their disks.
    pub fn reprotects_behind(&self, step: StepIndex) -> impl Iterator<Item = StepIndex> {
        let machines = self.graph.indexes_of(step).filter(|machine| !self.is_taken_out(*machine));
        let reprotects = machines.filter_map(|machine| self.reprotect_of(machine));
        reprotects.filter(|reprotect| self.placements.contains_key(reprotect))
    }

    /// Returns the reprotect of a machine.
    #[must_use]
    pub fn reprotect_of(&self, machine: usize) -> Option<StepIndex> {
        self.graph.of_machine(machine, StepKind::Reprotect)
    }

    /// Returns whether a person attached the disks of a reprotect to their server again, since which the server was not seen.
    #[must_use]
    pub fn is_to_be_placed(&self, reprotect: StepIndex) -> bool {
        self.attached.contains(&reprotect)
    }

    /// Returns whether a step holds disks on a server.
    #[must_use]
    pub fn holds_slots(&self, step: StepIndex) -> bool {
        self.slots.of(step).is_some()
    }

    /// Returns the id of a step.
    #[must_use]
    pub fn id(&self, step: StepIndex) -> &StepId {
        &self.graph.step(step).id
    }
}

/// Returns what tells a signed answer from every other one.
pub(super) fn signed_as(signed: &Signed, order: &Order) -> String {
    let order = serde_json::to_string(order).expect("an order has a JSON form");
    format!("{} {order}", signed.at)
}
