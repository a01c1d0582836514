//! The processor: its instruction sets, its floats, and memory as it likes it.

mod buffer;
mod environment;
mod hard;
mod isa;
pub(crate) mod simd;
mod view;

pub use buffer::{split_borrow, Buffer, Split};
pub use environment::in_default_environment;
pub(crate) use environment::Environment;
pub use hard::{fma32_to_odd, Hard};
pub use isa::Isa;
pub(crate) use isa::{dispatch, dispatch_simd, Kernel, Level, SimdKernel};
pub(crate) use view::{view, view_mut, Pod};
