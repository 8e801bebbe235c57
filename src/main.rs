//! The program: arguments in, an exit code out.

use std::process::ExitCode;

// Documents, models and events are many small strings: a fifth of a simulated run went to the allocator of the C library.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    ExitCode::from(failback::cli::run_process().code())
}
