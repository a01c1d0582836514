//! Rotary position embedding: pairs of elements rotated by an angle that grows with the position.

use assay_referee::{BinaryFn, DType, OpKind};

use super::heads::{heads_attribute, join_heads, split_heads};
use crate::{
	error::{Failure, Result},
	ir::Value,
	lower::{movement::ranges::part, Cx},
};

/// Turns the first `width` elements of every row of `x`, `[batch, heads, rows, size]`; cosines and
/// sines broadcast over `[batch, heads, rows, width / 2]`.
pub(crate) fn rotate(
	cx: &mut Cx<'_, '_>,
	x: &Value,
	[cos, sin]: [&Value; 2],
	width: u32,
	interleaved: bool,
) -> Result<Value> {
	let size = x.dims[3];
	let half = width / 2;
	if width == 0 || width > size || !width.is_multiple_of(2) || cos.dims.last() != Some(&half) {
		return Err(Failure::invalid(format!(
			"a rotation of {width} elements does not fit rows of {size} and angles of {:?}",
			cos.dims
		)));
	}
	let (first, second) =
		if interleaved { ((0, 2, half), (1, 2, half)) } else { ((0, 1, half), (half, 1, half)) };
	let (x1, x2) = (part(cx, x, 3, first)?, part(cx, x, 3, second)?);
	let (a, b) = (cx.b.binary(BinaryFn::Mul, cos, &x1)?, cx.b.binary(BinaryFn::Mul, sin, &x2)?);
	let real = cx.b.binary(BinaryFn::Sub, &a, &b)?;
	let (a, b) = (cx.b.binary(BinaryFn::Mul, sin, &x1)?, cx.b.binary(BinaryFn::Mul, cos, &x2)?);
	let imaginary = cx.b.binary(BinaryFn::Add, &a, &b)?;
	let rotated = if interleaved {
		let mut dims = real.dims.clone();
		dims.push(1);
		let pairs = [real.view(dims.clone())?, imaginary.view(dims)?];
		let mut dims = real.dims;
		dims[3] = width;
		cx.b.concat(&pairs, 4)?.view(dims)?
	} else {
		cx.b.concat(&[real, imaginary], 3)?
	};
	if rotated.dims[..3] != x.dims[..3] {
		return Err(Failure::invalid("its angles are for more rows than its input has"));
	}
	match size - width {
		0 => Ok(rotated),
		rest => {
			let rest = part(cx, x, 3, (width, 1, rest))?;
			cx.b.concat(&[rotated, rest], 3)
		},
	}
}

/// The rows of a cache `[positions, half]` at `positions`, `[batch or 1, rows]`, as
/// `[batch or 1, 1, rows, half]`, cut to `half` elements.
pub(crate) fn angles(
	cx: &mut Cx<'_, '_>,
	cache: &Value,
	positions: &Value,
	half: u32,
) -> Result<Value> {
	let (&[_, width], &[batch, rows]) = (cache.dims.as_slice(), positions.dims.as_slice()) else {
		return Err(Failure::invalid(format!(
			"a cache of {:?} and positions of {:?}",
			cache.dims, positions.dims
		)));
	};
	let kind = OpKind::Gather { axis: 0 };
	let dims = vec![batch, rows, width];
	let rows_of = cx.b.push(kind, DType::F32, dims, vec![cache.clone(), positions.clone()])?;
	sliced(cx, &rows_of, half)?.view(vec![batch, 1, rows, half.min(width)])
}

fn sliced(cx: &mut Cx<'_, '_>, x: &Value, width: u32) -> Result<Value> {
	let axis = x.rank() - 1;
	if x.dims[axis] > width {
		part(cx, x, axis, (0, 1, width))
	} else {
		Ok(x.clone())
	}
}

/// `RotaryEmbedding` of operator set 23.
pub(crate) fn standard(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let (x, cos, sin) = (cx.float_input(0)?, cx.float_input(1)?, cx.float_input(2)?);
	let (heads, flat) = by_heads(cx, &x, heads_attribute(cx, "num_heads")?)?;
	let width = match heads_attribute(cx, "rotary_embedding_dim")? {
		0 => heads.dims[3],
		width => width,
	};
	let half = width / 2;
	let (cos, sin) = match cx.optional(3) {
		Some(positions) => {
			(angles(cx, &cos, &positions, half)?, angles(cx, &sin, &positions, half)?)
		},
		None => (per_row(cx, &cos, half)?, per_row(cx, &sin, half)?),
	};
	let y = rotate(cx, &heads, [&cos, &sin], width, cx.flag("interleaved"))?;
	if flat {
		return join_heads(cx, &y);
	}
	Ok(y)
}

/// Angles `[batch, rows, half]` as they broadcast over heads.
fn per_row(cx: &mut Cx<'_, '_>, angles: &Value, half: u32) -> Result<Value> {
	let angles = narrowed_rank3(cx, angles, half)?;
	angles.view(vec![angles.dims[0], 1, angles.dims[1], angles.dims[2]])
}

fn narrowed_rank3(cx: &mut Cx<'_, '_>, angles: &Value, half: u32) -> Result<Value> {
	match angles.rank() {
		3 => sliced(cx, angles, half),
		_ => Err(Failure::invalid(format!("angles of shape {:?}", angles.dims))),
	}
}

/// The input as `[batch, heads, rows, size]`, and whether it has to be joined again.
fn by_heads(cx: &mut Cx<'_, '_>, x: &Value, heads: u32) -> Result<(Value, bool)> {
	match x.rank() {
		3 => Ok((split_heads(cx, x, heads)?, true)),
		4 => Ok((x.clone(), false)),
		_ => Err(Failure::invalid(format!("an input of shape {:?}", x.dims))),
	}
}

/// `RotaryEmbedding` of `com.microsoft`: the positions come second, and may be one first position.
pub(crate) fn contrib(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let (x, positions) = (cx.float_input(0)?, cx.input(1)?);
	let (cos, sin) = (cx.float_input(2)?, cx.float_input(3)?);
	if cx.flag("is_packed_batching") {
		return Err(Failure::unsupported("packed batches are not supported"));
	}
	let width = match heads_attribute(cx, "rotary_embedding_dim")? {
		0 => cos.dims.last().copied().unwrap_or(0).saturating_mul(2),
		width => width,
	};
	let heads = match heads_attribute(cx, "num_heads")? {
		0 if x.rank() == 3 && width > 0 => x.dims[2] / width,
		heads => heads,
	};
	let (heads, flat) = by_heads(cx, &x, heads)?;
	let positions = match positions.elements() {
		1 => {
			let rows = cx.b.iota(heads.dims[2])?.view(vec![1, heads.dims[2]])?;
			let first = cx.b.cast(&positions, DType::I64)?.view(vec![1, 1])?;
			cx.b.binary(BinaryFn::Add, &rows, &first)?
		},
		_ => positions,
	};
	let (cos, sin) =
		(angles(cx, &cos, &positions, width / 2)?, angles(cx, &sin, &positions, width / 2)?);
	let mut y = rotate(cx, &heads, [&cos, &sin], width, cx.flag("interleaved"))?;
	let scale = cx.float("scale", 1.0)?;
	if scale != 1.0 {
		y = cx.b.binary_scalar(BinaryFn::Mul, &y, scale)?;
	}
	if flat {
		return join_heads(cx, &y);
	}
	Ok(y)
}
