//! Beginning a drill: always a process of its own, which goes on when whoever began it ends.

use std::ffi::OsString;
use std::io::Read as _;
use std::io::Seek as _;
use std::io::SeekFrom;
use std::path::Path;
use std::path::PathBuf;
use std::pin::Pin;
use std::process::Stdio;

use jiff::Timestamp;
use tokio::process::Command;

use crate::id::DrillId;

/// Bytes at the end of what a drill said that are looked through for its last line.
const MOST_SAID: u64 = 16 * 1024;

/// What is to be begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// The id that the drill is to have: the same for the same time of the same drill, so that none begins twice.
    pub id: DrillId,
    /// The file of the plan.
    pub plan: PathBuf,
    /// The file that the plan is known by.
    pub known_as: String,
    /// Name of the drill.
    pub drill: String,
    /// When it was due.
    pub due: Timestamp,
    /// The commit of the plan, if it was taken from one.
    pub commit: Option<String>,
}

/// How a drill's process ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// The exit code; none if a signal ended it.
    pub code: Option<i32>,
    /// The last line that it said to people.
    pub said: String,
}

/// The end of a drill's process.
pub type Ending = Pin<Box<dyn Future<Output = Ended> + Send>>;

/// Begins drills.
pub trait Launcher: Send + Sync {
    /// Begins a drill and returns its end, which need not be waited for.
    ///
    /// # Errors
    ///
    /// The system's, if there is no process.
    fn launch(&self, order: &Order) -> std::io::Result<Ending>;
}

/// Begins drills as processes of this program.
#[derive(Clone, Debug)]
pub struct Processes {
    /// The program.
    pub program: PathBuf,
    /// The state directory.
    pub state: PathBuf,
    /// The file of the settings.
    pub settings: PathBuf,
}

impl Processes {
    /// Returns the arguments of a drill.
    #[must_use]
    pub fn arguments(&self, order: &Order) -> Vec<OsString> {
        let mut words: Vec<OsString> = vec!["drill".into()];
        let mut flag = |name: &str, value: OsString| {
            // One word, so that no value is taken for a flag.
            let mut word = OsString::from(format!("--{name}="));
            word.push(value);
            words.push(word);
        };
        flag("name", order.drill.clone().into());
        flag("id", order.id.as_str().into());
        flag("cause", "schedule".into());
        flag("due-at", order.due.to_string().into());
        flag("plan-path", order.known_as.clone().into());
        flag("state-dir", self.state.clone().into());
        flag("settings", self.settings.clone().into());
        if let Some(commit) = &order.commit {
            flag("commit", commit.into());
        }
        flag("format", "json".into());
        words.push("--".into());
        words.push(order.plan.clone().into());
        words
    }
}

impl Launcher for Processes {
    fn launch(&self, order: &Order) -> std::io::Result<Ending> {
        let folder = self.state.join("drills");
        std::fs::create_dir_all(&folder)?;
        // A file and no pipe: a drill goes on talking when whoever began it has ended.
        let path = folder.join(format!("{}.log", order.id));
        let log = std::fs::File::create(&path)?;
        let mut command = Command::new(&self.program);
        command
            .args(self.arguments(order))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .kill_on_drop(false);
        // A signal to the group of the daemon is none to its drills.
        #[cfg(unix)]
        command.process_group(0);
        let mut child = command.spawn()?;
        Ok(Box::pin(async move {
            let code = match child.wait().await {
                Ok(status) => status.code(),
                Err(_) => None,
            };
            Ended { code, said: last_line(&path) }
        }))
    }
}

/// Returns the last line of what a drill said, and removes what says nothing.
fn last_line(path: &Path) -> String {
    let mut said = Vec::new();
    let read = std::fs::File::open(path).and_then(|mut log| {
        let length = log.metadata()?.len();
        log.seek(SeekFrom::Start(length.saturating_sub(MOST_SAID)))?;
        log.take(MOST_SAID).read_to_end(&mut said)
    });
    if matches!(read, Ok(0)) {
        // It says as little when it stays.
        let _ = std::fs::remove_file(path);
    }
    let said = String::from_utf8_lossy(&said);
    let said = said.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
    said.chars().take(500).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order() -> Order {
        Order {
            id: DrillId::new("20261123T030000Z-0a1b2c3d"),
            plan: "--help.yaml".into(),
            known_as: "/srv/plans/erp.plan.yaml".into(),
            drill: "-weekly".into(),
            due: "2026-11-23T03:00:00Z".parse().expect("a time"),
            commit: Some("4f0c".into()),
        }
    }

    #[test]
    fn no_name_is_taken_for_a_flag() {
        let processes =
            Processes { program: "failback".into(), state: "-state".into(), settings: "s.yaml".into() };
        let words = processes.arguments(&order());
        let place = words.iter().position(|word| word == "--").expect("the flags end");
        assert_eq!(words[place + 1..], ["--help.yaml"]);
        for wanted in
            ["--name=-weekly", "--state-dir=-state", "--due-at=2026-11-23T03:00:00Z", "--commit=4f0c"]
        {
            assert!(words[..place].iter().any(|word| word == wanted), "{wanted} in {words:?}");
        }
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_process_is_begun_and_its_end_told() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().expect("a folder");
        let program = folder.path().join("failback");
        std::fs::write(&program, "#!/bin/sh\necho out\necho \"error: no such drill\" >&2\nexit 2\n")
            .expect("written");
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).expect("set");
        let state = folder.path().join("state");
        let processes = Processes { program, state: state.clone(), settings: "s.yaml".into() };
        let ended = processes.launch(&order()).expect("it begins").await;
        assert_eq!(ended, Ended { code: Some(2), said: "error: no such drill".into() });
        let log = state.join("drills/20261123T030000Z-0a1b2c3d.log");
        assert_eq!(std::fs::read_to_string(log).expect("kept"), "error: no such drill\n");
        let none = Processes { program: folder.path().join("none"), ..processes };
        assert!(none.launch(&order()).is_err());
    }
}
