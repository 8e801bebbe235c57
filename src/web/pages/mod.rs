//! Pages for people: templates that escape what documents hold, and what each page knows of its reader.

pub(super) mod drills;
pub(super) mod login;
pub(super) mod plans;
pub(super) mod runs;
mod show;

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::HeaderValue;
use axum::http::header;
use axum::http::request::Parts;
use axum::response::Html;
use axum::response::IntoResponse as _;
use axum::response::Response;
use minijinja::Environment;
use minijinja::Value;
use minijinja::context;

use crate::web::access::Who;
use crate::web::app::App;
use crate::web::app::broken;
use crate::web::error::Problem;
use crate::web::input;
use crate::web::words;
use crate::web::words::Language;

/// The cookie that remembers the language.
const LANGUAGE: &str = "failback_language";

/// Returns the templates.
pub(super) fn templates() -> Environment<'static> {
    let mut environment = Environment::new();
    let templates = [
        ("layout.html", include_str!("../templates/layout.html")),
        ("macros.html", include_str!("../templates/macros.html")),
        ("login.html", include_str!("../templates/login.html")),
        ("error.html", include_str!("../templates/error.html")),
        ("plans.html", include_str!("../templates/plans.html")),
        ("plan.html", include_str!("../templates/plan.html")),
        ("findings.html", include_str!("../templates/findings.html")),
        ("runs.html", include_str!("../templates/runs.html")),
        ("run.html", include_str!("../templates/run.html")),
        ("report.html", include_str!("../templates/report.html")),
        ("drills.html", include_str!("../templates/drills.html")),
    ];
    for (name, text) in templates {
        environment.add_template(name, text).expect("a test renders each template");
    }
    environment.set_undefined_behavior(minijinja::UndefinedBehavior::Chainable);
    show::add_filters(&mut environment);
    environment
}

/// Who looks at a page, and in which language.
#[derive(Clone, Debug)]
pub(super) struct Visit {
    pub language: Language,
    pub who: Option<Who>,
    path: String,
    /// Whether the language was chosen just now.
    chosen: bool,
}

impl Visit {
    fn of(app: &App, headers: &HeaderMap, path: &str, query: &str, who: Option<Who>) -> Self {
        let chosen = input::field(query, "lang").and_then(|tag| Language::from_tag(&tag));
        let kept = || input::cookie(headers, LANGUAGE).and_then(Language::from_tag);
        let language =
            chosen.or_else(kept).or_else(|| Language::accepted(headers)).unwrap_or(app.admission().language);
        Self { language, who, path: path.to_owned(), chosen: chosen.is_some() }
    }
}

impl FromRequestParts<Arc<App>> for Visit {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Self::Rejection> {
        let who = parts.extensions.get::<Who>().cloned();
        let query = parts.uri.query().unwrap_or_default();
        Ok(Self::of(app, &parts.headers, parts.uri.path(), query, who))
    }
}

/// Makes a page of a template.
fn render(app: &App, visit: &Visit, name: &str, title: &str, page: Value) -> Result<Response, Problem> {
    let language = visit.language;
    let say = Value::from_function(move |key: &str| words::say(language, key).to_owned());
    let who = visit.who.as_ref();
    let made = app.templates.get_template(name).and_then(|template| {
        template.render(context! {
            t => say,
            lang => language.tag(),
            words => words::all(language),
            title => title,
            path => visit.path.as_str(),
            user => who.map(|who| who.name.as_str()),
            roles => who.map(|who| who.roles.clone()),
            may_operate => who.is_some_and(Who::may_operate),
            may_approve => who.is_some_and(|who| who.may_answer(&[])),
            csrf => who.map(Who::csrf),
            now => app.now().to_string(),
            page => page,
        })
    });
    let text = made.map_err(|error| {
        tracing::error!(error = %format!("{error:#}"), page = name, "a page could not be made");
        broken()
    })?;
    let mut response = Html(text).into_response();
    if visit.chosen {
        let secure = if app.is_tls { "; Secure" } else { "" };
        let cookie =
            format!("{LANGUAGE}={}; Path=/; Max-Age=31536000; SameSite=Strict{secure}", language.tag());
        let cookie = HeaderValue::try_from(cookie).expect("a tag is plain");
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(response)
}

/// Shows a problem to a person.
pub(super) fn error(app: &App, problem: &Problem, headers: &HeaderMap, query: &str) -> Response {
    let who = input::cookie(headers, app.cookie()).and_then(|id| app.sessions.whose(id, app.now()));
    let visit = Visit::of(app, headers, "", query, who);
    let page = context! { status => problem.status.as_u16(), message => problem.message.clone() };
    let title = words::say(visit.language, "error_title");
    let mut response = match render(app, &visit, "error.html", title, page) {
        Ok(response) => response,
        Err(problem) => problem.into_response(),
    };
    *response.status_mut() = problem.status;
    if let Some(seconds) = problem.retry_after {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response.extensions_mut().remove::<Problem>();
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_columns_of_a_month_are_named_monday_first() {
        for (language, first, last) in [(Language::English, "Mon", "Sun"), (Language::Korean, "월", "일")] {
            let say = Value::from_function(move |key: &str| words::say(language, key).to_owned());
            let page = context! { days => Vec::<Value>::new(), past => Vec::<Value>::new() };
            let made = templates().get_template("drills.html").and_then(|template| {
                template.render(context! { t => say, words => words::all(language), page => page })
            });
            let text = made.expect("it is a page");
            let names =
                text.split_once("<div class=\"weekdays\"").and_then(|(_, rest)| rest.split_once("</div>"));
            let names = names.expect("they are there").0;
            assert!(names.contains(&format!("true\"><span>{first}</span>")), "{names}");
            assert!(names.ends_with(&format!("<span>{last}</span>")), "{names}");
        }
    }

    #[test]
    fn every_template_is_a_page_whatever_it_is_given() {
        let environment = templates();
        let hostile = "<script>alert(1)</script>\"'&";
        for (name, _) in environment.templates() {
            for language in [Language::English, Language::Korean] {
                let say = Value::from_function(move |key: &str| words::say(language, key).to_owned());
                let row = context! {
                    name => hostile, key => hostile, path => hostile, state => "ready", description => hostile,
                    findings => context! { errors => 1, warnings => 2, pending => 3 }, coverage => 0.5,
                    objective => "kept", rto_objective_s => 3600, drills => [hostile],
                    last_drill => context! { state => "passed", at => "2026-11-22T21:04:31Z" },
                };
                let finding = context! {
                    rule => "FB001", severity => "error", state => "violated", message => hostile,
                    subject => context! { name => hostile },
                };
                let page = context! {
                    next => hostile, message => hostile, plan => hostile, run => hostile, state => "running",
                    plans => [context! { row => row.clone(), findings => [finding.clone()], ..row.clone() }], row => row,
                    findings => [finding], runs => [context! { run => hostile, plan => hostile, state => "failed" }],
                    days => [context! { number => 1, entries => [context! { plan => hostile, state => "due", href => "/" }] }],
                    past => [context! { plan => hostile, state => "passed", run => hostile }],
                };
                let made = environment.get_template(name).expect("it is there").render(context! {
                    t => say, lang => language.tag(), words => words::all(language), title => hostile,
                    path => "/plans/x", user => hostile, roles => ["viewer"], may_operate => true, csrf => hostile,
                    page => page,
                });
                let text = made.unwrap_or_else(|error| panic!("{name}: {error:#}"));
                assert!(!text.contains("<script>alert") && !text.contains("\"'&"), "{name}: {text}");
                assert!(
                    !text.contains(" style=") && !text.contains(" onclick="),
                    "{name} keeps to the policy: {text}"
                );
            }
        }
    }
}
