//! The `RecoveryPlan` document: what is to come back, and how.

use jiff::civil::Date;

use crate::quantity::Seconds;
use crate::source::Spanned;
use crate::syntax::action::Action;
use crate::syntax::action::Notice;
use crate::syntax::action::Probe;
use crate::syntax::block::block;
use crate::syntax::block::words;
use crate::syntax::drill::Drill;
use crate::syntax::execution::Execution;
use crate::syntax::remark::Remark;
use crate::syntax::value::FromName;
use crate::syntax::value::NameOr;

block! {
    /// A recovery plan: which machines come back from Azure, where to, in which order, to which recovery point.
    pub struct RecoveryPlan {
        /// Kind of the document: `RecoveryPlan`.
        pub kind: Spanned<PlanKind>,
        /// Version of the language: 1.
        pub version: Spanned<crate::syntax::Version>,
        /// Name of the plan, unique in a workspace.
        pub name: Spanned<String> where [Name] => "erp-failback",
        /// What the plan is for, in a sentence.
        pub description: Option<Spanned<String>> where [Prose] => "ERP back from Azure Korea Central to the Seoul data centre",
        /// Who answers for the plan.
        pub owner: Option<Spanned<String>> => "platform-dr@corp.example",
        /// File of the inventory, relative to the plan; `--inventory` replaces it.
        pub inventory: Option<Spanned<String>> where [Long] => "seoul.inventory.yaml",
        /// Which state of the documentation the rules follow. Default: `seed-2017`.
        pub baseline: Option<Spanned<Baseline>>,
        /// Recovery point of every machine that says nothing else. Classic: `latest` or `app_consistent`; modernized:
        /// `crash_consistent` or `app_consistent`. Default: `latest`.
        pub recovery_point: Option<Spanned<String>> => "latest",
        /// What the plan is to achieve.
        pub objectives: Option<Objectives>,
        /// Settings of every machine; `by_os`, then the replication group, then the machine, override them.
        pub defaults: Option<Box<Defaults>>,
        /// Replication groups of the plan: members share app-consistent recovery points.
        pub replication_groups: Vec<ReplicationGroup>,
        /// Machines of the plan: a name, or a mapping to say more.
        pub machines: Vec<NameOr<Machine>>,
        /// Ordered boot groups: the machines of a group fail over after those of the group before it are back and verified.
        pub boot_groups: Vec<BootGroup>,
        /// Hooks before and after the phases of the run.
        pub actions: Vec<Action>,
        /// How the plan is executed.
        pub execution: Option<Execution>,
        /// Scheduled exercises of the plan.
        pub drills: Vec<Drill>,
        /// Who is told about what.
        pub notify: Vec<Notice>,
        /// Warnings that are accepted for the whole plan: `classic_retired` (FB018), `data_loss` (FB603).
        pub acknowledge: Vec<Spanned<Acknowledgement>> where [Distinct],
        /// Limits of age and time.
        pub thresholds: Option<Thresholds>,
        /// Findings that are accepted, each with a reason and an end.
        pub waivers: Vec<Waiver>,
        ;
        /// Comments of the document that accept findings beside them.
        pub remarks: Vec<Remark>
        ;
        /// Whether its failovers are taken back instead of committed: no plan says so, a part of one that a drill exercises does.
        pub is_taken_back: bool
    }
}

words! {
    /// The kind of a plan document.
    pub enum PlanKind {
        /// A recovery plan.
        RecoveryPlan = "RecoveryPlan",
    }
}

words! {
    /// Which state of the documentation the rules follow.
    pub enum Baseline {
        /// The procedure as it was published in 2017.
        Seed2017 = "seed-2017",
        /// The present documentation.
        Current = "current",
    }
}

words! {
    /// A warning that is accepted for the whole plan.
    pub enum Acknowledgement {
        /// The classic experience was retired on 2026-03-30 (FB018).
        ClassicRetired = "classic_retired",
        /// An app-consistent point lies behind the latest one (FB603).
        DataLoss = "data_loss",
    }
}

block! {
    /// What a plan is to achieve; runs and drills are measured against it.
    pub struct Objectives {
        /// Recovery time objective: longest time from the start of the failover until the service is back.
        pub rto: Option<Spanned<Seconds>> where [Positive] => "4h",
        /// Recovery point objective: most data, as time, that may be lost.
        pub rpo: Option<Spanned<Seconds>> where [Positive] => "15m",
    }
}

block! {
    /// Settings of every machine of the plan.
    pub struct Defaults {
        /// The way from Azure to on-premises.
        pub failback: Option<Failback>,
        /// The way from on-premises to Azure, after the commit.
        pub forward: Option<Forward>,
        /// Settings of the machines of an operating-system family.
        pub by_os: Option<ByOs>,
        /// Whether the failover waits for an approval. Default: `automatic`.
        pub failover: Option<Spanned<FailoverGate>>,
        /// Whether the commit waits for an approval. Default: `on_approval`.
        pub commit: Option<Spanned<CommitGate>>,
        /// Whether the machines are protected again at the end; there is no default.
        pub final_state: Option<Spanned<FinalState>>,
        /// Probes after the failover and before the commit, for machines that name none.
        pub verify: Vec<Probe>,
    }
}

block! {
    /// Settings of the machines of one operating-system family.
    pub struct OsDefaults {
        /// The way from Azure to on-premises.
        pub failback: Option<Failback>,
        /// The way from on-premises to Azure.
        pub forward: Option<Forward>,
    }
}

block! {
    /// Settings by operating-system family.
    pub struct ByOs {
        /// Windows machines.
        pub windows: Option<OsDefaults>,
        /// Linux machines.
        pub linux: Option<OsDefaults>,
    }
}

words! {
    /// Whether a failover waits for an approval.
    pub enum FailoverGate {
        /// A person approves each failover.
        OnApproval = "on_approval",
        /// The failover begins as soon as its guards pass.
        Automatic = "automatic",
    }
}

words! {
    /// Whether a commit waits for an approval.
    pub enum CommitGate {
        /// A person approves each commit.
        OnApproval = "on_approval",
        /// The commit begins as soon as the verification passed.
        Automatic = "automatic",
        /// Always refused (FB513): without a commit the machine can't be protected again. The word exists to say why.
        Never = "never",
    }
}

words! {
    /// Where a plan leaves its machines.
    pub enum FinalState {
        /// Replicating to Azure again.
        Protected = "protected",
        /// On-premises and without protection.
        Unprotected = "unprotected",
    }
}

words! {
    /// Where a machine is expected to come back; the facts decide, this states an expectation that is checked.
    pub enum LocationChoice {
        /// Whatever follows from the facts.
        Auto = "auto",
        /// Into the original virtual machine, which still exists.
        Original = "original",
        /// As a new virtual machine.
        Alternate = "alternate",
    }
}

block! {
    /// The way from Azure to on-premises.
    pub struct Failback {
        /// Where the machine is expected to come back. Default: `auto`.
        pub location: Option<Spanned<LocationChoice>>,
        /// Classic: master target that receives the data, of the machine's operating-system family.
        pub master_target: Option<Spanned<String>> => "mtw",
        /// Classic: process server that carries the data, usually a temporary one in Azure.
        pub process_server: Option<Spanned<String>> => "ps-az",
        /// Classic: volume of the master target that keeps recovery points.
        pub retention_volume: Option<Spanned<String>> => "R:",
        /// Datastore of the disks; always needed, ignored for an original location.
        pub datastore: Option<Spanned<String>> => "vmfs1",
        /// Modernized: replication appliance that receives the data.
        pub appliance: Option<Spanned<String>> => "ra1",
        /// Modernized: storage account in Azure that stages the data.
        pub log_storage_account: Option<Spanned<String>> where [Long] => "sa1",
        /// The target, where it is not what Site Recovery would choose.
        pub target: Option<Target>,
        /// Plans for an alternate location although the original machine exists: a person deletes it before reprotect.
        pub delete_existing_vm: Option<Spanned<bool>>,
    }
}

words! {
    /// What runs the machines of a host.
    pub enum Hypervisor {
        /// VMware ESXi, the only one that failback can return to.
        Esxi = "esxi",
        /// Microsoft Hyper-V.
        HyperV = "hyper_v",
        /// VMware Workstation.
        VmwareWorkstation = "vmware_workstation",
        /// Anything else.
        Other = "other",
    }
}

words! {
    /// What a machine is made of.
    pub enum Form {
        /// A VMware virtual machine.
        VmwareVm = "vmware_vm",
        /// A physical server.
        Physical = "physical",
    }
}

block! {
    /// The target of a failback; each key defaults to what Site Recovery does by itself.
    pub struct Target {
        /// Kind of the target's hypervisor. Default: `esxi`.
        pub hypervisor: Option<Spanned<Hypervisor>>,
        /// Form in which the machine comes back. Default: `vmware_vm`.
        pub form: Option<Spanned<Form>>,
        /// vCenter of the target. Default: that of the host of the master target or appliance.
        pub vcenter: Option<Spanned<String>> => "vc1",
        /// Host of the target. Default: that of the master target or appliance.
        pub host: Option<Spanned<String>> => "esx1",
    }
}

block! {
    /// The way from on-premises to Azure, after the commit; what is left out stays as it was last used.
    pub struct Forward {
        /// Classic: process server that sends the data, normally the on-premises one.
        pub process_server: Option<Spanned<String>> => "ps-on",
        /// Modernized: replication appliance that sends the data.
        pub appliance: Option<Spanned<String>> => "ra1",
        /// Modernized: storage account in Azure that caches the data.
        pub cache_storage_account: Option<Spanned<String>> where [Long] => "sa2",
        /// Classic: master target, if another than before.
        pub master_target: Option<Spanned<String>> => "mtw",
        /// Account that may log on to the machine.
        pub run_as_account: Option<Spanned<String>> => "svc-push",
        /// Replication policy.
        pub policy: Option<Spanned<String>> => "gold",
    }
}

block! {
    /// A replication group of the plan; the inventory has a group of the same name and members.
    pub struct ReplicationGroup {
        /// Name of the group, as the inventory has it.
        pub name: Spanned<String> where [Name] => "erp-db",
        /// Its machines.
        pub machines: Vec<Spanned<String>> where [Needed, Distinct] => ["sql1", "sql2"],
        /// Recovery point of the group.
        pub recovery_point: Option<Spanned<String>> => "app_consistent",
        /// The way from Azure to on-premises, for all members.
        pub failback: Option<Failback>,
        /// The way from on-premises to Azure, for all members.
        pub forward: Option<Forward>,
        /// Action that quiets the applications; the failover waits for a recovery point newer than its end.
        pub quiesce: Option<Spanned<String>> => "stop-batch",
        /// Machines and replication groups that must be back and verified before this group fails over.
        pub depends_on: Vec<Spanned<String>> where [Distinct] => ["directory"],
        /// Whether the failover waits for an approval.
        pub failover: Option<Spanned<FailoverGate>>,
        /// Whether the commit waits for an approval.
        pub commit: Option<Spanned<CommitGate>>,
    }
}

block! {
    /// What the plan says about one machine.
    pub struct Machine {
        /// Name of the machine, as the inventory has it.
        pub name: Spanned<String> where [Name] => "app1",
        /// Recovery point of the machine.
        pub recovery_point: Option<Spanned<String>> => "latest",
        /// Machines and replication groups that must be back and verified before this machine fails over.
        pub depends_on: Vec<Spanned<String>> where [Distinct] => ["erp-db"],
        /// The way from Azure to on-premises.
        pub failback: Option<Failback>,
        /// The way from on-premises to Azure.
        pub forward: Option<Forward>,
        /// Probes after the failover and before the commit.
        pub verify: Vec<Probe>,
        /// Whether the failover waits for an approval.
        pub failover: Option<Spanned<FailoverGate>>,
        /// Whether the commit waits for an approval.
        pub commit: Option<Spanned<CommitGate>>,
        /// Whether the machine is protected again at the end.
        pub final_state: Option<Spanned<FinalState>>,
    }
}

impl FromName for Machine {
    fn from_name(name: Spanned<String>) -> Self {
        Self {
            name,
            recovery_point: None,
            depends_on: Vec::new(),
            failback: None,
            forward: None,
            verify: Vec::new(),
            failover: None,
            commit: None,
            final_state: None,
        }
    }
}

block! {
    /// A boot group, ordered like the groups of an ASR recovery plan.
    pub struct BootGroup {
        /// Name of the group.
        pub name: Spanned<String> where [Name] => "data",
        /// Machines and replication groups of it.
        pub members: Vec<Spanned<String>> where [Needed, Distinct] => ["erp-db"],
    }
}

block! {
    /// Limits of age and time.
    pub struct Thresholds {
        /// Oldest backup of the configuration server (FB303). Default: 7d.
        pub configuration_server_backup_max_age: Option<Spanned<Seconds>> where [Positive] => "7d",
        /// Oldest facts that a live run accepts. Default: 24h.
        pub facts_max_age: Option<Spanned<Seconds>> where [Positive] => "24h",
        /// Longest time from reprotect until the machine is protected with a recovery point. Default: 48h.
        pub reprotect_deadline: Option<Spanned<Seconds>> where [Positive] => "48h",
    }
}

block! {
    /// A finding that is accepted.
    pub struct Waiver {
        /// Id of the rule.
        pub rule: Spanned<String> => "FB606",
        /// Machines, groups or other subjects of the findings. Default: all.
        pub of: Vec<Spanned<String>> where [NotEmpty, Distinct] => ["erp-db"],
        /// Why it is accepted, and by whom.
        pub reason: Spanned<String> where [Prose] => "accepted by the data owner, CAB-1182",
        /// Last day of the waiver. Without it, FB536 warns.
        pub until: Option<Spanned<Date>> => "2027-01-31",
    }
}
