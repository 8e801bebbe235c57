//! Inputs that a fuzzer once found to break a claim, and the examples, asked again.

#![expect(clippy::print_stdout, reason = "a test that fails tells its input")]

mod claims;

use std::fs;
use std::path::Path;
use std::path::PathBuf;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn files(folder: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(root().join(folder)).unwrap_or_else(|error| panic!("{folder}: {error}"));
    let mut found: Vec<PathBuf> = entries.map(|entry| entry.expect("it can be listed").path()).collect();
    found.sort();
    found
}

/// Asks the claims of every input that was kept for a target.
fn kept(target: &str, claims: fn(&[u8])) {
    let inputs = files(&format!("tests/fuzzed/{target}"));
    assert!(!inputs.is_empty(), "no input was kept for {target}");
    for input in inputs {
        println!("{}", input.display());
        claims(&fs::read(&input).expect("an input can be read"));
    }
}

#[test]
fn kept_documents_keep_their_places_and_their_meaning() {
    kept("document", claims::document::claims);
}

#[test]
fn kept_quantities_are_read_and_printed_alike() {
    kept("quantity", claims::quantity::claims);
}

#[test]
fn kept_schedules_mean_what_their_fields_say() {
    kept("cron", claims::cron::claims);
}

#[cfg(feature = "cel")]
#[test]
fn kept_expressions_obey_the_laws_of_three_values() {
    kept("policy", claims::policy::claims);
}

#[test]
fn kept_comments_accept_only_what_may_be_accepted() {
    kept("remark", claims::remark::claims);
}

#[test]
fn examples_keep_the_claims() {
    for folder in ["plans", "plans/refused", "plans/policies", "tests/worlds"] {
        for path in
            files(folder).iter().filter(|path| path.extension().is_some_and(|ending| ending == "yaml"))
        {
            println!("{}", path.display());
            let bytes = fs::read(path).expect("an example can be read");
            claims::document::claims(&bytes);
            #[cfg(feature = "cel")]
            claims::policy::claims(&bytes);
        }
    }
}

#[test]
fn every_target_has_its_claims_and_its_inputs() {
    let stem = |path: &PathBuf| path.file_stem().expect("a name").to_string_lossy().into_owned();
    let targets: Vec<String> = files("fuzz/targets").iter().map(stem).collect();
    let kept: Vec<String> = files("tests/fuzzed").iter().map(stem).collect();
    assert_eq!(targets, ["cron", "document", "policy", "quantity", "remark"]);
    assert_eq!(kept, targets);
}
