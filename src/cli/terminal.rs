//! A person at the terminal who answers a run's questions.

use std::collections::BTreeMap;
use std::io::BufRead as _;
use std::io::Write as _;
use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::Mutex;

use crate::escape;
use crate::event::KnownAs;
use crate::run::approver::Approver;
use crate::run::approver::Question;
use crate::run::approver::Reply;

/// Asks at the terminal, one question at a time.
#[derive(Debug)]
pub struct Terminal {
    user: String,
    /// Held while a person reads and types.
    turn: Arc<Mutex<()>>,
}

impl Terminal {
    /// Returns the terminal of the user that the environment names.
    #[must_use]
    pub fn of(variables: &BTreeMap<String, String>) -> Self {
        let user = ["USER", "LOGNAME"].iter().find_map(|name| variables.get(*name)).cloned();
        Self { user: user.unwrap_or_else(|| "somebody at the terminal".into()), turn: Arc::default() }
    }
}

#[async_trait]
impl Approver for Terminal {
    async fn ask(&self, question: &Question) -> Reply {
        let turn = Arc::clone(&self.turn).lock_owned().await;
        let question = question.clone();
        let asked = tokio::task::spawn_blocking(move || {
            let answer = ask_here(&question);
            drop(turn);
            answer
        });
        let by = self.user.clone();
        match asked.await {
            Ok(Some(true)) => Reply::Approved { by, known_as: KnownAs::OsUser },
            Ok(Some(false)) => Reply::Refused { by, known_as: KnownAs::OsUser },
            Ok(None) | Err(_) => Reply::Nobody,
        }
    }

    fn is_at_terminal(&self) -> bool {
        true
    }
}

/// Asks until the answer is yes or no; `None` when the terminal is gone.
fn ask_here(question: &Question) -> Option<bool> {
    let mut terminal = std::io::stderr();
    writeln!(terminal, "\n{} ({})", escape::line(&question.prompt), escape::line(question.step.as_str()))
        .ok()?;
    if !question.roles.is_empty() {
        writeln!(terminal, "for: {}", escape::line(&question.roles.join(", "))).ok()?;
    }
    loop {
        write!(terminal, "yes or no? ").ok()?;
        terminal.flush().ok()?;
        let mut line = String::new();
        if std::io::stdin().lock().read_line(&mut line).ok()? == 0 {
            return None;
        }
        match line.trim().to_lowercase().as_str() {
            "y" | "yes" => return Some(true),
            "n" | "no" => return Some(false),
            _ => {}
        }
    }
}
