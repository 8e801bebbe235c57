//! What to do about a drill at a moment: begin it, wait, or leave it out. Pure: it knows no clock, no files and no processes.

use jiff::SignedDuration;
use jiff::Timestamp;

use crate::drill::timetable::Timetable;
use crate::syntax::drill::Missed;
use crate::syntax::drill::Overlap;

/// How late a drill may begin and still count as in time: what a busy machine needs, and one that slept for a moment.
const IN_TIME: SignedDuration = SignedDuration::from_mins(5);

/// How far the clock may go back and be waited for. A drill isn't repeated for a clock that is put right by less, and none is kept
/// waiting for longer than this after one that went wrong by years.
const BACK: SignedDuration = SignedDuration::from_hours(24);

/// How far back missed times are counted.
const COUNTED: SignedDuration = SignedDuration::from_hours(366 * 24);

/// Where a drill stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Up to when its times are dealt with.
    pub handled_until: Timestamp,
    /// Whether it runs, or another of the same name does.
    pub is_running: bool,
    /// Whether it waits for one that ran, or for a place among those that run.
    pub is_queued: bool,
}

/// Why a drill begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// It is due.
    Due,
    /// It was due while nothing ran.
    Missed,
    /// It was due while another ran.
    Queued,
}

/// Why a drill is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeftOut {
    /// It was due while nothing ran.
    Missed,
    /// It was due while another ran.
    Overlap,
}

/// What to do about a drill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Nothing before this moment; nothing ever, if there is none.
    Wait {
        /// When it is to be looked at again.
        until: Option<Timestamp>,
    },
    /// Begin it; all times up to `due` are then dealt with.
    Begin {
        /// The time that it begins for.
        due: Timestamp,
        /// Why.
        cause: Cause,
        /// How many times before that one it stands for, too.
        others: u64,
    },
    /// Wait until the one that runs has ended.
    Queue {
        /// The time that it waits for.
        due: Timestamp,
    },
    /// Leave it out; all times up to `due` are then dealt with.
    LeaveOut {
        /// The last time that is left out.
        due: Timestamp,
        /// Why.
        why: LeftOut,
        /// How many times before that one are left out, too.
        others: u64,
    },
    /// Count on from now: the clock was put back by far, and what is dealt with lies in a future that was none.
    PutBack,
}

impl Timetable {
    /// Says what to do about the drill.
    #[must_use]
    pub fn decide(&self, standing: &Standing, now: Timestamp) -> Decision {
        if standing.handled_until.duration_since(now) > BACK {
            return Decision::PutBack;
        }
        let from = standing.handled_until.max(now.saturating_sub(COUNTED).unwrap_or(Timestamp::MIN));
        let (mut last, mut others, mut until) = (None, 0, None);
        for (before, due) in (0..).zip(self.calendar.after(from)) {
            let begins = self.begins(due);
            if begins <= now {
                (last, others, until) = (Some(due), before, None);
            } else {
                until = Some(until.map_or(begins, |until: Timestamp| until.min(begins)));
            }
            if due > now {
                break;
            }
        }
        let Some(due) = last else { return Decision::Wait { until } };
        if standing.is_running {
            return match self.overlap {
                Overlap::Skip => Decision::LeaveOut { due, why: LeftOut::Overlap, others },
                Overlap::Queue => Decision::Queue { due },
            };
        }
        // A day without drills is one without those that came late, too: they come when it is over, once for all of them.
        if let Some(ends) = self.calendar.blackout_ends(now) {
            return match self.missed {
                Missed::Skip if !standing.is_queued => {
                    Decision::LeaveOut { due, why: LeftOut::Missed, others }
                }
                Missed::RunOnce | Missed::Skip => Decision::Wait { until: Some(ends) },
            };
        }
        if standing.is_queued {
            return Decision::Begin { due, cause: Cause::Queued, others };
        }
        if now.duration_since(self.begins(due)) <= IN_TIME {
            return Decision::Begin { due, cause: Cause::Due, others };
        }
        match self.missed {
            Missed::RunOnce => Decision::Begin { due, cause: Cause::Missed, others },
            Missed::Skip => Decision::LeaveOut { due, why: LeftOut::Missed, others },
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::ToSpan as _;
    use jiff::tz::TimeZone;

    use super::*;
    use crate::drill::calendar::Calendar;
    use crate::drill::calendar::jitter;
    use crate::quantity::Seconds;
    use crate::syntax::cron::Cron;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    /// A drill that is due at three o'clock every day.
    fn daily() -> Timetable {
        let cron = Cron::parse("0 3 * * *").expect("a schedule");
        Timetable {
            calendar: Calendar::new(cron, TimeZone::UTC, Vec::new()),
            plan: "erp".into(),
            drill: "daily".into(),
            jitter: Seconds(0),
            missed: Missed::RunOnce,
            overlap: Overlap::Skip,
        }
    }

    fn free(handled_until: &str) -> Standing {
        Standing { handled_until: at(handled_until), is_running: false, is_queued: false }
    }

    #[test]
    fn nothing_is_begun_before_its_time_and_all_in_it() {
        let daily = daily();
        let standing = free("2026-11-22T12:00:00Z");
        let due = at("2026-11-23T03:00:00Z");
        assert_eq!(daily.decide(&standing, at("2026-11-23T02:59:59Z")), Decision::Wait { until: Some(due) });
        let begin = Decision::Begin { due, cause: Cause::Due, others: 0 };
        assert_eq!(daily.decide(&standing, due), begin);
        assert_eq!(daily.decide(&standing, at("2026-11-23T03:05:00Z")), begin);
        let handled = Standing { handled_until: due, ..standing };
        let until = Some(at("2026-11-24T03:00:00Z"));
        assert_eq!(daily.decide(&handled, at("2026-11-23T03:05:00Z")), Decision::Wait { until });
    }

    #[test]
    fn what_was_missed_is_run_once_or_left_out() {
        let standing = free("2026-11-19T12:00:00Z");
        let now = at("2026-11-23T09:00:00Z");
        let due = at("2026-11-23T03:00:00Z");
        assert_eq!(daily().decide(&standing, now), Decision::Begin { due, cause: Cause::Missed, others: 3 });
        let skipping = Timetable { missed: Missed::Skip, ..daily() };
        assert_eq!(
            skipping.decide(&standing, now),
            Decision::LeaveOut { due, why: LeftOut::Missed, others: 3 }
        );
        let in_time = at("2026-11-23T03:01:00Z");
        let begin = Decision::Begin { due, cause: Cause::Due, others: 3 };
        assert_eq!(skipping.decide(&standing, in_time), begin, "what is due now is not missed");
    }

    #[test]
    fn one_that_runs_keeps_the_next_waiting_or_out() {
        let running = Standing { is_running: true, ..free("2026-11-22T12:00:00Z") };
        let (due, now) = (at("2026-11-23T03:00:00Z"), at("2026-11-23T03:00:10Z"));
        assert_eq!(
            daily().decide(&running, now),
            Decision::LeaveOut { due, why: LeftOut::Overlap, others: 0 }
        );
        let queueing = Timetable { overlap: Overlap::Queue, missed: Missed::Skip, ..daily() };
        assert_eq!(queueing.decide(&running, now), Decision::Queue { due });
        let queued = Standing { is_running: false, is_queued: true, ..running };
        let later = at("2026-11-23T08:00:00Z");
        assert_eq!(
            queueing.decide(&queued, later),
            Decision::Begin { due, cause: Cause::Queued, others: 0 },
            "what waited was not missed"
        );
    }

    #[test]
    fn a_clock_that_goes_back_repeats_nothing_and_stops_nothing_for_long() {
        let daily = daily();
        let handled = free("2026-11-23T03:00:00Z");
        let until = Some(at("2026-11-24T03:00:00Z"));
        for now in ["2026-11-23T02:30:00Z", "2026-11-22T04:00:00Z"] {
            assert_eq!(daily.decide(&handled, at(now)), Decision::Wait { until }, "{now}");
        }
        assert_eq!(
            daily.decide(&free("2036-01-01T03:00:00Z"), at("2026-11-23T02:00:00Z")),
            Decision::PutBack
        );
    }

    #[test]
    fn a_clock_that_jumps_ahead_by_years_runs_a_drill_once() {
        let decision = daily().decide(&free("2026-11-22T12:00:00Z"), at("2036-11-22T12:00:00Z"));
        let due = at("2036-11-22T03:00:00Z");
        assert_eq!(decision, Decision::Begin { due, cause: Cause::Missed, others: 365 }, "a year is counted");
    }

    #[test]
    fn a_delay_moves_the_start_and_not_the_time() {
        let spread = Timetable { jitter: Seconds::hours(2), ..daily() };
        let due = at("2026-11-23T03:00:00Z");
        let begins = spread.begins(due);
        assert!(begins > due && begins <= at("2026-11-23T05:00:00Z"), "{begins}");
        let standing = free("2026-11-22T12:00:00Z");
        let before = begins.checked_sub(1.second()).expect("a time");
        assert_eq!(spread.decide(&standing, before), Decision::Wait { until: Some(begins) });
        assert_eq!(spread.decide(&standing, begins), Decision::Begin { due, cause: Cause::Due, others: 0 });
        assert_eq!(spread.next_after(before), Some(begins));
        assert!(spread.next_after(begins).is_some_and(|next| next >= at("2026-11-24T03:00:00Z")));
    }

    /// The same drill with no drills at Christmas, and on the days after that.
    fn with_blackout() -> Timetable {
        let days = |from: &str, to: &str| (from.parse().expect("a day"), to.parse().expect("a day"));
        let blackouts = vec![days("2026-12-24", "2026-12-26"), days("2026-12-27", "2027-01-02")];
        let cron = Cron::parse("30 23 * * *").expect("a schedule");
        let zone = TimeZone::get("Asia/Seoul").expect("a zone");
        Timetable { calendar: Calendar::new(cron, zone, blackouts), ..daily() }
    }

    #[test]
    fn what_is_late_does_not_begin_in_a_blackout_and_comes_once_when_it_is_over() {
        let timetable = with_blackout();
        let due = at("2026-12-23T23:30:00+09:00");
        let ends = at("2027-01-03T00:00:00+09:00");
        let standing = free("2026-12-21T12:00:00+09:00");
        let queued = Standing { is_queued: true, ..standing };
        let skipping = Timetable { missed: Missed::Skip, overlap: Overlap::Queue, ..timetable.clone() };
        for now in ["2026-12-24T00:00:00+09:00", "2026-12-27T09:00:00+09:00", "2027-01-02T23:59:59+09:00"] {
            let wait = Decision::Wait { until: Some(ends) };
            assert_eq!(timetable.decide(&standing, at(now)), wait, "{now}");
            assert_eq!(
                skipping.decide(&queued, at(now)),
                wait,
                "what waits for another goes on waiting: {now}"
            );
            let left_out = Decision::LeaveOut { due, why: LeftOut::Missed, others: 2 };
            assert_eq!(skipping.decide(&standing, at(now)), left_out, "{now}");
        }
        let begin = |cause| Decision::Begin { due, cause, others: 2 };
        assert_eq!(timetable.decide(&standing, ends), begin(Cause::Missed));
        assert_eq!(skipping.decide(&queued, ends), begin(Cause::Queued));
        let in_time = at("2026-12-23T23:34:00+09:00");
        assert_eq!(timetable.decide(&standing, in_time), begin(Cause::Due), "the day before is none");
    }

    #[test]
    fn no_delay_reaches_into_a_blackout() {
        let spread = Timetable { jitter: Seconds::hours(9), ..with_blackout() };
        let due = at("2026-12-23T23:30:00+09:00");
        let (begins, midnight) = (spread.begins(due), at("2026-12-24T00:00:00+09:00"));
        assert!(due <= begins && begins < midnight, "{begins}");
        assert_eq!(spread.next_after(due.checked_sub(1.second()).expect("a time")), Some(begins));
        let standing = free("2026-12-23T12:00:00+09:00");
        assert_eq!(spread.decide(&standing, begins), Decision::Begin { due, cause: Cause::Due, others: 0 });
        let before = at("2026-12-20T23:30:00+09:00");
        let delay = jitter("erp", "daily", before, Seconds::hours(9));
        assert_eq!(spread.begins(before), before + delay, "where none is near, it is as it was");
    }

    #[test]
    fn a_blackout_without_an_end_is_waited_out_for_ever() {
        let last = (at("2026-12-24T00:00:00Z").to_zoned(TimeZone::UTC).date(), jiff::civil::Date::MAX);
        let cron = Cron::parse("0 3 * * *").expect("a schedule");
        let timetable = Timetable { calendar: Calendar::new(cron, TimeZone::UTC, vec![last]), ..daily() };
        let decision = timetable.decide(&free("2026-12-22T12:00:00Z"), at("2026-12-25T12:00:00Z"));
        assert_eq!(decision, Decision::Wait { until: Some(Timestamp::MAX) });
    }

    #[test]
    fn every_moment_of_a_busy_calendar_is_begun_for_once() {
        let cron = Cron::parse("*/10 * * * *").expect("a schedule");
        let busy = Timetable {
            calendar: Calendar::new(cron, TimeZone::UTC, Vec::new()),
            jitter: Seconds::minutes(25),
            ..daily()
        };
        let mut standing = free("2026-11-23T00:00:00Z");
        let (mut now, mut stood_for, mut begun) = (standing.handled_until, 0, Vec::new());
        while now < at("2026-11-23T06:00:00Z") {
            if let Decision::Begin { due, others, .. } = busy.decide(&standing, now) {
                assert!(due > standing.handled_until && busy.begins(due) <= now);
                standing.handled_until = due;
                stood_for += 1 + others;
                begun.push(due);
            }
            now = now.checked_add(1.minute()).expect("a time");
        }
        // The last ones may still be delayed.
        assert!((30..=36).contains(&stood_for), "{stood_for} of 36");
        assert!(begun.len() > 10, "{begun:?}");
    }
}
