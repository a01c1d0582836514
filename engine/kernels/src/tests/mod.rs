//! Every kernel gives the bits of the referee's element function.

mod epilogue;
mod expression;
mod pool;
mod recur;

use crate::{execute, execute_with, fusible_operand, prepare, Arg, Buffer, Isa, KernelConfig};
use assay_referee::{
	canonical, element, encode_value, Bias, BinaryFn, Conv, DType, FloatFormat, ImageLayout,
	OpKind, OpRecord, Operand, Overflow, ReduceFn, Shape, Soft, TensorReader, UnaryFn,
};
use proptest::prelude::*;

mod selection;
mod small;

pub(crate) fn shape(dims: &[u32]) -> Shape {
	Shape::new(dims).unwrap()
}

pub(crate) fn operand(dtype: DType, dims: &[u32]) -> Operand {
	Operand::input(0, dtype, shape(dims))
}

/// So many cases of a property; one under Miri, which is a thousand times slower.
pub(crate) fn cases(count: u32) -> ProptestConfig {
	ProptestConfig::with_cases(if cfg!(miri) { 1 } else { count })
}

/// Pseudo-random numbers.
pub(crate) struct Random(pub(crate) u64);

impl Random {
	pub(crate) fn next(&mut self) -> u64 {
		self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
		let x = (self.0 ^ (self.0 >> 29)).wrapping_mul(0xbf58476d1ce4e5b9);
		x ^ (x >> 32)
	}

	/// Mostly numbers of ordinary size, some of any bits, some special.
	fn value(&mut self, dtype: DType) -> u64 {
		const SPECIAL: [u32; 10] = [
			0,
			0x8000_0000,
			0x7f80_0000,
			0xff80_0000,
			0xffc0_0000,
			1,
			0x8000_0001,
			0x0080_0000,
			0x7f7f_ffff,
			0x007f_ffff,
		];
		let (x, kind) = (self.next(), self.next() % 64);
		let bits = match (dtype, kind) {
			(DType::F32, 0) => SPECIAL[x as usize % SPECIAL.len()].into(),
			(DType::F32, 1 | 2) => x as u32 as u64,
			(DType::F32, _) => ((x % 4001) as f32 / 1000.0 - 2.0).to_bits().into(),
			(DType::I32 | DType::I64, 0..48) => (x % 41).wrapping_sub(20),
			_ => x,
		};
		canonical(dtype, bits)
	}

	pub(crate) fn tensor(&mut self, operand: &Operand, plain: bool) -> Buffer {
		let mut bytes = Buffer::new(operand.bytes() as usize);
		for place in bytes.chunks_exact_mut(operand.dtype.size() as usize) {
			let mut bits = self.value(operand.dtype);
			if plain && operand.dtype == DType::F32 {
				bits = ((self.next() % 4001) as f32 / 1000.0 - 2.0).to_bits().into();
			}
			encode_value(operand.dtype, bits, place).unwrap();
		}
		bytes
	}
}

pub(crate) fn expected(op: &OpRecord, operands: &[&[u8]]) -> Vec<u8> {
	let mut out = vec![0; op.bytes() as usize];
	if let Some(own) = op.self_operand() {
		recur::compute_from(op, &operands[..own], &mut out, 0);
		return out;
	}
	let mut reader = TensorReader::new(op, operands);
	for (i, place) in out.chunks_exact_mut(op.dtype.size() as usize).enumerate() {
		let bits = element::<Soft, _>(op, i as u64, &mut reader).unwrap();
		encode_value(op.dtype, bits, place).unwrap();
	}
	out
}

fn configs() -> Vec<KernelConfig> {
	let isas = Isa::available().into_iter();
	isas.flat_map(|isa| [1, 2, 3, 7].map(|threads| KernelConfig::new(threads, isa))).collect()
}

/// Compares a valid op's kernel with the element function on random operands, under every
/// instruction set and several numbers of threads.
fn check_with(op: &OpRecord, seed: u64, plain: bool) {
	let mut random = Random(seed);
	let tensors: Vec<Buffer> = op.operands.iter().map(|x| random.tensor(x, plain)).collect();
	check_on(op, &tensors);
}

/// As [`check_with`], on these operands.
fn check_on(op: &OpRecord, tensors: &[Buffer]) {
	op.validate().unwrap();
	let operands: Vec<&[u8]> = tensors.iter().map(|x| &x[..]).collect();
	let expected = expected(op, &operands);
	for cfg in configs() {
		let mut out = Buffer::new(expected.len());
		execute(op, &operands, &mut out, &cfg).unwrap();
		if out[..] != expected[..] {
			let at = out.iter().zip(&expected).position(|(a, b)| a != b).unwrap();
			let element = at / op.dtype.size() as usize;
			let size = op.dtype.size() as usize;
			let place = element * size..(element + 1) * size;
			panic!(
				"element {element} of {op:?} under {cfg:?}: {:02x?}, expected {:02x?}; operand {:02x?}",
				&out[place.clone()],
				&expected[place.clone()],
				operands[0].get(place),
			);
		}
	}
}

fn check(op: &OpRecord, seed: u64) {
	check_with(op, seed, false);
}

fn dims(max: u32) -> impl Strategy<Value = Vec<u32>> {
	prop::collection::vec(1..=max, 0..=4)
}

/// The dims of an operand that broadcasts to `dims`.
fn narrowed(dims: &[u32], mask: u64) -> Vec<u32> {
	dims.iter().enumerate().map(|(i, &dim)| if mask >> i & 1 == 1 { 1 } else { dim }).collect()
}

proptest! {
	#![proptest_config(cases(24))]

	#[test]
	fn matmul(
		m in prop::sample::select(vec![1u32, 2, 3, 5, 14, 15, 29]),
		n in prop::sample::select(vec![1u32, 2, 7, 16, 31, 32, 33, 64, 65]),
		k in prop::sample::select(vec![1u32, 3, 255, 256, 257, 511, 513]),
		(batch, ba, bb) in prop::sample::select(
			vec![(1, 1, 1), (3, 3, 1), (2, 1, 2), (3, 1, 3), (4, 2, 4)]
		),
		bias in 0..5,
		plain: bool,
		seed: u64,
	) {
		let mut operands =
			vec![operand(DType::F32, &[ba, m, k]), operand(DType::F32, &[bb, n, k])];
		let bias = match bias {
			0 => Bias::None,
			1 => { operands.push(operand(DType::F32, &[m])); Bias::Row },
			2 => { operands.push(operand(DType::F32, &[ba, m])); Bias::Row },
			3 => { operands.push(operand(DType::F32, &[bb, n])); Bias::Column },
			_ => { operands.push(operand(DType::F32, &[n])); Bias::Column },
		};
		let kind = OpKind::MatMul { bias };
		let op = OpRecord::new(kind, DType::F32, shape(&[batch, m, n]), operands);
		check_with(&op, seed, plain);
		prepared(&op, seed, plain);
	}

	#[test]
	fn matmul_integer(
		m in 1u32..20, n in 1u32..70, k in prop::sample::select(vec![1u32, 2, 31, 32, 65, 300]),
		a in prop::sample::select(vec![DType::U8, DType::I8]),
		b in prop::sample::select(vec![DType::U8, DType::I8]),
		(batch, ba, bb) in prop::sample::select(vec![(1, 1, 1), (3, 3, 1), (4, 2, 4)]),
		columns: bool,
		seed: u64,
	) {
		let zeros: &[u32] = if columns { &[n] } else { &[] };
		let operands = vec![
			operand(a, &[ba, m, k]), operand(b, &[bb, n, k]), operand(a, &[]), operand(b, zeros),
		];
		let shape = shape(&[batch, m, n]);
		check(&OpRecord::new(OpKind::MatMulInteger, DType::I32, shape, operands), seed);
	}

	#[test]
	fn binary(dims in dims(9), wide in 1u32..80, masks: (u64, u64), seed: u64) {
		let mut dims = dims;
		dims.push(wide);
		dims.truncate(4);
		let (a, b) = (narrowed(&dims, masks.0), narrowed(&dims, masks.1 & !masks.0));
		let operands = |dtype| vec![operand(dtype, &a), operand(dtype, &b)];
		for &function in BinaryFn::ALL {
			for dtype in DType::ALL {
				let out = if function.is_comparison() { DType::Bool } else { dtype };
				let kind = OpKind::Binary(function);
				let dims: Vec<u32> = a.iter().zip(&b).map(|(&a, &b)| a.max(b)).collect();
				let op = OpRecord::new(kind, out, shape(&dims), operands(dtype));
				if op.validate().is_ok() {
					check(&op, seed ^ function as u64);
				}
			}
		}
	}

	#[test]
	fn select(dims in dims(17), masks: (u64, u64, u64), seed: u64) {
		for dtype in DType::ALL {
			let operands = vec![
				operand(DType::Bool, &narrowed(&dims, masks.0)),
				operand(dtype, &narrowed(&dims, masks.1)),
				operand(dtype, &narrowed(&dims, masks.2)),
			];
			check(&OpRecord::new(OpKind::Select, dtype, shape(&dims), operands), seed);
		}
	}

	#[test]
	fn reduce(
		rows in 1u32..70,
		k in prop::sample::select(
			vec![1u32, 2, 3, 4, 9, 16, 17, 31, 32, 33, 63, 64, 65, 1000, 1024, 1025, 2100]),
		plain: bool,
		seed: u64,
	) {
		for dtype in DType::ALL {
			for &function in ReduceFn::ALL {
				let x = vec![operand(dtype, &[rows, k])];
				let op = OpRecord::new(OpKind::Reduce(function), dtype, shape(&[rows]), x);
				if op.validate().is_ok() {
					check_with(&op, seed, plain);
				}
			}
			let x = vec![operand(dtype, &[rows, k])];
			let op = OpRecord::new(OpKind::ArgMax, DType::I64, shape(&[rows]), x);
			if op.validate().is_ok() {
				check_with(&op, seed, plain);
			}
		}
	}

	#[test]
	fn transposes_and_slices(
		dims in prop::collection::vec(1u32..20, 1..5), order: u64, flips: u64, steps: u64,
		seed: u64,
	) {
		// A permutation of the axes, each perhaps reversed, shortened or repeated.
		let mut axes: Vec<usize> = (0..dims.len()).collect();
		let mut random = Random(order);
		for i in (1..axes.len()).rev() {
			axes.swap(i, random.next() as usize % (i + 1));
		}
		let natural: Vec<i64> = (0..dims.len())
			.map(|d| dims[d + 1..].iter().map(|&dim| i64::from(dim)).product())
			.collect();
		let (mut offset, mut strides, mut out) = (0i64, [0i64; 8], Vec::new());
		for (d, &axis) in axes.iter().enumerate() {
			let (dim, stride) = (i64::from(dims[axis]), natural[axis]);
			let step = if steps >> d & 3 == 3 { 2 } else { 1 };
			let count = (dim + step - 1) / step;
			out.push(count as u32);
			strides[d] = stride * step;
			if flips >> d & 1 == 1 {
				offset += strides[d] * (count - 1);
				strides[d] = -strides[d];
			}
			if steps >> (d + 8) & 7 == 7 {
				strides[d] = 0;
			}
		}
		let kind = OpKind::Strided { offset: offset as u64, strides };
		for dtype in [DType::F32, DType::I64, DType::U8] {
			let x = vec![operand(dtype, &dims)];
			check(&OpRecord::new(kind, dtype, shape(&out), x), seed);
		}
	}

	#[test]
	fn pads(dims in dims(9), pads: [u32; 8], seed: u64) {
		let mut before = [0; 8];
		let mut out = dims.clone();
		for (d, dim) in out.iter_mut().enumerate() {
			before[d] = pads[d] % 3;
			*dim += before[d] + pads[d + 4] % 3;
		}
		for (dtype, fill) in [(DType::F32, 0xff80_0000), (DType::I64, u64::MAX), (DType::U8, 7)] {
			let x = vec![operand(dtype, &dims)];
			check(&OpRecord::new(OpKind::Pad { before, fill }, dtype, shape(&out), x), seed);
		}
	}

	#[test]
	fn concats(
		dims in prop::collection::vec(1u32..9, 1..4), axis: usize,
		sizes in prop::collection::vec(1u32..30, 1..5), seed: u64,
	) {
		let axis = axis % dims.len();
		let with = |size| { let mut dims = dims.clone(); dims[axis] = size; dims };
		for dtype in [DType::F32, DType::I64, DType::Bool] {
			let x: Vec<_> = sizes.iter().map(|&size| operand(dtype, &with(size))).collect();
			let out = shape(&with(sizes.iter().sum()));
			check(&OpRecord::new(OpKind::Concat { axis: axis as u8 }, dtype, out, x), seed);
			// Each operand repeated in another way.
			let x: Vec<_> = sizes.iter().enumerate().map(|(i, &size)| {
				let own = |(d, &dim): (usize, &u32)| match (seed >> (8 * i + d)) & 1 {
					0 if d != axis => dim,
					_ => dim * [2, 3][d % 2],
				};
				let mut own: Vec<u32> = dims.iter().enumerate().map(own).collect();
				own[axis] = size;
				operand(dtype, &own)
			}).collect();
			let mut out: Vec<u32> =
				dims.iter().enumerate().map(|(d, &dim)| dim * [2, 3][d % 2]).collect();
			out[axis] = sizes.iter().sum();
			check(&OpRecord::new(OpKind::Concat { axis: axis as u8 }, dtype, shape(&out), x), seed);
			let x: Vec<_> = sizes.iter().map(|&size| operand(dtype, &with(size))).collect();
			let ends = x.iter().fold(0u64, |end, x| end.next_multiple_of(64) + x.bytes());
			check(&OpRecord::new(OpKind::Pack, DType::U8, shape(&[ends as u32]), x), seed);
		}
	}

	#[test]
	fn gathers(
		dims in prop::collection::vec(1u32..12, 1..4), axis: usize,
		indices in dims(5), seed: u64,
	) {
		let axis = axis % dims.len();
		let out = [&dims[..axis], &indices[..], &dims[axis + 1..]].concat();
		prop_assume!(out.len() <= 8);
		for dtype in [DType::F32, DType::I64, DType::U8] {
			for index in [DType::I32, DType::I64] {
				let x = vec![operand(dtype, &dims), operand(index, &indices)];
				let kind = OpKind::Gather { axis: axis as u8 };
				check(&OpRecord::new(kind, dtype, shape(&out), x), seed);
			}
		}
	}

	/// Filters of one channel, with rows of several vectors and stripes of several tiles.
	#[test]
	fn depthwise(
		channels in 1u32..4, images in 1u32..3, hw in [1u32..60, 1u32..120],
		kernel in prop::sample::select(vec![[1u32, 1], [3, 3], [5, 5], [2, 7], [16, 17]]),
		stride in [1u32..4, 1u32..4], dilation in [1u32..3, 1u32..3], pad in [0u32..9, 0u32..9],
		seed: u64, plain: bool,
	) {
		let out = [0, 1].map(|i| (hw[i] + 2 * pad[i]) / stride[i] + 1);
		prop_assume!(out[0] * out[1] * kernel[0] * kernel[1] < 1 << 18);
		let groups = channels;
		let unfold = OpRecord::new(
			OpKind::Unfold { kernel, stride, dilation, pad, out, groups, fill: 0 },
			DType::F32,
			shape(&[images, groups, out[0] * out[1], kernel[0] * kernel[1]]),
			vec![operand(DType::F32, &[images, channels, hw[0], hw[1]])],
		);
		fused(&unfold, 1, seed, plain);
	}

	/// Many filters of few windows, which are computed as the transpose.
	#[test]
	fn narrow_convolutions(
		n in 1u32..3, channels in prop::sample::select(vec![1u32, 3, 40]), m in 17u32..70,
		hw in [1u32..9, 1u32..20], kernel in [1u32..4, 1u32..9], stride in [1u32..4, 1u32..4],
		dilation in [1u32..3, 1u32..3], pad in [0u32..4, 0u32..4], seed: u64, plain: bool,
	) {
		let out = [0, 1].map(|i| ((hw[i] + 2 * pad[i]) / stride[i] + 1).min([2, 4][i]));
		let source = [n, channels, hw[0], hw[1]];
		let unfold = one_group(source, [kernel, stride, dilation, pad, out]);
		fused(&unfold, m, seed, plain);
	}

	/// Many filters of many channels, which are multiplied with windows where these are.
	#[test]
	fn windows_in_place(
		n in 1u32..3, channels in prop::sample::select(vec![8u32, 30, 61]), m in 25u32..70,
		hw in [1u32..9, 6u32..40], kernel in [1u32..5, 1u32..5], stride in [1u32..4, 1u32..4],
		dilation in [1u32..3, 1u32..3], pad in [0u32..4, 0u32..4], seed: u64, plain: bool,
	) {
		let out = [0, 1].map(|i| (hw[i] + 2 * pad[i]) / stride[i] + 1);
		let source = [n, channels, hw[0], hw[1]];
		let unfold = one_group(source, [kernel, stride, dilation, pad, out]);
		// Others have a bias for each window.
		fused(&unfold, m, seed / 3 * 3, plain);
	}

	#[test]
	fn windows(
		n in 1u32..3, channels in 1u32..4, groups in 1u32..4, hw in [1u32..14, 1u32..40],
		kernel in [1u32..5, 1u32..5], stride in [1u32..4, 1u32..4], dilation in [1u32..3, 1u32..3],
		pad in [0u32..4, 0u32..4], seed: u64, plain: bool,
	) {
		// Windows may hang over every edge.
		let out = [0, 1].map(|i| (hw[i] + 2 * pad[i]) / stride[i] + 1);
		let (places, terms) = (out[0] * out[1], channels * kernel[0] * kernel[1]);
		let source = [n, channels * groups, hw[0], hw[1]];
		let unfold = |dtype, fill| OpRecord::new(
			OpKind::Unfold { kernel, stride, dilation, pad, out, groups, fill },
			dtype,
			shape(&[n, groups, places, terms]),
			vec![operand(dtype, &source)],
		);
		check(&unfold(DType::F32, 0x7f80_0000), seed);
		check(&unfold(DType::U8, 9), seed);
		fused(&unfold(DType::F32, 0), 1 + (seed % 17) as u32, seed, plain);
		fused(&unfold(DType::F32, 0x8000_0000), 1, seed, plain);
	}
}

/// Patches of an image `[n, c, h, w]`, all channels of which are one group.
fn one_group(
	[n, c, h, w]: [u32; 4],
	[kernel, stride, dilation, pad, out]: [[u32; 2]; 5],
) -> OpRecord {
	OpRecord::new(
		OpKind::Unfold { kernel, stride, dilation, pad, out, groups: 1, fill: 0 },
		DType::F32,
		shape(&[n, 1, out[0] * out[1], c * kernel[0] * kernel[1]]),
		vec![operand(DType::F32, &[n, c, h, w])],
	)
}

/// A product with weights that were rearranged.
fn prepared(op: &OpRecord, seed: u64, plain: bool) {
	let mut random = Random(seed);
	let tensors: Vec<Buffer> = op.operands.iter().map(|x| random.tensor(x, plain)).collect();
	let operands: Vec<&[u8]> = tensors.iter().map(|x| &x[..]).collect();
	let want = expected(op, &operands);
	for cfg in configs() {
		let packed: Vec<_> = (0..2).map(|i| prepare(op, i, operands[i], cfg.isa())).collect();
		for which in 1..4 {
			let args: Vec<Arg<'_>> = (0..operands.len())
				.map(|i| match packed.get(i) {
					Some(Some(packed)) if which >> i & 1 == 1 => Arg::Prepared(packed, operands[i]),
					_ => Arg::Bytes(operands[i]),
				})
				.collect();
			gives(op, &args, &want, &cfg);
		}
	}
}

/// Compares an execution's output.
fn gives(op: &OpRecord, args: &[Arg<'_>], want: &[u8], cfg: &KernelConfig) {
	let mut out = Buffer::new(want.len());
	execute_with(op, args, None, &mut out, cfg).unwrap();
	assert!(out[..] == want[..], "{cfg:?} {op:?}");
}

/// A convolution with `m` filters per group without the patches being written out, and with packed
/// filters.
fn fused(unfold: &OpRecord, m: u32, seed: u64, plain: bool) {
	let &[n, groups, places, terms] = unfold.shape.dims() else { panic!("not patches") };
	let f = DType::F32;
	let (bias, dims) = match seed % 3 {
		0 => (Bias::Row, vec![groups, m]),
		1 => (Bias::Column, vec![places]),
		_ => (Bias::Column, vec![n * groups, places]),
	};
	let op = OpRecord::new(
		OpKind::MatMul { bias },
		f,
		shape(&[n * groups, m, places]),
		vec![
			operand(f, &[groups, m, terms]),
			operand(f, &[n * groups, places, terms]),
			operand(f, &dims),
		],
	);
	op.validate().unwrap();
	assert_eq!(fusible_operand(unfold, &op), Some(1));
	let mut random = Random(seed);
	let image = random.tensor(&unfold.operands[0], plain);
	let filters = random.tensor(&op.operands[0], plain);
	let bias = random.tensor(&op.operands[2], plain);
	let patches = expected(unfold, &[&image]);
	let want = expected(&op, &[&filters, &patches, &bias]);
	for cfg in configs() {
		let packed = prepare(&op, 0, &filters, cfg.isa());
		let lhs = match &packed {
			Some(packed) => Arg::Prepared(packed, &filters),
			None => Arg::Bytes(&filters),
		};
		for lhs in [lhs, Arg::Bytes(&filters)] {
			let args = [lhs, Arg::Patches { unfold, image: &image }, Arg::Bytes(&bias)];
			gives(&op, &args, &want, &cfg);
		}
	}
	if let OpKind::Unfold { fill: 0, .. } = unfold.kind {
		convolved(unfold, &op, [&image, &filters, &bias], &want);
	}
}

/// The same products as one op, of the image in either layout.
fn convolved(
	unfold: &OpRecord,
	product: &OpRecord,
	[image, filters, bias]: [&Buffer; 3],
	want: &[u8],
) {
	let OpKind::Unfold { kernel, stride, dilation, pad, out, groups, .. } = unfold.kind else {
		panic!("not patches")
	};
	let &[n, c, h, w] = unfold.operands[0].shape.dims() else { panic!("not an image") };
	let conv = |layout| {
		let OpKind::MatMul { bias } = product.kind else { panic!("not a product") };
		let mut op = product.clone();
		let output = ImageLayout::ChannelsFirst;
		op.kind =
			OpKind::Conv(Conv { kernel, stride, dilation, pad, out, groups, layout, output, bias });
		let dims = match layout {
			ImageLayout::ChannelsFirst => [n, c, h, w],
			ImageLayout::ChannelsLast => [n, h, w, c],
		};
		op.operands[1] = operand(DType::F32, &dims);
		op.validate().unwrap();
		op
	};
	let (first, last) = (conv(ImageLayout::ChannelsFirst), conv(ImageLayout::ChannelsLast));
	let mut strides = [0; 8];
	let steps = [c * h * w, w, 1, h * w].map(i64::from);
	for ((to, step), dim) in strides.iter_mut().zip(steps).zip([n, h, w, c]) {
		*to = if dim > 1 { step } else { 0 };
	}
	let kind = OpKind::Strided { offset: 0, strides };
	let turn = OpRecord::new(kind, DType::F32, shape(&[n, h, w, c]), [unfold.operands[0]]);
	turn.validate().unwrap();
	assert_eq!(fusible_operand(&turn, &last), Some(1));
	assert_eq!(fusible_operand(&turn, &first), None);
	let turned = expected(&turn, &[image]);
	for cfg in configs() {
		let packed = prepare(&first, 0, filters, cfg.isa());
		let lhs = match &packed {
			Some(packed) => Arg::Prepared(packed, filters),
			None => Arg::Bytes(filters),
		};
		let patches = Arg::Patches { unfold: &turn, image };
		for (op, x) in [(&first, Arg::Bytes(image)), (&last, Arg::Bytes(&turned)), (&last, patches)]
		{
			let mut out = Buffer::new(want.len());
			execute_with(op, &[lhs, x, Arg::Bytes(bias)], None, &mut out, &cfg).unwrap();
			assert!(out[..] == want[..], "{cfg:?} {op:?}");
		}
	}
}

/// One left operand with a right one for each entry of the batch, of whole panels and of others, with
/// every kind of bias.
#[test]
fn a_shared_left_operand() {
	for (m, n) in [(1, 31), (1, 32), (2, 8), (15, 7), (15, 32), (15, 64), (3, 80)] {
		let factors = [operand(DType::F32, &[1, m, 257]), operand(DType::F32, &[3, n, 257])];
		let biases: [(Bias, &[u32]); 5] = [
			(Bias::None, &[]),
			(Bias::Row, &[m]),
			(Bias::Row, &[1, m]),
			(Bias::Column, &[n]),
			(Bias::Column, &[3, n]),
		];
		for (bias, dims) in biases {
			let addend = (bias != Bias::None).then(|| operand(DType::F32, dims));
			let operands: Vec<Operand> = factors.into_iter().chain(addend).collect();
			let kind = OpKind::MatMul { bias };
			let op = OpRecord::new(kind, DType::F32, shape(&[3, m, n]), operands);
			check(&op, n.into());
			prepared(&op, n.into(), true);
		}
	}
}

/// Windows so far apart that nothing is gained by copying what lies between them.
#[test]
fn windows_far_apart() {
	for (groups, channels, width) in [(1, 3, 200_000), (3, 3, 200_000), (1, 10, 20_000)] {
		let unfold = OpRecord::new(
			OpKind::Unfold {
				kernel: [2, 2],
				stride: [1, 4_000],
				dilation: [1, 3],
				pad: [0, 4_001],
				out: [3, 400],
				groups,
				fill: 0,
			},
			DType::F32,
			shape(&[1, groups, 1_200, channels / groups * 4]),
			vec![operand(DType::F32, &[1, channels, 4, width])],
		);
		unfold.validate().unwrap();
		fused(&unfold, 1, 3, false);
		fused(&unfold, 5, 4, true);
		fused(&unfold, 32, 3, true);
	}
}

#[test]
fn unary() {
	for &function in UnaryFn::ALL {
		for dtype in DType::ALL {
			for len in [1, 33, 5000] {
				let out = if function == UnaryFn::IsNan { DType::Bool } else { dtype };
				let x = vec![operand(dtype, &[len])];
				let op = OpRecord::new(OpKind::Unary(function), out, shape(&[len]), x);
				if op.validate().is_ok() {
					check(&op, len.into());
				}
			}
		}
	}
}

#[test]
fn casts() {
	for from in DType::ALL {
		for to in DType::ALL {
			let op = OpRecord::new(OpKind::Cast, to, shape(&[2000]), vec![operand(from, &[2000])]);
			check(&op, 5);
		}
	}
}

#[test]
fn wrong_lengths_are_refused() {
	let x = vec![operand(DType::F32, &[4])];
	let op = OpRecord::new(OpKind::Unary(UnaryFn::Neg), DType::F32, shape(&[4]), x);
	let cfg = KernelConfig::default();
	assert!(execute(&op, &[], &mut [0; 16], &cfg).is_err());
	assert!(execute(&op, &[&[0; 12]], &mut [0; 16], &cfg).is_err());
	assert!(execute(&op, &[&[0; 16]], &mut [0; 12], &cfg).is_err());
	// Unaligned bytes take the slow path.
	let bytes = Buffer::from_bytes(&[0x80; 17]);
	let mut out = Buffer::new(17);
	execute(&op, &[&bytes[1..]], &mut out[1..], &cfg).unwrap();
	assert_eq!(out[1..5], [0x80, 0x80, 0x80, 0x00]);
}

/// Transposes of several squares and threads, and repeated or interleaved elements.
#[test]
fn large_planes() {
	for (out, offset, strides) in [
		(&[2, 70, 150][..], 0, &[10_500, 1, 70][..]),
		(&[2, 70, 150], 149 * 70, &[10_500, 1, -70]),
		(&[3, 60, 2, 58, 2], 0, &[3_600, 60, 0, 1, 0]),
		(&[3, 20, 4, 20, 4], 7, &[400, 20, 0, 1, 0]),
		(&[1, 50, 2, 50, 2], 0, &[0, 50, 5_000, 1, 2_500]),
		(&[99, 50, 8], 20_000, &[200, -3, 1]),
	] {
		let mut all = [0; 8];
		all[..strides.len()].copy_from_slice(strides);
		for dtype in [DType::F32, DType::U8, DType::I64] {
			let kind = OpKind::Strided { offset, strides: all };
			check(&OpRecord::new(kind, dtype, shape(out), vec![operand(dtype, &[40_000])]), 3);
		}
	}
}

#[test]
fn rounding_to_every_format() {
	for (seed, &format) in (0u64..).zip(FloatFormat::ALL) {
		for overflow in [Overflow::Special, Overflow::Saturate] {
			if !format.has_special() && overflow == Overflow::Special {
				continue;
			}
			let kind = OpKind::RoundTo { format, overflow };
			let x = vec![operand(DType::F32, &[3, 1001])];
			check(&OpRecord::new(kind, DType::F32, shape(&[3, 1001]), x), seed);
		}
	}
}
