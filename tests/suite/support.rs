//! What several tests need: a folder of files, and the command line run in it.

use std::path::Path;
use std::sync::Arc;

use failback::cli;
use failback::cli::env::Env;
use failback::clock::FixedClock;

/// A plan of the classic world, without its inventory's name.
pub const CLASSIC_PLAN: &str = include_str!("../worlds/classic.plan.yaml");
/// The classic world's inventory.
pub const CLASSIC_INVENTORY: &str = include_str!("../worlds/classic.inventory.yaml");

/// A folder that is removed at the end.
pub struct Folder(tempfile::TempDir);

impl Folder {
    /// Returns a folder with these files, each a name and a text.
    pub fn with(files: &[(&str, &str)]) -> Self {
        let folder = Self(tempfile::tempdir().expect("a folder can be made"));
        for (name, text) in files {
            folder.write(name, text.as_bytes());
        }
        folder
    }

    /// Writes a file, and the folders above it.
    pub fn write(&self, name: &str, bytes: &[u8]) {
        let path = self.path().join(name);
        std::fs::create_dir_all(path.parent().expect("it is below the folder")).expect("folders can be made");
        std::fs::write(path, bytes).expect("a file can be written");
    }

    /// Returns where it is.
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Runs the command line here, on 2025-06-01.
    pub fn run(&self, arguments: &[&str]) -> Ended {
        self.run_in("", arguments)
    }

    /// Runs the command line in a folder that is here.
    pub fn run_in(&self, folder: &str, arguments: &[&str]) -> Ended {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let clock = FixedClock("2025-06-01T00:00:00Z".parse().expect("a time"));
        let mut env = Env::new(&mut out, &mut err, self.path().join(folder), Arc::new(clock));
        let exit = cli::run(std::iter::once("failback").chain(arguments.iter().copied()), &mut env).code();
        let text = |bytes| String::from_utf8(bytes).expect("outputs are text");
        Ended { exit, out: text(out), err: text(err) }
    }
}

/// How a command ended.
#[derive(Debug)]
pub struct Ended {
    /// Exit code.
    pub exit: u8,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl Ended {
    /// Returns everything that was said, for a snapshot.
    pub fn said(&self) -> String {
        let mut text = format!("exit {}\n", self.exit);
        for (name, output) in [("out", &self.out), ("err", &self.err)] {
            if !output.is_empty() {
                text.push_str(&format!("--- {name}\n{output}"));
            }
        }
        text
    }

    /// Returns the JSON that was printed.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).expect("the output is JSON")
    }
}

/// Returns the inventory that a text describes.
pub fn inventory(text: &str) -> failback::syntax::inventory::Inventory {
    let mut sources = failback::source::Sources::new();
    let index = sources.add("inventory.yaml", text.to_owned()).expect("it is short");
    let mut diagnostics = Vec::new();
    let documents = failback::syntax::parse(sources.get(index), &mut diagnostics);
    assert!(diagnostics.is_empty(), "{diagnostics:?}");
    match documents.into_iter().next() {
        Some(failback::syntax::Document::Inventory(inventory)) => *inventory,
        other => panic!("no inventory: {other:?}"),
    }
}
