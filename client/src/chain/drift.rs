//! Whether the chain is the one this client was built for.

use crate::error::{Error, Kind, Result};
use serde::Serialize;
use subxt::metadata::Metadata;

/// The metadata that this client was generated from.
pub const COMMITTED_METADATA: &[u8] = include_bytes!("../../artifacts/metadata.scale");

/// Pallets whose calls, storage, events or errors the client uses.
const USED: [&str; 7] =
	["System", "Timestamp", "Balances", "Models", "Operators", "Jobs", "Challenges"];

/// What to do about a difference.
const REMEDY: &str = "the node runs another version of the runtime: update the client to the \
	node's version, or, when the runtime is yours and newer, run scripts/update-metadata and build \
	the client again";

/// A pallet that the chain has not, or has otherwise than the committed metadata.
#[derive(Clone, Serialize, PartialEq, Eq, Debug)]
pub struct Difference {
	/// Name of the pallet.
	pub pallet: String,
	/// What differs.
	pub what: String,
}

/// Compares the chain's metadata with the committed metadata, pallet by pallet.
pub fn differences(chain: &Metadata) -> Vec<Difference> {
	match Metadata::decode_from(COMMITTED_METADATA) {
		Ok(ours) => compare(&ours, chain),
		Err(error) => vec![Difference {
			pallet: "all".into(),
			what: format!("this client's own metadata cannot be decoded: {error}"),
		}],
	}
}

fn compare(ours: &Metadata, chain: &Metadata) -> Vec<Difference> {
	let differs = |pallet: &&str| {
		let Some(mine) = ours.pallet_by_name(pallet) else {
			return Some("missing from this client's metadata".to_string());
		};
		let Some(theirs) = chain.pallet_by_name(pallet) else {
			return Some("missing from the chain".to_string());
		};
		if mine.call_index() != theirs.call_index() {
			return Some("has another index".to_string());
		}
		(mine.hash() != theirs.hash()).then(|| detail(&mine, &theirs))
	};
	let one =
		|pallet: &&str| differs(pallet).map(|what| Difference { pallet: pallet.to_string(), what });
	USED.iter().filter_map(one).collect()
}

/// The first calls and storage entries that differ.
fn detail(
	mine: &subxt::metadata::PalletMetadata<'_>,
	theirs: &subxt::metadata::PalletMetadata<'_>,
) -> String {
	let calls = mine.call_variants().unwrap_or_default().iter().map(|call| &call.name);
	let changed = calls.filter(|name| mine.call_hash(name) != theirs.call_hash(name));
	let mut parts: Vec<String> = changed.map(|name| format!("call {name}")).collect();
	let entries = mine.storage().map(|s| s.entries()).unwrap_or_default().iter();
	let changed = entries.filter(|e| mine.storage_hash(e.name()) != theirs.storage_hash(e.name()));
	parts.extend(changed.map(|entry| format!("storage {}", entry.name())));
	if parts.is_empty() {
		return "differs in events, errors, constants or new calls".into();
	}
	format!("differs in {}", parts.join(", "))
}

/// # Errors
/// [`Kind::Drift`], naming every difference and what to do, when there is one.
pub fn ensure_none(differences: &[Difference]) -> Result<()> {
	if differences.is_empty() {
		return Ok(());
	}
	let list: Vec<_> = differences.iter().map(|d| format!("{} {}", d.pallet, d.what)).collect();
	let message = format!("the chain's metadata is not this client's: {}", list.join("; "));
	Err(Error::new(Kind::Drift, message).hint(REMEDY))
}
