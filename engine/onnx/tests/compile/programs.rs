//! The shape of compiled programs: what is folded, joined, dropped and shared.

use assay_onnx::{compile, CompileOptions, Compiled};
use assay_referee::{Bias, ImageLayout, OpKind, OpRecord, ALIGN};
use assay_testing::onnx::net::{f32s, floats_of, noise, run, tensor, Net, A, D};
use rten_onnx::onnx::DataType;

#[test]
fn shape_arithmetic_vanishes() {
	// Flattening as exporters write it: Shape, Gather, Unsqueeze, Concat, Reshape.
	let net = Net::new()
		.input("x", DataType::FLOAT, &[D::Name("batch"), D::N(2), D::N(3)])
		.initializer(tensor("zero", DataType::INT64, &[], 0i64.to_le_bytes().to_vec()))
		.list("axis", &[0])
		.list("rest", &[-1])
		.node("Shape", &["x"], &["s"])
		.node("Gather", &["s", "zero"], &["n"])
		.node("Unsqueeze", &["n", "axis"], &["u"])
		.node_with("Concat", &["u", "rest"], &["c"], vec![("axis", A::Int(0))])
		.node("Neg", &["x"], &["m"])
		.node("Reshape", &["m", "c"], &["r"])
		.node("Relu", &["r"], &["y"])
		.output("y");
	let options = CompileOptions { dims: [("batch".into(), 2)].into(), ..Default::default() };
	let compiled = compile(&net.bytes(), &options).unwrap();
	assert_eq!(compiled.program.ops.len(), 1);
	assert!(compiled.weights.is_empty());
	assert_eq!(compiled.manifest.outputs[0].shape, [2, 6]);
	assert_eq!(compiled.origins, ["y"]);
}

#[test]
fn ranges_and_masks_are_computed() {
	let scalar =
		|name: &str, value: i64| tensor(name, DataType::INT64, &[], value.to_le_bytes().to_vec());
	let net = Net::new()
		.floats("x", &[4])
		.initializer(scalar("start", 6))
		.initializer(scalar("limit", -2))
		.initializer(scalar("step", -2))
		.initializer(scalar("three", 3))
		.weight("one", &[], &[1.0])
		.weight("none", &[], &[0.0])
		.node("Range", &["start", "limit", "step"], &["r"])
		.node("Greater", &["r", "three"], &["g"])
		.node("Where", &["g", "one", "none"], &["mask"])
		.node("Mul", &["x", "mask"], &["y"])
		.output("y");
	assert_eq!(net.compile().program.ops.len(), 1);
	assert_eq!(net.run_f32(&[&[1.0, 2.0, 3.0, 4.0]]), [1.0, 2.0, 0.0, 0.0]);
}

#[test]
fn a_bias_joins_its_product() {
	let w = noise(6, 1);
	let net = |bias: &[i64]| {
		let count = bias.iter().product::<i64>() as usize;
		Net::new()
			.floats("x", &[2, 3])
			.weight("w", &[3, 2], &w)
			.weight("b", bias, &noise(count, 2))
			.node("MatMul", &["x", "w"], &["p"])
			.node("Add", &["b", "p"], &["s"])
			.node("Relu", &["s"], &["y"])
			.output("y")
	};
	let kinds = |bias: &[i64]| {
		let program = net(bias).compile().program;
		let steps = program.ops[0].epilogue.unwrap();
		let is_sum = steps.as_slice().len() == 2;
		(is_sum, program.ops[0].kind)
	};
	assert_eq!(kinds(&[2]), (false, OpKind::MatMul { bias: Bias::Column }));
	assert_eq!(kinds(&[1, 2]), (false, OpKind::MatMul { bias: Bias::Column }));
	assert_eq!(kinds(&[2, 1]), (false, OpKind::MatMul { bias: Bias::Row }));
	assert_eq!(kinds(&[2, 2]), (true, OpKind::MatMul { bias: Bias::None }));
	// A product that something else reads too stays as it is.
	let shared = net(&[2]).output("p").compile();
	assert!(shared.program.ops.iter().any(|op| op.kind == OpKind::MatMul { bias: Bias::None }));
}

#[test]
fn joined_biases_give_the_same_bits() {
	let (x, w) = (noise(6, 3), noise(6, 1));
	let bits = |bias: &[i64], joined: bool| {
		let count = bias.iter().product::<i64>() as usize;
		let net = Net::new().floats("x", &[2, 3]).weight("w", &[3, 2], &w);
		let net = net.weight("b", bias, &noise(count, 2)).node("MatMul", &["x", "w"], &["p"]);
		let net = net.node("Add", &["p", "b"], &["s"]).node("Neg", &["s"], &["y"]).output("y");
		let net = if joined { net } else { net.output("p") };
		net.run(&[f32s(&x)]).remove(0).bytes
	};
	for bias in [&[2][..], &[2, 1]] {
		assert_eq!(bits(bias, true), bits(bias, false));
	}
}

#[test]
fn expansion_before_arithmetic_is_free() {
	// One-hot as TensorFlow exports it: Expand, Equal, Cast.
	let classes =
		tensor("c", DataType::INT32, &[1, 5], (0..5i32).flat_map(|i| i.to_le_bytes()).collect());
	let net = Net::new()
		.input("x", DataType::INT32, &[D::N(3), D::N(1)])
		.initializer(classes)
		.list("shape", &[3, 5])
		.node("Expand", &["x", "shape"], &["e"])
		.node("Equal", &["e", "c"], &["q"])
		.node_with("Cast", &["q"], &["y"], vec![("to", A::Int(1))])
		.output("y");
	let compiled = net.compile();
	// Equal and Cast as one.
	assert_eq!(compiled.program.ops.len(), 1);
	let input = [4i32, 0, 7].iter().flat_map(|i| i.to_le_bytes()).collect();
	let found = floats_of(&run(&compiled, &[input])[0]);
	let mut expected = [0.0; 15];
	(expected[4], expected[5]) = (1.0, 1.0);
	assert_eq!(found, expected);
}

#[test]
fn weights_are_shared_and_aligned() {
	let net = Net::new()
		.floats("x", &[3])
		.weight("a", &[3], &[1.0, 2.0, 3.0])
		.weight("b", &[1, 3], &[1.0, 2.0, 3.0])
		.weight("c", &[], &[4.0])
		.node("Add", &["x", "a"], &["s"])
		.node("Mul", &["s", "b"], &["t"])
		.node("Add", &["t", "c"], &["y"])
		.output("y");
	let compiled = net.compile();
	assert_eq!(compiled.parameters, 4);
	assert_eq!(compiled.weights.len() as u64, ALIGN + 4);
	assert_eq!(compiled.weights[..12], f32s(&[1.0, 2.0, 3.0]));
	assert_eq!(compiled.weights[12..64], [0; 52]);
}

#[test]
fn infinite_masks_are_quotients_of_finite_weights() {
	let mask = [0.0, f32::NEG_INFINITY, 0.5];
	let net = Net::new().floats("x", &[3]).weight("m", &[3], &mask);
	let net = net.node("Add", &["x", "m"], &["a"]).node("Softmax", &["a"], &["y"]).output("y");
	let compiled = net.compile();
	assert!(compiled.weights.as_chunks().0.iter().all(|b| f32::from_le_bytes(*b).is_finite()));
	let found = floats_of(&run(&compiled, &[f32s(&[0.5, 9.0, 0.0])])[0]);
	assert_eq!(found, [0.5, 0.0, 0.5]);
	// An infinity that can never win leaves no trace.
	let net = Net::new().floats("x", &[2]).weight("m", &[], &[f32::NEG_INFINITY]);
	let net = net.node("Max", &["m", "x"], &["a"]).node("Neg", &["a"], &["y"]).output("y");
	let compiled = net.compile();
	assert_eq!((compiled.program.ops.len(), compiled.weights.len()), (1, 0));
}

#[test]
fn outputs_that_no_op_makes() {
	let net = Net::new().floats("x", &[2]).weight("w", &[2], &[3.0, 4.0]);
	let net = net.output("x").output("w").node("Identity", &["x"], &["again"]).output("again");
	let outputs = net.run(&[f32s(&[1.0, 2.0])]);
	let names: Vec<&str> = outputs.iter().map(|output| output.name.as_str()).collect();
	assert_eq!(names, ["x", "w", "again"]);
	let values: Vec<f32> = outputs.iter().flat_map(floats_of).collect();
	assert_eq!(values, [1.0, 2.0, 3.0, 4.0, 1.0, 2.0]);
	let net = Net::new().floats("x", &[2]).list("s", &[2, 1]);
	let net = net.node("Reshape", &["x", "s"], &["y"]).output("y");
	assert_eq!(net.compile().manifest.outputs[0].shape, [2, 1]);
	assert_eq!(net.run_f32(&[&[1.0, 2.0]]), [1.0, 2.0]);
}

#[test]
fn whole_shapes_bind_what_has_no_name() {
	let net = Net::new().input("x", DataType::FLOAT, &[D::Open, D::Name("n")]);
	let net = net.input("z", DataType::FLOAT, &[D::Name("n")]).node("Add", &["x", "z"], &["y"]);
	let shapes = [("x".to_owned(), vec![2, 3])].into();
	let options = CompileOptions { shapes, ..Default::default() };
	let compiled = compile(&net.output("y").bytes(), &options).unwrap();
	assert_eq!(compiled.manifest.inputs[1].shape, [3]);
	assert_eq!(compiled.manifest.dims["n"], 3);
}

/// Integers that f32 adds exactly, in any order.
#[test]
fn many_parts_are_joined_in_levels() {
	let mut net = Net::new().floats("x", &[1]);
	let names: Vec<String> = (0..150).map(|i| format!("t{i}")).collect();
	for (i, name) in names.iter().enumerate() {
		net = net.weight(&format!("w{i}"), &[1], &[i as f32]);
		net = net.node("Add", &["x", &format!("w{i}")], &[name]);
	}
	let inputs: Vec<&str> = names.iter().map(String::as_str).collect();
	let net = net.node_with("Concat", &inputs, &["y"], vec![("axis", A::Int(0))]).output("y");
	let expected: Vec<f32> = (0..150).map(|i| i as f32 + 0.5).collect();
	assert_eq!(net.run_f32(&[&[0.5]]), expected);
}

#[test]
fn large_uniform_weights_take_no_room() {
	let half = tensor("", DataType::FLOAT, &[1], f32s(&[0.5]));
	let net = Net::new()
		.floats("x", &[1, 30_000])
		.list("s", &[30_000, 2_000])
		.node_with("ConstantOfShape", &["s"], &["w"], vec![("value", A::Tensor(half))])
		.node("MatMul", &["x", "w"], &["y"])
		.output("y");
	let compiled = net.compile();
	assert!(compiled.weights.len() < 1024);
	assert_eq!(floats_of(&run(&compiled, &[f32s(&vec![1.0; 30_000])])[0]), [15_000.0; 2_000]);
}

/// Views of views, and the same with an addition of zero between them, which keeps them apart.
#[test]
fn views_of_views_are_one() {
	let slice = |net: Net, from: &str, to: &str, [start, end, axis, step]: [i64; 4]| {
		let name = |part: &str| format!("{to}.{part}");
		let mut net = net;
		for (part, value) in [("s", start), ("e", end), ("a", axis), ("t", step)] {
			net = net.list(&name(part), &[value]);
		}
		net.node("Slice", &[from, &name("s"), &name("e"), &name("a"), &name("t")], &[to])
	};
	let net = |apart: bool, shape: &[i64], order: [i64; 3], cut: [i64; 4]| {
		let mut net = Net::new().floats("x", &[4, 6, 10]).floats("zero", &[1]).list("shape", shape);
		let last = |net: Net, name: &str| {
			if apart {
				(net.node("Add", &[name, "zero"], &[&format!("{name}+")]), format!("{name}+"))
			} else {
				(net, name.to_owned())
			}
		};
		net = net.node_with("Transpose", &["x"], &["a"], vec![("perm", A::Ints(order.to_vec()))]);
		let (net, a) = last(net, "a");
		let (net, b) = last(slice(net, &a, "b", cut), "b");
		let (net, c) = last(net.node("Reshape", &[&b, "shape"], &["c"]), "c");
		let net = slice(net, &c, "d", [-1, i64::MIN, 0, -1]);
		net.node("Transpose", &["d"], &["e"]).node("Add", &["e", "zero"], &["y"]).output("y")
	};
	let x = noise(240, 6);
	for (shape, order, cut, views) in [
		(&[5, -1][..], [2, 0, 1], [1, 4, 1, 1], 2),
		(&[3, -1], [1, 2, 0], [5, i64::MIN, 0, -2], 2),
		(&[-1], [0, 1, 2], [0, 2, 0, 1], 2),
		(&[-1, 4, 3], [2, 0, 1], [0, 6, 2, 2], 1),
		(&[2, 3, -1], [1, 0, 2], [1, 9, 2, 3], 2),
	] {
		let (whole, apart) = (net(false, shape, order, cut), net(true, shape, order, cut));
		assert_eq!(whole.run_f32(&[&x, &[0.0]]), apart.run_f32(&[&x, &[0.0]]), "{order:?} {cut:?}");
		let ops = whole.compile().program.ops;
		let found = ops.iter().filter(|op| matches!(op.kind, OpKind::Strided { .. })).count();
		assert!(found <= views, "{order:?} {cut:?}: {found} views");
	}
}

/// The kinds of a program's ops, expressions by their number of steps and operands.
fn outline(compiled: &Compiled) -> Vec<String> {
	let name = |op: &OpRecord| match op.kind {
		OpKind::Map(steps) => format!("{} of {}", steps.as_slice().len(), op.operands.len()),
		kind => format!("{kind:?}"),
	};
	compiled.program.ops.iter().map(name).collect()
}

#[test]
fn elementwise_chains_are_one_op() {
	let net = Net::new()
		.floats("x", &[2, 3])
		.weight("half", &[], &[0.5])
		.weight("one", &[], &[1.0])
		.weight("root", &[], &[std::f32::consts::SQRT_2])
		.node("Div", &["x", "root"], &["a"])
		.node("Erf", &["a"], &["b"])
		.node("Add", &["b", "one"], &["c"])
		.node("Mul", &["x", "c"], &["d"])
		.node("Mul", &["d", "half"], &["y"]);
	let joined = net.output("y").compile();
	assert_eq!(outline(&joined), ["5 of 4"]);
	// What something else reads stays: an output, a reduction, a transposition.
	let x = [f32s(&noise(6, 1))];
	for (node, read) in [("Neg", "c"), ("Softmax", "c"), ("Transpose", "c")] {
		let net = Net::new()
			.floats("x", &[2, 3])
			.weight("one", &[], &[1.0])
			.node("Erf", &["x"], &["b"])
			.node("Add", &["b", "one"], &["c"])
			.node("Exp", &["c"], &["d"])
			.node("Mul", &["d", "x"], &["y"])
			.node(node, &[read], &["z"])
			.output("y")
			.output("z");
		let compiled = net.compile();
		let found = outline(&compiled);
		assert_eq!(found[..2], ["2 of 2", "2 of 2"], "{node}: {found:?}");
		let apart = net.output("b").output("c").output("d");
		let (with, without) = (run(&compiled, &x), apart.run(&x));
		assert_eq!(with[0].bytes, without[0].bytes);
		assert_eq!(with[1].bytes, without[1].bytes);
	}
}

/// An operand of another shape is read by a step, not joined to it.
#[test]
fn expressions_keep_to_one_shape() {
	let net = Net::new()
		.floats("x", &[2, 3])
		.floats("row", &[3])
		.node("Exp", &["row"], &["e"])
		.node("Neg", &["e"], &["n"])
		.node("Mul", &["x", "n"], &["p"])
		.node("Abs", &["p"], &["y"])
		.output("y");
	assert_eq!(outline(&net.compile()), ["2 of 1", "2 of 2"]);
}

/// A chain longer than an expression may be becomes several.
#[test]
fn long_chains_are_several_expressions() {
	let mut net = Net::new().floats("x", &[7]);
	for i in 0..50 {
		let from = if i == 0 { "x".to_owned() } else { format!("t{i}") };
		net = net.node("Abs", &[&from], &[&format!("t{}", i + 1)]);
	}
	let compiled = net.output("t50").compile();
	assert_eq!(outline(&compiled), ["2 of 1", "24 of 1", "24 of 1"]);
	let x = noise(7, 5);
	let expected: Vec<f32> = x.iter().map(|x| x.abs()).collect();
	assert_eq!(floats_of(&run(&compiled, &[f32s(&x)])[0]), expected);
}

/// The names of a program's ops with what follows them.
fn names(compiled: &Compiled) -> Vec<String> {
	compiled.program.ops.iter().map(OpRecord::to_string).collect()
}

/// A residual block: what comes after a convolution is part of it, the sum with another branch too, where
/// nothing else reads the result.
#[test]
fn elementwise_ops_follow_their_contraction() {
	let (v, w) = (noise(4 * 3 * 9, 1), noise(16, 2));
	let pads = || vec![("pads", A::Ints(vec![1; 4]))];
	let net = || {
		Net::new()
			.floats("x", &[1, 3, 6, 7])
			.weight("v", &[4, 3, 3, 3], &v)
			.weight("w", &[4, 4, 1, 1], &w)
			.weight("scale", &[4, 1, 1], &[0.5, 1.0, 1.5, -2.0])
			.node_with("Conv", &["x", "v"], &["a"], pads())
			.node("Relu", &["a"], &["b"])
			.node("Conv", &["b", "w"], &["c"])
			.node("Mul", &["c", "scale"], &["d"])
			.node("Add", &["d", "b"], &["e"])
			.node("Sigmoid", &["e"], &["f"])
			.node("Mul", &["e", "f"], &["g"])
			.node_with("ReduceSum", &["g"], &["h"], vec![("keepdims", A::Int(1))])
			.node("Sqrt", &["h"], &["y"])
	};
	let joined = net().output("y").compile();
	assert_eq!(names(&joined), ["Conv 3x3 + 1 step", "Conv 1x1 + 4 steps", "Reduce(Sum) + 1 step"]);
	let last = &joined.program.ops[2];
	assert_eq!(last.shape.dims(), [1, 1, 1, 1]);
	let x = [f32s(&noise(3 * 42, 3))];
	// What is an output besides stays an op of its own.
	for (shared, expected) in [
		("a", ["Conv 3x3", "Unary(Relu)", "Conv 1x1 + 4 steps"]),
		("c", ["Conv 3x3 + 1 step", "Conv 1x1", "Map of 4 steps"]),
		("d", ["Conv 3x3 + 1 step", "Conv 1x1 + 1 step", "MapReduce(Sum) of 3 steps"]),
		("h", ["Conv 3x3 + 1 step", "Conv 1x1 + 4 steps", "Reduce(Sum)"]),
	] {
		let apart = net().output("y").output(shared).compile();
		assert_eq!(names(&apart)[..3], expected, "{shared}");
		assert_eq!(run(&joined, &x)[0].bytes, run(&apart, &x)[0].bytes, "{shared}");
	}
}

/// What an image is enlarged to is not written where a sum alone reads it; what is read twice is.
#[test]
fn repeated_pixels_are_read_where_they_are() {
	let net = || {
		Net::new()
			.floats("x", &[1, 2, 3, 4])
			.floats("z", &[1, 2, 6, 8])
			.weight("scale", &[2, 1, 1], &[0.5, -2.0])
			.weight("sizes", &[4], &[1.0, 1.0, 2.0, 2.0])
			.node("Sqrt", &["x"], &["a"])
			.node_with(
				"Resize",
				&["a", "", "sizes"],
				&["b"],
				vec![
					("mode", A::Word("nearest")),
					("coordinate_transformation_mode", A::Word("asymmetric")),
					("nearest_mode", A::Word("floor")),
				],
			)
			.node("Mul", &["z", "scale"], &["c"])
			.node("Add", &["c", "b"], &["d"])
			.node("Neg", &["d"], &["e"])
			.node_with(
				"ReduceMax",
				&["e"],
				&["y"],
				vec![("axes", A::Ints(vec![3])), ("keepdims", A::Int(0))],
			)
	};
	let joined = net().output("y").compile();
	assert_eq!(names(&joined), ["Unary(Sqrt)", "Map of 3 steps", "Reduce(Max)"]);
	let apart = net().output("y").output("b").compile();
	assert!(names(&apart).iter().any(|name| name == "Strided"), "{:?}", names(&apart));
	let inputs = [f32s(&noise(24, 1)), f32s(&noise(96, 2))];
	assert_eq!(run(&joined, &inputs)[0].bytes, run(&apart, &inputs)[0].bytes);
}

/// A transposed convolution without overlap is a product and a permutation: what follows is computed
/// before the permutation, as part of the product.
#[test]
fn elementwise_ops_move_before_permutations() {
	let (w, v) = (noise(3 * 4 * 4, 1), noise(4, 2));
	let net = || {
		Net::new()
			.floats("x", &[1, 3, 2, 5])
			.weight("w", &[3, 4, 2, 2], &w)
			.weight("v", &[4, 1, 1], &v)
			.node_with("ConvTranspose", &["x", "w"], &["a"], vec![("strides", A::Ints(vec![2, 2]))])
			.node("Mul", &["a", "v"], &["b"])
			.node("Relu", &["b"], &["c"])
			.node_with(
				"ReduceMax",
				&["c"],
				&["y"],
				vec![("axes", A::Ints(vec![3])), ("keepdims", A::Int(0))],
			)
	};
	let joined = net().output("y").compile();
	assert_eq!(names(&joined), ["Conv 1x1 + 2 steps", "Strided", "Reduce(Max)"]);
	let apart = net().output("y").output("a").compile();
	assert_eq!(names(&apart)[..3], ["Conv 1x1", "Strided", "MapReduce(Max) of 2 steps"]);
	let x = [f32s(&noise(30, 3))];
	assert_eq!(run(&joined, &x)[0].bytes, run(&apart, &x)[0].bytes);
}

/// A depthwise convolution gives its output as the next one reads it; where something else reads it too, it
/// is transposed.
#[test]
fn images_are_not_transposed_between_convolutions() {
	let (v, w, b) = (noise(90 * 9, 1), noise(5 * 90, 2), noise(90, 3));
	let net = || {
		Net::new()
			.floats("x", &[1, 90, 24, 24])
			.weight("v", &[90, 1, 3, 3], &v)
			.weight("w", &[5, 90, 1, 1], &w)
			.weight("scale", &[90, 1, 1], &b)
			.node_with("Conv", &["x", "v"], &["a"], vec![("group", A::Int(90))])
			.node("Mul", &["a", "scale"], &["b"])
			.node("Relu", &["b"], &["c"])
			.node("Conv", &["c", "w"], &["d"])
			.node_with(
				"ReduceMax",
				&["d"],
				&["y"],
				vec![("axes", A::Ints(vec![3])), ("keepdims", A::Int(0))],
			)
	};
	let joined = net().output("y").compile();
	assert_eq!(names(&joined), ["Conv 3x3 + 2 steps", "Conv 1x1", "Reduce(Max)"]);
	assert_eq!(joined.program.ops[0].shape.dims(), [1, 22 * 22, 90]);
	let apart = net().output("y").output("c").compile();
	assert_eq!(names(&apart)[..3], ["Conv 3x3 + 2 steps", "Strided", "Conv 1x1"]);
	let x = [f32s(&noise(90 * 576, 4))];
	assert_eq!(run(&joined, &x)[0].bytes, run(&apart, &x)[0].bytes);
}

/// Results of 8-bit products become floats, and bytes again, as part of the product.
#[test]
fn integer_products_are_scaled_at_once() {
	let net = |dims: &[D]| {
		Net::new()
			.input("x", DataType::UINT8, dims)
			.initializer(tensor("w", DataType::INT8, &[8, 3], (0..24).map(|i| i * 11).collect()))
			.weight("scale", &[3], &[0.1, 0.2, 0.3])
			.weight("out", &[], &[2.5])
			.initializer(tensor("zero", DataType::UINT8, &[], vec![7]))
			.node("MatMulInteger", &["x", "w"], &["a"])
			.node_with("Cast", &["a"], &["b"], vec![("to", A::Int(1))])
			.node("Mul", &["b", "scale"], &["c"])
			.node("QuantizeLinear", &["c", "out", "zero"], &["y"])
			.output("y")
	};
	let parts = net(&[D::N(5), D::N(8)]).output("c").compile();
	assert_eq!(names(&parts)[0], "MatMulInteger + 2 steps");
	let whole = net(&[D::N(1), D::N(5), D::N(8)]).compile();
	let found = names(&whole);
	assert!(found.len() == 1 && found[0].starts_with("MatMulInteger + "), "{found:?}");
	let x = [(0..40).map(|i| i * 6).collect::<Vec<u8>>()];
	assert_eq!(run(&whole, &x)[0].bytes, run(&parts, &x)[0].bytes);
}

/// Convolutions of 90 channels, which are too many runs of an image as it is, and a depthwise one.
#[test]
fn windows_are_read_where_they_are() {
	let weights = noise(8 * 90 * 9, 1);
	let pads = || vec![("pads", A::Ints(vec![1; 4]))];
	let net = Net::new()
		.floats("x", &[1, 90, 20, 20])
		.weight("w", &[8, 90, 3, 3], &weights)
		.weight("v", &[90, 1, 3, 3], &weights[..810])
		.node_with("Conv", &["x", "w"], &["a"], pads())
		.node_with("Conv", &["x", "w"], &["b"], vec![("dilations", A::Ints(vec![2, 2]))])
		.node_with("Conv", &["x", "v"], &["c"], vec![("group", A::Int(90))])
		.output("a")
		.output("b")
		.output("c");
	let compiled = net.compile();
	let layouts: Vec<Option<ImageLayout>> = compiled
		.program
		.ops
		.iter()
		.map(|op| match op.kind {
			OpKind::Conv(conv) => Some(conv.layout),
			_ => None,
		})
		.collect();
	let (first, last) = (Some(ImageLayout::ChannelsFirst), Some(ImageLayout::ChannelsLast));
	// One transposition for both, and the packing of the outputs.
	assert_eq!(layouts, [None, last, last, first, None]);
	assert!(compiled.worst_leaf().unwrap().bound.is_within_limits());
}

/// A run of a quantized embedding scales the rows it takes, not the table.
#[test]
fn rows_are_taken_before_they_are_scaled() {
	let table: Vec<u8> = (0..4000u32).map(|i| (i * 37) as u8).collect();
	let net = Net::new()
		.input("ids", DataType::INT64, &[D::N(2)])
		.initializer(tensor("table", DataType::UINT8, &[1000, 4], table.clone()))
		.weight("scale", &[], &[0.25])
		.initializer(tensor("zero", DataType::UINT8, &[], vec![128]))
		.node("DequantizeLinear", &["table", "scale", "zero"], &["weights"])
		.node("Gather", &["weights", "ids"], &["y"])
		.output("y");
	let compiled = net.compile();
	assert!(compiled.program.ops.iter().all(|op| op.shape.elements() <= 8), "{compiled:?}");
	let ids: Vec<u8> = [999i64, -998].iter().flat_map(|id| id.to_le_bytes()).collect();
	let expected: Vec<f32> = [999, 2]
		.iter()
		.flat_map(|&row| &table[row * 4..][..4])
		.map(|&q| (f32::from(q) - 128.0) * 0.25)
		.collect();
	assert_eq!(floats_of(&run(&compiled, &[ids])[0]), expected);
}
