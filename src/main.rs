//! The program: arguments in, an exit code out.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(failback::cli::run_process().code())
}
