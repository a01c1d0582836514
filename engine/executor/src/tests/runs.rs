//! Running, packing and storing.

use super::{
	models::{convolutional, dense, random, shape, Builder, Random},
	recurrent::recurrent,
};
use crate::{
	Bundle, BundleError, Cancel, DisputeError, ElementType, ExecError, InputTensor, Manifest,
	Options, Session, Tamper,
};
use assay_referee::{tree, Cell, DType, OpKind, OpRecord, Operand, Source, TensorSpec, UnaryFn};
use std::{
	sync::Barrier,
	time::{Duration, Instant},
};

#[test]
fn runs_equal_traces_everywhere() {
	for model in [
		convolutional(1, 3, 12),
		convolutional(2, 7, 20),
		random(3, 25, 8, 40),
		dense(4, 3, 700, 65),
	] {
		model.runs_equal_traces(&[1, 2, 3, 7]);
	}
}

#[test]
fn wrong_lengths_and_cancellation() {
	let model = random(5, 5, 4, 4);
	let session = model.session(1);
	assert!(matches!(session.run(&[0; 3]), Err(ExecError::InputLength { expected: 64, .. })));
	let cancel = Cancel::new();
	cancel.cancel();
	assert!(matches!(session.run_with(&model.input, &cancel), Err(ExecError::Cancelled)));
	let tamper = Tamper { op: 99, element: None };
	assert!(session.trace(&model.input, Some(&tamper)).is_err());
	let tamper = Tamper { op: 0, element: Some(16) };
	assert!(session.trace(&model.input, Some(&tamper)).is_err());
}

#[test]
fn memory_is_reused_without_leaking_into_results() {
	for model in [convolutional(11, 3, 12), random(12, 40, 8, 40), dense(13, 3, 700, 65)] {
		let session = model.session(2);
		let mut random = Random(5);
		let inputs: Vec<Vec<u8>> = (0..4).map(|_| random.floats(model.input.len() / 4)).collect();
		let alone: Vec<Vec<u8>> =
			inputs.iter().map(|input| model.session(1).run(input).unwrap()).collect();
		// The same pieces of memory in turn, and several at once from several threads.
		std::thread::scope(|scope| {
			for first in 0..3 {
				let (session, inputs, alone) = (&session, &inputs, &alone);
				scope.spawn(move || {
					for i in (0..40).map(|i| (i + first) % inputs.len()) {
						assert_eq!(session.run(&inputs[i]).unwrap(), alone[i]);
						assert_eq!(session.trace(&inputs[i], None).unwrap().output(), alone[i]);
					}
				});
			}
		});
	}
}

#[test]
fn a_session_outlives_cancelled_runs() {
	let model = random(14, 60, 64, 300);
	let session = model.session(2);
	let expected = session.run(&model.input).unwrap();
	let mut cancelled = 0;
	for delay in 0..200u64 {
		let cancel = Cancel::new();
		// Both begin together, however long the thread takes to start.
		let together = Barrier::new(2);
		let result = std::thread::scope(|scope| {
			scope.spawn(|| {
				together.wait();
				let start = Instant::now();
				while start.elapsed() < Duration::from_micros(delay * 7) {
					std::hint::spin_loop();
				}
				cancel.cancel();
			});
			together.wait();
			session.run_with(&model.input, &cancel)
		});
		match result {
			Err(ExecError::Cancelled) => cancelled += 1,
			other => assert_eq!(other.unwrap(), expected),
		}
		assert_eq!(session.run(&model.input).unwrap(), expected);
	}
	assert!(cancelled > 0);
}

#[test]
fn tensors_share_memory_and_ops_share_steps() {
	let model = random(15, 60, 8, 40);
	let session = model.session(1);
	let ops = &model.bundle.program().ops;
	let sum: u64 = ops.iter().map(assay_referee::OpRecord::bytes).sum();
	assert!(session.memory() < sum as usize);
	let steps = session.profile(&model.input).unwrap();
	assert!(steps.len() < ops.len());
	let mut executed: Vec<u32> = steps.iter().flat_map(|step| step.ops.clone()).collect();
	executed.sort_unstable();
	assert!(executed.iter().copied().eq(0..ops.len() as u32));
}

/// A trace has every tensor again, with what the op reads, in the memory of a run.
#[test]
fn tensors_are_computed_again() {
	for (model, threads) in [
		(convolutional(16, 3, 12), 1),
		(random(17, 60, 8, 40), 2),
		(dense(18, 3, 700, 65), 7),
		(recurrent(19, Cell::Gru, [5, 2, 30], true), 1),
	] {
		let trace = model.session(threads).trace(&model.input, None).unwrap();
		let ops = model.bundle.program().ops.len() as u32;
		let mut random = Random(20);
		for op in (0..ops).chain((0..ops).map(|_| random.below(ops.into()) as u32)) {
			// Which checks them against the entries.
			let tensors = trace.tensors(op).unwrap();
			assert_eq!(trace.tensor(op).unwrap(), tensors.get(op).unwrap());
		}
		assert!(matches!(trace.tensor(ops), Err(DisputeError::NoSuchEntry(_))));
		// What another op reads is no longer there.
		assert!(trace.tensors(ops - 1).unwrap().get(ops).is_err());
	}
	let model = random(17, 200, 20, 40);
	let trace = model.session(1).trace(&model.input, None).unwrap();
	let tensors: u64 = model.bundle.program().ops.iter().map(|op| op.bytes()).sum();
	assert!(trace.memory() < tensors as usize, "{} of {tensors}", trace.memory());
}

/// Opening what does not belong to the trace root would cost the stake.
#[test]
fn a_machine_that_computes_differently_notices() {
	let model = convolutional(21, 3, 12);
	let trace = model.session(1).trace(&model.input, None).unwrap().with_unsteady(1);
	let error = trace.tensor(1).unwrap_err();
	assert!(matches!(error, DisputeError::Unsteady { op: 1 }), "{error}");
	// What reads it as well.
	let ops = &model.bundle.program().ops;
	let reads = |op: &OpRecord| op.operands.iter().any(|x| x.source == Source::Op(1));
	let reader = ops.iter().position(reads).unwrap() as u32;
	assert!(matches!(trace.tensor(reader), Err(DisputeError::Unsteady { op: 1 })));
	assert!(trace.tensor(0).is_ok());
}

#[test]
fn a_tampering_that_matters_is_found() {
	let model = convolutional(6, 3, 12);
	let session = model.session(1);
	let honest = session.run(&model.input).unwrap();
	for op in 0..model.bundle.program().ops.len() as u32 {
		let tamper = session.tamper_that_changes_output(&model.input, op).unwrap().unwrap();
		let trace = session.trace(&model.input, Some(&tamper)).unwrap();
		assert_ne!(trace.output(), honest, "op {op}");
	}
}

#[test]
fn bundles_survive_the_disk() {
	let model = convolutional(7, 3, 12);
	let dir = tempfile::tempdir().unwrap();
	let path = dir.path().join("model");
	model.bundle.write(&path).unwrap();
	// Writing again replaces.
	model.bundle.write(&path).unwrap();
	let loaded = Bundle::load(&path).unwrap();
	assert_eq!(loaded.manifest(), model.bundle.manifest());
	assert_eq!(loaded.weights(), model.bundle.weights());
	let session = Session::new(loaded.into(), Options::default());
	assert_eq!(session.run(&model.input).unwrap(), model.session(1).run(&model.input).unwrap());
	assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);

	let mut weights = std::fs::read(path.join("weights.bin")).unwrap();
	weights[0] ^= 1;
	std::fs::write(path.join("weights.bin"), &weights).unwrap();
	assert!(matches!(Bundle::load(&path), Err(BundleError::Mismatch("weights_root"))));
	std::fs::write(path.join("weights.bin"), &weights[1..]).unwrap();
	assert!(matches!(Bundle::load(&path), Err(BundleError::WeightsLength { .. })));
}

#[test]
fn inputs_are_made_canonical() {
	let mut b = Builder::default();
	let spec = TensorSpec::new(DType::F32, shape(&[4]));
	let x = Operand::input(0, DType::F32, spec.shape);
	b.op(OpKind::Unary(UnaryFn::Neg), DType::F32, &[4], &[x]);
	let session = Session::new(b.finish(&[spec]), Options::default());
	let nan = f32::from_bits(0xffc0_1234);
	let input = [nan, 1.0, -0.0, f32::INFINITY].map(f32::to_le_bytes).concat();
	let output = session.run(&input).unwrap();
	assert_eq!(output[..4], 0x7fc0_0000u32.to_le_bytes());
	// The trace commits to the input as given.
	let trace = session.trace(&input, None).unwrap();
	assert_eq!(trace.commitments(&trace.root()).input_root, tree::hash(&input));
}

#[test]
fn named_inputs() {
	let model = random(8, 3, 4, 6);
	let session = model.session(1);
	let good = InputTensor {
		name: "input0",
		dtype: DType::F32,
		shape: &[4, 6],
		bytes: &Random(1).floats(24),
	};
	let packed = session.pack_inputs(&[good]).unwrap();
	assert_eq!(packed, good.bytes);
	let manifest = session.bundle().manifest();
	assert_eq!(manifest.pack_bytes(&[good.bytes]).unwrap(), packed);
	let wrong = |inputs: &[&[u8]]| manifest.pack_bytes(inputs).unwrap_err().to_string();
	assert_eq!(wrong(&[]), "0 inputs are given, the model takes 1");
	assert_eq!(wrong(&[&[]]), "input \"input0\" has 0 bytes, its shape takes 96");
	let error = |tensors: &[InputTensor<'_>]| session.pack_inputs(tensors).unwrap_err().to_string();
	assert_eq!(error(&[]), "input \"input0\" is missing");
	assert_eq!(error(&[good, good]), "input \"input0\" is given twice");
	assert_eq!(
		error(&[InputTensor { name: "x", ..good }]),
		"the model has no tensor \"x\"; it has input0"
	);
	assert_eq!(
		error(&[InputTensor { dtype: DType::I32, ..good }]),
		"input \"input0\" is i32, the model takes f32"
	);
	assert_eq!(
		error(&[InputTensor { shape: &[6, 4], ..good }]),
		"input \"input0\" has shape [6, 4], the model takes [4, 6]"
	);
	assert_eq!(
		error(&[InputTensor { bytes: &[], ..good }]),
		"input \"input0\" has 0 bytes, its shape takes 96"
	);
	let outputs = session.unpack_outputs(&session.run(&packed).unwrap()).unwrap();
	assert_eq!((outputs[0].name.as_str(), &outputs[0].shape[..]), ("output0", &[4, 6][..]));
}

#[test]
fn manifests_without_element_types_load() {
	let model = convolutional(8, 3, 12);
	let manifest = model.bundle.manifest();
	let json = serde_json::to_string(manifest).unwrap();
	assert!(!json.contains("element"), "{json}");
	assert_eq!(&serde_json::from_str::<Manifest>(&json).unwrap(), manifest);
	let mut stored = manifest.clone();
	stored.inputs[0].element = ElementType::from_name("f16");
	let json = serde_json::to_string(&stored).unwrap();
	assert_eq!(serde_json::from_str::<Manifest>(&json).unwrap(), stored);
	let weights = model.bundle.weights();
	assert!(Bundle::new(model.bundle.program().clone(), weights, stored.clone()).is_ok());
	// A type that is computed in another one than the program's is no description of it.
	stored.inputs[0].element = ElementType::from_name("u16");
	let error = Bundle::new(model.bundle.program().clone(), weights, stored).unwrap_err();
	assert!(matches!(error, BundleError::Mismatch("inputs")), "{error}");
}
