//! Operators that join the elements of axes: sums, extremes, softmax, normalisations, losses.

pub(crate) mod cumulative;
pub(crate) mod layer_norm;
pub(crate) mod loss;
pub(crate) mod norm;
pub(crate) mod reduce;
pub(crate) mod softmax;
