//! A person at the terminal who answers a run's questions.

use std::collections::BTreeMap;
use std::collections::HashSet;
use std::io::Write as _;
use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::Mutex;

use crate::cli::keyboard;
use crate::escape;
use crate::event::KnownAs;
use crate::id::StepId;
use crate::run::approver::Approver;
use crate::run::approver::Question;
use crate::run::approver::Reply;

/// Asks at the terminal, one question at a time.
#[derive(Debug)]
pub struct Terminal {
    user: String,
    known_as: KnownAs,
    /// Held while a person reads and types.
    turn: Arc<Mutex<()>>,
    /// Steps whose question was taken back.
    withdrawn: Arc<Withdrawn>,
}

type Withdrawn = std::sync::Mutex<HashSet<StepId>>;

impl Terminal {
    /// Returns the terminal of the user that this process runs as; a name of the environment is only claimed.
    #[must_use]
    pub fn of(variables: &BTreeMap<String, String>) -> Self {
        let (user, known_as) = match os_user() {
            Some(user) => (user, KnownAs::OsUser),
            None => {
                let claimed = ["USER", "LOGNAME"].iter().find_map(|name| variables.get(*name)).cloned();
                (claimed.unwrap_or_else(|| "somebody at the terminal".into()), KnownAs::Claimed)
            }
        };
        Self { user, known_as, turn: Arc::default(), withdrawn: Arc::default() }
    }
}

/// Returns the user that this process runs as, as the system knows it: `name (uid 1000)`.
#[cfg(target_os = "linux")]
fn os_user() -> Option<String> {
    use std::os::linux::fs::MetadataExt as _;
    let uid = std::fs::metadata("/proc/self").ok()?.st_uid();
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let name = users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)? == uid.to_string()).then(|| name.to_owned())
    });
    Some(name.map_or(format!("uid {uid}"), |name| format!("{name} (uid {uid})")))
}

/// Returns the user that this process runs as; other systems are not asked.
#[cfg(not(target_os = "linux"))]
fn os_user() -> Option<String> {
    None
}

#[async_trait]
impl Approver for Terminal {
    async fn ask(&self, question: &Question) -> Reply {
        let turn = Arc::clone(&self.turn).lock_owned().await;
        let (question, withdrawn) = (question.clone(), Arc::clone(&self.withdrawn));
        if withdrawn.lock().is_ok_and(|steps| steps.contains(&question.step)) {
            return Reply::Nobody;
        }
        let is_claimed = self.known_as == KnownAs::Claimed;
        let asked = tokio::task::spawn_blocking(move || {
            let answer = ask_here(&question, is_claimed, &withdrawn);
            drop(turn);
            answer
        });
        let by = self.user.clone();
        match asked.await {
            Ok(Some(true)) => Reply::Approved { by, known_as: self.known_as },
            Ok(Some(false)) => Reply::Refused { by, known_as: self.known_as },
            Ok(None) | Err(_) => Reply::Nobody,
        }
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
        let is_over = || withdrawn.lock().is_ok_and(|steps| steps.contains(&question.step));
        let Some(line) = keyboard::line(&is_over)? else {
            writeln!(terminal, "\nno answer came in time").ok()?;
            return None;
        };
        match line.trim().to_lowercase().as_str() {
            "y" | "yes" => return Some(true),
            "n" | "no" => return Some(false),
            _ => {}
        }
    }
}
