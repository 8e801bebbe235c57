//! Which drill is meant, and what it exercises.

use std::io::Write as _;

use crate::cli::args::PlanArgs;
use crate::cli::check;
use crate::cli::drill::DrillArgs;
use crate::cli::drill::Kind;
use crate::cli::env::Env;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::load;
use crate::cli::pin::Pin;
use crate::escape;
use crate::model::Model;
use crate::model::restrict::Part;
use crate::model::restrict::is_taken_back;
use crate::syntax::drill::Drill;
use crate::syntax::drill::DrillKind;
use crate::syntax::inventory::Experience;

/// A drill that was found.
pub(super) struct Subject {
    /// The whole plan with the facts that it names, as it was read once for everything that is decided about the drill.
    pub model: Model,
    /// Its digest, which every reading after that one has to have.
    pub pin: Pin,
    /// Its name in the plan.
    pub name: Option<String>,
    /// What it does.
    pub kind: DrillKind,
    /// Which part of the plan it exercises.
    pub part: Part,
    /// Whether the site is looked at first.
    pub is_observed: bool,
}

/// Reads the plan and finds the drill. Mistakes go to standard error, with the exit code in the drill's place.
///
/// # Errors
///
/// [`CliError`] if there is no such drill, or the output can't be written.
pub(super) fn read(args: &DrillArgs, env: &mut Env<'_>) -> Result<Result<Subject, Exit>, CliError> {
    if env.path(&args.path).is_dir() {
        return Err(CliError::usage(format!("`{}` is a folder, not a plan", args.path.display()))
            .hinted("name a file with one plan"));
    }
    let mut loaded = load::load(std::slice::from_ref(&args.path), &args.plan, env);
    let style = env.talk_style();
    let mut text = check::failures(&loaded.failures, style);
    text.push_str(&check::mistakes(&loaded.diagnostics, &loaded.sources, style));
    env.err.write_all(text.as_bytes())?;
    if !text.is_empty() {
        return Ok(Err(check::exit(&loaded, true)));
    }
    let (1, Some(plan)) = (loaded.plans_left(), loaded.next_plan()) else {
        return Err(CliError::usage(format!("`{}` does not hold one plan", args.path.display()))
            .hinted("name a file with one document of `kind: RecoveryPlan`"));
    };
    let mistakes = check::mistakes(&plan.diagnostics, &loaded.sources, style);
    env.err.write_all(mistakes.as_bytes())?;
    let Some(model) = plan.model else { return Ok(Err(Exit::Refused)) };
    let (name, kind, part, looks) = match args.kind {
        Some(kind) => {
            let kind = match kind {
                Kind::Readiness => DrillKind::Readiness,
                Kind::Rehearsal => DrillKind::Rehearsal,
            };
            (None, kind, Part { only: args.machines.clone(), ..Part::default() }, false)
        }
        None => {
            let drill = find(&model, args)?;
            refuse(&model, drill)?;
            let name = drill.name.value.clone();
            let only = drill.machines.iter().map(|machine| machine.value.clone()).collect();
            let is_taken_back = is_taken_back(drill.finish.map(|finish| finish.value));
            let part = Part { drill: Some(name.clone()), only, is_taken_back };
            (Some(name), drill.kind.value, part, drill.looks_at_site())
        }
    };
    let pin = Pin::of(&model);
    Ok(Ok(Subject { model, pin, name, kind, part, is_observed: looks || args.live }))
}

fn find<'m>(model: &'m Model, args: &DrillArgs) -> Result<&'m Drill, CliError> {
    let drills = &model.plan.drills;
    let names: Vec<&str> = drills.iter().map(|drill| drill.name.value.as_str()).collect();
    let listed = escape::line(&names.join(", ")).into_owned();
    match (&args.name, drills.as_slice()) {
        (Some(name), _) => drills.iter().find(|drill| drill.name.value == *name).ok_or_else(|| {
            let error = CliError::usage(format!("the plan has no drill `{}`", escape::line(name)));
            if names.is_empty() { error } else { error.hinted(format!("it has: {listed}")) }
        }),
        (None, [one]) => Ok(one),
        (None, []) => Err(CliError::usage("the plan names no drills")
            .hinted("exercise it all the same: --kind rehearsal, or --kind readiness")),
        (None, _) => Err(CliError::usage("the plan names several drills")
            .hinted(format!("choose one with --name: {listed}"))),
    }
}

/// Refuses drills that no architecture or that this one does not have.
fn refuse(model: &Model, drill: &Drill) -> Result<(), CliError> {
    let name = escape::line(&drill.name.value).into_owned();
    let refused = |what: String| Err(CliError::new(Exit::Refused, what));
    match drill.kind.value {
        DrillKind::TestFailover => refused(format!(
            "drill {name}: Site Recovery has no test failover from Azure (FB523); a rehearsal runs on the emulator"
        )),
        DrillKind::Readiness | DrillKind::Rehearsal | DrillKind::Live => {
            let is_classic = model.experience() == Ok(Experience::Classic);
            if is_classic && is_taken_back(drill.finish.map(|finish| finish.value)) {
                return refused(format!(
                    "drill {name} can't end with `cancel`: a classic failback can't be taken back (FB715)"
                ));
            }
            Ok(())
        }
    }
}

impl Subject {
    /// Returns the name of the plan.
    pub(super) fn plan(&self) -> &str {
        &self.model.plan.name.value
    }

    /// Returns the flags with the part of the plan that the drill exercises, and with the digest that the plan has to have.
    pub(super) fn flags(&self, args: &PlanArgs) -> PlanArgs {
        let part = Some(self.part.clone()).filter(|part| *part != Part::default());
        PlanArgs { part, pin: Some(self.pin.clone()), ..args.clone() }
    }
}
