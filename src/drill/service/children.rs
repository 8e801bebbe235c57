//! The drills that run: how they begin, and what is made of their ends.

use jiff::Timestamp;
use sha2::Digest as _;
use sha2::Sha256;

use crate::drill::due::Cause;
use crate::drill::launch::Ended;
use crate::drill::launch::Order;
use crate::drill::service::Happening;
use crate::drill::service::Key;
use crate::drill::service::Service;
use crate::drill::service::ServiceError;
use crate::id::DrillId;
use crate::journal::DrillEnd;
use crate::journal::DrillRow;

/// Why a drill of the calendar began.
pub(super) const SCHEDULE: &str = "schedule";

/// The exit code of a drill whose run waits for an approval.
const WAITS: i32 = 4;

/// The exit code of a drill that somebody stopped.
const INTERRUPTED: i32 = 130;

impl Service {
    pub(super) fn begin(
        &mut self,
        key: &Key,
        order: Order,
        plan: String,
        cause: Cause,
        others: u64,
    ) -> Result<(), ServiceError> {
        let due = order.due;
        // Its id is that of its time: if this process ends before the time is entered as dealt with, the next one begins nothing twice.
        if self.database.drill(&order.id)?.is_some() {
            return self.dealt_with(key, due);
        }
        // It is entered before anything is begun: whatever dies then, its time does not pass without a trace.
        let row = self.row_of(key, &order, &plan);
        self.database.add_drill(&row)?;
        self.dealt_with(key, due)?;
        match self.setup.launcher.launch(&order) {
            Ok(ending) => {
                self.running.insert(key.clone(), order.clone());
                let (of, begun) = (key.clone(), order.clone());
                self.children.spawn(async move { (of, begun, ending.await) });
                (self.setup.told)(&Happening::Began { order, plan, cause, others });
                Ok(())
            }
            Err(error) => self.lost(row, format!("it can't be started: {error}")),
        }
    }

    /// Takes note of a drill's end.
    pub(super) fn ended(&mut self, key: &Key, order: &Order, ended: &Ended) -> Result<(), ServiceError> {
        self.running.remove(key);
        let how = match ended.code {
            Some(code) => format!("its process ended with exit code {code}"),
            None => "its process was killed".to_owned(),
        };
        let said = if ended.said.is_empty() { how } else { format!("{how}: {}", ended.said) };
        match self.database.drill(&order.id)? {
            Some(row) if row.never_began() => self.lost(row, said),
            Some(row) if row.ended_at.is_some() => {
                (self.setup.told)(&Happening::Ended { row: Box::new(row), lost: None });
                Ok(())
            }
            // Its run can go on: somebody is asked, or somebody stopped it.
            Some(row) if matches!(ended.code, Some(WAITS | INTERRUPTED)) => {
                (self.setup.told)(&Happening::Stopped { row: Box::new(row), why: said });
                self.told_of(order)
            }
            Some(row) => {
                (self.setup.told)(&Happening::Ended { row: Box::new(row), lost: Some(said) });
                self.told_of(order)
            }
            // It was entered before it was begun, and drills are kept.
            None => Ok(()),
        }
    }

    /// Enters that it was told of a drill that its process ended before it did.
    fn told_of(&mut self, order: &Order) -> Result<(), ServiceError> {
        let now = self.setup.clock.now();
        Ok(self.database.stop_was_told(&order.id, now)?)
    }

    /// Returns what is entered of a drill that is about to be begun.
    fn row_of(&self, key: &Key, order: &Order, plan: &str) -> DrillRow {
        let kind = self.entries.get(key).map_or("rehearsal", |entry| entry.drill.kind.value.as_str());
        DrillRow {
            id: order.id.clone(),
            plan: plan.to_owned(),
            plan_path: order.known_as.clone(),
            name: Some(order.drill.clone()),
            kind: kind.to_owned(),
            cause: SCHEDULE.to_owned(),
            due_at: Some(order.due),
            began_at: self.setup.clock.now(),
            ended_at: None,
            run: None,
            git_commit: order.commit.clone(),
            plan_digest: None,
            verdict: None,
            result: None,
        }
    }

    /// Enters that a drill failed which never got as far as that itself, so that this is seen where all others are.
    pub(super) fn lost(&mut self, row: DrillRow, said: String) -> Result<(), ServiceError> {
        let reasons = serde_json::json!({"reasons": [{"code": "drill-lost", "message": said}]});
        let ended_at = self.setup.clock.now();
        let end = DrillEnd { ended_at, verdict: "failed".to_owned(), result: reasons.to_string() };
        self.database.end_drill(&row.id, &end)?;
        let row = DrillRow {
            ended_at: Some(end.ended_at),
            verdict: Some(end.verdict),
            result: Some(end.result),
            ..row
        };
        (self.setup.told)(&Happening::Ended { row: Box::new(row), lost: Some(said) });
        Ok(())
    }
}

/// Returns the id of the drill that begins for a time: always the same.
pub(super) fn id_of((plan, drill): &Key, due: Timestamp) -> DrillId {
    let mut digest = Sha256::new();
    for part in [plan, drill] {
        digest.update(part);
        digest.update([0]);
    }
    let short: String = digest.finalize().iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    DrillId::new(format!("{}-{short}", due.strftime("%Y%m%dT%H%M%SZ")))
}
