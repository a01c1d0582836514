//! How the stake behind a false claim is shared out.
//!
//! The operator can always be its own finder, prover and requester, under other accounts, and no
//! rule can tell. So most of the stake is burned, whoever found the fault: an operator with any
//! set of colluders gets back 40 % at most of what its own proven fraud costs.

use sp_runtime::{traits::AtLeast32BitUnsigned, Perbill};

/// Whose challenge came first, when the fault was proven.
const FINDER_OF_PROOF: Perbill = Perbill::from_percent(30);
/// Whose challenge came first, when the operator was silent: nothing was recomputed.
const FINDER_OF_TIMEOUT: Perbill = Perbill::from_percent(15);
/// The requester, besides its fee.
const REQUESTER: Perbill = Perbill::from_percent(5);
/// Who submitted the proof, unless the cap is less.
const PROVER: Perbill = Perbill::from_percent(5);

/// Who gets how much of a slashed stake. What remains is burned.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Shares<Balance> {
	/// For the account whose challenge came first.
	pub finder: Balance,
	/// For the account that submitted the proof.
	pub prover: Balance,
	/// For the requester, besides its fee.
	pub requester: Balance,
	/// For nobody.
	pub burned: Balance,
}

/// Share out `slashed`.
///
/// `timeout` says that the operator was silent, not proven wrong; there is no prover then.
/// `has_finder` and `has_prover` say whether these exist, and `prover_cap` what a prover gets at
/// most. A share without a taker is burned.
pub fn shares<Balance: AtLeast32BitUnsigned + Copy>(
	slashed: Balance,
	timeout: bool,
	has_finder: bool,
	has_prover: bool,
	prover_cap: Balance,
) -> Shares<Balance> {
	let part = |taken: bool, of: Perbill| {
		if taken {
			of.mul_floor(slashed)
		} else {
			Balance::zero()
		}
	};
	let finder = part(has_finder, if timeout { FINDER_OF_TIMEOUT } else { FINDER_OF_PROOF });
	let prover = part(has_prover && !timeout, PROVER).min(prover_cap);
	let requester = part(true, REQUESTER);
	let given = finder.saturating_add(prover).saturating_add(requester);
	Shares { finder, prover, requester, burned: slashed.saturating_sub(given) }
}

#[cfg(test)]
mod tests {
	use super::*;
	use proptest::prelude::*;

	proptest! {
		/// S2: nothing is created, and most is burned.
		#[test]
		fn burns_most_and_creates_nothing(
			slashed: u128, timeout: bool, finder: bool, prover: bool, cap: u128,
		) {
			let s = shares(slashed, timeout, finder, prover, cap);
			let given = s.finder + s.prover + s.requester;
			prop_assert_eq!(given + s.burned, slashed);
			let least = if timeout { 70 } else { 50 };
			prop_assert!(s.burned >= Perbill::from_percent(least).mul_floor(slashed));
			prop_assert!(s.prover <= cap);
		}

		/// S3: whoever is whose sybil, at most 40 % comes back.
		#[test]
		fn colluders_recover_little(slashed: u128, timeout: bool, cap: u128) {
			let s = shares(slashed, timeout, true, true, cap);
			let recovered = s.finder + s.prover + s.requester;
			prop_assert!(recovered <= Perbill::from_percent(40).mul_ceil(slashed));
		}
	}

	#[test]
	fn shares_as_documented() {
		let proof = shares(1_000u64, false, true, true, 1_000);
		assert_eq!((proof.finder, proof.prover, proof.requester, proof.burned), (300, 50, 50, 600));
		let capped = shares(1_000u64, false, false, true, 20);
		assert_eq!((capped.finder, capped.prover, capped.burned), (0, 20, 930));
		let silent = shares(1_000u64, true, true, true, 1_000);
		assert_eq!((silent.finder, silent.prover, silent.burned), (150, 0, 800));
	}
}
