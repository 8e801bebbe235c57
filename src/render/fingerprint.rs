//! What makes an item the same one in two checks, whatever line it is in: for services that follow it.

use std::collections::HashMap;

use sha2::Digest as _;
use sha2::Sha256;

use crate::render::About;
use crate::render::Item;
use crate::render::place::Places;

/// Bytes of a fingerprint: enough that no two items of a repository share one.
const BYTES: usize = 16;

/// The fingerprints that were given.
#[derive(Debug, Default)]
pub(super) struct Fingerprints {
    /// How often each was given.
    given: HashMap<[u8; BYTES], usize>,
}

impl Fingerprints {
    /// Returns the fingerprint of an item, and how many items have had it with this one.
    pub(super) fn of(&mut self, item: &Item<'_>, plan: Option<&str>, places: &Places) -> (String, usize) {
        let kind = serde_json::to_value(item.about).unwrap_or_default();
        let kind = kind["kind"].as_str().unwrap_or_default();
        let name = match item.about {
            About::Subject(subject) => subject.name.clone(),
            About::Document(file) => places.path(file),
        };
        let parts = [item.code, plan.unwrap_or_default(), kind, &name, item.path];
        let mut digest = Sha256::new();
        for part in parts {
            // Lengths keep the parts apart: a name may hold any character.
            digest.update((part.len() as u64).to_le_bytes());
            digest.update(part.as_bytes());
        }
        let mut key = [0; BYTES];
        key.copy_from_slice(&digest.finalize()[..BYTES]);
        let count = self.given.entry(key).or_default();
        *count += 1;
        (key.iter().map(|byte| format!("{byte:02x}")).collect(), *count)
    }
}
