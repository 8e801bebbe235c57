//! How often a client may be wrong about a token.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Mutex;
use std::sync::PoisonError;

use jiff::SignedDuration;
use jiff::Timestamp;

/// Wrong tokens that a client may send within [`WITHIN`].
const TRIES: usize = 10;

/// After how long a wrong token is forgotten.
const WITHIN: SignedDuration = SignedDuration::from_mins(1);

/// Clients that are remembered; when there are more, the earliest are forgotten.
const PLACES: usize = 10_000;

/// Counts wrong tokens by the address that they came from.
#[derive(Debug, Default)]
pub(crate) struct Limit(Mutex<HashMap<IpAddr, Vec<Timestamp>>>);

impl Limit {
    /// Returns after how many seconds a client may try again; `None` if it may at once.
    pub fn wait(&self, client: IpAddr, now: Timestamp) -> Option<u64> {
        let mut clients = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let wrong = clients.get_mut(&client)?;
        wrong.retain(|at| now.duration_since(*at) < WITHIN);
        if wrong.len() < TRIES {
            return None;
        }
        let passed = wrong.first().map_or(WITHIN, |first| now.duration_since(*first));
        Some((WITHIN - passed).as_secs().unsigned_abs().max(1))
    }

    /// Remembers that a client sent a wrong token.
    pub fn was_wrong(&self, client: IpAddr, now: Timestamp) {
        let mut clients = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if clients.len() >= PLACES && !clients.contains_key(&client) {
            clients.retain(|_, wrong| wrong.last().is_some_and(|last| now.duration_since(*last) < WITHIN));
            if clients.len() >= PLACES {
                clients.clear();
            }
        }
        clients.entry(client).or_default().push(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_that_guesses_has_to_wait_and_others_have_not() {
        let (limit, now) = (Limit::default(), Timestamp::UNIX_EPOCH);
        let (guesser, other): (IpAddr, IpAddr) = ([10, 0, 0, 1].into(), [10, 0, 0, 2].into());
        for _ in 0..TRIES {
            assert_eq!(limit.wait(guesser, now), None);
            limit.was_wrong(guesser, now);
        }
        let later = now + SignedDuration::from_secs(20);
        assert_eq!((limit.wait(guesser, later), limit.wait(other, later)), (Some(40), None));
        assert_eq!(limit.wait(guesser, now + WITHIN), None, "it is forgotten");
    }
}
