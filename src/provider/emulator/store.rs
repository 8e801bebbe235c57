//! A world on disk: what it began with, and every call that changed it, in order.

use std::fs::File;
use std::fs::OpenOptions;
use std::fs::TryLockError;
use std::io::Read as _;
use std::io::Seek as _;
use std::io::Write as _;
use std::path::Path;

use jiff::Timestamp;
use serde::Deserialize;
use serde::Serialize;

use crate::diagnostic::Diagnostic;
use crate::id::IdempotencyKey;
use crate::id::OperationId;
use crate::provider::emulator::deed::Deed;
use crate::provider::emulator::scenario::Scenario;
use crate::provider::emulator::world::World;
use crate::provider::error::ProviderError;
use crate::provider::request::Request;
use crate::source::Sources;
use crate::syntax::Document;
use crate::syntax::inventory::Inventory;

const INVENTORY: &str = "inventory.yaml";
const SCENARIO: &str = "scenario.yaml";
const CALLS: &str = "calls.jsonl";
/// Written last and by renaming: a folder without it holds no world yet.
const WORLD: &str = "world.json";
const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Header {
    version: u32,
    start: Timestamp,
}

/// A call that changed the world.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Call {
    at: Timestamp,
    call: Changed,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Changed {
    Begin {
        request: Request,
        key: IdempotencyKey,
        /// What was answered; nothing if the call was refused or its answer lost.
        operation: Option<OperationId>,
    },
    ByHand {
        deed: Deed,
    },
}

impl Call {
    pub(super) fn begin(
        at: Timestamp,
        request: &Request,
        key: &IdempotencyKey,
        operation: Option<&OperationId>,
    ) -> Self {
        let call =
            Changed::Begin { request: request.clone(), key: key.clone(), operation: operation.cloned() };
        Self { at, call }
    }

    pub(super) fn by_hand(at: Timestamp, deed: &Deed) -> Self {
        Self { at, call: Changed::ByHand { deed: deed.clone() } }
    }

    /// Does the call again; an error if it does not come out as it did.
    fn replay(&self, world: &mut World) -> Result<(), ProviderError> {
        match &self.call {
            Changed::Begin { request, key, operation } => {
                let outcome = world.begin(self.at, request, key).ok();
                if outcome == *operation {
                    return Ok(());
                }
                let key = key.as_str();
                Err(unreadable(format!(
                    "the call `{key}` does not come out as it did: another version wrote it"
                )))
            }
            Changed::ByHand { deed } => {
                // What was refused then is refused again.
                drop(world.by_hand(self.at, deed));
                Ok(())
            }
        }
    }
}

/// The folder of a world. Nobody else has it as long as this is there.
#[derive(Debug)]
pub(super) struct Store {
    /// It is locked: two that write would each have a world that the other does not know.
    calls: File,
    /// Why nothing may be written any more: the world in memory is ahead of the one on disk.
    broken: Option<String>,
}

fn unreadable(message: impl ToString) -> ProviderError {
    ProviderError::World { action: "read", message: message.to_string() }
}

fn unwritable(message: impl ToString) -> ProviderError {
    ProviderError::World { action: "written", message: message.to_string() }
}

/// Opens the file of a folder's calls for whoever has the folder alone.
fn claim(path: &Path, options: &mut OpenOptions) -> Result<File, ProviderError> {
    let calls = options.read(true).write(true).open(path.join(CALLS));
    let calls = calls.map_err(|error| unreadable(format!("{CALLS}: {error}")))?;
    match calls.try_lock() {
        Ok(()) => Ok(calls),
        Err(TryLockError::WouldBlock) => {
            let message = format!("another process has the world in {}", path.display());
            Err(ProviderError::World { action: "used", message })
        }
        Err(TryLockError::Error(error)) => Err(unreadable(format!("{CALLS}: {error}"))),
    }
}

fn write_whole(path: &Path, text: &str) -> std::io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// Makes names that were added to a folder survive a crash, where folders can be opened for that.
fn sync_folder(path: &Path) -> std::io::Result<()> {
    if cfg!(unix) { File::open(path)?.sync_all() } else { Ok(()) }
}

fn first_of(diagnostics: &[Diagnostic]) -> String {
    diagnostics.first().map_or_else(String::new, |first| format!("{}: {}", first.path, first.message))
}

fn read_inventory(name: &str, text: String) -> Result<Inventory, String> {
    let mut sources = Sources::new();
    let index = sources.add(name, text).map_err(|error| error.to_string())?;
    let mut diagnostics = Vec::new();
    let documents = crate::syntax::parse(sources.get(index), &mut diagnostics);
    match (documents.into_iter().next(), diagnostics.is_empty()) {
        (Some(Document::Inventory(inventory)), true) => Ok(*inventory),
        (
            Some(Document::Inventory(_) | Document::Plan(_) | Document::Policy(_) | Document::Settings(_))
            | None,
            _,
        ) => Err(format!("{name} holds no inventory: {}", first_of(&diagnostics))),
    }
}

fn read_scenario(name: &str, text: String) -> Result<Scenario, String> {
    let mut sources = Sources::new();
    let index = sources.add(name, text).map_err(|error| error.to_string())?;
    let mut diagnostics = Vec::new();
    Scenario::parse(sources.get(index), &mut diagnostics)
        .ok_or_else(|| format!("{name} holds no scenario: {}", first_of(&diagnostics)))
}

impl Store {
    /// Returns whether a folder holds a world.
    pub(super) fn is_in(path: &Path) -> bool {
        path.join(WORLD).exists()
    }

    /// Makes the folder and writes what the world begins with.
    pub(super) fn create(
        path: &Path,
        inventory: &Inventory,
        scenario: &Scenario,
        start: Timestamp,
    ) -> Result<Self, ProviderError> {
        std::fs::create_dir_all(path).map_err(unwritable)?;
        let calls = claim(path, OpenOptions::new().create(true).truncate(false))?;
        if path.join(WORLD).exists() {
            return Err(unwritable(format!("{} holds a world already", path.display())));
        }
        let text = serde_yaml::to_string(inventory).map_err(unwritable)?;
        // A world that reads back differently would go another way after a crash.
        if read_inventory(INVENTORY, text.clone()).map_err(unwritable)? != *inventory {
            return Err(unwritable("the inventory does not read back as it was"));
        }
        write_whole(&path.join(INVENTORY), &text).map_err(unwritable)?;
        let text = serde_yaml::to_string(scenario).map_err(unwritable)?;
        if read_scenario(SCENARIO, text.clone()).map_err(unwritable)? != *scenario {
            return Err(unwritable("the scenario does not read back as it was"));
        }
        write_whole(&path.join(SCENARIO), &text).map_err(unwritable)?;
        // A process that died before the world was whole may have left some.
        calls.set_len(0).map_err(unwritable)?;
        calls.sync_all().map_err(unwritable)?;
        let header = serde_json::to_string(&Header { version: VERSION, start }).map_err(unwritable)?;
        let made = path.join("world.json.new");
        write_whole(&made, &header).map_err(unwritable)?;
        std::fs::rename(&made, path.join(WORLD)).map_err(unwritable)?;
        sync_folder(path).map_err(unwritable)?;
        if let Some(above) = path.parent().filter(|above| !above.as_os_str().is_empty()) {
            sync_folder(above).map_err(unwritable)?;
        }
        Ok(Self { calls, broken: None })
    }

    /// Reads a folder and does its calls again.
    pub(super) fn open(path: &Path) -> Result<(Self, World), ProviderError> {
        let text = |name: &str| {
            std::fs::read_to_string(path.join(name)).map_err(|error| unreadable(format!("{name}: {error}")))
        };
        let header: Header = serde_json::from_str(&text(WORLD)?).map_err(unreadable)?;
        if header.version != VERSION {
            return Err(unreadable(format!("version {} of its format is not known", header.version)));
        }
        let mut calls = claim(path, &mut OpenOptions::new())?;
        let inventory = read_inventory(INVENTORY, text(INVENTORY)?).map_err(unreadable)?;
        let scenario = read_scenario(SCENARIO, text(SCENARIO)?).map_err(unreadable)?;
        let mut world = World::new(inventory, scenario, header.start);
        let mut bytes = Vec::new();
        calls.read_to_end(&mut bytes).map_err(unreadable)?;
        let mut whole = 0;
        while let Some(length) = bytes[whole..].iter().position(|byte| *byte == b'\n') {
            let line = &bytes[whole..whole + length];
            match serde_json::from_slice::<Call>(line) {
                Ok(call) => call.replay(&mut world)?,
                // The last line may have been torn; its call was never answered.
                Err(_) if whole + length + 1 == bytes.len() => break,
                Err(error) => return Err(unreadable(format!("{CALLS}, byte {whole}: {error}"))),
            }
            whole += length + 1;
        }
        let end = u64::try_from(whole).map_err(unreadable)?;
        if whole < bytes.len() {
            calls.set_len(end).map_err(unwritable)?;
            calls.sync_all().map_err(unwritable)?;
        }
        calls.seek(std::io::SeekFrom::Start(end)).map_err(unreadable)?;
        Ok((Self { calls, broken: None }, world))
    }

    /// Refuses to go on once a call could not be written.
    pub(super) fn usable(&self) -> Result<(), ProviderError> {
        self.broken.as_ref().map_or(Ok(()), |message| Err(unwritable(message)))
    }

    /// Adds a call and waits until the disk has it.
    pub(super) fn append(&mut self, call: &Call) -> Result<(), ProviderError> {
        let written = serde_json::to_string(call).map_err(std::io::Error::from).and_then(|line| {
            self.calls.write_all(format!("{line}\n").as_bytes())?;
            self.calls.sync_data()
        });
        written.map_err(|error| {
            self.broken = Some(error.to_string());
            unwritable(error)
        })
    }
}
