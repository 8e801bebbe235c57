//! `schedule`: drills for other schedulers.

use std::io::Write as _;
use std::path::Path;
use std::path::PathBuf;

use crate::cli::drills;
use crate::cli::env::Env;
use crate::cli::env::Guard;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::drill::elsewhere;
use crate::drill::elsewhere::Command;
use crate::escape;
use crate::render::style::Tone;
use crate::render::style::Verbosity;
use crate::syntax::workspace::Workspace;

/// A scheduler.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Scheduler {
    /// Timers and services of systemd
    Systemd,
    /// `CronJob` objects of Kubernetes
    KubernetesCronjob,
    /// A workflow of GitHub Actions; its schedules are in UTC
    Github,
    /// Lines of a crontab, with time zones by `CRON_TZ`
    Cron,
}

/// Print what makes another scheduler begin the drills of plans
///
/// For those who do not run `failback serve`. What a scheduler can't say of a drill's times is refused, with exit code 1; what it
/// does in another way is told.
#[derive(Clone, Debug, clap::Args)]
pub struct ScheduleArgs {
    /// Plan files, or folders that hold plans
    #[arg(value_name = "PLAN", required = true)]
    pub paths: Vec<PathBuf>,
    /// The scheduler
    #[arg(long, value_name = "SCHEDULER", value_enum)]
    pub format: Scheduler,
    /// How the program is called there
    #[arg(long, value_name = "PROGRAM", default_value = "failback")]
    pub program: String,
    /// State directory there [default: /var/lib/failback for systemd and Kubernetes, .failback of this folder for cron, of the
    /// repository for GitHub]
    #[arg(long, value_name = "DIR")]
    pub state_dir: Option<String>,
    /// Settings there that drills run under: what they may run, which live ones may begin, and who is told
    #[arg(long, value_name = "FILE")]
    pub settings: Option<String>,
    /// Image of Kubernetes' containers
    #[arg(long, value_name = "IMAGE", default_value = "failback:latest")]
    pub image: String,
}

/// Returns the state directory of this folder for who begins drills on this machine but not in this folder.
fn here(scheduler: Scheduler, env: &Env<'_>) -> Option<String> {
    match scheduler {
        Scheduler::Cron => {
            let folder = std::path::absolute(&env.folder).unwrap_or_else(|_| env.folder.clone());
            Some(folder.join(".failback").to_string_lossy().into_owned())
        }
        Scheduler::Systemd | Scheduler::KubernetesCronjob | Scheduler::Github => None,
    }
}

/// Prints schedules.
///
/// # Errors
///
/// [`CliError`] if a plan can't be read, or no drill has a schedule.
pub fn run(args: &ScheduleArgs, env: &mut Env<'_>) -> Result<Exit, CliError> {
    let mut found = drills::plans(&env.folder, &args.paths)?;
    if !found.plans.iter().flat_map(|plan| &plan.drills).any(|drill| drill.schedule.is_some()) {
        return Err(CliError::usage("no drill of these plans has a schedule")
            .hinted("add `schedule: \"0 3 * * SUN\"` to a drill"));
    }
    let scheduler = match args.format {
        Scheduler::Systemd => elsewhere::Scheduler::Systemd,
        Scheduler::KubernetesCronjob => elsewhere::Scheduler::Kubernetes,
        Scheduler::Github => elsewhere::Scheduler::Github,
        Scheduler::Cron => elsewhere::Scheduler::Cron,
    };
    if args.format == Scheduler::Github {
        // What is checked out there is the repository, wherever it is here.
        for plan in &mut found.plans {
            let folder = plan.path.parent().unwrap_or(Path::new("/"));
            let workspace = Workspace::of(folder);
            let within = plan.path.strip_prefix(workspace.root()).map(Path::to_owned);
            if let Some(within) = within.ok().filter(|_| workspace.is_repository()) {
                plan.path = within;
            }
        }
    }
    let command = Command {
        program: args.program.clone(),
        state_dir: args.state_dir.clone().or_else(|| here(args.format, env)),
        settings: args.settings.clone(),
        image: args.image.clone(),
    };
    let style = env.talk_style();
    match elsewhere::write(&found.plans, scheduler, &command, env.clock.now()) {
        Ok(written) => {
            for warning in written.warnings.iter().filter(|_| env.verbosity > Verbosity::Quiet) {
                writeln!(env.err, "{}: {}", style.paint(Tone::Warning, "warning"), escape::line(warning))?;
            }
            // A workflow of GitHub's is meant to be read by it.
            env.out.guarded(Guard::Nothing)?;
            env.out.write_all(escape::lines(&written.text).as_bytes())?;
            Ok(Exit::Success)
        }
        Err(refusals) => {
            for refusal in refusals {
                let word = style.paint(Tone::Error, "error");
                writeln!(env.err, "{word}: {}", escape::line(&refusal.to_string()))?;
                writeln!(env.err, "{}: {}", style.paint(Tone::Open, "help"), escape::line(&refusal.help))?;
            }
            Ok(Exit::Refused)
        }
    }
}
