//! Flags about how a run is executed.

use std::path::PathBuf;

use crate::cli::check;
use crate::clock::pace::Speed;

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
    /// Send notices to those whom these settings name, too
    #[arg(long, value_name = "FILE")]
    pub settings: Option<PathBuf>,
    /// Keep runs in this folder
    #[arg(long, value_name = "DIR", default_value = ".failback")]
    pub state_dir: PathBuf,
}

impl SessionArgs {
    /// Returns how fast an emulated world's time passes.
    #[must_use]
    pub fn speed(&self) -> Speed {
        self.speed.map_or(Speed::Times(60.0), |choice| choice.0)
    }
}
