//! Drills as timers and services of systemd, which knows time zones, last days and single weeks of a month.

use std::fmt::Write as _;

use crate::drill::elsewhere::Command;
use crate::drill::elsewhere::Job;
use crate::drill::elsewhere::fields::ranges;

/// Where records are kept, of which systemd makes the folder.
const STATE: &str = "/var/lib/failback";

const DAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];

/// Returns the service and the timer of a drill, each under a line with the name of its file.
pub(super) fn units(job: &Job<'_>, command: &Command, warnings: &mut Vec<String>) -> String {
    if job.waits() {
        let name = job.name();
        warnings
            .push(format!("{name} would be left out while the one before it runs: a timer lets none wait"));
    }
    let (slug, name) = (job.slug(), one_line(&job.name()));
    let words = job.words(command, &job.plan.known_as, Some(STATE));
    let exec = words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ");
    let mut calendar = String::new();
    for times in times(job) {
        calendar.push_str(&format!("OnCalendar={times}\n"));
    }
    if job.jitter() > 0 {
        let _ = writeln!(calendar, "RandomizedDelaySec={}s\nFixedRandomDelay=true", job.jitter());
    }
    let state =
        if command.state_dir.is_none() { "StateDirectory=failback\nStateDirectoryMode=0700\n" } else { "" };
    let persistent = job.runs_once_when_missed();
    format!(
        "# {slug}.service\n[Unit]\nDescription={name}\n\n[Service]\nType=oneshot\nExecStart={exec}\n{state}\n\
         # {slug}.timer\n[Unit]\nDescription={name}\n\n[Timer]\n{calendar}AccuracySec=1s\nPersistent={persistent}\n\n\
         [Install]\nWantedBy=timers.target\n\n"
    )
}

/// Returns the times of a drill as systemd writes them; cron's two day fields are lines of their own where both say something.
pub(super) fn times(job: &Job<'_>) -> Vec<String> {
    let cron = &job.cron;
    let whole = |values: Vec<u8>, all: usize| {
        if values.len() == all { "*".to_owned() } else { ranges(&values, "..") }
    };
    let months = whole(cron.months(), 12);
    let clock = format!("{}:{}:00 {}", whole(cron.hours(), 24), whole(cron.minutes(), 60), job.zone());
    let mut times = Vec::new();
    let mut add = |weekdays: &str, days: &str, separator: char| {
        let weekdays = if weekdays.is_empty() { String::new() } else { format!("{weekdays} ") };
        times.push(format!("{weekdays}*-{months}{separator}{days} {clock}"));
    };
    let (days, weekdays) = (cron.days(), cron.weekdays());
    if days.is_none() && weekdays.is_none() {
        add("", "*", '-');
    }
    if let Some((days, last)) = days {
        if !days.is_empty() {
            add("", &ranges(&days, ".."), '-');
        }
        if last {
            add("", "01", '~');
        }
    }
    if let Some(weekdays) = weekdays.filter(|weekdays| !weekdays.is_empty()) {
        let names: Vec<&str> = weekdays.iter().map(|day| DAYS[usize::from(*day)]).collect();
        add(&names.join(","), "*", '-');
    }
    for (day, nth) in cron.weekdays_of_month() {
        let first = 7 * (nth - 1) + 1;
        add(DAYS[usize::from(day)], &format!("{first:02}..{:02}", (first + 6).min(31)), '-');
    }
    times
}

/// Returns a word of a command line as systemd reads it back.
fn quoted(word: &str) -> String {
    let mut text = String::from("\"");
    for letter in word.chars() {
        match letter {
            '"' | '\\' => text.extend(['\\', letter]),
            '%' => text.push_str("%%"),
            '$' => text.push_str("$$"),
            _ => text.push(letter),
        }
    }
    text.push('"');
    text
}

fn one_line(text: &str) -> String {
    text.replace('%', "%%")
}
