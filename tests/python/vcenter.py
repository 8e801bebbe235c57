"""Looks at vCenter with VMware's own client while a machine comes home, as a judge of the emulator's SOAP."""

import os
import ssl

from pyVim.connect import Disconnect, SmartConnect
from pyVmomi import vim, vmodl

from azure.mgmt.recoveryservicessiterecovery import models as m

from emulated import Site, done, sleep
from site_recovery import commit, reprotect


def connect(site):
    host, port = site.names["url"].split("//")[1].split(":")
    names = site.names
    secured = names["url"].startswith("https")
    trusted = ssl.create_default_context(cafile=os.environ.get("REQUESTS_CA_BUNDLE")) if secured else None
    return SmartConnect(
        protocol="https" if secured else "http",
        host=host,
        port=int(port),
        user=names["vcenter_user"],
        pwd=names["vcenter_password"],
        sslContext=trusted,
    )


def listed(content, kind, properties):
    """Everything of one kind with some of its properties, by container view and property collector, page after page."""
    view = content.viewManager.CreateContainerView(content.rootFolder, [kind], True)
    spec = vmodl.query.PropertyCollector
    wanted = spec.FilterSpec(
        objectSet=[
            spec.ObjectSpec(
                obj=view,
                skip=True,
                selectSet=[spec.TraversalSpec(name="view", path="view", skip=False, type=type(view))],
            )
        ],
        propSet=[spec.PropertySpec(type=kind, pathSet=properties, all=False)],
    )
    found, options = [], spec.RetrieveOptions(maxObjects=2)
    answer = content.propertyCollector.RetrievePropertiesEx([wanted], options)
    while answer is not None:
        found.extend(answer.objects)
        if not answer.token:
            break
        answer = content.propertyCollector.ContinueRetrievePropertiesEx(answer.token)
    view.Destroy()
    return [{prop.name: prop.val for prop in one.propSet} for one in found]


def power(content, machine):
    for vm in listed(content, vim.VirtualMachine, ["name", "runtime.powerState"]):
        if vm["name"] == machine:
            return vm["runtime.powerState"]
    return None


def main(site):
    wrong = dict(site.names, vcenter_password="wrong")
    right, site.names = site.names, wrong
    try:
        connect(site)
    except vim.fault.InvalidLogin:
        pass
    else:
        raise AssertionError("a wrong password signs in")
    site.names = right
    session = connect(site)
    content = session.RetrieveContent()
    assert content.about.apiType == "VirtualCenter"

    hosts = listed(content, vim.HostSystem, ["name", "runtime.connectionState", "summary.config.product"])
    assert {host["name"] for host in hosts} == {"esx1", "esx2"}
    stores = listed(content, vim.Datastore, ["name", "summary", "host"])
    by_name = {store["name"]: store for store in stores}
    assert set(by_name) == {"vmfs1", "vmfs2", "vsan1", "nfs1"}
    assert by_name["vsan1"]["summary"].type.lower() == "vsan"
    assert len(by_name["vmfs2"]["host"]) == 1 and len(by_name["vmfs1"]["host"]) == 2
    machines = listed(
        content, vim.VirtualMachine, ["name", "config.uuid", "runtime.powerState", "config.hardware.device"]
    )
    w1 = next(vm for vm in machines if vm["name"] == "w1")
    assert w1["runtime.powerState"] == "poweredOff"
    disks = [device for device in w1["config.hardware.device"] if isinstance(device, vim.vm.device.VirtualDisk)]
    assert len(disks) == 2 and disks[0].capacityInKB == 100 * 1024 * 1024
    found = content.searchIndex.FindByUuid(None, w1["config.uuid"], True, False)
    assert found is not None and found.name == "w1"
    assert content.searchIndex.FindByUuid(None, "564d0000-0000-0000-0000-ffffffffffff", True, False) is None

    client = site.client
    details = client.replication_fabrics.get(*site.at_vault, site.fabric).properties.custom_details
    target = next(server for server in details.master_target_servers if server.name == "mtw")
    server = next(server for server in details.process_servers if server.friendly_name == "ps-az")
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
    reprotect(
        site,
        "w1",
        m.InMageReprotectInput(
            master_target_id=target.id,
            process_server_id=server.id,
            retention_drive=target.retention_volumes[0].volume_name,
            run_as_account_id="1",
            datastore_name="vmfs1",
            profile_id=policy.id,
        ),
    )
    assert power(content, "w1") == "poweredOff"
    site.wait_protected("w1", "InMage")
    sleep(600)
    client.replication_protected_items.begin_unplanned_failover(
        *site.at_item("w1"),
        m.UnplannedFailoverInput(
            properties=m.UnplannedFailoverInputProperties(
                failover_direction="PrimaryToRecovery",
                source_site_operations="Required",
                provider_specific_details=m.InMageUnplannedFailoverInput(recovery_point_type="LatestTime"),
            )
        ),
    ).result()
    assert power(content, "w1") == "poweredOn", "the machine runs at the site"
    assert site.power("w1") != "PowerState/running", "and no longer in Azure"
    commit(site, "w1")
    assert power(content, "w1") == "poweredOn"
    Disconnect(session)
    try:
        power(content, "w1")
    except vim.fault.NotAuthenticated:
        pass
    else:
        raise AssertionError("a session that has ended still answers")


if __name__ == "__main__":
    main(Site())
    done()
