//! What a plan accepts: by its list and by comments beside findings; what accepts nothing is told.

use failback::diagnostic::Severity;
use failback::model::Model;
use failback::model::resolve;
use failback::rules;
use failback::rules::Finding;
use failback::rules::Options;
use failback::rules::OriginFilter;
use failback::rules::State;
use failback::rules::fixture;
use failback::source::Sources;
use failback::source::Spanned;
use failback::syntax::Document;
use failback::syntax::parse;

use crate::support::CLASSIC_INVENTORY;
use crate::support::CLASSIC_PLAN;
use crate::support::Folder;

const MODERNIZED_PLAN: &str = include_str!("../worlds/modernized.plan.yaml");
const MODERNIZED_INVENTORY: &str = include_str!("../worlds/modernized.inventory.yaml");

/// Returns what `check` finds in a plan and an inventory: rule, state, line of the finding.
fn found(plan: &str, inventory: &str) -> Vec<(String, String, u64)> {
    let folder = Folder::with(&[("classic.plan.yaml", plan), ("classic.inventory.yaml", inventory)]);
    let ended = folder.run(&["check", "classic.plan.yaml", "--format", "json"]);
    let json = ended.json();
    let text = |value: &serde_json::Value| value.as_str().expect("a text").to_owned();
    json["findings"]
        .as_array()
        .expect("findings are a list")
        .iter()
        .map(|found| {
            (text(&found["rule"]), text(&found["state"]), found["location"]["line"].as_u64().unwrap_or(0))
        })
        .collect()
}

/// Returns the states of what is found of a rule.
fn states(found: &[(String, String, u64)], rule: &str) -> Vec<String> {
    found.iter().filter(|(id, _, _)| id == rule).map(|(_, state, _)| state.clone()).collect()
}

/// The classic plan with something else in the place of a piece of it.
fn plan(from: &str, to: &str) -> String {
    assert!(CLASSIC_PLAN.contains(from), "{from}");
    CLASSIC_PLAN.replacen(from, to, 1)
}

#[test]
fn a_comment_accepts_what_is_found_at_its_line_or_the_next_one() {
    let why = "# failback: ignore[FB716] snapshots are taken first, CAB-7";
    for (name, text) in [
        ("behind", plan("name: classic\n", &format!("name: classic  {why}\n"))),
        ("above", plan("name: classic\n", &format!("{why}\nname: classic\n"))),
        ("above, indented", plan("name: classic\n", &format!("   {why}\nname: classic\n"))),
        (
            "above another comment",
            plan("name: classic\n", &format!("{why}\n# The plan of Seoul.\nname: classic\n")),
        ),
        ("without blanks", plan("name: classic\n", "name: classic #failback:ignore[FB716]: accepted\n")),
        (
            "several rules",
            plan("name: classic\n", "name: classic # failback: ignore[FB714, FB716] accepted\n"),
        ),
        ("with CRLF", plan("name: classic\n", &format!("{why}\nname: classic\n")).replace('\n', "\r\n")),
        ("with a mark", format!("\u{feff}{}", plan("name: classic\n", &format!("{why}\nname: classic\n")))),
    ] {
        let found = found(&text, CLASSIC_INVENTORY);
        assert_eq!(states(&found, "FB716"), ["waived"], "{name}: {found:?}");
        assert_eq!(states(&found, "FB529"), [""; 0], "{name}: {found:?}");
    }
}

#[test]
fn a_comment_elsewhere_accepts_nothing_and_is_told() {
    let why = "# failback: ignore[FB716] snapshots are taken first, CAB-7";
    for (name, text) in [
        ("a line below", plan("name: classic\n", &format!("name: classic\n{why}\n"))),
        ("a line too far above", plan("name: classic\n", &format!("{why}\n\nname: classic\n"))),
        ("behind another key", plan("version: 1\n", &format!("version: 1 {why}\n"))),
        ("at the end", format!("{CLASSIC_PLAN}{why}\n")),
        ("at the end, without a line feed", format!("{CLASSIC_PLAN}{why}")),
    ] {
        let found = found(&text, CLASSIC_INVENTORY);
        assert_eq!(states(&found, "FB716"), ["violated"], "{name}");
        assert_eq!(states(&found, "FB529"), ["violated"], "{name}: {found:?}");
    }
}

#[test]
fn a_comment_works_inside_flow_style_and_behind_a_block_scalar() {
    let text = plan(
        "machines:\n  - name: w1\n  - name: w2\n  - name: w3\n",
        "machines: [\n  {name: w1, commit: automatic}, # failback: ignore[FB516] w1 is a cache\n  \
         {name: w2,\n   # failback: ignore[FB516] w2 is a cache too\n   commit: automatic},\n  w3,\n",
    )
    .replace(
        "  - name: l1\n    failback: {master_target: mtl, retention_volume: /mnt/retention}\n",
        "  {name: l1, failback: {master_target: mtl, retention_volume: /mnt/retention}}\n]\n",
    );
    let found_in_flow = found(&text, CLASSIC_INVENTORY);
    assert_eq!(states(&found_in_flow, "FB516"), ["waived", "waived"], "{found_in_flow:?}");
    assert_eq!(states(&found_in_flow, "FB529"), [""; 0]);

    let text = plan(
        "name: classic\n",
        "description: |\n  Seoul.\n# failback: ignore[FB716] accepted\nname: classic\n",
    );
    assert_eq!(states(&found(&text, CLASSIC_INVENTORY), "FB716"), ["waived"]);
    let text = plan("name: classic\n", "name: >- # failback: ignore[FB716] accepted\n  classic\n");
    assert_eq!(states(&found(&text, CLASSIC_INVENTORY), "FB716"), ["waived"]);
}

#[test]
fn a_number_sign_inside_a_value_is_no_comment() {
    let why = "# failback: ignore[FB716] no comment";
    for (name, value) in [
        ("double quotes", format!("\"a {why}\"")),
        ("single quotes", format!("'a {why}'")),
        ("double quotes of two lines", format!("\"a\n  {why}\"")),
        ("a literal block", format!("|\n  a\n  {why}")),
        ("a literal block that begins with it", format!("|\n  {why}\n  a")),
        ("a folded block", format!(">-\n  a\n  {why}\n\n  b")),
        ("a key", format!("a\nx-1: {{\"b {why}\": 1}}")),
        ("a word", "a#failback: ignore[FB716]".replace(": ", ":")),
    ] {
        let text = plan("name: classic\n", &format!("description: {value}\nname: classic\n"));
        let found = found(&text, CLASSIC_INVENTORY);
        assert_eq!(states(&found, "FB716"), ["violated"], "{name}: {found:?}");
        assert_eq!(states(&found, "FB529"), [""; 0], "{name}: {found:?}");
    }
}

#[test]
fn a_comment_in_an_inventory_accepts_what_is_found_there() {
    let small = CLASSIC_INVENTORY.replacen(
        "    ram_gb: 16\n",
        "    ram_gb: 4 # failback: ignore[FB218] enough for four disks\n",
        1,
    );
    assert_ne!(small, CLASSIC_INVENTORY);
    let found_there = found(CLASSIC_PLAN, &small);
    assert_eq!(states(&found_there, "FB218"), ["waived"], "{found_there:?}");

    let folder = Folder::with(&[("classic.plan.yaml", CLASSIC_PLAN), ("classic.inventory.yaml", &small)]);
    let json = folder.run(&["check", "classic.plan.yaml", "--format", "json"]).json();
    let waived = json["findings"].as_array().expect("a list").iter().find(|found| found["rule"] == "FB218");
    let waived = waived.expect("it is found");
    assert_eq!(waived["waived_because"], "enough for four disks");
    let comment = waived["related"]
        .as_array()
        .expect("a list")
        .iter()
        .find(|label| label["message"] == "accepted here");
    assert_eq!(comment.expect("the comment is pointed at")["location"]["file"], "classic.inventory.yaml");

    // Another plan may need what this one does not: only what is written at a machine of the plan is told.
    let unused = CLASSIC_INVENTORY.replacen(
        "    ram_gb: 16\n",
        "    ram_gb: 16 # failback: ignore[FB218] enough\n",
        1,
    );
    assert_eq!(states(&found(CLASSIC_PLAN, &unused), "FB529"), [""; 0]);
    let unused =
        CLASSIC_INVENTORY.replacen("    name: w1\n", "    name: w1 # failback: ignore[FB106] was seen\n", 1);
    assert_ne!(unused, CLASSIC_INVENTORY);
    assert_eq!(states(&found(CLASSIC_PLAN, &unused), "FB529"), ["violated"]);
}

#[test]
fn a_comment_at_a_machine_holds_for_facts_that_a_run_observes() {
    let why = "      enable_uuid: false # failback: ignore[FB106] it is set before the window\n";
    let inventory = CLASSIC_INVENTORY.replacen("      enable_uuid: true\n", why, 1);
    assert_ne!(inventory, CLASSIC_INVENTORY);
    let (mut sources, mut diagnostics, mut documents) = (Sources::new(), Vec::new(), Vec::new());
    for text in [CLASSIC_PLAN.to_owned(), inventory] {
        let index = sources.add("document", text).expect("fits");
        documents.extend(parse(sources.get(index), &mut diagnostics));
    }
    let [Document::Plan(plan), Document::Inventory(inventory)] = documents.as_slice() else {
        panic!("{diagnostics:?}")
    };
    let mut model = resolve((**plan).clone(), (**inventory).clone());
    let now = "2025-06-01T00:00:00Z".parse().expect("a time");
    let options = Options { origin: OriginFilter::All, strict: false, now };
    let states = |model: &Model| -> Vec<(String, State)> {
        let found = rules::evaluate_all(model, &rules::Policies::default(), &options).into_iter();
        found.filter(|found| found.rule == "FB106").map(|found| (found.subject.name, found.state)).collect()
    };
    assert_eq!(states(&model), [("w1".to_owned(), State::Waived)]);
    // What is observed has no place in a text, here about a second machine too.
    for index in [0, 1] {
        let facts = model.facts_mut(index).expect("the inventory has it");
        facts.onprem_vm.as_mut().expect("it has one").enable_uuid = Some(Spanned::bare(false));
    }
    let expected = [("w1".to_owned(), State::Waived), ("w2".to_owned(), State::Violated)];
    assert_eq!(states(&model), expected);
}

#[test]
fn a_value_behind_an_alias_is_accepted_where_it_is_written_or_used() {
    let machines = |anchor: &str, first: &str| {
        plan(
            "machines:\n  - name: w1\n  - name: w2\n",
            &format!(
                "x-auto: &auto {{commit: automatic}} {anchor}\nmachines:\n  - name: w1\n    <<: *auto {first}\n  - name: w2\n    <<: *auto\n"
            ),
        )
    };
    let why = "# failback: ignore[FB516] caches";
    assert_eq!(states(&found(&machines(why, ""), CLASSIC_INVENTORY), "FB516"), ["waived", "waived"]);
    let mut one = states(&found(&machines("", why), CLASSIC_INVENTORY), "FB516");
    one.sort_unstable();
    assert_eq!(one, ["violated", "waived"]);
}

#[test]
fn comments_of_another_document_do_not_count() {
    let other = "---\n# failback: ignore[FB716] another plan\nkind: RecoveryPlan\nversion: 1\nname: other\ninventory: classic.inventory.yaml\nmachines: [w1]\n";
    let found = found(&format!("{CLASSIC_PLAN}{other}"), CLASSIC_INVENTORY);
    assert_eq!(states(&found, "FB716"), ["violated", "violated"], "{found:?}");
    // Told once, for the plan that it is written in.
    assert_eq!(states(&found, "FB529").len(), 1, "{found:?}");
}

#[test]
fn void_comments_are_told_as_void_waivers_are() {
    for (comment, rule) in [
        ("# failback: ignore[FB716]", "FB525"),
        ("# failback: ignore[FB716] --", "FB525"),
        ("# failback: ignore[FB9999] typo", "FB527"),
        ("# failback: ignore[classic-failback-not-repeatable] by name", "FB527"),
        ("# failback: ignore[FB001] never", "FB528"),
        ("# failback: ignore[FB516] not here", "FB529"),
    ] {
        let found = found(&plan("name: classic\n", &format!("name: classic {comment}\n")), CLASSIC_INVENTORY);
        let told: Vec<_> =
            found.iter().filter(|(id, _, _)| ("FB525".."FB532").contains(&id.as_str())).collect();
        assert_eq!(told, [&(rule.to_owned(), "violated".to_owned(), 4)], "{comment}");
        assert_eq!(states(&found, "FB716"), ["violated"], "{comment}");
    }
}

#[test]
fn a_comment_that_was_meant_for_us_and_says_nothing_is_a_mistake() {
    for comment in [
        "# failback: ignore FB716 accepted",
        "# failback: ignore[] accepted",
        "# failback: ignore[FB716,] accepted",
        "# failback: ignore[FB716 accepted",
        "# failback: ignored[FB716] accepted",
        "# failback ignore[FB716] accepted",
    ] {
        let text = plan("name: classic\n", &format!("name: classic {comment}\n"));
        let found = found(&text, CLASSIC_INVENTORY);
        assert_eq!(found, [("bad-comment".to_owned(), "violated".to_owned(), 4)], "{comment}");
    }
    // Keys that are taken out, and sentences, are comments like any other.
    for comment in [
        "# failback: {datastore: vmfs2}",
        "# failback: the way home",
        "# failback ignores this",
        "# failback",
    ] {
        let text = plan("name: classic\n", &format!("name: classic {comment}\n"));
        assert_eq!(states(&found(&text, CLASSIC_INVENTORY), "bad-comment"), [""; 0], "{comment}");
    }
}

#[test]
fn a_waiver_that_means_nothing_says_why() {
    let waivers = "waivers:
  - {rule: FB716, of: [clasic], reason: accepted, until: 2030-01-01}
  - {rule: FB71, reason: accepted, until: 2030-01-01}
  - {rule: ACME01, reason: accepted, until: 2030-01-01}
  - {rule: FB716, reason: accepted, until: 2025-05-31}
  - {rule: FB001, reason: accepted, until: 2030-01-01}
  - {rule: FB516, of: [w1], reason: accepted, until: 2030-01-01}
acknowledge: [data_loss]
";
    let folder = Folder::with(&[
        ("classic.plan.yaml", &format!("{CLASSIC_PLAN}{waivers}")),
        ("classic.inventory.yaml", CLASSIC_INVENTORY),
    ]);
    let json = folder.run(&["check", "classic.plan.yaml", "--format", "json"]).json();
    let told: Vec<String> = json["findings"]
        .as_array()
        .expect("a list")
        .iter()
        .filter(|found| found["subject"]["kind"] == "waiver")
        .map(|found| {
            let word = |key: &str| found[key].as_str().expect("a text").to_owned();
            format!(
                "{} {} {}: {} | {}",
                found["location"]["line"],
                word("severity"),
                word("rule"),
                word("message"),
                word("help")
            )
        })
        .collect();
    insta::assert_snapshot!(told.join("\n"), @r"
    20 error FB527: no rule has the id `FB71` | did you mean `FB701`?
    23 error FB528: FB001: its findings can't be accepted | put right what the rule reports, and delete the waiver
    19 warning FB530: FB716: nothing is named `clasic` | did you mean `classic`?
    21 warning FB527: no built-in rule has the id `ACME01`, and no policy was read | `failback explain` lists the rules
    22 warning FB526: FB716: the waiver ended on 2025-05-31 | put right what was accepted, or have it accepted anew
    24 warning FB529: FB516: there is no such finding about w1, and nothing to accept | delete it
    25 info FB531: data_loss: the plan has no finding of FB603, and nothing to acknowledge | delete the word
    ");
}

#[test]
fn an_end_counts_through_its_day_and_then_the_finding_is_live_again() {
    let waiver = "waivers: [{rule: FB716, reason: accepted, until: 2025-05-31}]\n";
    let folder = Folder::with(&[
        ("classic.plan.yaml", &format!("{CLASSIC_PLAN}{waiver}")),
        ("classic.inventory.yaml", CLASSIC_INVENTORY),
    ]);
    for (now, state, told) in [("2025-05-31T23:59:59Z", "waived", 0), ("2025-06-01T00:00:00Z", "violated", 1)]
    {
        let json = folder.run(&["check", "classic.plan.yaml", "--now", now, "--format", "json"]).json();
        let of = |rule: &str| -> Vec<_> {
            json["findings"]
                .as_array()
                .expect("a list")
                .iter()
                .filter(|found| found["rule"] == rule)
                .cloned()
                .collect()
        };
        assert_eq!(of("FB716")[0]["state"], state, "{now}");
        assert_eq!(of("FB526").len(), told, "{now}");
    }
}

#[test]
fn a_waiver_of_a_rule_that_is_not_evaluated_is_not_told() {
    let text = format!("{CLASSIC_PLAN}waivers: [{{rule: FB106, reason: accepted, until: 2030-01-01}}]\n");
    let folder = Folder::with(&[("classic.plan.yaml", &text), ("classic.inventory.yaml", CLASSIC_INVENTORY)]);
    for (origin, told) in [("all", true), ("seed", false)] {
        let ended = folder.run(&["check", "classic.plan.yaml", "--origin", origin]);
        assert_eq!(ended.out.contains("FB529"), told, "{origin}: {}", ended.out);
    }
}

#[test]
fn an_acknowledgement_of_a_rule_that_is_not_evaluated_is_not_told() {
    let text = format!("{MODERNIZED_PLAN}acknowledge: [classic_retired]\n");
    let files =
        [("modernized.plan.yaml", text.as_str()), ("modernized.inventory.yaml", MODERNIZED_INVENTORY)];
    let folder = Folder::with(&files);
    for (origin, told) in [("all", true), ("seed", false)] {
        let ended = folder.run(&["check", "modernized.plan.yaml", "--origin", origin]);
        assert_eq!(ended.out.contains("FB531"), told, "{origin}: {}", ended.out);
    }
}

#[test]
fn errors_that_may_be_milder_are_those_whose_fixtures_show_it() {
    let mut missing = Vec::new();
    for rule in rules::all().filter(|rule| rule.severity == Severity::Error) {
        let fixture = fixture::of(rule).expect("a fixture is readable");
        let mut milder = false;
        for case in &fixture.cases {
            let outcome = fixture::run(rule, case).expect("a case can be run");
            let weighs = |finding: &&Finding| finding.state != State::Unmeasured;
            let mut findings = outcome.findings.iter().filter(weighs);
            milder |= findings.any(|finding| rules::is_waivable(rule.id, finding.severity));
        }
        if milder && !rules::is_ever_waivable(rule.id, rule.severity) {
            missing.push(rule.id);
        }
    }
    assert_eq!(missing, [""; 0], "they may be warnings");
}

#[test]
fn what_is_told_of_accepting_a_rule_fits_every_finding_of_its_fixture() {
    let mut wrong = Vec::new();
    for rule in rules::all() {
        let told = rules::acceptance(rule.id, rule.severity);
        let fixture = fixture::of(rule).expect("a fixture is readable");
        let outcomes = fixture.cases.iter().map(|case| fixture::run(rule, case).expect("a case can be run"));
        let found: Vec<bool> = outcomes
            .flat_map(|outcome| outcome.findings)
            .filter(|finding| finding.state != State::Unmeasured)
            .map(|finding| rules::is_waivable(rule.id, finding.severity))
            .collect();
        let fits = |may_be: bool| match told {
            "never accepted" => !may_be,
            "a plan may accept it, with a reason" => may_be,
            // Both kinds are shown, or the words would be too careful.
            _ => found.contains(&true) && found.contains(&false),
        };
        if !found.iter().all(|may_be| fits(*may_be)) {
            wrong.push(format!("{}: {told}", rule.id));
        }
    }
    assert_eq!(wrong, [""; 0]);
}
