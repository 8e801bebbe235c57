//! What is accepted and what was found, side by side: from it, rules tell which waivers mean nothing.

use std::collections::HashMap;
use std::collections::HashSet;
use std::sync::OnceLock;

use jiff::civil::Date;

use crate::diagnostic::did_you_mean;
use crate::model::Model;
use crate::rules::all;
use crate::rules::chosen::is_chosen;
use crate::rules::evaluate::Options;
use crate::rules::findings::Finding;
use crate::rules::findings::State;
use crate::rules::policy::Policies;
use crate::rules::rule::Rule;
use crate::rules::waiver;
use crate::source::Span;
use crate::source::Spanned;
use crate::syntax::plan::Waiver;
use crate::syntax::remark::Remark;

/// Misspelt names that are compared with those that there are.
const NAMES_COMPARED: usize = 20;

/// Everything that is accepted, and everything that was found.
pub struct Ledger<'l> {
    /// The plan and its facts.
    pub(crate) model: &'l Model,
    /// The day at which the ends of waivers are measured.
    pub(crate) today: Date,
    found: HashMap<&'l str, Vec<&'l Finding>>,
    /// Rules of policies; `None` if it is not known which policies there are.
    policies: Option<&'l Policies>,
    options: &'l Options,
    names: OnceLock<HashSet<&'l str>>,
}

/// How the acceptance of a rule's findings is written.
#[derive(Clone, Copy)]
pub(crate) enum Written<'l> {
    /// In the plan's list.
    Waiver(&'l Waiver),
    /// As a comment.
    Comment {
        remark: &'l Remark,
        /// Whether it is in the inventory, which other plans may share.
        in_inventory: bool,
    },
}

/// The acceptance of a rule's findings.
#[derive(Clone, Copy)]
pub(crate) struct Entry<'l> {
    pub rule: &'l Spanned<String>,
    pub written: Written<'l>,
}

impl<'l> Ledger<'l> {
    /// Sets what is accepted beside what was found, in full and, of the rules that it names, left open.
    pub(crate) fn of(
        model: &'l Model,
        (findings, open): (&'l [Finding], &'l [Finding]),
        policies: Option<&'l Policies>,
        options: &'l Options,
    ) -> Self {
        let mut found: HashMap<&str, Vec<&Finding>> = HashMap::new();
        found.extend(rules(model).into_iter().map(|rule| (rule, Vec::new())));
        for finding in findings.iter().chain(open) {
            if let Some(of_rule) = found.get_mut(&*finding.rule) {
                of_rule.push(finding);
            }
        }
        let today = waiver::today(options.now);
        Self { model, today, found, policies, options, names: OnceLock::new() }
    }

    /// Returns what is accepted, in the order in which it is written: the plan's list, its comments, the inventory's.
    pub(crate) fn entries(&self) -> impl Iterator<Item = Entry<'l>> {
        entries(self.model)
    }

    /// Returns what was found of a rule.
    pub(crate) fn found(&self, rule: &str) -> &[&'l Finding] {
        self.found.get(rule).map_or(&[], Vec::as_slice)
    }

    /// Returns whether an entry is about a finding.
    pub(crate) fn covers(&self, entry: Entry<'l>, finding: &Finding) -> bool {
        match entry.written {
            Written::Waiver(waiver) => {
                waiver.of.is_empty() || waiver.of.iter().any(|name| name.value == finding.subject.name)
            }
            Written::Comment { remark, in_inventory } => {
                waiver::stands_beside(remark, finding)
                    || (in_inventory && waiver::is_about(remark, finding, self.model))
            }
        }
    }

    /// Returns whether a finding may be accepted.
    pub(crate) fn may_be_accepted(&self, finding: &Finding) -> bool {
        match built_in(&finding.rule) {
            Some(_) => waiver::is_waivable(&finding.rule, finding.severity),
            None => self.policies.is_none_or(|policies| policies.is_waivable(finding)),
        }
    }

    /// Returns whether no finding that an entry is about may be accepted.
    pub(crate) fn is_never_allowed(&self, entry: Entry<'l>) -> bool {
        let rule = entry.rule.value.as_str();
        if built_in(rule).is_some_and(|rule| !waiver::is_ever_waivable(rule.id, rule.severity)) {
            return true;
        }
        let mut covered = self.found(rule).iter().filter(|finding| self.covers(entry, finding)).peekable();
        covered.peek().is_some() && covered.all(|finding| !self.may_be_accepted(finding))
    }

    /// Returns whether an entry is in force, so that findings are what shows whether anybody needs it.
    pub(crate) fn is_in_force(&self, entry: Entry<'l>) -> bool {
        entry.is_reasoned()
            && matches!(self.standing(&entry.rule.value), Standing::Known)
            && !self.is_never_allowed(entry)
            && match entry.written {
                Written::Waiver(waiver) => waiver::is_open(waiver, self.today),
                Written::Comment { .. } => true,
            }
    }

    /// Returns whether a rule may still find something: it lacks a fact, is not evaluated now, or looks again in a run.
    pub(crate) fn is_open(&self, rule: &str) -> bool {
        let undecided = |finding: &&&Finding| match finding.state {
            State::Indeterminate | State::Unmeasured | State::Pending => true,
            State::Violated | State::Waived => finding.awaited,
        };
        self.found(rule).iter().any(|finding| undecided(&finding))
            || built_in(rule).is_some_and(|rule| !rule.when.guards.is_empty())
            || !self.is_evaluated(rule)
    }

    /// Returns whether a rule is among those that were asked for, so that finding nothing says something.
    pub(crate) fn is_evaluated(&self, rule: &str) -> bool {
        built_in(rule).is_none_or(|rule| is_chosen(rule, self.options.origin))
    }

    /// Returns what is known about the id of a rule.
    pub(crate) fn standing(&self, id: &str) -> Standing {
        let is_known = |policies: &Policies| policies.ids().any(|known| known == id);
        if built_in(id).is_some() || self.policies.is_some_and(is_known) {
            return Standing::Known;
        }
        match self.policies {
            // Ids of this form belong to the built-in rules, and those of policies have no small letters.
            _ if id.starts_with("FB") && id[2..].bytes().all(|byte| byte.is_ascii_digit()) => {
                Standing::Unknown
            }
            _ if id.chars().any(|letter| letter.is_lowercase() || letter.is_whitespace()) => {
                Standing::Unknown
            }
            None => Standing::Elsewhere,
            Some(policies) if policies.is_empty() => Standing::NotRead,
            Some(_) => Standing::Unknown,
        }
    }

    /// Returns what the id of a rule was probably meant to be, as a help.
    pub(crate) fn meant(&self, id: &str) -> String {
        if let Some(rule) = super::find(id) {
            return format!("did you mean `{}`?", rule.id);
        }
        let own = self.policies.into_iter().flat_map(Policies::ids);
        // Ids differ little from each other: only one slip is one.
        let near = |known: &&str| {
            id.len() <= 64 && strsim::damerau_levenshtein(&id.to_ascii_uppercase(), known) <= 1
        };
        match all().map(|rule| rule.id).chain(own).find(near) {
            Some(known) => format!("did you mean `{known}`?"),
            None => match did_you_mean(id, all().map(|rule| rule.name)).and_then(|_| nearest_name(id)) {
                Some(known) => format!("did you mean `{known}`?"),
                None => "`failback explain` lists the rules".to_owned(),
            },
        }
    }

    /// Returns whether a finding may be about something of this name.
    pub(crate) fn is_subject(&self, name: &str) -> bool {
        self.names().contains(name)
    }

    /// Returns "did you mean …?" for the name of a subject; `nth` counts the names that were asked for before.
    pub(crate) fn near_subject(&self, name: &str, nth: usize) -> Option<String> {
        (nth < NAMES_COMPARED).then(|| did_you_mean(name, self.names().iter().copied())).flatten()
    }

    fn names(&self) -> &HashSet<&'l str> {
        self.names.get_or_init(|| {
            let mut names = subjects(self.model);
            names.extend(self.found.values().flatten().map(|finding| finding.subject.name.as_str()));
            names
        })
    }
}

/// What is known about the id of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// There is such a rule.
    Known,
    /// There is none.
    Unknown,
    /// A policy may have such a rule, and no policy was read.
    NotRead,
    /// A policy may have such a rule, and policies are not looked at here.
    Elsewhere,
}

impl<'l> Entry<'l> {
    /// Returns whether it says why.
    pub(crate) fn is_reasoned(self) -> bool {
        match self.written {
            Written::Waiver(waiver) => waiver::is_reason(&waiver.reason.value),
            Written::Comment { remark, .. } => waiver::is_reason(&remark.reason),
        }
    }

    /// Returns where its reason is, or would be.
    pub(crate) fn reason_span(self) -> Span {
        match self.written {
            Written::Waiver(waiver) => waiver.reason.span,
            Written::Comment { remark, .. } => remark.comment.0,
        }
    }

    /// Returns the word for it.
    pub(crate) const fn word(self) -> &'static str {
        match self.written {
            Written::Waiver(_) => "waiver",
            Written::Comment { .. } => "comment",
        }
    }
}

/// Returns whether a plan and its inventory accept anything.
pub(crate) fn is_empty(model: &Model) -> bool {
    entries(model).next().is_none() && model.plan.acknowledge.is_empty()
}

/// Returns the ids of the rules of which something is accepted.
pub(crate) fn rules(model: &Model) -> HashSet<&str> {
    let named = model.plan.acknowledge.iter().map(|given| waiver::acknowledged(given.value));
    entries(model).map(|entry| entry.rule.value.as_str()).chain(named).collect()
}

fn entries<'l>(model: &'l Model) -> impl Iterator<Item = Entry<'l>> {
    let waivers = model.plan.waivers.iter();
    let waivers = waivers.map(|waiver| Entry { rule: &waiver.rule, written: Written::Waiver(waiver) });
    let comments = |remarks: &'l [Remark], in_inventory| {
        remarks.iter().flat_map(move |remark| {
            let written = Written::Comment { remark, in_inventory };
            remark.rules.iter().map(move |rule| Entry { rule, written })
        })
    };
    waivers.chain(comments(&model.plan.remarks, false)).chain(comments(&model.inventory.remarks, true))
}

/// Returns the built-in rule that has exactly this id.
fn built_in(id: &str) -> Option<&'static Rule> {
    all().find(|rule| rule.id == id)
}

/// Returns the id of the rule whose name is nearest to a word that is near one.
fn nearest_name(word: &str) -> Option<&'static str> {
    let near = all().min_by_key(|rule| strsim::damerau_levenshtein(&word.to_lowercase(), rule.name))?;
    Some(near.id)
}

/// Returns the names that findings may be about.
fn subjects(model: &Model) -> HashSet<&str> {
    let (plan, inventory) = (&model.plan, &model.inventory);
    let mut names: HashSet<&str> = HashSet::from([plan.name.value.as_str(), inventory.name.value.as_str()]);
    names.extend(model.machines().map(|machine| machine.name().value.as_str()));
    names.extend(model.groups().map(|group| group.name().value.as_str()));
    macro_rules! named {
        ($things:expr, $name:ident) => {
            names.extend($things.map(|thing| thing.$name.value.as_str()))
        };
    }
    named!(plan.boot_groups.iter(), name);
    named!(plan.actions.iter(), name);
    named!(plan.drills.iter(), name);
    names.extend(inventory.vault.iter().filter_map(|vault| Some(vault.name.as_ref()?.value.as_str())));
    named!(inventory.configuration_server.as_option().into_iter(), id);
    named!(inventory.vcenters.iter().flatten(), id);
    named!(inventory.hosts.iter().flatten(), name);
    named!(inventory.datastores.iter().flatten(), name);
    named!(inventory.master_targets.iter().flatten(), name);
    named!(inventory.process_servers.iter().flatten(), name);
    named!(inventory.appliances.iter().flatten(), name);
    named!(inventory.automation_accounts.iter().flatten(), name);
    named!(inventory.machines.iter().flatten(), name);
    named!(inventory.replication_groups.iter().flatten(), name);
    names.extend(inventory.storage_accounts.iter().flatten().map(|account| account.value.as_str()));
    let in_azure = inventory.machines.iter().flatten().filter_map(|machine| machine.azure_vm.as_ref());
    let of_servers = inventory.process_servers.iter().flatten().filter_map(|server| server.vnet.as_ref());
    let vnets = in_azure.filter_map(|vm| vm.vnet.as_ref()).chain(of_servers);
    names.extend(vnets.map(|vnet| vnet.value.as_str()));
    names
}
