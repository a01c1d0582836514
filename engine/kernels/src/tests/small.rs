//! Each kernel on a few elements: what Miri can execute. It has no vectors, so the portable ones are looked at.

use super::{
	epilogue::{check_followed, conv},
	*,
};
use assay_referee::{Pool, Step, StepFn, Steps};

const F: DType = DType::F32;

#[test]
fn products() {
	let product = |m, n, k, bias| {
		let mut operands = vec![operand(F, &[1, m, k]), operand(F, &[1, n, k])];
		match bias {
			Bias::None => {},
			Bias::Row => operands.push(operand(F, &[m])),
			Bias::Column => operands.push(operand(F, &[n])),
		}
		OpRecord::new(OpKind::MatMul { bias }, F, shape(&[1, m, n]), operands)
	};
	check_followed(&product(5, 11, 3, Bias::Row), 1, 1);
	check_followed(&product(1, 9, 2, Bias::Column), 1, 2);
	check(&product(2, 3, 258, Bias::None), 3);
}

#[test]
fn products_of_bytes() {
	let (a, b) = (DType::U8, DType::I8);
	let operands =
		vec![operand(a, &[1, 3, 5]), operand(b, &[1, 6, 5]), operand(a, &[]), operand(b, &[6])];
	let op = OpRecord::new(OpKind::MatMulInteger, DType::I32, shape(&[1, 3, 6]), operands);
	check_followed(&op, 1, 4);
}

/// Gathered, read where they are, of pixels two apart, one for each channel, channels last.
#[test]
fn convolutions() {
	let (first, last) = (ImageLayout::ChannelsFirst, ImageLayout::ChannelsLast);
	for (image, groups, kernel, stride, layouts) in [
		([1, 2, 4, 5], (1, 3), [3, 3], 1, (first, first)),
		([1, 8, 2, 6], (1, 4), [1, 3], 1, (first, first)),
		([1, 3, 4, 4], (1, 2), [1, 1], 2, (first, last)),
		([1, 2, 3, 5], (2, 1), [3, 3], 2, (first, first)),
		([1, 2, 3, 3], (1, 2), [3, 1], 1, (last, last)),
	] {
		check(&conv(image, groups, (kernel, stride, Bias::Row), layouts), 5);
	}
}

#[test]
fn pools() {
	for (kernel, stride, pad, out) in [
		([2, 2], [2, 2], [0, 0], [2, 2]),
		([3, 3], [2, 2], [1, 1], [2, 3]),
		([1, 3], [1, 1], [0, 1], [4, 5]),
		([4, 4], [1, 3], [1, 0], [3, 1]),
	] {
		let kind = Pool { function: ReduceFn::Max, kernel, stride, dilation: [1, 1], pad, out };
		let image = vec![operand(F, &[2, 4, 5])];
		check(&OpRecord::new(OpKind::Pool(kind), F, shape(&[2, out[0], out[1]]), image), 6);
	}
}

#[test]
fn movements_and_reductions() {
	let x = operand(F, &[3, 4, 5]);
	let mut strides = [0; assay_referee::MAX_RANK];
	strides[..3].copy_from_slice(&[1, 20, 5]);
	let turned = OpKind::Strided { offset: 0, strides };
	check(&OpRecord::new(turned, F, shape(&[5, 3, 4]), vec![x]), 7);
	let concat = OpKind::Concat { axis: 1 };
	check(&OpRecord::new(concat, F, shape(&[3, 8, 5]), vec![x, x]), 8);
	check(&OpRecord::new(OpKind::Reduce(ReduceFn::Sum), F, shape(&[3, 4]), vec![x]), 9);
	let steps = Steps::new(&[
		Step::new(StepFn::Unary(UnaryFn::Exp), &[0]),
		Step::new(StepFn::Binary(BinaryFn::Add), &[1, 0]),
	]);
	let map = OpKind::Map(steps.unwrap());
	check(&OpRecord::new(map, F, shape(&[3, 4, 5]), vec![x]), 10);
}
