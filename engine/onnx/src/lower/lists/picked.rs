//! What has a row for each place that a mask picks: `NonZero` and `Compress` of a mask that is not known yet.
//!
//! `x[mask] = value` is exported as `NonZero`, `Transpose` and `ScatterND`; the updates are a scalar expanded to as
//! many places as there are, or what was computed of `x[mask]`. Each row only ever meets the other rows of its
//! place, so it is computed for every place, and one selection puts it where it belongs.

use assay_referee::DType;

use crate::{
	dims::{axes, axis, broadcast, from_list, product, Dims},
	error::{Failure, Result},
	ir::{Builder, Item, Origin, Picked, Size, Value, What},
	lower::{
		elements,
		movement::{index, scatter},
		Cx,
	},
};

/// How far back two masks are compared that were computed one by one.
const SAME_STEPS: usize = 4;

/// Which elements are not 0.
fn truth(cx: &mut Cx<'_, '_>, x: &Value) -> Result<Value> {
	cx.b.cast(x, DType::Bool)
}

/// Whether two masks pick the same places: one value, or the same computations of one.
fn is_same(b: &Builder, x: &Value, y: &Value, steps: usize) -> bool {
	if x.is_same(y) {
		return true;
	}
	let (Origin::Op(i), Origin::Op(j), Some(steps)) = (&x.origin, &y.origin, steps.checked_sub(1))
	else {
		return false;
	};
	let (Some(one), Some(other)) = (b.ops.get(*i), b.ops.get(*j)) else { return false };
	let agree = x.dims == y.dims
		&& (one.kind, one.dtype, &one.dims) == (other.kind, other.dtype, &other.dims)
		&& (one.epilogue, one.operands.len()) == (other.epilogue, other.operands.len());
	agree && one.operands.iter().zip(&other.operands).all(|(x, y)| is_same(b, x, y, steps))
}

/// `NonZero`: coordinates of a mask that is known, or the promise of some.
pub(crate) fn non_zero(cx: &mut Cx<'_, '_>) -> Result<Item> {
	let x = cx.input(0)?;
	if x.is_constant() {
		return index::non_zero(cx).map(Item::Tensor);
	}
	if x.rank() == 0 {
		return Err(Picked::refused(""));
	}
	let mask = truth(cx, &x)?;
	Ok(Picked::item(&mask, What::Coordinates { axes_last: false }))
}

/// `Compress`: the slices of a condition that is known, or a row for each that holds.
pub(crate) fn compress(cx: &mut Cx<'_, '_>) -> Result<Item> {
	let (x, condition) = (cx.input(0)?, cx.input(1)?);
	if condition.is_constant() {
		return Ok(index::compress(cx)?.tagged(x.element).into());
	}
	let x = if cx.has("axis") {
		if axis(cx.int("axis", 0), x.rank())? != 0 {
			return Err(Picked::refused(""));
		}
		x
	} else {
		x.view(from_list(&[x.elements() as i64])?)?
	};
	if condition.rank() != 1 || x.rank() == 0 || condition.dims[0] > x.dims[0] {
		return Err(Failure::invalid("its condition does not fit the axis"));
	}
	let count = condition.dims[0];
	let rows = cx.b.part(&x, 0, 0, count)?.tagged(x.element);
	let mask = truth(cx, &condition)?;
	rows_of(&mask, &rows)
}

/// Makes tensors of the numbers of places among the inputs.
///
/// # Errors
///
/// What else depends on places.
pub(crate) fn settle(cx: &mut Cx<'_, '_>) -> Result<()> {
	let unknown = cx.items().find_map(|(name, item)| match item {
		Item::Picked(Picked { what: What::Sizes { .. }, .. }) => None,
		Item::Picked(_) => Some(name),
		_ => None,
	});
	if let Some(name) = unknown {
		return Err(Picked::refused(name));
	}
	cx.replace_items(|b, item| match item {
		Item::Picked(picked) => match picked.settled(b)? {
			Some(value) => Ok(value.into()),
			None => Ok(item.clone()),
		},
		other => Ok(other.clone()),
	})
}

/// Lowers a node with places among its inputs; nothing where it needs their number as a tensor, or cannot do.
pub(crate) fn lower(
	cx: &mut Cx<'_, '_>,
	on_tensors: &dyn Fn(&mut Cx<'_, '_>) -> Result<Vec<Value>>,
) -> Result<Option<Item>> {
	let picked: Vec<Picked> = cx
		.items()
		.filter_map(|(_, item)| match item {
			Item::Picked(picked) => Some(picked.clone()),
			_ => None,
		})
		.collect();
	let Some(Picked { mask, .. }) = picked.first().cloned() else { return Ok(None) };
	if !picked.iter().all(|other| is_same(cx.b, &other.mask, &mask, SAME_STEPS)) {
		return Ok(None);
	}
	if picked.iter().all(|picked| matches!(picked.what, What::Sizes { .. })) {
		return sizes(cx, &mask, on_tensors);
	}
	let op_type = cx.node.op_type;
	let item = match (op_type, cx.item(0), cx.item(1)) {
		("Identity", item, None) => item,
		(
			"Transpose",
			Some(Item::Picked(Picked { what: What::Coordinates { axes_last }, .. })),
			_,
		) => {
			let axes_last = match cx.ints("perm") {
				None | Some(&[1, 0]) => !axes_last,
				Some(&[0, 1]) => axes_last,
				Some(_) => return Err(Failure::invalid("perm does not fit two dimensions")),
			};
			Some(Picked::item(&mask, What::Coordinates { axes_last }))
		},
		("Shape", Some(Item::Picked(picked)), _) => shape(cx, &picked)?,
		(
			"Expand" | "Reshape",
			Some(item),
			Some(Item::Picked(Picked { what: What::Sizes { sizes, .. }, .. })),
		) => in_shape(cx, item, &mask, &sizes)?,
		("GatherND", Some(Item::Tensor(x)), Some(Item::Picked(places))) => {
			let axes_last = matches!(places.what, What::Coordinates { axes_last: true });
			let fits = axes_last && cx.int("batch_dims", 0) == 0 && x.dims.starts_with(&mask.dims);
			if fits {
				Some(rows_of(&mask, &x)?)
			} else {
				None
			}
		},
		("ScatterND", Some(Item::Tensor(x)), Some(Item::Picked(places))) => match cx.item(2) {
			Some(Item::Picked(Picked { what: What::Rows(rows), .. }))
				if matches!(places.what, What::Coordinates { axes_last: true }) =>
			{
				put_back(cx, &x, &mask, &rows)?
			},
			_ => None,
		},
		_ => return by_row(cx, &mask, on_tensors),
	};
	if item.is_some() {
		cx.refuse_unread(&[], &[])?;
	}
	Ok(item)
}

/// A row for every place of the mask, whose dimensions a tensor begins with.
fn rows_of(mask: &Value, x: &Value) -> Result<Item> {
	let mut dims = vec![mask.elements() as i64];
	dims.extend(x.dims.iter().skip(mask.rank()).map(|&dim| i64::from(dim)));
	Ok(Picked::item(mask, What::Rows(x.view(from_list(&dims)?)?)))
}

/// The shape of what has rows.
fn shape(cx: &mut Cx<'_, '_>, picked: &Picked) -> Result<Option<Item>> {
	let axes = Size::Known(picked.mask.rank() as i64);
	let all = match &picked.what {
		What::Coordinates { axes_last: true } => vec![Size::Places, axes],
		What::Coordinates { axes_last: false } => vec![axes, Size::Places],
		What::Rows(rows) => own_shape(rows),
		What::Sizes { sizes, is_scalar: false } => vec![Size::Known(sizes.len() as i64)],
		What::Sizes { is_scalar: true, .. } => Vec::new(),
	};
	let len = all.len() as i64;
	let bound = |at: i64| if at < 0 { at.saturating_add(len) } else { at }.clamp(0, len) as usize;
	let start = bound(cx.int("start", 0));
	let end = if cx.has("end") { bound(cx.int("end", 0)) } else { all.len() };
	let sizes = all.get(start..end).unwrap_or_default().to_vec();
	Ok(Some(numbers(&picked.mask, sizes, false)))
}

/// Numbers of a shape, which are a constant where the number of places is not among them.
fn numbers(mask: &Value, sizes: Vec<Size>, is_scalar: bool) -> Item {
	match sizes.iter().map(|size| size.known()).collect::<Option<Vec<i64>>>().as_deref() {
		Some(&[one]) if is_scalar => Value::scalar(DType::I64, one).into(),
		Some(list) if !is_scalar => Value::list_i64(list).into(),
		_ => Picked::item(mask, What::Sizes { sizes, is_scalar }),
	}
}

fn own_shape(rows: &Value) -> Vec<Size> {
	let inner = rows.dims.iter().skip(1).map(|&dim| Size::Known(dim.into()));
	[Size::Places].into_iter().chain(inner).collect()
}

/// A node that only moves the numbers of a shape: they are moved by their positions in a list.
fn sizes(
	cx: &mut Cx<'_, '_>,
	mask: &Value,
	on_tensors: &dyn Fn(&mut Cx<'_, '_>) -> Result<Vec<Value>>,
) -> Result<Option<Item>> {
	let op_type = cx.node.op_type;
	if matches!((op_type, cx.item(0)), ("Expand" | "ConstantOfShape", Some(Item::Tensor(_)) | None))
	{
		return expanded(cx, mask);
	}
	if op_type == "ConstantOfShape" {
		return filled(cx, mask, on_tensors);
	}
	if op_type == "Reshape" && matches!(cx.item(1), Some(Item::Picked(_))) {
		return Ok(None);
	}
	if op_type == "Cast" && cx.int("to", 0) != 7 {
		return Ok(None);
	}
	let is_joined = op_type == "Concat";
	let moves =
		["Gather", "Slice", "Reshape", "Squeeze", "Unsqueeze", "Identity", "Flatten", "Cast"];
	let is_moved = moves.contains(&op_type) && matches!(cx.item(0), Some(Item::Picked(_)));
	if !(is_joined || is_moved) {
		return Ok(None);
	}
	let known = |item: &Item| {
		item.tensor().is_none_or(|value| {
			value.dtype == DType::I64 && value.rank() <= 1 && value.is_constant()
		})
	};
	if is_joined && !cx.items().all(|(_, item)| known(item)) {
		return Ok(None);
	}
	let given: Vec<Item> = cx.items().map(|(_, item)| item.clone()).collect();
	let (mut pool, mut first) = (Vec::new(), true);
	cx.replace_items(|_, item| {
		let stands = is_joined || std::mem::take(&mut first);
		let (own, dims): (Vec<Size>, Dims) = match item {
			Item::Tensor(value) if stands => {
				let numbers = value.whole_numbers().unwrap_or_default();
				(numbers.into_iter().map(Size::Known).collect(), value.dims.clone())
			},
			Item::Picked(Picked { what: What::Sizes { sizes, is_scalar }, .. }) if stands => {
				let dims = if *is_scalar { vec![] } else { vec![sizes.len() as u32] };
				(sizes.clone(), dims)
			},
			other => return Ok(other.clone()),
		};
		let places: Vec<i64> = (0..own.len()).map(|i| (pool.len() + i) as i64).collect();
		pool.extend(own);
		Value::list_i64(&places).view(dims).map(Item::Tensor)
	})?;
	let is_list = !cx.items().any(|(_, item)| matches!(item, Item::Picked(_)));
	let moved = if is_list { on_tensors(cx)?.into_iter().next() } else { None };
	let mut given = given.into_iter();
	cx.replace_items(|_, item| Ok(given.next().unwrap_or_else(|| item.clone())))?;
	let moved = moved.filter(|value| value.rank() <= 1);
	// More than a list is a tensor like any other.
	let Some((moved, places)) = moved.and_then(|v| Some((v.clone(), v.whole_numbers()?))) else {
		return Ok(None);
	};
	let at = |place: &i64| usize::try_from(*place).ok().and_then(|at| pool.get(at)).copied();
	let sizes = places.iter().map(at).collect::<Option<Vec<Size>>>();
	let sizes = sizes.ok_or_else(|| Picked::refused(""))?;
	Ok(Some(numbers(mask, sizes, moved.rank() == 0)))
}

/// The dimensions of rows of this shape, one for every place of the mask; nothing where it is another shape.
fn row_dims(mask: &Value, sizes: &[Size]) -> Result<Option<(Dims, Dims)>> {
	let Some((Size::Places, inner)) = sizes.split_first() else { return Ok(None) };
	let Some(inner) = inner.iter().map(|size| size.known()).collect::<Option<Vec<i64>>>() else {
		return Ok(None);
	};
	let inner = from_list(&inner)?;
	let mut all = vec![mask.elements() as i64];
	all.extend(inner.iter().map(|&dim| i64::from(dim)));
	Ok(Some((inner, from_list(&all)?)))
}

/// `Expand` of a tensor that is the same in every row to a shape with a row for each place.
fn expanded(cx: &mut Cx<'_, '_>, mask: &Value) -> Result<Option<Item>> {
	let (Some(x), Some(Item::Picked(Picked { what: What::Sizes { sizes, .. }, .. }))) =
		(cx.optional(0), cx.item(1))
	else {
		return Ok(None);
	};
	in_shape(cx, x.into(), mask, &sizes)
}

/// What `Expand` or `Reshape` makes of an item in a shape with a row for each place.
fn in_shape(cx: &mut Cx<'_, '_>, item: Item, mask: &Value, sizes: &[Size]) -> Result<Option<Item>> {
	match item {
		Item::Picked(Picked { what: What::Rows(rows), .. }) => {
			let same = own_shape(&rows) == sizes;
			Ok(same.then(|| Picked::item(mask, What::Rows(rows))))
		},
		Item::Tensor(x) if cx.node.op_type == "Expand" => {
			let Some((inner, all)) = row_dims(mask, sizes)? else { return Ok(None) };
			let own = match x.rank().checked_sub(inner.len()) {
				None | Some(0) => x.clone(),
				Some(1) if x.dims[0] == 1 => x.view(x.dims[1..].to_vec())?,
				Some(_) => return Ok(None),
			};
			if broadcast(&own.dims, &inner)? != inner {
				return Ok(None);
			}
			let rows = cx.b.expand(&own, all)?.tagged(x.element);
			Ok(Some(Picked::item(mask, What::Rows(rows))))
		},
		_ => Ok(None),
	}
}

/// `ConstantOfShape` of a shape with a row for each place.
fn filled(
	cx: &mut Cx<'_, '_>,
	mask: &Value,
	on_tensors: &dyn Fn(&mut Cx<'_, '_>) -> Result<Vec<Value>>,
) -> Result<Option<Item>> {
	let Some(Item::Picked(Picked { what: What::Sizes { sizes, .. }, .. })) = cx.item(0) else {
		return Ok(None);
	};
	let Some((_, all)) = row_dims(mask, &sizes)? else { return Ok(None) };
	let all: Vec<i64> = all.iter().map(|&dim| dim.into()).collect();
	cx.replace_items(|_, _| Ok(Value::list_i64(&all).into()))?;
	match on_tensors(cx)?.into_iter().next() {
		Some(rows) => Ok(Some(Picked::item(mask, What::Rows(rows)))),
		None => Err(Picked::refused("")),
	}
}

/// `ScatterND` of rows to the places that they are of: no place occurs twice, so nothing depends on an order.
fn put_back(cx: &mut Cx<'_, '_>, x: &Value, mask: &Value, rows: &Value) -> Result<Option<Item>> {
	if x.dtype != rows.dtype {
		return Err(Failure::invalid("its element types do not fit together"));
	}
	let fits = x.dims.starts_with(&mask.dims) && rows.dims.get(1..) == x.dims.get(mask.rank()..);
	if !fits {
		return Ok(None);
	}
	let rows = &rows.view(x.dims.clone())?;
	let new = match scatter::joins(cx)? {
		None => rows.clone(),
		Some(function) => {
			let joined = cx.b.binary(function, x, rows)?;
			elements::fit(cx.b, &joined, x.element)?
		},
	};
	let mut dims = mask.dims.clone();
	dims.resize(x.rank(), 1);
	let y = cx.b.select(&mask.view(dims)?, &new, x)?;
	Ok(Some(y.tagged(x.element).into()))
}

/// A node that computes with every row by itself: rows of all places are the first axis of what it takes, and of
/// what it gives.
fn by_row(
	cx: &mut Cx<'_, '_>,
	mask: &Value,
	on_tensors: &dyn Fn(&mut Cx<'_, '_>) -> Result<Vec<Value>>,
) -> Result<Option<Item>> {
	let rank = |item: &Item| match item {
		Item::Picked(Picked { what: What::Rows(rows), .. }) => Some(rows.rank()),
		_ => None,
	};
	let Some(all) = cx.items().find_map(|(_, item)| rank(item)) else { return Ok(None) };
	if cx.node.outputs.len() != 1 || !keeps_rows(cx, all, rank)? {
		return Ok(None);
	}
	cx.replace_items(|_, item| match item {
		Item::Picked(Picked { what: What::Rows(rows), .. }) => Ok(rows.clone().into()),
		other => Ok(other.clone()),
	})?;
	let count = mask.elements();
	let rows = on_tensors(cx)?.into_iter().next();
	match rows.filter(|rows| rows.dims.first().is_some_and(|&first| u64::from(first) == count)) {
		Some(rows) => Ok(Some(Picked::item(mask, What::Rows(rows)))),
		// The inputs are not what the file has for them any more.
		None => Err(Picked::refused("")),
	}
}

/// Whether a node whose rows have `all` axes computes with every row by itself.
fn keeps_rows(cx: &Cx<'_, '_>, all: usize, rank: impl Fn(&Item) -> Option<usize>) -> Result<bool> {
	let op_type = cx.node.op_type;
	let is_rows = |i: usize| cx.item(i).as_ref().and_then(&rank) == Some(all);
	// Of a list of axes, which may count from the end.
	let inside = |list: Option<Vec<i64>>, rank: usize| -> Result<bool> {
		let Some(list) = list.filter(|list| !list.is_empty()) else { return Ok(false) };
		Ok(axes(&list, rank)?.first() != Some(&0))
	};
	if is_by_element(op_type) {
		// The same for every row: without the axis, or of one row that is repeated.
		let is_same = |item: &Item| match item {
			Item::Tensor(value) => {
				value.rank() < all || (value.rank() == all && value.dims[0] == 1)
			},
			other => rank(other) == Some(all),
		};
		return Ok(cx.items().all(|(_, item)| is_same(item)));
	}
	let others_are_tensors = cx.items().skip(1).all(|(_, item)| item.tensor().is_some());
	if op_type == "Reshape" && others_are_tensors {
		return reshapes_rows(cx);
	}
	if !is_rows(0) || all < 2 {
		return Ok(false);
	}
	match op_type {
		"Concat" | "GatherElements" => {
			let every = cx.items().all(|(_, item)| rank(item) == Some(all));
			Ok(every && inside(Some(vec![cx.int("axis", 0)]), all)?)
		},
		_ if !others_are_tensors => Ok(false),
		"Gather" => inside(Some(vec![cx.int("axis", 0)]), all),
		"Transpose" => Ok(cx.ints("perm").is_some_and(|perm| perm.first() == Some(&0))),
		"Flatten" => Ok(axis(cx.int("axis", 1), all)? == 1),
		"Softmax" | "LogSoftmax" | "Hardmax" => inside(Some(vec![cx.int("axis", -1)]), all),
		"CumSum" | "CumProd" => inside(cx.list_input(1)?, all),
		"ReduceSum" | "ReduceMean" | "ReduceMax" | "ReduceMin" | "ReduceProd" | "ReduceL1"
		| "ReduceL2" | "ReduceSumSquare" | "ReduceLogSum" | "ReduceLogSumExp" | "Squeeze" => {
			inside(cx.list("axes", 1)?, all)
		},
		"Unsqueeze" => {
			let list = cx.list("axes", 1)?;
			let rank = all + list.as_ref().map_or(0, Vec::len);
			inside(list, rank)
		},
		"Slice" => inside(cx.list("axes", 3)?, all),
		"MatMul" => Ok(cx.item(1).is_some_and(|b| b.tensor().is_some_and(|b| b.rank() <= 2))),
		_ => Ok(false),
	}
}

/// Whether a `Reshape` keeps the first axis and gives each row other dimensions.
fn reshapes_rows(cx: &Cx<'_, '_>) -> Result<bool> {
	let Some(Item::Picked(Picked { what: What::Rows(rows), .. })) = cx.item(0) else {
		return Ok(false);
	};
	let Some(list) = cx.list_input(1)? else { return Ok(false) };
	let keeps_first = match list.first() {
		Some(-1) => true,
		Some(0) => cx.int("allowzero", 0) == 0,
		_ => false,
	};
	let inner = list.get(1..).unwrap_or_default();
	Ok(keeps_first
		&& inner.iter().all(|&dim| dim > 0)
		&& product(&from_list(inner)?) == product(&rows.dims[1..]))
}

/// Whether an operator computes every element of its result of the elements there.
fn is_by_element(op_type: &str) -> bool {
	matches!(
		op_type,
		"Abs"
			| "Acos" | "Acosh"
			| "Asin" | "Asinh"
			| "Atan" | "Atanh"
			| "Ceil" | "Cos"
			| "Cosh" | "Erf"
			| "Exp" | "Floor"
			| "IsNaN" | "Log"
			| "Neg" | "Not"
			| "Reciprocal"
			| "Relu" | "Round"
			| "Sigmoid"
			| "Sign" | "Sin"
			| "Sinh" | "Softplus"
			| "Sqrt" | "Tan"
			| "Tanh" | "Add"
			| "Sub" | "Mul"
			| "Div" | "Equal"
			| "Less" | "LessOrEqual"
			| "Greater"
			| "GreaterOrEqual"
			| "And" | "BitwiseAnd"
			| "Or" | "BitwiseOr"
			| "Xor" | "BitwiseXor"
			| "Max" | "Min"
			| "Sum" | "Mean"
			| "Mod" | "Pow"
			| "Clip" | "Where"
			| "IsInf" | "BitwiseNot"
			| "BitShift"
			| "LeakyRelu"
			| "Elu" | "Selu"
			| "Celu" | "Softsign"
			| "HardSigmoid"
			| "HardSwish"
			| "Mish" | "Swish"
			| "Gelu" | "Shrink"
			| "ThresholdedRelu"
			| "Cast"
	)
}
