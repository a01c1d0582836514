//! Values replaced by others: missing ones, categories, labels.

use std::collections::HashMap;

use assay_referee::{BinaryFn, DType, OpKind, ReduceFn, UnaryFn};

use crate::{
	dims::check_dims,
	error::{Failure, Result},
	ir::Value,
	lower::Cx,
};

/// What equals one value becomes another, one for all features or one for each.
pub(crate) fn imputer(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let x = cx.input(0)?;
	let (list, is_missing) = match x.dtype {
		DType::F32 => {
			let list = cx.floats("imputed_value_floats").unwrap_or_default();
			let missing = cx.any_float("replaced_value_float", 0.0);
			let is_missing = if missing.is_nan() {
				cx.b.unary(UnaryFn::IsNan, &x)?
			} else {
				cx.b.binary_scalar(BinaryFn::Equal, &x, missing)?
			};
			(Value::list_f32(list, vec![list.len() as u32]), is_missing)
		},
		DType::I64 => {
			let list = cx.ints("imputed_value_int64s").unwrap_or_default();
			let missing = Value::scalar(DType::I64, cx.int("replaced_value_int64", 0));
			(Value::list_i64(list), cx.b.binary(BinaryFn::Equal, &x, &missing)?)
		},
		other => return Err(Failure::unsupported(format!("an input of {other:?}"))),
	};
	let features = x.dims.last().copied().unwrap_or(1);
	let is_nan = list.floats().is_some_and(|list| list.iter().any(|value| value.is_nan()));
	if is_nan || (list.elements() != 1 && list.elements() != u64::from(features)) {
		return Err(Failure::invalid("its imputed values do not fit its features"));
	}
	cx.b.select(&is_missing, &list, &x)
}

/// Features of several inputs side by side, as floats.
pub(crate) fn feature_vectorizer(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let inputs = cx.all_inputs()?;
	let widths = cx.ints("inputdimensions").map(<[i64]>::to_vec);
	let mut parts = Vec::new();
	for (i, x) in inputs.iter().enumerate() {
		let x = cx.b.cast(x, DType::F32)?;
		let x = match *x.dims.as_slice() {
			[width] => x.view(vec![1, width])?,
			[_, _] => x,
			_ => return Err(Failure::invalid("an input is neither a list nor rows")),
		};
		let width = widths.as_ref().map_or(Some(i64::from(x.dims[1])), |list| list.get(i).copied());
		if width != Some(x.dims[1].into())
			|| x.dims[0] != parts.first().map_or(x.dims[0], |first: &Value| first.dims[0])
		{
			return Err(Failure::invalid("an input does not have its declared dimensions"));
		}
		parts.push(x);
	}
	if widths.is_some_and(|list| list.len() != inputs.len()) {
		return Err(Failure::invalid("its inputdimensions are not as many as its inputs"));
	}
	cx.b.concat(&parts, 1)
}

/// One more dimension, which has 1 at the category and 0 elsewhere, or everywhere if there is no such category.
pub(crate) fn one_hot_encoder(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let x = cx.input(0)?;
	if cx.int("zeros", 1) == 0 {
		return Err(Failure::unsupported("zeros=0, for which an unknown category is an error"));
	}
	let Some(categories) = cx.ints("cats_int64s").filter(|list| !list.is_empty()) else {
		return Err(Failure::unsupported("its categories are texts, or there are none"));
	};
	cx.b.spend(categories.len() as u64 * 8)?;
	let whole = cx.b.cast(&x, DType::I64)?;
	let mut dims = x.dims;
	dims.push(1);
	check_dims(&dims)?;
	let same = cx.b.binary(BinaryFn::Equal, &whole.view(dims)?, &Value::list_i64(categories))?;
	cx.b.cast(&same, DType::F32)
}

/// A list of keys or values of a `LabelEncoder`: of floats, whole numbers, or a tensor of either.
fn labels(cx: &mut Cx<'_, '_>, of: &str) -> Result<Value> {
	let tensor = if of == "keys" { "keys_tensor" } else { "values_tensor" };
	let (floats, ints) = if of == "keys" {
		("keys_floats", "keys_int64s")
	} else {
		("values_floats", "values_int64s")
	};
	let list = match (cx.floats(floats), cx.ints(ints), cx.tensor(tensor)) {
		(Some(list), None, None) => Value::list_f32(list, vec![list.len() as u32]),
		(None, Some(list), None) => Value::list_i64(list),
		(None, None, Some(tensor)) => {
			let value = cx.b.constant(tensor)?;
			let count = value.elements() as u32;
			value.view(vec![count])?
		},
		_ => return Err(Failure::unsupported(format!("its {of} are texts, missing or twofold"))),
	};
	cx.b.spend(list.elements() * 8)?;
	if list.floats().is_some_and(|list| list.iter().any(|value| value.is_nan())) {
		return Err(Failure::unsupported(format!("one of its {of} is NaN")));
	}
	Ok(list)
}

/// Refuses a key with two values, of which engines take the first or the last.
fn refuse_two_meanings(keys: &Value, values: &Value) -> Result<()> {
	let elements = |value: &Value| {
		let size = value.dtype.size() as usize;
		let bytes = value.bytes().unwrap_or_default();
		bytes.chunks_exact(size).map(<[u8]>::to_vec).collect::<Vec<_>>()
	};
	let mut known = HashMap::new();
	for (key, value) in elements(keys).into_iter().zip(elements(values)) {
		let other = known.insert(key, value.clone());
		if other.is_some_and(|other| other != value) {
			return Err(Failure::unsupported("a key has two values"));
		}
	}
	Ok(())
}

/// Every element is looked up among the keys and becomes the value of the one that equals it, else the default.
pub(crate) fn label_encoder(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let x = cx.input(0)?;
	let (keys, values) = (labels(cx, "keys")?, labels(cx, "values")?);
	let count = keys.elements();
	if keys.dtype != x.dtype || values.elements() != count || count == 0 {
		return Err(Failure::invalid("its keys do not fit its input or its values"));
	}
	refuse_two_meanings(&keys, &values)?;
	let default = match cx.tensor("default_tensor") {
		Some(tensor) => cx.b.constant(tensor)?,
		None => match values.dtype {
			DType::F32 => Value::scalar_f32(cx.float("default_float", -0.0)?),
			dtype => Value::scalar(dtype, cx.int("default_int64", -1)),
		},
	};
	if default.elements() != 1 || default.dtype != values.dtype {
		return Err(Failure::invalid("its default does not have the type of its values"));
	}
	let mut dims = x.dims.clone();
	dims.push(1);
	check_dims(&dims)?;
	let same = cx.b.binary(BinaryFn::Equal, &x.view(dims)?, &keys.view(vec![count as u32])?)?;
	// 1 for the first key, 2 for the second, …; 0 where none is equal, for which the table has the default.
	let numbers: Vec<i64> = (1..=count as i64).collect();
	let zero = Value::scalar(DType::I64, 0);
	let found = cx.b.select(&same, &Value::list_i64(&numbers), &zero)?;
	let place = cx.b.reduce_last(ReduceFn::Max, &found)?;
	let table = cx.b.concat(&[default.view(vec![1])?, values], 0)?;
	let dims = place.dims.clone();
	cx.b.push(OpKind::Gather { axis: 0 }, table.dtype, dims, vec![table, place])
}

/// The values of the map alone: its keys are the labels, in the order in which the file has them.
pub(crate) fn zip_map(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let x = cx.float_input(0)?;
	let words = cx.words("classlabels_strings")?.unwrap_or_default().len();
	let labels = cx.ints("classlabels_int64s").unwrap_or_default().len().max(words);
	if x.dims.last().is_none_or(|&width| width as usize != labels) {
		return Err(Failure::invalid(format!("{labels} labels for values of shape {:?}", x.dims)));
	}
	Ok(x)
}
