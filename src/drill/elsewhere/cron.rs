//! Drills as lines of a crontab, each in its time zone by `CRON_TZ`, which cronie and most others of today know.

use crate::drill::elsewhere::Command;
use crate::drill::elsewhere::Fields;
use crate::drill::elsewhere::Job;
use crate::drill::elsewhere::Refusal;

/// What stands before the lines.
pub(super) const HEAD: &str = "\
# CRON_TZ is known to cronie and fcron; the cron of Debian reads it as a variable and goes by the machine's own time zone.
";

/// Returns the lines of a drill.
pub(super) fn lines(job: &Job<'_>, command: &Command, warnings: &mut Vec<String>) -> Result<String, Refusal> {
    let fields = Fields::of(job)?;
    let name = job.name();
    if job.runs_once_when_missed() {
        warnings.push(format!(
            "{name} would be left out when it was due while the machine was off: cron forgets it"
        ));
    }
    if job.jitter() > 0 {
        warnings.push(format!("{name} would begin without its delay: cron has none"));
    }
    if job.waits() {
        warnings.push(format!("{name} would begin while the one before it runs: cron lets none wait"));
    }
    let words = job.words(command, &job.plan.known_as, None);
    let command = words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ");
    Ok(format!("# {name}\nCRON_TZ={}\n{} {command}\n", job.zone(), fields.text()))
}

/// Returns a word as a shell reads it back; cron itself takes a bare `%` for a line break.
fn quoted(word: &str) -> String {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-_./=:@+,".contains(letter);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''").replace('%', "\\%"))
}
