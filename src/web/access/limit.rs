//! How often a client may be wrong about a token.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Mutex;
use std::sync::PoisonError;

use jiff::SignedDuration;
use jiff::Timestamp;

use crate::web::access::secret;

/// Wrong tokens of one begin that a client may send within [`WITHIN`].
const TRIES: usize = 10;

/// After how long a wrong token is forgotten.
const WITHIN: SignedDuration = SignedDuration::from_mins(1);

/// Begins of tokens that are remembered; when there are more, those that were tried least are forgotten.
const PLACES: usize = 10_000;

/// Characters at the begin of a token that tell guesses at one token from those at others: few enough to collect the guesses at one, and
/// enough that nobody hits those of a random token by chance.
const BEGIN: usize = 8;

/// Where a token came from, and how it begins.
type Guess = (IpAddr, [u8; 32]);

/// Counts wrong tokens by the address that they came from and by how they begin: behind a proxy all come from one address, and whoever
/// guesses there must not lock everybody out. Guesses at one token all begin like it.
#[derive(Debug, Default)]
pub(crate) struct Limit(Mutex<HashMap<Guess, Vec<Timestamp>>>);

fn guess(client: IpAddr, token: &str) -> Guess {
    (client, secret::digest(&token.chars().take(BEGIN).collect::<String>()))
}

impl Limit {
    /// Returns after how many seconds a client may try a token that begins like this again; `None` if it may at once.
    pub fn wait(&self, client: IpAddr, token: &str, now: Timestamp) -> Option<u64> {
        let mut guesses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let wrong = guesses.get_mut(&guess(client, token))?;
        wrong.retain(|at| now.duration_since(*at) < WITHIN);
        if wrong.len() < TRIES {
            return None;
        }
        let passed = wrong.first().map_or(WITHIN, |first| now.duration_since(*first));
        Some((WITHIN - passed).as_secs().unsigned_abs().max(1))
    }

    /// Remembers that a client sent a wrong token.
    pub fn was_wrong(&self, client: IpAddr, token: &str, now: Timestamp) {
        let mut guesses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let guess = guess(client, token);
        if guesses.len() >= PLACES && !guesses.contains_key(&guess) {
            guesses.retain(|_, wrong| wrong.last().is_some_and(|last| now.duration_since(*last) < WITHIN));
            // Whoever sends many that differ makes no room for more tries at one.
            for most in 1..TRIES {
                if guesses.len() >= PLACES {
                    guesses.retain(|_, wrong| wrong.len() > most);
                }
            }
            if guesses.len() >= PLACES {
                guesses.clear();
            }
        }
        guesses.entry(guess).or_default().push(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_guesses_at_a_token_has_to_wait_and_others_have_not() {
        let (limit, now) = (Limit::default(), Timestamp::UNIX_EPOCH);
        let (guesser, other): (IpAddr, IpAddr) = ([10, 0, 0, 1].into(), [10, 0, 0, 2].into());
        for number in 0..TRIES {
            let token = format!("aaaaaaaa-{number}");
            assert_eq!(limit.wait(guesser, &token, now), None);
            limit.was_wrong(guesser, &token, now);
        }
        let later = now + SignedDuration::from_secs(20);
        let waits = |client, token: &str, at| limit.wait(client, token, at);
        assert_eq!(waits(guesser, "aaaaaaaa-the right one", later), Some(40));
        assert_eq!(waits(guesser, "kim's own token", later), None, "behind the same proxy");
        assert_eq!(waits(other, "aaaaaaaa-the right one", later), None);
        assert_eq!(waits(guesser, "aaaaaaaa-0", now + WITHIN), None, "it is forgotten");
    }

    #[test]
    fn many_guesses_that_differ_make_no_room_for_more_at_one() {
        let (limit, now) = (Limit::default(), Timestamp::UNIX_EPOCH);
        let client: IpAddr = [10, 0, 0, 1].into();
        (0..TRIES).for_each(|_| limit.was_wrong(client, "aaaaaaaa", now));
        (0..3 * PLACES).for_each(|number| limit.was_wrong(client, &format!("{number:08}"), now));
        assert!(limit.wait(client, "aaaaaaaa", now).is_some());
        assert!(limit.0.lock().expect("nobody else has it").len() <= PLACES + 1);
    }
}
