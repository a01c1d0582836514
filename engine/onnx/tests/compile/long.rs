//! Axes longer than one element may read: split, with the same results and leaves within the limits.

use assay_testing::onnx::net::{
	assert_close, f32s, floats_of, i64s_of, noise, run, tensor, Net, A, D,
};
use rten_onnx::onnx::DataType;

fn small_integers(count: usize, seed: u32) -> Vec<f32> {
	noise(count, seed).iter().map(|x| (x * 4.0).round()).collect()
}

#[test]
fn long_contractions_are_split() {
	const K: usize = 40_000;
	let (x, w, bias) = (small_integers(2 * K, 1), small_integers(3 * K, 2), [1.0, -2.0, 3.0]);
	let net = Net::new()
		.floats("x", &[2, K as i64])
		.weight("w", &[3, K as i64], &w)
		.weight("b", &[3], &bias)
		.node_with("Gemm", &["x", "w", "b"], &["y"], vec![("transB", A::Int(1))])
		.output("y");
	let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
	let expected: Vec<f32> = x
		.chunks(K)
		.flat_map(|x| w.chunks(K).zip(bias).map(|(w, bias)| dot(x, w) + bias).collect::<Vec<_>>())
		.collect();
	assert_eq!(net.run_f32(&[&x]), expected);
	assert!(net.compile().worst_leaf().unwrap().bound.is_within_limits());
	// A convolution over as many terms, in two groups, with a bias per filter.
	let (x, w, bias) =
		(small_integers(2 * 180 * 100, 3), small_integers(2 * 180 * 100, 4), [5.0, 7.0]);
	let net = Net::new()
		.floats("x", &[1, 2, 180, 100])
		.weight("w", &[2, 1, 180, 100], &w)
		.weight("b", &[2], &bias)
		.node_with("Conv", &["x", "w", "b"], &["y"], vec![("group", A::Int(2))])
		.output("y");
	let halves = x.chunks(18_000).zip(w.chunks(18_000)).zip(bias);
	let expected: Vec<f32> = halves.map(|((x, w), bias)| dot(x, w) + bias).collect();
	assert_eq!(net.run_f32(&[&x]), expected);
}

#[test]
fn vocabularies() {
	const K: usize = 151_936;
	let mut x = noise(2 * K, 5);
	// The first of equals, in one block and across blocks; the last element of all.
	(x[1500], x[1700], x[30_000]) = (2.0, 2.0, 2.0);
	x[2 * K - 1] = 2.0;
	(x[99_999], x[100_000], x[K + 3]) = (-2.0, -2.0, -2.0);
	let net = Net::new()
		.floats("x", &[2, K as i64])
		.node_with("ArgMax", &["x"], &["best"], vec![("axis", A::Int(1))])
		.node_with("ArgMin", &["x"], &["worst"], vec![("axis", A::Int(1))])
		.node("Softmax", &["x"], &["y"])
		.node("LogSoftmax", &["x"], &["log"])
		.output("best")
		.output("y")
		.output("worst")
		.output("log");
	let compiled = net.compile();
	assert!(compiled.worst_leaf().unwrap().bound.is_within_limits());
	let outputs = run(&compiled, &[f32s(&x)]);
	assert_eq!(i64s_of(&outputs[0]), [1500, K as i64 - 1]);
	let sums: Vec<f64> =
		x.chunks(K).map(|row| row.iter().map(|&x| f64::from(x).exp()).sum()).collect();
	let expected: Vec<f32> =
		x.iter().enumerate().map(|(i, &x)| (f64::from(x).exp() / sums[i / K]) as f32).collect();
	assert_close(&floats_of(&outputs[1]), &expected, 1e-5);
	assert_eq!(i64s_of(&outputs[2]), [99_999, 3]);
	let expected: Vec<f32> =
		x.iter().enumerate().map(|(i, &x)| (f64::from(x) - sums[i / K].ln()) as f32).collect();
	assert_close(&floats_of(&outputs[3]), &expected, 1e-5);
	// Nothing but the lowest value: still the first.
	let low = Net::new()
		.floats("x", &[K as i64])
		.node_with("ArgMax", &["x"], &["best"], vec![("axis", A::Int(0))])
		.output("best");
	assert_eq!(i64s_of(&low.run(&[f32s(&vec![f32::NEG_INFINITY; K])])[0]), [0]);
}

/// Whole numbers of 8 bits without a pattern.
fn bytes(count: usize, seed: u32) -> Vec<u8> {
	noise(count, seed).iter().map(|x| (x * 127.0 + 128.0) as u8).collect()
}

/// `a [m, k]` by `b [k, n]` with zero points, in `i32`.
fn whole_product(a: &[u8], b: &[u8], n: usize, a_zeros: &[u8], b_zeros: &[u8]) -> Vec<i32> {
	let k = b.len() / n;
	let mut out = Vec::new();
	for (i, row) in a.chunks(k).enumerate() {
		let a_zero = i32::from(a_zeros[i % a_zeros.len()]);
		for j in 0..n {
			let b_zero = i32::from(b_zeros[j % b_zeros.len()]);
			let term = |l: usize| (i32::from(row[l]) - a_zero) * (i32::from(b[l * n + j]) - b_zero);
			out.push((0..k).map(term).sum());
		}
	}
	out
}

fn i32s_of(bytes: &[u8]) -> Vec<i32> {
	bytes.as_chunks().0.iter().map(|b| i32::from_le_bytes(*b)).collect()
}

#[test]
fn long_products_of_whole_numbers() {
	const K: usize = 40_000;
	let (a, b) = (bytes(2 * K, 1), bytes(3 * K, 2));
	let u8s = |name: &str, dims: &[i64], bytes: &[u8]| {
		tensor(name, DataType::UINT8, dims, bytes.to_vec())
	};
	// One zero point each; one per row and one per column.
	for (a_zeros, b_zeros) in [(vec![3], vec![200]), (vec![3, 250], vec![1, 2, 129])] {
		let net = Net::new()
			.input("a", DataType::UINT8, &[D::N(2), D::N(K as i64)])
			.initializer(u8s("b", &[K as i64, 3], &b))
			.initializer(u8s("az", &[a_zeros.len() as i64], &a_zeros))
			.initializer(u8s("bz", &[b_zeros.len() as i64], &b_zeros))
			.node("MatMulInteger", &["a", "b", "az", "bz"], &["y"])
			.output("y");
		let compiled = net.compile();
		assert!(compiled.worst_leaf().unwrap().bound.is_within_limits());
		let found = i32s_of(&run(&compiled, std::slice::from_ref(&a))[0].bytes);
		assert_eq!(found, whole_product(&a, &b, 3, &a_zeros, &b_zeros));
	}
	let scalar = |name: &str, x: f32| tensor(name, DataType::FLOAT, &[], f32s(&[x]));
	let net = Net::new()
		.input("a", DataType::UINT8, &[D::N(2), D::N(K as i64)])
		.initializer(u8s("b", &[K as i64, 3], &b))
		.initializer(u8s("az", &[], &[127]))
		.initializer(u8s("bz", &[], &[128]))
		.initializer(u8s("yz", &[], &[9]))
		.initializer(scalar("as", 0.5))
		.initializer(scalar("bs", 0.25))
		.initializer(scalar("ys", 4096.0))
		.node("QLinearMatMul", &["a", "as", "az", "b", "bs", "bz", "ys", "yz"], &["y"])
		.output("y");
	let sums = whole_product(&a, &b, 3, &[127], &[128]);
	let scaled = |sum: &i32| (*sum as f32 * (0.125 / 4096.0)).round_ties_even() + 9.0;
	let expected: Vec<u8> = sums.iter().map(|sum| scaled(sum).clamp(0.0, 255.0) as u8).collect();
	assert_eq!(net.run(&[a])[0].bytes, expected);
}

#[test]
fn a_convolution_of_whole_numbers_over_many_terms() {
	const TERMS: usize = 180 * 100;
	let (x, w) = (bytes(TERMS, 5), bytes(2 * TERMS, 6));
	let net = Net::new()
		.input("x", DataType::UINT8, &[1, 1, 180, 100].map(D::N))
		.initializer(tensor("w", DataType::UINT8, &[2, 1, 180, 100], w.clone()))
		.initializer(tensor("xz", DataType::UINT8, &[], vec![77]))
		.initializer(tensor("wz", DataType::UINT8, &[2], vec![5, 6]))
		.node("ConvInteger", &["x", "w", "xz", "wz"], &["y"])
		.output("y");
	let compiled = net.compile();
	assert!(compiled.worst_leaf().unwrap().bound.is_within_limits());
	let found = i32s_of(&run(&compiled, std::slice::from_ref(&x))[0].bytes);
	let rows = |f: usize| w[f * TERMS..(f + 1) * TERMS].to_vec();
	let expected: Vec<i32> =
		(0..2).flat_map(|f| whole_product(&rows(f), &x, 1, &[5 + f as u8], &[77])).collect();
	assert_eq!(found, expected);
}

/// The order of `TopK`: NaN is the largest, of equals the first comes first.
fn ranked(row: &[f32], largest: bool, count: usize) -> Vec<i64> {
	let mut order: Vec<usize> = (0..row.len()).collect();
	// A stable sort, by numbers in which NaN is beyond infinity and zeros are equal.
	let key = |x: f32| if x.is_nan() { f64::INFINITY } else { f64::from(x.clamp(-9.0, 9.0)) };
	order.sort_by(|&i, &j| {
		let ascending = key(row[i]).total_cmp(&key(row[j]));
		if largest {
			ascending.reverse()
		} else {
			ascending
		}
	});
	order[..count].iter().map(|&i| i as i64).collect()
}

#[test]
fn top_k_of_a_vocabulary() {
	const K: usize = 151_936;
	// In sixteenths, so that many are equal; infinities and NaN as well.
	let mut x: Vec<f32> = noise(2 * K, 7).iter().map(|x| (x * 16.0).floor() / 16.0).collect();
	for at in [5, 1023, 1024, 70_000, K - 1] {
		x[at] = f32::NAN;
		x[K + at] = if at % 2 == 0 { f32::INFINITY } else { f32::NEG_INFINITY };
	}
	for (count, largest) in
		[(1, true), (50, true), (50, false), (256, true), (300, true), (2000, false)]
	{
		let net = Net::new()
			.floats("x", &[2, K as i64])
			.list("k", &[count])
			.node_with(
				"TopK",
				&["x", "k"],
				&["values", "places"],
				vec![("largest", A::Int(largest.into()))],
			)
			.output("places")
			.output("values");
		let compiled = net.compile();
		assert!(compiled.worst_leaf().unwrap().bound.is_within_limits());
		let found = run(&compiled, &[f32s(&x)]);
		let expected: Vec<i64> =
			x.chunks(K).flat_map(|row| ranked(row, largest, count as usize)).collect();
		assert!(i64s_of(&found[0]) == expected, "{count} {largest}");
		let rows = (0..2).flat_map(|row| vec![row * K; count as usize]);
		let values: Vec<f32> =
			expected.iter().zip(rows).map(|(&i, row)| x[row + i as usize]).collect();
		assert!(found[1].bytes == f32s(&values), "{count} {largest}");
	}
	// Rows of nothing but what the blocks are filled up with.
	for (fill, largest) in [(f32::NEG_INFINITY, 1), (f32::NAN, 0)] {
		let net = Net::new()
			.floats("x", &[17_000])
			.list("k", &[3])
			.node_with("TopK", &["x", "k"], &["v", "y"], vec![("largest", A::Int(largest))])
			.output("y");
		assert_eq!(i64s_of(&net.run(&[f32s(&vec![fill; 17_000])])[0]), [0, 1, 2]);
	}
}

#[test]
fn top_k_of_whole_numbers() {
	const K: usize = 20_000;
	let x: Vec<i64> = noise(K, 8).iter().map(|x| (x * 1e6) as i64).collect();
	let net = Net::new()
		.input("x", DataType::INT64, &[D::N(K as i64)])
		.list("k", &[7])
		.node("TopK", &["x", "k"], &["v", "y"])
		.output("v");
	let mut sorted = x.clone();
	sorted.sort_unstable();
	sorted.reverse();
	let bytes = x.iter().flat_map(|x| x.to_le_bytes()).collect();
	assert_eq!(i64s_of(&net.run(&[bytes])[0]), sorted[..7]);
}
