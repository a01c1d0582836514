//! Models as ONNX files have them, and what they are run on.

pub mod models;
pub mod net;
pub mod seeded;
