//! Values that mean nothing: the parser refuses them, at their place, and so does the schema where a schema can.

use failback::cli::schema::SchemaKind;
use failback::diagnostic::Diagnostic;
use failback::source::Sources;
use failback::syntax::parse;
use serde_json::Value;

const PLAN: &str = "kind: RecoveryPlan\nversion: 1\nname: p\n";
const FACTS: &str = "kind: Inventory\nversion: 1\nname: seoul\n";
const ACTION: &str = "actions: [{name: a, before: {phase: run}, ";

fn mistakes(text: &str) -> Vec<Diagnostic> {
    let mut sources = Sources::new();
    let index = sources.add("document.yaml", text.to_owned()).expect("fits");
    let mut diagnostics = Vec::new();
    parse(sources.get(index), &mut diagnostics);
    for diagnostic in &diagnostics {
        assert!(diagnostic.help.is_some(), "{diagnostic:?}");
        assert!(sources.source_of(diagnostic.span).is_some(), "{diagnostic:?}");
    }
    diagnostics
}

/// Returns whether a schema of ours accepts a value; knows the words that ours have, and stops at any other.
fn accepts(top: &Value, schema: &Value, value: &Value) -> bool {
    let Value::Object(words) = schema else { return schema != &Value::Bool(false) };
    let matches = |pattern: &str, text: &str| {
        // The crate knows no looking ahead, which one pattern needs for an empty text alone.
        let ahead = pattern.strip_prefix("^(?=.)");
        let pattern = ahead.map_or_else(|| pattern.to_owned(), |rest| format!("^{rest}"));
        (ahead.is_none() || !text.is_empty())
            && regex::Regex::new(&pattern).expect("a pattern").is_match(text)
    };
    words.iter().all(|(word, wanted)| match (word.as_str(), value) {
        ("$schema" | "$id" | "title" | "description" | "examples" | "$defs" | "format" | "default", _) => {
            true
        }
        ("$ref", _) => {
            let path = wanted.as_str().and_then(|path| path.strip_prefix('#')).expect("a reference");
            accepts(top, top.pointer(path).expect("it leads somewhere"), value)
        }
        ("type", _) => match wanted.as_str().expect("a type") {
            "object" => value.is_object(),
            "array" => value.is_array(),
            "string" => value.is_string(),
            "boolean" => value.is_boolean(),
            "null" => value.is_null(),
            "integer" => value.is_i64() || value.is_u64(),
            "number" => value.is_number(),
            other => panic!("{other}"),
        },
        ("const", _) => value == wanted,
        ("not", _) => !accepts(top, wanted, value),
        ("anyOf" | "oneOf", _) => {
            wanted.as_array().expect("forms").iter().any(|form| accepts(top, form, value))
        }
        ("pattern", Value::String(text)) => matches(wanted.as_str().expect("a pattern"), text),
        ("minimum", Value::Number(number)) => number.as_f64() >= wanted.as_f64(),
        ("exclusiveMinimum", Value::Number(number)) => number.as_f64() > wanted.as_f64(),
        ("maximum", Value::Number(number)) => number.as_f64() <= wanted.as_f64(),
        ("minItems", Value::Array(items)) => items.len() as u64 >= wanted.as_u64().expect("a count"),
        ("maxLength", Value::String(text)) => {
            text.chars().count() as u64 <= wanted.as_u64().expect("a count")
        }
        ("propertyNames", Value::Object(keys)) => {
            keys.keys().all(|key| accepts(top, wanted, &Value::from(key.as_str())))
        }
        ("uniqueItems", Value::Array(items)) => {
            items.iter().enumerate().all(|(at, item)| !items[..at].contains(item))
        }
        ("items", Value::Array(items)) => items.iter().all(|item| accepts(top, wanted, item)),
        ("required", Value::Object(keys)) => {
            wanted.as_array().expect("keys").iter().all(|key| keys.contains_key(key.as_str().expect("a key")))
        }
        ("properties", Value::Object(keys)) => {
            let known = wanted.as_object().expect("keys");
            known.iter().all(|(key, schema)| keys.get(key).is_none_or(|value| accepts(top, schema, value)))
        }
        ("additionalProperties", Value::Object(keys)) => {
            let known = words.get("properties").and_then(Value::as_object);
            let others = keys.iter().filter(|(key, _)| {
                !key.starts_with("x-") && !known.is_some_and(|known| known.contains_key(*key))
            });
            others.into_iter().all(|(_, value)| accepts(top, wanted, value))
        }
        ("patternProperties", _) => true,
        (
            "pattern"
            | "minimum"
            | "exclusiveMinimum"
            | "maximum"
            | "minItems"
            | "maxLength"
            | "propertyNames"
            | "uniqueItems"
            | "items"
            | "required"
            | "properties"
            | "additionalProperties",
            _,
        ) => true,
        (other, _) => panic!("the schema has a word that this test does not know: {other}"),
    })
}

fn schema_accepts(text: &str) -> bool {
    let kind = if text.starts_with(PLAN) { SchemaKind::RecoveryPlan } else { SchemaKind::Inventory };
    let schema: Value = serde_json::from_str(&kind.text()).expect("a schema is JSON");
    let value: Value = serde_yaml::from_str(text).expect("the document is YAML");
    accepts(&schema, &schema, &value)
}

/// Documents with a value that means nothing: the mistake's code and path, and whether the schema can tell.
fn nothing() -> Vec<(String, &'static str, &'static str, bool)> {
    let plan = |text: &str| format!("{PLAN}{text}\n");
    let facts = |text: &str| format!("{FACTS}{text}\n");
    let action = |text: &str| format!("{PLAN}{ACTION}{text}}}]\n");
    let probe = |text: &str| format!("{PLAN}machines: [{{name: w1, verify: [{{name: v, {text}}}]}}]\n");
    let drill = |text: &str| format!("{PLAN}drills: [{{name: d, kind: rehearsal, {text}}}]\n");
    let live_drill =
        |text: &str| format!("{PLAN}drills: [{{name: d, kind: live, machines: [w1], {text}}}]\n");
    vec![
        (plan("execution: {max_parallel: 0}"), "out-of-range", "execution.max_parallel", true),
        (plan("execution: {retry: {attempts: 0}}"), "out-of-range", "execution.retry.attempts", true),
        (plan("objectives: {rto: 0s}"), "out-of-range", "objectives.rto", true),
        (plan("objectives: {rpo: 0h0m}"), "out-of-range", "objectives.rpo", true),
        (plan("thresholds: {facts_max_age: 0d}"), "out-of-range", "thresholds.facts_max_age", true),
        (
            plan("thresholds: {reprotect_deadline: 00m}"),
            "out-of-range",
            "thresholds.reprotect_deadline",
            true,
        ),
        (action("run: {command: [a]}, timeout: 0s"), "out-of-range", "actions[0].timeout", true),
        (action("run: {command: []}"), "empty", "actions[0].run.command", true),
        (action("run: {}"), "missing-key", "actions[0].run", true),
        (action("run: {command: [\"\"]}"), "empty", "actions[0].run.command[0]", true),
        (action("manual: {prompt: p, approvers: []}"), "empty", "actions[0].manual.approvers", true),
        (
            action("manual: {prompt: p, approvers: [dba, dba]}"),
            "duplicate-item",
            "actions[0].manual.approvers[1]",
            true,
        ),
        (action("http: {url: \"hooks.corp.example/dr\"}"), "bad-url", "actions[0].http.url", true),
        (action("http: {url: \"https://\"}"), "bad-url", "actions[0].http.url", true),
        (action("http: {url: \"https:///dr\"}"), "bad-url", "actions[0].http.url", true),
        (action("http: {url: \"https://host:99999/\"}"), "bad-url", "actions[0].http.url", false),
        (
            action("http: {url: \"https://host/\", method: FETCH}"),
            "unknown-word",
            "actions[0].http.method",
            true,
        ),
        (probe("tcp: {host: app1, port: 0}"), "out-of-range", "machines[0].verify[0].tcp.port", true),
        (probe("tcp: {host: app1, port: 65536}"), "out-of-range", "machines[0].verify[0].tcp.port", true),
        (probe("tcp: {host: \"https://app1\", port: 1}"), "bad-host", "machines[0].verify[0].tcp.host", true),
        (
            probe("tcp: {host: app1, port: 1}, within: 0s"),
            "out-of-range",
            "machines[0].verify[0].within",
            true,
        ),
        (
            probe("http: {url: \"https://app1\", status: 7}"),
            "out-of-range",
            "machines[0].verify[0].http.status",
            true,
        ),
        (
            probe("http: {url: \"https://app1\", status: 600}"),
            "out-of-range",
            "machines[0].verify[0].http.status",
            true,
        ),
        (drill("schedule: \"61 * * * *\""), "bad-schedule", "drills[0].schedule", false),
        (drill("schedule: \"0 0 31 2 *\""), "bad-schedule", "drills[0].schedule", false),
        (drill("schedule: \"* * * *\""), "bad-schedule", "drills[0].schedule", true),
        (drill("timezone: Asia/Soul"), "bad-time", "drills[0].timezone", false),
        (drill("machines: []"), "empty", "drills[0].machines", true),
        (drill("machines: [w1, w1]"), "duplicate-item", "drills[0].machines[1]", true),
        (drill("facts: observed"), "unknown-word", "drills[0].facts", true),
        (live_drill("facts: filed"), "bad-facts", "drills[0].facts", false),
        (
            drill("blackout: [{from: 2027-01-02, to: 2026-12-24}]"),
            "bad-window",
            "drills[0].blackout[0].to",
            false,
        ),
        (
            drill("blackout: [{from: 2026-02-30, to: 2026-03-01}]"),
            "bad-time",
            "drills[0].blackout[0].from",
            false,
        ),
        (
            plan("execution: {window: {from: \"22:00\", to: \"22:00\"}}"),
            "bad-window",
            "execution.window.to",
            false,
        ),
        (
            plan("execution: {window: {days: [], from: \"22:00\", to: \"06:00\"}}"),
            "empty",
            "execution.window.days",
            true,
        ),
        (
            plan("execution: {window: {days: [SAT, SAT], from: \"22:00\", to: \"06:00\"}}"),
            "duplicate-item",
            "execution.window.days[1]",
            true,
        ),
        (
            plan("execution: {window: {from: \"24:00\", to: \"06:00\"}}"),
            "bad-time",
            "execution.window.from",
            true,
        ),
        (
            plan("replication_groups: [{name: g, machines: []}]"),
            "empty",
            "replication_groups[0].machines",
            true,
        ),
        (plan("replication_groups: [{name: g}]"), "missing-key", "replication_groups[0]", true),
        (
            plan("replication_groups: [{name: g, machines: [a, b, a]}]"),
            "duplicate-item",
            "replication_groups[0].machines[2]",
            true,
        ),
        (plan("boot_groups: [{name: g, members: []}]"), "empty", "boot_groups[0].members", true),
        (
            plan("boot_groups: [{name: g, members: [a, a]}]"),
            "duplicate-item",
            "boot_groups[0].members[1]",
            true,
        ),
        (
            plan("machines: [{name: a, depends_on: [b, b]}]"),
            "duplicate-item",
            "machines[0].depends_on[1]",
            true,
        ),
        (plan("machines: [{name: \"a\\u0007\"}]"), "control-character", "machines[0].name", true),
        (plan("machines: [{name: \"a\\nb\"}]"), "bad-name", "machines[0].name", true),
        (plan("machines: [{name: \"\"}]"), "empty", "machines[0].name", true),
        (plan("machines: [{name: \" \\t\"}]"), "empty", "machines[0].name", true),
        (plan("owner: \"\\e[31mred\""), "control-character", "owner", false),
        (plan("notify: [{events: [], http: {url: \"https://a\"}}]"), "empty", "notify[0].events", true),
        (plan("acknowledge: [data_loss, data_loss]"), "duplicate-item", "acknowledge[1]", true),
        (plan("waivers: [{rule: FB606, of: [], reason: r}]"), "empty", "waivers[0].of", true),
        (plan("waivers: [{rule: FB606, of: [a, a], reason: r}]"), "duplicate-item", "waivers[0].of[1]", true),
        (plan("waivers: [{rule: FB606, reason: \"\"}]"), "empty", "waivers[0].reason", true),
        (plan("waivers: [{rule: FB606}]"), "missing-key", "waivers[0]", true),
        (plan("waivers: [{rule: FB606, reason: r, until: tomorrow}]"), "bad-time", "waivers[0].until", true),
        (
            plan("waivers: [{rule: FB606, reason: r, until: 2026-02-30}]"),
            "bad-time",
            "waivers[0].until",
            false,
        ),
        (facts("network: {bandwidth_mbps: 0}"), "out-of-range", "network.bandwidth_mbps", true),
        (facts("network: {bandwidth_mbps: -1}"), "out-of-range", "network.bandwidth_mbps", true),
        (facts("network: {bandwidth_mbps: 0.0}"), "out-of-range", "network.bandwidth_mbps", true),
        (
            facts("network: {reachable: [{from: a, to: b, port: 0, ok: true}]}"),
            "out-of-range",
            "network.reachable[0].port",
            true,
        ),
        (facts("hosts: [{name: esx1, free_memory_gb: -5}]"), "out-of-range", "hosts[0].free_memory_gb", true),
        (
            facts("hosts: [{name: esx1, free_memory_gb: \"-5 GiB\"}]"),
            "bad-unit",
            "hosts[0].free_memory_gb",
            true,
        ),
        (
            facts("machines: [{name: w1, churn: {gb_per_day: -1}}]"),
            "out-of-range",
            "machines[0].churn.gb_per_day",
            true,
        ),
        (
            facts("replication_groups: [{name: g, members: [a, a]}]"),
            "duplicate-item",
            "replication_groups[0].members[1]",
            true,
        ),
        (facts("storage_accounts: [sa1, sa1]"), "duplicate-item", "storage_accounts[1]", true),
    ]
}

#[test]
fn a_number_outside_its_range_is_told_the_range_of_its_key() {
    let told = |probe: &str| {
        let head = "kind: RecoveryPlan\nversion: 1\nname: p";
        let found = mistakes(&format!("{head}\ndefaults: {{verify: [{{name: v, {probe}}}]}}\n"));
        found.into_iter().map(|mistake| mistake.help.unwrap_or_default()).collect::<Vec<_>>()
    };
    for port in ["0", "70000", "-1"] {
        assert_eq!(told(&format!("tcp: {{host: h, port: {port}}}")), ["allowed: 1 to 65535"], "{port}");
    }
    for status in ["99", "600", "70000"] {
        let probe = format!("http: {{url: \"https://x.example\", status: {status}}}");
        assert_eq!(told(&probe), ["allowed: 100 to 599"], "{status}");
    }
}

#[test]
fn a_value_that_means_nothing_is_refused_where_it_stands() {
    for (text, code, path, _) in nothing() {
        let found: Vec<_> = mistakes(&text).into_iter().map(|found| (found.code, found.path)).collect();
        assert_eq!(found, [(code, path.to_owned())], "{text}");
    }
}

#[test]
fn numbers_that_are_none_are_refused() {
    for number in [".nan", ".inf", "-.inf", "-0.5"] {
        let text = format!("{FACTS}network: {{bandwidth_mbps: {number}}}\n");
        let codes: Vec<_> = mistakes(&text).into_iter().map(|found| found.code).collect();
        assert_eq!(codes, ["out-of-range"], "{number}");
    }
}

#[test]
fn the_schema_refuses_the_same_where_a_schema_can() {
    for (text, _, _, by_schema) in nothing() {
        assert_eq!(!schema_accepts(&text), by_schema, "{text}");
    }
}

#[test]
fn the_nearest_values_that_mean_something_are_accepted_by_both() {
    let plan = "execution:
  max_parallel: 1
  retry: {attempts: 1, backoff: 0s}
  window: {days: [SAT, SUN], from: \"22:00\", to: \"21:59\", timezone: Asia/Seoul}
objectives: {rto: 1s, rpo: 10m}
thresholds: {facts_max_age: 1m}
replication_groups: [{name: g, machines: [a]}]
boot_groups: [{name: b, members: [g, c]}]
machines:
  - name: \"서울 서버 1\"
    depends_on: [g]
    verify:
      - {name: t, tcp: {host: \"2001:db8::1\", port: 65535}, within: 1s}
      - {name: h, http: {url: \"HTTPS://user@host.example:8443/a?b=c#d\", status: 599}}
actions:
  - {name: m, before: {phase: run}, manual: {prompt: \"Is it\\nready?\"}, timeout: 1s}
  - {name: r, after: {phase: run, outcome: [success, failure]}, run: {command: [a, a, a]}}
drills:
  - {name: d, kind: rehearsal, schedule: \"0 0 29 2 *\", blackout: [{from: 2026-12-24, to: 2026-12-24}], jitter: 0s}
  - {name: e, kind: rehearsal, schedule: \"*/15 8-18 ? JAN-mar MON#1,fri\"}
acknowledge: [data_loss, classic_retired]
waivers: [{rule: FB606, of: [a, b], reason: r, until: 2026-02-28}]
";
    let facts = "network: {bandwidth_mbps: 0.5, reachable: [{from: a, to: b, port: 1, ok: false}]}
replication_groups: [{name: g, members: []}]
hosts: [{name: esx1, free_memory_gb: 0}]
master_targets: [{name: mt, scsi_controllers: [lsilogic, lsilogic]}]
";
    for text in [format!("{PLAN}{plan}"), format!("{FACTS}{facts}")] {
        assert_eq!(mistakes(&text), []);
        assert!(schema_accepts(&text), "{text}");
    }
}
