//! Answers that are known by a signature: whose they are, and why one counts for nobody.

use crate::event::APPROVALS;
use crate::event::KnownAs;
use crate::event::Letter;
use crate::event::Order;
use crate::event::Person;
use crate::event::RunState;
use crate::event::Word;
use crate::signature;

/// Returns who signed an answer; `None` of a letter that says nothing of a signature.
///
/// # Errors
///
/// Why the signature shows nobody.
pub fn signer<'s>(state: &'s RunState, letter: &Letter) -> Result<Option<&'s Person>, String> {
    let signed = match (letter.known_as, &letter.signed) {
        (KnownAs::Signed, Some(signed)) => signed,
        (KnownAs::Signed, None) => return Err("it is to be signed, and is not".into()),
        (KnownAs::Claimed | KnownAs::OsUser | KnownAs::Session | KnownAs::Simulated, _) => return Ok(None),
    };
    let (answer, questions, reason) = match &letter.order {
        Order::Approve { questions, reason } => (Word::Yes, questions, reason),
        Order::Deny { questions, reason } => (Word::No, questions, reason),
        Order::SkipStep { .. }
        | Order::SkipMachine { .. }
        | Order::Retry { .. }
        | Order::Withdraw { .. }
        | Order::Cancel { .. } => return Err("nothing but an answer is signed".into()),
    };
    if state.has_taken(signed, &letter.order) {
        return Err("this very answer was taken or withdrawn before: sign it anew".into());
    }
    let statement = state.statement(answer, questions, reason.as_ref(), signed.at)?;
    let key = signature::signer(&signed.signature, APPROVALS, statement.text().as_bytes())?;
    let person = state.begun().and_then(|begun| begun.person_with(&key.line()));
    match person {
        Some(person) if person.name == letter.by => Ok(Some(person)),
        Some(person) => Err(format!("it is signed by {}, and not by {}", person.name, letter.by)),
        None => Err(format!(
            "it is signed with {}, which is the key of nobody whom the settings named when the run began",
            key.fingerprint()
        )),
    }
}
