//! Hostile files: what compiling one takes at most, in memory and in time.
//!
//! One test in a binary of its own, because it counts what the whole process allocates.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod counting;

use std::time::{Duration, Instant};

use assay_onnx::{compile, most_memory, CompileOptions};
use assay_testing::onnx::net::{f32s, tensor, Net, A, D};
use rten_onnx::onnx::{DataType, TensorProto};

/// Far above what any of them takes alone on a slow machine; one without a bound takes minutes.
const SOON: Duration = Duration::from_secs(60);

fn bytes(name: &str, dims: &[i64]) -> Net {
	Net::new().input(name, DataType::UINT8, &dims.iter().map(|&dim| D::N(dim)).collect::<Vec<_>>())
}

/// Nodes of one operator on `x`, one after another, with every result needed.
fn many(
	mut net: Net,
	count: usize,
	op: &str,
	inputs: &[&str],
	attributes: fn() -> Vec<(&'static str, A)>,
) -> Net {
	for i in 0..count {
		net = net.node_with(op, inputs, &[&format!("y{i}")], attributes());
		net = net.output(&format!("y{i}"));
	}
	net
}

/// A loop of as many turns as there may be, around `body`.
fn turns(net: Net, body: Net) -> Net {
	let net = net
		.initializer(tensor("turns", DataType::INT64, &[], (1i64 << 14).to_le_bytes().to_vec()))
		.initializer(tensor("yes", DataType::BOOL, &[], vec![1]));
	net.node_with("Loop", &["turns", "yes", "x"], &["y"], vec![("body", A::Graph(body))])
		.output("y")
}

fn body() -> Net {
	Net::new()
		.input("turn", DataType::INT64, &[])
		.input("go", DataType::BOOL, &[])
		.floats("state", &[1])
}

/// A body that gives its input so many times.
fn giving(mut net: Net, input: &str, count: usize) -> Net {
	for _ in 0..count {
		net = net.output(input);
	}
	net
}

/// What is given again and again is small, and a list of it is not.
fn results() -> Vec<(&'static str, Net)> {
	let many = vec![1.0; 8_000];
	let names: Vec<String> = (0..4_000).map(|i| format!("r{i}")).collect();
	let names: Vec<&str> = names.iter().map(String::as_str).collect();
	let split = Net::new().weight("x", &[8_000], &many).node_with(
		"SplitToSequence",
		&["x"],
		&["s"],
		vec![("keepdims", A::Int(0))],
	);
	let map = vec![("body", A::Graph(giving(Net::new().floats("e", &[]), "e", names.len())))];
	let mapped = split.opset(17).node_with("SequenceMap", &["s"], &names, map);
	let mapped = mapped.node("SequenceLength", &["r0"], &["y"]).output("y");
	let inner = Net::new().input("turn", DataType::INT64, &[]).input("go", DataType::BOOL, &[]);
	let inner = giving(inner.output("go"), "turn", names.len());
	let looped = Net::new()
		.initializer(tensor("turns", DataType::INT64, &[], 8_000i64.to_le_bytes().to_vec()))
		.initializer(tensor("yes", DataType::BOOL, &[], vec![1]))
		.node_with("Loop", &["turns", "yes"], &names, vec![("body", A::Graph(inner))])
		.output("r0");
	vec![("SequenceMap", mapped), ("rows of a Loop", looped)]
}

fn expanding() -> Vec<(&'static str, Net)> {
	let one = || Net::new().weight("x", &[1], &[1.0]);
	let ramp: Vec<f32> = (0..1 << 18).map(|i| i as f32).collect();
	let ramp = |name| Net::new().weight(name, &[1 << 18], &ramp);
	let window = || vec![("kernel_shape", A::Ints(vec![1, 1]))];
	let linear = || vec![("mode", A::Word("linear"))];
	let antialias = || vec![("mode", A::Word("linear")), ("antialias", A::Int(1))];
	let shape = 1i64 << 28;
	vec![
		("Expand", many(one().list("s", &[shape]), 10, "Expand", &["x", "s"], Vec::new)),
		(
			"Expand of much",
			many(ramp("x").list("s", &[64, 1 << 18]), 10, "Expand", &["x", "s"], Vec::new),
		),
		("Tile", many(ramp("x").list("s", &[1000]), 10, "Tile", &["x", "s"], Vec::new)),
		("Tile of little", many(one().list("s", &[1 << 22]), 12, "Tile", &["x", "s"], Vec::new)),
		(
			"ConstantOfShape",
			many(one().list("s", &[shape]), 10, "ConstantOfShape", &["s"], Vec::new),
		),
		(
			"smaller ConstantOfShape",
			many(one().list("s", &[1 << 20]), 12, "ConstantOfShape", &["s"], Vec::new),
		),
		(
			"Range",
			many(
				one().list("a", &[0]).list("b", &[1 << 28]).list("c", &[1]),
				2,
				"Range",
				&["a", "b", "c"],
				Vec::new,
			),
		),
		("smaller Range", {
			let scalar =
				|name, x: i64| tensor(name, DataType::INT64, &[], x.to_le_bytes().to_vec());
			let net = one()
				.initializer(scalar("a", 0))
				.initializer(scalar("b", 1 << 20))
				.initializer(scalar("c", 1));
			many(net, 12, "Range", &["a", "b", "c"], Vec::new)
		}),
		(
			"Transpose",
			many(
				Net::new().weight("x", &[512, 512], &vec![0.5; 1 << 18]),
				12,
				"Transpose",
				&["x"],
				Vec::new,
			),
		),
		(
			"Resize",
			many(
				Net::new().floats("x", &[1, 1, 1, 1]).list("s", &[1, 1, 1, shape]).weight(
					"n",
					&[0],
					&[],
				),
				1,
				"Resize",
				&["x", "n", "n", "s"],
				linear,
			),
		),
		(
			"Resize back",
			many(
				Net::new()
					.floats("x", &[1, 1, 1, 1 << 27])
					.list("s", &[1, 1, 1, 1 << 20])
					.weight("n", &[0], &[])
					.opset(18),
				1,
				"Resize",
				&["x", "n", "n", "s"],
				antialias,
			),
		),
		(
			"Resize to nearest",
			many(
				Net::new().floats("x", &[1, 1, 1, 3]).list("s", &[1, 1, 1, shape]).weight(
					"n",
					&[0],
					&[],
				),
				1,
				"Resize",
				&["x", "n", "n", "s"],
				Vec::new,
			),
		),
		(
			"Col2Im",
			Net::new()
				.opset(18)
				.floats("x", &[1, 1, 1 << 14])
				.list("image", &[1 << 30])
				.list("block", &[1])
				.node_with(
					"Col2Im",
					&["x", "image", "block"],
					&["y"],
					vec![("strides", A::Ints(vec![1 << 16]))],
				)
				.output("y"),
		),
		(
			"OneHot",
			Net::new()
				.input("x", DataType::INT64, &[D::N(1)])
				.list("depth", &[shape])
				.weight("v", &[2], &[0.0, 1.0])
				.node("OneHot", &["x", "depth", "v"], &["y"])
				.output("y"),
		),
		("EyeLike", bytes("x", &[1 << 15, 1 << 15]).node("EyeLike", &["x"], &["y"]).output("y")),
		("Trilu", bytes("x", &[1 << 15, 1 << 15]).node("Trilu", &["x"], &["y"]).output("y")),
		(
			"Dropout",
			Net::new()
				.floats("x", &[shape])
				.node("Dropout", &["x"], &["y", "mask"])
				.output("y")
				.output("mask"),
		),
		(
			"HannWindow",
			one()
				.initializer(tensor("n", DataType::INT64, &[], shape.to_le_bytes().to_vec()))
				.opset(17)
				.node("HannWindow", &["n"], &["y"])
				.output("y"),
		),
		(
			"DFT",
			Net::new()
				.floats("x", &[1, 1 << 15, 1])
				.node_with("DFT", &["x"], &["y"], vec![("axis", A::Int(1))])
				.output("y"),
		),
		(
			"AveragePool",
			many(
				Net::new().floats("x", &[1, 1, 1 << 14, 1 << 14]),
				1,
				"AveragePool",
				&["x"],
				window,
			),
		),
		(
			"smaller AveragePool",
			many(
				Net::new().floats("x", &[1, 1, 1 << 12, (1 << 12) - 1]),
				1,
				"AveragePool",
				&["x"],
				|| vec![("kernel_shape", A::Ints(vec![2, 2])), ("pads", A::Ints(vec![1; 4]))],
			),
		),
		(
			"MaxPool",
			Net::new()
				.floats("x", &[1, 1, 1 << 14, 1 << 14])
				.node_with("MaxPool", &["x"], &["v", "y"], window())
				.output("y"),
		),
		(
			"MaxUnpool",
			Net::new()
				.floats("x", &[1, 1, 1, 1])
				.input("i", DataType::INT64, &[1, 1, 1, 1].map(D::N))
				.node_with(
					"MaxUnpool",
					&["x", "i"],
					&["y"],
					vec![("kernel_shape", A::Ints(vec![1 << 14, 1 << 14]))],
				)
				.output("y"),
		),
		(
			"Pad",
			Net::new()
				.floats("x", &[1 << 27])
				.list("p", &[1 << 26, 0])
				.node_with("Pad", &["x", "p"], &["y"], vec![("mode", A::Word("reflect"))])
				.output("y"),
		),
		(
			"GatherElements",
			Net::new()
				.floats("x", &[1 << 13, 1 << 13])
				.input("i", DataType::INT64, &[1 << 13, 1 << 13].map(D::N))
				.node("GatherElements", &["x", "i"], &["y"])
				.output("y"),
		),
		(
			"GridSample",
			Net::new()
				.floats("x", &[1, 1, 1, 1])
				.floats("g", &[1, 1 << 13, 1 << 13, 2])
				.opset(16)
				.node("GridSample", &["x", "g"], &["y"])
				.output("y"),
		),
		(
			"AffineGrid",
			Net::new()
				.floats("x", &[1, 2, 3])
				.list("s", &[1, 1, 1 << 14, 1 << 14])
				.opset(20)
				.node("AffineGrid", &["x", "s"], &["y"])
				.output("y"),
		),
		(
			"Attention",
			Net::new()
				.opset(24)
				.floats("q", &[1, 1, 1, 1])
				.floats("k", &[1, 1, 1 << 28, 1])
				.floats("v", &[1, 1, 1 << 28, 1])
				.input("n", DataType::INT64, &[D::N(1)])
				.node("Attention", &["q", "k", "v", "", "", "", "n"], &["y"])
				.output("y"),
		),
		(
			"causal Attention",
			Net::new()
				.opset(23)
				.floats("q", &[1, 1, 1 << 14, 1])
				.floats("k", &[1, 1, 1 << 14, 1])
				.floats("v", &[1, 1, 1 << 14, 1])
				.node_with("Attention", &["q", "k", "v"], &["y"], vec![("is_causal", A::Int(1))])
				.output("y"),
		),
		(
			"RotaryEmbedding",
			Net::new()
				.opset(23)
				.floats("x", &[1, 1, 1 << 27, 2])
				.floats("c", &[1 << 27, 1])
				.floats("s", &[1 << 27, 1])
				.input("p", DataType::INT64, &[1, 1 << 27].map(D::N))
				.node("RotaryEmbedding", &["x", "c", "s", "p"], &["y"])
				.output("y"),
		),
		(
			"ReverseSequence",
			Net::new()
				.floats("x", &[1 << 28, 1])
				.input("n", DataType::INT64, &[D::N(1)])
				.node("ReverseSequence", &["x", "n"], &["y"])
				.output("y"),
		),
		(
			"CumSum",
			Net::new()
				.floats("x", &[1 << 28])
				.list("a", &[0])
				.node("CumSum", &["x", "a"], &["y"])
				.output("y"),
		),
		(
			"TopK",
			Net::new()
				.floats("x", &[1 << 28])
				.list("k", &[5])
				.node("TopK", &["x", "k"], &["v", "y"])
				.output("y"),
		),
		(
			"many rows of TopK",
			Net::new()
				.floats("x", &[1 << 13, 1 << 15])
				.list("k", &[500])
				.node("TopK", &["x", "k"], &["v", "y"])
				.output("y"),
		),
		(
			"ArgMax",
			Net::new()
				.floats("x", &[1 << 13, 1 << 15])
				.node_with("ArgMax", &["x"], &["y"], vec![("axis", A::Int(1))])
				.output("y"),
		),
		(
			"MatMul",
			Net::new()
				.floats("x", &[1, 1 << 28])
				.floats("w", &[1 << 28, 1])
				.node("MatMul", &["x", "w"], &["y"])
				.output("y"),
		),
		("LSTM", {
			let net = Net::new()
				.floats("x", &[1 << 26, 1, 1])
				.floats("w", &[1, 4, 1])
				.floats("r", &[1, 4, 1])
				.input("n", DataType::INT32, &[D::N(1)]);
			net.node_with(
				"LSTM",
				&["x", "w", "r", "", "n"],
				&["y"],
				vec![("hidden_size", A::Int(1))],
			)
			.output("y")
		}),
		(
			"sum of nothing",
			Net::new()
				.input("x", DataType::FLOAT, &[D::N(1)])
				.initializer(tensor("e", DataType::FLOAT, &[1 << 28, 0], Vec::new()))
				.node_with("ReduceSum", &["e"], &["y"], vec![("axes", A::Ints(vec![1]))])
				.opset(11)
				.output("y"),
		),
	]
}

/// What just fits.
fn fitting() -> Vec<(&'static str, Net)> {
	let padded = || vec![("kernel_shape", A::Ints(vec![2, 2])), ("pads", A::Ints(vec![1; 4]))];
	let image = || Net::new().floats("x", &[1, 1, 3900, 3900]);
	let resized = Net::new().floats("x", &[1, 1, 1, 3]).list("s", &[1, 1, 1, 2_700_000]);
	let index = |dims: [i64; 2]| {
		let net = Net::new().floats("x", &dims);
		net.input("i", DataType::INT64, &dims.map(D::N))
	};
	let mut nodes = Net::new().floats("x", &[1]);
	for i in 0..60_000 {
		nodes = nodes.node("Relu", &["x"], &[&format!("y{i}")]);
	}
	vec![
		("AveragePool", image().node_with("AveragePool", &["x"], &["y"], padded()).output("y")),
		("Trilu", bytes("x", &[8000, 8000]).node("Trilu", &["x"], &["y"]).output("y")),
		("EyeLike", bytes("x", &[8000, 8000]).node("EyeLike", &["x"], &["y"]).output("y")),
		(
			"Resize",
			resized
				.weight("n", &[0], &[])
				.node_with(
					"Resize",
					&["x", "n", "n", "s"],
					&["y"],
					vec![("mode", A::Word("linear"))],
				)
				.output("y"),
		),
		("MaxPool", {
			let net = Net::new().floats("x", &[1, 1, 1500, 1500]);
			let window = vec![("kernel_shape", A::Ints(vec![1, 1]))];
			net.node_with("MaxPool", &["x"], &["v", "y"], window).output("v").output("y")
		}),
		(
			"GatherElements",
			index([8_000_000, 1]).node("GatherElements", &["x", "i"], &["y"]).output("y"),
		),
		("AffineGrid", {
			let net = Net::new().floats("x", &[1, 2, 3]).list("s", &[1, 1, 1600, 1600]).opset(20);
			net.node("AffineGrid", &["x", "s"], &["y"]).output("y")
		}),
		("nodes", nodes.output("y59999")),
	]
}

fn repeating() -> Vec<(&'static str, Net)> {
	let x = || Net::new().floats("x", &[1]);
	let out = |net: Net, state| net.output("go").output(state);
	let large = vec![0.5; 1 << 18];
	let mut crowded = body();
	for i in 0..20_000 {
		crowded = crowded.weight(&format!("w{i}"), &[1], &[1.0]);
	}
	let inner = turns(Net::new(), out(body(), "state")).0.graph.unwrap();
	let mut nest = body().floats("x", &[1]);
	nest.graph().input.pop();
	nest.graph().node.extend(inner.node.clone());
	nest.graph().initializer.extend(inner.initializer);
	nest.graph().node[0].input[2] = "state".into();
	let mut branches = out(body(), "state");
	for _ in 0..15 {
		branches = body().node_with(
			"If",
			&["go"],
			&["s"],
			vec![("then_branch", A::Graph(just("state"))), ("else_branch", A::Graph(branches))],
		);
		branches = out(branches, "s");
	}
	let empty =
		Net::new().opset(8).initializer(tensor("e", DataType::FLOAT, &[1 << 28, 0], Vec::new()));
	let scanned = Net::new().floats("in", &[1]).output("in");
	vec![
		(
			"a large weight in a body",
			turns(
				x(),
				out(
					body().weight("w", &[1 << 18], &large).node("Gather", &["w", "turn"], &["s"]),
					"s",
				),
			),
		),
		(
			"a large constant in a body",
			turns(
				x(),
				out(
					body()
						.node_with(
							"Constant",
							&[],
							&["w"],
							vec![(
								"value",
								A::Tensor(tensor("", DataType::FLOAT, &[1 << 18], f32s(&large))),
							)],
						)
						.node("Gather", &["w", "turn"], &["s"]),
					"s",
				),
			),
		),
		("a crowded body", turns(x(), out(crowded, "state"))),
		("a loop in a loop", turns(x(), out(nest, "y"))),
		("branches", turns(x(), branches)),
		(
			"a scan of nothing",
			empty
				.node_with(
					"Scan",
					&["", "e"],
					&["y"],
					vec![("body", A::Graph(scanned)), ("num_scan_inputs", A::Int(1))],
				)
				.output("y"),
		),
	]
}

/// Nodes that read the same large weights again and again.
fn reading() -> Vec<(&'static str, Net)> {
	const C: i64 = 1 << 20;
	let ones = vec![1.0; C as usize];
	let chain = |mut net: Net, count: usize, op: &str, rest: &[&str]| {
		let mut last = "x".to_owned();
		for i in 0..count {
			let inputs: Vec<&str> = [last.as_str()].iter().chain(rest).copied().collect();
			let next = format!("y{i}");
			net = net.node(op, &inputs, &[&next]);
			last = next;
		}
		net.output(&last)
	};
	let x = || Net::new().floats("x", &[1, C]).weight("w", &[C], &ones);
	let mut body = body().output("go").output("s");
	body =
		body.node_with("Constant", &[], &["w"], vec![("value_ints", A::Ints(vec![0; C as usize]))]);
	body = body
		.node("Gather", &["w", "turn"], &["g"])
		.node_with("Cast", &["g"], &["f"], vec![("to", A::Int(1))])
		.node("Add", &["state", "f"], &["s"]);
	let zeros = || tensor("z", DataType::UINT8, &[C], vec![0; C as usize]);
	vec![
		("Add of one weight", chain(x(), 16_000, "Add", &["w"])),
		("Add of one weight that fits", chain(x(), 1000, "Add", &["w"])),
		("BatchNormalization", chain(x(), 8000, "BatchNormalization", &["w"; 4])),
		("zero points", {
			let mut net =
				Net::new().floats("x", &[1, C]).weight("w", &[C], &ones).initializer(zeros());
			for i in 0..3000 {
				net = net.node("QuantizeLinear", &["x", "w", "z"], &[&format!("y{i}")]);
			}
			let names: Vec<String> = (0..3000).map(|i| format!("y{i}")).collect();
			let names: Vec<&str> = names.iter().map(String::as_str).collect();
			net.node_with("Concat", &names, &["y"], vec![("axis", A::Int(0))]).output("y")
		}),
		("Compress", {
			let mut net = Net::new().floats("x", &[C]).initializer(tensor(
				"c",
				DataType::BOOL,
				&[C],
				vec![1; C as usize],
			));
			for i in 0..4000 {
				net = net.node_with(
					"Compress",
					&["x", "c"],
					&[&format!("y{i}")],
					vec![("axis", A::Int(0))],
				);
			}
			let names: Vec<String> = (0..4000).map(|i| format!("y{i}")).collect();
			let names: Vec<&str> = names.iter().map(String::as_str).collect();
			net.node("Sum", &names, &["y"]).output("y")
		}),
		("a list in a body", turns(Net::new().floats("x", &[1]), body)),
	]
}

fn just(name: &str) -> Net {
	Net::new().output(name)
}

/// Lists that are made and copied, and what a few numbers make large.
fn listed() -> Vec<(&'static str, Net)> {
	let splits = |keeps: i64| {
		let net = Net::new().floats("x", &[1 << 28]).list("0", &[0]);
		let net =
			net.node_with("SplitToSequence", &["x"], &["s"], vec![("keepdims", A::Int(keeps))]);
		net.node("SequenceAt", &["s", "0"], &["y"]).output("y")
	};
	let grows = body().node("SequenceInsert", &["state", "turn"], &["longer"]);
	let grows = turns(Net::new(), grows.output("go").output("longer"));
	let mut grows = grows.node("SequenceEmpty", &[], &["none"]);
	for node in &mut grows.graph().node {
		if node.op_type.as_deref() == Some("Loop") {
			node.input[2] = "none".into();
		}
	}
	let integer = |dims: &[i64]| {
		let dims: Vec<D> = dims.iter().map(|&dim| D::N(dim)).collect();
		Net::new().input("a", DataType::INT64, &dims)
	};
	let regions = vec![("output_height", A::Int(1 << 20)), ("output_width", A::Int(1 << 20))];
	let mask = Net::new().floats("x", &[1 << 14, 1]).floats("m", &[1 << 14]).list("n", &[1 << 28]);
	let mask = mask.node("NonZero", &["m"], &["found"]).node("Transpose", &["found"], &["at"]);
	let mask = mask.node("Shape", &["at"], &["pair"]).list("0", &[0]).weight("one", &[1], &[1.0]);
	let mask = mask.node("Gather", &["pair", "0"], &["count"]);
	let size = mask.node_with("Concat", &["count", "n"], &["size"], vec![("axis", A::Int(0))]);
	vec![
		("SplitToSequence", splits(1)),
		("SplitToSequence without the axis", splits(0)),
		("a sequence that grows", grows),
		("MatMul of whole numbers", {
			let net = integer(&[1 << 13, 1 << 13]).node("MatMul", &["a", "a"], &["y"]);
			net.output("y")
		}),
		("RoiAlign", {
			let net = Net::new().floats("x", &[1, 1, 4, 4]).floats("r", &[1, 4]).list("i", &[0]);
			net.node_with("RoiAlign", &["x", "r", "i"], &["y"], regions).output("y")
		}),
		("NonMaxSuppression", {
			let net = Net::new().floats("b", &[1, 1 << 25, 4]).floats("s", &[1, 1, 1 << 25]);
			let net = net.list("most", &[i64::MAX]);
			net.node("NonMaxSuppression", &["b", "s", "most"], &["y"]).output("y")
		}),
		("NonMaxSuppression turn by turn", {
			let net = Net::new().floats("b", &[1, 1 << 25, 4]).floats("s", &[1, 1, 1 << 25]);
			let net = net.list("most", &[64]);
			net.node("NonMaxSuppression", &["b", "s", "most"], &["y"]).output("y")
		}),
		("Expand to rows of places", {
			let net = size.node("Expand", &["one", "size"], &["new"]);
			net.node("ScatterND", &["x", "at", "new"], &["y"]).output("y")
		}),
		("Resize of bytes", {
			let net =
				Net::new().input("x", DataType::UINT8, &[D::N(1), D::N(1)]).weight("n", &[0], &[]);
			let net = net.list("s", &[1 << 14, 1 << 16]);
			let mode = vec![("mode", A::Word("linear"))];
			net.node_with("Resize", &["x", "n", "n", "s"], &["y"], mode).output("y")
		}),
		("TensorScatter", {
			let net =
				Net::new().floats("c", &[1 << 14, 1 << 14]).floats("u", &[1 << 14, 1]).opset(24);
			net.node_with("TensorScatter", &["c", "u"], &["y"], vec![("axis", A::Int(1))])
				.output("y")
		}),
	]
}

fn packed() -> Vec<(&'static str, Net)> {
	let added = |t: TensorProto| {
		Net::new()
			.floats("x", &[1])
			.initializer(t)
			.node_with("Cast", &["w"], &["f"], vec![("to", A::Int(1))])
			.node("Add", &["x", "f"], &["y"])
			.output("y")
	};
	let count = 1usize << 22;
	let typed = |data_type, values: Vec<i32>, wide: Vec<i64>| TensorProto {
		name: Some("w".into()),
		dims: vec![values.len().max(wide.len()) as i64],
		data_type: Some(data_type),
		int32_data: values,
		int64_data: wide,
		..Default::default()
	};
	let ones: Vec<i32> = (0..count as i32).map(|i| i % 100).collect();
	let wide: Vec<i64> = ones.iter().map(|&x| x.into()).collect();
	let codes: Vec<u8> = (0..count).map(|i| (i % 251) as u8).collect();
	let raw = |data_type, dims: usize| tensor("w", data_type, &[dims as i64], codes.clone());
	vec![
		("int64 in a byte each", added(typed(DataType::INT64, vec![], wide))),
		("int64 that is turned", {
			let mut wide = typed(DataType::INT64, vec![], ones.iter().map(|&x| x.into()).collect());
			wide.dims = vec![1 << 10, (count >> 10) as i64];
			let net = Net::new().initializer(wide);
			many(net, 12, "Transpose", &["w"], Vec::new)
		}),
		("uint8 in a list", added(typed(DataType::UINT8, ones.clone(), vec![]))),
		(
			"bool in a list",
			added(typed(DataType::BOOL, ones.iter().map(|x| x % 2).collect(), vec![])),
		),
		("int4", added(raw(DataType::INT4, count * 2))),
		("float4", added(raw(DataType::FLOAT4E2M1, count * 2))),
		(
			"float8",
			added(tensor(
				"w",
				DataType::FLOAT8E5M2,
				&[count as i64],
				codes.iter().map(|x| x & 0x77).collect(),
			)),
		),
		("uint8", added(raw(DataType::UINT8, count))),
		(
			"infinities",
			Net::new()
				.floats("x", &[1])
				.weight("w", &[count as i64], &vec![f32::INFINITY; count])
				.node("Add", &["x", "w"], &["y"])
				.output("y"),
		),
		(
			"NonZero",
			Net::new()
				.floats("x", &[1])
				.initializer(tensor("w", DataType::BOOL, &[count as i64], vec![1; count]))
				.node("NonZero", &["w"], &["i"])
				.node_with("Cast", &["i"], &["f"], vec![("to", A::Int(1))])
				.node("Add", &["x", "f"], &["y"])
				.output("y"),
		),
		(
			"a shape of bytes",
			Net::new()
				.floats("x", &[1])
				.initializer(raw(DataType::UINT8, count))
				.node("Reshape", &["x", "w"], &["y"])
				.output("y"),
		),
	]
}

#[test]
fn hostile_files_take_a_bounded_amount_of_memory() {
	let mut over = Vec::new();
	let files = [expanding(), fitting(), repeating(), reading(), packed(), listed(), results()];
	for (name, net) in files.into_iter().flatten() {
		let file = net.bytes();
		drop(net);
		let start = Instant::now();
		let (result, peak) = counting::peak(|| {
			compile(&file, &CompileOptions::default()).map(|compiled| compiled.weights.len())
		});
		let (took, most) = (start.elapsed(), most_memory(file.len() as u64));
		let said = match result {
			Ok(weights) => format!("{weights} bytes of weights"),
			Err(error) => error.to_string().chars().take(140).collect(),
		};
		eprintln!(
			"{name:28} {:9} B {:5} MiB of {:5} {took:8.2?}  {said}",
			file.len(),
			peak >> 20,
			most >> 20
		);
		if peak as u64 > most || took > SOON {
			over.push(name);
		}
	}
	assert!(over.is_empty(), "over the bound: {over:?}");
}
