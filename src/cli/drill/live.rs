//! A live drill: a run on the real site, for exactly the machines that the drill names.

use std::sync::Arc;

use crate::cli::check::Format;
use crate::cli::drill::Came;
use crate::cli::drill::DrillArgs;
use crate::cli::drill::entry::Entry;
use crate::cli::drill::readiness as look;
use crate::cli::drill::rehearsal;
use crate::cli::drill::show;
use crate::cli::drill::subject::Subject;
use crate::cli::env::Env;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::run::Provider;
use crate::cli::run::RunArgs;
use crate::cli::run::azure;
use crate::cli::session;
use crate::cli::session::Answers;
use crate::cli::session::Manner;
use crate::cli::session::SessionArgs;
use crate::cli::settings::Kept;
use crate::cli::site::VaultArgs;
use crate::drill::readiness;
use crate::escape;
use crate::model::Model;
use crate::model::resolve;
use crate::model::restrict;
use crate::run::approver::Approver;
use crate::run::hook::is_allowed;
use crate::run::patient::Patient;
use crate::syntax::plan::CommitGate;
use crate::syntax::plan::FailoverGate;
use crate::syntax::settings::LiveDrill;
use crate::syntax::settings::Settings;

/// Carries the drill out.
///
/// # Errors
///
/// [`CliError`] if the drill is not allowed to begin, or something can't be read, written or reached.
pub(super) fn run(
    args: &DrillArgs,
    subject: &Subject,
    settings: Option<&Kept>,
    entry: &mut Entry,
    env: &mut Env<'_>,
) -> Result<Came, CliError> {
    let pinned = settings.map(|kept| pinned(&kept.settings, subject)).transpose()?;
    let model = part(subject)?;
    refuse(args, subject, &model, pinned.is_some())?;
    let allowed = settings.map(Kept::allowed_commands);
    if let Some(allowed) = &allowed {
        refuse_commands(&model, &allowed.commands)?;
    }
    // Whoever pinned the plan confirmed it by its digest.
    let confirm = match pinned {
        Some(_) => Some(subject.plan().to_owned()),
        None => args.confirm.clone(),
    };
    let vault = pinned.and_then(|pinned| pinned.vault.as_ref().map(|vault| vault.value.clone()));
    if let (Some(pinned), Some(given)) = (&vault, &args.site.vault)
        && !pinned.eq_ignore_ascii_case(given)
    {
        return Err(refused("the settings allow this drill on another vault than --vault names"));
    }
    let site = VaultArgs { vault: vault.or_else(|| args.site.vault.clone()), ..args.site.clone() };
    // What refuses the plan is told of the facts that it was refused for.
    let plan = look::observed(&site, &args.plan, subject, env)?;
    let run_args = RunArgs {
        path: args.path.clone(),
        provider: Provider::Azure,
        scenario: None,
        confirm,
        live: false,
        read_only: false,
        site,
        session: SessionArgs {
            format: session::Format::Human,
            speed: None,
            auto_approve: false,
            real_actions: args.real_actions,
            settings: settings.map(|kept| kept.file.clone()),
            people: None,
            ordered_by: args.origin.by.clone(),
            otlp: None,
            drill: Some(entry.id()),
            state_dir: args.state_dir.clone(),
            // A service has nobody at its terminal: people answer from elsewhere, however long that takes.
            answers: (args.ask || settings.is_some()).then_some(Answers::Elsewhere),
        },
        plan,
    };
    let azure::Begun { session, runtime, connected } = match azure::begin(&run_args, env)? {
        Ok(begun) => begun,
        Err(exit) => {
            let (checked, _, _) = look::checked(args, &run_args.plan, env)?;
            let reasons = readiness::of_findings(&checked.findings).collect();
            let result = entry.result(env).not_carried_out(reasons);
            return Ok(Came::Ended(Box::new(result), exit));
        }
    };
    entry.made(&session.run);
    let mut result = entry.result(env);
    result.facts = Some(entry.facts(session.plan.plan.model(), Some(subject.is_observed)));
    result.left_out = session.plan.left_out.iter().map(ToString::to_string).collect();
    result.simulated_actions = rehearsal::simulates(&session.first);
    show::left_out(args.format, &result.left_out, env)?;
    let graph = Arc::clone(&session.graph);
    let asks_here = args.format == Format::Human && DrillArgs::can_ask_here(env);
    let is_patient = run_args.session.answers == Some(Answers::Elsewhere) && !asks_here;
    let approver = is_patient.then(|| Arc::new(Patient::default()) as Arc<dyn Approver>);
    let manner = Manner { approver, is_silent: args.format == Format::Json, allowed };
    let end = session::drive_to_end(&runtime, session, &run_args.session, manner, env);
    connected.end(runtime);
    rehearsal::ended(end?, entry, &graph, result, &args.state_dir, env)
}

fn refused(what: &str) -> CliError {
    CliError::new(Exit::Refused, what)
}

/// Returns what the settings say about a drill, if they allow it for the plan as it is.
fn pinned<'s>(settings: &'s Settings, subject: &Subject) -> Result<&'s LiveDrill, CliError> {
    let name = subject.name.as_deref().unwrap_or_default();
    let mut named = settings
        .live_drills
        .iter()
        .filter(|live| live.plan.value == subject.plan() && live.drill.value == name);
    let Some(first) = named.clone().next() else {
        return Err(refused("the settings do not allow this live drill")
            .hinted(format!("pin it under `live_drills:`, with the digest {}", subject.pin.digest())));
    };
    named.find(|live| live.digest.value.0 == subject.pin.digest()).ok_or_else(|| {
        refused("the plan is another than the one that the settings allow for this live drill")
            .hinted(format!("allowed is {}, and this is {}", first.digest.value.0, subject.pin.digest()))
            .hinted("look at what changed, and pin it anew")
    })
}

/// Returns the drill's part of the plan with the facts that the plan names.
fn part(subject: &Subject) -> Result<Model, CliError> {
    let restricted = restrict::restrict(&subject.model.plan, &subject.part).map_err(|errors| {
        let names: Vec<String> = errors.iter().map(ToString::to_string).collect();
        CliError::usage(format!("there is no such part of the plan: {}", escape::line(&names.join("; "))))
    })?;
    Ok(resolve(restricted.plan, subject.model.inventory.clone()))
}

/// Refuses a live drill that nobody asked for in so many words.
fn refuse(args: &DrillArgs, subject: &Subject, model: &Model, is_pinned: bool) -> Result<(), CliError> {
    if subject.part.only.is_empty() {
        return Err(refused("a live drill names its machines, and this one names none")
            .hinted("list them under `machines:` of the drill; failback run brings all of them home"));
    }
    if args.provider != Some(Provider::Azure) && !is_pinned {
        return Err(CliError::usage("a live drill changes a real site, which has to be named")
            .hinted("name it: --provider azure; a rehearsal of the same: --kind rehearsal --machines …"));
    }
    if is_pinned || args.confirm.is_some() {
        return Ok(());
    }
    let by_itself = model.machines().find(|machine| {
        let settings = machine.settings();
        settings.failover.value == FailoverGate::Automatic || settings.commit.value == CommitGate::Automatic
    });
    match by_itself {
        None => Ok(()),
        Some(machine) => Err(refused(&format!(
            "nobody would be asked before {} is moved",
            escape::line(&machine.name().value)
        ))
        .hinted("state `failover: on_approval` and `commit: on_approval`")
        .hinted(format!("or confirm it with the plan's name: --confirm '{}'", escape::line(subject.plan())))),
    }
}

/// Refuses a plan whose commands a service may not run.
fn refuse_commands(model: &Model, allowed: &[Vec<String>]) -> Result<(), CliError> {
    match model.plan.actions.iter().find(|action| !is_allowed(action, allowed)) {
        None => Ok(()),
        Some(action) => {
            let name = escape::line(&action.name.value).into_owned();
            Err(refused(&format!("the settings do not allow the command of action {name}"))
                .hinted("list it under `allowed_commands:`, exactly as the plan writes it; its paths are then meant from the folder of the settings"))
        }
    }
}
