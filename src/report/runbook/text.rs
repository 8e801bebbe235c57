//! A runbook as a page to print, and as Markdown.

use std::fmt::Write as _;

use minijinja::Value;
use minijinja::context;
use minijinja::value::Serde;

use crate::forecast::Range;
use crate::quantity::Seconds;
use crate::report::html;
use crate::report::markdown::code;
use crate::report::markdown::plain;
use crate::report::runbook::Runbook;

/// Returns a runbook as one page that asks nothing of any other file.
#[must_use]
pub fn page(runbook: &Runbook) -> String {
    let json = serde_json::to_value(runbook).expect("a runbook has a JSON form");
    let values = context! {
        book => Value::from(Serde(html::harmless(json))),
        style => Value::from_safe_string(html::STYLE.to_owned()),
    };
    html::rendered("runbook.html", include_str!("runbook.html"), values)
}

/// Returns a range in words.
fn range(range: Range) -> String {
    if range.low_s == range.high_s {
        Seconds(range.high_s).to_string()
    } else {
        format!("{} to {}", Seconds(range.low_s), Seconds(range.high_s))
    }
}

/// Returns a runbook as Markdown, with boxes to check.
#[must_use]
pub fn markdown(runbook: &Runbook) -> String {
    let Runbook { paper, plan, machines, waves, expected, .. } = runbook;
    let mut text = String::new();
    // Writing to a string can't fail.
    let _ = writeln!(text, "# Runbook: {}\n", plain(plan));
    if let Some(description) = &runbook.description {
        let _ = writeln!(text, "{}\n", plain(description));
    }
    let owner = runbook.owner.as_deref().map_or("nobody is named".to_owned(), plain);
    let _ = writeln!(text, "- decides: {owner}");
    let _ = writeln!(text, "- {machines} machines in {waves} waves, expected {}", range(*expected));
    for assumed in &runbook.assumed {
        let _ = writeln!(text, "- assumed: {}", plain(assumed));
    }
    let _ = writeln!(text, "- printed {:.0} from `{}`", paper.made_at, code(&paper.plan_path));
    let _ = writeln!(text, "- plan digest `{}`", code(&paper.plan_digest));
    let observed = paper.observed_at.map_or("not known when".to_owned(), |at| format!("{at:.0}"));
    let _ = writeln!(text, "- facts `{}`, observed {observed}\n", code(&paper.facts_digest));
    for block in &runbook.blocks {
        let wave =
            if block.wave > 0 && *waves > 1 { format!(", wave {}", block.wave) } else { String::new() };
        let _ = writeln!(text, "## {}. {}{wave}\n", block.number, block.title);
        if block.is_final {
            text.push_str("**This can’t be taken back.**\n\n");
        }
        let _ = writeln!(text, "{}\n", block.how);
        if !block.after.is_empty() {
            let after: Vec<String> = block.after.iter().map(|place| plain(place)).collect();
            let _ = writeln!(text, "After {}.\n", after.join(", "));
        }
        if block.expected.high_s > 0 {
            let _ = writeln!(text, "Expected: {}.\n", range(block.expected));
        }
        for task in &block.tasks {
            let mut line = format!("- [{}] {}", if task.adopted { "x" } else { " " }, plain(&task.subject));
            if !task.members.is_empty() {
                let members: Vec<String> = task.members.iter().map(|name| plain(name)).collect();
                let _ = write!(line, " ({})", members.join(", "));
            }
            for (name, value) in &task.parameters {
                let _ = write!(line, "; {}: `{}`", plain(name), code(value));
            }
            if task.needs_answer {
                let roles: Vec<String> = task.approvers.iter().map(|role| plain(role)).collect();
                let who = if roles.is_empty() { "whom the owner names".to_owned() } else { roles.join(", ") };
                let _ = write!(line, "; answered by {who}: ________ at ________");
            }
            if !task.after.is_empty() {
                let after: Vec<String> = task.after.iter().map(|place| plain(place)).collect();
                let _ = write!(line, "; after {}", after.join(", "));
            }
            if task.adopted {
                line.push_str("; done when the facts were observed");
            }
            let _ = writeln!(text, "{line}");
        }
        let _ = writeln!(text, "\nGo on when: {}\n", block.observe);
    }
    text
}
