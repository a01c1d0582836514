//! The operator's off-chain worker: claims the answers that are ready, delivers what is demanded of its
//! outputs, and accepts what can be finished.
//!
//! It acts for every service key of the node's keystore whose owner the node was set up for, and only
//! on a node that was started as an operator's. It never waits: it reads the state, asks the engine,
//! sends what is ready and returns; it runs again after every block, and whenever the engine has
//! finished something. It reads the lanes of its own operators, so that jobs of others cost it nothing.

use alloc::vec::Vec;
use assay_host::{
	worker, Answer as EngineAnswer, Class, Limits, Note, Request, Response, RunSpec, Terms,
};
use assay_primitives::{
	authorization::local_keys, Authorization, Claims, JobId, KeyOwners, ModelId, ModelRegistry,
	OperatorLedger, Outbox, PageKey, ServiceKey,
};
use assay_referee::Slice;
use codec::Encode;
use frame_support::{traits::Get, BoundedVec};
use frame_system::pallet_prelude::BlockNumberFor;
use sp_core::H256;
use sp_runtime::{
	offchain::storage::StorageValueRef,
	traits::{BlockNumberProvider, One, SaturatedConversion, Saturating},
};

use crate::{
	authorize::MAX_CLAIM_BYTES,
	impls::{chunks_of, jobs_in},
	Answer, Answers, BalanceOf, Call, Config, Demands, Inputs, JobOf, JobStatus, Jobs, Lane,
	LaneOf, Offer, Offers, OutputBytes, Pallet, PokedJobs, ACCEPT_TAG, CLAIM_TAG, DELIVER_TAG,
	MAX_BATCH, POKE_TAG,
};

// The engine leaves out what a claim could not bring.
const _: () =
	assert!(assay_host::MAX_INLINE_OUTPUT == assay_primitives::MAX_INLINE_OUTPUT as usize);

const LOG: &str = "runtime::jobs";

/// Where the worker remembers what it has sent.
const OUTBOX: &[u8] = b"assay/jobs/outbox";
/// Service keys of one keystore that the worker acts for.
const MAX_KEYS: usize = 8;
/// Jobs that an operator has in hand at a time: what a few blocks can hold of their claims.
const MAX_IN_HAND: usize = 4_096;
/// Jobs that one run of the worker offers to take: what a block holds.
const MAX_ACCEPTS: usize = 1_024;
/// Waiting jobs that one run of the worker looks at in a lane.
const MAX_LOOKS: usize = 4_096;
/// Claims of whose outputs pieces are demanded that one run of the worker looks at.
const MAX_DEMANDED: usize = 256;
/// Pieces that are on their way at a time, whatever is demanded: what a block holds.
const MAX_DELIVERING: usize = 64;
/// Pieces that the engine is asked for at a time: each holds the input until it is answered, and traces
/// that are owed have the same room.
const MAX_PIECES_ASKED: usize = 16;
/// Of these, those of one job.
const MAX_PIECES_ASKED_HERE: usize = 4;
/// Pages read at a time.
const PAGES: u32 = 16;
/// Blocks that claiming itself takes: into the pool, into a block, and once more.
const MARGIN: u32 = 4;
/// Blocks after which an operator no longer waits for idle weight to finalize its claims.
const PATIENCE: u32 = 2;

/// What one run of the worker knows.
struct Run<'a, T: Config> {
	key: &'a ServiceKey,
	operator: &'a T::AccountId,
	outbox: &'a mut Outbox,
	/// Whether requests have to name the job, see [`RunSpec::lie`].
	cheats: bool,
}

/// What came of asking the engine.
enum Asked<Found> {
	/// It is at it.
	Pending,
	/// It has it.
	Ready(Found),
	/// It cannot do it now.
	Refused,
}

impl<T: Config> Pallet<T> {
	/// One run of the worker.
	pub(crate) fn work(_: BlockNumberFor<T>) {
		let roles = worker::roles();
		if !roles.operator {
			return;
		}
		let mut outbox = Outbox::load::<T>(OUTBOX);
		let keys = local_keys();
		let too_many = "too many keys";
		if keys.len() > MAX_KEYS && !outbox.sent_lately(&too_many) {
			log::warn!(
				target: LOG,
				"the keystore has {} service keys, and a node serves for {MAX_KEYS}: jobs of the others \
				 are not accepted here",
				keys.len(),
			);
			// Say so once in a while, not in every block.
			outbox.note(&too_many);
		}
		for key in keys.iter().take(MAX_KEYS) {
			let Some(operator) = T::Operators::owner_of(key) else { continue };
			if !worker::acts_for(&operator) {
				continue;
			}
			let outbox = &mut outbox;
			let mut run = Run::<T> { key, operator: &operator, outbox, cheats: roles.cheats };
			run.deliver_demanded();
			let in_hand = run.claim_answered();
			if T::Operators::is_active(&operator) {
				run.accept_some(in_hand);
			}
			run.poke_overdue();
		}
		outbox.save();
	}
}

impl<T: Config> Run<'_, T> {
	/// Deliver what requesters demand of the operator's outputs, the earliest deadline first.
	fn deliver_demanded(&mut self) {
		let now = T::Clock::current_block_number();
		let (mut on_their_way, mut asked) = (0, 0);
		for (id, job) in jobs_of::<T>(Lane::Demanded(self.operator.clone()), MAX_DEMANDED) {
			let Some(demand) = Demands::<T>::get(id) else { continue };
			// What is sent now is in the next block at the earliest.
			if now >= demand.deadline {
				continue;
			}
			let Some(claim) = Pallet::<T>::open_claim(id) else { continue };
			let content = claim.content();
			// Whether it is behind all who pay, in the next block. What becomes urgent is sent again.
			let early = demand.deadline > now.saturating_add(T::DeliveryPeriod::get()) + One::one();
			let terms = Terms {
				class: Class::Trace,
				deadline: demand.deadline.saturated_into(),
				at_stake: claim.fee.saturated_into(),
				job: id,
			};
			let mut asked_here = 0;
			for piece in demand.missing_pieces() {
				if on_their_way >= MAX_DELIVERING || asked >= MAX_PIECES_ASKED {
					return;
				}
				let name = (DELIVER_TAG, id, content, demand.deadline, piece, early);
				if self.outbox.sent_lately(&name) {
					on_their_way += 1;
					continue;
				}
				let Some(chunks) = chunks_of(piece, claim.info.output_len) else { break };
				let slice = match self.piece_of(&job, chunks, terms) {
					Asked::Ready(slice) => slice,
					Asked::Pending => {
						asked += 1;
						asked_here += 1;
						// All wait for the same run, which must not keep that of another job from beginning.
						if asked_here == MAX_PIECES_ASKED_HERE {
							break;
						}
						continue;
					},
					// What cannot be had does not stand before what can.
					Asked::Refused => break,
				};
				let args = (id, content, demand.deadline, piece, slice);
				let Some(auth) = self.sign(DELIVER_TAG, &args) else { return };
				let slice = args.4;
				let call = Call::deliver { job: id, piece, slice, auth: Some(auth) };
				let names = [name];
				if early {
					// It may still lie there from the last time.
					if !self.outbox.send::<T, Call<T>>(&names, call) {
						self.outbox.note(&names[0]);
					}
					on_their_way += 1;
				} else if self.send(&names, call) {
					on_their_way += 1;
					log::debug!(target: LOG, "job {id}: delivering piece {piece} of the output");
				}
			}
		}
	}

	/// Chunks of the output of a job, if the engine has them.
	fn piece_of(&self, job: &JobOf<T>, (first, chunks): (u64, u64), terms: Terms) -> Asked<Slice> {
		let id = terms.job;
		let request = Request::Output { spec: self.spec_of(id, job), first, chunks };
		match self.ask(&request, terms) {
			Asked::Ready(Response::Output(slice)) => Asked::Ready(slice),
			Asked::Pending => Asked::Pending,
			Asked::Refused => Asked::Refused,
			Asked::Ready(_) => {
				log::error!(target: LOG, "job {id}: the engine answered another question");
				Asked::Refused
			},
		}
	}

	/// The run that a job is about.
	fn spec_of(&self, id: JobId, job: &JobOf<T>) -> RunSpec {
		let lie = self.cheats.then_some(id);
		RunSpec { model: job.model.0, input_root: job.input_root.0, lie }
	}

	/// What the engine says; complains about what it cannot do.
	fn ask(&self, request: &Request, terms: Terms) -> Asked<Response> {
		let id = terms.job;
		let input = || Inputs::<T>::get(id).map(BoundedVec::into_inner);
		match worker::ask(request, terms, input) {
			EngineAnswer::Pending => return Asked::Pending,
			EngineAnswer::Ready(Response::Failed(reason)) => {
				log::error!(target: LOG, "job {id}: the run failed: {reason}");
			},
			EngineAnswer::Ready(response) => return Asked::Ready(response),
			EngineAnswer::NoModel => {
				let model = H256(request.spec().model);
				log::error!(target: LOG, "job {id}: model {model:?} is not on this node");
			},
			EngineAnswer::Full => {
				log::warn!(target: LOG, "job {id}: the engine has no room for what is owed");
			},
			EngineAnswer::Unavailable => {
				log::warn!(target: LOG, "job {id}: the engine is not available");
			},
		}
		Asked::Refused
	}

	/// Claim on every job of the operator that the engine has answered, and have the engine answer the
	/// others, the earliest deadline first. Returns how many jobs are in hand.
	fn claim_answered(&mut self) -> usize {
		let now = T::Clock::current_block_number();
		let mut in_hand = 0;
		let mut ready = Batcher::new(MAX_CLAIM_BYTES as usize);
		for (id, job) in jobs_of::<T>(Lane::Assigned(self.operator.clone()), MAX_IN_HAND) {
			let JobStatus::Assigned { deadline, stake, .. } = &job.status else { continue };
			// What is sent now is in the next block at the earliest.
			if now >= *deadline {
				continue;
			}
			in_hand += 1;
			let content = job.content();
			if self.outbox.sent_lately(&(CLAIM_TAG, id, content)) {
				continue;
			}
			let terms = Terms {
				class: Class::Job,
				deadline: (*deadline).saturated_into(),
				at_stake: (*stake).saturated_into(),
				job: id,
			};
			if let Some((output_root, output)) = self.answer_of(&job, terms) {
				let bytes = output.len();
				let answer = Answer { job: id, content, output_root, output };
				if let Some(full) = ready.push(answer, bytes) {
					self.send_claim(full);
				}
			}
		}
		if let Some(rest) = ready.take() {
			self.send_claim(rest);
		}
		in_hand
	}

	/// What the engine says about a job, if it has come to an end.
	fn answer_of(&self, job: &JobOf<T>, terms: Terms) -> Option<(H256, OutputBytes)> {
		let id = terms.job;
		match self.ask(&Request::Run(self.spec_of(id, job)), terms) {
			Asked::Pending | Asked::Refused => {},
			Asked::Ready(Response::Run { output_root, output }) => {
				match OutputBytes::try_from(output) {
					Ok(output) => return Some((H256(output_root), output)),
					Err(_) => log::error!(target: LOG, "job {id}: the engine's output is too long"),
				}
			},
			Asked::Ready(_) => {
				log::error!(target: LOG, "job {id}: the engine answered another question")
			},
		}
		None
	}

	fn send_claim(&mut self, mut answers: Vec<Answer>) {
		// Pages come by deadline, and a call names jobs in the order of their numbers.
		answers.sort_by_key(|answer| answer.job);
		let names: Vec<_> = answers.iter().map(|a| (CLAIM_TAG, a.job, a.content)).collect();
		let answers = Answers::truncate_from(answers);
		let count = names.len();
		let Some(auth) = self.sign(CLAIM_TAG, &Pallet::<T>::claim_message(&answers)) else {
			return;
		};
		if self.send(&names, Call::claim { answers, auth: Some(auth) }) {
			worker::note(Note::ClaimsSent, count as u64);
			log::info!(target: LOG, "claiming {count} answers, the first on job {}", names[0].1);
		}
	}

	/// Accept waiting jobs of the served models, as many as can be finished in time.
	fn accept_some(&mut self, in_hand: usize) {
		let mut plan = Plan::<T> {
			limits: worker::limits(),
			free: T::Operators::free_stake(self.operator),
			planned_micros: worker::backlog_micros(Class::Job),
			room: MAX_IN_HAND.saturating_sub(in_hand).min(MAX_ACCEPTS),
			offers: Batcher::new(usize::MAX),
		};
		for model in T::Operators::served(self.operator) {
			if plan.room > 0 && worker::has_model(&model.0) {
				self.accept_of_model(&model, &mut plan);
			}
		}
		if let Some(rest) = plan.offers.take() {
			self.send_accept(rest);
		}
	}

	fn accept_of_model(&mut self, model: &ModelId, plan: &mut Plan<T>) {
		let Some(info) = T::Models::info(model) else { return };
		let run = worker::run_micros(&model.0).unwrap_or(info.run_micros).max(1);
		if plan.limits.max_run_micros.is_some_and(|most| run > most) {
			return;
		}
		let most_stake: BalanceOf<T> =
			plan.limits.max_exposure.map_or(plan.free, |most| most.saturated_into());
		let Some(periods) = Pallet::<T>::periods_of(model) else { return };
		// Half of the time, so that a busy machine is still in time.
		let blocks: u64 = periods.claim.saturating_sub(MARGIN.into()).saturated_into();
		let in_time = blocks.saturating_mul(T::BlockMillis::get()).saturating_mul(500);
		let mine = Lane::Queued { model: *model, designated: Some(self.operator.clone()) };
		let anybodys = Lane::Queued { model: *model, designated: None };
		for lane in [mine, anybodys] {
			let place = Place::of::<T>(self.key, &lane);
			// The last page that was looked at whole, and the one being looked at.
			let (mut whole, mut current) = (None, None);
			for (looks, (key, id, job)) in Walk::<T>::new(lane, place.get()).enumerate() {
				if plan.room == 0 || plan.planned_micros.saturating_add(run) > in_time {
					return;
				}
				if current != Some(key) {
					(whole, current) = (current, Some(key));
				}
				if looks == MAX_LOOKS {
					// So much here is not for us: the next run goes on behind it.
					if let Some(whole) = whole {
						place.set(whole);
					}
					return;
				}
				self.plan_one(id, &job, run, most_stake, plan);
			}
			place.clear();
		}
	}

	/// Offer to take a job, if the operator can.
	fn plan_one(
		&mut self,
		id: JobId,
		job: &JobOf<T>,
		run: u64,
		most_stake: BalanceOf<T>,
		plan: &mut Plan<T>,
	) {
		let stake = Pallet::<T>::stake_for(job.fee);
		if stake > plan.free
			|| stake > most_stake
			|| Pallet::<T>::ensure_eligible(self.operator, job).is_err()
		{
			return;
		}
		plan.free = plan.free.saturating_sub(stake);
		plan.planned_micros = plan.planned_micros.saturating_add(run);
		plan.room -= 1;
		let offer = Offer { job: id, content: job.content() };
		// On its way already: what it binds is counted, since the state does not show it yet.
		if self.outbox.sent_lately(&(ACCEPT_TAG, offer)) {
			return;
		}
		if let Some(full) = plan.offers.push(offer, 0) {
			self.send_accept(full);
		}
	}

	fn send_accept(&mut self, mut offers: Vec<Offer>) {
		offers.sort_by_key(|offer| offer.job);
		let names: Vec<_> = offers.iter().map(|offer| (ACCEPT_TAG, *offer)).collect();
		let offers = Offers::truncate_from(offers);
		let count = names.len();
		let Some(auth) = self.sign(ACCEPT_TAG, &offers) else { return };
		if self.send(&names, Call::accept { offers, auth: Some(auth) }) {
			worker::note(Note::AcceptsSent, count as u64);
			log::info!(target: LOG, "accepting {count} jobs, the first {}", names[0].1.job);
		}
	}

	/// Finalize the operator's claims that idle weight leaves lying.
	fn poke_overdue(&mut self) {
		let now: u32 = T::Clock::current_block_number().saturated_into();
		for model in T::Operators::served(self.operator) {
			for (key, bits) in Pallet::<T>::pages_of(&Lane::Claimed(model), None, PAGES) {
				if key.due().saturating_add(PATIENCE) > now {
					break;
				}
				let own = jobs_in(key, bits).filter(|id| {
					let status = Jobs::<T>::get(id).map(|job| job.status);
					matches!(status, Some(JobStatus::Claimed { operator, .. }) if operator == *self.operator)
				});
				let jobs: Vec<JobId> = own.collect();
				if !jobs.is_empty() {
					self.send_poke(PokedJobs::truncate_from(jobs));
				}
			}
		}
	}

	fn send_poke(&mut self, jobs: PokedJobs) {
		let name = (POKE_TAG, jobs.clone());
		if self.outbox.sent_lately(&name) {
			return;
		}
		let Some(auth) = self.sign(POKE_TAG, &jobs) else { return };
		self.send(&[name], Call::poke { jobs, auth: Some(auth) });
	}

	fn sign(&self, tag: &str, args: &impl Encode) -> Option<Authorization> {
		let auth = Authorization::sign::<T>(self.key, tag, args);
		if auth.is_none() {
			log::error!(target: LOG, "the keystore cannot sign with {:?}", self.key);
		}
		auth
	}

	/// Send a call that does the things named so; whether the pool took it.
	fn send(&mut self, names: &[impl Encode], call: Call<T>) -> bool {
		let sent = self.outbox.send::<T, Call<T>>(names, call);
		if !sent {
			log::warn!(target: LOG, "the pool did not take a transaction; trying again");
		}
		sent
	}
}

/// What an operator is about to take.
struct Plan<T: Config> {
	/// What the node was told to take at most.
	limits: Limits,
	/// Stake that backs nothing, after what is planned.
	free: BalanceOf<T>,
	/// Work of the engine, after what is planned, in microseconds.
	planned_micros: u64,
	/// How many jobs more.
	room: usize,
	offers: Batcher<Offer>,
}

/// Makes batches of items, by number and bytes.
struct Batcher<Item> {
	items: Vec<Item>,
	bytes: usize,
	most: usize,
}

impl<Item> Batcher<Item> {
	fn new(most: usize) -> Self {
		Self { items: Vec::new(), bytes: 0, most }
	}

	/// Add an item; the batch before it if it does not fit any more.
	fn push(&mut self, item: Item, bytes: usize) -> Option<Vec<Item>> {
		let fits =
			self.items.len() < MAX_BATCH as usize && self.bytes.saturating_add(bytes) <= self.most;
		let full = if fits { None } else { self.take() };
		self.items.push(item);
		self.bytes = self.bytes.saturating_add(bytes);
		full
	}

	/// What there is, if anything.
	fn take(&mut self) -> Option<Vec<Item>> {
		self.bytes = 0;
		Some(core::mem::take(&mut self.items)).filter(|items| !items.is_empty())
	}
}

/// The jobs of a lane in order of time, read page by page.
struct Walk<T: Config> {
	lane: LaneOf<T>,
	after: Option<PageKey>,
	pages: Vec<(PageKey, u64)>,
	jobs: Vec<(PageKey, JobId)>,
}

impl<T: Config> Walk<T> {
	fn new(lane: LaneOf<T>, after: Option<PageKey>) -> Self {
		Self { lane, after, pages: Vec::new(), jobs: Vec::new() }
	}
}

impl<T: Config> Iterator for Walk<T> {
	type Item = (PageKey, JobId, JobOf<T>);

	fn next(&mut self) -> Option<Self::Item> {
		loop {
			if let Some((key, id)) = self.jobs.pop() {
				let Some(job) = Jobs::<T>::get(id) else { continue };
				return Some((key, id, job));
			}
			if self.pages.is_empty() {
				self.pages = Pallet::<T>::pages_of(&self.lane, self.after, PAGES);
				self.after = self.pages.last().map(|(key, _)| *key);
				// Taken from the end.
				self.pages.reverse();
			}
			let (key, bits) = self.pages.pop()?;
			self.jobs = jobs_in(key, bits).map(|id| (key, id)).collect();
			self.jobs.reverse();
		}
	}
}

/// The first `limit` jobs of a lane.
fn jobs_of<T: Config>(lane: LaneOf<T>, limit: usize) -> impl Iterator<Item = (JobId, JobOf<T>)> {
	Walk::<T>::new(lane, None).take(limit).map(|(_, id, job)| (id, job))
}

/// Where in a lane the next run goes on, when one did not come to the end.
struct Place(Vec<u8>);

impl Place {
	fn of<T: Config>(key: &ServiceKey, lane: &LaneOf<T>) -> Self {
		Self((b"assay/jobs/place", key, lane).encode())
	}

	fn get(&self) -> Option<PageKey> {
		StorageValueRef::persistent(&self.0).get().ok().flatten()
	}

	fn set(&self, key: PageKey) {
		StorageValueRef::persistent(&self.0).set(&key);
	}

	fn clear(&self) {
		if self.get().is_some() {
			StorageValueRef::persistent(&self.0).clear();
		}
	}
}
