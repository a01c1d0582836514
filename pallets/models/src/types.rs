//! Records of the models pallet.

use assay_primitives::{ModelId, ModelInfo};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::{
	traits::{fungible::Inspect, ConstU32},
	BoundedVec,
};
use frame_system::pallet_prelude::BlockNumberFor;
use scale_info::TypeInfo;
use sp_core::H256;

use crate::Config;

/// Balance type of the pallet's currency.
pub type BalanceOf<T> =
	<<T as Config>::Currency as Inspect<<T as frame_system::Config>::AccountId>>::Balance;

/// A [`ModelRecord`] of the runtime.
pub type ModelRecordOf<T> = ModelRecord<<T as frame_system::Config>::AccountId, BalanceOf<T>>;

/// An [`Endorsement`] of the runtime.
pub type EndorsementOf<T> =
	Endorsement<<T as frame_system::Config>::AccountId, BalanceOf<T>, BlockNumberFor<T>>;

/// Why somebody recalls a model: at most 256 bytes.
pub type Reason = Text<256>;

/// Text of at most `N` bytes, UTF-8.
pub type Text<const N: u32> = BoundedVec<u8, ConstU32<N>>;

/// A registered model. It belongs to nobody: who stands behind it is in [`crate::Endorsements`].
#[derive(
	Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo, Clone, PartialEq, Eq, Debug,
)]
pub struct ModelRecord<AccountId, Balance> {
	/// What jobs and disputes need to know. `info.active` says for wallets whether `state` is
	/// [`ModelState::Endorsed`]; only `set_state` writes it.
	pub info: ModelInfo,
	/// Where the model is in its life.
	pub state: ModelState<AccountId, Balance>,
	/// The endorsements that stand; `None` when there is none.
	pub standing: Option<Standing<AccountId>>,
	/// The endorsements that were recalled; `None` when there is none.
	pub recalls: Option<Recalls<AccountId>>,
}

/// Where a model is in its life.
#[derive(
	Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo, Clone, PartialEq, Eq, Debug,
)]
pub enum ModelState<AccountId, Balance> {
	/// Somebody stands behind it: it takes jobs.
	Endorsed,
	/// Nobody does any more, nor did anybody warn of it: it takes no new jobs. Anybody may endorse
	/// it, or have it removed once no job needs it; either returns the deposit.
	Retired {
		/// Who withdrew last.
		depositor: AccountId,
		/// What stays on hold for the record until then.
		deposit: Balance,
	},
	/// Nobody stands behind it and somebody warned of it: it takes no new jobs unless somebody else
	/// endorses it. It is never removed, or the warning would go with it.
	Recalled,
	/// [`crate::Config::RetireOrigin`] stopped it: it takes no new jobs, whoever stands behind it.
	Stopped,
}

/// The endorsements of a model that stand, a list in the order in which they were given; each
/// [`EndorsementState::Standing`] names its neighbours.
#[derive(
	Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo, Clone, PartialEq, Eq, Debug,
)]
pub struct Standing<AccountId> {
	/// How many, never 0.
	pub count: u32,
	/// Who stands behind the model longest, whose words are [`crate::Metadata`].
	pub first: AccountId,
	/// Who endorsed it last.
	pub last: AccountId,
}

/// The endorsements of a model that were recalled.
#[derive(
	Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo, Clone, PartialEq, Eq, Debug,
)]
pub struct Recalls<AccountId> {
	/// How many, never 0.
	pub count: u32,
	/// Who recalled last.
	pub last: AccountId,
	/// Of all who recalled, who had endorsed the model first: a warning weighs more from those who stood
	/// behind it before the ones who still do.
	pub eldest: AccountId,
}

/// That an account stands behind a model, or did until it warned of it.
#[derive(
	Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo, Clone, PartialEq, Eq, Debug,
)]
pub struct Endorsement<AccountId, Balance, BlockNumber> {
	/// What the account says about the model.
	pub metadata: ModelMetadata,
	/// What is held from the account.
	pub deposit: Balance,
	/// Block at which it was given.
	pub since: BlockNumber,
	/// Where it is in its life.
	pub state: EndorsementState<AccountId, BlockNumber>,
}

/// Where an endorsement is in its life. One that was withdrawn is not stored.
#[derive(
	Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo, Clone, PartialEq, Eq, Debug,
)]
pub enum EndorsementState<AccountId, BlockNumber> {
	/// It stands.
	Standing {
		/// Whose endorsement stands that was given before; `None` for the first.
		before: Option<AccountId>,
		/// Whose endorsement stands that was given after; `None` for the last.
		after: Option<AccountId>,
	},
	/// The account warns of the model. Absorbs: the warning and its deposit stay.
	Recalled {
		/// Block at which it was recalled.
		at: BlockNumber,
		/// Why, UTF-8.
		reason: Reason,
	},
}

impl<AccountId, Balance> ModelRecord<AccountId, Balance> {
	/// A record of content for its first endorser to join.
	pub(crate) fn new(info: ModelInfo) -> Self {
		Self { info, state: ModelState::Endorsed, standing: None, recalls: None }
	}

	/// Moves the model on in its life, and [`ModelInfo::active`] with it.
	pub(crate) fn set_state(&mut self, state: ModelState<AccountId, Balance>) {
		self.info.active = matches!(state, ModelState::Endorsed);
		self.state = state;
	}
}

/// Whether bytes are text that says something.
pub(crate) fn is_text(bytes: &[u8]) -> bool {
	!bytes.is_empty() && core::str::from_utf8(bytes).is_ok()
}

/// What somebody who stands behind a model says about it. The chain checks the form, not the truth.
#[derive(
	Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo, Clone, PartialEq, Eq, Debug,
)]
pub struct ModelMetadata {
	/// Name for people, not empty and not unique.
	pub name: Text<64>,
	/// Version, in the endorser's own scheme.
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
		is_text(&self.name) && utf8(&self.version) && utf8(&self.licence)
	}
}

/// Number of records in a program of `bytes` bytes, rounded up, for weights.
pub(crate) fn records(bytes: usize) -> u32 {
	bytes.div_ceil(assay_referee::RECORD_BYTES) as u32
}
