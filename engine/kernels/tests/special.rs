//! Zeros, subnormals, infinities and NaN through the kernels of every instruction set, against the
//! referee: every value, every pair and every triple of a table; called from a thread that flushes
//! subnormals, which must not matter.

use assay_kernels::{execute, Buffer, Isa, KernelConfig};
use assay_referee::{
	element, Bias, BinaryFn, DType, OpKind, OpRecord, Operand, ReduceFn, Shape, Soft, TensorReader,
	UnaryFn,
};
use assay_testing::environment::spoilt;

/// With both signs: zero, the ends of the subnormal and of the normal numbers, one and its
/// neighbours, halves, ends of the integer types, infinity, the one NaN.
const TABLE: [u32; 26] = [
	0x0000_0000,
	0x0000_0001,
	0x0000_0002,
	0x0001_0002,
	0x0040_0000,
	0x007f_ffff,
	0x0080_0000,
	0x0080_0001,
	0x00ff_ffff,
	0x1a00_0000,
	0x1cff_f001,
	0x1700_0800,
	0x3380_0000,
	0x3f00_0000,
	0x3f7f_ffff,
	0x3f80_0000,
	0x3f80_0001,
	0x3fc0_0000,
	0x4020_0000,
	0x4b00_0001,
	0x4f00_0000,
	0x5f00_0000,
	0x7f00_0000,
	0x7f7f_ffff,
	0x7f80_0000,
	0x7fc0_0000,
];

const NAN: u32 = 0x7fc0_0000;

/// The table with both signs, and one NaN.
fn values() -> Vec<u32> {
	let signed = TABLE.iter().flat_map(|&x| [x, x | 1 << 31]);
	signed.filter(|&x| x != NAN | 1 << 31).collect()
}

fn bytes(values: &[u32]) -> Buffer {
	Buffer::from_bytes(&values.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<u8>>())
}

fn operand(dims: &[u32]) -> Operand {
	Operand::input(0, DType::F32, Shape::new(dims).expect("a shape"))
}

/// Runs an op under every instruction set, with and without other threads; every element must have the
/// referee's bits. Gives the first output.
fn check(op: &OpRecord, operands: &[&[u8]]) -> Vec<u8> {
	op.validate().expect("a valid record");
	let size = op.dtype.size() as usize;
	let mut reader = TensorReader::new(op, operands);
	let expected: Vec<u8> = (0..op.shape.elements())
		.flat_map(|i| {
			let bits = element::<Soft, _>(op, i, &mut reader).expect("reads inside");
			bits.to_le_bytes().into_iter().take(size)
		})
		.collect();
	for (isa, threads) in Isa::available().into_iter().flat_map(|isa| [(isa, 1), (isa, 3)]) {
		let mut out = Buffer::new(expected.len());
		let config = KernelConfig::new(threads, isa);
		spoilt(|| execute(op, operands, &mut out, &config)).expect("lengths as recorded");
		let pairs = out.chunks(size).zip(expected.chunks(size));
		for (i, (found, expected)) in pairs.enumerate() {
			assert_eq!(found, expected, "element {i} under {isa} of {:?}", op.kind);
		}
	}
	expected
}

fn op(kind: OpKind, dtype: DType, dims: &[u32], operands: Vec<Operand>) -> OpRecord {
	OpRecord::new(kind, dtype, Shape::new(dims).expect("a shape"), operands)
}

#[test]
fn functions_of_one_value() {
	let values = values();
	let n = values.len() as u32;
	let x = bytes(&values);
	for &function in UnaryFn::ALL {
		let to = if function == UnaryFn::IsNan { DType::Bool } else { DType::F32 };
		let op = op(OpKind::Unary(function), to, &[n], vec![operand(&[n])]);
		if op.validate().is_ok() {
			check(&op, &[&x]);
		}
	}
	for to in DType::ALL {
		check(&op(OpKind::Cast, to, &[n], vec![operand(&[n])]), &[&x]);
	}
}

#[test]
fn functions_of_two_values() {
	let values = values();
	let n = values.len() as u32;
	let x = bytes(&values);
	for &function in BinaryFn::ALL {
		let to = if function.is_comparison() { DType::Bool } else { DType::F32 };
		let operands = vec![operand(&[n, 1]), operand(&[1, n])];
		let op = op(OpKind::Binary(function), to, &[n, n], operands);
		if op.validate().is_ok() {
			check(&op, &[&x, &x]);
		}
	}
}

#[test]
fn reductions_of_two_values() {
	let values = values();
	let pairs: Vec<u32> =
		values.iter().flat_map(|&a| values.iter().flat_map(move |&b| [a, b])).collect();
	let n = pairs.len() as u32 / 2;
	let x = bytes(&pairs);
	for &function in ReduceFn::ALL {
		check(&op(OpKind::Reduce(function), DType::F32, &[n], vec![operand(&[n, 2])]), &[&x]);
	}
	check(&op(OpKind::ArgMax, DType::I64, &[n], vec![operand(&[n, 2])]), &[&x]);
}

/// Rows `(c, a)` times rows `(1, b)`: a chain from +0 that comes to `fma(a, b, c)`.
fn fused(rows: &[[u32; 2]], b: &[u32]) -> Vec<u8> {
	let (m, n) = (rows.len() as u32, b.len() as u32);
	let left = bytes(rows.as_flattened());
	let right: Vec<u32> = b.iter().flat_map(|&b| [0x3f80_0000, b]).collect();
	let operands = vec![operand(&[1, m, 2]), operand(&[1, n, 2])];
	let kind = OpKind::MatMul { bias: Bias::None };
	check(&op(kind, DType::F32, &[1, m, n], operands), &[&left, &bytes(&right)])
}

#[test]
fn products_of_three_values() {
	let values = values();
	let rows: Vec<[u32; 2]> =
		values.iter().flat_map(|&c| values.iter().map(move |&a| [c, a])).collect();
	fused(&rows, &values);
}

/// Where a wider sum that is rounded a second time goes wrong: see the referee's test of the same
/// numbers.
#[test]
fn fma_rounds_once_into_subnormals() {
	for (a, b, c, expected) in [
		(0x9700_0800, 0x1cff_f001, 0x0001_0002, 0x0001_0001u32),
		(0x1700_0800, 0x1cff_f001, 0x8001_0002, 0x8001_0001),
		(0x1700_0800, 0x1cff_f001, 0x0001_0002, 0x0001_0003),
	] {
		// Enough rows and columns for whole tiles and their remainders.
		let out = fused(&[[c, a]; 29], &[b; 33]);
		assert!(out.chunks(4).all(|bits| bits == expected.to_le_bytes()), "{a:x} {b:x} {c:x}");
	}
}
