//! Records that somebody changed.

use crate::journal::RESUME;
use crate::journal::assert_left_alone;
use crate::journal::assert_says;
use crate::journal::change;
use crate::journal::events;
use crate::journal::lines;
use crate::journal::sqlite;
use crate::journal::waiting;

#[test]
fn a_changed_record_is_shown_as_far_as_it_is_intact_and_not_gone_on_with() {
    let folder = waiting();
    let all = events(&folder);
    let lie = "UPDATE events SET event = replace(event, '\"step\":\"', '\"step\":\"not-') WHERE seq = 40";
    change(&folder, lie);
    let words = ["is broken at event 40", "does not follow", "put back a copy"];
    let logs = folder.run(&["logs", "--events"]);
    assert_says(&logs, 2, &words);
    assert_eq!(lines(&logs.out), all[..39], "what is before the change is told");
    let shown = folder.run(&["show"]);
    assert_says(&shown, 2, &words);
    assert!(shown.out.contains(": broken") && shown.out.contains("39 events"), "{}", shown.said());
    let shown = folder.run(&["show", "--format", "json"]);
    assert!(shown.json()["broken"].as_str().is_some_and(|why| why.contains("event 40")), "{}", shown.said());
    let runs = folder.run(&["runs"]);
    assert_says(&runs, 2, &words);
    assert!(runs.out.contains("broken"), "{}", runs.said());
    assert_eq!(folder.run(&["runs", "--format", "json"]).json()["runs"][0]["state"], "broken");
    assert_left_alone(&folder, &words);
}

#[test]
fn a_changed_time_beside_an_event_breaks_the_record_like_a_changed_event() {
    let folder = waiting();
    let all = events(&folder);
    change(&folder, "UPDATE events SET at = '2020-01-01T00:00:00Z' WHERE seq = 5");
    let words = ["is broken at event 5", "the time beside it is not its own", "put back a copy"];
    let logs = folder.run(&["logs", "--events"]);
    assert_says(&logs, 2, &words);
    assert_eq!(lines(&logs.out), all[..4], "what is before the change is told");
    for command in [vec!["show"], vec!["runs"], vec!["approve", "--all"]] {
        assert_says(&folder.run(&command), 2, &words);
    }
    assert_left_alone(&folder, &words);
}

#[test]
fn a_changed_entry_hides_no_events_and_is_not_gone_on_with() {
    let folder = waiting();
    let all = events(&folder);
    change(&folder, "UPDATE runs SET options = replace(options, 'false', 'true')");
    let words = ["is broken at its beginning", "its entry was changed", "--events"];
    let shown = folder.run(&["show"]);
    assert_says(&shown, 2, &words);
    assert_eq!(shown.out, "", "how it began is not known");
    let logs = folder.run(&["logs", "--events"]);
    assert_says(&logs, 2, &words);
    assert_eq!(lines(&logs.out), all, "its events follow from the head that is kept");
    assert_says(&folder.run(&["approve", "--all"]), 2, &words);
    assert_left_alone(&folder, &words);
}

#[test]
fn an_entry_that_cant_be_read_hides_no_other_run() {
    let folder = waiting();
    let good = folder.run(&["runs", "--format", "json"]).json()["runs"][0]["run"].clone();
    let good = good.as_str().expect("an id");
    let all = events(&folder);
    let copy = "INSERT INTO runs SELECT 'bad-one', plan, plan_path, plan_digest, facts_digest, provider, options, 'soon',
                git_commit, program, migrated_events, head FROM runs;
         INSERT INTO events SELECT 'bad-one', seq, at, event, hash FROM events;";
    sqlite(&folder).execute_batch(copy).expect("it can be changed");
    let words = ["bad-one is broken at its beginning", "its entry can't be read"];
    let runs = folder.run(&["runs"]);
    assert_says(&runs, 2, &words);
    for (run, state) in [(good, "interrupted"), ("bad-one", "broken")] {
        let line = runs.out.lines().find(|line| line.starts_with(run)).expect("it is listed");
        assert!(line.contains(state), "{}", runs.said());
    }
    let listed = folder.run(&["runs", "--format", "json"]).json();
    assert_eq!(
        (&listed["runs"][0]["run"], &listed["runs"][0]["state"]),
        (&"bad-one".into(), &"broken".into())
    );
    assert!(listed["runs"][1]["broken"].is_null(), "{listed}");
    assert_says(&folder.run(&["show", "bad-one"]), 2, &words);
    // An order must not go to another run than the latest because that can't be told.
    for command in [vec!["show"], vec!["cancel", "latest"], RESUME.to_vec()] {
        let told = ["which run is the latest can't be told", "bad-one", "name the run"];
        assert_says(&folder.run(&command), 2, &told);
    }
    let shown = folder.run(&["show", good]);
    assert_eq!(shown.exit, 0, "{}", shown.said());
    assert_eq!(lines(&folder.run(&["logs", good, "--events"]).out), all);
    let ended = folder.run(&["resume", good, "--auto-approve", "--speed", "max"]);
    assert_eq!(ended.exit, 0, "{}", ended.said());
}
