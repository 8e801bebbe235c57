//! Approvers that leave answers to others: people who answer from elsewhere, or nobody until everything is verified.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::Mutex;

use async_trait::async_trait;
use tokio::sync::Notify;

use crate::graph::StepKind;
use crate::id::StepId;
use crate::run::approver::Approver;
use crate::run::approver::Question;
use crate::run::approver::Reply;

/// Waits until somebody answers by other means, such as an order to the run: it gives no answer itself.
#[derive(Debug, Default)]
pub struct Patient {
    /// Questions that stand, until they are taken back.
    open: Mutex<HashMap<StepId, Arc<Notify>>>,
}

impl Patient {
    fn of(&self, step: &StepId) -> Arc<Notify> {
        let mut open = self.open.lock().expect("no thread panics while it holds the questions");
        Arc::clone(open.entry(step.clone()).or_default())
    }
}

#[async_trait]
impl Approver for Patient {
    async fn ask(&self, question: &Question) -> Reply {
        self.of(&question.step).notified().await;
        Reply::Nobody
    }

    fn withdraw(&self, step: &StepId) {
        let mut open = self.open.lock().expect("no thread panics while it holds the questions");
        if let Some(waits) = open.remove(step) {
            // One that is asked at this moment finds the note, too.
            waits.notify_one();
        }
    }
}

/// Whoever answers, except that nobody approves a commit: of a run whose failovers are to be taken back.
pub struct NoCommit {
    approver: Arc<dyn Approver>,
    patient: Patient,
}

impl NoCommit {
    /// Returns whoever answers everything else.
    #[must_use]
    pub fn new(approver: Arc<dyn Approver>) -> Self {
        Self { approver, patient: Patient::default() }
    }
}

fn is_commit(step: &StepId) -> bool {
    let rest = step.as_str().strip_prefix(StepKind::ApproveCommit.as_str());
    rest.is_some_and(|rest| rest.starts_with('/'))
}

#[async_trait]
impl Approver for NoCommit {
    async fn ask(&self, question: &Question) -> Reply {
        if is_commit(&question.step) {
            self.patient.ask(question).await
        } else {
            self.approver.ask(question).await
        }
    }

    fn person(&self) -> Option<String> {
        self.approver.person()
    }

    fn approved_elsewhere(&self, question: &Question) {
        self.approver.approved_elsewhere(question);
    }

    fn withdraw(&self, step: &StepId) {
        if is_commit(step) {
            self.patient.withdraw(step);
        } else {
            self.approver.withdraw(step);
        }
    }

    fn is_at_terminal(&self) -> bool {
        self.approver.is_at_terminal()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::approver::AutoApprove;

    fn question(step: &str) -> Question {
        Question {
            step: StepId::new(step),
            prompt: "go on".into(),
            roles: Vec::new(),
            number: 1,
            is_exception: false,
            by_hand: Vec::new(),
            until: None,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_answers_until_the_question_is_taken_back() {
        let patient = Arc::new(Patient::default());
        let asking = {
            let patient = Arc::clone(&patient);
            tokio::spawn(async move { patient.ask(&question("action/sign-off")).await })
        };
        tokio::task::yield_now().await;
        assert!(!asking.is_finished());
        patient.withdraw(&StepId::new("action/other"));
        tokio::task::yield_now().await;
        assert!(!asking.is_finished());
        patient.withdraw(&StepId::new("action/sign-off"));
        assert_eq!(asking.await.expect("it ends"), Reply::Nobody);
    }

    #[tokio::test(start_paused = true)]
    async fn a_commit_is_approved_by_nobody_and_everything_else_as_ever() {
        let approver = Arc::new(NoCommit::new(Arc::new(AutoApprove)));
        assert!(matches!(approver.ask(&question("approve_failover/w1")).await, Reply::Approved { .. }));
        let asking = {
            let approver = Arc::clone(&approver);
            tokio::spawn(async move { approver.ask(&question("approve_commit/w1")).await })
        };
        tokio::task::yield_now().await;
        assert!(!asking.is_finished());
        approver.withdraw(&StepId::new("approve_commit/w1"));
        assert_eq!(asking.await.expect("it ends"), Reply::Nobody);
    }
}
