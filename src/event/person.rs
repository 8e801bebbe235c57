//! Whom a run knows: the people that its settings named when it began, and who had it begin.

use serde::Deserialize;
use serde::Serialize;

use crate::id::RunId;

/// Somebody whom the settings named when a run began.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// The name.
    pub name: String,
    /// What the person may do and approve.
    pub roles: Vec<String>,
    /// Public keys whose signatures are the person's, as OpenSSH writes them, without comments.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<String>,
    /// The name that the operating system knows the person by, where it is another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub os_user: Option<String>,
}

/// How a run began: which one it is, of which plan, by whom, and whom it knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Begun {
    /// The run.
    pub run: RunId,
    /// Digest of its plan.
    pub plan_digest: String,
    /// Digest of its facts.
    pub facts_digest: String,
    /// The user of the operating system that began it.
    pub author: Option<String>,
    /// Who had it begin from a session of the dashboard.
    pub ordered_by: Option<String>,
    /// Whom the settings named.
    pub people: Vec<Person>,
}

impl Begun {
    /// Returns whether a name is that of somebody who began the run, however either is known: `kim (uid 1000)` at a terminal is
    /// `kim` in a session and by a signature.
    #[must_use]
    pub fn is_by(&self, name: &str) -> bool {
        let name = self.known_name(name);
        [&self.author, &self.ordered_by].into_iter().flatten().any(|began| self.known_name(began) == name)
    }

    /// Returns the person that a key is of.
    #[must_use]
    pub fn person_with(&self, key: &str) -> Option<&Person> {
        self.people.iter().find(|person| person.keys.iter().any(|own| own == key))
    }

    /// Returns whether the settings named somebody who has one of these roles.
    #[must_use]
    pub fn knows_any_of(&self, roles: &[String]) -> bool {
        self.people.iter().any(|person| person.roles.iter().any(|role| roles.contains(role)))
    }

    /// Returns the name by which the settings know somebody, else the name alone.
    fn known_name<'n>(&'n self, name: &'n str) -> &'n str {
        // A name of the settings holds no space.
        let bare = name.split_once(" (uid ").map_or(name, |(bare, _)| bare);
        let alias = self.people.iter().find(|person| person.os_user.as_deref() == Some(bare));
        alias.map_or(bare, |person| &person.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn begun(author: Option<&str>, ordered_by: Option<&str>) -> Begun {
        let lee = Person {
            name: "lee".into(),
            roles: vec!["dba".into()],
            keys: vec!["ssh-ed25519 AAAA".into()],
            os_user: Some("l.lee".into()),
        };
        Begun {
            run: RunId::new("r1"),
            plan_digest: String::new(),
            facts_digest: String::new(),
            author: author.map(str::to_owned),
            ordered_by: ordered_by.map(str::to_owned),
            people: vec![lee],
        }
    }

    #[test]
    fn one_person_is_the_same_under_every_name() {
        let by_terminal = begun(Some("kim (uid 1000)"), None);
        assert!(by_terminal.is_by("kim") && by_terminal.is_by("kim (uid 1000)"));
        assert!(!by_terminal.is_by("lee") && !by_terminal.is_by("kimberly"));
        let by_alias = begun(Some("l.lee (uid 1001)"), None);
        assert!(by_alias.is_by("lee") && by_alias.is_by("l.lee") && !by_alias.is_by("kim"));
        let by_session = begun(Some("failback (uid 998)"), Some("lee"));
        assert!(
            by_session.is_by("lee") && by_session.is_by("l.lee (uid 1001)") && by_session.is_by("failback")
        );
        assert!(!begun(None, None).is_by(""));
    }

    #[test]
    fn a_key_is_of_one_person() {
        let begun = begun(None, None);
        assert_eq!(begun.person_with("ssh-ed25519 AAAA").map(|person| person.name.as_str()), Some("lee"));
        assert_eq!(begun.person_with("ssh-ed25519 AAAB"), None);
        assert!(begun.knows_any_of(&["dba".into()]) && !begun.knows_any_of(&["cfo".into()]));
    }
}
