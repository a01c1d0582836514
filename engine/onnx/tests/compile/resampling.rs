//! Resizing and transposed convolution.

use assay_onnx::ErrorKind;
use assay_referee::OpKind;
use assay_testing::onnx::net::{assert_close, noise, Net, A};

fn resize(dims: &[i64], scales: &[f32], attributes: Vec<(&'static str, A)>) -> Net {
	Net::new()
		.opset(18)
		.floats("x", dims)
		.weight("scales", &[scales.len() as i64], scales)
		.node_with("Resize", &["x", "", "scales"], &["y"], attributes)
		.output("y")
}

#[test]
fn whole_factors_are_one_view() {
	let attributes = vec![
		("coordinate_transformation_mode", A::Word("asymmetric")),
		("nearest_mode", A::Word("floor")),
	];
	let net = resize(&[1, 1, 2, 2], &[1.0, 1.0, 2.0, 3.0], attributes);
	let program = net.compile().program;
	assert!(program.ops.iter().all(|op| matches!(op.kind, OpKind::Strided { .. })));
	let (a, b) = ([1.0, 1.0, 1.0, 2.0, 2.0, 2.0], [3.0, 3.0, 3.0, 4.0, 4.0, 4.0]);
	assert_eq!(net.run_f32(&[&[1.0, 2.0, 3.0, 4.0]]), [a, a, b, b].concat());
}

#[test]
fn linear_and_cubic() {
	// Half-pixel centres: outputs sample at -0.25, 0.25, 0.75, 1.25.
	let net = resize(&[2], &[2.0], vec![("mode", A::Word("linear"))]);
	assert_eq!(net.run_f32(&[&[0.0, 4.0]]), [0.0, 1.0, 3.0, 4.0]);
	// A cubic filter that may look outside of a constant signal leaves it as it is.
	let net = resize(&[5], &[1.7], vec![("mode", A::Word("cubic"))]);
	assert_close(&net.run_f32(&[&[3.0; 5]]), &[3.0; 8], 1e-6);
	// Averages of two and two with antialiasing weights 1/8, 3/8, 3/8, 1/8 and the edge repeated.
	let antialias = vec![("mode", A::Word("linear")), ("antialias", A::Int(1))];
	let net = resize(&[4], &[0.5], antialias);
	let found = net.run_f32(&[&[1.0, 2.0, 3.0, 4.0]]);
	assert_close(&found, &[(1.0 + 3.0 + 6.0 + 3.0) / 8.0, (2.0 + 9.0 + 12.0 + 4.0) / 8.0], 1e-6);
}

#[test]
fn refused_resizes() {
	let error = resize(&[2], &[0.1], Vec::new()).error();
	assert_eq!(error.kind, ErrorKind::Invalid);
	let error = resize(&[2], &[2.0, 2.0], Vec::new()).error();
	assert_eq!(error.kind, ErrorKind::Invalid);
	let error = resize(&[2], &[1e9], Vec::new()).error();
	assert_eq!(error.kind, ErrorKind::TooLarge);
	let error = resize(&[2], &[2.0], vec![("mode", A::Word("lanczos"))]).error();
	assert_eq!(error.kind, ErrorKind::Unsupported);
}

/// A transposed convolution over one group by the definition: every pixel adds its kernel.
struct Transposed {
	channels: usize,
	filters: usize,
	image: [usize; 2],
	kernel: [usize; 2],
	stride: [usize; 2],
	dilation: [usize; 2],
	/// Top, left, bottom, right.
	pads: [usize; 4],
	groups: usize,
}

impl Transposed {
	fn out(&self, d: usize) -> usize {
		(self.image[d] - 1) * self.stride[d] + self.dilation[d] * (self.kernel[d] - 1) + 1
			- self.pads[d]
			- self.pads[d + 2]
	}

	fn plain(&self, x: &[f32], w: &[f32], bias: &[f32]) -> Vec<f32> {
		let (oh, ow) = (self.out(0), self.out(1));
		let (inner, outer) = (self.channels / self.groups, self.filters / self.groups);
		let mut y: Vec<f64> =
			(0..self.filters * oh * ow).map(|i| bias[i / (oh * ow)].into()).collect();
		for c in 0..self.channels {
			for f in 0..outer {
				for at in 0..self.image[0] * self.image[1] * self.kernel[0] * self.kernel[1] {
					let (pixel, tap) = (
						at / (self.kernel[0] * self.kernel[1]),
						at % (self.kernel[0] * self.kernel[1]),
					);
					let (py, px) = (pixel / self.image[1], pixel % self.image[1]);
					let (ky, kx) = (tap / self.kernel[1], tap % self.kernel[1]);
					let oy =
						(py * self.stride[0] + ky * self.dilation[0]).wrapping_sub(self.pads[0]);
					let ox =
						(px * self.stride[1] + kx * self.dilation[1]).wrapping_sub(self.pads[1]);
					if oy < oh && ox < ow {
						let filter = c / inner * outer + f;
						let image = x[c * self.image[0] * self.image[1] + pixel];
						let weight = w[(c * outer + f) * self.kernel[0] * self.kernel[1] + tap];
						y[(filter * oh + oy) * ow + ox] += f64::from(image) * f64::from(weight);
					}
				}
			}
		}
		y.into_iter().map(|x| x as f32).collect()
	}

	fn check(&self) {
		let ints = |list: &[usize]| A::Ints(list.iter().map(|&x| x as i64).collect());
		let size = |n: usize| n as i64;
		let (x, bias) =
			(noise(self.channels * self.image[0] * self.image[1], 1), noise(self.filters, 2));
		let outer = self.filters / self.groups;
		let w = noise(self.channels * outer * self.kernel[0] * self.kernel[1], 3);
		let net = Net::new()
			.floats("x", &[1, size(self.channels), size(self.image[0]), size(self.image[1])])
			.weight(
				"w",
				&[size(self.channels), size(outer), size(self.kernel[0]), size(self.kernel[1])],
				&w,
			)
			.weight("b", &[size(self.filters)], &bias)
			.node_with(
				"ConvTranspose",
				&["x", "w", "b"],
				&["y"],
				vec![
					("strides", ints(&self.stride)),
					("dilations", ints(&self.dilation)),
					("pads", ints(&self.pads)),
					("group", A::Int(size(self.groups))),
				],
			)
			.output("y");
		assert_close(&net.run_f32(&[&x]), &self.plain(&x, &w, &bias), 1e-4);
	}
}

#[test]
fn transposed_convolutions() {
	let plain = Transposed {
		channels: 4,
		filters: 6,
		image: [3, 5],
		kernel: [2, 3],
		stride: [2, 3],
		dilation: [1, 1],
		pads: [0; 4],
		groups: 1,
	};
	plain.check();
	Transposed { groups: 2, ..plain }.check();
	Transposed { kernel: [3, 4], pads: [1, 0, 0, 2], ..plain }.check();
	Transposed { kernel: [3, 2], dilation: [2, 3], stride: [1, 2], groups: 2, ..plain }.check();
	// More is cut off than the kernel reaches.
	Transposed { kernel: [1, 2], stride: [3, 2], pads: [2, 3, 1, 0], ..plain }.check();
}
