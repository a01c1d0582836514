//! Weights in files beside the model.

use std::fs;
use std::path::Path;

use assay_onnx::{compile_in, CompileError, CompileOptions, Compiled, ErrorKind};
use assay_testing::onnx::net::{f32s, noise, tensor, Net, A};
use rten_onnx::onnx::{DataLocation, DataType, StringStringEntryProto, TensorProto};
use tempfile::TempDir;

/// A tensor that lies elsewhere.
fn elsewhere(name: &str, dims: &[i64], entries: &[(&str, &str)]) -> TensorProto {
	let entry = |&(key, value): &(&str, &str)| StringStringEntryProto {
		key: Some(key.into()),
		value: Some(value.into()),
	};
	TensorProto {
		name: Some(name.into()),
		dims: dims.to_vec(),
		data_type: Some(DataType::FLOAT),
		external_data: entries.iter().map(entry).collect(),
		data_location: Some(DataLocation::EXTERNAL),
		..Default::default()
	}
}

/// x · a + b, with a constant of a node added.
fn net(a: TensorProto, b: TensorProto, c: TensorProto) -> Net {
	Net::new()
		.floats("x", &[2, 8])
		.initializer(a)
		.initializer(b)
		.node_with("Constant", &[], &["c"], vec![("value", A::Tensor(c))])
		.node("MatMul", &["x", "a"], &["xa"])
		.node("Add", &["xa", "b"], &["xab"])
		.node("Mul", &["xab", "c"], &["y"])
		.output("y")
}

fn compile_beside(folder: &Path, net: &Net) -> Result<Compiled, CompileError> {
	compile_in(folder, &net.bytes(), &CompileOptions::default())
}

/// What is said of a weight `w` of three floats at a location, in a folder with 16 bytes in `w.bin`.
#[track_caller]
fn refused(folder: &Path, entries: &[(&str, &str)], part: &str) -> CompileError {
	let weight = elsewhere("w", &[3], entries);
	let net = Net::new().floats("x", &[3]).initializer(weight).node("Add", &["x", "w"], &["y"]);
	let error = compile_beside(folder, &net.output("y")).unwrap_err();
	let text = error.to_string();
	assert_eq!(error.kind, ErrorKind::ExternalData, "{text}");
	assert!(text.contains("weight `w`") && text.contains(part), "`{part}` is not in: {text}");
	error
}

fn folder() -> TempDir {
	let folder = tempfile::tempdir().unwrap();
	fs::create_dir(folder.path().join("model")).unwrap();
	fs::write(folder.path().join("model/w.bin"), [0; 16]).unwrap();
	fs::write(folder.path().join("secret.bin"), [0; 16]).unwrap();
	folder
}

#[test]
fn the_same_model_as_from_one_file() {
	let folder = tempfile::tempdir().unwrap();
	let (a, b, c) = (noise(64, 1), noise(8, 2), noise(1, 3));
	let one = net(
		tensor("a", DataType::FLOAT, &[8, 8], f32s(&a)),
		tensor("b", DataType::FLOAT, &[8], f32s(&b)),
		tensor("c", DataType::FLOAT, &[1], f32s(&c)),
	);
	fs::create_dir(folder.path().join("deep")).unwrap();
	let both = [vec![7; 5], f32s(&b), vec![7; 3], f32s(&a)].concat();
	fs::write(folder.path().join("both.data"), both).unwrap();
	fs::write(folder.path().join("deep/c"), f32s(&c)).unwrap();
	let several = net(
		elsewhere("a", &[8, 8], &[("location", "both.data"), ("offset", "40"), ("length", "256")]),
		elsewhere("b", &[8], &[("offset", "5"), ("location", "./both.data"), ("checksum", "?")]),
		elsewhere("c", &[1], &[("location", "deep/c")]),
	);
	let (one, several) = (one.compile(), compile_beside(folder.path(), &several).unwrap());
	assert_eq!(one.program, several.program);
	assert_eq!(one.weights, several.weights);
	assert_ne!(one.manifest.source_hash, several.manifest.source_hash);
}

#[test]
fn missing_and_short_files() {
	let outer = folder();
	let model = outer.path().join("model");
	let error = refused(&model, &[("location", "ghost.bin")], "`ghost.bin`");
	assert!(error.help.unwrap().contains("folder of the model"));
	refused(&model, &[], "which is not named");
	refused(&model, &[("location", "w.bin"), ("length", "16")], "its shape takes 12");
	refused(&model, &[("location", "w.bin"), ("offset", "5")], "which has 16 bytes");
	let most = u64::MAX.to_string();
	refused(&model, &[("location", "w.bin"), ("offset", &most)], "which has 16 bytes");
	for wrong in ["-1", "x", "18446744073709551616", "1e3", ""] {
		refused(&model, &[("location", "w.bin"), ("offset", wrong)], "is no number");
		refused(&model, &[("location", "w.bin"), ("length", wrong)], "is no number");
	}
	let weight = elsewhere("w", &[1 << 20, 1 << 20], &[("location", "w.bin")]);
	let net = Net::new().floats("x", &[3]).initializer(weight).node("Add", &["x", "w"], &["y"]);
	assert_eq!(compile_beside(&model, &net.output("y")).unwrap_err().kind, ErrorKind::TooLarge);
}

#[test]
fn nothing_outside_of_the_folder_is_read() {
	let outer = folder();
	let model = outer.path().join("model");
	let secret = outer.path().join("secret.bin").display().to_string();
	let paths =
		["../secret.bin", "x/../../secret.bin", "./../secret.bin", "", "..", &secret, "/dev/zero"];
	for path in paths {
		refused(&model, &[("location", path)], "no path below the model's folder");
	}
	refused(&model, &[("location", ".")], "which is no file");
	refused(&model, &[("location", "w.bin/x")], "`w.bin/x`");
	refused(&model, &[("location", "w\0.bin")], "`w?.bin`");
}

#[cfg(unix)]
#[test]
fn links_are_followed_inside_the_folder_only() {
	use std::os::unix::fs::symlink;
	let outer = folder();
	let model = outer.path().join("model");
	symlink("../secret.bin", model.join("file")).unwrap();
	symlink("..", model.join("folder")).unwrap();
	symlink("/dev/zero", model.join("endless")).unwrap();
	symlink("w.bin", model.join("inside")).unwrap();
	for path in ["file", "folder/secret.bin", "endless"] {
		refused(&model, &[("location", path)], "a link that leads out of the model's folder");
	}
	let weight = elsewhere("w", &[3], &[("location", "inside")]);
	let net = Net::new().floats("x", &[3]).initializer(weight).node("Add", &["x", "w"], &["y"]);
	let net = net.output("y");
	assert!(compile_beside(&model, &net).is_ok());
	// The model's own folder may be reached through a link.
	symlink("model", outer.path().join("link")).unwrap();
	assert!(compile_beside(&outer.path().join("link"), &net).is_ok());
}

#[test]
fn a_file_is_not_read_again_and_again() {
	let outer = folder();
	let model = outer.path().join("model");
	let mut net = Net::new().floats("x", &[4]);
	let mut last = "x".to_owned();
	for i in 0..5 {
		let (name, next) = (format!("w{i}"), format!("y{i}"));
		net = net.initializer(elsewhere(&name, &[4], &[("location", "w.bin")]));
		net = net.node("Add", &[&last, &name], &[&next]);
		last = next;
	}
	let four = compile_beside(&model, &net.output("y3"));
	assert!(four.is_ok());
	let mut net = Net::new().floats("x", &[4]);
	for i in 0..5 {
		net = net.initializer(elsewhere(&format!("w{i}"), &[4], &[("location", "w.bin")]));
	}
	let names = ["w0", "w1", "w2", "w3", "w4"];
	let error = compile_beside(&model, &net.node("Sum", &names, &["y"]).output("y")).unwrap_err();
	assert_eq!(error.kind, ErrorKind::TooLarge);
	assert!(error.to_string().contains("4 times its bytes"), "{error}");
}
