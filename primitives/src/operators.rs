//! What other pallets may know of and do to operators.

use sp_runtime::DispatchResult;

use crate::{ModelId, ServiceKey};

/// Which account stands behind a service key.
pub trait KeyOwners<AccountId> {
	/// The account that registered `key`. It need not be an operator: watchers have keys too.
	fn owner_of(key: &ServiceKey) -> Option<AccountId>;
}

/// What a service key may spend of its owner's money.
///
/// The owner sets an allowance. A call that the key authorised takes from it what it puts on hold, and
/// gives it back when the money comes back; so a stolen key costs the allowance at most, besides the
/// stake that the owner put at its disposal.
pub trait KeyAllowances<AccountId, Balance>: KeyOwners<AccountId> {
	/// What the key of `who` may still put on hold.
	fn allowance(who: &AccountId) -> Balance;

	/// Take `amount` from the allowance.
	///
	/// # Errors
	/// When [`Self::allowance`] is less; nothing changes then.
	fn spend(who: &AccountId, amount: Balance) -> DispatchResult;

	/// Give back what was [spent](Self::spend), because the money came back, or more instead of it. Does
	/// nothing when the account has no key any more.
	fn restore(who: &AccountId, amount: Balance);
}

/// Stakes and what they stand for.
///
/// *Exposure* is the part of a stake that backs open claims. It never exceeds the stake, so one
/// stake cannot back two lies.
pub trait OperatorLedger<AccountId, Balance>: KeyOwners<AccountId> {
	/// Slashed money on its way to somebody. Dropping it burns it.
	type Credit;

	/// Whether `who` has a stake and takes new work.
	fn is_active(who: &AccountId) -> bool;

	/// The models that `who` says it serves, in ascending order.
	fn served(who: &AccountId) -> alloc::vec::Vec<ModelId>;

	/// Whether `who` says that it serves `model`.
	fn serves(who: &AccountId, model: &ModelId) -> bool;

	/// Stake that backs nothing yet, not counting what is being unstaked.
	fn free_stake(who: &AccountId) -> Balance;

	/// Put `amount` of the free stake behind a claim.
	///
	/// # Errors
	/// When the operator is not active or [`Self::free_stake`] is less than `amount`.
	fn expose(who: &AccountId, amount: Balance) -> DispatchResult;

	/// Take `amount` of exposure back. Release exactly what was exposed.
	fn release(who: &AccountId, amount: Balance);

	/// End `exposed` of exposure and take `amount` of it, at most `exposed`, from the stake.
	///
	/// What is returned is worth `amount`.
	fn slash(who: &AccountId, exposed: Balance, amount: Balance) -> Self::Credit;

	/// Give `who` no new work until it activates itself again.
	fn chill(who: &AccountId);

	/// Count one missed deadline; the third in a row chills.
	fn note_missed(who: &AccountId);

	/// Count one finished job, which ends a row of missed deadlines.
	fn note_served(who: &AccountId);

	/// Make `who` an active operator with a large stake that serves `model`, reachable by `key`.
	#[cfg(feature = "runtime-benchmarks")]
	fn benchmark_operator(who: &AccountId, key: Option<ServiceKey>, model: ModelId);
}
