//! What `check` is asked, and how it prints.

use std::path::PathBuf;

use crate::cli::args::PlanArgs;
use crate::cli::site::VaultArgs;
use crate::quantity::Seconds;

/// How a command prints.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people
    #[default]
    Human,
    /// One JSON document
    Json,
}

/// How findings are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum FindingsFormat {
    /// For people: source excerpt, caret, help
    #[default]
    Human,
    /// One JSON document, which `--baseline` reads too
    Json,
    /// SARIF 2.1.0, for code scanning
    Sarif,
    /// Annotations of GitHub Actions
    Github,
    /// A code quality report of GitLab
    Gitlab,
    /// A JUnit report
    Junit,
    /// A comment for a pull request
    Markdown,
}

/// From which weight on a violated rule lets the check fail.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum FailOn {
    /// Errors
    #[default]
    Error,
    /// Errors and warnings
    Warning,
}

/// Check plans, without changing any site
///
/// Exits with 0 if the plans may run, with 1 if a rule or a mistake refuses one, and with 2 if something could not be
/// read.
#[derive(Clone, Debug, clap::Args)]
pub struct CheckArgs {
    /// Plan files, or folders that hold plans
    #[arg(value_name = "PATH", default_value = "plans")]
    pub paths: Vec<PathBuf>,
    /// Print findings like this
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t)]
    pub format: FindingsFormat,
    /// Exit with 1 if a rule of this weight is violated
    #[arg(long, value_name = "WEIGHT", value_enum, default_value_t)]
    pub fail_on: FailOn,
    /// Show and count only findings that are not in this file, which `check --format json` printed
    #[arg(long, value_name = "FILE")]
    pub baseline: Option<PathBuf>,
    /// Count what Site Recovery, Azure and vCenter told longer ago than this as unknown, such as `24h`
    #[arg(long, value_name = "DURATION", value_parser = Seconds::parse)]
    pub max_age: Option<Seconds>,
    /// Run the tests of these policies, and check no plan
    #[arg(long, value_name = "FILE", num_args = 1.., conflicts_with_all = ["paths", "baseline"])]
    pub test_policies: Vec<PathBuf>,
    /// Put right what can only have been meant in one way, then check
    ///
    /// Changes nothing but those places: misspelt keys and words, missing quotes, units, tabs.
    #[arg(long, conflicts_with_all = ["diff", "test_policies"])]
    pub fix: bool,
    /// Show what --fix would change, change nothing, and exit with 1 if there is something
    #[arg(long, conflicts_with_all = ["format", "baseline", "fail_on", "test_policies"])]
    pub diff: bool,
    /// Judge the one plan of PATH by what its site shows just now; what only a person knows stays as the inventory has it
    ///
    /// Under --strict, rules that only an observed site or a run can decide may not stay undecided either.
    #[arg(long, conflicts_with_all = ["test_policies", "fix", "diff"])]
    pub live: bool,
    /// Which vault and vCenters are meant with --live.
    #[command(flatten)]
    pub site: VaultArgs,
    /// Flags about how plans are read and checked.
    #[command(flatten)]
    pub plan: PlanArgs,
}
