//! Records of the models pallet.

use assay_primitives::{ModelId, ModelInfo};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::{
	traits::{fungible::Inspect, ConstU32},
	BoundedVec,
};
use scale_info::TypeInfo;
use sp_core::H256;

use crate::Config;

/// Balance type of the pallet's currency.
pub type BalanceOf<T> =
	<<T as Config>::Currency as Inspect<<T as frame_system::Config>::AccountId>>::Balance;

/// A [`ModelRecord`] of the runtime.
pub type ModelRecordOf<T> = ModelRecord<<T as frame_system::Config>::AccountId, BalanceOf<T>>;

/// Text of at most `N` bytes, UTF-8.
pub type Text<const N: u32> = BoundedVec<u8, ConstU32<N>>;

/// A registered model.
#[derive(
	Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo, Clone, PartialEq, Eq, Debug,
)]
pub struct ModelRecord<AccountId, Balance> {
	/// Who registered it.
	pub publisher: AccountId,
	/// What is held from the publisher.
	pub deposit: Balance,
	/// What jobs and disputes need to know. `info.active` is false once the model is retired.
	pub info: ModelInfo,
}

/// What a publisher says about a model. The chain checks the form, not the truth.
#[derive(
	Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo, Clone, PartialEq, Eq, Debug,
)]
pub struct ModelMetadata {
	/// Name for people, not empty and not unique.
	pub name: Text<64>,
	/// Version, in the publisher's own scheme.
	pub version: Text<32>,
	/// SHA-256 of the file that the model was compiled from.
	pub source_hash: H256,
	/// The model that this one was made from.
	pub parent: Option<ModelId>,
	/// Licence, best as an SPDX expression.
	pub licence: Text<64>,
}

impl ModelMetadata {
	/// Whether there is a name and all text is UTF-8.
	pub fn is_well_formed(&self) -> bool {
		let utf8 = |text: &[u8]| core::str::from_utf8(text).is_ok();
		!self.name.is_empty() && utf8(&self.name) && utf8(&self.version) && utf8(&self.licence)
	}
}

/// Number of records in a program of `bytes` bytes, rounded up, for weights.
pub(crate) fn records(bytes: usize) -> u32 {
	bytes.div_ceil(assay_referee::RECORD_BYTES) as u32
}
