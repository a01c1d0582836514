//! Fees that are held until somebody answers.

use frame_support::traits::{
	fungible::{hold::Mutate, Inspect},
	tokens::{Fortitude, Precision, Restriction},
};
use sp_runtime::traits::{AtLeast32BitUnsigned, Saturating, Zero};

/// What an answer of `bytes` bytes earns of the fee that is held for it: five sixths, less where a sixth
/// would not pay for so many bytes of a block, at `byte_price` each.
///
/// The rest is burned, so that who asks and answers itself pays for the room that others lack no less
/// than those who fill it with ordinary transactions.
pub fn answer_share<Balance: AtLeast32BitUnsigned + Copy>(
	fee: Balance,
	bytes: u32,
	byte_price: Balance,
) -> Balance {
	let burned = (fee / 6u32.into()).max(byte_price.saturating_mul(bytes.into()));
	fee.saturating_sub(burned)
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
		assert_eq!(answer_share(600u64, 99, 1), 500);
		assert_eq!(answer_share(5u64, 0, 1), 5);
		assert_eq!(answer_share(0u64, 9, 1), 0);
	}

	#[test]
	fn the_bytes_are_paid_for_first() {
		assert_eq!(answer_share(600u64, 101, 1), 499);
		assert_eq!(answer_share(600u64, 101, 6), 0);
		assert_eq!(answer_share(u64::MAX, u32::MAX, u64::MAX), 0);
	}
}
