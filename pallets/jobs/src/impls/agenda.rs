//! What time does to jobs.

use assay_primitives::JobId;
use frame_support::{
	defensive, ensure, pallet_prelude::Weight, storage::with_storage_layer, weights::WeightMeter,
};
use frame_system::pallet_prelude::BlockNumberFor;
use sp_runtime::{
	traits::{BlockNumberProvider, One},
	DispatchResult, Saturating,
};

use super::settlement::OpenClaim;
use crate::{Agenda, AgendaHead, Config, Error, JobOf, JobStatus, Jobs, Pallet, WeightInfo};

impl<T: Config> Pallet<T> {
	/// Move a job to `due` in the agenda, or out of it. The caller stores the job.
	pub(crate) fn schedule(id: JobId, job: &mut JobOf<T>, due: Option<BlockNumberFor<T>>) {
		if let Some(old) = job.due {
			Agenda::<T>::remove(old, id);
		}
		if let Some(due) = due {
			Agenda::<T>::insert(due, id, ());
			if AgendaHead::<T>::get().is_none_or(|head| due < head) {
				AgendaHead::<T>::put(due);
			}
		}
		job.due = due;
	}

	/// Do to one job what is due.
	pub(crate) fn do_poke(id: JobId) -> DispatchResult {
		let job = Jobs::<T>::get(id).ok_or(Error::<T>::JobUnknown)?;
		let now = T::Clock::current_block_number();
		ensure!(job.due.is_some_and(|due| due <= now), Error::<T>::NothingDue);
		match job.status.clone() {
			JobStatus::Queued => Self::do_expire(id, job),
			JobStatus::Assigned { operator, stake, .. } => Self::do_miss(id, job, operator, stake),
			JobStatus::Claimed { live, operator, stake, output_root, disputes, .. } => {
				if live > 0 {
					return Self::wait_for_disputes(id, job);
				}
				let claim = OpenClaim { operator, stake, output_root, disputes };
				Self::do_finalize(id, job, claim)
			},
			JobStatus::Final { .. }
			| JobStatus::Fraud { .. }
			| JobStatus::Cancelled
			| JobStatus::Expired => Self::do_reap(id, job),
		}
	}

	/// Take a claim that is held open beyond its window off the agenda, until it is released.
	fn wait_for_disputes(id: JobId, mut job: JobOf<T>) -> DispatchResult {
		Self::schedule(id, &mut job, None);
		Jobs::<T>::insert(id, job);
		Ok(())
	}

	/// Work the agenda off as far as `remaining` goes; returns what was used.
	pub(crate) fn work_off_agenda(remaining: Weight) -> Weight {
		let mut meter = WeightMeter::with_limit(remaining);
		if meter.try_consume(T::WeightInfo::idle_base()).is_err() {
			return meter.consumed();
		}
		let Some(first) = AgendaHead::<T>::get() else { return meter.consumed() };
		let now = T::Clock::current_block_number();
		let step = T::WeightInfo::idle_step().saturating_add(Self::weight_of_poke());
		let mut head = first;
		while head <= now && meter.try_consume(step).is_ok() {
			match Agenda::<T>::iter_key_prefix(head).next() {
				Some(id) => Self::poke_or_drop(head, id),
				None => head = head.saturating_add(One::one()),
			}
		}
		if head != first {
			AgendaHead::<T>::put(head);
		}
		meter.consumed()
	}

	/// Poke a job of the agenda. One that cannot be poked leaves the agenda, so that it does not
	/// stand in the way of others; there is no such job.
	fn poke_or_drop(due: BlockNumberFor<T>, id: JobId) {
		if let Err(error) = with_storage_layer(|| Self::do_poke(id)) {
			defensive!("whatever is on the agenda can be done", (id, error));
			Agenda::<T>::remove(due, id);
		}
	}

	/// Weight of the most expensive thing that [`Self::do_poke`] may do.
	pub(crate) fn weight_of_poke() -> Weight {
		T::WeightInfo::finalize()
			.max(T::WeightInfo::miss_deadline())
			.max(T::WeightInfo::expire())
			.max(T::WeightInfo::reap())
	}
}
