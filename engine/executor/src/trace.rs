//! An execution whose every step is committed to.

use crate::{bundle::Bundle, error::ExecError, hash::Tree, memory::Lent};
use assay_kernels::Buffer;
use assay_referee::{
	opening::{ENTRIES_PER_CHUNK, ENTRY_BYTES},
	tree, Commitments, NodeKey, Object, OpRecord, Opening, Operand, Root, Slice, Source,
};
use std::{ops::Range, sync::Arc};

/// Every op's output tensor of one execution, and the commitments to them.
#[derive(Clone, Debug)]
pub struct Trace {
	pub(crate) bundle: Arc<Bundle>,
	/// The input as it was given: what the input root commits to.
	pub(crate) input: Vec<u8>,
	/// The input as ops read it.
	pub(crate) canonical: Arc<Buffer>,
	tensors: Arc<Tensors>,
	pub(crate) entries: Vec<Root>,
	input_tree: Arc<Tree>,
	root: Root,
}

/// Every op's output, and the trees over them.
#[derive(Debug)]
pub(crate) struct Tensors {
	memory: Lent,
	places: Vec<Range<usize>>,
	trees: Vec<Tree>,
}

impl Tensors {
	/// The tensors at `places` of `memory`, and the tree over each.
	pub(crate) fn new(memory: Lent, places: Vec<Range<usize>>, trees: Vec<Tree>) -> Tensors {
		Tensors { memory, places, trees }
	}

	/// The output of op `op`.
	pub(crate) fn get(&self, op: usize) -> Option<&[u8]> {
		self.memory.get(self.places.get(op)?.clone())
	}
}

impl Trace {
	/// The trace with these tensors.
	pub(crate) fn new(
		bundle: Arc<Bundle>,
		input: Vec<u8>,
		canonical: Buffer,
		tensors: Tensors,
	) -> Result<Trace, ExecError> {
		let entries: Vec<Root> = tensors.trees.iter().map(Tree::root).collect();
		if entries.is_empty() {
			return Err(ExecError::NoSuch("op"));
		}
		let input_tree = Arc::new(Tree::new(&input, 1));
		let root = tree::hash(entries.as_flattened());
		let (canonical, tensors) = (Arc::new(canonical), Arc::new(tensors));
		Ok(Trace { bundle, input, canonical, tensors, entries, input_tree, root })
	}

	/// The root of every op's output tensor, in order.
	pub fn entries(&self) -> &[Root] {
		&self.entries
	}

	/// The root of the list of entries.
	pub fn root(&self) -> Root {
		self.root
	}

	/// The output bytes.
	pub fn output(&self) -> &[u8] {
		self.entries.len().checked_sub(1).and_then(|last| self.tensors.get(last)).unwrap_or(&[])
	}

	/// The root of the output: the last entry.
	pub fn output_root(&self) -> Root {
		self.entries.last().copied().unwrap_or_default()
	}

	/// The output tensor of op `entry`, if there is such an op.
	pub fn tensor(&self, entry: u32) -> Option<&[u8]> {
		self.tensors.get(entry as usize)
	}

	/// The commitments of a job with this input whose operator published `trace_root`.
	pub fn commitments(&self, trace_root: &Root) -> Commitments {
		let manifest = self.bundle.manifest();
		Commitments {
			program_root: manifest.program_root,
			n_ops: self.entries.len() as u32,
			weights_root: manifest.weights_root,
			weights_len: self.bundle.weights().len() as u64,
			input_root: self.input_tree.root(),
			input_len: self.input.len() as u64,
			trace_root: *trace_root,
		}
	}

	/// The proof that the last entry is the output's root, published together with the trace root.
	///
	/// Errors: none for a trace with entries, which every trace has.
	pub fn last_entry_proof(&self) -> Result<Slice, ExecError> {
		Ok(self.entry_slice(self.entries.len().saturating_sub(1) as u32)?)
	}

	/// What the operator publishes for a node.
	///
	/// Errors: there is no such node.
	pub fn open(&self, key: &NodeKey) -> Result<Opening, ExecError> {
		let bytes = self.object(&key.object)?;
		let level = key.level_in(bytes.len() as u64).ok_or(ExecError::NoSuch("node"))?;
		let (payload, path) = match key.object {
			Object::Tensor(entry) => {
				let tree = self.tensors.trees.get(entry as usize).ok_or(ExecError::NoSuch("op"))?;
				tree.open(bytes, level, key.index)?
			},
			Object::Trace => tree::open_node(bytes, level, key.index)?,
		};
		let (entry, record) = match key.object {
			Object::Trace => (None, None),
			Object::Tensor(entry) => {
				(Some(self.entry_slice(entry)?), Some(self.record_slice(entry)?))
			},
		};
		Ok(Opening { entry, record, path, payload })
	}

	pub(crate) fn trace_bytes(&self) -> &[u8] {
		self.entries.as_flattened()
	}

	pub(crate) fn trace_len(&self) -> u64 {
		self.entries.len() as u64 * ENTRY_BYTES
	}

	/// The bytes of an object of this trace.
	pub(crate) fn object(&self, object: &Object) -> Result<&[u8], ExecError> {
		match object {
			Object::Trace => Ok(self.trace_bytes()),
			Object::Tensor(entry) => self.tensor(*entry).ok_or(ExecError::NoSuch("op")),
		}
	}

	/// The chunk of the trace that holds an entry.
	fn entry_slice(&self, entry: u32) -> Result<Slice, assay_referee::TreeError> {
		Slice::make(self.trace_bytes(), u64::from(entry) / ENTRIES_PER_CHUNK, 1)
	}

	/// The chunk of the program that holds an op's record.
	pub(crate) fn record_slice(&self, entry: u32) -> Result<Slice, assay_referee::TreeError> {
		Slice::make(self.bundle.program_bytes(), u64::from(entry) + 1, 1)
	}

	pub(crate) fn op(&self, entry: u32) -> Result<&OpRecord, ExecError> {
		self.bundle.program().ops.get(entry as usize).ok_or(ExecError::NoSuch("op"))
	}

	/// Chunks of the object that holds an operand, as it was committed to.
	pub(crate) fn operand_slice(
		&self,
		operand: &Operand,
		first: u64,
		chunks: u64,
	) -> Result<Slice, ExecError> {
		Ok(match operand.source {
			Source::Op(op) => {
				let tree = self.tensors.trees.get(op as usize).ok_or(ExecError::NoSuch("op"))?;
				tree.slice(self.object(&Object::Tensor(op))?, first, chunks)?
			},
			Source::Input(_) => self.input_tree.slice(&self.input, first, chunks)?,
			Source::Weight(_) => self.bundle.weights_slice(first, chunks)?,
		})
	}

	/// An operand's bytes as the op reads them.
	pub(crate) fn operand_bytes(&self, operand: &Operand) -> Result<&[u8], ExecError> {
		let object = match operand.source {
			Source::Op(op) => self.object(&Object::Tensor(op))?,
			Source::Input(_) => &self.canonical,
			Source::Weight(_) => self.bundle.weights(),
		};
		let start = operand.base() as usize;
		object.get(start..start + operand.bytes() as usize).ok_or(ExecError::NoSuch("operand"))
	}
}

#[cfg(test)]
use crate::memory::Pool;

#[cfg(test)]
impl Trace {
	/// This trace with other entries, as a dishonest operator might commit to.
	pub(crate) fn with_entries(&self, entries: Vec<Root>) -> Trace {
		let root = tree::hash(entries.as_flattened());
		Trace { entries, root, ..self.clone() }
	}

	/// This trace with another tensor, whose entry is right for it.
	pub(crate) fn with_tensor(&self, entry: u32, tensor: Buffer) -> Trace {
		let places = self.tensors.places.clone();
		let mut memory = Pool::new(self.tensors.memory.len(), 0).take();
		memory.copy_from_slice(&self.tensors.memory);
		memory[places[entry as usize].clone()].copy_from_slice(&tensor);
		let trees = places.iter().map(|place| Tree::new(&memory[place.clone()], 1)).collect();
		let tensors = Arc::new(Tensors::new(memory, places, trees));
		let mut entries = self.entries.clone();
		entries[entry as usize] = tree::hash(&tensor);
		Trace { tensors, ..self.with_entries(entries) }
	}

	/// This trace with one bit of op `entry`'s tensor wrong, committed to; later ops are as they were.
	pub(crate) fn with_flipped_bit(&self, entry: u32, bit: u64) -> Trace {
		let mut wrong = Buffer::from_bytes(self.tensors.get(entry as usize).unwrap());
		wrong[bit as usize / 8] ^= 1 << (bit % 8);
		self.with_tensor(entry, wrong)
	}
}
