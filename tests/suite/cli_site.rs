//! The commands that ask a real site, against an emulated one on the loopback whose time stands still.

use std::sync::Arc;

use failback::cli;
use failback::cli::env::Env;
use failback::clock::Clock;
use failback::clock::SystemClock;
use failback::clock::pace::Speed;
use failback::clock::pace::WorldPace;
use failback::provider::emulator::Emulator;
use failback::provider::emulator::Scenario;
use failback::provider::emulator::http::Server;
use failback::provider::emulator::http::ServerHandle;
use failback::provider::emulator::http::ServerOptions;
use failback::rules;
use failback::rules::Options;
use failback::rules::OriginFilter;
use failback::syntax::inventory::Inventory;
use jiff::Timestamp;
use secrecy::ExposeSecret as _;

use crate::estate;
use crate::support::CLASSIC_INVENTORY;
use crate::support::CLASSIC_PLAN;
use crate::support::Ended;
use crate::support::Folder;
use crate::support::inventory;

/// A clock that begins when the facts were observed, and goes as every clock does.
struct Going {
    began: Timestamp,
}

impl Clock for Going {
    fn now(&self) -> Timestamp {
        start() + SystemClock.now().duration_since(self.began)
    }
}

/// A folder with a plan, and its site on the loopback.
pub struct Site {
    pub folder: Folder,
    pub handle: ServerHandle,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Drop for Site {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn start() -> Timestamp {
    "2025-06-01T00:00:00Z".parse().expect("a time")
}

impl Site {
    fn serving() -> Self {
        Self::of(CLASSIC_INVENTORY)
    }

    fn of(facts: &str) -> Self {
        let folder = Folder::with(&[("classic.plan.yaml", CLASSIC_PLAN), ("classic.inventory.yaml", facts)]);
        Self::in_folder(folder, inventory(facts))
    }

    /// Serves the site of these facts.
    pub fn in_folder(folder: Folder, facts: Inventory) -> Self {
        Self::set_up(folder, facts, ServerOptions::default())
    }

    /// Serves a site that is set up so.
    pub fn set_up(folder: Folder, facts: Inventory, options: ServerOptions) -> Self {
        let start = facts.observed_at.as_deref().copied().expect("the world has a time");
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let (told, tells) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime can be made").block_on(async {
                let pace = Arc::new(WorldPace::new(start, Speed::Max));
                let world = Emulator::in_memory(facts, Scenario::default(), start, pace.clone());
                let server = Server::bind(Arc::new(world), pace, options).await.expect("a port is free");
                told.send(server.handle()).expect("the test waits for it");
                server.serve(async { drop(stopped.await) }).await;
            });
        });
        let handle = tells.recv().expect("the server begins");
        Self { folder, handle, stop: Some(stop), thread: Some(thread) }
    }

    /// Runs a command line with the environment that reaches the site, changed as `with` says.
    pub fn run_with(&self, arguments: &[&str], with: &[(&str, &str)]) -> Ended {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let clock = Going { began: SystemClock.now() };
        let mut env = Env::new(&mut out, &mut err, self.folder.path(), Arc::new(clock));
        let options = self.handle.options();
        let token = options.access.token.as_ref().expect("the server has one").expose_secret();
        let mut set = |name: &str, value: &str| drop(env.variables.insert(name.to_owned(), value.to_owned()));
        set("FAILBACK_AZURE_ENDPOINT", &self.handle.url());
        set("AZURE_AUTHORITY_HOST", &self.handle.url());
        set("FAILBACK_AZURE_TOKEN", token);
        set("FAILBACK_VCENTER_URL", &format!("{}/sdk", self.handle.url()));
        set("FAILBACK_VCENTER_USER", &options.vcenter_user);
        set("FAILBACK_VCENTER_PASSWORD", options.vcenter_password.expose_secret());
        with.iter().for_each(|(name, value)| set(name, value));
        let exit = cli::run(std::iter::once("failback").chain(arguments.iter().copied()), &mut env).code();
        let text = |bytes| String::from_utf8(bytes).expect("outputs are text");
        Ended { exit, out: text(out), err: text(err) }
    }

    /// Runs a command line with the environment that reaches the site.
    pub fn run(&self, arguments: &[&str]) -> Ended {
        self.run_with(arguments, &[])
    }

    /// Returns how many requests changed something; a session of vCenter changes nothing.
    pub fn orders(&self) -> u64 {
        let counts = self.handle.counts();
        let asked = |kind: &str| kind.starts_with("GET ") || kind.starts_with("POST sdk");
        counts.iter().filter(|(kind, _)| !asked(kind)).map(|(_, count)| count).sum()
    }
}

const RUN: [&str; 4] = ["run", "classic.plan.yaml", "--provider", "azure"];

#[test]
fn doctor_finds_nothing_wrong_with_a_site_that_is_well() {
    let site = Site::serving();
    let ended = site.run(&["doctor", "--inventory", "classic.inventory.yaml", "--format", "json"]);
    assert_eq!(ended.exit, 0, "{}", ended.said());
    let record = ended.json();
    let checks = record["checks"].as_array().expect("checks");
    let of =
        |name: &str| checks.iter().find(|check| check["name"] == name).map(|check| check["result"].clone());
    for name in ["credentials", "reachability", "vault", "rights", "vCenter vc1"] {
        assert_eq!(of(name), Some("ok".into()), "{name}: {record:#}");
    }
}

/// The classic site, with w3 on a host that no vCenter manages.
fn with_a_host_alone() -> String {
    let mut text = CLASSIC_INVENTORY.replace("{name: esx2, vcenter: vc1,", "{name: esx2, vcenter: null,");
    let written = "000000000003, vcenter: vc1, host: esx1,";
    assert!(text.contains(written), "w3 is on esx1");
    text = text.replace(written, "000000000003, vcenter: null, host: esx2,");
    text
}

#[test]
fn a_host_under_no_vcenter_is_asked_at_its_own_address() {
    let site = Site::of(&with_a_host_alone());
    let doctor = ["doctor", "--inventory", "classic.inventory.yaml"];
    let pull = ["inventory", "pull", "--base", "classic.inventory.yaml"];
    let unasked = site.run(&doctor);
    assert_eq!(unasked.exit, 0, "{}", unasked.said());
    assert!(unasked.out.contains("warning  host esx2"), "{}", unasked.said());
    assert!(unasked.out.contains("--vcenter esx2=URL"), "{}", unasked.said());
    let power = |text: &str| {
        let text = text.split("- name: w3").nth(1).expect("w3 is told");
        let onprem = text.split("onprem_vm:").nth(1).and_then(|text| text.split("disks:").next());
        onprem.expect("what is on-premises is told").contains("power_state: stopped")
    };
    let pulled = site.run(&pull);
    assert!(!power(&pulled.out), "nobody can know: {}", pulled.said());

    let address = format!("{}/sdk/esx2", site.handle.url());
    let with = [("FAILBACK_VCENTER_URL_ESX2", address.as_str())];
    let asked = site.run_with(&doctor, &with);
    assert_eq!(asked.exit, 0, "{}", asked.said());
    assert!(asked.out.contains("ok       host esx2: VMware ESXi 7.0"), "{}", asked.said());
    let pulled = site.run_with(&pull, &with);
    assert!(power(&pulled.out), "the host told: {}", pulled.said());
    assert!(pulled.out.contains("vcenter: null"), "{}", pulled.said());
    let both = [&pull[..], &["--vcenter", "vc1=VC1", "--vcenter", "esx2=ESX2"]].concat();
    let vcenter = format!("vc1={}/sdk/vc1", site.handle.url());
    let host = format!("esx2={address}");
    let both: Vec<&str> = both
        .iter()
        .map(|word| match *word {
            "vc1=VC1" => vcenter.as_str(),
            "esx2=ESX2" => host.as_str(),
            word => word,
        })
        .collect();
    assert!(power(&site.run(&both).out), "by flags too");
    let wrong =
        site.run_with(&doctor, &[("FAILBACK_VCENTER_URL_ESX2", &format!("{}/sdk/vc1", site.handle.url()))]);
    assert_eq!(wrong.exit, 3, "{}", wrong.said());
    assert!(wrong.out.contains("a vCenter answers at"), "{}", wrong.said());
}

#[test]
fn a_token_and_a_password_that_are_wrong_are_told_apart_and_never_shown() {
    let site = Site::serving();
    let doctor = ["doctor", "--inventory", "classic.inventory.yaml"];
    let token = site.run_with(&doctor, &[("FAILBACK_AZURE_TOKEN", "canary-of-a-token")]);
    assert_eq!(token.exit, 3, "{}", token.said());
    let password = site.run_with(&doctor, &[("FAILBACK_VCENTER_PASSWORD", "canary-of-a-password")]);
    assert_eq!(password.exit, 3, "{}", password.said());
    assert!(password.said().contains("failed   vCenter vc1"), "{}", password.said());
    for said in [token.said(), password.said()] {
        assert!(!said.contains("canary"), "{said}");
    }
}

#[test]
fn a_second_pull_of_a_site_where_nothing_happened_changes_nothing() {
    let site = Site::serving();
    let pull = ["inventory", "pull", "-o", "classic.inventory.yaml"];
    let first = site.run(&pull);
    assert_eq!(first.exit, 0, "{}", first.said());
    let text =
        std::fs::read_to_string(site.folder.path().join("classic.inventory.yaml")).expect("it is there");
    let second = site.run(&pull);
    assert!(second.out.contains("4 machines, nothing has changed"), "{}", second.said());
    let again =
        std::fs::read_to_string(site.folder.path().join("classic.inventory.yaml")).expect("it is there");
    let without_times = |text: &str| {
        text.lines().filter(|line| !line.contains("2025-06-01T00:00:")).collect::<Vec<_>>().join("\n")
    };
    assert_eq!(without_times(&text), without_times(&again));
    assert!(text.contains("lvm: false") && text.contains("azure_to_onprem"), "what a person knows stays");
    // The plan is as good with what was observed as with what was written by hand.
    let checked = site.run(&["check", "classic.plan.yaml"]);
    assert_eq!(checked.exit, 0, "{}", checked.said());
    assert_eq!(site.orders(), 0, "a pull only reads");
}

#[test]
fn what_is_in_the_vault_becomes_a_plan_that_passes_the_check() {
    let site = Site::serving();
    let ended = site.run(&["import", "--inventory", "classic.inventory.yaml", "-o", "made"]);
    assert_eq!(ended.exit, 0, "{}", ended.said());
    assert!(ended.out.contains("made/others.plan.yaml: 4 machines"), "{}", ended.said());
    let hint = "failback check made --inventory classic.inventory.yaml";
    assert!(ended.out.contains(hint), "the facts lie outside of the folder: {}", ended.said());
    let checked = site.run(&hint.split(' ').skip(1).collect::<Vec<_>>());
    assert_eq!(checked.exit, 0, "{}", checked.said());
    let beside = site.run(&["import", "--inventory", "classic.inventory.yaml", "-o", "."]);
    assert_eq!(beside.exit, 0, "{}", beside.said());
    let checked = site.run(&["check", "others.plan.yaml"]);
    assert_eq!(checked.exit, 0, "{}", checked.said());
    let again = site.run(&["import", "--inventory", "classic.inventory.yaml", "-o", "made"]);
    assert_eq!(again.exit, 2, "{}", again.said());
    assert!(again.err.contains("nothing was written"), "{}", again.said());
}

#[test]
fn a_real_site_is_changed_only_if_somebody_confirms_the_plans_name() {
    let site = Site::serving();
    for (flags, told) in [
        (vec![], "only if somebody confirms"),
        (vec!["--confirm", "clasic"], "`clasic` is not the name of the plan"),
    ] {
        let ended = site.run(&[&RUN[..], &flags].concat());
        assert_eq!(ended.exit, 2, "{}", ended.said());
        assert!(ended.err.contains(told), "{}", ended.said());
        assert!(ended.err.contains("vault-seoul") && ended.err.contains("4 reprotects"), "{}", ended.said());
    }
    assert_eq!(site.orders(), 0);
    assert!(site.run(&["runs"]).said().contains("no run"), "nothing was entered");
}

#[test]
fn a_run_that_only_reads_stops_at_the_first_thing_that_it_would_change() {
    let site = Site::serving();
    let ended = site.run(&[&RUN[..], &["--read-only", "--live", "--auto-approve"]].concat());
    assert_eq!(ended.exit, 3, "{}", ended.said());
    assert!(ended.out.contains("preflight is done"), "{}", ended.said());
    assert!(ended.out.contains("--read-only"), "{}", ended.said());
    assert_eq!(site.orders(), 0, "{:?}", site.handle.counts());
    let again = site.run(&["retry", "latest", "prepare", "--downstream"]);
    assert_eq!(again.exit, 0, "{}", again.said());
    let resumed = site.run(&["resume", "--auto-approve"]);
    assert_eq!(resumed.exit, 3, "{}", resumed.said());
    assert!(resumed.out.contains("--read-only"), "{}", resumed.said());
    assert_eq!(
        site.orders(),
        0,
        "a run that began so only reads when it is taken over: {:?}",
        site.handle.counts()
    );
}

#[test]
fn a_run_that_only_reads_runs_no_action_either_and_a_confirmation_names_its_runbooks() {
    let site = Site::serving();
    let action = "actions:\n  - {name: warm, before: {phase: run}, runbook: {automation_account: aa-dr, name: Warm-Cache}}\n";
    site.folder.write("classic.plan.yaml", format!("{CLASSIC_PLAN}\n{action}").as_bytes());
    let account =
        "automation_accounts:\n  - {name: aa-dr, subscription_id: 11111111-1111-1111-1111-111111111111}\n";
    site.folder.write("classic.inventory.yaml", format!("{CLASSIC_INVENTORY}\n{account}").as_bytes());
    let ended = site.run(&[&RUN[..], &["--read-only", "--auto-approve"]].concat());
    assert_eq!(ended.exit, 3, "{}", ended.said());
    assert!(ended.out.contains("warm") && ended.out.contains("--read-only"), "{}", ended.said());
    assert_eq!(site.orders(), 0, "{:?}", site.handle.counts());
    let ended = site.run(&[&RUN[..], &["--confirm", "other"]].concat());
    assert!(ended.err.contains("Warm-Cache of aa-dr"), "{}", ended.said());
}

/// The site's time stands still, and the run's waits take it along: nothing here takes longer on a slow machine than its requests.
#[test]
fn a_whole_run_brings_every_machine_of_the_branch_office_home() {
    let read = |name: &str| {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("plans").join(name);
        std::fs::read_to_string(path).expect("the example is there")
    };
    let (plan, facts) = (read("branch-office.plan.yaml"), read("branch-office.inventory.yaml"));
    let folder =
        Folder::with(&[("branch-office.plan.yaml", &plan), ("branch-office.inventory.yaml", &facts)]);
    let site = Site::in_folder(folder, inventory(&facts));
    let run = ["run", "branch-office.plan.yaml", "--provider", "azure", "--auto-approve", "--live"];
    let ended = site.run(&[&run[..], &["--confirm", "branch-office"]].concat());
    assert_eq!(ended.exit, 0, "{}", ended.said());
    assert!(ended.err.contains("6 reprotects"), "{}", ended.said());
    let counts = site.handle.counts();
    let count = |verb: &str| {
        let of_verb = counts.iter().filter(|(kind, _)| kind.starts_with("POST") && kind.ends_with(verb));
        of_verb.map(|(_, count)| count).sum::<u64>()
    };
    // Each machine goes to on-premises and to Azure again, each group through its recovery plan.
    assert_eq!(count("/reProtect"), 12, "{counts:?}");
    assert_eq!(count("/plannedFailover"), count("/failoverCommit"), "{counts:?}");
    let pulled = site.run(&["inventory", "pull", "--base", "branch-office.inventory.yaml"]);
    assert_eq!(pulled.out.matches("  state: protected_to_azure").count(), 6, "{}", pulled.said());
    let shown = site.run(&["runs"]);
    assert!(shown.out.contains("succeeded"), "{}", shown.said());
}

#[test]
fn flags_of_one_kind_of_site_are_refused_at_the_other() {
    let site = Site::serving();
    for flags in [["--speed", "60"], ["--scenario", "x.yaml"]] {
        let ended = site.run(&[&RUN[..], &["--confirm", "classic"], &flags].concat());
        assert_eq!(ended.exit, 2, "{}", ended.said());
        assert!(ended.err.contains("is for the emulator"), "{}", ended.said());
    }
    let ended = site.run(&["run", "classic.plan.yaml", "--confirm", "classic"]);
    assert!(ended.err.contains("--provider azure"), "{}", ended.said());
}

#[test]
fn facts_that_are_too_old_do_not_change_a_real_site() {
    let site = Site::serving();
    let old =
        CLASSIC_INVENTORY.replace("observed_at: 2025-06-01T00:00:00Z", "observed_at: 2025-05-29T00:00:00Z");
    assert_ne!(old, CLASSIC_INVENTORY);
    site.folder.write("classic.inventory.yaml", old.as_bytes());
    let ended = site.run(&[&RUN[..], &["--confirm", "classic"]].concat());
    assert_eq!(ended.exit, 1, "{}", ended.said());
    assert!(ended.err.contains("is the most for a run on a real site"), "{}", ended.said());
    assert_eq!(site.orders(), 0);
}

#[test]
fn a_plan_is_checked_by_what_its_site_shows_and_not_by_what_the_file_says() {
    let site = Site::serving();
    let wrong = CLASSIC_INVENTORY.replace("health: healthy", "health: critical");
    assert_ne!(wrong, CLASSIC_INVENTORY);
    site.folder.write("classic.inventory.yaml", wrong.as_bytes());
    let by_file = site.run(&["check", "classic.plan.yaml"]);
    assert_eq!(by_file.exit, 1, "{}", by_file.said());
    let by_site = site.run(&["check", "classic.plan.yaml", "--live", "--format", "json"]);
    assert_eq!(by_site.exit, 0, "{}", by_site.said());
    assert_eq!(by_site.json()["version"], 1);
    let planned = site.run(&["plan", "classic.plan.yaml", "--live"]);
    assert_eq!(planned.exit, 0, "{}", planned.said());
    assert_eq!(site.run(&["plan", "classic.plan.yaml"]).exit, 1);
    assert_eq!(site.orders(), 0, "{:?}", site.handle.counts());
}

#[test]
fn what_could_not_be_observed_refuses_a_plan_only_strictly() {
    let site = Site::serving();
    // Nobody is asked about what is on-premises.
    let blind = [("FAILBACK_VCENTER_URL", "")];
    let check = ["check", "classic.plan.yaml", "--live"];
    let lenient = site.run_with(&check, &blind);
    assert_eq!(lenient.exit, 0, "{}", lenient.said());
    let strict = site.run_with(&[&check[..], &["--strict"]].concat(), &blind);
    assert_eq!(strict.exit, 1, "{}", strict.said());
    assert!(strict.out.contains("undecided"), "{}", strict.said());
    let planned = site.run_with(&["plan", "classic.plan.yaml", "--live", "--strict"], &blind);
    assert_eq!(planned.exit, 1, "{}", planned.said());
}

#[test]
fn rules_that_only_a_look_can_decide_count_strictly_once_somebody_looked() {
    let unseen = CLASSIC_INVENTORY.replacen("  connected: true\n", "", 1);
    assert_ne!(unseen, CLASSIC_INVENTORY);
    let unseen = format!("{unseen}replication_groups: []\n");
    let refused = |is_live: bool| {
        let mut model = estate::model(CLASSIC_PLAN, &unseen);
        model.is_live = is_live;
        let options = Options { origin: OriginFilter::All, strict: true, now: start() };
        rules::check(model, &options).checked.is_none()
    };
    assert!(!refused(false), "a file need not tell what is to be observed");
    assert!(refused(true), "it was looked for, and is not known");
}

#[test]
fn flags_about_a_site_want_one_that_is_looked_at() {
    let site = Site::serving();
    for command in ["check", "plan"] {
        let ended = site.run(&[command, "classic.plan.yaml", "--vault", "/subscriptions/x"]);
        assert_eq!(ended.exit, 2, "{}", ended.said());
        assert!(ended.err.contains("add --live"), "{}", ended.said());
    }
    let several = site.run(&["check", "classic.plan.yaml", "classic.plan.yaml", "--live"]);
    assert_eq!(several.exit, 2, "{}", several.said());
    let nobody =
        site.run_with(&["check", "classic.plan.yaml", "--live"], &[("FAILBACK_AZURE_TOKEN", "canary-token")]);
    assert_eq!(nobody.exit, 2, "{}", nobody.said());
    assert!(
        nobody.err.contains("can't ask the vault") && !nobody.said().contains("canary"),
        "{}",
        nobody.said()
    );
    let saved = site.run(&["plan", "classic.plan.yaml", "--live", "-o", "saved.json"]);
    assert_eq!(saved.exit, 2, "{}", saved.said());
}
