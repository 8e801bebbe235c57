//! Settings of the daemon: every mistake of a document is found in one pass, at its place.

use failback::source::Sources;
use failback::syntax::Document;
use failback::syntax::parse;

use crate::support::Folder;

const HEAD: &str = "kind: Settings\nversion: 1\n";

fn mistakes(text: &str) -> Vec<String> {
    let mut sources = Sources::new();
    let index = sources.add("failback.yaml", text.to_owned()).expect("fits");
    let mut diagnostics = Vec::new();
    parse(sources.get(index), &mut diagnostics);
    let told = diagnostics.iter().map(|found| {
        let place = sources.locate(found.span).expect("in the text");
        let help = found.help.as_deref().unwrap_or("");
        format!(
            "{}:{} {} {} | {} | {help}",
            place.start.line, place.start.column, found.code, found.path, found.message
        )
    });
    told.collect()
}

#[test]
fn every_mistake_of_settings_is_found_in_one_pass() {
    let text = format!(
        "{HEAD}\
plans: []
repository: {{ref: --upload-pack=x, every: 0s}}
serve:
  listen: 0.0.0.0:8080
  users:
    - {{name: kim, roles: [operator]}}
    - {{name: kim, roles: [], token_file: a, token_env: B}}
    - {{name: lee, roles: [viewer], token_fil: a}}
  language: fr
allowed_commands: [[], [./stop.sh, 3]]
live_drills:
  - {{plan: erp, drill: q, digest: sha256:12}}
  - {{plan: erp, drill: q, digest: \"sha256:{}\"}}
smtp: {{host: mail.corp.example, tls: none, from: \"DR <dr@corp.example>\", username: u}}
notify:
  - {{events: [drill_faild]}}
  - {{events: [failure], email: {{to: [dr]}}, webhook: {{url: \"http://169.254.169.254/\", body: {{t: \"{{{{ env.TOKEN }}}}\"}}}}}}
",
        "0".repeat(64)
    );
    insta::assert_snapshot!(mistakes(&text).join("\n"));
}

#[test]
fn mail_needs_a_server_and_a_password_a_name() {
    let text = format!("{HEAD}notify: [{{events: [failure], email: {{to: [dr@corp.example]}}}}]\n");
    assert_eq!(mistakes(&text).len(), 1, "{:?}", mistakes(&text));
    assert!(mistakes(&text)[0].contains("there is no `smtp`"));
    let smtp = "smtp: {host: localhost, tls: none, from: a@b.example, password_env: P}\n";
    assert!(mistakes(&format!("{HEAD}{smtp}"))[0].contains("no `username`"));
}

#[test]
fn a_dashboard_on_every_address_needs_a_certificate() {
    let bare = format!("{HEAD}serve: {{listen: \"[::]:8443\"}}\n");
    assert!(mistakes(&bare)[0].contains("plain-http"), "{:?}", mistakes(&bare));
    for fine in ["{listen: \"[::]:8443\", tls: {certificate: a, key: b}}", "{listen: \"[::1]:8080\"}", "{}"] {
        assert_eq!(mistakes(&format!("{HEAD}serve: {fine}\n")), [""; 0], "{fine}");
    }
}

#[test]
fn a_notice_of_a_plan_speaks_of_variables_that_there_are() {
    let plan = |body: &str| {
        format!(
            "kind: RecoveryPlan\nversion: 1\nname: p\nmachines: [w1]\nnotify:\n  - events: [failure]\n    http: {{url: \"https://h.example\", body: {{text: \"{body}\"}}}}\n"
        )
    };
    assert_eq!(mistakes(&plan("{{ plan.name }} {{ drill.verdict }} {{ notice.message }}")), [""; 0]);
    let told = mistakes(&plan("{{ env.TOKEN }}"));
    assert!(told.len() == 1 && told[0].starts_with("7:") && told[0].contains("`env.TOKEN`"), "{told:?}");
}

#[test]
fn settings_are_read_as_they_are_written() {
    let text = format!("{HEAD}repository: {{ref: origin/main}}\nallowed_commands: [[./a.sh, \"--x\"]]\n");
    let mut sources = Sources::new();
    let index = sources.add("failback.yaml", text).expect("fits");
    let mut diagnostics = Vec::new();
    let documents = parse(sources.get(index), &mut diagnostics);
    let [Document::Settings(settings)] = &documents[..] else { panic!("{documents:?} {diagnostics:?}") };
    assert_eq!(settings.repository.as_ref().map(|from| from.reference.value.0.as_str()), Some("origin/main"));
    assert_eq!(settings.allowed_commands[0].0, ["./a.sh", "--x"]);
}

#[test]
fn the_command_line_checks_settings_and_prints_their_schema() {
    let folder = Folder::with(&[
        ("failback.yaml", "kind: Settings\nversion: 1\nplans: [plans]\n"),
        ("wrong.yaml", "kind: Settings\nversion: 1\nserv: {}\n"),
    ]);
    let checked = folder.run(&["check", "failback.yaml"]);
    assert_eq!(checked.said(), "exit 0\n--- out\nsettings without mistakes; no plan to check\n");
    let refused = folder.run(&["check", "wrong.yaml"]).said();
    assert!(refused.starts_with("exit 1") && refused.contains("did you mean `serve`"), "{refused}");
    assert!(folder.run(&["schema", "settings"]).said().contains("\"title\": \"Settings\""));
}
