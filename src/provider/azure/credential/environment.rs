//! A service principal: who it is comes from the environment, and it proves itself by a secret, a certificate, or a token that
//! somebody else vouches with.

use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use secrecy::ExposeSecret as _;

use crate::provider::azure::cloud::Cloud;
use crate::provider::azure::credential::CredentialError;
use crate::provider::azure::credential::Token;
use crate::provider::azure::credential::Web;
use crate::provider::azure::credential::certificate::Certificate;
use crate::provider::azure::vault::escaped;
use crate::secret;
use crate::secret::Held;

/// How a principal proves itself.
#[derive(Clone, Debug)]
enum Proof {
    Secret(Held),
    Certificate(Arc<Certificate>),
    /// A file that is read anew for each token: Kubernetes replaces it.
    Federated(PathBuf),
}

/// A service principal.
#[derive(Clone, Debug)]
pub(super) struct Principal {
    tenant: String,
    client: String,
    proof: Proof,
}

type Lookup<'l> = dyn Fn(&str) -> Option<String> + 'l;

impl Principal {
    /// Returns the principal that `AZURE_TENANT_ID`, `AZURE_CLIENT_ID` and a secret or certificate name; inside, what is lacking.
    pub(super) fn of_environment(lookup: &Lookup<'_>) -> Result<Result<Self, String>, CredentialError> {
        let (tenant, client) = match who(lookup) {
            Ok(who) => who,
            Err(lack) => return Ok(Err(lack)),
        };
        if let Some(secret) = lookup("AZURE_CLIENT_SECRET") {
            return Ok(Ok(Self { tenant, client, proof: Proof::Secret(secret::hold(secret.into())) }));
        }
        let Some(path) = lookup("AZURE_CLIENT_CERTIFICATE_PATH") else {
            let lack = "neither AZURE_CLIENT_SECRET nor AZURE_CLIENT_CERTIFICATE_PATH is set";
            return Ok(Err(lack.to_owned()));
        };
        let certificate = Certificate::read(Path::new(&path))?;
        Ok(Ok(Self { tenant, client, proof: Proof::Certificate(Arc::new(certificate)) }))
    }

    /// Returns the principal that `AZURE_FEDERATED_TOKEN_FILE` vouches for, or what is lacking.
    pub(super) fn federated(lookup: &Lookup<'_>) -> Result<Self, String> {
        let (tenant, client) = who(lookup)?;
        let path = lookup("AZURE_FEDERATED_TOKEN_FILE").ok_or("AZURE_FEDERATED_TOKEN_FILE is not set")?;
        Ok(Self { tenant, client, proof: Proof::Federated(path.into()) })
    }

    pub(super) const fn name(&self) -> &'static str {
        match self.proof {
            Proof::Secret(_) => "environment, client secret",
            Proof::Certificate(_) => "environment, client certificate",
            Proof::Federated(_) => "workload identity",
        }
    }

    pub(super) async fn token(
        &self,
        cloud: &Cloud,
        web: &Web,
        claims: Option<&str>,
    ) -> Result<Token, CredentialError> {
        let source_name = self.name();
        let unusable = |message: String| CredentialError::Unusable { source_name, message };
        let path = format!("{}/oauth2/v2.0/token", escaped(&self.tenant));
        let url = cloud.authority().join(&path).map_err(|error| unusable(error.to_string()))?;
        let scope = cloud.scope();
        let proof = match &self.proof {
            Proof::Secret(secret) => secret.clone(),
            Proof::Certificate(certificate) => {
                let assertion = certificate.assertion(url.as_str(), &self.client, web.now());
                secret::hold(assertion.map_err(unusable)?.into())
            }
            Proof::Federated(path) => {
                let text = std::fs::read_to_string(path);
                let text = text.map_err(|error| unusable(format!("{}: {error}", path.display())))?;
                secret::hold(text.trim().to_owned().into())
            }
        };
        let mut form = vec![
            ("grant_type", "client_credentials"),
            ("client_id", self.client.as_str()),
            ("scope", scope.as_str()),
        ];
        match self.proof {
            Proof::Secret(_) => form.push(("client_secret", proof.expose_secret())),
            Proof::Certificate(_) | Proof::Federated(_) => {
                form.push((
                    "client_assertion_type",
                    "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
                ));
                form.push(("client_assertion", proof.expose_secret()));
            }
        }
        if let Some(claims) = claims {
            form.push(("claims", claims));
        }
        let answer = web.post(source_name, url, &form).await?;
        web.token(source_name, &answer)
    }
}

fn who(lookup: &Lookup<'_>) -> Result<(String, String), String> {
    let of =
        |name: &str| lookup(name).map(|value| value.trim().to_owned()).ok_or(format!("{name} is not set"));
    Ok((of("AZURE_TENANT_ID")?, of("AZURE_CLIENT_ID")?))
}
