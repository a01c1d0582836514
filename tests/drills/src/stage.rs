//! What a drill begins with: a chain with a model, and those who take part.

use crate::{
	account::Account,
	actors::{register_key, Node},
	chain::Chain,
	engine::{Conduct, Model},
	ledger::Ledger,
	narrate::Narrator,
	world::{Actor, Author, Fair, World},
};
use assay_primitives::JobId;
use assay_runtime::{
	constants::currency::{ASY, MILLI_ASY},
	Balance, Balances, Runtime, RuntimeCall, UncheckedExtrinsic,
};
use frame_support::{traits::fungible::Mutate, BoundedVec};
use sp_core::H256;

/// What everybody owns at the beginning.
const WEALTH: Balance = 1_000_000 * ASY;

/// What a job pays: so little that the stake behind it is the least there is.
const FEE: Balance = 100 * MILLI_ASY;

/// Operations and elements of the model that drills run: two chunks of trace, three of each tensor.
const OPS: u32 = 40;
const ELEMENTS: u32 = 600;

/// How a drill is to be played.
#[derive(Clone, Copy, Default, Debug)]
pub struct Cast {
	/// Tell it block by block.
	pub aloud: bool,
	/// Leave the watchers out, which breaks what every drill relies on: shows that the ledger sees.
	pub without_watcher: bool,
}

/// A stage that is being set.
pub struct Stage {
	/// The chain. Blocks of the setting are built right here.
	pub chain: Chain,
	/// The model that jobs are about.
	pub model: Model,
	/// What will be noted.
	pub ledger: Ledger,
	/// Who makes blocks.
	pub author: Box<dyn Author>,
	narrator: Narrator,
	actors: Vec<Box<dyn Actor>>,
	cast: Cast,
}

impl Stage {
	/// A stage with a model that has a few nodes everywhere.
	pub fn new(cast: &Cast) -> Self {
		Self::with_models(cast, &[Model::chain(OPS, ELEMENTS)])
	}

	/// A stage with these models; nodes have and jobs are about the first.
	pub fn with_models(cast: &Cast, models: &[Model]) -> Self {
		Self::with_models_of(cast, models, "publisher")
	}

	/// A stage with a model that this account was the first to register.
	pub fn registered_by(cast: &Cast, name: &str) -> Self {
		Self::with_models_of(cast, &[Model::chain(OPS, ELEMENTS)], name)
	}

	fn with_models_of(cast: &Cast, models: &[Model], name: &str) -> Self {
		let mut stage = Self {
			chain: Chain::new(),
			model: models[0].clone(),
			ledger: Ledger::new(models),
			author: Box::new(Fair),
			narrator: Narrator::new(cast.aloud),
			actors: Vec::new(),
			cast: *cast,
		};
		let publisher = stage.account(name);
		let calls = models.iter().map(register_model).collect();
		stage.do_now(&publisher, calls);
		models.iter().filter(|model| model.is_slow()).for_each(|model| stage.record_as_slow(model));
		stage
	}

	/// Has the record of a slow model say so, as a slow program's does: to really run one takes minutes.
	fn record_as_slow(&mut self, model: &Model) {
		self.chain.write(|| {
			pallet_models::Models::<Runtime>::mutate(model.id(), |record| {
				let record = record.as_mut().expect("the model is registered");
				record.info.run_micros = model.run_micros();
			});
		});
	}

	/// An account with money.
	pub fn account(&mut self, name: &str) -> Account {
		let account = Account::new(name);
		let (id, fresh) = (account.id(), self.chain.wealth(&account.id()) == 0);
		if fresh {
			self.chain.write(|| Balances::mint_into(&id, WEALTH)).expect("money can be made");
		}
		self.narrator.name(&account);
		account
	}

	/// Accounts with money, numbered.
	pub fn accounts(&mut self, name: &str, count: usize) -> Vec<Account> {
		let accounts: Vec<Account> =
			(0..count).map(|number| Account::new(&format!("{name}-{number}"))).collect();
		let ids: Vec<_> = accounts.iter().map(Account::id).collect();
		self.chain.write(|| {
			for id in &ids {
				Balances::mint_into(id, WEALTH).expect("money can be made");
			}
		});
		accounts.iter().for_each(|account| self.narrator.name(account));
		accounts
	}

	/// Builds a block of calls of `who`, which must all succeed.
	pub fn do_now(&mut self, who: &Account, calls: Vec<RuntimeCall>) {
		let transactions = self.signed(who, calls);
		self.chain.ok_block(transactions);
	}

	/// Transactions of `who` in a row.
	pub fn signed(&mut self, who: &Account, calls: Vec<RuntimeCall>) -> Vec<UncheckedExtrinsic> {
		let first = self.chain.nonce(&who.id());
		let numbered = calls.into_iter().zip(first..);
		numbered.map(|(call, nonce)| self.chain.signed(who, nonce, 0, call)).collect()
	}

	/// The node of an operator with a large stake that serves the model. It does not act before
	/// [`Self::act`].
	pub fn operator(&mut self, name: &str, conduct: impl Conduct + 'static) -> Node {
		self.operator_with(name, conduct, 20_000 * ASY)
	}

	/// As [`Self::operator`], with this stake.
	pub fn operator_with(
		&mut self,
		name: &str,
		conduct: impl Conduct + 'static,
		stake: Balance,
	) -> Node {
		let account = self.account(name);
		let key = self.chain.read(|| register_key(&account));
		let models = BoundedVec::truncate_from(vec![self.model.id()]);
		let calls = vec![
			pallet_operators::Call::stake { amount: stake }.into(),
			key,
			pallet_operators::Call::serve { models }.into(),
		];
		self.do_now(&account, calls);
		if !conduct.cheats() {
			self.ledger.honest(&mut self.chain, &account, None);
		}
		let models = [self.model.clone()];
		Node::new(account, &models, (true, false), Box::new(conduct))
	}

	/// Has somebody act from now on, after those who do already.
	pub fn act(&mut self, actor: impl Actor + 'static) {
		self.actors.push(Box::new(actor));
	}

	/// Has an honest watcher act, unless the cast is without.
	pub fn watcher(&mut self, name: &str) -> Account {
		self.watcher_who(name, |node| Box::new(node))
	}

	/// As [`Self::watcher`], who acts in a way of its own.
	pub fn watcher_who(&mut self, name: &str, how: impl FnOnce(Node) -> Box<dyn Actor>) -> Account {
		let account = self.account(name);
		let key = self.chain.read(|| register_key(&account));
		self.do_now(&account, vec![key]);
		self.ledger.honest(&mut self.chain, &account, None);
		let models = [self.model.clone()];
		let honest = Box::new(crate::engine::Honest);
		let node = Node::new(account.clone(), &models, (false, true), honest);
		if !self.cast.without_watcher {
			self.actors.push(how(node));
		}
		account
	}

	/// Requests so many runs of the model, each of another input.
	pub fn request(&mut self, count: u64) -> Vec<JobId> {
		let calls = (0..count).map(|number| self.a_request(number, None)).collect();
		self.request_by("requester", calls)
	}

	/// Requests a run by a certain operator.
	pub fn request_of(&mut self, operator: &Account) -> JobId {
		let next = self.chain.read(pallet_jobs::NextJob::<Runtime>::get);
		let call = self.a_request(next, Some(operator));
		let jobs = self.request_by("requester", vec![call]);
		jobs.last().copied().unwrap_or_default()
	}

	/// The call that requests a run on the input of this number.
	pub fn a_request(&self, number: u64, operator: Option<&Account>) -> RuntimeCall {
		pallet_jobs::Call::request {
			model: self.model.id(),
			input: BoundedVec::truncate_from(self.model.input(number)),
			fee: FEE,
			operator: operator.map(Account::id),
		}
		.into()
	}

	/// Has an account make these requests; returns the new jobs.
	pub fn request_by(&mut self, name: &str, calls: Vec<RuntimeCall>) -> Vec<JobId> {
		let requester = self.account(name);
		let first = self.chain.read(pallet_jobs::NextJob::<Runtime>::get);
		let many = calls.len() > 500;
		let transactions = self.signed(&requester, calls);
		// A block has room for some thousands.
		let blocks = if many { 500 } else { transactions.len().max(1) };
		for part in transactions.chunks(blocks) {
			self.chain.ok_block(part.to_vec());
		}
		let last = self.chain.read(pallet_jobs::NextJob::<Runtime>::get);
		(first..last).collect()
	}

	/// The world in which the drill is played.
	pub fn world(self) -> World {
		World::new(self.chain, self.actors, self.author, self.ledger, self.narrator)
	}
}

/// The call that registers a model.
pub(crate) fn register_model(model: &Model) -> RuntimeCall {
	pallet_models::Call::register {
		program: BoundedVec::truncate_from(model.program().to_vec()),
		weights_root: model.weights_root(),
		metadata: metadata("chain"),
	}
	.into()
}

/// What somebody says about a model.
pub(crate) fn metadata(name: &str) -> pallet_models::ModelMetadata {
	pallet_models::ModelMetadata {
		name: BoundedVec::truncate_from(name.as_bytes().to_vec()),
		version: BoundedVec::truncate_from(b"1".to_vec()),
		source_hash: H256::zero(),
		parent: None,
		licence: BoundedVec::truncate_from(b"Apache-2.0".to_vec()),
	}
}
