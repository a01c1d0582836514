//! Bytes seen as elements.

/// Plain numbers: every bit pattern is a value.
///
/// # Safety
/// The type has no padding and no invalid bit patterns.
pub(crate) unsafe trait Pod: Copy + Send + Sync + 'static {}

// SAFETY: numbers.
unsafe impl Pod for f32 {}
// SAFETY: numbers.
unsafe impl Pod for i32 {}
// SAFETY: numbers.
unsafe impl Pod for u32 {}
// SAFETY: numbers.
unsafe impl Pod for i64 {}
// SAFETY: numbers.
unsafe impl Pod for u64 {}
// SAFETY: numbers.
unsafe impl Pod for u8 {}
// SAFETY: numbers.
unsafe impl Pod for i8 {}

/// The bytes as elements; `None` when they are not aligned for it, or on a big-endian machine
/// (the slow path then reads them byte by byte).
pub(crate) fn view<T: Pod>(bytes: &[u8]) -> Option<&[T]> {
	// SAFETY: `Pod` types accept any bytes.
	let (head, body, tail) = unsafe { bytes.align_to::<T>() };
	(cfg!(target_endian = "little") && head.is_empty() && tail.is_empty()).then_some(body)
}

/// As [`view`], for writing.
pub(crate) fn view_mut<T: Pod>(bytes: &mut [u8]) -> Option<&mut [T]> {
	// SAFETY: `Pod` types accept any bytes and have no padding.
	let (head, body, tail) = unsafe { bytes.align_to_mut::<T>() };
	(cfg!(target_endian = "little") && head.is_empty() && tail.is_empty()).then_some(body)
}
