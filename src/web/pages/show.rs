//! How figures are shown: lengths of time, moments, sizes.

use jiff::Timestamp;
use minijinja::Environment;
use minijinja::Value;

use crate::quantity::Seconds;
use crate::web::input;

/// Adds the filters that templates use.
pub(super) fn add_filters(environment: &mut Environment<'static>) {
    environment.add_filter("span", |value: &Value| {
        value.as_i64().map_or_else(String::new, |seconds| span(seconds.unsigned_abs()))
    });
    environment.add_filter("moment", |value: &Value| value.as_str().map_or_else(String::new, moment));
    environment.add_filter("part", |text: &str| input::encoded(text));
    environment.add_filter("percent", |value: f64| format!("{:.0} %", (value * 100.0).floor()));
    environment.add_filter("short", |text: &str| text.chars().take(19).collect::<String>());
}

/// Returns a length of time, from ten minutes on in whole minutes that have begun: `span` of `app.js` writes it alike.
fn span(seconds: u64) -> String {
    let rounded = if seconds < 600 { seconds } else { seconds.div_ceil(60) * 60 };
    Seconds(rounded).to_string()
}

/// Returns a moment as people read it, in UTC; the text itself if it is none.
fn moment(text: &str) -> String {
    text.parse::<Timestamp>()
        .map_or_else(|_| text.to_owned(), |at| at.strftime("%Y-%m-%d %H:%M UTC").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_as_precise_as_people_read_them() {
        // What scripts write for the same lengths is in `tests/browser/dashboard.mjs`.
        let spans = [0, 95, 600, 601, 3601, 4130, 90_000, 172_800].map(span);
        assert_eq!(spans, ["0s", "1m35s", "10m", "11m", "1h1m", "1h9m", "25h", "2d"]);
        assert_eq!(moment("2026-11-22T21:04:31.5Z"), "2026-11-22 21:04 UTC");
        assert_eq!(moment("soon"), "soon");
    }
}
