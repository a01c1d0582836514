//! Operators that change the element type, and those that give their operand back.

use assay_executor::ElementType;
use assay_referee::DType;

use crate::{
	error::{Failure, Result},
	ir::Value,
	lower::{elements, Cx},
	read,
};

pub(crate) fn cast(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let to = i32::try_from(cx.int("to", 0)).unwrap_or(0);
	let element = read::element(to)?;
	let x = cx.input(0)?;
	let saturate = cx.int("saturate", 1) != 0;
	elements::convert(cx.b, &x, element, saturate)
}

pub(crate) fn cast_like(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let (x, like) = (cx.input(0)?, cx.input(1)?);
	let saturate = cx.int("saturate", 1) != 0;
	elements::convert(cx.b, &x, like.element, saturate)
}

/// The bits of every element as another type of as many has them. Constants are read anew; of what is computed,
/// whole numbers of one width differ only in their sign.
pub(crate) fn bit_cast(cx: &mut Cx<'_, '_>) -> Result<Value> {
	let to = read::element(i32::try_from(cx.int("to", 0)).unwrap_or(0))?;
	let x = cx.input(0)?;
	if x.element.bits() != to.bits() {
		return Err(Failure::invalid(format!("{} and {to} have different widths", x.element)));
	}
	if let Some(bytes) = x.bytes() {
		cx.b.spend(bytes.len() as u64)?;
		let stored = x.element.encode(bytes);
		let bytes = to.decode(&stored, x.elements());
		let bytes = bytes.map_err(|error| Failure::unsupported(error.to_string()))?;
		return Ok(Value::constant(to.computed(), x.dims.clone(), bytes).tagged(to));
	}
	let is_whole = |element: ElementType| match element {
		ElementType::Plain(dtype) => dtype.is_integer(),
		ElementType::Float(_) | ElementType::F64 => false,
		_ => true,
	};
	if x.element == to {
		return Ok(x);
	}
	if is_whole(x.element) && is_whole(to) && to != ElementType::U64 {
		return elements::convert(cx.b, &x, to, true);
	}
	Err(Failure::unsupported(format!(
		"the bits of a computed {} as {to} are not supported",
		x.element
	)))
}

pub(crate) fn dropout(cx: &mut Cx<'_, '_>) -> Result<Vec<Value>> {
	let x = cx.input(0)?;
	let training = cx.optional(2).is_some_and(|flag| match flag.whole_numbers() {
		Some(values) => values.iter().any(|&value| value != 0),
		None => true,
	});
	// Dropping nothing is the same in training.
	let keeps_all = cx.optional(1).is_some_and(|ratio| ratio.uniform_f32() == Some(0.0));
	if training && !keeps_all {
		return Err(Failure::unsupported("it is in training mode")
			.help("export the model for inference (in PyTorch: model.eval())"));
	}
	if !cx.wants(1) {
		return Ok(vec![x]);
	}
	cx.b.spend(x.elements())?;
	let mask = vec![1; x.elements() as usize];
	let mask = Value::constant(DType::Bool, x.dims.clone(), mask);
	Ok(vec![x, mask])
}
