//! `evidence verify`: checks a file of evidence.

use std::io::Write as _;
use std::path::Path;
use std::path::PathBuf;

use serde_json::json;

use crate::cli::check::Format;
use crate::cli::env::Env;
use crate::cli::env::Guard;
use crate::cli::error::CliError;
use crate::cli::evidence::signature_of;
use crate::cli::exit::Exit;
use crate::escape;
use crate::evidence::check::Ask;
use crate::evidence::check::Standing;
use crate::evidence::check::Verdict;
use crate::evidence::check::Weight;
use crate::evidence::check::verify;
use crate::evidence::signature::TrustError;
use crate::evidence::signature::Trusted;
use crate::render::style::Tone;

/// More findings than this are counted, not shown.
const SHOWN: usize = 50;

/// Check a file of evidence: offline, and without taking anybody's word
///
/// The chain of events, the signature, the plan that is compiled again, the order of steps, the answers of persons, every guard on
/// the facts that it judged, and the figures. Exits with 0 if nothing contradicts the file, with 1 if something does (under --strict
/// also if something can't be decided), and with 2 if it is no evidence.
#[derive(Clone, Debug, clap::Args)]
pub struct VerifyArgs {
    /// File of evidence
    #[arg(value_name = "BUNDLE")]
    pub bundle: PathBuf,
    /// Trust the signers of this file, as `ssh-keygen -Y verify` takes it
    #[arg(long, value_name = "FILE", conflicts_with = "public_key")]
    pub allowed_signers: Option<PathBuf>,
    /// Trust the public keys of this file, in OpenSSH form
    #[arg(long, value_name = "FILE")]
    pub public_key: Option<PathBuf>,
    /// Signature [default: BUNDLE.sig, if it is there]
    #[arg(long, value_name = "FILE")]
    pub signature: Option<PathBuf>,
    /// Refuse it unless its last event has this hash, as notices and `failback show` tell it
    #[arg(long, value_name = "DIGEST")]
    pub expect_head: Option<String>,
    /// Refuse it unless the run is of this commit
    #[arg(long, value_name = "SHA")]
    pub expect_commit: Option<String>,
    /// Refuse it also if something can't be decided
    #[arg(long)]
    pub strict: bool,
    /// Print like this
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t)]
    pub format: Format,
}

pub(super) fn run(args: &VerifyArgs, env: &mut Env<'_>) -> Result<Exit, CliError> {
    let unreadable = |path: &Path, error: std::io::Error| {
        CliError::usage(format!("can't read `{}`", path.display())).because(error)
    };
    let read = |path: &Path| std::fs::read_to_string(env.path(path)).map_err(|error| unreadable(path, error));
    let bytes = std::fs::read(env.path(&args.bundle)).map_err(|error| unreadable(&args.bundle, error))?;
    let signature = match &args.signature {
        Some(path) => Some(read(path)?),
        None => {
            let beside = signature_of(&args.bundle);
            env.path(&beside).exists().then(|| read(&beside)).transpose()?
        }
    };
    let trusted = match (&args.allowed_signers, &args.public_key) {
        (Some(path), _) => Some(trusted(path, &read(path)?, Trusted::allowed_signers)?),
        (None, Some(path)) => Some(trusted(path, &read(path)?, Trusted::public_keys)?),
        (None, None) => None,
    };
    let ask = Ask {
        signature: signature.as_deref(),
        trusted: trusted.as_ref(),
        head: args.expect_head.as_deref(),
        commit: args.expect_commit.as_deref(),
    };
    let verdict = verify(&bytes, &ask).map_err(|error| {
        CliError::usage(format!("`{}` is no evidence", args.bundle.display())).because(error)
    })?;
    if args.format == Format::Json {
        env.out.guarded(Guard::Json)?;
        let mut shown = serde_json::to_value(&verdict)
            .map_err(|error| CliError::usage("can't print the verdict").because(error))?;
        shown["version"] = json!(1);
        let text = shown.to_string();
        writeln!(env.out, "{text}")?;
    } else {
        show(&verdict, env)?;
    }
    Ok(match verdict.standing {
        Standing::Verified => Exit::Success,
        Standing::Indeterminate if !args.strict => Exit::Success,
        Standing::Indeterminate | Standing::Refuted => Exit::Refused,
    })
}

fn trusted(
    path: &Path,
    text: &str,
    read: fn(&str) -> Result<Trusted, TrustError>,
) -> Result<Trusted, CliError> {
    read(text).map_err(|error| CliError::usage(format!("can't read `{}`", path.display())).because(error))
}

fn show(verdict: &Verdict, env: &mut Env<'_>) -> Result<(), CliError> {
    let style = env.style();
    for finding in verdict.findings.iter().take(SHOWN) {
        let tone = match finding.weight {
            Weight::Refuted => style.paint(Tone::Error, "refuted"),
            Weight::Indeterminate => style.paint(Tone::Open, "not known"),
        };
        writeln!(env.out, "{tone}: {}", escape::line(&finding.in_words()))?;
    }
    if verdict.findings.len() > SHOWN {
        writeln!(env.out, "and {} more, which --format json lists", verdict.findings.len() - SHOWN)?;
    }
    let Verdict { run, plan, head, events, guards, guards_unrecorded, .. } = verdict;
    writeln!(env.out, "run {} of {}: {events} events, head {head}", escape::line(run), escape::line(plan))?;
    let open = if *guards_unrecorded > 0 { format!(", {guards_unrecorded} can't be") } else { String::new() };
    writeln!(env.out, "{guards} guards judged again{open}")?;
    if let Some(commit) = &verdict.commit {
        writeln!(env.out, "commit {}", escape::line(commit))?;
    }
    if let Some(signer) = &verdict.signed_by {
        writeln!(env.out, "signed by {}", escape::line(signer))?;
    }
    let word = match verdict.standing {
        Standing::Verified => "verified",
        Standing::Indeterminate => "nothing contradicts it, and not everything can be decided",
        Standing::Refuted => "refuted",
    };
    writeln!(env.out, "{word}")?;
    Ok(())
}
