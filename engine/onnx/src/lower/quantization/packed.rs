//! Numbers of a few bits, several to a byte, and tables of them that are looked up.

use assay_referee::{BinaryFn, DType};

use super::linear::per_element;
use crate::{
	dims::{axis, product},
	error::{Failure, Result},
	ir::Value,
	lower::{movement::gather::gather_along, Cx},
};

/// The number at `index` of packed bytes, the first in the lowest bits.
pub(crate) fn code(bytes: &[u8], index: usize, bits: u32) -> u8 {
	let per_byte = 8 / bits as usize;
	let shift = index % per_byte * bits as usize;
	let mask = (1u16 << bits) as u8;
	bytes[index / per_byte] >> shift & mask.wrapping_sub(1)
}

/// Rows of `columns` numbers of `bits` each that fill the bytes of the last axis, one to a byte.
fn unpacked(cx: &mut Cx<'_, '_>, packed: &Value, columns: u32, bits: u32) -> Result<Value> {
	let bytes = packed.bytes().ok_or_else(|| Failure::unsupported("its data are no constant"))?;
	let (last, mut dims) = (packed.dims.last().copied().unwrap_or(0), packed.dims.clone());
	if last == 0 || u64::from(columns).div_ceil(8 / u64::from(bits)) != u64::from(last) {
		return Err(Failure::invalid(format!(
			"{last} bytes do not hold {columns} numbers of {bits} bits"
		)));
	}
	if let Some(dim) = dims.last_mut() {
		*dim = columns;
	}
	cx.b.spend(product(&dims))?;
	let rows = bytes.chunks_exact((last as usize).max(1));
	let row = |row| (0..columns as usize).map(move |i| code(row, i, bits));
	Ok(Value::constant(DType::U8, dims, rows.flat_map(row).collect()))
}

/// `GatherBlockQuantized`: entries of a table of small numbers, (number − zero point) · scale of its block.
pub(crate) fn gather(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let (data, indices, scales) = (cx.input(0)?, cx.input(1)?, cx.float_input(2)?);
	let (gathered, blocked) = (
		axis(cx.int("gather_axis", 0), data.rank())?,
		axis(cx.int("quantize_axis", 1), data.rank())?,
	);
	if gathered == blocked || scales.rank() != data.rank() {
		return Err(Failure::unsupported("its blocks lie along the axis that is gathered"));
	}
	let bits = cx.int("bits", 4);
	let mut zero = cx.optional(3);
	// Types of four bits are one number to an element already.
	let is_packed = data.dtype == DType::U8 && data.element == DType::U8.into();
	let data = if is_packed {
		let bits = u32::try_from(bits).ok().filter(|bits| matches!(bits, 2 | 4 | 8));
		let bits = bits.ok_or_else(|| Failure::unsupported("bits other than 2, 4 and 8"))?;
		let columns = data.dims.last().map_or(0, |&last| last.saturating_mul(8 / bits));
		zero = match zero {
			Some(zero) if zero.element != data.element || zero.rank() != scales.rank() => {
				return Err(Failure::invalid("its zero points are not packed as its data"));
			},
			Some(zero) => {
				let columns = scales.dims.last().copied().unwrap_or(0);
				Some(unpacked(cx, &zero, columns, bits)?)
			},
			None => Some(Value::scalar(DType::U8, 1 << (bits - 1))),
		};
		unpacked(cx, &data, columns, bits)?
	} else {
		data
	};
	let block = match (cx.int("block_size", 128), data.dtype) {
		(0, DType::F32) => data.dims[blocked],
		(size, _) => u32::try_from(size).unwrap_or(0),
	};
	let mut expected = data.dims.clone();
	expected[blocked] =
		expected[blocked].checked_div(block).map_or(0, |_| expected[blocked].div_ceil(block));
	let fits = |value: &Value| value.dims == expected || value.elements() == 1;
	if scales.dims != expected || zero.as_ref().is_some_and(|zero| !fits(zero)) {
		return Err(Failure::invalid(format!(
			"scales of shape {:?} in blocks of {block} do not fit a table of {:?}",
			scales.dims, data.dims
		)));
	}
	let taken = gather_along(cx, &data, &indices, gathered)?;
	let at = if blocked > gathered { blocked + indices.rank() - 1 } else { blocked };
	let spread = |cx: &mut Cx<'_, '_>, value: &Value| -> Result<Value> {
		if value.elements() == 1 {
			return value.view(vec![]);
		}
		let value = gather_along(cx, value, &indices, gathered)?;
		per_element(cx, &value, at, block, taken.dims[at])
	};
	let scale = spread(cx, &scales)?;
	let mut y = cx.b.cast(&taken, DType::F32)?;
	if let Some(zero) = zero {
		let zero = spread(cx, &zero)?;
		let zero = cx.b.cast(&zero, DType::F32)?;
		y = cx.b.binary(BinaryFn::Sub, &y, &zero)?;
	}
	cx.b.binary(BinaryFn::Mul, &y, &scale)
}
