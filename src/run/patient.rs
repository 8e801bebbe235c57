//! An approver that leaves answers to others, who answer from elsewhere.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::Mutex;

use async_trait::async_trait;
use tokio::sync::Notify;

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

#[cfg(test)]
mod tests {
    use super::*;

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
}
