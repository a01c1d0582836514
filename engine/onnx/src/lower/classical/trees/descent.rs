//! Rows go down all trees together: a step looks up, for the node where each stands, the feature, the threshold and the
//! two children, and compares. As many steps as the deepest tree has levels; leaves are their own children.

use assay_referee::{BinaryFn, DType, OpKind, ReduceFn, UnaryFn};

use super::forest::{Forest, Mode, Node};
use crate::{
	dims::check_dims,
	error::{Failure, Result},
	ir::Value,
	lower::Cx,
};

/// Values by place: what `table` has, along its first axis, at the places `at`.
fn look(cx: &mut Cx<'_, '_>, table: &Value, at: &Value) -> Result<Value> {
	let mut dims = at.dims.clone();
	dims.extend(&table.dims[1..]);
	check_dims(&dims)?;
	let operands = vec![table.clone(), at.clone()];
	cx.b.push(OpKind::Gather { axis: 0 }, table.dtype, dims, operands)
}

/// What nodes that ask for sets look up.
struct Membership {
	/// For every feature of every row, which member of any set it equals, from 1 on, or 0.
	numbers: Value,
	/// Where each node's set begins in the table.
	starts: Value,
	/// For each set and number whether the set has that member.
	table: Value,
}

impl Forest {
	/// The leaves that the rows of `x` reach, as places of nodes: `[rows, trees]`.
	pub(super) fn leaves(&self, cx: &mut Cx<'_, '_>, x: &Value) -> Result<Value> {
		let (n, features) = (x.dims[0], x.dims[1]);
		let (count, trees) = (self.nodes.len() as u32, self.roots.len() as u32);
		let is_there = |node: &Node| u32::try_from(node.feature).is_ok_and(|f| f < features);
		if !self.nodes.iter().all(is_there) {
			return Err(Failure::invalid(format!(
				"a node looks at none of the {features} features"
			)));
		}
		let whole = |read: &dyn Fn(&Node) -> usize| -> Value {
			let list: Vec<i64> = self.nodes.iter().map(|node| read(node) as i64).collect();
			Value::list_i64(&list)
		};
		let yes = whole(&|node| node.children[0]);
		let no = whole(&|node| node.children[1]);
		let feature = whole(&|node| node.feature as usize);
		let thresholds: Vec<f32> = self.nodes.iter().map(|node| node.threshold).collect();
		let threshold = Value::list_f32(&thresholds, vec![count]);
		let roots: Vec<i64> = self.roots.iter().map(|&root| root as i64).collect();
		let mut at = cx.b.expand(&Value::list_i64(&roots).view(vec![1, trees])?, vec![n, trees])?;
		// Where a row's features begin in all of them.
		cx.b.spend(u64::from(n) * 16)?;
		let starts: Vec<i64> = (0..n).map(|row| i64::from(row) * i64::from(features)).collect();
		let starts = Value::list_i64(&starts).view(vec![n, 1])?;
		let flat = x.view(vec![n * features])?;
		let membership = self.membership(cx, &flat)?;
		for _ in 0..self.depth {
			let column = look(cx, &feature, &at)?;
			let column = cx.b.binary(BinaryFn::Add, &column, &starts)?;
			let value = look(cx, &flat, &column)?;
			let limit = look(cx, &threshold, &at)?;
			let mut holds = self.holds(cx, &at, &value, &limit)?;
			if let Some(Membership { numbers, starts, table }) = &membership {
				let (number, start) = (look(cx, numbers, &column)?, look(cx, starts, &at)?);
				let place = cx.b.binary(BinaryFn::Add, &start, &number)?;
				let is_in = look(cx, table, &place)?;
				holds = cx.b.binary(BinaryFn::Or, &holds, &is_in)?;
			}
			let holds = self.or_missing(cx, &at, &value, holds)?;
			let (yes, no) = (look(cx, &yes, &at)?, look(cx, &no, &at)?);
			at = cx.b.select(&holds, &yes, &no)?;
		}
		Ok(at)
	}

	/// The weights of leaves `[rows, trees]`: `[rows, targets, trees]`, with `neutral` where a leaf has none.
	pub(super) fn reached(&self, cx: &mut Cx<'_, '_>, at: &Value, neutral: f32) -> Result<Value> {
		let dims = vec![self.nodes.len() as u32, self.named.len() as u32];
		let weigh = |(&weight, &voted): (&f32, &bool)| if voted { weight } else { neutral };
		let weights: Vec<f32> = self.weights.iter().zip(&self.voted).map(weigh).collect();
		let taken = look(cx, &Value::list_f32(&weights, dims), at)?;
		cx.b.transpose(&taken, &[0, 2, 1])
	}

	/// Whether a row reaches a weight for a target, `[rows, targets]`; nothing where all rows do for all targets.
	pub(super) fn voted(&self, cx: &mut Cx<'_, '_>, at: &Value) -> Result<Option<Value>> {
		if (0..self.named.len()).all(|target| self.is_certain(target)) {
			return Ok(None);
		}
		cx.b.spend(self.voted.len() as u64 * 4)?;
		let marks: Vec<f32> = self.voted.iter().map(|&voted| f32::from(voted)).collect();
		let dims = vec![self.nodes.len() as u32, self.named.len() as u32];
		let taken = look(cx, &Value::list_f32(&marks, dims), at)?;
		let taken = cx.b.transpose(&taken, &[0, 2, 1])?;
		let any = cx.b.reduce_last(ReduceFn::Max, &taken)?;
		Ok(Some(cx.b.binary_scalar(BinaryFn::Greater, &any, 0.0)?))
	}

	/// For nodes that ask for sets; nothing where there are none.
	fn membership(&self, cx: &mut Cx<'_, '_>, flat: &Value) -> Result<Option<Membership>> {
		let count = self.sets.members.len();
		if count == 0 {
			return Ok(None);
		}
		check_dims(&[flat.dims[0], count as u32])?;
		cx.b.spend((count as u64 + self.nodes.len() as u64) * 12 + self.sets.table.len() as u64)?;
		let members = Value::list_f32(&self.sets.members, vec![count as u32]);
		let column = flat.view(vec![flat.dims[0], 1])?;
		let same = cx.b.binary(BinaryFn::Equal, &column, &members)?;
		let numbers: Vec<i64> = (1..=count as i64).collect();
		let zero = Value::scalar(DType::I64, 0);
		let found = cx.b.select(&same, &Value::list_i64(&numbers), &zero)?;
		let width = count as i64 + 1;
		let starts: Vec<i64> = self.nodes.iter().map(|node| node.set as i64 * width).collect();
		let bits: Vec<u8> = self.sets.table.iter().map(|&is_in| is_in.into()).collect();
		Ok(Some(Membership {
			numbers: cx.b.reduce_last(ReduceFn::Max, &found)?,
			starts: Value::list_i64(&starts),
			table: Value::constant(DType::Bool, vec![bits.len() as u32], bits),
		}))
	}

	/// For every node whether something holds of it.
	fn marked(&self, read: &dyn Fn(&Node) -> bool) -> Value {
		let bytes = self.nodes.iter().map(|node| u8::from(read(node))).collect();
		Value::constant(DType::Bool, vec![self.nodes.len() as u32], bytes)
	}

	/// Whether the node at which each tree stands takes its true branch, by its threshold.
	fn holds(
		&self,
		cx: &mut Cx<'_, '_>,
		at: &Value,
		value: &Value,
		limit: &Value,
	) -> Result<Value> {
		let mut inner = self.nodes.iter().filter(|node| node.mode != Mode::Leaf);
		let first = inner.next().map_or(Mode::Leaf, |node| node.mode);
		if inner.all(|node| node.mode == first) {
			match first {
				Mode::LessOrEqual => cx.b.binary(BinaryFn::LessOrEqual, value, limit),
				Mode::Less => cx.b.binary(BinaryFn::Less, value, limit),
				Mode::GreaterOrEqual => cx.b.binary(BinaryFn::GreaterOrEqual, value, limit),
				Mode::Greater => cx.b.binary(BinaryFn::Greater, value, limit),
				Mode::Equal | Mode::Leaf => cx.b.binary(BinaryFn::Equal, value, limit),
				Mode::NotEqual => {
					let same = cx.b.binary(BinaryFn::Equal, value, limit)?;
					cx.b.unary(UnaryFn::Not, &same)
				},
				// A set says it all.
				Mode::Member => Ok(Value::scalar(DType::Bool, 0)),
			}
		} else {
			let side = |cx: &mut Cx<'_, '_>, i: usize, is: &Value| -> Result<Value> {
				let takes = look(cx, &self.marked(&|node: &Node| node.mode.takes()[i]), at)?;
				cx.b.binary(BinaryFn::And, &takes, is)
			};
			let (below, same) = (
				cx.b.binary(BinaryFn::Less, value, limit)?,
				cx.b.binary(BinaryFn::Equal, value, limit)?,
			);
			let above = cx.b.binary(BinaryFn::Greater, value, limit)?;
			let (below, same) = (side(cx, 0, &below)?, side(cx, 1, &same)?);
			let above = side(cx, 2, &above)?;
			let some = cx.b.binary(BinaryFn::Or, &below, &same)?;
			cx.b.binary(BinaryFn::Or, &some, &above)
		}
	}

	/// `holds`, or true where the feature is NaN and the node takes that for true: NaN differs from every threshold.
	fn or_missing(
		&self,
		cx: &mut Cx<'_, '_>,
		at: &Value,
		value: &Value,
		holds: Value,
	) -> Result<Value> {
		let takes_nan = |node: &Node| node.nan_is_true || node.mode == Mode::NotEqual;
		if self.nodes.iter().any(takes_nan) {
			let tracks = look(cx, &self.marked(&takes_nan), at)?;
			let is_nan = cx.b.unary(UnaryFn::IsNan, value)?;
			let missing = cx.b.binary(BinaryFn::And, &tracks, &is_nan)?;
			return cx.b.binary(BinaryFn::Or, &holds, &missing);
		}
		Ok(holds)
	}
}
