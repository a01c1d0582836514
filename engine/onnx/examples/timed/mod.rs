//! How long every op of a program takes by itself.

use std::collections::BTreeMap;
use std::error::Error;
use std::time::Instant;

use assay_executor::Bundle;
use assay_kernels::{
	execute_with, fusible_operand, prepare, Arg, Buffer, Epilogue, KernelConfig, Prepared,
};
use assay_referee::{OpRecord, Operand, Source};

/// One op with what a session would have ready for it.
struct Timed<'a> {
	op: &'a OpRecord,
	prepared: Vec<Option<Prepared>>,
	epilogue: Option<Epilogue>,
	/// The operand that is not written out, and the `Unfold` that would give it.
	patches: Option<(usize, &'a OpRecord)>,
}

/// The best time of every op of some runs, in milliseconds, on tensors in memory and with prepared weights;
/// `None` for an `Unfold` that is left to the contraction that reads it.
pub(crate) fn ops(
	bundle: &Bundle,
	input: &[u8],
	config: &KernelConfig,
	repeat: usize,
) -> Result<Vec<Option<f64>>, Box<dyn Error>> {
	let ops = &bundle.program().ops;
	let mut tensors: Vec<Buffer> = Vec::new();
	let mut times = Vec::new();
	let skipped = unfolds(ops);
	for (i, op) in ops.iter().enumerate() {
		let bytes = |operand: &Operand| -> &[u8] {
			let part = |at: u64| at as usize..(at + operand.bytes()) as usize;
			match operand.source {
				// A recurrence's own output is not there yet, nor looked at.
				Source::Op(j) => tensors.get(j as usize).map_or(&[], |tensor| &tensor[..]),
				Source::Input(at) => &input[part(at)],
				Source::Weight(at) => &bundle.weights()[part(at)],
			}
		};
		let prepared = op.operands.iter().enumerate().map(|(at, operand)| match operand.source {
			Source::Weight(_) => prepare(op, at, bytes(operand), config.isa()),
			_ => None,
		});
		let patches = op.operands.iter().enumerate().find_map(|(at, operand)| {
			let Source::Op(j) = operand.source else { return None };
			let unfold = skipped.get(&(j as usize)).filter(|&&user| user == i);
			unfold.map(|_| (at, &ops[j as usize]))
		});
		let timed =
			Timed { op, prepared: prepared.collect(), epilogue: Epilogue::new(op), patches };
		let mut out = Buffer::new(op.bytes() as usize);
		let best = time(&timed, &bytes, &mut out, config, repeat)?;
		tensors.push(out);
		times.push(Some(best).filter(|_| !skipped.contains_key(&i)));
	}
	Ok(times)
}

/// For every `Unfold` that need not be written out, the op that reads it.
fn unfolds(ops: &[OpRecord]) -> BTreeMap<usize, usize> {
	let mut found = BTreeMap::new();
	for (i, op) in ops.iter().enumerate() {
		let reads = |user: &OpRecord| {
			user.operands.iter().filter(|o| o.source == Source::Op(i as u32)).count()
		};
		let users: Vec<usize> = (i + 1..ops.len()).filter(|&j| reads(&ops[j]) > 0).collect();
		if let [user] = users[..] {
			if reads(&ops[user]) == 1 && fusible_operand(op, &ops[user]).is_some() {
				found.insert(i, user);
			}
		}
	}
	found
}

/// The best of some runs of one op, in milliseconds.
fn time<'a>(
	timed: &'a Timed<'_>,
	bytes: &impl Fn(&Operand) -> &'a [u8],
	out: &mut Buffer,
	config: &KernelConfig,
	repeat: usize,
) -> Result<f64, Box<dyn Error>> {
	let mut args: Vec<Arg<'_>> = Vec::new();
	for (at, operand) in timed.op.operands.iter().enumerate() {
		args.push(match (timed.patches, &timed.prepared[at]) {
			(Some((patched, unfold)), _) if patched == at => {
				Arg::Patches { unfold, image: bytes(&unfold.operands[0]) }
			},
			(_, Some(prepared)) => Arg::Prepared(prepared, bytes(operand)),
			_ => Arg::Bytes(bytes(operand)),
		});
	}
	let mut best = f64::INFINITY;
	for _ in 0..repeat.clamp(3, 10) {
		let start = Instant::now();
		execute_with(timed.op, &args, timed.epilogue.as_ref(), out, config)?;
		best = best.min(start.elapsed().as_secs_f64() * 1e3);
	}
	Ok(best)
}
