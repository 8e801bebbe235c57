//! What missing facts leave open, kept small: a plan without facts has dozens of such findings for each of its machines.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::HashMap;
use std::collections::binary_heap::PeekMut;
use std::hash::BuildHasher as _;
use std::ops::Range;

use foldhash::fast::RandomState;

use crate::diagnostic::Severity;
use crate::model::Unknown;
use crate::rules::findings::Finding;
use crate::rules::findings::State;
use crate::rules::findings::Subject;
use crate::rules::findings::SubjectKind;
use crate::rules::rule::Rule;
use crate::source::Span;

/// Why a rule can't be decided.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Lack {
    /// A fact is missing: of a server, datastore or host, or of the subject itself.
    Fact { field: &'static str, of: Option<Box<str>> },
    /// Nobody knows whether the vault is classic or modernized.
    Architecture,
}

/// What a rule can't be decided about.
#[derive(Clone, Debug)]
struct Thing {
    span: Span,
    kind: SubjectKind,
    name: Box<str>,
}

/// Everything that one rule can't be decided about for want of one fact.
struct Group {
    rule: &'static Rule,
    lack: Lack,
    /// Indexes of the things; machines that follow each other are one range.
    things: Vec<Range<u32>>,
}

/// Finds what was added before.
#[derive(Default)]
struct Places {
    hasher: RandomState,
    groups: HashMap<u64, usize, RandomState>,
    things: HashMap<u64, u32, RandomState>,
    /// The last thing, by the address of its name: every rule about one machine comes before the next machine.
    last: Option<(usize, SubjectKind, Span, u32)>,
}

/// Findings that missing facts leave open: each thing once, and a few bytes for each rule and fact.
#[derive(Default)]
pub(super) struct Store {
    things: Vec<Thing>,
    groups: Vec<Group>,
    count: usize,
    places: Places,
}

/// A rule that a missing fact leaves open about one subject.
#[derive(Clone, Copy)]
pub struct Open<'f> {
    group: &'f Group,
    thing: &'f Thing,
    place: u32,
}

impl Store {
    /// Adds that a rule can't be decided about a subject, because a fact is missing.
    pub(super) fn fact(
        &mut self,
        rule: &'static Rule,
        subject: (SubjectKind, &str, Span),
        unknown: &Unknown,
    ) {
        let of = unknown.object.as_deref();
        let hash = self.places.hasher.hash_one((rule.id, unknown.field, of));
        let is_it = |lack: &Lack| match lack {
            Lack::Fact { field, of: other } => *field == unknown.field && other.as_deref() == of,
            Lack::Architecture => false,
        };
        let lack = || Lack::Fact { field: unknown.field, of: of.map(Into::into) };
        self.add(rule, subject, hash, is_it, lack);
    }

    /// Adds that a rule can't be decided, because nobody knows the architecture.
    pub(super) fn architecture(&mut self, rule: &'static Rule, subject: (SubjectKind, &str, Span)) {
        let hash = self.places.hasher.hash_one((rule.id, "architecture"));
        self.add(rule, subject, hash, |lack| *lack == Lack::Architecture, || Lack::Architecture);
    }

    fn add(
        &mut self,
        rule: &'static Rule,
        subject: (SubjectKind, &str, Span),
        hash: u64,
        is_it: impl Fn(&Lack) -> bool,
        lack: impl FnOnce() -> Lack,
    ) {
        let thing = self.thing(subject);
        let known = self.places.groups.get(&hash).copied();
        let known = known.filter(|at| self.groups[*at].rule.id == rule.id && is_it(&self.groups[*at].lack));
        let at = known.unwrap_or_else(|| {
            self.groups.push(Group { rule, lack: lack(), things: Vec::new() });
            self.places.groups.insert(hash, self.groups.len() - 1);
            self.groups.len() - 1
        });
        push(&mut self.groups[at].things, thing);
        self.count += 1;
    }

    fn thing(&mut self, (kind, name, span): (SubjectKind, &str, Span)) -> u32 {
        let address = name.as_ptr().addr();
        if let Some((last, of, at, place)) = self.places.last
            && (last, of, at) == (address, kind, span)
            && *self.things[place as usize].name == *name
        {
            return place;
        }
        let hash = self.places.hasher.hash_one((kind, name, span));
        let known = self.places.things.get(&hash).copied().filter(|at| {
            let thing = &self.things[*at as usize];
            (thing.kind, &*thing.name, thing.span) == (kind, name, span)
        });
        let place = known.unwrap_or_else(|| {
            let place = u32::try_from(self.things.len()).expect("each has a line in texts of at most 4 GiB");
            self.things.push(Thing { span, kind, name: name.into() });
            self.places.things.insert(hash, place);
            place
        });
        self.places.last = Some((address, kind, span, place));
        place
    }

    /// Puts everything into the order of the document; nothing can be added afterwards without being told twice.
    pub(super) fn sort(&mut self) {
        self.places = Places::default();
        let is_before = |one: &Thing, other: &Thing| {
            (one.span, one.kind, &one.name) <= (other.span, other.kind, &other.name)
        };
        if !self.things.is_sorted_by(is_before) {
            let mut order: Vec<(u32, Thing)> = (0..).zip(std::mem::take(&mut self.things)).collect();
            order.sort_by(|(_, one), (_, other)| {
                (one.span, one.kind, &one.name).cmp(&(other.span, other.kind, &other.name))
            });
            let mut places = vec![0; order.len()];
            for (place, (before, _)) in (0..).zip(&order) {
                places[*before as usize] = place;
            }
            for group in &mut self.groups {
                let things = group.things.iter().cloned().flatten();
                group.things = ranges(things.map(|thing| places[thing as usize]).collect());
            }
            self.things = order.into_iter().map(|(_, thing)| thing).collect();
        }
        for group in &mut self.groups {
            if !group.things.is_sorted_by_key(|range| range.start) {
                group.things = ranges(group.things.iter().cloned().flatten().collect());
            }
            group.things.shrink_to_fit();
        }
        self.groups.shrink_to_fit();
        self.things.shrink_to_fit();
    }

    /// Returns how many findings it holds.
    pub(super) const fn len(&self) -> usize {
        self.count
    }

    /// Returns one finding of each rule and missing fact.
    pub(super) fn one_of_each(&self) -> impl Iterator<Item = Open<'_>> {
        self.groups.iter().filter_map(|group| Some(self.open(group, group.things.first()?.start)))
    }

    /// Returns the findings of some rules, in no order.
    pub(super) fn of_rules(&self, is_wanted: impl Fn(&str) -> bool) -> impl Iterator<Item = Open<'_>> {
        let wanted = self.groups.iter().filter(move |group| is_wanted(group.rule.id));
        wanted.flat_map(|group| group.things.iter().cloned().flatten().map(|at| self.open(group, at)))
    }

    /// Returns the findings, once they are in order: the heaviest first, then in the order of the document.
    pub(super) fn iter(&self) -> Iter<'_> {
        let heads = (0..).zip(&self.groups).filter_map(|(at, group)| {
            let first = group.things.first()?.start;
            Some(Reverse(self.head(at, 0, first)))
        });
        Iter { store: self, heads: heads.collect() }
    }

    fn open<'f>(&'f self, group: &'f Group, place: u32) -> Open<'f> {
        Open { group, thing: &self.things[place as usize], place }
    }

    fn head(&self, at: u32, range: u32, place: u32) -> Head {
        let rule = self.groups[at as usize].rule;
        Head {
            severity: Reverse(rule.severity),
            span: self.things[place as usize].span,
            rule: rule.id,
            place,
            at,
            range,
        }
    }
}

/// Adds an index to ranges.
fn push(ranges: &mut Vec<Range<u32>>, index: u32) {
    match ranges.last_mut() {
        Some(last) if last.end == index => last.end += 1,
        _ => ranges.push(index..index + 1),
    }
}

fn ranges(mut indexes: Vec<u32>) -> Vec<Range<u32>> {
    indexes.sort_unstable();
    let mut ranges = Vec::new();
    for index in indexes {
        push(&mut ranges, index);
    }
    ranges
}

/// The next finding of a rule and missing fact: as they are ordered, the first comes first.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Head {
    severity: Reverse<Severity>,
    span: Span,
    rule: &'static str,
    place: u32,
    /// Index of the group, and of the range in it.
    at: u32,
    range: u32,
}

/// Findings that missing facts leave open, in order.
pub(super) struct Iter<'f> {
    store: &'f Store,
    heads: BinaryHeap<Reverse<Head>>,
}

impl<'f> Iterator for Iter<'f> {
    type Item = Open<'f>;

    fn next(&mut self) -> Option<Open<'f>> {
        let mut head = self.heads.peek_mut()?;
        let Head { place, at, range, .. } = head.0;
        let group = &self.store.groups[at as usize];
        let following = match place + 1 {
            next if next < group.things[range as usize].end => Some((range, next)),
            _ => group.things.get(range as usize + 1).map(|following| (range + 1, following.start)),
        };
        match following {
            Some((range, next)) => head.0 = self.store.head(at, range, next),
            None => {
                PeekMut::pop(head);
            }
        }
        Some(self.store.open(group, place))
    }
}

impl<'f> Open<'f> {
    /// Returns the rule.
    #[must_use]
    pub const fn rule(self) -> &'static Rule {
        self.group.rule
    }

    /// Returns the key of the missing fact in the inventory.
    #[must_use]
    pub const fn fact(self) -> &'static str {
        match self.group.lack {
            Lack::Fact { field, .. } => field,
            Lack::Architecture => "vault.experience",
        }
    }

    /// Returns the kind of the subject.
    #[must_use]
    pub const fn kind(self) -> SubjectKind {
        self.thing.kind
    }

    /// Returns the name of the subject.
    #[must_use]
    pub const fn name(self) -> &'f str {
        &self.thing.name
    }

    /// Returns where the subject is named.
    #[must_use]
    pub const fn span(self) -> Span {
        self.thing.span
    }

    /// Returns a number that only this subject has among those of one plan.
    #[must_use]
    pub const fn place(self) -> usize {
        self.place as usize
    }

    /// Returns the finding, in words.
    #[must_use]
    pub fn finding(self) -> Finding {
        let subject = Subject { kind: self.thing.kind, name: self.thing.name.clone().into() };
        match &self.group.lack {
            Lack::Fact { field, of } => {
                let of = of.as_deref().unwrap_or(&self.thing.name);
                of_fact(self.group.rule, subject, self.thing.span, field, of)
            }
            Lack::Architecture => of_architecture(self.group.rule, subject, self.thing.span),
        }
    }
}

/// Returns that a rule can't be decided about a subject, because a fact of something is missing.
pub(super) fn of_fact(
    rule: &'static Rule,
    subject: Subject,
    span: Span,
    field: &'static str,
    of: &str,
) -> Finding {
    let message = format!("can't be decided, since `{field}` of {of} is not known: {}", rule.summary);
    undecided(rule, subject, span, field, message)
}

/// Returns that a rule can't be decided, because nobody knows whether the vault is classic or modernized.
pub(super) fn of_architecture(rule: &'static Rule, subject: Subject, span: Span) -> Finding {
    let message = format!(
        "can't be decided, since it is not known whether the vault is classic or modernized: {}",
        rule.summary
    );
    undecided(rule, subject, span, "vault.experience", message)
}

fn undecided(
    rule: &'static Rule,
    subject: Subject,
    span: Span,
    fact: &'static str,
    message: String,
) -> Finding {
    Finding {
        help: format!("add `{fact}` to the inventory").into(),
        fact: Some(Cow::Borrowed(fact)),
        ..Finding::of(rule, State::Indeterminate, subject, span, message)
    }
}
