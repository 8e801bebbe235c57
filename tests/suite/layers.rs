//! Data flows one way: a module imports only from rows below its own.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::path::PathBuf;

/// The rows, from the bottom. A module may import from lower rows only.
const ROWS: &[&[&str]] = &[
    &["source", "id", "quantity", "clock", "escape", "secret", "signature"],
    &["diagnostic"],
    &["syntax"],
    &["model"],
    &["rules"],
    &["graph"],
    &["forecast"],
    &["provider"],
    &["event"],
    &["run", "journal", "report", "render"],
    &["drill", "evidence", "import", "lsp", "trace"],
    &["web"],
    &["cli"],
];

/// Imports that are forbidden although the rows allow them: the emulator stays a second reading of the documents.
const FORBIDDEN: &[(&str, &[&str])] = &[("provider", &["rules", "graph", "forecast"])];

/// Outside crates that one file or folder alone may name.
const SEAMS: &[(&str, &str)] = &[
    ("granit_parser", "syntax/yaml"),
    ("rusqlite", "journal"),
    ("indicatif", "report/bar"),
    ("annotate_snippets", "render"),
    ("clap", "cli"),
    ("reqwest", "run/hook"),
    ("reqwest", "provider/azure"),
    ("reqwest", "provider/vcenter"),
    ("hyper", "provider/emulator/http"),
    ("tokio_rustls", "provider/emulator/http"),
    ("rcgen", "provider/emulator/http"),
    ("quick_xml", "provider/vcenter"),
    ("quick_xml", "provider/emulator/http"),
    ("reqwest", "drill/notice"),
    ("reqwest", "trace/export"),
    ("lettre", "drill/notice"),
    ("axum", "web"),
    ("tokio_rustls", "web"),
    ("hyper", "web"),
    ("ssh_key", "signature/"),
    ("lsp_server", "lsp/"),
    ("lsp_types", "lsp/"),
    // The system's calls: a process group is ended in one place, a terminal is read in the second, and
    // measured in the third.
    ("rustix", "run/hook/group"),
    ("rustix", "cli/keyboard"),
    ("rustix", "report/bar/screen"),
];

fn row(module: &str) -> Option<usize> {
    ROWS.iter().position(|row| row.contains(&module))
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("src can be listed") {
        let path = entry.expect("src can be listed").path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
}

fn sources() -> BTreeMap<String, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    files(&root, &mut found);
    found
        .into_iter()
        .map(|path| {
            let name = path.strip_prefix(&root).expect("below src").to_string_lossy().replace('\\', "/");
            (name, fs::read_to_string(&path).expect("a source file is text"))
        })
        .collect()
}

fn imported(line: &str) -> Vec<&str> {
    line.match_indices("crate::")
        .filter_map(|(at, word)| {
            let rest = &line[at + word.len()..];
            let end =
                rest.find(|letter: char| !(letter.is_alphanumeric() || letter == '_')).unwrap_or(rest.len());
            Some(&rest[..end]).filter(|module| !module.is_empty())
        })
        .collect()
}

#[test]
fn a_module_imports_only_from_rows_below_its_own() {
    let mut broken = Vec::new();
    for (file, text) in sources() {
        let module = file.split('/').next().expect("a path has a part").trim_end_matches(".rs");
        if matches!(module, "lib" | "main") {
            continue;
        }
        let own = row(module).unwrap_or_else(|| panic!("{file}: `{module}` stands in no row"));
        for (number, line) in
            text.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//"))
        {
            for other in imported(line).into_iter().filter(|other| *other != module) {
                // Macros and items at the root of the crate are of no row.
                let Some(theirs) = row(other) else { continue };
                let forbidden = FORBIDDEN.iter().any(|(from, to)| *from == module && to.contains(&other));
                if theirs >= own || forbidden {
                    broken.push(format!("{file}:{}: {module} imports {other}", number + 1));
                }
            }
        }
    }
    assert!(broken.is_empty(), "imports that break the layers:\n{}", broken.join("\n"));
}

#[test]
fn an_import_names_one_path_a_line() {
    for (file, text) in sources() {
        for (number, line) in text.lines().enumerate() {
            let line = line.trim_start();
            assert!(!line.starts_with("use crate::{"), "{file}:{}: one path a line, please", number + 1);
        }
    }
}

#[test]
fn an_outside_crate_is_named_behind_its_seam_alone() {
    for (file, text) in sources() {
        let is_behind =
            |name: &str| SEAMS.iter().any(|(other, seam)| *other == name && file.starts_with(seam));
        for (name, seam) in SEAMS.iter().filter(|(name, _)| !is_behind(name)) {
            let named = text.lines().any(|line| {
                let line = line.trim_start();
                !line.starts_with("//") && line.contains(&format!("{name}::"))
            });
            assert!(!named || file == "main.rs", "{file} names {name}, which is the business of src/{seam}");
        }
    }
}

#[test]
fn every_file_of_the_suite_is_part_of_it() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/suite");
    let main = fs::read_to_string(root.join("main.rs")).expect("the suite has a main file");
    for entry in fs::read_dir(root).expect("the suite can be listed") {
        let path = entry.expect("the suite can be listed").path();
        if path.extension().is_none_or(|ending| ending != "rs") {
            continue;
        }
        let stem = path.file_stem().expect("a file has a name").to_string_lossy().into_owned();
        if stem != "main" {
            assert!(main.contains(&format!("mod {stem};")), "tests/suite/main.rs forgets {stem}");
        }
    }
}
