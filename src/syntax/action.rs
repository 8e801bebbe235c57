//! Actions, probes and notices of a plan.

use crate::quantity::Seconds;
use crate::source::Spanned;
use crate::syntax::block::block;
use crate::syntax::block::words;
use crate::syntax::value::Free;
use crate::syntax::value::Named;

words! {
    /// A phase of a run that actions stand before or after.
    pub enum Phase {
        /// The whole run.
        Run = "run",
        /// Replicating from Azure to on-premises.
        Reprotect = "reprotect",
        /// Switching over from Azure.
        Failover = "failover",
        /// Looking whether the machine is back.
        Verify = "verify",
        /// Making it final, which deletes the copy in Azure.
        Commit = "commit",
        /// Replicating from on-premises to Azure again.
        Forward = "forward",
    }
}

words! {
    /// How a run or phase ended.
    pub enum HookOutcome {
        /// Everything that was to be done was done.
        Success = "success",
        /// Something failed.
        Failure = "failure",
    }
}

block! {
    /// When an action runs.
    pub struct Hook {
        /// The phase.
        pub phase: Spanned<Phase>,
        /// Machine, replication group or boot group whose phase it is; for `run` it is left out.
        pub of: Option<Spanned<String>> => "erp-db",
        /// After a phase: how it must have ended. Default: `[success]`.
        pub outcome: Vec<Spanned<HookOutcome>> where [NotEmpty, Distinct],
    }
}

words! {
    /// What to do about an action whose outcome a crash left unknown.
    pub enum Rerun {
        /// Ask a person.
        Ask = "ask",
        /// Run it again.
        Always = "always",
        /// Take it as done.
        Never = "never",
    }
}

words! {
    /// What to do when nobody answers in time.
    pub enum OnTimeout {
        /// Fail the action, and with it what waits for it.
        Stop = "stop",
        /// Go on as if it had been answered.
        Proceed = "proceed",
    }
}

block! {
    /// A command on the machine that runs the plan.
    pub struct Command {
        /// Program and arguments; no shell is involved. They may hold `{{ plan.name }}`, `{{ run.id }}` and `{{ run.outcome }}`, each
        /// put into its own word. It runs in the folder of the plan, from which relative paths are meant; in a drill under settings, in the
        /// folder of those.
        pub command: Vec<Spanned<String>> where [Needed, Prose] => ["./scripts/stop-batch.sh", "--site", "azure"],
    }
}

block! {
    /// A question to a person.
    pub struct Manual {
        /// What the person is asked to confirm.
        pub prompt: Spanned<String> where [Prose] => "The ledger balances",
        /// Roles that may answer.
        pub approvers: Vec<Spanned<String>> where [NotEmpty, Distinct] => ["dba"],
        /// What happens when nobody answers in time. Default: `stop`.
        pub on_timeout: Option<Spanned<OnTimeout>>,
    }
}

block! {
    /// An Azure Automation runbook.
    pub struct Runbook {
        /// Automation account.
        pub automation_account: Spanned<String> => "aa-dr",
        /// Name of the runbook.
        pub name: Spanned<String> => "Warm-Cache",
        /// Its parameters.
        pub parameters: Option<Named<Free>> where [Prose] => {"site": "seoul"},
    }
}

words! {
    /// A method of HTTP.
    pub enum Method {
        /// Read.
        Get = "GET",
        /// Send.
        Post = "POST",
        /// Replace.
        Put = "PUT",
    }
}

block! {
    /// A request over HTTP.
    pub struct HttpAction {
        /// Method. Default: `POST`.
        pub method: Option<Spanned<Method>>,
        /// Address.
        pub url: Spanned<String> where [Url] => "https://hooks.corp.example/dr",
        /// Body, sent as JSON; texts may hold `{{ plan.name }}`, `{{ run.id }}` and
        /// `{{ run.outcome }}`, which is `running` until everything else has ended, and then `success`, `failure` or `cancelled`.
        pub body: Option<Free> where [Prose] => {"text": "{{ plan.name }}: {{ run.outcome }}"},
    }
}

block! {
    /// A connection that is opened and closed again: it is tried until a port answers.
    pub struct TcpAction {
        /// Host name or address.
        pub host: Spanned<String> where [Host] => "db1.corp.example",
        /// Port.
        pub port: Spanned<u16> where [Port] => 1433,
    }
}

block! {
    /// A hook of the run: exactly one of `run`, `manual`, `runbook`, `http` and `tcp`, and one of `before` and `after`.
    pub struct Action {
        /// Name of the action, unique in the plan.
        pub name: Spanned<String> where [Name] => "stop-batch",
        /// Runs before this phase, which waits for it.
        pub before: Option<Hook>,
        /// Runs after this phase.
        pub after: Option<Hook>,
        /// A command on the machine that runs the plan.
        pub run: Option<Command>,
        /// A question to a person.
        pub manual: Option<Manual>,
        /// An Azure Automation runbook.
        pub runbook: Option<Runbook>,
        /// A request over HTTP.
        pub http: Option<HttpAction>,
        /// A connection that is waited for.
        pub tcp: Option<TcpAction>,
        /// Longest time it may take. Default: 10m; `manual`: none.
        pub timeout: Option<Spanned<Seconds>> where [Positive] => "10m",
        /// What to do when a crash leaves its outcome unknown. Default: `ask`.
        pub rerun: Option<Spanned<Rerun>>,
    }
}

block! {
    /// A probe that asks a web server.
    pub struct HttpProbe {
        /// Address.
        pub url: Spanned<String> where [Url] => "https://app1.corp.example/healthz",
        /// Status that means health. Default: 200.
        pub status: Option<Spanned<u16>> where [HttpStatus] => 200,
    }
}

block! {
    /// A probe that opens a connection.
    pub struct TcpProbe {
        /// Host name or address.
        pub host: Spanned<String> where [Host] => "app1.corp.example",
        /// Port.
        pub port: Spanned<u16> where [Port] => 22,
    }
}

block! {
    /// A probe after the failover and before the commit: exactly one of `http` and `tcp`.
    pub struct Probe {
        /// Name of the probe, unique in the machine.
        pub name: Spanned<String> where [Name] => "health",
        /// Asks a web server.
        pub http: Option<HttpProbe>,
        /// Opens a connection.
        pub tcp: Option<TcpProbe>,
        /// How long it is tried before it counts as failed. Default: 10m.
        pub within: Option<Spanned<Seconds>> where [Positive] => "10m",
    }
}

words! {
    /// What somebody may be told about.
    pub enum NoticeEvent {
        /// A run begins.
        Start = "start",
        /// A run ended well.
        Success = "success",
        /// A run or step failed.
        Failure = "failure",
        /// A run waits for an approval.
        ApprovalNeeded = "approval_needed",
        /// A drill failed.
        DrillFailed = "drill_failed",
        /// A drill passed.
        DrillPassed = "drill_passed",
    }
}

block! {
    /// Who is told about what.
    pub struct Notice {
        /// The events.
        pub events: Vec<Spanned<NoticeEvent>> where [Needed, Distinct] => ["failure", "approval_needed"],
        /// The request that tells it.
        pub http: HttpAction,
    }
}
