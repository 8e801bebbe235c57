//! What must come before what: every edge between phases, with the line that asks for it; and cycles among them.
//!
//! The order inside one machine's life cycle is the domain's. Other edges come from `depends_on`, `boot_groups`
//! and `actions`, so a cycle can only come from those.

use std::collections::HashMap;
use std::collections::HashSet;
use std::collections::VecDeque;

use petgraph::graph::DiGraph;
use petgraph::graph::NodeIndex;

use crate::model::Machine;
use crate::model::Model;
use crate::source::Span;
use crate::syntax::action::Hook;
use crate::syntax::action::HookOutcome;
use crate::syntax::action::Phase;

/// Whose phase it is. Members of a replication group fail over and commit together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Subject {
    /// A machine, by its index in the model.
    Machine(usize),
    /// A replication group, by its index in the model.
    Group(usize),
}

/// A point in the order of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Point {
    /// A phase of a subject.
    Phase(Phase, Subject),
    /// Every machine is protected to on-premises: no machine fails over before
    /// (site-recovery-failback-azure-to-vmware, To what recovery point can I fail back, 2017-06-05).
    Barrier,
    /// The end of a boot group, by its index in the plan: all its members are verified.
    BootGroupDone(usize),
    /// An action, by its index in the plan.
    Action(usize),
}

/// Why one point comes before another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// The life cycle of a machine.
    LifeCycle,
    /// `depends_on`.
    DependsOn,
    /// The order of the boot groups.
    BootGroup,
    /// An action before or after a phase.
    Action,
}

/// One point comes before another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edge {
    /// What comes first.
    pub from: Point,
    /// What waits for it.
    pub to: Point,
    /// Why.
    pub reason: Reason,
    /// The line that asks for it.
    pub span: Span,
}

/// Returns the subject whose failover and commit a machine takes part in.
#[must_use]
pub fn switch_subject(machine: Machine<'_>) -> Subject {
    machine.group().map_or(Subject::Machine(machine.index()), |group| Subject::Group(group.index()))
}

/// Returns the subject of a phase of a machine: failover and commit are of its replication group, the others its own.
#[must_use]
pub fn subject_of(phase: Phase, machine: Machine<'_>) -> Subject {
    match phase {
        Phase::Failover | Phase::Commit => switch_subject(machine),
        Phase::Run | Phase::Reprotect | Phase::Verify | Phase::Forward => Subject::Machine(machine.index()),
    }
}

/// Returns every edge of a plan, in the order of the document. Names that nothing has make no edge.
#[must_use]
pub fn edges(model: &Model) -> Vec<Edge> {
    let mut edges = Vec::with_capacity(model.machines().len() * 5);
    life_cycles(model, &mut edges);
    dependencies(model, &mut edges);
    boot_groups(model, &mut edges);
    actions(model, &mut edges);
    edges
}

/// Phases of a machine in the order of site-recovery-failback-azure-to-vmware (2017-06-05).
const LIFE_CYCLE: [Phase; 5] =
    [Phase::Reprotect, Phase::Failover, Phase::Verify, Phase::Commit, Phase::Forward];

fn life_cycles(model: &Model, edges: &mut Vec<Edge>) {
    for machine in model.machines() {
        for pair in LIFE_CYCLE.windows(2) {
            edges.push(Edge {
                from: Point::Phase(pair[0], subject_of(pair[0], machine)),
                to: Point::Phase(pair[1], subject_of(pair[1], machine)),
                reason: Reason::LifeCycle,
                span: machine.name().span,
            });
        }
        let life = |from, to| Edge { from, to, reason: Reason::LifeCycle, span: machine.name().span };
        let reprotected = Point::Phase(Phase::Reprotect, Subject::Machine(machine.index()));
        edges.push(life(reprotected, Point::Barrier));
        edges.push(life(Point::Barrier, Point::Phase(Phase::Failover, switch_subject(machine))));
    }
}

/// Returns the machines that a name of the plan stands for: a machine, or the members of a replication group.
#[must_use]
pub fn machines_of<'m>(model: &'m Model, name: &str) -> Vec<Machine<'m>> {
    match model.group_named(name) {
        Some(group) => group.members().collect(),
        None => model.machine_named(name).into_iter().collect(),
    }
}

fn dependencies(model: &Model, edges: &mut Vec<Edge>) {
    let mut depend = |subject: Subject, dependencies: &[crate::source::Spanned<String>]| {
        for dependency in dependencies {
            for machine in machines_of(model, &dependency.value) {
                edges.push(Edge {
                    from: Point::Phase(Phase::Verify, Subject::Machine(machine.index())),
                    to: Point::Phase(Phase::Failover, subject),
                    reason: Reason::DependsOn,
                    span: dependency.span,
                });
            }
        }
    };
    for group in model.groups() {
        depend(Subject::Group(group.index()), &group.plan().depends_on);
    }
    for machine in model.machines() {
        depend(switch_subject(machine), machine.depends_on());
    }
}

fn boot_groups(model: &Model, edges: &mut Vec<Edge>) {
    for (at, group) in model.plan.boot_groups.iter().enumerate() {
        for member in &group.members {
            for machine in machines_of(model, &member.value) {
                let edge = |from, to| Edge { from, to, reason: Reason::BootGroup, span: member.span };
                let verified = Point::Phase(Phase::Verify, Subject::Machine(machine.index()));
                edges.push(edge(verified, Point::BootGroupDone(at)));
                if at > 0 {
                    let failover = Point::Phase(Phase::Failover, switch_subject(machine));
                    edges.push(edge(Point::BootGroupDone(at - 1), failover));
                }
            }
        }
        if at > 0 {
            // A group whose members are all gone or elsewhere still keeps the order of its neighbours.
            let (from, to) = (Point::BootGroupDone(at - 1), Point::BootGroupDone(at));
            edges.push(Edge { from, to, reason: Reason::BootGroup, span: group.name.span });
        }
    }
    edges.dedup();
}

/// Returns the subjects of a phase that a hook names: of a machine, of a replication group, or of all members of a boot group.
#[must_use]
pub fn hook_subjects(model: &Model, phase: Phase, of: &str) -> Vec<Subject> {
    let boot_group = model.plan.boot_groups.iter().find(|group| group.name.value == of);
    let machines: Vec<Machine<'_>> = match boot_group {
        Some(group) => group.members.iter().flat_map(|member| machines_of(model, &member.value)).collect(),
        None => machines_of(model, of),
    };
    let mut subjects: Vec<Subject> = machines.into_iter().map(|machine| subject_of(phase, machine)).collect();
    subjects.sort_unstable();
    subjects.dedup();
    subjects
}

fn actions(model: &Model, edges: &mut Vec<Edge>) {
    let follows = successors(model, edges);
    for (at, action) in model.plan.actions.iter().enumerate() {
        if let Some(hook) = &action.before
            && let Some(of) = &hook.of
        {
            for subject in hook_subjects(model, hook.phase.value, &of.value) {
                let to = Point::Phase(hook.phase.value, subject);
                edges.push(Edge { from: Point::Action(at), to, reason: Reason::Action, span: of.span });
            }
        }
        if let Some(hook) = &action.after
            && let Some(of) = &hook.of
        {
            for subject in hook_subjects(model, hook.phase.value, &of.value) {
                let from = Point::Phase(hook.phase.value, subject);
                edges.push(Edge { from, to: Point::Action(at), reason: Reason::Action, span: of.span });
                // What follows the phase follows its action too, unless that is for failures only.
                for to in follows.get(&from).into_iter().flatten().filter(|_| runs_on_success(hook)) {
                    edges.push(Edge {
                        from: Point::Action(at),
                        to: *to,
                        reason: Reason::Action,
                        span: of.span,
                    });
                }
            }
        }
    }
}

/// Returns whether an action after a phase runs when the phase ended well.
#[must_use]
pub fn runs_on_success(hook: &Hook) -> bool {
    hook.outcome.is_empty() || hook.outcome.iter().any(|outcome| outcome.value == HookOutcome::Success)
}

/// Returns what directly follows each phase that an action stands after.
fn successors(model: &Model, edges: &[Edge]) -> HashMap<Point, Vec<Point>> {
    let hooked: HashSet<Phase> =
        model.plan.actions.iter().filter_map(|action| Some(action.after.as_ref()?.phase.value)).collect();
    let mut follows: HashMap<Point, Vec<Point>> = HashMap::new();
    for edge in edges {
        if let Point::Phase(phase, _) = edge.from
            && hooked.contains(&phase)
        {
            follows.entry(edge.from).or_default().push(edge.to);
        }
    }
    follows
}

/// Returns the shortest cycle, beginning at an edge that the document asks for; `None` if the steps can be ordered.
#[must_use]
pub fn shortest_cycle(edges: &[Edge]) -> Option<Vec<Edge>> {
    let places = Places::of(edges);
    if can_be_ordered(edges, &places) {
        return None;
    }
    let mut graph: DiGraph<(), usize> = DiGraph::with_capacity(places.count, edges.len());
    for _ in 0..places.count {
        graph.add_node(());
    }
    for (at, edge) in edges.iter().enumerate() {
        graph.add_edge(places.node(edge.from), places.node(edge.to), at);
    }
    // Kosaraju's algorithm does not recurse, so a long chain can't overflow the stack.
    let mut component = vec![0; places.count];
    for (at, nodes) in petgraph::algo::kosaraju_scc(&graph).into_iter().enumerate() {
        for node in nodes {
            component[node.index()] = at;
        }
    }
    let of = |point| component[places.node(point).index()];
    let inside = |edge: &Edge| of(edge.from) == of(edge.to);
    let mut best: Option<Vec<usize>> = None;
    // The document's own edges, a bounded number of them: each search is linear in the size of its component.
    let starts =
        edges.iter().enumerate().filter(|(_, edge)| edge.reason != Reason::LifeCycle && inside(edge));
    for (at, edge) in starts.take(512) {
        let limit = best.as_ref().map_or(usize::MAX, Vec::len);
        if let Some(path) = path_back(&graph, &component, places.node(edge.to), places.node(edge.from), limit)
        {
            let mut cycle = vec![at];
            cycle.extend(path);
            if cycle.len() < limit {
                best = Some(cycle);
            }
        }
    }
    best.map(|cycle| cycle.into_iter().map(|at| edges[at]).collect())
}

/// Returns whether the steps can be ordered, as in nearly every plan, without making a graph of them.
fn can_be_ordered(edges: &[Edge], places: &Places) -> bool {
    let node = |point| places.node(point).index();
    let (mut starts, mut waiting) = (vec![0_usize; places.count + 1], vec![0_usize; places.count]);
    for edge in edges {
        starts[node(edge.from) + 1] += 1;
        waiting[node(edge.to)] += 1;
    }
    for at in 0..places.count {
        starts[at + 1] += starts[at];
    }
    let (mut after, mut next) = (vec![0_usize; edges.len()], starts.clone());
    for edge in edges {
        let place = &mut next[node(edge.from)];
        after[*place] = node(edge.to);
        *place += 1;
    }
    let mut free: Vec<usize> = (0..places.count).filter(|at| waiting[*at] == 0).collect();
    let mut ordered = 0;
    while let Some(at) = free.pop() {
        ordered += 1;
        for after in &after[starts[at]..starts[at + 1]] {
            waiting[*after] -= 1;
            if waiting[*after] == 0 {
                free.push(*after);
            }
        }
    }
    ordered == places.count
}

/// Numbers the points of some edges without a table of them: a large plan has a million edges.
struct Places {
    /// Machines, then groups.
    subjects: usize,
    machines: usize,
    boot_groups: usize,
    count: usize,
}

/// Phases that a point may have.
const PHASES: usize = Phase::WORDS.len();

impl Places {
    fn of(edges: &[Edge]) -> Self {
        let (mut machines, mut groups, mut boot_groups, mut actions) = (0, 0, 0, 0);
        for point in edges.iter().flat_map(|edge| [edge.from, edge.to]) {
            match point {
                Point::Phase(_, Subject::Machine(index)) => machines = machines.max(index + 1),
                Point::Phase(_, Subject::Group(index)) => groups = groups.max(index + 1),
                Point::Barrier => {}
                Point::BootGroupDone(index) => boot_groups = boot_groups.max(index + 1),
                Point::Action(index) => actions = actions.max(index + 1),
            }
        }
        let subjects = machines + groups;
        Self { subjects, machines, boot_groups, count: subjects * PHASES + 1 + boot_groups + actions }
    }

    fn node(&self, point: Point) -> NodeIndex {
        let rest = self.subjects * PHASES;
        NodeIndex::new(match point {
            Point::Phase(phase, Subject::Machine(index)) => index * PHASES + phase as usize,
            Point::Phase(phase, Subject::Group(index)) => (self.machines + index) * PHASES + phase as usize,
            Point::Barrier => rest,
            Point::BootGroupDone(index) => rest + 1 + index,
            Point::Action(index) => rest + 1 + self.boot_groups + index,
        })
    }
}

/// Returns the edges of a shortest path inside one component, if it is shorter than `limit`.
fn path_back(
    graph: &DiGraph<(), usize>,
    component: &[usize],
    from: NodeIndex,
    to: NodeIndex,
    limit: usize,
) -> Option<Vec<usize>> {
    use petgraph::visit::EdgeRef as _;
    let mut reached: HashMap<NodeIndex, Option<(NodeIndex, usize)>> = HashMap::from([(from, None)]);
    let mut queue = VecDeque::from([(from, 0_usize)]);
    while let Some((node, depth)) = queue.pop_front() {
        if node == to {
            let mut path = Vec::new();
            let mut node = node;
            while let Some((before, edge)) = reached[&node] {
                path.push(edge);
                node = before;
            }
            path.reverse();
            return Some(path);
        }
        if depth + 2 > limit {
            return None;
        }
        for edge in graph.edges(node) {
            let next = edge.target();
            if component[next.index()] == component[node.index()] && !reached.contains_key(&next) {
                reached.insert(next, Some((node, *edge.weight())));
                queue.push_back((next, depth + 1));
            }
        }
    }
    None
}
