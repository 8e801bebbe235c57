//! Answers that are signed, and that nobody answers for those whom a plan names who began its run.

use std::sync::Arc;

use failback::event::APPROVALS;
use failback::event::KnownAs;
use failback::event::Letter;
use failback::event::Order;
use failback::event::Person;
use failback::event::RunEvent;
use failback::event::RunEventKind;
use failback::event::RunState;
use failback::event::Shown;
use failback::event::Signed;
use failback::event::Word;
use failback::id::RunId;
use failback::id::StepId;
use failback::run::approver;
use failback::run::order;
use failback::signature::PublicKey;
use failback::signature::SigningKey;
use serde_json::Value;

use crate::lab::CLASSIC;
use crate::lab::Process;
use crate::lab::World;
use crate::lab::world;
use crate::support::CLASSIC_INVENTORY;
use crate::support::CLASSIC_PLAN;
use crate::support::Folder;

const ACTION: &str =
    "actions:\n  - {name: sign, before: {phase: commit, of: w1}, manual: {prompt: Fine, approvers: [dba]}}\n";
const STEP: &str = "action/sign";

fn asking() -> World {
    world(&format!("{}{ACTION}", CLASSIC.0), CLASSIC.1)
}

/// Returns a run of which somebody is known, as it stands when it asks for a role.
fn asked(run: &str, author: Option<&str>, ordered_by: Option<&str>, people: &[Person]) -> RunState {
    let world = asking();
    let ran = world.drive(&world.site(), Process::default());
    let mut state = RunState::new(Arc::clone(&world.graph));
    for mut event in ran.events {
        event.run = RunId::new(run);
        if let RunEventKind::RunStarted { author: began, ordered_by: ordered, people: known, .. } =
            &mut event.kind
        {
            *began = author.map(str::to_owned);
            *ordered = ordered_by.map(str::to_owned);
            *known = people.to_vec();
        }
        take(&mut state, event.kind.clone(), &event);
        if matches!(&event.kind, RunEventKind::ApprovalAsked { step, .. } if step.as_str() == STEP) {
            return state;
        }
    }
    panic!("it is asked");
}

fn take(state: &mut RunState, kind: RunEventKind, like: &RunEvent) {
    let event = RunEvent { run: like.run.clone(), seq: state.seq() + 1, at: like.at, kind };
    let legal = state.check(&event).expect("the journal is lawful");
    state.apply(&event, legal);
}

fn lee(key: &SigningKey) -> Person {
    person("lee", key, None)
}

fn person(name: &str, key: &SigningKey, os_user: Option<&str>) -> Person {
    let keys = vec![PublicKey::parse(&key.public_line("")).expect("a key").0.line()];
    let roles = vec!["approver".to_owned(), "dba".to_owned()];
    Person { name: name.into(), roles, keys, os_user: os_user.map(str::to_owned) }
}

fn key() -> SigningKey {
    SigningKey::generate().expect("random numbers").0
}

fn question(state: &RunState) -> Vec<Shown> {
    let index = state.graph().find(&StepId::new(STEP)).expect("a step");
    vec![Shown { step: StepId::new(STEP), question: state.step(index).question }]
}

/// Returns a letter that says yes, signed.
fn letter(state: &RunState, by: &str, key: &SigningKey) -> Letter {
    let (questions, at) = (question(state), state.last_at().expect("it began"));
    let statement = state.statement(Word::Yes, &questions, None, at).expect("it is asked");
    let signature = key.sign(APPROVALS, statement.text().as_bytes()).expect("signed");
    Letter {
        id: state.last_letter() + 1,
        at,
        by: by.into(),
        known_as: KnownAs::Signed,
        // What a letter says of roles counts for nothing.
        roles: Vec::new(),
        order: Order::Approve { questions, reason: None },
        signed: Some(Signed { at, signature }),
        withdrawn_by: None,
    }
}

/// Returns why a letter is refused, if it is.
fn refused(state: &RunState, letter: &Letter) -> Option<String> {
    let verdict = order::judge(state, letter);
    assert_eq!(verdict.refused.is_none(), verdict.effects.len() == 1, "{verdict:?}");
    verdict.refused
}

#[test]
fn a_signed_answer_counts_with_the_roles_that_the_settings_give_its_key() {
    let own = key();
    let state = asked("r1", None, None, &[lee(&own)]);
    let verdict = order::judge(&state, &letter(&state, "lee", &own));
    let [RunEventKind::ApprovalGiven { by, known_as, roles, unproven_roles, .. }] =
        verdict.effects.as_slice()
    else {
        panic!("{verdict:?}");
    };
    assert_eq!((by.as_str(), *known_as, unproven_roles.len()), ("lee", KnownAs::Signed, 0));
    assert_eq!(roles, &["approver", "dba"]);
    // The same person without the role.
    let mut clerk = lee(&own);
    clerk.roles = vec!["approver".into()];
    let state = asked("r1", None, None, &[clerk]);
    let mut claims = letter(&state, "lee", &own);
    claims.roles = vec!["dba".into()];
    let why = refused(&state, &claims).expect("a letter gives itself no role");
    assert!(why.contains("lee has no such role"), "{why}");
}

#[test]
fn a_signature_of_another_key_run_question_or_word_is_refused_with_the_reason() {
    let (own, strange) = (key(), key());
    let state = asked("r1", None, None, &[lee(&own)]);
    let good = letter(&state, "lee", &own);
    assert_eq!(refused(&state, &good), None);
    let says = |letter: &Letter, words: &str| {
        let why = refused(&state, letter).unwrap_or_else(|| panic!("{words}: it counts"));
        assert!(why.contains(words), "{words}: {why}");
    };
    says(&letter(&state, "lee", &strange), "the key of nobody");
    says(&letter(&state, "kim", &own), "signed by lee, and not by kim");
    says(&Letter { signed: None, ..good.clone() }, "is to be signed, and is not");
    // The same person, of another run with the same plan and the same question.
    let other = asked("r2", None, None, &[lee(&own)]);
    says(&letter(&other, "lee", &own), "changed after they were signed");
    // Another word, reason, question or time than the one that was signed.
    let questions = question(&state);
    let order = Order::Deny { questions: questions.clone(), reason: None };
    says(&Letter { order, ..good.clone() }, "changed after they were signed");
    let order = Order::Approve { questions: questions.clone(), reason: Some("as agreed".into()) };
    says(&Letter { order, ..good.clone() }, "changed after they were signed");
    let mut older = good.clone();
    older.order = Order::Approve {
        questions: vec![Shown { question: questions[0].question - 1, ..questions[0].clone() }],
        reason: None,
    };
    says(&older, "asks this no more");
    let mut late = good.clone();
    late.signed.as_mut().expect("signed").at += jiff::SignedDuration::from_secs(1);
    says(&late, "changed after they were signed");
    // A signature that is for something else.
    let statement = state.statement(Word::Yes, &questions, None, good.at).expect("it is asked");
    let signature = own.sign("failback-evidence", statement.text().as_bytes()).expect("signed");
    let signed = Some(Signed { at: good.at, signature });
    says(&Letter { signed, ..good.clone() }, "is for `failback-evidence`");
    // Nothing but an answer is signed.
    let order = Order::Cancel { reason: None, failovers: false };
    says(&Letter { order, ..good }, "nothing but an answer is signed");
}

#[test]
fn a_signed_answer_that_was_withdrawn_does_not_count_when_it_is_sent_again() {
    let own = key();
    let mut state = asked("r1", None, None, &[lee(&own)]);
    let letter = letter(&state, "lee", &own);
    let like = RunEvent {
        run: RunId::new("r1"),
        seq: 0,
        at: letter.at,
        kind: RunEventKind::Resumed { program: String::new() },
    };
    let Letter { id, by, known_as, roles, order, signed, .. } = letter.clone();
    let refused_as = Some("lee withdrew it".to_owned());
    let kind = RunEventKind::OrderTaken {
        letter: id,
        by,
        known_as,
        roles,
        order,
        refused: refused_as,
        sent_at: None,
        withdrawn: true,
        signed,
    };
    take(&mut state, kind, &like);
    let why = refused(&state, &Letter { id: id + 1, ..letter }).expect("it was withdrawn");
    assert!(why.contains("taken or withdrawn before"), "{why}");
}

#[test]
fn whoever_began_a_run_is_no_approver_of_it_however_they_are_known() {
    let own = key();
    let people = [person("lee", &own, Some("l.lee"))];
    let dba = ["dba".to_owned()];
    // How the run was begun, and every name under which the same person comes back.
    let begun = [
        (Some("lee (uid 1000)"), None),
        (Some("l.lee (uid 1000)"), None),
        (Some("failback (uid 998)"), Some("lee")),
    ];
    for (author, ordered_by) in begun {
        let state = asked("r1", author, ordered_by, &people);
        let index = state.graph().find(&StepId::new(STEP)).expect("a step");
        let kinds = [
            ("lee", KnownAs::Session),
            ("lee", KnownAs::Signed),
            ("lee (uid 1000)", KnownAs::OsUser),
            ("l.lee (uid 1000)", KnownAs::OsUser),
            ("lee", KnownAs::Claimed),
        ];
        for (by, known_as) in kinds {
            let why = approver::counts(&state, index, by, known_as, &dba);
            let why = why.unwrap_or_else(|| panic!("{author:?} {ordered_by:?}: {by} as {known_as:?} counts"));
            assert!(why.contains("began the run"), "{why}");
        }
        let why = refused(&state, &letter(&state, "lee", &own)).expect("lee began it");
        assert!(why.contains("lee began the run"), "{why}");
        // Somebody else with the role may, in a session or by signature.
        for known_as in [KnownAs::Session, KnownAs::Signed] {
            assert_eq!(approver::counts(&state, index, "kim", known_as, &dba), None);
        }
    }
}

#[test]
fn a_user_of_the_system_stands_for_a_role_only_where_the_settings_name_nobody_for_it() {
    let own = key();
    let counts = |people: &[Person]| {
        let state = asked("r1", None, None, people);
        let index = state.graph().find(&StepId::new(STEP)).expect("a step");
        approver::counts(&state, index, "bob (uid 1001)", KnownAs::OsUser, &[])
    };
    assert_eq!(counts(&[]), None, "nothing better is there, and the record says that nothing proves it");
    let why = counts(&[lee(&own)]).expect("lee is the one");
    assert!(why.contains("nothing proves that bob (uid 1001) is one"), "{why}");
    let mut other = lee(&own);
    other.roles = vec!["cfo".into()];
    assert_eq!(counts(&[other]), None);
}

/// A folder with a plan that asks a role, the settings that name lee, and a run that waits.
fn waiting() -> (Folder, String) {
    let folder = Folder::with(&[
        (
            "classic.plan.yaml",
            &format!("{}{ACTION}", CLASSIC_PLAN.replace("commit: on_approval", "commit: automatic")),
        ),
        ("classic.inventory.yaml", CLASSIC_INVENTORY),
    ]);
    for name in ["lee", "strange"] {
        let made = folder.run(&["evidence", "key", "-o", &format!("{name}.key"), "--comment", name]);
        assert_eq!(made.exit, 0, "{}", made.said());
    }
    let public = std::fs::read_to_string(folder.path().join("lee.key.pub")).expect("written");
    let users = format!("[{{name: lee, roles: [approver, dba], ssh_keys: [\"{}\"]}}]", public.trim());
    let settings = format!("kind: Settings\nversion: 1\nserve:\n  users: {users}\n");
    folder.write("failback.yaml", settings.as_bytes());
    let ran = folder.run(&["run", "classic.plan.yaml", "--settings", "failback.yaml", "--speed", "max"]);
    assert_eq!(ran.exit, 4, "{}", ran.said());
    let run = folder.run(&["show", "--format", "json"]).json()["run"].as_str().expect("an id").to_owned();
    (folder, run)
}

fn goes_on(folder: &Folder, exit: u8) -> String {
    let ended = folder.run(&["resume", "--speed", "max"]);
    assert_eq!(ended.exit, exit, "{}", ended.said());
    ended.said()
}

/// Exports the evidence of the run, and returns its lines.
fn exported(folder: &Folder) -> String {
    let ended = folder.run(&["evidence", "export", "latest", "-o", "b.jsonl"]);
    assert_eq!(ended.exit, 0, "{}", ended.said());
    std::fs::read_to_string(folder.path().join("b.jsonl")).expect("written")
}

/// Events of which kind are changed, how, and what is found.
type Forgery<'f> = (&'f str, &'f dyn Fn(&mut Value), &'f str);

#[test]
fn a_run_takes_a_signed_answer_and_its_evidence_shows_it() {
    let (folder, run) = waiting();
    let strange = folder.run(&["approve", &run, STEP, "--sign-key", "strange.key"]);
    assert!(strange.exit == 2 && strange.err.contains("the key of nobody"), "{}", strange.said());
    let signed = folder.run(&[
        "approve",
        &run,
        STEP,
        "--sign-key",
        "lee.key",
        "--reason",
        "CAB-1",
        "--format",
        "json",
    ]);
    assert_eq!((signed.exit, &signed.json()["state"]), (0, &Value::from("waiting")), "{}", signed.said());
    let said = goes_on(&folder, 0);
    assert!(said.contains("lee said yes (by signature, as approver, dba) (CAB-1)"), "{said}");
    let text = exported(&folder);
    let ended = folder.run(&["evidence", "verify", "b.jsonl"]);
    assert!(ended.exit == 0 && !ended.out.contains("approval"), "{}", ended.said());
    // Without the letter, with another's name, with the answer turned, or with a signature that is none, it shows nothing.
    let forgeries: [Forgery<'_>; 5] = [
        (
            "order_taken",
            &|event| drop(event["kind"].as_object_mut().map(|kind| kind.remove("signed"))),
            "is told to be signed, and is not",
        ),
        (
            "order_taken",
            &|event| event["kind"]["by"] = "kim".into(),
            "it is signed by lee, and is told to be of kim",
        ),
        (
            "order_taken",
            &|event| event["kind"]["order"]["reason"] = "CAB-2".into(),
            "changed after they were signed",
        ),
        ("approval_given", &|event| event["kind"]["by"] = "kim".into(), "nothing shows that kim signed it"),
        (
            "run_started",
            &|event| event["kind"]["people"][0]["keys"][0] = "ssh-ed25519 AAAA".into(),
            "the key of nobody",
        ),
    ];
    for (kind, change, words) in forgeries {
        folder.write("forged.jsonl", crate::evidence::rewritten(&text, kind, change).as_bytes());
        let ended = folder.run(&["evidence", "verify", "forged.jsonl"]);
        assert!(ended.exit == 1 && ended.out.contains(words), "{kind} {words}: {}", ended.said());
    }
}

#[test]
fn an_answer_is_signed_elsewhere_by_ssh_keygen() {
    let (folder, run) = waiting();
    let told =
        folder.run(&["approve", &run, STEP, "--deny", "--reason", "not today", "--statement", "no.json"]);
    assert!(told.exit == 0 && told.out.contains("nothing is answered yet"), "{}", told.said());
    let statement = std::fs::read_to_string(folder.path().join("no.json")).expect("written");
    for said in [run.as_str(), STEP, "Fine", "\"no\"", "not today"] {
        assert!(statement.contains(said), "{said}: {statement}");
    }
    let public = std::fs::read_to_string(folder.path().join("lee.key.pub")).expect("written");
    let sign = |namespace: &str| {
        let private = std::fs::read_to_string(folder.path().join("lee.key")).expect("written");
        let key = SigningKey::parse(&private).expect("a key");
        assert!(public.starts_with(&key.public_line("")));
        key.sign(namespace, statement.as_bytes()).expect("signed")
    };
    folder.write("no.json.sig", sign("file").as_bytes());
    let send = ["approve", &run, "--signature", "no.json.sig"];
    let ended = folder.run(&send);
    assert!(ended.exit == 2 && ended.err.contains("is for `file`"), "{}", ended.said());
    // OpenSSH takes what we sign for what its own `-Y sign` makes; where it is not installed, nothing is compared.
    folder.write("no.json.sig", sign(APPROVALS).as_bytes());
    folder.write("signers", format!("lee {public}").as_bytes());
    let check = std::process::Command::new("ssh-keygen")
        .args(["-Y", "verify", "-f", "signers", "-I", "lee", "-n", APPROVALS, "-s", "no.json.sig"])
        .stdin(std::fs::File::open(folder.path().join("no.json")).expect("written"))
        .current_dir(folder.path())
        .output();
    if let Ok(check) = check {
        assert!(check.status.success(), "{}", String::from_utf8_lossy(&check.stderr));
    }
    folder.write("no.json", statement.replace("not today", "not now").as_bytes());
    let ended = folder.run(&send);
    assert!(ended.exit == 2 && ended.err.contains("changed after they were signed"), "{}", ended.said());
    folder.write("no.json", statement.as_bytes());
    let ended = folder.run(&send);
    assert_eq!(ended.exit, 0, "{}", ended.said());
    let said = goes_on(&folder, 3);
    assert!(said.contains("lee said no (by signature, as approver, dba) (not today)"), "{said}");
    exported(&folder);
    let ended = folder.run(&["evidence", "verify", "b.jsonl"]);
    assert_eq!(ended.exit, 0, "{}", ended.said());
    let again = folder.run(&send);
    assert_eq!(again.exit, 2, "{}", again.said());
}

#[test]
fn keys_of_the_settings_are_read_and_are_of_one_person_each() {
    let folder = Folder::with(&[]);
    let line = key().public_line("lee");
    let check = |keys: &str| {
        let users = format!(
            "[{{name: lee, roles: [dba], ssh_keys: [{keys}]}}, {{name: kim, roles: [dba], ssh_keys: [\"{line} kim\"]}}]"
        );
        let text = format!("kind: Settings\nversion: 1\nserve:\n  users: {users}\n");
        folder.write("failback.yaml", text.as_bytes());
        folder.run(&["check", "failback.yaml"])
    };
    let twice = check(&format!("\"{line}\""));
    assert!(twice.exit == 1 && twice.said().contains("the key is listed already"), "{}", twice.said());
    let none = check("\"ssh-ed25519 AAAA\"");
    assert!(none.exit == 1 && none.said().contains("its key can't be read"), "{}", none.said());
    let good = check(&format!("\"{}\"", key().public_line("lee")));
    assert_eq!(good.exit, 0, "{}", good.said());
}
