use super::*;
use alloc::vec::Vec;
use proptest::prelude::*;

fn sample(len: usize) -> Vec<u8> {
	(0..len).map(|i| (i as u32).wrapping_mul(0x9e37_79b9).to_be_bytes()[0]).collect()
}

/// BLAKE3's tree straight from its definition, over the values of single chunks.
fn naive(cvs: &[Root], root: bool) -> Root {
	if cvs.len() == 1 {
		return cvs[0];
	}
	let mut left = 1;
	while left * 2 < cvs.len() {
		left *= 2;
	}
	let (l, r) = (naive(&cvs[..left], false), naive(&cvs[left..], false));
	if root {
		merge_root(&l, &r)
	} else {
		merge(&l, &r)
	}
}

/// Lengths around powers of two and multiples of 1,024.
fn edge_lengths() -> Vec<usize> {
	let mut lengths: Vec<usize> = (0..=21).map(|p| 1 << p).collect();
	lengths.extend((0..40).map(|n| n * 1024));
	lengths.extend([1023, 1025, 1027, 2047, 2049].map(|chunks| chunks * 1024));
	let mut around: Vec<usize> =
		lengths.iter().flat_map(|&n| [n.saturating_sub(1), n, n + 1]).collect();
	around.sort();
	around.dedup();
	around
}

fn check_all_roots(bytes: &[u8]) {
	let len = bytes.len() as u64;
	let expected = *blake3::hash(bytes).as_bytes();
	assert_eq!(hash(bytes), expected);
	if len <= CHUNK_BYTES {
		assert_eq!(verify_node(&expected, len, 0, 0, bytes, &[]), Ok(()));
		return;
	}
	let chunks: Vec<Root> =
		bytes.chunks(1024).enumerate().map(|(i, chunk)| chunk_cv(chunk, i as u64)).collect();
	assert_eq!(fold_root(&chunks), expected, "length {len}");
	let level1: Vec<Root> = chunks.chunks(1024).map(fold).collect();
	if level1.len() > 1 {
		assert_eq!(fold_root(&level1), expected, "length {len}");
	}
}

#[test]
fn roots_equal_blake3_around_edges() {
	let bytes = sample((1 << 21) + 2049);
	for len in edge_lengths() {
		check_all_roots(&bytes[..len]);
	}
}

#[test]
fn levels() {
	for (len, level) in [
		(0, 0),
		(1024, 0),
		(1025, 1),
		(1 << 20, 1),
		((1 << 20) + 1, 2),
		(1 << 30, 2),
		((1 << 30) + 1, 3),
		(u64::MAX, 6),
	] {
		assert_eq!(top(len), level, "length {len}");
	}
	assert_eq!(node_range((1 << 20) + 1, 1, 1), Some(1024..1025));
	assert_eq!(node_range((1 << 20) + 1, 1, 2), None);
	assert_eq!(node_range(1 << 20, 2, 0), None);
	assert_eq!(node_range(u64::MAX, 6, 0), Some(0..1 << 54));
	assert_eq!(node_range(u64::MAX, 1, u64::MAX), None);
	assert_eq!(node_range(0, 255, 0), None);
}

/// Objects of up to 1,024² chunks, of which only one chunk exists.
#[test]
fn large_objects_from_synthetic_values() {
	for (count, real) in [
		(1 << 20, 777_777),
		((1 << 20) - 1, 0),
		(1023 * 1024 + 5, 1023 * 1024 + 4),
		(1025, 1024),
		(3 * 1024, 1500),
	] {
		let data = sample(1024);
		let mut cvs: Vec<Root> = (0..count)
			.map(|i: u32| {
				let mut cv = [0x5a; 32];
				cv[..4].copy_from_slice(&i.to_le_bytes());
				cv
			})
			.collect();
		cvs[real] = chunk_cv(&data, real as u64);
		let len = u64::from(count) * 1024;
		let root = naive(&cvs, true);
		let cv_of =
			|range: Range<u64>| naive(&cvs[range.start as usize..range.end as usize], false);

		let slice = Slice::with_siblings(len, real as u64, data, cv_of).unwrap();
		assert_eq!(slice.verify(&root, len), Ok(()));

		let level1: Vec<u8> = cvs.chunks(1024).flat_map(fold).collect();
		assert_eq!(verify_node(&root, len, 2, 0, &level1, &[]), Ok(()));
		let index = real as u64 / 1024;
		let range = node_range(len, 1, index).unwrap();
		let payload = cvs[range.start as usize..range.end as usize].concat();
		let mut path = Vec::new();
		let mut node = 0..u64::from(count);
		while node != range {
			let (left, right) = halves(&node);
			let (next, other) =
				if range.start >= right.start { (right, left) } else { (left, right) };
			path.insert(0, cv_of(other));
			node = next;
		}
		assert_eq!(verify_node(&root, len, 1, index, &payload, &path), Ok(()));
		let moved = verify_node(&root, len, 1, index ^ 1, &payload, &path);
		assert!(moved.is_err());
	}
}

#[test]
fn every_node_opens() {
	let bytes = sample((1 << 21) + 3 * 1024 + 7);
	let len = bytes.len() as u64;
	let root = hash(&bytes);
	for (level, count) in [(0u8, 2052u64), (1, 3), (2, 1)] {
		for index in (0..count).step_by(if level == 0 { 97 } else { 1 }).chain([count - 1]) {
			let (mut payload, path) = open_node(&bytes, level, index).unwrap();
			assert_eq!(verify_node(&root, len, level, index, &payload, &path), Ok(()));
			*payload.last_mut().unwrap() ^= 1;
			let bad = verify_node(&root, len, level, index, &payload, &path);
			assert_eq!(bad, Err(TreeError::Root));
			payload.push(0);
			let long = verify_node(&root, len, level, index, &payload, &path);
			assert_eq!(long, Err(TreeError::Length));
		}
		assert_eq!(open_node(&bytes, level, count), Err(TreeError::Range));
	}
}

#[test]
fn slices_are_strict() {
	let bytes = sample(10 * 1024 + 100);
	let len = bytes.len() as u64;
	let root = hash(&bytes);
	let good = Slice::make(&bytes, 3, 2).unwrap();
	assert_eq!(good.verify(&root, len), Ok(()));
	assert_eq!(good.byte_range(), 3072..5120);

	let mut surplus = good.clone();
	surplus.siblings.push([0; 32]);
	assert_eq!(surplus.verify(&root, len), Err(TreeError::Siblings));
	let mut missing = good.clone();
	missing.siblings.pop();
	assert_eq!(missing.verify(&root, len), Err(TreeError::Siblings));
	let mut short = good.clone();
	short.data.pop();
	assert_eq!(short.verify(&root, len), Err(TreeError::Length));
	let empty = Slice { data: Vec::new(), ..good.clone() };
	assert_eq!(empty.verify(&root, len), Err(TreeError::Length));
	for start in [11, u64::MAX, u64::MAX / 1024] {
		let moved = Slice { start, ..good.clone() };
		assert_eq!(moved.verify(&root, len), Err(TreeError::Range));
	}
	assert_eq!(Slice { start: u64::MAX, ..good }.byte_range(), 0..0);
	assert_eq!(Slice::make(&bytes, 0, 0), Err(TreeError::Range));
	assert_eq!(Slice::make(&bytes, 10, 2), Err(TreeError::Range));
	let nothing = Slice::make(&[], 0, 1).unwrap();
	assert_eq!(nothing.verify(&hash(&[]), 0), Ok(()));
}

#[test]
fn odd_arguments_do_not_panic() {
	chunk_cv(&[], u64::MAX);
	chunk_cv(&sample(3000), u64::MAX);
	subtree_cv(&sample(9000), 3);
	subtree_cv(&sample(9000), u64::MAX);
	fold(&[]);
	fold_root(&[]);
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(64))]

	#[test]
	fn random_lengths_equal_blake3(len in 0usize..300_000) {
		check_all_roots(&sample(len));
	}

	#[test]
	fn slices_round_trip(len in 0usize..60_000, at in any::<u64>(), take in any::<u64>(), flip: u64) {
		let bytes = sample(len);
		let chunks = chunk_count(len as u64);
		let start = at % chunks;
		let count = 1 + take % (chunks - start);
		let slice = Slice::make(&bytes, start, count).unwrap();
		let root = hash(&bytes);
		prop_assert_eq!(slice.verify(&root, len as u64), Ok(()));
		let range = slice.byte_range();
		prop_assert_eq!(&bytes[range.start as usize..range.end as usize], &slice.data[..]);

		let mut encoded = slice.encode();
		let bit = flip % (encoded.len() as u64 * 8);
		encoded[bit as usize / 8] ^= 1 << (bit % 8);
		if let Ok(changed) = Slice::decode(&mut &encoded[..]) {
			if changed != slice {
				prop_assert!(changed.verify(&root, len as u64).is_err());
			}
		}
	}

	#[test]
	fn hostile_slices_do_not_panic(
		start: u64,
		data in prop::collection::vec(any::<u8>(), 0..5000),
		siblings in prop::collection::vec(any::<[u8; 32]>(), 0..80),
		total: u64,
	) {
		let slice = Slice { start, data, siblings };
		prop_assert!(slice.verify(&[0; 32], total).is_err());
		let near = total.saturating_mul(1024) / 1024;
		prop_assert!(slice.verify(&[0; 32], near.saturating_add(slice.data.len() as u64)).is_err());
		slice.byte_range();
	}
}
