//! Elementary functions over [`Arith`](super::Arith), internals f64 `+ - * /` only.
