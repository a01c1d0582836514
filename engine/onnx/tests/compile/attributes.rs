//! Attributes, inputs and outputs as the operator's own version declares them, and nothing passed over.

use assay_onnx::{CompileError, ErrorKind};
use assay_testing::onnx::net::{f32s, tensor, Net, A};
use rten_onnx::onnx::{AttributeType, DataType};

/// A node from `x` to `y`.
fn node(op: &str, dims: &[i64], attributes: Vec<(&str, A)>) -> Net {
	Net::new().floats("x", dims).node_with(op, &["x"], &["y"], attributes).output("y")
}

#[track_caller]
fn assert_refused(error: &CompileError, kind: ErrorKind, parts: &[&str]) {
	let text = error.to_string();
	assert_eq!(error.kind, kind, "{text}");
	for part in parts {
		assert!(text.contains(part), "`{part}` is not in: {text}");
	}
}

#[test]
fn of_another_type() {
	let as_integer = node("LeakyRelu", &[3], vec![("alpha", A::Int(1))]).error();
	assert_refused(&as_integer, ErrorKind::Invalid, &["`alpha` is an integer", "takes a float"]);
	let as_word = node("ReduceSum", &[2, 3], vec![("keepdims", A::Word("0"))]).error();
	assert_refused(&as_word, ErrorKind::Invalid, &["`keepdims` is a string", "an integer"]);
	let as_number = node("Transpose", &[2, 3], vec![("perm", A::Int(1))]).error();
	assert_refused(&as_number, ErrorKind::Invalid, &["`perm` is an integer", "a list of integers"]);
	// One that says it is a float, and has an integer.
	let mut net = node("LeakyRelu", &[3], vec![("alpha", A::Int(1))]);
	net.graph().node[0].attribute[0].r#type = Some(AttributeType::FLOAT);
	assert_refused(&net.error(), ErrorKind::Invalid, &["not one value of the type"]);
}

#[test]
fn unknown_doubled_or_missing() {
	let unknown = node("MaxPool", &[1, 1, 4, 4], vec![("stride", A::Ints(vec![2, 2]))]).error();
	assert_refused(&unknown, ErrorKind::Invalid, &["no attribute `stride`", "strides", "correct"]);
	let twice = vec![("alpha", A::Float(0.1)), ("alpha", A::Float(0.2))];
	let twice = node("LeakyRelu", &[3], twice).error();
	assert_refused(&twice, ErrorKind::Invalid, &["attribute `alpha` twice"]);
	let missing = node("MaxPool", &[1, 1, 4, 4], Vec::new()).error();
	assert_refused(&missing, ErrorKind::Invalid, &["`kernel_shape`", "is missing"]);
	let other = node("ReduceSum", &[2, 3], vec![("axes", A::Ints(vec![0]))]).error();
	assert_refused(&other, ErrorKind::Invalid, &["`axes` in operator set 17", "set 1 has it"]);
	// For tools, not for operators.
	let tagged = node("Relu", &[2], vec![("__origin", A::Word("layer 1"))]);
	assert_eq!(tagged.run_f32(&[&[-1.0, 2.0]]), [0.0, 2.0]);
}

/// Writers of version 3 of Protocol Buffers leave zeros out: the type says that there is one.
#[test]
fn a_zero_that_was_left_out() {
	let mut net = node("ArgMax", &[2, 3], vec![("axis", A::Int(1)), ("keepdims", A::Int(0))]);
	net.graph().node[0].attribute[1].i = None;
	assert_eq!(net.compile().manifest.outputs[0].shape, [2]);
}

/// What a lowering does not look at could change the result.
#[test]
fn nothing_is_passed_over() {
	let spatial = Net::new().opset(7).floats("x", &[1, 2, 1, 1]);
	let spatial =
		["s", "b", "m", "v"].iter().fold(spatial, |net, name| net.weight(name, &[2], &[1.0, 1.0]));
	let inputs = ["x", "s", "b", "m", "v"];
	let at_default = vec![("spatial", A::Int(1))];
	let net = spatial.node_with("BatchNormalization", &inputs, &["y"], at_default).output("y");
	net.compile();
	let mut other = net;
	other.graph().node[0].attribute[0].i = Some(0);
	assert_refused(&other.error(), ErrorKind::Unsupported, &["`spatial` is not supported"]);
}

#[test]
fn numbers_of_inputs_and_outputs() {
	let many = Net::new().floats("x", &[2]).node("Relu", &["x", "x"], &["y"]).output("y").error();
	assert_refused(&many, ErrorKind::Invalid, &["it has 2 inputs, the operator takes 1"]);
	let few = Net::new().floats("x", &[2]).node("Add", &["x"], &["y"]).output("y").error();
	assert_refused(&few, ErrorKind::Invalid, &["it has 1 inputs, the operator takes 2"]);
	let net = Net::new().floats("x", &[2]).node("Relu", &["x"], &["y", "z"]).output("y").error();
	assert_refused(&net, ErrorKind::Invalid, &["it has 2 outputs, the operator takes 1"]);
}

#[test]
fn operators_come_and_go() {
	let early = Net::new().opset(22).floats("q", &[1, 1, 2, 2]);
	let early = early.node("Attention", &["q", "q", "q"], &["y"]).output("y").error();
	assert_refused(&early, ErrorKind::Invalid, &["operator set 22 has no such operator, 23 is"]);
	let scales = tensor("s", DataType::FLOAT, &[4], f32s(&[1.0, 1.0, 2.0, 2.0]));
	let late = Net::new().opset(17).floats("x", &[1, 1, 2, 2]).initializer(scales);
	let late = late.node("Upsample", &["x", "s"], &["y"]).output("y").error();
	assert_refused(&late, ErrorKind::Invalid, &["operator set 10 removed", "written for 17"]);
}

/// Operator sets after those whose operators are all known are refused as a whole.
#[test]
fn operator_sets_to_28() {
	for version in [25, 26, 27, 28] {
		node("Relu", &[3], Vec::new()).opset(version).compile();
	}
	let error = node("Relu", &[3], Vec::new()).opset(29).error();
	assert_refused(&error, ErrorKind::Unsupported, &["operator set 29", "1 to 28"]);
}
