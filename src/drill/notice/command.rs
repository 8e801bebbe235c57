//! Notices as commands of this machine: no shell, a bare environment, the notice as JSON on the standard input.

use std::collections::BTreeMap;
use std::path::Path;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;
use tokio::time::timeout;

use crate::drill::notice::Attempt;
use crate::drill::notice::Notice;
use crate::drill::notice::Secrets;
use crate::syntax::settings::Argv;

/// The variables of the environment that a command is given.
const PASSED: [&str; 4] = ["PATH", "HOME", "LANG", "TZ"];

/// How long a command may take.
const LIMIT: Duration = Duration::from_secs(60);

/// A command that is told.
#[derive(Debug)]
pub(super) struct Program {
    words: Vec<String>,
    folder: PathBuf,
    environment: BTreeMap<String, String>,
}

impl Program {
    pub(super) fn of(words: &Argv, folder: &Path, secrets: &Secrets<'_>) -> Self {
        let passed = |name: &&str| Some(((*name).to_owned(), secrets.environment.get(*name)?.clone()));
        Self {
            words: words.0.clone(),
            folder: std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned()),
            environment: PASSED.iter().filter_map(passed).collect(),
        }
    }

    pub(super) fn shown(&self) -> String {
        format!("`{}`", self.words.first().map_or("", String::as_str))
    }

    /// Runs the command once.
    pub(super) async fn run(&self, notice: &Notice) -> Result<(), Attempt> {
        let Some((program, arguments)) = self.words.split_first() else {
            return Err(Attempt::lasting("the command is empty"));
        };
        // A path is meant from the folder of the settings; a bare name is looked up in PATH.
        let path = if program.contains(std::path::is_separator) {
            self.folder.join(program)
        } else {
            PathBuf::from(program)
        };
        let mut command = Command::new(path);
        command
            .args(arguments)
            .current_dir(&self.folder)
            .env_clear()
            .envs(&self.environment)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true);
        let shown = self.shown();
        let mut child = command
            .spawn()
            .map_err(|error| Attempt::lasting(format!("{shown} can't be started: {error}")))?;
        let input = format!("{}\n", notice.json());
        let stdin = child.stdin.take();
        let ended = async {
            if let Some(mut stdin) = stdin {
                // A command that does not read it is none the worse for it.
                let _ = stdin.write_all(input.as_bytes()).await;
                let _ = stdin.shutdown().await;
            }
            child.wait().await
        };
        match timeout(LIMIT, ended).await {
            Ok(Ok(status)) if status.success() => Ok(()),
            Ok(Ok(status)) => Err(Attempt::passing(format!("{shown} ended with {status}"))),
            Ok(Err(error)) => Err(Attempt::passing(format!("{shown} was lost sight of: {error}"))),
            Err(_) => Err(Attempt::passing(format!("{shown} took longer than a minute and was ended"))),
        }
    }
}
