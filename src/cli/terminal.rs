//! A person at the terminal who answers a run's questions.

use std::collections::HashSet;
use std::io::Write as _;
use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::Mutex;

use crate::cli::keyboard;
use crate::cli::person::Person;
use crate::escape;
use crate::event::KnownAs;
use crate::id::StepId;
use crate::run::approver::Approver;
use crate::run::approver::Question;
use crate::run::approver::Reply;

/// Asks at the terminal, one question at a time.
#[derive(Debug)]
pub struct Terminal {
    person: Person,
    /// Held while a person reads and types.
    turn: Arc<Mutex<()>>,
    /// Steps whose question was taken back, until whoever asks it knows.
    withdrawn: Arc<Withdrawn>,
}

type Withdrawn = std::sync::Mutex<HashSet<StepId>>;

impl Terminal {
    /// Returns the terminal of a person.
    #[must_use]
    pub fn of(person: Person) -> Self {
        Self { person, turn: Arc::default(), withdrawn: Arc::default() }
    }
}

#[async_trait]
impl Approver for Terminal {
    async fn ask(&self, question: &Question) -> Reply {
        let turn = Arc::clone(&self.turn).lock_owned().await;
        let (question, withdrawn) = (question.clone(), Arc::clone(&self.withdrawn));
        if withdrawn.lock().is_ok_and(|mut steps| steps.remove(&question.step)) {
            return Reply::Nobody;
        }
        let is_claimed = self.person.known_as == KnownAs::Claimed;
        let asked = tokio::task::spawn_blocking(move || {
            let answer = ask_here(&question, is_claimed, &withdrawn);
            drop(turn);
            answer
        });
        let (by, known_as) = (self.person.name.clone(), self.person.known_as);
        match asked.await {
            Ok(Some(true)) => Reply::Approved { by, known_as },
            Ok(Some(false)) => Reply::Refused { by, known_as },
            Ok(None) | Err(_) => Reply::Nobody,
        }
    }

    fn person(&self) -> Option<String> {
        Some(self.person.name.clone())
    }

    fn withdraw(&self, step: &StepId) {
        if let Ok(mut steps) = self.withdrawn.lock() {
            steps.insert(step.clone());
        }
    }

    fn is_at_terminal(&self) -> bool {
        true
    }
}

/// Asks until the answer is yes or no; `None` when the terminal is gone or the question is taken back.
fn ask_here(question: &Question, is_claimed: bool, withdrawn: &Withdrawn) -> Option<bool> {
    let mut terminal = std::io::stderr();
    writeln!(terminal, "\n{} ({})", escape::line(&question.prompt), escape::line(question.step.as_str()))
        .ok()?;
    if let Some((until, then)) = &question.until {
        let then = if then == "proceed" { "the run goes on without an answer" } else { "it counts as no" };
        writeln!(terminal, "until {until:.0}; then {then}").ok()?;
    }
    if !question.roles.is_empty() {
        let roles = question.roles.join(", ");
        writeln!(terminal, "for: {}", escape::line(&roles)).ok()?;
        if is_claimed {
            // An answer would not count.
            writeln!(terminal, "this system does not say who you are; the run waits for somebody else")
                .ok()?;
            return None;
        }
        writeln!(terminal, "nothing here proves such a role: your name is recorded with that").ok()?;
    }
    // What was typed before the question was there is no answer to it.
    keyboard::forget_typed();
    loop {
        write!(terminal, "yes or no? ").ok()?;
        terminal.flush().ok()?;
        let is_over = || withdrawn.lock().is_ok_and(|mut steps| steps.remove(&question.step));
        let Some(line) = keyboard::line(&is_over)? else {
            writeln!(terminal, "\nno answer is awaited any more").ok()?;
            return None;
        };
        match line.trim().to_lowercase().as_str() {
            "y" | "yes" => return Some(true),
            "n" | "no" => return Some(false),
            _ => {}
        }
    }
}
