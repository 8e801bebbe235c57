"""Brings all machines home at the same time with Microsoft's own client and its pollers, so that their requests can be counted."""

from azure.mgmt.recoveryservicessiterecovery import models as m

from emulated import Site, done, sleep, together


def home(site, machine, details, policy):
    items = site.client.replication_protected_items
    linux = machine.startswith("l")
    target = next(one for one in details.master_target_servers if one.name == ("mtl" if linux else "mtw"))
    server = next(one for one in details.process_servers if one.friendly_name == "ps-az")
    items.begin_reprotect(
        *site.at_item(machine),
        m.ReverseReplicationInput(
            properties=m.ReverseReplicationInputProperties(
                failover_direction="RecoveryToPrimary",
                provider_specific_details=m.InMageReprotectInput(
                    master_target_id=target.id,
                    process_server_id=server.id,
                    retention_drive=target.retention_volumes[0].volume_name,
                    run_as_account_id="1",
                    datastore_name="vmfs1",
                    profile_id=policy.id,
                ),
            )
        ),
    ).result()
    site.wait_protected(machine, "InMage")
    items.begin_unplanned_failover(
        *site.at_item(machine),
        m.UnplannedFailoverInput(
            properties=m.UnplannedFailoverInputProperties(
                failover_direction="PrimaryToRecovery",
                source_site_operations="NotRequired",
                provider_specific_details=m.InMageUnplannedFailoverInput(recovery_point_type="LatestTime"),
            )
        ),
    ).result()
    items.begin_failover_commit(*site.at_item(machine)).result()
    assert site.power(machine) is None


if __name__ == "__main__":
    site = Site()
    client = site.client
    details = client.replication_fabrics.get(*site.at_vault, site.fabric).properties.custom_details
    create = m.CreatePolicyInput(
        properties=m.CreatePolicyInputProperties(
            provider_specific_input=m.InMagePolicyInput(multi_vm_sync_status="Enable")
        )
    )
    policy = client.replication_policies.begin_create(*site.at_vault, "home", create).result()
    client.replication_protection_container_mappings.begin_create(
        *site.at_container,
        "home-mapping",
        m.CreateProtectionContainerMappingInput(
            properties=m.CreateProtectionContainerMappingInputProperties(
                target_protection_container_id=site.container_id(), policy_id=policy.id
            )
        ),
    ).result()
    together([lambda machine=machine: home(site, machine, details, policy) for machine in site.items])
    done()
