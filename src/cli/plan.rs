//! `plan`: says what a run would do, in which order, how long it would take and what would hold it up. Touches no site.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::path::PathBuf;

use jiff::Timestamp;
use serde::Serialize;

use crate::cli::args::Origin;
use crate::cli::args::PlanArgs;
use crate::cli::check::Format;
use crate::cli::env::Env;
use crate::cli::env::Guard;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::live;
use crate::cli::outline;
use crate::cli::points;
use crate::cli::ready;
use crate::cli::ready::Moment;
use crate::cli::ready::Ready;
use crate::cli::saved;
use crate::cli::saved::SavedPlan;
use crate::cli::site::VaultArgs;
use crate::forecast::Data;
use crate::forecast::Forecast;
use crate::forecast::Range;
use crate::forecast::forecast;
use crate::forecast::ranked;
use crate::graph::Graph;
use crate::graph::StepIndex;
use crate::graph::compile;
use crate::model::LocationMode;
use crate::model::PointChoice;
use crate::model::digest;
use crate::model::digest::Parts;
use crate::render::style::Verbosity;
use crate::rules::consistency;
use crate::rules::consistency::GroupPoints;

/// Show what a run would do, without changing any site
///
/// Prints what comes back, where to, from which recovery point, with whose approval, and how long it takes; with -v every
/// step. Persons count as answering at once. Exits with 1 if the plan is refused.
#[derive(Clone, Debug, clap::Args)]
pub struct DryRunArgs {
    /// Plan file, with one plan
    #[arg(value_name = "PLAN")]
    pub path: PathBuf,
    /// Print like this
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t)]
    pub format: Format,
    /// Save the plan for `run`, which refuses it if plan or facts have changed
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Judge the plan by what its site shows just now; what only a person knows stays as the inventory has it
    ///
    /// A saved plan is bound to facts in a file: pull them first, with failback inventory pull.
    #[arg(long, conflicts_with = "output")]
    pub live: bool,
    /// Which vault and vCenters are meant with --live.
    #[command(flatten)]
    pub site: VaultArgs,
    /// How the plan is read and checked.
    #[command(flatten)]
    pub plan: PlanArgs,
}

#[derive(Serialize)]
struct PointRecord<'a> {
    kind: Option<PointChoice>,
    id: Option<&'a str>,
    at: Option<Timestamp>,
}

#[derive(Serialize)]
struct MachineRecord<'a> {
    name: &'a str,
    location_mode: Option<LocationMode>,
    recovery_point: PointRecord<'a>,
    bytes: Data,
    wave: u16,
    point_of_no_return: NoReturnRecord<'a>,
}

/// From which step on a machine can't be left in Azure any more.
#[derive(Serialize)]
struct NoReturnRecord<'a> {
    step: &'a str,
    /// Whether it is passed already.
    passed: bool,
    /// Seconds after the start of the run; persons count as answering at once.
    after: Range,
}

#[derive(Serialize)]
struct StepRecord<'a> {
    id: &'a str,
    kind: &'static str,
    subject: String,
    after: Vec<&'a str>,
    level: u32,
    wave: u16,
    needs_approval: bool,
    irreversible: bool,
    adopted: bool,
    estimate: Range,
}

#[derive(Serialize)]
struct PlanRecord<'a> {
    version: u8,
    plan: &'a str,
    digest: &'a str,
    facts_digest: &'a str,
    machines: Vec<MachineRecord<'a>>,
    recovery_points: Vec<GroupPoints>,
    steps: Vec<StepRecord<'a>>,
    forecast: &'a Forecast,
}

/// What a file of a saved plan holds: what binds it, and what a run would do.
#[derive(Serialize)]
struct SavedRecord<'a> {
    kind: &'a str,
    path: &'a Path,
    inventory: Option<&'a Path>,
    policies: &'a [PathBuf],
    policy_digests: BTreeSet<String>,
    strict: bool,
    origin: Origin,
    waivers_digest: &'a str,
    program: &'a str,
    plan_parts: &'a Parts,
    facts_parts: &'a Parts,
    #[serde(flatten)]
    record: &'a PlanRecord<'a>,
}

/// Shows a plan.
///
/// # Errors
///
/// [`CliError`] if the file does not hold exactly one plan, or an output can't be written.
pub fn run(args: &DryRunArgs, env: &mut Env<'_>) -> Result<Exit, CliError> {
    let looked = if args.live {
        match live::looked(&args.path, &args.plan, &args.site, env)? {
            Ok(looked) => Some(looked),
            Err(exit) => return Ok(exit),
        }
    } else {
        live::refuse_site(&args.site)?;
        None
    };
    let flags = looked.as_ref().unwrap_or(&args.plan);
    let ready = match ready::ready_telling(&args.path, flags, Moment::Observed, args.format, env)? {
        Ok(ready) => ready,
        Err(exit) => return Ok(exit),
    };
    let observed = ready.plan.model().observed_at().unwrap_or_else(|_| env.clock.now());
    let start = flags.options(observed).now;
    let graph = ranked(compile(&ready.plan));
    let forecast = forecast(&graph, start);
    let (plan_digest, facts_digest) = (digest::plan(graph.model()), digest::facts(graph.model()));
    let needs_record = args.output.is_some() || args.format == Format::Json;
    let record = needs_record.then(|| record(&graph, &forecast, &plan_digest, &facts_digest));
    if let (Some(output), Some(record)) = (&args.output, &record) {
        save(output, record, &ready, args, env)?;
    }
    match (args.format, &record) {
        (Format::Json, Some(record)) => {
            env.out.guarded(Guard::Json)?;
            let mut out = std::io::BufWriter::new(&mut env.out);
            serde_json::to_writer(&mut out, record).map_err(std::io::Error::from)?;
            out.write_all(b"\n")?;
            out.flush()?;
        }
        (Format::Json, None) | (Format::Human, _) => human(&ready, &graph, &forecast, &plan_digest, env)?,
    }
    let is_told = args.format == Format::Human && env.verbosity > Verbosity::Quiet;
    if let Some(output) = args.output.as_ref().filter(|_| is_told) {
        writeln!(
            env.err,
            "saved; run it with: failback run {}",
            crate::escape::line(&output.display().to_string())
        )?;
    }
    Ok(Exit::Success)
}

fn human(
    ready: &Ready,
    graph: &Graph,
    forecast: &Forecast,
    digest: &str,
    env: &mut Env<'_>,
) -> Result<(), CliError> {
    let style = env.style();
    if style.verbosity == Verbosity::Quiet {
        return Ok(());
    }
    let mut text = outline::summary(graph, forecast, &ready.findings, digest, style);
    if style.verbosity == Verbosity::Verbose {
        let _ = writeln!(text, "\ndigest  {digest}\n");
        outline::ways_back(&mut text, graph, forecast, style);
        text.push('\n');
        outline::steps(&mut text, graph, forecast, style);
        let groups = consistency::of(graph.model());
        if !groups.is_empty() {
            text.push('\n');
        }
        points::section(&mut text, &groups, style);
    }
    env.out.write_all(text.as_bytes())?;
    Ok(())
}

fn record<'a>(
    graph: &'a Graph,
    forecast: &'a Forecast,
    digest: &'a str,
    facts_digest: &'a str,
) -> PlanRecord<'a> {
    let model = graph.model();
    let machines =
        model.machines().zip(&forecast.machines).zip(&forecast.points).map(|((machine, bytes), point)| {
            MachineRecord {
                name: &machine.name().value,
                location_mode: machine.location_mode().ok(),
                recovery_point: PointRecord { kind: point.kind, id: point.id.as_deref(), at: point.at },
                bytes: *bytes,
                wave: graph.waves().of_machine[machine.index()],
                point_of_no_return: no_return(graph, forecast, machine.index()),
            }
        });
    PlanRecord {
        version: 1,
        plan: &model.plan.name.value,
        digest,
        facts_digest,
        machines: machines.collect(),
        recovery_points: consistency::of(model),
        steps: outline::in_order(graph)
            .into_iter()
            .map(|step| step_record(graph, forecast.steps[step as usize], step))
            .collect(),
        forecast,
    }
}

fn no_return<'a>(graph: &'a Graph, forecast: &Forecast, machine: usize) -> NoReturnRecord<'a> {
    let step = graph.step(graph.point_of_no_return(machine));
    NoReturnRecord { step: step.id.as_str(), passed: step.adopted, after: forecast.no_return[machine] }
}

/// Returns the steps of a graph as they are shown; what they are estimated to take is not told.
///
/// # Panics
///
/// Never: a step has a JSON form.
#[must_use]
pub fn steps(graph: &Graph) -> Vec<serde_json::Value> {
    let of =
        |at| serde_json::to_value(step_record(graph, Range::default(), at)).expect("a step has a JSON form");
    outline::in_order(graph).into_iter().map(of).collect()
}

fn step_record(graph: &Graph, estimate: Range, at: StepIndex) -> StepRecord<'_> {
    let step = graph.step(at);
    StepRecord {
        id: step.id.as_str(),
        kind: step.kind.as_str(),
        subject: graph.subject_name(at),
        after: graph.before(at).iter().map(|before| graph.step(*before).id.as_str()).collect(),
        level: step.level,
        wave: step.wave,
        needs_approval: graph.needs_approval(at),
        irreversible: graph.is_irreversible(at),
        adopted: step.adopted,
        estimate,
    }
}

/// Writes a saved plan beside its name, and then under it, so that nobody finds half of one.
fn save(
    output: &Path,
    record: &PlanRecord<'_>,
    ready: &Ready,
    args: &DryRunArgs,
    env: &Env<'_>,
) -> Result<(), CliError> {
    let file = env.path(output);
    let cant =
        |error: std::io::Error| CliError::usage(format!("can't write `{}`", output.display())).because(error);
    let folder = file.parent().unwrap_or(Path::new("/")).canonicalize().map_err(cant)?;
    // A slip in the name must not cost a plan: only what a command like this one wrote is replaced.
    if file.exists() && !std::fs::read_to_string(&file).is_ok_and(|text| SavedPlan::is_it(&text)) {
        return Err(CliError::usage(format!(
            "`{}` is there already, and is no saved plan",
            output.display()
        ))
        .hinted("give the saved plan another name"));
    }
    let seen = |path: &Path| {
        let full = env.path(path);
        saved::relative(&full.canonicalize().unwrap_or(full), &folder)
    };
    let (path, inventory) = (seen(&args.path), args.plan.inventory.as_deref().map(seen));
    let policies: Vec<PathBuf> = args.plan.policy.iter().map(|path| seen(path)).collect();
    let model = ready.plan.model();
    let saved = SavedRecord {
        kind: SavedPlan::KIND,
        path: &path,
        inventory: inventory.as_deref(),
        policies: &policies,
        policy_digests: ready.policy_digests(),
        strict: args.plan.strict,
        origin: args.plan.origin,
        waivers_digest: &digest::waiver_comments(model),
        program: env!("CARGO_PKG_VERSION"),
        plan_parts: &digest::parts_of_plan(model),
        facts_parts: &digest::parts_of_facts(model),
        record,
    };
    let mut text = serde_json::to_string(&saved).expect("a plan has a JSON form");
    text.push('\n');
    let name =
        file.file_name().ok_or_else(|| CliError::usage(format!("`{}` names no file", output.display())))?;
    let beside = folder.join(format!(".{}.{}", name.to_string_lossy(), std::process::id()));
    std::fs::write(&beside, text).and_then(|()| std::fs::rename(&beside, &file)).map_err(cant)
}
