//! How jobs end, and who is paid.

use assay_primitives::{FaultKind, JobId, ModelRegistry, OperatorLedger};
use frame_support::{
	defensive,
	traits::{
		fungible::{hold::Mutate as _, Balanced as _},
		tokens::{Fortitude, Precision, Restriction},
		Get, Imbalance,
	},
};
use sp_core::H256;
use sp_runtime::{
	traits::{BlockNumberProvider, Zero},
	DispatchError, DispatchResult, Saturating,
};

use crate::{
	shares, Assurance, BalanceOf, Config, CreditOf, Event, HoldReason, Inputs, JobOf, JobStatus,
	Jobs, Outputs, Pallet,
};

/// An open claim, taken out of its job's status.
pub(crate) struct OpenClaim<T: Config> {
	pub(crate) operator: T::AccountId,
	pub(crate) stake: BalanceOf<T>,
	pub(crate) output_root: H256,
	pub(crate) disputes: u32,
	/// What deliveries have earned, on hold.
	pub(crate) earned: BalanceOf<T>,
}

impl<T: Config> Pallet<T> {
	/// Pay for a claim that nobody refuted, and that is out of the agenda.
	pub(crate) fn do_finalize(id: JobId, job: JobOf<T>, claim: OpenClaim<T>) -> DispatchResult {
		let OpenClaim { operator, stake, output_root, disputes, earned } = claim;
		let pay = |reason: HoldReason, amount: BalanceOf<T>| {
			T::Currency::transfer_on_hold(
				&reason.into(),
				&job.requester,
				&operator,
				amount,
				Precision::Exact,
				Restriction::Free,
				Fortitude::Force,
			)
		};
		let mut paid = pay(HoldReason::Fee, job.fee)?;
		if !earned.is_zero() {
			paid.saturating_accrue(pay(HoldReason::Delivery, earned)?);
		}
		T::Operators::release(&operator, stake);
		T::Operators::note_served(&operator);
		let window = Self::periods_of(&job.model).unwrap_or_default().window;
		let assurance = Assurance { window, disputes, at: T::Clock::current_block_number() };
		let status = JobStatus::Final { operator: operator.clone(), output_root, assurance };
		Self::close(id, job, status);
		Self::deposit_event(Event::Finalized { job: id, operator, output_root, paid });
		Ok(())
	}

	/// End a claim that nobody refuted, of which so many `pieces` of the output were withheld, and that
	/// is out of the agenda. No dispute about it is alive any more, so this saves no false claim.
	pub(crate) fn do_void(
		id: JobId,
		job: JobOf<T>,
		claim: OpenClaim<T>,
		pieces: u32,
	) -> DispatchResult {
		let OpenClaim { operator, stake, output_root, earned, .. } = claim;
		let refunded = Self::refund_claim(&job, earned)?;
		let penalty = Self::penalty_for(stake, pieces);
		let burned = T::Operators::slash(&operator, stake, penalty).peek();
		T::Operators::note_missed(&operator);
		let status = JobStatus::Void { operator: operator.clone(), output_root };
		Self::close(id, job, status);
		Self::deposit_event(Event::Voided { job: id, operator, output_root, refunded, burned });
		Ok(())
	}

	/// End a claim as false.
	pub(crate) fn do_fault(
		id: JobId,
		job: JobOf<T>,
		claim: OpenClaim<T>,
		fault: FaultKind,
		finder: Option<T::AccountId>,
		prover: Option<T::AccountId>,
	) -> DispatchResult {
		let OpenClaim { operator, stake, output_root, earned, .. } = claim;
		let refunded = Self::refund_claim(&job, earned)?;
		let credit = T::Operators::slash(&operator, stake, stake);
		T::Operators::chill(&operator);
		let requester = job.requester.clone();
		let slashed = credit.peek();
		let status = JobStatus::Fraud { operator: operator.clone(), output_root, fault };
		Self::close(id, job, status);
		Self::deposit_event(Event::FaultAccepted { job: id, operator, fault, refunded, slashed });
		Self::share_slash(id, credit, fault.is_timeout(), requester, finder, prover);
		Ok(())
	}

	/// Give everyone its share of a slash, and burn the rest.
	fn share_slash(
		id: JobId,
		credit: CreditOf<T>,
		timeout: bool,
		requester: T::AccountId,
		finder: Option<T::AccountId>,
		prover: Option<T::AccountId>,
	) {
		let slashed = credit.peek();
		let split =
			shares(slashed, timeout, finder.is_some(), prover.is_some(), T::MaxProverReward::get());
		let (credit, to_finder) = Self::pay(credit, finder.as_ref(), split.finder);
		let (credit, to_prover) = Self::pay(credit, prover.as_ref(), split.prover);
		let (credit, to_requester) = Self::pay(credit, Some(&requester), split.requester);
		let burned = credit.peek();
		// Dropped credit leaves the issuance.
		drop(credit);
		Self::deposit_event(Event::SlashShared {
			job: id,
			finder,
			to_finder,
			prover,
			to_prover,
			to_requester,
			burned,
		});
	}

	/// Pay `amount` out of `credit`; returns what is left and what was paid. An account that
	/// cannot take the money, such as one below the existential deposit, gets nothing.
	fn pay(
		credit: CreditOf<T>,
		to: Option<&T::AccountId>,
		amount: BalanceOf<T>,
	) -> (CreditOf<T>, BalanceOf<T>) {
		let Some(to) = to else { return (credit, Zero::zero()) };
		let (share, rest) = credit.split(amount);
		let paid = share.peek();
		match T::Currency::resolve(to, share) {
			Ok(()) => (rest, paid),
			Err(refused) => (rest.merge(refused), Zero::zero()),
		}
	}

	/// Release the fee to the requester.
	pub(crate) fn refund(job: &JobOf<T>) -> Result<BalanceOf<T>, DispatchError> {
		let reason = HoldReason::Fee.into();
		T::Currency::release(&reason, &job.requester, job.fee, Precision::Exact)
	}

	/// Release the fee of a claim that earned nothing to the requester, and what its deliveries seemed to
	/// have `earned`.
	fn refund_claim(job: &JobOf<T>, earned: BalanceOf<T>) -> Result<BalanceOf<T>, DispatchError> {
		let fee = Self::refund(job)?;
		if earned.is_zero() {
			return Ok(fee);
		}
		let reason = HoldReason::Delivery.into();
		let earned = T::Currency::release(&reason, &job.requester, earned, Precision::Exact)?;
		Ok(fee.saturating_add(earned))
	}

	/// Put a job, which is out of the agenda, into a terminal status, and on the agenda to be reaped.
	pub(crate) fn close(
		id: JobId,
		mut job: JobOf<T>,
		status: JobStatus<
			T::AccountId,
			BalanceOf<T>,
			frame_system::pallet_prelude::BlockNumberFor<T>,
		>,
	) {
		if job.status.is_terminal() {
			defensive!("terminal statuses absorb");
			return;
		}
		T::Models::job_closed(&job.model);
		job.status = status;
		Self::schedule(id, &mut job, Self::reap_at(id));
		Jobs::<T>::insert(id, job);
	}

	/// Forget a job that is over and out of the agenda, and return its deposit.
	pub(crate) fn do_reap(id: JobId, job: JobOf<T>) -> DispatchResult {
		let reason = HoldReason::Storage.into();
		let deposit = T::Currency::release(&reason, &job.requester, job.deposit, Precision::Exact)?;
		Jobs::<T>::remove(id);
		Inputs::<T>::remove(id);
		Outputs::<T>::remove(id);
		Self::deposit_event(Event::Reaped { job: id, deposit });
		Ok(())
	}
}
