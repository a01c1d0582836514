//! What is decided once per model: which ops run together, which weights are rearranged, and where
//! every tensor lies.

mod cancel;
mod error;
mod fuse;
mod memory;
mod pack;
mod runner;

pub use cancel::Cancel;
pub use error::ExecError;
pub(crate) use memory::Lent;
pub(crate) use runner::Runner;

use crate::bundle::{Bundle, Packed};
use assay_kernels::{
	execute_with, fusible_operand, split_borrow, Arg, Epilogue, Fused, KernelConfig, Prepared,
};
use assay_referee::{DType, OpKind, Operand, Program, Source};
use fuse::{groups, Group};
use memory::{arrange, Tensor};
use std::{ops::Range, sync::Arc};

/// What an execution writes to memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Keep {
	/// What steps read of each other, and the output.
	Needed,
	/// Every op's output, until after the last op that reads it.
	Each,
}

/// The steps of an execution, in order, and the memory they work in.
#[derive(Debug)]
pub(crate) struct Plan {
	pub(crate) steps: Vec<Step>,
	/// Where each op's output lies while it is alive; empty for those that are never written.
	pub(crate) places: Vec<Range<usize>>,
	/// Bytes of memory that [`Runner::run`] takes.
	pub(crate) memory: usize,
}

/// Ops to execute as one.
#[derive(Debug)]
pub(crate) struct Step {
	pub(crate) ops: Vec<u32>,
	work: Work,
	/// Where the operands are; those in memory index `reads`.
	operands: Vec<Where>,
	reads: Vec<Range<usize>>,
	writes: Vec<Range<usize>>,
}

#[derive(Debug)]
enum Work {
	Op {
		/// The op that gives an operand without being executed, and which operand.
		patches: Option<(u32, usize)>,
		/// Operands that were rearranged.
		prepared: Vec<(usize, Arc<Prepared>)>,
		epilogue: Option<Box<Epilogue>>,
	},
	Fused(Fused),
}

#[derive(Debug)]
enum Where {
	Memory(usize),
	/// The output itself: the kernel has it.
	Own,
	Input(Range<usize>),
	/// Read as elements of this type.
	Weights(DType, Range<usize>),
}

impl Plan {
	/// The plan of an execution of `program`.
	pub(crate) fn new(program: &Program, packed: &Packed, keep: Keep) -> Plan {
		let fusions = fusions(program);
		let patches = |op: u32| {
			let fusion = fusions.iter().find(|fusion| fusion.user == op)?;
			Some((fusion.unfold, fusion.operand))
		};
		let each = keep == Keep::Each;
		let wanted = |op| each || !fusions.iter().any(|fusion| fusion.unfold == op);
		let groups = groups(program, wanted, |op| patches(op).is_some(), each);
		let mut steps: Vec<(Step, Vec<Operand>)> = Vec::with_capacity(groups.len());
		for Group { ops, fused } in groups {
			let (work, operands) = match fused {
				Some(fused) => {
					let operands = fused.operands().to_vec();
					(Work::Fused(fused), operands)
				},
				None => single(program, packed, ops[0], patches(ops[0])),
			};
			let step = Step { ops, work, operands: vec![], reads: vec![], writes: vec![] };
			steps.push((step, operands));
		}
		let (places, memory) = places(program, &steps, keep);
		let steps = steps.into_iter().map(|(step, operands)| step.placed(&operands, &places));
		Plan { steps: steps.collect(), places, memory }
	}

	/// The step that executes op `op`.
	pub(crate) fn step_of(&self, op: u32) -> Option<usize> {
		self.steps.iter().position(|step| step.ops.contains(&op))
	}
}

/// An op by itself, and the operands it reads: of a fused `Unfold`, the image.
fn single(
	program: &Program,
	packed: &Packed,
	op: u32,
	patches: Option<(u32, usize)>,
) -> (Work, Vec<Operand>) {
	let mut operands = program.ops[op as usize].operands.to_vec();
	if let Some((unfold, at)) = patches {
		operands[at] = program.ops[unfold as usize].operands[0];
	}
	let prepared = packed.range((op, 0)..(op + 1, 0));
	let prepared = prepared.map(|(&(_, at), prepared)| (at, prepared.clone())).collect();
	let epilogue = Epilogue::new(&program.ops[op as usize]).map(Box::new);
	(Work::Op { patches, prepared, epilogue }, operands)
}

/// Where the tensors lie, and the memory they take.
fn places(
	program: &Program,
	steps: &[(Step, Vec<Operand>)],
	keep: Keep,
) -> (Vec<Range<usize>>, usize) {
	let mut alive: Vec<Option<(usize, usize)>> = vec![None; program.ops.len()];
	for (at, (step, operands)) in steps.iter().enumerate() {
		step.outputs().iter().for_each(|&op| alive[op as usize] = Some((at, at)));
		// What an op reads by its record, if not in its step, is there for whoever proves a fault of it.
		let by_record = step.ops.iter().flat_map(|&op| &program.ops[op as usize].operands);
		for operand in operands.iter().chain(by_record.filter(|_| keep == Keep::Each)) {
			if let Source::Op(op) = operand.source {
				if let Some(alive) = &mut alive[op as usize] {
					alive.1 = at;
				}
			}
		}
	}
	if let Some(Some(last)) = alive.last_mut() {
		last.1 = usize::MAX;
	}
	let written: Vec<(usize, (usize, usize))> =
		alive.iter().enumerate().filter_map(|(op, alive)| Some((op, (*alive)?))).collect();
	let tensors: Vec<Tensor> = written
		.iter()
		.map(|&(op, alive)| Tensor { len: program.ops[op].bytes() as usize, alive })
		.collect();
	let (found, memory) = arrange(&tensors);
	let mut places = vec![0..0; program.ops.len()];
	for ((op, _), place) in written.into_iter().zip(found) {
		places[op] = place;
	}
	(places, memory)
}

impl Step {
	/// The ops whose outputs are written, and where.
	pub(crate) fn written(&self) -> impl Iterator<Item = (u32, &Range<usize>)> {
		self.outputs().iter().copied().zip(&self.writes)
	}

	/// The ops whose outputs are written.
	fn outputs(&self) -> &[u32] {
		match &self.work {
			Work::Op { .. } => &self.ops,
			Work::Fused(fused) => fused.outputs(),
		}
	}

	fn placed(mut self, operands: &[Operand], places: &[Range<usize>]) -> Step {
		for operand in operands {
			let bytes = operand.bytes() as usize;
			let place = match operand.source {
				Source::Op(op) if self.ops.contains(&op) => Where::Own,
				Source::Op(op) => {
					self.reads.push(places[op as usize].clone());
					Where::Memory(self.reads.len() - 1)
				},
				Source::Input(offset) => Where::Input(offset as usize..offset as usize + bytes),
				Source::Weight(offset) => {
					Where::Weights(operand.dtype, offset as usize..offset as usize + bytes)
				},
			};
			self.operands.push(place);
		}
		self.writes = self.outputs().iter().map(|&op| places[op as usize].clone()).collect();
		self
	}

	pub(crate) fn run(
		&self,
		bundle: &Bundle,
		input: &[u8],
		memory: &mut [u8],
		config: &KernelConfig,
	) -> Result<(), ExecError> {
		let op = self.ops[0];
		let (mut outputs, reads) = split_borrow(memory, &self.writes, &self.reads)
			.ok_or(ExecError::Plan("a place in memory"))?;
		// A range that is not there gives nothing, which kernels refuse.
		let bytes = |place: &Where| match place {
			Where::Memory(at) => reads[*at],
			Where::Own => &[],
			Where::Input(range) => input.get(range.clone()).unwrap_or(&[]),
			Where::Weights(dtype, range) => bundle.read_weights(*dtype, range.clone()),
		};
		let operands: Vec<&[u8]> = self.operands.iter().map(bytes).collect();
		let done = match &self.work {
			Work::Fused(fused) => fused.run(&operands, &mut outputs, config),
			Work::Op { patches, prepared, epilogue } => {
				let ops = &bundle.program().ops;
				let mut args: Vec<Arg<'_>> = operands.into_iter().map(Arg::Bytes).collect();
				for (at, prepared) in prepared {
					if let Arg::Bytes(bytes) = args[*at] {
						args[*at] = Arg::Prepared(prepared, bytes);
					}
				}
				if let Some((unfold, at)) = *patches {
					if let Arg::Bytes(image) = args[at] {
						args[at] = Arg::Patches { unfold: &ops[unfold as usize], image };
					}
				}
				match outputs.first_mut() {
					Some(out) => {
						let epilogue = epilogue.as_deref();
						execute_with(&ops[op as usize], &args, epilogue, out, config)
					},
					None => Ok(()),
				}
			},
		};
		done.map_err(|error| ExecError::Kernel { op, error })
	}
}

/// An `Unfold`, or the transposition of an image, that an operand of another op stands for.
struct Fusion {
	unfold: u32,
	user: u32,
	operand: usize,
}

/// What need not be executed, because all that read it can do without.
fn fusions(program: &Program) -> Vec<Fusion> {
	let mut uses: Vec<Vec<(u32, usize)>> = vec![Vec::new(); program.ops.len()];
	for (i, op) in program.ops.iter().enumerate() {
		for (at, operand) in op.operands.iter().enumerate() {
			if let Source::Op(j) = operand.source {
				uses[j as usize].push((i as u32, at));
			}
		}
	}
	let fused = program.ops.iter().zip(&uses).zip(0..).filter(|((op, uses), _)| {
		let fits = |&(user, operand): &(u32, usize)| {
			fusible_operand(op, &program.ops[user as usize]) == Some(operand)
		};
		// Windows are made anew by everyone who reads them.
		uses.iter().all(fits) && (uses.len() == 1 || matches!(op.kind, OpKind::Strided { .. }))
	});
	let each = fused.flat_map(|((_, uses), unfold)| {
		uses.iter().map(move |&(user, operand)| Fusion { unfold, user, operand })
	});
	each.collect()
}
