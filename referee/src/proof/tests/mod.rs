pub(crate) mod cost;
mod length;

use super::*;
use crate::{element, testing::World, Cell, RecordingReader};
use alloc::vec;
use proptest::prelude::*;

/// How a proof states what the trace holds.
#[derive(Clone, Copy, Debug)]
enum Style {
	Element,
	ChunkBytes,
	ChunkCv,
}

const STYLES: [Style; 3] = [Style::Element, Style::ChunkBytes, Style::ChunkCv];

impl World {
	/// A proof about the location of `index` in the output of op `entry`.
	fn prove(&self, entry: u32, index: u64, style: Style) -> FaultProof {
		let op = &self.program.ops[entry as usize];
		let chunk = index * op.dtype.size() / CHUNK_BYTES;
		let tensor = &self.tensors[entry as usize];
		let (at, claimed, elements) = match style {
			Style::Element => {
				let slice = Slice::make(tensor, chunk, 1).unwrap();
				(Location::Element(index), Claimed::Bytes(slice), index..index + 1)
			},
			Style::ChunkBytes => {
				let slice = Slice::make(tensor, chunk, 1).unwrap();
				(Location::Chunk(chunk), Claimed::Bytes(slice), elements_of(op, chunk))
			},
			Style::ChunkCv => {
				let (payload, path) = tree::open_node(tensor, 0, chunk).unwrap();
				let whole = path.is_empty();
				let cv = if whole { tree::hash(&payload) } else { tree::chunk_cv(&payload, chunk) };
				let claimed = Claimed::Cv { index: chunk, cv, path };
				(Location::Chunk(chunk), claimed, elements_of(op, chunk))
			},
		};
		let operands: Vec<&[u8]> = op.operands.iter().map(|o| self.operand(o)).collect();
		let mut reader = RecordingReader::new(op, &operands);
		for index in elements {
			element::<Soft, _>(op, index, &mut reader).unwrap();
		}
		let mut reads = Vec::new();
		for (i, operand) in op.operands.iter().enumerate() {
			for (first, count) in reader.runs(i) {
				let slice = Slice::make(self.object(operand.source), first, count).unwrap();
				reads.push(Read { operand: i as u8, slice });
			}
		}
		FaultProof {
			entry,
			at,
			record: Slice::make(&self.program_bytes, u64::from(entry) + 1, 1).unwrap(),
			entries: vec![Slice::make(&self.trace, 0, 1).unwrap()],
			claimed,
			reads,
		}
	}

	fn judge(&self, proof: &FaultProof) -> Result<Fault, ProofError> {
		let bytes = proof.encode();
		assert!(bytes.len() <= MAX_PROOF_BYTES as usize);
		if let (Location::Element(_), Some(op)) =
			(proof.at, self.program.ops.get(proof.entry as usize))
		{
			// Those made here with more than is needed are refused for that.
			let bound = leaf_bound(op, &self.program.place(proof.entry));
			let verdict = verify_fault(&self.commitments, proof);
			let is_judged = matches!(verdict, Ok(_) | Err(ProofError::NoFault));
			assert!(!is_judged || bytes.len() as u64 <= bound.proof, "{bound:?}");
		}
		verify_fault(&self.commitments, &FaultProof::from_bytes(&bytes)?)
	}
}

fn expected(entry: u32, at: Location) -> Fault {
	match at {
		Location::Element(element) => Fault::Element { entry, element },
		Location::Chunk(chunk) => Fault::Chunk { entry, chunk },
	}
}

/// A program of many kinds, and one of every recurrence.
fn worlds() -> Vec<World> {
	let recurrent = Cell::ALL.iter().map(|&cell| World::recurrent(cell));
	core::iter::once(World::new()).chain(recurrent).collect()
}

#[test]
fn true_values_are_no_fault() {
	for world in worlds() {
		for (entry, op) in world.program.ops.iter().enumerate() {
			let count = op.shape.elements();
			for index in [0, count / 2, count - 1] {
				for style in STYLES {
					let proof = world.prove(entry as u32, index, style);
					let verdict = world.judge(&proof);
					assert_eq!(verdict, Err(ProofError::NoFault), "op {entry} {style:?}");
				}
			}
		}
	}
}

#[test]
fn false_values_are_faults() {
	worlds().iter().for_each(false_values_of);
}

fn false_values_of(honest: &World) {
	for (entry, op) in honest.program.ops.iter().enumerate() {
		let entry = entry as u32;
		let count = op.shape.elements();
		for index in [0, count / 3, count - 1] {
			let world = honest.tampered(entry, index, 1);
			for style in STYLES {
				let proof = world.prove(entry, index, style);
				assert_eq!(world.judge(&proof), Ok(expected(entry, proof.at)), "{style:?}");
			}
			// The neighbours of the false element are right.
			let neighbour = (index + 1) % count;
			let proof = world.prove(entry, neighbour, Style::Element);
			assert_eq!(world.judge(&proof), Err(ProofError::NoFault));
		}
	}
}

/// Nothing that an honest operator publishes about a recurrence is a fault.
#[test]
fn honest_recurrences_have_no_fault() {
	for world in worlds().into_iter().skip(1) {
		for index in 0..world.program.ops[0].shape.elements() {
			let proof = world.prove(0, index, Style::Element);
			assert_eq!(world.judge(&proof), Err(ProofError::NoFault), "{index}");
		}
	}
}

/// What a recurrence read of itself is authenticated under the claimed tensor: another history,
/// under which a claimed element would be wrong, is refused.
#[test]
fn another_history_is_refused() {
	let honest = World::recurrent(Cell::Lstm);
	let other = honest.tampered(0, 50, 1 << 20);
	let index = honest.program.ops[0].shape.elements() - 1;
	for style in STYLES {
		let mut proof = honest.prove(0, index, style);
		proof.reads.retain(|read| read.operand != 5);
		let theirs = other.prove(0, index, style).reads.into_iter();
		let (before, theirs) = (proof.reads.len(), theirs.filter(|read| read.operand == 5));
		proof.reads.extend(theirs);
		assert!(proof.reads.len() > before);
		assert_eq!(honest.judge(&proof), Err(ProofError::Slice(TreeError::Root)), "{style:?}");
		// Nor can it be left out.
		proof.reads.retain(|read| read.operand != 5);
		assert_eq!(honest.judge(&proof), Err(ProofError::MissingRead), "{style:?}");
	}
}

#[test]
fn another_nan_is_a_fault() {
	let honest = World::new();
	let nan = 3 * 8;
	assert_eq!(honest.tensors[0][4 * nan..][..4], 0x7fc0_0000u32.to_le_bytes());
	let world = honest.tampered(0, nan as u64, 0x8000_0001);
	let proof = world.prove(0, nan as u64, Style::Element);
	assert!(world.judge(&proof).is_ok());
}

#[test]
fn incomplete_and_wrong_proofs() {
	let world = World::new().tampered(2, 700, 1);
	let other = World::new().prove(3, 0, Style::Element);
	let with = |style: Style, change: &dyn Fn(&mut FaultProof)| {
		let mut proof = world.prove(2, 700, style);
		change(&mut proof);
		world.judge(&proof)
	};
	let element = |change: &dyn Fn(&mut FaultProof)| with(Style::Element, change);
	assert!(element(&|_| ()).is_ok());
	assert!(element(&|p| p.reads.reverse()).is_ok());
	assert_eq!(element(&|p| drop(p.reads.pop())), Err(ProofError::MissingRead));
	assert_eq!(element(&|p| p.reads[0].operand = 2), Err(ProofError::NoSuchOperand));
	assert_eq!(element(&|p| p.entries.clear()), Err(ProofError::MissingEntry));
	assert_eq!(element(&|p| p.entry = 7), Err(ProofError::NoSuchLocation));
	assert_eq!(element(&|p| p.entry = 1), Err(ProofError::RecordPosition));
	assert_eq!(element(&|p| p.record = other.record.clone()), Err(ProofError::RecordPosition));
	assert_eq!(element(&|p| p.at = Location::Element(1600)), Err(ProofError::NoSuchLocation));
	assert_eq!(element(&|p| p.at = Location::Element(0)), Err(ProofError::Claimed));
	assert_eq!(element(&|p| p.at = Location::Chunk(7)), Err(ProofError::NoSuchLocation));
	let cv = world.prove(2, 700, Style::ChunkCv).claimed;
	assert_eq!(element(&|p| p.claimed = cv.clone()), Err(ProofError::Claimed));
	let many = |p: &mut FaultProof| p.entries = vec![p.entries[0].clone(); 14];
	assert_eq!(element(&many), Err(ProofError::TooLarge));
	let many = |p: &mut FaultProof| p.reads = vec![p.reads[0].clone(); 65];
	assert_eq!(element(&many), Err(ProofError::TooLarge));
	let wrong_index = |p: &mut FaultProof| {
		if let Claimed::Cv { index, .. } = &mut p.claimed {
			*index += 1;
		}
	};
	assert_eq!(with(Style::ChunkCv, &wrong_index), Err(ProofError::Claimed));
	let mut bytes = world.prove(2, 700, Style::Element).encode();
	bytes.push(0);
	assert_eq!(FaultProof::from_bytes(&bytes), Err(ProofError::Malformed));
	assert_eq!(FaultProof::from_bytes(&vec![0; 300_000]), Err(ProofError::Malformed));
}

/// Weights and reads of the same operand may come as several slices.
#[test]
fn reads_may_be_split() {
	let world = World::new().tampered(0, 9, 1);
	let mut proof = world.prove(0, 9, Style::Element);
	let whole = proof.reads.remove(1);
	let chunks = whole.slice.data.len() as u64 / CHUNK_BYTES;
	assert!(chunks > 1);
	for i in 0..chunks {
		let slice = Slice::make(&world.weights, whole.slice.start + i, 1).unwrap();
		proof.reads.push(Read { operand: whole.operand, slice });
	}
	assert!(world.judge(&proof).is_ok());
}

fn chunk_of(world: &World, fault: Fault) -> (u32, u64) {
	match fault {
		Fault::Chunk { entry, chunk } => (entry, chunk),
		Fault::Element { entry, element } => {
			let size = world.program.ops[entry as usize].dtype.size();
			(entry, element * size / CHUNK_BYTES)
		},
	}
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(512))]

	/// R2: a proof with a flipped bit is refused, or denotes the same fault.
	#[test]
	fn flipped_bits(entry in 0u32..7, style in 0usize..3, flip: u64, honest: bool, at: u64) {
		let mut world = World::new();
		let index = at % world.program.ops[entry as usize].shape.elements();
		if !honest {
			world = world.tampered(entry, index, 4);
		}
		let proof = world.prove(entry, index, STYLES[style]);
		let mut bytes = proof.encode();
		let bit = flip % (8 * bytes.len() as u64);
		bytes[(bit / 8) as usize] ^= 1 << (bit % 8);
		let verdict = FaultProof::from_bytes(&bytes)
			.and_then(|proof| verify_fault(&world.commitments, &proof));
		if let Ok(fault) = verdict {
			prop_assert!(!honest);
			let same = chunk_of(&world, expected(entry, proof.at));
			prop_assert_eq!(chunk_of(&world, fault), same);
		}
	}

	#[test]
	fn random_bytes_are_no_proof(bytes in prop::collection::vec(any::<u8>(), 0..3000)) {
		if let Ok(proof) = FaultProof::from_bytes(&bytes) {
			prop_assert!(verify_fault(&World::new().commitments, &proof).is_err());
		}
	}
}
