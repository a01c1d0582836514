//! What surrounds a call in a transaction, and how the runtime itself makes transactions.

use crate::{Runtime, RuntimeCall, RuntimeOrigin, UncheckedExtrinsic};
use codec::{Decode, DecodeWithMemTracking, Encode};
use frame_support::{
	ensure, pallet_prelude::TransactionSource, traits::OriginTrait, weights::Weight,
};
use frame_system::{
	offchain::{CreateAuthorizedTransaction, CreateBare, CreateTransaction, CreateTransactionBase},
	RawOrigin,
};
use scale_info::TypeInfo;
use sp_runtime::{
	generic::Era,
	impl_tx_ext_default,
	traits::{DispatchInfoOf, Implication, TransactionExtension, ValidateResult},
	transaction_validity::{InvalidTransaction, ValidTransaction},
};

/// The checks every transaction passes, in order. `AuthorizeCall` is first: it turns a general
/// transaction into an authorized one, for which the nonce and the fee steps do nothing.
pub type TxExtension = (
	frame_system::AuthorizeCall<Runtime>,
	CheckCanonical,
	frame_system::CheckNonZeroSender<Runtime>,
	frame_system::CheckSpecVersion<Runtime>,
	frame_system::CheckTxVersion<Runtime>,
	frame_system::CheckGenesis<Runtime>,
	frame_system::CheckEra<Runtime>,
	frame_system::CheckNonce<Runtime>,
	frame_system::CheckWeight<Runtime>,
	pallet_transaction_payment::ChargeTransactionPayment<Runtime>,
	frame_metadata_hash_extension::CheckMetadataHash<Runtime>,
	frame_system::WeightReclaim<Runtime>,
);

/// The extension of a transaction that lives for `era`, has `nonce` and pays `tip` base units.
pub fn extension(nonce: crate::Nonce, era: Era, tip: crate::Balance) -> TxExtension {
	(
		frame_system::AuthorizeCall::new(),
		CheckCanonical,
		frame_system::CheckNonZeroSender::new(),
		frame_system::CheckSpecVersion::new(),
		frame_system::CheckTxVersion::new(),
		frame_system::CheckGenesis::new(),
		frame_system::CheckEra::from(era),
		frame_system::CheckNonce::from(nonce),
		frame_system::CheckWeight::new(),
		pallet_transaction_payment::ChargeTransactionPayment::from(tip),
		frame_metadata_hash_extension::CheckMetadataHash::new(false),
		frame_system::WeightReclaim::new(),
	)
}

/// Refuses a free transaction that differs from the one that its author made.
///
/// Nobody signs the extension of an authorized transaction: without this check anybody could make any
/// number of valid copies of it, with another era, nonce or tip, which nodes would carry and judge one
/// by one. So there is one form of each, that of [`CreateAuthorizedTransaction`].
#[derive(
	Encode, Decode, DecodeWithMemTracking, TypeInfo, Clone, Copy, PartialEq, Eq, Default, Debug,
)]
pub struct CheckCanonical;

impl TransactionExtension<RuntimeCall> for CheckCanonical {
	const IDENTIFIER: &'static str = "CheckCanonical";
	type Implicit = ();
	type Val = ();
	type Pre = ();

	fn weight(&self, _: &RuntimeCall) -> Weight {
		// It looks at the origin and a few bytes, as that one does.
		<<Runtime as frame_system::Config>::ExtensionsWeightInfo as frame_system::ExtensionsWeightInfo>
			::check_non_zero_sender()
	}

	fn validate(
		&self,
		origin: RuntimeOrigin,
		_: &RuntimeCall,
		_: &DispatchInfoOf<RuntimeCall>,
		_: usize,
		_: (),
		inherited_implication: &impl Implication,
		_: TransactionSource,
	) -> ValidateResult<(), RuntimeCall> {
		if matches!(origin.as_system_ref(), Some(RawOrigin::Authorized)) {
			// What stands before this in the extension has no bytes.
			let given = inherited_implication.parts().explicit.encode();
			let canonical =
				<Runtime as CreateAuthorizedTransaction<RuntimeCall>>::create_extension();
			ensure!(given == canonical.encode(), InvalidTransaction::Call);
		}
		Ok((ValidTransaction::default(), (), origin))
	}

	impl_tx_ext_default!(RuntimeCall; prepare);
}

impl<C> CreateTransactionBase<C> for Runtime
where
	RuntimeCall: From<C>,
{
	type Extrinsic = UncheckedExtrinsic;
	type RuntimeCall = RuntimeCall;
}

// BABE and GRANDPA still report equivocations with bare transactions.
impl<C> CreateBare<C> for Runtime
where
	RuntimeCall: From<C>,
{
	fn create_bare(call: RuntimeCall) -> UncheckedExtrinsic {
		UncheckedExtrinsic::new_bare(call)
	}
}

impl<C> CreateTransaction<C> for Runtime
where
	RuntimeCall: From<C>,
{
	type Extension = TxExtension;

	fn create_transaction(call: RuntimeCall, extension: TxExtension) -> UncheckedExtrinsic {
		UncheckedExtrinsic::new_transaction(call, extension)
	}
}

impl<C> CreateAuthorizedTransaction<C> for Runtime
where
	RuntimeCall: From<C>,
{
	fn create_extension() -> TxExtension {
		extension(0, Era::Immortal, 0)
	}
}
