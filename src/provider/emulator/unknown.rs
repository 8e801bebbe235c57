//! Parts of a machine about which an inventory says nothing.

use crate::model::overlay::blank_azure_vm;
use crate::model::overlay::blank_onprem_vm;
use crate::source::Spanned;
use crate::syntax::machine::AzureVm;
use crate::syntax::machine::OnpremVm;

/// Returns a copy in Azure about which nothing is known but that it exists.
pub(super) fn unknown_azure_vm() -> AzureVm {
    AzureVm { exists: Some(Spanned::bare(true)), ..blank_azure_vm() }
}

/// Returns a copy on-premises about which nothing is known but that it does not exist.
pub(super) fn unknown_onprem_vm() -> OnpremVm {
    OnpremVm { exists: Some(Spanned::bare(false)), ..blank_onprem_vm() }
}
