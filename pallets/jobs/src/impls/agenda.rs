//! What time does to jobs, and where they stand in the order of time.
//!
//! A job that time will change stands in one page: of its [`Lane`], under the block at which time
//! changes it, with the 63 jobs of neighbouring numbers. A page is a set of bits, so a batch of jobs
//! that move together writes few pages. Workers read their own lanes in order; the pallet finds the
//! pages of a block by the directory [`Due`], takes each whole and goes through it.

use alloc::{collections::BTreeSet, vec::Vec};
use assay_primitives::{JobId, ModelId, PageKey};
use frame_support::{
	defensive, ensure, pallet_prelude::Weight, storage::with_storage_layer, traits::Get,
	weights::WeightMeter,
};
use frame_system::pallet_prelude::BlockNumberFor;
use sp_runtime::{
	traits::{BlockNumberProvider, One},
	DispatchResult, SaturatedConversion, Saturating,
};

use super::settlement::OpenClaim;
use crate::{
	AgendaHead, AgendaPages, Config, Due, Error, JobOf, JobStatus, Jobs, Lane, LaneOf, Pallet,
	WeightInfo,
};

/// Jobs of one page.
const PAGE_BITS: u32 = 64;

/// Blocks after which a job that could not be changed, which never happens, is tried again.
const RETRY: u32 = 100;

/// Blocks over which the reaping of what ended together is spread, page by page.
pub(crate) const RETENTION_SPREAD: u32 = 16;

/// The page in which job `id` stands when it is due at `due`, and its bit.
fn page_of<T: Config>(due: BlockNumberFor<T>, id: JobId) -> (PageKey, u64) {
	let number = (id / u64::from(PAGE_BITS)) as u32;
	(PageKey::new(due.saturated_into(), number), 1 << (id % u64::from(PAGE_BITS)))
}

/// The jobs of a page.
pub(crate) fn jobs_in(key: PageKey, bits: u64) -> impl Iterator<Item = JobId> {
	let first = u64::from(key.number()) * u64::from(PAGE_BITS);
	(0..PAGE_BITS).filter(move |bit| bits >> bit & 1 == 1).map(move |bit| first + u64::from(bit))
}

/// Who and what came up in a page. What changes for them is read and written once for the page.
struct Met<T: Config> {
	requesters: BTreeSet<T::AccountId>,
	operators: BTreeSet<T::AccountId>,
	models: BTreeSet<ModelId>,
}

impl<T: Config> Default for Met<T> {
	fn default() -> Self {
		Self { requesters: BTreeSet::new(), operators: BTreeSet::new(), models: BTreeSet::new() }
	}
}

/// What a job of a page costs.
struct Step {
	/// By itself, of a requester that did not come up before, and an operator and a model that did.
	job: Weight,
	/// Reads and writes of an account and its holds: less, if the requester came up before.
	requester: Weight,
	/// Of an account, its holds and its record: more, if the operator did not.
	operator: Weight,
	/// Of a model and the count of its jobs: more, if the model did not.
	model: Weight,
}

impl Step {
	/// The most that a job costs.
	fn most(&self) -> Weight {
		self.job.saturating_add(self.operator).saturating_add(self.model)
	}

	/// What this job costs, after the others of its page.
	fn of<T: Config>(&self, job: &JobOf<T>, met: &mut Met<T>) -> Weight {
		let mut cost = self.job;
		if !met.requesters.insert(job.requester.clone()) {
			cost = cost.saturating_sub(self.requester);
		}
		if met.models.insert(job.model) {
			cost = cost.saturating_add(self.model);
		}
		if let JobStatus::Claimed { operator, .. } = &job.status {
			if met.operators.insert(operator.clone()) {
				cost = cost.saturating_add(self.operator);
			}
		}
		cost
	}
}

impl<T: Config> Pallet<T> {
	/// Put a job into the agenda under `due`, in the lane of its status. It must not stand there
	/// already. The caller stores the job. Whether a new page was made.
	pub(crate) fn schedule(id: JobId, job: &mut JobOf<T>, due: BlockNumberFor<T>) -> bool {
		if job.due.is_some() {
			defensive!("a job stands in the agenda once");
			Self::unschedule(id, job);
		}
		job.due = Some(due);
		Self::stand(job.lane(), id, due)
	}

	/// Put a job into a lane under `due`. Whether a new page was made.
	pub(crate) fn stand(lane: LaneOf<T>, id: JobId, due: BlockNumberFor<T>) -> bool {
		let (key, bit) = page_of::<T>(due, id);
		let new = AgendaPages::<T>::mutate(&lane, key, |bits| {
			let before = bits.unwrap_or_default();
			*bits = Some(before | bit);
			before == 0
		});
		if new {
			Due::<T>::insert(due, (lane, key.number()), ());
			if AgendaHead::<T>::get().is_none_or(|head| due < head) {
				AgendaHead::<T>::put(due);
			}
		}
		new
	}

	/// When a job is reaped that is over now. What ended together is not reaped together, but the jobs of
	/// a page are.
	pub(crate) fn reap_at(id: JobId) -> BlockNumberFor<T> {
		let spread = (id / u64::from(PAGE_BITS)) % u64::from(RETENTION_SPREAD);
		T::Clock::current_block_number()
			.saturating_add(T::Retention::get())
			.saturating_add((spread as u32).into())
	}

	/// Take a job out of the agenda. Call it before its status changes; the caller stores the job. The
	/// directory keeps the name of an empty page until its block comes.
	pub(crate) fn unschedule(id: JobId, job: &mut JobOf<T>) {
		if let Some(due) = job.due.take() {
			Self::leave(job.lane(), id, due);
		}
	}

	/// Take a job out of a lane, in which it stands under `due` if at all.
	pub(crate) fn leave(lane: LaneOf<T>, id: JobId, due: BlockNumberFor<T>) {
		let (key, bit) = page_of::<T>(due, id);
		AgendaPages::<T>::mutate_exists(lane, key, |bits| {
			*bits = bits.map(|bits| bits & !bit).filter(|bits| *bits != 0);
		});
	}

	/// Whether a job stands in a lane under `due`.
	#[cfg(any(test, feature = "try-runtime"))]
	pub(crate) fn stands_in(lane: &LaneOf<T>, id: JobId, due: BlockNumberFor<T>) -> bool {
		let (key, bit) = page_of::<T>(due, id);
		AgendaPages::<T>::get(lane, key).is_some_and(|bits| bits & bit != 0)
	}

	/// The page in which a job stands, which tells how many pages a batch touches.
	pub(crate) fn page_name(id: JobId, job: &JobOf<T>) -> Option<(LaneOf<T>, PageKey)> {
		job.due.map(|due| (job.lane(), page_of::<T>(due, id).0))
	}

	/// Up to `limit` pages of a lane behind `after`, in order of time.
	pub(crate) fn pages_of(
		lane: &LaneOf<T>,
		after: Option<PageKey>,
		limit: u32,
	) -> Vec<(PageKey, u64)> {
		let prefix = AgendaPages::<T>::iter_prefix(lane);
		match after {
			Some(key) => {
				let from = AgendaPages::<T>::hashed_key_for(lane, key);
				AgendaPages::<T>::iter_prefix_from(lane, from).take(limit as usize).collect()
			},
			None => prefix.take(limit as usize).collect(),
		}
	}

	/// Do to one job what is due.
	pub(crate) fn do_poke(id: JobId) -> DispatchResult {
		let mut job = Jobs::<T>::get(id).ok_or(Error::<T>::JobUnknown)?;
		if Self::is_delivery_overdue(id, &job) {
			Self::withhold(id, job);
			return Ok(());
		}
		ensure!(Self::is_due(id, &job), Error::<T>::NothingDue);
		Self::unschedule(id, &mut job);
		Self::advance(id, job)
	}

	/// Whether time has something to do to a job.
	pub(crate) fn is_due(id: JobId, job: &JobOf<T>) -> bool {
		job.due.is_some_and(|due| due <= T::Clock::current_block_number())
			|| Self::is_delivery_overdue(id, job)
	}

	/// Do to a job, which was taken out of the agenda, what was due.
	fn advance(id: JobId, job: JobOf<T>) -> DispatchResult {
		match job.status.clone() {
			JobStatus::Queued => Self::do_expire(id, job),
			JobStatus::Assigned { operator, stake, .. } => Self::do_miss(id, job, operator, stake),
			JobStatus::Claimed {
				live,
				operator,
				stake,
				output_root,
				disputes,
				withheld,
				earned,
				..
			} => {
				if live > 0 {
					// Held open beyond its window: it comes back when it is released.
					Jobs::<T>::insert(id, job);
					return Ok(());
				}
				let claim = OpenClaim { operator, stake, output_root, disputes, earned };
				match withheld {
					0 => Self::do_finalize(id, job, claim),
					pieces => Self::do_void(id, job, claim, pieces),
				}
			},
			JobStatus::Final { .. }
			| JobStatus::Fraud { .. }
			| JobStatus::Cancelled
			| JobStatus::Expired
			| JobStatus::Void { .. } => Self::do_reap(id, job),
		}
	}

	/// Work the agenda off as far as `remaining` goes; returns what was used.
	pub(crate) fn work_off_agenda(remaining: Weight) -> Weight {
		let mut meter = WeightMeter::with_limit(remaining);
		if meter.try_consume(T::WeightInfo::idle_base()).is_err() {
			return meter.consumed();
		}
		let Some(first) = AgendaHead::<T>::get() else { return meter.consumed() };
		let now = T::Clock::current_block_number();
		let mut head = first;
		while head <= now && meter.try_consume(T::WeightInfo::idle_block()).is_ok() {
			if !Self::work_off_block(head, &mut meter) {
				break;
			}
			head = head.saturating_add(One::one());
		}
		if head != first {
			AgendaHead::<T>::put(head);
		}
		meter.consumed()
	}

	/// Work off the pages of one block; `false` if the meter ran out before. Goes through the
	/// directory once, whatever it removes from it.
	pub(crate) fn work_off_block(due: BlockNumberFor<T>, meter: &mut WeightMeter) -> bool {
		for (lane, number) in Due::<T>::iter_key_prefix(due) {
			let key = PageKey::new(due.saturated_into(), number);
			if meter.try_consume(T::WeightInfo::idle_page()).is_err()
				|| !Self::work_off_page(&lane, key, meter)
			{
				return false;
			}
			Due::<T>::remove(due, (lane, number));
		}
		true
	}

	/// Work off one page; `false` if the meter ran out before, and then the rest stays.
	pub(crate) fn work_off_page(lane: &LaneOf<T>, key: PageKey, meter: &mut WeightMeter) -> bool {
		let (page, step) = Self::weights_of_lane(lane);
		if meter.try_consume(page).is_err() {
			return false;
		}
		let Some(mut bits) = AgendaPages::<T>::take(lane, key) else { return true };
		let mut met = Met::<T>::default();
		for id in jobs_in(key, bits) {
			if !meter.can_consume(step.most()) {
				AgendaPages::<T>::insert(lane, key, bits);
				return false;
			}
			bits &= !(1 << (id % u64::from(PAGE_BITS)));
			let Some(job) = Jobs::<T>::get(id) else {
				defensive!("whatever is on the agenda exists", id);
				continue;
			};
			meter.consume(step.of(&job, &mut met));
			match lane {
				Lane::Demanded(_) => Self::withhold(id, job),
				_ => Self::advance_or_put_off(id, job),
			}
		}
		true
	}

	/// Do to a job of a page what is due. One to which it cannot be done comes back later, so that it
	/// does not stand in the way of others; there is no such job.
	fn advance_or_put_off(id: JobId, mut job: JobOf<T>) {
		job.due = None;
		let mut again = job.clone();
		if let Err(error) = with_storage_layer(|| Self::advance(id, job)) {
			defensive!("whatever is on the agenda can be done", (id, error));
			let later = T::Clock::current_block_number().saturating_add(RETRY.into());
			Self::schedule(id, &mut again, later);
			Jobs::<T>::insert(id, again);
		}
	}

	/// What a page in this lane costs at most, whatever stands in it, and each job of it.
	fn weights_of_lane(lane: &LaneOf<T>) -> (Weight, Step) {
		let of = |weight: fn(u32) -> Weight| (weight(0), weight(1).saturating_sub(weight(0)));
		let (page, job) = match lane {
			Lane::Queued { .. } => of(T::WeightInfo::expire),
			Lane::Assigned(_) => of(T::WeightInfo::miss_deadline),
			Lane::Claimed(_) => {
				let (finalize, void) = (of(T::WeightInfo::finalize), of(T::WeightInfo::void));
				(finalize.0.max(void.0), finalize.1.max(void.1))
			},
			Lane::Demanded(_) => of(T::WeightInfo::withhold),
			Lane::Over => of(T::WeightInfo::reap),
		};
		// The benchmarks have a requester for each job, and one operator and one model for all.
		let touched = |reads, writes| T::DbWeight::get().reads_writes(reads, writes);
		let (requester, operator, model) = match lane {
			Lane::Queued { .. } => (touched(2, 2), Weight::zero(), touched(2, 1)),
			Lane::Claimed(_) => (touched(2, 2), touched(3, 3), touched(2, 1)),
			Lane::Assigned(_) => (Weight::zero(), Weight::zero(), touched(2, 1)),
			Lane::Demanded(_) => (Weight::zero(), Weight::zero(), Weight::zero()),
			Lane::Over => (touched(2, 2), Weight::zero(), Weight::zero()),
		};
		(page, Step { job, requester, operator, model })
	}

	/// Weight of the most expensive thing that [`Self::do_poke`] may do.
	pub(crate) fn weight_of_poke() -> Weight {
		T::WeightInfo::finalize(1)
			.max(T::WeightInfo::void(1))
			.max(T::WeightInfo::withhold(1))
			.max(T::WeightInfo::miss_deadline(1))
			.max(T::WeightInfo::expire(1))
			.max(T::WeightInfo::reap(1))
			.saturating_add(T::DbWeight::get().reads_writes(1, 1))
	}
}
