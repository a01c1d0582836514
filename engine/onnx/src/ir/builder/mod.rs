//! Collects ops while nodes are lowered, and evaluates what depends on constants only.
//!
//! Shape arithmetic needs no second evaluator: it is lowered like everything else, and an op whose
//! operands are all constants is computed at once with the referee's own element function. A
//! folded value is therefore, bit for bit, what running the op would have given.

mod dequantized;
mod split;

pub(crate) use dequantized::Quantized;

use std::collections::HashMap;

use assay_referee::{
	element, encode_value, leaf_terms, Bias, BinaryFn, DType, OpKind, OpRecord, ReduceFn, Soft,
	TensorReader, UnaryFn, MAX_OPERANDS, MAX_OPS, MAX_RANK, MAX_TENSOR_BYTES, MAX_TERMS,
};

use super::op::Op;
use super::view::{composed, View};
use crate::{
	dims::{broadcast, check_dims, product, strides, Dims},
	error::{Failure, Result},
	ir::{Origin, Value},
	read::{self, Decoded, Files, SparseTensor, Tensor},
};
use dequantized::Provenance;

/// Most ops before unused ones are dropped.
const MAX_PUSHED: usize = 1 << 14;
/// Most multiply-adds spent on one folded op, and on all of them (a second or two).
const FOLD_UNITS_ONE: u64 = 1 << 24;
const FOLD_UNITS_ALL: u64 = 1 << 26;
/// Multiply-adds that one value of exp, log, pow and their like costs.
const FUNCTION_UNITS: u64 = 32;
/// Bytes that folding may make: so many, and the file's size so many times. See
/// [`most_memory`](crate::most_memory).
const FOLD_BYTES: u64 = 64 << 20;
const FOLD_TIMES: u64 = 4;

/// The ops made so far.
#[derive(Debug)]
pub(crate) struct Builder {
	pub(crate) ops: Vec<Op>,
	/// Index of the node being lowered.
	pub(crate) node: usize,
	fold_units: u64,
	fold_bytes: u64,
	files: Files,
	/// The file's tensors that were decoded, by their addresses: a body reads its own in every turn.
	decoded: HashMap<usize, Value>,
	/// What dequantized values are made of, by [`place`](dequantized::place).
	pub(crate) quantized: HashMap<(bool, usize), Provenance>,
	/// Whether ops of constants are made instead of being computed at once.
	pub(crate) defers: bool,
}

impl Builder {
	/// A builder for a model of `file_len` bytes, of those in `files` too.
	pub(crate) fn new(file_len: u64, files: Files) -> Builder {
		Builder {
			ops: Vec::new(),
			node: 0,
			fold_units: FOLD_UNITS_ALL,
			fold_bytes: FOLD_BYTES.saturating_add(file_len.saturating_mul(FOLD_TIMES)),
			files,
			decoded: HashMap::new(),
			quantized: HashMap::new(),
			defers: false,
		}
	}

	/// The value of a tensor of the file, which the caller keeps where it is.
	pub(crate) fn constant(&mut self, tensor: &Tensor<'_>) -> Result<Value> {
		let address = std::ptr::from_ref(tensor).addr();
		if let Some(value) = self.decoded.get(&address) {
			return Ok(value.clone());
		}
		let Decoded { element, dims, bytes } = read::decode(tensor, &mut self.files)?;
		let value = Value::constant(element.computed(), dims, bytes).tagged(element);
		self.decoded.insert(address, value.clone());
		Ok(value)
	}

	/// The floats of a tensor of the file that is no weight and may have NaN; nothing where it has no floats.
	pub(crate) fn any_floats(&mut self, tensor: &Tensor<'_>) -> Result<Option<Vec<f32>>> {
		let Decoded { element, dims, bytes } = read::decode_any(tensor, &mut self.files)?;
		Ok(Value::constant(element.computed(), dims, bytes).floats())
	}

	/// The value of a sparse weight of the file, which then has its zeros.
	pub(crate) fn sparse_constant(&mut self, tensor: &SparseTensor<'_>) -> Result<Value> {
		let address = std::ptr::from_ref(&tensor.values).addr();
		if let Some(value) = self.decoded.get(&address) {
			return Ok(value.clone());
		}
		let elements = tensor.dims.iter().try_fold(1u64, |product, &dim| {
			u64::try_from(dim).ok().and_then(|dim| product.checked_mul(dim))
		});
		// Few bytes of a file may stand for many zeros.
		self.spend(elements.unwrap_or(u64::MAX).saturating_mul(8))?;
		let Decoded { element, dims, bytes } = read::decode_sparse(tensor, &mut self.files)?;
		let value = Value::constant(element.computed(), dims, bytes).tagged(element);
		self.decoded.insert(address, value.clone());
		Ok(value)
	}

	/// Takes `bytes` from what constants made here may still use.
	pub(crate) fn spend(&mut self, bytes: u64) -> Result<()> {
		self.fold_bytes = self.fold_bytes.checked_sub(bytes).ok_or_else(|| {
			Failure::too_large(format!(
				"the constants that the model computes take more than {} MiB and {FOLD_TIMES} times \
				 its size",
				FOLD_BYTES >> 20
			))
			.help("compute them when the model is exported, or make them inputs")
		})?;
		Ok(())
	}

	/// Whether a constant of `bytes` is a small part of what constants made here may still use.
	pub(crate) fn affords(&self, bytes: u64) -> bool {
		bytes <= self.fold_bytes / 4
	}

	/// Adds an op, or computes it when every operand is constant.
	pub(crate) fn push(
		&mut self,
		kind: OpKind,
		dtype: DType,
		dims: Dims,
		operands: Vec<Value>,
	) -> Result<Value> {
		check_dims(&dims)?;
		if product(&dims) == 0 {
			// There is nothing to compute.
			return Ok(Value::constant(dtype, dims, Vec::new()));
		}
		let op = Op { kind, dtype, dims, operands, epilogue: None, node: self.node };
		let record = op.record()?;
		if record.bytes() > MAX_TENSOR_BYTES {
			return Err(Failure::too_large(format!(
				"a tensor of shape {:?} exceeds 1 GiB",
				op.dims
			)));
		}
		record.validate().map_err(|error| {
			Failure::unsupported(format!("it does not fit the program format ({error})"))
		})?;
		// The element function alone does not give the output of an op that reads it.
		let folds = record.self_operand().is_none() && !self.defers;
		if folds && op.operands.iter().all(Value::is_constant) {
			if let Some(value) = self.fold(&op, &record)? {
				return Ok(value);
			}
		}
		if self.ops.len() >= MAX_PUSHED {
			return Err(Failure::too_large(format!(
				"the model comes to more than {MAX_PUSHED} ops, of which a program has {MAX_OPS} at most"
			))
			.help("compile it for fewer turns of its loops or smaller inputs, or in parts"));
		}
		let origin = Origin::Op(self.ops.len());
		let value = Value { dtype, element: dtype.into(), dims: op.dims.clone(), origin };
		self.ops.push(op);
		Ok(value)
	}

	/// The value of an op of constants; `None` when it is too much work and is left to run time.
	pub(crate) fn fold(&mut self, op: &Op, record: &OpRecord) -> Result<Option<Value>> {
		let tensors: Vec<&[u8]> = op.operands.iter().filter_map(Value::bytes).collect();
		let size = op.dtype.size() as usize;
		if record.bytes() > self.fold_bytes {
			return Ok(None);
		}
		let mut bytes;
		if let OpKind::Strided { offset, strides } = op.kind {
			bytes = Vec::with_capacity(record.bytes() as usize);
			copy_strided(tensors[0], size, &op.dims, offset, &strides, &mut bytes);
		} else {
			let cost = fold_cost(record);
			if cost > FOLD_UNITS_ONE || cost > self.fold_units {
				return Ok(None);
			}
			self.fold_units -= cost;
			bytes = vec![0; record.bytes() as usize];
			let mut reader = TensorReader::new(record, &tensors);
			for (index, place) in bytes.chunks_exact_mut(size).enumerate() {
				let bits = element::<Soft, _>(record, index as u64, &mut reader)
					.map_err(|error| Failure::invalid(error.to_string()))?;
				let _ = encode_value(op.dtype, bits, place);
			}
		}
		self.fold_bytes -= record.bytes();
		Ok(Some(Value::constant(op.dtype, op.dims.clone(), bytes)))
	}

	/// The numbers 0, 1, … `count` - 1.
	pub(crate) fn iota(&mut self, count: u32) -> Result<Value> {
		self.spend(u64::from(count) * 8)?;
		Ok(Value::list_i64(&(0..i64::from(count)).collect::<Vec<_>>()))
	}

	/// A function of each element.
	pub(crate) fn unary(&mut self, function: UnaryFn, x: &Value) -> Result<Value> {
		let dtype = if function == UnaryFn::IsNan { DType::Bool } else { x.dtype };
		self.push(OpKind::Unary(function), dtype, x.dims.clone(), vec![x.clone()])
	}

	/// A function of two elements, with broadcasting.
	pub(crate) fn binary(&mut self, function: BinaryFn, a: &Value, b: &Value) -> Result<Value> {
		if a.dtype != b.dtype {
			return Err(Failure::invalid(format!(
				"its operands have different element types, {:?} and {:?}",
				a.dtype, b.dtype
			)));
		}
		let dims = broadcast(&a.dims, &b.dims)?;
		let dtype = if function.is_comparison() { DType::Bool } else { a.dtype };
		let operands = vec![a.with_rank(dims.len())?, b.with_rank(dims.len())?];
		self.push(OpKind::Binary(function), dtype, dims, operands)
	}

	/// [`Builder::binary`] with a whole number as second operand.
	pub(crate) fn binary_scalar(&mut self, function: BinaryFn, a: &Value, b: f32) -> Result<Value> {
		self.binary(function, a, &Value::scalar_f32(b))
	}

	/// `a` where the condition holds, else `b`, with broadcasting.
	pub(crate) fn select(&mut self, condition: &Value, a: &Value, b: &Value) -> Result<Value> {
		let dims = broadcast(&broadcast(&condition.dims, &a.dims)?, &b.dims)?;
		let rank = dims.len();
		let operands = vec![condition.with_rank(rank)?, a.with_rank(rank)?, b.with_rank(rank)?];
		self.push(OpKind::Select, a.dtype, dims, operands)
	}

	/// Conversion to another element type.
	pub(crate) fn cast(&mut self, x: &Value, dtype: DType) -> Result<Value> {
		if x.dtype == dtype {
			return Ok(x.clone());
		}
		self.push(OpKind::Cast, dtype, x.dims.clone(), vec![x.clone()])
	}

	/// Element `idx` is element `offset + Σ idx·steps` of `x`; no op when nothing moves.
	pub(crate) fn strided(
		&mut self,
		x: &Value,
		dims: Dims,
		offset: u64,
		steps: &[i64],
	) -> Result<Value> {
		check_dims(&dims)?;
		if product(&dims) == 0 {
			// No elements are known elements, whatever `x` is.
			return Ok(Value::constant(x.dtype, dims, Vec::new()));
		}
		let still = strides(&dims);
		let moves = dims.iter().zip(still.iter().zip(steps)).any(|(&d, (a, b))| d > 1 && a != b);
		if !moves && offset == 0 && product(&dims) == x.elements() {
			return x.view(dims);
		}
		if let Some(View { source, offset, steps, .. }) =
			composed(&self.ops, x, &dims, offset, steps)
		{
			return self.strided(&source, dims, offset, &steps);
		}
		let mut all = [0; MAX_RANK];
		for ((place, &step), &dim) in all.iter_mut().zip(steps).zip(&dims) {
			// One canonical form for dimensions that are never stepped along.
			*place = if dim > 1 { step } else { 0 };
		}
		self.push(OpKind::Strided { offset, strides: all }, x.dtype, dims, vec![x.clone()])
	}

	/// Permutes the dimensions.
	pub(crate) fn transpose(&mut self, x: &Value, permutation: &[usize]) -> Result<Value> {
		let from = strides(&x.dims);
		let dims = permutation.iter().map(|&i| x.dims[i]).collect();
		let steps: Vec<i64> = permutation.iter().map(|&i| from[i]).collect();
		let transposed = self.strided(x, dims, 0, &steps)?;
		self.note_transposed(x, &transposed, permutation)?;
		Ok(transposed)
	}

	/// Repeats along dimensions of one element, up to `dims`.
	pub(crate) fn expand(&mut self, x: &Value, dims: Dims) -> Result<Value> {
		let x = x.with_rank(dims.len())?;
		let steps: Vec<i64> = strides(&x.dims)
			.iter()
			.zip(&x.dims)
			.map(|(&step, &dim)| if dim == 1 { 0 } else { step })
			.collect();
		self.strided(&x, dims, 0, &steps)
	}

	/// Joins along an axis.
	pub(crate) fn concat(&mut self, parts: &[Value], axis: usize) -> Result<Value> {
		let all = parts;
		let parts: Vec<&Value> = parts.iter().filter(|part| part.elements() != 0).collect();
		if parts.is_empty() {
			let first = all.first().ok_or_else(|| Failure::invalid("it joins nothing"))?;
			let mut dims = first.dims.clone();
			dims[axis] = 0;
			return Ok(Value::constant(first.dtype, dims, Vec::new()));
		}
		// A level of a tree at a time, so that no element is copied more often than there are levels.
		let mut joined: Vec<Value> = parts.into_iter().cloned().collect();
		while joined.len() > 1 {
			let groups = joined.chunks(MAX_OPERANDS);
			joined = groups.map(|group| self.join(group, axis)).collect::<Result<_>>()?;
		}
		Ok(joined.swap_remove(0))
	}

	/// One `Concat`, or nothing for one part.
	fn join(&mut self, parts: &[Value], axis: usize) -> Result<Value> {
		let first = &parts[0];
		if parts.len() == 1 {
			return Ok(first.clone());
		}
		let mut total = 0;
		for part in parts {
			let fits = part.dtype == first.dtype
				&& part.rank() == first.rank()
				&& (0..first.rank()).all(|d| d == axis || part.dims[d] == first.dims[d]);
			if !fits {
				return Err(Failure::invalid(format!(
					"{:?} and {:?} cannot be joined along axis {axis}",
					first.dims, part.dims
				)));
			}
			total += u64::from(part.dims[axis]);
		}
		let mut dims = first.dims.clone();
		dims[axis] = u32::try_from(total)
			.map_err(|_| Failure::too_large("the joined tensor exceeds 1 GiB"))?;
		check_dims(&dims)?;
		self.push(OpKind::Concat { axis: axis as u8 }, first.dtype, dims, parts.to_vec())
	}

	/// Reduces the last axis; the result has the dimensions before it.
	///
	/// Axes longer than one element may take are reduced in two or more steps.
	pub(crate) fn reduce_last(&mut self, function: ReduceFn, x: &Value) -> Result<Value> {
		let Some((&last, outer)) = x.dims.split_last() else {
			return Err(Failure::invalid("a scalar has no axis to reduce"));
		};
		if last == 0 {
			let neutral = function.neutral(x.dtype).to_le_bytes();
			let element = &neutral[..x.dtype.size() as usize];
			self.spend(product(outer) * x.dtype.size())?;
			let bytes = element.repeat(product(outer) as usize);
			return Ok(Value::constant(x.dtype, outer.to_vec(), bytes));
		}
		if u64::from(last) <= MAX_TERMS {
			let dims = outer.to_vec();
			return self.push(OpKind::Reduce(function), x.dtype, dims, vec![x.clone()]);
		}
		const STEP: u32 = 1024;
		let rows = x.elements() / u64::from(last);
		let padded = last.div_ceil(STEP) * STEP;
		let rows = u32::try_from(rows).map_err(|_| Failure::too_large("too many rows"))?;
		let mut dims = vec![rows, last];
		let mut flat = x.view(dims.clone())?;
		if padded != last {
			dims[1] = padded;
			check_dims(&dims)?;
			let fill = function.neutral(x.dtype);
			flat =
				self.push(OpKind::Pad { before: [0; MAX_RANK], fill }, x.dtype, dims, vec![flat])?;
		}
		let blocks = flat.view(vec![rows, padded / STEP, STEP])?;
		let partial = self.reduce_last(function, &blocks)?;
		let total = self.reduce_last(function, &partial)?;
		total.view(outer.to_vec())
	}

	/// `a [ba, m, k] · b [bb, n, k]` plus an optional bias, as `[batch, m, n]`.
	pub(crate) fn matmul(
		&mut self,
		a: Value,
		b: Value,
		bias: Option<(Bias, Value)>,
		batch: u32,
	) -> Result<Value> {
		let (m, n, k) = (a.dims[1], b.dims[1], a.dims[2]);
		if u64::from(k) > MAX_TERMS {
			return self.long_matmul(&a, &b, bias, batch);
		}
		let mut operands = vec![a, b];
		let mut kind = OpKind::MatMul { bias: Bias::None };
		if let Some((side, value)) = bias {
			kind = OpKind::MatMul { bias: side };
			operands.push(value);
		}
		self.push(kind, DType::F32, vec![batch, m, n], operands)
	}
}

/// Work of evaluating an op one element at a time, in multiply-adds.
fn fold_cost(record: &OpRecord) -> u64 {
	let each = match record.kind {
		OpKind::Unary(function) if function.is_elementary() => FUNCTION_UNITS,
		OpKind::Binary(BinaryFn::Pow | BinaryFn::Mod) => FUNCTION_UNITS,
		_ => 1,
	};
	record.shape.elements().saturating_mul(leaf_terms(record)).saturating_mul(each)
}

/// Bits of the value that comes last in ascending order, in which NaN is the largest.
pub(crate) fn last_ascending(dtype: DType) -> u64 {
	match dtype {
		// The one NaN.
		DType::F32 => 0x7fc0_0000,
		_ => ReduceFn::Min.neutral(dtype),
	}
}

/// Copies elements of `size` bytes as a `Strided` op does; the record has been validated, so every
/// element read lies in `from`.
fn copy_strided(
	from: &[u8],
	size: usize,
	dims: &[u32],
	offset: u64,
	steps: &[i64; MAX_RANK],
	to: &mut Vec<u8>,
) {
	let mut index = [0u32; MAX_RANK];
	let mut at = offset as i64;
	for _ in 0..product(dims) {
		let start = at as usize * size;
		to.extend_from_slice(&from[start..start + size]);
		for d in (0..dims.len()).rev() {
			index[d] += 1;
			at += steps[d];
			if index[d] < dims[d] {
				break;
			}
			at -= i64::from(dims[d]) * steps[d];
			index[d] = 0;
		}
	}
}
