//! What must be true after every block.

use alloc::collections::BTreeMap;
use assay_primitives::ModelRegistry;
use frame_support::{ensure, traits::fungible::InspectHold as _};
use sp_runtime::{Saturating, TryRuntimeError};

use crate::{
	Agenda, AgendaHead, Assignments, BalanceOf, Config, HoldReason, Inputs, JobOf, JobStatus, Jobs,
	NextJob, OpenJobs, Outputs, Pallet,
};

impl<T: Config> Pallet<T> {
	/// Check the invariants of the pallet.
	///
	/// 1. What is held from a requester equals the fees of its open jobs and the deposits of all.
	/// 2. The index of open jobs holds the jobs that are not over, and their models are known.
	/// 3. Every job has an input; only claimed, final and false ones have an output; no input or
	///    output is without its job, and no number is used twice.
	/// 4. The index of assignments holds the assigned jobs.
	/// 5. A job stands in the agenda under its due block and nowhere else, behind the head. Only a
	///    claim that something holds open is not due at all.
	pub(crate) fn do_try_state() -> Result<(), TryRuntimeError> {
		Self::check_money()?;
		Self::check_indices()?;
		Self::check_agenda()
	}

	fn check_money() -> Result<(), TryRuntimeError> {
		let mut owed = BTreeMap::<T::AccountId, (BalanceOf<T>, BalanceOf<T>)>::new();
		for job in Jobs::<T>::iter_values() {
			let JobOf::<T> { requester, fee, deposit, status, .. } = job;
			let (fees, deposits) = owed.entry(requester).or_default();
			*deposits = deposits.saturating_add(deposit);
			if !status.is_terminal() {
				*fees = fees.saturating_add(fee);
			}
		}
		for (who, (fees, deposits)) in owed {
			let held = |reason: HoldReason| T::Currency::balance_on_hold(&reason.into(), &who);
			ensure!(held(HoldReason::Fee) == fees, "1: held differs from the fees");
			ensure!(held(HoldReason::Storage) == deposits, "1: held differs from the deposits");
		}
		Ok(())
	}

	fn check_indices() -> Result<(), TryRuntimeError> {
		let (mut open, mut assigned) = (0, 0);
		for (id, job) in Jobs::<T>::iter() {
			ensure!(id < NextJob::<T>::get(), "3: number to come");
			ensure!(Inputs::<T>::contains_key(id), "3: job without input");
			let terminal = job.status.is_terminal();
			ensure!(terminal != OpenJobs::<T>::contains_key(id), "2: index of open jobs");
			if !terminal {
				open += 1;
				ensure!(T::Models::info(&job.model).is_some(), "2: open job of unknown model");
			}
			let answered = match &job.status {
				JobStatus::Assigned { operator, .. } => {
					assigned += 1;
					ensure!(Assignments::<T>::contains_key(operator, id), "4: not in the index");
					false
				},
				JobStatus::Queued | JobStatus::Cancelled | JobStatus::Expired => false,
				JobStatus::Claimed { .. } | JobStatus::Final { .. } | JobStatus::Fraud { .. } => {
					true
				},
			};
			ensure!(answered || !Outputs::<T>::contains_key(id), "3: output without claim");
		}
		ensure!(OpenJobs::<T>::iter().count() == open, "2: index of open jobs");
		ensure!(Assignments::<T>::iter().count() == assigned, "4: index of assignments");
		for id in Inputs::<T>::iter_keys().chain(Outputs::<T>::iter_keys()) {
			ensure!(Jobs::<T>::contains_key(id), "3: bytes without job");
		}
		Ok(())
	}

	fn check_agenda() -> Result<(), TryRuntimeError> {
		for (due, id, ()) in Agenda::<T>::iter() {
			let noted = Jobs::<T>::get(id).and_then(|job| job.due);
			ensure!(noted == Some(due), "5: agenda differs from the job");
			let head = AgendaHead::<T>::get().ok_or("5: agenda without head")?;
			ensure!(head <= due, "5: agenda before its head");
		}
		for (id, job) in Jobs::<T>::iter() {
			match job.due {
				Some(due) => ensure!(Agenda::<T>::contains_key(due, id), "5: not in the agenda"),
				None => ensure!(
					matches!(job.status, JobStatus::Claimed { live, .. } if live > 0),
					"5: never due"
				),
			}
		}
		Ok(())
	}
}
