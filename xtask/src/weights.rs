//! Measuring the pallets' benchmarks in Wasm, and writing their `weights.rs`.

use crate::programs::{cargo, run as run_program, say, timed};
use anyhow::{bail, Context, Result};
use clap::Args;
use std::{
	fs,
	path::{Path, PathBuf},
	process::{Command, ExitCode},
};
use toml::{Table, Value};

/// What stands between a benchmark and its state. It is optimised, as it is in a node that is meant to be
/// fast; everything else has the workspace's profile, and shares what is compiled with it.
const OPTIMISED: [&str; 24] = [
	"sp-state-machine",
	"sp-trie",
	"trie-db",
	"trie-root",
	"hash-db",
	"memory-db",
	"sp-io",
	"sp-core",
	"sp-externalities",
	"sp-storage",
	"parity-scale-codec",
	"sc-client-db",
	"sc-executor-wasmtime",
	"sc-executor-common",
	"sc-allocator",
	"sp-wasm-interface",
	"sp-runtime-interface",
	"smallvec",
	"lru",
	"foldhash",
	"parking_lot",
	"parking_lot_core",
	"frame-benchmarking",
	"assay-bencher",
];

#[derive(Args, Debug)]
#[command(override_usage = "scripts/weights [--steps N] [--repeat N] [PALLET]…")]
pub(crate) struct Options {
	/// Values of each component of a benchmark, from its least to its most.
	#[arg(long, value_name = "N", default_value_t = 50)]
	steps: u32,
	/// Measurements of each of them.
	#[arg(long, value_name = "N", default_value_t = 20)]
	repeat: u32,
	/// Folder of what is built.
	#[arg(long, value_name = "DIR", env = "CARGO_TARGET_DIR")]
	target_dir: PathBuf,
	/// A folder of pallets/; all without one.
	#[arg(value_name = "PALLET")]
	pallets: Vec<String>,
}

/// Builds the measuring tool and the runtime with its benchmarks, and measures.
///
/// # Errors
/// There is no such pallet, or a program fails.
pub(crate) fn run(root: &Path, options: &Options) -> Result<ExitCode> {
	let pallets = chosen(&root.join("pallets"), &options.pallets)?;
	let tool = timed("measuring tool", || build_tool(root, &options.target_dir))?;
	let runtime = timed("runtime with benchmarks", || build_runtime(root, &options.target_dir))?;
	for pallet in &pallets {
		timed(&format!("measuring pallet-{pallet}"), || {
			let mut measure = Command::new(&tool);
			measure.arg("--runtime").arg(&runtime);
			measure.args(["--genesis-builder", "runtime", "--extrinsic", "*"]);
			measure.args(["--pallet", &format!("pallet_{pallet}")]);
			measure.args(["--steps", &options.steps.to_string()]);
			measure.args(["--repeat", &options.repeat.to_string()]);
			measure.args(["--min-duration", "0", "--disable-proof-recording", "--quiet"]);
			measure.arg("--template").arg(root.join("xtask/weights.hbs"));
			measure.arg("--output").arg(root.join("pallets").join(pallet).join("src/weights.rs"));
			run_program(&mut measure)
		})?;
	}
	run_program(cargo(root).args(["fmt", "--all"]))?;
	say("done: review the change with git diff pallets/*/src/weights.rs, then run scripts/test");
	Ok(ExitCode::SUCCESS)
}

/// The pallets that are asked for, or all in the folder.
fn chosen(folder: &Path, asked: &[String]) -> Result<Vec<String>> {
	let entries = fs::read_dir(folder).with_context(|| folder.display().to_string())?;
	let crates = entries.flatten().filter(|entry| entry.path().join("Cargo.toml").is_file());
	let mut all: Vec<String> =
		crates.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
	all.sort();
	if let Some(unknown) = asked.iter().find(|pallet| !all.contains(pallet)) {
		bail!("there is no pallet {unknown}: pallets/ has {}", all.join(", "));
	}
	Ok(if asked.is_empty() { all } else { asked.to_vec() })
}

/// The tool that measures, built with a profile of its own.
fn build_tool(root: &Path, target_dir: &Path) -> Result<PathBuf> {
	let manifest = root.join("Cargo.toml");
	let manifest = fs::read_to_string(&manifest).with_context(|| manifest.display().to_string())?;
	let profile = tempfile::Builder::new().suffix(".toml").tempfile().context("a profile")?;
	fs::write(profile.path(), bench_profile(&manifest).context("Cargo.toml")?)?;
	let mut build = cargo(root);
	build.args(["build", "--locked"]).arg("--config").arg(profile.path());
	build.arg("--manifest-path").arg(root.join("runtime/bencher/Cargo.toml"));
	run_program(build.env("SKIP_WASM_BUILD", "1").env("CARGO_TARGET_DIR", target_dir))?;
	Ok(target_dir.join("debug/assay-bencher"))
}

/// The development profile of a workspace, with what is to be optimised.
fn bench_profile(manifest: &str) -> Result<String> {
	let manifest: Table = manifest.parse()?;
	let dev = manifest.get("profile").and_then(|profile| profile.get("dev"));
	let mut dev = dev.and_then(Value::as_table).context("there is no [profile.dev]")?.clone();
	let packages = dev.entry("package").or_insert_with(|| Table::new().into());
	let packages = packages.as_table_mut().context("[profile.dev.package] is no table")?;
	for name in OPTIMISED {
		packages.insert(name.into(), table("opt-level", 3.into()).into());
	}
	Ok(toml::to_string(&table("profile", table("dev", dev.into()).into()))?)
}

fn table(key: &str, value: Value) -> Table {
	let mut table = Table::new();
	table.insert(key.into(), value);
	table
}

/// The runtime with its benchmarks, as Wasm only: a native build with benchmarks would replace the blob that
/// the node embeds. The flags are those of the SDK's builder; what Binaryen would still save is left out:
/// weights err upwards.
fn build_runtime(root: &Path, target_dir: &Path) -> Result<PathBuf> {
	const FLAGS: &str = "-C target-cpu=mvp -C link-arg=--export-table --cfg substrate_runtime";
	let mut build = cargo(root);
	build.args(["rustc", "--locked", "--release", "-p", "assay-runtime", "--lib"]);
	build.args(["--crate-type", "cdylib", "--target", "wasm32v1-none"]);
	build.args(["--no-default-features", "--features", "runtime-benchmarks"]);
	run_program(build.env("RUSTFLAGS", FLAGS).env("CARGO_TARGET_DIR", target_dir))?;
	Ok(target_dir.join("wasm32v1-none/release/assay_runtime.wasm"))
}

#[cfg(test)]
mod tests {
	use super::*;

	const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

	#[test]
	fn pallets_are_folders_here() {
		let folder = Path::new(ROOT).join("pallets");
		let all = chosen(&folder, &[]).unwrap();
		assert_eq!(all, ["challenges", "jobs", "models", "operators"]);
		assert_eq!(chosen(&folder, &["jobs".into()]).unwrap(), ["jobs"]);
		let unknown = chosen(&folder, &["jobs".into(), "job".into()]).unwrap_err().to_string();
		assert!(
			unknown.starts_with("there is no pallet job: pallets/ has challenges, "),
			"{unknown}"
		);
	}

	#[test]
	fn the_profile_is_the_workspaces_and_more() {
		let manifest = fs::read_to_string(Path::new(ROOT).join("Cargo.toml")).unwrap();
		let made: Table = bench_profile(&manifest).unwrap().parse().unwrap();
		let dev = |table: &Table| table["profile"]["dev"].as_table().unwrap().clone();
		let (ours, made) = (dev(&manifest.parse().unwrap()), dev(&made));
		for (key, value) in ours.iter().filter(|(key, _)| *key != "package") {
			assert_eq!(made.get(key), Some(value), "{key}");
		}
		let packages = made["package"].as_table().unwrap();
		for (name, profile) in ours["package"].as_table().unwrap() {
			assert_eq!(packages.get(name), Some(profile), "{name}");
		}
		for name in OPTIMISED {
			assert_eq!(packages[name]["opt-level"], Value::from(3), "{name}");
		}
		assert!(bench_profile("[workspace]").is_err());
	}
}
