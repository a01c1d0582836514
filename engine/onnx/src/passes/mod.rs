//! Rewrites the ops of a model to fewer of them, or fewer bytes between them.

mod bias;
mod broadcast;
mod epilogues;
mod expressions;
mod layouts;
mod permutations;
mod recompute;
mod reorder;
mod repetitions;
mod views;
mod windows;

pub(crate) use views::part_of_input;

use assay_referee::{DType, Layout, OpKind, TensorSpec, MAX_OPERANDS, MAX_PORTS, MAX_RANK};

use crate::{
	dims::strides,
	error::{Failure, Result},
	ir::{Op, Origin, Value},
};
use bias::join_biases;
use broadcast::skip_expansions;
use epilogues::join_epilogues;
use expressions::join_expressions;
use layouts::{compute_transposed, join_layouts};
use permutations::{convolve_before_permutations, move_before_permutations};
use recompute::recompute;
use reorder::reorder_products;
use repetitions::{concat_before_repetitions, read_before_repetitions};
use views::{join_parts, join_views};
use windows::join_windows;

/// Rewrites the ops up to the root that are live, to fewer of them or fewer bytes between them.
type Pass = fn(&mut [Op], usize, &[bool]);

/// In this order: products before the expressions they are read by, expressions as large as they can be
/// before what takes them in.
const PASSES: [Pass; 15] = [
	join_biases,
	join_windows,
	reorder_products,
	join_expressions,
	read_before_repetitions,
	move_before_permutations,
	convolve_before_permutations,
	// What comes after such a convolution.
	move_before_permutations,
	join_views,
	join_parts,
	compute_transposed,
	recompute,
	concat_before_repetitions,
	join_epilogues,
	join_layouts,
];

/// Ops of which some are live: those that the one at the root, which gives the program's output, needs.
pub(crate) struct Rewritten {
	pub(crate) ops: Vec<Op>,
	pub(crate) root: usize,
	pub(crate) live: Vec<bool>,
}

/// Runs all passes over the ops that give `outputs`, which `specs` describe.
pub(crate) fn rewrite(
	mut ops: Vec<Op>,
	outputs: &[Value],
	specs: &[TensorSpec],
) -> Result<Rewritten> {
	let last_node = ops.last().map_or(0, |op| op.node);
	let root = root(&mut ops, outputs, specs, last_node)?;
	let mut live = live(&ops, root);
	for (i, _) in live.iter().enumerate().filter(|(_, live)| **live) {
		skip_expansions(&mut ops, i);
	}
	for pass in PASSES {
		pass(&mut ops, root, &live);
		live = self::live(&ops, root);
	}
	Ok(Rewritten { ops, root, live })
}

/// The index of the op that gives the program's output, added where the outputs are not one op's
/// result as it is.
fn root(ops: &mut Vec<Op>, outputs: &[Value], specs: &[TensorSpec], node: usize) -> Result<usize> {
	let op = match outputs {
		[] => return Err(Failure::invalid("the model has no outputs")),
		[one] => {
			if let Origin::Op(index) = one.origin {
				return Ok(index);
			}
			let mut steps = [0; MAX_RANK];
			for ((place, step), &dim) in steps.iter_mut().zip(strides(&one.dims)).zip(&one.dims) {
				*place = if dim > 1 { step } else { 0 };
			}
			let kind = OpKind::Strided { offset: 0, strides: steps };
			let (operands, dims) = (vec![one.clone()], one.dims.clone());
			Op { kind, dtype: one.dtype, dims, operands, epilogue: None, node }
		},
		many if many.len() > MAX_PORTS => {
			return Err(Failure::too_large(format!(
				"the model has {} outputs, the most is {MAX_PORTS}",
				many.len()
			))
			.help("compile those that you want: `assay model compile --outputs NAME…`"));
		},
		many if many.len() > MAX_OPERANDS => {
			let mut values = many.to_vec();
			let mut lengths: Vec<u64> = specs.iter().map(TensorSpec::bytes).collect();
			// Packs begin at multiples of what tensors begin at, so a pack of packs has the same bytes.
			while values.len() > MAX_OPERANDS {
				let mut packs = Vec::new();
				for (values, lengths) in
					values.chunks(MAX_OPERANDS).zip(lengths.chunks(MAX_OPERANDS))
				{
					let pack = pack(values.to_vec(), lengths.iter().copied(), node)?;
					let (dtype, dims) = (pack.dtype, pack.dims.clone());
					packs.push(Value {
						dtype,
						element: dtype.into(),
						dims,
						origin: Origin::Op(ops.len()),
					});
					ops.push(pack);
				}
				lengths = packs.iter().map(Value::elements).collect();
				values = packs;
			}
			pack(values, lengths, node)?
		},
		many => pack(many.to_vec(), specs.iter().map(TensorSpec::bytes), node)?,
	};
	ops.push(op);
	Ok(ops.len() - 1)
}

/// The op that lays tensors of so many bytes behind one another.
fn pack(operands: Vec<Value>, lengths: impl IntoIterator<Item = u64>, node: usize) -> Result<Op> {
	let total = Layout::new(lengths).total_len;
	let total = u32::try_from(total).map_err(|_| Failure::too_large("the outputs exceed 1 GiB"))?;
	let (kind, dims) = (OpKind::Pack, vec![total]);
	Ok(Op { kind, dtype: DType::U8, dims, operands, epilogue: None, node })
}

/// Which ops the one at `root` needs, itself included.
fn live(ops: &[Op], root: usize) -> Vec<bool> {
	let mut live = vec![false; ops.len()];
	live[root] = true;
	for i in (0..=root).rev() {
		if live[i] {
			ops[i].operands.iter().filter_map(Value::op).for_each(|j| live[j] = true);
		}
	}
	live
}
