//! Quantized operators against plain loops over whole numbers.

use rten_onnx::onnx::{DataType, TensorProto};

use crate::support::{f32s, floats_of, tensor, Net, A, D};

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

/// Sums of a convolution of `[2, 6, 6]` by `[3, 2, 3, 3]` with padding 1: outside lies the zero
/// point, so the padding adds nothing.
fn plain_conv(x: &[u8], w: &[u8], x_zero: i32, w_zeros: [i32; 3]) -> Vec<i32> {
	let mut out = Vec::new();
	for (f, w_zero) in w_zeros.into_iter().enumerate() {
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
		let expected = plain_conv(&x, &w, 90, zeros);
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
	let sums = plain_conv(&x, &w, 100, [128; 3]);
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
	let net = Net::new().floats("x", &[2, 4]).weight("s", &[2, 2], &[1.5, 2.5, 3.0, 0.02]);
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
