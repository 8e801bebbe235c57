//! VMware's own client looks at the emulated vCenter while a machine comes home, driven by Microsoft's.

use crate::lab::CLASSIC;
use crate::lab::world;
use crate::python_sdk::drive;
use crate::python_sdk::patient;
use crate::python_sdk::secured;

#[tokio::test]
async fn vmwares_client_sees_a_machine_come_home() {
    drive(&["vcenter.py"], &world(CLASSIC.0, CLASSIC.1), patient()).await;
}

#[tokio::test]
async fn vmwares_client_sees_a_machine_come_home_over_tls() {
    drive(&["vcenter.py"], &world(CLASSIC.0, CLASSIC.1), secured()).await;
}
