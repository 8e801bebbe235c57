//! One plan, read and checked, for the commands that go on with it.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;

use crate::cli::args::PlanArgs;
use crate::cli::check;
use crate::cli::check::Format;
use crate::cli::env::Env;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::load;
use crate::cli::load::Loaded;
use crate::cli::load::LoadedPlan;
use crate::cli::pin;
use crate::escape;
use crate::model::digest;
use crate::model::resolve;
use crate::model::restrict;
use crate::model::restrict::LeftOut;
use crate::model::restrict::Part;
use crate::render::style::Verbosity;
use crate::rules::CheckedPlan;
use crate::rules::Found;
use crate::rules::Policies;
use crate::source::Sources;
use crate::source::Span;

/// The moment at which dates are measured unless `--now` gives one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// The clock's.
    Clock,
    /// When the facts were observed, as on the emulator; the clock's, if the inventory does not say.
    Observed,
}

/// A plan that nothing refuses.
#[derive(Debug)]
pub struct Ready {
    /// The plan.
    pub plan: CheckedPlan,
    /// What rules found about it: warnings, what is open, what the run waits for.
    pub findings: Found,
    /// An organisation's own rules, which it was checked against.
    pub policies: Arc<Policies>,
    /// The texts that it was read from.
    pub sources: Sources,
    /// Which of the texts holds what.
    pub texts: Texts,
    /// Which part of the plan this is; without it, the whole.
    pub part: Option<Part>,
    /// What the part does without.
    pub left_out: Vec<LeftOut>,
}

/// Which texts a plan was read from, by their indexes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Texts {
    /// The plan's.
    pub plan: usize,
    /// That of its inventory, which may be the plan's; none if nothing is known.
    pub inventory: Option<usize>,
    /// Those of the policies that are not beside the plan.
    pub policies: Vec<usize>,
    /// Whether a policy stands in the plan's own text.
    pub policy_in_plan: bool,
}

impl Texts {
    fn of(plan: &LoadedPlan, loaded: &Loaded) -> Self {
        let index = |span: Span| {
            let source = loaded.sources.source_of(span)?;
            loaded.sources.all().iter().position(|other| std::ptr::eq(other, source))
        };
        let of_plan = index(plan.name.span).unwrap_or(0);
        let inventory = plan.model.as_ref().and_then(|model| index(model.inventory.name.span));
        let mut policies: Vec<usize> =
            loaded.policies.iter().filter_map(|policy| index(policy.name.span)).collect();
        policies.dedup();
        let policy_in_plan = policies.contains(&of_plan);
        policies.retain(|policy| *policy != of_plan);
        Self { plan: of_plan, inventory, policies, policy_in_plan }
    }
}

impl Ready {
    /// Returns the digests of the texts that the policies were read from.
    #[must_use]
    pub fn policy_digests(&self) -> BTreeSet<String> {
        let texts = &self.texts;
        let of_plan = texts.policy_in_plan.then_some(texts.plan);
        let all = texts.policies.iter().copied().chain(of_plan);
        all.map(|index| digest::of_text(self.sources.get(index).text())).collect()
    }
}

/// Reads and checks the one plan of a file.
///
/// What refuses the plan goes to standard error, with the exit code in place of the plan.
///
/// # Errors
///
/// [`CliError`] if the file does not hold exactly one plan, or the output can't be written.
pub fn ready(
    path: &Path,
    args: &PlanArgs,
    moment: Moment,
    env: &mut Env<'_>,
) -> Result<Result<Ready, Exit>, CliError> {
    ready_telling(path, args, moment, Format::Human, env)
}

/// Does the same, and prints what refuses the plan as `check --format json` does, if that is the format of the command.
///
/// # Errors
///
/// As [`ready`].
pub fn ready_telling(
    path: &Path,
    args: &PlanArgs,
    moment: Moment,
    format: Format,
    env: &mut Env<'_>,
) -> Result<Result<Ready, Exit>, CliError> {
    if env.path(path).is_dir() {
        return Err(CliError::usage(format!("`{}` is a folder, not a plan", path.display()))
            .hinted("name a file with one plan"));
    }
    let mut loaded = load::load(&[path.to_owned()], args, env);
    let style = env.talk_style();
    let mut text = check::failures(&loaded.failures, style);
    text.push_str(&check::mistakes(&loaded.diagnostics, &loaded.sources, style));
    env.err.write_all(text.as_bytes())?;
    if !text.is_empty() {
        if format == Format::Json {
            check::print_json(&loaded, None, env)?;
        }
        return Ok(Err(check::exit(&loaded, true)));
    }
    check::tell_stale(&loaded, env)?;
    let (1, Some(plan)) = (loaded.plans_left(), loaded.next_plan()) else {
        let several = if loaded.plans_left() > 0 { "several plans" } else { "no plan" };
        return Err(CliError::usage(format!("`{}` holds {several}", path.display()))
            .hinted("name a file with one document of `kind: RecoveryPlan`"));
    };
    if let Some(model) = &plan.model {
        pin::refuse_another(args, model)?;
    }
    let (plan, left_out) = in_part(plan, args.part.as_ref())?;
    let now = match (moment, &plan.model) {
        (Moment::Observed, Some(model)) => model.observed_at().unwrap_or_else(|_| env.clock.now()),
        (Moment::Observed, None) | (Moment::Clock, _) => env.clock.now(),
    };
    let texts = Texts::of(&plan, &loaded);
    let policies = Arc::clone(&plan.policies);
    let mut checked = check::evaluate(plan, &args.options(now));
    match checked.plan.take() {
        Some(plan) => {
            let (findings, sources) = (checked.findings, loaded.sources);
            Ok(Ok(Ready { plan, findings, policies, sources, texts, part: args.part.clone(), left_out }))
        }
        None => {
            let mut style = style;
            style.verbosity = style.verbosity.min(Verbosity::Normal);
            env.err.write_all(check::outcome(&checked, &loaded.sources, style).as_bytes())?;
            if format == Format::Json {
                check::print_json(&loaded, Some(&checked), env)?;
            }
            Ok(Err(Exit::Refused))
        }
    }
}

/// Returns a part of a plan that was read, and what it does without; the whole, if no part is named.
///
/// # Errors
///
/// [`CliError`] if the plan has no such part.
pub(crate) fn in_part(plan: LoadedPlan, part: Option<&Part>) -> Result<(LoadedPlan, Vec<LeftOut>), CliError> {
    let (Some(part), Some(model)) = (part, &plan.model) else { return Ok((plan, Vec::new())) };
    let restricted = restrict::restrict(&model.plan, part).map_err(|errors| {
        let names: Vec<String> = errors.iter().map(ToString::to_string).collect();
        CliError::usage(format!("there is no such part of the plan: {}", escape::line(&names.join("; "))))
            .hinted("name machines that are in no replication group, and replication groups")
    })?;
    let model = resolve(restricted.plan, model.inventory.clone());
    Ok((LoadedPlan { model: Some(model), ..plan }, restricted.left_out))
}
