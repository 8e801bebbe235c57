//! The addresses of a cloud: who hands tokens out, and who answers for resources.

use std::net::IpAddr;

use reqwest::Url;

/// Why the addresses of a cloud can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CloudError {
    /// The text is no address.
    #[error("`{address}` is no address of {what}: {message}")]
    Unreadable {
        /// `a token service` or `a resource manager`.
        what: &'static str,
        /// The text.
        address: String,
        /// What is wrong with it.
        message: String,
    },
    /// Tokens would go over the network for everybody to read.
    #[error(
        "{what} is asked over https; http is for addresses of this machine only, and `{address}` is none"
    )]
    Open {
        /// `a token service` or `a resource manager`.
        what: &'static str,
        /// The text.
        address: String,
    },
    /// The cloud has no such name.
    #[error("no cloud is called `{name}`: write AzureCloud, AzureUSGovernment or AzureChinaCloud")]
    UnknownName {
        /// The name.
        name: String,
    },
}

/// The addresses of a cloud.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cloud {
    authority: Url,
    manager: Url,
}

/// Hosts that hand tokens out, and hosts that answer for resources, of the clouds there are.
const CLOUDS: &[(&str, &str, &str)] = &[
    ("AzureCloud", "https://login.microsoftonline.com/", "https://management.azure.com/"),
    ("AzureUSGovernment", "https://login.microsoftonline.us/", "https://management.usgovcloudapi.net/"),
    ("AzureChinaCloud", "https://login.chinacloudapi.cn/", "https://management.chinacloudapi.cn/"),
];

impl Cloud {
    /// Returns a cloud by the name that the Azure CLI gives it.
    ///
    /// # Errors
    ///
    /// [`CloudError::UnknownName`] if there is none of that name.
    pub fn named(name: &str) -> Result<Self, CloudError> {
        let found = CLOUDS.iter().find(|(known, ..)| known.eq_ignore_ascii_case(name));
        let (_, authority, manager) =
            found.ok_or_else(|| CloudError::UnknownName { name: name.to_owned() })?;
        Self::at(manager, authority)
    }

    /// Returns the cloud whose resource manager and token service have these addresses.
    ///
    /// # Errors
    ///
    /// [`CloudError`] if one of them is no https address, or a plain one of another machine.
    pub fn at(manager: &str, authority: &str) -> Result<Self, CloudError> {
        Ok(Self {
            authority: checked("a token service", authority)?,
            manager: checked("a resource manager", manager)?,
        })
    }

    /// Returns the cloud that the environment names: `AZURE_AUTHORITY_HOST` for the token service, and
    /// `FAILBACK_AZURE_ENDPOINT` for the resource manager; the public cloud if it names none.
    ///
    /// # Errors
    ///
    /// [`CloudError`] if one of them can't be used.
    pub fn of_environment(lookup: &dyn Fn(&str) -> Option<String>) -> Result<Self, CloudError> {
        let authority = lookup("AZURE_AUTHORITY_HOST");
        let manager = lookup("FAILBACK_AZURE_ENDPOINT");
        let known = authority.as_deref().and_then(|authority| {
            CLOUDS
                .iter()
                .find(|(_, known, _)| host_of(known).is_some() && host_of(known) == host_of(authority))
        });
        let (_, public_authority, public_manager) = known.unwrap_or(&CLOUDS[0]);
        Self::at(
            manager.as_deref().unwrap_or(public_manager),
            authority.as_deref().unwrap_or(public_authority),
        )
    }

    /// Returns the address of the resource manager.
    #[must_use]
    pub const fn manager(&self) -> &Url {
        &self.manager
    }

    /// Returns the address of the token service.
    #[must_use]
    pub const fn authority(&self) -> &Url {
        &self.authority
    }

    /// Returns what tokens are asked for, in the words of the older token services.
    #[must_use]
    pub fn resource(&self) -> String {
        // An emulator on this machine takes the tokens of the public cloud.
        if self.is_local() { CLOUDS[0].2.to_owned() } else { self.manager.to_string() }
    }

    /// Returns what tokens are asked for.
    #[must_use]
    pub fn scope(&self) -> String {
        format!("{}.default", self.resource())
    }

    /// Returns whether the resource manager is on this machine, as an emulator is.
    #[must_use]
    pub fn is_local(&self) -> bool {
        is_local(&self.manager)
    }

    /// Returns whether a link of an answer may be followed with the token: to the resource manager itself, or to a regional
    /// host below it (`centraluseuap.management.azure.com` was recorded).
    #[must_use]
    pub fn may_follow(&self, link: &Url) -> bool {
        let (Some(host), Some(own)) = (link.host_str(), self.manager.host_str()) else { return false };
        let is_below = host.strip_suffix(own).is_some_and(|front| front.is_empty() || front.ends_with('.'));
        link.scheme() == self.manager.scheme()
            && is_below
            && link.port_or_known_default() == self.manager.port_or_known_default()
            && link.username().is_empty()
            && link.password().is_none()
    }
}

fn host_of(address: &str) -> Option<String> {
    let address = if address.contains("://") { address.to_owned() } else { format!("https://{address}") };
    Url::parse(&address).ok()?.host_str().map(str::to_owned)
}

fn checked(what: &'static str, address: &str) -> Result<Url, CloudError> {
    // `AZURE_AUTHORITY_HOST` may be a bare host.
    let full = if address.contains("://") { address.to_owned() } else { format!("https://{address}") };
    let unreadable = |message: String| CloudError::Unreadable { what, address: address.to_owned(), message };
    let mut url = Url::parse(&full).map_err(|error| unreadable(error.to_string()))?;
    if url.host_str().is_none() || url.query().is_some() || url.fragment().is_some() {
        return Err(unreadable("it needs a host, and may have no query".to_owned()));
    }
    if !url.username().is_empty() || url.password().is_some() {
        let address = url.host_str().unwrap_or_default().to_owned();
        return Err(CloudError::Unreadable {
            what,
            address,
            message: "a password may not be in it".to_owned(),
        });
    }
    match url.scheme() {
        "https" => {}
        "http" if is_local(&url) => {}
        "http" => return Err(CloudError::Open { what, address: address.to_owned() }),
        _ => return Err(unreadable("it begins with neither https: nor http:".to_owned())),
    }
    if !url.path().ends_with('/') {
        let path = format!("{}/", url.path());
        url.set_path(&path);
    }
    Ok(url)
}

/// Returns whether an address is one of this machine.
pub(super) fn is_local(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    host == "localhost"
        || host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).expect("the test writes an address")
    }

    #[test]
    fn a_token_goes_to_the_manager_and_its_regions_only() {
        let cloud = Cloud::named("azurecloud").expect("it is known");
        for good in ["https://management.azure.com/x", "https://centraluseuap.management.azure.com/x?t=1"] {
            assert!(cloud.may_follow(&url(good)), "{good}");
        }
        for bad in [
            "http://management.azure.com/x",
            "https://management.azure.com.evil.example/x",
            "https://evilmanagement.azure.com/x",
            "https://management.azure.com:8443/x",
            "https://user@management.azure.com/x",
            "https://evil.example/management.azure.com",
        ] {
            assert!(!cloud.may_follow(&url(bad)), "{bad}");
        }
    }

    #[test]
    fn plain_http_is_for_this_machine_only() {
        assert!(Cloud::at("http://127.0.0.1:8080", "http://localhost:8080").is_ok());
        assert!(Cloud::at("http://[::1]:8080", "https://login.microsoftonline.com").is_ok());
        let error =
            Cloud::at("http://10.0.0.5:8080", "https://login.microsoftonline.com").expect_err("it is open");
        assert!(matches!(error, CloudError::Open { .. }), "{error}");
    }

    #[test]
    fn the_environment_names_a_sovereign_cloud_by_its_token_service() {
        let lookup =
            |name: &str| (name == "AZURE_AUTHORITY_HOST").then(|| "login.microsoftonline.us".to_owned());
        let cloud = Cloud::of_environment(&lookup).expect("it is known");
        assert_eq!(cloud.scope(), "https://management.usgovcloudapi.net/.default");
    }

    #[test]
    fn a_password_in_an_address_is_refused_and_not_repeated() {
        let error =
            Cloud::at("https://me:canary@x.example", "https://y.example").expect_err("it has a password");
        assert!(!format!("{error} {error:?}").contains("canary"));
    }
}
