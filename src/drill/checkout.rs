//! Plans of a named commit: git is asked which it is, and its files are laid out in the state directory.
//!
//! Nothing of the repository's own runs: no hooks, no prompts, and no name that git could take for a flag.

use std::ffi::OsStr;
use std::path::Path;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;
use tokio::time::timeout;

use crate::syntax::settings::GitRef;

/// How long git may take to ask a remote.
const FETCH: Duration = Duration::from_secs(120);

/// How long git may take for what it does alone.
const LOCAL: Duration = Duration::from_secs(60);

/// A commit can't be laid out.
#[derive(Debug, thiserror::Error)]
pub enum CheckoutError {
    /// Git can't be started.
    #[error("git can't be started")]
    NotStarted(#[source] std::io::Error),
    /// Git took too long.
    #[error("git took too long to {0}")]
    TooLong(&'static str),
    /// Git refused.
    #[error("git can't {action}: {said}")]
    Refused {
        /// What it was to do.
        action: &'static str,
        /// The last line that it said.
        said: String,
    },
    /// A path lies in another repository.
    #[error("`{}` does not lie in the repository `{}`", path.display(), top.display())]
    Elsewhere {
        /// The path.
        path: PathBuf,
        /// The repository.
        top: PathBuf,
    },
    /// Its files can't be kept.
    #[error("`{}` can't be used", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
}

/// A repository, and where commits of it are laid out.
#[derive(Clone, Debug)]
pub struct Repository {
    top: PathBuf,
    kept: PathBuf,
}

/// A commit whose files lie in a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkout {
    /// The commit.
    pub commit: String,
    /// The folder.
    pub folder: PathBuf,
}

impl Repository {
    /// Returns the repository that a folder lies in; its commits are laid out below `kept`.
    ///
    /// # Errors
    ///
    /// [`CheckoutError`] if there is none, or git can't be asked.
    pub async fn around(folder: &Path, kept: PathBuf) -> Result<Self, CheckoutError> {
        let said = git(folder, "find the repository", LOCAL, &[], ["rev-parse", "--show-toplevel"]).await?;
        Ok(Self { top: PathBuf::from(said.trim_end_matches('\n')), kept })
    }

    /// Returns the folder that its files lie in.
    #[must_use]
    pub fn top(&self) -> &Path {
        &self.top
    }

    /// Asks the remote for what is new; where a branch of it is meant, for that branch by its name: a remote that has it no more
    /// says so, and does not just tell of others.
    ///
    /// # Errors
    ///
    /// [`CheckoutError`] if the remote can't be asked, or has no such branch.
    pub async fn fetch(&self, reference: &GitRef) -> Result<(), CheckoutError> {
        let remotes = git(&self.top, "list its remotes", LOCAL, &[], ["remote"]).await?;
        let named = reference.0.split_once('/');
        let named = named.filter(|(remote, _)| remotes.lines().any(|known| known == *remote));
        let mut words: Vec<String> =
            ["fetch", "--quiet", "--no-recurse-submodules"].map(str::to_owned).into();
        if let Some((remote, branch)) = named {
            let branch = format!("+refs/heads/{branch}:refs/remotes/{remote}/{branch}");
            words.extend(["--".to_owned(), remote.to_owned(), branch]);
        }
        git(&self.top, "ask the remote", FETCH, &[], words).await.map(|_| ())
    }

    /// Returns the commit that a reference stands for.
    ///
    /// # Errors
    ///
    /// [`CheckoutError`] if there is none.
    pub async fn commit(&self, reference: &GitRef) -> Result<String, CheckoutError> {
        let wanted = format!("{}^{{commit}}", reference.0);
        let words = ["rev-parse", "--verify", "--quiet", "--end-of-options", &wanted];
        let said =
            git(&self.top, "find the commit", LOCAL, &[], words).await.map_err(|error| match error {
                CheckoutError::Refused { action, said } if said.is_empty() => {
                    CheckoutError::Refused { action, said: format!("`{}` names none", reference.0) }
                }
                other => other,
            })?;
        Ok(said.trim().to_owned())
    }

    /// Lays out the files of a commit, unless they lie there.
    ///
    /// # Errors
    ///
    /// [`CheckoutError`] if that is not possible.
    pub async fn lay_out(&self, commit: &str) -> Result<Checkout, CheckoutError> {
        let folder = self.kept.join(commit);
        let found = Checkout { commit: commit.to_owned(), folder: folder.clone() };
        if folder.is_dir() {
            return Ok(found);
        }
        let io = |path: &Path| {
            let path = path.to_owned();
            move |source| CheckoutError::Io { path, source }
        };
        let half = self.kept.join(format!("{commit}.part"));
        match std::fs::remove_dir_all(&half) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(io(&half)(error)),
            Ok(()) | Err(_) => {}
        }
        // With the commit where git keeps it: nothing leads out of the folder, and whoever asks is told which it is.
        let marker = half.join(".git");
        std::fs::create_dir_all(&marker).map_err(io(&marker))?;
        std::fs::write(marker.join("HEAD"), format!("{commit}\n")).map_err(io(&marker))?;
        let index = marker.join("index");
        let with_index = [(OsStr::new("GIT_INDEX_FILE"), index.as_os_str())];
        git(&self.top, "read the commit", LOCAL, &with_index, ["read-tree", commit]).await?;
        // The prefix is put before each name as it is.
        let mut prefix = std::ffi::OsString::from("--prefix=");
        prefix.push(&half);
        prefix.push("/");
        let words = [OsStr::new("checkout-index"), OsStr::new("--all"), OsStr::new("--quiet"), &prefix];
        git(&self.top, "lay out the commit", LOCAL, &with_index, words).await?;
        let _ = std::fs::remove_file(&index);
        std::fs::rename(&half, &folder).map_err(io(&folder))?;
        Ok(found)
    }

    /// Removes the commits that nobody needs any more.
    pub fn keep_only(&self, is_needed: impl Fn(&str) -> bool) {
        for entry in std::fs::read_dir(&self.kept).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if !is_needed(name.trim_end_matches(".part")) {
                // What can't be removed is tried again the next time.
                let _ = std::fs::remove_dir_all(entry.path());
            }
        }
    }
}

/// Runs git in a folder and returns what it said.
async fn git<W: AsRef<OsStr>>(
    folder: &Path,
    action: &'static str,
    limit: Duration,
    environment: &[(&OsStr, &OsStr)],
    words: impl IntoIterator<Item = W>,
) -> Result<String, CheckoutError> {
    let mut command = Command::new("git");
    command
        .arg("-C")
        .arg(folder)
        .args([
            "-c",
            "core.hooksPath=/dev/null",
            "-c",
            "core.fsmonitor=false",
            "-c",
            "protocol.ext.allow=never",
        ])
        .args(words)
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("GIT_OPTIONAL_LOCKS", "0")
        .env_remove("GIT_DIR")
        .env_remove("GIT_WORK_TREE")
        .env_remove("GIT_INDEX_FILE")
        .envs(environment.iter().copied())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    let output = timeout(limit, command.output()).await.map_err(|_| CheckoutError::TooLong(action))?;
    let output = output.map_err(CheckoutError::NotStarted)?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = reason_in(&String::from_utf8_lossy(&output.stderr)).chars().take(300).collect();
    Err(CheckoutError::Refused { action, said })
}

/// Returns the line in which git says why it ends; what follows that is advice.
fn reason_in(said: &str) -> &str {
    let mut lines = said.lines().filter(|line| !line.trim().is_empty());
    let reason = lines.clone().find(|line| line.starts_with("fatal:") || line.starts_with("error:"));
    reason.or_else(|| lines.next_back()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn say(folder: &Path, words: &[&str]) -> String {
        let identity = ["user.name=t", "user.email=t@example"].map(|pair| ["-c", pair]).concat();
        let words: Vec<&str> = identity.iter().chain(words).copied().collect();
        git(folder, "obey the test", LOCAL, &[], words).await.expect("git obeys")
    }

    async fn repository(folder: &Path) -> Repository {
        std::fs::create_dir_all(folder.join("plans")).expect("made");
        std::fs::write(folder.join("plans/a.yaml"), "one\n").expect("written");
        say(folder, &["init", "--quiet", "--initial-branch=main"]).await;
        say(folder, &["add", "."]).await;
        say(folder, &["commit", "--quiet", "-m", "one"]).await;
        Repository::around(&folder.join("plans"), folder.join(".failback/checkouts")).await.expect("found")
    }

    #[tokio::test]
    async fn the_files_of_a_commit_are_laid_out_once_and_those_of_others_go() {
        let folder = tempfile::tempdir().expect("a folder");
        let repository = repository(folder.path()).await;
        let main = GitRef("main".into());
        let first = repository.commit(&main).await.expect("there");
        let one = repository.lay_out(&first).await.expect("laid out");
        // What is not committed is not part of it.
        std::fs::write(folder.path().join("plans/a.yaml"), "two\n").expect("written");
        let text = |checkout: &Checkout| {
            std::fs::read_to_string(checkout.folder.join("plans/a.yaml")).expect("there")
        };
        assert_eq!(text(&one), "one\n");
        say(folder.path(), &["commit", "--quiet", "-am", "two"]).await;
        let second = repository.commit(&main).await.expect("there");
        let two = repository.lay_out(&second).await.expect("laid out");
        assert_eq!((text(&one), text(&two)), ("one\n".into(), "two\n".into()));
        assert_eq!(repository.lay_out(&second).await.expect("it lies there"), two);
        repository.keep_only(|commit| commit == second);
        assert!(!one.folder.exists() && two.folder.exists());
        assert_eq!(
            say(folder.path(), &["status", "--porcelain", "plans"]).await,
            "",
            "the repository is as it was"
        );
    }

    #[test]
    fn git_is_quoted_with_its_reason_and_not_with_its_advice() {
        let said = "fatal: detected dubious ownership in repository at '/plans'\nTo add an exception, call:\n\n\tgit config --global --add safe.directory /plans\n";
        assert_eq!(reason_in(said), "fatal: detected dubious ownership in repository at '/plans'");
        assert_eq!(reason_in("warning: one\nlast words\n\n"), "last words");
        assert_eq!(reason_in("\n"), "");
    }

    #[tokio::test]
    async fn what_a_remote_has_is_fetched() {
        let folder = tempfile::tempdir().expect("a folder");
        let origin = folder.path().join("origin");
        repository(&origin).await;
        say(folder.path(), &["clone", "--quiet", "origin", "clone"]).await;
        let clone = folder.path().join("clone");
        let clone = Repository::around(&clone, folder.path().join("kept")).await.expect("found");
        let main = GitRef("origin/main".into());
        let before = clone.commit(&main).await.expect("there");
        std::fs::write(origin.join("plans/a.yaml"), "two\n").expect("written");
        say(&origin, &["commit", "--quiet", "-am", "two"]).await;
        assert_eq!(clone.commit(&main).await.expect("there"), before);
        clone.fetch(&main).await.expect("the remote is there");
        let after = clone.commit(&main).await.expect("there");
        assert_ne!(after, before);
        say(&origin, &["branch", "-m", "main", "gone"]).await;
        let error = clone.fetch(&main).await.expect_err("there is no such branch any more");
        assert_eq!(
            error.to_string(),
            "git can't ask the remote: fatal: couldn't find remote ref refs/heads/main"
        );
        assert_eq!(clone.commit(&main).await.expect("it is known"), after);
        clone.fetch(&GitRef(after)).await.expect("a commit has no name there, and the rest is asked for");
    }

    #[tokio::test]
    async fn hooks_of_the_repository_do_not_run() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().expect("a folder");
        let repository = repository(folder.path()).await;
        for hook in ["post-checkout", "post-index-change", "reference-transaction"] {
            let path = folder.path().join(".git/hooks").join(hook);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            std::fs::write(&path, format!("#!/bin/sh\ntouch {}/ran\n", folder.path().display()))
                .expect("written");
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("set");
        }
        let main = GitRef("main".into());
        let commit = repository.commit(&main).await.expect("there");
        repository.lay_out(&commit).await.expect("laid out");
        assert!(!folder.path().join("ran").exists());
    }

    #[tokio::test]
    async fn a_name_that_is_none_is_told() {
        let folder = tempfile::tempdir().expect("a folder");
        let repository = repository(folder.path()).await;
        let error = repository.commit(&GitRef("nowhere".into())).await.expect_err("there is none");
        assert_eq!(error.to_string(), "git can't find the commit: `nowhere` names none");
        let outside = tempfile::tempdir().expect("a folder");
        assert!(Repository::around(outside.path(), outside.path().join("kept")).await.is_err());
    }
}
