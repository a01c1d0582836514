//! A model on disk: a directory with `program.bin`, `weights.bin` and `manifest.json`.

use crate::{
	error::BundleError,
	folder::{self, Staged},
	hash::Tree,
	manifest::Manifest,
	plan::{pack, Packed},
};
use assay_kernels::{Buffer, Isa, KernelConfig};
use assay_referee::{canonical, tree, DType, Program, Root, Slice, Source, TreeError};
use memmap2::{Advice, Mmap};
use std::{
	collections::BTreeMap,
	fs::{self, File},
	ops::Range,
	path::Path,
	sync::{
		atomic::{AtomicBool, Ordering},
		Arc, Mutex, PoisonError,
	},
};

pub(crate) const PROGRAM: &str = "program.bin";
pub(crate) const WEIGHTS: &str = "weights.bin";

/// A model whose parts have been checked against each other.
#[derive(Debug)]
pub struct Bundle {
	program: Program,
	program_bytes: Vec<u8>,
	weights: Weights,
	readable: Readable,
	manifest: Manifest,
	/// Of the weights.
	tree: Tree,
	/// Rearranged weights, by the instruction set they are for; sessions share them.
	packed: Mutex<Vec<(Isa, Arc<Packed>)>>,
}

#[derive(Debug)]
enum Weights {
	Memory(Buffer),
	File(Mmap),
}

impl Weights {
	fn bytes(&self) -> &[u8] {
		match self {
			Weights::Memory(bytes) => bytes,
			Weights::File(map) => map,
		}
	}
}

impl Bundle {
	/// A bundle of parts in memory.
	///
	/// Errors: the program breaks a rule, the weights have the wrong length, or the manifest describes
	/// something else.
	pub fn new(
		program: Program,
		weights: &[u8],
		manifest: Manifest,
	) -> Result<Bundle, BundleError> {
		let program_bytes = program.encode()?;
		let weights = Weights::Memory(Buffer::from_bytes(weights));
		Bundle::verified(program, program_bytes, weights, manifest)
	}

	/// Reads a bundle's directory; the weights stay in the file, mapped into memory.
	///
	/// Of a bundle of several instantiations, each has a directory of its own, see
	/// [`instantiations`](crate::instantiations); their weights may lie beside it.
	///
	/// The files must not be changed while the bundle is in use; [`Bundle::write`] never changes
	/// one in place.
	///
	/// Errors: as [`Bundle::new`], a file that cannot be read, or several instantiations.
	pub fn load(dir: impl AsRef<Path>) -> Result<Bundle, BundleError> {
		let dir = dir.as_ref();
		let manifest = folder::only_manifest(dir)?;
		let path = dir.join(PROGRAM);
		let program_bytes = fs::read(&path).map_err(|source| BundleError::Io { path, source })?;
		let program = Program::decode(&program_bytes)?;
		let weights = map(&folder::weights_of(dir, &manifest))?;
		Bundle::verified(program, program_bytes, weights, manifest)
	}

	/// Writes the bundle as directory `dir`, replacing what is there. A reader sees the old
	/// bundle, the new one, or (for an instant, while replacing) none; never a mixture.
	///
	/// Errors: the system's.
	pub fn write(&self, dir: impl AsRef<Path>) -> Result<(), BundleError> {
		let dir = dir.as_ref();
		let write = || {
			let staged = Staged::beside(dir)?;
			staged.put(Path::new(PROGRAM), self.program_bytes())?;
			staged.put(Path::new(WEIGHTS), self.weights())?;
			staged.put_json(Path::new(folder::MANIFEST), &self.manifest)?;
			staged.replace(dir)
		};
		write().map_err(|source| BundleError::Io { path: dir.to_owned(), source })
	}

	fn verified(
		program: Program,
		program_bytes: Vec<u8>,
		weights: Weights,
		manifest: Manifest,
	) -> Result<Bundle, BundleError> {
		program.check()?;
		let found = weights.bytes().len() as u64;
		let expected = program.header.weights_len;
		if found != expected {
			return Err(BundleError::WeightsLength { expected, found });
		}
		// One pass over the weights by all processors: each part is hashed and looked at while it
		// is in the cache. Hardly any weights need the second look that tells which are to be copied.
		let threads = std::thread::available_parallelism().map_or(1, usize::from);
		let config = KernelConfig::new(threads, Isa::detect());
		if let Weights::File(map) = &weights {
			touch(map, threads);
		}
		let regions = Regions::new(&program);
		let suspect = AtomicBool::new(false);
		let tree = Tree::with(weights.bytes(), &config, |start, part| {
			if regions.may_be_read_otherwise(start, part) {
				suspect.store(true, Ordering::Relaxed);
			}
		});
		let program_root = tree::hash(&program_bytes);
		if let Some(field) = manifest.mismatch(&program, &program_root, &tree.root()) {
			return Err(BundleError::Mismatch(field));
		}
		let readable = match suspect.into_inner() {
			true => Readable::new(&regions, weights.bytes()),
			false => Readable::default(),
		};
		let packed = Mutex::default();
		Ok(Bundle { program, program_bytes, weights, readable, manifest, tree, packed })
	}

	/// The weights rearranged for the kernels of `config`, once for all sessions.
	pub(crate) fn packed(&self, config: &KernelConfig) -> Arc<Packed> {
		let mut packed = self.packed.lock().unwrap_or_else(PoisonError::into_inner);
		if let Some((_, found)) = packed.iter().find(|(isa, _)| *isa == config.isa()) {
			return found.clone();
		}
		let new = Arc::new(pack(self, config));
		packed.push((config.isa(), new.clone()));
		new
	}

	/// As [`Slice::make`] for the weights.
	pub(crate) fn weights_slice(&self, first: u64, chunks: u64) -> Result<Slice, TreeError> {
		self.tree.slice(self.weights(), first, chunks)
	}

	/// The program.
	pub fn program(&self) -> &Program {
		&self.program
	}

	/// The program's canonical bytes.
	pub fn program_bytes(&self) -> &[u8] {
		&self.program_bytes
	}

	/// The weights, as they are committed to.
	pub fn weights(&self) -> &[u8] {
		self.weights.bytes()
	}

	/// The weights in `range` as ops read them as elements of type `dtype`: canonical. Empty, which
	/// kernels refuse, when they are not there.
	pub(crate) fn read_weights(&self, dtype: DType, range: Range<usize>) -> &[u8] {
		let other = self.readable.get(dtype, &range);
		other.or_else(|| self.weights().get(range)).unwrap_or(&[])
	}

	/// The manifest.
	pub fn manifest(&self) -> &Manifest {
		&self.manifest
	}

	/// Identity of the model.
	pub fn model_id(&self) -> Root {
		self.manifest.model_id
	}
}

fn map(path: &Path) -> Result<Weights, BundleError> {
	let io = |source| BundleError::Io { path: path.to_owned(), source };
	let file = File::open(path).map_err(io)?;
	// An empty file cannot be mapped.
	if file.metadata().map_err(io)?.len() == 0 {
		return Ok(Weights::Memory(Buffer::new(0)));
	}
	// SAFETY: sound as long as nobody truncates or rewrites the file, which the documentation of
	// `Bundle::load` demands and `Bundle::write` respects.
	let map = unsafe { Mmap::map(&file) }.map_err(io)?;
	Ok(Weights::File(map))
}

/// Maps the pages of a file that is going to be read by `threads` threads, so that these meet no page
/// faults.
#[cfg(target_os = "linux")]
fn touch(map: &Mmap, threads: usize) {
	const PART: usize = 4 << 20;
	assay_kernels::for_each(threads, map.len().div_ceil(PART), |part| {
		let start = part * PART;
		// Advice only: pages that are not mapped now are mapped when they are read.
		let _ = map.advise_range(Advice::PopulateRead, start, PART.min(map.len() - start));
	});
}

#[cfg(not(target_os = "linux"))]
fn touch(_map: &Mmap, _threads: usize) {}

/// The parts of the weights that ops read as one type, by where they start.
///
/// Parts may overlap (a program may read the same bytes twice), so they are merged by type.
struct Regions {
	floats: Vec<(u64, u64)>,
	bools: Vec<(u64, u64)>,
}

impl Regions {
	fn new(program: &Program) -> Regions {
		let of = |dtype| {
			let operands = program.ops.iter().flat_map(|op| op.operands.iter());
			let mut parts: BTreeMap<u64, u64> = BTreeMap::new();
			for operand in operands.filter(|operand| operand.dtype == dtype) {
				if let Source::Weight(offset) = operand.source {
					let end = parts.entry(offset).or_default();
					*end = (*end).max(offset.saturating_add(operand.bytes()));
				}
			}
			let mut merged: Vec<(u64, u64)> = Vec::new();
			for (start, end) in parts {
				match merged.last_mut() {
					Some(last) if start <= last.1 => last.1 = last.1.max(end),
					_ => merged.push((start, end)),
				}
			}
			merged
		};
		Regions { floats: of(DType::F32), bools: of(DType::Bool) }
	}

	/// Whether a float in `part`, which starts at byte `start`, may be a NaN, or a `Bool` is neither 0
	/// nor 1.
	fn may_be_read_otherwise(&self, start: usize, part: &[u8]) -> bool {
		let overlapping = |regions: &[(u64, u64)], test: fn(&[u8]) -> bool| {
			let (from, to) = (start as u64, (start + part.len()) as u64);
			let first = regions.partition_point(|&(_, end)| end <= from);
			regions[first..].iter().take_while(|(begin, _)| *begin < to).any(|&(begin, end)| {
				let (begin, end) = (begin.max(from) - from, end.min(to) - from);
				test(&part[begin as usize..end as usize])
			})
		};
		overlapping(&self.floats, holds_not_finite)
			|| overlapping(&self.bools, |bytes| bytes.iter().fold(false, |bad, &x| bad | (x > 1)))
	}
}

/// Whether one of these floats is not finite.
fn holds_not_finite(bytes: &[u8]) -> bool {
	/// The vectors that every x86-64 has would take a tenth of the time of hashing.
	#[cfg(target_arch = "x86_64")]
	#[target_feature(enable = "avx2")]
	fn wide(bytes: &[u8]) -> bool {
		exponent_of_ones(bytes)
	}
	#[cfg(target_arch = "x86_64")]
	if is_x86_feature_detected!("avx2") {
		// SAFETY: the processor has it.
		return unsafe { wide(bytes) };
	}
	exponent_of_ones(bytes)
}

/// Written without an early end, so that compilers make vector code of it.
#[inline(always)]
fn exponent_of_ones(bytes: &[u8]) -> bool {
	let (words, _) = bytes.as_chunks::<4>();
	// An exponent of ones, and no other, carries into the sign bit.
	let carry = |x: &[u8; 4]| (u32::from_le_bytes(*x) & 0x7f80_0000) + 0x0080_0000;
	words.iter().fold(0, |all, x| all | carry(x)) >> 31 != 0
}

/// What ops read in place of weights that are not canonical: a NaN that is not the one, a `Bool` that is
/// neither 0 nor 1.
///
/// By element type, since the same bytes may be read as another type: where each part of the weights
/// starts, and the part as elements of that type.
#[derive(Debug, Default)]
struct Readable {
	floats: Vec<(u64, Buffer)>,
	bools: Vec<(u64, Buffer)>,
}

impl Readable {
	/// The parts among `regions` with an element that is not canonical.
	fn new(regions: &Regions, weights: &[u8]) -> Readable {
		let of = |regions: &[(u64, u64)], dtype| {
			let part = |&(start, end): &(u64, u64)| {
				let bytes = weights.get(start as usize..end as usize)?;
				let mut part = Buffer::from_bytes(bytes);
				make_canonical(dtype, &mut part);
				(part[..] != *bytes).then_some((start, part))
			};
			regions.iter().filter_map(part).collect()
		};
		Readable { floats: of(&regions.floats, DType::F32), bools: of(&regions.bools, DType::Bool) }
	}

	/// The bytes in `range` of the weights as elements of type `dtype`, if they are others.
	fn get(&self, dtype: DType, range: &Range<usize>) -> Option<&[u8]> {
		let parts = match dtype {
			DType::F32 => &self.floats,
			DType::Bool => &self.bools,
			_ => return None,
		};
		let before = parts.partition_point(|&(start, _)| start <= range.start as u64);
		let (start, part) = parts.get(before.checked_sub(1)?)?;
		let start = *start as usize;
		part.get(range.start - start..range.end.checked_sub(start)?)
	}
}

/// Makes every element canonical: one NaN, and 0 or 1 in every `Bool`.
pub(crate) fn make_canonical(dtype: DType, bytes: &mut [u8]) {
	match dtype {
		DType::F32 => bytes.as_chunks_mut().0.iter_mut().for_each(|x| {
			let bits = canonical(DType::F32, u32::from_le_bytes(*x).into()) as u32;
			*x = bits.to_le_bytes();
		}),
		DType::Bool => bytes.iter_mut().for_each(|x| *x = u8::from(*x != 0)),
		DType::I32 | DType::I64 | DType::U8 | DType::I8 => {},
	}
}
