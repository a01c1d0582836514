//! Transposed convolution. Where the kernel is as large as the stride, windows do not overlap: one
//! matrix product, then the pixels of every window are put side by side. Otherwise zeros are put
//! between the input's pixels, and it is a convolution with the kernel turned round.

use assay_referee::{Bias, DType, OpKind, MAX_RANK};

use super::windows::{kernel_of, Axis, Windows};
use crate::{
	dims,
	error::{shown, Failure, Result},
	ir::Value,
	lower::Cx,
};

/// Largest kernel size, stride, dilation or padding.
const MOST: i64 = 1 << 16;

/// One spatial axis; one-dimensional signals are images of height 1, which has one of its own.
#[derive(Clone, Copy, Debug)]
struct Side {
	input: i64,
	kernel: i64,
	stride: i64,
	dilation: i64,
	/// What is cut off before the first full output element.
	before: i64,
	output: i64,
}

impl Side {
	const ONE: Side = Side { input: 1, kernel: 1, stride: 1, dilation: 1, before: 0, output: 1 };

	/// Elements that the kernel spans.
	fn reach(&self) -> i64 {
		self.dilation * (self.kernel - 1) + 1
	}
}

/// Sizes and weights of the whole operator.
struct Plan {
	n: u32,
	channels: u32,
	filters: u32,
	groups: u32,
	/// One per spatial axis, at least two.
	sides: Vec<Side>,
}

impl Plan {
	fn dims(&self, field: fn(&Side) -> i64) -> Vec<i64> {
		self.sides.iter().map(field).collect()
	}

	/// `first`, then a field of every side.
	fn after(&self, first: &[u32], field: fn(&Side) -> i64) -> Result<Vec<u32>> {
		let first = first.iter().map(|&dim| i64::from(dim));
		dims::from_list(&first.chain(self.dims(field)).collect::<Vec<_>>())
	}
}

pub(crate) fn conv_transpose(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let (x, weight) = (cx.float_input(0)?, cx.float_input(1)?);
	if x.rank() < 3 || weight.rank() != x.rank() {
		return Err(Failure::invalid(format!(
			"an input of shape {:?} and weights of shape {:?}",
			x.dims, weight.dims
		)));
	}
	let groups = u32::try_from(cx.int("group", 1)).unwrap_or(0);
	let (channels, per_group) = (x.dims[1], weight.dims[1]);
	if groups == 0 || channels % groups != 0 || weight.dims[0] != channels {
		return Err(Failure::invalid(format!(
			"weights of shape {:?} in {groups} groups do not fit {channels} channels",
			weight.dims
		)));
	}
	let filters = dims::from_list(&[i64::from(per_group) * i64::from(groups)])?[0];
	kernel_of(cx, &weight)?;
	let mut sides = self::sides(cx, &x, &weight)?;
	let mut out = vec![i64::from(x.dims[0]), i64::from(filters)];
	out.extend(sides.iter().map(|side| side.output));
	let out = dims::from_list(&out)?;
	if sides.len() == 1 {
		sides.insert(0, Side::ONE);
	}
	let plan = Plan { n: x.dims[0], channels, filters, groups, sides };
	let bias = match cx.optional(2) {
		Some(bias) if bias.dims != [filters] || bias.dtype != DType::F32 => {
			return Err(Failure::invalid("its bias does not fit its weights"));
		},
		bias => bias,
	};
	let apart = plan.sides.iter().all(|side| {
		side.kernel == side.stride
			&& side.dilation == 1
			&& side.before == 0
			&& side.output == side.input * side.stride
	});
	let y = if apart {
		side_by_side(cx, &x, &weight, bias, &plan)?
	} else {
		overlapping(cx, &x, &weight, bias, &plan)?
	};
	y.view(out)
}

fn sides(cx: &Cx<'_, '_>, x: &Value, weight: &Value) -> Result<Vec<Side>> {
	let spatial = x.rank() - 2;
	let list = |name: &str, default: i64, len: usize, least: i64| -> Result<Vec<i64>> {
		let list = cx.ints(name).map_or_else(|| vec![default; len], <[i64]>::to_vec);
		let fits = list.len() == len && list.iter().all(|value| (least..=MOST).contains(value));
		if fits {
			Ok(list)
		} else {
			Err(Failure::invalid(format!("{name} {list:?} does not fit its input")))
		}
	};
	let (strides, dilations) = (list("strides", 1, spatial, 1)?, list("dilations", 1, spatial, 1)?);
	let (extra, pads) = (list("output_padding", 0, spatial, 0)?, list("pads", 0, spatial * 2, 0)?);
	let auto_pad = cx.word("auto_pad", "NOTSET")?;
	let shape = cx.ints("output_shape").filter(|list| !list.is_empty());
	if shape.is_some_and(|shape| shape.len() != spatial) {
		return Err(Failure::invalid("output_shape does not fit its input"));
	}
	let mut sides = Vec::new();
	for d in 0..spatial {
		let mut side = Side {
			input: x.dims[d + 2].into(),
			kernel: weight.dims[d + 2].into(),
			stride: strides[d],
			dilation: dilations[d],
			before: pads[d],
			output: 0,
		};
		if side.kernel > MOST || side.input > i64::from(u32::MAX) {
			return Err(Failure::too_large("its kernel is too large"));
		}
		let full = (side.input - 1) * side.stride + extra[d] + side.reach();
		let same = matches!(auto_pad, "SAME_UPPER" | "SAME_LOWER");
		side.output = match shape {
			Some(shape) => shape[d],
			None if same => side.input * side.stride,
			None if auto_pad == "VALID" => full,
			None if matches!(auto_pad, "NOTSET" | "") => full - pads[d] - pads[spatial + d],
			None => {
				return Err(Failure::invalid(format!("auto_pad `{}`", shown(auto_pad))));
			},
		};
		if shape.is_some() || same {
			let total = (full - side.output).max(0);
			let half = total / 2;
			side.before = if auto_pad == "SAME_UPPER" { half } else { total - half };
		} else if auto_pad == "VALID" {
			side.before = 0;
		}
		sides.push(side);
	}
	Ok(sides)
}

/// Weights `[channels, filters/groups, ..]` with the groups apart: `[groups, inner, outer, ..]`.
fn grouped(weight: &Value, plan: &Plan) -> Result<Value> {
	let (inner, outer) = (plan.channels / plan.groups, plan.filters / plan.groups);
	weight.view(plan.after(&[plan.groups, inner, outer], |side| side.kernel)?)
}

/// `weights · patches` for the batch and all groups, with a bias per row.
fn product(
	cx: &mut Cx<'_, '_>,
	a: Value,
	patches: &Value,
	bias: Option<Value>,
	plan: &Plan,
) -> Result<Value> {
	let &[n, _, places, terms] = patches.dims.as_slice() else {
		return Err(Failure::invalid("its input is no image"));
	};
	let batch = dims::from_list(&[i64::from(n) * i64::from(plan.groups)])?[0];
	let b = patches.view(vec![batch, places, terms])?;
	let rows = a.dims[1];
	let bias = match bias {
		None => None,
		Some(bias) if plan.groups == 1 => Some((Bias::Row, bias.view(vec![rows])?)),
		Some(bias) => Some((Bias::Row, bias.view(vec![plan.groups, rows])?)),
	};
	cx.b.matmul(a, b, bias, batch)
}

fn side_by_side(
	cx: &mut Cx<'_, '_>,
	x: &Value,
	weight: &Value,
	bias: Option<Value>,
	plan: &Plan,
) -> Result<Value> {
	let (inner, outer) = (plan.channels / plan.groups, plan.filters / plan.groups);
	let area: i64 = plan.dims(|side| side.kernel).iter().product();
	let rows = dims::from_list(&[i64::from(outer) * area])?[0];
	let weights = grouped(weight, plan)?.view(vec![plan.groups, inner, rows])?;
	let a = cx.b.transpose(&weights, &[0, 2, 1])?;
	// The pixels as an image, whatever the number of axes: windows of one pixel do not mind.
	let sizes = plan.dims(|side| side.input);
	let (w, above) = sizes.split_last().ok_or_else(|| Failure::invalid("its input is no image"))?;
	let [h, w] = [above.iter().product(), *w].map(|size| size as u32);
	let image = x.view(vec![plan.n, plan.channels, h, w])?;
	let kind = OpKind::Unfold {
		kernel: [1; 2],
		stride: [1; 2],
		dilation: [1; 2],
		pad: [0; 2],
		out: [h, w],
		groups: plan.groups,
		fill: 0,
	};
	let places = dims::from_list(&[i64::from(h) * i64::from(w)])?[0];
	let patches =
		cx.b.push(kind, DType::F32, vec![plan.n, plan.groups, places, inner], vec![image])?;
	let bias = match bias {
		None => None,
		Some(bias) => {
			let column = bias.view(vec![plan.filters, 1])?;
			Some(cx.b.expand(&column, vec![plan.filters, area as u32])?)
		},
	};
	let y = product(cx, a, &patches, bias, plan)?;
	let sides = plan.sides.len();
	let mut dims = plan.after(&[plan.n, plan.filters], |side| side.kernel)?;
	dims.extend(sizes.iter().map(|&size| size as u32));
	let pixels = (0..sides).flat_map(|d| [2 + sides + d, 2 + d]);
	let order: Vec<usize> = [0, 1].into_iter().chain(pixels).collect();
	cx.b.transpose(&y.view(dims)?, &order)
}

fn overlapping(
	cx: &mut Cx<'_, '_>,
	x: &Value,
	weight: &Value,
	bias: Option<Value>,
	plan: &Plan,
) -> Result<Value> {
	let image = spread(cx, x, plan)?;
	let (inner, outer) = (plan.channels / plan.groups, plan.filters / plan.groups);
	let weights = grouped(weight, plan)?;
	let steps = dims::strides(&weights.dims);
	let flipped = plan.after(&[plan.groups, outer, inner], |side| side.kernel)?;
	let area: i64 = plan.dims(|side| side.kernel).iter().product();
	let round = steps[3..].iter().map(|&step| -step);
	let steps: Vec<i64> = [steps[0], steps[2], steps[1]].into_iter().chain(round).collect();
	let flipped = cx.b.strided(&weights, flipped, (area - 1) as u64, &steps)?;
	let terms = dims::from_list(&[i64::from(inner) * area])?[0];
	let a = flipped.view(vec![plan.groups, outer, terms])?;
	let axis = |(side, &size): (&Side, &u32)| Axis {
		size,
		kernel: side.kernel as u32,
		stride: 1,
		dilation: side.dilation as u32,
		before: (side.reach() - 1 - side.before).max(0) as u32,
		after: 0,
		out: side.output as u32,
	};
	let windows = Windows(plan.sides.iter().zip(&image.dims[2..]).map(axis).collect());
	let patches = windows.patches(cx, &image, plan.groups, 0)?;
	let y = product(cx, a, &patches, bias, plan)?;
	windows.restored(cx, &y, &image, plan.filters)
}

/// The image with `stride - 1` zeros after every pixel, and without what padding cuts off beyond
/// the kernel's reach.
fn spread(cx: &mut Cx<'_, '_>, x: &Value, plan: &Plan) -> Result<Value> {
	let first = [plan.n, plan.channels];
	let whole = plan.after(&first, |side| side.input * side.stride)?;
	let both = |field: fn(&Side) -> i64| {
		let sides = plan.sides.iter().flat_map(move |side| [side.input, field(side)]);
		let first = first.iter().map(|&dim| i64::from(dim));
		dims::from_list(&first.chain(sides).collect::<Vec<_>>())
	};
	let apart = both(|side| side.stride)?;
	let mut image = x.view(both(|_| 1)?)?;
	if image.dims != apart {
		let kind = OpKind::Pad { before: [0; MAX_RANK], fill: 0 };
		image = cx.b.push(kind, DType::F32, apart, vec![image])?;
	}
	let image = image.view(whole)?;
	let cut: Vec<i64> =
		plan.sides.iter().map(|side| (side.before - (side.reach() - 1)).max(0)).collect();
	if cut.iter().all(|&cut| cut == 0) {
		return Ok(image);
	}
	let steps = dims::strides(&image.dims);
	let kept = plan.sides.iter().zip(&cut).map(|(side, cut)| side.input * side.stride - cut);
	let first = first.iter().map(|&dim| i64::from(dim));
	let dims = dims::from_list(&first.chain(kept).collect::<Vec<_>>())?;
	let offset: i64 = cut.iter().zip(&steps[2..]).map(|(cut, step)| cut * step).sum();
	cx.b.strided(&image, dims, offset as u64, &steps)
}
