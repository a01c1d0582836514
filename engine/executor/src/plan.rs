//! What a session decides once: which ops are fused, which weights are rearranged, and when
//! tensors are freed. Only untraced runs follow it.

use crate::bundle::Bundle;
use assay_kernels::{fusible_operand, prepare, KernelConfig, Prepared};
use assay_referee::{Operand, Program, Source};

/// The steps of an untraced run, in order.
#[derive(Debug)]
pub(crate) struct Plan {
	pub(crate) steps: Vec<Step>,
}

/// One op to execute.
#[derive(Debug)]
pub(crate) struct Step {
	/// Index of the op.
	pub(crate) op: u32,
	/// The `Unfold` that gives an operand without being executed, and which operand.
	pub(crate) patches: Option<(u32, usize)>,
	/// Operands that were rearranged.
	pub(crate) prepared: Vec<(usize, Prepared)>,
	/// Tensors that no later step reads.
	pub(crate) free: Vec<u32>,
}

impl Plan {
	pub(crate) fn new(bundle: &Bundle, config: &KernelConfig) -> Plan {
		let program = bundle.program();
		let fused = fusions(program);
		let mut steps = Vec::new();
		for (i, op) in program.ops.iter().enumerate() {
			if fused.iter().any(|fusion| fusion.unfold as usize == i) {
				continue;
			}
			let patches = fused
				.iter()
				.find(|fusion| fusion.user as usize == i)
				.map(|fusion| (fusion.unfold, fusion.operand));
			let prepared = op
				.operands
				.iter()
				.enumerate()
				.filter_map(|(at, operand)| {
					let bytes = weight(bundle, operand)?;
					Some((at, prepare(op, at, bytes, config.isa())?))
				})
				.collect();
			steps.push(Step { op: i as u32, patches, prepared, free: Vec::new() });
		}
		free_after_last_use(program, &mut steps);
		Plan { steps }
	}
}

fn weight<'a>(bundle: &'a Bundle, operand: &Operand) -> Option<&'a [u8]> {
	match operand.source {
		Source::Weight(offset) => {
			bundle.weights().get(offset as usize..(offset + operand.bytes()) as usize)
		},
		_ => None,
	}
}

/// An `Unfold` that only one operand of one op reads.
struct Fusion {
	unfold: u32,
	user: u32,
	operand: usize,
}

fn fusions(program: &Program) -> Vec<Fusion> {
	let mut uses: Vec<Vec<(u32, usize)>> = vec![Vec::new(); program.ops.len()];
	for (i, op) in program.ops.iter().enumerate() {
		for (at, operand) in op.operands.iter().enumerate() {
			if let Source::Op(j) = operand.source {
				uses[j as usize].push((i as u32, at));
			}
		}
	}
	let fused = program.ops.iter().enumerate().filter_map(|(i, op)| {
		let &[(user, operand)] = &uses[i][..] else { return None };
		let at = fusible_operand(op, &program.ops[user as usize])?;
		(at == operand).then_some(Fusion { unfold: i as u32, user, operand })
	});
	fused.collect()
}

fn free_after_last_use(program: &Program, steps: &mut [Step]) {
	let mut seen = vec![false; program.ops.len()];
	for step in steps.iter_mut().rev() {
		let own = &program.ops[step.op as usize].operands;
		let unfold = step.patches.map(|(unfold, _)| unfold);
		let through = unfold.map_or(&[][..], |unfold| &program.ops[unfold as usize].operands);
		for operand in own.iter().chain(through) {
			if let Source::Op(j) = operand.source {
				// What reads itself is not done with itself: somebody else reads it later.
				let other = Some(j) != unfold && j != step.op;
				if other && !std::mem::replace(&mut seen[j as usize], true) {
					step.free.push(j);
				}
			}
		}
	}
}
