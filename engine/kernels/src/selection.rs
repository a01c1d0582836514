//! Scatter and top-k, a row at a time: the element functions look at a whole row for one element.

use crate::{
	cpu::{view, view_mut, Pod},
	threads, KernelConfig,
};
use assay_referee::{DType, OpKind, OpRecord, ScatterFn};

/// Runs `Scatter` or `TopK`; false where there is no kernel for the types.
pub(crate) fn run(op: &OpRecord, operands: &[&[u8]], out: &mut [u8], cfg: &KernelConfig) -> bool {
	let done = match (op.kind, operands) {
		(OpKind::Scatter(function), &[data, indices, updates]) => {
			let row_indices = indices_of(op, indices);
			row_indices.and_then(|indices| {
				let rows = Rows::new(op, &indices);
				let tensors = (data, updates);
				match op.dtype {
					DType::F32 => scatter(&rows, function, tensors, out, cfg, float),
					DType::I32 => scatter(&rows, function, tensors, out, cfg, i32_function),
					DType::I64 => scatter(&rows, function, tensors, out, cfg, i64_function),
					DType::U8 => scatter(&rows, function, tensors, out, cfg, u8_function),
					DType::I8 => scatter(&rows, function, tensors, out, cfg, i8_function),
					DType::Bool => scatter(&rows, function, tensors, out, cfg, |_, _, new: u8| new),
				}
			})
		},
		(OpKind::TopK { largest }, &[x]) => top_k(op, largest, x, out, cfg),
		_ => None,
	};
	done.is_some()
}

/// Where updates go.
struct Rows<'a> {
	indices: &'a [i64],
	/// Elements of a row, and updates to it.
	size: usize,
	count: usize,
}

impl<'a> Rows<'a> {
	fn new(op: &OpRecord, indices: &'a [i64]) -> Rows<'a> {
		let count = op.operands.get(1).map_or(1, |o| o.shape.last() as usize);
		Rows { indices, size: op.shape.last() as usize, count }
	}
}

fn indices_of(op: &OpRecord, bytes: &[u8]) -> Option<Vec<i64>> {
	match op.operands.get(1)?.dtype {
		DType::I32 => Some(view::<i32>(bytes)?.iter().map(|&i| i.into()).collect()),
		_ => Some(view::<i64>(bytes)?.to_vec()),
	}
}

fn scatter<T: Pod>(
	rows: &Rows<'_>,
	function: ScatterFn,
	(data, updates): (&[u8], &[u8]),
	out: &mut [u8],
	cfg: &KernelConfig,
	combine: fn(ScatterFn, T, T) -> T,
) -> Option<()> {
	let (data, updates, out) = (view::<T>(data)?, view::<T>(updates)?, view_mut::<T>(out)?);
	let &Rows { indices, size, count } = rows;
	let weight = 1 + 4 * count / size.max(1);
	threads::for_each_part(cfg.threads, out, size, weight, |start, part| {
		part.copy_from_slice(&data[start..start + part.len()]);
		for (i, line) in part.chunks_exact_mut(size).enumerate() {
			let row = start / size + i;
			let first = row * count % indices.len();
			let new = &updates[row * count..(row + 1) * count];
			for (&index, &new) in indices[first..first + count].iter().zip(new) {
				let index = if index < 0 { index.wrapping_add(size as i64) } else { index };
				let place = usize::try_from(index).ok().and_then(|at| line.get_mut(at));
				if let Some(place) = place {
					*place = combine(function, *place, new);
				}
			}
		}
	});
	Some(())
}

fn float(function: ScatterFn, old: f32, new: f32) -> f32 {
	use crate::cpu::simd::canonical;
	match function {
		ScatterFn::Replace => new,
		ScatterFn::Add => canonical(old + new),
		ScatterFn::Mul => canonical(old * new),
		ScatterFn::Min => {
			if old < new || old.is_nan() {
				old
			} else {
				new
			}
		},
		ScatterFn::Max => {
			if new < old || old.is_nan() {
				old
			} else {
				new
			}
		},
	}
}

macro_rules! integers {
	($($name:ident: $type:ty;)*) => { $(
		fn $name(function: ScatterFn, old: $type, new: $type) -> $type {
			match function {
				ScatterFn::Replace => new,
				ScatterFn::Add => old.wrapping_add(new),
				ScatterFn::Mul => old.wrapping_mul(new),
				ScatterFn::Min => old.min(new),
				ScatterFn::Max => old.max(new),
			}
		}
	)* };
}

integers! {
	i32_function: i32;
	i64_function: i64;
	u8_function: u8;
	i8_function: i8;
}

/// A number that is ordered as the values are: NaN is the largest, and zeros are equal.
fn float_key(x: f32) -> i64 {
	if x.is_nan() {
		return i64::MAX;
	}
	// Adding +0 makes the zeros one.
	let bits = (x + 0.0).to_bits() as i32;
	i64::from(if bits < 0 { i32::MIN.wrapping_sub(bits) } else { bits })
}

fn top_k(op: &OpRecord, largest: bool, x: &[u8], out: &mut [u8], cfg: &KernelConfig) -> Option<()> {
	let operand = op.operands.first()?;
	let shape = (operand.shape.last() as usize, op.shape.last() as usize);
	let out = view_mut::<i64>(out)?;
	match operand.dtype {
		DType::F32 => ordered(view::<f32>(x)?, shape, largest, out, cfg, float_key),
		DType::I32 => ordered(view::<i32>(x)?, shape, largest, out, cfg, i64::from),
		DType::I64 => ordered(view::<i64>(x)?, shape, largest, out, cfg, |x| x),
		DType::I8 => ordered(view::<i8>(x)?, shape, largest, out, cfg, i64::from),
		DType::U8 | DType::Bool => ordered(view::<u8>(x)?, shape, largest, out, cfg, i64::from),
	}
	Some(())
}

fn ordered<T: Pod>(
	x: &[T],
	(size, count): (usize, usize),
	largest: bool,
	out: &mut [i64],
	cfg: &KernelConfig,
	key: fn(T) -> i64,
) {
	let weight = 8 * size / count.max(1);
	threads::for_each_part(cfg.threads, out, count, weight, |start, part| {
		let mut order = Vec::with_capacity(size);
		for (i, line) in part.chunks_exact_mut(count).enumerate() {
			let row = &x[(start / count + i) * size..][..size];
			order.clear();
			order.extend(row.iter().map(|&x| if largest { !key(x) } else { key(x) }).zip(0i64..));
			if count < size {
				order.select_nth_unstable(count - 1);
			}
			let first = &mut order[..count];
			first.sort_unstable();
			line.iter_mut().zip(first).for_each(|(place, (_, index))| *place = *index);
		}
	});
}
