//! FB519: runbooks live in the vault's subscription.

use std::collections::HashMap;

use crate::diagnostic::Severity;
use crate::model::Fact;
use crate::model::Known;
use crate::model::Model;
use crate::model::Unknown;
use crate::rules::Architecture;
use crate::rules::Check;
use crate::rules::Findings;
use crate::rules::Origin;
use crate::rules::Rule;
use crate::rules::SubjectKind;
use crate::rules::When;
use crate::source::Spanned;
use crate::syntax::inventory::AutomationAccount;

pub(crate) static RULE: Rule = Rule {
    id: "FB519",
    name: "runbook-account-subscription",
    severity: Severity::Error,
    architecture: Architecture::Both,
    origin: Origin::Beyond,
    when: When::STATIC,
    awaited: false,
    summary: "the automation account is in another subscription than the vault",
    docs: "\
### What it checks
The subscription of the Automation account of each action with a `runbook`. Its region does not matter.

### Why
Site Recovery can use only Automation accounts of the subscription that its vault is in.

### What to do
Use an account in the vault's subscription.
",
    help: "use an automation account in the vault's subscription; its region may be another",
    article: "site-recovery-runbook-automation, Customize the recovery plan",
    fixture: include_str!("../../../tests/rules/runbook-account-subscription.yaml"),
    facts: &["vault.subscription_id", "automation_accounts", "automation_accounts.subscription_id"],
    check: Check::Plan(check),
};

fn check(model: &Model, findings: &mut Findings<'_>) -> Fact<()> {
    let accounts = model.inventory.automation_accounts.as_ref();
    let accounts: Option<HashMap<&str, &AutomationAccount>> = accounts
        .map(|accounts| accounts.iter().map(|account| (account.name.value.as_str(), account)).collect());
    let mut unknown = Ok(());
    for action in &model.plan.actions {
        let Some(runbook) = &action.runbook else { continue };
        let named = &runbook.automation_account;
        let account = match &accounts {
            None => {
                unknown = unknown.and(Err(Unknown::of("automation_accounts", named.value.as_str())));
                continue;
            }
            // A name that nothing has is another rule's matter.
            Some(accounts) => match accounts.get(named.value.as_str()) {
                None => continue,
                Some(account) => account,
            },
        };
        match subscriptions(account, model) {
            Ok((its, vault)) if !its.value.eq_ignore_ascii_case(&vault.value) => {
                let name = &action.name;
                findings
                    .at(
                        named.span,
                        format!(
                            "{name}: the automation account {named} is in another subscription than the vault"
                        ),
                    )
                    .also(its.span, format!("the account is in {its}"))
                    .also(vault.span, format!("the vault is in {vault}"))
                    .subject(SubjectKind::Action, name.value.as_str());
            }
            Ok(_) => {}
            Err(missing) => unknown = unknown.and(Err(missing)),
        }
    }
    unknown
}

/// Returns the subscriptions of an account and of the vault.
fn subscriptions<'m>(
    account: &'m AutomationAccount,
    model: &'m Model,
) -> Fact<(&'m Spanned<String>, &'m Spanned<String>)> {
    let its = account.subscription_id.fact_of("automation_accounts.subscription_id", &account.name)?;
    let vault = model.inventory.vault.as_ref().and_then(|vault| vault.subscription_id.as_ref());
    Ok((its, vault.ok_or(Unknown::of("vault.subscription_id", "vault"))?))
}
