//! Keeps what guards judge, so that anyone can judge it again.

use crate::graph::StepIndex;
use crate::model::judged;
use crate::model::judged::Piece;
use crate::rules;
use crate::rules::Guard;
use crate::run::driver::engine::Engine;
use crate::run::guard;
use crate::run::recorder::RunError;

impl Engine<'_> {
    /// Keeps the facts that the guard of a step judged, and returns the digest by which they are found.
    pub(super) fn keep_facts(&mut self, step: StepIndex, guard: Guard) -> Result<String, RunError> {
        let servers = self.keep_servers()?;
        let machines = guard::concerned(self.recorder.state(), step);
        let machines = rules::reads(&self.model, &machines, guard);
        let pieces = judged::judged(&self.model, &machines, servers);
        self.keep_pieces(pieces)
    }

    /// Keeps the facts about servers. Many guards are evaluated on one observation.
    fn keep_servers(&mut self) -> Result<String, RunError> {
        let observed_at = self.model.inventory.observed_at.map(|at| at.value);
        let stamp = (self.seen, observed_at);
        if let Some((known, digest)) = &self.servers
            && *known == stamp
            && observed_at.is_some()
        {
            return Ok(digest.clone());
        }
        let digest = self.keep_pieces(judged::servers(&self.model))?;
        self.servers = Some((stamp, digest.clone()));
        Ok(digest)
    }

    /// Keeps pieces that this process has not kept yet, and returns the digest of the last.
    fn keep_pieces(&mut self, pieces: Vec<Piece>) -> Result<String, RunError> {
        let mut last = String::new();
        for Piece { digest, body } in pieces {
            if !self.kept.contains(&digest) {
                self.recorder.keep_facts(&digest, &body)?;
                self.kept.insert(digest.clone());
            }
            last = digest;
        }
        Ok(last)
    }
}
