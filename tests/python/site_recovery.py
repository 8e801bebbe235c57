"""Drives whole failbacks with Microsoft's own client for Site Recovery, as a judge of the emulator's answers."""

import sys

from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.mgmt.recoveryservicessiterecovery import models as m

from emulated import Site, done, sleep

REPROTECT = [
    "SwitchReplicationGroupProtectionPreflightTask",
    "VmCommitFailover",
    "DiscoverReplicaTask",
    "GetSwitchProtectionRequirementsTask",
]
COMMIT = ["VmCommitPrerequisitesCheck", "VmCommit"]


def reprotect(site, machine, details, direction="RecoveryToPrimary"):
    properties = m.ReverseReplicationInputProperties(
        failover_direction=direction, provider_specific_details=details
    )
    order = m.ReverseReplicationInput(properties=properties)
    poller = site.client.replication_protected_items.begin_reprotect(*site.at_item(machine), order)
    item = poller.result()
    assert item.name == site.items[machine]
    job = site.last_job("SwitchReplicationGroupProtection").properties
    assert job.state == "Succeeded", job.errors
    assert [task.name for task in job.tasks][:4] == REPROTECT, [task.name for task in job.tasks]
    new = job.custom_details.new_replication_protected_item_id
    assert new.lower().endswith(site.items[machine].lower()), "the item keeps its name"
    return item


def look_around(site):
    """Reads everything that stands around the items."""
    client = site.client
    [fabric] = client.replication_fabrics.list(*site.at_vault)
    assert fabric.name == site.fabric
    again = client.replication_fabrics.get(*site.at_vault, site.fabric)
    assert again.properties.friendly_name == fabric.properties.friendly_name
    providers = list(
        client.replication_recovery_services_providers.list_by_replication_fabrics(*site.at_vault, site.fabric)
    )
    assert providers and providers[0].properties.connection_status == "Connected"
    refreshed = client.replication_recovery_services_providers.begin_refresh_provider(
        *site.at_vault, site.fabric, providers[0].name
    )
    assert refreshed.result().name == providers[0].name
    site.succeeded("RefreshFabricLayout", ["RefreshFabricLayoutTask", "WaitForLayoutProcessingTask"])
    [container] = client.replication_protection_containers.list(*site.at_vault)
    assert container.name == site.container
    found = list(
        client.replication_protectable_items.list_by_replication_protection_containers(
            *site.at_container, take="1"
        )
    )
    assert {item.properties.friendly_name for item in found} >= set(site.items)
    assert list(client.replication_policies.list(*site.at_vault))
    assert list(client.replication_protection_container_mappings.list(*site.at_vault))
    assert list(client.replication_vault_setting.list(*site.at_vault))
    assert list(client.replication_alert_settings.list(*site.at_vault))
    health = client.replication_vault_health.get(*site.at_vault)
    assert health.properties.protected_items_health.resource_count == len(site.items)
    listed = list(client.replication_protected_items.list(*site.at_vault))
    assert {item.name for item in listed} == set(site.items.values())
    events = list(client.replication_events.list(*site.at_vault, filter="EventType eq 'VmHealth'"))
    assert len(events) == len(site.items)
    assert client.replication_events.get(*site.at_vault, events[0].name).id == events[0].id
    for wrong in ["nobody", "none"]:
        try:
            client.replication_protected_items.get(*site.at_container, wrong)
        except ResourceNotFoundError as error:
            assert error.error.code == "NotFound", error
        else:
            raise AssertionError("an item that is not there is found")
    return fabric


def refused_at_once(site, machine, direction, details):
    try:
        reprotect(site, machine, details, direction)
    except HttpResponseError as error:
        assert error.status_code == 400, error
        assert error.error.code == "InvalidFailoverDirection" or any(
            detail.code == "InvalidFailoverDirection" for detail in error.error.details
        ), error
    else:
        raise AssertionError("the wrong direction is taken on")


def commit(site, machine):
    client = site.client
    client.replication_protected_items.begin_failover_commit(*site.at_item(machine)).result()
    site.succeeded("CommitFailover", COMMIT)


def fails(poller):
    """Waits for an operation that is taken on and fails, as the service does with what an item's state does not allow."""
    try:
        poller.result()
    except HttpResponseError as error:
        return error
    raise AssertionError("what was to fail succeeded")


def classic(site):
    client = site.client
    fabric = look_around(site)
    details = fabric.properties.custom_details
    assert isinstance(details, m.VMwareDetails)
    targets = {server.name: server for server in details.master_target_servers}
    servers = {server.friendly_name: server for server in details.process_servers}
    target = targets["mtw"]
    [vcenter] = client.replicationv_centers.list(*site.at_vault)
    assert vcenter.properties.discovery_status == "Completed"

    # The policy of the way back, and the container's mapping to itself.
    create = m.CreatePolicyInput(
        properties=m.CreatePolicyInputProperties(
            provider_specific_input=m.InMagePolicyInput(
                recovery_point_threshold_in_minutes=15,
                recovery_point_history=1440,
                app_consistent_frequency_in_minutes=60,
                multi_vm_sync_status="Enable",
            )
        )
    )
    policy = client.replication_policies.begin_create(*site.at_vault, "home", create).result()
    assert policy.properties.provider_specific_details.multi_vm_sync_status == "Enabled"
    mapping = client.replication_protection_container_mappings.begin_create(
        *site.at_container,
        "home-mapping",
        m.CreateProtectionContainerMappingInput(
            properties=m.CreateProtectionContainerMappingInputProperties(
                target_protection_container_id=site.container_id(), policy_id=policy.id
            )
        ),
    ).result()
    assert mapping.properties.state == "Paired"

    item = site.item("w1").properties
    assert item.provider_specific_details.instance_type == "InMageAzureV2"
    assert item.active_location == "Recovery"
    assert "SwitchProtection" in item.allowed_operations
    assert "Commit" not in item.allowed_operations

    def home(machine):
        linux = machine.startswith("l")
        return m.InMageReprotectInput(
            master_target_id=targets["mtl" if linux else "mtw"].id,
            process_server_id=servers["ps-az"].id,
            retention_drive="/mnt/retention" if linux else target.retention_volumes[0].volume_name,
            run_as_account_id=details.run_as_accounts[0].account_id,
            datastore_name=target.data_stores[0].symbolic_name,
            profile_id=policy.id,
        )

    refused_at_once(site, "w1", "PrimaryToRecovery", home("w1"))
    # Commit of what is not to be committed is taken on, and its job fails.
    fails(client.replication_protected_items.begin_failover_commit(*site.at_item("w1")))
    failed = site.last_job("FinalizeFailback").properties
    assert failed.state == "Failed" and failed.errors[0].service_error_details.code == "25037"

    reprotect(site, "w1", home("w1"))
    item = site.item("w1").properties
    assert item.provider_specific_details.instance_type == "InMage"
    assert item.protection_state == "InitialReplicationInProgress"
    assert item.allowed_operations == ["DisableProtection"]
    item = site.wait_protected("w1", "InMage").properties
    assert item.active_location == "Primary", "the primary side is Azure now"
    assert item.allowed_operations == ["UnplannedFailover", "DisableProtection"]
    assert item.provider_specific_details.active_site_type == "Azure"
    sleep(600)

    assert site.power("w1") == "PowerState/running"
    poller = client.replication_protected_items.begin_unplanned_failover(
        *site.at_item("w1"),
        m.UnplannedFailoverInput(
            properties=m.UnplannedFailoverInputProperties(
                failover_direction="PrimaryToRecovery",
                source_site_operations="Required",
                provider_specific_details=m.InMageUnplannedFailoverInput(recovery_point_type="LatestTime"),
            )
        ),
    )
    item = poller.result().properties
    assert "Commit" in item.allowed_operations and item.active_location == "Recovery"
    site.succeeded(
        "UnplannedFailover",
        [
            "VmUfoPrerequisitesCheck",
            "VmShutdownVmOnPrimary",
            "VmPrepareForUnPlannedFailover",
            "VmFailover",
            "VmFoStartVmOnSecondary",
        ],
    )
    assert site.power("w1") in ("PowerState/deallocated", "PowerState/stopped")
    commit(site, "w1")
    item = site.item("w1").properties
    assert item.protection_state == "UnplannedFailoverCommitted"
    assert item.provider_specific_details.active_site_type == "OnPrem"
    assert site.power("w1") is None, "the commit deletes the copy in Azure"
    sleep(1200)

    reprotect(
        site,
        "w1",
        m.InMageAzureV2ReprotectInput(
            master_target_id=targets["mtw"].id,
            process_server_id=servers["ps-on"].id,
            run_as_account_id=details.run_as_accounts[-1].account_id,
            policy_id=site.policy_id("24-hour-replication-policy"),
        ),
    )
    item = site.wait_protected("w1", "InMageAzureV2").properties
    assert item.active_location == "Primary"
    sleep(600)
    points = list(client.recovery_points.list_by_replication_protected_items(*site.at_item("w1")))
    assert points and all(point.properties.recovery_point_time for point in points)

    # A replication group goes through a recovery plan.
    together = ["w2", "w3"]
    for machine in together:
        reprotect(site, machine, home(machine))
    for machine in together:
        site.wait_protected(machine, "InMage")
    sleep(7200)
    plan(site, "db", together, m.RecoveryPlanInMageFailoverInput(recovery_point_type="LatestTime"))
    for machine in together:
        assert site.power(machine) is None
    after(site)


def modernized(site):
    client = site.client
    fabric = look_around(site)
    details = fabric.properties.custom_details
    assert isinstance(details, m.InMageRcmFabricSpecificDetails)
    agent = details.reprotect_agents[0]
    assert agent.accessible_datastores
    [appliances] = client.replication_appliances.list(*site.at_vault)
    assert appliances.properties.provider_specific_details.appliances[0].name == agent.name
    log = f"/subscriptions/{site.names['subscription']}/resourceGroups/{site.group}"
    log += "/providers/Microsoft.Storage/storageAccounts/sa2"

    item = site.item("w1").properties
    assert item.provider_specific_details.instance_type == "InMageRcm"
    assert item.provider_specific_details.is_agent_registration_successful_after_failover is True
    identifier = item.provider_specific_details.internal_identifier

    def home():
        return m.InMageRcmReprotectInput(
            reprotect_agent_id=agent.id,
            datastore_name=agent.accessible_datastores[0],
            log_storage_account_id=log,
            policy_id=site.policy_id("appconsistency-policy-failback"),
        )

    refused_at_once(site, "w1", "PrimaryToRecovery", home())
    reprotect(site, "w1", home())
    item = site.item("w1").properties
    assert item.provider_specific_details.instance_type == "InMageRcmFailback"
    assert item.provider_specific_details.internal_identifier != identifier
    item = site.wait_protected("w1", "InMageRcmFailback").properties
    assert item.allowed_operations == ["PlannedFailover", "DisableProtection"]
    sleep(600)

    def failover():
        return client.replication_protected_items.begin_planned_failover(
            *site.at_item("w1"),
            m.PlannedFailoverInput(
                properties=m.PlannedFailoverInputProperties(
                    provider_specific_details=m.InMageRcmFailbackPlannedFailoverProviderInput(
                        recovery_point_type="CrashConsistent"
                    )
                )
            ),
        ).result()

    item = failover().properties
    assert item.protection_state == "CommitPendingStatesBegin"
    assert "CancelFailover" in item.allowed_operations
    site.succeeded(
        "PlannedFailover",
        [
            "VmPfoPrerequisitesCheck",
            "VmPrepareForFailover",
            "VmFailover",
            "VmPrepareProtectedEntitiesTask",
            "VmFoStartVmOnSecondary",
        ],
    )
    assert site.power("w1") in ("PowerState/deallocated", "PowerState/stopped")
    client.replication_protected_items.begin_failover_cancel(*site.at_item("w1")).result()
    job = site.last_job("CancelFailover").properties
    assert job.state == "Succeeded" and len(job.tasks) == 4
    assert site.item("w1").properties.protection_state == "Protected"
    assert site.power("w1") == "PowerState/running"
    sleep(3600)
    failover()
    commit(site, "w1")
    assert site.power("w1") is None
    sleep(1800)

    reprotect(
        site,
        "w1",
        m.InMageRcmFailbackReprotectInput(
            process_server_id=details.process_servers[0].id,
            run_as_account_id=account(site, details),
            policy_id=site.policy_id("24-hour-replication-policy"),
        ),
        direction=None,
    )
    site.wait_protected("w1", "InMageRcm")

    # One machine through a plan, as a group would go.
    reprotect(site, "l1", home())
    site.wait_protected("l1", "InMageRcmFailback")
    sleep(7200)
    plan(
        site,
        "till",
        ["l1"],
        m.RecoveryPlanInMageRcmFailbackFailoverInput(
            recovery_point_type="CrashConsistent", use_multi_vm_sync_point="false"
        ),
    )
    after(site)


def account(site, details):
    """The first account for machines: the fabric names the site of the discovery service, which lists accounts."""
    from azure.core.rest import HttpRequest

    path = f"{details.vmware_site_id}/runAsAccounts?api-version=2020-01-01"
    answer = site.client.send_request(HttpRequest("GET", path))
    answer.raise_for_status()
    found = [one for one in answer.json()["value"] if one["properties"]["credentialType"] != "VMwareFabric"]
    return found[0]["id"]


def plan(site, name, machines, point):
    client = site.client
    items = []
    for machine in machines:
        item = site.item(machine)
        details = item.properties.provider_specific_details
        identifier = getattr(details, "internal_identifier", None) or details.vm_id
        items.append(m.RecoveryPlanProtectedItem(id=item.id, virtual_machine_id=identifier))
    fabric = f"{site.root}/replicationFabrics/{site.fabric}"
    made = client.replication_recovery_plans.begin_create(
        *site.at_vault,
        name,
        m.CreateRecoveryPlanInput(
            properties=m.CreateRecoveryPlanInputProperties(
                primary_fabric_id=fabric,
                recovery_fabric_id="Microsoft Azure",
                failover_deployment_model="ResourceManager",
                groups=[
                    m.RecoveryPlanGroup(
                        group_type="Boot",
                        replication_protected_items=items,
                        start_group_actions=[],
                        end_group_actions=[],
                    )
                ],
            )
        ),
    ).result()
    kinds = [group.group_type for group in made.properties.groups]
    assert kinds == ["Shutdown", "Failover", "Boot"], kinds
    found = list(client.replication_protected_items.list(*site.at_vault, filter=f"RecoveryPlanName eq '{name}'"))
    assert {item.name for item in found} == {site.items[machine] for machine in machines}
    plans = client.replication_recovery_plans
    if isinstance(point, m.RecoveryPlanInMageFailoverInput):
        poller = plans.begin_unplanned_failover(
            *site.at_vault,
            name,
            m.RecoveryPlanUnplannedFailoverInput(
                properties=m.RecoveryPlanUnplannedFailoverInputProperties(
                    failover_direction="RecoveryToPrimary",
                    source_site_operations="Required",
                    provider_specific_details=[point],
                )
            ),
        )
        scenario = "RecoveryPlanUnplannedFailover"
    else:
        poller = plans.begin_planned_failover(
            *site.at_vault,
            name,
            m.RecoveryPlanPlannedFailoverInput(
                properties=m.RecoveryPlanPlannedFailoverInputProperties(
                    failover_direction="RecoveryToPrimary", provider_specific_details=[point]
                )
            ),
        )
        scenario = "RecoveryPlanPlannedFailover"
    assert poller.result().name == name
    jobs = [
        job
        for job in client.replication_jobs.list(*site.at_vault)
        if job.properties.target_instance_type == "RecoveryPlan" and "ailover" in job.properties.scenario_name
    ]
    assert jobs, f"no job of {scenario}"
    newest = max(jobs, key=lambda job: job.properties.start_time)
    job = client.replication_jobs.get(*site.at_vault, newest.name).properties
    assert job.state == "Succeeded", job.errors
    groups = [task for task in job.tasks if task.group_task_custom_details is not None]
    assert groups, "a plan's job has groups of tasks"
    for machine in machines:
        assert "Commit" in site.item(machine).properties.allowed_operations
    plans.begin_failover_commit(*site.at_vault, name).result()
    for machine in machines:
        assert "Commit" not in site.item(machine).properties.allowed_operations
    plans.begin_delete(*site.at_vault, name).result()
    assert name not in [one.name for one in plans.list(*site.at_vault)]


def after(site):
    """Looks back at what happened."""
    client = site.client
    jobs = list(client.replication_jobs.list(*site.at_vault, filter="( JobStatus eq 'Succeeded' )"))
    assert jobs and all(job.properties.state == "Succeeded" for job in jobs)
    failed = list(client.replication_jobs.list(*site.at_vault, filter="( JobStatus eq 'Failed' )"))
    assert all(job.properties.state == "Failed" for job in failed)
    assert {job.name for job in jobs}.isdisjoint({job.name for job in failed})


if __name__ == "__main__":
    site = Site()
    {"classic": classic, "modernized": modernized}[sys.argv[1]](site)
    done(requests="see the server's counts")
