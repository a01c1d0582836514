//! What the referee computes in Wasm is what the engine computed natively.
//!
//! Environment: `ASSAY_ELEMENTS`, the least number of elements per kind of op (and per function of
//! one or two arguments) that are compared, 2,000 without it; `ASSAY_MODELS`, the folder of fetched
//! models, without which only the model in the repository is run.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::collections::BTreeMap;
use std::sync::Arc;

use assay_executor::{Move, Options, Session, Tamper, Trace};
use assay_kernels::{execute, Buffer, Isa, KernelConfig};
use assay_referee::{decode_value, OpKind, OpRecord, Program, Source};
use assay_testing::{
	onnx::models::MODELS,
	records::{record, tensors, Rng, KINDS},
};
use assay_wasm_check::Referee;

/// Most elements of one op that are asked for at once.
const PART: u64 = 512;

fn wanted() -> u64 {
	std::env::var("ASSAY_ELEMENTS").map_or(2_000, |n| n.parse().unwrap())
}

/// The kind without its parameters, but with its function.
fn label(kind: &OpKind) -> String {
	kind.to_string().split(' ').next().unwrap().to_owned()
}

/// Compares elements of `op` with those in `output`, which the engine computed.
fn compare(
	referee: &mut Referee,
	op: &OpRecord,
	operands: &[&[u8]],
	output: &[u8],
	indices: &[u64],
) {
	let found = referee.elements(op, operands, indices).unwrap();
	for (&index, bits) in indices.iter().zip(found) {
		let native = decode_value(op.dtype, &output[(index * op.dtype.size()) as usize..]).unwrap();
		assert_eq!(
			bits, native,
			"element {index} of {op:?}: {bits:x} in Wasm, {native:x} natively"
		);
	}
}

/// Element indices of an op: all of them when they are few.
fn picks(rng: &mut Rng, op: &OpRecord, count: u64) -> Vec<u64> {
	let elements = op.shape.elements();
	if elements <= count {
		(0..elements).collect()
	} else {
		(0..count).map(|_| rng.below(elements)).collect()
	}
}

fn report(what: &str, counts: &BTreeMap<String, u64>) {
	let counts: Vec<String> = counts.iter().map(|(label, n)| format!("{label} {n}")).collect();
	eprintln!("{what}: elements equal in Wasm and natively: {}", counts.join(", "));
}

/// Random records of every kind, with special values among the operands, by the kernels of every
/// instruction set in turn.
#[test]
fn random_records() {
	let mut referee = Referee::new().unwrap();
	let isas = Isa::available();
	for kind in 0..KINDS {
		let mut rng = Rng(kind);
		let mut counts = BTreeMap::new();
		// By the time that one function has been seen often enough, all have been seen.
		while counts.values().min().is_none_or(|&least| least < wanted()) {
			let op = record(&mut rng, kind);
			let bytes = tensors(&mut rng, &op);
			let operands: Vec<Buffer> = bytes.iter().map(|x| Buffer::from_bytes(x)).collect();
			let mut operands: Vec<&[u8]> = operands.iter().map(|x| &x[..]).collect();
			let config = KernelConfig::new(1, rng.pick(&isas));
			let mut output = Buffer::new(op.bytes() as usize);
			execute(&op, &operands, &mut output, &config).unwrap();
			if let Some(own) = op.self_operand() {
				operands[own] = &output;
			}
			let indices = picks(&mut rng, &op, PART);
			compare(&mut referee, &op, &operands, &output, &indices);
			*counts.entry(label(&op.kind)).or_insert(0) += indices.len() as u64;
		}
		report("random records", &counts);
	}
}

/// The bytes of every operand of an op of a traced run.
fn operands<'a>(
	tensors: &'a [Vec<u8>],
	session: &'a Session,
	input: &'a [u8],
	op: &OpRecord,
) -> Vec<&'a [u8]> {
	let operand = |operand: &assay_referee::Operand| {
		let (object, start) = match operand.source {
			Source::Op(i) => (&tensors[i as usize][..], 0),
			Source::Input(offset) => (input, offset as usize),
			Source::Weight(offset) => (session.bundle().weights(), offset as usize),
		};
		&object[start..start + operand.bytes() as usize]
	};
	op.operands.iter().map(operand).collect()
}

/// How often every kind occurs in a program.
fn kinds(program: &Program) -> BTreeMap<String, u64> {
	let mut counts = BTreeMap::new();
	for op in &program.ops {
		*counts.entry(label(&op.kind)).or_insert(0) += 1;
	}
	counts
}

/// Elements of the traces of real models: of every kind of op that occurs, spread over its ops.
#[test]
fn traces_of_models() {
	let mut referee = Referee::new().unwrap();
	for model in &MODELS {
		let Some(file) = model.read() else { continue };
		let compiled = model.compile(&file, 1);
		let session = Session::new(Arc::new(compiled.bundle().unwrap()), Options::default());
		let input = model.input(&compiled, 0);
		let trace = session.trace(&input, None).unwrap();
		let ops = kinds(&compiled.program);
		let count = compiled.program.ops.len() as u32;
		let tensors: Vec<_> = (0..count).map(|op| trace.tensor(op).unwrap()).collect();
		let mut rng = Rng(1);
		let mut counts = BTreeMap::new();
		for (i, op) in compiled.program.ops.iter().enumerate() {
			let label = label(&op.kind);
			let count = wanted().div_ceil(ops[&label]);
			let indices: Vec<u64> = (0..count).map(|_| rng.below(op.shape.elements())).collect();
			let operands = operands(&tensors, &session, &input, op);
			compare(&mut referee, op, &operands, &tensors[i], &indices);
			*counts.entry(label).or_insert(0) += count;
		}
		report(model.name, &counts);
	}
}

/// Plays the challenger until there is a proof.
fn prove(honest: &Trace, wrong: &Trace) -> assay_referee::FaultProof {
	let mut openings = Vec::new();
	loop {
		match honest.next_move(&wrong.root(), &openings).unwrap() {
			Move::Ask(key) => openings.push((key, wrong.open(&key).unwrap())),
			Move::Prove(proof) => return proof,
			Move::Agree => panic!("the traces differ"),
		}
	}
}

/// The proof against a lie in any op of the digits network convinces the referee in Wasm, and the
/// same proof against an honest operator does not.
#[test]
fn verdicts() {
	let mut referee = Referee::new().unwrap();
	let model = &MODELS[0];
	let compiled = model.compile(&model.read().unwrap(), 1);
	let bundle = Arc::new(compiled.bundle().unwrap());
	let session = Session::new(bundle, Options::default());
	let input = model.input(&compiled, 0);
	let honest = session.trace(&input, None).unwrap();
	for op in 0..compiled.program.ops.len() as u32 {
		let wrong = session.trace(&input, Some(&Tamper { op, element: None })).unwrap();
		let proof = prove(&honest, &wrong);
		let verdict = referee.judge(&wrong.commitments(&wrong.root()), &proof).unwrap();
		assert_eq!(verdict, Some(op));
		let verdict = referee.judge(&honest.commitments(&honest.root()), &proof).unwrap();
		assert_eq!(verdict, None, "op {op}");
	}
}
