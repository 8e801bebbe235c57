//! `explain`: says what a rule checks, why, and what to do, with an example.

pub mod entry;
mod example;
mod own;
mod page;

pub use page::page;

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::PathBuf;

use serde_json::json;

use crate::cli::check::Format;
use crate::cli::env::Env;
use crate::cli::env::Guard;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::explain::own::Own;
use crate::cli::explain::own::OwnRule;
use crate::diagnostic::Severity;
use crate::diagnostic::did_you_mean;
use crate::model::fact_source::source_of;
use crate::render::style::Style;
use crate::render::style::Tone;
use crate::rules;
use crate::rules::Rule;

/// Explain a rule: what it checks, why, what to do
///
/// Without a rule, lists all of them. Rules of policies are explained too: of those that are named, or of those in the
/// folder `plans`.
#[derive(Clone, Debug, clap::Args)]
pub struct ExplainArgs {
    /// Id or name of the rule, such as FB123 or alr-vsan-target, or the id of a policy's rule
    #[arg(value_name = "RULE")]
    pub rule: Option<String>,
    /// Explain the rules of this policy too (can be repeated)
    #[arg(long, value_name = "FILE")]
    pub policy: Vec<PathBuf>,
    /// Print like this
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t)]
    pub format: Format,
}

/// Explains a rule, or lists all.
///
/// # Errors
///
/// [`CliError`] if there is no such rule, or the output can't be written.
pub fn run(args: &ExplainArgs, env: &mut Env<'_>) -> Result<Exit, CliError> {
    let style = env.style();
    let text = match (&args.rule, args.format) {
        (None, Format::Human) => list(&Own::read(&args.policy, env)?, style),
        (None, Format::Json) => {
            let rules: Vec<_> = rules::all().map(entry::record).collect();
            let own = Own::read(&args.policy, env)?;
            let own: Vec<_> = own.rules().map(OwnRule::record).collect();
            format!("{:#}\n", json!({"version": 1, "rules": rules, "policies": own}))
        }
        (Some(word), format) => match find(word) {
            Some(rule) => built_in(rule, format, style)?,
            None => {
                let own = Own::read(&args.policy, env)?;
                let found = own.rules().find(|rule| rule.id().eq_ignore_ascii_case(word));
                let rule = found.ok_or_else(|| no_such_rule(word, &own))?;
                match format {
                    Format::Human => rule.explanation(style),
                    Format::Json => format!("{:#}\n", json!({"version": 1, "rule": rule.record()})),
                }
            }
        },
    };
    if args.format == Format::Json {
        env.out.guarded(Guard::Json)?;
    }
    env.out.write_all(text.as_bytes())?;
    Ok(Exit::Success)
}

fn find(word: &str) -> Option<&'static Rule> {
    let is_it = |rule: &&Rule| rule.id.eq_ignore_ascii_case(word) || rule.name.eq_ignore_ascii_case(word);
    rules::all().find(is_it)
}

fn no_such_rule(word: &str, own: &Own) -> CliError {
    let built_in = rules::all().flat_map(|rule| [rule.id, rule.name]);
    let hint = did_you_mean(word, built_in.chain(own.rules().map(OwnRule::id)));
    let hint = hint.unwrap_or_else(|| "`failback explain` lists all rules".to_owned());
    CliError::usage(format!("there is no rule `{word}`")).hinted(hint)
}

fn built_in(rule: &'static Rule, format: Format, style: Style) -> Result<String, CliError> {
    match format {
        Format::Human => explanation(rule, style),
        Format::Json => {
            let mut record = entry::record(rule);
            record["docs"] = json!(rule.docs);
            record["help"] = json!(rule.help);
            record["example"] = json!(example_text(rule, Style::default())?);
            Ok(format!("{:#}\n", json!({"version": 1, "rule": record})))
        }
    }
}

fn list(own: &Own, style: Style) -> String {
    let mut text = String::new();
    let width = rules::all().map(|rule| rule.name.len()).max().unwrap_or(0);
    let head =
        format!("{:5}  {:7}  {:12}  {:width$}  what is wrong", "rule", "weighs", "architecture", "name");
    let _ = writeln!(text, "{}", style.paint(Tone::Faint, head));
    for rule in rules::all() {
        let severity = style.paint(tone(rule.severity), format!("{:7}", rule.severity.as_str()));
        let architecture = entry::architecture(rule);
        let _ = writeln!(
            text,
            "{}  {severity}  {architecture:12}  {:width$}  {}",
            rule.id, rule.name, rule.summary
        );
    }
    own.rules().for_each(|rule| rule.line(&mut text, style, width));
    text
}

const fn tone(severity: Severity) -> Tone {
    match severity {
        Severity::Error => Tone::Error,
        Severity::Warning => Tone::Warning,
        Severity::Info => Tone::Open,
    }
}

fn explanation(rule: &'static Rule, style: Style) -> Result<String, CliError> {
    let mut text = String::new();
    let strong = |word: &str| style.paint(Tone::Strong, word.to_owned());
    let severity = style.paint(tone(rule.severity), rule.severity.as_str());
    writeln!(text, "{} {}: {}\n", strong(rule.id), strong(rule.name), rule.summary)?;
    writeln!(text, "severity      {severity}; {}", entry::waivable(rule))?;
    for (name, value) in entry::properties(rule) {
        writeln!(text, "{name:12}  {value}")?;
    }
    writeln!(text, "articles      {}", rule.article.replace("; ", "\n              "))?;
    if entry::is_by_construction(rule) {
        writeln!(text, "\n{}", entry::BY_CONSTRUCTION)?;
    }
    writeln!(text, "\n{}", rule.docs.trim_end())?;
    if !rule.facts.is_empty() {
        writeln!(text, "\n### Facts it needs")?;
        let width = rule.facts.iter().map(|fact| fact.len()).max().unwrap_or(0);
        for fact in rule.facts {
            writeln!(text, "- {fact:width$}  {}", source_of(fact))?;
        }
        if let Some(sentence) = entry::unmeasured(rule) {
            writeln!(text, "\n{sentence}")?;
        }
    }
    writeln!(text, "\n### Example\n{}", example_text(rule, style)?.trim_end())?;
    Ok(text)
}

fn example_text(rule: &'static Rule, style: Style) -> Result<String, CliError> {
    // A fixture is a part of the program: that it can't be read is a bug, which a test finds.
    let example = example::of(rule, style).map_err(|error| CliError::new(Exit::Bug, error))?;
    let mut text = format!("{}\n\n", example.head);
    for line in example.change.lines() {
        writeln!(text, "    {line}")?;
    }
    Ok(text + "\n" + &example.output)
}
