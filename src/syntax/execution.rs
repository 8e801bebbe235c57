//! How a plan is executed.

use crate::quantity::Seconds;
use crate::source::Spanned;
use crate::syntax::block::block;
use crate::syntax::block::words;
use crate::syntax::decode::Decode;
use crate::syntax::decode::Reader;
use crate::syntax::scalar::parsed;
use crate::syntax::schema::Schema;
use crate::syntax::tree::NodeId;

words! {
    /// Whether a person is there.
    pub enum Mode {
        /// A person watches and answers.
        Attended = "attended",
        /// Nobody answers.
        Unattended = "unattended",
    }
}

words! {
    /// What a failure stops.
    pub enum OnFailure {
        /// What depends on it; everything else goes on.
        ContinueIndependent = "continue_independent",
        /// Everything that has not begun.
        Stop = "stop",
    }
}

block! {
    /// How often a refused or failed call is tried again.
    pub struct Retry {
        /// Attempts in all. Default: 5.
        pub attempts: Option<Spanned<u8>> where [Positive] => 5,
        /// First pause between two attempts; it doubles. Default: 30s.
        pub backoff: Option<Spanned<Seconds>> => "30s",
    }
}

words! {
    /// A day of the week.
    pub enum Weekday {
        /// Monday.
        Monday = "MON",
        /// Tuesday.
        Tuesday = "TUE",
        /// Wednesday.
        Wednesday = "WED",
        /// Thursday.
        Thursday = "THU",
        /// Friday.
        Friday = "FRI",
        /// Saturday.
        Saturday = "SAT",
        /// Sunday.
        Sunday = "SUN",
    }
}

/// A time of day, `22:00`, in minutes after midnight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeOfDay(pub u16);

impl TimeOfDay {
    fn parse(text: &str) -> Option<Self> {
        let (hour, minute) = text.split_once(':')?;
        if ![hour, minute]
            .iter()
            .all(|part| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit()))
        {
            return None;
        }
        let (hour, minute): (u16, u16) = (hour.parse().ok()?, minute.parse().ok()?);
        (hour < 24 && minute < 60).then_some(Self(hour * 60 + minute))
    }
}

impl Decode for TimeOfDay {
    fn decode(reader: &mut Reader<'_, '_>, node: NodeId) -> Option<Self> {
        parsed(reader, node, "bad-time", "a time of day", "write it as \"22:00\"", |text| {
            Self::parse(text)
                .ok_or_else(|| format!("{} is not a time of day", crate::syntax::decode::quoted(text)))
        })
    }
    fn schema(_: &mut Schema) -> serde_json::Value {
        serde_json::json!({"type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$"})
    }
    fn example() -> serde_json::Value {
        serde_json::json!("22:00")
    }
}

impl serde::Serialize for TimeOfDay {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{:02}:{:02}", self.0 / 60, self.0 % 60))
    }
}

block! {
    /// When failover and commit may begin.
    pub struct Window {
        /// Days on which the window opens. Default: every day.
        pub days: Vec<Spanned<Weekday>> where [NotEmpty, Distinct] => ["SAT", "SUN"],
        /// When it opens.
        pub from: Spanned<TimeOfDay> => "22:00",
        /// When it closes; before `from` means on the next day. Never the same as `from`.
        pub to: Spanned<TimeOfDay> => "06:00",
        /// Time zone, by its IANA name. Default: UTC.
        pub timezone: Option<Spanned<crate::syntax::drill::Zone>> => "Asia/Seoul",
    }
}

block! {
    /// Who answers whether a failover or a commit may begin (`on_approval`), and how long they have.
    pub struct Approvals {
        /// Roles that may answer. Default: whoever may give the run orders.
        pub approvers: Vec<Spanned<String>> where [NotEmpty, Distinct] => ["dr-lead"],
        /// How long a question waits. Nobody's answer is no answer: the step fails then, and a retry asks again. Default: as
        /// long as it takes.
        pub timeout: Option<Spanned<Seconds>> => "4h",
    }
}

block! {
    /// How a plan is executed.
    pub struct Execution {
        /// Whether a person is there. Default: `attended`.
        pub mode: Option<Spanned<Mode>>,
        /// Mutating operations at once; waits don't count. Default: 20.
        pub max_parallel: Option<Spanned<u16>> where [Positive] => 20,
        /// Reprotects and failovers at once under one vCenter; a replication group's failover counts once. Default: no limit
        /// beside `max_parallel`.
        pub max_parallel_per_vcenter: Option<Spanned<u16>> where [Positive] => 8,
        /// What a failure stops. Default: `continue_independent`.
        pub on_failure: Option<Spanned<OnFailure>>,
        /// How often a call is tried again.
        pub retry: Option<Retry>,
        /// Failover and commit begin only inside this window.
        pub window: Option<Window>,
        /// Who answers the plan's own approvals, and in what time.
        pub approvals: Option<Approvals>,
    }
}
