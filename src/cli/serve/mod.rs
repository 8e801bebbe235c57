//! `serve`: development stand-in until the scheduler's half lands.
pub(crate) mod dashboard;

use std::net::SocketAddr;
use std::path::PathBuf;

use crate::cli::env::Env;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::journal::StateDir;

/// Serve the dashboard
#[derive(Clone, Debug, clap::Args)]
pub struct ServeArgs {
    /// Plans
    #[arg(value_name = "PATH", default_value = "plans")]
    pub plans: Vec<PathBuf>,
    /// Listen here
    #[arg(long)]
    pub listen: Option<SocketAddr>,
    /// Keep runs in this folder
    #[arg(long, value_name = "DIR", default_value = ".failback")]
    pub state_dir: PathBuf,
}

/// Serves.
///
/// # Errors
///
/// [`CliError`]
pub fn run(args: &ServeArgs, env: &mut Env<'_>) -> Result<Exit, CliError> {
    use std::io::Write as _;
    let dir = StateDir::create(&env.path(&args.state_dir)).map_err(crate::cli::run::unusable)?;
    drop(crate::journal::Database::open(&dir.database()));
    let runtime = crate::cli::session::runtime()?;
    let options = dashboard::Options {
        serve: None,
        base: env.folder.clone(),
        listen: args.listen,
        plans: args.plans.iter().map(|path| env.path(path)).collect(),
        settings: None,
    };
    runtime.block_on(async {
        let dashboard = dashboard::Dashboard::open(options, &dir, env).await?;
        writeln!(env.out, "dashboard: {}", dashboard.url())?;
        if let Some(file) = dashboard.token_file() {
            writeln!(env.out, "token: {}", file.display())?;
        }
        env.out.flush()?;
        dashboard
            .serve(async {
                let _ = crate::cli::session::interrupted().await;
            })
            .await
    })?;
    runtime.shutdown_background();
    Ok(Exit::Success)
}
