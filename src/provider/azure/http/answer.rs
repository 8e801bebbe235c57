//! An answer: its status, the headers that count, its body, and what it means if it is no success.

use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::HeaderMap;
use serde::de::DeserializeOwned;

use crate::provider::azure::error::AzureError;
use crate::provider::azure::http::redact;
use crate::provider::azure::wire::scalar::Text;
use crate::provider::error::LONGEST_SILENCE;

/// Bytes that are looked at of a page that is no JSON.
const PAGE: usize = 1 << 16;

/// An answer of a service.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
struct ErrorBody {
    error: Option<serde_json::Value>,
    error_description: Text,
    code: Text,
    message: Text,
}

/// What an answer says of an error.
#[derive(Debug)]
pub(crate) struct Trouble {
    pub(crate) code: String,
    pub(crate) message: String,
}

impl Answer {
    /// Returns a header as text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Returns how long the service asks to wait, from seconds or from a date, as far as one answer is heeded. A date is one of the
    /// service's clock, by which it also says what time it is; ours may be another.
    pub(crate) fn retry_after(&self, now: Timestamp) -> Option<Duration> {
        let text = self.header("retry-after")?.trim();
        let asked = match text.parse::<u64>() {
            Ok(seconds) => Duration::from_secs(seconds),
            Err(_) => {
                let wait = http_date(text)?.duration_since(self.date().unwrap_or(now));
                Duration::try_from(wait).unwrap_or_default()
            }
        };
        Some(asked.min(LONGEST_SILENCE))
    }

    /// Returns the time that the service says it is.
    pub(crate) fn date(&self) -> Option<Timestamp> {
        self.header("date").and_then(http_date)
    }

    /// Reads the body.
    pub(crate) fn read<T: DeserializeOwned>(&self, what: &str) -> Result<T, AzureError> {
        serde_json::from_slice(&self.body).map_err(|error| {
            let kind = self.header("content-type").unwrap_or("without a content type");
            let message = if self.body.is_empty() {
                "it is empty".to_owned()
            } else {
                redact::words(&format!("{error}; {} bytes, {kind}", self.body.len()))
            };
            AzureError::Malformed { what: what.to_owned(), message }
        })
    }

    /// Returns what the body says of an error; the service's code and words, or what stands for them.
    pub(crate) fn trouble(&self) -> Trouble {
        let Ok(body) = serde_json::from_slice::<ErrorBody>(&self.body) else {
            // It is cut where no secret is any more: half of one is not known for what it is.
            let text = String::from_utf8_lossy(&self.body[..self.body.len().min(PAGE)]);
            let message: String = redact::words(&text).chars().take(300).collect();
            let message = if message.is_empty() { "no words".to_owned() } else { message };
            return Trouble { code: format!("HTTP{}", self.status), message };
        };
        let text =
            |value: Option<&serde_json::Value>| value.and_then(|value| value.as_str()).map(str::to_owned);
        let (mut code, mut message) = match &body.error {
            // Token services: the code is the error itself.
            Some(serde_json::Value::String(code)) => {
                (Some(code.clone()), body.error_description.into_option())
            }
            Some(error) => (text(error.get("code")), text(error.get("message"))),
            None => (body.code.into_option(), body.message.into_option()),
        };
        // Site Recovery hides its own code in the details.
        let details = body.error.as_ref().and_then(|error| error.get("details")?.as_array()?.first());
        if let Some(detail) = details {
            code = text(detail.get("code")).or(code);
            message = text(detail.get("message")).filter(|message| !message.is_empty()).or(message);
        }
        Trouble {
            code: redact::words(&code.unwrap_or_else(|| format!("HTTP{}", self.status))),
            message: redact::words(&message.unwrap_or_else(|| "no words".to_owned())),
        }
    }

    /// Returns what the answer means if it is no success.
    pub(crate) fn error(&self, what: &str, now: Timestamp) -> AzureError {
        let what = what.to_owned();
        let Trouble { code, message } = self.trouble();
        let retry_after = self.retry_after(now);
        match self.status {
            401 => AzureError::Denied { what, code, message },
            403 => AzureError::Forbidden { what, code, message },
            404 | 410 => AzureError::NotFound { what, code, message },
            429 => AzureError::Busy { what, message: format!("{message} ({code})"), retry_after },
            status @ (408 | 500..) => {
                AzureError::Broken { what, status, message: format!("{message} ({code})"), retry_after }
            }
            status => AzureError::Refused { what, status, code, message },
        }
    }
}

/// Reads a date of a header: `Sat, 26 Aug 2023 02:57:15 GMT`.
pub(crate) fn http_date(text: &str) -> Option<Timestamp> {
    jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &str) -> Answer {
        Answer { status, headers: HeaderMap::new(), body: body.as_bytes().to_vec() }
    }

    #[test]
    fn the_code_of_site_recovery_is_in_the_details() {
        let body = r#"{"error":{"code":"NotFound","message":"m","details":[{"code":"ArmResourceDoesNotExist","message":"no item"}]}}"#;
        match answer(404, body).error("GET /x", Timestamp::UNIX_EPOCH) {
            AzureError::NotFound { code, message, .. } => {
                assert_eq!((code.as_str(), message.as_str()), ("ArmResourceDoesNotExist", "no item"));
            }
            other => panic!("{other}"),
        }
    }

    #[test]
    fn what_is_no_json_is_shown_as_it_is() {
        let trouble = answer(502, "<html>Bad\nGateway</html>").trouble();
        assert_eq!(
            (trouble.code.as_str(), trouble.message.as_str()),
            ("HTTP502", "<html>Bad Gateway</html>")
        );
        assert_eq!(answer(500, "").trouble().message, "no words");
        let error = answer(200, "<html>").read::<serde_json::Value>("GET /x").expect_err("no JSON");
        assert!(error.to_string().starts_with("GET /x: the answer can't be read: "), "{error}");
    }

    #[test]
    fn a_time_to_come_back_is_read_from_seconds_and_from_a_date() {
        let now: Timestamp = "2023-08-26T02:57:15Z".parse().expect("a time");
        for (text, seconds) in
            [("17", 17), ("Sat, 26 Aug 2023 02:57:45 GMT", 30), ("Sat, 26 Aug 2023 02:00:00 GMT", 0)]
        {
            let mut answer = answer(429, "");
            answer.headers.insert("retry-after", text.parse().expect("a header"));
            assert_eq!(answer.retry_after(now), Some(Duration::from_secs(seconds)), "{text}");
        }
    }

    #[test]
    fn one_answer_silences_for_ten_minutes_at_most() {
        for text in ["31536000", "18446744073709551615", "Tue, 26 Aug 2053 02:57:15 GMT"] {
            let mut answer = answer(429, "");
            answer.headers.insert("retry-after", text.parse().expect("a header"));
            assert_eq!(answer.retry_after(Timestamp::UNIX_EPOCH), Some(LONGEST_SILENCE), "{text}");
        }
    }

    #[test]
    fn a_date_to_come_back_is_one_of_the_services_clock() {
        let mut answer = answer(429, "");
        answer.headers.insert("retry-after", "Sat, 26 Aug 2023 02:57:45 GMT".parse().expect("a header"));
        answer.headers.insert("date", "Sat, 26 Aug 2023 02:57:15 GMT".parse().expect("a header"));
        for ours in ["2023-08-26T01:57:15Z", "2023-08-26T03:57:15Z"] {
            let now = ours.parse().expect("a time");
            assert_eq!(answer.retry_after(now), Some(Duration::from_secs(30)), "our clock says {ours}");
        }
    }
}
