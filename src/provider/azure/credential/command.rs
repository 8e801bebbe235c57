//! Whoever is logged in to the Azure CLI.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use jiff::Timestamp;
use secrecy::SecretString;
use serde::Deserialize;
use tokio::process::Command;
use tokio::time::timeout;

use crate::provider::azure::cloud::Cloud;
use crate::provider::azure::credential::CredentialError;
use crate::provider::azure::credential::Outcome;
use crate::provider::azure::credential::Token;
use crate::provider::azure::http::redact;
use crate::provider::azure::wire::scalar::Number;

const SOURCE: &str = "Azure CLI";
/// How long the command may take: it starts an interpreter, and may renew its own token.
const LIMIT: Duration = Duration::from_secs(60);
/// Seconds that a token is taken to hold if its end can't be read.
const SHORT: u64 = 600;

/// The Azure CLI.
#[derive(Clone, Debug)]
pub(super) struct AzureCli {
    pub(super) program: PathBuf,
    pub(super) tenant: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Printed {
    access_token: String,
    #[serde(rename = "expires_on", default)]
    expires_on: Number,
}

impl AzureCli {
    pub(super) async fn token(&self, cloud: &Cloud, now: Timestamp) -> Result<Outcome, CredentialError> {
        let unusable = |message: String| CredentialError::Unusable { source_name: SOURCE, message };
        let resource = cloud.resource();
        let mut command = Command::new(&self.program);
        command
            .args(["account", "get-access-token", "--output", "json", "--resource"])
            .arg(resource.trim_end_matches('/'))
            .stdin(Stdio::null())
            .kill_on_drop(true);
        if let Some(tenant) = &self.tenant {
            command.arg("--tenant").arg(tenant);
        }
        let output = match timeout(LIMIT, command.output()).await {
            Ok(Ok(output)) => output,
            Ok(Err(error)) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Outcome::Absent(format!("`{}` is not installed", self.program.display())));
            }
            Ok(Err(error)) => return Err(unusable(format!("{}: {error}", self.program.display()))),
            Err(_) => {
                let message = format!("`{}` took longer than {} s", self.program.display(), LIMIT.as_secs());
                return Err(CredentialError::Unreachable { source_name: SOURCE, message });
            }
        };
        if !output.status.success() {
            let said = redact::words(&String::from_utf8_lossy(&output.stderr));
            if said.contains("az login") {
                return Ok(Outcome::Absent("nobody is logged in: run `az login`".to_owned()));
            }
            return Err(unusable(format!("`az account get-access-token` failed: {said}")));
        }
        // What serde says of an output that can't be read could hold a part of the token.
        let printed: Printed = serde_json::from_slice(&output.stdout)
            .map_err(|_| unusable("`az account get-access-token` printed no token".to_owned()))?;
        let seconds = printed.expires_on.whole().map(|at| at.saturating_sub(now.as_second()).max(0));
        let seconds = seconds.and_then(|seconds| u64::try_from(seconds).ok()).unwrap_or(SHORT);
        let mut token = Token::lasting(String::new(), seconds, now);
        token.secret = SecretString::from(printed.access_token);
        Ok(Outcome::Token(token))
    }
}
