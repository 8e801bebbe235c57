//! What only the emulator has: `/_failback/{word}`, for those who watch it or drive its clock.

use hyper::Method;
use jiff::Timestamp;
use serde_json::json;

use crate::clock::pace::Speed;
use crate::provider::emulator::http::Shared;
use crate::provider::emulator::http::exchange::Answer;
use crate::provider::emulator::http::exchange::Asked;

/// Returns the answer to a request below `/_failback`.
pub(super) fn answer(shared: &Shared, asked: &Asked, word: &str) -> Answer {
    match (word, &asked.method) {
        ("counts", &Method::GET) => Answer::ok(json!(shared.counts())),
        ("clock", &Method::GET) => clock(shared),
        ("clock", &Method::PUT) => {
            let body = match asked.json() {
                Ok(body) => body,
                Err(answer) => return answer,
            };
            let until = body.get("until").and_then(|until| until.as_str()).map(str::parse::<Timestamp>);
            let Some(Ok(until)) = until else {
                return Answer::arm_error(400, "InvalidParameter", "`until` is a time.");
            };
            if shared.pace.speed() != Speed::Max {
                return Answer::arm_error(409, "ClockGoes", "The clock goes by itself.");
            }
            shared.pace.reach(until);
            clock(shared)
        }
        ("counts" | "clock", _) => Answer::not_allowed(asked),
        _ => Answer::missing(asked, word),
    }
}

/// Returns the moment of the world, and the next at which something happens by itself.
fn clock(shared: &Shared) -> Answer {
    let next = shared.next_change();
    Answer::ok(json!({
        "now": shared.now().to_string(), "speed": shared.pace.speed().to_string(),
        "next": next.map(|next| next.to_string()),
    }))
}
