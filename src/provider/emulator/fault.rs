//! How the faults of a scenario strike.

use crate::provider::emulator::job::Part;
use crate::provider::emulator::job::Trouble;
use crate::provider::emulator::latency;
use crate::provider::emulator::queue::Event;
use crate::provider::emulator::scenario::Fault;
use crate::provider::emulator::scenario::FaultKind;
use crate::provider::emulator::scenario::FaultPhase;
use crate::provider::emulator::world::World;
use crate::provider::emulator::world::after;
use crate::provider::emulator::world::phase_index;
use crate::source::Spanned;
use crate::syntax::machine::ActiveSite;
use crate::syntax::machine::Health;
use crate::syntax::nullable::Nullable;

/// Part of the bandwidth that a slow line keeps when the scenario does not say.
const SLOW: f64 = 0.1;

/// Seconds that a job stands still when the scenario does not say: longer than the engine keeps silent about.
const HANGS: i64 = 3 * 60 * 60;

/// How a kind of fault works.
#[derive(PartialEq, Eq)]
enum Class {
    /// It changes the state of a server, for a while.
    Server,
    /// It changes the state of a machine, for a while.
    Machine,
    /// It is looked up when what it concerns takes place.
    Occasion,
    /// It hits calls.
    Call,
}

const fn class_of(kind: FaultKind) -> Class {
    match kind {
        FaultKind::VcenterDisconnects
        | FaultKind::ConfigurationServerDisconnects
        | FaultKind::MasterTargetSnapshot
        | FaultKind::StorageVmotion
        | FaultKind::ApplianceUnhealthy
        | FaultKind::ProcessServerUnhealthy
        | FaultKind::DatastoreInaccessible
        | FaultKind::LinkSlow => Class::Server,
        FaultKind::ResyncRequired | FaultKind::Health | FaultKind::AzureVmStopped => Class::Machine,
        FaultKind::AgentLate
        | FaultKind::JobFails
        | FaultKind::JobHangs
        | FaultKind::AzureVmStaysOn
        | FaultKind::OnpremVmDoesNotBoot => Class::Occasion,
        FaultKind::Busy | FaultKind::NoAnswerBefore | FaultKind::NoAnswerAfter | FaultKind::AnswerTwice => {
            Class::Call
        }
    }
}

pub(super) fn lasting(fault: &Fault) -> Option<i64> {
    fault.lasting.as_deref().map(|seconds| i64::try_from(seconds.0).unwrap_or(i64::MAX))
}

/// Returns whether the `count`th request is one that the fault hits.
fn hits(fault: &Fault, count: u32) -> bool {
    let nth = fault.nth.as_deref().copied().unwrap_or(1);
    let times = fault.times.as_deref().copied().unwrap_or(1);
    count >= nth && count - nth < times
}

/// Returns whether the fault says which requests it hits.
const fn counts(fault: &Fault) -> bool {
    fault.nth.is_some() || fault.times.is_some()
}

impl World {
    fn fault(&self, index: usize) -> Option<&Fault> {
        self.scenario.faults.as_ref().and_then(|faults| faults.get(index))
    }

    pub(super) fn faults(&self) -> impl Iterator<Item = (usize, &Fault)> {
        self.scenario.faults.iter().flatten().enumerate()
    }

    /// Puts the faults that begin at a time into the queue.
    pub(super) fn arm_faults(&mut self) {
        let mut begins = Vec::new();
        for (index, fault) in self.faults() {
            let stands = matches!(class_of(*fault.kind), Class::Server | Class::Machine);
            if stands && fault.phase.is_none() {
                let delay = fault.at.as_ref().map_or(0, |at| i64::try_from(at.after.0).unwrap_or(i64::MAX));
                begins.push((after(self.start, delay), index));
            }
        }
        for (at, fault) in begins {
            self.queue.push(at, Event::FaultBegins { fault });
        }
        // What stands from the beginning is seen by the first look.
        self.advance(self.start);
    }

    fn in_window(&self, fault: &Fault) -> bool {
        let begin = fault.at.as_ref().map_or(0, |at| i64::try_from(at.after.0).unwrap_or(i64::MAX));
        let begin = after(self.start, begin);
        self.now >= begin
            && lasting(fault).is_none_or(|lasting| fault.at.is_none() || self.now < after(begin, lasting))
    }

    fn concerns(&self, fault: &Fault, machine: usize) -> bool {
        fault.of.as_deref().is_none_or(|name| name == self.items[machine].name.as_str())
    }

    /// Returns whether a fault that waits for requests of `phase` hits the present one of any of `machines`.
    pub(super) fn hits_call(&self, fault: &Fault, phase: FaultPhase, machines: &[usize]) -> bool {
        if fault.phase.as_deref().is_some_and(|wanted| *wanted != phase) || !self.in_window(fault) {
            return false;
        }
        let at = phase_index(phase);
        let of_server = fault
            .of
            .as_deref()
            .is_some_and(|name| !self.index.contains_key(&crate::id::MachineName::new(name.as_str())));
        if machines.is_empty() || of_server || class_of(*fault.kind) == Class::Server {
            return hits(fault, self.calls[at]);
        }
        let mut concerned = machines.iter().filter(|machine| self.concerns(fault, **machine));
        concerned.any(|machine| hits(fault, self.items[*machine].calls[at]))
    }

    /// Lets the faults begin that wait for this request.
    pub(super) fn faults_of_call(&mut self, phase: FaultPhase, machines: &[usize]) {
        let mut begins = Vec::new();
        for (index, fault) in self.faults() {
            if fault.phase.as_deref() != Some(&phase) {
                continue;
            }
            match class_of(*fault.kind) {
                Class::Server if self.hits_call(fault, phase, machines) => begins.push((index, None)),
                Class::Machine => {
                    let hit = machines.iter().filter(|machine| {
                        self.concerns(fault, **machine)
                            && self.hits_call(fault, phase, std::slice::from_ref(machine))
                    });
                    begins.extend(hit.map(|machine| (index, Some(*machine))));
                }
                Class::Server | Class::Occasion | Class::Call => {}
            }
        }
        for (fault, machine) in begins {
            self.fault_begins(fault, machine);
        }
    }

    /// Begins a fault, and schedules its end.
    pub(super) fn fault_begins(&mut self, index: usize, machine: Option<usize>) {
        self.set_fault(index, machine, true);
        if let Some(lasting) = self.fault(index).and_then(lasting) {
            self.queue.push(after(self.now, lasting), Event::FaultEnds { fault: index, machine });
        }
    }

    /// Ends every fault that stands, and forgets those to come.
    pub(super) fn end_faults(&mut self) {
        while let Some((index, machine)) = self.standing.last().copied() {
            self.set_fault(index, machine, false);
        }
        self.scenario.faults = None;
    }

    /// Makes a fault so, or no longer so.
    pub(super) fn set_fault(&mut self, index: usize, machine: Option<usize>, strikes: bool) {
        let Some(fault) = self.fault(index).cloned() else { return };
        if strikes {
            self.standing.push((index, machine));
        } else if let Some(at) = self.standing.iter().position(|standing| *standing == (index, machine)) {
            self.standing.remove(at);
        }
        let named = |name: &str| fault.of.as_deref().is_none_or(|of| of == name);
        let health = |strikes| Some(Spanned::bare(if strikes { Health::Critical } else { Health::Healthy }));
        let now = self.now;
        match *fault.kind {
            FaultKind::VcenterDisconnects => {
                for vcenter in
                    self.site.facts_mut().vcenters.iter_mut().flatten().filter(|vcenter| named(&vcenter.id))
                {
                    vcenter.connected = Some(Spanned::bare(!strikes));
                }
            }
            FaultKind::ConfigurationServerDisconnects => {
                if let Nullable::Some(server) = &mut self.site.facts_mut().configuration_server
                    && named(&server.id)
                {
                    server.connected = Some(Spanned::bare(!strikes));
                }
            }
            FaultKind::MasterTargetSnapshot => {
                for target in self
                    .site
                    .facts_mut()
                    .master_targets
                    .iter_mut()
                    .flatten()
                    .filter(|target| named(&target.name))
                {
                    target.snapshots = Some(Spanned::bare(u32::from(strikes)));
                }
            }
            FaultKind::StorageVmotion => self.move_servers(&fault, strikes),
            FaultKind::ApplianceUnhealthy => {
                for server in
                    self.site.facts_mut().appliances.iter_mut().flatten().filter(|server| named(&server.name))
                {
                    server.health = health(strikes);
                }
            }
            FaultKind::ProcessServerUnhealthy => {
                for server in self
                    .site
                    .facts_mut()
                    .process_servers
                    .iter_mut()
                    .flatten()
                    .filter(|server| named(&server.name))
                {
                    server.health = health(strikes);
                    server.heartbeat_at = Some(Spanned::bare(now));
                }
            }
            FaultKind::DatastoreInaccessible => {
                for datastore in
                    self.site.facts_mut().datastores.iter_mut().flatten().filter(|store| named(&store.name))
                {
                    datastore.accessible = Some(Spanned::bare(!strikes));
                }
            }
            FaultKind::LinkSlow => {
                let factor = fault.factor.as_deref().copied().unwrap_or(SLOW).max(1e-6);
                for link in [&mut self.to_onprem, &mut self.to_azure] {
                    let bandwidth = link.bandwidth();
                    link.set_bandwidth(now, if strikes { bandwidth * factor } else { bandwidth / factor });
                }
            }
            FaultKind::ResyncRequired | FaultKind::Health | FaultKind::AzureVmStopped => {
                let hit: Vec<usize> = match (machine, fault.of.as_deref()) {
                    (Some(machine), _) => vec![machine],
                    (None, Some(name)) => self
                        .index
                        .get(&crate::id::MachineName::new(name.as_str()))
                        .copied()
                        .into_iter()
                        .collect(),
                    (None, None) => (0..self.items.len()).collect(),
                };
                for machine in hit {
                    self.touch(machine);
                    self.set_machine_fault(&fault, machine, strikes);
                }
            }
            FaultKind::AgentLate
            | FaultKind::JobFails
            | FaultKind::JobHangs
            | FaultKind::AzureVmStaysOn
            | FaultKind::OnpremVmDoesNotBoot
            | FaultKind::Busy
            | FaultKind::NoAnswerBefore
            | FaultKind::NoAnswerAfter
            | FaultKind::AnswerTwice => {}
        }
    }

    /// Moves the servers of a storage vMotion. Nobody moves them back: the end of the fault changes nothing.
    fn move_servers(&mut self, fault: &Fault, strikes: bool) {
        if !strikes {
            return;
        }
        let targets = self.site.facts().master_targets.iter().flatten().map(|server| &server.name.value);
        let appliances = self.site.facts().appliances.iter().flatten().map(|server| &server.name.value);
        let named = |name: &&String| fault.of.as_deref().is_none_or(|of| of == *name);
        let servers: Vec<String> = targets.chain(appliances).filter(named).cloned().collect();
        for server in servers {
            self.site.move_server(&server);
        }
    }

    fn set_machine_fault(&mut self, fault: &Fault, machine: usize, strikes: bool) {
        let now = self.now;
        let item = &mut self.items[machine];
        match *fault.kind {
            FaultKind::ResyncRequired => {
                let asr = item.asr();
                asr.resync_required = Some(Spanned::bare(strikes));
                asr.health = Some(Spanned::bare(if strikes { Health::Critical } else { Health::Ok }));
                let replicates = item.settled == crate::syntax::machine::State::ProtectedToOnprem;
                if strikes {
                    item.stop_points(now);
                } else if replicates {
                    item.points.begin(now);
                }
            }
            FaultKind::Health => {
                let health = fault.health.as_deref().copied().unwrap_or(Health::Critical);
                item.asr().health = Some(Spanned::bare(if strikes { health } else { Health::Ok }));
            }
            FaultKind::AzureVmStopped => {
                if strikes {
                    item.azure_stops(now);
                } else if self.azure_exists(machine) {
                    self.start_azure(machine);
                }
            }
            FaultKind::VcenterDisconnects
            | FaultKind::ConfigurationServerDisconnects
            | FaultKind::MasterTargetSnapshot
            | FaultKind::StorageVmotion
            | FaultKind::ApplianceUnhealthy
            | FaultKind::ProcessServerUnhealthy
            | FaultKind::DatastoreInaccessible
            | FaultKind::LinkSlow
            | FaultKind::AgentLate
            | FaultKind::JobFails
            | FaultKind::JobHangs
            | FaultKind::AzureVmStaysOn
            | FaultKind::OnpremVmDoesNotBoot
            | FaultKind::Busy
            | FaultKind::NoAnswerBefore
            | FaultKind::NoAnswerAfter
            | FaultKind::AnswerTwice => {}
        }
    }

    /// Returns the task at which the scenario lets a part of a job fail, and with what.
    pub(super) fn job_fault(&self, phase: FaultPhase, part: &Part) -> Option<(usize, Trouble)> {
        let (task, fault) = self.fault_of_job(FaultKind::JobFails, phase, part)?;
        let code = fault.code.as_deref().map_or("539", String::as_str);
        let message = "The requested action couldn't be performed by the Replication Provider.";
        Some((task, Trouble::new(code, message)))
    }

    /// Returns the task at which the scenario lets a part of a job stand still, and for how many seconds.
    pub(super) fn job_hang(&self, phase: FaultPhase, part: &Part) -> Option<(usize, i64)> {
        let (task, fault) = self.fault_of_job(FaultKind::JobHangs, phase, part)?;
        Some((task, lasting(fault).unwrap_or(HANGS)))
    }

    /// Returns the fault of a kind that befalls a part of a job, and at which task.
    fn fault_of_job(&self, kind: FaultKind, phase: FaultPhase, part: &Part) -> Option<(usize, &Fault)> {
        let at = phase_index(phase);
        let (_, fault) = self.faults().find(|(_, fault)| {
            let count = part.machine.map_or(self.job_counts[at], |machine| self.items[machine].jobs[at]);
            *fault.kind == kind
                && fault.phase.as_deref().is_none_or(|wanted| *wanted == phase)
                && self.in_window(fault)
                && (hits(fault, count) || (fault.at.is_some() && !counts(fault)))
                && match part.machine {
                    Some(machine) => self.concerns(fault, machine),
                    None => fault.of.is_none(),
                }
        })?;
        let named = fault.task.as_deref();
        let task = part.tasks.iter().position(|task| Some(task.spec.name) == named.map(String::as_str));
        Some((task.unwrap_or(part.tasks.len() - 1), fault))
    }

    /// Returns the seconds from boot to registration of an agent that the scenario makes late.
    pub(super) fn late_agent(&self, machine: usize, side: ActiveSite) -> Option<i64> {
        let (_, fault) = self.faults().find(|(_, fault)| {
            let on_side = match fault.phase.as_deref() {
                None => true,
                Some(FaultPhase::Reprotect) => side == ActiveSite::Azure,
                Some(FaultPhase::Forward) => side == ActiveSite::Onprem,
                Some(
                    FaultPhase::Prepare | FaultPhase::Failover | FaultPhase::Cancel | FaultPhase::Commit,
                ) => false,
            };
            *fault.kind == FaultKind::AgentLate && on_side && self.concerns(fault, machine)
        })?;
        Some(lasting(fault).unwrap_or(latency::LATE_AGENT))
    }

    /// Returns whether the scenario leaves the Azure VM on in the present failover of a machine.
    pub(super) fn azure_stays_on(&self, machine: usize) -> bool {
        self.occasion(FaultKind::AzureVmStaysOn, machine).is_some()
    }

    /// Returns whether the on-premises VM does not boot after the present failover, and after how long it does at last.
    pub(super) fn boot_fault(&self, machine: usize) -> Option<Option<i64>> {
        self.occasion(FaultKind::OnpremVmDoesNotBoot, machine).map(lasting)
    }

    fn occasion(&self, kind: FaultKind, machine: usize) -> Option<&Fault> {
        let count = self.items[machine].jobs[phase_index(FaultPhase::Failover)];
        let found = self.faults().find(|(_, fault)| {
            *fault.kind == kind && self.concerns(fault, machine) && (!counts(fault) || hits(fault, count))
        });
        found.map(|(_, fault)| fault)
    }
}
