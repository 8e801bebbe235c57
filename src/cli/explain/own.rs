//! Rules of policies, explained as the built-in ones are: from what the policy says about them.

use std::fmt::Write as _;
use std::path::PathBuf;

use serde_json::Value;
use serde_json::json;

use crate::cli::args::PlanArgs;
use crate::cli::env::Env;
use crate::cli::error::CliError;
use crate::cli::load;
use crate::cli::load::Loaded;
use crate::escape;
use crate::quantity::Bytes;
use crate::render::style::Style;
use crate::render::style::Tone;
use crate::source::Span;
use crate::syntax::file::DEFAULT_MAX_BYTES;
use crate::syntax::policy::Policy;
use crate::syntax::policy::PolicyRule;
use crate::syntax::policy::PolicyTest;
use crate::syntax::policy::Scope;

/// The policies whose rules can be explained.
pub(super) struct Own {
    loaded: Loaded,
}

/// A rule of a policy.
#[derive(Clone, Copy)]
pub(super) struct OwnRule<'o> {
    own: &'o Own,
    policy: &'o Policy,
    rule: &'o PolicyRule,
}

impl Own {
    /// Reads the policies that are named, or if none is, those that a check without arguments would find.
    ///
    /// # Errors
    ///
    /// [`CliError`] if a policy that is named can't be read.
    pub(super) fn read(named: &[PathBuf], env: &Env<'_>) -> Result<Self, CliError> {
        let max_file_size = Bytes(DEFAULT_MAX_BYTES);
        let args = PlanArgs { max_file_size, ..PlanArgs::default() };
        if named.is_empty() {
            let plans = PathBuf::from("plans");
            let folder: Vec<PathBuf> =
                Some(plans).filter(|plans| env.path(plans).is_dir()).into_iter().collect();
            // Whatever is wrong in the folder is told by a check.
            return Ok(Self { loaded: load::load(&folder, &args, env) });
        }
        let loaded = load::load(named, &args, env);
        if let Some(failure) = loaded.failures.first() {
            let error = CliError::usage(failure.message.clone());
            return Err(failure.help.iter().fold(error, |error, help| error.hinted(help.clone())));
        }
        if loaded.policies.is_empty() {
            let error = CliError::usage("no policy was named that can be read");
            return Err(error.hinted("what is wrong with it: failback check FILE"));
        }
        Ok(Self { loaded })
    }

    /// Returns all rules, in the order of the documents.
    pub(super) fn rules(&self) -> impl Iterator<Item = OwnRule<'_>> {
        self.loaded
            .policies
            .iter()
            .flat_map(move |policy| policy.rules.iter().map(move |rule| OwnRule { own: self, policy, rule }))
    }
}

impl<'o> OwnRule<'o> {
    /// Returns its id.
    pub(super) fn id(self) -> &'o str {
        &self.rule.id.value
    }

    fn place(self, span: Span) -> String {
        let place = self.own.loaded.sources.locate(span);
        place.map_or_else(String::new, |place| format!("{}:{}", place.file, place.start.line))
    }

    fn is_waivable(self) -> bool {
        self.rule.waivable.is_none_or(|waivable| waivable.value)
    }

    fn tests(self) -> impl Iterator<Item = &'o PolicyTest> {
        self.policy.tests.iter().filter(move |test| test.rule.value == self.rule.id.value)
    }

    /// Adds the line of a list of rules.
    pub(super) fn line(self, text: &mut String, style: Style, width: usize) {
        let severity = self.rule.severity.value.weight();
        let painted = style.paint(super::tone(severity), format!("{:7}", severity.as_str()));
        let (id, policy) = (escape::line(self.id()), escape::line(&self.policy.name.value));
        let message = escape::line(&self.rule.message.value).into_owned();
        let _ = writeln!(text, "{id}  {painted}  {:12}  {policy:width$}  {message}", "policy");
    }

    /// Returns what there is to say about it.
    pub(super) fn explanation(self, style: Style) -> String {
        let rule = self.rule;
        let strong = |word: &str| style.paint(Tone::Strong, escape::line(word).into_owned());
        let mut text = format!("{} of policy {}: ", strong(self.id()), strong(&self.policy.name.value));
        let _ = writeln!(text, "{}\n", escape::line(&rule.message.value));
        let weight = rule.severity.value.weight();
        let severity = style.paint(super::tone(weight), weight.as_str());
        let waivable =
            if self.is_waivable() { "a plan may accept it, with a reason" } else { "never accepted" };
        let _ = writeln!(text, "severity      {severity}; {waivable}");
        let scope = match rule.scope.value {
            Scope::Machine => "each machine",
            Scope::Group => "each replication group",
            Scope::Plan => "the plan",
        };
        let _ = writeln!(text, "asked about   {scope}");
        if let Some(source) = &rule.source {
            let _ = writeln!(text, "source        {}", escape::line(&source.value));
        }
        let _ = writeln!(text, "written in    {}", escape::line(&self.place(rule.id.span)));
        let mut section = |title: &str, body: &str| {
            let _ = writeln!(text, "\n### {title}");
            for line in body.trim_end().lines() {
                let _ = writeln!(text, "{}", escape::line(line));
            }
        };
        if let Some(when) = &rule.when {
            section("When", &when.value);
        }
        section("What must be true", &rule.assert.value);
        if let Some(help) = &rule.help {
            section("What to do", &help.value);
        }
        let tests: String = self
            .tests()
            .map(|test| format!("- {}: {}\n", test.name.value.replace('\n', " "), test.expect.value))
            .collect();
        if !tests.is_empty() {
            section("Tests", &tests);
        }
        text
    }

    /// Returns it for programs.
    pub(super) fn record(self) -> Value {
        let rule = self.rule;
        let text =
            |text: &Option<crate::source::Spanned<String>>| text.as_ref().map(|text| text.value.clone());
        json!({
            "id": self.id(),
            "policy": self.policy.name.value,
            "severity": rule.severity.value.weight(),
            "scope": rule.scope.value.to_string(),
            "waivable": self.is_waivable(),
            "when": text(&rule.when),
            "assert": rule.assert.value,
            "message": rule.message.value,
            "help": text(&rule.help),
            "source": text(&rule.source),
            "location": self.place(rule.id.span),
            "tests": self.tests().map(|test| json!({"name": test.name.value, "expect": test.expect.value.to_string()})).collect::<Vec<_>>(),
        })
    }
}
