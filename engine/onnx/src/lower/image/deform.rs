//! `DeformConv`: convolution of windows whose places are computed.

use assay_referee::{Bias, BinaryFn};

use super::taps::{joined, sampled, spread, taps, Method, Outside};
use crate::{
	dims::product,
	error::{Failure, Result},
	ir::Value,
	lower::{
		contraction::windows::{kernel_of, Axis, Windows},
		Cx,
	},
};

/// Sizes of a deformable convolution.
struct Deformed {
	/// Images times groups of offsets.
	batch: u32,
	/// Height and width of the kernel and of the result.
	kernel: [u32; 2],
	out: [u32; 2],
}

impl Deformed {
	fn entries(&self) -> u32 {
		self.kernel[0] * self.kernel[1]
	}

	fn places(&self) -> u32 {
		self.out[0] * self.out[1]
	}

	/// The coordinates along axis `d` of every entry of every window: where it would lie, plus its
	/// offset; `[batch, entries · places]`.
	fn coordinates(
		&self,
		cx: &mut Cx<'_, '_>,
		offset: &Value,
		d: usize,
		axis: &Axis,
	) -> Result<Value> {
		let (entries, places) = (self.entries(), self.places());
		let start = |entry: u32, place: u32| {
			let (width, columns) = (self.kernel[1], self.out[1]);
			let (k, o) = match d {
				0 => (entry / width, place / columns),
				_ => (entry % width, place % columns),
			};
			let at =
				i64::from(o) * i64::from(axis.stride) + i64::from(k) * i64::from(axis.dilation);
			(at - i64::from(axis.before)) as f32
		};
		cx.b.spend(u64::from(entries) * u64::from(places) * 4)?;
		let base: Vec<f32> = (0..entries)
			.flat_map(|entry| (0..places).map(move |place| (entry, place)))
			.map(|(entry, place)| start(entry, place))
			.collect();
		let base = Value::list_f32(&base, vec![entries, places]);
		let first = d as u64 * u64::from(places);
		let step = i64::from(places) * 2;
		let steps = [i64::from(entries) * step, step, 1];
		let part = cx.b.strided(offset, vec![self.batch, entries, places], first, &steps)?;
		cx.b.binary(BinaryFn::Add, &part, &base)?.view(vec![self.batch, entries * places])
	}
}

/// The image sampled at displaced places of every window, then a convolution's product.
pub(crate) fn deform_conv(cx: &mut Cx<'_, '_>) -> Result<Value> {
	cx.refuse_empty()?;
	let (x, weight, offset) = (cx.float_input(0)?, cx.float_input(1)?, cx.float_input(2)?);
	let fail = || Failure::invalid("the shapes of its input, weights and offsets do not fit");
	let (&[n, c, h, w], &[filters, per_group, kh, kw], &[_, _, oh, ow]) =
		(x.dims.as_slice(), weight.dims.as_slice(), offset.dims.as_slice())
	else {
		return Err(Failure::unsupported("it is supported for two spatial dimensions"));
	};
	let number = |name: &str| u32::try_from(cx.int(name, 1)).unwrap_or(0);
	let (groups, offset_groups) = (number("group"), number("offset_group"));
	if groups == 0 || offset_groups == 0 || c % groups != 0 || c % offset_groups != 0 {
		return Err(fail());
	}
	let kernel = kernel_of(cx, &weight)?;
	let plane = Windows::new(cx, &[h, w], &kernel)?.plane()?;
	// Groups divide the channels, so that this is less than the input's size.
	let sizes = Deformed { batch: n * offset_groups, kernel: [kh, kw], out: [oh, ow] };
	let (entries, places) = (sizes.entries(), sizes.places());
	let offsets = product(&[sizes.batch, entries, 2]).saturating_mul(places.into());
	let fits = per_group == c / groups
		&& filters % groups == 0
		&& plane.map(|axis| axis.out) == sizes.out
		&& offset.elements() == offsets;
	if !fits {
		return Err(fail());
	}
	let mut axes = Vec::new();
	for (d, axis) in plane.iter().enumerate() {
		let at = sizes.coordinates(cx, &offset, d, axis)?;
		axes.push(spread(taps(cx, &at, axis.size, Method::Linear, Outside::Zeros)?, d, 2)?);
	}
	let (flat, weights) = joined(cx, &axes, &[h, w])?;
	let own = c / offset_groups;
	let mut y = sampled(cx, &x, [sizes.batch, own], &[h, w], &flat, weights)?;
	if cx.optional(4).is_some() {
		let mask = cx.float_input(4)?.view(vec![sizes.batch, entries * places])?;
		y = cx.b.binary(BinaryFn::Mul, &y, &mask)?;
	}
	// [own, batch, entries · places] to [n · groups, places, channels of the group · entries].
	let y = cx.b.transpose(&y, &[1, 0, 2])?;
	let y = y.view(vec![n * groups, per_group, entries, places])?;
	let b = cx.b.transpose(&y, &[0, 3, 1, 2])?;
	let terms = per_group * entries;
	let b = b.view(vec![n * groups, places, terms])?;
	let rows = filters / groups;
	let a = weight.view(vec![groups, rows, terms])?;
	let bias = match cx.optional(3) {
		None => None,
		Some(_) => {
			let dims = if groups == 1 { vec![rows] } else { vec![groups, rows] };
			Some((Bias::Row, cx.float_input(3)?.view(dims)?))
		},
	};
	cx.b.matmul(a, b, bias, n * groups)?.view(vec![n, filters, oh, ow])
}
