//! What conflicts say, against looking at every choice there is with the rules themselves.

use std::collections::BTreeSet;

use crate::model::Model;
use crate::model::resolve;
use crate::rules;
use crate::rules::Finding;
use crate::rules::Options;
use crate::rules::OriginFilter;
use crate::rules::Subject;
use crate::rules::conflict::choice::Key;
use crate::rules::conflict::solve;
use crate::rules::conflict::solve::Conflict;
use crate::rules::conflict::unit::Line;
use crate::rules::fixture;
use crate::rules::fixture::Case;
use crate::rules::fixture::World;
use crate::source::Sources;
use crate::source::Spanned;
use crate::syntax::Document;
use crate::syntax::inventory::Inventory;
use crate::syntax::parse;
use crate::syntax::plan::Failback;
use crate::syntax::plan::LocationChoice;
use crate::syntax::plan::RecoveryPlan;
use crate::syntax::plan::Target;

/// Rules that conflicts explain.
const RULES: [&str; 17] = [
    "FB013", "FB100", "FB101", "FB102", "FB104", "FB105", "FB120", "FB121", "FB122", "FB123", "FB124",
    "FB125", "FB201", "FB211", "FB507", "FB508", "FB509",
];

const SERVERS: [&str; 3] = ["mtw", "mtl", "mtw2"];
const VOLUMES: [&str; 3] = ["R:", "/mnt/retention", "S:"];
const DATASTORES: [&str; 4] = ["vmfs1", "vmfs2", "vsan1", "nfs1"];

/// What a plan chooses for a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Choice {
    member: bool,
    server: &'static str,
    volume: &'static str,
    datastore: &'static str,
    host: Option<&'static str>,
    location: LocationChoice,
    delete: bool,
}

/// Numbers that look random and are the same every time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("31 bits") % sides
    }

    fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.roll(of.len())]
    }
}

struct Small {
    plan: RecoveryPlan,
    inventory: Inventory,
    names: Vec<&'static str>,
    /// Whether Site Recovery has the machines in their group.
    confirmed: bool,
}

impl Small {
    /// Returns a world of one machine, or of a group of two.
    fn new(dice: &mut Dice, grouped: bool) -> Self {
        let names = if grouped { vec!["w1", dice.one(&["w2", "l1"])] } else { vec![dice.one(&["w1", "l1"])] };
        let mut machines = serde_yaml::Mapping::new();
        for name in ["w1", "w2", "w3", "l1"] {
            machines.insert(name.into(), if names.contains(&name) { "{}" } else { "~" }.into());
        }
        let others = ["w1", "w2", "w3", "l1"].into_iter().filter(|name| !names.contains(name));
        let plan: String = others.map(|name| format!("{name}: null, ")).collect();
        let group = if grouped {
            format!("replication_groups: [{{name: erp, machines: [{}]}}]", names.join(", "))
        } else {
            String::new()
        };
        let facts: String = names.iter().map(|name| {
            let exists = dice.roll(3) > 0;
            let kind = dice.one(&["vmdk", "vmdk", "rdm"]);
            let attached = dice.roll(4) > 0;
            let datastore = dice.one(&["vmfs1", "vmfs1", "vmfs2", "vsan1"]);
            format!("{name}: {{onprem_vm: {{exists: {exists}, disks: {{disk1: {{kind: {kind}, attached: {attached}, datastore: {datastore}}}}}}}}}, ")
        }).collect();
        let confirmed = dice.roll(2) == 0;
        let members = if confirmed { names.join(", ") } else { "w3".to_owned() };
        let text = format!(
            "{{name: small, world: classic, plan: {{machines: {{{plan}}}, {group}}}, inventory: {{machines: {{{facts}}}, \
             replication_groups: [{{name: erp, members: [{members}]}}], \
             master_targets: {{mtw2: {{os: {{family: windows, release: windows_server_2019}}, form: vmware_vm, host: esx2, \
             registered: true, discovered: true, snapshots: 0, scsi_controllers: [lsilogic_sas], attached_disks: 3, \
             vmware_tools_installed: true, enable_uuid: true, retention_volumes: [{{name: 'S:', fs: ntfs, capacity_gb: 1024, \
             in_use: false, locked: false}}], version: '9.62', uuid: 564d0000-0000-0000-0000-0000000000cc, ram_gb: 16, \
             cpu: 8, os_disk_gb: 120, storage_vmotion_excluded: true}}}}}}, expect: []}}"
        );
        let case: Case = serde_yaml::from_str(&text).expect("the case is a case");
        let (plan, inventory) = fixture::texts(&case).expect("the world can be changed");
        let (mut sources, mut diagnostics) = (Sources::new(), Vec::new());
        let mut documents = Vec::new();
        for (name, text) in [("plan.yaml", plan), ("inventory.yaml", inventory)] {
            let index = sources.add(name, text).expect("small");
            documents.extend(parse(sources.get(index), &mut diagnostics));
        }
        let [Document::Plan(plan), Document::Inventory(inventory)] = documents.as_slice() else {
            panic!("two documents: {diagnostics:#?}")
        };
        Self { plan: (**plan).clone(), inventory: (**inventory).clone(), names, confirmed }
    }

    fn model(&self, choices: &[Choice]) -> Model {
        let mut plan = self.plan.clone();
        for group in &mut plan.replication_groups {
            let stays = |name: &str| {
                self.names.iter().zip(choices).any(|(own, choice)| *own == name && choice.member)
            };
            group.machines.retain(|name| stays(&name.value));
        }
        plan.replication_groups.retain(|group| !group.machines.is_empty());
        let template = plan.machines.first().cloned();
        for (name, choice) in self.names.iter().zip(choices) {
            if plan.machines.iter().all(|machine| machine.0.name.value != *name) {
                let mut machine = template.clone().expect("a group of two leaves none out");
                machine.0.name.value = (*name).to_owned();
                plan.machines.push(machine);
            }
            let machine =
                plan.machines.iter_mut().find(|machine| machine.0.name.value == *name).expect("it is there");
            let bare = |word: &str| Some(Spanned::bare(word.to_owned()));
            machine.0.failback = Some(Failback {
                location: Some(Spanned::bare(choice.location)),
                master_target: bare(choice.server),
                retention_volume: bare(choice.volume),
                datastore: bare(choice.datastore),
                delete_existing_vm: Some(Spanned::bare(choice.delete)),
                target: choice.host.map(|host| Target {
                    hypervisor: None,
                    form: None,
                    vcenter: None,
                    host: bare(host),
                }),
                process_server: None,
                appliance: None,
                log_storage_account: None,
            });
        }
        resolve(plan, self.inventory.clone())
    }

    fn found(&self, choices: &[Choice]) -> BTreeSet<(String, Subject)> {
        let model = self.model(choices);
        let now = World::Classic.healthy_at();
        let found = RULES.iter().flat_map(|id| {
            let rule = rules::find(id).expect("it is a rule");
            rules::run_rule(rule, &model, None, now)
        });
        let key = |finding: Finding| (finding.rule.into_owned(), finding.subject);
        found.map(key).collect()
    }
}

/// Returns every choice for a machine whose present choice is this one.
fn all(present: Choice, grouped: bool) -> Vec<Choice> {
    let mut found = vec![];
    let both = |one: bool| if one { vec![true, false] } else { vec![false] };
    let hosts = if present.host.is_some() { vec![present.host, None] } else { vec![None] };
    let datastores: &[&str] = if grouped { &[present.datastore] } else { &DATASTORES };
    for server in SERVERS {
        for volume in VOLUMES {
            for datastore in datastores
                .iter()
                .map(|name| DATASTORES[DATASTORES.iter().position(|own| own == name).expect("known")])
            {
                for host in &hosts {
                    for location in [present.location, LocationChoice::Auto] {
                        for delete in both(present.delete) {
                            for member in if grouped { vec![true, false] } else { vec![true] } {
                                found.push(Choice {
                                    member,
                                    server,
                                    volume,
                                    datastore,
                                    host: *host,
                                    location,
                                    delete,
                                });
                            }
                        }
                    }
                }
            }
        }
    }
    found.dedup();
    found
}

fn has(choice: &Choice, present: &Choice, key: Key) -> bool {
    match key {
        Key::Member => choice.member == present.member,
        Key::Server => choice.server == present.server,
        Key::Datastore => choice.datastore == present.datastore,
        Key::Volume => choice.volume == present.volume,
        Key::Host => choice.host == present.host,
        Key::Location => choice.location == present.location,
        Key::Delete => choice.delete == present.delete,
    }
}

fn corrected(conflict: &Conflict<'_>, present: &[Choice]) -> Option<Vec<Choice>> {
    let correction = conflict.correction.as_ref()?;
    let mut choices = present.to_vec();
    let known =
        |words: &[&'static str], value: &str| *words.iter().find(|word| **word == value).expect("known");
    for at in &correction.leaving {
        choices[*at].member = false;
    }
    for (at, changes) in &correction.changes {
        for change in changes {
            let (choice, value) = (&mut choices[*at], change.value.as_deref().unwrap_or(""));
            match change.key {
                Key::Member => unreachable!("a member leaves apart"),
                Key::Server => choice.server = known(&SERVERS, value),
                Key::Datastore => choice.datastore = known(&DATASTORES, value),
                Key::Volume => choice.volume = known(&VOLUMES, value),
                Key::Host => choice.host = None,
                Key::Location => choice.location = LocationChoice::Auto,
                Key::Delete => choice.delete = false,
            }
        }
    }
    Some(choices)
}

/// Compares what is said about a small world with looking at every choice; returns how many conflicts there were.
fn compare(dice: &mut Dice, grouped: bool) -> (usize, usize) {
    let small = Small::new(dice, grouped);
    let present: Vec<Choice> = small
        .names
        .iter()
        .map(|_| Choice {
            member: true,
            server: dice.one(&SERVERS),
            volume: dice.one(&VOLUMES),
            datastore: if grouped { "vmfs1" } else { dice.one(&DATASTORES) },
            host: if grouped { None } else { dice.one(&[None, Some("esx1"), Some("esx2")]) },
            location: if grouped {
                LocationChoice::Auto
            } else {
                dice.one(&[LocationChoice::Auto, LocationChoice::Original, LocationChoice::Alternate])
            },
            delete: !grouped && dice.roll(2) == 0,
        })
        .collect();
    let model = small.model(&present);
    let now = World::Classic.healthy_at();
    let conflicts = solve::conflicts(&model, now, 50).expect("the architecture is known");
    if conflicts.is_empty() {
        return (0, 0);
    }
    let at_present = small.found(&present);
    let mut choices: Vec<Vec<Choice>> = vec![vec![]];
    for own in &present {
        let all = all(*own, grouped);
        choices = choices
            .iter()
            .flat_map(|head| all.iter().map(move |one| [head.as_slice(), &[*one]].concat()))
            .collect();
    }
    let found: Vec<BTreeSet<(String, Subject)>> =
        choices.iter().map(|choices| small.found(choices)).collect();
    let mut resolved = 0;
    for conflict in &conflicts {
        let symptoms: BTreeSet<(String, Subject)> = conflict
            .symptoms
            .iter()
            .map(|(rule, at)| ((*rule).to_owned(), conflict.subject_of(*at)))
            .collect();
        // Rules about servers and datastores name other subjects; those of the unit are all that there are.
        let is_symptom = |(rule, subject): &(String, Subject)| {
            symptoms.contains(&(rule.clone(), subject.clone()))
                || (["FB105", "FB211"].contains(&rule.as_str())
                    && symptoms.iter().any(|(own, _)| own == rule))
        };
        let ignored: BTreeSet<_> = at_present.iter().filter(|one| !is_symptom(one)).collect();
        let ignored_rules: BTreeSet<&str> = ignored.iter().map(|(rule, _)| rule.as_str()).collect();
        let is_good = |found: &BTreeSet<(String, Subject)>| {
            found.iter().all(|one| {
                ignored.contains(one)
                    || (["FB105", "FB211"].contains(&one.0.as_str())
                        && ignored_rules.contains(one.0.as_str()))
            })
        };
        let can_hold = |lines: &[Line]| {
            choices.iter().zip(&found).any(|(choices, found)| {
                lines.iter().all(|(at, key)| has(&choices[*at], &present[*at], *key)) && is_good(found)
            })
        };
        let told =
            || format!("{present:#?}\n{:?}\n{:?}\n{at_present:#?}", conflict.lines, conflict.correction);
        assert!(!can_hold(&conflict.lines), "the lines can hold together: {}", told());
        for at in 0..conflict.lines.len() {
            let mut fewer = conflict.lines.clone();
            fewer.remove(at);
            assert!(can_hold(&fewer), "fewer lines suffice: {}", told());
        }
        let cost = |choices: &[Choice]| -> usize {
            let pairs = choices.iter().zip(&present);
            pairs.map(|(one, own)| Key::ALL.iter().filter(|key| !has(one, own, **key)).count()).sum()
        };
        let may_be = |choices: &[Choice]| !small.confirmed || choices.iter().all(|choice| choice.member);
        let good = choices.iter().zip(&found).filter(|(choices, found)| may_be(choices) && is_good(found));
        let fewest = good.map(|(choices, _)| cost(choices)).min();
        let right = corrected(conflict, &present);
        assert_eq!(right.as_deref().map(cost), fewest, "{}", told());
        if let Some(right) = right {
            resolved += 1;
            assert!(is_good(&small.found(&right)), "{}", told());
            let options = Options { origin: OriginFilter::All, strict: false, now };
            let report = rules::check(small.model(&right), &options);
            let left = report.findings.iter().filter(|finding| finding.rule == "FB532");
            assert_eq!(left.count() + 1, conflicts.len().max(1), "{}", told());
        }
    }
    (conflicts.len(), resolved)
}

#[test]
fn the_lines_of_a_machine_are_a_smallest_set_and_the_changes_the_fewest() {
    let (mut conflicts, mut resolved) = (0, 0);
    for seed in 0..40 {
        let (found, right) = compare(&mut Dice(seed * 7919 + 1), false);
        conflicts += found;
        resolved += right;
    }
    assert!(conflicts > 10 && resolved > 10, "{conflicts} {resolved}");
}

#[test]
fn the_lines_of_a_group_are_a_smallest_set_and_the_changes_the_fewest() {
    let (mut conflicts, mut resolved) = (0, 0);
    for seed in 0..30 {
        let (found, right) = compare(&mut Dice(seed * 104_729 + 3), true);
        conflicts += found;
        resolved += right;
    }
    assert!(conflicts > 10 && resolved > 10, "{conflicts} {resolved}");
}
