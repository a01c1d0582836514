//! Trees over several objects at once: which messages are hashed together.

use super::avx512::{lockstep, Lanes, CHUNK_END, CHUNK_START, LANES, PARENT, ROOT};
use assay_referee::{tree, Root, CHUNK_BYTES};

/// Lanes of two vectors.
const MOST: usize = 2 * LANES;
/// Bytes of a chunk, and of a parent: two values.
const CHUNK: usize = CHUNK_BYTES as usize;
const PAIR: usize = 2 * tree::CV_BYTES;

/// The values at the tops of the trees over `objects`, which start at chunk `first_chunk`: their hashes
/// if they are `whole`, else chaining values.
///
/// # Safety
/// The processor has what [`Level::Avx512`](crate::cpu::Level::Avx512) stands for.
pub(super) unsafe fn tops(objects: &[&[u8]], first_chunk: u64, whole: bool) -> Vec<Root> {
	// The values of each object begin where those of its chunks do, on every level.
	let mut starts = Vec::with_capacity(objects.len());
	let mut total = 0;
	for object in objects {
		let count = tree::chunk_count(object.len() as u64) as usize;
		starts.push((total, count));
		total += count;
	}
	let (mut values, mut above) = (vec![Root::default(); total], vec![Root::default(); total]);
	let mut waiting = Waiting::default();
	for (&bytes, &(place, count)) in objects.iter().zip(&starts) {
		let root = whole && count == 1;
		let run = Run { bytes, counter: first_chunk, parents: false, root, place };
		// SAFETY: as the caller promises.
		unsafe { waiting.add::<CHUNK>(&run, &mut values) };
	}
	// SAFETY: as the caller promises.
	unsafe { waiting.flush::<CHUNK>(&mut values) };
	// Neighbours are joined; the last of an odd number is joined further up. That is the tree whose left
	// sides are as large as powers of two allow.
	while starts.iter().any(|&(_, count)| count > 1) {
		for (place, count) in &mut starts {
			let (place, pairs) = (*place, *count / 2);
			let bytes = values[place..place + 2 * pairs].as_flattened();
			let root = whole && *count == 2;
			let run = Run { bytes, counter: 0, parents: true, root, place };
			if pairs > 0 {
				// SAFETY: as the caller promises.
				unsafe { waiting.add::<PAIR>(&run, &mut above) };
			}
			if *count % 2 == 1 {
				above[place + pairs] = values[place + 2 * pairs];
			}
			*count -= pairs;
		}
		// SAFETY: as the caller promises.
		unsafe { waiting.flush::<PAIR>(&mut above) };
		core::mem::swap(&mut values, &mut above);
	}
	starts.iter().map(|&(place, _)| values[place]).collect()
}

/// Messages of the same object one after another.
struct Run<'a> {
	/// Their bytes; all but the last are as long as they can be.
	bytes: &'a [u8],
	/// The place of the first in its object; all are 0 of parents.
	counter: u64,
	/// Whether they are parents of two values, not chunks.
	parents: bool,
	/// Whether the only one is the whole object.
	root: bool,
	/// Where the value of the first goes.
	place: usize,
}

impl Lanes {
	/// Puts message `i` of a run, `length` bytes, into lane `lane`.
	fn put(&mut self, lane: usize, run: &Run<'_>, i: usize, length: usize) {
		let root = ROOT * u32::from(run.root);
		let (counter, first, last) = if run.parents {
			(0, PARENT, root)
		} else {
			(run.counter.wrapping_add(i as u64), CHUNK_START, CHUNK_END | root)
		};
		let (w, lane) = (lane / LANES, lane % LANES);
		self.length[w][lane] = length as u32;
		self.counter[w][0][lane] = counter as u32;
		self.counter[w][1][lane] = (counter >> 32) as u32;
		self.flags[w][0][lane] = first;
		self.flags[w][1][lane] = last;
	}
}

/// Messages that do not fill all lanes by themselves, copied to wait for others.
#[derive(Default)]
struct Waiting {
	bytes: Vec<u8>,
	lanes: Lanes,
	/// Where their values go.
	places: [usize; MOST],
	count: usize,
}

impl Waiting {
	/// Takes in a run of messages of at most `STRIDE` bytes. When all have been taken in and flushed,
	/// their values are where they go in `out`.
	///
	/// # Safety
	/// As [`tops`].
	unsafe fn add<const STRIDE: usize>(&mut self, run: &Run<'_>, out: &mut [Root]) {
		let groups = run.bytes.chunks_exact(MOST * STRIDE);
		let (rest, mut done) = (groups.remainder(), 0);
		if groups.len() > 0 {
			let mut lanes = Lanes::default();
			for bytes in groups {
				(0..MOST).for_each(|lane| lanes.put(lane, run, done + lane, STRIDE));
				// SAFETY: as the caller promises.
				unsafe {
					lockstep::<2, STRIDE>(bytes, &lanes, &mut out[run.place + done..][..MOST])
				};
				done += MOST;
			}
		}
		// An empty object is one empty message.
		let empty = run.bytes.is_empty().then_some(rest);
		for (i, message) in (done..).zip(rest.chunks(STRIDE).chain(empty)) {
			self.bytes.extend_from_slice(message);
			self.lanes.put(self.count, run, i, message.len());
			self.places[self.count] = run.place + i;
			self.count += 1;
			self.bytes.resize(self.count * STRIDE, 0);
			if self.count == MOST {
				// SAFETY: as the caller promises.
				unsafe { self.flush::<STRIDE>(out) };
			}
		}
	}

	/// Computes the values of all that waits.
	///
	/// # Safety
	/// As [`tops`].
	unsafe fn flush<const STRIDE: usize>(&mut self, out: &mut [Root]) {
		let mut found = [Root::default(); MOST];
		self.bytes.resize(self.count.next_multiple_of(LANES) * STRIDE, 0);
		match self.count {
			0 => return,
			// SAFETY: as the caller promises.
			1..=LANES => unsafe { lockstep::<1, STRIDE>(&self.bytes, &self.lanes, &mut found) },
			// SAFETY: as the caller promises.
			_ => unsafe { lockstep::<2, STRIDE>(&self.bytes, &self.lanes, &mut found) },
		}
		for (&place, value) in self.places.iter().zip(found).take(self.count) {
			out[place] = value;
		}
		self.bytes.clear();
		self.lanes = Lanes::default();
		self.count = 0;
	}
}
