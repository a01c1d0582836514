//! The referee as a Wasm module: what the runtime links, behind two exported functions.
//!
//! `assay-wasm-check` runs it as the node's executor runs the runtime. The unsafe code here (an
//! allocator, and the exports' pointers) is why this is no part of `assay-referee`. On other
//! targets than Wasm the crate is empty.
//!
//! The host writes what a function reads to the place that `allocate` gave it. Every call of
//! `allocate` forgets all earlier allocations.

#![cfg(target_arch = "wasm32")]
#![no_std]

extern crate alloc;

mod memory;

use alloc::vec::Vec;
use assay_referee::{
	element, verify_fault, Arith, Commitments, Fault, FaultProof, OpRecord, Soft, TensorReader,
	RECORD_BYTES,
};
use codec::Decode;

/// A trap is what the host sees of a panic; the referee has none.
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
	core::arch::wasm32::unreachable()
}

/// The host's bytes.
///
/// # Safety
/// `at` must come from `allocate`, called with at least `len`, and nothing else may hold it.
unsafe fn bytes<'a>(at: u32, len: u32) -> &'a mut [u8] {
	// SAFETY: the caller's promise.
	unsafe { core::slice::from_raw_parts_mut(at as *mut u8, len as usize) }
}

/// Room for `len` bytes.
#[unsafe(no_mangle)]
extern "C" fn allocate(len: u32) -> u32 {
	memory::reset();
	Vec::<u8>::with_capacity(len as usize).leak().as_mut_ptr() as u32
}

/// Elements of one op. The bytes are its record, its operands' tensors one after another, and
/// `count` indices of eight bytes, which are replaced by the elements' bits.
///
/// Returns 0, or 1 when the record or a length is wrong, or 2 when an element reads outside of its
/// operands.
#[unsafe(no_mangle)]
extern "C" fn elements(at: u32, len: u32, count: u32) -> u32 {
	// SAFETY: the host wrote there what `allocate` gave room for.
	let bytes = unsafe { bytes(at, len) };
	let Some((record, rest)) = bytes.split_first_chunk_mut::<RECORD_BYTES>() else { return 1 };
	let Ok(op) = OpRecord::from_bytes(record) else { return 1 };
	let Some(split) = rest.len().checked_sub(count as usize * 8) else { return 1 };
	let (mut tensors, indices) = rest.split_at_mut(split);
	let mut operands = Vec::new();
	for operand in &op.operands {
		let Some((tensor, rest)) = tensors.split_at_mut_checked(operand.bytes() as usize) else {
			return 1;
		};
		operands.push(&*tensor);
		tensors = rest;
	}
	let mut reader = TensorReader::new(&op, &operands);
	for place in indices.as_chunks_mut::<8>().0 {
		match element::<Soft, _>(&op, u64::from_le_bytes(*place), &mut reader) {
			Ok(bits) => *place = bits.to_le_bytes(),
			Err(_) => return 2,
		}
	}
	0
}

/// Chains of 256 multiply-adds each: the bytes are the terms' first factors and then their second ones,
/// and are gone through `rounds` times.
///
/// Returns the last sum's bits.
#[unsafe(no_mangle)]
extern "C" fn chains(at: u32, len: u32, rounds: u32) -> u32 {
	// SAFETY: the host wrote there what `allocate` gave room for.
	let bytes = unsafe { bytes(at, len) };
	let words = bytes.as_chunks::<4>().0.iter().map(|word| u32::from_le_bytes(*word));
	let words: Vec<u32> = words.collect();
	let (a, b) = words.split_at(words.len() / 2);
	let mut sum = 0;
	for _ in 0..rounds {
		for (a, b) in a.chunks(256).zip(b.chunks(256)) {
			sum = Soft::chain32(a, b, 0);
		}
	}
	sum
}

/// Judges a fault proof: the bytes are the encoded commitments and then the encoded proof.
///
/// Returns the number of the op that is wrong, or `u32::MAX` when the proof proves nothing.
#[unsafe(no_mangle)]
extern "C" fn judge(at: u32, len: u32) -> u32 {
	// SAFETY: the host wrote there what `allocate` gave room for.
	let mut bytes: &[u8] = unsafe { bytes(at, len) };
	let Ok(commitments) = Commitments::decode(&mut bytes) else { return u32::MAX };
	let Ok(proof) = FaultProof::from_bytes(bytes) else { return u32::MAX };
	match verify_fault(&commitments, &proof) {
		Ok(Fault::Element { entry, .. } | Fault::Chunk { entry, .. }) => entry,
		Err(_) => u32::MAX,
	}
}
