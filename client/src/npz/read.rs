//! Reads `.npz` files, which are hostile: nothing is believed of a size before it was compared with what is wanted.

use super::{
	header::{Header, HeaderError},
	Tensor,
};
use crate::{
	error::{self, Error, Result},
	output::printable,
};
use assay_executor::ElementType;
use assay_referee::DType;
use std::{fs::File, io::BufReader, io::Read, path::Path};
use zip::ZipArchive;

/// Most arrays of a file: a model has fewer inputs.
const MAX_ARRAYS: usize = 4096;

/// Most bytes of the arrays of a file together, where no model says how many there are.
const MAX_BYTES: u64 = 1 << 30;

/// An array of a file, in numpy's own element type.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Array {
	/// The name of the array.
	pub name: String,
	/// Element type.
	pub element: ElementType,
	/// Dimensions, outermost first.
	pub shape: Vec<u32>,
	/// Little-endian elements in row-major order.
	pub bytes: Vec<u8>,
}

/// An open `.npz` file: the headers of its arrays are read, their elements not yet.
#[derive(Debug)]
pub struct Npz {
	/// For errors.
	file: String,
	archive: ZipArchive<BufReader<File>>,
	entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
	/// As the archive has it.
	file_name: String,
	header: Header,
}

impl Entry {
	fn name(&self) -> &str {
		self.file_name.strip_suffix(".npy").unwrap_or(&self.file_name)
	}
}

impl Npz {
	/// Opens a file and reads the headers of its arrays.
	///
	/// # Errors
	/// [`Kind::Usage`](error::Kind::Usage) when it is no such file, or an array has a type that no model takes.
	pub fn open(path: &Path) -> Result<Npz> {
		let file = File::open(path).map_err(|e| error::io(path, e))?;
		let not_npz = |e: String| {
			Error::usage(format!("{} is not an .npz file: {e}", path.display()))
				.hint("write it with numpy.savez(path, **{\"input name\": array})")
		};
		let archive = ZipArchive::new(BufReader::new(file)).map_err(|e| not_npz(e.to_string()))?;
		if archive.len() > MAX_ARRAYS {
			return Err(not_npz(format!("it has {} entries", archive.len())));
		}
		let names: Vec<String> = archive.file_names().map(str::to_owned).collect();
		let mut npz = Npz { file: path.display().to_string(), archive, entries: Vec::new() };
		for file_name in names {
			let mut entry = npz.archive.by_name(&file_name).map_err(|e| not_npz(e.to_string()))?;
			let header = Header::read(&mut entry);
			drop(entry);
			match header {
				Ok(header) => npz.entries.push(Entry { file_name, header }),
				Err(error) => return Err(npz.refused(&file_name, error)),
			}
		}
		Ok(npz)
	}

	fn refused(&self, name: &str, error: HeaderError) -> Error {
		let name = printable(name.strip_suffix(".npy").unwrap_or(name));
		let failure = Error::usage(format!("{}: array {name:?}: {error}", self.file));
		match error {
			HeaderError::Dtype(_) => failure.hint(
				"convert it: float16, float32, float64, bool and whole numbers are read, little-endian",
			),
			_ => failure.hint("write it with numpy.savez(path, **{\"input name\": array})"),
		}
	}

	/// Name, element type and shape of every array.
	pub fn arrays(&self) -> impl Iterator<Item = (&str, ElementType, &[u32])> {
		self.entries
			.iter()
			.map(|entry| (entry.name(), entry.header.element, entry.header.shape.as_slice()))
	}

	/// Reads every array.
	///
	/// # Errors
	/// [`Kind::Usage`](error::Kind::Usage) when an array has another length than its header says, or they are larger
	/// than `most` bytes together.
	pub fn read(mut self, most: u64) -> Result<Vec<Array>> {
		let sizes = self.entries.iter().map(|entry| {
			let elements = entry.header.elements()?;
			elements.checked_mul(entry.header.element.bits() / 8)
		});
		let sizes: Option<Vec<u64>> = sizes.collect();
		let total = sizes.iter().flatten().try_fold(0u64, |sum, &size| sum.checked_add(size));
		let (Some(sizes), true) = (&sizes, total.is_some_and(|total| total <= most)) else {
			return Err(Error::usage(format!("{}: its arrays exceed {most} bytes", self.file)));
		};
		let entries = std::mem::take(&mut self.entries);
		entries.into_iter().zip(sizes).map(|(entry, &size)| self.elements(entry, size)).collect()
	}

	/// The elements of one array, of `size` bytes.
	fn elements(&mut self, entry: Entry, size: u64) -> Result<Array> {
		let wrong = |file: &str, reason: String| {
			Error::usage(format!("{file}: array {:?}: {reason}", printable(entry.name())))
		};
		let mut file =
			self.archive.by_name(&entry.file_name).map_err(|e| wrong(&self.file, e.to_string()))?;
		// What was compared is what counts.
		Header::read(&mut file).map_err(|e| wrong(&self.file, e.to_string()))?;
		let Header { element, fortran_order, shape } = entry.header.clone();
		let mut bytes = Vec::new();
		// One byte more than there may be shows that there are too many.
		let read = file.take(size + 1).read_to_end(&mut bytes);
		read.map_err(|e| wrong(&self.file, e.to_string()))?;
		if bytes.len() as u64 != size {
			let than = if (bytes.len() as u64) < size { "fewer" } else { "more" };
			return Err(wrong(&self.file, format!("{than} than the {size} bytes of its shape")));
		}
		if element == DType::Bool.into() && bytes.iter().any(|&byte| byte > 1) {
			return Err(wrong(&self.file, "a bool is neither 0 nor 1".into()));
		}
		if fortran_order && !bytes.is_empty() {
			bytes = row_major(&bytes, &shape, (element.bits() / 8) as usize);
		}
		Ok(Array { name: entry.name().into(), element, shape, bytes })
	}
}

/// Elements of `size` bytes whose first dimension is the innermost, in the order in which the last one is.
fn row_major(bytes: &[u8], shape: &[u32], size: usize) -> Vec<u8> {
	let mut steps = Vec::with_capacity(shape.len());
	let mut step = size;
	for &dim in shape {
		steps.push(step);
		step *= dim as usize;
	}
	let mut ordered = Vec::with_capacity(bytes.len());
	let (mut at, mut place) = (0, vec![0u32; shape.len()]);
	while ordered.len() < bytes.len() {
		ordered.extend_from_slice(&bytes[at..at + size]);
		// The next place in row-major order: the last dimension that is not at its end goes on.
		for d in (0..shape.len()).rev() {
			place[d] += 1;
			at += steps[d];
			if place[d] < shape[d] {
				break;
			}
			at -= steps[d] * shape[d] as usize;
			place[d] = 0;
		}
	}
	ordered
}

/// Reads every array of an `.npz` file, of the types that models compute in.
///
/// # Errors
/// [`Kind::Usage`](error::Kind::Usage) when it is no such file, an array has another type, or they are larger than
/// 1 GiB together.
pub fn read(path: &Path) -> Result<Vec<Tensor>> {
	let tensor = |array: Array| match array.element {
		ElementType::Plain(dtype) => {
			Ok(Tensor { name: array.name, dtype, shape: array.shape, bytes: array.bytes })
		},
		other => {
			Err(Error::usage(format!("{}: array {:?} is {other}", path.display(), array.name))
				.hint("convert it: float32, int32, int64, uint8, int8 and bool are read"))
		},
	};
	Npz::open(path)?.read(MAX_BYTES)?.into_iter().map(tensor).collect()
}

#[cfg(test)]
mod tests {
	use super::*;
	use std::io::Write;
	use zip::{write::SimpleFileOptions, ZipWriter};

	/// An archive with these files.
	fn archive(path: &Path, files: &[(&str, &[u8])]) {
		let mut zip = ZipWriter::new(File::create(path).unwrap());
		for (name, bytes) in files {
			zip.start_file(*name, SimpleFileOptions::default()).unwrap();
			zip.write_all(bytes).unwrap();
		}
		zip.finish().unwrap();
	}

	/// An array as numpy writes it.
	fn npy(descr: &str, fortran: bool, shape: &str, data: &[u8]) -> Vec<u8> {
		let fortran = if fortran { "True" } else { "False" };
		let text =
			format!("{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': {shape}, }}\n");
		let length = (text.len() as u16).to_le_bytes();
		[b"\x93NUMPY\x01\0".as_slice(), &length, text.as_bytes(), data].concat()
	}

	fn refusal(file: &[u8]) -> String {
		let dir = tempfile::tempdir().unwrap();
		let path = dir.path().join("x.npz");
		archive(&path, &[("x.npy", file)]);
		let error = Npz::open(&path).and_then(|npz| npz.read(1 << 20)).unwrap_err();
		assert_eq!(error.kind, error::Kind::Usage);
		error.to_string()
	}

	#[test]
	fn arrays_of_other_types_are_read_as_they_are() {
		let dir = tempfile::tempdir().unwrap();
		let path = dir.path().join("d.npz");
		let files = [
			("d.npy", npy("<f8", false, "(1,)", &1.5f64.to_le_bytes())),
			("u.npy", npy("<u2", false, "(2,)", &[7, 0, 8, 0])),
			("h.npy", npy("<f2", false, "()", &[0, 0x3c])),
		];
		archive(&path, &files.each_ref().map(|(name, bytes)| (*name, bytes.as_slice())));
		let npz = Npz::open(&path).unwrap();
		let mut headers: Vec<_> = npz.arrays().map(|(name, e, _)| (name.to_owned(), e)).collect();
		headers.sort_by(|a, b| a.0.cmp(&b.0));
		assert_eq!(headers[1].1.name(), "f16");
		let mut arrays = npz.read(100).unwrap();
		arrays.sort_by(|a, b| a.name.cmp(&b.name));
		let found: Vec<_> = arrays.iter().map(|a| (a.element.name(), a.bytes.clone())).collect();
		let expected = [
			("f64", 1.5f64.to_le_bytes().to_vec()),
			("f16", vec![0, 0x3c]),
			("u16", vec![7, 0, 8, 0]),
		];
		assert_eq!(found, expected);
		assert!(read(&path).unwrap_err().to_string().contains("float32"));
	}

	#[test]
	fn fortran_order_is_read_in_row_major_order() {
		let dir = tempfile::tempdir().unwrap();
		let path = dir.path().join("f.npz");
		// Element [i, j, k] is 100 i + 10 j + k; the first dimension is the innermost in the file.
		let columns: Vec<u8> = (0..4)
			.flat_map(|k| (0..3).flat_map(move |j| (0..2).map(move |i| 100 * i + 10 * j + k)))
			.collect();
		archive(&path, &[("x.npy", &npy("|u1", true, "(2, 3, 4)", &columns))]);
		let rows: Vec<u8> = (0..2)
			.flat_map(|i| (0..3).flat_map(move |j| (0..4).map(move |k| 100 * i + 10 * j + k)))
			.collect();
		assert_eq!(read(&path).unwrap()[0].bytes, rows);
		archive(&path, &[("x.npy", &npy("|u1", true, "(2, 0)", &[]))]);
		assert!(read(&path).unwrap()[0].bytes.is_empty());
	}

	/// A header may claim anything: nothing is allocated for it.
	#[test]
	fn claims_are_not_believed() {
		let claimed = refusal(&npy("<f4", false, "(1024, 1024, 1024, 1024)", &[]));
		assert!(claimed.contains("exceed"), "{claimed}");
		let claimed = refusal(&npy("<f8", false, "(4294967295, 4294967295, 4294967295)", &[]));
		assert!(claimed.contains("exceed"), "{claimed}");
		assert!(refusal(&npy("<f4", false, "(2,)", &[0; 7])).contains("fewer"));
		assert!(refusal(&npy("<f4", false, "(2,)", &[0; 9])).contains("more"));
		assert!(refusal(&npy("|b1", false, "(2,)", &[1, 2])).contains("bool"));
		assert!(refusal(&npy("|O", false, "(2,)", &[])).contains("float32"));
		assert!(refusal(b"not numpy's").contains("savez"));
		let nested = npy("<f4", false, &"(".repeat(2000), &[]);
		assert!(refusal(&nested).contains("header"));
	}

	#[test]
	fn wrong_files_say_what_to_do() {
		let dir = tempfile::tempdir().unwrap();
		let path = dir.path().join("x.npz");
		assert_eq!(read(&path).unwrap_err().kind, error::Kind::Usage);
		std::fs::write(&path, b"not a zip").unwrap();
		assert!(read(&path).unwrap_err().to_string().contains("savez"));
	}
}
