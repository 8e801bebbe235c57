//! The page of drills: a month of what was exercised and what is due, and a list of what was.

use std::sync::Arc;

use axum::extract::RawQuery;
use axum::extract::State;
use axum::response::Response;
use jiff::Timestamp;
use jiff::ToSpan as _;
use jiff::Zoned;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use minijinja::Value;
use minijinja::context;
use minijinja::value::Serde;
use serde_json::Value as Json;

use crate::web::app::App;
use crate::web::error::Problem;
use crate::web::input;
use crate::web::pages::Visit;
use crate::web::pages::render;
use crate::web::words;

/// Past drills that the list shows.
const LISTED: usize = 200;

pub(in crate::web) async fn calendar(
    State(app): State<Arc<App>>,
    visit: Visit,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let now = app.now();
    let today = now.to_zoned(TimeZone::UTC).date();
    let asked = query.and_then(|query| input::field(&query, "month"));
    let first = match asked {
        None => today.first_of_month(),
        Some(month) => first_of(&month).ok_or_else(|| Problem::invalid("`month` is written as 2026-11"))?,
    };
    let drills = app.ask(move |desk| desk.drills(now)).await??;
    let list = |name: &str| drills[name].as_array().map_or(&[][..], Vec::as_slice);
    let (past, due) = (list("past"), list("due"));
    let days: Vec<Value> = days(first)
        .map(|date| {
            context! {
                date => date.to_string(),
                number => date.day(),
                inside => date.month() == first.month(),
                today => date == today,
                entries => entries(date, past, due),
            }
        })
        .collect();
    let page = context! {
        month => first.strftime("%Y-%m").to_string(),
        before => first.checked_sub(1.month()).map(|date| date.strftime("%Y-%m").to_string()).ok(),
        after => first.checked_add(1.month()).map(|date| date.strftime("%Y-%m").to_string()).ok(),
        days => days,
        past => Value::from(Serde(&past[..past.len().min(LISTED)])),
    };
    render(&app, &visit, "drills.html", words::say(visit.language, "drills"), page)
}

fn first_of(month: &str) -> Option<Date> {
    let (year, month) = month.split_once('-')?;
    let (year, month) = (year.parse().ok()?, month.parse().ok()?);
    // What lies outside of these is no month of anybody's drills.
    (1970..=9000).contains(&year).then(|| Date::new(year, month, 1).ok())?
}

/// Returns the days of the weeks that a month has a part of, Monday first.
fn days(first: Date) -> impl Iterator<Item = Date> {
    let before = i64::from(first.weekday().to_monday_zero_offset());
    let start = first.checked_sub(before.days()).unwrap_or(first);
    let end = first.last_of_month();
    let length = start.until(end).map_or(34, |span| span.get_days());
    let weeks = (length / 7 + 1) * 7;
    (0..weeks).filter_map(move |day| start.checked_add(i64::from(day).days()).ok())
}

/// One line of a day.
struct Entry {
    at: Zoned,
    plan: String,
    drill: String,
    state: String,
    href: String,
    /// How many of the same stand behind it.
    count: usize,
    /// Whether there are more than those that are counted.
    has_more: bool,
}

/// How often a drill may end alike on one day, or come, and still have a line each time.
const ALIKE: usize = 3;

/// Returns the lines of a day: what came about alike many times has one.
fn entries(date: Date, past: &[Json], due: &[Json]) -> Vec<Value> {
    let mut all: Vec<Entry> =
        past.iter().chain(due).filter_map(entry).filter(|entry| entry.at.date() == date).collect();
    let same = |one: &Entry, other: &Entry| {
        (&one.plan, &one.drill, &one.state) == (&other.plan, &other.drill, &other.state)
    };
    let mut shown: Vec<Entry> = Vec::new();
    while !all.is_empty() {
        let first = all.remove(0);
        let count = 1 + all.iter().filter(|other| same(&first, other)).count();
        if count <= ALIKE {
            shown.push(first);
            // The others follow in their own places: they are fewer still.
            continue;
        }
        let has_more = all.iter().any(|other| same(&first, other) && other.has_more);
        all.retain(|other| !same(&first, other));
        shown.push(Entry { count, has_more, ..first });
    }
    let lines = shown.into_iter().map(|entry| {
        context! {
            time => entry.at.strftime("%H:%M").to_string(), plan => entry.plan, drill => entry.drill,
            state => entry.state, href => entry.href, count => entry.count, has_more => entry.has_more,
        }
    });
    lines.collect()
}

fn entry(entry: &Json) -> Option<Entry> {
    let at: Timestamp = entry["at"].as_str()?.parse().ok()?;
    let text = |name: &str| entry[name].as_str().unwrap_or_default().to_owned();
    let href = match (entry["run"].as_str(), entry["key"].as_str()) {
        (Some(run), _) => format!("/runs/{}", input::encoded(run)),
        (None, Some(key)) => format!("/plans/{}", input::encoded(key)),
        (None, None) => "/drills".to_owned(),
    };
    Some(Entry {
        at: at.to_zoned(TimeZone::UTC),
        plan: text("plan"),
        drill: text("drill"),
        state: entry["state"].as_str().unwrap_or("due").to_owned(),
        href,
        count: 1,
        has_more: entry["more_that_day"].as_bool() == Some(true),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_is_shown_in_whole_weeks() {
        let days: Vec<Date> = days(Date::new(2026, 11, 1).expect("a date")).collect();
        let ends = (days[0].to_string(), days[days.len() - 1].to_string(), days.len());
        assert_eq!(ends, ("2026-10-26".into(), "2026-12-06".into(), 42));
        let february = super::days(Date::new(2027, 2, 1).expect("a date"));
        assert_eq!(february.count(), 28, "it begins on a Monday");
    }

    #[test]
    fn a_drill_that_comes_often_has_one_line_and_hides_no_other() {
        let at = |hour: i8, drill: &str, state: &str| {
            serde_json::json!({"plan": "p", "drill": drill, "at": format!("2026-11-02T{hour:02}:00:00Z"), "state": state,
                "more_that_day": hour == 23})
        };
        let mut due: Vec<Json> = (0..24).map(|hour| at(hour, "often", "due")).collect();
        due.insert(3, at(2, "nightly", "due"));
        let past = [at(1, "often", "failed"), at(2, "often", "passed")];
        let lines = entries(Date::new(2026, 11, 2).expect("a date"), &past, &due);
        let told: Vec<String> = lines
            .iter()
            .map(|line| {
                let of = |name: &str| line.get_attr(name).expect("a field").to_string();
                format!("{} {} {} {} {}", of("time"), of("drill"), of("state"), of("count"), of("has_more"))
            })
            .collect();
        assert_eq!(
            told,
            [
                "01:00 often failed 1 False",
                "02:00 often passed 1 False",
                "00:00 often due 24 True",
                "02:00 nightly due 1 False"
            ]
        );
        assert!(entries(Date::new(2026, 11, 3).expect("a date"), &past, &due).is_empty());
    }

    #[test]
    fn only_months_are_months() {
        assert_eq!(first_of("2026-11").expect("one").to_string(), "2026-11-01");
        for strange in ["", "2026", "2026-13", "0000-01", "99999-01", "2026-11-01"] {
            assert_eq!(first_of(strange), None, "{strange}");
        }
    }
}
