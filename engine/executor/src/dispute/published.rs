//! What the operator has published of its trace.

use super::{proven::Proven, DisputeError};
use assay_referee::{tree, verify_opening, Commitments, NodeKey, Object, Opening, Root};

/// How far the published openings lead into an object.
pub(super) enum Descent {
	/// This node is needed and not published yet.
	Ask(NodeKey),
	/// The first chunk that differs is known by its chaining value only.
	Value { chunk: u64, cv: Root, key: NodeKey },
	/// The first chunk that differs has been published.
	Bytes { chunk: u64, bytes: Vec<u8> },
}

/// The published openings, checked against the operator's trace root.
pub(super) struct Published<'a> {
	pub(super) commitments: Commitments,
	pub(super) openings: &'a [(NodeKey, Opening)],
}

impl Published<'_> {
	/// The opening of a node; one that does not belong to the trace root counts as missing.
	fn find(&self, key: &NodeKey) -> Option<&Opening> {
		self.openings
			.iter()
			.filter(|(at, _)| at == key)
			.map(|(_, opening)| opening)
			.find(|opening| verify_opening(&self.commitments, key, opening).is_ok())
	}

	/// Walks down an object of which this machine has `own`, always to the first difference.
	/// Stops before the chunk itself unless it has been published.
	pub(super) fn descend(
		&self,
		object: Object,
		own: &[u8],
		proven: &mut Proven<'_>,
	) -> Result<Descent, DisputeError> {
		let mut key = NodeKey::top(object);
		let mut level = tree::top(own.len() as u64);
		let mut value = None;
		loop {
			let Some(opening) = self.find(&key) else {
				return Ok(match value {
					Some(cv) if level == 0 => Descent::Value { chunk: key.index, cv, key },
					_ => Descent::Ask(key),
				});
			};
			proven.insert(level, key.index, opening)?;
			if level == 0 {
				let bytes = opening.payload.clone();
				return Ok(Descent::Bytes { chunk: key.index, bytes });
			}
			let (own_values, _) = tree::open_node(own, level, key.index)?;
			let (theirs, _) = opening.payload.as_chunks::<32>();
			let (ours, _) = own_values.as_chunks::<32>();
			let (child, cv) = theirs
				.iter()
				.enumerate()
				.find(|&(i, cv)| ours.get(i) != Some(cv))
				.ok_or(DisputeError::Openings)?;
			level -= 1;
			key = NodeKey { object, level, index: key.index * tree::ARITY + child as u64 };
			value = Some(*cv);
		}
	}
}
