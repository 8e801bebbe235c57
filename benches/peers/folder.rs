//! Folders of many small documents: plans with their inventories, and workflows of the same size.

use std::fmt::Write as _;
use std::path::Path;
use std::path::PathBuf;

use crate::estate;

/// Machines of each plan.
const MACHINES: usize = 5;
/// Why writing can't fail.
const FITS: &str = "a string takes every text";

/// Documents on disk.
pub struct Written {
    pub plans: Vec<PathBuf>,
    pub inventories: Vec<PathBuf>,
    pub workflows: Vec<PathBuf>,
    /// Size of the plans and inventories.
    pub megabytes: f64,
    /// Size of the workflows.
    pub megabytes_of_workflows: f64,
}

/// Writes so many plans, each of five machines and with an inventory of its own, and workflows of the same size.
pub fn write(count: usize, folder: &Path) -> Written {
    let estate = estate::of(MACHINES);
    let (plans, flows) = (folder.join("plans"), folder.join("repository/.github/workflows"));
    for folder in [&plans, &flows] {
        std::fs::create_dir_all(folder).expect("folders can be made");
    }
    let mut written = Written {
        plans: Vec::new(),
        inventories: Vec::new(),
        workflows: Vec::new(),
        megabytes: 0.0,
        megabytes_of_workflows: 0.0,
    };
    let save = |path: &Path, text: &str| -> f64 {
        std::fs::write(path, text).expect("room on the disk");
        #[expect(clippy::cast_precision_loss, reason = "texts are small")]
        let megabytes = text.len() as f64 / 1e6;
        megabytes
    };
    for number in 0..count {
        // No machine is in two plans.
        let own = |text: &str| {
            text.replace("scale", &format!("site{number:04}")).replace(" m0000", &format!(" s{number:04}m"))
        };
        let (plan, inventory) = (own(&estate.plan), own(&estate.inventory));
        let path = plans.join(format!("site{number:04}.plan.yaml"));
        written.megabytes += save(&path, &plan);
        written.plans.push(path);
        let path = plans.join(format!("site{number:04}.inventory.yaml"));
        written.megabytes += save(&path, &inventory);
        written.inventories.push(path);
        let path = flows.join(format!("site{number:04}.yml"));
        written.megabytes_of_workflows += save(&path, &workflow(number, plan.len() + inventory.len()));
        written.workflows.push(path);
    }
    written
}

/// Returns a workflow of some size with nothing in it that a linter dislikes.
fn workflow(number: usize, size: usize) -> String {
    let mut text = format!(
        "name: site{number:04}\non: [push]\npermissions: {{}}\nconcurrency:\n  group: site{number:04}\n  cancel-in-progress: true\njobs:\n"
    );
    let mut job = 0;
    while text.len() < size {
        write!(text, "  job{job:03}:\n    name: job {job}\n    runs-on: ubuntu-24.04\n    timeout-minutes: 10\n    permissions:\n      contents: read # to check it out\n    strategy:\n      matrix:\n        target: [debug, release]\n    steps:\n      - name: check out\n        uses: actions/checkout@08c6903cd8c0fde910a37f88322edcfb5dd907a8 # v5.0.0\n        with:\n          persist-credentials: false\n          fetch-depth: 1\n      - name: build {job}\n        env:\n          TARGET: ${{{{ matrix.target }}}}\n        run: |\n          make \"$TARGET\"\n          make test\n")
            .expect(FITS);
        job += 1;
    }
    text
}
