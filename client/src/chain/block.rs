//! Blocks as lists of steps: each extrinsic with its cost and events, decoded by metadata.

use super::{
	api::{Api, At},
	value::{self, Style},
};
use crate::error::Result;
use serde::Serialize;
use serde_json::{Map, Value as Json};
use std::fmt;
use subxt::{
	error::DispatchError,
	events::{Event as RawEvent, Phase},
	ext::scale_value,
	utils::H256,
};

use super::AssayConfig;

/// An event of the chain with its fields by name.
#[derive(Clone, Serialize, PartialEq, Debug)]
pub struct ChainEvent {
	/// Number of the block.
	pub block: u64,
	/// Index of the extrinsic that caused it; `None` for the runtime's own hooks.
	pub extrinsic: Option<u32>,
	/// Pallet and event, as in `Jobs::Claimed`.
	pub name: String,
	/// Fields; balances are decimal strings of 10^-12 ASY, bytes 0x hex, accounts SS58.
	pub fields: Json,
	/// The same for people.
	#[serde(skip)]
	pub text: String,
}

impl ChainEvent {
	/// The field `name` as a number.
	pub fn number(&self, name: &str) -> Option<u64> {
		self.fields.get(name)?.as_u64()
	}

	/// The field `name` as text: an account, a hash or a unit variant.
	pub fn text_of(&self, name: &str) -> Option<&str> {
		self.fields.get(name)?.as_str()
	}

	/// The field `name` as a balance.
	pub fn balance(&self, name: &str) -> Option<u128> {
		self.text_of(name)?.parse().ok()
	}

	/// The job that the event is about.
	pub fn job(&self) -> Option<u64> {
		self.number("job")
	}

	/// Whether this is `Pallet::Event`.
	pub fn is(&self, name: &str) -> bool {
		self.name == name
	}

	/// Whether it comes from one of Assay's own pallets.
	pub fn is_assay(&self) -> bool {
		["Models::", "Operators::", "Jobs::", "Challenges::"]
			.iter()
			.any(|pallet| self.name.starts_with(pallet))
	}
}

impl fmt::Display for ChainEvent {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		write!(f, "#{:<5} {:<26} {}", self.block, self.name, self.text)
	}
}

/// Why an extrinsic failed.
#[derive(Clone, Serialize, PartialEq, Eq, Debug)]
pub struct Failure {
	/// `Pallet::Error`, or the name of a general error.
	pub code: String,
	/// The error's documentation.
	pub docs: String,
}

/// One extrinsic of a block.
#[derive(Clone, Serialize, Debug)]
pub struct Step {
	/// Number of the block.
	pub block: u64,
	/// Index in the block.
	pub index: u32,
	/// Pallet and call, as in `Jobs.claim`.
	pub call: String,
	/// Length of the extrinsic in bytes.
	pub bytes: u64,
	/// Weight actually charged: picoseconds of reference time.
	pub ref_time: u64,
	/// Weight actually charged: bytes of proof.
	pub proof_size: u64,
	/// Fee paid, in 10^-12 ASY; 0 for calls authorised by a service key.
	pub fee: u128,
	/// Why it failed, if it did.
	pub failure: Option<Failure>,
	/// Its events.
	pub events: Vec<ChainEvent>,
	/// Hash of the extrinsic.
	#[serde(skip)]
	pub hash: H256,
}

impl Step {
	/// The first event with this name.
	pub fn event(&self, name: &str) -> Option<&ChainEvent> {
		self.events.iter().find(|event| event.is(name))
	}
}

/// A block, decoded.
#[derive(Clone, Serialize, Debug)]
pub struct BlockView {
	/// Its number.
	pub number: u64,
	/// Its hash.
	#[serde(skip)]
	pub hash: H256,
	/// Its time in milliseconds since 1970.
	pub time_ms: u64,
	/// Its extrinsics in order.
	pub steps: Vec<Step>,
	/// Events of the runtime's hooks.
	pub hooks: Vec<ChainEvent>,
}

impl BlockView {
	/// Every event in the order of the block's execution, hooks last.
	pub fn events(&self) -> impl Iterator<Item = &ChainEvent> {
		self.steps.iter().flat_map(|step| &step.events).chain(&self.hooks)
	}
}

impl Api {
	/// The block at `at`, decoded.
	pub async fn block(&self, at: &At) -> Result<BlockView> {
		let number = at.block_number();
		let mut view = BlockView {
			number,
			hash: at.block_hash(),
			time_ms: 0,
			steps: Vec::new(),
			hooks: Vec::new(),
		};
		for extrinsic in at.extrinsics().fetch().await?.iter() {
			let extrinsic = extrinsic?;
			let call = format!("{}.{}", extrinsic.pallet_name(), extrinsic.call_name());
			if call == "Timestamp.set" {
				let now = subxt::ext::codec::Compact::<u64>::decode(
					&mut extrinsic.call_data_field_bytes(),
				);
				view.time_ms = now.map(|c| c.0).unwrap_or_default();
			}
			view.steps.push(Step {
				block: number,
				index: extrinsic.index() as u32,
				call,
				bytes: extrinsic.bytes().len() as u64,
				ref_time: 0,
				proof_size: 0,
				fee: 0,
				failure: None,
				events: Vec::new(),
				hash: extrinsic.hash(),
			});
		}
		for event in at.events().fetch().await?.iter() {
			let event = event?;
			let decoded = decode(at, &event);
			match event.phase() {
				Phase::ApplyExtrinsic(index) => {
					if let Some(step) = view.steps.get_mut(index as usize) {
						note(step, at, &event, &decoded);
						step.events.push(ChainEvent { extrinsic: Some(index), ..decoded });
					}
				},
				_ => view.hooks.push(decoded),
			}
		}
		Ok(view)
	}
}

use subxt::ext::codec::Decode;

/// Takes cost and outcome of a step from the system's events.
fn note(step: &mut Step, at: &At, raw: &RawEvent<'_, AssayConfig>, event: &ChainEvent) {
	match event.name.as_str() {
		"System::ExtrinsicSuccess" | "System::ExtrinsicFailed" => {
			let weight = &event.fields["dispatch_info"]["weight"];
			step.ref_time = weight["ref_time"].as_u64().unwrap_or_default();
			step.proof_size = weight["proof_size"].as_u64().unwrap_or_default();
			if event.name.ends_with("Failed") {
				let error = DispatchError::decode_from(raw.field_bytes(), at.metadata());
				step.failure = Some(match error {
					Ok(error) => failure(&error),
					Err(error) => Failure { code: "Unknown".into(), docs: error.to_string() },
				});
			}
		},
		"TransactionPayment::TransactionFeePaid" => {
			step.fee = event.balance("actual_fee").unwrap_or_default();
		},
		_ => {},
	}
}

/// Name and documentation of a dispatch error.
pub(super) fn failure(error: &DispatchError) -> Failure {
	if let DispatchError::Module(module) = error {
		if let Ok(details) = module.details() {
			return Failure {
				code: format!("{}::{}", details.pallet.name(), details.variant.name),
				docs: details.variant.docs.join(" ").trim().to_string(),
			};
		}
	}
	let text = error.to_string();
	let code = format!("{error:?}");
	let code = code.split(['(', ' ', '{']).next().unwrap_or("Unknown").to_string();
	Failure { code, docs: text }
}

fn decode(at: &At, event: &RawEvent<'_, AssayConfig>) -> ChainEvent {
	let metadata = at.metadata_ref();
	let values = fields(at, event).unwrap_or_default();
	let machine: Map<_, _> = values
		.iter()
		.map(|(name, value)| (name.clone(), value::to_json(value, metadata, Style::Machine)))
		.collect();
	let human: Vec<_> = values
		.iter()
		.map(|(name, value)| {
			value::named_text(name, &value::to_json(value, metadata, Style::Human))
		})
		.collect();
	ChainEvent {
		block: at.block_number(),
		extrinsic: None,
		name: format!("{}::{}", event.pallet_name(), event.event_name()),
		text: human.join(", "),
		fields: Json::Object(machine),
	}
}

type Fields = Vec<(String, scale_value::Value<u32>)>;

fn fields(at: &At, event: &RawEvent<'_, AssayConfig>) -> Option<Fields> {
	let metadata = at.metadata_ref();
	let pallet = metadata.pallet_by_event_index(event.pallet_index())?;
	let variant = pallet.event_variant_by_index(event.event_index())?;
	let mut bytes = event.field_bytes();
	let mut out = Vec::with_capacity(variant.fields.len());
	for (i, field) in variant.fields.iter().enumerate() {
		let value = scale_value::scale::decode_as_type(&mut bytes, field.ty.id, metadata.types());
		let name = field.name.clone().unwrap_or_else(|| i.to_string());
		out.push((name, value.ok()?));
	}
	Some(out)
}
