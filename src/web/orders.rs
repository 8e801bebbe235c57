//! Orders to a run: judged by who gives them and by how the run stands, then put into its inbox.

use std::sync::Arc;

use axum::Extension;
use axum::Json;
use axum::body::Bytes;
use axum::extract::Path;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use axum::response::Response;
use serde_json::json;

use crate::event::KnownAs;
use crate::event::Letter;
use crate::event::Order;
use crate::event::RunState;
use crate::event::Shown;
use crate::id::RunId;
use crate::journal::Database;
use crate::journal::NewLetter;
use crate::run::order;
use crate::web::access::Who;
use crate::web::app::App;
use crate::web::app::broken;
use crate::web::error::Problem;

/// Characters that a reason may have.
const REASON: usize = 1000;

/// Takes an order to a run.
pub(super) async fn give(
    State(app): State<Arc<App>>,
    Path(run): Path<String>,
    Extension(who): Extension<Who>,
    body: Bytes,
) -> Result<Response, Problem> {
    let order: Order = serde_json::from_slice(&body)
        .map_err(|error| Problem::invalid(format!("this is no order: {error}")))?;
    let order = reasoned(order)?;
    let watched = app.hub.fresh(&RunId::new(run)).await?;
    let (is_driven, letters, state) =
        watched.look(|view| (view.is_driven(), view.letters().to_vec(), view.state().clone()));
    let run = watched.run().clone();
    let state = order::after(state, &run, &letters);
    may_give(&who, &order, &state)?;
    let at = app.now();
    let (by, roles) = (who.name, who.roles);
    let letter = Letter {
        id: u64::MAX,
        // The run may have another clock.
        at: state.last_at().unwrap_or(at),
        by: by.clone(),
        known_as: KnownAs::Session,
        roles: roles.clone(),
        order: order.clone(),
        signed: None,
        withdrawn_by: None,
    };
    let refused = match &order {
        Order::Withdraw { letter: number } => {
            let waits = letters.iter().any(|letter| letter.id == *number && letter.withdrawn_by.is_none());
            (!waits).then(|| format!("order {number} does not wait"))
        }
        _ => {
            let expected = order::judge(&state, &letter);
            let is_nothing = expected.effects.is_empty();
            is_nothing.then(|| expected.refused.unwrap_or_else(|| "nothing is to be done".to_owned()))
        }
    };
    if let Some(why) = refused {
        return Err(Problem::new(StatusCode::CONFLICT, "refused", why));
    }
    let new = NewLetter { at, by, known_as: KnownAs::Session, roles, signed: None, order: order.clone() };
    let number = send(&app, &run, new).await?;
    app.metrics.sent_order();
    let state = if is_driven { "sent" } else { "waiting" };
    let told = json!({
        "version": 1, "run": run, "letter": number, "order": order, "state": state, "refused": null,
    });
    Ok((StatusCode::ACCEPTED, Json(told)).into_response())
}

async fn send(app: &App, run: &RunId, letter: NewLetter) -> Result<u64, Problem> {
    let (path, run) = (app.dir.database(), run.clone());
    let sent = tokio::task::spawn_blocking(move || Database::open(&path)?.send(&run, &letter));
    let sent = sent.await.map_err(|_| broken())?;
    sent.map_err(|error| Problem::unavailable(format!("the order can't be sent: {}", error.in_words())))
}

/// Returns an order whose reason says something, where one is asked for, and is not endless.
fn reasoned(mut order: Order) -> Result<Order, Problem> {
    let (text, is_needed) = match &mut order {
        Order::Approve { reason, .. } | Order::Deny { reason, .. } | Order::Cancel { reason, .. } => {
            (reason.as_mut(), false)
        }
        Order::SkipStep { reason, .. } | Order::SkipMachine { reason, .. } => (Some(reason), true),
        Order::Retry { .. } | Order::Withdraw { .. } => (None, false),
    };
    if let Some(text) = text {
        *text = text.trim().to_owned();
        if is_needed && text.is_empty() {
            return Err(Problem::invalid("write why"));
        }
        if text.chars().count() > REASON {
            return Err(Problem::invalid(format!("a reason may have {REASON} characters")));
        }
    }
    if let Order::Approve { reason, .. } | Order::Deny { reason, .. } | Order::Cancel { reason, .. } =
        &mut order
    {
        reason.take_if(|reason| reason.is_empty());
    }
    Ok(order)
}

/// Refuses what the roles of a person don't reach to.
fn may_give(who: &Who, order: &Order, state: &RunState) -> Result<(), Problem> {
    let refused = |wanted: &str| {
        let message = format!("{} lacks the role {wanted}", who.name);
        Err(Problem::forbidden("role", message))
    };
    match order {
        Order::Approve { questions, .. } | Order::Deny { questions, .. } => {
            for Shown { step, .. } in questions {
                let index = state.graph().find(step);
                let roles = index.map_or(&[][..], |index| state.step(index).roles.as_slice());
                if !who.may_answer(roles) {
                    let wanted = if roles.is_empty() { "approver".to_owned() } else { roles.join(" or ") };
                    return refused(&wanted);
                }
            }
            Ok(())
        }
        Order::SkipStep { .. }
        | Order::SkipMachine { .. }
        | Order::Retry { .. }
        | Order::Withdraw { .. }
        | Order::Cancel { .. } => {
            if who.may_operate() {
                Ok(())
            } else {
                refused("operator")
            }
        }
    }
}
