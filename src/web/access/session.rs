//! Sessions: a cookie of 256 random bits, known by its digest alone, that ends when nobody uses it.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::PoisonError;

use jiff::SignedDuration;
use jiff::Timestamp;

use crate::web::access::Via;
use crate::web::access::Who;
use crate::web::access::secret;

/// How long a session lasts that nobody uses; an open page of a run uses it.
pub(crate) const IDLE: SignedDuration = SignedDuration::from_hours(1);

/// How long a session lasts at most.
pub(crate) const MOST: SignedDuration = SignedDuration::from_hours(24);

/// Sessions that are kept at once; the one that was unused for longest gives way.
const PLACES: usize = 1000;

#[derive(Debug)]
struct Session {
    name: String,
    roles: Vec<String>,
    csrf: String,
    began: Timestamp,
    used: Timestamp,
}

impl Session {
    fn is_over(&self, now: Timestamp) -> bool {
        now.duration_since(self.used) > IDLE || now.duration_since(self.began) > MOST
    }
}

/// The sessions of this process.
#[derive(Debug, Default)]
pub(crate) struct Sessions(Mutex<HashMap<[u8; 32], Session>>);

impl Sessions {
    fn with<T>(&self, act: impl FnOnce(&mut HashMap<[u8; 32], Session>) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Begins a session, and returns what its cookie holds; `None` if the system has no randomness.
    pub fn begin(&self, name: String, roles: Vec<String>, now: Timestamp) -> Option<String> {
        let (id, csrf) = (secret::random()?, secret::random()?);
        self.with(|sessions| {
            sessions.retain(|_, session| !session.is_over(now));
            if sessions.len() >= PLACES {
                let oldest = sessions.iter().min_by_key(|(_, session)| session.used).map(|(id, _)| *id);
                oldest.map(|id| sessions.remove(&id));
            }
            sessions.insert(secret::digest(&id), Session { name, roles, csrf, began: now, used: now });
        });
        Some(id)
    }

    /// Returns whose session a cookie holds, which is used by that.
    pub fn whose(&self, id: &str, now: Timestamp) -> Option<Who> {
        let key = secret::digest(id);
        self.with(|sessions| {
            if sessions.get(&key)?.is_over(now) {
                sessions.remove(&key);
                return None;
            }
            let session = sessions.get_mut(&key)?;
            session.used = session.used.max(now);
            let (name, roles) = (session.name.clone(), session.roles.clone());
            Some(Who { name, roles, via: Via::Session { csrf: session.csrf.clone() } })
        })
    }

    /// Ends a session.
    pub fn end(&self, id: &str) {
        self.with(|sessions| sessions.remove(&secret::digest(id)));
    }

    /// Gives each session the roles that its user has by now, and ends those of whom there are none.
    pub fn reread<'r>(&self, roles: impl Fn(&str) -> Option<&'r [String]>) {
        self.with(|sessions| {
            sessions.retain(|_, session| match roles(&session.name) {
                Some(roles) => {
                    session.roles = roles.to_vec();
                    true
                }
                None => false,
            });
        });
    }

    /// Returns how many sessions there are.
    pub fn count(&self, now: Timestamp) -> usize {
        self.with(|sessions| sessions.values().filter(|session| !session.is_over(now)).count())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: SignedDuration = SignedDuration::from_mins(1);

    fn begin(sessions: &Sessions, now: Timestamp) -> String {
        sessions.begin("kim".into(), vec!["viewer".into()], now).expect("random")
    }

    #[test]
    fn a_session_lasts_while_it_is_used_and_no_longer_than_a_day() {
        let (sessions, start) = (Sessions::default(), Timestamp::UNIX_EPOCH);
        let id = begin(&sessions, start);
        assert_eq!(sessions.whose("another", start), None);
        let mut now = start;
        while now.duration_since(start) + IDLE <= MOST {
            assert_eq!(sessions.whose(&id, now).expect("it is used").name, "kim");
            now += IDLE;
        }
        assert!(sessions.whose(&id, start + MOST + MINUTE).is_none(), "a day is over");
    }

    #[test]
    fn a_session_that_nobody_uses_ends_and_so_does_one_that_is_left() {
        let (sessions, start) = (Sessions::default(), Timestamp::UNIX_EPOCH);
        let (idle, left) = (begin(&sessions, start), begin(&sessions, start));
        sessions.end(&left);
        assert_eq!(sessions.whose(&left, start), None);
        assert_eq!(sessions.whose(&idle, start + IDLE + MINUTE), None);
        assert_eq!(sessions.whose(&idle, start), None, "what is over stays so, whatever the clock says");
    }

    #[test]
    fn tokens_of_two_sessions_have_nothing_in_common() {
        let (sessions, start) = (Sessions::default(), Timestamp::UNIX_EPOCH);
        let csrf = |id: &str| sessions.whose(id, start).expect("it lasts").csrf().to_owned();
        let (one, other) = (begin(&sessions, start), begin(&sessions, start));
        assert!(csrf(&one) != csrf(&other) && csrf(&one) != one);
    }

    #[test]
    fn sessions_take_no_more_than_their_room() {
        let (sessions, start) = (Sessions::default(), Timestamp::UNIX_EPOCH);
        let first = begin(&sessions, start);
        for _ in 0..PLACES {
            begin(&sessions, start + MINUTE);
        }
        assert_eq!((sessions.count(start), sessions.whose(&first, start)), (PLACES, None));
    }

    #[test]
    fn a_session_has_the_roles_of_its_user_and_ends_with_it() {
        let (sessions, now) = (Sessions::default(), Timestamp::UNIX_EPOCH);
        let begin = |name: &str| sessions.begin(name.into(), vec!["viewer".into()], now).expect("random");
        let (kim, lee) = (begin("kim"), begin("lee"));
        let more = ["dba".to_owned()];
        sessions.reread(|name| (name == "kim").then_some(&more[..]));
        assert_eq!(sessions.whose(&kim, now).expect("kim's").roles, more);
        assert_eq!(sessions.whose(&lee, now), None);
    }
}
