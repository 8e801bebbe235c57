//! Identifiers that look random and follow from names, so that they are the same in every run.

use std::cell::RefCell;
use std::collections::HashMap;

use sha2::Digest as _;
use sha2::Sha256;

/// How many identifiers are remembered: an answer about a large site needs the same thousands as the one before.
const REMEMBERED: usize = 65_536;

thread_local! {
    static KNOWN: RefCell<HashMap<(String, String), String>> = RefCell::default();
}

/// Returns the identifier of `name` among things of one `kind`, in the usual form of 8-4-4-4-12 lower-case figures.
#[must_use]
pub fn guid(kind: &str, name: &str) -> String {
    let hex = digest(kind, name);
    // Version 4 and its variant, as what they stand for would have them.
    format!("{}-{}-4{}-8{}-{}", &hex[..8], &hex[8..12], &hex[13..16], &hex[17..20], &hex[20..32])
}

/// Returns the 64 figures that a classic fabric is called by.
#[must_use]
pub fn long(kind: &str, name: &str) -> String {
    digest(kind, name)
}

/// Returns the identifier of a server in the form of the classic architecture: upper-case, with a long last part.
#[must_use]
pub fn server(kind: &str, name: &str) -> String {
    let hex = digest(kind, name).to_uppercase();
    format!("{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..32])
}

fn digest(kind: &str, name: &str) -> String {
    KNOWN.with_borrow_mut(|known| {
        let key = (kind.to_owned(), name.to_owned());
        if let Some(digest) = known.get(&key) {
            return digest.clone();
        }
        if known.len() >= REMEMBERED {
            known.clear();
        }
        let digest = computed(kind, name);
        known.insert(key, digest.clone());
        digest
    })
}

fn computed(kind: &str, name: &str) -> String {
    let mut hash = Sha256::new();
    hash.update(kind.as_bytes());
    hash.update([0]);
    hash.update(name.as_bytes());
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identifier_follows_from_kind_and_name() {
        assert_eq!(guid("item", "w1"), guid("item", "w1"));
        assert_ne!(guid("item", "w1"), guid("item", "w2"));
        assert_ne!(guid("item", "w1"), guid("vm", "w1"));
        let one = guid("item", "w1");
        let parts: Vec<usize> = one.split('-').map(str::len).collect();
        assert_eq!(parts, [8, 4, 4, 4, 12]);
    }

    #[test]
    fn what_is_remembered_is_what_was_computed() {
        for number in 0..REMEMBERED + 3 {
            let name = number.to_string();
            if number % 10_000 == 0 {
                assert_eq!(long("kind", &name), computed("kind", &name));
            }
            let _ = long("kind", &name);
        }
        assert_eq!(long("kind", "0"), computed("kind", "0"), "it was forgotten meanwhile");
        assert!(KNOWN.with_borrow(HashMap::len) <= REMEMBERED);
    }

    #[test]
    fn a_server_of_the_classic_architecture_has_a_long_last_part() {
        let id = server("ps", "ps1");
        assert_eq!(id.split('-').map(str::len).collect::<Vec<_>>(), [8, 4, 4, 16]);
        assert_eq!(id, id.to_uppercase());
    }
}
