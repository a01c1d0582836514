//! Writes the runtime's metadata, version 16, to the file named first.
#![allow(missing_docs)]

fn main() {
	let path = std::env::args().nth(1).expect("usage: metadata FILE");
	let metadata = assay_runtime::Runtime::metadata_at_version(16).expect("version 16 exists");
	let bytes: &[u8] = &metadata;
	std::fs::write(path, bytes).expect("the file can be written");
}
