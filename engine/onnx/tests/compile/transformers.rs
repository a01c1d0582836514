//! Attention and its relatives against plain loops.

use assay_testing::onnx::net::{assert_close, f32s, floats_of, noise, tensor, Net, A};
use rten_onnx::onnx::DataType;

const ROWS: usize = 3;
const SIZE: usize = 4;

/// softmax(q kᵀ / √size) v for heads `[heads, rows, size]`, in f64; a row sees the columns that
/// `sees` says, and head `h` of the query reads head `h / share` of the keys.
fn plain_attention(
	[q, k, v]: [&[f32]; 3],
	heads: usize,
	share: usize,
	columns: usize,
	sees: impl Fn(usize, usize) -> bool,
) -> Vec<f32> {
	let mut out = Vec::new();
	for head in 0..heads {
		let own = head / share * columns * SIZE;
		for row in 0..ROWS {
			let at = (head * ROWS + row) * SIZE;
			let score = |column: usize| -> f64 {
				let terms =
					(0..SIZE).map(|i| f64::from(q[at + i]) * f64::from(k[own + column * SIZE + i]));
				terms.sum::<f64>() / (SIZE as f64).sqrt()
			};
			let weight = |c: usize| if sees(row, c) { score(c).exp() } else { 0.0 };
			let total: f64 = (0..columns).map(weight).sum();
			for i in 0..SIZE {
				let value = |c: usize| weight(c) * f64::from(v[own + c * SIZE + i]);
				out.push(((0..columns).map(value).sum::<f64>() / total) as f32);
			}
		}
	}
	out
}

/// `[heads, rows, size]` as `[rows, heads · size]`.
fn side_by_side(x: &[f32], heads: usize, rows: usize) -> Vec<f32> {
	let at = |i: usize| {
		let (row, head, e) = (i / (heads * SIZE), i / SIZE % heads, i % SIZE);
		x[(head * rows + row) * SIZE + e]
	};
	(0..x.len()).map(at).collect()
}

#[test]
fn neighbouring_heads_share_keys() {
	let (q, k, v) = (noise(4 * 12, 1), noise(2 * 20, 2), noise(2 * 20, 3));
	let expected = plain_attention([&q, &k, &v], 4, 2, 5, |_, _| true);
	let net = Net::new().opset(23).floats("q", &[1, 4, 3, 4]).floats("k", &[1, 2, 5, 4]);
	let net = net.floats("v", &[1, 2, 5, 4]).node("Attention", &["q", "k", "v"], &["y"]);
	assert_close(&net.output("y").run_f32(&[&q, &k, &v]), &expected, 1e-5);
	// The same heads side by side.
	let heads = vec![("q_num_heads", A::Int(4)), ("kv_num_heads", A::Int(2))];
	let net = Net::new().opset(23).floats("q", &[1, 3, 16]).floats("k", &[1, 5, 8]);
	let net = net.floats("v", &[1, 5, 8]).node_with("Attention", &["q", "k", "v"], &["y"], heads);
	let flat = [side_by_side(&q, 4, 3), side_by_side(&k, 2, 5), side_by_side(&v, 2, 5)];
	let found = net.output("y").run_f32(&[&flat[0], &flat[1], &flat[2]]);
	assert_close(&found, &side_by_side(&expected, 4, 3), 1e-5);
}

#[test]
fn causal_attention_with_a_past() {
	let (q, new, old) = (noise(2 * 12, 4), noise(2 * 12, 5), noise(2 * 8, 6));
	let joined = |head: usize| {
		let old = &old[head * 8..head * 8 + 8];
		[old, &new[head * 12..head * 12 + 12]].concat()
	};
	let all = [joined(0), joined(1)].concat();
	let expected = plain_attention([&q, &all, &all], 2, 1, 5, |row, column| column <= row + 2);
	let net = Net::new().opset(23).floats("q", &[1, 2, 3, 4]).floats("k", &[1, 2, 3, 4]);
	let net = net.floats("past", &[1, 2, 2, 4]);
	let inputs = ["q", "k", "k", "", "past", "past"];
	let causal = vec![("is_causal", A::Int(1))];
	let net = net.node_with("Attention", &inputs, &["y", "keys"], causal);
	let outputs = net.output("y").output("keys").run(&[f32s(&q), f32s(&new), f32s(&old)]);
	assert_close(&floats_of(&outputs[0]), &expected, 1e-5);
	assert_eq!(floats_of(&outputs[1]), all);
}

#[test]
fn rotary_embedding_turns_pairs() {
	// One row at position 1; pairs (0, 2) and (1, 3), or (0, 1) and (2, 3) where interleaved.
	let x = [1.0, 2.0, 3.0, 4.0];
	let (cos, sin) = ([0.5, 0.25], [2.0, 4.0]);
	for (interleaved, pairs) in [(0, [(0, 2), (1, 3)]), (1, [(0, 1), (2, 3)])] {
		let mut expected = [0.0; 4];
		for (i, (a, b)) in pairs.into_iter().enumerate() {
			expected[a] = cos[i] * x[a] - sin[i] * x[b];
			expected[b] = sin[i] * x[a] + cos[i] * x[b];
		}
		let net = Net::new().opset(23).floats("x", &[1, 1, 1, 4]);
		let net = net.weight("cos", &[2, 2], &[9.0, 9.0, cos[0], cos[1]]);
		let net = net.weight("sin", &[2, 2], &[9.0, 9.0, sin[0], sin[1]]).list("p", &[1]);
		let net = net.list("one", &[1, 1]).node("Reshape", &["p", "one"], &["at"]);
		let attributes = vec![("interleaved", A::Int(interleaved))];
		let inputs = ["x", "cos", "sin", "at"];
		let net = net.node_with("RotaryEmbedding", &inputs, &["y"], attributes);
		assert_eq!(net.output("y").run_f32(&[&x]), expected);
	}
}

#[test]
fn root_mean_square_normalisation() {
	let (x, scale) = (noise(12, 7), [1.0, -2.0, 0.5]);
	let net = Net::new().opset(23).floats("x", &[4, 3]).weight("s", &[3], &scale);
	let found = net.node("RMSNormalization", &["x", "s"], &["y"]).output("y").run_f32(&[&x]);
	let row = |row: &[f32]| -> Vec<f32> {
		let mean = row.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>() / 3.0 + 1e-5;
		row.iter().zip(scale).map(|(x, s)| (f64::from(*x) / mean.sqrt()) as f32 * s).collect()
	};
	assert_close(&found, &x.chunks(3).flat_map(row).collect::<Vec<f32>>(), 1e-5);
}

#[test]
fn unsupported_forms_say_so() {
	let net = Net::new().opset(23).floats("q", &[1, 3, 16]).floats("k", &[1, 5, 9]);
	let heads = vec![("q_num_heads", A::Int(4)), ("kv_num_heads", A::Int(2))];
	let net = net.node_with("Attention", &["q", "k", "k"], &["y"], heads).output("y");
	let error = net.error().to_string();
	assert!(error.contains("a width of 9 has not 2 heads"), "{error}");
	let mut net = Net::new().floats("x", &[1, 4]).weight("w", &[4, 4], &[1.0; 16]);
	net = net.node_with("FusedGemm", &["x", "w"], &["y"], vec![("activation", A::Word("Odd"))]);
	net.graph().node[0].domain = Some("com.microsoft".into());
	let error = net.output("y").error().to_string();
	assert!(error.contains("activation `Odd`"), "{error}");
}

/// `Attention` of one head of 3 rows and 5 columns with these inputs and attributes besides; `weight` is what a
/// score in a row and a column becomes.
fn assert_attends(
	opset: i64,
	more: impl Fn(Net) -> (Net, Vec<&'static str>),
	attributes: Vec<(&str, A)>,
	weight: impl Fn(usize, usize, f64) -> f64,
) {
	let (q, k, v) = (noise(12, 21), noise(20, 22), noise(20, 23));
	let net = Net::new().opset(opset).floats("q", &[1, 1, 3, 4]).floats("k", &[1, 1, 5, 4]);
	let (net, names) = more(net.floats("v", &[1, 1, 5, 4]));
	let inputs = [&["q", "k", "v"][..], &names].concat();
	let found =
		net.node_with("Attention", &inputs, &["y"], attributes).output("y").run_f32(&[&q, &k, &v]);
	let mut expected = Vec::new();
	for row in 0..ROWS {
		let score = |column: usize| -> f64 {
			let terms = (0..SIZE).map(|i| f64::from(q[row * 4 + i]) * f64::from(k[column * 4 + i]));
			terms.sum::<f64>() / 2.0
		};
		let weights: Vec<f64> = (0..5).map(|column| weight(row, column, score(column))).collect();
		let total = weights.iter().sum::<f64>();
		for i in 0..SIZE {
			let sum: f64 =
				(0..5).map(|column| weights[column] * f64::from(v[column * 4 + i])).sum();
			expected.push(if total == 0.0 { 0.0 } else { (sum / total) as f32 });
		}
	}
	assert_close(&found, &expected, 1e-5);
}

/// What is masked has no weight, however the scores are capped.
#[test]
fn caps_come_before_masks() {
	let capped = |score: f64| (2.0 * (score / 2.0).tanh()).exp();
	let attributes = || vec![("softcap", A::Float(2.0)), ("is_causal", A::Int(1))];
	for opset in [23, 24, 25] {
		let sees = |row, column, score| if column <= row { capped(score) } else { 0.0 };
		assert_attends(opset, |net| (net, Vec::new()), attributes(), sees);
	}
}

#[test]
fn rows_that_see_nothing_give_zero() {
	let mask = |net: Net| {
		let rows = [[1, 0, 1, 1, 0], [0; 5], [0, 0, 0, 0, 1]].concat();
		let mask = tensor("m", DataType::BOOL, &[3, 5], rows);
		(net.initializer(mask), vec!["m"])
	};
	let sees = |row: usize, column: usize, score: f64| match (row, column) {
		(0, 0 | 2 | 3) | (2, 4) => score.exp(),
		_ => 0.0,
	};
	assert_attends(23, mask, Vec::new(), sees);
	// The same as summands of the scores.
	let summands = |net: Net| {
		let none = f32::NEG_INFINITY;
		let rows = [[0.0, none, 0.0, 0.0, none], [none; 5], [none, none, none, none, 0.0]].concat();
		(net.weight("m", &[3, 5], &rows), vec!["m"])
	};
	assert_attends(24, summands, Vec::new(), sees);
}

/// With a number of valid columns the rows are the last of them.
#[test]
fn lengths_move_what_rows_see() {
	let lengths = |net: Net| (net.list("n", &[4]), vec!["", "", "", "n"]);
	let causal = vec![("is_causal", A::Int(1))];
	let sees = |row, column, score: f64| if column <= row + 1 { score.exp() } else { 0.0 };
	assert_attends(24, lengths, causal, sees);
	let valid = |_, column, score: f64| if column < 4 { score.exp() } else { 0.0 };
	assert_attends(24, lengths, Vec::new(), valid);
}

#[test]
fn windows_of_rows() {
	let attributes = vec![("left_window_size", A::Int(1)), ("right_window_size", A::Int(2))];
	let sees = |row: usize, column: usize, score: f64| {
		if column + 1 >= row && column <= row + 2 {
			score.exp()
		} else {
			0.0
		}
	};
	assert_attends(25, |net| (net, Vec::new()), attributes, sees);
}

/// A first prompt in a cache, filled up behind its end, begins at 0: its rows are those that it has without a cache.
#[test]
fn a_prompt_that_is_filled_up_begins_at_its_start() {
	const PROMPT: i64 = 5;
	let (width, room, size) = (2 * SIZE as i64, 7, SIZE as i64);
	let net = |cached: bool| {
		let mut net = Net::new().floats("q", &[1, PROMPT, width]).floats("k", &[1, PROMPT, size]);
		net = net.floats("v", &[1, PROMPT, size]);
		let angles = |seed: u32| noise(8 * SIZE / 2, seed);
		net =
			net.weight("cos", &[8, size / 2], &angles(1)).weight("sin", &[8, size / 2], &angles(2));
		let last = |at: i32| tensor("last", DataType::INT32, &[1], at.to_le_bytes().to_vec());
		let total = tensor("all", DataType::INT32, &[], (PROMPT as i32).to_le_bytes().to_vec());
		net = net.initializer(last(2)).initializer(total);
		let mut inputs = vec!["q", "k", "v", "", "", "last", "all", "cos", "sin"];
		if cached {
			net = net.floats("past", &[1, 1, room, size]).floats("past v", &[1, 1, room, size]);
			(inputs[3], inputs[4]) = ("past", "past v");
		}
		let heads =
			vec![("num_heads", A::Int(2)), ("kv_num_heads", A::Int(1)), ("do_rotary", A::Int(1))];
		net = net.node_with("GroupQueryAttention", &inputs, &["y"], heads).output("y");
		net.graph().node[0].domain = Some("com.microsoft".into());
		net
	};
	let prompt = PROMPT as usize;
	let mut inputs = vec![f32s(&noise(prompt * 2 * SIZE, 3))];
	inputs.extend([4, 5].map(|seed| f32s(&noise(prompt * SIZE, seed))));
	let alone = floats_of(&net(false).run(&inputs)[0]);
	inputs.extend([6, 7].map(|seed| f32s(&noise(7 * SIZE, seed))));
	let cached = floats_of(&net(true).run(&inputs)[0]);
	// Three of its rows are valid; no older key or value is seen by them.
	let valid = 3 * 2 * SIZE;
	assert_close(&cached[..valid], &alone[..valid], 1e-6);
}
