//! A node with the runtime's own workers.

use crate::{
	account::Account,
	engine::{Conduct, InProcess, Model},
	world::{Actor, View},
};
use assay_host::EngineExt;
use assay_primitives::service::KEY_TYPE;
use assay_runtime::UncheckedExtrinsic;
use codec::DecodeAll;
use sp_core::offchain::{
	testing::{TestPersistentOffchainDB, TestTransactionPoolExt},
	DbExternalities, OffchainDbExt, StorageKind, TransactionPoolExt,
};
use sp_externalities::Extensions;
use sp_keystore::{testing::MemoryKeystore, Keystore, KeystoreExt};
use std::{
	cell::RefCell,
	collections::BTreeMap,
	rc::Rc,
	sync::{Arc, Mutex, PoisonError},
};

/// Bytes that the workers of each block had to read, as a proof of storage.
pub type Gauge = Rc<RefCell<Vec<usize>>>;

/// The node of an operator, a watcher or both: runs the off-chain workers of the runtime with a
/// service key, a database and an engine, as a node of the network does. Only the engine may lie.
pub struct Node {
	account: Account,
	engine: InProcess,
	keystore: Arc<dyn Keystore>,
	own: Own,
	gauge: Gauge,
}

impl Node {
	/// A node of `account` with these models, as (operator, watcher).
	pub fn new(
		account: Account,
		models: &[Model],
		roles: (bool, bool),
		conduct: Box<dyn Conduct>,
	) -> Self {
		let keystore = MemoryKeystore::new();
		keystore
			.sr25519_generate_new(KEY_TYPE, Some(&account.service_secret()))
			.expect("the secret is well formed");
		Self {
			engine: InProcess::new(&account.id(), models, roles, conduct),
			account,
			keystore: Arc::new(keystore),
			own: Own::default(),
			gauge: Gauge::default(),
		}
	}

	/// Whose node it is.
	pub fn account(&self) -> &Account {
		&self.account
	}

	/// Its engine.
	pub fn engine(&self) -> InProcess {
		self.engine.clone()
	}

	/// What its workers read, block by block.
	pub fn gauge(&self) -> Gauge {
		self.gauge.clone()
	}
}

impl Actor for Node {
	fn name(&self) -> &str {
		self.account.name()
	}

	fn act(&mut self, view: &mut View<'_>) {
		self.engine.at(view.now());
		let (pool, sent) = TestTransactionPoolExt::new();
		let database = Database { own: self.own.clone(), index: view.chain.index() };
		let mut extensions = Extensions::new();
		extensions.register(KeystoreExt(self.keystore.clone()));
		extensions.register(OffchainDbExt::new(database));
		extensions.register(TransactionPoolExt::new(pool));
		extensions.register(EngineExt(Box::new(self.engine.clone())));
		let read = view.chain.work(extensions);
		self.gauge.borrow_mut().push(read);
		let bytes: Vec<Vec<u8>> = sent.write().transactions.drain(..).collect();
		for transaction in bytes {
			let transaction = UncheckedExtrinsic::decode_all(&mut &transaction[..]);
			view.send(transaction.expect("workers send transactions"));
		}
	}
}

/// What a node keeps for itself.
type Own = Arc<Mutex<BTreeMap<Vec<u8>, Vec<u8>>>>;

/// A node's off-chain database: its own values over what blocks wrote for all.
struct Database {
	own: Own,
	index: Vec<TestPersistentOffchainDB>,
}

impl Database {
	fn with<R>(&self, use_it: impl FnOnce(&mut BTreeMap<Vec<u8>, Vec<u8>>) -> R) -> R {
		use_it(&mut self.own.lock().unwrap_or_else(PoisonError::into_inner))
	}
}

impl DbExternalities for Database {
	fn local_storage_set(&mut self, _: StorageKind, key: &[u8], value: &[u8]) {
		self.with(|own| own.insert(key.to_vec(), value.to_vec()));
	}

	fn local_storage_clear(&mut self, _: StorageKind, key: &[u8]) {
		self.with(|own| own.remove(key));
	}

	fn local_storage_compare_and_set(
		&mut self,
		_: StorageKind,
		key: &[u8],
		old: Option<&[u8]>,
		new: &[u8],
	) -> bool {
		self.with(|own| {
			let same = own.get(key).map(Vec::as_slice) == old;
			if same {
				own.insert(key.to_vec(), new.to_vec());
			}
			same
		})
	}

	fn local_storage_get(&mut self, _: StorageKind, key: &[u8]) -> Option<Vec<u8>> {
		self.with(|own| own.get(key).cloned())
			.or_else(|| self.index.iter().rev().find_map(|index| index.get(key)))
	}
}
