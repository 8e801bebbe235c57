//! The languages of the pages: one table of words.

mod table;

use axum::http::HeaderMap;
use axum::http::header;
use serde_json::Map;
use serde_json::Value;

use crate::web::words::table::WORDS;

/// A language of the pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Language {
    /// English.
    #[default]
    English,
    /// Korean.
    Korean,
}

impl Language {
    /// Returns the language that a tag such as `ko-KR` names.
    #[must_use]
    pub fn from_tag(tag: &str) -> Option<Self> {
        let primary = tag.split(['-', '_']).next()?.trim().to_ascii_lowercase();
        match primary.as_str() {
            "en" => Some(Self::English),
            "ko" => Some(Self::Korean),
            _ => None,
        }
    }

    /// Returns the tag.
    #[must_use]
    pub const fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Korean => "ko",
        }
    }

    /// Returns the language that a browser wants most, of those that there are.
    pub(super) fn accepted(headers: &HeaderMap) -> Option<Self> {
        let text = headers.get(header::ACCEPT_LANGUAGE)?.to_str().ok()?;
        let wanted = text.split(',').filter_map(|range| {
            let (tag, rest) = range.split_once(';').unwrap_or((range, ""));
            let weight: f32 = rest.trim().strip_prefix("q=").map_or(Some(1.0), |q| q.trim().parse().ok())?;
            Some((Self::from_tag(tag.trim())?, weight)).filter(|(_, weight)| *weight > 0.0)
        });
        // Of two that are wanted alike, the first comes first.
        wanted.reduce(|best, next| if next.1 > best.1 { next } else { best }).map(|(language, _)| language)
    }
}

/// Returns a word or sentence; the key itself where there is none, so that what is missing is seen.
pub(super) fn say(language: Language, key: &str) -> &str {
    let found = WORDS.iter().find(|(known, ..)| *known == key);
    found.map_or(key, |(_, english, korean)| match language {
        Language::English => english,
        Language::Korean => korean,
    })
}

/// Returns the whole table of a language, for scripts.
pub(super) fn all(language: Language) -> String {
    let words = WORDS.iter().map(|(key, ..)| ((*key).to_owned(), Value::from(say(language, key))));
    Value::Object(words.collect::<Map<String, Value>>()).to_string()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use axum::http::HeaderValue;

    use super::*;
    use crate::event::StepStatus;
    use crate::graph::StepKind;

    fn accepted(text: &'static str) -> Option<Language> {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT_LANGUAGE, HeaderValue::from_static(text));
        Language::accepted(&headers)
    }

    #[test]
    fn a_browser_gets_the_language_that_it_wants_most() {
        assert_eq!(accepted("ko-KR,ko;q=0.9,en;q=0.8"), Some(Language::Korean));
        assert_eq!(accepted("de, en;q=0.7, ko;q=0.3"), Some(Language::English));
        assert_eq!(accepted("ko;q=0, en;q=0.1"), Some(Language::English));
        assert_eq!((accepted("de"), accepted("ko;q=x")), (None, None));
    }

    /// Returns the keys that templates and scripts name.
    fn named() -> BTreeSet<String> {
        let texts = [
            include_str!("../templates/layout.html"),
            include_str!("../templates/macros.html"),
            include_str!("../templates/login.html"),
            include_str!("../templates/error.html"),
            include_str!("../templates/plans.html"),
            include_str!("../templates/plan.html"),
            include_str!("../templates/findings.html"),
            include_str!("../templates/runs.html"),
            include_str!("../templates/run.html"),
            include_str!("../templates/report.html"),
            include_str!("../templates/drills.html"),
            include_str!("../assets/app.js"),
            include_str!("../assets/run.js"),
            include_str!("../assets/draw.js"),
        ];
        let mut keys = BTreeSet::new();
        for text in texts {
            for quote in ['"', '\''] {
                let mark = format!("t({quote}");
                for (at, _) in text.match_indices(&mark) {
                    let before = text[..at].chars().next_back();
                    if before.is_none_or(|letter| !letter.is_alphanumeric() && letter != '_') {
                        let rest = &text[at + mark.len()..];
                        keys.extend(rest.split(quote).next().map(str::to_owned));
                    }
                }
            }
        }
        keys
    }

    #[test]
    fn every_word_that_is_named_is_in_the_table_in_both_languages() {
        let there: BTreeSet<&str> = WORDS.iter().map(|(key, ..)| *key).collect();
        assert_eq!(there.len(), WORDS.len(), "no key stands there twice");
        let named = named();
        assert!(named.len() > 60, "{} are found", named.len());
        // `t("kind_" ~ …)`: what follows is looked at below.
        let missing: Vec<&String> =
            named.iter().filter(|key| !key.ends_with('_') && !there.contains(key.as_str())).collect();
        assert!(missing.is_empty(), "{missing:?}");
        let prefixes: Vec<&String> = named.iter().filter(|key| key.ends_with('_')).collect();
        let unused: Vec<&&str> = there
            .iter()
            .filter(|key| {
                !named.contains(**key) && !prefixes.iter().any(|prefix| key.starts_with(prefix.as_str()))
            })
            .collect();
        assert!(unused.is_empty(), "{unused:?}");
        for (key, english, korean) in WORDS {
            assert!(!english.is_empty() && !korean.is_empty(), "{key}");
        }
    }

    #[test]
    fn kinds_and_states_of_steps_have_words() {
        let there: BTreeSet<&str> = WORDS.iter().map(|(key, ..)| *key).collect();
        let kinds = [
            StepKind::Preflight,
            StepKind::Prepare,
            StepKind::AwaitAzureAgent,
            StepKind::AwaitDeletion,
            StepKind::Reprotect,
            StepKind::AwaitProtected,
            StepKind::Barrier,
            StepKind::ApproveFailover,
            StepKind::AwaitPoint,
            StepKind::Recheck,
            StepKind::Failover,
            StepKind::Verify,
            StepKind::BootGroup,
            StepKind::ApproveCommit,
            StepKind::Commit,
            StepKind::Cleanup,
            StepKind::AwaitAgent,
            StepKind::Forward,
            StepKind::AwaitForward,
            StepKind::Action,
        ];
        for kind in kinds {
            assert!(there.contains(format!("kind_{}", kind.as_str()).as_str()), "{}", kind.as_str());
        }
        let statuses = [
            StepStatus::Waiting,
            StepStatus::Ready,
            StepStatus::Running,
            StepStatus::Asked,
            StepStatus::Succeeded,
            StepStatus::Adopted,
            StepStatus::Skipped,
            StepStatus::Failed,
            StepStatus::Blocked,
        ];
        for status in statuses {
            assert!(there.contains(format!("step_{}", status.as_str()).as_str()), "{}", status.as_str());
        }
    }
}
