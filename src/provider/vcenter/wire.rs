//! Requests to a vCenter's SOAP service, and their answers.

use std::time::Duration;

use reqwest::Client;
use reqwest::Response;
use reqwest::StatusCode;
use reqwest::Url;
use reqwest::header::CONTENT_TYPE;
use reqwest::header::COOKIE;
use reqwest::header::HeaderValue;
use reqwest::header::RETRY_AFTER;
use reqwest::header::SET_COOKIE;

use crate::provider::error::LONGEST_SILENCE;
use crate::provider::vcenter::error::VcenterError;
use crate::provider::vcenter::fault;
use crate::provider::vcenter::settings::Limits;
use crate::provider::vcenter::settings::shown;
use crate::provider::vcenter::tls;
use crate::provider::vcenter::xml;
use crate::provider::vcenter::xml::Element;
use crate::provider::words::words;

/// Name of the cookie that holds a session.
const SESSION: &str = "vmware_soap_session";

/// What is wrapped around every call.
const OPENING: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\
    <soapenv:Envelope xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\" \
    xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xmlns:xsd=\"http://www.w3.org/2001/XMLSchema\"><soapenv:Body>";
const CLOSING: &str = "</soapenv:Body></soapenv:Envelope>";

/// An answer, with the session that came with it.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) content: Element,
    pub(super) cookie: Option<HeaderValue>,
}

/// The way to a vCenter.
#[derive(Debug)]
pub(super) struct Wire {
    client: Client,
    url: Url,
    pub(super) host: String,
    pub(super) limits: Limits,
}

impl Wire {
    pub(super) fn new(client: Client, url: Url, limits: Limits) -> Self {
        Self { host: shown(&url), client, url, limits }
    }

    /// Sends a call and returns its answer.
    ///
    /// A call whose connection breaks is sent once more: a connection that was kept may have ended meanwhile, and no call
    /// of this client changes anything but its own session.
    pub(super) async fn call(
        &self,
        version: &str,
        body: &str,
        session: Option<&HeaderValue>,
    ) -> Result<Answer, VcenterError> {
        match self.send(version, body, session).await {
            Err(VcenterError::NoAnswer { why, .. }) if why != LATE => self.send(version, body, session).await,
            other => other,
        }
    }

    async fn send(
        &self,
        version: &str,
        body: &str,
        session: Option<&HeaderValue>,
    ) -> Result<Answer, VcenterError> {
        let mut request = self
            .client
            .post(self.url.clone())
            .header(CONTENT_TYPE, "text/xml; charset=utf-8")
            .header("SOAPAction", format!("urn:vim25/{version}"))
            .body(format!("{OPENING}{body}{CLOSING}"));
        if let Some(session) = session {
            request = request.header(COOKIE, session.clone());
        }
        let response = match request.send().await {
            Ok(response) => response,
            Err(error) => return Err(self.no_answer(error).await),
        };
        let status = response.status();
        match status {
            // A fault comes as an error of the server.
            StatusCode::OK | StatusCode::INTERNAL_SERVER_ERROR => {}
            StatusCode::TOO_MANY_REQUESTS
            | StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT => return Err(self.busy(&response)),
            _ => return Err(self.not_a_vcenter(format!("HTTP status {status} at {}", self.url.path()))),
        }
        let cookie = session_of(&response);
        let busy = self.busy(&response);
        let text = self.text(response).await?;
        let root = match xml::parse(&text) {
            Ok(root) => root,
            // What stands before a vCenter that starts answers with a page of its own.
            Err(_) if status == StatusCode::INTERNAL_SERVER_ERROR => return Err(busy),
            Err(why) => return Err(self.not_a_vcenter(format!("its answer can't be read: {why}"))),
        };
        Ok(Answer { content: fault::response(&self.host, root)?, cookie })
    }

    async fn text(&self, mut response: Response) -> Result<String, VcenterError> {
        let mut bytes = Vec::new();
        loop {
            let chunk = match response.chunk().await {
                Ok(chunk) => chunk,
                Err(error) => return Err(self.no_answer(error).await),
            };
            let Some(chunk) = chunk else { break };
            if bytes.len() + chunk.len() > self.limits.body {
                let why = format!("its answer is longer than {} bytes", self.limits.body);
                return Err(self.not_a_vcenter(why));
            }
            bytes.extend_from_slice(&chunk);
        }
        String::from_utf8(bytes).map_err(|_| self.not_a_vcenter("its answer is no text in UTF-8".into()))
    }

    async fn no_answer(&self, error: reqwest::Error) -> VcenterError {
        let error = error.without_url();
        let host = self.host.clone();
        if let Some(why) = tls::distrust(&error) {
            let thumbprint = tls::presented(&self.url, &self.limits).await.map(|print| print.to_string());
            return VcenterError::Tls { host, why, thumbprint };
        }
        let why = if error.is_timeout() { LATE.to_owned() } else { tls::words(&error) };
        if error.is_connect() {
            return VcenterError::Unreachable { host, why };
        }
        VcenterError::NoAnswer { host, why }
    }

    fn busy(&self, response: &Response) -> VcenterError {
        let seconds = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
        VcenterError::Busy {
            host: self.host.clone(),
            status: response.status().as_u16(),
            retry_after: seconds.map(|seconds| Duration::from_secs(seconds).min(LONGEST_SILENCE)),
        }
    }

    pub(super) fn not_a_vcenter(&self, why: String) -> VcenterError {
        VcenterError::NotAVcenter { host: self.host.clone(), why: words(&why) }
    }
}

/// What is said of an answer that takes too long; asking at once again would take as long.
const LATE: &str = "no answer in time";

/// Returns the session that an answer sets, as it is to be sent back.
fn session_of(response: &Response) -> Option<HeaderValue> {
    response.headers().get_all(SET_COOKIE).iter().find_map(|value| {
        let pair = value.to_str().ok()?.split(';').next()?.trim();
        let (name, key) = pair.split_once('=')?;
        if name != SESSION || key.is_empty() {
            return None;
        }
        let mut header = HeaderValue::from_str(pair).ok()?;
        header.set_sensitive(true);
        Some(header)
    })
}
