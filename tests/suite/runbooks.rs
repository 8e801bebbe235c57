//! Runbooks of a run: begun once for each attempt, followed to their end, stopped when they take too long.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::Mutex;

use async_trait::async_trait;
use failback::clock::Clock as _;
use failback::clock::pace::Pace;
use failback::event::Order;
use failback::event::Outcome;
use failback::event::RunEvent;
use failback::event::RunEventKind;
use failback::id::IdempotencyKey;
use failback::id::StepId;
use failback::provider::Automate;
use failback::provider::ProviderError;
use failback::provider::RunbookJob;
use failback::provider::RunbookOrder;
use failback::provider::RunbookSeen;
use failback::provider::RunbookStatus;
use failback::provider::azure::Automation;
use failback::provider::azure::Consent;
use failback::provider::azure::WriteClient;
use failback::provider::emulator::http::Runbook;
use failback::provider::emulator::http::ServerOptions;
use failback::provider::emulator::http::WireFault;
use failback::provider::emulator::http::WireFaultKind;
use failback::provider::emulator::http::WireFaults;
use failback::run::End;
use failback::run::hook::Hooks;
use failback::run::hook::Left;
use failback::run::hook::RunbookHooks;
use failback::run::hook::Simulated;
use failback::run::hook::Variables;
use failback::syntax::action::Action;

use crate::azure_client::Vault;
use crate::lab;
use crate::lab::Process;
use crate::lab::Ran;
use crate::lab::World;
use crate::lab::site::Site;
use crate::wire_lab::options;

const ACCOUNT: &str =
    "\nautomation_accounts:\n  - {name: aa-dr, subscription_id: 11111111-1111-1111-1111-111111111111}\n";

/// Returns the classic world with a runbook before everything else; `more` is of the action.
fn world(runbook: &str, more: &str) -> World {
    let (plan, inventory) = lab::CLASSIC;
    let action = format!(
        "actions:\n  - {{name: warm, before: {{phase: run}}, runbook: {{automation_account: aa-dr, name: {runbook}, parameters: {{site: icn, rows: 3}}}}{more}}}\n"
    );
    lab::world(&format!("{plan}\n{action}"), &format!("{inventory}{ACCOUNT}"))
}

fn action(world: &World) -> Action {
    world.graph.model().plan.actions[0].clone()
}

fn variables(attempt: u32) -> Variables {
    let key = IdempotencyKey::new(format!("r1/warm/{attempt}"));
    Variables { key, plan: "classic".into(), run: "r1".into(), outcome: "success".into() }
}

/// A vault whose runbooks do what their names say.
async fn vault(world: World, faults: Vec<WireFault>) -> Vault {
    let script = |seconds: u32, failure: Option<&str>, output: &str| Runbook {
        seconds,
        failure: failure.map(str::to_owned),
        output: output.into(),
    };
    let runbooks = [
        ("Warm".into(), script(90, None, "3 caches are warm\npassword=hunter2hunter2")),
        ("Fail".into(), script(20, Some("no cache; AccountKey=canary=="), "")),
        ("Hang".into(), script(100_000, None, "")),
    ];
    let wire_faults = WireFaults { seed: 1, faults };
    Vault::of(world, ServerOptions { runbooks: runbooks.into(), wire_faults, ..options() }).await
}

/// Returns the hooks of a process that knows nothing yet; the world's time passes when they wait.
fn hooks(vault: &Vault) -> RunbookHooks {
    let writer = WriteClient::new(vault.reader.clone(), Consent::to_change(Vault::id(&vault.wire)));
    let automation = Arc::new(Automation::new(writer));
    RunbookHooks::new(Arc::new(Simulated), automation, vault.wire.pace.clone(), &BTreeMap::new())
}

/// Returns the jobs that the account has, each with its state.
async fn jobs(vault: &Vault) -> Vec<(String, String)> {
    let of = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg-vault/providers/Microsoft.Automation/automationAccounts/aa-dr/jobs";
    let text = |value: &serde_json::Value| value.as_str().expect("it is text").to_owned();
    let listed = vault.wire.list(of).await;
    listed.iter().map(|job| (text(&job["name"]), text(&job["properties"]["status"]))).collect()
}

#[tokio::test]
async fn a_runbook_is_followed_to_its_end_and_its_secrets_are_not_kept() {
    let vault = vault(world("Warm", ""), Vec::new()).await;
    let action = action(&vault.world);
    let done = hooks(&vault).action(&action, &variables(1)).await.expect("it succeeds");
    assert!(done.contains(" completed: 3 caches are warm"), "{done}");
    assert!(done.contains("password=***") && !done.contains("hunter2"), "{done}");
    let jobs = jobs(&vault).await;
    let [(name, state)] = jobs.as_slice() else { panic!("{jobs:?}") };
    assert!(done.contains(name.as_str()) && state == "Completed", "{done} {jobs:?}");
}

#[tokio::test]
async fn a_runbook_that_throws_fails_its_action() {
    let vault = vault(world("Fail", ""), Vec::new()).await;
    let action = action(&vault.world);
    let failed = hooks(&vault).action(&action, &variables(1)).await.expect_err("it throws");
    assert!(failed.contains("ended as Failed: no cache; […]"), "{failed}");
    assert!(!failed.contains("canary"), "{failed}");
}

#[tokio::test]
async fn a_runbook_that_takes_too_long_is_stopped() {
    let vault = vault(world("Hang", ", timeout: 2m"), Vec::new()).await;
    let action = action(&vault.world);
    let failed = hooks(&vault).action(&action, &variables(1)).await.expect_err("it hangs");
    assert!(failed.contains("took longer than 2m and was stopped"), "{failed}");
    assert_eq!(jobs(&vault).await.iter().map(|(_, state)| state.as_str()).collect::<Vec<_>>(), ["Stopped"]);
}

#[tokio::test]
async fn an_attempt_has_one_job_whatever_is_lost_and_another_attempt_another_one() {
    for kind in [WireFaultKind::ResetAfter, WireFaultKind::ResetBefore, WireFaultKind::Busy] {
        let fault = WireFault::always(kind).on("PUT").times(1).of_seconds(7.0);
        let vault = vault(world("Warm", ""), vec![fault]).await;
        let action = action(&vault.world);
        let first = hooks(&vault).action(&action, &variables(1)).await;
        let first = first.unwrap_or_else(|error| panic!("{kind:?}: {error}"));
        // Another process, after this one ended.
        assert_eq!(hooks(&vault).leftover(&action), Left::Findable);
        let again = hooks(&vault).action(&action, &variables(1)).await;
        assert_eq!(again, Ok(first), "{kind:?}");
        assert_eq!(jobs(&vault).await.len(), 1, "{kind:?}");
        let second = hooks(&vault).action(&action, &variables(2)).await;
        assert!(second.is_ok(), "{kind:?}: {second:?}");
        assert_eq!(jobs(&vault).await.len(), 2, "{kind:?}");
    }
}

#[tokio::test]
async fn a_job_that_is_found_again_has_had_its_time_since_it_was_begun() {
    let vault = vault(world("Hang", ", timeout: 10m"), Vec::new()).await;
    let action = action(&vault.world);
    let dying = hooks(&vault);
    let variables = variables(1);
    tokio::select! {
        ended = dying.action(&action, &variables) => panic!("it hangs: {ended:?}"),
        () = async { while jobs(&vault).await.is_empty() {} } => {}
    }
    vault.wire.pass(9 * 60).await;
    let before = vault.wire.pace.now();
    let failed = hooks(&vault).action(&action, &variables).await.expect_err("it hangs");
    assert!(failed.contains("took longer than 10m and was stopped"), "{failed}");
    let took = vault.wire.pace.now().duration_since(before).as_secs();
    assert!(took < 5 * 60, "{took} s");
}

#[tokio::test]
async fn an_account_that_is_not_there_is_said() {
    let vault = vault(world("Warm", ""), Vec::new()).await;
    let mut action = action(&vault.world);
    let runbook = action.runbook.as_mut().expect("it is a runbook");
    runbook.automation_account.value = "aa-other".into();
    let failed = hooks(&vault).action(&action, &variables(1)).await.expect_err("no account");
    assert!(failed.contains("no Automation account `aa-other`; it has aa-dr"), "{failed}");
}

/// An Automation that outlives its processes.
#[derive(Default)]
struct Jobs {
    /// Each key with how often it was asked for.
    begun: Mutex<BTreeMap<String, u32>>,
    /// Keys whose jobs fail.
    failing: Vec<&'static str>,
}

impl Jobs {
    fn keys(&self) -> Vec<String> {
        self.begun.lock().expect("no thread panics").keys().cloned().collect()
    }
}

#[async_trait]
impl Automate for Jobs {
    async fn begin(&self, order: &RunbookOrder, key: &IdempotencyKey) -> Result<RunbookJob, ProviderError> {
        let parameters = [("site".to_owned(), "icn".to_owned()), ("rows".to_owned(), "3".to_owned())];
        assert_eq!(order.parameters, parameters);
        *self.begun.lock().expect("no thread panics").entry(key.to_string()).or_default() += 1;
        Ok(RunbookJob { account: order.account.clone(), name: key.to_string() })
    }

    async fn status(&self, job: &RunbookJob) -> Result<Option<RunbookSeen>, ProviderError> {
        let fails = self.failing.contains(&job.name.as_str());
        let status = if fails {
            RunbookStatus::Failed { state: "Failed".into(), message: "cold".into() }
        } else {
            RunbookStatus::Completed
        };
        Ok(Some(RunbookSeen { created_at: None, status }))
    }

    async fn output(&self, _: &RunbookJob) -> Result<String, ProviderError> {
        Ok(String::new())
    }

    async fn stop(&self, _: &RunbookJob) -> Result<(), ProviderError> {
        Ok(())
    }
}

const STEP: &str = "action/warm";

fn drive(world: &World, site: &Site, jobs: &Arc<Jobs>, process: Process) -> Ran {
    let pace: Arc<dyn Pace> = site.pace();
    let automation: Arc<dyn Automate> = jobs.clone();
    let hooks = RunbookHooks::new(Arc::new(Simulated), automation, pace, &BTreeMap::new());
    world.drive(site, Process { hooks: Arc::new(hooks), ..process })
}

fn is_begin(event: &RunEvent) -> bool {
    matches!(&event.kind, RunEventKind::ActionStarted { step } if step.as_str() == STEP)
}

#[test]
fn a_process_that_dies_between_the_intent_and_the_answer_leaves_a_job_that_the_next_one_finds() {
    let world = world("Warm", "");
    let jobs = Arc::new(Jobs::default());
    let ran = drive(&world, &world.site(), &jobs, Process::default());
    assert_eq!(ran.end, Ok(End::Finished(Outcome::Succeeded)), "{}", ran.said());
    let intent = ran.events.iter().position(is_begin).expect("it was begun") + 1;
    for arrived in [true, false] {
        let jobs = if arrived { Arc::clone(&jobs) } else { Arc::default() };
        let resumed = drive(&world, &world.site(), &jobs, Process::after(&ran.events[..intent]));
        assert_eq!(resumed.end, Ok(End::Finished(Outcome::Succeeded)), "{}", resumed.said());
        assert_eq!(jobs.keys(), [format!("r1/{STEP}/1")], "nothing was begun twice");
        assert_eq!(resumed.events.iter().filter(|event| is_begin(event)).count(), 1);
        let asked = |kind: &RunEventKind| matches!(kind, RunEventKind::ApprovalAsked { step, .. } if step.as_str() == STEP);
        assert!(!resumed.has(asked), "its outcome is known: nobody is asked");
    }
}

#[test]
fn a_runbook_that_is_done_again_is_a_new_job() {
    let world = world("Warm", "");
    let jobs = Arc::new(Jobs { failing: vec!["r1/action/warm/1"], ..Jobs::default() });
    let site = world.site();
    let failed = drive(&world, &site, &jobs, Process::default());
    assert_eq!(failed.failure(STEP), Some("action-failed"), "{}", failed.said());
    let order = Order::Retry { step: StepId::new(STEP), downstream: true, disks_attached: false };
    let process = Process { waiting: vec![("kim".into(), order)], ..Process::after(&failed.events) };
    let ran = drive(&world, &site, &jobs, process);
    assert_eq!(ran.end, Ok(End::Finished(Outcome::Succeeded)), "{}", ran.said());
    assert_eq!(jobs.keys(), ["r1/action/warm/1", "r1/action/warm/2"]);
}
