//! The `Settings` document: what a daemon is told that no plan may say, such as who may approve and which commands may run.

pub mod notify;
pub mod serve;

use crate::diagnostic::Diagnostic;
use crate::quantity::Seconds;
use crate::source::Spanned;
use crate::syntax::block::block;
use crate::syntax::block::words;
use crate::syntax::decode::Decode;
use crate::syntax::decode::Reader;
use crate::syntax::decode::quoted;
use crate::syntax::scalar::parsed;
use crate::syntax::schema::Schema;
use crate::syntax::tree::NodeId;

use self::notify::Announcement;
use self::notify::Smtp;
use self::serve::Serve;

block! {
    /// Settings of `failback serve`: what runs beside an identity that may act, and is not for plans to say.
    pub struct Settings {
        /// Kind of the document: `Settings`.
        pub kind: Spanned<SettingsKind>,
        /// Version of the language: 1.
        pub version: Spanned<crate::syntax::Version>,
        /// Plan files, or folders that hold plans, relative to this file. Default: `[plans]`.
        pub plans: Vec<Spanned<String>> where [NotEmpty, Distinct, Long] => ["plans"],
        /// Where drills take their plans from. Default: the files as they lie there.
        pub repository: Option<Repository>,
        /// How many drills may run at the same time. Default: 4.
        pub drills_at_once: Option<Spanned<u8>> where [Positive] => 4,
        /// The dashboard: where it listens and who may do what.
        pub serve: Option<Serve>,
        /// Commands that `run:` actions of drills may run: program and arguments, exactly as plans write them. They run in the folder of
        /// the settings, from which relative paths are meant.
        pub allowed_commands: Vec<Argv> where [Prose] => [["./scripts/stop-batch.sh", "--site", "azure"]],
        /// Live drills that may run, each of a plan as it was when somebody looked at it.
        pub live_drills: Vec<LiveDrill>,
        /// The server that mail is sent through.
        pub smtp: Option<Smtp>,
        /// Who is told about what, beside those whom plans name.
        pub notify: Vec<Announcement>,
        /// Where traces of runs go, for OpenTelemetry. Default: nowhere.
        pub traces: Option<Traces>,
    }
}

block! {
    /// A collector of OpenTelemetry that takes traces over HTTP: one of `endpoint` and `from_environment`.
    pub struct Traces {
        /// Its address; `/v1/traces` is added unless it is there.
        pub endpoint: Option<Spanned<String>> where [Url] => "http://127.0.0.1:4318",
        /// Whether `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT` or `OTEL_EXPORTER_OTLP_ENDPOINT` names it. Default: false.
        pub from_environment: Option<Spanned<bool>>,
    }
}

words! {
    /// The kind of a settings document.
    pub enum SettingsKind {
        /// Settings.
        Settings = "Settings",
    }
}

block! {
    /// The commit that drills take their plans from.
    pub struct Repository {
        /// Branch, tag or commit of the repository that the plans lie in.
        pub reference = "ref": Spanned<GitRef>,
        /// How often it is looked at. Default: 5m.
        pub every: Option<Spanned<Seconds>> where [Positive] => "5m",
        /// Whether `git fetch` asks the remote first. Default: true.
        pub fetch: Option<Spanned<bool>>,
    }
}

block! {
    /// A live drill that may run.
    pub struct LiveDrill {
        /// Name of the plan.
        pub plan: Spanned<String> where [Name] => "erp-failback",
        /// Name of the drill.
        pub drill: Spanned<String> where [Name] => "quarterly",
        /// Digest of the plan that was looked at; a drill of any other is refused.
        pub digest: Spanned<PlanDigest>,
        /// Resource id of the vault that the drill may act on.
        pub vault: Option<Spanned<String>> where [Long] => "/subscriptions/0a1b/resourceGroups/rg-dr/providers/Microsoft.RecoveryServices/vaults/rsv-dr",
    }
}

/// A program and its arguments; no shell is involved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Argv(pub Vec<String>);

impl Decode for Argv {
    fn decode(reader: &mut Reader<'_, '_>, node: NodeId) -> Option<Self> {
        let written = reader.sequence(node, "a list")?.len();
        let words: Vec<String> = Vec::decode(reader, node)?;
        if written == 0 && !reader.tree().is_cut(node) {
            let span = reader.span(node);
            reader.report(Diagnostic::error("empty", span, "the list is empty").help("name a program"));
        }
        (written > 0 && words.len() == written).then_some(Self(words))
    }
    fn schema(schema: &mut Schema) -> serde_json::Value {
        serde_json::json!({"type": "array", "items": String::schema(schema), "minItems": 1})
    }
    fn example() -> serde_json::Value {
        serde_json::json!(["./scripts/tell.sh", "--channel", "dr"])
    }
}

impl serde::Serialize for Argv {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(&self.0)
    }
}

/// A branch, tag or commit of git.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GitRef(pub String);

impl GitRef {
    /// Reads the name of a branch, tag or commit; nothing that git could take for a flag, a range or a path.
    ///
    /// # Errors
    ///
    /// A sentence that says what is wrong, for a diagnostic.
    pub fn parse(text: &str) -> Result<Self, String> {
        let is_plain = |letter: char| letter.is_alphanumeric() || "._/+#-@".contains(letter);
        let is_odd = text.is_empty()
            || text.len() > 255
            || text.starts_with(['-', '/', '.', '@'])
            || text.ends_with(['/', '.'])
            || text.contains("..")
            || text.contains("//")
            || text.contains("@{")
            || !text.chars().all(is_plain);
        if is_odd {
            Err(format!("{} is not a branch, tag or commit", quoted(text)))
        } else {
            Ok(Self(text.to_owned()))
        }
    }
}

impl Decode for GitRef {
    fn decode(reader: &mut Reader<'_, '_>, node: NodeId) -> Option<Self> {
        let help = "write a branch, tag or commit: origin/main";
        parsed(reader, node, "bad-reference", "a branch, tag or commit", help, Self::parse)
    }
    fn schema(_: &mut Schema) -> serde_json::Value {
        serde_json::json!({"type": "string", "pattern": "^[^-/.@\\s][^\\s:~^?*\\[\\\\]*$"})
    }
    fn example() -> serde_json::Value {
        serde_json::json!("origin/main")
    }
}

impl serde::Serialize for GitRef {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

/// The digest of a plan, as `failback plan` prints it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanDigest(pub String);

impl Decode for PlanDigest {
    fn decode(reader: &mut Reader<'_, '_>, node: NodeId) -> Option<Self> {
        let help = "write the digest that `failback plan --format json` prints: sha256: and 64 digits";
        parsed(reader, node, "bad-digest", "the digest of a plan", help, |text| {
            let is_digit = |letter: char| matches!(letter, '0'..='9' | 'a'..='f');
            match text.strip_prefix("sha256:") {
                Some(digits) if digits.len() == 64 && digits.chars().all(is_digit) => {
                    Ok(Self(text.to_owned()))
                }
                Some(_) | None => Err(format!("{} is not a digest", quoted(text))),
            }
        })
    }
    fn schema(_: &mut Schema) -> serde_json::Value {
        serde_json::json!({"type": "string", "pattern": "^sha256:[0-9a-f]{64}$"})
    }
    fn example() -> serde_json::Value {
        serde_json::json!(format!("sha256:{}", "4f".repeat(32)))
    }
}

impl serde::Serialize for PlanDigest {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_git_could_take_for_something_else_is_no_reference() {
        for good in ["origin/main", "v1.2", "4f0c", "feature/a-b_c", "릴리스"] {
            assert_eq!(GitRef::parse(good), Ok(GitRef(good.to_owned())));
        }
        for bad in [
            "",
            "--upload-pack=x",
            "a..b",
            "HEAD~1",
            "main:plans",
            "a b",
            "refs//x",
            "@{-1}",
            "x@{1}",
            "../x",
            "a\n",
        ] {
            assert!(GitRef::parse(bad).is_err(), "{bad}");
        }
    }
}
