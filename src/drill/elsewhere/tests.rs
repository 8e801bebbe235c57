//! What other schedulers are told, read back as they read it.

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::ToSpan as _;

use super::*;
use crate::source::Sources;
use crate::syntax::Document;

fn plan(drills: &str) -> PlanFile {
    let text =
        format!("kind: RecoveryPlan\nversion: 1\nname: erp \"100%\"\nmachines: [w1]\ndrills:\n{drills}");
    let mut sources = Sources::new();
    let index = sources.add("erp.plan.yaml", text).expect("fits");
    let mut mistakes = Vec::new();
    let documents = crate::syntax::parse(sources.get(index), &mut mistakes);
    let [Document::Plan(plan)] = &documents[..] else { panic!("{mistakes:?}") };
    PlanFile {
        name: plan.name.value.clone(),
        path: "plans/erp.plan.yaml".into(),
        known_as: "/srv/dr plans/erp.plan.yaml".into(),
        drills: plan.drills.clone(),
        notify: Vec::new(),
    }
}

fn one(schedule: &str, zone: &str) -> PlanFile {
    plan(&format!("  - {{name: weekly, kind: rehearsal, schedule: \"{schedule}\", timezone: {zone}}}\n"))
}

fn at(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

fn command() -> Command {
    let (program, image) = ("/usr/local/bin/failback".into(), "failback:1".into());
    Command { program, state_dir: None, settings: None, image }
}

fn written(plan: &PlanFile, scheduler: Scheduler) -> Result<Written, Vec<Refusal>> {
    write(std::slice::from_ref(plan), scheduler, &command(), at("2026-11-23T00:00:00Z"))
}

fn text(plan: &PlanFile, scheduler: Scheduler) -> String {
    written(plan, scheduler).expect("it can be said").text
}

const ZONES: [(&str, &str); 7] = [
    ("0 3 * * SUN", "Asia/Seoul"),
    ("*/15 8-18 * * MON-FRI", "Europe/Berlin"),
    ("30 2 1,15 * *", "UTC"),
    ("0 0 L * *", "Asia/Kathmandu"),
    ("0 4 * * MON#1", "America/New_York"),
    ("0 0 13 * FRI", "UTC"),
    ("5 6 29 2 *", "UTC"),
];

/// Asks systemd itself when the timers elapse.
#[test]
fn systemd_reads_the_times_as_they_are_meant() {
    let tool = std::process::Command::new("systemd-analyze").arg("--version").output();
    if !tool.is_ok_and(|output| output.status.success()) {
        return;
    }
    for (schedule, zone) in ZONES {
        let plan = one(schedule, zone);
        let timetable = plan.timetable(&plan.drills[0]).expect("it has a schedule");
        let begin = at("2026-11-23T00:00:00Z");
        let expected: BTreeSet<Timestamp> = timetable.calendar.after(begin).take(4).collect();
        let mut found = BTreeSet::new();
        for line in
            text(&plan, Scheduler::Systemd).lines().filter_map(|line| line.strip_prefix("OnCalendar="))
        {
            let output = std::process::Command::new("systemd-analyze")
                .args(["calendar", "--iterations=4", "--base-time=@1795392000", line])
                .env("TZ", "UTC")
                .env("LC_ALL", "C")
                .output()
                .expect("it runs");
            let said = String::from_utf8_lossy(&output.stdout);
            assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
            // `Next elapse: Sun 2026-11-29 03:00:00 KST`, then `(in UTC): Sat 2026-11-28 18:00:00 UTC` unless they are one.
            for line in said.lines().filter(|line| line.trim_end().ends_with("UTC")) {
                let words: Vec<&str> = line.split_whitespace().collect();
                if let [.., date, time, "UTC"] = words[..]
                    && let Ok(moment) = format!("{date}T{time}Z").parse::<Timestamp>()
                {
                    found.insert(moment);
                }
            }
        }
        let found: BTreeSet<Timestamp> = found.into_iter().take(4).collect();
        assert_eq!(found, expected, "{schedule} in {zone}");
    }
}

#[test]
fn systemd_is_told_of_delays_and_of_what_was_missed() {
    let plan =
        plan("  - {name: weekly, kind: rehearsal, schedule: \"0 3 * * SUN\", jitter: 10m, missed: skip}\n");
    let text = text(&plan, Scheduler::Systemd);
    for line in [
        "# failback-erp-100-weekly.timer",
        "OnCalendar=Sun *-*-* 3:0:00 UTC",
        "RandomizedDelaySec=600s",
        "Persistent=false",
        "Description=drill weekly of erp \"100%%\"",
        "ExecStart=\"/usr/local/bin/failback\" \"drill\" \"--name=weekly\" \"--cause=schedule\" \"--state-dir=/var/lib/failback\" \"--\" \"/srv/dr plans/erp.plan.yaml\"",
        "StateDirectory=failback",
    ] {
        assert!(text.lines().any(|other| other == line), "{line} in\n{text}");
    }
}

#[test]
fn a_job_of_kubernetes_has_its_time_zone() {
    let plan = plan(
        "  - {name: weekly, kind: rehearsal, schedule: \"0-30/15 3 * * SUN\", timezone: Asia/Seoul, overlap: queue}\n",
    );
    let written = written(&plan, Scheduler::Kubernetes).expect("it can be said");
    let object: serde_json::Value = serde_yaml::from_str(&written.text).expect("YAML");
    assert_eq!(object["kind"], "CronJob");
    assert_eq!(object["metadata"]["name"], "failback-erp-100-weekly");
    assert_eq!(
        (object["spec"]["schedule"].as_str(), object["spec"]["timeZone"].as_str()),
        (Some("0,15,30 3 * * 0"), Some("Asia/Seoul"))
    );
    let words = &object["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"][0]["command"];
    assert_eq!(
        (&words[4], &words[6]),
        (&"--state-dir=/var/lib/failback".into(), &"/etc/failback/erp.plan.yaml".into())
    );
    assert_eq!(written.warnings.len(), 1, "{:?}", written.warnings);
}

#[test]
fn files_of_one_name_are_not_put_into_one_config_map() {
    let (first, mut second) = (one("0 3 * * SUN", "UTC"), one("0 4 * * SUN", "UTC"));
    second.name = "crm".into();
    second.path = "crm/erp.plan.yaml".into();
    let both = [first, second];
    let refusals =
        write(&both, Scheduler::Kubernetes, &command(), at("2026-11-23T00:00:00Z")).expect_err("refused");
    assert_eq!(refusals.len(), 2, "{refusals:?}");
    assert!(refusals[0].message.contains("erp.plan.yaml, as that of plan crm"), "{refusals:?}");
    assert!(write(&both, Scheduler::Systemd, &command(), at("2026-11-23T00:00:00Z")).is_ok());
}

#[test]
fn what_a_plain_cron_can_not_say_is_refused() {
    for schedule in ["0 0 L * *", "0 4 * * MON#1"] {
        for scheduler in [Scheduler::Kubernetes, Scheduler::Cron, Scheduler::Github] {
            assert_eq!(
                written(&one(schedule, "UTC"), scheduler).expect_err("refused").len(),
                1,
                "{schedule}"
            );
        }
        assert!(written(&one(schedule, "UTC"), Scheduler::Systemd).is_ok());
    }
}

#[test]
fn a_line_of_cron_is_quoted_for_cron_and_for_the_shell() {
    let mut plan = one("30 2 * * *", "Europe/Berlin");
    plan.known_as = "/srv/it's 100%/p.yaml".into();
    let text = text(&plan, Scheduler::Cron);
    let end = "CRON_TZ=Europe/Berlin\n30 2 * * * /usr/local/bin/failback drill --name=weekly --cause=schedule -- '/srv/it'\\''s 100\\%/p.yaml'\n";
    assert!(text.ends_with(end), "{text}");
}

/// Returns the schedules of a workflow.
fn crons(plan: &PlanFile) -> Vec<String> {
    let workflow: serde_json::Value = serde_yaml::from_str(&text(plan, Scheduler::Github)).expect("YAML");
    let lines = workflow["on"]["schedule"].as_array().expect("schedules");
    lines.iter().map(|line| line["cron"].as_str().expect("text").to_owned()).collect()
}

#[test]
fn a_workflow_of_github_means_the_same_times_in_utc() {
    for (schedule, zone) in [
        ("0 3 * * SUN", "Asia/Seoul"),
        ("15,45 0-6 * * MON-FRI", "Asia/Kolkata"),
        ("30 23 * * SAT", "America/Phoenix"),
        ("10 */3 * * *", "Pacific/Kiritimati"),
        ("0 12 1,15 6 *", "Asia/Seoul"),
    ] {
        let plan = one(schedule, zone);
        let begin = at("2026-11-23T00:00:00Z");
        let end = begin.checked_add((24 * 250).hours()).expect("a time");
        let meant: BTreeSet<Timestamp> = plan
            .timetable(&plan.drills[0])
            .expect("it has one")
            .calendar
            .after(begin)
            .take_while(|due| *due <= end)
            .collect();
        let mut said = BTreeSet::new();
        for line in crons(&plan) {
            let cron = Cron::parse(&line).expect("a schedule");
            let calendar = crate::drill::calendar::Calendar::new(cron, jiff::tz::TimeZone::UTC, Vec::new());
            said.extend(calendar.after(begin).take_while(|due| *due <= end));
        }
        assert_eq!(said, meant, "{schedule} in {zone}: {:?}", crons(&plan));
    }
}

#[test]
fn github_refuses_clocks_that_change_and_days_that_move() {
    let refused = |schedule, zone| {
        let refusals = written(&one(schedule, zone), Scheduler::Github).expect_err("refused");
        refusals[0].message.clone()
    };
    let message = refused("0 3 * * SUN", "Europe/Berlin");
    assert!(message.contains("clocks of Europe/Berlin change, next at 2027-03-28T01:00:00Z"), "{message}");
    let message = refused("0 3 1 * *", "Asia/Seoul");
    assert!(message.contains("fall on another day"), "{message}");
}

#[test]
fn github_refuses_times_that_are_closer_together_than_it_takes_them() {
    for (schedule, is_refused) in [
        ("* * * * *", true),
        ("*/4 3 * * *", true),
        ("58 23 * * MON", false),
        ("1,58 0,23 * * *", true),
        ("*/5 * * * *", false),
        ("0 3 29 2 *", false),
    ] {
        let written = written(&one(schedule, "UTC"), Scheduler::Github);
        let message = written.as_ref().err().map(|refusals| refusals[0].message.as_str());
        assert_eq!(
            message.is_some_and(|why| why.contains("five minutes")),
            is_refused,
            "{schedule}: {message:?}"
        );
    }
    assert!(written(&one("* * * * *", "UTC"), Scheduler::Kubernetes).is_ok());
}

#[test]
fn names_put_no_expression_into_a_workflow() {
    let mut plan = one("0 3 * * SUN", "UTC");
    plan.drills[0].name.value = "x ${{ secrets.TOKEN }}".into();
    plan.name = "${{ secrets.TOKEN }}".into();
    let text = text(&plan, Scheduler::Github);
    assert!(!text.contains("${{ secrets"), "{text}");
}

#[test]
fn blackouts_are_told_of() {
    let plan = plan(
        "  - {name: weekly, kind: rehearsal, schedule: \"0 3 * * SUN\", blackout: [{from: 2026-12-24, to: 2027-01-02}]}\n",
    );
    let written = written(&plan, Scheduler::Systemd).expect("it can be said");
    assert!(written.warnings[0].contains("blackouts"), "{:?}", written.warnings);
}

#[test]
fn a_path_is_no_line_of_its_own_and_two_drills_are_never_one() {
    for scheduler in [Scheduler::Cron, Scheduler::Systemd, Scheduler::Github, Scheduler::Kubernetes] {
        let mut bad = one("0 3 * * SUN", "UTC");
        bad.known_as = "/srv/x\n* * * * * root touch pwned\n#.yaml".into();
        let refusals = written(&bad, scheduler).expect_err("it would be a line of its own");
        assert!(refusals[0].message.contains("control character"), "{refusals:?}");
        let two = plan(
            "  - {name: weekly.b, kind: rehearsal, schedule: \"0 3 * * SUN\"}\n  - {name: weekly-b, kind: rehearsal, schedule: \"0 4 * * SUN\"}\n",
        );
        let refusals = written(&two, scheduler).expect_err("they would be one");
        assert!(refusals.len() == 1 && refusals[0].drill == "weekly-b", "{refusals:?}");
    }
}

#[test]
fn whoever_begins_a_drill_that_looks_at_its_site_is_told_what_that_takes() {
    let drill = |facts: &str| {
        plan(&format!("  - {{name: look, kind: readiness, facts: {facts}, schedule: \"0 3 * * SUN\"}}\n"))
    };
    for scheduler in [Scheduler::Systemd, Scheduler::Kubernetes, Scheduler::Github, Scheduler::Cron] {
        let told = |facts: &str| {
            let written = written(&drill(facts), scheduler).expect("it can be said");
            let is_told = written.warnings.iter().any(|told| told.contains("needs an identity"));
            (is_told, written.text.contains("azure.workload.identity/use"))
        };
        assert_eq!(told("live"), (true, scheduler == Scheduler::Kubernetes), "{scheduler:?}");
        assert_eq!(told("filed"), (false, false), "{scheduler:?}");
    }
}

#[test]
fn a_live_drill_is_begun_under_the_settings_that_pin_it_or_not_at_all() {
    let plan = plan("  - {name: taste, kind: live, machines: [w1], schedule: \"0 3 1 * *\"}\n");
    for scheduler in [Scheduler::Systemd, Scheduler::Kubernetes, Scheduler::Github, Scheduler::Cron] {
        let refusals = written(&plan, scheduler).expect_err("nobody would confirm it");
        assert!(refusals[0].to_string().contains("no settings that pin it"), "{refusals:?}");
        let command = Command { settings: Some("/etc/failback/failback.yaml".into()), ..command() };
        let now = at("2026-11-23T00:00:00Z");
        let written =
            write(std::slice::from_ref(&plan), scheduler, &command, now).expect("it is pinned there");
        for said in ["--settings=", "/etc/failback/failback.yaml"] {
            assert!(written.text.contains(said), "{said}: {}", written.text);
        }
    }
}
