//! Those who live on what others send.

use crate::{
	account::Account,
	chain::authorization_of,
	world::{is_free, Actor, Pending, View},
};
use assay_primitives::JobId;
use assay_runtime::{
	constants::currency::ASY, transactions, BlockNumber, RuntimeCall, UncheckedExtrinsic,
};
use codec::Encode;
use sp_runtime::generic::Era;
use std::{
	cell::RefCell,
	collections::{BTreeMap, BTreeSet},
	rc::Rc,
};

/// What copiers offer so that their copy goes first.
const TIP: u128 = 10 * ASY;

/// Sends every free message that it sees again: as it is, with another era, nonce or tip, and as if
/// born in another block; to the pool, and by the hand of the author.
pub struct Copier {
	name: String,
	seen: BTreeSet<Vec<u8>>,
	last: Vec<UncheckedExtrinsic>,
}

impl Copier {
	/// A copier.
	pub fn new(name: &str) -> Self {
		Self { name: name.into(), seen: BTreeSet::new(), last: Vec::new() }
	}
}

impl Actor for Copier {
	fn name(&self) -> &str {
		&self.name
	}

	fn act(&mut self, view: &mut View<'_>) {
		// What was in the last block, once more.
		for old in std::mem::take(&mut self.last) {
			view.send(old.clone());
			view.slip(old);
		}
		let now = view.now();
		let fresh: Vec<UncheckedExtrinsic> = view
			.pool
			.iter()
			.map(|pending| pending.transaction.clone())
			.filter(|one| is_free(one) && self.seen.insert(one.encode()))
			.collect();
		for original in fresh {
			view.send(original.clone());
			for copy in forms(&original, now).into_iter().chain(births(&original)) {
				view.send(copy.clone());
				view.slip(copy);
			}
			self.last.push(original);
		}
	}
}

/// The same call in other wrappings.
fn forms(original: &UncheckedExtrinsic, now: BlockNumber) -> Vec<UncheckedExtrinsic> {
	let wrap = |(nonce, era, tip)| {
		let extension = transactions::extension(nonce, era, tip);
		UncheckedExtrinsic::new_transaction(original.function.clone(), extension)
	};
	[(1, Era::Immortal, 0), (0, Era::mortal(64, u64::from(now)), 0), (0, Era::Immortal, TIP)]
		.map(wrap)
		.into()
}

/// The same message as if born in other blocks.
fn births(original: &UncheckedExtrinsic) -> Vec<UncheckedExtrinsic> {
	let born = |change: fn(u32) -> u32| {
		let mut call = original.function.clone();
		let auth = authorization_of(&mut call)?.as_mut()?;
		auth.birth = change(auth.birth);
		Some(crate::chain::free(call))
	};
	let changes: [fn(u32) -> u32; 3] = [|birth| birth + 1, |birth| birth - 1, |_| 0];
	changes.into_iter().filter_map(born).collect()
}

/// Keeps every free message that it sees, and has the author include it so many blocks later.
pub struct Hoarder {
	name: String,
	age: BlockNumber,
	kept: BTreeMap<Vec<u8>, (UncheckedExtrinsic, BlockNumber)>,
}

impl Hoarder {
	/// Somebody who waits `age` blocks.
	pub fn new(name: &str, age: BlockNumber) -> Self {
		Self { name: name.into(), age, kept: BTreeMap::new() }
	}
}

impl Actor for Hoarder {
	fn name(&self) -> &str {
		&self.name
	}

	fn act(&mut self, view: &mut View<'_>) {
		let now = view.now();
		for pending in view.pool.iter().filter(|pending| is_free(&pending.transaction)) {
			let bytes = pending.transaction.encode();
			self.kept.entry(bytes).or_insert_with(|| (pending.transaction.clone(), now));
		}
		let ripe: Vec<UncheckedExtrinsic> = self
			.kept
			.values()
			.filter(|(_, since)| *since + self.age == now)
			.map(|(transaction, _)| transaction.clone())
			.collect();
		for old in ripe {
			view.send(old.clone());
			view.slip(old);
		}
	}
}

/// Has the author include first, signed by `account` with this tip, what `copies` makes of each
/// transaction that waits.
fn copy_first<Calls: IntoIterator<Item = RuntimeCall>>(
	view: &mut View<'_>,
	account: &Account,
	tip: u128,
	copies: impl Fn(&Pending) -> Calls,
) {
	let calls: Vec<RuntimeCall> = view.pool.iter().flat_map(copies).collect();
	for call in calls {
		let copy = view.signed(account, tip, call);
		view.slip(copy);
	}
}

/// Registers a service key that it sees in somebody else's registration, before the owner does.
pub struct KeyCopier(
	/// Who wants the key.
	pub Account,
);

impl Actor for KeyCopier {
	fn name(&self) -> &str {
		self.0.name()
	}

	fn act(&mut self, view: &mut View<'_>) {
		let me = &self.0;
		copy_first(view, me, TIP, |pending| {
			let call = pending.transaction.function.clone();
			let registration = matches!(
				call,
				RuntimeCall::Operators(pallet_operators::Call::set_service_key { key: Some(_) })
			);
			(registration && pending.by != me.name()).then_some(call)
		});
	}
}

/// Signs every fault proof that it sees as its own and has it included first.
pub struct FrontRunner(
	/// Who wants the reward.
	pub Account,
);

impl Actor for FrontRunner {
	fn name(&self) -> &str {
		self.0.name()
	}

	fn act(&mut self, view: &mut View<'_>) {
		use pallet_challenges::Call;
		copy_first(view, &self.0, TIP, |pending| match &pending.transaction.function {
			RuntimeCall::Challenges(Call::prove_fault { job, proof, auth: Some(_) }) => {
				let (job, proof) = (*job, proof.clone());
				Some(Call::prove_fault { job, proof, auth: None }.into())
			},
			_ => None,
		});
	}
}

/// Submits every fault proof that it sees against other jobs.
pub struct Misuser {
	account: Account,
	against: Vec<JobId>,
}

impl Misuser {
	/// Against these.
	pub fn new(account: Account, against: Vec<JobId>) -> Self {
		Self { account, against }
	}
}

impl Actor for Misuser {
	fn name(&self) -> &str {
		self.account.name()
	}

	fn act(&mut self, view: &mut View<'_>) {
		use pallet_challenges::Call;
		let against = |job: &JobId, proof: &_| {
			Call::prove_fault { job: *job, proof: Clone::clone(proof), auth: None }.into()
		};
		copy_first(view, &self.account, 0, |pending| match &pending.transaction.function {
			RuntimeCall::Challenges(Call::prove_fault { proof, .. }) => {
				self.against.iter().map(|job| against(job, proof)).collect()
			},
			_ => Vec::new(),
		});
	}
}

/// Opens every challenge that it sees on its way first, with the same root, and then does nothing.
pub struct Squatter(
	/// Who wants to be the finder.
	pub Account,
);

impl Actor for Squatter {
	fn name(&self) -> &str {
		self.0.name()
	}

	fn act(&mut self, view: &mut View<'_>) {
		use pallet_challenges::Call;
		copy_first(view, &self.0, TIP, |pending| match &pending.transaction.function {
			RuntimeCall::Challenges(Call::open { job, output_root, auth: Some(_) }) => {
				let (job, output_root) = (*job, *output_root);
				Some(Call::open { job, output_root, auth: None }.into())
			},
			_ => None,
		});
	}
}

/// Messages on their way from one fork to another.
pub type Recording = Rc<RefCell<Vec<UncheckedExtrinsic>>>;

/// Takes down every free message of its fork, as it was signed and as its author would have signed it
/// at the block before the forks part, which both contain.
pub struct Recorder {
	name: String,
	signers: Vec<Account>,
	parted: BlockNumber,
	seen: BTreeSet<Vec<u8>>,
	out: Recording,
}

impl Recorder {
	/// Of the messages of these, on forks whose last common block is `parted`.
	pub fn new(name: &str, signers: Vec<Account>, parted: BlockNumber, out: Recording) -> Self {
		Self { name: name.into(), signers, parted, seen: BTreeSet::new(), out }
	}
}

impl Actor for Recorder {
	fn name(&self) -> &str {
		&self.name
	}

	fn act(&mut self, view: &mut View<'_>) {
		let fresh: Vec<UncheckedExtrinsic> = view
			.pool
			.iter()
			.map(|pending| pending.transaction.clone())
			.filter(|one| is_free(one) && self.seen.insert(one.encode()))
			.collect();
		for original in fresh {
			let mut call = original.function.clone();
			let key = authorization_of(&mut call).and_then(|auth| auth.take()).map(|auth| auth.key);
			let signer =
				self.signers.iter().find(|one| Some(sp_core::Pair::public(&one.service())) == key);
			if let Some(signer) = signer {
				let again = view.chain.authorized_at(&signer.service(), self.parted, call);
				self.out.borrow_mut().push(again);
			}
			self.out.borrow_mut().push(original);
		}
	}
}

/// Has the author of its fork include what was recorded on the other.
pub struct Player {
	name: String,
	messages: Recording,
}

impl Player {
	/// Plays these.
	pub fn new(name: &str, messages: Recording) -> Self {
		Self { name: name.into(), messages }
	}
}

impl Actor for Player {
	fn name(&self) -> &str {
		&self.name
	}

	fn act(&mut self, view: &mut View<'_>) {
		let messages: Vec<UncheckedExtrinsic> = self.messages.borrow_mut().drain(..).collect();
		for message in messages {
			view.send(message.clone());
			view.slip(message);
		}
	}
}
