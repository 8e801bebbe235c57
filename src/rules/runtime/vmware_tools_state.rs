//! FB712: VMware Tools run again after failback.

use crate::diagnostic::Severity;
use crate::model::Fact;
use crate::model::Known;
use crate::model::Machine;
use crate::rules::Architecture;
use crate::rules::Check;
use crate::rules::Findings;
use crate::rules::Guard;
use crate::rules::Origin;
use crate::rules::Rule;
use crate::rules::When;
use crate::rules::runtime::is_due;
use crate::syntax::machine::OsFamily;
use crate::syntax::machine::PowerState;
use crate::syntax::machine::State;
use crate::syntax::machine::ToolsState;
use crate::syntax::plan::Baseline;

pub(crate) static RULE: Rule = Rule {
    id: "FB712",
    name: "vmware-tools-state",
    severity: Severity::Info,
    architecture: Architecture::Both,
    origin: Origin::Seed(&["S40", "S41"]),
    when: When::at(&[Guard::Commit]),
    awaited: false,
    summary: "VMware Tools do not run after failback",
    docs: "\
### What it checks
A machine that has failed back and runs on-premises without VMware Tools. It is a warning, except for Linux under
`baseline: current`, where it is information.

### Why
VMware Tools can't run in Azure: the failover to Azure disables them on Windows and uninstalls them on Linux. Failback enables
them again on Windows; that it installs them again on Linux is said in 2017 and no more in later articles.

### What to do
Windows: enable the service of VMware Tools. Linux: install `open-vm-tools`.
",
    help: "enable VMware Tools on Windows, or install open-vm-tools on Linux",
    article: "site-recovery-failback-azure-to-vmware, What happens to VMware Tools post failback (2017-06-05)",
    fixture: include_str!("../../../tests/rules/vmware-tools-state.yaml"),
    facts: &["machines", "state", "os", "os.family", "onprem_vm", "onprem_vm.tools"],
    check: Check::Machine(check),
};

fn check(machine: Machine<'_>, findings: &mut Findings<'_>) -> Fact<()> {
    let tools = machine.onprem_vm().and_then(|onprem_vm| onprem_vm.tools.fact("onprem_vm.tools"));
    let running = tools.as_ref().is_ok_and(|tools| tools.value == ToolsState::Running);
    if running || !is_due(machine, findings, Guard::Commit, State::FailedBack)? {
        return Ok(());
    }
    // While the guest does not run, neither do its tools; another rule reports that.
    let power = machine.onprem_vm().ok().and_then(|onprem_vm| onprem_vm.power_state);
    if power.is_some_and(|power| power.value != PowerState::Running) {
        return Ok(());
    }
    let tools = tools?;
    let family = machine.os_family();
    let severity = match machine.model.baseline() {
        Baseline::Seed2017 => Severity::Warning,
        Baseline::Current => match family.clone()? {
            OsFamily::Windows => Severity::Warning,
            OsFamily::Linux => Severity::Info,
        },
    };
    let name = machine.name();
    let message =
        format!("{name}: VMware Tools are {}; expected running again after failback", words(tools.value));
    let finding = findings.at(tools.span, message).severity(severity);
    match family {
        Ok(OsFamily::Windows) => {
            finding.help("enable the service of VMware Tools");
        }
        Ok(OsFamily::Linux) => {
            finding.help("install open-vm-tools");
        }
        Err(_) => {}
    }
    Ok(())
}

const fn words(tools: ToolsState) -> &'static str {
    match tools {
        ToolsState::Running => "running",
        ToolsState::Disabled => "disabled",
        ToolsState::Uninstalled => "uninstalled",
        ToolsState::NotRunning => "not running",
    }
}
