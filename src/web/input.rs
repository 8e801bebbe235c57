//! What requests say, read by hand: cookies, fields of forms, addresses to go back to.

use axum::http::HeaderMap;
use axum::http::header;

/// Returns the value of a cookie; of several with one name none, since nobody knows whose they are.
pub(super) fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let mut values = pairs.filter(|(key, _)| *key == name).map(|(_, value)| value);
    let value = values.next()?;
    values.next().is_none().then_some(value)
}

/// Returns a field of a form or of the query of an address.
pub(super) fn field(text: &str, name: &str) -> Option<String> {
    let pairs = text.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    let mut values = pairs.filter(|(key, _)| *key == name).map(|(_, value)| decoded(value));
    values.next().flatten()
}

/// Returns the text that `+` and percent signs stand for; `None` if it is none.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut digit = || char::from(rest.next()?).to_digit(16);
                let (high, low) = (digit()?, digit()?);
                u8::try_from(high * 16 + low).ok()?
            }
            other => other,
        });
    }
    String::from_utf8(bytes).ok()
}

/// Returns an address of this server alone to go on at: a path, or the first page.
pub(super) fn own_path(text: &str) -> &str {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    if is_plain && text.starts_with('/') && !text.starts_with("//") { text } else { "/" }
}

/// Returns text as a part of an address.
pub(super) fn encoded(text: &str) -> String {
    let mut address = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            address.push(char::from(byte));
        } else {
            address.push_str(&format!("%{byte:02X}"));
        }
    }
    address
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn cookies_are_found_by_their_whole_name() {
        let mut headers = HeaderMap::new();
        headers.append(header::COOKIE, HeaderValue::from_static("a=1; failback=x=y; xfailback=2"));
        assert_eq!((cookie(&headers, "failback"), cookie(&headers, "fail")), (Some("x=y"), None));
        headers.append(header::COOKIE, HeaderValue::from_static("failback=other"));
        assert_eq!(cookie(&headers, "failback"), None, "two are none");
    }

    #[test]
    fn fields_are_decoded_and_what_is_no_text_is_none() {
        assert_eq!(field("a=1&token=a%2Bb+c%ED%95%9C", "token").as_deref(), Some("a+b c한"));
        for broken in ["token=%", "token=%4", "token=%zz", "token=%ff", "other=1"] {
            assert_eq!(field(broken, "token"), None, "{broken}");
        }
    }

    #[test]
    fn nobody_is_sent_to_another_server() {
        assert_eq!(own_path("/runs/r1?lang=ko"), "/runs/r1?lang=ko");
        for strange in
            ["//evil.example", "https://evil.example", "/\\evil.example", "/a\nb", "", "runs", "/한"]
        {
            assert_eq!(own_path(strange), "/", "{strange}");
        }
    }

    #[test]
    fn names_in_addresses_are_encoded() {
        assert_eq!(encoded("a b/../%한"), "a%20b%2F..%2F%25%ED%95%9C");
    }
}
