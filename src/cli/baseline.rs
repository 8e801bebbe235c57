//! Baselines: findings that are known already, as `check --format json` printed them.

use std::collections::HashMap;
use std::path::Path;

use serde::Deserialize;

use crate::cli::env::Env;
use crate::cli::error::CliError;
use crate::diagnostic::Severity;
use crate::render::About;
use crate::render::Item;
use crate::render::Known;
use crate::rules::Found;
use crate::rules::State;
use crate::syntax::file;

/// What makes a finding of a plan the same one, whatever line it is in: rule, kind and name of its subject, key path.
type Key = (String, String, String, String);

#[derive(Deserialize)]
#[serde(expecting = "what `check --format json` prints")]
struct Printed {
    version: u64,
    findings: Vec<Record>,
}

#[derive(Deserialize)]
struct Record {
    rule: String,
    severity: String,
    state: String,
    plan: Option<String>,
    subject: Named,
    message: String,
    #[serde(default)]
    path: String,
}

#[derive(Deserialize)]
struct Named {
    kind: String,
    name: String,
}

/// A finding of the baseline that no finding of this check was recognised as.
struct Entry {
    severity: Severity,
    state: State,
    message: String,
}

/// Findings that are known already.
pub(crate) struct Baseline {
    /// By the name of their plan.
    plans: HashMap<String, HashMap<Key, Vec<Entry>>>,
    counts: Known,
}

impl Baseline {
    /// Reads a baseline of at most `limit` bytes.
    ///
    /// # Errors
    ///
    /// [`CliError`] if the file can't be read, or is not what `check --format json` prints.
    pub(crate) fn read(path: &Path, limit: u64, env: &Env<'_>) -> Result<Self, CliError> {
        let text = file::read_file(&env.path(path), limit).map_err(|error| error.with_path(path))?;
        let not_one = |why: String| {
            CliError::usage(format!("`{}` is no baseline: {why}", path.display()))
                .hinted("make one with: failback check --format json > known.json")
        };
        if text.bad_utf8 {
            return Err(not_one("it is not UTF-8".to_owned()));
        }
        let printed: Printed =
            serde_json::from_str(&text.text).map_err(|error| not_one(error.to_string()))?;
        if printed.version != 1 {
            return Err(not_one(format!("its version is {}, and only 1 is known", printed.version)));
        }
        let mut plans: HashMap<String, HashMap<Key, Vec<Entry>>> = HashMap::new();
        for record in printed.findings {
            // Mistakes of documents belong to no plan and are never accepted: no rule could look behind them.
            let Some(plan) = record.plan else { continue };
            let severity = severity(&record.severity)
                .ok_or_else(|| not_one(format!("a severity is `{}`", record.severity)))?;
            let state =
                state(&record.state).ok_or_else(|| not_one(format!("a state is `{}`", record.state)))?;
            let key = (record.rule, record.subject.kind, record.subject.name, record.path);
            let entry = Entry { severity, state, message: record.message };
            plans.entry(plan).or_default().entry(key).or_default().push(entry);
        }
        Ok(Self { plans, counts: Known::default() })
    }

    /// Returns which of a plan's findings are known, in their order; `None` if it knows nothing of the plan.
    ///
    /// Each finding of the baseline stands for one finding that is not worse; those that stand for none are gone.
    pub(crate) fn known(&mut self, plan: &str, found: &Found) -> Option<Vec<bool>> {
        let mut entries = self.plans.remove(plan)?;
        let mut known = vec![false; found.len()];
        // Findings that read as they did come first, so that of two similar ones the new one is shown.
        for likeness in [Likeness::Message, Likeness::Words, Likeness::State] {
            for (finding, known) in found.iter().zip(&mut known).filter(|(_, known)| !**known) {
                let item = &Item::of_finding(&finding);
                let Some(entries) = entries.get_mut(&key(item)) else { continue };
                let found =
                    entries.iter().position(|entry| entry.covers(item) && entry.is_like(item, likeness));
                if let Some(at) = found {
                    entries.swap_remove(at);
                    *known = true;
                    self.counts.known += 1;
                }
            }
        }
        // A finding that became worse is shown, and is not gone.
        for (finding, _) in found.iter().zip(&known).filter(|(_, known)| !**known) {
            let item = &Item::of_finding(&finding);
            let Some(entries) = entries.get_mut(&key(item)) else { continue };
            let is_worse =
                |entry: &Entry| entry.is_like(item, Likeness::Words) || entry.is_like(item, Likeness::State);
            if let Some(at) = entries.iter().position(is_worse) {
                entries.swap_remove(at);
            }
        }
        self.counts.gone += entries.values().map(Vec::len).sum::<usize>();
        Some(known)
    }

    /// Returns how many findings were known and how many are gone, of the plans that were looked at.
    pub(crate) const fn counts(&self) -> Known {
        self.counts
    }
}

/// What two findings of one rule about one subject have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Likeness {
    /// All that they say.
    Message,
    /// All but numbers: what was counted or measured changes from day to day, and what it is about does not.
    Words,
    /// Nothing, since one is decided and the other is not, or is waived, and so they say other things.
    State,
}

/// Strikes out what a message counts or measures: 3, 58m, 9.62, a time; not what bears a number in its name.
fn without_numbers(message: &str) -> impl Iterator<Item = &str> {
    let is_number = |word: &str| {
        word.starts_with(|first: char| first.is_ascii_digit())
            && word.chars().all(|part| part.is_ascii_digit() || ".:-+dhmsTZ%".contains(part))
    };
    let words = message.split(|end: char| end.is_whitespace() || ",;()`".contains(end));
    words.filter(move |word| !is_number(word))
}

impl Entry {
    fn is_like(&self, item: &Item<'_>, likeness: Likeness) -> bool {
        match likeness {
            Likeness::Message => self.message == item.message,
            Likeness::Words => without_numbers(&self.message).eq(without_numbers(item.message)),
            Likeness::State => self.state != item.state,
        }
    }

    /// Returns whether a finding is not worse than this: heavier, or violated where it was open, awaited or waived.
    fn covers(&self, item: &Item<'_>) -> bool {
        item.severity <= self.severity && rank(item.state) <= rank(self.state)
    }
}

const fn rank(state: State) -> u8 {
    match state {
        State::Waived => 0,
        State::Pending => 1,
        State::Indeterminate | State::Unmeasured => 2,
        State::Violated => 3,
    }
}

fn severity(word: &str) -> Option<Severity> {
    [Severity::Info, Severity::Warning, Severity::Error].into_iter().find(|one| one.as_str() == word)
}

fn state(word: &str) -> Option<State> {
    let all = [State::Violated, State::Indeterminate, State::Pending, State::Waived];
    all.into_iter().find(|one| one.as_str() == word)
}

fn key(item: &Item<'_>) -> Key {
    let (kind, name) = match item.about {
        About::Subject(subject) => {
            let kind = serde_json::to_value(subject.kind).unwrap_or_default();
            (kind.as_str().unwrap_or_default().to_owned(), subject.name.clone())
        }
        About::Document(file) => ("document".to_owned(), file.to_owned()),
    };
    (item.code.to_owned(), kind, name, item.path.to_owned())
}
