//! What the machines that an evaluation is about have to do with: each group, server, vCenter, host and datastore once, listed
//! when the first rule asks for it.

use std::cell::OnceCell;
use std::collections::HashSet;

use crate::model::Appliance;
use crate::model::Fact;
use crate::model::Group;
use crate::model::Known;
use crate::model::LocationMode;
use crate::model::Machine;
use crate::model::MasterTarget;
use crate::model::Model;
use crate::model::Unknown;
use crate::rules::findings::SubjectKind;
use crate::rules::places::Places;
use crate::syntax::inventory::Datastore;
use crate::syntax::inventory::Host;
use crate::syntax::inventory::ProcessServer;
use crate::syntax::inventory::Vcenter;

/// Something that a rule looks at.
pub(super) enum Listed<'m, T> {
    /// It is in the inventory.
    Known(T),
    /// It, or what would name it, is not: a rule that needs it must not pass for lack of a subject.
    Missing {
        /// What kind of thing it would be.
        kind: SubjectKind,
        /// The machine that needs it.
        machine: Machine<'m>,
        /// What is not known.
        unknown: Unknown,
    },
}

/// The things that some machines of a plan have to do with.
pub(super) struct Roster<'m> {
    pub model: &'m Model,
    /// Indexes of the machines that are concerned; `None`: all of the plan.
    pub concerned: Option<&'m [usize]>,
    groups: OnceCell<Vec<Group<'m>>>,
    master_targets: OnceCell<Vec<Listed<'m, MasterTarget<'m>>>>,
    appliances: OnceCell<Vec<Listed<'m, Appliance<'m>>>>,
    process_servers: OnceCell<Vec<Listed<'m, &'m ProcessServer>>>,
    vcenters: OnceCell<Vec<Listed<'m, &'m Vcenter>>>,
    hosts: OnceCell<Vec<Listed<'m, &'m Host>>>,
    datastores: OnceCell<Vec<Listed<'m, &'m Datastore>>>,
}

impl<'m> Roster<'m> {
    pub(super) const fn new(model: &'m Model, concerned: Option<&'m [usize]>) -> Self {
        Self {
            model,
            concerned,
            groups: OnceCell::new(),
            master_targets: OnceCell::new(),
            appliances: OnceCell::new(),
            process_servers: OnceCell::new(),
            vcenters: OnceCell::new(),
            hosts: OnceCell::new(),
            datastores: OnceCell::new(),
        }
    }

    pub(super) fn machines(&self) -> impl Iterator<Item = Machine<'m>> + use<'m> {
        let (model, concerned) = (self.model, self.concerned);
        let count = concerned.map_or(model.machines().len(), <[usize]>::len);
        (0..count).map(move |at| model.machine(concerned.map_or(at, |concerned| concerned[at])))
    }

    pub(super) fn groups(&self) -> &[Group<'m>] {
        self.groups.get_or_init(|| {
            let mut seen: HashSet<usize, foldhash::fast::RandomState> = HashSet::default();
            self.machines().filter_map(Machine::group).filter(|group| seen.insert(group.index())).collect()
        })
    }

    pub(super) fn master_targets(&self) -> &[Listed<'m, MasterTarget<'m>>] {
        self.master_targets.get_or_init(|| {
            self.listed(SubjectKind::MasterTarget, Machine::listed_master_target, MasterTarget::name)
        })
    }

    pub(super) fn appliances(&self) -> &[Listed<'m, Appliance<'m>>] {
        self.appliances
            .get_or_init(|| self.listed(SubjectKind::Appliance, Machine::listed_appliance, Appliance::name))
    }

    pub(super) fn process_servers(&self) -> &[Listed<'m, &'m ProcessServer>] {
        self.process_servers.get_or_init(|| {
            self.listed(SubjectKind::ProcessServer, Machine::listed_process_server, |server| {
                server.name.value.as_str()
            })
        })
    }

    pub(super) fn hosts(&self) -> &[Listed<'m, &'m Host>] {
        self.hosts.get_or_init(|| {
            self.listed(SubjectKind::Host, Machine::target_host, |host| host.name.value.as_str())
        })
    }

    pub(super) fn datastores(&self) -> &[Listed<'m, &'m Datastore>] {
        self.datastores.get_or_init(|| {
            let of = |machine: Machine<'m>| match machine.target_datastore() {
                // What the plan names for a machine that comes back into its own VM is never written to.
                Err(_) if machine.location_mode() == Ok(LocationMode::Original) => Ok(None),
                found => found,
            };
            self.listed(SubjectKind::Datastore, of, |datastore| datastore.name.value.as_str())
        })
    }

    /// Returns the things that `of` finds for the machines, each name once, and what it does not find each time.
    fn listed<T: Copy>(
        &self,
        kind: SubjectKind,
        of: impl Fn(Machine<'m>) -> Fact<Option<T>>,
        name: impl Fn(T) -> &'m str,
    ) -> Vec<Listed<'m, T>> {
        let mut seen: HashSet<&str, foldhash::fast::RandomState> = HashSet::default();
        let mut listed = Vec::new();
        let is_one = matches!(self.concerned, Some([_]));
        for machine in self.machines() {
            match of(machine) {
                Ok(Some(thing)) if is_one || seen.insert(name(thing)) => listed.push(Listed::Known(thing)),
                Ok(_) => {}
                Err(unknown) => listed.push(Listed::Missing { kind, machine, unknown }),
            }
        }
        listed
    }

    pub(super) fn vcenters(&self) -> &[Listed<'m, &'m Vcenter>] {
        self.vcenters.get_or_init(|| {
            let mut seen = Places::new();
            let mut listed = Vec::new();
            for machine in self.machines() {
                let mut none = true;
                let mut last = None;
                for id in vcenters_of(machine) {
                    none = false;
                    // A machine has mostly to do with one alone.
                    if last.replace(id) != Some(id) && seen.of(id).1 {
                        listed.push(match self.model.vcenter(id) {
                            Ok(vcenter) => Listed::Known(vcenter),
                            Err(unknown) => Listed::Missing { kind: SubjectKind::Vcenter, machine, unknown },
                        });
                    }
                }
                if none && let Err(unknown) = source_vcenter(machine) {
                    listed.push(Listed::Missing { kind: SubjectKind::Machine, machine, unknown });
                }
            }
            listed
        })
    }
}

/// Returns the vCenter that a machine was protected under; `None` if there was none.
fn source_vcenter(machine: Machine<'_>) -> Fact<Option<&str>> {
    let source = machine.asr()?.source_vcenter.fact("asr.source_vcenter")?;
    Ok(source.map(|id| id.value.as_str()))
}

/// Returns the vCenters that a machine has to do with: its own, its source, its target's and its transfer host's.
fn vcenters_of(machine: Machine<'_>) -> impl Iterator<Item = &str> {
    let own = machine.onprem_vm().ok().and_then(|vm| vm.vcenter.as_option());
    let source = machine.asr().ok().and_then(|asr| asr.source_vcenter.as_option());
    let target = machine.settings().failback.vcenter.as_ref();
    let host = machine.transfer_host().ok().flatten().and_then(|name| machine.model.host(name).ok());
    let host = host.and_then(|host| host.vcenter.as_option());
    let appliance = machine.appliance().and_then(|appliance| appliance.facts.vcenter.as_ref());
    [own, source, target, host, appliance].into_iter().flatten().map(|id| id.value.as_str())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_yaml::Mapping;
    use serde_yaml::Value;

    use crate::rules::Finding;
    use crate::rules::Rule;
    use crate::rules::State;
    use crate::rules::all;
    use crate::rules::fixture;
    use crate::rules::fixture::Case;

    /// The lists of an inventory.
    const LISTS: [&str; 10] = [
        "machines",
        "replication_groups",
        "vcenters",
        "hosts",
        "datastores",
        "master_targets",
        "process_servers",
        "appliances",
        "storage_accounts",
        "automation_accounts",
    ];

    /// Returns what a rule finds in a case, once its inventory says nothing of a kind of things.
    fn without(rule: &'static Rule, case: &Case, list: &str) -> Vec<Finding> {
        let mut case = case.clone();
        if case.inventory.is_null() {
            case.inventory = Value::Mapping(Mapping::new());
        }
        let patch = case.inventory.as_mapping_mut().expect("a change is a mapping");
        patch.insert(list.into(), Value::Null);
        fixture::run(rule, &case).expect("a list can be taken out").findings
    }

    /// Returns whether a rule asks for things of a list.
    fn needs(rule: &Rule, list: &str) -> bool {
        let of_list = |fact: &&str| fact.split('.').next() == Some(list);
        rule.facts.iter().any(of_list)
    }

    /// Returns whether a rule has nothing to say without a list: what it explains are the findings of others, which are open
    /// then; and the replication groups that Site Recovery has are those that an inventory lists.
    fn is_exempt(rule: &Rule, list: &str) -> bool {
        rule.id == "FB532" || (rule.id, list) == ("FB505", "replication_groups")
    }

    #[test]
    fn no_rule_passes_because_a_whole_list_is_taken_away() {
        let mut passed = Vec::new();
        let mut asked = 0;
        for rule in all() {
            for case in fixture::of(rule).expect("a good fixture").cases {
                for list in LISTS.into_iter().filter(|list| needs(rule, list) && !is_exempt(rule, list)) {
                    if case.expect.is_empty() {
                        continue;
                    }
                    asked += 1;
                    if without(rule, &case, list).is_empty() {
                        passed.push(format!("{} without `{list}`: {}", rule.id, case.name));
                    }
                }
            }
        }
        assert!(asked > 500, "{asked}");
        assert_eq!(passed, Vec::<String>::new());
    }

    /// Returns the rules that a healthy world leaves open once a list is taken away.
    fn open(world: &str, list: &str) -> BTreeSet<&'static str> {
        let text = format!("{{name: healthy, world: {world}, expect: []}}");
        let case: Case = serde_yaml::from_str(&text).expect("the case is a case");
        let is_open = |rule: &&'static Rule| {
            without(rule, &case, list).iter().any(|finding| finding.state == State::Indeterminate)
        };
        all().filter(is_open).map(|rule| rule.id).collect()
    }

    fn assert_open(world: &str, list: &str, rules: &[&'static str]) {
        let open = open(world, list);
        let passed: Vec<&&str> = rules.iter().filter(|rule| !open.contains(*rule)).collect();
        assert!(passed.is_empty(), "{world} without `{list}`: {passed:?} pass; open are {open:?}");
    }

    #[test]
    fn rules_about_servers_are_open_where_nobody_lists_them() {
        assert_open(
            "modernized",
            "appliances",
            &["FB500", "FB800", "FB801", "FB802", "FB803", "FB804", "FB813", "FB814", "FB815", "FB816"],
        );
        assert_open(
            "classic",
            "master_targets",
            &["FB101", "FB130", "FB201", "FB203", "FB205", "FB207", "FB208", "FB211", "FB500"],
        );
        assert_open("classic", "process_servers", &["FB406", "FB500", "FB515"]);
        assert_open("modernized", "datastores", &["FB500", "FB802"]);
    }
}
