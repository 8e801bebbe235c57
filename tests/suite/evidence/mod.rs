//! Evidence: what is honest is verified, and what was changed is found and named, whether the chain was made anew or not.

mod forged;

use std::sync::OnceLock;

use failback::evidence::Ask;
use failback::evidence::Bundle;
use failback::evidence::Verdict;
use failback::evidence::check::Finding;
use failback::evidence::check::Matter;
use failback::evidence::check::Standing;
use failback::evidence::documents;
use failback::evidence::figures;
use failback::evidence::line::Line;
use failback::evidence::verify;
use failback::model::digest;
use serde_json::Value;
use serde_json::json;

use crate::support::CLASSIC_INVENTORY;
use crate::support::CLASSIC_PLAN;
use crate::support::Folder;

const SCENARIO: &str = "kind: Scenario\nversion: 1\nname: bad\nfaults:\n  - {kind: job_fails, of: w2, phase: reprotect, code: \"78037\"}\n";

fn folder() -> Folder {
    Folder::with(&[
        ("classic.plan.yaml", CLASSIC_PLAN),
        ("classic.inventory.yaml", CLASSIC_INVENTORY),
        ("bad.scenario.yaml", SCENARIO),
    ])
}

/// Returns the bundle of a run that went well.
fn honest() -> &'static str {
    static TEXT: OnceLock<String> = OnceLock::new();
    TEXT.get_or_init(|| exported(&["run", "classic.plan.yaml", "--auto-approve", "--speed", "max"], 0))
}

/// Returns the bundle of a run in which a machine failed.
fn failed() -> &'static str {
    static TEXT: OnceLock<String> = OnceLock::new();
    let run =
        ["run", "classic.plan.yaml", "--auto-approve", "--speed", "max", "--scenario", "bad.scenario.yaml"];
    TEXT.get_or_init(|| exported(&run, 3))
}

fn exported(run: &[&str], exit: i32) -> String {
    let folder = folder();
    let ended = folder.run(run);
    assert_eq!(i32::from(ended.exit), exit, "{}", ended.said());
    let ended = folder.run(&["evidence", "export", "latest", "-o", "b.jsonl"]);
    assert_eq!((ended.exit, ended.err.as_str()), (0, ""), "{}", ended.said());
    std::fs::read_to_string(folder.path().join("b.jsonl")).expect("it was written")
}

fn checked(text: &str) -> Verdict {
    verify(text.as_bytes(), &Ask::default()).expect("it is a bundle")
}

/// Returns what contradicts a bundle.
fn refuted(verdict: &Verdict) -> Vec<&Finding> {
    let weight = failback::evidence::check::Weight::Refuted;
    verdict.findings.iter().filter(|finding| finding.weight == weight).collect()
}

/// Asserts that a bundle is refuted, by a finding about a matter that names an event or a step and says something.
fn assert_found(text: &str, matter: Matter, seq: Option<u64>, words: &str) {
    let verdict = checked(text);
    assert_eq!(verdict.standing, Standing::Refuted, "{verdict:#?}");
    let found = refuted(&verdict);
    let is_it = |finding: &&&Finding| {
        finding.matter == matter
            && (seq.is_none() || finding.seq == seq)
            && finding.in_words().contains(words)
    };
    assert!(found.iter().any(|finding| is_it(&finding)), "{matter:?} {seq:?} {words}: {found:#?}");
}

/// Returns a bundle in which every event of a kind is changed, with every digest and hash made anew.
pub fn rewritten(text: &str, kind: &str, change: &dyn Fn(&mut Value)) -> String {
    let forged = Forged::of(text);
    let mut events = forged.events();
    events.iter_mut().filter(|event| event["kind"]["event"] == kind).for_each(change);
    forged.written(events)
}

/// A bundle in parts, to be changed by somebody who can make digests and chains anew, and has no key.
struct Forged(Bundle);

impl Forged {
    fn of(text: &str) -> Self {
        let mut lines = text.lines().map(|line| serde_json::from_str(line).expect("a line"));
        let Some(Line::Manifest(manifest)) = lines.next() else { panic!("it begins with its manifest") };
        let mut bundle = Bundle {
            program: manifest.program,
            exported_at: manifest.exported_at,
            record: manifest.record,
            texts: Vec::new(),
            facts: Default::default(),
            events: Vec::new(),
            figures: None,
        };
        for line in lines {
            match line {
                Line::Text(text) => bundle.texts.push(text),
                Line::Facts { digest, body } => drop(bundle.facts.insert(digest, body)),
                Line::Event { event, .. } => bundle.events.push(event),
                Line::Figures(figures) => bundle.figures = Some(*figures),
                Line::Manifest(_) | Line::End(_) => {}
            }
        }
        Self(bundle)
    }

    fn events(&self) -> Vec<Value> {
        self.0.events.iter().map(|event| serde_json::from_str(event).expect("an event")).collect()
    }

    /// Returns the place of the first event of a kind about a step.
    fn find(&self, event: &str, step: &str) -> usize {
        let found = self
            .events()
            .into_iter()
            .position(|of| of["kind"]["event"] == event && (step.is_empty() || of["kind"]["step"] == step));
        found.unwrap_or_else(|| panic!("the run has no {event} of {step}"))
    }

    /// Numbers the events anew, and works out the figures if that can be done.
    fn written(mut self, events: Vec<Value>) -> String {
        // The fields of an event have an order of their own.
        self.0.events = (1..)
            .zip(events)
            .map(|(seq, mut event): (u64, Value)| {
                event["seq"] = json!(seq);
                let event: failback::event::RunEvent = serde_json::from_value(event).expect("still an event");
                serde_json::to_string(&event).expect("it has a JSON form")
            })
            .collect();
        let read = documents::read(&self.0.texts, &self.0.record);
        if let Ok(compiled) = read.and_then(documents::Documents::compile) {
            let events: Vec<_> =
                self.0.events.iter().map(|event| serde_json::from_str(event).expect("an event")).collect();
            if let Ok(figures) = figures::figures(&compiled.graph, &events) {
                self.0.figures = Some(figures);
            }
        }
        self.0.written()
    }

    /// Changes the facts about a machine that a guard judged, with every digest that follows.
    fn change_facts(&mut self, event: &mut Value, machine: &str, change: impl FnOnce(&mut Value)) {
        let named = |value: &Value| value.as_str().expect("a digest").to_owned();
        let kept = self.0.facts.clone();
        let read = |digest: &str| -> Value { serde_json::from_str(&kept[digest]).expect("JSON") };
        let mut judged = read(&named(&event["kind"]["facts_digest"]));
        let mut of_machine = read(&named(&judged["machines"][machine]["facts"]));
        change(&mut of_machine);
        let facts = &mut self.0.facts;
        let mut put = |value: &Value| {
            let body = value.to_string();
            let digest = digest::of_text(&body);
            facts.insert(digest.clone(), body);
            digest
        };
        judged["machines"][machine]["facts"] = json!(put(&of_machine));
        event["kind"]["facts_digest"] = json!(put(&judged));
    }
}

#[test]
fn an_honest_bundle_is_verified_and_one_that_nobody_signed_says_so() {
    let verdict = checked(honest());
    assert!(refuted(&verdict).is_empty(), "{verdict:#?}");
    assert_eq!(verdict.standing, Standing::Indeterminate);
    assert_eq!(verdict.findings.len(), 1, "{verdict:#?}");
    assert_eq!(verdict.findings[0].matter, Matter::Signature);
    assert!(verdict.guards > 10 && verdict.guards_unrecorded == 0, "{verdict:#?}");
    let verdict = checked(failed());
    assert!(refuted(&verdict).is_empty(), "{verdict:#?}");
    // What is made anew from its own parts is the same bundle.
    let forged = Forged::of(honest());
    let events = forged.events();
    assert_eq!(forged.written(events), honest());
}

#[test]
fn what_goes_wrong_in_a_run_refutes_nothing() {
    let faults = [
        "{kind: job_fails, of: w2, phase: failover, code: \"78052\"}",
        "{kind: vcenter_disconnects, of: vc1, at: {after: 20m}, for: 90m}",
        "{kind: master_target_snapshot, of: mtw, at: {after: 20m}, for: 70m}",
        "{kind: no_answer_after, phase: failover}",
        "{kind: azure_vm_stays_on, of: w1}",
    ];
    for fault in faults {
        let folder = folder();
        let scenario = format!("kind: Scenario\nversion: 1\nname: bad\nfaults:\n  - {fault}\n");
        folder.write("bad.scenario.yaml", scenario.as_bytes());
        let run = [
            "run",
            "classic.plan.yaml",
            "--auto-approve",
            "--speed",
            "max",
            "--scenario",
            "bad.scenario.yaml",
        ];
        let ended = folder.run(&run);
        assert!(matches!(ended.exit, 0 | 3), "{}", ended.said());
        let ended = folder.run(&["evidence", "export", "latest", "-o", "b.jsonl"]);
        assert_eq!(ended.exit, 0, "{}", ended.said());
        let text = std::fs::read_to_string(folder.path().join("b.jsonl")).expect("it was written");
        let verdict = checked(&text);
        assert!(refuted(&verdict).is_empty(), "{fault}: {:#?}", refuted(&verdict));
    }
}

/// Returns the bundle of a run in which people had a step done again, and which another process took over.
fn rearranged() -> &'static str {
    static TEXT: OnceLock<String> = OnceLock::new();
    TEXT.get_or_init(|| {
        let folder = folder();
        let bad = ["run", "classic.plan.yaml", "--speed", "max", "--scenario", "bad.scenario.yaml"];
        let ended = folder.run(&bad);
        assert_eq!(ended.exit, 3, "w2 holds its wave up: {}", ended.said());
        let retry = ["retry", "latest", "reprotect/w2", "--downstream"];
        let ended = folder.run(&retry);
        assert_eq!(ended.exit, 0, "{}", ended.said());
        let resume = ["resume", "latest", "--speed", "max", "--auto-approve"];
        let ended = folder.run(&resume);
        assert!(matches!(ended.exit, 0 | 3), "{}", ended.said());
        let ended = folder.run(&["evidence", "export", "latest", "-o", "b.jsonl"]);
        assert_eq!(ended.exit, 0, "{}", ended.said());
        std::fs::read_to_string(folder.path().join("b.jsonl")).expect("it was written")
    })
}

#[test]
fn a_run_that_people_changed_and_others_took_over_is_verified() {
    let text = rearranged();
    assert!(text.contains("step_reopened") && text.contains("\\\"resumed\\\""), "both happened");
    let verdict = checked(text);
    assert!(refuted(&verdict).is_empty(), "{:#?}", refuted(&verdict));
}

#[test]
fn the_evidence_of_an_estate_is_verified() {
    let plans = concat!(env!("CARGO_MANIFEST_DIR"), "/plans/");
    let read =
        |name: &str| std::fs::read_to_string(format!("{plans}{name}")).expect("it comes with the project");
    let folder = Folder::with(&[
        ("enterprise.plan.yaml", &read("enterprise.plan.yaml")),
        ("enterprise.inventory.yaml", &read("enterprise.inventory.yaml")),
    ]);
    let ended = folder.run(&["run", "enterprise.plan.yaml", "--auto-approve", "--speed", "max"]);
    assert!(matches!(ended.exit, 0 | 3), "{}", ended.said());
    let ended = folder.run(&["evidence", "export", "latest", "-o", "b.jsonl"]);
    assert_eq!(ended.exit, 0, "{}", ended.said());
    let verdict = checked(&std::fs::read_to_string(folder.path().join("b.jsonl")).expect("it was written"));
    assert!(refuted(&verdict).is_empty() && verdict.guards > 100, "{:#?}", refuted(&verdict));
}

#[test]
fn the_commit_that_is_expected_is_that_of_the_run() {
    let mut forged = Forged::of(honest());
    forged.0.record.git_commit = Some("0123456789abcdef0123456789abcdef01234567".into());
    let events = forged.events();
    let text = forged.written(events);
    let of = |commit| {
        let ask = Ask { commit: Some(commit), ..Ask::default() };
        let verdict = verify(text.as_bytes(), &ask).expect("a bundle");
        refuted(&verdict).iter().any(|finding| finding.matter == Matter::Commit)
    };
    assert!(!of("0123456789abcdef") && !of("0123456789ABCDEF0123456789abcdef01234567"));
    assert!(of("0123") && of("1123456789abcdef") && of(""), "too short, and another");
}

#[test]
fn a_signed_bundle_is_verified_offline_and_by_ssh_keygen() {
    let folder = folder();
    let run = folder.run(&["run", "classic.plan.yaml", "--auto-approve", "--speed", "max"]);
    assert_eq!(run.exit, 0, "{}", run.said());
    let key = folder.run(&["evidence", "key", "-o", "dr.key", "--comment", "dr@corp.example"]);
    assert_eq!(key.exit, 0, "{}", key.said());
    assert_eq!(folder.run(&["evidence", "key", "-o", "dr.key"]).exit, 2, "a key is never replaced");
    let other = folder.run(&["evidence", "key", "-o", "other.key"]);
    assert_eq!(other.exit, 0, "{}", other.said());
    let export = folder.run(&["evidence", "export", "-o", "b.jsonl", "--sign-key", "dr.key"]);
    assert_eq!(export.exit, 0, "{}", export.said());
    let verify = ["evidence", "verify", "b.jsonl", "--public-key", "dr.key.pub", "--strict"];
    let ended = folder.run(&verify);
    assert_eq!(ended.exit, 0, "{}", ended.said());
    assert!(
        ended.out.contains("signed by dr@corp.example") && ended.out.ends_with("verified\n"),
        "{}",
        ended.said()
    );
    // The head that `show` tells.
    let head = folder.run(&["show", "--format", "json"]).json()["head"].as_str().expect("a head").to_owned();
    let expected = folder.run(&["evidence", "verify", "b.jsonl", "--expect-head", &head]);
    assert_eq!(expected.exit, 0, "{}", expected.said());
    let stranger = folder.run(&["evidence", "verify", "b.jsonl", "--public-key", "other.key.pub"]);
    assert!(stranger.exit == 1 && stranger.out.contains("not trusted"), "{}", stranger.said());
    let private = folder.run(&["evidence", "verify", "b.jsonl", "--public-key", "dr.key"]);
    assert!(private.exit == 2 && private.err.contains("it is a private key"), "{}", private.said());
    let json = folder.run(&["evidence", "verify", "b.jsonl", "--format", "json"]).json();
    assert_eq!((&json["version"], &json["standing"]), (&json!(1), &json!("indeterminate")), "{json}");
    // In the form of OpenSSH.
    let public = std::fs::read_to_string(folder.path().join("dr.key.pub")).expect("written");
    folder.write("signers", format!("dr@corp.example {public}").as_bytes());
    let ended = folder.run(&["evidence", "verify", "b.jsonl", "--allowed-signers", "signers", "--strict"]);
    assert_eq!(ended.exit, 0, "{}", ended.said());
    let limited = format!("dr@corp.example namespaces=\"git,file\" {public}");
    folder.write("limited", limited.as_bytes());
    let ended = folder.run(&["evidence", "verify", "b.jsonl", "--allowed-signers", "limited"]);
    assert!(ended.exit == 2 && ended.err.contains("no key that may sign evidence"), "{}", ended.said());
    ssh_keygen_agrees(&folder);
    // The same bytes changed, and the signature taken away.
    let text = std::fs::read_to_string(folder.path().join("b.jsonl")).expect("written");
    let forged = Forged::of(&text);
    let events = forged.events();
    let mut forged = Forged(Bundle { program: "0.0.9".into(), ..forged.0 });
    forged.0.figures = None;
    folder.write("b.jsonl", forged.written(events).as_bytes());
    let ended = folder.run(&verify);
    assert!(ended.exit == 1 && ended.out.contains("changed after they were signed"), "{}", ended.said());
    std::fs::remove_file(folder.path().join("b.jsonl.sig")).expect("it is there");
    let ended = folder.run(&verify);
    assert!(ended.exit == 1 && ended.out.contains("it is not signed"), "{}", ended.said());
    let ended = folder.run(&["evidence", "verify", "classic.plan.yaml"]);
    assert!(ended.exit == 2 && ended.err.contains("is no evidence"), "{}", ended.said());
}

/// Asserts that OpenSSH takes our signature, and that we take its own; where it is not installed, nothing is compared.
fn ssh_keygen_agrees(folder: &Folder) {
    let keygen = |arguments: &[&str], input: &str| {
        let input = std::fs::File::open(folder.path().join(input)).expect("it is there");
        let mut command = std::process::Command::new("ssh-keygen");
        command.args(arguments).current_dir(folder.path()).stdin(input).output()
    };
    let verify = [
        "-Y",
        "verify",
        "-f",
        "signers",
        "-I",
        "dr@corp.example",
        "-n",
        "failback-evidence",
        "-s",
        "b.jsonl.sig",
    ];
    let Ok(output) = keygen(&verify, "b.jsonl") else { return };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let make = ["-q", "-t", "ed25519", "-N", "", "-C", "ssh@corp.example", "-f", "ssh.key"];
    assert!(keygen(&make, "signers").expect("it is there").status.success());
    let export = folder.run(&["evidence", "export", "-o", "c.jsonl", "--sign-key", "ssh.key"]);
    assert_eq!(export.exit, 0, "{}", export.said());
    let ours = folder.run(&["evidence", "verify", "c.jsonl", "--public-key", "ssh.key.pub", "--strict"]);
    assert_eq!(ours.exit, 0, "{}", ours.said());
    std::fs::remove_file(folder.path().join("c.jsonl.sig")).expect("it is there");
    let sign = ["-Y", "sign", "-f", "ssh.key", "-n", "failback-evidence", "c.jsonl"];
    assert!(keygen(&sign, "signers").expect("it is there").status.success());
    let theirs = folder.run(&["evidence", "verify", "c.jsonl", "--public-key", "ssh.key.pub", "--strict"]);
    assert_eq!(theirs.exit, 0, "{}", theirs.said());
    let sign = ["-Y", "sign", "-f", "ssh.key", "-n", "file", "c.jsonl"];
    std::fs::remove_file(folder.path().join("c.jsonl.sig")).expect("it is there");
    assert!(keygen(&sign, "signers").expect("it is there").status.success());
    let other = folder.run(&["evidence", "verify", "c.jsonl", "--public-key", "ssh.key.pub"]);
    assert!(other.exit == 1 && other.out.contains("the signature is for `file`"), "{}", other.said());
    let locked = ["-q", "-t", "ed25519", "-N", "a passphrase", "-f", "locked.key"];
    assert!(keygen(&locked, "signers").expect("it is there").status.success());
    let ended = folder.run(&["evidence", "export", "--sign-key", "locked.key"]);
    assert!(ended.exit == 2 && ended.err.contains("passphrase"), "{}", ended.said());
}
