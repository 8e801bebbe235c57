//! The facts that a guard judges, in pieces: each is known by the digest of its text, so that equal ones are kept once, and the
//! guard's own piece names the others.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::Deserialize;
use serde::Serialize;

use crate::model::Model;
use crate::model::digest;
use crate::syntax::inventory::Inventory;
use crate::syntax::observed;

/// A piece of facts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// `sha256:` and the digest of its text.
    pub digest: String,
    /// Its text: JSON.
    pub body: String,
}

impl Piece {
    /// Returns the piece of a value.
    ///
    /// # Panics
    ///
    /// If the value has no JSON form, which all facts have.
    #[must_use]
    pub fn of<T: Serialize>(value: &T) -> Self {
        let body = serde_json::to_string(value).expect("facts have a JSON form");
        Self { digest: digest::of_text(&body), body }
    }
}

/// What a guard judged: the piece whose digest its event names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Judged {
    /// When the facts were observed.
    pub observed_at: Option<Timestamp>,
    /// The machines whose facts its rules can read, by name.
    pub machines: BTreeMap<String, JudgedMachine>,
    /// Digest of the piece that names the pieces about servers.
    pub servers: String,
}

/// What a guard knew about a machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JudgedMachine {
    /// Digest of the piece with the facts about it; `None` if there were none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub facts: Option<String>,
    /// Datastore of its master target or appliance when it was reprotected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub placed_on: Option<String>,
}

/// Digests of the pieces about servers, by their section of an inventory.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Servers(pub BTreeMap<String, String>);

/// Sections that observations bring up to date, beside the machines. What else an inventory says stands for a whole run.
const SECTIONS: [&str; 8] = [
    "configuration_server",
    "vcenters",
    "hosts",
    "datastores",
    "master_targets",
    "process_servers",
    "appliances",
    "network",
];

/// Returns the pieces about servers, the one that names the others last.
#[must_use]
pub fn servers(model: &Model) -> Vec<Piece> {
    let Inventory {
        configuration_server,
        vcenters,
        hosts,
        datastores,
        master_targets,
        process_servers,
        appliances,
        network,
        kind: _,
        version: _,
        name: _,
        observed_at: _,
        vault: _,
        storage_accounts: _,
        automation_accounts: _,
        machines: _,
        replication_groups: _,
        remarks: _,
    } = &model.inventory;
    let sections: [Option<Piece>; 8] = [
        configuration_server.as_option().map(Piece::of),
        vcenters.as_ref().map(Piece::of),
        hosts.as_ref().map(Piece::of),
        datastores.as_ref().map(Piece::of),
        master_targets.as_ref().map(Piece::of),
        process_servers.as_ref().map(Piece::of),
        appliances.as_ref().map(Piece::of),
        network.as_ref().map(Piece::of),
    ];
    let known = SECTIONS.iter().zip(&sections);
    let named =
        known.filter_map(|(section, piece)| Some(((*section).to_owned(), piece.as_ref()?.digest.clone())));
    let whole = Piece::of(&Servers(named.collect()));
    sections.into_iter().flatten().chain([whole]).collect()
}

/// Returns the pieces about the machines whose facts a guard reads, and the guard's own piece last.
#[must_use]
pub fn judged(model: &Model, machines: &BTreeSet<usize>, servers: String) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut named = BTreeMap::new();
    for machine in machines {
        let machine = model.machine(*machine);
        let facts = machine.facts().ok().map(Piece::of);
        let placed_on = machine.placement_at_reprotect().map(str::to_owned);
        let digest = facts.as_ref().map(|piece| piece.digest.clone());
        named.insert(machine.name().value.clone(), JudgedMachine { facts: digest, placed_on });
        pieces.extend(facts);
    }
    let observed_at = model.inventory.observed_at.map(|at| at.value);
    pieces.push(Piece::of(&Judged { observed_at, machines: named, servers }));
    pieces
}

/// Returns the digests of the pieces that a piece names; none if it names none.
#[must_use]
pub fn named(body: &str) -> Vec<String> {
    if let Ok(judged) = serde_json::from_str::<Judged>(body) {
        let machines = judged.machines.into_values().filter_map(|machine| machine.facts);
        return machines.chain([judged.servers]).collect();
    }
    serde_json::from_str::<Servers>(body)
        .map_or_else(|_| Vec::new(), |servers| servers.0.into_values().collect())
}

/// What was kept of a guard's facts can't be put together again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unjudgeable {
    /// A piece is not there.
    #[error("the facts {digest} are not there")]
    Missing {
        /// Its digest.
        digest: String,
    },
    /// A piece is not what its place asks for.
    #[error("the facts {digest} can't be read: {message}")]
    Unreadable {
        /// Its digest.
        digest: String,
        /// Why not.
        message: String,
    },
}

/// Puts the facts that a guard judged into a model, in the place of what that says about the same machines and servers.
///
/// `piece` returns the text of a digest, if it was kept.
///
/// # Errors
///
/// [`Unjudgeable`] if a piece is missing or is not one.
pub fn restore<'p>(
    model: &mut Model,
    digest: &str,
    piece: impl Fn(&str) -> Option<&'p str>,
) -> Result<Judged, Unjudgeable> {
    let text = |digest: &str| piece(digest).ok_or_else(|| Unjudgeable::Missing { digest: digest.to_owned() });
    let judged: Judged = read(digest, text(digest)?)?;
    let servers: Servers = read(&judged.servers, text(&judged.servers)?)?;
    let mut document = vec![r#""kind":"Inventory","version":1,"name":"observed""#.to_owned()];
    if let Some(at) = judged.observed_at {
        document.push(format!(r#""observed_at":"{at}""#));
    }
    for (section, digest) in &servers.0 {
        if !SECTIONS.contains(&section.as_str()) {
            let message = format!("an inventory has no observed section `{section}`");
            return Err(Unjudgeable::Unreadable { digest: judged.servers.clone(), message });
        }
        let body: serde_json::Value = read(digest, text(digest)?)?;
        document.push(format!(r#""{section}":{body}"#));
    }
    let mut machines = Vec::new();
    for (name, machine) in &judged.machines {
        let Some(digest) = &machine.facts else { continue };
        let body: serde_json::Value = read(digest, text(digest)?)?;
        if body.get("name").and_then(serde_json::Value::as_str) != Some(name) {
            let message = format!("they are not about {name}");
            return Err(Unjudgeable::Unreadable { digest: digest.clone(), message });
        }
        machines.push(body.to_string());
    }
    document.push(format!(r#""machines":[{}]"#, machines.join(",")));
    let fresh = observed::inventory(&format!("{{{}}}", document.join(",")))
        .map_err(|message| Unjudgeable::Unreadable { digest: digest.to_owned(), message })?;
    model.observe(fresh);
    for (name, machine) in &judged.machines {
        if let Some(datastore) = &machine.placed_on {
            model.remember_placement(name, datastore);
        }
    }
    Ok(judged)
}

fn read<T: serde::de::DeserializeOwned>(digest: &str, text: &str) -> Result<T, Unjudgeable> {
    serde_json::from_str(text)
        .map_err(|error| Unjudgeable::Unreadable { digest: digest.to_owned(), message: error.to_string() })
}
