//! `evidence export`: writes what a run leaves into one file.

use std::io::Write as _;
use std::path::Path;
use std::path::PathBuf;

use crate::cli::env::Env;
use crate::cli::error::CliError;
use crate::cli::evidence::signature_of;
use crate::cli::exit::Exit;
use crate::cli::kept;
use crate::cli::replace;
use crate::cli::reported;
use crate::cli::reported::Named;
use crate::cli::runs;
use crate::event::RunEvent;
use crate::evidence::bundle;
use crate::evidence::bundle::Bundle;
use crate::evidence::documents;
use crate::evidence::figures;
use crate::evidence::figures::Figures;
use crate::evidence::line::Role;
use crate::evidence::line::Text;
use crate::evidence::signature::NAMESPACE;
use crate::journal::RunRecord;
use crate::model::digest;
use crate::signature::SigningKey;

/// Write the evidence of a run into a file, and sign it
///
/// The file holds the run's entry, its plan, inventory and policies, its events with their chain, the facts that its guards judged,
/// and the figures that follow, one JSON object a line. The signature goes into a file beside it, with `.sig` at its end, in the
/// form of `ssh-keygen -Y sign`; `ssh-keygen -Y verify -n failback-evidence` takes it too. Exits with 2 if the record of the run is
/// not what was written.
#[derive(Clone, Debug, clap::Args)]
pub struct ExportArgs {
    /// Id of the run, or of the drill that made one, or `latest`
    #[arg(value_name = "RUN|DRILL", default_value = "latest")]
    pub run: String,
    /// Write to this file [default: RUN.evidence.jsonl]
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Sign with the private ed25519 key of this file, in PKCS#8 or OpenSSH form, without a passphrase
    #[arg(long, value_name = "FILE")]
    pub sign_key: Option<PathBuf>,
    /// Look for runs in this folder
    #[arg(long, value_name = "DIR", default_value = ".failback")]
    pub state_dir: PathBuf,
}

pub(super) fn run(args: &ExportArgs, env: &mut Env<'_>) -> Result<Exit, CliError> {
    // A key that can't sign is told before anything is written.
    let key = args.sign_key.as_deref().map(|path| key(path, env)).transpose()?;
    let dir = runs::state_dir(&args.state_dir, env)?;
    let database = runs::database(&dir)?;
    let record = match reported::named(&dir, &database, &args.run)? {
        Named::Run(record) => record,
        Named::Drill(drill) => match &drill.run {
            Some(run) => runs::find(&dir, &database, run.as_str())?,
            None => {
                let message = format!("drill {} made no run, and leaves no evidence of one", drill.id);
                return Err(
                    CliError::usage(message).hinted(format!("its report: failback report {}", drill.id))
                );
            }
        },
    };
    let unreadable = |error| runs::unreadable(&dir, error);
    let mut stored = Vec::new();
    database.each_stored(&record.id, |text| stored.push(text)).map_err(unreadable)?;
    // A record without a chain shows nothing of how its events came about.
    database.head(&record.id).map_err(unreadable)?;
    let events: Vec<RunEvent> = stored.iter().map(|text| event(text)).collect::<Result<_, _>>()?;
    let facts = bundle::facts_of(&events, |digest| database.facts(digest)).map_err(unreadable)?;
    let texts = texts(&dir.run(&record.id), &record)?;
    let figures = figures_of(&texts, &record, &events, env)?;
    let output =
        args.output.clone().unwrap_or_else(|| PathBuf::from(format!("{}.evidence.jsonl", record.id)));
    let bundle = Bundle {
        program: env!("CARGO_PKG_VERSION").to_owned(),
        exported_at: env.clock.now(),
        record,
        texts,
        facts,
        events: stored,
        figures,
    };
    let text = bundle.written();
    put(&output, &text, env)?;
    let signature = signature_of(&output);
    match key {
        Some(key) => {
            let signed = key
                .sign(NAMESPACE, text.as_bytes())
                .map_err(|error| CliError::usage("can't sign").because(error))?;
            put(&signature, &signed, env)?;
        }
        // A signature of what was there before would belong to another bundle.
        None if env.path(&signature).exists() => {
            let name = signature.display();
            writeln!(env.err, "warning: `{name}` is of another bundle: sign this one, or remove it")?;
        }
        None => {}
    }
    writeln!(env.out, "{}", output.display())?;
    Ok(Exit::Success)
}

fn event(text: &str) -> Result<RunEvent, CliError> {
    serde_json::from_str(text)
        .map_err(|error| CliError::usage("can't read an event of the run").because(error))
}

fn put(path: &Path, text: &str, env: &Env<'_>) -> Result<(), CliError> {
    replace::put(&env.path(path), text)
        .map_err(|error| CliError::usage("the evidence was not written").because(error.about(path)))
}

fn key(path: &Path, env: &Env<'_>) -> Result<SigningKey, CliError> {
    let failed = || CliError::usage(format!("can't sign with `{}`", path.display()));
    let text = std::fs::read_to_string(env.path(path)).map_err(|error| failed().because(error))?;
    let text = secrecy::zeroize::Zeroizing::new(text);
    SigningKey::parse(&text).map_err(|error| {
        failed()
            .because(error)
            .hinted("make a key with failback evidence key, or with ssh-keygen -t ed25519 -N ''")
    })
}

/// Returns the texts that a run kept.
fn texts(folder: &Path, record: &RunRecord) -> Result<Vec<Text>, CliError> {
    let (plan, args) = kept::kept_documents(folder, &record.options);
    let plan = [(Role::Plan, plan)].into_iter();
    let inventory = args.inventory.into_iter().map(|path| (Role::Inventory, path));
    let policies = args.policy.into_iter().map(|path| (Role::Policy, path));
    plan.chain(inventory)
        .chain(policies)
        .map(|(role, path)| {
            let text = std::fs::read_to_string(&path).map_err(|error| {
                CliError::usage(format!("can't read `{}`", path.display())).because(error)
            })?;
            let name = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
            Ok(Text { role, name, digest: digest::of_text(&text), text })
        })
        .collect()
}

/// Returns what follows from a run; what keeps it from following is told, and is for the verifier to name.
fn figures_of(
    texts: &[Text],
    record: &RunRecord,
    events: &[RunEvent],
    env: &mut Env<'_>,
) -> Result<Option<Figures>, CliError> {
    let compiled = documents::read(texts, record).and_then(documents::Documents::compile);
    let why = match compiled {
        Ok(compiled) => match figures::figures(&compiled.graph, events) {
            Ok(figures) => return Ok(Some(figures)),
            Err(error) => error.to_string(),
        },
        Err(error) => error.to_string(),
    };
    writeln!(env.err, "warning: the bundle says no figures: {}", crate::escape::line(&why))?;
    Ok(None)
}
