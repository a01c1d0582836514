//! A caller's thread that flushes subnormals to zero and rounds upwards changes nothing.

use std::sync::Arc;

use assay_executor::{Isa, Options, Session};
use assay_testing::{
	environment::spoilt,
	onnx::{
		models::MODELS,
		net::{f32s, noise, Net},
	},
};

/// Products and sums of subnormals, roots and quotients, and statistics folded by the compiler.
fn subnormal() -> (Net, Vec<u8>) {
	let channels = 24;
	let floats = |seed, scale: f32| -> Vec<f32> {
		noise(channels, seed).into_iter().map(|x| x.abs() * scale + scale).collect()
	};
	let net = Net::new()
		.floats("x", &[1, channels as i64, 40, 40])
		.weight("scale", &[channels as i64], &floats(1, 1e-3))
		.weight("bias", &[channels as i64], &floats(2, 1e-39))
		.weight("mean", &[channels as i64], &floats(3, 1e-36))
		.weight("variance", &[channels as i64], &floats(4, 0.7))
		.weight("w", &[40, 40], &noise(1600, 5))
		.node("BatchNormalization", &["x", "scale", "bias", "mean", "variance"], &["normal"])
		.node("MatMul", &["normal", "w"], &["product"])
		.node("Abs", &["product"], &["positive"])
		.node("Sqrt", &["positive"], &["root"])
		.node("Softmax", &["root"], &["soft"])
		.node("Mul", &["soft", "product"], &["y"])
		.output("y");
	let x: Vec<f32> = noise(channels * 1600, 6).into_iter().map(|x| x * 1e-36).collect();
	(net, f32s(&x))
}

#[test]
fn flushing_callers_change_nothing() {
	let (net, input) = subnormal();
	let compiled = net.compile();
	assert!(compiled == spoilt(|| net.compile()), "compiled differently");
	let bundle = Arc::new(compiled.bundle().unwrap());
	let run = |options| {
		let session = Session::new(bundle.clone(), options);
		let trace = session.trace(&input, None).unwrap();
		(session.run(&input).unwrap(), trace.entries().to_vec())
	};
	let expected = run(Options { threads: 1, isa: Some(Isa::SCALAR) });
	let subnormals = |bytes: &[u8]| {
		let values = bytes.as_chunks().0.iter().map(|b| f32::from_le_bytes(*b));
		values.filter(|x| x.is_subnormal()).count()
	};
	assert!(subnormals(&expected.0) > 1000, "{} subnormals", subnormals(&expected.0));
	for isa in Isa::available() {
		for threads in [1, 2, 3, 7] {
			let options = Options { threads, isa: Some(isa) };
			assert!(expected == spoilt(|| run(options)), "{options:?}");
		}
	}
}

#[test]
fn flushing_callers_compile_the_same_models() {
	for model in &MODELS {
		let Some(file) = model.read() else { continue };
		let (fine, flushed) = (model.compile(&file, 1), spoilt(|| model.compile(&file, 1)));
		assert!(fine == flushed, "{}", model.name);
	}
}
