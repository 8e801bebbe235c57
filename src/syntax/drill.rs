//! Scheduled exercises of a plan.

use jiff::civil::Date;

use crate::quantity::Seconds;
use crate::source::Spanned;
use crate::syntax::block::block;
use crate::syntax::block::words;
use crate::syntax::cron::Cron;
use crate::syntax::decode::Decode;
use crate::syntax::decode::Reader;
use crate::syntax::scalar::parsed;
use crate::syntax::schema::Schema;
use crate::syntax::tree::NodeId;

words! {
    /// What a drill does.
    pub enum DrillKind {
        /// Looks at facts, rules and forecast; changes nothing.
        Readiness = "readiness",
        /// Runs the plan on the emulator.
        Rehearsal = "rehearsal",
        /// Runs the plan for real, for the machines that the drill names.
        Live = "live",
        /// Always refused (FB523): Site Recovery has no test failover from Azure. The word exists to say why.
        TestFailover = "test_failover",
    }
}

words! {
    /// Where a drill takes its facts from.
    pub enum FactsFrom {
        /// From the site, which is looked at when the drill begins.
        Live = "live",
        /// From the inventory that the plan names.
        Filed = "filed",
    }
}

words! {
    /// How a live drill ends.
    pub enum Finish {
        /// With the commit: the machine stays on-premises.
        Commit = "commit",
        /// Modernized: the planned failover is cancelled after verification, and the machine stays in Azure.
        Cancel = "cancel",
    }
}

words! {
    /// What to do about a drill that was due while nothing ran.
    pub enum Missed {
        /// Run it once, as soon as possible.
        RunOnce = "run_once",
        /// Leave it out.
        Skip = "skip",
    }
}

words! {
    /// What to do about a drill that is due while another runs.
    pub enum Overlap {
        /// Leave it out.
        Skip = "skip",
        /// Run it afterwards.
        Queue = "queue",
    }
}

/// A time zone, by its IANA name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone(pub String);

impl Decode for Zone {
    fn decode(reader: &mut Reader<'_, '_>, node: NodeId) -> Option<Self> {
        parsed(
            reader,
            node,
            "bad-time",
            "a time zone",
            "write an IANA name, such as Asia/Seoul or UTC",
            |text| {
                jiff::tz::TimeZone::get(text)
                    .map(|_| Self(text.to_owned()))
                    .map_err(|_| format!("{} is not a time zone", crate::syntax::decode::quoted(text)))
            },
        )
    }
    fn schema(_: &mut Schema) -> serde_json::Value {
        serde_json::json!({"type": "string", "pattern": "^[A-Za-z][A-Za-z0-9_+/-]*$"})
    }
    fn example() -> serde_json::Value {
        serde_json::json!("Asia/Seoul")
    }
}

impl serde::Serialize for Zone {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

/// A schedule of five cron fields: minute, hour, day of month, month, day of week.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CronFields(pub String);

impl Decode for CronFields {
    fn decode(reader: &mut Reader<'_, '_>, node: NodeId) -> Option<Self> {
        let help = "write minute, hour, day of month, month and day of week: 0 3 * * SUN";
        parsed(reader, node, "bad-schedule", "a cron schedule", help, |text| {
            let cron = Cron::parse(text)?;
            if cron.ever_fires() {
                Ok(Self(text.to_owned()))
            } else {
                Err("there is no such day: it is never due".to_owned())
            }
        })
    }
    fn schema(_: &mut Schema) -> serde_json::Value {
        serde_json::json!({"type": "string", "pattern": "^ *([A-Za-z0-9*,/#?-]+ +){4}[A-Za-z0-9*,/#?-]+ *$"})
    }
    fn example() -> serde_json::Value {
        serde_json::json!("0 3 * * SUN")
    }
}

impl serde::Serialize for CronFields {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

block! {
    /// Days without drills, both ends included, in the drill's time zone.
    pub struct Blackout {
        /// First day.
        pub from: Spanned<Date> => "2026-12-24",
        /// Last day.
        pub to: Spanned<Date> => "2027-01-02",
    }
}

block! {
    /// A scheduled exercise of the plan.
    pub struct Drill {
        /// Name of the drill, unique in the plan.
        pub name: Spanned<String> where [Name] => "weekly",
        /// When it is due, in five cron fields.
        pub schedule: Option<Spanned<CronFields>>,
        /// Time zone of the schedule. Default: UTC.
        pub timezone: Option<Spanned<Zone>>,
        /// What it does.
        pub kind: Spanned<DrillKind> => "rehearsal",
        /// Where its facts come from. A live drill always looks at its site; default of the others: `filed`.
        pub facts: Option<Spanned<FactsFrom>>,
        /// Machines and replication groups it exercises. Default: all.
        pub machines: Vec<Spanned<String>> where [NotEmpty, Distinct] => ["erp-db"],
        /// How a live drill ends. Default: `commit`.
        pub finish: Option<Spanned<Finish>>,
        /// Days without drills.
        pub blackout: Vec<Blackout>,
        /// What happens to a drill that was due while nothing ran. Default: `run_once`.
        pub missed: Option<Spanned<Missed>>,
        /// What happens when the drill before it still runs. Default: `skip`.
        pub overlap: Option<Spanned<Overlap>>,
        /// Longest random delay of the start. Default: 0s.
        pub jitter: Option<Spanned<Seconds>> => "10m",
    }
}

impl Drill {
    /// Returns whether the drill looks at its site before anything else: a live one always does.
    #[must_use]
    pub fn looks_at_site(&self) -> bool {
        let asks = self.facts.as_ref().is_some_and(|facts| facts.value == FactsFrom::Live);
        asks || self.kind.value == DrillKind::Live
    }
}
