//! Flags about how a run is executed.

use std::path::Path;
use std::path::PathBuf;

use serde::Deserialize;
use serde::Serialize;

use crate::cli::check;
use crate::clock::pace::Speed;
use crate::id::DrillId;

/// How a run is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people: progress bars on a terminal, else lines
    #[default]
    Human,
    /// The run's events, one JSON object a line
    Json,
}

impl From<Format> for check::Format {
    fn from(format: Format) -> Self {
        match format {
            Format::Human => Self::Human,
            Format::Json => Self::Json,
        }
    }
}

/// How fast the emulator's time passes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SpeedChoice(pub Speed);

impl SpeedChoice {
    /// Reads `1`, `60`, any other factor, or `max`.
    ///
    /// # Errors
    ///
    /// A sentence that says what is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text == "max" {
            return Ok(Self(Speed::Max));
        }
        let times: f64 = text.parse().map_err(|_| "write a factor, such as 1 or 60, or max".to_owned())?;
        if times.is_finite() && (0.001..=1e9).contains(&times) {
            Ok(Self(Speed::Times(times)))
        } else {
            Err("write a factor between 0.001 and 1000000000, or max".to_owned())
        }
    }
}

impl std::fmt::Display for SpeedChoice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Speed::Max => f.write_str("max"),
            Speed::Times(times) => write!(f, "{times}"),
        }
    }
}

/// Who answers the questions of a run, whoever takes it over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answers {
    /// Nobody: they answer themselves, as the emulator may.
    Itself,
    /// People, from elsewhere if nobody is at the terminal: it waits for them.
    Elsewhere,
}

/// What a run keeps of how it is driven, so that it goes on like that.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Driven {
    /// Who answers; without it, whoever is at the terminal of the process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answers: Option<Answers>,
    /// How fast the emulator's time passes, as [`SpeedChoice`] is written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub speed: Option<String>,
    /// Who has it begin in a session of the dashboard.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// The settings under which a drill began it: what they forbid is forbidden to whoever goes on with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settings: Option<PathBuf>,
}

/// How a run is executed: what `run` and `resume` have in common.
#[derive(Clone, Debug, clap::Args)]
pub struct SessionArgs {
    /// Print the run like this
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t)]
    pub format: Format,
    /// Let the emulator's time pass this many times as fast as real time, or from event to event (`max`) [default: 60]
    #[arg(long, value_name = "SPEED", value_parser = SpeedChoice::parse)]
    pub speed: Option<SpeedChoice>,
    /// Answer every question of the run with yes (emulator only)
    #[arg(long)]
    pub auto_approve: bool,
    /// Run actions and probes for real; without it the emulator simulates them
    #[arg(long)]
    pub real_actions: bool,
    /// Take from these settings whose signatures count, and to whom notices are sent beside those whom the plan names
    #[arg(long, value_name = "FILE")]
    pub settings: Option<PathBuf>,
    /// Send traces of the run to this collector of OpenTelemetry, or to the one that OTEL_EXPORTER_OTLP_ENDPOINT names (`env`); without this and
    /// `traces` of the settings none are sent
    #[arg(long, value_name = "URL|env")]
    pub otlp: Option<String>,
    /// The settings whose people a run knows that nobody is told about.
    #[arg(skip)]
    pub people: Option<PathBuf>,
    /// Who has the run begin in a session of the dashboard.
    #[arg(skip)]
    pub ordered_by: Option<String>,
    /// The drill that makes the run.
    #[arg(skip)]
    pub drill: Option<DrillId>,
    /// Keep runs in this folder
    #[arg(long, value_name = "DIR", default_value = ".failback")]
    pub state_dir: PathBuf,
    /// Who answers, if a drill says so about the run that it makes.
    #[arg(skip)]
    pub answers: Option<Answers>,
}

impl SessionArgs {
    /// Returns the settings whose people the run knows.
    #[must_use]
    pub fn people(&self) -> Option<&Path> {
        self.people.as_deref().or(self.settings.as_deref())
    }

    /// Returns how fast an emulated world's time passes.
    #[must_use]
    pub fn speed(&self) -> Speed {
        self.speed.map_or(Speed::Times(60.0), |choice| choice.0)
    }

    /// Returns what the run keeps of how it is driven.
    #[must_use]
    pub fn driven(&self) -> Driven {
        let answers = self.answers.or(self.auto_approve.then_some(Answers::Itself));
        let speed = self.speed.map(|speed| speed.to_string());
        // A rehearsal whose actions are simulated needs nobody's leave.
        let needs_leave = self.drill.is_some() && (self.settings.is_some() || self.real_actions);
        let settings = self.people().filter(|_| needs_leave).map(Path::to_owned);
        Driven { answers, speed, by: self.ordered_by.clone(), settings }
    }

    /// Returns how a run goes on that was driven like this, where these flags do not say otherwise.
    #[must_use]
    pub fn going_on(&self, driven: Driven) -> Self {
        let speed = driven.speed.as_deref().and_then(|speed| SpeedChoice::parse(speed).ok());
        Self {
            auto_approve: self.auto_approve || driven.answers == Some(Answers::Itself),
            speed: self.speed.or(speed),
            answers: driven.answers,
            ordered_by: driven.by,
            settings: self.settings.clone().or(driven.settings),
            ..self.clone()
        }
    }
}
