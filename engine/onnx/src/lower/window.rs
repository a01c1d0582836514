//! Convolution and pooling: windows are unfolded, then multiplied or reduced.

use assay_referee::{Bias, BinaryFn, DType, OpKind, ReduceFn};

use super::{one, reduce, Cx};
use crate::build::lowest;
use crate::error::{Failure, Result};
use crate::value::{check_dims, Value};

pub(super) fn lower(cx: &mut Cx<'_, '_>, op_type: &str) -> Option<Result<Vec<Value>>> {
	one(match op_type {
		"Conv" => conv(cx),
		"MaxPool" => max_pool(cx),
		"AveragePool" => average_pool(cx),
		_ => return None,
	})
}

/// How windows lie on an image; one-dimensional signals are images of height 1.
#[derive(Debug)]
pub(super) struct Windows {
	pub(super) image: [u32; 2],
	pub(super) kernel: [u32; 2],
	pub(super) stride: [u32; 2],
	pub(super) dilation: [u32; 2],
	/// Padding above and to the left.
	pub(super) before: [u32; 2],
	/// Padding below and to the right.
	pub(super) after: [u32; 2],
	pub(super) out: [u32; 2],
}

/// Largest kernel size, stride, dilation or padding.
const MOST: i64 = 1 << 20;

impl Windows {
	pub(super) fn new(cx: &Cx<'_, '_>, x: &Value, kernel: &[i64]) -> Result<Windows> {
		let spatial = x.rank().saturating_sub(2);
		if !(1..=2).contains(&spatial) {
			return Err(Failure::unsupported(format!(
				"it is supported for 1 and 2 spatial dimensions, its input is {:?}",
				x.dims
			)));
		}
		let list = |name: &str, default: i64, len: usize, least: i64| -> Result<Vec<i64>> {
			let list = match cx.ints(name) {
				Some(list) if list.len() == len => list.to_vec(),
				None => vec![default; len],
				Some(list) => {
					return Err(Failure::invalid(format!(
						"{name} {list:?} should have {len} entries"
					)));
				},
			};
			match list.iter().all(|value| (least..=MOST).contains(value)) {
				true => Ok(list),
				false => Err(Failure::invalid(format!("{name} {list:?} is out of range"))),
			}
		};
		let in_range = kernel.iter().all(|value| (1..=MOST).contains(value));
		if kernel.len() != spatial || !in_range {
			return Err(Failure::invalid(format!(
				"kernel shape {kernel:?} does not fit its input"
			)));
		}
		let mut pads = list("pads", 0, spatial * 2, 0)?;
		let pads_after = pads.split_off(spatial);
		let pair = |list: &[i64], missing: u32| match *list {
			[x] => [missing, x as u32],
			_ => [list[0] as u32, list[1] as u32],
		};
		let sides: Vec<i64> = x.dims[2..].iter().map(|&dim| dim.into()).collect();
		let mut windows = Windows {
			image: pair(&sides, 1),
			kernel: pair(kernel, 1),
			stride: pair(&list("strides", 1, spatial, 1)?, 1),
			dilation: pair(&list("dilations", 1, spatial, 1)?, 1),
			before: pair(&pads, 0),
			after: pair(&pads_after, 0),
			out: [1, 1],
		};
		let auto_pad = cx.word("auto_pad", "NOTSET")?;
		for d in 0..2 {
			windows.place(d, auto_pad, cx.flag("ceil_mode"))?;
		}
		Ok(windows)
	}

	/// Pixels that a window spans.
	fn reach(&self, d: usize) -> u64 {
		u64::from(self.dilation[d]) * (u64::from(self.kernel[d]) - 1) + 1
	}

	fn place(&mut self, d: usize, auto_pad: &str, ceil: bool) -> Result<()> {
		let (size, stride, reach) =
			(u64::from(self.image[d]), u64::from(self.stride[d]), self.reach(d));
		match auto_pad {
			"NOTSET" | "" => {},
			"VALID" => (self.before[d], self.after[d]) = (0, 0),
			"SAME_UPPER" | "SAME_LOWER" => {
				let out = size.div_ceil(stride);
				let total = ((out - 1) * stride + reach).saturating_sub(size);
				let small = (total / 2) as u32;
				let large = (total - total / 2) as u32;
				(self.before[d], self.after[d]) =
					if auto_pad == "SAME_UPPER" { (small, large) } else { (large, small) };
			},
			other => {
				let other = crate::error::shown(other);
				return Err(Failure::invalid(format!("auto_pad `{other}` does not exist")));
			},
		}
		let before = u64::from(self.before[d]);
		let padded = size + before + u64::from(self.after[d]);
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
		self.out[d] = u32::try_from(out).map_err(|_| Failure::too_large("too many windows"))?;
		Ok(())
	}

	/// `[n, groups, oh·ow, (c/groups)·kh·kw]`.
	pub(super) fn unfold(
		&self,
		cx: &mut Cx<'_, '_>,
		x: &Value,
		groups: u32,
		fill: u64,
	) -> Result<Value> {
		let (n, c) = (x.dims[0], x.dims[1]);
		let windows = u64::from(self.out[0]) * u64::from(self.out[1]);
		let terms = u64::from(c / groups) * u64::from(self.kernel[0]) * u64::from(self.kernel[1]);
		let too_large = |_| Failure::too_large("its windows exceed 1 GiB");
		let windows = u32::try_from(windows).map_err(too_large)?;
		let terms = u32::try_from(terms).map_err(too_large)?;
		let dims = vec![n, groups, windows, terms];
		check_dims(&dims)?;
		let image = x.view(vec![n, c, self.image[0], self.image[1]])?;
		let kind = OpKind::Unfold {
			kernel: self.kernel,
			stride: self.stride,
			dilation: self.dilation,
			pad: self.before,
			out: self.out,
			groups,
			fill,
		};
		cx.b.push(kind, x.dtype, dims, vec![image])
	}

	/// The shape of the result with `channels` channels.
	pub(super) fn result(&self, x: &Value, channels: u32) -> Vec<u32> {
		match x.rank() {
			3 => vec![x.dims[0], channels, self.out[1]],
			_ => vec![x.dims[0], channels, self.out[0], self.out[1]],
		}
	}

	/// How many pixels of each window lie in the image or in its declared padding.
	fn counts(&self, with_padding: bool) -> Vec<f32> {
		let along = |d: usize| -> Vec<u64> {
			let (size, before) = (u64::from(self.image[d]), u64::from(self.before[d]));
			let (low, high) = match with_padding {
				true => (0, size + before + u64::from(self.after[d])),
				false => (before, before + size),
			};
			(0..u64::from(self.out[d]))
				.map(|o| {
					let at =
						|k: u64| o * u64::from(self.stride[d]) + k * u64::from(self.dilation[d]);
					(0..u64::from(self.kernel[d])).filter(|&k| (low..high).contains(&at(k))).count()
						as u64
				})
				.collect()
		};
		let (rows, columns) = (along(0), along(1));
		rows.iter()
			.flat_map(|row| columns.iter().map(move |column| (row * column) as f32))
			.collect()
	}
}

/// The kernel's shape and the number of groups of a convolution.
pub(super) fn conv_form(cx: &Cx<'_, '_>, x: &Value, weight: &Value) -> Result<(Vec<i64>, u32)> {
	if x.rank() != weight.rank() || x.rank() < 3 {
		return Err(Failure::invalid(format!(
			"an input of shape {:?} and weights of shape {:?}",
			x.dims, weight.dims
		)));
	}
	let kernel: Vec<i64> = weight.dims[2..].iter().map(|&dim| dim.into()).collect();
	if cx.ints("kernel_shape").is_some_and(|declared| declared != kernel) {
		return Err(Failure::invalid("kernel_shape is not the weights' shape"));
	}
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

fn conv(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let (x, weight) = (cx.float_input(0)?, cx.float_input(1)?);
	let (kernel, groups) = conv_form(cx, &x, &weight)?;
	let filters = weight.dims[0];
	let windows = Windows::new(cx, &x, &kernel)?;
	// Padding takes part in the contraction as +0.
	let patches = windows.unfold(cx, &x, groups, 0)?;
	let &[n, _, places, terms] = patches.dims.as_slice() else {
		return Err(Failure::invalid("its input is no image"));
	};
	let batch = u64::from(n) * u64::from(groups);
	let batch = u32::try_from(batch).map_err(|_| Failure::too_large("too many groups"))?;
	let rows = filters / groups;
	let a = weight.view(vec![groups, rows, terms])?;
	let b = patches.view(vec![batch, places, terms])?;
	let bias = match cx.optional(2) {
		None => None,
		Some(bias) => {
			if bias.dims != [filters] || bias.dtype != DType::F32 {
				return Err(Failure::invalid("its bias does not fit its weights"));
			}
			let dims = if groups == 1 { vec![rows] } else { vec![groups, rows] };
			Some((Bias::Row, bias.view(dims)?))
		},
	};
	cx.b.matmul(a, b, bias, batch)?.view(windows.result(&x, filters))
}

fn pool_windows(cx: &Cx<'_, '_>, x: &Value) -> Result<Windows> {
	let kernel = cx.ints("kernel_shape").unwrap_or_default().to_vec();
	Windows::new(cx, x, &kernel)
}

fn max_pool(cx: &mut Cx<'_, '_>) -> Result<Value> {
	cx.refuse_output(1, "the indices")?;
	let x = cx.input(0)?;
	let windows = pool_windows(cx, &x)?;
	let patches = windows.unfold(cx, &x, x.dims[1], lowest(x.dtype))?;
	let result = cx.b.reduce_last(ReduceFn::Max, &patches)?;
	result.view(windows.result(&x, x.dims[1]))
}

fn average_pool(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let x = cx.float_input(0)?;
	let windows = pool_windows(cx, &x)?;
	let patches = windows.unfold(cx, &x, x.dims[1], 0)?;
	let sum = cx.b.reduce_last(ReduceFn::Sum, &patches)?;
	cx.b.spend(u64::from(windows.out[0]) * u64::from(windows.out[1]) * 4)?;
	let work = u64::from(windows.out[0]) * u64::from(windows.kernel[0])
		+ u64::from(windows.out[1]) * u64::from(windows.kernel[1]);
	cx.b.spend(work)?;
	let counts = windows.counts(cx.flag("count_include_pad"));
	let result = match counts.iter().all(|count| *count == counts[0]) {
		true => reduce::mean(cx, &sum, counts[0] as u64)?,
		false => {
			let dims = vec![counts.len() as u32];
			cx.b.binary(BinaryFn::Div, &sum, &Value::list_f32(&counts, dims))?
		},
	};
	result.view(windows.result(&x, x.dims[1]))
}
