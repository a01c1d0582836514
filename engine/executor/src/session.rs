//! Executing a model.

use crate::{
	bundle::Bundle,
	error::ExecError,
	plan::{Plan, Step},
	ports::{InputTensor, OutputTensor},
	tamper::{candidates, Tamper},
	trace::Trace,
};
use assay_kernels::{execute, execute_with, team, Arg, Buffer, Isa, KernelConfig};
use assay_referee::{tree, DType, Operand, Source};
use std::sync::{
	atomic::{AtomicBool, Ordering},
	Arc,
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

	fn check(&self) -> Result<(), ExecError> {
		if self.is_cancelled() {
			return Err(ExecError::Cancelled);
		}
		Ok(())
	}
}

/// A model ready to run.
#[derive(Debug)]
pub struct Session {
	bundle: Arc<Bundle>,
	plan: Plan,
	config: KernelConfig,
	/// `None` with one thread: everything runs on the caller's.
	pool: Option<rayon::ThreadPool>,
}

impl Session {
	/// Prepares a model: starts the threads and rearranges the weights for the kernels.
	///
	/// Errors: the threads cannot be started.
	pub fn new(bundle: Arc<Bundle>, options: Options) -> Result<Session, ExecError> {
		let threads = match options.threads {
			0 => std::thread::available_parallelism().map_or(1, usize::from),
			threads => threads,
		};
		let pool = (threads > 1)
			.then(|| {
				rayon::ThreadPoolBuilder::new()
					.num_threads(threads)
					.thread_name(|i| format!("assay-kernel-{i}"))
					.build()
			})
			.transpose()
			.map_err(|error| ExecError::Threads(error.to_string()))?;
		let config = KernelConfig::new(threads, options.isa.unwrap_or_else(Isa::detect));
		let plan = Plan::new(&bundle, &config);
		Ok(Session { bundle, plan, config, pool })
	}

	/// The model.
	pub fn bundle(&self) -> &Arc<Bundle> {
		&self.bundle
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
		self.install(|| team(self.config.threads(), || self.run_ops(&input, cancel)))
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
		let tensors = self.install(|| self.all_tensors(&canonical, tamper, cancel))?;
		self.install(|| Trace::new(self.bundle.clone(), input.to_vec(), canonical, tensors))
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
		let cancel = Cancel::new();
		self.install(|| {
			let honest = self.all_tensors(&canonical, None, &cancel)?;
			for element in candidates(record.shape.elements()) {
				let tamper = Tamper { op, element: Some(element) };
				if self.changes_output(&canonical, &honest, &tamper)? {
					return Ok(Some(tamper));
				}
			}
			Ok(None)
		})
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

	fn install<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
		match &self.pool {
			Some(pool) => pool.install(work),
			None => work(),
		}
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
				DType::F32 => part.chunks_exact_mut(4).for_each(|x| {
					if f32::from_le_bytes([x[0], x[1], x[2], x[3]]).is_nan() {
						x.copy_from_slice(&assay_referee::arith::NAN32.to_le_bytes());
					}
				}),
				DType::Bool => part.iter_mut().for_each(|x| *x = u8::from(*x != 0)),
				_ => {},
			}
		}
		Ok(bytes)
	}

	/// The fast path: fused steps, prepared weights, tensors freed after their last use.
	fn run_ops(&self, input: &[u8], cancel: &Cancel) -> Result<Vec<u8>, ExecError> {
		let ops = &self.bundle.program().ops;
		let mut tensors: Vec<Option<Buffer>> = (0..ops.len()).map(|_| None).collect();
		let mut spare = Vec::new();
		for step in &self.plan.steps {
			cancel.check()?;
			let op = &ops[step.op as usize];
			let mut out = take(&mut spare, op.bytes() as usize);
			let at = |operand: &Operand| self.locate(operand, input, |i| tensors[i].as_deref());
			let args: Vec<Arg<'_>> =
				(0..op.operands.len()).map(|i| self.arg(step, i, &at)).collect();
			execute_with(op, &args, &mut out, &self.config)
				.map_err(|error| ExecError::Kernel { op: step.op, error })?;
			tensors[step.op as usize] = Some(out);
			for &dead in &step.free {
				spare.extend(tensors[dead as usize].take());
			}
		}
		let output = tensors.pop().flatten().ok_or(ExecError::NoSuch("op"))?;
		Ok(output.to_vec())
	}

	fn arg<'a>(
		&'a self,
		step: &'a Step,
		index: usize,
		at: &impl Fn(&Operand) -> &'a [u8],
	) -> Arg<'a> {
		let ops = &self.bundle.program().ops;
		let operand = &ops[step.op as usize].operands[index];
		if let Some((unfold, _)) = step.patches.filter(|&(_, at)| at == index) {
			let unfold = &ops[unfold as usize];
			return Arg::Patches { unfold, image: at(&unfold.operands[0]) };
		}
		match step.prepared.iter().find(|(i, _)| *i == index) {
			Some((_, prepared)) => Arg::Prepared(prepared, at(operand)),
			None => Arg::Bytes(at(operand)),
		}
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

	fn all_tensors(
		&self,
		input: &[u8],
		tamper: Option<&Tamper>,
		cancel: &Cancel,
	) -> Result<Vec<Buffer>, ExecError> {
		let ops = &self.bundle.program().ops;
		let mut tensors: Vec<Buffer> = Vec::with_capacity(ops.len());
		for (i, op) in ops.iter().enumerate() {
			cancel.check()?;
			let mut out = self.compute(i, input, |j| tensors.get(j).map(|tensor| &tensor[..]))?;
			if let Some(tamper) = tamper.filter(|tamper| tamper.op as usize == i) {
				tamper.apply(op, &mut out);
			}
			tensors.push(out);
		}
		Ok(tensors)
	}

	/// Whether tampering reaches the output; recomputes only what it touches.
	fn changes_output(
		&self,
		input: &[u8],
		honest: &[Buffer],
		tamper: &Tamper,
	) -> Result<bool, ExecError> {
		let ops = &self.bundle.program().ops;
		let mut changed: Vec<Option<Buffer>> = (0..ops.len()).map(|_| None).collect();
		let first = tamper.op as usize;
		let mut tensor = honest[first].clone();
		tamper.apply(&ops[first], &mut tensor);
		changed[first] = Some(tensor);
		for i in first + 1..ops.len() {
			let touched = ops[i].operands.iter().any(|operand| match operand.source {
				Source::Op(j) => changed[j as usize].is_some(),
				_ => false,
			});
			if touched {
				let tensor = self.compute(i, input, |j| match changed.get(j) {
					Some(Some(tensor)) => Some(&tensor[..]),
					_ => honest.get(j).map(|tensor| &tensor[..]),
				})?;
				if tensor[..] != honest[i][..] {
					changed[i] = Some(tensor);
				}
			}
		}
		Ok(changed.last().is_some_and(Option::is_some))
	}
}

/// A buffer of `len` bytes, reused where one is spare.
fn take(spare: &mut Vec<Buffer>, len: usize) -> Buffer {
	match spare.iter().position(|buffer| buffer.len() == len) {
		Some(at) => spare.swap_remove(at),
		None => Buffer::new(len),
	}
}
