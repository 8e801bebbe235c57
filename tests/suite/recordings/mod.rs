//! Every exchange that was recorded of the real services is made again with the emulator, and its answer has to have the same
//! status, keys and types. The recordings are not part of the project: `FAILBACK_RECORDINGS` names their folder.

mod classic;
mod compare;
mod exchange;
mod journey;
mod modernized;
mod refusals;

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::path::PathBuf;

use serde_json::Value;

use crate::recordings::compare::Difference;
use crate::recordings::compare::differences;
use crate::recordings::compare::names;
use crate::recordings::exchange::Exchange;
use crate::recordings::journey::Taken;

/// Recordings that are not made again, each with the reason.
const LEFT_OUT: &[(&str, &str)] = &[
    ("job.discover-protectable-item.failed.json", "physical servers are not added"),
    ("job.reprotect.failed.25038.json", "a Hyper-V item; its shape is that of the other failed jobs"),
    ("spec.job.resume.json", "no job of the emulated site waits for a person"),
    ("spec.recovery-plan.reprotect.json", "its result is a recovery plan, as that of a failover is"),
];

/// Differences that are meant: the beginning of a file's name, the end of a place in its answer, and the reason.
const MEANT: &[(&str, &str, &str)] = &[
    ("", "failoverHealthErrors", "one list with the other health errors since 2021"),
    ("", "lastSuccessfulFailoverTime", "absent until there was one of which the emulated site knows when"),
    ("", "lastSuccessfulTestFailoverTime", "absent until there was one"),
    ("spec.recovery-plan", "lastTestFailoverTime", "absent until there was one"),
    ("job.failed.another-operation", "customDetails", "recorded of a failover; here of a resynchronisation"),
    (
        "protected-item.list.filter-recovery-plan",
        "",
        "recorded of Hyper-V items, which the emulated vault has not",
    ),
];

/// Members of a network interface up to 2018; since 2021 they are in its `ipConfigs`.
const OLD_INTERFACE: [&str; 6] = [
    "ipAddressType",
    "primaryNicStaticIPAddress",
    "recoveryNicIpAddressType",
    "recoveryVMSubnetName",
    "replicaNicStaticIPAddress",
    "vMSubnetName",
];

/// Members that a job had beside its properties up to 2018.
const OLD_JOB: [&str; 4] = ["endTime", "error", "startTime", "status"];

/// Returns whether a difference is one that is meant.
fn is_meant(exchange: &Exchange, difference: &Difference) -> bool {
    let old = ["2016-08-10", "2018-07-10"].iter().any(|version| exchange.url.contains(version));
    let at = difference.at.as_str();
    let interface = at.rsplit_once("vmNics[].").is_some_and(|(_, member)| OLD_INTERFACE.contains(&member));
    let job = exchange.file.starts_with("job") && OLD_JOB.contains(&at.trim_start_matches("value[]."));
    (old && (interface || job))
        || MEANT.iter().any(|(file, end, _)| exchange.file.starts_with(file) && at.ends_with(end))
}

#[expect(clippy::disallowed_methods, reason = "who runs the tests says where the recordings are")]
fn folder() -> Option<PathBuf> {
    let folder = std::env::var_os("FAILBACK_RECORDINGS").map(PathBuf::from);
    if folder.is_none() {
        let words = "\n*** SKIPPED: FAILBACK_RECORDINGS is not set, so no recorded exchange is made again\n";
        std::io::Write::write_all(&mut std::io::stderr(), words.as_bytes()).expect("stderr takes it");
    }
    folder
}

/// Returns the names of the recordings.
fn files(folder: &std::path::Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let names = entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned());
    let mut files: Vec<String> = names.filter(|name| name.ends_with(".json")).collect();
    files.sort();
    files
}

/// Returns every name that a member may have: those of the recordings and of the models beside them.
fn vocabulary(exchanges: &[Exchange], folder: &std::path::Path) -> BTreeSet<String> {
    let mut known = BTreeSet::new();
    for exchange in exchanges {
        names(&exchange.body, &mut known);
        if let Some(sent) = &exchange.sent {
            names(sent, &mut known);
        }
    }
    let models = std::fs::read_to_string(folder.join("../models.json")).unwrap_or_default();
    if let Ok(models) = serde_json::from_str::<Value>(&models) {
        for model in models["models"].as_object().into_iter().flat_map(|models| models.values()) {
            known.extend(model["fields"].as_object().into_iter().flat_map(|fields| fields.keys().cloned()));
        }
    }
    known
}

/// Returns what is wrong with the answer to one exchange.
fn judge(exchange: &Exchange, taken: &Taken, known: &BTreeSet<String>) -> Vec<String> {
    let mut wrong = Vec::new();
    if taken.status != exchange.status && exchange.mark != "spec" {
        wrong.push(format!("status {} was {}: {:#}", taken.status, exchange.status, taken.body));
        return wrong;
    }
    if exchange.status == 202 || exchange.status >= 400 {
        for header in ["Location", "Azure-AsyncOperation", "Retry-After", "WWW-Authenticate"] {
            let has = |headers: &[String]| headers.iter().any(|name| name.eq_ignore_ascii_case(header));
            if has(&exchange.headers) && !has(&taken.headers) {
                wrong.push(format!("the header {header} is missing"));
            }
        }
    }
    for difference in differences(&exchange.body, &taken.body, known) {
        if !is_meant(exchange, &difference) {
            wrong.push(format!("{} {}", difference.at, difference.how));
        }
    }
    wrong
}

#[tokio::test]
async fn every_recorded_exchange_has_the_shape_that_it_had() {
    let Some(folder) = folder() else { return };
    let files = files(&folder);
    let exchanges: Vec<Exchange> = files.iter().map(|file| Exchange::read(&folder, file)).collect();
    let known = vocabulary(&exchanges, &folder);
    let mut taken: BTreeMap<String, Taken> = classic::journey(&folder).await.taken;
    taken.extend(modernized::journey(&folder).await.taken);
    taken.extend(refusals::journey(&folder).await);
    let (mut wrong, mut counts) = (Vec::new(), BTreeMap::<&str, usize>::new());
    for exchange in &exchanges {
        match taken.get(&exchange.file) {
            Some(taken) => {
                *counts.entry(exchange.mark.as_str()).or_default() += 1;
                let told = judge(exchange, taken, &known);
                wrong.extend(
                    told.into_iter()
                        .map(|told| format!("{} ({}): {told}", exchange.file, exchange.operation())),
                );
            }
            None if LEFT_OUT.iter().any(|(file, _)| *file == exchange.file) => {}
            None => wrong.push(format!("{} ({}) is not made again", exchange.file, exchange.operation())),
        }
    }
    assert!(wrong.is_empty(), "made again: {counts:?}\n{}", wrong.join("\n"));
}

#[test]
fn the_page_about_the_wire_says_of_every_recorded_operation_that_it_was_recorded() {
    let Some(folder) = folder() else { return };
    let page = include_str!("../../../docs/emulator-http.md");
    let rows: Vec<&str> = page.lines().filter(|line| line.starts_with('|')).collect();
    let mut missing = BTreeSet::new();
    for file in files(&folder) {
        let exchange = Exchange::read(&folder, &file);
        let (operation, mark) = (exchange.operation(), exchange.mark.as_str());
        let (method, path) = operation.split_once(' ').expect("a method and a path");
        // Verbs of an item stand there by their end; of several methods that share a row, each has its own code.
        let path = path.rsplit("replicationProtectedItems/*/").next().unwrap_or(path);
        let ways = [format!("`{method} "), format!("`{method}`")];
        let told = rows.iter().any(|row| {
            row.contains(path) && row.contains(mark) && ways.iter().any(|way| row.contains(way.as_str()))
        });
        if !told && mark == "recorded" && !file.starts_with("error") {
            missing.insert(operation);
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}
