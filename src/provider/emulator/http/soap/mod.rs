//! vCenter's interface over the same world: what a client needs to look at an inventory, and nothing that changes it.
//!
//! The first vCenter of the inventory answers at `/sdk`, each at `/sdk/<id>`, and so does each host that is under none.

mod collector;
mod content;
mod device;
mod endpoint;
mod envelope;
mod estate;
mod ground;
mod node;
mod state;
mod updates;
mod value;
mod vm;

pub(super) use endpoint::Endpoint;
pub(super) use endpoint::all;
pub(super) use state::State;

use hyper::Method;

use crate::provider::emulator::http::exchange::Answer;
use crate::provider::emulator::http::exchange::Asked;
use crate::provider::emulator::http::soap::envelope::Call;
use crate::provider::emulator::http::soap::envelope::Fault;
use crate::provider::emulator::http::soap::estate::Estate;
use crate::provider::emulator::http::soap::state::Session;
use crate::provider::emulator::http::soap::value::Value;
use crate::provider::emulator::http::visit::Visit;

/// Returns the answer to a request below `/sdk`.
pub(super) fn answer(visit: &mut Visit<'_>, asked: &Asked) -> Answer {
    let facts = visit.world().site.facts();
    let mut endpoints = all(facts);
    let named = asked.segments.get(1).and_then(|id| endpoints.iter().position(|one| one.name() == id));
    let rest = &asked.segments[if named.is_some() { 2 } else { 1 }..];
    let endpoint = endpoints.swap_remove(named.unwrap_or(0));
    let stated =
        facts.vcenters.iter().flatten().find(|one| Endpoint::Vcenter(one.id.value.clone()) == endpoint);
    let unreachable = stated.is_some_and(|one| one.reachable.as_deref() == Some(&false));
    if unreachable {
        return Answer::lost();
    }
    match (&asked.method, rest) {
        (&Method::GET, [file]) if file == "vimServiceVersions.xml" => {
            Answer::raw(200, "text/xml; charset=utf-8", content::VERSIONS)
        }
        (&Method::GET, [file]) if file == "vimService.wsdl" => {
            Answer::raw(200, "text/xml; charset=utf-8", content::WSDL)
        }
        (&Method::POST, []) => {
            // What is kept of sessions is taken out while the world is looked at.
            let mut state = std::mem::take(&mut visit.desk.vcenter);
            let answer = call(visit, asked, &endpoint, &mut state);
            visit.desk.vcenter = state;
            answer
        }
        (_, []) => Answer::empty(405),
        _ => Answer::empty(404),
    }
}

/// Returns the answer to whoever comes with a session that has ended.
pub(super) fn session_ended() -> Answer {
    envelope::fault(&Fault::not_authenticated())
}

fn call(visit: &Visit<'_>, asked: &Asked, endpoint: &Endpoint, state: &mut State) -> Answer {
    let call = match envelope::read(&asked.body) {
        Ok(call) => call,
        Err(why) => return envelope::fault(&Fault::invalid_request(&why)),
    };
    let clock = &visit.shared.options.access.clock;
    let session =
        asked.header("cookie").and_then(|cookies| state.session(cookies, endpoint.name(), clock.now()));
    let mut answer = match respond(visit, asked, &call, endpoint, session, state) {
        Ok(Response { content, cookie }) => {
            let answer = envelope::response(&call.name, &content);
            match cookie {
                Some(key) => answer.with(
                    "Set-Cookie",
                    format!("{}=\"{key}\"; Path=/; HttpOnly; SameSite=Strict", state::COOKIE),
                ),
                None => answer,
            }
        }
        Err(fault) => envelope::fault(&fault),
    };
    answer.headers.push(("Cache-Control".into(), "no-cache".into()));
    answer
}

/// What a call returns.
struct Response {
    /// The elements of the response.
    content: Vec<(&'static str, Value)>,
    /// The key of a session that has begun.
    cookie: Option<String>,
}

impl From<Vec<(&'static str, Value)>> for Response {
    fn from(content: Vec<(&'static str, Value)>) -> Self {
        Self { content, cookie: None }
    }
}

fn respond(
    visit: &Visit<'_>,
    asked: &Asked,
    call: &Call,
    endpoint: &Endpoint,
    session: Option<Session>,
    state: &mut State,
) -> Result<Response, Fault> {
    let estate = Estate::new(visit, endpoint, session.as_ref());
    let one = |value: Value| Ok(Response::from(vec![("returnval", value)]));
    match call.name.as_str() {
        "RetrieveServiceContent" => return one(content::service(&estate)),
        "Login" => return log_in(visit, asked, call, endpoint, state),
        // Who it is that asks may be asked by anybody.
        "Fetch" if call.this.kind == "SessionManager" || call.this.kind == "ServiceInstance" => {
            return Ok(Response::from(collector::fetch(&estate, call)?));
        }
        _ => {}
    }
    let Some(key) = session.as_ref().map(|session| session.key.clone()) else {
        return Err(Fault::not_authenticated());
    };
    Ok(match call.name.as_str() {
        "Logout" => {
            state.end(&key);
            Vec::new().into()
        }
        "CurrentTime" => return one(Value::time(visit.now)),
        "SessionIsActive" => {
            let id = call.argument("sessionID").map(|id| id.text.clone()).unwrap_or_default();
            return one(Value::truth(state.is_active(&id)));
        }
        "CreateContainerView" => {
            return one(Value::Reference(state.add_view(&key, collector::view(&estate, call)?)));
        }
        "DestroyView" => {
            state.remove_view(&key, &call.this.id).ok_or_else(|| Fault::not_found(&call.this))?;
            Vec::new().into()
        }
        "RetrievePropertiesEx"
        | "ContinueRetrievePropertiesEx"
        | "CancelRetrievePropertiesEx"
        | "RetrieveProperties" => collector::collect(&estate, call, &key, state)?.into(),
        "Fetch" => collector::fetch(&estate, call)?.into(),
        "FindByUuid" => estate
            .find_by_uuid(call)
            .map(|found| ("returnval", Value::Reference(found)))
            .into_iter()
            .collect::<Vec<_>>()
            .into(),
        "FindAllByUuid" => estate
            .find_by_uuid(call)
            .map(|found| ("returnval", Value::Reference(found)))
            .into_iter()
            .collect::<Vec<_>>()
            .into(),
        "CreatePropertyCollector" => {
            return one(Value::Reference(endpoint.parts().collector()));
        }
        "DestroyPropertyCollector" | "CancelWaitForUpdates" => Vec::new().into(),
        "CreateFilter" => return one(Value::Reference(updates::create(&estate, call, &key, state)?)),
        "DestroyPropertyFilter" => {
            state.remove_filter(&key, &call.this.id).ok_or_else(|| Fault::not_found(&call.this))?;
            Vec::new().into()
        }
        "WaitForUpdatesEx" | "WaitForUpdates" | "CheckForUpdates" => {
            updates::wait(&estate, call, &key, state)?.into()
        }
        _ => return Err(Fault::not_supported(&call.name)),
    })
}

fn log_in(
    visit: &Visit<'_>,
    asked: &Asked,
    call: &Call,
    endpoint: &Endpoint,
    state: &mut State,
) -> Result<Response, Fault> {
    let word = |name| call.argument(name).map(|argument| argument.text.clone()).unwrap_or_default();
    let (user, password) = (word("userName"), word("password"));
    let options = &visit.shared.options;
    if !options.vcenter_user.eq_ignore_ascii_case(&user)
        || !state::is_password(&options.vcenter_password, &password)
    {
        return Err(Fault::invalid_login());
    }
    let session = state.begin(endpoint.name(), &user, visit.now, options.access.clock.now());
    let agent = asked.header("user-agent").unwrap_or_default();
    Ok(Response {
        content: vec![("returnval", content::user_session(&session, agent))],
        cookie: Some(session.key),
    })
}
