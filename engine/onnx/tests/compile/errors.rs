//! Every kind of failure, with the place and the help it names.

use assay_executor::DimBounds;
use assay_onnx::{compile, CompileError, CompileOptions, ErrorKind, Place};
use assay_testing::onnx::net::{f32s, tensor, Net, A, D};
use rten_onnx::onnx::{DataLocation, DataType, StringStringEntryProto, TensorProto};

#[track_caller]
fn assert_error(error: &CompileError, kind: ErrorKind, parts: &[&str]) {
	let text = error.to_string();
	assert_eq!(error.kind, kind, "{text}");
	for part in parts {
		assert!(text.contains(part), "`{part}` is not in: {text}");
	}
}

/// A model with one node from `x` to `y`.
fn one_node(op: &str, dims: &[i64]) -> Net {
	Net::new().floats("x", dims).node(op, &["x"], &["y"]).output("y")
}

fn with_options(net: &Net, dims: &[(&str, u32)], shapes: &[(&str, &[u32])]) -> CompileError {
	let options = CompileOptions {
		dims: dims.iter().map(|&(name, value)| (name.to_owned(), value)).collect(),
		shapes: shapes.iter().map(|&(name, shape)| (name.to_owned(), shape.to_vec())).collect(),
		..Default::default()
	};
	compile(&net.bytes(), &options).unwrap_err()
}

#[test]
fn not_a_model() {
	for bytes in [&b""[..], b"hello, this is text", &[0xff; 100], b"\x89PNG\r\n\x1a\n"] {
		let error = compile(bytes, &CompileOptions::default()).unwrap_err();
		assert_error(&error, ErrorKind::Malformed, &["the file: "]);
	}
}

#[test]
fn truncated() {
	let bytes = one_node("Relu", &[3]).weight("w", &[500], &[1.0; 500]).bytes();
	for len in [bytes.len() - 1, bytes.len() / 2, 40] {
		let error = compile(&bytes[..len], &CompileOptions::default()).unwrap_err();
		assert_eq!(error.kind, ErrorKind::Malformed, "{len}: {error}");
	}
}

#[test]
fn unsupported_operator() {
	let error = one_node("Unique", &[3]).error();
	assert_error(&error, ErrorKind::UnsupportedOperator, &["node `y` (Unique)", "not supported"]);
	assert_eq!(error.place, Place::Node { name: "y".into(), op_type: "Unique".into() });
	assert!(error.help.is_some());
	let mut net = one_node("Gelu", &[3]);
	net.graph().node[0].domain = Some("com.example".into());
	assert_error(&net.error(), ErrorKind::UnsupportedOperator, &["domain `com.example`"]);
}

/// The version of the standard operators says nothing about those of other domains.
#[test]
fn old_operator_sets() {
	let old = one_node("Relu", &[3]).opset(6).error();
	assert_error(&old, ErrorKind::Unsupported, &["operator set 6", "7 and later"]);
	let unknown = one_node("Nonsense", &[3]).opset(6).error();
	assert_error(&unknown, ErrorKind::Unsupported, &["operator set 6"]);
	// Its meaning has always been the same.
	assert_eq!(one_node("Softsign", &[1]).opset(6).run_f32(&[&[1.0]]), [0.5]);
	for (domain, op_type, y) in
		[("com.microsoft", "QuickGelu", 0.0), ("ai.onnx.ml", "Binarizer", 0.0)]
	{
		let mut net = one_node(op_type, &[1]).opset(6);
		net.graph().node[0].domain = Some(domain.into());
		assert_eq!(net.run_f32(&[&[0.0]]), [y], "{op_type}");
	}
}

#[test]
fn an_unsupported_operator_that_nothing_needs_is_no_error() {
	let net = one_node("Relu", &[3]).node("Unique", &["x"], &["unused"]);
	assert_eq!(net.run_f32(&[&[-1.0, 0.0, 2.0]]), [0.0, 0.0, 2.0]);
}

#[test]
fn unsupported_type() {
	let net = Net::new().input("x", DataType::COMPLEX64, &[D::N(1)]).node("Relu", &["x"], &["y"]);
	let error = net.output("y").error();
	assert_error(&error, ErrorKind::UnsupportedType, &["input `x`", "complex64", "supported"]);
	let net = Net::new().input("x", DataType::INT64, &[D::N(1)]).node("Exp", &["x"], &["y"]);
	assert_error(&net.output("y").error(), ErrorKind::UnsupportedType, &["node `y` (Exp)", "I64"]);
}

#[test]
fn weights_that_are_not_finite() {
	let net = |value: f32| {
		let net = Net::new().floats("x", &[1, 2]).weight("w", &[2, 1], &[1.0, value]);
		net.node("MatMul", &["x", "w"], &["y"]).output("y")
	};
	let error = net(f32::NAN).error();
	assert_error(&error, ErrorKind::NotFinite, &["weight `w`", "element 1 is NaN"]);
	let error = net(f32::INFINITY).error();
	assert_error(&error, ErrorKind::NotFinite, &["node `y` (MatMul)", "infinite"]);
}

#[test]
fn free_dimensions() {
	let net = Net::new().input("x", DataType::FLOAT, &[D::Name("batch"), D::N(3)]);
	let net = net.node("Relu", &["x"], &["y"]).output("y");
	let error = net.error();
	assert_error(&error, ErrorKind::UnboundDimension, &["input `x`", "`batch`", "--dim batch=1"]);
	let error = with_options(&net, &[("bacth", 1)], &[]);
	assert_error(&error, ErrorKind::UnknownName, &["`bacth`", "its free dimensions are: `batch`"]);
	let error = with_options(&net, &[("batch", 0)], &[]);
	assert_error(&error, ErrorKind::Unsupported, &["output `y`: it is empty", "--outputs"]);
	let error = with_options(&net, &[], &[("z", &[1, 3])]);
	assert_error(&error, ErrorKind::UnknownName, &["no input named `z`", "its inputs are: `x`"]);
	let error = with_options(&net, &[], &[("x", &[1, 4])]);
	assert_error(
		&error,
		ErrorKind::WrongShape,
		&["input `x`", "[1, 4]", "4 where the model has 3"],
	);
	let error = with_options(&net, &[], &[("x", &[4])]);
	assert_error(&error, ErrorKind::WrongShape, &["1 dimensions, the model declares 2"]);
	let error = with_options(&net, &[("batch", 2)], &[("x", &[3, 3])]);
	assert_error(&error, ErrorKind::WrongShape, &["`batch` is given as 2 and as 3"]);
}

#[test]
fn nameless_dimensions() {
	let net = Net::new().input("x", DataType::FLOAT, &[D::Open, D::N(3)]);
	let error = net.node("Relu", &["x"], &["y"]).output("y").error();
	assert_error(&error, ErrorKind::UnboundDimension, &["without a name", "--shape x="]);
	let error = Net::new().shapeless("x").node("Relu", &["x"], &["y"]).output("y").error();
	assert_error(&error, ErrorKind::UnboundDimension, &["no declared shape", "--shape x="]);
}

#[test]
fn shapes_that_depend_on_the_input() {
	let net = Net::new().floats("x", &[4]).input("s", DataType::INT64, &[D::N(1)]);
	let error = net.node("Reshape", &["x", "s"], &["y"]).output("y").error();
	assert_error(&error, ErrorKind::DynamicShape, &["node `y` (Reshape)", "`s` decides a shape"]);
}

#[test]
fn external_data() {
	let location =
		StringStringEntryProto { key: Some("location".into()), value: Some("weights.bin".into()) };
	let weight = TensorProto {
		name: Some("w".into()),
		dims: vec![3],
		data_type: Some(DataType::FLOAT),
		external_data: vec![location],
		data_location: Some(DataLocation::EXTERNAL),
		..Default::default()
	};
	let net = Net::new().floats("x", &[3]).initializer(weight).node("Add", &["x", "w"], &["y"]);
	let error = net.output("y").error();
	let parts = ["weight `w`", "another file, `weights.bin`", "compile the file itself"];
	assert_error(&error, ErrorKind::ExternalData, &parts);
}

#[test]
fn contradictions() {
	let lacking = Net::new().floats("x", &[3]).node("Add", &["x", "ghost"], &["y"]).output("y");
	assert_error(&lacking.error(), ErrorKind::Invalid, &["node `y` (Add)", "`ghost`"]);
	let circle = Net::new().node("Relu", &["a"], &["y"]).node("Relu", &["y"], &["a"]).output("y");
	assert_error(&circle.error(), ErrorKind::Invalid, &["node `a` (Relu)", "`y`"]);
	let twice = one_node("Relu", &[3]).node("Neg", &["x"], &["y"]);
	assert_error(&twice.error(), ErrorKind::Invalid, &["`y` already exists"]);
	let unfit =
		Net::new().floats("x", &[2, 3]).floats("z", &[2, 4]).node("Add", &["x", "z"], &["y"]);
	assert_error(&unfit.output("y").error(), ErrorKind::Invalid, &["node `y` (Add)", "[2, 3]"]);
	let short = Net::new().floats("x", &[3]);
	let short = short.initializer(tensor("w", DataType::FLOAT, &[1 << 20], f32s(&[1.0])));
	let short = short.node("Add", &["x", "w"], &["y"]).output("y");
	assert_error(
		&short.error(),
		ErrorKind::Invalid,
		&["weight `w`", "needs 4194304 bytes, the file has 4"],
	);
	let none = Net::new().floats("x", &[3]).node("Relu", &["x"], &["y"]);
	assert_error(&none.error(), ErrorKind::Invalid, &["no outputs"]);
}

#[test]
fn absurd_sizes() {
	let error = one_node("Relu", &[1 << 20, 1 << 20]).error();
	assert_error(&error, ErrorKind::TooLarge, &["input `x`", "1 GiB"]);
	let net = Net::new().floats("x", &[1]).list("s", &[1 << 14, 1 << 15]);
	let net = net.node("ConstantOfShape", &["s"], &["c"]).node("Add", &["x", "c"], &["y"]);
	assert_error(&net.output("y").error(), ErrorKind::TooLarge, &["node `c` (ConstantOfShape)"]);
	let deep = one_node("Relu", &[1; 9]);
	assert_error(&deep.error(), ErrorKind::TooLarge, &["9 dimensions"]);
	let negative = tensor("w", DataType::FLOAT, &[-5], Vec::new());
	let net = Net::new().floats("x", &[1]).initializer(negative).node("Add", &["x", "w"], &["y"]);
	assert_error(&net.output("y").error(), ErrorKind::Invalid, &["[-5]"]);
}

#[test]
fn too_many_ops() {
	let mut net = Net::new().floats("x", &[2]).weight("w", &[2, 2], &[0.5; 4]);
	for i in 0..1025 {
		let from = if i == 0 { "x".to_owned() } else { format!("t{i}") };
		net = net.node("MatMul", &[&from, "w"], &[&format!("t{}", i + 1)]);
	}
	assert_error(&net.output("t1025").error(), ErrorKind::TooLarge, &["1025 ops", "1024"]);
}

#[test]
fn leaves_that_cannot_be_judged() {
	let net = Net::new().floats("x", &[2, 100_000]).list("k", &[50_000]);
	let net = net.node("TopK", &["x", "k"], &["v", "y"]).output("y");
	let parts = ["node `v` (TopK)", "its k of 50000 exceeds 8192"];
	assert_error(&net.error(), ErrorKind::LeafLimit, &parts);
	// Columns of a tall matrix: every element of the product reads 16,000 rows of it.
	let net =
		Net::new().floats("x", &[1, 8, 150, 150]).weight("w", &[1, 8, 45, 45], &vec![0.5; 16_200]);
	let net = net.node("Conv", &["x", "w"], &["y"]).output("y");
	let compiled = compile(&net.bytes(), &CompileOptions::default());
	assert!(compiled.is_ok_and(|compiled| compiled.worst_leaf().unwrap().bound.is_within_limits()));
}

#[test]
fn forms_of_supported_operators() {
	let refused = |op: &str, attributes: Vec<(&str, A)>, parts: &[&str]| {
		let net = Net::new().opset(20).floats("x", &[1, 2, 4, 4]);
		let net = net.node_with(op, &["x"], &["y"], attributes).output("y");
		assert_error(&net.error(), net.error().kind, parts);
	};
	let kernel = || ("kernel_shape", A::Ints(vec![2, 2]));
	refused("MaxPool", vec![kernel(), ("strides", A::Ints(vec![0, 1]))], &["strides [0, 1]"]);
	refused("MaxPool", vec![kernel(), ("pads", A::Ints(vec![1, 1]))], &["should have 4 entries"]);
	refused("MaxPool", vec![kernel(), ("auto_pad", A::Word("ODD"))], &["auto_pad `ODD`"]);
	refused(
		"MaxPool",
		vec![("kernel_shape", A::Ints(vec![9, 9]))],
		&["larger than the padded input"],
	);
	refused("Softmax", vec![("axis", A::Int(7))], &["axis 7 does not exist"]);
	refused("Transpose", vec![("perm", A::Ints(vec![0, 0, 1, 2]))], &["no permutation"]);
	refused("Gelu", vec![("approximate", A::Word("rough"))], &["approximate=`rough`"]);
	refused("LeakyRelu", vec![("alpha", A::Float(f32::NAN))], &["`alpha` is NaN"]);
	refused("Cast", vec![("to", A::Int(14))], &["complex64"]);
	let error = one_node("Relu", &[3]).opset(99).error();
	assert_error(&error, ErrorKind::Unsupported, &["operator set 99"]);
}

/// Names in backticks under a heading of the README.
fn listed(heading: &str) -> Vec<&'static str> {
	let (_, list) = include_str!("../../README.md").split_once(heading).unwrap();
	let (list, _) = list.split_once("\n## ").unwrap();
	list.split('`').skip(1).step_by(2).collect()
}

/// Whether an operator set has removed the operator.
fn op_is_old(net: &Net) -> bool {
	let node = &net.0.graph.as_ref().unwrap().node[0];
	matches!(node.op_type.as_deref(), Some("Upsample" | "Scatter"))
}

/// One input of this shape suits few operators, but all are known.
fn assert_known(mut net: Net, domain: &str) {
	net.graph().node[0].domain = Some(domain.into());
	net.0.opset_import[0].version = Some(if op_is_old(&net) { 9 } else { 28 });
	if let Err(error) = compile(&net.bytes(), &Default::default()) {
		assert_ne!(error.kind, ErrorKind::UnsupportedOperator, "{error}");
	}
}

#[test]
fn the_readme_lists_what_is_supported() {
	let operators = listed("## Supported operators");
	assert!(operators.len() > 90, "{}", operators.len());
	for op in operators {
		assert_known(one_node(op, &[1, 1, 4, 4]), "");
	}
	let operators = listed("## Operators of com.microsoft");
	assert!(operators.len() > 10, "{}", operators.len());
	for op in operators {
		assert_known(one_node(op, &[1, 1, 4, 4]), "com.microsoft");
	}
}

#[test]
fn sizes_outside_of_their_bounds() {
	let net = Net::new().input("x", DataType::FLOAT, &[D::Name("n"), D::N(2)]);
	let bytes = net.node("Relu", &["x"], &["y"]).output("y").bytes();
	let options = |size, name: &str, min, max| CompileOptions {
		dims: [("n".to_owned(), size)].into(),
		bounds: [(name.to_owned(), DimBounds { min, max })].into(),
		..Default::default()
	};
	let manifest = compile(&bytes, &options(4, "n", 2, 4)).unwrap().manifest;
	assert_eq!(manifest.bounds["n"], DimBounds { min: 2, max: 4 });
	let error = compile(&bytes, &options(5, "n", 2, 4)).unwrap_err();
	assert_eq!(error.kind, ErrorKind::WrongShape);
	assert_eq!(error.reason, "`n` is 5, which is outside of its bounds, 2..4");
	let error = compile(&bytes, &options(4, "m", 2, 4)).unwrap_err();
	assert_eq!(error.kind, ErrorKind::UnknownName);
}

/// What people give in a model's place is called by its name.
#[test]
fn other_files_are_called_what_they_are() {
	let mut tar = vec![b'a'; 600];
	tar[257..262].copy_from_slice(b"ustar");
	let files: [(&[u8], &str, &str); 12] = [
		(b"", "empty", ""),
		(b"version https://git-lfs.github.com/spec/v1\noid", "Git LFS", "git lfs pull"),
		(b"\n<!DOCTYPE html><html>", "web page", "download"),
		(b"<\n  ir_version: 8,\n>\nnet", "text form", "onnx.save"),
		(b"ir_version: 8\ngraph {", "text form", "onnx.save"),
		(b"PK\x03\x04....", "zip", "export"),
		(b"\x1f\x8b\x08\0\0", "gzip", "unpack"),
		(b" {\"learner\": {}}", "JSON", "export"),
		(b"\x89HDF\r\n\x1a\n", "HDF5", "export"),
		(b"\x1c\0\0\0TFL3\x14", "TensorFlow Lite", "export"),
		(b"GGUF\x03\0\0\0", "GGUF", "export"),
		(&tar, "tar", "unpack"),
	];
	for (bytes, what, help) in files {
		let error = assay_onnx::compile(bytes, &Default::default()).unwrap_err().to_string();
		assert!(error.contains(what) && error.contains(help), "{what}: {error}");
	}
}
