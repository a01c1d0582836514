mod convolution;
mod expression;
mod recur;

use super::*;
use crate::{
	arith::functions,
	testing::{record, shape, tensors, Rng, KINDS},
	*,
};
use alloc::vec;
use alloc::vec::Vec;
use proptest::prelude::*;

mod selection;

/// Coordinates of element `index`.
fn coordinates(dims: &[u32], index: u64) -> Vec<u64> {
	(0..dims.len())
		.map(|d| {
			let inner: u64 = dims[d + 1..].iter().map(|&n| u64::from(n)).product();
			index / inner % u64::from(dims[d])
		})
		.collect()
}

/// The operands of an op, addressed by coordinates.
struct Tensors<'a> {
	op: &'a OpRecord,
	bytes: &'a [Vec<u8>],
}

impl Tensors<'_> {
	fn flat(&self, operand: usize, index: u64) -> u64 {
		let dtype = self.op.operands[operand].dtype;
		decode_value(dtype, &self.bytes[operand][(index * dtype.size()) as usize..]).unwrap()
	}

	fn at(&self, operand: usize, at: &[u64]) -> u64 {
		let dims = self.op.operands[operand].shape.dims();
		assert_eq!(dims.len(), at.len());
		let mut index = 0;
		for (&dim, &c) in dims.iter().zip(at) {
			assert!(c < u64::from(dim), "coordinate {c} of {dim}");
			index = index * u64::from(dim) + c;
		}
		self.flat(operand, index)
	}

	fn broadcast(&self, operand: usize, at: &[u64]) -> u64 {
		let dims = self.op.operands[operand].shape.dims();
		let at: Vec<u64> =
			dims.iter().zip(at).map(|(&dim, &c)| if dim == 1 { 0 } else { c }).collect();
		self.at(operand, &at)
	}

	fn row(&self, index: u64) -> Vec<u64> {
		let k = u64::from(self.op.operands[0].shape.last());
		(index * k..(index + 1) * k).map(|i| self.flat(0, i)).collect()
	}
}

fn f(bits: u64) -> f32 {
	f32::from_bits(bits as u32)
}

fn signed(dtype: DType, bits: u64) -> i128 {
	match dtype {
		DType::I32 => (bits as i32).into(),
		DType::I64 => (bits as i64).into(),
		DType::I8 => (bits as i8).into(),
		_ => bits.into(),
	}
}

/// The value from native floats and wide integers, by coordinates.
fn oracle(op: &OpRecord, bytes: &[Vec<u8>], index: u64) -> u64 {
	if let Some([first, expression]) = op.apart(0) {
		let (own, rest) = bytes.split_at(first.operands.len());
		let value = canonical(first.dtype, oracle(&first, own, index));
		let size = first.dtype.size() as usize;
		let mut result = vec![0; first.bytes() as usize];
		result[index as usize * size..][..size].copy_from_slice(&value.to_le_bytes()[..size]);
		return oracle(&expression, &[&[result], rest].concat(), index);
	}
	let t = Tensors { op, bytes };
	let at = coordinates(op.shape.dims(), index);
	let from = op.operands[0].dtype;
	match op.kind {
		OpKind::Strided { offset, strides } => {
			let step: i128 =
				at.iter().zip(strides).map(|(&c, s)| i128::from(c) * i128::from(s)).sum();
			t.flat(0, u64::try_from(i128::from(offset) + step).unwrap())
		},
		OpKind::Pad { before, fill } => {
			let inner = op.operands[0].shape.dims();
			let moved: Vec<i64> =
				at.iter().zip(before).map(|(&c, b)| c as i64 - i64::from(b)).collect();
			let inside = moved.iter().zip(inner).all(|(&c, &n)| c >= 0 && c < i64::from(n));
			if inside {
				t.at(0, &moved.iter().map(|&c| c as u64).collect::<Vec<_>>())
			} else {
				fill
			}
		},
		OpKind::Concat { axis } => {
			let axis = usize::from(axis);
			let owners =
				op.operands.iter().enumerate().flat_map(|(i, part)| {
					(0..part.shape.dims()[axis]).map(move |c| (i, u64::from(c)))
				});
			let (part, c) = owners.collect::<Vec<_>>()[at[axis] as usize];
			let mut inside = at.clone();
			for (d, &own) in op.operands[part].shape.dims().iter().enumerate() {
				inside[d] = at[d] * u64::from(own) / u64::from(op.shape.dims()[d]);
			}
			inside[axis] = c;
			t.at(part, &inside)
		},
		OpKind::Gather { axis } => {
			let axis = usize::from(axis);
			let index_rank = op.operands[1].shape.rank();
			let wanted = signed(op.operands[1].dtype, t.at(1, &at[axis..axis + index_rank]));
			let size = i128::from(op.operands[0].shape.dims()[axis]);
			let wanted = if wanted < 0 { wanted + size } else { wanted };
			if !(0..size).contains(&wanted) {
				return 0;
			}
			t.at(0, &[&at[..axis], &[wanted as u64], &at[axis + index_rank..]].concat())
		},
		OpKind::Unfold { kernel, stride, dilation, pad, out, groups, fill } => {
			let source = op.operands[0].shape.dims();
			let window = coordinates(&out, at[2]);
			let k = coordinates(&[source[1] / groups, kernel[0], kernel[1]], at[3]);
			let place = |d: usize| {
				(window[d] * u64::from(stride[d]) + k[d + 1] * u64::from(dilation[d])) as i64
					- i64::from(pad[d])
			};
			let (y, x) = (place(0), place(1));
			if y < 0 || x < 0 || y >= source[2].into() || x >= source[3].into() {
				return fill;
			}
			let channel = at[1] * u64::from(source[1] / groups) + k[0];
			t.at(0, &[at[0], channel, y as u64, x as u64])
		},
		OpKind::Unary(function) => unary_oracle(function, from, t.at(0, &at)),
		OpKind::Cast => cast_oracle(from, op.dtype, t.at(0, &at)),
		OpKind::Binary(function) => {
			binary_oracle(function, from, t.broadcast(0, &at), t.broadcast(1, &at))
		},
		OpKind::Select => t.broadcast(if t.broadcast(0, &at) == 1 { 1 } else { 2 }, &at),
		OpKind::MatMul { bias } => {
			let [a, b] = [0, 1].map(|operand| {
				let dims = op.operands[operand].shape.dims();
				let batch = at[0] % u64::from(dims[0]);
				(0..u64::from(dims[2]))
					.map(|k| f(t.at(operand, &[batch, at[1 + operand], k])))
					.collect::<Vec<_>>()
			});
			let chain = |(a, b): (&[f32], &[f32])| {
				a.iter().zip(b).fold(0.0, |sum, (a, b)| f32::mul_add(*a, *b, sum))
			};
			let sum = a.chunks(256).zip(b.chunks(256)).map(chain).reduce(|x, y| x + y).unwrap();
			let sum = match bias {
				Bias::None => sum,
				Bias::Row | Bias::Column => {
					let side = usize::from(bias == Bias::Column);
					let batches = u64::from(op.operands[side].shape.dims()[0]);
					let place = [at[0] % batches, at[1 + side]];
					let whole = op.operands[2].shape.rank() == 1;
					sum + f(t.at(2, &place[usize::from(whole)..]))
				},
			};
			sum.to_bits().into()
		},
		OpKind::MatMulInteger => {
			let [a, b] = [0, 1].map(|operand| {
				let dims = op.operands[operand].shape.dims();
				let batch = at[0] % u64::from(dims[0]);
				let dtype = op.operands[operand].dtype;
				let zeros = op.operands[2 + operand].shape.elements();
				let zero = t.flat(2 + operand, if zeros == 1 { 0 } else { at[2] });
				(0..u64::from(dims[2]))
					.map(|k| {
						let x = t.at(operand, &[batch, at[1 + operand], k]);
						signed(dtype, x) - signed(dtype, zero)
					})
					.collect::<Vec<_>>()
			});
			a.iter().zip(&b).map(|(a, b)| a * b).sum::<i128>() as u64
		},
		OpKind::Reduce(function) => reduce_oracle(function, from, &t.row(index)),
		OpKind::ArgMax => {
			let row = t.row(index);
			let larger = |x: u64, y: u64| match from {
				DType::F32 if f(y).is_nan() => false,
				DType::F32 => f(x).is_nan() || f(x) > f(y),
				_ => signed(from, x) > signed(from, y),
			};
			(0..row.len()).find(|&i| !row.iter().any(|&x| larger(x, row[i]))).unwrap() as u64
		},
		OpKind::Scatter(function) => selection::scatter(&t, function, &at),
		OpKind::TopK { largest } => selection::top_k(&t, largest, index),
		OpKind::Pack => {
			let mut bytes_out = Vec::new();
			for tensor in bytes {
				while bytes_out.len() % 64 != 0 {
					bytes_out.push(0);
				}
				bytes_out.extend_from_slice(tensor);
			}
			assert_eq!(bytes_out.len() as u64, op.bytes());
			bytes_out[index as usize].into()
		},
		OpKind::Recur { cell } => recur::oracle(&t, cell, &at).to_bits().into(),
		OpKind::RoundTo { format, overflow } => round_oracle(format, overflow, t.at(0, &at)),
		OpKind::Conv(conv) => convolution::oracle(&t, &conv, &at).to_bits().into(),
		OpKind::Pool(pool) => {
			let size = op.operands[0].shape.dims();
			let at = coordinates(&[size[0], pool.out[0], pool.out[1]], index);
			let row: Vec<u64> = (0..pool.terms())
				.map(|position| {
					let piece = coordinates(&pool.kernel, position);
					let [y, x] = [0, 1].map(|d| {
						let at = at[1 + d] * u64::from(pool.stride[d]);
						(at + piece[d] * u64::from(pool.dilation[d])) as i64
							- i64::from(pool.pad[d])
					});
					let inside = |at: i64, d: usize| (0..i64::from(size[d])).contains(&at);
					if inside(y, 1) && inside(x, 2) {
						t.at(0, &[at[0], y as u64, x as u64])
					} else {
						neutral(pool.function, from)
					}
				})
				.collect();
			reduce_oracle(pool.function, from, &row)
		},
		OpKind::Map(steps) => expression::oracle(&t, &steps, &at),
		OpKind::MapReduce { function, k, steps } => {
			let element =
				|position| expression::oracle(&t, &steps, &[&at[..], &[position]].concat());
			let row: Vec<u64> = (0..k.into()).map(element).collect();
			reduce_oracle(function, op.dtype, &row)
		},
	}
}

/// A multiple of the format's step at the value's magnitude, in wider floats.
fn round_oracle(format: FloatFormat, overflow: Overflow, bits: u64) -> u64 {
	let (fraction, lowest, greatest) = match format {
		FloatFormat::F16 => (10, -14, 65504.0),
		FloatFormat::Bf16 => (7, -126, 255.0 * 2f64.powi(120)),
		FloatFormat::F8E4M3Fn => (3, -6, 448.0),
		FloatFormat::F8E4M3FnUz => (3, -7, 240.0),
		FloatFormat::F8E5M2 => (2, -14, 57344.0),
		FloatFormat::F8E5M2FnUz => (2, -15, 57344.0),
		FloatFormat::F4E2M1 => (1, 0, 6.0),
	};
	let x = f64::from(f(bits));
	if x.is_nan() {
		return if format == FloatFormat::F4E2M1 { 0x40c0_0000 } else { 0x7fc0_0000 };
	}
	let exponent = (x.abs().to_bits() >> 52) as i32 - 1023;
	let step = 2f64.powi(exponent.max(lowest) - fraction);
	let y = if x.is_infinite() { x } else { (x / step).round_ties_even() * step };
	let infinite = matches!(format, FloatFormat::F16 | FloatFormat::Bf16 | FloatFormat::F8E5M2);
	let y = match y.abs() > greatest {
		true if overflow == Overflow::Saturate => greatest.copysign(x),
		true if infinite => f64::INFINITY.copysign(x),
		true => return 0x7fc0_0000,
		false => y,
	};
	match format {
		FloatFormat::F8E4M3FnUz | FloatFormat::F8E5M2FnUz if y == 0.0 => 0,
		_ => (y as f32).to_bits().into(),
	}
}

fn unary_oracle(function: UnaryFn, from: DType, bits: u64) -> u64 {
	if from == DType::Bool {
		return 1 - bits;
	}
	if from != DType::F32 {
		let x = signed(from, bits);
		return match function {
			UnaryFn::Neg => -x,
			UnaryFn::Abs => x.abs(),
			UnaryFn::Relu => x.max(0),
			_ => x.signum(),
		} as u64;
	}
	let x = f(bits);
	let wide = f64::from(x);
	let y = match function {
		UnaryFn::Neg => -x,
		UnaryFn::Abs => x.abs(),
		UnaryFn::Sqrt => x.sqrt(),
		UnaryFn::Reciprocal => 1.0 / x,
		UnaryFn::Exp => wide.exp() as f32,
		UnaryFn::Exp2 => wide.exp2() as f32,
		UnaryFn::Log => wide.ln() as f32,
		UnaryFn::Tanh => wide.tanh() as f32,
		UnaryFn::Sigmoid => (1.0 / (1.0 + (-wide).exp())) as f32,
		UnaryFn::Sin => wide.sin() as f32,
		UnaryFn::Cos => wide.cos() as f32,
		UnaryFn::Softplus if wide > 700.0 => x,
		UnaryFn::Softplus => wide.exp().ln_1p() as f32,
		// Checked where they are defined; here only that the right one is called.
		UnaryFn::Erf => f32::from_bits(functions::erf::<Soft>(x.to_bits())),
		UnaryFn::Tan => wide.tan() as f32,
		UnaryFn::Asin => wide.asin() as f32,
		UnaryFn::Acos => wide.acos() as f32,
		UnaryFn::Atan => wide.atan() as f32,
		UnaryFn::Sinh => wide.sinh() as f32,
		UnaryFn::Cosh => wide.cosh() as f32,
		// The standard library's lose accuracy near 0.
		UnaryFn::Asinh => f32::from_bits(functions::asinh::<Soft>(x.to_bits())),
		UnaryFn::Acosh => f32::from_bits(functions::acosh::<Soft>(x.to_bits())),
		UnaryFn::Atanh => f32::from_bits(functions::atanh::<Soft>(x.to_bits())),
		UnaryFn::Relu if x.is_nan() || x > 0.0 => x,
		UnaryFn::Relu => 0.0,
		UnaryFn::Floor => x.floor(),
		UnaryFn::Ceil => x.ceil(),
		UnaryFn::Round => x.round_ties_even(),
		UnaryFn::Sign if x == 0.0 => 0.0,
		UnaryFn::Sign => x.signum(),
		UnaryFn::IsNan => return x.is_nan().into(),
		UnaryFn::Not => unreachable!(),
	};
	y.to_bits().into()
}

fn cast_oracle(from: DType, to: DType, bits: u64) -> u64 {
	let x = signed(from, bits);
	match (from, to) {
		(DType::F32, DType::F32) => bits,
		(DType::F32, DType::I32) => f(bits) as i32 as u64,
		(DType::F32, DType::I64) => f(bits) as i64 as u64,
		(DType::F32, DType::U8) => (f(bits) as u8).into(),
		(DType::F32, DType::I8) => f(bits) as i8 as u64,
		(DType::F32, DType::Bool) => (f(bits) != 0.0).into(),
		(_, DType::F32) => (x as f32).to_bits().into(),
		(_, DType::Bool) => (x != 0).into(),
		_ => x as u64,
	}
}

fn binary_oracle(function: BinaryFn, from: DType, a: u64, b: u64) -> u64 {
	if from != DType::F32 {
		let (a, b) = (signed(from, a), signed(from, b));
		return match function {
			BinaryFn::Add => a + b,
			BinaryFn::Sub => a - b,
			BinaryFn::Mul => a * b,
			BinaryFn::Div => a.checked_div(b).unwrap_or(0),
			BinaryFn::Mod if b == 0 => 0,
			BinaryFn::Mod if b < 0 => -((-a).rem_euclid(-b)),
			BinaryFn::Mod => a.rem_euclid(b),
			BinaryFn::Min => a.min(b),
			BinaryFn::Max => a.max(b),
			BinaryFn::Equal => (a == b).into(),
			BinaryFn::Less => (a < b).into(),
			BinaryFn::LessOrEqual => (a <= b).into(),
			BinaryFn::Greater => (a > b).into(),
			BinaryFn::GreaterOrEqual => (a >= b).into(),
			BinaryFn::And => a & b,
			BinaryFn::Or => a | b,
			BinaryFn::Xor => a ^ b,
			BinaryFn::Pow => unreachable!(),
		} as u64;
	}
	let (a, b) = (f(a), f(b));
	let y = match function {
		BinaryFn::Add => a + b,
		BinaryFn::Sub => a - b,
		BinaryFn::Mul => a * b,
		BinaryFn::Div => a / b,
		BinaryFn::Mod => a % b,
		BinaryFn::Min | BinaryFn::Max if a.is_nan() || b.is_nan() => f32::NAN,
		BinaryFn::Min if a < b => a,
		BinaryFn::Max if a > b => a,
		BinaryFn::Min | BinaryFn::Max => b,
		BinaryFn::Pow => f32::from_bits(functions::pow::<Soft>(a.to_bits(), b.to_bits())),
		BinaryFn::Equal => return (a == b).into(),
		BinaryFn::Less => return (a < b).into(),
		BinaryFn::LessOrEqual => return (a <= b).into(),
		BinaryFn::Greater => return (a > b).into(),
		BinaryFn::GreaterOrEqual => return (a >= b).into(),
		BinaryFn::And | BinaryFn::Or | BinaryFn::Xor => unreachable!(),
	};
	y.to_bits().into()
}

/// What takes no part in a reduction.
fn neutral(function: ReduceFn, dtype: DType) -> u64 {
	let least = match dtype {
		DType::F32 => return neutral_f32(function).to_bits().into(),
		DType::I32 => i32::MIN.into(),
		DType::I64 => i64::MIN,
		DType::I8 => i8::MIN.into(),
		DType::U8 | DType::Bool => 0,
	};
	let greatest = if dtype == DType::U8 { 255 } else { !least };
	let value = match function {
		ReduceFn::Sum => 0,
		ReduceFn::Prod => 1,
		ReduceFn::Max => least,
		ReduceFn::Min => greatest,
	};
	canonical(dtype, value as u64)
}

fn neutral_f32(function: ReduceFn) -> f32 {
	match function {
		ReduceFn::Sum => 0.0,
		ReduceFn::Prod => 1.0,
		ReduceFn::Max => f32::NEG_INFINITY,
		ReduceFn::Min => f32::INFINITY,
	}
}

fn reduce_oracle(function: ReduceFn, from: DType, row: &[u64]) -> u64 {
	if from != DType::F32 {
		let values = row.iter().map(|&x| signed(from, x) as i64);
		return match function {
			ReduceFn::Sum => values.fold(0, i64::wrapping_add),
			ReduceFn::Prod => values.fold(1, i64::wrapping_mul),
			ReduceFn::Max => values.max().unwrap(),
			ReduceFn::Min => values.min().unwrap(),
		} as u64;
	}
	let neutral = neutral_f32(function);
	let binary = match function {
		ReduceFn::Sum => BinaryFn::Add,
		ReduceFn::Prod => BinaryFn::Mul,
		ReduceFn::Max => BinaryFn::Max,
		ReduceFn::Min => BinaryFn::Min,
	};
	let combine = |a: f32, b: f32| {
		f(binary_oracle(binary, DType::F32, a.to_bits().into(), b.to_bits().into()))
	};
	let block = |block: &[u64]| {
		let lane = |lane: usize| {
			block.iter().skip(lane).step_by(32).fold(neutral, |sum, &x| combine(sum, f(x)))
		};
		let mut lanes: Vec<f32> = (0..32).map(lane).collect();
		while lanes.len() > 1 {
			let (low, high) = lanes.split_at(lanes.len() / 2);
			lanes = low.iter().zip(high).map(|(&a, &b)| combine(a, b)).collect();
		}
		lanes[0]
	};
	row.chunks(1024).map(block).reduce(combine).unwrap().to_bits().into()
}

fn compute(op: &OpRecord, bytes: &[Vec<u8>], index: u64) -> u64 {
	let views: Vec<&[u8]> = bytes.iter().map(Vec::as_slice).collect();
	element::<Soft, _>(op, index, &mut TensorReader::new(op, &views)).unwrap()
}

/// Checks every element of a record, or a sample of a large one.
fn check(seed: u64, kind: u64) {
	let mut rng = Rng(seed);
	let op = record(&mut rng, kind);
	let bytes = tensors(&mut rng, &op);
	let count = op.shape.elements();
	let mut indices: Vec<u64> = (0..12.min(count)).map(|_| rng.below(count)).collect();
	indices.extend([0, count - 1]);
	for index in indices {
		let expected = canonical(op.dtype, oracle(&op, &bytes, index));
		let actual = compute(&op, &bytes, index);
		assert_eq!(actual, expected, "element {index} of {op:?}: {actual:#x} != {expected:#x}");
	}
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(256))]

	#[test]
	fn every_kind_equals_its_oracle(seed: u64) {
		for kind in 0..KINDS {
			check(seed, kind);
		}
	}

	/// R1: what an element reads and costs is within the static bound.
	#[test]
	fn bound_holds(seed: u64) {
		for kind in 0..KINDS {
			let mut rng = Rng(seed);
			let op = record(&mut rng, kind);
			let bytes = tensors(&mut rng, &op);
			let views: Vec<&[u8]> = bytes.iter().map(Vec::as_slice).collect();
			let bound = leaf_bound(&op, &Place::alone(&op));
			for _ in 0..6 {
				let index = rng.below(op.shape.elements());
				let mut reader = Counting {
					inner: RecordingReader::new(&op, &views),
					reads: [0; MAX_OPERANDS],
				};
				element::<Soft, _>(&op, index, &mut reader).unwrap();
				let runs: Vec<_> =
					(0..reader.inner.operands()).flat_map(|o| reader.inner.runs(o)).collect();
				let chunks: u64 = runs.iter().map(|&(_, count)| count).sum();
				prop_assert!(runs.len() as u64 <= bound.spans.into(), "{op:?}");
				prop_assert!(chunks * CHUNK_BYTES <= bound.bytes, "{op:?}");
				prop_assert!(reader.reads.iter().all(|&n| n <= bound.terms), "{op:?}");
			}
		}
	}
}

struct Counting<'a> {
	inner: RecordingReader<'a>,
	reads: [u64; MAX_OPERANDS],
}

impl Reader for Counting<'_> {
	type Error = OutOfRange;

	fn read(&mut self, operand: usize, element: u64) -> Result<u64, OutOfRange> {
		self.reads[operand] += 1;
		self.inner.read(operand, element)
	}
}

/// The longest reductions, at the worst position within their chunks.
#[test]
fn longest_reductions_are_within_limits() {
	let row = Operand::weight(0, DType::F32, shape(&[1, 2, 16_384]));
	let bias = Operand::weight(0, DType::F32, shape(&[2]));
	let kind = OpKind::MatMul { bias: Bias::Row };
	let op = OpRecord::new(kind, DType::F32, shape(&[1, 2, 2]), [row, row, bias]);
	assert_eq!(op.validate(), Ok(()));
	let bound = leaf_bound(&op, &Place::alone(&op));
	assert!(bound.is_within_limits(), "{bound:?}");
	let wide = Operand::weight(0, DType::I64, shape(&[3, 16_384]));
	let kind = OpKind::Reduce(ReduceFn::Sum);
	let op = OpRecord::new(kind, DType::I64, shape(&[3]), [wide]);
	assert_eq!(op.validate(), Ok(()));
	assert!(leaf_bound(&op, &Place::alone(&op)).is_within_limits());
	assert_eq!(units(&op), 3 * 16_384);
}

#[test]
fn zeros_keep_their_order() {
	let bits = |x: f32| u64::from(x.to_bits());
	let max = |a: f32, b: f32| map::binary::<Soft>(BinaryFn::Max, DType::F32, bits(a), bits(b));
	assert_eq!(max(0.0, -0.0), bits(-0.0));
	assert_eq!(max(-0.0, 0.0), bits(0.0));
	assert_eq!(map::unary::<Soft>(UnaryFn::Relu, DType::F32, bits(-0.0)), bits(0.0));
	assert_eq!(map::unary::<Soft>(UnaryFn::Sign, DType::F32, bits(-0.0)), bits(0.0));
}

#[test]
fn remainder_equals_native() {
	let mut rng = Rng(3);
	for _ in 0..20_000 {
		let (a, b) = (rng.draw() as u32, rng.draw() as u32);
		let expected = f32::from_bits(a) % f32::from_bits(b);
		let expected = canonical(DType::F32, expected.to_bits().into());
		let actual = map::binary::<Soft>(BinaryFn::Mod, DType::F32, a.into(), b.into());
		assert_eq!(actual, expected, "{a:#x} mod {b:#x}");
	}
}

/// A change of any bit here is a change of what programs mean, and needs a new numerics version.
#[test]
fn golden_values() {
	let mut values = Vec::new();
	for seed in 0..40 {
		for kind in 0..KINDS {
			let mut rng = Rng(seed);
			let op = record(&mut rng, kind);
			let bytes = tensors(&mut rng, &op);
			for _ in 0..4 {
				let index = rng.below(op.shape.elements());
				values.extend_from_slice(&compute(&op, &bytes, index).to_le_bytes());
			}
		}
	}
	let golden = "92b33bf79ef5c5b4eec0d77bb59bb3d52c34236762147612f997d132dca28f27";
	let hash = blake3::hash(&values);
	assert_eq!(hash.to_hex().as_str(), golden);
}
