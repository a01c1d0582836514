//! Requesters who want to have the bytes.

use crate::{
	account::Account,
	world::{Actor, View},
};
use assay_primitives::{JobId, MAX_PIECES, PIECE_BYTES};
use assay_runtime::{BlockNumber, Runtime};
use pallet_jobs::{Call, Demands, JobStatus, Jobs};
use std::collections::BTreeSet;

/// When a requester demands the output of a claim.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DemandsWhen {
	/// As soon as there is a claim.
	AtOnce,
	/// In the last block of the window.
	AtTheEnd,
}

/// A requester that demands the whole output of each of its jobs, once.
pub struct Demander {
	account: Account,
	when: DemandsWhen,
	pieces: u32,
	demanded: BTreeSet<JobId>,
}

impl Demander {
	/// This account, whose jobs have outputs of so many bytes.
	pub fn new(account: Account, when: DemandsWhen, output_len: u32) -> Self {
		let pieces = output_len.div_ceil(PIECE_BYTES).min(MAX_PIECES);
		Self { account, when, pieces, demanded: BTreeSet::new() }
	}
}

impl Actor for Demander {
	fn name(&self) -> &str {
		self.account.name()
	}

	fn act(&mut self, view: &mut View<'_>) {
		let (who, next) = (self.account.id(), view.now() + 1);
		let claimed: Vec<(JobId, BlockNumber)> = view.read(|| {
			Jobs::<Runtime>::iter()
				.filter(|(id, job)| job.requester == who && !Demands::<Runtime>::contains_key(id))
				.filter_map(|(id, job)| match job.status {
					JobStatus::Claimed { window_end, .. } => Some((id, window_end)),
					_ => None,
				})
				.collect()
		});
		for (job, window_end) in claimed {
			if (self.when == DemandsWhen::AtOnce || next == window_end) && self.demanded.insert(job)
			{
				let pieces = self.pieces;
				view.send_signed(&self.account, Call::demand { job, first: 0, pieces });
			}
		}
	}
}
