//! `serve`: the daemon that begins drills when they are due, and the dashboard beside it.

mod dashboard;
mod reread;
mod said;
mod signals;

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::SignedDuration;
use tokio::sync::mpsc;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::cli::env::Env;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::notices;
use crate::cli::session;
use crate::cli::settings;
use crate::cli::settings::Kept;
use crate::clock::Clock;
use crate::drill::launch::Processes;
use crate::drill::notice::Failure;
use crate::drill::notice::Post;
use crate::drill::plans::Found;
use crate::drill::service::Happening;
use crate::drill::service::Service;
use crate::drill::service::ServiceError;
use crate::drill::service::Setup;
use crate::drill::service::Source;
use crate::drill::service::Taken;
use crate::escape;
use crate::journal::StateDir;
use crate::quantity::Seconds;
use crate::render::style::Verbosity;
use crate::syntax::file::DEFAULT_MAX_BYTES;
use crate::syntax::settings::GitRef;

use self::dashboard::Begun;
use self::signals::Asked;
use self::signals::Signals;
use self::signals::until;

/// How many drills run at the same time unless the settings say otherwise.
const AT_ONCE: u8 = 4;

/// How often a repository is looked at unless the settings say otherwise.
const EVERY: Seconds = Seconds::minutes(5);

/// Notices that are being sent; each tells of whom it did not reach.
type Deliveries = JoinSet<Vec<Failure>>;

/// Begin the drills of plans when they are due, and serve the dashboard
///
/// The dashboard is reached at http://127.0.0.1:8080 unless the settings or --listen say otherwise. Each drill is a process of its own, which goes on when the daemon ends. Plans are read again when their files change. Ends
/// with 0 when it is asked to (SIGTERM, SIGHUP, Ctrl-C), and with 5 if another daemon has the state directory.
#[derive(Clone, Debug, clap::Args)]
pub struct ServeArgs {
    /// Settings of the daemon
    #[arg(long, value_name = "FILE", default_value = settings::FILE)]
    pub settings: PathBuf,
    /// Keep drills and runs in this folder
    #[arg(long, value_name = "DIR", default_value = ".failback")]
    pub state_dir: PathBuf,
    /// Take plans from this branch, tag or commit instead of the one in the settings, or of the files
    #[arg(long, value_name = "REF", value_parser = GitRef::parse)]
    pub git_ref: Option<GitRef>,
    /// Serve the dashboard at this address, whatever the settings say
    #[arg(long, value_name = "ADDRESS", conflicts_with = "no_web")]
    pub listen: Option<SocketAddr>,
    /// Serve no dashboard
    #[arg(long)]
    pub no_web: bool,
    /// When it is asked to end, begin nothing more and end with the last drill that was begun here; asked again, end at once
    #[arg(long)]
    pub wait: bool,
}

/// Runs the daemon.
///
/// # Errors
///
/// [`CliError`] if the settings or the state directory can't be used, or another daemon has it.
pub fn run(args: &ServeArgs, env: &mut Env<'_>) -> Result<Exit, CliError> {
    let kept = match settings::read(&args.settings, env)? {
        Ok(kept) => kept,
        Err(exit) => return Ok(exit),
    };
    let unusable = |error| CliError::usage("can't use the state directory").because(error);
    let root = std::path::absolute(env.path(&args.state_dir)).unwrap_or_else(|_| env.path(&args.state_dir));
    let state = StateDir::create(&root).map_err(unusable)?.given_as(&args.state_dir);
    let dir = state.clone();
    let program = std::env::current_exe()
        .map_err(|error| CliError::usage("can't find this program's own file").because(error))?;
    // What can't be told later must be known now.
    notices::recipients(&[], Some(&kept), env)?;
    let (tell, mut told) = mpsc::unbounded_channel::<Happening>();
    let tell_of_end = tell.clone();
    let mut deliveries = Deliveries::new();
    let (shown, found) = watch::channel(Arc::<Found>::default());
    let clock = Arc::clone(&env.clock);
    let (settings_now, told_settings) = watch::channel(kept.clone());
    let setup = Setup {
        plans: Box::new(reread::Following::new(args, &state, told_settings)),
        launcher: Arc::new(Processes { program, state: root, settings: kept.file.clone() }),
        at_once: kept.settings.drills_at_once.as_ref().map_or(AT_ONCE, |most| most.value).into(),
        state,
        clock: Arc::clone(&clock),
        told: Box::new(move |happening| {
            // Whoever listens is gone only when all is over.
            let _ = tell.send(happening.clone());
        }),
        shown,
    };
    let service = Service::new(setup).map_err(|error| cannot(error, args))?;
    let runtime = session::runtime()?;
    runtime.block_on(source(args, &kept, &dir).is_there()).map_err(|error| {
        CliError::usage("there is nothing to take plans from")
            .because(error)
            .hinted("name a branch, tag or commit of the repository that the plans lie in: --git-ref REF, or `repository:` of the settings")
    })?;
    // One daemon is one process; whoever has set a log already keeps it.
    let _ = tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_max_level(tracing::Level::WARN)
        .with_ansi(false)
        .with_target(false)
        .try_init();
    let ended = runtime.block_on(async {
        let dashboard = match args.no_web {
            true => None,
            false => Some(open_dashboard(args, &kept, &dir, found.clone(), env).await?),
        };
        let live = dashboard.as_ref().map(dashboard::Dashboard::live);
        let begun = dashboard.as_ref().map(dashboard::Dashboard::begun).unwrap_or_default();
        let mut settings = reread::Watched::new(args, &dir, settings_now, live);
        let mut looks = tokio::time::interval(reread::EVERY);
        let (asked, asks) = watch::channel(Asked::default());
        let (pages_end, pages_ends) = watch::channel(Asked::default());
        let mut work = std::pin::pin!(work(service, begun.clone(), args.wait, tell_of_end, asks));
        let mut pages = std::pin::pin!(async {
            match dashboard {
                Some(dashboard) => dashboard.serve(until(pages_ends, Asked::ToEnd)).await,
                None => {
                    until(pages_ends, Asked::ToEnd).await;
                    Ok(())
                }
            }
        });
        let mut signals = Signals::new();
        let mut is_served = true;
        let ended = loop {
            tokio::select! {
                ended = &mut work => break ended,
                Some(happening) = told.recv() => happened(&happening, &found, &settings.kept(), &mut deliveries, env)?,
                _ = looks.tick(), if *asked.borrow() == Asked::Nothing => {
                    settings.look(env)?;
                }
                Some(failures) = deliveries.join_next() => notices::say(&failures.unwrap_or_default(), env),
                served = &mut pages, if is_served => {
                    served?;
                    is_served = false;
                }
                next = signals.next() => {
                    begun.close();
                    // Those who wait for it live as long as the daemon.
                    let _ = asked.send(next);
                    if !args.wait {
                        let _ = pages_end.send(Asked::ToEnd);
                    }
                }
            }
        };
        while let Ok(happening) = told.try_recv() {
            happened(&happening, &found, &settings.kept(), &mut deliveries, env)?;
        }
        if is_served {
            let _ = pages_end.send(Asked::ToEnd);
            pages.await?;
        }
        // What was said last is delivered, too, unless nobody wants to wait for that.
        while let Some(failures) = tokio::select! {
            failures = deliveries.join_next() => failures,
            _ = signals.next() => None,
        } {
            notices::say(&failures.unwrap_or_default(), env);
        }
        ended.map_err(|error| cannot(error, args))
    });
    runtime.shutdown_background();
    ended.map(|()| Exit::Success)
}

/// Begins drills until it is asked to end, and with `waits` goes on until those that were begun here have ended.
async fn work(
    service: Service,
    begun: Begun,
    waits: bool,
    tell: mpsc::UnboundedSender<Happening>,
    asks: watch::Receiver<Asked>,
) -> Result<(), ServiceError> {
    let enough = if waits { Asked::ToEndAtOnce } else { Asked::ToEnd };
    service.run(until(asks.clone(), Asked::ToEnd), until(asks.clone(), enough)).await?;
    // Those that somebody had begin in the dashboard.
    let drills = begun.running();
    if waits && drills > 0 {
        // Whoever listens is gone only when all is over.
        let _ = tell.send(Happening::Waiting { drills });
    }
    tokio::select! {
        biased;
        () = until(asks, enough) => {}
        () = begun.ended() => {}
    }
    Ok(())
}

/// Opens the dashboard, and says where it is.
async fn open_dashboard(
    args: &ServeArgs,
    kept: &Kept,
    dir: &StateDir,
    found: watch::Receiver<Arc<Found>>,
    env: &mut Env<'_>,
) -> Result<dashboard::Dashboard, CliError> {
    let options = dashboard::Options {
        serve: kept.settings.serve.as_ref(),
        base: kept.folder.clone(),
        listen: args.listen,
        plans: kept.plans().iter().map(|path| kept.folder.join(path)).collect(),
        settings: Some(kept.file.clone()),
        found,
    };
    let dashboard = dashboard::Dashboard::open(options, dir, env).await?;
    writeln!(env.out, "dashboard: {}", dashboard.url())?;
    if let Some(file) = dashboard.token_file() {
        writeln!(env.out, "token: in {}", escape::line(&file.display().to_string()))?;
    }
    env.out.flush()?;
    Ok(dashboard)
}

fn cannot(error: ServiceError, args: &ServeArgs) -> CliError {
    match error {
        ServiceError::Held(_) => {
            let message = format!("another daemon has the state directory `{}`", args.state_dir.display());
            CliError::new(Exit::Busy, message).hinted("end it, or name another folder with --state-dir")
        }
        other @ (ServiceError::Lock(_) | ServiceError::StateDir(_) | ServiceError::Database(_)) => {
            CliError::usage("the scheduler can't go on").because(other)
        }
    }
}

/// Returns where plans come from.
fn source(args: &ServeArgs, kept: &Kept, state: &StateDir) -> Source {
    let repository = kept.settings.repository.as_ref();
    let reference = args.git_ref.clone().or_else(|| repository.map(|from| from.reference.value.clone()));
    let taken = reference.map(|reference| {
        let every = repository.and_then(|from| from.every.as_ref()).map_or(EVERY, |every| every.value);
        Taken {
            reference,
            every: SignedDuration::from_secs(i64::try_from(every.0).unwrap_or(i64::MAX)),
            fetch: repository.and_then(|from| from.fetch.as_ref()).is_none_or(|fetch| fetch.value),
            kept: state.root().join("checkouts"),
        }
    });
    Source::new(kept.folder.clone(), kept.plans(), DEFAULT_MAX_BYTES, taken)
}

/// Says what happened, and tells of a drill that could not tell of itself.
fn happened(
    happening: &Happening,
    found: &watch::Receiver<Arc<Found>>,
    kept: &Kept,
    deliveries: &mut Deliveries,
    env: &mut Env<'_>,
) -> Result<(), CliError> {
    if env.verbosity > Verbosity::Quiet {
        let now = env.clock.now();
        writeln!(env.out, "{now:.0} {}", escape::line(&said::in_words(happening)))?;
        env.out.flush()?;
    }
    if let Happening::Ended { row, lost: Some(why) } = happening {
        let notice = notices::of_drill(row, Some(why), None, env.clock.now());
        let plans = Arc::clone(&found.borrow());
        let plan = plans.plans.iter().find(|plan| plan.known_as == row.plan_path);
        let told = notices::recipients(plan.map_or(&[], |plan| &plan.notify), Some(kept), env);
        match told {
            Ok(told) => {
                let clock: Arc<dyn Clock> = Arc::new(crate::clock::SystemClock);
                let post = Post::begin(told, &clock);
                post.tell(&notice, None);
                deliveries.spawn(async move { post.drain().await });
            }
            Err(error) => {
                writeln!(env.err, "warning: {}", escape::line(&error.to_string()))?;
            }
        }
    }
    Ok(())
}
