//! The page of all rules is printed from them, and says what a reader looks for.

use std::path::Path;

use failback::cli::explain::entry::BASELINES;
use failback::cli::explain::page;
use failback::rules;

use crate::support::Folder;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn the_committed_page_of_rules_is_that_of_the_rules() {
    let (path, text) = (root().join("docs/rules.md"), page().expect("every fixture is readable"));
    #[expect(clippy::disallowed_methods, reason = "a switch of this test alone")]
    if std::env::var_os("FAILBACK_UPDATE").is_some() {
        std::fs::write(&path, &text).expect("the page can be written");
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(kept == text, "docs/rules.md is old: run the tests with FAILBACK_UPDATE=1");
}

#[test]
fn every_rule_has_its_section_in_the_order_of_ids() {
    let text = page().expect("every fixture is readable");
    let headings: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("## ")).collect();
    let expected: Vec<String> = rules::all().map(|rule| format!("{} {}", rule.id, rule.name)).collect();
    assert_eq!(headings, expected);
    for (rule, section) in rules::all().zip(text.split("\n## ").skip(1)) {
        for heading in ["### What it checks", "### Why", "### What to do", "### Example"] {
            assert_eq!(section.matches(&format!("\n{heading}\n")).count(), 1, "{}: {heading}", rule.id);
        }
        assert_eq!(section.matches("```").count(), 4, "{}: a change and what the rule says", rule.id);
        assert!(section.contains(&format!("[{}]: ", rule.id)), "{} says nothing", rule.id);
    }
}

#[test]
fn the_table_of_the_page_leads_to_each_section() {
    let text = page().expect("every fixture is readable");
    for rule in rules::all() {
        let anchor = format!("](#{}-{})", rule.id.to_lowercase(), rule.name);
        assert_eq!(text.matches(&anchor).count(), 1, "{}", rule.id);
    }
}

#[test]
fn rules_that_follow_the_baseline_say_so_and_no_others() {
    let mut asking = Vec::new();
    for family in std::fs::read_dir(root().join("src/rules")).expect("rules can be listed") {
        let family = family.expect("rules can be listed").path();
        if !family.is_dir() {
            continue;
        }
        for file in std::fs::read_dir(&family).expect("rules can be listed") {
            let file = file.expect("rules can be listed").path();
            let text = std::fs::read_to_string(&file).unwrap_or_default();
            let name = file.file_stem().expect("a file has a name").to_string_lossy().replace('_', "-");
            if text.contains(".baseline()")
                && let Some(rule) = rules::find(&name)
            {
                asking.push(rule.id);
            }
        }
    }
    asking.sort_unstable();
    assert_eq!(asking, BASELINES.map(|(id, _)| id));
}

#[test]
fn everything_a_case_is_about_is_shown() {
    let folder = Folder::with(&[]);
    let shows = |word: &str, text: &str| {
        let said = folder.run(&["explain", word]).out;
        assert!(said.contains(text), "{word} does not show `{text}`:\n{said}");
    };
    let mut shown = [false; 4];
    for rule in rules::all() {
        let fixture = rules::fixture::of(rule).expect("a fixture is readable");
        let case = &fixture.cases[0];
        if let Some(now) = case.now {
            shows(rule.id, &format!("now: {now}"));
            shown[0] = true;
        }
        if case.guard.is_some() {
            shows(rule.id, "at the guard before ");
            shown[1] = true;
        }
        for (machine, datastore) in &case.at_reprotect {
            shows(rule.id, &format!("{machine}: {datastore}"));
            shown[2] = true;
        }
        for plan in case.other_plans.keys() {
            shows(rule.id, &format!("{plan}: ["));
            shown[3] = true;
        }
    }
    assert_eq!(shown, [true; 4], "no fixture shows one of them any more");
}

#[test]
fn the_list_of_rules_is_a_table() {
    let said = Folder::with(&[]).run(&["explain"]);
    assert_eq!(said.exit, 0);
    let mut lines = said.out.lines();
    let column = lines.next().expect("a head").find("what is wrong").expect("its last column");
    for (line, rule) in lines.zip(rules::all()) {
        assert_eq!(line.get(column..), Some(rule.summary));
    }
}
