//! The people whom the settings name.

use secrecy::ExposeSecret as _;
use secrecy::SecretString;

use crate::web::access::secret::Comparer;

/// Characters that a token has at least: fewer can be guessed.
const LEAST: usize = 20;

/// A person who may use the dashboard.
#[derive(Clone, Debug)]
pub struct User {
    /// The name under which orders are recorded.
    pub name: String,
    /// Roles: `viewer`, `operator`, `approver`, and any word that `approvers:` of a plan names.
    pub roles: Vec<String>,
    /// What shows that it is this person.
    pub token: SecretString,
}

/// Why users can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UserError {
    /// A token is too short.
    #[error("the token of {user} has fewer than {LEAST} characters, so that it can be guessed")]
    Short {
        /// Whose.
        user: String,
    },
    /// Two users have one token.
    #[error("{user} has the same token as {other}")]
    Shared {
        /// One.
        user: String,
        /// The other.
        other: String,
    },
    /// The system has no randomness.
    #[error("the system gives no random numbers")]
    NoRandomness,
}

/// Users as they are kept: no token of theirs is in memory.
#[derive(Debug)]
pub(crate) struct Known {
    comparer: Comparer,
    users: Vec<(String, Vec<String>, ring::hmac::Tag)>,
}

impl Known {
    /// Takes users in.
    ///
    /// # Errors
    ///
    /// [`UserError`] if a token shows nobody for sure.
    pub fn of(users: &[User]) -> Result<Self, UserError> {
        Self::with(Comparer::new().ok_or(UserError::NoRandomness)?, users)
    }

    /// Takes other users in, in place of these.
    ///
    /// # Errors
    ///
    /// [`UserError`] if a token shows nobody for sure.
    pub fn replaced(&self, users: &[User]) -> Result<Self, UserError> {
        Self::with(self.comparer.clone(), users)
    }

    fn with(comparer: Comparer, users: &[User]) -> Result<Self, UserError> {
        let mut known: Vec<(String, Vec<String>, ring::hmac::Tag)> = Vec::new();
        for User { name, roles, token } in users {
            let token = token.expose_secret().trim();
            if token.chars().count() < LEAST {
                return Err(UserError::Short { user: name.clone() });
            }
            if let Some((other, ..)) = known.iter().find(|(.., kept)| comparer.is(token, kept)) {
                return Err(UserError::Shared { user: name.clone(), other: other.clone() });
            }
            known.push((name.clone(), roles.clone(), comparer.keep(token)));
        }
        Ok(Self { comparer, users: known })
    }

    /// Returns the roles that somebody has who was known before; `None` of one who is gone, or has another token by now.
    pub fn still(&self, before: &Self, name: &str) -> Option<&[String]> {
        let of = |known: &'_ Self| known.users.iter().position(|(other, ..)| other == name);
        let (now, then) = (&self.users[of(self)?], &before.users[of(before)?]);
        (now.2.as_ref() == then.2.as_ref()).then_some(now.1.as_slice())
    }

    /// Returns whose token was sent; every token is compared, so that the time tells nothing.
    pub fn whose(&self, sent: &str) -> Option<(String, Vec<String>)> {
        let mut found = None;
        for (name, roles, kept) in &self.users {
            if self.comparer.is(sent, kept) {
                found = Some((name.clone(), roles.clone()));
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(name: &str, token: &str) -> User {
        User { name: name.into(), roles: vec!["viewer".into()], token: SecretString::from(token.to_owned()) }
    }

    #[test]
    fn a_token_shows_whose_it_is() {
        let (kim, lee) = (user("kim", "kim-0123456789abcdef\n"), user("lee", "lee-0123456789abcdef"));
        let known = Known::of(&[kim, lee]).expect("tokens of two people");
        assert_eq!(known.whose("kim-0123456789abcdef").expect("kim's").0, "kim");
        assert_eq!(known.whose("lee-0123456789abcdef").expect("lee's").0, "lee");
        assert_eq!(known.whose("lee-0123456789abcdee"), None);
    }

    #[test]
    fn whoever_is_gone_or_has_another_token_is_not_known_any_more() {
        let (kim, lee) = (user("kim", "kim-0123456789abcdef"), user("lee", "lee-0123456789abcdef"));
        let before = Known::of(&[kim.clone(), lee]).expect("tokens of two people");
        let more = User { roles: vec!["dba".into()], ..kim };
        let now =
            before.replaced(&[more, user("lee", "lee-another-one-0123")]).expect("tokens of two people");
        assert_eq!(now.still(&before, "kim"), Some(&["dba".to_owned()][..]));
        assert_eq!((now.still(&before, "lee"), now.still(&before, "bob")), (None, None));
    }

    #[test]
    fn a_token_that_shows_nobody_for_sure_is_refused_and_never_told() {
        let short = Known::of(&[user("kim", "secret")]).expect_err("it can be guessed").to_string();
        assert!(short.contains("kim") && !short.contains("secret"), "{short}");
        let same = "the-same-token-of-both";
        let shared = Known::of(&[user("kim", same), user("lee", same)]).expect_err("whose is it?");
        assert_eq!(shared, UserError::Shared { user: "lee".into(), other: "kim".into() });
    }
}
