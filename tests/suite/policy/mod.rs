//! An organisation's own rules: their mistakes, their three values, their limits, and how `check` takes them.

mod hostile;
mod oracle;

use std::fmt::Write as _;

use failback::diagnostic::Diagnostic;
use failback::model::Model;
use failback::model::resolve;
use failback::rules::Finding;
use failback::rules::Policies;
use failback::rules::policy::BROKEN;
use failback::source::Sources;
use failback::syntax::Document;
use failback::syntax::parse;
use proptest::prelude::*;

use crate::support::CLASSIC_INVENTORY;
use crate::support::CLASSIC_PLAN;
use crate::support::Folder;

const EXAMPLE: &str = include_str!("../../../plans/policies/example.policy.yaml");
/// A rule of which tests give the rest.
const HEAD: &str = "kind: Policy\nversion: 1\nname: p\nrules:\n";

/// Reads policies, and says what is wrong as `line:column-column code | message | help`.
fn compiled(texts: &[&str]) -> (Policies, Vec<String>) {
    let mut sources = Sources::new();
    let mut diagnostics = Vec::new();
    let mut policies = Vec::new();
    for text in texts {
        let index = sources.add("p.yaml", (*text).to_owned()).expect("fits");
        for document in parse(sources.get(index), &mut diagnostics) {
            match document {
                Document::Policy(policy) => policies.push(*policy),
                other => panic!("{other:?}"),
            }
        }
    }
    let compiled = Policies::compile(&policies, &sources, &mut diagnostics);
    let told = |found: &Diagnostic| {
        let place = sources.locate(found.span).expect("a mistake has a place");
        let help = found.help.as_deref().unwrap_or("");
        let (from, to) = (place.start, place.end);
        format!("{}:{}-{} {} | {} | {help}", from.line, from.column, to.column, found.code, found.message)
    };
    (compiled, diagnostics.iter().map(told).collect())
}

/// Returns a policy of one rule; the assertion begins at line 6, column 11.
fn rule(scope: &str, assert: &str) -> String {
    let assert = serde_json::to_string(assert).expect("text is JSON");
    format!("{HEAD}- {{id: R1, severity: error, scope: {scope}, message: broken,\n  assert: {assert}}}\n")
}

fn mistake(scope: &str, assert: &str) -> String {
    let text = format!(
        "{HEAD}- {{id: R1, severity: error, scope: {scope}, message: m,\n  assert: '{}'}}\n",
        assert.replace('\'', "''")
    );
    compiled(&[&text]).1.join("\n")
}

/// The classic world; of `w2` the number of snapshots is not known, of `w3` nothing is, and `gone` is in no inventory.
fn model() -> Model {
    let plan = CLASSIC_PLAN.replace("  - name: w3", "  - name: w3\n  - name: gone");
    let inventory = CLASSIC_INVENTORY.replacen(
        "host: esx1, power_state: stopped, snapshots: 0",
        "host: esx1, power_state: stopped",
        1,
    );
    let at = inventory.find("  - {<<: *w1, name: w3").expect("there");
    let end = at + inventory[at..].find('\n').expect("there");
    let inventory =
        format!("{}  - {{name: w3, asr: {{source_vcenter: null}}}}{}", &inventory[..at], &inventory[end..]);
    let mut sources = Sources::new();
    let mut diagnostics = Vec::new();
    let mut documents = Vec::new();
    for text in [plan, inventory] {
        let index = sources.add("world", text).expect("fits");
        documents.extend(parse(sources.get(index), &mut diagnostics));
    }
    let [Document::Plan(plan), Document::Inventory(inventory)] = &documents[..] else {
        panic!("{diagnostics:?}")
    };
    let model = resolve((**plan).clone(), (**inventory).clone());
    assert!(diagnostics.is_empty(), "{diagnostics:?}");
    model
}

fn findings(policy: &str, model: &Model) -> Vec<Finding> {
    let (policies, mistakes) = compiled(&[policy]);
    assert!(mistakes.is_empty(), "{mistakes:#?}\n{policy}");
    policies.evaluate(model, "2025-06-01T00:00:00Z".parse().expect("a time"))
}

/// Returns what a rule says, `state subject fact` for each finding.
fn said(scope: &str, assert: &str, model: &Model) -> String {
    let mut told = Vec::new();
    for finding in findings(&rule(scope, assert), model) {
        if finding.name == BROKEN {
            told.push(format!("broken {}", finding.message));
            continue;
        }
        let fact = finding.fact.as_deref().map_or(String::new(), |fact| format!(" {fact}"));
        told.push(format!("{} {}{fact}", finding.state.as_str(), finding.subject.name));
    }
    told.join(", ")
}

#[test]
fn a_slip_is_a_mistake_with_its_place_before_anything_is_evaluated() {
    for (scope, assert, expected) in [
        (
            "machine",
            "machin.name == \"a\"",
            "6:12-18 unknown-name | there is no `machin` here | did you mean `machine`?",
        ),
        (
            "machine",
            "machine.os.famly == \"linux\"",
            "6:23-28 unknown-name | there is no key `famly` here | did you mean `family`?",
        ),
        (
            "machine",
            "machine.os.family == \"linx\"",
            "6:33-39 unknown-word | this is never \"linx\" | did you mean `linux`?",
        ),
        (
            "machine",
            "machine.state in [\"failed_over\", \"lost\"]",
            "6:45-51 unknown-word | this is never \"lost\" | it is one of protected_to_azure, failed_over, failed_over_committed, reprotecting_to_onprem, protected_to_onprem, failing_back, failed_back, failed_back_committed, reprotecting_to_azure, migrated, azure_vm_deleted, replication_disabled, azure_vm_moved",
        ),
        (
            "plan",
            "machine.name == \"a\"",
            "6:12-19 unknown-name | there is no `machine` here | a rule of `scope: plan` asks `machines.all(m, …)`",
        ),
        (
            "machine",
            "machine.name",
            "6:12-24 wrong-type | the expression is text, and must be true or false | ",
        ),
        (
            "machine",
            "machine.memory_gb > \"16\"",
            "6:30-31 wrong-type | `>` does not take a number with a fraction and text | ",
        ),
        (
            "machine",
            "machine.memory_gb * 2 > 1",
            "6:30-31 wrong-type | `*` does not take a number with a fraction and a whole number | write `2.0` for 2, or convert with `double(…)` or `int(…)`",
        ),
        ("machine", "machine.name == 3", "6:25-27 wrong-type | text is never equal to a whole number | "),
        (
            "machine",
            "machine.onprem_vm.disks.all(d, d.sze_gb > 1)",
            "6:45-51 unknown-name | there is no key `sze_gb` here | did you mean `size_gb`?",
        ),
        (
            "machine",
            "machine.name.sartsWith(\"a\")",
            "6:25-34 unknown-name | there is no function `sartsWith` | did you mean `startsWith`?",
        ),
        (
            "machine",
            "machine.name.matches(\"(\")",
            "6:33-36 wrong-type | the pattern can't be used: unclosed group | ",
        ),
        (
            "plan",
            "now < timestamp(\"yesterday\")",
            "6:18-27 wrong-type | `yesterday` is not a time; write it as 2026-11-22T21:04:00Z | ",
        ),
        ("plan", "plan.name = \"a\"", "6:22-23 bad-expression | `=` is not CEL | write `==`"),
        ("plan", "plan.name == \"a\" and true", "6:29-32 bad-expression | `and` is not CEL | write `&&`"),
        ("plan", "plan.name ==", "6:23-24 bad-expression | the expression ends too early | "),
        ("plan", "(plan.name == \"a\"", "6:12-13 bad-expression | nothing closes the `(` | "),
        (
            "plan",
            "plan.name == \"\\q\"",
            "6:25-26 bad-expression | the text in quotes has an escape that CEL does not know | write `\\\\` for a backslash, or `r\"…\"` for text without escapes",
        ),
        (
            "plan",
            "1u == 1",
            "6:12-14 bad-expression | unsigned numbers are not used here | leave out the `u`",
        ),
        ("plan", "가 == 1", "6:12-13 bad-expression | `가` is not CEL | "),
    ] {
        assert_eq!(mistake(scope, assert), expected, "{assert}");
    }
}

#[test]
fn a_mistake_is_found_in_a_block_scalar_and_in_a_message() {
    let text = format!(
        "{HEAD}- id: R1\n  severity: info\n  scope: machine\n  assert: |\n    machine.os.family == \"linux\" &&\n      machine.nme != \"한국\"\n  message: 'héllo {{{{ machine.kimd }}}}, {{{{ plan.name }}}}'\n"
    );
    assert_eq!(
        compiled(&[&text]).1,
        [
            "10:15-18 unknown-name | there is no key `nme` here | did you mean `name`?",
            "11:30-34 unknown-name | there is no key `kimd` here | did you mean `kind`?",
        ]
    );
    let open = text.replace("nme", "name").replace("{{ machine.kimd }}", "{{ machine.kimd");
    assert!(
        compiled(&[&open]).1[0].starts_with("11:19-21 bad-expression | nothing closes"),
        "{:?}",
        compiled(&[&open]).1
    );
}

#[test]
fn ids_are_the_organisations_own_and_stand_once() {
    let with = |id: &str| rule("plan", "true").replace("R1", id);
    for id in ["FB123", "fb1", "FB9ACME"] {
        assert!(compiled(&[&with(id)]).1[0].contains("5:8-"), "{id}");
        assert!(
            compiled(&[&with(id)]).1[0].contains("bad-rule-id | ids like `FB123` belong to the built-in"),
            "{id}"
        );
    }
    for id in ["acme", "A B", "\"7\"", "Ä1"] {
        assert!(compiled(&[&with(id)]).1[0].contains("bad-rule-id | an id is a capital letter"), "{id}");
    }
    assert!(compiled(&[&with("FBI-7")]).1.is_empty());
    let (policies, mistakes) = compiled(&[&with("A1"), &with("A1").replace("name: p", "name: q")]);
    assert_eq!(
        mistakes,
        ["5:8-10 duplicate-rule | a second rule has the id `A1` | give each rule its own id"]
    );
    assert_eq!(policies.ids().collect::<Vec<_>>(), ["A1"]);
}

#[test]
fn what_nobody_knows_is_indeterminate_unless_something_else_decides() {
    let model = model();
    for (assert, expected) in [
        (
            "machine.onprem_vm.snapshots == 0",
            "indeterminate w2 onprem_vm.snapshots, indeterminate w3 onprem_vm, indeterminate gone machines",
        ),
        (
            "false && machine.onprem_vm.snapshots == 0",
            "violated w1, violated w2, violated w3, violated gone, violated l1",
        ),
        (
            "machine.onprem_vm.snapshots == 0 && false",
            "violated w1, violated w2, violated w3, violated gone, violated l1",
        ),
        ("machine.onprem_vm.snapshots == 0 || true", ""),
        ("machine.name != \"w2\" || machine.onprem_vm.snapshots > 9", "indeterminate w2 onprem_vm.snapshots"),
        ("!(machine.kind == \"physical\")", "indeterminate w3 kind, indeterminate gone machines"),
        ("machine.asr.source_vcenter != null", "violated w3, indeterminate gone machines"),
        ("machine.asr.source_vcenter == \"vc1\" || machine.name in [\"w3\", \"gone\"]", ""),
        ("has(machine.onprem_vm.snapshots)", "violated w2, violated w3, violated gone"),
        ("has(machine.asr.source_vcenter)", "violated gone"),
        (
            "machine.onprem_vm.disks.all(d, d.datastore == \"vmfs1\") || machine.name in [\"w3\", \"gone\"]",
            "",
        ),
        (
            "machine.azure_vm.disks.exists(d, d.size_gb > 100)",
            "violated w1, violated w2, indeterminate w3 azure_vm, indeterminate gone machines, violated l1",
        ),
        ("machine.onprem_vm.disks.size() == 2", "indeterminate w3 onprem_vm, indeterminate gone machines"),
        ("machine.location_mode == \"original\"", "indeterminate w3 kind, indeterminate gone machines"),
        (
            "machine.settings.failback.master_target != \"mtw\"",
            "violated w1, violated w2, violated w3, violated gone",
        ),
        (
            "datastore(machine.settings.failback.datastore).free_gb >= 20480",
            "violated w1, violated w2, violated w3, violated gone, violated l1",
        ),
        (
            "host(machine.onprem_vm.host).vms.exists(v, v == machine.name) || machine.name in [\"w3\", \"gone\"]",
            "indeterminate w1 hosts.vms, indeterminate w2 hosts.vms, indeterminate l1 hosts.vms",
        ),
        ("host(\"esx9\").vcenter == \"vc1\" || machine.name != \"w1\"", "indeterminate w1 hosts"),
        ("machine.group == null && machine.boot_group == null && machine.depends_on == []", ""),
        (
            "plan.owner == null && !has(plan.owner) && plan.boot_groups.size() == 0 && plan.objectives.rto == null",
            "",
        ),
        ("now - inventory.observed_at <= duration(\"0s\") && inventory.vault.experience == \"classic\"", ""),
        ("inventory.configuration_server.last_backup_at > now - duration(\"2d\")", ""),
    ] {
        assert_eq!(said("machine", assert, &model), expected, "{assert}");
    }
    assert_eq!(
        said("plan", "machines.all(m, m.onprem_vm.exists)", &model),
        "indeterminate classic onprem_vm"
    );
    let unknown = findings(&rule("plan", "machines.all(m, m.onprem_vm.exists)"), &model);
    assert_eq!(unknown[0].message, "the policy's rule can't be decided: `onprem_vm` of w3 is not known");
    // Of a list of the inventory, too.
    for (assert, of) in [
        ("inventory.machines.exists_one(m, m.churn.peak_mb_s > 1.0)", "w1"),
        ("inventory.vcenters.all(v, v.reachable)", "vc1"),
        ("inventory.machines.filter(m, m.name == \"l1\").map(m, m.os).all(o, o.service_pack == 1)", "l1"),
    ] {
        let unknown = findings(&rule("plan", assert), &model);
        let message = unknown[0].message.as_str();
        assert!(message.ends_with(&format!("` of {of} is not known")), "{assert}: {message}");
    }
}

#[test]
fn a_rule_is_silent_where_its_condition_is_false_or_its_assertion_true() {
    let model = model();
    let with = |when: &str, assert: &str| {
        let text = format!(
            "{HEAD}- {{id: R1, severity: warning, scope: machine, message: m, when: '{when}', assert: '{assert}'}}\n"
        );
        let told = findings(&text, &model)
            .iter()
            .map(|f| format!("{} {}", f.state.as_str(), f.subject.name))
            .collect::<Vec<_>>();
        told.join(", ")
    };
    assert_eq!(with("machine.name == \"w1\"", "false"), "violated w1");
    assert_eq!(with("machine.onprem_vm.snapshots > 0", "true"), "");
    assert_eq!(
        with("machine.onprem_vm.snapshots == 0 && machine.name == \"w2\"", "false"),
        "indeterminate w2"
    );
    assert_eq!(with("machine.name == \"w2\"", "machine.onprem_vm.snapshots == 0"), "indeterminate w2");
}

#[test]
fn a_finding_says_which_values_broke_the_rule() {
    let text = format!(
        "{HEAD}- {{id: R1, severity: warning, scope: machine, source: handbook, help: do it, message: '{{{{ machine.name }}}} has {{{{ machine.azure_vm.disks.size() }}}} disks, {{{{ machine.onprem_vm.snapshots }}}}',\n  assert: 'machine.name == \"w2\" || machine.azure_vm.disks.all(d, d.id == \"disk0\")'}}\n"
    );
    let found = findings(&text, &model());
    let w1 = found.iter().find(|finding| finding.subject.name == "w1").expect("found");
    assert_eq!((w1.message.as_str(), &*w1.source, &*w1.help), ("w1 has 2 disks, 0", "handbook", "do it"));
    let labels: Vec<&str> = w1.related.iter().map(|label| label.text.as_str()).collect();
    assert_eq!(labels, ["is w1", "is disk1"]);
}

#[test]
fn what_can_not_be_evaluated_is_a_mistake_of_the_policy_and_told_once() {
    let model = model();
    for (assert, expected) in [
        (
            "1 / (size(plan.name) - 7) == 1",
            "broken the rule can't be evaluated for w1: a division by zero, and so for 4 more",
        ),
        (
            "plan.objectives.rto <= duration(\"4h\")",
            "broken the rule can't be evaluated for w1: null and a duration have no order, and so for 4 more",
        ),
        (
            "machines[7].name == \"a\"",
            "broken the rule can't be evaluated for w1: there is no item 7 in a list of 5, and so for 4 more",
        ),
        (
            "9223372036854775807 + size(plan.name) > 0",
            "broken the rule can't be evaluated for w1: the result is too large, and so for 4 more",
        ),
        (
            "int(machine.name) > 0",
            "broken the rule can't be evaluated for w1: `w1` is no whole number, and so for 4 more",
        ),
    ] {
        assert_eq!(said("machine", assert, &model), expected, "{assert}");
    }
}

#[test]
fn the_example_keeps_its_own_tests_and_every_rule_has_one() {
    let folder = Folder::with(&[("e.policy.yaml", EXAMPLE)]);
    let ended = folder.run(&["check", "--test-policies", "e.policy.yaml"]);
    assert_eq!((ended.exit, ended.err.as_str()), (0, ""), "{}", ended.out);
    assert!(ended.out.ends_with("10 of 10 tests passed\n"), "{}", ended.out);
    let (policies, _) = compiled(&[EXAMPLE]);
    for id in policies.ids() {
        assert!(ended.out.contains(&format!("  {id}  ")), "{id} has no test");
    }
}
