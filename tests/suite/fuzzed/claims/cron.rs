//! Schedules: read as their grammar says, whatever their case, order and blanks.

use failback::syntax::cron::Cron;
use jiff::civil::Date;
use jiff::civil::date;

const MONTHS: [&str; 12] =
    ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const WEEKDAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];
/// What a message may hold beside what was written, each letter of which may be escaped.
const LONGEST_MESSAGE: usize = 200;

/// Asks everything of a text.
pub fn claims(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let cron = match Cron::parse(&text) {
        Ok(cron) => cron,
        Err(problem) => {
            assert!(problem.len() <= LONGEST_MESSAGE + 10 * text.len(), "{problem}");
            assert!(!problem.contains(char::is_control), "{problem:?}");
            return;
        }
    };
    let fields: Vec<&str> = text.split(' ').filter(|field| !field.is_empty()).collect();
    let [minute, hour, day, month, weekday] = fields[..] else { panic!("{text:?} has not five fields") };
    means(&cron, &text, [minute, hour, day, month, weekday]);
    let reversed = |field: &str| field.rsplit(',').collect::<Vec<_>>().join(",");
    for same in [
        format!("  {}   ", fields.join("  ")),
        text.to_ascii_lowercase(),
        text.to_ascii_uppercase(),
        fields.iter().map(|field| reversed(field)).collect::<Vec<_>>().join(" "),
    ] {
        assert_eq!(Cron::parse(&same), Ok(cron), "{text:?} and {same:?}");
    }
    let fires = years().any(|day| cron.is_due_on(day));
    assert_eq!(cron.ever_fires(), fires, "{text:?}");
}

/// All days until dates fall on the same days of the week again.
fn years() -> impl Iterator<Item = Date> {
    let first = date(2024, 1, 1);
    first.series(jiff::Span::new().days(1)).take_while(|day| day.year() < 2052)
}

/// It is due when its fields say so, asked of each minute, hour and day by itself.
fn means(cron: &Cron, text: &str, [minute, hour, day, month, weekday]: [&str; 5]) {
    for hours in 0..24_u8 {
        for minutes in 0..60_u8 {
            let due = has(hour, hours, &[], 0, 23) && has(minute, minutes, &[], 0, 59);
            let (hours, minutes) = (hours.cast_signed(), minutes.cast_signed());
            assert_eq!(cron.is_due_at(hours, minutes), due, "{text:?} at {hours}:{minutes}");
        }
    }
    let is_any = |field: &str| matches!(field, "*" | "?");
    for at in years().take(3 * 366) {
        let [number, of_month] = [at.day(), at.month()].map(i8::cast_unsigned);
        let of_week = at.weekday().to_sunday_zero_offset().cast_unsigned();
        let by_day = || {
            day.split(',').any(|part| match part {
                "L" | "l" => at == at.last_of_month(),
                _ => has(part, number, &[], 1, 31),
            })
        };
        let by_weekday = || {
            weekday.split(',').any(|part| match part.split_once('#') {
                Some((name, nth)) => is_named(name, of_week) && nth.parse() == Ok((number - 1) / 7 + 1),
                None => {
                    has(part, of_week, &WEEKDAYS, 0, 7) || (of_week == 0 && has(part, 7, &WEEKDAYS, 0, 7))
                }
            })
        };
        let days = match (is_any(day), is_any(weekday)) {
            (true, true) => true,
            (false, true) => by_day(),
            (true, false) => by_weekday(),
            (false, false) => by_day() || by_weekday(),
        };
        let due = has(month, of_month, &MONTHS, 1, 12) && days;
        assert_eq!(cron.is_due_on(at), due, "{text:?} on {at}");
    }
}

fn is_named(name: &str, of_week: u8) -> bool {
    value(name, &WEEKDAYS, 0) % 7 == of_week
}

fn value(word: &str, names: &[&str], first: u8) -> u8 {
    let named = names.iter().zip(first..).find(|(name, _)| name.eq_ignore_ascii_case(word));
    named.map_or_else(|| word.parse().expect("it was read"), |(_, value)| value)
}

/// Returns whether a field holds a value: counted off from where each part begins.
fn has(field: &str, asked: u8, names: &[&str], first: u8, last: u8) -> bool {
    field.split(',').any(|part| {
        let (range, step) = part.split_once('/').unwrap_or((part, "1"));
        let (from, to) = match range.split_once('-') {
            _ if range == "*" => (first, last),
            Some((from, to)) => (value(from, names, first), value(to, names, first)),
            None if part.contains('/') => (value(range, names, first), last),
            None => (value(range, names, first), value(range, names, first)),
        };
        let step: u8 = step.parse().expect("it was read");
        (from..=to).contains(&asked) && (asked - from).is_multiple_of(step)
    })
}
