//! A chain in process: the genesis of the development preset, blocks by `Executive`, and what the
//! node of an operator or watcher does beside it.

use crate::account::Account;
use assay_primitives::{authorization, service::ServicePair, Authorization, Claims, JobId};
use assay_runtime::{
	constants::time::SLOT_MILLIS,
	genesis_presets::{get_preset, DEV_RUNTIME_PRESET},
	transactions, AccountId, Balance, Balances, BlockNumber, Executive, Header, Nonce, Runtime,
	RuntimeCall, RuntimeEvent, RuntimeGenesisConfig, SignedPayload, System, UncheckedExtrinsic,
};
use codec::Encode;
use frame_support::{traits::fungible::Inspect, weights::Weight};
use sp_consensus_babe::digests::{CompatibleDigestItem, PreDigest, SecondaryPlainPreDigest};
use sp_core::{offchain::testing::TestPersistentOffchainDB, Pair, H256};
use sp_externalities::Extensions;
use sp_genesis_builder::PresetId;
use sp_io::TestExternalities;
use sp_runtime::{
	generic::Era,
	traits::Header as _,
	transaction_validity::{
		InvalidTransaction, TransactionSource, TransactionValidity, TransactionValidityError,
	},
	ApplyExtrinsicResult, BuildStorage, Digest, DigestItem, MultiSignature,
};

/// What became of a block.
pub struct Built {
	/// What became of each transaction, in order.
	pub results: Vec<ApplyExtrinsicResult>,
	/// What the runtime says happened.
	pub events: Vec<RuntimeEvent>,
	/// The weight of all that was done, idle work included.
	pub weight: Weight,
}

/// A growing chain.
pub struct Chain {
	ext: TestExternalities,
	head: Header,
	slot: u64,
	/// What earlier parts of the chain, and forks that were left, wrote for off-chain workers.
	indexed: Vec<TestPersistentOffchainDB>,
}

impl Chain {
	/// The development chain with one empty block.
	pub fn new() -> Self {
		let parent = Header::new(
			0,
			Default::default(),
			Default::default(),
			Default::default(),
			Digest::default(),
		);
		let mut chain = Self { ext: genesis(), head: parent, slot: 1_000, indexed: Vec::new() };
		// The first block tells the state what the genesis hash is; nothing can be signed before.
		chain.block(Vec::new());
		chain
	}

	/// The same chain, of which the next block is another than it would have been.
	pub fn skip_slot(&mut self) {
		self.slot += 1;
	}

	/// Keeps what a fork that is left wrote for off-chain workers: their databases know no forks.
	pub fn remember(&mut self, fork: &Self) {
		self.indexed.push(fork.ext.offchain_db());
	}

	/// Two chains that have everything up to the last block in common.
	pub fn fork(self) -> (Self, Self) {
		let indexed = self.index();
		let Self { ext, head, slot, .. } = self;
		let version = ext.state_version;
		let (raw, root) = ext.into_raw_snapshot();
		let of = |raw| {
			let ext = TestExternalities::from_raw_snapshot(raw, root, version);
			Self { ext, head: head.clone(), slot, indexed: indexed.clone() }
		};
		(of(raw.clone()), of(raw))
	}

	/// Number of the last block.
	pub fn number(&self) -> BlockNumber {
		*self.head.number()
	}

	/// Looks at the state of the last block; what the closure writes is undone.
	pub fn read<R>(&mut self, look: impl FnOnce() -> R) -> R {
		self.ext.execute_with(|| {
			sp_io::storage::start_transaction();
			let seen = look();
			sp_io::storage::rollback_transaction();
			seen
		})
	}

	/// Changes the state between two blocks: for what a stage is set with, never during a game.
	pub fn write<R>(&mut self, change: impl FnOnce() -> R) -> R {
		let result = self.ext.execute_with(change);
		self.commit();
		result
	}

	/// Makes an extension available to blocks.
	pub fn register<E: sp_externalities::Extension>(&mut self, extension: E) {
		self.ext.register_extension(extension);
	}

	/// Builds the next block of these transactions.
	pub fn block(&mut self, transactions: Vec<UncheckedExtrinsic>) -> Built {
		self.slot += 1;
		let header = self.next_header();
		let timestamp =
			UncheckedExtrinsic::new_bare(RuntimeCall::Timestamp(pallet_timestamp::Call::set {
				now: self.slot * SLOT_MILLIS,
			}));
		let (head, built) = self.ext.execute_with(|| {
			Executive::initialize_block(&header);
			let inherent = Executive::apply_extrinsic(timestamp);
			inherent.expect("the time is valid").expect("the time is set");
			let results = transactions.into_iter().map(apply).collect();
			let head = Executive::finalize_block();
			let events = System::events().into_iter().map(|record| record.event).collect();
			(head, Built { results, events, weight: System::block_weight().total() })
		});
		self.head = head;
		self.commit();
		built
	}

	/// Builds a block whose transactions must all succeed, or two: the first block of a session has no
	/// room.
	///
	/// # Panics
	/// When one does not: the stage is set wrongly.
	pub fn ok_block(&mut self, transactions: Vec<UncheckedExtrinsic>) {
		let mut rest = transactions;
		for _ in 0..2 {
			let built = self.block(rest.clone());
			let mut left = Vec::new();
			for (transaction, result) in rest.into_iter().zip(built.results) {
				match result {
					Err(TransactionValidityError::Invalid(
						InvalidTransaction::ExhaustsResources,
					)) => {
						left.push(transaction);
					},
					result => {
						let result = result.expect("a transaction of the stage is valid");
						result.expect("a call of the stage succeeds");
					},
				}
			}
			if left.is_empty() {
				return;
			}
			rest = left;
		}
		panic!("a block has room for what sets the stage");
	}

	/// What the transaction pool says about a transaction.
	pub fn validate(&mut self, transaction: UncheckedExtrinsic) -> TransactionValidity {
		let at = self.head.hash();
		let source = TransactionSource::External;
		self.read(|| Executive::validate_transaction(source, transaction, at))
	}

	/// Runs the off-chain workers of the last block with these extensions, and gives the bytes of the
	/// storage proof of all that they read.
	pub fn work(&mut self, extensions: Extensions) -> usize {
		let header = self.head.clone();
		let kept = std::mem::replace(&mut self.ext.extensions, extensions);
		let (_, proof) = self.ext.execute_and_prove(|| {
			sp_io::storage::start_transaction();
			Executive::offchain_worker(&header);
			sp_io::storage::rollback_transaction();
		});
		self.ext.extensions = kept;
		proof.encoded_size()
	}

	/// What blocks wrote for off-chain workers, in the databases of every node that indexes, the
	/// latest last.
	pub fn index(&self) -> Vec<TestPersistentOffchainDB> {
		self.indexed.iter().cloned().chain([self.ext.offchain_db()]).collect()
	}

	/// Free and held money of an account.
	pub fn wealth(&mut self, who: &AccountId) -> Balance {
		self.read(|| Balances::total_balance(who))
	}

	/// The nonce of an account's next transaction.
	pub fn nonce(&mut self, who: &AccountId) -> Nonce {
		self.read(|| System::account_nonce(who.clone()))
	}

	/// A transaction signed by `who`.
	pub fn signed(
		&mut self,
		who: &Account,
		nonce: Nonce,
		tip: Balance,
		call: impl Into<RuntimeCall>,
	) -> UncheckedExtrinsic {
		let call = call.into();
		self.read(|| {
			let extension = transactions::extension(nonce, Era::Immortal, tip);
			let payload = SignedPayload::new(call, extension).expect("the genesis hash is known");
			let signature = payload.using_encoded(|bytes| who.pair().sign(bytes));
			let (call, extension, _) = payload.deconstruct();
			let signature = MultiSignature::from(signature);
			UncheckedExtrinsic::new_signed(call, who.id().into(), signature, extension)
		})
	}

	/// The free transaction that `key` makes of this call in the present state, born at the parent of
	/// the last block. A call that no key can make stays without an authorization.
	pub fn authorized(
		&mut self,
		key: &ServicePair,
		call: impl Into<RuntimeCall>,
	) -> UncheckedExtrinsic {
		let birth = self.number() - 1;
		self.authorized_at(key, birth, call)
	}

	/// As [`Self::authorized`], born at the block `birth` of this chain.
	pub fn authorized_at(
		&mut self,
		key: &ServicePair,
		birth: BlockNumber,
		call: impl Into<RuntimeCall>,
	) -> UncheckedExtrinsic {
		let mut call = call.into();
		self.read(|| authorize(key, birth, &mut call));
		free(call)
	}

	/// Fails unless every pallet's own invariants hold; these checks come with the feature
	/// `try-runtime` only.
	///
	/// # Errors
	/// What does not hold.
	pub fn try_state(&mut self) -> Result<(), String> {
		#[cfg(feature = "try-runtime")]
		{
			use frame_support::traits::{TryState, TryStateSelect};
			let number = self.number();
			self.read(|| {
				assay_runtime::AllPalletsWithSystem::try_state(number, TryStateSelect::All)
			})
			.map_err(|error| format!("{error:?}"))?;
		}
		Ok(())
	}

	fn commit(&mut self) {
		// In this order: committing drops what is not persisted before.
		self.ext.persist_offchain_overlay();
		self.ext.commit_all().expect("no transaction of storage is open between blocks");
	}

	fn next_header(&self) -> Header {
		let digest =
			DigestItem::babe_pre_digest(PreDigest::SecondaryPlain(SecondaryPlainPreDigest {
				authority_index: 0,
				slot: self.slot.into(),
			}));
		Header::new(
			self.number() + 1,
			Default::default(),
			Default::default(),
			self.head.hash(),
			Digest { logs: vec![digest] },
		)
	}
}

impl Default for Chain {
	fn default() -> Self {
		Self::new()
	}
}

/// Applies a transaction; one that the block refuses leaves no trace, as the node's block builder sees
/// to.
fn apply(transaction: UncheckedExtrinsic) -> ApplyExtrinsicResult {
	sp_io::storage::start_transaction();
	let result = Executive::apply_extrinsic(transaction);
	match result {
		Ok(_) => sp_io::storage::commit_transaction(),
		Err(_) => sp_io::storage::rollback_transaction(),
	}
	result
}

/// A general transaction: no signer, no nonce, no fee.
pub fn free(call: impl Into<RuntimeCall>) -> UncheckedExtrinsic {
	let extension = transactions::extension(0, Era::Immortal, 0);
	UncheckedExtrinsic::new_transaction(call.into(), extension)
}

/// The authorization of a call, if it is one that service keys make.
pub fn authorization_of(call: &mut RuntimeCall) -> Option<&mut Option<Authorization>> {
	use pallet_challenges::Call as C;
	use pallet_jobs::Call as J;
	match call {
		RuntimeCall::Jobs(
			J::accept { auth, .. }
			| J::claim { auth, .. }
			| J::deliver { auth, .. }
			| J::poke { auth, .. },
		)
		| RuntimeCall::Challenges(
			C::open { auth, .. }
			| C::reveal_trace { auth, .. }
			| C::ask { auth, .. }
			| C::answer { auth, .. }
			| C::prove_fault { auth, .. }
			| C::lapse { auth, .. },
		) => Some(auth),
		_ => None,
	}
}

/// Has `key` authorize a call about what this state holds.
fn authorize(key: &ServicePair, birth: BlockNumber, call: &mut RuntimeCall) {
	let genesis = System::block_hash(0);
	let born = System::block_hash(birth);
	let Some((tag, args)) = message(call) else { return };
	let message = authorization::message(&genesis, tag, birth, &born, &Raw(args));
	let signed = Authorization { key: key.public(), birth, signature: key.sign(&message) };
	if let Some(auth) = authorization_of(call) {
		*auth = Some(signed);
	}
}

/// Bytes that are encoded already.
struct Raw(Vec<u8>);

impl Encode for Raw {
	fn encode(&self) -> Vec<u8> {
		self.0.clone()
	}
}

/// What a service key signs of a call: its tag and the encoded arguments.
fn message(call: &RuntimeCall) -> Option<(&'static str, Vec<u8>)> {
	use pallet_challenges::{Call as C, Challenges};
	use pallet_jobs::Call as J;
	let claim = |job: &JobId| content(*job);
	Some(match call {
		RuntimeCall::Jobs(J::accept { offers, .. }) => (pallet_jobs::ACCEPT_TAG, offers.encode()),
		RuntimeCall::Jobs(J::claim { answers, .. }) => {
			let signed: Vec<(JobId, H256, H256)> = answers
				.iter()
				.map(|answer| (answer.job, answer.content, answer.output_root))
				.collect();
			(pallet_jobs::CLAIM_TAG, signed.encode().encode())
		},
		RuntimeCall::Jobs(J::deliver { job, piece, slice, .. }) => {
			let deadline = pallet_jobs::Demands::<Runtime>::get(job)?.deadline;
			(pallet_jobs::DELIVER_TAG, (job, claim(job)?, deadline, piece, slice).encode())
		},
		RuntimeCall::Jobs(J::poke { jobs, .. }) => (pallet_jobs::POKE_TAG, jobs.encode()),
		RuntimeCall::Challenges(C::open { job, output_root, .. }) => {
			(pallet_challenges::OPEN_TAG, (job, claim(job)?, output_root).encode())
		},
		RuntimeCall::Challenges(C::reveal_trace { job, trace_root, last_entry, .. }) => (
			pallet_challenges::REVEAL_TRACE_TAG,
			(job, claim(job)?, trace_root, last_entry).encode(),
		),
		RuntimeCall::Challenges(C::ask { challenge, node, .. }) => {
			let record = Challenges::<Runtime>::get(challenge)?;
			let content = record.content(content(record.job));
			(pallet_challenges::ASK_TAG, (challenge, content, trace(record.job)?, node).encode())
		},
		RuntimeCall::Challenges(C::answer { job, node, opening, .. }) => {
			(pallet_challenges::ANSWER_TAG, (job, claim(job)?, node, opening).encode())
		},
		RuntimeCall::Challenges(C::prove_fault { job, proof, .. }) => {
			(pallet_challenges::PROVE_FAULT_TAG, (job, claim(job)?, trace(*job)?, proof).encode())
		},
		RuntimeCall::Challenges(C::lapse { challenge, .. }) => {
			let record = Challenges::<Runtime>::get(challenge)?;
			let content = record.content(content(record.job));
			(pallet_challenges::LAPSE_TAG, (challenge, content).encode())
		},
		_ => return None,
	})
}

/// The root of the trace that was revealed about a job.
fn trace(job: JobId) -> Option<H256> {
	assay_runtime::Challenges::posted_trace(job).ok()
}

/// The content of the open claim of a job, by which signatures name it.
fn content(job: JobId) -> Option<H256> {
	assay_runtime::Jobs::open_claim(job).map(|claim| claim.content())
}

/// The genesis of the development chain.
fn genesis() -> TestExternalities {
	let patch = get_preset(&PresetId::from(DEV_RUNTIME_PRESET)).expect("the preset exists");
	let mut json = serde_json::to_value(RuntimeGenesisConfig::default()).expect("it serializes");
	merge(&mut json, serde_json::from_slice(&patch).expect("the preset is JSON"));
	let config: RuntimeGenesisConfig = serde_json::from_value(json).expect("the preset fits");
	config.build_storage().expect("the genesis is consistent").into()
}

/// Merges a patch into a whole, as the genesis builder does.
fn merge(whole: &mut serde_json::Value, patch: serde_json::Value) {
	match (whole, patch) {
		(serde_json::Value::Object(whole), serde_json::Value::Object(patch)) => {
			for (key, value) in patch {
				merge(whole.entry(key).or_insert(serde_json::Value::Null), value);
			}
		},
		(whole, patch) => *whole = patch,
	}
}
