//! Epilogues that a contraction applies to the vectors of its results before it writes them: a ReLU, a
//! residual that is added and then a ReLU, a clip; sums of bytes that become floats again.

use super::{From, Fused, Place, Step as Own};
use crate::elementwise::int8::Chain;
use assay_referee::{BinaryFn, DType, OpKind, UnaryFn};

/// What is made of a value.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Light<T, N> {
	/// The sum with the element of this at the value's place.
	Add(T),
	/// The value where it is larger or NaN, else this.
	Max(N),
	/// The value where it is smaller or NaN, else this.
	Min(N),
	/// The value where it is not negative, else its product with this.
	Slope(N),
	/// The product with this.
	Scale(N),
	/// The sum with the element of this at the value's column.
	AddRow(T),
	/// The product with it.
	ScaleRow(T),
}

/// A light epilogue: how whole numbers become floats, where whole numbers are given, and the steps.
pub(crate) type Lights<'a> = (Option<Scaled<f32>>, Vec<Light<&'a [f32], f32>>);

/// A light epilogue of a region, of operands by their numbers.
#[derive(Debug)]
pub(super) struct Expression {
	/// What whole numbers become floats with, where whole numbers are given.
	pub(super) scaled: Option<Scaled<usize>>,
	pub(super) steps: Vec<Step>,
}

/// How whole numbers become floats: a difference, then a product, where they are there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scaled<N> {
	pub(crate) minus: Option<N>,
	pub(crate) times: Option<N>,
}

/// A step of a region, of operands by their numbers.
pub(super) type Step = Light<usize, Single>;

/// A number that is the same for all values.
#[derive(Clone, Copy, Debug)]
pub(super) enum Single {
	Zero,
	/// The one element of the operand with this number.
	At(usize),
	/// The same, if the other operand's one element is zero, else the steps are not light.
	If {
		at: usize,
		zero: usize,
	},
}

/// Most steps: longer expressions are rare, and what they do outweighs another pass over the results.
const MOST: usize = 5;

/// The steps of a region made by `Fused::of_parts`, if they are light: each of the result before it and at
/// most one operand besides, and the last one gives the output.
pub(super) fn steps(fused: &Fused) -> Option<Expression> {
	let mut steps = Vec::new();
	let (mut before, mut rest) = (None, &fused.steps[..]);
	let scaled = rest.first().and_then(scaled);
	if scaled.is_some() {
		before = Some(rest[0].target);
		rest = &rest[1..];
	}
	while let Some(last) = rest.first() {
		let value = Value(before);
		let (step, count) = match rest {
			[scaled, positive, select, ..] if value.is_sloped(scaled, positive, select) => {
				let slope = value.other(scaled, false)?;
				let (From::Single { at }, From::Single { at: zero }) =
					(slope, value.other(positive, true)?)
				else {
					return None;
				};
				(Light::Slope(Single::If { at: *at, zero: *zero }), 3)
			},
			_ => (value.step(last)?, 1),
		};
		steps.push(step);
		before = Some(rest[count - 1].target);
		rest = &rest[count..];
	}
	let whole = matches!(before, Some(Place::Output(0))) && steps.len() <= MOST;
	whole.then_some(Expression { scaled, steps })
}

/// How a step makes floats of the sums of bytes that are given.
fn scaled(own: &Own) -> Option<Scaled<usize>> {
	let given = matches!(own.inputs.first()?.from, From::Given);
	let single = |at: Option<usize>| match own.inputs.get(at?)?.from {
		From::Single { at } => Some(at),
		_ => None,
	};
	match &own.chain {
		Some(linked) if given && linked.chain == Chain::Dequantize(DType::I32) => {
			let [_, _, _, minus, times] = linked.scalars;
			let scaled = Scaled { minus: single(minus), times: single(times) };
			let all = scaled.minus.is_some() == minus.is_some()
				&& scaled.times.is_some() == times.is_some();
			all.then_some(scaled)
		},
		None if given && own.op.kind == OpKind::Cast && own.op.dtype == DType::F32 => {
			let whole = own.op.operands.first()?.dtype == DType::I32;
			whole.then_some(Scaled { minus: None, times: None })
		},
		_ => None,
	}
}

/// The result before a step: what is given, or where it is.
#[derive(Clone, Copy)]
struct Value(Option<Place>);

impl Value {
	fn is(self, from: &From) -> bool {
		match (from, self.0) {
			(From::Given, None) => true,
			(From::Tile(place), Some(before)) => *place == before,
			_ => false,
		}
	}

	/// What a function of two takes beside the value; with `first`, where the value comes first.
	fn other(self, own: &Own, first: bool) -> Option<&From> {
		if own.chain.is_some() || own.walk.is_some() {
			return None;
		}
		match &own.inputs[..] {
			[a, b] if self.is(&a.from) => Some(&b.from),
			[a, b] if self.is(&b.from) && !first => Some(&a.from),
			_ => None,
		}
	}

	/// Whether three steps are the value where it is at least a number, else its product with another.
	fn is_sloped(self, scaled: &Own, positive: &Own, select: &Own) -> bool {
		let kinds = [scaled, positive, select].map(|own| own.op.kind)
			== [
				OpKind::Binary(BinaryFn::Mul),
				OpKind::Binary(BinaryFn::GreaterOrEqual),
				OpKind::Select,
			];
		let place = |from: &From| match from {
			From::Tile(place) => Some(*place),
			_ => None,
		};
		kinds
			&& scaled.op.dtype == DType::F32
			&& select.op.dtype == DType::F32
			&& matches!(&select.inputs[..], [c, a, b] if place(&c.from) == Some(positive.target)
				&& self.is(&a.from) && place(&b.from) == Some(scaled.target))
	}

	/// A step of the value and at most one operand besides.
	fn step(self, own: &Own) -> Option<Step> {
		if own.op.dtype != DType::F32 || own.chain.is_some() || own.walk.is_some() {
			return None;
		}
		let single = |from: &From| match *from {
			From::Single { at } => Some(Single::At(at)),
			_ => None,
		};
		Some(match (own.op.kind, &own.inputs[..]) {
			(OpKind::Unary(UnaryFn::Relu), [x]) if self.is(&x.from) => Light::Max(Single::Zero),
			(OpKind::Binary(BinaryFn::Add), _) => match self.other(own, false)? {
				From::Dense { at } => Light::Add(*at),
				From::Walk { at, walk } if walk.is_rows(walk.inner, 1, 0) => Light::AddRow(*at),
				_ => return None,
			},
			(OpKind::Binary(BinaryFn::Mul), _) => match self.other(own, false)? {
				From::Single { at } => Light::Scale(Single::At(*at)),
				From::Walk { at, walk } if walk.is_rows(walk.inner, 1, 0) => Light::ScaleRow(*at),
				_ => return None,
			},
			(OpKind::Binary(BinaryFn::Max), _) => Light::Max(single(self.other(own, true)?)?),
			(OpKind::Binary(BinaryFn::Min), _) => Light::Min(single(self.other(own, true)?)?),
			_ => return None,
		})
	}
}
