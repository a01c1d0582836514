//! Every way of every processor gives the same sums.

use super::*;
use crate::{
	cpu::Level,
	prepare,
	tests::{expected, operand, shape, Random},
	Buffer,
};

fn ways() -> Vec<(Way, Isa)> {
	let mut ways = vec![(Way::Portable, Level::Scalar)];
	#[cfg(target_arch = "x86_64")]
	ways.extend([
		(Way::Avx2, Level::Avx2),
		(Way::AvxVnni, Level::Avx2),
		(Way::Avx512, Level::Avx512),
		(Way::Avx512Vnni, Level::Avx512),
	]);
	#[cfg(target_arch = "aarch64")]
	ways.push((Way::Neon, Level::Neon));
	ways.retain(|(way, _)| way.is_available());
	ways.into_iter().filter_map(|(way, level)| Some((way, level.isa()?))).collect()
}

/// Compares all ways, with operands prepared or not, with the element function.
fn check(op: &OpRecord, tensors: &[Buffer]) {
	op.validate().unwrap();
	let operands: Vec<&[u8]> = tensors.iter().map(|x| &x[..]).collect();
	let want = expected(op, &operands);
	for (way, isa) in ways() {
		let packed = [0, 1].map(|i| prepare(op, i, operands[i], isa).unwrap());
		for threads in [1, 2, 3, 7] {
			for which in 0..4 {
				let mut args: Vec<Arg<'_>> = operands.iter().map(|x| Arg::Bytes(x)).collect();
				for (i, packed) in packed.iter().enumerate().filter(|(i, _)| which >> i & 1 == 1) {
					args[i] = Arg::Prepared(packed, operands[i]);
				}
				let mut out = Buffer::new(want.len());
				let cfg = KernelConfig::new(threads, isa);
				let target = Target::whole(&mut out, op).unwrap();
				run_with(way, op, &args, target, &cfg).unwrap();
				assert!(out[..] == want[..], "{way:?} {threads} {which} {op:?}");
			}
		}
	}
}

fn product(
	[a, b]: [DType; 2],
	[batch, ba, bb]: [u32; 3],
	[m, n, k]: [u32; 3],
	columns: bool,
) -> OpRecord {
	let zeros: &[u32] = if columns { &[n] } else { &[] };
	let operands =
		vec![operand(a, &[ba, m, k]), operand(b, &[bb, n, k]), operand(a, &[]), operand(b, zeros)];
	OpRecord::new(OpKind::MatMulInteger, DType::I32, shape(&[batch, m, n]), operands)
}

const TYPES: [[DType; 2]; 4] = [
	[DType::U8, DType::I8],
	[DType::U8, DType::U8],
	[DType::I8, DType::I8],
	[DType::I8, DType::U8],
];

#[test]
fn all_ways_agree() {
	for (i, [m, n, k]) in [
		[1, 1, 1],
		[1, 32, 4],
		[2, 33, 3],
		[5, 31, 5],
		[6, 64, 8],
		[7, 65, 255],
		[12, 32, 256],
		[13, 100, 257],
		[25, 40, 63],
		[3, 300, 130],
	]
	.into_iter()
	.enumerate()
	{
		for (j, types) in TYPES.into_iter().enumerate() {
			let batches = [[1, 1, 1], [3, 3, 1], [4, 2, 4], [2, 1, 2]][(i + j) % 4];
			let op = product(types, batches, [m, n, k], (i + j) % 2 == 1);
			let mut random = Random((i * 4 + j) as u64);
			let tensors: Vec<Buffer> = op.operands.iter().map(|x| random.tensor(x, true)).collect();
			check(&op, &tensors);
		}
	}
}

/// Convolutions without the patches being written out, of images in several types and groups.
#[test]
fn convolutions() {
	for (i, (sizes, groups, m, kernel, stride, dilation, pad)) in [
		([1, 3, 20, 30], 1, 13, [3, 3], [1, 1], [1, 1], [1, 1]),
		([2, 4, 9, 70], 2, 5, [3, 5], [2, 2], [1, 2], [2, 3]),
		([1, 70, 5, 6], 1, 30, [2, 2], [1, 3], [2, 1], [0, 0]),
		([3, 6, 40, 1], 3, 2, [5, 1], [1, 1], [1, 1], [2, 0]),
		([1, 5, 33, 41], 5, 1, [3, 3], [1, 1], [1, 1], [1, 1]),
		([1, 90, 24, 24], 1, 40, [1, 1], [1, 1], [1, 1], [0, 0]),
	]
	.into_iter()
	.enumerate()
	{
		for (types, fill) in TYPES.into_iter().zip([0, 7, 128, 255]) {
			let [n, channels, height, width] = sizes;
			let out = [0, 1].map(|d| {
				(sizes[d + 2] + 2 * pad[d] - dilation[d] * (kernel[d] - 1) - 1) / stride[d] + 1
			});
			let (places, terms) = (out[0] * out[1], channels / groups * kernel[0] * kernel[1]);
			let kind = OpKind::Unfold { kernel, stride, dilation, pad, out, groups, fill };
			let image = vec![operand(types[1], &[n, channels, height, width])];
			let patches = shape(&[n, groups, places, terms]);
			let unfold = OpRecord::new(kind, types[1], patches, image);
			let op = product(types, [n * groups, groups, n * groups], [m, places, terms], false);
			op.validate().unwrap();
			unfold.validate().unwrap();
			let mut random = Random(i as u64);
			let image = random.tensor(&unfold.operands[0], true);
			let mut tensors: Vec<Buffer> =
				op.operands.iter().map(|x| random.tensor(x, true)).collect();
			tensors[1] = Buffer::from_bytes(&expected(&unfold, &[&image]));
			let operands: Vec<&[u8]> = tensors.iter().map(|x| &x[..]).collect();
			let want = expected(&op, &operands);
			for (way, isa) in ways() {
				for threads in [1, 2, 3, 7] {
					let mut args: Vec<Arg<'_>> = operands.iter().map(|x| Arg::Bytes(x)).collect();
					args[1] = Arg::Patches { unfold: &unfold, image: &image };
					let mut out = Buffer::new(want.len());
					let cfg = KernelConfig::new(threads, isa);
					let target = Target::whole(&mut out, &op).unwrap();
					run_with(way, &op, &args, target, &cfg).unwrap();
					assert!(out[..] == want[..], "{way:?} {threads} {unfold:?} {op:?}");
				}
			}
		}
	}
}

/// Where sums of 16 bits would saturate, and with the zero points at both ends.
#[test]
fn extremes() {
	for types in TYPES {
		let op = product(types, [1, 1, 1], [7, 40, 1030], false);
		for (a, b, zeros) in
			[(0, 0x7f, 0xff), (0xff, 0x80, 0), (0xff, 0xff, 0x80), (0x80, 0x80, 0x7f)]
		{
			let fill = |i: usize, value: u8| {
				Buffer::from_bytes(&vec![value; op.operands[i].bytes() as usize])
			};
			check(&op, &[fill(0, a), fill(1, b), fill(2, zeros), fill(3, !zeros)]);
		}
	}
}

/// Large enough for several threads.
#[test]
fn shared_products() {
	for (types, sizes) in [(TYPES[0], [150, 400, 96]), (TYPES[2], [700, 70, 100])] {
		let op = product(types, [1, 1, 1], sizes, true);
		let mut random = Random(9);
		let tensors: Vec<Buffer> = op.operands.iter().map(|x| random.tensor(x, true)).collect();
		check(&op, &tensors);
	}
}
