//! Classical machine learning: features, linear models and ensembles of trees, mostly over rows `[n, features]`.

mod coupling;
pub(super) mod encode;
pub(super) mod features;
pub(super) mod linear;
mod scores;
pub(super) mod svm;
pub(super) mod trees;
