//! A chain, those who act on it, and the pool between them.
//!
//! Each block, every actor looks at the state of the last one and sends transactions; the pool takes
//! those that the runtime's door admits, as a node's pool does; the author decides which of them the
//! next block holds, and in which order. Then the ledger looks at what came of it.

use crate::{
	account::Account,
	chain::{authorization_of, Chain},
	ledger::Ledger,
	narrate::Narrator,
};
use assay_primitives::service::ServicePair;
use assay_runtime::{AccountId, Balance, BlockNumber, Nonce, RuntimeCall, UncheckedExtrinsic};
use codec::Encode;
use sp_runtime::{
	generic::Preamble,
	transaction_validity::{
		InvalidTransaction, TransactionTag, TransactionValidityError, ValidTransaction,
	},
	MultiAddress,
};
use std::collections::{BTreeMap, BTreeSet};

/// Why the pool refuses what does the same as something that it holds.
pub(crate) const KNOWN: u8 = u8::MAX;

/// A transaction on its way.
#[derive(Clone)]
pub struct Pending {
	/// Who sent it.
	pub by: String,
	/// The transaction.
	pub transaction: UncheckedExtrinsic,
	/// What the pool knows of it.
	pub valid: ValidTransaction,
}

/// What an actor sees, and how it sends.
pub struct View<'a> {
	/// The chain.
	pub chain: &'a mut Chain,
	/// What is in the pool, seen on its way.
	pub pool: &'a [Pending],
	/// What became of what everybody sent so far.
	pub ledger: &'a Ledger,
	nonces: &'a mut BTreeMap<AccountId, Nonce>,
	sent: Vec<UncheckedExtrinsic>,
	slipped: Vec<UncheckedExtrinsic>,
}

impl View<'_> {
	/// Number of the last block.
	pub fn now(&self) -> BlockNumber {
		self.chain.number()
	}

	/// Looks at the state of the last block.
	pub fn read<R>(&mut self, look: impl FnOnce() -> R) -> R {
		self.chain.read(look)
	}

	/// Sends a transaction to the pool.
	pub fn send(&mut self, transaction: UncheckedExtrinsic) {
		self.sent.push(transaction);
	}

	/// How many transactions were sent to the pool in this block.
	pub fn sent_so_far(&self) -> usize {
		self.sent.len()
	}

	/// Takes back what was sent since `before`.
	pub fn take_sent(&mut self, before: usize) -> Vec<UncheckedExtrinsic> {
		self.sent.split_off(before.min(self.sent.len()))
	}

	/// Hands a transaction to the author of the next block, who puts it first, whatever the pool
	/// would say of it. Attackers have friends among the authors.
	pub fn slip(&mut self, transaction: UncheckedExtrinsic) {
		self.slipped.push(transaction);
	}

	/// A transaction signed by `who`, with its next nonce.
	pub fn signed(
		&mut self,
		who: &Account,
		tip: Balance,
		call: impl Into<RuntimeCall>,
	) -> UncheckedExtrinsic {
		let nonce = match self.nonces.get(&who.id()) {
			Some(next) => *next,
			None => self.chain.nonce(&who.id()),
		};
		self.nonces.insert(who.id(), nonce + 1);
		self.chain.signed(who, nonce, tip, call)
	}

	/// Signs and sends a call.
	pub fn send_signed(&mut self, who: &Account, call: impl Into<RuntimeCall>) {
		let transaction = self.signed(who, 0, call);
		self.send(transaction);
	}

	/// The free transaction that `key` makes of a call now.
	pub fn authorized(
		&mut self,
		key: &ServicePair,
		call: impl Into<RuntimeCall>,
	) -> UncheckedExtrinsic {
		self.chain.authorized(key, call)
	}
}

/// Who acts on the chain: a strategy.
pub trait Actor {
	/// What drills call it.
	fn name(&self) -> &str;

	/// Looks at the last block and sends what it wants to have in the next.
	fn act(&mut self, view: &mut View<'_>);
}

/// Who makes blocks: a strategy.
pub trait Author {
	/// What of the pool to put into the block `at`, in order.
	fn order(&mut self, at: BlockNumber, pool: &[Pending]) -> Vec<Pending>;
}

/// Takes everything, the most urgent first, as nodes do.
pub struct Fair;

impl Author for Fair {
	fn order(&mut self, _: BlockNumber, pool: &[Pending]) -> Vec<Pending> {
		let mut order = pool.to_vec();
		order.sort_by_key(|pending| std::cmp::Reverse(pending.valid.priority));
		order
	}
}

/// A chain with all who act on it.
pub struct World {
	/// The chain.
	pub chain: Chain,
	/// Who acts, in this order within a block.
	pub actors: Vec<Box<dyn Actor>>,
	/// Who makes blocks.
	pub author: Box<dyn Author>,
	/// What happened.
	pub ledger: Ledger,
	/// What tells it, if somebody listens.
	pub narrator: Narrator,
	pool: Vec<Pending>,
	/// What came into the pool since a fork began.
	admitted: Vec<Pending>,
}

impl World {
	/// A world on this chain.
	pub fn new(
		chain: Chain,
		actors: Vec<Box<dyn Actor>>,
		author: Box<dyn Author>,
		ledger: Ledger,
		narrator: Narrator,
	) -> Self {
		Self { chain, actors, author, ledger, narrator, pool: Vec::new(), admitted: Vec::new() }
	}

	/// Plays one block.
	pub fn step(&mut self) {
		let mut nonces = self.pending_nonces();
		let mut slipped = Vec::new();
		for index in 0..self.actors.len() {
			let Some(actor) = self.actors.get_mut(index) else { break };
			let mut view = View {
				chain: &mut self.chain,
				pool: &self.pool,
				ledger: &self.ledger,
				nonces: &mut nonces,
				sent: Vec::new(),
				slipped: Vec::new(),
			};
			actor.act(&mut view);
			let (sent, aside) = (view.sent, view.slipped);
			let by = actor.name().to_string();
			for transaction in sent {
				self.submit(&by, transaction);
			}
			slipped.extend(aside.into_iter().map(|transaction| (by.clone(), transaction)));
		}
		self.build(slipped);
	}

	/// Plays until `done` says so, at most so many blocks.
	pub fn play(&mut self, most: u32, done: impl Fn(&mut World) -> bool) {
		for _ in 0..most {
			self.step();
			if done(self) {
				break;
			}
		}
		self.ledger.close(&mut self.chain);
	}

	/// Plays so many blocks on a fork that is then left: what was in them has not happened, and comes
	/// back to the pool if it is still valid. Those who act remember what they did.
	pub fn detour(&mut self, blocks: u32) {
		let (before, fork) = std::mem::take(&mut self.chain).fork();
		let ledger = self.ledger.clone();
		self.chain = fork;
		self.admitted = std::mem::take(&mut self.pool);
		self.pool = self.admitted.clone();
		for _ in 0..blocks {
			self.step();
		}
		self.narrator.say(&format!("the last {blocks} blocks are on a fork that is left"));
		let left = std::mem::replace(&mut self.chain, before);
		self.chain.remember(&left);
		self.chain.skip_slot();
		self.ledger = ledger;
		self.pool.clear();
		for Pending { by, transaction, .. } in std::mem::take(&mut self.admitted) {
			self.submit(&by, transaction);
		}
	}

	/// Whether nobody has a bond in a challenge any more.
	pub fn challenges_are_over(&mut self) -> bool {
		self.chain.read(|| {
			pallet_challenges::Live::<assay_runtime::Runtime>::iter_keys().next().is_none()
		})
	}

	/// Asks the runtime's door whether the pool takes a transaction.
	fn submit(&mut self, by: &str, transaction: UncheckedExtrinsic) {
		let verdict = self.chain.validate(transaction.clone());
		let verdict = verdict.and_then(|valid| self.make_room(&valid).map(|()| valid));
		match verdict {
			Ok(valid) => {
				self.ledger.tally(by).admitted += 1;
				let pending = Pending { by: by.into(), transaction, valid };
				self.admitted.push(pending.clone());
				self.pool.push(pending);
			},
			Err(error) => {
				self.ledger.tally(by).refused += 1;
				self.narrator.refused(by, &transaction, error);
			},
		}
	}

	/// Takes out what this transaction replaces. Of what provides the same tag only one stays: the
	/// one of the highest priority, or the one that was first.
	fn make_room(&mut self, valid: &ValidTransaction) -> Result<(), TransactionValidityError> {
		let rival = |pending: &Pending| {
			pending.valid.provides.iter().any(|tag| valid.provides.contains(tag))
		};
		let better = |pending: &Pending| pending.valid.priority < valid.priority;
		if !self.pool.iter().filter(|pending| rival(pending)).all(better) {
			return Err(InvalidTransaction::Custom(KNOWN).into());
		}
		self.pool.retain(|pending| !rival(pending));
		Ok(())
	}

	/// Builds the next block, of what was handed to the author and of what it takes from the pool.
	fn build(&mut self, slipped: Vec<(String, UncheckedExtrinsic)>) {
		let at = self.chain.number() + 1;
		let order = ready(self.author.order(at, &self.pool));
		let from_pool: BTreeSet<Vec<u8>> =
			order.iter().map(|pending| pending.transaction.encode()).collect();
		let mut transactions: Vec<(String, UncheckedExtrinsic)> = slipped;
		let first = transactions.len();
		transactions.extend(order.into_iter().map(|pending| (pending.by, pending.transaction)));
		let built = self.chain.block(transactions.iter().map(|(_, one)| one.clone()).collect());
		let mut left = BTreeSet::new();
		for (index, ((by, transaction), result)) in
			transactions.iter().zip(&built.results).enumerate()
		{
			let tally = self.ledger.tally(by);
			match result {
				Ok(Ok(())) => tally.done += 1,
				Ok(Err(_)) => tally.failed += 1,
				Err(TransactionValidityError::Invalid(InvalidTransaction::ExhaustsResources)) => {
					tally.no_room += 1;
					left.insert(transaction.encode());
				},
				Err(_) => tally.invalid += 1,
			}
			self.narrator.included(at, by, transaction, result, index < first);
		}
		self.narrator.events(at, &built.events);
		self.ledger.look(&mut self.chain, &built);
		self.pool.retain(|pending| {
			let bytes = pending.transaction.encode();
			!from_pool.contains(&bytes) || left.contains(&bytes)
		});
		self.clean_pool();
	}

	/// Drops what is not valid any more, as a pool does when a block comes.
	fn clean_pool(&mut self) {
		let chain = &mut self.chain;
		self.pool.retain(|pending| chain.validate(pending.transaction.clone()).is_ok());
	}

	/// The next nonces of the accounts that have something in the pool.
	fn pending_nonces(&mut self) -> BTreeMap<AccountId, Nonce> {
		let mut pending = BTreeMap::<AccountId, Nonce>::new();
		for one in &self.pool {
			if let Some(who) = signer(&one.transaction) {
				*pending.entry(who).or_default() += 1;
			}
		}
		for (who, count) in &mut pending {
			*count += self.chain.nonce(who);
		}
		pending
	}
}

/// These in an order in which each finds what it requires.
fn ready(order: Vec<Pending>) -> Vec<Pending> {
	let mut missing: BTreeSet<TransactionTag> =
		order.iter().flat_map(|pending| pending.valid.provides.clone()).collect();
	let mut waiting = order;
	let mut ready = Vec::with_capacity(waiting.len());
	loop {
		let before = waiting.len();
		let mut later = Vec::new();
		for pending in waiting {
			// What nobody in the pool provides is in the state already.
			if pending.valid.requires.iter().any(|tag| missing.contains(tag)) {
				later.push(pending);
				continue;
			}
			pending.valid.provides.iter().for_each(|tag| {
				missing.remove(tag);
			});
			ready.push(pending);
		}
		if later.is_empty() || later.len() == before {
			return ready;
		}
		waiting = later;
	}
}

/// Who signed a transaction, if anybody.
pub fn signer(transaction: &UncheckedExtrinsic) -> Option<AccountId> {
	match &transaction.preamble {
		Preamble::Signed(MultiAddress::Id(who), ..) => Some(who.clone()),
		_ => None,
	}
}

/// Whether a transaction is a free one of a service key.
pub fn is_free(transaction: &UncheckedExtrinsic) -> bool {
	let mut call = transaction.function.clone();
	signer(transaction).is_none() && authorization_of(&mut call).is_some_and(|auth| auth.is_some())
}
