//! Settings that change while the daemon runs: read again, and taken over as a whole or not at all.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::PathBuf;
use std::time::Duration;
use std::time::SystemTime;

use async_trait::async_trait;
use jiff::Timestamp;
use tokio::sync::watch;

use crate::cli::env::Env;
use crate::cli::error::CliError;
use crate::cli::notices;
use crate::cli::serve::ServeArgs;
use crate::cli::serve::dashboard::Live;
use crate::cli::serve::source;
use crate::cli::settings;
use crate::cli::settings::Kept;
use crate::drill::service::Looked;
use crate::drill::service::Plans;
use crate::drill::service::Source;
use crate::escape;
use crate::journal::StateDir;
use crate::syntax::settings::Settings;

/// How often the files of the settings are looked at.
pub(super) const EVERY: Duration = Duration::from_secs(2);

/// What files looked like.
type Stamp = BTreeMap<PathBuf, Option<(SystemTime, u64)>>;

/// Plans that lie where the settings say just now.
pub(super) struct Following {
    args: ServeArgs,
    dir: StateDir,
    settings: watch::Receiver<Kept>,
    source: Source,
}

impl Following {
    pub(super) fn new(args: &ServeArgs, dir: &StateDir, mut settings: watch::Receiver<Kept>) -> Self {
        let source = source(args, &settings.borrow_and_update(), dir);
        Self { args: args.clone(), dir: dir.clone(), settings, source }
    }
}

#[async_trait]
impl Plans for Following {
    async fn look(&mut self, now: Timestamp, running: &[String]) -> Looked {
        if self.settings.has_changed().unwrap_or(false) {
            self.source = source(&self.args, &self.settings.borrow_and_update(), &self.dir);
        }
        self.source.look(now, running).await
    }
}

/// What became of settings that changed.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Reread {
    /// They hold; except for what is named.
    Taken(Vec<&'static str>),
    /// They do not, and those before them do.
    Refused(String),
}

/// The settings of a daemon, and who is told when they change.
pub(super) struct Watched {
    args: ServeArgs,
    dir: StateDir,
    seen: Stamp,
    kept: watch::Sender<Kept>,
    /// The dashboard, if there is one.
    live: Option<Live>,
}

impl Watched {
    pub(super) fn new(
        args: &ServeArgs,
        dir: &StateDir,
        kept: watch::Sender<Kept>,
        live: Option<Live>,
    ) -> Self {
        let seen = stamp(&kept.borrow());
        Self { args: args.clone(), dir: dir.clone(), seen, kept, live }
    }

    /// Returns the settings that hold.
    pub(super) fn kept(&self) -> Kept {
        self.kept.borrow().clone()
    }

    /// Looks at the files of the settings; if one has changed, reads all of them again and says what came of that.
    ///
    /// # Errors
    ///
    /// [`CliError`] if nothing can be said any more.
    pub(super) fn look(&mut self, env: &mut Env<'_>) -> Result<Option<Reread>, CliError> {
        let now = stamp_of(self.seen.keys().cloned());
        if now == self.seen {
            return Ok(None);
        }
        self.seen = now;
        let came = match self.read(env) {
            Ok(later) => Reread::Taken(later),
            Err(why) => Reread::Refused(why),
        };
        if let Some(live) = &self.live {
            live.count(matches!(came, Reread::Taken(_)));
        }
        let file = escape::line(&self.args.settings.display().to_string()).into_owned();
        let at = env.clock.now();
        match &came {
            Reread::Taken(later) if later.is_empty() => {
                writeln!(env.out, "{at:.0} {file} has changed and holds")?
            }
            Reread::Taken(later) => writeln!(
                env.out,
                "{at:.0} {file} has changed and holds, except for {}: start again for that",
                later.join(", ")
            )?,
            Reread::Refused(why) => writeln!(
                env.err,
                "warning: {file} has changed and can't be used, those before it hold on: {}",
                escape::line(why)
            )?,
        }
        env.out.flush()?;
        Ok(Some(came))
    }

    fn read(&mut self, env: &mut Env<'_>) -> Result<Vec<&'static str>, String> {
        let in_words = |error: CliError| {
            let mut message = error.to_string();
            let mut cause = std::error::Error::source(&error);
            while let Some(next) = cause {
                message = format!("{message}: {next}");
                cause = next.source();
            }
            message
        };
        let kept = settings::read(&self.args.settings, env)
            .map_err(in_words)?
            .map_err(|_| "it has mistakes".to_owned())?;
        // Files that are named anew are looked at from now on, whatever becomes of this.
        self.seen.extend(stamp(&kept));
        notices::recipients(&[], Some(&kept), env).map_err(in_words)?;
        let mut later = match &self.live {
            Some(live) => {
                let plans = kept.plans().iter().map(|path| kept.folder.join(path)).collect();
                live.take(kept.settings.serve.as_ref(), &kept.folder, plans, &self.dir, env)
                    .map_err(in_words)?
            }
            None => Vec::new(),
        };
        let before = self.kept.borrow().settings.clone();
        let listen = |of: &Settings| {
            of.serve.as_ref().and_then(|serve| serve.listen.as_ref()).map(|listen| listen.value)
        };
        if listen(&before) != listen(&kept.settings) && self.args.listen.is_none() && self.live.is_some() {
            later.push("serve.listen");
        }
        let at_once = |of: &Settings| of.drills_at_once.as_ref().map(|most| most.value);
        if at_once(&before) != at_once(&kept.settings) {
            later.push("drills_at_once");
        }
        self.seen = stamp(&kept);
        self.kept.send_replace(kept);
        Ok(later)
    }
}

/// Returns what the files of settings look like: their own, and those of tokens and certificates.
fn stamp(kept: &Kept) -> Stamp {
    let mut files = vec![kept.file.clone()];
    if let Some(serve) = &kept.settings.serve {
        let tokens = serve.users.iter().filter_map(|user| user.token_file.as_ref());
        let tls = serve.tls.iter().flat_map(|tls| [&tls.certificate, &tls.key]);
        files.extend(tokens.chain(tls).map(|name| kept.folder.join(&name.value)));
    }
    stamp_of(files)
}

/// Returns what files look like.
fn stamp_of(files: impl IntoIterator<Item = PathBuf>) -> Stamp {
    let look = |path: PathBuf| {
        let found = std::fs::metadata(&path).ok();
        let seen = found.and_then(|found| Some((found.modified().ok()?, found.len())));
        (path, seen)
    };
    files.into_iter().map(look).collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use tokio::io::AsyncReadExt as _;
    use tokio::io::AsyncWriteExt as _;

    use super::*;
    use crate::cli::serve::dashboard::Dashboard;
    use crate::cli::serve::dashboard::Options;
    use crate::clock::FixedClock;

    /// Returns what the dashboard answers to whoever has a token.
    async fn ask(address: &str, path: &str, token: &str) -> String {
        let mut stream = tokio::net::TcpStream::connect(address).await.expect("it listens");
        let head = format!(
            "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await.expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("answered");
        answer
    }

    fn write(folder: &Path, users: &str, more: &str) {
        let text = format!("kind: Settings\nversion: 1\nserve:\n  users: {users}\n{more}");
        std::fs::write(folder.join("failback.yaml"), text).expect("written");
    }

    #[tokio::test]
    async fn changed_settings_hold_at_once_and_wrong_ones_never() {
        let folder = tempfile::tempdir().expect("a folder");
        let folder = folder.path();
        let (kim, lee) = ("kim-0123456789abcdefghij", "lee-0123456789abcdefghij");
        std::fs::write(folder.join("kim"), kim).expect("written");
        std::fs::write(folder.join("lee"), lee).expect("written");
        write(folder, "[{name: kim, roles: [operator], token_file: kim}]", "");
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let clock = Arc::new(FixedClock(jiff::Timestamp::UNIX_EPOCH));
        let mut env = Env::new(&mut out, &mut err, folder, clock);
        let args = ServeArgs {
            settings: "failback.yaml".into(),
            state_dir: "state".into(),
            git_ref: None,
            listen: None,
            no_web: false,
            wait: false,
        };
        let dir = StateDir::create(&folder.join("state")).expect("a folder");
        drop(crate::journal::Database::open(&dir.database()).expect("a new database"));
        let kept = settings::read(&args.settings, &mut env).expect("read").expect("no mistakes");
        let (told, mut holding) = watch::channel(kept.clone());
        let options = Options {
            serve: kept.settings.serve.as_ref(),
            base: kept.folder.clone(),
            listen: Some(([127, 0, 0, 1], 0).into()),
            plans: Vec::new(),
            settings: Some(kept.file.clone()),
            found: watch::channel(Arc::default()).1,
        };
        let dashboard = Dashboard::open(options, &dir, &env).await.expect("it listens");
        let address = dashboard.url().trim_start_matches("http://").to_owned();
        let mut watched = Watched::new(&args, &dir, told, Some(dashboard.live()));
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let served = dashboard.serve(async {
            let _ = stopped.await;
        });
        let tried = async {
            let session = "/api/v1/session";
            let gets_in = |answer: String| answer.starts_with("HTTP/1.1 200");
            assert_eq!(watched.look(&mut env).expect("said"), None, "nothing has changed");
            assert!(
                gets_in(ask(&address, session, kim).await) && !gets_in(ask(&address, session, lee).await)
            );

            write(folder, "[{name: lee, roles: [viewer, dba], token_file: lee}]", "plans: [other]\n");
            assert_eq!(watched.look(&mut env).expect("said"), Some(Reread::Taken(Vec::new())));
            assert!(holding.has_changed().expect("it is there"));
            assert_eq!(holding.borrow_and_update().plans(), [PathBuf::from("other")]);
            assert!(!gets_in(ask(&address, session, kim).await));
            let told = ask(&address, session, lee).await;
            assert!(gets_in(told.clone()) && told.contains("dba"), "{told}");

            // Mistakes, and a token that is not there, change nothing.
            for users in
                ["[{name: kim, roles: operator}]", "[{name: kim, roles: [operator], token_file: none}]"]
            {
                write(folder, users, "");
                let came = watched.look(&mut env).expect("said");
                assert!(matches!(came, Some(Reread::Refused(_))), "{came:?}");
                assert_eq!(watched.look(&mut env).expect("said"), None, "it is told once");
                assert!(
                    gets_in(ask(&address, session, lee).await) && !gets_in(ask(&address, session, kim).await)
                );
                let figures = ask(&address, "/metrics", lee).await;
                assert!(figures.contains("failback_settings_outdated 1"), "{figures}");
            }
            assert!(!holding.has_changed().expect("it is there"));

            // A token that is changed in its file.
            write(folder, "[{name: lee, roles: [viewer], token_file: lee}]", "drills_at_once: 2\n");
            assert_eq!(watched.look(&mut env).expect("said"), Some(Reread::Taken(vec!["drills_at_once"])));
            std::fs::write(folder.join("lee"), "lee-another-one-0123456789").expect("written");
            assert_eq!(watched.look(&mut env).expect("said"), Some(Reread::Taken(Vec::new())));
            assert!(!gets_in(ask(&address, session, lee).await));
            let figures = ask(&address, "/metrics", "lee-another-one-0123456789").await;
            for line in [
                "failback_settings_outdated 0",
                "failback_settings_reads_total{result=\"refused\"} 2",
                "failback_settings_reads_total{result=\"taken\"} 3",
            ] {
                assert!(figures.contains(line), "{line}: {figures}");
            }
            stop.send(()).expect("it is served");
        };
        let (served, ()) = tokio::join!(served, tried);
        served.expect("served");
        drop(env);
        let said = String::from_utf8(err).expect("text");
        assert!(said.contains("those before it hold on") && !said.contains("kim-0123"), "{said}");
        let said = String::from_utf8(out).expect("text");
        assert!(said.contains("except for drills_at_once: start again for that"), "{said}");
    }
}
