//! The schemas before a validator that is not ours: what we accept it accepts, what it refuses we refuse.
//!
//! `scripts/test` installs check-jsonschema and names it in `FAILBACK_CHECK_JSONSCHEMA`; without it these tests say so and pass.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;

use failback::source::Sources;
use failback::syntax::parse;
use serde_yaml::Value;

/// Mutants of each document that are looked at.
const MUTANTS: usize = 150;
/// Larger documents are left out: the validator takes half a second for each.
const LARGEST: u64 = 12_000;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn documents() -> Vec<PathBuf> {
    let mut found = Vec::new();
    for folder in ["plans", "tests/worlds"] {
        for entry in fs::read_dir(root().join(folder)).expect("the folder can be listed") {
            let path = entry.expect("the folder can be listed").path();
            if path.extension().is_some_and(|ending| ending == "yaml") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn schema_of(path: &Path) -> &'static str {
    let name = path.to_string_lossy();
    if name.ends_with("failback.yaml") {
        "schemas/settings.schema.json"
    } else if name.contains("inventory") {
        "schemas/inventory.schema.json"
    } else {
        "schemas/recovery-plan.schema.json"
    }
}

#[expect(clippy::print_stderr, reason = "a test that looks at nothing must say so")]
#[expect(
    clippy::disallowed_methods,
    reason = "the script that runs the tests says where it put the validator"
)]
fn validator() -> Option<PathBuf> {
    let found = std::env::var_os("FAILBACK_CHECK_JSONSCHEMA").map(PathBuf::from);
    if found.is_none() {
        eprintln!(
            "NOT CHECKED: the schemas, since FAILBACK_CHECK_JSONSCHEMA names no validator; run scripts/test"
        );
    }
    found
}

/// Returns which of the files the validator refuses, and why.
fn refused(validator: &Path, schema: &str, files: &[PathBuf]) -> Vec<(PathBuf, String)> {
    let mut refused = Vec::new();
    for files in files.chunks(100) {
        let output = Command::new(validator)
            .args(["--output-format", "json", "--schemafile"])
            .arg(root().join(schema))
            .args(files)
            .output()
            .expect("the validator runs");
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| {
            panic!("the validator failed, {}: {}", output.status, String::from_utf8_lossy(&output.stderr))
        });
        for key in ["errors", "parse_errors"] {
            for error in report[key].as_array().into_iter().flatten() {
                let file = PathBuf::from(error["filename"].as_str().expect("an error names its file"));
                refused.push((file, format!("{} {}", error["path"], error["message"])));
            }
        }
    }
    refused
}

fn accepts(text: &str) -> bool {
    let mut sources = Sources::new();
    let index = sources.add("document", text.to_owned()).expect("small");
    let mut diagnostics = Vec::new();
    let documents = parse(sources.get(index), &mut diagnostics);
    diagnostics.is_empty() && !documents.is_empty()
}

/// Every place in a document.
fn places(value: &Value, path: &mut Vec<Value>, found: &mut Vec<Vec<Value>>) {
    found.push(path.clone());
    match value {
        Value::Mapping(mapping) => {
            for (key, value) in mapping {
                path.push(key.clone());
                places(value, path, found);
                path.pop();
            }
        }
        Value::Sequence(items) => {
            for (index, value) in items.iter().enumerate() {
                path.push(Value::from(index));
                places(value, path, found);
                path.pop();
            }
        }
        _ => {}
    }
}

fn at<'v>(value: &'v mut Value, path: &[Value]) -> &'v mut Value {
    path.iter().fold(value, |value, key| match value {
        Value::Mapping(mapping) => mapping.get_mut(key).expect("the place is there"),
        Value::Sequence(items) => {
            &mut items[usize::try_from(key.as_u64().expect("an index")).expect("an index")]
        }
        _ => panic!("the place is there"),
    })
}

/// Changes one place in a way that a slip would.
fn mutate(value: &mut Value, random: &mut fastrand::Rng) {
    let slips = [
        Value::Null,
        Value::from(true),
        Value::from(-1),
        Value::from(7.5),
        Value::from(70_000),
        Value::from(""),
        Value::from("yes"),
        Value::from("2026-02-30"),
        Value::from("90"),
        Value::Sequence(Vec::new()),
        Value::Sequence(vec![Value::from(1)]),
        Value::Mapping(serde_yaml::Mapping::new()),
    ];
    match value {
        Value::Mapping(mapping) if random.bool() && !mapping.is_empty() => {
            if random.bool() {
                mapping.insert(Value::from("surprise"), Value::from(1));
            } else {
                let key =
                    mapping.keys().nth(random.usize(..mapping.len())).cloned().expect("it is not empty");
                mapping.remove(&key);
            }
        }
        _ => *value = slips[random.usize(..slips.len())].clone(),
    }
}

#[test]
fn every_example_passes_an_independent_validator() {
    let Some(validator) = validator() else { return };
    for schema in ["schemas/recovery-plan.schema.json", "schemas/inventory.schema.json"] {
        let files: Vec<PathBuf> = documents().into_iter().filter(|path| schema_of(path) == schema).collect();
        assert!(files.len() >= 4, "{files:?}");
        assert_eq!(refused(&validator, schema, &files), []);
    }
}

#[test]
fn what_the_schema_refuses_the_parser_refuses_too() {
    let Some(validator) = validator() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let mut random = fastrand::Rng::with_seed(20);
    let (mut wrong, mut both) = (Vec::new(), 0);
    let small = |path: &PathBuf| fs::metadata(path).is_ok_and(|found| found.len() < LARGEST);
    for path in documents().into_iter().filter(small) {
        let mut document: Value =
            serde_yaml::from_str(&fs::read_to_string(&path).expect("an example is readable")).expect("YAML");
        document.apply_merge().expect("merges of mappings");
        let mut found = Vec::new();
        places(&document, &mut Vec::new(), &mut found);
        let name = path.file_stem().expect("a file has a name").to_string_lossy().into_owned();
        let mut files = Vec::new();
        for number in 0..MUTANTS.min(found.len() * 4) {
            let mut mutant = document.clone();
            mutate(at(&mut mutant, &found[random.usize(..found.len())]), &mut random);
            let file = folder.path().join(format!("{name}.{number}.yaml"));
            fs::write(&file, serde_yaml::to_string(&mutant).expect("YAML")).expect("written");
            files.push(file);
        }
        let refused = refused(&validator, schema_of(&path), &files);
        let names: BTreeSet<&PathBuf> = refused.iter().map(|(file, _)| file).collect();
        both += names.len();
        for (file, why) in &refused {
            let text = fs::read_to_string(file).expect("it was written");
            if accepts(&text) {
                wrong.push(format!("{}: the validator says {why}", file.display()));
            }
        }
    }
    assert!(both > 200, "only {both} mutants were refused: the test looks at too little");
    assert!(wrong.is_empty(), "the parser accepts what the schema refuses:\n{}", wrong.join("\n"));
}
