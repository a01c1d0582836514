//! Branches and loops, folded, written out, or refused.

use assay_onnx::{compile, CompileOptions, ErrorKind};
use assay_testing::onnx::net::{f32s, floats_of, run, tensor, Net, A, D};
use rten_onnx::onnx::{DataType, GraphProto};

/// y = then(x) if the sampling rate is 16 else otherwise(x); `extra` lengthens one branch's result.
fn switch(then: &str, otherwise: &str) -> Net {
	let branch = |op: &str| A::Graph(Net::new().node(op, &["x"], &["inner"]).output("inner"));
	Net::new()
		.floats("x", &[2])
		.input("rate", DataType::INT64, &[])
		.initializer(tensor("sixteen", DataType::INT64, &[], 16i64.to_le_bytes().to_vec()))
		.node("Equal", &["rate", "sixteen"], &["is"])
		.node_with(
			"If",
			&["is"],
			&["y"],
			vec![("then_branch", branch(then)), ("else_branch", branch(otherwise))],
		)
		.output("y")
}

fn fixed(rate: i64) -> CompileOptions {
	CompileOptions { values: [("rate".to_owned(), vec![rate])].into(), ..Default::default() }
}

#[test]
fn a_known_condition_takes_one_branch() {
	// What the other branch holds does not matter, not even whether it can be compiled.
	let net = switch("Neg", "Unique");
	let compiled = compile(&net.bytes(), &fixed(16)).unwrap();
	assert_eq!(compiled.manifest.inputs.len(), 1);
	assert_eq!(compiled.program.ops.len(), 1);
	assert_eq!(floats_of(&run(&compiled, &[f32s(&[1.0, -2.0])])[0]), [-1.0, 2.0]);
	let error = compile(&net.bytes(), &fixed(8)).unwrap_err();
	assert_eq!(error.kind, ErrorKind::UnsupportedOperator);
	assert!(error.to_string().contains("`inner` (Unique)"), "{error}");
	let compiled = compile(&switch("Unique", "Abs").bytes(), &fixed(8)).unwrap();
	assert_eq!(floats_of(&run(&compiled, &[f32s(&[1.0, -2.0])])[0]), [1.0, 2.0]);
}

#[test]
fn an_unknown_condition_selects() {
	let net = switch("Neg", "Abs");
	let compiled = net.compile();
	for (rate, expected) in [(16i64, [-1.0, 2.0]), (8, [1.0, 2.0])] {
		let inputs = [f32s(&[1.0, -2.0]), rate.to_le_bytes().to_vec()];
		assert_eq!(floats_of(&run(&compiled, &inputs)[0]), expected);
	}
	let error = switch("Neg", "NonZero").error();
	assert!(error.to_string().contains("--set"), "{error}");
	let error = switch("Neg", "Shape").error();
	assert_eq!(error.kind, ErrorKind::DynamicShape);
	assert!(error.to_string().contains("--set"), "{error}");
}

#[test]
fn values_that_no_input_takes() {
	let net = switch("Neg", "Abs");
	let with = |name: &str, value: i64| {
		let values = [(name.to_owned(), vec![value])].into();
		compile(&net.bytes(), &CompileOptions { values, ..Default::default() }).unwrap_err().kind
	};
	assert_eq!(with("speed", 1), ErrorKind::UnknownName);
	assert_eq!(with("x", i64::MAX), ErrorKind::WrongShape);
}

/// One number for every element of an input, or one for all of them.
#[test]
fn several_numbers_of_an_input() {
	let net = Net::new().floats("x", &[1, 2]).input("size", DataType::INT64, &[D::N(2)]);
	let net = net.node("Expand", &["x", "size"], &["y"]).output("y");
	let with = |numbers: &[i64]| {
		let values = [("size".to_owned(), numbers.to_vec())].into();
		compile(&net.bytes(), &CompileOptions { values, ..Default::default() })
	};
	assert_eq!(with(&[3, 2]).unwrap().manifest.outputs[0].shape, [3, 2]);
	assert_eq!(with(&[2]).unwrap().manifest.outputs[0].shape, [2, 2]);
	for wrong in [&[][..], &[1, 2, 3]] {
		let error = with(wrong).unwrap_err();
		assert_eq!(error.kind, ErrorKind::WrongShape);
		assert!(error.to_string().contains("it has 2 elements"), "{error}");
	}
	let error = net.error().to_string();
	assert!(error.contains("--set INPUT=N[,N…]"), "{error}");
}

#[test]
fn graphs_nest_to_a_bound() {
	let nested = |depth: usize| {
		let mut graph = Net::new().node("Neg", &["x"], &["y0"]).output("y0");
		for level in 1..=depth {
			let (inner, name) = (graph, format!("y{level}"));
			let branches =
				vec![("then_branch", A::Graph(inner)), ("else_branch", A::Graph(Net::new()))];
			graph = Net::new().node_with("If", &["yes"], &[&name], branches).output(&name);
		}
		let mut net =
			Net::new().floats("x", &[1]).initializer(tensor("yes", DataType::BOOL, &[], vec![1]));
		let GraphProto { node, output, .. } = graph.0.graph.unwrap();
		net.graph().node = node;
		net.graph().output = output;
		net
	};
	assert_eq!(nested(16).run_f32(&[&[3.0]]), [-3.0]);
	assert_eq!(nested(17).error().kind, ErrorKind::TooLarge);
	assert_eq!(nested(2_000).error().kind, ErrorKind::TooLarge);
}

/// total += turn; doubled rows are collected: `total, rows = Loop(turns, go, total)`.
fn counting(turns: Option<i64>) -> Net {
	let body = Net::new()
		.input("turn", DataType::INT64, &[])
		.input("go", DataType::BOOL, &[])
		.floats("total", &[2])
		.node_with("Cast", &["turn"], &["number"], vec![("to", A::Int(1))])
		.node("Add", &["total", "number"], &["next"])
		.node("Add", &["next", "next"], &["row"])
		.node("Less", &["turn", "limit"], &["again"])
		.output("again")
		.output("next")
		.output("row");
	let net = Net::new()
		.floats("x", &[2])
		.initializer(tensor("limit", DataType::INT64, &[], 2i64.to_le_bytes().to_vec()))
		.initializer(tensor("go", DataType::BOOL, &[], vec![1]));
	let (net, first) = match turns {
		Some(turns) => {
			(net.initializer(tensor("n", DataType::INT64, &[], turns.to_le_bytes().to_vec())), "n")
		},
		None => (net, ""),
	};
	net.node_with("Loop", &[first, "go", "x"], &["total", "rows"], vec![("body", A::Graph(body))])
		.output("total")
		.output("rows")
}

#[test]
fn loops_are_written_out() {
	// The condition stops after turns 0, 1 and 2; two turns when that many are given.
	let outputs = counting(None).run(&[f32s(&[1.0, 5.0])]);
	assert_eq!(floats_of(&outputs[0]), [4.0, 8.0]);
	assert_eq!(outputs[1].shape, [3, 2]);
	assert_eq!(floats_of(&outputs[1]), [2.0, 10.0, 4.0, 12.0, 8.0, 16.0]);
	let outputs = counting(Some(2)).run(&[f32s(&[1.0, 5.0])]);
	assert_eq!(floats_of(&outputs[0]), [2.0, 6.0]);
}

#[test]
fn endless_loops_end() {
	let body = Net::new()
		.input("turn", DataType::INT64, &[])
		.input("go", DataType::BOOL, &[])
		.input("x", DataType::INT64, &[])
		.node("Identity", &["go"], &["again"])
		.node("Add", &["x", "x"], &["next"])
		.output("again")
		.output("next");
	let net = Net::new()
		.floats("unused", &[1])
		.initializer(tensor("go", DataType::BOOL, &[], vec![1]))
		.initializer(tensor("one", DataType::INT64, &[], 1i64.to_le_bytes().to_vec()))
		.node_with("Loop", &["", "go", "one"], &["y"], vec![("body", A::Graph(body))])
		.output("y");
	assert_eq!(net.error().kind, ErrorKind::TooLarge);
}

/// Running sums along an axis: `last, sums = Scan(start, x)`.
fn sums(attributes: Vec<(&'static str, A)>, dims: &[i64]) -> Net {
	let body = Net::new()
		.floats("sum", &[2])
		.floats("entry", &[2])
		.node("Add", &["sum", "entry"], &["next"])
		.node("Identity", &["next"], &["row"])
		.output("next")
		.output("row");
	let mut all = vec![("num_scan_inputs", A::Int(1)), ("body", A::Graph(body))];
	all.extend(attributes);
	Net::new()
		.floats("x", dims)
		.weight("start", &[2], &[0.0, 0.0])
		.node_with("Scan", &["start", "x"], &["last", "sums"], all)
		.output("last")
		.output("sums")
}

#[test]
fn scans_are_written_out() {
	let x = f32s(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
	let outputs = sums(Vec::new(), &[3, 2]).run(std::slice::from_ref(&x));
	assert_eq!(floats_of(&outputs[0]), [9.0, 12.0]);
	assert_eq!(floats_of(&outputs[1]), [1.0, 2.0, 4.0, 6.0, 9.0, 12.0]);
	let attributes = vec![
		("scan_input_axes", A::Ints(vec![1])),
		("scan_input_directions", A::Ints(vec![1])),
		("scan_output_axes", A::Ints(vec![-1])),
		("scan_output_directions", A::Ints(vec![1])),
	];
	// Columns from the last to the first; the sums stand in columns, the last first.
	let outputs = sums(attributes, &[2, 3]).run(&[x]);
	assert_eq!(floats_of(&outputs[0]), [6.0, 15.0]);
	assert_eq!(floats_of(&outputs[1]), [6.0, 5.0, 3.0, 15.0, 11.0, 6.0]);
}

#[test]
fn the_number_of_turns_must_be_known() {
	let mut net = counting(Some(2)).input("m", DataType::INT64, &[]);
	net.graph().node[0].input[0] = "m".into();
	let error = net.error();
	assert_eq!(error.kind, ErrorKind::DynamicShape);
	assert!(error.to_string().contains("--set"), "{error}");
	let values = [("m".to_owned(), vec![1])].into();
	let options = CompileOptions { values, ..Default::default() };
	let compiled = compile(&net.bytes(), &options).unwrap();
	assert_eq!(floats_of(&run(&compiled, &[f32s(&[1.0, 5.0])])[0]), [1.0, 5.0]);
}
