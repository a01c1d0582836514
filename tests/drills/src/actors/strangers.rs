//! Others with plans of their own.

use super::is_open;
use crate::{
	account::Account,
	engine::Model,
	stage::register_model,
	world::{Actor, View},
};
use assay_primitives::{authorization::possession_message, Claims, JobId};
use assay_referee::{opening::ENTRIES_PER_CHUNK, tree, NodeKey, Slice};
use assay_runtime::{constants::currency::ASY, BlockNumber, Runtime, RuntimeCall, System};
use frame_support::BoundedVec;
use pallet_challenges::{Call, NodeState, Nodes};
use pallet_jobs::{JobStatus, Jobs, Offer};
use sp_core::{Pair, H256};
use std::collections::BTreeSet;

/// Registers its service key, once.
pub struct Newcomer {
	account: Account,
	done: bool,
}

impl Newcomer {
	/// This account.
	pub fn new(account: Account) -> Self {
		Self { account, done: false }
	}
}

/// The call that registers the service key of an account. Reads the state.
pub(crate) fn register_key(account: &Account) -> RuntimeCall {
	let genesis = System::block_hash(0);
	let key = account.service();
	let proof = key.sign(&possession_message(&genesis, &account.id()));
	pallet_operators::Call::set_service_key { key: Some((key.public(), proof)) }.into()
}

impl Actor for Newcomer {
	fn name(&self) -> &str {
		self.account.name()
	}

	fn act(&mut self, view: &mut View<'_>) {
		if !self.done {
			self.done = true;
			let call = view.read(|| register_key(&self.account));
			view.send_signed(&self.account, call);
		}
	}
}

/// Holds somebody's service key and challenges every claim with it, to burn the owner's money.
pub struct Thief {
	name: String,
	owner: Account,
	tried: BTreeSet<JobId>,
}

impl Thief {
	/// The thief of this account's key.
	pub fn new(name: &str, owner: Account) -> Self {
		Self { name: name.into(), owner, tried: BTreeSet::new() }
	}
}

impl Actor for Thief {
	fn name(&self) -> &str {
		&self.name
	}

	fn act(&mut self, view: &mut View<'_>) {
		let open: Vec<JobId> =
			view.read(|| Jobs::<Runtime>::iter_keys().filter(|job| is_open(*job)).collect());
		for job in open.into_iter().filter(|job| self.tried.insert(*job)).collect::<Vec<_>>() {
			let call = Call::open { job, output_root: H256::repeat_byte(9), auth: None };
			let message = view.authorized(&self.owner.service(), call);
			view.send(message);
		}
	}
}

/// Takes every job that waits, in every block, whether it can do it or not.
pub struct Grabber(
	/// Who takes them.
	pub Account,
);

impl Actor for Grabber {
	fn name(&self) -> &str {
		self.0.name()
	}

	fn act(&mut self, view: &mut View<'_>) {
		let offers: Vec<Offer> = view.read(|| {
			Jobs::<Runtime>::iter()
				.filter(|(_, job)| job.status == JobStatus::Queued)
				.map(|(id, job)| Offer { job: id, content: job.content() })
				.collect()
		});
		if !offers.is_empty() {
			let offers = BoundedVec::truncate_from(offers);
			let call = view.signed(&self.0, ASY, pallet_jobs::Call::accept { offers, auth: None });
			view.slip(call);
		}
	}
}

/// Has left a model and wants to take it from those who are left, in every block: to have it retired,
/// removed, and registered anew as its own.
pub struct Saboteur {
	account: Account,
	model: Model,
}

impl Saboteur {
	/// This account, about this model.
	pub fn new(account: Account, model: Model) -> Self {
		Self { account, model }
	}
}

impl Actor for Saboteur {
	fn name(&self) -> &str {
		self.account.name()
	}

	fn act(&mut self, view: &mut View<'_>) {
		let model = self.model.id();
		view.send_signed(&self.account, pallet_models::Call::retire { model });
		view.send_signed(&self.account, pallet_models::Call::remove { model });
		view.send_signed(&self.account, pallet_models::Call::stop { model });
		view.send_signed(&self.account, register_model(&self.model));
	}
}

/// Wants to be active again, in every block.
pub struct Revenant {
	name: String,
	account: Account,
}

impl Revenant {
	/// This operator.
	pub fn new(name: &str, account: Account) -> Self {
		Self { name: name.into(), account }
	}
}

impl Actor for Revenant {
	fn name(&self) -> &str {
		&self.name
	}

	fn act(&mut self, view: &mut View<'_>) {
		let chilled = view.read(|| {
			pallet_operators::Operators::<Runtime>::get(self.account.id())
				.is_some_and(|record| record.status != pallet_operators::OperatorStatus::Active)
		});
		if chilled {
			view.send_signed(&self.account, pallet_operators::Call::activate {});
		}
	}
}

/// Takes out of its stake what it can, as soon as it has answered something: first all, then what
/// backs nothing.
pub struct Leaver {
	name: String,
	account: Account,
}

impl Leaver {
	/// This operator.
	pub fn new(name: &str, account: Account) -> Self {
		Self { name: name.into(), account }
	}
}

impl Actor for Leaver {
	fn name(&self) -> &str {
		&self.name
	}

	fn act(&mut self, view: &mut View<'_>) {
		use pallet_operators::Call;
		let who = self.account.id();
		let Some(record) = view.read(|| pallet_operators::Operators::<Runtime>::get(&who)) else {
			return;
		};
		if record.exposed == 0 {
			return;
		}
		for amount in [record.active_stake(), record.free_stake()] {
			if amount > 0 {
				view.send_signed(&self.account, Call::unstake { amount });
			}
		}
		view.send_signed(&self.account, Call::withdraw {});
	}
}

/// Fills blocks with long, well-tipped remarks as soon as a job is taken.
pub struct Spammer {
	account: Account,
	job: JobId,
}

impl Spammer {
	/// Bytes of one remark.
	const BYTES: usize = 900_000;
	/// Remarks in the pool: more than a block has room for.
	const MANY: usize = 5;

	/// This account, about this job.
	pub fn new(account: Account, job: JobId) -> Self {
		Self { account, job }
	}
}

impl Actor for Spammer {
	fn name(&self) -> &str {
		self.account.name()
	}

	fn act(&mut self, view: &mut View<'_>) {
		let job = self.job;
		let taken = view.read(|| {
			let job = Jobs::<Runtime>::get(job);
			job.is_some_and(|job| !matches!(job.status, JobStatus::Queued))
		});
		let waiting = view.pool.iter().filter(|one| one.by == self.account.name()).count();
		for _ in waiting..if taken { Self::MANY } else { 0 } {
			let remark = frame_system::Call::remark { remark: vec![7; Self::BYTES] };
			let spam = view.signed(&self.account, 100 * ASY, remark);
			view.send(spam);
		}
	}
}

/// Says what somebody else's trace is, wrongly, to have it bound to that.
pub struct Perjurer {
	account: Account,
	job: JobId,
	ops: u32,
}

impl Perjurer {
	/// This account about this job, a run of so many operations.
	pub fn new(account: Account, job: JobId, ops: u32) -> Self {
		Self { account, job, ops }
	}
}

impl Actor for Perjurer {
	fn name(&self) -> &str {
		self.account.name()
	}

	fn act(&mut self, view: &mut View<'_>) {
		let job = self.job;
		let Some(claim) = view.read(|| assay_runtime::Jobs::open_claim(job)) else { return };
		let mut entries = vec![[3u8; 32]; self.ops as usize];
		if let Some(last) = entries.last_mut() {
			*last = claim.output_root.0;
		}
		let bytes = entries.as_flattened();
		let last_chunk = u64::from(self.ops - 1) / ENTRIES_PER_CHUNK;
		let Ok(last_entry) = Slice::make(bytes, last_chunk, 1) else { return };
		let trace_root = H256(tree::hash(bytes));
		let call = Call::reveal_trace { job, trace_root, last_entry, auth: None };
		let lie = view.signed(&self.account, 0, call);
		view.slip(lie);
	}
}

/// Has everything that may be overdue looked at in every block, before whoever is late can act in it.
pub struct Poker(
	/// Who does.
	pub Account,
);

impl Actor for Poker {
	fn name(&self) -> &str {
		self.0.name()
	}

	fn act(&mut self, view: &mut View<'_>) {
		let (jobs, challenges) = view.read(|| {
			let jobs: Vec<JobId> = Jobs::<Runtime>::iter()
				.filter(|(_, job)| !job.status.is_terminal())
				.map(|(id, _)| id)
				.collect();
			let live: Vec<u64> = pallet_challenges::Challenges::<Runtime>::iter()
				.filter(|(_, challenge)| challenge.is_live())
				.map(|(id, _)| id)
				.collect();
			(jobs, live)
		});
		let mut calls: Vec<RuntimeCall> = Vec::new();
		for job in jobs {
			let alone = BoundedVec::truncate_from(vec![job]);
			calls.push(pallet_jobs::Call::poke { jobs: alone, auth: None }.into());
			calls.push(Call::poke { job }.into());
		}
		calls.extend(
			challenges
				.into_iter()
				.map(|challenge| RuntimeCall::from(Call::lapse { challenge, auth: None })),
		);
		for call in calls {
			let poke = view.signed(&self.0, 0, call);
			view.slip(poke);
		}
	}
}

/// Answers for an operator whose own answers do not get through.
pub struct Friend {
	account: Account,
	model: Model,
	job: JobId,
}

impl Friend {
	/// This account, for the honest run of this job.
	pub fn new(account: Account, model: Model, job: JobId) -> Self {
		Self { account, model, job }
	}
}

impl Actor for Friend {
	fn name(&self) -> &str {
		self.account.name()
	}

	fn act(&mut self, view: &mut View<'_>) {
		let job = self.job;
		let asked: Vec<NodeKey> = view.read(|| {
			Nodes::<Runtime>::iter_prefix(job)
				.filter(|(_, state)| matches!(state, NodeState::Asked { .. }))
				.map(|(node, _)| node)
				.collect()
		});
		let Some(input) = view.read(|| pallet_jobs::Inputs::<Runtime>::get(job)) else { return };
		for node in asked {
			let Ok(opening) = self.model.trace(&input).open(&node) else { continue };
			view.send_signed(&self.account, Call::answer { job, node, opening, auth: None });
		}
	}
}

/// Has the owner of the chain do one thing when a trace is out, in the middle of a dispute.
pub struct Sudo {
	account: Account,
	call: Option<RuntimeCall>,
	job: JobId,
	/// When the migrations of new code are to run.
	migrates_at: Option<BlockNumber>,
	migrates: bool,
}

impl Sudo {
	/// Does this in the dispute about `job`.
	pub fn new(call: RuntimeCall, job: JobId) -> Self {
		Self { account: Account::sudo(), call: Some(call), job, migrates_at: None, migrates: false }
	}

	/// As [`Self::new`] with a call that brings new code, whose migrations run when it is there.
	pub fn upgrade(call: RuntimeCall, job: JobId) -> Self {
		Self { migrates: true, ..Self::new(call, job) }
	}
}

impl Actor for Sudo {
	fn name(&self) -> &str {
		self.account.name()
	}

	fn act(&mut self, view: &mut View<'_>) {
		let job = self.job;
		let revealed = view.read(|| {
			use pallet_challenges::{Disputes, TraceState};
			let trace = Disputes::<Runtime>::get(job).map(|dispute| dispute.trace);
			matches!(trace, Some(TraceState::Posted { .. }))
		});
		if self.migrates_at == Some(view.now()) {
			// The code in this process stays as it is: what makes the next block run what a new
			// version runs first is an older version on record.
			view.chain.write(|| {
				frame_system::LastRuntimeUpgrade::<Runtime>::put(
					frame_system::LastRuntimeUpgradeInfo {
						spec_version: codec::Compact(0),
						spec_name: assay_runtime::VERSION.spec_name,
					},
				);
			});
		}
		if let Some(call) = self.call.take_if(|_| revealed) {
			let call = pallet_sudo::Call::sudo { call: Box::new(call) };
			view.send_signed(&self.account, call);
			// New code is there two blocks after it came.
			self.migrates_at = self.migrates.then_some(view.now() + 2);
		}
	}
}
