//! A person at the terminal who answers a run's questions.

use std::collections::HashSet;
use std::io::Write as _;
use std::sync::Arc;
use std::sync::OnceLock;

use async_trait::async_trait;
use tokio::sync::Mutex;

use crate::cli::keyboard;
use crate::cli::keyboard::Keys;
use crate::cli::keyboard::Pressed;
use crate::cli::keyboard::Typed;
use crate::cli::person::Person;
use crate::escape;
use crate::event::KnownAs;
use crate::id::StepId;
use crate::report;
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
    below: Below,
}

/// Where questions stand below the bars of the run, once these are there.
pub(super) type Below = Arc<OnceLock<report::Prompt>>;

/// What is asked for.
const WANTED: &str = "yes or no? ";

type Withdrawn = std::sync::Mutex<HashSet<StepId>>;

impl Terminal {
    /// Returns the terminal of a person, who is asked below the bars of the run if there are any.
    #[must_use]
    pub(super) fn of(person: Person, below: Below) -> Self {
        Self { person, turn: Arc::default(), withdrawn: Arc::default(), below }
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
        let below = self.below.get().cloned();
        let asked = tokio::task::spawn_blocking(move || {
            let answer = match &below {
                Some(prompt) => ask_below(prompt, &question, is_claimed, &withdrawn),
                None => ask_here(&question, is_claimed, &withdrawn),
            };
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

/// Returns what is said before a question is put, and whether it is put at all.
fn words(question: &Question, is_claimed: bool) -> (Vec<String>, bool) {
    let step = escape::line(question.step.as_str()).into_owned();
    let mut lines = vec![format!("{} ({step})", escape::line(&question.prompt))];
    if let Some((until, then)) = &question.until {
        let then = if then == "proceed" { "the run goes on without an answer" } else { "it counts as no" };
        lines.push(format!("until {until:.0}; then {then}"));
    }
    if question.roles.is_empty() {
        return (lines, true);
    }
    lines.push(format!("for: {}", escape::line(&question.roles.join(", "))));
    if is_claimed {
        // An answer would not count.
        lines.push("this system does not say who you are; the run waits for somebody else".into());
        return (lines, false);
    }
    lines.push("nothing here proves such a role: your name is recorded with that".into());
    (lines, true)
}

/// Returns what a typed line means, if it is an answer.
fn meant(line: &str) -> Option<bool> {
    match line.trim().to_lowercase().as_str() {
        "y" | "yes" => Some(true),
        "n" | "no" => Some(false),
        _ => None,
    }
}

/// Asks until the answer is yes or no; `None` when the terminal is gone or the question is taken back.
fn ask_here(question: &Question, is_claimed: bool, withdrawn: &Withdrawn) -> Option<bool> {
    let mut terminal = std::io::stderr();
    let (lines, is_put) = words(question, is_claimed);
    writeln!(terminal, "\n{}", lines.join("\n")).ok()?;
    if !is_put {
        return None;
    }
    // What was typed before the question was there is no answer to it.
    keyboard::forget_typed();
    loop {
        write!(terminal, "{WANTED}").ok()?;
        terminal.flush().ok()?;
        let is_over = || withdrawn.lock().is_ok_and(|mut steps| steps.remove(&question.step));
        let Some(line) = keyboard::line(&is_over)? else {
            writeln!(terminal, "\nno answer is awaited any more").ok()?;
            return None;
        };
        if let Some(answer) = meant(&line) {
            return Some(answer);
        }
    }
}

/// Does the same below the bars of the run, which go on: what is typed is shown in their last line.
fn ask_below(
    prompt: &report::Prompt,
    question: &Question,
    is_claimed: bool,
    withdrawn: &Withdrawn,
) -> Option<bool> {
    let (mut lines, is_put) = words(question, is_claimed);
    lines.insert(0, String::new());
    if !is_put || prompt.is_closed() {
        prompt.say(&lines).ok()?;
        return None;
    }
    let is_withdrawn = || withdrawn.lock().is_ok_and(|mut steps| steps.remove(&question.step));
    let Some(keys) = Keys::read() else { return ask_here(question, is_claimed, withdrawn) };
    keyboard::forget_typed();
    let mut typed = Typed::default();
    prompt.ask(lines);
    let is_over = || {
        prompt.follow();
        prompt.is_closed() || is_withdrawn()
    };
    loop {
        prompt.show(&format!("{WANTED}{}", typed.text()));
        let pressed = match keys.next(&is_over) {
            Some(Some(byte)) => typed.press(byte),
            Some(None) => {
                if !prompt.is_closed() {
                    prompt.settle("no answer is awaited any more").ok()?;
                }
                return None;
            }
            None => Pressed::Ended,
        };
        match pressed {
            Pressed::Changed | Pressed::Nothing => {}
            Pressed::Ended => {
                prompt.settle("nobody answers here any more").ok()?;
                return None;
            }
            Pressed::Entered => {
                let line = typed.take();
                if let Some(answer) = meant(&line) {
                    prompt.settle(&format!("{WANTED}{}", if answer { "yes" } else { "no" })).ok()?;
                    return Some(answer);
                }
            }
        }
    }
}
