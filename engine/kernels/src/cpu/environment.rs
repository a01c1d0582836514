//! The floating-point control register, which must not flush subnormals to zero.
//!
//! A library that was loaded with fast-math start-up code, or a caller's thread, may have set
//! flush-to-zero or another rounding mode. Results are committed to bit by bit, so every kernel
//! runs under the default environment and puts the caller's back afterwards.

/// Holds the default environment; dropping it restores what was there before.
pub(crate) struct Environment {
	previous: Option<Control>,
}

#[cfg(target_arch = "x86_64")]
type Control = u32;
#[cfg(target_arch = "aarch64")]
type Control = u64;
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
type Control = ();

/// What matters of MXCSR: flush-to-zero, rounding, exception masks and denormals-are-zero.
#[cfg(target_arch = "x86_64")]
const RELEVANT: Control = 0xffc0;
#[cfg(target_arch = "x86_64")]
const DEFAULT: Control = 0x1f80;
/// What matters of FPCR: default-NaN, flush-to-zero, rounding and half-precision flush.
#[cfg(target_arch = "aarch64")]
const RELEVANT: Control = 0x07c8_0000;
#[cfg(target_arch = "aarch64")]
const DEFAULT: Control = 0;

#[cfg(target_arch = "x86_64")]
fn read() -> Control {
	let mut value: u32 = 0;
	// SAFETY: stores the control register to a local.
	unsafe { core::arch::asm!("stmxcsr [{}]", in(reg) &mut value, options(nostack)) };
	value
}

#[cfg(target_arch = "x86_64")]
fn write(value: Control) {
	// SAFETY: loads the control register with a value read from it, or with the default.
	unsafe { core::arch::asm!("ldmxcsr [{}]", in(reg) &value, options(nostack)) };
}

#[cfg(target_arch = "aarch64")]
fn read() -> Control {
	let value: u64;
	// SAFETY: reads the control register.
	unsafe { core::arch::asm!("mrs {}, fpcr", out(reg) value, options(nomem, nostack)) };
	value
}

#[cfg(target_arch = "aarch64")]
fn write(value: Control) {
	// SAFETY: writes the control register with a value read from it, or with the default.
	unsafe { core::arch::asm!("msr fpcr, {}", in(reg) value, options(nostack)) };
}

impl Environment {
	/// Sets the default environment on this thread.
	#[cfg(all(any(target_arch = "x86_64", target_arch = "aarch64"), not(miri)))]
	pub(crate) fn enter() -> Environment {
		let now = read();
		if now & RELEVANT == DEFAULT & RELEVANT {
			return Environment { previous: None };
		}
		write(DEFAULT);
		Environment { previous: Some(now) }
	}

	/// Other processors have no such register that Rust code could have changed, nor has Miri.
	#[cfg(not(all(any(target_arch = "x86_64", target_arch = "aarch64"), not(miri))))]
	pub(crate) fn enter() -> Environment {
		Environment { previous: None }
	}
}

impl Drop for Environment {
	fn drop(&mut self) {
		#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
		if let Some(previous) = self.previous {
			write(previous);
		}
	}
}

/// Does `work` with subnormals kept and rounding to nearest, whatever the caller's thread is set to.
///
/// [`crate::execute`] does so by itself; this is for other arithmetic whose results are committed to.
pub fn in_default_environment<T>(work: impl FnOnce() -> T) -> T {
	let _environment = Environment::enter();
	work()
}

#[cfg(all(test, target_arch = "x86_64"))]
mod tests {
	use super::*;

	#[test]
	fn flush_to_zero_is_lifted_and_restored() {
		let before = read();
		write(before | 0x8040);
		{
			let _environment = Environment::enter();
			assert_eq!(read() & 0x8040, 0);
		}
		let after = read();
		write(before);
		assert_eq!(after & 0x8040, 0x8040);
	}
}
