//! What a person signs who answers a run: the run, its plan, the questions as they were shown, the answer, and when.

use jiff::Timestamp;
use serde::Deserialize;
use serde::Serialize;

use crate::event::Begun;
use crate::id::RunId;
use crate::id::StepId;

/// What signatures of answers are for, so that none for anything else counts.
pub const NAMESPACE: &str = "failback-approval";

/// Version of what is signed.
const VERSION: u8 = 1;

/// The signature of an answer, in the form of `ssh-keygen -Y sign`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signed {
    /// When it was signed, as the statement says.
    pub at: Timestamp,
    /// The signature.
    pub signature: String,
}

/// An answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Word {
    /// Yes.
    Yes,
    /// No.
    No,
}

/// A question as whoever signs is shown it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    /// The step that asks.
    pub step: StepId,
    /// Place of the event that asked.
    pub question: u64,
    /// What is asked.
    pub prompt: String,
    /// Roles that may answer.
    pub roles: Vec<String>,
}

/// What is signed: its text, byte for byte, is what [`Statement::text`] returns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statement {
    /// Version of what is signed.
    failback_approval: u8,
    /// The run.
    pub run: RunId,
    /// Digest of its plan.
    pub plan_digest: String,
    /// Digest of the facts that it began with.
    pub facts_digest: String,
    /// The answer.
    pub answer: Word,
    /// What is answered.
    pub questions: Vec<Asked>,
    /// Why.
    pub reason: Option<String>,
    /// When it is signed.
    pub at: Timestamp,
}

impl Statement {
    /// Returns the statement of an answer in a run.
    #[must_use]
    pub fn of(
        begun: &Begun,
        answer: Word,
        questions: Vec<Asked>,
        reason: Option<String>,
        at: Timestamp,
    ) -> Self {
        Self {
            failback_approval: VERSION,
            run: begun.run.clone(),
            plan_digest: begun.plan_digest.clone(),
            facts_digest: begun.facts_digest.clone(),
            answer,
            questions,
            reason,
            at,
        }
    }

    /// Reads a statement.
    ///
    /// # Errors
    ///
    /// A sentence that says what is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        let read: Self =
            serde_json::from_str(text).map_err(|error| format!("it is no statement: {error}"))?;
        if read.failback_approval != VERSION {
            let found = read.failback_approval;
            return Err(format!("it is a statement of version {found}, and this program takes {VERSION}"));
        }
        Ok(read)
    }

    /// Returns the text that is signed.
    ///
    /// # Panics
    ///
    /// If it has no JSON form, which every statement has.
    #[must_use]
    pub fn text(&self) -> String {
        let text = serde_json::to_string_pretty(self).expect("texts, numbers and times have a JSON form");
        format!("{text}\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_says_everything_and_is_read_as_it_was_written() {
        let begun = Begun {
            run: RunId::new("r1"),
            plan_digest: "sha256:1".into(),
            facts_digest: "sha256:2".into(),
            author: None,
            ordered_by: None,
            people: Vec::new(),
        };
        let asked = Asked {
            step: StepId::new("approve_commit/w1"),
            question: 42,
            prompt: "Commit \"w1\"\nnow?".into(),
            roles: vec!["dba".into()],
        };
        let statement =
            Statement::of(&begun, Word::Yes, vec![asked], Some("fine".into()), Timestamp::UNIX_EPOCH);
        let text = statement.text();
        assert_eq!(Statement::parse(&text).as_ref().map(Statement::text), Ok(text.clone()));
        for said in ["r1", "sha256:1", "sha256:2", "yes", "approve_commit/w1", "42", "dba", "fine", "1970"] {
            assert!(text.contains(said), "{said}: {text}");
        }
        let newer = text.replace("\"failback_approval\": 1", "\"failback_approval\": 2");
        assert!(Statement::parse(&newer).is_err_and(|why| why.contains("version 2")));
        let more = text.replace("\"answer\"", "\"and\": 1, \"answer\"");
        assert!(Statement::parse(&more).is_err(), "nothing is signed that nobody reads");
    }
}
