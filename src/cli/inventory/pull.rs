//! `inventory pull`: the facts of a site, as a file for git.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::PathBuf;

use crate::cli::env::Env;
use crate::cli::env::Guard;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::live;
use crate::cli::replace;
use crate::cli::session;
use crate::cli::site;
use crate::cli::site::VaultArgs;
use crate::escape;
use crate::model::drift;
use crate::model::drift::Change;
use crate::model::drift::Drift;
use crate::model::fact_source::FactSource;
use crate::provider::azure::Missing;
use crate::provider::azure::Pulled;
use crate::provider::azure::VaultId;
use crate::quantity::Bytes;
use crate::render::style::Verbosity;
use crate::syntax::file::DEFAULT_MAX_BYTES;
use crate::syntax::inventory::Inventory;

/// How many things are named of which one fact is not told any more.
const NAMED: usize = 5;

/// Flags of `inventory pull`.
#[derive(Clone, Debug, clap::Args)]
pub struct PullArgs {
    /// File to write; its facts that only a person knows stay. Without it the facts are printed
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Take what only a person knows from this inventory instead of the file that is written
    #[arg(long, value_name = "FILE")]
    pub base: Option<PathBuf>,
    /// Name of the inventory, if the file does not have one yet [default: the vault's]
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// Read files up to this size, such as `512 MiB`
    #[arg(long, value_name = "SIZE", value_parser = Bytes::parse, default_value_t = Bytes(DEFAULT_MAX_BYTES))]
    pub max_file_size: Bytes,
    /// Which vault and vCenters are meant.
    #[command(flatten)]
    pub site: VaultArgs,
}

/// Observes a site and writes what it shows.
///
/// # Errors
///
/// [`CliError`] if the site can't be asked, or a file can't be read or written.
pub(super) fn run(args: &PullArgs, env: &mut Env<'_>) -> Result<Exit, CliError> {
    let limit = args.max_file_size.0;
    let existing = args.output.as_deref().filter(|path| env.path(path).exists());
    let base = match args.base.as_deref().or(existing) {
        Some(path) => match super::read(path, limit, env)? {
            Ok(facts) => Some(facts),
            Err(exit) => return Ok(exit),
        },
        None => None,
    };
    let reached = site::reach(&args.site, base.as_ref(), env)?;
    let runtime = session::runtime()?;
    let name = args.name.clone().unwrap_or_else(|| reached.vault.name.clone());
    let known = base.is_some();
    let mut base = base.unwrap_or_else(|| Inventory::unknown(&name));
    if let Some(name) = &args.name {
        base.name.value.clone_from(name);
    }
    let connected = reached.connect(&base, &runtime)?;
    let pulled = connected.pull(&base, &runtime)?;
    let text = text(&pulled, &connected.vault)?;
    connected.end(runtime);
    match &args.output {
        None => {
            env.out.guarded(Guard::Text)?;
            env.out.write_all(text.as_bytes())?;
        }
        Some(path) => {
            replace::put(&env.path(path), &text)
                .map_err(|error| CliError::usage("the facts were not written").because(error.about(path)))?;
            tell(&pulled, known.then_some(&base), path, env)?;
        }
    }
    live::tell_missing(&pulled.missing, env)?;
    if known {
        live::tell_missing(&untold(&base, &pulled), env)?;
    }
    for (kind, names) in &pulled.ignored {
        let names = escape::line(&names.join(", ")).into_owned();
        writeln!(
            env.err,
            "left alone: {} of the vault replicate as {kind}: {names}",
            names.split(", ").count()
        )?;
    }
    Ok(Exit::Success)
}

/// Returns the facts that the file had from a service and that none told this time, a line for each kind of fact; what is missing
/// for a reason that was told is not among them.
fn untold(base: &Inventory, pulled: &Pulled) -> Vec<Missing> {
    let explained = |drift: &Drift| {
        pulled.missing.iter().any(|missing| {
            let facts = missing.facts.as_str();
            let is_inside = |key: &str| {
                key.strip_prefix(facts).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            };
            facts.eq_ignore_ascii_case(&format!("{} {}", drift.kind, drift.name))
                || is_inside(&drift.key)
                || is_inside(&format!("{}.{}", drift.kind, drift.key))
                || (facts == "vCenter" && drift.source == FactSource::Vcenter)
        })
    };
    let mut names: BTreeMap<(&str, String), Vec<String>> = BTreeMap::new();
    for drift in drift::between(base, &pulled.inventory) {
        if drift.change == Change::Unknown && drift.source != FactSource::Person && !explained(&drift) {
            names.entry((drift.kind, drift.key)).or_default().push(drift.name);
        }
    }
    let line = |((kind, key), names): ((&str, String), Vec<String>)| {
        let shown: Vec<String> = names
            .iter()
            .take(NAMED)
            .filter(|name| !name.is_empty())
            .map(|name| format!(" `{name}`"))
            .collect();
        let more = names.len().saturating_sub(NAMED);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let things = format!("{kind}{}{more}", shown.join(","));
        let fact = if key.is_empty() { things } else { format!("{} of {things}", drift::in_words(&key)) };
        Missing { facts: fact, why: "the file had it from a service, and none told it this time".to_owned() }
    };
    names.into_iter().map(line).collect()
}

/// Returns the document, with where its facts come from at its head.
fn text(pulled: &Pulled, vault: &VaultId) -> Result<String, CliError> {
    let bug = |error| CliError::new(Exit::Bug, "what was observed has no YAML form").because(error);
    let body = serde_yaml::to_string(&pulled.inventory).map_err(bug)?;
    let mut text =
        format!("# Observed by `failback inventory pull` in the vault {}.\n", escape::line(&vault.name));
    for reading in &pulled.readings {
        let until = reading.until.map(|until| format!(" to {until}")).unwrap_or_default();
        let source = escape::line(&reading.source);
        let _ = writeln!(text, "#   {source}, {}: {}{until}", reading.what, reading.at);
    }
    text.push_str("# Which facts each of them told is under `x-observed` at the end.\n");
    text.push_str("# Whatever none of them tells stays as it was in the file; `failback explain RULE` says of a fact who can know it.\n");
    if !pulled.missing.is_empty() {
        text.push_str("# Not observed, and so unknown:\n");
        for missing in &pulled.missing {
            let _ = writeln!(text, "#   {}: {}", escape::line(&missing.facts), escape::line(&missing.why));
        }
    }
    // The head of the document comes first, as in every other; where its facts come from is for programs, too.
    let sources = serde_yaml::to_string(&serde_json::json!({"x-observed": pulled.readings})).map_err(bug)?;
    text.push_str(&body);
    text.push_str(&sources);
    Ok(text)
}

fn tell(
    pulled: &Pulled,
    before: Option<&Inventory>,
    path: &std::path::Path,
    env: &mut Env<'_>,
) -> Result<(), CliError> {
    if env.verbosity == Verbosity::Quiet {
        return Ok(());
    }
    let machines = pulled.inventory.machines.as_ref().map_or(0, Vec::len);
    let changed = match before {
        None => "new".to_owned(),
        Some(before) => match drift::between(before, &pulled.inventory).len() {
            0 => "nothing has changed".to_owned(),
            1 => "1 fact has changed".to_owned(),
            count => format!("{count} facts have changed"),
        },
    };
    let path = path.display().to_string();
    writeln!(env.out, "{}: {machines} machines, {changed}", escape::line(&path))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Sources;
    use crate::syntax;
    use crate::syntax::Document;

    fn read(text: &str) -> Inventory {
        let mut sources = Sources::new();
        let text = format!("kind: Inventory\nversion: 1\nname: gmh\n{text}");
        let index = sources.add("facts.yaml", text).expect("short");
        let mut diagnostics = Vec::new();
        match syntax::parse(sources.get(index), &mut diagnostics).into_iter().next() {
            Some(Document::Inventory(inventory)) if diagnostics.is_empty() => *inventory,
            other => panic!("an inventory was written: {other:?} {diagnostics:?}"),
        }
    }

    #[test]
    fn facts_that_no_service_tells_any_more_are_listed() {
        let machines = |facts: &str| {
            let machine = |number: u32| format!("{{name: w{number}, churn: {{gb_per_day: 1}}{facts}}}");
            let machines: Vec<String> = (1..=7).map(machine).collect();
            format!("machines: [{}]\n", machines.join(", "))
        };
        let known = ", state: protected_to_azure, azure_vm: {power_state: running, resource_group: rg}";
        let base = read(&format!(
            "configuration_server: {{id: cs1}}\nhosts: [{{name: h1, version: 8.0.2}}]\n{}",
            machines(known)
        ));
        let missing = |facts: &str| Missing { facts: facts.to_owned(), why: "a right is missing".to_owned() };
        let mut pulled = Pulled {
            inventory: read(&machines(", azure_vm: {resource_group: rg}")),
            missing: vec![missing("vCenter"), missing("machine w7")],
            readings: Vec::new(),
            ignored: Vec::new(),
        };
        let told = |pulled: &Pulled| -> Vec<String> {
            untold(&base, pulled).into_iter().map(|missing| missing.facts).collect()
        };
        assert_eq!(
            told(&pulled),
            [
                "id of configuration server",
                "Azure VM power state of machine `w1`, `w2`, `w3`, `w4`, `w5` and 1 more",
                "state of machine `w1`, `w2`, `w3`, `w4`, `w5` and 1 more",
            ],
            "what has a reason is told with it"
        );
        pulled.missing = vec![missing("azure_vm")];
        assert_eq!(told(&pulled)[1], "host `h1`");
        assert!(!told(&pulled).iter().any(|fact| fact.contains("power state")), "{:?}", told(&pulled));
        pulled.inventory = base.clone();
        assert_eq!(told(&pulled), Vec::<String>::new());
    }
}
