//! The pages of the language and of the commands are printed from the program itself.

use std::path::Path;

use failback::cli::schema::SchemaKind;

use crate::support::Folder;

/// Compares a committed page with what it is to be, or writes it.
fn is_kept(path: &str, text: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    #[expect(clippy::disallowed_methods, reason = "a switch of this test alone")]
    if std::env::var_os("FAILBACK_UPDATE").is_some() {
        std::fs::write(&file, text).expect("the page can be written");
    }
    let kept = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(kept == text, "{path} is old: run the tests with FAILBACK_UPDATE=1");
}

#[test]
fn the_committed_page_of_the_language_is_that_of_the_schemas() {
    let folder = Folder::with(&[]);
    let mut text = "# The language\n\nEvery kind of document, every block, every key. Printed by `failback schema KIND --format markdown`; \
        a key that begins with `x-` is ignored everywhere. A text has up to 256 characters, unless it is said how many.\n\n"
        .to_owned();
    for kind in SchemaKind::ALL {
        let ended = folder.run(&["schema", kind.as_str(), "--format", "markdown"]);
        assert_eq!(ended.exit, 0, "{}", ended.said());
        text.push_str(&ended.out);
    }
    for (at, _) in text.match_indices("](#") {
        let anchor = text[at + 3..].split(')').next().expect("split gives one part");
        assert!(text.contains(&format!("<a id=\"{anchor}\">")), "{anchor} leads nowhere");
    }
    is_kept("docs/language.md", &text);
}

#[test]
fn the_committed_page_of_the_commands_is_that_of_the_command_line() {
    let folder = Folder::with(&[]);
    let ended = folder.run(&["man", "--format", "markdown"]);
    assert_eq!(ended.exit, 0, "{}", ended.said());
    let text = format!(
        "# The commands\n\nPrinted by `failback man --format markdown`. Exit codes are in [run.md](run.md).\n\n{}",
        ended.out
    );
    let help = folder.run(&["--help"]).out;
    let commands = help.split("Commands:").nth(1).and_then(|rest| rest.split("Options:").next());
    for line in commands
        .expect("help lists them")
        .lines()
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
    {
        let name = line.split_whitespace().next().expect("a command has a name");
        assert!(text.contains(&format!("## `failback {name}`")), "{name} is missing");
    }
    is_kept("docs/commands.md", &text);
}
