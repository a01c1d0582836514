//! Scatter and top-k.

use super::{check, operand, shape};
use assay_referee::{DType, OpKind, OpRecord, ScatterFn};
use proptest::prelude::*;

proptest! {
	#![proptest_config(crate::tests::cases(24))]

	#[test]
	fn scatters(
		rows in 1u32..6, size in 1u32..40, shared: bool, seed: u64,
		count in prop::sample::select(vec![1u32, 2, 7, 33, 300]),
	) {
		for dtype in DType::ALL {
			for index in [DType::I32, DType::I64] {
				for &function in ScatterFn::ALL {
					let operands = vec![
						operand(dtype, &[rows, size]),
						operand(index, &[if shared { 1 } else { rows }, count]),
						operand(dtype, &[rows, count]),
					];
					let kind = OpKind::Scatter(function);
					let op = OpRecord::new(kind, dtype, shape(&[rows, size]), operands);
					if op.validate().is_ok() {
						check(&op, seed);
					}
				}
			}
		}
	}

	#[test]
	fn orders(
		rows in 1u32..6, size in prop::sample::select(vec![1u32, 2, 5, 64, 300]),
		part: u32, seed: u64,
	) {
		let count = 1 + part % size;
		for dtype in DType::ALL {
			for largest in [false, true] {
				let x = vec![operand(dtype, &[rows, size])];
				let kind = OpKind::TopK { largest };
				check(&OpRecord::new(kind, DType::I64, shape(&[rows, count]), x), seed);
			}
		}
	}
}
