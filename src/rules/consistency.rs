//! What each choice of recovery point would mean for a replication group: the moment that all members share, the data that each
//! member would lose, and what quietly keeps members from agreeing on a moment.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use crate::model::Fact;
use crate::model::Group;
use crate::model::Known;
use crate::model::Machine;
use crate::model::Model;
use crate::model::PointChoice;
use crate::syntax::inventory::Experience;
use crate::syntax::machine::PointKind;
use crate::syntax::machine::RecoveryPoint;

/// What is known of a point that a failover would go to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Outlook {
    /// There is one.
    Known {
        /// The moment that it stands for; `None` if the facts don't say.
        at: Option<Timestamp>,
        /// Data that a failover at the time of the facts would lose, in seconds; `None` if the facts don't say.
        loss_s: Option<u64>,
        /// The word under which members share it.
        #[serde(skip_serializing_if = "Option::is_none")]
        group_point: Option<String>,
    },
    /// There is none yet.
    None,
    /// It is made when the machines are shut down, so it is not there yet and loses nothing (modernized).
    MadeAtFailover,
    /// A fact is missing.
    Unknown {
        /// Its key in the inventory.
        fact: &'static str,
        /// What it is about.
        of: String,
    },
}

/// A choice, and what it would mean.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Prospect {
    /// The choice.
    pub kind: PointChoice,
    /// What it would mean.
    #[serde(flatten)]
    pub outlook: Outlook,
}

/// A member, and what each choice would mean for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MemberPoints {
    /// Its name.
    pub machine: String,
    /// One for each choice that its architecture offers.
    pub choices: Vec<Prospect>,
}

/// What quietly keeps members from agreeing on a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Breach {
    /// With the latest point, each member goes to its own (classic).
    LatestInGroup,
    /// A member's own choice is another one than the group's, which counts.
    ChoicesDiffer,
    /// Points are taken on the master target, so members on several have none in common (classic).
    SeveralMasterTargets,
    /// A member has no app-consistent point.
    NoAppConsistentPoint,
    /// A member lacks the moment that others share.
    LacksCommonPoint,
    /// The failover waits for a newer point after `quiesce`, and members have had none in common.
    QuiesceWithoutPoint,
}

/// One such thing, and which members it is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Breaking {
    /// What it is.
    pub kind: Breach,
    /// The members; empty: the group as a whole.
    pub machines: Vec<String>,
    /// In words, as a fragment.
    pub text: String,
}

/// What recovery points mean for a replication group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct GroupPoints {
    /// Its name.
    pub group: String,
    /// The choice; `None` if the plan names one that is not offered, or the architecture is not known.
    pub choice: Option<PointChoice>,
    /// The newest app-consistent point that all members share.
    pub common_point: Outlook,
    /// The members, in the order of the plan.
    pub members: Vec<MemberPoints>,
    /// What keeps the members from agreeing.
    pub breaks: Vec<Breaking>,
}

/// Returns what recovery points mean for each replication group of a plan.
#[must_use]
pub fn of(model: &Model) -> Vec<GroupPoints> {
    model.groups().map(of_group).collect()
}

/// Returns what recovery points mean for a replication group.
#[must_use]
pub fn of_group(group: Group<'_>) -> GroupPoints {
    let members: Vec<Machine<'_>> = group.members().collect();
    let experience = group.model.experience();
    let common_point = common_point(group);
    let prospects = |machine: &Machine<'_>| MemberPoints {
        machine: machine.name().value.clone(),
        choices: match &experience {
            Ok(Experience::Modernized) => [PointChoice::CrashConsistent, PointChoice::AppConsistent]
                .map(|kind| Prospect { kind, outlook: Outlook::MadeAtFailover })
                .into(),
            Ok(Experience::Classic) | Err(_) => {
                let app = match members.len() {
                    1 => newest(*machine, is_app_consistent),
                    _ => common_point.clone(),
                };
                vec![
                    Prospect { kind: PointChoice::Latest, outlook: latest(*machine) },
                    Prospect { kind: PointChoice::AppConsistent, outlook: app },
                ]
            }
        },
    };
    GroupPoints {
        group: group.name().value.clone(),
        choice: members.first().and_then(|first| first.point_choice().ok().flatten()),
        members: members.iter().map(prospects).collect(),
        breaks: breaks(group, &members, &common_point),
        common_point,
    }
}

/// Returns the newest app-consistent point that all members of a replication group share.
#[must_use]
pub fn common_point(group: Group<'_>) -> Outlook {
    match group.model.experience() {
        Ok(Experience::Modernized) => Outlook::MadeAtFailover,
        Ok(Experience::Classic) | Err(_) => common(group.model, &group.members().collect::<Vec<_>>()),
    }
}

fn is_app_consistent(point: &RecoveryPoint) -> bool {
    point.kind.is_some_and(|kind| kind.value == PointKind::AppConsistent)
}

/// Returns what lies between a moment and the facts, in seconds.
fn behind(model: &Model, at: Option<Timestamp>) -> Option<u64> {
    let seconds = model.observed_at().ok()?.as_second() - at?.as_second();
    u64::try_from(seconds).ok()
}

fn unknown<T>(fact: Fact<T>, machine: Machine<'_>) -> Result<T, Outlook> {
    fact.map_err(|missing| Outlook::Unknown {
        fact: missing.field,
        of: missing.object.unwrap_or_else(|| machine.name().value.clone()),
    })
}

/// Returns the newest point of a machine that is looked for.
fn newest(machine: Machine<'_>, is_meant: impl Fn(&RecoveryPoint) -> bool) -> Outlook {
    let points = match unknown(machine.recovery_points(), machine) {
        Ok(points) => points,
        Err(unknown) => return unknown,
    };
    let meant = points.iter().filter(|point| is_meant(point));
    let Some(point) = meant.max_by_key(|point| point.at.map(|at| at.value)) else { return Outlook::None };
    let at = point.at.map(|at| at.value);
    Outlook::Known { at, loss_s: behind(machine.model, at), group_point: None }
}

/// Returns the newest point of a machine. What Site Recovery says about how far it lies behind counts too, since recorded
/// moments are not reliably in UTC.
fn latest(machine: Machine<'_>) -> Outlook {
    match newest(machine, |_| true) {
        Outlook::Known { at, loss_s, group_point } => {
            let rpo = machine.asr().ok().and_then(|asr| asr.rpo_seconds).map(|rpo| rpo.value);
            Outlook::Known { at, loss_s: loss_s.max(rpo), group_point }
        }
        other @ (Outlook::None | Outlook::MadeAtFailover | Outlook::Unknown { .. }) => other,
    }
}

/// The moments at which a machine has an app-consistent point of its group, each with the time of that point.
fn moments(machine: Machine<'_>) -> Result<BTreeMap<&str, Option<Timestamp>>, Outlook> {
    let mut moments = BTreeMap::new();
    for point in unknown(machine.recovery_points(), machine)? {
        let kind = unknown(point.kind.fact("asr.recovery_points.kind"), machine)?;
        match kind.value {
            PointKind::CrashConsistent => {}
            PointKind::AppConsistent => {
                let word = unknown(point.group_point.fact("asr.recovery_points.group_point"), machine)?;
                moments.insert(word.value.as_str(), point.at.map(|at| at.value));
            }
        }
    }
    Ok(moments)
}

/// Returns the newest app-consistent point that all members share; of a machine alone, its own newest.
fn common(model: &Model, members: &[Machine<'_>]) -> Outlook {
    let [first, others @ ..] = members else { return Outlook::None };
    if others.is_empty() {
        return newest(*first, is_app_consistent);
    }
    let mut missing = None;
    let mut shared: Option<BTreeMap<&str, Option<Timestamp>>> = None;
    for member in members {
        match moments(*member) {
            Ok(own) => match &mut shared {
                None => shared = Some(own),
                Some(shared) => shared.retain(|word, at| {
                    // Of a moment that members date differently, the earlier time counts: more is lost.
                    own.get(word).inspect(|own| *at = (*at).min(**own)).is_some()
                }),
            },
            Err(unknown) => missing = missing.or(Some(unknown)),
        }
    }
    let shared = shared.unwrap_or_default();
    // One member that has nothing in common with another is enough to say that there is none.
    match (shared.into_iter().max_by_key(|(_, at)| *at), missing) {
        (None, None) => Outlook::None,
        (None, Some(_)) if members.iter().any(|member| moments(*member).is_ok_and(|own| own.is_empty())) => {
            Outlook::None
        }
        (_, Some(unknown)) => unknown,
        (Some((word, at)), None) => {
            Outlook::Known { at, loss_s: behind(model, at), group_point: Some(word.to_owned()) }
        }
    }
}

fn breaks(group: Group<'_>, members: &[Machine<'_>], common_point: &Outlook) -> Vec<Breaking> {
    let mut breaks = Vec::new();
    let mut add = |kind: Breach, machines: &[Machine<'_>], text: String| {
        let machines = machines.iter().map(|machine| machine.name().value.clone()).collect();
        breaks.push(Breaking { kind, machines, text });
    };
    let choice = group.recovery_point().value;
    // In the modernized architecture two words mean the same.
    let meant = |word: &str| group.model.experience().ok().and_then(|of| PointChoice::from_word(word, of));
    let is_other = |word: &str| word != choice && (meant(word).is_none() || meant(word) != meant(choice));
    let differing: Vec<Machine<'_>> =
        members.iter().copied().filter(|member| own_choice(*member).is_some_and(is_other)).collect();
    if !differing.is_empty() {
        let text = format!("a member's own `recovery_point` is another one, and the group goes to {choice}");
        add(Breach::ChoicesDiffer, &differing, text);
    }
    let is_classic = group.model.experience() == Ok(Experience::Classic);
    if members.len() < 2 || !is_classic {
        return breaks;
    }
    let mut servers: Vec<&str> = members
        .iter()
        .filter_map(|member| member.settings().failback.master_target.as_ref())
        .map(|name| name.value.as_str())
        .collect();
    servers.sort_unstable();
    servers.dedup();
    if servers.len() > 1 {
        let text = format!(
            "members are on several master targets ({}), and have no point in common",
            servers.join(", ")
        );
        add(Breach::SeveralMasterTargets, &[], text);
    }
    if choice == "latest" {
        let text = "with `latest`, each member goes to its own newest point".to_owned();
        add(Breach::LatestInGroup, &[], text);
    } else {
        let has_none = |member: &Machine<'_>| {
            member.recovery_points().is_ok_and(|points| {
                !points.iter().any(|point| is_app_consistent(point) || point.kind.is_none())
            })
        };
        let without: Vec<Machine<'_>> = members.iter().copied().filter(has_none).collect();
        if !without.is_empty() {
            add(Breach::NoAppConsistentPoint, &without, "no app-consistent point yet".to_owned());
        }
        if let Some((word, lacking)) =
            lacking(members).filter(|(_, lacking)| lacking.iter().any(|member| !has_none(member)))
        {
            add(
                Breach::LacksCommonPoint,
                &lacking,
                format!("lacks the moment {word}, which the other members share"),
            );
        }
    }
    if let Some(quiesce) = &group.plan().quiesce
        && choice != "latest"
        && *common_point == Outlook::None
    {
        let text = format!(
            "the failover waits for a common point newer than the end of `{quiesce}`, and there has been none in common"
        );
        add(Breach::QuiesceWithoutPoint, &[], text);
    }
    breaks
}

/// Returns what the plan says about a member by itself.
fn own_choice(member: Machine<'_>) -> Option<&str> {
    let listed = member.model.listed(member.index())?;
    listed.recovery_point.as_ref().map(|choice| choice.value.as_str())
}

/// Returns the moment that most members share, but not all, and the members that are known to lack it.
fn lacking<'m>(members: &[Machine<'m>]) -> Option<(&'m str, Vec<Machine<'m>>)> {
    let known: Vec<(Machine<'m>, BTreeMap<&'m str, Option<Timestamp>>)> =
        members.iter().filter_map(|member| Some((*member, moments(*member).ok()?))).collect();
    let mut having: BTreeMap<&str, (usize, Option<Timestamp>)> = BTreeMap::new();
    for (word, at) in known.iter().flat_map(|(_, moments)| moments) {
        let entry = having.entry(word).or_default();
        *entry = (entry.0 + 1, entry.1.max(*at));
    }
    let (word, (count, _)) = having.into_iter().max_by_key(|(_, most)| *most)?;
    if count == members.len() {
        return None;
    }
    let lacking: Vec<Machine<'m>> =
        known.iter().filter(|(_, moments)| !moments.contains_key(word)).map(|(member, _)| *member).collect();
    (!lacking.is_empty()).then_some((word, lacking))
}
