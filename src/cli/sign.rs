//! Answers that are signed: with a key here, or by `ssh-keygen` somewhere else.

use std::io::Write as _;
use std::path::Path;
use std::path::PathBuf;

use crate::cli::env::Env;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::order::Addressee;
use crate::cli::order::Sender;
use crate::cli::replace;
use crate::escape;
use crate::event::APPROVALS;
use crate::event::KnownAs;
use crate::event::Order;
use crate::event::Shown;
use crate::event::Signed;
use crate::event::Statement;
use crate::event::Word;
use crate::signature;
use crate::signature::PublicKey;
use crate::signature::SigningKey;

/// Returns the statement of an answer, as whoever signs it is shown the questions.
fn statement(to: &Addressee, order: &Order, env: &Env<'_>) -> Result<Statement, CliError> {
    let (answer, questions, reason) = match order {
        Order::Approve { questions, reason } => (Word::Yes, questions, reason),
        Order::Deny { questions, reason } => (Word::No, questions, reason),
        Order::SkipStep { .. }
        | Order::SkipMachine { .. }
        | Order::Retry { .. }
        | Order::Withdraw { .. }
        | Order::Cancel { .. } => return Err(CliError::usage("nothing but an answer is signed")),
    };
    let at = env.clock.now();
    let statement = to.state.statement(answer, questions, reason.as_ref(), at);
    statement.map_err(|why| CliError::usage(format!("run {}: {why}", to.run)))
}

/// Returns who is known by a key in a run.
fn sender(to: &Addressee, key: &PublicKey, signed: Signed) -> Result<Sender, CliError> {
    let begun = to.state.begun();
    if begun.is_none_or(|begun| begun.people.iter().all(|person| person.keys.is_empty())) {
        let message = format!("run {} was begun without settings that name anybody's key", to.run);
        return Err(CliError::usage(message)
            .hinted("name `ssh_keys` under `serve.users`, and begin runs with --settings FILE"));
    }
    let person = begun.and_then(|begun| begun.person_with(&key.line())).ok_or_else(|| {
        let print = key.fingerprint();
        let message =
            format!("{print} is the key of nobody whom the settings named when run {} began", to.run);
        CliError::usage(message)
    })?;
    Ok(Sender { by: person.name.clone(), known_as: KnownAs::Signed, signed: Some(signed) })
}

/// Signs an answer with the key of a file.
///
/// # Errors
///
/// [`CliError`] if the key can't sign, or is nobody's whom the run knows.
pub(super) fn with_key(to: &Addressee, order: &Order, key: &Path, env: &Env<'_>) -> Result<Sender, CliError> {
    let failed = || CliError::usage(format!("can't sign with `{}`", key.display()));
    let text = std::fs::read_to_string(env.path(key)).map_err(|error| failed().because(error))?;
    let text = secrecy::zeroize::Zeroizing::new(text);
    let key = SigningKey::parse(&text).map_err(|error| {
        failed().because(error).hinted(format!(
            "a key that is locked or in hardware signs elsewhere: --statement FILE, ssh-keygen -Y sign -n {APPROVALS}, --signature FILE.sig"
        ))
    })?;
    let statement = statement(to, order, env)?;
    let signature =
        key.sign(APPROVALS, statement.text().as_bytes()).map_err(|error| failed().because(error))?;
    let public = PublicKey::parse(&key.public_line("")).map_err(|why| failed().hinted(why))?.0;
    sender(to, &public, Signed { at: statement.at, signature })
}

/// Writes what is to be signed into a file, and says how that is done.
///
/// # Errors
///
/// [`CliError`] if it can't be written.
pub(super) fn write_statement(
    to: &Addressee,
    order: &Order,
    file: &Path,
    env: &mut Env<'_>,
) -> Result<Exit, CliError> {
    let text = statement(to, order, env)?.text();
    replace::put(&env.path(file), &text)
        .map_err(|error| CliError::usage(format!("can't write `{}`", file.display())).because(error))?;
    let name = escape::line(&file.display().to_string()).into_owned();
    writeln!(env.out, "{name} says what is to be signed; nothing is answered yet")?;
    writeln!(env.out, "sign it: ssh-keygen -Y sign -f KEY -n {APPROVALS} {name}")?;
    writeln!(env.out, "send it: failback approve {} --signature {name}.sig{}", to.run, to.flags())?;
    Ok(Exit::Success)
}

/// Reads a signature that was made elsewhere, and the statement beside it.
///
/// # Errors
///
/// [`CliError`] if they can't be read, don't belong together, or are not of this run.
pub(super) fn made_elsewhere(
    to: &Addressee,
    file: &Path,
    env: &Env<'_>,
) -> Result<(Order, Sender), CliError> {
    let wrong = |why: String| CliError::usage(format!("`{}` answers nothing: {why}", file.display()));
    let beside = file.to_string_lossy().strip_suffix(".sig").map(PathBuf::from);
    let beside =
        beside.ok_or_else(|| wrong("its name does not end in `.sig`, as ssh-keygen names it".into()))?;
    let read = |path: &Path| {
        std::fs::read_to_string(env.path(path))
            .map_err(|error| CliError::usage(format!("can't read `{}`", path.display())).because(error))
    };
    let (signature, text) = (read(file)?, read(&beside)?);
    let statement = Statement::parse(&text).map_err(wrong)?;
    let key = signature::signer(&signature, APPROVALS, text.as_bytes()).map_err(wrong)?;
    if statement.run != to.run {
        return Err(wrong(format!("it is about run {}, and not about {}", statement.run, to.run)));
    }
    let questions = statement.questions.iter();
    let questions: Vec<Shown> =
        questions.map(|asked| Shown { step: asked.step.clone(), question: asked.question }).collect();
    let signed = Signed { at: statement.at, signature };
    let reason = statement.reason;
    let order = match statement.answer {
        Word::Yes => Order::Approve { questions, reason },
        Word::No => Order::Deny { questions, reason },
    };
    Ok((order, sender(to, &key, signed)?))
}
