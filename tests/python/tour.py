"""Goes with Microsoft's own client through what a failback does not need: a judge of the other verbs and lists of a vault."""

from azure.core.exceptions import HttpResponseError
from azure.mgmt.recoveryservicessiterecovery import models as m

from emulated import Site, done, sleep
from site_recovery import commit, fails, reprotect


def policies(site):
    client = site.client
    policies = client.replication_policies
    details = m.InMagePolicyInput(
        recovery_point_threshold_in_minutes=15,
        recovery_point_history=1440,
        app_consistent_frequency_in_minutes=60,
        multi_vm_sync_status="Enable",
    )

    def order():
        return m.CreatePolicyInput(properties=m.CreatePolicyInputProperties(provider_specific_input=details))

    made = policies.begin_create(*site.at_vault, "home", order()).result()
    assert made.properties.provider_specific_details.recovery_point_history == 1440
    details.recovery_point_history = 720
    fails(policies.begin_create(*site.at_vault, "home", order()))
    changed = policies.begin_update(
        *site.at_vault,
        "home",
        m.UpdatePolicyInput(properties=m.UpdatePolicyInputProperties(replication_provider_settings=details)),
    ).result()
    assert changed.properties.provider_specific_details.recovery_point_history == 720
    mappings = client.replication_protection_container_mappings
    mapping = m.CreateProtectionContainerMappingInput(
        properties=m.CreateProtectionContainerMappingInputProperties(
            target_protection_container_id=site.container_id(), policy_id=made.id
        )
    )
    mappings.begin_create(*site.at_container, "home-mapping", mapping).result()
    fails(policies.begin_delete(*site.at_vault, "home"))
    mappings.begin_delete(
        *site.at_container, "home-mapping", m.RemoveProtectionContainerMappingInput()
    ).result()
    assert "home-mapping" not in [one.name for one in mappings.list(*site.at_vault)]
    mappings.begin_create(*site.at_container, "home-mapping", mapping).result()
    return made


def servers(site):
    client = site.client
    fabric = client.replication_fabrics.get(*site.at_vault, site.fabric)
    details = fabric.properties.custom_details
    servers = {server.friendly_name: server.id for server in details.process_servers}
    move = m.FailoverProcessServerRequest(
        properties=m.FailoverProcessServerRequestProperties(
            container_name=site.container,
            source_process_server_id=servers["ps-on"],
            target_process_server_id=servers["ps-az"],
            vms_to_migrate=[site.item("w1").properties.provider_specific_details.infrastructure_vm_id],
            update_type="ServerLevel",
        )
    )
    client.replication_fabrics.begin_reassociate_gateway(*site.at_vault, site.fabric, move).result()
    site.succeeded("ProcessServerFailover", ["ProcessServerFailoverTask"])
    vcenters = client.replicationv_centers
    vcenter = vcenters.get(*site.at_vault, site.fabric, "vc1")
    assert vcenter.properties.port == "443"
    vcenters.begin_update(
        *site.at_vault,
        site.fabric,
        "vc1",
        m.UpdateVCenterRequest(properties=m.UpdateVCenterRequestProperties(run_as_account_id="1")),
    ).result()
    fails(vcenters.begin_delete(*site.at_vault, site.fabric, "vc1"))
    fails(
        vcenters.begin_create(
            *site.at_vault,
            site.fabric,
            "elsewhere",
            m.AddVCenterRequest(
                properties=m.AddVCenterRequestProperties(
                    friendly_name="elsewhere", ip_address="10.9.9.9", port="443", run_as_account_id="1"
                )
            ),
        )
    )
    alert = client.replication_alert_settings.create(
        *site.at_vault,
        "defaultAlertSetting",
        m.ConfigureAlertRequest(
            properties=m.ConfigureAlertRequestProperties(
                send_to_owners="Send", custom_email_addresses=["dr@corp.example"], locale="en-GB"
            )
        ),
    )
    assert alert.properties.custom_email_addresses == ["dr@corp.example"]
    client.replication_vault_health.begin_refresh(*site.at_vault).result()
    found = client.supported_operating_systems.get(*site.at_vault, instance_type="InMageAzureV2")
    assert found.properties.supported_os_list[0].supported_os
    return details, servers


def to_azure(site, details, servers, policy):
    """Brings a machine home and protects it again: what is only possible towards Azure is tried then."""
    client = site.client
    target = next(server for server in details.master_target_servers if server.name == "mtw")
    items = client.replication_protected_items
    reprotect(
        site,
        "w1",
        m.InMageReprotectInput(
            master_target_id=target.id,
            process_server_id=servers["ps-az"],
            retention_drive=target.retention_volumes[0].volume_name,
            run_as_account_id="1",
            datastore_name="vmfs1",
            profile_id=policy.id,
        ),
    )
    site.wait_protected("w1", "InMage")
    items.begin_repair_replication(*site.at_item("w1")).result()
    site.wait_protected("w1", "InMage")
    sleep(7200)
    items.begin_unplanned_failover(
        *site.at_item("w1"),
        m.UnplannedFailoverInput(
            properties=m.UnplannedFailoverInputProperties(
                failover_direction="PrimaryToRecovery",
                source_site_operations="NotRequired",
                provider_specific_details=m.InMageUnplannedFailoverInput(recovery_point_type="LatestTag"),
            )
        ),
    ).result()
    commit(site, "w1")
    sleep(1800)
    reprotect(
        site,
        "w1",
        m.InMageAzureV2ReprotectInput(
            master_target_id=target.id,
            process_server_id=servers["ps-on"],
            run_as_account_id="2",
            policy_id=site.policy_id("24-hour-replication-policy"),
        ),
    )
    site.wait_protected("w1", "InMageAzureV2")
    sleep(3600)
    points = list(client.recovery_points.list_by_replication_protected_items(*site.at_item("w1")))
    assert points
    point = client.recovery_points.get(*site.at_item("w1"), points[0].name)
    assert point.id == points[0].id
    test = m.TestFailoverInput(
        properties=m.TestFailoverInputProperties(
            failover_direction="PrimaryToRecovery",
            network_type="VmNetworkAsInput",
            network_id=f"/subscriptions/{site.names['subscription']}/resourceGroups/rg-dr"
            "/providers/Microsoft.Network/virtualNetworks/vnet-test",
            provider_specific_details=m.InMageAzureV2TestFailoverInput(recovery_point_id=point.id),
        )
    )
    item = items.begin_test_failover(*site.at_item("w1"), test).result()
    assert "TestFailoverCleanup" in item.properties.allowed_operations
    job = site.last_job("TestFailover").properties
    assert job.state == "Succeeded" and job.custom_details.test_failover_status == "Active"
    clean = m.TestFailoverCleanupInput(properties=m.TestFailoverCleanupInputProperties(comments="done"))
    item = items.begin_test_failover_cleanup(*site.at_item("w1"), clean).result()
    assert "TestFailover" in item.properties.allowed_operations
    failover = m.UnplannedFailoverInput(
        properties=m.UnplannedFailoverInputProperties(
            failover_direction="PrimaryToRecovery",
            source_site_operations="NotRequired",
            provider_specific_details=m.InMageAzureV2UnplannedFailoverInput(recovery_point_id=point.id),
        )
    )
    item = items.begin_unplanned_failover(*site.at_item("w1"), failover).result()
    assert "ChangePit" in item.properties.allowed_operations
    other = m.ApplyRecoveryPointInput(
        properties=m.ApplyRecoveryPointInputProperties(
            recovery_point_id=points[-1].id,
            provider_specific_details=m.InMageAzureV2ApplyRecoveryPointInput(),
        )
    )
    items.begin_apply_recovery_point(*site.at_item("w1"), other).result()
    commit(site, "w1")
    assert site.power("w1") == "PowerState/running"


def jobs(site):
    client = site.client
    plans = client.replication_recovery_plans
    try:
        plans.get(*site.at_vault, "nobody")
    except HttpResponseError as error:
        assert error.status_code == 404
    else:
        raise AssertionError("a plan that is not there is found")
    listed = list(client.replication_jobs.list(*site.at_vault))
    starts = [job.properties.start_time for job in listed if job.properties.start_time]
    assert starts == sorted(starts, reverse=True), "the newest job comes first"
    first = starts[-1]
    text = first.strftime("%Y-%m-%dT%H:%M:%S.0000000Z")
    some = list(
        client.replication_jobs.list(
            *site.at_vault, filter=f"StartTime eq '{text}' and EndTime eq '{starts[0].year + 1}-01-01T00:00:00.0000000Z'"
        )
    )
    assert len(some) >= len(listed) - 1


if __name__ == "__main__":
    site = Site()
    policy = policies(site)
    details, servers = servers(site)
    to_azure(site, details, servers, policy)
    jobs(site)
    done()
