//! Ten thousand machines.

use super::*;

#[test]
fn ten_thousand_machines_come_home() {
    const MACHINES: usize = 10_000;
    let mut inventory = modernized(&[("bandwidth_mbps: 1000", "bandwidth_mbps: 100000")]);
    let pattern = inventory.machines.take().unwrap().remove(0);
    let appliance = inventory.appliances.take().unwrap().remove(0);
    let mut machines = Vec::new();
    let mut appliances = Vec::new();
    for number in 0..MACHINES {
        let mut machine = pattern.clone();
        machine.name.value = format!("m{number}");
        machine.onprem_vm.as_mut().unwrap().name = None;
        machines.push(machine);
        if number % 50 == 0 {
            let mut appliance = appliance.clone();
            appliance.name.value = format!("ra{}", number / 50);
            appliances.push(appliance);
        }
    }
    inventory.machines = Some(machines);
    inventory.appliances = Some(appliances);
    let mut site = Site::new(inventory, Scenario::default());
    let request = |number: usize| Request::ReprotectToOnprem {
        machine: name(&format!("m{number}")),
        target: OnpremTarget::Modernized {
            appliance: format!("ra{}", number / 50),
            log_storage_account: "sa1".to_owned(),
            datastore: "vmfs1".to_owned(),
        },
    };
    for number in 0..MACHINES {
        site.begin(&request(number)).unwrap();
    }
    let mut changes = 0;
    while let Some(next) = site.world.next_change() {
        site.now = next;
        site.world.item(next, &name("m0")).unwrap();
        changes += 1;
    }
    assert!(changes > MACHINES / 10, "{changes}");
    for number in 0..MACHINES {
        assert_eq!(site.state(&format!("m{number}")), State::ProtectedToOnprem, "m{number}");
    }
}
