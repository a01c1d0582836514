//! Reshaping, which is free, and what reads or makes shapes and constants.

use assay_referee::{BinaryFn, DType};

use crate::{
	dims::{self, axes, axis, product},
	error::{ErrorKind, Failure, Result, KNOWN_SHAPES},
	ir::Value,
	lower::Cx,
};

pub(crate) fn reshape(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let x = cx.input(0)?;
	let list = cx.list("shape", 1)?.ok_or_else(|| Failure::invalid("its shape is missing"))?;
	let fail = || Failure::invalid(format!("{:?} cannot be reshaped to {list:?}", x.dims));
	let zero_is_zero = cx.flag("allowzero");
	let mut dims = Vec::new();
	let mut open = None;
	for (i, &size) in list.iter().enumerate() {
		dims.push(match size {
			0 if !zero_is_zero => *x.dims.get(i).ok_or_else(fail)?,
			-1 if open.is_none() => {
				open = Some(i);
				1
			},
			size => u32::try_from(size).map_err(|_| fail())?,
		});
	}
	if let Some(open) = open {
		dims::check_dims(&dims)?;
		let known = product(&dims);
		if known == 0 || x.elements() % known != 0 {
			return Err(fail());
		}
		dims[open] = u32::try_from(x.elements() / known).map_err(|_| fail())?;
	}
	x.view(dims)
}

pub(crate) fn flatten(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let x = cx.input(0)?;
	let at = match cx.int("axis", 1) {
		end if end == x.rank() as i64 => x.rank(),
		other => axis(other, x.rank())?,
	};
	x.view(vec![product(&x.dims[..at]) as u32, product(&x.dims[at..]) as u32])
}

pub(crate) fn squeeze(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let x = cx.input(0)?;
	let removed = match cx.list("axes", 1)? {
		Some(list) => axes(&list, x.rank())?,
		None => (0..x.rank()).filter(|&d| x.dims[d] == 1).collect(),
	};
	if removed.iter().any(|&d| x.dims[d] != 1) {
		return Err(Failure::invalid(format!("{:?} has more than 1 along {removed:?}", x.dims)));
	}
	let kept: Vec<u32> =
		(0..x.rank()).filter(|d| !removed.contains(d)).map(|d| x.dims[d]).collect();
	x.view(kept)
}

pub(crate) fn unsqueeze(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let x = cx.input(0)?;
	let list = cx.list("axes", 1)?.ok_or_else(|| Failure::invalid("its axes are missing"))?;
	let rank = x.rank() + list.len();
	dims::check_dims(&vec![1; rank])?;
	let added = axes(&list, rank)?;
	let mut old = x.dims.iter().copied();
	let dims: Vec<u32> =
		(0..rank).map(|d| if added.contains(&d) { 1 } else { old.next().unwrap_or(1) }).collect();
	x.view(dims)
}

pub(crate) fn shape(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let x = cx.input(0)?;
	let rank = x.rank() as i64;
	let at = |i: i64| if i < 0 { i.saturating_add(rank) } else { i }.clamp(0, rank) as usize;
	let (start, end) = (at(cx.int("start", 0)), at(cx.int("end", rank)));
	let dims: Vec<i64> = x.dims[start..end.max(start)].iter().map(|&dim| dim.into()).collect();
	Ok(Value::list_i64(&dims))
}

pub(crate) fn constant_node(cx: &mut Cx<'_, '_>) -> Result<Value> {
	if let Some(tensor) = cx.tensor("value") {
		return cx.b.constant(tensor);
	}
	if cx.has("value_float") {
		return Ok(Value::scalar_f32(cx.float("value_float", 0.0)?));
	}
	if cx.has("value_int") {
		return Ok(Value::scalar(DType::I64, cx.int("value_int", 0)));
	}
	if let Some(list) = cx.floats("value_floats") {
		if list.iter().any(|x| x.is_nan()) {
			return Err(Failure::new(ErrorKind::NotFinite, "its value is NaN"));
		}
		// A body makes it again in every turn.
		cx.b.spend(list.len() as u64 * 4)?;
		return Ok(Value::list_f32(list, vec![list.len() as u32]));
	}
	if let Some(list) = cx.ints("value_ints") {
		cx.b.spend(list.len() as u64 * 8)?;
		return Ok(Value::list_i64(list));
	}
	Err(Failure::unsupported("its value is text, sparse or missing"))
}

pub(crate) fn constant_of_shape(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let list = cx.list_input(0)?.ok_or_else(|| Failure::invalid("its shape is missing"))?;
	let dims = dims::from_list(&list)?;
	let one = match cx.tensor("value") {
		Some(tensor) => cx.b.constant(tensor)?,
		None => Value::scalar_f32(0.0),
	};
	let Some(element) = one.bytes().filter(|_| one.elements() == 1) else {
		return Err(Failure::invalid("its value is not one element"));
	};
	let elements = product(&dims);
	if !cx.b.affords(elements * one.dtype.size()) {
		return cx.b.expand(&one.view(vec![])?, dims);
	}
	cx.b.spend(elements * one.dtype.size())?;
	let bytes = element.repeat(elements as usize);
	Ok(Value::constant(one.dtype, dims, bytes).tagged(one.element))
}

/// `ExpandDims`: one more axis, at the position in its second input.
pub(crate) fn expand_dims(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let x = cx.input(0)?;
	let at = match cx.list_input(1)?.as_deref() {
		Some(&[at]) => axis(at, x.rank() + 1)?,
		_ => return Err(Failure::invalid("its axis is not one number")),
	};
	let mut dims = x.dims.clone();
	dims.insert(at, 1);
	x.view(dims)
}

pub(crate) fn range(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let (start, limit) = (cx.input(0)?, cx.input(1)?);
	// That of `com.microsoft` may leave it out.
	let step = cx.optional(2).unwrap_or_else(|| Value::scalar(start.dtype, 1));
	let values = [start, limit, step];
	if values.iter().any(|value| !value.is_constant()) {
		return Err(Failure::new(
			ErrorKind::DynamicShape,
			"its limits depend on the model's input",
		)
		.help(KNOWN_SHAPES));
	}
	let dtype = values[0].dtype;
	let (count, start, step) = match dtype {
		DType::F32 => {
			let [start, limit, step] =
				values.each_ref().map(|value| value.uniform_f32().unwrap_or(f32::NAN));
			let count = ((f64::from(limit) - f64::from(start)) / f64::from(step)).ceil().max(0.0);
			if !(count.is_finite() && step != 0.0) {
				return Err(Failure::invalid("its limits give no list"));
			}
			(count as u64, values[0].view(vec![])?, values[2].view(vec![])?)
		},
		_ => {
			let numbers = values.each_ref().map(|value| match value.whole_numbers().as_deref() {
				Some(&[number]) => Ok(i128::from(number)),
				_ => Err(Failure::invalid("its limits are not single numbers")),
			});
			let [start, limit, step] = numbers;
			let (start, limit, step) = (start?, limit?, step?);
			if step == 0 {
				return Err(Failure::invalid("its step is 0"));
			}
			let span = if step > 0 { limit - start } else { start - limit };
			let count = span.max(0).unsigned_abs().div_ceil(step.unsigned_abs());
			let count = u64::try_from(count).unwrap_or(u64::MAX);
			(count, values[0].view(vec![])?, values[2].view(vec![])?)
		},
	};
	let dims = dims::from_list(&[i64::try_from(count).unwrap_or(i64::MAX)])?;
	cx.b.spend(count * 8)?;
	let positions: Vec<i64> = (0..count as i64).collect();
	if positions.is_empty() {
		return Ok(Value::constant(dtype, dims, Vec::new()));
	}
	let positions = cx.b.cast(&Value::list_i64(&positions), dtype)?;
	let scaled = cx.b.binary(BinaryFn::Mul, &positions, &step)?;
	cx.b.binary(BinaryFn::Add, &start, &scaled)
}

pub(crate) fn one_hot(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let (indices, depth, values) = (cx.input(0)?, cx.input(1)?, cx.input(2)?);
	let depth = match (depth.whole_numbers().as_deref(), depth.floats().as_deref()) {
		(Some(&[depth]), _) => depth,
		(None, Some(&[depth])) => depth as i64,
		_ => return Err(Failure::new(ErrorKind::DynamicShape, "its depth is not a constant")),
	};
	if indices.dtype == DType::Bool || values.elements() != 2 {
		return Err(Failure::invalid("its indices or values have the wrong type"));
	}
	let depth = dims::from_list(&[depth])?[0];
	let rank = indices.rank() + 1;
	let at = axis(cx.int("axis", -1), rank)?;
	let mut dims = indices.dims.clone();
	dims.insert(at, 1);
	let hot = cx.b.cast(&indices, DType::I64)?.view(dims)?;
	// Negative indices count from the end.
	let zero = Value::scalar(DType::I64, 0);
	let wrapped = cx.b.binary(BinaryFn::Add, &hot, &Value::scalar(DType::I64, depth.into()))?;
	let negative = cx.b.binary(BinaryFn::Less, &hot, &zero)?;
	let hot = cx.b.select(&negative, &wrapped, &hot)?;
	let mut line = vec![1; rank];
	line[at] = depth;
	let classes = cx.b.iota(depth)?.view(line)?;
	let is_hot = cx.b.binary(BinaryFn::Equal, &hot, &classes)?;
	let flat = values.view(vec![2])?;
	let off = cx.b.strided(&flat, vec![1], 0, &[0])?;
	let on = cx.b.strided(&flat, vec![1], 1, &[0])?;
	cx.b.select(&is_hot, &on, &off)
}

/// The number of elements.
pub(crate) fn size(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let x = cx.input(0)?;
	Ok(Value::scalar(DType::I64, x.elements() as i64))
}
