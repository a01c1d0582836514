//! Contractions, reductions and movements followed by an expression.

use super::{
	expression::{binary, cast, unary},
	*,
};
use crate::Epilogue;
use assay_referee::{Step, StepFn, Steps};

/// Number of expressions that [`followed`] knows.
const EXPRESSIONS: u32 = 10;

/// The one that compares with its third operand, which is zero where what it is is known.
const SLOPE: u32 = 8;

/// `op` followed by an expression; its operands are broadcast as `mask` says.
fn followed(op: &OpRecord, number: u32, mask: u64) -> OpRecord {
	let dims = op.shape.dims();
	let full = operand(DType::F32, dims);
	let narrow = operand(DType::F32, &narrowed(dims, mask));
	let one = operand(DType::I32, &vec![1; dims.len()]);
	let converts = op.dtype != DType::F32;
	// The number of a result, whose step follows that which makes a float of the first value.
	let single = operand(DType::F32, &vec![1; dims.len()]);
	let mut row = vec![1; dims.len()];
	row.iter_mut().zip(dims).next_back().into_iter().for_each(|(row, dim)| *row = *dim);
	let row = operand(DType::F32, &row);
	let numbers = |operands: u8| -> (u8, u8) {
		if converts {
			(1 + operands, 2 + operands)
		} else {
			(0, 1 + operands)
		}
	};
	let (x, at) = numbers([2, 1, 2, 1, 0, 0, 1, 2, 3, 3][number as usize]);
	let (mut steps, dtype, operands) = match number {
		// What a residual network adds, value by value.
		0 => {
			let add = binary(BinaryFn::Add, x, 1);
			let steps = vec![add, binary(BinaryFn::Mul, at, 2), unary(UnaryFn::Relu, at + 1)];
			(steps, DType::F32, vec![full, narrow])
		},
		// The last step reads the first value again.
		1 => {
			let steps = vec![
				binary(BinaryFn::Mul, x, 1),
				unary(UnaryFn::Sigmoid, at),
				binary(BinaryFn::Mul, x, at + 1),
			];
			(steps, DType::F32, vec![narrow])
		},
		2 => {
			let steps = vec![
				binary(BinaryFn::Mul, x, 1),
				unary(UnaryFn::Round, at),
				cast(DType::I32, at + 1),
				binary(BinaryFn::Add, at + 2, 2),
				cast(DType::U8, at + 3),
			];
			(steps, DType::U8, vec![narrow, one])
		},
		3 => (vec![binary(BinaryFn::Less, x, 1)], DType::Bool, vec![narrow]),
		4 => (vec![cast(DType::I64, x)], DType::I64, vec![]),
		// What contractions do themselves: a residual, a clip, a slope, the biases of quantized layers.
		6 => {
			let steps = vec![binary(BinaryFn::Add, 1, x), unary(UnaryFn::Relu, at)];
			(steps, DType::F32, vec![full])
		},
		7 => {
			let steps = vec![binary(BinaryFn::Max, x, 1), binary(BinaryFn::Min, at, 2)];
			(steps, DType::F32, vec![single, single])
		},
		SLOPE => {
			let steps = vec![
				binary(BinaryFn::Mul, 1, x),
				binary(BinaryFn::GreaterOrEqual, x, 2),
				Step::new(StepFn::Select, &[at + 1, x, at]),
				binary(BinaryFn::Max, at + 2, 3),
			];
			(steps, DType::F32, vec![single, single, single])
		},
		9 => {
			let steps = vec![
				binary(BinaryFn::Mul, x, 1),
				binary(BinaryFn::Add, 2, at),
				unary(UnaryFn::Relu, at + 1),
				binary(BinaryFn::Add, at + 2, 3),
			];
			(steps, DType::F32, vec![single, row, full])
		},
		// A step without a kernel on parts.
		_ => (vec![unary(UnaryFn::Sign, x)], DType::F32, vec![]),
	};
	if converts {
		steps.insert(0, cast(DType::F32, 0));
	}
	let op = op.clone().with_epilogue(Steps::new(&steps).unwrap(), dtype, &operands);
	assert_eq!(op.validate(), Ok(()), "{op:?}");
	op
}

/// Every expression after `op`, its first operands prepared and not.
pub(super) fn check_followed(op: &OpRecord, mask: u64, seed: u64) {
	for number in 0..EXPRESSIONS {
		let op = followed(op, number, mask);
		check(&op, seed);
		let epilogue = Epilogue::new(&op);
		let mut random = Random(seed);
		let mut tensors: Vec<Buffer> = op.operands.iter().map(|x| random.tensor(x, true)).collect();
		if number == SLOPE {
			let zero = tensors.len() - 2;
			tensors[zero].fill(0);
		}
		let operands: Vec<&[u8]> = tensors.iter().map(|x| &x[..]).collect();
		let want = expected(&op, &operands);
		for cfg in configs() {
			let prepared: Vec<_> =
				(0..2).map(|at| prepare(&op, at, operands.get(at)?, cfg.isa())).collect();
			for only in 0..2 {
				let args: Vec<Arg<'_>> = operands
					.iter()
					.enumerate()
					.map(|(at, bytes)| match prepared.get(at) {
						Some(Some(prepared)) if at == only => Arg::Prepared(prepared, bytes),
						_ => Arg::Bytes(bytes),
					})
					.collect();
				let mut out = Buffer::new(want.len());
				execute_with(&op, &args, epilogue.as_ref(), &mut out, &cfg).unwrap();
				assert!(out[..] == want[..], "{cfg:?} {op:?}");
			}
		}
	}
}

/// Convolutions of `[n, c, h, w]` by `m` filters of each group.
pub(super) fn conv(
	[n, c, h, w]: [u32; 4],
	(groups, m): (u32, u32),
	(kernel, stride, bias): ([u32; 2], u32, Bias),
	(layout, output): (ImageLayout, ImageLayout),
) -> OpRecord {
	let pad = kernel.map(|size| size / 2);
	let out =
		[(h + 2 * pad[0] - kernel[0]) / stride + 1, (w + 2 * pad[1] - kernel[1]) / stride + 1];
	let f = DType::F32;
	let mut operands = vec![
		operand(f, &[groups, m, c / groups * kernel[0] * kernel[1]]),
		operand(
			f,
			&match layout {
				ImageLayout::ChannelsFirst => [n, c, h, w],
				ImageLayout::ChannelsLast => [n, h, w, c],
			},
		),
	];
	match bias {
		Bias::None => {},
		Bias::Row => operands.push(operand(f, &[groups, m])),
		Bias::Column => operands.push(operand(f, &[out[0] * out[1]])),
	}
	let (stride, dilation) = ([stride; 2], [1; 2]);
	let kind =
		OpKind::Conv(Conv { kernel, stride, dilation, pad, out, groups, layout, output, bias });
	let dims = match output {
		ImageLayout::ChannelsFirst => [n * groups, m, out[0] * out[1]],
		ImageLayout::ChannelsLast => [n, out[0] * out[1], groups * m],
	};
	OpRecord::new(kind, f, shape(&dims), operands)
}

proptest! {
	#![proptest_config(crate::tests::cases(8))]

	#[test]
	fn products(
		m in prop::sample::select(vec![1u32, 2, 15, 70]),
		n in prop::sample::select(vec![1u32, 3, 33, 300, 1100]),
		k in prop::sample::select(vec![1u32, 3, 257]),
		(batch, ba, bb) in prop::sample::select(vec![(1, 1, 1), (3, 3, 1), (2, 1, 2)]),
		bias in prop::sample::select(vec![Bias::None, Bias::Row, Bias::Column]),
		mask: u64,
		seed: u64,
	) {
		let k = if m * n > 10_000 { k.min(3) } else { k };
		let mut operands = vec![operand(DType::F32, &[ba, m, k]), operand(DType::F32, &[bb, n, k])];
		match bias {
			Bias::None => {},
			Bias::Row => operands.push(operand(DType::F32, &[m])),
			Bias::Column => operands.push(operand(DType::F32, &[n])),
		}
		let kind = OpKind::MatMul { bias };
		check_followed(&OpRecord::new(kind, DType::F32, shape(&[batch, m, n]), operands), mask, seed);
	}

	#[test]
	fn integer_products(
		m in prop::sample::select(vec![1u32, 2, 15, 70]),
		n in prop::sample::select(vec![1u32, 3, 33, 300, 1100]),
		k in prop::sample::select(vec![1u32, 3, 65]),
		(batch, ba, bb) in prop::sample::select(vec![(1, 1, 1), (2, 2, 1)]),
		mask: u64,
		seed: u64,
	) {
		let k = if m * n > 10_000 { k.min(3) } else { k };
		let (a, b) = (DType::U8, DType::I8);
		let operands = vec![
			operand(a, &[ba, m, k]), operand(b, &[bb, n, k]), operand(a, &[]), operand(b, &[n]),
		];
		let shape = shape(&[batch, m, n]);
		check_followed(&OpRecord::new(OpKind::MatMulInteger, DType::I32, shape, operands), mask, seed);
	}

	/// Dense and depthwise ones, on images of few and of many pixels.
	#[test]
	fn convolutions(
		(image, groups) in prop::sample::select(vec![
			([1, 3, 60, 50], (1, 5)),
			([2, 4, 9, 7], (2, 3)),
			([1, 20, 1, 2], (1, 30)),
			([1, 20, 1, 1], (1, 30)),
			([1, 90, 7, 5], (90, 1)),
			([2, 3, 65, 70], (3, 1)),
			([2, 30, 9, 15], (1, 32)),
			([1, 9, 40, 30], (1, 70)),
		]),
		kernel in prop::sample::select(vec![[1, 1], [3, 3], [1, 3], [5, 5]]),
		stride in 1u32..3,
		bias in prop::sample::select(vec![Bias::None, Bias::Row, Bias::Column]),
		last: (bool, bool),
		mask: u64,
		seed: u64,
	) {
		let layout = |last| if last { ImageLayout::ChannelsLast } else { ImageLayout::ChannelsFirst };
		let op = conv(image, groups, (kernel, stride, bias), (layout(last.0), layout(last.1)));
		check(&op, seed);
		check_followed(&op, mask, seed);
	}

	#[test]
	fn reductions(
		rows in prop::collection::vec(1u32..8, 1..4),
		k in prop::sample::select(vec![1u32, 2, 9, 33, 1025]),
		integers: bool,
		mask: u64,
		seed: u64,
	) {
		let dtype = if integers { DType::I32 } else { DType::F32 };
		for &function in ReduceFn::ALL {
			let x = operand(dtype, &[&rows[..], &[k]].concat());
			let op = OpRecord::new(OpKind::Reduce(function), dtype, shape(&rows), vec![x]);
			check_followed(&op, mask, seed);
		}
	}
}

/// Transposed, repeated, reversed, and rows longer than are moved together.
#[test]
fn movements() {
	let mut random = Random(1);
	for (from, dims, steps) in [
		(&[33, 500][..], &[500, 33][..], &[1, 500][..]),
		(&[3, 40, 70], &[40, 70, 3], &[70, 1, 2800]),
		(&[5, 30, 30], &[30, 2, 30, 2, 5], &[30, 0, 1, 0, 900]),
		(&[4, 6, 50, 20], &[4, 50, 3, 20, 2], &[6000, 20, 2000, 1, 1000]),
		(&[2, 20_000], &[2, 1, 20_000], &[20_000, 0, -1]),
		(&[7], &[3, 9000], &[2, 0]),
		(&[9, 7], &[1], &[0]),
	] {
		let offset = if steps.contains(&-1) { 19_999 } else { 0 };
		let mut strides = [0; 8];
		strides[..steps.len()].copy_from_slice(steps);
		for dtype in [DType::F32, DType::I64, DType::U8] {
			let kind = OpKind::Strided { offset, strides };
			let op = OpRecord::new(kind, dtype, shape(dims), vec![operand(dtype, from)]);
			check_followed(&op, random.next(), random.next());
		}
	}
}

/// Windows that are not written out, and images with the channels last.
#[test]
fn what_is_not_computed_yet() {
	let kernel = [2, 2];
	let kind = OpKind::Unfold {
		kernel,
		stride: [1, 1],
		dilation: [1, 1],
		pad: [0, 0],
		out: [8, 9],
		groups: 3,
		fill: 0,
	};
	let image = operand(DType::F32, &[1, 3, 9, 10]);
	let unfold = OpRecord::new(kind, DType::F32, shape(&[1, 3, 72, 4]), vec![image]);
	let product = OpRecord::new(
		OpKind::MatMul { bias: Bias::None },
		DType::F32,
		shape(&[3, 5, 72]),
		vec![operand(DType::F32, &[3, 5, 4]), operand(DType::F32, &[3, 72, 4])],
	);
	for number in 0..EXPRESSIONS {
		let op = followed(&product, number, 2);
		assert_eq!(fusible_operand(&unfold, &op), Some(1));
		let mut random = Random(number.into());
		let image = random.tensor(&image, true);
		let windows = expected(&unfold, &[&image]);
		let mut tensors: Vec<Buffer> = op.operands.iter().map(|x| random.tensor(x, true)).collect();
		tensors[1].copy_from_slice(&windows);
		let operands: Vec<&[u8]> = tensors.iter().map(|x| &x[..]).collect();
		let want = expected(&op, &operands);
		let mut args: Vec<Arg<'_>> = operands.iter().map(|bytes| Arg::Bytes(bytes)).collect();
		args[1] = Arg::Patches { unfold: &unfold, image: &image };
		configs().iter().for_each(|cfg| gives(&op, &args, &want, cfg));
	}
}

/// Bytes that no vector of eight bytes could be read from in place, and wrong lengths.
#[test]
fn odd_places_and_lengths() {
	let layouts = (ImageLayout::ChannelsFirst, ImageLayout::ChannelsLast);
	let op = conv([1, 2, 9, 9], (1, 3), ([3, 3], 1, Bias::Row), layouts);
	for number in 0..EXPRESSIONS {
		let op = followed(&op, number, 0);
		let mut random = Random(number.into());
		let tensors: Vec<Buffer> = op.operands.iter().map(|x| random.tensor(x, true)).collect();
		let operands: Vec<&[u8]> = tensors.iter().map(|x| &x[..]).collect();
		let want = expected(&op, &operands);
		for shift in [1, 4] {
			let moved: Vec<Buffer> = operands
				.iter()
				.map(|bytes| {
					let mut buffer = Buffer::new(bytes.len() + shift);
					buffer[shift..].copy_from_slice(bytes);
					buffer
				})
				.collect();
			let moved: Vec<&[u8]> = moved.iter().map(|buffer| &buffer[shift..]).collect();
			let mut out = Buffer::new(want.len() + shift);
			execute(&op, &moved, &mut out[shift..], &KernelConfig::default()).unwrap();
			assert!(out[shift..] == want[..], "{shift} {op:?}");
		}
		let mut out = Buffer::new(want.len());
		let args: Vec<Arg<'_>> = operands.iter().map(|bytes| Arg::Bytes(bytes)).collect();
		let epilogue = Epilogue::new(&op);
		let mut run = |args: &[Arg<'_>], len: usize| {
			execute_with(&op, args, epilogue.as_ref(), &mut out[..len], &KernelConfig::default())
		};
		assert_eq!(run(&args, want.len() - 1), Err(crate::KernelError::Output));
		assert_eq!(run(&args[1..], want.len()), Err(crate::KernelError::OperandCount));
		let last = args.len() - 1;
		let mut short = args.clone();
		short[last] = Arg::Bytes(&operands[last][1..]);
		assert!(run(&short, want.len()).is_err());
	}
	assert!(Epilogue::new(&op).is_none());
}
