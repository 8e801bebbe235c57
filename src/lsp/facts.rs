//! Inventories that plans name: read once, from the editor if it has them open, else from disk.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::path::Path;
use std::path::PathBuf;
use std::time::SystemTime;

use crate::diagnostic::Diagnostic;
use crate::source::Sources;
use crate::syntax;
use crate::syntax::Document;
use crate::syntax::file;
use crate::syntax::file::FileError;
use crate::syntax::inventory::Inventory;

use super::ground::Room;
use super::sketch::Sketch;
use super::text::Text;
use super::workspace::Open;

/// What tells whether a file is still the one that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Stamp {
    /// It is open in the editor; how many edits of all documents there had been when it was last changed.
    Open(u64),
    /// It is on disk.
    Disk { modified: Option<SystemTime>, size: u64 },
}

impl Stamp {
    /// Returns the stamp that a file has now.
    pub(super) fn of(path: &Path, open: Option<&Open>) -> Self {
        if let Some(open) = open {
            return Self::Open(open.edit);
        }
        let metadata = std::fs::metadata(path);
        let modified = metadata.as_ref().ok().and_then(|metadata| metadata.modified().ok());
        Self::Disk { modified, size: metadata.map_or(0, |metadata| metadata.len()) }
    }
}

/// A file with an inventory.
#[derive(Debug)]
pub(super) struct FactsFile {
    stamp: Stamp,
    pub text: Text,
    /// Offset of its first byte in the spans of its inventory.
    pub base: usize,
    pub inventories: Vec<Inventory>,
    pub mistakes: Vec<Diagnostic>,
    sketch: OnceCell<Sketch>,
}

impl FactsFile {
    fn read(name: &Path, text: &str, bad_utf8: bool, stamp: Stamp, room: &mut Room) -> Self {
        let mut file = Self {
            stamp,
            text: Text::of_file(text.to_owned()),
            base: 0,
            inventories: Vec::new(),
            mistakes: Vec::new(),
            sketch: OnceCell::new(),
        };
        let mut sources = Sources::new();
        let added = room
            .take(text.len())
            .and_then(|base| sources.add_at(base, name.to_string_lossy().into_owned(), text.to_owned()).ok());
        let Some(index) = added else { return file };
        sources.set_lossy(index, bad_utf8);
        let source = sources.get(index);
        file.base = source.base() as usize;
        for document in syntax::parse(source, &mut file.mistakes) {
            if let Document::Inventory(inventory) = document {
                file.inventories.push(*inventory);
            }
        }
        file
    }

    pub(super) fn sketch(&self) -> &Sketch {
        self.sketch.get_or_init(|| Sketch::of(self.text.as_str()))
    }
}

/// The files with inventories that were read.
#[derive(Debug, Default)]
pub(super) struct Shelf {
    files: HashMap<PathBuf, FactsFile>,
}

impl Shelf {
    /// Returns a file, read again if it changed since it was read last.
    pub(super) fn file(
        &mut self,
        path: &Path,
        documents: &BTreeMap<String, Open>,
        room: &mut Room,
        max_bytes: u64,
    ) -> Result<&mut FactsFile, FileError> {
        let open = documents.values().find(|open| open.path.as_deref() == Some(path));
        let stamp = Stamp::of(path, open);
        if !self.files.get(path).is_some_and(|file| file.stamp == stamp) {
            self.files.remove(path);
        }
        Ok(match self.files.entry(path.to_owned()) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => entry.insert(match open {
                Some(open) => FactsFile {
                    text: open.text.clone(),
                    ..FactsFile::read(path, open.text.as_str(), false, stamp, room)
                },
                None => {
                    let read = file::read_file(path, max_bytes)?;
                    FactsFile::read(path, &read.text, read.bad_utf8, stamp, room)
                }
            }),
        })
    }

    /// Forgets the files that are not used any more.
    pub(super) fn keep(&mut self, is_used: impl Fn(&Path) -> bool) {
        self.files.retain(|path, _| is_used(path));
    }

    /// Forgets everything, so that it is read again.
    pub(super) fn clear(&mut self) {
        self.files.clear();
    }
}
