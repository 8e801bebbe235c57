//! Finds files and parses them on all processors: most of the time of a check goes there.

use std::collections::HashMap;
use std::path::Path;
use std::path::PathBuf;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use crate::cli::env::Env;
use crate::cli::load::Failure;
use crate::diagnostic::Diagnostic;
use crate::source::Source;
use crate::source::Sources;
use crate::syntax::Reading;
use crate::syntax::folder;
use crate::syntax::read;
use crate::syntax::read_if_ours;

/// Which files are looked at however they look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Interest {
    /// The file was named.
    Named,
    /// The file was found in a folder, where other files may lie too.
    Found,
}

/// What to do about a path of the command line.
#[derive(Debug)]
pub(crate) enum Step {
    /// Read this file.
    File(PathBuf, Interest),
    /// Tell this.
    Failure(Failure),
}

/// The documents of a file.
#[derive(Debug, Default)]
pub(crate) struct Parsed {
    /// What it holds.
    pub read: Reading,
    /// Its mistakes.
    pub diagnostics: Vec<Diagnostic>,
}

impl Parsed {
    /// Parses one file.
    pub(crate) fn of(source: &Source, interest: Interest) -> Self {
        let mut diagnostics = Vec::new();
        let read = match interest {
            Interest::Named => read(source, &mut diagnostics),
            Interest::Found => read_if_ours(source, &mut diagnostics).unwrap_or_default(),
        };
        Self { read, diagnostics }
    }
}

/// A text that waits to be parsed.
#[derive(Debug)]
pub(crate) struct Text {
    /// The real path of its file.
    pub path: PathBuf,
    /// Its index among the sources.
    pub source: usize,
    /// Whether it was named.
    pub interest: Interest,
}

/// Parses texts, and returns what they hold by their paths.
pub(crate) fn parse_all(texts: &[Text], sources: &Sources) -> HashMap<PathBuf, Parsed> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(texts.len());
    let next = AtomicUsize::new(0);
    let work = || {
        let mut done = Vec::new();
        while let Some(text) = texts.get(next.fetch_add(1, Ordering::Relaxed)) {
            let parsed = Parsed::of(sources.get(text.source), text.interest);
            done.push((text.path.clone(), parsed));
        }
        done
    };
    if threads < 2 {
        return work().into_iter().collect();
    }
    std::thread::scope(|scope| {
        let started: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let ended = started.into_iter().map(std::thread::ScopedJoinHandle::join);
        ended.flat_map(|ended| ended.unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect()
    })
}

/// Returns the files that a path of the command line stands for, in their order.
pub(crate) fn steps(path: &Path, env: &Env<'_>) -> Vec<Step> {
    if !env.path(path).is_dir() {
        return vec![Step::File(path.to_owned(), Interest::Named)];
    }
    let found = folder::yaml_files(&env.folder, path, usize::MAX);
    let failures = found.failures.into_iter();
    let failures = failures.map(|(path, error)| Step::Failure(Failure::of(&path, error)));
    let files = found.files.into_iter().map(|path| {
        let name = path.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
        let stem = name.rsplit_once('.').map_or("", |(stem, _)| stem);
        let interest = match [".plan", ".inventory", ".policy"].iter().any(|kind| stem.ends_with(kind)) {
            true => Interest::Named,
            false => Interest::Found,
        };
        Step::File(path, interest)
    });
    failures.chain(files).collect()
}
