//! Answers from elsewhere: which count, and for how long.

use failback::event::KnownAs;
use failback::event::Letter;
use failback::event::Order;
use failback::event::RunEvent;
use failback::event::RunEventKind;
use failback::event::RunState;
use failback::event::Shown;
use failback::id::RunId;
use failback::id::StepId;
use failback::run::End;
use failback::run::approver::Approver;
use failback::run::approver::Question;
use failback::run::approver::Reply;
use failback::run::order;

use crate::lab::CLASSIC;
use crate::lab::Process;
use crate::lab::laws::assert_home;
use crate::lab::world;
use crate::orders::Forever;
use crate::orders::drive;
use crate::orders::refusals;
use crate::orders::resume;
use crate::orders::state_of;
use crate::orders::yes;

#[test]
fn an_answer_to_what_is_not_asked_any_more_counts_for_nothing() {
    let world = world(CLASSIC.0, CLASSIC.1);
    let late = |event: &RunEvent| match &event.kind {
        RunEventKind::ApprovalAsked { step, .. } if step.as_str() == "approve_commit/w1" => {
            let shown = |question| vec![Shown { step: step.clone(), question }];
            vec![
                Order::Deny { questions: shown(event.seq - 1), reason: None },
                Order::Approve { questions: shown(event.seq), reason: None },
                Order::Deny { questions: shown(event.seq), reason: None },
            ]
        }
        _ => yes(event),
    };
    let (site, ran) = drive(&world, Process::default().approved_by(Forever).ordered("bob", late));
    assert_home(&world, &site, &ran);
    let refused = refusals(&ran);
    assert_eq!(refused.len(), 2, "{refused:?}");
    assert!(refused[0].starts_with("approve_commit/w1 asks something else"), "{refused:?}");
    assert!(refused[1].starts_with("approve_commit/w1 asks nothing"), "{refused:?}");
}

/// Whoever began the run sits before it, and answers nothing.
struct Author;

#[async_trait::async_trait]
impl Approver for Author {
    async fn ask(&self, _: &Question) -> Reply {
        Reply::Nobody
    }

    fn person(&self) -> Option<String> {
        Some("kim".into())
    }
}

#[test]
fn a_question_for_others_that_was_answered_keeps_no_process_waiting() {
    let action = "actions:\n  - {name: sign, before: {phase: commit, of: w1}, manual: {prompt: Fine, approvers: [dba]}}\n";
    let world = world(&format!("{}{action}", CLASSIC.0), CLASSIC.1);
    let mut kind = world.started();
    if let RunEventKind::RunStarted { author, .. } = &mut kind {
        *author = Some("kim".into());
    }
    let started = RunEvent { run: RunId::new("r1"), seq: 1, at: world.start, kind };
    let signs = |event: &RunEvent| {
        let asks = |step: &StepId| step.as_str() == "action/sign";
        if matches!(&event.kind, RunEventKind::ApprovalAsked { step, .. } if asks(step)) {
            yes(event)
        } else {
            Vec::new()
        }
    };
    let process = Process::after(&[started]).approved_by(Author).ordered("bob", signs);
    let ran = world.drive(&world.site(), process);
    assert_eq!(ran.end, Ok(End::WaitsForApproval), "{}", ran.said());
    assert_eq!(ran.settled()["action/sign"], "succeeded", "{}", ran.said());
}

#[test]
fn an_answer_counts_until_its_question_has_ended() {
    let limit = "execution: {approvals: {timeout: 30m}}\n";
    let world = world(&format!("{}{limit}", CLASSIC.0), CLASSIC.1);
    let asks = |event: &RunEvent| matches!(&event.kind, RunEventKind::ApprovalAsked { step, .. } if step.as_str() == "approve_commit/w1");
    let site = world.site();
    let process = Process::default()
        .approved_by(Forever)
        .ordered("bob", move |event| if asks(event) { Vec::new() } else { yes(event) });
    let cut = world.drive(&site, process.stopped_at(asks));
    let asked = cut.events.iter().find(|event| asks(event)).expect("it is asked").clone();
    let RunEventKind::ApprovalAsked { deadline: Some(end), .. } = asked.kind else {
        panic!("the plan limits it")
    };
    let state = state_of(&world, &cut);
    let letter = |at| {
        let [order] = yes(&asked).try_into().expect("one question, one answer");
        let (by, known_as) = ("bob".to_owned(), KnownAs::OsUser);
        Letter { id: 99, at, by, known_as, roles: Vec::new(), order, signed: None, withdrawn_by: None }
    };
    let second = jiff::SignedDuration::from_secs(1);
    let before = end.saturating_sub(second).expect("in range");
    assert_eq!(order::judge(&state, &letter(before)).refused, None);
    let late = order::judge(&state, &letter(end));
    let why = format!("approve_commit/w1: the answer comes too late: the question ended at {end:.0}");
    assert_eq!((late.effects.len(), late.refused), (0, Some(why)));
    // What was sent in time counts when it is taken late; what was sent late, or by another clock, does not.
    let taken = end.saturating_add(second).expect("in range");
    assert_eq!(order::given_at(&state, &letter(before), taken), before);
    assert_eq!(order::given_at(&state, &letter(end), taken), taken);
    assert_eq!(order::given_at(&state, &letter(jiff::Timestamp::UNIX_EPOCH), taken), taken);
    // The next process finds a yes that was sent after the end, as this site's clock tells.
    site.pace().reach(taken);
    let ran = resume(&world, &site, &cut, yes(&asked));
    assert_eq!(ran.failure("approve_commit/w1"), Some("timeout"), "{}", ran.said());
    assert_eq!(refusals(&ran).len(), 1, "{:?}", refusals(&ran));
}

#[test]
fn a_question_for_a_role_is_answered_by_a_session_that_has_it_and_by_no_other() {
    let action = "actions:\n  - {name: sign, before: {phase: commit, of: w1}, manual: {prompt: Fine, approvers: [dba]}}\n";
    let world = world(&format!("{}{action}", CLASSIC.0), CLASSIC.1);
    let asks = |event: &RunEvent| match &event.kind {
        RunEventKind::ApprovalAsked { step, .. } => step.as_str() == "action/sign",
        _ => false,
    };
    let ran = world.drive(&world.site(), Process::default());
    let asked = ran.events.iter().position(asks).expect("it is asked");
    let mut state = RunState::new(std::sync::Arc::clone(&world.graph));
    for event in &ran.events[..=asked] {
        let legal = state.check(event).expect("the journal is lawful");
        state.apply(event, legal);
    }
    let verdict = |roles: &[&str]| {
        let [order] = yes(&ran.events[asked]).try_into().expect("one question, one answer");
        let roles = roles.iter().map(|role| (*role).to_owned()).collect();
        let (at, by, known_as) = (world.start, "kim".to_owned(), KnownAs::Session);
        order::judge(
            &state,
            &Letter { id: 1, at, by, known_as, roles, order, signed: None, withdrawn_by: None },
        )
    };
    let refused = verdict(&["operator", "approver"]);
    let why = "action/sign: the plan wants dba, and kim has no such role";
    assert_eq!((refused.effects.len(), refused.refused.as_deref()), (0, Some(why)));
    let taken = verdict(&["operator", "dba"]);
    assert_eq!(taken.refused, None);
    let [RunEventKind::ApprovalGiven { known_as, roles, unproven_roles, .. }] = taken.effects.as_slice()
    else {
        panic!("{:?}", taken.effects);
    };
    assert_eq!((*known_as, roles.len(), unproven_roles.len()), (KnownAs::Session, 2, 0));
}
