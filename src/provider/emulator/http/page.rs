//! Lists that come in pages.

use serde_json::Value;

use crate::provider::emulator::http::exchange::Answer;
use crate::provider::emulator::http::exchange::Asked;
use crate::provider::emulator::http::exchange::encoded;

/// Returns the page that was asked for: `$take` or `$top` values of a list, `size` where nothing is said.
///
/// A list of more than one page ends with an empty one, as the recorded ones do.
#[must_use]
pub fn page(asked: &Asked, values: Vec<Value>, size: usize) -> Answer {
    page_of(asked, values, size, |value| value)
}

/// Returns the page that was asked for, of which alone the entries are shown.
#[must_use]
pub fn page_of<T>(asked: &Asked, values: Vec<T>, size: usize, show: impl Fn(T) -> Value) -> Answer {
    let wanted = ["$take", "$top"].iter().find_map(|name| asked.argument(name)?.parse().ok());
    let size = wanted.filter(|wanted| *wanted > 0).unwrap_or(size).min(size);
    let token = asked.argument("$skipToken").or_else(|| asked.argument("skipToken"));
    let Some(start) = token.map_or(Some(0), |token| token.strip_prefix("Entry:")?.parse::<usize>().ok())
    else {
        return Answer::asr_error(asked, 400, "InvalidParameter", "The continuation token is not valid.");
    };
    let all = values.len();
    let paged = start > 0 || all > size;
    let shown: Vec<Value> = values.into_iter().skip(start).take(size).map(show).collect();
    let next = (paged && start < all).then(|| {
        let path = asked.target.split('?').next().unwrap_or_default();
        let kept: String = asked
            .query
            .iter()
            .filter(|(name, _)| {
                !name.eq_ignore_ascii_case("$skipToken") && !name.eq_ignore_ascii_case("skipToken")
            })
            .map(|(name, value)| format!("{}={}&", encoded(name), encoded(value)))
            .collect();
        format!("{}{path}?{kept}%24skipToken=Entry%3A{}", asked.base, start + shown.len())
    });
    Answer::list(shown, next)
}

#[cfg(test)]
mod tests {
    use hyper::HeaderMap;
    use hyper::Method;
    use hyper::body::Bytes;
    use jiff::Timestamp;
    use serde_json::json;

    use super::*;
    use crate::provider::emulator::http::exchange::Content;

    fn ask(target: &str) -> (Vec<Value>, Option<String>) {
        let asked = Asked::new(
            Method::GET,
            "http://h".into(),
            target,
            HeaderMap::new(),
            Bytes::new(),
            Timestamp::UNIX_EPOCH,
            1,
        );
        let answer = page(&asked, (0..5).map(|number| json!(number)).collect(), 2);
        let Content::Json(body) = answer.content else { return (Vec::new(), None) };
        let values = body["value"].as_array().cloned().unwrap_or_default();
        (values, body["nextLink"].as_str().map(|link| link.trim_start_matches("http://h").to_owned()))
    }

    #[test]
    fn every_value_is_shown_once_and_the_last_page_is_empty() {
        let mut target = Some("/list?api-version=1&$filter=a b".to_owned());
        let (mut seen, mut pages) = (Vec::new(), Vec::new());
        while let Some(here) = target {
            let (values, next) = ask(&here);
            pages.push(values.len());
            seen.extend(values);
            target = next;
        }
        assert_eq!(seen, (0..5).map(|number| json!(number)).collect::<Vec<_>>());
        assert_eq!(pages, [2, 2, 1, 0]);
    }

    #[test]
    fn a_page_is_as_small_as_one_likes_and_no_larger_than_the_service_likes() {
        assert_eq!(ask("/list?$take=1").0.len(), 1);
        assert_eq!(ask("/list?$top=9").0.len(), 2);
    }
}
