//! Which machines can't be left in Azure any more.

use crate::event::RunState;
use crate::event::StepStatus;

impl RunState {
    /// Returns whether a machine is past its point of no return, or may be: what it asks for is under way, was done, or ended
    /// nobody knows how.
    #[must_use]
    pub fn is_past_no_return(&self, machine: usize) -> bool {
        let step = self.step(self.graph().point_of_no_return(machine));
        match step.status {
            StepStatus::Succeeded | StepStatus::Adopted => !self.out().contains(&machine),
            StepStatus::Running | StepStatus::Asked => {
                (step.intent.is_some() && !step.takes_back) || step.is_done_for(machine)
            }
            StepStatus::Failed => {
                step.is_done_for(machine) || step.code.as_deref() == Some("outcome-unknown")
            }
            StepStatus::Waiting | StepStatus::Ready | StepStatus::Skipped | StepStatus::Blocked => false,
        }
    }
}
