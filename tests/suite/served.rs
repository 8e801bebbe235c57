//! A dashboard that is served on this machine, and a client that says exactly what a test wants.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;

use failback::clock::Clock;
use failback::event::Journal as _;
use failback::event::RunEvent;
use failback::forecast::forecast;
use failback::id::RunId;
use failback::journal::Database;
use failback::journal::RunRecord;
use failback::journal::StateDir;
use failback::web;
use failback::web::App;
use failback::web::Desk;
use failback::web::FindingCounts;
use failback::web::Kept;
use failback::web::NewDrill;
use failback::web::PlanDetail;
use failback::web::PlanRow;
use failback::web::Refusal;
use failback::web::RefusalKind;
use failback::web::Tls;
use failback::web::User;
use jiff::SignedDuration;
use jiff::Timestamp;
use secrecy::SecretString;
use serde_json::Value;
use serde_json::json;
use tokio::io::AsyncReadExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;
use tokio::net::TcpStream;

use crate::lab::World;

/// The run that is there.
pub const RUN: &str = "r1";

/// Tokens of users with one role each.
pub const VIEWER: &str = "viewer-token-0123456789";
pub const OPERATOR: &str = "operator-token-0123456789";
pub const APPROVER: &str = "approver-token-0123456789";
pub const DBA: &str = "dba-token-0123456789-0123";

/// A clock that a test moves.
pub struct Hand(Mutex<Timestamp>);

impl Hand {
    pub fn moves(&self, by: SignedDuration) {
        let mut now = self.0.lock().expect("no test panics here");
        *now = now.checked_add(by).expect("a time");
    }
}

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        *self.0.lock().expect("no test panics here")
    }
}

/// A desk with one run of a world, and one plan.
struct OneRun {
    kept: Kept,
    door: Arc<Door>,
}

/// What a run is opened behind: a test may keep it closed.
#[derive(Default)]
pub struct Door(Mutex<bool>, std::sync::Condvar);

impl Door {
    /// Lets nobody through, or everybody.
    pub fn close(&self, closed: bool) {
        *self.0.lock().expect("no test panics here") = closed;
        self.1.notify_all();
    }

    fn pass(&self) {
        let closed = self.0.lock().expect("no test panics here");
        drop(self.1.wait_while(closed, |closed| *closed).expect("no test panics here"));
    }
}

impl OneRun {
    fn own(&self, run: &RunId) -> Result<(), Refusal> {
        if *run == self.kept.record.id {
            Ok(())
        } else {
            Err(Refusal::missing(format!("there is no run {run}")))
        }
    }

    fn row(&self) -> PlanRow {
        PlanRow {
            key: "erp".into(),
            name: "erp <script>".into(),
            path: "plans/erp.plan.yaml".into(),
            state: "ready",
            findings: FindingCounts { errors: 1, ..FindingCounts::default() },
            coverage: Some(0.5),
            ..PlanRow::default()
        }
    }
}

impl Desk for OneRun {
    fn runs(&self) -> Result<Value, Refusal> {
        let record = &self.kept.record;
        Ok(
            json!({"version": 1, "runs": [{"run": record.id, "plan": record.plan, "state": "running", "provider": "emulator"}]}),
        )
    }
    fn run(&self, run: &RunId) -> Result<Value, Refusal> {
        self.own(run).map(|()| json!({"version": 1, "run": run}))
    }
    fn kept(&self, run: &RunId) -> Result<Kept, Refusal> {
        self.door.pass();
        self.own(run).map(|()| self.kept.clone())
    }
    fn is_driven(&self, _: &RunId) -> bool {
        true
    }
    fn plans(&self) -> Vec<PlanRow> {
        vec![self.row()]
    }
    fn plan(&self, key: &str) -> Result<PlanDetail, Refusal> {
        let findings = json!({"version": 1, "findings": [], "summary": {}});
        if key == "erp" {
            Ok(PlanDetail { row: self.row(), plan: None, findings })
        } else {
            Err(Refusal::missing("there is no such plan"))
        }
    }
    fn drills(&self, _: Timestamp) -> Result<Value, Refusal> {
        Ok(json!({"version": 1, "past": [], "due": []}))
    }
    fn report_as(&self, run: &RunId, format: &str) -> Result<Vec<u8>, Refusal> {
        let text = if format == "json" { json!({"version": 1}).to_string() } else { format!("as {format}") };
        self.own(run).map(|()| text.into_bytes())
    }
    fn report(&self, run: &RunId) -> Result<String, Refusal> {
        self.own(run).map(|()| "<!doctype html><title>report</title><script>alert(1)</script>".to_owned())
    }
    fn start(&self, drill: &NewDrill, by: &str) -> Result<Value, Refusal> {
        Ok(json!({"version": 1, "drill": drill.plan, "by": by}))
    }
    fn resume(&self, _: &RunId, _: &str) -> Result<(), Refusal> {
        Err(Refusal { kind: RefusalKind::Conflict, message: "a process drives it already".into() })
    }
}

/// What is served, and where.
pub struct Served {
    pub door: Arc<Door>,
    pub address: SocketAddr,
    pub clock: Arc<Hand>,
    database: PathBuf,
    _folder: tempfile::TempDir,
    _stop: tokio::sync::oneshot::Sender<()>,
}

/// Serves the first events of a run of a world.
pub async fn serve(world: &World, events: &[RunEvent]) -> Served {
    serve_by(None, world, events).await
}

/// Serves the same, encrypted or not.
pub async fn serve_by(tls: Option<Tls>, world: &World, events: &[RunEvent]) -> Served {
    let folder = tempfile::tempdir().expect("a folder");
    let dir = StateDir::create(&folder.path().join("state")).expect("made");
    let record = RunRecord {
        id: RunId::new(RUN),
        plan: "erp".into(),
        plan_path: "erp.plan.yaml".into(),
        plan_digest: "sha256:1".into(),
        facts_digest: "sha256:2".into(),
        provider: "emulator".into(),
        options: "{}".into(),
        created_at: world.start,
        git_commit: None,
        program: "test".into(),
        migrated_events: 0,
    };
    let mut database = Database::open(&dir.database()).expect("made");
    database.add_run(&record).expect("entered");
    drop(database);
    let clock = Arc::new(Hand(Mutex::new(world.start)));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let address = listener.local_addr().expect("it has one");
    let user = |name: &str, token: &str| User {
        name: name.into(),
        roles: vec![name.into()],
        token: SecretString::from(token.to_owned()),
    };
    let settings = web::Settings {
        address,
        hosts: vec!["failback.corp.example".into()],
        is_tls: tls.is_some(),
        users: vec![
            user("viewer", VIEWER),
            user("operator", OPERATOR),
            user("approver", APPROVER),
            user("dba", DBA),
        ],
        language: web::Language::English,
    };
    let graph = Arc::clone(&world.graph);
    let door = Arc::<Door>::default();
    let kept = Kept { record, forecast: Arc::new(forecast(&graph, world.start)), graph };
    let desk = OneRun { kept, door: Arc::clone(&door) };
    let app = App::new(&settings, dir.clone(), Arc::new(desk), Arc::clone(&clock) as Arc<dyn Clock>);
    let app = app.expect("four users");
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    tokio::spawn(web::serve(listener, app, tls, async {
        drop(stopped.await);
    }));
    let served = Served { address, clock, door, database: dir.database(), _folder: folder, _stop: stop };
    served.happens(events);
    served
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Answer {
    fn of(text: &str) -> Self {
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((text, ""));
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
        Self { status, head: head.to_owned(), body: body.to_owned() }
    }

    /// Returns a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().skip(1).filter_map(|line| line.split_once(':'));
        lines.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    }

    pub fn json(&self) -> Value {
        let start = self.body.find('{').unwrap_or(0);
        let end = self.body.rfind('}').map_or(self.body.len(), |end| end + 1);
        serde_json::from_str(&self.body[start..end]).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }
}

impl Served {
    /// Puts events into the journal, as the process that drives the run does.
    pub fn happens(&self, events: &[RunEvent]) {
        let database = Database::open(&self.database).expect("it is there");
        let mut writer = database.writer(&RunId::new(RUN)).expect("nobody else writes");
        for event in events {
            writer.append(event).expect("kept");
        }
        writer.sync().expect("kept");
    }

    /// Returns the letters that were put into the run's inbox.
    pub fn letters(&self) -> Vec<failback::event::Letter> {
        use failback::event::Inbox as _;
        let mut inbox =
            failback::journal::RunInbox::open(&self.database, &RunId::new(RUN)).expect("it is there");
        inbox.since(0).expect("read")
    }

    pub async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.expect("it listens")
    }

    /// Sends bytes, and reads until the server closes the connection.
    pub async fn raw(&self, text: &str) -> Answer {
        let mut stream = self.connect().await;
        stream.write_all(text.as_bytes()).await.expect("sent");
        let mut answer = Vec::new();
        // What came before a connection is cut counts.
        let _ = stream.read_to_end(&mut answer).await;
        Answer::of(&String::from_utf8_lossy(&answer))
    }

    /// Sends a request with headers, each a line.
    pub async fn ask(&self, what: &str, headers: &[&str], body: &str) -> Answer {
        let lines: String = headers.iter().map(|line| format!("{line}\r\n")).collect();
        let host = if lines.to_lowercase().contains("host:") {
            String::new()
        } else {
            format!("Host: {}\r\n", self.address)
        };
        let length =
            if body.is_empty() { String::new() } else { format!("Content-Length: {}\r\n", body.len()) };
        self.raw(&format!("{what} HTTP/1.1\r\n{host}Connection: close\r\n{length}{lines}\r\n{body}")).await
    }

    /// Asks as somebody with a token.
    pub async fn get(&self, path: &str, token: &str) -> Answer {
        self.ask(&format!("GET {path}"), &[&bearer(token)], "").await
    }

    /// Gives an order as somebody with a token.
    pub async fn order(&self, token: &str, order: &Value) -> Answer {
        let path = format!("POST /api/v1/runs/{RUN}/orders");
        self.ask(&path, &[&bearer(token), "Content-Type: application/json"], &order.to_string()).await
    }

    /// Signs in, and returns the session's cookie and the token of its pages.
    pub async fn sign_in(&self, token: &str) -> (String, String) {
        let answer = self.ask("POST /login", &[], &format!("token={token}&next=%2Fruns")).await;
        assert_eq!((answer.status, answer.header("location")), (303, Some("/runs")), "{answer:?}");
        let cookie = answer.header("set-cookie").expect("a session").to_owned();
        let cookie = format!("Cookie: {}", cookie.split(';').next().expect("a pair"));
        let page = self.ask("GET /", &[&cookie], "").await;
        let mark = "name=\"csrf\" content=\"";
        let at = page.body.find(mark).expect("pages carry it") + mark.len();
        let csrf = page.body[at..].split('"').next().expect("it ends").to_owned();
        (cookie, format!("X-CSRF-Token: {csrf}"))
    }
}

pub fn bearer(token: &str) -> String {
    format!("Authorization: Bearer {token}")
}
