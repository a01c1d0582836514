//! The committed digits network, from file to probabilities.

use assay_onnx::{compile, CompileOptions};
use assay_testing::onnx::net::{assert_close, f32s, floats_of, run};

const DIGITS: &[u8] = include_bytes!("../../../../models/digits/digits.onnx");

fn options(batch: u32) -> CompileOptions {
	CompileOptions {
		dims: [("N".to_owned(), batch)].into(),
		name: "digits".into(),
		..Default::default()
	}
}

/// Held-out images 0, 7 and 460 in sixteenths, and what onnxruntime 1.32 answers.
const IMAGES: [([u8; 64], [f32; 10]); 3] = [
	(
		[
			0, 0, 0, 3, 16, 2, 0, 0, 0, 0, 0, 12, 12, 0, 0, 0, 0, 0, 5, 16, 2, 5, 12, 0, 0, 3, 15,
			8, 0, 11, 13, 0, 0, 9, 16, 4, 7, 16, 8, 0, 0, 9, 16, 16, 16, 16, 2, 0, 0, 0, 0, 0, 13,
			12, 0, 0, 0, 0, 0, 1, 16, 9, 0, 0,
		],
		[
			8.006359e-6,
			3.516803e-7,
			7.055382e-9,
			4.072346e-8,
			0.9999913,
			2.963137e-9,
			2.586309e-9,
			1.185006e-7,
			9.507741e-8,
			4.856913e-8,
		],
	),
	(
		[
			0, 2, 8, 15, 16, 10, 0, 0, 0, 11, 16, 10, 4, 15, 1, 0, 0, 12, 13, 0, 0, 13, 5, 0, 0,
			11, 13, 0, 0, 15, 7, 0, 0, 8, 16, 0, 0, 15, 6, 0, 0, 6, 16, 1, 5, 16, 2, 0, 0, 2, 16,
			6, 15, 12, 0, 0, 0, 0, 7, 16, 14, 1, 0, 0,
		],
		[
			0.9999996,
			7.83779e-9,
			1.499766e-11,
			9.578087e-10,
			4.891633e-11,
			8.739002e-9,
			6.036441e-8,
			3.084492e-10,
			1.83253e-7,
			2.368397e-10,
		],
	),
	(
		[
			0, 0, 7, 16, 16, 8, 0, 0, 0, 0, 14, 12, 11, 14, 0, 0, 0, 0, 11, 15, 16, 12, 0, 0, 0, 0,
			5, 15, 15, 4, 0, 0, 0, 0, 0, 3, 12, 14, 0, 0, 0, 1, 10, 0, 7, 15, 0, 0, 0, 1, 14, 6,
			13, 12, 0, 0, 0, 0, 7, 16, 16, 11, 0, 0,
		],
		[
			0.0002303086,
			0.0003624916,
			2.811804e-6,
			0.2665484,
			1.964421e-5,
			0.02321115,
			0.001659124,
			2.888758e-6,
			0.3692758,
			0.3386874,
		],
	),
];

fn image(sixteenths: &[u8; 64]) -> Vec<u8> {
	f32s(&sixteenths.map(|pixel| f32::from(pixel) / 16.0))
}

#[test]
fn answers_as_onnxruntime_does() {
	let compiled = compile(DIGITS, &options(1)).unwrap();
	assert_eq!(compiled.parameters, 13_706);
	assert_eq!(compiled.program.ops.len(), 9);
	assert_eq!(compiled.manifest.inputs[0].name, "image");
	assert_eq!(compiled.manifest.outputs[0].shape, [1, 10]);
	assert_eq!(compiled.manifest.dims["N"], 1);
	for (pixels, expected) in &IMAGES {
		let outputs = run(&compiled, &[image(pixels)]);
		assert_eq!(outputs[0].name, "probabilities");
		assert_close(&floats_of(&outputs[0]), expected, 2e-5);
	}
}

#[test]
fn results_do_not_depend_on_the_batch() {
	let one = compile(DIGITS, &options(1)).unwrap();
	let three = compile(DIGITS, &options(3)).unwrap();
	assert_ne!(one.manifest.model_id, three.manifest.model_id);
	let alone: Vec<u8> =
		IMAGES.iter().flat_map(|(pixels, _)| run(&one, &[image(pixels)]).remove(0).bytes).collect();
	let together = IMAGES.iter().flat_map(|(pixels, _)| image(pixels)).collect();
	assert_eq!(run(&three, &[together]).remove(0).bytes, alone);
}

/// The same file gives the same bytes everywhere; a change of this root changes every model's
/// identity and must be meant.
#[test]
fn compiles_to_the_same_bytes() {
	let compiled = compile(DIGITS, &options(1)).unwrap();
	let again = compile(DIGITS, &options(1)).unwrap();
	assert_eq!(compiled.program.encode().unwrap(), again.program.encode().unwrap());
	assert_eq!(compiled.weights, again.weights);
	assert_eq!(compiled.manifest, again.manifest);
	let hex: String = compiled.manifest.model_id.iter().map(|b| format!("{b:02x}")).collect();
	assert_eq!(hex, "339c3cd07b3604095b6c4ba5873f251299e040600ff782a31a147228ed75f3f5");
}

#[test]
fn the_worst_leaf_is_the_sum_of_the_exponentials() {
	let compiled = compile(DIGITS, &options(1)).unwrap();
	let worst = compiled.worst_leaf().unwrap();
	assert_eq!((worst.origin.as_str(), worst.bound.terms), ("softmax", 10 * (1 + 64 + 2 + 1)));
	assert!(worst.bound.is_within_limits());
}
