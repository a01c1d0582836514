//! Judging a proof, once.

use assay_primitives::{Actor, Authorization, FaultKind, JobId};
use assay_referee::{proof::ProofCost, verify_fault, Fault, FaultProof, ProofError};
use codec::Encode;
use frame_support::{pallet_prelude::TransactionSource, traits::Get, weights::Weight};
use sp_core::H256;
use sp_runtime::DispatchError;

use super::verdicts::BATCH;
use crate::{ClaimOf, Config, Error, Judged, Pallet, WeightInfo};

// What judging takes in the node's Wasm, in picoseconds: fitted to the 45 cases of `cargo run -p
// assay-wasm-check --example judge`, each of which they cover, and a third more. The benchmark `judge`,
// of the costliest proof, bounds the sum.
const JUDGE_BASE: u64 = 8_000_000;
const PER_COMPRESSION: u64 = 210_000;
const PER_ELEMENT: u64 = 27_000;
const PER_READ: u64 = 10_000;
const PER_TERM: u64 = 12_000;
const PER_FUNCTION: u64 = 440_000;

impl<T: Config> Pallet<T> {
	/// What the dispatch of a proof costs at most: one that is authorised was judged at the door.
	pub(crate) fn proof_weight(proof: &[u8], auth: &Option<Authorization>) -> Weight {
		let ending = Self::ending(BATCH as u32);
		match auth {
			Some(_) => ending,
			None => ending.saturating_add(Self::judging(proof)),
		}
	}

	/// What it costs to end a claim and settle so many challenges of it, at most eight.
	pub fn ending(challenges: u32) -> Weight {
		T::WeightInfo::prove_fault(challenges).saturating_sub(T::WeightInfo::judge())
	}

	/// What the door of a proof costs. A signed one has none; otherwise it would pay for being judged twice.
	pub(crate) fn proof_door_weight(proof: &[u8], auth: &Option<Authorization>) -> Weight {
		if auth.is_none() {
			return Weight::zero();
		}
		T::WeightInfo::authorize_prove_fault()
			.saturating_sub(T::WeightInfo::judge())
			.saturating_add(Self::judging(proof))
	}

	/// What it costs to judge `proof`, as far as can be told before it is decoded.
	pub(crate) fn judging(proof: &[u8]) -> Weight {
		Self::price_of(ProofCost::of_encoded(proof))
	}

	/// What judging at this cost weighs: what there is to do, and no more than the costliest there is.
	pub fn price_of(cost: ProofCost) -> Weight {
		let picos = [
			(1, JUDGE_BASE),
			(cost.compressions, PER_COMPRESSION),
			(cost.elements, PER_ELEMENT),
			(cost.reads, PER_READ),
			(cost.terms, PER_TERM),
			(cost.functions, PER_FUNCTION),
		]
		.iter()
		.fold(0u64, |sum, (count, price)| sum.saturating_add(count.saturating_mul(*price)));
		Weight::from_parts(picos, 0).min(T::WeightInfo::judge())
	}

	/// End the claim of `job` with a proof.
	///
	/// An authorised proof was judged a moment ago, in the same transaction: `validate` runs right
	/// before the dispatch, over the same storage, and if the transaction is refused in between,
	/// what it wrote is undone. So the verdict is left in [`Judged`] and judging is paid for once. The
	/// note holds the hash of everything that the verdict follows from, and only this pallet writes
	/// it: even one that stayed behind would say the truth. Returns what it cost.
	pub(crate) fn do_prove_fault(
		actor: Actor<T::AccountId>,
		job: JobId,
		proof: &[u8],
	) -> Result<Weight, DispatchError> {
		let claim = Self::open_claim(job)?;
		let judged = if actor.by_key { Judged::<T>::take() } else { None };
		let block = frame_system::Pallet::<T>::block_number();
		let (kind, judging) = match judged {
			Some((of, kind)) if of == Self::what_is_judged(block, &claim, job, proof)? => {
				(kind, Weight::zero())
			},
			_ => Self::judge(&claim, job, proof)?,
		};
		let settled = Self::end_claim(job, kind, Some(actor.who))?;
		Ok(Self::ending(settled).saturating_add(judging))
	}

	/// Judge at the door a proof that a key of `who` authorised, and remember the verdict if the
	/// dispatch follows. Returns what of [`judging`](Self::judging) was spared.
	pub(crate) fn judge_at_the_door(
		source: TransactionSource,
		who: &T::AccountId,
		claim: &ClaimOf<T>,
		job: JobId,
		proof: &[u8],
	) -> Result<Weight, Error<T>> {
		// The pool asks over storage that it throws away.
		if source != TransactionSource::InBlock {
			return Self::judge_for_the_pool(who, claim, job, proof).map(|()| Weight::zero());
		}
		let (kind, judging) = Self::judge(claim, job, proof)?;
		let block = frame_system::Pallet::<T>::block_number();
		Judged::<T>::put((Self::what_is_judged(block, claim, job, proof)?, kind));
		Ok(Self::judging(proof).saturating_sub(judging))
	}

	/// As [`judge`](Self::judge), by a pool, which remembers what it has judged if it can.
	///
	/// It remembers good proofs, which are validated again on every block that does not take them, and the
	/// accounts whose keys brought any: another one of the same account about the same trace is refused
	/// unseen. Honest workers bring the one that they have judged themselves, again and again, and whoever
	/// signs and pays is heard all the same. Accounts, since a key is changed for little.
	fn judge_for_the_pool(
		who: &T::AccountId,
		claim: &ClaimOf<T>,
		job: JobId,
		proof: &[u8],
	) -> Result<(), Error<T>> {
		let rules = T::Version::get().spec_version;
		let good = Self::what_is_judged(("good", rules), claim, job, proof)?;
		if assay_host::pool::remembers(&good.0) {
			return Ok(());
		}
		let heard = Self::what_is_judged(("heard", rules, who), claim, job, &[])?;
		if assay_host::pool::remembers(&heard.0) {
			return Err(Error::<T>::ProofRefused);
		}
		// First, so that it is forgotten first.
		assay_host::pool::remember(&heard.0);
		Self::judge(claim, job, proof)?;
		assay_host::pool::remember(&good.0);
		Ok(())
	}

	/// The hash of all that a verdict follows from: the claim, the trace, the proof, and the `rules`,
	/// named by what they do not change within.
	fn what_is_judged(
		rules: impl Encode,
		claim: &ClaimOf<T>,
		job: JobId,
		proof: &[u8],
	) -> Result<H256, Error<T>> {
		let trace_root = Self::posted_trace(job)?;
		let all = (rules, job, claim.content(), claim.info, trace_root, proof);
		Ok(H256(all.using_encoded(sp_io::hashing::blake2_256)))
	}

	/// The fault that `proof` shows, and what it cost to see it.
	pub(crate) fn judge(
		claim: &ClaimOf<T>,
		job: JobId,
		proof: &[u8],
	) -> Result<(FaultKind, Weight), Error<T>> {
		let trace_root = Self::posted_trace(job)?;
		let proof = FaultProof::from_bytes(proof).map_err(|_| Error::<T>::ProofRefused)?;
		let kind = match verify_fault(&claim.commitments(trace_root.0), &proof) {
			Ok(Fault::Element { entry, element }) => FaultKind::Leaf { entry, element },
			Ok(Fault::Chunk { entry, chunk }) => FaultKind::Chunk { entry, chunk },
			Err(ProofError::NoFault) => return Err(Error::<T>::FaultNotShown),
			Err(_) => return Err(Error::<T>::ProofRefused),
		};
		Ok((kind, Self::price_of(proof.cost())))
	}
}
