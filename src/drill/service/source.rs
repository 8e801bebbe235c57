//! Where the scheduler's plans come from: files as they lie there, or a commit of their repository.

use std::path::PathBuf;

use async_trait::async_trait;
use jiff::SignedDuration;
use jiff::Timestamp;

use crate::drill::checkout::CheckoutError;
use crate::drill::checkout::Repository;
use crate::drill::plans::Folder;
use crate::drill::plans::Found;
use crate::syntax::settings::GitRef;

/// What a look at the plans came to: `None` if nothing has changed, an error in words.
pub type Looked = Result<Option<Found>, String>;

/// Where plans come from.
#[async_trait]
pub trait Plans: Send {
    /// Looks at the plans; `running` are the commits that drills run from.
    async fn look(&mut self, now: Timestamp, running: &[String]) -> Looked;
}

/// A commit that plans are taken from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Branch, tag or commit.
    pub reference: GitRef,
    /// How often it is looked at.
    pub every: SignedDuration,
    /// Whether the remote is asked first.
    pub fetch: bool,
    /// Where its files are laid out.
    pub kept: PathBuf,
}

/// Files and folders, as they lie there or as they are in a commit.
#[derive(Debug)]
pub struct Source {
    /// The folder that the paths begin at, absolute.
    root: PathBuf,
    paths: Vec<PathBuf>,
    max_bytes: u64,
    taken: Option<Taken>,
    folder: Option<Folder>,
    commit: Option<String>,
    looked_at: Option<Timestamp>,
    /// What was told of a remote that can't be asked, so that it is told once.
    told: Option<String>,
}

impl Source {
    /// Returns files and folders below `root`, taken from a commit if `taken` says so.
    #[must_use]
    pub const fn new(root: PathBuf, paths: Vec<PathBuf>, max_bytes: u64, taken: Option<Taken>) -> Self {
        Self { root, paths, max_bytes, taken, folder: None, commit: None, looked_at: None, told: None }
    }

    /// Finds the commit and lays it out, if it is another than before.
    async fn check_out(
        &mut self,
        taken: &Taken,
        running: &[String],
    ) -> Result<Option<String>, CheckoutError> {
        let repository = Repository::around(&self.root, taken.kept.clone()).await?;
        let mut problem = None;
        if taken.fetch
            && let Err(error) = repository.fetch(&taken.reference).await
        {
            // What is known of the remote counts on.
            problem = Some(error.to_string());
        }
        let commit = repository.commit(&taken.reference).await?;
        if self.commit.as_ref() != Some(&commit) {
            let checkout = repository.lay_out(&commit).await?;
            let real = self.root.canonicalize().unwrap_or_else(|_| self.root.clone());
            let top = repository.top().canonicalize().unwrap_or_else(|_| repository.top().to_owned());
            let below = real.strip_prefix(&top).map(PathBuf::from).unwrap_or_default();
            let folder = Folder::new(
                checkout.folder.join(below),
                self.root.clone(),
                self.paths.clone(),
                self.max_bytes,
            );
            self.folder = Some(folder);
            self.commit = Some(commit.clone());
        }
        repository.keep_only(|kept| kept == commit || running.iter().any(|running| running == kept));
        Ok(problem)
    }
}

#[async_trait]
impl Plans for Source {
    async fn look(&mut self, now: Timestamp, running: &[String]) -> Looked {
        let mut problem = None;
        if let Some(taken) = self.taken.clone() {
            let is_time = self.looked_at.is_none_or(|at| now.duration_since(at).abs() >= taken.every);
            if is_time {
                self.looked_at = Some(now);
                problem = match self.check_out(&taken, running).await {
                    Ok(problem) => problem,
                    Err(error) => Some(error.to_string()),
                };
                if problem.is_none() {
                    self.told = None;
                }
            }
        } else if self.folder.is_none() {
            let (root, paths) = (self.root.clone(), self.paths.clone());
            self.folder = Some(Folder::new(root.clone(), root, paths, self.max_bytes));
        }
        let found = self.folder.as_mut().and_then(Folder::changed);
        if let Some(found) = found {
            return Ok(Some(Found { commit: self.commit.clone(), ..found }));
        }
        match problem {
            Some(problem) if self.told.as_ref() != Some(&problem) => {
                self.told = Some(problem.clone());
                Err(problem)
            }
            Some(_) | None => Ok(None),
        }
    }
}
