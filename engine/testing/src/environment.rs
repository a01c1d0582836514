//! A thread that flushes subnormals to zero and rounds upwards, as a library may have left it.

/// Sets the control register: flush-to-zero, denormals-are-zero, rounding upwards; returns what it
/// was.
#[cfg(target_arch = "x86_64")]
fn spoil() -> u64 {
	let (mut before, after) = (0u32, 0xd840u32 | 0x1f80);
	// SAFETY: stores the control register to a local and loads it with valid bits; all exceptions
	// stay masked.
	unsafe {
		core::arch::asm!("stmxcsr [{}]", in(reg) &mut before, options(nostack));
		core::arch::asm!("ldmxcsr [{}]", in(reg) &after, options(nostack));
	}
	before.into()
}

#[cfg(target_arch = "x86_64")]
fn restore(before: u64) {
	let before = before as u32;
	// SAFETY: loads what `spoil` found.
	unsafe { core::arch::asm!("ldmxcsr [{}]", in(reg) &before, options(nostack)) };
}

#[cfg(target_arch = "aarch64")]
fn spoil() -> u64 {
	let before: u64;
	// SAFETY: reads the control register and sets flush-to-zero and the rounding mode.
	unsafe {
		core::arch::asm!("mrs {}, fpcr", out(reg) before, options(nostack));
		core::arch::asm!("msr fpcr, {}", in(reg) before | 1 << 24 | 1 << 22, options(nostack));
	}
	before
}

#[cfg(target_arch = "aarch64")]
fn restore(before: u64) {
	// SAFETY: writes what `spoil` found.
	unsafe { core::arch::asm!("msr fpcr, {}", in(reg) before, options(nostack)) };
}

/// Does the work under the spoilt register, on this thread and on threads that inherit it.
///
/// # Panics
/// When the register does not do what it was set to.
pub fn spoilt<T>(work: impl FnOnce() -> T) -> T {
	let before = spoil();
	let [tiny, one] = std::hint::black_box([f32::MIN_POSITIVE, 1.0]);
	let (half, sum) = (std::hint::black_box(tiny / 2.0), std::hint::black_box(one + tiny));
	let result = work();
	restore(before);
	assert_eq!(half, 0.0, "the register flushes");
	assert!(sum > 1.0, "the register rounds upwards");
	result
}
