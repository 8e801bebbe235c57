//! What each choice of recovery point would mean for a replication group, and what keeps its members from agreeing.

use failback::model::PointChoice;
use failback::model::resolve;
use failback::rules;
use failback::rules::consistency;
use failback::rules::consistency::Breach;
use failback::rules::consistency::GroupPoints;
use failback::rules::consistency::Outlook;
use failback::rules::fixture;
use failback::rules::fixture::Case;
use failback::source::Sources;
use failback::syntax::Document;
use failback::syntax::parse;
use serde_json::json;

use crate::support::Folder;

fn texts(world: &str, plan: &str, inventory: &str) -> (String, String) {
    let text = format!("{{name: case, world: {world}, plan: {plan}, inventory: {inventory}, expect: []}}");
    let case: Case = serde_yaml::from_str(&text).expect("the case is a case");
    fixture::texts(&case).expect("the world can be changed")
}

fn group_in(world: &str, plan: &str, inventory: &str) -> GroupPoints {
    let (plan, inventory) = texts(world, plan, inventory);
    let (mut sources, mut diagnostics, mut documents) = (Sources::new(), Vec::new(), Vec::new());
    for (name, text) in [("plan.yaml", plan), ("inventory.yaml", inventory)] {
        let index = sources.add(name, text).expect("small");
        documents.extend(parse(sources.get(index), &mut diagnostics));
    }
    let [Document::Plan(plan), Document::Inventory(inventory)] = documents.as_slice() else {
        panic!("two documents: {diagnostics:#?}")
    };
    let model = resolve((**plan).clone(), (**inventory).clone());
    assert!(diagnostics.is_empty(), "{diagnostics:#?}");
    let mut groups = consistency::of(&model);
    assert_eq!(groups.len(), 1);
    groups.remove(0)
}

fn group(plan: &str, inventory: &str) -> GroupPoints {
    group_in("classic", plan, inventory)
}

fn breaches(group: &GroupPoints) -> Vec<Breach> {
    group.breaks.iter().map(|breaking| breaking.kind).collect()
}

const PLAN: &str = "{replication_groups: [{name: g, machines: [w1, w2], recovery_point: app_consistent}]}";

/// Both members share the moment g-17 of an hour before the facts; w2 has a newer one of its own.
const POINTS: &str = "{replication_groups: [{name: g, members: [w1, w2]}], machines: {\
    w1: {state: protected_to_onprem, asr: {rpo_seconds: 600, recovery_points: [\
        {id: a, at: 2025-05-31T22:00:00Z, kind: app_consistent, group_point: g-16}, \
        {id: b, at: 2025-05-31T23:00:00Z, kind: app_consistent, group_point: g-17}, \
        {id: c, at: 2025-05-31T23:55:00Z, kind: crash_consistent}]}}, \
    w2: {state: protected_to_onprem, asr: {recovery_points: [\
        {id: d, at: 2025-05-31T22:00:00Z, kind: app_consistent, group_point: g-16}, \
        {id: e, at: 2025-05-31T23:00:00Z, kind: app_consistent, group_point: g-17}, \
        {id: f, at: 2025-05-31T23:58:00Z, kind: crash_consistent}]}}}}";

fn known(at: &str, loss_s: u64, group_point: Option<&str>) -> Outlook {
    Outlook::Known {
        at: Some(at.parse().expect("a time")),
        loss_s: Some(loss_s),
        group_point: group_point.map(str::to_owned),
    }
}

#[test]
fn the_newest_common_point_counts_and_each_member_has_its_own_latest() {
    let group = group(PLAN, POINTS);
    let common = known("2025-05-31T23:00:00Z", 3600, Some("g-17"));
    assert_eq!(group.choice, Some(PointChoice::AppConsistent));
    assert_eq!(group.common_point, common);
    assert_eq!(breaches(&group), []);
    let of = |at: usize| {
        group.members[at].choices.iter().map(|one| (one.kind, one.outlook.clone())).collect::<Vec<_>>()
    };
    // Site Recovery says that w1 is ten minutes behind, although its newest point is of five minutes ago.
    let own = known("2025-05-31T23:55:00Z", 600, None);
    assert_eq!(of(0), [(PointChoice::Latest, own), (PointChoice::AppConsistent, common.clone())]);
    let own = known("2025-05-31T23:58:00Z", 120, None);
    assert_eq!(of(1), [(PointChoice::Latest, own), (PointChoice::AppConsistent, common)]);
}

#[test]
fn a_member_that_missed_the_newest_moment_sets_the_group_back() {
    let inventory =
        POINTS.replace("{id: e, at: 2025-05-31T23:00:00Z, kind: app_consistent, group_point: g-17}, ", "");
    let group = group(PLAN, &inventory);
    assert_eq!(group.common_point, known("2025-05-31T22:00:00Z", 7200, Some("g-16")));
    assert_eq!(breaches(&group), []);
}

#[test]
fn a_member_without_any_common_moment_breaks_the_group() {
    let inventory = POINTS.replace("g-16}, {id: e", "h-1}, {id: e").replace("g-17}, {id: f", "h-2}, {id: f");
    let group = group(PLAN, &inventory);
    assert_eq!(group.common_point, Outlook::None);
    assert_eq!(breaches(&group), [Breach::LacksCommonPoint]);
    assert_eq!(group.breaks[0].machines.len(), 1);
}

#[test]
fn a_member_without_app_consistent_points_and_a_quiesce_that_would_wait_for_one() {
    let inventory = POINTS
        .replace("{id: d, at: 2025-05-31T22:00:00Z, kind: app_consistent, group_point: g-16}, ", "")
        .replace("{id: e, at: 2025-05-31T23:00:00Z, kind: app_consistent, group_point: g-17}, ", "");
    let plan = "{replication_groups: [{name: g, machines: [w1, w2], recovery_point: app_consistent, quiesce: calm}], \
                actions: [{name: calm, before: {phase: failover, of: g}, run: {command: [./calm.sh]}, timeout: 5m}]}";
    let group = group(plan, &inventory);
    assert_eq!(group.common_point, Outlook::None);
    assert_eq!(breaches(&group), [Breach::NoAppConsistentPoint, Breach::QuiesceWithoutPoint]);
    assert_eq!(group.breaks[0].machines, ["w2"]);
}

#[test]
fn before_reprotect_there_is_no_point_of_either_kind() {
    let group = group(PLAN, "{replication_groups: [{name: g, members: [w1, w2]}]}");
    assert_eq!(group.common_point, Outlook::None);
    assert!(group.members.iter().all(|member| member.choices.iter().all(|one| one.outlook == Outlook::None)));
}

#[test]
fn what_nobody_knows_is_said_to_be_unknown() {
    let inventory = "{machines: {w1: {state: protected_to_onprem, asr: {recovery_points: [\
        {id: b, at: 2025-05-31T23:00:00Z, kind: app_consistent, group_point: g-17}]}}, w2: {state: protected_to_onprem}}}";
    let unknown = Outlook::Unknown { fact: "asr.recovery_points", of: "w2".to_owned() };
    let group = group(PLAN, inventory);
    assert_eq!(group.common_point, unknown);
    assert_eq!(group.members[1].choices[0].outlook, unknown);
    assert_eq!(breaches(&group), []);
    // A member that has none at all decides it, whatever the other one has.
    let group = self::group(PLAN, "{machines: {w2: {state: protected_to_onprem}}}");
    assert_eq!(group.common_point, Outlook::None);
}

#[test]
fn latest_several_master_targets_and_differing_choices_break_consistency_quietly() {
    let plan = "{replication_groups: [{name: g, machines: [w1, w2]}], \
                machines: {w2: {recovery_point: app_consistent, failback: {master_target: mtl}}}}";
    let group = group(plan, POINTS);
    assert_eq!(group.choice, Some(PointChoice::Latest));
    assert_eq!(
        breaches(&group),
        [Breach::ChoicesDiffer, Breach::SeveralMasterTargets, Breach::LatestInGroup]
    );
    assert_eq!(group.breaks[0].machines, ["w2"]);
}

/// Returns what FB603 says of the group.
fn data_loss(plan: &str, inventory: &str) -> String {
    let text = format!("{{name: case, world: classic, plan: {plan}, inventory: {inventory}, expect: []}}");
    let case: Case = serde_yaml::from_str(&text).expect("the case is a case");
    let outcome =
        fixture::run(rules::find("FB603").expect("a rule"), &case).expect("the world can be changed");
    let [finding] = outcome.findings.as_slice() else { panic!("{:#?}", outcome.findings) };
    finding.message.clone()
}

#[test]
fn the_data_that_a_group_loses_is_told_up_to_the_point_that_its_members_share() {
    let lies = |most: &str| format!("lies {most} behind the latest one; that data is lost");
    assert_eq!(data_loss(PLAN, POINTS), format!("g: the app-consistent point {}", lies("up to 58m")));
    // The newest moment of each member is its own; they share the one before.
    let apart = POINTS.replace("g-17}, {id: f", "h-17}, {id: f");
    assert_eq!(data_loss(PLAN, &apart), format!("g: the app-consistent point {}", lies("up to 1h58m")));
    let none = apart.replace("g-16}, {id: e", "h-16}, {id: e");
    let words = "an app-consistent point lies behind the latest one; what is between is lost";
    assert_eq!(data_loss(PLAN, &none), format!("g: {words}"));
    let unknown =
        POINTS.replace("kind: app_consistent, group_point: g-17}, {id: f", "kind: app_consistent}, {id: f");
    assert_eq!(data_loss(PLAN, &unknown), format!("g: {words}"));
    // Where the plan chooses for all, too; of w3 and l1 nobody knows how much they lose.
    let plan = "{recovery_point: app_consistent, replication_groups: [{name: g, machines: [w1, w2]}]}";
    assert_eq!(
        data_loss(plan, &apart),
        format!("classic: the app-consistent point {}", lies("1h58m or more"))
    );
}

#[test]
fn in_the_modernized_architecture_points_are_made_at_the_failover() {
    let plan = "{replication_groups: [{name: g, machines: [w1, l1]}], \
                machines: {w1: {recovery_point: latest}, l1: {recovery_point: crash_consistent}}}";
    let group = group_in("modernized", plan, "{}");
    assert_eq!(group.common_point, Outlook::MadeAtFailover);
    assert_eq!(group.breaks, []);
    for member in &group.members {
        let kinds: Vec<PointChoice> = member.choices.iter().map(|one| one.kind).collect();
        assert_eq!(kinds, [PointChoice::CrashConsistent, PointChoice::AppConsistent]);
        assert!(member.choices.iter().all(|one| one.outlook == Outlook::MadeAtFailover));
    }
}

#[test]
fn a_plan_tells_the_recovery_points_of_its_groups() {
    let (plan, inventory) = texts("classic", PLAN, POINTS);
    let folder = Folder::with(&[("plan.yaml", &plan), ("classic.inventory.yaml", &inventory)]);
    let section = "\
recovery points of replication groups; what a failover at the time of the facts would lose:
  g goes to app_consistent; newest common point: 2025-05-31T23:00Z (g-17), 1h before the facts
    w1  latest: 10m; app_consistent: 1h
    w2  latest: 2m; app_consistent: 1h
";
    for command in ["plan", "check"] {
        let said = folder.run(&[command, "plan.yaml", "-v"]);
        assert_eq!(said.exit, 0, "{}", said.err);
        assert!(said.out.contains(section), "{command}:\n{}", said.out);
        assert!(!folder.run(&[command, "plan.yaml"]).out.contains("recovery points of replication groups"));
    }
    let json = folder.run(&["plan", "plan.yaml", "--format", "json"]).json();
    assert_eq!(
        json["recovery_points"][0]["common_point"],
        json!({"state": "known", "at": "2025-05-31T23:00:00Z", "loss_s": 3600, "group_point": "g-17"})
    );
    assert_eq!(
        json["recovery_points"][0]["members"][0]["choices"][0],
        json!({"kind": "latest", "state": "known", "at": "2025-05-31T23:55:00Z", "loss_s": 600})
    );
    let mut checked = folder.run(&["check", "plan.yaml", "--format", "json"]).json();
    let of_plan = checked["recovery_points"][0].as_object_mut().and_then(|group| group.remove("plan"));
    assert_eq!(of_plan, Some("classic".into()), "check looks at several plans");
    assert_eq!(checked["recovery_points"], json["recovery_points"]);
}
