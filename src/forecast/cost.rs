//! How long a step takes and how much data it carries in one simulated run.

use crate::forecast::amount::Amount;
use crate::forecast::draw::What;
use crate::forecast::duration;
use crate::forecast::limit::LimitKind;
use crate::forecast::simulate::Settings;
use crate::forecast::work::Boot;
use crate::forecast::work::Work;
use crate::forecast::work::Workload;
use crate::graph::StepIndex;
use crate::graph::StepKind;

/// What is known when a step begins: the workload, and when earlier steps ended.
pub(super) struct Cost<'s> {
    pub load: &'s Workload<'s>,
    pub settings: &'s Settings<'s>,
    pub ends: &'s [f64],
}

impl Cost<'_> {
    fn between(&self, step: StepIndex, what: What, range: (f64, f64)) -> f64 {
        self.settings.draw.between(u64::from(step), what, range)
    }

    /// Returns the time from something's happening until it is seen.
    fn seen(&self, step: StepIndex, range: (f64, f64)) -> f64 {
        self.between(step, What::Seen, range)
    }

    /// Returns the number for which a step's tasks are drawn. A machine whose data is slow to be protected on one side is
    /// so on the other, too: both directions are one draw, else their ranges would even each other out.
    fn drawn_for(&self, step: StepIndex) -> u64 {
        let of = self.load.graph.step(step);
        // Steps are drawn for by their numbers, which are below these.
        let both_ways = match of.kind {
            StepKind::Reprotect | StepKind::Forward => 1 << 41,
            StepKind::AwaitProtected | StepKind::AwaitForward => 1 << 42,
            StepKind::Preflight
            | StepKind::Prepare
            | StepKind::AwaitAzureAgent
            | StepKind::AwaitDeletion
            | StepKind::Barrier
            | StepKind::ApproveFailover
            | StepKind::AwaitPoint
            | StepKind::Recheck
            | StepKind::Failover
            | StepKind::Verify
            | StepKind::BootGroup
            | StepKind::ApproveCommit
            | StepKind::Commit
            | StepKind::Cleanup
            | StepKind::AwaitAgent
            | StepKind::Action => return u64::from(step),
        };
        self.load.members(step).first().map_or(u64::from(step), |machine| *machine as u64 | both_ways)
    }

    /// Returns the time of a job's tasks for its member number `member`.
    fn tasks(&self, step: StepIndex, tasks: &[u32], member: u32) -> f64 {
        let of = self.drawn_for(step);
        let spread = |(number, seconds): (u32, &u32)| {
            let (seconds, what) = (f64::from(*seconds), What::Task(member * 8 + number));
            // Tasks of a few seconds are not seen to vary.
            let part = if seconds < 10.0 { 0.0 } else { duration::SPREAD };
            self.settings.draw.between(of, what, (seconds * (1.0 - part), seconds * (1.0 + part)))
        };
        (0..).zip(tasks).map(spread).sum()
    }

    /// Returns the time from the last byte of an initial replication until its first point is seen.
    pub(super) fn first_point(&self, step: StepIndex) -> f64 {
        self.tasks(step, duration::FIRST_POINT, 0) + self.seen(step, duration::POLLED_AFTER)
    }

    /// Returns the bytes that a transfer carries which begins at `at`.
    pub(super) fn bytes(&self, step: StepIndex, amount: Amount, at: f64) -> f64 {
        match amount {
            Amount::All(total) => total,
            Amount::Part(total) => total * self.between(step, What::Bytes, duration::CHANGED_PART),
            Amount::Since { per_second, moment, total } => (per_second * (at - moment).max(0.0)).min(total),
            Amount::SinceStep { per_second, step, total } => {
                let since = (at - self.ends[step as usize]).max(0.0);
                (per_second * since).min(total)
            }
        }
    }

    /// Returns how long a step takes that begins at `at`.
    pub(super) fn seconds(&self, step: StepIndex, at: f64) -> f64 {
        match self.load.work[step as usize] {
            Work::Nothing | Work::Transfer { .. } => 0.0,
            Work::Look(range) => self.between(step, What::Look, range),
            Work::Job { tasks, members, through_plan } => {
                let slowest = (0..members).map(|member| self.tasks(step, tasks, member)).fold(0.0, f64::max);
                let check = if through_plan { f64::from(duration::PLAN_CHECK) } else { 0.0 };
                slowest + check + self.seen(step, duration::POLLED_AFTER)
            }
            Work::Agent(boot) => {
                let booted = match boot {
                    Boot::Step(failover) => self.ends[failover as usize],
                    Boot::At(moment) => moment,
                    Boot::Unknown => return self.between(step, What::Agent, duration::AGENT_MISSING),
                };
                let registers = booted + self.between(step, What::Agent, duration::AGENT_REGISTERS);
                if registers > at { registers - at + self.seen(step, duration::LOOKED_AFTER) } else { 0.0 }
            }
            Work::NewPoint { every, of } => {
                if self.settings.without == Some(LimitKind::RecoveryPoints) {
                    return 0.0;
                }
                self.next_point(every, of, at) - at + self.seen(step, duration::LOOKED_AFTER)
            }
            Work::CommonPoints => {
                if self.settings.without == Some(LimitKind::RecoveryPoints) {
                    return 0.0;
                }
                let machines = self.load.pointed(step).iter();
                let every = duration::APP_CONSISTENT_EVERY;
                let points =
                    machines.map(|(machine, of)| self.next_point(every, *of, self.protected_since(*machine)));
                let last = points.fold(f64::MIN, f64::max);
                if last > at { last - at + self.seen(step, duration::LOOKED_AFTER) } else { 0.0 }
            }
            Work::Action(timeout) => {
                let part = if self.settings.without == Some(LimitKind::Actions) {
                    0.0
                } else {
                    self.settings.actions
                };
                timeout * part
            }
        }
    }

    /// Returns when the first point since `since` is made of a machine or group. Each has its own moment in the hour, the
    /// same each time it is asked about.
    fn next_point(&self, every: f64, of: u64, since: f64) -> f64 {
        // Steps are drawn for by their numbers, which are below this.
        let offset = self.settings.draw.between(of | 1 << 40, What::Phase, (0.0, every));
        ((since - offset) / every).ceil().mul_add(every, offset)
    }

    /// Returns since when a machine, or its whole replication group, has recovery points.
    fn protected_since(&self, machine: usize) -> f64 {
        let since = |machine: &usize| {
            let protected = self.load.protected[*machine];
            if self.load.graph.step(protected).adopted {
                self.load.protected_before[*machine]
            } else {
                self.ends[protected as usize]
            }
        };
        self.load.group_of(machine).iter().map(since).fold(-1e12, f64::max)
    }
}
