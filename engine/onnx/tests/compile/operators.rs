//! Values of lowered operators, against plain loops and hand-computed numbers.

use assay_testing::onnx::net::{
	assert_close, f32s, floats_of, i64s, i64s_of, noise, tensor, Net, A, D,
};
use rten_onnx::onnx::DataType;

fn one(op: &str, dims: &[i64], attributes: Vec<(&str, A)>) -> Net {
	Net::new().floats("x", dims).node_with(op, &["x"], &["y"], attributes).output("y")
}

/// A geometry of a convolution: sizes and attributes.
struct Geometry {
	channels: usize,
	filters: usize,
	groups: usize,
	image: [usize; 2],
	kernel: [usize; 2],
	stride: [usize; 2],
	dilation: [usize; 2],
	/// Top, left, bottom, right.
	pads: [usize; 4],
}

/// A convolution in f64 by the definition; `f` gets the window's products.
fn plain_conv(g: &Geometry, x: &[f32], w: &[f32], bias: &[f32]) -> Vec<f32> {
	let size = |d: usize| {
		let reach = g.dilation[d] * (g.kernel[d] - 1) + 1;
		(g.image[d] + g.pads[d] + g.pads[d + 2] - reach) / g.stride[d] + 1
	};
	let (per_group, filters) = (g.channels / g.groups, g.filters / g.groups);
	let mut out = Vec::new();
	for (f, &bias) in bias.iter().enumerate() {
		for oy in 0..size(0) {
			for ox in 0..size(1) {
				let mut sum = 0.0;
				for c in 0..per_group {
					for ky in 0..g.kernel[0] {
						for kx in 0..g.kernel[1] {
							let y = (oy * g.stride[0] + ky * g.dilation[0]).wrapping_sub(g.pads[0]);
							let x_at =
								(ox * g.stride[1] + kx * g.dilation[1]).wrapping_sub(g.pads[1]);
							if y < g.image[0] && x_at < g.image[1] {
								let channel = f / filters * per_group + c;
								let pixel = x[(channel * g.image[0] + y) * g.image[1] + x_at];
								let k = ((f * per_group + c) * g.kernel[0] + ky) * g.kernel[1] + kx;
								sum += f64::from(pixel) * f64::from(w[k]);
							}
						}
					}
				}
				out.push((sum + f64::from(bias)) as f32);
			}
		}
	}
	out
}

#[test]
fn convolutions() {
	let ints = |list: &[usize]| A::Ints(list.iter().map(|&x| x as i64).collect());
	let plain = Geometry {
		channels: 4,
		filters: 6,
		groups: 1,
		image: [7, 9],
		kernel: [3, 3],
		stride: [1, 1],
		dilation: [1, 1],
		pads: [1, 1, 1, 1],
	};
	for g in [
		Geometry { groups: 2, stride: [2, 1], pads: [0, 2, 1, 0], ..plain },
		Geometry { filters: 8, groups: 4, dilation: [2, 3], kernel: [2, 3], ..plain },
		plain,
	] {
		let weights = g.filters * g.channels / g.groups * g.kernel[0] * g.kernel[1];
		let (x, w) = (noise(g.channels * g.image[0] * g.image[1], 5), noise(weights, 6));
		let bias = noise(g.filters, 7);
		let dims = [g.filters, g.channels / g.groups, g.kernel[0], g.kernel[1]].map(|d| d as i64);
		let net = Net::new()
			.floats("x", &[1, g.channels as i64, g.image[0] as i64, g.image[1] as i64])
			.weight("w", &dims, &w)
			.weight("b", &[g.filters as i64], &bias)
			.node_with(
				"Conv",
				&["x", "w", "b"],
				&["y"],
				vec![
					("strides", ints(&g.stride)),
					("dilations", ints(&g.dilation)),
					("pads", ints(&g.pads)),
					("group", A::Int(g.groups as i64)),
				],
			)
			.output("y");
		let expected = plain_conv(&g, &x, &w, &bias);
		assert_close(&net.run_f32(&[&x]), &expected, 1e-4);
	}
}

#[test]
fn a_signal_is_an_image_of_height_one() {
	let net = Net::new().floats("x", &[1, 1, 5]).weight("w", &[1, 1, 3], &[1.0, 10.0, 100.0]);
	let same = vec![("auto_pad", A::Word("SAME_UPPER")), ("strides", A::Ints(vec![2]))];
	let net = net.node_with("Conv", &["x", "w"], &["y"], same).output("y");
	assert_eq!(net.compile().manifest.outputs[0].shape, [1, 1, 3]);
	assert_eq!(net.run_f32(&[&[1.0, 2.0, 3.0, 4.0, 5.0]]), [210.0, 432.0, 54.0]);
}

#[test]
fn pools() {
	let x: Vec<f32> = (1..=9).map(|i| i as f32).collect();
	let pool = |op, extra: Vec<(&'static str, A)>| {
		let mut attributes = vec![
			("kernel_shape", A::Ints(vec![2, 2])),
			("strides", A::Ints(vec![2, 2])),
			("pads", A::Ints(vec![1, 1, 0, 0])),
		];
		attributes.extend(extra);
		one(op, &[1, 1, 3, 3], attributes).run_f32(&[&x])
	};
	assert_eq!(pool("MaxPool", vec![]), [1.0, 3.0, 7.0, 9.0]);
	assert_eq!(pool("AveragePool", vec![]), [1.0, 2.5, 5.5, 7.0]);
	let all = vec![("count_include_pad", A::Int(1))];
	assert_eq!(pool("AveragePool", all), [0.25, 1.25, 2.75, 7.0]);
	let ceil = vec![
		("kernel_shape", A::Ints(vec![2, 2])),
		("strides", A::Ints(vec![2, 2])),
		("ceil_mode", A::Int(1)),
	];
	assert_eq!(one("MaxPool", &[1, 1, 3, 3], ceil).run_f32(&[&x]), [5.0, 6.0, 8.0, 9.0]);
	assert_eq!(one("GlobalAveragePool", &[1, 1, 3, 3], vec![]).run_f32(&[&x]), [5.0]);
}

#[test]
fn reductions_over_any_axes() {
	let x: Vec<f32> = (0..24).map(|i| i as f32).collect();
	let over = |op, axes: Vec<i64>, keep| {
		let attributes = vec![("axes", A::Ints(axes)), ("keepdims", A::Int(keep))];
		let net = one(op, &[2, 3, 4], attributes).opset(11);
		let shape = net.compile().manifest.outputs[0].shape.clone();
		(shape, net.run_f32(&[&x]))
	};
	assert_eq!(over("ReduceSum", vec![0, 2], 0), (vec![3], vec![60.0, 92.0, 124.0]));
	assert_eq!(
		over("ReduceMax", vec![1], 1),
		(vec![2, 1, 4], vec![8., 9., 10., 11., 20., 21., 22., 23.])
	);
	assert_eq!(
		over("ReduceMean", vec![-1], 0),
		(vec![2, 3], vec![1.5, 5.5, 9.5, 13.5, 17.5, 21.5])
	);
	assert_eq!(over("ReduceL2", vec![0, 1, 2], 0).1, [4324f32.sqrt()]);
}

#[test]
fn long_reductions_take_several_steps() {
	let x = vec![1.0; 3 * 20_001];
	let attributes = || vec![("axes", A::Ints(vec![1])), ("keepdims", A::Int(0))];
	let sum = one("ReduceSum", &[3, 20_001], attributes()).opset(11);
	assert_eq!(sum.run_f32(&[&x]), [20_001.0; 3]);
	let negative: Vec<f32> = x.iter().map(|x| -x).collect();
	let max = one("ReduceMax", &[3, 20_001], attributes()).opset(11);
	assert_eq!(max.run_f32(&[&negative]), [-1.0; 3]);
	assert!(max.compile().worst_leaf().unwrap().bound.is_within_limits());
}

#[test]
fn softmax_before_and_after_operator_set_13() {
	let x = noise(24, 3);
	let softmax =
		|opset| one("Softmax", &[2, 3, 4], vec![("axis", A::Int(1))]).opset(opset).run_f32(&[&x]);
	let (new, old) = (softmax(13), softmax(12));
	let exp = |i: usize| f64::from(x[i]).exp();
	let column = |i: usize| (0..3).map(|j| exp(i / 12 * 12 + j * 4 + i % 4)).sum::<f64>();
	let row = |i: usize| (0..12).map(|j| exp(i / 12 * 12 + j)).sum::<f64>();
	let expected: Vec<f32> = (0..24).map(|i| (exp(i) / column(i)) as f32).collect();
	assert_close(&new, &expected, 1e-6);
	let expected: Vec<f32> = (0..24).map(|i| (exp(i) / row(i)) as f32).collect();
	assert_close(&old, &expected, 1e-6);
}

#[test]
fn normalisations() {
	let x = noise(12, 9);
	let net = Net::new().floats("x", &[3, 4]).weight("s", &[4], &[1.0, 2.0, 3.0, 4.0]);
	let net = net.weight("b", &[4], &[0.5; 4]).node("LayerNormalization", &["x", "s", "b"], &["y"]);
	let found = net.output("y").run_f32(&[&x]);
	let expected: Vec<f32> = (0..12)
		.map(|i| {
			let row: Vec<f64> = x[i / 4 * 4..][..4].iter().map(|&v| v.into()).collect();
			let mean = row.iter().sum::<f64>() / 4.0;
			let variance = row.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / 4.0;
			((row[i % 4] - mean) / (variance + 1e-5).sqrt() * (i % 4 + 1) as f64 + 0.5) as f32
		})
		.collect();
	assert_close(&found, &expected, 1e-5);
	let net = Net::new().floats("x", &[1, 2, 2]).weight("s", &[2], &[2.0, 1.0]);
	let net = net.weight("b", &[2], &[1.0, 0.0]).weight("m", &[2], &[3.0, 0.0]);
	let net = net.weight("v", &[2], &[4.0, 1.0]);
	let exact = vec![("epsilon", A::Float(0.0))];
	let net = net.node_with("BatchNormalization", &["x", "s", "b", "m", "v"], &["y"], exact);
	assert_eq!(net.output("y").run_f32(&[&[5.0, 3.0, 7.0, -7.0]]), [3.0, 1.0, 7.0, -7.0]);
}

#[test]
fn gemm_in_every_orientation() {
	// a = [[1, 2], [3, 4]], b = [[5, 6], [7, 8]].
	let (a, b) = ([1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0]);
	let gemm = |ta, tb, alpha, beta, c: &[f32], c_dims: &[i64]| {
		let attributes = vec![
			("transA", A::Int(ta)),
			("transB", A::Int(tb)),
			("alpha", A::Float(alpha)),
			("beta", A::Float(beta)),
		];
		Net::new()
			.floats("a", &[2, 2])
			.weight("b", &[2, 2], &b)
			.weight("c", c_dims, c)
			.node_with("Gemm", &["a", "b", "c"], &["y"], attributes)
			.output("y")
			.run_f32(&[&a])
	};
	assert_eq!(gemm(0, 0, 1.0, 1.0, &[1.0, 2.0], &[2]), [20.0, 24.0, 44.0, 52.0]);
	assert_eq!(gemm(1, 0, 1.0, 0.0, &[9.0], &[1]), [26.0, 30.0, 38.0, 44.0]);
	assert_eq!(gemm(0, 1, 2.0, 0.5, &[2.0, 4.0], &[2, 1]), [35.0, 47.0, 80.0, 108.0]);
}

#[test]
fn batched_products() {
	let (a, b) = (noise(2 * 3 * 4, 1), noise(5 * 2 * 4 * 2, 2));
	// [2, 3, 4] · [5, 2, 4, 2], and [5, 1, 3, 4] · [2, 4, 2]: batches repeat on either side.
	for (a_dims, b_dims, a_len, b_len) in [
		(vec![2, 3, 4], vec![5, 2, 4, 2], 24, 80),
		(vec![2, 1, 3, 4], vec![3, 4, 2], 24, 24),
		(vec![2, 3, 4], vec![4, 2], 24, 8),
	] {
		let net = Net::new().floats("a", &a_dims).floats("b", &b_dims);
		let net = net.node("MatMul", &["a", "b"], &["y"]).output("y");
		let found = net.run_f32(&[&a[..a_len], &b[..b_len]]);
		let shape = net.compile().manifest.outputs[0].shape.clone();
		let lead: Vec<usize> = shape[..shape.len() - 2].iter().map(|&d| d as usize).collect();
		let offset = |dims: &[i64], index: usize| {
			// The matrix of an operand for the batch element `index`.
			let (mut rest, mut at, mut step) = (index, 0, 1);
			for d in 0..lead.len() {
				let coordinate = rest % lead[lead.len() - 1 - d];
				rest /= lead[lead.len() - 1 - d];
				let own = dims.len().checked_sub(3 + d).map_or(1, |i| dims[i] as usize);
				at += if own == 1 { 0 } else { coordinate * step };
				step *= own;
			}
			at
		};
		let mut expected = Vec::new();
		for batch in 0..lead.iter().product::<usize>() {
			let (left, right) = (offset(&a_dims, batch) * 12, offset(&b_dims, batch) * 8);
			for i in 0..3 {
				for j in 0..2 {
					let term = |k: usize| a[left + i * 4 + k] * b[right + k * 2 + j];
					expected.push((0..4).map(term).sum());
				}
			}
		}
		assert_close(&found, &expected, 1e-4);
	}
}

#[test]
fn activations() {
	let x = [-4.0, -1.0, -0.25, 0.0, 0.5, 3.5];
	let run = |op, attributes| one(op, &[6], attributes).opset(20).run_f32(&[&x]);
	let by = |f: fn(f64) -> f64| x.map(|v| f(v.into()) as f32);
	assert_eq!(
		run("LeakyRelu", vec![("alpha", A::Float(0.5))]),
		[-2.0, -0.5, -0.125, 0.0, 0.5, 3.5]
	);
	assert_close(&run("HardSigmoid", vec![]), &by(|v| (0.2 * v + 0.5).clamp(0.0, 1.0)), 1e-6);
	assert_close(&run("HardSwish", vec![]), &by(|v| v * (v / 6.0 + 0.5).clamp(0.0, 1.0)), 1e-6);
	assert_close(&run("Elu", vec![]), &by(|v| if v > 0.0 { v } else { v.exp() - 1.0 }), 1e-5);
	assert_close(&run("Mish", vec![]), &by(|v| v * v.exp().ln_1p().tanh()), 1e-5);
	let tanh = vec![("approximate", A::Word("tanh"))];
	let gelu = |v: f64| 0.5 * v * (1.0 + (0.7978845608 * (v + 0.044715 * v.powi(3))).tanh());
	assert_close(&run("Gelu", tanh), &by(gelu), 1e-4);
	let exact = [-0.000126685, -0.1586553, -0.1003234, 0.0, 0.3457312, 3.499186];
	assert_close(&run("Gelu", vec![]), &exact, 1e-3);
	let clip = vec![("min", A::Float(-1.0)), ("max", A::Float(2.0))];
	assert_eq!(
		one("Clip", &[6], clip).opset(10).run_f32(&[&x]),
		[-1.0, -1.0, -0.25, 0.0, 0.5, 2.0]
	);
}

#[test]
fn slices_in_both_directions() {
	let x: Vec<f32> = (0..10).map(|i| i as f32).collect();
	let slice = |start, end, step| {
		let net = Net::new().floats("x", &[10]).list("s", &[start]).list("e", &[end]);
		let net = net.list("a", &[0]).list("t", &[step]);
		net.node("Slice", &["x", "s", "e", "a", "t"], &["y"]).output("y").run_f32(&[&x])
	};
	assert_eq!(slice(2, 5, 1), [2.0, 3.0, 4.0]);
	assert_eq!(slice(-3, i64::MAX, 2), [7.0, 9.0]);
	assert_eq!(slice(-1, i64::MIN, -4), [9.0, 5.0, 1.0]);
	assert_eq!(slice(8, 2, -3), [8.0, 5.0]);
}

#[test]
fn movement() {
	let x: Vec<f32> = (1..=6).map(|i| i as f32).collect();
	let net = || Net::new().floats("x", &[2, 3]);
	let tile = net().list("r", &[2, 2]).node("Tile", &["x", "r"], &["y"]).output("y");
	assert_eq!(tile.run_f32(&[&x])[..12], [1., 2., 3., 1., 2., 3., 4., 5., 6., 4., 5., 6.]);
	let pad = net().list("p", &[0, 1, -1, 1]).weight("v", &[], &[9.0]);
	let pad = pad.node("Pad", &["x", "p", "v"], &["y"]).output("y");
	assert_eq!(pad.run_f32(&[&x]), [9.0, 1.0, 2.0, 3.0, 9.0]);
	let reflect = net().list("p", &[0, 2, 0, 1]);
	let attributes = vec![("mode", A::Word("reflect"))];
	let reflect = reflect.node_with("Pad", &["x", "p"], &["y"], attributes).output("y");
	assert_eq!(reflect.run_f32(&[&x])[..6], [3.0, 2.0, 1.0, 2.0, 3.0, 2.0]);
	let gather = net().list("i", &[2, -3]);
	let along = vec![("axis", A::Int(1))];
	let gather = gather.node_with("Gather", &["x", "i"], &["y"], along).output("y");
	assert_eq!(gather.run_f32(&[&x]), [3.0, 1.0, 6.0, 4.0]);
	let wide: Vec<String> = (0..30).map(|_| "x".to_owned()).collect();
	let wide: Vec<&str> = wide.iter().map(String::as_str).collect();
	let concat = net().node_with("Concat", &wide, &["y"], vec![("axis", A::Int(0))]).output("y");
	assert_eq!(concat.run_f32(&[&x]), x.repeat(30));
}

#[test]
fn lookups_by_the_input() {
	let net =
		Net::new().input("i", DataType::INT64, &[D::N(3)]).weight("table", &[3, 2], &noise(6, 4));
	let net = net.node("Gather", &["table", "i"], &["y"]).output("y");
	let found = floats_of(&net.run(&[i64s(&[2, 0, -1])])[0]);
	let table = noise(6, 4);
	assert_eq!(found, [table[4], table[5], table[0], table[1], table[4], table[5]]);
}

#[test]
fn integers_and_truth() {
	let net = Net::new().input("x", DataType::INT64, &[D::N(4)]).list("three", &[3]);
	let net = net.initializer(tensor("zero", DataType::INT64, &[], i64s(&[0])));
	let net = net
		.node("Div", &["x", "three"], &["d"])
		.node("Mod", &["x", "three"], &["m"])
		.node("Less", &["x", "zero"], &["negative"])
		.node("Where", &["negative", "d", "m"], &["y"])
		.output("y");
	assert_eq!(i64s_of(&net.run(&[i64s(&[7, -7, 6, -1])])[0]), [1, -2, 0, 0]);
}

#[test]
fn quantized_and_back() {
	let zero = tensor("z", DataType::UINT8, &[], vec![128]);
	let net = Net::new().floats("x", &[4]).weight("s", &[], &[0.5]).initializer(zero);
	let net = net.node("QuantizeLinear", &["x", "s", "z"], &["q"]);
	let net = net.node("DequantizeLinear", &["q", "s", "z"], &["y"]).output("q").output("y");
	let outputs = net.run(&[f32s(&[0.3, -1.25, 500.0, 0.75])]);
	assert_eq!(outputs[0].bytes, [129, 126, 255, 130]);
	assert_eq!(floats_of(&outputs[1]), [0.5, -1.0, 63.5, 1.0]);
}
