//! The real Azure Site Recovery: its vaults read and changed through Azure Resource Manager.
//!
//! Questions go through a [`ReadClient`]; whatever changes something goes through a [`WriteClient`], which can't be made
//! without a [`Consent`]. Words of the wire live in `wire` and nowhere else.

mod automation;
mod client;
mod cloud;
mod credential;
mod doctor;
mod error;
mod http;
mod onprem;
mod pace;
mod pull;
mod recovery_plans;
mod site;
mod vault;
mod wire;

pub use automation::Automation;
pub use automation::AutomationAccountId;
pub use automation::AutomationAccountIdError;
pub use automation::Runbooks;
pub use client::Consent;
pub use client::ReadClient;
pub use client::WriteClient;
pub use cloud::Cloud;
pub use cloud::CloudError;
pub use credential::Choice;
pub use credential::Credential;
pub use credential::CredentialError;
pub use doctor::Check;
pub use doctor::CheckResult;
pub use doctor::diagnose;
pub use error::AzureError;
pub use http::Connection;
pub use http::Usage;
pub use onprem::Onprem;
pub use onprem::OnpremFacts;
pub use onprem::Wanted;
pub use onprem::WantedVm;
pub use pace::ServicePace;
pub use pull::Pulled;
pub use pull::pull;
pub use recovery_plans::recovery_plans;
pub use site::AzureSite;
pub use site::AzureView;
pub use site::Missing;
pub use site::Reading;
pub use site::Surroundings;
pub use vault::VaultId;
pub use vault::VaultIdError;

#[cfg(test)]
mod tests;
