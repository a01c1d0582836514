//! What the chain stores, as the client reads it.
//!
//! Values are decoded by field name with the chain's metadata, so a field that the client does not
//! know is skipped, and one that is missing is an error.

use crate::{
	address::{self, address},
	amount::{decimal, Amount},
	output::{hex0x, printable},
};
use serde::Serialize;
use std::fmt;
use subxt::{
	ext::scale_decode::{self, DecodeAsType},
	utils::{AccountId32, H256},
};

/// Facts about a model on which jobs and disputes rest.
#[derive(DecodeAsType, Serialize, Clone, PartialEq, Eq, Debug)]
#[decode_as_type(crate_path = "scale_decode")]
pub struct ModelInfo {
	/// BLAKE3 of the program.
	pub program_root: H256,
	/// BLAKE3 of the weights.
	pub weights_root: H256,
	/// Length of the weights in bytes.
	pub weights_len: u64,
	/// Number of operations.
	pub n_ops: u32,
	/// Length of an input in bytes.
	pub input_len: u64,
	/// Length of an output in bytes.
	pub output_len: u64,
	/// Cost units of one run, about one per multiply-add.
	pub units: u64,
	/// How long one run takes on the slowest machine that the chain admits, in microseconds.
	pub run_micros: u64,
	/// Whether new jobs may name the model.
	pub active: bool,
}

/// A registered model. It belongs to nobody; see [`Endorsement`].
#[derive(DecodeAsType, Serialize, Clone, PartialEq, Eq, Debug)]
#[decode_as_type(crate_path = "scale_decode")]
pub struct ModelRecord {
	/// What jobs need to know.
	pub info: ModelInfo,
	/// Where it is in its life.
	pub state: ModelState,
	/// The endorsements that stand.
	pub standing: Option<Standing>,
	/// The endorsements that were recalled.
	pub recalls: Option<Recalls>,
}

/// Where a model is in its life.
#[derive(DecodeAsType, Serialize, Clone, PartialEq, Eq, Debug)]
#[decode_as_type(crate_path = "scale_decode")]
pub enum ModelState {
	/// Somebody stands behind it: it takes jobs.
	Endorsed,
	/// Nobody does any more: it takes no new jobs.
	Retired {
		/// Who withdrew last.
		#[serde(serialize_with = "address::serialize")]
		depositor: AccountId32,
		/// What it gets back when the model is removed or endorsed again.
		#[serde(serialize_with = "decimal")]
		deposit: u128,
	},
	/// Nobody stands behind it, and somebody warned of it.
	Recalled,
	/// Governance stopped it.
	Stopped,
}

impl ModelState {
	/// What is to be said of it.
	pub fn words(&self) -> &'static str {
		match self {
			ModelState::Endorsed => "takes jobs",
			ModelState::Retired { .. } => "retired: nobody stands behind it",
			ModelState::Recalled => "recalled: nobody stands behind it any more",
			ModelState::Stopped => "stopped by governance",
		}
	}
}

/// The endorsements of a model that stand, in the order in which they were given.
#[derive(DecodeAsType, Serialize, Clone, PartialEq, Eq, Debug)]
#[decode_as_type(crate_path = "scale_decode")]
pub struct Standing {
	/// How many.
	pub count: u32,
	/// Who stands behind the model longest, and speaks for it.
	#[serde(serialize_with = "address::serialize")]
	pub first: AccountId32,
	/// Who endorsed it last.
	#[serde(serialize_with = "address::serialize")]
	pub last: AccountId32,
}

/// The endorsements of a model that were recalled.
#[derive(DecodeAsType, Serialize, Clone, PartialEq, Eq, Debug)]
#[decode_as_type(crate_path = "scale_decode")]
pub struct Recalls {
	/// How many.
	pub count: u32,
	/// Who recalled last.
	#[serde(serialize_with = "address::serialize")]
	pub last: AccountId32,
	/// Of all who recalled, who had endorsed the model first.
	#[serde(serialize_with = "address::serialize")]
	pub eldest: AccountId32,
}

/// That an account stands behind a model, or did until it warned of it.
#[derive(DecodeAsType, Clone, PartialEq, Eq, Debug)]
#[decode_as_type(crate_path = "scale_decode")]
pub struct EndorsementRecord {
	/// What the account says about the model.
	pub metadata: ModelMetadata,
	/// What is held from it.
	pub deposit: u128,
	/// Block at which it was given.
	pub since: u32,
	/// Whether it stands.
	pub state: EndorsementState,
}

/// Where an endorsement is in its life.
#[derive(DecodeAsType, Clone, PartialEq, Eq, Debug)]
#[decode_as_type(crate_path = "scale_decode")]
pub enum EndorsementState {
	/// It stands.
	Standing {
		/// Who endorsed before, and still does.
		before: Option<AccountId32>,
		/// Who endorsed after, and still does.
		after: Option<AccountId32>,
	},
	/// It was recalled, for good.
	Recalled {
		/// Block at which it was.
		at: u32,
		/// Why.
		reason: Vec<u8>,
	},
}

/// What a job of a model gives time for, in blocks.
#[derive(Serialize, Clone, Copy, PartialEq, Eq, Debug)]
pub struct Periods {
	/// For accepting it.
	pub queue: u32,
	/// For claiming after accepting.
	pub claim: u32,
	/// For challenging the claim.
	pub window: u32,
	/// Length of a block.
	pub block_millis: u64,
}

impl fmt::Display for Periods {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		let seconds = |blocks: u32| (u64::from(blocks) * self.block_millis).div_ceil(1_000);
		write!(
			f,
			"accepted within {} s, answered within {} s of that, final {} s later",
			seconds(self.queue),
			seconds(self.claim),
			seconds(self.window),
		)
	}
}

/// What a requester demands of an output, as far as the client cares.
#[derive(DecodeAsType, Clone, Copy, PartialEq, Eq, Debug)]
#[decode_as_type(crate_path = "scale_decode")]
pub struct Demand {
	/// Last block at which it may be delivered.
	pub deadline: u32,
}

/// What an endorser says about a model.
#[derive(DecodeAsType, Clone, PartialEq, Eq, Debug)]
#[decode_as_type(crate_path = "scale_decode")]
pub struct ModelMetadata {
	/// Name for people.
	pub name: Vec<u8>,
	/// Version in the endorser's own scheme.
	pub version: Vec<u8>,
	/// Hash of the file that the model was compiled from.
	pub source_hash: H256,
	/// The model that this one was made from.
	pub parent: Option<H256>,
	/// Licence.
	pub licence: Vec<u8>,
}

/// Whether an operator takes new work.
#[derive(DecodeAsType, Serialize, Clone, Copy, PartialEq, Eq, Debug)]
#[decode_as_type(crate_path = "scale_decode")]
pub enum OperatorStatus {
	/// It does.
	Active,
	/// It does not.
	Chilled {
		/// First block at which it can be activated again.
		until: u32,
	},
}

impl fmt::Display for OperatorStatus {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		f.pad(match self {
			Self::Active => "active",
			Self::Chilled { .. } => "chilled",
		})
	}
}

/// Money on its way out of a stake.
#[derive(DecodeAsType, Serialize, Clone, PartialEq, Eq, Debug)]
#[decode_as_type(crate_path = "scale_decode")]
pub struct UnstakingAmount {
	/// How much.
	#[serde(serialize_with = "decimal")]
	pub amount: u128,
	/// First block at which it can be withdrawn.
	pub due: u32,
}

/// An operator and its stake.
#[derive(DecodeAsType, Serialize, Clone, PartialEq, Eq, Debug)]
#[decode_as_type(crate_path = "scale_decode")]
pub struct OperatorRecord {
	/// Whether it takes new work.
	pub status: OperatorStatus,
	/// All that is held, including what is being unstaked.
	#[serde(serialize_with = "decimal")]
	pub stake: u128,
	/// The part that backs open claims.
	#[serde(serialize_with = "decimal")]
	pub exposed: u128,
	/// Amounts on their way out.
	pub unstaking: Vec<UnstakingAmount>,
	/// Deadlines missed in a row.
	pub missed: u32,
}

/// The service key of an account.
#[derive(DecodeAsType, Clone, PartialEq, Eq, Debug)]
#[decode_as_type(crate_path = "scale_decode")]
pub struct KeyRecord {
	/// The key.
	pub key: [u8; 32],
	/// What it may have on hold or lost in its owner's name.
	pub allowance: u128,
	/// What it has put on hold, less what came back.
	pub spent: u128,
}

impl KeyRecord {
	/// What it may still put on hold.
	pub fn left(&self) -> u128 {
		self.allowance.saturating_sub(self.spent)
	}
}

/// What a node of a dispute belongs to.
#[derive(DecodeAsType, Serialize, Clone, Copy, PartialEq, Eq, Debug)]
#[decode_as_type(crate_path = "scale_decode")]
pub enum Object {
	/// The list of all tensor roots.
	Trace,
	/// The output of one op.
	Tensor(u32),
}

/// A node of the trace or of one of its tensors.
#[derive(DecodeAsType, Serialize, Clone, Copy, PartialEq, Eq, Debug)]
#[decode_as_type(crate_path = "scale_decode")]
pub struct Node {
	/// What it belongs to.
	pub object: Object,
	/// Height; 0 is a chunk of 1 KiB.
	pub level: u8,
	/// Index at that height.
	pub index: u64,
}

impl fmt::Display for Node {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		match self.object {
			Object::Trace => write!(f, "trace")?,
			Object::Tensor(entry) => write!(f, "tensor {entry}")?,
		}
		match self.level {
			assay_referee::NodeKey::TOP => write!(f, " top"),
			level => write!(f, " level {level} index {}", self.index),
		}
	}
}

/// Why a claim is false.
#[derive(DecodeAsType, Serialize, Clone, Copy, PartialEq, Eq, Debug)]
#[decode_as_type(crate_path = "scale_decode")]
pub enum FaultKind {
	/// The chain recomputed one element and got another value.
	Leaf {
		/// Number of the op.
		entry: u32,
		/// Number of the element.
		element: u64,
	},
	/// The chain recomputed one chunk and got other bytes.
	Chunk {
		/// Number of the op.
		entry: u32,
		/// Number of the chunk.
		chunk: u64,
	},
	/// The operator did not reveal its trace root in time.
	NoTrace,
	/// Nobody opened this node in time.
	NoAnswer(Node),
}

impl fmt::Display for FaultKind {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		match self {
			FaultKind::Leaf { entry, element } => {
				write!(f, "element {element} of op {entry} is wrong")
			},
			FaultKind::Chunk { entry, chunk } => write!(f, "chunk {chunk} of op {entry} is wrong"),
			FaultKind::NoTrace => write!(f, "the operator revealed no trace"),
			FaultKind::NoAnswer(node) => write!(f, "nobody opened {node}"),
		}
	}
}

/// Where a challenge stands.
#[derive(DecodeAsType, Serialize, Clone, Copy, PartialEq, Eq, Debug)]
#[decode_as_type(crate_path = "scale_decode")]
pub enum ChallengeState {
	/// Being played.
	Live,
	/// The claim was false and this was the earliest challenge against it.
	Won,
	/// The challenger let its turn pass.
	Lapsed,
	/// The claim ended otherwise.
	Mooted,
}

/// One party's walk down a trace.
#[derive(DecodeAsType, Serialize, Clone, PartialEq, Eq, Debug)]
#[decode_as_type(crate_path = "scale_decode")]
pub struct Challenge {
	/// The job whose claim is challenged.
	pub job: u64,
	/// The challenger.
	#[serde(serialize_with = "address::serialize")]
	pub who: AccountId32,
	/// The output root that the challenger says is right.
	pub output_root: H256,
	/// What is held from the challenger.
	#[serde(serialize_with = "decimal")]
	pub bond: u128,
	/// When it was opened.
	pub opened_at: u32,
	/// When the challenger moved last, or the challenge ended.
	pub since: u32,
	/// The nodes that the challenger walked through, from the trace's top down.
	pub path: Vec<Node>,
	/// Where it stands.
	pub state: ChallengeState,
}

/// An account's money.
#[derive(DecodeAsType, Serialize, Clone, Copy, PartialEq, Eq, Debug, Default)]
#[decode_as_type(crate_path = "scale_decode")]
pub struct Balance {
	/// What can be spent, or held.
	#[serde(serialize_with = "decimal")]
	pub free: u128,
	/// What is held: stakes, fees, deposits, bonds.
	#[serde(serialize_with = "decimal")]
	pub reserved: u128,
}

impl Balance {
	/// Everything the account owns.
	pub fn total(&self) -> u128 {
		self.free.saturating_add(self.reserved)
	}
}

#[derive(DecodeAsType)]
#[decode_as_type(crate_path = "scale_decode")]
pub(super) struct AccountInfo {
	pub(super) data: Balance,
}

/// Weight, of which the client reads the reference time in picoseconds.
#[derive(DecodeAsType)]
#[decode_as_type(crate_path = "scale_decode")]
pub(super) struct Weight {
	pub(super) ref_time: u64,
}

/// What a block used up, by class of its calls.
#[derive(DecodeAsType)]
#[decode_as_type(crate_path = "scale_decode")]
pub(super) struct BlockWeight {
	pub(super) normal: Weight,
	pub(super) operational: Weight,
	pub(super) mandatory: Weight,
}

/// What somebody who stands behind a model says about it.
#[derive(Serialize, Clone, Default, Debug)]
pub struct Words {
	/// Its name for the model.
	pub name: String,
	/// Its version.
	pub version: String,
	/// Its licence.
	pub licence: String,
	/// Hash of the file that the model was compiled from.
	pub source_hash: H256,
	/// The model that it was made from.
	pub parent: Option<H256>,
}

impl From<ModelMetadata> for Words {
	fn from(said: ModelMetadata) -> Words {
		let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
		Words {
			name: text(&said.name),
			version: text(&said.version),
			licence: text(&said.licence),
			source_hash: said.source_hash,
			parent: said.parent,
		}
	}
}

/// A model with all that the chain knows of it.
#[derive(Serialize, Clone, Debug)]
pub struct Model {
	/// Its name: BLAKE3 over the roots.
	pub id: H256,
	/// What is said of it, by whoever stands behind it longest.
	#[serde(flatten)]
	pub words: Words,
	/// What the chain checks.
	#[serde(flatten)]
	pub record: ModelRecord,
}

impl Model {
	pub(super) fn new(id: H256, record: ModelRecord, metadata: Option<ModelMetadata>) -> Model {
		Model { id, words: metadata.map(Words::from).unwrap_or_default(), record }
	}

	/// How many stand behind it.
	pub fn endorsers(&self) -> u32 {
		self.record.standing.as_ref().map_or(0, |standing| standing.count)
	}

	/// How many warn of it.
	pub fn recalls(&self) -> u32 {
		self.record.recalls.as_ref().map_or(0, |recalls| recalls.count)
	}
}

impl fmt::Display for Model {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		let (info, words) = (&self.record.info, &self.words);
		writeln!(f, "model         {}", hex0x(&self.id.0))?;
		writeln!(f, "name          {} {}", printable(&words.name), printable(&words.version))?;
		writeln!(f, "state         {}", self.record.state.words())?;
		writeln!(f, "licence       {}", printable(&words.licence))?;
		writeln!(f, "source hash   {}", hex0x(&words.source_hash.0))?;
		if let Some(parent) = words.parent {
			writeln!(f, "parent        {}", hex0x(&parent.0))?;
		}
		writeln!(f, "program root  {}", hex0x(&info.program_root.0))?;
		writeln!(f, "weights root  {}", hex0x(&info.weights_root.0))?;
		let weights = crate::output::bytes(info.weights_len);
		writeln!(f, "ops           {} (weights {weights})", info.n_ops)?;
		writeln!(f, "work          {} multiply-adds a run", info.units)?;
		let run = info.run_micros as f64 / 1e3;
		writeln!(f, "run           {run:.1} ms on the slowest machine that the chain admits")?;
		writeln!(f, "input         {} bytes", info.input_len)?;
		writeln!(f, "output        {} bytes", info.output_len)?;
		writeln!(f, "endorsers     {}", self.endorsers())?;
		match self.recalls() {
			0 => Ok(()),
			recalls => writeln!(f, "recalled by   {recalls}"),
		}
	}
}

/// Somebody who stands behind a model, or warns of it.
#[derive(Serialize, Clone, Debug)]
pub struct Endorsement {
	/// Who.
	#[serde(serialize_with = "address::serialize")]
	pub account: AccountId32,
	/// What it says.
	#[serde(flatten)]
	pub words: Words,
	/// What is held from it.
	#[serde(serialize_with = "decimal")]
	pub deposit: u128,
	/// Block at which it endorsed.
	pub since: u32,
	/// The warning, if it recalled the model.
	pub recall: Option<Recall>,
}

/// A warning of a model.
#[derive(Serialize, Clone, Debug)]
pub struct Recall {
	/// Block at which it was given.
	pub at: u32,
	/// Why.
	pub reason: String,
}

impl Endorsement {
	pub(super) fn new(account: AccountId32, record: EndorsementRecord) -> Endorsement {
		let recall = match record.state {
			EndorsementState::Standing { .. } => None,
			EndorsementState::Recalled { at, reason } => {
				Some(Recall { at, reason: String::from_utf8_lossy(&reason).into_owned() })
			},
		};
		let EndorsementRecord { metadata, deposit, since, .. } = record;
		Endorsement { account, words: metadata.into(), deposit, since, recall }
	}
}

impl fmt::Display for Endorsement {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		let Words { name, version, .. } = &self.words;
		let (name, version) = (printable(name), printable(version));
		write!(f, "{}  {name} {version}, since block {}", address(&self.account), self.since)?;
		match &self.recall {
			None => Ok(()),
			Some(recall) => {
				let reason = printable(&recall.reason);
				write!(f, "; RECALLED at block {}: {reason}", recall.at)
			},
		}
	}
}

/// An operator with all that the chain knows of it.
#[derive(Serialize, Clone, Debug)]
pub struct Operator {
	/// Its account.
	#[serde(serialize_with = "address::serialize")]
	pub account: AccountId32,
	/// Its stake and state.
	#[serde(flatten)]
	pub record: OperatorRecord,
	/// Its service key.
	pub service_key: Option<H256>,
	/// What the key may still put on hold.
	#[serde(serialize_with = "decimal")]
	pub allowance: u128,
	/// The models it serves.
	pub serves: Vec<H256>,
	/// Its account's money.
	pub balance: Balance,
}

impl fmt::Display for Operator {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		let r = &self.record;
		writeln!(f, "operator     {}", address(&self.account))?;
		writeln!(f, "state        {}, {} deadlines missed in a row", r.status, r.missed)?;
		if let OperatorStatus::Chilled { until } = r.status {
			writeln!(f, "activate     from block {until} on")?;
		}
		let exposed = Amount(r.exposed);
		writeln!(f, "stake        {} ({exposed} behind open claims)", Amount(r.stake))?;
		for chunk in &r.unstaking {
			writeln!(f, "unstaking    {} due at block {}", Amount(chunk.amount), chunk.due)?;
		}
		match &self.service_key {
			Some(key) => {
				writeln!(f, "service key  {}", hex0x(&key.0))?;
				writeln!(f, "allowance    {} for bonds and questions", Amount(self.allowance))?;
			},
			None => writeln!(f, "service key  none: run assay operator key insert")?,
		}
		for model in &self.serves {
			writeln!(f, "serves       {}", hex0x(&model.0))?;
		}
		let (free, held) = (Amount(self.balance.free), Amount(self.balance.reserved));
		writeln!(f, "balance      {free} free, {held} held")
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::chain::{drift::COMMITTED_METADATA, Assurance, Job, JobStatus};
	use subxt::{ext::scale_value::scale, metadata::Metadata};

	/// Whatever decodes as the type at `path` of the committed metadata decodes as `V` too, in
	/// every variant if it is an enum.
	fn fits<V: DecodeAsType>(metadata: &Metadata, path: &str) {
		let types = metadata.types();
		let mut tried = 0;
		for entry in types.types.iter().filter(|entry| entry.ty.path.to_string() == path) {
			for first in 0..16u8 {
				let bytes = [&[first][..], &[0; 2048]].concat();
				if scale::decode_as_type(&mut bytes.as_slice(), entry.id, types).is_err() {
					continue;
				}
				tried += 1;
				let decoded = V::decode_as_type(&mut bytes.as_slice(), entry.id, types);
				assert!(decoded.is_ok(), "{path}, first byte {first}: {:?}", decoded.err());
			}
		}
		assert!(tried > 0, "{path} is not in the committed metadata");
	}

	#[test]
	fn records_are_the_committed_metadatas() {
		let metadata = Metadata::decode_from(COMMITTED_METADATA).unwrap();
		fits::<ModelRecord>(&metadata, "pallet_models::types::ModelRecord");
		fits::<ModelState>(&metadata, "pallet_models::types::ModelState");
		fits::<ModelMetadata>(&metadata, "pallet_models::types::ModelMetadata");
		fits::<EndorsementRecord>(&metadata, "pallet_models::types::Endorsement");
		fits::<EndorsementState>(&metadata, "pallet_models::types::EndorsementState");
		fits::<OperatorRecord>(&metadata, "pallet_operators::types::OperatorRecord");
		fits::<OperatorStatus>(&metadata, "pallet_operators::types::OperatorStatus");
		fits::<KeyRecord>(&metadata, "pallet_operators::types::KeyRecord");
		fits::<Job>(&metadata, "pallet_jobs::types::Job");
		fits::<JobStatus>(&metadata, "pallet_jobs::types::JobStatus");
		fits::<Assurance>(&metadata, "pallet_jobs::types::Assurance");
		fits::<FaultKind>(&metadata, "assay_primitives::claims::FaultKind");
		fits::<Challenge>(&metadata, "pallet_challenges::types::Challenge");
		fits::<ChallengeState>(&metadata, "pallet_challenges::types::ChallengeState");
		fits::<AccountInfo>(&metadata, "frame_system::AccountInfo");
	}
}
