//! What the chain pays to judge a fault proof: the dearest elements and chunks of every kind of op,
//! verified whole.
//!
//! `cargo run -p assay-wasm-check --example judge` measures the same in Wasm, as the chain runs it.

use assay_referee::{verify_fault, FaultProof};
use assay_testing::proofs::cases;
use codec::Encode;
use criterion::{criterion_group, criterion_main, Criterion};

fn judge(criterion: &mut Criterion) {
	for case in cases() {
		let bytes = case.proof.encode();
		criterion.bench_function(&format!("{}, {} bytes", case.name, bytes.len()), |bencher| {
			bencher.iter(|| {
				let proof = FaultProof::from_bytes(&bytes).expect("an encoded proof");
				verify_fault(&case.commitments, &proof)
			})
		});
	}
}

criterion_group!(benches, judge);
criterion_main!(benches);
