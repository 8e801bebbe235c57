//! The commands as a page: each with its usage, arguments and flags, printed from what the command line is read with.

use std::fmt::Write as _;

use clap::Arg;
use clap::Command;

/// Returns the page of a command line and its commands, as Markdown.
#[must_use]
pub fn page(mut top: Command) -> String {
    top.build();
    let mut text = String::new();
    let global: Vec<&Arg> = top.get_arguments().filter(|arg| arg.is_global_set()).collect();
    text.push_str("Flags of every command:\n\n");
    flags(&mut text, global.iter().copied());
    for command in top.get_subcommands() {
        section(&mut text, command, "failback");
    }
    text
}

fn section(text: &mut String, command: &Command, above: &str) {
    if command.is_hide_set() {
        return;
    }
    let name = format!("{above} {}", command.get_name());
    // Writing to a string can't fail.
    let _ = writeln!(text, "## `{name}`\n");
    let about = command.get_long_about().or_else(|| command.get_about());
    let _ = writeln!(text, "{}\n", about.map(ToString::to_string).unwrap_or_default().trim());
    let usage = command.clone().render_usage().to_string();
    let _ = writeln!(text, "```text\n{}\n```\n", usage.trim_start_matches("Usage: ").trim());
    flags(text, command.get_arguments().filter(|arg| !arg.is_global_set()));
    for command in command.get_subcommands() {
        section(text, command, &name);
    }
}

fn flags<'a>(text: &mut String, arguments: impl Iterator<Item = &'a Arg>) {
    let mut rows = String::new();
    for arg in
        arguments.filter(|arg| !arg.is_hide_set() && !matches!(arg.get_id().as_str(), "help" | "version"))
    {
        let names: Vec<&str> =
            arg.get_value_names().into_iter().flatten().map(|name| name.as_str()).collect();
        let takes = arg.get_action().takes_values();
        let value = if takes { format!(" <{}>", names.join("> <")) } else { String::new() };
        let word = match (arg.get_short(), arg.get_long()) {
            (Some(short), Some(long)) => format!("-{short}, --{long}{value}"),
            (None, Some(long)) => format!("--{long}{value}"),
            (Some(short), None) => format!("-{short}{value}"),
            (None, None) => format!("<{}>", names.join("> <")),
        };
        let help =
            arg.get_long_help().or_else(|| arg.get_help()).map(ToString::to_string).unwrap_or_default();
        let mut help = help.trim().replace('|', "\\|").replace("\n\n", "<br>").replace('\n', " ");
        for value in arg.get_possible_values().iter().filter(|value| takes && !value.is_hide_set()) {
            let meaning = value.get_help().map(|help| format!(": {help}")).unwrap_or_default();
            let _ = write!(help, "<br>`{}`{meaning}", value.get_name());
        }
        let defaults: Vec<String> =
            arg.get_default_values().iter().map(|value| value.to_string_lossy().into_owned()).collect();
        if takes && !defaults.is_empty() {
            let _ = write!(help, "<br>Default: `{}`", defaults.join(" "));
        }
        let _ = writeln!(rows, "| `{}` | {help} |", word.replace('|', "\\|"));
    }
    if !rows.is_empty() {
        let _ = writeln!(text, "| argument | meaning |\n|---|---|\n{rows}");
    }
}
