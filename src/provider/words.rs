//! What a service says, as it may be shown.

use crate::secret;

/// Letters of what is shown; more would hide what stands behind it.
const MOST: usize = 1000;
/// Fewest letters of a word behind `Bearer` that is taken for a token.
const TOKEN: usize = 16;
/// What stands in the place of a word that may be a secret.
const STRUCK: &str = "[…]";

/// What a word holds that gives away a secret: parts of signed links, keys of accounts, fields of a request for a token.
const TELLING: &[&str] = &[
    "sig=",
    "&s=",
    "?t=",
    "&t=",
    "&c=",
    "&h=",
    "accountkey=",
    "sharedaccesskey=",
    "client_secret=",
    "client_secret\":",
    "client_assertion=",
    "client_assertion\":",
];

/// Returns text of an answer as it may be shown: on one line, not too long, without the secrets that this process holds, and without
/// what looks like one of somebody else.
pub(crate) fn words(text: &str) -> String {
    let mut shown = String::new();
    let mut is_after_bearer = false;
    for word in secret::strike(text).split_whitespace() {
        if !shown.is_empty() {
            shown.push(' ');
        }
        let lower = word.to_ascii_lowercase().replace("%3d", "=");
        let is_token = (word.contains("eyJ") && word.len() > 40) || (is_after_bearer && word.len() >= TOKEN);
        let is_telling = TELLING.iter().any(|part| lower.contains(part));
        shown.push_str(if is_token || is_telling { STRUCK } else { word });
        is_after_bearer = lower.ends_with("bearer");
        if shown.chars().count() > MOST {
            shown.push('…');
            break;
        }
    }
    shown.chars().filter(|letter| !letter.is_control()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_and_a_key_are_not_shown() {
        for secret in [
            "https://x.blob.core.windows.net/y?sv=1&sig=canary%3D",
            "sig%3Dcanary",
            "SIG%3dcanary",
            "DefaultEndpointsProtocol=https;AccountName=a;AccountKey=canary==;EndpointSuffix=core.windows.net",
            "Endpoint=sb://x/;SharedAccessKeyName=root;SharedAccessKey=canary=",
            "grant_type=client_credentials&client_secret=canary",
            "{\"client_assertion\":\"canary\"}",
        ] {
            assert_eq!(words(&format!("see {secret} now")), "see […] now", "{secret}");
        }
        let told = "the request has no 'client_secret' and no SharedAccessKeyName";
        assert_eq!(words(told), told, "a name is no secret");
    }

    #[test]
    fn a_token_is_not_shown_whatever_its_form() {
        let text = words("bad token eyJ0eXAiOiJKV1QiLCJhbGciOiJub25lIn0.eyJleHAiOjF9.canary\nnext");
        assert_eq!(text, "bad token […] next");
        assert_eq!(
            words("Authorization: Bearer opaque-canary-1234 is none"),
            "Authorization: Bearer […] is none"
        );
        assert_eq!(words("a Bearer token is wanted"), "a Bearer token is wanted");
    }

    #[test]
    fn a_secret_that_is_held_is_not_shown_though_it_looks_like_nothing() {
        let _held = secret::hold("two canaries & a third".to_owned().into());
        assert_eq!(words("<password>two\u{20}canaries &amp; a third</password>"), "<password>[…]</password>");
    }

    #[test]
    fn what_is_long_is_cut_and_what_steers_a_terminal_is_left_out() {
        assert_eq!(words("a\u{1b}[31m\r\n  b"), "a[31m b");
        assert!(words(&"word ".repeat(1000)).chars().count() < 1010);
    }
}
