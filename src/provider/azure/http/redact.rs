//! What of an address and of an answer may be shown: of an address the path, and those arguments of its query that are no secrets.

use reqwest::Url;

pub(crate) use crate::provider::words::words;

use crate::secret;

/// Arguments that are shown with their values; those of a signature (`t`, `c`, `s`, `h`, `sig`) are not among them.
const SHOWN: &[&str] = &["api-version", "$filter", "$top", "$take", "$expand", "statusonly", "resource"];

/// Returns an address as it may be shown.
pub(crate) fn shown(url: &Url) -> String {
    let mut text = secret::strike(&short(url.path())).into_owned();
    let mut before = '?';
    let mut hidden = false;
    for (name, value) in url.query_pairs() {
        if SHOWN.iter().any(|known| known.eq_ignore_ascii_case(&name)) {
            text.push(before);
            text.push_str(&name);
            text.push('=');
            text.push_str(&value);
            before = '&';
        } else {
            hidden = true;
        }
    }
    if hidden {
        text.push(before);
        text.push('…');
    }
    text
}

/// Returns a path as people read it: without what it shares with the others of its subscription, and of what lies in a vault the
/// resource alone. The whole address of a resource takes three lines, and hides what is said behind it.
fn short(path: &str) -> String {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let provider = parts.iter().rposition(|part| part.eq_ignore_ascii_case("providers"));
    let Some(resource) = provider.map(|at| &parts[at + 1..]).filter(|resource| resource.len() > 1) else {
        return path.to_owned();
    };
    let [_, kind, vault, below @ ..] = resource else { return format!("…/{}", resource.join("/")) };
    if !kind.eq_ignore_ascii_case("vaults") || below.len() < 4 {
        return format!("…/{}", resource.join("/"));
    }
    // A resource has a kind and a name; what is asked of it, or a list below it, is one part more.
    let own = if below.len() % 2 == 0 { 2 } else { 3 };
    format!("…/{kind}/{vault}/…/{}", below[below.len() - own..].join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_not_shown() {
        let url = "https://management.azure.com/a/operationresults/1?api-version=2025-08-01&t=canary1&c=canary2&s=canary3&h=canary4";
        let text = shown(&Url::parse(url).expect("an address"));
        assert_eq!(text, "/a/operationresults/1?api-version=2025-08-01&…");
    }

    #[test]
    fn of_a_long_path_that_is_shown_which_tells_it_from_others() {
        let vault = "/subscriptions/s/resourceGroups/g/providers/Microsoft.RecoveryServices/vaults/v";
        let item = format!(
            "{vault}/replicationFabrics/f/replicationProtectionContainers/c/replicationProtectedItems/i"
        );
        for (path, expected) in [
            (vault.to_owned(), "…/Microsoft.RecoveryServices/vaults/v"),
            (format!("{vault}/replicationJobs/j"), "…/Microsoft.RecoveryServices/vaults/v/replicationJobs/j"),
            (item.clone(), "…/vaults/v/…/replicationProtectedItems/i"),
            (format!("{item}/reProtect"), "…/vaults/v/…/replicationProtectedItems/i/reProtect"),
            (
                "/subscriptions/s/providers/Microsoft.Compute/virtualMachines".to_owned(),
                "…/Microsoft.Compute/virtualMachines",
            ),
            (
                format!("{vault}/providers/Microsoft.Authorization/permissions"),
                "…/Microsoft.Authorization/permissions",
            ),
            ("/subscriptions/s/providers".to_owned(), "/subscriptions/s/providers"),
            ("/metadata/endpoints".to_owned(), "/metadata/endpoints"),
            ("/".to_owned(), "/"),
        ] {
            assert_eq!(short(&path), expected);
        }
    }
}
