//! The client of vCenter against a server that answers what it is told to: what no vCenter says must do no harm.

use std::sync::Arc;
use std::sync::Mutex;

use failback::clock::FixedClock;
use failback::provider::vcenter::Limits;
use failback::provider::vcenter::Settings;
use failback::provider::vcenter::Trust;
use failback::provider::vcenter::VcenterClient;
use failback::provider::vcenter::VcenterError;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::net::TcpStream;

/// What a server answers to calls, in order; the last one to all that follow.
struct Script {
    answers: Vec<String>,
    asked: Arc<Mutex<Vec<String>>>,
}

/// A server that answers as a script says.
struct Scripted {
    url: String,
    /// Requests as they came, heads and bodies.
    asked: Arc<Mutex<Vec<String>>>,
}

fn http(status: &str, headers: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/xml\r\n{headers}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn soap(body: &str) -> String {
    format!(
        "<?xml version=\"1.0\"?><e:Envelope xmlns:e=\"x\" xmlns:xsi=\"y\"><e:Body>{body}</e:Body></e:Envelope>"
    )
}

fn ok(body: &str) -> String {
    http("200 OK", "", &soap(body))
}

fn content() -> String {
    let part = |name: &str, kind: &str| format!("<{name} type=\"{kind}\">{kind}</{name}>");
    ok(&format!(
        "<RetrieveServiceContentResponse><returnval>{}{}{}{}{}<about><fullName>vCenter</fullName><version>8.0.2</version>\
         <apiVersion>8.0.2.0</apiVersion><apiType>VirtualCenter</apiType></about></returnval></RetrieveServiceContentResponse>",
        part("rootFolder", "Folder"),
        part("propertyCollector", "PropertyCollector"),
        part("viewManager", "ViewManager"),
        part("sessionManager", "SessionManager"),
        part("searchIndex", "SearchIndex")
    ))
}

fn login() -> String {
    let cookie = "Set-Cookie: other=1; Path=/\r\nSet-Cookie: vmware_soap_session=\"geheime-sitzung\"; Path=/; HttpOnly\r\n";
    http("200 OK", cookie, &soap("<LoginResponse><returnval><key>k</key></returnval></LoginResponse>"))
}

fn view() -> String {
    ok(
        "<CreateContainerViewResponse><returnval type=\"ContainerView\">v1</returnval></CreateContainerViewResponse>",
    )
}

impl Scripted {
    async fn answering(answers: Vec<String>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("the loopback has a free port");
        let url = format!("http://{}/sdk", listener.local_addr().expect("it listens"));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let script = Arc::new(Script { answers, asked: Arc::clone(&asked) });
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(converse(stream, Arc::clone(&script)));
            }
        });
        Self { url, asked }
    }

    async fn connect(&self, limits: Limits) -> Result<VcenterClient, VcenterError> {
        let settings = Settings {
            id: "vc1".into(),
            kind: None,
            url: self.url.clone(),
            user: "somebody".into(),
            password: "geheim".into(),
            trust: Trust::System,
            limits,
        };
        VcenterClient::connect(settings, Arc::new(FixedClock(jiff::Timestamp::UNIX_EPOCH))).await
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("nobody panics with it").clone()
    }
}

async fn converse(mut stream: TcpStream, script: Arc<Script>) {
    let mut buffer = Vec::new();
    loop {
        let mut part = [0; 4096];
        match stream.read(&mut part).await {
            Ok(count) if count > 0 => buffer.extend_from_slice(&part[..count]),
            _ => return,
        }
        let text = String::from_utf8_lossy(&buffer).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length =
            head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
        if body.len() < length.unwrap_or(0) {
            continue;
        }
        buffer.clear();
        let answer = {
            let mut asked = script.asked.lock().expect("nobody panics with it");
            asked.push(text.clone());
            script
                .answers
                .get(asked.len() - 1)
                .or(script.answers.last())
                .cloned()
                .expect("a script is not empty")
        };
        if stream.write_all(answer.as_bytes()).await.is_err() || !answer.contains("Content-Length") {
            return;
        }
    }
}

/// Connects, and looks at what comes after the login.
async fn look(answers: &[String]) -> String {
    let all = [content(), login()].into_iter().chain(answers.iter().cloned()).collect();
    let server = Scripted::answering(all).await;
    let limits = Limits { body: 64 << 10, pages: 20, ..Limits::default() };
    let client = server.connect(limits).await.expect("it lets us in");
    let error = client.inventory().await.expect_err("this is no inventory");
    let said = format!("{error} {error:?} {client:?}");
    assert!(!said.contains("geheim"), "{said}");
    error.to_string().replace(server.url.trim_start_matches("http://").trim_end_matches("/sdk"), "vc1")
}

#[tokio::test]
async fn an_answer_that_is_no_vcenters_is_refused() {
    for (answer, why) in [
        (http("200 OK", "", "<html></html>"), "its answer begins with <html>"),
        (http("200 OK", "", "{\"value\": []}"), "its answer can't be read: it has text outside its root"),
        (http("200 OK", "", ""), "its answer can't be read: it is empty"),
        (
            http("200 OK", "", "<!DOCTYPE e [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;\">]><e>&b;</e>"),
            "its answer can't be read: it has a doctype",
        ),
        (
            http("200 OK", "", &"<a>".repeat(4000)),
            "its answer can't be read: it is nested more than 128 deep",
        ),
        (
            http("200 OK", "", &format!("<a>{}</a>", "x".repeat(70_000))),
            "its answer is longer than 65536 bytes",
        ),
        (http("404 Not Found", "", ""), "HTTP status 404 Not Found at /sdk"),
        (
            http("302 Found", "Location: http://127.0.0.1:1/elsewhere\r\n", ""),
            "HTTP status 302 Found at /sdk",
        ),
        (ok("<CreateContainerViewResponse/>"), "it makes a view without a name"),
    ] {
        assert_eq!(look(&[answer]).await, format!("vc1 does not answer as a vCenter does: {why}"));
    }
}

#[tokio::test]
async fn half_an_answer_is_none() {
    let torn = "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n<e:Envelope>".to_owned();
    // The connection has to end for the client to see that it gets no more.
    let torn = torn.replace("Content-Length", "content-length");
    let error = look(&[torn.clone(), torn]).await;
    assert!(error.starts_with("no answer from vc1"), "{error}");
}

#[tokio::test]
async fn pages_that_go_round_are_noticed() {
    let page = ok(
        "<RetrievePropertiesExResponse><returnval><token>1</token><objects><obj type=\"VirtualMachine\">vm-1</obj></objects>\
        </returnval></RetrievePropertiesExResponse>",
    );
    let error = look(&[view(), page]).await;
    assert!(error.ends_with("page 2 of its objects brings nothing new and promises more"), "{error}");
}

#[tokio::test]
async fn a_page_that_never_ends_is_given_up() {
    let page = |number: usize| {
        ok(&format!(
            "<RetrievePropertiesExResponse><returnval><token>{number}</token><objects><obj type=\"VirtualMachine\">vm-{number}</obj>\
             </objects></returnval></RetrievePropertiesExResponse>"
        ))
    };
    let answers: Vec<String> = std::iter::once(view()).chain((0..50).map(page)).collect();
    let error = look(&answers).await;
    assert!(error.ends_with("its objects have more than 20 pages"), "{error}");
}

#[tokio::test]
async fn a_server_that_starts_is_busy() {
    let starting = http("500 Internal Server Error", "Retry-After: 9\r\n", "<h1>vCenter is starting</b>");
    assert_eq!(look(&[starting]).await, "vc1 is busy (HTTP status 500)");
    let crowded = http("503 Service Unavailable", "", "no healthy upstream");
    assert_eq!(look(&[crowded]).await, "vc1 is busy (HTTP status 503)");
}

#[tokio::test]
async fn a_missing_right_is_named() {
    let denied = http(
        "500 Internal Server Error",
        "",
        &soap(
            "<e:Fault><faultstring>Permission to perform this operation was denied.</faultstring><detail><NoPermissionFault \
             xsi:type=\"NoPermission\"><object type=\"Folder\">group-d1</object><privilegeId>System.View</privilegeId>\
             </NoPermissionFault></detail></e:Fault>",
        ),
    );
    assert_eq!(look(&[denied]).await, "the account lacks the privilege System.View on group-d1");
}

#[tokio::test]
async fn an_account_that_sees_a_part_only_is_told_so() {
    let part = ok(
        "<RetrievePropertiesExResponse><returnval><objects><obj type=\"VirtualMachine\">vm-1</obj><propSet><name>name</name>\
        <val xsi:type=\"xsd:string\">w1</val></propSet><missingSet><path>config.uuid</path><fault><fault \
        xsi:type=\"NoPermission\"><privilegeId>System.Read</privilegeId></fault></fault></missingSet></objects></returnval>\
        </RetrievePropertiesExResponse>",
    );
    let server =
        Scripted::answering(vec![content(), login(), view(), part, ok("<DestroyViewResponse/>")]).await;
    let seen = server.connect(Limits::default()).await.unwrap().inventory().await.unwrap();
    assert!(!seen.whole);
    let gaps: Vec<_> = seen.gaps.iter().map(|gap| (gap.object.as_str(), gap.privilege.as_deref())).collect();
    assert_eq!(gaps, [("the root of the inventory", Some("System.Read")), ("w1", Some("System.Read"))]);
}

#[tokio::test]
async fn the_session_goes_back_to_who_gave_it_and_the_version_is_the_servers() {
    let empty = ok("<RetrievePropertiesExResponse/>");
    let server =
        Scripted::answering(vec![content(), login(), view(), empty, ok("<DestroyViewResponse/>")]).await;
    let client = server.connect(Limits::default()).await.unwrap();
    client.inventory().await.unwrap();
    client.log_out().await;
    let asked = server.asked();
    let head = |at: usize| asked[at].split("\r\n\r\n").next().unwrap().to_lowercase();
    assert!(head(0).contains("soapaction: urn:vim25/6.5") && !head(0).contains("cookie"), "{}", head(0));
    assert!(head(1).contains("soapaction: urn:vim25/8.0.2.0"), "{}", head(1));
    assert!(head(2).contains("cookie: vmware_soap_session=\"geheime-sitzung\""), "{}", head(2));
    assert_eq!(
        asked.iter().filter(|asked| asked.contains("geheim<")).count(),
        1,
        "the password is sent once"
    );
    assert!(asked.last().unwrap().contains("<Logout "));
}

#[tokio::test]
async fn a_login_that_gives_no_session_is_no_login() {
    let server = Scripted::answering(vec![content(), ok("<LoginResponse/>")]).await;
    let error = server.connect(Limits::default()).await.unwrap_err();
    assert!(error.to_string().ends_with("it accepts the login and gives no session"), "{error}");
    let refused = http(
        "500 Internal Server Error",
        "",
        &soap(
            "<e:Fault><faultstring>Your password has expired.</faultstring><detail><PasswordExpiredFault/></detail></e:Fault>",
        ),
    );
    let server = Scripted::answering(vec![content(), refused]).await;
    let error = server.connect(Limits::default()).await.unwrap_err();
    assert!(
        error.to_string().ends_with("does not accept the password of somebody: Your password has expired."),
        "{error}"
    );
}

#[tokio::test]
async fn what_was_sent_is_not_shown_when_an_answer_repeats_it() {
    let fault = |words: &str| {
        let fault = format!(
            "<e:Fault><faultstring>{words}</faultstring><detail><NoPermissionFault xsi:type=\"{words}\"/></detail></e:Fault>"
        );
        http("500 Internal Server Error", "", &soap(&fault))
    };
    let page = |words: &str| http("200 OK", "", &format!("<{words}/>"));
    for answer in [
        fault("bad request: &lt;password&gt;geheim&lt;/password&gt;"),
        fault("password=g&#101;heim"),
        fault("password=%67eheim"),
        page("geheim"),
        page("a>GEHEIM</geheim"),
    ] {
        let error =
            Scripted::answering(vec![content(), answer.clone()]).await.connect(Limits::default()).await;
        let error = error.expect_err("it is no login");
        let shown = format!("{error} {error:?}").to_lowercase();
        for form in ["geheim", "g&#101;heim", "%67eheim"] {
            assert!(!shown.contains(form), "{answer}: {shown}");
        }
    }
    let server =
        Scripted::answering(vec![content(), login(), fault("Cookie: vmware_soap_session=geheime-sitzung")]);
    let client = server.await.connect(Limits::default()).await.expect("it takes the password");
    let error = client.inventory().await.expect_err("it fails");
    assert!(!format!("{error:?}").contains("sitzung"), "{error}");
}
