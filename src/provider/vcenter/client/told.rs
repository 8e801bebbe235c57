//! What the objects that a vCenter told of come to.

use std::sync::PoisonError;

use jiff::Timestamp;

use crate::provider::vcenter::client::VcenterClient;
use crate::provider::vcenter::collect::Object;
use crate::provider::vcenter::read;
use crate::provider::vcenter::read::Names;
use crate::provider::vcenter::seen::Gap;
use crate::provider::vcenter::seen::Seen;
use crate::provider::vcenter::seen::SeenVm;

impl VcenterClient {
    /// Returns the names of objects. What a host calls itself is its own matter: who asks it knows it by the name that documents have.
    pub(super) fn names(&self, objects: &[Object]) -> Names {
        let mut names = read::names(objects);
        if !self.about.is_vcenter {
            let hosts = objects.iter().filter(|object| object.reference.kind == read::HOST);
            names.extend(hosts.map(|host| (host.reference.clone(), self.id.clone())));
        }
        names
    }

    pub(super) fn seen(&self, at: Timestamp, objects: &[Object]) -> Seen {
        let names = self.names(objects);
        let seen = self.seen_with(at, objects, &names);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.vms = objects
            .iter()
            .filter(|object| object.reference.kind == read::VM)
            .filter_map(|vm| Some((vm.word("config.uuid")?.to_ascii_lowercase(), vm.reference.clone())))
            .collect();
        known.names = names;
        seen
    }

    pub(super) fn seen_with(&self, at: Timestamp, objects: &[Object], names: &Names) -> Seen {
        let of = |kind: &'static str| objects.iter().filter(move |object| object.reference.kind == kind);
        let mut gaps: Vec<Gap> = Vec::new();
        let mut vms: Vec<SeenVm> =
            of(read::VM).map(|object| read::vm(object, at, names, &mut gaps)).collect();
        let mut hosts: Vec<_> =
            of(read::HOST).filter_map(|object| read::host(object, names, &mut gaps)).collect();
        let mut datastores: Vec<_> =
            of(read::DATASTORE).filter_map(|object| read::datastore(object, names, &mut gaps)).collect();
        vms.sort_by(|one, other| (&one.name, &one.reference).cmp(&(&other.name, &other.reference)));
        hosts.sort_by(|one, other| one.name.cmp(&other.name));
        datastores.sort_by(|one, other| one.name.cmp(&other.name));
        // Who may not read the root is shown a part, and not told so.
        let root = objects.iter().find(|object| object.reference == self.services.root);
        let reads_root = root.is_some_and(|root| root.word("name").is_some());
        if !reads_root {
            gaps.push(Gap {
                object: "the root of the inventory".into(),
                property: "name".into(),
                privilege: Some("System.Read".into()),
                why: "the account sees a part of the inventory only".into(),
            });
        }
        gaps.sort_unstable();
        gaps.dedup();
        let whole = reads_root && vms.iter().all(|vm| vm.name.is_some() && vm.uuid.is_some());
        Seen { vcenter: self.id.clone(), at, about: self.about.clone(), vms, hosts, datastores, whole, gaps }
    }
}
