//! Recurrences: an op that reads its own output, run, traced and disputed.

use super::{
	dispute::{check, play},
	models::{shape, Builder, Model, Random},
};
use crate::{Tamper, Trace};
use assay_kernels::Buffer;
use assay_referee::{
	verify_fault, Bias, Cell, DType, Fault, Location, OpKind, Operand, ProofError, Shape, Slice,
	TensorSpec, TreeError, UnaryFn,
};

/// Index of the recurrence in [`recurrent`].
const RECUR: u32 = 1;

/// `[steps, batch, 3]` to the states of a recurrence; with `then`, to an elementwise function of
/// its output.
pub(super) fn recurrent(
	seed: u64,
	cell: Cell,
	[steps, batch, hidden]: [u32; 3],
	then: bool,
) -> Model {
	let mut random = Random(seed);
	let mut b = Builder::default();
	let rows = cell.gates() * hidden;
	let spec = TensorSpec::new(DType::F32, shape(&[steps, batch, 3]));
	let x = Operand::input(0, DType::F32, shape(&[1, steps * batch, 3]));
	let mut weight = |b: &mut Builder, dims: &[u32]| b.weight(&mut random, dims);
	let (w, bias) = (weight(&mut b, &[1, rows, 3]), weight(&mut b, &[rows]));
	let kind = OpKind::MatMul { bias: Bias::Column };
	let x = b.op(kind, DType::F32, &[1, steps * batch, rows], &[x, w, bias]);
	let dims = [steps, cell.parts(), batch, hidden];
	let mut operands = vec![
		x.view(shape(&[steps, batch, rows])),
		weight(&mut b, &[rows, hidden]),
		weight(&mut b, &[rows]),
	];
	operands.resize_with(cell.operands() - 1, || weight(&mut b, &[batch, hidden]));
	operands.push(Operand::op(RECUR, DType::F32, shape(&dims)));
	let y = b.op(OpKind::Recur { cell }, DType::F32, &dims, &operands);
	if then {
		b.op(OpKind::Unary(UnaryFn::Exp), DType::F32, &dims, &[y]);
	}
	let input = random.floats((steps * batch * 3) as usize);
	Model { bundle: b.finish(&[spec]), input }
}

/// A model of every cell, some of one chunk and some of several, ending in the recurrence or not.
fn models() -> Vec<Model> {
	let sizes = [[2, 1, 5], [9, 3, 31], [40, 1, 64], [25, 2, 100], [7, 1, 257]];
	let pairs = Cell::ALL.iter().flat_map(|&cell| sizes.map(|sizes| (cell, sizes)));
	let models =
		pairs.enumerate().map(|(i, (cell, sizes))| recurrent(i as u64, cell, sizes, i % 2 == 0));
	models.collect()
}

fn shape_of(model: &Model) -> Shape {
	model.bundle.program().ops[RECUR as usize].shape
}

#[test]
fn runs_equal_traces_everywhere() {
	for model in models() {
		model.runs_equal_traces(&[1, 3]);
	}
}

/// A lie from which all that follows is computed consistently: the first, the last and random
/// steps, every part.
#[test]
fn one_lie_is_found() {
	for (seed, model) in models().iter().enumerate() {
		let shape = shape_of(model);
		let mut random = Random(seed as u64);
		let mut elements = vec![0, shape.elements() - 1];
		elements.extend((0..6).map(|_| random.below(shape.elements())));
		for element in elements {
			let (_, fault, moves) = check(model, RECUR, element);
			assert_eq!(fault, Fault::Element { entry: RECUR, element });
			// The trace's chunk, then the tensor's nodes down to the chunk itself.
			assert_eq!(moves, if shape.elements() <= 256 { 2 } else { 3 });
		}
		// The ops around it are judged as ever.
		check(model, 0, 0);
		let last = model.bundle.program().ops.len() as u32 - 1;
		check(model, last, shape.elements() - 1);
	}
}

/// What follows a lie does follow from it: the tensor has one wrong element only.
#[test]
fn a_tampered_recurrence_goes_on_from_its_lie() {
	let model = recurrent(3, Cell::Lstm, [9, 2, 31], false);
	let session = model.session(1);
	let honest = session.trace(&model.input, None).unwrap();
	let tamper = Tamper { op: RECUR, element: Some(150) };
	let wrong = session.trace(&model.input, Some(&tamper)).unwrap();
	let floats = |trace: &Trace| {
		let tensor = trace.tensor(RECUR).unwrap();
		tensor.as_chunks::<4>().0.iter().map(|x| f32::from_le_bytes(*x)).collect::<Vec<_>>()
	};
	let (ours, theirs) = (floats(&honest), floats(&wrong));
	let different = (0..ours.len()).filter(|&i| ours[i] != theirs[i]).collect::<Vec<_>>();
	assert_eq!(different[0], 150);
	assert!(different.len() > 300, "{}", different.len());
	// Rows of the batch know nothing of each other.
	assert!(different.iter().all(|i| i / 31 % 2 == 150 / 31 % 2));
	// It is a change that the drill can find.
	let found = session.tamper_that_changes_output(&model.input, RECUR).unwrap().unwrap();
	let wrong = session.trace(&model.input, Some(&found)).unwrap();
	assert_ne!(wrong.output(), honest.output());
}

/// Lies in several places, none of them consistent with anything: the first is proven.
#[test]
fn the_first_of_many_lies_is_found() {
	for (seed, model) in models().iter().enumerate() {
		let honest = model.session(1).trace(&model.input, None).unwrap();
		let elements = shape_of(model).elements();
		let mut random = Random(seed as u64 ^ 77);
		for count in [2, 5, elements] {
			let mut tensor = Buffer::from_bytes(&honest.tensor(RECUR).unwrap());
			for _ in 0..count {
				tensor[random.below(elements) as usize * 4] ^= 1;
			}
			let ours = honest.tensor(RECUR).unwrap();
			let Some(first) = ours.chunks(4).zip(tensor.chunks(4)).position(|(a, b)| a != b) else {
				continue;
			};
			let wrong = honest.with_tensor(RECUR, tensor);
			// The last entry has to differ: as in a claim of another output.
			let mut entries = wrong.entries().to_vec();
			let last = entries.len() - 1;
			entries[last][0] ^= u8::from(last as u32 != RECUR);
			let (_, fault, _) = play(&honest, &wrong.with_entries(entries));
			assert_eq!(fault, Fault::Element { entry: RECUR, element: first as u64 });
		}
	}
}

/// A tensor of more than 1,024 chunks: what the element reads lies under another node than the
/// one that was opened.
#[test]
fn histories_reach_into_unopened_nodes() {
	let model = recurrent(5, Cell::Gru, [700, 1, 200], true);
	let elements = shape_of(&model).elements();
	// The first chunk of the second node, the elements around it, the ends, and the middle.
	let edge = 1024 * 256;
	for element in [0, edge - 1, edge, edge + 1, edge + 130, elements / 2, elements - 1] {
		let (proof, fault, moves) = check(&model, RECUR, element);
		assert_eq!(fault, Fault::Element { entry: RECUR, element });
		assert_eq!((moves, proof.at), (4, Location::Element(element)));
	}
}

/// An operator who publishes another history beside a right element is not helped by it: what the
/// element read is authenticated under the tensor itself.
#[test]
fn reads_are_bound_to_the_claimed_tensor() {
	let model = recurrent(8, Cell::GruResetAfter, [30, 1, 64], false);
	let session = model.session(1);
	let honest = session.trace(&model.input, None).unwrap();
	let tamper = Tamper { op: RECUR, element: Some(1000) };
	let wrong = session.trace(&model.input, Some(&tamper)).unwrap();
	let (mut proof, _, _) = play(&honest, &wrong);
	let own = model.bundle.program().ops[RECUR as usize].self_operand().unwrap();
	let read = proof.reads.iter_mut().find(|read| usize::from(read.operand) == own).unwrap();
	let chunks = (read.slice.data.len() as u64).div_ceil(1024);
	read.slice = Slice::make(&honest.tensor(RECUR).unwrap(), read.slice.start, chunks).unwrap();
	let verdict = verify_fault(&honest.commitments(&wrong.root()), &proof);
	assert_eq!(verdict, Err(ProofError::Slice(TreeError::Root)));
}
