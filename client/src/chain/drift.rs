//! Whether the chain is the one this client was built for.

use crate::error::{Error, Kind, Result};
use serde::Serialize;
use subxt::metadata::{Metadata, PalletMetadata};

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
		changes(ours, &mine, chain, &theirs)
	};
	let one =
		|pallet: &&str| differs(pallet).map(|what| Difference { pallet: pallet.to_string(), what });
	USED.iter().filter_map(one).collect()
}

/// What of a pallet differs; `None` if nothing that the client uses does.
fn changes(
	ours: &Metadata,
	mine: &PalletMetadata<'_>,
	chain: &Metadata,
	theirs: &PalletMetadata<'_>,
) -> Option<String> {
	let same = |a: Option<u32>, b: Option<u32>| {
		a.map(|id| ours.type_hash(id)) == b.map(|id| chain.type_hash(id))
	};
	let mut parts = Vec::new();
	if !same(mine.call_ty_id(), theirs.call_ty_id()) {
		let calls = mine.call_variants().unwrap_or_default().iter().map(|call| &call.name);
		let changed = calls.filter(|name| mine.call_hash(name) != theirs.call_hash(name));
		let before = parts.len();
		parts.extend(changed.map(|name| format!("call {name}")));
		if parts.len() == before {
			parts.push("new calls".into());
		}
	}
	if !same(mine.event_ty_id(), theirs.event_ty_id()) {
		parts.push("events".into());
	}
	if !same(mine.error_ty_id(), theirs.error_ty_id()) {
		parts.push("errors".into());
	}
	let entries = mine.storage().map(|s| s.entries()).unwrap_or_default().iter();
	// Events are decoded by what the chain says of them, so other pallets may change theirs.
	let entries = entries.filter(|e| e.name() != "Events");
	let changed = entries.filter(|e| mine.storage_hash(e.name()) != theirs.storage_hash(e.name()));
	parts.extend(changed.map(|entry| format!("storage {}", entry.name())));
	let changed =
		mine.constants().filter(|c| mine.constant_hash(c.name()) != theirs.constant_hash(c.name()));
	parts.extend(changed.map(|constant| format!("constant {}", constant.name())));
	(!parts.is_empty()).then(|| format!("differs in {}", parts.join(", ")))
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

#[cfg(test)]
mod tests {
	use super::*;

	fn committed() -> Metadata {
		Metadata::decode_from(COMMITTED_METADATA).unwrap()
	}

	#[test]
	fn the_committed_metadata_does_not_differ_from_itself() {
		assert_eq!(differences(&committed()), []);
		assert!(ensure_none(&[]).is_ok());
	}

	#[test]
	fn every_used_pallet_is_in_the_committed_metadata() {
		let metadata = committed();
		for pallet in USED {
			assert!(metadata.pallet_by_name(pallet).is_some(), "{pallet}");
		}
	}

	#[test]
	fn a_difference_says_what_to_do() {
		let difference = Difference { pallet: "Jobs".into(), what: "missing".into() };
		let error = ensure_none(&[difference]).unwrap_err();
		assert_eq!(error.kind, Kind::Drift);
		assert!(error.to_string().contains("scripts/update-metadata"), "{error}");
	}
}
