//! The `Scenario` document: what goes wrong in the emulated site, when, and for how long.

use crate::diagnostic::Diagnostic;
use crate::quantity::Seconds;
use crate::source::Source;
use crate::source::Spanned;
use crate::syntax::Version;
use crate::syntax::block::block;
use crate::syntax::block::words;
use crate::syntax::decode::Reader;
use crate::syntax::inventory::Known;
use crate::syntax::machine::Churn;
use crate::syntax::machine::Health;
use crate::syntax::plan::Baseline;
use crate::syntax::yaml;

words! {
    /// The kind of a scenario document.
    pub enum ScenarioKind {
        /// A scenario.
        Scenario = "Scenario",
    }
}

words! {
    /// How long the emulated service takes.
    pub enum DurationModel {
        /// As recorded, up to a tenth more or less, drawn from the seed for each machine and task.
        Recorded = "recorded",
        /// Exactly as recorded.
        Fixed = "fixed",
    }
}

words! {
    /// What the service says to the reprotect of a single member of a replication group.
    pub enum GroupReprotect {
        /// It takes it on.
        PerItem = "per_item",
        /// It refuses it: a person has to do it.
        Refused = "refused",
    }
}

words! {
    /// The requests that a fault may wait for.
    pub enum FaultPhase {
        /// The failback policy, or an ASR recovery plan.
        Prepare = "prepare",
        /// Reprotect to on-premises.
        Reprotect = "reprotect",
        /// Failover from Azure.
        Failover = "failover",
        /// Taking a planned failover back.
        Cancel = "cancel",
        /// Commit.
        Commit = "commit",
        /// Reprotect to Azure.
        Forward = "forward",
    }
}

words! {
    /// What goes wrong.
    pub enum FaultKind {
        /// Site Recovery loses a vCenter.
        VcenterDisconnects = "vcenter_disconnects",
        /// Site Recovery loses the configuration server.
        ConfigurationServerDisconnects = "configuration_server_disconnects",
        /// Somebody takes a snapshot of a master target.
        MasterTargetSnapshot = "master_target_snapshot",
        /// A master target or an appliance is moved to another datastore.
        StorageVmotion = "storage_vmotion",
        /// An appliance does not work.
        ApplianceUnhealthy = "appliance_unhealthy",
        /// A process server does not work.
        ProcessServerUnhealthy = "process_server_unhealthy",
        /// The hosts don't reach a datastore.
        DatastoreInaccessible = "datastore_inaccessible",
        /// The line between Azure and the site carries a part only.
        LinkSlow = "link_slow",
        /// An agent takes long to register after a boot.
        AgentLate = "agent_late",
        /// A job fails.
        JobFails = "job_fails",
        /// A job stands still at a task.
        JobHangs = "job_hangs",
        /// A machine must be resynchronised.
        ResyncRequired = "resync_required",
        /// A machine's replication is not healthy.
        Health = "health",
        /// An Azure VM is off.
        AzureVmStopped = "azure_vm_stopped",
        /// A failover leaves the Azure VM running.
        AzureVmStaysOn = "azure_vm_stays_on",
        /// The on-premises VM does not boot after a failover.
        OnpremVmDoesNotBoot = "onprem_vm_does_not_boot",
        /// The service asks to come back later.
        Busy = "busy",
        /// A call is lost on its way to the service.
        NoAnswerBefore = "no_answer_before",
        /// The answer to a call is lost; what was asked for happens.
        NoAnswerAfter = "no_answer_after",
        /// A call reaches the service twice; the answer to the second is all that comes back.
        AnswerTwice = "answer_twice",
    }
}

block! {
    /// A moment of the scenario.
    pub struct Moment {
        /// Time since the world began.
        pub after: Spanned<Seconds>,
    }
}

block! {
    /// One thing that goes wrong.
    pub struct Fault {
        /// What goes wrong.
        pub kind: Spanned<FaultKind>,
        /// Machine, server, vCenter or datastore that it happens to. Default: each that it can happen to.
        pub of: Known<String> => "vc1",
        /// When it begins. Default: with the world, or with `phase`.
        pub at: Option<Moment>,
        /// Request with which it begins.
        pub phase: Known<FaultPhase>,
        /// Which request of the phase, counted from 1: a machine's own requests if `of` is a machine or left out for a
        /// fault of machines, else all.
        pub nth: Known<u32> => 2,
        /// How many requests in a row it hits. Default: 1.
        pub times: Known<u32> => 1,
        /// How long it lasts. Default: for good; five minutes for calls that get no answer. For `agent_late`, the time
        /// from boot to registration; for `job_hangs`, how long the job stands still, three hours if left out.
        pub lasting = "for": Known<Seconds> => "20m",
        /// The service's code of a job that fails.
        pub code: Known<String> => "539",
        /// Name of the task at which the job fails or stands still. Default: its last.
        pub task: Known<String> => "VmFailover",
        /// Health that `health` gives. Default: `critical`.
        pub health: Known<Health>,
        /// Part of the bandwidth that `link_slow` leaves. Default: a tenth.
        pub factor: Known<f64> => 0.1,
    }
}

block! {
    /// What is particular about an emulated site. All of it may be left out: then nothing goes wrong.
    pub struct Scenario {
        /// Kind of the document: `Scenario`.
        pub kind: Spanned<ScenarioKind>,
        /// Version of the language: 1.
        pub version: Spanned<Version>,
        /// Name of the scenario.
        pub name: Spanned<String> => "vcenter-lost",
        /// Where everything that varies is drawn from. Default: 0.
        pub seed: Known<u64> => 7,
        /// How long the service takes. Default: `recorded`.
        pub durations: Known<DurationModel>,
        /// Which state of the documentation the service follows. Default: `seed-2017`.
        pub baseline: Known<Baseline>,
        /// How fast data changes on machines whose facts don't tell.
        pub churn: Option<Churn>,
        /// What the service says to the reprotect of a single member of a replication group. Default: `per_item`.
        pub group_reprotect: Known<GroupReprotect>,
        /// Time after which a person has done by hand what `group_reprotect: refused` refused. Default: nobody does.
        pub done_by_hand_after: Known<Seconds> => "10m",
        /// What goes wrong.
        pub faults: Option<Vec<Fault>>,
    }
}

impl Default for Scenario {
    fn default() -> Self {
        Self {
            kind: Spanned::bare(ScenarioKind::Scenario),
            version: Spanned::bare(Version::ONE),
            name: Spanned::bare("healthy".to_owned()),
            seed: None,
            durations: None,
            baseline: None,
            churn: None,
            group_reprotect: None,
            done_by_hand_after: None,
            faults: None,
        }
    }
}

impl Scenario {
    /// Reads the one scenario of a text; adds every mistake to `diagnostics`.
    pub fn parse(source: &Source, diagnostics: &mut Vec<Diagnostic>) -> Option<Self> {
        let before = diagnostics.len();
        let tree = yaml::read(source, &yaml::Limits::default(), diagnostics);
        let Some(root) = tree.roots.first() else {
            if diagnostics.len() == before {
                let start = source.base();
                let span = crate::source::Span::new(start, start.max(1));
                let diagnostic = Diagnostic::error("no-document", span, "the file holds no document");
                diagnostics.push(diagnostic.help("write a document that begins with `kind: Scenario`"));
            }
            return None;
        };
        if let Some(second) = tree.roots.get(1) {
            let diagnostic =
                Diagnostic::error("too-many-documents", tree.node(*second).span, "a second document");
            diagnostics.push(diagnostic.help("write each scenario into a file of its own"));
        }
        let mut reader = Reader::new(&tree, diagnostics);
        let scenario = reader.document::<Self>(*root);
        scenario.filter(|_| reader.count() == before)
    }

    /// Returns the scenario with another seed.
    #[must_use]
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.seed = Some(Spanned::bare(seed));
        self
    }

    /// Returns the seed that everything which varies is drawn from.
    #[must_use]
    pub fn drawn_from(&self) -> u64 {
        self.seed()
    }

    pub(super) fn seed(&self) -> u64 {
        self.seed.as_deref().copied().unwrap_or(0)
    }

    pub(super) fn durations(&self) -> DurationModel {
        self.durations.as_deref().copied().unwrap_or(DurationModel::Recorded)
    }

    pub(super) fn baseline(&self) -> Baseline {
        self.baseline.as_deref().copied().unwrap_or(Baseline::Seed2017)
    }
}
