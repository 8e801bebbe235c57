//! What a notice says, and the texts that are made of it.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use crate::syntax::action::NoticeEvent;
use crate::syntax::template;

/// What somebody is told.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Notice {
    /// Version of the form: 1.
    pub version: u8,
    /// What happened.
    pub event: NoticeEvent,
    /// When, by the clock of the run or of this machine.
    pub at: Timestamp,
    /// Name of the plan.
    pub plan: String,
    /// What happened, in a sentence.
    pub message: String,
    /// Whether it happened at a site or in a rehearsal.
    pub rehearsal: bool,
    /// The run that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<RunPart>,
    /// The drill that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub drill: Option<DrillPart>,
}

/// What a notice says about a run.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct RunPart {
    /// Its id.
    pub id: String,
    /// How it ended: `success` or `failure`; none while it goes on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
    /// The step that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// Digest of the newest event of its journal: a bundle of evidence that lacks that event is not whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub head: Option<String>,
}

/// What a notice says about a drill.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct DrillPart {
    /// Its id.
    pub id: String,
    /// Its name in the plan.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What it does: `readiness`, `rehearsal` or `live`.
    pub kind: String,
    /// What came of it: `passed`, `degraded` or `failed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verdict: Option<String>,
}

impl Notice {
    /// Returns the value of a variable that texts may speak of; one that says nothing here is empty.
    #[must_use]
    pub fn variable(&self, name: &str) -> Option<String> {
        let run =
            |of: fn(&RunPart) -> Option<&String>| self.run.as_ref().and_then(of).cloned().unwrap_or_default();
        let drill = |of: fn(&DrillPart) -> Option<&String>| {
            self.drill.as_ref().and_then(of).cloned().unwrap_or_default()
        };
        Some(match name {
            "plan.name" => self.plan.clone(),
            "run.id" => run(|run| Some(&run.id)),
            "run.outcome" => run(|run| run.outcome.as_ref()),
            "run.step" => run(|run| run.step.as_ref()),
            "drill.name" => drill(|drill| drill.name.as_ref()),
            "drill.id" => drill(|drill| Some(&drill.id)),
            "drill.verdict" => drill(|drill| drill.verdict.as_ref()),
            "notice.event" => self.event.as_str().to_owned(),
            "notice.message" => self.message.clone(),
            _ => return None,
        })
    }

    /// Returns a text of a plan or of settings with what the notice says put in.
    #[must_use]
    pub fn filled(&self, template: &Value) -> Value {
        template::filled(template, &|name| self.variable(name))
    }

    /// Returns the whole notice as JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::to_value(self).unwrap_or(Value::Null)
    }
}
