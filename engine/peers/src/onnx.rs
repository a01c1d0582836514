//! ONNX models in tract and in rten.

use crate::{times, Arc, Result};
use rten_tensor::Tensor as RtenTensor;
use std::hint::black_box;
use tract_onnx::prelude::*;
use tract_onnx::tract_core::tract_linalg::multithread::{set_default_executor, Executor};

/// One input of the model.
#[derive(serde::Deserialize)]
struct Input {
	name: String,
	/// As NumPy calls it.
	dtype: String,
	shape: Vec<usize>,
	/// Where its elements are.
	file: std::path::PathBuf,
}

impl Input {
	fn bytes(&self) -> Result<Vec<u8>> {
		Ok(std::fs::read(&self.file)?)
	}

	fn unknown<T>(&self) -> Result<T> {
		Err(format!("input {} of type {}", self.name, self.dtype).into())
	}
}

/// The shortest and the middle time of `repeat` runs of a model, in milliseconds.
///
/// # Errors
/// The library cannot load or run it; its panics count as that.
pub(crate) fn time(
	peer: &str,
	model: &str,
	inputs: &str,
	threads: usize,
	repeat: usize,
) -> Result<(f64, f64)> {
	let inputs: Vec<Input> = serde_json::from_slice(&std::fs::read(inputs)?)?;
	// The message is what is answered; the default hook would print it among the figures.
	std::panic::set_hook(Box::new(|_| ()));
	let run = || match peer {
		"tract" => tract(model, &inputs, threads, repeat),
		_ => rten(model, &inputs, threads, repeat),
	};
	std::panic::catch_unwind(std::panic::AssertUnwindSafe(run)).unwrap_or_else(|panic| {
		let message = panic.downcast_ref::<String>().map(String::as_str);
		let message = message.or(panic.downcast_ref::<&str>().copied()).unwrap_or("no message");
		Err(format!("panics: {message}").into())
	})
}

/// In tract a model is optimised for the shapes of its inputs.
fn tract(model: &str, inputs: &[Input], threads: usize, repeat: usize) -> Result<(f64, f64)> {
	set_default_executor(match threads {
		1 => Executor::SingleThread,
		_ => Executor::multithread(threads),
	});
	let mut model = tract_onnx::onnx().model_for_path(model)?;
	let mut values = TVec::new();
	for (slot, outlet) in model.input_outlets()?.to_vec().into_iter().enumerate() {
		let name = model.node(outlet.node).name.clone();
		let input = inputs.iter().find(|input| input.name == name);
		let input = input.ok_or_else(|| format!("no input {name} was given"))?;
		let (bytes, shape) = (input.bytes()?, &input.shape);
		// SAFETY: these types have no invalid bit patterns; the length is checked against the shape.
		let tensor = unsafe {
			match &*input.dtype {
				"float32" => Tensor::from_raw::<f32>(shape, &bytes)?,
				"int32" => Tensor::from_raw::<i32>(shape, &bytes)?,
				"int64" => Tensor::from_raw::<i64>(shape, &bytes)?,
				_ => return input.unknown(),
			}
		};
		// A scalar may decide the shapes of others, so it is made known before the model is optimised.
		let fact = if shape.is_empty() {
			InferenceFact::from(tensor.clone())
		} else {
			InferenceFact::dt_shape(tensor.datum_type(), shape)
		};
		model.set_input_fact(slot, fact)?;
		values.push(tensor.into_tvalue());
	}
	let model = model.into_optimized()?.into_runnable()?;
	times(repeat, || {
		black_box(model.run(values.clone())?);
		Ok(())
	})
}

/// rten takes shapes as they come; it has no numbers of 64 bits and reads them as 32.
fn rten(model: &str, inputs: &[Input], threads: usize, repeat: usize) -> Result<(f64, f64)> {
	let model = ::rten::Model::load_file(model)?;
	let pool = Arc::new(::rten::ThreadPool::with_num_threads(threads));
	let mut values = Vec::new();
	for input in inputs {
		let (bytes, shape) = (input.bytes()?, &input.shape);
		let value: ::rten::Value = match &*input.dtype {
			"float32" => {
				let numbers = bytes.as_chunks().0.iter().map(|x| f32::from_le_bytes(*x));
				RtenTensor::from_data(shape, numbers.collect::<Vec<f32>>()).into()
			},
			"int32" => {
				let numbers = bytes.as_chunks().0.iter().map(|x| i32::from_le_bytes(*x));
				RtenTensor::from_data(shape, numbers.collect::<Vec<i32>>()).into()
			},
			"int64" => {
				let numbers = bytes.as_chunks().0.iter().map(|x| i64::from_le_bytes(*x) as i32);
				RtenTensor::from_data(shape, numbers.collect::<Vec<i32>>()).into()
			},
			_ => return input.unknown(),
		};
		values.push((model.node_id(&input.name)?, value));
	}
	times(repeat, || {
		let options = ::rten::RunOptions::default().with_thread_pool(Some(pool.clone()));
		let inputs = values.iter().map(|(id, value)| (*id, value.into())).collect();
		black_box(model.run(inputs, model.output_ids(), Some(options))?);
		Ok(())
	})
}
