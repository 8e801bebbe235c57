//! Hooks that do what they say.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;
use reqwest::Method as Verb;
use tokio::time::Instant;

use crate::quantity::Seconds;
use crate::run::hook::Hooks;
use crate::run::hook::Left;
use crate::run::hook::Variables;
use crate::run::hook::command::Commands;
use crate::run::hook::leftover::Marks;
use crate::run::hook::web;
use crate::run::hook::web::PROBE_LIMIT;
use crate::run::hook::web::Request;
use crate::run::hook::web::Web;
use crate::source::Spanned;
use crate::syntax::action::Action;
use crate::syntax::action::Command;
use crate::syntax::action::HttpAction;
use crate::syntax::action::HttpProbe;
use crate::syntax::action::Method;
use crate::syntax::action::Probe;
use crate::syntax::action::TcpAction;
use crate::syntax::template;

/// How long an action may take that says nothing of it, as the documentation of `timeout` has it.
pub(super) const LONGEST: Seconds = Seconds(600);

/// Pause between two tries to open a connection that is waited for.
const AGAIN: Duration = Duration::from_secs(2);

/// How often it is looked whether a command that was left running has ended.
const LOOK: Duration = Duration::from_millis(500);

/// The status that a web probe waits for when it names none.
const HEALTHY: u16 = 200;

/// Hooks that run commands, send requests and open connections.
///
/// Commands have no shell, see of the environment what they can't do without, and take what they started with them when
/// they take too long or the run is interrupted. Requests follow no redirects, use no proxies and never reach link-local
/// addresses or metadata services. Runbooks need Azure and are simulated, unless [`RunbookHooks`] stand around them.
///
/// [`RunbookHooks`]: crate::run::hook::RunbookHooks
#[derive(Debug)]
pub struct RealHooks {
    commands: Commands,
    web: Web,
    marks: Option<Marks>,
}

impl RealHooks {
    /// Returns hooks whose commands run in `folder`, from which their relative paths are meant.
    ///
    /// Of `environment` they are given `PATH`, `HOME`, `LANG` and `TZ`, whatever else is in it.
    #[must_use]
    pub fn new(folder: &Path, environment: &BTreeMap<String, String>) -> Self {
        Self { commands: Commands::new(folder, environment), web: Web::default(), marks: None }
    }

    /// Returns the hooks, which keep in a folder of the run what shows whether its commands still run, whoever started them.
    #[must_use]
    pub fn marked_in(mut self, folder: &Path) -> Self {
        self.marks = cfg!(unix).then(|| Marks::new(folder));
        self
    }

    async fn send(
        &self,
        http: &HttpAction,
        variables: &Variables,
        longest: Seconds,
    ) -> Result<String, String> {
        let body = http.body.as_ref().map(|body| body_of(&body.0, variables)).transpose()?;
        let method = match http.method.as_ref().map(|method| method.value) {
            Some(Method::Get) => Verb::GET,
            Some(Method::Post) | None => Verb::POST,
            Some(Method::Put) => Verb::PUT,
        };
        let limit = Duration::from_secs(longest.0);
        let status = self.web.ask(Request { method, url: &http.url.value, body, limit }).await?;
        let answered = format!("answered {}", status.as_u16());
        if status.is_success() {
            return Ok(answered);
        }
        let shown = web::shown(&http.url.value);
        if status.is_redirection() {
            return Err(format!("{shown} {answered}, and redirects are not followed"));
        }
        Err(format!("{shown} {answered}"))
    }

    async fn look(&self, http: &HttpProbe) -> Result<String, String> {
        let url = &http.url.value;
        let wanted = http.status.as_ref().map_or(HEALTHY, |status| status.value);
        let request = Request { method: Verb::GET, url, body: None, limit: PROBE_LIMIT };
        let seen = self.web.ask(request).await?.as_u16();
        if seen == wanted {
            return Ok(format!("answered {seen}"));
        }
        Err(format!("{} answered {seen} instead of {wanted}", web::shown(url)))
    }
}

/// Returns the body of a request with its variables put in.
fn body_of(body: &serde_json::Value, variables: &Variables) -> Result<serde_json::Value, String> {
    known(&template::unknown_variables_of(body))?;
    Ok(template::filled(body, &|name| value_of(variables, name)))
}

/// Returns the words of a command with their variables put in, each word by itself.
fn words_of(run: &Command, variables: &Variables) -> Result<Vec<String>, String> {
    let filled = |word: &Spanned<String>| {
        known(&template::unknown_variables(&word.value))?;
        Ok(template::filled_text(&word.value, &|name| value_of(variables, name)))
    };
    run.command.iter().map(filled).collect()
}

/// Refuses variables that there are not.
fn known(unknown: &[String]) -> Result<(), String> {
    match unknown.first() {
        Some(name) => Err(format!("there is no variable `{name}`, only {}", template::VARIABLES.join(", "))),
        None => Ok(()),
    }
}

fn value_of(variables: &Variables, name: &str) -> Option<String> {
    match name {
        "plan.name" => Some(variables.plan.clone()),
        "run.id" => Some(variables.run.clone()),
        "run.outcome" => Some(variables.outcome.clone()),
        _ => None,
    }
}

/// Opens a connection, and tries again until it opens or `longest` is over.
async fn opened(tcp: &TcpAction, longest: Seconds) -> Result<String, String> {
    let ends = Instant::now() + Duration::from_secs(longest.0);
    loop {
        let connected = web::connect(&tcp.host.value, tcp.port.value).await;
        if connected.is_ok() || Instant::now() + AGAIN > ends {
            return connected.map_err(|why| format!("{why} (tried for {longest})"));
        }
        tokio::time::sleep(AGAIN).await;
    }
}

#[async_trait]
impl Hooks for RealHooks {
    async fn action(&self, action: &Action, variables: &Variables) -> Result<String, String> {
        let longest = action.timeout.as_ref().map_or(LONGEST, |timeout| timeout.value);
        if let Some(run) = &action.run {
            let words = words_of(run, variables)?;
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            let mark = self.marks.as_ref().map(|marks| (marks, action.name.value.as_str()));
            return self.commands.run(&words, longest, mark).await;
        }
        if let Some(http) = &action.http {
            return self.send(http, variables, longest).await;
        }
        if let Some(tcp) = &action.tcp {
            return opened(tcp, longest).await;
        }
        if action.runbook.is_some() {
            return Ok("simulated: runbooks run in Azure only".into());
        }
        Err("there is nothing that the action does by itself".into())
    }

    fn leftover(&self, action: &Action) -> Left {
        let holder = self.marks.as_ref().and_then(|marks| marks.holder(&action.name.value));
        holder.map_or(Left::Nothing, Left::Runs)
    }

    async fn leftover_ends(&self, action: &Action) {
        while matches!(self.leftover(action), Left::Runs(_)) {
            tokio::time::sleep(LOOK).await;
        }
    }

    async fn probe(&self, probe: &Probe) -> Result<String, String> {
        if let Some(http) = &probe.http {
            return self.look(http).await;
        }
        if let Some(tcp) = &probe.tcp {
            return web::connect(&tcp.host.value, tcp.port.value).await;
        }
        Err("there is nothing that the probe asks".into())
    }
}
