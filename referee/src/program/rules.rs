//! Per-kind rules of a record: what makes its element function total.

use super::bound::MAX_TERMS;
use super::check::RecordError::{self, Alignment, Dims, OperandCount, Parameter, Range, Type};
use super::record::{
	Bias, BinaryFn, OpKind, OpRecord, Operand, ReduceFn, ScatterFn, Source, UnaryFn,
};
use super::{conv, map, pool, recur, Layout, ALIGN, MAX_OPS};
use crate::{
	canonical, DType, FloatFormat, Overflow, Shape, MAX_OPERANDS, MAX_RANK, MAX_TENSOR_BYTES,
};

/// Largest step between or inside windows; keeps window positions far inside 63 bits.
const MAX_WINDOW_STEP: u32 = 1 << 16;

/// Largest padding of a window, for the same reason.
const MAX_WINDOW_PAD: u32 = 1 << 30;

type Rule = Result<(), RecordError>;

pub(super) fn require(condition: bool, error: RecordError) -> Rule {
	if condition {
		Ok(())
	} else {
		Err(error)
	}
}

/// Checks every rule that concerns this record alone.
pub(super) fn validate(op: &OpRecord) -> Rule {
	require(op.bytes() <= MAX_TENSOR_BYTES, RecordError::Shape)?;
	require(op.operands.len() <= MAX_OPERANDS, OperandCount)?;
	op.operands.iter().try_for_each(operand)?;
	if let Some(steps) = op.epilogue {
		require(op.kind.own_operands().is_some(), Parameter)?;
		let strided = matches!(op.kind, OpKind::Strided { .. });
		require(!strided || steps.as_slice().len() <= map::MAX_STRIDED_STEPS, Parameter)?;
		let [first, expression] = op.apart(0).ok_or(OperandCount)?;
		validate(&first)?;
		return map::validate(&expression, &steps, 1);
	}
	match op.kind {
		OpKind::Strided { offset, strides } => strided(op, offset, &strides),
		OpKind::Pad { before, fill } => pad(op, &before, fill),
		OpKind::Concat { axis } => concat(op, axis),
		OpKind::Gather { axis } => gather(op, axis),
		OpKind::Unfold { .. } => unfold(op),
		OpKind::Unary(function) => unary(op, function),
		OpKind::Cast => operands::<1>(op).and_then(|[a]| require(a.shape == op.shape, Dims)),
		OpKind::Binary(function) => binary(op, function),
		OpKind::Select => select(op),
		OpKind::MatMul { bias } => matmul(op, bias),
		OpKind::MatMulInteger => matmul_integer(op),
		OpKind::Reduce(function) => reduce(op, function),
		OpKind::ArgMax => arg_max(op),
		OpKind::Pack => pack(op),
		OpKind::Scatter(function) => scatter(op, function),
		OpKind::TopK { .. } => top_k(op),
		OpKind::RoundTo { format, overflow } => round_to(op, format, overflow),
		OpKind::Recur { cell } => recur::validate(op, cell),
		// A single one would be an op of its own.
		OpKind::Map(steps) => map::validate(op, &steps, 2),
		OpKind::MapReduce { steps, .. } => map::validate_reduction(op, &steps),
		OpKind::Conv(conv) => conv::validate(op, &conv),
		OpKind::Pool(pool) => pool::validate(op, &pool),
	}
}

fn operand(operand: &Operand) -> Rule {
	require(operand.bytes() <= MAX_TENSOR_BYTES, RecordError::Shape)?;
	match operand.source {
		Source::Op(index) => require(index < MAX_OPS, Parameter),
		Source::Input(offset) | Source::Weight(offset) => {
			require(offset % ALIGN == 0, Alignment)?;
			require(offset.checked_add(operand.bytes()).is_some(), Range)
		},
	}
}

pub(super) fn operands<const N: usize>(op: &OpRecord) -> Result<&[Operand; N], RecordError> {
	op.operands.as_slice().try_into().map_err(|_| OperandCount)
}

fn dims<const N: usize>(shape: &Shape) -> Result<&[u32; N], RecordError> {
	shape.dims().try_into().map_err(|_| Dims)
}

fn fill_is_canonical(op: &OpRecord, fill: u64) -> Rule {
	require(canonical(op.dtype, fill) == fill, Parameter)
}

fn strided(op: &OpRecord, offset: u64, strides: &[i64; MAX_RANK]) -> Rule {
	let [source] = operands(op)?;
	require(source.dtype == op.dtype, Type)?;
	require(strides[op.shape.rank()..].iter().all(|&stride| stride == 0), Parameter)?;
	let (mut low, mut high) = (i128::from(offset), i128::from(offset));
	for (&dim, &stride) in op.shape.dims().iter().zip(strides) {
		let reach = i128::from(stride) * i128::from(dim - 1);
		low += reach.min(0);
		high += reach.max(0);
	}
	require(low >= 0 && high < i128::from(source.shape.elements()), Range)
}

fn pad(op: &OpRecord, before: &[u32; MAX_RANK], fill: u64) -> Rule {
	let [source] = operands(op)?;
	require(source.dtype == op.dtype, Type)?;
	require(source.shape.rank() == op.shape.rank(), Dims)?;
	require(before[op.shape.rank()..].iter().all(|&n| n == 0), Parameter)?;
	fill_is_canonical(op, fill)?;
	let fits = |((&inner, &outer), &n): ((&u32, &u32), &u32)| {
		u64::from(inner) + u64::from(n) <= u64::from(outer)
	};
	require(source.shape.dims().iter().zip(op.shape.dims()).zip(before).all(fits), Dims)
}

fn concat(op: &OpRecord, axis: u8) -> Rule {
	let axis = usize::from(axis);
	require(!op.operands.is_empty(), OperandCount)?;
	let &total = op.shape.dims().get(axis).ok_or(Parameter)?;
	let mut sum = 0u64;
	for part in &op.operands {
		require(part.dtype == op.dtype, Type)?;
		require(part.shape.rank() == op.shape.rank(), Dims)?;
		for (d, (&own, &out)) in part.shape.dims().iter().zip(op.shape.dims()).enumerate() {
			require(d == axis || out % own == 0, Dims)?;
		}
		sum += u64::from(part.shape.dims()[axis]);
	}
	require(sum == u64::from(total), Dims)
}

fn gather(op: &OpRecord, axis: u8) -> Rule {
	let axis = usize::from(axis);
	let [data, indices] = operands(op)?;
	require(data.dtype == op.dtype, Type)?;
	require(matches!(indices.dtype, DType::I32 | DType::I64), Type)?;
	require(axis < data.shape.rank(), Parameter)?;
	let (outer, inner) = (&data.shape.dims()[..axis], &data.shape.dims()[axis + 1..]);
	let expected = outer.iter().chain(indices.shape.dims()).chain(inner);
	require(expected.eq(op.shape.dims()), Dims)
}

/// Steps between and inside windows, and their padding, keep positions far inside 63 bits.
pub(super) fn windows_in_range(stride: &[u32; 2], dilation: &[u32; 2], pad: &[u32; 2]) -> Rule {
	let mut steps = stride.iter().chain(dilation);
	require(steps.all(|n| (1..=MAX_WINDOW_STEP).contains(n)), Parameter)?;
	require(pad.iter().all(|&n| n <= MAX_WINDOW_PAD), Parameter)
}

fn unfold(op: &OpRecord) -> Rule {
	let OpKind::Unfold { kernel, stride, dilation, pad, out, groups, fill } = op.kind else {
		return Err(RecordError::Code);
	};
	let [source] = operands(op)?;
	require(source.dtype == op.dtype, Type)?;
	fill_is_canonical(op, fill)?;
	windows_in_range(&stride, &dilation, &pad)?;
	let &[n, c, _, _] = dims(&source.shape)?;
	require(groups != 0 && c % groups == 0, Parameter)?;
	let product = |a: u32, b: u32| u64::from(a) * u64::from(b);
	let windows = product(out[0], out[1]);
	let terms = product(kernel[0], kernel[1]).checked_mul(u64::from(c / groups));
	// The shape's own dimensions are not zero, so neither are the factors that make them up.
	let expected = [Some(n.into()), Some(groups.into()), Some(windows), terms];
	let actual: &[u32; 4] = dims(&op.shape)?;
	require(actual.iter().map(|&dim| Some(u64::from(dim))).eq(expected), Dims)
}

fn unary(op: &OpRecord, function: UnaryFn) -> Rule {
	let [x] = operands(op)?;
	require(x.shape == op.shape, Dims)?;
	let fits = match function {
		UnaryFn::Neg | UnaryFn::Abs | UnaryFn::Relu | UnaryFn::Sign => {
			x.dtype != DType::Bool && op.dtype == x.dtype
		},
		UnaryFn::Not => x.dtype == DType::Bool && op.dtype == DType::Bool,
		UnaryFn::IsNan => x.dtype == DType::F32 && op.dtype == DType::Bool,
		_ => x.dtype == DType::F32 && op.dtype == DType::F32,
	};
	require(fits, Type)
}

fn binary(op: &OpRecord, function: BinaryFn) -> Rule {
	let [a, b] = operands(op)?;
	require(a.dtype == b.dtype, Type)?;
	let result = if function.is_comparison() { DType::Bool } else { a.dtype };
	let fits = match function {
		BinaryFn::Pow => a.dtype == DType::F32,
		BinaryFn::Equal => true,
		BinaryFn::And | BinaryFn::Or | BinaryFn::Xor => a.dtype != DType::F32,
		_ => a.dtype != DType::Bool,
	};
	require(fits && op.dtype == result, Type)?;
	broadcasts(a, op)?;
	broadcasts(b, op)
}

fn select(op: &OpRecord) -> Rule {
	let [condition, a, b] = operands(op)?;
	require(condition.dtype == DType::Bool && a.dtype == op.dtype && b.dtype == op.dtype, Type)?;
	op.operands.iter().try_for_each(|operand| broadcasts(operand, op))
}

/// Each dimension is the output's or 1.
fn broadcasts(operand: &Operand, op: &OpRecord) -> Rule {
	require(operand.shape.rank() == op.shape.rank(), Dims)?;
	let mut pairs = operand.shape.dims().iter().zip(op.shape.dims());
	require(pairs.all(|(&own, &out)| own == out || own == 1), Dims)
}

/// The rules that both contractions share; gives `[ba, m]` and `[bb, n]`.
fn contraction(op: &OpRecord, a: &Operand, b: &Operand) -> Result<[[u32; 2]; 2], RecordError> {
	let &[ba, m, k] = dims(&a.shape)?;
	let &[bb, n, kb] = dims(&b.shape)?;
	let &[batch, rows, columns] = dims(&op.shape)?;
	require(k == kb && rows == m && columns == n, Dims)?;
	require(batch % ba == 0 && batch % bb == 0, Dims)?;
	require(u64::from(k) <= MAX_TERMS, RecordError::TooManyTerms)?;
	Ok([[ba, m], [bb, n]])
}

fn matmul(op: &OpRecord, bias: Bias) -> Rule {
	let expected = if bias == Bias::None { 2 } else { 3 };
	let [a, b, rest @ ..] = op.operands.as_slice() else {
		return Err(OperandCount);
	};
	require(op.operands.len() == expected, OperandCount)?;
	let all_f32 = op.operands.iter().all(|operand| operand.dtype == DType::F32);
	require(all_f32 && op.dtype == DType::F32, Type)?;
	let [rows, columns] = contraction(op, a, b)?;
	let Some(addend) = rest.first() else {
		return Ok(());
	};
	require(bias_fits(bias, addend, rows, columns), Dims)
}

/// Whether a bias has the shape that products of left operands `[ba, m, ..]` and right ones
/// `[bb, n, ..]` need.
pub(super) fn bias_fits(bias: Bias, addend: &Operand, rows: [u32; 2], columns: [u32; 2]) -> bool {
	let along = |side: [u32; 2]| {
		let dims = addend.shape.dims();
		dims == side || dims == [side[1]]
	};
	match bias {
		Bias::None => false,
		Bias::Row => along(rows),
		Bias::Column => along(columns),
	}
}

fn matmul_integer(op: &OpRecord) -> Rule {
	let [a, b, a_zero, b_zero] = operands(op)?;
	let is_byte = |dtype| matches!(dtype, DType::U8 | DType::I8);
	require(is_byte(a.dtype) && is_byte(b.dtype) && op.dtype == DType::I32, Type)?;
	require(a_zero.dtype == a.dtype && b_zero.dtype == b.dtype, Type)?;
	let [_, [_, n]] = contraction(op, a, b)?;
	require(a_zero.shape.elements() == 1, Dims)?;
	let columns = b_zero.shape.elements();
	require(columns == 1 || columns == u64::from(n), Dims)
}

fn rows(op: &OpRecord) -> Result<&Operand, RecordError> {
	let [x] = operands(op)?;
	let &k = x.shape.dims().last().ok_or(Dims)?;
	require(u64::from(k) <= MAX_TERMS, RecordError::TooManyTerms)?;
	require(op.shape.elements() * u64::from(k) == x.shape.elements(), Dims)?;
	Ok(x)
}

fn reduce(op: &OpRecord, _function: ReduceFn) -> Rule {
	let x = rows(op)?;
	require(x.dtype == op.dtype && x.dtype != DType::Bool, Type)
}

fn arg_max(op: &OpRecord) -> Rule {
	rows(op)?;
	require(op.dtype == DType::I64, Type)
}

fn scatter(op: &OpRecord, function: ScatterFn) -> Rule {
	let [data, indices, updates] = operands(op)?;
	let fits = function == ScatterFn::Replace || op.dtype != DType::Bool;
	require(fits && data.dtype == op.dtype && updates.dtype == op.dtype, Type)?;
	require(matches!(indices.dtype, DType::I32 | DType::I64), Type)?;
	let &[rows, _] = dims(&data.shape)?;
	let &[index_rows, count] = dims(&indices.shape)?;
	require(index_rows == rows || index_rows == 1, Dims)?;
	require(data.shape == op.shape && *updates.shape.dims() == [rows, count], Dims)?;
	require(u64::from(count) <= MAX_TERMS, RecordError::TooManyTerms)
}

fn top_k(op: &OpRecord) -> Rule {
	let [x] = operands(op)?;
	require(op.dtype == DType::I64, Type)?;
	let ([outer @ .., n], [rows @ .., k]) = (x.shape.dims(), op.shape.dims()) else {
		return Err(Dims);
	};
	require(outer == rows && k <= n, Dims)?;
	require(u64::from(*n) <= MAX_TERMS, RecordError::TooManyTerms)
}

fn pack(op: &OpRecord) -> Rule {
	require(!op.operands.is_empty(), OperandCount)?;
	require(op.dtype == DType::U8, Type)?;
	let layout = Layout::new(op.operands.iter().map(Operand::bytes));
	let &[len] = dims(&op.shape)?;
	require(u64::from(len) == layout.total_len, Dims)
}

fn round_to(op: &OpRecord, format: FloatFormat, overflow: Overflow) -> Rule {
	let [x] = operands(op)?;
	require(x.dtype == DType::F32 && op.dtype == DType::F32, Type)?;
	require(x.shape == op.shape, Dims)?;
	require(format.has_special() || overflow == Overflow::Saturate, Parameter)
}
