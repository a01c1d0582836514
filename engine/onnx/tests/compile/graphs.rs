//! Graphs as exporters write them: unsorted, with a weight for every use, with functions of their own; and parts
//! of them.

use assay_onnx::{compile, CompileError, CompileOptions, Compiled, ErrorKind};
use assay_testing::onnx::net::{self, f32s, floats_of, tensor, Net, A, D};
use rten_onnx::onnx::DataType;

#[test]
fn nodes_in_any_order() {
	let net = Net::new().floats("x", &[2]).node("Neg", &["a"], &["y"]);
	let net = net.node("Add", &["b", "x"], &["a"]).node("Relu", &["x"], &["b"]).output("y");
	assert_eq!(net.run_f32(&[&[1.0, -2.0]]), [-2.0, 2.0]);
	let circle = Net::new().floats("x", &[2]).node("Add", &["x", "b"], &["a"]);
	let circle = circle.node("Add", &["x", "a"], &["b"]).output("b").error();
	assert!(circle.to_string().contains("the Add that makes it needs"), "{circle}");
}

/// A name that an inner graph has itself is that one: what is called so around it is not read, and may come later.
#[test]
fn names_of_inner_graphs_hide_those_around_them() {
	let branch = |op: &str| {
		let net = Net::new().node(op, &["x"], &["y"]).node("Relu", &["y"], &["b"]).output("b");
		A::Graph(net)
	};
	let net = Net::new().floats("x", &[2]).input("c", DataType::BOOL, &[]);
	let branches = vec![("then_branch", branch("Neg")), ("else_branch", branch("Abs"))];
	let net = net.node_with("If", &["c"], &["a"], branches).node("Exp", &["a"], &["y"]).output("y");
	for (condition, expected) in [(1, [0.0, 2.0]), (0, [1.0, 2.0])] {
		let found = net.run(&[f32s(&[1.0, -2.0]), vec![condition]]);
		assert_eq!(floats_of(&found[0]), expected.map(f32::exp));
	}
	// A body's input is its own too.
	let body = Net::new().input("i", DataType::INT64, &[]).input("c", DataType::BOOL, &[]);
	let body =
		body.floats("y", &[]).node("Add", &["y", "x"], &["z"]).node("Identity", &["c"], &["d"]);
	let body = vec![("body", A::Graph(body.output("d").output("z")))];
	let net = Net::new().floats("x", &[1]).list("trips", &[3]);
	let net = net.node_with("Loop", &["trips", "", "x"], &["a"], body);
	let net = net.node("Neg", &["a"], &["y"]).output("y");
	assert_eq!(net.run_f32(&[&[2.0]]), [-8.0]);
	// A circle inside does not take what is called so outside.
	let circle =
		Net::new().node("Add", &["x", "q"], &["p"]).node("Neg", &["p"], &["q"]).output("q");
	let net =
		Net::new().floats("x", &[1]).node("Neg", &["x"], &["q"]).input("c", DataType::BOOL, &[]);
	let other = Net::new().node("Neg", &["x"], &["b"]).output("b");
	let branches = vec![("then_branch", A::Graph(circle)), ("else_branch", A::Graph(other))];
	let net = net.node_with("If", &["c"], &["a"], branches).node("Add", &["a", "q"], &["y"]);
	let error = net.output("y").error().to_string();
	assert!(error.contains("`p`, and the Add that makes it needs"), "{error}");
}

#[test]
fn a_weight_that_is_there_twice() {
	let net = |second: f32| {
		let net =
			Net::new().floats("x", &[1]).weight("w", &[1], &[2.0]).weight("w", &[1], &[second]);
		net.node("Mul", &["x", "w"], &["y"]).output("y")
	};
	assert_eq!(net(2.0).run_f32(&[&[3.0]]), [6.0]);
	assert!(net(3.0).error().to_string().contains("two different weights"));
}

fn compiled(net: &Net, outputs: &[&str]) -> Result<Compiled, CompileError> {
	let outputs = outputs.iter().map(|&name| name.into()).collect();
	compile(&net.bytes(), &CompileOptions { outputs, ..Default::default() })
}

/// What only other outputs need may even be what nothing supports.
#[test]
fn outputs_that_are_wanted() {
	let net = Net::new().floats("x", &[2]).node("Neg", &["x"], &["a"]).node("Abs", &["x"], &["b"]);
	let net = net.node("Unique", &["x"], &["c"]).output("a").output("b").output("c");
	assert_eq!(net.error().kind, ErrorKind::UnsupportedOperator);
	let both = compiled(&net, &["b", "a"]).unwrap();
	let names: Vec<&str> = both.manifest.outputs.iter().map(|port| port.name.as_str()).collect();
	assert_eq!(names, ["a", "b"], "in the model's order");
	let one = compiled(&net, &["b"]).unwrap();
	assert_eq!(floats_of(&net::run(&one, &[f32s(&[-1.0, 2.0])])[0]), [1.0, 2.0]);
	let error = compiled(&net, &["d"]).unwrap_err();
	assert_eq!(error.kind, ErrorKind::UnknownName);
	assert!(error.to_string().contains("its outputs are: `a`, `b`, `c`"), "{error}");
}

#[test]
fn a_result_without_elements_is_named() {
	let empty = tensor("e", DataType::FLOAT, &[0, 2], Vec::new());
	let net = Net::new().floats("x", &[2]).initializer(empty).node("Neg", &["x"], &["y"]);
	let net = net.node("Identity", &["e"], &["z"]).output("y").output("z");
	let error = net.error().to_string();
	assert!(error.starts_with("output `z`: it is empty"), "{error}");
	assert!(error.contains("--outputs"), "{error}");
	compiled(&net, &["y"]).unwrap();
}

/// Names of dimensions that name nothing: a shape wins.
#[test]
fn shapes_win_over_symbols() {
	let net = |symbol: &'static str| {
		let dims = [D::Name(symbol), D::N(3), D::Name(symbol), D::Name(symbol)];
		let net = Net::new().input("x", DataType::FLOAT, &dims);
		net.node("Neg", &["x"], &["y"]).output("y").bytes()
	};
	let options =
		CompileOptions { shapes: [("x".into(), vec![1, 3, 4, 5])].into(), ..Default::default() };
	for symbol in ["?", "N", "-1", "None", ""] {
		let compiled = compile(&net(symbol), &options).unwrap();
		assert_eq!(compiled.manifest.outputs[0].shape, [1, 3, 4, 5], "{symbol}");
		assert!(compiled.manifest.dims.is_empty());
	}
	// A name that says something is believed.
	let two = Net::new().input("x", DataType::FLOAT, &[D::Name("N")]);
	let two = two.input("z", DataType::FLOAT, &[D::Name("N")]).node("Add", &["x", "z"], &["y"]);
	let shapes = [("x".into(), vec![3]), ("z".into(), vec![4])].into();
	let options = CompileOptions { shapes, ..Default::default() };
	assert!(compile(&two.output("y").bytes(), &options).is_err());
}

/// A sparse weight has its zeros, wherever its elements are said to be.
#[test]
fn sparse_weights() {
	let values = tensor("w", DataType::FLOAT, &[2], f32s(&[5.0, 7.0]));
	let file = |dims: &[i64], at: &[i64]| {
		let indices = tensor("", DataType::INT64, dims, net::i64s(at));
		// SparseTensorProto: values, indices, dims; then sparse_initializer of the graph.
		let encode = |tensor: &rten_onnx::onnx::TensorProto| {
			let mut net = Net::new();
			net.graph().initializer.push(tensor.clone());
			inner(&inner(&net.bytes(), 7), 5)
		};
		let mut sparse = field(1, &encode(&values));
		sparse.extend(field(2, &encode(&indices)));
		sparse.extend([3 << 3, 2, 3 << 3, 3]);
		let net = Net::new().floats("x", &[2, 3]).node("Mul", &["x", "w"], &["y"]).output("y");
		let mut bytes = net.bytes();
		let mut graph = inner(&bytes, 7);
		graph.extend(field(15, &sparse));
		bytes.extend(field(7, &graph));
		bytes
	};
	let run = |bytes: &[u8]| {
		compile(bytes, &CompileOptions::default())
			.map(|compiled| floats_of(&net::run(&compiled, &[f32s(&[1.0; 6])])[0]))
	};
	assert_eq!(run(&file(&[2], &[1, 5])).unwrap(), [0.0, 5.0, 0.0, 0.0, 0.0, 7.0]);
	assert_eq!(run(&file(&[2, 2], &[0, 2, 1, 0])).unwrap(), [0.0, 0.0, 5.0, 7.0, 0.0, 0.0]);
	for (dims, at) in
		[(&[2][..], &[1, 6][..]), (&[2], &[-1, 0]), (&[2, 2], &[0, 3, 0, 0]), (&[1], &[0])]
	{
		assert_eq!(run(&file(dims, at)).unwrap_err().kind, ErrorKind::Invalid, "{at:?}");
	}
}

/// A field of bytes in the Protocol Buffers format.
fn field(number: u64, body: &[u8]) -> Vec<u8> {
	let mut out = Vec::new();
	for mut value in [number << 3 | 2, body.len() as u64] {
		while value >= 0x80 {
			out.push(value as u8 | 0x80);
			value >>= 7;
		}
		out.push(value as u8);
	}
	out.extend_from_slice(body);
	out
}

/// The body of the last field of this number, all of whose neighbours are short or of bytes.
fn inner(bytes: &[u8], number: u64) -> Vec<u8> {
	fn varint(rest: &mut &[u8]) -> u64 {
		let mut value = 0;
		for shift in (0..64).step_by(7) {
			let (&byte, after) = rest.split_first().unwrap();
			*rest = after;
			value |= u64::from(byte & 0x7f) << shift;
			if byte < 0x80 {
				break;
			}
		}
		value
	}
	let (mut rest, mut found) = (bytes, Vec::new());
	while !rest.is_empty() {
		let key = varint(&mut rest);
		let length = varint(&mut rest);
		if key & 7 == 2 {
			let (body, after) = rest.split_at(length as usize);
			rest = after;
			if key >> 3 == number {
				found = body.to_vec();
			}
		}
	}
	found
}

/// The nodes of a net as a function's fields.
fn body(net: &Net) -> Vec<u8> {
	let (mut rest, mut nodes) = (inner(&net.bytes(), 7), Vec::new());
	// One node after another is taken off the front: it is field 1 of the graph.
	while let Some((&10, _)) = rest.split_first() {
		let mut length = 0usize;
		let mut at = 1;
		for shift in (0..).step_by(7) {
			length |= usize::from(rest[at] & 0x7f) << shift;
			at += 1;
			if rest[at - 1] < 0x80 {
				break;
			}
		}
		nodes.extend(field(7, &rest[at..at + length]));
		rest.drain(..at + length);
	}
	nodes
}

/// FunctionProto of domain `own`, with operator set 17.
fn function(name: &str, inputs: &[&str], outputs: &[&str], nodes: &[u8], more: &[u8]) -> Vec<u8> {
	let mut out = field(1, name.as_bytes());
	inputs.iter().for_each(|name| out.extend(field(4, name.as_bytes())));
	outputs.iter().for_each(|name| out.extend(field(5, name.as_bytes())));
	out.extend(nodes);
	out.extend(field(9, &[2 << 3, 17]));
	out.extend(field(10, b"own"));
	out.extend(more);
	field(25, &out)
}

/// A model of one call of a function from `x` to `y`, with functions.
fn calling(name: &str, inputs: &[&str], functions: &[Vec<u8>]) -> Vec<u8> {
	let mut net = Net::new().floats("x", &[2]).weight("w", &[1], &[10.0]);
	net = net.node(name, inputs, &["y"]).output("y");
	net.graph().node[0].domain = Some("own".into());
	let mut bytes = net.bytes();
	functions.iter().for_each(|function| bytes.extend(function));
	bytes
}

fn result(bytes: &[u8]) -> Result<Vec<f32>, String> {
	let compiled = compile(bytes, &CompileOptions::default()).map_err(|error| error.to_string())?;
	Ok(floats_of(&net::run(&compiled, &[f32s(&[1.0, -2.0])])[0]))
}

#[test]
fn functions_of_the_model() {
	let twice = body(&Net::new().node("Add", &["a", "a"], &["r"]));
	let twice = function("Twice", &["a"], &["r"], &twice, &[]);
	assert_eq!(
		result(&calling("Twice", &["x"], std::slice::from_ref(&twice))),
		Ok(vec![2.0, -4.0])
	);
	// One that calls another, whose names are its own.
	let mut inside = Net::new().node("Twice", &["a"], &["b"]).node("Neg", &["b"], &["r"]);
	inside.graph().node[0].domain = Some("own".into());
	let outer = function("Outer", &["a"], &["r"], &body(&inside), &[]);
	assert_eq!(result(&calling("Outer", &["x"], &[twice, outer])), Ok(vec![-2.0, 4.0]));
}

#[test]
fn names_outside_of_a_function_mean_nothing_in_it() {
	let open = body(&Net::new().node("Mul", &["a", "w"], &["r"]));
	let error = result(&calling("Open", &["x"], &[function("Open", &["a"], &["r"], &open, &[])]));
	assert!(error.clone().unwrap_err().contains("`w`"), "{error:?}");
}

#[test]
fn operands_that_a_call_leaves_out() {
	let clip = body(&Net::new().node("Clip", &["a", "low", "high"], &["r"]));
	let clip = function("Keep", &["a", "low", "high"], &["r"], &clip, &[]);
	assert_eq!(result(&calling("Keep", &["x"], std::slice::from_ref(&clip))), Ok(vec![1.0, -2.0]));
	assert!(result(&calling("Keep", &["x", "w", "w", "w"], &[clip])).is_err());
}

#[test]
fn attributes_of_a_call() {
	// AttributeProto: name, type INT or FLOAT, and a reference to the call's attribute of that name.
	let reference = |name: &str, of: &str, kind: u8| {
		[field(1, name.as_bytes()), vec![0xa0, 1, kind], field(21, of.as_bytes())].concat()
	};
	let node = [
		field(1, b"a"),
		field(2, b"r"),
		field(4, b"LeakyRelu"),
		field(5, &reference("alpha", "slope", 1)),
	];
	let node = field(7, &node.concat());
	let default = [field(1, b"slope"), vec![0x15, 0, 0, 0, 0x3f, 0xa0, 1, 1]].concat();
	let with_default = function("Leak", &["a"], &["r"], &node, &field(11, &default));
	assert_eq!(result(&calling("Leak", &["x"], &[with_default])), Ok(vec![1.0, -1.0]));
	let without = function("Leak", &["a"], &["r"], &node, &field(6, b"slope"));
	let error = result(&calling("Leak", &["x"], &[without])).unwrap_err();
	assert!(error.contains("`slope` is missing"), "{error}");
}

/// What a call has counts before anything is made of it, however often it is repeated.
#[test]
fn calls_are_charged_before_they_are_made() {
	let mut net = Net::new().input("i", DataType::INT64, &[]).input("c", DataType::BOOL, &[]);
	net = net.floats("a", &[]).node("Keep", &["a"], &["b"]);
	net.graph().node[0].domain = Some("own".into());
	let body = net.node("Identity", &["c"], &["d"]).output("d").output("b");
	let mut net = Net::new().floats("x", &[1]).list("trips", &[16_000]);
	let attributes = vec![("body", A::Graph(body))];
	net = net.node_with("Loop", &["trips", "", "x"], &["y"], attributes).output("y");
	// 100,000 attributes that no node reads.
	let names: Vec<u8> = (0..100_000u32).flat_map(|i| field(6, i.to_string().as_bytes())).collect();
	let inside = self::body(&Net::new().node("Identity", &["a"], &["r"]));
	let mut bytes = net.bytes();
	bytes.extend(function("Keep", &["a"], &["r"], &inside, &names));
	let start = std::time::Instant::now();
	let error = result(&bytes).unwrap_err();
	assert!(error.contains("bodies of loops and functions"), "{error}");
	assert!(start.elapsed().as_secs() < 30, "{:?}", start.elapsed());
}

#[test]
fn a_function_that_calls_itself_ends() {
	let mut net = Net::new().node("Again", &["a"], &["r"]);
	net.graph().node[0].domain = Some("own".into());
	let again = function("Again", &["a"], &["r"], &body(&net), &[]);
	let error = result(&calling("Again", &["x"], &[again])).unwrap_err();
	assert!(error.contains("deep"), "{error}");
}
