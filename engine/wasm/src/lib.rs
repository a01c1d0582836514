//! The referee's Wasm, run as the node's executor runs the runtime.
//!
//! The chain decides disputes in Wasm. What is compared elsewhere is the same source compiled for
//! the processor; this crate builds the referee for the runtime's target, loads it into the same
//! Wasmtime with the same settings, and asks it for elements and verdicts. Nothing links it but its
//! own tests.

use assay_referee::{Commitments, FaultProof, OpRecord};
use codec::Encode;
use std::{
	path::{Path, PathBuf},
	process::Command,
	time::{Duration, Instant},
};
use wasmtime::{Config, Engine, Instance, Memory, Module, OptLevel, Result, Store, TypedFunc};

/// Calls after which a fresh instance is taken, as the executor does for every call; here, to keep
/// the memory small.
const CALLS: u32 = 256;

/// Settings of `sc-executor` 0.51 for a runtime: `sc-executor-wasmtime`'s `common_config` with the
/// semantics that `sc-executor`'s `wasm_runtime.rs` gives it.
fn config() -> Config {
	let mut config = Config::new();
	config.cranelift_opt_level(OptLevel::SpeedAndSize);
	config.cranelift_nan_canonicalization(false);
	config.max_wasm_stack(1024 * 1024);
	config.parallel_compilation(true);
	config.wasm_reference_types(false);
	config.wasm_simd(false);
	config.wasm_relaxed_simd(false);
	config.wasm_bulk_memory(false);
	config.wasm_multi_value(false);
	config.wasm_multi_memory(false);
	config.wasm_memory64(false);
	config.wasm_tail_call(false);
	config.wasm_extended_const(false);
	config.memory_init_cow(true);
	config
}

/// Builds the module with the cargo that runs the test, into the target folder that it uses.
///
/// # Errors
/// Cargo cannot be run or fails; its output says why.
fn build() -> Result<PathBuf> {
	let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
	let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
	let target = match std::env::var_os("CARGO_TARGET_DIR") {
		Some(folder) => root.join(folder),
		None => root.join("target"),
	};
	// As the runtime's own Wasm: release, and no instruction beyond the first version's.
	let output = Command::new(cargo)
		.args(["build", "--locked", "--release", "--target", "wasm32v1-none"])
		.args(["--package", "assay-referee-wasm"])
		.current_dir(&root)
		.env("CARGO_TARGET_DIR", &target)
		.env_remove("RUSTFLAGS")
		.output()?;
	if !output.status.success() {
		let log = String::from_utf8_lossy(&output.stderr).into_owned();
		return Err(wasmtime::Error::msg(format!("the referee does not build for Wasm:\n{log}")));
	}
	Ok(target.join("wasm32v1-none/release/assay_referee_wasm.wasm"))
}

/// The compiled module.
pub struct Referee {
	engine: Engine,
	module: Module,
	instance: Option<(u32, Running)>,
}

/// An instance and its exports.
struct Running {
	store: Store<()>,
	memory: Memory,
	allocate: TypedFunc<u32, u32>,
	elements: TypedFunc<(u32, u32, u32), u32>,
	judge: TypedFunc<(u32, u32), u32>,
	chains: TypedFunc<(u32, u32, u32), u32>,
}

impl Referee {
	/// Builds and compiles the module.
	///
	/// # Errors
	/// The build fails, or the module uses what the configuration does not allow.
	pub fn new() -> Result<Referee> {
		Referee::load(&build()?)
	}

	/// Compiles a module that was built before.
	///
	/// # Errors
	/// It cannot be read, or uses what the configuration does not allow.
	pub fn load(path: &Path) -> Result<Referee> {
		let engine = Engine::new(&config())?;
		let module = Module::from_file(&engine, path)?;
		Ok(Referee { engine, module, instance: None })
	}

	fn running(&mut self) -> Result<&mut Running> {
		if self.instance.as_ref().is_none_or(|(calls, _)| *calls == CALLS) {
			let mut store = Store::new(&self.engine, ());
			let instance = Instance::new(&mut store, &self.module, &[])?;
			let missing = || wasmtime::Error::msg("the module exports no memory");
			let memory = instance.get_memory(&mut store, "memory").ok_or_else(missing)?;
			let allocate = instance.get_typed_func(&mut store, "allocate")?;
			let elements = instance.get_typed_func(&mut store, "elements")?;
			let judge = instance.get_typed_func(&mut store, "judge")?;
			let chains = instance.get_typed_func(&mut store, "chains")?;
			let running = Running { store, memory, allocate, elements, judge, chains };
			self.instance = Some((0, running));
		}
		let (calls, running) = self.instance.as_mut().ok_or_else(|| {
			wasmtime::Error::msg("there is no instance") // It has just been made.
		})?;
		*calls += 1;
		Ok(running)
	}

	/// Canonical bits of elements of `op`'s output, whose operand `i` has the bytes `operands[i]`.
	///
	/// # Errors
	/// A trap, an invalid record, wrong lengths, or an element that reads outside.
	pub fn elements(
		&mut self,
		op: &OpRecord,
		operands: &[&[u8]],
		indices: &[u64],
	) -> Result<Vec<u64>> {
		let record = op.to_bytes().map_err(|error| wasmtime::Error::msg(format!("{error:?}")))?;
		let indices: Vec<u8> = indices.iter().flat_map(|index| index.to_le_bytes()).collect();
		let parts: Vec<&[u8]> = [&[&record[..]], operands, &[&indices[..]]].concat();
		let running = self.running()?;
		let (at, len) = running.write(&parts)?;
		let count = (indices.len() / 8) as u32;
		match running.elements.call(&mut running.store, (at, len, count))? {
			0 => {},
			code => return Err(wasmtime::Error::msg(format!("elements returned {code}: {op:?}"))),
		}
		let mut found = vec![0; indices.len()];
		running.memory.read(&running.store, (at + len) as usize - found.len(), &mut found)?;
		Ok(found.as_chunks().0.iter().map(|bits| u64::from_le_bytes(*bits)).collect())
	}

	/// The op that a proof shows to be wrong; `None` when it proves nothing.
	///
	/// # Errors
	/// A trap.
	pub fn judge(&mut self, commitments: &Commitments, proof: &FaultProof) -> Result<Option<u32>> {
		let (commitments, proof) = (commitments.encode(), proof.encode());
		let running = self.running()?;
		let (at, len) = running.write(&[&commitments, &proof])?;
		let entry = running.judge.call(&mut running.store, (at, len))?;
		Ok((entry != u32::MAX).then_some(entry))
	}

	/// The least time, in nanoseconds, of a multiply-add in chains of 256, measured for so long: `factors`
	/// are the first factors' bits and then as many second ones.
	///
	/// # Errors
	/// A trap.
	pub fn time_of_multiply_add(&mut self, factors: &[u8], time: Duration) -> Result<f64> {
		const ROUNDS: u32 = 16;
		let (start, mut least) = (Instant::now(), f64::INFINITY);
		while start.elapsed() < time {
			let running = self.running()?;
			let (at, len) = running.write(&[factors])?;
			let start = Instant::now();
			running.chains.call(&mut running.store, (at, len, ROUNDS))?;
			least = least.min(start.elapsed().as_nanos() as f64);
		}
		Ok(least / f64::from(ROUNDS) / (factors.len() / 8) as f64)
	}
}

impl Running {
	/// Writes the parts one after another; gives the place and the length.
	fn write(&mut self, parts: &[&[u8]]) -> Result<(u32, u32)> {
		let len: usize = parts.iter().map(|part| part.len()).sum();
		let at = self.allocate.call(&mut self.store, len as u32)?;
		let mut place = at as usize;
		for part in parts {
			self.memory.write(&mut self.store, place, part)?;
			place += part.len();
		}
		Ok((at, len as u32))
	}
}
