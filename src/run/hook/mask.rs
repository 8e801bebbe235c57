//! Takes out of a command's output what looks like a secret, before anything keeps or shows it.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex::Regex;

/// What stands for a secret.
const MASKED: &str = "***";

/// Least length of a variable's value that is taken for a secret: shorter ones stand in too many other words.
const LEAST: usize = 6;

/// Parts of the names of variables whose values are secrets.
const TELLING: [&str; 7] = ["TOKEN", "SECRET", "PASSWORD", "PASSWD", "CREDENTIAL", "API_KEY", "PRIVATE_KEY"];

/// Shapes of secrets, each with what is kept of it in front.
static SHAPES: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    let shapes = [
        // Headers: the scheme is kept.
        r"(?i)(?P<kept>\bauthorization\s*:\s*(?:(?:basic|bearer|negotiate|sharedkey)\s+)?)[^\s,;]+",
        r"(?i)(?P<kept>\b(?:bearer|basic)\s+)[a-z0-9+/._~-]{16,}=*",
        // `password=…`, `"client_secret": "…"`, `AccountKey=…`, `sig=…` of a shared access signature.
        r#"(?i)(?P<kept>\b[a-z_-]*(?:password|passwd|passphrase|secret|token|api[_-]?key|accountkey|sharedaccesskey|sig)["']?\s*[=:]\s*["']?)[^\s"'&,;]+"#,
        // `--password hunter3`, `-token abc`: a flag and its word.
        r#"(?i)(?P<kept>(?:^|\s)--?[a-z_-]*(?:password|passwd|passphrase|secret|token|api[_-]?key|accountkey)\s+)(?:"[^"]*"|'[^']*'|[^\s"'-]\S*)"#,
        // Addresses with a name and a password.
        r"(?P<kept>[a-z][a-z0-9+.-]*://[^\s/:@]*:)[^\s/@]+(?P<at>@)",
        // Tokens that are known by themselves.
        r"(?P<kept>)\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*",
        r"(?s)(?P<kept>-----BEGIN [A-Z ]*PRIVATE KEY-----).*?(?:-----END [A-Z ]*PRIVATE KEY-----|\z)",
    ];
    shapes.into_iter().map(|shape| Regex::new(shape).expect("the shapes are ours")).collect()
});

/// `Password is hunter4`, `the token was abc`: as programs say it.
static SAID: LazyLock<Regex> = LazyLock::new(|| {
    let shape = r#"(?i)(?P<kept>\b(?:password|passwd|passphrase|secret|token|api[_-]?key)\s+(?:is|was)\s*:?\s*["']?)(?P<word>[^\s"']+)"#;
    Regex::new(shape).expect("the shape is ours")
});

/// What is said of a secret after `is` or `was` without telling it.
const ABOUT: [&str; 18] = [
    "a",
    "accepted",
    "already",
    "changed",
    "empty",
    "expired",
    "in",
    "incorrect",
    "invalid",
    "missing",
    "needed",
    "never",
    "no",
    "not",
    "required",
    "set",
    "too",
    "wrong",
];

/// Knows the secrets of the process, and what others look like.
#[derive(Clone, Default)]
pub(super) struct Mask {
    /// The longest first, so that none is left standing in another one.
    values: Vec<String>,
}

impl std::fmt::Debug for Mask {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mask").field("values", &self.values.len()).finish()
    }
}

impl Mask {
    /// Returns a mask of the secrets in an environment: values of variables whose names tell that they are.
    pub(super) fn of(environment: &BTreeMap<String, String>) -> Self {
        let tells = |name: &str| {
            let name = name.to_ascii_uppercase();
            TELLING.iter().any(|part| name.contains(part))
        };
        let secret = environment.iter().filter(|(name, value)| tells(name) && value.len() >= LEAST);
        let mut values: Vec<String> = secret.map(|(_, value)| value.clone()).collect();
        values.sort_by_key(|value| std::cmp::Reverse(value.len()));
        Self { values }
    }

    /// Returns a text without its secrets.
    pub(super) fn apply(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for value in &self.values {
            text = text.replace(value, MASKED);
        }
        for shape in &*SHAPES {
            if let std::borrow::Cow::Owned(masked) =
                shape.replace_all(&text, format!("${{kept}}{MASKED}${{at}}"))
            {
                text = masked;
            }
        }
        let said = SAID.replace_all(&text, |found: &regex::Captures<'_>| {
            let word = found["word"].trim_end_matches(['.', ',', ';', '!']).to_ascii_lowercase();
            if ABOUT.contains(&word.as_str()) {
                found[0].to_owned()
            } else {
                format!("{}{MASKED}", &found["kept"])
            }
        });
        said.into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_like_a_secret_is_taken_out() {
        let environment = BTreeMap::from(
            [("ARM_CLIENT_SECRET", "hunter2hunter2"), ("DB_PASSWORD", "abc"), ("LANG", "ko_KR.UTF-8")]
                .map(|(name, value)| (name.to_owned(), value.to_owned())),
        );
        let mask = Mask::of(&environment);
        for (said, shown) in [
            ("logged in with hunter2hunter2, thanks", "logged in with ***, thanks"),
            ("curl -H 'Authorization: Bearer abc.def.ghi'", "curl -H 'Authorization: Bearer ***"),
            ("token=abc123&site=seoul", "token=***&site=seoul"),
            (r#"{"client_secret": "s3cr3t", "plan": "erp"}"#, r#"{"client_secret": "***", "plan": "erp"}"#),
            (
                "https://x.blob.core.windows.net/c?sv=1&sig=a%2Bb&se=2",
                "https://x.blob.core.windows.net/c?sv=1&sig=***&se=2",
            ),
            ("postgres://erp:pass@db/erp", "postgres://erp:***@db/erp"),
            (
                "DefaultEndpointsProtocol=https;AccountKey=abcd==;X=1",
                "DefaultEndpointsProtocol=https;AccountKey=***;X=1",
            ),
            ("-----BEGIN RSA PRIVATE KEY-----\nMIIE\n", "-----BEGIN RSA PRIVATE KEY-----***"),
            ("ran sqlcmd --password hunter3 -Q x", "ran sqlcmd --password *** -Q x"),
            ("az login --client-secret 'a b' -o table", "az login --client-secret *** -o table"),
            ("Password is hunter4", "Password is ***"),
            ("the new token was: abc-1.", "the new token was: ***"),
            ("got eyJhbGciOiJI.eyJzdWIiOiIx.c2ln now", "got *** now"),
        ] {
            assert_eq!(mask.apply(said), shown, "{said}");
        }
    }

    #[test]
    fn what_is_no_secret_stays() {
        let mask = Mask::default();
        for said in [
            "3 sessions ended, abc stays",
            "http://app1.corp.example:8080/health ok",
            "signed: yes",
            "tokens left",
            "usage: tool --password --verbose",
            "3 tokens were read",
            "the password is wrong; the token was not accepted; the secret is expired.",
        ] {
            assert_eq!(mask.apply(said), said);
        }
    }

    #[test]
    fn a_mask_is_printed_without_what_it_hides() {
        let mask = Mask { values: vec!["hunter2hunter2".into()] };
        assert_eq!(format!("{mask:?}"), "Mask { values: 1 }");
    }
}
