//! Whole-tensor kernels, bit-equal to the referee's element functions.
//!
//! [`execute`] computes the output tensor of one op. The specification is
//! [`assay_referee::element()`]: a kernel may choose any schedule that gives the same bits for every
//! element, whatever the instruction set ([`Isa`]) and the number of threads. Ops without a kernel
//! of their own run the element function itself over native floats ([`Hard`]).
//!
//! For whoever changes it: docs/guide/kernels.md.
//!
//! # Example
//!
//! ```
//! use assay_kernels::{execute, Buffer, Isa, KernelConfig};
//! use assay_referee::*;
//!
//! // Two rows by three, times three by two, the second operand by columns.
//! let shape = |dims: &[u32]| Shape::new(dims).expect("small");
//! let operand = |dims| Operand::input(0, DType::F32, shape(dims));
//! let kind = OpKind::MatMul { bias: Bias::None };
//! let operands = vec![operand(&[1, 2, 3]), operand(&[1, 2, 3])];
//! let op = OpRecord::new(kind, DType::F32, shape(&[1, 2, 2]), operands);
//! op.validate()?;
//! let bytes = |x: &[f32]| Buffer::from_bytes(&x.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<_>>());
//! let (a, b) = (bytes(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]), bytes(&[1.0, 0.0, 0.0, 0.0, 0.1, 0.2]));
//! // Whatever the instruction set and the number of threads: the same bits.
//! let mut results = Isa::available().into_iter().zip(1..).map(|(isa, threads)| {
//!     let mut out = Buffer::new(op.bytes() as usize);
//!     execute(&op, &[&a, &b], &mut out, &KernelConfig::new(threads, isa)).map(|()| out[..].to_vec())
//! });
//! let first = results.next().expect("there is always plain Rust")?;
//! assert!(results.all(|result| result.as_ref() == Ok(&first)));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Tensors are row-major little-endian bytes; every `f32` NaN in an operand is the canonical one
//! and every `Bool` is 0 or 1, which holds for all op outputs and which callers establish for
//! inputs and weights.

mod by_element;
mod contraction;
mod cpu;
mod elementwise;
mod epilogue;
mod hash;
mod movement;
mod output;
mod pool;
mod reduce;
mod selection;
mod threads;
mod transpose;
mod walk;

#[cfg(test)]
mod tests;

pub use contraction::{prepare, Prepared};
pub use cpu::{fma32_to_odd, in_default_environment, split_borrow, Buffer, Hard, Isa, Split};
pub use elementwise::{Fused, Member};
pub use epilogue::Epilogue;
pub use hash::{hash_all, hash_subtree};
pub use threads::{for_each, for_each_mut};

use assay_referee::{OpKind, OpRecord};
use contraction::recur;
use core::fmt;

/// How to run kernels.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct KernelConfig {
	threads: usize,
	isa: Isa,
}

impl KernelConfig {
	/// Up to `threads` threads, the caller's among them (0 counts as 1), and the instructions of
	/// `isa`.
	pub fn new(threads: usize, isa: Isa) -> KernelConfig {
		KernelConfig { threads: threads.max(1), isa }
	}

	/// Most threads that one op uses.
	pub fn threads(&self) -> usize {
		self.threads
	}

	/// The instruction set in use.
	pub fn isa(&self) -> Isa {
		self.isa
	}
}

impl Default for KernelConfig {
	/// One thread, the best instruction set.
	fn default() -> KernelConfig {
		KernelConfig::new(1, Isa::detect())
	}
}

/// The bytes given for an op do not fit its record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum KernelError {
	/// Another number of operands than the record has.
	OperandCount,
	/// An operand has not the length that the record says.
	Operand(usize),
	/// The output has not the length that the record says.
	Output,
}

impl fmt::Display for KernelError {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		match self {
			KernelError::OperandCount => f.write_str("wrong number of operands"),
			KernelError::Operand(i) => write!(f, "operand {i} has the wrong length"),
			KernelError::Output => f.write_str("the output has the wrong length"),
		}
	}
}

impl std::error::Error for KernelError {}

/// One operand of an op.
#[derive(Clone, Copy, Debug)]
pub enum Arg<'a> {
	/// The tensor's bytes.
	Bytes(&'a [u8]),
	/// The tensor rearranged by [`prepare`] for this very op and operand, and its bytes.
	Prepared(&'a Prepared, &'a [u8]),
	/// What `unfold` would give for `image`, without writing it out; fast for the operands that
	/// [`fusible_operand`] names.
	Patches {
		/// An `Unfold`, or the transposition of an image.
		unfold: &'a OpRecord,
		/// The bytes of its operand.
		image: &'a [u8],
	},
}

/// Computes the output tensor of `op` into `out`.
///
/// `op` must have passed `OpRecord::validate`; `operands[i]` holds the bytes of operand `i` and
/// `out` has room for exactly the output. What is given for an operand that is the op's own output
/// is not looked at.
///
/// # Errors
/// A wrong number of operands, or a wrong length.
///
/// # Examples
///
/// ```
/// use assay_kernels::{execute, KernelConfig};
/// use assay_referee::*;
///
/// // The sums of two rows of three, `[2, 3]` to `[2]`.
/// let rows = Operand::input(0, DType::I32, Shape::new(&[2, 3])?);
/// let op = OpRecord::new(OpKind::Reduce(ReduceFn::Sum), DType::I32, Shape::new(&[2])?, [rows]);
/// op.validate()?;
/// let x = [1i32, 2, 3, 10, 20, 30].map(i32::to_le_bytes).concat();
/// let mut out = [0; 8];
/// execute(&op, &[&x], &mut out, &KernelConfig::default())?;
/// assert_eq!(out.to_vec(), [6i32, 60].map(i32::to_le_bytes).concat());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn execute(
	op: &OpRecord,
	operands: &[&[u8]],
	out: &mut [u8],
	cfg: &KernelConfig,
) -> Result<(), KernelError> {
	check(op, operands, out)?;
	if let Some(epilogue) = Epilogue::new(op) {
		let args: Vec<Arg<'_>> = operands.iter().map(|&bytes| Arg::Bytes(bytes)).collect();
		return epilogue.execute(&args, out, cfg);
	}
	run(op, operands, out, cfg);
	Ok(())
}

/// Computes again what comes after element `element` of the output of an op that reads itself,
/// from the elements up to it, which `out` holds. The output of another op stays as it is.
///
/// # Errors
/// As [`execute`].
pub fn resume(
	op: &OpRecord,
	operands: &[&[u8]],
	out: &mut [u8],
	element: u64,
	cfg: &KernelConfig,
) -> Result<(), KernelError> {
	check(op, operands, out)?;
	if let OpKind::Recur { cell } = op.kind {
		let first = element.saturating_add(1);
		recur::Call { op, cell, operands, prepared: None, first }.run(out, cfg);
	}
	Ok(())
}

/// As [`execute`], with operands that may be prepared or, of the kind's own, not yet computed; `epilogue` is
/// the op's, if it has one and [`Epilogue::new`] was called before.
pub fn execute_with(
	op: &OpRecord,
	args: &[Arg<'_>],
	epilogue: Option<&Epilogue>,
	out: &mut [u8],
	cfg: &KernelConfig,
) -> Result<(), KernelError> {
	if args.len() != op.operands.len() {
		return Err(KernelError::OperandCount);
	}
	if op.epilogue.is_some() {
		return match epilogue {
			Some(epilogue) => epilogue.execute(args, out, cfg),
			None => Epilogue::new(op).ok_or(KernelError::OperandCount)?.execute(args, out, cfg),
		};
	}
	let plain = args.iter().all(|arg| matches!(arg, Arg::Bytes(_)));
	if !plain && contraction::run(op, args, out, cfg) {
		return Ok(());
	}
	// What was not computed yet is computed now.
	let mut unfolded: Vec<(usize, Buffer)> = Vec::new();
	for (i, arg) in args.iter().enumerate() {
		if let Arg::Patches { unfold, image } = arg {
			let mut buffer = Buffer::new(unfold.bytes() as usize);
			execute(unfold, &[image], &mut buffer, cfg)?;
			unfolded.push((i, buffer));
		}
	}
	let operands: Vec<&[u8]> = args
		.iter()
		.enumerate()
		.map(|(i, arg)| match arg {
			Arg::Bytes(bytes) | Arg::Prepared(_, bytes) => *bytes,
			Arg::Patches { .. } => {
				unfolded.iter().find(|(at, _)| *at == i).map_or(&[][..], |(_, buffer)| &buffer[..])
			},
		})
		.collect();
	check(op, &operands, out)?;
	if let OpKind::Recur { cell } = op.kind {
		let prepared = args.iter().find_map(|arg| match arg {
			Arg::Prepared(prepared, _) => prepared.recurrent(),
			_ => None,
		});
		recur::Call { op, cell, operands: &operands, prepared, first: 0 }.run(out, cfg);
	} else {
		run(op, &operands, out, cfg);
	}
	Ok(())
}

/// The operand of `op` that may be given as [`Arg::Patches`] of `unfold`, if there is one.
///
/// # Examples
///
/// ```
/// use assay_kernels::{execute_with, fusible_operand, Arg, Buffer, KernelConfig};
/// use assay_referee::*;
///
/// // The 3 x 3 windows of an image of 8 x 8 pixels, and the product of eight filters with them.
/// let f32s = |dims| Shape::new(dims).map(|shape| Operand::input(0, DType::F32, shape));
/// let image = f32s(&[1, 3, 8, 8])?;
/// let windows = OpKind::Unfold {
///     kernel: [3, 3],
///     stride: [1, 1],
///     dilation: [1, 1],
///     pad: [1, 1],
///     out: [8, 8],
///     groups: 1,
///     fill: 0,
/// };
/// let unfold = OpRecord::new(windows, DType::F32, Shape::new(&[1, 1, 64, 27])?, [image]);
/// let operands = [f32s(&[1, 8, 27])?, f32s(&[1, 64, 27])?];
/// let kind = OpKind::MatMul { bias: Bias::None };
/// let product = OpRecord::new(kind, DType::F32, Shape::new(&[1, 8, 64])?, operands);
/// // The windows need not be written out: the product takes the image in their place.
/// assert_eq!(fusible_operand(&unfold, &product), Some(1));
/// let (filters, pixels) = (Buffer::new(4 * 8 * 27), Buffer::new(4 * 3 * 64));
/// let args = [Arg::Bytes(&filters), Arg::Patches { unfold: &unfold, image: &pixels }];
/// let mut out = Buffer::new(4 * 8 * 64);
/// execute_with(&product, &args, None, &mut out, &KernelConfig::default())?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn fusible_operand(unfold: &OpRecord, op: &OpRecord) -> Option<usize> {
	contraction::fusible_operand(unfold, op)
}

fn check(op: &OpRecord, operands: &[&[u8]], out: &[u8]) -> Result<(), KernelError> {
	if operands.len() != op.operands.len() {
		return Err(KernelError::OperandCount);
	}
	for (i, (operand, bytes)) in op.operands.iter().zip(operands).enumerate() {
		let own = op.self_operand() == Some(i);
		if !own && operand.bytes() != bytes.len() as u64 {
			return Err(KernelError::Operand(i));
		}
	}
	if op.bytes() != out.len() as u64 {
		return Err(KernelError::Output);
	}
	Ok(())
}

/// The fast kernel where there is one, else the element function.
fn run(op: &OpRecord, operands: &[&[u8]], out: &mut [u8], cfg: &KernelConfig) {
	let done = match op.kind {
		OpKind::MatMul { .. } | OpKind::Conv(_) | OpKind::MatMulInteger => {
			let args: Vec<Arg<'_>> = operands.iter().map(|&bytes| Arg::Bytes(bytes)).collect();
			contraction::run(op, &args, out, cfg)
		},
		OpKind::Recur { cell } => {
			recur::Call { op, cell, operands, prepared: None, first: 0 }.run(out, cfg);
			true
		},
		OpKind::Unary(_) | OpKind::Cast | OpKind::Binary(_) | OpKind::Select => {
			elementwise::run(op, operands, out, cfg)
		},
		OpKind::Map(_) | OpKind::MapReduce { .. } => {
			elementwise::expression::run(op, operands, out, cfg);
			true
		},
		OpKind::RoundTo { format, overflow } => {
			elementwise::float_formats::run(format, overflow, operands, out, cfg)
		},
		OpKind::Pool(pool) => pool::run(op, &pool, operands, out, cfg),
		OpKind::Reduce(_) | OpKind::ArgMax => reduce::run(op, operands, out, cfg),
		OpKind::Scatter(_) | OpKind::TopK { .. } => selection::run(op, operands, out, cfg),
		OpKind::Strided { .. }
		| OpKind::Pad { .. }
		| OpKind::Concat { .. }
		| OpKind::Gather { .. }
		| OpKind::Unfold { .. }
		| OpKind::Pack => movement::run(op, operands, out, cfg),
	};
	if !done {
		by_element::run(op, operands, out, cfg);
	}
}
