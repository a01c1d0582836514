//! Executing a model.

use crate::{
	bundle::Bundle,
	error::ExecError,
	hash::Tree,
	memory::Pool,
	plan::Plan,
	ports::{InputTensor, OutputTensor},
	tamper::{candidates, Tamper},
	trace::{Tensors, Trace},
};
use assay_kernels::{execute, resume, Buffer, Isa, KernelConfig};
use assay_referee::{canonical, tree, DType, Operand, Source};
use std::{
	sync::{
		atomic::{AtomicBool, Ordering},
		Arc, OnceLock,
	},
	time::Instant,
};

/// How a session uses the machine; no option changes a result.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Options {
	/// Worker threads; 0 takes as many as the machine has.
	pub threads: usize,
	/// The instruction set; the machine's best when `None`.
	pub isa: Option<Isa>,
}

/// Lets another thread stop executions; clones share one flag.
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
	/// A flag that is not set.
	pub fn new() -> Cancel {
		Cancel::default()
	}

	/// Stops every execution that was given this flag, at its next op.
	pub fn cancel(&self) {
		self.0.store(true, Ordering::Relaxed);
	}

	/// Whether [`Cancel::cancel`] was called.
	pub fn is_cancelled(&self) -> bool {
		self.0.load(Ordering::Relaxed)
	}

	pub(crate) fn check(&self) -> Result<(), ExecError> {
		if self.is_cancelled() {
			return Err(ExecError::Cancelled);
		}
		Ok(())
	}
}

/// Pieces of memory that a session keeps for executions that run at the same time.
const KEPT: usize = 4;

/// What one step of an execution took.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StepTime {
	/// The ops that the step executes.
	pub ops: Vec<u32>,
	/// Its time in nanoseconds.
	pub nanoseconds: u64,
}

/// A model ready to run; it may run on several threads at once.
#[derive(Debug)]
pub struct Session {
	bundle: Arc<Bundle>,
	config: KernelConfig,
	plan: Plan,
	memory: Pool,
	/// The plan of executions that keep every tensor, and their memory; made for the first one.
	traced: OnceLock<(Plan, Pool)>,
}

impl Session {
	/// Prepares a model: decides what runs together and where tensors lie, and rearranges the
	/// weights for the kernels unless another session of the bundle has.
	///
	/// Errors: none at present.
	pub fn new(bundle: Arc<Bundle>, options: Options) -> Result<Session, ExecError> {
		let threads = match options.threads {
			0 => std::thread::available_parallelism().map_or(1, usize::from),
			threads => threads,
		};
		let config = KernelConfig::new(threads, options.isa.unwrap_or_else(Isa::detect));
		let plan = Plan::new(bundle.program(), &bundle.packed(&config), false);
		let memory = Pool::new(plan.memory, KEPT);
		Ok(Session { bundle, config, plan, memory, traced: OnceLock::new() })
	}

	/// The model.
	pub fn bundle(&self) -> &Arc<Bundle> {
		&self.bundle
	}

	/// Bytes that the tensors of one execution take.
	pub fn memory(&self) -> usize {
		self.plan.memory
	}

	/// The threads and the instruction set in use.
	pub fn config(&self) -> &KernelConfig {
		&self.config
	}

	/// The output bytes for these input bytes, both in the layouts of the program's header.
	///
	/// Errors: the input has the wrong length.
	pub fn run(&self, input: &[u8]) -> Result<Vec<u8>, ExecError> {
		self.run_with(input, &Cancel::new())
	}

	/// As [`Session::run`]; stops with [`ExecError::Cancelled`] when `cancel` is set.
	pub fn run_with(&self, input: &[u8], cancel: &Cancel) -> Result<Vec<u8>, ExecError> {
		let input = self.canonical_input(input)?;
		let mut memory = self.memory.take();
		self.plan.run(&self.bundle, &input, &mut memory, &self.config, cancel, |_, _| ())?;
		let output = self.plan.places.last().and_then(|place| memory.get(place.clone()));
		Ok(output.ok_or(ExecError::NoSuch("op"))?.to_vec())
	}

	/// As [`Session::run`], but gives the time of every step instead of the output.
	///
	/// Errors: the input has the wrong length.
	pub fn profile(&self, input: &[u8]) -> Result<Vec<StepTime>, ExecError> {
		let input = self.canonical_input(input)?;
		let mut memory = self.memory.take();
		let steps = self.plan.steps.iter();
		let times = steps.map(|step| {
			let start = Instant::now();
			step.run(&self.bundle, &input, &mut memory, &self.config)?;
			let nanoseconds = start.elapsed().as_nanos() as u64;
			Ok(StepTime { ops: step.ops.clone(), nanoseconds })
		});
		times.collect()
	}

	/// Executes and keeps every op's output, committed to; with `tamper`, wrongly.
	///
	/// Errors: the input has the wrong length, or there is no such op or element to tamper with.
	pub fn trace(&self, input: &[u8], tamper: Option<&Tamper>) -> Result<Trace, ExecError> {
		self.trace_with(input, tamper, &Cancel::new())
	}

	/// As [`Session::trace`]; stops with [`ExecError::Cancelled`] when `cancel` is set.
	pub fn trace_with(
		&self,
		input: &[u8],
		tamper: Option<&Tamper>,
		cancel: &Cancel,
	) -> Result<Trace, ExecError> {
		let canonical = self.canonical_input(input)?;
		if let Some(tamper) = tamper {
			let ops = &self.bundle.program().ops;
			let op = ops.get(tamper.op as usize).ok_or(ExecError::NoSuch("op"))?;
			if tamper.element.is_some_and(|element| element >= op.shape.elements()) {
				return Err(ExecError::NoSuch("element"));
			}
		}
		let tensors = self.tensors(&canonical, tamper, cancel)?;
		Trace::new(self.bundle.clone(), input.to_vec(), canonical, tensors)
	}

	/// A way to tamper with op `op` after which the model's output for `input` differs, if one of
	/// the elements tried gives it.
	///
	/// Errors: as [`Session::trace`].
	pub fn tamper_that_changes_output(
		&self,
		input: &[u8],
		op: u32,
	) -> Result<Option<Tamper>, ExecError> {
		let canonical = self.canonical_input(input)?;
		let record = self.bundle.program().ops.get(op as usize).ok_or(ExecError::NoSuch("op"))?;
		let honest = self.tensors(&canonical, None, &Cancel::new())?;
		for element in candidates(record.shape.elements()) {
			let tamper = Tamper { op, element: Some(element) };
			if self.changes_output(&canonical, &honest, &tamper)? {
				return Ok(Some(tamper));
			}
		}
		Ok(None)
	}

	/// The input bytes of a job from named tensors; see [`crate::Manifest::pack_inputs`].
	pub fn pack_inputs(&self, tensors: &[InputTensor<'_>]) -> Result<Vec<u8>, ExecError> {
		self.bundle.manifest().pack_inputs(tensors)
	}

	/// The named outputs of a job; see [`crate::Manifest::unpack_outputs`].
	pub fn unpack_outputs(&self, bytes: &[u8]) -> Result<Vec<OutputTensor>, ExecError> {
		self.bundle.manifest().unpack_outputs(bytes)
	}

	/// The root of an output, to be claimed on chain.
	pub fn output_root(output: &[u8]) -> assay_referee::Root {
		tree::hash(output)
	}

	/// The input as ops read it: one NaN, and 0 or 1 in every `Bool`.
	fn canonical_input(&self, input: &[u8]) -> Result<Buffer, ExecError> {
		let header = &self.bundle.program().header;
		let layout = header.input_layout();
		let (expected, found) = (layout.total_len, input.len() as u64);
		if expected != found {
			return Err(ExecError::InputLength { expected, found });
		}
		let mut bytes = Buffer::from_bytes(input);
		for (spec, &offset) in header.inputs.iter().zip(&layout.offsets) {
			let part = &mut bytes[offset as usize..(offset + spec.bytes()) as usize];
			match spec.dtype {
				DType::F32 => part.as_chunks_mut().0.iter_mut().for_each(|x| {
					let bits = canonical(DType::F32, u32::from_le_bytes(*x).into()) as u32;
					*x = bits.to_le_bytes();
				}),
				DType::Bool => part.iter_mut().for_each(|x| *x = u8::from(*x != 0)),
				_ => {},
			}
		}
		Ok(bytes)
	}

	/// The bytes of an operand; empty, which kernels refuse, when they are not there.
	fn locate<'a>(
		&'a self,
		operand: &Operand,
		input: &'a [u8],
		tensor: impl Fn(usize) -> Option<&'a [u8]>,
	) -> &'a [u8] {
		let part = |object: &'a [u8], start: u64| {
			object.get(start as usize..(start + operand.bytes()) as usize).unwrap_or(&[])
		};
		match operand.source {
			Source::Op(op) => tensor(op as usize).unwrap_or(&[]),
			Source::Input(offset) => part(input, offset),
			Source::Weight(offset) => part(self.bundle.weights(), offset),
		}
	}

	/// One op on finished tensors, without fusion.
	fn compute<'a>(
		&'a self,
		op: usize,
		input: &'a [u8],
		tensor: impl Fn(usize) -> Option<&'a [u8]>,
	) -> Result<Buffer, ExecError> {
		let record = &self.bundle.program().ops[op];
		let operands: Vec<&[u8]> =
			record.operands.iter().map(|operand| self.locate(operand, input, &tensor)).collect();
		let mut out = Buffer::new(record.bytes() as usize);
		execute(record, &operands, &mut out, &self.config)
			.map_err(|error| ExecError::Kernel { op: op as u32, error })?;
		Ok(out)
	}

	/// Makes what an op computed of its own output follow from the element just changed in it.
	fn resume<'a>(
		&'a self,
		op: usize,
		input: &'a [u8],
		tensor: impl Fn(usize) -> Option<&'a [u8]>,
		out: &mut [u8],
		element: u64,
	) -> Result<(), ExecError> {
		let record = &self.bundle.program().ops[op];
		let operands: Vec<&[u8]> =
			record.operands.iter().map(|operand| self.locate(operand, input, &tensor)).collect();
		resume(record, &operands, out, element, &self.config)
			.map_err(|error| ExecError::Kernel { op: op as u32, error })
	}

	/// Executes and keeps every op's output; with `tamper` op by op, so that it has its effect.
	fn tensors(
		&self,
		input: &[u8],
		tamper: Option<&Tamper>,
		cancel: &Cancel,
	) -> Result<Tensors, ExecError> {
		let (plan, pool) = self.traced.get_or_init(|| {
			let plan = Plan::new(self.bundle.program(), &self.bundle.packed(&self.config), true);
			let pool = Pool::new(plan.memory, 1);
			(plan, pool)
		});
		let mut memory = pool.take();
		let threads = self.config.threads();
		let mut trees = vec![Tree::default(); plan.places.len()];
		// Hashed while they are in the cache.
		let mut commit = |op: usize, tensor: &[u8]| trees[op] = Tree::new(tensor, threads);
		match tamper {
			None => plan.run(&self.bundle, input, &mut memory, &self.config, cancel, commit)?,
			Some(tamper) => {
				for (i, op) in self.bundle.program().ops.iter().enumerate() {
					cancel.check()?;
					let place = plan.places[i].clone();
					let mut out =
						self.compute(i, input, |j| memory.get(plan.places.get(j)?.clone()))?;
					if tamper.op as usize == i {
						let element = tamper.apply(op, &mut out);
						let tensor = |j: usize| memory.get(plan.places.get(j)?.clone());
						self.resume(i, input, tensor, &mut out, element)?;
					}
					commit(i, &out);
					memory[place].copy_from_slice(&out);
				}
			},
		}
		Ok(Tensors::new(memory, plan.places.clone(), trees))
	}

	/// Whether tampering reaches the output; recomputes only what it touches.
	fn changes_output(
		&self,
		input: &[u8],
		honest: &Tensors,
		tamper: &Tamper,
	) -> Result<bool, ExecError> {
		let ops = &self.bundle.program().ops;
		let mut changed: Vec<Option<Buffer>> = (0..ops.len()).map(|_| None).collect();
		let first = tamper.op as usize;
		let mut tensor = Buffer::from_bytes(honest.get(first).unwrap_or(&[]));
		let element = tamper.apply(&ops[first], &mut tensor);
		self.resume(first, input, |j| honest.get(j), &mut tensor, element)?;
		changed[first] = Some(tensor);
		for i in first + 1..ops.len() {
			let touched = ops[i].operands.iter().any(|operand| match operand.source {
				Source::Op(j) => changed[j as usize].is_some(),
				_ => false,
			});
			if touched {
				let tensor = self.compute(i, input, |j| match changed.get(j) {
					Some(Some(tensor)) => Some(&tensor[..]),
					_ => honest.get(j),
				})?;
				if Some(&tensor[..]) != honest.get(i) {
					changed[i] = Some(tensor);
				}
			}
		}
		Ok(changed.last().is_some_and(Option::is_some))
	}
}
