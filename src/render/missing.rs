//! The facts that are missing, in a line each: of whom, for which rules, and who can know them.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::fmt::Write as _;

use crate::diagnostic::Severity;
use crate::escape;
use crate::model::fact_source::source_of;
use crate::render::style::Style;
use crate::render::style::Tone;
use crate::rules::One;

/// Subjects that are named for a missing fact.
const NAMED: usize = 5;
/// Rules that are named for a missing fact.
const NAMED_RULES: usize = 8;

/// What is known about a missing fact: rules that ask for it, subjects that lack it.
struct Missing<'i> {
    fact: &'i str,
    rules: BTreeMap<&'i str, Severity>,
    heaviest: Severity,
    /// The first subjects.
    named: Vec<&'i str>,
    subjects: usize,
    /// A bit for the number of each name: of a large plan, thousands of subjects lack dozens of facts.
    seen: Vec<u64>,
}

/// Numbers names, each once.
#[derive(Default)]
struct Names<'i> {
    numbers: HashMap<&'i str, usize>,
    /// Those of subjects that rules left open, by their places.
    places: Vec<Option<usize>>,
}

impl<'i> Names<'i> {
    fn number(&mut self, one: One<'i>) -> usize {
        let next = self.numbers.len();
        let (_, name) = one.subject();
        match one {
            One::Kept(_) => *self.numbers.entry(name).or_insert(next),
            One::Open(open) => {
                if self.places.len() <= open.place() {
                    self.places.resize(open.place() + 1, None);
                }
                *self.places[open.place()].get_or_insert_with(|| *self.numbers.entry(name).or_insert(next))
            }
        }
    }
}

impl<'i> Missing<'i> {
    const fn new(fact: &'i str) -> Self {
        Self {
            fact,
            rules: BTreeMap::new(),
            heaviest: Severity::Info,
            named: Vec::new(),
            subjects: 0,
            seen: Vec::new(),
        }
    }

    fn add(&mut self, one: One<'i>, number: usize) {
        self.rules.entry(one.rule()).or_insert(one.severity());
        self.heaviest = self.heaviest.max(one.severity());
        let (word, bit) = (number / 64, 1 << (number % 64));
        if self.seen.len() <= word {
            self.seen.resize(word + 1, 0);
        }
        if self.seen[word] & bit == 0 {
            self.seen[word] |= bit;
            self.subjects += 1;
            if self.named.len() < NAMED {
                self.named.push(one.subject().1);
            }
        }
    }
}

/// Writes the facts that are missing: of whom, for which rules, and who can know them.
pub(super) fn missing_facts<'i>(out: &mut String, undecided: impl Iterator<Item = One<'i>>, style: Style) {
    let mut facts: BTreeMap<&'i str, Missing<'i>> = BTreeMap::new();
    let mut names = Names::default();
    for one in undecided {
        let fact = one.fact().unwrap_or("inventory");
        let number = names.number(one);
        facts.entry(fact).or_insert_with(|| Missing::new(fact)).add(one, number);
    }
    let mut facts: Vec<Missing<'i>> = facts.into_values().collect();
    facts.sort_by_key(|missing| std::cmp::Reverse(missing.heaviest));
    for missing in facts {
        let tone = match missing.heaviest {
            Severity::Error => Tone::Error,
            Severity::Warning => Tone::Warning,
            Severity::Info => Tone::Open,
        };
        let named: Vec<_> = missing.named.iter().map(|name| escape::line(name)).collect();
        let mut of = named.join(", ");
        if missing.subjects > NAMED {
            let _ = write!(of, " and {} more", missing.subjects - NAMED);
        }
        let mut rules = missing.rules.keys().copied().take(NAMED_RULES).collect::<Vec<_>>().join(", ");
        if missing.rules.len() > NAMED_RULES {
            let _ = write!(rules, " and {} more", missing.rules.len() - NAMED_RULES);
        }
        let undecided = style.paint(tone, "undecided");
        let _ = writeln!(
            out,
            "{undecided}: `{}` of {of} is not known, so {rules} can't be decided",
            escape::line(missing.fact)
        );
        let _ = writeln!(out, "  {} {}", style.paint(Tone::Faint, "from:"), source_of(missing.fact));
    }
}
