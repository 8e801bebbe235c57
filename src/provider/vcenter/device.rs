//! Disks and controllers of a virtual machine.

use crate::provider::vcenter::collect::Reference;
use crate::provider::vcenter::read::Names;
use crate::provider::vcenter::seen::Backing;
use crate::provider::vcenter::seen::SeenDisk;
use crate::provider::vcenter::xml::Element;
use crate::quantity::Bytes;

/// Returns the disks in the order in which they were added.
pub(super) fn disks(devices: &Element, names: &Names) -> Vec<SeenDisk> {
    let mut disks: Vec<SeenDisk> = devices
        .children
        .iter()
        .filter(|device| is_a(device, "VirtualDisk"))
        .map(|device| disk(device, names))
        .collect();
    disks.sort_by_key(|disk| disk.key);
    disks
}

fn is_a(device: &Element, kind: &str) -> bool {
    device.value_type() == Some(kind)
}

fn disk(device: &Element, names: &Names) -> SeenDisk {
    let key = number(device, "key").unwrap_or_default();
    let backing = device.child("backing");
    let inside = |name| backing.and_then(|backing| backing.word(name));
    let label = device.at(&["deviceInfo", "label"]).map(|label| label.text.clone());
    let file = inside("fileName").map(str::to_owned);
    let held = backing.and_then(|backing| backing.child("datastore")).and_then(Reference::of);
    let bytes = number(device, "capacityInBytes").and_then(|bytes| u64::try_from(bytes).ok());
    // The size in bytes is younger than the size in kB.
    let kilobytes = number(device, "capacityInKB").and_then(|kilobytes| u64::try_from(kilobytes).ok());
    SeenDisk {
        label: label.unwrap_or_else(|| format!("device {key}")),
        key,
        uuid: inside("uuid").map(str::to_ascii_lowercase),
        backing: backing_of(backing),
        datastore: held.and_then(|held| names.get(&held).cloned()).or_else(|| folder_of(file.as_deref())),
        file,
        size: bytes.or_else(|| kilobytes.and_then(|size| size.checked_mul(1024))).map(Bytes),
    }
}

fn number(element: &Element, name: &str) -> Option<i64> {
    element.word(name)?.trim().parse().ok()
}

/// Returns the datastore of a path such as `[datastore] folder/file`.
pub(super) fn folder_of(path: Option<&str>) -> Option<String> {
    let (name, _) = path?.strip_prefix('[')?.split_once(']')?;
    Some(name.to_owned()).filter(|name| !name.is_empty())
}

fn backing_of(backing: Option<&Element>) -> Backing {
    let Some(kind) = backing.and_then(Element::value_type) else {
        return Backing::Other("without a type".into());
    };
    match kind {
        "VirtualDiskFlatVer1BackingInfo" | "VirtualDiskFlatVer2BackingInfo" => Backing::Flat,
        "VirtualDiskSeSparseBackingInfo" => Backing::SeSparse,
        "VirtualDiskRawDiskMappingVer1BackingInfo" => {
            let mode = backing.and_then(|backing| backing.word("compatibilityMode"));
            let physical = match mode {
                Some("physicalMode") => Some(true),
                Some("virtualMode") => Some(false),
                Some(_) | None => None,
            };
            Backing::Raw { physical }
        }
        "VirtualDiskRawDiskVer2BackingInfo" | "VirtualDiskPartitionedRawDiskVer2BackingInfo" => {
            Backing::Raw { physical: None }
        }
        other => Backing::Other(other.to_owned()),
    }
}

/// Returns the kinds of the SCSI controllers, each once.
pub(super) fn scsi_controllers(devices: &Element) -> Vec<String> {
    let mut kinds: Vec<String> = Vec::new();
    for device in &devices.children {
        let kind = match device.value_type() {
            Some("VirtualLsiLogicController") => "lsilogic",
            Some("VirtualLsiLogicSASController") => "lsilogic_sas",
            Some("ParaVirtualSCSIController") => "pvscsi",
            Some("VirtualBusLogicController") => "buslogic",
            Some(_) | None => continue,
        };
        if !kinds.iter().any(|known| known == kind) {
            kinds.push(kind.to_owned());
        }
    }
    kinds
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::vcenter::xml::parse;
    use crate::quantity::GIB;

    #[test]
    fn a_disk_is_told_by_what_is_behind_it() {
        let text = r#"<val xsi:type="ArrayOfVirtualDevice">
          <VirtualDevice xsi:type="VirtualLsiLogicSASController"><key>1000</key><busNumber>0</busNumber></VirtualDevice>
          <VirtualDevice xsi:type="VirtualLsiLogicSASController"><key>1001</key><busNumber>1</busNumber></VirtualDevice>
          <VirtualDevice xsi:type="ParaVirtualSCSIController"><key>1002</key></VirtualDevice>
          <VirtualDevice xsi:type="VirtualAHCIController"><key>15000</key></VirtualDevice>
          <VirtualDevice xsi:type="VirtualDisk"><key>2001</key><deviceInfo><label>Hard disk 2</label></deviceInfo>
            <backing xsi:type="VirtualDiskRawDiskMappingVer1BackingInfo"><fileName>[ds 1] w/w_1.vmdk</fileName>
              <lunUuid>02</lunUuid><compatibilityMode>physicalMode</compatibilityMode></backing>
            <capacityInKB>1048576</capacityInKB></VirtualDevice>
          <VirtualDevice xsi:type="VirtualDisk"><key>2000</key><deviceInfo><label>Hard disk 1</label></deviceInfo>
            <backing xsi:type="VirtualDiskFlatVer2BackingInfo"><fileName>[ds] w/w.vmdk</fileName>
              <datastore type="Datastore">datastore-1</datastore><uuid>6000C29A</uuid></backing>
            <capacityInKB>1</capacityInKB><capacityInBytes>2147483648</capacityInBytes></VirtualDevice>
          <VirtualDevice xsi:type="VirtualDisk"><key>2002</key><backing xsi:type="VirtualDiskSeSparseBackingInfo"/></VirtualDevice>
          <VirtualDevice xsi:type="VirtualDisk"><key>2003</key><backing xsi:type="VirtualDiskNewThingBackingInfo"/></VirtualDevice>
        </val>"#;
        let devices = parse(text).unwrap();
        let names = Names::from([(
            Reference { kind: "Datastore".into(), value: "datastore-1".into() },
            "vmfs1".into(),
        )]);
        let disks = disks(&devices, &names);
        let told: Vec<_> = disks
            .iter()
            .map(|disk| (disk.label.as_str(), disk.backing.clone(), disk.datastore.as_deref(), disk.size))
            .collect();
        assert_eq!(
            told,
            [
                ("Hard disk 1", Backing::Flat, Some("vmfs1"), Some(Bytes(2 * GIB))),
                ("Hard disk 2", Backing::Raw { physical: Some(true) }, Some("ds 1"), Some(Bytes(GIB))),
                ("device 2002", Backing::SeSparse, None, None),
                ("device 2003", Backing::Other("VirtualDiskNewThingBackingInfo".into()), None, None),
            ]
        );
        assert_eq!(disks[0].uuid.as_deref(), Some("6000c29a"));
        assert_eq!(scsi_controllers(&devices), ["lsilogic_sas", "pvscsi"]);
    }
}
