//! A plan in words: ten lines about what comes back and how long that takes, and a line for each step.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::cli::deadline;
use crate::escape;
use crate::forecast::Forecast;
use crate::forecast::LimitKind;
use crate::forecast::Loss;
use crate::forecast::Objective;
use crate::forecast::Range;
use crate::forecast::Verdict;
use crate::graph::Graph;
use crate::graph::StepIndex;
use crate::graph::StepKind;
use crate::model::LocationMode;
use crate::quantity::Bytes;
use crate::quantity::Seconds;
use crate::render::style::Style;
use crate::render::style::Tone;
use crate::render::summary::Counts;
use crate::report;
use crate::rules::Found;
use crate::syntax::inventory::Experience;

/// Replication groups that are named one by one, and kinds of losses that are told apart; the others are counted.
const NAMED: usize = 5;
/// Characters of a digest that tell plans apart for a person; all of them are in the JSON and in the details.
const DIGEST: usize = "sha256:".len() + 12;

/// Returns the steps in the order in which people read them: by depth, wave and name.
#[must_use]
pub fn in_order(graph: &Graph) -> Vec<StepIndex> {
    let mut steps: Vec<StepIndex> = (0..).zip(graph.steps()).map(|(at, _)| at).collect();
    steps.sort_by_key(|at| {
        let step = graph.step(*at);
        (step.level, step.wave, step.kind, *at)
    });
    steps
}

fn plural(count: usize, one: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {one}s") }
}

/// Returns a range in words, in whole minutes unless it is shorter than that.
#[must_use]
pub fn range(range: Range) -> String {
    let (low, high) = (range.low_s, range.high_s);
    let (low, high) = if high < 120 { (low, high) } else { (low / 60 * 60, high.div_ceil(60) * 60) };
    if low == high { Seconds(high).to_string() } else { format!("{} to {}", Seconds(low), Seconds(high)) }
}

/// Returns ten lines about a plan.
#[must_use]
pub fn summary(graph: &Graph, forecast: &Forecast, findings: &Found, digest: &str, style: Style) -> String {
    let model = graph.model();
    let mut text = String::new();
    let counts = Counts::of_found(findings).in_words();
    let counts = if counts.is_empty() { String::new() } else { format!(" ({counts}: see failback check)") };
    let name = style.paint(Tone::Strong, escape::line(&model.plan.name.value).into_owned());
    let groups = match model.groups().len() {
        0 => String::new(),
        count => format!(" in {}", plural(count, "replication group")),
    };
    let machines = plural(model.machines().len(), "machine");
    let assumed = in_brackets(report::assumed::experience(&forecast.assumed));
    let experience = format!("{}{assumed}", graph.experience());
    let digest = digest.get(..DIGEST).unwrap_or(digest);
    let _ = writeln!(text, "{name}: {machines}{groups}, {experience}{counts}; digest {digest}");
    let mut line = |head: &str, body: String| {
        let _ = writeln!(text, "  {} {body}", style.paint(Tone::Faint, format!("{head:<16}")));
    };
    line("comes back", [locations(graph)].into_iter().chain(adopted(graph)).collect::<Vec<_>>().join("; "));
    line("data", data(forecast));
    line("recovery points", recovery_points(graph, forecast));
    line("waves", waves(graph, forecast));
    line("persons", persons(forecast));
    line("irreversible", irreversible(graph));
    line("no way back", no_return(graph, forecast));
    let total = Range { low_s: forecast.low_s, high_s: forecast.high_s };
    let deadline =
        deadline::concern(forecast).map_or_else(String::new, |(_, concern)| format!("; {concern}"));
    line("expected time", format!("{}; {}{deadline}", range(total), binding(forecast)));
    line("downtime", downtime(&forecast.rto));
    text
}

fn locations(graph: &Graph) -> String {
    let (mut original, mut alternate, mut unknown) = (0, 0, 0);
    for machine in graph.model().machines() {
        match machine.location_mode() {
            Ok(LocationMode::Original) => original += 1,
            Ok(LocationMode::Alternate) => alternate += 1,
            Err(_) => unknown += 1,
        }
    }
    let part = |count: usize, words: &str| (count > 0).then(|| format!("{count} {words}"));
    let parts = [
        part(original, "into the original VM, which gets what changed"),
        part(alternate, "as a new VM, which gets everything"),
        part(unknown, "of which the facts don't tell where"),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join("; ")
}

fn data(forecast: &Forecast) -> String {
    let bytes = forecast.bytes;
    let (low, high, worst) = (Bytes(bytes.low), Bytes(bytes.high), Bytes(bytes.worst));
    if bytes.high == 0 {
        return "nothing is left to be carried to on-premises".to_owned();
    }
    let expected = if bytes.low == bytes.high { high.to_string() } else { format!("{low} to {high}") };
    let expected =
        if bytes.worst == bytes.high { expected } else { format!("{expected} expected, {worst} at worst") };
    format!("{expected}{}", in_brackets(report::assumed::data(&forecast.assumed)))
}

/// Returns what is taken for granted, in brackets.
fn in_brackets(assumed: Option<String>) -> String {
    assumed.map_or_else(String::new, |assumed| format!(" (assumed: {assumed})"))
}

fn loss(loss: &Loss) -> String {
    let kind = loss.kind.map_or("not known", crate::model::PointChoice::as_str);
    match loss.loss_s {
        None if loss.kind.is_none() => kind.to_owned(),
        None => format!("{kind}, chosen already"),
        Some(Range { high_s: 0, .. }) => format!("{kind}, loses nothing"),
        Some(Range { high_s, .. }) => format!("{kind}, loses up to {}", Seconds(high_s)),
    }
}

fn recovery_points(graph: &Graph, forecast: &Forecast) -> String {
    let groups = graph.model().groups().len();
    let mut parts: Vec<String> = forecast.losses[..groups.min(NAMED)]
        .iter()
        .map(|of| format!("{}: {}", escape::line(&of.subject), loss(of)))
        .collect();
    let mut counted = |losses: &[Loss], what: &str| {
        let mut kinds: BTreeMap<String, Vec<&Loss>> = BTreeMap::new();
        for of in losses {
            kinds.entry(loss(of)).or_default().push(of);
        }
        let mut kinds: Vec<(String, Vec<&Loss>)> = kinds.into_iter().collect();
        kinds.sort_by_key(|(_, of)| std::cmp::Reverse(of.len()));
        let rest: Vec<&Loss> =
            kinds.split_off(kinds.len().min(NAMED)).into_iter().flat_map(|(_, of)| of).collect();
        parts.extend(kinds.into_iter().map(|(loss, of)| format!("{}: {loss}", plural(of.len(), what))));
        if let Some(most) = rest.iter().filter_map(|of| of.loss_s).map(|lost| lost.high_s).max() {
            parts.push(format!(
                "{}: loses up to {}",
                plural(rest.len(), &format!("more {what}")),
                Seconds(most)
            ));
        }
    };
    counted(&forecast.losses[groups.min(NAMED)..groups], "other group");
    counted(&forecast.losses[groups..], if groups == 0 { "machine" } else { "other machine" });
    if let Some(verdict) = verdict("rpo", &forecast.rpo) {
        parts.push(verdict);
    }
    parts.join("; ")
}

fn verdict(word: &str, objective: &Objective) -> Option<String> {
    let (most, verdict) = (objective.objective_s?, objective.verdict?);
    let verdict = match verdict {
        Verdict::Kept => "kept",
        Verdict::Uncertain => "may be missed",
        Verdict::Missed => "missed",
    };
    Some(format!("objective {word} {}: {verdict}", Seconds(most)))
}

fn waves(graph: &Graph, forecast: &Forecast) -> String {
    let assumed = in_brackets(report::assumed::waves(&forecast.assumed));
    if graph.waves().count <= 1 {
        return format!("1: all disks fit at once{assumed}");
    }
    let slots = forecast.limits.iter().find(|limit| limit.kind == LimitKind::Slots);
    let because = slots.map_or_else(String::new, |limit| format!(" ({})", escape::line(&limit.text)));
    format!("{}, one after another{because}{assumed}", graph.waves().count)
}

fn persons(forecast: &Forecast) -> String {
    let people = forecast.people;
    if people.approvals + people.manual == 0 {
        return "nobody is asked".to_owned();
    }
    let manual = if people.manual == 0 {
        String::new()
    } else {
        format!(" and {}", plural(people.manual, "manual step"))
    };
    format!("{}{manual}; the time that persons take is not counted", plural(people.approvals, "approval"))
}

fn irreversible(graph: &Graph) -> String {
    let mut kinds: BTreeMap<StepKind, usize> = BTreeMap::new();
    let steps = (0..).zip(graph.steps()).filter(|(at, step)| graph.is_irreversible(*at) && !step.adopted);
    for (_, step) in steps {
        *kinds.entry(step.kind).or_default() += 1;
    }
    if kinds.is_empty() {
        return "nothing is left that can't be taken back".to_owned();
    }
    let word = |kind: StepKind| match kind {
        StepKind::Reprotect => "rewrites on-premises disks",
        StepKind::AwaitDeletion => "a person deletes the on-premises VM",
        StepKind::Commit => "deletes the Azure VM",
        _ => "can't be cancelled",
    };
    let parts = kinds.into_iter().map(|(kind, count)| format!("{count} {} ({})", kind.as_str(), word(kind)));
    parts.collect::<Vec<_>>().join(", ")
}

/// Returns from when on machines can't be left in Azure any more.
fn no_return(graph: &Graph, forecast: &Forecast) -> String {
    let machines = 0..graph.model().machines().len();
    let open: Vec<usize> =
        machines.filter(|machine| !graph.step(graph.point_of_no_return(*machine)).adopted).collect();
    let (Some(first), Some(last)) = (
        open.iter().map(|machine| forecast.no_return[*machine].low_s).min(),
        open.iter().map(|machine| forecast.no_return[*machine].high_s).max(),
    ) else {
        return "every machine is past its point of no return".to_owned();
    };
    let from = match graph.experience() {
        Experience::Classic => "from its failover on, which nothing cancels",
        Experience::Modernized => "from its commit on; before, a failover can be cancelled",
    };
    let passed = graph.model().machines().len() - open.len();
    let passed =
        if passed == 0 { String::new() } else { format!("; {} past it already", plural(passed, "machine")) };
    format!("for a machine, {from}: {} after the start{passed}", range(Range { low_s: first, high_s: last }))
}

fn binding(forecast: &Forecast) -> String {
    let binding = &forecast.binding;
    let text = escape::line(&binding.text).into_owned();
    match binding.kind {
        LimitKind::Service => format!("it is {text} that take the time"),
        LimitKind::Bandwidth
        | LimitKind::MachineRate
        | LimitKind::MaxParallel
        | LimitKind::MaxPerVcenter
        | LimitKind::Slots
        | LimitKind::Window
        | LimitKind::RecoveryPoints
        | LimitKind::Order
        | LimitKind::Actions => {
            let saves = Seconds(binding.saves_s.div_ceil(60) * 60);
            format!("held up by {text} (about {saves} of it)")
        }
    }
}

fn downtime(rto: &Objective) -> String {
    if rto.expected.high_s == 0 {
        return "none: every machine has failed back".to_owned();
    }
    let verdict = verdict("rto", rto).map_or_else(String::new, |verdict| format!("; {verdict}"));
    format!("{} from the first failover to the last verification{verdict}", range(rto.expected))
}

/// Returns what is done already, if anything is.
fn adopted(graph: &Graph) -> Option<String> {
    let mut kinds: BTreeMap<StepKind, usize> = BTreeMap::new();
    for step in graph.steps().iter().filter(|step| step.adopted) {
        *kinds.entry(step.kind).or_default() += 1;
    }
    let told = |kind: StepKind, words: &str| kinds.get(&kind).map(|count| format!("{count} {words}"));
    let parts = [
        told(StepKind::Reprotect, "reprotected"),
        told(StepKind::AwaitProtected, "protected to on-premises"),
        told(StepKind::Failover, "failed back"),
        told(StepKind::Commit, "committed"),
        told(StepKind::Forward, "reprotected to Azure"),
        told(StepKind::AwaitForward, "protected in Azure"),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    (!parts.is_empty()).then(|| format!("done already: {}", parts.join(", ")))
}

/// Writes from which step on each machine can't be left in Azure any more, and when that begins.
pub fn ways_back(text: &mut String, graph: &Graph, forecast: &Forecast, style: Style) {
    let machines: Vec<(String, StepIndex, Range)> = graph
        .model()
        .machines()
        .map(|machine| {
            let at = machine.index();
            let name = escape::line(&machine.name().value).into_owned();
            (name, graph.point_of_no_return(at), forecast.no_return[at])
        })
        .collect();
    let wide = |text: &str, title: &str| text.chars().count().max(title.len()).min(60);
    let width = machines.iter().map(|(name, ..)| wide(name, "no way back")).max().unwrap_or(0);
    let steps = machines.iter().map(|(_, step, _)| wide(graph.step(*step).id.as_str(), "from"));
    let steps = steps.max().unwrap_or(0);
    let _ = writeln!(text, "{:<width$}  {:<steps$}  after the start", "no way back", "from");
    for (name, at, when) in machines {
        let step = graph.step(at);
        let id = escape::line(step.id.as_str()).into_owned();
        let when =
            if step.adopted { style.paint(Tone::Warning, "passed already").to_string() } else { range(when) };
        let _ = writeln!(text, "{name:<width$}  {id:<steps$}  {when}");
    }
}

/// Writes a line for each step.
pub fn steps(text: &mut String, graph: &Graph, forecast: &Forecast, style: Style) {
    let order = in_order(graph);
    let width = order.iter().map(|at| graph.step(*at).id.as_str().chars().count()).max().unwrap_or(0).min(60);
    let _ = writeln!(text, "{:>5} {:>4}  {:<width$}  {:<20}  ", "level", "wave", "step", "takes");
    for at in order {
        let step = graph.step(at);
        let wave = if step.wave == 0 { "-".to_owned() } else { step.wave.to_string() };
        let id = escape::line(step.id.as_str()).into_owned();
        let mut marks: Vec<String> = Vec::new();
        if step.adopted {
            marks.push(style.paint(Tone::Good, "done already").to_string());
        } else {
            if graph.needs_approval(at) {
                marks.push(style.paint(Tone::Open, "asks a person").to_string());
            }
            if graph.is_irreversible(at) {
                marks.push(style.paint(Tone::Warning, "irreversible").to_string());
            }
        }
        let takes = match forecast.steps[at as usize] {
            Range { high_s: 0, .. } => "-".to_owned(),
            other => range(other),
        };
        let line = format!("{:>5} {wave:>4}  {id:<width$}  {takes:<20}  {}", step.level, marks.join(", "));
        let _ = writeln!(text, "{}", line.trim_end());
    }
}
