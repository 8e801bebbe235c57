//! The plans that come with the project: those that may run do, and those that are refused are refused for what they say.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::path::PathBuf;

use failback::diagnostic::Severity;
use failback::graph::Graph;
use failback::graph::StepKind;
use failback::graph::compile;
use failback::model::LocationMode;
use failback::model::Model;
use failback::model::resolve;
use failback::rules;
use failback::rules::Options;
use failback::rules::OriginFilter;
use failback::rules::State;
use failback::source::Sources;
use failback::syntax::Document;
use failback::syntax::inventory::DatastoreType;
use failback::syntax::inventory::Inventory;
use failback::syntax::machine::DiskKind;
use failback::syntax::machine::MachineKind;
use failback::syntax::parse;
use failback::syntax::plan::RecoveryPlan;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("plans")
}

/// Returns the files of a folder whose names end so, in the order of their names.
fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .expect("plans can be listed")
        .map(|entry| entry.expect("plans can be listed").path())
        .filter(|path| name(path).ends_with(ending))
        .collect();
    files.sort();
    files
}

fn name(path: &Path) -> String {
    path.file_name().expect("a file has a name").to_string_lossy().into_owned()
}

fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Reads the one document of a file; mistakes are returned by their codes.
fn document(path: &Path, sources: &mut Sources) -> Result<Document, Vec<String>> {
    let index = sources.add(path.display().to_string(), text(path)).expect("the text fits");
    let mut diagnostics = Vec::new();
    let mut documents = parse(sources.get(index), &mut diagnostics);
    if !diagnostics.is_empty() {
        return Err(diagnostics.iter().map(|diagnostic| diagnostic.code.to_owned()).collect());
    }
    assert_eq!(documents.len(), 1, "{}", path.display());
    Ok(documents.remove(0))
}

fn inventory_of(plan: &RecoveryPlan, file: &Path, sources: &mut Sources) -> Inventory {
    let named = plan.inventory.as_ref().unwrap_or_else(|| panic!("{} names no inventory", file.display()));
    let path = file.parent().expect("a file has a folder").join(&named.value);
    match document(&path, sources) {
        Ok(Document::Inventory(inventory)) => *inventory,
        Ok(Document::Plan(_) | Document::Policy(_) | Document::Settings(_)) => {
            panic!("{} is not an inventory", path.display())
        }
        Err(mistakes) => panic!("{}: {mistakes:?}", path.display()),
    }
}

/// Reads a plan with its inventory and binds it; mistakes are returned by their codes.
fn model(file: &Path) -> Result<Model, Vec<String>> {
    let mut sources = Sources::new();
    let plan = match document(file, &mut sources)? {
        Document::Plan(plan) => *plan,
        Document::Inventory(_) | Document::Policy(_) | Document::Settings(_) => {
            panic!("{} is not a plan", file.display())
        }
    };
    let inventory = inventory_of(&plan, file, &mut sources);
    Ok(resolve(plan, inventory))
}

/// Checks a plan as of the moment at which its facts were observed.
fn checked(model: Model) -> rules::Report {
    let now = model.observed_at().expect("the inventory says when it was observed");
    rules::check(model, &Options { origin: OriginFilter::All, strict: true, now })
}

fn graph(plan: &str) -> Graph {
    let model = model(&folder().join(plan)).unwrap_or_else(|mistakes| panic!("{plan}: {mistakes:?}"));
    compile(checked(model).checked.as_ref().unwrap_or_else(|| panic!("{plan} is refused")))
}

fn steps(graph: &Graph, kind: StepKind) -> usize {
    graph.steps().iter().filter(|step| step.kind == kind).count()
}

#[test]
fn every_plan_may_run_and_leaves_nothing_to_be_weighed() {
    let plans = files(&folder(), ".plan.yaml");
    assert!(plans.len() >= 2, "{plans:?}");
    for plan in plans {
        let plan_name = name(&plan);
        let model = model(&plan).unwrap_or_else(|mistakes| panic!("{plan_name}: {mistakes:?}"));
        let report = checked(model);
        let open: Vec<String> = report
            .findings
            .iter()
            .filter(|finding| {
                finding.severity > Severity::Info && !matches!(finding.state, State::Waived | State::Pending)
                    || finding.state == State::Indeterminate
            })
            .map(|finding| {
                format!(
                    "{} {} {}: {}",
                    finding.rule,
                    finding.state.as_str(),
                    finding.subject.name,
                    finding.message
                )
            })
            .collect();
        assert!(open.is_empty(), "{plan_name}:\n{}", open.join("\n"));
        let checked = report.checked.as_ref().unwrap_or_else(|| panic!("{plan_name} is refused"));
        assert!(!compile(checked).steps().is_empty(), "{plan_name}");
    }
}

#[test]
fn the_enterprise_plan_brings_a_whole_site_home() {
    let graph = graph("enterprise.plan.yaml");
    let model = graph.model();
    assert!(model.machines().len() >= 40, "{} machines", model.machines().len());
    assert_eq!(model.groups().len(), 3);
    assert!(model.plan.boot_groups.len() >= 2);
    assert_eq!(
        graph.waves().count,
        2,
        "the disks of the Windows machines don't fit on their master target at once"
    );
    assert_eq!(steps(&graph, StepKind::Reprotect), model.machines().len());
    // Groups fail over whole.
    let members: usize = model.groups().map(|group| group.members().count()).sum();
    assert_eq!(steps(&graph, StepKind::Failover), model.machines().len() - members + 3);
    assert_eq!(
        steps(&graph, StepKind::AwaitPoint),
        1,
        "the failover of the databases waits for a newer point"
    );
    assert!(steps(&graph, StepKind::Action) >= 6);
}

#[test]
fn the_enterprise_plan_has_machines_of_every_kind() {
    let graph = graph("enterprise.plan.yaml");
    let model = graph.model();
    let alternate = |kind: MachineKind| {
        let lost = model.machines().filter(|machine| {
            machine.kind() == Ok(kind) && machine.location_mode() == Ok(LocationMode::Alternate)
        });
        lost.count()
    };
    assert!(alternate(MachineKind::VmwareVm) >= 3);
    assert!(alternate(MachineKind::Physical) >= 2);
    let original_on = |matches: &dyn Fn(&failback::syntax::machine::OnpremDisk) -> bool| {
        model
            .machines()
            .filter(|machine| machine.location_mode() == Ok(LocationMode::Original))
            .filter(|machine| machine.onprem_disks().is_ok_and(|disks| disks.iter().any(matches)))
            .count()
    };
    let is_vsan = |name: &str| {
        let datastore = model.datastore(name).expect("a disk lies on a datastore of the inventory");
        datastore.kind.is_some_and(|kind| kind.value == DatastoreType::Vsan)
    };
    assert!(original_on(&|disk| disk.kind.is_some_and(|kind| kind.value == DiskKind::Rdm)) >= 1);
    assert!(original_on(&|disk| disk.datastore.as_option().is_some_and(|name| is_vsan(&name.value))) >= 1);
}

#[test]
fn what_is_half_way_home_is_taken_as_done() {
    let graph = graph("enterprise.plan.yaml");
    for (step, adopted) in graph
        .steps()
        .iter()
        .filter(|step| step.kind == StepKind::Reprotect)
        .map(|step| (step.id.to_string(), step.adopted))
    {
        assert_eq!(adopted, ["reprotect/print01", "reprotect/mon01"].contains(&step.as_str()), "{step}");
    }
}

#[test]
fn the_branch_office_comes_home_with_nobody_at_the_screen() {
    let graph = graph("branch-office.plan.yaml");
    let model = graph.model();
    assert_eq!(model.machines().len(), 6);
    assert_eq!(model.groups().len(), 1);
    for index in 0..u32::try_from(graph.steps().len()).expect("a small plan") {
        assert!(!graph.needs_approval(index), "{}", graph.step(index).id);
    }
}

/// Returns the findings that the first line of a refused plan names: the one that it shows, and those that it may show too.
fn named(path: &Path) -> (String, BTreeSet<String>) {
    let text = text(path);
    let line = text.lines().next().and_then(|line| line.strip_prefix("# refused: "));
    let line = line.unwrap_or_else(|| panic!("{} does not say what it shows", path.display()));
    let (first, rest) = line.split_once(' ').expect("a finding and why");
    let also = rest.strip_prefix("(also ").and_then(|rest| rest.split_once(')')).map_or("", |(also, _)| also);
    (first.to_owned(), also.split(", ").filter(|id| !id.is_empty()).map(str::to_owned).collect())
}

#[test]
fn every_refused_plan_is_refused_for_what_its_first_line_says() {
    let plans = files(&folder().join("refused"), ".plan.yaml");
    assert!(plans.len() >= 8, "{plans:?}");
    for plan in plans {
        let plan_name = name(&plan);
        let (first, also) = named(&plan);
        let errors: BTreeSet<String> = match model(&plan) {
            Err(codes) => codes.into_iter().collect(),
            Ok(model) => {
                let now = model.observed_at().expect("the inventory says when it was observed");
                let report = rules::check(model, &Options { origin: OriginFilter::All, strict: false, now });
                assert!(report.checked.is_none(), "{plan_name} may run");
                let errors = report.findings.iter().filter(|finding| {
                    finding.severity == Severity::Error
                        && matches!(finding.state, State::Violated | State::Indeterminate)
                });
                errors.map(|finding| finding.rule.to_string()).collect()
            }
        };
        assert!(errors.contains(&first), "{plan_name}: {errors:?}");
        let others: Vec<&String> = errors.iter().filter(|id| **id != first && !also.contains(*id)).collect();
        assert!(others.is_empty(), "{plan_name} shows {others:?} too");
    }
}

#[test]
fn every_document_names_its_schema_and_the_readme_names_every_document() {
    let root = folder();
    let readme = text(&root.join("README.md"));
    for folder in [root.clone(), root.join("refused")] {
        for path in files(&folder, ".yaml") {
            let file = name(&path);
            let text = text(&path);
            let schema = text
                .lines()
                .take_while(|line| line.starts_with('#'))
                .find_map(|line| line.strip_prefix("# yaml-language-server: $schema="))
                .unwrap_or_else(|| panic!("{file} names no schema"));
            let expected = match file.as_str() {
                "failback.yaml" => "settings",
                plan if plan.ends_with(".plan.yaml") => "recovery-plan",
                _ => "inventory",
            };
            assert!(schema.ends_with(&format!("/{expected}.schema.json")), "{file}: {schema}");
            assert!(folder.join(schema).is_file(), "{file}: {schema} is not there");
            let link = path.strip_prefix(&root).expect("it is in the folder").display().to_string();
            assert!(readme.contains(&format!("({link})")), "the readme does not name {link}");
        }
    }
}
