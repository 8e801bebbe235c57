//! Where the scheduler's plans come from: files as they lie there, or a commit of their repository.

use std::path::Path;
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

    /// Returns whether there is something to take plans from: a reference that names nothing from the start on is a mistake of
    /// whoever wrote it, and waiting mends it no more than asking the remote does.
    ///
    /// # Errors
    ///
    /// [`CheckoutError`] if there is no such repository or commit.
    pub async fn is_there(&self) -> Result<(), CheckoutError> {
        let Some(taken) = &self.taken else { return Ok(()) };
        let repository = self.repository(taken).await?;
        let found = repository.commit(&taken.reference).await;
        if found.is_ok() || !taken.fetch {
            return found.map(|_| ());
        }
        // A remote that can't be asked has not told of the commit either.
        let _ = repository.fetch(&taken.reference).await;
        repository.commit(&taken.reference).await.map(|_| ())
    }

    /// Returns the repository that the plans lie in.
    async fn repository(&self, taken: &Taken) -> Result<Repository, CheckoutError> {
        let inside = self.paths.first().map_or_else(|| self.root.clone(), |path| real(&self.root.join(path)));
        let inside = inside.ancestors().find(|above| above.is_dir()).unwrap_or(&self.root);
        Repository::around(inside, taken.kept.clone()).await
    }

    /// Finds the commit and lays it out, if it is another than before.
    async fn check_out(
        &mut self,
        taken: &Taken,
        running: &[String],
    ) -> Result<Option<String>, CheckoutError> {
        let full = |path: &PathBuf| real(&self.root.join(path));
        let repository = self.repository(taken).await?;
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
            let top = real(repository.top());
            let below = |path: &PathBuf| match full(path).strip_prefix(&top) {
                Ok(below) => Ok(below.to_owned()),
                Err(_) => Err(CheckoutError::Elsewhere { path: path.clone(), top: top.clone() }),
            };
            let paths = self.paths.iter().map(below).collect::<Result<_, _>>()?;
            self.folder = Some(Folder::new(checkout.folder, top, paths, self.max_bytes));
            self.commit = Some(commit.clone());
        }
        repository.keep_only(|kept| kept == commit || running.iter().any(|running| running == kept));
        Ok(problem)
    }
}

/// Returns a path with links followed as far as it exists: what a commit has need not be among the files.
fn real(path: &Path) -> PathBuf {
    for above in path.ancestors() {
        if let Ok(real) = above.canonicalize() {
            let rest = path.strip_prefix(above).unwrap_or(Path::new(""));
            return if rest.as_os_str().is_empty() { real } else { real.join(rest) };
        }
    }
    path.to_owned()
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

#[cfg(test)]
mod tests {
    use super::*;

    const PLAN: &str = "kind: RecoveryPlan\nversion: 1\nname: erp\nmachines: [w1]\n";

    fn git(folder: &Path, words: &[&str]) {
        let mut command = std::process::Command::new("git");
        command.arg("-C").arg(folder).args(["-c", "user.name=t", "-c", "user.email=t@example"]).args(words);
        assert!(command.output().expect("git runs").status.success(), "{words:?}");
    }

    fn repository() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path().canonicalize().expect("there");
        let repository = root.join("repo");
        std::fs::create_dir_all(repository.join("dr/plans")).expect("made");
        std::fs::write(repository.join("dr/plans/erp.plan.yaml"), PLAN).expect("written");
        git(&repository, &["init", "--quiet", "--initial-branch=main"]);
        git(&repository, &["add", "."]);
        git(&repository, &["commit", "--quiet", "-m", "one"]);
        (folder, root)
    }

    fn source(settings: PathBuf, path: PathBuf, kept: PathBuf) -> Source {
        let every = SignedDuration::from_mins(5);
        let taken = Taken { reference: GitRef("main".into()), every, fetch: false, kept };
        Source::new(settings, vec![path], 1 << 20, Some(taken))
    }

    #[tokio::test]
    async fn plans_of_a_commit_are_known_by_their_place_in_the_repository() {
        let (_folder, root) = repository();
        let plans = root.join("repo/dr/plans");
        std::fs::write(plans.join("draft.plan.yaml"), PLAN.replace("erp", "draft")).expect("written");
        // The settings may lie in the repository, and elsewhere.
        for (settings, path) in
            [(root.join("repo/dr"), PathBuf::from("plans")), (root.join("etc"), plans.clone())]
        {
            let mut source = source(settings, path, root.join("kept"));
            let now = Timestamp::UNIX_EPOCH;
            let found = source.look(now, &[]).await.expect("it goes well").expect("nobody looked before");
            let [plan] = &found.plans[..] else { panic!("{found:?}") };
            assert_eq!(plan.known_as, plans.join("erp.plan.yaml").to_string_lossy());
            assert!(plan.path.starts_with(root.join("kept")), "{}", plan.path.display());
            assert_eq!(found.commit.as_ref().map(String::len), Some(40));
            assert_eq!(source.look(now, &[]).await, Ok(None));
            let later = now.checked_add(SignedDuration::from_mins(6)).expect("a time");
            git(&root.join("repo"), &["commit", "--quiet", "--allow-empty", "-m", "next"]);
            assert_eq!(source.look(now, &[]).await, Ok(None), "it is not time to look");
            let next = source.look(later, &[]).await.expect("it goes well").expect("there is another commit");
            assert_ne!(next.commit, found.commit);
            let kept = std::fs::read_dir(root.join("kept")).expect("there").count();
            assert_eq!(kept, 1, "what nobody needs is gone");
        }
    }

    #[tokio::test]
    async fn what_keeps_a_commit_from_being_found_is_told_once() {
        let (_folder, root) = repository();
        let mut source = source(root.join("repo/dr"), "plans".into(), root.join("kept"));
        if let Some(taken) = &mut source.taken {
            taken.reference = GitRef("nowhere".into());
        }
        let error = source.look(Timestamp::UNIX_EPOCH, &[]).await.expect_err("there is none");
        assert!(error.contains("`nowhere` names none"), "{error}");
        let later = Timestamp::from_second(600).expect("a time");
        assert_eq!(source.look(later, &[]).await, Ok(None));
    }
}
