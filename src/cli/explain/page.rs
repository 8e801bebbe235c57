//! The page of all rules, `docs/rules.md`: printed from the registry, the fixtures and what the rules say about them.

use std::fmt::Write as _;

use crate::cli::explain::entry;
use crate::cli::explain::example;
use crate::model::fact_source::source_of;
use crate::render::style::Style;
use crate::rules;
use crate::rules::Rule;

/// Columns of the output of examples: what a page shows without scrolling.
const WIDTH: usize = 110;

const HEAD: &str = "\
# Rules

This page is generated from the rules and their fixtures: the examples are tested. `failback explain FB123` prints the same
about one rule. Rules are three-valued: one that lacks a fact says so, and never passes for lack of it. How findings are
shown, and which of them refuse a plan, is told in [check](check.md).

Some keys may be left out altogether, since few inventories have them: what only a measurement gives, `network.reachable` (FB219,
FB405), `churn` (FB407, FB408, FB815) and `asr.agent_version_at_last_reboot` (FB331); where a failover ran from,
`asr.failover_vault` (FB020, FB534); and, of a plan without groups, `replication_groups` (FB505). Without them these rules are
undecided and weigh nothing: [check](check.md) counts them in one line, and `--strict` still refuses those among them that are
errors. Half a measurement asks for the rest, with the weight of the rule.
";

/// Returns the page.
///
/// # Errors
///
/// A sentence that says what is wrong with a fixture: a bug, which a test finds.
pub fn page() -> Result<String, String> {
    let mut text = HEAD.to_owned();
    table(&mut text).map_err(|error| error.to_string())?;
    for rule in rules::all() {
        section(&mut text, rule)?;
    }
    Ok(text)
}

fn table(text: &mut String) -> std::fmt::Result {
    writeln!(text, "\n| rule | weighs | architecture | what is wrong |\n|---|---|---|---|")?;
    for rule in rules::all() {
        let (id, name, severity) = (rule.id, rule.name, rule.severity.as_str());
        let link = format!("[{id} {name}](#{}-{name})", id.to_lowercase());
        writeln!(text, "| {link} | {severity} | {} | {} |", entry::architecture(rule), rule.summary)?;
    }
    Ok(())
}

fn section(text: &mut String, rule: &'static Rule) -> Result<(), String> {
    let example = example::of(rule, Style { width: WIDTH, ..Style::default() })?;
    let mut write = || -> std::fmt::Result {
        writeln!(text, "\n## {} {}\n\n{}.\n", rule.id, rule.name, capital(rule.summary))?;
        writeln!(text, "- severity: {}; {}", rule.severity.as_str(), entry::waivable(rule))?;
        for (name, value) in entry::properties(rule) {
            writeln!(text, "- {name}: {value}")?;
        }
        writeln!(text, "- articles: {}", rule.article)?;
        if entry::is_by_construction(rule) {
            writeln!(text, "\n{}", entry::BY_CONSTRUCTION)?;
        }
        // A heading stands apart from what is above and below it.
        for (at, line) in rule.docs.trim_end().lines().enumerate() {
            let is_heading = line.starts_with('#');
            if is_heading && at > 0 && !text.ends_with("\n\n") || at == 0 {
                text.push('\n');
            }
            writeln!(text, "{line}")?;
            if is_heading {
                text.push('\n');
            }
        }
        if !rule.facts.is_empty() {
            writeln!(text, "\n### Facts it needs\n")?;
            for fact in rule.facts {
                writeln!(text, "- `{fact}`: {}", source_of(fact))?;
            }
            if let Some(sentence) = entry::unmeasured(rule) {
                writeln!(text, "\n{sentence}")?;
            }
        }
        writeln!(text, "\n### Example\n\n{}\n", example.head)?;
        writeln!(text, "```yaml\n{}\n```\n", example.change.trim_end())?;
        writeln!(text, "```text\n{}\n```", example.output.trim_end())
    };
    write().map_err(|error| error.to_string())
}

/// Returns a fragment as the beginning of a sentence.
fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
