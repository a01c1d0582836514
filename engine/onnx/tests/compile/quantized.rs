//! Quantized operators against plain loops over whole numbers.

use assay_referee::OpKind;
use assay_testing::onnx::net::{assert_close, f32s, floats_of, noise, tensor, Net, A, D};
use rten_onnx::onnx::{DataType, TensorProto};

fn scalar(name: &str, x: f32) -> TensorProto {
	tensor(name, DataType::FLOAT, &[], f32s(&[x]))
}

fn u8s(name: &str, dims: &[i64], bytes: &[u8]) -> TensorProto {
	tensor(name, DataType::UINT8, dims, bytes.to_vec())
}

fn i32s_of(bytes: &[u8]) -> Vec<i32> {
	bytes.as_chunks().0.iter().map(|b| i32::from_le_bytes(*b)).collect()
}

/// Bytes without a pattern.
fn bytes(count: usize, seed: u32) -> Vec<u8> {
	let mut state = seed.wrapping_mul(0x9e37_79b9) | 1;
	let mut next = || {
		state ^= state << 13;
		state ^= state >> 17;
		state ^= state << 5;
		(state >> 11) as u8
	};
	(0..count).map(|_| next()).collect()
}

/// Sums of a convolution of `[2, 6, 6]` by `[filters, 2, 3, 3]` with padding 1: outside lies the zero
/// point, so the padding adds nothing.
fn plain_conv(x: &[u8], w: &[u8], x_zero: i32, w_zeros: &[i32]) -> Vec<i32> {
	let mut out = Vec::new();
	for (f, &w_zero) in w_zeros.iter().enumerate() {
		for at in 0..36usize {
			let (oy, ox) = (at / 6, at % 6);
			let mut sum = 0;
			for k in 0..18 {
				let (c, ky, kx) = (k / 9, k / 3 % 3, k % 3);
				let (y, x_at) = ((oy + ky).wrapping_sub(1), (ox + kx).wrapping_sub(1));
				if y < 6 && x_at < 6 {
					let pixel = i32::from(x[c * 36 + y * 6 + x_at]) - x_zero;
					sum += pixel * (i32::from(w[f * 18 + k]) - w_zero);
				}
			}
			out.push(sum);
		}
	}
	out
}

#[test]
fn the_padding_of_a_quantized_convolution_is_its_zero_point() {
	let (x, w) = (bytes(72, 1), bytes(54, 2));
	let net = || {
		let net = Net::new().input("x", DataType::UINT8, &[1, 2, 6, 6].map(D::N));
		net.initializer(u8s("w", &[3, 2, 3, 3], &w))
	};
	let pads = || vec![("pads", A::Ints(vec![1; 4]))];
	for zeros in [[7, 7, 7], [7, 200, 0]] {
		let expected = plain_conv(&x, &w, 90, &zeros);
		let w_zeros = u8s("wz", &[3], &zeros.map(|z| z as u8));
		let inputs = ["x", "w", "xz", "wz"];
		// Known when the model is compiled, and known only when it runs.
		let known = net().initializer(u8s("xz", &[], &[90])).initializer(w_zeros.clone());
		let known = known.node_with("ConvInteger", &inputs, &["y"], pads()).output("y");
		assert_eq!(i32s_of(&known.run(std::slice::from_ref(&x))[0].bytes), expected);
		let given = net().input("xz", DataType::UINT8, &[]).initializer(w_zeros);
		let given = given.node_with("ConvInteger", &inputs, &["y"], pads()).output("y");
		assert_eq!(i32s_of(&given.run(&[x.clone(), vec![90]])[0].bytes), expected);
	}
}

#[test]
fn a_quantized_convolution_rounds_once() {
	let (x, w, bias) = (bytes(72, 3), bytes(54, 4), [500, -700, 0]);
	let scales = [0.02f32, 0.03, 0.004];
	let net = Net::new().input("x", DataType::UINT8, &[1, 2, 6, 6].map(D::N));
	let net = net.initializer(scalar("xs", 0.05)).initializer(u8s("xz", &[], &[100]));
	let net = net.initializer(u8s("w", &[3, 2, 3, 3], &w)).initializer(u8s("wz", &[], &[128]));
	let net = net.weight("ws", &[3], &scales).initializer(scalar("ys", 0.2));
	let bias_bytes = bias.iter().flat_map(|b: &i32| b.to_le_bytes()).collect();
	let net = net.initializer(tensor("b", DataType::INT32, &[3], bias_bytes));
	let net = net.initializer(u8s("yz", &[], &[120]));
	let inputs = ["x", "xs", "xz", "w", "ws", "wz", "ys", "yz", "b"];
	let pads = vec![("pads", A::Ints(vec![1; 4]))];
	let found = net
		.node_with("QLinearConv", &inputs, &["y"], pads)
		.output("y")
		.run(std::slice::from_ref(&x));
	let sums = plain_conv(&x, &w, 100, &[128; 3]);
	let expected: Vec<u8> = sums
		.iter()
		.enumerate()
		.map(|(i, sum)| {
			let factor = 0.05f32 * scales[i / 36] / 0.2;
			let y = ((sum + bias[i / 36]) as f32 * factor).round_ties_even() + 120.0;
			y.clamp(0.0, 255.0) as u8
		})
		.collect();
	assert!(expected.contains(&0) && expected.contains(&255));
	assert_eq!(found[0].bytes, expected);
}

#[test]
fn products_with_zero_points_of_rows_and_columns() {
	let (a, b) = (bytes(12, 5), bytes(20, 6));
	let (rows, columns) = ([3i32, 200, 0], [9i32, 0, 130, 255, 1]);
	let expected: Vec<i32> = (0..15)
		.map(|i| {
			let (m, n) = (i / 5, i % 5);
			let term = |k: usize| {
				(i32::from(a[m * 4 + k]) - rows[m]) * (i32::from(b[k * 5 + n]) - columns[n])
			};
			(0..4).map(term).sum()
		})
		.collect();
	let narrow = |zeros: &[i32]| zeros.iter().map(|&z| z as u8).collect::<Vec<u8>>();
	// As lists, and as the shapes that products of batches have.
	for (row_dims, column_dims) in [(vec![3], vec![5]), (vec![3, 1], vec![1, 5])] {
		let net = Net::new().input("a", DataType::UINT8, &[3, 4].map(D::N));
		let net = net.initializer(u8s("b", &[4, 5], &b));
		let net = net.initializer(u8s("az", &row_dims, &narrow(&rows)));
		let net = net.initializer(u8s("bz", &column_dims, &narrow(&columns)));
		let net = net.node("MatMulInteger", &["a", "b", "az", "bz"], &["y"]).output("y");
		assert_eq!(i32s_of(&net.run(std::slice::from_ref(&a))[0].bytes), expected);
	}
}

#[test]
fn scales_per_block() {
	let x = [6.0, 12.0, 50.0, 5.0, 1.0, -8.0, 4.0, 5.0];
	let attributes = || vec![("axis", A::Int(1)), ("block_size", A::Int(2))];
	let net = Net::new().opset(21).floats("x", &[2, 4]);
	let net = net.weight("s", &[2, 2], &[1.5, 2.5, 3.0, 0.02]);
	let net = net.initializer(u8s("z", &[2, 2], &[0, 1, 10, 3]));
	let net = net.node_with("QuantizeLinear", &["x", "s", "z"], &["q"], attributes());
	let back = net.node_with("DequantizeLinear", &["q", "s", "z"], &["y"], attributes());
	let mut quantized = back.output("q");
	assert_eq!(quantized.run(&[f32s(&x)])[0].bytes, [4, 8, 21, 3, 10, 7, 203, 253]);
	quantized.graph().output[0].name = Some("y".into());
	let y = floats_of(&quantized.run(&[f32s(&x)])[0]);
	assert_eq!(y, [6.0, 12.0, 50.0, 5.0, 0.0, -9.0, 4.0, 5.0]);
}

#[test]
fn weights_of_four_bits_in_blocks() {
	// Two rows of 16 weights in blocks of 16: codes 0..15 and 15..0, zero points 8 and 1.
	let row: Vec<u8> = (0..8).map(|i| (2 * i) | (2 * i + 1) << 4).collect();
	let other: Vec<u8> = (0..8).map(|i| (15 - 2 * i) | (14 - 2 * i) << 4).collect();
	let net = Net::new().floats("x", &[1, 16]).weight("s", &[2, 1], &[0.5, 2.0]);
	let net = net.initializer(u8s("w", &[2, 1, 8], &[row, other].concat()));
	let net = net.initializer(u8s("z", &[2, 1], &[8, 1]));
	let attributes = ["K", "N", "bits", "block_size"].into_iter().zip([16, 2, 4, 16]);
	let attributes = attributes.map(|(name, value)| (name, A::Int(value))).collect();
	let mut net = net.node_with("MatMulNBits", &["x", "w", "s", "z"], &["y"], attributes);
	net.graph().node[0].domain = Some("com.microsoft".into());
	let net = net.output("y");
	for i in 0..16 {
		let mut x = [0.0; 16];
		x[i] = 1.0;
		let expected = [(i as f32 - 8.0) * 0.5, (15.0 - i as f32 - 1.0) * 2.0];
		assert_eq!(net.run_f32(&[&x]), expected);
	}
}

fn i8s(name: &str, dims: &[i64], bytes: &[u8]) -> TensorProto {
	tensor(name, DataType::INT8, dims, bytes.to_vec())
}

/// How many products of whole numbers and of floats a model's program has.
fn products(net: &Net) -> [usize; 2] {
	let ops = net.compile().program.ops;
	let whole = ops.iter().filter(|op| op.kind == OpKind::MatMulInteger).count();
	let floats = ops.iter().filter(|op| matches!(op.kind, OpKind::MatMul { .. } | OpKind::Conv(_)));
	[whole, floats.count()]
}

/// An input `name` of bytes, dequantized to `name.f`.
fn dequantized_input(net: Net, name: &str, dims: &[i64], scale: f32, zero: u8) -> Net {
	let dims: Vec<D> = dims.iter().map(|&dim| D::N(dim)).collect();
	let [s, z, f] = ["s", "z", "f"].map(|part| format!("{name}.{part}"));
	let net = net.input(name, DataType::UINT8, &dims);
	let net = net.initializer(scalar(&s, scale)).initializer(u8s(&z, &[], &[zero]));
	net.node("DequantizeLinear", &[name, &s, &z], &[&f])
}

/// Weights of signed bytes, dequantized to `name.f`, with a scale for each slice along `axis`, or one.
fn dequantized_weight(
	net: Net,
	name: &str,
	dims: &[i64],
	bytes: &[u8],
	scales: &[f32],
	axis: i64,
) -> Net {
	let [s, f] = ["s", "f"].map(|part| format!("{name}.{part}"));
	let several: &[i64] = if scales.len() == 1 { &[] } else { &[scales.len() as i64] };
	let net = net.initializer(i8s(name, dims, bytes)).weight(&s, several, scales);
	net.node_with("DequantizeLinear", &[name, &s], &[&f], vec![("axis", A::Int(axis))])
}

/// Exact sums of `a [m, k]` less its zero point by `b [k, n]`.
fn plain_product(a: &[u8], zero: i64, b: &[u8], [m, k, n]: [usize; 3]) -> Vec<i64> {
	let term = |i: usize, t: usize, j: usize| {
		(i64::from(a[i * k + t]) - zero) * i64::from(b[t * n + j] as i8)
	};
	(0..m * n).map(|at| (0..k).map(|t| term(at / n, t, at % n)).sum()).collect()
}

const SCALES: [f32; 7] = [0.013, 0.11, 0.0071, 1.3, 0.02, 0.033, 0.5];

/// The sum is exact, so that the result is that of three roundings.
#[test]
fn products_of_dequantized_operands_are_whole() {
	let (a, b) = (bytes(5 * 20, 11), bytes(20 * 7, 12));
	let sums = plain_product(&a, 131, &b, [5, 20, 7]);
	for scales in [&SCALES[..1], &SCALES[..]] {
		let net = dequantized_input(Net::new(), "a", &[5, 20], 0.037, 131);
		let net = dequantized_weight(net, "b", &[20, 7], &b, scales, 1);
		let net = net.node("MatMul", &["a.f", "b.f"], &["y"]).output("y");
		assert_eq!(products(&net), [1, 0]);
		let y = floats_of(&net.run(std::slice::from_ref(&a))[0]);
		for (i, (&y, &sum)) in y.iter().zip(&sums).enumerate() {
			let scale = scales[i % 7 % scales.len()];
			assert_eq!(y, sum as f32 * (0.037 * scale), "element {i}");
			let exact = sum as f64 * (f64::from(0.037f32) * f64::from(scale));
			let error = (f64::from(y) - exact).abs();
			assert!(error <= exact.abs() * 3.01 / f64::from(1 << 24), "{y} where {exact} is exact");
		}
	}
}

/// As exporters write linear layers: weights by rows, a bias of whole numbers.
#[test]
fn gemms_of_dequantized_operands_are_whole() {
	let (a, rows) = (bytes(5 * 20, 13), bytes(7 * 20, 14));
	let b: Vec<u8> = (0..140).map(|i| rows[i % 7 * 20 + i / 7]).collect();
	let sums = plain_product(&a, 7, &b, [5, 20, 7]);
	let bias: Vec<u8> = (0..7i32).flat_map(|j| (j * 1000 - 3000).to_le_bytes()).collect();
	for (alpha, beta) in [(1.0, 1.0), (0.5, 2.0)] {
		let net = dequantized_input(Net::new(), "a", &[5, 20], 0.037, 7);
		let net = dequantized_weight(net, "b", &[7, 20], &rows, &SCALES, 0);
		let net = net.initializer(tensor("c", DataType::INT32, &[7], bias.clone()));
		let net =
			net.initializer(scalar("cs", 0.001)).node("DequantizeLinear", &["c", "cs"], &["c.f"]);
		let attributes =
			vec![("transB", A::Int(1)), ("alpha", A::Float(alpha)), ("beta", A::Float(beta))];
		let net = net.node_with("Gemm", &["a.f", "b.f", "c.f"], &["y"], attributes).output("y");
		assert_eq!(products(&net), [1, 0]);
		let y = floats_of(&net.run(std::slice::from_ref(&a))[0]);
		for (i, (&y, &sum)) in y.iter().zip(&sums).enumerate() {
			let c = (i as f32 % 7.0 * 1000.0 - 3000.0) * 0.001;
			assert_eq!(y, sum as f32 * (0.037 * SCALES[i % 7]) * alpha + c * beta, "element {i}");
		}
	}
}

#[test]
fn convolutions_of_dequantized_operands_are_whole() {
	let (x, w) = (bytes(72, 15), bytes(8 * 18, 16));
	let scales: Vec<f32> = (0..8).map(|f| SCALES[f % 7] * 0.7).collect();
	let bias = noise(8, 17);
	let net = dequantized_input(Net::new(), "x", &[1, 2, 6, 6], 0.05, 90);
	let net = dequantized_weight(net, "w", &[8, 2, 3, 3], &w, &scales, 0).weight("b", &[8], &bias);
	let pads = vec![("pads", A::Ints(vec![1; 4]))];
	let net = net.node_with("Conv", &["x.f", "w.f", "b"], &["y"], pads).output("y");
	assert_eq!(products(&net), [1, 0]);
	let y = floats_of(&net.run(std::slice::from_ref(&x))[0]);
	// Unsigned bytes less 128 are the signed ones with the highest bit turned.
	let turned: Vec<u8> = w.iter().map(|byte| byte ^ 0x80).collect();
	for (i, (&y, &sum)) in y.iter().zip(&plain_conv(&x, &turned, 90, &[128; 8])).enumerate() {
		assert_eq!(y, sum as f32 * (0.05 * scales[i / 36]) + bias[i / 36], "element {i}");
	}
}

/// What whole numbers would make worse, or cannot do.
#[test]
fn some_dequantized_products_stay_floats() {
	let (a, b) = (bytes(20, 18), bytes(140, 19));
	let product = |net: Net| net.node("MatMul", &["a.f", "b.f"], &["y"]).output("y");
	let input = |scale| dequantized_input(Net::new(), "a", &[1, 20], scale, 3);
	let weight =
		|net, scales: &[f32], axis| dequantized_weight(net, "b", &[20, 7], &b, scales, axis);
	assert_eq!(products(&product(weight(input(0.1), &[0.1], 1))), [1, 0]);
	// A scale that a float does not hold exactly enough, and one that it does not hold.
	assert_eq!(products(&product(weight(input(1e-20), &[1e-20], 1))), [0, 1]);
	assert_eq!(products(&product(weight(input(1e20), &[1e20], 1))), [0, 1]);
	// Scales for the terms of a sum.
	assert_eq!(products(&product(weight(input(0.1), &noise(20, 20), 0))), [0, 1]);
	// A scale that is known at run time only.
	let given = Net::new().input("a", DataType::UINT8, &[D::N(1), D::N(20)]).floats("s", &[]);
	let given = given.node("DequantizeLinear", &["a", "s"], &["a.f"]);
	assert_eq!(products(&product(weight(given, &[0.1], 1))), [0, 1]);
	// Floats by dequantized weights.
	let floats = product(weight(Net::new().floats("a.f", &[1, 20]), &SCALES, 1));
	assert_eq!(products(&floats), [0, 1]);
	let plain: Vec<f32> = (0..7)
		.map(|j| (0..20).map(|t| f32::from(a[t]) * f32::from(b[t * 7 + j] as i8) * SCALES[j]).sum())
		.collect();
	let a: Vec<f32> = a.iter().map(|&a| a.into()).collect();
	assert_close(&floats.run_f32(&[&a]), &plain, 1e-4);
	// Sums beyond 32 bits: 33,026 terms of up to 255 squared.
	for (terms, expected) in [(33_025, [3, 0]), (33_026, [0, 3])] {
		let net = dequantized_input(Net::new(), "a", &[1, terms], 0.1, 0);
		let w = bytes(terms as usize, 21);
		let net = dequantized_weight(net, "b", &[terms, 1], &w, &[0.1], 1);
		assert_eq!(products(&product(net)), expected);
	}
	// One filter for each channel.
	let net = dequantized_input(Net::new(), "x", &[1, 16, 6, 6], 0.1, 3);
	let net = dequantized_weight(net, "w", &[16, 1, 3, 3], &bytes(144, 22), &[0.1], 0);
	let groups = vec![("group", A::Int(16))];
	let net = net.node_with("Conv", &["x.f", "w.f"], &["y"], groups).output("y");
	assert_eq!(products(&net), [0, 1]);
}

/// Quantizing what was dequantized, moved in between, moves bytes; with another scale it computes.
#[test]
fn quantizing_again_gives_the_numbers_back() {
	let x: Vec<u8> = (0..=255).collect();
	let turned = |scale: f32, zero: u8| {
		let net = dequantized_input(Net::new(), "x", &[8, 32], 0.037, 131);
		let net = net.node("Transpose", &["x.f"], &["t"]);
		let net = net.initializer(scalar("ys", scale)).initializer(u8s("yz", &[], &[zero]));
		net.node("QuantizeLinear", &["t", "ys", "yz"], &["y"]).output("y")
	};
	let net = turned(0.037, 131);
	assert_eq!(net.compile().program.ops.len(), 1);
	let back: Vec<u8> = (0..=255).map(|i| x[i % 8 * 32 + i / 8]).collect();
	assert_eq!(net.run(std::slice::from_ref(&x))[0].bytes, back);
	for (scale, zero) in [(0.038, 131), (0.037, 130)] {
		let net = turned(scale, zero);
		assert!(net.compile().program.ops.len() > 1);
		let expected: Vec<u8> = back
			.iter()
			.map(|&x| {
				let y = ((f32::from(x) - 131.0) * 0.037 / scale).round_ties_even();
				(y + f32::from(zero)).clamp(0.0, 255.0) as u8
			})
			.collect();
		assert_eq!(net.run(std::slice::from_ref(&x))[0].bytes, expected);
	}
}

/// Large dequantized weights are computed for those that read them as floats, and once.
#[test]
fn dequantized_weights_are_constants() {
	let b = bytes(80 * 60, 23);
	let net = dequantized_input(Net::new(), "a", &[2, 80], 0.1, 3);
	let net = dequantized_weight(net, "b", &[80, 60], &b, &[0.25], 1);
	let net = net.node("MatMul", &["a.f", "b.f"], &["p"]).floats("c", &[80, 60]);
	let net = net.node("Add", &["c", "b.f"], &["q"]).node("Mul", &["c", "b.f"], &["r"]);
	let net = net.output("p").output("q").output("r");
	let compiled = net.compile();
	// The product with its scale, a sum, a product by elements, and all of them as one output.
	assert_eq!(compiled.program.ops.len(), 4);
	let found = net.run(&[bytes(160, 24), f32s(&vec![1.0; 4800])]);
	let expected: Vec<f32> = b.iter().map(|&b| f32::from(b as i8) * 0.25).collect();
	assert_eq!(floats_of(&found[2]), expected);
	assert_eq!(floats_of(&found[1]), expected.iter().map(|b| b + 1.0).collect::<Vec<_>>());
}

/// One filter for each channel: sums of floats that hold whole numbers exactly.
#[test]
fn sums_of_few_filters_are_exact() {
	let x = bytes(72, 25);
	for w_zeros in [[0, 0], [3, 250]] {
		let w = bytes(18, 26);
		// Filters over both channels, with nothing in the other one but the zero point.
		let full: Vec<u8> = (0..36)
			.map(|i| match (i / 18, i % 18 / 9, i % 9) {
				(f, c, k) if f == c => w[f * 9 + k],
				(f, ..) => w_zeros[f] as u8,
			})
			.collect();
		let net = Net::new().input("x", DataType::UINT8, &[1, 2, 6, 6].map(D::N));
		let net = net.initializer(u8s("w", &[2, 1, 3, 3], &w)).initializer(u8s("xz", &[], &[90]));
		let net = net.initializer(u8s("wz", &[2], &w_zeros.map(|z| z as u8)));
		let attributes = vec![("pads", A::Ints(vec![1; 4])), ("group", A::Int(2))];
		let net = net.node_with("ConvInteger", &["x", "w", "xz", "wz"], &["y"], attributes);
		let net = net.output("y");
		assert_eq!(products(&net), [0, 1]);
		let found = i32s_of(&net.run(std::slice::from_ref(&x))[0].bytes);
		assert_eq!(found, plain_conv(&x, &full, 90, &w_zeros));
	}
}
