//! Who answers a request: the way from a path to a resource.

use hyper::Method;

use crate::clock::pace::Pace as _;
use crate::clock::pace::Speed;
use crate::provider::emulator::http::Shared;
use crate::provider::emulator::http::compute_size;
use crate::provider::emulator::http::control;
use crate::provider::emulator::http::exchange::Answer;
use crate::provider::emulator::http::exchange::Asked;
use crate::provider::emulator::http::exchange::Delivery;
use crate::provider::emulator::http::infrastructure;
use crate::provider::emulator::http::item;
use crate::provider::emulator::http::job;
use crate::provider::emulator::http::metadata;
use crate::provider::emulator::http::recovery_plan;
use crate::provider::emulator::http::recovery_point;
use crate::provider::emulator::http::soap;
use crate::provider::emulator::http::verb;
use crate::provider::emulator::http::visit::Visit;
use crate::provider::emulator::http::wire_fault;

impl Shared {
    /// Returns the answer to a request.
    pub(super) async fn respond(&self, mut asked: Asked) -> Answer {
        let kind = kind(&asked);
        self.come_along(&mut asked);
        let hits = self.wire.hits(&kind, asked.now);
        if let Some(wait) = wire_fault::delay(&hits) {
            self.pace.until(asked.now.saturating_add(wait).unwrap_or(asked.now)).await;
            asked.now = self.now();
        }
        asked.information = wire_fault::information(&hits);
        let mut answer = wire_fault::instead(&asked, &hits).unwrap_or_else(|| self.answer(&asked));
        wire_fault::change(&asked, &mut answer, &hits);
        self.count(kind);
        if answer.delivery != Delivery::Lost {
            self.sign(&asked, &mut answer);
        }
        answer
    }

    /// Puts a clock that stands still forward to the moment of a client that may move it.
    fn come_along(&self, asked: &mut Asked) {
        let moment = asked.header("x-failback-until").and_then(|text| text.parse().ok());
        if let Some(moment) = moment.filter(|_| self.pace.speed() == Speed::Max)
            && self.tokens.principal(asked).is_ok()
        {
            self.pace.reach(moment);
            asked.now = self.now();
        }
    }

    /// Adds the headers that every answer has.
    fn sign(&self, asked: &Asked, answer: &mut Answer) {
        let mut add = |name: &str, value: String| {
            if !answer.headers.iter().any(|(has, _)| has.eq_ignore_ascii_case(name)) {
                answer.headers.push((name.to_owned(), value));
            }
        };
        let correlation = asked.correlation_id();
        add("Date", wire_fault::http_date(asked.now));
        add("x-ms-request-id", correlation.clone());
        add("x-ms-correlation-request-id", correlation.clone());
        let at = asked.now.strftime("%Y%m%dT%H%M%SZ");
        add("x-ms-routing-request-id", format!("KOREACENTRAL:{at}:{correlation}"));
        if let Some(id) = asked.header("x-ms-client-request-id") {
            add("x-ms-client-request-id", id.to_owned());
        }
        add("x-failback-time", asked.now.to_string());
        add("x-failback-speed", self.pace.speed().to_string());
    }

    fn answer(&self, asked: &Asked) -> Answer {
        if let Some(answer) = self.tokens.answer(asked) {
            return answer;
        }
        let path = asked.path();
        if path.first() == Some(&"sdk") {
            return soap::answer(&mut self.visit(), asked);
        }
        if let Some(answer) = metadata::answer(self, asked) {
            return answer;
        }
        let principal = match self.tokens.principal(asked) {
            Ok(principal) => principal,
            Err(answer) => return answer,
        };
        if let ["_failback", own] = path.as_slice() {
            return control::answer(self, asked, own);
        }
        let left = match self.throttle.take(asked, &principal) {
            Ok(left) => left,
            Err(answer) => return answer,
        };
        let mut visit = self.visit();
        let refusal = self.options.rights.refusal(asked);
        let mut answer = visit.outage().or(refusal).unwrap_or_else(|| resource(&mut visit, asked));
        if let Some(Err(error)) = self.keeper.as_ref().map(|keeper| keeper.keep(&visit.desk)) {
            let message = format!("What was done can't be kept: {error}");
            answer = Answer::arm_error(500, "InternalServerError", message);
        }
        answer.headers.extend(left);
        answer
    }
}

/// Returns the answer of Azure Resource Manager.
fn resource(visit: &mut Visit<'_>, asked: &Asked) -> Answer {
    let path = asked.path();
    if asked.argument("api-version").is_none_or(str::is_empty) {
        let message = "The api-version query parameter (?api-version=) is required for all requests.";
        return Answer::arm_error(400, "MissingApiVersionParameter", message);
    }
    if !is_version(asked.api_version()) {
        let message = format!("The api-version '{}' is invalid.", asked.api_version());
        return Answer::arm_error(400, "InvalidApiVersionParameter", message);
    }
    // Nothing here has an ETag: what asks for one asks for something else.
    if asked.header("if-match").is_some_and(|tag| tag != "*") && !asked.is_read() {
        let message = "The condition specified using HTTP conditional header(s) is not met.";
        return Answer::arm_error(412, "PreconditionFailed", message);
    }
    let identity = visit.identity();
    if let [
        "subscriptions",
        subscription,
        "resourcegroups",
        group,
        "providers",
        "microsoft.recoveryservices",
        "vaults",
        vault,
        rest @ ..,
    ] = path.as_slice()
    {
        let same = |own: &str, asked: &str| own.eq_ignore_ascii_case(asked);
        if !same(&identity.subscription, subscription) {
            let message = format!("The subscription '{subscription}' could not be found.");
            return Answer::arm_error(404, "SubscriptionNotFound", message)
                .with("x-ms-failure-cause", "gateway");
        }
        if !same(&identity.resource_group, group) {
            let message = format!("Resource group '{group}' could not be found.");
            return Answer::arm_error(404, "ResourceGroupNotFound", message)
                .with("x-ms-failure-cause", "gateway");
        }
        if !same(&identity.vault, vault) {
            return Answer::gateway_missing("Microsoft.RecoveryServices/vaults", vault, group);
        }
        if let Some(answer) = in_vault(visit, asked, rest) {
            return answer;
        }
    }
    infrastructure::answer(visit, asked).unwrap_or_else(|| {
        // What can be read is there, and does not have this method.
        if !asked.is_read() && resource(visit, &as_get(asked, &asked.target)).status == 200 {
            return Answer::not_allowed(asked);
        }
        let name = asked.segments.last().map_or("", String::as_str);
        Answer::missing(asked, name)
    })
}

/// Returns whether a text has the form of a version: a date, and perhaps `-preview`.
fn is_version(text: &str) -> bool {
    let date = text.strip_suffix("-preview").unwrap_or(text);
    date.len() == 10 && date.parse::<jiff::civil::Date>().is_ok()
}

/// Returns the request that reads what is at `target`, by who asks something else.
fn as_get(asked: &Asked, target: &str) -> Asked {
    Asked::new(
        Method::GET,
        asked.base.clone(),
        target,
        asked.headers.clone(),
        asked.body.slice(..0),
        asked.now,
        asked.number,
    )
}

/// Returns the answer of jobs, operations, items and plans.
fn in_vault(visit: &mut Visit<'_>, asked: &Asked, rest: &[&str]) -> Option<Answer> {
    match rest {
        ["replicationjobs", rest @ ..] if !is_result(rest) => Some(job::answer(visit, asked, rest)),
        ["replicationoperationstatus", name] => Some(job::status(visit, asked, name)),
        [.., "operationresults", name] => Some(result(visit, asked, name)),
        ["replicationrecoveryplans", rest @ ..] => Some(recovery_plan::answer(visit, asked, rest)),
        ["replicationprotecteditems"] => Some(item::list(visit, asked)),
        [
            "replicationfabrics",
            fabric,
            "replicationprotectioncontainers",
            container,
            "replicationprotecteditems",
            rest @ ..,
        ] => {
            let identity = visit.identity();
            let own = identity.fabric.eq_ignore_ascii_case(fabric)
                && identity.container.eq_ignore_ascii_case(container);
            if own { item_of(visit, asked, rest) } else { None }
        }
        _ => None,
    }
}

fn is_result(rest: &[&str]) -> bool {
    rest.iter().rev().nth(1) == Some(&"operationresults")
}

/// Returns the answer of an item and of what is below it.
fn item_of(visit: &mut Visit<'_>, asked: &Asked, rest: &[&str]) -> Option<Answer> {
    let (name, below) = match rest {
        [] => return Some(item::list(visit, asked)),
        [name, below @ ..] => (*name, below),
    };
    // An item that is not there can still be made: that is not this module's business.
    if asked.method == Method::PUT && below.is_empty() {
        return None;
    }
    let Some(machine) = item::named(visit, name) else { return Some(Answer::missing(asked, name)) };
    match (below, &asked.method) {
        ([], &Method::GET) => Some(item::get(visit, machine)),
        ([], &Method::DELETE) => Some(verb::purge(visit, asked, machine)),
        (["targetcomputesizes"], &Method::GET) => Some(compute_size::list(visit, asked, machine)),
        (["recoverypoints"], _) => Some(recovery_point::answer(visit, asked, machine, None)),
        (["recoverypoints", point], _) => Some(recovery_point::answer(visit, asked, machine, Some(point))),
        ([word], _) => verb::answer(visit, asked, machine, word),
        _ => None,
    }
}

/// Returns the answer to `…/operationresults/{name}`: at the end, what a GET of the resource gives.
fn result(visit: &mut Visit<'_>, asked: &Asked, name: &str) -> Answer {
    if !asked.is_read() {
        return Answer::not_allowed(asked);
    }
    match job::result(visit, asked, name) {
        job::Outcome::Answer(answer) => answer,
        job::Outcome::Resource(path) => {
            let target = format!("{}?api-version={}", path.replace(' ', "%20"), asked.api_version());
            let found = resource(visit, &as_get(asked, &target));
            // What an operation changed may be gone since; its result is there all the same.
            if found.status == 404 { Answer::no_content() } else { found }
        }
    }
}

/// Returns what kind of request one is: its method and its path, with `*` for names.
fn kind(asked: &Asked) -> String {
    let method = &asked.method;
    let path = &asked.segments;
    let provider = asked.lower.iter().rposition(|part| part == "providers");
    let Some(provider) = provider.filter(|at| at + 2 < path.len()) else {
        return format!("{method} {}", path.join("/"));
    };
    let mut types = &path[provider + 2..];
    if asked.lower.get(provider + 2).is_some_and(|part| part == "vaults") && types.len() > 2 {
        types = &types[2..];
    }
    let shown: Vec<&str> =
        types.iter().enumerate().map(|(at, part)| if at % 2 == 1 { "*" } else { part.as_str() }).collect();
    format!("{method} {}", shown.join("/"))
}
