//! Every level, packing and number of threads gives the same bits.

use super::*;

fn values(n: usize, seed: u32) -> Vec<f32> {
	let mut x = seed | 1;
	(0..n)
		.map(|_| {
			x ^= x << 13;
			x ^= x >> 17;
			x ^= x << 5;
			(x as f32 / 2f32.powi(31) - 1.0) * if x & 63 == 0 { 1e-38 } else { 1.0 }
		})
		.collect()
}

fn reference(p: &Problem<'_>, lhs: &[f32], rhs: &[f32]) -> Vec<f32> {
	let mut out = Vec::new();
	for b in 0..p.batch {
		for i in 0..p.m {
			for j in 0..p.n {
				let a = &lhs[((b % p.lhs_batches) * p.m + i) * p.k..][..p.k];
				let c = &rhs[((b % p.rhs_batches) * p.n + j) * p.k..][..p.k];
				let sums = a.chunks(256).zip(c.chunks(256)).map(|(a, c)| {
					a.iter().zip(c).fold(0f32, |s, (&a, &c)| crate::fma32_to_odd(a, c, s))
				});
				let sum = sums.reduce(|s, x| s + x).unwrap();
				out.push(match p.bias {
					BiasRef::None => sum,
					BiasRef::Row(bias) => sum + bias[i],
					BiasRef::Column(bias) => sum + bias[j],
				});
			}
		}
	}
	out
}

#[test]
fn every_level_and_packing_agrees() {
	let bias = values(1100, 99);
	for (batch, lb, rb, m, n, k) in [
		(1, 1, 1, 1, 1, 1),
		(1, 1, 1, 29, 67, 257),
		(1, 1, 1, 1, 200, 513),
		(1, 1, 1, 2, 150, 300),
		(4, 2, 4, 5, 33, 255),
		(3, 3, 1, 7, 40, 511),
		(2, 1, 2, 15, 31, 256),
		// Several tasks by rows, by columns, and of one row.
		(1, 1, 1, 900, 30, 20),
		(1, 1, 1, 20, 1100, 260),
		(1, 1, 1, 1, 1100, 300),
		(1, 1, 1, 1, 1024, 256),
	] {
		let (a, b) = (values(lb * m * k, 7), values(rb * n * k, 8));
		for bias in [BiasRef::None, BiasRef::Row(&bias[..m]), BiasRef::Column(&bias[..n])] {
			let p = Problem {
				batch,
				m,
				n,
				k,
				lhs: Lhs::Rows(Matrix::dense(&a, [lb, m, k]).unwrap()),
				lhs_batches: lb,
				rhs: Rhs::Rows(Matrix::dense(&b, [rb, n, k]).unwrap()),
				rhs_batches: rb,
				entry: n,
				bias,
			};
			let expected = reference(&p, &a, &b);
			for isa in Isa::available() {
				let rows = Matrix::dense(&a, [lb, m, k]).unwrap();
				let pl = PackedLhs::new(rows, lb, m, k, max_rows(isa), isa);
				let rows = Matrix::dense(&b, [rb, n, k]).unwrap();
				let pr = PackedRhs::new(rows, rb, n, k, isa);
				let one = PackedRhs::for_one_row(rows, n, k, isa);
				let one = (batch == 1 && m == 1)
					.then_some([1, 2, 7].map(|threads| (threads, p.lhs, Rhs::Packed(&one))));
				let ways = [
					(1, p.lhs, p.rhs),
					(3, Lhs::Packed(&pl), p.rhs),
					(2, p.lhs, Rhs::Packed(&pr)),
					(7, Lhs::Packed(&pl), Rhs::Packed(&pr)),
				];
				for (threads, lhs, rhs) in ways.into_iter().chain(one.into_iter().flatten()) {
					let mut out = vec![0f32; batch * m * n];
					run(&Problem { lhs, rhs, ..p }, &mut out, threads, isa);
					let equal = out.iter().zip(&expected).all(|(a, b)| a.to_bits() == b.to_bits());
					assert!(equal, "{isa} {threads} {batch} {m} {n} {k}");
				}
			}
		}
	}
}
