//! Who asks, how that is known, and what they may do.

pub(super) mod host;
pub(super) mod limit;
pub(super) mod secret;
pub(super) mod session;
mod user;

pub(super) use session::Sessions;
pub(super) use user::Known;
pub use user::User;
pub use user::UserError;

/// What a route asks of whoever uses it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Needs {
    /// Nothing: the route tells nothing that is worth hiding.
    Nobody,
    /// Any user.
    Viewer,
    /// The role `operator`: it begins, retries, skips, cancels.
    Operator,
    /// `approver`, or a role that the question names; the order itself is judged.
    Answerer,
}

/// How a request shows whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Via {
    /// By a token in its header, which no browser adds by itself.
    Bearer,
    /// By the cookie of a session; `csrf` is what an unsafe request has to repeat.
    Session {
        /// The token that pages carry.
        csrf: String,
    },
}

/// Whoever asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Who {
    /// The user's name.
    pub name: String,
    /// The roles that the settings give the user.
    pub roles: Vec<String>,
    /// How that is known.
    pub via: Via,
}

impl Who {
    /// Returns whether the user has a role.
    pub fn has(&self, role: &str) -> bool {
        self.roles.iter().any(|own| own == role)
    }

    /// Returns whether the user may begin runs and change how they go on.
    pub fn may_operate(&self) -> bool {
        self.has("operator")
    }

    /// Returns whether the user may answer a question that names these roles.
    pub fn may_answer(&self, roles: &[String]) -> bool {
        if roles.is_empty() { self.has("approver") } else { roles.iter().any(|role| self.has(role)) }
    }

    /// Returns whether the user may use a route.
    pub fn may(&self, needs: Needs) -> bool {
        match needs {
            Needs::Nobody | Needs::Viewer => true,
            Needs::Operator => self.may_operate(),
            Needs::Answerer => self.roles.iter().any(|role| role != "viewer"),
        }
    }

    /// Returns the token that an unsafe request of the session has to repeat; empty where none is asked for.
    pub fn csrf(&self) -> &str {
        match &self.via {
            Via::Bearer => "",
            Via::Session { csrf } => csrf,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn who(roles: &[&str]) -> Who {
        let roles = roles.iter().map(|role| (*role).to_owned()).collect();
        Who { name: "kim".into(), roles, via: Via::Bearer }
    }

    #[test]
    fn a_question_is_answered_by_a_role_that_it_names_and_by_an_approver_only_where_it_names_none() {
        let dba = ["dba".to_owned()];
        assert!(who(&["dba"]).may_answer(&dba) && !who(&["approver", "operator"]).may_answer(&dba));
        assert!(who(&["approver"]).may_answer(&[]) && !who(&["operator", "dba"]).may_answer(&[]));
    }

    #[test]
    fn each_role_may_do_its_own_part() {
        let allowed = |roles: &[&str]| {
            let needs = [Needs::Viewer, Needs::Operator, Needs::Answerer];
            needs.map(|needs| who(roles).may(needs))
        };
        assert_eq!(allowed(&["viewer"]), [true, false, false]);
        assert_eq!(allowed(&["approver"]), [true, false, true]);
        assert_eq!(allowed(&["operator"]), [true, true, true], "it gives orders; each is judged by its kind");
    }
}
