//! Fees that are held until somebody answers.

use frame_support::traits::{
	fungible::{hold::Mutate, Inspect},
	tokens::{Fortitude, Precision, Restriction},
};
use sp_runtime::traits::{AtLeast32BitUnsigned, Saturating, Zero};

/// What an answer earns of the fee that is held for it: five sixths.
///
/// The rest is burned, so that who asks and answers itself pays for the room in blocks that others
/// lack.
pub fn answer_share<Balance: AtLeast32BitUnsigned + Copy>(fee: Balance) -> Balance {
	fee.saturating_sub(fee / 6u32.into())
}

/// Give `share` of what `from` has on hold to `to` and burn the rest of `total`. Nothing may depend on
/// whether `to` can be paid: if it cannot, all is burned. Returns both parts.
pub fn split_hold<AccountId, Currency: Mutate<AccountId>>(
	reason: &Currency::Reason,
	from: &AccountId,
	to: &AccountId,
	share: <Currency as Inspect<AccountId>>::Balance,
	total: <Currency as Inspect<AccountId>>::Balance,
) -> (<Currency as Inspect<AccountId>>::Balance, <Currency as Inspect<AccountId>>::Balance) {
	let paid = Currency::transfer_on_hold(
		reason,
		from,
		to,
		share,
		Precision::Exact,
		Restriction::Free,
		Fortitude::Force,
	)
	.unwrap_or_else(|_| Zero::zero());
	let rest = total.saturating_sub(paid);
	let burned = Currency::burn_held(reason, from, rest, Precision::BestEffort, Fortitude::Force)
		.unwrap_or_else(|_| Zero::zero());
	(paid, burned)
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn most_of_a_fee_is_earned() {
		assert_eq!(answer_share(600u64), 500);
		assert_eq!(answer_share(5u64), 5);
		assert_eq!(answer_share(0u64), 0);
	}
}
