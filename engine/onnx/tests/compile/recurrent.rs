//! Recurrent networks against the definitions in f64.

use assay_onnx::ErrorKind;
use assay_referee::{OpKind, OpRecord};
use assay_testing::onnx::net::{assert_close, f32s, floats_of, noise, run, tensor, Net, A};
use rten_onnx::onnx::DataType;

const BATCH: usize = 3;
const INPUTS: usize = 4;
const HIDDEN: usize = 6;

/// Operands of one node, all `[directions, ..]`.
struct Case {
	op: &'static str,
	gates: usize,
	steps: usize,
	direction: &'static str,
	lengths: Option<[i32; BATCH]>,
	peepholes: bool,
	linear_before_reset: bool,
	batch_first: bool,
	/// One that changes nothing keeps the node from being one op.
	clip: Option<f32>,
}

impl Case {
	fn plain(op: &'static str, gates: usize) -> Case {
		let (lengths, peepholes, linear_before_reset, batch_first) = (None, false, false, false);
		let direction = "bidirectional";
		Case {
			op,
			gates,
			steps: 5,
			direction,
			lengths,
			peepholes,
			linear_before_reset,
			batch_first,
			clip: None,
		}
	}

	fn directions(&self) -> usize {
		if self.direction == "bidirectional" {
			2
		} else {
			1
		}
	}

	/// x, W, R, B, h, c, P.
	fn operands(&self) -> [Vec<f32>; 7] {
		let (d, rows) = (self.directions(), self.gates * HIDDEN);
		let lengths = [
			self.steps * BATCH * INPUTS,
			d * rows * INPUTS,
			d * rows * HIDDEN,
			d * rows * 2,
			d * BATCH * HIDDEN,
			d * BATCH * HIDDEN,
			d * HIDDEN * 3,
		];
		std::array::from_fn(|i| noise(lengths[i], i as u32 + 1))
	}

	fn check(&self) {
		let operands = self.operands();
		let expected = self.expected(&operands);
		let outputs =
			self.net(&operands).run(&[f32s(&self.swapped(&operands[0], self.steps, INPUTS))]);
		let (d, last) = (self.directions(), self.directions() * BATCH * HIDDEN);
		assert_eq!(outputs[0].bytes.len(), self.steps * last * 4);
		let batch_first = |values: &[f32], steps: usize| -> Vec<f32> {
			if !self.batch_first {
				return values.to_vec();
			}
			// [steps, d, batch, h] to [batch, steps, d, h]
			(0..BATCH)
				.flat_map(|b| (0..steps * d).map(move |i| (i * BATCH + b) * HIDDEN))
				.flat_map(|at| values[at..at + HIDDEN].to_vec())
				.collect()
		};
		assert_near(&floats_of(&outputs[0]), &batch_first(&expected.0, self.steps));
		assert_near(&floats_of(&outputs[1]), &batch_first(&expected.1, 1));
		if self.op == "LSTM" {
			assert_near(&floats_of(&outputs[2]), &batch_first(&expected.2, 1));
		}
	}

	/// `[n, batch, k]` as `[batch, n, k]` where the batch comes first.
	fn swapped(&self, x: &[f32], n: usize, k: usize) -> Vec<f32> {
		if !self.batch_first {
			return x.to_vec();
		}
		(0..BATCH)
			.flat_map(|b| (0..n).map(move |i| (i * BATCH + b) * k))
			.flat_map(|at| x[at..at + k].to_vec())
			.collect()
	}

	fn net(&self, operands: &[Vec<f32>; 7]) -> Net {
		let [_, w, r, b, h, c, p] = operands;
		let (d, rows) = (self.directions() as i64, (self.gates * HIDDEN) as i64);
		let (steps, batch, inputs, hidden) =
			(self.steps as i64, BATCH as i64, INPUTS as i64, HIDDEN as i64);
		let state = if self.batch_first { [batch, d, hidden] } else { [d, batch, hidden] };
		let mut net = Net::new()
			.floats(
				"x",
				&if self.batch_first { [batch, steps, inputs] } else { [steps, batch, inputs] },
			)
			.weight("w", &[d, rows, inputs], w)
			.weight("r", &[d, rows, hidden], r)
			.weight("b", &[d, rows * 2], b)
			.weight("h", &state, &self.swapped(h, d as usize, HIDDEN))
			.weight("c", &state, &self.swapped(c, d as usize, HIDDEN))
			.weight("p", &[d, hidden * 3], p);
		let mut names = vec!["x", "w", "r", "b", "", "h"];
		if let Some(lengths) = self.lengths {
			let bytes = lengths.iter().flat_map(|x| x.to_le_bytes()).collect();
			net = net.initializer(tensor("lengths", DataType::INT32, &[batch], bytes));
			names[4] = "lengths";
		}
		let mut outputs = vec!["y", "last_h"];
		if self.op == "LSTM" {
			names.push("c");
			outputs.push("last_c");
			if self.peepholes {
				names.push("p");
			}
		}
		let mut attributes =
			vec![("hidden_size", A::Int(hidden)), ("direction", A::Word(self.direction))];
		attributes.push(("layout", A::Int(self.batch_first.into())));
		if let Some(clip) = self.clip {
			attributes.push(("clip", A::Float(clip)));
		}
		if self.op == "GRU" {
			attributes.push(("linear_before_reset", A::Int(self.linear_before_reset.into())));
		}
		let mut net = net.node_with(self.op, &names, &outputs, attributes);
		for output in outputs {
			net = net.output(output);
		}
		net
	}

	/// Y, Y_h and Y_c with the sequence first.
	fn expected(&self, operands: &[Vec<f32>; 7]) -> (Vec<f32>, Vec<f32>, Vec<f32>) {
		let d = self.directions();
		let mut y = vec![0.0; self.steps * d * BATCH * HIDDEN];
		let (mut last_h, mut last_c) = (Vec::new(), Vec::new());
		for at in 0..d {
			for entry in 0..BATCH {
				let start = (at * BATCH + entry) * HIDDEN;
				let state = |x: &[f32]| -> Vec<f64> {
					x[start..start + HIDDEN].iter().map(|&x| x.into()).collect()
				};
				let (mut h, mut c) = (state(&operands[4]), state(&operands[5]));
				let length = self.lengths.map_or(self.steps, |lengths| lengths[entry] as usize);
				for turn in 0..length {
					let backwards = at == 1 || self.direction == "reverse";
					let step = if backwards { length - 1 - turn } else { turn };
					self.step(
						operands,
						at,
						&operands[0][(step * BATCH + entry) * INPUTS..],
						&mut h,
						&mut c,
					);
					let to = ((step * d + at) * BATCH + entry) * HIDDEN;
					for (place, &x) in y[to..].iter_mut().zip(&h) {
						*place = x as f32;
					}
				}
				last_h.extend(h.iter().map(|&x| x as f32));
				last_c.extend(c.iter().map(|&x| x as f32));
			}
		}
		(y, last_h, last_c)
	}

	fn step(
		&self,
		operands: &[Vec<f32>; 7],
		at: usize,
		x: &[f32],
		h: &mut Vec<f64>,
		c: &mut [f64],
	) {
		let [_, w, r, b, _, _, p] = operands;
		let rows = self.gates * HIDDEN;
		let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
		let from_x = |row: usize| -> f64 {
			let w = &w[(at * rows + row) * INPUTS..][..INPUTS];
			w.iter().zip(x).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum()
		};
		let from_h = |row: usize, h: &[f64]| -> f64 {
			let r = &r[(at * rows + row) * HIDDEN..][..HIDDEN];
			r.iter().zip(h).map(|(&a, &b)| f64::from(a) * b).sum()
		};
		let (wb, rb) = (
			|row: usize| f64::from(b[at * rows * 2 + row]),
			|row: usize| f64::from(b[at * rows * 2 + rows + row]),
		);
		let gate = |row: usize| from_x(row) + from_h(row, h) + wb(row) + rb(row);
		let peephole = |i: usize, j: usize| {
			if self.peepholes {
				f64::from(p[at * HIDDEN * 3 + i * HIDDEN + j])
			} else {
				0.0
			}
		};
		let next: Vec<f64> = match self.op {
			"RNN" => (0..HIDDEN).map(|j| gate(j).tanh()).collect(),
			"GRU" => {
				let reset: Vec<f64> = (0..HIDDEN).map(|j| sigmoid(gate(HIDDEN + j))).collect();
				let kept: Vec<f64> = h.iter().zip(&reset).map(|(h, r)| h * r).collect();
				(0..HIDDEN)
					.map(|j| {
						let row = 2 * HIDDEN + j;
						let seen = if self.linear_before_reset {
							reset[j] * (from_h(row, h) + rb(row))
						} else {
							from_h(row, &kept) + rb(row)
						};
						let (z, new) = (sigmoid(gate(j)), (from_x(row) + wb(row) + seen).tanh());
						(1.0 - z) * new + z * h[j]
					})
					.collect()
			},
			_ => (0..HIDDEN)
				.map(|j| {
					let i = sigmoid(gate(j) + peephole(0, j) * c[j]);
					let f = sigmoid(gate(2 * HIDDEN + j) + peephole(2, j) * c[j]);
					c[j] = f * c[j] + i * gate(3 * HIDDEN + j).tanh();
					sigmoid(gate(HIDDEN + j) + peephole(1, j) * c[j]) * c[j].tanh()
				})
				.collect(),
		};
		*h = next;
	}
}

/// Within 1e-5 of the largest value: small ones are differences of larger ones.
#[track_caller]
fn assert_near(found: &[f32], expected: &[f32]) {
	assert_eq!(found.len(), expected.len());
	let largest = expected.iter().fold(0f32, |most, x| most.max(x.abs()));
	for (i, (x, y)) in found.iter().zip(expected).enumerate() {
		assert!((x - y).abs() <= 1e-5 * largest, "element {i}: {x} where {y} is expected");
	}
}

#[test]
fn all_kinds_in_both_directions() {
	for (op, gates) in [("LSTM", 4), ("GRU", 3), ("RNN", 1)] {
		Case::plain(op, gates).check();
		Case { direction: "reverse", ..Case::plain(op, gates) }.check();
		Case { direction: "forward", batch_first: true, ..Case::plain(op, gates) }.check();
		Case { lengths: Some([5, 2, 3]), ..Case::plain(op, gates) }.check();
	}
	Case { peepholes: true, ..Case::plain("LSTM", 4) }.check();
	Case { linear_before_reset: true, ..Case::plain("GRU", 3) }.check();
}

/// What a tagger has in its middle: written out, it would take thousands of ops.
#[test]
fn long_sequences_are_few_ops() {
	for (op, gates, reset_after) in
		[("LSTM", 4, false), ("GRU", 3, false), ("GRU", 3, true), ("RNN", 1, false)]
	{
		let case = Case { steps: 128, linear_before_reset: reset_after, ..Case::plain(op, gates) };
		case.check();
		let program = case.net(&case.operands()).compile().program;
		let recur = |op: &&OpRecord| matches!(op.kind, OpKind::Recur { .. });
		assert_eq!(program.ops.iter().filter(recur).count(), 2);
		// For each direction a product, the recurrence and its outputs; turning the input round,
		// joining the directions three times, and the program's outputs.
		assert!(program.ops.len() <= 16, "{}", program.ops.len());
	}
}

/// One op and the same steps written out differ in the order of one addition only.
#[test]
fn one_op_equals_its_steps() {
	for (op, gates) in [("LSTM", 4), ("GRU", 3), ("RNN", 1)] {
		let outputs = |clip: Option<f32>| {
			let case = Case { clip, ..Case::plain(op, gates) };
			let operands = case.operands();
			let compiled = case.net(&operands).compile();
			let outputs = run(&compiled, &[f32s(&operands[0])]);
			(compiled.program.ops.len(), outputs.iter().map(floats_of).collect::<Vec<_>>())
		};
		let ((few, whole), (many, steps)) = (outputs(None), outputs(Some(1e30)));
		assert!(few < 20 && many > 2 * few, "{few} {many}");
		for (whole, steps) in whole.iter().zip(&steps) {
			assert_close(whole, steps, 1e-5);
		}
	}
}

#[test]
fn other_activations_and_clipping() {
	let net = |activations: Vec<&'static str>| {
		Net::new()
			.floats("x", &[1, 1, 2])
			.weight("w", &[1, 2, 2], &[1.0, 0.0, 0.0, 1.0])
			.weight("r", &[1, 2, 2], &[0.0; 4])
			.node_with(
				"RNN",
				&["x", "w", "r"],
				&["y"],
				vec![("activations", A::Words(activations)), ("clip", A::Float(2.0))],
			)
			.output("y")
	};
	assert_eq!(net(vec!["Relu"]).run_f32(&[&[-1.0, 3.0]]), [0.0, 2.0]);
	// Its parameters have no defaults.
	let error = net(vec!["Affine"]).error();
	assert_eq!(error.kind, ErrorKind::Invalid);
	assert!(error.to_string().contains("activation_alpha has too few values"), "{error}");
	let error = net(vec!["Cube"]).error();
	assert!(error.to_string().contains("activation `Cube`"), "{error}");
}
