//! Challengers who do not mean it.

use super::is_open;
use crate::{
	account::Account,
	world::{Actor, View},
};
use assay_primitives::JobId;
use assay_referee::{opening::ENTRIES_PER_CHUNK, NodeKey, Object};
use assay_runtime::Runtime;
use pallet_challenges::{Call, ChallengeId, Challenged, Challenges, Turn};
use sp_core::H256;

/// Many accounts that each challenge one claim, walk down its trace for some moves, and stop.
pub struct Shams {
	name: String,
	accounts: Vec<Account>,
	job: JobId,
	moves: usize,
	ops: u32,
}

impl Shams {
	/// These accounts against `job`, a run of so many operations, with so many moves each.
	pub fn new(name: &str, accounts: Vec<Account>, job: JobId, ops: u32, moves: usize) -> Self {
		Self { name: name.into(), accounts, job, moves, ops }
	}

	/// The way of the sham of this number: all begin at the top and then scatter.
	fn way(&self, number: usize) -> [NodeKey; 4] {
		let entry = number as u32 % self.ops;
		let chunk = u64::from(entry) / ENTRIES_PER_CHUNK;
		let node = |object, index| NodeKey { object, level: 0, index };
		[
			NodeKey::top(Object::Trace),
			node(Object::Trace, chunk),
			NodeKey::top(Object::Tensor(entry)),
			node(Object::Tensor(entry), number as u64 % 2),
		]
	}
}

impl Actor for Shams {
	fn name(&self) -> &str {
		&self.name
	}

	fn act(&mut self, view: &mut View<'_>) {
		let job = self.job;
		if !view.read(|| is_open(job)) {
			return;
		}
		for (number, account) in self.accounts.iter().enumerate() {
			let who = account.id();
			let standing = view.read(|| {
				let id: ChallengeId = Challenged::<Runtime>::get(job, &who)?;
				let moved = Challenges::<Runtime>::get(id)?.path.len();
				Some((id, moved, assay_runtime::Challenges::turn(id)))
			});
			match standing {
				None => {
					let output_root = H256::repeat_byte(number as u8 ^ 0xa5);
					view.send_signed(account, Call::open { job, output_root, auth: None });
				},
				Some((challenge, moved, Some(Turn::Challenger { .. }))) if moved < self.moves => {
					let Some(node) = self.way(number).get(moved).copied() else { continue };
					view.send_signed(account, Call::ask { challenge, node, auth: None });
				},
				Some(_) => {},
			}
		}
	}
}
