//! Which floats are 8-bit numbers times a scale: products of such floats are computed in whole numbers
//! (`lower/contraction/dequantized.rs`), and quantizing them again gives the numbers back.
//!
//! Floats of constants are not computed before something needs them as floats: they take four times
//! the memory, and where all that read them take the numbers they are never needed.

use assay_referee::OpKind;

use super::Builder;
use crate::{
	error::Result,
	ir::{Origin, Value},
};

/// What `(x - zero) · scale` is made of.
#[derive(Clone, Debug)]
pub(crate) struct Quantized {
	/// `u8` or `i8`.
	pub(crate) x: Value,
	/// A constant: one element, or one for each slice of `x` along `axis`.
	pub(crate) scale: Value,
	/// As the scale, or one element; of the type of `x`. None is 0.
	pub(crate) zero: Option<Value>,
	/// The axis of `x` along which there are several scales or zero points.
	pub(crate) axis: usize,
}

/// What is known by where a float value's elements are.
#[derive(Debug)]
pub(crate) struct Provenance {
	/// The float value, whose elements stay where they are as long as this is there.
	float: Value,
	quantized: Quantized,
	/// Whether the floats are constant but not computed yet; if they are, what they are.
	deferred: Deferred,
}

/// What is computed of floats that depend on constants only.
#[derive(Debug)]
enum Deferred {
	/// They are computed like any others.
	No,
	/// By ops that may turn out to be for nothing.
	Yes,
	/// Those ops were needed; this is what they gave.
	Done(Value),
}

/// Elements of a constant from which on its floats are deferred. Short ones may decide how a model is
/// compiled.
const DEFERRED_FROM: u64 = 4096;

/// Most ops, one after another, by which floats are deferred.
const MOST_DEFERRED: usize = 8;

/// Most views between a value and the one that was dequantized.
const MOST_VIEWS: usize = 8;

/// A name for the place of a value's elements. Inputs of a model are what they are.
pub(crate) fn place(value: &Value) -> Option<(bool, usize)> {
	match &value.origin {
		Origin::Constant(bytes) => Some((true, bytes.as_ptr().addr())),
		Origin::Op(index) => Some((false, *index)),
		Origin::Input(_) => None,
	}
}

impl Quantized {
	/// Whether there is one scale and one zero point.
	pub(crate) fn is_uniform(&self) -> bool {
		self.scale.elements() == 1 && self.zero.as_ref().is_none_or(|zero| zero.elements() == 1)
	}

	/// Whether the zero point is this one.
	pub(crate) fn has_zero(&self, zero: Option<&Value>) -> bool {
		let bits = |zero: Option<&Value>| zero.map_or(Some(0), Value::uniform_bits);
		bits(zero).is_some() && bits(zero) == bits(self.zero.as_ref())
	}

	/// The scales, where each is a normal number.
	pub(crate) fn scales(&self) -> Option<Vec<f32>> {
		self.scale.floats().filter(|scales| scales.iter().all(|scale| scale.is_normal()))
	}
}

impl Builder {
	/// Makes the ops of `float` from `parts`, and notes what it is made of; a large constant's are
	/// deferred.
	pub(crate) fn dequantized(
		&mut self,
		parts: Option<Quantized>,
		float: impl FnOnce(&mut Builder) -> Result<Value>,
	) -> Result<Value> {
		let Some(quantized) = parts else { return float(self) };
		let defers = quantized.x.is_constant() && quantized.x.elements() >= DEFERRED_FROM;
		let before = std::mem::replace(&mut self.defers, defers);
		let made = float(self);
		self.defers = before;
		let made = made?;
		self.note(&made, quantized, defers);
		Ok(made)
	}

	/// Notes that `float` is `quantized`, element for element.
	fn note(&mut self, float: &Value, quantized: Quantized, defers: bool) {
		if let Some(place) = place(float) {
			let deferred =
				if defers && !float.is_constant() { Deferred::Yes } else { Deferred::No };
			self.quantized.insert(place, Provenance { float: float.clone(), quantized, deferred });
		}
	}

	/// The value, computed if that was deferred and is not too much work.
	pub(crate) fn materialized(&mut self, value: &Value) -> Result<Value> {
		let Some(place) = place(value) else { return Ok(value.clone()) };
		match self.quantized.get(&place).map(|known| &known.deferred) {
			None | Some(Deferred::No) => Ok(value.clone()),
			Some(Deferred::Done(done)) => done.view(value.dims.clone()),
			Some(Deferred::Yes) => {
				let done = self.folded(value, MOST_DEFERRED)?;
				if let Some(known) = self.quantized.get_mut(&place) {
					known.deferred = if done.is_constant() {
						Deferred::Done(done.clone())
					} else {
						// It stays an op, like others that are too much work.
						Deferred::No
					};
				}
				Ok(done)
			},
		}
	}

	/// The value of ops that depend on constants only; as it was, when it is too much work.
	fn folded(&mut self, value: &Value, steps: usize) -> Result<Value> {
		let op = value.op().and_then(|j| self.ops.get(j)).cloned();
		let (Some(mut op), Some(steps)) = (op, steps.checked_sub(1)) else {
			return Ok(value.clone());
		};
		for operand in &mut op.operands {
			*operand = self.folded(operand, steps)?;
		}
		let done = if op.operands.iter().all(Value::is_constant) {
			self.fold(&op, &op.record()?)?
		} else {
			None
		};
		match done {
			Some(done) => done.view(value.dims.clone()),
			None => Ok(value.clone()),
		}
	}

	/// What a float value was dequantized from, under the value's shape: a view of a dequantized value
	/// is a dequantized view where there is one scale.
	pub(crate) fn quantized(&mut self, value: &Value) -> Result<Option<Quantized>> {
		// The views from `value` back to what is known.
		let (mut views, mut at) = (Vec::new(), value.clone());
		let found = loop {
			let Some(place) = place(&at) else { return Ok(None) };
			if let Some(known) = self.quantized.get(&place) {
				if !known.quantized.is_uniform() && at.dims != known.float.dims {
					return Ok(None);
				}
				break known.quantized.clone();
			}
			let Some(op) = at.op().and_then(|j| self.ops.get(j)) else { return Ok(None) };
			let OpKind::Strided { offset, strides } = op.kind else { return Ok(None) };
			if views.len() == MOST_VIEWS {
				return Ok(None);
			}
			let source = op.operands[0].clone();
			views.push((op.dims.clone(), offset, strides));
			at = source;
		};
		if !views.is_empty() && !found.is_uniform() {
			return Ok(None);
		}
		let mut x = found.x.view(at.dims)?;
		for (dims, offset, strides) in views.into_iter().rev() {
			let rank = dims.len();
			x = self.strided(&x, dims, offset, &strides[..rank])?;
		}
		Ok(Some(Quantized { x: x.view(value.dims.clone())?, ..found }))
	}

	/// Notes what a permutation of a constant is made of: of a view [`Builder::quantized`] sees only
	/// what has one scale, and of a constant that is one, nothing.
	pub(crate) fn note_transposed(
		&mut self,
		from: &Value,
		to: &Value,
		permutation: &[usize],
	) -> Result<()> {
		let known = place(from).and_then(|place| self.quantized.get(&place));
		if known.is_none_or(|known| !known.quantized.x.is_constant()) {
			return Ok(());
		}
		let Some(found) = self.quantized(from)? else { return Ok(()) };
		let axis = permutation.iter().position(|&axis| axis == found.axis);
		if let Some(axis) = axis.filter(|_| place(from) != place(to)) {
			let x = self.transpose(&found.x, permutation)?;
			self.note(to, Quantized { x, axis, ..found }, true);
		}
		Ok(())
	}
}
