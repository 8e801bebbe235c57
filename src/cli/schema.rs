//! `schema`: prints the JSON Schema of a kind of document.

use std::io::Write as _;

use crate::cli::env::Env;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::language;
use crate::syntax::inventory::Inventory;
use crate::syntax::plan::RecoveryPlan;
use crate::syntax::policy::Policy;
use crate::syntax::schema;
use crate::syntax::settings::Settings;

/// A kind of document that has a schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum SchemaKind {
    /// A recovery plan
    RecoveryPlan,
    /// An inventory
    Inventory,
    /// An organisation's own rules
    Policy,
    /// Settings of `failback serve`
    Settings,
}

impl SchemaKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::RecoveryPlan, Self::Inventory, Self::Policy, Self::Settings];

    /// Returns the word of the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RecoveryPlan => "recovery-plan",
            Self::Inventory => "inventory",
            Self::Policy => "policy",
            Self::Settings => "settings",
        }
    }

    /// Returns the file that the schema is kept in, which is also its id: schemas refer to no host.
    #[must_use]
    pub fn file(self) -> String {
        format!("{}.schema.json", self.as_str())
    }

    /// Returns the schema as text.
    #[must_use]
    pub fn text(self) -> String {
        let schema = match self {
            Self::RecoveryPlan => schema::of::<RecoveryPlan>(&self.file(), "Recovery plan"),
            Self::Inventory => schema::of::<Inventory>(&self.file(), "Inventory"),
            Self::Policy => schema::of::<Policy>(&self.file(), "Policy"),
            Self::Settings => schema::of::<Settings>(&self.file(), "Settings"),
        };
        format!("{schema:#}\n")
    }
}

/// Print the JSON Schema of a kind of document, for editors
///
/// Without a kind, lists the kinds.
#[derive(Clone, Debug, clap::Args)]
pub struct SchemaArgs {
    /// Kind of document
    #[arg(value_enum, value_name = "KIND")]
    pub kind: Option<SchemaKind>,
    /// Print it like this
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t, requires = "kind")]
    pub format: Format,
}

/// How a schema is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// JSON Schema, draft 2020-12
    #[default]
    Json,
    /// A page for people: every block and key
    Markdown,
}

/// Prints a schema, or the kinds that there are.
///
/// # Errors
///
/// [`CliError`] if the output can't be written.
pub fn run(args: &SchemaArgs, env: &mut Env<'_>) -> Result<Exit, CliError> {
    match args.kind {
        Some(kind) => {
            let text = match args.format {
                Format::Json => kind.text(),
                Format::Markdown => language::page(kind),
            };
            env.out.write_all(text.as_bytes())?;
        }
        None => {
            for kind in SchemaKind::ALL {
                writeln!(env.out, "{}", kind.as_str())?;
            }
        }
    }
    Ok(Exit::Success)
}
