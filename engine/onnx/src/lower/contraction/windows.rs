//! Windows of images: unfolded, then multiplied or reduced. Of more than two spatial axes the outer ones
//! are unfolded one after another, each into channels and entries of the batch.

use assay_referee::{Bias, OpKind};

use crate::{
	dims::{self, check_dims, product},
	error::{shown, Failure, Result},
	ir::Value,
	lower::Cx,
};

/// How windows lie along one axis.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Axis {
	/// Elements of the input.
	pub(crate) size: u32,
	pub(crate) kernel: u32,
	pub(crate) stride: u32,
	pub(crate) dilation: u32,
	/// Padding before the first element.
	pub(crate) before: u32,
	/// Padding after the last element.
	pub(crate) after: u32,
	/// Number of windows.
	pub(crate) out: u32,
}

/// An axis that windows do not move along.
const STILL: Axis =
	Axis { size: 1, kernel: 1, stride: 1, dilation: 1, before: 0, after: 0, out: 1 };

/// How windows lie on the spatial axes of a tensor `[n, c, ..]`.
#[derive(Debug)]
pub(crate) struct Windows(pub(crate) Vec<Axis>);

/// Largest kernel size, stride, dilation or padding.
const MOST: i64 = 1 << 20;

/// An attribute with one entry per axis, each at least `least`.
fn entries(cx: &Cx<'_, '_>, name: &str, default: i64, len: usize, least: i64) -> Result<Vec<u32>> {
	let list = match cx.ints(name) {
		Some(list) if list.len() == len => list.to_vec(),
		None => vec![default; len],
		Some(list) => {
			return Err(Failure::invalid(format!("{name} {list:?} should have {len} entries")));
		},
	};
	if list.iter().all(|value| (least..=MOST).contains(value)) {
		Ok(list.iter().map(|&value| value as u32).collect())
	} else {
		Err(Failure::invalid(format!("{name} {list:?} is out of range")))
	}
}

impl Windows {
	/// The windows of a node with the usual attributes on the last `sizes.len()` axes.
	pub(crate) fn new(cx: &Cx<'_, '_>, sizes: &[u32], kernel: &[i64]) -> Result<Windows> {
		let mut windows = Windows::unplaced(cx, sizes, kernel)?;
		let auto_pad = cx.word("auto_pad", "NOTSET")?;
		for axis in &mut windows.0 {
			axis.place(auto_pad, cx.flag("ceil_mode"))?;
		}
		Ok(windows)
	}

	/// The attributes alone: no padding but the declared one, no number of windows.
	pub(crate) fn unplaced(cx: &Cx<'_, '_>, sizes: &[u32], kernel: &[i64]) -> Result<Windows> {
		let spatial = sizes.len();
		let in_range = kernel.iter().all(|value| (1..=MOST).contains(value));
		if spatial == 0 || kernel.len() != spatial || !in_range {
			return Err(Failure::invalid(format!(
				"kernel shape {kernel:?} does not fit its input"
			)));
		}
		let pads = entries(cx, "pads", 0, spatial * 2, 0)?;
		let strides = entries(cx, "strides", 1, spatial, 1)?;
		let dilations = entries(cx, "dilations", 1, spatial, 1)?;
		let axis = |d: usize| Axis {
			size: sizes[d],
			kernel: kernel[d] as u32,
			stride: strides[d],
			dilation: dilations[d],
			before: pads[d],
			after: pads[spatial + d],
			out: 1,
		};
		Ok(Windows((0..spatial).map(axis).collect()))
	}

	/// The windows of `x [n, c, ..]`: `[n · outer windows, groups, oh·ow, (c/groups) · kernel]`, the outer
	/// windows being those of the axes before the last two.
	pub(crate) fn patches(
		&self,
		cx: &mut Cx<'_, '_>,
		x: &Value,
		groups: u32,
		fill: u64,
	) -> Result<Value> {
		let (mut n, mut c, mut image) = (x.dims[0], x.dims[1], x.clone());
		let mut axes = self.0.as_slice();
		while let [axis, rest @ ..] = axes {
			if rest.len() < 2 {
				break;
			}
			// What windows along this axis leave as it is, which is a part of the input.
			let area: u32 = rest.iter().map(|axis| axis.size).product();
			let plane = [*axis, Axis { size: area, out: area, ..STILL }];
			let patches = unfold(cx, &image, [n, c], &plane, c, fill)?;
			let apart = patches.view(vec![n, c, axis.out, area, axis.kernel])?;
			image = cx.b.transpose(&apart, &[0, 2, 1, 4, 3])?;
			(n, c) = (image.dims[0] * image.dims[1], image.dims[2] * image.dims[3]);
			axes = rest;
		}
		unfold(cx, &image, [n, c], &Windows(axes.to_vec()).plane()?, groups, fill)
	}

	/// The result `[n, filters, ..]` from what was computed for each of [`Windows::patches`]:
	/// `[.., filters, oh·ow]`.
	pub(crate) fn restored(
		&self,
		cx: &mut Cx<'_, '_>,
		y: &Value,
		x: &Value,
		filters: u32,
	) -> Result<Value> {
		let (outer, inner) = self.0.split_at(self.0.len().saturating_sub(2));
		let windows = |axes: &[Axis]| axes.iter().map(|axis| i64::from(axis.out)).product::<i64>();
		let dims = self.result(x, filters);
		if outer.is_empty() {
			return y.view(dims);
		}
		let apart = [x.dims[0].into(), windows(outer), filters.into(), windows(inner)];
		let apart = y.view(dims::from_list(&apart)?)?;
		cx.b.transpose(&apart, &[0, 2, 1, 3])?.view(dims)
	}

	/// The two axes of an image; one-dimensional signals are images of height 1.
	pub(crate) fn plane(&self) -> Result<[Axis; 2]> {
		match self.0.as_slice() {
			&[x] => Ok([STILL, x]),
			&[y, x] => Ok([y, x]),
			more => Err(Failure::unsupported(format!(
				"it is supported for 1 and 2 spatial dimensions, its input has {}",
				more.len()
			))),
		}
	}

	/// The shape of the result with `channels` channels.
	pub(crate) fn result(&self, x: &Value, channels: u32) -> Vec<u32> {
		let mut dims = vec![x.dims[0], channels];
		dims.extend(self.0.iter().map(|axis| axis.out));
		dims
	}
}

impl Axis {
	/// Elements that a window spans.
	fn reach(&self) -> u64 {
		u64::from(self.dilation) * (u64::from(self.kernel) - 1) + 1
	}

	/// Sets the padding that `auto_pad` asks for and the number of windows.
	pub(crate) fn place(&mut self, auto_pad: &str, ceil: bool) -> Result<()> {
		let (size, stride, reach) = (u64::from(self.size), u64::from(self.stride), self.reach());
		match auto_pad {
			"NOTSET" | "" => {},
			"VALID" => (self.before, self.after) = (0, 0),
			"SAME_UPPER" | "SAME_LOWER" => {
				let out = size.div_ceil(stride);
				let total = (out.saturating_sub(1) * stride + reach).saturating_sub(size);
				let small = (total / 2) as u32;
				let large = (total - total / 2) as u32;
				(self.before, self.after) =
					if auto_pad == "SAME_UPPER" { (small, large) } else { (large, small) };
			},
			other => {
				let other = shown(other);
				return Err(Failure::invalid(format!("auto_pad `{other}` does not exist")));
			},
		}
		let before = u64::from(self.before);
		let padded = size + before + u64::from(self.after);
		let room = padded.checked_sub(reach).ok_or_else(|| {
			Failure::invalid(format!(
				"a window of {reach} is larger than the padded input of {padded}"
			))
		})?;
		let mut out = if ceil { room.div_ceil(stride) } else { room / stride } + 1;
		if ceil && (out - 1) * stride >= size + before {
			// A window must start inside the input or the padding before it.
			out -= 1;
		}
		self.out = u32::try_from(out).map_err(|_| Failure::too_large("too many windows"))?;
		Ok(())
	}

	/// How many elements of each window lie in the input or, on request, in its declared padding.
	pub(crate) fn counts(&self, with_padding: bool) -> Vec<u64> {
		let (size, before) = (u64::from(self.size), u64::from(self.before));
		let (low, high) = if with_padding {
			(0, size + before + u64::from(self.after))
		} else {
			(before, before + size)
		};
		let inside = |window: u64, k: u64| {
			let at = window * u64::from(self.stride) + k * u64::from(self.dilation);
			(low..high).contains(&at)
		};
		(0..u64::from(self.out))
			.map(|window| (0..u64::from(self.kernel)).filter(|&k| inside(window, k)).count() as u64)
			.collect()
	}
}

/// The windows of `x`, seen as `[n, c, height, width]`: `[n, groups, oh·ow, (c/groups)·kh·kw]`.
pub(crate) fn unfold(
	cx: &mut Cx<'_, '_>,
	x: &Value,
	[n, c]: [u32; 2],
	plane: &[Axis; 2],
	groups: u32,
	fill: u64,
) -> Result<Value> {
	let pair = |field: fn(&Axis) -> u32| plane.each_ref().map(field);
	let (out, kernel) = (pair(|axis| axis.out), pair(|axis| axis.kernel));
	let windows = u64::from(out[0]) * u64::from(out[1]);
	let terms = u64::from(c / groups) * product(&kernel);
	let too_large = |_| Failure::too_large("its windows exceed 1 GiB");
	let windows = u32::try_from(windows).map_err(too_large)?;
	let terms = u32::try_from(terms).map_err(too_large)?;
	let dims = vec![n, groups, windows, terms];
	check_dims(&dims)?;
	let image = x.view(vec![n, c, plane[0].size, plane[1].size])?;
	let kind = OpKind::Unfold {
		kernel,
		stride: pair(|axis| axis.stride),
		dilation: pair(|axis| axis.dilation),
		pad: pair(|axis| axis.before),
		out,
		groups,
		fill,
	};
	cx.b.push(kind, x.dtype, dims, vec![image])
}

/// The kernel's shape, which the weights have and an attribute may say besides.
pub(crate) fn kernel_of(cx: &Cx<'_, '_>, weight: &Value) -> Result<Vec<i64>> {
	let kernel: Vec<i64> = weight.dims.iter().skip(2).map(|&dim| dim.into()).collect();
	if cx.ints("kernel_shape").is_some_and(|declared| declared != kernel) {
		return Err(Failure::invalid("kernel_shape is not the weights' shape"));
	}
	Ok(kernel)
}

/// The kernel's shape and the number of groups of a convolution.
pub(crate) fn conv_form(cx: &Cx<'_, '_>, x: &Value, weight: &Value) -> Result<(Vec<i64>, u32)> {
	cx.refuse_empty()?;
	if x.rank() != weight.rank() || x.rank() < 3 {
		return Err(Failure::invalid(format!(
			"an input of shape {:?} and weights of shape {:?}",
			x.dims, weight.dims
		)));
	}
	let kernel = kernel_of(cx, weight)?;
	let groups = u32::try_from(cx.int("group", 1)).unwrap_or(0);
	let (channels, filters) = (x.dims[1], weight.dims[0]);
	let divides = groups > 0 && channels % groups == 0 && filters % groups == 0;
	if !divides || weight.dims[1] != channels / groups {
		return Err(Failure::invalid(format!(
			"weights of shape {:?} in {groups} groups do not fit {channels} channels",
			weight.dims
		)));
	}
	Ok((kernel, groups))
}

/// The sums of a convolution of floats with a bias per filter or none:
/// `[n · groups, filters / groups, places]`.
pub(crate) fn convolved(
	cx: &mut Cx<'_, '_>,
	[x, weight]: [&Value; 2],
	bias: Option<Value>,
	groups: u32,
	windows: &Windows,
) -> Result<Value> {
	// Padding takes part in the contraction as +0.
	let patches = windows.patches(cx, x, groups, 0)?;
	let &[n, _, places, terms] = patches.dims.as_slice() else {
		return Err(Failure::invalid("its input is no image"));
	};
	let batch = u64::from(n) * u64::from(groups);
	let batch = u32::try_from(batch).map_err(|_| Failure::too_large("too many groups"))?;
	let rows = weight.dims[0] / groups;
	let a = weight.view(vec![groups, rows, terms])?;
	let b = patches.view(vec![batch, places, terms])?;
	let bias = match bias {
		None => None,
		Some(bias) => {
			let dims = if groups == 1 { vec![rows] } else { vec![groups, rows] };
			Some((Bias::Row, bias.view(dims)?))
		},
	};
	cx.b.matmul(a, b, bias, batch)
}

/// A parameter per filter as it broadcasts over `[n, filters, ..]`, of so many dimensions.
pub(crate) fn per_filter(value: Value, rank: usize) -> Result<Value> {
	if value.elements() == 1 {
		return value.view(vec![]);
	}
	let mut dims = value.dims.clone();
	dims.resize(rank - 1, 1);
	value.view(dims)
}
