//! A second look: what moves of everything, and all of those machines that matter.

use std::collections::BTreeSet;
use std::collections::HashSet;
use std::sync::PoisonError;

use jiff::Timestamp;
use reqwest::header::HeaderValue;

use crate::provider::vcenter::calls;
use crate::provider::vcenter::calls::Wanted;
use crate::provider::vcenter::client::VcenterClient;
use crate::provider::vcenter::collect::Object;
use crate::provider::vcenter::collect::Reference;
use crate::provider::vcenter::error::VcenterError;
use crate::provider::vcenter::read;
use crate::provider::vcenter::seen::Gap;
use crate::provider::vcenter::seen::Seen;
use crate::provider::vcenter::seen::SeenVm;

impl VcenterClient {
    /// Returns what is seen now: all hosts and datastores, which virtual machines there are, and everything about those for which
    /// `matters` holds and about those that were not there before. The others are as they were seen before.
    ///
    /// It takes one request for each page of hosts, datastores and the machines that matter, and one more where machines were not
    /// there before, or are on no host.
    ///
    /// # Errors
    ///
    /// Those of [`VcenterClient::inventory`].
    pub async fn refresh(
        &self,
        before: &Seen,
        matters: &(dyn Fn(&SeenVm) -> bool + Sync),
    ) -> Result<Seen, VcenterError> {
        let at = self.clock.now();
        let (number, cookie) = self.cookie().await?;
        match self.refresh_with(&cookie, at, before, matters).await {
            Err(error) if error.is_session_lost() => {
                self.log_in(number).await?;
                let (_, cookie) = self.cookie().await?;
                self.once_more(self.refresh_with(&cookie, at, before, matters).await)
            }
            other => other,
        }
    }

    async fn refresh_with(
        &self,
        cookie: &HeaderValue,
        at: Timestamp,
        before: &Seen,
        matters: &(dyn Fn(&SeenVm) -> bool + Sync),
    ) -> Result<Seen, VcenterError> {
        let reference = |vm: &SeenVm| Reference { kind: read::VM.into(), value: vm.reference.clone() };
        let asked: &[Wanted] = &[(read::VM, read::VM_PROPERTIES)];
        let page = usize::try_from(self.wire.limits.page).unwrap_or(usize::MAX);
        // One that was on no host is on no host's list: it is asked for by itself.
        let of_matter = before.vms.iter().filter(|vm| matters(vm) || vm.host.is_none()).map(reference);
        let together: Vec<Reference> = of_matter.take(page).collect();
        let view = self.standing_view(cookie).await?;
        let most = self.wire.limits.page;
        let first = calls::retrieve_view_and(&self.services, &view, read::GROUND, &together, asked, most);
        let mut objects = self.pages(cookie, &first).await?;
        let hosts = objects.iter().filter(|object| object.reference.kind == read::HOST);
        let listed = hosts.filter_map(|host| host.property("vm"));
        let present: HashSet<Reference> =
            listed.flat_map(|list| list.children.iter().filter_map(Reference::of)).collect();
        // One that no host has is asked for by itself: it may be gone, or its host may be unknown.
        let again = |vm: &&SeenVm| matters(vm) || !present.contains(&reference(vm));
        let known: HashSet<Reference> = before.vms.iter().map(reference).collect();
        let mut wanted: BTreeSet<Reference> = present.difference(&known).cloned().collect();
        wanted.extend(before.vms.iter().filter(again).map(reference));
        let together: HashSet<&Reference> = together.iter().collect();
        let rest = wanted.iter().filter(|reference| !together.contains(reference));
        objects.extend(self.objects(cookie, rest, asked).await?);
        let kept: Vec<&SeenVm> = before.vms.iter().filter(|vm| !wanted.contains(&reference(vm))).collect();
        Ok(self.put_together(at, &objects, before, &kept))
    }

    fn put_together(&self, at: Timestamp, objects: &[Object], before: &Seen, kept: &[&SeenVm]) -> Seen {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.names.extend(self.names(objects));
        let mut seen = self.seen_with(at, objects, &known.names);
        drop(known);
        let still: HashSet<&str> = kept.iter().filter_map(|vm| vm.name.as_deref()).collect();
        let old = before.gaps.iter().filter(|gap| still.contains(gap.object.as_str())).cloned();
        let mut gaps: Vec<Gap> = seen.gaps.drain(..).chain(old).collect();
        gaps.sort_unstable();
        gaps.dedup();
        seen.gaps = gaps;
        seen.whole &= kept.iter().all(|vm| vm.name.is_some() && vm.uuid.is_some());
        seen.vms.extend(kept.iter().map(|vm| (*vm).clone()));
        seen.vms.sort_by(|one, other| (&one.name, &one.reference).cmp(&(&other.name, &other.reference)));
        seen
    }

    /// Returns the view of hosts and datastores that lives as long as the session: a vCenter keeps it up to date.
    async fn standing_view(&self, cookie: &HeaderValue) -> Result<Reference, VcenterError> {
        let mut standing = self.standing.lock().await;
        if let Some((_, view)) = standing.as_ref().filter(|(session, _)| session == cookie) {
            return Ok(view.clone());
        }
        let view = self.make_view(cookie, read::GROUND).await?;
        *standing = Some((cookie.clone(), view.clone()));
        Ok(view)
    }

    /// Gives the standing view up: the next look makes another one.
    pub(super) async fn drop_standing_view(&self, cookie: &HeaderValue) {
        let standing = self.standing.lock().await.take();
        if let Some((_, view)) = standing.filter(|(session, _)| session == cookie) {
            let _ = self.ask(cookie, &calls::destroy_view(&view)).await;
        }
    }

    async fn make_view(&self, cookie: &HeaderValue, wanted: &[Wanted]) -> Result<Reference, VcenterError> {
        let kinds: Vec<Wanted> = wanted.iter().filter(|(kind, _)| *kind != read::FOLDER).copied().collect();
        let made = self.ask(cookie, &calls::create_view(&self.services, &kinds)).await?;
        let view = made.child("returnval").and_then(Reference::of);
        view.ok_or_else(|| self.wire.not_a_vcenter("it makes a view without a name".into()))
    }

    /// Asks for everything of some kinds, and for the root folder.
    pub(super) async fn view_of(
        &self,
        cookie: &HeaderValue,
        wanted: &[Wanted],
    ) -> Result<Vec<Object>, VcenterError> {
        let view = self.make_view(cookie, wanted).await?;
        let page = self.wire.limits.page;
        let result = self.pages(cookie, &calls::retrieve_view(&self.services, &view, wanted, page)).await;
        // A view that stays behind ends with the session.
        let _ = self.ask(cookie, &calls::destroy_view(&view)).await;
        result
    }
}
