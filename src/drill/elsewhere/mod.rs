//! Drills for other schedulers: timers of systemd, jobs of Kubernetes, workflows of GitHub, lines of cron.
//!
//! What a scheduler can't say is refused, or told, if a drill then only begins at another moment of its day.

mod cron;
mod fields;
mod github;
mod kubernetes;
mod systemd;
#[cfg(test)]
mod tests;

use crate::drill::plans::PlanFile;
use crate::syntax::cron::Cron;
use crate::syntax::drill::Drill;
use crate::syntax::drill::DrillKind;
use crate::syntax::drill::Missed;
use crate::syntax::drill::Overlap;

use self::fields::Fields;

/// A scheduler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheduler {
    /// Timers and services of systemd.
    Systemd,
    /// `CronJob` objects of Kubernetes.
    Kubernetes,
    /// A workflow of GitHub Actions.
    Github,
    /// Lines of a crontab.
    Cron,
}

/// How drills are begun there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// The program.
    pub program: String,
    /// The state directory, if it is not the one that is usual there.
    pub state_dir: Option<String>,
    /// The settings that drills run under, if there are any.
    pub settings: Option<String>,
    /// The image of Kubernetes' containers.
    pub image: String,
}

/// A drill with its plan.
#[derive(Clone, Copy, Debug)]
struct Job<'p> {
    plan: &'p PlanFile,
    drill: &'p Drill,
    cron: Cron,
}

/// What is to be installed there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// The text.
    pub text: String,
    /// What the scheduler does in another way than `failback serve`, in words.
    pub warnings: Vec<String>,
}

/// What a scheduler can't say of a drill.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("drill {drill} of {plan}: {message}")]
pub struct Refusal {
    /// Name of the plan.
    pub plan: String,
    /// Name of the drill.
    pub drill: String,
    /// Why.
    pub message: String,
    /// What to do.
    pub help: String,
}

impl Job<'_> {
    fn refused(&self, message: impl Into<String>, help: impl Into<String>) -> Refusal {
        Refusal {
            plan: self.plan.name.clone(),
            drill: self.drill.name.value.clone(),
            message: message.into(),
            help: help.into(),
        }
    }

    fn name(&self) -> String {
        format!("drill {} of {}", self.drill.name.value, self.plan.name)
    }

    /// Returns a name for things of another system, of letters, digits and hyphens: `failback-erp-weekly`.
    fn slug(&self) -> String {
        let mut slug = String::from("failback");
        for part in [&self.plan.name, &self.drill.name.value] {
            slug.push('-');
            slug.extend(part.chars().map(|letter| match letter {
                'a'..='z' | '0'..='9' => letter,
                'A'..='Z' => letter.to_ascii_lowercase(),
                _ => '-',
            }));
        }
        while slug.contains("--") {
            slug = slug.replace("--", "-");
        }
        let mut short: String = slug.chars().take(43).collect();
        if slug.len() > 43 || !(self.plan.name.is_ascii() && self.drill.name.value.is_ascii()) {
            // Two names that look alike in these letters are two all the same.
            let mut digest = <sha2::Sha256 as sha2::Digest>::new();
            for part in [&self.plan.name, &self.drill.name.value] {
                sha2::Digest::update(&mut digest, part);
                sha2::Digest::update(&mut digest, [0]);
            }
            let digest = sha2::Digest::finalize(digest);
            short.push_str(&format!("-{:02x}{:02x}{:02x}", digest[0], digest[1], digest[2]));
        }
        short.trim_matches('-').to_owned()
    }

    fn zone(&self) -> &str {
        self.drill.timezone.as_ref().map_or("UTC", |zone| zone.value.0.as_str())
    }

    fn waits(&self) -> bool {
        self.drill.overlap.as_ref().is_some_and(|overlap| overlap.value == Overlap::Queue)
    }

    fn jitter(&self) -> u64 {
        self.drill.jitter.as_ref().map_or(0, |jitter| jitter.value.0)
    }

    fn runs_once_when_missed(&self) -> bool {
        self.drill.missed.as_ref().map_or(Missed::RunOnce, |missed| missed.value) == Missed::RunOnce
    }

    /// Refuses what would be a line of its own where the scheduler reads lines, or the same thing as an earlier drill.
    fn objection(&self, earlier: &[Job<'_>], command: &Command) -> Option<Refusal> {
        let path = self.plan.path.to_string_lossy();
        let words = [self.plan.known_as.as_str(), &path, &command.program, &command.image];
        let words = words.into_iter().chain(command.state_dir.as_deref()).chain(command.settings.as_deref());
        if words.into_iter().any(|word| word.chars().any(char::is_control)) {
            let why = "a path that it is begun with holds a line break or another control character";
            return Some(self.refused(why, "rename the file or folder"));
        }
        if self.drill.kind.value == DrillKind::Live && command.settings.is_none() {
            let why = "nobody is there to confirm a live drill, and no settings that pin it are named";
            return Some(
                self.refused(why, "pin it under `live_drills:` of settings, and name them: --settings FILE"),
            );
        }
        let slug = self.slug();
        let same = earlier.iter().find(|other| other.slug() == slug)?;
        let why = format!("it would be called {slug}, as {} is", same.name());
        Some(self.refused(why, "give one of them another name: letters, digits and hyphens tell them apart"))
    }

    /// Returns the words of the command that begins the drill of a plan file, its record kept in `usual` unless a state directory
    /// is named.
    fn words(&self, command: &Command, plan: &str, usual: Option<&str>) -> Vec<String> {
        let mut words = vec![command.program.clone(), "drill".into()];
        words.push(format!("--name={}", self.drill.name.value));
        words.push("--cause=schedule".into());
        if let Some(dir) = command.state_dir.as_deref().or(usual) {
            words.push(format!("--state-dir={dir}"));
        }
        words.extend(command.settings.as_ref().map(|settings| format!("--settings={settings}")));
        words.extend(["--".into(), plan.to_owned()]);
        words
    }
}

/// Writes what makes a scheduler begin the drills of plans that have a schedule.
///
/// # Errors
///
/// Every [`Refusal`]: of a drill whose times the scheduler can't say.
pub fn write(
    plans: &[PlanFile],
    scheduler: Scheduler,
    command: &Command,
    now: jiff::Timestamp,
) -> Result<Written, Vec<Refusal>> {
    let jobs: Vec<Job<'_>> = plans
        .iter()
        .flat_map(|plan| plan.drills.iter().map(move |drill| (plan, drill)))
        .filter_map(|(plan, drill)| {
            let cron = Cron::parse(&drill.schedule.as_ref()?.value.0).ok()?;
            Some(Job { plan, drill, cron })
        })
        .collect();
    let mut written = Written::default();
    let mut refusals: Vec<Refusal> =
        jobs.iter().enumerate().filter_map(|(at, job)| job.objection(&jobs[..at], command)).collect();
    if !refusals.is_empty() {
        return Err(refusals);
    }
    for job in &jobs {
        if !job.drill.blackout.is_empty() {
            let name = job.name();
            written.warnings.push(format!(
                "{name} would begin on the days of its blackouts too: leave it out there by hand"
            ));
        }
    }
    for job in jobs.iter().filter(|job| job.drill.looks_at_site()) {
        let name = job.name();
        let there = match scheduler {
            Scheduler::Kubernetes => {
                format!("its pods run as the service account {}, which", kubernetes::ACCOUNT)
            }
            Scheduler::Systemd | Scheduler::Github | Scheduler::Cron => "what begins it there".to_owned(),
        };
        written.warnings.push(format!(
            "{name} looks at its site: {there} needs an identity that may do so, and what reaches its vCenters"
        ));
    }
    if scheduler == Scheduler::Github {
        written.text = github::workflow(&jobs, command, now, &mut written.warnings)?;
        return Ok(written);
    }
    written.text.push_str(match scheduler {
        Scheduler::Cron => cron::HEAD,
        Scheduler::Kubernetes => kubernetes::HEAD,
        Scheduler::Systemd | Scheduler::Github => "",
    });
    for job in &jobs {
        let text = match scheduler {
            Scheduler::Systemd => Ok(systemd::units(job, command, &mut written.warnings)),
            Scheduler::Kubernetes => kubernetes::job(job, &jobs, command, &mut written.warnings),
            Scheduler::Cron | Scheduler::Github => cron::lines(job, command, &mut written.warnings),
        };
        match text {
            Ok(text) => written.text.push_str(&text),
            Err(refusal) => refusals.push(refusal),
        }
    }
    if refusals.is_empty() { Ok(written) } else { Err(refusals) }
}
