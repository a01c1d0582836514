//! Damaged and adversarial files: an error or a valid program, never a panic, and soon.

use assay_onnx::{compile, CompileOptions, ErrorKind};
use assay_referee::OpKind;
use assay_testing::onnx::net::{noise, tensor, Net, A, D};
use proptest::prelude::*;
use rten_onnx::onnx::DataType;

/// A model with many operators and few weights, so that mutations hit structure.
fn varied() -> Vec<u8> {
	let one = tensor("", DataType::INT64, &[1], 3i64.to_le_bytes().to_vec());
	Net::new()
		.opset(18)
		.input("x", DataType::FLOAT, &[D::N(1), D::N(2), D::N(6), D::N(6)])
		.weight("w", &[4, 2, 3, 3], &noise(72, 1))
		.weight("b", &[4], &noise(4, 2))
		.weight("g", &[42, 3], &noise(126, 3))
		.list("axes", &[1])
		.list("starts", &[0])
		.list("ends", &[i64::MAX])
		.list("steps", &[2])
		.list("pads", &[0, 0, 1, 1, 0, 0, 0, 1])
		.list("repeats", &[1, 2, 1, 1])
		.list("split", &[3, 1])
		.list("shape", &[0, -1])
		.list("two", &[0, 2])
		.node_with("Conv", &["x", "w", "b"], &["c"], vec![("pads", A::Ints(vec![1, 1, 1, 1]))])
		.node("HardSwish", &["c"], &["h"])
		.node_with("MaxPool", &["h"], &["p"], vec![("kernel_shape", A::Ints(vec![2, 2]))])
		.node("Slice", &["p", "starts", "ends", "axes", "steps"], &["s"])
		.node("Pad", &["s", "pads"], &["q"])
		.node("Tile", &["q", "repeats"], &["t"])
		.node_with("Split", &["t", "split"], &["u", "v"], vec![("axis", A::Int(1))])
		.node_with("Concat", &["v", "u"], &["k"], vec![("axis", A::Int(1))])
		.node("ReduceMean", &["k", "axes"], &["m"])
		.node("Shape", &["m"], &["ms"])
		.node_with("ConstantOfShape", &["ms"], &["f"], vec![("value", A::Tensor(one))])
		.node_with("Cast", &["f"], &["ff"], vec![("to", A::Int(1))])
		.node("Mul", &["m", "ff"], &["mm"])
		.node("Reshape", &["mm", "shape"], &["r"])
		.node("MatMul", &["r", "g"], &["y"])
		.node_with("Gather", &["y", "two"], &["z"], vec![("axis", A::Int(1))])
		.node("Softmax", &["z"], &["out"])
		.node_with("ArgMax", &["y"], &["best"], vec![("axis", A::Int(1))])
		.output("out")
		.output("best")
		.bytes()
}

/// What compiles must be a valid program that fits its weights.
fn survives_with(bytes: &[u8], options: &CompileOptions) {
	match compile(bytes, options) {
		Ok(compiled) => {
			compiled.program.check().unwrap();
			compiled.bundle().unwrap();
			assert!(compiled.weights.len() < 64 << 20);
		},
		Err(error) => assert!(error.to_string().len() < 4000, "{error}"),
	}
}

fn survives(bytes: &[u8]) {
	survives_with(bytes, &CompileOptions::default());
}

#[test]
fn the_undamaged_model_compiles() {
	let compiled = compile(&varied(), &CompileOptions::default()).unwrap();
	assert_eq!(compiled.manifest.outputs.len(), 2);
	assert_eq!(compiled.manifest.outputs[1].shape, [1, 1]);
}

#[test]
fn every_truncation() {
	let bytes = varied();
	for len in 0..bytes.len() {
		survives(&bytes[..len]);
	}
}

#[test]
fn every_byte_changed() {
	let bytes = varied();
	for at in 0..bytes.len() {
		for value in [0, 0x7f, 0x80, 0xff, bytes[at] ^ 1, bytes[at].wrapping_add(1)] {
			let mut damaged = bytes.clone();
			damaged[at] = value;
			survives(&damaged);
		}
	}
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(300))]

	#[test]
	fn digits_with_damage(
		damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
		cut in prop::option::of(any::<prop::sample::Index>()),
	) {
		let mut bytes = include_bytes!("../../../../models/digits/digits.onnx").to_vec();
		for (at, value) in damage {
			// Half of the hits go to the graph's nodes, which come first.
			let len = if value & 1 == 0 { 700 } else { bytes.len() };
			bytes[at.index(len)] = value;
		}
		if let Some(cut) = cut {
			bytes.truncate(cut.index(bytes.len()));
		}
		let options = CompileOptions { dims: [("N".into(), 1)].into(), ..Default::default() };
		survives_with(&bytes, &options);
	}

	#[test]
	fn several_bytes_changed(
		damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 2..6),
	) {
		let mut bytes = varied();
		for (at, value) in damage {
			let at = at.index(bytes.len());
			bytes[at] = value;
		}
		survives(&bytes);
	}

	#[test]
	fn noise_is_refused(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
		let error = compile(&bytes, &CompileOptions::default()).unwrap_err();
		prop_assert_ne!(error.kind, ErrorKind::LeafLimit);
	}
}

/// A varint's bytes, last one first.
fn reversed_varint(mut value: usize) -> Vec<u8> {
	let mut bytes = Vec::new();
	while value > 0x7f {
		bytes.push(value as u8 | 0x80);
		value >>= 7;
	}
	bytes.push(value as u8);
	bytes.reverse();
	bytes
}

#[test]
fn nested_graphs_do_not_exhaust_the_stack() {
	// A graph in an attribute of a node of a graph …, 50,000 deep, written from its end.
	let mut reversed: Vec<u8> = Vec::new();
	for _ in 0..50_000 {
		for key in [0x32, 0x2a, 0x0a] {
			reversed.extend(reversed_varint(reversed.len()));
			reversed.push(key);
		}
	}
	reversed.extend(reversed_varint(reversed.len()));
	reversed.extend([0x3a, 17, 0x10, 2, 0x42]);
	reversed.reverse();
	let error = compile(&reversed, &CompileOptions::default()).unwrap_err();
	assert_eq!(error.kind, ErrorKind::TooLarge, "{error}");
	assert!(error.to_string().contains("inside one another"), "{error}");
}

#[test]
fn endless_parts_are_refused() {
	// A graph of a million empty nodes.
	let nodes = [0x0a, 0x00].repeat(1_000_000);
	let mut bytes = vec![0x42, 2, 0x10, 17, 0x3a, 0x80, 0x89, 0x7a];
	bytes.extend_from_slice(&nodes);
	let error = compile(&bytes, &CompileOptions::default()).unwrap_err();
	assert_eq!(error.kind, ErrorKind::TooLarge);
	assert!(error.to_string().contains("more than 262144 parts"), "{error}");
}

#[test]
fn costly_constants_are_left_to_run_time() {
	let mut net = Net::new().floats("x", &[1]).list("s", &[1 << 20]);
	net = net.node("ConstantOfShape", &["s"], &["c0"]);
	for i in 0..100 {
		net = net.node("Exp", &[&format!("c{i}")], &[&format!("c{}", i + 1)]);
	}
	let start = std::time::Instant::now();
	let compiled = net.node("Add", &["x", "c100"], &["y"]).output("y").compile();
	let steps = compiled.program.ops.iter().map(|op| match op.kind {
		OpKind::Map(steps) => steps.as_slice().len(),
		_ => 1,
	});
	assert!(steps.sum::<usize>() > 90);
	assert!(start.elapsed().as_secs() < 20, "{:?}", start.elapsed());
}

/// Operands of no elements, of too few dimensions or of other types than their operator takes.
#[test]
fn operands_that_do_not_suit_their_operator() {
	fn refused(mut net: Net, domain: &str) {
		net.graph().node[0].domain = Some(domain.into());
		net.0.opset_import[0].version = Some(28);
		let error = compile(&net.output("y").bytes(), &CompileOptions::default()).unwrap_err();
		assert!(matches!(error.kind, ErrorKind::Invalid | ErrorKind::Unsupported), "{error}");
	}
	let heads = vec![("num_heads", A::Int(1))];
	let flat = Net::new().floats("x", &[4, 8]);
	let flat = flat.node_with("MultiHeadAttention", &["x", "x", "x"], &["y"], heads);
	refused(flat, "com.microsoft");
	let none = |dims: &[i64]| tensor("e", DataType::FLOAT, dims, Vec::new());
	let conv = Net::new().floats("x", &[1]).initializer(none(&[1, 0, 5]));
	let conv = conv.initializer(tensor("w", DataType::FLOAT, &[0, 1, 1], Vec::new()));
	refused(conv.node("CausalConvWithState", &["e", "w"], &["y"]), "");
	let resize = Net::new().floats("x", &[1]).initializer(none(&[1, 1, 0, 4]));
	let resize = resize.list("s", &[1, 1, 5, 4]);
	refused(resize.node("Resize", &["e", "", "", "s"], &["y"]), "");
	let pool = Net::new().floats("x", &[1]).weight("s", &[], &[1.0]);
	let pool = pool.initializer(tensor("e", DataType::UINT8, &[0, 3, 4, 4], Vec::new()));
	let pool = pool.initializer(tensor("z", DataType::UINT8, &[], vec![0]));
	refused(
		pool.node("QLinearGlobalAveragePool", &["e", "s", "z", "s", "z"], &["y"]),
		"com.microsoft",
	);
	let table = Net::new().input("i", DataType::INT64, &[D::N(2)]).weight("s", &[4, 1], &[1.0; 4]);
	let table = table.initializer(tensor("t", DataType::UINT8, &[4, 8], vec![7; 32]));
	let table = table.weight("z", &[4, 1], &[1.0; 4]);
	let blocks = vec![("block_size", A::Int(16))];
	let gather = table.node_with("GatherBlockQuantized", &["t", "i", "s", "z"], &["y"], blocks);
	refused(gather, "com.microsoft");
	let grams = vec![
		("mode", A::Word("TF")),
		("ngram_indexes", A::Ints(vec![i64::MAX])),
		("ngram_counts", A::Ints(vec![0])),
		("pool_int64s", A::Ints(vec![1])),
		("min_gram_length", A::Int(1)),
		("max_gram_length", A::Int(1)),
		("max_skip_count", A::Int(0)),
	];
	let words = Net::new().input("x", DataType::INT64, &[D::N(3)]);
	let mut words = words.node_with("TfIdfVectorizer", &["x"], &["y"], grams).output("y");
	words.0.opset_import[0].version = Some(17);
	compile(&words.bytes(), &CompileOptions::default()).unwrap_err();
}
