//! What the guide says about the database.

use sha2::Digest as _;
use sha2::Sha256;

use crate::journal::RUN;
use crate::journal::classic;
use crate::journal::events;
use crate::journal::sqlite;
use crate::journal::waiting;

fn sha256(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn anybody_can_compute_the_chain_as_the_docs_say() {
    let folder = waiting();
    let sqlite = sqlite(&folder);
    let entry = "SELECT json_array(id, plan, plan_path, plan_digest, facts_digest, provider, options,
            created_at, git_commit, program, migrated_events), head FROM runs";
    let (entry, head): (String, String) =
        sqlite.query_row(entry, [], |row| Ok((row.get(0)?, row.get(1)?))).expect("the run is entered");
    let mut hash = sha256(&entry);
    assert_eq!(hash, head);
    let mut query = sqlite.prepare("SELECT event, hash FROM events ORDER BY seq").expect("a query");
    let rows = query.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).expect("read");
    let mut count = 0;
    for row in rows {
        let (event, stored): (String, String) = row.expect("read");
        hash = sha256(&format!("{hash}\n{event}"));
        assert_eq!(hash, stored);
        count += 1;
    }
    assert_eq!(count, events(&folder).len());
}

/// Returns the fenced blocks of a language in the guide to the journal.
fn blocks(language: &str) -> Vec<String> {
    let text = include_str!("../../../docs/journal.md");
    let fence = format!("```{language}\n");
    let blocks: Vec<String> = text
        .split(fence.as_str())
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap_or_default().to_owned())
        .collect();
    assert!(!blocks.is_empty(), "the guide has {language}");
    blocks
}

#[test]
fn the_queries_of_the_guide_find_something_in_a_real_run() {
    let folder = classic();
    folder.write(
        "bad.yaml",
        b"kind: Scenario\nversion: 1\nname: bad\nfaults:\n  - {kind: job_fails, of: w2, phase: failover, code: \"78037\"}\n",
    );
    let mut arguments = RUN.to_vec();
    arguments.extend(["--auto-approve", "--scenario", "bad.yaml"]);
    assert_eq!(folder.run(&arguments).exit, 3);
    let sqlite = sqlite(&folder);
    for block in blocks("sql") {
        let mut query = sqlite.prepare(&block).unwrap_or_else(|error| panic!("{error} in {block}"));
        let mut rows = query.query([]).unwrap_or_else(|error| panic!("{error} in {block}"));
        assert!(rows.next().expect("it can be read").is_some(), "nothing is found by {block}");
    }
}

#[test]
fn the_guide_names_the_tables_as_they_are() {
    let folder = waiting();
    let sqlite = sqlite(&folder);
    let guide = include_str!("../../../docs/journal.md");
    let mut query = sqlite
        .prepare(
            "SELECT m.name, c.name FROM sqlite_master m, pragma_table_info(m.name) c
             WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%'",
        )
        .expect("a query");
    let rows = query.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).expect("read");
    let columns: Vec<(String, String)> = rows.collect::<Result<_, _>>().expect("read");
    assert!(columns.len() > 15, "{columns:?}");
    for (table, column) in columns {
        let row = format!("| `{table}` | `{column}` |");
        assert!(guide.contains(&row), "{row} is not in the guide");
    }
}
