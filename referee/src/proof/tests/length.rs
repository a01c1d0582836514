//! No proof of one element is longer than its op's bound, wherever its operands lie.
//!
//! Objects of 1 GiB and more are not made: what an element reads is recorded while values are made up,
//! and the hashes beside it, whose number alone counts here, are zeros.

use super::*;
use crate::{
	opening::{ENTRIES_PER_CHUNK, ENTRY_BYTES},
	testing::{record, recurrence, shape, Rng, KINDS},
	*,
};
use alloc::collections::BTreeSet;

/// Makes up what is read, and remembers the chunks.
struct MadeUp<'a> {
	op: &'a OpRecord,
	rng: Rng,
	touched: Vec<BTreeSet<u64>>,
}

impl Reader for MadeUp<'_> {
	type Error = ();

	fn read(&mut self, at: usize, element: u64) -> Result<u64, ()> {
		let operand = &self.op.operands[at];
		assert!(element < operand.shape.elements());
		let byte = operand.base() + element * operand.dtype.size();
		self.touched[at].insert(byte / CHUNK_BYTES);
		Ok(match operand.dtype {
			// No NaN, behind which some kinds read nothing.
			DType::F32 => 0x3f80_0000 + self.rng.below(1 << 23),
			DType::Bool => self.rng.below(2),
			// As an index it mostly exists.
			_ => self.rng.below(3),
		})
	}
}

/// The runs of chunks of each operand that an element reads.
fn runs(op: &OpRecord, index: u64, seed: u64) -> Vec<Vec<Range<u64>>> {
	let touched = op.operands.iter().map(|_| BTreeSet::new()).collect();
	let mut reader = MadeUp { op, rng: Rng(seed), touched };
	element::<Soft, _>(op, index, &mut reader).unwrap();
	reader.touched.into_iter().map(joined).collect()
}

fn joined(chunks: impl IntoIterator<Item = u64>) -> Vec<Range<u64>> {
	let mut runs: Vec<Range<u64>> = Vec::new();
	for chunk in chunks {
		match runs.last_mut() {
			Some(run) if run.end == chunk => run.end += 1,
			_ => runs.push(chunk..chunk + 1),
		}
	}
	runs
}

/// The slice of these chunks of an object of `len` bytes, all zeros.
fn slice(len: u64, chunks: &Range<u64>) -> Slice {
	let data = (chunks.end * CHUNK_BYTES).min(len) - chunks.start * CHUNK_BYTES;
	Slice::with_siblings(len, chunks.start, vec![0; data as usize], |_| [0; 32]).unwrap()
}

/// Bytes of the proof that an element is wrong which reads these runs.
fn length(op: &OpRecord, place: &Place, index: u64, runs: &[Vec<Range<u64>>]) -> u64 {
	let mut entries = BTreeSet::from([u64::from(place.entry) / ENTRIES_PER_CHUNK]);
	let mut reads = Vec::new();
	for (at, operand) in op.operands.iter().enumerate() {
		let len = match operand.source {
			Source::Op(producer) => {
				if !runs[at].is_empty() {
					entries.insert(u64::from(producer) / ENTRIES_PER_CHUNK);
				}
				operand.bytes()
			},
			Source::Input(_) => place.input_len,
			Source::Weight(_) => place.weights_len,
		};
		reads.extend(runs[at].iter().map(|run| Read { operand: at as u8, slice: slice(len, run) }));
	}
	let n_ops = u64::from(place.n_ops);
	let record = u64::from(place.entry) + 1;
	let chunk = index * op.dtype.size() / CHUNK_BYTES;
	let proof = FaultProof {
		entry: place.entry,
		at: Location::Element(index),
		record: slice((n_ops + 1) * CHUNK_BYTES, &(record..record + 1)),
		entries: joined(entries).iter().map(|run| slice(n_ops * ENTRY_BYTES, run)).collect(),
		claimed: Claimed::Bytes(slice(op.bytes(), &(chunk..chunk + 1))),
		reads,
	};
	proof.encoded_size() as u64
}

/// Bytes of the proof of an element at `place`, which is checked to be within the op's bound.
fn checked(op: &OpRecord, place: &Place, index: u64, seed: u64) -> u64 {
	let runs = runs(op, index, seed);
	let length = length(op, place, index, &runs);
	let bound = leaf_bound(op, place);
	let spans: usize = runs.iter().map(Vec::len).sum();
	let bytes: u64 = runs.iter().flatten().map(|run| (run.end - run.start) * CHUNK_BYTES).sum();
	assert!(spans as u64 <= bound.spans.into() && bytes <= bound.bytes, "{bound:?} {op:?}");
	assert!(length <= bound.proof, "{length} bytes, {bound:?} at {place:?}: {index} of {op:?}");
	length
}

/// Bytes of the weights, or of the input, of [`astride`].
const LARGE: u64 = 1 << 31;

/// The op with all operands in an object of 2 GiB, so that what element `index` reads of each lies
/// astride of its middle: between any other two chunks there are fewer hashes.
fn astride(op: &OpRecord, index: u64, seed: u64, source: fn(u64) -> Source) -> OpRecord {
	let at = |base: u64| {
		let own = op.self_operand();
		let operand = |(i, operand): (usize, &Operand)| {
			if own == Some(i) {
				*operand
			} else {
				Operand { source: source(base), ..*operand }
			}
		};
		op.operands.iter().enumerate().map(operand).collect::<Vec<_>>()
	};
	let first = OpRecord { operands: at(0), ..op.clone() };
	let runs = runs(&first, index, seed);
	let mut operands = first.operands.clone();
	for (operand, runs) in operands.iter_mut().zip(&runs) {
		let (Some(first), Some(last)) = (runs.first(), runs.last()) else { continue };
		let middle = (first.start + last.end) / 2 * CHUNK_BYTES;
		// A base that is no multiple of a chunk's length.
		let base = (LARGE / 2 - 64).saturating_sub(middle).min(LARGE - operand.bytes());
		if !matches!(operand.source, Source::Op(_)) {
			operand.source = source(base / ALIGN * ALIGN);
		}
	}
	OpRecord { operands, ..first }
}

/// The op with all operands at the end of weights of `len` bytes.
fn at_the_end(op: &OpRecord, len: u64) -> OpRecord {
	let own = op.self_operand();
	let operand = |(at, operand): (usize, &Operand)| {
		if own == Some(at) {
			*operand
		} else {
			let base = (len - operand.bytes()) / ALIGN * ALIGN;
			Operand { source: Source::Weight(base), ..*operand }
		}
	};
	OpRecord { operands: op.operands.iter().enumerate().map(operand).collect(), ..op.clone() }
}

/// One large op of every kind.
fn large() -> Vec<OpRecord> {
	use DType::*;
	let new = |kind, dtype, dims: &[u32], operands: &[(DType, &[u32])]| {
		let operand = |&(dtype, dims): &(DType, &[u32])| Operand::weight(0, dtype, shape(dims));
		let operands: Vec<_> = operands.iter().map(operand).collect();
		let op = OpRecord::new(kind, dtype, shape(dims), operands);
		assert_eq!(op.validate(), Ok(()), "{op:?}");
		op
	};
	let step = |function, arguments: &[u8]| Step::new(function, arguments);
	let add = StepFn::Binary(BinaryFn::Add);
	let all: Vec<Step> =
		(0..11).map(|i| step(add, &[if i == 0 { 0 } else { 11 + i }, i + 1])).collect();
	let twelve = Steps::new(&all).unwrap();
	let plain = Steps::new(&[step(add, &[0, 1]), step(add, &[2, 3])]).unwrap();
	let conv = |layout, kernel, out| {
		let [stride, dilation] = [[1, 1], [3, 3]];
		let (pad, bias, output) = ([0, 0], Bias::Row, ImageLayout::ChannelsFirst);
		Conv { kernel, stride, dilation, pad, out, groups: 1, layout, output, bias }
	};
	let half = 1 << 14;
	let mut strides = [0; MAX_RANK];
	(strides[0], strides[1]) = (1, i64::from(half));
	let wide: &[u32] = &[half, half];
	let mut before = [0; MAX_RANK];
	before[0] = 1;
	let mut ops = vec![
		new(OpKind::Strided { offset: 0, strides }, F32, wide, &[(F32, wide)]),
		new(
			OpKind::Pad { before, fill: 0 },
			I64,
			&[1 << 13, half],
			&[(I64, &[(1 << 13) - 1, half])],
		),
		new(OpKind::Concat { axis: 0 }, F32, wide, &[(F32, &[half / 2, half][..]); 2]),
		new(OpKind::Gather { axis: 0 }, F32, wide, &[(F32, wide), (I64, &[half])]),
		new(
			OpKind::Unfold {
				kernel: [3, 3],
				stride: [1, 1],
				dilation: [1, 1],
				pad: [1, 1],
				out: [1024, 1024],
				groups: 1,
				fill: 0,
			},
			F32,
			&[1, 1, 1 << 20, 9 * 16],
			&[(F32, &[1, 16, 1024, 1024])],
		),
		new(OpKind::Unary(UnaryFn::Tanh), F32, wide, &[(F32, wide)]),
		new(OpKind::Cast, Bool, &[1 << 30], &[(U8, &[1 << 30])]),
		new(OpKind::Binary(BinaryFn::Pow), F32, wide, &[(F32, wide), (F32, &[1, half])]),
		new(OpKind::Select, F32, wide, &[(Bool, &[half, 1]), (F32, wide), (F32, wide)]),
		new(
			OpKind::MatMul { bias: Bias::Column },
			F32,
			&[1, half, half],
			&[(F32, &[1, half, half]), (F32, &[1, half, half]), (F32, &[half])],
		),
		new(
			OpKind::MatMulInteger,
			I32,
			&[1, half, half],
			&[(U8, &[1, half, half]), (I8, &[1, half, half]), (U8, &[]), (I8, &[half])],
		),
		new(OpKind::Reduce(ReduceFn::Sum), I64, &[1 << 13], &[(I64, &[1 << 13, half])]),
		new(OpKind::ArgMax, I64, &[half], &[(F32, wide)]),
		new(OpKind::TopK { largest: true }, I64, &[half, 9], &[(F32, wide)]),
		new(OpKind::Pack, U8, &[1 << 30], &[(F32, &[1 << 27]), (F32, &[1 << 27])]),
		new(
			OpKind::RoundTo { format: FloatFormat::F16, overflow: Overflow::Special },
			F32,
			wide,
			&[(F32, wide)],
		),
		new(OpKind::Map(twelve), F32, wide, &[(F32, wide); 12]),
		new(
			OpKind::MapReduce { function: ReduceFn::Max, k: 3000, steps: plain },
			F32,
			&[80_000],
			&[(F32, &[80_000, 3000]), (F32, &[80_000, 3000]), (F32, &[80_000, 1])],
		),
		// 49 runs of single pixels, far apart.
		new(
			OpKind::Conv(conv(ImageLayout::ChannelsFirst, [7, 7], [1000, 400])),
			F32,
			&[1, 9, 400_000],
			&[(F32, &[1, 9, 49]), (F32, &[1, 1, 9000, 9000]), (F32, &[9])],
		),
		new(
			OpKind::Conv(conv(ImageLayout::ChannelsLast, [7, 7], [1000, 400])),
			F32,
			&[1, 9, 400_000],
			&[(F32, &[1, 9, 49 * 200]), (F32, &[1, 1100, 1100, 200]), (F32, &[9])],
		),
		new(
			OpKind::Pool(Pool {
				function: ReduceFn::Max,
				kernel: [60, 30],
				stride: [7, 7],
				dilation: [2, 2],
				pad: [0, 0],
				out: [1000, 1000],
			}),
			F32,
			&[1, 1000, 1000],
			&[(F32, &[1, 16_000, 16_000])],
		),
	];
	for function in [ScatterFn::Replace, ScatterFn::Add] {
		let operands: &[(DType, &[u32])] =
			&[(I64, &[8, half]), (I32, &[8, half]), (I64, &[8, half])];
		ops.push(new(OpKind::Scatter(function), I64, &[8, half], operands));
	}
	for &cell in Cell::ALL {
		let own = Operand::op(1000, F32, Shape::SCALAR);
		let weight = |dims: &[u32]| Operand::weight(0, F32, shape(dims));
		ops.push(recurrence(cell, [300, 9, 5000], own, weight));
	}
	ops
}

/// The name of the op's kind; a kind without an entry in [`large`] fails the test below.
fn name(op: &OpRecord) -> String {
	op.kind.to_string().chars().take_while(|c| c.is_alphanumeric()).collect()
}

#[test]
fn large_ops_are_within_their_bounds() {
	let generated: BTreeSet<String> =
		(0..KINDS).map(|kind| name(&record(&mut Rng(kind), kind))).collect();
	let ops = large();
	assert_eq!(ops.iter().map(name).collect::<BTreeSet<_>>(), generated);
	let place = Place { entry: 1000, n_ops: MAX_OPS, weights_len: LARGE, input_len: LARGE };
	for op in ops {
		let count = op.shape.elements();
		let (mut rng, mut longest, mut bound) = (Rng(count), 0, 0);
		let mut indices = vec![0, count - 1, count / 2, count / 2 - 1];
		indices.extend((0..4).map(|_| rng.below(count)));
		for index in indices {
			for source in [Source::Weight as fn(u64) -> Source, Source::Input] {
				let op = astride(&op, index, 1, source);
				longest = checked(&op, &place, index, 1).max(longest);
				bound = leaf_bound(&op, &place).proof.max(bound);
			}
			// At the end, where the last chunk is short and the tree is not full.
			for len in [LARGE - 1000, LARGE / 2 + 77_777] {
				let place = Place { weights_len: len, ..place };
				checked(&at_the_end(&op, len), &place, index, 1);
			}
			// Of trace tensors, the entries of most of which lie in chunks of their own.
			let spread = |(at, operand): (usize, &Operand)| {
				if op.self_operand() == Some(at) {
					*operand
				} else {
					Operand::op(64 * at as u32, operand.dtype, operand.shape)
				}
			};
			let operands: Vec<_> = op.operands.iter().enumerate().map(spread).collect();
			let op = OpRecord { operands, ..op.clone() };
			longest = checked(&op, &place, index, 1).max(longest);
			bound = leaf_bound(&op, &place).proof.max(bound);
		}
		// Nor is the bound far off: of windows, not all lines lie astride of two chunks at once.
		assert!(longest * 10 >= bound * 6, "{op:?}: {longest} of {bound}");
	}
}

/// Elements of a window in 45 rows that lie 16 MiB apart, of which each lies astride of two large parts of
/// the image, and 11 more that are added: hardly any terms, but most chunks and nearly most hashes.
fn too_long() -> OpRecord {
	let pool = Pool {
		function: ReduceFn::Sum,
		kernel: [45, 4],
		stride: [1, 1],
		dilation: [128, 128],
		pad: [0, 0],
		out: [1000, 1000],
	};
	let dims = shape(&[1, 1000, 1000]);
	let image = Operand::weight(0, DType::I64, shape(&[1, 1 << 13, 1 << 14]));
	// Value 0 is the window's sum, 1 to 11 the operands, then come the sums.
	let add = |i: u8| {
		let arguments = [if i == 0 { 0 } else { 11 + i }, i + 1];
		Step::new(StepFn::Binary(BinaryFn::Add), &arguments)
	};
	let steps: Vec<Step> = (0..11).map(add).collect();
	let beside: Vec<Operand> = (0..11u32).map(|i| Operand::op(90 * i, DType::I64, dims)).collect();
	OpRecord::new(OpKind::Pool(pool), DType::I64, dims, [image]).with_epilogue(
		Steps::new(&steps).unwrap(),
		DType::I64,
		&beside,
	)
}

/// Spans, bytes and terms may all be within their limits while the proof is not: such an op is refused.
#[test]
fn ops_whose_proofs_are_too_long_are_refused() {
	let op = too_long();
	assert_eq!(op.validate(), Ok(()));
	let index = 500;
	let mut astride = astride(&op, index, 1, Source::Weight);
	astride.operands.truncate(1);
	astride.operands.extend_from_slice(&op.operands[1..]);
	// The ops before give what it adds, and are used by it or by one another.
	let spec = TensorSpec::new(DType::I64, op.shape);
	let relu = |from| OpRecord::new(OpKind::Unary(UnaryFn::Relu), DType::I64, op.shape, [from]);
	let mut ops = vec![relu(Operand::input(0, DType::I64, op.shape))];
	ops.extend((0..899).map(|i| relu(Operand::op(i, DType::I64, op.shape))));
	astride.operands[11] = Operand::op(899, DType::I64, op.shape);
	ops.push(astride.clone());
	let entry = ops.len() as u32 - 1;
	let program = Program::new(LARGE, vec![spec], vec![spec], ops);
	let bound = leaf_bound(&astride, &program.place(entry));
	let LeafBound { spans, bytes, terms, proof } = bound;
	assert_eq!((spans, bytes, terms), (56, 191 * CHUNK_BYTES, 45 * 5 + 11));
	let length = checked(&astride, &program.place(entry), index, 1);
	assert!(length > MAX_PROOF_BYTES.into() && length * 100 >= proof * 98, "{length} of {proof}");
	let refused = CheckError { op: entry, reason: CheckReason::LeafTooLarge };
	assert_eq!(program.check(), Err(refused));
	// With one row less it is proven, and allowed.
	let mut allowed = program;
	if let OpKind::Pool(pool) = &mut allowed.ops[entry as usize].kind {
		pool.kernel[0] = 43;
	}
	assert_eq!(allowed.check(), Ok(()));
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(64))]

	/// Random ops of every kind, at random places.
	#[test]
	fn random_ops_are_within_their_bounds(seed: u64) {
		for kind in 0..KINDS {
			let mut rng = Rng(seed);
			let mut op = record(&mut rng, kind);
			if let Some(own) = op.self_operand() {
				op.operands[own].source = Source::Op(0);
			}
			let alone = Place::alone(&op);
			let entry = alone.entry + rng.below(30) as u32;
			let place = Place {
				entry,
				n_ops: entry + 1 + rng.below(100) as u32,
				weights_len: alone.weights_len + (rng.draw() >> (10 + rng.below(54))),
				input_len: alone.input_len + (rng.draw() >> (10 + rng.below(54))),
			};
			for _ in 0..3 {
				let index = rng.below(op.shape.elements());
				checked(&op, &place, index, seed);
				checked(&op, &alone, index, seed);
			}
		}
	}
}
