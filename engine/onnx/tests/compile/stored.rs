//! What a program stores: nothing that its readers may as well compute again, nothing in an order in which
//! nobody reads it.

use assay_onnx::Compiled;
use assay_referee::OpKind;
use assay_testing::onnx::net::{f32s, noise, run, Net, A};

fn kinds(compiled: &Compiled) -> Vec<String> {
	compiled.program.ops.iter().map(|op| op.kind.to_string()).collect()
}

/// Checks that `net` gives the bits for `y` that it gives where the values `stored`, which a program of
/// it alone would not store, are outputs too.
fn same_as_stored(net: impl Fn() -> Net, stored: &[&str], inputs: &[&[f32]]) {
	let inputs: Vec<Vec<u8>> = inputs.iter().map(|x| f32s(x)).collect();
	let alone = run(&net().output("y").compile(), &inputs);
	let with = stored.iter().fold(net().output("y"), |net, name| net.output(name));
	let with = run(&with.compile(), &inputs);
	assert_eq!(alone[0].bytes, with[0].bytes, "{stored:?}");
}

/// A softmax of `x · scale + mask` as exporters write it out, for rows of `k`.
fn softmax(k: i64) -> Net {
	let last = || vec![("axes", A::Ints(vec![-1]))];
	Net::new()
		.floats("x", &[4, k])
		.weight("scale", &[], &[0.25])
		.weight("mask", &[1, k], &noise(k as usize, 1))
		.list("last", &[-1])
		.node("Mul", &["x", "scale"], &["scaled"])
		.node("Add", &["scaled", "mask"], &["b"])
		.node_with("ReduceMax", &["b"], &["m"], last())
		.node("Sub", &["b", "m"], &["d"])
		.node("Exp", &["d"], &["e"])
		.node("ReduceSum", &["e", "last"], &["s"])
		.node("Div", &["e", "s"], &["y"])
}

#[test]
fn a_softmax_stores_its_result_only() {
	let found = |k| kinds(&softmax(k).output("y").compile());
	let whole = ["MapReduce(Max) of 2 steps", "MapReduce(Sum) of 4 steps", "Map of 5 steps"];
	assert_eq!(found(20), whole);
	// As far as one element of the sum may be judged on chain.
	assert_eq!(found(227), whole);
	let sum = ["Map of 2 steps", "Reduce(Max)", "MapReduce(Sum) of 2 steps", "Map of 3 steps"];
	assert_eq!(found(228), sum);
	assert_eq!(found(240), sum);
	let stored = ["MapReduce(Max) of 2 steps", "Map of 4 steps", "Reduce(Sum)", "Binary(Div)"];
	assert_eq!(found(241), stored);
	for k in [20, 228, 241] {
		let x = noise(4 * k as usize, 2);
		same_as_stored(|| softmax(k), &["b", "d", "e"], &[&x]);
	}
}

#[test]
fn a_normalisation_stores_its_result_and_numbers_per_row() {
	let net = || {
		Net::new()
			.floats("x", &[1, 3, 40])
			.floats("skip", &[1, 3, 40])
			.weight("gamma", &[40], &noise(40, 1))
			.weight("beta", &[40], &noise(40, 2))
			.node("Add", &["x", "skip"], &["sum"])
			.node("LayerNormalization", &["sum", "gamma", "beta"], &["y"])
	};
	let compiled = net().output("y").compile();
	let found = kinds(&compiled);
	assert_eq!(found[0], "MapReduce(Sum) of 1 steps");
	assert_eq!(found[2], "MapReduce(Sum) of 3 steps");
	assert_eq!(found[4..], ["Map of 5 steps"]);
	let full = compiled.program.ops.iter().filter(|op| op.shape.elements() == 120).count();
	assert_eq!(full, 1, "{found:?}");
	same_as_stored(net, &["sum"], &[&noise(120, 3), &noise(120, 4)]);
}

/// Over several axes at once, with an operand for each channel.
#[test]
fn a_pooling_takes_in_what_comes_before_it() {
	let net = |bias: &[i64]| {
		let count = bias.iter().product::<i64>() as usize;
		Net::new()
			.floats("x", &[2, 3, 4, 5])
			.weight("bias", bias, &noise(count, 1))
			.node("Add", &["x", "bias"], &["a"])
			.node("Relu", &["a"], &["r"])
			.node("GlobalMaxPool", &["r"], &["p"])
			.node("Flatten", &["p"], &["y"])
	};
	let x = noise(120, 2);
	for bias in [&[3, 1, 1][..], &[2, 3, 4, 5], &[1]] {
		let compiled = net(bias).output("y").compile();
		assert_eq!(kinds(&compiled), ["MapReduce(Max) of 2 steps"], "{bias:?}");
		same_as_stored(|| net(bias), &["r"], &[&x]);
	}
	// What varies along one of the axes is no row of their product.
	let found = kinds(&net(&[5]).output("y").compile());
	assert_eq!(found, ["Map of 2 steps", "Reduce(Max)"]);
}

/// Readers that an engine would not run together would each do the work.
#[test]
fn what_distant_readers_share_is_stored() {
	let net = Net::new()
		.floats("x", &[2, 3])
		.weight("w", &[3, 3], &noise(9, 1))
		.node("Exp", &["x"], &["e"])
		.node("Relu", &["e"], &["r"])
		.node("MatMul", &["r", "w"], &["p"])
		.node("Add", &["e", "p"], &["y"]);
	let found = kinds(&net.output("y").compile());
	assert_eq!(found, ["Unary(Exp)", "Unary(Relu)", "MatMul"]);
	let net = Net::new()
		.floats("x", &[2, 3])
		.node("Exp", &["x"], &["e"])
		.node("Relu", &["e"], &["r"])
		.node("Neg", &["e"], &["n"]);
	let found = kinds(&net.output("r").output("n").compile());
	assert_eq!(found, ["Unary(Exp)", "Unary(Relu)", "Unary(Neg)", "Pack"]);
}

/// Heads of 4 of the columns of a product of `[1, 5, 12]`.
fn heads(net: Net, name: &'static str, order: [i64; 4], seed: u32) -> Net {
	let named = |part: &str| format!("{name}_{part}");
	let (w, b, p, s, r) = (named("w"), named("b"), named("p"), named("s"), named("r"));
	net.weight(&w, &[12, 12], &noise(144, seed))
		.weight(&b, &[12], &noise(12, seed + 1))
		.node("MatMul", &["x", &w], &[&p])
		.node("Add", &[&p, &b], &[&s])
		.node("Reshape", &[&s, "split"], &[&r])
		.node_with("Transpose", &[&r], &[name], vec![("perm", A::Ints(order.to_vec()))])
}

#[test]
fn heads_of_an_attention_are_products_of_their_own() {
	let net = || {
		let net = Net::new().floats("x", &[1, 5, 12]).list("split", &[1, 5, 3, 4]);
		let net = heads(net, "q", [0, 2, 1, 3], 1);
		let net = heads(net, "k", [0, 2, 3, 1], 3);
		let net = heads(net, "v", [0, 2, 1, 3], 5);
		net.node("MatMul", &["q", "k"], &["scores"])
			.node_with("Softmax", &["scores"], &["weights"], vec![("axis", A::Int(-1))])
			.node("MatMul", &["weights", "v"], &["p"])
			.node("Relu", &["p"], &["y"])
	};
	let compiled = net().output("y").compile();
	let is_view = |kind: &OpKind| matches!(kind, OpKind::Strided { .. });
	assert!(!compiled.program.ops.iter().any(|op| is_view(&op.kind)), "{:?}", kinds(&compiled));
	assert_eq!(compiled.parameters, 3 * (144 + 12));
	same_as_stored(net, &["q_s", "k_s", "v_s"], &[&noise(60, 7)]);
}

/// Every order of two parts of the rows and two of the columns: those that are products need no view.
#[test]
fn products_are_computed_in_the_order_they_are_read_in() {
	let orders: Vec<[i64; 4]> = (0..256)
		.map(|i| [i / 64, i / 16 % 4, i / 4 % 4, i % 4])
		.filter(|order| (0..4).all(|axis| order.contains(&axis)))
		.collect();
	assert_eq!(orders.len(), 24);
	let products = [[0, 1, 2, 3], [2, 3, 0, 1], [2, 0, 1, 3], [0, 2, 3, 1]];
	for order in orders {
		for bias in [&[][..], &[1], &[8], &[6, 1]] {
			let net = || {
				let net = Net::new()
					.floats("x", &[6, 7])
					.weight("w", &[7, 8], &noise(56, 1))
					.list("split", &[2, 3, 2, 4])
					.node("MatMul", &["x", "w"], &["p"]);
				let net = match bias {
					[] => net.node("Identity", &["p"], &["s"]),
					dims => {
						let count = dims.iter().product::<i64>() as usize;
						net.weight("b", dims, &noise(count, 2)).node("Add", &["p", "b"], &["s"])
					},
				};
				let perm = vec![("perm", A::Ints(order.to_vec()))];
				net.node("Reshape", &["s", "split"], &["r"])
					.node_with("Transpose", &["r"], &["t"], perm)
					.node("Relu", &["t"], &["y"])
			};
			let compiled = net().output("y").compile();
			let views = kinds(&compiled).iter().filter(|kind| *kind == "Strided").count();
			// A bias that is no row and no column is added by itself, between product and view.
			let apart = bias == [1] && order != products[0];
			let expected = usize::from(apart || !products.contains(&order));
			assert_eq!(views, expected, "{order:?} {bias:?}: {:?}", kinds(&compiled));
			same_as_stored(net, &["s"], &[&noise(42, 3)]);
		}
	}
}
