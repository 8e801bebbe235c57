//! `explain`: says what a rule checks, why, and what to do, with an example.

use std::fmt::Write as _;
use std::io::Write as _;

use serde_json::json;

use crate::cli::check::Format;
use crate::cli::env::Env;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::diagnostic::Severity;
use crate::diagnostic::did_you_mean;
use crate::model::fact_source::source_of;
use crate::render::Item;
use crate::render::style::Style;
use crate::render::style::Tone;
use crate::render::style::Verbosity;
use crate::render::text;
use crate::rules;
use crate::rules::Architecture;
use crate::rules::Check;
use crate::rules::Guard;
use crate::rules::Origin;
use crate::rules::Rule;
use crate::rules::fixture;
use crate::rules::fixture::World;

/// Explain a rule: what it checks, why, what to do
///
/// Without a rule, lists all of them.
#[derive(Clone, Debug, clap::Args)]
pub struct ExplainArgs {
    /// Id or name of the rule, such as FB123 or alr-vsan-target
    #[arg(value_name = "RULE")]
    pub rule: Option<String>,
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
        (None, Format::Human) => list(style),
        (None, Format::Json) => {
            let rules: Vec<_> = rules::all().map(record).collect();
            format!("{:#}\n", json!({"version": 1, "rules": rules}))
        }
        (Some(word), format) => {
            let rule = find(word)?;
            match format {
                Format::Human => explanation(rule, style)?,
                Format::Json => {
                    let mut record = record(rule);
                    record["docs"] = json!(rule.docs);
                    record["help"] = json!(rule.help);
                    record["example"] = json!(example(rule, Style::default())?);
                    format!("{:#}\n", json!({"version": 1, "rule": record}))
                }
            }
        }
    };
    env.out.write_all(text.as_bytes())?;
    Ok(Exit::Success)
}

fn find(word: &str) -> Result<&'static Rule, CliError> {
    let is_it = |rule: &&Rule| rule.id.eq_ignore_ascii_case(word) || rule.name.eq_ignore_ascii_case(word);
    if let Some(rule) = rules::all().find(is_it) {
        return Ok(rule);
    }
    let words: Vec<&str> = rules::all().flat_map(|rule| [rule.id, rule.name]).collect();
    let hint = did_you_mean(word, words).unwrap_or_else(|| "`failback explain` lists all rules".to_owned());
    Err(CliError::usage(format!("there is no rule `{word}`")).hinted(hint))
}

fn list(style: Style) -> String {
    let mut text = String::new();
    let width = rules::all().map(|rule| rule.name.len()).max().unwrap_or(0);
    for rule in rules::all() {
        let severity = style.paint(tone(rule.severity), format!("{:7}", rule.severity.as_str()));
        let _ = writeln!(text, "{}  {severity}  {:width$}  {}", rule.id, rule.name, rule.summary);
    }
    text
}

const fn tone(severity: Severity) -> Tone {
    match severity {
        Severity::Error => Tone::Error,
        Severity::Warning => Tone::Warning,
        Severity::Info => Tone::Open,
    }
}

const fn architecture(rule: &Rule) -> &'static str {
    match rule.architecture {
        Architecture::Classic => "classic",
        Architecture::Modernized => "modernized",
        Architecture::Both => "both",
    }
}

const fn is_by_construction(rule: &Rule) -> bool {
    matches!(rule.check, Check::Steps(_))
}

/// Returns when a rule is evaluated, in words.
fn moments(rule: &Rule) -> Vec<String> {
    let mut moments = Vec::new();
    if rule.when.declared {
        moments.push("from plan and inventory".to_owned());
    }
    if rule.when.live {
        moments.push("on observed facts".to_owned());
    }
    moments.extend(rule.when.guards.iter().map(|guard| {
        let before = match guard {
            Guard::Reprotect => "reprotect",
            Guard::Failover => "failover",
            Guard::Commit => "commit",
            Guard::Forward => "reprotect to Azure",
        };
        format!("before {before}")
    }));
    moments
}

fn record(rule: &'static Rule) -> serde_json::Value {
    let seed = match rule.origin {
        Origin::Seed(tags) => tags,
        Origin::Beyond | Origin::Product => &[],
    };
    json!({
        "id": rule.id,
        "name": rule.name,
        "severity": rule.severity,
        "architecture": architecture(rule),
        "origin": rule.origin.as_str(),
        "seed": seed,
        "when": moments(rule),
        "awaited": rule.awaited,
        "waivable": rules::is_waivable(rule.id, rule.severity),
        "by_construction": is_by_construction(rule),
        "summary": rule.summary,
        "source": rule.article,
        "facts": rule.facts.iter().map(|fact| json!({"key": fact, "known_by": source_of(fact)})).collect::<Vec<_>>(),
    })
}

fn explanation(rule: &'static Rule, style: Style) -> Result<String, CliError> {
    let mut text = String::new();
    let strong = |word: &str| style.paint(Tone::Strong, word.to_owned());
    let severity = style.paint(tone(rule.severity), rule.severity.as_str());
    writeln!(text, "{} {}: {}\n", strong(rule.id), strong(rule.name), rule.summary)?;
    let origin = match rule.origin {
        Origin::Seed(tags) => format!("the article of 2017 ({})", tags.join(", ")),
        Origin::Beyond => "later or other articles".to_owned(),
        Origin::Product => "failback itself".to_owned(),
    };
    let waivable = match rules::is_waivable(rule.id, rule.severity) {
        true => "a plan may accept it, with a reason",
        false => "never accepted",
    };
    writeln!(text, "severity      {severity}; {waivable}")?;
    writeln!(text, "architecture  {}", architecture(rule))?;
    writeln!(text, "origin        {origin}")?;
    writeln!(text, "evaluated     {}", moments(rule).join("; "))?;
    if rule.awaited {
        writeln!(text, "awaited       the run waits for it: it does not refuse a plan before its moment")?;
    }
    writeln!(text, "articles      {}", rule.article.replace("; ", "\n              "))?;
    if is_by_construction(rule) {
        writeln!(
            text,
            "\nTrue by construction: the language has no words for this mistake, since steps are derived and not written.\n\
             The rule looks at steps that come from elsewhere, such as an imported recovery plan."
        )?;
    }
    writeln!(text, "\n{}", rule.docs.trim_end())?;
    if !rule.facts.is_empty() {
        writeln!(text, "\n### Facts it needs")?;
        let width = rule.facts.iter().map(|fact| fact.len()).max().unwrap_or(0);
        for fact in rule.facts {
            writeln!(text, "- {fact:width$}  {}", source_of(fact))?;
        }
    }
    writeln!(text, "\n### Example\n{}", example(rule, style)?.trim_end())?;
    Ok(text)
}

/// Returns the first case of the rule's fixture: the change to a healthy world, and what the rule says about it.
fn example(rule: &'static Rule, style: Style) -> Result<String, CliError> {
    // A fixture is a part of the program: that it can't be read is a bug, which a test finds.
    let broken = |error: String| CliError::new(Exit::Bug, error);
    let fixture = fixture::of(rule).map_err(broken)?;
    let case = fixture.cases.first().ok_or_else(|| broken(format!("{} has no example", rule.id)))?;
    let outcome = fixture::run(rule, case).map_err(broken)?;
    let world = match case.world {
        World::Classic => "classic",
        World::Modernized => "modernized",
    };
    let mut text = format!("When {}, in a healthy {world} world with this change:\n\n", case.name);
    for (document, change) in [("plan", &case.plan), ("inventory", &case.inventory)] {
        if !change.is_null() {
            let change = serde_yaml::to_string(change)
                .map_err(|error| broken(format!("the example of {}: {error}", rule.id)))?;
            writeln!(text, "    {document}:")?;
            for line in change.lines() {
                writeln!(text, "      {line}")?;
            }
        }
    }
    if let Some(steps) = &case.steps {
        writeln!(text, "    steps that somebody else put together:")?;
        for step in steps {
            writeln!(text, "      {step}")?;
        }
    }
    text.push('\n');
    let items: Vec<Item<'_>> = outcome.findings.iter().map(Item::of_finding).collect();
    let style = Style { verbosity: Verbosity::Verbose, ..style };
    text::items(&mut text, &items, &outcome.sources, style);
    Ok(text)
}
