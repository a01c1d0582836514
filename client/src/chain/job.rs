//! A job as the chain stores it.

use super::records::FaultKind;
use crate::{
	address::{self, address},
	amount::{decimal, Amount},
	output::hex0x,
};
use codec::Encode;
use serde::Serialize;
use std::fmt;
use subxt::{
	ext::scale_decode::{self, DecodeAsType},
	utils::{AccountId32, H256},
};

/// A paid request and the claim that answers it.
#[derive(DecodeAsType, Serialize, Clone, PartialEq, Eq, Debug)]
#[decode_as_type(crate_path = "scale_decode")]
pub struct Job {
	/// Who pays.
	#[serde(serialize_with = "address::serialize")]
	pub requester: AccountId32,
	/// What to run.
	pub model: H256,
	/// BLAKE3 of the input, computed by the chain.
	pub input_root: H256,
	/// What the operator earns.
	#[serde(serialize_with = "decimal")]
	pub fee: u128,
	/// What is held for the job's storage.
	#[serde(serialize_with = "decimal")]
	pub deposit: u128,
	/// The only operator that may accept, if the requester wants one.
	#[serde(serialize_with = "address::serialize_option")]
	pub designated: Option<AccountId32>,
	/// Block of the request.
	pub requested: u32,
	/// Last block at which the job can be accepted.
	pub expires: u32,
	/// Operators that missed its deadline, and do not get it again.
	#[serde(serialize_with = "address::serialize_list")]
	pub missed: Vec<AccountId32>,
	/// Where the job stands.
	pub status: JobStatus,
}

impl Job {
	/// Number of the current attempt, from 0.
	pub fn attempt(&self) -> u32 {
		self.missed.len() as u32
	}

	/// What calls and signatures about the job name besides its number, which may be another job's on
	/// another fork: blake2-256 of SCALE((requester, model, input root, fee, designated operator,
	/// number of the attempt)).
	pub fn content(&self) -> H256 {
		let content = (
			(self.requester.0, self.model.0, self.input_root.0),
			(self.fee, self.designated.as_ref().map(|id| id.0), self.attempt()),
		);
		H256(content.using_encoded(sp_crypto_hashing::blake2_256))
	}
}

/// Where a job stands. The last five absorb.
#[derive(DecodeAsType, Serialize, Clone, PartialEq, Eq, Debug)]
#[decode_as_type(crate_path = "scale_decode")]
pub enum JobStatus {
	/// It waits for an operator.
	Queued,
	/// An operator owes a claim.
	Assigned {
		/// Who owes it.
		#[serde(serialize_with = "address::serialize")]
		operator: AccountId32,
		/// Part of the operator's stake behind the job.
		#[serde(serialize_with = "decimal")]
		stake: u128,
		/// Last block at which it can claim.
		deadline: u32,
	},
	/// There is an answer, which may be challenged and refuted.
	Claimed {
		/// Who answered.
		#[serde(serialize_with = "address::serialize")]
		operator: AccountId32,
		/// Part of the operator's stake behind the claim.
		#[serde(serialize_with = "decimal")]
		stake: u128,
		/// BLAKE3 of the output, as claimed.
		output_root: H256,
		/// Last block at which a challenge may be opened.
		window_end: u32,
		/// How many things forbid finality now.
		live: u32,
		/// How many disputes have ever forbidden finality.
		disputes: u32,
		/// Pieces of the output that the operator owed and did not deliver.
		withheld: u32,
		/// What the operator earned by delivering others.
		#[serde(serialize_with = "decimal")]
		earned: u128,
	},
	/// The answer was not refuted, and was paid for.
	Final {
		/// Who answered.
		#[serde(serialize_with = "address::serialize")]
		operator: AccountId32,
		/// BLAKE3 of the output.
		output_root: H256,
		/// How much the result was looked at.
		assurance: Assurance,
	},
	/// The answer was false, or was not defended. The requester was refunded.
	Fraud {
		/// Who answered.
		#[serde(serialize_with = "address::serialize")]
		operator: AccountId32,
		/// BLAKE3 of the output, as falsely claimed.
		output_root: H256,
		/// What was wrong.
		fault: FaultKind,
	},
	/// The requester withdrew the job.
	Cancelled,
	/// Nobody answered in time.
	Expired,
	/// The answer was not refuted, but the operator withheld the output. The requester was refunded.
	Void {
		/// Who answered.
		#[serde(serialize_with = "address::serialize")]
		operator: AccountId32,
		/// BLAKE3 of the output, as claimed.
		output_root: H256,
	},
}

/// How much a final result was looked at.
#[derive(DecodeAsType, Serialize, Clone, Copy, PartialEq, Eq, Debug)]
#[decode_as_type(crate_path = "scale_decode")]
pub struct Assurance {
	/// Blocks for which anyone could challenge it.
	pub window: u32,
	/// How many disputes it survived.
	pub disputes: u32,
	/// Block at which it became final.
	pub at: u32,
}

impl JobStatus {
	/// Whether the job is over.
	pub fn is_over(&self) -> bool {
		use JobStatus::*;
		matches!(self, Final { .. } | Fraud { .. } | Cancelled | Expired | Void { .. })
	}

	/// One word for it.
	pub fn word(&self) -> &'static str {
		match self {
			JobStatus::Queued => "queued",
			JobStatus::Assigned { .. } => "assigned",
			JobStatus::Claimed { .. } => "claimed",
			JobStatus::Final { .. } => "final",
			JobStatus::Fraud { .. } => "fraud",
			JobStatus::Cancelled => "cancelled",
			JobStatus::Expired => "expired",
			JobStatus::Void { .. } => "void",
		}
	}
}

impl fmt::Display for JobStatus {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		match self {
			JobStatus::Assigned { operator, deadline, .. } => {
				let operator = address(operator);
				write!(f, "assigned to {operator}, who must claim by block {deadline}")
			},
			JobStatus::Claimed { operator, window_end, live, withheld, .. } => {
				let operator = address(operator);
				write!(f, "claimed by {operator}, may be challenged until block {window_end}")?;
				match live {
					0 => {},
					live => write!(f, "; {live} challenges or demands open")?,
				}
				match withheld {
					0 => Ok(()),
					_ => write!(f, "; void after that, for the operator withheld the output"),
				}
			},
			JobStatus::Final { operator, assurance, .. } => {
				let Assurance { window, disputes, at } = assurance;
				write!(f, "final since block {at}, answered by {} ", address(operator))?;
				write!(f, "(open to challenge for {window} blocks, survived {disputes} disputes)")
			},
			JobStatus::Fraud { operator, fault, .. } => {
				write!(f, "fraud by {}: {fault}; the fee was refunded", address(operator))
			},
			JobStatus::Void { operator, .. } => {
				let operator = address(operator);
				write!(f, "void: {operator} withheld the output; the fee was refunded")
			},
			other => f.write_str(other.word()),
		}
	}
}

impl Job {
	/// The claimed output root, once there is a claim.
	pub fn output_root(&self) -> Option<H256> {
		match &self.status {
			JobStatus::Claimed { output_root, .. }
			| JobStatus::Final { output_root, .. }
			| JobStatus::Fraud { output_root, .. }
			| JobStatus::Void { output_root, .. } => Some(*output_root),
			_ => None,
		}
	}

	/// Who works on it, or answered it.
	pub fn operator(&self) -> Option<&AccountId32> {
		match &self.status {
			JobStatus::Assigned { operator, .. }
			| JobStatus::Claimed { operator, .. }
			| JobStatus::Final { operator, .. }
			| JobStatus::Fraud { operator, .. }
			| JobStatus::Void { operator, .. } => Some(operator),
			_ => None,
		}
	}
}

impl fmt::Display for Job {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		writeln!(f, "status       {}", self.status)?;
		writeln!(f, "requester    {}", address(&self.requester))?;
		writeln!(f, "model        {}", hex0x(&self.model.0))?;
		let deposit = Amount(self.deposit);
		writeln!(f, "fee          {} (and {deposit} deposit)", Amount(self.fee))?;
		writeln!(f, "input root   {}", hex0x(&self.input_root.0))?;
		if let Some(root) = self.output_root() {
			writeln!(f, "output root  {}", hex0x(&root.0))?;
		}
		if let Some(operator) = &self.designated {
			writeln!(f, "designated   {}", address(operator))?;
		}
		writeln!(f, "requested    at block {}, attempt {}", self.requested, self.attempt())
	}
}
