//! What a proof is said to cost is no less than what judging it does.

use super::*;
use crate::testing::{record, Rng, KINDS};
use core::cell::Cell;

/// What has been done on this thread since it was last asked.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Done {
	pub(crate) compressions: u64,
	pub(crate) reads: u64,
	/// Operations of binary32, and of binary64.
	terms: u64,
	wide: u64,
}

std::thread_local! {
	static DONE: Cell<Done> = const { Cell::new(Done { compressions: 0, reads: 0, terms: 0, wide: 0 }) };
}

pub(crate) fn tally(change: impl FnOnce(&mut Done)) {
	DONE.with(|cell| {
		let mut done = cell.get();
		change(&mut done);
		cell.set(done);
	});
}

/// [`Soft`], counted.
enum Counting {}

macro_rules! counting {
	($([$field:ident] $($name:ident($($x:ident: $t:ty),*) -> $r:ty;)*)*) => {
		impl Arith for Counting {
			type F32 = u32;
			type F64 = u64;
			$($(fn $name($($x: $t),*) -> $r {
				tally(|done| done.$field += 1);
				Soft::$name($($x),*)
			})*)*
			fn f32_from_bits(bits: u32) -> u32 {
				Soft::f32_from_bits(bits)
			}
			fn f32_to_bits(x: u32) -> u32 {
				Soft::f32_to_bits(x)
			}
			fn f64_from_bits(bits: u64) -> u64 {
				Soft::f64_from_bits(bits)
			}
			fn f64_to_bits(x: u64) -> u64 {
				Soft::f64_to_bits(x)
			}
			// As cheap as a move.
			fn is_nan32(x: u32) -> bool {
				Soft::is_nan32(x)
			}
			fn neg32(x: u32) -> u32 {
				Soft::neg32(x)
			}
			fn abs32(x: u32) -> u32 {
				Soft::abs32(x)
			}
			fn neg64(x: u64) -> u64 {
				Soft::neg64(x)
			}
			fn abs64(x: u64) -> u64 {
				Soft::abs64(x)
			}
		}
	};
}

counting! {
	[terms]
	add32(a: u32, b: u32) -> u32;
	sub32(a: u32, b: u32) -> u32;
	mul32(a: u32, b: u32) -> u32;
	div32(a: u32, b: u32) -> u32;
	fma32(a: u32, b: u32, c: u32) -> u32;
	sqrt32(x: u32) -> u32;
	lt32(a: u32, b: u32) -> bool;
	le32(a: u32, b: u32) -> bool;
	eq32(a: u32, b: u32) -> bool;
	floor32(x: u32) -> u32;
	ceil32(x: u32) -> u32;
	round32(x: u32) -> u32;
	trunc32(x: u32) -> u32;
	i32_to_f32(x: i32) -> u32;
	i64_to_f32(x: i64) -> u32;
	u8_to_f32(x: u8) -> u32;
	f32_to_i32(x: u32) -> i32;
	f32_to_i64(x: u32) -> i64;
	f32_to_u8(x: u32) -> u8;
	f32_to_i8(x: u32) -> i8;
	[wide]
	add64(a: u64, b: u64) -> u64;
	sub64(a: u64, b: u64) -> u64;
	mul64(a: u64, b: u64) -> u64;
	div64(a: u64, b: u64) -> u64;
	lt64(a: u64, b: u64) -> bool;
	le64(a: u64, b: u64) -> bool;
	eq64(a: u64, b: u64) -> bool;
	f32_to_f64(x: u32) -> u64;
	f64_to_f32(x: u64) -> u32;
	i64_to_f64(x: i64) -> u64;
	f64_to_i64(x: u64) -> i64;
}

/// Judges, and checks what was done; gives the most operations of binary64 per function.
fn check(world: &World, proof: &FaultProof) -> u64 {
	let bytes = proof.encode();
	if bytes.len() > MAX_PROOF_BYTES as usize {
		// Nobody can submit it.
		return 0;
	}
	let (cost, first) = (proof.cost(), ProofCost::of_encoded(&bytes));
	DONE.with(|cell| cell.set(Done::default()));
	let verdict = judge::<Counting>(&world.commitments, proof);
	let done = DONE.with(Cell::get);
	assert_eq!(verdict, verify_fault(&world.commitments, proof));
	let most = ProofCost::of_length(bytes.len());
	let context = || {
		format!("{verdict:?}: {done:?} of {cost:?}, {first:?}, {most:?}: {:?}", world.program.ops)
	};
	assert_eq!(cost.bytes, bytes.len() as u64);
	assert!(done.compressions <= cost.compressions, "{}", context());
	assert!(done.reads <= cost.reads, "{}", context());
	// The functions do a few operations of binary32 as well.
	assert!(done.terms <= cost.terms + 8 * cost.functions, "{}", context());
	assert!(done.wide <= FUNCTION_OPERATIONS * cost.functions, "{}", context());
	for (low, high) in [(cost, first), (first, most)] {
		assert!(low.bytes <= high.bytes && low.compressions <= high.compressions, "{}", context());
		assert!(low.elements <= high.elements && low.reads <= high.reads, "{}", context());
		assert!(low.terms <= high.terms && low.functions <= high.functions, "{}", context());
	}
	done.wide.checked_div(cost.functions).unwrap_or(0)
}

#[test]
fn costs_of_many_ops_and_of_recurrences() {
	for honest in worlds() {
		for (entry, op) in honest.program.ops.iter().enumerate() {
			let (entry, count) = (entry as u32, op.shape.elements());
			for index in [0, count / 2, count - 1] {
				for style in STYLES {
					check(&honest, &honest.prove(entry, index, style));
					let wrong = honest.tampered(entry, index, 1);
					check(&wrong, &wrong.prove(entry, index, style));
				}
			}
		}
	}
}

#[test]
fn costs_of_every_kind() {
	let mut most = 0;
	for seed in 0..30 {
		for kind in 0..KINDS {
			let mut rng = Rng(seed);
			let op = record(&mut rng, kind);
			let world = World::alone(&mut rng, op);
			let count = world.program.ops[0].shape.elements();
			for style in STYLES {
				let proof = world.prove(0, rng.below(count), style);
				most = check(&world, &proof).max(most);
			}
		}
	}
	// The constant is no guess.
	assert!(most * 2 >= FUNCTION_OPERATIONS, "{most}");
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(256))]

	/// Whatever is wrong with a proof, finding out takes no more.
	#[test]
	fn costs_of_wrong_proofs(
		entry in 0u32..7,
		style in 0usize..3,
		flips in prop::collection::vec(any::<u64>(), 1..6),
		at: u64,
	) {
		let world = World::new();
		let index = at % world.program.ops[entry as usize].shape.elements();
		let mut bytes = world.prove(entry, index, STYLES[style]).encode();
		for flip in flips {
			let bit = flip % (8 * bytes.len() as u64);
			bytes[(bit / 8) as usize] ^= 1 << (bit % 8);
		}
		let first = ProofCost::of_encoded(&bytes);
		prop_assert!(first.compressions <= ProofCost::of_length(bytes.len()).compressions);
		if let Ok(proof) = FaultProof::from_bytes(&bytes) {
			check(&world, &proof);
		}
	}

	#[test]
	fn costs_of_random_bytes(bytes in prop::collection::vec(any::<u8>(), 0..3000)) {
		ProofCost::of_encoded(&bytes);
	}
}
