//! Building fault proofs against another party's trace.

use super::{
	error::DisputeError,
	proven::Proven,
	published::Published,
	trace::{Tensors, Trace},
};
use assay_kernels::Hard;
use assay_referee::{
	element, leaf_terms, opening::ENTRIES_PER_CHUNK, proof::MAX_CHUNK_TERMS, verify_fault, Claimed,
	FaultProof, Location, OpRecord, ProofError, Read, RecordingReader, Root, Slice, Source,
	CHUNK_BYTES, MAX_LEAF_BYTES, MAX_PROOF_BYTES, MAX_SPANS,
};
use codec::Encode;
use std::{collections::BTreeSet, ops::Range};

/// The first wrong entry of an operator's trace, and all that has been published about it.
pub(super) struct Fault<'a> {
	/// The honest trace.
	pub(super) trace: &'a Trace,
	/// Its tensors around the first wrong entry.
	pub(super) tensors: &'a Tensors,
	pub(super) published: &'a Published<'a>,
	/// What is proven of the operator's list of entries.
	pub(super) proven: Proven<'a>,
	/// The first chunk of that list that differs, and the operator's bytes of it.
	pub(super) chunk: u64,
	pub(super) bytes: &'a [u8],
	/// The first entry that differs, and what the operator claims it to be.
	pub(super) entry: u32,
	pub(super) claimed: Root,
}

/// The operator's wrong tensor up to and with the first chunk that differs.
struct Claim<'a> {
	/// What is proven of it; the chunks before are this machine's own.
	proven: Proven<'a>,
	own: &'a [u8],
	chunk: u64,
	bytes: &'a [u8],
}

impl Claim<'_> {
	/// Chunks of the operator's tensor, none after the first that differs.
	fn slice(&self, chunks: Range<u64>) -> Result<Slice, DisputeError> {
		if chunks.end > self.chunk + 1 {
			return Err(DisputeError::Openings);
		}
		let (start, end) = (chunks.start * CHUNK_BYTES, chunks.end.min(self.chunk) * CHUNK_BYTES);
		let before = start as usize..end.max(start) as usize;
		let mut data = self.own.get(before).ok_or(DisputeError::Openings)?.to_vec();
		if chunks.contains(&self.chunk) {
			data.extend_from_slice(self.bytes);
		}
		self.proven.slice(chunks, data)
	}
}

impl Fault<'_> {
	/// A proof against a whole chunk of which only the chaining value is published; `None` when
	/// judging the chunk would cost too much, or the op reads its own output: some of what the
	/// elements read may lie in the chunk itself.
	pub(super) fn chunk_proof(
		&self,
		chunk: u64,
		cv: Root,
		path: Vec<Root>,
	) -> Result<Option<FaultProof>, DisputeError> {
		let op = self.trace.op(self.entry)?;
		if op.self_operand().is_some() {
			return Ok(None);
		}
		let size = op.dtype.size();
		let first = chunk * CHUNK_BYTES / size;
		let elements = first..((chunk + 1) * CHUNK_BYTES / size).min(op.shape.elements());
		let terms = leaf_terms(op).saturating_mul(elements.end - elements.start);
		if terms > MAX_CHUNK_TERMS {
			return Ok(None);
		}
		let Some(reads) = self.reads(op, elements, None)? else { return Ok(None) };
		let claimed = Claimed::Cv { index: chunk, cv, path };
		let proof = self.assemble(op, Location::Chunk(chunk), claimed, reads)?;
		match verify_fault(&self.published.commitments, &proof) {
			Ok(_) if proof.encoded_size() <= MAX_PROOF_BYTES as usize => Ok(Some(proof)),
			Ok(_) | Err(ProofError::TooLarge | ProofError::NoSuchLocation) => Ok(None),
			Err(error) => Err(error.into()),
		}
	}

	/// A proof against the first element that differs in a published chunk of the tensor.
	pub(super) fn element_proof(
		&self,
		chunk: u64,
		bytes: &[u8],
		proven: Proven<'_>,
	) -> Result<FaultProof, DisputeError> {
		let op = self.trace.op(self.entry)?;
		let own = self.tensors.get(self.entry)?;
		let start = (chunk * CHUNK_BYTES) as usize;
		let size = op.dtype.size() as usize;
		let proven = proven.with_equal(own.get(..start).ok_or(DisputeError::Openings)?);
		let claim = Claim { proven, own, chunk, bytes };
		let own = own.get(start..start + bytes.len()).ok_or(DisputeError::Openings)?;
		let offset = own
			.chunks_exact(size)
			.zip(bytes.chunks_exact(size))
			.position(|(ours, theirs)| ours != theirs)
			.ok_or(DisputeError::Openings)?;
		let element = (start / size + offset) as u64;
		let reads = self.reads(op, element..element + 1, Some(&claim))?;
		let reads = reads.ok_or(ProofError::TooLarge)?;
		let claimed = Claimed::Bytes(claim.slice(chunk..chunk + 1)?);
		let proof = self.assemble(op, Location::Element(element), claimed, reads)?;
		verify_fault(&self.published.commitments, &proof)?;
		Ok(proof)
	}

	fn assemble(
		&self,
		op: &OpRecord,
		at: Location,
		claimed: Claimed,
		reads: Vec<Read>,
	) -> Result<FaultProof, DisputeError> {
		let record = self.trace.record_slice(self.entry)?;
		let entries = self.entries(op, &reads)?;
		Ok(FaultProof { entry: self.entry, at, record, entries, claimed, reads })
	}

	/// The chunks of the operator's list that hold the wrong entry and the operands read.
	fn entries(&self, op: &OpRecord, reads: &[Read]) -> Result<Vec<Slice>, DisputeError> {
		let mut chunks = BTreeSet::from([self.chunk]);
		for read in reads {
			let source = op.operands.get(usize::from(read.operand)).map(|operand| operand.source);
			if let Some(Source::Op(entry)) = source {
				chunks.insert(u64::from(entry) / ENTRIES_PER_CHUNK);
			}
		}
		let chunks: Vec<u64> = chunks.into_iter().collect();
		let runs = chunks.chunk_by(|a, b| a + 1 == *b);
		runs.map(|run| self.entry_slice(run[0]..run[run.len() - 1] + 1)).collect()
	}

	/// Chunks of the operator's list. Those before the first difference are our own.
	fn entry_slice(&self, chunks: Range<u64>) -> Result<Slice, DisputeError> {
		let own = self.trace.trace_bytes();
		let mut data = Vec::new();
		for chunk in chunks.clone() {
			if chunk == self.chunk {
				data.extend_from_slice(self.bytes);
			} else {
				let start = (chunk * CHUNK_BYTES) as usize;
				let end = (start + CHUNK_BYTES as usize).min(own.len());
				data.extend_from_slice(own.get(start..end).ok_or(DisputeError::Openings)?);
			}
		}
		self.proven.slice(chunks, data)
	}

	/// The chunks that computing `elements` reads; `None` when they are too many for a proof.
	///
	/// For a whole chunk, without `claim`, runs that lie close together become one when there are
	/// too many runs. With it, what the op reads of its own output is taken from there.
	fn reads(
		&self,
		op: &OpRecord,
		elements: Range<u64>,
		claim: Option<&Claim<'_>>,
	) -> Result<Option<Vec<Read>>, DisputeError> {
		let tensors = (0..op.operands.len())
			.map(|at| self.trace.operand_bytes(self.tensors, self.entry, at))
			.collect::<Result<Vec<_>, _>>()?;
		let mut reader = RecordingReader::new(op, &tensors);
		for index in elements {
			element::<Hard, _>(op, index, &mut reader)
				.map_err(|_| DisputeError::Element { op: self.entry, element: index })?;
		}
		let exact: Vec<_> = (0..reader.operands()).map(|operand| reader.runs(operand)).collect();
		let mut runs = exact.clone();
		let mut gap = 1;
		while claim.is_none() && count(&runs) > MAX_SPANS as usize && gap <= 16 {
			runs = exact.iter().map(|runs| merged(runs, gap)).collect();
			gap *= 2;
		}
		let bytes: u64 = runs.iter().flatten().map(|(_, chunks)| chunks * CHUNK_BYTES).sum();
		if count(&runs) > MAX_SPANS as usize || bytes > MAX_LEAF_BYTES {
			return Ok(None);
		}
		let mut reads = Vec::new();
		for (i, runs) in runs.iter().enumerate() {
			let own = claim.filter(|_| op.self_operand() == Some(i));
			for &(first, chunks) in runs {
				let slice = match own {
					Some(claim) => claim.slice(first..first + chunks)?,
					None => {
						self.trace.operand_slice(self.tensors, &op.operands[i], first, chunks)?
					},
				};
				reads.push(Read { operand: i as u8, slice });
			}
		}
		Ok(Some(reads))
	}
}

fn count(runs: &[Vec<(u64, u64)>]) -> usize {
	runs.iter().map(Vec::len).sum()
}

/// Runs with gaps of up to `gap` chunks closed.
fn merged(runs: &[(u64, u64)], gap: u64) -> Vec<(u64, u64)> {
	let mut merged: Vec<(u64, u64)> = Vec::new();
	for &(first, chunks) in runs {
		match merged.last_mut() {
			Some((start, len)) if first - (*start + *len) <= gap => {
				*len = first + chunks - *start;
			},
			_ => merged.push((first, chunks)),
		}
	}
	merged
}
