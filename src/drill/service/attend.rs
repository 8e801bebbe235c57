//! What is done about each drill at a moment, and what is kept of that.

use std::time::Duration;

use jiff::SignedDuration;
use jiff::Timestamp;

use crate::drill::due::Decision;
use crate::drill::launch::Order;
use crate::drill::service::Entry;
use crate::drill::service::Happening;
use crate::drill::service::Key;
use crate::drill::service::LOOK;
use crate::drill::service::Service;
use crate::drill::service::ServiceError;
use crate::drill::service::children::SCHEDULE;
use crate::drill::service::children::id_of;
use crate::journal::Handled;

/// How often it is kept up to when all calendars are dealt with, although nothing was due: from there the next scheduler goes on.
const KEPT: SignedDuration = SignedDuration::from_mins(15);

impl Service {
    /// Does what is to be done now, and returns how long nothing is.
    pub(super) fn tick(&mut self) -> Result<Duration, ServiceError> {
        let now = self.setup.clock.now();
        self.look_at_others(now)?;
        let mut next =
            now.saturating_add(SignedDuration::try_from(LOOK).unwrap_or(SignedDuration::MAX)).unwrap_or(now);
        let keys: Vec<Key> = self.entries.keys().cloned().collect();
        for key in keys {
            if let Some(until) = self.attend(&key, now)? {
                next = next.min(until);
            }
        }
        if now.duration_since(self.kept_at).abs() >= KEPT {
            self.keep(now)?;
        }
        let left = Duration::try_from(next.duration_since(now)).unwrap_or_default();
        Ok(left.clamp(Duration::from_millis(100), LOOK))
    }

    /// Does what is to be done about a drill, and returns when there is something next.
    fn attend(&mut self, key: &Key, now: Timestamp) -> Result<Option<Timestamp>, ServiceError> {
        let is_running = self.running.contains_key(key)
            || self
                .others
                .iter()
                .any(|row| row.plan_path == key.0 && row.name.as_deref() == Some(key.1.as_str()));
        // What persons begin takes no place of what is scheduled.
        let of_calendar = self.others.iter().filter(|row| row.cause == SCHEDULE).count();
        let is_full = self.running.len() + of_calendar >= self.setup.at_once;
        let Some(entry) = self.entries.get_mut(key) else { return Ok(None) };
        if let Some((from, until)) = entry.idle
            && from <= now
            && now < until
        {
            return Ok(Some(until));
        }
        entry.idle = None;
        entry.standing.is_running = is_running;
        let (plan, drill) = (entry.plan.name.clone(), key.1.clone());
        match entry.timetable.decide(&entry.standing, now) {
            Decision::Wait { until } => {
                entry.idle = Some((now, until.unwrap_or(Timestamp::MAX)));
                Ok(until)
            }
            Decision::Begin { due, .. } if is_full => {
                if !std::mem::replace(&mut entry.standing.is_queued, true) {
                    (self.setup.told)(&Happening::Queued { plan, drill, due });
                }
                Ok(None)
            }
            Decision::Queue { due } => {
                if !std::mem::replace(&mut entry.standing.is_queued, true) {
                    (self.setup.told)(&Happening::Queued { plan, drill, due });
                }
                Ok(None)
            }
            Decision::LeaveOut { due, why, others } => {
                self.dealt_with(key, due)?;
                (self.setup.told)(&Happening::LeftOut { plan, drill, due, why, others });
                Ok(Some(now))
            }
            Decision::PutBack => {
                self.dealt_with(key, now)?;
                (self.setup.told)(&Happening::PutBack { plan, drill });
                Ok(Some(now))
            }
            Decision::Begin { due, cause, others } => {
                let order = Order {
                    id: id_of(key, due),
                    plan: entry.plan.path.clone(),
                    known_as: key.0.clone(),
                    drill,
                    due,
                    commit: self.commit.clone(),
                };
                self.begin(key, order, plan, cause, others)?;
                Ok(Some(now))
            }
        }
    }

    /// Enters up to when a calendar is dealt with.
    pub(super) fn dealt_with(&mut self, key: &Key, until: Timestamp) -> Result<(), ServiceError> {
        if let Some(digest) = self.entries.get(key).map(|entry| entry.digest.clone()) {
            self.handled(key, &digest, until)?;
        }
        if let Some(entry) = self.entries.get_mut(key) {
            entry.standing.handled_until = until;
            entry.standing.is_queued = false;
            entry.idle = None;
        }
        Ok(())
    }

    pub(super) fn handled(
        &mut self,
        key: &Key,
        digest: &str,
        until: Timestamp,
    ) -> Result<Timestamp, ServiceError> {
        let handled = Handled { until, timetable: Some(digest.to_owned()) };
        self.database.set_handled(&key.0, &key.1, &handled)?;
        Ok(until)
    }

    /// Enters for each drill of which nothing is due that its calendar is dealt with up to now.
    pub(super) fn keep(&mut self, now: Timestamp) -> Result<(), ServiceError> {
        self.kept_at = now;
        let is_idle = |entry: &Entry| {
            let until = entry.standing.handled_until;
            until < now && entry.timetable.calendar.next_after(until).is_none_or(|due| due > now)
        };
        let idle = self.entries.iter().filter(|(_, entry)| is_idle(entry));
        let idle: Vec<(Key, String)> = idle.map(|(key, entry)| (key.clone(), entry.digest.clone())).collect();
        for (key, digest) in idle {
            self.handled(&key, &digest, now)?;
            if let Some(entry) = self.entries.get_mut(&key) {
                entry.standing.handled_until = now;
            }
        }
        Ok(())
    }
}
