//! Random valid records and tensors, for the tests here and, by the feature `testing`, for those of other crates,
//! which reach them as `assay_testing::records`. A small honest execution is for the tests here alone.
//!
//! It is a part of this crate because its unit tests know the crate's own records, not those of the library that
//! another crate would link. As everywhere in the library there are no floats.

mod map;
mod recur;
mod selection;
#[cfg(test)]
mod world;

#[cfg(test)]
pub(crate) use recur::{random as recur, recurrence};
#[cfg(test)]
pub(crate) use world::World;

use crate::*;
use alloc::{vec, vec::Vec};

/// Splitmix64: a small generator that gives the same numbers for the same seed.
pub struct Rng(pub u64);

impl Rng {
	/// The next number.
	pub fn draw(&mut self) -> u64 {
		self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
		let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
		let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
		z ^ (z >> 31)
	}

	/// A number from 0 to `n - 1`.
	pub fn below(&mut self, n: u64) -> u64 {
		self.draw() % n
	}

	/// One of these.
	pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
		from[self.below(from.len() as u64) as usize]
	}

	fn pick_dtype(&mut self) -> DType {
		self.pick(&DType::ALL)
	}

	fn dim(&mut self, most: u64) -> u32 {
		1 + self.below(most) as u32
	}

	fn dims(&mut self, rank: u64, most: u64) -> Vec<u32> {
		(0..rank).map(|_| self.dim(most)).collect()
	}

	fn source(&mut self) -> Source {
		match self.below(3) {
			0 => Source::Op(self.below(1024) as u32),
			1 => Source::Input(64 * self.below(100)),
			_ => Source::Weight(64 * self.below(1 << 40)),
		}
	}

	fn operand(&mut self, dtype: DType, dims: &[u32]) -> Operand {
		Operand { source: self.source(), dtype, shape: shape(dims) }
	}

	/// Bits of an element, with the odd values more often than chance.
	fn value(&mut self, dtype: DType) -> u64 {
		let raw = match (dtype, self.below(4)) {
			(DType::F32, 0) => u64::from(self.pick(&[
				0u32,
				1,
				0x8000_0000,
				0x7f80_0000,
				0xff80_0000,
				0xffc1_2345,
				0x7fc0_0000,
				0x0080_0000,
				0x007f_ffff,
				0x3f80_0000,
				0xbf80_0000,
				0x7f7f_ffff,
				0x3f00_0000,
			])),
			(DType::F32, 1) => self.draw(),
			(DType::F32, _) => u64::from(scaled(self.below(1 << 20) as i32 - (1 << 19), -14)),
			(DType::I32 | DType::I64, 0) => {
				self.pick(&[0u64, 1, u64::MAX, 1 << 31, 1 << 63, i64::MAX as u64, 0x7fff_ffff])
			},
			(DType::I32 | DType::I64, 1) => self.draw(),
			(DType::I32 | DType::I64, _) => (self.below(21) as i64 - 10) as u64,
			_ => self.draw(),
		};
		canonical(dtype, raw)
	}
}

/// The bits of `n · 2^exponent`, which is to be a normal number or zero.
fn scaled(n: i32, exponent: i32) -> u32 {
	Soft::mul32(Soft::i32_to_f32(n), ((127 + exponent) as u32) << 23)
}

pub(crate) fn shape(dims: &[u32]) -> Shape {
	Shape::new(dims).expect("small dimensions")
}

/// Number of op kinds that [`record`] knows.
pub const KINDS: u64 = 22;

const K_EDGES: [u32; 14] = [1, 2, 5, 31, 32, 33, 255, 256, 257, 511, 513, 1023, 1025, 3000];

/// A valid record of kind number `kind`, modulo [`KINDS`].
///
/// # Panics
/// When the record is not valid after all.
pub fn record(rng: &mut Rng, kind: u64) -> OpRecord {
	let record = match kind % KINDS {
		0 => strided(rng),
		1 => pad(rng),
		2 => concat(rng),
		3 => gather(rng),
		4 => unfold(rng),
		5 => unary(rng),
		6 => {
			let (rank, dtype) = (rng.below(4), rng.pick(&DType::ALL));
			let dims = rng.dims(rank, 6);
			let from = rng.pick_dtype();
			let x = rng.operand(from, &dims);
			OpRecord::new(OpKind::Cast, dtype, shape(&dims), [x])
		},
		7 => binary(rng),
		8 => {
			let (dtype, dims) = (rng.pick_dtype(), rng.dims(3, 5));
			let views = [0; 3].map(|_| broadcast(rng, &dims));
			let types = [DType::Bool, dtype, dtype];
			let operands: Vec<_> =
				types.iter().zip(&views).map(|(&t, v)| rng.operand(t, v)).collect();
			OpRecord::new(OpKind::Select, dtype, shape(&dims), operands)
		},
		9 => matmul(rng),
		10 => matmul_integer(rng),
		11 => {
			let dtype = rng.pick(&[DType::F32, DType::I32, DType::I64, DType::U8, DType::I8]);
			let (rows, k) = (rng.dim(4), rng.pick(&K_EDGES));
			let x = rng.operand(dtype, &[rows, k]);
			let function = rng.pick(ReduceFn::ALL);
			OpRecord::new(OpKind::Reduce(function), dtype, shape(&[rows]), [x])
		},
		12 => {
			let (rows, k) = (rng.dim(4), rng.pick(&K_EDGES));
			let from = rng.pick_dtype();
			let x = rng.operand(from, &[rows, k]);
			OpRecord::new(OpKind::ArgMax, DType::I64, shape(&[rows, 1]), [x])
		},
		14 => recur::random(rng),
		15 => {
			let (format, dims) = (rng.pick(FloatFormat::ALL), rng.dims(2, 20));
			let any = [Overflow::Special, Overflow::Saturate];
			let overflow = if format.has_special() { rng.pick(&any) } else { Overflow::Saturate };
			let x = rng.operand(DType::F32, &dims);
			OpRecord::new(OpKind::RoundTo { format, overflow }, DType::F32, shape(&dims), [x])
		},
		16 => selection::scatter(rng),
		17 => selection::top_k(rng),
		18 => map::random(rng),
		19 => conv(rng),
		20 => map::reduction(rng),
		21 => pool(rng),
		_ => {
			let count = 1 + rng.below(4);
			let operands: Vec<_> = (0..count)
				.map(|_| {
					let (dtype, dims) = (rng.pick_dtype(), rng.dims(2, 9));
					rng.operand(dtype, &dims)
				})
				.collect();
			let len = Layout::new(operands.iter().map(Operand::bytes)).total_len;
			OpRecord::new(OpKind::Pack, DType::U8, shape(&[len as u32]), operands)
		},
	};
	let record = match record.kind.own_operands() {
		Some(_) if rng.below(2) == 0 => map::followed(rng, record),
		_ => record,
	};
	assert_eq!(record.validate(), Ok(()), "{record:?}");
	record
}

fn strided(rng: &mut Rng) -> OpRecord {
	let (rank, dtype) = (rng.below(5), rng.pick_dtype());
	let dims = rng.dims(rank, 5);
	let mut strides = [0i64; 8];
	let (mut low, mut high) = (0, 0);
	for (stride, &dim) in strides.iter_mut().zip(&dims) {
		*stride = rng.below(800) as i64 - 400;
		let reach = *stride * i64::from(dim - 1);
		low += reach.min(0);
		high += reach.max(0);
	}
	let slack = rng.below(50);
	let offset = slack + (-low) as u64;
	let len = offset + high as u64 + 1 + rng.below(50);
	let source = rng.operand(dtype, &[len as u32]);
	OpRecord::new(OpKind::Strided { offset, strides }, dtype, shape(&dims), [source])
}

fn pad(rng: &mut Rng) -> OpRecord {
	let (rank, dtype) = (rng.below(4), rng.pick_dtype());
	let inner = rng.dims(rank, 5);
	let mut before = [0; 8];
	let mut outer = inner.clone();
	for (outer, before) in outer.iter_mut().zip(&mut before) {
		*before = rng.below(4) as u32;
		*outer += *before + rng.below(4) as u32;
	}
	let kind = OpKind::Pad { before, fill: rng.value(dtype) };
	OpRecord::new(kind, dtype, shape(&outer), [rng.operand(dtype, &inner)])
}

fn concat(rng: &mut Rng) -> OpRecord {
	let (rank, dtype) = (1 + rng.below(4), rng.pick_dtype());
	let mut dims = rng.dims(rank, 6);
	let axis = rng.below(rank) as usize;
	let mut operands = Vec::new();
	let mut total = 0;
	for _ in 0..1 + rng.below(12) {
		dims[axis] = rng.dim(4);
		total += dims[axis];
		let mut own = dims.clone();
		for (d, own) in own.iter_mut().enumerate().filter(|&(d, _)| d != axis) {
			let repeats = rng.pick(&[1, 1, 2, 3, dims[d]]);
			*own /= if *own % repeats == 0 { repeats } else { 1 };
		}
		operands.push(rng.operand(dtype, &own));
	}
	dims[axis] = total;
	OpRecord::new(OpKind::Concat { axis: axis as u8 }, dtype, shape(&dims), operands)
}

fn gather(rng: &mut Rng) -> OpRecord {
	let (rank, dtype) = (1 + rng.below(3), rng.pick_dtype());
	let (data, index_rank) = (rng.dims(rank, 8), rng.below(3));
	let indices = rng.dims(index_rank, 4);
	let axis = rng.below(rank) as usize;
	let dims = [&data[..axis], &indices, &data[axis + 1..]].concat();
	let index_type = rng.pick(&[DType::I32, DType::I64]);
	let operands = [rng.operand(dtype, &data), rng.operand(index_type, &indices)];
	OpRecord::new(OpKind::Gather { axis: axis as u8 }, dtype, shape(&dims), operands)
}

fn unfold(rng: &mut Rng) -> OpRecord {
	let dtype = rng.pick_dtype();
	let (n, groups, per_group) = (rng.dim(2), rng.dim(3), rng.dim(3));
	let (h, w) = (rng.dim(8), rng.dim(8));
	let mut pair = |least: u32, most: u64| [0; 2].map(|_| least + rng.below(most) as u32);
	let (kernel, stride, dilation) = (pair(1, 3), pair(1, 3), pair(1, 2));
	let (pad, out) = (pair(0, 3), pair(1, 4));
	let fill = rng.value(dtype);
	let kind = OpKind::Unfold { kernel, stride, dilation, pad, out, groups, fill };
	let dims = [n, groups, out[0] * out[1], per_group * kernel[0] * kernel[1]];
	let source = rng.operand(dtype, &[n, groups * per_group, h, w]);
	OpRecord::new(kind, dtype, shape(&dims), [source])
}

fn conv(rng: &mut Rng) -> OpRecord {
	let (n, groups, per_group) = (rng.dim(2), rng.dim(3), rng.pick(&[1, 2, 3, 90]));
	let (h, w, m) = (rng.dim(9), rng.dim(9), rng.dim(3));
	let mut pair = |least: u32, most: u64| [0; 2].map(|_| least + rng.below(most) as u32);
	let (kernel, stride, pad) = (pair(1, 3), pair(1, 3), pair(0, 3));
	let (dilation, out) = (pair(1, 2), pair(1, 4));
	let layouts = [ImageLayout::ChannelsFirst, ImageLayout::ChannelsLast];
	let (layout, output) = (rng.pick(&layouts), rng.pick(&layouts));
	let bias = rng.pick(&[Bias::None, Bias::Row, Bias::Column]);
	let c = groups * per_group;
	let image = match layout {
		ImageLayout::ChannelsFirst => [n, c, h, w],
		ImageLayout::ChannelsLast => [n, h, w, c],
	};
	let ba = rng.pick(&[1, groups, n * groups]);
	let mut operands = vec![
		rng.operand(DType::F32, &[ba, m, per_group * kernel[0] * kernel[1]]),
		rng.operand(DType::F32, &image),
	];
	match bias {
		Bias::None => {},
		Bias::Column => operands.push(addend(rng, [n * groups, out[0] * out[1]])),
		Bias::Row => operands.push(addend(rng, [ba, m])),
	}
	let kind =
		OpKind::Conv(Conv { kernel, stride, dilation, pad, out, groups, layout, output, bias });
	let dims = match output {
		ImageLayout::ChannelsFirst => [n * groups, m, out[0] * out[1]],
		ImageLayout::ChannelsLast => [n, out[0] * out[1], groups * m],
	};
	OpRecord::new(kind, DType::F32, shape(&dims), operands)
}

fn pool(rng: &mut Rng) -> OpRecord {
	let dtype = rng.pick(&DType::ALL[..5]);
	let image = [rng.dim(3), rng.dim(12), rng.dim(12)];
	let mut pair = |least: u32, most: u64| [0; 2].map(|_| least + rng.below(most) as u32);
	let (kernel, stride, pad) = (pair(1, 7), pair(1, 3), pair(0, 4));
	let (dilation, out) = (pair(1, 2), pair(1, 9));
	let function = rng.pick(ReduceFn::ALL);
	let kind = OpKind::Pool(Pool { function, kernel, stride, dilation, pad, out });
	let dims = rng.pick(&[[image[0], out[0], out[1]], [image[0] * out[0], 1, out[1]]]);
	OpRecord::new(kind, dtype, shape(&dims), [rng.operand(dtype, &image)])
}

fn unary(rng: &mut Rng) -> OpRecord {
	let function = rng.pick(UnaryFn::ALL);
	let integers = [DType::F32, DType::I32, DType::I64, DType::U8, DType::I8];
	let (from, to) = match function {
		UnaryFn::Not => (DType::Bool, DType::Bool),
		UnaryFn::IsNan => (DType::F32, DType::Bool),
		UnaryFn::Neg | UnaryFn::Abs | UnaryFn::Relu | UnaryFn::Sign => {
			let dtype = rng.pick(&integers);
			(dtype, dtype)
		},
		_ => (DType::F32, DType::F32),
	};
	let dims = rng.dims(2, 20);
	OpRecord::new(OpKind::Unary(function), to, shape(&dims), [rng.operand(from, &dims)])
}

/// A view that broadcasts to `dims`.
fn broadcast(rng: &mut Rng, dims: &[u32]) -> Vec<u32> {
	dims.iter().map(|&dim| if rng.below(3) == 0 { 1 } else { dim }).collect()
}

fn binary(rng: &mut Rng) -> OpRecord {
	let function = rng.pick(BinaryFn::ALL);
	let from = match function {
		BinaryFn::Pow => DType::F32,
		BinaryFn::Equal => rng.pick_dtype(),
		BinaryFn::And | BinaryFn::Or | BinaryFn::Xor => rng.pick(&DType::ALL[1..]),
		_ => rng.pick(&DType::ALL[..5]),
	};
	let to = if function.is_comparison() { DType::Bool } else { from };
	let rank = rng.below(4);
	let dims = rng.dims(rank, 6);
	let (a, b) = (broadcast(rng, &dims), broadcast(rng, &dims));
	let operands = [rng.operand(from, &a), rng.operand(from, &b)];
	OpRecord::new(OpKind::Binary(function), to, shape(&dims), operands)
}

fn contraction(rng: &mut Rng, types: [DType; 2]) -> (Operand, Operand, [u32; 3]) {
	let (ba, bb) = rng.pick(&[(1, 1), (2, 4), (4, 2), (1, 3), (3, 1), (2, 2)]);
	let batch =
		12 / rng.pick(&[1, 3].map(|d| if 12 / d % ba == 0 && 12 / d % bb == 0 { d } else { 1 }));
	let (m, n, k) = (rng.dim(3), rng.dim(3), rng.pick(&K_EDGES));
	let a = rng.operand(types[0], &[ba, m, k]);
	let b = rng.operand(types[1], &[bb, n, k]);
	(a, b, [batch, m, n])
}

/// A bias of a side of this many batches and rows or columns, for each batch or the same for all.
fn addend(rng: &mut Rng, [batches, count]: [u32; 2]) -> Operand {
	let dims = if rng.below(2) == 0 { vec![count] } else { vec![batches, count] };
	rng.operand(DType::F32, &dims)
}

fn matmul(rng: &mut Rng) -> OpRecord {
	let (a, b, dims) = contraction(rng, [DType::F32; 2]);
	let [_, m, n] = dims;
	let [ba, bb] = [&a, &b].map(|operand| operand.shape.dims()[0]);
	let mut operands = vec![a, b];
	let bias = rng.pick(&[Bias::None, Bias::Row, Bias::Column]);
	match bias {
		Bias::None => {},
		Bias::Column => operands.push(addend(rng, [bb, n])),
		Bias::Row => operands.push(addend(rng, [ba, m])),
	}
	OpRecord::new(OpKind::MatMul { bias }, DType::F32, shape(&dims), operands)
}

fn matmul_integer(rng: &mut Rng) -> OpRecord {
	let types = [0; 2].map(|_| rng.pick(&[DType::U8, DType::I8]));
	let (a, b, dims) = contraction(rng, types);
	let columns = rng.pick(&[1, dims[2]]);
	let zeros = [rng.operand(types[0], &[1]), rng.operand(types[1], &[columns])];
	let operands = [a, b, zeros[0], zeros[1]];
	OpRecord::new(OpKind::MatMulInteger, DType::I32, shape(&dims), operands)
}

/// Bytes of a tensor of random canonical values.
fn tensor(rng: &mut Rng, dtype: DType, elements: u64) -> Vec<u8> {
	let size = dtype.size() as usize;
	(0..elements).flat_map(|_| rng.value(dtype).to_le_bytes().into_iter().take(size)).collect()
}

/// Random tensors for every operand; indices of a gather are mostly in range.
pub fn tensors(rng: &mut Rng, op: &OpRecord) -> Vec<Vec<u8>> {
	op.operands.iter().map(|o| tensor(rng, o.dtype, o.shape.elements())).collect()
}
