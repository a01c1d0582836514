//! A chain in process: genesis from a preset, blocks by `Executive`, as a node would build them.

use assay_primitives::{
	authorization, models::model_id, samples, service::ServicePair, Authorization, JobId, ModelId,
	ServiceKey, ServiceSignature,
};
use assay_runtime::{
	constants::{currency::ASY, time::SLOT_MILLIS},
	genesis_presets::{get_preset, DEV_RUNTIME_PRESET},
	transactions, AccountId, Balance, Balances, Block, BlockNumber, Executive, Header, Runtime,
	RuntimeCall, RuntimeGenesisConfig, SignedPayload, System, UncheckedExtrinsic,
};
use codec::Encode;
use frame_support::{traits::fungible::Inspect, BoundedVec};
use sp_consensus_babe::digests::{CompatibleDigestItem, PreDigest, SecondaryPlainPreDigest};
use sp_core::{Pair, H256};
use sp_genesis_builder::PresetId;
use sp_io::TestExternalities;
use sp_keyring::Sr25519Keyring;
use sp_runtime::{
	generic::Era,
	traits::{Block as _, Header as _},
	transaction_validity::{TransactionSource, TransactionValidityError},
	ApplyExtrinsicResult, BuildStorage, Digest, DigestItem,
};

/// Serves models in the tests.
pub(crate) const OPERATOR: Sr25519Keyring = Sr25519Keyring::Bob;
/// Asks for runs.
pub(crate) const REQUESTER: Sr25519Keyring = Sr25519Keyring::Charlie;
/// Publishes models.
pub(crate) const PUBLISHER: Sr25519Keyring = Sr25519Keyring::Dave;

/// Elements of the tests' model.
pub(crate) const ELEMENTS: u32 = 16;

/// The genesis of the development chain.
pub(crate) fn genesis() -> TestExternalities {
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

/// A growing chain.
pub(crate) struct Chain {
	pub(crate) ext: TestExternalities,
	/// All blocks from the first.
	pub(crate) blocks: Vec<Block>,
	parent: H256,
	number: BlockNumber,
	slot: u64,
}

impl Chain {
	/// A chain of one empty block.
	pub(crate) fn new() -> Self {
		let mut chain = Self::at_genesis();
		// The first block tells the state what the genesis hash is; nothing can be signed before.
		chain.block(Vec::new());
		chain
	}

	/// A chain without blocks.
	pub(crate) fn at_genesis() -> Self {
		let mut ext = genesis();
		let parent = ext.execute_with(|| {
			// What the client does: the genesis block's hash is the first parent.
			let header = Header::new(
				0,
				Default::default(),
				Default::default(),
				Default::default(),
				Digest::default(),
			);
			header.hash()
		});
		Self { ext, blocks: Vec::new(), parent, number: 0, slot: 1_000 }
	}

	/// Number of the last block.
	pub(crate) fn number(&self) -> BlockNumber {
		self.number
	}

	/// Builds the next block with these transactions; returns it and what became of each.
	pub(crate) fn block(
		&mut self,
		transactions: Vec<UncheckedExtrinsic>,
	) -> (Block, Vec<ApplyExtrinsicResult>) {
		self.number += 1;
		self.slot += 1;
		let header = self.next_header();
		let timestamp =
			UncheckedExtrinsic::new_bare(RuntimeCall::Timestamp(pallet_timestamp::Call::set {
				now: self.slot * SLOT_MILLIS,
			}));
		let (header, extrinsics, results) = self.ext.execute_with(|| {
			Executive::initialize_block(&header);
			let inherent = Executive::apply_extrinsic(timestamp.clone());
			inherent.expect("the time is valid").expect("the time is set");
			let mut included = vec![timestamp];
			let mut results = Vec::new();
			for transaction in transactions {
				let result = Executive::apply_extrinsic(transaction.clone());
				if result.is_ok() {
					included.push(transaction);
				}
				results.push(result);
			}
			(Executive::finalize_block(), included, results)
		});
		self.parent = header.hash();
		let block = Block::new(header, extrinsics);
		self.blocks.push(block.clone());
		(block, results)
	}

	/// Builds empty blocks up to this number.
	pub(crate) fn run_to(&mut self, number: BlockNumber) {
		while self.number < number {
			self.block(Vec::new());
		}
	}

	/// Builds a block whose transactions must all succeed.
	pub(crate) fn ok_block(&mut self, transactions: Vec<UncheckedExtrinsic>) -> Block {
		let (block, results) = self.block(transactions);
		for result in results {
			result.expect("the transaction is valid").expect("the call succeeds");
		}
		block
	}

	/// Executes a block that another chain built on the same parent.
	pub(crate) fn import(&mut self, block: Block) {
		self.number += 1;
		self.slot += 1;
		self.parent = block.header.hash();
		self.ext.execute_with(|| Executive::execute_block(block.into()));
	}

	/// The hash of the last block.
	pub(crate) fn parent(&self) -> H256 {
		self.parent
	}

	/// A transaction signed by `who`, with its current nonce plus `ahead`.
	pub(crate) fn signed(
		&mut self,
		who: Sr25519Keyring,
		ahead: u32,
		call: impl Into<RuntimeCall>,
	) -> UncheckedExtrinsic {
		let call = call.into();
		self.ext.execute_with(|| {
			let nonce = System::account_nonce(who.to_account_id()) + ahead;
			let extension = transactions::extension(nonce, Era::Immortal, 0);
			let payload = SignedPayload::new(call, extension).expect("the genesis hash is known");
			let signature = payload.using_encoded(|bytes| who.sign(bytes));
			let (call, extension, _) = payload.deconstruct();
			UncheckedExtrinsic::new_signed(
				call,
				who.to_account_id().into(),
				signature.into(),
				extension,
			)
		})
	}

	/// What the transaction pool says about a transaction.
	pub(crate) fn validate(
		&mut self,
		transaction: UncheckedExtrinsic,
	) -> Result<(), TransactionValidityError> {
		let parent = self.parent;
		self.ext.execute_with(|| {
			// The pool works on a copy of the state.
			sp_io::storage::start_transaction();
			let source = TransactionSource::External;
			let verdict = Executive::validate_transaction(source, transaction, parent);
			sp_io::storage::rollback_transaction();
			verdict.map(|_| ())
		})
	}

	/// Free and held money of an account.
	pub(crate) fn total(&mut self, who: &AccountId) -> Balance {
		self.ext.execute_with(|| Balances::total_balance(who))
	}

	/// Fails unless every pallet's invariants hold; checked with feature `try-runtime` only, which
	/// brings the checks.
	pub(crate) fn check_invariants(&mut self) {
		#[cfg(feature = "try-runtime")]
		self.ext.execute_with(|| {
			use frame_support::traits::{TryState, TryStateSelect};
			assay_runtime::AllPalletsWithSystem::try_state(self.number, TryStateSelect::All)
				.expect("all invariants hold");
		});
	}

	/// A model and an operator that serves it with its service key.
	pub(crate) fn with_operator() -> Self {
		let mut chain = Self::new();
		let publish = pallet_models::Call::register {
			program: BoundedVec::truncate_from(program()),
			weights_root: weights_root(),
			metadata: pallet_models::ModelMetadata {
				name: BoundedVec::truncate_from(b"negate".to_vec()),
				version: BoundedVec::truncate_from(b"1".to_vec()),
				source_hash: H256::zero(),
				parent: None,
				licence: BoundedVec::truncate_from(b"Apache-2.0".to_vec()),
			},
		};
		let publish = chain.signed(PUBLISHER, 0, publish);
		chain.ok_block(vec![publish]);
		let calls: [RuntimeCall; 3] = [
			pallet_operators::Call::stake { amount: 10_000 * ASY }.into(),
			pallet_operators::Call::set_service_key { key: Some(chain.possession(OPERATOR)) }
				.into(),
			pallet_operators::Call::serve { models: BoundedVec::truncate_from(vec![model()]) }
				.into(),
		];
		let enrol = calls
			.into_iter()
			.zip(0..)
			.map(|(call, ahead)| chain.signed(OPERATOR, ahead, call))
			.collect();
		chain.ok_block(enrol);
		chain
	}

	/// Asks for a run of the model; returns the job.
	pub(crate) fn request(&mut self) -> JobId {
		let call = pallet_jobs::Call::request {
			model: model(),
			input: BoundedVec::truncate_from(input()),
			fee: ASY,
			operator: None,
		};
		let request = self.signed(REQUESTER, 0, call);
		self.ok_block(vec![request]);
		self.ext.execute_with(|| pallet_jobs::NextJob::<Runtime>::get() - 1)
	}

	/// What the operator's worker sends to accept a job.
	pub(crate) fn accept(&mut self, job: JobId) -> UncheckedExtrinsic {
		let offers = self.offer(job);
		let auth = self.authorize(pallet_jobs::ACCEPT_TAG, &offers);
		authorized(pallet_jobs::Call::accept { offers, auth })
	}

	/// A batch of one job to be accepted.
	pub(crate) fn offer(&mut self, job: JobId) -> pallet_jobs::Offers {
		let content = self.content(job);
		BoundedVec::truncate_from(vec![pallet_jobs::Offer { job, content }])
	}

	/// What the operator's worker sends to claim this output for a job.
	pub(crate) fn claim(&mut self, job: JobId, output: Vec<u8>) -> UncheckedExtrinsic {
		let output_root = H256(assay_referee::tree::hash(&output));
		let output = pallet_jobs::OutputBytes::truncate_from(output);
		let content = self.content(job);
		let message = vec![(job, content, output_root)].encode();
		let auth = self.authorize(pallet_jobs::CLAIM_TAG, &message);
		let answer = pallet_jobs::Answer { job, content, output_root, output };
		let answers = BoundedVec::truncate_from(vec![answer]);
		authorized(pallet_jobs::Call::claim { answers, auth })
	}

	/// What a job is about, whatever its number; zero for one that is not there.
	pub(crate) fn content(&mut self, job: JobId) -> H256 {
		let content = || pallet_jobs::Jobs::<Runtime>::get(job).map(|job| job.content());
		self.ext.execute_with(content).unwrap_or_default()
	}

	/// The service key with the proof that it is meant for `who`.
	pub(crate) fn possession(&mut self, who: Sr25519Keyring) -> (ServiceKey, ServiceSignature) {
		let genesis = self.ext.execute_with(|| System::block_hash(0));
		let message = authorization::possession_message(&genesis, &who.to_account_id());
		(service_key().public(), service_key().sign(&message))
	}

	/// The service key's signature over a call's arguments, born at the parent of the last block.
	pub(crate) fn authorize(&mut self, tag: &str, args: &impl Encode) -> Option<Authorization> {
		let birth = self.number - 1;
		let hash = |number| System::block_hash(number);
		let (genesis, born) = self.ext.execute_with(|| (hash(0), hash(birth)));
		let pair = service_key();
		let message = authorization::message(&genesis, tag, birth, &born, args);
		Some(Authorization { key: pair.public(), birth, signature: pair.sign(&message) })
	}

	fn next_header(&self) -> Header {
		let digest =
			DigestItem::babe_pre_digest(PreDigest::SecondaryPlain(SecondaryPlainPreDigest {
				authority_index: 0,
				slot: self.slot.into(),
			}));
		Header::new(
			self.number,
			Default::default(),
			Default::default(),
			self.parent,
			Digest { logs: vec![digest] },
		)
	}
}

/// A general transaction: no signer, no nonce, no fee.
pub(crate) fn authorized(call: impl Into<RuntimeCall>) -> UncheckedExtrinsic {
	let extension = transactions::extension(0, Era::Immortal, 0);
	UncheckedExtrinsic::new_transaction(call.into(), extension)
}

/// The operator's service key.
pub(crate) fn service_key() -> ServicePair {
	ServicePair::from_string("//Bob//service", None).expect("the phrase is well formed")
}

/// The model's program: negates integers twice, so the output is the input.
pub(crate) fn program() -> Vec<u8> {
	samples::chain(2, ELEMENTS)
}

/// An input of the model, and the output of an honest run.
pub(crate) fn input() -> Vec<u8> {
	(0..ELEMENTS).flat_map(|i| i.to_le_bytes()).collect()
}

/// Root of the model's weights, of which it has none.
pub(crate) fn weights_root() -> H256 {
	H256(assay_referee::tree::hash(&[]))
}

/// The model's name.
pub(crate) fn model() -> ModelId {
	model_id(&H256(assay_referee::tree::hash(&program())), &weights_root())
}
