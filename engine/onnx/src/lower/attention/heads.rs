//! What is attended to, by heads.

use crate::{
	error::{Failure, Result},
	ir::Value,
	lower::Cx,
};

/// What is attended to: heads along dimension 1, all of four dimensions.
#[derive(Debug)]
pub(crate) struct Heads {
	/// `[batch, heads, rows, size]`.
	pub(crate) q: Value,
	/// `[batch, key heads, columns, size]`.
	pub(crate) k: Value,
	/// `[batch, key heads, columns, size of a value]`.
	pub(crate) v: Value,
}

/// `[batch, rows, heads · size]` as `[batch, heads, rows, size]`.
pub(crate) fn split_heads(cx: &mut Cx<'_, '_>, x: &Value, heads: u32) -> Result<Value> {
	let &[batch, rows, width] = x.dims.as_slice() else {
		return Err(Failure::invalid(format!("{:?} is not [batch, rows, width]", x.dims)));
	};
	if heads == 0 || width % heads != 0 {
		return Err(Failure::invalid(format!("a width of {width} has not {heads} heads")));
	}
	let x = x.view(vec![batch, rows, heads, width / heads])?;
	cx.b.transpose(&x, &[0, 2, 1, 3])
}

/// `[batch, heads, rows, size]` as `[batch, rows, heads · size]`.
pub(crate) fn join_heads(cx: &mut Cx<'_, '_>, x: &Value) -> Result<Value> {
	let (batch, heads, rows, size) = (x.dims[0], x.dims[1], x.dims[2], x.dims[3]);
	cx.b.transpose(x, &[0, 2, 1, 3])?.view(vec![batch, rows, heads * size])
}

/// A number of heads from an attribute, 0 where there is none.
pub(crate) fn heads_attribute(cx: &Cx<'_, '_>, name: &str) -> Result<u32> {
	u32::try_from(cx.int(name, 0)).map_err(|_| Failure::invalid(format!("its {name} is negative")))
}

/// `past` and `new` along the axis of columns.
pub(crate) fn extended(cx: &mut Cx<'_, '_>, past: Option<Value>, new: Value) -> Result<Value> {
	match past {
		None => Ok(new),
		Some(past) if past.rank() == 4 => cx.b.concat(&[past, new], 2),
		Some(past) => Err(Failure::invalid(format!("past values of shape {:?}", past.dims))),
	}
}
