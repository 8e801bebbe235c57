//! Styles and scripts, inside the binary.

use axum::extract::Path;
use axum::http::HeaderMap;
use axum::http::HeaderValue;
use axum::http::StatusCode;
use axum::http::header;
use axum::response::IntoResponse;
use axum::response::Response;

use crate::web::access::secret;
use crate::web::error::Problem;

struct Asset {
    name: &'static str,
    kind: &'static str,
    text: &'static str,
}

const STYLE: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";

const ASSETS: &[Asset] = &[
    Asset { name: "app.css", kind: STYLE, text: include_str!("assets/app.css") },
    Asset { name: "run.css", kind: STYLE, text: include_str!("assets/run.css") },
    Asset { name: "app.js", kind: SCRIPT, text: include_str!("assets/app.js") },
    Asset { name: "run.js", kind: SCRIPT, text: include_str!("assets/run.js") },
    Asset { name: "draw.js", kind: SCRIPT, text: include_str!("assets/draw.js") },
    Asset { name: "icon.svg", kind: "image/svg+xml", text: include_str!("assets/icon.svg") },
];

/// Answers with a style or script; a browser asks again only whether it changed.
pub(super) async fn one(Path(name): Path<String>, headers: HeaderMap) -> Result<Response, Problem> {
    let asset = ASSETS.iter().find(|asset| asset.name == name);
    let asset = asset.ok_or_else(|| Problem::missing("there is nothing at this address"))?;
    let digest = secret::digest(asset.text);
    let tag: String = digest[..12].iter().map(|byte| format!("{byte:02x}")).collect();
    let tag = HeaderValue::try_from(format!("\"{tag}\"")).expect("hexadecimal digits in quotes");
    let is_known = headers.get(header::IF_NONE_MATCH) == Some(&tag);
    let mut response =
        if is_known { StatusCode::NOT_MODIFIED.into_response() } else { asset.text.into_response() };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(asset.kind));
    headers.insert(header::ETAG, tag);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    Ok(response)
}
