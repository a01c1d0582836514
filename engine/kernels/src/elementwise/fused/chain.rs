//! Ops that follow each other in a region and have a kernel as a whole: what comes between them is not
//! written anywhere.

use super::Member;
use crate::elementwise::int8::Chain;
use assay_referee::{BinaryFn, DType, OpKind, OpRecord, Operand, Source, UnaryFn};

/// Scalars that a chain may have: `by`, `before`, `plus`, `minus` and `times` of
/// [`crate::elementwise::int8::Scalars`].
pub(super) const SCALARS: usize = 5;

/// A chain among the members of a region.
pub(super) struct Found<'a> {
	pub(super) chain: Chain,
	/// Members, the first included.
	pub(super) len: usize,
	/// What the first member reads beside scalars.
	pub(super) x: &'a Operand,
	/// The scalars that are there, each with the member that reads it.
	pub(super) scalars: [Option<(usize, &'a Operand)>; SCALARS],
}

/// The longest chain that begins with member `at`. `last_use` names the last member that reads each
/// one's result.
pub(super) fn find<'a>(members: &[Member<'a>], at: usize, last_use: &[usize]) -> Option<Found<'a>> {
	let mut walk = Walk { members, last_use, next: at, x: None };
	let mut scalars = [None; SCALARS];
	if let Some(from @ (DType::U8 | DType::I8 | DType::I32)) = walk.cast_to(DType::F32) {
		[scalars[3], scalars[4]] = walk.shift_and_scale();
		let some = scalars.iter().any(Option::is_some);
		return some.then(|| walk.found(at, Chain::Dequantize(from), scalars)).flatten();
	}
	let mut walk = Walk { members, last_use, next: at, x: None };
	let divisor = walk.scalar(BinaryFn::Div);
	scalars[0] = divisor.or_else(|| walk.scalar(BinaryFn::Mul));
	scalars[1] = walk.scalar(BinaryFn::Add);
	walk.step(|op| (op.kind == OpKind::Unary(UnaryFn::Round)).then_some(()))?;
	scalars[2] = walk.scalar(BinaryFn::Add);
	let to = walk.step(|op| (op.kind == OpKind::Cast).then_some(op.dtype))?;
	let (DType::U8 | DType::I8) = to else { return None };
	let divides = divisor.is_some();
	let quantized = walk.found(at, Chain::Quantize { divides, to }, scalars);
	if walk.cast_to(DType::F32).is_none() {
		return quantized;
	}
	[scalars[3], scalars[4]] = walk.shift_and_scale();
	walk.found(at, Chain::Through { divides, by_way_of: to }, scalars)
}

/// Goes from a member to the one that alone reads its result.
struct Walk<'a, 'm> {
	members: &'m [Member<'a>],
	last_use: &'m [usize],
	/// The member to look at next.
	next: usize,
	/// What the first member reads.
	x: Option<&'a Operand>,
}

impl<'a> Walk<'a, '_> {
	/// Goes on past a member that `wanted` takes, of one operand.
	fn step<T>(&mut self, wanted: impl FnOnce(&'a OpRecord) -> Option<T>) -> Option<T> {
		let op = self.reachable()?;
		let [x] = &op.operands[..] else { return None };
		let found = wanted(op)?;
		self.pass(x);
		Some(found)
	}

	/// Goes on past a conversion; gives the type that is converted.
	fn cast_to(&mut self, to: DType) -> Option<DType> {
		let fits = |op: &OpRecord| op.kind == OpKind::Cast && op.dtype == to;
		self.step(|op| fits(op).then_some(op.operands[0].dtype))
	}

	/// Goes on past this function of floats with a scalar on the right, or on the left where that is
	/// the same.
	fn scalar(&mut self, wanted: BinaryFn) -> Option<(usize, &'a Operand)> {
		let op = self.reachable()?;
		let (OpKind::Binary(function), [a, b], DType::F32) = (op.kind, &op.operands[..], op.dtype)
		else {
			return None;
		};
		let commutes = matches!(function, BinaryFn::Add | BinaryFn::Mul);
		let (x, scalar) = if a.shape.elements() == 1 && commutes { (b, a) } else { (a, b) };
		let fits = function == wanted
			&& x.shape.elements() == op.shape.elements()
			&& scalar.shape.elements() == 1
			&& !self.is_inside(scalar);
		if !fits || !self.reads_the_one_before(x) {
			return None;
		}
		let at = self.next;
		self.pass(x);
		Some((at, scalar))
	}

	/// Goes on past a difference and a product with scalars, as far as they are there.
	fn shift_and_scale(&mut self) -> [Option<(usize, &'a Operand)>; 2] {
		[self.scalar(BinaryFn::Sub), self.scalar(BinaryFn::Mul)]
	}

	/// The next member, if it is the first, or reads the result of the one before as nothing else does.
	fn reachable(&self) -> Option<&'a OpRecord> {
		let op = self.members.get(self.next)?.op;
		let several = op.shape.elements() > 1;
		let alone = match self.x {
			None => true,
			Some(_) => {
				let before = self.next - 1;
				!self.members[before].keep && self.last_use[before] == self.next
			},
		};
		(several && alone).then_some(op)
	}

	fn reads_the_one_before(&self, x: &Operand) -> bool {
		self.x.is_none() || x.source == Source::Op(self.members[self.next - 1].index)
	}

	fn is_inside(&self, operand: &Operand) -> bool {
		self.members.iter().any(|member| operand.source == Source::Op(member.index))
	}

	fn pass(&mut self, x: &'a Operand) {
		self.x.get_or_insert(x);
		self.next += 1;
	}

	fn found(
		&self,
		first: usize,
		chain: Chain,
		scalars: [Option<(usize, &'a Operand)>; SCALARS],
	) -> Option<Found<'a>> {
		Some(Found { chain, len: self.next - first, x: self.x?, scalars })
	}
}
