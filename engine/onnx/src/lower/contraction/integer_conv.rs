//! Exact sums of convolutions of 8-bit images with any zero points.

use assay_referee::{DType, OpKind, MAX_RANK};

use super::{
	integer,
	windows::{self, per_filter, unfold, Axis, Windows},
};
use crate::{
	dims::product,
	error::{Failure, Result},
	ir::Value,
	lower::{
		quantization::scales::{dequantized, single},
		Cx,
	},
};

/// The image as it is unfolded: with its padding around it where the padding's value, the zero
/// point, is known at run time only.
fn padded(cx: &mut Cx<'_, '_>, x: &Value, zero: &Value, plane: &mut [Axis; 2]) -> Result<Value> {
	let (inner, before) = (plane.map(|axis| axis.size), plane.map(|axis| axis.before));
	let (n, c) = (x.dims[0], x.dims[1]);
	let outer = plane.map(|axis| axis.size.saturating_add(axis.before).saturating_add(axis.after));
	let mut skip = [0; MAX_RANK];
	skip[2..4].copy_from_slice(&before);
	let image = x.view(vec![n, c, inner[0], inner[1]])?;
	let kind = OpKind::Pad { before: skip, fill: 0 };
	let image = cx.b.push(kind, x.dtype, vec![n, c, outer[0], outer[1]], vec![image])?;
	cx.b.spend(u64::from(outer[0]) * u64::from(outer[1]))?;
	let holds = |at: u32, d: usize| (before[d]..before[d] + inner[d]).contains(&at);
	let row = |y: u32| (0..outer[1]).map(move |x| u8::from(holds(y, 0) && holds(x, 1)));
	let mask = (0..outer[0]).flat_map(row).collect();
	let mask = Value::constant(DType::Bool, vec![1, 1, outer[0], outer[1]], mask);
	for (axis, size) in plane.iter_mut().zip(outer) {
		(axis.size, axis.before, axis.after) = (size, 0, 0);
	}
	cx.b.select(&mask, &image, &single(zero.clone())?)
}

/// Exact sums of a convolution: `[n, filters, ..]`. The padding takes part as the zero point.
pub(super) fn convolved(
	cx: &mut Cx<'_, '_>,
	[x, weight]: [&Value; 2],
	x_zero: Option<Value>,
	w_zero: Option<Value>,
) -> Result<Value> {
	let (kernel, groups) = windows::conv_form(cx, x, weight)?;
	let windows = Windows::new(cx, &x.dims[2..], &kernel)?;
	let (filters, terms) = (weight.dims[0], product(&weight.dims[1..]));
	let x_zero = x_zero.unwrap_or_else(|| Value::scalar(x.dtype, 0));
	if x_zero.elements() != 1 || x_zero.dtype != x.dtype {
		return Err(Failure::invalid("its zero point is not one element of its input's type"));
	}
	let sums = if filters / groups < FEW_FILTERS && terms <= MOST_FLOAT_TERMS {
		sums_of_floats(cx, [x, weight], &x_zero, w_zero, groups, &windows)?
	} else {
		sums_of_bytes(cx, [x, weight], x_zero, w_zero, groups, &windows)?
	};
	windows.restored(cx, &sums, x, filters)
}

/// Filters of a group below which a convolution of floats is faster than one of 8-bit numbers.
pub(super) const FEW_FILTERS: u32 = 8;

/// Terms, each of at most 255² in magnitude, whose sums floats hold exactly, in whatever order.
const MOST_FLOAT_TERMS: u64 = (1 << 24) / (255 * 255);

/// The sums of [`convolved`], `[n, groups, filters of a group, places]`, in whole numbers all along.
fn sums_of_bytes(
	cx: &mut Cx<'_, '_>,
	[x, weight]: [&Value; 2],
	x_zero: Value,
	w_zero: Option<Value>,
	groups: u32,
	windows: &Windows,
) -> Result<Value> {
	let has_padding = windows.0.iter().any(|axis| axis.before != 0 || axis.after != 0);
	let fill = x_zero.uniform_bits().unwrap_or(0);
	let patches = if has_padding && !x_zero.is_constant() {
		let mut plane = windows.plane()?;
		let image = padded(cx, x, &x_zero, &mut plane)?;
		unfold(cx, &image, [x.dims[0], x.dims[1]], &plane, groups, fill)?
	} else {
		windows.patches(cx, x, groups, fill)?
	};
	let &[n, _, places, terms] = patches.dims.as_slice() else {
		return Err(Failure::invalid("its input is no image"));
	};
	let rows = weight.dims[0] / groups;
	let a = weight.view(vec![groups, rows, terms])?;
	let b = patches.view(vec![n * groups, places, terms])?;
	let w_zero = match w_zero {
		Some(zero) if zero.elements() > 1 => Some(zero.view(vec![groups, rows, 1])?),
		other => other,
	};
	let sums = integer::rows_by_rows(cx, &a, &b, w_zero, Some(x_zero))?;
	sums.view(vec![n, groups, rows, places])
}

/// The sums of [`convolved`] by a convolution of the differences to the zero points as floats.
fn sums_of_floats(
	cx: &mut Cx<'_, '_>,
	[x, weight]: [&Value; 2],
	x_zero: &Value,
	w_zero: Option<Value>,
	groups: u32,
	windows: &Windows,
) -> Result<Value> {
	let one = Value::scalar_f32(1.0);
	let image = dequantized(cx, x, &one, Some(x_zero.clone()))?;
	let w_zero = match w_zero {
		Some(zero) => Some(per_filter(zero, weight.rank() + 1)?),
		None => None,
	};
	let filters = dequantized(cx, weight, &one, w_zero)?;
	let sums = windows::convolved(cx, [&image, &filters], None, groups, windows)?;
	cx.b.cast(&sums, DType::I32)
}
