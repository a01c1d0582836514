//! Nodes of arity 1,024 and the way from a node to the root.

use super::{
	chunk_bytes, chunk_count, chunk_cv, halves, hash, left_count, merge, merge_root, subtree_cv,
	TreeError, ARITY, CV_BYTES,
};
use crate::Root;
use alloc::vec::Vec;
use core::ops::Range;

/// The top level of an object of `len` bytes: 0 for one chunk, at most 6.
pub const fn top(len: u64) -> u8 {
	let chunks = chunk_count(len);
	let mut level = 0;
	while width(level) < chunks {
		level += 1;
	}
	level
}

/// Chunks under a full node; `level` is at most 6.
const fn width(level: u8) -> u64 {
	ARITY.pow(level as u32)
}

/// The chunks that the node covers in an object of `len` bytes; `None` when there is no such node.
pub fn node_range(len: u64, level: u8, index: u64) -> Option<Range<u64>> {
	if level > top(len) {
		return None;
	}
	let chunks = chunk_count(len);
	let start = index.checked_mul(width(level)).filter(|&start| start < chunks)?;
	Some(start..chunks.min(start + width(level)))
}

/// Combines the chaining values of sibling subtrees into their parent's chaining value: the left
/// side takes the largest power of two below their number. One value is returned as it is; none
/// give the hash of nothing.
pub fn fold(cvs: &[Root]) -> Root {
	match cvs {
		[] => hash(&[]),
		[one] => *one,
		_ => {
			let (left, right) = cvs.split_at(left_count(cvs.len() as u64) as usize);
			merge(&fold(left), &fold(right))
		},
	}
}

/// As [`fold`], when the values make up the whole object.
pub fn fold_root(cvs: &[Root]) -> Root {
	match cvs {
		[] | [_] => fold(cvs),
		_ => {
			let (left, right) = cvs.split_at(left_count(cvs.len() as u64) as usize);
			merge_root(&fold(left), &fold(right))
		},
	}
}

/// One step down from the root towards a node.
struct Step {
	/// Whether the way goes to the right half.
	right: bool,
	/// The half it does not go to.
	sibling: Range<u64>,
}

/// The way from the root of an object of `chunks` chunks down to the subtree `target`, a node.
fn way(chunks: u64, target: &Range<u64>) -> Vec<Step> {
	let mut steps = Vec::new();
	let mut at = 0..chunks;
	while at != *target && at.end - at.start > 1 {
		let (left, right) = halves(&at);
		let goes_right = target.start >= right.start;
		let (next, sibling) = if goes_right { (right, left) } else { (left, right) };
		steps.push(Step { right: goes_right, sibling });
		at = next;
	}
	debug_assert_eq!(at, *target, "a node of the tree is a subtree of it");
	steps
}

/// The subtrees beside the way from the node that covers the chunks `node` of an object of `len` bytes
/// up to the root, lowest first: where the values of a path belong.
pub fn beside(len: u64, node: &Range<u64>) -> Vec<Range<u64>> {
	way(chunk_count(len), node).into_iter().rev().map(|step| step.sibling).collect()
}

/// Content of a node of the object `bytes`: the chunk's bytes at level 0, else the concatenated
/// chaining values of its children; and the chaining values beside the way up to the root, lowest
/// first.
///
/// # Errors
/// There is no such node.
///
/// # Examples
///
/// ```
/// use assay_referee::tree;
///
/// let object = vec![7; 3 << 20];
/// let (root, len) = (tree::hash(&object), object.len() as u64);
/// // From the top, which has three children of 1,024 chunks each, down to one chunk.
/// for (level, index, bytes) in [(2, 0, 3 * 32), (1, 2, 1024 * 32), (0, 2_500, 1024)] {
///     let (payload, path) = tree::open_node(&object, level, index)?;
///     assert_eq!(payload.len(), bytes);
///     tree::verify_node(&root, len, level, index, &payload, &path)?;
/// }
/// # Ok::<(), assay_referee::TreeError>(())
/// ```
pub fn open_node(bytes: &[u8], level: u8, index: u64) -> Result<(Vec<u8>, Vec<Root>), TreeError> {
	let len = bytes.len() as u64;
	let range = node_range(len, level, index).ok_or(TreeError::Range)?;
	let cv = |range: &Range<u64>| subtree_cv(chunk_bytes(bytes, range), range.start);
	let payload = if level == 0 {
		chunk_bytes(bytes, &range).to_vec()
	} else {
		children(&range, level).flat_map(|child| cv(&child)).collect()
	};
	Ok((payload, beside(len, &range).iter().map(cv).collect()))
}

/// The chunk ranges of the children of a node of `level` at least 1 that covers `range`.
fn children(range: &Range<u64>, level: u8) -> impl Iterator<Item = Range<u64>> {
	let (start, end, step) = (range.start, range.end, width(level - 1));
	(0..(end - start).div_ceil(step)).map(move |i| {
		let first = start + i * step;
		first..end.min(first + step)
	})
}

/// Checks that `payload` is the content of a node of the object with this root and length, and
/// `path` the chaining values beside the way up to the root, lowest first.
///
/// # Errors
/// There is no such node, the payload or the path has another length, or they do not hash to the root.
pub fn verify_node(
	root: &Root,
	len: u64,
	level: u8,
	index: u64,
	payload: &[u8],
	path: &[Root],
) -> Result<(), TreeError> {
	let range = node_range(len, level, index).ok_or(TreeError::Range)?;
	let whole = range == (0..chunk_count(len));
	let cv = if level == 0 {
		let start = index * super::CHUNK_BYTES;
		if payload.len() as u64 != super::CHUNK_BYTES.min(len - start) {
			return Err(TreeError::Length);
		}
		if whole {
			hash(payload)
		} else {
			chunk_cv(payload, index)
		}
	} else {
		let (cvs, rest) = payload.as_chunks::<CV_BYTES>();
		if !rest.is_empty() || cvs.len() != children(&range, level).count() {
			return Err(TreeError::Length);
		}
		if whole {
			fold_root(cvs)
		} else {
			fold(cvs)
		}
	};
	verify_path(root, len, &range, cv, path)
}

/// Checks that the node that covers the chunks `range` has the value `cv` (the root itself when it
/// is the whole object) under the root of an object of `len` bytes.
pub(crate) fn verify_path(
	root: &Root,
	len: u64,
	range: &Range<u64>,
	cv: Root,
	path: &[Root],
) -> Result<(), TreeError> {
	let steps = way(chunk_count(len), range);
	if path.len() != steps.len() {
		return Err(TreeError::Siblings);
	}
	let mut at = cv;
	for (i, (step, sibling)) in steps.iter().rev().zip(path).enumerate() {
		let (left, right) = if step.right { (sibling, &at) } else { (&at, sibling) };
		at = if i + 1 == steps.len() { merge_root(left, right) } else { merge(left, right) };
	}
	if at != *root {
		return Err(TreeError::Root);
	}
	Ok(())
}
