//! Every route there is, in one table: the router and the API's description are made from it.

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::MethodRouter;
use axum::routing::get;
use axum::routing::post;

use crate::web::access::Needs;
use crate::web::api;
use crate::web::app::App;
use crate::web::assets;
use crate::web::error::Problem;
use crate::web::guard;
use crate::web::metrics;
use crate::web::orders;
use crate::web::pages;
use crate::web::stream;

/// What the API's description says of a route.
#[derive(Debug)]
pub(super) struct About {
    /// The operation's name for programs.
    pub id: &'static str,
    pub summary: &'static str,
    /// The schema of what is sent, if anything is.
    pub takes: Option<&'static str>,
    /// The media type and the schema of what is answered.
    pub gives: (&'static str, &'static str),
    /// Fields of the query.
    pub query: &'static [Field],
}

/// A field of a query.
#[derive(Debug)]
pub(super) struct Field {
    pub name: &'static str,
    pub summary: &'static str,
    /// The words that it may be; none of a whole number.
    pub words: &'static [&'static str],
}

/// A route.
pub(super) struct Route {
    pub method: &'static str,
    pub path: &'static str,
    pub needs: Needs,
    pub about: Option<About>,
    handler: fn() -> MethodRouter<Arc<App>>,
}

const JSON: &str = "application/json";

const fn reads(
    path: &'static str,
    id: &'static str,
    summary: &'static str,
    gives: &'static str,
    handler: fn() -> MethodRouter<Arc<App>>,
) -> Route {
    let about = About { id, summary, takes: None, gives: (JSON, gives), query: &[] };
    Route { method: "get", path, needs: Needs::Viewer, about: Some(about), handler }
}

const fn orders(
    path: &'static str,
    needs: Needs,
    about: About,
    handler: fn() -> MethodRouter<Arc<App>>,
) -> Route {
    Route { method: "post", path, needs, about: Some(about), handler }
}

const fn page(path: &'static str, needs: Needs, handler: fn() -> MethodRouter<Arc<App>>) -> Route {
    Route { method: "get", path, needs, about: None, handler }
}

const AFTER: &[Field] =
    &[Field { name: "after", summary: "place of the last event that is known", words: &[] }];

/// Every route of the API.
pub(super) const API: &[Route] = &[
    reads("/api/v1/session", "session", "Who asks, and with which roles", "Session", || get(api::session)),
    reads("/api/v1/runs", "runs", "Runs, the newest first: as `failback runs --format json`", "Runs", || {
        get(api::runs)
    }),
    reads(
        "/api/v1/runs/{run}",
        "run",
        "A run with its steps: as `failback show --format json`",
        "Run",
        || get(api::run),
    ),
    reads(
        "/api/v1/runs/{run}/outline",
        "outline",
        "What does not change while a run goes on",
        "Outline",
        || get(api::outline),
    ),
    Route {
        method: "get",
        path: "/api/v1/runs/{run}/view",
        needs: Needs::Viewer,
        about: Some(About {
            id: "view",
            summary: "How a run stands, or what changed in it after an event",
            takes: None,
            gives: (JSON, "Delta"),
            query: AFTER,
        }),
        handler: || get(api::view),
    },
    Route {
        method: "get",
        path: "/api/v1/runs/{run}/events",
        needs: Needs::Viewer,
        about: Some(About {
            id: "events",
            summary: "Events of the journal, a thousand at most: as `failback logs --events`",
            takes: None,
            gives: (JSON, "Events"),
            query: AFTER,
        }),
        handler: || get(api::events),
    },
    Route {
        method: "get",
        path: "/api/v1/runs/{run}/stream",
        needs: Needs::Viewer,
        about: Some(About {
            id: "stream",
            summary: "What changes in a run, as server-sent events `run` whose data is a Delta and whose id is the place \
                      of the last event; `Last-Event-ID` goes on there",
            takes: None,
            gives: ("text/event-stream", "Delta"),
            query: AFTER,
        }),
        handler: || get(stream::run),
    },
    Route {
        method: "get",
        path: "/api/v1/runs/{run}/report",
        needs: Needs::Viewer,
        about: Some(About {
            id: "report",
            summary: "The report of a run: as `failback report --format json`, or in another of its formats",
            takes: None,
            gives: (JSON, "Report"),
            query: &[Field {
                name: "format",
                summary: "how it is written: json unless told",
                words: api::FORMATS,
            }],
        }),
        handler: || get(api::report),
    },
    orders(
        "/api/v1/runs/{run}/orders",
        Needs::Answerer,
        About {
            id: "order",
            summary: "Gives an order to a run: approve, deny, skip_step, skip_machine, retry, cancel, withdraw",
            takes: Some("Order"),
            gives: (JSON, "OrderSent"),
            query: &[],
        },
        || post(orders::give),
    ),
    orders(
        "/api/v1/runs/{run}/resume",
        Needs::Operator,
        About {
            id: "resume",
            summary: "Goes on with a rehearsal that nobody drives",
            takes: None,
            gives: (JSON, "Resumed"),
            query: &[],
        },
        || post(api::resume),
    ),
    reads("/api/v1/plans", "plans", "Plans with their findings, drills and objectives", "Plans", || {
        get(api::plans)
    }),
    reads("/api/v1/plans/{plan}", "plan", "A plan: as `failback plan --format json`", "Plan", || {
        get(api::plan)
    }),
    reads(
        "/api/v1/plans/{plan}/findings",
        "findings",
        "The findings of a plan: as `failback check --format json`",
        "Findings",
        || get(api::findings),
    ),
    reads("/api/v1/drills", "drills", "Drills: as `failback drills --format json`", "Drills", || {
        get(api::drills)
    }),
    orders(
        "/api/v1/drills",
        Needs::Operator,
        About {
            id: "start",
            summary: "Starts a drill in a process of its own",
            takes: Some("NewDrill"),
            gives: (JSON, "DrillStarted"),
            query: &[],
        },
        || post(api::start),
    ),
    Route {
        method: "get",
        path: "/api/v1/openapi.json",
        needs: Needs::Viewer,
        about: Some(About {
            id: "openapi",
            summary: "This description",
            takes: None,
            gives: (JSON, "Any"),
            query: &[],
        }),
        handler: || get(api::openapi),
    },
];

/// Every route beside the API.
const PAGES: &[Route] = &[
    page("/", Needs::Viewer, || get(pages::plans::list)),
    page("/plans/{plan}", Needs::Viewer, || get(pages::plans::one)),
    page("/runs", Needs::Viewer, || get(pages::runs::list)),
    page("/runs/{run}", Needs::Viewer, || get(pages::runs::one)),
    page("/runs/{run}/report", Needs::Viewer, || get(pages::runs::report)),
    page("/runs/{run}/report/content", Needs::Viewer, || get(pages::runs::report_content)),
    page("/drills", Needs::Viewer, || get(pages::drills::calendar)),
    page("/findings", Needs::Viewer, || get(pages::plans::findings)),
    page("/login", Needs::Nobody, || get(pages::login::ask)),
    Route {
        method: "post",
        path: "/login",
        needs: Needs::Nobody,
        about: None,
        handler: || post(pages::login::sign_in),
    },
    Route {
        method: "post",
        path: "/logout",
        needs: Needs::Viewer,
        about: None,
        handler: || post(pages::login::sign_out),
    },
    page("/assets/{name}", Needs::Nobody, || get(assets::one)),
    page("/metrics", Needs::Viewer, || get(metrics::show)),
    page("/healthz", Needs::Nobody, || get(api::health)),
    page("/readyz", Needs::Nobody, || get(api::ready)),
];

/// Returns what answers requests.
pub(super) fn router(app: Arc<App>) -> Router {
    let mut router = Router::new();
    for route in API.iter().chain(PAGES) {
        let may = from_fn_with_state((Arc::clone(&app), route.needs), guard::may);
        router = router.route(route.path, (route.handler)().route_layer(may));
    }
    router
        .fallback(|| async { Problem::missing("there is nothing at this address") })
        .layer(from_fn_with_state(Arc::clone(&app), guard::outer))
        .with_state(app)
}
