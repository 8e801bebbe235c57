//! Failover from Azure and its commit: recovery points, power, boots.

use std::collections::HashMap;
use std::collections::HashSet;
use std::collections::hash_map::Entry;

use crate::provider::emulator::chance;
use crate::provider::emulator::item::Item;
use crate::provider::emulator::job::JobKind;
use crate::provider::emulator::job::Trouble;
use crate::provider::emulator::latency;
use crate::provider::emulator::queue::Event;
use crate::provider::emulator::world::World;
use crate::provider::emulator::world::after;
use crate::provider::observation::ReachedPoint;
use crate::provider::request::FailbackPoint;
use crate::provider::request::Request;
use crate::source::Spanned;
use crate::syntax::machine::ActiveSite;
use crate::syntax::machine::PointKind;
use crate::syntax::machine::PowerState;
use crate::syntax::machine::State;
use crate::syntax::machine::ToolsState;

impl World {
    pub(super) fn point_asked_for(&self, job: usize) -> FailbackPoint {
        match &self.jobs[job].request {
            Request::FailoverToOnprem { point, .. } => *point,
            Request::Prepare
            | Request::MakeRecoveryPlan { .. }
            | Request::DeleteRecoveryPlan { .. }
            | Request::ReprotectToOnprem { .. }
            | Request::CancelFailover { .. }
            | Request::Commit { .. }
            | Request::ReprotectToAzure { .. } => FailbackPoint::Latest,
        }
    }

    /// All machines of an ASR recovery plan must have a point; for an app-consistent failover of classic, a common one.
    pub(super) fn plan_check(&self, job: usize) -> Result<(), Trouble> {
        if self.jobs[job].kind != JobKind::Failover {
            return Ok(());
        }
        let members: Vec<&Item> = self.jobs[job]
            .parts
            .iter()
            .filter_map(|part| part.machine.map(|machine| &self.items[machine]))
            // A member that is home already, from an earlier attempt, needs no point any more.
            .filter(|item| !matches!(item.settled, State::FailedBack | State::FailedBackCommitted))
            .collect();
        if let Some(item) = members.iter().find(|item| !item.points.any(self.now, &item.owner())) {
            return Err(Trouble::new("NoRecoveryPoint", format!("'{}' has no recovery point.", item.name)));
        }
        if !self.site.classic || self.point_asked_for(job) != FailbackPoint::AppConsistent {
            return Ok(());
        }
        // Members of one replication group go to a point that they have in common; the others each to their own.
        let mut common: HashMap<&str, HashSet<String>> = HashMap::new();
        for item in members {
            let Some(group) = item.group.as_deref() else { continue };
            let points = item.points.app_consistent(self.now, &item.owner());
            let theirs: HashSet<String> = points.into_iter().filter_map(|point| point.group_point).collect();
            match common.entry(group) {
                Entry::Vacant(entry) => {
                    entry.insert(theirs);
                }
                Entry::Occupied(mut entry) => entry.get_mut().retain(|moment| theirs.contains(moment)),
            }
            if common.get(group).is_some_and(HashSet::is_empty) {
                let message = format!(
                    "The replication group '{group}' has no app-consistent recovery point in common."
                );
                return Err(Trouble::new("NoCommonRecoveryPoint", message));
            }
        }
        Ok(())
    }

    pub(super) fn failover_check(&self, job: usize, machine: usize) -> Result<(), Trouble> {
        let item = &self.items[machine];
        if self.site.classic
            && let Some(trouble) = self.site.configuration_server_trouble(self.now)
        {
            return Err(trouble);
        }
        let protected = item.settled == State::ProtectedToOnprem;
        if protected && (item.needs_resync() || item.resyncs()) {
            // Classic goes to a point that it has; it, too, takes on no machine whose disks aren't in order.
            return Err(Trouble::new("78024", format!("'{}' requires a resync to continue.", item.name)));
        }
        if !protected || !item.points.any(self.now, &item.owner()) {
            return Err(Trouble::new("NoRecoveryPoint", format!("'{}' has no recovery point.", item.name)));
        }
        if self.site.classic {
            let app_consistent = self.point_asked_for(job) == FailbackPoint::AppConsistent;
            if app_consistent && item.points.app_consistent(self.now, &item.owner()).is_empty() {
                let message = format!("'{}' has no app-consistent recovery point.", item.name);
                return Err(Trouble::new("NoAppConsistentRecoveryPoint", message));
            }
            return Ok(());
        }
        if item.is_cut_off(self.site.classic) {
            let message =
                format!("The Mobility service agent of '{}' doesn't run or reach the service.", item.name);
            return Err(Trouble::new("AgentNotRegistered", message));
        }
        if !item.azure_runs() {
            return Err(Trouble::new(
                "78093",
                format!("The virtual machine '{}' isn't running, or it hangs.", item.name),
            ));
        }
        Ok(())
    }

    /// Makes the point that a planned failover goes to; members of a group share it through their ASR plan.
    pub(super) fn make_point(&mut self, job: usize, machine: usize) {
        if self.site.classic {
            return;
        }
        let kind = match self.point_asked_for(job) {
            FailbackPoint::AppConsistent => PointKind::AppConsistent,
            FailbackPoint::Latest | FailbackPoint::CrashConsistent => PointKind::CrashConsistent,
        };
        let group_point = self.group_point(job, machine);
        // The first member that is ready gives the moment; the others take part in its point.
        let mut members = self.jobs[job].parts.iter().filter_map(|part| part.machine);
        let made = group_point
            .as_ref()
            .and_then(|shared| members.find_map(|member| self.items[member].points.moment_of(shared)));
        let item = &mut self.items[machine];
        // The failover goes to this point and to no later one.
        item.stop_points(self.now);
        item.points.add(made.unwrap_or(self.now), kind, group_point);
    }

    /// Returns the name of the point that a planned failover makes for the members of a machine's group, if they go through an
    /// ASR plan; without one, each goes to a point of its own.
    fn group_point(&self, job: usize, machine: usize) -> Option<String> {
        let job = &self.jobs[job];
        let group = self.items[machine].group.as_deref().filter(|_| job.parts.len() > 1)?;
        Some([group, job.id.as_str()].join("-"))
    }

    /// Returns the point that a machine comes home to: in modernized, the one that was made for it; in classic, the newest of the
    /// kind that was asked for, and of a replication group that goes to an app-consistent one, the newest that its members in
    /// the job have in common.
    pub(super) fn point_reached(&self, job: usize, machine: usize) -> Option<ReachedPoint> {
        let item = &self.items[machine];
        if !self.site.classic {
            let made = self.group_point(job, machine);
            return item
                .points
                .reached(self.now, &item.owner(), |point| made.is_none() || point.group_point == made);
        }
        if self.point_asked_for(job) != FailbackPoint::AppConsistent {
            return item.points.reached(self.now, &item.owner(), |_| true);
        }
        let group = item.group.as_deref().filter(|_| self.jobs[job].parts.len() > 1);
        let members: Vec<HashSet<String>> = self.jobs[job]
            .parts
            .iter()
            .filter_map(|part| part.machine.map(|machine| &self.items[machine]))
            .filter(|member| group.is_some() && member.group.as_deref() == group)
            .map(|member| member.points.app_consistent(self.now, &member.owner()))
            .map(|points| points.into_iter().filter_map(|point| point.group_point).collect())
            .collect();
        item.points.reached(self.now, &item.owner(), |point| {
            let is_shared = |moment: &String| members.iter().all(|theirs| theirs.contains(moment));
            point.kind == PointKind::AppConsistent
                && (members.is_empty() || point.group_point.as_ref().is_some_and(is_shared))
        })
    }

    pub(super) fn shut_azure_down(&mut self, machine: usize) {
        let stays_on = self.azure_stays_on(machine);
        let now = self.now;
        let item = &mut self.items[machine];
        item.stop_points(now);
        if !stays_on {
            item.azure_stops(now);
        }
    }

    /// Starts the Azure VM again; replication to on-premises goes on.
    pub(super) fn start_azure(&mut self, machine: usize) {
        let now = self.now;
        let item = &mut self.items[machine];
        if !item.azure_runs() {
            let power = item.azure_power();
            *power.state = Some(Spanned::bare(PowerState::Running));
            *power.booted_at = Some(Spanned::bare(now));
            self.agent_boots(machine, ActiveSite::Azure);
        }
        let item = &mut self.items[machine];
        if matches!(item.settled, State::ProtectedToOnprem | State::FailedBack) && !item.needs_resync() {
            item.points.begin(now);
        }
    }

    /// The failover is done: the workload is on-premises.
    pub(super) fn come_home(&mut self, machine: usize) {
        self.items[machine].settled = State::FailedBack;
        self.items[machine].failover_failed = false;
        if self.site.classic {
            self.release_disks(machine);
        }
        let (host, memory) = {
            let facts = &self.items[machine].facts;
            let host =
                facts.onprem_vm.as_ref().and_then(|vm| vm.host.as_ref().map(|host| host.value.clone()));
            (host, facts.memory_gb.as_deref().copied())
        };
        if let (Some(host), Some(memory)) = (host, memory) {
            self.site.take_memory(&host, memory);
        }
        match self.boot_fault(machine) {
            None => self.boot_onprem(machine),
            Some(until) => {
                self.items[machine].onprem_agent = false;
                let power = self.items[machine].onprem_power();
                *power.state = Some(Spanned::bare(PowerState::Stopped));
                *power.tools = Some(Spanned::bare(ToolsState::NotRunning));
                if let Some(until) = until {
                    self.queue.push(after(self.now, until), Event::BootsAtLast { machine });
                }
            }
        }
    }

    /// Boots the on-premises VM: its tools and its agent follow.
    pub(super) fn boot_onprem(&mut self, machine: usize) {
        let now = self.now;
        let power = self.items[machine].onprem_power();
        *power.state = Some(Spanned::bare(PowerState::Running));
        *power.booted_at = Some(Spanned::bare(now));
        *power.tools = Some(Spanned::bare(ToolsState::NotRunning));
        self.agent_boots(machine, ActiveSite::Onprem);
        let boot = self.items[machine].boots.of(ActiveSite::Onprem);
        self.queue.push(after(now, latency::TOOLS_RUN_AFTER), Event::ToolsRun { machine, boot });
    }

    pub(super) fn tools_run(&mut self, machine: usize, boot: u32) {
        let item = &mut self.items[machine];
        if item.boots.of(ActiveSite::Onprem) == boot && item.onprem_runs() {
            *item.onprem_power().tools = Some(Spanned::bare(ToolsState::Running));
        }
    }

    /// Counts a boot: the agent registers some minutes later.
    pub(super) fn agent_boots(&mut self, machine: usize, side: ActiveSite) {
        let (least, most) = latency::AGENT_REGISTERS;
        let item = &mut self.items[machine];
        let boot = item.boots.count(side);
        match side {
            ActiveSite::Azure => item.azure_agent = false,
            ActiveSite::Onprem => item.onprem_agent = false,
        }
        let takes = chance::between(self.scenario.seed(), item.name.as_str(), side.as_str(), least, most);
        let takes = self.late_agent(machine, side).unwrap_or(takes);
        self.queue.push(after(self.now, takes), Event::AgentRegisters { machine, side, boot });
    }

    /// Commits the failover that is pending, if one is: to Azure, or from Azure, which removes the Azure VM.
    pub(super) fn commit(&mut self, machine: usize) {
        match self.items[machine].settled {
            State::FailedOver => self.items[machine].settled = State::FailedOverCommitted,
            State::FailedBack => {
                self.release_disks(machine);
                let item = &mut self.items[machine];
                item.settled = State::FailedBackCommitted;
                item.points.clear();
                let azure = item.azure();
                azure.exists = Some(Spanned::bare(false));
                azure.power_state = None;
                azure.booted_at = None;
                azure.agent_service = None;
            }
            State::ProtectedToAzure
            | State::FailedOverCommitted
            | State::ReprotectingToOnprem
            | State::ProtectedToOnprem
            | State::FailingBack
            | State::FailedBackCommitted
            | State::ReprotectingToAzure
            | State::Migrated
            | State::AzureVmDeleted
            | State::ReplicationDisabled
            | State::AzureVmMoved => {}
        }
    }
}
