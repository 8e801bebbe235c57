//! Commands on the machine that runs the plan: no shell, a bare environment, and an end that nothing of them survives.

use std::collections::BTreeMap;
use std::path::Path;
use std::path::PathBuf;
use std::pin::pin;
use std::process::ExitStatus;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::AsyncRead;
use tokio::io::AsyncReadExt as _;
use tokio::process::Child;
use tokio::process::Command;
use tokio::time::sleep;
use tokio::time::timeout;

use crate::quantity::Seconds;
use crate::run::hook::group::Group;
use crate::run::hook::leftover::Marks;
use crate::run::hook::mask::Mask;
use crate::run::hook::tail::Tail;
use crate::run::hook::tail::last_line;

/// The variables of the environment that a command is given, where the caller has them: enough to find programs, a home, a language and a time zone.
const PASSED: [&str; 4] = ["PATH", "HOME", "LANG", "TZ"];

/// How long a command that was asked to end has for it, before it is ended by force.
const GRACE: Duration = Duration::from_secs(5);

/// How long the output is read on after a command's end: what it left running may hold it open for ever.
const LINGER: Duration = Duration::from_secs(1);

/// How often it is looked whether a command that was asked to end has ended.
const LOOK: Duration = Duration::from_millis(20);

/// Where commands run, and what they know of it.
#[derive(Clone, Debug)]
pub(super) struct Commands {
    folder: PathBuf,
    environment: BTreeMap<String, String>,
    mask: Mask,
    grace: Duration,
}

impl Commands {
    pub(super) fn new(folder: &Path, environment: &BTreeMap<String, String>) -> Self {
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        let passed = |name: &&str| Some(((*name).to_owned(), environment.get(*name)?.clone()));
        Self {
            // A program's path is joined to the folder and then looked for in the folder: that needs all of it.
            folder: std::path::absolute(folder).unwrap_or_else(|_| folder.to_path_buf()),
            environment: PASSED.iter().filter_map(passed).collect(),
            mask: Mask::of(environment),
            grace: GRACE,
        }
    }

    /// Runs a command to its end and returns the end of its output, without what looks like a secret. What it starts holds `mark`,
    /// if there is one.
    ///
    /// When the future is dropped, the command and what it started are killed.
    ///
    /// # Errors
    ///
    /// It can't be started, it ended with another code than 0, or it was ended because it took too long. No message holds
    /// its arguments.
    pub(super) async fn run(
        &self,
        words: &[&str],
        longest: Seconds,
        mark: Option<(&Marks, &str)>,
    ) -> Result<String, String> {
        let Some((&program, arguments)) = words.split_first() else {
            return Err("the command is empty".into());
        };
        let not_started = |error: std::io::Error| format!("`{program}` can't be started: {error}");
        let input = match mark {
            Some((marks, action)) => Stdio::from(marks.make(action).map_err(not_started)?),
            None => Stdio::null(),
        };
        let mut child = self.prepared(program, arguments).stdin(input).spawn().map_err(not_started)?;
        if let (Some((marks, action)), Some(leader)) = (mark, child.id()) {
            marks.note(action, leader);
        }
        let mut group = Group::of(&child);
        let mut tail = Tail::default();
        let ended = self.wait(&mut child, &mut group, &mut tail, longest).await;
        let output = self.mask.apply(&tail.into_text());
        let last = last_line(&output).map(|line| format!(": {line}")).unwrap_or_default();
        match ended {
            Ok(Some(status)) if status.success() => {
                Ok(if output.is_empty() { "exit code 0".into() } else { output })
            }
            Ok(Some(status)) => Err(match status.code() {
                Some(code) => format!("`{program}` ended with exit code {code}{last}"),
                None => format!("`{program}` was ended by {status}{last}"),
            }),
            Ok(None) => Err(format!("`{program}` took longer than {longest} and was ended{last}")),
            Err(error) => Err(format!("`{program}` was lost sight of: {error}{last}")),
        }
    }

    fn prepared(&self, program: &str, arguments: &[&str]) -> Command {
        // A path is meant from the folder; a bare name is looked up in PATH.
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
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        #[cfg(unix)]
        command.process_group(0);
        command
    }

    /// Returns how a command ended; `None` if it took too long and was ended.
    async fn wait(
        &self,
        child: &mut Child,
        group: &mut Group,
        tail: &mut Tail,
        longest: Seconds,
    ) -> std::io::Result<Option<ExitStatus>> {
        let mut reading = pin!(read(child.stdout.take(), child.stderr.take(), tail));
        let mut limit = pin!(sleep(Duration::from_secs(longest.0)));
        let mut drained = false;
        let ended = loop {
            tokio::select! {
                status = child.wait() => break Some(status?),
                () = &mut reading, if !drained => drained = true,
                () = &mut limit => break None,
            }
        };
        if ended.is_some() {
            group.release();
            if !drained {
                // That it is still open is no fault.
                let _ = timeout(LINGER, reading).await;
            }
            return Ok(ended);
        }
        group.ask_to_end();
        let gone = async {
            while !(drained && group.has_ended(child)) {
                tokio::select! {
                    () = &mut reading, if !drained => drained = true,
                    () = sleep(LOOK) => {}
                }
            }
        };
        // Who is not gone by then is killed all the same.
        let _ = timeout(self.grace, gone).await;
        group.kill(child);
        // A process in an uninterruptible wait outlives even that, and a run must not wait for it.
        let _ = timeout(self.grace, child.wait()).await;
        group.release();
        Ok(None)
    }
}

/// Reads both outputs to their ends, in the order in which they come.
async fn read(
    mut out: Option<impl AsyncRead + Unpin>,
    mut err: Option<impl AsyncRead + Unpin>,
    tail: &mut Tail,
) {
    let mut from_out = [0; 4096];
    let mut from_err = [0; 4096];
    while out.is_some() || err.is_some() {
        tokio::select! {
            got = next(&mut out, &mut from_out), if out.is_some() => match got {
                0 => out = None,
                count => tail.push(&from_out[..count]),
            },
            got = next(&mut err, &mut from_err), if err.is_some() => match got {
                0 => err = None,
                count => tail.push(&from_err[..count]),
            },
        }
    }
}

/// Returns how many bytes came; 0 at the end, or where there is nothing to read from.
async fn next(stream: &mut Option<impl AsyncRead + Unpin>, buffer: &mut [u8]) -> usize {
    match stream {
        Some(stream) => stream.read(buffer).await.unwrap_or(0),
        None => 0,
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_does_not_listen_is_killed() {
        let path = BTreeMap::from([("PATH".to_owned(), "/usr/bin:/bin".to_owned())]);
        let commands = Commands { grace: Duration::from_millis(100), ..Commands::new(Path::new("/"), &path) };
        // Its end is looked for by its id, which is nobody's once it was waited for.
        let deaf = ["sh", "-c", "trap '' TERM; echo $$; while true; do sleep 0.05; done"];
        let message = commands.run(&deaf, Seconds(1), None).await.expect_err("it never ends by itself");
        let id = message.strip_prefix("`sh` took longer than 1s and was ended: ").expect(&message);
        let seen = commands.run(&["sh", "-c", &format!("kill -0 {id}")], Seconds(20), None).await;
        assert!(seen.is_err(), "{id} lives on");
    }

    #[tokio::test]
    async fn secrets_stay_out_of_what_is_kept() {
        let environment = BTreeMap::from(
            [("PATH", "/usr/bin:/bin"), ("ARM_CLIENT_SECRET", "hunter2hunter2")]
                .map(|(name, value)| (name.to_owned(), value.to_owned())),
        );
        let commands = Commands::new(Path::new("/"), &environment);
        let says = |words: &str| format!("echo {words}");
        let told = commands.run(&["sh", "-c", &says("with hunter2hunter2")], Seconds(20), None).await;
        assert_eq!(told, Ok("with ***".into()));
        let failed = commands.run(&["sh", "-c", &says("password=abc; exit 3")], Seconds(20), None).await;
        assert_eq!(failed, Err("`sh` ended with exit code 3: password=***".into()));
        let passed = commands.run(&["sh", "-c", &says("$ARM_CLIENT_SECRET.")], Seconds(20), None).await;
        assert_eq!(passed, Ok(".".into()), "the variable itself is not passed");
    }
}
