//! A real vCenter, or a host under none, which is only ever read: virtual machines, hosts and datastores as facts.

mod calls;
mod client;
mod collect;
mod device;
mod error;
mod facts;
mod fault;
mod onprem;
mod read;
mod seen;
mod settings;
mod tls;
mod wire;
mod xml;

#[cfg(test)]
mod tests;

pub use client::VcenterClient;
pub use error::VcenterError;
pub use facts::Origin;
pub use facts::Told;
pub use facts::facts;
pub use onprem::Vcenters;
pub use seen::About;
pub use seen::Backing;
pub use seen::Connection;
pub use seen::Gap;
pub use seen::Seen;
pub use seen::SeenDatastore;
pub use seen::SeenDisk;
pub use seen::SeenHost;
pub use seen::SeenVm;
pub use settings::Kind;
pub use settings::Limits;
pub use settings::Settings;
pub use settings::Thumbprint;
pub use settings::Trust;
