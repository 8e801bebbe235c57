//! The id under which the service shows a request, made from the key of the intent: the same request is found under it after a
//! crash.

use std::fmt::Write as _;

use sha2::Digest as _;
use sha2::Sha256;

use crate::id::IdempotencyKey;

/// Returns the id of the request that an intent is sent with.
pub(super) fn request_id(key: &IdempotencyKey) -> String {
    guid(key.as_str())
}

/// Returns the id of one of the requests that an intent is sent with in several.
pub(super) fn part_id(key: &IdempotencyKey, part: &str) -> String {
    guid(&format!("{key}#{part}"))
}

/// Returns an id that follows from a text.
pub(in crate::provider::azure) fn guid(text: &str) -> String {
    let mut bytes = [0_u8; 16];
    bytes.copy_from_slice(&Sha256::digest(text.as_bytes())[..16]);
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let mut text = String::with_capacity(36);
    for (at, byte) in bytes.iter().enumerate() {
        if matches!(at, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// Returns whether a job was begun by the request with this id: its activity begins with the id.
pub(super) fn is_of(activity: &str, request_id: &str) -> bool {
    activity.split(' ').next().is_some_and(|first| first.eq_ignore_ascii_case(request_id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_one_id_that_looks_like_any_other() {
        let id = request_id(&IdempotencyKey::new("run-1/failover/w1#1"));
        assert_eq!(id, request_id(&IdempotencyKey::new("run-1/failover/w1#1")));
        assert_ne!(id, request_id(&IdempotencyKey::new("run-1/failover/w1#2")));
        assert_eq!((id.len(), &id[14..15]), (36, "4"));
        assert!(is_of(&format!("{} ActivityId: x", id.to_uppercase()), &id));
        assert!(!is_of(&format!("x ActivityId: {id}"), &id));
    }
}
