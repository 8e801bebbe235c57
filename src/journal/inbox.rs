//! The inbox of a run: what other processes order, in the database.

use std::path::Path;

use jiff::Timestamp;
use rusqlite::OptionalExtension as _;
use rusqlite::params;

use crate::event::Inbox;
use crate::event::JournalError;
use crate::event::KnownAs;
use crate::event::Letter;
use crate::event::Order;
use crate::event::Signed;
use crate::event::withdraw;
use crate::id::RunId;
use crate::journal::Database;
use crate::journal::DatabaseError;

/// A letter that is to be sent: its number is given to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewLetter {
    /// When it is sent.
    pub at: Timestamp,
    /// Who sends it.
    pub by: String,
    /// How that is known.
    pub known_as: KnownAs,
    /// Roles that the server of a session attests.
    pub roles: Vec<String>,
    /// The signature, if the sender is known by that.
    pub signed: Option<Signed>,
    /// What is to be done.
    pub order: Order,
}

/// What is stored of a letter beside its order: what the server of a session attests, or a signature.
#[derive(serde::Serialize, serde::Deserialize)]
struct Attested {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    roles: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    signed: Option<Signed>,
}

/// Returns the text that holds an order, and the roles of its sender or a signature.
fn stored(letter: &NewLetter) -> String {
    let mut order = serde_json::to_value(&letter.order).expect("an order has a JSON form");
    if let Some(fields) = order.as_object_mut() {
        if !letter.roles.is_empty() {
            fields.insert("roles".into(), serde_json::json!(letter.roles));
        }
        if let Some(signed) = &letter.signed {
            fields.insert("signed".into(), serde_json::json!(signed));
        }
    }
    order.to_string()
}

/// Returns the word of a value that has one.
fn word<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

impl Database {
    /// Puts a letter into the inbox of a run, whoever drives that; when this returns, it is on disk.
    ///
    /// Returns the letter's number.
    ///
    /// # Errors
    ///
    /// [`DatabaseError`] if there is no such run, or it can't be written.
    pub fn send(&mut self, run: &RunId, letter: &NewLetter) -> Result<u64, DatabaseError> {
        if self.run(run)?.is_none() {
            return Err(DatabaseError::Unknown { run: run.clone() });
        }
        let text = stored(letter);
        self.connection
            .execute(
                "INSERT INTO inbox (run, at, by, known_as, letter) VALUES (?1, ?2, ?3, ?4, ?5)",
                params![run.as_str(), letter.at.to_string(), letter.by, word(&letter.known_as), text],
            )
            .map_err(self.failed("written"))?;
        Ok(self.connection.last_insert_rowid().unsigned_abs())
    }

    /// Returns the letters of a run after the one that has the number `last`, and the number of the last one that was looked
    /// at; what can't be read is passed over.
    fn letters(&self, run: &RunId, last: u64) -> rusqlite::Result<Vec<Letter>> {
        let mut query = self.connection.prepare_cached(
            "SELECT id, at, by, known_as, letter FROM inbox WHERE run = ?1 AND id > ?2 ORDER BY id",
        )?;
        let mut rows = query.query(params![run.as_str(), i64::try_from(last).unwrap_or(i64::MAX)])?;
        let mut letters = Vec::new();
        while let Some(row) = rows.next()? {
            let id = row.get::<_, i64>(0)?.unsigned_abs();
            let (at, known_as, order) = (row.get::<_, String>(1)?, row.get(3)?, row.get::<_, String>(4)?);
            let read = (
                at.parse(),
                serde_json::from_value(serde_json::Value::String(known_as)),
                serde_json::from_str(&order),
                serde_json::from_str(&order),
            );
            match read {
                (Ok(at), Ok(known_as), Ok(order), Ok(Attested { roles, signed })) => {
                    let by = row.get(2)?;
                    letters.push(Letter { id, at, by, known_as, roles, order, signed, withdrawn_by: None });
                }
                // Whoever may write here may send anything; a run must not end because of that.
                _ => tracing::warn!(letter = id, "a letter can't be read and is passed over"),
            }
        }
        withdraw(&mut letters);
        Ok(letters)
    }
}

/// Reads the letters to one run, with a connection of its own.
#[derive(Debug)]
pub struct RunInbox {
    database: Database,
    run: RunId,
    /// Version of the data when there was nothing after a letter, and that letter's number.
    nothing_new: Option<(i64, u64)>,
}

impl RunInbox {
    /// Opens the inbox of a run; nothing is written to it.
    ///
    /// # Errors
    ///
    /// [`DatabaseError`] if the database can't be opened.
    pub fn open(path: &Path, run: &RunId) -> Result<Self, DatabaseError> {
        Ok(Self { database: Database::open_to_read(path)?, run: run.clone(), nothing_new: None })
    }

    /// Returns the file of the database.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.database.path()
    }

    fn read(&mut self, last: u64) -> rusqlite::Result<Vec<Letter>> {
        // The first version had no inbox.
        if self.database.version == 1 {
            return Ok(Vec::new());
        }
        let version: i64 = self
            .database
            .connection
            .prepare_cached("PRAGMA data_version")?
            .query_row([], |row| row.get(0))
            .optional()?
            .unwrap_or_default();
        if self.nothing_new.is_some_and(|(known, after)| known == version && after <= last) {
            return Ok(Vec::new());
        }
        let letters = self.database.letters(&self.run, last)?;
        self.nothing_new = Some((version, last)).filter(|_| letters.is_empty());
        Ok(letters)
    }
}

impl Inbox for RunInbox {
    fn since(&mut self, last: u64) -> Result<Vec<Letter>, JournalError> {
        self.read(last)
            .map_err(|error| JournalError { message: self.database.failed("read")(error).in_words() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::fixture::Place;

    fn letter(reason: &str) -> NewLetter {
        let order = Order::Cancel { reason: Some(reason.into()), failovers: false };
        let (by, known_as) = ("kim".into(), KnownAs::Session);
        let signed = Some(Signed { at: Timestamp::UNIX_EPOCH, signature: "a signature".into() });
        NewLetter { at: Timestamp::UNIX_EPOCH, by, known_as, roles: vec!["dba".into()], signed, order }
    }

    fn numbers(inbox: &mut RunInbox, last: u64) -> Vec<u64> {
        inbox.since(last).expect("read").into_iter().map(|letter| letter.id).collect()
    }

    #[test]
    fn a_letter_arrives_as_it_was_sent_and_where_it_was_sent() {
        let place = Place::new();
        let _owner = place.with_events("r1", 2);
        drop(place.with_events("r2", 0));
        let (one, other) = (RunId::new("r1"), RunId::new("r2"));
        let mut inbox = RunInbox::open(&place.path, &one).expect("open");
        assert_eq!(numbers(&mut inbox, 0), [0; 0]);
        let mut sender = place.open();
        let first = sender.send(&one, &letter("the first")).expect("sent");
        sender.send(&other, &letter("another run's")).expect("sent");
        let third = sender.send(&one, &letter("the third")).expect("sent");
        let NewLetter { at, by, known_as, roles, signed, order } = letter("the first");
        let found = inbox.since(0).expect("read");
        assert_eq!(
            found[0],
            Letter { id: first, at, by, known_as, roles, order, signed, withdrawn_by: None }
        );
        assert_eq!(numbers(&mut inbox, 0), [first, third], "letters are there until they are taken");
        assert_eq!(numbers(&mut inbox, first), [third]);
        assert_eq!(numbers(&mut inbox, third), [0; 0]);
        assert_eq!(numbers(&mut inbox, third), [0; 0]);
        let fourth = sender.send(&one, &letter("the fourth")).expect("sent");
        assert_eq!(numbers(&mut inbox, third), [fourth], "what comes later is seen");
        assert_eq!(numbers(&mut inbox, 0), [first, third, fourth], "a reader may begin anew");
    }

    #[test]
    fn an_order_that_waits_is_withdrawn_by_a_later_one() {
        let place = Place::new();
        let _owner = place.with_events("r1", 2);
        let run = RunId::new("r1");
        let mut sender = place.open();
        let first = sender.send(&run, &letter("too soon")).expect("sent");
        let second = sender.send(&run, &letter("the second")).expect("sent");
        let withdraws =
            |letter| NewLetter { by: "lee".into(), order: Order::Withdraw { letter }, ..self::letter("") };
        let third = sender.send(&run, &withdraws(first)).expect("sent");
        sender.send(&run, &withdraws(third)).expect("sent");
        let mut inbox = RunInbox::open(&place.path, &run).expect("open");
        let by: Vec<Option<String>> =
            inbox.since(0).expect("read").into_iter().map(|letter| letter.withdrawn_by).collect();
        assert_eq!(by, [Some("lee".into()), None, None, None], "a withdrawal is not withdrawn");
        let later = inbox.since(first).expect("read");
        assert_eq!((later[0].id, later[0].withdrawn_by.clone()), (second, None), "what was taken stays so");
    }

    #[test]
    fn a_letter_to_nobody_is_refused() {
        let place = Place::new();
        let error = place.open().send(&RunId::new("r9"), &letter("the first")).expect_err("no such run");
        assert_eq!(error.to_string(), "there is no run r9");
    }

    #[test]
    fn a_letter_that_nobody_can_read_keeps_no_other_from_arriving() {
        let place = Place::new();
        drop(place.with_events("r1", 0));
        let run = RunId::new("r1");
        let insert = "INSERT INTO inbox (run, at, by, known_as, letter) VALUES ('r1', ?1, 'kim', ?2, ?3)";
        let order = r#"{"order":"cancel","reason":null,"failovers":false}"#;
        for (at, known_as, order) in [
            ("soon", "os_user", order),
            ("1970-01-01T00:00:00Z", "by_sight", order),
            ("1970-01-01T00:00:00Z", "os_user", r#"{"order":"sing"}"#),
            ("1970-01-01T00:00:00Z", "os_user", order),
        ] {
            place.sqlite().execute(insert, [at, known_as, order]).expect("anybody may write");
        }
        let mut inbox = RunInbox::open(&place.path, &run).expect("open");
        assert_eq!(numbers(&mut inbox, 0), [4]);
    }
}
