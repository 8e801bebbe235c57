//! Updates of vCenter's property collector: a client that follows a machine is told what changes, and at once that nothing has.

use failback::provider::emulator::http::ServerOptions;
use secrecy::ExposeSecret as _;

use crate::wire_arm::Site;
use crate::wire_arm::classic::fail_back;
use crate::wire_arm::classic::protect;

/// A client of vCenter that says nothing but what a test tells it.
struct Soap<'w> {
    wire: &'w Site,
    cookie: String,
}

impl<'w> Soap<'w> {
    async fn send(wire: &Site, cookie: Option<&str>, body: &str) -> (Option<String>, String) {
        let text = format!(
            "<soapenv:Envelope xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\" \
             xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"><soapenv:Body>{body}</soapenv:Body></soapenv:Envelope>"
        );
        let mut asking = wire.client.post(format!("{}/sdk", wire.handle.url())).body(text);
        if let Some(cookie) = cookie {
            asking = asking.header("Cookie", cookie);
        }
        let answer = asking.send().await.expect("the server answers");
        let cookie = answer.headers().get("set-cookie").and_then(|value| value.to_str().ok());
        let cookie = cookie.and_then(|value| value.split(';').next()).map(str::to_owned);
        (cookie, answer.text().await.expect("it is text"))
    }

    async fn log_in(wire: &'w Site) -> Self {
        let options: &ServerOptions = wire.handle.options();
        let body = format!(
            "<Login xmlns=\"urn:vim25\"><_this type=\"SessionManager\">SessionManager</_this><userName>{}</userName>\
             <password>{}</password></Login>",
            options.vcenter_user,
            options.vcenter_password.expose_secret()
        );
        let (cookie, said) = Self::send(wire, None, &body).await;
        Self { wire, cookie: cookie.unwrap_or_else(|| panic!("no session: {said}")) }
    }

    async fn call(&self, name: &str, this: (&str, &str), arguments: &str) -> String {
        let (kind, id) = this;
        let body =
            format!("<{name} xmlns=\"urn:vim25\"><_this type=\"{kind}\">{id}</_this>{arguments}</{name}>");
        Self::send(self.wire, Some(&self.cookie), &body).await.1
    }
}

fn between<'t>(text: &'t str, before: &str, after: &str) -> &'t str {
    let rest = text.split_once(before).unwrap_or_else(|| panic!("no `{before}` in {text}")).1;
    rest.split_once(after).unwrap_or_else(|| panic!("no `{after}` in {rest}")).0
}

#[tokio::test]
async fn a_client_that_follows_a_machine_is_told_of_its_power_and_at_once_of_nothing_else() {
    let site = Site::classic().await;
    let soap = Soap::log_in(&site).await;
    let uuid = "<uuid>564d0000-0000-0000-0000-000000000001</uuid><vmSearch>true</vmSearch>";
    let found = soap.call("FindByUuid", ("SearchIndex", "SearchIndex"), uuid).await;
    let vm = between(&found, "<returnval type=\"VirtualMachine\">", "<").to_owned();
    let collector = ("PropertyCollector", "propertyCollector");
    let spec = format!(
        "<spec><propSet><type>VirtualMachine</type><pathSet>name</pathSet><pathSet>runtime.powerState</pathSet></propSet>\
         <objectSet><obj type=\"VirtualMachine\">{vm}</obj></objectSet></spec><partialUpdates>true</partialUpdates>"
    );
    let filter = soap.call("CreateFilter", collector, &spec).await;
    assert!(filter.contains("PropertyFilter"), "{filter}");

    let first = soap.call("WaitForUpdatesEx", collector, "<version></version>").await;
    assert!(first.contains("<kind>enter</kind>") && first.contains("poweredOff"), "{first}");
    let version = format!("<version>{}</version>", between(&first, "<version>", "</version>"));
    let nothing = soap.call("WaitForUpdatesEx", collector, &version).await;
    assert!(!nothing.contains("returnval"), "it answers at once, and has nothing to tell: {nothing}");

    // Home again, it runs.
    protect(&site, "w1").await;
    site.done(&site.item("w1", "/unplannedFailover"), fail_back()).await;
    let changed = soap.call("WaitForUpdatesEx", collector, &version).await;
    assert!(changed.contains("<kind>modify</kind>"), "{changed}");
    assert!(changed.contains("runtime.powerState") && changed.contains("poweredOn"), "{changed}");
    assert!(!changed.contains("<name>name</name>"), "what did not change is not told: {changed}");
    let id = between(&filter, "<returnval type=\"PropertyFilter\">", "<").to_owned();
    soap.call("DestroyPropertyFilter", ("PropertyFilter", &id), "").await;
    let after = soap.call("WaitForUpdatesEx", collector, "<version></version>").await;
    assert!(!after.contains("poweredOn"), "nobody follows it any more: {after}");
}
