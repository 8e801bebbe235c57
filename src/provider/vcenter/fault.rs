//! Answers and faults of vCenter's SOAP.

use crate::provider::vcenter::error::VcenterError;
use crate::provider::vcenter::xml::Element;
use crate::provider::words::words;

/// Returns what an answer holds in its body: the response to a call.
///
/// # Errors
///
/// The fault that it holds instead, or [`VcenterError::NotAVcenter`] if it is no SOAP at all.
pub(super) fn response(host: &str, root: Element) -> Result<Element, VcenterError> {
    let wrong = |why: &str| VcenterError::NotAVcenter { host: host.to_owned(), why: words(why) };
    if root.name != "Envelope" {
        return Err(wrong(&format!("its answer begins with <{}>", root.name)));
    }
    let body = root.children.into_iter().find(|child| child.name == "Body");
    let content = body.and_then(|body| body.children.into_iter().next());
    let content = content.ok_or_else(|| wrong("its answer has an empty body"))?;
    if content.name == "Fault" { Err(fault(host, &content)) } else { Ok(content) }
}

fn fault(host: &str, element: &Element) -> VcenterError {
    let message = words(element.word("faultstring").unwrap_or("no words"));
    let detail = element.child("detail").and_then(|detail| detail.children.first());
    // The element is named after the type with `Fault` behind; the type is told by its attribute too.
    let named = detail.map(|detail| detail.name.strip_suffix("Fault").unwrap_or(&detail.name));
    let kind = detail.and_then(Element::value_type).or(named).unwrap_or("a fault without a type");
    let host = host.to_owned();
    if kind == "NoPermission"
        && let Some(detail) = detail
    {
        return no_permission(detail);
    }
    let about = detail.and_then(|detail| detail.child("obj")).and_then(Element::reference_type);
    VcenterError::Fault { host, fault: words(kind), message, about: about.map(str::to_owned) }
}

fn no_permission(detail: &Element) -> VcenterError {
    VcenterError::NoPermission {
        object: words(detail.word("object").unwrap_or("an object")),
        privilege: words(detail.word("privilegeId").unwrap_or("that it needs")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::vcenter::xml::parse;

    fn read(body: &str) -> Result<Element, VcenterError> {
        let text = format!(
            "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Body>{body}</s:Body></s:Envelope>"
        );
        response("vc1", parse(&text).unwrap())
    }

    #[test]
    fn a_fault_is_named_by_its_type() {
        let lost = read(
            "<s:Fault><faultcode>ServerFaultCode</faultcode><faultstring>The session is not authenticated.</faultstring>\
             <detail><NotAuthenticatedFault xmlns=\"urn:vim25\" xsi:type=\"NotAuthenticated\"><object type=\"Folder\">group-d1\
             </object><privilegeId>System.View</privilegeId></NotAuthenticatedFault></detail></s:Fault>",
        )
        .unwrap_err();
        assert!(lost.is_session_lost());
        assert_eq!(lost.to_string(), "vc1 answers with NotAuthenticated: The session is not authenticated.");
        let unnamed = read("<s:Fault><detail><InvalidPropertyFault/></detail></s:Fault>").unwrap_err();
        assert_eq!(unnamed.to_string(), "vc1 answers with InvalidProperty: no words");
        assert!(!unnamed.is_session_lost());
    }

    #[test]
    fn a_view_that_is_gone_means_that_its_session_is() {
        let gone = |kind: &str| {
            let detail = format!(
                "<s:Fault><faultstring>gone</faultstring><detail><ManagedObjectNotFoundFault \
                 xsi:type=\"ManagedObjectNotFound\"><obj type=\"{kind}\">x</obj></ManagedObjectNotFoundFault></detail></s:Fault>"
            );
            read(&detail).unwrap_err().is_session_lost()
        };
        assert!(gone("ContainerView"));
        assert!(!gone("VirtualMachine"));
    }

    #[test]
    fn a_missing_right_is_named() {
        let error = read(
            "<s:Fault><faultstring>Permission to perform this operation was denied.</faultstring><detail><NoPermissionFault \
             xsi:type=\"NoPermission\"><object type=\"Folder\">group-d1</object><privilegeId>System.Read</privilegeId>\
             </NoPermissionFault></detail></s:Fault>",
        )
        .unwrap_err();
        assert_eq!(error.to_string(), "the account lacks the privilege System.Read on group-d1");
        assert!(error.help().unwrap().contains("Read-only"));
    }

    #[test]
    fn what_is_no_soap_is_no_vcenter() {
        let error = response("vc1", parse("<html><body>It works!</body></html>").unwrap()).unwrap_err();
        assert_eq!(error.to_string(), "vc1 does not answer as a vCenter does: its answer begins with <html>");
        assert!(read("").is_err());
    }
}
