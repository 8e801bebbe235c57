//! A report as Markdown, for a pull request or a wiki.

use std::fmt::Write as _;

use crate::escape;
use crate::forecast::Range;
use crate::quantity::Seconds;
use crate::report::assessment::Compared;
use crate::report::assessment::Kept;
use crate::report::assessment::Objectives;
use crate::report::assessment::Verdict;
use crate::report::assessment::Weight;
use crate::report::document::RunReport;
use crate::report::timeline::Standing;
use crate::report::timeline::Timeline;

/// Entries of a list that are told one by one: a comment has room for 65,536 characters.
const LISTED: usize = 60;

/// Returns a report as Markdown.
#[must_use]
pub fn markdown(report: &RunReport) -> String {
    let mut text = String::new();
    let verdict = report.verdict.map_or("not ended", Verdict::as_str);
    // Writing to a string can't fail.
    let _ = writeln!(text, "# {}: {verdict}\n\n{}\n", plain(&report.about.plan), plain(&report.headline()));
    if let Some(broken) = report.record.as_ref().and_then(|record| record.broken.as_ref()) {
        let _ = writeln!(text, "> **The record of this run is not intact.** {}\n", plain(broken));
    }
    objectives(&mut text, report);
    let weighty: Vec<String> = report
        .reasons
        .iter()
        .filter(|reason| reason.weight > Weight::Note)
        .map(|reason| {
            let step = reason.step.as_ref().map(|step| format!(" `{}`", code(step.as_str())));
            format!("- **{}**{}: {}", plain(&reason.code), step.unwrap_or_default(), plain(&reason.message))
        })
        .collect();
    section(&mut text, "Why", &weighty);
    if let Some(drill) = &report.drill {
        let name = drill.name.as_deref().map(|name| format!(" {}", plain(name))).unwrap_or_default();
        let _ = writeln!(text, "## Drill\n\n{}{name}, `{}`\n", plain(&drill.kind), code(&drill.id));
        let left: Vec<String> = drill.left_out.iter().map(|what| format!("- {}", plain(what))).collect();
        section(&mut text, "Done without", &left);
    }
    if let Some(timeline) = &report.timeline {
        of_timeline(&mut text, timeline);
    }
    let findings: Vec<String> = report
        .findings_by_rule()
        .iter()
        .map(|group| {
            let because = group.first.waived_because.as_deref();
            let because =
                because.map(|because| format!(" — accepted: {}", plain(because))).unwrap_or_default();
            let about: Vec<String> = group.subjects.iter().take(6).map(|name| plain(name)).collect();
            let more = group.subjects.len().saturating_sub(6);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            let (rule, state) = (&group.first.rule, &group.first.state);
            format!(
                "- `{}` {state}, {}{more}: {}{because}",
                code(rule),
                about.join(", "),
                plain(&group.first.message)
            )
        })
        .collect();
    section(&mut text, "What the rules found before", &findings);
    let slower: Vec<String> =
        report.regressions.iter().map(|regression| format!("- **slower**: {}", plain(regression))).collect();
    section(&mut text, "Runs before", &slower);
    from(&mut text, report);
    text
}

fn section(text: &mut String, title: &str, lines: &[String]) {
    if lines.is_empty() {
        return;
    }
    let _ = writeln!(text, "## {title}\n");
    for line in lines.iter().take(LISTED) {
        let _ = writeln!(text, "{line}");
    }
    if lines.len() > LISTED {
        let _ = writeln!(text, "- and {} more", lines.len() - LISTED);
    }
    text.push('\n');
}

fn objectives(text: &mut String, report: &RunReport) {
    let Some(plan) = &report.objectives else { return };
    text.push_str(
        "| of | | objective | forecast | measured | | most of it |\n|---|---|---:|---:|---:|---|---|\n",
    );
    let seconds =
        |seconds: Option<u64>| seconds.map_or("–".to_owned(), |seconds| Seconds(seconds).to_string());
    let range = |range: Option<Range>| {
        range.map_or("–".to_owned(), |range| {
            format!("{} to {}", Seconds(range.low_s), Seconds(range.high_s))
        })
    };
    let mut row = |subject: &str, name: &str, compared: &Compared, measured: String, spent: String| {
        let kept = match compared.kept {
            Some(Kept::Kept) => "kept",
            Some(Kept::Missed) => "**missed**",
            Some(Kept::Unknown) => "can’t be told",
            None => "no objective",
        };
        let (asked, forecast) = (seconds(compared.objective_s), range(compared.forecast));
        let _ =
            writeln!(text, "| {subject} | {name} | {asked} | {forecast} | {measured} | {kept} | {spent} |");
    };
    for Objectives { subject, rto, rpo, spent } in std::iter::once(plan).chain(&report.groups).take(LISTED) {
        let measured = match (rto.measured_s, rto.at_least_s) {
            (Some(seconds), _) => Seconds(seconds).to_string(),
            (None, Some(least)) => format!("not reached after {}", Seconds(least)),
            (None, None) => "not measured".to_owned(),
        };
        let spent =
            spent.as_ref().map(|spent| format!("`{}` {}", code(spent.step.as_str()), Seconds(spent.seconds)));
        row(&plain(subject), "RTO", rto, measured, spent.unwrap_or_default());
        let lost = rpo.measured_s.map_or("not reported".to_owned(), |lost| Seconds(lost).to_string());
        row("", "RPO", rpo, lost, String::new());
    }
    text.push('\n');
}

fn of_timeline(text: &mut String, timeline: &Timeline) {
    let _ = writeln!(text, "## Phases\n\n| phase | took | longest step | |\n|---|---:|---|---:|");
    for phase in &timeline.phases {
        let (took, longest) = (Seconds(phase.took_s), Seconds(phase.longest_s));
        let step = code(phase.longest.as_str());
        let _ = writeln!(text, "| {} | {took} | `{step}` | {longest} |", phase.phase.as_str());
    }
    text.push('\n');
    let mut machines: Vec<_> = timeline.machines.iter().collect();
    // Where some are left out of the list, it is those that are well.
    machines.sort_by_key(|machine| machine.standing == Standing::Done);
    let _ = writeln!(
        text,
        "## Machines\n\n| machine | outcome | where | away for | recovery point | data lost |\n|---|---|---|---:|---|---:|"
    );
    for machine in machines.iter().take(LISTED) {
        let outcome = match machine.standing {
            Standing::Done => "done",
            Standing::Open => "not finished",
            Standing::Failed => "**failed**",
            Standing::Blocked => "**not brought back**",
            Standing::LeftOut => "left out",
        };
        let failed =
            machine.failed.as_ref().map(|step| format!(" `{}`", code(step.as_str()))).unwrap_or_default();
        let away = machine.measured.rto_s.map_or("–".to_owned(), |rto| Seconds(rto).to_string());
        let is_missing = machine.measured.not_reported > 0;
        let unknown = || if is_missing { "not reported".to_owned() } else { "–".to_owned() };
        let point = machine.point.as_ref().map_or_else(unknown, |point| {
            let kind = point.kind.map_or("", |kind| kind.as_str()).replace('_', " ");
            let at = point.at.map(|at| format!("{at:.0}")).unwrap_or_default();
            format!("{kind} {at}")
        });
        let lost = machine.measured.rpo_s.map_or_else(unknown, |lost| Seconds(lost).to_string());
        let (name, place) = (plain(&machine.name), machine.place);
        let _ = writeln!(text, "| {name} | {outcome}{failed} | {place} | {away} | {point} | {lost} |");
    }
    if machines.len() > LISTED {
        let _ = writeln!(text, "\nand {} more", machines.len() - LISTED);
    }
    text.push('\n');
    let approvals: Vec<String> = timeline
        .approvals
        .iter()
        .map(|asked| {
            let answer = match asked.approved {
                Some(true) => "yes",
                Some(false) => "**no**",
                None => "no answer",
            };
            let by = asked.by.as_deref().map(|by| format!(" by {}", plain(by))).unwrap_or_default();
            let known = asked.known_as.and_then(|known| serde_json::to_value(known).ok());
            let known = known.as_ref().and_then(|known| known.as_str()).unwrap_or_default().replace('_', " ");
            let known = if known.is_empty() { known } else { format!(" ({known})") };
            format!(
                "- `{}`: {answer}{by}{known} after {}",
                code(asked.step.as_str()),
                Seconds(asked.waited_s)
            )
        })
        .collect();
    section(text, "Who was asked", &approvals);
    let faults: Vec<String> = timeline
        .faults
        .iter()
        .map(|fault| {
            let (step, said) = (code(fault.step.as_str()), plain(&fault.message));
            format!("- {:.0} `{step}`: {said} (`{}`)", fault.at, code(&fault.code))
        })
        .collect();
    section(text, "Failures and retries", &faults);
}

fn from(text: &mut String, report: &RunReport) {
    let about = &report.about;
    let _ = writeln!(text, "## What this was made from\n");
    let mut line = |name: &str, value: Option<&str>| {
        if let Some(value) = value {
            let _ = writeln!(text, "- {name}: `{}`", code(value));
        }
    };
    line("run", about.run.as_deref());
    line("plan", about.plan_path.as_deref());
    line("owner", about.owner.as_deref());
    line("commit", about.git_commit.as_deref());
    line("plan digest", about.plan_digest.as_deref());
    line("facts digest", about.facts_digest.as_deref());
    line("last event", report.record.as_ref().and_then(|record| record.head.as_deref()));
    line("made", Some(&format!("{:.0} by failback {}", report.made_at, report.made_by)));
}

/// Returns text without any meaning to Markdown, to GitHub's mentions, or to HTML.
pub(super) fn plain(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    let text = escape::line(text);
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '&' | '<' | '>' | '@' | '|' | '`' | '*' | '_' | '[' | ']' | '#' | '~' | '\\' | '!' | '$' => {
                let _ = write!(safe, "&#{};", u32::from(letter));
            }
            // A link that nobody wrote as one, or a command to GitHub.
            ':' if matches!(letters.peek(), Some('/' | ':')) => safe.push_str("&#58;"),
            letter => safe.push(letter),
        }
    }
    safe
}

/// Returns text for between back quotes, in a table too.
pub(super) fn code(text: &str) -> String {
    let text = escape::line(text).replace(['`', '|'], "'").replace("::", ": :");
    // Not every reader of Markdown leaves HTML alone there.
    text.replace('<', "‹").replace('>', "›")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_no_markup() {
        let hostile = plain("<script>@team [x](https://evil) `a|b` ::error::");
        assert!(!hostile.contains(['<', '@', '[', '`', '|']) && !hostile.contains("::"), "{hostile}");
        assert_eq!(plain("erp-db is back"), "erp-db is back");
        assert_eq!(code("a`|b\n"), "a''b␊");
    }
}
