//! The calls that this client makes, in the words of SOAP. None of them changes anything but the session they are made in.

use std::fmt::Write as _;

use secrecy::ExposeSecret;
use secrecy::SecretString;

use crate::provider::vcenter::collect::Reference;
use crate::provider::vcenter::xml::Element;
use crate::provider::vcenter::xml::escaped;

/// Where the services of a vCenter are.
#[derive(Clone, Debug)]
pub(super) struct Services {
    pub(super) root: Reference,
    pub(super) sessions: Reference,
    pub(super) collector: Reference,
    pub(super) views: Reference,
    pub(super) search: Option<Reference>,
}

impl Services {
    pub(super) fn of(content: &Element) -> Option<Self> {
        let service = |name| Reference::of(content.child(name)?);
        Some(Self {
            root: service("rootFolder")?,
            sessions: service("sessionManager")?,
            collector: service("propertyCollector")?,
            views: service("viewManager")?,
            search: service("searchIndex"),
        })
    }
}

/// The properties that are asked for of the objects of a kind.
pub(super) type Wanted = (&'static str, &'static [&'static str]);

fn call(name: &str, this: &Reference, arguments: &str) -> String {
    format!("<{name} xmlns=\"urn:vim25\">{}{arguments}</{name}>", reference("_this", this))
}

fn reference(name: &str, to: &Reference) -> String {
    format!("<{name} type=\"{}\">{}</{name}>", escaped(&to.kind), escaped(&to.value))
}

pub(super) fn service_content() -> String {
    let this = Reference { kind: "ServiceInstance".into(), value: "ServiceInstance".into() };
    call("RetrieveServiceContent", &this, "")
}

pub(super) fn login(services: &Services, user: &str, password: &impl ExposeSecret<str>) -> SecretString {
    let arguments = format!(
        "<userName>{}</userName><password>{}</password>",
        escaped(user),
        escaped(password.expose_secret())
    );
    call("Login", &services.sessions, &arguments).into()
}

pub(super) fn logout(services: &Services) -> String {
    call("Logout", &services.sessions, "")
}

pub(super) fn create_view(services: &Services, wanted: &[Wanted]) -> String {
    let mut arguments = reference("container", &services.root);
    for (kind, _) in wanted {
        let _ = write!(arguments, "<type>{kind}</type>");
    }
    arguments.push_str("<recursive>true</recursive>");
    call("CreateContainerView", &services.views, &arguments)
}

pub(super) fn destroy_view(view: &Reference) -> String {
    call("DestroyView", view, "")
}

fn sets(wanted: &[Wanted]) -> String {
    let mut sets = String::new();
    for (kind, paths) in wanted {
        let _ = write!(sets, "<propSet><type>{kind}</type>");
        for path in *paths {
            let _ = write!(sets, "<pathSet>{path}</pathSet>");
        }
        sets.push_str("</propSet>");
    }
    sets
}

fn retrieve(services: &Services, specifications: &str, page: u32) -> String {
    let arguments = format!("{specifications}<options><maxObjects>{page}</maxObjects></options>");
    call("RetrievePropertiesEx", &services.collector, &arguments)
}

/// Says what is asked for. `objects` are object sets; what may follow them says what becomes of objects that are gone.
fn specification(wanted: &[Wanted], objects: &str) -> String {
    format!("<specSet>{}{objects}</specSet>", sets(wanted))
}

/// Asks for what a view holds, and for the root folder. A view that is gone is an error: else it would be one that is empty.
pub(super) fn retrieve_view(services: &Services, view: &Reference, wanted: &[Wanted], page: u32) -> String {
    retrieve(services, &of_view(services, view, wanted), page)
}

/// Asks for what a view holds, as [`retrieve_view`] does, and in the same question for certain objects; of those, the ones that
/// are gone are left out of the answer.
pub(super) fn retrieve_view_and(
    services: &Services,
    view: &Reference,
    wanted: &[Wanted],
    objects: &[Reference],
    of_objects: &[Wanted],
    page: u32,
) -> String {
    let mut specifications = of_view(services, view, wanted);
    if !objects.is_empty() {
        specifications.push_str(&certain(objects, of_objects));
    }
    retrieve(services, &specifications, page)
}

fn of_view(services: &Services, view: &Reference, wanted: &[Wanted]) -> String {
    let objects = format!(
        "<objectSet>{}<skip>true</skip><selectSet xsi:type=\"TraversalSpec\"><type>ContainerView</type><path>view</path>\
         <skip>false</skip></selectSet></objectSet><objectSet>{}</objectSet>",
        reference("obj", view),
        reference("obj", &services.root)
    );
    specification(wanted, &objects)
}

/// Asks for certain objects; those that are gone are left out of the answer.
pub(super) fn retrieve_objects(
    services: &Services,
    objects: &[Reference],
    wanted: &[Wanted],
    page: u32,
) -> String {
    retrieve(services, &certain(objects, wanted), page)
}

fn certain(objects: &[Reference], wanted: &[Wanted]) -> String {
    let mut sets = String::new();
    for object in objects {
        let _ = write!(sets, "<objectSet>{}</objectSet>", reference("obj", object));
    }
    sets.push_str("<reportMissingObjectsInResults>true</reportMissingObjectsInResults>");
    specification(wanted, &sets)
}

pub(super) fn continue_retrieving(services: &Services, token: &str) -> String {
    let arguments = format!("<token>{}</token>", escaped(token));
    call("ContinueRetrievePropertiesEx", &services.collector, &arguments)
}

/// Asks for the virtual machine with a BIOS UUID.
pub(super) fn find_by_uuid(search: &Reference, uuid: &str) -> String {
    let arguments =
        format!("<uuid>{}</uuid><vmSearch>true</vmSearch><instanceUuid>false</instanceUuid>", escaped(uuid));
    call("FindByUuid", search, &arguments)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn services() -> Services {
        let service = |name: &str| Reference { kind: name.into(), value: name.into() };
        Services {
            root: Reference { kind: "Folder".into(), value: "group-d1".into() },
            sessions: service("SessionManager"),
            collector: service("PropertyCollector"),
            views: service("ViewManager"),
            search: None,
        }
    }

    #[test]
    fn names_are_escaped_wherever_they_stand() {
        let odd = Reference { kind: "Datastore".into(), value: "/a<b>&c@folder-5".into() };
        let body = retrieve_objects(&services(), &[odd], &[("Datastore", &["name"])], 7);
        assert!(body.contains("<obj type=\"Datastore\">/a&lt;b&gt;&amp;c@folder-5</obj>"), "{body}");
        assert!(body.contains("<maxObjects>7</maxObjects>"), "{body}");
        let login = login(&services(), "a&b", &SecretString::from("<p>"));
        assert!(login.expose_secret().contains("<userName>a&amp;b</userName><password>&lt;p&gt;</password>"));
    }

    #[test]
    fn no_call_changes_anything() {
        let view = Reference { kind: "ContainerView".into(), value: "v".into() };
        let all = [
            service_content(),
            logout(&services()),
            create_view(&services(), &[]),
            destroy_view(&view),
            retrieve_view(&services(), &view, &[], 1),
            retrieve_objects(&services(), &[], &[], 1),
            retrieve_view_and(&services(), &view, &[], std::slice::from_ref(&view), &[], 1),
            continue_retrieving(&services(), "1"),
            find_by_uuid(&services().root, "u"),
        ];
        for body in all {
            assert!(
                !body.contains("_Task") && !body.contains("Power") && !body.contains("Reconfig"),
                "{body}"
            );
        }
    }
}
