//! Jobs as they are opened: their tasks, how long each takes, and who has the machine meanwhile.

use crate::id::IdempotencyKey;
use crate::id::OperationId;
use crate::id::push_number;
use crate::provider::emulator::accept::phase_of;
use crate::provider::emulator::job::Job;
use crate::provider::emulator::job::JobKind;
use crate::provider::emulator::job::Part;
use crate::provider::emulator::job::Task;
use crate::provider::emulator::job::Trouble;
use crate::provider::emulator::latency;
use crate::provider::emulator::latency::TaskKind;
use crate::provider::emulator::latency::TaskSpec;
use crate::provider::emulator::queue::Event;
use crate::provider::emulator::world::World;
use crate::provider::emulator::world::after;
use crate::provider::emulator::world::phase_index;
use crate::provider::request::FailbackPoint;
use crate::provider::request::Request;
use crate::syntax::machine::State;

/// How the part of a job for one machine begins.
pub(super) enum Begin {
    /// With its tasks.
    Runs(&'static [TaskSpec]),
    /// It fails at once.
    Fails(TaskSpec, Trouble),
}

impl World {
    /// Begins a failover that the inventory shows as running when the world begins.
    pub(super) fn resume_failover(&mut self, machine: usize) {
        self.items[machine].settled = State::ProtectedToOnprem;
        let request = Request::FailoverToOnprem {
            machines: vec![self.items[machine].name.clone()],
            recovery_plan: None,
            point: FailbackPoint::Latest,
        };
        let tasks = if self.site.classic { latency::CLASSIC_FAILOVER } else { latency::MODERNIZED_FAILOVER };
        // A machine whose failover runs has passed the prerequisites, which come first.
        self.machine_job(JobKind::Failover, &request, None, vec![(machine, Begin::Runs(&tasks[1..]))]);
    }

    pub(super) fn vault_job(
        &mut self,
        kind: JobKind,
        specs: &[TaskSpec],
        request: &Request,
        key: Option<&IdempotencyKey>,
    ) -> OperationId {
        let tasks = specs.iter().map(|spec| self.task(*spec, "vault", spec.seconds)).collect();
        let part = self.part(None, tasks, None);
        self.open_job(kind, request, key, vec![part])
    }

    pub(super) fn machine_job(
        &mut self,
        kind: JobKind,
        request: &Request,
        key: Option<&IdempotencyKey>,
        begins: Vec<(usize, Begin)>,
    ) -> OperationId {
        let through_plan = match request {
            Request::FailoverToOnprem { recovery_plan, .. } | Request::Commit { recovery_plan, .. } => {
                recovery_plan.is_some()
            }
            Request::Prepare
            | Request::MakeRecoveryPlan { .. }
            | Request::DeleteRecoveryPlan { .. }
            | Request::ReprotectToOnprem { .. }
            | Request::CancelFailover { .. }
            | Request::ReprotectToAzure { .. } => false,
        };
        let parts = begins
            .into_iter()
            .map(|(machine, begin)| self.machine_part(kind, machine, begin, through_plan))
            .collect();
        self.open_job(kind, request, key, parts)
    }

    fn machine_part(&self, kind: JobKind, machine: usize, begin: Begin, through_plan: bool) -> Part {
        let busy = self.items[machine].running.is_some() || self.items[machine].busy_elsewhere;
        let (specs, refusal) = match begin {
            Begin::Runs(specs) if busy => {
                (specs, Some((specs[0], Trouble::new("532", "The operation couldn't be completed."))))
            }
            Begin::Runs(specs) => (specs, None),
            Begin::Fails(spec, trouble) => (latency::COMMIT_REFUSED, Some((spec, trouble))),
        };
        if let Some((spec, trouble)) = refusal {
            let task = Task { spec: TaskSpec { kind: TaskKind::Refuse, ..spec }, seconds: 1 };
            let mut part = self.part(Some(machine), vec![task], Some((0, trouble)));
            part.owns = false;
            return part;
        }
        let name = self.items[machine].name.as_str();
        let mut tasks: Vec<Task> =
            specs.iter().map(|spec| self.task(*spec, name, self.recorded(kind, machine, spec))).collect();
        if through_plan {
            tasks.insert(0, self.task(latency::PLAN_CHECK, "plan", latency::PLAN_CHECK.seconds));
        }
        self.part(Some(machine), tasks, None)
    }

    /// Returns the seconds of a task that take the machine's state or direction into account.
    fn recorded(&self, kind: JobKind, machine: usize, spec: &TaskSpec) -> i64 {
        match spec.kind {
            TaskKind::CommitPending if self.items[machine].settled == State::FailedBack => {
                latency::COMMIT[1].seconds
            }
            TaskKind::Protect => {
                let all = latency::reprotect_seconds(self.site.classic, kind == JobKind::Forward);
                all - latency::REPROTECT.iter().map(|spec| spec.seconds).sum::<i64>()
            }
            TaskKind::PlanCheck
            | TaskKind::Check
            | TaskKind::CommitPending
            | TaskKind::Discover
            | TaskKind::Requirements
            | TaskKind::Prepare
            | TaskKind::Shutdown
            | TaskKind::Switch
            | TaskKind::Start
            | TaskKind::Commit
            | TaskKind::Cancel
            | TaskKind::StartAzure
            | TaskKind::Vault
            | TaskKind::Refuse => spec.seconds,
        }
    }

    fn task(&self, spec: TaskSpec, of: &str, seconds: i64) -> Task {
        let (model, seed) = (self.scenario.durations(), self.scenario.seed());
        Task { spec, seconds: latency::varied(model, seed, of, spec.name, seconds) }
    }

    fn part(&self, machine: Option<usize>, tasks: Vec<Task>, doom: Option<(usize, Trouble)>) -> Part {
        Part {
            machine,
            tasks,
            running: 0,
            task_began: self.now,
            ended: None,
            failure: None,
            owns: true,
            doom,
            hangs: None,
        }
    }

    fn open_job(
        &mut self,
        kind: JobKind,
        request: &Request,
        key: Option<&IdempotencyKey>,
        mut parts: Vec<Part>,
    ) -> OperationId {
        let at = self.jobs.len();
        let found = parts.iter().filter_map(|part| part.machine).map(|at| self.whereabouts(at)).collect();
        let word = match kind {
            JobKind::Prepare => "prepare",
            JobKind::SavePlan => "save-plan",
            JobKind::DeletePlan => "delete-plan",
            JobKind::Reprotect => "reprotect",
            JobKind::Failover => "failover",
            JobKind::Cancel => "cancel",
            JobKind::Commit => "commit",
            JobKind::Forward => "forward",
        };
        let mut id = String::with_capacity(word.len() + 8);
        id.push_str(word);
        id.push('-');
        push_number(&mut id, self.jobs.len() as u64 + 1);
        let id = OperationId::new(id);
        let phase = phase_of(request);
        self.job_counts[phase_index(phase)] += 1;
        for (number, part) in parts.iter_mut().enumerate() {
            if let Some(machine) = part.machine {
                self.items[machine].jobs[phase_index(phase)] += 1;
            }
            if part.doom.is_none() {
                part.doom = self.job_fault(phase, part);
            }
            if part.owns {
                part.hangs = self.job_hang(phase, part);
            }
            if let Some(machine) = part.machine.filter(|_| part.owns) {
                let item = &mut self.items[machine];
                item.running = Some(at);
                item.state = match kind {
                    JobKind::Reprotect => State::ReprotectingToOnprem,
                    JobKind::Failover => State::FailingBack,
                    JobKind::Forward => State::ReprotectingToAzure,
                    JobKind::Prepare
                    | JobKind::SavePlan
                    | JobKind::DeletePlan
                    | JobKind::Cancel
                    | JobKind::Commit => item.settled,
                };
            }
            self.queue.push(after(self.now, part.seconds_of(0)), Event::TaskEnds { job: at, part: number });
        }
        let open = parts.len();
        self.jobs.push(Job {
            id: id.clone(),
            kind,
            request: request.clone(),
            key: key.cloned(),
            taken_at: self.now,
            found,
            parts,
            open,
            plan_check: None,
            leaves_azure: false,
        });
        self.operations.insert(id.clone(), at);
        if let Some(key) = key {
            self.keys.insert(key.clone(), at);
        }
        id
    }
}
