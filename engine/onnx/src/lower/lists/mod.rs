//! What is no tensor: sequences and optional values, which are known when the model is compiled, and what has a row
//! for each place that a mask picks.

pub(crate) mod picked;
pub(crate) mod sequence;

use crate::{
	error::{Failure, Result},
	ir::{Item, Value},
	lower::Cx,
};

/// Makes tensors of all inputs.
///
/// # Errors
///
/// Sequences, and what has a size that is not known.
pub(crate) fn require_tensors(cx: &mut Cx<'_, '_>) -> Result<()> {
	if cx.items().any(|(_, item)| matches!(item, Item::Sequence(_))) {
		return Err(Failure::invalid("an input is a sequence, where the operator takes a tensor"));
	}
	picked::settle(cx)
}

/// Lowers a node, whose operator takes tensors, of items; `on_tensors` is how it is lowered of tensors.
///
/// # Errors
///
/// As `on_tensors`; a sequence, and what an operator cannot take without knowing its size.
pub(crate) fn lower(
	cx: &mut Cx<'_, '_>,
	on_tensors: impl Fn(&mut Cx<'_, '_>) -> Result<Vec<Value>>,
) -> Result<Vec<Item>> {
	let is_picked = |item: &Item| matches!(item, Item::Picked(_));
	if cx.items().any(|(_, item)| matches!(item, Item::Sequence(_))) {
		return match (cx.node.op_type, cx.item(0)) {
			("Identity", Some(sequence)) => Ok(vec![sequence]),
			_ => require_tensors(cx).map(|()| Vec::new()),
		};
	}
	if cx.items().any(|(_, item)| is_picked(item)) {
		if let Some(item) = picked::lower(cx, &on_tensors)? {
			return Ok(vec![item]);
		}
		picked::settle(cx)?;
	}
	Ok(on_tensors(cx)?.into_iter().map(Item::Tensor).collect())
}
