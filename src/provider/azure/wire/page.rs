//! One page of a list, and one resource of it.

use serde::Deserialize;
use serde::Deserializer;

use crate::provider::azure::wire::scalar::List;
use crate::provider::azure::wire::scalar::Object;
use crate::provider::azure::wire::scalar::Text;

/// A page.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", bound = "T: Deserialize<'de>")]
pub(in crate::provider::azure) struct Page<T> {
    #[serde(default = "List::default")]
    pub(in crate::provider::azure) value: List<T>,
    #[serde(default)]
    pub(in crate::provider::azure) next_link: Text,
}

/// A resource.
#[derive(Debug, Default, Deserialize)]
#[serde(default, bound = "P: Deserialize<'de> + Default")]
pub(in crate::provider::azure) struct Resource<P> {
    pub(in crate::provider::azure) id: Text,
    pub(in crate::provider::azure) name: Text,
    #[serde(deserialize_with = "properties")]
    pub(in crate::provider::azure) properties: P,
}

/// Reads the properties, which may be null.
fn properties<'de, P, D>(deserializer: D) -> Result<P, D::Error>
where
    P: Deserialize<'de> + Default,
    D: Deserializer<'de>,
{
    Object::<P>::deserialize(deserializer).map(Object::into_value)
}
