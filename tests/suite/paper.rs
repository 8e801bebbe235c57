//! The runbook on paper: check lists that are followed by whoever has nothing else.

use failback::forecast;
use failback::report::runbook;
use failback::report::runbook::Paper;

use crate::lab;
use crate::lab::World;
use crate::reporting::assert_self_contained;
use crate::reporting::noon;
use crate::support::CLASSIC_INVENTORY;
use crate::support::CLASSIC_PLAN;
use crate::support::Folder;

fn paper(world: &World) -> Paper {
    Paper {
        made_at: noon(),
        plan_path: "plans/x.plan.yaml".into(),
        plan_digest: "sha256:1".into(),
        facts_digest: "sha256:2".into(),
        observed_at: Some(world.start),
    }
}

#[test]
fn a_runbook_has_a_box_for_every_step_in_an_order_that_the_graph_allows() {
    for name in ["branch-office", "enterprise"] {
        let world = lab::example(name);
        let forecast = forecast::forecast(&world.graph, world.start);
        let book = runbook::runbook(&world.graph, &forecast, paper(&world));
        let order: Vec<&str> =
            book.blocks.iter().flat_map(|block| &block.tasks).map(|task| task.step.as_str()).collect();
        assert_eq!(order.len(), world.graph.steps().len(), "{name}");
        let place = |id: &str| order.iter().position(|step| *step == id).unwrap_or_else(|| panic!("{id}"));
        for (index, step) in (0..).zip(world.graph.steps()) {
            for before in world.graph.before(index) {
                let before = &world.graph.step(*before).id;
                assert!(
                    place(before.as_str()) < place(step.id.as_str()),
                    "{before} comes before {}",
                    step.id
                );
            }
        }
        let (html, text) = (runbook::page(&book), runbook::markdown(&book));
        assert_self_contained(&html.replace("https://", "").replace("http://", ""));
        assert_eq!(html.matches("class=\"box\"").count(), order.len(), "{name}");
        assert_eq!(text.matches("\n- [").count(), order.len(), "{name}");
        assert!(
            html.contains("<tfoot>") && html.matches("sha256:1").count() >= 2,
            "the digest is on each page"
        );
        assert!(text.contains("This can’t be taken back"), "{name}");
        let owner = &world.graph.model().plan.owner.as_ref().expect("both name one").value;
        assert!(html.contains(owner.as_str()) || html.contains(&owner.replace('@', "&#x40;")), "{name}");
    }
}

/// Returns the blocks and lines that a place names: `block 9 (db1, db2)`, or all lines of `block 9`.
fn lines_of<'b>(book: &'b runbook::Runbook, place: &str) -> Vec<&'b str> {
    let (number, named) =
        place.strip_prefix("block ").expect("a block").split_once(" (").unwrap_or((&place[6..], ""));
    let number: usize = number.parse().expect("a number");
    let block = book.blocks.iter().find(|block| block.number == number).expect("it stands on the paper");
    let is_meant = |subject: &str| {
        named.is_empty() || named.trim_end_matches(')').split(", ").any(|name| name == subject)
    };
    block.tasks.iter().filter(|task| is_meant(&task.subject)).map(|task| task.step.as_str()).collect()
}

#[test]
fn what_a_line_comes_after_is_found_on_the_paper() {
    let world = lab::example("branch-office");
    let forecast = forecast::forecast(&world.graph, world.start);
    let book = runbook::runbook(&world.graph, &forecast, paper(&world));
    let mut looked_at = 0;
    for block in &book.blocks {
        for task in &block.tasks {
            let told = if task.after.is_empty() { &block.after } else { &task.after };
            let found: Vec<&str> = told.iter().flat_map(|place| lines_of(&book, place)).collect();
            let index = (0..).zip(world.graph.steps()).find(|(_, step)| step.id.as_str() == task.step);
            let index = index.expect("it is a step").0;
            let before = world.graph.before(index).iter().map(|before| world.graph.step(*before).id.as_str());
            for step in &found {
                assert!(
                    before.clone().any(|before| before == *step),
                    "{}: {told:?} leads to {step}",
                    task.step
                );
                looked_at += 1;
            }
        }
    }
    assert!(looked_at > 20, "{looked_at}");
    let (html, text) = (runbook::page(&book), runbook::markdown(&book));
    for step in world.graph.steps().iter().map(|step| step.id.as_str()).filter(|id| id.contains('/')) {
        assert!(!html.contains(step) && !text.contains(step), "{step} stands nowhere as the name of a line");
    }
}

#[test]
fn a_runbook_is_printed_from_a_plan() {
    let folder =
        Folder::with(&[("classic.plan.yaml", CLASSIC_PLAN), ("classic.inventory.yaml", CLASSIC_INVENTORY)]);
    let paper = folder.run(&["report", "classic.plan.yaml", "--format", "runbook-markdown"]);
    assert!(paper.exit == 0 && paper.out.contains("- [ ] "), "{}", paper.said());
    let page = folder.run(&["report", "classic.plan.yaml", "--format", "runbook", "-o", "paper.html"]);
    assert_eq!(page.exit, 0, "{}", page.said());
}
