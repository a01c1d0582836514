//! Between floats and numbers of few bits.

pub(crate) mod linear;
pub(crate) mod packed;
pub(crate) mod scales;
