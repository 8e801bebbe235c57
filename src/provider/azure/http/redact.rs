//! What of an address may be shown: the path, and those arguments of the query that are no secrets.

use reqwest::Url;

/// Arguments that are shown with their values; those of a signature (`t`, `c`, `s`, `h`, `sig`) are not among them.
const SHOWN: &[&str] = &["api-version", "$filter", "$top", "$take", "$expand", "statusonly", "resource"];

/// Returns an address as it may be shown.
pub(crate) fn shown(url: &Url) -> String {
    let mut text = url.path().to_owned();
    let mut before = '?';
    let mut hidden = false;
    for (name, value) in url.query_pairs() {
        if SHOWN.iter().any(|known| known.eq_ignore_ascii_case(&name)) {
            text.push(before);
            text.push_str(&name);
            text.push('=');
            text.push_str(&value);
            before = '&';
        } else {
            hidden = true;
        }
    }
    if hidden {
        text.push(before);
        text.push('…');
    }
    text
}

/// Returns text of an answer as it may be shown: on one line, not too long, without what looks like a token or a signature.
pub(crate) fn words(text: &str) -> String {
    let mut shown = String::new();
    for word in text.split_whitespace() {
        if !shown.is_empty() {
            shown.push(' ');
        }
        let lower = word.to_ascii_lowercase();
        let is_token = word.contains("eyJ") && word.len() > 40;
        let is_signed = ["sig=", "&s=", "?t=", "&t=", "&c=", "&h="].iter().any(|part| lower.contains(part));
        shown.push_str(if is_token || is_signed { "[…]" } else { word });
        if shown.chars().count() > 1000 {
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
    fn a_signature_is_not_shown() {
        let url = "https://management.azure.com/a/operationresults/1?api-version=2025-08-01&t=canary1&c=canary2&s=canary3&h=canary4";
        let text = shown(&Url::parse(url).expect("an address"));
        assert_eq!(text, "/a/operationresults/1?api-version=2025-08-01&…");
        let blob = words("see https://x.blob.core.windows.net/y?sv=1&sig=canary%3D now");
        assert_eq!(blob, "see […] now");
    }

    #[test]
    fn a_token_in_an_answer_is_not_shown() {
        let text = words("bad token eyJ0eXAiOiJKV1QiLCJhbGciOiJub25lIn0.eyJleHAiOjF9.canary\nnext");
        assert_eq!(text, "bad token […] next");
    }
}
