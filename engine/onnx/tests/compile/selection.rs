//! Operators that pick, put, order and sample, at the edges that the `onnx` package's node tests
//! leave out.

use assay_onnx::{compile, CompileOptions, ErrorKind};
use assay_referee::OpKind;
use assay_testing::onnx::net::{f32s, floats_of, i64s, i64s_of, noise, Net, A, D};
use rten_onnx::onnx::{DataType, ModelProto};

fn indices(net: Net, name: &str, dims: &[i64]) -> Net {
	let dims: Vec<D> = dims.iter().map(|&dim| D::N(dim)).collect();
	net.input(name, DataType::INT64, &dims)
}

#[test]
fn top_k_orders_ties_by_index_and_puts_nan_first() {
	let net = Net::new()
		.floats("x", &[6])
		.list("k", &[5])
		.node("TopK", &["x", "k"], &["values", "places"])
		.output("values")
		.output("places");
	let x = [1.0, f32::NAN, 3.0, -0.0, 3.0, 0.0];
	let found = net.run(&[f32s(&x)]);
	assert_eq!(i64s_of(&found[1]), [1, 2, 4, 0, 3]);
	assert_eq!(floats_of(&found[0])[1..], [3.0, 3.0, 1.0, -0.0]);
	let net = Net::new()
		.floats("x", &[6])
		.list("k", &[6])
		.node_with("TopK", &["x", "k"], &["v", "y"], vec![("largest", A::Int(0))])
		.output("y");
	assert_eq!(i64s_of(&net.run(&[f32s(&x)])[0]), [3, 5, 0, 2, 4, 1]);
}

/// More updates than one element may look at become a chain of ops that gives the same sums.
#[test]
fn scatters_of_any_length() {
	let (size, count) = (7, 20_000);
	let net = indices(Net::new().floats("x", &[size]), "at", &[count])
		.floats("new", &[count])
		.node_with(
			"ScatterElements",
			&["x", "at", "new"],
			&["y"],
			vec![("reduction", A::Word("add"))],
		)
		.output("y")
		.opset(18);
	let compiled = net.compile();
	let scatters = compiled.program.ops.iter().filter(|op| matches!(op.kind, OpKind::Scatter(_)));
	assert_eq!(scatters.count(), 3);
	let new: Vec<f32> = noise(count as usize, 1).iter().map(|x| (x * 8.0).round()).collect();
	let at: Vec<i64> =
		(0..count).map(|i| (i * i) % size - if i % 2 == 0 { size } else { 0 }).collect();
	let mut expected = vec![1.0; size as usize];
	for (&at, new) in at.iter().zip(&new) {
		expected[at.rem_euclid(size) as usize] += new;
	}
	let found = net.run(&[f32s(&[1.0; 7]), i64s(&at), f32s(&new)]);
	assert_eq!(floats_of(&found[0]), expected);
}

#[test]
fn updates_outside_of_the_axis_go_nowhere() {
	let net = indices(Net::new().floats("x", &[2, 3]), "at", &[1, 2])
		.floats("new", &[1, 2])
		.node_with("ScatterElements", &["x", "at", "new"], &["y"], vec![("axis", A::Int(1))])
		.output("y");
	let found = net.run(&[f32s(&[0.0; 6]), i64s(&[3, -1]), f32s(&[5.0, 6.0])]);
	assert_eq!(floats_of(&found[0]), [0.0, 0.0, 6.0, 0.0, 0.0, 0.0]);
}

#[test]
fn gathered_elements_of_several_batches() {
	let net = indices(Net::new().floats("x", &[2, 2, 3]), "at", &[2, 1, 2])
		.node_with("GatherElements", &["x", "at"], &["y"], vec![("axis", A::Int(2))])
		.output("y");
	let x: Vec<f32> = (0..12).map(|i| i as f32).collect();
	let found = net.run(&[f32s(&x), i64s(&[2, -3, 1, 0])]);
	assert_eq!(floats_of(&found[0]), [2.0, 0.0, 7.0, 6.0]);
}

/// Places between the images of a batch must not see the neighbour.
#[test]
fn images_are_sampled_apart() {
	let net = Net::new()
		.floats("x", &[2, 1, 1, 2])
		.floats("grid", &[2, 1, 2, 2])
		.node_with("GridSample", &["x", "grid"], &["y"], vec![("align_corners", A::Int(1))])
		.output("y")
		.opset(20);
	// Half a pixel right of the last and left of the first.
	let grid = [2.0, 0.0, -2.0, 0.0, 2.0, 0.0, -2.0, 0.0];
	assert_eq!(net.run_f32(&[&[1.0, 2.0, 4.0, 8.0], &grid]), [1.0, 0.5, 4.0, 2.0]);
}

#[test]
fn losses_of_ignored_targets_are_nothing() {
	let net = indices(Net::new().floats("x", &[2, 2]), "t", &[2])
		.node_with(
			"NegativeLogLikelihoodLoss",
			&["x", "t"],
			&["y"],
			vec![("ignore_index", A::Int(-100))],
		)
		.output("y");
	let found = net.run(&[f32s(&[-1.0, -2.0, f32::NAN, -4.0]), i64s(&[1, -100])]);
	assert_eq!(floats_of(&found[0]), [2.0]);
}

#[test]
fn what_a_hostile_file_asks_for_is_bounded() {
	let pool = |kernel: Vec<i64>| {
		Net::new()
			.floats("x", &[1, 1, 4, 4])
			.node_with("LpPool", &["x"], &["y"], vec![("kernel_shape", A::Ints(kernel))])
			.output("y")
			.error()
			.kind
	};
	assert_eq!(pool(vec![1 << 40, 1]), ErrorKind::Invalid);
	assert_eq!(pool(vec![1 << 20, 1]), ErrorKind::Invalid);
	assert_eq!(pool(vec![2]), ErrorKind::Invalid);
	let column = |image: &[i64], block: &[i64]| {
		Net::new()
			.floats("x", &[1, 4, 4])
			.list("image", image)
			.list("block", block)
			.node("Col2Im", &["x", "image", "block"], &["y"])
			.output("y")
			.opset(18)
			.error()
			.kind
	};
	assert_eq!(column(&[1 << 29, 2], &[1 << 15, 1 << 15]), ErrorKind::Invalid);
	assert_eq!(column(&[1 << 20, 1 << 20], &[2, 2]), ErrorKind::TooLarge);
	let transform = Net::new()
		.floats("x", &[1, 4, 1])
		.list("length", &[1 << 20])
		.node("DFT", &["x", "length"], &["y"])
		.output("y");
	assert_eq!(transform.error().kind, ErrorKind::TooLarge);
	let window =
		Net::new().list("size", &[1 << 30]).node("HannWindow", &["size"], &["y"]).output("y");
	assert_eq!(window.error().kind, ErrorKind::TooLarge);
}

/// No operator divides by the size of an input without elements, or counts down from it.
#[test]
fn inputs_without_elements_are_refused_or_give_nothing() {
	let readme = include_str!("../../README.md");
	let operators = readme.split('`').skip(1).step_by(2).filter(|word| !word.contains(' '));
	for op in operators {
		for dims in
			[&[0][..], &[0, 0], &[2, 0], &[1, 0, 4], &[1, 0, 4, 4], &[0, 2, 4, 4], &[1, 2, 4, 0]]
		{
			let attributes = || {
				vec![
					("kernel_shape", A::Ints(vec![1; dims.len().saturating_sub(2)])),
					("num_groups", A::Int(1)),
					("reverse", A::Int(1)),
					("exclusive", A::Int(1)),
					("size", A::Int(1)),
					("blocksize", A::Int(1)),
				]
			};
			for version in [12, 17, 22] {
				let net = Net::new().weight("x", dims, &[]).list("n", &[1]).opset(version);
				let inputs = ["x", "x", "x", "x", "x"];
				for count in 1..=5 {
					let net = net_of(&net, op, &inputs[..count], attributes());
					let _ = compile(&net.bytes(), &CompileOptions::default());
				}
				let net = net_of(&net, op, &["x", "n"], attributes());
				let _ = compile(&net.bytes(), &CompileOptions::default());
			}
		}
	}
}

fn net_of(net: &Net, op: &str, inputs: &[&str], attributes: Vec<(&str, A)>) -> Net {
	let copy = ModelProto::parse_buf(&net.bytes()).unwrap();
	Net(copy).node_with(op, inputs, &["y", "z"], attributes).output("y").output("z")
}

#[test]
fn index_expressions() {
	let product = |equation: &'static str, a: &[i64], b: &[i64]| {
		Net::new()
			.floats("a", a)
			.floats("b", b)
			.node_with("Einsum", &["a", "b"], &["y"], vec![("equation", A::Word(equation))])
			.output("y")
	};
	let (a, b) = ([1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0]);
	let matrix = product("ij,jk->ki", &[2, 2], &[2, 2]);
	assert_eq!(matrix.run_f32(&[&a, &b]), [19.0, 43.0, 22.0, 50.0]);
	let scores = product("b i d , b j d -> b i j", &[2, 1, 2], &[2, 1, 2]);
	assert_eq!(scores.run_f32(&[&a, &b]), [17.0, 53.0]);
	let trace = product("ii,jk", &[2, 2], &[2, 2]);
	assert_eq!(trace.run_f32(&[&a, &b]), [25.0, 30.0, 35.0, 40.0]);
	let last = product("...k,k->...", &[2, 2], &[2]);
	assert_eq!(last.run_f32(&[&a, &b[..2]]), [17.0, 39.0]);
	for wrong in ["ij,jk->im", "ij->ij", "ijk,jk->ik", "ij,jk->iik", "i1,jk->i"] {
		assert_eq!(product(wrong, &[2, 2], &[2, 2]).error().kind, ErrorKind::Invalid, "{wrong}");
	}
}

#[test]
fn coordinates_of_a_constant() {
	let net = Net::new()
		.weight("x", &[2, 3], &[0.0, 1.0, -0.0, 2.0, 0.0, 3.0])
		.node("NonZero", &["x"], &["y"])
		.output("y");
	assert_eq!(i64s_of(&net.run(&[])[0]), [0, 1, 1, 1, 0, 2]);
	let net = Net::new().floats("x", &[3]).node("NonZero", &["x"], &["y"]).output("y");
	assert_eq!(net.error().kind, ErrorKind::DynamicShape);
}

#[test]
fn running_sums() {
	let sums = |attributes: Vec<(&str, A)>| {
		Net::new()
			.floats("x", &[5])
			.list("axis", &[0])
			.node_with("CumSum", &["x", "axis"], &["y"], attributes)
			.output("y")
			.run_f32(&[&[1.0, 2.0, 3.0, 4.0, 5.0]])
	};
	assert_eq!(sums(vec![]), [1.0, 3.0, 6.0, 10.0, 15.0]);
	assert_eq!(sums(vec![("exclusive", A::Int(1))]), [0.0, 1.0, 3.0, 6.0, 10.0]);
	assert_eq!(sums(vec![("reverse", A::Int(1))]), [15.0, 14.0, 12.0, 9.0, 5.0]);
}

#[test]
fn powers_of_integers_are_exact() {
	let net = indices(Net::new(), "x", &[3])
		.list("y", &[3, 0, 33])
		.node("Pow", &["x", "y"], &["z"])
		.output("z");
	let found = net.run(&[i64s(&[-2_000_001, 0, 3])]);
	assert_eq!(i64s_of(&found[0]), [-8_000_012_000_006_000_001, 1, 3i64.pow(33)]);
}
