use super::check::{CheckError, CheckReason, RecordError};
use super::codec::{FormatError, HeaderError};
use super::*;
use crate::{
	testing::{record, recurrence, shape, Rng, World, KINDS},
	*,
};
use alloc::vec;
use alloc::vec::Vec;
use proptest::prelude::*;

fn f32_input(offset: u64, dims: &[u32]) -> Operand {
	Operand::input(offset, DType::F32, shape(dims))
}

fn relu(operand: Operand) -> OpRecord {
	OpRecord::new(OpKind::Unary(UnaryFn::Relu), operand.dtype, operand.shape, [operand])
}

/// One relu of one input.
pub(super) fn small() -> Program {
	let spec = TensorSpec::new(DType::F32, shape(&[2, 3]));
	Program::new(64, vec![spec], vec![spec], vec![relu(f32_input(0, &[2, 3]))])
}

#[test]
fn programs_round_trip() {
	for program in [small(), World::new().program] {
		let bytes = program.encode().unwrap();
		assert_eq!(bytes.len(), RECORD_BYTES * (1 + program.ops.len()));
		assert_eq!(Program::decode(&bytes), Ok(program.clone()));
		assert_eq!(program.check(), Ok(()));
		assert_eq!(program.root(), Ok(tree::hash(&bytes)));
	}
	assert_eq!(small().entry_len(0), Some(24));
	assert_eq!(small().entry_len(1), None);
	assert_eq!(small().units(), 6);
}

#[test]
fn header_fields_lie_where_documented() {
	let bytes = small().encode().unwrap();
	assert_eq!(bytes[..16], *b"ASSAYPRG\x01\0\x01\0\x01\0\0\0");
	assert_eq!(bytes[16..26], [64, 0, 0, 0, 0, 0, 0, 0, 1, 1]);
	assert_eq!(bytes[64..76], [1, 2, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0]);
	let op = &bytes[1024..];
	assert_eq!(op[..12], [6, 0, 1, 1, 2, 0, 0, 0, 2, 0, 0, 0]);
	assert_eq!(op[64], UnaryFn::Relu.code());
	assert_eq!(op[256..260], [1, 1, 2, 0]);
}

#[test]
fn layouts_are_aligned() {
	let layout = Layout::new([1, 64, 65, 3]);
	assert_eq!(layout.offsets, [0, 64, 128, 256]);
	assert_eq!(layout.total_len, 259);
	assert_eq!(Layout::new([]).total_len, 0);
	assert_eq!(Layout::new([u64::MAX, u64::MAX]).total_len, u64::MAX);
}

#[test]
fn model_identity_covers_both_roots() {
	let bytes = [b"assay/model/v1".as_slice(), &[1; 32], &[2; 32]].concat();
	assert_eq!(model_id(&[1; 32], &[2; 32]), tree::hash(&bytes));
}

#[test]
fn malformed_headers_are_refused() {
	let good = small().encode().unwrap();
	let with = |at: usize, value: u8| {
		let mut bytes = good.clone();
		bytes[at] = value;
		Program::decode(&bytes)
	};
	let header = |error| Err(FormatError::Header(error));
	assert_eq!(with(0, b'a'), header(HeaderError::Magic));
	assert_eq!(with(8, 2), header(HeaderError::Ports), "without the table of ports");
	assert_eq!(with(8, 3), header(HeaderError::Version));
	assert_eq!(with(10, 2), header(HeaderError::Version));
	assert_eq!(with(12, 0), header(HeaderError::OpCount));
	assert_eq!(with(13, 5), header(HeaderError::OpCount));
	assert_eq!(with(12, 2), Err(FormatError::Length));
	assert_eq!(with(24, 17), header(HeaderError::Code), "of the port behind the last");
	assert_eq!(with(25, 0), header(HeaderError::Ports));
	assert_eq!(with(30, 1), header(HeaderError::Padding));
	assert_eq!(with(1000, 1), header(HeaderError::Padding));
	assert_eq!(with(64, 9), header(HeaderError::Code));
	assert_eq!(with(65, 9), header(HeaderError::Shape));
	assert_eq!(with(68, 0), header(HeaderError::Shape));
	assert_eq!(Program::decode(&good[..1024]), Err(FormatError::Length));
	assert_eq!(Program::decode(&good[..2047]), Err(FormatError::Length));
	assert_eq!(Program::decode(&[]), Err(FormatError::Length));
}

#[test]
fn malformed_records_are_refused() {
	let good = small().encode().unwrap();
	let with = |at: usize, value: u8| {
		let mut bytes = good.clone();
		bytes[1024 + at] = value;
		match Program::decode(&bytes) {
			Err(FormatError::Record { op: 0, error }) => error,
			other => panic!("{other:?}"),
		}
	};
	assert_eq!(with(0, 15), RecordError::Code);
	assert_eq!(with(2, 0), RecordError::Code);
	assert_eq!(with(3, 13), RecordError::OperandCount);
	assert_eq!(with(3, 0), RecordError::OperandCount);
	assert_eq!(with(4, 9), RecordError::Shape);
	assert_eq!(with(8, 0), RecordError::Shape);
	assert_eq!(with(8, 3), RecordError::Dims);
	assert_eq!(with(16, 1), RecordError::Padding);
	assert_eq!(with(64, 200), RecordError::Code);
	assert_eq!(with(65, 1), RecordError::Padding);
	assert_eq!(with(256, 3), RecordError::Code);
	assert_eq!(with(257, 2), RecordError::Type);
	assert_eq!(with(264, 1), RecordError::Alignment);
	assert_eq!(with(320, 1), RecordError::Padding);
}

#[test]
fn rules_of_kinds() {
	let f = |dims: &[u32]| Operand::weight(0, DType::F32, shape(dims));
	let op = |kind, dims: &[u32], operands: Vec<Operand>| {
		OpRecord::new(kind, DType::F32, shape(dims), operands).validate()
	};
	let strided =
		|offset, stride| OpKind::Strided { offset, strides: [stride, 0, 0, 0, 0, 0, 0, 0] };
	assert_eq!(op(strided(3, -1), &[4], vec![f(&[4])]), Ok(()));
	assert_eq!(op(strided(2, -1), &[4], vec![f(&[4])]), Err(RecordError::Range));
	assert_eq!(op(strided(0, i64::MAX), &[4], vec![f(&[4])]), Err(RecordError::Range));
	assert_eq!(op(strided(u64::MAX, i64::MIN), &[4], vec![f(&[4])]), Err(RecordError::Range));
	assert_eq!(op(strided(0, 1), &[], vec![f(&[4])]), Err(RecordError::Parameter));
	let pad = |fill| OpKind::Pad { before: [1, 0, 0, 0, 0, 0, 0, 0], fill };
	assert_eq!(op(pad(0), &[5], vec![f(&[4])]), Ok(()));
	assert_eq!(op(pad(0), &[4], vec![f(&[4])]), Err(RecordError::Dims));
	assert_eq!(op(pad(0x7f80_0001), &[5], vec![f(&[4])]), Err(RecordError::Parameter));
	assert_eq!(op(pad(1 << 32), &[5], vec![f(&[4])]), Err(RecordError::Parameter));
	let matmul = |bias| OpKind::MatMul { bias };
	let (a, b) = (f(&[2, 3, 4]), f(&[1, 5, 4]));
	assert_eq!(op(matmul(Bias::None), &[2, 3, 5], vec![a, b]), Ok(()));
	assert_eq!(op(matmul(Bias::None), &[3, 3, 5], vec![a, b]), Err(RecordError::Dims));
	assert_eq!(op(matmul(Bias::Row), &[2, 3, 5], vec![a, b]), Err(RecordError::OperandCount));
	assert_eq!(op(matmul(Bias::Row), &[2, 3, 5], vec![a, b, f(&[2, 3])]), Ok(()));
	assert_eq!(op(matmul(Bias::Row), &[2, 3, 5], vec![a, b, f(&[1, 3])]), Err(RecordError::Dims));
	let long = f(&[1, 1, 16_385]);
	let too_long = op(matmul(Bias::None), &[1, 1, 1], vec![long, long]);
	assert_eq!(too_long, Err(RecordError::TooManyTerms));
	let sum = OpKind::Reduce(ReduceFn::Sum);
	assert_eq!(op(sum, &[2, 3], vec![f(&[6, 7])]), Ok(()));
	assert_eq!(op(sum, &[2, 3], vec![f(&[7, 6])]), Err(RecordError::Dims));
	assert_eq!(op(sum, &[], vec![f(&[])]), Err(RecordError::Dims));
	assert_eq!(op(OpKind::Pack, &[4], vec![f(&[1])]), Err(RecordError::Type));
	let huge = Operand::weight(0, DType::I64, shape(&[1 << 30]));
	assert_eq!(op(OpKind::Cast, &[1 << 30], vec![huge]), Err(RecordError::Shape));
	let beyond = Operand::weight(u64::MAX - 63, DType::F32, shape(&[16]));
	assert_eq!(op(OpKind::Cast, &[16], vec![beyond]), Err(RecordError::Range));
}

#[test]
fn rules_between_records() {
	let reason = |change: &dyn Fn(&mut Program)| {
		let mut program = small();
		change(&mut program);
		program.check().err().map(|CheckError { op, reason }| (op, reason))
	};
	assert_eq!(reason(&|_| ()), None);
	assert_eq!(reason(&|p| p.header.n_ops = 2), Some((0, CheckReason::Header)));
	assert_eq!(
		reason(&|p| {
			p.ops.clear();
			p.header.n_ops = 0;
		}),
		Some((0, CheckReason::Header))
	);
	let operand = |operand: Operand| reason(&move |p| p.ops[0] = relu(operand));
	let op_0 = Operand::op(0, DType::F32, shape(&[2, 3]));
	assert_eq!(operand(op_0), Some((0, CheckReason::Order)));
	assert_eq!(operand(f32_input(64, &[2, 3])), Some((0, CheckReason::NoSuchInput)));
	// A part of an input is an operand, what lies beyond it is not.
	assert_eq!(operand(f32_input(0, &[2, 2])), Some((0, CheckReason::Output)));
	assert_eq!(operand(f32_input(0, &[2, 4])), Some((0, CheckReason::Mismatch)));
	assert_eq!(
		operand(Operand::input(0, DType::I32, shape(&[2, 3]))),
		Some((0, CheckReason::Mismatch))
	);
	let weight = |offset| Operand::weight(offset, DType::F32, shape(&[2, 3]));
	assert_eq!(operand(weight(0)), None);
	assert_eq!(operand(weight(64)), Some((0, CheckReason::WeightRange)));
	assert_eq!(operand(f32_input(0, &[3, 2])), None);
	assert_eq!(
		reason(&|p| {
			p.ops.push(p.ops[0].clone());
			p.header.n_ops = 2;
		}),
		Some((0, CheckReason::Unused))
	);
	assert_eq!(
		reason(&|p| p.header.outputs.push(p.header.outputs[0])),
		Some((0, CheckReason::Output))
	);
	assert_eq!(reason(&|p| p.header.outputs.clear()), Some((0, CheckReason::Output)));
	assert_eq!(
		reason(&|p| p.ops[0].dtype = DType::Bool),
		Some((0, CheckReason::Record(RecordError::Type)))
	);
	let mut world = World::new().program;
	world.ops[5].operands[0] = Operand::op(4, DType::F32, shape(&[32]));
	assert_eq!(world.check(), Err(CheckError { op: 5, reason: CheckReason::Mismatch }));
}

/// An LSTM of 3 steps, 2 rows and 4 hidden units as op `index`, which reads `own` as itself.
fn lstm(own: Operand) -> OpRecord {
	recurrence(Cell::Lstm, [3, 2, 4], own, |dims| Operand::weight(0, DType::F32, shape(dims)))
}

#[test]
fn rules_of_recurrences() {
	let own = Operand::op(0, DType::F32, Shape::SCALAR);
	let with = |change: &dyn Fn(&mut OpRecord)| {
		let mut op = lstm(own);
		change(&mut op);
		op.validate()
	};
	let view =
		|at: usize, dims: &[u32]| with(&|op| op.operands[at] = op.operands[at].view(shape(dims)));
	assert_eq!(with(&|_| ()), Ok(()));
	assert_eq!(
		with(&|op| op.kind = OpKind::Recur { cell: Cell::Gru }),
		Err(RecordError::OperandCount)
	);
	assert_eq!(with(&|op| op.operands.truncate(5)), Err(RecordError::OperandCount));
	assert_eq!(with(&|op| op.operands.clear()), Err(RecordError::OperandCount));
	assert_eq!(with(&|op| op.dtype = DType::I32), Err(RecordError::Type));
	assert_eq!(with(&|op| op.operands[3].dtype = DType::I32), Err(RecordError::Type));
	// x, R, rb, h0, c0 and itself, each of another shape.
	assert_eq!(view(0, &[3, 2, 15]), Err(RecordError::Dims));
	assert_eq!(view(0, &[96]), Err(RecordError::Dims));
	assert_eq!(view(1, &[4, 16]), Err(RecordError::Dims));
	assert_eq!(view(2, &[4]), Err(RecordError::Dims));
	assert_eq!(view(3, &[4, 2]), Err(RecordError::Dims));
	assert_eq!(view(4, &[2, 5]), Err(RecordError::Dims));
	assert_eq!(view(5, &[3, 2, 4, 2]), Err(RecordError::Dims));
	assert_eq!(view(5, &[48]), Err(RecordError::Dims));
	let output = |dims: &[u32]| with(&|op| op.shape = shape(dims));
	assert_eq!(output(&[3, 1, 2, 4]), Err(RecordError::Dims));
	assert_eq!(output(&[2, 2, 2, 4]), Err(RecordError::Dims));
	assert_eq!(output(&[48]), Err(RecordError::Dims));
	// Gates times hidden units do not fit 32 bits.
	assert_eq!(output(&[1, 2, 1, 1 << 29]), Err(RecordError::Shape));
	let huge = |op: &mut OpRecord| {
		op.shape = shape(&[1, 2, 1, 1 << 27]);
		op.operands.iter_mut().for_each(|o| o.shape = Shape::SCALAR);
	};
	assert_eq!(with(&huge), Err(RecordError::Dims));
	for source in [Source::Input(0), Source::Weight(0)] {
		assert_eq!(with(&|op| op.operands[5].source = source), Err(RecordError::Dims));
	}
	let mut bytes = lstm(own).to_bytes().unwrap();
	assert_eq!((bytes[0], bytes[1], bytes[64]), (35, 0, 1));
	for (at, value, error) in [
		(64, 6, RecordError::Code),
		(64, 0, RecordError::Code),
		(65, 1, RecordError::Padding),
		// No steps.
		(8, 0, RecordError::Shape),
		(256 + 5 * 64 + 16, 0, RecordError::Shape),
	] {
		let kept = core::mem::replace(&mut bytes[at], value);
		assert_eq!(OpRecord::from_bytes(&bytes), Err(error), "{at}");
		bytes[at] = kept;
	}
}

/// A recurrence reads its own output, and nothing else passes for it.
#[test]
fn only_recurrences_read_themselves() {
	let op = |index| Operand::op(index, DType::F32, Shape::SCALAR);
	let spec = TensorSpec::new(DType::F32, lstm(op(0)).shape);
	let check = |ops: Vec<OpRecord>| {
		let program = Program::new(1024, vec![spec], vec![spec], ops);
		program.check().err().map(|CheckError { op, reason }| (op, reason))
	};
	assert_eq!(check(vec![lstm(op(0))]), None);
	// A later op that does not exist, and an earlier one of the same shape.
	assert_eq!(check(vec![lstm(op(1))]), Some((0, CheckReason::NotItself)));
	let first = relu(Operand::input(0, DType::F32, spec.shape));
	assert_eq!(check(vec![first, lstm(op(0))]), Some((1, CheckReason::NotItself)));
	// Reading oneself is no use: the first op's output is lost.
	assert_eq!(check(vec![lstm(op(0)), lstm(op(1))]), Some((0, CheckReason::Unused)));
	// As its initial state, or from an op of another kind.
	let mut state = lstm(op(0));
	let narrow = shape(&[2, 4]);
	state.operands[3] = op(0).view(narrow);
	assert_eq!(check(vec![state]), Some((0, CheckReason::Order)));
	let itself = relu(op(0).view(spec.shape));
	assert_eq!(check(vec![itself]), Some((0, CheckReason::Order)));
	let after = relu(op(0).view(spec.shape));
	assert_eq!(check(vec![lstm(op(0)), after]), None);
}

/// More outputs than a Pack has operands: the first operand is a Pack itself.
#[test]
fn packs_nest() {
	let spec = TensorSpec::new(DType::U8, shape(&[3]));
	let part = Operand::input(0, DType::U8, shape(&[3]));
	let len = |n: u32| 64 * (n - 1) + 3;
	let pack = |operands: Vec<Operand>, n| {
		OpRecord::new(OpKind::Pack, DType::U8, shape(&[len(n)]), operands)
	};
	let inner = Operand::op(0, DType::U8, shape(&[len(12)]));
	let ops = vec![pack(vec![part; 12], 12), pack(vec![inner, part, part], 14)];
	let program = Program::new(0, vec![spec], vec![spec; 14], ops);
	assert_eq!(program.check(), Ok(()));
}

proptest! {
	#[test]
	fn records_round_trip(seed: u64, flips in prop::collection::vec(any::<u16>(), 1..4)) {
		for kind in 0..KINDS {
			let op = record(&mut Rng(seed), kind);
			let mut bytes = op.to_bytes().unwrap();
			prop_assert_eq!(OpRecord::from_bytes(&bytes), Ok(op));
			for flip in &flips {
				bytes[usize::from(flip / 8) % RECORD_BYTES] ^= 1 << (flip % 8);
			}
			if let Ok(changed) = OpRecord::from_bytes(&bytes) {
				prop_assert_eq!(changed.to_bytes(), Ok(bytes));
				leaf_bound(&changed, &Place::alone(&changed));
				units(&changed);
			}
		}
	}

	#[test]
	fn mutated_programs_do_not_panic(
		flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
	) {
		let mut bytes = small().encode().unwrap();
		for (at, value) in flips {
			let at = at.index(bytes.len());
			bytes[at] ^= value;
		}
		if let Ok(program) = Program::decode(&bytes) {
			prop_assert_eq!(program.encode(), Ok(bytes));
			let _ = program.check();
		}
	}

	#[test]
	fn random_bytes_do_not_panic(bytes in prop::collection::vec(any::<u8>(), 0..5000)) {
		prop_assert!(Program::decode(&bytes).is_err());
		let mut headed = small().encode().unwrap();
		headed[1024..].iter_mut().zip(&bytes).for_each(|(byte, random)| *byte = *random);
		let _ = Program::decode(&headed);
	}
}
