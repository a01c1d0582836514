//! The challenger's side of a dispute: which node to ask for next, and when a proof is possible.
//!
//! The operator's trace is committed to by one root that differs from the challenger's own. At
//! every opened node some child must differ from the challenger's; following the first one leads
//! to the first entry that differs. All its operands come before it, so both parties agree on
//! them, and its own tensor is searched the same way down to one chunk. An op that reads its own
//! output reads elements before the first that differs, on which both agree as well.

use super::{
	error::DisputeError,
	prove::Fault,
	proven::Proven,
	published::{Descent, Published},
	Trace,
};
use assay_referee::{
	opening::ENTRIES_PER_CHUNK, FaultProof, NodeKey, Object, Opening, Root, CHUNK_BYTES,
};

/// The challenger's next step.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Move {
	/// Ask the operator to open this node.
	Ask(NodeKey),
	/// Submit this proof, which the referee accepts.
	Prove(FaultProof),
	/// There is nothing to challenge: the trace is the one this machine computed.
	Agree,
}

impl Trace {
	/// What a challenger who has this trace, honestly computed, does next against an operator who
	/// committed to `trace_root` and has published `openings` so far.
	///
	/// Openings that do not belong to `trace_root` are ignored.
	///
	/// # Errors
	/// [`DisputeError::Openings`] or [`DisputeError::Unprovable`] when the published data leave
	/// no fault to prove, which cannot happen unless hashes collide or this trace is not honest.
	///
	/// # Examples
	///
	/// ```
	/// # mod tiny { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/examples/tiny/mod.rs")); }
	/// # let bundle = tiny::bundle(1)?;
	/// use assay_executor::{Move, Options, Session, Tamper};
	/// use assay_referee::{verify_fault, Fault};
	///
	/// let session = Session::new(bundle.into(), Options::default());
	/// let honest = session.trace(&[0; 16], None)?;
	/// let lie = session.trace(&[0; 16], Some(&Tamper { op: 1, element: Some(0) }))?;
	/// let mut openings = Vec::new();
	/// let proof = loop {
	///     match honest.next_move(&lie.root(), &openings)? {
	///         Move::Ask(node) => openings.push((node, lie.open(&node)?)),
	///         Move::Prove(proof) => break proof,
	///         Move::Agree => unreachable!("their roots differ"),
	///     }
	/// };
	/// // The lying operator's tensor has one chunk, which is proven wrong as a whole.
	/// let fault = verify_fault(&honest.commitments(&lie.root()), &proof)?;
	/// assert_eq!(fault, Fault::Chunk { entry: 1, chunk: 0 });
	/// # Ok::<(), Box<dyn std::error::Error>>(())
	/// ```
	pub fn next_move(
		&self,
		trace_root: &Root,
		openings: &[(NodeKey, Opening)],
	) -> Result<Move, DisputeError> {
		if *trace_root == self.root() {
			return Ok(Move::Agree);
		}
		let published = Published { commitments: self.commitments(trace_root), openings };
		let mut proven = Proven::new(self.trace_len());
		let (chunk, bytes) =
			match published.descend(Object::Trace, self.trace_bytes(), &mut proven)? {
				Descent::Ask(key) | Descent::Value { key, .. } => return Ok(Move::Ask(key)),
				Descent::Bytes { chunk, bytes } => (chunk, bytes),
			};
		let first = chunk * ENTRIES_PER_CHUNK;
		let (theirs, _) = bytes.as_chunks::<32>();
		let (offset, claimed) = theirs
			.iter()
			.enumerate()
			.find(|&(i, root)| self.entries().get(first as usize + i) != Some(root))
			.ok_or(DisputeError::Openings)?;
		let entry = first as u32 + offset as u32;
		let tensors = self.tensors(entry)?;
		let fault = Fault {
			trace: self,
			published: &published,
			proven,
			chunk,
			bytes: &bytes,
			tensors: &tensors,
			entry,
			claimed: *claimed,
		};
		self.tensor_move(&fault)
	}

	/// The next move once the first wrong entry is known.
	fn tensor_move(&self, fault: &Fault<'_>) -> Result<Move, DisputeError> {
		let object = Object::Tensor(fault.entry);
		let own = fault.tensors.get(fault.entry)?;
		let mut proven = Proven::new(own.len() as u64);
		// The root of a tensor of one chunk is all a chunk proof needs.
		let single = own.len() as u64 <= CHUNK_BYTES;
		if single {
			if let Some(proof) = fault.chunk_proof(0, fault.claimed, Vec::new())? {
				return Ok(Move::Prove(proof));
			}
		}
		match fault.published.descend(object, own, &mut proven)? {
			Descent::Ask(key) => Ok(Move::Ask(key)),
			Descent::Value { chunk, cv, key } => {
				match fault.chunk_proof(chunk, cv, proven.path(chunk)?)? {
					Some(proof) => Ok(Move::Prove(proof)),
					None => Ok(Move::Ask(key)),
				}
			},
			Descent::Bytes { chunk, bytes } => {
				fault.element_proof(chunk, &bytes, proven).map(Move::Prove)
			},
		}
	}
}
