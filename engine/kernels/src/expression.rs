//! Elementwise expressions by themselves.

use crate::{buffer::Buffer, fused::named, Fused, KernelConfig, Member};
use assay_referee::{OpRecord, Operand, Source, Steps};

/// Computes an expression: as a region where every step has a kernel for parts, else one step after
/// the other.
pub(crate) fn run(
	op: &OpRecord,
	steps: &Steps,
	operands: &[&[u8]],
	out: &mut [u8],
	cfg: &KernelConfig,
) {
	let named = named(op);
	let Some(fused) = Fused::new(&[Member { index: u32::MAX, op: &named, keep: true }]) else {
		return one_by_one(op, steps, operands, out, cfg);
	};
	let bytes = |operand: &Operand| match operand.source {
		Source::Op(at) => operands[at as usize],
		_ => &[],
	};
	let operands: Vec<&[u8]> = fused.operands().iter().map(bytes).collect();
	let done = fused.run(&operands, &mut [out], cfg);
	debug_assert!(done.is_ok(), "the operands are the record's");
}

fn one_by_one(
	op: &OpRecord,
	steps: &Steps,
	operands: &[&[u8]],
	out: &mut [u8],
	cfg: &KernelConfig,
) {
	let ops = steps.expand(op, |at| at as u32);
	let first = op.operands.len();
	let mut results: Vec<Buffer> = Vec::with_capacity(ops.len());
	for (step, own) in steps.as_slice().iter().zip(&ops) {
		let value = |&number: &u8| match usize::from(number) {
			at if at < first => operands[at],
			at => &results[at - first][..],
		};
		let arguments: Vec<&[u8]> = step.arguments().iter().map(value).collect();
		if results.len() + 1 == ops.len() {
			crate::run(own, &arguments, out, cfg);
			return;
		}
		let mut result = Buffer::new(own.bytes() as usize);
		crate::run(own, &arguments, &mut result, cfg);
		results.push(result);
	}
}
