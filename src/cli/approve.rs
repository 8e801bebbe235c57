//! `approve`: answers what a run asks, from another terminal.

use std::path::PathBuf;

use crate::cli::env::Env;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::order;
use crate::cli::order::Addressee;
use crate::cli::runs::LookArgs;
use crate::cli::sign;
use crate::escape;
use crate::event::Order;
use crate::event::RunState;
use crate::event::Shown;
use crate::event::StepStatus;
use crate::graph::StepIndex;
use crate::graph::StepKind;
use crate::graph::StepSubject;
use crate::syntax::action::Phase;

/// Answer what a run asks, from another terminal or after it has stopped to wait
///
/// Only what is asked now is answered: a question that is put later, or anew, is another one. Who answers is the user of the
/// system, or whoever signs with a key that the run's settings name: where the plan names approvers, a signature shows who has the
/// role, and whoever began the run does not count. Without a choice the open questions are listed, with exit code 2.
#[derive(Clone, Debug, clap::Args)]
pub struct ApproveArgs {
    /// Id of the run or the beginning of it, or `latest`
    #[arg(value_name = "RUN", default_value = "latest")]
    pub run: String,
    /// Steps that ask
    #[arg(value_name = "STEP")]
    pub steps: Vec<String>,
    /// Everything that a replication group or boot group asks
    #[arg(long, value_name = "GROUP")]
    pub group: Option<String>,
    /// Everything that a wave asks
    #[arg(long, value_name = "N")]
    pub wave: Option<u16>,
    /// Everything that a phase asks: run, reprotect, failover, verify, commit or forward
    #[arg(long, value_name = "PHASE", value_parser = phase)]
    pub phase: Option<Phase>,
    /// Everything that is asked
    #[arg(long, conflicts_with_all = ["steps", "group", "wave", "phase"])]
    pub all: bool,
    /// Answer no
    #[arg(long)]
    pub deny: bool,
    /// Why, for the record
    #[arg(long, value_name = "WHY")]
    pub reason: Option<String>,
    /// Sign the answer with the private ed25519 key of this file, in OpenSSH or PKCS#8 form, without a passphrase
    #[arg(long, value_name = "FILE", conflicts_with_all = ["statement", "signature"])]
    pub sign_key: Option<PathBuf>,
    /// Write what is to be signed to this file, for `ssh-keygen -Y sign -n failback-approval`, and answer nothing yet
    #[arg(long, value_name = "FILE", conflicts_with = "signature")]
    pub statement: Option<PathBuf>,
    /// Send the answer that this signature of ssh-keygen is of; the statement lies beside it, without `.sig`
    #[arg(
        long,
        value_name = "FILE.sig",
        conflicts_with_all = ["steps", "group", "wave", "phase", "all", "deny", "reason"]
    )]
    pub signature: Option<PathBuf>,
    /// Common flags.
    #[command(flatten)]
    pub look: LookArgs,
}

fn phase(word: &str) -> Result<Phase, String> {
    Phase::from_word(word).ok_or_else(|| format!("write one of {}", Phase::WORDS.join(", ")))
}

/// Answers questions.
///
/// # Errors
///
/// [`CliError`] if nothing that is asked was chosen, or the answer can't be given.
pub fn run(args: &ApproveArgs, env: &mut Env<'_>) -> Result<Exit, CliError> {
    let to = order::find(&args.run, &args.look, env)?;
    if let Some(file) = &args.signature {
        let (order, sender) = sign::made_elsewhere(&to, file, env)?;
        return order::give_as(&to, order, sender, env);
    }
    let open: Vec<StepIndex> =
        to.state.active().filter(|step| to.state.step(*step).status == StepStatus::Asked).collect();
    let chosen: Vec<StepIndex> = open.iter().copied().filter(|step| args.chooses(&to.state, *step)).collect();
    let unknown =
        args.steps.iter().find(|word| !chosen.iter().any(|step| to.state.id(*step).as_str() == **word));
    if let Some(word) = unknown {
        return Err(nothing(&to, &open, &format!("{} asks nothing", escape::line(word))));
    }
    if let Some(why) = args.names_nothing(&to.state) {
        return Err(nothing(&to, &open, &why));
    }
    if chosen.is_empty() {
        let why = if open.is_empty() { "it asks nothing" } else { "nothing that it asks was chosen" };
        return Err(nothing(&to, &open, why));
    }
    let shown = |step: &StepIndex| Shown {
        step: to.state.id(*step).clone(),
        question: to.state.step(*step).question,
    };
    let (questions, reason) = (chosen.iter().map(shown).collect(), args.reason.clone());
    let order =
        if args.deny { Order::Deny { questions, reason } } else { Order::Approve { questions, reason } };
    if let Some(file) = &args.statement {
        return sign::write_statement(&to, &order, file, env);
    }
    match &args.sign_key {
        Some(key) => {
            let sender = sign::with_key(&to, &order, key, env)?;
            order::give_as(&to, order, sender, env)
        }
        None => order::give(&to, order, env),
    }
}

impl ApproveArgs {
    /// Returns what is selected by a name or number that the plan does not have.
    fn names_nothing(&self, state: &RunState) -> Option<String> {
        let graph = state.graph();
        let mut steps = (0..graph.steps().len()).filter_map(|at| StepIndex::try_from(at).ok());
        if let Some(group) = &self.group
            && !steps.clone().any(|step| is_of_group(state, step, group))
        {
            return Some(format!("its plan has no group {}", escape::line(group)));
        }
        let wave = self.wave?;
        let waves = graph.waves().of_machine.iter().copied().max().unwrap_or(0);
        let is_there = steps.any(|step| graph.step(step).wave == wave);
        (!is_there).then(|| match waves {
            1 => format!("its plan has no wave {wave}, only wave 1"),
            last => format!("its plan has no wave {wave}: they are 1 to {last}"),
        })
    }

    /// Returns whether a question is among those that are answered: every selection that is given has to match.
    fn chooses(&self, state: &RunState, step: StepIndex) -> bool {
        if self.all {
            return true;
        }
        let selects =
            !self.steps.is_empty() || self.group.is_some() || self.wave.is_some() || self.phase.is_some();
        selects
            && (self.steps.is_empty() || self.steps.iter().any(|word| word == state.id(step).as_str()))
            && self.group.as_ref().is_none_or(|group| is_of_group(state, step, group))
            && self.wave.is_none_or(|wave| waves_of(state, step).contains(&wave))
            && self.phase.is_none_or(|phase| phases_of(state, step).contains(&phase))
    }
}

/// Returns what the hooks of an action name.
fn hooked_to(state: &RunState, step: StepIndex) -> Vec<&str> {
    let StepSubject::Action(action) = state.graph().step(step).subject else { return Vec::new() };
    let action = &state.graph().model().plan.actions[action];
    let hooks = [action.before.as_ref(), action.after.as_ref()];
    let of = hooks.into_iter().flatten().filter_map(|hook| hook.of.as_ref());
    of.map(|of| of.value.as_str()).collect()
}

fn is_of_group(state: &RunState, step: StepIndex, group: &str) -> bool {
    let graph = state.graph();
    if graph.subject_name(step) == group || hooked_to(state, step).contains(&group) {
        return true;
    }
    let model = graph.model();
    let machines = graph.machines_of(step);
    machines.iter().any(|machine| {
        let boot_group = machine.boot_group().map(|at| &model.plan.boot_groups[at].name.value);
        machine.group().is_some_and(|own| own.name().value == group)
            || boot_group.is_some_and(|name| name == group)
    })
}

fn waves_of(state: &RunState, step: StepIndex) -> Vec<u16> {
    let graph = state.graph();
    let wave = graph.step(step).wave;
    if wave > 0 {
        return vec![wave];
    }
    let model = graph.model();
    let named = hooked_to(state, step);
    let is_meant = |machine: &crate::model::Machine<'_>| {
        named.contains(&machine.name().value.as_str())
            || machine.group().is_some_and(|group| named.contains(&group.name().value.as_str()))
    };
    model.machines().filter(is_meant).map(|machine| graph.waves().of_machine[machine.index()]).collect()
}

fn phases_of(state: &RunState, step: StepIndex) -> Vec<Phase> {
    let phase = match state.graph().step(step).kind {
        StepKind::Preflight | StepKind::Prepare | StepKind::Barrier | StepKind::BootGroup => Phase::Run,
        StepKind::AwaitAzureAgent
        | StepKind::AwaitDeletion
        | StepKind::Reprotect
        | StepKind::AwaitProtected => Phase::Reprotect,
        StepKind::ApproveFailover | StepKind::AwaitPoint | StepKind::Recheck | StepKind::Failover => {
            Phase::Failover
        }
        StepKind::Verify => Phase::Verify,
        StepKind::ApproveCommit | StepKind::Commit | StepKind::Cleanup => Phase::Commit,
        StepKind::AwaitAgent | StepKind::Forward | StepKind::AwaitForward => Phase::Forward,
        StepKind::Action => {
            let StepSubject::Action(action) = state.graph().step(step).subject else { return Vec::new() };
            let action = &state.graph().model().plan.actions[action];
            let hooks = [action.before.as_ref(), action.after.as_ref()];
            return hooks.into_iter().flatten().map(|hook| hook.phase.value).collect();
        }
    };
    vec![phase]
}

/// Returns that nothing was answered, with what is asked.
fn nothing(to: &Addressee, open: &[StepIndex], why: &str) -> CliError {
    let mut error = CliError::usage(format!("run {}: {why}", to.run));
    for step in open {
        let (id, asked) = (to.state.id(*step), to.state.step(*step));
        let roles =
            if asked.roles.is_empty() { String::new() } else { format!(" [{}]", asked.roles.join(", ")) };
        let prompt = asked.note.as_deref().unwrap_or_default();
        error = error.hinted(format!("{id} asks{roles}: {prompt}"));
    }
    if open.is_empty() && !to.has_ended() {
        error = error.hinted(format!("how it stands: failback show {}{}", to.run, to.flags()));
    }
    error
}
