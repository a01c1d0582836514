//! Convolutions over three spatial dimensions and more, against plain loops.

use assay_testing::onnx::net::{assert_close, noise, tensor, Net, A, D};
use rten_onnx::onnx::DataType;

/// A convolution, or a transposed one, of `[2, channels, ..]`.
struct Form {
	size: Vec<usize>,
	kernel: Vec<usize>,
	strides: Vec<usize>,
	dilations: Vec<usize>,
	/// Before every axis, then after every axis.
	pads: Vec<usize>,
	channels: usize,
	filters: usize,
	groups: usize,
}

impl Form {
	fn attributes(&self) -> Vec<(&'static str, A)> {
		let ints = |list: &[usize]| A::Ints(list.iter().map(|&x| x as i64).collect());
		vec![
			("strides", ints(&self.strides)),
			("dilations", ints(&self.dilations)),
			("pads", ints(&self.pads)),
			("group", A::Int(self.groups as i64)),
		]
	}

	fn out(&self, transposed: bool) -> Vec<usize> {
		let axes = self.size.len();
		let out = |d: usize| {
			let reach = self.dilations[d] * (self.kernel[d] - 1) + 1;
			let pads = self.pads[d] + self.pads[axes + d];
			if transposed {
				(self.size[d] - 1) * self.strides[d] + reach - pads
			} else {
				(self.size[d] + pads - reach) / self.strides[d] + 1
			}
		};
		(0..axes).map(out).collect()
	}

	/// The input's place that window `at` has at `k`, if that is inside `size`.
	fn place(&self, at: &[usize], k: &[usize], size: &[usize]) -> Option<usize> {
		let mut place = 0;
		for d in 0..size.len() {
			let i =
				(at[d] * self.strides[d] + k[d] * self.dilations[d]).checked_sub(self.pads[d])?;
			place = place * size[d] + Some(i).filter(|&i| i < size[d])?;
		}
		Some(place)
	}

	/// What every product of a convolution of `large` to `small` adds up: places in the large and the
	/// small image, and in the kernel.
	fn terms(&self, large: &[usize], small: &[usize]) -> Vec<(usize, usize, usize)> {
		let mut terms = Vec::new();
		for (s, at) in coordinates(small).iter().enumerate() {
			for (j, k) in coordinates(&self.kernel).iter().enumerate() {
				terms.extend(self.place(at, k, large).map(|l| (l, s, j)));
			}
		}
		terms
	}

	fn convolved(&self, x: &[f64], w: &[f64]) -> Vec<f64> {
		let out = self.out(false);
		let terms = self.terms(&self.size, &out);
		let [area, pixels, weights] = [&out, &self.size, &self.kernel].map(|dims| volume(dims));
		let (per_group, rows) = (self.channels / self.groups, self.filters / self.groups);
		let mut y = vec![0.0; 2 * self.filters * area];
		for n in 0..2 {
			for f in 0..self.filters {
				for c in 0..per_group {
					let from = (n * self.channels + f / rows * per_group + c) * pixels;
					for &(l, s, j) in &terms {
						let weight = w[(f * per_group + c) * weights + j];
						y[(n * self.filters + f) * area + s] += x[from + l] * weight;
					}
				}
			}
		}
		y
	}

	fn transposed(&self, x: &[f64], w: &[f64]) -> Vec<f64> {
		let out = self.out(true);
		let terms = self.terms(&out, &self.size);
		let [area, pixels, weights] = [&out, &self.size, &self.kernel].map(|dims| volume(dims));
		let (per_group, rows) = (self.channels / self.groups, self.filters / self.groups);
		let mut y = vec![0.0; 2 * self.filters * area];
		for n in 0..2 {
			for c in 0..self.channels {
				for f in 0..rows {
					let to = (n * self.filters + c / per_group * rows + f) * area;
					for &(l, s, j) in &terms {
						let weight = w[(c * rows + f) * weights + j];
						y[to + l] += x[(n * self.channels + c) * pixels + s] * weight;
					}
				}
			}
		}
		y
	}
}

fn volume(dims: &[usize]) -> usize {
	dims.iter().product()
}

fn coordinates(dims: &[usize]) -> Vec<Vec<usize>> {
	let mut all = vec![vec![]];
	for &dim in dims {
		let with = |one: &Vec<usize>| {
			(0..dim).map(|i| [one.as_slice(), &[i]].concat()).collect::<Vec<_>>()
		};
		all = all.iter().flat_map(with).collect();
	}
	all
}

fn dims(first: [usize; 2], rest: &[usize]) -> Vec<i64> {
	first.iter().chain(rest).map(|&dim| dim as i64).collect()
}

fn forms() -> Vec<Form> {
	vec![
		Form {
			size: vec![5, 4, 6],
			kernel: vec![3, 2, 3],
			strides: vec![2, 1, 3],
			dilations: vec![1, 2, 1],
			pads: vec![1, 0, 2, 0, 1, 1],
			channels: 4,
			filters: 6,
			groups: 2,
		},
		Form {
			size: vec![3, 3, 2],
			kernel: vec![2, 1, 2],
			strides: vec![2, 1, 2],
			dilations: vec![1; 3],
			pads: vec![0; 6],
			channels: 3,
			filters: 2,
			groups: 1,
		},
		Form {
			size: vec![3, 2, 4, 3],
			kernel: vec![2, 2, 3, 2],
			strides: vec![1, 2, 1, 1],
			dilations: vec![1; 4],
			pads: vec![1, 1, 0, 0, 0, 0, 1, 1],
			channels: 2,
			filters: 2,
			groups: 2,
		},
	]
}

fn wide(values: &[f32]) -> Vec<f64> {
	values.iter().map(|&x| x.into()).collect()
}

fn narrow(values: Vec<f64>) -> Vec<f32> {
	values.into_iter().map(|x| x as f32).collect()
}

#[test]
fn convolutions() {
	for form in forms() {
		let x_dims = dims([2, form.channels], &form.size);
		let w_dims = dims([form.filters, form.channels / form.groups], &form.kernel);
		let count = |dims: &[i64]| dims.iter().product::<i64>() as usize;
		let (x, w) = (noise(count(&x_dims), 1), noise(count(&w_dims), 2));
		let bias = noise(form.filters, 3);
		let net = Net::new()
			.floats("x", &x_dims)
			.weight("w", &w_dims, &w)
			.weight("b", &[form.filters as i64], &bias)
			.node_with("Conv", &["x", "w", "b"], &["y"], form.attributes())
			.output("y");
		let compiled = net.compile();
		let out = dims([2, form.filters], &form.out(false));
		assert!(compiled.manifest.outputs[0].shape.iter().map(|&d| i64::from(d)).eq(out));
		let mut expected = form.convolved(&wide(&x), &wide(&w));
		let area = form.out(false).iter().product::<usize>();
		for (i, y) in expected.iter_mut().enumerate() {
			*y += f64::from(bias[i / area % form.filters]);
		}
		assert_close(&net.run_f32(&[&x]), &narrow(expected), 1e-4);
	}
}

#[test]
fn transposed_convolutions() {
	// Four spatial dimensions with zeros between would be ten dimensions.
	for form in &forms()[..2] {
		let x_dims = dims([2, form.channels], &form.size);
		let w_dims = dims([form.channels, form.filters / form.groups], &form.kernel);
		let count = |dims: &[i64]| dims.iter().product::<i64>() as usize;
		let (x, w) = (noise(count(&x_dims), 4), noise(count(&w_dims), 5));
		let net = Net::new()
			.floats("x", &x_dims)
			.weight("w", &w_dims, &w)
			.node_with("ConvTranspose", &["x", "w"], &["y"], form.attributes())
			.output("y");
		let expected = form.transposed(&wide(&x), &wide(&w));
		assert_close(&net.run_f32(&[&x]), &narrow(expected), 1e-4);
	}
}

#[test]
fn convolutions_of_whole_numbers() {
	for form in forms() {
		let x_dims = dims([2, form.channels], &form.size);
		let w_dims = dims([form.filters, form.channels / form.groups], &form.kernel);
		let bytes = |dims: &[i64], seed| -> Vec<u8> {
			let count = dims.iter().product::<i64>() as usize;
			noise(count, seed).iter().map(|x| (x * 100.0 + 128.0) as u8).collect()
		};
		let (x, w) = (bytes(&x_dims, 6), bytes(&w_dims, 7));
		let input: Vec<D> = x_dims.iter().map(|&dim| D::N(dim)).collect();
		let net = Net::new()
			.input("x", DataType::UINT8, &input)
			.initializer(tensor("w", DataType::UINT8, &w_dims, w.clone()))
			.initializer(tensor("xz", DataType::UINT8, &[], vec![100]))
			.initializer(tensor("wz", DataType::UINT8, &[], vec![130]))
			.node_with("ConvInteger", &["x", "w", "xz", "wz"], &["y"], form.attributes())
			.output("y");
		let less = |bytes: &[u8], zero| -> Vec<f64> {
			bytes.iter().map(|&x| f64::from(x) - zero).collect()
		};
		let expected = form.convolved(&less(&x, 100.0), &less(&w, 130.0));
		let found = net.run(&[x]);
		let found: Vec<f32> =
			found[0].bytes.as_chunks().0.iter().map(|b| i32::from_le_bytes(*b) as f32).collect();
		assert_eq!(found, narrow(expected));
	}
}

#[test]
fn an_empty_result_is_an_error() {
	let net = Net::new().floats("x", &[1, 1, 1, 1, 1]).weight("w", &[1, 1, 1, 1, 1], &[1.0]);
	let pads = vec![("pads", A::Ints(vec![1, 0, 0, 0, 0, 0]))];
	let error = net.node_with("ConvTranspose", &["x", "w"], &["y"], pads).output("y").error();
	assert!(error.to_string().contains("is empty"), "{error}");
}
