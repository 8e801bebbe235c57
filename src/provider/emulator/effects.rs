//! What happens to the world when a task of a job ends, and when replication goes on by itself.

use crate::provider::emulator::checks;
use crate::provider::emulator::job::JobKind;
use crate::provider::emulator::job::Trouble;
use crate::provider::emulator::latency::TaskKind;
use crate::provider::emulator::queue::Event;
use crate::provider::emulator::world::World;
use crate::provider::emulator::world::after;
use crate::provider::operation::Failure;
use crate::provider::request::Request;
use crate::source::Spanned;
use crate::syntax::machine::PowerState;
use crate::syntax::machine::State;

impl World {
    /// Ends the running task of a part: the next one begins, or the part ends.
    pub(super) fn task_ends(&mut self, job: usize, part: usize) {
        let now = self.now;
        let present = &self.jobs[job].parts[part];
        let (running, task) = (present.running, present.tasks[present.running].spec);
        let doom = present.doom.as_ref().filter(|(at, _)| *at == running).map(|(_, trouble)| trouble.clone());
        let outcome = match doom {
            Some(trouble) => Err(trouble),
            None => self.carry_out(job, part, task.kind),
        };
        if let Err(trouble) = outcome {
            let failure =
                Failure { code: trouble.code, message: trouble.message, task: task.words.to_owned() };
            return self.part_fails(job, part, task.kind, failure);
        }
        let present = &mut self.jobs[job].parts[part];
        if running + 1 < present.tasks.len() {
            present.running += 1;
            present.task_began = now;
            let end = after(now, present.seconds_of(present.running));
            self.queue.push(end, Event::TaskEnds { job, part });
        } else {
            self.part_succeeds(job, part);
        }
    }

    /// Does what a task stands for.
    fn carry_out(&mut self, job: usize, part: usize, task: TaskKind) -> Result<(), Trouble> {
        let kind = self.jobs[job].kind;
        let Some(machine) = self.jobs[job].parts[part].machine else { return Ok(()) };
        match (kind, task) {
            (_, TaskKind::PlanCheck) => {
                let found = self.jobs[job].plan_check.take().unwrap_or_else(|| self.plan_check(job));
                self.jobs[job].plan_check = Some(found.clone());
                found
            }
            (JobKind::Reprotect, TaskKind::Check) => self.reprotect_check(job, machine),
            (JobKind::Reprotect, TaskKind::CommitPending) => {
                self.commit(machine);
                Ok(())
            }
            (JobKind::Reprotect, TaskKind::Requirements) => self.take_disks(job, machine),
            (JobKind::Reprotect, TaskKind::Protect) => {
                let Request::ReprotectToOnprem { target, .. } = &self.jobs[job].request else {
                    return Ok(());
                };
                checks::reprotect_still_possible(&self.look_at(machine), target).map_or(Ok(()), Err)
            }
            (JobKind::Failover, TaskKind::Check) => self.failover_check(job, machine),
            (JobKind::Failover, TaskKind::Prepare) => {
                self.make_point(job, machine);
                Ok(())
            }
            (JobKind::Failover, TaskKind::Shutdown) => {
                if self.jobs[job].leaves_azure {
                    let now = self.now;
                    self.items[machine].stop_points(now);
                } else {
                    self.shut_azure_down(machine);
                }
                Ok(())
            }
            (JobKind::Failover, TaskKind::Switch) => {
                checks::switch(&self.site, &self.items[machine]).map_or(Ok(()), Err)
            }
            (JobKind::Failover, TaskKind::Start) => {
                checks::start(&self.site, &self.items[machine]).map_or(Ok(()), Err)
            }
            (JobKind::Commit, TaskKind::Commit) | (JobKind::Forward, TaskKind::CommitPending) => {
                self.commit(machine);
                Ok(())
            }
            (JobKind::Cancel, TaskKind::Cancel) => {
                let power = self.items[machine].onprem_power();
                *power.state = Some(Spanned::bare(PowerState::Stopped));
                *power.booted_at = None;
                Ok(())
            }
            (JobKind::Cancel, TaskKind::StartAzure) => {
                self.start_azure(machine);
                Ok(())
            }
            (JobKind::Forward, TaskKind::Check) => {
                let Request::ReprotectToAzure { target, .. } = &self.jobs[job].request else { return Ok(()) };
                checks::forward(&self.look_at(machine), target).map_or(Ok(()), Err)
            }
            (
                JobKind::Prepare
                | JobKind::SavePlan
                | JobKind::DeletePlan
                | JobKind::Reprotect
                | JobKind::Failover
                | JobKind::Cancel
                | JobKind::Commit
                | JobKind::Forward,
                _,
            ) => Ok(()),
        }
    }

    fn part_ends(&mut self, job: usize, part: usize) {
        let now = self.now;
        self.jobs[job].parts[part].ended = Some(now);
        self.jobs[job].open -= 1;
        if let Some(told) = &mut self.told {
            told.machines.extend(self.jobs[job].parts[part].machine);
            if self.jobs[job].open == 0 {
                told.operations.push(self.jobs[job].id.clone());
            }
        }
        let part = &self.jobs[job].parts[part];
        if part.owns
            && let Some(machine) = part.machine
        {
            let item = &mut self.items[machine];
            item.running = None;
            item.state = item.settled;
        }
    }

    fn part_fails(&mut self, job: usize, part: usize, task: TaskKind, failure: Failure) {
        self.jobs[job].parts[part].failure = Some(failure);
        let kind = self.jobs[job].kind;
        let owns = self.jobs[job].parts[part].owns;
        if let Some(machine) = self.jobs[job].parts[part].machine.filter(|_| owns) {
            match kind {
                JobKind::Reprotect => {
                    let alternate = self.items[machine].is_alternate();
                    if alternate && self.items[machine].holder.is_some() {
                        self.give_place_back(job, machine);
                    }
                    self.release_disks(machine);
                    self.regroup(machine);
                }
                JobKind::Failover if !matches!(task, TaskKind::Check | TaskKind::PlanCheck) => {
                    self.items[machine].failover_failed = true;
                    // A planned failover that fails is cancelled by the service itself; an unplanned one is not.
                    if !self.site.classic {
                        self.start_azure(machine);
                    }
                }
                JobKind::Failover
                | JobKind::Prepare
                | JobKind::SavePlan
                | JobKind::DeletePlan
                | JobKind::Cancel
                | JobKind::Commit
                | JobKind::Forward => {}
            }
        }
        self.part_ends(job, part);
    }

    fn part_succeeds(&mut self, job: usize, part: usize) {
        let kind = self.jobs[job].kind;
        match (kind, self.jobs[job].parts[part].machine) {
            (JobKind::Prepare, _) => self.policy_mapped = true,
            (JobKind::SavePlan, _) => {
                if let Request::MakeRecoveryPlan { name, machines } = &self.jobs[job].request {
                    let members =
                        machines.iter().filter_map(|machine| self.index.get(machine).copied()).collect();
                    self.plans.insert(name.clone(), members);
                }
            }
            (JobKind::DeletePlan, _) => {
                if let Request::DeleteRecoveryPlan { name } = &self.jobs[job].request {
                    self.plans.remove(name);
                }
            }
            (JobKind::Reprotect, Some(machine)) => self.begin_initial_replication(job, machine),
            (JobKind::Failover, Some(machine)) => {
                self.items[machine].reached = self.point_reached(job, machine);
                self.come_home(machine);
            }
            (JobKind::Cancel, Some(machine)) => {
                self.items[machine].settled = State::ProtectedToOnprem;
                self.items[machine].reached = None;
            }
            (JobKind::Forward, Some(machine)) => {
                self.items[machine].settled = State::ReprotectingToAzure;
                self.begin_transfer(machine, false);
            }
            (JobKind::Commit, Some(_)) => {}
            (
                JobKind::Reprotect | JobKind::Failover | JobKind::Cancel | JobKind::Commit | JobKind::Forward,
                None,
            ) => {}
        }
        self.part_ends(job, part);
    }
}
