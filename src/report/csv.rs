//! A report as CSV: a row for each machine, safe to open in a spreadsheet.

use crate::escape;
use crate::report::document::RunReport;

const HEAD: &str = "run,plan,machine,group,wave,outcome,place,failover_at,verified_at,rto_s,rto_objective_s,data_lost_s,\
rpo_objective_s,point_kind,point_id,point_at,retries,failed_step\r\n";

/// Returns a report as CSV (RFC 4180), a row for each machine; times are UTC, empty is not known.
#[must_use]
pub fn csv(report: &RunReport) -> String {
    let mut text = String::from(HEAD);
    let run = report.about.run.as_deref().unwrap_or_default();
    let asked = report.objectives.as_ref();
    let number = |number: Option<u64>| number.map(|number| number.to_string()).unwrap_or_default();
    let time = |at: Option<jiff::Timestamp>| at.map(|at| format!("{at:.0}")).unwrap_or_default();
    for machine in report.timeline.iter().flat_map(|timeline| &timeline.machines) {
        let point = machine.point.as_ref();
        let measured = &machine.measured;
        let cells = [
            run.to_owned(),
            report.about.plan.clone(),
            machine.name.clone(),
            machine.group.clone().unwrap_or_default(),
            machine.wave.to_string(),
            word(&machine.standing),
            word(&machine.place),
            time(measured.from),
            time(measured.to),
            number(measured.rto_s),
            number(asked.and_then(|asked| asked.rto.objective_s)),
            number(measured.rpo_s),
            number(asked.and_then(|asked| asked.rpo.objective_s)),
            point.and_then(|point| point.kind).map(|kind| kind.as_str().to_owned()).unwrap_or_default(),
            point.and_then(|point| point.id.clone()).unwrap_or_default(),
            time(point.and_then(|point| point.at)),
            machine.retries.to_string(),
            machine.failed.as_ref().map(ToString::to_string).unwrap_or_default(),
        ];
        let cells: Vec<String> = cells.iter().map(|text| cell(text)).collect();
        text.push_str(&cells.join(","));
        text.push_str("\r\n");
    }
    text
}

/// Returns the word that JSON has for a value.
fn word(value: &impl serde::Serialize) -> String {
    let value = serde_json::to_value(value).expect("a word has a JSON form");
    value.as_str().unwrap_or_default().to_owned()
}

/// Returns a cell that no spreadsheet takes for a formula.
fn cell(text: &str) -> String {
    let text = escape::line(text);
    // Some spreadsheets skip spaces before a formula, and full-width signs begin one, too.
    let first = text.trim_start().chars().next();
    let is_formula =
        first.is_some_and(|first| matches!(first, '=' | '+' | '-' | '@' | '＝' | '＋' | '－' | '＠'));
    let guard = if is_formula { "'" } else { "" };
    if is_formula || text.contains(['"', ',', ';', '\'']) || text.starts_with(' ') || text.ends_with(' ') {
        return format!("\"{guard}{}\"", text.replace('"', "\"\""));
    }
    text.into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_no_formula_and_ends_where_it_ends() {
        assert_eq!(cell("web1"), "web1");
        assert_eq!(cell("=cmd|'/C calc'!A0"), "\"'=cmd|'/C calc'!A0\"");
        assert_eq!(cell(" +1"), "\"' +1\"");
        assert_eq!(cell("＠x"), "\"'＠x\"");
        assert_eq!(cell("a,\"b\""), "\"a,\"\"b\"\"\"");
        assert_eq!(cell("a\r\n=1"), "a␍␊=1");
    }
}
