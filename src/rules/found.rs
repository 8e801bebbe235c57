//! What rules found about a plan: the findings that say more one by one, what missing facts leave open in a small form.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::cmp::Reverse;
use std::fmt;
use std::iter::Peekable;

use crate::diagnostic::Severity;
use crate::rules::findings::Finding;
use crate::rules::findings::State;
use crate::rules::findings::SubjectKind;
use crate::rules::open::Iter as OpenIter;
use crate::rules::open::Open;
use crate::rules::open::Store;
use crate::source::Span;

/// What rules write into while they are evaluated.
#[derive(Default)]
pub(crate) struct Collected {
    /// Findings in full.
    pub findings: Vec<Finding>,
    /// What missing facts leave open; `None` where that is wanted in full too.
    pub(super) open: Option<Store>,
}

impl Collected {
    /// Returns where missing facts take little room.
    pub(crate) fn compact() -> Self {
        Self { findings: Vec::new(), open: Some(Store::default()) }
    }

    /// Returns the findings of some rules that missing facts leave open.
    pub(crate) fn open_of(&self, is_wanted: impl Fn(&str) -> bool) -> Vec<Finding> {
        let open = self.open.iter().flat_map(|store| store.of_rules(&is_wanted));
        open.map(Open::finding).collect()
    }

    /// Puts the findings in order: the heaviest first, then in the order of the document.
    pub(crate) fn in_order(self) -> Found {
        let Self { mut findings, open } = self;
        findings.sort_by(|one, other| key(one).cmp(&key(other)));
        let mut open = open.unwrap_or_default();
        open.sort();
        Found { sorted: findings.len(), findings, open }
    }
}

/// What rules found about a plan: the heaviest first, then in the order of the document.
#[derive(Default)]
pub struct Found {
    findings: Vec<Finding>,
    /// How many of them are in order; the others were added later.
    sorted: usize,
    open: Store,
}

/// One of the findings about a plan.
#[derive(Clone, Copy)]
pub enum One<'f> {
    /// It is kept as it is.
    Kept(&'f Finding),
    /// A missing fact leaves it open.
    Open(Open<'f>),
}

/// What findings are ordered by.
type Key<'k> = (Reverse<Severity>, State, Span, &'k str, SubjectKind, &'k str);

fn key(finding: &Finding) -> Key<'_> {
    let subject = &finding.subject;
    let severity = Reverse(finding.severity);
    (severity, finding.state, finding.span, &finding.rule, subject.kind, &subject.name)
}

fn key_of_open<'k>(open: &Open<'k>) -> Key<'k> {
    let rule = open.rule();
    (Reverse(rule.severity), State::Indeterminate, open.span(), rule.id, open.kind(), open.name())
}

impl Found {
    /// Returns how many findings there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.findings.len() + self.open.len()
    }

    /// Returns whether nothing was found.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Adds a finding behind all others.
    pub fn extend(&mut self, findings: impl IntoIterator<Item = Finding>) {
        self.findings.extend(findings);
    }

    /// Returns the findings that are kept one by one: all but those that missing facts leave open of built-in rules.
    #[must_use]
    pub fn kept(&self) -> &[Finding] {
        &self.findings
    }

    /// Returns one finding of each built-in rule and fact whose lack leaves it open.
    pub fn open_once(&self) -> impl Iterator<Item = Open<'_>> {
        self.open.one_of_each()
    }

    /// Returns how many findings of built-in rules are left open by missing facts.
    #[must_use]
    pub const fn open_count(&self) -> usize {
        self.open.len()
    }

    /// Returns each finding, in order.
    #[must_use]
    pub fn each(&self) -> Each<'_> {
        let (sorted, added) = self.findings.split_at(self.sorted);
        Each { sorted: sorted.iter(), open: self.open.iter().peekable(), added: added.iter() }
    }

    /// Returns each finding in words, in order.
    pub fn iter<'f>(&'f self) -> Iter<'f> {
        self.each().map(One::<'f>::finding as fn(One<'f>) -> Cow<'f, Finding>)
    }

    /// Returns each finding that a missing fact leaves open, in order.
    pub fn undecided(&self) -> impl Iterator<Item = One<'_>> {
        self.each().filter(|one| one.state() == State::Indeterminate)
    }
}

impl<'f> One<'f> {
    /// Returns the id of its rule.
    #[must_use]
    pub fn rule(self) -> &'f str {
        match self {
            Self::Kept(finding) => &finding.rule,
            Self::Open(open) => open.rule().id,
        }
    }

    /// Returns how much it weighs.
    #[must_use]
    pub const fn severity(self) -> Severity {
        match self {
            Self::Kept(finding) => finding.severity,
            Self::Open(open) => open.rule().severity,
        }
    }

    /// Returns how it stands.
    #[must_use]
    pub const fn state(self) -> State {
        match self {
            Self::Kept(finding) => finding.state,
            Self::Open(_) => State::Indeterminate,
        }
    }

    /// Returns the kind and the name of what it is about.
    #[must_use]
    pub fn subject(self) -> (SubjectKind, &'f str) {
        match self {
            Self::Kept(finding) => (finding.subject.kind, &finding.subject.name),
            Self::Open(open) => (open.kind(), open.name()),
        }
    }

    /// Returns the fact that is missing.
    #[must_use]
    pub fn fact(self) -> Option<&'f str> {
        match self {
            Self::Kept(finding) => finding.fact.as_deref(),
            Self::Open(open) => Some(open.fact()),
        }
    }

    /// Returns the finding in words.
    #[must_use]
    pub fn finding(self) -> Cow<'f, Finding> {
        match self {
            Self::Kept(finding) => Cow::Borrowed(finding),
            Self::Open(open) => Cow::Owned(open.finding()),
        }
    }
}

/// Each finding about a plan in words, in order.
pub type Iter<'f> = std::iter::Map<Each<'f>, fn(One<'f>) -> Cow<'f, Finding>>;

/// Each finding about a plan, in order.
pub struct Each<'f> {
    sorted: std::slice::Iter<'f, Finding>,
    open: Peekable<OpenIter<'f>>,
    added: std::slice::Iter<'f, Finding>,
}

impl<'f> Iterator for Each<'f> {
    type Item = One<'f>;

    fn next(&mut self) -> Option<One<'f>> {
        let kept = self.sorted.as_slice().first();
        let is_open_first = match (kept, self.open.peek()) {
            (Some(kept), Some(open)) => key_of_open(open).cmp(&key(kept)) == Ordering::Less,
            (None, Some(_)) => true,
            (_, None) => false,
        };
        if is_open_first {
            return self.open.next().map(One::Open);
        }
        self.sorted.next().or_else(|| self.added.next()).map(One::Kept)
    }
}

impl<'f> IntoIterator for &'f Found {
    type Item = Cow<'f, Finding>;
    type IntoIter = Iter<'f>;

    fn into_iter(self) -> Iter<'f> {
        self.iter()
    }
}

impl IntoIterator for Found {
    type Item = Finding;
    type IntoIter = std::vec::IntoIter<Finding>;

    fn into_iter(self) -> Self::IntoIter {
        let all: Vec<Finding> = self.iter().map(Cow::into_owned).collect();
        all.into_iter()
    }
}

impl fmt::Debug for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl PartialEq for Found {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().eq(other.iter())
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::model::Model;
    use crate::model::resolve;
    use crate::rules::Options;
    use crate::rules::OriginFilter;
    use crate::rules::Policies;
    use crate::rules::evaluate::collect;
    use crate::source::Sources;
    use crate::syntax;
    use crate::syntax::Document;
    use crate::syntax::inventory::Inventory;

    /// Returns a plan whose machines are named in another order than that of their groups, without any facts.
    fn model() -> Model {
        let text = "\
kind: RecoveryPlan
version: 1
name: p
defaults: {failback: {master_target: mt, datastore: d}}
machines:
  - {name: b, failback: {master_target: other}}
  - a
  - z
replication_groups:
  - {name: g, machines: [z, y]}
waivers:
  - {rule: FB606, of: [g], reason: accepted, until: 2027-01-31}
";
        let (mut sources, mut mistakes) = (Sources::new(), Vec::new());
        let index = sources.add("plan.yaml", text.to_owned()).expect("it fits");
        let documents = syntax::parse(sources.get(index), &mut mistakes);
        let [Document::Plan(plan)] = documents.as_slice() else { panic!("{mistakes:?}") };
        resolve((**plan).clone(), Inventory::unknown("none"))
    }

    fn found(collected: Collected) -> Found {
        let options = Options { origin: OriginFilter::All, strict: false, now: Timestamp::UNIX_EPOCH };
        collect(&model(), &Policies::default(), &options, collected)
    }

    #[test]
    fn what_takes_little_room_reads_as_what_is_kept_in_full() {
        let (full, compact) = (found(Collected::default()), found(Collected::compact()));
        assert_eq!(full.open_count(), 0);
        assert!(compact.open_count() > 50 && compact.kept().len() < 50, "{}", compact.open_count());
        // What two missing facts leave open about one subject has no order.
        let words = |found: &Found| {
            let mut words: Vec<String> = found.iter().map(|one| format!("{one:?}")).collect();
            words.sort();
            words
        };
        assert_eq!(words(&compact), words(&full));
        let order =
            |found: &Found| -> Vec<String> { found.iter().map(|one| format!("{:?}", key(&one))).collect() };
        assert_eq!(order(&compact), order(&full));
        let rules = |found: &Found| {
            let open = found.undecided().map(|one| (one.rule().to_owned(), one.subject().1.to_owned()));
            open.collect::<Vec<_>>()
        };
        assert_eq!(rules(&compact), rules(&full));
    }

    #[test]
    fn what_is_added_later_stands_behind_all_others() {
        let mut found = found(Collected::compact());
        let count = found.len();
        let added =
            Finding { severity: Severity::Error, ..found.iter().next().expect("something").into_owned() };
        found.extend([added.clone()]);
        assert_eq!(found.len(), count + 1);
        assert_eq!(found.iter().last().expect("something").into_owned(), added);
    }
}
