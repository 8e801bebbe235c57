//! Lines of a plan in words, and why a rule is broken by them.

use crate::rules::conflict::choice::Key;
use crate::rules::conflict::choice::Member;
use crate::rules::placement;
use crate::rules::placement::Server;
use crate::source::Span;
use crate::source::Spanned;
use crate::syntax::inventory::Experience;
use crate::syntax::machine::DiskKind;
use crate::syntax::machine::OsFamily;

impl<'m> Member<'m> {
    /// Returns a line of the plan in words, and where it is.
    pub(super) fn line(&self, key: Key) -> (Span, String) {
        let (settings, name) = (&self.machine.settings().failback, self.machine.name());
        let said = |value: &Spanned<String>| {
            (value.span, format!("`{}: {value}` of {name}", key.as_str(self.experience)))
        };
        let own = (name.span, name.value.clone());
        match key {
            Key::Member => {
                let group = self.machine.group().map_or("", |group| group.name().value.as_str());
                (name.span, format!("{name} in {group}"))
            }
            Key::Server => match self.experience {
                Experience::Classic => settings.master_target.as_ref().map_or(own, said),
                Experience::Modernized => settings.appliance.as_ref().map_or(own, said),
            },
            Key::Datastore => settings.datastore.as_ref().map_or(own, said),
            Key::Volume => settings.retention_volume.as_ref().map_or(own, said),
            Key::Host => settings.host.as_ref().map_or(own, said),
            Key::Location => settings
                .location
                .map_or(own, |location| (location.span, format!("`location: {}` of {name}", location.value))),
            Key::Delete => settings
                .delete_existing_vm
                .map_or(own, |delete| (delete.span, format!("`delete_existing_vm: true` of {name}"))),
        }
    }

    /// Returns why a rule is broken by what the plan chooses, at the fact that speaks against it.
    pub(super) fn reason(&self, rule: &str, servers: &[Server<'m>]) -> Option<(Span, String)> {
        let (name, model) = (self.machine.name(), self.machine.model);
        let server = self.server.map(|at| servers[at]);
        let datastore = self.datastore().and_then(|name| model.datastore(name).ok());
        match rule {
            "FB201" | "FB507" => {
                let family = self.machine.os().ok()?.family?;
                let word = match family.value {
                    OsFamily::Windows => "Windows",
                    OsFamily::Linux => "Linux",
                };
                match rule {
                    "FB201" => {
                        Some((family.span, format!("{name} runs {word}, and {} does not", server?.name())))
                    }
                    _ => Some((family.span, format!("{name} runs {word}"))),
                }
            }
            "FB101" | "FB102" | "FB802" | "FB105" => {
                let host = server?.host()?;
                let disk = placement::replicated(self.machine.onprem_disks().ok()?).find_map(|disk| {
                    let on = placement::datastore_of(self.machine, disk).ok()??;
                    let found = model.datastore(on).ok()?;
                    (placement::has(found, host, true) == Ok(false)).then_some((disk, on))
                });
                match disk {
                    Some((disk, on)) => {
                        Some((on.span, format!("{} of {name} lies on {on}, out of reach of {host}", disk.id)))
                    }
                    None => Some((datastore?.name.span, format!("{host} can't write to it"))),
                }
            }
            "FB122" | "FB131" => {
                let datastore = datastore?;
                let host = server?.host()?;
                Some((
                    datastore.name.span,
                    format!("{host}, the host of {}, does not have {}", server?.name(), datastore.name),
                ))
            }
            "FB123" | "FB125" => {
                let datastore = datastore?;
                let kind = datastore.kind?;
                Some((
                    kind.span,
                    format!("{} is {}, where no disk can be made anew", datastore.name, kind.value),
                ))
            }
            "FB124" => {
                let mut disks = placement::replicated(self.machine.onprem_disks().ok()?);
                let (disk, kind) = disks
                    .find_map(|disk| Some((disk, disk.kind.filter(|kind| kind.value == DiskKind::Rdm)?)))?;
                Some((kind.span, format!("{} of {name} is an RDM, which can't be made anew", disk.id)))
            }
            "FB100" => {
                let exists = self.machine.onprem_vm().ok()?.exists?;
                let word = if exists.value { "exists" } else { "does not exist" };
                Some((exists.span, format!("the on-premises VM of {name} {word}")))
            }
            "FB120" => {
                let host = server?.host()?;
                Some((host.span, format!("{} runs on {host}", server?.name())))
            }
            "FB211" => {
                Some((server?.name().span, format!("{} has no such volume that can be used", server?.name())))
            }
            "FB310" => {
                let vcenter = self.machine.asr().ok()?.source_vcenter.as_option()?;
                Some((vcenter.span, format!("{name} was protected under {vcenter}")))
            }
            _ => None,
        }
    }
}
