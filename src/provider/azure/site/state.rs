//! Where a machine is in its life cycle, from what the service says of its item. An item's directions are relative: which side
//! is which follows from its kind.

use crate::provider::azure::vault::last_part;
use crate::provider::azure::wire::item::Item;
use crate::provider::observation::Operation;
use crate::syntax::machine::ActiveSite;
use crate::syntax::machine::State;

/// Kind of an item: how it replicates, and in which direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::provider::azure) enum Kind {
    /// Classic, on-premises to Azure.
    InMageAzureV2,
    /// Classic, Azure to on-premises.
    InMage,
    /// Modernized, on-premises to Azure.
    InMageRcm,
    /// Modernized, Azure to on-premises.
    InMageRcmFailback,
}

impl Kind {
    /// Returns the kind of an item; `None` if it is none that comes back to VMware.
    pub(in crate::provider::azure) fn of(item: &Item) -> Option<Self> {
        let word = &item.provider_specific_details.instance_type;
        [Self::InMageAzureV2, Self::InMage, Self::InMageRcm, Self::InMageRcmFailback]
            .into_iter()
            .find(|kind| word.is(kind.word()))
    }

    /// Returns the service's word.
    pub(in crate::provider::azure) const fn word(self) -> &'static str {
        match self {
            Self::InMageAzureV2 => "InMageAzureV2",
            Self::InMage => "InMage",
            Self::InMageRcm => "InMageRcm",
            Self::InMageRcmFailback => "InMageRcmFailback",
        }
    }

    /// Returns whether it belongs to the classic architecture.
    pub(in crate::provider::azure) const fn is_classic(self) -> bool {
        match self {
            Self::InMageAzureV2 | Self::InMage => true,
            Self::InMageRcm | Self::InMageRcmFailback => false,
        }
    }

    /// Returns whether data goes from Azure to on-premises.
    pub(in crate::provider::azure) const fn is_to_onprem(self) -> bool {
        match self {
            Self::InMage | Self::InMageRcmFailback => true,
            Self::InMageAzureV2 | Self::InMageRcm => false,
        }
    }
}

/// Returns the operation that runs on an item: its scenario, and the name of its job.
pub(in crate::provider::azure) fn running(item: &Item) -> Option<(&str, &str)> {
    let scenario = item.current_scenario.get()?;
    let name = scenario.scenario_name.get().filter(|name| !name.eq_ignore_ascii_case("None"))?;
    let job = last_part(scenario.job_id.or_empty());
    (!job.is_empty() && !job.eq_ignore_ascii_case("None")).then_some((name, job))
}

/// Returns where the workload runs.
pub(in crate::provider::azure) fn active_site(kind: Kind, item: &Item) -> Option<ActiveSite> {
    let is_primary = match item.active_location.get()? {
        word if word.eq_ignore_ascii_case("Primary") => true,
        word if word.eq_ignore_ascii_case("Recovery") => false,
        _ => return None,
    };
    Some(if is_primary == kind.is_to_onprem() { ActiveSite::Azure } else { ActiveSite::Onprem })
}

/// Returns where the machine is in its life cycle; `None` for a state that is not known.
pub(in crate::provider::azure) fn state(kind: Kind, item: &Item) -> Option<State> {
    let site = active_site(kind, item);
    let running = running(item).map(|(scenario, _)| scenario);
    let runs = |word: &str| running.is_some_and(|running| running.eq_ignore_ascii_case(word));
    if runs("SwitchReplicationGroupProtection") {
        // The item changes its kind in the middle of the job: what counts is from where it goes.
        match site {
            Some(ActiveSite::Azure) => return Some(State::ReprotectingToOnprem),
            Some(ActiveSite::Onprem) => return Some(State::ReprotectingToAzure),
            None => {}
        }
    }
    if kind.is_to_onprem() && (runs("UnplannedFailover") || runs("PlannedFailover")) {
        return Some(State::FailingBack);
    }
    let of_kind = |to_onprem, to_azure| Some(if kind.is_to_onprem() { to_onprem } else { to_azure });
    match item.protection_state.get()?.to_ascii_lowercase().as_str() {
        word if word.starts_with("initialreplication") => {
            of_kind(State::ReprotectingToOnprem, State::ReprotectingToAzure)
        }
        word if word.contains("commitpending") => of_kind(State::FailedBack, State::FailedOver),
        "protected" | "unplannedfailovercompletionfailed" | "plannedfailovercompletionfailed" => {
            of_kind(State::ProtectedToOnprem, State::ProtectedToAzure)
        }
        "unplannedfailovercommitted"
        | "plannedfailovercommitted"
        | "unplannedfailoverstatesbegin"
        | "plannedfailoverstatesbegin" => of_kind(State::FailedBackCommitted, State::FailedOverCommitted),
        "unprotected" => Some(State::ReplicationDisabled),
        _ => by_offers(kind, item, site),
    }
}

/// Returns the state that follows from what is offered, where the service's word for it is not known.
fn by_offers(kind: Kind, item: &Item, site: Option<ActiveSite>) -> Option<State> {
    let offers = |word: &str| item.allowed_operations.iter().any(|offer| offer.is(word));
    let is_over = match (kind.is_to_onprem(), site?) {
        (true, ActiveSite::Onprem) | (false, ActiveSite::Azure) => true,
        (true, ActiveSite::Azure) | (false, ActiveSite::Onprem) => false,
    };
    if !is_over {
        return None;
    }
    if offers("Commit") {
        return Some(if kind.is_to_onprem() { State::FailedBack } else { State::FailedOver });
    }
    if offers("SwitchProtection") {
        let state = if kind.is_to_onprem() { State::FailedBackCommitted } else { State::FailedOverCommitted };
        return Some(state);
    }
    None
}

/// Returns what the service offers to do with an item.
pub(in crate::provider::azure) fn offers(kind: Kind, item: &Item) -> Vec<Operation> {
    let operation = |word: &str| {
        let is = |other: &str| word.eq_ignore_ascii_case(other);
        match kind {
            _ if is("SwitchProtection") => Operation::Reprotect,
            _ if is("Commit") => Operation::Commit,
            _ if is("CancelFailover") => Operation::CancelFailover,
            Kind::InMage if is("UnplannedFailover") => Operation::FailoverToOnprem,
            Kind::InMageRcmFailback if is("PlannedFailover") => Operation::FailoverToOnprem,
            Kind::InMage | Kind::InMageRcmFailback | Kind::InMageAzureV2 | Kind::InMageRcm => {
                Operation::Other(word.to_owned().into())
            }
        }
    };
    item.allowed_operations.iter().filter_map(|offer| offer.get()).map(operation).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn item(kind: &str, state: &str, location: &str, scenario: &str, offers: &[&str]) -> Item {
        serde_json::from_value(json!({
            "protectionState": state, "activeLocation": location, "allowedOperations": offers,
            "currentScenario": {"scenarioName": scenario, "jobId": format!("/x/replicationJobs/{scenario}")},
            "providerSpecificDetails": {"instanceType": kind},
        }))
        .expect("it can be read")
    }

    fn seen(item: &Item) -> (Option<State>, Option<ActiveSite>) {
        let kind = Kind::of(item).expect("it is known");
        (state(kind, item), active_site(kind, item))
    }

    #[test]
    fn every_state_of_the_cycle_is_read() {
        use ActiveSite::Azure;
        use ActiveSite::Onprem;
        for (kind, word, location, scenario, expected) in [
            (
                "InMageAzureV2",
                "InitialReplicationInProgress",
                "Primary",
                "None",
                (State::ReprotectingToAzure, Onprem),
            ),
            ("InMageAzureV2", "Protected", "Primary", "None", (State::ProtectedToAzure, Onprem)),
            (
                "InMageAzureV2",
                "UnplannedFailoverCommitPendingStatesBegin",
                "Recovery",
                "None",
                (State::FailedOver, Azure),
            ),
            (
                "InMageAzureV2",
                "UnplannedFailoverStatesBegin",
                "Recovery",
                "None",
                (State::FailedOverCommitted, Azure),
            ),
            (
                "InMageAzureV2",
                "UnplannedFailoverCommitted",
                "Recovery",
                "SwitchReplicationGroupProtection",
                (State::ReprotectingToOnprem, Azure),
            ),
            (
                "InMage",
                "InitialReplicationInProgress",
                "Primary",
                "None",
                (State::ReprotectingToOnprem, Azure),
            ),
            (
                "InMage",
                "InitialReplicationRecoveryCompletionPending",
                "Primary",
                "None",
                (State::ReprotectingToOnprem, Azure),
            ),
            ("InMage", "Protected", "Primary", "None", (State::ProtectedToOnprem, Azure)),
            ("InMage", "Protected", "Primary", "UnplannedFailover", (State::FailingBack, Azure)),
            (
                "InMage",
                "UnplannedFailoverCompletionFailed",
                "Primary",
                "None",
                (State::ProtectedToOnprem, Azure),
            ),
            (
                "InMage",
                "UnplannedFailoverCommitPendingStatesBegin",
                "Recovery",
                "None",
                (State::FailedBack, Onprem),
            ),
            (
                "InMage",
                "UnplannedFailoverCommitted",
                "Recovery",
                "None",
                (State::FailedBackCommitted, Onprem),
            ),
            (
                "InMage",
                "UnplannedFailoverCommitted",
                "Recovery",
                "SwitchReplicationGroupProtection",
                (State::ReprotectingToAzure, Onprem),
            ),
            (
                "InMageRcm",
                "UnplannedFailoverCommitted",
                "Recovery",
                "None",
                (State::FailedOverCommitted, Azure),
            ),
            ("InMageRcmFailback", "Protected", "Primary", "PlannedFailover", (State::FailingBack, Azure)),
            (
                "InMageRcmFailback",
                "CommitPendingStatesBegin",
                "Recovery",
                "None",
                (State::FailedBack, Onprem),
            ),
            (
                "InMageRcmFailback",
                "CommitPendingStatesBegin",
                "Recovery",
                "CancelFailover",
                (State::FailedBack, Onprem),
            ),
            (
                "InMageRcmFailback",
                "PlannedFailoverCommitted",
                "Recovery",
                "None",
                (State::FailedBackCommitted, Onprem),
            ),
            (
                "InMageRcmFailback",
                "PlannedFailoverStatesBegin",
                "Recovery",
                "None",
                (State::FailedBackCommitted, Onprem),
            ),
        ] {
            let item = item(kind, word, location, scenario, &[]);
            assert_eq!(
                seen(&item),
                (Some(expected.0), Some(expected.1)),
                "{kind} {word} {location} {scenario}"
            );
        }
    }

    #[test]
    fn a_state_that_is_not_known_is_read_from_what_is_offered() {
        let pending = item("InMage", "SomethingNew", "Recovery", "None", &["Commit", "SwitchProtection"]);
        assert_eq!(seen(&pending).0, Some(State::FailedBack));
        let committed = item("InMageRcm", "SomethingNew", "Recovery", "None", &["SwitchProtection"]);
        assert_eq!(seen(&committed).0, Some(State::FailedOverCommitted));
        let unknown = item("InMageRcm", "SomethingNew", "Primary", "None", &["SwitchProtection"]);
        assert_eq!(seen(&unknown).0, None);
        assert_eq!(Kind::of(&item("A2A", "Protected", "Primary", "None", &[])), None);
    }

    #[test]
    fn the_failover_that_is_offered_is_named_by_the_items_kind() {
        let words = &["UnplannedFailover", "PlannedFailover", "CompleteMigration"];
        let all = |kind: &str| {
            offers(
                Kind::of(&item(kind, "", "", "None", &[])).expect("known"),
                &item(kind, "", "", "None", words),
            )
        };
        let other = |word: &str| Operation::Other(word.to_owned().into());
        assert_eq!(
            all("InMage"),
            [Operation::FailoverToOnprem, other("PlannedFailover"), other("CompleteMigration")]
        );
        assert_eq!(
            all("InMageRcmFailback"),
            [other("UnplannedFailover"), Operation::FailoverToOnprem, other("CompleteMigration")]
        );
        assert_eq!(all("InMageAzureV2")[0], other("UnplannedFailover"), "that one goes to Azure");
    }
}
