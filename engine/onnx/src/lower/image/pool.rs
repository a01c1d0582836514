//! Pooling: windows are unfolded, then reduced. More than two spatial axes are reduced in turn, the
//! last two first.

use assay_referee::{BinaryFn, DType, OpKind, ReduceFn, UnaryFn};

use crate::{
	dims::product,
	error::{Failure, Result},
	ir::Value,
	lower::{
		contraction::windows::{unfold, Axis, Windows},
		reduction::reduce,
		Cx,
	},
};

fn windows_of(cx: &Cx<'_, '_>, x: &Value) -> Result<Windows> {
	cx.refuse_empty()?;
	let kernel = cx.ints("kernel_shape").unwrap_or_default();
	let sizes = x.dims.get(2..).ok_or_else(|| Failure::invalid("its input has no channels"))?;
	Windows::new(cx, sizes, kernel)
}

/// An axis of `size` that the windows of another axis do not move along.
fn still(size: u32) -> Axis {
	Axis { size, kernel: 1, stride: 1, dilation: 1, before: 0, after: 0, out: size }
}

/// Reduces every window; `fill` stands in the padding.
fn pooled(
	cx: &mut Cx<'_, '_>,
	function: ReduceFn,
	x: &Value,
	windows: &Windows,
	fill: u64,
) -> Result<Value> {
	let (n, channels) = (x.dims[0], x.dims[1]);
	let axes = &windows.0;
	let outer = axes.len().saturating_sub(2);
	let planes: u64 = axes[..outer].iter().map(|axis| u64::from(axis.size)).product();
	// A part of the input's elements, which are fewer than 2^31.
	let mut count = (u64::from(channels) * planes) as u32;
	let plane = Windows(axes[outer..].to_vec()).plane()?;
	let patches = unfold(cx, x, [n, count], &plane, count, fill)?;
	let mut result = cx.b.reduce_last(function, &patches)?;
	for d in (0..outer).rev() {
		count /= axes[d].size;
		let rest: u64 = axes[d + 1..].iter().map(|axis| u64::from(axis.out)).product();
		let plane = [axes[d], still(rest as u32)];
		let patches = unfold(cx, &result, [n, count], &plane, count, fill)?;
		result = cx.b.reduce_last(function, &patches)?;
	}
	result.view(windows.result(x, channels))
}

pub(crate) fn max_pool(cx: &mut Cx<'_, '_>) -> Result<Vec<Value>> {
	let x = cx.input(0)?;
	let windows = windows_of(cx, &x)?;
	if !cx.wants(1) {
		return Ok(vec![pooled(cx, ReduceFn::Max, &x, &windows, ReduceFn::Max.neutral(x.dtype))?]);
	}
	let (plane, [n, c]) = (windows.plane()?, [x.dims[0], x.dims[1]]);
	let patches = unfold(cx, &x, [n, c], &plane, c, ReduceFn::Max.neutral(x.dtype))?;
	let largest = cx.b.reduce_last(ReduceFn::Max, &patches)?;
	let place = reduce::arg_max_rows(cx, &patches)?;
	// What is at that place of that window, in an image of its own pixels' indices.
	let [height, width] = plane.map(|axis| axis.size);
	let pixels = match cx.int("storage_order", 0) {
		0 => cx.b.iota(height * width)?.view(vec![height, width])?,
		_ => {
			let columns = cx.b.iota(height * width)?.view(vec![width, height])?;
			cx.b.transpose(&columns, &[1, 0])?
		},
	};
	let indices = unfold(cx, &pixels, [1, 1], &plane, 1, 0)?;
	let &[_, _, count, terms] = indices.dims.as_slice() else {
		return Err(Failure::invalid("its input is no image"));
	};
	let first = cx.b.iota(count)?;
	let first = cx.b.binary(BinaryFn::Mul, &first, &Value::scalar(DType::I64, terms.into()))?;
	let at = cx.b.binary(BinaryFn::Add, &place, &first)?;
	let flat = indices.view(vec![indices.elements() as u32])?;
	let dims = at.dims.clone();
	let inside = cx.b.push(OpKind::Gather { axis: 0 }, DType::I64, dims, vec![flat, at])?;
	let area = i64::from(height) * i64::from(width);
	let planes = cx.b.iota(n * c)?.view(vec![n, c, 1])?;
	let planes = cx.b.binary(BinaryFn::Mul, &planes, &Value::scalar(DType::I64, area))?;
	let indices = cx.b.binary(BinaryFn::Add, &inside, &planes)?;
	let dims = windows.result(&x, c);
	Ok(vec![largest.view(dims.clone())?, indices.view(dims)?])
}

pub(crate) fn average_pool(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let x = cx.float_input(0)?;
	let windows = windows_of(cx, &x)?;
	let sum = pooled(cx, ReduceFn::Sum, &x, &windows, 0)?;
	let places: u64 = windows.0.iter().map(|axis| u64::from(axis.out)).product();
	let work: u64 = windows.0.iter().map(|axis| u64::from(axis.out) * u64::from(axis.kernel)).sum();
	cx.b.spend(places.saturating_mul(4))?;
	cx.b.spend(work)?;
	let mut counts = vec![1u64];
	for axis in &windows.0 {
		let along = axis.counts(cx.flag("count_include_pad"));
		counts = counts.iter().flat_map(|c| along.iter().map(move |a| c * a)).collect();
	}
	if counts.iter().all(|count| *count == counts[0]) {
		return reduce::mean(cx, &sum, counts[0]);
	}
	let counts: Vec<f32> = counts.iter().map(|&count| count as f32).collect();
	let dims = windows.0.iter().map(|axis| axis.out).collect();
	cx.b.binary(BinaryFn::Div, &sum, &Value::list_f32(&counts, dims))
}

/// |x|^p.
fn power(cx: &mut Cx<'_, '_>, x: &Value, p: i64) -> Result<Value> {
	match p {
		1 => cx.b.unary(UnaryFn::Abs, x),
		2 => cx.b.binary(BinaryFn::Mul, x, x),
		3.. => {
			let size = cx.b.unary(UnaryFn::Abs, x)?;
			cx.b.binary_scalar(BinaryFn::Pow, &size, p as f32)
		},
		_ => Err(Failure::invalid(format!("p={p} is no norm"))),
	}
}

/// x^(1/p) for x that are not negative.
fn root(cx: &mut Cx<'_, '_>, x: &Value, p: i64) -> Result<Value> {
	match p {
		1 => Ok(x.clone()),
		2 => cx.b.unary(UnaryFn::Sqrt, x),
		_ => cx.b.binary_scalar(BinaryFn::Pow, x, (1.0 / p as f64) as f32),
	}
}

pub(crate) fn lp_pool(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let x = cx.float_input(0)?;
	let windows = windows_of(cx, &x)?;
	let p = cx.int("p", 2);
	let powers = power(cx, &x, p)?;
	let sum = pooled(cx, ReduceFn::Sum, &powers, &windows, 0)?;
	root(cx, &sum, p)
}

pub(crate) fn global_lp_pool(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let x = cx.float_input(0)?;
	if x.rank() < 2 {
		return Err(Failure::invalid("its input has no channels"));
	}
	let p = cx.int("p", 2);
	let powers = power(cx, &x, p)?;
	let rows = powers.view(vec![x.dims[0], x.dims[1], product(&x.dims[2..]) as u32])?;
	let sum = cx.b.reduce_last(ReduceFn::Sum, &rows)?;
	let mut out = x.dims[..2].to_vec();
	out.resize(x.rank(), 1);
	root(cx, &sum, p)?.view(out)
}

/// x / (bias + alpha / size · Σ x²)^beta, the sum over `size` channels around the own one.
pub(crate) fn local_response_norm(cx: &mut Cx<'_, '_>) -> Result<Value> {
	cx.refuse_empty()?;
	let x = cx.float_input(0)?;
	let &[n, c, ref rest @ ..] = x.dims.as_slice() else {
		return Err(Failure::invalid("its input has no channels"));
	};
	let size = u32::try_from(cx.int("size", 0)).ok().filter(|size| (1..=1 << 16).contains(size));
	let size = size.ok_or_else(|| Failure::invalid("its size is out of range"))?;
	let area = product(rest) as u32;
	let channels = Axis {
		size: c,
		kernel: size,
		stride: 1,
		dilation: 1,
		before: (size - 1) / 2,
		after: size / 2,
		out: c,
	};
	let square = cx.b.binary(BinaryFn::Mul, &x, &x)?;
	let patches = unfold(cx, &square, [n, 1], &[channels, still(area)], 1, 0)?;
	let sum = cx.b.reduce_last(ReduceFn::Sum, &patches)?.view(x.dims.clone())?;
	let alpha = cx.float("alpha", 1e-4)? / size as f32;
	let scaled = cx.b.binary_scalar(BinaryFn::Mul, &sum, alpha)?;
	let based = cx.b.binary_scalar(BinaryFn::Add, &scaled, cx.float("bias", 1.0)?)?;
	let below = match cx.float("beta", 0.75)? {
		// What nearly every model has: two square roots are exact to the last bit but one, and cost a
		// tenth of a power.
		0.75 => {
			let half = cx.b.unary(UnaryFn::Sqrt, &based)?;
			let quarter = cx.b.unary(UnaryFn::Sqrt, &half)?;
			cx.b.binary(BinaryFn::Mul, &half, &quarter)?
		},
		beta => cx.b.binary_scalar(BinaryFn::Pow, &based, beta)?,
	};
	cx.b.binary(BinaryFn::Div, &x, &below)
}
