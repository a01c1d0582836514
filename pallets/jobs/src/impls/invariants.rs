//! What must be true after every block: J1 to J6 of `docs/invariants.md`.

use alloc::collections::BTreeMap;
use assay_primitives::ModelRegistry;
use frame_support::{ensure, traits::fungible::InspectHold as _};
use frame_system::pallet_prelude::BlockNumberFor;
use sp_runtime::{Saturating, TryRuntimeError};

use super::{jobs_in, overdue_at};
use crate::{
	AgendaHead, AgendaPages, BalanceOf, Config, DemandOf, Demands, Due, HoldReason, Inputs, JobOf,
	JobStatus, Jobs, Lane, NextJob, Outputs, Pallet,
};

impl<T: Config> Pallet<T> {
	/// Check the invariants of the pallet.
	///
	/// 1. What is held from a requester equals the fees of its open jobs, the deposits of all, and the fees
	///    for what it demanded and does not have yet, with what deliveries about open claims have earned.
	/// 2. The models of jobs that are not over are known.
	/// 3. Every job has an input; only claimed, final and false ones have an output; no input or
	///    output is without its job, and no number is used twice.
	/// 4. A job is in the hands of nobody who missed it, and expired before it could be missed too often.
	/// 5. A job stands in the agenda under its due block in the lane of its status and nowhere else.
	///    Only a claim that something holds open is not due at all. No page is empty; the directory
	///    has every page, and none is before the head.
	/// 6. A demand is for some pieces of the output of an open claim that is held open and of which nothing
	///    was withheld, and some are missing. It stands in the agenda, in the lane of the operator,
	///    under the first block at which it is late, and nothing else stands there.
	pub(crate) fn do_try_state() -> Result<(), TryRuntimeError> {
		Self::check_money()?;
		Self::check_indices()?;
		Self::check_demands()?;
		Self::check_agenda()
	}

	fn check_money() -> Result<(), TryRuntimeError> {
		let mut owed = BTreeMap::<T::AccountId, (BalanceOf<T>, BalanceOf<T>, BalanceOf<T>)>::new();
		for (id, job) in Jobs::<T>::iter() {
			let JobOf::<T> { requester, fee, deposit, status, .. } = job;
			let (fees, deposits, deliveries) = owed.entry(requester).or_default();
			if let Some(demand) = Demands::<T>::get(id) {
				let missing = demand.fee.saturating_mul(demand.missing.count_ones().into());
				*deliveries = deliveries.saturating_add(missing);
			}
			if let JobStatus::Claimed { earned, .. } = &status {
				*deliveries = deliveries.saturating_add(*earned);
			}
			*deposits = deposits.saturating_add(deposit);
			if !status.is_terminal() {
				*fees = fees.saturating_add(fee);
			}
		}
		for (who, (fees, deposits, deliveries)) in owed {
			let held = |reason: HoldReason| T::Currency::balance_on_hold(&reason.into(), &who);
			ensure!(held(HoldReason::Fee) == fees, "1: held differs from the fees");
			ensure!(held(HoldReason::Storage) == deposits, "1: held differs from the deposits");
			let demanded = held(HoldReason::Delivery);
			ensure!(demanded == deliveries, "1: held differs from what is demanded");
		}
		Ok(())
	}

	fn check_indices() -> Result<(), TryRuntimeError> {
		for (id, job) in Jobs::<T>::iter() {
			ensure!(id < NextJob::<T>::get(), "3: number to come");
			ensure!(Inputs::<T>::contains_key(id), "3: job without input");
			if !job.status.is_terminal() {
				ensure!(T::Models::info(&job.model).is_some(), "2: open job of unknown model");
				ensure!(!job.missed.is_full(), "4: missed too often");
			}
			let answered = match &job.status {
				JobStatus::Assigned { operator, .. } => {
					ensure!(!job.missed.contains(operator), "4: missed before");
					false
				},
				JobStatus::Queued | JobStatus::Cancelled | JobStatus::Expired => false,
				JobStatus::Claimed { .. }
				| JobStatus::Final { .. }
				| JobStatus::Fraud { .. }
				| JobStatus::Void { .. } => true,
			};
			ensure!(answered || !Outputs::<T>::contains_key(id), "3: output without claim");
		}
		for id in Inputs::<T>::iter_keys().chain(Outputs::<T>::iter_keys()) {
			ensure!(Jobs::<T>::contains_key(id), "3: bytes without job");
		}
		Ok(())
	}

	fn check_demands() -> Result<(), TryRuntimeError> {
		for (id, demand) in Demands::<T>::iter() {
			let job = Jobs::<T>::get(id).ok_or("6: demand without job")?;
			let JobStatus::Claimed { operator, live, withheld, .. } = job.status else {
				return Err("6: demand without claim".into());
			};
			ensure!(live > 0 && withheld == 0, "6: demand does not hold the claim open");
			let all = DemandOf::<T>::bits(demand.pieces);
			ensure!(demand.missing != 0 && demand.missing & !all == 0, "6: nothing is missing");
			let due = overdue_at::<T>(&demand);
			let stands = Self::stands_in(&Lane::Demanded(operator), id, due);
			ensure!(stands, "6: demand not in the agenda");
		}
		Ok(())
	}

	fn check_agenda() -> Result<(), TryRuntimeError> {
		let (mut standing, mut demanded) = (0, 0);
		for (lane, key, bits) in AgendaPages::<T>::iter() {
			ensure!(bits != 0, "5: empty page");
			let due: BlockNumberFor<T> = key.due().into();
			ensure!(Due::<T>::contains_key(due, (&lane, key.number())), "5: page without name");
			let head = AgendaHead::<T>::get().ok_or("5: agenda without head")?;
			ensure!(head <= due, "5: page before the head");
			for id in jobs_in(key, bits) {
				let job = Jobs::<T>::get(id).ok_or("5: agenda names no job")?;
				if let Lane::Demanded(_) = lane {
					ensure!(Demands::<T>::contains_key(id), "6: agenda names no demand");
					demanded += 1;
					continue;
				}
				ensure!(job.due == Some(due), "5: agenda differs from the job");
				ensure!(job.lane() == lane, "5: in a wrong lane");
				standing += 1;
			}
		}
		let mut due = 0;
		for job in Jobs::<T>::iter_values() {
			match job.due {
				Some(_) => due += 1,
				None => ensure!(
					matches!(job.status, JobStatus::Claimed { live, .. } if live > 0),
					"5: never due"
				),
			}
		}
		ensure!(standing == due, "5: not in the agenda");
		ensure!(demanded == Demands::<T>::iter_keys().count(), "6: in the agenda twice");
		Ok(())
	}
}
