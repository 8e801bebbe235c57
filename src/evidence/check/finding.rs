//! What a check of a bundle found.

use serde::Serialize;

use crate::event::RunEvent;
use crate::id::StepId;

/// What a finding means for the bundle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Weight {
    /// It contradicts what the bundle says.
    Refuted,
    /// It can't be decided from what the bundle holds.
    Indeterminate,
}

/// What was checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Matter {
    /// The bundle's lines, and its end.
    Bundle,
    /// Who signed it.
    Signature,
    /// The chain of the events, and its head.
    Chain,
    /// The commit of the plan.
    Commit,
    /// The plan, its facts and its graph.
    Plan,
    /// The order in which steps began and ended.
    Order,
    /// Answers of persons.
    Approval,
    /// Rules that were judged on observed facts.
    Guard,
    /// What follows from the times.
    Figures,
}

impl Matter {
    /// Returns the word of outputs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bundle => "bundle",
            Self::Signature => "signature",
            Self::Chain => "chain",
            Self::Commit => "commit",
            Self::Plan => "plan",
            Self::Order => "order",
            Self::Approval => "approval",
            Self::Guard => "guard",
            Self::Figures => "figures",
        }
    }
}

/// One thing that was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What it means.
    pub weight: Weight,
    /// What was checked.
    pub matter: Matter,
    /// Line of the bundle, counted from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// Place of the event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
    /// The step.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<StepId>,
    /// What is wrong, or not known.
    pub message: String,
}

/// Where findings are written.
#[derive(Debug, Default)]
pub struct Findings(pub Vec<Finding>);

impl Findings {
    fn add(&mut self, weight: Weight, matter: Matter, message: impl Into<String>) -> &mut Finding {
        let message = message.into();
        self.0.push(Finding { weight, matter, line: None, seq: None, step: None, message });
        self.0.last_mut().expect("a finding was just added")
    }

    /// Adds what contradicts the bundle.
    pub fn refuted(&mut self, matter: Matter, message: impl Into<String>) -> &mut Finding {
        self.add(Weight::Refuted, matter, message)
    }

    /// Adds what can't be decided.
    pub fn open(&mut self, matter: Matter, message: impl Into<String>) -> &mut Finding {
        self.add(Weight::Indeterminate, matter, message)
    }

    /// Returns whether anything of a matter was refuted.
    #[must_use]
    pub fn refutes(&self, matter: Matter) -> bool {
        self.0.iter().any(|finding| finding.matter == matter && finding.weight == Weight::Refuted)
    }
}

impl Finding {
    /// Names the line of the bundle.
    pub const fn at_line(&mut self, line: usize) -> &mut Self {
        self.line = Some(line);
        self
    }

    /// Names the event, and the step that it is about.
    pub fn at(&mut self, event: &RunEvent) -> &mut Self {
        self.seq = Some(event.seq);
        self.step = event.kind.step().cloned();
        self
    }

    /// Names the place of an event.
    pub const fn at_seq(&mut self, seq: u64) -> &mut Self {
        self.seq = Some(seq);
        self
    }

    /// Names the step.
    pub fn of(&mut self, step: &StepId) -> &mut Self {
        self.step = Some(step.clone());
        self
    }

    /// Returns the finding in one line, for people.
    #[must_use]
    pub fn in_words(&self) -> String {
        let mut place = Vec::new();
        place.extend(self.line.map(|line| format!("line {line}")));
        place.extend(self.seq.map(|seq| format!("event {seq}")));
        place.extend(self.step.as_ref().map(ToString::to_string));
        let place = if place.is_empty() { String::new() } else { format!("{}: ", place.join(", ")) };
        format!("{}: {place}{}", self.matter.as_str(), self.message)
    }
}
