//! A report as JUnit XML: a case for each machine, each objective, and each step that failed and is about no machine.

use std::fmt::Write as _;

use crate::escape;
use crate::event::StepStatus;
use crate::quantity::Seconds;
use crate::report::assessment::Compared;
use crate::report::assessment::Kept;
use crate::report::document::RunReport;
use crate::report::timeline::MachineTime;
use crate::report::timeline::Standing;
use crate::report::timeline::Timeline;

/// What became of a case.
enum Ended {
    Passed,
    Failed(String),
    Skipped(String),
}

/// Returns a report as JUnit XML.
#[must_use]
pub fn junit(report: &RunReport) -> String {
    let mut cases: Vec<(String, String, Option<u64>, Ended)> = Vec::new();
    if let Some(objectives) = &report.objectives {
        cases.extend(objective("rto", &objectives.rto));
        cases.extend(objective("rpo", &objectives.rpo));
    }
    if let Some(timeline) = &report.timeline {
        for machine in &timeline.machines {
            let ended = of_machine(machine, timeline);
            cases.push(("machine".into(), machine.name.clone(), machine.measured.rto_s, ended));
        }
        for step in timeline.steps.iter().filter(|step| step.status == StepStatus::Failed) {
            if timeline.machines.iter().any(|machine| machine.failed.as_ref() == Some(&step.step)) {
                continue;
            }
            let why = step.note.clone().unwrap_or_default();
            cases.push(("step".into(), step.step.to_string(), step.took_s, Ended::Failed(why)));
        }
    } else {
        for reason in &report.reasons {
            let weighty = reason.weight == crate::report::assessment::Weight::Failed;
            let name = reason.subject.clone().unwrap_or_else(|| report.about.plan.clone());
            if weighty {
                cases.push((reason.code.clone(), name, None, Ended::Failed(reason.message.clone())));
            }
        }
        if cases.is_empty() {
            cases.push(("plan".into(), report.about.plan.clone(), None, Ended::Passed));
        }
    }
    let count = |is_it: fn(&Ended) -> bool| cases.iter().filter(|(_, _, _, ended)| is_it(ended)).count();
    let failed = count(|ended| matches!(ended, Ended::Failed(_)));
    let skipped = count(|ended| matches!(ended, Ended::Skipped(_)));
    let (plan, all) = (xml(&report.about.plan), cases.len());
    let took = report.timeline.as_ref().map_or(0, |timeline| timeline.took_s);
    let mut text =
        String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"failback report\">\n");
    // Writing to a string can't fail.
    let _ = writeln!(
        text,
        "<testsuite name=\"{plan}\" tests=\"{all}\" failures=\"{failed}\" errors=\"0\" skipped=\"{skipped}\" time=\"{took}\">"
    );
    for (kind, name, seconds, ended) in &cases {
        let time = seconds.map(|seconds| format!(" time=\"{seconds}\"")).unwrap_or_default();
        let _ = write!(text, "<testcase classname=\"{plan}.{}\" name=\"{}\"{time}", xml(kind), xml(name));
        let _ = match ended {
            Ended::Passed => writeln!(text, "/>"),
            Ended::Failed(why) => writeln!(text, "><failure message=\"{}\"/></testcase>", xml(why)),
            Ended::Skipped(why) => writeln!(text, "><skipped message=\"{}\"/></testcase>", xml(why)),
        };
    }
    text.push_str("</testsuite>\n</testsuites>\n");
    text
}

fn objective(name: &str, compared: &Compared) -> Option<(String, String, Option<u64>, Ended)> {
    let asked = Seconds(compared.objective_s?);
    let ended = match (compared.kept?, compared.measured_s) {
        (Kept::Kept, _) => Ended::Passed,
        (Kept::Missed, Some(measured)) => {
            Ended::Failed(format!("{}, the objective is {asked}", Seconds(measured)))
        }
        (Kept::Missed, None) => Ended::Failed(format!("not reached, the objective is {asked}")),
        (Kept::Unknown, _) => {
            Ended::Skipped(format!("not measured or not reported, the objective is {asked}"))
        }
    };
    Some(("objective".into(), name.to_owned(), compared.measured_s, ended))
}

fn of_machine(machine: &MachineTime, timeline: &Timeline) -> Ended {
    match machine.standing {
        Standing::Done => Ended::Passed,
        Standing::Failed | Standing::Blocked => {
            let step = timeline.steps.iter().find(|step| machine.failed.as_ref() == Some(&step.step));
            let why = step.map(|step| format!(": {}: {}", step.step, step.note.clone().unwrap_or_default()));
            Ended::Failed(format!("{}{}", machine.place, why.unwrap_or_default()))
        }
        Standing::LeftOut => Ended::Skipped("left out".into()),
        Standing::Open => Ended::Skipped("not finished".into()),
    }
}

/// Returns text for XML.
fn xml(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in escape::line(text).chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\u{fffe}' | '\u{ffff}' => safe.push(char::REPLACEMENT_CHARACTER),
            letter => safe.push(letter),
        }
    }
    safe
}
