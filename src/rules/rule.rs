//! What a rule is: its metadata, from which documentation and outputs are printed, and its function.

use crate::diagnostic::Severity;
use crate::model::Appliance;
use crate::model::Fact;
use crate::model::Group;
use crate::model::Machine;
use crate::model::MasterTarget;
use crate::model::Model;
use crate::rules::findings::Findings;
use crate::rules::ledger::Ledger;
use crate::rules::steps::PlannedStep;
use crate::syntax::inventory::Datastore;
use crate::syntax::inventory::Host;
use crate::syntax::inventory::ProcessServer;
use crate::syntax::inventory::Vcenter;

/// Where a rule comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The article of 2017, by the tags of its facts.
    Seed(&'static [&'static str]),
    /// Later or other articles.
    Beyond,
    /// The product itself.
    Product,
}

impl Origin {
    /// Returns the word of outputs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Seed(_) => "seed",
            Self::Beyond => "beyond",
            Self::Product => "product",
        }
    }
}

/// Architectures that a rule is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Architecture {
    /// Classic only.
    Classic,
    /// Modernized only.
    Modernized,
    /// Both.
    Both,
}

/// A moment of a run at which rules are evaluated on fresh facts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Guard {
    /// Before reprotect to on-premises.
    Reprotect,
    /// Before the failover from Azure.
    Failover,
    /// After the failover and before the commit.
    Commit,
    /// After the commit and before reprotect to Azure.
    Forward,
}

/// When a rule is evaluated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct When {
    /// From plan and inventory alone: such a rule may not stay indeterminate under `--strict`.
    pub declared: bool,
    /// On facts that have to be observed; they count as of the moment at which the inventory has them.
    pub live: bool,
    /// At these moments of a run.
    pub guards: &'static [Guard],
}

impl When {
    /// Plan and inventory alone.
    pub const STATIC: Self = Self { declared: true, live: false, guards: &[] };
    /// Plan and inventory alone, or observed facts.
    pub const STATIC_LIVE: Self = Self { declared: true, live: true, guards: &[] };
    /// Observed facts.
    pub const LIVE: Self = Self { declared: false, live: true, guards: &[] };

    /// Returns the same, with moments of a run.
    #[must_use]
    pub const fn and_at(self, guards: &'static [Guard]) -> Self {
        Self { guards, ..self }
    }

    /// Returns moments of a run alone.
    #[must_use]
    pub const fn at(guards: &'static [Guard]) -> Self {
        Self { declared: false, live: false, guards }
    }
}

/// The function of a rule, by what it looks at. It is called once for each such thing.
#[derive(Clone, Copy)]
pub enum Check {
    /// Each machine of the plan.
    Machine(fn(Machine<'_>, &mut Findings<'_>) -> Fact<()>),
    /// Each replication group of the plan.
    Group(fn(Group<'_>, &mut Findings<'_>) -> Fact<()>),
    /// Each master target that machines of the plan are assigned to.
    MasterTarget(fn(MasterTarget<'_>, &mut Findings<'_>) -> Fact<()>),
    /// Each appliance that machines of the plan are assigned to.
    Appliance(fn(Appliance<'_>, &mut Findings<'_>) -> Fact<()>),
    /// Each process server that carries data of machines of the plan to on-premises.
    ProcessServer(fn(&ProcessServer, &Model, &mut Findings<'_>) -> Fact<()>),
    /// Each vCenter that machines of the plan have to do with.
    Vcenter(fn(&Vcenter, &Model, &mut Findings<'_>) -> Fact<()>),
    /// Each host that machines of the plan come back to.
    Host(fn(&Host, &Model, &mut Findings<'_>) -> Fact<()>),
    /// Each datastore that the plan names.
    Datastore(fn(&Datastore, &Model, &mut Findings<'_>) -> Fact<()>),
    /// The plan as a whole.
    Plan(fn(&Model, &mut Findings<'_>) -> Fact<()>),
    /// The steps that the plan stands for; those of an imported plan may be wrong, ours are right by construction.
    Steps(fn(&[PlannedStep], &Model, &mut Findings<'_>) -> Fact<()>),
    /// What the plan accepts, beside what all other rules found.
    Waivers(fn(&Ledger<'_>, &mut Findings<'_>) -> Fact<()>),
}

/// A rule.
pub struct Rule {
    /// Its id, never used again for another rule.
    pub id: &'static str,
    /// Its name: also the stem of its source file and of its fixture.
    pub name: &'static str,
    /// How much it weighs.
    pub severity: Severity,
    /// Architectures that it is about.
    pub architecture: Architecture,
    /// Where it comes from.
    pub origin: Origin,
    /// When it is evaluated.
    pub when: When,
    /// Whether a run waits for what the rule asks for: then it does not refuse a plan before its guard.
    pub awaited: bool,
    /// What is wrong when it fires, in a few words.
    pub summary: &'static str,
    /// What it checks, why, and what to do, in Markdown.
    pub docs: &'static str,
    /// What to do, in a sentence: the help of its findings.
    pub help: &'static str,
    /// The articles that state it, with their dates.
    pub article: &'static str,
    /// Its fixture: cases that it must and must not report, from which examples are printed.
    pub fixture: &'static str,
    /// Keys of the inventory that it may find unknown.
    pub facts: &'static [&'static str],
    /// Its function.
    pub check: Check,
}

impl Rule {
    /// Returns whether the rule is about an architecture.
    #[must_use]
    pub const fn is_about(&self, experience: crate::syntax::inventory::Experience) -> bool {
        use crate::syntax::inventory::Experience;
        matches!(
            (self.architecture, experience),
            (Architecture::Both, _)
                | (Architecture::Classic, Experience::Classic)
                | (Architecture::Modernized, Experience::Modernized)
        )
    }
}
