//! Files that people name, of which no more is read than there may be.

use crate::error::{self, Error, Result};
use std::{fs::File, io::Read, path::Path};

/// The bytes of a file of at most `most`. Devices and pipes are read too, and may not end.
///
/// # Errors
/// [`Kind::Usage`](error::Kind::Usage) when it cannot be read or is larger.
///
/// # Examples
///
/// ```
/// use assay_client::files;
///
/// let file = tempfile::NamedTempFile::new()?;
/// std::fs::write(&file, b"1234")?;
/// assert_eq!(files::read(file.path(), 4)?, b"1234");
/// let error = files::read(file.path(), 3).expect_err("it is larger");
/// assert!(error.to_string().contains("larger than 3 B"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn read(path: &Path, most: u64) -> Result<Vec<u8>> {
	let file = File::open(path).map_err(|e| error::io(path, e))?;
	let mut bytes = Vec::new();
	file.take(most.saturating_add(1)).read_to_end(&mut bytes).map_err(|e| error::io(path, e))?;
	if bytes.len() as u64 > most {
		let most = crate::output::bytes(most);
		return Err(Error::usage(format!("{} is larger than {most}", path.display())));
	}
	Ok(bytes)
}

/// As [`read`], for text.
///
/// # Errors
/// Also when it is not UTF-8.
pub fn read_text(path: &Path, most: u64) -> Result<String> {
	String::from_utf8(read(path, most)?)
		.map_err(|_| Error::usage(format!("{} is not a text in UTF-8", path.display())))
}
