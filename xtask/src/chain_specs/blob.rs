//! A runtime as compact code.

use crate::programs::{cargo, printed, run};
use anyhow::{Context, Result};
use std::{fs, path::Path, process::Command};

/// The prefix by which nodes know compressed code.
pub(super) const COMPRESSED: [u8; 8] = [0x52, 0xbc, 0x53, 0x76, 0x46, 0xdb, 0x8e, 0x05];

/// The flags of the SDK's builder.
const FLAGS: &str = "-C link-arg=--export-table -C link-arg=--export=__heap_base \
                     -C link-arg=--import-memory --cfg substrate_runtime";

/// Builds runtimes as the SDK's builder makes them, in that builder's own target folder, where the node's
/// build has compiled all that they depend on. What Binaryen would still save is left out, as in the blob
/// that the node embeds.
pub(super) struct Builder<'a> {
	/// Folder of the repository.
	pub(super) root: &'a Path,
	/// Folder of what is built.
	pub(super) target_dir: &'a Path,
}

impl Builder<'_> {
	/// The runtime with these features, in quotes and with commas between them, built in this environment.
	///
	/// # Errors
	/// It does not compile, or the program `zstd` is missing.
	pub(super) fn build(&self, features: &str, environment: &[(&str, &str)]) -> Result<Vec<u8>> {
		let folder = self.target_dir.join("chain-specs");
		self.write_crate(&folder, features).with_context(|| folder.display().to_string())?;
		let target = self.target_dir.join("debug/wbuild/assay-runtime/target");
		let mut build = cargo(self.root);
		build.args(["build", "--release", "--target", "wasm32v1-none", "--manifest-path"]);
		build.arg(folder.join("Cargo.toml")).envs(environment.iter().copied());
		run(build.env("CARGO_TARGET_DIR", &target).env("RUSTFLAGS", FLAGS))?;
		let wasm = target.join("wasm32v1-none/release/assay_runtime.wasm");
		let mut compress = Command::new("zstd");
		let compressed =
			printed(compress.args(["--quiet", "--ultra", "-22", "--stdout"]).arg(wasm))?;
		Ok([&COMPRESSED[..], &compressed].concat())
	}

	/// A crate that is the runtime, and nothing of the workspace.
	fn write_crate(&self, folder: &Path, features: &str) -> Result<()> {
		fs::create_dir_all(folder.join("src"))?;
		fs::write(folder.join("src/lib.rs"), "#![no_std] pub use wasm_project::*;\n")?;
		fs::copy(self.root.join("Cargo.lock"), folder.join("Cargo.lock"))?;
		let runtime = toml::Value::from(self.root.join("runtime").to_string_lossy().into_owned());
		let manifest = format!(
			r#"[package]
name = "assay-runtime-blob"
version = "1.0.0"
edition = "2021"
[lib]
name = "assay_runtime"
crate-type = ["cdylib"]
[dependencies]
wasm_project = {{ package = "assay-runtime", path = {runtime}, default-features = false, features = [{features}] }}
[profile.release]
panic = "abort"
lto = "thin"
[workspace]
resolver = "2"
"#
		);
		Ok(fs::write(folder.join("Cargo.toml"), manifest)?)
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use toml::Table;

	#[test]
	fn the_crate_is_the_runtime_with_its_features() {
		let folder = tempfile::tempdir().unwrap();
		let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
		let builder = Builder { root, target_dir: folder.path() };
		builder.write_crate(folder.path(), "\"public-network\"").unwrap();
		let manifest = fs::read_to_string(folder.path().join("Cargo.toml")).unwrap();
		let manifest: Table = manifest.parse().unwrap();
		let runtime = &manifest["dependencies"]["wasm_project"];
		assert_eq!(runtime["path"].as_str(), root.join("runtime").to_str());
		assert_eq!(runtime["features"].as_array().map(Vec::len), Some(1));
		assert!(folder.path().join("Cargo.lock").is_file());
	}
}
