//! Sequences and optional values: lists that are made and taken apart when the model is compiled.

use std::rc::Rc;

use assay_referee::DType;

use crate::{
	dims::{axis, from_list},
	error::{ErrorKind, Failure, Result},
	ir::{Item, Picked, Value, ELEMENT_BYTES},
	lower::{movement::ranges::part, Cx},
};

fn sequence(cx: &Cx<'_, '_>) -> Result<Rc<Vec<Value>>> {
	match cx.item(0) {
		Some(Item::Sequence(elements)) => Ok(elements),
		_ => Err(Failure::invalid("its input 0 is no sequence")),
	}
}

fn tensor(cx: &Cx<'_, '_>, i: usize) -> Result<Value> {
	match cx.item(i) {
		Some(Item::Tensor(value)) => Ok(value),
		None => Err(Failure::invalid(format!("its input {i} is missing"))),
		Some(Item::Sequence(_)) => {
			Err(Failure::invalid(format!("its input {i} is a sequence, and not a tensor")))
		},
		Some(Item::Picked(_)) => {
			Err(Picked::refused(cx.node.inputs.get(i).copied().unwrap_or_default()))
		},
	}
}

/// A sequence, of tensors of one type.
fn of(cx: &mut Cx<'_, '_>, elements: Vec<Value>) -> Result<Option<Item>> {
	if elements.windows(2).any(|pair| pair[0].element != pair[1].element) {
		return Err(Failure::invalid("its elements have different types"));
	}
	cx.b.spend(elements.len() as u64 * ELEMENT_BYTES)?;
	Ok(Some(Item::Sequence(Rc::new(elements))))
}

/// The position in input `i`, from 0 to `last`; negative ones count from the end of `len` elements.
fn position(cx: &Cx<'_, '_>, i: usize, len: usize, last: usize) -> Result<usize> {
	let value = tensor(cx, i)?;
	if !value.is_constant() {
		let reason = "a position in a sequence depends on the model's input";
		return Err(Failure::new(ErrorKind::DynamicShape, reason)
			.help("fix the input it depends on with --set INPUT=NUMBER"));
	}
	let at = match value.whole_numbers().as_deref() {
		Some(&[at]) => at,
		_ => return Err(Failure::invalid("a position is not one whole number")),
	};
	let at = if at < 0 { at.saturating_add(len as i64) } else { at };
	usize::try_from(at).ok().filter(|&at| at <= last && (at < len || last == len)).ok_or_else(
		|| Failure::invalid(format!("a position lies outside of a sequence of {len} elements")),
	)
}

pub(crate) fn construct(cx: &mut Cx<'_, '_>) -> Result<Option<Item>> {
	let elements = (0..cx.input_count()).map(|i| tensor(cx, i)).collect::<Result<_>>()?;
	of(cx, elements)
}

pub(crate) fn empty(cx: &mut Cx<'_, '_>) -> Result<Option<Item>> {
	of(cx, Vec::new())
}

pub(crate) fn at(cx: &mut Cx<'_, '_>) -> Result<Option<Item>> {
	let elements = sequence(cx)?;
	let at = position(cx, 1, elements.len(), elements.len())?;
	let element = elements.get(at).cloned().map(Item::Tensor);
	let outside = || Failure::invalid(format!("position {at} of a sequence of {}", elements.len()));
	element.map(Some).ok_or_else(outside)
}

pub(crate) fn insert(cx: &mut Cx<'_, '_>) -> Result<Option<Item>> {
	let (elements, new) = (sequence(cx)?, tensor(cx, 1)?);
	let len = elements.len();
	let at = if cx.item(2).is_some() { position(cx, 2, len, len)? } else { len };
	let (before, after) = elements.split_at(at);
	of(cx, before.iter().cloned().chain([new]).chain(after.iter().cloned()).collect())
}

pub(crate) fn erase(cx: &mut Cx<'_, '_>) -> Result<Option<Item>> {
	let elements = sequence(cx)?;
	let Some(last) = elements.len().checked_sub(1) else {
		return Err(Failure::invalid("its sequence is empty"));
	};
	let at = if cx.item(1).is_some() { position(cx, 1, elements.len(), last)? } else { last };
	let kept = elements.iter().enumerate().filter(|(i, _)| *i != at);
	of(cx, kept.map(|(_, element)| element.clone()).collect())
}

pub(crate) fn length(cx: &mut Cx<'_, '_>) -> Result<Option<Item>> {
	let count = sequence(cx)?.len() as i64;
	Ok(Some(Value::scalar(DType::I64, count).into()))
}

/// Parts of a tensor along an axis: of one size, the last perhaps smaller, or of given sizes; without any,
/// single slices, which may leave the axis out.
pub(crate) fn split(cx: &mut Cx<'_, '_>) -> Result<Option<Item>> {
	let x = tensor(cx, 0)?;
	let at = axis(cx.int("axis", 0), x.rank())?;
	let dim = x.dims[at];
	let mut keeps = true;
	let sizes: Vec<u32> = match (cx.item(1), cx.list_input(1)?) {
		(None, _) => {
			keeps = cx.int("keepdims", 1) != 0;
			equal(cx, dim, 1)?
		},
		(Some(_), None) => {
			tensor(cx, 1)?;
			return Err(Failure::invalid("its sizes are no list"));
		},
		(Some(item), Some(list)) => {
			let is_one = item.tensor().is_some_and(|value| value.rank() == 0);
			match list.as_slice() {
				&[size] if is_one => equal(cx, dim, size)?,
				list => from_list_of_parts(list)?,
			}
		},
	};
	if sizes.iter().map(|&size| u64::from(size)).sum::<u64>() != u64::from(dim) {
		return Err(Failure::invalid(format!("its sizes do not add up to an axis of {dim}")));
	}
	let (mut elements, mut start) = (Vec::new(), 0);
	for size in sizes {
		let element = part(cx, &x, at, (start, 1, size))?;
		let mut dims = element.dims.clone();
		if !keeps {
			dims.remove(at);
		}
		elements.push(element.view(dims)?.tagged(x.element));
		start += size;
	}
	of(cx, elements)
}

/// Sizes, each of which is possible; they need not be dimensions of one tensor.
fn from_list_of_parts(list: &[i64]) -> Result<Vec<u32>> {
	list.iter().map(|&size| Ok(from_list(&[size])?[0])).collect()
}

/// Parts of `size` of an axis, the last perhaps smaller.
fn equal(cx: &mut Cx<'_, '_>, dim: u32, size: i64) -> Result<Vec<u32>> {
	let size = u32::try_from(size).ok().filter(|&size| size > 0);
	let size = size.ok_or_else(|| Failure::invalid("a size is not above 0"))?;
	let count = dim.div_ceil(size);
	// Before a list is made of a number in a file.
	cx.b.spend(u64::from(count) * ELEMENT_BYTES)?;
	Ok((0..count).map(|i| (dim - i * size).min(size)).collect())
}

pub(crate) fn concat(cx: &mut Cx<'_, '_>) -> Result<Option<Item>> {
	let elements = sequence(cx)?;
	let Some(first) = elements.first() else {
		return Err(Failure::unsupported("its sequence is empty, which has no shape"));
	};
	let is_new = match cx.int("new_axis", 0) {
		0 => false,
		1 => true,
		other => return Err(Failure::invalid(format!("new_axis={other} is neither 0 nor 1"))),
	};
	let at = axis(cx.int("axis", 0), first.rank() + usize::from(is_new))?;
	let mut parts = Vec::new();
	for element in elements.iter() {
		let mut dims = element.dims.clone();
		if element.rank() != first.rank() {
			return Err(Failure::invalid("its elements have different ranks"));
		}
		if is_new {
			dims.insert(at, 1);
		}
		parts.push(element.view(dims)?);
	}
	Ok(Some(cx.b.concat(&parts, at)?.tagged(first.element).into()))
}

/// What is given; nothing where nothing is.
pub(crate) fn optional(cx: &mut Cx<'_, '_>) -> Result<Option<Item>> {
	Ok(cx.item(0))
}

pub(crate) fn optional_element(cx: &mut Cx<'_, '_>) -> Result<Option<Item>> {
	match cx.item(0) {
		Some(item) => Ok(Some(item)),
		None => Err(Failure::invalid("its optional value is not there")),
	}
}

pub(crate) fn has_element(cx: &mut Cx<'_, '_>) -> Result<Option<Item>> {
	let is_there = cx.item(0).is_some();
	Ok(Some(Value::scalar(DType::Bool, is_there.into()).into()))
}
