//! `emulator`: an emulated site that other programs talk to, as they talk to Azure and vCenter.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use secrecy::ExposeSecret as _;
use secrecy::SecretString;
use serde::Serialize;

use crate::cli::env::Env;
use crate::cli::env::Guard;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::inventory;
use crate::cli::scenario;
use crate::cli::session;
use crate::cli::session::SpeedChoice;
use crate::cli::site::variable_of;
use crate::clock::Clock;
use crate::clock::pace::WorldPace;
use crate::escape;
use crate::provider::ProviderError;
use crate::provider::emulator::Dormant;
use crate::provider::emulator::Emulator;
use crate::provider::emulator::http::Certificate;
use crate::provider::emulator::http::Server;
use crate::provider::emulator::http::ServerHandle;
use crate::provider::emulator::http::ServerOptions;
use crate::provider::emulator::http::WireFaults;
use crate::quantity::Bytes;
use crate::render::style::Tone;
use crate::syntax::file::DEFAULT_MAX_BYTES;
use crate::syntax::plan::Baseline;

/// How the server says where it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people, with what to type next
    #[default]
    Human,
    /// One line of JSON
    Json,
}

/// Serve an emulated site over HTTP, as Azure Resource Manager and vCenter do
///
/// Prints where it listens and how to sign in, and serves until it is ended with Ctrl-C. Whoever has the token may change the
/// emulated site; it listens on this machine alone.
#[derive(Clone, Debug, clap::Args)]
pub struct EmulatorArgs {
    /// Inventory that the site begins as
    #[arg(long, value_name = "INVENTORY")]
    pub seed_from: PathBuf,
    /// Faults that befall the site (a `kind: Scenario` document)
    #[arg(long, value_name = "FILE")]
    pub scenario: Option<PathBuf>,
    /// Faults between the site and its clients, such as lost answers (YAML or JSON: `seed`, `faults`)
    #[arg(long, value_name = "FILE")]
    pub wire_faults: Option<PathBuf>,
    /// Let the site's time pass this many times as fast as real time
    #[arg(long, value_name = "SPEED", value_parser = SpeedChoice::parse, default_value = "60")]
    pub speed: SpeedChoice,
    /// Keep the site in this folder, and go on with the one that is there
    #[arg(long, value_name = "DIR")]
    pub world: Option<PathBuf>,
    /// Listen at this address of the loopback; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    pub listen: SocketAddr,
    /// Take this file's first line as the token that is always good; without it one is made up. The variable
    /// `FAILBACK_EMULATOR_TOKEN` does the same
    #[arg(long, value_name = "FILE")]
    pub token_file: Option<PathBuf>,
    /// Speak TLS with a certificate that is made for this server
    #[arg(long)]
    pub tls: bool,
    /// Speak TLS with this certificate (PEM)
    #[arg(long, value_name = "FILE", requires = "tls_key", conflicts_with = "tls")]
    pub tls_cert: Option<PathBuf>,
    /// Key of the certificate (PEM)
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,
    /// Take a right away, such as `Microsoft.Network/*/read`: what needs it is answered with 403 (can be repeated)
    #[arg(long, value_name = "RIGHT")]
    pub without: Vec<String>,
    /// Answer any number of requests, without the limits of Azure Resource Manager
    #[arg(long)]
    pub no_limits: bool,
    /// Seconds after which clients are told to ask again how an operation is
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    pub retry_after: u64,
    /// Say where the server is like this
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t)]
    pub format: Format,
    /// Read files up to this size, such as `512 MiB`
    #[arg(long, value_name = "SIZE", value_parser = Bytes::parse, default_value_t = Bytes(DEFAULT_MAX_BYTES))]
    pub max_file_size: Bytes,
}

/// Name of the variable that gives the token.
const TOKEN: &str = "FAILBACK_EMULATOR_TOKEN";

/// Serves a site until it is ended.
///
/// # Errors
///
/// [`CliError`] if a file can't be read, or the address can't be listened at.
pub fn run(args: &EmulatorArgs, env: &mut Env<'_>) -> Result<Exit, CliError> {
    let limit = args.max_file_size.0;
    let facts = match inventory::read(&args.seed_from, limit, env)? {
        Ok(facts) => facts,
        Err(exit) => return Ok(exit),
    };
    let scenario = match scenario::read(args.scenario.as_deref(), limit, &facts, Baseline::Seed2017, env)? {
        Ok(scenario) => scenario,
        Err(exit) => return Ok(exit),
    };
    let start = facts.observed_at.as_ref().map_or_else(|| env.clock.now(), |at| at.value);
    let unusable = |error: ProviderError| {
        let is_taken = matches!(error, ProviderError::World { action: "used", .. });
        let refused = CliError::usage("can't use the folder of the emulated world").because(error);
        if is_taken {
            refused.hinted("end the other process, or take another folder with --world")
        } else {
            refused
        }
    };
    let folder = args.world.as_deref().map(|folder| env.path(folder));
    let (emulator, pace) = match folder {
        None => {
            let pace = Arc::new(WorldPace::new(start, args.speed.0));
            let clock: Arc<dyn Clock> = pace.clone();
            (Emulator::in_memory(facts, scenario, start, clock), pace)
        }
        Some(folder) if Emulator::lives_in(&folder) => {
            let dormant = Dormant::of(&folder).map_err(unusable)?;
            let pace = Arc::new(WorldPace::new(dormant.last_call(), args.speed.0));
            (dormant.with_clock(pace.clone()), pace)
        }
        Some(folder) => {
            let pace = Arc::new(WorldPace::new(start, args.speed.0));
            let emulator =
                Emulator::create(&folder, facts, scenario, start, pace.clone()).map_err(unusable)?;
            (emulator, pace)
        }
    };
    let mut options = options(args, env)?;
    options.kept_in = args.world.as_deref().map(|folder| env.path(folder).join("service.json"));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| CliError::usage("can't start the server's threads").because(error))?;
    runtime.block_on(async {
        let server = Server::bind(Arc::new(emulator), pace, options).await.map_err(|error| {
            CliError::usage(format!("can't listen at {}", args.listen))
                .because(error)
                .hinted("take another address of the loopback with --listen; port 0 takes a free one")
        })?;
        let handle = server.handle();
        tell(args, &handle, env)?;
        env.out.flush()?;
        server.serve(async { drop(session::interrupted().await) }).await;
        Ok(Exit::Success)
    })
}

fn options(args: &EmulatorArgs, env: &Env<'_>) -> Result<ServerOptions, CliError> {
    let text = |path: &Path| {
        std::fs::read_to_string(env.path(path))
            .map_err(|error| CliError::usage(format!("can't read `{}`", path.display())).because(error))
    };
    let mut options =
        ServerOptions { address: args.listen, retry_after: args.retry_after, ..ServerOptions::default() };
    let given = match &args.token_file {
        Some(path) => Some(text(path)?.lines().next().unwrap_or_default().trim().to_owned()),
        None => env.variables.get(TOKEN).cloned(),
    };
    if let Some(token) = given {
        if token.len() < SHORTEST_TOKEN {
            return Err(CliError::usage(format!("a token has at least {SHORTEST_TOKEN} characters"))
                .hinted("leave it out: one is made up"));
        }
        options.access.token = Some(SecretString::from(token));
    }
    options.rights.without.clone_from(&args.without);
    if args.no_limits {
        options.limits = None;
    }
    if let Some(path) = &args.wire_faults {
        options.wire_faults = WireFaults::read(&text(path)?).map_err(|what| {
            CliError::usage(format!("can't read the wire faults in `{}`: {what}", path.display()))
                .hinted("docs/emulator-http.md lists the kinds and their keys")
        })?;
    }
    options.certificate = match (&args.tls_cert, &args.tls_key) {
        (Some(chain), Some(key)) => {
            Some(Certificate::Given { chain: text(chain)?, key: SecretString::from(text(key)?) })
        }
        _ if args.tls => Some(Certificate::SelfMade { names: Vec::new() }),
        _ => None,
    };
    Ok(options)
}

/// Whoever guesses the token may change the site.
const SHORTEST_TOKEN: usize = 16;

/// Where the server is and how to sign in. It is printed for whoever starts the server, so its secrets are in it.
#[derive(Serialize)]
struct Said<'a> {
    version: u8,
    url: String,
    /// The first vCenter.
    vcenter_url: String,
    /// Each vCenter, by its name in the inventory.
    vcenters: BTreeMap<&'a str, String>,
    /// Each host that no vCenter manages.
    hosts: BTreeMap<&'a str, String>,
    token: &'a str,
    tenant: &'a str,
    client_id: &'a str,
    client_secret: &'a str,
    subscription: &'a str,
    resource_group: &'a str,
    vault: &'a str,
    vault_id: String,
    fabric: &'a str,
    container: &'a str,
    items: BTreeMap<&'a str, &'a str>,
    vcenter_user: &'a str,
    vcenter_password: &'a str,
    /// Certificate of the authority to trust, as PEM.
    authority: Option<&'a str>,
}

fn tell(args: &EmulatorArgs, handle: &ServerHandle, env: &mut Env<'_>) -> Result<(), CliError> {
    let (names, options) = (handle.names(), handle.options());
    let (vcenters, hosts) = (handle.vcenters(), handle.hosts());
    let url = handle.url();
    let said = Said {
        version: 1,
        vcenter_url: format!("{url}/sdk"),
        vcenters: vcenters.iter().map(|(id, url)| (id.as_str(), url.clone())).collect(),
        hosts: hosts.iter().map(|(id, url)| (id.as_str(), url.clone())).collect(),
        token: options.access.token.as_ref().map_or("", |token| token.expose_secret()),
        tenant: &names.tenant,
        client_id: &options.access.client_id,
        client_secret: options.access.client_secret.expose_secret(),
        subscription: &names.subscription,
        resource_group: &names.resource_group,
        vault: &names.vault,
        vault_id: format!(
            "/subscriptions/{}/resourceGroups/{}/providers/Microsoft.RecoveryServices/vaults/{}",
            names.subscription, names.resource_group, names.vault
        ),
        fabric: &names.fabric,
        container: &names.container,
        items: names.items.iter().map(|(machine, item)| (machine.as_str(), item.as_str())).collect(),
        vcenter_user: &options.vcenter_user,
        vcenter_password: options.vcenter_password.expose_secret(),
        authority: handle.authority(),
        url,
    };
    match args.format {
        Format::Json => {
            env.out.guarded(Guard::Json)?;
            let line = serde_json::to_string(&said).map_err(std::io::Error::from)?;
            writeln!(env.out, "{line}")?;
        }
        Format::Human => {
            let style = env.style();
            let vault = escape::line(&said.vault_id).into_owned();
            writeln!(env.out, "{} at {}", style.paint(Tone::Strong, "emulated Azure and vCenter"), said.url)?;
            writeln!(env.out, "  vault      {vault}")?;
            writeln!(env.out, "  machines   {}", said.items.len())?;
            writeln!(env.out, "  vCenter    {} as {}", said.vcenter_url, said.vcenter_user)?;
            writeln!(env.out, "\nin another terminal:\n")?;
            writeln!(
                env.out,
                "  export FAILBACK_AZURE_ENDPOINT={} AZURE_AUTHORITY_HOST={}",
                said.url, said.url
            )?;
            writeln!(env.out, "  export FAILBACK_AZURE_TOKEN={}", said.token)?;
            for (id, url) in said.vcenters.iter().chain(&said.hosts) {
                writeln!(env.out, "  export {}={url}", variable_of("FAILBACK_VCENTER_URL", id))?;
            }
            writeln!(
                env.out,
                "  export FAILBACK_VCENTER_USER={} FAILBACK_VCENTER_PASSWORD={}",
                said.vcenter_user, said.vcenter_password
            )?;
            if let Some(authority) = said.authority {
                let path = std::env::temp_dir().join(format!("failback-emulator-{}.pem", std::process::id()));
                // A file that lies there already may lead elsewhere.
                let written = std::fs::OpenOptions::new().write(true).create_new(true).open(&path);
                written.and_then(|mut file| file.write_all(authority.as_bytes())).map_err(|error| {
                    CliError::usage(format!("can't write `{}`", path.display())).because(error)
                })?;
                writeln!(env.out, "  export FAILBACK_CA_FILE={}", escape::line(&path.display().to_string()))?;
            }
            let seed = escape::line(&args.seed_from.display().to_string()).into_owned();
            writeln!(env.out, "  failback doctor --inventory {seed}\n")?;
            writeln!(env.out, "it serves until it is ended with Ctrl-C")?;
        }
    }
    Ok(())
}
