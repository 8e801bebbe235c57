//! Reprotect and initial replication: disks change hands, data comes, the first recovery point is made.

use crate::id::MachineName;
use crate::provider::emulator::chance;
use crate::provider::emulator::checks;
use crate::provider::emulator::checks::Look;
use crate::provider::emulator::item::Holder;
use crate::provider::emulator::item::Stage;
use crate::provider::emulator::job::Trouble;
use crate::provider::emulator::place;
use crate::provider::emulator::queue::Event;
use crate::provider::emulator::world::World;
use crate::provider::emulator::world::after;
use crate::provider::request::OnpremTarget;
use crate::provider::request::Request;
use crate::source::Spanned;
use crate::syntax::machine::DiskKind;
use crate::syntax::machine::Health;
use crate::syntax::machine::OnpremDisk;
use crate::syntax::machine::OsFamily;
use crate::syntax::machine::PowerState;
use crate::syntax::machine::State;
use crate::syntax::nullable::Nullable;

impl World {
    pub(super) fn reprotect_check(&self, job: usize, machine: usize) -> Result<(), Trouble> {
        let Request::ReprotectToOnprem { target, .. } = &self.jobs[job].request else { return Ok(()) };
        if self.site.classic && !self.policy_mapped {
            return Err(Trouble::new(
                "78253",
                "The replication policy isn't associated with the configuration server.",
            ));
        }
        checks::reprotect(&self.look_at(machine), target).map_or(Ok(()), Err)
    }

    /// Returns a look at a machine as it is now.
    pub(super) fn look_at(&self, machine: usize) -> Look<'_> {
        let item = &self.items[machine];
        let mates = self.mates(machine).into_iter().map(|mate| &self.items[mate]).collect();
        Look { site: &self.site, item, mates, baseline: self.scenario.baseline(), now: self.now }
    }

    /// Returns the other members of a machine's replication group.
    fn mates(&self, machine: usize) -> Vec<usize> {
        if self.items[machine].group.is_none() {
            return Vec::new();
        }
        let names = self.site.mates(self.items[machine].name.as_str());
        names.filter_map(|name| self.index.get(&MachineName::new(name)).copied()).collect()
    }

    /// Classic: members of a replication group agree on a moment only if one master target holds the disks of all of them.
    pub(super) fn regroup(&mut self, machine: usize) {
        if !self.site.classic || self.items[machine].group.is_none() {
            return;
        }
        let mut members = self.mates(machine);
        members.push(machine);
        let holders = members.iter().filter_map(|member| self.items[*member].holder.as_ref());
        let mut servers = holders.map(|holder| &holder.server);
        let apart = servers.next().is_some_and(|first| servers.any(|server| server != first));
        let now = self.now;
        for member in
            members.into_iter().filter(|member| self.items[*member].apart != apart).collect::<Vec<_>>()
        {
            let item = &mut self.items[member];
            // What there is of points keeps the moments that it was made at.
            let replicates = item.points.are_made();
            item.stop_points(now);
            item.apart = apart;
            if replicates {
                item.points.begin(now);
            }
            self.touch(member);
        }
    }

    /// Attaches the machine's disks to the server that is to write them. From here on they are not what they were.
    pub(super) fn take_disks(&mut self, job: usize, machine: usize) -> Result<(), Trouble> {
        let Request::ReprotectToOnprem { target, .. } = &self.jobs[job].request else { return Ok(()) };
        let (server, datastore) = match target {
            OnpremTarget::Classic { master_target, datastore, .. } => {
                (master_target.clone(), datastore.clone())
            }
            OnpremTarget::Modernized { appliance, datastore, .. } => (appliance.clone(), datastore.clone()),
        };
        if let Some(trouble) = checks::slots(&self.site, &self.items[machine], &server) {
            return Err(trouble);
        }
        let (disks, bytes) = self.items[machine].replicated_disks();
        let alternate = self.items[machine].is_alternate();
        if alternate {
            // Another machine may have taken the space or the name since the prerequisites were looked at.
            let item = &self.items[machine];
            let taken = place::no_space(&self.site, item, &datastore);
            if let Some(trouble) = taken.or_else(|| place::name_taken(&self.site, item, &server)) {
                return Err(trouble);
            }
            self.site.take_space(&datastore, i128::from(bytes));
            if let Some(host) = self.site.host_of(&server).map(str::to_owned) {
                self.site.add_vm(&host, place::vm_name(&self.items[machine]));
            }
        } else {
            let power = self.items[machine].onprem_power();
            *power.state = Some(Spanned::bare(PowerState::Stopped));
            *power.booted_at = None;
        }
        self.site.set_attached(&server, self.site.attached(&server) + disks);
        let moves = self.site.moves(&server);
        self.items[machine].holder = Some(Holder { server, disks, moves });
        self.regroup(machine);
        Ok(())
    }

    /// Undoes what was taken for a new VM: its space and its name.
    pub(super) fn give_place_back(&mut self, job: usize, machine: usize) {
        let Request::ReprotectToOnprem { target, .. } = &self.jobs[job].request else { return };
        let datastore = match target {
            OnpremTarget::Classic { datastore, .. } | OnpremTarget::Modernized { datastore, .. } => {
                datastore.clone()
            }
        };
        let (_, bytes) = self.items[machine].replicated_disks();
        self.site.take_space(&datastore, -i128::from(bytes));
        let server = self.items[machine].holder.as_ref().map(|holder| holder.server.as_str());
        if let Some(host) = server.and_then(|server| self.site.host_of(server)).map(str::to_owned) {
            self.site.remove_vm(&host, place::vm_name(&self.items[machine]));
        }
    }

    pub(super) fn release_disks(&mut self, machine: usize) {
        if let Some(holder) = self.items[machine].holder.take() {
            let attached = self.site.attached(&holder.server).saturating_sub(holder.disks);
            self.site.set_attached(&holder.server, attached);
        }
    }

    /// Chooses the server that holds the disks of a machine which the inventory shows half way; they count as attached.
    pub(super) fn guess_holder(&mut self, machine: usize) {
        let family = |os: Option<&crate::syntax::machine::Os>| -> Option<OsFamily> {
            os.and_then(|os| os.family.as_deref().copied())
        };
        let ours = family(self.items[machine].facts.os.as_ref());
        let server = if self.site.classic {
            let targets = self.site.facts().master_targets.iter().flatten();
            targets
                .filter(|target| {
                    ours.is_none() || family(target.os.as_ref()).is_none_or(|os| Some(os) == ours)
                })
                .map(|target| target.name.value.clone())
                .next()
        } else {
            self.site.facts().appliances.iter().flatten().map(|appliance| appliance.name.value.clone()).next()
        };
        if let Some(server) = server {
            let (disks, _) = self.items[machine].replicated_disks();
            let moves = self.site.moves(&server);
            self.items[machine].holder = Some(Holder { server, disks, moves });
        }
    }

    /// The reprotect job is done: a new VM is there if one was needed, and data begins to come.
    pub(super) fn begin_initial_replication(&mut self, job: usize, machine: usize) {
        let alternate = self.items[machine].is_alternate();
        let (_, total) = self.items[machine].replicated_disks();
        let bytes = if alternate {
            self.make_vm(job, machine);
            total
        } else {
            let item = &self.items[machine];
            item.changed_bytes(self.now, self.scenario.seed(), "to-onprem", self.scenario.churn.as_ref())
        };
        let never = self.never_replicates(job);
        let item = &mut self.items[machine];
        item.settled = State::ReprotectingToOnprem;
        item.failover_failed = false;
        item.points.clear();
        if never {
            item.asr().health = Some(Spanned::bare(Health::Critical));
            return;
        }
        let mark = self.to_onprem.begin(self.now, machine, bytes);
        self.items[machine].stage = Stage::Transfers { mark, bytes };
    }

    fn never_replicates(&self, job: usize) -> bool {
        match &self.jobs[job].request {
            Request::ReprotectToOnprem {
                target: OnpremTarget::Classic { master_target, process_server, .. },
                ..
            } => checks::never_replicates(&self.site, master_target, process_server),
            Request::ReprotectToOnprem { target: OnpremTarget::Modernized { .. }, .. }
            | Request::Prepare
            | Request::MakeRecoveryPlan { .. }
            | Request::DeleteRecoveryPlan { .. }
            | Request::FailoverToOnprem { .. }
            | Request::CancelFailover { .. }
            | Request::Commit { .. }
            | Request::ReprotectToAzure { .. } => false,
        }
    }

    /// Makes the VM of an alternate location on the host of the server, with disks on the datastore that was chosen.
    pub(super) fn make_vm(&mut self, job: usize, machine: usize) {
        let Request::ReprotectToOnprem { target, .. } = &self.jobs[job].request else { return };
        let (server, datastore) = match target {
            OnpremTarget::Classic { master_target, datastore, .. } => (master_target, datastore.clone()),
            OnpremTarget::Modernized { appliance, datastore, .. } => (appliance, datastore.clone()),
        };
        let host = self.site.host_of(server).map(str::to_owned);
        let vcenter = host.as_deref().and_then(|host| self.site.vcenter_of(host)).map(str::to_owned);
        let seed = self.scenario.seed();
        let item = &mut self.items[machine];
        let name = place::vm_name(item).to_owned();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "48 bits of a draw")]
        let low = (chance::draw(seed, item.name.as_str(), "uuid") * (1_u64 << 48) as f64) as u64;
        let uuid = format!("564d0000-0000-4000-8000-{low:012x}");
        let disks: Vec<OnpremDisk> = item
            .facts
            .azure_vm
            .iter()
            .flat_map(|vm| vm.disks.iter().flatten())
            .filter(|disk| item.comes_back(disk))
            .map(|disk| OnpremDisk {
                id: disk.id.clone(),
                kind: Some(Spanned::bare(DiskKind::Vmdk)),
                datastore: Nullable::Some(Spanned::bare(datastore.clone())),
                exists: Some(Spanned::bare(true)),
                attached: Some(Spanned::bare(true)),
                size_gb: disk.size_gb,
                excluded: Some(Spanned::bare(false)),
            })
            .collect();
        let onprem = item.onprem();
        onprem.exists = Some(Spanned::bare(true));
        onprem.name = Some(Spanned::bare(name.clone()));
        onprem.uuid = Some(Spanned::bare(uuid.clone()));
        onprem.host = host.clone().map(Spanned::bare);
        onprem.vcenter = vcenter.map_or(Nullable::None, |vcenter| Nullable::Some(Spanned::bare(vcenter)));
        onprem.template_id = Nullable::None;
        onprem.power_state = Some(Spanned::bare(PowerState::Stopped));
        onprem.snapshots = Some(Spanned::bare(0));
        onprem.enable_uuid = Some(Spanned::bare(true));
        onprem.disks = Some(disks);
        item.asr().source_vm_uuid = Some(Spanned::bare(uuid));
        item.has_raw_disks = false;
    }

    /// Begins to carry what differs between both sides; used where the size does not depend on a job.
    pub(super) fn begin_transfer(&mut self, machine: usize, to_onprem: bool) {
        let what = if to_onprem { "to-onprem" } else { "to-azure" };
        let (now, seed) = (self.now, self.scenario.seed());
        let item = &self.items[machine];
        let bytes = item.changed_bytes(now, seed, what, self.scenario.churn.as_ref());
        let link = if to_onprem { &mut self.to_onprem } else { &mut self.to_azure };
        let mark = link.begin(now, machine, bytes);
        self.items[machine].stage = Stage::Transfers { mark, bytes };
    }

    /// All data of an initial replication is there.
    pub(super) fn transfer_ends(&mut self, machine: usize) {
        let until = after(self.now, self.first_point_takes(&self.items[machine]));
        self.items[machine].stage = Stage::WaitsForPoint { until };
        self.queue.push(until, Event::FirstPoint { machine });
    }

    /// The first recovery point is there: the machine is protected.
    pub(super) fn first_point(&mut self, machine: usize) {
        let now = self.now;
        let item = &mut self.items[machine];
        item.stage = Stage::Idle;
        if item.settled == State::ReprotectingToOnprem {
            item.settled = State::ProtectedToOnprem;
            if !item.needs_resync() {
                item.points.begin(now);
            }
        } else {
            item.settled = State::ProtectedToAzure;
        }
        if item.running.is_none() {
            item.state = item.settled;
        }
    }
}
