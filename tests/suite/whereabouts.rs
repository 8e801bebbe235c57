//! Where a run says that its machines are: by what was seen, and never by what was hoped for.

use std::sync::Arc;

use failback::event::RunEventKind;
use failback::event::RunState;
use failback::id::MachineName;
use failback::id::StepId;
use failback::provider::emulator::Deed;
use failback::report::whereabouts;

use crate::estate::Estate;
use crate::estate::Vm;
use crate::lab::CLASSIC;
use crate::lab::Process;
use crate::lab::Ran;
use crate::lab::World;
use crate::lab::laws::assert_home;
use crate::lab::world;
use crate::orders::drive;
use crate::orders::resume;
use crate::orders::retry;
use crate::orders::state_of;

fn place_of_w1(world: &World, ran: &Ran) -> String {
    let (name, place) = whereabouts(&state_of(world, ran)).swap_remove(0);
    assert_eq!(name, "w1");
    place.to_string()
}

#[test]
fn before_anything_was_seen_a_machine_is_where_the_facts_say() {
    let states = ["failed_over_committed", "protected_to_onprem", "failed_back", "failing_back"];
    let vms = (0..).zip(states).map(|(number, state)| Vm::new(format!("m{number}")).state(state));
    let state = RunState::new(Arc::new(Estate::classic(vms).graph()));
    let places = whereabouts(&state).into_iter().map(|(_, place)| place.to_string());
    assert_eq!(
        places.collect::<Vec<_>>(),
        [
            "in Azure",
            "in Azure, replicating to on-premises",
            "on-premises, not committed",
            "not known, look at it",
        ]
    );
}

#[test]
fn a_run_of_machines_that_are_home_does_not_say_that_they_are_in_azure() {
    let world = world(CLASSIC.0, CLASSIC.1);
    let (site, ran) = drive(&world, Process::default());
    assert_home(&world, &site, &ran);
    // The plan is run again with the facts of before, by somebody who has lost the record.
    let again = world.drive(&site, Process::default());
    assert_eq!(place_of_w1(&world, &again), "on-premises, committed", "{}", again.said());
}

#[test]
fn a_failover_that_leaves_a_machine_down_on_both_sides_says_so() {
    let plan = CLASSIC.0.replace("name: classic\n", "name: classic\nowner: dr@corp.example\n");
    let world =
        world(&plan, CLASSIC.1).with(&["{kind: job_fails, of: w1, phase: failover, code: \"78037\"}"]);
    let (site, ran) = drive(&world, Process::default());
    let told = ran.events.iter().find_map(|event| match &event.kind {
        RunEventKind::StepFailed { step, message, .. } if step.as_str() == "failover/w1" => {
            Some(message.as_str())
        }
        _ => None,
    });
    let told = told.expect("it failed");
    for words in [
        "w1: on-premises VM stopped, Azure VM deallocated",
        "it runs on neither side",
        "dr@corp.example has to decide",
    ] {
        assert!(told.contains(words), "{words}: {told}");
    }
    let alarms = |ran: &Ran| {
        let alarm = |kind: &RunEventKind| matches!(kind, RunEventKind::Alarm { step, code, .. } if step.as_str() == "failover/w1" && code == "neither-side-runs");
        ran.events.iter().filter(|event| alarm(&event.kind)).count()
    };
    let place = |ran: &Ran| place_of_w1(&world, ran);
    assert_eq!((alarms(&ran), place(&ran).as_str()), (1, "on neither side"), "{}", ran.said());
    let ran = resume(&world, &site, &ran, vec![retry("failover/w1")]);
    assert_eq!((alarms(&ran), place(&ran).as_str()), (1, "on-premises, committed"), "{}", ran.said());
}

#[test]
fn a_failover_that_moved_nothing_leaves_its_machine_in_azure() {
    let refused =
        "{kind: job_fails, of: w1, phase: failover, task: VmUfoPrerequisitesCheck, code: \"78037\"}";
    let world = world(CLASSIC.0, CLASSIC.1).with(&[refused]);
    let (_, ran) = drive(&world, Process::default());
    assert_eq!(ran.failure("failover/w1"), Some("78037"), "{}", ran.said());
    assert!(!ran.has(|kind| matches!(kind, RunEventKind::Alarm { .. })), "{}", ran.said());
    assert_eq!(place_of_w1(&world, &ran), "in Azure, replicating to on-premises", "{}", ran.said());
}

#[test]
fn a_machine_on_both_sides_is_said_to_be_there_until_it_is_on_one() {
    let world = world(CLASSIC.0, CLASSIC.1).with(&["{kind: azure_vm_stays_on, of: w1}"]);
    let (site, ran) = drive(&world, Process::default());
    let place = |ran: &Ran| place_of_w1(&world, ran);
    assert_eq!(place(&ran), "on both sides", "{}", ran.said());
    site.by_hand(&Deed::StopAzureVm { machine: MachineName::new("w1") });
    let ran = resume(&world, &site, &ran, vec![retry("verify/w1")]);
    assert_eq!(place(&ran), "on-premises, committed", "{}", ran.said());
}

#[test]
fn an_azure_vm_that_outlives_the_commit_is_told_of_where_nothing_looks_at_it_any_more() {
    let told = |exists: Option<bool>| -> (Vec<String>, Option<String>) {
        let plan = CLASSIC.0.replace("final_state: protected", "final_state: unprotected");
        let world = world(&plan, CLASSIC.1);
        let site = world.site();
        let (w1, commit) = (MachineName::new("w1"), StepId::new("commit/w1"));
        assert!(world.machines().contains(&w1));
        site.keeps_azure_vm("w1", exists);
        let ran = world.drive(&site, Process::default());
        let alarms = ran.events.iter().filter_map(|event| match &event.kind {
            RunEventKind::Alarm { step, code, message } => Some(format!("{step} {code} {message}")),
            _ => None,
        });
        let note = ran.events.iter().find_map(|event| match &event.kind {
            RunEventKind::StepSucceeded { step, note } if *step == commit => Some(note.clone()),
            _ => None,
        });
        (alarms.collect(), note.expect("it was committed"))
    };
    let (alarms, note) = told(Some(true));
    assert_eq!(alarms, ["commit/w1 FB707 w1: the commit succeeded, but the Azure VM still exists"]);
    assert_eq!(note, None);
    let (alarms, note) = told(None);
    assert_eq!(alarms, [""; 0]);
    assert!(note.as_deref().is_some_and(|note| note.contains("azure_vm.exists")), "{note:?}");
    assert_eq!(told(Some(false)), (Vec::new(), None));
}
