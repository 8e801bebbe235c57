//! `drill`: exercises a plan, and says whether it passed.

mod entry;
mod live;
mod readiness;
mod rehearsal;
mod show;
mod subject;

use std::path::PathBuf;

use jiff::Timestamp;

use crate::cli::args::PlanArgs;
use crate::cli::check::Format;
use crate::cli::env::Env;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::notices;
use crate::cli::run::Provider;
use crate::cli::session::SpeedChoice;
use crate::cli::settings;
use crate::cli::site::VaultArgs;
use crate::report::assessment::Verdict;
use crate::syntax::drill::DrillKind;

use self::entry::Entry;
use self::subject::Subject;

pub(crate) use self::entry::after_resume;

/// Exercise a plan: is it ready, what would a run do, does it work
///
/// A readiness drill looks at facts, rules and forecast; a rehearsal runs the plan on the emulator; a live drill runs it for
/// exactly the machines that it names. Exits with 0 if it passed or is degraded, with 1 if the plan is refused, with 3 if it
/// failed, with 4 if it waits for an approval and nobody is there.
#[derive(Clone, Debug, clap::Args)]
pub struct DrillArgs {
    /// Plan file
    #[arg(value_name = "PLAN")]
    pub path: PathBuf,
    /// Name of the drill in the plan; without it the only one there
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// Exercise the plan like this, whatever drills it names
    #[arg(long, value_name = "KIND", value_enum, conflicts_with = "name")]
    pub kind: Option<Kind>,
    /// With --kind: exercise these machines and replication groups alone
    #[arg(long, value_name = "NAME", value_delimiter = ',', requires = "kind", conflicts_with = "name")]
    pub machines: Vec<String>,
    /// Faults that befall a rehearsal (a `kind: Scenario` document)
    #[arg(long, value_name = "FILE")]
    pub scenario: Option<PathBuf>,
    /// Have people answer the questions of a rehearsal; without it they are answered by themselves, as simulated
    #[arg(long)]
    pub ask: bool,
    /// How fast the time of a rehearsal passes: a factor, or from event to event (`max`) [default: max; with --ask 60]
    #[arg(long, value_name = "SPEED", value_parser = SpeedChoice::parse)]
    pub speed: Option<SpeedChoice>,
    /// Run actions and probes for real in a rehearsal, or in a live drill against an emulator; at a real site they always are
    #[arg(long)]
    pub real_actions: bool,
    /// Observe the site first, instead of taking the facts from the inventory; a live drill, and one with `facts: live`, does so anyway
    #[arg(long)]
    pub live: bool,
    /// Where a live drill runs; Azure has to be named
    #[arg(long, value_name = "PROVIDER", value_enum)]
    pub provider: Option<Provider>,
    /// Live: the plan's name, for want of somebody who types it
    #[arg(long, value_name = "NAME")]
    pub confirm: Option<String>,
    /// Settings of a service: what its drills may run, and which live ones may begin
    #[arg(long, value_name = "FILE")]
    pub settings: Option<PathBuf>,
    /// Print the result like this
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t)]
    pub format: Format,
    /// Keep runs and drills in this folder
    #[arg(long, value_name = "DIR", default_value = ".failback")]
    pub state_dir: PathBuf,
    /// What whoever schedules drills says about this one.
    #[command(flatten)]
    pub origin: OriginArgs,
    /// Which vault and vCenters are meant.
    #[command(flatten)]
    pub site: VaultArgs,
    /// How the plan is read and checked.
    #[command(flatten)]
    pub plan: PlanArgs,
}

/// What whoever schedules drills says about one.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Scheduling options")]
pub struct OriginArgs {
    /// Why it begins
    #[arg(long, value_name = "CAUSE", value_enum, default_value_t)]
    pub cause: Cause,
    /// When it was due (RFC 3339)
    #[arg(long, value_name = "TIME")]
    pub due_at: Option<Timestamp>,
    /// Its id, of letters, digits and `-`; a second drill of the same id is refused
    #[arg(long, value_name = "ID", value_parser = entry::id)]
    pub id: Option<String>,
    /// Who has it begin
    #[arg(long, value_name = "NAME")]
    pub by: Option<String>,
    /// The commit that the plan was taken from
    #[arg(long, value_name = "COMMIT")]
    pub commit: Option<String>,
    /// The file that the plan is known by, if it was copied from there
    #[arg(long, value_name = "PATH")]
    pub plan_path: Option<String>,
}

/// Why a drill begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Cause {
    /// A person wants it
    #[default]
    Person,
    /// Its time has come
    Schedule,
}

impl Cause {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Schedule => "schedule",
        }
    }
}

/// What a drill does that no plan names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Kind {
    /// Looks at facts, rules and forecast; changes nothing
    Readiness,
    /// Runs the plan on the emulator
    Rehearsal,
}

/// How a drill came to its end.
enum Came {
    /// It has a result.
    Ended(Box<crate::report::drill::DrillResult>, Exit),
    /// Its run can go on: it was interrupted, or waits for somebody.
    Stopped(Exit),
}

/// Exercises a plan.
///
/// # Errors
///
/// [`CliError`] if there is no such drill, or something can't be read, written or reached.
pub fn run(args: &DrillArgs, env: &mut Env<'_>) -> Result<Exit, CliError> {
    let subject = match subject::read(args, env)? {
        Ok(subject) => subject,
        Err(exit) => return Ok(exit),
    };
    subject.is_allowed(args)?;
    let settings = match settings::read_named(args.settings.as_deref(), env)? {
        Ok(settings) => settings,
        Err(exit) => return Ok(exit),
    };
    let told = notices::recipients(&subject.model.plan.notify, settings.as_ref(), env)?;
    let mut entry = Entry::begin(args, &subject, env)?;
    let came = match subject.kind {
        DrillKind::Readiness => readiness::run(args, &subject, &entry, env),
        DrillKind::Rehearsal => rehearsal::run(args, &subject, settings.as_ref(), &mut entry, env),
        DrillKind::Live => live::run(args, &subject, settings.as_ref(), &mut entry, env),
        DrillKind::TestFailover => unreachable!("it was refused when it was looked for"),
    };
    match came {
        Ok(Came::Ended(result, exit)) => {
            entry.end(&result, env)?;
            entry.tell(&result, told, env)?;
            show::result(args.format, &result, env)?;
            Ok(exit)
        }
        Ok(Came::Stopped(exit)) => Ok(exit),
        Err(error) => {
            // What kept it from being carried out is the drill's result too; that it can't be kept is told by the error itself.
            let result = entry.result(env).not_carried_out(vec![entry::reason_of(&error)]);
            entry.end(&result, env)?;
            entry.tell(&result, told, env)?;
            Err(error)
        }
    }
}

/// Returns the exit code of a verdict.
const fn exit_of(verdict: Verdict) -> Exit {
    match verdict {
        Verdict::Passed | Verdict::Degraded => Exit::Success,
        Verdict::Failed => Exit::Failed,
    }
}

impl DrillArgs {
    /// Returns whether somebody at this terminal can be asked.
    fn can_ask_here(env: &Env<'_>) -> bool {
        env.out.is_terminal() && env.input_is_terminal
    }
}

impl Subject {
    /// Refuses flags that are not about this kind of drill.
    fn is_allowed(&self, args: &DrillArgs) -> Result<(), CliError> {
        let (rehearsal, live) = (self.kind == DrillKind::Rehearsal, self.kind == DrillKind::Live);
        let of_rehearsals = [
            ("--scenario", args.scenario.is_some()),
            ("--ask", args.ask && !live),
            ("--speed", args.speed.is_some()),
            ("--real-actions", args.real_actions && !live),
        ];
        let of_live = [("--provider", args.provider.is_some()), ("--confirm", args.confirm.is_some())];
        let wrong = of_rehearsals.iter().filter(|_| !rehearsal).map(|flag| (flag, "rehearsals"));
        let wrong = wrong.chain(of_live.iter().filter(|_| !live).map(|flag| (flag, "live drills")));
        if let Some(((flag, _), whose)) = wrong.into_iter().find(|((_, is_given), _)| *is_given) {
            let kind = self.kind.as_str();
            return Err(CliError::usage(format!("{flag} is about {whose}, and this is a {kind} drill")));
        }
        Ok(())
    }
}
