//! What the callers may do: everything, but for rights that were taken away. Microsoft's permissions say so, and requests are
//! turned away with 403.

use serde_json::Value;
use serde_json::json;

use crate::provider::emulator::http::exchange::Answer;
use crate::provider::emulator::http::exchange::Asked;

/// The rights that every caller has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rights {
    /// Patterns of rights that are taken away, as `notActions` of a role has them: `*` stands for anything.
    pub without: Vec<String>,
}

impl Rights {
    /// Returns what a role assignment says of them.
    pub(super) fn permission(&self) -> Value {
        json!({"actions": ["*"], "notActions": self.without, "dataActions": [], "notDataActions": []})
    }

    /// Returns the refusal of a request, if its right is one of those that were taken away. What a caller may do can always be asked.
    pub(super) fn refusal(&self, asked: &Asked) -> Option<Answer> {
        let right = right_of(asked);
        let asks_rights = asked.lower.last().is_some_and(|last| last == "permissions");
        let is_taken = self.without.iter().any(|pattern| fits(pattern, &right));
        (is_taken && !asks_rights).then(|| forbidden(asked))
    }
}

/// Returns the answer to a caller who lacks a right.
pub(super) fn forbidden(asked: &Asked) -> Answer {
    let scope: String = asked.segments.iter().map(|part| format!("/{part}")).collect();
    let message = format!(
        "The client 'emulator' with object id 'emulator' does not have authorization to perform action '{}' over scope '{scope}' or the scope is invalid. If access was recently granted, please refresh your credentials.",
        right_of(asked)
    );
    Answer::arm_error(403, "AuthorizationFailed", message)
}

/// Returns the right that a request needs, as Azure names it.
fn right_of(asked: &Asked) -> String {
    let provider = asked.lower.iter().rposition(|part| part == "providers");
    let Some(parts) = provider.and_then(|at| asked.segments.get(at + 1..)) else {
        return "Microsoft.Resources/subscriptions/read".to_owned();
    };
    let (space, rest) = parts.split_first().map_or(("", parts), |(space, rest)| (space.as_str(), rest));
    let types: Vec<&str> = rest.iter().step_by(2).map(String::as_str).collect();
    let verb = match asked.method.as_str() {
        "GET" | "HEAD" => "read",
        "DELETE" => "delete",
        "POST" => "action",
        _ => "write",
    };
    format!("{space}/{}/{verb}", types.join("/"))
}

/// Returns whether a right fits a pattern, whatever the letters.
fn fits(pattern: &str, right: &str) -> bool {
    let (pattern, right) = (pattern.to_lowercase(), right.to_lowercase());
    let Some((first, rest)) = pattern.split_once('*') else { return pattern == right };
    let Some(mut left) = right.strip_prefix(first) else { return false };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let last = parts.pop().unwrap_or_default();
    for part in parts {
        let Some((_, behind)) = left.split_once(part) else { return false };
        left = behind;
    }
    left.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_fits_the_rights_that_a_role_of_azure_means_by_it() {
        let right = "Microsoft.RecoveryServices/vaults/replicationPolicies/write";
        for (pattern, does_fit) in [
            ("*", true),
            ("*/write", true),
            ("microsoft.recoveryservices/vaults/*/write", true),
            ("Microsoft.RecoveryServices/vaults/replicationPolicies/*", true),
            ("Microsoft.RecoveryServices/vaults/replicationPolicies", false),
            ("*/read", false),
            ("Microsoft.Compute/*", false),
        ] {
            assert_eq!(fits(pattern, right), does_fit, "{pattern}");
        }
    }
}
