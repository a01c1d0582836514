//! In which order values are stored: as they are read, so that few are stored a second time in another one.

use assay_onnx::Compiled;
use assay_referee::{ImageLayout, OpKind, OpRecord, Source};
use assay_testing::onnx::net::{f32s, noise, run, Net, A};

fn names(compiled: &Compiled) -> Vec<String> {
	compiled.program.ops.iter().map(OpRecord::to_string).collect()
}

/// How many ops are called `name`.
fn count(compiled: &Compiled, name: &str) -> usize {
	names(compiled).iter().filter(|own| *own == name).count()
}

/// Compiles `net` for its output `y`, and checks that it gives the bits that it gives where `stored` are
/// outputs too, which keeps them as the file has them.
fn same_as_stored(net: impl Fn() -> Net, stored: &[&str], inputs: &[Vec<f32>]) -> Compiled {
	let inputs: Vec<Vec<u8>> = inputs.iter().map(|x| f32s(x)).collect();
	let alone = net().output("y").compile();
	let with = stored.iter().fold(net().output("y"), |net, name| net.output(name)).compile();
	let bytes = |compiled: &Compiled| run(compiled, &inputs)[0].bytes.clone();
	assert_eq!(bytes(&alone), bytes(&with), "{stored:?}");
	assert!(alone.program.ops.len() < with.program.ops.len());
	alone
}

/// An image enlarged twofold by repeating its pixels.
fn enlarged(net: Net, from: &str, to: &str, times: &str) -> Net {
	let nearest = vec![
		("mode", A::Word("nearest")),
		("coordinate_transformation_mode", A::Word("asymmetric")),
		("nearest_mode", A::Word("floor")),
	];
	net.node_with("Resize", &[from, "", times], &[to], nearest)
}

/// A transposed convolution without overlap puts pixels in another order, which a convolution of single pixels
/// and what follows need not see: fewer channels are permuted after them.
#[test]
fn single_pixels_are_convolved_before_a_permutation() {
	let net = |filters: i64| {
		let count = (6 * filters) as usize;
		Net::new()
			.floats("x", &[1, 3, 2, 5])
			.weight("w", &[3, 6, 2, 2], &noise(72, 1))
			.weight("v", &[filters, 6, 1, 1], &noise(count, 2))
			.weight("b", &[filters], &noise(filters as usize, 3))
			.node_with("ConvTranspose", &["x", "w"], &["a"], vec![("strides", A::Ints(vec![2, 2]))])
			.node("Relu", &["a"], &["r"])
			.node("Conv", &["r", "v", "b"], &["c"])
			.node("Sigmoid", &["c"], &["y"])
	};
	let x = [noise(30, 4)];
	let few = same_as_stored(|| net(5), &["r", "c"], &x);
	assert_eq!(names(&few), ["Conv 1x1 + 1 step", "Conv 1x1 + 1 step", "Strided"]);
	assert_eq!(few.manifest.outputs[0].shape, [1, 5, 4, 10]);
	// As many after it as before it stay where they are.
	let many = same_as_stored(|| net(6), &["c"], &x);
	assert_eq!(names(&many), ["Conv 1x1 + 1 step", "Strided", "Conv 1x1 + 1 step"]);
	// And two permutations are one.
	let twice = || {
		let strides = || vec![("strides", A::Ints(vec![2, 2]))];
		Net::new()
			.floats("x", &[1, 3, 2, 5])
			.weight("w", &[3, 6, 2, 2], &noise(72, 1))
			.weight("u", &[6, 1, 2, 2], &noise(24, 5))
			.node_with("ConvTranspose", &["x", "w"], &["a"], strides())
			.node("Relu", &["a"], &["r"])
			.node_with("ConvTranspose", &["r", "u"], &["d"], strides())
			.node("Sigmoid", &["d"], &["y"])
	};
	let joined = same_as_stored(twice, &["r", "d"], &x);
	assert_eq!(names(&joined), ["Conv 1x1 + 1 step", "Conv 1x1 + 1 step", "Strided"]);
}

/// Channels weighted by what a mean of each gives: the image is summed with the channels first, and read by
/// the next convolution with the channels last.
#[test]
fn an_elementwise_op_moves_what_it_reads() {
	let net = || {
		Net::new()
			.floats("x", &[1, 90, 24, 24])
			.weight("v", &[90, 1, 3, 3], &noise(810, 1))
			.weight("w", &[5, 90, 1, 1], &noise(450, 2))
			.node_with("Conv", &["x", "v"], &["a"], vec![("group", A::Int(90))])
			.node("GlobalAveragePool", &["a"], &["m"])
			.node("Sigmoid", &["m"], &["s"])
			.node("Mul", &["a", "s"], &["b"])
			.node("Conv", &["b", "w"], &["c"])
			.node("Relu", &["c"], &["y"])
	};
	let compiled = same_as_stored(net, &["b"], &[noise(90 * 576, 3)]);
	let expected = ["Conv 3x3", "Reduce(Sum) + 2 steps", "Strided + 1 step", "Conv 1x1 + 1 step"];
	assert_eq!(names(&compiled), expected);
}

/// Operands with a value per channel are spread over the pixels: of more than two a transposed copy is less work.
#[test]
fn an_elementwise_op_of_many_operands_is_copied() {
	let net = |scales: usize| {
		let mut net = Net::new()
			.floats("x", &[1, 90, 24, 24])
			.weight("w", &[5, 90, 3, 3], &noise(4050, 1))
			.node("Exp", &["x"], &["a0"]);
		for i in 0..scales {
			let (scale, from, to) = (format!("s{i}"), format!("a{i}"), format!("a{}", i + 1));
			net = net.weight(&scale, &[90, 1, 1], &noise(90, 2 + i as u32));
			net = net.node("Mul", &[&from, &scale], &[&to]);
		}
		let last = format!("a{scales}");
		net.node("Conv", &[&last, "w"], &["c"]).node("Relu", &["c"], &["y"])
	};
	let x = [noise(90 * 576, 9)];
	let two = same_as_stored(|| net(2), &["a0", "c"], &x);
	assert_eq!(names(&two), ["Strided + 3 steps", "Conv 3x3 + 1 step"]);
	let three = same_as_stored(|| net(3), &["a0", "c"], &x);
	assert_eq!(names(&three), ["Map of 4 steps", "Strided", "Conv 3x3 + 1 step"]);
}

/// A pyramid of images: sums with enlarged ones, and all of them at the largest size, enlarged and joined.
#[test]
fn pyramids_keep_their_channels_last() {
	let pads = || vec![("pads", A::Ints(vec![1; 4]))];
	let net = || {
		let net = Net::new()
			.floats("x", &[1, 90, 12, 12])
			.floats("z", &[1, 90, 24, 24])
			.weight("v", &[40, 90, 3, 3], &noise(40 * 810, 1))
			.weight("w", &[2, 80, 3, 3], &noise(2 * 720, 2))
			.weight("scale", &[90, 1, 1], &noise(90, 3))
			.weight("times", &[4], &[1.0, 1.0, 2.0, 2.0])
			.node("Mul", &["x", "scale"], &["a"]);
		let net = enlarged(net, "a", "b", "times").node("Add", &["z", "b"], &["c"]);
		let net = net.node_with("Conv", &["a", "v"], &["d"], pads()).node_with(
			"Conv",
			&["c", "v"],
			&["e"],
			pads(),
		);
		enlarged(net, "d", "f", "times")
			.node_with("Concat", &["f", "e"], &["g"], vec![("axis", A::Int(1))])
			.node_with("Conv", &["g", "w"], &["h"], pads())
			.node("Relu", &["h"], &["y"])
	};
	let x = [noise(90 * 144, 4), noise(90 * 576, 5)];
	let compiled = same_as_stored(net, &["a", "c", "g"], &x);
	let expected = [
		"Strided + 1 step",
		"Strided + 1 step",
		"Conv 3x3",
		"Conv 3x3",
		"Concat",
		"Conv 3x3 + 1 step",
	];
	assert_eq!(names(&compiled), expected);
	let layouts: Vec<_> = compiled
		.program
		.ops
		.iter()
		.filter_map(|op| match op.kind {
			OpKind::Conv(conv) => Some((conv.layout, conv.output)),
			_ => None,
		})
		.collect();
	let (first, last) = (ImageLayout::ChannelsFirst, ImageLayout::ChannelsLast);
	assert_eq!(layouts, [(last, last), (last, last), (last, first)]);
	assert!(compiled.worst_leaf().unwrap().bound.is_within_limits());
}

/// A residual block: its sum is read by a convolution, and by the next sum.
#[test]
fn residual_blocks_keep_their_channels_last() {
	let net = || {
		Net::new()
			.floats("x", &[2, 90, 24, 24])
			.weight("v", &[90, 90, 1, 1], &noise(8100, 1))
			.weight("w", &[90, 90, 3, 3], &noise(72_900, 2))
			.node("Conv", &["x", "v"], &["a"])
			.node_with("Conv", &["a", "w"], &["b"], vec![("pads", A::Ints(vec![1; 4]))])
			.node("Add", &["a", "b"], &["c"])
			.node("Relu", &["c"], &["d"])
			.node_with("Conv", &["d", "w"], &["e"], vec![("pads", A::Ints(vec![1; 4]))])
			.node("Add", &["d", "e"], &["f"])
			.node("Conv", &["f", "v"], &["g"])
			.node("Relu", &["g"], &["y"])
	};
	let compiled = same_as_stored(net, &["a", "c", "d", "f"], &[noise(2 * 90 * 576, 3)]);
	// Only the input is transposed.
	let expected =
		["Strided", "Conv 1x1", "Conv 3x3 + 2 steps", "Conv 3x3 + 1 step", "Conv 1x1 + 1 step"];
	assert_eq!(names(&compiled), expected);
}

#[test]
fn joined_images_are_enlarged_where_they_are_joined() {
	let net = || {
		let net = Net::new()
			.floats("x", &[2, 3, 4, 5])
			.floats("z", &[2, 1, 8, 10])
			.weight("times", &[4], &[1.0, 1.0, 2.0, 2.0])
			.node("Exp", &["x"], &["a"]);
		enlarged(net, "a", "b", "times")
			.node_with("Concat", &["b", "z", "b"], &["c"], vec![("axis", A::Int(1))])
			.node("Neg", &["c"], &["y"])
	};
	let compiled = same_as_stored(net, &["b"], &[noise(120, 1), noise(160, 2)]);
	assert_eq!(names(&compiled), ["Unary(Exp)", "Concat", "Unary(Neg)"]);
	assert_eq!(compiled.program.ops[1].operands[0].shape.dims(), [2, 3, 4, 5]);
}

/// What a file has with the channels last and transposes for a convolution is read as it was.
#[test]
fn transpositions_there_and_back_vanish() {
	let net = || {
		Net::new()
			.floats("x", &[1, 20, 20, 90])
			.weight("w", &[5, 90, 3, 3], &noise(4050, 1))
			.node("Exp", &["x"], &["a"])
			.node_with("Transpose", &["a"], &["b"], vec![("perm", A::Ints(vec![0, 3, 1, 2]))])
			.node("Conv", &["b", "w"], &["c"])
			.node("Relu", &["c"], &["y"])
	};
	let compiled = same_as_stored(net, &["b"], &[noise(36_000, 2)]);
	assert_eq!(names(&compiled), ["Unary(Exp)", "Conv 3x3 + 1 step"]);
}

/// Sums over an outer axis, of values and of their squares: one transposition for both.
#[test]
fn reductions_take_in_what_is_computed_of_transposed_values() {
	let net = || {
		Net::new()
			.floats("x", &[40, 7])
			.list("axis", &[0])
			.node("Exp", &["x"], &["e"])
			.node("ReduceSum", &["e", "axis"], &["s"])
			.node("Mul", &["e", "e"], &["q"])
			.node("ReduceSum", &["q", "axis"], &["t"])
			.node("Div", &["s", "t"], &["d"])
			.node("Sub", &["e", "d"], &["y"])
	};
	let compiled = same_as_stored(net, &["q"], &[noise(280, 1)]);
	let expected = ["Unary(Exp)", "Strided", "MapReduce(Sum) of 1 steps", "Reduce(Sum) + 1 step"];
	assert_eq!(names(&compiled)[..4], expected);
	assert_eq!(count(&compiled, "Strided"), 1);
}

#[test]
fn parts_of_an_input_are_operands() {
	let net = |size: i64| {
		Net::new()
			.opset(18)
			.floats("x", &[2, size])
			.node_with("Split", &["x"], &["a", "b"], vec![("num_outputs", A::Int(2))])
			.node("Mul", &["a", "b"], &["c"])
			.node("Exp", &["c"], &["y"])
	};
	let compiled = same_as_stored(|| net(16), &["c", "b"], &[noise(32, 1)]);
	assert_eq!(names(&compiled), ["Map of 2 steps"]);
	let operands = &compiled.program.ops[0].operands;
	assert_eq!((operands[0].source, operands[1].source), (Source::Input(0), Source::Input(64)));
	// The second part does not begin where an operand may.
	let compiled = same_as_stored(|| net(15), &["c", "b"], &[noise(30, 1)]);
	assert_eq!(names(&compiled), ["Strided + 2 steps"]);
}

/// A recurrence's two states, in the other order.
#[test]
fn parts_put_one_after_another_are_one_movement() {
	let net = |pieces: [&'static str; 3]| {
		Net::new()
			.opset(18)
			.floats("x", &[3, 5])
			.node("Exp", &["x"], &["e"])
			.node_with("Split", &["e"], &["a", "b", "c"], vec![("num_outputs", A::Int(3))])
			.node_with("Concat", &pieces, &["d"], vec![("axis", A::Int(0))])
			.node("Relu", &["d"], &["y"])
	};
	let x = [noise(15, 1)];
	let reversed = same_as_stored(|| net(["c", "b", "a"]), &["a", "d"], &x);
	assert_eq!(names(&reversed), ["Unary(Exp)", "Strided + 1 step"]);
	let turned = same_as_stored(|| net(["c", "a", "b"]), &["d"], &x);
	assert_eq!(count(&turned, "Concat"), 1);
}

/// The last op may have another shape than the output.
#[test]
fn an_output_of_another_shape_is_no_copy() {
	let net = Net::new().floats("x", &[2, 3]).list("shape", &[3, 2]).node("Exp", &["x"], &["e"]);
	let compiled = net.node("Reshape", &["e", "shape"], &["y"]).output("y").compile();
	assert_eq!(names(&compiled), ["Unary(Exp)"]);
	assert_eq!(compiled.manifest.outputs[0].shape, [3, 2]);
	assert_eq!(run(&compiled, &[f32s(&noise(6, 1))])[0].shape, [3, 2]);
}
