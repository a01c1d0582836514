//! Operators that pick elements by indices. All become `Gather` over flattened indices.

use assay_referee::{BinaryFn, DType};

use super::gather::gather_along;
use crate::{
	dims::{axis, check_dims, product, strides},
	error::{ErrorKind, Failure, Result},
	ir::Value,
	lower::Cx,
};

fn check_indices(indices: &Value) -> Result<()> {
	match indices.dtype {
		DType::I32 | DType::I64 => Ok(()),
		_ => Err(Failure::invalid("its indices are not int32 or int64")),
	}
}

/// Indices as `i64`; negative ones count from the end of an axis of `size`.
pub(crate) fn wrapped(cx: &mut Cx<'_, '_>, indices: &Value, size: u32) -> Result<Value> {
	check_indices(indices)?;
	let at = cx.b.cast(indices, DType::I64)?;
	if at.whole_numbers().is_some_and(|list| list.iter().all(|&index| index >= 0)) {
		return Ok(at);
	}
	let size = Value::scalar(DType::I64, size.into());
	let above = cx.b.binary(BinaryFn::Add, &at, &size)?;
	let negative = cx.b.binary(BinaryFn::Less, &at, &Value::scalar(DType::I64, 0))?;
	cx.b.select(&negative, &above, &at)
}

/// `x · factor`, without an op for 1.
pub(crate) fn times(cx: &mut Cx<'_, '_>, x: &Value, factor: i64) -> Result<Value> {
	match factor {
		1 => Ok(x.clone()),
		_ => cx.b.binary(BinaryFn::Mul, x, &Value::scalar(DType::I64, factor)),
	}
}

/// `x[.., indices[..], ..]`: the index along `at` comes from `indices`, the others are the own ones.
pub(crate) fn gather_elements(
	cx: &mut Cx<'_, '_>,
	x: &Value,
	indices: &Value,
	at: usize,
) -> Result<Value> {
	let fits = indices.rank() == x.rank()
		&& (0..x.rank()).all(|d| d == at || indices.dims[d] <= x.dims[d]);
	if !fits {
		return Err(Failure::invalid(format!(
			"indices of shape {:?} do not fit data of shape {:?}",
			indices.dims, x.dims
		)));
	}
	let steps = strides(&x.dims);
	let along = wrapped(cx, indices, x.dims[at])?;
	let mut flat = times(cx, &along, steps[at])?;
	let mut dims = indices.dims.clone();
	dims[at] = 1;
	if product(&dims) > 1 {
		let base = bases(cx, dims, &steps)?;
		flat = cx.b.binary(BinaryFn::Add, &flat, &base)?;
	}
	let line = x.view(vec![x.elements() as u32])?;
	gather_along(cx, &line, &flat, 0)
}

/// For every element of `dims`, the sum of its coordinates times `steps`.
fn bases(cx: &mut Cx<'_, '_>, dims: Vec<u32>, steps: &[i64]) -> Result<Value> {
	cx.b.spend(product(&dims) * 8)?;
	let mut sums = vec![0i64];
	for (&dim, &step) in dims.iter().zip(steps) {
		let along = move |sum: &i64| {
			let sum = *sum;
			(0..i64::from(dim)).map(move |i| sum + i * step)
		};
		sums = sums.iter().flat_map(along).collect();
	}
	Value::list_i64(&sums).view(dims)
}

pub(crate) fn gather_elements_node(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let (x, indices) = (cx.input(0)?, cx.input(1)?);
	let at = axis(cx.int("axis", 0), x.rank())?;
	gather_elements(cx, &x, &indices, at)
}

/// Joins tuples of indices, the last axis of `indices`, to flat ones over `dims`; the leading
/// `batch` axes of `indices` stand for themselves.
pub(crate) fn joined(
	cx: &mut Cx<'_, '_>,
	indices: &Value,
	batch: usize,
	dims: &[u32],
) -> Result<Value> {
	check_indices(indices)?;
	let (outer, count) = (indices.rank() - 1, dims.len());
	let steps = strides(dims);
	let from = strides(&indices.dims);
	let mut flat = None;
	for (j, (&dim, &step)) in dims.iter().zip(&steps).enumerate() {
		let part =
			cx.b.strided(indices, indices.dims[..outer].to_vec(), j as u64, &from[..outer])?;
		let part = wrapped(cx, &part, dim)?;
		let part = times(cx, &part, step)?;
		flat = Some(match flat {
			None => part,
			Some(sum) => cx.b.binary(BinaryFn::Add, &sum, &part)?,
		});
	}
	let mut flat = flat.ok_or_else(|| Failure::invalid("its index tuples are empty"))?;
	let batches = product(&indices.dims[..batch]);
	if batches > 1 {
		let mut own = indices.dims[..batch].to_vec();
		own.resize(outer, 1);
		let first = cx.b.iota(batches as u32)?.view(own)?;
		let first = times(cx, &first, product(dims) as i64)?;
		flat = cx.b.binary(BinaryFn::Add, &flat, &first)?;
	}
	debug_assert_eq!(indices.dims[outer] as usize, count);
	Ok(flat)
}

/// The length of the index tuples, and whether they fit data behind `batch` shared axes.
pub(crate) fn tuple_length(x: &Value, indices: &Value, batch: usize) -> Result<usize> {
	let length = indices.dims.last().map_or(0, |&last| last as usize);
	let fits = batch < indices.rank()
		&& length > 0
		&& batch + length <= x.rank()
		&& indices.dims[..batch] == x.dims[..batch];
	if fits {
		Ok(length)
	} else {
		Err(Failure::invalid(format!(
			"indices of shape {:?} do not fit data of shape {:?}",
			indices.dims, x.dims
		)))
	}
}

pub(crate) fn gather_nd(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let (x, indices) = (cx.input(0)?, cx.input(1)?);
	let batch = usize::try_from(cx.int("batch_dims", 0)).unwrap_or(usize::MAX);
	let length = tuple_length(&x, &indices, batch)?;
	let inner = x.dims[batch + length..].to_vec();
	let flat = joined(cx, &indices, batch, &x.dims[batch..batch + length])?;
	let rows = product(&x.dims[..batch + length]) as u32;
	let rows = x.view(vec![rows, product(&inner) as u32])?;
	let mut dims = indices.dims[..indices.rank() - 1].to_vec();
	dims.extend_from_slice(&inner);
	check_dims(&dims)?;
	gather_along(cx, &rows, &flat, 0)?.view(dims)
}

/// The slices whose condition holds; the condition decides the shape and must be constant.
pub(crate) fn compress(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let mut x = cx.input(0)?;
	let condition = cx.list_input(1)?.ok_or_else(|| Failure::invalid("it has no condition"))?;
	let at = if cx.has("axis") {
		axis(cx.int("axis", 0), x.rank())?
	} else {
		x = x.view(vec![x.elements() as u32])?;
		0
	};
	if condition.len() as u64 > u64::from(x.dims[at]) {
		return Err(Failure::invalid("its condition is longer than the axis"));
	}
	let kept: Vec<i64> =
		(0i64..).zip(&condition).filter(|(_, &keep)| keep != 0).map(|(i, _)| i).collect();
	cx.b.spend(kept.len() as u64 * 8)?;
	gather_along(cx, &x, &Value::list_i64(&kept), at)
}

/// The first elements along the time axis in reverse, as many as each sequence's length says.
pub(crate) fn reverse_sequence(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let (x, lengths) = (cx.input(0)?, cx.input(1)?);
	let (time, batch) = (cx.int("time_axis", 0), cx.int("batch_axis", 1));
	if !matches!((time, batch), (0, 1) | (1, 0)) || x.rank() < 2 {
		return Err(Failure::invalid("its time and batch axes are not the first two"));
	}
	let (time, batch) = (time as usize, batch as usize);
	if lengths.dims != [x.dims[batch]] {
		return Err(Failure::invalid("its lengths do not fit its batch"));
	}
	check_indices(&lengths)?;
	let along = |dim: usize, size: u32| {
		let mut dims = vec![1, 1];
		dims[dim] = size;
		dims
	};
	let length = cx.b.cast(&lengths, DType::I64)?.view(along(batch, x.dims[batch]))?;
	let step = cx.b.iota(x.dims[time])?.view(along(time, x.dims[time]))?;
	let last = cx.b.binary(BinaryFn::Sub, &length, &Value::scalar(DType::I64, 1))?;
	let mirrored = cx.b.binary(BinaryFn::Sub, &last, &step)?;
	let inside = cx.b.binary(BinaryFn::Less, &step, &length)?;
	let source = cx.b.select(&inside, &mirrored, &step)?;
	let (rows, columns) = (x.dims[0], x.dims[1]);
	let own = cx.b.iota(x.dims[batch])?.view(along(batch, x.dims[batch]))?;
	let (row, column) = if time == 0 { (source, own) } else { (own, source) };
	let row = times(cx, &row, columns.into())?;
	let flat = cx.b.binary(BinaryFn::Add, &row, &column)?;
	let slices = x.view(vec![rows * columns, product(&x.dims[2..]) as u32])?;
	gather_along(cx, &slices, &flat, 0)?.view(x.dims)
}

/// The upper or lower triangle of matrices, zero elsewhere.
pub(crate) fn triangle(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let x = cx.input(0)?;
	let k = match cx.list_input(1)?.as_deref() {
		None => 0,
		Some(&[k]) => k,
		Some(_) => return Err(Failure::invalid("its k is not one number")),
	};
	let &[.., rows, columns] = x.dims.as_slice() else {
		return Err(Failure::invalid("its input is no matrix"));
	};
	let upper = cx.int("upper", 1) != 0;
	if x.elements() == 0 {
		return Ok(x);
	}
	cx.b.spend(u64::from(rows) * u64::from(columns))?;
	let inside = |row: u32, column: u32| {
		let diagonal = (i64::from(column) - i64::from(row)).saturating_sub(k);
		u8::from(if upper { diagonal >= 0 } else { diagonal <= 0 })
	};
	let mask = (0..rows).flat_map(|row| (0..columns).map(move |column| inside(row, column)));
	let mask = Value::constant(DType::Bool, vec![rows, columns], mask.collect());
	cx.b.select(&mask, &x, &Value::scalar(x.dtype, 0))
}

/// The coordinates of what is not zero, `[rank, count]`, in a constant: shape arithmetic.
pub(crate) fn non_zero(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let x = cx.input(0)?;
	let size = x.dtype.size() as usize;
	let Some(bytes) = x.bytes() else {
		let reason = "the size of its result depends on the model's input";
		return Err(Failure::new(ErrorKind::DynamicShape, reason).help("end the model before it"));
	};
	let zero = |element: &[u8]| match x.dtype {
		DType::F32 => matches!(element, [0, 0, 0, 0 | 0x80]),
		_ => element.iter().all(|&byte| byte == 0),
	};
	let found: Vec<u64> =
		(0..).zip(bytes.chunks_exact(size)).filter(|(_, x)| !zero(x)).map(|(i, _)| i).collect();
	cx.b.spend(found.len() as u64 * 8 * x.rank() as u64)?;
	let mut list = Vec::new();
	for (&step, &dim) in strides(&x.dims).iter().zip(&x.dims) {
		list.extend(found.iter().map(|&i| (i / step as u64 % u64::from(dim)) as i64));
	}
	Value::list_i64(&list).view(vec![x.rank() as u32, found.len() as u32])
}

/// Ones on a diagonal, of the input's shape.
pub(crate) fn eye_like(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let x = cx.input(0)?;
	let &[rows, columns] = x.dims.as_slice() else {
		return Err(Failure::invalid("its input is no matrix"));
	};
	let dtype = if cx.has("dtype") {
		match i32::try_from(cx.int("dtype", 1)) {
			Ok(number) => crate::read::element(number)?.computed(),
			Err(_) => return Err(Failure::new(ErrorKind::UnsupportedType, "its dtype")),
		}
	} else {
		x.dtype
	};
	cx.b.spend(u64::from(rows) * u64::from(columns) * dtype.size())?;
	let k = cx.int("k", 0);
	let on = |row: u32, column: u32| i64::from(column) == i64::from(row).saturating_add(k);
	let (zero, unit) = (Value::scalar(dtype, 0), Value::scalar(dtype, 1));
	let (zero, unit) = (zero.bytes().unwrap_or_default(), unit.bytes().unwrap_or_default());
	let mut bytes = Vec::new();
	for row in 0..rows {
		for column in 0..columns {
			bytes.extend_from_slice(if on(row, column) { unit } else { zero });
		}
	}
	Ok(Value::constant(dtype, vec![rows, columns], bytes))
}
