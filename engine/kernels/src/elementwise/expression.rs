//! Elementwise expressions by themselves, and their reductions.

use crate::{cpu::Buffer, elementwise::fused::named, Fused, KernelConfig, Member};
use assay_referee::{OpRecord, Operand, Source};

/// Computes an expression or its reduction: as a region where every step has a kernel for parts, else
/// one step after the other.
pub(crate) fn run(op: &OpRecord, operands: &[&[u8]], out: &mut [u8], cfg: &KernelConfig) {
	let named = named(op);
	let Some(fused) = Fused::new(&[Member { index: u32::MAX, op: &named, keep: true }]) else {
		return one_by_one(&named, operands, out, cfg);
	};
	let operands: Vec<&[u8]> =
		fused.operands().iter().map(|operand| bytes(operand, operands, &[])).collect();
	let done = fused.run(&operands, &mut [out], cfg);
	debug_assert!(done.is_ok(), "the operands are the record's");
}

/// The operand numbered so, of the record's or of the results that are numbered after them.
fn bytes<'a>(operand: &Operand, operands: &[&'a [u8]], results: &'a [Buffer]) -> &'a [u8] {
	let Source::Op(at) = operand.source else { return &[] };
	let at = at as usize;
	operands.get(at).copied().unwrap_or_else(|| &results[at - operands.len()])
}

fn one_by_one(op: &OpRecord, operands: &[&[u8]], out: &mut [u8], cfg: &KernelConfig) {
	let number = |at: usize| (operands.len() + at) as u32;
	let mut ops = op.expression(number);
	ops.extend(op.reduction(number));
	let mut results: Vec<Buffer> = Vec::with_capacity(ops.len());
	for own in &ops {
		let arguments: Vec<&[u8]> =
			own.operands.iter().map(|operand| bytes(operand, operands, &results)).collect();
		if results.len() + 1 == ops.len() {
			crate::run(own, &arguments, out, cfg);
			return;
		}
		let mut result = Buffer::new(own.bytes() as usize);
		crate::run(own, &arguments, &mut result, cfg);
		results.push(result);
	}
}
