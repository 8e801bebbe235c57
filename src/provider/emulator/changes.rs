//! Which servers of the emulated site changed since somebody looked.

use std::collections::BTreeSet;

/// A section of the facts whose servers change one by one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Section {
    /// Hosts.
    Hosts,
    /// Datastores.
    Datastores,
    /// Master targets.
    MasterTargets,
    /// Appliances.
    Appliances,
}

/// What changed, and when: each change has a mark, later changes have greater ones.
#[derive(Clone, Debug, Default)]
pub(super) struct Changes {
    mark: u64,
    /// The mark at which anything may have changed.
    all: u64,
    /// Servers that changed one by one, in the order of their marks.
    log: Vec<(u64, Section, usize)>,
}

impl Changes {
    /// Notes that one server of a section changed.
    pub(super) fn one(&mut self, section: Section, server: usize) {
        self.mark += 1;
        self.log.push((self.mark, section, server));
    }

    /// Notes that anything may have changed.
    pub(super) fn all(&mut self) {
        self.mark += 1;
        self.all = self.mark;
        self.log.clear();
    }

    /// Returns the mark of the latest change.
    pub(super) const fn mark(&self) -> u64 {
        self.mark
    }

    /// Returns the servers that changed after a mark; `None` if it may be any.
    pub(super) fn since(&self, mark: u64) -> Option<BTreeSet<(Section, usize)>> {
        if mark < self.all || mark > self.mark {
            return None;
        }
        if mark == self.mark {
            return Some(BTreeSet::new());
        }
        let from = self.log.partition_point(|(at, ..)| *at <= mark);
        Some(self.log[from..].iter().map(|(_, section, server)| (*section, *server)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_changed_after_a_mark_is_told() {
        let mut changes = Changes::default();
        changes.one(Section::Hosts, 3);
        let mark = changes.mark();
        assert_eq!(changes.since(mark), Some(BTreeSet::new()));
        changes.one(Section::Appliances, 1);
        changes.one(Section::Appliances, 1);
        assert_eq!(changes.since(mark), Some(BTreeSet::from([(Section::Appliances, 1)])));
        assert_eq!(changes.since(0).map(|changed| changed.len()), Some(2));
    }

    #[test]
    fn a_mark_from_before_anything_may_have_changed_tells_nothing() {
        let mut changes = Changes::default();
        changes.one(Section::Hosts, 0);
        changes.all();
        assert_eq!(changes.since(1), None);
        assert_eq!(changes.since(changes.mark()), Some(BTreeSet::new()));
        assert_eq!(changes.since(changes.mark() + 1), None, "a mark of another world");
    }
}
