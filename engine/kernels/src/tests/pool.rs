//! Reductions over windows.

use super::{check, operand, shape};
use assay_referee::{DType, OpKind, OpRecord, Pool, ReduceFn};
use proptest::prelude::*;

fn pool(pool: Pool, dtype: DType, image: [u32; 3]) -> OpRecord {
	let dims = [image[0], pool.out[0], pool.out[1]];
	OpRecord::new(OpKind::Pool(pool), dtype, shape(&dims), vec![operand(dtype, &image)])
}

proptest! {
	#![proptest_config(crate::tests::cases(48))]

	#[test]
	fn pools(
		planes in 1u32..4, h in 1u32..40, w in prop_oneof![1u32..9, 60u32..80],
		kernel in [1u32..8, 1u32..8], stride in [1u32..4, 1u32..5], dilation in [1u32..3, 1u32..4],
		pad in (0u32..4, prop_oneof![3 => 0u32..4, 1 => 4u32..90]), more in [0u32..3, 0u32..3],
		seed: u64,
	) {
		// Windows may hang over every edge, or lie beyond it.
		let (hw, pad) = ([h, w], [pad.0, pad.1]);
		let out = [0, 1].map(|i| (hw[i] + pad[i]) / stride[i] + 1 + more[i]);
		for dtype in [DType::F32, DType::I32, DType::I64, DType::U8, DType::I8] {
			let function = ReduceFn::ALL[(seed % 4) as usize];
			let kind = Pool { function, kernel, stride, dilation, pad, out };
			let op = pool(kind, dtype, [planes, hw[0], hw[1]]);
			prop_assert_eq!(op.validate(), Ok(()));
			check(&op, seed);
		}
	}
}

/// More rows than are held at once, windows of more than one block, and windows far apart.
#[test]
fn extremes() {
	let function = ReduceFn::Sum;
	for (image, kernel, stride, dilation, pad, out) in [
		([1, 150, 1_000], [3, 3], [2, 2], [1, 1], [1, 1], [75, 500]),
		([2, 40, 40], [33, 33], [1, 1], [1, 1], [16, 16], [40, 40]),
		([2, 40, 40], [32, 32], [3, 5], [1, 1], [16, 16], [9, 7]),
		([1, 3, 70_000], [2, 2], [1, 60_000], [1, 50_000], [1, 3], [3, 2]),
		([1, 3, 3], [2, 2], [1, 1], [1, 1], [1 << 30, 1 << 30], [2, 2]),
		// Windows that lie in the padding, whatever way they are copied.
		([1, 1, 4], [1, 2], [1, 2], [1, 1], [0, 100], [1, 1]),
		([1, 1, 4], [1, 2], [1, 2], [1, 1], [0, 1 << 30], [1, 3]),
		([1, 4, 1], [2, 1], [2, 1], [1, 1], [1 << 30, 0], [3, 1]),
		([1, 5, 5], [3, 3], [2, 2], [1, 1], [9, 9], [3, 3]),
	] {
		let kind = Pool { function, kernel, stride, dilation, pad, out };
		let op = pool(kind, DType::F32, image);
		assert_eq!(op.validate(), Ok(()));
		check(&op, 5);
	}
}
