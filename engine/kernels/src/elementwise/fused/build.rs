//! Which ops fit into one region, and where their results lie.

use super::{
	chain, light, From, Fused, Input, Linked, Member, Place, Step, Width, MAX_OPS, MAX_ROW,
	SHORT_ROWS, TILE,
};
use crate::{
	elementwise::{self, Elements},
	walk::Walk,
	KernelConfig,
};
use assay_referee::{DType, OpKind, OpRecord, Operand, Shape, Source, UnaryFn};

impl Fused {
	/// The region of these ops, which are in the order of their program.
	///
	/// `None` when they do not fit together: an op without a fast kernel, index spaces that differ,
	/// or too many ops. An operand whose source is a member is read inside the region; all others
	/// become operands of the region.
	pub fn new(members: &[Member<'_>]) -> Option<Fused> {
		Fused::build(members, true)
	}

	/// The region of an elementwise expression whose first operand is given part by part, see
	/// [`Fused::block`]. An operand of the region has the number that it has in the expression as its
	/// source.
	///
	/// `None` where a step has no fast kernel.
	pub(crate) fn of_parts(expression: &OpRecord) -> Option<Fused> {
		let named = named(expression);
		let members = [Member { index: u32::MAX, op: &named, keep: true }];
		let mut fused = Fused::build(&members, false)?;
		for input in fused.steps.iter_mut().flat_map(|step| &mut step.inputs) {
			if let From::Dense { at } = input.from {
				if fused.operands[at].source == Source::Op(0) {
					input.from = From::Given;
				}
			}
		}
		fused.light = light::steps(&fused);
		Some(fused)
	}

	/// The region of these ops; with `by_rows`, one that may be divided at the rows by which an operand
	/// is broadcast only, else one that may be divided anywhere, which does not reduce.
	fn build(members: &[Member<'_>], by_rows: bool) -> Option<Fused> {
		let steps = steps(members)?;
		let members = &steps.iter().map(Single::member).collect::<Vec<_>>()[..];
		let space = Space::new(members, by_rows)?;
		let mut builder = Builder {
			members,
			space,
			widths: Vec::new(),
			places: Vec::new(),
			last_use: last_uses(members),
			busy: Vec::new(),
			fused: Fused {
				steps: Vec::new(),
				operands: Vec::new(),
				outputs: Vec::new(),
				kept: Vec::new(),
				elements: space.elements,
				row: space.row,
				tile: space.tile(),
				slots: 0,
				slot_bytes: 0,
				cost: 1,
				light: None,
			},
		};
		let mut at = 0;
		while at < members.len() {
			at = match chain::find(members, at, &builder.last_use) {
				Some(found) => builder.add_chain(at, &found)?,
				None => builder.add(at)?,
			};
		}
		Some(builder.finish())
	}
}

/// An op whose operands have their numbers as sources: a region lists its operands anew, and the names
/// tell which of the record's they are.
pub(crate) fn named(op: &OpRecord) -> OpRecord {
	let mut named = op.clone();
	for (operand, at) in named.operands.iter_mut().zip(0..) {
		operand.source = Source::Op(at);
	}
	named
}

/// What a region does at once: a member that is no expression, or a step of one.
struct Single {
	index: u32,
	op: OpRecord,
	keep: bool,
}

impl Single {
	fn member(&self) -> Member<'_> {
		Member { index: self.index, op: &self.op, keep: self.keep }
	}
}

/// The members with the steps in place of expressions and epilogues, which are named as no program names its ops.
/// `None` when there are none or more than a region may have.
///
/// Expressions of one region often begin alike, because what they share is not stored for them (the
/// exponentials of a softmax are part of their sum and of the quotients): what an earlier step computes
/// from the same operands is computed once.
fn steps(members: &[Member<'_>]) -> Option<Vec<Single>> {
	let mut all: Vec<Single> = Vec::with_capacity(members.len());
	// The step that gives the same as one that was left out, by the name of that.
	let mut same: Vec<(u32, u32)> = Vec::new();
	let mut named = assay_referee::MAX_OPS;
	for member in members {
		let first = named;
		let name = |at: usize| first + at as u32;
		let mut ops = match member.op.apart(first) {
			Some([own, expression]) => {
				let mut ops = expression.expression(|at| name(at + 1));
				ops.insert(0, own);
				ops
			},
			None => member.op.expression(name),
		};
		named += ops.len() as u32;
		let last = match member.op.reduction(name) {
			Some(reduction) => Some(reduction),
			None => ops.pop(),
		};
		let last = last.unwrap_or_else(|| member.op.clone());
		let before =
			ops.into_iter().zip(first..).map(|(op, index)| Single { index, op, keep: false });
		let last = Single { index: member.index, op: last, keep: member.keep };
		for mut single in before.chain([last]) {
			for operand in &mut single.op.operands {
				let known = same.iter().find(|&&(left, _)| operand.source == Source::Op(left));
				if let Some(&(_, earlier)) = known {
					operand.source = Source::Op(earlier);
				}
			}
			single.op = plain(single.op);
			let earlier = all.iter().find(|earlier| !single.keep && earlier.op == single.op);
			match earlier {
				Some(earlier) => same.push((single.index, earlier.index)),
				None => all.push(single),
			}
			if all.len() > MAX_OPS {
				return None;
			}
		}
	}
	(!all.is_empty()).then_some(all)
}

/// An elementwise op or a reduction over as few dimensions as it can be written with, so that what
/// computes the same from other views of the same elements is equal.
fn plain(op: OpRecord) -> OpRecord {
	if let (OpKind::Reduce(_), [x]) = (op.kind, &op.operands[..]) {
		let rows = op.shape.elements() as u32;
		let shapes = (Shape::new(&[rows]), Shape::new(&[rows, x.shape.last()]));
		let (Ok(shape), Ok(view)) = shapes else { return op };
		return OpRecord::new(op.kind, op.dtype, shape, [x.view(view)]);
	}
	let full = op.shape.dims();
	if op.operands.iter().any(|operand| operand.shape.rank() != full.len()) {
		return op;
	}
	// The dimensions, and for each the operands that vary along it; neighbours that are alike are one.
	let mut joined: Vec<(u32, Vec<bool>)> = Vec::new();
	for (d, &dim) in full.iter().enumerate().filter(|(_, &dim)| dim != 1) {
		let varies: Vec<bool> = op.operands.iter().map(|x| x.shape.dims()[d] != 1).collect();
		match joined.last_mut() {
			Some((before, alike)) if *alike == varies => *before *= dim,
			_ => joined.push((dim, varies)),
		}
	}
	let shape = |dims: Vec<u32>| Shape::new(&dims).unwrap_or(Shape::SCALAR);
	let mut operands = op.operands;
	for (i, operand) in operands.iter_mut().enumerate() {
		let own = joined.iter().map(|(dim, varies)| if varies[i] { *dim } else { 1 });
		operand.shape = shape(own.collect());
	}
	OpRecord { shape: shape(joined.iter().map(|(dim, _)| *dim).collect()), operands, ..op }
}

/// The index space that all members share.
#[derive(Clone, Copy)]
struct Space {
	elements: usize,
	row: usize,
}

impl Space {
	fn new(members: &[Member<'_>], by_rows: bool) -> Option<Space> {
		let (mut elements, mut least, mut row) = (0, usize::MAX, 0);
		for Member { op, .. } in members {
			let own = op.shape.elements() as usize;
			let (mut size, mut smallest) = (own, own);
			if let OpKind::Reduce(_) = op.kind {
				let shape = op.operands.first()?.shape;
				let k = shape.last() as usize;
				if !(2..=MAX_ROW).contains(&k) || (row != 0 && row != k) {
					return None;
				}
				row = k;
				size = shape.elements() as usize;
				smallest = size;
			}
			elements = elements.max(size);
			least = least.min(smallest);
		}
		if row == 0 && least != elements {
			// Row ops without a reduction among the members.
			row = elements.checked_div(least)?;
		} else if row == 0 && by_rows {
			row = members.iter().find_map(broadcast_row).unwrap_or(0);
		}
		if row > MAX_ROW || (row != 0 && elements % row != 0) {
			return None;
		}
		Some(Space { elements, row })
	}

	fn width(&self, elements: u64) -> Option<Width> {
		let elements = elements as usize;
		if elements == self.elements {
			return Some(Width::Full);
		}
		(self.row != 0 && elements * self.row == self.elements).then_some(Width::Row)
	}

	fn tile(&self) -> usize {
		let tile = match self.row {
			0 => TILE,
			row if row <= 32 => row * (TILE / row).next_multiple_of(SHORT_ROWS),
			row => row * (TILE / row).max(1),
		};
		tile.min(self.elements)
	}
}

/// The length of the rows by which a binary op's operand is broadcast: a region of such rows need
/// not write the operand out.
fn broadcast_row(member: &Member<'_>) -> Option<usize> {
	let op = member.op;
	let OpKind::Binary(_) = op.kind else { return None };
	let broadcast = op.operands.iter().find(|operand| {
		let elements = operand.shape.elements();
		elements > 1 && elements < op.shape.elements()
	})?;
	let walk = Walk::broadcast(op.shape.dims(), [broadcast.shape.dims()]);
	let row = walk.inner;
	let by_rows = walk.is_rows(row, 0, 1) || walk.is_rows(row, 1, 0);
	(by_rows && (2..=MAX_ROW).contains(&row)).then_some(row)
}

/// The last member that reads each member's results inside the region.
fn last_uses(members: &[Member<'_>]) -> Vec<usize> {
	let mut last: Vec<usize> = (0..members.len()).collect();
	for (at, member) in members.iter().enumerate() {
		for operand in &member.op.operands {
			if let Source::Op(index) = operand.source {
				if let Some(from) = members[..at].iter().position(|m| m.index == index) {
					last[from] = at;
				}
			}
		}
	}
	last
}

struct Builder<'a> {
	members: &'a [Member<'a>],
	space: Space,
	widths: Vec<Width>,
	places: Vec<Place>,
	last_use: Vec<usize>,
	/// For every slot, the member after which it is free.
	busy: Vec<usize>,
	fused: Fused,
}

impl Builder<'_> {
	/// Adds a member; gives the one after it.
	fn add(&mut self, at: usize) -> Option<usize> {
		let op = self.members[at].op;
		let width = self.space.width(op.shape.elements())?;
		let inputs = op
			.operands
			.iter()
			.map(|operand| self.input(at, op, width, operand))
			.collect::<Option<Vec<_>>>()?;
		if !supported(op) {
			return None;
		}
		let target = self.target(at, at, width);
		if width == Width::Full || matches!(op.kind, OpKind::Reduce(_)) {
			self.fused.cost += cost(op.kind);
		}
		self.widths.push(width);
		self.places.push(target);
		let walk = self.walk(op, &inputs);
		self.fused.steps.push(Step { op: op.clone(), width, inputs, walk, chain: None, target });
		Some(at + 1)
	}

	/// Adds the members of a chain, which begins with member `at`, as one step; gives the one after.
	fn add_chain(&mut self, at: usize, found: &chain::Found<'_>) -> Option<usize> {
		let last = at + found.len - 1;
		let op = self.members[last].op;
		let width = self.space.width(op.shape.elements())?;
		let mut inputs = vec![self.input(at, self.members[at].op, width, found.x)?];
		let mut scalars = [None; chain::SCALARS];
		for (place, scalar) in scalars.iter_mut().zip(found.scalars) {
			if let Some((reader, operand)) = scalar {
				*place = Some(inputs.len());
				inputs.push(self.input(reader, self.members[reader].op, width, operand)?);
			}
		}
		let target = self.target(at, last, width);
		self.fused.cost += cost(op.kind) * 2;
		// What lies inside is read by nobody else.
		self.widths.extend((0..found.len).map(|_| width));
		self.places.extend((0..found.len).map(|_| target));
		let chain = Some(Linked { chain: found.chain, scalars });
		self.fused.steps.push(Step { op: op.clone(), width, inputs, walk: None, chain, target });
		Some(last + 1)
	}

	/// Where the members `first..=last`, which are computed as one, put the result of the last.
	fn target(&mut self, first: usize, last: usize, width: Width) -> Place {
		let Member { index, op, keep } = self.members[last];
		if !keep {
			return Place::Slot(self.slot(first, last));
		}
		self.fused.outputs.push(index);
		self.fused.kept.push((op.dtype.size() as usize, width));
		Place::Output(self.fused.outputs.len() - 1)
	}

	fn input(&mut self, at: usize, op: &OpRecord, own: Width, operand: &Operand) -> Option<Input> {
		let size = operand.dtype.size() as usize;
		let reduces = matches!(op.kind, OpKind::Reduce(_));
		let width = if reduces { Width::Full } else { own };
		let elements = operand.shape.elements();
		let same = if reduces {
			self.space.width(elements)? == Width::Full
		} else {
			elements == op.shape.elements()
		};
		let walk = (!same).then(|| Walk::broadcast(op.shape.dims(), [operand.shape.dims()]));
		let member = match operand.source {
			Source::Op(index) => self.members[..at].iter().position(|m| m.index == index),
			_ => None,
		};
		let from = match (member, walk) {
			(Some(from), None) => {
				(self.widths[from] == width).then(|| From::Tile(self.places[from]))?
			},
			(Some(from), Some(walk)) => {
				let rows = self.widths[from] == Width::Row && width == Width::Full;
				(rows && walk.is_rows(self.space.row, 0, 1))
					.then(|| From::Rows(self.places[from]))?
			},
			(None, walk) => {
				let at = self.fused.operands.len();
				self.fused.operands.push(*operand);
				match walk {
					None => From::Dense { at },
					Some(_) if elements == 1 => From::Single { at },
					Some(walk) if width == Width::Full && walk.is_rows(self.space.row, 0, 1) => {
						From::EachRow { at }
					},
					Some(walk) if width == Width::Full && walk.is_rows(self.space.row, 1, 0) => {
						From::OneRow { at }
					},
					Some(walk) => From::Walk { at, walk },
				}
			},
		};
		Some(Input { size, width, from })
	}

	/// How a binary op goes through a tile of rows, where one operand is broadcast by rows.
	fn walk(&self, op: &OpRecord, inputs: &[Input]) -> Option<Walk<2>> {
		let row = self.space.row as isize;
		let follow = |input: &Input| match input.from {
			From::Tile(_) | From::Given | From::Dense { .. } => Some((1, row)),
			From::Single { .. } => Some((0, 0)),
			From::Rows(_) | From::EachRow { .. } => Some((0, 1)),
			From::OneRow { .. } => Some((1, 0)),
			From::Walk { .. } => None,
		};
		let by_rows = |input: &Input| {
			matches!(input.from, From::Rows(_) | From::EachRow { .. } | From::OneRow { .. })
		};
		let (OpKind::Binary(_), [a, b]) = (op.kind, inputs) else { return None };
		if !by_rows(a) && !by_rows(b) {
			return None;
		}
		let (a, b) = (follow(a)?, follow(b)?);
		Some(Walk::rows(self.space.row, [a.0, b.0], [a.1, b.1]))
	}

	/// A slot that nothing needs from member `first` on, for the result of member `last`.
	fn slot(&mut self, first: usize, last: usize) -> usize {
		let until = self.last_use[last];
		// An op must not write where it reads: free only from the next member on.
		match self.busy.iter().position(|&busy| busy < first) {
			Some(slot) => {
				self.busy[slot] = until;
				slot
			},
			None => {
				self.busy.push(until);
				self.busy.len() - 1
			},
		}
	}

	fn finish(self) -> Fused {
		let mut fused = self.fused;
		let sizes = fused.steps.iter().flat_map(|step| {
			let inputs = step.inputs.iter().map(|input| input.size);
			inputs.chain([step.op.dtype.size() as usize])
		});
		let widest = sizes.max().unwrap_or(8);
		fused.slot_bytes = (fused.tile * widest).next_multiple_of(64);
		fused.slots = self.busy.len() + 4;
		fused
	}
}

/// Whether the op has a kernel that runs on some of its elements.
fn supported(op: &OpRecord) -> bool {
	if let OpKind::Reduce(_) = op.kind {
		return op.dtype == DType::F32;
	}
	let one = [0u64; 4];
	let mut out = [0u64; 1];
	// SAFETY: eight bytes of an integer; aligned for every element type.
	let bytes = unsafe { one.align_to::<u8>().1 };
	// SAFETY: as above.
	let out = unsafe { out.align_to_mut::<u8>().1 };
	let operands: Vec<Elements<'_>> = op
		.operands
		.iter()
		.map(|operand| Elements { bytes: &bytes[..operand.dtype.size() as usize], single: false })
		.collect();
	let out = &mut out[..op.dtype.size() as usize];
	elementwise::run_elements(op, &operands, None, out, &KernelConfig::new(1, crate::Isa::SCALAR))
		.is_some()
}

/// Rough nanoseconds per ten elements.
fn cost(kind: OpKind) -> usize {
	match kind {
		OpKind::Unary(UnaryFn::Sin | UnaryFn::Cos) => 80,
		OpKind::Unary(UnaryFn::Log | UnaryFn::Softplus) => 40,
		OpKind::Unary(UnaryFn::Erf) => 20,
		OpKind::Unary(UnaryFn::Exp | UnaryFn::Exp2 | UnaryFn::Tanh | UnaryFn::Sigmoid) => 10,
		OpKind::Binary(assay_referee::BinaryFn::Pow) => 300,
		_ => 2,
	}
}
