//! An engine of a few lines for tests and benchmarks: runs a program with the referee's element
//! functions, lies on request, and makes the openings and proofs of the game.

use alloc::{collections::BTreeSet, vec, vec::Vec};
use assay_referee::{
	element, encode_value, tree, Claimed, FaultProof, Location, NodeKey, Object, OpRecord, Opening,
	Program, Read, RecordingReader, Root, Slice, Soft, Source, TensorReader, CHUNK_BYTES,
};

/// Trace entries in one chunk.
const ENTRIES: u64 = 32;

/// One execution of a program, true or false.
#[derive(Clone)]
pub(crate) struct Run {
	pub(crate) program: Program,
	pub(crate) bytes: Vec<u8>,
	pub(crate) weights: Vec<u8>,
	pub(crate) input: Vec<u8>,
	tensors: Vec<Vec<u8>>,
	pub(crate) trace: Vec<u8>,
}

/// `count` slices of the objects from which `op` reads its operands, as `tensors` has them.
fn operands<'a>(
	op: &OpRecord,
	tensors: &'a [Vec<u8>],
	input: &'a [u8],
	weights: &'a [u8],
) -> Vec<&'a [u8]> {
	op.operands
		.iter()
		.map(|operand| {
			let object = match operand.source {
				Source::Op(entry) => &tensors[entry as usize][..],
				Source::Input(_) => input,
				Source::Weight(_) => weights,
			};
			&object[operand.base() as usize..][..operand.bytes() as usize]
		})
		.collect()
}

impl Run {
	/// Execute `program`. With a lie (op, element), that element gets another value and everything
	/// after it follows from that.
	pub(crate) fn new(
		program: Program,
		weights: Vec<u8>,
		input: Vec<u8>,
		lie: Option<(u32, u64)>,
	) -> Self {
		let mut tensors: Vec<Vec<u8>> = Vec::new();
		for (entry, op) in program.ops.iter().enumerate() {
			let mut reader = TensorReader::new(op, &operands(op, &tensors, &input, &weights));
			let size = op.dtype.size() as usize;
			let mut tensor = vec![0; op.bytes() as usize];
			for (index, out) in tensor.chunks_mut(size).enumerate() {
				let index = index as u64;
				let value = element::<Soft, _>(op, index, &mut reader).expect("operands are whole");
				let wrong = lie == Some((entry as u32, index));
				encode_value(op.dtype, value ^ u64::from(wrong), out).expect("out is an element");
			}
			tensors.push(tensor);
		}
		let bytes = program.encode().expect("the program is valid");
		let trace = tensors.iter().flat_map(|tensor| tree::hash(tensor)).collect();
		Self { program, bytes, weights, input, tensors, trace }
	}

	pub(crate) fn n_ops(&self) -> u32 {
		self.tensors.len() as u32
	}

	pub(crate) fn trace_root(&self) -> Root {
		tree::hash(&self.trace)
	}

	pub(crate) fn output(&self) -> &[u8] {
		self.tensors.last().expect("programs are not empty")
	}

	pub(crate) fn output_root(&self) -> Root {
		tree::hash(self.output())
	}

	pub(crate) fn last_entry(&self) -> Slice {
		chunk(&self.trace, u64::from(self.n_ops() - 1) / ENTRIES)
	}

	fn object(&self, object: Object) -> &[u8] {
		match object {
			Object::Trace => &self.trace,
			Object::Tensor(entry) => &self.tensors[entry as usize],
		}
	}

	/// The opening of a node that exists.
	pub(crate) fn open(&self, node: &NodeKey) -> Opening {
		let bytes = self.object(node.object);
		let level = node.level_in(bytes.len() as u64).expect("the node exists");
		let (payload, path) = tree::open_node(bytes, level, node.index).expect("the node exists");
		let (entry, record) = match node.object {
			Object::Trace => (None, None),
			Object::Tensor(entry) => (
				Some(chunk(&self.trace, u64::from(entry) / ENTRIES)),
				Some(chunk(&self.bytes, u64::from(entry) + 1)),
			),
		};
		Opening { entry, record, path, payload }
	}

	/// The first op and element in which `other` differs.
	#[cfg(test)]
	pub(crate) fn first_difference(&self, other: &Self) -> Option<(u32, u64)> {
		let entry =
			(0..self.tensors.len()).find(|entry| self.tensors[*entry] != other.tensors[*entry])?;
		let size = self.program.ops[entry].dtype.size() as usize;
		let (ours, theirs) = (&self.tensors[entry], &other.tensors[entry]);
		let element = ours.chunks(size).zip(theirs.chunks(size)).position(|(a, b)| a != b)?;
		Some((entry as u32, element as u64))
	}

	/// The questions that lead from the top of the trace to the chunk that holds an element.
	#[cfg(test)]
	pub(crate) fn way_to(&self, entry: u32, at: u64) -> Vec<NodeKey> {
		let size = self.program.ops[entry as usize].dtype.size();
		let mut way = descend(Object::Trace, self.trace.len() as u64, u64::from(entry) / ENTRIES);
		let len = self.tensors[entry as usize].len() as u64;
		way.extend(descend(Object::Tensor(entry), len, at * size / CHUNK_BYTES));
		way
	}

	/// The proof that `liar` has a wrong value at `at` in the tensor of `entry`, whose operands are
	/// right. Proves nothing if it has not.
	pub(crate) fn prove(&self, liar: &Self, entry: u32, at: Location) -> FaultProof {
		let op = &self.program.ops[entry as usize];
		let size = op.dtype.size();
		let elements = match at {
			Location::Element(element) => element..element + 1,
			Location::Chunk(index) => {
				let per_chunk = CHUNK_BYTES / size;
				index * per_chunk..((index + 1) * per_chunk).min(op.shape.elements())
			},
		};
		let wrong_chunk = elements.start * size / CHUNK_BYTES;
		let parts = operands(op, &self.tensors, &self.input, &self.weights);
		let mut reader = RecordingReader::new(op, &parts);
		for index in elements {
			element::<Soft, _>(op, index, &mut reader).expect("operands are whole");
		}
		let mut entries = BTreeSet::from([u64::from(entry) / ENTRIES]);
		let mut reads = Vec::new();
		for (number, operand) in op.operands.iter().enumerate() {
			let object = match operand.source {
				Source::Op(entry) => {
					entries.insert(u64::from(entry) / ENTRIES);
					&self.tensors[entry as usize]
				},
				Source::Input(_) => &self.input,
				Source::Weight(_) => &self.weights,
			};
			for (first, count) in reader.runs(number) {
				let slice = Slice::make(object, first, count).expect("it was read");
				reads.push(Read { operand: number as u8, slice });
			}
		}
		FaultProof {
			entry,
			at,
			record: chunk(&self.bytes, u64::from(entry) + 1),
			entries: entries.into_iter().map(|index| chunk(&liar.trace, index)).collect(),
			claimed: Claimed::Bytes(chunk(&liar.tensors[entry as usize], wrong_chunk)),
			reads,
		}
	}
}

/// The slice of one chunk.
fn chunk(bytes: &[u8], index: u64) -> Slice {
	Slice::make(bytes, index, 1).expect("the chunk exists")
}

/// The nodes from the top of an object of `len` bytes down to the chunk at `index`.
#[cfg(test)]
fn descend(object: Object, len: u64, index: u64) -> Vec<NodeKey> {
	let below = (0..tree::top(len)).rev();
	let nodes = below.map(|level| NodeKey { object, level, index: index >> (10 * level) });
	core::iter::once(NodeKey::top(object)).chain(nodes).collect()
}
