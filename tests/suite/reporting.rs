//! Reports and pictures: what they say, that names of documents stay names in all of them, and how large they get.

use failback::event::RunEvent;
use failback::forecast;
use failback::report::assessment::Verdict;
use failback::report::assessment::assess;
use failback::report::csv::csv;
use failback::report::document::About;
use failback::report::document::FindingLine;
use failback::report::document::RunReport;
use failback::report::drawing;
use failback::report::drawing::Colour;
use failback::report::drawing::TrendPoint;
use failback::report::drawing::Window;
use failback::report::html::page;
use failback::report::junit::junit;
use failback::report::markdown::markdown;
use failback::report::timeline::timeline;
use jiff::Timestamp;

use crate::estate::Estate;
use crate::estate::Vm;
use crate::lab;
use crate::lab::World;
use crate::support::CLASSIC_INVENTORY;
use crate::support::CLASSIC_PLAN;
use crate::support::Folder;

/// A page that a mail carries.
const MOST: usize = 2_000_000;

pub(crate) fn noon() -> Timestamp {
    "2026-11-23T12:00:00Z".parse().expect("a time")
}

fn report(world: &World, events: &[RunEvent]) -> RunReport {
    let timeline = timeline(&world.graph, events).expect("the run is of this plan");
    let forecast = forecast::forecast(&world.graph, world.start);
    let assessment = assess(&world.graph, &timeline, Some(&forecast));
    let plan = world.graph.model().plan.name.value.clone();
    let about = About { plan, run: Some("r1".into()), started_at: Some(noon()), ..About::default() };
    RunReport::new(noon(), about).of_run(&world.graph, timeline, assessment)
}

/// Refuses a text that is not well-formed XML.
fn assert_xml(text: &str) {
    let mut reader = quick_xml::Reader::from_str(text);
    reader.config_mut().check_end_names = true;
    loop {
        let event = reader.read_event().unwrap_or_else(|error| panic!("{error} in {text:.300}"));
        if matches!(event, quick_xml::events::Event::Eof) {
            return;
        }
    }
}

/// Refuses a page that would ask anything of another file.
pub(crate) fn assert_self_contained(html: &str) {
    for word in
        ["<script", "<link", "<img", "<iframe", "<object", "<embed", "@import", " src=", " href=", "url(h"]
    {
        assert!(!html.contains(word), "{word} in {}", around(html, word));
    }
    let addresses =
        html.match_indices("http").filter(|(at, _)| !html[*at..].starts_with("http://www.w3.org/2000/svg"));
    for (at, _) in addresses {
        let before = html[..at].chars().next_back();
        assert!(
            !matches!(before, Some('"' | '\'' | '(')) || html[at..].starts_with("http-equiv"),
            "{}",
            &html[at..at + 40]
        );
    }
}

fn around<'t>(text: &'t str, word: &str) -> &'t str {
    let at = text.find(word).unwrap_or(0);
    let (mut from, mut to) = (at.saturating_sub(80), (at + 80).min(text.len()));
    while !text.is_char_boundary(from) {
        from -= 1;
    }
    while !text.is_char_boundary(to) {
        to += 1;
    }
    &text[from..to]
}

#[test]
fn the_report_of_the_branch_office_changes_only_on_purpose() {
    let world = lab::example("branch-office");
    let report = report(&world, &world.simulate().events);
    assert_eq!(report.verdict, Some(Verdict::Passed), "{:#?}", report.reasons);
    // Digests and the program's version have tests of their own.
    let text = markdown(&report).replace(env!("CARGO_PKG_VERSION"), "VERSION");
    insta::assert_snapshot!("report-branch-office-markdown", text);
    let mut json = serde_json::to_value(&report).expect("it has a JSON form");
    let timeline = json["timeline"].as_object_mut().expect("there is a run");
    for large in ["steps", "begin", "guards"] {
        timeline.remove(large).expect("it is there");
    }
    json["made_by"] = "VERSION".into();
    insta::assert_snapshot!("report-branch-office-json", serde_json::to_string_pretty(&json).expect("text"));
    let html = page(&report);
    assert_self_contained(&html);
    assert!(
        html.contains("gmh-pos01") && html.contains("fb-run-t") && html.contains(">passed<"),
        "{html:.2000}"
    );
}

#[test]
fn a_report_is_read_back_as_it_was_written() {
    let world = lab::example("enterprise");
    let report = report(&world, &world.simulate().events);
    let text = serde_json::to_string(&report).expect("it has a JSON form");
    assert_eq!(serde_json::from_str::<RunReport>(&text).expect("it is read"), report);
    assert_self_contained(&page(&report));
}

#[test]
fn the_picture_of_the_documentation_is_what_the_program_draws() {
    let world = lab::example("branch-office");
    let report = report(&world, &world.simulate().events);
    let chart = drawing::gantt(report.timeline.as_ref().expect("it ran"), Window::Whole, Some(7_200));
    let chart = chart.expect("it took time");
    assert_xml(&chart);
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/report.svg");
    #[expect(clippy::disallowed_methods, reason = "a switch of this test alone")]
    if std::env::var_os("FAILBACK_UPDATE").is_some() {
        std::fs::write(path, &chart).expect("it can be written");
    }
    let kept = std::fs::read_to_string(path).expect("there is a picture");
    assert!(kept == chart, "docs/report.svg is old: run the tests with FAILBACK_UPDATE=1");
}

const HOSTILE: [&str; 6] = [
    "<script>alert(1)</script>",
    "=cmd|'/C calc'!A0",
    "]]><failure/>",
    "::error::gone",
    "a\u{1b}[31m\u{202e}b\" onload=\"x",
    "{{ 7 * 7 }} {% raw %}",
];

#[test]
fn names_of_documents_stay_names_in_every_format() {
    let estate = Estate::classic((1..=6).map(|at| Vm::new(format!("m{at}"))));
    let world = lab::world_of(&estate).with(&["{kind: onprem_vm_does_not_boot, of: m2}"]);
    let mut report = report(&world, &world.run().events);
    let hostile = HOSTILE.join(" ");
    report.about.plan.clone_from(&hostile);
    report.about.owner = Some(hostile.clone());
    report.regressions = vec![hostile.clone()];
    for reason in &mut report.reasons {
        reason.message.clone_from(&hostile);
    }
    report.findings = vec![FindingLine {
        rule: "FB001".into(),
        name: hostile.clone(),
        severity: "warning".into(),
        state: "waived".into(),
        subject: hostile.clone(),
        message: hostile.clone(),
        waived_because: Some(hostile.clone()),
    }];
    let timeline = report.timeline.as_mut().expect("there is a run");
    for (machine, name) in timeline.machines.iter_mut().zip(HOSTILE) {
        let before = std::mem::replace(&mut machine.name, name.to_owned());
        if let Some(failed) = &mut machine.failed {
            let kind = failed.as_str().split('/').next().unwrap_or_default().to_owned();
            *failed = failback::id::StepId::new(format!("{kind}/{name}"));
        }
        for step in timeline.steps.iter_mut().filter(|step| step.subject == before) {
            step.subject = name.to_owned();
            step.step = failback::id::StepId::new(format!("{}/{name}", step.kind.as_str()));
            step.note = Some(hostile.clone());
        }
    }
    for fault in &mut timeline.faults {
        fault.message.clone_from(&hostile);
        fault.code.clone_from(&hostile);
    }
    for approval in &mut timeline.approvals {
        approval.prompt.clone_from(&hostile);
        approval.by = Some(hostile.clone());
        approval.reason = Some(hostile.clone());
    }
    let html = page(&report);
    assert_self_contained(&html);
    assert!(html.contains("&lt;script&gt;") && !html.contains("onload=\"x"), "{}", around(&html, "onload"));
    assert!(html.contains("{{ 7 * 7 }}"), "a name is no template");
    assert!(!html.contains(['\u{1b}', '\u{202e}']));
    let text = markdown(&report);
    assert!(!text.contains("<script") && !text.contains("::error") && !text.contains('\u{1b}'), "{text}");
    let xml = junit(&report);
    assert_xml(&xml);
    assert_eq!(xml.matches("<failure ").count(), 1, "{xml}");
    assert!(xml.contains("]]&gt;&lt;failure/&gt;"), "{xml}");
    let table = csv(&report);
    assert_eq!(table.lines().count(), 7, "a head and a row for each machine: {table}");
    for cell in table.split([',', '\n']).filter(|cell| !cell.starts_with('"')) {
        assert!(!cell.starts_with(['=', '+', '-', '@']), "{cell}");
    }
    assert!(table.contains("\"'=cmd|'/C calc'!A0\""), "{table}");
    for window in [Window::Whole, Window::Outage] {
        let chart = drawing::gantt(report.timeline.as_ref().expect("there is a run"), window, None);
        assert_xml(&chart.expect("something failed over"));
    }
}

#[test]
fn a_thousand_machines_fit_on_a_page_and_are_drawn_in_groups() {
    let vms = (1..=1_000).map(|at| Vm::new(format!("m{at}")).disks(1, 10));
    let estate = Estate { servers: 20, ..Estate::classic(vms) }.plan("objectives: {rto: 4h, rpo: 15m}\n");
    let world = lab::world_of(&estate);
    let report = report(&world, &world.simulate().events);
    let html = page(&report);
    assert!(html.len() < MOST, "{} bytes", html.len());
    assert!(html.contains(">m1<") || html.contains(">m1 "), "every machine has its row");
    assert!(html.contains("m1000"));
    let chart =
        drawing::gantt(report.timeline.as_ref().expect("it ran"), Window::Whole, None).expect("it took time");
    assert_xml(&chart);
    assert!(chart.contains("(1000)") && chart.len() < 200_000, "{} bytes", chart.len());
    assert!(markdown(&report).len() < 65_536, "a comment has no more room");
    let picture = drawing::graph(&world.graph, Colour::default());
    assert_xml(&picture);
    assert!(picture.contains("reprotect × 1000") && picture.len() < 100_000, "{} bytes", picture.len());
    let chart = drawing::mermaid(&world.graph);
    assert!(chart.contains("reprotect × 1000") && chart.len() < 20_000, "{chart}");
}

#[test]
fn a_graph_shows_each_step_once_and_how_it_stands() {
    for name in ["branch-office", "enterprise"] {
        let world = lab::example(name);
        let path = forecast::forecast(&world.graph, world.start).critical_path;
        let status = |step| {
            if step == 0 {
                failback::event::StepStatus::Running
            } else {
                failback::event::StepStatus::Waiting
            }
        };
        let picture = drawing::graph(&world.graph, Colour { status: Some(&status), critical: &path });
        assert_xml(&picture);
        assert_eq!(picture.matches("<g><title>").count(), world.graph.steps().len(), "{name}");
        assert!(picture.contains("role=\"img\"") && picture.contains("<desc "), "{name}");
        assert!(picture.contains("preflight: running") || picture.contains(": running"), "{name}");
        let chart = drawing::mermaid(&world.graph);
        let edges: usize =
            (0..).take(world.graph.steps().len()).map(|step| world.graph.after(step).len()).sum();
        assert_eq!(chart.matches(" --> ").count(), edges, "{name}");
    }
}

#[test]
fn a_run_that_is_slower_than_those_before_it_is_named() {
    let world = lab::example("branch-office");
    let report = report(&world, &world.simulate().events);
    let own = report.timeline.as_ref().and_then(|timeline| timeline.plan.rto_s).expect("it came home");
    let point = |run: &str, rto_s: u64, machines: usize| TrendPoint {
        run: run.into(),
        at: "2026-10-01T00:00:00Z".parse().expect("a time"),
        rto_s: Some(rto_s),
        rpo_s: Some(0),
        took_s: 1_000_000,
        machines,
        verdict: Some(Verdict::Passed),
    };
    let slower = report.clone().with_trend(vec![
        point("a", own / 2, 6),
        point("b", own / 2, 6),
        point("c", own / 3, 6),
    ]);
    let [told] = slower.regressions.as_slice() else { panic!("{:?}", slower.regressions) };
    assert!(told.starts_with("RTO ") && told.contains("2.0 times the median of the 3 runs before"), "{told}");
    assert_eq!(slower.trend.len(), 4);
    assert!(page(&slower).contains("fb-trend-t"));
    assert_xml(&drawing::trend(&slower.trend, Some(7_200)).expect("there are several"));
    // Runs of a part of the plan are no measure of the whole, and one run alone is no median.
    let others = report.clone().with_trend(vec![point("a", 1, 2), point("b", 1, 2), point("c", own / 2, 6)]);
    assert!(others.regressions.is_empty(), "{:?}", others.regressions);
    let same = report.with_trend(vec![point("a", own, 6), point("b", own, 6)]);
    assert!(same.regressions.is_empty(), "{:?}", same.regressions);
}

fn ran() -> Folder {
    let folder =
        Folder::with(&[("classic.plan.yaml", CLASSIC_PLAN), ("classic.inventory.yaml", CLASSIC_INVENTORY)]);
    let ended = folder.run(&["run", "classic.plan.yaml", "--auto-approve", "--speed", "max"]);
    assert_eq!(ended.exit, 0, "{}", ended.said());
    folder
}

#[test]
fn a_report_is_written_in_every_format() {
    let folder = ran();
    let text = folder.run(&["report"]);
    assert_eq!((text.exit, text.err.as_str()), (0, ""), "{}", text.said());
    assert!(text.out.starts_with("# classic: "), "{}", text.out);
    let file = |name: &str| std::fs::read_to_string(folder.path().join(name)).expect("it was written");
    for name in ["report.html", "report.json", "report.xml", "report.csv", "report.md"] {
        let ended = folder.run(&["report", "latest", "-o", name]);
        assert_eq!((ended.exit, ended.out.as_str()), (0, ""), "{}", ended.said());
        // It may be written again.
        assert_eq!(folder.run(&["report", "-q", "latest", "-o", name]).err, "");
    }
    assert!(file("report.html").starts_with("<!doctype html>"));
    let json: RunReport = serde_json::from_str(&file("report.json")).expect("it is the document");
    let record = json.record.as_ref().expect("it was made from a record");
    assert!(record.head.is_some() && record.broken.is_none(), "{record:?}");
    assert!(json.about.plan_digest.is_some_and(|digest| digest.starts_with("sha256:")));
    assert_xml(&file("report.xml"));
    assert!(file("report.csv").lines().count() >= 2);
    let run = json.about.run.expect("it has an id");
    assert_eq!(folder.run(&["report", &run, "--format", "markdown"]).exit, 0);
}

#[test]
fn a_second_run_is_compared_with_the_first() {
    let folder = ran();
    let again = folder.run(&["run", "classic.plan.yaml", "--auto-approve", "--speed", "max"]);
    assert_eq!(again.exit, 0, "{}", again.said());
    let json = folder.run(&["report", "--format", "json"]).json();
    assert_eq!(json["trend"].as_array().map(Vec::len), Some(2), "{}", json["trend"]);
    let alone = folder.run(&["report", "--format", "json", "--trend", "0"]).json();
    assert_eq!(alone["trend"].as_array().map(Vec::len), Some(0));
}

#[test]
fn what_can_t_be_reported_says_why_and_what_to_type() {
    let folder = ran();
    let none = folder.run(&["report", "nothing-like-it"]);
    assert!(none.exit == 2 && none.err.contains("there is no run"), "{}", none.said());
    let plan = folder.run(&["report", "classic.plan.yaml"]);
    assert!(plan.exit == 2 && plan.err.contains("--format runbook"), "{}", plan.said());
    let paper = folder.run(&["report", "--format", "runbook"]);
    assert!(paper.exit == 2 && paper.err.contains("a runbook is of a plan"), "{}", paper.said());
    let ending = folder.run(&["report", "-o", "report.pdf"]);
    assert!(ending.exit == 2 && ending.err.contains("by the ending `.pdf`"), "{}", ending.said());
    let nowhere = folder.run(&["report", "-o", "none/report.html"]);
    assert_eq!((nowhere.exit, nowhere.err.matches("can't write").count()), (2, 1), "{}", nowhere.said());
    let empty = Folder::with(&[]).run(&["report"]);
    assert!(empty.exit == 2 && empty.err.contains("failback run PLAN"), "{}", empty.said());
}

#[test]
fn pictures_are_printed_from_a_plan() {
    let folder =
        Folder::with(&[("classic.plan.yaml", CLASSIC_PLAN), ("classic.inventory.yaml", CLASSIC_INVENTORY)]);
    let svg = folder.run(&["graph", "classic.plan.yaml", "--format", "svg"]);
    assert_eq!(svg.exit, 0, "{}", svg.said());
    assert_xml(&svg.out);
    let chart = folder.run(&["graph", "classic.plan.yaml", "--format", "mermaid"]);
    assert!(chart.exit == 0 && chart.out.starts_with("flowchart LR\n"), "{}", chart.said());
}
