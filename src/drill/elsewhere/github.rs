//! Drills as a workflow of GitHub Actions, whose schedules are in UTC.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::json;

use crate::drill::calendar::Calendar;
use crate::drill::elsewhere::Command;
use crate::drill::elsewhere::Fields;
use crate::drill::elsewhere::Job;
use crate::drill::elsewhere::Refusal;

/// Changes of a zone's clocks that are looked at.
const MOST_CHANGES: usize = 100;

/// Minutes of a day.
const DAY: i32 = 24 * 60;

/// The shortest interval of a schedule: "once every 5 minutes" (Events that trigger workflows, `schedule`).
const SHORTEST: SignedDuration = SignedDuration::from_mins(5);

/// Times of a drill whose distances are looked at: those of a day that has one each minute, and of five years that have one each day.
const MOST_TIMES: usize = 2000;

/// Returns a workflow with a job for each drill.
pub(super) fn workflow(
    jobs: &[Job<'_>],
    command: &Command,
    now: Timestamp,
    warnings: &mut Vec<String>,
) -> Result<String, Vec<Refusal>> {
    let (mut schedules, mut steps, mut refusals) = (Vec::new(), serde_json::Map::new(), Vec::new());
    for job in jobs {
        let lines = match lines(job, now) {
            Ok(lines) => lines,
            Err(refusal) => {
                refusals.push(refusal);
                continue;
            }
        };
        if job.jitter() > 0 {
            warnings.push(format!(
                "{} would begin without its delay, and as late as GitHub has a machine for it",
                job.name()
            ));
        }
        // A workflow's own values are code in a script: names are handed over in the environment.
        let condition = format!(
            "github.event_name != 'schedule' || contains(fromJSON('{}'), github.event.schedule)",
            json!(lines)
        );
        let mut drill = json!({
            "name": escaped(&job.name()),
            "if": condition,
            "runs-on": "ubuntu-latest",
            "timeout-minutes": 60,
            "env": {"FAILBACK_SOURCE": "${{ vars.FAILBACK_SOURCE }}"},
            "steps": [
                {"uses": "actions/checkout@v4"},
                {
                    "name": "Look for failback", "id": "built", "uses": "actions/cache@v4",
                    "with": {
                        "path": "~/.cargo/bin/failback",
                        "key": "failback-${{ runner.os }}-${{ runner.arch }}-${{ vars.FAILBACK_SOURCE }}",
                    },
                },
                {
                    "name": "Build failback", "if": "steps.built.outputs.cache-hit != 'true'",
                    "run": "cargo install --locked --git \"${FAILBACK_SOURCE:?set the variable FAILBACK_SOURCE to the git URL of failback}\" failback",
                },
            ],
        });
        let state = command.state_dir.as_deref().unwrap_or(".failback");
        let mut run = json!({
            "name": "Drill",
            "env": {"PLAN": escaped(&job.plan.path.to_string_lossy()), "DRILL": escaped(&job.drill.name.value), "STATE": escaped(state)},
            "run": "failback drill --name=\"$DRILL\" --cause=schedule --state-dir=\"$STATE\" -- \"$PLAN\"",
        });
        if let Some(settings) = &command.settings {
            run["env"]["SETTINGS"] = json!(escaped(settings));
            run["run"] = json!(
                "failback drill --name=\"$DRILL\" --cause=schedule --state-dir=\"$STATE\" --settings=\"$SETTINGS\" -- \"$PLAN\""
            );
        }
        let keep = json!({
            "name": "Keep the record", "if": "always()", "uses": "actions/upload-artifact@v4",
            "with": {"name": job.slug(), "path": escaped(state), "include-hidden-files": true},
        });
        if let Some(all) = drill["steps"].as_array_mut() {
            all.extend([run, keep]);
        }
        steps.insert(job.slug(), drill);
        schedules.extend(lines);
    }
    if !refusals.is_empty() {
        return Err(refusals);
    }
    schedules.sort();
    schedules.dedup();
    let crons: Vec<_> = schedules.iter().map(|line| json!({"cron": line})).collect();
    let workflow = json!({
        "name": "failback drills",
        "on": {"schedule": crons, "workflow_dispatch": {}},
        "permissions": {"contents": "read"},
        "jobs": steps,
    });
    let text = serde_yaml::to_string(&workflow).unwrap_or_default();
    Ok(format!("# Schedules of GitHub are in UTC, and begin when it has a machine for them.\n{text}"))
}

/// Returns whether two times of a drill are closer together than GitHub takes them.
fn comes_too_often(job: &Job<'_>, now: Timestamp) -> bool {
    let Some(calendar) = Calendar::of(job.drill) else { return false };
    let times: Vec<Timestamp> = calendar.after(now).take(MOST_TIMES).collect();
    times.windows(2).any(|pair| pair[1].duration_since(pair[0]) < SHORTEST)
}

/// Returns text in which GitHub finds no expression to evaluate.
fn escaped(text: &str) -> String {
    text.replace("${{", "${{ '${{' }}")
}

/// Returns the times of a drill as schedules in UTC.
fn lines(job: &Job<'_>, now: Timestamp) -> Result<Vec<String>, Refusal> {
    let fields = Fields::of(job)?;
    if comes_too_often(job, now) {
        let message = "the shortest interval of a schedule of GitHub is five minutes, and its times are closer together";
        return Err(job.refused(message, "let it come every five minutes at most, or use another scheduler"));
    }
    let zone =
        TimeZone::get(job.zone()).map_err(|error| job.refused(error.to_string(), "correct the time zone"))?;
    let offset = zone.to_offset(now);
    // Tables of zones end with a change to what holds anyway.
    if let Some(change) = zone.following(now).take(MOST_CHANGES).find(|change| change.offset() != offset) {
        let message = format!(
            "schedules of GitHub are in UTC, and clocks of {} change, next at {}: no schedule in UTC keeps its times",
            job.zone(),
            change.timestamp()
        );
        return Err(
            job.refused(message, "write `timezone: UTC`, or use `failback serve`, systemd or Kubernetes")
        );
    }
    let offset = offset.seconds();
    if offset % 60 != 0 {
        return Err(
            job.refused(format!("{} is not whole minutes from UTC", job.zone()), "write `timezone: UTC`")
        );
    }
    // By how many days a time moves, then by hour: the minutes.
    let mut moved: BTreeMap<i32, BTreeMap<u8, Vec<u8>>> = BTreeMap::new();
    for hour in &fields.hours {
        for minute in &fields.minutes {
            let there = i32::from(*hour) * 60 + i32::from(*minute) - offset / 60;
            let (days, time) = (there.div_euclid(DAY), there.rem_euclid(DAY));
            let (hour, minute) = (u8::try_from(time / 60).unwrap_or(0), u8::try_from(time % 60).unwrap_or(0));
            moved.entry(days).or_default().entry(hour).or_default().push(minute);
        }
    }
    let mut lines = Vec::new();
    for (days, hours) in moved {
        if days != 0 && (fields.days.is_some() || fields.months.len() < 12) {
            let message = format!(
                "schedules of GitHub are in UTC, where times of {} fall on another day, and its days of a month or months can't be moved",
                job.zone()
            );
            return Err(job.refused(message, "name days of the week alone, or write `timezone: UTC`"));
        }
        let weekdays = fields.weekdays.as_ref().map(|weekdays| {
            let day = |day: &u8| u8::try_from((i32::from(*day) + days).rem_euclid(7)).unwrap_or(0);
            let mut weekdays: Vec<u8> = weekdays.iter().map(day).collect();
            weekdays.sort_unstable();
            weekdays
        });
        let mut same: BTreeMap<Vec<u8>, Vec<u8>> = BTreeMap::new();
        for (hour, mut minutes) in hours {
            minutes.sort_unstable();
            same.entry(minutes).or_default().push(hour);
        }
        for (minutes, hours) in same {
            let line = Fields { minutes, hours, weekdays: weekdays.clone(), ..fields.clone() };
            lines.push(line.text());
        }
    }
    Ok(lines)
}
