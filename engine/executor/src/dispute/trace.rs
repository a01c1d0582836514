//! An execution whose every step is committed to.

use super::DisputeError;
use crate::{
	bundle::Bundle,
	plan::{Cancel, Lent, Runner},
	tree::Tree,
};
use assay_kernels::Buffer;
use assay_referee::{
	opening::{ENTRIES_PER_CHUNK, ENTRY_BYTES},
	tree, Commitments, NodeKey, Object, OpRecord, Opening, Operand, Root, Slice, Source,
};
use std::{
	ops::Range,
	sync::{Arc, Mutex, OnceLock, PoisonError},
};

/// The commitments to every op's output tensor of one execution, and the means to have the tensors
/// again.
#[derive(Clone, Debug)]
pub struct Trace {
	runner: Arc<Runner>,
	/// The input as it was given, which the input root commits to, where ops read it differently.
	given: Option<Vec<u8>>,
	/// The input as ops read it.
	canonical: Arc<Buffer>,
	output: Vec<u8>,
	trees: Arc<[Tree]>,
	entries: Vec<Root>,
	/// Made when it is asked for.
	input_tree: Arc<OnceLock<Tree>>,
	root: Root,
	/// The tensors of an execution that the runner would not repeat: one that was tampered with.
	kept: Option<Arc<Tensors>>,
	/// The op that was last asked about, and the tensors around it.
	found: Arc<Mutex<Found>>,
}

/// An op and the tensors around it.
type Found = Option<(u32, Arc<Tensors>)>;

/// Output tensors of some ops of an execution.
#[derive(Debug)]
pub(crate) enum Tensors {
	/// Of all ops.
	All(Vec<Buffer>),
	/// Of one op and of those that it reads.
	Around {
		/// Where the execution worked.
		memory: Lent,
		/// The ops, and where their outputs lie in it.
		places: Vec<(u32, Range<usize>)>,
	},
}

impl Tensors {
	/// The output of op `op`.
	pub(crate) fn get(&self, op: u32) -> Result<&[u8], DisputeError> {
		let found = match self {
			Tensors::All(tensors) => tensors.get(op as usize).map(|tensor| &tensor[..]),
			Tensors::Around { memory, places } => {
				let place = places.iter().find(|(at, _)| *at == op);
				place.and_then(|(_, place)| memory.get(place.clone()))
			},
		};
		found.ok_or(DisputeError::NoSuchEntry(op))
	}
}

impl Trace {
	/// The trace of an execution with this output and these trees over its tensors. `given` is the input
	/// if it is not `canonical`, `kept` are the tensors if `runner` would compute others.
	pub(crate) fn new(
		runner: Arc<Runner>,
		given: Option<Vec<u8>>,
		canonical: Buffer,
		output: Vec<u8>,
		trees: Vec<Tree>,
		kept: Option<Vec<Buffer>>,
	) -> Trace {
		let entries: Vec<Root> = trees.iter().map(Tree::root).collect();
		let input_tree = Arc::default();
		let root = tree::hash(entries.as_flattened());
		let (canonical, trees) = (Arc::new(canonical), trees.into());
		let kept = kept.map(|tensors| Arc::new(Tensors::All(tensors)));
		let found = Arc::default();
		Trace { runner, given, canonical, output, trees, entries, input_tree, root, kept, found }
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
		&self.output
	}

	/// The root of the output: the last entry.
	pub fn output_root(&self) -> Root {
		self.entries.last().copied().unwrap_or_default()
	}

	/// Chunks of the output and the proof that they are under its root.
	///
	/// # Errors
	/// No chunks, or chunks beyond the output.
	pub fn output_slice(&self, first: u64, chunks: u64) -> Result<Slice, DisputeError> {
		let last = self.entries.len().saturating_sub(1) as u32;
		Ok(self.tree(last)?.slice(&self.output, first, chunks)?)
	}

	/// The output tensor of op `entry`, computed again.
	///
	/// # Errors
	/// There is no such op, or the machine computes it differently this time.
	pub fn tensor(&self, entry: u32) -> Result<Vec<u8>, DisputeError> {
		Ok(self.tensors(entry)?.get(entry)?.to_vec())
	}

	/// Bytes of memory that the trace holds, or will when it is asked about an op.
	pub fn memory(&self) -> usize {
		let tensors = match self.kept.as_deref() {
			Some(Tensors::All(tensors)) => tensors.iter().map(|tensor| tensor.len()).sum(),
			_ => self.runner.plan.memory,
		};
		let trees: usize = self.trees.iter().map(Tree::memory).sum();
		let given = self.given.as_ref().map_or(0, Vec::len);
		tensors + trees + given + self.canonical.len() + self.output.len()
	}

	/// The output of op `entry` and what it reads of other ops, as they were committed to.
	///
	/// # Errors
	/// There is no such op, or the machine computes something differently this time.
	pub(crate) fn tensors(&self, entry: u32) -> Result<Arc<Tensors>, DisputeError> {
		let op = self.op(entry)?;
		if let Some(kept) = &self.kept {
			return Ok(kept.clone());
		}
		// Whoever asks at the same time wants the same tensors, or the memory.
		let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
		match &*found {
			Some((at, tensors)) if *at == entry => return Ok(tensors.clone()),
			_ => *found = None,
		}
		let memory = self.runner.run(&self.canonical, Some(entry), &Cancel::new(), |_, _| ())?;
		let read = op.operands.iter().filter_map(|operand| match operand.source {
			Source::Op(op) => Some(op),
			_ => None,
		});
		let ops: Vec<u32> = [entry].into_iter().chain(read).collect();
		let place = |op: &u32| (*op, self.runner.plan.places[*op as usize].clone());
		let tensors = Tensors::Around { memory, places: ops.iter().map(place).collect() };
		// What is opened has to be what was committed to, or it costs the stake.
		for op in ops {
			let tree = Tree::new(tensors.get(op)?, &self.runner.config);
			if tree.root() != self.tree(op)?.root() {
				return Err(DisputeError::Unsteady { op });
			}
		}
		let tensors = Arc::new(tensors);
		*found = Some((entry, tensors.clone()));
		Ok(tensors)
	}

	/// The input as it was given.
	fn input(&self) -> &[u8] {
		self.given.as_deref().unwrap_or(&self.canonical)
	}

	fn input_tree(&self) -> &Tree {
		self.input_tree.get_or_init(|| Tree::new(self.input(), &self.runner.config))
	}

	fn bundle(&self) -> &Bundle {
		&self.runner.bundle
	}

	/// The commitments of a job with this input whose operator published `trace_root`.
	pub fn commitments(&self, trace_root: &Root) -> Commitments {
		let manifest = self.bundle().manifest();
		Commitments {
			program_root: manifest.program_root,
			n_ops: self.entries.len() as u32,
			weights_root: manifest.weights_root,
			weights_len: self.bundle().weights().len() as u64,
			input_root: self.input_tree().root(),
			input_len: self.input().len() as u64,
			trace_root: *trace_root,
		}
	}

	/// The proof that the last entry is the output's root, published together with the trace root.
	///
	/// # Errors
	/// None for a trace with entries, which every trace has.
	///
	/// # Examples
	///
	/// ```
	/// # mod tiny { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/examples/tiny/mod.rs")); }
	/// # let bundle = tiny::bundle(1)?;
	/// use assay_executor::{Options, Session};
	/// use assay_referee::verify_last_entry;
	///
	/// let session = Session::new(bundle.into(), Options::default());
	/// let trace = session.trace(&[0; 16], None)?;
	/// // The model has two ops.
	/// verify_last_entry(&trace.root(), 2, &trace.output_root(), &trace.last_entry_proof()?)?;
	/// # Ok::<(), Box<dyn std::error::Error>>(())
	/// ```
	pub fn last_entry_proof(&self) -> Result<Slice, DisputeError> {
		Ok(self.entry_slice(self.entries.len().saturating_sub(1) as u32)?)
	}

	/// What the operator publishes for a node.
	///
	/// # Errors
	/// There is no such node, or the machine computes its tensor differently this time.
	///
	/// # Examples
	///
	/// ```
	/// # mod tiny { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/examples/tiny/mod.rs")); }
	/// # let bundle = tiny::bundle(1)?;
	/// use assay_executor::{Options, Session};
	/// use assay_referee::{verify_opening, NodeKey, Object};
	///
	/// let session = Session::new(bundle.into(), Options::default());
	/// let trace = session.trace(&[0; 16], None)?;
	/// let node = NodeKey::top(Object::Tensor(1));
	/// let opening = trace.open(&node)?;
	/// // As the chain checks it, which knows the roots only.
	/// let opened = verify_opening(&trace.commitments(&trace.root()), &node, &opening)?;
	/// assert_eq!((opened.object_len, opening.payload), (12, trace.tensor(1)?));
	/// # Ok::<(), Box<dyn std::error::Error>>(())
	/// ```
	pub fn open(&self, key: &NodeKey) -> Result<Opening, DisputeError> {
		let level = |len| key.level_in(len).ok_or(DisputeError::NoSuchNode(*key));
		match key.object {
			Object::Tensor(entry) => {
				let level = level(self.op(entry)?.bytes())?;
				let tensors = self.tensors(entry)?;
				let (payload, path) =
					self.tree(entry)?.open(tensors.get(entry)?, level, key.index)?;
				let (entry, record) = (self.entry_slice(entry)?, self.record_slice(entry)?);
				Ok(Opening { entry: Some(entry), record: Some(record), path, payload })
			},
			Object::Trace => {
				let (payload, path) =
					tree::open_node(self.trace_bytes(), level(self.trace_len())?, key.index)?;
				Ok(Opening { entry: None, record: None, path, payload })
			},
		}
	}

	pub(crate) fn trace_bytes(&self) -> &[u8] {
		self.entries.as_flattened()
	}

	pub(crate) fn trace_len(&self) -> u64 {
		self.entries.len() as u64 * ENTRY_BYTES
	}

	/// The tree over op `entry`'s tensor.
	fn tree(&self, entry: u32) -> Result<&Tree, DisputeError> {
		self.trees.get(entry as usize).ok_or(DisputeError::NoSuchEntry(entry))
	}

	/// The chunk of the trace that holds an entry.
	fn entry_slice(&self, entry: u32) -> Result<Slice, assay_referee::TreeError> {
		Slice::make(self.trace_bytes(), u64::from(entry) / ENTRIES_PER_CHUNK, 1)
	}

	/// The chunk of the program that holds an op's record.
	pub(crate) fn record_slice(&self, entry: u32) -> Result<Slice, assay_referee::TreeError> {
		self.bundle().record_slice(entry)
	}

	pub(crate) fn op(&self, entry: u32) -> Result<&OpRecord, DisputeError> {
		self.bundle().program().ops.get(entry as usize).ok_or(DisputeError::NoSuchEntry(entry))
	}

	/// Chunks of the object that holds an operand, as it was committed to; `tensors` are those around
	/// the op.
	pub(crate) fn operand_slice(
		&self,
		tensors: &Tensors,
		operand: &Operand,
		first: u64,
		chunks: u64,
	) -> Result<Slice, DisputeError> {
		Ok(match operand.source {
			Source::Op(op) => self.tree(op)?.slice(tensors.get(op)?, first, chunks)?,
			Source::Input(_) => self.input_tree().slice(self.input(), first, chunks)?,
			Source::Weight(_) => self.bundle().weights_slice(first, chunks)?,
		})
	}

	/// The bytes of operand `at` of op `entry` as they were committed to; `tensors` are those around the
	/// op.
	pub(crate) fn operand_bytes<'a>(
		&'a self,
		tensors: &'a Tensors,
		entry: u32,
		at: usize,
	) -> Result<&'a [u8], DisputeError> {
		let missing = DisputeError::Operand { op: entry, operand: at };
		let operand = self.op(entry)?.operands.get(at).ok_or(missing)?;
		let object = match operand.source {
			Source::Op(op) => tensors.get(op)?,
			Source::Input(_) => &self.canonical,
			Source::Weight(_) => self.bundle().weights(),
		};
		let start = operand.base() as usize;
		let bytes = object.get(start..start + operand.bytes() as usize);
		bytes.ok_or(DisputeError::Operand { op: entry, operand: at })
	}
}

#[cfg(test)]
impl Trace {
	/// This trace with other entries, as a dishonest operator might commit to.
	pub(crate) fn with_entries(&self, entries: Vec<Root>) -> Trace {
		let root = tree::hash(entries.as_flattened());
		Trace { entries, root, ..self.clone() }
	}

	/// This trace with another tensor, whose entry is right for it.
	pub(crate) fn with_tensor(&self, entry: u32, tensor: Buffer) -> Trace {
		let mut tensors: Vec<Buffer> = (0..self.entries.len() as u32)
			.map(|op| Buffer::from_bytes(&self.tensor(op).unwrap()))
			.collect();
		tensors[entry as usize] = tensor;
		let trees: Vec<Tree> =
			tensors.iter().map(|tensor| Tree::new(tensor, &self.runner.config)).collect();
		let mut entries = self.entries.clone();
		entries[entry as usize] = trees[entry as usize].root();
		let (trees, kept) = (trees.into(), Some(Arc::new(Tensors::All(tensors))));
		Trace { trees, kept, ..self.with_entries(entries) }
	}

	/// This trace of a machine that computed op `entry` differently the first time.
	pub(crate) fn with_unsteady(&self, entry: u32) -> Trace {
		let mut trees = self.trees.to_vec();
		trees[entry as usize] = Tree::new(&[entry as u8], &self.runner.config);
		Trace { trees: trees.into(), ..self.clone() }
	}

	/// This trace with one bit of op `entry`'s tensor wrong, committed to; later ops are as they were.
	pub(crate) fn with_flipped_bit(&self, entry: u32, bit: u64) -> Trace {
		let mut wrong = Buffer::from_bytes(&self.tensor(entry).unwrap());
		wrong[bit as usize / 8] ^= 1 << (bit % 8);
		self.with_tensor(entry, wrong)
	}
}
