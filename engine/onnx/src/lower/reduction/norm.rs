//! Normalisations.

use assay_referee::{BinaryFn, ReduceFn, UnaryFn};

use super::reduce::{self, gather_axes, per_row};
use crate::{
	dims::{axes, axis, product},
	error::{ErrorKind, Failure, Result},
	ir::Value,
	lower::Cx,
};

/// One number per channel, with dimensions that broadcast over `[n, c, ..]`.
fn per_channel(values: Value, rank: usize) -> Result<Value> {
	let mut dims = values.dims.clone();
	dims.resize(rank - 1, 1);
	values.view(dims)
}

/// Of the batch while training, otherwise constants.
pub(crate) fn batch_normalization(cx: &mut Cx<'_, '_>) -> Result<Vec<Value>> {
	if cx.flag("training_mode") {
		batch_norm_training(cx)
	} else {
		Ok(vec![batch_norm(cx)?])
	}
}

/// The statistics are constants, so they become one factor and one summand, computed in f64.
fn batch_norm(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let x = cx.float_input(0)?;
	for i in 1..cx.node.outputs.len() {
		cx.refuse_output(i, "training statistics")?;
	}
	if cx.version() < 9 && cx.int("spatial", 1) != 1 {
		return Err(Failure::unsupported(
			"its attribute `spatial` is not supported other than 1: statistics of each place",
		)
		.help("export the model for operator set 9 or later"));
	}
	let channels = match x.dims.get(1) {
		Some(&channels) => channels,
		None => return Err(Failure::invalid("its input has no channels")),
	};
	cx.b.spend(u64::from(channels) * 8)?;
	let list = |i: usize| -> Result<Vec<f64>> {
		let value = cx.float_input(i)?;
		if value.dims != [channels] {
			return Err(Failure::invalid(format!(
				"its input {i} has shape {:?}, where {channels} channels need one number each",
				value.dims
			)));
		}
		let floats = value.floats().ok_or_else(|| {
			Failure::new(ErrorKind::Unsupported, "its statistics are not constants")
		})?;
		Ok(floats.into_iter().map(f64::from).collect())
	};
	let (scales, biases, means, variances) = (list(1)?, list(2)?, list(3)?, list(4)?);
	let epsilon = f64::from(cx.float("epsilon", 1e-5)?);
	let (mut factors, mut summands) = (Vec::new(), Vec::new());
	for (((scale, bias), mean), variance) in scales.iter().zip(biases).zip(means).zip(variances) {
		let factor = scale / (variance + epsilon).sqrt();
		factors.push(factor as f32);
		summands.push((bias - mean * factor) as f32);
	}
	if factors.iter().chain(&summands).any(|x| !x.is_finite()) {
		return Err(Failure::new(ErrorKind::NotFinite, "its statistics give no finite factors"));
	}
	let factors = per_channel(Value::list_f32(&factors, vec![channels]), x.rank())?;
	let summands = per_channel(Value::list_f32(&summands, vec![channels]), x.rank())?;
	let y = cx.b.binary(BinaryFn::Mul, &x, &factors)?;
	cx.b.binary(BinaryFn::Add, &y, &summands)
}

/// The statistics are those of the batch; the running ones are results.
fn batch_norm_training(cx: &mut Cx<'_, '_>) -> Result<Vec<Value>> {
	let x = cx.float_input(0)?;
	if x.rank() < 2 {
		return Err(Failure::invalid("its input has no channels"));
	}
	let others: Vec<usize> = (0..x.rank()).filter(|&d| d != 1).collect();
	let count: u64 = others.iter().map(|&d| u64::from(x.dims[d])).product();
	let mean_of = |cx: &mut Cx<'_, '_>, values: &Value| {
		let rows = gather_axes(cx, values, &others)?;
		let sum = cx.b.reduce_last(ReduceFn::Sum, &rows)?;
		reduce::mean(cx, &sum, count)
	};
	let mean = mean_of(cx, &x)?;
	let shifted = cx.b.binary(BinaryFn::Sub, &x, &per_channel(mean.clone(), x.rank())?)?;
	let square = cx.b.binary(BinaryFn::Mul, &shifted, &shifted)?;
	let variance = mean_of(cx, &square)?;
	let above = cx.b.binary_scalar(BinaryFn::Add, &variance, cx.float("epsilon", 1e-5)?)?;
	let deviation = cx.b.unary(UnaryFn::Sqrt, &above)?;
	let mut y = cx.b.binary(BinaryFn::Div, &shifted, &per_channel(deviation, x.rank())?)?;
	for (i, function) in [(1, BinaryFn::Mul), (2, BinaryFn::Add)] {
		y = cx.b.binary(function, &y, &per_channel(cx.float_input(i)?, x.rank())?)?;
	}
	let momentum = cx.float("momentum", 0.9)?;
	let mut results = vec![y];
	for (i, current) in [(3, mean), (4, variance)] {
		let old = cx.float_input(i)?;
		let old = cx.b.binary_scalar(BinaryFn::Mul, &old, momentum)?;
		let new = cx.b.binary_scalar(BinaryFn::Mul, &current, 1.0 - momentum)?;
		results.push(cx.b.binary(BinaryFn::Add, &old, &new)?);
	}
	if results[0].dims != x.dims {
		return Err(Failure::invalid("its statistics do not fit its channels"));
	}
	Ok(results)
}

/// Scale and bias are per group before operator set 21, per channel since.
pub(crate) fn group_norm(cx: &mut Cx<'_, '_>) -> Result<Value> {
	cx.refuse_empty()?;
	let x = cx.float_input(0)?;
	let &[n, c, ref rest @ ..] = x.dims.as_slice() else {
		return Err(Failure::invalid("its input has no channels"));
	};
	let groups = u32::try_from(cx.int("num_groups", 0)).unwrap_or(0);
	if groups == 0 || c % groups != 0 {
		return Err(Failure::invalid("its num_groups does not divide its channels"));
	}
	let area = product(rest) as u32;
	let rows = x.view(vec![n, groups, c / groups * area])?;
	let (_, shifted, deviation) = centred(cx, &rows, cx.float("epsilon", 1e-5)?)?;
	let mut y = cx.b.binary(BinaryFn::Div, &shifted, &deviation)?;
	let parts = if cx.opset < 21 { groups } else { c };
	y = y.view(vec![n, parts, c / parts * area])?;
	let scale = cx.float_input(1)?.view(vec![parts, 1])?;
	let bias = cx.float_input(2)?.view(vec![parts, 1])?;
	y = cx.b.binary(BinaryFn::Mul, &y, &scale)?;
	cx.b.binary(BinaryFn::Add, &y, &bias)?.view(x.dims)
}

/// (x - mean) / (deviation + 1e-9) over the given axes.
pub(crate) fn mean_variance_norm(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let x = cx.float_input(0)?;
	let list = cx.ints("axes").unwrap_or(&[0, 2, 3]).to_vec();
	let reduced = axes(&list, x.rank())?;
	let rows = gather_axes(cx, &x, &reduced)?;
	let (mean, _, deviation) = centred(cx, &rows, 0.0)?;
	let mut column = x.dims.clone();
	for &d in &reduced {
		column[d] = 1;
	}
	let shifted = cx.b.binary(BinaryFn::Sub, &x, &mean.view(column.clone())?)?;
	let below = cx.b.binary_scalar(BinaryFn::Add, &deviation, 1e-9)?;
	cx.b.binary(BinaryFn::Div, &shifted, &below.view(column)?)
}

/// For rows `[.., k]`: the mean, x - mean, and √(variance + ε), in two passes; the first and the
/// last have one column.
pub(crate) fn centred(
	cx: &mut Cx<'_, '_>,
	rows: &Value,
	epsilon: f32,
) -> Result<(Value, Value, Value)> {
	let count = rows.dims.last().copied().unwrap_or(1).into();
	let sum = cx.b.reduce_last(ReduceFn::Sum, rows)?;
	let mean = reduce::mean(cx, &sum, count)?;
	let mean = per_row(&mean)?;
	let shifted = cx.b.binary(BinaryFn::Sub, rows, &mean)?;
	let square = cx.b.binary(BinaryFn::Mul, &shifted, &shifted)?;
	let sum = cx.b.reduce_last(ReduceFn::Sum, &square)?;
	let variance = reduce::mean(cx, &sum, count)?;
	let variance = cx.b.binary_scalar(BinaryFn::Add, &variance, epsilon)?;
	let deviation = cx.b.unary(UnaryFn::Sqrt, &variance)?;
	Ok((mean, shifted, per_row(&deviation)?))
}

pub(crate) fn instance_norm(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let x = cx.float_input(0)?;
	if x.rank() < 3 {
		return Err(Failure::invalid("its input has no spatial dimensions"));
	}
	let (n, c) = (x.dims[0], x.dims[1]);
	let rows = x.view(vec![n, c, product(&x.dims[2..]) as u32])?;
	let epsilon = cx.float("epsilon", 1e-5)?;
	let (_, shifted, deviation) = centred(cx, &rows, epsilon)?;
	let y = cx.b.binary(BinaryFn::Div, &shifted, &deviation)?;
	let scale = cx.float_input(1)?.view(vec![c, 1])?;
	let bias = cx.float_input(2)?.view(vec![c, 1])?;
	let y = cx.b.binary(BinaryFn::Mul, &y, &scale)?;
	cx.b.binary(BinaryFn::Add, &y, &bias)?.view(x.dims)
}

/// x / √(Σ x²), or x / Σ |x|, along one axis.
pub(crate) fn lp_norm(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let x = cx.float_input(0)?;
	let at = axis(cx.int("axis", -1), x.rank())?;
	let parts = match cx.int("p", 2) {
		1 => cx.b.unary(UnaryFn::Abs, &x)?,
		2 => cx.b.binary(BinaryFn::Mul, &x, &x)?,
		other => return Err(Failure::unsupported(format!("p={other} is not supported"))),
	};
	let rows = gather_axes(cx, &parts, &[at])?;
	let mut size = cx.b.reduce_last(ReduceFn::Sum, &rows)?;
	if cx.int("p", 2) == 2 {
		size = cx.b.unary(UnaryFn::Sqrt, &size)?;
	}
	let mut dims = x.dims.clone();
	dims[at] = 1;
	// Where all elements are 0, the result is defined to be 0.
	let is_zero = cx.b.binary(BinaryFn::Equal, &size, &Value::scalar_f32(0.0))?;
	let size = cx.b.select(&is_zero, &Value::scalar_f32(1.0), &size)?;
	cx.b.binary(BinaryFn::Div, &x, &size.view(dims)?)
}
