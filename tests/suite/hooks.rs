//! Actions and probes that do what they say: commands, requests and connections, all within this machine.

#![cfg(unix)]

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use failback::id::IdempotencyKey;
use failback::quantity::Seconds;
use failback::run::hook::Hooks as _;
use failback::run::hook::RealHooks;
use failback::run::hook::Variables;
use failback::source::Spanned;
use failback::syntax::action::Action;
use failback::syntax::action::HttpAction;
use failback::syntax::action::HttpProbe;
use failback::syntax::action::Method;
use failback::syntax::action::Probe;
use failback::syntax::action::Runbook;
use failback::syntax::action::TcpAction;
use failback::syntax::action::TcpProbe;
use failback::syntax::value::Free;
use serde_json::Value;
use serde_json::json;
use tokio::io::AsyncReadExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

fn hooks() -> RealHooks {
    hooks_in(Path::new("/"))
}

fn hooks_in(folder: &Path) -> RealHooks {
    let environment = [("PATH", "/usr/bin:/bin"), ("LANG", "C"), ("AZURE_CLIENT_SECRET", "hunter2")];
    RealHooks::new(folder, &environment.map(|(name, value)| (name.into(), value.into())).into())
}

fn variables() -> Variables {
    let key = IdempotencyKey::new("r1/act/1");
    Variables { key, plan: "erp \"failback\"".into(), run: "r1".into(), outcome: "success".into() }
}

fn action(timeout: Option<u64>) -> Action {
    Action {
        name: Spanned::bare("act".into()),
        before: None,
        after: None,
        run: None,
        manual: None,
        runbook: None,
        http: None,
        tcp: None,
        timeout: timeout.map(|seconds| Spanned::bare(Seconds(seconds))),
        rerun: None,
    }
}

fn command(words: &[&str]) -> Action {
    let command = words.iter().map(|word| Spanned::bare((*word).to_owned())).collect();
    Action { run: Some(failback::syntax::action::Command { command }), ..action(Some(20)) }
}

fn request(method: Method, url: &str, body: Option<Value>) -> Action {
    let http = HttpAction {
        method: Some(Spanned::bare(method)),
        url: Spanned::bare(url.into()),
        body: body.map(Free),
    };
    Action { http: Some(http), ..action(Some(20)) }
}

async fn acted(action: &Action) -> Result<String, String> {
    hooks().action(action, &variables()).await
}

fn probe(http: Option<HttpProbe>, tcp: Option<TcpProbe>) -> Probe {
    Probe { name: Spanned::bare("health".into()), http, tcp, within: None }
}

async fn looked(url: &str, status: Option<u16>) -> Result<String, String> {
    let http = HttpProbe { url: Spanned::bare(url.into()), status: status.map(Spanned::bare) };
    hooks().probe(&probe(Some(http), None)).await
}

async fn connected(host: &str, port: u16) -> Result<String, String> {
    let tcp = TcpProbe { host: Spanned::bare(host.into()), port: Spanned::bare(port) };
    hooks().probe(&probe(None, Some(tcp))).await
}

/// Serves one request with `answer`, and returns its port and what was asked.
async fn served(answer: &'static str) -> (u16, JoinHandle<String>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("loopback has a free port");
    let port = listener.local_addr().expect("it is bound").port();
    let asked = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("somebody asks");
        let mut got = Vec::new();
        while !is_whole(&got) {
            let count = stream.read_buf(&mut got).await.expect("the request can be read");
            assert!(count > 0, "the request breaks off");
        }
        stream.write_all(answer.as_bytes()).await.expect("the answer can be sent");
        String::from_utf8(got).expect("a request is text")
    });
    (port, asked)
}

fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length =
        head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
    body.len() >= length.unwrap_or(0)
}

#[tokio::test]
async fn the_output_of_a_command_is_remembered() {
    assert_eq!(acted(&command(&["sh", "-c", "echo one; echo two"])).await, Ok("one\ntwo".into()));
    assert_eq!(acted(&command(&["true"])).await, Ok("exit code 0".into()));
}

#[tokio::test]
async fn a_failed_command_tells_its_code_and_last_line_but_not_its_arguments() {
    let failed =
        acted(&command(&["sh", "-c", "echo first >&2; echo 'no disk' >&2; exit 3", "hunter2"])).await;
    assert_eq!(failed, Err("`sh` ended with exit code 3: no disk".into()));
    let killed = acted(&command(&["sh", "-c", "kill -9 $$"])).await;
    assert_eq!(killed, Err("`sh` was ended by signal: 9 (SIGKILL)".into()));
}

#[tokio::test]
async fn a_command_that_is_not_there_fails() {
    for words in [&["no-such-program", "hunter2"][..], &["./no-such-program"]] {
        let message = acted(&command(words)).await.expect_err("there is no such program");
        assert!(message.starts_with(&format!("`{}` can't be started: ", words[0])), "{message}");
        assert!(!message.contains("hunter2"), "{message}");
    }
    assert_eq!(acted(&command(&[])).await, Err("the command is empty".into()));
}

#[tokio::test]
async fn no_shell_reads_a_command() {
    assert_eq!(acted(&command(&["echo", "$PATH; *", "| cat"])).await, Ok("$PATH; * | cat".into()));
}

#[tokio::test]
async fn a_command_sees_no_more_of_the_environment_than_it_needs() {
    let seen = acted(&command(&["env"])).await.expect("env prints the environment");
    let mut lines: Vec<&str> = seen.lines().collect();
    lines.sort_unstable();
    assert_eq!(lines, ["LANG=C", "PATH=/usr/bin:/bin"]);
}

#[tokio::test]
async fn a_command_runs_in_the_folder_of_the_plan() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let real = folder.path().canonicalize().expect("it is there");
    std::fs::create_dir(real.join("scripts")).expect("a folder can be made");
    // A script that was only now written can't be run while another test starts a process.
    std::os::unix::fs::symlink("/bin/sh", real.join("scripts/stop")).expect("it can be made");
    let hooks = hooks_in(&real);
    let seen = hooks.action(&command(&["pwd", "-P"]), &variables()).await;
    assert_eq!(seen, Ok(real.display().to_string()));
    let script = command(&["./scripts/stop", "-c", "echo stopped $0", "azure"]);
    assert_eq!(hooks.action(&script, &variables()).await, Ok("stopped azure".into()));
}

#[tokio::test]
async fn what_a_command_leaves_running_holds_up_nothing_and_is_left_alone() {
    let leaving = command(&["sh", "-c", "sleep 60 & echo $!"]);
    let left = tokio::time::timeout(Duration::from_secs(30), acted(&leaving)).await;
    let left = left.expect("it is not waited for").expect("the command itself ends well");
    assert_eq!(acted(&command(&["sh", "-c", &format!("kill {left}")])).await, Ok("exit code 0".into()));
}

#[tokio::test]
async fn only_the_end_of_a_long_output_is_kept() {
    let long = "i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); done; echo end";
    let kept = acted(&command(&["sh", "-c", long])).await.expect("it ends well");
    assert!(kept.len() < 17 * 1024, "{} bytes are kept", kept.len());
    assert!(kept.starts_with('…') && kept.ends_with("line 19999\nend"), "{kept}");
}

#[tokio::test]
async fn a_command_that_takes_too_long_ends_with_all_that_it_started() {
    let mut long = command(&["sh", "-c", "sleep 60 & echo $!; sleep 60"]);
    long.timeout = Some(Spanned::bare(Seconds(1)));
    let message = acted(&long).await.expect_err("it takes a minute");
    let child = message.strip_prefix("`sh` took longer than 1s and was ended: ").expect(&message);
    assert!(is_gone(child).await, "the grandchild {child} lives on");
}

#[tokio::test]
async fn a_command_of_an_interrupted_run_ends_with_all_that_it_started() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let hooks = hooks_in(folder.path());
    let long = command(&["sh", "-c", "sleep 60 & echo $! > new; mv new pid; sleep 60"]);
    let task = tokio::spawn(async move { hooks.action(&long, &variables()).await });
    let path = folder.path().join("pid");
    let child = loop {
        match std::fs::read_to_string(&path) {
            Ok(child) => break child,
            Err(_) if task.is_finished() => panic!("the command has ended too early"),
            Err(_) => tokio::task::yield_now().await,
        }
    };
    task.abort();
    assert!(task.await.expect_err("it was interrupted").is_cancelled());
    assert!(is_gone(child.trim()).await, "the grandchild {child} lives on");
}

/// Returns whether a process ends; its entry may stay until somebody waits for it.
async fn is_gone(process: &str) -> bool {
    let look = async {
        loop {
            // Our own process is always listed, so that nothing but a missing one can be missing.
            let both = format!("{process},{}", std::process::id());
            let listed =
                acted(&command(&["ps", "-o", "pid=,stat=", "-p", &both])).await.expect("ps lists us");
            let mut lines = listed.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
            if !lines.any(|line| line[0] == process && !line[1].starts_with('Z')) {
                return;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(20), look).await.is_ok()
}

#[tokio::test]
async fn a_request_carries_its_body_with_the_variables_put_in() {
    let (port, asked) = served("HTTP/1.1 204 No Content\r\n\r\n").await;
    let body = json!({"text": "{{ plan.name }} {{run.id}}: {{ run.outcome }}", "priority": 1});
    let url = format!("http://127.0.0.1:{port}/dr?key=secret");
    assert_eq!(acted(&request(Method::Put, &url, Some(body))).await, Ok("answered 204".into()));
    let asked = asked.await.expect("one request was served");
    assert!(asked.starts_with("PUT /dr?key=secret HTTP/1.1\r\n"), "{asked}");
    let (head, body) = asked.split_once("\r\n\r\n").expect("a request has a head");
    assert!(head.to_lowercase().contains("content-type: application/json"), "{head}");
    let body: Value = serde_json::from_str(body).expect("the body is JSON");
    assert_eq!(body, json!({"text": "erp \"failback\" r1: success", "priority": 1}));
}

#[tokio::test]
async fn a_request_with_an_unknown_variable_is_not_sent() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("loopback has a free port");
    let url = format!("http://{}/", listener.local_addr().expect("it is bound"));
    let sent = acted(&request(Method::Post, &url, Some(json!({"text": ["{{ env.TOKEN }}"]})))).await;
    let message = "there is no variable `env.TOKEN`, only plan.name, run.id, run.outcome";
    assert_eq!(sent, Err(message.into()));
    let nobody = tokio::time::timeout(Duration::ZERO, listener.accept()).await;
    assert!(nobody.is_err(), "somebody has connected");
}

#[tokio::test]
async fn a_request_that_is_turned_down_fails_without_its_secrets() {
    let (port, _asked) = served("HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n").await;
    let url = format!("http://me:hunter2@127.0.0.1:{port}/hunter2?key=hunter2");
    let failed = acted(&request(Method::Post, &url, None)).await;
    assert_eq!(failed, Err(format!("http://127.0.0.1:{port} answered 500")));
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let answer = "HTTP/1.1 302 Found\r\nlocation: http://169.254.169.254/\r\ncontent-length: 0\r\n\r\n";
    let (port, _asked) = served(answer).await;
    let failed = acted(&request(Method::Get, &format!("http://localhost:{port}/"), None)).await;
    let message = format!("http://localhost:{port} answered 302, and redirects are not followed");
    assert_eq!(failed, Err(message));
}

#[tokio::test]
async fn a_request_without_an_answer_ends_with_its_timeout() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("loopback has a free port");
    let address = listener.local_addr().expect("it is bound");
    let mut silent = request(Method::Get, &format!("http://{address}/?key=hunter2"), None);
    silent.timeout = Some(Spanned::bare(Seconds(1)));
    assert_eq!(acted(&silent).await, Err(format!("no answer from http://{address} in time")));
}

#[tokio::test]
async fn a_service_that_is_down_says_so_without_its_secrets() {
    let port = free_port().await;
    let message = looked(&format!("http://me:hunter2@127.0.0.1:{port}/?key=hunter2"), None).await;
    let message = message.expect_err("nobody listens");
    assert!(message.starts_with(&format!("no answer from http://127.0.0.1:{port}: ")), "{message}");
    assert!(message.contains("refused") && !message.contains("hunter2"), "{message}");
}

#[tokio::test]
async fn an_encrypted_service_is_spoken_to_in_tls() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("loopback has a free port");
    let port = listener.local_addr().expect("it is bound").port();
    let first = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("somebody asks");
        let first = stream.read_u8().await.expect("something comes");
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.expect("the answer can be sent");
        first
    });
    let message =
        looked(&format!("https://localhost:{port}/"), None).await.expect_err("the answer is no TLS");
    assert!(message.starts_with(&format!("no answer from https://localhost:{port}: ")), "{message}");
    // 22 begins a handshake of TLS.
    assert_eq!(first.await.expect("one connection was served"), 22);
}

/// Returns a port on which nobody listens.
async fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("loopback has a free port");
    listener.local_addr().expect("it is bound").port()
}

#[tokio::test]
async fn a_web_probe_wants_its_status() {
    for (answer, wanted, seen) in [
        ("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", None, Ok("answered 200")),
        ("HTTP/1.1 401 Who\r\ncontent-length: 0\r\n\r\n", Some(401), Ok("answered 401")),
        (
            "HTTP/1.1 302 Found\r\nlocation: /x\r\ncontent-length: 0\r\n\r\n",
            None,
            Err("answered 302 instead of 200"),
        ),
        ("HTTP/1.1 204 None\r\n\r\n", Some(200), Err("answered 204 instead of 200")),
    ] {
        let (port, _asked) = served(answer).await;
        let looked = looked(&format!("http://localhost:{port}/healthz?key=secret"), wanted).await;
        let shown = |what| format!("http://localhost:{port} {what}");
        assert_eq!(looked, seen.map(str::to_owned).map_err(shown));
    }
}

#[tokio::test]
async fn metadata_services_are_never_asked() {
    for host in ["169.254.169.254", "[::ffff:169.254.169.254]", "168.63.129.16", "0.0.0.0", "[fe80::1]"] {
        let url = format!("http://{host}/metadata/identity/oauth2/token?key=secret");
        let message = looked(&url, None).await.expect_err("it may not be asked");
        assert!(message.contains(" may not be asked: ") && !message.contains("secret"), "{message}");
        let message = acted(&request(Method::Get, &url, None)).await.expect_err("it may not be asked");
        assert!(message.contains(" may not be asked: ") && !message.contains("secret"), "{message}");
        let message = connected(host, 80).await.expect_err("it may not be asked");
        assert!(message.contains(" may not be asked: "), "{message}");
    }
}

#[tokio::test]
async fn a_tcp_probe_wants_a_listener() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("loopback has a free port");
    let port = listener.local_addr().expect("it is bound").port();
    assert_eq!(connected("localhost", port).await, Ok(format!("port {port} is open")));
    assert_eq!(connected("127.0.0.1", port).await, Ok(format!("port {port} is open")));
    drop(listener);
    let message = connected("127.0.0.1", port).await.expect_err("nobody listens");
    assert!(message.starts_with(&format!("no connection to 127.0.0.1, port {port}: ")), "{message}");
}

#[tokio::test]
async fn a_tcp_action_waits_for_a_listener() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("loopback has a free port");
    let port = listener.local_addr().expect("it is bound").port();
    let tcp = TcpAction { host: Spanned::bare("127.0.0.1".into()), port: Spanned::bare(port) };
    let action = Action { tcp: Some(tcp), ..action(Some(60)) };
    assert_eq!(acted(&action).await, Ok(format!("port {port} is open")));
    drop(listener);
    tokio::time::pause();
    let before = tokio::time::Instant::now();
    let message = acted(&action).await.expect_err("nobody listens");
    assert!(message.starts_with(&format!("no connection to 127.0.0.1, port {port}: ")), "{message}");
    assert!(message.ends_with("(tried for 1m)"), "{message}");
    assert!(before.elapsed() >= Duration::from_secs(58), "it was given up too soon");
    let metadata = TcpAction { host: Spanned::bare("169.254.169.254".into()), port: Spanned::bare(80) };
    let refused = acted(&Action { tcp: Some(metadata), ..self::action(Some(1)) }).await;
    assert!(refused.is_err_and(|why| !why.contains("in time")), "metadata services are never asked");
}

#[tokio::test]
async fn a_command_is_told_of_its_run_word_by_word() {
    let told = command(&["printf", "%s|", "{{ plan.name }}", "--run={{run.id}}:{{ run.outcome }}", "{one}"]);
    assert_eq!(acted(&told).await, Ok("erp \"failback\"|--run=r1:success|{one}|".into()));
    let unknown = command(&["printf", "{{ env.TOKEN }}"]);
    let message = "there is no variable `env.TOKEN`, only plan.name, run.id, run.outcome";
    assert_eq!(acted(&unknown).await, Err(message.into()));
}

#[tokio::test]
async fn a_runbook_is_simulated_and_says_so() {
    let runbook = Runbook {
        automation_account: Spanned::bare("aa-dr".into()),
        name: Spanned::bare("Warm-Cache".into()),
        parameters: None,
    };
    let action = Action { runbook: Some(runbook), ..action(None) };
    assert_eq!(acted(&action).await, Ok("simulated: runbooks run in Azure only".into()));
    let environment = BTreeMap::new();
    let nothing = RealHooks::new(Path::new(""), &environment).action(&self::action(None), &variables()).await;
    assert!(nothing.is_err(), "an action of nothing can't end well");
}
