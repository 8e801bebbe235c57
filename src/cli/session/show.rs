//! How a run is shown while it goes, and what is said of its end.

use std::io::Write as _;

use jiff::Timestamp;

use crate::cli::env::Env;
use crate::cli::env::Guard;
use crate::cli::exit::Exit;
use crate::cli::keyboard::Quiet;
use crate::cli::session::Format;
use crate::cli::session::SessionArgs;
use crate::cli::session::of_state_dir;
use crate::cli::terminal::Below;
use crate::event::Outcome;
use crate::event::Reporter;
use crate::event::RunState;
use crate::forecast;
use crate::graph::Graph;
use crate::id::RunId;
use crate::report;
use crate::run::End;

/// What each step is expected to take, and to wait for room before, in seconds, in the order of the graph.
#[derive(Debug)]
pub(super) struct Expected {
    pub takes: Vec<f64>,
    pub waits: Vec<f64>,
}

/// Returns what is expected of each step of a run: how it goes where every figure is the middle of its range.
#[expect(clippy::cast_precision_loss, reason = "a weight of a progress bar needs no more digits")]
pub(super) fn expected(graph: &Graph, now: Timestamp) -> Expected {
    let forecast = forecast::forecast(graph, now);
    let of = |seconds: fn(&forecast::Course) -> u64| {
        forecast.course.iter().map(|step| seconds(step) as f64).collect()
    };
    Expected { takes: of(|step| step.takes_s), waits: of(|step| step.waits_s) }
}

/// What shows a run, and what keeps the terminal from writing into the bars.
pub(super) type Shown<'r> = (Vec<Box<dyn Reporter + 'r>>, Option<Quiet>);

/// Returns what shows a run as its flags say. Where persons are asked at this terminal and it has bars, they are asked below these.
pub(super) fn reporters<'r>(
    args: &SessionArgs,
    state: &RunState,
    expected: Expected,
    lost: &report::Lost,
    asks_here: Option<&Below>,
    env: &'r mut Env<'_>,
) -> Shown<'r> {
    let style = env.style();
    let verbosity = match style.verbosity {
        crate::render::style::Verbosity::Quiet => report::Verbosity::Quiet,
        crate::render::style::Verbosity::Normal => report::Verbosity::Normal,
        crate::render::style::Verbosity::Verbose => report::Verbosity::Verbose,
    };
    let lost = lost.clone();
    if args.format == Format::Json {
        // Nothing was written yet, so nothing can go wrong.
        let _ = env.out.guarded(Guard::Json);
    }
    let flags = of_state_dir(&args.state_dir);
    // Where a cursor can't be moved, bars would show nothing at all.
    let is_dumb = matches!(env.variables.get("TERM").map_or("", String::as_str), "" | "dumb");
    match args.format {
        Format::Json => {
            (vec![Box::new(report::JsonLines::new(report::Noticing::new(&mut env.out, lost)))], None)
        }
        Format::Human
            if env.out.is_terminal() && env.err.is_terminal() && !is_dumb && report::Bar::can_be_drawn() =>
        {
            let look = report::Look { verbosity, color: style.color, asks_here: asks_here.is_some() };
            let mut bar = report::Bar::on_stderr(state, expected.takes, look)
                .waiting(expected.waits)
                .typed_with(&flags)
                .telling_how_to_answer(!args.auto_approve);
            // Elsewhere what is typed is shown by the terminal itself, and the bars stand back for it.
            if let Some(below) = asks_here.filter(|_| cfg!(unix)) {
                let _ = below.set(bar.prompt());
            }
            (vec![Box::new(bar)], Some(Quiet::begin()))
        }
        Format::Human => {
            let lines = report::Lines::new(report::Noticing::new(&mut env.out, lost), state, verbosity);
            (vec![Box::new(lines.typed_with(&flags).telling_how_to_answer(!args.auto_approve))], None)
        }
    }
}

/// Returns the exit code of an end, after saying what can be done next.
pub(super) fn exit(end: End, run: &RunId, args: &SessionArgs, env: &mut Env<'_>) -> Exit {
    let flags = of_state_dir(&args.state_dir);
    let resume = format!("failback resume {run}{flags}");
    let (exit, hint) = match end {
        End::Finished(Outcome::Succeeded) => (Exit::Success, None),
        End::Finished(Outcome::Failed | Outcome::Cancelled) => {
            (Exit::Failed, Some(format!("look at it: failback show {run}{flags}")))
        }
        End::Interrupted => (Exit::Interrupted, Some(format!("interrupted; go on with: {resume}"))),
        End::WaitsForApproval => (
            Exit::Waiting,
            Some(format!(
                "the run waits for an approval and nobody is there; answer with failback approve {run}{flags}, or go on at a terminal with: {resume}"
            )),
        ),
    };
    if let Some(hint) = hint.filter(|_| args.format == Format::Human) {
        // Nobody is left to be told that this can't be told.
        let _ = writeln!(env.err, "{hint}");
    }
    exit
}
