//! Names in documents: which places hold one, what it stands for, and where what it stands for is written.

use std::ops::Range;

use crate::model::ReferenceKind;

use super::language::Document;
use super::language::Place;
use super::sketch::Kind;
use super::sketch::Sketch;
use super::sketch::plain;

/// What stands at a place that is no word of the language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sort {
    /// The name of something.
    Name(ReferenceKind),
    /// The id of a rule.
    Rule,
    /// Whatever a finding may be about.
    Subject,
    /// The file of an inventory.
    File,
    /// The kind of a recovery point.
    RecoveryPoint,
}

/// Returns what stands at a place; `None` if it is free text, a number or a word of the language.
pub(super) fn sort_of(document: Document, place: &Place<'_>) -> Option<Sort> {
    match document {
        Document::Plan => in_plan(place.block, place.key, place.in_list),
        Document::Inventory => in_inventory(place.block, place.key).map(Sort::Name),
        Document::Policy | Document::Settings => None,
    }
}

fn in_plan(block: &str, key: &str, in_list: bool) -> Option<Sort> {
    use ReferenceKind as To;
    Some(match (block, key) {
        ("RecoveryPlan", "machines") if in_list => Sort::Name(To::Machine),
        ("Machine", "name") | ("ReplicationGroup", "machines") => Sort::Name(To::Machine),
        ("ReplicationGroup", "name") => Sort::Name(To::ReplicationGroup),
        ("ReplicationGroup", "quiesce") => Sort::Name(To::Action),
        ("Machine" | "ReplicationGroup", "depends_on") | ("BootGroup", "members") | ("Drill", "machines") => {
            Sort::Name(To::Member)
        }
        ("Hook", "of") => Sort::Name(To::HookSubject),
        ("Failback" | "Forward", "master_target") => Sort::Name(To::MasterTarget),
        ("Failback" | "Forward", "process_server") => Sort::Name(To::ProcessServer),
        ("Failback" | "Forward", "appliance") => Sort::Name(To::Appliance),
        ("Failback", "datastore") => Sort::Name(To::Datastore),
        ("Failback", "log_storage_account") | ("Forward", "cache_storage_account") => {
            Sort::Name(To::StorageAccount)
        }
        ("Target", "vcenter") => Sort::Name(To::Vcenter),
        ("Target", "host") => Sort::Name(To::Host),
        ("Runbook", "automation_account") => Sort::Name(To::AutomationAccount),
        ("Waiver", "rule") => Sort::Rule,
        ("Waiver", "of") => Sort::Subject,
        ("RecoveryPlan", "inventory") => Sort::File,
        ("RecoveryPlan" | "Machine" | "ReplicationGroup", "recovery_point") => Sort::RecoveryPoint,
        _ => return None,
    })
}

fn in_inventory(block: &str, key: &str) -> Option<ReferenceKind> {
    use ReferenceKind as To;
    Some(match (block, key) {
        ("Host" | "Datastore" | "OnpremVm" | "Appliance", "vcenter") | ("Asr", "source_vcenter") => {
            To::Vcenter
        }
        ("MasterTarget" | "Appliance" | "OnpremVm", "host") => To::Host,
        ("MasterTarget" | "Appliance" | "OnpremDisk", "datastore") => To::Datastore,
        ("ReplicationGroup", "members") | ("Machine", "name") => To::Machine,
        ("ReplicationGroup", "name") => To::ReplicationGroup,
        ("MasterTarget", "name") => To::MasterTarget,
        ("ProcessServer", "name") => To::ProcessServer,
        ("Appliance", "name") => To::Appliance,
        ("Datastore", "name") => To::Datastore,
        ("Host", "name") => To::Host,
        ("Vcenter", "id") => To::Vcenter,
        _ => return None,
    })
}

/// Where a name is given to something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Given {
    pub name: String,
    /// What has it, in a word or two.
    pub what: &'static str,
    /// The name in its text.
    pub range: Range<usize>,
}

/// A document in which names are looked up.
#[derive(Clone, Copy)]
pub(super) struct Book<'t> {
    pub sketch: &'t Sketch,
    pub text: &'t str,
    /// The document's item.
    pub document: usize,
}

impl Book<'_> {
    /// Adds the names of the items of a list at the top of the document.
    fn section(self, key: &str, what: &'static str, found: &mut Vec<Given>) {
        let Some(section) = self.sketch.key(self.text, self.document, key) else { return };
        for element in self.sketch.children(section) {
            if let Some(range) = self.name_of(element) {
                found.push(Given { name: plain(&self.text[range.clone()]).to_owned(), what, range });
            }
        }
    }

    /// Returns where an item of a list is named: it is a name, or has the key `name` or `id`.
    fn name_of(self, element: usize) -> Option<Range<usize>> {
        let item = self.sketch.item(element);
        if item.kind != Kind::Element {
            return None;
        }
        item.value.clone().or_else(|| {
            let key = ["name", "id"].into_iter().find_map(|key| self.sketch.key(self.text, element, key))?;
            self.sketch.item(key).value.clone()
        })
    }

    /// Returns where a plan gives names that stand for something of a kind.
    pub(super) fn of_plan(self, kind: ReferenceKind) -> Vec<Given> {
        let mut found = Vec::new();
        match kind {
            ReferenceKind::Member | ReferenceKind::HookSubject => {
                self.section("replication_groups", "replication group", &mut found);
                self.section("machines", "machine", &mut found);
                self.members(&mut found);
                if kind == ReferenceKind::HookSubject {
                    self.section("boot_groups", "boot group", &mut found);
                }
            }
            ReferenceKind::Action => self.section("actions", "action", &mut found),
            ReferenceKind::Machine
            | ReferenceKind::ReplicationGroup
            | ReferenceKind::MasterTarget
            | ReferenceKind::ProcessServer
            | ReferenceKind::Datastore
            | ReferenceKind::Host
            | ReferenceKind::Vcenter
            | ReferenceKind::Appliance
            | ReferenceKind::StorageAccount
            | ReferenceKind::AutomationAccount => {}
        }
        found
    }

    /// Adds the machines of the plan's replication groups that it does not list by themselves.
    fn members(self, found: &mut Vec<Given>) {
        let listed: std::collections::HashSet<String> =
            found.iter().map(|given| given.name.clone()).collect();
        let Some(groups) = self.sketch.key(self.text, self.document, "replication_groups") else { return };
        for group in self.sketch.children(groups) {
            let Some(machines) = self.sketch.key(self.text, group, "machines") else { continue };
            for range in self.sketch.children(machines).filter_map(|element| self.name_of(element)) {
                let name = plain(&self.text[range.clone()]).to_owned();
                if !listed.contains(&name) {
                    found.push(Given { name, what: "machine", range });
                }
            }
        }
    }

    /// Returns where an inventory gives names to things of a kind.
    pub(super) fn of_inventory(self, kind: ReferenceKind) -> Vec<Given> {
        let mut found = Vec::new();
        match kind {
            ReferenceKind::Member | ReferenceKind::HookSubject => {
                self.section("machines", "machine", &mut found);
                self.section("replication_groups", "replication group", &mut found);
            }
            ReferenceKind::Action => {}
            ReferenceKind::Machine
            | ReferenceKind::ReplicationGroup
            | ReferenceKind::MasterTarget
            | ReferenceKind::ProcessServer
            | ReferenceKind::Datastore
            | ReferenceKind::Host
            | ReferenceKind::Vcenter
            | ReferenceKind::Appliance
            | ReferenceKind::StorageAccount
            | ReferenceKind::AutomationAccount => {
                if let Some(key) = kind.inventory_key() {
                    self.section(key, kind.as_str(), &mut found);
                }
            }
        }
        found
    }

    /// Returns where an inventory gives names to anything that a finding may be about.
    pub(super) fn subjects(self) -> Vec<Given> {
        use ReferenceKind as To;
        let kinds =
            [To::MasterTarget, To::ProcessServer, To::Appliance, To::Datastore, To::Host, To::Vcenter];
        kinds.into_iter().flat_map(|kind| self.of_inventory(kind)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAN: &str = "\
kind: RecoveryPlan
replication_groups:
  - {name: db, machines: [sql1, sql2]}
machines:
  - name: sql1
    depends_on: [
  - \"웹1\"
boot_groups:
  - name: data
";

    #[test]
    fn names_are_found_in_a_plan_that_does_not_parse() {
        let sketch = Sketch::of(PLAN);
        let book = Book { sketch: &sketch, text: PLAN, document: 0 };
        let given = book.of_plan(ReferenceKind::HookSubject);
        let names: Vec<(&str, &str)> = given.iter().map(|given| (given.what, given.name.as_str())).collect();
        let wanted = [
            ("replication group", "db"),
            ("machine", "sql1"),
            ("machine", "웹1"),
            ("machine", "sql2"),
            ("boot group", "data"),
        ];
        assert_eq!(names, wanted);
        assert_eq!(&PLAN[given[2].range.clone()], "\"웹1\"");
    }

    #[test]
    fn each_name_that_a_block_refers_to_is_a_key_of_that_block() {
        let plan = [
            ("Machine", "name"),
            ("ReplicationGroup", "machines"),
            ("ReplicationGroup", "quiesce"),
            ("Machine", "depends_on"),
            ("BootGroup", "members"),
            ("Drill", "machines"),
            ("Hook", "of"),
            ("Failback", "master_target"),
            ("Forward", "process_server"),
            ("Failback", "appliance"),
            ("Failback", "datastore"),
            ("Failback", "log_storage_account"),
            ("Forward", "cache_storage_account"),
            ("Target", "vcenter"),
            ("Target", "host"),
            ("Runbook", "automation_account"),
            ("Waiver", "rule"),
            ("Waiver", "of"),
            ("RecoveryPlan", "inventory"),
            ("RecoveryPlan", "recovery_point"),
        ];
        let schema = crate::syntax::schema::of::<crate::syntax::plan::RecoveryPlan>("", "");
        for (block, key) in plan {
            assert!(schema["$defs"][block]["properties"][key].is_object(), "{block}.{key}");
            assert!(in_plan(block, key, true).is_some(), "{block}.{key}");
        }
        let inventory = [
            ("Host", "vcenter"),
            ("Datastore", "vcenter"),
            ("OnpremVm", "vcenter"),
            ("Appliance", "vcenter"),
            ("Asr", "source_vcenter"),
            ("MasterTarget", "host"),
            ("Appliance", "host"),
            ("OnpremVm", "host"),
            ("MasterTarget", "datastore"),
            ("Appliance", "datastore"),
            ("OnpremDisk", "datastore"),
            ("ReplicationGroup", "members"),
            ("Vcenter", "id"),
        ];
        let schema = crate::syntax::schema::of::<crate::syntax::inventory::Inventory>("", "");
        for (block, key) in inventory {
            assert!(schema["$defs"][block]["properties"][key].is_object(), "{block}.{key}");
            assert!(in_inventory(block, key).is_some(), "{block}.{key}");
        }
    }
}
