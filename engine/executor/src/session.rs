//! Executing a model.

use crate::{
	bundle::{is_canonical, make_canonical, Bundle, InputTensor, OutputTensor, TensorError},
	dispute::{OpByOp, Tamper, Trace},
	plan::{Cancel, ExecError, Keep, Runner},
	tree::Trees,
};
use assay_kernels::{Buffer, Isa, KernelConfig};
use assay_referee::{tree, DType};
use std::{
	ops::{Deref, Range},
	sync::{Arc, OnceLock},
	time::Instant,
};

/// An input as ops read it.
enum Input<'i> {
	Given(&'i [u8]),
	Copied(Buffer),
}

impl Deref for Input<'_> {
	type Target = [u8];

	fn deref(&self) -> &[u8] {
		match self {
			Input::Given(bytes) => bytes,
			Input::Copied(bytes) => bytes,
		}
	}
}

/// How a session uses the machine; no option changes a result.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Options {
	/// Worker threads; 0 takes as many as the machine has.
	pub threads: usize,
	/// The instruction set; the machine's best when `None`.
	pub isa: Option<Isa>,
}

/// Pieces of memory that a session keeps for executions that run at the same time, and for traced ones.
const SPARE: usize = 4;
const SPARE_TRACED: usize = 1;

/// What one step of an execution took.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StepTime {
	/// The ops that the step executes.
	pub ops: Vec<u32>,
	/// Its time in nanoseconds.
	pub nanoseconds: u64,
}

/// A model ready to run; it may run on several threads at once.
///
/// # Examples
///
/// ```
/// # mod tiny { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/examples/tiny/mod.rs")); }
/// use assay_executor::{Isa, Options, Session};
///
/// // A model that gives the sigmoids of three sums of its four inputs.
/// let bundle = std::sync::Arc::new(tiny::bundle(1)?);
/// let session = Session::new(bundle.clone(), Options::default());
/// let input = bundle.manifest().pack_bytes(&[[0; 16]])?;
/// let output = session.run(&input)?;
/// let named = session.unpack_outputs(&output)?;
/// assert_eq!(named[0].bytes, [0.5f32; 3].map(f32::to_le_bytes).concat());
/// // The same bits, however it is computed.
/// let options = Options { threads: 3, isa: Some(Isa::SCALAR) };
/// assert_eq!(Session::new(bundle, options).run(&input)?, output);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Session {
	runner: Runner,
	/// For traced executions, which traces repeat; made for the first one.
	traced: OnceLock<Arc<Runner>>,
}

impl Session {
	/// Prepares a model: decides what runs together and where tensors lie, and rearranges the
	/// weights for the kernels unless another session of the bundle has.
	pub fn new(bundle: Arc<Bundle>, options: Options) -> Session {
		let threads = match options.threads {
			0 => std::thread::available_parallelism().map_or(1, usize::from),
			threads => threads,
		};
		let config = KernelConfig::new(threads, options.isa.unwrap_or_else(Isa::detect));
		let runner = Runner::new(bundle, config, Keep::Needed, SPARE);
		Session { runner, traced: OnceLock::new() }
	}

	/// The model.
	pub fn bundle(&self) -> &Arc<Bundle> {
		&self.runner.bundle
	}

	/// Bytes that the tensors of one execution take.
	pub fn memory(&self) -> usize {
		self.runner.plan.memory
	}

	/// The threads and the instruction set in use.
	pub fn config(&self) -> &KernelConfig {
		&self.runner.config
	}

	/// The output bytes for these input bytes, both in the layouts of the program's header.
	///
	/// # Errors
	/// The input has the wrong length.
	pub fn run(&self, input: &[u8]) -> Result<Vec<u8>, ExecError> {
		self.run_with(input, &Cancel::new())
	}

	/// As [`Session::run`], until `cancel` is set.
	///
	/// # Errors
	/// The input has the wrong length, or [`ExecError::Cancelled`].
	pub fn run_with(&self, input: &[u8], cancel: &Cancel) -> Result<Vec<u8>, ExecError> {
		let input = self.readable(input)?;
		let memory = self.runner.run(&input, None, cancel, |_, _| ())?;
		self.runner.output(&memory)
	}

	/// As [`Session::run`], but gives the time of every step instead of the output.
	///
	/// # Errors
	/// The input has the wrong length.
	pub fn profile(&self, input: &[u8]) -> Result<Vec<StepTime>, ExecError> {
		let input = self.readable(input)?;
		let Runner { bundle, config, plan, .. } = &self.runner;
		let mut memory = self.runner.memory();
		let times = plan.steps.iter().map(|step| {
			let start = Instant::now();
			step.run(bundle, &input, &mut memory, config)?;
			let nanoseconds = start.elapsed().as_nanos() as u64;
			Ok(StepTime { ops: step.ops.clone(), nanoseconds })
		});
		times.collect()
	}

	/// Executes and commits to every op's output; with `tamper`, wrongly.
	///
	/// The tensors themselves are not kept: the trace executes anew, up to the op in question, when
	/// it is asked for some of their bytes.
	///
	/// # Errors
	/// The input has the wrong length, or there is no such op or element to tamper with.
	///
	/// # Examples
	///
	/// ```
	/// # mod tiny { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/examples/tiny/mod.rs")); }
	/// # let bundle = tiny::bundle(1)?;
	/// use assay_executor::{Options, Session};
	///
	/// let session = Session::new(bundle.into(), Options::default());
	/// let trace = session.trace(&[0; 16], None)?;
	/// // One root for the output of each op, of which the last is what an operator claims.
	/// assert_eq!(trace.entries().len(), session.bundle().program().ops.len());
	/// let output = session.run(&[0; 16])?;
	/// assert_eq!(trace.output_root(), Session::output_root(&output));
	/// # Ok::<(), Box<dyn std::error::Error>>(())
	/// ```
	pub fn trace(&self, input: &[u8], tamper: Option<&Tamper>) -> Result<Trace, ExecError> {
		self.trace_with(input, tamper, &Cancel::new())
	}

	/// As [`Session::trace`], until `cancel` is set.
	///
	/// # Errors
	/// As [`Session::trace`], or [`ExecError::Cancelled`].
	pub fn trace_with(
		&self,
		input: &[u8],
		tamper: Option<&Tamper>,
		cancel: &Cancel,
	) -> Result<Trace, ExecError> {
		let canonical = self.canonical_input(input)?;
		let runner = self.traced.get_or_init(|| {
			let Runner { bundle, config, .. } = &self.runner;
			Arc::new(Runner::new(bundle.clone(), *config, Keep::Each, SPARE_TRACED))
		});
		let mut trees = Trees::new(self.bundle().program().ops.len(), *self.config());
		let mut commit = |op, tensor: &_| trees.add(op, tensor);
		let (output, kept) = match tamper {
			None => (runner.output(&runner.run(&canonical, None, cancel, commit)?)?, None),
			Some(tamper) => {
				let tensors =
					OpByOp::new(&self.runner).tensors(&canonical, Some(tamper), cancel)?;
				(0..).zip(&tensors).for_each(|(op, tensor)| commit(op, tensor));
				(tensors.last().ok_or(ExecError::Plan("an op"))?.to_vec(), Some(tensors))
			},
		};
		let given = (canonical[..] != *input).then(|| input.to_vec());
		Ok(Trace::new(runner.clone(), given, canonical, output, trees.finish(), kept))
	}

	/// A way to tamper with op `op` after which the model's output for `input` differs, if one of
	/// the elements tried gives it.
	///
	/// # Errors
	/// As [`Session::trace`].
	///
	/// # Examples
	///
	/// ```
	/// # mod tiny { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/examples/tiny/mod.rs")); }
	/// # let bundle = tiny::bundle(1)?;
	/// use assay_executor::{Options, Session};
	///
	/// let session = Session::new(bundle.into(), Options::default());
	/// let input = [0; 16];
	/// let lie = session.tamper_that_changes_output(&input, 0)?.expect("every sum matters");
	/// let trace = session.trace(&input, Some(&lie))?;
	/// assert_ne!(trace.output(), session.run(&input)?);
	/// # Ok::<(), Box<dyn std::error::Error>>(())
	/// ```
	pub fn tamper_that_changes_output(
		&self,
		input: &[u8],
		op: u32,
	) -> Result<Option<Tamper>, ExecError> {
		let canonical = self.canonical_input(input)?;
		OpByOp::new(&self.runner).tamper_that_changes_output(&canonical, op)
	}

	/// The input bytes of a job from named tensors.
	///
	/// # Errors
	/// As [`crate::Manifest::pack_inputs`].
	pub fn pack_inputs(&self, tensors: &[InputTensor<'_>]) -> Result<Vec<u8>, TensorError> {
		self.bundle().manifest().pack_inputs(tensors)
	}

	/// The named outputs of a job.
	///
	/// # Errors
	/// As [`crate::Manifest::unpack_outputs`].
	pub fn unpack_outputs(&self, bytes: &[u8]) -> Result<Vec<OutputTensor>, TensorError> {
		self.bundle().manifest().unpack_outputs(bytes)
	}

	/// The root of an output, to be claimed on chain.
	pub fn output_root(output: &[u8]) -> assay_referee::Root {
		tree::hash(output)
	}

	/// The input as ops read it: what is given, where that is so already and lies where kernels can read it, as
	/// the caches of a decoder do, or a copy.
	fn readable<'i>(&self, input: &'i [u8]) -> Result<Input<'i>, ExecError> {
		let aligned = (input.as_ptr() as usize).is_multiple_of(align_of::<u64>());
		let mut parts = self.parts(input)?;
		let as_it_is = aligned && parts.all(|(dtype, part)| is_canonical(dtype, &input[part]));
		Ok(if as_it_is { Input::Given(input) } else { Input::Copied(self.canonical_input(input)?) })
	}

	/// The input as ops read it: one NaN, and 0 or 1 in every `Bool`.
	fn canonical_input(&self, input: &[u8]) -> Result<Buffer, ExecError> {
		let parts = self.parts(input)?;
		let mut bytes = Buffer::from_bytes(input);
		parts.for_each(|(dtype, part)| make_canonical(dtype, &mut bytes[part]));
		Ok(bytes)
	}

	/// The type of each tensor of an input, and where it lies.
	fn parts(
		&self,
		input: &[u8],
	) -> Result<impl Iterator<Item = (DType, Range<usize>)> + use<'_>, ExecError> {
		let header = &self.bundle().program().header;
		let layout = header.input_layout();
		let (expected, found) = (layout.total_len, input.len() as u64);
		if expected != found {
			return Err(ExecError::InputLength { expected, found });
		}
		let specs = header.inputs.iter().zip(layout.offsets);
		Ok(specs.map(|(spec, at)| (spec.dtype, at as usize..(at + spec.bytes()) as usize)))
	}
}
