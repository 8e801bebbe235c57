//! What clients ask before they have a token: endpoints and the directory's configuration.

use serde_json::json;

use crate::provider::emulator::http::Shared;
use crate::provider::emulator::http::exchange::Answer;
use crate::provider::emulator::http::exchange::Asked;

/// Returns the answer, if the request is one that needs no token.
pub(super) fn answer(shared: &Shared, asked: &Asked) -> Option<Answer> {
    if !asked.is_read() {
        return None;
    }
    let tenant = &shared.identity.tenant;
    let answer = match asked.path().as_slice() {
        ["metadata", "endpoints"] => endpoints(asked),
        [name, "v2.0", ".well-known", "openid-configuration"]
        | [name, ".well-known", "openid-configuration"] => {
            let any = ["common", "organizations"].contains(name);
            if !any && !name.eq_ignore_ascii_case(tenant) {
                let message = format!("AADSTS90002: Tenant '{name}' not found.");
                let body =
                    json!({"error": "invalid_tenant", "error_description": message, "error_codes": [90_002]});
                return Some(Answer::json(400, body));
            }
            directory(asked, tenant)
        }
        ["common", "discovery", "instance"] => Answer::ok(json!({
            "tenant_discovery_endpoint": format!("{}/{tenant}/v2.0/.well-known/openid-configuration", asked.base),
            "api-version": "1.1",
            "metadata": [],
        })),
        [_, "discovery", "v2.0", "keys"] => Answer::ok(json!({"keys": []})),
        _ => return None,
    };
    Some(answer)
}

/// Returns what a cloud consists of, in the form of api-version 2022-09-01.
fn endpoints(asked: &Asked) -> Answer {
    let base = format!("{}/", asked.base);
    Answer::ok(json!({
        "portal": "https://portal.azure.com",
        "authentication": {
            "loginEndpoint": asked.base,
            "audiences": [base, "https://management.core.windows.net/", "https://management.azure.com/"],
            "tenant": "common",
            "identityProvider": "AAD",
        },
        "media": "https://rest.media.azure.net",
        "graphAudience": "https://graph.windows.net/",
        "graph": "https://graph.windows.net/",
        "microsoftGraphResourceId": "https://graph.microsoft.com/",
        "name": "AzureEmulator",
        "suffixes": {
            "azureDataLakeStoreFileSystem": "azuredatalakestore.net",
            "acrLoginServer": "azurecr.io",
            "sqlServerHostname": "database.windows.net",
            "azureDataLakeAnalyticsCatalogAndJob": "azuredatalakeanalytics.net",
            "keyVaultDns": "vault.azure.net",
            "storage": "core.windows.net",
            "storageSyncEndpointSuffix": "afs.azure.net",
            "mhsmDns": "managedhsm.azure.net",
            "mysqlServerEndpoint": "mysql.database.azure.com",
            "postgresqlServerEndpoint": "postgres.database.azure.com",
            "mariadbServerEndpoint": "mariadb.database.azure.com",
            "synapseAnalytics": "dev.azuresynapse.net",
            "attestationEndpoint": "attest.azure.net",
        },
        "batch": "https://batch.core.windows.net/",
        "resourceManager": base,
        "vmImageAliasDoc": "https://raw.githubusercontent.com/Azure/azure-rest-api-specs/main/arm-compute/quickstart-templates/aliases.json",
        "activeDirectoryDataLake": "https://datalake.azure.net/",
        "sqlManagement": "https://management.core.windows.net:8443/",
        "gallery": "https://gallery.azure.com/",
        "appInsightsResourceId": "https://api.applicationinsights.io",
        "logAnalyticsResourceId": "https://api.loganalytics.io",
        "ossrdbmsResourceId": "https://ossrdbms-aad.database.windows.net",
        "synapseAnalyticsResourceId": "https://dev.azuresynapse.net",
        "attestationResourceId": "https://attest.azure.net",
    }))
}

fn directory(asked: &Asked, tenant: &str) -> Answer {
    let at = |tail: &str| format!("{}/{tenant}/{tail}", asked.base);
    Answer::ok(json!({
        "token_endpoint": at("oauth2/v2.0/token"),
        "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt"],
        "jwks_uri": at("discovery/v2.0/keys"),
        "response_modes_supported": ["query", "fragment", "form_post"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "response_types_supported": ["code", "id_token", "token"],
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "issuer": at("v2.0"),
        "authorization_endpoint": at("oauth2/v2.0/authorize"),
        "device_authorization_endpoint": at("oauth2/v2.0/devicecode"),
        "end_session_endpoint": at("oauth2/v2.0/logout"),
        "tenant_region_scope": null,
        "cloud_instance_name": "microsoftonline.com",
    }))
}
