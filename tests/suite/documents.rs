//! Mistakes in documents: all of them in one pass, each at its place, with what to do.

use failback::diagnostic::Diagnostic;
use failback::source::Sources;
use failback::syntax::Document;
use failback::syntax::parse;
use failback::syntax::parse_if_ours;

struct Read {
    sources: Sources,
    documents: Vec<Document>,
    diagnostics: Vec<Diagnostic>,
}

fn read(text: &str) -> Read {
    let mut sources = Sources::new();
    let index = sources.add("plan.yaml", text.to_owned()).expect("fits");
    let mut diagnostics = Vec::new();
    let documents = parse(sources.get(index), &mut diagnostics);
    Read { sources, documents, diagnostics }
}

/// Returns each mistake in a line: place, code, path, message, help.
fn mistakes(text: &str) -> Vec<String> {
    let read = read(text);
    read.diagnostics
        .iter()
        .map(|diagnostic| {
            let place = read.sources.locate(diagnostic.span).expect("a mistake has a place");
            let via = place.via_line.map(|line| format!(" via {line}")).unwrap_or_default();
            let help = diagnostic.help.as_deref().unwrap_or("");
            format!(
                "{}:{}-{}:{}{via} {} {} | {} | {help}",
                place.start.line,
                place.start.column,
                place.end.line,
                place.end.column,
                diagnostic.code,
                diagnostic.path,
                diagnostic.message,
            )
        })
        .collect()
}

/// Returns line, column and code of each mistake.
fn places(text: &str) -> Vec<(usize, usize, &'static str)> {
    let read = read(text);
    let place = |diagnostic: &Diagnostic| {
        let place = read.sources.locate(diagnostic.span).expect("a mistake has a place");
        (place.start.line, place.start.column, diagnostic.code)
    };
    read.diagnostics.iter().map(place).collect()
}

const HEAD: &str = "kind: RecoveryPlan\nversion: 1\nname: p\n";

#[test]
fn one_pass_finds_every_mistake() {
    let text = "\
kind: RecoveryPlan
version: 1
nmae: erp
owner: 12
objectives: {rto: 4, rpo: 15min, rtoo: 1h}
defaults:
  commit: on_aproval
  failback: {delete_existing_vm: yes, datastore: vmfs1, datastore: vmfs2}
machines:
  - w1
  - {name: w2, depends_on: erp-db}
  - depends_on: []
execution: {max_parallel: 70000, retry: {attempts: 010}}
drills:
  - {name: weekly, kind: rehearsal, schedule: \"0 3 * *\", timezone: Asia/Soul}
waivers: {rule: FB606}
";
    insta::assert_snapshot!(mistakes(text).join("\n"), @r#"
3:1-3:5 unknown-key  | unknown key `nmae` | did you mean `name`?
4:8-4:10 wrong-type owner | expected text, found the number 12 | write it in quotes: "12"
5:19-5:20 bad-unit objectives.rto | the duration 4 has no unit | write it as 90s, 15m, 4h, 1h30m or 7d
5:27-5:32 bad-unit objectives.rpo | `15min` is not a duration | write it as 90s, 15m, 4h, 1h30m or 7d
5:34-5:38 unknown-key objectives | unknown key `rtoo` | did you mean `rto`?
7:11-7:21 unknown-word defaults.commit | `on_aproval` is not one of `on_approval`, `automatic`, `never` | did you mean `on_approval`?
8:34-8:37 wrong-type defaults.failback.delete_existing_vm | `yes` is a boolean in YAML 1.1 only | write true
8:57-8:66 duplicate-key  | key `datastore` is written twice in this mapping | remove or rename one of them
11:28-11:34 wrong-type machines[1].depends_on | expected a list, found `erp-db` | put it in brackets: a list of one
12:5-12:15 missing-key machines[2] | `name` is missing | add `name:`
13:27-13:32 out-of-range execution.max_parallel | 70000 is out of range | allowed: 1 to 65535
13:52-13:55 leading-zero execution.retry.attempts | `010` has a leading zero, which YAML readers disagree about | write 10 (or 0o10 for an octal number)
15:47-15:56 bad-schedule drills[0].schedule | a schedule has five fields, this has 4 | write minute, hour, day of month, month and day of week: 0 3 * * SUN
15:68-15:77 bad-time drills[0].timezone | `Asia/Soul` is not a time zone | write an IANA name, such as Asia/Seoul or UTC
16:10-16:23 wrong-type waivers | expected a list, found a mapping | begin each item of the list with `- `
"#);
}

#[test]
fn probes_of_one_machine_have_names_of_their_own() {
    let probes = "verify: [{name: ssh, tcp: {host: a, port: 22}}, {name: ssh, tcp: {host: a, port: 23}}]";
    let found = mistakes(&format!("{HEAD}machines:\n  - {{name: a, {probes}}}\n  - {{name: b}}\n"));
    assert_eq!(found.len(), 1, "{found:?}");
    let told = "duplicate-name machines[0].verify[1].name | a second probe is named `ssh`";
    assert!(found[0].contains(told), "{found:?}");
}

#[test]
fn a_help_leads_to_what_is_allowed() {
    for version in ["-1", "0", "300"] {
        let found = mistakes(&format!("kind: RecoveryPlan\nversion: {version}\nname: p\n"));
        let told =
            format!("version {version} of the language is not known | write 1, the only version there is");
        assert!(found.len() == 1 && found[0].ends_with(&told), "{found:?}");
    }
    let found = mistakes(&format!("{HEAD}machines:\n  -\n"));
    assert!(found.len() == 1 && found[0].ends_with("write a value, or delete the item"), "{found:?}");
    let found = mistakes(&format!("{HEAD}execution: {{max_parallel: -1}}\n"));
    assert!(found.len() == 1 && found[0].ends_with("allowed: 1 to 65535"), "{found:?}");
}

#[test]
fn a_plan_with_a_mistake_is_not_used_and_the_next_document_is() {
    let read = read(&format!("{HEAD}machine: []\n---\n{}", HEAD.replace("name: p", "name: q")));
    assert_eq!(read.diagnostics.len(), 1);
    let names: Vec<&str> =
        read.documents.iter().filter_map(|document| Some(document.name()?.value.as_str())).collect();
    assert_eq!(names, ["q"]);
}

#[test]
fn columns_count_characters_whatever_the_line_ends_with() {
    let korean = "kind: RecoveryPlan\nversion: 1\nname: 서울\nobjectives: {rto: 4시간, rpoo: 1h}\n";
    assert_eq!(places(korean), [(4, 19, "bad-unit"), (4, 24, "unknown-key")]);
    assert_eq!(places(&korean.replace('\n', "\r\n")), places(korean));
    assert_eq!(places(&format!("\u{feff}{korean}")), places(korean));
    assert_eq!(places(&korean.replace("objectives", "😀")), [(4, 1, "unknown-key")]);
}

#[test]
fn a_mark_before_the_first_line_moves_no_column() {
    let text = "\u{feff}knd: RecoveryPlan\nversion: 1\nname: p\n";
    assert_eq!(places(text), [(1, 1, "unknown-key")]);
}

#[test]
fn a_value_behind_an_alias_is_reported_where_it_is_written_and_used() {
    let text = format!(
        "{HEAD}x-back: &back\n  datastore: vmfs1\n  location: somewhere\nmachines:\n  - {{name: w1, failback: *back}}\n"
    );
    insta::assert_snapshot!(mistakes(&text).join("\n"), @r#"6:13-6:22 via 8 unknown-word machines[0].failback.location | `somewhere` is not one of `auto`, `original`, `alternate` | allowed: `auto`, `original`, `alternate`"#);
}

#[test]
fn a_merged_value_is_reported_where_it_is_written_and_merged() {
    let text = format!(
        "{HEAD}x-machine: &machine {{depends_on: [], comit: automatic, failover: never}}\nmachines:\n  - name: w1\n    <<: *machine\n"
    );
    insta::assert_snapshot!(mistakes(&text).join("\n"), @r#"
4:38-4:43 via 7 unknown-key machines[0] | unknown key `comit` | did you mean `commit`?
4:66-4:71 via 7 unknown-word machines[0].failover | `never` is not one of `on_approval`, `automatic` | allowed: `on_approval`, `automatic`
"#);
}

#[test]
fn keys_that_begin_with_x_are_ignored_anywhere() {
    let text = format!(
        "{HEAD}x-note: [1, {{a: b}}]\nmachines:\n  - {{name: w1, x-owner: me, failback: {{x-a: 1}}}}\n"
    );
    assert_eq!(mistakes(&text), [""; 0]);
}

#[test]
fn a_mistake_of_the_text_is_not_told_twice() {
    for (text, codes) in [
        ("kind: *k\nversion: 1\nname: p\n", vec!["unknown-alias"]),
        ("kind: RecoveryPlan\nversion: 1\nname: p\n<<: 3\n", vec!["bad-merge"]),
        ("kind: RecoveryPlan\nversion: 1\nname: p\n[a]: 3\n", vec!["bad-key"]),
        ("kind: RecoveryPlan\nversion: 1\nname: p\nowner: !secret x\n", vec!["unsupported-tag"]),
        ("kind: RecoveryPlan\nkind: Inventory\nversion: 1\nname: p\n", vec!["duplicate-key"]),
    ] {
        let found: Vec<_> = places(text).into_iter().map(|(_, _, code)| code).collect();
        assert_eq!(found, codes, "{text}");
    }
}

#[test]
fn texts_that_are_no_yaml_say_where() {
    for (text, place) in [
        ("kind: RecoveryPlan\nversion: 1\nname: \"p\nowner: x\n", (3, 7)),
        ("kind: RecoveryPlan\nversion: 1\nname: p\nobjectives:\n\trto: 4h\n", (5, 1)),
        ("kind: RecoveryPlan\nversion: 1\nname: [p\n", (3, 7)),
    ] {
        let found = places(text);
        assert_eq!(
            found.iter().map(|found| (found.0, found.1)).collect::<Vec<_>>(),
            [place],
            "{text}: {found:?}"
        );
    }
}

#[test]
fn words_of_other_yaml_versions_are_explained() {
    let text = format!(
        "{HEAD}defaults: {{failback: {{delete_existing_vm: no}}}}\nexecution: {{max_parallel: 007}}\ndescription: 12\nowner: null\n"
    );
    insta::assert_snapshot!(mistakes(&text).join("\n"), @r#"
4:43-4:45 wrong-type defaults.failback.delete_existing_vm | `no` is a boolean in YAML 1.1 only | write false
5:27-5:30 leading-zero execution.max_parallel | `007` has a leading zero, which YAML readers disagree about | write 7 (or 0o7 for an octal number)
6:14-6:16 wrong-type description | expected text, found the number 12 | write it in quotes: "12"
7:8-7:12 wrong-type owner | expected text, found nothing (null) | write a value, or delete the key
"#);
}

#[test]
fn two_documents_of_a_name_are_reported_and_of_two_kinds_are_not() {
    let plan = "kind: RecoveryPlan\nversion: 1\nname: seoul\n";
    let inventory = "kind: Inventory\nversion: 1\nname: seoul\n";
    assert_eq!(mistakes(&format!("{plan}---\n{inventory}")), [""; 0]);
    let twice = format!("{plan}---\n{plan}");
    assert_eq!(places(&twice), [(7, 7, "duplicate-name")]);
    let read = read(&twice);
    let first = read.sources.locate(read.diagnostics[0].labels[0].span).expect("in the text");
    assert_eq!((first.start.line, first.start.column), (3, 7));
}

#[test]
fn a_document_must_say_what_it_is() {
    insta::assert_snapshot!(
        ["", "# nothing\n", "- a\n", "version: 1\nname: p\n", "Kind: RecoveryPlan\n", "kind: RecoverPlan\n", "kind: [a]\n",
         "kind: RecoveryPlan\nname: p\nversion: 2\n", "kind: Inventory\nname: p\nversion: \"1\"\n"]
            .map(|text| mistakes(text).join("\n"))
            .join("\n"),
        @r#"
1:1-1:1 no-document  | the file holds no document | write a document that begins with `kind: RecoveryPlan`, `kind: Inventory`, `kind: Policy` or `kind: Settings`
1:1-1:1 no-document  | the file holds no document | write a document that begins with `kind: RecoveryPlan`, `kind: Inventory`, `kind: Policy` or `kind: Settings`
1:1-1:4 wrong-type  | expected a document, which is a mapping that begins with `kind:`, found a list | 
1:1-1:8 missing-key  | `kind` is missing | begin the document with `kind: RecoveryPlan`, `kind: Inventory`, `kind: Policy` or `kind: Settings`
1:1-1:5 unknown-key  | unknown key `Kind` | did you mean `kind`?
1:1-1:5 missing-key  | `version` is missing | add `version:`
1:1-1:5 missing-key  | `name` is missing | add `name:`
1:1-1:5 missing-key  | `version` is missing | add `version:`
1:1-1:5 missing-key  | `name` is missing | add `name:`
1:7-1:18 unknown-word kind | `RecoverPlan` is not `RecoveryPlan` | did you mean `RecoveryPlan`?
1:7-1:10 wrong-type  | expected one of `RecoveryPlan`, `Inventory`, `Policy`, `Settings`, found a list | 
3:10-3:11 unknown-version version | version 2 of the language is not known | write 1, the only version there is
3:10-3:13 wrong-type version | expected a whole number, found text in quotes | write it without quotes: 1
"#
    );
}

#[test]
fn files_about_something_else_are_left_alone_unless_they_seem_meant() {
    let ours = |text: &str| {
        let mut sources = Sources::new();
        let index = sources.add("found.yaml", text.to_owned()).expect("fits");
        let mut diagnostics = Vec::new();
        let documents = parse_if_ours(sources.get(index), &mut diagnostics);
        assert!(documents.is_some() || diagnostics.is_empty(), "{text}");
        documents.is_some()
    };
    for text in [
        "",
        "services: {web: {image: nginx}}\n",
        "apiVersion: v1\nkind: Deployment\n",
        "- kind: Inventory\n",
        "kind: [Inventory]\n",
        "a: [\n",
        "kind: Deployment\na: [\n",
        "version: 1\nname: other\n",
    ] {
        assert!(!ours(text), "{text}");
    }
    for text in [
        "kind: RecoveryPlan\n",
        "kind: recoveryplan\n",
        "knd: Inventory\n",
        "kind: \"Inventory\"\nversion: [\n",
        "version: 1\nname: p\nmachines: []\n",
        "kind: Deployment\n---\nkind: RecoverPlan\n",
    ] {
        assert!(ours(text), "{text}");
    }
}

#[test]
fn many_mistakes_are_told_and_very_many_are_cut_off() {
    let plan = |count: usize| {
        let machines: String =
            (0..count).map(|index| format!("  - {{name: m{index}, comit: automatic}}\n")).collect();
        format!("{HEAD}machines:\n{machines}")
    };
    assert_eq!(read(&plan(5000)).diagnostics.len(), 5000);
    let many = read(&plan(12_000)).diagnostics;
    assert_eq!(many.len(), 10_001);
    assert_eq!(many[10_000].code, "too-many-mistakes");
}

#[test]
fn aliases_that_stand_for_too_much_are_refused() {
    let mut text = format!("{HEAD}x-0: &a0 [a, b, c, d, e, f, g, h, i, j]\n");
    for level in 1..9 {
        let items = vec![format!("*a{}", level - 1); 10].join(", ");
        text.push_str(&format!("x-{level}: &a{level} [{items}]\n"));
    }
    text.push_str("actions:\n  - name: a\n    http: {url: \"https://x.example\", body: *a8}\n");
    let found = places(&text);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].2, "alias-expansion");
}
