//! Machines that an inventory shows half way through the cycle: they are brought into motion.

use crate::provider::emulator::chance;
use crate::provider::emulator::latency;
use crate::provider::emulator::queue::Event;
use crate::provider::emulator::world::World;
use crate::provider::emulator::world::after;
use crate::syntax::machine::ActiveSite;
use crate::syntax::machine::State;

impl World {
    /// Brings a machine that the inventory shows half way through the cycle into motion.
    pub(super) fn set_up(&mut self, machine: usize) {
        let start = self.start;
        self.register_agents(machine);
        let settled = self.items[machine].settled;
        match settled {
            State::ReprotectingToOnprem => {
                self.policy_mapped = true;
                self.guess_holder(machine);
                self.begin_transfer(machine, true);
                self.disturb_if_running(machine);
            }
            State::ProtectedToOnprem | State::FailingBack | State::FailedBack => {
                self.policy_mapped = true;
                if settled != State::FailedBack || !self.site.classic {
                    self.guess_holder(machine);
                }
                let item = &mut self.items[machine];
                let listed = item.facts.asr.as_ref().and_then(|asr| asr.recovery_points.clone());
                item.points.keep_listed(listed.as_deref().unwrap_or_default());
                if settled == State::FailedBack {
                    return;
                }
                let none_yet = listed.as_ref().is_some_and(Vec::is_empty);
                // Without a list, the machine is taken to have been protected for a day: it has points of every kind.
                let first = if none_yet {
                    after(start, latency::CRASH_CONSISTENT_EVERY)
                } else if listed.is_some() {
                    start
                } else {
                    after(start, -latency::RETENTION)
                };
                if !item.needs_resync() {
                    item.points.begin(first);
                }
                self.disturb_if_running(machine);
                if settled == State::FailingBack {
                    self.resume_failover(machine);
                }
            }
            State::ReprotectingToAzure => self.begin_transfer(machine, false),
            State::ProtectedToAzure
            | State::FailedOver
            | State::FailedOverCommitted
            | State::FailedBackCommitted
            | State::Migrated
            | State::AzureVmDeleted
            | State::ReplicationDisabled
            | State::AzureVmMoved => {}
        }
    }

    /// A VM that was on all along while its disks received data must be resynchronised.
    fn disturb_if_running(&mut self, machine: usize) {
        let item = &self.items[machine];
        if item.onprem_runs() && !item.is_alternate() && item.settled != State::FailingBack {
            self.disturb(machine);
        }
    }

    /// Lets agents register that booted shortly before the world began.
    fn register_agents(&mut self, machine: usize) {
        let (start, seed, classic) = (self.start, self.scenario.seed(), self.site.classic);
        let late = self.late_agent(machine, ActiveSite::Azure);
        let item = &mut self.items[machine];
        let in_azure = matches!(item.settled, State::FailedOver | State::FailedOverCommitted);
        let azure = item.facts.azure_vm.as_ref().and_then(|vm| vm.booted_at.as_deref().copied());
        let onprem = item.facts.onprem_vm.as_ref().and_then(|vm| vm.booted_at.as_deref().copied());
        let (side, booted) = if in_azure { (ActiveSite::Azure, azure) } else { (ActiveSite::Onprem, onprem) };
        let (least, most) = latency::AGENT_REGISTERS;
        let takes = chance::between(seed, item.name.as_str(), "agent", least, most);
        let registers = match (late, booted) {
            (Some(late), booted) if in_azure => Some(after(booted.unwrap_or(start), late)),
            (_, Some(booted)) => Some(after(booted, takes)),
            (_, None) => None,
        };
        let stopped = in_azure && item.is_cut_off(classic);
        if let Some(registers) = registers.filter(|registers| *registers > start && !stopped) {
            match side {
                ActiveSite::Azure => item.azure_agent = false,
                ActiveSite::Onprem => item.onprem_agent = false,
            }
            let boot = item.boots.of(side);
            self.queue.push(registers, Event::AgentRegisters { machine, side, boot });
        }
    }
}
