//! Health errors: the service's texts for what stands against a server.

use serde_json::Value;
use serde_json::json;

/// What the service says about one code.
struct Text {
    code: &'static str,
    level: Option<&'static str>,
    message: &'static str,
    causes: &'static str,
    action: &'static str,
}

/// The codes that the emulated site shows for servers; `{}` stands for the name.
const TEXTS: &[Text] = &[
    Text {
        code: "583",
        level: None,
        message: "The Configuration server '{}' isn't connected",
        causes: "Services that it needs may not be running on the Configuration server '{}'.",
        action: "See to it that its services run, that it reaches the internet, and that its certificate is valid.",
    },
    Text {
        code: "806",
        level: Some("Error"),
        message: "Process server heartbeat is missing.",
        causes: "The service of the process server '{}' is not running.",
        action: "Check and restart the tmansvc service on the process server.",
    },
    Text {
        code: "811",
        level: None,
        message: "Last successful discovery time of vCenter has exceeded the threshold.",
        causes: "vCenter '{}' is disconnected.",
        action: "Ensure that the vCenter is connected and responding on the network.",
    },
    Text {
        code: "813",
        level: Some("Error"),
        message: "Recovery Services Provider heartbeat missing.",
        causes: "Recovery Services Provider heartbeat is missing on '{}'.",
        action: "Ensure that the Configuration Server is connected to the network and accessible.",
    },
    Text {
        code: "78022",
        level: Some("Error"),
        message: "No mobility service heartbeat from '{}' in the last 15 minutes.",
        causes: "The mobility service is not running, or the machine does not reach the server.",
        action: "Ensure that the mobility service is running and that the machine is connected.",
    },
    Text {
        code: "78146",
        level: None,
        message: "VMware tools are not running",
        causes: "VMware tools are not installed on '{}', or their service is stopped.",
        action: "Install the VMware tools and make sure that their service is running.",
    },
    Text {
        code: "78150",
        level: None,
        message: "Mastertarget having different SCSI controller types.",
        causes: "The master target '{}' has different SCSI controller types.",
        action: "Please change the controllers to be of the same type.",
    },
    Text {
        code: "78151",
        level: None,
        message: "Linux Mastertarget having unsupported SCSI controller type",
        causes: "The Linux master target '{}' has a controller other than LsiLogicParallelController.",
        action: "Change the controllers to LsiLogicParallelController.",
    },
    Text {
        code: "78152",
        level: None,
        message: "VM property Disk enable uuid is not set to True",
        causes: "disk.enableUUID is not set to True for the master target '{}'.",
        action: "Set the disk.enableUUID property to True in the advanced settings of the VM.",
    },
    Text {
        code: "78158",
        level: None,
        message: "VM having the snapshots.",
        causes: "The VM '{}' has snapshots, which may lead to issues.",
        action: "Consolidate and delete all the snapshots on the VM.",
    },
];

/// Returns what the service says about `code` of the thing called `name`, as it was at `since`.
#[must_use]
pub fn health_error(code: &str, name: &str, since: &str) -> Value {
    let text = TEXTS.iter().find(|text| text.code == code);
    let say = |words: fn(&Text) -> &'static str| {
        text.map_or_else(String::new, |text| words(text).replace("{}", name))
    };
    json!({
        "errorSource": null,
        "errorType": null,
        "errorLevel": text.and_then(|text| text.level),
        "errorCode": code,
        "summaryMessage": "",
        "errorMessage": say(|text| text.message),
        "possibleCauses": say(|text| text.causes),
        "recommendedAction": say(|text| text.action),
        "creationTimeUtc": since,
        "recoveryProviderErrorMessage": null,
        "entityId": null,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_names_the_server_that_it_is_about() {
        let error = health_error("583", "cs1", "2026-01-01T00:00:00Z");
        assert_eq!(error["errorMessage"], "The Configuration server 'cs1' isn't connected");
        assert_eq!(error["errorCode"], "583");
    }

    #[test]
    fn codes_are_in_order_and_each_is_there_once() {
        assert!(
            TEXTS.windows(2).all(|two| two[0].code.len() < two[1].code.len() || two[0].code < two[1].code)
        );
    }
}
