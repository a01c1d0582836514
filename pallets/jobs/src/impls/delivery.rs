//! Demanding and delivering outputs that the claim did not bring.
//!
//! A claim brings an output of more than 16 KiB by its root only. Until the window is over, the
//! requester may demand it piece by piece, and the operator then owes those pieces, whatever becomes of
//! the window. The bytes go through the blocks and not into the state: whoever wants them reads the
//! bodies of the blocks, and checks them against the root.
//!
//! A demand holds the claim open as a dispute does, and changes nothing else about it: the claim stays in
//! its watchers' lane, and can be challenged and refuted as any other. What was not delivered in time
//! only matters when the claim would become final: it then ends as void. So silence towards a requester,
//! who may be the operator's friend, is no way out of a false claim.

use assay_primitives::{
	money::answer_share, Backlog, ClaimView, Claims, JobId, MAX_INLINE_OUTPUT, MAX_PIECES,
	PIECE_BYTES,
};
use assay_referee::Slice;
use codec::Encode;
use frame_support::{
	defensive, ensure,
	traits::{
		fungible::hold::Mutate as _,
		tokens::{Fortitude, Precision},
		Defensive, DefensiveOption, Get,
	},
};
use frame_system::pallet_prelude::BlockNumberFor;
use sp_runtime::{
	traits::{BlockNumberProvider, One, Zero},
	DispatchResult, Saturating,
};

use crate::{
	BalanceOf, Config, Demand, DemandOf, Demands, Error, Event, HoldReason, JobOf, JobStatus, Jobs,
	Lane, Pallet, PIECE_CHUNKS, PIECE_SLOTS,
};

/// Bytes of a delivery at most: a piece, and what stands around it.
pub(crate) const MAX_DELIVERY: u32 = PIECE_BYTES + 8 * 1024;

/// A piece that may be delivered now.
pub(crate) struct OwedPiece<T: Config> {
	/// The claim of whose output it is a part.
	pub(crate) claim: ClaimView<T::AccountId, BlockNumberFor<T>, BalanceOf<T>>,
	/// The demand for it.
	pub(crate) demand: DemandOf<T>,
	/// Its bit in the demand.
	bit: u64,
}

/// How many pieces an output of so many bytes has.
pub(super) fn piece_count(output_len: u64) -> u64 {
	output_len.div_ceil(PIECE_BYTES.into())
}

/// Chunks of `piece` of an output of so many bytes, the first and how many; `None` if it has no such
/// piece.
pub(crate) fn chunks_of(piece: u32, output_len: u64) -> Option<(u64, u64)> {
	let first = u64::from(piece).checked_mul(PIECE_CHUNKS)?;
	let left = assay_referee::tree::chunk_count(output_len).checked_sub(first)?;
	(left > 0).then_some((first, left.min(PIECE_CHUNKS)))
}

impl<T: Config> Pallet<T> {
	/// Demand `pieces` pieces of the output of `id`, from `first` on.
	pub(crate) fn do_demand(
		requester: T::AccountId,
		id: JobId,
		first: u32,
		pieces: u32,
	) -> DispatchResult {
		let mut job = Jobs::<T>::get(id).ok_or(Error::<T>::JobUnknown)?;
		ensure!(job.requester == requester, Error::<T>::NotRequester);
		let claim = Self::open_claim(id).ok_or(Error::<T>::ClaimNotOpen)?;
		let now = T::Clock::current_block_number();
		ensure!(now <= claim.window_end, Error::<T>::WindowOver);
		let output_len = claim.info.output_len;
		ensure!(output_len > u64::from(MAX_INLINE_OUTPUT), Error::<T>::OutputOnChain);
		ensure!((1..=MAX_PIECES).contains(&pieces), Error::<T>::PieceUnknown);
		let end = u64::from(first).saturating_add(pieces.into());
		ensure!(end <= piece_count(output_len), Error::<T>::PieceUnknown);
		ensure!(!Demands::<T>::contains_key(id), Error::<T>::DemandOutstanding);
		let JobStatus::Claimed { operator, live, withheld, .. } = &mut job.status else {
			return Err(Error::<T>::ClaimNotOpen.into());
		};
		ensure!(*withheld == 0, Error::<T>::OutputWithheld);

		let fee = T::DeliveryFee::get();
		let total = fee.saturating_mul(pieces.into());
		T::Currency::hold(&HoldReason::Delivery.into(), &requester, total)?;
		// The operator has its full time, even if the window ends meanwhile.
		*live = live.saturating_add(1);
		let periods = Self::periods_of(&job.model).defensive_ok_or(Error::<T>::ModelUnknown)?;
		let slots = pieces.saturating_mul(PIECE_SLOTS);
		// A traced run takes up to two plain ones, in which the operator delivers nothing else.
		let micros = claim.info.run_micros.saturating_mul(2);
		let done = T::Backlog::put(operator, slots, micros);
		let deadline = done.max(now).saturating_add(periods.delivery);
		let missing = DemandOf::<T>::bits(pieces);
		let demand = Demand { first, pieces, missing, fee, deadline };
		Self::stand(Lane::Demanded(operator.clone()), id, overdue_at::<T>(&demand));
		Jobs::<T>::insert(id, job);
		Demands::<T>::insert(id, demand);
		Self::deposit_event(Event::Demanded { job: id, first, pieces, fee: total, deadline });
		Ok(())
	}

	/// The piece, if it may be delivered now.
	pub(crate) fn may_deliver(id: JobId, piece: u32) -> Result<OwedPiece<T>, Error<T>> {
		let claim = Self::open_claim(id).ok_or(Error::<T>::ClaimNotOpen)?;
		let demand = Demands::<T>::get(id).ok_or(Error::<T>::PieceNotOwed)?;
		let bit = demand.bit(piece).filter(|bit| demand.missing & bit != 0);
		let bit = bit.ok_or(Error::<T>::PieceNotOwed)?;
		ensure!(T::Clock::current_block_number() <= demand.deadline, Error::<T>::DeadlineOver);
		Ok(OwedPiece { claim, demand, bit })
	}

	/// Whether `slice` is that piece of the claimed output. Its length is looked at first, so that what
	/// is hashed is a piece at most.
	pub(crate) fn check_piece(
		owed: &OwedPiece<T>,
		piece: u32,
		slice: &Slice,
	) -> Result<(), Error<T>> {
		let output_len = owed.claim.info.output_len;
		let (first, chunks) = chunks_of(piece, output_len).ok_or(Error::<T>::PieceUnknown)?;
		let begin = u64::from(piece).saturating_mul(PIECE_BYTES.into());
		let bytes = output_len.saturating_sub(begin).min(PIECE_BYTES.into());
		let whole = slice.start == first
			&& slice.data.len() as u64 == bytes
			&& assay_referee::tree::chunk_count(bytes) == chunks;
		ensure!(whole, Error::<T>::PieceMismatch);
		slice.verify(&owed.claim.output_root.0, output_len).map_err(|_| Error::<T>::PieceMismatch)
	}

	/// Deliver `piece` of the output of `id`. The operator earns the fee, whoever brings it: otherwise who
	/// sees a delivery on its way could bring it first and be paid for the operator's work. It gets what it
	/// earned when the claim is final.
	pub(crate) fn do_deliver(
		who: T::AccountId,
		id: JobId,
		piece: u32,
		slice: &Slice,
	) -> DispatchResult {
		let owed = Self::may_deliver(id, piece)?;
		Self::check_piece(&owed, piece, slice)?;
		let OwedPiece { claim, mut demand, bit } = owed;
		demand.missing &= !bit;
		let mut job = Jobs::<T>::get(id).defensive_ok_or(Error::<T>::JobUnknown)?;
		let JobStatus::Claimed { earned: total, .. } = &mut job.status else {
			return Err(Error::<T>::ClaimNotOpen.into());
		};
		let earned = answer_share(demand.fee, slice.encoded_size() as u32, T::BytePrice::get());
		let burned = T::Currency::burn_held(
			&HoldReason::Delivery.into(),
			&claim.requester,
			demand.fee.saturating_sub(earned),
			Precision::Exact,
			Fortitude::Force,
		)?;
		*total = total.saturating_add(earned);
		Demands::<T>::insert(id, demand);
		Self::deposit_event(Event::Delivered { job: id, piece, who, earned, burned });
		if demand.missing == 0 {
			Self::end_demand(id, &mut job);
		}
		Jobs::<T>::insert(id, job);
		Ok(())
	}

	/// Whether the operator has let the time for a delivery pass.
	pub(crate) fn is_delivery_overdue(id: JobId, job: &JobOf<T>) -> bool {
		matches!(job.status, JobStatus::Claimed { live, .. } if live > 0)
			&& Demands::<T>::get(id)
				.is_some_and(|demand| overdue_at::<T>(&demand) <= T::Clock::current_block_number())
	}

	/// Note that the operator did not deliver in time what was demanded of `job`.
	pub(crate) fn withhold(id: JobId, mut job: JobOf<T>) {
		let Some((pieces, refunded)) = Self::end_demand(id, &mut job) else {
			defensive!("nothing was demanded", id);
			return;
		};
		if let JobStatus::Claimed { operator, withheld, .. } = &mut job.status {
			*withheld = withheld.saturating_add(pieces);
			let operator = operator.clone();
			Self::deposit_event(Event::Withheld { job: id, operator, pieces, refunded });
		}
		Jobs::<T>::insert(id, job);
	}

	/// End the demand of a job whose claim ends, if there is one. The caller stores the job.
	pub(crate) fn drop_demand(id: JobId, job: &mut JobOf<T>) {
		if let Some((pieces, refunded)) = Self::end_demand(id, job) {
			Self::deposit_event(Event::DemandDropped { job: id, pieces, refunded });
		}
	}

	/// End a demand, if there is one: what was held for the pieces that are missing goes back, and the
	/// claim is held open no longer. Returns how many are missing, and what went back. The caller stores
	/// the job.
	fn end_demand(id: JobId, job: &mut JobOf<T>) -> Option<(u32, BalanceOf<T>)> {
		let demand = Demands::<T>::take(id)?;
		let JobStatus::Claimed { operator, .. } = &job.status else {
			defensive!("only claims are demanded");
			return None;
		};
		Self::leave(Lane::Demanded(operator.clone()), id, overdue_at::<T>(&demand));
		T::Backlog::tidy(operator);
		let missing = demand.missing.count_ones();
		let held = demand.fee.saturating_mul(missing.into());
		let reason = HoldReason::Delivery.into();
		// It is there, so this cannot fail; and if it did, the claim would go on all the same.
		let refunded = T::Currency::release(&reason, &job.requester, held, Precision::BestEffort)
			.defensive()
			.unwrap_or_else(|_| Zero::zero());
		Self::let_go(id, job);
		Some((missing, refunded))
	}

	/// What withholding so many pieces costs the operator: as a missed deadline, and no less than what would
	/// have been burned had it delivered. Otherwise an operator and its friend could put off everybody's
	/// deadlines by demands that are never met, for less than by those that are.
	pub(crate) fn penalty_for(stake: BalanceOf<T>, pieces: u32) -> BalanceOf<T> {
		let fee = T::DeliveryFee::get();
		let burned = fee.saturating_sub(answer_share(fee, MAX_DELIVERY, T::BytePrice::get()));
		let burned = burned.saturating_mul(pieces.into());
		T::MissedPenalty::get().mul_ceil(stake).max(burned).min(stake)
	}
}

/// First block at which what is missing of a demand is late.
pub(crate) fn overdue_at<T: Config>(demand: &DemandOf<T>) -> BlockNumberFor<T> {
	demand.deadline.saturating_add(One::one())
}
