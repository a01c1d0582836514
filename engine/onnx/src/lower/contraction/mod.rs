//! Sums of products: matrices, convolutions, index expressions; of floats and of 8-bit values.

pub(crate) mod algebra;
pub(crate) mod conv;
mod dequantized;
mod integer;
mod integer_conv;
pub(crate) mod matmul;
pub(crate) mod nbits;
pub(crate) mod product;
pub(crate) mod quantized;
pub(crate) mod transposed;
mod whole;
pub(crate) mod windows;
