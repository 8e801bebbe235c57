//! Measures `failback` beside other checkers of YAML on the same machine in the same run: one large document, a folder of
//! small ones, and keystrokes in an editor.
//!
//! Peers that are not installed are left out, with a word; `scripts/peers` installs them. With `--assert` it fails if a bar
//! is missed; `--quick` measures once; `large`, `folder` and `keystrokes` ask for a part alone.

#![expect(clippy::print_stdout, reason = "the table is what the program is for")]
#![expect(clippy::disallowed_methods, reason = "time is what is measured")]

mod editor;
#[path = "../scale/estate.rs"]
mod estate;
mod folder;
mod process;

use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::ExitCode;

use process::Cost;

/// Times that each thing is measured; the fastest counts.
const TIMES: usize = 3;
/// Plans in the folder.
const PLANS: usize = 1000;
/// Keystrokes that are measured.
const STROKES: usize = 100;
/// Milliseconds in which a keystroke is to be answered.
const STROKE: f64 = 30.0;

/// The names of a plan of a thousand machines and of its inventory.
const PLAN: &str = "scale.plan.yaml";
const INVENTORY: &str = "scale.inventory.yaml";
/// What may be asked for alone.
const PARTS: [&str; 3] = ["large", "folder", "keystrokes"];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let has = |flag: &str| arguments.iter().any(|argument| argument == flag);
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let bench = Bench {
        times: if has("--quick") { 1 } else { TIMES },
        root: root.to_owned(),
        peers: root.join("target/peers"),
        scratch: tempfile::tempdir().expect("a folder"),
    };
    let is_asked =
        |part: &str| has(part) || !arguments.iter().any(|argument| PARTS.contains(&argument.as_str()));
    if is_asked("large") {
        bench.large();
    }
    if is_asked("folder") {
        bench.folder();
    }
    let held = !is_asked("keystrokes") || bench.keystrokes();
    if held || !has("--assert") { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

struct Bench {
    times: usize,
    root: PathBuf,
    /// Where `scripts/peers` installs.
    peers: PathBuf,
    scratch: tempfile::TempDir,
}

/// A program to be measured: the text that it reads in MB, and how it is run.
type Contender<'c> = (&'c str, f64, &'c dyn Fn() -> Command);

impl Bench {
    fn failback(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_failback"));
        command.current_dir(self.scratch.path()).args(["--color", "never"]);
        command
    }

    fn peer(&self, program: &str) -> Command {
        let mut command = Command::new(self.peers.join(program));
        command.current_dir(self.scratch.path());
        command
    }

    /// Writes a plan of a thousand machines and its inventory.
    fn estate(&self) -> estate::Estate {
        let estate = estate::of(1000);
        for (name, text) in [(PLAN, &estate.plan), (INVENTORY, &estate.inventory)] {
            std::fs::write(self.scratch.path().join(name), text).expect("room on the disk");
        }
        estate
    }

    /// Prints what each costs, beside the first.
    fn compare(&self, contenders: &[Contender<'_>]) {
        println!(
            "{:<44}{:>9}{:>9}{:>9}{:>9}{:>16}{:>15}",
            "program", "text MB", "CPU s", "wall s", "peak MB", "× CPU for a MB", "× wall"
        );
        let mut first: Option<(f64, f64)> = None;
        for (name, megabytes, make) in contenders {
            let program = PathBuf::from(make().get_program());
            if !process::is_there(&program) {
                println!("{name:<44}  not installed (scripts/peers)");
                continue;
            }
            let Some(Cost { cpu, wall, peak }) = process::run(self.times, make) else {
                println!("{name:<44}  could not be run");
                continue;
            };
            let (own_cpu, own_wall) = *first.get_or_insert((cpu / megabytes, wall / megabytes));
            println!(
                "{name:<44}{megabytes:>9.1}{cpu:>9.2}{wall:>9.2}{peak:>9.0}{:>16.1}{:>15.1}",
                cpu / megabytes / own_cpu,
                wall / megabytes / own_wall
            );
        }
    }

    /// One plan with one inventory, of a thousand machines.
    fn large(&self) {
        let estate = self.estate();
        let (plan, inventory) = (PLAN, INVENTORY);
        #[expect(clippy::cast_precision_loss, reason = "texts are small")]
        let megabytes = [&estate.plan, &estate.inventory].map(|text| text.len() as f64 / 1e6);
        let [_, of_inventory] = megabytes;
        let total = megabytes.iter().sum();
        println!("== a plan of 1,000 machines and its inventory");
        let schema = self.root.join("schemas/inventory.schema.json");
        self.compare(&[
            ("failback check, all rules", total, &|| {
                let mut command = self.failback();
                command.args(["check", plan, "--now", "2026-11-01T00:00:00Z"]);
                command
            }),
            ("check-jsonschema, the inventory alone", of_inventory, &|| {
                let mut command = self.peer("bin/check-jsonschema");
                command.arg("--schemafile").arg(&schema).arg(inventory);
                command
            }),
            ("yamllint", total, &|| {
                let mut command = self.peer("bin/yamllint");
                command.args(["-d", "{extends: relaxed, rules: {line-length: disable}}", plan, inventory]);
                command
            }),
        ]);
    }

    /// A folder of a thousand plans, each with its own inventory.
    fn folder(&self) {
        let written = folder::write(PLANS, self.scratch.path());
        println!(
            "\n== a folder of {PLANS} plans of five machines, each with its inventory; as many workflows of the same size"
        );
        let schema = |name: &str| self.root.join(format!("schemas/{name}.schema.json"));
        self.compare(&[
            ("failback check FOLDER, all rules", written.megabytes, &|| {
                let mut command = self.failback();
                command.args(["check", "plans", "--now", "2026-11-01T00:00:00Z"]);
                command
            }),
            ("check-jsonschema, the inventories alone", written.megabytes, &|| {
                let mut command = self.peer("bin/check-jsonschema");
                command.arg("--schemafile").arg(schema("inventory")).args(&written.inventories);
                command
            }),
            ("yamllint", written.megabytes, &|| {
                let mut command = self.peer("bin/yamllint");
                command.args(["-d", "{extends: relaxed, rules: {line-length: disable}}", "plans"]);
                command
            }),
            ("zizmor, workflows", written.megabytes_of_workflows, &|| {
                let mut command = self.peer("bin/zizmor");
                command.args(["--offline", "--no-progress", "--quiet", "repository"]);
                command
            }),
            ("checkov, workflows", written.megabytes_of_workflows, &|| {
                let mut command = self.peer("checkov/bin/checkov");
                command.args(["--skip-download", "--framework", "github_actions", "--quiet", "--compact"]);
                command.args(["-d", "repository"]);
                command
            }),
        ]);
    }

    /// Keystrokes in a plan of a thousand machines; returns whether the bar holds.
    fn keystrokes(&self) -> bool {
        println!("\n== a keystroke in a plan of 1,000 machines, the inventory on disk");
        println!("{:<44}{:>12}{:>12}{:>12}{:>12}", "server", "median ms", "19 of 20", "CPU ms", "peak MB");
        let text = self.estate().plan;
        let plan = self.scratch.path().join(PLAN);
        let schema = self.root.join("schemas/recovery-plan.schema.json");
        let text = format!("# yaml-language-server: $schema=file://{}\n{text}", schema.display());
        std::fs::write(&plan, &text).expect("room on the disk");
        // The datastore of a machine in the middle: every second keystroke names one that does not exist.
        let machine =
            text.lines().position(|line| line == "  - name: m000500").expect("there are a thousand");
        let (line, value) = text
            .lines()
            .enumerate()
            .skip(machine)
            .find(|(_, line)| line.contains("datastore:"))
            .expect("it has one");
        let place = (line, value.len());
        let mut own = self.failback();
        own.args(["lsp", "--now", "2026-11-01T00:00:00Z"]);
        let typed = editor::typed(own, &plan, place, STROKES).expect("the server answers");
        let print = |name: &str, typed: &editor::Typed| {
            println!(
                "{name:<44}{:>12.1}{:>12.1}{:>12.1}{:>12.0}",
                typed.median, typed.slow, typed.cpu, typed.peak
            );
        };
        print("failback lsp, all rules", &typed);
        let program = self.peers.join("npm/node_modules/.bin/yaml-language-server");
        let name = "yaml-language-server, the plan's schema alone";
        if process::is_there(&program) {
            let mut peer = Command::new(program);
            peer.arg("--stdio");
            match editor::typed(peer, &plan, place, STROKES) {
                Some(peer) => print(name, &peer),
                None => println!("{name:<44}  did not answer"),
            }
        } else {
            println!("{name:<44}  not installed (scripts/peers)");
        }
        let held = typed.median <= STROKE;
        let word = if held { "holds" } else { "MISSED" };
        println!("\n{:<48}{:>12}{:>12}", "bar", "measured", "asked");
        println!("{:<48}{:>12.1}{:>12.1}  {word}", "a keystroke, median ms", typed.median, STROKE);
        held
    }
}
