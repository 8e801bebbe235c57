//! `doctor`: can Azure and vCenter be reached, who are we there, and what may we do.

use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

use serde::Serialize;

use crate::cli::env::Env;
use crate::cli::env::Guard;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::inventory;
use crate::cli::session;
use crate::cli::site;
use crate::cli::site::VaultArgs;
use crate::clock::Clock;
use crate::escape;
use crate::provider::azure;
use crate::provider::azure::CheckResult;
use crate::provider::vcenter::Kind;
use crate::provider::vcenter::Settings;
use crate::provider::vcenter::VcenterClient;
use crate::render::style::Tone;
use crate::syntax::file::DEFAULT_MAX_BYTES;

/// How checks are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people
    #[default]
    Human,
    /// One JSON object
    Json,
}

/// Check what a run on a real site needs: credentials, rights, clock, reachability
///
/// Asks only, and changes nothing. Exits with 3 if something fails that a run needs.
#[derive(Clone, Debug, clap::Args)]
pub struct DoctorArgs {
    /// Inventory that names the vault, the vCenters and the hosts under none
    #[arg(long, value_name = "FILE")]
    pub inventory: Option<PathBuf>,
    /// Print checks like this
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t)]
    pub format: Format,
    /// Which vault and vCenters are meant.
    #[command(flatten)]
    pub site: VaultArgs,
}

/// One check, as it is printed.
#[derive(Debug, Serialize)]
struct Said {
    name: String,
    result: CheckResult,
    what: String,
    help: Option<String>,
}

#[derive(Serialize)]
struct Document<'a> {
    version: u8,
    vault: String,
    checks: &'a [Said],
}

/// Checks the site.
///
/// # Errors
///
/// [`CliError`] if it is not known what to check, or the output can't be written.
pub fn run(args: &DoctorArgs, env: &mut Env<'_>) -> Result<Exit, CliError> {
    let facts = match &args.inventory {
        Some(path) => match inventory::read(path, DEFAULT_MAX_BYTES, env)? {
            Ok(facts) => Some(facts),
            Err(exit) => return Ok(exit),
        },
        None => None,
    };
    let reached = site::reach(&args.site, facts.as_ref(), env)?;
    let runtime = session::runtime()?;
    let mut said: Vec<Said> = runtime
        .block_on(azure::diagnose(&reached.reader, &reached.vault))
        .into_iter()
        .map(|check| Said {
            name: check.name.to_owned(),
            result: check.result,
            what: check.what,
            help: check.help,
        })
        .collect();
    if reached.vcenters.is_empty() {
        said.push(Said {
            name: "vCenter".into(),
            result: CheckResult::Warning,
            what: "none is named, so that nothing of the site itself can be seen".into(),
            help: Some("name each with --vcenter NAME=URL".into()),
        });
    }
    let clock: Arc<dyn Clock> = reached.reader.pace();
    for settings in &reached.vcenters {
        said.push(runtime.block_on(vcenter(settings, Arc::clone(&clock))));
    }
    said.extend(reached.unasked.iter().map(|host| {
        Said {
            name: format!("host {host}"),
            result: CheckResult::Warning,
            what:
                "no vCenter manages it, and its address is not named: whether its machines run can't be seen"
                    .into(),
            help: Some(format!("name it with --vcenter {host}=URL")),
        }
    }));
    runtime.shutdown_background();
    match args.format {
        Format::Json => {
            env.out.guarded(Guard::Json)?;
            let document = Document { version: 1, vault: reached.vault.to_string(), checks: &said };
            let text = serde_json::to_string_pretty(&document).map_err(std::io::Error::from)?;
            writeln!(env.out, "{text}")?;
        }
        Format::Human => human(&said, env)?,
    }
    let fails = said.iter().any(|check| check.result == CheckResult::Failed);
    Ok(if fails { Exit::Failed } else { Exit::Success })
}

async fn vcenter(settings: &Settings, clock: Arc<dyn Clock>) -> Said {
    let what = if settings.kind == Some(Kind::Host) { "host" } else { "vCenter" };
    let name = format!("{what} {}", settings.id);
    let failed = |error: crate::provider::vcenter::VcenterError| Said {
        name: name.clone(),
        result: CheckResult::Failed,
        what: error.to_string(),
        help: error.help(),
    };
    let client = match VcenterClient::connect(settings.clone(), clock).await {
        Ok(client) => client,
        Err(error) => return failed(error),
    };
    let seen = client.inventory().await;
    client.log_out().await;
    match seen {
        Err(error) => failed(error),
        Ok(seen) => {
            let told = format!(
                "{}: {} hosts, {} virtual machines, {} datastores are seen",
                seen.about.full_name,
                seen.hosts.len(),
                seen.vms.len(),
                seen.datastores.len()
            );
            let mut rights: Vec<&str> = seen.gaps.iter().filter_map(|gap| gap.privilege.as_deref()).collect();
            rights.sort_unstable();
            rights.dedup();
            if rights.is_empty() && seen.whole {
                return Said { name, result: CheckResult::Ok, what: told, help: None };
            }
            let help = match rights.as_slice() {
                [] => format!(
                    "give the account the role Read-only at the root of the {what}, with its children"
                ),
                rights => format!(
                    "give the account {} at the root of the {what}, with its children",
                    rights.join(", ")
                ),
            };
            let told = format!("{told}, and not everything that there is");
            Said { name, result: CheckResult::Warning, what: told, help: Some(help) }
        }
    }
}

fn human(said: &[Said], env: &mut Env<'_>) -> Result<(), CliError> {
    let style = env.style();
    for check in said {
        let (word, tone) = match check.result {
            CheckResult::Ok => ("ok", Tone::Good),
            CheckResult::Warning => ("warning", Tone::Warning),
            CheckResult::Failed => ("failed", Tone::Error),
        };
        let (name, what) = (escape::line(&check.name), escape::line(&check.what));
        writeln!(env.out, "{}  {name}: {what}", style.paint(tone, format!("{word:<7}")))?;
        if let Some(help) = &check.help {
            writeln!(env.out, "         {}", style.paint(Tone::Faint, escape::line(help)))?;
        }
    }
    Ok(())
}
