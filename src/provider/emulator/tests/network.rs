//! What classic replication needs of the network, and modernized of the way to Azure.

use super::*;
use crate::provider::emulator::Deed;

const GROUP: (&str, &str) =
    ("\nmachines:\n", "\nreplication_groups: [{name: erp, members: [w1, w2]}]\n\nmachines:\n");
const NETWORK: &str = "network: {azure_to_onprem: s2s_vpn, bandwidth_mbps: 1000}";

/// Returns a change that adds connections that were tried.
fn tried(connections: &str) -> String {
    format!("network: {{azure_to_onprem: s2s_vpn, bandwidth_mbps: 1000, reachable: [{connections}]}}")
}

#[test]
fn who_can_not_be_reached_is_not_reprotected() {
    for (rule, connections, code) in [
        ("FB405", "{from: w1, to: cs1, port: 443, ok: false}", "95226"),
        ("FB405", "{from: vnet-dr, to: cs1, port: 443, ok: false}", "95226"),
        ("FB405", "{from: vnet-dr, to: ps-az, port: 9443, ok: false}", "ProcessServerNotReached"),
        ("FB405", "{from: w1, to: ps-az, port: 9444, ok: false}", "ProcessServerNotReached"),
        ("FB405", "{from: ps-az, to: cs1, port: 443, ok: false}", "806"),
        ("FB405", "{from: ps-az, to: mtw, port: 9443, ok: false}", "MasterTargetNotReached"),
        ("FB219", "{from: mtw, to: cs1, port: 443, ok: false}", "808"),
        ("FB219", "{from: mtw, to: ps-az, port: 9443, ok: false}", "MasterTargetNotReached"),
        ("FB405", "{from: w1, to: w2, port: 20004, ok: false}", "ReplicationGroupNotConnected"),
        ("FB405", "{from: w2, to: vnet-dr, port: 20004, ok: false}", "ReplicationGroupNotConnected"),
    ] {
        assert_eq!(classic_fails(&[GROUP, (NETWORK, &tried(connections))]), code, "{rule}: {connections}");
    }
    for connections in [
        "{from: w1, to: cs1, port: 443, ok: true}",
        // What was tried with the machine itself outweighs its network.
        "{from: vnet-dr, to: cs1, port: 443, ok: false}, {from: w1, to: cs1, port: 443, ok: true}",
        // The port that is used decides.
        "{from: w1, to: cs1, port: 22, ok: false}, {from: w1, to: cs1, port: 443, ok: true}",
        "{from: w1, to: ps-on, port: 9443, ok: false}",
        "{from: w3, to: cs1, port: 443, ok: false}",
        "{from: w1, to: w3, port: 20004, ok: false}",
    ] {
        comes_home(&[GROUP, (NETWORK, &tried(connections))]);
    }
}

#[test]
fn a_process_server_out_of_the_machines_reach_fails() {
    let elsewhere = ("placement: azure, vnet: vnet-dr", "placement: azure, vnet: vnet-hub");
    let peered = |vnets: &str| {
        format!("network: {{azure_to_onprem: s2s_vpn, bandwidth_mbps: 1000, peered_vnets: [{vnets}]}}")
    };
    assert_eq!(classic_fails(&[elsewhere]), "ProcessServerNotReached", "FB404");
    let others = peered("[vnet-dr, vnet-x], [vnet-x, vnet-hub]");
    assert_eq!(classic_fails(&[elsewhere, (NETWORK, &others)]), "ProcessServerNotReached", "FB404");
    comes_home(&[elsewhere, (NETWORK, &peered("[vnet-hub, vnet-dr]"))]);
    // Unknown networks are taken to be well.
    comes_home(&[("placement: azure, vnet: vnet-dr", "placement: azure")]);

    let apart = ("  nic_count: 2", "  nic_count: 2\n  separate_failback_nic: true");
    let onprem = |machine: &str| Request::ReprotectToOnprem {
        machine: name(machine),
        target: OnpremTarget::Classic {
            master_target: "mtw".to_owned(),
            process_server: "ps-on".to_owned(),
            retention_volume: "R:".to_owned(),
            datastore: "vmfs1".to_owned(),
        },
    };
    let mut site = Site::new(classic(&[apart]), Scenario::default());
    site.done(&Request::Prepare);
    assert_eq!(site.fails(&onprem("w1")).code, "ProcessServerNotReached", "FB403");
    site.done(&reprotect("w1"));
    let mut site = Site::new(classic(&[]), Scenario::default());
    site.done(&Request::Prepare);
    site.done(&onprem("w1"));
}

#[test]
fn without_a_private_line_nothing_replicates_home() {
    for line in ["expressroute_microsoft", "internet", "none"] {
        let network = format!("network: {{azure_to_onprem: {line}, bandwidth_mbps: 1000}}");
        assert_eq!(classic_fails(&[(NETWORK, &network)]), "95226", "FB400: {line}");
    }
    comes_home(&[(NETWORK, "network: {bandwidth_mbps: 1000}")]);
}

#[test]
fn a_process_server_that_was_silent_stays_silent() {
    let heard = "vnet: vnet-dr, health: healthy, heartbeat_at: 2025-06-01T00:00:00Z";
    let silent = (heard, "vnet: vnet-dr, health: healthy, heartbeat_at: 2025-05-31T23:45:00Z");
    let mut site = Site::new(classic(&[silent]), Scenario::default());
    site.done(&Request::Prepare);
    assert_eq!(site.fails(&reprotect("w1")).code, "806", "FB406");
    let servers = site.world.infrastructure(site.now).unwrap().process_servers.unwrap();
    assert_eq!(servers[0].heartbeat_at.unwrap().value, "2025-05-31T23:45:00Z".parse().unwrap());
    assert_eq!(servers[1].heartbeat_at.unwrap().value, site.now);
    comes_home(&[(heard, "vnet: vnet-dr, health: healthy, heartbeat_at: 2025-05-31T23:45:01Z")]);
}

#[test]
fn an_agent_that_reaches_nobody_never_registers() {
    let cut = ("outbound_urls_reachable: true", "outbound_urls_reachable: false");
    let mut site = Site::new(modernized(&[cut]), Scenario::default());
    let boot = |site: &mut Site| {
        for deed in [Deed::StopAzureVm { machine: name("w1") }, Deed::StartAzureVm { machine: name("w1") }] {
            site.world.by_hand(site.now, &deed).unwrap();
        }
        site.wait(24 * 60 * 60);
    };
    boot(&mut site);
    assert!(!site.facts("w1").asr.unwrap().agent_registration_ok.unwrap().value);
    assert_eq!(site.fails(&reprotect_modernized("w1")).code, "AgentNotRegistered", "FB811");
    let mut site = Site::new(modernized(&[]), Scenario::default());
    boot(&mut site);
    site.done(&reprotect_modernized("w1"));
    let mut site =
        Site::new(classic(&[("agent_service: running", "agent_service: stopped")]), Scenario::default());
    site.done(&Request::Prepare);
    boot(&mut site);
    assert_eq!(site.fails(&reprotect("w1")).code, "95226", "FB711");
    // A classic agent talks to the configuration server.
    let mut site = Site::new(
        classic(&[(
            "agent_service: running",
            "agent_service: running\n      outbound_urls_reachable: false",
        )]),
        Scenario::default(),
    );
    site.done(&Request::Prepare);
    site.done(&reprotect("w1"));
}

#[test]
fn an_azure_vm_that_reaches_nobody_does_not_fail_over() {
    let at = ("state: failed_over_committed", "state: protected_to_onprem");
    let cut = ("outbound_urls_reachable: true", "outbound_urls_reachable: false");
    let mut site = Site::new(modernized(&[at, cut]), Scenario::default());
    assert_eq!(site.fails(&latest("w1")).code, "AgentNotRegistered", "FB811");
    let stopped = ("agent_service: running", "agent_service: stopped");
    let mut site = Site::new(modernized(&[at, stopped]), Scenario::default());
    assert_eq!(site.fails(&latest("w1")).code, "AgentNotRegistered", "FB811");
    Site::new(modernized(&[at]), Scenario::default()).done(&latest("w1"));
}
