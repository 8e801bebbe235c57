//! A file beside a document: the policies in it, and which machines its plans bring home.

use std::path::Path;
use std::path::PathBuf;

use crate::diagnostic::Diagnostic;
use crate::source::Sources;
use crate::source::Span;
use crate::syntax;
use crate::syntax::Document;
use crate::syntax::file;
use crate::syntax::plan::RecoveryPlan;
use crate::syntax::policy::Policy;
use crate::syntax::workspace::outside_workspace;

use super::facts::Stamp;
use super::ground::Room;
use super::language;
use super::text::Text;
use super::uri;
use super::workspace::Open;
use super::workspace::Settings;

/// What other plans have to know of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Note {
    pub name: String,
    /// The file of its inventory, links followed; `None` if it names none that may be read.
    pub facts: Option<PathBuf>,
    /// Its machines, and where it names them.
    pub machines: Vec<(String, Span)>,
}

impl Note {
    /// Returns what others have to know of a plan in a file.
    pub(super) fn of(plan: &RecoveryPlan, file: Option<&Path>, settings: &Settings) -> Self {
        let members = plan.replication_groups.iter().flat_map(|group| &group.machines);
        let machines = members.chain(plan.machines.iter().map(|machine| &machine.0.name));
        let machines = machines.map(|machine| (machine.value.clone(), machine.span)).collect();
        let named = || {
            let (named, folder) = (plan.inventory.as_ref()?, file?.parent()?);
            outside_workspace(named, folder).is_none().then(|| uri::real(&folder.join(&named.value)))
        };
        let given = settings.inventory.as_ref().map(|path| uri::real(path));
        Self { name: plan.name.value.clone(), facts: given.or_else(named), machines }
    }
}

/// A file beside a document.
#[derive(Debug)]
pub(super) struct Neighbour {
    pub path: PathBuf,
    pub stamp: Stamp,
    pub text: Text,
    /// Offset of its first byte in spans.
    pub base: usize,
    pub policies: Vec<Policy>,
    pub plans: Vec<Note>,
    /// What is wrong with it, if it is one of policies.
    pub mistakes: Vec<Diagnostic>,
}

impl Neighbour {
    /// Reads a file, from the editor if it is open there; `None` if it can't be read or there is no room for it.
    ///
    /// Of a file that is given as a policy, nothing else counts.
    pub(super) fn read(
        path: &Path,
        open: Option<&Open>,
        is_given: bool,
        settings: &Settings,
        room: &mut Room,
    ) -> Option<Self> {
        let stamp = Stamp::of(path, open);
        let (text, bad_utf8) = match open {
            Some(open) => (open.text.clone(), false),
            None => {
                let read = file::read_file(path, settings.max_bytes).ok()?;
                (Text::of_file(read.text), read.bad_utf8)
            }
        };
        let (path, mistakes) = (path.to_owned(), Vec::new());
        let mut file = Self { path, stamp, text, base: 0, policies: Vec::new(), plans: Vec::new(), mistakes };
        let kind = language::Document::of_file(&file.path.to_string_lossy());
        let is_policy = is_given || kind == Some(language::Document::Policy);
        if kind.is_none() && !is_given && !says_its_kind(file.text.as_str()) {
            file.text = Text::new(String::new());
            return Some(file);
        }
        let base = room.take(file.text.as_str().len())?;
        let mut sources = Sources::new();
        let name = file.path.to_string_lossy().into_owned();
        let index = sources.add_at(base, name, file.text.as_str().to_owned()).ok()?;
        sources.set_lossy(index, bad_utf8);
        file.base = base as usize;
        let mut mistakes = Vec::new();
        let documents = syntax::parse_if_ours(sources.get(index), &mut mistakes).unwrap_or_default();
        for document in documents {
            match document {
                Document::Policy(policy) => file.policies.push(*policy),
                Document::Plan(plan) if !is_given => {
                    file.plans.push(Note::of(&plan, Some(&file.path), settings));
                }
                Document::Plan(_) | Document::Inventory(_) | Document::Settings(_) => {}
            }
        }
        if is_policy || !file.policies.is_empty() {
            file.mistakes = mistakes;
        }
        Some(file)
    }

    /// Returns whether it holds a policy, or would if it had no mistakes.
    pub(super) fn is_policy(&self) -> bool {
        !self.policies.is_empty() || !self.mistakes.is_empty()
    }

    /// Returns whether nothing in it counts.
    pub(super) fn is_empty(&self) -> bool {
        !self.is_policy() && self.plans.is_empty()
    }
}

/// Returns whether a text says that it holds a policy or a plan: other files are not parsed.
fn says_its_kind(text: &str) -> bool {
    text.lines().filter_map(|line| line.strip_prefix("kind:")).any(|kind| {
        let kind = kind.trim_start().trim_start_matches(['"', '\'']);
        kind.starts_with("Policy") || kind.starts_with("RecoveryPlan")
    })
}
