//! Orders to a run that another process may drive: what `approve`, `skip`, `retry` and `cancel` have in common.

use std::io::Write as _;
use std::time::Duration;

use serde_json::json;

use crate::cli::check::Format;
use crate::cli::env::Env;
use crate::cli::env::Guard;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::past;
use crate::cli::past::Past;
use crate::cli::person::Person;
use crate::cli::runs;
use crate::cli::runs::LookArgs;
use crate::cli::session;
use crate::escape;
use crate::event::Inbox as _;
use crate::event::KnownAs;
use crate::event::Letter;
use crate::event::Order;
use crate::event::Outcome;
use crate::event::RunEventKind;
use crate::event::RunState;
use crate::event::RunStatus;
use crate::event::Signed;
use crate::id::RunId;
use crate::journal::Database;
use crate::journal::Lock;
use crate::journal::NewLetter;
use crate::journal::RunInbox;
use crate::journal::StateDir;
use crate::run::order;

/// How many looks the process that drives the run is given: ten seconds.
const LOOKS: usize = 100;
/// Pause between two looks into the journal.
const PAUSE: Duration = Duration::from_millis(100);

/// Reads a reason, which says something.
///
/// # Errors
///
/// A sentence that says what is wrong.
pub(super) fn reason(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty() { Err("write why".into()) } else { Ok(text.to_owned()) }
}

/// A run that somebody gives an order to.
pub(super) struct Addressee {
    pub run: RunId,
    /// How it stands once it has followed the orders that wait.
    pub state: RunState,
    /// The orders that wait.
    waiting: Vec<Letter>,
    /// Place of its last event.
    seen: u64,
    dir: StateDir,
    flags: String,
    format: Format,
}

/// Finds the run that an argument names, and how it stands.
///
/// # Errors
///
/// [`CliError`] if there is no such run, or its record can't be read.
pub(super) fn find(run: &str, look: &LookArgs, env: &mut Env<'_>) -> Result<Addressee, CliError> {
    let dir = runs::state_dir(&look.state_dir, env)?;
    let database = runs::database(&dir)?;
    let record = runs::find(&dir, &database, run)?;
    // How its plan is judged stands in its entry: a changed one is told as that, and not by what it leads to.
    database.check_entry(&record.id).map_err(|error| runs::unreadable(&dir, error))?;
    let plan = runs::pinned(&dir, &record, env)?;
    let graph = session::compile(&plan);
    let Past { state, broken, .. } = past::read(&database, &graph, &record.id)?;
    if let Some(error) = broken {
        return Err(runs::unreadable(&dir, error));
    }
    let flags = session::of_state_dir(&look.state_dir);
    let waiting = waiting(&dir, &record.id, &state);
    let (seen, state) = (state.seq(), order::after(state, &record.id, &waiting));
    Ok(Addressee { run: record.id, state, waiting, seen, dir, flags, format: look.format })
}

/// What became of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Fate {
    /// It was taken; the reason if it, or a part of it, is not followed.
    Taken(Option<String>),
    /// Somebody drives the run and has not taken it yet.
    Sent,
    /// Nobody drives the run.
    Waiting,
}

/// Who sends an order, and how that is known.
pub(super) struct Sender {
    pub by: String,
    pub known_as: KnownAs,
    pub signed: Option<Signed>,
}

impl Sender {
    /// Returns the user of the system.
    pub fn here(env: &Env<'_>) -> Self {
        let Person { name: by, known_as } = Person::of(&env.variables);
        Self { by, known_as, signed: None }
    }
}

/// Sends an order of the system's user; see [`give_as`].
///
/// # Errors
///
/// Those of [`give_as`].
pub(super) fn give(to: &Addressee, order: Order, env: &mut Env<'_>) -> Result<Exit, CliError> {
    give_as(to, order, Sender::here(env), env)
}

/// Sends an order, waits until it is taken if somebody drives the run, and says what becomes of it.
///
/// # Errors
///
/// [`CliError`] if the order can't be followed as the run stands, or can't be sent.
pub(super) fn give_as(
    to: &Addressee,
    order: Order,
    sender: Sender,
    env: &mut Env<'_>,
) -> Result<Exit, CliError> {
    let letter = Letter {
        id: u64::MAX,
        // The run may have another clock.
        at: to.state.last_at().unwrap_or_else(|| env.clock.now()),
        by: sender.by.clone(),
        known_as: sender.known_as,
        roles: Vec::new(),
        order: order.clone(),
        signed: sender.signed.clone(),
        withdrawn_by: None,
    };
    let expected = order::judge(&to.state, &letter);
    if expected.effects.is_empty() {
        let why = expected.refused.unwrap_or_else(|| "nothing is to be done".to_owned());
        let error = CliError::usage(format!("run {}: {why}", to.run));
        return Err(to.waiting.iter().fold(error, |error, letter| error.hinted(in_words(letter))));
    }
    send(to, order, sender, env)
}

/// Withdraws an order that waits.
///
/// # Errors
///
/// [`CliError`] if no such order waits, or the withdrawal can't be sent.
pub(super) fn withdraw(to: &Addressee, letter: u64, env: &mut Env<'_>) -> Result<Exit, CliError> {
    if to.waiting.iter().any(|waiting| waiting.id == letter && waiting.withdrawn_by.is_none()) {
        return send(to, Order::Withdraw { letter }, Sender::here(env), env);
    }
    let error = CliError::usage(format!("run {}: order {letter} does not wait", to.run));
    Err(to.waiting.iter().fold(error, |error, letter| error.hinted(in_words(letter))))
}

/// Sends an order, and says what becomes of it.
fn send(to: &Addressee, order: Order, sender: Sender, env: &mut Env<'_>) -> Result<Exit, CliError> {
    let Sender { by, known_as, signed } = sender;
    let at = env.clock.now();
    let mut database =
        Database::open(&to.dir.database()).map_err(|error| runs::unreadable(&to.dir, error))?;
    let letter = NewLetter { at, by, known_as, roles: Vec::new(), signed, order: order.clone() };
    let number = database.send(&to.run, &letter).map_err(|error| {
        CliError::usage(format!("the order to run {} can't be sent", to.run)).because(error)
    })?;
    let fate = fate(to, &database, number, order::reopens(&order))?;
    tell(to, number, &order, &fate, env)?;
    Ok(match fate {
        Fate::Taken(Some(_)) => Exit::Usage,
        Fate::Taken(None) | Fate::Sent | Fate::Waiting => Exit::Success,
    })
}

/// Returns the orders to a run that nobody has taken yet, those that were withdrawn with a note of that; none if they can't be
/// read.
pub(super) fn waiting(dir: &StateDir, run: &RunId, state: &RunState) -> Vec<Letter> {
    let mut inbox = RunInbox::open(&dir.database(), run).ok();
    let letters = inbox.as_mut().and_then(|inbox| inbox.since(state.last_letter()).ok());
    let mut letters = letters.unwrap_or_default();
    letters.retain(|letter| !matches!(letter.order, Order::Withdraw { .. }));
    letters
}

/// Returns an order that waits, in words.
pub(super) fn in_words(letter: &Letter) -> String {
    let what = letter.order.in_words();
    let Letter { id, at, by, withdrawn_by, .. } = letter;
    let text = match withdrawn_by {
        Some(other) => format!("order {id} of {by} was withdrawn by {other}: {what}"),
        None => format!("order {id} of {by} waits since {at:.0}: {what}"),
    };
    escape::line(&text).into_owned()
}

/// Waits until a letter was taken, for as long as somebody drives the run.
fn fate(to: &Addressee, database: &Database, number: u64, reopens: bool) -> Result<Fate, CliError> {
    let unreadable = |error| runs::unreadable(&to.dir, error);
    let mut seen = to.seen;
    for _ in 0..LOOKS {
        let held = Lock::is_held(&to.dir.run(&to.run));
        // Whoever let go of the run may have taken it before.
        let event = database.last_event(&to.run).map_err(unreadable)?;
        let last = event.as_ref().map_or(0, |event| event.seq);
        if last > seen {
            let mut taken = None;
            let look = |event: crate::event::RunEvent| {
                if let RunEventKind::OrderTaken { letter, refused, .. } = event.kind
                    && letter == number
                {
                    taken = Some(refused);
                }
            };
            database.each_event_after(&to.run, seen, look).map_err(unreadable)?;
            if let Some(refused) = taken {
                return Ok(Fate::Taken(refused));
            }
            seen = last;
        }
        if !held {
            let ended = event.is_some_and(|event| match event.kind {
                // What failed may be done again by the next process.
                RunEventKind::RunFinished { outcome } => outcome != Outcome::Failed || !reopens,
                _ => false,
            });
            let late = || Fate::Taken(Some("the run ended before it took the order".to_owned()));
            return Ok(if ended { late() } else { Fate::Waiting });
        }
        std::thread::sleep(PAUSE);
    }
    Ok(Fate::Sent)
}

fn tell(to: &Addressee, number: u64, order: &Order, fate: &Fate, env: &mut Env<'_>) -> Result<(), CliError> {
    let (run, flags) = (&to.run, &to.flags);
    if to.format == Format::Json {
        env.out.guarded(Guard::Json)?;
        let (state, refused) = match fate {
            Fate::Taken(refused) => ("taken", refused.as_deref()),
            Fate::Sent => ("sent", None),
            Fate::Waiting => ("waiting", None),
        };
        let told = json!({
            "version": 1, "run": run, "letter": number, "order": order, "state": state, "refused": refused,
        });
        writeln!(env.out, "{told}")?;
        return Ok(());
    }
    let what = escape::line(&order.in_words()).into_owned();
    match fate {
        Fate::Taken(None) => writeln!(env.out, "run {run} follows: {what}")?,
        Fate::Taken(Some(why)) => {
            writeln!(env.out, "run {run} took the order, {what}, but refuses: {}", escape::line(why))?;
        }
        Fate::Sent => {
            writeln!(
                env.out,
                "the order is sent, and the process that drives run {run} has not taken it yet: {what}"
            )?;
            writeln!(env.out, "what became of it: failback logs {run}{flags}")?;
        }
        Fate::Waiting if matches!(order, Order::Withdraw { .. }) => {
            writeln!(env.out, "the order is withdrawn, and nobody will follow it: {what}")?;
        }
        Fate::Waiting => {
            writeln!(env.out, "the order waits, since nobody drives run {run}: {what}")?;
            writeln!(env.out, "go on with: failback resume {run}{flags}")?;
            writeln!(env.out, "think better of it: failback withdraw {run} {number}{flags}")?;
        }
    }
    Ok(())
}

impl Addressee {
    /// Returns the flags that commands about the run need, with a space before them.
    pub fn flags(&self) -> &str {
        &self.flags
    }

    /// Returns whether the run has ended for good.
    pub const fn has_ended(&self) -> bool {
        matches!(self.state.status(), RunStatus::Finished(_))
    }
}
