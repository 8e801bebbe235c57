//! The service itself: what it is, which parts it has, its folders.

use crate::provider::emulator::http::guid;
use crate::provider::emulator::http::soap::endpoint::Endpoint;
use crate::provider::emulator::http::soap::estate;
use crate::provider::emulator::http::soap::estate::Estate;
use crate::provider::emulator::http::soap::estate::Vm;
use crate::provider::emulator::http::soap::state::Session;
use crate::provider::emulator::http::soap::value::Fields;
use crate::provider::emulator::http::soap::value::Reference;
use crate::provider::emulator::http::soap::value::Value;

/// Versions of the interface that are spoken: what is here is the same in all of them.
pub(super) const VERSIONS: &str = r#"<?xml version="1.0" encoding="UTF-8" ?>
<namespaces version="1.0">
 <namespace>
  <name>urn:vim25</name>
  <version>8.0.2.0</version>
  <priorVersions>
   <version>8.0.1.0</version>
   <version>8.0.0.1</version>
   <version>7.0.3.2</version>
   <version>7.0.3.1</version>
   <version>7.0.3.0</version>
   <version>7.0.2.0</version>
   <version>7.0.1.0</version>
   <version>7.0.0.0</version>
   <version>6.9.1</version>
   <version>6.8.7</version>
   <version>6.7.3</version>
   <version>6.7.2</version>
   <version>6.7.1</version>
   <version>6.7</version>
   <version>6.5</version>
   <version>6.0</version>
   <version>5.5</version>
  </priorVersions>
 </namespace>
</namespaces>
"#;

/// Where the service is described. Clients of long ago read the version from here.
pub(super) const WSDL: &str = r#"<?xml version="1.0" encoding="UTF-8" ?>
<definitions targetNamespace="urn:vim25Service" xmlns="http://schemas.xmlsoap.org/wsdl/"
   xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap/" xmlns:interface="urn:vim25">
 <import location="vim.wsdl" namespace="urn:vim25" />
 <service name="VimService">
  <port binding="interface:VimBinding" name="VimPort">
   <soap:address location="https://localhost/sdk/vimService" />
  </port>
 </service>
</definitions>
"#;

/// Returns what the service says about itself.
pub(super) fn service(estate: &Estate<'_>) -> Value {
    let mut fields = Fields::default()
        .set("rootFolder", Value::Reference(Reference::new("Folder", estate.parts().root)))
        .set("about", about(estate));
    for (name, kind, id) in &estate.parts().services {
        fields = fields.set(name, Value::Reference(Reference::new(kind, *id)));
    }
    fields.data("ServiceContent")
}

fn about(estate: &Estate<'_>) -> Value {
    let facts = estate.visit.world().site.facts();
    let stated = match estate.endpoint {
        Endpoint::Vcenter(name) => {
            let mut stated = facts.vcenters.iter().flatten().filter(|one| one.id.value == *name);
            stated.find_map(|one| one.version.as_deref())
        }
        Endpoint::Host(_) => estate.hosts.iter().find_map(|host| host.version.as_deref()),
    };
    let version = stated.map_or("8.0.2", String::as_str);
    let api = match version.get(..3) {
        Some("6.5") => "6.5",
        Some("6.7") => "6.7.3",
        Some("7.0") => "7.0.3.0",
        _ => "8.0.2.0",
    };
    let [name, os, line, kind, license] = match estate.endpoint {
        Endpoint::Vcenter(_) => {
            ["VMware vCenter Server", "linux-x64", "vpx", "VirtualCenter", "VMware VirtualCenter Server"]
        }
        Endpoint::Host(_) => ["VMware ESXi", "vmnix-x86", "embeddedEsx", "HostAgent", "VMware ESX Server"],
    };
    // A host has no id of its service.
    let id = match estate.endpoint {
        Endpoint::Vcenter(name) => Some(Value::text(guid::guid("vcenter", name))),
        Endpoint::Host(_) => None,
    };
    Fields::default()
        .set("name", Value::text(name))
        .set("fullName", Value::text(format!("{name} {version} (emulated by failback)")))
        .set("vendor", Value::text("VMware, Inc."))
        .set("version", Value::text(version))
        .set("build", Value::text("0"))
        .set("localeVersion", Value::text("INTL"))
        .set("localeBuild", Value::text("000"))
        .set("osType", Value::text(os))
        .set("productLineId", Value::text(line))
        .set("apiType", Value::text(kind))
        .set("apiVersion", Value::text(api))
        .maybe("instanceUuid", id)
        .set("licenseProductName", Value::text(license))
        .set("licenseProductVersion", Value::text("8.0"))
        .data("AboutInfo")
}

/// Returns what a login gives.
pub(super) fn user_session(session: &Session, agent: &str) -> Value {
    Fields::default()
        .set("key", Value::text(session.name()))
        .set("userName", Value::text(&session.user))
        .set("fullName", Value::text(&session.user))
        .set("loginTime", Value::time(session.begun))
        .set("lastActiveTime", Value::time(session.begun))
        .set("locale", Value::text("en"))
        .set("messageLocale", Value::text("en"))
        .set("extensionSession", Value::truth(false))
        .set("ipAddress", Value::text("127.0.0.1"))
        .set("userAgent", Value::text(agent))
        .set("callCount", Value::int(session.calls))
        .data("UserSession")
}

/// Returns the properties of what is no virtual machine, host or datastore; `None` if there is no such object.
pub(super) fn properties(estate: &Estate<'_>, reference: &Reference) -> Option<Value> {
    let parts = estate.parts();
    let folder = |id: &str| Reference::new("Folder", id);
    let datacenter = || Reference::new("Datacenter", parts.datacenter);
    let cluster = || parts.compute();
    let vms = || estate.vms.iter().map(Vm::reference);
    let hosts = || estate.hosts.iter().map(|host| estate::host_reference(host));
    let datastores = || estate.datastores.iter().map(|store| estate.reference_of(store));
    let named = |name: &str, parent: Option<Reference>| {
        Fields::default()
            .set("name", Value::text(name))
            .maybe("parent", parent.map(Value::Reference))
            .set("overallStatus", Value::word("ManagedEntityStatus", "green"))
    };
    let holds = |name: &str, parent: Reference, kinds: &[&str], children: Vec<Reference>| {
        let kinds = kinds.iter().map(|kind| Value::text(*kind)).collect();
        named(name, Some(parent))
            .set("childType", Value::List("xsd:string", kinds))
            .set("childEntity", Value::references(children))
            .data("Folder")
    };
    let (site, has_hosts) = match estate.endpoint {
        Endpoint::Vcenter(_) => (estate.visit.world().site.facts().name.as_str(), "cluster"),
        Endpoint::Host(name) => (parts.datacenter, name.as_str()),
    };
    let compute = cluster();
    Some(match (reference.kind.as_str(), reference.id.as_str()) {
        ("Folder", id) if id == parts.root => named(parts.root_name, None)
            .set(
                "childType",
                Value::List("xsd:string", vec![Value::text("Folder"), Value::text("Datacenter")]),
            )
            .set("childEntity", Value::references([datacenter()]))
            .data("Folder"),
        ("Datacenter", id) if id == parts.datacenter => named(site, Some(folder(parts.root)))
            .set("vmFolder", Value::Reference(folder(parts.vm_folder)))
            .set("hostFolder", Value::Reference(folder(parts.host_folder)))
            .set("datastoreFolder", Value::Reference(folder(parts.datastore_folder)))
            .set("networkFolder", Value::Reference(folder(parts.network_folder)))
            .set("datastore", Value::references(datastores()))
            .set("network", Value::references([]))
            .data("Datacenter"),
        ("Folder", id) if id == parts.vm_folder => {
            holds("vm", datacenter(), &["Folder", "VirtualMachine", "VirtualApp"], vms().collect())
        }
        ("Folder", id) if id == parts.host_folder => {
            holds("host", datacenter(), &["Folder", "ComputeResource"], vec![cluster()])
        }
        ("Folder", id) if id == parts.datastore_folder => {
            holds("datastore", datacenter(), &["Folder", "Datastore", "StoragePod"], datastores().collect())
        }
        ("Folder", id) if id == parts.network_folder => {
            holds("network", datacenter(), &["Folder", "Network"], Vec::new())
        }
        (kind, id) if (kind, id) == (compute.kind.as_str(), compute.id.as_str()) => {
            named(has_hosts, Some(folder(parts.host_folder)))
                .set("host", Value::references(hosts()))
                .set("datastore", Value::references(datastores()))
                .set("network", Value::references([]))
                .set("resourcePool", Value::Reference(Reference::new("ResourcePool", parts.pool)))
                .data(if estate.is_host() { "ComputeResource" } else { "ClusterComputeResource" })
        }
        ("ResourcePool", id) if id == parts.pool => named("Resources", Some(cluster()))
            .set("owner", Value::Reference(cluster()))
            .set("resourcePool", Value::references([]))
            .set("vm", Value::references(vms()))
            .data("ResourcePool"),
        ("ServiceInstance", "ServiceInstance") => Fields::default()
            .set("serverClock", Value::time(estate.visit.now))
            .set("content", service(estate))
            .data("ServiceInstance"),
        ("SessionManager", id) if id == parts.services[2].2 => Fields::default()
            .maybe("currentSession", estate.session.map(|session| user_session(session, "")))
            .set("defaultLocale", Value::text("en"))
            .data("SessionManager"),
        (kind, id) if parts.services.iter().any(|(_, known, part)| *known == kind && *part == id) => {
            Value::Data("ManagedObject", Vec::new())
        }
        _ => return None,
    })
}
