//! What it takes natively to admit a record of a program: to decode and check it, to bound what judging an
//! element costs, and to count its work. `models.register` does that for every record, and is measured
//! with those that take longest, of [`samples::heaviest`].
//!
//! ```sh
//! cargo run --locked --release -p assay-primitives --example admission
//! ```

use assay_primitives::samples;
use assay_referee::{
	leaf_bound, program::cost::run_picoseconds, units, Bias, DType, OpKind, OpRecord, Operand,
	Place, Program, ReduceFn, Shape, Step, StepFn, Steps, MAX_OPERANDS, MAX_STEPS,
};
use assay_testing::proofs::cases;
use std::{
	hint::black_box,
	time::{Duration, Instant},
};

/// Time spent on one figure.
const TIME: Duration = Duration::from_millis(200);

/// The least time of one call, in nanoseconds.
fn nanoseconds(mut call: impl FnMut()) -> u128 {
	let (start, mut least) = (Instant::now(), u128::MAX);
	while start.elapsed() < TIME {
		let start = Instant::now();
		call();
		least = least.min(start.elapsed().as_nanos());
	}
	least
}

fn of_record(op: &OpRecord, place: &Place) -> u128 {
	let bytes = op.to_bytes().expect("it is valid");
	nanoseconds(|| {
		let op = OpRecord::from_bytes(&bytes).expect("it is valid");
		black_box(op.validate()).expect("it is valid");
		black_box((leaf_bound(&op, place), units(&op), run_picoseconds(&op)));
	})
}

fn shape(dims: &[u32]) -> Shape {
	Shape::new(dims).expect("a small shape")
}

/// Kinds that take an epilogue, each with the longest of the most operands.
fn followed() -> Vec<(String, OpRecord)> {
	use DType::{Bool, F32, U8};
	let own = |dtype, dims: &[u32]| Operand::weight(0, dtype, shape(dims));
	let mut strides = [0; 8];
	strides[0] = 1;
	let row = [4, 1, 1, 1, 1, 1, 1, 1];
	let cube = [1, 4, 1];
	let kinds: [(&str, OpKind, &[u32], Vec<Operand>); 4] = [
		("reduction", OpKind::Reduce(ReduceFn::Sum), &row[..7], vec![own(F32, &row)]),
		("strided", OpKind::Strided { offset: 0, strides }, &row, vec![own(F32, &row)]),
		(
			"product",
			OpKind::MatMul { bias: Bias::Row },
			&cube,
			vec![own(F32, &[1, 4, 1]), own(F32, &[1, 1, 1]), own(F32, &[4])],
		),
		(
			"product of bytes",
			OpKind::MatMulInteger,
			&cube,
			vec![own(U8, &[1, 4, 1]), own(U8, &[1, 1, 1]), own(U8, &[]), own(U8, &[])],
		),
	];
	let with_epilogue = |(name, kind, dims, mut operands): (&str, OpKind, &[u32], Vec<Operand>)| {
		let steps = if matches!(kind, OpKind::Strided { .. }) { 19 } else { MAX_STEPS as u8 };
		// Value 0 is what the kind gives, 1 the condition; the others come in at the end.
		let values = (1 + MAX_OPERANDS - operands.len()) as u8;
		operands.push(own(Bool, dims));
		operands.resize(MAX_OPERANDS, own(F32, dims));
		let step = |at: u8| {
			let before = at.checked_sub(1).map_or(0, |before| values + before);
			let other = (at + values).checked_sub(steps).filter(|other| *other > 1);
			match (at, kind) {
				(0, OpKind::MatMulInteger) => Step::new(StepFn::Cast(F32), &[0]),
				_ => Step::new(StepFn::Select, &[1, before, other.unwrap_or(before)]),
			}
		};
		let steps: Vec<Step> = (0..steps).map(step).collect();
		let mut op = OpRecord::new(kind, F32, shape(dims), operands);
		op.epilogue = Steps::new(&steps);
		(format!("{name}, longest epilogue"), op)
	};
	kinds.into_iter().map(with_epilogue).collect()
}

fn main() {
	let last = |program: &[u8]| {
		let program = Program::decode(program).expect("samples are valid");
		let place = program.place(program.header.n_ops - 1);
		let op = program.ops.last().expect("samples have operations");
		of_record(op, &place)
	};
	let ordinary = last(&samples::chain(1_024, 16));
	let mut all = vec![
		(ordinary, "ordinary".to_string()),
		(last(&samples::heaviest(1_024)), "heaviest".to_string()),
	];
	let dearest = cases().into_iter().map(|case| (case.name, case.op));
	all.extend(
		dearest.chain(followed()).map(|(name, op)| (of_record(&op, &Place::alone(&op)), name)),
	);
	all.sort();
	for (time, name) in all.iter().rev() {
		println!("{time:8} ns, {:3} times the ordinary  {name}", time / ordinary.max(1));
	}
}
