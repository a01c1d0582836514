//! Tells a drill block by block, in short lines.

use crate::{account::Account, world::KNOWN};
use assay_runtime::{AccountId, BlockNumber, RuntimeCall, RuntimeEvent, UncheckedExtrinsic};
use frame_support::traits::GetCallMetadata;
use pallet_challenges::Event as C;
use pallet_jobs::Event as J;
use pallet_operators::Event as O;
use sp_core::crypto::Ss58Codec;
use sp_runtime::{
	transaction_validity::{InvalidTransaction, TransactionValidityError},
	ApplyExtrinsicResult,
};
use std::collections::BTreeMap;

/// Lines of one kind told in one block; of the others only the number.
const MOST: usize = 3;

/// Prints what happens, or nothing.
#[derive(Default)]
pub struct Narrator {
	aloud: bool,
	names: BTreeMap<AccountId, String>,
	refusals: BTreeMap<String, usize>,
}

impl Narrator {
	/// Tells everything, if `aloud`.
	pub fn new(aloud: bool) -> Self {
		Self { aloud, ..Self::default() }
	}

	/// What to call somebody.
	pub fn name(&mut self, who: &Account) {
		self.names.insert(who.id(), who.name().into());
	}

	/// Says something.
	pub(crate) fn say(&self, what: &str) {
		if self.aloud {
			println!("  {what}");
		}
	}

	fn called(&self, who: &AccountId) -> String {
		match self.names.get(who) {
			Some(name) => name.clone(),
			None => who.to_ss58check().chars().take(8).collect(),
		}
	}

	/// The pool refused something.
	pub(crate) fn refused(
		&mut self,
		by: &str,
		transaction: &UncheckedExtrinsic,
		why: TransactionValidityError,
	) {
		if self.aloud {
			let line = format!("{by}: {} refused by the pool: {}", call(transaction), short(&why));
			*self.refusals.entry(line).or_default() += 1;
		}
	}

	/// A block held something, or its author tried.
	pub(crate) fn included(
		&mut self,
		_: BlockNumber,
		by: &str,
		transaction: &UncheckedExtrinsic,
		result: &ApplyExtrinsicResult,
		slipped: bool,
	) {
		if !self.aloud {
			return;
		}
		let how = if slipped { ", handed to the author," } else { "" };
		let line = match result {
			Ok(Ok(())) => return,
			Ok(Err(error)) => {
				let error: &'static str = (*error).into();
				format!("{by}: {}{how} fails: {error}", call(transaction))
			},
			Err(why) => {
				format!("{by}: {}{how} refused in the block: {}", call(transaction), short(why))
			},
		};
		*self.refusals.entry(line).or_default() += 1;
	}

	/// What a block's events say.
	pub(crate) fn events(&mut self, at: BlockNumber, events: &[RuntimeEvent]) {
		if !self.aloud {
			return;
		}
		let mut lines: Vec<String> = std::mem::take(&mut self.refusals)
			.into_iter()
			.map(|(line, count)| if count > 1 { format!("{line} ({count} times)") } else { line })
			.collect();
		let mut seen = BTreeMap::<&'static str, usize>::new();
		for event in events {
			let Some((kind, line)) = self.line(event) else { continue };
			let count = seen.entry(kind).or_default();
			*count += 1;
			if *count <= MOST {
				lines.push(line);
			}
		}
		for (kind, count) in seen.into_iter().filter(|(_, count)| *count > MOST) {
			lines.push(format!("{kind}: {} more", count - MOST));
		}
		for line in lines {
			println!("  #{at:<4} {line}");
		}
	}

	/// A kind and a line for what matters.
	fn line(&self, event: &RuntimeEvent) -> Option<(&'static str, String)> {
		let who = |account: &AccountId| self.called(account);
		Some(match event {
			RuntimeEvent::Jobs(event) => match event {
				J::Requested { job, requester, .. } => {
					("requested", format!("job {job} requested by {}", who(requester)))
				},
				J::Accepted { job, operator, .. } => {
					("accepted", format!("job {job} accepted by {}", who(operator)))
				},
				J::Claimed { job, operator, window_end, .. } => (
					"claimed",
					format!("job {job} answered by {}, window to #{window_end}", who(operator)),
				),
				J::DeadlineMissed { job, operator, .. } => {
					("missed", format!("job {job}: {} missed the deadline", who(operator)))
				},
				J::Finalized { job, operator, .. } => {
					("final", format!("job {job} final, {} paid", who(operator)))
				},
				J::Demanded { job, pieces, deadline, .. } => (
					"output",
					format!("job {job}: {pieces} pieces of the output demanded by #{deadline}"),
				),
				J::Delivered { job, piece, .. } => {
					("delivered", format!("job {job}: piece {piece} of the output delivered"))
				},
				J::Withheld { job, operator, pieces, .. } => {
					("withheld", format!("job {job}: {} withheld {pieces} pieces", who(operator)))
				},
				J::Voided { job, .. } => ("void", format!("job {job} void, refunded")),
				J::Expired { job, .. } => ("expired", format!("job {job} expired, refunded")),
				J::FaultAccepted { job, operator, fault, .. } => (
					"false",
					format!(
						"job {job} false: {fault:?}; {} loses the stake behind it",
						who(operator)
					),
				),
				J::SlashShared { job, finder, prover, .. } => {
					let name = |one: &Option<AccountId>| one.as_ref().map_or("nobody".into(), who);
					(
						"shared",
						format!("job {job}: finder {}, prover {}", name(finder), name(prover)),
					)
				},
				_ => return None,
			},
			RuntimeEvent::Challenges(event) => match event {
				C::ChallengeOpened { challenge, job, who: by, .. } => {
					("opened", format!("challenge {challenge} of job {job} by {}", who(by)))
				},
				C::TraceDemanded { job, deadline } => {
					("demanded", format!("job {job}: trace demanded by #{deadline}"))
				},
				C::TraceRevealed { job, .. } => ("revealed", format!("job {job}: trace revealed")),
				C::NodeAsked { challenge, node, deadline, .. } => (
					"asked",
					format!("challenge {challenge} asks for {}, by #{deadline}", place(node)),
				),
				C::Advanced { challenge, node, .. } => {
					("advanced", format!("challenge {challenge} walks on to {}", place(node)))
				},
				C::NodeOpened { job, node, who: by, .. } => {
					("answered", format!("job {job}: {} opened by {}", place(node), who(by)))
				},
				C::ChallengeWon { challenge, who: by, .. } => {
					("won", format!("challenge {challenge} of {} wins", who(by)))
				},
				C::ChallengeMooted { challenge, .. } => {
					("moot", format!("challenge {challenge} is moot, the bond goes back"))
				},
				C::ChallengeLapsed { challenge, who: by, .. } => (
					"lapsed",
					format!("challenge {challenge} of {} lapses, the bond is lost", who(by)),
				),
				_ => return None,
			},
			RuntimeEvent::Operators(event) => match event {
				O::Chilled { operator, until } => {
					("chilled", format!("{} chilled until #{until}", who(operator)))
				},
				O::Activated { operator } => ("active", format!("{} active again", who(operator))),
				O::ServiceKeySet { account, .. } => {
					("key", format!("{} sets its key", who(account)))
				},
				_ => return None,
			},
			RuntimeEvent::SafeMode(_) => ("safe mode", "safe mode changes".into()),
			RuntimeEvent::System(frame_system::Event::CodeUpdated { .. }) => {
				("code", "the runtime's code changes".into())
			},
			_ => return None,
		})
	}
}

/// A node of a trace, shortly.
fn place(node: &assay_referee::NodeKey) -> String {
	let of = match node.object {
		assay_referee::Object::Trace => "the trace".into(),
		assay_referee::Object::Tensor(entry) => format!("tensor {entry}"),
	};
	match node.level {
		assay_referee::NodeKey::TOP => format!("the top of {of}"),
		0 => format!("chunk {} of {of}", node.index),
		level => format!("node {}/{} of {of}", level, node.index),
	}
}

/// The name of a transaction's call.
fn call(transaction: &UncheckedExtrinsic) -> String {
	let call: &RuntimeCall = &transaction.function;
	let metadata = call.get_call_metadata();
	format!("{}.{}", metadata.pallet_name, metadata.function_name)
}

fn short(why: &TransactionValidityError) -> String {
	match why {
		TransactionValidityError::Invalid(InvalidTransaction::Custom(KNOWN)) => {
			"it holds one that does the same".into()
		},
		TransactionValidityError::Invalid(why) => format!("{why:?}"),
		TransactionValidityError::Unknown(why) => format!("{why:?}"),
	}
}
