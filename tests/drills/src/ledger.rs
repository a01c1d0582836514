//! What came of a drill, from the chain's state and nothing else.
//!
//! Whether an answer is true the ledger finds by running the model itself. Whether somebody honest
//! lost something it finds in the records of stakes and challenges, and in balances.

use crate::{
	account::Account,
	chain::{Built, Chain},
	engine::Model,
};
use assay_primitives::{FaultKind, JobId, ModelId};
use assay_runtime::{
	AccountId, Balance, Balances, BlockNumber, Runtime, RuntimeEvent, RuntimeHoldReason,
};
use frame_support::traits::fungible::InspectHold;
use pallet_challenges::{ChallengeState, NodeState};
use pallet_jobs::JobStatus;
use pallet_operators::OperatorStatus;
use sp_core::H256;
use std::collections::{BTreeMap, BTreeSet};

/// With more jobs than this on record, not every block is looked at in full.
const MANY_JOBS: usize = 300;

/// Blocks between two full looks then.
const SPARSE: BlockNumber = 8;

/// How a job ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Verdict {
	/// The answer was paid for; whether it is what the model gives.
	Final {
		/// Whether it is.
		true_answer: bool,
		/// Who answered.
		operator: AccountId,
		/// Challenges that it survived.
		disputes: u32,
	},
	/// The answer was refuted.
	Fraud {
		/// Why.
		fault: FaultKind,
		/// Who had answered.
		operator: AccountId,
	},
	/// The output was withheld.
	Void {
		/// Who had answered.
		operator: AccountId,
	},
	/// Nobody answered.
	None,
}

/// What became of the transactions of one actor.
#[derive(Clone, Copy, Default, Debug)]
pub struct Tally {
	/// The pool took them.
	pub admitted: u32,
	/// The pool refused them.
	pub refused: u32,
	/// In a block, with effect.
	pub done: u32,
	/// In a block, where the call failed.
	pub failed: u32,
	/// The block's rules refused them.
	pub invalid: u32,
	/// The block had no room for them.
	pub no_room: u32,
}

/// What a slash was shared into.
#[derive(Clone, Debug)]
pub struct Shared {
	/// Whose challenge came first.
	pub finder: Option<AccountId>,
	/// What it got.
	pub to_finder: Balance,
	/// Who submitted the proof.
	pub prover: Option<AccountId>,
	/// What it got.
	pub to_prover: Balance,
	/// What the requester got besides its fee.
	pub to_requester: Balance,
	/// What was slashed, all shares together.
	pub whole: Balance,
}

/// Somebody who follows the rules, and what that may cost.
#[derive(Clone)]
struct Party {
	name: String,
	/// Wealth when the game began.
	wealth: Balance,
	/// Stake in the block before.
	stake: Balance,
	/// What it may lose of its wealth, if it is somebody whose key was stolen.
	may_lose: Option<Balance>,
}

/// The ledger of one drill.
#[derive(Clone)]
pub struct Ledger {
	models: BTreeMap<ModelId, Model>,
	truths: BTreeMap<(ModelId, H256), H256>,
	honest: BTreeMap<AccountId, Party>,
	issuance: Option<Balance>,
	tallies: BTreeMap<String, Tally>,
	frauds_final: BTreeSet<JobId>,
	slashed: BTreeSet<String>,
	lost: BTreeSet<String>,
	broken: Vec<String>,
	verdicts: BTreeMap<JobId, (Verdict, BlockNumber)>,
	/// Every challenge that lapsed.
	pub lapsed: BTreeSet<u64>,
	/// How each slash was shared.
	pub shared: BTreeMap<JobId, Shared>,
	/// Who was activated, and when.
	pub activated: Vec<(AccountId, BlockNumber)>,
	/// Claims, by operator, and when they were made.
	pub claimed: Vec<(JobId, AccountId, BlockNumber)>,
	/// Jobs that became final, and when.
	pub finalized: BTreeMap<JobId, BlockNumber>,
	/// How many pieces of outputs were delivered.
	pub delivered: usize,
	/// Weight of each block, in picoseconds.
	pub weights: BTreeMap<BlockNumber, u64>,
}

impl Ledger {
	/// A ledger for a chain on which these models are registered.
	pub fn new(models: &[Model]) -> Self {
		Self {
			models: models.iter().map(|model| (model.id(), model.clone())).collect(),
			truths: BTreeMap::new(),
			honest: BTreeMap::new(),
			issuance: None,
			tallies: BTreeMap::new(),
			frauds_final: BTreeSet::new(),
			slashed: BTreeSet::new(),
			lost: BTreeSet::new(),
			broken: Vec::new(),
			verdicts: BTreeMap::new(),
			lapsed: BTreeSet::new(),
			shared: BTreeMap::new(),
			activated: Vec::new(),
			claimed: Vec::new(),
			finalized: BTreeMap::new(),
			delivered: 0,
			weights: BTreeMap::new(),
		}
	}

	/// Watches over somebody who follows the rules from now on.
	pub fn honest(&mut self, chain: &mut Chain, who: &Account, may_lose: Option<Balance>) {
		let (wealth, stake) = (chain.wealth(&who.id()), stake_of(chain, &who.id()));
		let party = Party { name: who.name().into(), wealth, stake, may_lose };
		self.honest.insert(who.id(), party);
	}

	/// What became of what `actor` sent.
	pub fn tally(&mut self, actor: &str) -> &mut Tally {
		self.tallies.entry(actor.into()).or_default()
	}

	/// As [`Self::tally`], to look at.
	pub fn of(&self, actor: &str) -> Tally {
		self.tallies.get(actor).copied().unwrap_or_default()
	}

	/// How a job ended, and in which block.
	pub fn verdict(&self, job: JobId) -> Option<&(Verdict, BlockNumber)> {
		self.verdicts.get(&job)
	}

	/// How all jobs that are over ended.
	pub fn verdicts(&self) -> impl Iterator<Item = (&JobId, &Verdict)> {
		self.verdicts.iter().map(|(job, (verdict, _))| (job, verdict))
	}

	/// False answers that became final.
	pub fn frauds_final(&self) -> usize {
		self.frauds_final.len()
	}

	/// Honest parties that lost stake.
	pub fn honest_slashed(&self) -> usize {
		self.slashed.len()
	}

	/// Honest parties that lost bonds, or more than they may.
	pub fn lost(&self) -> usize {
		self.lost.len()
	}

	/// What must hold between blocks and did not.
	pub fn broken(&self) -> &[String] {
		&self.broken
	}

	/// Looks at the state after a block.
	pub(crate) fn look(&mut self, chain: &mut Chain, built: &Built) {
		let now = chain.number();
		self.weights.insert(now, built.weight.ref_time());
		let burned = self.note_events(now, &built.events);
		let issuance = chain.read(Balances::total_issuance);
		if let Some(before) = self.issuance.replace(issuance) {
			if before.checked_sub(issuance) != Some(burned) {
				self.broken.push(format!(
					"block {now}: issuance went from {before} to {issuance}, {burned} announced",
				));
			}
		}
		let many = chain.read(pallet_jobs::NextJob::<Runtime>::get) as usize > MANY_JOBS;
		self.look_at_parties(chain);
		if !many || now.is_multiple_of(SPARSE) {
			self.look_at_records(chain);
		}
	}

	/// Looks once more, at all of it.
	pub(crate) fn close(&mut self, chain: &mut Chain) {
		self.look_at_parties(chain);
		self.look_at_records(chain);
	}

	/// Notes what the runtime announces. Returns what it says it burned.
	fn note_events(&mut self, now: BlockNumber, events: &[RuntimeEvent]) -> Balance {
		use pallet_challenges::Event as C;
		use pallet_jobs::Event as J;
		use pallet_operators::Event as O;
		let mut burns = 0;
		for event in events {
			match event {
				RuntimeEvent::Jobs(J::SlashShared {
					job,
					finder,
					to_finder,
					prover,
					to_prover,
					to_requester,
					burned,
				}) => {
					burns += burned;
					let whole = to_finder + to_prover + to_requester + burned;
					let (finder, prover) = (finder.clone(), prover.clone());
					let (to_finder, to_prover) = (*to_finder, *to_prover);
					let to_requester = *to_requester;
					let shared =
						Shared { finder, to_finder, prover, to_prover, to_requester, whole };
					self.shared.insert(*job, shared);
				},
				RuntimeEvent::Jobs(J::Delivered { burned, .. }) => {
					burns += burned;
					self.delivered += 1;
				},
				RuntimeEvent::Jobs(J::DeadlineMissed { burned, .. } | J::Voided { burned, .. })
				| RuntimeEvent::Challenges(
					C::NodeOpened { burned, .. } | C::ChallengeLapsed { burned, .. },
				) => burns += burned,
				RuntimeEvent::Jobs(J::Claimed { job, operator, .. }) => {
					self.claimed.push((*job, operator.clone(), now));
				},
				RuntimeEvent::Jobs(J::Finalized { job, .. }) => {
					self.finalized.insert(*job, now);
				},
				RuntimeEvent::Balances(pallet_balances::Event::DustLost { amount, .. }) => {
					burns += amount;
				},
				RuntimeEvent::Operators(O::Activated { operator }) => {
					self.activated.push((operator.clone(), now));
				},
				_ => {},
			}
		}
		burns
	}

	fn look_at_parties(&mut self, chain: &mut Chain) {
		for (who, party) in &mut self.honest {
			let stake = stake_of(chain, who);
			if stake < party.stake {
				self.slashed.insert(party.name.clone());
			}
			party.stake = stake;
			if let Some(most) = party.may_lose {
				if chain.wealth(who).saturating_add(most) < party.wealth {
					self.lost.insert(party.name.clone());
				}
			}
		}
	}

	fn look_at_records(&mut self, chain: &mut Chain) {
		self.look_at_challenges(chain);
		self.look_at_jobs(chain);
		self.check(chain);
	}

	fn look_at_challenges(&mut self, chain: &mut Chain) {
		let lapsed: Vec<(u64, AccountId)> = chain.read(|| {
			pallet_challenges::Challenges::<Runtime>::iter()
				.filter(|(_, challenge)| challenge.state == ChallengeState::Lapsed)
				.map(|(id, challenge)| (id, challenge.who))
				.collect()
		});
		for (id, who) in lapsed {
			self.lapsed.insert(id);
			// Who may lose something is measured by its wealth.
			if let Some(party) = self.honest.get(&who).filter(|party| party.may_lose.is_none()) {
				self.lost.insert(party.name.clone());
			}
		}
	}

	fn look_at_jobs(&mut self, chain: &mut Chain) {
		let now = chain.number();
		let known: BTreeSet<JobId> = self.verdicts.keys().copied().collect();
		let over: Vec<(JobId, pallet_jobs::JobOf<Runtime>, Vec<u8>)> = chain.read(|| {
			pallet_jobs::Jobs::<Runtime>::iter()
				.filter(|(id, job)| job.status.is_terminal() && !known.contains(id))
				.map(|(id, job)| {
					let input = pallet_jobs::Inputs::<Runtime>::get(id);
					(id, job, input.map(|input| input.into_inner()).unwrap_or_default())
				})
				.collect()
		});
		for (id, job, input) in over {
			let verdict = match job.status {
				JobStatus::Final { operator, output_root, assurance } => {
					let true_answer = self.truth(&job.model, job.input_root, &input) == output_root;
					if !true_answer {
						self.frauds_final.insert(id);
					}
					Verdict::Final { true_answer, operator, disputes: assurance.disputes }
				},
				JobStatus::Fraud { operator, fault, .. } => Verdict::Fraud { fault, operator },
				JobStatus::Void { operator, .. } => Verdict::Void { operator },
				_ => Verdict::None,
			};
			self.verdicts.insert(id, (verdict, now));
		}
	}

	/// The root of what the model really gives.
	fn truth(&mut self, model: &ModelId, input_root: H256, input: &[u8]) -> H256 {
		let models = &self.models;
		*self.truths.entry((*model, input_root)).or_insert_with(|| {
			let output = models.get(model).map(|model| model.output(input));
			H256(assay_referee::tree::hash(&output.unwrap_or_default()))
		})
	}

	/// Checks what must hold between blocks.
	fn check(&mut self, chain: &mut Chain) {
		let now = chain.number();
		let found = chain.try_state().and_then(|()| chain.read(books_balance));
		if let Err(error) = found {
			self.broken.push(format!("block {now}: {error}"));
		}
	}
}

fn stake_of(chain: &mut Chain, who: &AccountId) -> Balance {
	chain.read(|| pallet_operators::Operators::<Runtime>::get(who)).map_or(0, |record| record.stake)
}

/// What accounts have on hold is what the records say they owe, and no stake backs two claims. Told
/// from the records alone, by other code than the pallets' own checks.
fn books_balance() -> Result<(), String> {
	use pallet_challenges::{Challenges, HoldReason as C, Nodes};
	use pallet_jobs::{Demands, HoldReason as J, Jobs};
	use pallet_models::{Endorsements, HoldReason as M, ModelState, Models};
	use pallet_operators::{HoldReason as O, Operators, ServiceKeys};
	let mut owed = BTreeMap::<(AccountId, Vec<u8>), (RuntimeHoldReason, Balance)>::new();
	let mut add = |who: AccountId, reason: RuntimeHoldReason, amount: Balance| {
		let key = (who, codec::Encode::encode(&reason));
		owed.entry(key).or_insert((reason, 0)).1 += amount;
	};
	let mut exposed = BTreeMap::<AccountId, Balance>::new();
	for (id, demand) in Demands::<Runtime>::iter() {
		let Some(job) = Jobs::<Runtime>::get(id) else {
			return Err(format!("job {id}: demanded and not there"));
		};
		let missing = Balance::from(demand.missing.count_ones());
		add(job.requester, J::Delivery.into(), demand.fee * missing);
	}
	for (_, job) in Jobs::<Runtime>::iter() {
		if let pallet_jobs::JobStatus::Claimed { earned, .. } = job.status {
			add(job.requester.clone(), J::Delivery.into(), earned);
		}
		let fee = if job.status.is_terminal() { 0 } else { job.fee };
		add(job.requester.clone(), J::Fee.into(), fee);
		add(job.requester, J::Storage.into(), job.deposit);
		if let JobStatus::Assigned { operator, stake, .. }
		| JobStatus::Claimed { operator, stake, .. } = job.status
		{
			*exposed.entry(operator).or_default() += stake;
		}
	}
	for (who, record) in Operators::<Runtime>::iter() {
		let backing = exposed.remove(&who).unwrap_or_default();
		if record.exposed != backing || record.exposed > record.stake {
			return Err(format!(
				"{who}: {} of {} exposed, {backing} back claims",
				record.exposed, record.stake
			));
		}
		if matches!(record.status, OperatorStatus::Active) && record.stake == 0 {
			return Err(format!("{who}: active without a stake"));
		}
		add(who, O::Stake.into(), record.stake);
	}
	if !exposed.is_empty() {
		return Err("a claim of somebody who is no operator".into());
	}
	for (who, record) in ServiceKeys::<Runtime>::iter() {
		add(who, O::ServiceKey.into(), record.deposit);
	}
	for (_, challenge) in Challenges::<Runtime>::iter().filter(|(_, one)| one.is_live()) {
		add(challenge.who, C::ChallengeBond.into(), challenge.bond);
	}
	for (_, _, node) in Nodes::<Runtime>::iter() {
		if let NodeState::Asked { payer, fee, .. } = node {
			add(payer, C::QueryFee.into(), fee);
		}
	}
	for (_, who, endorsement) in Endorsements::<Runtime>::iter() {
		add(who, M::Model.into(), endorsement.deposit);
	}
	for record in Models::<Runtime>::iter_values() {
		if let ModelState::Retired { depositor, deposit } = record.state {
			add(depositor, M::Model.into(), deposit);
		}
	}
	for ((who, _), (reason, amount)) in &owed {
		let held = Balances::balance_on_hold(reason, who);
		if held != *amount {
			return Err(format!("{who}: {held} held for {reason:?}, {amount} owed"));
		}
	}
	for (who, holds) in pallet_balances::Holds::<Runtime>::iter() {
		for hold in holds {
			let ours = matches!(
				hold.id,
				RuntimeHoldReason::Jobs(_)
					| RuntimeHoldReason::Operators(_)
					| RuntimeHoldReason::Challenges(_)
					| RuntimeHoldReason::Models(_)
			);
			let key = (who.clone(), codec::Encode::encode(&hold.id));
			if ours && hold.amount > 0 && !owed.contains_key(&key) {
				return Err(format!("{who}: {} held for {:?} of nothing", hold.amount, hold.id));
			}
		}
	}
	Ok(())
}
