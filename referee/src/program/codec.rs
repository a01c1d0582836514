//! The byte form of programs.
//!
//! A program is records of 1,024 bytes: the header, one for each op, and, where the header has no room for
//! the inputs and outputs, those of the table of ports. Its root is the BLAKE3 hash of the header and the
//! ops' records, whatever the table's length is; the header has the table's hash. Numbers are
//! little-endian; every byte that no field uses is zero; a list of dimensions is one `u32` each, outermost
//! first. Decoding is strict: bytes are accepted only when encoding the result gives the same bytes.
//!
//! # Record 0, the header
//!
//! | bytes | field |
//! |---|---|
//! | 0..8 | `ASSAYPRG` |
//! | 8..10 | version of the format, `u16`: 1, or 2 with a table of ports |
//! | 10..12 | version of the numerics, `u16` = 1 |
//! | 12..16 | number of ops, `u32`, 1 to 1,024 |
//! | 16..24 | bytes of the weights, `u64` |
//! | 24 | version 1: number of inputs, at most 16 |
//! | 25 | version 1: number of outputs, 1 to 16 |
//! | 64.. | version 1: the inputs, then the outputs, one after another without gaps |
//! | 24..26 | version 2: number of inputs, `u16`, at most 512 |
//! | 26..28 | version 2: number of outputs, `u16`, 1 to 512 |
//! | 32..64 | version 2: BLAKE3 hash of the table of ports |
//!
//! An input or output is: element type (1 byte), rank (1 byte), 2 zero bytes, the dimensions. Programs
//! whose ports fit version 1 have version 1. The table of ports of all others follows the ops' records: the
//! inputs, then the outputs, without gaps, and zeros up to the end of a record.
//!
//! # Record `i + 1`, op `i`
//!
//! | bytes | field |
//! |---|---|
//! | 0..2 | kind, `u16` |
//! | 2 | element type of the output |
//! | 3 | number of operands, at most 12 |
//! | 4 | rank of the output |
//! | 8..40 | dimensions of the output, unused ones zero |
//! | 64..256 | parameters of the kind |
//! | 111 | kinds 10, 11, 12, 18, 20: number of steps of the epilogue `u8`, 0 for none |
//! | 112..256 | the same kinds: the steps of the epilogue, six bytes each |
//! | 136, 137..251 | kind 1: the same, 19 steps at most |
//! | 256..1024 | 12 operands of 64 bytes, unused ones zero |
//!
//! Element types: 1 `F32`, 2 `I32`, 3 `I64`, 4 `U8`, 5 `I8`, 6 `Bool`.
//!
//! | operand bytes | field |
//! |---|---|
//! | 0 | source: 0 op, 1 input, 2 weights |
//! | 1 | element type |
//! | 2 | rank of the view |
//! | 8..16 | op index, or byte offset into input or weights, `u64` |
//! | 16..48 | dimensions of the view, unused ones zero |
//!
//! | kind | name | parameters (offset within the record: field) |
//! |---|---|---|
//! | 1 | Strided | 64: offset `u64`; 72: eight strides `i64` |
//! | 2 | Pad | 64: eight counts before `u32`; 96: fill bits `u64` |
//! | 3 | Concat | 64: axis `u8` |
//! | 4 | Gather | 64: axis `u8` |
//! | 5 | Unfold | 64: kernel, 72: stride, 80: dilation, 88: pad, 96: out (two `u32` each); 104: groups `u32`; 112: fill bits `u64` |
//! | 6 | Unary | 64: function `u8` |
//! | 7 | Cast | |
//! | 8 | Binary | 64: function `u8` |
//! | 9 | Select | |
//! | 10 | MatMul | 64: bias `u8`: 0 none, 1 row, 2 column |
//! | 11 | MatMulInteger | |
//! | 12 | Reduce | 64: function `u8` |
//! | 13 | ArgMax | |
//! | 14 | Pack | |
//! | 15 | Scatter | 64: function `u8` |
//! | 16 | TopK | 64: 1 largest first, 0 smallest first, `u8` |
//! | 17 | Map | 64: number of steps `u8`; 65: the steps, six bytes each |
//! | 18 | Conv | 64: kernel, 72: stride, 80: dilation, 88: pad, 96: out (two `u32` each); 104: groups `u32`; 108: layout `u8`: 0 channels first, 1 last; 109: bias `u8` as of MatMul; 110: layout of the output |
//! | 19 | MapReduce | 64: function `u8`, as of Reduce; 65: number of steps `u8`; 66: the steps, six bytes each; 210: elements of a row `u32` |
//! | 20 | Pool | 64: function `u8` as of Reduce; 68: kernel, 76: stride, 84: dilation, 92: pad, 100: out (two `u32` each) |
//! | 25 | RoundTo | 64: float format `u8`; 65: overflow `u8`: 0 special, 1 saturate |
//! | 35 | Recur | 64: cell `u8` |
//!
//! A step of a *Map*, of a *MapReduce* or of an epilogue is: the kind of the elementwise op whose function
//! it has (6, 7, 8, 9 or 25); two bytes of parameters (6, 8: function, 0; 7: element type, 0; 9: 0, 0; 25:
//! as the op's); three numbers of values, unused ones zero. Values of a *Map* are the operands, from 0, then
//! the results of the steps; of an epilogue what the kind itself gives, the operands beyond the kind's own,
//! then the results.
//!
//! The function codes are the discriminants of [`UnaryFn`], [`BinaryFn`], [`ReduceFn`] and
//! [`ScatterFn`], those of float formats of [`FloatFormat`], those of cells of [`Cell`].

use super::check::RecordError;
use super::conv::{Conv, ImageLayout};
use super::map::{Step, StepFn, Steps, MAX_STEPS, MAX_STRIDED_STEPS};
use super::pool::Pool;
use super::record::{
	Bias, BinaryFn, OpKind, OpRecord, Operand, ReduceFn, ScatterFn, Source, UnaryFn, MAX_OPERANDS,
};
use super::recur::Cell;
use super::{Header, Program, RECORD_BYTES};
use crate::{tree, DType, FloatFormat, Overflow, Root, Shape, ShapeError, MAX_RANK};
use alloc::vec::Vec;
use core::fmt;

/// Version of the numerics that the ops mean.
pub const NUMERICS_VERSION: u16 = 1;

/// Where the header has the number of ops.
pub(super) const OP_COUNT_AT: usize = 12;
const PARAMETERS_AT: usize = 64;
const OPERANDS_AT: usize = 256;
const OPERAND_BYTES: usize = 64;
const STEP_BYTES: usize = 6;
/// Where a *Map* and a *MapReduce* have the number of their steps, which follow it.
const MAP_AT: usize = PARAMETERS_AT;
const MAP_REDUCE_AT: usize = PARAMETERS_AT + 1;
/// Where a *MapReduce* has the elements of a row.
const ROW_AT: usize = MAP_REDUCE_AT + 1 + MAX_STEPS * STEP_BYTES;
const _: () = assert!(ROW_AT + 4 <= OPERANDS_AT);
const EPILOGUE_AT: usize = 111;
const _: () = assert!(EPILOGUE_AT + 1 + MAX_STEPS * STEP_BYTES <= OPERANDS_AT);
/// The same of a *Strided*, whose parameters are longer.
const STRIDED_EPILOGUE_AT: usize = PARAMETERS_AT + 8 + 8 * MAX_RANK;
const _: () = assert!(STRIDED_EPILOGUE_AT + 1 + MAX_STRIDED_STEPS * STEP_BYTES <= OPERANDS_AT);

/// Why bytes are not a program, or why a program has no bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FormatError {
	/// The length is not that of the header and the ops it announces.
	Length,
	/// The header is malformed.
	Header(HeaderError),
	/// The record of this op is malformed.
	Record {
		/// Index of the op.
		op: u32,
		/// What is wrong with it.
		error: RecordError,
	},
}

/// What can be wrong with a header record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum HeaderError {
	/// It does not start with `ASSAYPRG`.
	Magic,
	/// Another version of the format or of the numerics.
	Version,
	/// No ops, or more than [`super::MAX_OPS`].
	OpCount,
	/// More than [`super::MAX_PORTS`] inputs or outputs, no output, or more than the bytes hold.
	Ports,
	/// The table of ports is not the one whose hash the header has.
	Table,
	/// An unknown element type.
	Code,
	/// A shape breaks its limits.
	Shape,
	/// An unused byte is not zero.
	Padding,
}

impl fmt::Display for FormatError {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		match self {
			FormatError::Length => f.write_str("the program's length does not fit its header"),
			FormatError::Header(error) => write!(f, "header: {error}"),
			FormatError::Record { op, error } => write!(f, "op {op}: {error}"),
		}
	}
}

impl fmt::Display for HeaderError {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		f.write_str(match self {
			HeaderError::Magic => "not an Assay program",
			HeaderError::Version => "unsupported version of the format or the numerics",
			HeaderError::OpCount => "a program has 1 to 1,024 ops",
			HeaderError::Ports => "a program has at most 512 inputs and 1 to 512 outputs",
			HeaderError::Table => {
				"the table of inputs and outputs is not the one that the header names"
			},
			HeaderError::Code => "unknown element type",
			HeaderError::Shape => "a shape breaks its limits",
			HeaderError::Padding => "an unused byte is not zero",
		})
	}
}

impl core::error::Error for FormatError {}
impl core::error::Error for HeaderError {}

/// The part of a program's bytes that its root is the hash of: the header and the ops' records, without the
/// table of ports, whose hash the header has. So an op's record has the same place in the tree whatever the
/// number of ports. All of `bytes` when they are shorter than the header says.
pub fn committed(bytes: &[u8]) -> &[u8] {
	let Some((header, _)) = bytes.split_first_chunk::<RECORD_BYTES>() else {
		return bytes;
	};
	let records = (u32_at(header, OP_COUNT_AT) as usize).saturating_add(1);
	bytes.get(..records.saturating_mul(RECORD_BYTES)).unwrap_or(bytes)
}

/// The root of a program given as bytes: the hash of what is [`committed`].
pub fn program_root(bytes: &[u8]) -> Root {
	tree::hash(committed(bytes))
}

impl OpRecord {
	/// The record's byte form.
	///
	/// # Errors
	/// The record is not valid (see [`OpRecord::validate`]).
	pub fn to_bytes(&self) -> Result<[u8; RECORD_BYTES], RecordError> {
		self.validate()?;
		let mut bytes = [0; RECORD_BYTES];
		put(&mut bytes, 0, &kind_code(&self.kind).to_le_bytes());
		bytes[2] = self.dtype.code();
		bytes[3] = self.operands.len() as u8;
		bytes[4] = self.shape.rank() as u8;
		put_dims(&mut bytes, 8, self.shape.dims());
		put_parameters(&mut bytes, &self.kind);
		if let Some(steps) = &self.epilogue {
			put_steps(&mut bytes, epilogue_at(&self.kind), steps);
		}
		for (i, operand) in self.operands.iter().enumerate() {
			let at = OPERANDS_AT + i * OPERAND_BYTES;
			let (code, value) = match operand.source {
				Source::Op(index) => (0, u64::from(index)),
				Source::Input(offset) => (1, offset),
				Source::Weight(offset) => (2, offset),
			};
			bytes[at] = code;
			bytes[at + 1] = operand.dtype.code();
			bytes[at + 2] = operand.shape.rank() as u8;
			put(&mut bytes, at + 8, &value.to_le_bytes());
			put_dims(&mut bytes, at + 16, operand.shape.dims());
		}
		Ok(bytes)
	}

	/// Reads and validates one op record; every accepted record encodes to the same bytes.
	///
	/// # Errors
	/// The rule that it breaks, see [`RecordError`].
	pub fn from_bytes(bytes: &[u8; RECORD_BYTES]) -> Result<OpRecord, RecordError> {
		let kind = kind_at(bytes)?;
		let dtype = DType::from_code(bytes[2]).ok_or(RecordError::Code)?;
		let count = usize::from(bytes[3]);
		if count > MAX_OPERANDS {
			return Err(RecordError::OperandCount);
		}
		let shape = shape_at(bytes, 8, bytes[4].into()).map_err(|_| RecordError::Shape)?;
		let operands = (0..count)
			.map(|i| operand_at(bytes, OPERANDS_AT + i * OPERAND_BYTES))
			.collect::<Result<Vec<_>, _>>()?;
		let at = epilogue_at(&kind);
		let epilogue = match (kind.own_operands(), bytes[at]) {
			(None, _) | (Some(_), 0) => None,
			(Some(_), _) => Some(steps_at(bytes, at)?),
		};
		let record = OpRecord { kind, dtype, shape, operands, epilogue };
		// Whatever the fields above do not cover must be as the encoder leaves it.
		if record.to_bytes()? != *bytes {
			return Err(RecordError::Padding);
		}
		Ok(record)
	}
}

impl Program {
	/// The canonical bytes: `(1 + n_ops) · 1,024`, and the table of ports where there is one.
	///
	/// # Errors
	/// Some record is not valid, or the header does not count the ops.
	pub fn encode(&self) -> Result<Vec<u8>, FormatError> {
		if self.header.n_ops as usize != self.ops.len() {
			return Err(FormatError::Length);
		}
		let mut bytes = Vec::with_capacity((1 + self.ops.len()) * RECORD_BYTES);
		bytes.extend_from_slice(&self.header.to_bytes().map_err(FormatError::Header)?);
		for (index, op) in self.ops.iter().enumerate() {
			let record = op.to_bytes();
			let record = record.map_err(|error| FormatError::Record { op: index as u32, error })?;
			bytes.extend_from_slice(&record);
		}
		bytes.extend_from_slice(&self.header.table());
		Ok(bytes)
	}

	/// Reads a program strictly: whatever is accepted encodes to exactly these bytes. The rules
	/// between records are left to [`Program::check`].
	///
	/// # Errors
	/// What is malformed first, see [`FormatError`].
	///
	/// # Examples
	///
	/// ```
	/// use assay_referee::*;
	///
	/// # let shape = Shape::new(&[10])?;
	/// # let x = Operand::input(0, DType::F32, shape);
	/// # let exp = OpRecord::new(OpKind::Unary(UnaryFn::Exp), DType::F32, shape, [x]);
	/// # let port = TensorSpec::new(DType::F32, shape);
	/// # let program = Program::new(0, vec![port], vec![port], vec![exp]);
	/// let mut bytes = program.encode()?;
	/// assert_eq!(Program::decode(&bytes)?, program);
	/// // A byte that no field uses: the same program must not have two roots.
	/// bytes[1000] = 1;
	/// assert_eq!(Program::decode(&bytes), Err(FormatError::Header(HeaderError::Padding)));
	/// # Ok::<(), Box<dyn std::error::Error>>(())
	/// ```
	pub fn decode(bytes: &[u8]) -> Result<Program, FormatError> {
		let (records, rest) = bytes.as_chunks::<RECORD_BYTES>();
		let [first, records @ ..] = records else {
			return Err(FormatError::Length);
		};
		let announced = u32_at(first, OP_COUNT_AT) as usize;
		let (records, table) = records.split_at_checked(announced).unwrap_or((records, &[]));
		let table = table.as_flattened();
		let header = Header::from_bytes(first, table).map_err(FormatError::Header)?;
		if !rest.is_empty()
			|| records.len() != header.n_ops as usize
			|| table.len() != header.table_len()
		{
			return Err(FormatError::Length);
		}
		let mut ops = Vec::with_capacity(records.len());
		for (index, record) in records.iter().enumerate() {
			let op = OpRecord::from_bytes(record);
			ops.push(op.map_err(|error| FormatError::Record { op: index as u32, error })?);
		}
		Ok(Program { header, ops })
	}
}

fn operand_at(bytes: &[u8; RECORD_BYTES], at: usize) -> Result<Operand, RecordError> {
	let value = u64_at(bytes, at + 8);
	let source = match bytes[at] {
		0 => Source::Op(u32::try_from(value).map_err(|_| RecordError::Parameter)?),
		1 => Source::Input(value),
		2 => Source::Weight(value),
		_ => return Err(RecordError::Code),
	};
	let dtype = DType::from_code(bytes[at + 1]).ok_or(RecordError::Code)?;
	let rank = usize::from(bytes[at + 2]);
	let shape = shape_at(bytes, at + 16, rank).map_err(|_| RecordError::Shape)?;
	Ok(Operand { source, dtype, shape })
}

/// Where an op that may have an epilogue has the number of its steps, which follow it.
const fn epilogue_at(kind: &OpKind) -> usize {
	match kind {
		OpKind::Strided { .. } => STRIDED_EPILOGUE_AT,
		_ => EPILOGUE_AT,
	}
}

const fn kind_code(kind: &OpKind) -> u16 {
	match kind {
		OpKind::Strided { .. } => 1,
		OpKind::Pad { .. } => 2,
		OpKind::Concat { .. } => 3,
		OpKind::Gather { .. } => 4,
		OpKind::Unfold { .. } => 5,
		OpKind::Unary(_) => 6,
		OpKind::Cast => 7,
		OpKind::Binary(_) => 8,
		OpKind::Select => 9,
		OpKind::MatMul { .. } => 10,
		OpKind::MatMulInteger => 11,
		OpKind::Reduce(_) => 12,
		OpKind::ArgMax => 13,
		OpKind::Pack => 14,
		OpKind::Scatter(_) => 15,
		OpKind::TopK { .. } => 16,
		OpKind::Map(_) => 17,
		OpKind::Conv(_) => 18,
		OpKind::MapReduce { .. } => 19,
		OpKind::Pool(_) => 20,
		OpKind::RoundTo { .. } => 25,
		OpKind::Recur { .. } => 35,
	}
}

fn put_parameters(bytes: &mut [u8; RECORD_BYTES], kind: &OpKind) {
	let at = PARAMETERS_AT;
	match kind {
		OpKind::Strided { offset, strides } => {
			put(bytes, at, &offset.to_le_bytes());
			for (i, stride) in strides.iter().enumerate() {
				put(bytes, at + 8 + 8 * i, &stride.to_le_bytes());
			}
		},
		OpKind::Pad { before, fill } => {
			put_dims(bytes, at, before);
			put(bytes, at + 32, &fill.to_le_bytes());
		},
		OpKind::Concat { axis } | OpKind::Gather { axis } => bytes[at] = *axis,
		OpKind::Unfold { kernel, stride, dilation, pad, out, groups, fill } => {
			put_pairs(bytes, at, [*kernel, *stride, *dilation, *pad, *out]);
			put(bytes, at + 40, &groups.to_le_bytes());
			put(bytes, at + 48, &fill.to_le_bytes());
		},
		OpKind::Unary(function) => bytes[at] = function.code(),
		OpKind::Binary(function) => bytes[at] = function.code(),
		OpKind::Reduce(function) => bytes[at] = function.code(),
		OpKind::Scatter(function) => bytes[at] = function.code(),
		OpKind::TopK { largest } => bytes[at] = (*largest).into(),
		OpKind::MatMul { bias } => bytes[at] = *bias as u8,
		OpKind::RoundTo { format, overflow } => {
			bytes[at] = format.code();
			bytes[at + 1] = *overflow as u8;
		},
		OpKind::Conv(conv) => {
			put_pairs(bytes, at, [conv.kernel, conv.stride, conv.dilation, conv.pad, conv.out]);
			put(bytes, at + 40, &conv.groups.to_le_bytes());
			bytes[at + 44] = conv.layout as u8;
			bytes[at + 45] = conv.bias as u8;
			bytes[at + 46] = conv.output as u8;
		},
		OpKind::Pool(pool) => {
			bytes[at] = pool.function.code();
			put_pairs(bytes, at + 4, [pool.kernel, pool.stride, pool.dilation, pool.pad, pool.out]);
		},
		OpKind::Map(steps) => put_steps(bytes, MAP_AT, steps),
		OpKind::MapReduce { function, k, steps } => {
			bytes[at] = function.code();
			put_steps(bytes, MAP_REDUCE_AT, steps);
			put_dims(bytes, ROW_AT, &[*k]);
		},
		OpKind::Recur { cell } => bytes[at] = cell.code(),
		OpKind::Cast | OpKind::Select | OpKind::MatMulInteger | OpKind::ArgMax | OpKind::Pack => {},
	}
}

fn kind_at(bytes: &[u8; RECORD_BYTES]) -> Result<OpKind, RecordError> {
	let at = PARAMETERS_AT;
	let code = bytes[at];
	let pair = |i: usize| [u32_at(bytes, at + 8 * i), u32_at(bytes, at + 8 * i + 4)];
	Ok(match u16_at(bytes, 0) {
		1 => OpKind::Strided {
			offset: u64_at(bytes, at),
			strides: core::array::from_fn(|i| u64_at(bytes, at + 8 + 8 * i) as i64),
		},
		2 => OpKind::Pad {
			before: core::array::from_fn(|i| u32_at(bytes, at + 4 * i)),
			fill: u64_at(bytes, at + 32),
		},
		3 => OpKind::Concat { axis: code },
		4 => OpKind::Gather { axis: code },
		5 => OpKind::Unfold {
			kernel: pair(0),
			stride: pair(1),
			dilation: pair(2),
			pad: pair(3),
			out: pair(4),
			groups: u32_at(bytes, at + 40),
			fill: u64_at(bytes, at + 48),
		},
		6 => OpKind::Unary(UnaryFn::from_code(code).ok_or(RecordError::Code)?),
		7 => OpKind::Cast,
		8 => OpKind::Binary(BinaryFn::from_code(code).ok_or(RecordError::Code)?),
		9 => OpKind::Select,
		10 => OpKind::MatMul { bias: bias_of(code)? },
		11 => OpKind::MatMulInteger,
		12 => OpKind::Reduce(ReduceFn::from_code(code).ok_or(RecordError::Code)?),
		13 => OpKind::ArgMax,
		14 => OpKind::Pack,
		15 => OpKind::Scatter(ScatterFn::from_code(code).ok_or(RecordError::Code)?),
		16 => OpKind::TopK {
			largest: match code {
				0 => false,
				1 => true,
				_ => return Err(RecordError::Code),
			},
		},
		17 => OpKind::Map(steps_at(bytes, MAP_AT)?),
		18 => OpKind::Conv(Conv {
			kernel: pair(0),
			stride: pair(1),
			dilation: pair(2),
			pad: pair(3),
			out: pair(4),
			groups: u32_at(bytes, at + 40),
			layout: layout_of(bytes[at + 44])?,
			output: layout_of(bytes[at + 46])?,
			bias: bias_of(bytes[at + 45])?,
		}),
		19 => OpKind::MapReduce {
			function: ReduceFn::from_code(code).ok_or(RecordError::Code)?,
			k: u32_at(bytes, ROW_AT),
			steps: steps_at(bytes, MAP_REDUCE_AT)?,
		},
		20 => {
			let pair = |i: usize| [u32_at(bytes, at + 4 + 8 * i), u32_at(bytes, at + 8 + 8 * i)];
			OpKind::Pool(Pool {
				function: ReduceFn::from_code(code).ok_or(RecordError::Code)?,
				kernel: pair(0),
				stride: pair(1),
				dilation: pair(2),
				pad: pair(3),
				out: pair(4),
			})
		},
		25 => OpKind::RoundTo {
			format: FloatFormat::from_code(code).ok_or(RecordError::Code)?,
			overflow: overflow_of(bytes[at + 1])?,
		},
		35 => OpKind::Recur { cell: Cell::from_code(code).ok_or(RecordError::Code)? },
		_ => return Err(RecordError::Code),
	})
}

const fn layout_of(code: u8) -> Result<ImageLayout, RecordError> {
	match code {
		0 => Ok(ImageLayout::ChannelsFirst),
		1 => Ok(ImageLayout::ChannelsLast),
		_ => Err(RecordError::Code),
	}
}

const fn bias_of(code: u8) -> Result<Bias, RecordError> {
	match code {
		0 => Ok(Bias::None),
		1 => Ok(Bias::Row),
		2 => Ok(Bias::Column),
		_ => Err(RecordError::Code),
	}
}

const fn overflow_of(code: u8) -> Result<Overflow, RecordError> {
	match code {
		0 => Ok(Overflow::Special),
		1 => Ok(Overflow::Saturate),
		_ => Err(RecordError::Code),
	}
}

/// The number of the steps at `at`, and the steps.
fn put_steps(bytes: &mut [u8; RECORD_BYTES], at: usize, steps: &Steps) {
	bytes[at] = steps.as_slice().len() as u8;
	for (step, place) in steps.as_slice().iter().zip(bytes[at + 1..].as_chunks_mut().0) {
		*place = step_bytes(step);
	}
}

fn steps_at(bytes: &[u8; RECORD_BYTES], at: usize) -> Result<Steps, RecordError> {
	let places = bytes[at + 1..OPERANDS_AT].as_chunks::<STEP_BYTES>().0;
	let places = places.get(..bytes[at].into()).ok_or(RecordError::Parameter)?;
	let steps = places.iter().map(step_at).collect::<Result<Vec<_>, _>>()?;
	Steps::new(&steps).ok_or(RecordError::Parameter)
}

fn step_bytes(step: &Step) -> [u8; STEP_BYTES] {
	let function = step.function();
	let [first, second] = match function {
		StepFn::Unary(function) => [function.code(), 0],
		StepFn::Cast(dtype) => [dtype.code(), 0],
		StepFn::Binary(function) => [function.code(), 0],
		StepFn::Select => [0, 0],
		StepFn::RoundTo(format, overflow) => [format.code(), overflow as u8],
	};
	let mut bytes = [kind_code(&function.kind()) as u8, first, second, 0, 0, 0];
	bytes[3..][..step.arguments().len()].copy_from_slice(step.arguments());
	bytes
}

/// What a step leaves unused must be zero, which encoding the record again shows.
fn step_at(
	&[kind, first, second, ref arguments @ ..]: &[u8; STEP_BYTES],
) -> Result<Step, RecordError> {
	let function = match kind {
		6 => UnaryFn::from_code(first).map(StepFn::Unary),
		7 => DType::from_code(first).map(StepFn::Cast),
		8 => BinaryFn::from_code(first).map(StepFn::Binary),
		9 => Some(StepFn::Select),
		25 => {
			let overflow = overflow_of(second)?;
			FloatFormat::from_code(first).map(|format| StepFn::RoundTo(format, overflow))
		},
		_ => None,
	};
	Ok(Step::new(function.ok_or(RecordError::Code)?, arguments))
}

// All offsets below are constants of the format, or bounded by the caller, inside the record.

pub(super) fn u16_at(bytes: &[u8; RECORD_BYTES], at: usize) -> u16 {
	u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

pub(super) fn u32_at(bytes: &[u8; RECORD_BYTES], at: usize) -> u32 {
	u32::from(u16_at(bytes, at)) | u32::from(u16_at(bytes, at + 2)) << 16
}

pub(super) fn u64_at(bytes: &[u8; RECORD_BYTES], at: usize) -> u64 {
	u64::from(u32_at(bytes, at)) | u64::from(u32_at(bytes, at + 4)) << 32
}

fn shape_at(bytes: &[u8; RECORD_BYTES], at: usize, rank: usize) -> Result<Shape, ShapeError> {
	let mut dims = [0; MAX_RANK];
	let dims = dims.get_mut(..rank).ok_or(ShapeError::Rank)?;
	for (i, dim) in dims.iter_mut().enumerate() {
		*dim = u32_at(bytes, at + 4 * i);
	}
	Shape::new(dims)
}

pub(super) fn put(bytes: &mut [u8; RECORD_BYTES], at: usize, field: &[u8]) {
	bytes[at..at + field.len()].copy_from_slice(field);
}

/// What is told of windows: two numbers each, down and right.
fn put_pairs(bytes: &mut [u8; RECORD_BYTES], at: usize, pairs: [[u32; 2]; 5]) {
	put_dims(bytes, at, pairs.as_flattened());
}

fn put_dims(bytes: &mut [u8; RECORD_BYTES], at: usize, dims: &[u32]) {
	for (i, dim) in dims.iter().enumerate() {
		put(bytes, at + 4 * i, &dim.to_le_bytes());
	}
}
