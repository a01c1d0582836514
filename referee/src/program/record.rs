//! What one op is: its kind with parameters, its output and its operands.

use super::conv::Conv;
use super::map::Steps;
use super::pool::Pool;
use super::recur::Cell;
use crate::{codes::codes, DType, FloatFormat, Overflow, Shape, MAX_RANK};
use alloc::vec::Vec;
use core::fmt;

/// Most operands one op may have.
pub const MAX_OPERANDS: usize = 12;

/// Where an operand's elements are found.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Source {
	/// The output tensor of the op with this index.
	Op(u32),
	/// The job's input bytes, from this byte offset (a multiple of [`crate::ALIGN`]).
	Input(u64),
	/// The model's weights, from this byte offset (a multiple of [`crate::ALIGN`]).
	Weight(u64),
}

/// One operand of an op: contiguous elements and the shape under which the op sees them.
///
/// The shape may be any with as many elements as the producer has; reshaping is free.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Operand {
	/// Where the elements are.
	pub source: Source,
	/// Type of the elements; equal to the producer's.
	pub dtype: DType,
	/// The view the op works on.
	pub shape: Shape,
}

impl Operand {
	/// The output of op `index`, seen as `shape`.
	pub const fn op(index: u32, dtype: DType, shape: Shape) -> Operand {
		Operand { source: Source::Op(index), dtype, shape }
	}

	/// The input tensor at byte `offset` of the input layout, seen as `shape`.
	pub const fn input(offset: u64, dtype: DType, shape: Shape) -> Operand {
		Operand { source: Source::Input(offset), dtype, shape }
	}

	/// The weight tensor at byte `offset` of the weights, seen as `shape`.
	pub const fn weight(offset: u64, dtype: DType, shape: Shape) -> Operand {
		Operand { source: Source::Weight(offset), dtype, shape }
	}

	/// The same elements under another view.
	pub const fn view(self, shape: Shape) -> Operand {
		Operand { shape, ..self }
	}

	/// Bytes the operand spans.
	pub fn bytes(&self) -> u64 {
		self.shape.bytes(self.dtype)
	}

	/// Byte offset of element 0 within the object that holds the operand (input, weights, or the
	/// producer's tensor).
	pub const fn base(&self) -> u64 {
		match self.source {
			Source::Op(_) => 0,
			Source::Input(offset) | Source::Weight(offset) => offset,
		}
	}
}

/// Where a [`OpKind::MatMul`] adds its bias.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u8)]
pub enum Bias {
	/// No bias; two operands.
	None = 0,
	/// A third operand `[m]`, or `[ba, m]` with the batch index taken modulo `ba`.
	Row = 1,
	/// A third operand `[n]`, or `[bb, n]` with the batch index taken modulo `bb`.
	Column = 2,
}

codes! {
	/// Functions of one element. `f32` unless said otherwise.
	///
	/// Those that [`UnaryFn::is_elementary`] names give the correctly rounded value, `Tan` and what
	/// follows it as far as their inputs have been compared (docs/model-format.md).
	UnaryFn {
		/// -x; `f32` (sign bit flipped) and integers (wrapping).
		Neg = 1,
		/// |x|; `f32` and integers (wrapping: |MIN| = MIN).
		Abs = 2,
		/// Square root, correctly rounded.
		Sqrt = 3,
		/// 1 / x, correctly rounded.
		Reciprocal = 4,
		/// e^x.
		Exp = 5,
		/// 2^x.
		Exp2 = 6,
		/// Natural logarithm.
		Log = 7,
		/// Hyperbolic tangent.
		Tanh = 8,
		/// Error function.
		Erf = 9,
		/// 1 / (1 + e^-x).
		Sigmoid = 10,
		/// max(x, 0) as an ordered select; `f32` (relu(-0) = +0, NaN stays) and integers.
		Relu = 11,
		/// Sine of x radians.
		Sin = 12,
		/// Cosine of x radians.
		Cos = 13,
		/// ln(1 + e^x).
		Softplus = 14,
		/// Largest whole number not above x.
		Floor = 15,
		/// Smallest whole number not below x.
		Ceil = 16,
		/// Nearest whole number, ties to even.
		Round = 17,
		/// -1, 0 or 1; `f32` (±0 gives +0, NaN stays) and integers.
		Sign = 18,
		/// Logical not, `Bool` only.
		Not = 19,
		/// Whether x is NaN; `f32` to `Bool`.
		IsNan = 20,
		/// Tangent of x radians.
		Tan = 21,
		/// The angle whose sine is x; NaN outside of -1..=1.
		Asin = 22,
		/// The angle whose cosine is x; NaN outside of -1..=1.
		Acos = 23,
		/// The angle whose tangent is x.
		Atan = 24,
		/// Hyperbolic sine.
		Sinh = 25,
		/// Hyperbolic cosine.
		Cosh = 26,
		/// Inverse of Sinh.
		Asinh = 27,
		/// Inverse of Cosh; NaN below 1.
		Acosh = 28,
		/// Inverse of Tanh; infinite at -1 and 1, NaN beyond.
		Atanh = 29,
	}
}

impl UnaryFn {
	/// Whether this is an elementary function: `f32` only, and much dearer than an addition.
	pub const fn is_elementary(self) -> bool {
		match self {
			UnaryFn::Neg
			| UnaryFn::Abs
			| UnaryFn::Sqrt
			| UnaryFn::Reciprocal
			| UnaryFn::Relu
			| UnaryFn::Floor
			| UnaryFn::Ceil
			| UnaryFn::Round
			| UnaryFn::Sign
			| UnaryFn::Not
			| UnaryFn::IsNan => false,
			UnaryFn::Exp
			| UnaryFn::Exp2
			| UnaryFn::Log
			| UnaryFn::Tanh
			| UnaryFn::Erf
			| UnaryFn::Sigmoid
			| UnaryFn::Sin
			| UnaryFn::Cos
			| UnaryFn::Softplus
			| UnaryFn::Tan
			| UnaryFn::Asin
			| UnaryFn::Acos
			| UnaryFn::Atan
			| UnaryFn::Sinh
			| UnaryFn::Cosh
			| UnaryFn::Asinh
			| UnaryFn::Acosh
			| UnaryFn::Atanh => true,
		}
	}
}

codes! {
	/// Functions of two elements of one type.
	///
	/// Integer addition, subtraction and multiplication wrap.
	BinaryFn {
		/// a + b; not `Bool`.
		Add = 1,
		/// a - b; not `Bool`.
		Sub = 2,
		/// a · b; not `Bool`.
		Mul = 3,
		/// a / b; integers truncate, a / 0 = 0, MIN / -1 = MIN; not `Bool`.
		Div = 4,
		/// a to the power b; `f32` only.
		Pow = 5,
		/// NaN if either is NaN, else a if a < b, else b; not `Bool`.
		Min = 6,
		/// NaN if either is NaN, else a if a > b, else b; not `Bool`.
		Max = 7,
		/// `f32`: remainder with the sign of a. Integers: with the sign of b, a mod 0 = 0.
		Mod = 8,
		/// a = b, as `Bool`; every type.
		Equal = 9,
		/// a < b, as `Bool`; not `Bool`.
		Less = 10,
		/// a <= b, as `Bool`; not `Bool`.
		LessOrEqual = 11,
		/// a > b, as `Bool`; not `Bool`.
		Greater = 12,
		/// a >= b, as `Bool`; not `Bool`.
		GreaterOrEqual = 13,
		/// Conjunction; `Bool`, or bitwise on integers.
		And = 14,
		/// Disjunction; `Bool`, or bitwise on integers.
		Or = 15,
		/// Exclusive or; `Bool`, or bitwise on integers.
		Xor = 16,
	}
}

impl BinaryFn {
	/// Whether the result is a `Bool` whatever the operands' type.
	pub const fn is_comparison(self) -> bool {
		matches!(
			self,
			BinaryFn::Equal
				| BinaryFn::Less
				| BinaryFn::LessOrEqual
				| BinaryFn::Greater
				| BinaryFn::GreaterOrEqual
		)
	}
}

codes! {
	/// Reductions over the last axis; `f32` and integers (wrapping).
	///
	/// `f32`: every block of 1,024 elements has 32 lanes that start from the neutral element
	/// (Sum +0, Prod 1, Max -inf, Min +inf) and take the elements at their position modulo 32 in
	/// ascending order; lanes are combined by the tree 16, 8, 4, 2, 1 (`lane[i] op lane[i + w]`);
	/// block results are combined in ascending order, starting from the first.
	ReduceFn {
		/// Sum of the elements.
		Sum = 1,
		/// Largest element; NaN if any is NaN.
		Max = 2,
		/// Smallest element; NaN if any is NaN.
		Min = 3,
		/// Product of the elements.
		Prod = 4,
	}
}

impl ReduceFn {
	/// Canonical bits of the element that changes nothing when it is combined with another.
	pub const fn neutral(self, dtype: DType) -> u64 {
		match (self, dtype) {
			(ReduceFn::Sum, _) => 0,
			(ReduceFn::Prod, DType::F32) => 0x3f80_0000,
			(ReduceFn::Prod, _) => 1,
			(ReduceFn::Max, DType::F32) => 0xff80_0000,
			(ReduceFn::Max, DType::I32) => 0x8000_0000,
			(ReduceFn::Max, DType::I64) => 1 << 63,
			(ReduceFn::Max, DType::I8) => 0x80,
			(ReduceFn::Max, DType::U8 | DType::Bool) => 0,
			(ReduceFn::Min, DType::F32) => 0x7f80_0000,
			(ReduceFn::Min, DType::I32) => 0x7fff_ffff,
			(ReduceFn::Min, DType::I64) => i64::MAX as u64,
			(ReduceFn::Min, DType::I8) => 0x7f,
			(ReduceFn::Min, DType::U8) => 0xff,
			(ReduceFn::Min, DType::Bool) => 1,
		}
	}
}

codes! {
	/// What a scattered value does to the one at its place. [`BinaryFn`] says what the functions do
	/// to `(old, new)`; only `Replace` takes `Bool`.
	ScatterFn {
		/// Takes its place; of several, the last.
		Replace = 1,
		/// Is added.
		Add = 2,
		/// Is multiplied.
		Mul = 3,
		/// The smaller stays.
		Min = 4,
		/// The larger stays.
		Max = 5,
	}
}

/// What an op computes for each element of its output.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OpKind {
	/// Transpose, slice with steps, expand, flip: element `idx` is element
	/// `offset + Σ idx[d] · strides[d]` of the operand. One operand of any type.
	Strided {
		/// Operand element of output element 0.
		offset: u64,
		/// Step per output dimension, in elements; zero beyond the output's rank.
		strides: [i64; MAX_RANK],
	},
	/// The operand surrounded by `fill`. One operand of the output's rank and type.
	Pad {
		/// Elements put before the operand, per dimension; zero beyond the rank.
		before: [u32; MAX_RANK],
		/// Canonical bits of the value outside the operand.
		fill: u64,
	},
	/// The operands one after another along `axis`. 1 to 12 operands, each of whose other dimensions divides
	/// the output's: its elements are repeated along it as often as that takes, each before the next.
	Concat {
		/// Dimension that is joined.
		axis: u8,
	},
	/// Operands `[data, indices]`, indices `I32` or `I64`; output
	/// `data[..axis] ++ indices.shape ++ data[axis+1..]`. A negative index wraps once; an index
	/// still out of range gives zero bits.
	Gather {
		/// Dimension of `data` that is indexed.
		axis: u8,
	},
	/// Sliding windows of an operand seen as `[n, c, h, w]`; output
	/// `[n, groups, oh·ow, (c/groups)·kh·kw]`, the last dimension ordered (channel, row, column).
	Unfold {
		/// Window height and width.
		kernel: [u32; 2],
		/// Step between windows, down and right.
		stride: [u32; 2],
		/// Step inside a window, down and right.
		dilation: [u32; 2],
		/// Rows of padding above, columns of padding to the left.
		pad: [u32; 2],
		/// Number of windows, down (oh) and right (ow).
		out: [u32; 2],
		/// Number of channel groups; divides `c`.
		groups: u32,
		/// Canonical bits of the value in the padding.
		fill: u64,
	},
	/// A function of each element. One operand of the output's shape.
	Unary(UnaryFn),
	/// Conversion from any type to any type. One operand of the output's shape.
	///
	/// To `f32` nearest-even; from `f32` to integers truncating and saturating, NaN to 0; between
	/// integers wrapping; to `Bool` whether it is not zero.
	Cast,
	/// A function of two elements, with broadcasting. Two operands of one type and of the output's
	/// rank, each dimension equal to the output's or 1.
	Binary(BinaryFn),
	/// Operands `[condition, a, b]` with broadcasting: a where the condition holds, else b.
	Select,
	/// `f32` contraction: operands a `[ba, m, k]`, b `[bb, n, k]` and a bias; output
	/// `[batch, m, n]`, where `ba` and `bb` divide `batch` and the batch index is taken modulo.
	///
	/// Blocks of 256 terms: an ascending chain of fused multiply-adds from +0; block sums are added
	/// in ascending order starting from the first; the bias is one addition after.
	MatMul {
		/// Where the bias is added.
		bias: Bias,
	},
	/// 8-bit contraction to `I32`, wrapping: operands a `[ba, m, k]`, b `[bb, n, k]`, a_zero
	/// (one element) and b_zero (one element, or `[n]`); sum of `(a - a_zero) · (b - b_zero)`.
	MatMulInteger,
	/// Reduction over the last axis: operand `[.., k]`, output with one element per row.
	Reduce(ReduceFn),
	/// Index (`I64`) of the first largest element along the last axis; NaN counts as largest.
	ArgMax,
	/// Operands data `[r, n]`, indices `[r, m]` or `[1, m]` for all rows, `I32` or `I64`, and updates
	/// `[r, m]`; output `[r, n]`: the data after each update in ascending order has been put at its
	/// index in its row. A negative index wraps once; an index still out of range puts nothing.
	Scatter(ScatterFn),
	/// Operand `[.., n]`, output `[.., k]` with `k <= n`: the indices (`I64`) of the first `k`
	/// elements of each row in descending (`largest`) or ascending order. Of equal elements the one
	/// with the smaller index comes first; NaN counts as largest; zeros of either sign are equal.
	TopK {
		/// Whether the largest come first.
		largest: bool,
	},
	/// The operands' bytes, each at the next multiple of [`crate::ALIGN`], gaps zero; output `U8`,
	/// one dimension.
	Pack,
	/// A recurrence over time: operands x `[T, B, gates·H]` (what a step takes from outside), R
	/// `[gates·H, H]`, rb `[gates·H]`, h0 `[B, H]`, for an LSTM c0 `[B, H]`, and last the op's own
	/// output; output `[T, parts, B, H]`, `f32`. [`Cell`] has the formulas; products with R are
	/// summed as by [`OpKind::MatMul`].
	///
	/// An element reads its own output at positions before it only.
	Recur {
		/// What a step computes.
		cell: Cell,
	},
	/// Each element rounded to the nearest value of a narrower float format; `f32` to `f32`. See
	/// [`FloatFormat::round`].
	RoundTo {
		/// The format whose values the result has.
		format: FloatFormat,
		/// What lies beyond the format's greatest value becomes; `Saturate` where the format has
		/// neither infinity nor NaN.
		overflow: Overflow,
	},
	/// An elementwise expression: the steps' functions one after another, each of operands and of
	/// earlier results. Operands broadcast as those of [`OpKind::Binary`]; functions of one element
	/// take operands of the output's shape only. 1 to 12 operands.
	///
	/// Every result is what an op of its own would have stored.
	Map(Steps),
	/// [`OpKind::Reduce`] of an expression: the operands broadcast, as those of [`OpKind::Map`], to the
	/// output's shape with `k` as one more dimension at its end, over which the expression's elements
	/// are reduced in the order of [`ReduceFn`]. 1 to 12 operands, at least one step.
	///
	/// Every result is what an op of its own would have stored.
	MapReduce {
		/// How the elements of a row are combined.
		function: ReduceFn,
		/// Elements of a row.
		k: u32,
		/// The expression.
		steps: Steps,
	},
	/// [`OpKind::MatMul`] whose second operand are the windows that [`OpKind::Unfold`] would give of
	/// an image, padded with +0: operands a `[ba, m, (c/groups)·kh·kw]`, the image as
	/// [`Conv::layout`] says, and a bias; output `[n·groups, m, oh·ow]`, or as [`Conv::output`] says
	/// `[n, oh·ow, groups·m]`, where `ba` divides `n·groups` and the batch index is taken modulo. Terms
	/// are ordered (channel, row, column).
	Conv(Conv),
	/// [`OpKind::Reduce`] over the windows of an image, in the order (row, column): operand
	/// `[planes, h, w]`, output with one element per window, the elements of `[planes, oh, ow]`.
	Pool(Pool),
}

impl OpKind {
	/// The number of operands of a kind that may have an epilogue, see [`OpRecord::epilogue`];
	/// `None` for other kinds.
	pub const fn own_operands(&self) -> Option<usize> {
		match self {
			OpKind::MatMul { bias } | OpKind::Conv(Conv { bias, .. }) => match bias {
				Bias::None => Some(2),
				Bias::Row | Bias::Column => Some(3),
			},
			OpKind::MatMulInteger => Some(4),
			OpKind::Strided { .. } | OpKind::Reduce(_) | OpKind::Pool(_) => Some(1),
			OpKind::Pad { .. }
			| OpKind::Concat { .. }
			| OpKind::Gather { .. }
			| OpKind::Unfold { .. }
			| OpKind::Unary(_)
			| OpKind::Cast
			| OpKind::Binary(_)
			| OpKind::Select
			| OpKind::ArgMax
			| OpKind::Scatter(_)
			| OpKind::TopK { .. }
			| OpKind::Pack
			| OpKind::Recur { .. }
			| OpKind::RoundTo { .. }
			| OpKind::Map(_)
			| OpKind::MapReduce { .. } => None,
		}
	}
}

/// One op: what it computes, its output's type and shape, and its operands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OpRecord {
	/// What is computed.
	pub kind: OpKind,
	/// Type of the output's elements.
	pub dtype: DType,
	/// Shape of the output.
	pub shape: Shape,
	/// Operands, at most [`MAX_OPERANDS`]: the kind's own, then those of the epilogue.
	pub operands: Vec<Operand>,
	/// An expression that is applied to each element of the kind's result, for the kinds that
	/// [`OpKind::own_operands`] names. Its value 0 is that result, then come the operands beyond the
	/// kind's own, which broadcast against the output's shape as those of a [`OpKind::Map`], then the
	/// results of the steps; one step is enough. `dtype` is the type of the last one's result.
	///
	/// Every result is what an op of its own would have stored.
	pub epilogue: Option<Steps>,
}

/// The kind, and the number of steps of an epilogue: `Conv 1x1 + 9 steps`.
impl fmt::Display for OpRecord {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		self.kind.fmt(f)?;
		match self.epilogue.map(|steps| steps.as_slice().len()) {
			None => Ok(()),
			Some(1) => f.write_str(" + 1 step"),
			Some(count) => write!(f, " + {count} steps"),
		}
	}
}

/// The name, with what tells it apart from others of its kind: `Reduce(Max)`, `Map of 5 steps`.
impl fmt::Display for OpKind {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		let name = match self {
			OpKind::Unary(function) => return write!(f, "Unary({function:?})"),
			OpKind::Binary(function) => return write!(f, "Binary({function:?})"),
			OpKind::Reduce(function) => return write!(f, "Reduce({function:?})"),
			OpKind::Scatter(function) => return write!(f, "Scatter({function:?})"),
			OpKind::Recur { cell } => return write!(f, "Recur({cell:?})"),
			OpKind::Map(steps) => return write!(f, "Map of {} steps", steps.as_slice().len()),
			OpKind::MapReduce { function, steps, .. } => {
				return write!(f, "MapReduce({function:?}) of {} steps", steps.as_slice().len());
			},
			OpKind::Conv(Conv { kernel: [h, w], .. }) => return write!(f, "Conv {h}x{w}"),
			OpKind::Pool(Pool { function, kernel: [h, w], .. }) => {
				return write!(f, "Pool({function:?}) {h}x{w}");
			},
			OpKind::Unfold { kernel: [h, w], .. } => return write!(f, "Unfold {h}x{w}"),
			OpKind::Strided { .. } => "Strided",
			OpKind::Pad { .. } => "Pad",
			OpKind::Concat { .. } => "Concat",
			OpKind::Gather { .. } => "Gather",
			OpKind::Cast => "Cast",
			OpKind::Select => "Select",
			OpKind::MatMul { .. } => "MatMul",
			OpKind::MatMulInteger => "MatMulInteger",
			OpKind::ArgMax => "ArgMax",
			OpKind::TopK { .. } => "TopK",
			OpKind::Pack => "Pack",
			OpKind::RoundTo { .. } => "RoundTo",
		};
		f.write_str(name)
	}
}

impl OpRecord {
	/// An op with these parts and no epilogue; nothing is checked before [`OpRecord::validate`].
	pub fn new(
		kind: OpKind,
		dtype: DType,
		shape: Shape,
		operands: impl Into<Vec<Operand>>,
	) -> OpRecord {
		OpRecord { kind, dtype, shape, operands: operands.into(), epilogue: None }
	}

	/// The op followed by an expression of its result, of `operands` and of its own results, of
	/// which the last has type `dtype`; nothing is checked.
	///
	/// # Examples
	///
	/// ```
	/// use assay_referee::*;
	///
	/// // The mean of each row of five: value 0 is the sum, value 1 the fifth that multiplies it.
	/// let rows = Operand::input(0, DType::F32, Shape::new(&[4, 5])?);
	/// let fifth = Operand::weight(0, DType::F32, Shape::new(&[1])?);
	/// let product = Step::new(StepFn::Binary(BinaryFn::Mul), &[0, 1]);
	/// let steps = Steps::new(&[product]).expect("one step is few");
	/// let kind = OpKind::Reduce(ReduceFn::Sum);
	/// let sum = OpRecord::new(kind, DType::F32, Shape::new(&[4])?, [rows]);
	/// let mean = sum.clone().with_epilogue(steps, DType::F32, &[fifth]);
	/// mean.validate()?;
	/// assert_eq!(mean.to_string(), "Reduce(Sum) + 1 step");
	/// // Whoever computes these two, one after the other, computes the op.
	/// let [first, second] = mean.apart(0).expect("it has an epilogue");
	/// assert_eq!((first, second.kind), (sum, OpKind::Map(steps)));
	/// # Ok::<(), Box<dyn std::error::Error>>(())
	/// ```
	pub fn with_epilogue(mut self, steps: Steps, dtype: DType, operands: &[Operand]) -> OpRecord {
		self.operands.extend_from_slice(operands);
		OpRecord { dtype, epilogue: Some(steps), ..self }
	}

	/// The type of what the kind itself gives, to which an epilogue is applied.
	pub fn own_dtype(&self) -> DType {
		match (self.epilogue, self.kind) {
			(None, _) => self.dtype,
			(Some(_), OpKind::MatMulInteger) => DType::I32,
			(Some(_), OpKind::Strided { .. } | OpKind::Reduce(_) | OpKind::Pool(_)) => {
				self.operands.first().map_or(self.dtype, |operand| operand.dtype)
			},
			(Some(_), _) => DType::F32,
		}
	}

	/// An op with an epilogue as two: the op without it, and the epilogue as a [`OpKind::Map`], which
	/// may have a single step, and whose first operand is the output of op `index`. Whoever computes
	/// one after the other computes the op. `None` for other ops.
	pub fn apart(&self, index: u32) -> Option<[OpRecord; 2]> {
		let (steps, own) = (self.epilogue?, self.kind.own_operands()?);
		let (own, rest) = self.operands.split_at_checked(own)?;
		let first = OpRecord::new(self.kind, self.own_dtype(), self.shape, own);
		let result = Operand::op(index, first.dtype, self.shape);
		let operands = [&[result], rest].concat();
		Some([first, OpRecord::new(OpKind::Map(steps), self.dtype, self.shape, operands)])
	}

	/// Bytes of the output tensor.
	pub fn bytes(&self) -> u64 {
		self.shape.bytes(self.dtype)
	}
}
