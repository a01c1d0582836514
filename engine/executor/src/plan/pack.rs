//! Rearranging weights for the kernels.

use crate::bundle::{Bundle, Packed};
use assay_kernels::{prepare, KernelConfig};
use assay_referee::Source;
use std::sync::{Arc, Mutex, PoisonError};

/// Rearranges the weights of `bundle` that profit from it.
pub(super) fn pack(bundle: &Bundle, config: &KernelConfig) -> Packed {
	let ops = bundle.program().ops.iter().zip(0u32..);
	let operands: Vec<_> = ops
		.flat_map(|(op, i)| op.operands.iter().enumerate().map(move |(at, x)| (op, i, at, x)))
		.filter(|(.., operand)| matches!(operand.source, Source::Weight(_)))
		.map(|(op, i, at, operand)| (op, i, at, bundle.weight(operand)))
		.filter(|(.., bytes)| !bytes.is_empty())
		.collect();
	let packed = Mutex::new(Packed::new());
	assay_kernels::for_each(config.threads(), operands.len(), |task| {
		let (op, i, at, bytes) = operands[task];
		if let Some(prepared) = prepare(op, at, bytes, config.isa()) {
			let mut packed = packed.lock().unwrap_or_else(PoisonError::into_inner);
			packed.insert((i, at), Arc::new(prepared));
		}
	});
	packed.into_inner().unwrap_or_else(PoisonError::into_inner)
}
