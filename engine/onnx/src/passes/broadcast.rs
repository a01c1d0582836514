//! Operands that repeat: read from before their expansion, and under shapes of the same elements.

use assay_referee::OpKind;

use crate::{
	dims::{broadcast, product, strides, Dims},
	ir::{Op, Origin, Value},
};

/// Reads the operands of an elementwise op from before their expansion: it broadcasts by itself.
pub(super) fn skip_expansions(ops: &mut [Op], i: usize) {
	if !matches!(ops[i].kind, OpKind::Binary(_) | OpKind::Select) {
		return;
	}
	for operand in 0..ops[i].operands.len() {
		let Some(source) = before_expansion(ops, &ops[i].operands[operand]) else { continue };
		let mut operands = ops[i].operands.clone();
		operands[operand] = source;
		let joined = operands.iter().try_fold(Vec::new(), |dims, o| broadcast(&dims, &o.dims));
		if joined.is_ok_and(|dims| dims == ops[i].dims) {
			ops[i].operands = operands;
		}
	}
}

/// What a value repeats along some axes, if it is only that.
pub(super) fn before_expansion(ops: &[Op], value: &Value) -> Option<Value> {
	let Origin::Op(j) = value.origin else { return None };
	let op = &ops[j];
	let OpKind::Strided { offset: 0, strides: steps } = op.kind else { return None };
	if value.dims != op.dims {
		return None;
	}
	let dims: Vec<u32> =
		op.dims.iter().zip(steps).map(|(&dim, step)| if step == 0 { 1 } else { dim }).collect();
	let source = &op.operands[0];
	let contiguous =
		strides(&dims).iter().zip(&dims).zip(steps).all(|((&s, &dim), step)| dim == 1 || s == step);
	if !contiguous || product(&dims) != source.elements() {
		return None;
	}
	source.view(dims).ok()
}

/// The view under which an operand `view`, which broadcasts to `from`, broadcasts to `to` in the same way,
/// where `from` and `to` are shapes of the same elements; `None` when there is none.
pub(super) fn broadcast_as(view: &[u32], from: &[u32], to: &[u32]) -> Option<Dims> {
	if product(view) == product(from) {
		return Some(to.to_vec());
	}
	let parts = parts(view, from, to)?;
	let dims = to.iter().enumerate().map(|(place, &dim)| {
		let mut own = parts.iter().filter(|part| part.place == place).map(|part| part.step != 0);
		let varies = own.next().unwrap_or(false);
		own.all(|other| other == varies).then_some(if varies { dim } else { 1 })
	});
	dims.collect()
}

/// Elements up to which a constant is written out to be broadcast under another shape.
const WRITTEN: u64 = 1 << 12;

/// As [`broadcast_as`]; a small constant is written out where no view of it will do.
pub(super) fn operand_as(value: &Value, from: &[u32], to: &[u32]) -> Option<Value> {
	if let Some(dims) = broadcast_as(&value.dims, from, to) {
		return value.view(dims).ok();
	}
	let bytes = value.bytes()?;
	let parts = parts(&value.dims, from, to)?;
	let varies = |place: usize| parts.iter().any(|part| part.place == place && part.step != 0);
	let dims: Dims =
		to.iter().enumerate().map(|(place, &dim)| if varies(place) { dim } else { 1 }).collect();
	if product(&dims) > WRITTEN {
		return None;
	}
	let size = value.dtype.size() as usize;
	let mut written = Vec::with_capacity(product(&dims) as usize * size);
	for index in 0..product(&dims) {
		let (mut rest, mut at) = (index, 0);
		for part in parts.iter().rev().filter(|part| varies(part.place)) {
			at += rest % u64::from(part.size) * part.step;
			rest /= u64::from(part.size);
		}
		written.extend_from_slice(&bytes[at as usize * size..][..size]);
	}
	Some(Value::constant(value.dtype, dims, written))
}

/// A factor of a dimension of two shapes of the same elements.
struct Factor {
	/// The dimension of the second shape.
	place: usize,
	size: u32,
	/// Elements of an operand from one to the next; 0 where the operand repeats.
	step: u64,
}

/// The dimensions that two shapes have in common, outermost first, as an operand that broadcasts to the
/// first lies along them.
fn parts(view: &[u32], from: &[u32], to: &[u32]) -> Option<Vec<Factor>> {
	let mut parts = Vec::new();
	let (mut place, mut rest) = (0, to.first().copied()?);
	let mut inner = product(view);
	for (&own, &dim) in view.iter().zip(from) {
		let mut left = dim;
		inner /= u64::from(own);
		while left > 1 {
			while rest == 1 {
				place += 1;
				rest = *to.get(place)?;
			}
			let size = left.min(rest);
			if left % size != 0 || rest % size != 0 {
				return None;
			}
			(left, rest) = (left / size, rest / size);
			let step = if own == 1 { 0 } else { inner * u64::from(left) };
			parts.push(Factor { place, size, step });
		}
	}
	Some(parts)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a panic is how a test fails")]
mod tests {
	use super::*;
	use assay_referee::DType;

	#[test]
	fn broadcasting_under_another_shape() {
		let image: [u32; 4] = [1, 6, 4, 5];
		for (view, to, expected) in [
			([1, 6, 1, 1], &[1, 6, 20][..], Some(&[1, 6, 1][..])),
			([1, 1, 1, 1], &[1, 6, 20], Some(&[1, 1, 1])),
			([1, 6, 4, 5], &[6, 20], Some(&[6, 20])),
			([1, 1, 4, 5], &[1, 6, 20], Some(&[1, 1, 20])),
			([1, 1, 4, 1], &[1, 6, 20], None),
			([1, 6, 4, 1], &[24, 5], Some(&[24, 1])),
			([1, 1, 4, 1], &[24, 5], None),
			([1, 6, 1, 1], &[1, 2, 3, 1, 20], Some(&[1, 2, 3, 1, 1])),
			([1, 1, 1, 5], &[12, 10], None),
			([1, 6, 1, 1], &[8, 15], None),
		] {
			assert_eq!(broadcast_as(&view, &image, to).as_deref(), expected, "{view:?} {to:?}");
		}
		assert_eq!(broadcast_as(&[], &[], &[1, 1]).as_deref(), Some(&[1, 1][..]));
		assert_eq!(broadcast_as(&[1], &[1], &[]).as_deref(), Some(&[][..]));
	}

	#[test]
	fn constants_are_written_out() {
		let bytes: Vec<u8> = (0..3u32).flat_map(|x| x.to_le_bytes()).collect();
		let value = Value::constant(DType::I32, vec![3, 1, 1], bytes);
		let written = operand_as(&value, &[3, 2, 5], &[6, 5]).unwrap();
		assert_eq!(written.dims, [6, 1]);
		assert_eq!(written.whole_numbers(), Some(vec![0, 0, 1, 1, 2, 2]));
		let written = operand_as(&value, &[3, 2, 5], &[1, 30]).unwrap();
		assert_eq!(written.whole_numbers().unwrap()[9..12], [0, 1, 1]);
		assert!(operand_as(&value, &[3, 2, 5], &[5, 6]).is_none());
		let large = Value::constant(DType::U8, vec![2, 1, 1], vec![0, 1]);
		assert!(operand_as(&large, &[2, 2, 40_000], &[160_000]).is_none());
	}
}
