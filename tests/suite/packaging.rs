//! What the project is installed with: the commands in it are the program's own, and whoever reads a file understands it.

use std::path::Path;
use std::process::Command;

use serde_yaml::Value;

use crate::support::CLASSIC_INVENTORY;
use crate::support::CLASSIC_PLAN;
use crate::support::Folder;

fn text(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    std::fs::read_to_string(path).expect("it is part of the project")
}

fn documents(path: &str) -> Vec<Value> {
    let text = text(path);
    serde_yaml::Deserializer::from_str(&text)
        .map(|document| serde::Deserialize::deserialize(document).expect("it is YAML"))
        .collect()
}

fn of_kind(kind: &str) -> Value {
    let all = documents("packaging/kubernetes.yaml");
    all.into_iter().find(|document| document["kind"] == kind).expect("the manifest has one")
}

/// Fails unless the program takes every flag of a command line; nothing is done, since help is asked for at its end.
fn understands(words: &[&str]) {
    let help: Vec<&str> = words.iter().copied().chain(["--help"]).collect();
    let ended = Folder::with(&[]).run(&help);
    assert_eq!(ended.exit, 0, "{words:?}: {}", ended.said());
    let wrong: Vec<&str> = words.iter().copied().chain(["--no-such-flag"]).collect();
    assert_eq!(Folder::with(&[]).run(&wrong).exit, 2, "help comes after everything else was understood");
}

#[test]
fn the_commands_of_the_service_and_of_the_pod_are_understood() {
    let unit = text("packaging/failback.service");
    let start = unit.lines().find_map(|line| line.strip_prefix("ExecStart=/usr/local/bin/failback "));
    let words: Vec<&str> = start.expect("the unit starts the program").split(' ').collect();
    understands(&words);
    let deployment = of_kind("Deployment");
    let container = &deployment["spec"]["template"]["spec"]["containers"][0];
    let arguments = container["args"].as_sequence().expect("it has arguments");
    let words: Vec<&str> = arguments.iter().map(|word| word.as_str().expect("a word")).collect();
    understands(&words);
}

/// With the container every drill in it ends.
#[test]
fn the_pod_waits_for_its_drills_and_has_the_time_to() {
    let deployment = of_kind("Deployment");
    let pod = &deployment["spec"]["template"]["spec"];
    let arguments = pod["containers"][0]["args"].as_sequence().expect("it has arguments");
    assert!(arguments.contains(&"--wait".into()), "{arguments:?}");
    let patience = pod["terminationGracePeriodSeconds"].as_u64().expect("it is stated");
    assert!(patience >= 3600, "the default of 30 s is shorter than a rehearsal");
}

/// A volume's own folder belongs to root, and git takes no repository of somebody else.
#[test]
fn the_pod_clones_into_a_folder_that_git_makes_and_reads_its_plans_there() {
    let deployment = of_kind("Deployment");
    let pod = &deployment["spec"]["template"]["spec"];
    let init = &pod["initContainers"][0];
    let command = init["command"][2].as_str().expect("a line of a shell");
    let folder = command.rsplit(' ').next().expect("split gives one part");
    let mount = init["volumeMounts"][0]["mountPath"].as_str().expect("a path");
    assert!(folder.starts_with(&format!("{mount}/")), "{folder} is made in {mount}");
    let settings = of_kind("ConfigMap")["data"]["failback.yaml"].as_str().expect("a text").to_owned();
    assert!(settings.contains(&format!("plans: [{folder}/")), "{settings}");
}

/// Rules are made with their fixtures, and cargo refuses a manifest whose targets are missing.
#[test]
fn the_image_is_built_from_everything_that_the_program_is_made_of() {
    let ignored = text(".dockerignore");
    let is_left_out = |path: &str| ignored.lines().any(|line| path.starts_with(line.trim_end_matches('/')));
    for needed in ["Cargo.toml", "Cargo.lock", "src/lib.rs", "tests/rules", "tests/suite/main.rs", "benches"]
    {
        assert!(!is_left_out(needed), "{needed}");
    }
    assert!(is_left_out("target/debug"), "what was built here is not sent");
}

/// Returns what steps of a job say under a key.
fn of_steps<'w>(workflow: &'w Value, key: &str) -> Vec<&'w str> {
    let steps = workflow["jobs"]["drills"]["steps"].as_sequence().expect("steps");
    steps.iter().filter_map(|step| step.get(key)?.as_str()).collect()
}

#[test]
fn the_example_workflow_drills_every_plan_and_keeps_what_came_of_each() {
    let workflow = documents("packaging/github-drills.yml").remove(0);
    let folder = Folder::with(&[
        ("plans/one.plan.yaml", CLASSIC_PLAN),
        ("plans/two.plan.yaml", &CLASSIC_PLAN.replace("name: classic", "name: other")),
        ("plans/classic.inventory.yaml", CLASSIC_INVENTORY),
    ]);
    let program = Path::new(env!("CARGO_BIN_EXE_failback"));
    let programs = [program.parent().expect("a folder"), Path::new("/usr/bin"), Path::new("/bin")];
    let scripts = of_steps(&workflow, "run");
    assert_eq!(scripts.len(), 2, "drills, and the gate on coverage");
    for script in scripts {
        let ended = Command::new("bash")
            .args(["-e", "-c", script])
            .current_dir(folder.path())
            .env("PATH", std::env::join_paths(programs).expect("paths"))
            .env("GITHUB_RUN_ID", "7001")
            .env("GITHUB_RUN_ATTEMPT", "2")
            .output()
            .expect("there is a shell");
        let said = String::from_utf8_lossy(&ended.stderr);
        // What the plans are worth today is theirs; a command that is none is told how it is used.
        assert!(!said.contains("Usage:"), "{said}");
    }
    for name in ["one", "two"] {
        for kind in ["readiness.html", "rehearsal.html"] {
            let report = std::fs::read_to_string(folder.path().join(format!("reports/{name}-{kind}")));
            assert!(report.is_ok_and(|report| report.contains("</html>")), "{name} {kind}");
        }
        assert!(folder.path().join(format!("reports/{name}.evidence")).exists(), "{name}");
    }
}

/// What is saved under a key can't be saved again, and a job may be run again.
#[test]
fn the_example_workflow_saves_its_record_under_a_key_of_the_attempt() {
    let workflow = documents("packaging/github-drills.yml").remove(0);
    let steps = workflow["jobs"]["drills"]["steps"].as_sequence().expect("steps");
    let saved: Vec<&str> = steps.iter().filter_map(|step| step["with"]["key"].as_str()).collect();
    assert_eq!(saved.len(), 2, "it is restored and saved");
    assert!(saved.iter().all(|key| key.contains("github.run_attempt") && *key == saved[0]), "{saved:?}");
}

#[test]
fn the_settings_of_the_manifest_are_settings() {
    let map = of_kind("ConfigMap");
    let settings = map["data"]["failback.yaml"].as_str().expect("the settings are a text");
    let folder = Folder::with(&[("failback.yaml", settings)]);
    let ended = folder.run(&["check", "failback.yaml"]);
    assert_eq!(ended.exit, 0, "{}", ended.said());
    let settings: Value = serde_yaml::from_str(settings).expect("it is YAML");
    let listen = settings["serve"]["listen"].as_str().expect("it listens somewhere");
    let deployment = of_kind("Deployment");
    let container = &deployment["spec"]["template"]["spec"]["containers"][0];
    let port = container["ports"][0]["containerPort"].as_u64().expect("a port");
    assert!(listen.ends_with(&format!(":{port}")), "the container says that it listens at {port}");
}

/// A volume of its own belongs to root, and a namespace like that of the manifest refuses a pod that asks for more.
#[test]
fn a_printed_job_is_confined_as_the_pod_of_the_manifest_is() {
    let plan = "kind: RecoveryPlan\nversion: 1\nname: erp\nmachines: [w1]\ndrills:\n  - {name: weekly, kind: rehearsal, schedule: \"0 3 * * SUN\"}\n";
    let folder = Folder::with(&[("plans/erp.plan.yaml", plan)]);
    let printed = folder.run(&["schedule", "plans", "--format", "kubernetes-cronjob"]);
    assert_eq!(printed.exit, 0, "{}", printed.said());
    let job: Value = serde_yaml::from_str(&printed.out).expect("it is YAML");
    let (job, deployment) = (&job["spec"]["jobTemplate"]["spec"]["template"]["spec"], of_kind("Deployment"));
    let pod = &deployment["spec"]["template"]["spec"];
    assert_eq!(job["securityContext"], pod["securityContext"]);
    assert_eq!(job["containers"][0]["securityContext"], pod["containers"][0]["securityContext"]);
    assert_eq!(job["automountServiceAccountToken"], pod["automountServiceAccountToken"]);
    let user = job["securityContext"]["runAsUser"].as_u64().expect("a user");
    assert!(text("Dockerfile").contains(&format!("USER {user}:{user}")), "it is the user of the image");
    let mounts = job["containers"][0]["volumeMounts"].as_sequence().expect("mounts");
    assert!(mounts.iter().any(|mount| mount["mountPath"] == "/tmp"), "its root is read-only: {mounts:?}");
    validated("FAILBACK_KUBERNETES_VALIDATE", &["--strict"], "a printed job", printed.out.as_bytes());
}

#[test]
fn images_are_of_this_version_and_built_with_this_rust() {
    let version = env!("CARGO_PKG_VERSION");
    let deployment = of_kind("Deployment");
    let pod = &deployment["spec"]["template"]["spec"];
    for container in [&pod["containers"][0], &pod["initContainers"][0]] {
        let image = container["image"].as_str().expect("an image");
        assert!(image.ends_with(&format!("/failback:{version}")), "{image}");
        assert_eq!(container["securityContext"]["readOnlyRootFilesystem"], true, "{image}");
    }
    let rust = env!("CARGO_PKG_RUST_VERSION");
    assert!(
        text("Dockerfile").contains(&format!("FROM rust:{rust}-slim-")),
        "Cargo.toml asks for Rust {rust}"
    );
}

#[expect(clippy::print_stderr, reason = "a test that looks at nothing must say so")]
#[test]
fn systemd_understands_the_unit() {
    if Command::new("systemd-analyze").arg("--version").output().is_err() {
        eprintln!("NOT CHECKED: the unit, since systemd-analyze is not there");
        return;
    }
    let folder = Folder::with(&[]);
    // Neither the program nor its user is on this machine.
    let unit = text("packaging/failback.service")
        .replace("/usr/local/bin/failback", env!("CARGO_BIN_EXE_failback"))
        .replace("Documentation=man:failback(1)\n", "")
        .replace("User=failback\nGroup=failback\n", "");
    folder.write("failback.service", unit.as_bytes());
    let output = Command::new("systemd-analyze")
        .args(["verify", "--man=no"])
        .arg(folder.path().join("failback.service"))
        .output()
        .expect("it runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && !said.contains("failback.service:"), "{said}");
}

/// Has an independent validator look at a text, if there is one.
#[expect(clippy::print_stderr, reason = "a test that looks at nothing must say so")]
#[expect(
    clippy::disallowed_methods,
    reason = "the script that runs the tests says where it put the validators"
)]
fn validated(variable: &str, arguments: &[&str], what: &str, text: &[u8]) {
    let Some(validator) = std::env::var_os(variable) else {
        eprintln!("NOT CHECKED: {what}, since {variable} names no validator; run scripts/test");
        return;
    };
    let folder = Folder::with(&[]);
    folder.write("validated.yml", text);
    let output = Command::new(validator).args(arguments).arg(folder.path().join("validated.yml")).output();
    let output = output.expect("the validator runs");
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{what}: {said}");
}

#[test]
fn independent_validators_take_the_manifest_and_the_workflow() {
    let workflow: &[&str] = &["--builtin-schema", "vendor.github-workflows"];
    for (variable, arguments, file) in [
        ("FAILBACK_CHECK_JSONSCHEMA", workflow, "packaging/github-drills.yml"),
        ("FAILBACK_KUBERNETES_VALIDATE", &["--strict"], "packaging/kubernetes.yaml"),
    ] {
        validated(variable, arguments, file, text(file).as_bytes());
    }
}
